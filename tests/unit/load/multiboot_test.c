/* SPDX-License-Identifier: GPL-2.0-only */
/* Multiboot: the information structure, modules, and flat images with addresses of their own. */
#include "load_test.h"

static void put_header(uint8_t *at, uint32_t flags)
{
    put32(at, 0x1BADB002);
    put32(at + 4, flags);
    put32(at + 8, -(0x1BADB002 + flags));
}

static void an_elf_kernel_is_told_what_it_asks(void **st)
{
    struct test_elf e = good_elf();
    struct mem *m = mem_new(RAM, NULL);
    struct boot_request rq = request(&e, sizeof e);
    struct boot_info info;
    struct err err = {.text = ""};
    const char *initrd = "070701 and so on";

    (void)st;
    put_header(e.bytes[0], 3);
    rq.cmdline = "console=ttyS0 quiet";
    rq.initrd = (struct image){(const uint8_t *)initrd, strlen(initrd), "initrd"};
    assert_true(boot_load(m, &rq, &info, &err));
    assert_int_equal(info.protocol, BOOT_MULTIBOOT);
    check_flat(m, &info.regs);
    assert_int_equal(info.regs.eip, 0x100010);
    assert_int_equal(info.regs.gpr[R_EAX], 0x2BADB002);
    uint32_t mbi = info.regs.gpr[R_EBX];
    assert_true(mbi >= 0x1000 && mbi < 0xA0000);

    assert_int_equal(ram32(m, mbi), 1 << 0 | 1 << 2 | 1 << 3 | 1 << 6 | 1 << 9);
    assert_int_equal(ram32(m, mbi + 4), 639); /* up to the extended BIOS data, as the map says */
    assert_int_equal(ram32(m, mbi + 8), 15 << 10);
    char text[32];
    assert_true(mem_read(m, MADDR(ram32(m, mbi + 16)), text, 20));
    assert_string_equal(text, rq.cmdline);
    assert_true(mem_read(m, MADDR(ram32(m, mbi + 64)), text, 9));
    assert_string_equal(text, "Ringside");

    /* One module, page-aligned, behind the kernel, with an empty string. */
    assert_int_equal(ram32(m, mbi + 20), 1);
    uint32_t mod = ram32(m, mbi + 24), start = ram32(m, mod);
    assert_int_equal(ram32(m, mod + 4) - start, strlen(initrd));
    assert_int_equal(start % PAGE_SIZE, 0);
    assert_int_equal(start, info.kernel_end);
    assert_int_equal(start, info.initrd_start);
    assert_true(mem_read(m, MADDR(start), text, strlen(initrd)));
    assert_memory_equal(text, initrd, strlen(initrd));
    assert_true(mem_read(m, MADDR(ram32(m, mod + 8)), text, 1));
    assert_int_equal(text[0], 0);

    /* The memory map: ascending, without overlap, usable RAM = all but hole and EBDA. */
    uint32_t at = ram32(m, mbi + 48), end = at + ram32(m, mbi + 44);
    uint64_t usable = 0, last = 0;
    while (at < end) {
        uint64_t base = ram32(m, at + 4) | (uint64_t)ram32(m, at + 8) << 32;
        uint64_t size = ram32(m, at + 12) | (uint64_t)ram32(m, at + 16) << 32;
        assert_true(base >= last);
        last = base + size;
        if (ram32(m, at + 20) == 1)
            usable += size;
        at += 4 + ram32(m, at);
    }
    assert_int_equal(at, end);
    assert_int_equal(last, RAM);
    assert_int_equal(usable, RAM - 0x100000 + 0x9FC00);
    mem_free(m);
}

static void a_kernel_at_the_end_of_ram_has_its_initrd_before_it(void **st)
{
    struct test_elf e = good_elf();
    struct mem *m = mem_new(RAM, NULL);
    struct boot_request rq = request(&e, sizeof e);
    struct boot_info info;

    (void)st;
    put_header(e.bytes[0], 0);
    e.ph[1].p_paddr = RAM - 0x1000;
    rq.initrd = (struct image){(const uint8_t *)"initrd", 6, "initrd"};
    assert_true(boot_load(m, &rq, &info, NULL));
    assert_int_equal(info.initrd_start, 0x101000);
    mem_free(m);
}

