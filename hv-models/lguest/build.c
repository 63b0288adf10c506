/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The launcher: what happens before the guest's first instruction.
 *
 *   0          boot_params: how much memory there is, and that we are lguest (hardware_subarch)
 *   1000       the command line
 *   1 MiB...   the kernel, where it wants to be
 *   ...ram     [first page tables, up to 3.0], the initrd
 *   ram        the device page and the rings: guest-physical too, but no RAM
 *   ----       frames that no guest page leads to:
 *              stand-ins for the PC's hole, then the pool of shadow tables
 *
 * The CPU begins in ring 1 with paging on. KEEP_SEGMENTS tells a bzImage's decompressor to keep its
 * hands off the segment registers, which it would load with selectors that we do not have.
 */
#include <string.h>

#include "lguest.h"

/* Offsets in boot_params (Linux's Documentation/x86/boot.rst and zero-page.rst). */
enum {
    E820_ENTRIES = 0x1E8,
    VERSION = 0x206,
    TYPE_OF_LOADER = 0x210,
    LOADFLAGS = 0x211,
    RAMDISK_IMAGE = 0x218,
    RAMDISK_SIZE = 0x21C,
    CMD_LINE_PTR = 0x228,
    KERNEL_ALIGNMENT = 0x230,
    HARDWARE_SUBARCH = 0x23C,
    E820_TABLE = 0x2D0,
};
/* A relocatable kernel unpacks itself at the next multiple of it; 0 would make that address 0. The
   launcher of 2.6.31 forgot it, so that such kernels of those years had to be started as ELF. */
enum { ALIGNMENT = 0x1000000 };
enum { KEEP_SEGMENTS = 0x40, CMDLINE_AT = 0x1000, CMDLINE_MOST = 4095, KERNEL_FROM = 0x3000 };

/* What we keep: a sixteenth, for each megabyte that is mapped wants its tables. */
enum { KEEP_FRAMES = 1024, KEEP_SHARE = 16, LEAST_FRAMES = 4096 };

static bool divide_memory(struct domain *d, struct err *err)
{
    struct lguest *lg = lguest_of(d);
    uint32_t frames = (uint32_t)mem_frames(d->mem), keep = frames / KEEP_SHARE;

    if (frames < LEAST_FRAMES)
        return err_set(err, ERR_FILE, "lguest needs at least %u MiB of memory",
                       LEAST_FRAMES >> (20 - PAGE_SHIFT));
    if (keep < KEEP_FRAMES)
        keep = KEEP_FRAMES;
    if (keep > LGUEST_DEVICE_PAGES + GMEM_HOLE_PAGES + SHADOW_POOL_MAX)
        keep = LGUEST_DEVICE_PAGES + GMEM_HOLE_PAGES + SHADOW_POOL_MAX;

    uint32_t pages = frames - keep;
    lg->ram = pages << PAGE_SHIFT;
    struct gmem guest = {.pages = pages + LGUEST_DEVICE_PAGES, .hole = pages + LGUEST_DEVICE_PAGES};
    uint32_t pool = guest.hole + GMEM_HOLE_PAGES;
    shadow_init(&lg->shadow, d->mem, &guest, pool, frames - pool);
    lg->gdt_frame = shadow_take_frame(&lg->shadow, d->mem);
    shadow_map_top(&lg->shadow, d->mem, SWITCHER_GDT, lg->gdt_frame, false);
    lguest_gdt_init(d);
    return true;
}

/*
 * Up to 3.0 the guest starts on tables of our making, which show memory twice: at 0 and at
 * PAGE_OFFSET. It will read and change them before it has tables of its own, in the format that it
 * was built for. The original knew that format, and PAGE_OFFSET too: they were the host kernel's own.
 * We do not yet, so the root serves both formats. PAE uses the first 32 bytes of it, and a kernel
 * without PAE the entry of PAGE_OFFSET, kilobytes further on, and those behind. A PAGE_OFFSET that is
 * not the usual one is told by LGUEST_INIT, in time: the guest jumps there after it.
 *
 * From the top down, below the initrd (and, of much memory, below what PAGE_OFFSET can show): the
 * root, the tables with long entries, the directory above them, which serves both views of memory,
 * and the tables with short entries.
 */
