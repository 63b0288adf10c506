/* SPDX-License-Identifier: GPL-2.0-only */
/* Source lines of the real kernel, and of files whose debug information lies. */
#include "unit.h"

#include <string.h>

#include "debugger/kernel.h"
#include "debugger/lines.h"
#include "random.h"

static struct image image;

static int read_kernel(void **st)
{
    struct err err = {0};

    (void)st;
    if (image_read(&image, RINGSIDE_BUILD "/ringside-kernel", &err))
        return 0;
    print_error("%s\n", err.text);
    return -1;
}

static int free_kernel(void **st)
{
    (void)st;
    image_free(&image);
    return 0;
}

static void functions_are_in_their_files(void **st)
{
    static const struct {
        const char *function, *file;
    } known[] = {
        {"schedule", "kernel/sched.c"},
        {"apply_paravirt", "pv/patch.c"},
        {"native_set_pte", "pv/native/mmu.c"},
        {"switch_stacks", "kernel/entry.S"},
    };
    struct kernel *k = kernel_open(&image, NULL);
    struct lines *l = lines_open(&image);
    struct line at;

    (void)st;
    assert_non_null(k);
    if (!lines_supported()) {
        assert_null(l);
        assert_false(lines_at(l, kernel_find(k, "schedule")->addr, &at));
        kernel_close(k);
        skip();
    }
    assert_non_null(l);
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        assert_true(lines_at(l, kernel_find(k, known[i].function)->addr, &at));
        assert_non_null(strstr(at.file, known[i].file));
        assert_true(at.line > 0 && at.line < 2000);
    }
    assert_false(lines_at(l, 0, &at));
    assert_false(lines_at(l, kernel_find(k, "current")->addr, &at));
    lines_close(l);
    kernel_close(k);
}

static void damaged_information_is_harmless(void **st)
{
    struct random r = {11};
    struct kernel *k = kernel_open(&image, NULL);
    uint32_t from = kernel_find(k, "text_start")->addr, to = kernel_find(k, "text_end")->addr;
    uint8_t *copy = malloc(image.size);
    unsigned told = 0;

    (void)st;
    assert_non_null(copy);
    for (unsigned i = 0; i < 40; i++) {
        struct line at;
        memcpy(copy, image.data, image.size);
        /* The code comes first in the file, what describes it after: damage that. */
        for (unsigned j = 0; j < 50; j++)
            copy[image.size / 4 + random_below(&r, image.size - image.size / 4)] =
                (uint8_t)random_below(&r, 256);
        struct image bad = {.data = copy, .size = image.size, .name = "bad"};
        struct lines *l = lines_open(&bad);
        for (unsigned j = 0; l && j < 40; j++)
            if (lines_at(l, from + (uint32_t)random_below(&r, to - from), &at))
                told += strlen(at.file) > 0;
        lines_close(l);
    }
    assert_true(told > 0 || !lines_supported());
    free(copy);
    kernel_close(k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(functions_are_in_their_files),
        cmocka_unit_test(damaged_information_is_harmless),
    };
    return cmocka_run_group_tests(tests, read_kernel, free_kernel);
}
