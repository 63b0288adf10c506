/* SPDX-License-Identifier: GPL-2.0-only */
/* ELF: what is loaded where, and every way in which a file can lie. */
#include "load_test.h"

static void segments_go_to_their_physical_addresses(void **st)
{
    struct test_elf e = good_elf();
    struct mem *m = mem_new(RAM, NULL);
    struct boot_request rq = request(&e, sizeof e);
    struct boot_info info;
    struct err err = {.text = ""};

    (void)st;
    e.ph[1].p_vaddr = 0xC0110000;
    e.ph[1].p_filesz = 0x80;
    assert_true(boot_load(m, &rq, &info, &err));
    assert_int_equal(ram32(m, 0x100000), 0x11111111);
    assert_int_equal(ram32(m, 0x1000FC), 0x11111111);
    assert_int_equal(ram32(m, 0x100100), 0);
    assert_int_equal(ram32(m, 0x11007C), 0x22222222);
    assert_int_equal(ram32(m, 0x110080), 0);
    assert_int_equal(info.kernel_start, 0x100000);
    assert_int_equal(info.kernel_end, 0x111000);
    assert_int_equal(info.regs.eip, 0x100010);
    assert_string_equal(info.format, "ELF");
    mem_free(m);
}

static void a_virtual_entry_is_translated(void **st)
{
    struct test_elf e = good_elf();
    struct mem *m = mem_new(RAM, NULL);
    struct boot_request rq = request(&e, sizeof e);
    struct boot_info info;

    (void)st;
    e.ph[1].p_vaddr = 0xC0110000;
    e.h.e_entry = 0xC0110024;
    assert_true(boot_load(m, &rq, &info, NULL));
    assert_int_equal(info.regs.eip, 0x110024);
    mem_free(m);
}

static void every_truncation_is_refused(void **st)
{
    struct test_elf e = good_elf();

    (void)st;
    e.h.e_phnum = 4;
    refuse(&e, 0, "empty");
    for (size_t n = 1; n < sizeof e; n += n < 0x200 ? 1 : 61)
        refuse(&e, n, n < 4 ? "not a kernel" : "at offset");
}

#define REFUSED(words, ...)             \
    do {                                \
        struct test_elf e = good_elf(); \
        __VA_ARGS__;                    \
        refuse(&e, sizeof e, words);    \
    } while (0)

static void foreign_files_are_named(void **st)
{
    (void)st;
    REFUSED("64-bit ELF file (x86-64)", e.h.e_ident[EI_CLASS] = ELFCLASS64;
            e.h.e_machine = EM_X86_64);
    REFUSED("for ARM", e.h.e_machine = EM_ARM);
    REFUSED("for machine 4711", e.h.e_machine = 4711);
    REFUSED("little-endian", e.h.e_ident[EI_DATA] = ELFDATA2MSB);
    REFUSED("class 9", e.h.e_ident[EI_CLASS] = 9);
    REFUSED("version", e.h.e_version = 7);
    REFUSED("not been linked", e.h.e_type = ET_REL);
    REFUSED("position-independent", e.h.e_type = ET_DYN);
    REFUSED("core dump", e.h.e_type = ET_CORE);
    REFUSED("unknown type", e.h.e_type = 0xFEED);
    REFUSED("dynamically linked", e.ph[0].p_type = PT_INTERP);
    refuse("\x1f\x8b\x08\0\0\0\0\0", 8, "gzip");
    refuse("#!/bin/sh\n", 10, "script");
    refuse("nothing of the kind", 19, "neither ELF");
}

