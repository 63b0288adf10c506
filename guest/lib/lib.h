/* SPDX-License-Identifier: GPL-2.0-only */
/* The C library of the kernel: strings, formatting, errors, and the last words of panic(). */
#ifndef LIB_LIB_H
#define LIB_LIB_H

#include <stdarg.h>

#include "errno.h"
#include "list.h"
#include "types.h"

void *memcpy(void *restrict to, const void *restrict from, size_t n);
void *memmove(void *to, const void *from, size_t n);
void *memset(void *to, int c, size_t n);
int memcmp(const void *a, const void *b, size_t n);
void *memchr(const void *s, int c, size_t n);
size_t strlen(const char *s);
size_t strnlen(const char *s, size_t max);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t n);
char *strchr(const char *s, int c);
char *strrchr(const char *s, int c);
char *strstr(const char *s, const char *what);
size_t strlcpy(char *to, const char *from, size_t size);

/* printf's %d %u %x %p %s %c %lld %llu %llx %%, with width, 0 and -; always terminates.
   Returns the length that the whole text would have. */
int snprintf(char *buf, size_t size, const char *fmt, ...) __printf(3, 4);
int vsnprintf(char *buf, size_t size, const char *fmt, va_list ap);

/* Kernel log: to the ring that dmesg reads, and to the console unless "quiet" was given. */
void printk(const char *fmt, ...) __printf(1, 2);

/* Print registers and a symbolised backtrace, report status 70 to the machine, power off. */
void panic(const char *fmt, ...) __printf(1, 2) __noreturn;

#define ASSERT(x)                                                                                  \
    do {                                                                                           \
        if (!(x))                                                                                  \
            panic("%s:%d: %s does not hold", __FILE__, __LINE__, #x);                              \
    } while (0)

/* Errors inside pointers, as Linux does: the top 4095 addresses are errno values. */
#define MAX_ERRNO 4095
static inline void *ERR_PTR(long e)
{
    return (void *)e;
}
static inline long PTR_ERR(const void *p)
{
    return (long)p;
}
static inline bool IS_ERR(const void *p)
{
    return (unsigned long)p >= (unsigned long)-MAX_ERRNO;
}

#endif
