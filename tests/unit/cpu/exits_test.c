/* SPDX-License-Identifier: GPL-2.0-only */
/* Exits: sensitive instructions by ring, marks, faults, intents, limits. */
#include "guest.h"

#include "cpu/internal.h"

static struct guest *machine(const uint8_t *code, const uint8_t *end, unsigned ring)
{
    struct guest *g = guest_new(4u << 20);
    guest_put(g, G_CODE, code, end);
    guest_start(g, ring, G_CODE);
    return g;
}
#define MACHINE(name, ring) machine(name, name##_end, ring)

static const struct cpu_exit *only(struct guest *g, enum exit_kind kind, uint32_t eip, uint8_t len)
{
    assert_true(g->logged >= 1);
    assert_int_equal(g->log[0].kind, kind);
    assert_int_equal(g->log[0].eip, eip);
    assert_int_equal(g->log[0].len, len);
    return &g->log[0];
}

/* ---- the table: instruction x ring ---- */

/* nop first, so that the instruction lies inside its block; then a marker in EBX. */
#define INSN(name, text) GUEST_CODE(name, "nop\n nop\n" text "\n mov $0x600d,%ebx\n jmp .")
INSN(i_in, "in $0x60,%al");
INSN(i_out, "out %eax,(%dx)");
INSN(i_ins, "insb");
INSN(i_outs, "outsl");
INSN(i_cpuid, "cpuid");
INSN(i_rdtsc, "rdtsc");
INSN(i_rdtscp, "rdtscp");
INSN(i_rdmsr, "rdmsr");
INSN(i_wrmsr, "wrmsr");
INSN(i_rdpmc, "rdpmc");
INSN(i_from_dr, "mov %db7,%eax");
INSN(i_to_dr, "mov %eax,%db7");
INSN(i_sysenter, "sysenter");
INSN(i_syscall, "syscall");
INSN(i_icebp, ".byte 0xf1");
INSN(i_hlt, "hlt");
INSN(i_ud2, "ud2");
INSN(i_cli, "cli");
INSN(i_lgdt, "lgdt 0x800");
INSN(i_to_cr3, "mov %eax,%cr3");

enum { GP0 = 256 + X86_GP, UD = 256 + X86_UD, DB = 256 + X86_DB, NOTHING = 512 };

static const struct {
    const uint8_t *code, *end;
    uint8_t len;
    uint16_t ring[4]; /* an exit kind, or a fault */
} table[] = {
#define ROW(name, len, r0, r1, r3) \
    {                              \
        name, name##_end, len,     \
        {                          \
            r0, r1, r1, r3         \
        }                          \
    }
    ROW(i_in, 2, EXIT_IO, GP0, GP0),
    ROW(i_out, 1, EXIT_IO, GP0, GP0),
    ROW(i_ins, 1, EXIT_IO, GP0, GP0),
    ROW(i_outs, 1, EXIT_IO, GP0, GP0),
    ROW(i_cpuid, 2, EXIT_CPUID, EXIT_CPUID, EXIT_CPUID),
    ROW(i_rdtsc, 2, EXIT_RDTSC, EXIT_RDTSC, EXIT_RDTSC),
    ROW(i_rdtscp, 3, EXIT_RDTSC, EXIT_RDTSC, EXIT_RDTSC),
    ROW(i_rdmsr, 2, EXIT_MSR, GP0, GP0),
    ROW(i_wrmsr, 2, EXIT_MSR, GP0, GP0),
    ROW(i_rdpmc, 2, EXIT_MSR, GP0, GP0),
    ROW(i_from_dr, 3, EXIT_DR, GP0, GP0),
    ROW(i_to_dr, 3, EXIT_DR, GP0, GP0),
    ROW(i_sysenter, 2, EXIT_SYSENTER, EXIT_SYSENTER, EXIT_SYSENTER),
    ROW(i_syscall, 2, UD, UD, UD),
    ROW(i_icebp, 1, DB, DB, DB),
    ROW(i_hlt, 1, EXIT_HLT, GP0, GP0),
    ROW(i_ud2, 2, UD, UD, UD),
    ROW(i_cli, 1, NOTHING, GP0, GP0),
    ROW(i_lgdt, 7, NOTHING, GP0, GP0),
    ROW(i_to_cr3, 3, NOTHING, GP0, GP0),
};

static bool leave_at_first(struct guest *g, struct cpu_exit *x, enum cpu_act *act)
{
    (void)g, (void)x;
    *act = CPU_LEAVE;
    return true;
}