static void headers_that_lie_are_refused(void **st)
{
    (void)st;
    REFUSED("no program headers", e.h.e_phnum = 0);
    REFUSED("program headers of 8 bytes", e.h.e_phentsize = 8);
    REFUSED("not all inside", e.h.e_phoff = UINT32_MAX);
    REFUSED("not all inside", e.h.e_phoff = sizeof e - 32);
    REFUSED("not all inside", e.h.e_phnum = UINT16_MAX);
    REFUSED("no segment", e.h.e_phnum = 1; e.ph[0].p_type = PT_NOTE);
    REFUSED("no segment", e.h.e_phnum = 1; e.ph[0].p_memsz = e.ph[0].p_filesz = 0);
    REFUSED("lies in no segment", e.h.e_entry = 0x200000);
    REFUSED("lies in no segment", e.h.e_entry = 0x111000);
}

static void segments_that_lie_are_refused(void **st)
{
    (void)st;
    REFUSED("past the end of the file", e.ph[1].p_offset = sizeof e - 0xFF);
    REFUSED("past the end of the file", e.ph[1].p_offset = UINT32_MAX);
    REFUSED("past the end of the file", e.ph[1].p_filesz = e.ph[1].p_memsz = UINT32_MAX);
    REFUSED("more bytes in the file", e.ph[1].p_memsz = 0xFF);
    REFUSED("wraps around", e.ph[1].p_paddr = 0xFFFFF000; e.ph[1].p_memsz = 0x2000);
    REFUSED("past the end of RAM", e.ph[1].p_paddr = 0xFFFFF000; e.ph[1].p_memsz = 0x1000);
    REFUSED("past the end of RAM", e.ph[1].p_paddr = RAM - 0xFFF);
    REFUSED("past the end of RAM", e.ph[1].p_memsz = 0xF0000000);
    REFUSED("in the hole", e.ph[1].p_paddr = 0x9F001);
    REFUSED("in the hole", e.ph[1].p_paddr = 0xB8000);
    REFUSED("overlaps", e.ph[1].p_paddr = 0x100FFF);
    REFUSED("overlaps", e.ph[1].p_paddr = 0x0FF001 + 0x1000; e.ph[0].p_paddr = 0x100FFF);
    REFUSED("overlaps", e.ph[1].p_paddr = 0x100000);
}

static void segments_may_touch_and_fill_ram(void **st)
{
    struct test_elf e = good_elf();
    struct mem *m = mem_new(RAM, NULL);
    struct boot_request rq = request(&e, sizeof e);
    struct boot_info info;

    (void)st;
    e.h.e_phnum = 3;
    e.ph[1].p_paddr = 0x101000;
    e.ph[2].p_paddr = RAM - 0x1000;
    assert_true(boot_load(m, &rq, &info, NULL));
    assert_int_equal(ram32(m, RAM - 0x1000), 0x33333333);
    mem_free(m);
}

static void any_changed_byte_of_the_headers_is_survived(void **st)
{
    (void)st;
    struct mem *m = mem_new(MEM_MIN_BYTES, NULL);
    struct boot_info info;
    struct err err;
    for (unsigned at = 0; at < sizeof(Elf32_Ehdr) + 2 * sizeof(Elf32_Phdr); at++) {
        for (unsigned v = 0; v < 256; v += 3) {
            struct test_elf e = good_elf();
            ((uint8_t *)&e)[at] = (uint8_t)v;
            struct boot_request rq = request(&e, sizeof e);
            if (boot_load(m, &rq, &info, &err))
                assert_true(info.kernel_start < info.kernel_end &&
                            info.kernel_end <= MEM_MIN_BYTES);
            else
                assert_int_equal(err.class, ERR_FILE);
        }
    }
    mem_free(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(segments_go_to_their_physical_addresses),
        cmocka_unit_test(a_virtual_entry_is_translated),
        cmocka_unit_test(every_truncation_is_refused),
        cmocka_unit_test(foreign_files_are_named),
        cmocka_unit_test(headers_that_lie_are_refused),
        cmocka_unit_test(segments_that_lie_are_refused),
        cmocka_unit_test(segments_may_touch_and_fill_ram),
        cmocka_unit_test(any_changed_byte_of_the_headers_is_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
