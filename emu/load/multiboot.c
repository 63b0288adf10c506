/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Multiboot, version 1 (the specification of the GNU project, version 0.6.96): a small kernel says
 * with three words in its first 8 KiB that it wants to be loaded by any loader that knows them, and
 * is told in return, through one structure, what the loader knows: memory, command line, modules.
 *
 * The command line is given exactly as it came, without the kernel's file name before it that some
 * loaders add: a path of the host must not become visible to the guest.
 */
#include "internal.h"

#include <string.h>

#define HEADER_MAGIC 0x1BADB002u
#define LOADER_MAGIC 0x2BADB002u
#define SEARCH_BYTES 8192u

enum {
    WANT_PAGE_ALIGN = 1u << 0,
    WANT_MEMORY = 1u << 1,
    WANT_VIDEO = 1u << 2,
    WANT_MUST = 0xFFFFu, /* what a loader must understand or refuse */
    WANT_ADDRESSES = 1u << 16,
};

enum {
    INFO_MEMORY = 1u << 0,
    INFO_CMDLINE = 1u << 2,
    INFO_MODS = 1u << 3,
    INFO_MMAP = 1u << 6,
    INFO_LOADER_NAME = 1u << 9,
};

/* The information structure and what it points to, in one piece of low memory. */
enum {
    AT_INFO = 0,
    INFO_BYTES = 120,
    AT_MMAP = AT_INFO + INFO_BYTES,
    MMAP_ENTRY = 24, /* its own size field, which does not count itself, and 20 bytes */
    MMAP_ENTRIES = 4,
    AT_MOD = AT_MMAP + MMAP_ENTRY * MMAP_ENTRIES,
    MOD_BYTES = 16,
    AT_NAME = AT_MOD + MOD_BYTES,
    NAME_BYTES = 16,
    AT_GDT = AT_NAME + NAME_BYTES,
    AT_CMDLINE = AT_GDT + BOOT_GDT_BYTES,
};

#define CMDLINE_MAX 4096u

static bool find_header(const struct image *img, uint32_t *offset)
{
    for (uint32_t at = 0; at + 12 <= SEARCH_BYTES && image_has(img, at, 12); at += 4) {
        const uint8_t *p = img->data + at;
        if (get32(p) == HEADER_MAGIC && get32(p) + get32(p + 4) + get32(p + 8) == 0) {
            *offset = at;
            return true;
        }
    }
    return false;
}

bool multiboot_is(const struct image *img)
{
    uint32_t offset;

    return find_header(img, &offset);
}

/* A flat image: the header itself says what goes where. */
static bool load_flat(struct place *p, const struct image *img, uint32_t at, struct elf_loaded *out,
                      struct err *err)
{
    if (!image_has(img, at, 32))
        return image_bad(img, at, err, "the multiboot header's addresses are cut off");

    const uint8_t *h = img->data + at;
    uint32_t header_addr = get32(h + 12), load_addr = get32(h + 16), load_end = get32(h + 20);
    uint32_t bss_end = get32(h + 24), entry = get32(h + 28);
    if (load_addr > header_addr || header_addr - load_addr > at)
        return image_bad(img, at + 16, err,
                         "load address %08x puts the start before the file "
                         "(header at %08x)",
                         load_addr, header_addr);

    uint64_t offset = at - (header_addr - load_addr);
    uint64_t size = load_end ? (uint64_t)load_end - load_addr : img->size - offset;
    if (load_end && load_end < load_addr)
        return image_bad(img, at + 20, err, "the load ends (%08x) before it starts (%08x)",
                         load_end, load_addr);
    if (!size || !image_has(img, offset, size))
        return image_bad(img, at + 20, err,
                         "0x%llx bytes from offset 0x%llx are not all in the "
                         "file: truncated?",
                         (unsigned long long)size, (unsigned long long)offset);
    uint64_t end = bss_end ? bss_end : load_addr + size;
    if (end < load_addr + size)
        return image_bad(img, at + 24, err, "the bss ends (%08x) before the load does", bss_end);

    const char *why = place_not_ram(p, load_addr, end - load_addr);
    if (why)
        return image_bad(img, at + 16, err, "load range %08x-%08llx lies %s", load_addr,
                         (unsigned long long)end, why);
    if (entry < load_addr || entry >= end)
        return image_bad(img, at + 28, err, "the entry point %08x is outside the image", entry);
    if (!place_take(p, load_addr, end - load_addr) ||
        !mem_write(p->mem, MADDR(load_addr), img->data + offset, size))
        return image_bad(img, at, err, "the image cannot be written to RAM");
    *out = (struct elf_loaded){.start = load_addr, .end = (uint32_t)end, .entry = entry};
    return true;
}

static void put_mmap(uint8_t *at, uint64_t start, uint64_t end, uint32_t type)
{
    put32(at, MMAP_ENTRY - 4);
    put64(at + 4, start);
    put64(at + 12, end - start);
    put32(at + 20, type);
}

