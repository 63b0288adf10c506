/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The Linux/i386 boot protocol, entered at its 32-bit door (Linux's Documentation/x86/boot.rst,
 * "32-bit boot protocol"): no real-mode code runs. The loader makes one page, boot_params, also
 * called the zero page: the kernel's own setup header, filled in, and the memory map. The kernel
 * finds it through ESI.
 *
 * A bzImage brings its setup header along. A vmlinux is the same kernel without it: then we write
 * the header such a kernel would have had.
 */
#include "internal.h"

#include <string.h>

/* Offsets in boot_params; the setup header has the same ones in the file. */
enum {
    EXT_MEM_K = 0x002,
    ALT_MEM_K = 0x1E0,
    E820_ENTRIES = 0x1E8,
    SETUP_SECTS = 0x1F1,
    BOOT_FLAG = 0x1FE,
    JUMP_LENGTH = 0x201, /* of the jump over the header: 0x202 + this is its end */
    HEADER_MAGIC = 0x202,
    VERSION = 0x206,
    TYPE_OF_LOADER = 0x210,
    LOADFLAGS = 0x211,
    CODE32_START = 0x214,
    RAMDISK_IMAGE = 0x218,
    RAMDISK_SIZE = 0x21C,
    CMD_LINE_PTR = 0x228,
    INITRD_ADDR_MAX = 0x22C,
    CMDLINE_SIZE = 0x238,
    PREF_ADDRESS = 0x258,
    INIT_SIZE = 0x260,
    HEADER_MAX_END = 0x290, /* the field edd_mbr_sig_buffer follows it */
    E820_TABLE = 0x2D0,
    E820_ENTRY = 20,
};

#define HDRS               "HdrS"
#define LOADED_HIGH        0x01
#define LOADER_UNKNOWN     0xFF
#define OLDEST_VERSION     0x203       /* knows initrd_addr_max */
#define VMLINUX_VERSION    0x20C       /* what we write for a vmlinux */
#define VMLINUX_INITRD_MAX 0x37FFFFFFu /* the end of low memory, 896 MiB */
#define CMDLINE_DEFAULT    255u
#define CMDLINE_MOST       0xFFFu /* we never need more, whatever the kernel says it could take */

struct setup {
    uint8_t page[PAGE_SIZE]; /* boot_params */
    uint32_t initrd_max;     /* highest address of the initrd's last byte */
    uint32_t cmdline_max;    /* bytes, without the NUL */
    struct elf_loaded kernel;
};

bool bzimage_is(const struct image *img)
{
    return image_has(img, 0, VERSION + 2) && get16(img->data + BOOT_FLAG) == 0xAA55 &&
           !memcmp(img->data + HEADER_MAGIC, HDRS, 4);
}

/* From 2.10 on the kernel says how much room it needs to unpack itself, and where that is. */
static bool take_room(struct place *p, const struct image *img, const uint8_t *header,
                      unsigned version, struct setup *s, struct err *err)
{
    uint64_t start = s->kernel.start, end = s->kernel.end;

    if (version >= 0x20A) {
        uint64_t pref = get64(header + PREF_ADDRESS);
        uint64_t from = pref > start && pref < MEM_MAX_BYTES ? pref : start;
        if (from + get32(header + INIT_SIZE) > end)
            end = from + get32(header + INIT_SIZE);
    }
    const char *why = place_not_ram(p, start, end - start);
    if (why)
        return image_bad(img, CODE32_START, err,
                         "the kernel needs %08llx-%08llx, which lies %s "
                         "(RAM: %llu MiB)",
                         (unsigned long long)start, (unsigned long long)end, why,
                         (unsigned long long)(mem_bytes(p->mem) >> 20));
    s->kernel.end = (uint32_t)end;
    return place_take(p, start, end - start) ||
           image_bad(img, CODE32_START, err, "the kernel cannot be placed");
}

