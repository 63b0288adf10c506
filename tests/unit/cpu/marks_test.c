/* SPDX-License-Identifier: GPL-2.0-only */
/* Stops that were asked for: windows, marks, a change of CR3. */
#include "exits.h"

#include "cpu/internal.h"
#include "random.h"

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

/* Marks come and go on warm code: what is reported is what a guest that is stepped comes by. */
GUEST_CODE(wandering,
           "1: inc %esi\n add %esi,%eax\n test $1,%eax\n jz 2f\n inc %edi\n xor %esi,%eax\n"
           "call 3f\n jmp 1b\n 2: rol $3,%eax\n inc %ebx\n call 3f\n inc %edx\n jmp 1b\n"
           "3: push %eax\n add %ebx,%eax\n in $0x60,%al\n pop %ecx\n ret\n");
enum { WANDERING = 0x28 };

struct churn {
    struct random r;
    bool marked[WANDERING];
    unsigned told;
};

static void churn(struct guest *g, struct churn *t)
{
    uint32_t at = (uint32_t)random_below(&t->r, WANDERING);
    t->marked[at] = !t->marked[at];
    if (t->marked[at])
        assert_true(cpu_mark_set(g->c, GVA(G_CODE + at), at));
    else
        cpu_mark_clear(g->c, GVA(G_CODE + at));
}

static bool count_mark(struct guest *g, struct cpu_exit *x, enum cpu_act *act)
{
    struct churn *t = g->ctx;
    if (x->kind != EXIT_MARK)
        return false;
    assert_int_equal(x->mark.id, x->eip - G_CODE);
    t->told++;
    *act = CPU_DONE;
    return true;
}

static void marks_come_and_go(void **state)
{
    (void)state;
    struct guest *g = MACHINE(wandering, 0), *step = MACHINE(wandering, 0);
    struct churn t = {.r = {20261122}};
    unsigned want = 0;
    assert_true(wandering_end - wandering <= WANDERING);
    g->on_exit = count_mark;
    g->ctx = &t;
    while (cpu_now(step->c) < 60000) {
        uint64_t until = cpu_now(g->c) + 1 + random_below(&t.r, one_in(&t.r, 4) ? 900 : 40);
        for (unsigned n = (unsigned)random_below(&t.r, 4); n; n--)
            churn(g, &t);
        assert_false(guest_run(g, until));
        while (cpu_now(step->c) < until) {
            want += t.marked[cpu_eip(step->c) - G_CODE];
            assert_false(guest_run(step, cpu_now(step->c) + 1));
        }
        assert_int_equal(t.told, want);
    }
    assert_true(want > 10000);
    assert_true(guest_hash(g, 0x20000) == guest_hash(step, 0x20000));
    guest_free(g);
    guest_free(step);
}

/* A mark that is set at a mark, for the very next instruction of the same block. */
static bool mark_the_next(struct guest *g, struct cpu_exit *x, enum cpu_act *act)
{
    if (x->kind != EXIT_MARK)
        return false;
    assert_true(cpu_mark_set(g->c, GVA(x->eip + 1), 0));
    cpu_mark_clear(g->c, GVA(x->eip));
    *act = CPU_DONE;
    return true;
}
GUEST_CODE(straight, ".rept 50\n inc %eax\n .endr\n jmp .");
static void a_mark_moves_on_with_the_guest(void **state)
{
    (void)state;
    struct guest *g = MACHINE(straight, 0);
    cpu_run(g->c, 20);
    g->on_exit = mark_the_next;
    assert_true(cpu_mark_set(g->c, GVA(G_CODE + 20), 0));
    cpu_run(g->c, 50);
    assert_int_equal(g->exits[EXIT_MARK], 30);
    for (unsigned i = 0; i < 30; i++)
        assert_int_equal(g->at[g->logged - 30 + i], 20 + i);
    guest_free(g);
}

/* A kernel that switches FPUs lazily turns CR0.TS again and again: the translations that call us are
   there for both. And what is not marked any more calls nobody. */
GUEST_CODE(lazy,
           "1: clts\n call 2f\n mov %cr0,%eax\n or $8,%eax\n mov %eax,%cr0\n call 2f\n jmp 1b\n"
           "2: inc %esi\n nop\n ret");
static void turning_ts_translates_nothing(void **state)
{
    (void)state;
    const uint32_t at = G_CODE + (uint32_t)(lazy_end - lazy) - 3; /* the last three bytes */
    struct guest *g = MACHINE(lazy, 0);
    assert_true(cpu_mark_set(g->c, GVA(at), 1));
    assert_true(cpu_mark_set(g->c, GVA(at + 1), 2));
    assert_false(guest_run(g, 1300));
    uint32_t warm = g->c->slots_used;
    assert_int_equal(g->exits[EXIT_MARK], 400);
    assert_false(guest_run(g, 13000));
    assert_int_equal(g->exits[EXIT_MARK], 4000);
    /* A stop at the end of a run opens a block, for itself and for what it was before. */
    assert_true(g->c->slots_used - warm < 10);
    cpu_mark_clear(g->c, GVA(at));
    cpu_mark_clear(g->c, GVA(at + 1));
    assert_false(guest_run(g, 14300));
    for (const struct slot *s = g->c->arena->slot; s < g->c->next; s++)
        if (s->pc == at && s->visited)
            assert_false(s->calls);
    assert_int_equal(g->exits[EXIT_MARK], 4000);
    guest_free(g);
}

GUEST_CODE(to_cr3, "nop\n nop\n mov %eax,%cr3\n mov $0x600d,%ebx\n jmp .");
static void cr3_exits_when_asked(void **state)
{
    (void)state;
    struct guest *g = MACHINE(to_cr3, 0);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(window_opens_exactly),
        cmocka_unit_test(marks_come_before),
        cmocka_unit_test(a_mark_can_replace_code),
        cmocka_unit_test(many_marks),
        cmocka_unit_test(marks_come_and_go),
        cmocka_unit_test(a_mark_moves_on_with_the_guest),
        cmocka_unit_test(turning_ts_translates_nothing),
        cmocka_unit_test(cr3_exits_when_asked),
    };
    return cmocka_run_group_tests_name("marks", tests, NULL, NULL);
}
