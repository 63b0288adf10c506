/* SPDX-License-Identifier: GPL-2.0-only */
/* ELF programs: checked, then mapped into a fresh address space. kernel/elf.c */
#ifndef KERNEL_ELF_H
#define KERNEL_ELF_H

#include "../fs/fs.h"

struct elf_image {
    uint32_t entry;        /* of the program itself: AT_ENTRY */
    uint32_t start;        /* where to begin: entry, or the interpreter's */
    uint32_t phdr, phnum;  /* AT_PHDR, AT_PHNUM */
    uint32_t interp_base;  /* AT_BASE; 0 without interpreter */
    uint32_t end;          /* first byte after the last segment */
    bool exec_stack;       /* what PT_GNU_STACK says, or true when it says nothing */
};

/* Map the program f into m. 0, or -ENOEXEC for a file that is no sound i386 ELF program, -ENOMEM,
   or the error of opening its interpreter. m may then be half filled: throw it away. */
int elf_load(struct mm *m, struct file *f, struct elf_image *out);

#endif
