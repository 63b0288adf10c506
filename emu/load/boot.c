/* SPDX-License-Identifier: GPL-2.0-only */
/* Which protocol an image wants; and reading a file into memory. */
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

bool boot_load(struct mem *m, const struct boot_request *rq, struct boot_info *out, struct err *err)
{
    struct place place = {.mem = m};
    const struct image *img = &rq->kernel;

    memset(out, 0, sizeof *out);
    if (!img->size)
        return err_set(err, ERR_FILE, "%s: the kernel is an empty file", img->name);
    switch (rq->protocol == BOOT_AUTO ? protocol_of(img) : rq->protocol) {
    case BOOT_MULTIBOOT:
        return multiboot_load(&place, rq, out, err);
    case BOOT_LINUX:
        return linux_load(&place, rq, out, err);
    default:
        return err_set(err, ERR_FILE, "%s: not a kernel: %s", img->name, looks_like(img));
    }
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
