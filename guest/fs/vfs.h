/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the files of fs/ share with each other: super blocks and mounts, path walks, the table of
 * open files, device numbers. The rest of the kernel needs only fs.h.
 *
 * Reference rules, once for all: a function that returns a struct inode * or struct file * returns
 * a reference; one that takes a pointer borrows it, unless its comment says otherwise.
 */
#ifndef FS_VFS_H
#define FS_VFS_H

#include "fs.h"

/* ---- inodes and super blocks (inode.c) ---- */

enum { MS_RDONLY = 1, MS_NOSUID = 2, MS_NODEV = 4, MS_NOEXEC = 8, MS_REMOUNT = 32, MS_BIND = 4096,
       MS_MOVE = 8192 };

struct super {
    const char *type;      /* "tmpfs", "proc": as /proc/filesystems and statfs name it */
    uint32_t magic;        /* statfs f_type */
    uint32_t dev;          /* st_dev of its inodes */
    uint32_t flags;        /* MS_* */
    uint32_t next_ino;
    uint64_t max_pages, pages; /* of data; max 0: made-up files, nothing stored */
    uint32_t inodes;       /* alive; the super itself lives while there are any */
    struct inode *root;
    struct inode *covered; /* the mount point; NULL for the root of all, and for detached ones */
    char *source;          /* what mount(8) was given */
    bool detached;
    void (*kill)(struct super *s); /* drop the tree when unmounted; may be NULL */
    struct list link;              /* in mounts, in the order of mounting */
};

extern struct list mounts;

struct super *super_new(const char *type, uint32_t magic, const char *source);
void super_free_if_idle(struct super *s);

/* Fill in a fresh inode (any storage): one reference, one link, current's ids, now. */
void inode_init(struct inode *i, struct super *s, uint32_t ino, mode_t mode);
void inode_fini(struct inode *i); /* the last thing before its storage is freed */
void inode_touch(struct inode *i); /* its content changed: mtime, ctime */
bool inode_is_owner(const struct inode *i);
int inode_may_write(struct inode *i); /* its content: also -ETXTBSY while it is being run */
/* inode_permission for other ids than current's: access(2) asks for the real ones. */
int inode_permission_as(const struct inode *i, int may, uint32_t uid, uint32_t gid);

/* Device numbers in the one form Linux's stat64 and mknod agree on: 12 bits major, 20 minor. */
#define MKDEV(major, minor) (((minor)&0xff) | ((major) << 8) | (((minor) & ~0xffu) << 12))
#define DEV_MAJOR(d) (((d) >> 8) & 0xfff)
#define DEV_MINOR(d) (((d)&0xff) | (((d) >> 12) & 0xfff00))

/* The operations of a FIFO, a device or a socket, for an open; NULL: there is no such thing. */
const struct file_ops *special_file_ops(const struct inode *i);
extern const struct file_ops fifo_file_ops; /* pipe.c */

/* ---- path walks (namei.c) ---- */

#define AT_FDCWD -100
enum { AT_SYMLINK_NOFOLLOW = 0x100, AT_EACCESS = 0x200, AT_REMOVEDIR = 0x200,
       AT_SYMLINK_FOLLOW = 0x400, AT_NO_AUTOMOUNT = 0x800, AT_EMPTY_PATH = 0x1000 };

enum {
    WALK_FOLLOW = 1, /* a symbolic link at the end is followed */
    WALK_CREATE = 2, /* the end may be missing: inode NULL, dir and name say where it would be */
    WALK_COVERED = 4, /* a mount point at the end is itself, not what is mounted on it */
    WALK_ENTRY = WALK_CREATE | WALK_COVERED, /* for calls that change the directory */
};

enum walk_last { LAST_NAME, LAST_DOT, LAST_DOTDOT, LAST_ROOT };

struct walk {
    struct inode *dir;   /* of the last component */
    struct inode *inode; /* what is there; NULL only with WALK_CREATE */
    enum walk_last last;
    bool slash;          /* the path ended in slashes: only a directory will do */
    char *jumped;        /* the end was reached through /proc/PID/exe or its like: what it says */
    char name[NAME_MAX + 1];
};

/* Both references of w are the caller's, for walk_end. 0 or -errno (then nothing is held). */
int walk_path(struct walk *w, int dirfd, const char *path, unsigned flags);
void walk_end(struct walk *w);

/* A path of the process in a kmalloc'ed buffer: -EFAULT, -ENAMETOOLONG, -ENOMEM as ERR_PTR. */
char *path_from_user(const char __user *path);
/* What path leads to; at_flags AT_EMPTY_PATH lets "" mean dirfd itself, whatever it is. */
struct inode *lookup_user(int dirfd, const char __user *path, unsigned walk_flags,
                          uint32_t at_flags);
int walk_user(struct walk *w, int dirfd, const char __user *path, unsigned flags);
/* The absolute path of a directory, or of name inside it (NULL: none), kmalloc'ed; NULL when
   memory is short. As current's root sees it. */
char *path_of(struct inode *dir, const char *name);
bool inode_is_below(struct inode *i, const struct inode *top); /* i is top or in its tree */

struct fs {
    uint32_t refs;
    struct inode *root, *cwd;
    mode_t umask;
};
extern struct inode *root_inode; /* of the first tmpfs */

/* ---- open files (file.c) ---- */

struct files {
    uint32_t refs;
    uint32_t size;        /* slots in fd[] */
    uint32_t low;         /* no free slot below this */
    struct file **fd;
    uint8_t *cloexec;     /* one byte a slot */
};

/* An open file over an inode (reference taken from the caller on success only). */
struct file *file_new(struct inode *i, const struct file_ops *fops, uint32_t flags);
struct file *file_open_at(int dirfd, const char *path, uint32_t flags, mode_t mode);
struct file *file_open_inode(struct inode *i, uint32_t flags);
int fd_close(int fd);
int fd_replace(int fd, struct file *f, bool cloexec); /* dup2's: takes the reference */
int file_readable(const struct file *f);              /* 0 or -EBADF */
int file_writable(const struct file *f);
loff_t generic_lseek(struct file *f, loff_t off, int whence);
/* In the middle of long work, where nothing half-done is in sight: let others run if it is time. */
void breathe(void);
ssize_t file_write_kernel(struct file *f, const void *buf, size_t n, uint64_t *pos);

/* ---- tmpfs.c, devfs.c, procfs.c: makers of trees ---- */

struct super *tmpfs_mount(const char *type, const char *source);
struct super *devfs_mount(void);
struct super *procfs_mount(const char *source);
void tmpfs_set_limit(struct super *s, uint64_t pages);
uint32_t pipe_capacity(void); /* bytes */
uint32_t tmpfs_pages(void); /* frames that hold the content of files */
struct super *anon_super(void); /* pipes and nameless files */
int mount_at(struct super *s, struct inode *where);

/* ---- locks.c ---- */

void locks_drop_owner(struct inode *i, const void *owner); /* a close releases them */

/* ---- limits ---- */

#define MAX_RW_COUNT 0x7ffff000u
#define FD_MAX 4096u
#define FILE_SIZE_MAX (1ull << 43) /* 2^31 pages */

#endif
