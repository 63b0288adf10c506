/* SPDX-License-Identifier: GPL-2.0-only */
/* Hypercalls that can wait, the console before there is one, and how this kernel ends. */
#include "linux.h"

#include <stdarg.h>

extern char lguest_noirq_start[], lguest_noirq_end[];

lguest_data_t lguest_data = {
    .hcall_status = {[0 ... LHCALL_RING_SIZE - 1] = LHCALL_RING_FREE},
    .noirq_start = (uint32_t)lguest_noirq_start,
    .noirq_end = (uint32_t)lguest_noirq_end,
    .kernel_address = PAGE_OFFSET,
    .blocked_interrupts = 1, /* the clock's line */
    .syscall_vec = 0x80,
};

bool lazy;

/* Linux's way to write the ring: a slot that is not free means a full ring, and then the call is made
   at once, which empties it. */
static void async_hcall(uint32_t n, uint32_t a1, uint32_t a2, uint32_t a3, uint32_t a4)
{
    static unsigned next;
    uint32_t flags = local_irq_save();

    if (lguest_data.hcall_status[next] != LHCALL_RING_FREE) {
        hcall4(n, a1, a2, a3, a4);
    } else {
        lguest_data.hcalls[next] = (struct lguest_hcall){{n, a1, a2, a3, a4}};
        asm volatile("" : : : "memory");
        lguest_data.hcall_status[next] = 0;
        next = (next + 1) % LHCALL_RING_SIZE;
    }
    local_irq_restore(flags);
}

void lazy_hcall(uint32_t n, uint32_t a1, uint32_t a2, uint32_t a3, uint32_t a4)
{
    if (lazy)
        async_hcall(n, a1, a2, a3, a4);
    else
        hcall4(n, a1, a2, a3, a4);
}

void leave_lazy(void)
{
    hcall(LHCALL_FLUSH_ASYNC, 0, 0, 0);
    lazy = false;
}

/* ---- words ---- */

size_t strlen(const char *s)
{
    size_t n = 0;
    while (s[n])
        n++;
    return n;
}

void *memcpy(void *to, const void *from, size_t n)
{
    void *at = to;
    asm volatile("rep movsb" : "+D"(at), "+S"(from), "+c"(n) : : "memory");
    return to;
}

void *memset(void *to, int c, size_t n)
{
    void *at = to;
    asm volatile("rep stosb" : "+D"(at), "+c"(n) : "a"(c) : "memory");
    return to;
}

bool has_word(const char *word)
{
    size_t n = strlen(word);

    for (const char *s = command_line; *s; s++)
        if ((s == command_line || s[-1] == ' ') && (!s[n] || s[n] == ' ')) {
            size_t i = 0;
            while (i < n && s[i] == word[i])
                i++;
            if (i == n)
                return true;
        }
    return false;
}

/* The address of a string is all that the host is given; sixteen bytes at a time, on the stack. */
static void early_put_chars(const char *text, uint32_t n)
{
    for (uint32_t len; n; text += len, n -= len) {
        char scratch[17];
        len = n < sizeof scratch - 1 ? n : sizeof scratch - 1;
        memcpy(scratch, text, len);
        scratch[len] = 0;
        hcall(LHCALL_NOTIFY, pa(scratch), 0, 0);
    }
}

void (*console_write)(const char *text, uint32_t n) = early_put_chars;

static uint32_t put_number(char *to, uint32_t v, uint32_t base)
{
    char digit[10];
    uint32_t n = 0, len = 0;

    do
        digit[n++] = "0123456789abcdef"[v % base];
    while (v /= base);
    while (n)
        to[len++] = digit[--n];
    return len;
}

/* %s, %u, %x */
void printk(const char *fmt, ...)
{
    char line[200];
    uint32_t n = 0;
    va_list ap;

    va_start(ap, fmt);
    for (; *fmt && n < sizeof line - 80; fmt++) {
        if (*fmt != '%') {
            line[n++] = *fmt;
        } else if (*++fmt == 's') {
            for (const char *s = va_arg(ap, const char *); *s && n < sizeof line - 20;)
                line[n++] = *s++;
        } else {
            n += put_number(line + n, va_arg(ap, uint32_t), *fmt == 'x' ? 16 : 10);
        }
    }
    va_end(ap);
    console_write(line, n);
}

void panic(const char *why, const char *file, int line)
{
    static char text[128];
    uint32_t n = 0;

    for (; *file && n < 30; file++)
        text[n++] = *file;
    text[n++] = ':';
    n += put_number(text + n, (uint32_t)line, 10);
    text[n++] = ':';
    text[n++] = ' ';
    for (; *why && n < sizeof text - 1; why++)
        text[n++] = *why;
    for (;;)
        hcall(LHCALL_SHUTDOWN, pa(text), LGUEST_SHUTDOWN_POWEROFF, 0);
}
