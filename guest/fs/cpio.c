/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The initrd: newc cpio archives, one after the other (the host appends one of its own), unpacked
 * into the root. Every header is 110 ASCII characters: a magic number and thirteen fields of eight
 * hexadecimal digits; name and data follow, each padded to four bytes. (Linux documents the
 * format in Documentation/driver-api/early-userspace/buffer-format.rst.)
 *
 * The image comes from outside: every size in it is checked against what is left of it.
 */
#include "vfs.h"

#define HEADER_SIZE 110u
#define LINKS_MAX   256 /* files with several names that are waiting for the rest of them */

enum field {
    F_INO,
    F_MODE,
    F_UID,
    F_GID,
    F_NLINK,
    F_MTIME,
    F_FILESIZE,
    F_MAJ,
    F_MIN,
    F_RMAJ,
    F_RMIN,
    F_NAMESIZE,
    F_CHECK,
    F_COUNT
};

struct entry {
    uint32_t field[F_COUNT];
    const char *name; /* NUL-terminated inside the image */
    const uint8_t *data;
};

struct hard_link {
    uint32_t ino, maj, min;
    struct inode *inode;
};

struct unpacker {
    const uint8_t *image;
    size_t size, at;
    struct hard_link *links;
    unsigned link_count;
};

static int parse_hex(const uint8_t *s, uint32_t *out)
{
    *out = 0;
    for (int i = 0; i < 8; i++) {
        uint32_t c = s[i], digit;
        if (c >= '0' && c <= '9')
            digit = c - '0';
        else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
            digit = (c | 0x20) - 'a' + 10;
        else
            return -EINVAL;
        *out = *out << 4 | digit;
    }
    return 0;
}

static size_t align4(size_t n)
{
    return (n + 3) & ~(size_t)3;
}

/* Read the header at u->at and step over the whole entry. */
static int next_entry(struct unpacker *u, struct entry *e)
{
    const uint8_t *h = u->image + u->at;
    size_t left = u->size - u->at;

    if (left < HEADER_SIZE || (memcmp(h, "070701", 6) != 0 && memcmp(h, "070702", 6) != 0))
        return -EINVAL;
    for (int i = 0; i < F_COUNT; i++)
        if (parse_hex(h + 6 + 8 * i, &e->field[i]))
            return -EINVAL;
    uint32_t name_size = e->field[F_NAMESIZE], file_size = e->field[F_FILESIZE];
    if (name_size == 0 || name_size > PATH_MAX || name_size > left - HEADER_SIZE)
        return -EINVAL;
    e->name = (const char *)h + HEADER_SIZE;
    if (e->name[name_size - 1])
        return -EINVAL;
    size_t data_at = align4(HEADER_SIZE + name_size);
    if (data_at > left || file_size > left - data_at)
        return -EINVAL;
    e->data = h + data_at;
    u->at += MIN(align4(data_at + file_size), left);
    return 0;
}

/* The inode of an earlier name of the same file, or the free slot to note it in; NULL: neither. */
static struct hard_link *find_link(struct unpacker *u, const struct entry *e)
{
    for (unsigned i = 0; i < u->link_count; i++) {
        struct hard_link *l = &u->links[i];
        if (l->ino == e->field[F_INO] && l->maj == e->field[F_MAJ] && l->min == e->field[F_MIN])
            return l;
    }
    if (u->link_count == LINKS_MAX)
        return NULL;
    return &u->links[u->link_count];
}

static int write_data(struct inode *i, const struct entry *e)
{
    uint32_t left = e->field[F_FILESIZE];
    const uint8_t *from = e->data;
    uint64_t pos = 0;

    if (!left)
        return 0;
    struct file *f = file_open_inode(i, O_WRONLY);
    if (IS_ERR(f))
        return PTR_ERR(f);
    ssize_t n = file_write_kernel(f, from, left, &pos);
    file_put(f);
    return n < 0 ? n : (uint32_t)n < left ? -ENOSPC : 0;
}

/* Make what the header describes at w; *made is a reference to it. */
static long make_entry(struct walk *w, const struct entry *e, struct inode **made)
{
    mode_t mode = e->field[F_MODE];
    const struct inode_ops *ops = w->dir->ops;
    uint32_t dev = MKDEV(e->field[F_RMAJ], e->field[F_RMIN]);
    long err;

    if (S_ISLNK(mode)) {
        char *target = kmalloc(e->field[F_FILESIZE] + 1);
        if (!target)
            return -ENOMEM;
        memcpy(target, e->data, e->field[F_FILESIZE]);
        target[e->field[F_FILESIZE]] = 0;
        err = ops->symlink ? ops->symlink(w->dir, w->name, target) : -EPERM;
        kfree(target);
        if (!err)
            *made = ops->lookup(w->dir, w->name);
        return err;
    }
    return ops->create ? ops->create(w->dir, w->name, mode, dev, made) : -EPERM;
}

