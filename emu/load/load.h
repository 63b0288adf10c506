/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Loading without firmware: a kernel's image, an initrd and a command line go into RAM as a boot
 * loader would have put them there, and the first registers are set as the boot protocol says.
 * Two protocols, and which one is seen from the image:
 *
 *   multiboot 1       the image has a multiboot header in its first 8 KiB (ELF, or flat with the
 *                     header's own addresses)
 *   Linux 32-bit      a bzImage, or an ELF (vmlinux) without a multiboot header
 *
 * And the initrd itself: a cpio archive ("newc") checked, appended to, or packed from a directory.
 *
 * Every number in a file is a claim. Whatever does not hold gives ERR_FILE with the file's name,
 * the offset and what is wrong, and RAM must then be thought of as undefined.
 */
#ifndef EMU_LOAD_LOAD_H
#define EMU_LOAD_LOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../err.h"
#include "../mem.h"
#include "../x86/x86.h"

/* Bytes with a name for messages; owned by whoever made them. */
struct image {
    const uint8_t *data;
    size_t size;
    const char *name;
};

#define IMAGE_MAX_BYTES (1ull << 30)

/* A whole file; free with image_free. Not more than IMAGE_MAX_BYTES. On failure img is empty. */
bool image_read(struct image *img, const char *path, struct err *err);
/* Bytes and name, of what image_read() or initrd_finish() made. */
void image_free(struct image *img);

/* ---- the kernel ---- */

enum boot_protocol {
    BOOT_AUTO, /* multiboot where there is a header, else Linux */
    BOOT_MULTIBOOT,
    BOOT_LINUX,
};

struct boot_request {
    struct image kernel;
    struct image initrd; /* size 0: none */
    const char *cmdline; /* NULL: empty */
    enum boot_protocol protocol;
};

struct boot_info {
    enum boot_protocol protocol;       /* never BOOT_AUTO */
    const char *format;                /* "ELF", "bzImage", "flat multiboot image" */
    struct x86_regs regs;              /* all of them: ring 0, flat segments, no paging, IF off */
    uint32_t kernel_start, kernel_end; /* machine addresses, end exclusive, bss included */
    uint32_t initrd_start, initrd_end; /* 0, 0: none */
    uint32_t info;                     /* the multiboot information or the boot_params page */
};

/* Load rq into m's RAM (which the caller has just made: zeroed) and say how to start it. */
bool boot_load(struct mem *m, const struct boot_request *rq, struct boot_info *out,
               struct err *err);

/* ---- the kernel alone, for a hypervisor that has boot information of its own ---- */

struct boot_kernel {
    uint32_t start, end, entry; /* machine addresses, end exclusive, bss included */
    const char *format;         /* "ELF", "bzImage" */
};
/* Put an ELF's segments, or the part of a bzImage that runs in protected mode, where they want to be,
   all of it in [first, last). Writes nothing else. */
bool boot_load_kernel(struct mem *m, const struct image *img, uint64_t first, uint64_t last,
                      struct boot_kernel *out, struct err *err);

/* ---- the initrd: cpio archives in the "newc" format ---- */

struct cpio_entry {
    const char *name; /* as in the archive, NUL-terminated */
    uint32_t ino, mode, uid, gid, nlink, mtime, rdev_major, rdev_minor;
    const uint8_t *data; /* file contents, or a symbolic link's target; inside the image */
    uint32_t size;
    size_t offset; /* of the entry's header */
};

struct cpio_reader {
    struct image image;
    size_t at;
    bool in_archive;  /* an entry was seen, its archive's trailer not yet */
    bool packed_ends; /* a compressed archive ends the reading, and is not an error */
};

enum cpio_next { CPIO_ENTRY, CPIO_DONE, CPIO_BAD };
/* Start with *r = (struct cpio_reader){ .image = ... }. Several archives may follow each other,
   with zeros between; trailers are not shown. */
enum cpio_next cpio_next(struct cpio_reader *r, struct cpio_entry *out, struct err *err);
/* Is it a well-formed initrd? */
bool cpio_check(struct image image, struct err *err);
/* The same for a kernel that unpacks gzip and its like: up to the first compressed archive. */
bool cpio_check_plain_part(struct image image, struct err *err);

/* A growing archive. Entries appear in the order of the calls, with mtime 0, owner root and
   ascending inode numbers, so that the same calls give the same bytes everywhere. */
struct initrd;
struct initrd *initrd_new(void);
void initrd_free(struct initrd *rd);
/* Begin with these bytes, which must be a good archive (an empty image is one). */
bool initrd_append_image(struct initrd *rd, struct image image, struct err *err);
/* The same for another kernel than ours: archives in it may be compressed, as Linux takes them. */
bool initrd_append_foreign(struct initrd *rd, struct image image, struct err *err);
/* A file at path (absolute or not); the directories above it are made as needed. */
bool initrd_add_file(struct initrd *rd, const char *path, uint32_t mode, const void *data,
                     size_t size, struct err *err);
/* The `-e` file, RINGSIDE_CMD_FILE. */
bool initrd_add_commands(struct initrd *rd, const char *commands, struct err *err);
/* `--add FILE[=PATH]`: a host file, mode 755, as /bin/NAME or as PATH. */
bool initrd_add_argument(struct initrd *rd, const char *argument, struct err *err);
/* `--initrd DIR`: a directory's whole tree, names in the order of their bytes. Symbolic links,
   device nodes and pipes go in as what they are; sockets are left out. */
bool initrd_add_tree(struct initrd *rd, const char *dir, struct err *err);
/* The finished archive; rd is empty afterwards. Free with image_free. */
bool initrd_finish(struct initrd *rd, struct image *out, struct err *err);

#endif
