/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Files. An inode is a thing that exists; a dentry-less tree (every directory knows its children
 * by name) keeps path walking short enough to read in one sitting. A file is an open inode.
 * tmpfs, /dev and /proc are three sets of inode and file operations over the same structs.
 */
#ifndef FS_FS_H
#define FS_FS_H

#include "../kernel/task.h"
#include "../lib/lib.h"

struct inode;
struct file;
struct super;
struct poll_table;

#define PATH_MAX 4096
#define NAME_MAX 255

enum {
    S_IFMT = 0170000, S_IFSOCK = 0140000, S_IFLNK = 0120000, S_IFREG = 0100000, S_IFBLK = 060000,
    S_IFDIR = 040000, S_IFCHR = 020000, S_IFIFO = 010000,
};
#define S_ISREG(m) (((m)&S_IFMT) == S_IFREG)
#define S_ISDIR(m) (((m)&S_IFMT) == S_IFDIR)
#define S_ISLNK(m) (((m)&S_IFMT) == S_IFLNK)
#define S_ISCHR(m) (((m)&S_IFMT) == S_IFCHR)
#define S_ISBLK(m) (((m)&S_IFMT) == S_IFBLK)
#define S_ISFIFO(m) (((m)&S_IFMT) == S_IFIFO)

struct inode_ops {
    /* A reference to the child, or -ENOENT. dir's "." and ".." are the walker's business. */
    struct inode *(*lookup)(struct inode *dir, const char *name);
    long (*create)(struct inode *dir, const char *name, mode_t mode, uint32_t rdev,
                   struct inode **out); /* files, directories, devices, FIFOs by mode */
    long (*symlink)(struct inode *dir, const char *name, const char *target);
    long (*link)(struct inode *dir, const char *name, struct inode *target);
    long (*unlink)(struct inode *dir, const char *name);
    long (*rmdir)(struct inode *dir, const char *name);
    long (*rename)(struct inode *old_dir, const char *old, struct inode *new_dir, const char *new);
    ssize_t (*readlink)(struct inode *i, char *buf, size_t size); /* kernel buffer, no NUL */
    /* Links that lead to a thing rather than to a text (/proc/PID/exe, fd/N): a reference to it,
       or ERR_PTR. NULL in the table: follow what readlink says. */
    struct inode *(*follow)(struct inode *i);
    long (*truncate)(struct inode *i, uint64_t size);
    void (*getattr)(struct inode *i); /* refresh size, times of made-up files; may be NULL */
    /* The last reference is gone (an entry in a directory is a reference too): free the inode and
       all it owns, except i->parent, which inode_put drops itself so that a deep chain of removed
       directories does not recurse. */
    void (*release)(struct inode *i);
};

struct inode {
    uint32_t refs;
    uint32_t ino, nlink, rdev;
    mode_t mode;
    uint32_t uid, gid;
    uint64_t size;
    uint32_t pages; /* frames its data occupies: st_blocks / 8 */
    uint64_t atime_ns, mtime_ns, ctime_ns;
    const struct inode_ops *ops;
    const struct file_ops *fops;
    struct super *super;
    struct inode *parent;  /* of a directory; what ".." means. Reference held. */
    char *name;            /* of a directory: its entry in parent; NULL for roots */
    struct inode *mounted; /* root of what is mounted here */
    struct list locks;     /* advisory locks, fs/locks.c */
    void *priv;            /* of the special file behind it: a FIFO's pipe */
};

/*
 * Where the bytes of a read or write live. Nearly always in the process, behind copy_to_user; but
 * sendfile and the kernel itself move pages that no process can see, through the same functions.
 */
struct span {
    char *base;
    bool kernel;
};
#define USER_SPAN(p) ((struct span){ (char *)(p), false })
#define KERNEL_SPAN(p) ((struct span){ (char *)(p), true })

static inline int span_write(struct span s, size_t at, const void *from, size_t n)
{
    if (!s.kernel)
        return copy_to_user(s.base + at, from, n);
    memcpy(s.base + at, from, n);
    return 0;
}

static inline int span_read(void *to, struct span s, size_t at, size_t n)
{
    if (!s.kernel)
        return copy_from_user(to, s.base + at, n);
    memcpy(to, s.base + at, n);
    return 0;
}

typedef int (*filldir_t)(void *ctx, const char *name, size_t len, uint64_t next_pos, uint32_t ino,
                         unsigned type); /* non-zero: the buffer is full */

