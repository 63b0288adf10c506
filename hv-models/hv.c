/* SPDX-License-Identifier: GPL-2.0-only */
/* Between the machine and a model's table: who runs the domain, and what NULL means. */
#include "hv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "emu/board.h"
#include "emu/guard.h"
#include "emu/suggest.h"
#include "lguest/lguest.h"
#include "native/native.h"

static const struct hv_model *const models[] = {&native_model, &lguest_model, NULL};

const struct hv_model *const *hv_models(void)
{
    return models;
}

#define HV_MAX_COSTS 32

/* What domain.model points to. */
struct hv {
    const struct hv_model *model;
    const char *variant;
    uint32_t cost[HV_MAX_COSTS];    /* the table's figures, or --cost's */
    uint64_t charged[HV_MAX_COSTS]; /* how often; for statistics, no part of the guest's state */
    void *state;
};

static struct hv *hv_of(const struct domain *d)
{
    return d->model;
}

void *hv_state(struct domain *d)
{
    return hv_of(d)->state;
}

const struct hv_model *hv_model(const struct domain *d)
{
    return hv_of(d)->model;
}

const char *hv_variant(const struct domain *d)
{
    return hv_of(d)->variant;
}

void hv_cost_times(struct domain *d, unsigned index, uint32_t times)
{
    uint64_t cycles = (uint64_t)hv_of(d)->cost[index] * times;
    hv_of(d)->charged[index] += times;
    if (cycles)
        cpu_charge(d->cpu, cycles);
}

void hv_cost(struct domain *d, unsigned index)
{
    hv_cost_times(d, index, 1);
}

uint64_t hv_cost_charged(const struct domain *d, unsigned index, uint32_t *cycles)
{
    *cycles = hv_of(d)->cost[index];
    return hv_of(d)->charged[index];
}

bool hv_set_cost(struct domain *d, const char *name, uint32_t cycles, struct err *err)
{
    const struct hv_cost *c = hv_of(d)->model->costs;
    for (unsigned i = 0; c && c[i].name; i++)
        if (!strcmp(c[i].name, name)) {
            hv_of(d)->cost[i] = cycles;
            return true;
        }
    return err_set(err, ERR_USAGE, "model %s has no cost named '%s'", hv_of(d)->model->name, name);
}

/* ---- stages ---- */

extern const struct hv_stage_site __start_hv_stages[], __stop_hv_stages[];

void hv_stage_at(struct domain *d, const struct hv_stage_site *site, uint32_t a, uint32_t b)
{
    if (!events_wanted(d->machine->events, EV_DETAIL))
        return;
    domain_emit(d, EVENT_stage, (uint32_t)(site - __start_hv_stages), a, b, 0);
}

const struct hv_stage_site *hv_stage_site(uint32_t number)
{
    return number < (uint32_t)(__stop_hv_stages - __start_hv_stages) ? &__start_hv_stages[number]
                                                                     : NULL;
}

/* ---- what the machine asks of a model ---- */

static enum cpu_act answer_exit(struct domain *d, struct cpu_exit *x)
{
    const struct hv_model *m = hv_of(d)->model;
    enum hv_act act = m->exit[x->kind] ? m->exit[x->kind](d, x) : HV_DEFAULT;

    switch (act) {
    case HV_RESUME:
        return CPU_DONE;
    case HV_FAULT:
        return CPU_FAULT;
    case HV_STOP:
        return CPU_LEAVE;
    case HV_KILL:
        return CPU_LEAVE;
    case HV_DEFAULT:
        break;
    }
    return board_exit(d, x);
}

static bool irq_pending(struct domain *d)
{
    const struct hv_model *m = hv_of(d)->model;
    return m->irq_pending && m->irq_pending(d);
}

static bool interruptible(struct domain *d)
{
    const struct hv_model *m = hv_of(d)->model;
    return m->interruptible ? m->interruptible(d) : cpu_interruptible(d->cpu);
}

static void interrupt(struct domain *d)
{
    hv_of(d)->model->interrupt(d);
}

static bool wakeable(struct domain *d)
{
    const struct hv_model *m = hv_of(d)->model;
    return !m->wakeable || m->wakeable(d);
}

bool hv_serial_ready(struct domain *d, bool patient)
{
    /* A person may type whenever there is room; a pipe is patient and waits to be asked. */
    return pc_console_can_receive(d->pc) && (!patient || pc_console_wants(d->pc));
}

void hv_serial_receive(struct domain *d, uint8_t byte)
{
    pc_console_receive(d->pc, byte);
}