static void put_info(const struct place *p, const struct boot_info *out, size_t cmdline,
                     uint8_t *block)
{
    uint8_t *info = block + AT_INFO;
    uint32_t flags = INFO_MEMORY | INFO_CMDLINE | INFO_MMAP | INFO_LOADER_NAME;
    uint64_t ram = mem_bytes(p->mem);

    put32(info + 4, LOW_RAM_END >> 10);                     /* KiB below the BIOS's own, */
    put32(info + 8, (uint32_t)((ram - PC_HOLE_END) >> 10)); /* and from one megabyte on */
    put32(info + 16, out->info + AT_CMDLINE);
    if (out->initrd_end) {
        flags |= INFO_MODS;
        put32(info + 20, 1);
        put32(info + 24, out->info + AT_MOD);
        put32(block + AT_MOD, out->initrd_start);
        put32(block + AT_MOD + 4, out->initrd_end);
        put32(block + AT_MOD + 8, out->info + AT_CMDLINE + (uint32_t)cmdline); /* "" */
    }
    put32(info + 44, MMAP_ENTRY * MMAP_ENTRIES);
    put32(info + 48, out->info + AT_MMAP);
    put32(info + 64, out->info + AT_NAME);
    put32(info, flags);

    put_mmap(block + AT_MMAP, 0, LOW_RAM_END, 1);
    put_mmap(block + AT_MMAP + MMAP_ENTRY, LOW_RAM_END, PC_HOLE_START, 2);
    put_mmap(block + AT_MMAP + 2 * MMAP_ENTRY, 0xF0000, PC_HOLE_END, 2);
    put_mmap(block + AT_MMAP + 3 * MMAP_ENTRY, PC_HOLE_END, ram, 1);
    memcpy(block + AT_NAME, "Ringside", 9);
}

static bool place_initrd(struct place *p, const struct image *initrd, struct boot_info *out,
                         struct err *err)
{
    if (!initrd->size)
        return true;
    /* Right behind the kernel, the part of memory that kernels map first; gaps between a kernel's
       segments it may think its own. Before it only where there is no room behind. */
    uint64_t at = place_find(p, initrd->size, PAGE_SIZE,
                             out->kernel_end > HIGH_START ? out->kernel_end : HIGH_START,
                             UINT32_MAX, PLACE_LOWEST);
    if (!at)
        at = place_find(p, initrd->size, PAGE_SIZE, HIGH_START, UINT32_MAX, PLACE_LOWEST);
    if (!at || !mem_write(p->mem, MADDR(at), initrd->data, initrd->size))
        return err_set(err, ERR_FILE,
                       "%s: an initrd of %zu KiB does not fit into %llu MiB of RAM "
                       "beside the kernel",
                       initrd->name, initrd->size >> 10,
                       (unsigned long long)(mem_bytes(p->mem) >> 20));
    out->initrd_start = (uint32_t)at;
    out->initrd_end = (uint32_t)(at + initrd->size);
    return true;
}

static bool check_flags(const struct image *img, uint32_t at, uint32_t flags, struct err *err)
{
    if (flags & WANT_VIDEO)
        return image_bad(img, at + 4, err,
                         "the multiboot header asks for a video mode; this "
                         "machine has no screen");
    uint32_t unknown = flags & WANT_MUST & ~(uint32_t)(WANT_PAGE_ALIGN | WANT_MEMORY);
    if (unknown)
        return image_bad(img, at + 4, err,
                         "the multiboot header asks for something unknown "
                         "(flags 0x%x)",
                         unknown);
    return true;
}

bool multiboot_load(struct place *p, const struct boot_request *rq, struct boot_info *out,
                    struct err *err)
{
    const struct image *img = &rq->kernel;
    const char *cmdline = rq->cmdline ? rq->cmdline : "";
    size_t length = strlen(cmdline);
    struct elf_loaded loaded;
    uint32_t at;

    if (!find_header(img, &at))
        return image_bad(img, 0, err, "no multiboot header in the first %u bytes", SEARCH_BYTES);
    uint32_t flags = get32(img->data + at + 4);
    if (!check_flags(img, at, flags, err))
        return false;
    if (length >= CMDLINE_MAX)
        return err_set(err, ERR_USAGE, "the kernel's command line has %zu bytes; %u are allowed",
                       length, CMDLINE_MAX - 1);

    bool flat = flags & WANT_ADDRESSES;
    if (!(flat ? load_flat(p, img, at, &loaded, err) : elf_load(p, img, &loaded, err)))
        return false;

    static const uint8_t zero[AT_CMDLINE];
    uint8_t block[AT_CMDLINE + CMDLINE_MAX];
    size_t size = AT_CMDLINE + length + 1;
    uint64_t info = place_find(p, size, 16, LOW_START, LOW_END, PLACE_HIGHEST);
    if (!info)
        return image_bad(img, 0, err,
                         "the kernel leaves no room for the boot information below "
                         "640 KiB");
    out->format = flat ? "flat multiboot image" : "ELF";
    out->protocol = BOOT_MULTIBOOT;
    out->kernel_start = loaded.start;
    out->kernel_end = loaded.end;
    out->info = (uint32_t)info;
    if (!place_initrd(p, &rq->initrd, out, err))
        return false;

    memcpy(block, zero, sizeof zero);
    memcpy(block + AT_CMDLINE, cmdline, length + 1);
    put_info(p, out, length, block);
    if (!mem_write(p->mem, MADDR(info), block, size) ||
        !boot_flat_registers(p->mem, (uint32_t)info + AT_GDT, &out->regs))
        return image_bad(img, 0, err, "the boot information cannot be written to RAM");
    out->regs.eip = loaded.entry;
    out->regs.gpr[R_EAX] = LOADER_MAGIC;
    out->regs.gpr[R_EBX] = out->info;
    return true;
}
