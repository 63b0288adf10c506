/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which programs are there (the kernel, and the program of the process that runs), and what their
 * files say about where the machine stands. The only door from debugger/control to debugger/program.
 */
#ifndef DEBUGGER_CONTROL_SOURCE_H
#define DEBUGGER_CONTROL_SOURCE_H

#include "debug.h"
#include "debugger/program/program.h"

struct source_set;

/* Where user space ends, in every kernel that the models know. */
#define USER_SPACE 0xC0000000u

/* Both images must outlive it; either may be empty. User programs are found in the initrd by the
   name of the process. NULL: out of memory. */
struct source_set *source_open(const struct image *kernel, const struct image *initrd);
void source_close(struct source_set *s);

/* A user program from a file of the host, looked in before those of the initrd. */
bool source_add_file(struct debug *d, const char *path, struct err *err);
/* The program that a process of this name would run, from the initrd or such a file; known from here
   on, also before it runs. NULL: there is none. */
struct program *source_meet(struct debug *d, const char *comm);
/* The name of the process whose program this is; NULL: the kernel, or nobody's. */
const char *source_process(struct debug *d, const struct program *p);

/* The programs in which the machine's present names are looked up, first where it runs. Valid until
   the machine moves. */
struct programs source_programs(struct debug *d);
/* All that have been met so far, the kernel first. Valid until the next such call. */
struct programs source_known(struct debug *d);
struct program *source_kernel(struct debug *d); /* NULL: none */
struct program *source_program(struct debug *d, uint32_t eip, unsigned cpl);

/* The process that the kernel runs now. False: the kernel does not say. */
struct source_task {
    uint32_t pid;
    char comm[16];
};
bool source_task(struct debug *d, struct source_task *out);

/* What the kernel tells about itself (abi/kernel_info.h); NULL: nothing. */
struct kernel_info;
const struct kernel_info *source_kernel_info(struct debug *d);

/* Guest memory as a debugger reads it: through the tables in use, else as the guest's own tables say
   (a shadow that is not filled yet is no reason to see nothing). */
bool debug_peek(struct debug *d, uint32_t gva, void *to, uint32_t n);

/* The frame of the machine's registers, for unwinding; and a door to its memory. */
struct frame source_frame(struct debug *d);
struct program_memory source_memory(struct debug *d);

/* ---- for stepping ---- */

struct source_spot {
    bool known;
    bool begins; /* the address is one where a person would stop for the line */
    const char *file;
    unsigned line;
    uint32_t function; /* where it begins; 0: unknown */
    uint32_t lo, hi;   /* of the line's entry */
    uint32_t real;     /* where the real function around it begins: `function`, if not inlined */
    unsigned depth;    /* of inlined functions in one another; 0: in the real one */
    bool prologue;     /* the function's frame is not set up yet, and nobody stops here */
};
/* `over`: what is inlined in the line that stands there is a part of that line; NULL: nothing is. */
void source_at(struct debug *d, uint32_t eip, unsigned cpl, const struct source_spot *over,
               struct source_spot *out);
/* Which of a place's functions a person has in front of him: the innermost one of a .c file. What
   headers put inline is seen as the line that asks for it. */
unsigned source_depth(const struct place *place);
/* Is a hook called here? (in the kernel's list of patch sites) */
bool source_is_site(struct debug *d, uint32_t eip);
unsigned source_site(struct debug *d, uint32_t eip); /* the hook's number, if so */
/* Its arguments from the registers, as they are at the site: "(ptep=0xc0400000, pte=0x1067 P RW)". */
void source_hook_arguments(struct debug *d, unsigned hook, char *text, size_t size);
/* The caller of the present function: where it goes on, and its stack pointer then. */
bool source_caller(struct debug *d, uint32_t *eip, uint32_t *esp);
/* The beginning of the present function, and the stack pointer that it was entered with. */
bool source_entry(struct debug *d, uint32_t *eip, uint32_t *esp);

#endif
