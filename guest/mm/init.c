/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * From "the first 16 MiB are mapped" to "every frame has an owner": build the direct map of low
 * memory with page tables of 4 KiB pages, give each frame its struct page, and hand everything
 * that is free to the allocator. Until then, frames are taken from the memory map by hand.
 */
#include "boot/bootinfo.h"
#include "fixmap.h"
#include "internal.h"
#include "pagetable.h"

/* The direct map may grow to here; fixmap and a hypervisor's own hole lie above. */
#define DIRECT_MAP_MAX 0x30000000u /* bytes: 768 MiB */
#define BOOT_MAPPED    (16u << 20)

extern char kernel_start[], text_end[], rodata_start[], rodata_end[], kernel_end[];

uint32_t fixmap_top = 0xF5800000;
uint64_t supported_pte_mask = ~0ull;
static pte_t *fixmap_table;

static struct { /* physical, page-aligned; what early_alloc must not hand out */
    uint32_t start, end;
} reserved[16];
static unsigned reserved_count;
static uint32_t mapped_end = BOOT_MAPPED;

static void reserve(uint32_t start, uint32_t end)
{
    start &= PAGE_MASK;
    end = PAGE_ALIGN(end);
    if (reserved_count && reserved[reserved_count - 1].end == start) {
        reserved[reserved_count - 1].end = end;
        return;
    }
    ASSERT(reserved_count < ARRAY_LEN(reserved));
    reserved[reserved_count].start = start;
    reserved[reserved_count++].end = end;
}

/* The end of a reservation that [start, end) runs into, or 0. */
static uint32_t collision(uint32_t start, uint32_t end)
{
    for (unsigned i = 0; i < reserved_count; i++)
        if (start < reserved[i].end && end > reserved[i].start)
            return reserved[i].end;
    return 0;
}

/* A usable range clipped to whole frames of low memory; false: nothing is left of it. */
static bool usable_range(const struct boot_range *r, uint32_t *start, uint32_t *end)
{
    uint64_t from = r->start + PAGE_SIZE - 1, to = r->start + r->size;

    if (r->type != 1 || to < r->start || from < r->start)
        return false;
    *start = (uint32_t)(MIN(from, (uint64_t)DIRECT_MAP_MAX) & PAGE_MASK);
    *end = (uint32_t)(MIN(to, (uint64_t)DIRECT_MAP_MAX) & PAGE_MASK);
    *start = MAX(*start, PAGE_SIZE); /* frame 0 stays unused: its number means "none" */
    return *start < *end;
}

/* size bytes, mapped, zeroed, for ever. */
static void *early_alloc(uint32_t size)
{
    uint32_t start, end, again;

    size = PAGE_ALIGN(size);
    for (unsigned i = 0; i < boot_info.ranges; i++) {
        if (!usable_range(&boot_info.range[i], &start, &end))
            continue;
        end = MIN(end, mapped_end);
        while (start + size <= end) {
            again = collision(start, start + size);
            if (!again) {
                reserve(start, start + size);
                return memset((void *)(start + PAGE_OFFSET), 0, size);
            }
            start = again;
        }
    }
    panic("too little memory: no room for %u KiB at boot", size >> 10);
}

static uint32_t early_pfn(const void *address)
{
    return ((uint32_t)address - PAGE_OFFSET) >> PAGE_SHIFT;
}

static void link_kernel_table(pte_t *table, uint32_t addr)
{
    pmd_t *pmd = &swapper_pmd[addr >> 21 & (ENTRIES - 1)];

    pv_alloc_pte(NULL, early_pfn(table));
    pv_set_pmd(pmd, pv_make_pmd((uint64_t)early_pfn(table) << PAGE_SHIFT | PTE_P | PTE_W));
}

static void map_low_memory(uint32_t top)
{
    while (mapped_end < top) {
        pte_t *table = early_alloc(PAGE_SIZE);
        for (unsigned i = 0; i < ENTRIES && mapped_end + i * PAGE_SIZE < top; i++)
            pv_set_pte(&table[i], pfn_pte(PFN((mapped_end >> PAGE_SHIFT) + i), PROT_KERNEL));
        link_kernel_table(table, PAGE_OFFSET + mapped_end);
        mapped_end += PMD_SIZE;
    }
}

