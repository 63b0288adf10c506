/* SPDX-License-Identifier: GPL-2.0-only */
/* Exits: sensitive instructions by ring, and what becomes of them. */
#include "exits.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(instructions_by_ring),     cmocka_unit_test(time_stamps_are_cycles),
        cmocka_unit_test(model_specific_registers), cmocka_unit_test(debug_registers_are_ours),
        cmocka_unit_test(sysenter_and_sysexit),     cmocka_unit_test(iret_keeps_protected_mode),
        cmocka_unit_test(software_interrupts),      cmocka_unit_test(halt_and_wake),
    };
    return cmocka_run_group_tests_name("exits", tests, NULL, NULL);
}
