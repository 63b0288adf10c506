/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A domain: the door between the CPU's exits and the model, and the end of a guest. Every exit is
 * counted and, where the guest can see it, written to the event stream, here and nowhere else.
 */
#include "domain.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

void domain_emit(struct domain *d, enum event_kind kind, uint32_t a, uint32_t b, uint32_t c,
                 uint32_t e)
{
    struct cpu_here h = cpu_here(d->cpu);

    events_emit_words(d->machine->events, h.now, event_where(h.eip, kind, h.cpl, d->id),
                      a | (uint64_t)b << 32, c | (uint64_t)e << 32);
}

static uint32_t low(uint64_t v)
{
    return (uint32_t)v;
}

static uint32_t high(uint64_t v)
{
    return (uint32_t)(v >> 32);
}

/* What is known before the exit is answered. */
static void emit_before(struct domain *d, const struct cpu_exit *x)
{
    switch (x->kind) {
    case EXIT_FAULT:
        domain_emit(d, EVENT_fault, x->fault.vector, x->fault.error,
                    x->fault.vector == X86_PF ? x->fault.cr2 : 0, 0);
        break;
    case EXIT_SOFTINT:
        domain_emit(d, EVENT_softint, x->softint.vector, cpu_gpr(d->cpu, R_EAX), 0, 0);
        break;
    case EXIT_HLT:
        domain_emit(d, EVENT_hlt, 0, 0, 0, 0);
        break;
    case EXIT_SYSENTER:
        domain_emit(d, EVENT_sysenter, 0, 0, 0, 0);
        break;
    case EXIT_MMIO:
        domain_emit(d, EVENT_hole, low(x->mmio.addr), high(x->mmio.addr), x->mmio.write,
                    x->mmio.size);
        break;
    default:
        break;
    }
}

/* What is known only afterwards: the answers that the guest was given. */
static void emit_after(struct domain *d, const struct cpu_exit *x, enum cpu_act act)
{
    if (act == CPU_FAULT)
        return; /* the exception is an event of its own */
    switch (x->kind) {
    case EXIT_IO:
        domain_emit(d, x->io.in ? EVENT_io_in : EVENT_io_out, x->io.port, x->io.size, x->io.value,
                    0);
        break;
    case EXIT_CPUID:
        domain_emit(d, EVENT_cpuid, x->cpuid.leaf, x->cpuid.subleaf, 0, 0);
        break;
    case EXIT_RDTSC:
        domain_emit(d, EVENT_rdtsc, low(x->rdtsc.value), high(x->rdtsc.value), 0, 0);
        break;
    case EXIT_MSR:
        domain_emit(d, EVENT_msr, x->msr.index, x->msr.write, low(x->msr.value),
                    high(x->msr.value));
        break;
    case EXIT_DR:
        domain_emit(d, EVENT_dr, x->dr.dr, x->dr.write, x->dr.value, 0);
        break;
    default:
        break;
    }
}

/*
 * Must the run loop look around before the next instruction? When the guest is over; when a timer
 * was set to a cycle that this run of the CPU would pass; when an interrupt line rose; when the
 * console has room again for a byte that waits; and when somebody outside wants the machine to stop
 * behind this crossing. All but the last of them follow from what the guest just did,
 * so looking here, at once, is what makes them independent of other reasons to look.
 */
static bool needs_the_loop(struct domain *d)
{
    struct machine *m = d->machine;
    uint64_t now = cpu_now(d->cpu);

    return d->end.kind || m->stop || clock_due_before(&m->clock, m->running_until) ||
           (!d->window_wanted && d->ops->irq_pending(d)) ||
           /* the cheap question first: there is seldom a byte at all */
           (input_next_due(m->input) <= now && machine_input_due(m) <= now);
}

/* A watcher's mark: no model hears of it, and nothing has become due since the last boundary. */
static enum cpu_act show_watcher(struct domain *d, const struct cpu_exit *x)
{
    struct machine *m = d->machine;