#define USUAL_PAGE_OFFSET 0xC0000000u
#define BOOT_BELOW        0x30000000u /* a kernel maps 896 MiB or, with another PAGE_OFFSET, more */
enum { LONG = 512, SHORT = 1024, BOOT_MOST = LONG * LONG, RIGHTS = PTE_P | PTE_W | PTE_U };

static uint32_t boot_mapped(const struct lguest *lg)
{
    uint32_t pages = lg->ram / PAGE_SIZE;
    return pages < BOOT_MOST ? pages : BOOT_MOST;
}

static uint32_t boot_tables(const struct lguest *lg, uint32_t entries)
{
    return (boot_mapped(lg) + entries - 1) / entries;
}

static uint32_t boot_pmd(const struct lguest *lg)
{
    return lg->boot_pgdir - (boot_tables(lg, LONG) + 1) * PAGE_SIZE;
}

static uint32_t boot_short_table(const struct lguest *lg, uint32_t i)
{
    return boot_pmd(lg) - (boot_tables(lg, SHORT) - i) * PAGE_SIZE;
}

static void put_short_tables(struct domain *d, uint32_t from)
{
    struct lguest *lg = lguest_of(d);

    for (uint32_t i = 0; i < boot_tables(lg, SHORT) && from / 4 + i < SHORT; i++)
        lguest_write32(d, lg->boot_pgdir + from + i * 4, boot_short_table(lg, i) | RIGHTS);
}

void lguest_boot_tables_high(struct domain *d, uint32_t kernel_address)
{
    struct lguest *lg = lguest_of(d);
    uint64_t entry = boot_pmd(lg) | PTE_P;

    if (kernel_address >= 1u << 30) /* below, it would be in the pointers' way */
        put_short_tables(d, (kernel_address >> 22) * 4);
    if (kernel_address % (1u << 30)) /* no pointer of PAE's begins there: so this is not PAE */
        lguest_format_is(d, SHADOW_TWO_LEVEL);
    else if (!lg->format_known)
        lguest_write(d, lg->boot_pgdir + (kernel_address >> 30) * 8, &entry, 8);
}

void lguest_boot_tables_two_level(struct domain *d)
{
    put_short_tables(d, 0);
}

static void make_boot_tables(struct domain *d, uint32_t initrd)
{
    const uint32_t below = initrd < BOOT_BELOW ? initrd : BOOT_BELOW;
    struct lguest *lg = lguest_of(d);
    uint32_t linear = below - (boot_tables(lg, LONG) + 1) * PAGE_SIZE;
    uint64_t entry;

    lg->boot_pgdir = below - PAGE_SIZE;
    for (uint32_t i = 0; i < boot_mapped(lg); i++) {
        entry = (uint64_t)i * PAGE_SIZE | RIGHTS;
        lguest_write(d, linear + i * 8, &entry, 8);
        lguest_write(d, boot_short_table(lg, 0) + i * 4, &entry, 4);
    }
    for (uint32_t i = 0; i < boot_tables(lg, LONG); i++) {
        entry = (linear + i * PAGE_SIZE) | RIGHTS;
        lguest_write(d, boot_pmd(lg) + i * 8, &entry, 8);
    }
    entry = boot_pmd(lg) | PTE_P;
    lguest_write(d, lg->boot_pgdir, &entry, 8);
    lguest_boot_tables_high(d, USUAL_PAGE_OFFSET);
    shadow_switch(&lg->shadow, d->mem, lg->boot_pgdir, 0);
}

static void put32(uint8_t *page, uint32_t at, uint32_t v)
{
    memcpy(page + at, &v, sizeof v);
}

static bool put_boot_params(struct domain *d, uint32_t initrd, uint32_t initrd_size)
{
    uint8_t page[PAGE_SIZE] = {0};

    page[E820_ENTRIES] = 1;
    put32(page, E820_TABLE + 8, lguest_of(d)->ram);
    put32(page, E820_TABLE + 16, 1); /* from 0, RAM */
    page[VERSION] = 0x07;            /* 2.07: the first to have hardware_subarch */
    page[VERSION + 1] = 0x02;
    page[LOADFLAGS] = KEEP_SEGMENTS;
    if (initrd_size) {
        page[TYPE_OF_LOADER] = 0xFF;
        put32(page, RAMDISK_IMAGE, initrd);
        put32(page, RAMDISK_SIZE, initrd_size);
    }
    put32(page, CMD_LINE_PTR, CMDLINE_AT);
    put32(page, KERNEL_ALIGNMENT, ALIGNMENT);
    put32(page, HARDWARE_SUBARCH, LGUEST_SUBARCH);
    return lguest_write(d, 0, page, sizeof page);
}