static void instructions_by_ring(void **state)
{
    (void)state;
    for (unsigned i = 0; i < sizeof table / sizeof table[0]; i++)
        for (unsigned ring = 0; ring < 4; ring++) {
            struct guest *g = machine(table[i].code, table[i].end, ring);
            uint32_t at = G_CODE + 2;
            uint16_t want = table[i].ring[ring];
            g->on_exit = leave_at_first;
            enum cpu_stop stop = cpu_run(g->c, 50);
            if (want == NOTHING) {
                assert_int_equal(stop, CPU_UNTIL);
                assert_int_equal(g->logged, 0);
                assert_int_equal(cpu_gpr(g->c, R_EBX), 0x600d);
                guest_free(g);
                continue;
            }
            assert_int_equal(stop, CPU_LEFT);
            if (want < 256) {
                only(g, want, at, table[i].len);
            } else {
                if (want == DB) /* a trap */
                    at += table[i].len;
                const struct cpu_exit *x = only(g, EXIT_FAULT, at, 0);
                assert_int_equal(x->fault.vector, want - 256);
                assert_int_equal(x->fault.has_error, want == GP0);
                assert_int_equal(x->fault.error, 0);
            }
            assert_int_equal(g->at[0], 3); /* the attempted instruction counts */
            assert_int_equal(cpu_now(g->c), 3);
            guest_free(g);
        }
}

/* ---- ports ---- */

GUEST_CODE(ports, "mov $0x11223344,%eax\n"
                  "mov $0x3f8,%edx\n"
                  "out %al,(%dx)\n"
                  "out %ax,(%dx)\n"
                  "out %eax,$0x80\n"
                  "in (%dx),%al\n"
                  "mov %eax,%ebx\n"
                  "in (%dx),%ax\n"
                  "mov %eax,%ecx\n"
                  "in (%dx),%eax\n"
                  "jmp .");
static void port_widths(void **state)
{
    (void)state;
    struct guest *g = MACHINE(ports, 0);
    g->data_eax = 0xaabbccdd;
    assert_false(guest_run(g, 11));
    static const struct {
        uint16_t port;
        uint8_t size, in;
        uint32_t value;
    } want[] = {{0x3f8, 1, 0, 0x44}, {0x3f8, 2, 0, 0x3344}, {0x80, 4, 0, 0x11223344},
                {0x3f8, 1, 1, 0},    {0x3f8, 2, 1, 0},      {0x3f8, 4, 1, 0}};
    assert_int_equal(g->logged, 6);
    for (unsigned i = 0; i < 6; i++) {
        assert_int_equal(g->log[i].io.port, want[i].port);
        assert_int_equal(g->log[i].io.size, want[i].size);
        assert_int_equal(g->log[i].io.in, want[i].in);
        if (!want[i].in)
            assert_int_equal(g->log[i].io.value, want[i].value);
    }
    assert_int_equal(cpu_gpr(g->c, R_EBX), 0x112233dd);
    assert_int_equal(cpu_gpr(g->c, R_ECX), 0x1122ccdd);
    assert_int_equal(cpu_gpr(g->c, R_EAX), 0xaabbccdd);
    guest_free(g);
}

/* IOPL 3, or a bit in the TSS, lets ring 3 through. */
static void port_permission(void **state)
{
    (void)state;
    struct guest *g = MACHINE(i_in, 3);
    cpu_regs_rw(g->c)->eflags |= FL_IOPL;
    assert_false(guest_run(g, 5));
    assert_int_equal(g->exits[EXIT_IO], 1);
    guest_free(g);

    g = MACHINE(i_in, 3);
    struct x86_regs *r = cpu_regs_rw(g->c);
    r->tr.limit = 104 + 32;
    uint8_t bits[33];
    memset(bits, 0, sizeof bits);
    assert_true(mem_write(g->m, MADDR(G_TSS + 104), bits, sizeof bits));
    assert_false(guest_run(g, 5));
    assert_int_equal(g->exits[EXIT_IO], 1);
    assert_int_equal(g->exits[EXIT_FAULT], 0);
    guest_free(g);
}

GUEST_CODE(port_strings, "mov $0x10ffe,%edi\n" /* across two pages */
                         "mov $5,%ecx\n"
                         "mov $0x60,%edx\n"
                         "rep insb\n"
                         "std\n"
                         "mov $0x11002,%esi\n"
                         "mov $2,%ecx\n"
                         "rep outsb\n"
                         "cld\n"
                         "xor %ecx,%ecx\n"
                         "rep insl\n"
                         "insw\n"
                         "jmp .");
