/* SPDX-License-Identifier: GPL-2.0-only */
/* Advisory locks: flock(2) on whole files, fcntl(2) on ranges of bytes. */
#ifndef FS_LOCKS_H
#define FS_LOCKS_H

#include "vfs.h"

enum { F_RDLCK = 0, F_WRLCK = 1, F_UNLCK = 2 };

struct lock_request { /* struct flock, in one width */
    int type, whence;
    int64_t start, len;
    pid_t pid;
};

/* Take or give up a range for current's process. 0; -EAGAIN when another has it and wait is false;
   -ERESTARTSYS. Deadlocks are not looked for: two who wait for each other wait for a signal. */
long locks_posix_set(struct file *f, const struct lock_request *r, bool wait);
/* Replace *r by the first lock in its way; type F_UNLCK when there is none. */
long locks_posix_test(struct file *f, struct lock_request *r);
long locks_flock(struct file *f, uint32_t operation);

#endif