static void first_registers(struct domain *d, uint32_t entry)
{
    enum { CR0_MP = 1 << 1, CR0_ET = 1 << 4, CR0_NE = 1 << 5 };
    enum { CR4_OSFXSR = 1 << 9, CR4_OSXMMEXCPT = 1 << 10 };
    struct lguest *lg = lguest_of(d);
    struct x86_regs r = {.eip = entry, .eflags = FL_IF | 2, .cpl = 1};
    const struct x86_seg flat = {LGUEST_KERNEL_DS, 0, 0xFFFFFFFFu, 0x00C0B300};

    r.cr0 = (uint32_t)CR0_PG | CR0_WP | CR0_NE | CR0_ET | CR0_MP | CR0_PE;
    r.cr3 = shadow_cr3(&lg->shadow);
    r.cr4 = CR4_PAE | CR4_OSFXSR | CR4_OSXMMEXCPT;
    r.seg[S_CS] = (struct x86_seg){LGUEST_KERNEL_CS, 0, 0xFFFFFFFFu, 0x00C0BB00};
    r.seg[S_DS] = r.seg[S_ES] = r.seg[S_SS] = flat;
    r.gdt = (struct x86_table){SWITCHER_GDT, LGUEST_GDT_ENTRIES * 8 - 1};
    r.idt = (struct x86_table){SWITCHER_GDT, 0}; /* never read: all events come to us */
    r.tr = (struct x86_seg){16 * 8, SWITCHER_GDT + 0x400, 103, 0x8B00};
    r.ldt = (struct x86_seg){0, 0, 0, 0x8200};
    *cpu_regs_rw(d->cpu) = r;
}

/* The board's 8259s as a plain wire: edges in, vectors 20h and up out, acknowledged by themselves,
   and of all lines only the serial one. */
static void wire_board(struct domain *d)
{
    static const struct {
        uint16_t port;
        uint8_t value;
    } step[] = {
        {0x20, 0x11}, {0x21, 0x20}, {0x21, 0x04}, {0x21, 0x03}, {0x21, 0xEF},
        {0xA0, 0x11}, {0xA1, 0x28}, {0xA1, 0x02}, {0xA1, 0x03}, {0xA1, 0xFF},
    };
    for (unsigned i = 0; i < sizeof step / sizeof step[0]; i++)
        pc_port_write(d->pc, step[i].port, 1, step[i].value);
}

bool lguest_build(struct domain *d, const struct boot_request *rq, struct err *err)
{
    struct lguest *lg = lguest_of(d);
    const char *cmdline = rq->cmdline ? rq->cmdline : "";
    struct boot_kernel k;

    if (!divide_memory(d, err))
        return false;
    if (strlen(cmdline) > CMDLINE_MOST)
        return err_set(err, ERR_USAGE, "the kernel's command line has %zu bytes; at most %u",
                       strlen(cmdline), CMDLINE_MOST);
    uint32_t size = ((uint32_t)rq->initrd.size + PAGE_SIZE - 1) & ~(PAGE_SIZE - 1);
    if (rq->initrd.size > lg->ram / 2)
        return err_set(err, ERR_FILE, "%s: an initrd of %zu KiB does not fit into %u MiB",
                       rq->initrd.name, rq->initrd.size >> 10, lg->ram >> 20);
    uint32_t initrd = lg->ram - size;

    hv_stage(d, "load the kernel where it wants to be", 0);
    if (!boot_load_kernel(d->mem, &rq->kernel, KERNEL_FROM, initrd, &k, err))
        return false;
    hv_stage2(d, "the initrd at the top of memory", initrd, size);
    lguest_write(d, CMDLINE_AT, cmdline, (uint32_t)strlen(cmdline) + 1);
    if (size)
        lguest_write(d, initrd, rq->initrd.data, (uint32_t)rq->initrd.size);
    hv_stage(d, "boot_params, and the device page", lg->ram);
    put_boot_params(d, initrd, size);
    lguest_devices_init(d);
    if (lguest_variant(d)->boot_tables)
        make_boot_tables(d, initrd);
    else
        lg->shadow.linear = 1;
    wire_board(d);
    hv_stage(d, "enter it in ring 1", k.entry);
    first_registers(d, k.entry);
    return true;
}
