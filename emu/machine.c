/* SPDX-License-Identifier: GPL-2.0-only */
/* Putting a machine together, and taking it apart. The order of the state blocks is the order of
   the calls in machine_new(). */
#include "machine.h"

#include <stdlib.h>

#include "abi/ringside_ports.h"
#include "domain.h"

/* ---- what the board tells us ---- */

static uint64_t on_now(void *ctx)
{
    struct domain *d = ctx;
    return cpu_now(d->cpu);
}

static void on_console(void *ctx, const uint8_t *bytes, size_t n)
{
    struct machine *m = ((struct domain *)ctx)->machine;
    if (m->host.console)
        m->host.console(m->host.ctx, bytes, n);
}

static void on_status(void *ctx, uint32_t status)
{
    struct domain *d = ctx;
    d->state.status = status;
    domain_emit(d, EVENT_status, status, 0, 0, 0);
}

static void on_power(void *ctx, enum pc_power what)
{
    struct domain *d = ctx;
    switch (what) {
    case PC_POWER_OFF: domain_power_off(d, d->state.status); break;
    case PC_RESET: domain_reset(d); break;
    case PC_PANICKED: domain_kill(d, "kernel panic (the console says why)"); break;
    }
}

static void on_unknown_port(void *ctx, uint16_t port, bool write)
{
    domain_log_once(ctx, "port %#06x: nobody answers (first %s; reads give all ones)", port,
                    write ? "written" : "read");
}

/* ---- life ---- */

static struct domain *domain_new(struct machine *m, struct err *err)
{
    struct domain *d = calloc(1, sizeof *d);
    if (!d) {
        err_set(err, ERR_SYSTEM, "out of memory");
        return NULL;
    }
    m->domain = d;
    d->machine = m;
    state_block(&m->state, &d->state, sizeof d->state, "domain");
    state_block(&m->state, &d->end, sizeof d->end, "end");
    d->mem = mem_new(m->config.mem_bytes, err);
    if (!d->mem)
        return NULL;
    if (m->config.disk_bytes[0]) {
        d->disks = disks_new(m->config.disk_bytes, err);
        if (!d->disks)
            return NULL;
    }
    struct cpu_host host = {.exit = domain_exit, .ctx = d};
    d->cpu = cpu_new(d->mem, &host, err);
    if (!d->cpu)
        return NULL;
    struct pc_config pc = {
        .clock = &m->clock,
        .state = &m->state,
        .mem_bytes = m->config.mem_bytes,
        .rtc_epoch = m->config.rtc_epoch,
        .extension = !m->config.pure,
        .now = on_now,
        .console = on_console,
        .status = on_status,
        .power = on_power,
        .unknown_port = on_unknown_port,
        .ctx = d,
    };
    d->pc = pc_new(&pc, err);
    return d->pc ? d : NULL;
}

static void domain_free(struct domain *d)
{
    if (!d)
        return;
    pc_free(d->pc);
    cpu_free(d->cpu);
    disks_free(d->disks);
    mem_free(d->mem);
    free(d);
}

struct machine *machine_new(const struct machine_config *cfg, const struct machine_host *host,
                            struct err *err)
{
    struct machine *m = calloc(1, sizeof *m);
    if (!m) {
        err_set(err, ERR_SYSTEM, "out of memory");
        return NULL;
    }
    m->config = *cfg;
    m->input_taken_at = CLOCK_NEVER;
    if (host)
        m->host = *host;
    m->events = events_new();
    m->input = input_new(&m->state);
    if (!m->events || !m->input) {
        err_set(err, ERR_SYSTEM, "out of memory");
        machine_free(m);
        return NULL;
    }
    if (!domain_new(m, err)) {
        machine_free(m);
        return NULL;
    }
    return m;
}

void machine_free(struct machine *m)
{
    if (!m)
        return;
    domain_free(m->domain);
    input_free(m->input);
    events_free(m->events);
    for (unsigned i = 0; i < m->logged; i++)
        free(m->log[i]);
    free(m);
}

void machine_stop(struct machine *m)
{
    m->stop = 1;
    cpu_kick(m->domain->cpu);
}

uint64_t machine_now(const struct machine *m)
{
    return cpu_now(m->domain->cpu);
}

uint64_t machine_input_due(const struct machine *m)
{
    struct domain *d = m->domain;
    return d->ops->console_ready(d) ? input_next_due(m->input) : CLOCK_NEVER;
}

struct machine_parts machine_parts(struct machine *m)
{
    return (struct machine_parts){
        .state = &m->state,
        .mem = m->domain->mem,
        .disks = disks_mem(m->domain->disks),
        .cpu = m->domain->cpu,
        .events = m->events,
        .input = m->input,
    };
}

void machine_restored(struct machine *m)
{
    /* State N is the state after everything that belongs to N, its input included. */
    m->input_taken_at = machine_now(m);
    m->domain->window_wanted = false;
}
