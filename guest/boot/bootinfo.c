/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Boot information in its two dialects: multiboot 1 (the specification's chapter 3.3) and Linux's
 * boot_params (Documentation/x86/boot.rst, zero-page.rst).
 */
#include "bootinfo.h"
#include "pv/pv.h"

struct boot_info boot_info;

/* Offsets in multiboot's information. */
enum {
    MB_FLAGS = 0,
    MB_MEM_UPPER = 8,
    MB_CMDLINE = 16,
    MB_MODS_COUNT = 20,
    MB_MODS_ADDR = 24,
    MB_MMAP_LENGTH = 44,
    MB_MMAP_ADDR = 48,
    MB_HAS_MEM = 1,
    MB_HAS_CMDLINE = 4,
    MB_HAS_MODS = 8,
    MB_HAS_MMAP = 64,
};

/* Offsets in boot_params. */
enum {
    BP_ALT_MEM_K = 0x1E0,
    BP_E820_ENTRIES = 0x1E8,
    BP_RAMDISK_IMAGE = 0x218,
    BP_RAMDISK_SIZE = 0x21C,
    BP_CMD_LINE_PTR = 0x228,
    BP_E820_TABLE = 0x2D0,
    E820_ENTRY = 20,
    E820_MAX = 128,
};

#define REACH (16u << 20)

/* The first page tables map the first 16 MiB; a loader that put something elsewhere is not believed.
   (Address 0 is as good as any: it is where lguest's launcher leaves boot_params.) */
static const void *at(uint32_t phys, uint32_t size)
{
    return phys < REACH && size <= REACH - phys ? (void *)(phys + PAGE_OFFSET) : NULL;
}

static uint32_t word(uint32_t phys)
{
    const uint32_t *p = at(phys, 4);
    return p ? *p : 0;
}

static void copy_cmdline(uint32_t phys)
{
    const char *text = at(phys, sizeof boot_info.cmdline);

    if (phys && text)
        strlcpy(boot_info.cmdline, text, sizeof boot_info.cmdline);
}

static void add_range(uint64_t start, uint64_t size, uint32_t type)
{
    if (size && boot_info.ranges < ARRAY_LEN(boot_info.range))
        boot_info.range[boot_info.ranges++] = (struct boot_range){start, size, type};
}

static void read_multiboot(uint32_t phys)
{
    uint32_t flags = word(phys + MB_FLAGS);

    if (flags & MB_HAS_CMDLINE)
        copy_cmdline(word(phys + MB_CMDLINE));
    if ((flags & MB_HAS_MODS) && word(phys + MB_MODS_COUNT)) {
        uint32_t mod = word(phys + MB_MODS_ADDR);
        boot_info.initrd_start = word(mod);
        boot_info.initrd_size = word(mod + 4) - boot_info.initrd_start;
    }
    if (flags & MB_HAS_MMAP) {
        uint32_t p = word(phys + MB_MMAP_ADDR), end = p + word(phys + MB_MMAP_LENGTH);
        while (p < end && at(p, 24)) { /* each entry is preceded by its own size */
            const uint32_t *e = at(p + 4, 20);
            add_range((uint64_t)e[1] << 32 | e[0], (uint64_t)e[3] << 32 | e[2], e[4]);
            p += word(p) + 4;
        }
    } else if (flags & MB_HAS_MEM) {
        add_range(0, 0x9F000, 1);
        add_range(0x100000, (uint64_t)word(phys + MB_MEM_UPPER) << 10, 1);
    }
}

static void read_linux(uint32_t phys)
{
    const uint8_t *bp = at(phys, 4096);
    unsigned entries = bp ? MIN(bp[BP_E820_ENTRIES], E820_MAX) : 0;

    copy_cmdline(word(phys + BP_CMD_LINE_PTR));
    boot_info.initrd_start = word(phys + BP_RAMDISK_IMAGE);
    boot_info.initrd_size = word(phys + BP_RAMDISK_SIZE);
    for (unsigned i = 0; i < entries; i++) {
        uint32_t e[5];
        memcpy(e, bp + BP_E820_TABLE + i * E820_ENTRY, sizeof e);
        add_range((uint64_t)e[1] << 32 | e[0], (uint64_t)e[3] << 32 | e[2], e[4]);
    }
    if (!entries) {
        add_range(0, 0x9F000, 1);
        add_range(0x100000, (uint64_t)word(phys + BP_ALT_MEM_K) << 10, 1);
    }
}

void bootinfo_read(enum boot_protocol protocol, uint32_t phys)
{
    boot_info.protocol = protocol;
    if (protocol == BOOT_MULTIBOOT)
        read_multiboot(phys);
    else
        read_linux(phys);
}

const char *bootinfo_memory_map(void)
{
    const char *source = boot_info.protocol == BOOT_MULTIBOOT ? "multiboot" : "e820";

    for (unsigned i = 0; i < boot_info.ranges; i++) {
        struct boot_range *r = &boot_info.range[i];
        printk("%s: %09llx-%09llx %s\n", source, r->start, r->start + r->size,
               r->type == 1 ? "usable" : "reserved");
    }
    return source;
}

/* The next word of the line: its start and length; NULL at the end. */
static const char *next_word(const char *p, size_t *n)
{
    while (*p == ' ')
        p++;
    *n = 0;
    while (p[*n] && p[*n] != ' ')
        ++*n;
    return *n ? p : NULL;
}

/* Everything after a lone "--" is init's. */
static const char *find(const char *name, size_t name_len, char after)
{
    const char *p = boot_info.cmdline;
    size_t n;

    for (; (p = next_word(p, &n)); p += n) {
        if (n == 2 && !memcmp(p, "--", 2))
            break;
        if (n >= name_len && !memcmp(p, name, name_len) &&
            (after ? p[name_len] == after : n == name_len))
            return p;
    }
    return NULL;
}

bool cmdline_has(const char *word)
{
    return find(word, strlen(word), 0) != NULL;
}

bool cmdline_get(const char *name, char *value, size_t size)
{
    size_t len = strlen(name), n;
    const char *p = find(name, len, '=');

    if (!p)
        return false;
    next_word(p, &n);
    strlcpy(value, p + len + 1, MIN(size, n - len));
    return true;
}
