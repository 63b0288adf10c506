/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A machine without an engine: real frames, blocks, events and input, and a "CPU" that is nothing
 * but its state. What snapshots, digests and files do with a machine is tested on this one, in
 * microseconds; that real guests go on from a snapshot is tested with real guests.
 */
#ifndef TESTS_UNIT_FAKE_MACHINE_H
#define TESTS_UNIT_FAKE_MACHINE_H

#include "unit.h"

#include <signal.h>

#include "digest.h"
#include "parts.h"

struct vcpu {
    struct cpu_state s;
};

void cpu_state_get(struct vcpu *c, struct cpu_state *out)
{
    *out = c->s;
}

void cpu_state_set(struct vcpu *c, const struct cpu_state *in)
{
    c->s = *in;
}

uint64_t cpu_now(const struct vcpu *c)
{
    return c->s.now;
}

const char *cpu_engine_version(void)
{
    return "of no engine";
}

struct fake {
    struct machine_parts parts;
    struct state state;
    struct vcpu cpu;
    struct {
        uint32_t a[5];
    } timer;
    struct {
        uint8_t b[300];
    } disk;
};

/* cmocka sets a SIGSEGV handler of its own before every test. Frames need theirs (emu/guard.c), which
   the first machine of the process has installed: put it back. */
static inline void fake_keep_handler(void)
{
    static struct sigaction ours;

    if (ours.sa_sigaction)
        sigaction(SIGSEGV, &ours, NULL);
    else
        sigaction(SIGSEGV, NULL, &ours);
}

static inline struct fake *fake_new(uint64_t ram)
{
    struct fake *f = calloc(1, sizeof *f);

    assert_non_null(f);
    state_block(&f->state, &f->timer, sizeof f->timer, "timer");
    state_block(&f->state, &f->disk, sizeof f->disk, "disk");
    f->parts = (struct machine_parts){
        .state = &f->state,
        .mem = mem_new(ram, NULL),
        .cpu = &f->cpu,
        .events = events_new(),
        .input = input_new(&f->state),
    };
    assert_non_null(f->parts.mem);
    fake_keep_handler();
    return f;
}

static inline void fake_free(struct fake *f)
{
    input_free(f->parts.input);
    events_free(f->parts.events);
    mem_free(f->parts.mem);
    free(f);
}

static inline uint8_t *fake_ram(struct fake *f, uint64_t at)
{
    uint8_t *p = mem_span(f->parts.mem, MADDR(at), 1);

    assert_non_null(p);
    return p;
}

static inline void fake_event(struct fake *f, uint32_t value)
{
    struct event e = {.kind = EVENT_io_out, .cycle = f->cpu.s.now, .a = {0x3F8, 1, value}};

    events_emit(f->parts.events, &e);
}

/* Some work: everything that can change does, in a way that depends on seed alone. */
static inline void fake_work(struct fake *f, uint32_t seed)
{
    uint64_t frames = mem_frames(f->parts.mem);
    uint32_t x = seed * 2654435761u + 1;

    for (unsigned i = 0; i < 40; i++) {
        x = x * 1664525u + 1013904223u;
        uint64_t frame = (x >> 8) % frames;
        if (!mem_is_ram(f->parts.mem, frame))
            continue;
        /* Now and then a whole page becomes zero again. */
        if (x % 7 == 0)
            memset(mem_span(f->parts.mem, MADDR(frame << PAGE_SHIFT), PAGE_SIZE), 0, PAGE_SIZE);
        else
            *fake_ram(f, frame << PAGE_SHIFT | (x >> 20)) = (uint8_t)x;
    }
    f->timer.a[x % 5] = x;
    f->disk.b[x % 300] ^= 0x55;
    f->cpu.s.regs.gpr[x % 8] = x;
    f->cpu.s.fxsave[x % 512] ^= 1;
    f->cpu.s.now += 1000 + x % 1000;
    f->cpu.s.instructions += 900;
    fake_event(f, x);
}

static inline void assert_same_digest(struct digest a, struct digest b)
{
    assert_true(digest_equal(a, b));
}

static inline void assert_other_digest(struct digest a, struct digest b)
{
    assert_false(digest_equal(a, b));
}

#endif
