/* SPDX-License-Identifier: GPL-2.0-only */
/* What the commands that look at the guest share: data_*.c and views_*.c. */
#ifndef DEBUGGER_COMMAND_DATA_H
#define DEBUGGER_COMMAND_DATA_H

#include "internal.h"

#define STOPS_KEPT 64u

/* What these commands remember from one call to the next. */
struct data_room {
    struct { /* of x and xp */
        char format, size;
        unsigned count;
        uint64_t next;
        bool physical, known;
    } x;
    struct {                        /* of list */
        char file[512], named[512]; /* that is listed; that was asked for by name */
        struct program *program;
        unsigned first, last; /* what was shown; 0: nothing yet */
    } list;
    struct moment stop[STOPS_KEPT]; /* where the machine stood still, the newest last */
    unsigned stops;
};
struct data_room *data_room(struct shell *sh);

/* The machine stands still here: `diff -1` asks for it later. */
void data_stopped(struct shell *sh);

/* "kmalloc+0x1c", also of data; empty when no program knows the address. True: something was found. */
bool data_symbol(struct shell *sh, uint32_t addr, char *text, size_t size);
/* " <kmalloc+0x1c>", or nothing. */
const char *data_label(struct shell *sh, uint32_t addr, char *text, size_t size);

/* "/4xw" in front of args, taken off. Letters and sizes that are not given stay as they are. */
struct data_format {
    unsigned count;
    char letter, size;
    bool counted;
};
bool data_format(const char **args, struct data_format *f, struct err *err);

/* One frame as `backtrace` shows it: "#1  0xc0101234 in kmalloc (size=32) at kernel/mm.c:12". */
void data_frame_line(struct shell *sh, const struct frame *f);
/* With its source line, as `frame`, `up` and `down` show it. */
void data_frame_tell(struct shell *sh, const struct frame *f);
/* What a file's line says. NULL: it cannot be read. */
const char *data_source_line(struct shell *sh, struct program *p, const char *file, unsigned line);

/* One instruction with its marks and names: "call 0xc0101234 <kmalloc>". Its length; 0: nothing is there. */
unsigned data_instruction(struct shell *sh, uint32_t addr, char *text, size_t size);
/* The hook that is called at this address, "pv_mmu_ops.set_pte"; false: none is. */
bool data_site(struct shell *sh, uint32_t addr, char *text, size_t size);

/* Into the front end's `display`: "EXPR = VALUE". */
void data_display(struct shell *sh, const char *text);

/* "cannot read memory at 0x00000010: it is not mapped". Always false. */
bool data_unreadable(struct err *err, uint32_t addr);

#endif