static bool count_up(struct guest *g, struct cpu_exit *x, enum cpu_act *act)
{
    if (x->kind != EXIT_IO)
        return false;
    if (x->io.in)
        x->io.value = 0x40 + g->exits[EXIT_IO];
    *act = CPU_DONE;
    return true;
}
static void port_string_instructions(void **state)
{
    (void)state;
    struct guest *g = MACHINE(port_strings, 0);
    g->on_exit = count_up;
    assert_false(guest_run(g, 40));
    uint8_t got[7];
    assert_true(mem_read(g->m, MADDR(0x10ffe), got, 7));
    assert_memory_equal(got, "\x41\x42\x43\x44\x45\x48\x00", 7);
    assert_int_equal(g->exits[EXIT_IO], 8);
    assert_int_equal(g->log[5].io.value, 0x45);
    assert_int_equal(g->log[6].io.value, 0x44);
    assert_int_equal(g->log[7].io.size, 2);
    assert_int_equal(cpu_gpr(g->c, R_ESI), 0x11000);
    assert_int_equal(cpu_gpr(g->c, R_EDI), 0x11005);
    assert_int_equal(cpu_gpr(g->c, R_ECX), 0);
    /* 3 + 5 items, 3 + 2 items, 3 + 1 */
    assert_int_equal(g->at[7], 3 + 5 + 3 + 2 + 4);
    guest_free(g);

    /* The second page is missing: three... two items come in, and no port is read for the third. */
    g = MACHINE(port_strings, 0);
    g->on_exit = count_up;
    guest_paging(g);
    guest_set_word(g, G_PT + 0x11 * 4, 0);
    cpu_run(g->c, 6);
    assert_int_equal(g->exits[EXIT_IO], 2);
    assert_int_equal(g->log[2].kind, EXIT_FAULT);
    assert_int_equal(g->log[2].fault.vector, X86_PF);
    assert_int_equal(g->log[2].fault.cr2, 0x11000);
    assert_int_equal(g->log[2].fault.error, PF_W);
    guest_free(g);
}

/* ---- time stamps, MSRs, debug registers ---- */

GUEST_CODE(stamps, "rdtsc\n mov %eax,%ebx\n nop\n rdtsc\n mov $1,%eax\n mov $7,%ecx\n cpuid\n hlt");
static void time_stamps_are_cycles(void **state)
{
    (void)state;
    struct guest *g = MACHINE(stamps, 3);
    cpu_charge(g->c, 0x100000000ull);
    g->on_exit = NULL;
    assert_false(guest_run(g, 0x100000000ull + 7));
    assert_int_equal(cpu_gpr(g->c, R_EAX), 0x11111111);
    assert_int_equal(g->log[1].rdtsc.value, 0x100000004ull);
    assert_int_equal(cpu_instructions(g->c), 7);
    assert_int_equal(g->log[2].cpuid.leaf, 1);
    assert_int_equal(g->log[2].cpuid.subleaf, 7);
    guest_free(g);

    g = MACHINE(stamps, 3); /* CR4.TSD */
    cpu_regs_rw(g->c)->cr4 |= CR4_TSD;
    g->on_exit = leave_at_first;
    cpu_run(g->c, 10);
    assert_int_equal(only(g, EXIT_FAULT, G_CODE, 0)->fault.vector, X86_GP);
    guest_free(g);
}

GUEST_CODE(msrs, "mov $0x174,%ecx\n mov $0x1234,%eax\n mov $9,%edx\n wrmsr\n"
                 "xor %eax,%eax\n xor %edx,%edx\n rdmsr\n mov %eax,%ebx\n"
                 "mov $0x12345,%ecx\n rdmsr\n hlt");
static void model_specific_registers(void **state)
{
    (void)state;
    struct guest *g = MACHINE(msrs, 0);
    guest_gate(g, X86_GP, G_CODE + 0x100, 0xe, 0);
    assert_false(guest_run(g, 10));
    assert_int_equal(cpu_gpr(g->c, R_EBX), 0x1234);
    assert_int_equal(cpu_gpr(g->c, R_EDX), 0); /* SYSENTER_CS has 32 bits here */
    assert_int_equal(g->log[2].msr.index, 0x12345);
    assert_int_equal(g->log[3].kind, EXIT_FAULT); /* the owner said #GP */
    assert_int_equal(g->log[3].fault.vector, X86_GP);
    assert_int_equal(g->log[3].eip, g->log[2].eip);
    assert_int_equal(g->at[3], g->at[2]); /* one attempt, one cycle */
    assert_int_equal(cpu_regs(g->c)->eip, G_CODE + 0x100);
    guest_free(g);
}