static void init_fixmap(void)
{
    uint32_t first = fixmap_address(FIX_SLOTS - 1);

    ASSERT(fixmap_top > PAGE_OFFSET + DIRECT_MAP_MAX + PMD_SIZE && fixmap_top <= 0xF5800000);
    ASSERT(first >> 21 == (fixmap_top - 1) >> 21); /* one table holds all slots */
    fixmap_table = early_alloc(PAGE_SIZE);
    link_kernel_table(fixmap_table, first);
}

void fixmap_set_pte(uint32_t index, pte_t pte)
{
    ASSERT(index < FIX_SLOTS);
    pv_set_pte(&fixmap_table[pte_index(fixmap_address(index))], pte);
}

static pte_t *kernel_pte(uint32_t addr)
{
    return (pte_t *)table_of(pv_pmd_val(swapper_pmd[addr >> 21 & (ENTRIES - 1)])) + pte_index(addr);
}

/* Code is not written, data is not run. (The BIOS's area stays executable: a ROM of a hypervisor may
   live there.) */
static uint64_t boot_protection(uint32_t addr)
{
    uint32_t phys = addr - PAGE_OFFSET;

    if (addr >= (uint32_t)kernel_start && addr < (uint32_t)text_end)
        return PROT_KERNEL_TEXT;
    if (addr >= (uint32_t)rodata_start && addr < (uint32_t)rodata_end)
        return PROT_KERNEL_RO;
    if (phys >= 0xA0000 && phys < 0x100000)
        return PROT_KERNEL_TEXT | PTE_W | PTE_D;
    return PROT_KERNEL;
}

static bool text_read_only;

/* The first 16 MiB were mapped in a hurry, everything allowed. */
static void protect_boot_map(void)
{
    for (uint32_t addr = PAGE_OFFSET; addr < PAGE_OFFSET + BOOT_MAPPED; addr += PAGE_SIZE)
        pv_set_pte(kernel_pte(addr),
                   pfn_pte(PFN((addr - PAGE_OFFSET) >> PAGE_SHIFT), boot_protection(addr)));
    text_read_only = true;
}

void text_poke(void *to, const void *from, size_t n)
{
    uint32_t page = ((uint32_t)to & PAGE_MASK) - PAGE_OFFSET;

    if (!text_read_only) {
        memcpy(to, from, n);
        return;
    }
    pv_set_fixmap(FIX_TEXT_POKE, page, PROT_KERNEL & supported_pte_mask);
    pv_set_fixmap(FIX_TEXT_POKE_NEXT, page + PAGE_SIZE, PROT_KERNEL & supported_pte_mask);
    memcpy((char *)fixmap_address(FIX_TEXT_POKE) + (uint32_t)to % PAGE_SIZE, from, n);
    pv_set_fixmap(FIX_TEXT_POKE, 0, 0);
    pv_set_fixmap(FIX_TEXT_POKE_NEXT, 0, 0);
}

/* The front door switched NX on where there is one (a hypervisor may have, or not); where it is off,
   its bit is reserved, and an entry that had it would fault. */
static void detect_nx(void)
{
    int error;
    uint64_t efer = pv_read_msr(MSR_EFER, &error);

    if (error || !(efer & EFER_NX))
        supported_pte_mask &= ~PTE_NX;
}

static uint32_t top_of_memory(void)
{
    uint32_t top = 0, start, end;

    for (unsigned i = 0; i < boot_info.ranges; i++)
        if (usable_range(&boot_info.range[i], &start, &end))
            top = MAX(top, end);
    if (top < 4u << 20)
        panic("%u KiB of memory are too few", top >> 10);
    return top;
}

/* Overlapping ranges are a bad map, but no reason to hand a frame out twice. */
static bool usable_frame(uint32_t addr)
{
    uint32_t start, end;
    bool usable = false;

    for (unsigned i = 0; i < boot_info.ranges; i++) {
        const struct boot_range *r = &boot_info.range[i];
        if (usable_range(r, &start, &end))
            usable |= addr >= start && addr < end;
        else if (r->type != 1 && addr + (uint64_t)PAGE_SIZE > r->start && addr < r->start + r->size)
            return false;
    }
    return usable;
}

/* There is no highmem: what the direct map cannot reach stays unused. */
static bool beyond_direct_map(void)
{
    for (unsigned i = 0; i < boot_info.ranges; i++) {
        const struct boot_range *r = &boot_info.range[i];
        if (r->type == 1 && r->start + r->size > DIRECT_MAP_MAX)
            return true;
    }
    return false;
}

