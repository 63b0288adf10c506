/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Reading a cpio archive in the "newc" format, the one that Linux takes as an initrd: for every
 * file a header of 110 ASCII characters (a magic and thirteen numbers in hexadecimal), the name,
 * the bytes, each padded to four; at the end an entry named TRAILER!!!. (Linux's
 * Documentation/driver-api/early-userspace/buffer-format.rst.)
 *
 * The guest's kernel reads it again and must protect itself. Here it is read so that a broken file
 * is named to the person who gave it, instead of a guest that panics.
 */
#include "internal.h"

#include <string.h>

#define HEADER    110u
#define NAME_MOST 4096u /* PATH_MAX, with the NUL */
#define TRAILER   "TRAILER!!!"

enum {
    INO,
    MODE,
    UID,
    GID,
    NLINK,
    MTIME,
    FILESIZE,
    MAJOR,
    MINOR,
    RMAJOR,
    RMINOR,
    NAMESIZE,
    CHECK,
    NUMBERS
};

static bool hex8(const uint8_t *p, uint32_t *value)
{
    *value = 0;
    for (unsigned i = 0; i < 8; i++) {
        uint8_t c = p[i];
        uint32_t digit;
        if (c >= '0' && c <= '9')
            digit = c - '0';
        else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
            digit = (c | 0x20) - 'a' + 10u;
        else
            return false;
        *value = *value << 4 | digit;
    }
    return true;
}

static const char *compressed(const uint8_t *p, size_t n)
{
    if (n >= 2 && p[0] == 0x1F && p[1] == 0x8B)
        return "gzip";
    if (n >= 4 && !memcmp(p, "\x28\xB5\x2F\xFD", 4))
        return "zstd";
    if (n >= 5 && !memcmp(p,
                          "\xFD"
                          "7zXZ",
                          5))
        return "xz";
    if (n >= 3 && !memcmp(p, "BZh", 3))
        return "bzip2";
    if (n >= 4 && !memcmp(p, "\x02\x21\x4C\x18", 4))
        return "lz4";
    if (n >= 4 && !memcmp(p, "\x89LZO", 4))
        return "lzo";
    if (n >= 3 && !memcmp(p, "\x5D\0\0", 3)) /* properties 93, a dictionary of whole pages */
        return "lzma";
    return NULL;
}

static bool read_header(const struct image *img, size_t at, uint32_t number[NUMBERS],
                        struct err *err)
{
    const uint8_t *h = img->data + at;
    size_t left = img->size - at;
    const char *packed = compressed(h, left);

    if (packed)
        return image_bad(img, at, err,
                         "packed with %s; this kernel takes plain cpio: unpack it "
                         "first",
                         packed);
    if (left >= 6 && !memcmp(h, "070707", 6))
        return image_bad(img, at, err,
                         "a cpio archive in the old format; make it with "
                         "`cpio -o -H newc`");
    if (left >= 6 && memcmp(h, "070701", 6) && memcmp(h, "070702", 6))
        return image_bad(img, at, err, "no cpio header here");
    if (left < HEADER)
        return image_bad(img, at, err, "a cpio header is cut off");
    for (unsigned i = 0; i < NUMBERS; i++) {
        if (!hex8(h + 6 + 8 * i, &number[i]))
            return image_bad(img, at + 6 + 8 * i, err, "not a hexadecimal number: \"%.8s\"",
                             (const char *)h + 6 + 8 * i);
    }
    return true;
}

static bool check_name(const struct image *img, size_t at, uint32_t size, struct err *err)
{
    const char *name = (const char *)img->data + at;

    if (size < 2 || size > NAME_MOST)
        return image_bad(img, at, err, "a name of %u bytes", size ? size - 1 : 0);
    if (!image_has(img, at, size))
        return image_bad(img, at, err, "a name is cut off by the end of the file");
    if (strnlen(name, size) != size - 1)
        return image_bad(img, at, err, "a name's length is given as %u, but is %zu", size - 1,
                         strnlen(name, size));
    return true;
}

/* The format 070702 carries the sum of a file's bytes. */
static bool check_sum(const struct image *img, const struct cpio_entry *e, uint32_t sum,
                      struct err *err)
{
    if (img->data[e->offset + 5] != '2' || (e->mode & 0170000) != 0100000)
        return true;
    for (uint32_t i = 0; i < e->size; i++)
        sum -= e->data[i];
    return !sum || image_bad(img, e->offset, err, "the checksum of \"%s\" is wrong", e->name);
}

/* Between archives there may be zeros, in any number. False: they reach to the end. */
static bool skip_zeros(struct cpio_reader *r)
{
    while (r->at < r->image.size && !r->image.data[r->at])
        r->at++;
    return r->at < r->image.size;
}

static enum cpio_next end_of_image(const struct cpio_reader *r, struct err *err)
{
    if (!r->in_archive)
        return CPIO_DONE;
    image_bad(&r->image, r->image.size, err, "the archive ends without its %s entry: truncated?",
              TRAILER);
    return CPIO_BAD;
}

static uint64_t round4(uint64_t n)
{
    return (n + 3) & ~3ull;
}

enum cpio_next cpio_next(struct cpio_reader *r, struct cpio_entry *out, struct err *err)
{
    const struct image *img = &r->image;
    uint32_t n[NUMBERS];

    for (;;) {
        if (!r->in_archive && !skip_zeros(r))
            return CPIO_DONE;
        if (r->at >= img->size)
            return end_of_image(r, err);
        if (r->packed_ends && !r->in_archive && compressed(img->data + r->at, img->size - r->at))
            return CPIO_DONE;

        size_t name = r->at + HEADER;
        if (!read_header(img, r->at, n, err) || !check_name(img, name, n[NAMESIZE], err))
            return CPIO_BAD;
        uint64_t data = round4(name + n[NAMESIZE]);
        if (n[FILESIZE] && !image_has(img, data, n[FILESIZE])) {
            image_bad(img, r->at + 6 + 8 * FILESIZE, err,
                      "\"%s\" has %u bytes by its header, and "
                      "%zu are left in the file",
                      (const char *)img->data + name, n[FILESIZE],
                      data < img->size ? (size_t)(img->size - data) : 0);
            return CPIO_BAD;
        }
        *out = (struct cpio_entry){
            .name = (const char *)img->data + name,
            .ino = n[INO],
            .mode = n[MODE],
            .uid = n[UID],
            .gid = n[GID],
            .nlink = n[NLINK],
            .mtime = n[MTIME],
            .rdev_major = n[RMAJOR],
            .rdev_minor = n[RMINOR],
            .data = n[FILESIZE] ? img->data + data : NULL,
            .size = n[FILESIZE],
            .offset = r->at,
        };
        if (!check_sum(img, out, n[CHECK], err))
            return CPIO_BAD;
        uint64_t end = round4(data + n[FILESIZE]);
        r->at = end < img->size ? (size_t)end : img->size;
        r->in_archive = strcmp(out->name, TRAILER) != 0;
        if (r->in_archive)
            return CPIO_ENTRY;
    }
}

static bool check(struct cpio_reader r, struct err *err)
{
    struct cpio_entry e;
    enum cpio_next next;

    do
        next = cpio_next(&r, &e, err);
    while (next == CPIO_ENTRY);
    return next == CPIO_DONE;
}

bool cpio_check(struct image image, struct err *err)
{
    return check((struct cpio_reader){.image = image}, err);
}

bool cpio_check_plain_part(struct image image, struct err *err)
{
    return check((struct cpio_reader){.image = image, .packed_ends = true}, err);
}