    if (!m->watcher.mark || !m->watcher.mark(m->watcher.ctx, d, x))
        return CPU_DONE;
    m->stop = 1;
    return CPU_LEAVE;
}

enum cpu_act domain_exit(void *ctx, struct vcpu *c, struct cpu_exit *x)
{
    struct domain *d = ctx;

    (void)c;
    if (x->kind == EXIT_MARK && x->mark.id & MARK_OF_WATCHER)
        return show_watcher(d, x);
    /* The observer's own marks, and accesses to holes, which the engine tells only some time later,
       are no part of the guest's state. */
    if (x->kind != EXIT_MARK && x->kind != EXIT_MMIO)
        d->state.exits[x->kind]++;
    else
        d->seen[x->kind]++;
    emit_before(d, x);
    /* Whoever is sent to a handler finds a frame on a stack. Nobody was: then this was all. */
    bool tell_back = (x->kind == EXIT_FAULT || x->kind == EXIT_SOFTINT) &&
                     events_wanted(d->machine->events, EV_DETAIL);
    uint32_t esp = tell_back ? cpu_gpr(d->cpu, R_ESP) : 0;
    uint32_t ring = tell_back ? cpu_cpl(d->cpu) : 0;
    enum cpu_act act = d->ops->exit(d, x);
    emit_after(d, x, act);
    if (tell_back && act != CPU_FAULT && !d->end.kind && esp == cpu_gpr(d->cpu, R_ESP) &&
        ring == cpu_cpl(d->cpu))
        domain_emit(d, EVENT_back, 0, 0, 0, 0);
    if (act == CPU_DONE && needs_the_loop(d))
        return CPU_LEAVE;
    return act;
}

/* ---- the end ---- */

static void end(struct domain *d, enum end_kind kind, uint32_t status)
{
    if (d->end.kind)
        return; /* the first reason stands */
    d->end.kind = kind;
    d->end.status = status;
    domain_emit(d, EVENT_power, kind, status, 0, 0);
}

void domain_kill(struct domain *d, const char *fmt, ...)
{
    va_list ap;

    if (d->end.kind)
        return;
    va_start(ap, fmt);
    vsnprintf(d->end.reason, sizeof d->end.reason, fmt, ap);
    va_end(ap);
    end(d, END_DIED, 0);
}

void domain_power_off(struct domain *d, uint32_t status)
{
    end(d, END_POWEROFF, status);
}

void domain_reset(struct domain *d)
{
    end(d, END_RESET, d->state.status);
}

/* ---- talking to the person at the host ---- */

void domain_log_once(struct domain *d, const char *fmt, ...)
{
    struct machine *m = d->machine;
    char text[256];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    for (unsigned i = 0; i < m->logged; i++)
        if (!strcmp(m->log[i], text))
            return;
    if (m->logged == MACHINE_LOG_MAX)
        return;
    m->log[m->logged] = strdup(text);
    if (m->log[m->logged])
        m->logged++;
    if (m->host.log)
        m->host.log(m->host.ctx, text);
}

static void print_code(struct domain *d, FILE *to)
{
    const struct x86_regs *r = cpu_regs(d->cpu);
    uint32_t at = r->seg[S_CS].base + r->eip;
    uint8_t code[64];
    uint32_t n = cpu_fetch(d->cpu, GVA(at), code, sizeof code);

    if (!n)
        fprintf(to, "  %08" PRIx32 "  (not mapped)\n", r->eip);
    for (uint32_t i = 0, shown = 0; i < n && shown < 4; shown++) {
        char text[96];
        uint32_t len = x86_format(code + i, n - i, at + i, true, text, sizeof text);
        if (!len) {
            fprintf(to, "  %08" PRIx32 "  %02x ...  (not an instruction)\n", at + i, code[i]);
            break;
        }
        fprintf(to, "  %08" PRIx32 "  %s\n", at + i, text);
        i += len;
    }
}