/* May there be data of a loader's? High memory counts: nobody else uses it. */
static bool in_memory(uint32_t start, uint32_t end)
{
    for (unsigned i = 0; i < boot_info.ranges; i++) {
        const struct boot_range *r = &boot_info.range[i];
        if (r->type == 1 && start >= r->start && end > start && end <= r->start + r->size)
            return true;
    }
    return false;
}

/* A loader may put the initrd at the very end of memory, beyond the direct map (lguest's does). */
static void lower_initrd(void)
{
    uint32_t from = boot_info.initrd_start, size = boot_info.initrd_size, offset = from % PAGE_SIZE;
    char *to = early_alloc(offset + size);

    for (uint32_t i = 0; i < offset + size; i += PAGE_SIZE) {
        pv_set_fixmap(FIX_INITRD, (from & PAGE_MASK) + i, PROT_KERNEL_RO & supported_pte_mask);
        memcpy(to + i, (const void *)fixmap_address(FIX_INITRD), PAGE_SIZE);
    }
    pv_set_fixmap(FIX_INITRD, 0, 0);
    boot_info.initrd_start = (uint32_t)to - PAGE_OFFSET + offset;
}

static void lower_to(uint32_t *next, uint32_t addr, uint64_t boundary)
{
    if (boundary > addr && boundary < *next)
        *next = (uint32_t)boundary;
}

/* How far from addr on the answers of usable_frame() and collision() stay what they are. */
static uint32_t next_boundary(uint32_t addr, uint32_t top)
{
    uint32_t next = top, start, end;

    for (unsigned i = 0; i < boot_info.ranges; i++) {
        const struct boot_range *r = &boot_info.range[i];
        if (usable_range(r, &start, &end)) {
            lower_to(&next, addr, start);
            lower_to(&next, addr, end);
        } else {
            lower_to(&next, addr, r->start & ~(uint64_t)(PAGE_SIZE - 1));
            lower_to(&next, addr,
                     (r->start + r->size + PAGE_SIZE - 1) & ~(uint64_t)(PAGE_SIZE - 1));
        }
    }
    for (unsigned i = 0; i < reserved_count; i++) {
        lower_to(&next, addr, reserved[i].start);
        lower_to(&next, addr, reserved[i].end);
    }
    return next;
}

static void release_frames(uint32_t top)
{
    for (uint32_t addr = PAGE_SIZE, next; addr < top; addr = next) {
        next = next_boundary(addr, top);
        if (usable_frame(addr) && !collision(addr, addr + PAGE_SIZE))
            frames_release_boot(addr >> PAGE_SHIFT, next >> PAGE_SHIFT);
    }
}

void mm_init(void)
{
    uint32_t top = top_of_memory(), frames = top >> PAGE_SHIFT;
    uint32_t initrd_end = boot_info.initrd_start + boot_info.initrd_size;
    struct mem_stats stats;

    reserve((uint32_t)kernel_start - PAGE_OFFSET, (uint32_t)kernel_end - PAGE_OFFSET);
    if (boot_info.initrd_size && !in_memory(boot_info.initrd_start, initrd_end)) {
        printk("initrd lies outside of memory: ignored\n");
        boot_info.initrd_size = 0;
    }
    if (boot_info.initrd_size)
        reserve(boot_info.initrd_start, initrd_end);

    detect_nx();
    pv_pagetable_setup_start(swapper_pg_dir);
    map_low_memory(top);
    init_fixmap();
    if (boot_info.initrd_size && initrd_end > top)
        lower_initrd();
    protect_boot_map();
    pv_pagetable_setup_done(swapper_pg_dir);
    pv_flush_tlb_kernel();

    frames_init(early_alloc(frames * sizeof(struct page)), frames);
    release_frames(top);
    if (beyond_direct_map())
        printk("memory: only the first %u MiB are used\n", DIRECT_MAP_MAX >> 20);
    mem_stats(&stats);
    printk("memory: %u KiB, of which %u KiB are free\n", top >> 10, stats.free << 2);
}

/* The archive has been unpacked; its frames are memory like any other. */
void mm_free_initrd(void)
{
    uint32_t start = PAGE_ALIGN(boot_info.initrd_start);
    uint32_t end = (boot_info.initrd_start + boot_info.initrd_size) & PAGE_MASK;

    if (start < end)
        frames_release_boot(start >> PAGE_SHIFT, end >> PAGE_SHIFT);
    boot_info.initrd_size = 0;
}