static bool console_ready(struct domain *d)
{
    const struct hv_model *m = hv_of(d)->model;
    bool patient = input_is_patient(d->machine->input);
    return m->console_ready ? m->console_ready(d, patient) : hv_serial_ready(d, patient);
}

static void console_receive(struct domain *d, uint8_t byte)
{
    const struct hv_model *m = hv_of(d)->model;
    if (m->console_receive)
        m->console_receive(d, byte);
    else
        hv_serial_receive(d, byte);
}

static const struct domain_ops ops = {
    .exit = answer_exit,
    .irq_pending = irq_pending,
    .interruptible = interruptible,
    .interrupt = interrupt,
    .wakeable = wakeable,
    .console_ready = console_ready,
    .console_receive = console_receive,
};

/* ---- finding a model by name ---- */

static bool find_variant(const struct hv_model *m, const char *want, const char **variant,
                         struct err *err)
{
    struct suggestion near = {.typed = want};
    for (const char *const *v = m->variants; v && *v; v++) {
        if (!strcmp(*v, want)) {
            *variant = *v;
            return true;
        }
        suggest_offer(&near, *v);
    }
    return err_set(err, ERR_USAGE, "model %s has no variant '%s'%s%s%s", m->name, want,
                   near.best ? "; did you mean '" : "", near.best ? near.best : "",
                   near.best ? "'?" : "");
}

bool hv_find(const char *spec, const struct hv_model **model, const char **variant, struct err *err)
{
    size_t n = strcspn(spec, ":");
    char name[33] = "";
    struct suggestion near = {.typed = name};

    if (n == 0 || n >= sizeof name)
        return err_set(err, ERR_USAGE, "'%s' is not the name of a model", spec);
    memcpy(name, spec, n);
    for (const struct hv_model *const *m = models; *m; m++) {
        if (!strcmp((*m)->name, name)) {
            *model = *m;
            if (spec[n])
                return find_variant(*m, spec + n + 1, variant, err);
            *variant = (*m)->variants ? (*m)->variants[0] : "";
            return true;
        }
        suggest_offer(&near, (*m)->name);
    }
    return err_set(err, ERR_USAGE, "there is no model named '%s'%s%s%s", name,
                   near.best ? "; did you mean '" : "", near.best ? near.best : "",
                   near.best ? "'?" : "");
}

/* ---- a domain under a model ---- */

/* Which models would take them? */
bool hv_refuse_disks(const struct hv_model *model, struct err *err)
{
    char names[128] = "";

    for (const struct hv_model *const *m = models; *m; m++) {
        size_t n = strlen(names);
        if ((*m)->devices & HV_DEV_DISK)
            snprintf(names + n, sizeof names - n, "%s%s", n ? ", " : "", (*m)->name);
    }
    return err_set(err, ERR_USAGE, "model %s has no disk; --disk works with: %s", model->name,
                   names);
}

bool hv_attach(struct machine *m, const struct hv_model *model, const char *variant,
               const struct boot_request *rq, struct err *err)
{
    struct domain *d = m->domain;
    struct hv *hv;

    if (disks_count(d->disks) && !(model->devices & HV_DEV_DISK))
        return hv_refuse_disks(model, err);
    if (model->abi != HV_MODEL_ABI)
        return err_set(err, ERR_FILE, "model %s speaks interface %u, this is %u", model->name,
                       model->abi, HV_MODEL_ABI);
    hv = calloc(1, sizeof *hv);
    if (!hv)
        return err_set(err, ERR_SYSTEM, "out of memory");
    hv->model = model;
    hv->variant = variant;
    for (unsigned i = 0; model->costs && model->costs[i].name && i < HV_MAX_COSTS; i++)
        hv->cost[i] = model->costs[i].cycles;
    if (model->state_size) {
        /* Tables that models index with numbers of the guest's. */
        hv->state = guard_alloc(model->state_size, "the model's state");
        if (!hv->state) {
            free(hv);
            return err_set(err, ERR_SYSTEM, "out of memory");
        }
        state_block(&m->state, hv->state, model->state_size, "model");
    }
    d->model = hv;
    d->ops = &ops;
    if (model->attach)
        model->attach(d);
    /* A machine that is about to be restored from a file has no guest to build. */
    return !rq || model->build(d, rq, err);
}

void hv_detach(struct machine *m)
{
    struct hv *hv = m->domain ? m->domain->model : NULL;
    if (!hv)
        return;
    guard_free(hv->state);
    free(hv);
    m->domain->model = NULL;
}
