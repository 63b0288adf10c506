/* SPDX-License-Identifier: GPL-2.0-only */
/* Kernel images: ELF, multiboot, bzImage. The first byte chooses the protocol and the initrd. */
#include "fuzz.h"

#include <string.h>

#include "load/internal.h"

#include <elf.h> /* after x86.h: both have names that begin with PF_ */

static bool overlap(uint64_t a, uint64_t a_end, uint64_t b, uint64_t b_end)
{
    return a < b_end && b < a_end;
}

static void check(const struct boot_info *b, uint64_t ram)
{
    FUZZ_PROMISE(b->protocol != BOOT_AUTO && b->format);
    FUZZ_PROMISE(b->kernel_start < b->kernel_end && b->kernel_end <= ram);
    FUZZ_PROMISE(b->regs.eip >= b->kernel_start && b->regs.eip < b->kernel_end);
    FUZZ_PROMISE(b->initrd_start <= b->initrd_end && b->initrd_end <= ram);
    FUZZ_PROMISE(b->info >= LOW_START && b->info < LOW_END);
    FUZZ_PROMISE(b->regs.gdt.base > b->info && b->regs.gdt.base < LOW_RAM_END);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct mem *m;
    struct boot_info info;
    struct err err = {.class = ERR_NONE};

    if (!m)
        m = mem_new(MEM_MIN_BYTES, NULL);
    FUZZ_PROMISE(m);
    if (!size)
        return 0;
    struct boot_request rq = {
        .kernel = {data + 1, size - 1, "kernel"},
        .initrd = {data, data[0] & 4 ? size : 0, "initrd"},
        .cmdline = "a command line",
        .protocol = data[0] % 3,
    };
    if (boot_load(m, &rq, &info, &err)) {
        check(&info, MEM_MIN_BYTES);
        /* A flat kernel may have a hole in its range where others lie; the initrd's bytes are all
           there in any case. */
        if (info.initrd_end)
            FUZZ_PROMISE(!memcmp(mem_span(m, MADDR(info.initrd_start), size), data, size));
        FUZZ_PROMISE(!overlap(info.initrd_start, info.initrd_end, info.info, info.info + 120));
    } else {
        /* ERR_USAGE: a kernel that takes shorter command lines than ours. */
        FUZZ_PROMISE(err.class == ERR_FILE || err.class == ERR_USAGE);
        FUZZ_PROMISE(strstr(err.text, "kernel"));
    }
    return 0;
}

static size_t seed_elf(uint8_t *to)
{
    Elf32_Ehdr h = {
        .e_ident = {0x7F, 'E', 'L', 'F', ELFCLASS32, ELFDATA2LSB, EV_CURRENT},
        .e_type = ET_EXEC,
        .e_machine = EM_386,
        .e_version = EV_CURRENT,
        .e_entry = 0x100010,
        .e_phoff = sizeof h,
        .e_phentsize = sizeof(Elf32_Phdr),
        .e_phnum = 2,
    };
    Elf32_Phdr ph = {
        .p_type = PT_LOAD,
        .p_offset = 0x100,
        .p_vaddr = 0xC0100000,
        .p_paddr = 0x100000,
        .p_filesz = 0x40,
        .p_memsz = 0x1000,
    };

    memcpy(to, &h, sizeof h);
    memcpy(to + sizeof h, &ph, sizeof ph);
    ph.p_vaddr = ph.p_paddr = 0x200000;
    memcpy(to + sizeof h + sizeof ph, &ph, sizeof ph);
    return 0x140;
}

static size_t seed_bzimage(uint8_t *to)
{
    to[0x1F1] = 1;
    put16(to + 0x1FE, 0xAA55);
    to[0x201] = 0x62;
    memcpy(to + 0x202, "HdrS", 4);
    put16(to + 0x206, 0x20C);
    to[0x211] = 1;
    put32(to + 0x214, 0x100000);
    put32(to + 0x22C, 0x7FFFFFFF);
    put32(to + 0x238, 2047);
    put64(to + 0x258, 0x100000);
    put32(to + 0x260, 0x80000);
    return 0x480;
}

static void put_multiboot(uint8_t *to, uint32_t flags)
{
    put32(to, 0x1BADB002);
    put32(to + 4, flags);
    put32(to + 8, -(0x1BADB002 + flags));
}

size_t fuzz_seed(unsigned i, uint8_t *to, size_t room)
{
    if (room < 0x1000)
        return 0;
    memset(to, 0, 0x1000);
    switch (i) {
    case 0: /* vmlinux */
        return 1 + seed_elf(to + 1);
    case 1: /* multiboot ELF with an initrd */
        to[0] = 4;
        put_multiboot(to + 1 + 0x100, 3);
        return 1 + seed_elf(to + 1);
    case 2:
        to[0] = 4;
        return 1 + seed_bzimage(to + 1);
    case 3: /* a flat multiboot image */
        put_multiboot(to + 1 + 0x10, 1 << 16);
        put32(to + 1 + 0x1C, 0x100010);
        put32(to + 1 + 0x20, 0x100000);
        put32(to + 1 + 0x24, 0x100100);
        put32(to + 1 + 0x28, 0x101000);
        put32(to + 1 + 0x2C, 0x100040);
        return 0x181;
    default:
        return 0;
    }
}