/* An execute breakpoint in DR7 used to take the whole process down. */
GUEST_CODE(debug_registers, "mov $0xb010,%eax\n mov %eax,%db0\n mov $0x3,%eax\n mov %eax,%db7\n"
                            "mov %db7,%ebx\n mov %db5,%ecx\n mov %eax,%db6\n mov %db6,%edx\n"
                            ".rept 64\n nop\n .endr\n"
                            "mov %cr4,%eax\n or $8,%eax\n mov %eax,%cr4\n mov %db4,%esi\n hlt");
static void debug_registers_are_ours(void **state)
{
    (void)state;
    struct guest *g = MACHINE(debug_registers, 0);
    assert_true(cpu_run(g->c, 75) == CPU_UNTIL);
    assert_int_equal(cpu_gpr(g->c, R_EBX), 0x403);
    assert_int_equal(cpu_gpr(g->c, R_ECX), 0x403);
    assert_int_equal(cpu_gpr(g->c, R_EDX), 0xffff0ff3);
    g->on_exit = leave_at_first;
    g->logged = 0;
    cpu_run(g->c, 100);
    assert_int_equal(g->log[0].kind, EXIT_FAULT); /* CR4.DE: DR4 is no name any more */
    assert_int_equal(g->log[0].fault.vector, X86_UD);
    struct cpu_state s;
    cpu_state_get(g->c, &s);
    assert_int_equal(s.dr[0], 0xb010);
    assert_int_equal(s.dr[7], 0x403);
    guest_free(g);
}

/* ---- SYSENTER, INT, HLT ---- */

GUEST_CODE(enter, "mov $0xb020,%edx\n mov $0xa000,%ecx\n nop\n sysenter\n nop\n"
                  ".org enter+0x20\n inc %esi\n hlt");
GUEST_CODE(leave_again, "mov $0xb020,%edx\n mov $0x9f00,%ecx\n sysexit");
static void sysenter_and_sysexit(void **state)
{
    (void)state;
    struct guest *g = MACHINE(enter, 3);
    struct cpu_state s;
    cpu_state_get(g->c, &s);
    s.msr_sysenter_cs = SEL_CS0;
    s.msr_sysenter_esp = G_STACK0;
    s.msr_sysenter_eip = G_HANDLERS;
    cpu_state_set(g->c, &s);
    guest_code(g, G_HANDLERS, leave_again);
    cpu_run(g->c, 4);
    assert_int_equal(cpu_regs(g->c)->cpl, 0);
    assert_int_equal(cpu_regs(g->c)->eip, G_HANDLERS);
    assert_int_equal(cpu_regs(g->c)->gpr[R_ESP], G_STACK0);
    assert_int_equal(cpu_regs(g->c)->seg[S_SS].sel, SEL_DS0);
    cpu_run(g->c, 8);
    assert_int_equal(cpu_regs(g->c)->cpl, 3);
    assert_int_equal(cpu_gpr(g->c, R_ESI), 1);
    guest_free(g);

    g = MACHINE(enter, 3); /* SYSENTER_CS is 0 */
    cpu_run(g->c, 4);
    assert_int_equal(g->log[1].kind, EXIT_FAULT);
    assert_int_equal(g->log[1].fault.vector, X86_GP);
    guest_free(g);
}

/* An IRET to the same ring, with these bits added to the EFLAGS of its image. */
#define IRET_WITH(bits)              \
    "pushf\n orl $" bits ",(%esp)\n" \
    "push %cs\n call 1f\n"           \
    "mov $0x600d,%ebx\n jmp .\n"     \
    "1: iret"
GUEST_CODE(iret_plain, IRET_WITH("1"));
GUEST_CODE(iret_to_v86, IRET_WITH("0x20000"));

/* Only ring 0 may enter virtual-8086 mode; the engine would let everybody. */
static void iret_keeps_protected_mode(void **state)
{
    (void)state;
    for (unsigned ring = 1; ring < 4; ring += 2) { /* the GDT has no ring 2 to return to */
        struct guest *g = MACHINE(iret_plain, ring);
        cpu_run(g->c, 20);
        assert_int_equal(g->logged, 0);
        assert_int_equal(cpu_gpr(g->c, R_EBX), 0x600d);
        guest_free(g);

        g = MACHINE(iret_to_v86, ring);
        g->on_exit = leave_at_first;
        assert_int_equal(cpu_run(g->c, 20), CPU_LEFT);
        uint32_t iret = G_CODE + (uint32_t)(iret_to_v86_end - iret_to_v86) - 1;
        const struct cpu_exit *x = only(g, EXIT_FAULT, iret, 0);
        assert_int_equal(x->fault.vector, X86_GP);
        assert_int_equal(x->fault.error, 0);
        assert_int_equal(cpu_regs(g->c)->eflags & FL_VM, 0);
        assert_int_equal(cpu_now(g->c), 5);
        guest_free(g);
    }
}

