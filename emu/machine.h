/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The machine: clock, event stream, console input, frames, and a domain. The domain: one guest,
 * its virtual CPU, its board of devices, and the operations by which a hypervisor model runs it.
 * Nothing is global: two machines can live in one process.
 *
 * The machine knows no model. What it asks of one is struct domain_ops, which hv-models/hv.c
 * fills from a model's table.
 */
#ifndef EMU_MACHINE_H
#define EMU_MACHINE_H

#include <stdio.h>

#include "clock.h"
#include "cpu/cpu.h"
#include "dev/disk.h"
#include "dev/pc.h"
#include "events.h"
#include "input.h"
#include "mem.h"
#include "parts.h"
#include "state.h"

#define MACHINE_LOG_MAX     64
#define MACHINE_DEFAULT_MEM (64ull << 20)
#define MACHINE_DEFAULT_RTC 1136073600 /* 2006-01-01 00:00:00 UTC: the year of the agreement */

struct machine_config {
    uint64_t mem_bytes;
    uint64_t disk_bytes[DISKS_MAX]; /* 0: no more disks */
    uint64_t seed;
    int64_t rtc_epoch;   /* what the CMOS clock shows at cycle 0, seconds since 1970 */
    uint64_t max_cycles; /* 0: no limit */
    bool pure;           /* no extension that real hardware does not have */
};

/* How a run ended. */
enum end_kind {
    END_NONE,       /* it has not: `until` was reached, or it was stopped from outside */
    END_POWEROFF,   /* the guest turned the power off; status is its own */
    END_RESET,      /* the guest pulsed the reset line */
    END_DIED,       /* domain_kill(): reason says why */
    END_MAX_CYCLES, /* the configured limit; never in domain.end, the guest could go on */
};

/* Flat; registered as the block "end". */
struct end {
    uint32_t kind; /* enum end_kind */
    uint32_t status;
    char reason[256];
};

struct domain;

/* What the machine asks of the model that runs a domain. */
struct domain_ops {
    enum cpu_act (*exit)(struct domain *d, struct cpu_exit *x);
    bool (*irq_pending)(struct domain *d);   /* is a virtual interrupt waiting? */
    bool (*interruptible)(struct domain *d); /* may it be delivered at this boundary? */
    void (*interrupt)(struct domain *d);     /* deliver it */
    bool (*wakeable)(struct domain *d);      /* halted: could an interrupt wake it? NULL: yes */
    bool (*console_ready)(struct domain *d); /* can the console take a byte? */
    void (*console_receive)(struct domain *d, uint8_t byte);
};

/* Flat; registered as the block "domain". */
struct domain_state {
    uint32_t halted; /* HLT: nothing runs until an interrupt */
    uint32_t status; /* latched by the status port */
    uint64_t exits[EXIT_KINDS];
    uint64_t irqs;
    uint64_t idle_cycles;
    uint64_t tsc_offset; /* WRMSR of the TSC */
};

struct domain {
    struct machine *machine;
    unsigned id;
    struct mem *mem;
    struct vcpu *cpu;
    struct pc *pc;
    struct disks *disks; /* NULL: it has none */
    struct domain_state state;
    struct end end;
    uint64_t seen[EXIT_KINDS]; /* exits that are not part of the state: marks, holes */
    bool window_wanted; /* the CPU has been asked to say when an interrupt can be taken */
    const struct domain_ops *ops;
    void *model; /* hv-models/hv.c's: model table and model state */
};

/* The world outside, as far as the machine needs it; any function may be NULL. */
struct machine_host {
    void (*console)(void *ctx, const uint8_t *bytes, size_t n);
    void (*log)(void *ctx, const char *line); /* what a person should hear about once */
    /* The guest idles for ns of virtual time. An interactive front end waits for that long or
       until somebody types, and returns how much of it passed; NULL: it passes at once. */
    uint64_t (*idle)(void *ctx, uint64_t ns);
    /* Called every few milliseconds of virtual time: look for typed bytes. */
    void (*look)(void *ctx);
    void *ctx;
};

/*
 * Somebody who watches from outside: a tracer, a debugger. Asked at each mark whose id has the bit
 * MARK_OF_WATCHER (a model's own marks have it clear), before the marked instruction runs. It looks
 * and changes nothing; answering true stops the run right there, with END_NONE.
 */
#define MARK_OF_WATCHER 0x80000000u
struct machine_watcher {
    bool (*mark)(void *ctx, struct domain *d, const struct cpu_exit *x);
    void *ctx;
};

struct machine {
    struct machine_config config;
    struct machine_host host;
    struct machine_watcher watcher;
    struct clock clock;
    struct state state;
    struct events *events;
    struct input *input;
    struct domain *domain;
    uint64_t running_until;     /* what cpu_run() was last told */
    uint64_t input_taken_at;    /* the last cycle whose console input has been delivered */
    volatile int stop;          /* machine_stop() */
    char *log[MACHINE_LOG_MAX]; /* what has been said once */
    unsigned logged;
};

struct machine *machine_new(const struct machine_config *cfg, const struct machine_host *host,
                            struct err *err);
void machine_free(struct machine *m);

/*
 * Run until the cycle `until`, an end, or machine_stop(). Exact: the machine is then in the state
 * in which every run of the same guest is at that cycle, however it was stopped and continued.
 */
enum end_kind machine_run(struct machine *m, uint64_t until);
/* Make machine_run return soon with END_NONE; safe in a signal handler. */
void machine_stop(struct machine *m);
uint64_t machine_now(const struct machine *m);

/* What snapshots, digests, saved files and recordings work on. */
struct machine_parts machine_parts(struct machine *m);
/* To be called after a snapshot or a saved machine has been restored into m's parts. */
void machine_restored(struct machine *m);

/* ---- for models ---- */

/* The guest can not go on: remember the first reason, end the run. */
void domain_kill(struct domain *d, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void domain_power_off(struct domain *d, uint32_t status);
void domain_reset(struct domain *d);
void domain_emit(struct domain *d, enum event_kind kind, uint32_t a, uint32_t b, uint32_t c,
                 uint32_t e);
/* Tell the person at the host, once for each text. */
void domain_log_once(struct domain *d, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Registers, the code at EIP, the last blocks and the last events: a dead domain's last words. */
void domain_last_words(struct domain *d, FILE *to);

#endif
