/* SPDX-License-Identifier: GPL-2.0-only */
/* The state digest: blind to nothing. */
#include "fake_machine.h"

#define RAM (4ull << 20)

static void it_is_a_function_of_the_state(void **st)
{
    struct fake *a = fake_new(RAM), *b = fake_new(RAM);

    (void)st;
    assert_same_digest(digest_state(&a->parts), digest_state(&b->parts));
    for (uint32_t i = 0; i < 10; i++) {
        struct digest before = digest_state(&a->parts);
        fake_work(a, i);
        assert_other_digest(before, digest_state(&a->parts));
        fake_work(b, i);
        assert_same_digest(digest_state(&a->parts), digest_state(&b->parts));
    }
    fake_work(a, 10);
    fake_work(b, 11);
    assert_other_digest(digest_state(&a->parts), digest_state(&b->parts));
    fake_free(a);
    fake_free(b);
}

static void one_changed_bit_of_any_block_changes_it(void **st)
{
    struct fake *f = fake_new(RAM);

    (void)st;
    fake_work(f, 1);
    struct digest d = digest_state(&f->parts);
    assert_true(f->state.blocks >= 3);
    for (unsigned i = 0; i < f->state.blocks; i++) {
        for (size_t bit = 0; bit < 8 * f->state.block[i].size; bit++) {
            uint8_t *byte = (uint8_t *)f->state.block[i].data + bit / 8;
            *byte ^= 1u << bit % 8;
            assert_other_digest(d, digest_state(&f->parts));
            *byte ^= 1u << bit % 8;
            bit += i ? 36 : 0; /* the first block wholly, of the others a sample of every byte */
        }
    }
    assert_same_digest(d, digest_state(&f->parts));
    fake_free(f);
}

static void one_changed_bit_of_any_register_changes_it(void **st)
{
    struct fake *f = fake_new(RAM);
    struct cpu_state canonical, all;
    unsigned seen = 0;

    (void)st;
    memset(&all, 0xFF, sizeof all);
    digest_canonical_cpu(&all, &canonical);
    struct digest d = digest_state(&f->parts);
    for (size_t bit = 0; bit < 8 * sizeof(struct cpu_state); bit += bit % 8 == 7 ? 1 : 7) {
        bool field = ((uint8_t *)&canonical)[bit / 8] != 0;
        ((uint8_t *)&f->cpu.s)[bit / 8] ^= 1u << bit % 8;
        assert_int_equal(digest_equal(d, digest_state(&f->parts)), !field);
        ((uint8_t *)&f->cpu.s)[bit / 8] ^= 1u << bit % 8;
        seen += field;
    }
    /* Two bits of every byte, and no more than one word of padding. */
    assert_true(seen >= 2 * (sizeof(struct cpu_state) - 4));
    fake_free(f);
}

static void one_changed_bit_of_any_frame_changes_it(void **st)
{
    struct fake *f = fake_new(RAM);

    (void)st;
    struct digest empty = digest_state(&f->parts);
    for (uint64_t frame = 0; frame < mem_frames(f->parts.mem); frame += 5) {
        if (!mem_is_ram(f->parts.mem, frame))
            continue;
        uint8_t *p = fake_ram(f, (frame << PAGE_SHIFT) + frame * 37 % PAGE_SIZE);
        *p ^= 1u << frame % 8;
        assert_other_digest(empty, digest_state(&f->parts));
        *p ^= 1u << frame % 8;
    }
    assert_same_digest(empty, digest_state(&f->parts));

    /* Within one frame, every byte. */
    *fake_ram(f, 0x200000) = 1;
    struct digest one = digest_state(&f->parts);
    for (unsigned at = 1; at < PAGE_SIZE; at += 3) {
        *fake_ram(f, 0x200000 + at) ^= 0x80;
        assert_other_digest(one, digest_state(&f->parts));
        *fake_ram(f, 0x200000 + at) ^= 0x80;
    }
    fake_free(f);
}

static void where_a_page_lies_matters(void **st)
{
    struct fake *a = fake_new(RAM), *b = fake_new(RAM);

    (void)st;
    *fake_ram(a, 0x200000) = 7;
    *fake_ram(b, 0x201000) = 7;
    assert_other_digest(digest_state(&a->parts), digest_state(&b->parts));
    fake_free(a);
    fake_free(b);
}

static void names_and_sizes_of_blocks_matter(void **st)
{
    struct fake *f = fake_new(RAM);

    (void)st;
    struct digest d = digest_state(&f->parts);
    f->state.block[0].name = "times";
    assert_other_digest(d, digest_state(&f->parts));
    f->state.block[0].name = "timer";
    f->state.block[0].size--;
    assert_other_digest(d, digest_state(&f->parts));
    f->state.block[0].size++;
    assert_same_digest(d, digest_state(&f->parts));
    fake_free(f);
}

static void more_ram_is_another_machine(void **st)
{
    struct fake *a = fake_new(RAM), *b = fake_new(2 * RAM);

    (void)st;
    assert_other_digest(digest_state(&a->parts), digest_state(&b->parts));
    fake_free(a);
    fake_free(b);
}

static void it_is_written_as_32_digits(void **st)
{
    char text[DIGEST_HEX];
    struct digest back;

    (void)st;
    digest_hex((struct digest){.hi = 0x0123456789ABCDEF, .lo = 0xF}, text);
    assert_string_equal(text, "0123456789abcdef000000000000000f");
    assert_true(digest_parse(text, &back));
    assert_int_equal(back.hi, 0x0123456789ABCDEF);
    assert_int_equal(back.lo, 0xF);
    assert_false(digest_parse("0123456789abcdef000000000000000", &back));
    assert_false(digest_parse("0123456789abcdef00000000000000000", &back));
    assert_false(digest_parse("0123456789abcdef000000000000000G", &back));
    assert_false(digest_parse("", &back));
}

static void zero_pages_are_recognised(void **st)
{
    static uint8_t page[PAGE_SIZE];

    (void)st;
    assert_true(digest_page_is_zero(page));
    for (unsigned i = 0; i < PAGE_SIZE; i++) {
        page[i] = 0x10;
        assert_false(digest_page_is_zero(page));
        page[i] = 0;
    }
    memset(page, 1, sizeof page);
    assert_false(digest_page_is_zero(page));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_a_function_of_the_state),
        cmocka_unit_test(one_changed_bit_of_any_block_changes_it),
        cmocka_unit_test(one_changed_bit_of_any_register_changes_it),
        cmocka_unit_test(one_changed_bit_of_any_frame_changes_it),
        cmocka_unit_test(where_a_page_lies_matters),
        cmocka_unit_test(names_and_sizes_of_blocks_matter),
        cmocka_unit_test(more_ram_is_another_machine),
        cmocka_unit_test(it_is_written_as_32_digits),
        cmocka_unit_test(zero_pages_are_recognised),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
