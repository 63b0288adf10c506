/* SPDX-License-Identifier: GPL-2.0-only */
/* The architectural state: complete, in the architecture's terms, and enough to go on elsewhere. */
#include "guest.h"

#include <sys/wait.h>
#include <unistd.h>

#include "cpu/internal.h"

/* ---- the FPU's image is what the guest's own FXSAVE writes ---- */

GUEST_CODE(fpu, "fninit\n fld1\n fldpi\n fldl2e\n fld %st(2)\n fdivr %st(1),%st\n"
                "fldz\n fstp %st(7)\n ffree %st(2)\n"
                "mov $0x12345678,%eax\n movd %eax,%xmm0\n cvtsi2sd %eax,%xmm7\n"
                "pushl $0x1fa0\n ldmxcsr (%esp)\n pop %eax\n"
                "pushl $0x27f\n fldcw (%esp)\n pop %eax\n"
                "fxsave 0x10000\n hlt");
static void fpu_image_is_fxsave(void **state)
{
    (void)state;
    struct guest *g = guest_new(4u << 20);
    guest_code(g, G_CODE, fpu);
    guest_start(g, 0, G_CODE);
    assert_true(guest_run(g, 1000));
    struct cpu_state s;
    cpu_state_get(g->c, &s);
    uint8_t image[512];
    assert_true(mem_read(g->m, MADDR(0x10000), image, sizeof image));
    /* Where the last instruction and operand were: the engine keeps them in some versions only. */
    memset(image + 6, 0, 18);
    memset(s.fxsave + 6, 0, 18);
    memset(image + 28, 0, 4);
    memset(s.fxsave + 28, 0, 4);
    assert_memory_equal(s.fxsave, image, 288);
    guest_free(g);
}

static void fpu_image_comes_back(void **state)
{
    (void)state;
    struct guest *g = guest_new(4u << 20);
    struct cpu_state a, b;
    guest_code(g, G_CODE, fpu);
    guest_start(g, 0, G_CODE);
    assert_true(guest_run(g, 1000));
    cpu_state_get(g->c, &a);
    cpu_state_reset_fpu(&b);
    struct cpu_state blank = a;
    memcpy(blank.fxsave, b.fxsave, sizeof blank.fxsave);
    cpu_state_set(g->c, &blank);
    cpu_state_get(g->c, &b);
    assert_memory_equal(&b, &blank, sizeof b);
    cpu_state_set(g->c, &a);
    cpu_state_get(g->c, &b);
    assert_memory_equal(&b, &a, sizeof b);
    guest_free(g);
}

/* Everything that is set is there again: each word of the state, one after the other. */
static void every_register_comes_back(void **state)
{
    (void)state;
    struct guest *g = guest_new(4u << 20);
    struct cpu_state s, back;
    cpu_state_get(g->c, &s);
    for (unsigned i = 0; i < 8; i++)
        s.regs.gpr[i] = 0x1000 + i;
    s.regs.eip = 0x1234567;
    s.regs.eflags = 0x246ad7 & ~(FL_VM | FL_TF);
    s.regs.eflags |= 2;
    s.regs.cr2 = 0xdead0000;
    s.regs.cr3 = 0x3000;
    s.regs.cr4 = CR4_PAE | CR4_TSD;
    s.regs.efer = EFER_NXE;
    for (unsigned i = 0; i < S_COUNT; i++)
        s.regs.seg[i] = (struct x86_seg){8 * i + 3, 0x100 * i, 0xfffff000 + i, 0x00c0f300};
    s.regs.seg[S_CS].flags = 0x00c0fb00;
    s.regs.ldt = (struct x86_seg){0x48, 0x5000, 0x77, 0x8200};
    s.regs.tr = (struct x86_seg){0x50, 0x6000, 0x67, 0x8b00};
    s.regs.gdt = (struct x86_table){0x7000, 0xff};
    s.regs.idt = (struct x86_table){0x8000, 0x7ff};
    s.regs.cpl = 3;
    s.regs.shadow = 1;
    s.now = 123456789012ull;
    s.instructions = 1234567;
    for (unsigned i = 0; i < 8; i++)
        s.dr[i] = 0x10 * i;
    s.msr_sysenter_cs = 0x60;
    s.msr_sysenter_esp = 0x12340000;
    s.msr_sysenter_eip = 0x56780000;
    s.msr_pat = 5;
    s.msr_misc = 6;
    s.halted = 1;
    cpu_state_set(g->c, &s);
    cpu_state_get(g->c, &back);
    assert_memory_equal(&back, &s, sizeof s);
    assert_int_equal(cpu_now(g->c), s.now);
    assert_int_equal(cpu_run(g->c, UINT64_MAX), CPU_HALTED);
    guest_free(g);
}

