/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which protocol an image wants; what firmware would have left in memory whatever the protocol; and
 * reading a file into memory.
 */
#include "internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* What people try to boot by mistake, by its first bytes. */
static const char *looks_like(const struct image *img)
{
    static const struct {
        const char *bytes;
        unsigned n;
        const char *what;
    } known[] = {
        {"\x1f\x8b", 2, "a gzip file: unpack it first"},
        {"\xfd"
         "7zXZ",
         5, "an xz file: unpack it first"},
        {"\x28\xb5\x2f\xfd", 4, "a zstd file: unpack it first"},
        {"BZh", 3, "a bzip2 file: unpack it first"},
        {"070701", 6, "a cpio archive: is it the initrd?"},
        {"RINGSIDE", 8, "a file that Ringside wrote, not a kernel"},
        {"#!", 2, "a script"},
        {"!<arch>", 7, "a library"},
        {"MZ", 2, "a program for Windows or EFI without a Linux setup header"},
    };

    for (unsigned i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (img->size >= known[i].n && !memcmp(img->data, known[i].bytes, known[i].n))
            return known[i].what;
    }
    return "neither ELF, nor multiboot, nor a bzImage";
}

static enum boot_protocol protocol_of(const struct image *img)
{
    if (multiboot_is(img))
        return BOOT_MULTIBOOT;
    return bzimage_is(img) || elf_is(img) ? BOOT_LINUX : BOOT_AUTO;
}

/*
 * The data area of a BIOS, as far as there is something true to say in it. Kernels read it beside
 * what their loader tells them: Linux for the end of low memory, Xen for where to put its first
 * stage. A kernel that wants to lie there itself has no use for it.
 */
static bool put_bios_data(const struct place *p)
{
    enum { BDA = 0x400, BDA_BYTES = 0x100, COM1 = 0x00, EBDA = 0x0E, EQUIPMENT = 0x10, KIB = 0x13 };
    enum { HAS_FPU = 1 << 1, ONE_SERIAL_PORT = 1 << 9 };
    const uint8_t ebda_kib = (PC_HOLE_START - LOW_RAM_END) >> 10;
    uint8_t bda[BDA_BYTES] = {0};

    if (place_overlap(p, BDA, BDA_BYTES) || place_overlap(p, LOW_RAM_END, 1))
        return true;
    put16(bda + COM1, 0x3F8);
    put16(bda + EBDA, LOW_RAM_END >> 4);
    put16(bda + EQUIPMENT, HAS_FPU | ONE_SERIAL_PORT);
    put16(bda + KIB, LOW_RAM_END >> 10);
    return mem_write(p->mem, MADDR(BDA), bda, sizeof bda) &&
           mem_write(p->mem, MADDR(LOW_RAM_END), &ebda_kib, 1);
}

bool boot_load(struct mem *m, const struct boot_request *rq, struct boot_info *out, struct err *err)
{
    struct place place = {.mem = m};
    const struct image *img = &rq->kernel;
    bool ok;

    memset(out, 0, sizeof *out);
    if (!img->size)
        return err_set(err, ERR_FILE, "%s: the kernel is an empty file", img->name);
    switch (rq->protocol == BOOT_AUTO ? protocol_of(img) : rq->protocol) {
    case BOOT_MULTIBOOT:
        ok = multiboot_load(&place, rq, out, err);
        break;
    case BOOT_LINUX:
        ok = linux_load(&place, rq, out, err);
        break;
    default:
        return err_set(err, ERR_FILE, "%s: not a kernel: %s", img->name, looks_like(img));
    }
    return ok && (put_bios_data(&place) ||
                  image_bad(img, 0, err, "the BIOS's data cannot be written to RAM"));
}

bool boot_load_kernel(struct mem *m, const struct image *img, uint64_t first, uint64_t last,
                      struct boot_kernel *out, struct err *err)
{
    struct place place = {.mem = m};
    struct elf_loaded k;
    bool bz = bzimage_is(img);

    if (!bz && !elf_is(img))
        return err_set(err, ERR_FILE, "%s: not a kernel: %s", img->name, looks_like(img));
    if (!(bz ? bzimage_load(&place, img, &k, err) : elf_load(&place, img, &k, err)))
        return false;
    if (k.start < first || k.end > last)
        return err_set(err, ERR_FILE,
                       "%s: the kernel wants %08x-%08x; the guest's free memory is %08llx-%08llx",
                       img->name, k.start, k.end, (unsigned long long)first,
                       (unsigned long long)last);
    *out = (struct boot_kernel){k.start, k.end, k.entry, bz ? "bzImage" : "ELF"};
    return true;
}

static bool read_all(FILE *f, struct image *img, const char *path, struct err *err)
{
    uint8_t *data = NULL;
    size_t n = 0, room = 0;

    for (;;) {
        if (n == room) {
            room = room ? room * 2 : 1u << 20;
            uint8_t *more = room <= IMAGE_MAX_BYTES ? realloc(data, room) : NULL;
            if (!more) {
                free(data);
                return err_set(err, ERR_FILE, "%s: too big: more than %llu MiB", path,
                               (unsigned long long)n >> 20);
            }
            data = more;
        }
        size_t got = fread(data + n, 1, room - n, f);
        n += got;
        if (!got)
            break;
    }
    if (ferror(f)) {
        free(data);
        return err_set(err, ERR_FILE, "%s: %s", path, strerror(errno));
    }
    img->data = data;
    img->size = n;
    return true;
}

bool image_read(struct image *img, const char *path, struct err *err)
{
    *img = (struct image){0};

    FILE *f = fopen(path, "rb");
    if (!f)
        return err_set(err, ERR_FILE, "%s: %s", path, strerror(errno));
    struct stat st;
    bool ok = !fstat(fileno(f), &st) && S_ISDIR(st.st_mode)
                  ? err_set(err, ERR_FILE, "%s: is a directory", path)
                  : read_all(f, img, path, err);
    fclose(f);
    if (ok && !(img->name = strdup(path)))
        ok = err_set(err, ERR_SYSTEM, "no memory for the name of %s", path);
    if (!ok)
        image_free(img);
    return ok;
}

void image_free(struct image *img)
{
    free((void *)img->data);
    free((void *)img->name);
    *img = (struct image){0};
}
