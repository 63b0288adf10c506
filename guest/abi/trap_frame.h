/* SPDX-License-Identifier: GPL-2.0-only */
/* The one frame that every entry into the kernel builds and the one way out consumes: Linux's
   i386 pt_regs, plus the vector. Lowest address first. */
#ifndef ABI_TRAP_FRAME_H
#define ABI_TRAP_FRAME_H

#include "../lib/types.h"

struct trap_frame {
    uint32_t ebx, ecx, edx, esi, edi, ebp, eax;
    uint32_t ds, es, fs, gs; /* low 16 bits */
    uint32_t orig_eax;       /* system call number, or -1; a restart needs it */
    uint32_t vector, error;
    uint32_t eip, cs, eflags;
    uint32_t esp, ss; /* there only when the frame came from user mode: see from_user() */
};

/* RPL 3, never "RPL not 0": under a hypervisor the kernel itself runs in ring 1. */
static inline bool from_user(const struct trap_frame *f)
{
    return (f->cs & 3) == 3;
}

#endif