/* ---- going on elsewhere ---- */

GUEST_CODE(busy, "1: imul $1103515245,%ebx,%ebx\n add $12345,%ebx\n"
                 "mov %ebx,%eax\n shr $20,%eax\n"
                 "incl 0x10000(,%eax,4)\n"
                 "mov $7,%ecx\n mov $0x14000,%edi\n rep stosl\n"
                 "fildl 0x10000(,%eax,4)\n fadd %st(0),%st\n fistpl 0x18000\n"
                 "movb %al,"
                 "(2f-busy+0xb000+1)\n"
                 "2: mov $0,%dl\n"
                 "add %edx,%esi\n"
                 "pushf\n pop %edx\n"
                 "jmp 1b");

static void another_vcpu_goes_on(void **state)
{
    (void)state;
    enum { END = 30000 };
    struct guest *a = guest_new(4u << 20);
    guest_paging(a);
    guest_code(a, G_CODE, busy);
    guest_start(a, 3, G_CODE);
    uint64_t whole;
    assert_false(guest_run(a, END));
    whole = guest_hash(a, 0x20000);
    guest_free(a);

    a = guest_new(4u << 20);
    guest_paging(a);
    guest_code(a, G_CODE, busy);
    guest_start(a, 3, G_CODE);
    for (uint64_t at = 777; at < END; at += 777) {
        assert_false(guest_run(a, at));
        struct guest *b = guest_new(4u << 20);
        struct cpu_state s;
        cpu_state_get(a->c, &s);
        cpu_state_set(b->c, &s);
        for (uint32_t page = 0; page < 0x20; page++)
            memcpy(mem_span(b->m, MADDR(page << 12), PAGE_SIZE),
                   mem_span(a->m, MADDR(page << 12), PAGE_SIZE), PAGE_SIZE);
        guest_free(a);
        a = b;
    }
    assert_false(guest_run(a, END));
    assert_true(guest_hash(a, 0x20000) == whole);
    guest_free(a);
}

/* Back to an earlier state of the same vcpu, whose translations are of later code. */
static void going_back_in_time(void **state)
{
    (void)state;
    static uint8_t saved[0x20000];
    struct guest *g = guest_new(4u << 20);
    guest_paging(g);
    guest_code(g, G_CODE, busy);
    guest_start(g, 0, G_CODE);
    assert_false(guest_run(g, 5003));
    struct cpu_state s;
    cpu_state_get(g->c, &s);
    assert_true(mem_read(g->m, MADDR(0), saved, sizeof saved));
    uint64_t first = guest_hash(g, sizeof saved), second = 0;
    for (unsigned i = 0; i < 5; i++) {
        assert_false(guest_run(g, 9001 + i * 1000));
        assert_false(guest_run(g, 14007));
        if (i)
            assert_true(guest_hash(g, sizeof saved) == second);
        second = guest_hash(g, sizeof saved);
        assert_true(mem_write(g->m, MADDR(0), saved, sizeof saved));
        cpu_state_set(g->c, &s);
        assert_true(guest_hash(g, sizeof saved) == first);
    }
    guest_free(g);
}

/* A stop in the middle of a block makes a translation that is dropped afterwards: in another state,
   where the guest has not been at that page. Its tables must not say that it has. */
