/* SPDX-License-Identifier: GPL-2.0-only */
/* Symbols of the real kernel, and of files that only claim to have some. */
#include "unit.h"

#include <string.h>

#include "debugger/kernel.h"
#include "random.h"

#include <elf.h> /* last: its PF_W is another one than a page fault's */

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

static void names_and_addresses(void **st)
{
    struct err err = {0};
    struct kernel *k = kernel_open(&image, &err);
    const struct kernel_symbol *s;

    (void)st;
    assert_non_null(k);
    s = kernel_find(k, "schedule");
    assert_non_null(s);
    assert_true(s->function && s->addr > 0xC0100000u && s->size > 16);
    assert_string_equal(kernel_symbol_at(k, s->addr)->name, "schedule");
    assert_string_equal(kernel_symbol_at(k, s->addr + s->size - 1)->name, "schedule");
    const struct kernel_symbol *behind = kernel_symbol_at(k, s->addr + s->size);
    assert_true(!behind || strcmp(behind->name, "schedule") != 0);
    assert_null(kernel_symbol_at(k, 0));
    assert_null(kernel_symbol_at(k, UINT32_MAX));
    assert_null(kernel_find(k, "no_such_symbol"));
    kernel_close(k);
}

static void every_symbol_covers_itself(void **st)
{
    struct kernel *k = kernel_open(&image, NULL);
    unsigned n, functions = 0;

    (void)st;
    assert_non_null(k);
    const struct kernel_symbol *s = kernel_symbols(k, &n);
    for (unsigned i = 0; i < n; i++) {
        assert_true(!i || s[i - 1].addr <= s[i].addr);
        if (!s[i].function || !s[i].size)
            continue;
        functions++;
        assert_int_equal(kernel_symbol_at(k, s[i].addr)->addr, s[i].addr);
    }
    assert_true(functions > 300);
    kernel_close(k);
}

static void bytes_of_the_file(void **st)
{
    struct kernel *k = kernel_open(&image, NULL);

    (void)st;
    assert_non_null(k);
    const struct kernel_symbol *s = kernel_find(k, "native_insn_irq_disable");
    assert_non_null(s);
    const uint8_t *code = kernel_bytes(k, s->addr, s->size);
    assert_non_null(code);
    assert_int_equal(code[0], 0xFA); /* cli */
    assert_null(kernel_bytes(k, s->addr, UINT32_MAX));
    assert_null(kernel_bytes(k, 0x1000, 1));
    /* .bss has addresses and no bytes */
    assert_null(kernel_bytes(k, kernel_find(k, "current")->addr, 4));
    kernel_close(k);
}

static void damaged_files_are_refused_or_harmless(void **st)
{
    struct random r = {20061122};
    uint8_t *copy = malloc(image.size);
    Elf32_Ehdr h;

    (void)st;
    assert_non_null(copy);
    memcpy(&h, image.data, sizeof h);
    for (unsigned i = 0; i < 400; i++) {
        memcpy(copy, image.data, image.size);
        struct image bad = {.data = copy, .size = image.size, .name = "bad"};
        struct err err = {0};
        if (i % 4 == 0)
            bad.size = random_below(&r, image.size);
        for (unsigned j = 0; j < 3; j++) {
            size_t tables = h.e_shoff + random_below(&r, h.e_shnum * sizeof(Elf32_Shdr));
            size_t at =
                j % 2 ? random_below(&r, sizeof h + h.e_phnum * sizeof(Elf32_Phdr)) : tables;
            copy[at] = (uint8_t)random_below(&r, 256);
        }
        struct kernel *k = kernel_open(&bad, &err);
        if (!k) {
            assert_int_equal(err.class, ERR_FILE);
            assert_non_null(strstr(err.text, "bad"));
            continue;
        }
        unsigned n;
        const struct kernel_symbol *s = kernel_symbols(k, &n);
        for (unsigned j = 0; j < n; j += 97) {
            kernel_symbol_at(k, s[j].addr);
            const uint8_t *p = kernel_bytes(k, s[j].addr, s[j].size);
            assert_true(!p || (p >= copy && p + s[j].size <= copy + bad.size));
        }
        kernel_close(k);
    }
    free(copy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_and_addresses),
        cmocka_unit_test(every_symbol_covers_itself),
        cmocka_unit_test(bytes_of_the_file),
        cmocka_unit_test(damaged_files_are_refused_or_harmless),
    };
    return cmocka_run_group_tests(tests, read_kernel, free_kernel);
}