static void print_registers(struct domain *d, FILE *to)
{
    const struct x86_regs *r = cpu_regs(d->cpu);
    static const char *const gpr[] = {"eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi"};
    static const char *const seg[] = {"es", "cs", "ss", "ds", "fs", "gs"};

    for (unsigned i = 0; i < 8; i++)
        fprintf(to, "  %s %08" PRIx32 "%s", gpr[i], r->gpr[i], i % 4 == 3 ? "\n" : "");
    fprintf(to, "  eip %08" PRIx32 "  eflags %08" PRIx32 "  ring %" PRIu32 "%s\n", r->eip,
            r->eflags, r->cpl, d->state.halted ? "  halted" : "");
    fprintf(to, "  cr0 %08" PRIx32 "  cr2 %08" PRIx32 "  cr3 %08" PRIx32 "  cr4 %08" PRIx32 "\n",
            r->cr0, r->cr2, r->cr3, r->cr4);
    for (unsigned i = 0; i < S_COUNT; i++)
        fprintf(to, "  %s %04" PRIx32, seg[i], r->seg[i].sel & 0xFFFF);
    fprintf(to,
            "\n  gdt %08" PRIx32 "/%04" PRIx32 "  idt %08" PRIx32 "/%04" PRIx32 "  tr %04" PRIx32
            "  ldt %04" PRIx32 "\n",
            r->gdt.base, r->gdt.limit, r->idt.base, r->idt.limit, r->tr.sel & 0xFFFF,
            r->ldt.sel & 0xFFFF);
}

/* What a kernel does for every line that it prints: look at the clock, feed the UART, or give a
   hypervisor some text. */
static bool is_printing(const struct event *e)
{
    if (e->kind == EVENT_rdtsc || e->kind == EVENT_output)
        return true;
    return (e->kind == EVENT_io_in || e->kind == EVENT_io_out) &&
           pc_is_console_port((uint16_t)e->a[0]);
}

/* Is `e` a step of the crossing that ended with printing at `then`? First the way in, then the call. */
static bool led_to(const struct event *e, const struct event *then)
{
    if (e->eip != then->eip || then->kind == EVENT_rdtsc)
        return false;
    return (e->kind == EVENT_hypercall && then->kind == EVENT_output) ||
           (e->kind == EVENT_softint && then->kind == EVENT_hypercall) ||
           (e->kind == EVENT_fault && then->kind != EVENT_output);
}

/* A guest that dies loudly has filled the recorder's end with its printing: look past that. */
static void print_events(struct domain *d, FILE *to)
{
    enum { LOOK_AT = 4096, SHOW = 24 };
    struct event *recent = calloc(LOOK_AT, sizeof *recent), *kept[SHOW];
    size_t n = recent ? events_recent(d->machine->events, recent, LOOK_AT) : 0, shown = 0;
    const struct event *printing = NULL; /* the one behind this one, if it belongs to printing */

    for (size_t i = n; i > 0 && shown < SHOW; i--) {
        struct event *e = &recent[i - 1];
        printing = is_printing(e) || (printing && led_to(e, printing)) ? e : NULL;
        if (!printing)
            kept[shown++] = e;
    }
    fprintf(to, "last events, newest last, without the console's and the clock's:\n");
    while (shown) {
        char text[160];
        event_format(kept[--shown], text, sizeof text);
        fprintf(to, "  %s\n", text);
    }
    free(recent);
}

void domain_last_words(struct domain *d, FILE *to)
{
    enum { BLOCKS = 8 };
    uint32_t block[BLOCKS];

    fprintf(to, "domain %u at cycle %" PRIu64 ":\n", d->id, cpu_now(d->cpu));
    print_registers(d, to);
    fprintf(to, "code at eip:\n");
    print_code(d, to);
    unsigned n = cpu_recent_blocks(d->cpu, block, BLOCKS);
    fprintf(to, "last blocks entered, newest first:");
    for (unsigned i = 0; i < n; i++)
        fprintf(to, " %08" PRIx32, block[i]);
    fputc('\n', to);
    print_events(d, to);
}