GUEST_CODE(here, ".rept 98\n inc %eax\n .endr\n mov $0x20000,%ebx\n jmp *%ebx");
GUEST_CODE(there, "inc %ecx\n inc %ecx\n inc %ecx\n jmp .");
static void going_back_leaves_page_tables_alone(void **state)
{
    (void)state;
    enum { PAGE = 0x20, ENTRY = G_PT + PAGE * 4 };
    static uint8_t saved[(PAGE + 1) << 12];
    struct guest *g = guest_new(4u << 20);
    struct cpu_state s;
    guest_code(g, G_CODE, here);
    guest_code(g, PAGE << 12, there);
    guest_paging(g);
    guest_start(g, 0, G_CODE);
    cpu_state_get(g->c, &s);
    assert_true(mem_read(g->m, MADDR(0), saved, sizeof saved));
    assert_false(guest_run(g, 102)); /* between the second INC there and the third */
    assert_true(guest_word(g, ENTRY) & PTE_A);
    assert_true(mem_write(g->m, MADDR(0), saved, sizeof saved));
    cpu_state_set(g->c, &s);
    for (uint64_t at = 90; at < 100; at++) {
        assert_false(guest_run(g, at));
        assert_false(guest_word(g, ENTRY) & PTE_A);
    }
    assert_false(guest_run(g, 1000));
    assert_true(guest_word(g, ENTRY) & PTE_A);
    guest_free(g);
}

static void vcpus_are_independent(void **state)
{
    (void)state;
    struct guest *g[3];
    uint64_t whole = 0;
    for (unsigned i = 0; i < 3; i++) {
        g[i] = guest_new(4u << 20);
        guest_code(g[i], G_CODE, busy);
        guest_start(g[i], 3, G_CODE);
    }
    for (uint64_t at = 1; at < 20000; at += 313)
        for (unsigned i = 0; i < 3; i++)
            assert_false(guest_run(g[i], at));
    for (unsigned i = 0; i < 3; i++) {
        uint64_t h = guest_hash(g[i], 0x20000);
        assert_true(!i || h == whole);
        whole = h;
        guest_free(g[i]);
    }
}

/* ---- very long blocks: the engine cuts them after 512 instructions or 4000 operations ---- */

GUEST_CODE(long_simple, "1: .rept 1300\n inc %esi\n .endr\n jmp 1b");
GUEST_CODE(long_heavy,
           "1: .rept 700\n cmpxchg8b 0x10000\n bts %esi,0x10000\n adcl %esi,0x10004\n .endr\n"
           "jmp 1b");
static void long_blocks_stop_exactly(void **state)
{
    (void)state;
    static const struct {
        const uint8_t *code, *end;
        bool count_esi;
    } all[] = {{long_simple, long_simple_end, true}, {long_heavy, long_heavy_end, false}};
    for (unsigned i = 0; i < 2; i++) {
        struct guest *whole = guest_new(4u << 20), *g = guest_new(4u << 20);
        guest_put(whole, G_CODE, all[i].code, all[i].end);
        guest_put(g, G_CODE, all[i].code, all[i].end);
        guest_start(whole, 0, G_CODE);
        guest_start(g, 0, G_CODE);
        assert_false(guest_run(whole, 10007));
        for (uint64_t at = 1; at < 10007; at += 1 + at * 7 % 61) {
            assert_false(guest_run(g, at));
            if (all[i].count_esi)
                assert_int_equal(cpu_gpr(g->c, R_ESI), at - at / 1301);
        }
        assert_false(guest_run(g, 10007));
        assert_true(guest_hash(g, 0x20000) == guest_hash(whole, 0x20000));
        guest_free(g);
        guest_free(whole);
    }
}

/* REP stops between any two items, and goes on. */
GUEST_CODE(long_rep, "mov $0x10000,%edi\n mov $1000,%ecx\n rep stosl\n inc %esi\n jmp .");
static void rep_stops_between_items(void **state)
{
    (void)state;
    struct guest *g = guest_new(4u << 20);
    guest_code(g, G_CODE, long_rep);
    guest_start(g, 0, G_CODE);
    for (uint64_t at = 2; at < 1002; at++) {
        assert_false(guest_run(g, at));
        assert_int_equal(cpu_gpr(g->c, R_ECX), 1002 - at);
        assert_int_equal(cpu_regs(g->c)->eip, G_CODE + 10);
    }
    assert_false(guest_run(g, 1004)); /* the last round finds ECX 0 */
    assert_int_equal(cpu_gpr(g->c, R_ESI), 1);
    guest_free(g);
}

