/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The frame of a tiny test kernel, after the idea of the Xen Test Framework.
 *
 * A test defines test_title and test_main(). The frame gives it a stack, a serial line, segments, an
 * IDT in which every fault is reported, and four possible results; the worst that was said wins, and
 * a test that merely returns has succeeded:
 *
 *     success   the subject does what the manual says
 *     skip      this machine lacks what the test is about; the reason is printed
 *     error     the test's own fault: it could not find out
 *     failure   the subject's fault
 *
 * The result is printed ("Test result: SUCCESS") and becomes the status of the run. The statuses
 * keep clear of 1 and 2, which shells and crashed programs use for themselves.
 */
#ifndef TESTS_GUEST_TEST_H
#define TESTS_GUEST_TEST_H

#include "cpu.h"

enum test_result { TEST_SUCCESS = 0, TEST_SKIP = 3, TEST_ERROR = 4, TEST_FAILURE = 5 };

/* ---- what a test defines ---- */

extern const char test_title[];
void test_main(void);

/* ---- what it says ---- */

/* %u %d %x %08x %s %c %%, and %llx for 64 bits; straight to COM1. */
void printk(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

void test_skip(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void test_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void test_failure(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* Print the result and turn the power off. */
_Noreturn void test_end(void);
/* Turn the power off with this status and without a word. */
_Noreturn void power_off(uint8_t status);

/* Failure, with file, line and values, unless the condition holds; goes on in both cases. */
#define check(condition, ...) \
    ((condition) ? (void)0 : test_failure_at(__FILE__, __LINE__, #condition, "" __VA_ARGS__))
/* Failure unless two numbers are equal. */
#define check_eq(value, expected) \
    test_equal_at(__FILE__, __LINE__, #value, (uint32_t)(value), (uint32_t)(expected))

void test_failure_at(const char *file, unsigned line, const char *what, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
void test_equal_at(const char *file, unsigned line, const char *what, uint32_t value,
                   uint32_t expected);

/* ---- where it is ---- */

/* The last word of the command line. */
const char *test_command_word(void);
/* Is the machine Ringside (the status port answers), or somebody else's PC? */
bool on_ringside(void);

/* ---- what the compiler may call ---- */

void *memcpy(void *to, const void *from, size_t n);
void *memset(void *to, int byte, size_t n);
int memcmp(const void *a, const void *b, size_t n);
int strcmp(const char *a, const char *b);

#define PAGE_SIZE     4096u
#define PAGE_ALIGNED  __attribute__((aligned(PAGE_SIZE), section(".bss.page_aligned")))
#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

#endif