GUEST_CODE(soft, "nop\n int $0x80\n int3\n .byte 0x66,0xcd,0x81\n"
                 "mov $0x7fffffff,%eax\n add $1,%eax\n into\n inc %esi\n jmp .");
static bool take_softint(struct guest *g, struct cpu_exit *x, enum cpu_act *act)
{
    (void)g;
    *act = CPU_DONE;
    return x->kind == EXIT_SOFTINT;
}
static void software_interrupts(void **state)
{
    (void)state;
    struct guest *g = MACHINE(soft, 3);
    g->on_exit = take_softint; /* a hypercall: handled without any gate */
    assert_false(guest_run(g, 8));
    static const struct {
        uint8_t vector, len, at, cycle;
    } want[] = {{0x80, 2, 1, 2}, {3, 1, 3, 3}, {0x81, 3, 4, 4}, {4, 1, 15, 7}};
    assert_int_equal(g->logged, 4);
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(g->log[i].softint.vector, want[i].vector);
        assert_int_equal(g->log[i].len, want[i].len);
        assert_int_equal(g->log[i].eip, G_CODE + want[i].at);
        assert_int_equal(g->at[i], want[i].cycle);
    }
    assert_int_equal(cpu_gpr(g->c, R_ESI), 1);
    guest_free(g);
}

GUEST_CODE(sti_hlt, "sti\n hlt\n inc %esi\n cli\n jmp .");
GUEST_CODE(iret_only, "incl 0x10000\n iret");
static void halt_and_wake(void **state)
{
    (void)state;
    struct guest *g = MACHINE(sti_hlt, 0);
    guest_gate(g, 0x20, G_HANDLERS, 0xe, 0);
    guest_code(g, G_HANDLERS, iret_only);
    cpu_want_window(g->c, true);
    assert_int_equal(cpu_run(g->c, 100), CPU_HALTED); /* no window in the shadow of STI */
    assert_int_equal(cpu_now(g->c), 2);
    assert_true(cpu_interruptible(g->c));
    assert_int_equal(cpu_run(g->c, 100), CPU_HALTED);
    assert_int_equal(guest_inject(g, &(struct x86_event){.kind = X86_EV_EXTERNAL, .vector = 0x20}),
                     CPU_DONE);
    cpu_want_window(g->c, false);
    assert_int_equal(cpu_run(g->c, 10), CPU_UNTIL);
    assert_int_equal(guest_word(g, 0x10000), 1);
    assert_int_equal(cpu_gpr(g->c, R_ESI), 1);
    guest_free(g);
}

/* ---- windows ---- */

GUEST_CODE(windows, "inc %esi\n inc %esi\n sti\n inc %esi\n inc %esi\n jmp .");
GUEST_CODE(popf_window, "push $0x202\n inc %esi\n popf\n inc %esi\n jmp .");
GUEST_CODE(mov_ss_window, "sti\n nop\n mov %ss,%eax\n mov %eax,%ss\n inc %esi\n jmp .");
static void window_opens_exactly(void **state)
{
    (void)state;
    struct guest *g = MACHINE(windows, 0);
    cpu_want_window(g->c, true);
    assert_int_equal(cpu_run(g->c, 100), CPU_WINDOW);
    assert_int_equal(cpu_now(g->c), 4); /* STI and the instruction behind it */
    assert_int_equal(cpu_gpr(g->c, R_ESI), 3);
    guest_free(g);

    g = MACHINE(popf_window, 0);
    cpu_want_window(g->c, true);
    assert_int_equal(cpu_run(g->c, 100), CPU_WINDOW);
    assert_int_equal(cpu_now(g->c), 3);
    guest_free(g);

    g = MACHINE(mov_ss_window, 0);
    cpu_run(g->c, 4); /* in the shadow of MOV SS, IF set */
    assert_false(cpu_interruptible(g->c));
    cpu_want_window(g->c, true);
    assert_int_equal(cpu_run(g->c, 100), CPU_WINDOW);
    assert_int_equal(cpu_now(g->c), 5);
    guest_free(g);
}

/* ---- marks ---- */