static void without_an_initrd_there_are_no_modules(void **st)
{
    struct test_elf e = good_elf();
    struct mem *m = mem_new(RAM, NULL);
    struct boot_request rq = request(&e, sizeof e);
    struct boot_info info;

    (void)st;
    put_header(e.bytes[0], 0);
    assert_true(boot_load(m, &rq, &info, NULL));
    assert_int_equal(ram32(m, info.info) & 1 << 3, 0);
    assert_int_equal(info.initrd_end, 0);
    assert_int_equal(ram32(m, ram32(m, info.info + 16)) & 0xFF, 0); /* an empty command line */
    mem_free(m);
}

/* What a BIOS leaves at 400h, which kernels read whatever their loader told them: Xen takes the
   place of its first stage from there. */
static void the_bios_data_area_agrees_with_the_map(void **st)
{
    struct test_elf e = good_elf();
    struct mem *m = mem_new(RAM, NULL);
    struct boot_request rq = request(&e, sizeof e);
    struct boot_info info;

    (void)st;
    put_header(e.bytes[0], 0);
    for (rq.protocol = BOOT_MULTIBOOT; rq.protocol <= BOOT_LINUX; rq.protocol++) {
        assert_true(boot_load(m, &rq, &info, NULL));
        assert_int_equal(ram32(m, 0x400), 0x3F8);           /* COM1, no COM2 */
        assert_int_equal(ram32(m, 0x410) & 0xFFFF, 0x202);  /* an FPU, one serial port */
        assert_int_equal(ram32(m, 0x413) & 0xFFFF, 639);    /* KiB */
        assert_int_equal(ram32(m, 0x40E) & 0xFFFF, 0x9FC0); /* the segment behind them, */
        assert_int_equal(ram32(m, 0x9FC00), 1);             /* which is 1 KiB */
        mem_free(m);
        m = mem_new(RAM, NULL);
    }
    e.ph[1].p_paddr = 0; /* a kernel that lies there itself is left as it is */
    rq.protocol = BOOT_MULTIBOOT;
    assert_true(boot_load(m, &rq, &info, NULL));
    assert_int_equal(ram32(m, 0), 0x22222222);
    assert_int_equal(ram32(m, 0x413), 0);
    mem_free(m);
}

static void the_linux_door_can_be_asked_for(void **st)
{
    struct test_elf e = good_elf();
    struct mem *m = mem_new(RAM, NULL);
    struct boot_request rq = request(&e, sizeof e);
    struct boot_info info;

    (void)st;
    put_header(e.bytes[0], 0);
    rq.protocol = BOOT_LINUX;
    assert_true(boot_load(m, &rq, &info, NULL));
    assert_int_equal(info.protocol, BOOT_LINUX);
    mem_free(m);
}

/* A flat image: header at 0x20 of the file, loaded at one megabyte. */
struct flat {
    uint8_t bytes[0x400];
};

static struct flat good_flat(void)
{
    struct flat f;

    memset(&f, 0x90, sizeof f);
    put_header(f.bytes + 0x20, 1 << 16);
    put32(f.bytes + 0x2C, 0x100020); /* header */
    put32(f.bytes + 0x30, 0x100000); /* load */
    put32(f.bytes + 0x34, 0x100300); /* load end */
    put32(f.bytes + 0x38, 0x102000); /* bss end */
    put32(f.bytes + 0x3C, 0x100100); /* entry */
    return f;
}

static void a_flat_image_is_loaded_by_its_own_addresses(void **st)
{
    struct flat f = good_flat();
    struct mem *m = mem_new(RAM, NULL);
    struct boot_request rq = request(&f, sizeof f);
    struct boot_info info;

    (void)st;
    assert_true(boot_load(m, &rq, &info, NULL));
    assert_int_equal(info.regs.eip, 0x100100);
    assert_int_equal(ram32(m, 0x100020), 0x1BADB002);
    assert_int_equal(ram32(m, 0x1002FC), 0x90909090);
    assert_int_equal(ram32(m, 0x100300), 0);
    assert_int_equal(info.kernel_end, 0x102000);
    mem_free(m);

    /* Zeros mean: the whole rest of the file, and no bss. What is before load_addr is left out. */
    m = mem_new(RAM, NULL);
    put32(f.bytes + 0x30, 0x100020);
    put32(f.bytes + 0x34, 0);
    put32(f.bytes + 0x38, 0);
    assert_true(boot_load(m, &rq, &info, NULL));
    assert_int_equal(info.kernel_start, 0x100020);
    assert_int_equal(info.kernel_end, 0x100400);
    assert_int_equal(ram32(m, 0x10001C), 0);
    mem_free(m);
}

