/* SPDX-License-Identifier: GPL-2.0-only */
/* The Linux 32-bit boot protocol: bzImage and vmlinux, boot_params, initrd and command line. */
#include "load_test.h"

/* A bzImage of protocol 2.10: two setup sectors, 0x800 bytes of kernel. */
struct bzimage {
    uint8_t b[3 * 512 + 0x800];
};

static struct bzimage good_bzimage(void)
{
    struct bzimage z;

    memset(&z, 0, sizeof z);
    z.b[0x1F1] = 2;
    put16(z.b + 0x1FE, 0xAA55);
    z.b[0x200] = 0xEB;
    z.b[0x201] = 0x62; /* the header ends at 0x264 */
    memcpy(z.b + 0x202, "HdrS", 4);
    put16(z.b + 0x206, 0x20A);
    z.b[0x211] = 1;
    put32(z.b + 0x214, 0x100000);
    put32(z.b + 0x22C, 0x7FFFFF);
    put32(z.b + 0x238, 2047);
    put64(z.b + 0x258, 0x200000);
    put32(z.b + 0x260, 0x100000);
    memset(z.b + 0x264, 0xCC, 0x600 - 0x264);
    memset(z.b + 0x600, 0x5A, 0x800);
    return z;
}

static void a_bzimage_boots_as_the_protocol_says(void **st)
{
    struct bzimage z = good_bzimage();
    struct mem *m = mem_new(RAM, NULL);
    struct boot_request rq = request(&z, sizeof z);
    struct boot_info info;
    struct err err = {.text = ""};

    (void)st;
    rq.cmdline = "console=ttyS0";
    rq.initrd = (struct image){(const uint8_t *)"initrd", 6, "initrd"};
    if (!boot_load(m, &rq, &info, &err))
        fail_msg("%s", err.text);
    assert_int_equal(info.protocol, BOOT_LINUX);
    assert_string_equal(info.format, "bzImage");
    check_flat(m, &info.regs);
    assert_int_equal(info.regs.eip, 0x100000);
    assert_int_equal(info.regs.gpr[R_EBP] | info.regs.gpr[R_EDI] | info.regs.gpr[R_EBX], 0);
    assert_int_equal(ram32(m, 0x100000), 0x5A5A5A5A);
    assert_int_equal(ram32(m, 0x1007FC), 0x5A5A5A5A);
    assert_int_equal(ram32(m, 0x100800), 0);
    assert_int_equal(info.kernel_end, 0x300000); /* pref_address + init_size */

    uint32_t bp = info.regs.gpr[R_ESI];
    assert_int_equal(bp % PAGE_SIZE, 0);
    assert_int_equal(ram32(m, bp + 0x202), 0x53726448);
    assert_int_equal(ram32(m, bp + 0x210) & 0xFFFF, 0x01FF);
    assert_int_equal(ram32(m, bp + 0x264), 0); /* what follows the header is not copied */
    char text[32];
    assert_true(mem_read(m, MADDR(ram32(m, bp + 0x228)), text, 14));
    assert_string_equal(text, "console=ttyS0");

    uint32_t rd = ram32(m, bp + 0x218);
    assert_int_equal(ram32(m, bp + 0x21C), 6);
    assert_int_equal(rd, 0x7FF000); /* the last page below initrd_addr_max */
    assert_true(mem_read(m, MADDR(rd), text, 6));
    assert_memory_equal(text, "initrd", 6);

    /* e820: 640K, the hole, one megabyte and up. */
    assert_int_equal(ram32(m, bp + 0x1E8) & 0xFF, 4);
    assert_int_equal(ram32(m, bp + 0x2D0 + 3 * 20), 0x100000);
    assert_int_equal(ram32(m, bp + 0x2D0 + 3 * 20 + 8), RAM - 0x100000);
    assert_int_equal(ram32(m, bp + 0x2D0 + 3 * 20 + 16), 1);
    assert_int_equal(ram32(m, bp + 0x1E0), 15 << 10);
    mem_free(m);
}

static void a_vmlinux_gets_boot_params_too(void **st)
{
    struct test_elf e = good_elf();
    struct mem *m = mem_new(RAM, NULL);
    struct boot_request rq = request(&e, sizeof e);
    struct boot_info info;

    (void)st;
    rq.initrd = (struct image){(const uint8_t *)"initrd", 6, "initrd"};
    assert_true(boot_load(m, &rq, &info, NULL));
    assert_int_equal(info.protocol, BOOT_LINUX);
    check_flat(m, &info.regs);
    assert_int_equal(info.regs.eip, 0x100010);
    uint32_t bp = info.regs.gpr[R_ESI];
    assert_int_equal(ram32(m, bp + 0x202), 0x53726448);
    assert_int_equal(ram32(m, bp + 0x218), RAM - 0x1000);
    assert_int_equal(ram32(m, bp + 0x23C), 0); /* hardware_subarch: a PC */
    mem_free(m);
}