GUEST_CODE(marked, "1: inc %esi\n inc %edi\n in $0x60,%al\n inc %ebx\n dec %ecx\n jnz 1b\n jmp .");
static void marks_come_before(void **state)
{
    (void)state;
    struct guest *g = MACHINE(marked, 0);
    cpu_set_gpr(g->c, R_ECX, 1000);
    cpu_run(g->c, 600); /* warm */
    unsigned before = g->logged;
    assert_int_equal(g->exits[EXIT_IO], 100);
    assert_true(cpu_mark_set(g->c, GVA(G_CODE + 1), 71));
    assert_true(cpu_mark_set(g->c, GVA(G_CODE + 2), 72)); /* the IN itself */
    cpu_run(g->c, 606);
    assert_int_equal(g->logged, before + 3);
    assert_int_equal(g->log[before].mark.id, 71);
    assert_int_equal(g->log[before].eip, G_CODE + 1);
    assert_int_equal(g->at[before], 601); /* the marked instruction has not run */
    assert_int_equal(g->log[before + 1].mark.id, 72);
    assert_int_equal(g->at[before + 1], 602);
    assert_int_equal(g->log[before + 2].kind, EXIT_IO);
    /* A stop at a mark, then on: reported once. */
    cpu_run(g->c, 607);
    g->on_exit = leave_at_first;
    assert_int_equal(cpu_run(g->c, 613), CPU_LEFT);
    assert_int_equal(cpu_now(g->c), 607);
    assert_int_equal(cpu_regs(g->c)->eip, G_CODE + 1);
    g->on_exit = NULL;
    unsigned marks = g->exits[EXIT_MARK];
    cpu_run(g->c, 612);
    assert_int_equal(g->exits[EXIT_MARK], marks + 1); /* the one at the IN */
    cpu_mark_clear(g->c, GVA(G_CODE + 1));
    cpu_mark_clear(g->c, GVA(G_CODE + 2));
    cpu_mark_clear(g->c, GVA(0x1234));
    marks = g->exits[EXIT_MARK];
    cpu_run(g->c, 6000);
    assert_int_equal(g->exits[EXIT_MARK], marks);
    assert_int_equal(g->exits[EXIT_IO], 1000);
    guest_free(g);
}

static bool jump_over(struct guest *g, struct cpu_exit *x, enum cpu_act *act)
{
    if (x->kind != EXIT_MARK)
        return false;
    cpu_regs_rw(g->c)->eip = x->eip + 1;
    *act = CPU_DONE;
    return true;
}
static void a_mark_can_replace_code(void **state)
{
    (void)state;
    struct guest *g = MACHINE(marked, 0);
    cpu_set_gpr(g->c, R_ECX, 10);
    g->on_exit = jump_over;
    assert_true(cpu_mark_set(g->c, GVA(G_CODE + 1), 1));
    cpu_run(g->c, 5 * 10);
    assert_int_equal(cpu_gpr(g->c, R_ESI), 10);
    assert_int_equal(cpu_gpr(g->c, R_EDI), 0);
    assert_int_equal(cpu_gpr(g->c, R_EBX), 10);
    guest_free(g);
}

static void many_marks(void **state)
{
    (void)state;
    struct guest *g = MACHINE(marked, 0);
    cpu_set_gpr(g->c, R_ECX, 100);
    for (uint32_t i = 0; i < 5000; i++)
        assert_true(cpu_mark_set(g->c, GVA(0x100000 + i * 3), i));
    for (uint32_t i = 0; i < 5000; i += 2)
        cpu_mark_clear(g->c, GVA(0x100000 + i * 3));
    assert_true(cpu_mark_set(g->c, GVA(G_CODE), 5));
    assert_int_equal(g->c->marks, 2501);
    cpu_run(g->c, 600);
    assert_int_equal(g->exits[EXIT_MARK], 100);
    guest_free(g);
}

static void cr3_exits_when_asked(void **state)
{
    (void)state;
    struct guest *g = MACHINE(i_to_cr3, 0);
    cpu_set_gpr(g->c, R_EAX, 0x3000);
    cpu_run(g->c, 4);
    assert_int_equal(g->logged, 0);
    assert_int_equal(cpu_regs(g->c)->cr3, 0x3000);
    guest_start(g, 0, G_CODE);
    cpu_exit_on_cr3(g->c, true);
    cpu_set_gpr(g->c, R_EAX, 0x7000);
    cpu_run(g->c, 8);
    assert_int_equal(g->exits[EXIT_CR3], 1);
    assert_int_equal(g->log[0].cr3.value, 0x7000);
    assert_int_equal(cpu_regs(g->c)->cr3, 0x7000);
    guest_free(g);
}

/* ---- faults ---- */

GUEST_CODE(page_fault,
           "mov $7,%eax\n mov %eax,%cr2\n inc %esi\n mov 0x300000,%ebx\n inc %edi\n hlt");