static bool load_bzimage(struct place *p, const struct image *img, struct setup *s, struct err *err)
{
    const uint8_t *h = img->data;
    unsigned version = get16(h + VERSION);

    if (version < OLDEST_VERSION)
        return image_bad(img, VERSION, err,
                         "boot protocol %u.%02u is too old; 2.03 or newer is "
                         "needed",
                         version >> 8, version & 0xFF);
    uint32_t header_end = HEADER_MAGIC + h[JUMP_LENGTH];
    if (header_end < INITRD_ADDR_MAX + 4 || header_end > HEADER_MAX_END)
        return image_bad(img, JUMP_LENGTH, err,
                         "the setup header ends at 0x%x, which no version "
                         "does",
                         header_end);
    unsigned sectors = h[SETUP_SECTS] ? h[SETUP_SECTS] : 4;
    uint64_t offset = (sectors + 1) * 512u;
    if (header_end > img->size || offset >= img->size)
        return image_bad(img, SETUP_SECTS, err,
                         "%u setup sectors and nothing behind them: "
                         "truncated?",
                         sectors);

    /* A field exists when the header is long enough for it; the copy is zero from there on. */
    memcpy(s->page + SETUP_SECTS, h + SETUP_SECTS, header_end - SETUP_SECTS);
    if (!(s->page[LOADFLAGS] & LOADED_HIGH))
        return image_bad(img, LOADFLAGS, err,
                         "a zImage, which wants to be loaded below 640 KiB; "
                         "only bzImages can be loaded");
    s->initrd_max = get32(s->page + INITRD_ADDR_MAX);
    if (version >= 0x206 && get32(s->page + CMDLINE_SIZE))
        s->cmdline_max = get32(s->page + CMDLINE_SIZE);

    uint32_t at = get32(s->page + CODE32_START);
    if (!at)
        return image_bad(img, CODE32_START, err,
                         "no 32-bit entry: it starts in real mode, with the help of a BIOS, "
                         "and this machine has none");
    if (at < HIGH_START)
        return image_bad(img, CODE32_START, err, "code32_start %08x lies below one megabyte", at);
    uint64_t end = at + (img->size - offset);
    if (end > mem_bytes(p->mem))
        return image_bad(img, CODE32_START, err,
                         "the kernel (%08x-%08llx) does not fit into %llu "
                         "MiB of RAM",
                         at, (unsigned long long)end,
                         (unsigned long long)(mem_bytes(p->mem) >> 20));
    s->kernel = (struct elf_loaded){.start = at, .end = (uint32_t)end, .entry = at};
    if (!take_room(p, img, s->page, version, s, err))
        return false;
    return mem_write(p->mem, MADDR(at), img->data + offset, img->size - offset) ||
           image_bad(img, offset, err, "the kernel cannot be written to RAM");
}

bool bzimage_load(struct place *p, const struct image *img, struct elf_loaded *out, struct err *err)
{
    struct setup s = {.initrd_max = 0};

    if (!load_bzimage(p, img, &s, err))
        return false;
    *out = s.kernel;
    return true;
}

static bool load_vmlinux(struct place *p, const struct image *img, struct setup *s, struct err *err)
{
    if (!elf_load(p, img, &s->kernel, err))
        return false;
    put16(s->page + BOOT_FLAG, 0xAA55);
    memcpy(s->page + HEADER_MAGIC, HDRS, 4);
    put16(s->page + VERSION, VMLINUX_VERSION);
    s->page[LOADFLAGS] = LOADED_HIGH;
    put32(s->page + CODE32_START, s->kernel.entry);
    put32(s->page + INITRD_ADDR_MAX, VMLINUX_INITRD_MAX);
    put32(s->page + CMDLINE_SIZE, CMDLINE_MOST);
    s->initrd_max = VMLINUX_INITRD_MAX;
    s->cmdline_max = CMDLINE_MOST;
    return true;
}

static void put_e820(uint8_t *page, uint64_t start, uint64_t end, uint32_t type)
{
    uint8_t *at = page + E820_TABLE + page[E820_ENTRIES]++ * E820_ENTRY;

    put64(at, start);
    put64(at + 8, end - start);
    put32(at + 16, type);
}

