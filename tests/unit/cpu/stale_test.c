/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Code that changes under the engine's feet. Left alone, the engine runs the OLD code in the first
 * seven of these; a processor runs the new. Each guest leaves what it computed in memory and stops
 * with HLT in ring 0.
 */
#include "guest.h"

enum { RESULT = 0x10000 };

#define AT(prog, label) "(" label "-" prog "+0xb000)"

static struct guest *run(const uint8_t *code, const uint8_t *end, bool paging)
{
    struct guest *g = guest_new(4u << 20);
    if (paging)
        guest_paging(g);
    guest_put(g, G_CODE, code, end);
    guest_start(g, 0, G_CODE);
    assert_true(guest_run(g, 1000000));
    assert_null(g->stuck);
    assert_int_equal(g->exits[EXIT_HLT], 1);
    return g;
}

static void expect(const uint8_t *code, const uint8_t *end, bool paging, uint32_t result)
{
    struct guest *g = run(code, end, paging);
    assert_int_equal(guest_word(g, RESULT), result);
    guest_free(g);
}
#define EXPECT(name, result)                     \
    do {                                         \
        expect(name, name##_end, false, result); \
        expect(name, name##_end, true, result);  \
    } while (0)

/* Each function is called until it is warm; results are summed in decimal digits. */

/* 1. write data on a code page, then patch warm code on it */
GUEST_CODE(
    data_then_patch,
    "call f1a\n"
    "call f1a\n"
    "movl $1," AT(
        "data_then_patch",
        "d1") "\n"
              "jmp 1f\n"
              "1: movb $7," AT(
                  "data_then_patch",
                  "f1a+1") "\n"
                           "jmp 2f\n"
                           "2: call f1a\n"
                           "hlt\n"
                           "f1a: mov $1,%al\n movzx %al,%eax\n imul $10,%edx\n add %eax,%edx\n"
                           "mov %edx,0x10000\n ret\n"
                           "d1: .long 0");
/* 2. patch two functions, one after the other */
GUEST_CODE(
    two_patches,
    "call f2a\n call f2b\n call f2a\n call f2b\n"
    "movb $3," AT("two_patches",
                  "f2a+1") "\n"
                           "jmp 1f\n"
                           "1: movb $4," AT(
                               "two_patches",
                               "f2b+1") "\n"
                                        "call f2a\n call f2b\n hlt\n"
                                        "f2a: mov $1,%al\n jmp f2c\n"
                                        "f2b: mov $2,%al\n"
                                        "f2c: movzx %al,%eax\n imul $10,%edx\n add %eax,%edx\n"
                                        "mov %edx,0x10000\n ret");
/* 3. copy a new program over an old one */
GUEST_CODE(
    program_over_program,
    "mov $2,%ebx\n"
    "1: mov $0xc000,%edi\n"
    "mov $" AT("program_over_program",
               "p3a") ",%esi\n"
                      "cmp $2,%ebx\n"
                      "je 2f\n"
                      "mov $" AT(
                          "program_over_program",
                          "p3b") ",%esi\n"
                                 "2: mov $16,%ecx\n"
                                 "rep movsb\n"
                                 "mov $0xc000,%eax\n"
                                 "call *%eax\n call *%eax\n"
                                 "mov $0xc000,%eax\n"
                                 "dec %ebx\n"
                                 "jnz 1b\n"
                                 "hlt\n"
                                 "p3a: add $1,%edx\n mov %edx,0x10000\n ret\n .fill 16,1,0x90\n"
                                 "p3b: add $0x10,%edx\n mov %edx,0x10000\n ret\n .fill 16,1,0x90");
/* 4. patch through an alias: page 0x300 is mapped to the frame of page 0xb */
GUEST_CODE(through_an_alias, "call f4\n call f4\n"
                             "mov $0x300000,%ebx\n"
                             "movl $1,f4d-through_an_alias(%ebx)\n"
                             "jmp 1f\n"
                             "1: movb $5,f4+1-through_an_alias(%ebx)\n"
                             "jmp 2f\n"
                             "2: call f4\n hlt\n"
                             "f4: mov $1,%al\n movzx %al,%eax\n imul $10,%edx\n add %eax,%edx\n"
                             "mov %edx,0x10000\n ret\n"
                             "f4d: .long 0");
/* 5. the store and the patched instruction in one block */
GUEST_CODE(
    own_block,
    "mov $2,%ecx\n"
    "1: movb $0x11," AT("own_block",
                        "2f+1") "\n"
                                "inc %edx\n"
                                "2: mov $0,%al\n"
                                "movb $0x22," AT(
                                    "own_block",
                                    "3f+1") "\n"
                                            "3: mov $0,%ah\n"
                                            "mov %ax,0x10000\n"
                                            "mov %dx,0x10002\n"
                                            "movb $0," AT("own_block",
                                                          "2b+1") "\n"
                                                                  "movb $0," AT("own_block",
                                                                                "3b+1") "\n"
                                                                                        "loop 1b\n"
                                                                                        "hlt");
/* 6. rep stos over the code that follows */
GUEST_CODE(rep_over_code,
           "call 9f\n call 9f\n"
           "mov $" AT("rep_over_code",
                      "8f") ",%edi\n"
                            "mov $3,%ecx\n mov $0x40,%al\n" /* inc %eax */
                            "rep stosb\n"
                            "call 9f\n hlt\n"
                            "9: xor %eax,%eax\n"
                            "8: nop\n nop\n nop\n"
                            "imul $10,%edx\n add %eax,%edx\n mov %edx,0x10000\n ret");
/* 7. a block across a page end, patched in its second page */
GUEST_CODE(second_page,
           "mov $" AT("second_page",
                      "f7") ",%esi\n"
                            "call *%esi\n call *%esi\n"
                            "movl $1,0xcff0\n"
                            "jmp 1f\n"
                            "1: movb $6,0xc001\n"
                            "call *%esi\n hlt\n"
                            ".org second_page+0xffd\n"
                            "f7: mov $0x00000001,%eax\n" /* its last two bytes are at 0xc000 */
                            "imul $10,%edx\n add %eax,%edx\n mov %edx,0x10000\n ret");

static void stale_1_data_then_patch(void **state)
{
    (void)state;
    EXPECT(data_then_patch, 117);
}
static void stale_2_two_patches(void **state)
{
    (void)state;
    EXPECT(two_patches, 121234);
}
static void stale_3_program_over_program(void **state)
{
    (void)state;
    EXPECT(program_over_program, 0x22);
}
static void stale_4_through_an_alias(void **state)
{
    (void)state;
    struct guest *g = guest_new(4u << 20);
    guest_paging(g);
    guest_set_word(g, G_PT + 0x300 * 4, G_CODE | PTE_P | PTE_W | PTE_U);
    guest_code(g, G_CODE, through_an_alias);
    guest_start(g, 0, G_CODE);
    assert_true(guest_run(g, 100000));
    assert_int_equal(guest_word(g, RESULT), 115);
    guest_free(g);
}
static void stale_5_own_block(void **state)
{
    (void)state;
    EXPECT(own_block, 2u << 16 | 0x2211);
}
static void stale_6_rep_over_code(void **state)
{
    (void)state;
    EXPECT(rep_over_code, 3);
}
static void stale_7_second_page(void **state)
{
    (void)state;
    /* mov $imm32 at 0xbffd: opcode, two bytes of it in this page, two in the next. */
    struct guest *g = run(second_page, second_page_end, true);
    assert_int_equal(guest_word(g, RESULT), 110 + (1 | 6 << 24));
    guest_free(g);
}

/* The host's own writes: a device or a loader puts other code where some has run. */
GUEST_CODE(host_target, "1: inc %edx\n mov %edx,0x10000\n int $0x31\n jmp 1b");
static bool host_patches(struct guest *g, struct cpu_exit *x, enum cpu_act *act)
{
    if (x->kind != EXIT_SOFTINT)
        return false;
    unsigned n = g->exits[EXIT_SOFTINT];
    static const uint8_t dec_edx = 0x4a;
    if (n == 3)
        assert_true(mem_write(g->m, MADDR(G_CODE), &dec_edx, 1));
    *act = n == 5 ? CPU_LEAVE : CPU_DONE;
    g->exited = n == 5;
    return true;
}
static void host_writes_are_seen(void **state)
{
    (void)state;
    struct guest *g = guest_new(4u << 20);
    g->on_exit = host_patches;
    guest_code(g, G_CODE, host_target);
    guest_start(g, 0, G_CODE);
    assert_true(guest_run(g, 1000));
    assert_int_equal(guest_word(g, RESULT), 1); /* 1 2 3 2 1 */
    guest_free(g);
}

/* What is seen must not depend on where a debugger stopped: single-step each of them. */
static void stepping_changes_nothing(void **state)
{
    (void)state;
    static const struct {
        const uint8_t *code, *end;
        uint32_t result;
    } all[] = {
        {data_then_patch, data_then_patch_end, 117},
        {two_patches, two_patches_end, 121234},
        {program_over_program, program_over_program_end, 0x22},
        {own_block, own_block_end, 2u << 16 | 0x2211},
        {rep_over_code, rep_over_code_end, 3},
        {second_page, second_page_end, 110 + (1 | 6 << 24)},
    };
    for (unsigned i = 0; i < sizeof all / sizeof all[0]; i++) {
        struct guest *whole = run(all[i].code, all[i].end, true);
        struct guest *g = guest_new(4u << 20);
        guest_paging(g);
        guest_put(g, G_CODE, all[i].code, all[i].end);
        guest_start(g, 0, G_CODE);
        uint64_t at = 1;
        while (!guest_run(g, at)) {
            assert_int_equal(cpu_now(g->c), at);
            at++;
            assert_true(at < 1000);
        }
        assert_int_equal(guest_word(g, RESULT), all[i].result);
        assert_int_equal(cpu_now(g->c), cpu_now(whole->c));
        assert_true(guest_hash(g, 0x20000) == guest_hash(whole, 0x20000));
        guest_free(g);
        guest_free(whole);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stale_1_data_then_patch),
        cmocka_unit_test(stale_2_two_patches),
        cmocka_unit_test(stale_3_program_over_program),
        cmocka_unit_test(stale_4_through_an_alias),
        cmocka_unit_test(stale_5_own_block),
        cmocka_unit_test(stale_6_rep_over_code),
        cmocka_unit_test(stale_7_second_page),
        cmocka_unit_test(host_writes_are_seen),
        cmocka_unit_test(stepping_changes_nothing),
    };
    return cmocka_run_group_tests_name("stale", tests, NULL, NULL);
}
