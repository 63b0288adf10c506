/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ucontext makes the fiber: a stack with a guard page below it, and the first switch to it. All others
 * are a setjmp here and a longjmp there, which leave the signal mask alone: that is two system calls
 * less, and somebody who steps switches twice for every instruction. AddressSanitizer wants a word
 * about each switch, and cannot have it from a longjmp; for it ucontext's switch serves throughout.
 */
#include "fiber.h"

#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <ucontext.h>

#if defined(__SANITIZE_ADDRESS__)
#define WITH_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WITH_ASAN 1
#endif
#endif
#ifdef WITH_ASAN
#include <sanitizer/common_interface_defs.h>
#endif

#define STACK_BYTES (8u << 20)
#define GUARD_BYTES (64u << 10)

struct fiber {
    ucontext_t inside, outside;
    jmp_buf inside_at, outside_at;
    bool begun;
    void (*fn)(void *ctx);
    void *ctx;
    uint8_t *map;
#ifdef WITH_ASAN
    const void *outside_stack; /* what it wants to be told again */
    size_t outside_size;
    void *inside_fake, *outside_fake;
#endif
};

/* makecontext() passes ints; a pointer is two of them. */
static void begin(unsigned high, unsigned low)
{
    struct fiber *f = (struct fiber *)((uintptr_t)high << 32 | low);

#ifdef WITH_ASAN
    __sanitizer_finish_switch_fiber(NULL, &f->outside_stack, &f->outside_size);
#endif
    f->fn(f->ctx);
    abort(); /* it was to run for ever */
}

/* getcontext() returns a second time if ever entered, which it is not: begin() is. */
static __attribute__((noinline)) void prepare(struct fiber *const f)
{
    getcontext(&f->inside);
    f->inside.uc_stack.ss_sp = f->map + GUARD_BYTES;
    f->inside.uc_stack.ss_size = STACK_BYTES;
    makecontext(&f->inside, (void (*)(void))begin, 2, (unsigned)((uintptr_t)f >> 32),
                (unsigned)(uintptr_t)f);
}

struct fiber *fiber_new(void (*fn)(void *ctx), void *ctx, struct err *err)
{
    struct fiber *f = calloc(1, sizeof *f);

    if (!f) {
        err_set(err, ERR_SYSTEM, "out of memory");
        return NULL;
    }
    f->map = mmap(NULL, STACK_BYTES + GUARD_BYTES, PROT_NONE,
                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
    if (f->map == MAP_FAILED ||
        mprotect(f->map + GUARD_BYTES, STACK_BYTES, PROT_READ | PROT_WRITE)) {
        err_set(err, ERR_SYSTEM, "no memory for the machine's stack");
        if (f->map != MAP_FAILED)
            munmap(f->map, STACK_BYTES + GUARD_BYTES);
        free(f);
        return NULL;
    }
    f->fn = fn;
    f->ctx = ctx;
    prepare(f);
    return f;
}

void fiber_free(struct fiber *f)
{
    if (!f)
        return;
    munmap(f->map, STACK_BYTES + GUARD_BYTES);
    free(f);
}

#ifdef WITH_ASAN

void fiber_enter(struct fiber *f)
{
    __sanitizer_start_switch_fiber(&f->outside_fake, f->map + GUARD_BYTES, STACK_BYTES);
    swapcontext(&f->outside, &f->inside);
    __sanitizer_finish_switch_fiber(f->outside_fake, NULL, NULL);
}

void fiber_leave(struct fiber *f)
{
    __sanitizer_start_switch_fiber(&f->inside_fake, f->outside_stack, f->outside_size);
    swapcontext(&f->inside, &f->outside);
    __sanitizer_finish_switch_fiber(f->inside_fake, &f->outside_stack, &f->outside_size);
}

#else

void fiber_enter(struct fiber *f)
{
    if (_setjmp(f->outside_at))
        return;
    if (f->begun)
        _longjmp(f->inside_at, 1);
    f->begun = true;
    setcontext(&f->inside);
    abort(); /* it does not return */
}

void fiber_leave(struct fiber *f)
{
    if (!_setjmp(f->inside_at))
        _longjmp(f->outside_at, 1);
}

#endif