static bool map_it(struct guest *g, struct cpu_exit *x, enum cpu_act *act)
{
    if (x->kind != EXIT_FAULT)
        return false;
    assert_int_equal(x->fault.vector, X86_PF);
    assert_int_equal(x->fault.cr2, 0x300000);
    assert_int_equal(cpu_regs(g->c)->cr2, 7); /* not loaded before the fault is delivered */
    guest_set_word(g, G_PT + 0x300 * 4, 0x300000 | PTE_P);
    *act = CPU_DONE;
    return true;
}
static void a_fault_can_be_repaired_in_silence(void **state)
{
    (void)state;
    struct guest *g = MACHINE(page_fault, 0);
    guest_paging(g);
    guest_set_word(g, G_PT + 0x300 * 4, 0);
    guest_set_word(g, 0x300000, 0x1234);
    g->on_exit = map_it;
    assert_int_equal(cpu_run(g->c, 100), CPU_HALTED);
    assert_int_equal(cpu_gpr(g->c, R_EBX), 0x1234);
    assert_int_equal(cpu_regs(g->c)->cr2, 7);
    assert_int_equal(cpu_now(g->c), 7); /* six instructions, one of them attempted twice */
    guest_free(g);
}

static bool ignore(struct guest *g, struct cpu_exit *x, enum cpu_act *act)
{
    (void)g, (void)x;
    *act = CPU_DONE;
    return true;
}
GUEST_CODE(storm, "inc %esi\n ud2");
GUEST_CODE(into_nothing, "mov $0x300000,%eax\n jmp *%eax");
static void no_fault_storm_hangs(void **state)
{
    (void)state;
    struct guest *g = MACHINE(storm, 0); /* faults for ever: time passes, the limit comes */
    g->on_exit = ignore;
    assert_int_equal(cpu_run(g->c, 5000), CPU_UNTIL);
    assert_int_equal(cpu_now(g->c), 5000);
    assert_int_equal(g->exits[EXIT_FAULT], 4999);
    guest_free(g);

    g = MACHINE(into_nothing, 0); /* the same, while fetching: no block is ever entered */
    guest_paging(g);
    guest_set_word(g, G_PT + 0x300 * 4, 0);
    g->on_exit = ignore;
    assert_int_equal(cpu_run(g->c, 5000), CPU_UNTIL);
    assert_int_equal(cpu_now(g->c), 5000);
    assert_int_equal(g->exits[EXIT_FAULT], 4998);
    guest_free(g);

    g = MACHINE(storm, 3); /* no IDT at all */
    cpu_regs_rw(g->c)->idt.limit = 0;
    assert_true(guest_run(g, 5000));
    assert_true(g->triple);
    assert_int_equal(cpu_now(g->c), 2);
    guest_free(g);
}

static bool raise_for_ever(struct guest *g, struct cpu_exit *x, enum cpu_act *act)
{
    if (x->kind == EXIT_STUCK)
        return false;
    cpu_raise(g->c, X86_GP, true, 0);
    *act = CPU_FAULT;
    return true;
}
static void raising_for_ever_is_stuck(void **state)
{
    (void)state;
    struct guest *g = MACHINE(i_hlt, 0);
    g->on_exit = raise_for_ever;
    assert_int_equal(cpu_run(g->c, 100), CPU_LEFT);
    assert_non_null(g->stuck);
    guest_free(g);
}

/* TF: a trap after every instruction, the emulated ones included. */
GUEST_CODE(stepped, "inc %esi\n cpuid\n inc %esi\n hlt\n");
static void single_step_traps(void **state)
{
    (void)state;
    struct guest *g = MACHINE(stepped, 0);
    g->on_exit = ignore;
    cpu_regs_rw(g->c)->eflags |= FL_TF;
    cpu_run(g->c, 3);
    assert_int_equal(g->logged, 4);
    static const uint8_t at[] = {1, 1, 3, 4};
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(g->log[i].eip, G_CODE + at[i]);
    assert_int_equal(g->log[1].kind, EXIT_CPUID);
    assert_int_equal(g->log[2].fault.vector, X86_DB);
    assert_int_equal(cpu_now(g->c), 3);
    guest_free(g);
}

/* ---- outside RAM ---- */

GUEST_CODE(holes, "mov 0xa0000,%eax\n movw $5,0xb8000\n mov 0x90000000,%ebx\n mov 0xfff00,%cl\n"
                  "mov $0xc8000,%edx\n jmp *%edx");