#define REFUSED(words, ...)                \
    do {                                   \
        struct bzimage z = good_bzimage(); \
        __VA_ARGS__;                       \
        refuse(&z, sizeof z, words);       \
    } while (0)

static void headers_that_lie_are_refused(void **st)
{
    (void)st;
    REFUSED("2.02 is too old", put16(z.b + 0x206, 0x202));
    REFUSED("zImage", z.b[0x211] = 0);
    REFUSED("ends at 0x20a", z.b[0x201] = 8);
    REFUSED("ends at 0x301", z.b[0x201] = 0xFF);
    REFUSED("nothing behind them", z.b[0x1F1] = 255);
    REFUSED("below one megabyte", put32(z.b + 0x214, 0x1000));
    REFUSED("real mode", put32(z.b + 0x214, 0)); /* iPXE's: only its 16-bit entry is one */
    REFUSED("does not fit", put32(z.b + 0x214, 0xFFFFF000));
    REFUSED("does not fit", put32(z.b + 0x214, RAM - 0x7FF));
    REFUSED("past the end of RAM", put32(z.b + 0x260, RAM));
    REFUSED("past the end of RAM", put32(z.b + 0x260, UINT32_MAX));
    REFUSED("past the end of RAM", put64(z.b + 0x258, 0xA0000000));
    REFUSED("neither ELF", put16(z.b + 0x1FE, 0));

    struct bzimage z = good_bzimage();
    for (size_t n = 1; n <= 0x600; n += 7)
        refuse(&z, n, "kernel.img");
}

static void limits_of_the_kernel_are_kept(void **st)
{
    struct bzimage z = good_bzimage();
    struct mem *m = mem_new(RAM, NULL);
    struct boot_request rq = request(&z, sizeof z);
    struct boot_info info;
    struct err err;
    static char line[4200];

    (void)st;
    memset(line, 'x', 2048);
    rq.cmdline = line;
    assert_false(boot_load(m, &rq, &info, &err));
    assert_int_equal(err.class, ERR_USAGE);
    assert_non_null(strstr(err.text, "2047"));
    line[2047] = 0;
    assert_true(boot_load(m, &rq, &info, &err));
    put16(z.b + 0x206, 0x205); /* before 2.06: 255 bytes */
    assert_false(boot_load(m, &rq, &info, &err));
    line[255] = 0;
    assert_true(boot_load(m, &rq, &info, &err));
    z = good_bzimage();
    put32(z.b + 0x238, UINT32_MAX);
    memset(line, 'x', sizeof line - 1);
    assert_false(boot_load(m, &rq, &info, &err));

    /* The initrd must fit between the kernel's room (3 MiB) and the limit (8 MiB). */
    uint8_t *big = calloc(1, RAM);
    rq.cmdline = NULL;
    rq.initrd = (struct image){big, (5u << 20) + 1, "big.cpio"};
    assert_false(boot_load(m, &rq, &info, &err));
    assert_non_null(strstr(err.text, "big.cpio"));
    rq.initrd.size = 5u << 20;
    assert_true(boot_load(m, &rq, &info, &err));
    assert_int_equal(info.initrd_start, 0x300000);
    put32(z.b + 0x22C, 0);
    assert_false(boot_load(m, &rq, &info, &err));
    put32(z.b + 0x22C, UINT32_MAX);
    assert_true(boot_load(m, &rq, &info, &err));
    assert_int_equal(info.initrd_end, RAM);
    free(big);
    mem_free(m);
}

static void any_changed_byte_of_the_header_is_survived(void **st)
{
    struct mem *m = mem_new(MEM_MIN_BYTES, NULL);
    struct boot_info info;
    struct err err;

    (void)st;
    for (unsigned at = 0x1F1; at < 0x264; at++) {
        for (unsigned v = 0; v < 256; v += 3) {
            struct bzimage z = good_bzimage();
            z.b[at] = (uint8_t)v;
            struct boot_request rq = request(&z, sizeof z);
            rq.initrd = (struct image){z.b, 512, "initrd"};
            if (boot_load(m, &rq, &info, &err))
                assert_true(info.kernel_end <= MEM_MIN_BYTES && info.initrd_end <= MEM_MIN_BYTES);
            else
                assert_int_equal(err.class, ERR_FILE);
        }
    }
    mem_free(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_bzimage_boots_as_the_protocol_says),
        cmocka_unit_test(a_vmlinux_gets_boot_params_too),
        cmocka_unit_test(headers_that_lie_are_refused),
        cmocka_unit_test(limits_of_the_kernel_are_kept),
        cmocka_unit_test(any_changed_byte_of_the_header_is_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
