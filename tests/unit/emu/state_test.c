/* SPDX-License-Identifier: GPL-2.0-only */
/* The registry of state blocks. */
#include "unit.h"

#include "state.h"

static void blocks_keep_their_order_and_are_found_by_name(void **st)
{
    struct state s = {.blocks = 0};
    uint32_t a = 1;
    uint8_t b[7] = {0};

    (void)st;
    state_block(&s, &a, sizeof a, "first");
    state_block(&s, b, sizeof b, "second");
    assert_int_equal(s.blocks, 2);
    assert_int_equal(s.bytes, 11);
    assert_ptr_equal(s.block[0].data, &a);
    assert_string_equal(s.block[1].name, "second");
    assert_ptr_equal(state_find(&s, "second"), &s.block[1]);
    assert_null(state_find(&s, "third"));
    assert_null(state_find(&s, "firs"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_keep_their_order_and_are_found_by_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