static void holes_read_ones(void **state)
{
    (void)state;
    struct guest *g = MACHINE(holes, 0);
    guest_gate(g, X86_UD, G_HANDLERS, 0xe, 0);
    guest_code(g, G_HANDLERS, sti_hlt);
    assert_true(guest_run(g, 1000));
    assert_int_equal(cpu_gpr(g->c, R_EAX), ~0u);
    assert_int_equal(cpu_gpr(g->c, R_EBX), ~0u);
    assert_int_equal(cpu_gpr(g->c, R_ECX) & 255, 255);
    assert_int_equal(g->exits[EXIT_MMIO], 4);
    assert_int_equal(g->log[1].mmio.addr, 0xb8000);
    assert_int_equal(g->log[1].mmio.size, 2);
    assert_int_equal(g->log[1].mmio.value, 5);
    assert_true(g->log[1].mmio.write);
    assert_int_equal(g->log[2].mmio.addr, 0x90000000);
    /* FF FF is no instruction. */
    assert_int_equal(g->exits[EXIT_FAULT], 1);
    for (unsigned i = 0; i < g->logged; i++)
        if (g->log[i].kind == EXIT_FAULT) {
            assert_int_equal(g->log[i].fault.vector, X86_UD);
            assert_int_equal(g->log[i].eip, 0xc8000);
            assert_int_equal(g->at[i], 7);
        }
    guest_free(g);
}

/* ---- leaving, kicking, limits ---- */

GUEST_CODE(forever, "1: inc %esi\n jmp 1b");
static void limits_hold(void **state)
{
    (void)state;
    struct guest *g = MACHINE(forever, 3);
    assert_int_equal(cpu_run(g->c, 100000001), CPU_UNTIL);
    assert_int_equal(cpu_now(g->c), 100000001);
    assert_int_equal(cpu_gpr(g->c, R_ESI), 50000001);
    cpu_kick(g->c);
    assert_int_equal(cpu_run(g->c, UINT64_MAX), CPU_KICKED);
    cpu_charge(g->c, 5);
    assert_int_equal(cpu_run(g->c, 100000003), CPU_UNTIL); /* already past it */
    assert_int_equal(cpu_now(g->c), 100000006);
    assert_int_equal(cpu_instructions(g->c), 100000001);
    uint32_t pcs[4];
    assert_true(cpu_recent_blocks(g->c, pcs, 4) >= 1);
    assert_int_equal(pcs[0], G_CODE);
    guest_free(g);
}

static bool charge_ten(struct guest *g, struct cpu_exit *x, enum cpu_act *act)
{
    (void)x;
    cpu_charge(g->c, 10);
    *act = CPU_DONE;
    return true;
}
static void charges_count_as_time(void **state)
{
    (void)state;
    struct guest *g = MACHINE(marked, 0);
    cpu_set_gpr(g->c, R_ECX, 100);
    g->on_exit = charge_ten;
    assert_int_equal(cpu_run(g->c, 10), CPU_UNTIL); /* stops behind the IN */
    assert_int_equal(cpu_now(g->c), 13);
    assert_int_equal(cpu_regs(g->c)->eip, G_CODE + 4);
    assert_true(cpu_mark_set(g->c, GVA(G_CODE + 1), 1));
    assert_int_equal(cpu_run(g->c, 20), CPU_UNTIL); /* stops at the marked instruction */
    assert_int_equal(cpu_now(g->c), 27);
    assert_int_equal(cpu_regs(g->c)->eip, G_CODE + 1);
    assert_int_equal(cpu_run(g->c, 28), CPU_UNTIL);
    assert_int_equal(g->exits[EXIT_MARK], 1);
    guest_free(g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(instructions_by_ring),
        cmocka_unit_test(port_widths),
        cmocka_unit_test(port_permission),
        cmocka_unit_test(port_string_instructions),
        cmocka_unit_test(time_stamps_are_cycles),
        cmocka_unit_test(model_specific_registers),
        cmocka_unit_test(debug_registers_are_ours),
        cmocka_unit_test(sysenter_and_sysexit),
        cmocka_unit_test(iret_keeps_protected_mode),
        cmocka_unit_test(software_interrupts),
        cmocka_unit_test(halt_and_wake),
        cmocka_unit_test(window_opens_exactly),
        cmocka_unit_test(marks_come_before),
        cmocka_unit_test(a_mark_can_replace_code),
        cmocka_unit_test(many_marks),
        cmocka_unit_test(cr3_exits_when_asked),
        cmocka_unit_test(a_fault_can_be_repaired_in_silence),
        cmocka_unit_test(no_fault_storm_hangs),
        cmocka_unit_test(raising_for_ever_is_stuck),
        cmocka_unit_test(single_step_traps),
        cmocka_unit_test(holes_read_ones),
        cmocka_unit_test(limits_hold),
        cmocka_unit_test(charges_count_as_time),
    };
    return cmocka_run_group_tests_name("exits", tests, NULL, NULL);
}
