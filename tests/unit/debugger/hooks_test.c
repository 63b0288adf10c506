/* SPDX-License-Identifier: GPL-2.0-only */
/* The catalogue as data, and the backends of the real kernel read through it. */
#include "unit.h"

#include <string.h>

#include "debugger/backend.h"

static unsigned number_of(const char *name)
{
    for (unsigned i = 0; i < hook_count; i++)
        if (!strcmp(hook_table[i].name, name))
            return i;
    fail_msg("no hook %s", name);
    return 0;
}

static void the_catalogue_in_words(void **st)
{
    const struct hook_info *h = &hook_table[number_of("set_pte_at")];
    char text[160];

    (void)st;
    hook_full_name(h, text, sizeof text);
    assert_string_equal(text, "pv_mmu_ops.set_pte_at");
    hook_arguments(h, text, sizeof text);
    assert_string_equal(text, "(struct mm *mm, uint32_t addr, pte_t *ptep, pte_t pte)");
    assert_int_equal(hook_words(h), 5);
    h = &hook_table[number_of("iret")];
    hook_arguments(h, text, sizeof text);
    assert_string_equal(text, "(void)");
    assert_int_equal(h->convention, HOOK_JUMP);
    /* Linux 2.6.31 counts these with the same numbers (patch type = word of the template). */
    assert_int_equal(number_of("patch"), 0);
    assert_int_equal(number_of("get_debugreg"), 10);
    for (unsigned i = 0; i < hook_count; i++)
        assert_true(hook_words(&hook_table[i]) <= 5 && strlen(hook_table[i].meaning) > 3);
}

/* Functions are called native_NAME: were the order of words another, the names would not fit. */
static void native_fills_every_hook(void **st)
{
    struct err err = {0};
    struct image image = {0};
    struct backend b[BACKENDS_MAX];
    struct kernel *k;
    unsigned kinds[4] = {0}, native = BACKENDS_MAX;

    (void)st;
    if (!image_read(&image, RINGSIDE_BUILD "/ringside-kernel", &err) ||
        !(k = kernel_open(&image, &err)))
        fail_msg("%s", err.text);
    unsigned n = backends_find(k, b);
    for (unsigned i = 0; i < n; i++)
        if (!strcmp(b[i].name, "native"))
            native = i;
    assert_true(native < n);
    for (unsigned i = 0; i < hook_count; i++) {
        struct fill f;
        char expected[64];
        assert_true(backend_fill(k, &b[native], i, &f));
        kinds[f.kind]++;
        assert_non_null(f.function);
        snprintf(expected, sizeof expected, "native_%s", hook_table[i].name);
        if (f.kind == FILL_CALL || f.kind == FILL_INLINE)
            assert_string_equal(f.function, expected);
    }
    /* pv-ops.md, section 3: eleven hooks shrink to instructions; six are identities. */
    assert_int_equal(kinds[FILL_INLINE], 11);
    assert_int_equal(kinds[FILL_IDENTITY], 6);
    struct fill f;
    char text[128];
    assert_true(backend_fill(k, &b[native], number_of("save_fl"), &f));
    fill_format(&f, HOOK_CALLEE_SAVE, text, sizeof text);
    assert_string_equal(text, "inlined: pushfd; pop eax");
    assert_false(backend_fill(k, &b[native], hook_count, &f));
    kernel_close(k);
    image_free(&image);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_catalogue_in_words),
        cmocka_unit_test(native_fills_every_hook),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