static void put_memory(const struct mem *m, uint8_t *page)
{
    uint64_t high_k = (mem_bytes(m) - HIGH_START) >> 10;

    put16(page + EXT_MEM_K, high_k > 0xFFFF ? 0xFFFF : (uint16_t)high_k);
    put32(page + ALT_MEM_K, (uint32_t)high_k);
    put_e820(page, 0, LOW_RAM_END, 1);
    put_e820(page, LOW_RAM_END, PC_HOLE_START, 2);
    put_e820(page, 0xF0000, HIGH_START, 2);
    put_e820(page, HIGH_START, mem_bytes(m), 1);
}

/* As high as the kernel allows: away from what it will unpack and allocate first. */
static bool place_initrd(struct place *p, const struct image *initrd, struct setup *s,
                         struct boot_info *out, struct err *err)
{
    if (!initrd->size)
        return true;
    uint64_t at =
        place_find(p, initrd->size, PAGE_SIZE, HIGH_START, s->initrd_max + 1ull, PLACE_HIGHEST);
    if (!at || !mem_write(p->mem, MADDR(at), initrd->data, initrd->size))
        return err_set(err, ERR_FILE,
                       "%s: an initrd of %zu KiB does not fit into %llu MiB of RAM "
                       "below the kernel's limit %08x",
                       initrd->name, initrd->size >> 10,
                       (unsigned long long)(mem_bytes(p->mem) >> 20), s->initrd_max);
    out->initrd_start = (uint32_t)at;
    out->initrd_end = (uint32_t)(at + initrd->size);
    put32(s->page + RAMDISK_IMAGE, out->initrd_start);
    put32(s->page + RAMDISK_SIZE, (uint32_t)initrd->size);
    return true;
}

/* boot_params, a GDT and the command line, next to each other. */
static bool put_low_memory(struct place *p, const struct boot_request *rq, struct setup *s,
                           struct boot_info *out, struct err *err)
{
    const char *cmdline = rq->cmdline ? rq->cmdline : "";
    size_t length = strlen(cmdline);
    uint32_t most = s->cmdline_max < CMDLINE_MOST ? s->cmdline_max : CMDLINE_MOST;

    if (length > most)
        return err_set(err, ERR_USAGE,
                       "the kernel's command line has %zu bytes; this kernel takes "
                       "%u",
                       length, most);
    uint64_t at = place_find(p, PAGE_SIZE + BOOT_GDT_BYTES + length + 1, PAGE_SIZE, LOW_START,
                             LOW_END, PLACE_HIGHEST);
    if (!at)
        return image_bad(&rq->kernel, 0, err,
                         "the kernel leaves no room for boot_params below 640 "
                         "KiB");
    uint32_t gdt = (uint32_t)at + PAGE_SIZE, line = gdt + BOOT_GDT_BYTES;
    s->page[TYPE_OF_LOADER] = LOADER_UNKNOWN;
    put32(s->page + CMD_LINE_PTR, line);
    out->info = (uint32_t)at;
    if (!mem_write(p->mem, MADDR(at), s->page, sizeof s->page) ||
        !mem_write(p->mem, MADDR(line), cmdline, length + 1) ||
        !boot_flat_registers(p->mem, gdt, &out->regs))
        return image_bad(&rq->kernel, 0, err, "boot_params cannot be written to RAM");
    return true;
}

bool linux_load(struct place *p, const struct boot_request *rq, struct boot_info *out,
                struct err *err)
{
    const struct image *img = &rq->kernel;
    struct setup s = {.initrd_max = 0, .cmdline_max = CMDLINE_DEFAULT};
    bool bzimage = bzimage_is(img);

    if (!bzimage && !elf_is(img))
        return image_bad(img, 0, err, "neither a bzImage nor ELF, so not a Linux kernel");
    if (!(bzimage ? load_bzimage(p, img, &s, err) : load_vmlinux(p, img, &s, err)))
        return false;

    out->protocol = BOOT_LINUX;
    out->format = bzimage ? "bzImage" : "ELF";
    out->kernel_start = s.kernel.start;
    out->kernel_end = s.kernel.end;
    put_memory(p->mem, s.page);
    if (!place_initrd(p, &rq->initrd, &s, out, err) || !put_low_memory(p, rq, &s, out, err))
        return false;
    out->regs.eip = s.kernel.entry;
    out->regs.gpr[R_ESI] = out->info;
    return true;
}
