/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The way out: what a program writes, and what the line discipline echoes, becomes bytes on the
 * serial line. The column is counted along, because tabs and erasing need to know it.
 */
#include "tty.h"
#include "drivers.h"

#define TAB 8

/* A control character that ECHOCTL shows as ^X. */
static bool shown_as_caret(const struct tty *t, uint8_t c)
{
    return tty_has(t, ECHOCTL) && (c < 32 || c == 127) && c != '\t' && c != '\n';
}

/* The continuation bytes of UTF-8 take no room. */
static bool has_width(const struct tty *t, uint8_t c)
{
    return c >= 32 && c != 127 && !((t->termios.iflag & IUTF8) && (c & 0xC0) == 0x80);
}

uint32_t tty_advance(const struct tty *t, uint32_t column, uint8_t c)
{
    if (c == '\t')
        return column - column % TAB + TAB;
    if (shown_as_caret(t, c))
        return column + 2;
    return has_width(t, c) ? column + 1 : column;
}

/* What one character becomes; up to TAB bytes to out. Their number. */
static size_t process(struct tty *t, char c, char *out)
{
    uint32_t o = t->termios.oflag;

    if (!(o & OPOST)) {
        *out = c;
        return 1;
    }
    switch (c) {
    case '\n':
        if (o & (ONLCR | ONLRET))
            t->column = 0;
        if (o & ONLCR) {
            out[0] = '\r';
            out[1] = '\n';
            return 2;
        }
        break;
    case '\r':
        if ((o & ONOCR) && t->column == 0)
            return 0;
        if (o & OCRNL) {
            c = '\n';
            if (o & ONLRET)
                t->column = 0;
            break;
        }
        t->column = 0;
        break;
    case '\t': {
        size_t n = TAB - t->column % TAB;
        t->column += n;
        if ((o & XTABS) == XTABS) {
            memset(out, ' ', n);
            return n;
        }
        break;
    }
    case '\b':
        if (t->column)
            t->column--;
        break;
    default:
        if (has_width(t, c))
            t->column++;
    }
    *out = c;
    return 1;
}

void tty_output(struct tty *t, const char *bytes, size_t n)
{
    char out[128];
    size_t used = 0;

    for (size_t i = 0; i < n; i++) {
        used += process(t, bytes[i], out + used);
        if (used > sizeof out - TAB) {
            console_ops.write(out, used);
            used = 0;
        }
    }
    if (used)
        console_ops.write(out, used);
}

void tty_echo(struct tty *t, uint8_t c)
{
    char caret[2] = {'^', (char)(c ^ 0x40)};

    if (shown_as_caret(t, c))
        tty_output(t, caret, 2);
    else
        tty_output(t, (const char *)&c, 1);
}

void tty_erase_columns(struct tty *t, uint32_t n)
{
    while (n--)
        tty_output(t, "\b \b", 3);
}

void tty_stop(struct tty *t, bool stop)
{
    t->stopped = stop;
    if (!stop)
        wake_up(&t->writers);
}