/* A code segment with a base: the engine's addresses are linear, EIP is not. */
GUEST_CODE(based, "inc %esi\n in $0x60,%al\n inc %edi\n ud2");
static void code_segments_with_a_base(void **state)
{
    (void)state;
    struct guest *g = guest_new(4u << 20);
    guest_code(g, G_CODE, based);
    guest_start(g, 0, G_CODE);
    struct x86_regs *r = cpu_regs_rw(g->c);
    r->seg[S_CS].base = 0x9000;
    r->eip = G_CODE - 0x9000;
    assert_false(guest_run(g, 1));
    assert_int_equal(cpu_regs(g->c)->eip, G_CODE - 0x9000 + 1);
    assert_false(guest_run(g, 3));
    assert_int_equal(g->log[0].kind, EXIT_IO);
    assert_int_equal(g->log[0].eip, G_CODE - 0x9000 + 1);
    cpu_run(g->c, 4);
    assert_int_equal(g->log[1].kind, EXIT_FAULT);
    assert_int_equal(g->log[1].eip, G_CODE - 0x9000 + 4);
    assert_int_equal(g->at[1], 4);
    guest_free(g);
}

/* 16-bit code: sizes, and IP wraps. */
GUEST_CODE(real16,
           ".code16\n mov $0x1234,%ax\n mov %eax,%ebx\n in $0x60,%ax\n rdtsc\n jmp .\n .code32");
static void sixteen_bit_code(void **state)
{
    (void)state;
    struct guest *g = guest_new(4u << 20);
    guest_code(g, G_CODE, real16);
    guest_start(g, 0, G_CODE);
    cpu_regs_rw(g->c)->seg[S_CS].flags &= ~(1u << 22);
    g->data_eax = 0xffff5678;
    assert_false(guest_run(g, 3));
    assert_int_equal(cpu_gpr(g->c, R_EAX), 0x5678);
    assert_int_equal(g->log[0].io.size, 2);
    assert_false(guest_run(g, 6));
    assert_int_equal(g->log[1].kind, EXIT_RDTSC);
    guest_free(g);
}

/* ---- when the engine itself falls over ---- */

static bool crash(struct guest *g, struct cpu_exit *x, enum cpu_act *act)
{
    (void)g, (void)x;
    *act = CPU_DONE;
    uint8_t *volatile nowhere = (uint8_t *)16;
    *nowhere = 1;
    return true;
}
GUEST_CODE(to_crash, "inc %esi\n cpuid\n jmp .");
static void a_fallen_engine_says_where(void **state)
{
    (void)state;
    int pipe_ends[2], status;
    assert_int_equal(pipe(pipe_ends), 0);
    fflush(stdout);
    pid_t child = fork();
    assert_true(child >= 0);
    if (!child) {
        dup2(pipe_ends[1], STDERR_FILENO);
        struct guest *g = guest_new(4u << 20);
        guest_code(g, G_CODE, to_crash);
        guest_start(g, 0, G_CODE);
        g->on_exit = crash;
        guest_run(g, 1000);
        _exit(1);
    }
    close(pipe_ends[1]);
    char text[300] = "";
    size_t n = 0;
    for (ssize_t k;
         n < sizeof text - 1 && (k = read(pipe_ends[0], text + n, sizeof text - 1 - n)) > 0;)
        n += (size_t)k;
    close(pipe_ends[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 70);
    assert_non_null(strstr(text, "0xb000"));
    assert_non_null(strstr(text, "cycle 2"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fpu_image_is_fxsave),
        cmocka_unit_test(fpu_image_comes_back),
        cmocka_unit_test(every_register_comes_back),
        cmocka_unit_test(another_vcpu_goes_on),
        cmocka_unit_test(going_back_in_time),
        cmocka_unit_test(vcpus_are_independent),
        cmocka_unit_test(going_back_leaves_page_tables_alone),
        cmocka_unit_test(long_blocks_stop_exactly),
        cmocka_unit_test(rep_stops_between_items),
        cmocka_unit_test(code_segments_with_a_base),
        cmocka_unit_test(sixteen_bit_code),
        cmocka_unit_test(a_fallen_engine_says_where),
    };
    return cmocka_run_group_tests_name("state", tests, NULL, NULL);
}