static void flat_refused(uint32_t field, uint32_t value, const char *words)
{
    struct flat f = good_flat();

    put32(f.bytes + field, value);
    refuse(&f, sizeof f, words);
}

static void flat_images_that_lie_are_refused(void **st)
{
    (void)st;
    flat_refused(0x30, 0x100021, "before the file");
    flat_refused(0x30, 0x0FFFFF, "before the file");
    flat_refused(0x2C, 0xFFFFFFF0, "before the file");
    flat_refused(0x34, 0x100401, "not all in the file");
    flat_refused(0x34, 0x0FFFFF, "before it starts");
    flat_refused(0x34, 0x100000, "not all in the file");
    flat_refused(0x38, 0x1002FF, "bss ends");
    flat_refused(0x38, 0xFFFFFFFF, "past the end of RAM");
    flat_refused(0x3C, 0x0FFFFF, "entry point");
    flat_refused(0x3C, 0x102000, "entry point");

    struct flat f = good_flat();
    put32(f.bytes + 0x2C, 0xB8020);
    put32(f.bytes + 0x30, 0xB8000);
    put32(f.bytes + 0x34, 0xB8300);
    put32(f.bytes + 0x38, 0);
    put32(f.bytes + 0x3C, 0xB8000);
    refuse(&f, sizeof f, "in the hole");
    f = good_flat();
    refuse(&f, 0x3F, "cut off");
    refuse(&f, 0x200, "not all in the file");
}

static void wishes_that_cannot_be_met_are_refused(void **st)
{
    struct test_elf e = good_elf();

    (void)st;
    put_header(e.bytes[0], 4);
    refuse(&e, sizeof e, "video");
    put_header(e.bytes[0], 0x40);
    refuse(&e, sizeof e, "unknown");
    put_header(e.bytes[0], 0);
    e.h.e_ident[EI_CLASS] = ELFCLASS64;
    refuse(&e, sizeof e, "64-bit");

    struct mem *m = mem_new(RAM, NULL);
    struct boot_info info;
    struct err err;
    char line[5000];
    memset(line, 'x', sizeof line);
    line[sizeof line - 1] = 0;
    struct flat f = good_flat();
    struct boot_request rq = request(&f, sizeof f);
    rq.cmdline = line;
    assert_false(boot_load(m, &rq, &info, &err));
    assert_int_equal(err.class, ERR_USAGE);
    line[4095] = 0;
    assert_true(boot_load(m, &rq, &info, &err));

    /* An initrd as big as RAM. */
    uint8_t *big = calloc(1, RAM);
    rq.cmdline = NULL;
    rq.initrd = (struct image){big, RAM - 0x100000, "big.cpio"};
    assert_false(boot_load(m, &rq, &info, &err));
    assert_int_equal(err.class, ERR_FILE);
    assert_non_null(strstr(err.text, "big.cpio"));
    rq.initrd.size = RAM - 0x102000;
    assert_true(boot_load(m, &rq, &info, &err));
    assert_int_equal(info.initrd_end, RAM);
    free(big);
    mem_free(m);
}

static void a_header_without_its_checksum_is_none(void **st)
{
    struct test_elf e = good_elf();
    struct image img = {(const uint8_t *)&e, sizeof e, "kernel.img"};

    (void)st;
    put_header(e.bytes[0], 0);
    assert_true(multiboot_is(&img));
    e.bytes[0][8] ^= 1;
    assert_false(multiboot_is(&img));
    put_header(e.bytes[0] + 2, 0); /* not on a 4-byte boundary */
    assert_false(multiboot_is(&img));

    static uint8_t late[8300];
    struct image far = {late, sizeof late, "late"};
    put_header(late + 8192, 0);
    assert_false(multiboot_is(&far));
    put_header(late + 8180, 0);
    assert_true(multiboot_is(&far));
    far.size = 8191;
    assert_false(multiboot_is(&far));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_elf_kernel_is_told_what_it_asks),
        cmocka_unit_test(a_kernel_at_the_end_of_ram_has_its_initrd_before_it),
        cmocka_unit_test(without_an_initrd_there_are_no_modules),
        cmocka_unit_test(the_bios_data_area_agrees_with_the_map),
        cmocka_unit_test(the_linux_door_can_be_asked_for),
        cmocka_unit_test(a_flat_image_is_loaded_by_its_own_addresses),
        cmocka_unit_test(flat_images_that_lie_are_refused),
        cmocka_unit_test(wishes_that_cannot_be_met_are_refused),
        cmocka_unit_test(a_header_without_its_checksum_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
