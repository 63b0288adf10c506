/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The terminal, inside: one struct tty and the four files that share it.
 *
 *     UART interrupt -> tty_input.c: editing, signals, echo -> ring -> tty.c: read()
 *     write() -> tty.c -> tty_output.c: "\n" to "\r\n" -> UART
 *     ioctl() -> tty_ioctl.c: modes, sizes, sessions
 *
 * The ring and the editing state are touched by the interrupt: everybody else masks interrupts.
 * What the rest of the kernel may call is in fs/fs.h.
 */
#ifndef DRIVERS_TTY_H
#define DRIVERS_TTY_H

#include "../fs/fs.h"

/* ---- struct termios, as Linux i386 has it (asm-generic/termbits.h) ---- */

#define NCCS 19

struct termios {
    uint32_t iflag, oflag, cflag, lflag;
    uint8_t line, cc[NCCS];
};

struct termios2 {
    struct termios t;
    uint32_t ispeed, ospeed;
};
_Static_assert(sizeof(struct termios) == 36 && sizeof(struct termios2) == 44, "termios of i386");

struct winsize {
    uint16_t rows, columns, xpixel, ypixel;
};

enum { VINTR, VQUIT, VERASE, VKILL, VEOF, VTIME, VMIN, VSWTC, VSTART, VSTOP, VSUSP, VEOL, VREPRINT,
       VDISCARD, VWERASE, VLNEXT, VEOL2 };

enum { /* iflag */
    ISTRIP = 040, INLCR = 0100, IGNCR = 0200, ICRNL = 0400, IXON = 02000, IXANY = 04000,
    IMAXBEL = 020000, IUTF8 = 040000,
};
enum { /* oflag */
    OPOST = 1, ONLCR = 4, OCRNL = 010, ONOCR = 020, ONLRET = 040, XTABS = 014000,
};
enum { /* cflag */
    B115200 = 010002, CS8 = 060, CREAD = 0200, HUPCL = 02000, CLOCAL = 04000,
};
enum { /* lflag */
    ISIG = 1, ICANON = 2, ECHO = 010, ECHOE = 020, ECHOK = 040, ECHONL = 0100, NOFLSH = 0200,
    TOSTOP = 0400, ECHOCTL = 01000, ECHOKE = 04000, IEXTEN = 0100000,
};

/* ---- the terminal ---- */

#define TTY_RING 4096u

enum tty_mark { MARK_NONE, MARK_LINE, MARK_EOF }; /* of a byte in the ring */

struct tty {
    struct termios termios;
    struct winsize winsize;
    uint32_t rdev;
    pid_t sid, pgrp; /* whose controlling terminal it is; the foreground group. 0: none */

    /* Input. Positions count bytes for ever; their place in the ring is the remainder. */
    uint8_t ring[TTY_RING], mark[TTY_RING];
    uint32_t head, tail; /* next to come in, next to be read */
    uint32_t line;       /* where the unfinished line begins: what ERASE may still reach */
    uint32_t lines;      /* marks between tail and head: finished lines that wait */
    uint32_t line_column; /* where on the screen that line began */
    bool literal;        /* the next character means itself (VLNEXT) */
    struct wait_queue readers;

    /* Output. */
    uint32_t column;
    bool stopped; /* by VSTOP or tcflow() */
    struct wait_queue writers;
};

static inline bool tty_has(const struct tty *t, uint32_t lflag)
{
    return t->termios.lflag & lflag;
}

extern const struct file_ops tty_file_ops;         /* /dev/ttyS0, /dev/console */
extern const struct file_ops tty_current_file_ops; /* /dev/tty */

/* tty_input.c */
void tty_flush_input(struct tty *t);
void tty_mode_changed(struct tty *t, const struct termios *old);
uint32_t tty_available(const struct tty *t); /* bytes a read would not wait for */

/* tty_output.c */
void tty_output(struct tty *t, const char *bytes, size_t n); /* through OPOST to the line */
void tty_echo(struct tty *t, uint8_t c);
void tty_erase_columns(struct tty *t, uint32_t n);
uint32_t tty_advance(const struct tty *t, uint32_t column, uint8_t c); /* echoed c: the next column */
void tty_stop(struct tty *t, bool stop);

/* tty_ioctl.c */
long tty_ioctl(struct file *f, uint32_t cmd, uint32_t arg);

/* tty.c: may current do this from where it stands? 0; -EIO; or -ERESTARTSYS: sig was sent. */
int tty_check_foreground(struct tty *t, int sig);
struct tty *tty_of(struct file *f);

#endif
