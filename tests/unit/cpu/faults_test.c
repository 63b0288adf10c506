/* SPDX-License-Identifier: GPL-2.0-only */
/* Stops that were not: faults, accesses outside RAM, the end of time. */
#include "exits.h"

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
GUEST_CODE(leaving, "hlt");
static void raising_for_ever_is_stuck(void **state)
{
    (void)state;
    struct guest *g = MACHINE(leaving, 3);
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
        cmocka_unit_test(a_fault_can_be_repaired_in_silence),
        cmocka_unit_test(no_fault_storm_hangs),
        cmocka_unit_test(raising_for_ever_is_stuck),
        cmocka_unit_test(single_step_traps),
        cmocka_unit_test(holes_read_ones),
        cmocka_unit_test(limits_hold),
        cmocka_unit_test(charges_count_as_time),
    };
    return cmocka_run_group_tests_name("faults", tests, NULL, NULL);
}
