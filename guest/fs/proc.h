/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * /proc, inside. Every file of it is a row in a table: a name, a mode, and the function that makes
 * its text. procfs.c turns rows into inodes; proc_pid.c and proc_sys.c hold the rows.
 */
#ifndef FS_PROC_H
#define FS_PROC_H

#include "vfs.h"

/* Text in the making. It grows; when memory runs out it stops growing, and failed is set. */
struct proc_text {
    char *buf;
    size_t len, size;
    bool failed;
};

void proc_printf(struct proc_text *out, const char *fmt, ...) __printf(2, 3);
void proc_append(struct proc_text *out, const void *bytes, size_t n);

/* One row. t is the task that the file is about; NULL outside /proc/PID. */
struct proc_node {
    const char *name;
    mode_t mode; /* with its type: S_IFREG, S_IFDIR, S_IFLNK */
    void (*show)(struct proc_text *out, struct task *t); /* S_IFREG */
    int (*write)(char *text);                            /* S_IFREG; a line, without its end */
    const struct proc_node *children;                    /* S_IFDIR; up to a row without a name */
    /* Where a link of a process leads: a reference and, in path (may be NULL), what readlink says. */
    struct inode *(*target)(struct task *t, char *path, size_t size);
    void (*text)(struct proc_text *out); /* S_IFLNK with a text of its own (self) */
    bool owner_only; /* of a process: only for its user */
    enum { PROC_PLAIN, PROC_ROOT, PROC_FDS, PROC_TASKS } kind; /* S_IFDIR with more than rows */
};

extern const struct proc_node proc_root_rows[]; /* proc_sys.c */
extern const struct proc_node proc_pid_rows[];  /* proc_pid.c */

void proc_show_mounts(struct proc_text *out, struct task *t); /* proc_sys.c */

#endif
