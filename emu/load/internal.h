/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the loaders share: reading numbers out of an image, saying what is wrong with it, and
 * keeping account of which addresses are taken.
 */
#ifndef EMU_LOAD_INTERNAL_H
#define EMU_LOAD_INTERNAL_H

#include "load.h"

/* Little-endian numbers; the caller has checked that they are inside. */
uint16_t get16(const uint8_t *p);
uint32_t get32(const uint8_t *p);
uint64_t get64(const uint8_t *p);
void put16(uint8_t *p, uint16_t v);
void put32(uint8_t *p, uint32_t v);
void put64(uint8_t *p, uint64_t v);

/* Are [offset, offset + n) bytes of the image? */
bool image_has(const struct image *img, uint64_t offset, uint64_t n);
/* "name: at offset 0x...: what"; false. */
bool image_bad(const struct image *img, uint64_t offset, struct err *err, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* Ranges of RAM in use, none of them overlapping. */
#define PLACE_MAX 64
struct place {
    struct mem *mem;
    unsigned n;
    struct place_range {
        uint64_t start, end; /* end exclusive */
    } range[PLACE_MAX];
};

/* What is at [start, start+n) now? NULL: nothing taken there. */
const struct place_range *place_overlap(const struct place *p, uint64_t start, uint64_t n);
/* Is it RAM from end to end? Words for a message when not, else NULL. */
const char *place_not_ram(const struct place *p, uint64_t start, uint64_t n);
/* Take it; false when it overlaps, is not RAM or the table is full. n of 0 is taken as nothing. */
bool place_take(struct place *p, uint64_t start, uint64_t n);
/* Find and take n bytes (> 0) within [lo, hi), aligned; 0 when there is no room. The highest such
   address, or the lowest. */
enum place_how { PLACE_HIGHEST, PLACE_LOWEST };
uint64_t place_find(struct place *p, uint64_t n, uint64_t align, uint64_t lo, uint64_t hi,
                    enum place_how how);

/* Program headers of an i386 ELF: loads the segments at their physical addresses and takes their
   places; the entry is physical as well. */
struct elf_loaded {
    uint32_t start, end, entry;
};
bool elf_load(struct place *p, const struct image *img, struct elf_loaded *out, struct err *err);
bool elf_is(const struct image *img);

bool multiboot_is(const struct image *img);
bool multiboot_load(struct place *p, const struct boot_request *rq, struct boot_info *out,
                    struct err *err);

bool bzimage_is(const struct image *img);
/* Its protected-mode part, whole, where code32_start says. */
bool bzimage_load(struct place *p, const struct image *img, struct elf_loaded *out,
                  struct err *err);
bool linux_load(struct place *p, const struct boot_request *rq, struct boot_info *out,
                struct err *err);

/* Registers of a machine in 32-bit protected mode with flat segments 10 (code) and 18 (data), and
   a GDT that says so at `gdt` (BOOT_GDT_BYTES there, taken by the caller). */
#define BOOT_GDT_BYTES 32u
bool boot_flat_registers(struct mem *m, uint32_t gdt, struct x86_regs *r);

/* Boot information goes below this, where no kernel is loaded and no PC has its extended BIOS
   data; an initrd never below one megabyte. */
#define LOW_START   0x1000u
#define LOW_END     0x98000u
#define LOW_RAM_END 0x9FC00u
#define HIGH_START  0x100000u

#endif
