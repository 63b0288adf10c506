/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The way in: the line discipline. It runs in the UART's interrupt, a character at a time, and
 * decides what each one is: a signal, an order to edit the line, the end of a line, or just text.
 *
 * All text goes into one ring. In canonical mode a finished line is marked at its last byte, and
 * readers see only up to a mark; an end-of-file is a byte in the ring that is a mark and nothing
 * else. In raw mode marks mean nothing.
 */
#include "../pv/pv.h"
#include "drivers.h"
#include "tty.h"

static uint32_t slot(uint32_t position)
{
    return position % TTY_RING;
}

static bool is(const struct tty *t, int which, uint8_t c)
{
    return c && t->termios.cc[which] == c; /* a character set to NUL is switched off */
}

uint32_t tty_available(const struct tty *t)
{
    if (!tty_has(t, ICANON))
        return t->head - t->tail;
    return t->lines ? MAX(t->line - t->tail, 1u) : 0;
}

void tty_flush_input(struct tty *t)
{
    t->tail = t->line = t->head;
    t->lines = 0;
    t->literal = false;
}

/* ICANON comes and goes under the reader: what is there already shall be readable either way. */
void tty_mode_changed(struct tty *t, const struct termios *old)
{
    bool was = old->lflag & ICANON;

    if (!was && tty_has(t, ICANON)) {
        for (uint32_t at = t->tail; at != t->head; at++)
            t->mark[slot(at)] = MARK_NONE;
        t->lines = 0;
        t->line = t->head;
        if (t->head != t->tail) {
            t->mark[slot(t->head - 1)] = MARK_LINE;
            t->lines = 1;
        }
    }
    if ((old->iflag & IXON) && !(t->termios.iflag & IXON))
        tty_stop(t, false);
    wake_up(&t->readers);
}

/* Put a byte into the ring. A line may leave no room for its own end, so one place is kept for it.
   Where nothing is echoed nobody edits: there a line that fills the ring is handed on in pieces,
   because the bytes come from a program, and no byte of a program may be lost. */
static bool store(struct tty *t, uint8_t c, enum tty_mark mark)
{
    uint32_t room = TTY_RING - (t->head - t->tail);

    if (room == 1 && tty_has(t, ICANON) && !tty_has(t, ECHO) && mark == MARK_NONE)
        mark = MARK_LINE;
    if (room == 0 || (room == 1 && tty_has(t, ICANON) && mark == MARK_NONE)) {
        if (t->termios.iflag & IMAXBEL)
            tty_output(t, "\a", 1);
        return false;
    }
    if (t->head == t->line)
        t->line_column = t->column;
    t->ring[slot(t->head)] = c;
    t->mark[slot(t->head)] = mark;
    t->head++;
    if (!tty_has(t, ICANON)) {
        t->line = t->head;
        wake_up(&t->readers);
    } else if (mark != MARK_NONE) {
        t->line = t->head;
        t->lines++;
        wake_up(&t->readers);
    }
    return true;
}

/* ---- editing ---- */

/* The column after the unfinished line up to a position. */
static uint32_t column_at(const struct tty *t, uint32_t end)
{
    uint32_t column = t->line_column;

    for (uint32_t at = t->line; at != end; at++)
        column = tty_advance(t, column, t->ring[slot(at)]);
    return column;
}

/* Cut the unfinished line at a position, on the screen too. */
static void cut_line(struct tty *t, uint32_t end)
{
    uint32_t columns = column_at(t, t->head) - column_at(t, end);

    t->head = end;
    if (tty_has(t, ECHO))
        tty_erase_columns(t, columns);
}

static bool continues_utf8(const struct tty *t, uint8_t c)
{
    return (t->termios.iflag & IUTF8) && (c & 0xC0) == 0x80;
}

static void erase_character(struct tty *t, uint8_t c)
{
    uint32_t end = t->head;

    if (end == t->line)
        return;
    do
        end--;
    while (end != t->line && continues_utf8(t, t->ring[slot(end)]));
    if (tty_has(t, ECHOE)) {
        cut_line(t, end);
    } else {
        t->head = end;
        if (tty_has(t, ECHO))
            tty_echo(t, c);
    }
}

static bool in_word(uint8_t c)
{
    return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || c == '_' ||
           c >= 128;
}