static void set_attributes(struct inode *i, const struct entry *e)
{
    i->uid = e->field[F_UID];
    i->gid = e->field[F_GID];
    i->mode = (i->mode & S_IFMT) | (e->field[F_MODE] & 07777);
    i->mtime_ns = i->atime_ns = i->ctime_ns = (uint64_t)e->field[F_MTIME] * 1000000000u;
}

/* Directories may be there already, other things give way to the newer: a later archive may
   replace what an earlier one brought. */
static long clear_place(struct walk *w, mode_t mode)
{
    if (!w->inode || w->last != LAST_NAME)
        return 0;
    if (S_ISDIR(w->inode->mode))
        return S_ISDIR(mode) ? 0 : -EISDIR;
    if (!w->dir->ops->unlink)
        return -EPERM;
    long err = w->dir->ops->unlink(w->dir, w->name);
    inode_put(w->inode);
    w->inode = NULL;
    return err;
}

static bool known_type(mode_t mode)
{
    mode_t t = mode & S_IFMT;

    return t == S_IFREG || t == S_IFDIR || t == S_IFLNK || t == S_IFCHR || t == S_IFBLK ||
           t == S_IFIFO || t == S_IFSOCK;
}

static long unpack_at(struct unpacker *u, struct walk *w, const struct entry *e)
{
    mode_t mode = e->field[F_MODE];
    bool many = S_ISREG(mode) && e->field[F_NLINK] > 1;
    struct hard_link *l = many ? find_link(u, e) : NULL;
    struct inode *i = NULL;
    long err = clear_place(w, mode);

    if (err)
        return err;
    if (w->inode) { /* a directory that was there */
        set_attributes(w->inode, e);
        return 0;
    }
    if (l && l->inode) {
        err = w->dir->ops->link ? w->dir->ops->link(w->dir, w->name, l->inode) : -EPERM;
        i = inode_get(l->inode);
    } else {
        err = make_entry(w, e, &i);
        if (!err && l) {
            *l =
                (struct hard_link){e->field[F_INO], e->field[F_MAJ], e->field[F_MIN], inode_get(i)};
            u->link_count++;
        }
    }
    if (!err && S_ISREG(mode))
        err = write_data(i, e);
    if (!err)
        set_attributes(i, e);
    inode_put(i);
    return err;
}

static long unpack_entry(struct unpacker *u, const struct entry *e)
{
    struct walk w;

    if (!known_type(e->field[F_MODE]))
        return -EINVAL;
    long err = walk_path(&w, AT_FDCWD, e->name, WALK_CREATE);
    if (err)
        return err;
    err = unpack_at(u, &w, e);
    walk_end(&w);
    return err;
}

/* Between archives there may be any number of zero bytes. */
static void skip_padding(struct unpacker *u)
{
    while (u->at < u->size && u->image[u->at] == 0)
        u->at++;
}

long cpio_unpack(const void *image, size_t size)
{
    struct unpacker u = {.image = image, .size = size};
    struct entry e;
    long err = 0;

    u.links = kzalloc(LINKS_MAX * sizeof *u.links);
    if (!u.links)
        return -ENOMEM;
    for (skip_padding(&u); u.at < u.size; skip_padding(&u)) {
        size_t header_at = u.at;
        if (next_entry(&u, &e)) {
            err = -EINVAL;
            printk("initrd: no cpio header at offset %u of %u\n", (uint32_t)header_at,
                   (uint32_t)size);
            break;
        }
        if (!strcmp(e.name, "TRAILER!!!")) {
            while (u.link_count) /* inode numbers mean something within one archive only */
                inode_put(u.links[--u.link_count].inode);
            memset(u.links, 0, LINKS_MAX * sizeof *u.links);
            continue;
        }
        long r = unpack_entry(&u, &e);
        if (r) {
            printk("initrd: cannot unpack %s: error %d\n", e.name, (int)-r);
            err = err ? err : r; /* go on: a shell with most of its files is better than none */
            continue;
        }
    }
    while (u.link_count)
        inode_put(u.links[--u.link_count].inode);
    kfree(u.links);
    return err;
}
