/* SPDX-License-Identifier: GPL-2.0-only */
/* The kernel log: a ring of the last messages, for dmesg. */
#ifndef KERNEL_KLOG_H
#define KERNEL_KLOG_H

#include "lib/lib.h"

/* Bytes ever written; the ring holds the last klog_size() of them. */
uint32_t klog_end(void);
uint32_t klog_size(void);
/* Copy up to n bytes from position *pos (moved forward over what is lost) and advance it. */
size_t klog_read(uint32_t *pos, char *buf, size_t n);
void klog_panic(void); /* console on, and no lock in the way: the holder may be what crashed */
void klog_set_console(bool on); /* printk also to the serial port; off with "quiet" */

#endif