struct file_ops {
    int (*open)(struct inode *i, struct file *f);
    void (*release)(struct file *f);
    /* Move up to n bytes and advance *pos; the count, or -errno when not one byte moved. */
    ssize_t (*read)(struct file *f, struct span to, size_t n, uint64_t *pos);
    ssize_t (*write)(struct file *f, struct span from, size_t n, uint64_t *pos);
    loff_t (*lseek)(struct file *f, loff_t off, int whence);
    long (*ioctl)(struct file *f, uint32_t cmd, uint32_t arg);
    long (*sync)(struct file *f); /* fsync; NULL: as the inode's type says */
    /* Ready events (POLL*); registers with the table's queues when pt is not NULL. */
    uint32_t (*poll)(struct file *f, struct poll_table *pt);
    int (*readdir)(struct file *f, void *ctx, filldir_t fill);
    /* The page of the file at this page index for a mapping, a reference of its own (shared with
       the file: the caller copies for private writes). NULL in the table: cannot be mapped. */
    struct page *(*page)(struct inode *i, uint32_t index, int *err);
    /* Those of the n pages from first on that are in memory already, borrowed; NULL for the others.
       NULL in the table: none ever is. */
    void (*cached)(struct inode *i, uint32_t first, unsigned n, struct page **out);
    /* What to map instead of f when a shared mapping is made (/dev/zero: a new nameless file, so
       that each mapping has zeros of its own). A reference, or ERR_PTR. NULL in the table: f. */
    struct file *(*map_shared)(struct file *f, uint64_t size);
};

struct file {
    uint32_t refs;
    uint32_t flags; /* O_* */
    uint64_t pos;
    struct inode *inode;
    const struct file_ops *fops;
    void *priv;
    char *path; /* absolute, as opened: for /proc/PID/fd, exe and maps; NULL when memory was short */
};

enum {
    O_ACCMODE = 3, O_RDONLY = 0, O_WRONLY = 1, O_RDWR = 2, O_CREAT = 0100, O_EXCL = 0200,
    O_NOCTTY = 0400, O_TRUNC = 01000, O_APPEND = 02000, O_NONBLOCK = 04000, O_DIRECTORY = 0200000,
    O_NOFOLLOW = 0400000, O_CLOEXEC = 02000000, O_LARGEFILE = 0100000, O_PATH = 010000000,
    O_NOATIME = 01000000, O_DIRECT = 040000, O_SYNC = 04010000, O_ASYNC = 020000,
};

/* ---- open files and paths, for the rest of the kernel ---- */

void fs_init(void);                                   /* root tmpfs, /dev, /proc */
/* Unpack newc archives, concatenated, into /. 0, or the last error; what could be unpacked is there. */
long cpio_unpack(const void *image, size_t size);
struct file *file_open(const char *path, uint32_t flags, mode_t mode); /* or ERR_PTR */
/* Into a kernel buffer, f->pos untouched: bytes read (short only at the end), or -errno. */
ssize_t file_read_kernel(struct file *f, void *buf, size_t n, uint64_t pos);
/* A nameless file of size zero bytes in memory: what shared anonymous memory is made of.
   name is what /proc shows. A reference, or ERR_PTR. */
struct file *file_new_memory(const char *name, uint64_t size);
void file_get(struct file *f);
void file_put(struct file *f); /* closes at zero */

struct inode *inode_get(struct inode *i); /* returns i, for chaining */
void inode_put(struct inode *i);          /* NULL is fine */
enum { MAY_EXEC = 1, MAY_WRITE = 2, MAY_READ = 4 };
int inode_permission(struct inode *i, int may); /* 0, -EACCES, -EROFS: for current's uid and gid */

struct files *files_new(void);
struct files *files_fork(struct files *from); /* a copy that shares the open files */
void files_get(struct files *t);
void files_put(struct files *t);
void files_close_on_exec(struct files *t);
struct file *fd_get(int fd); /* of current; a reference, or NULL: -EBADF */
int fd_install(struct file *f, int lowest, bool cloexec); /* takes the reference; fd or -EMFILE */

/* The next one's fs: shared (CLONE_FS) or copied; from NULL makes the first, at the root. */
struct fs *fs_fork(struct fs *from, bool share);
void fs_put(struct fs *fs);

/* Wait queues register themselves with a poller through this (fs/poll.c). */
void poll_wait(struct poll_table *pt, struct wait_queue *q);

/* ---- the terminal (drivers/tty.c) ---- */

struct tty *tty_console(void);
void tty_input(struct tty *t, const char *bytes, size_t n); /* from the UART's interrupt */
bool tty_receives(const struct tty *t); /* CREAD: are the line's bytes wanted at all? */
long tty_set_controlling(struct tty *t, struct task *leader);
void tty_session_exit(struct task *leader); /* SIGHUP to the foreground group, detach */
uint32_t tty_device_number(const struct tty *t);
pid_t tty_foreground(const struct tty *t);

#endif
