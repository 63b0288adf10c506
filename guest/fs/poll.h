/* SPDX-License-Identifier: GPL-2.0-only */
/* The events of poll(2), with Linux's numbers. */
#ifndef FS_POLL_H
#define FS_POLL_H

enum {
    POLLIN = 1, POLLPRI = 2, POLLOUT = 4, POLLERR = 8, POLLHUP = 16, POLLNVAL = 32,
    POLLRDNORM = 64, POLLRDBAND = 128, POLLWRNORM = 256, POLLWRBAND = 512,
};

/* Of a file without a poll operation: it never blocks. */
#define POLL_ALWAYS (POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM)

#endif
