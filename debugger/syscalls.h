/* SPDX-License-Identifier: GPL-2.0-only */
/* The arguments of Linux i386's system calls, by the call's name: for whoever prints a call. */
#ifndef DEBUGGER_SYSCALLS_H
#define DEBUGGER_SYSCALLS_H

#include <stdint.h>

/* "fd:1:int buf:1:hex count:1:u32": name, words, kind. NULL: a call that the table does not have. */
const char *syscall_arguments(const char *name);
/* How many words its arguments take, 6 for a call that the table does not have. *texts: a bit for
   each word that is the address of a text. */
unsigned syscall_words(const char *name, uint8_t *texts);

#endif
