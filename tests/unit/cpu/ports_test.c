/* SPDX-License-Identifier: GPL-2.0-only */
/* Port accesses: width, permission, strings. */
#include "exits.h"

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
GUEST_CODE(one_in, "nop\n nop\n in $0x60,%al\n mov $0x600d,%ebx\n jmp .");
static void port_permission(void **state)
{
    (void)state;
    struct guest *g = MACHINE(one_in, 3);
    cpu_regs_rw(g->c)->eflags |= FL_IOPL;
    assert_false(guest_run(g, 5));
    assert_int_equal(g->exits[EXIT_IO], 1);
    guest_free(g);

    g = MACHINE(one_in, 3);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(port_widths),
        cmocka_unit_test(port_permission),
        cmocka_unit_test(port_string_instructions),
    };
    return cmocka_run_group_tests_name("ports", tests, NULL, NULL);
}
