/* SPDX-License-Identifier: GPL-2.0-only */
/* What counts as a slip of the hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "emu/suggest.h"

static void counts_slips(void **st)
{
    (void)st;
    assert_int_equal(edit_distance("", ""), 0);
    assert_int_equal(edit_distance("", "abc"), 3);
    assert_int_equal(edit_distance("native", "native"), 0);
    assert_int_equal(edit_distance("natve", "native"), 1);   /* one too few */
    assert_int_equal(edit_distance("nattive", "native"), 1); /* one too many */
    assert_int_equal(edit_distance("nutive", "native"), 1);  /* a wrong one */
    assert_int_equal(edit_distance("naitve", "native"), 1);  /* two in the wrong order */
    assert_int_equal(edit_distance("kitten", "sitting"), 3);
    assert_int_equal(edit_distance("abc", "cab"), 2);
}

static void is_symmetric(void **st)
{
    (void)st;
    static const char *const words[] = {"", "xen", "vmi", "lguest", "native", "max-cycles"};
    for (size_t i = 0; i < 6; i++)
        for (size_t k = 0; k < 6; k++)
            assert_int_equal(edit_distance(words[i], words[k]), edit_distance(words[k], words[i]));
}

static void survives_long_words(void **st)
{
    (void)st;
    char longer[500];
    memset(longer, 'x', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    assert_true(edit_distance(longer, "xen") >= 100);
}

static const char *nearest(const char *typed)
{
    struct suggestion s = {.typed = typed};
    suggest_offer(&s, "kernel");
    suggest_offer(&s, "initrd");
    suggest_offer(&s, "max-cycles");
    suggest_offer(&s, "mem");
    return s.best;
}

static void suggests_only_what_is_near(void **st)
{
    (void)st;
    assert_string_equal(nearest("kernal"), "kernel");
    assert_string_equal(nearest("max-cycle"), "max-cycles");
    assert_string_equal(nearest("max"), "max-cycles"); /* a beginning */
    assert_string_equal(nearest("men"), "mem");
    assert_null(nearest("frobnicate"));
    assert_null(nearest(""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_slips),
        cmocka_unit_test(is_symmetric),
        cmocka_unit_test(survives_long_words),
        cmocka_unit_test(suggests_only_what_is_near),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
