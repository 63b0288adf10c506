/* SPDX-License-Identifier: GPL-2.0-only */
/* The magic keys of /proc/sysrq-trigger (Linux, admin-guide/sysrq.rst): those that make sense here. */
#ifndef KERNEL_SYSRQ_H
#define KERNEL_SYSRQ_H

int sysrq(char *keys); /* the first one counts; 0 */

#endif