static void erase_word(struct tty *t)
{
    uint32_t end = t->head;

    while (end != t->line && !in_word(t->ring[slot(end - 1)]))
        end--;
    while (end != t->line && in_word(t->ring[slot(end - 1)]))
        end--;
    cut_line(t, end);
}

static void kill_line(struct tty *t, uint8_t c)
{
    if (tty_has(t, ECHOKE) && tty_has(t, ECHOE)) {
        cut_line(t, t->line);
        return;
    }
    t->head = t->line;
    if (tty_has(t, ECHO)) {
        tty_echo(t, c);
        if (tty_has(t, ECHOK))
            tty_output(t, "\n", 1);
    }
}

static void reprint(struct tty *t, uint8_t c)
{
    if (!tty_has(t, ECHO))
        return;
    tty_echo(t, c);
    tty_output(t, "\n", 1);
    t->line_column = t->column;
    for (uint32_t at = t->line; at != t->head; at++)
        tty_echo(t, t->ring[slot(at)]);
}

/* Canonical mode's own characters. false: c is text. */
static bool edit(struct tty *t, uint8_t c)
{
    bool extended = tty_has(t, IEXTEN);

    if (is(t, VERASE, c))
        erase_character(t, c);
    else if (is(t, VKILL, c))
        kill_line(t, c);
    else if (extended && is(t, VWERASE, c))
        erase_word(t);
    else if (extended && is(t, VREPRINT, c))
        reprint(t, c);
    else if (is(t, VEOF, c))
        store(t, 0, MARK_EOF);
    else if (c == '\n' || is(t, VEOL, c) || (extended && is(t, VEOL2, c))) {
        if (store(t, c, MARK_LINE) && (tty_has(t, ECHO) || (c == '\n' && tty_has(t, ECHONL))))
            tty_echo(t, c);
    } else {
        return false;
    }
    return true;
}

/* ---- one character ---- */

static bool flow_control(struct tty *t, uint8_t c)
{
    if (!(t->termios.iflag & IXON))
        return false;
    if (is(t, VSTOP, c)) {
        tty_stop(t, true);
        return true;
    }
    if (is(t, VSTART, c)) {
        tty_stop(t, false);
        return true;
    }
    if (t->stopped && (t->termios.iflag & IXANY))
        tty_stop(t, false);
    return false;
}

static bool make_signal(struct tty *t, uint8_t c)
{
    static const struct {
        uint8_t which, sig;
    } table[] = {{VINTR, SIGINT}, {VQUIT, SIGQUIT}, {VSUSP, SIGTSTP}};

    if (!tty_has(t, ISIG))
        return false;
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        if (!is(t, table[i].which, c))
            continue;
        tty_stop(t, false); /* nobody answers ^C on a stopped terminal otherwise */
        if (!tty_has(t, NOFLSH))
            tty_flush_input(t);
        if (tty_has(t, ECHO))
            tty_echo(t, c);
        if (t->pgrp)
            signal_send_pgrp(t->pgrp, table[i].sig, NULL);
        return true;
    }
    return false;
}

static void text(struct tty *t, uint8_t c)
{
    if (store(t, c, MARK_NONE) && tty_has(t, ECHO))
        tty_echo(t, c);
}

static void receive(struct tty *t, uint8_t c)
{
    uint32_t i = t->termios.iflag;

    if (i & ISTRIP)
        c &= 0x7f;
    if (t->literal) {
        t->literal = false;
        text(t, c);
        return;
    }
    if (flow_control(t, c) || make_signal(t, c))
        return;
    if (c == '\r') {
        if (i & IGNCR)
            return;
        if (i & ICRNL)
            c = '\n';
    } else if (c == '\n' && (i & INLCR)) {
        c = '\r';
    }
    if (tty_has(t, ICANON)) {
        if (tty_has(t, IEXTEN) && is(t, VLNEXT, c)) {
            t->literal = true;
            if (tty_has(t, ECHO))
                tty_output(t, "^\b", 2);
            return;
        }
        if (edit(t, c))
            return;
    }
    text(t, c);
}

void tty_input(struct tty *t, const char *bytes, size_t n)
{
    uint32_t flags = irq_save();

    for (size_t i = 0; i < n; i++)
        receive(t, bytes[i]);
    if (tty_available(t))
        console_ops.ask(false);
    irq_restore(flags);
}
