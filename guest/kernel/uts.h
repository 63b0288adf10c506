/* SPDX-License-Identifier: GPL-2.0-only */
/* What uname() tells: also /proc/version and /proc/sys/kernel. kernel/sys_misc.c */
#ifndef KERNEL_UTS_H
#define KERNEL_UTS_H

#define UTS_LEN 65

extern struct uts {
    char sysname[UTS_LEN], nodename[UTS_LEN], release[UTS_LEN], version[UTS_LEN],
        machine[UTS_LEN], domainname[UTS_LEN];
} uts;

#endif
