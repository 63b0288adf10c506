/* SPDX-License-Identifier: GPL-2.0-only */
/* Commands that move the machine, forward and backward. */
#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "hv-models/hv.h"
#include "internal.h"

#define COUNT_MAX 1000000000u

/* "[grain] [N]" of step and its like. */
static bool grain_and_count(const char *args, enum grain *grain, uint64_t *n, struct err *err)
{
    char word[32];

    *n = 1;
    while (shell_word(&args, word, sizeof word)) {
        char *end;
        unsigned long long v = strtoull(word, &end, 0);
        if (!*end && v >= 1 && v <= COUNT_MAX) {
            *n = v;
            continue;
        }
        enum grain g = 0;
        while (g < GRAINS && strncmp(grain_name[g], word, strlen(word)))
            g++;
        if (g == GRAINS)
            return err_set(err, ERR_USAGE, "'%s' is neither a count nor hook, hypercall or exit",
                           word);
        *grain = g;
    }
    return true;
}

static bool again(const struct halt *h)
{
    return h->why == HALT_STEP;
}

static bool step(struct shell *sh, const char *args, enum grain grain, enum reach reach,
                 bool backward, struct err *err)
{
    uint64_t n;
    const struct halt *h;

    if (!grain_and_count(args, &grain, &n, err))
        return false;
    const struct hv_model *model = hv_model(shell_machine(sh)->domain);
    if (grain == GRAIN_HYPERCALL && reach != REACH_OUT && !model->hypercalls)
        return err_set(err, ERR_USAGE, "a guest of model %s makes no hypercalls", model->name);
    do
        h = debug_step(sh->debug, grain, reach, backward);
    while (--n && again(h));
    if (h->why == HALT_NONE && reach == REACH_OUT)
        return err_set(err, ERR_USAGE, "by whom this was called cannot be seen");
    return shell_stopped(sh, h, err);
}

bool do_step(struct shell *sh, const char *args, struct err *err)
{
    return step(sh, args, GRAIN_LINE, REACH_INTO, false, err);
}

bool do_next(struct shell *sh, const char *args, struct err *err)
{
    return step(sh, args, GRAIN_LINE, REACH_OVER, false, err);
}

bool do_finish(struct shell *sh, const char *args, struct err *err)
{
    return step(sh, args, GRAIN_LINE, REACH_OUT, false, err);
}

bool do_stepi(struct shell *sh, const char *args, struct err *err)
{
    return step(sh, args, GRAIN_INSN, REACH_INTO, false, err);
}

bool do_nexti(struct shell *sh, const char *args, struct err *err)
{
    return step(sh, args, GRAIN_INSN, REACH_OVER, false, err);
}

bool do_reverse_step(struct shell *sh, const char *args, struct err *err)
{
    return step(sh, args, GRAIN_LINE, REACH_INTO, true, err);
}

bool do_reverse_next(struct shell *sh, const char *args, struct err *err)
{
    return step(sh, args, GRAIN_LINE, REACH_OVER, true, err);
}

bool do_reverse_stepi(struct shell *sh, const char *args, struct err *err)
{
    return step(sh, args, GRAIN_INSN, REACH_INTO, true, err);
}

bool do_reverse_nexti(struct shell *sh, const char *args, struct err *err)
{
    return step(sh, args, GRAIN_INSN, REACH_OVER, true, err);
}

bool do_reverse_finish(struct shell *sh, const char *args, struct err *err)
{
    return step(sh, args, GRAIN_LINE, REACH_OUT, true, err);
}

bool do_continue(struct shell *sh, const char *args, struct err *err)
{
    const struct halt *was = debug_halt(sh->debug);
    int64_t n = 1;

    if (*args && (!shell_number(sh, args, &n, err) || n < 1))
        return err->text[0] ? false : err_set(err, ERR_USAGE, "a count is at least 1");
    struct stop *s = was->why == HALT_STOP ? debug_stop_number(sh->debug, was->stop) : NULL;
    if (n > 1 && s)
        s->ignore = (uint64_t)n - 1;
    return shell_stopped(sh, debug_continue(sh->debug), err);
}

bool do_start(struct shell *sh, const char *args, struct err *err)
{
    if (*args)
        return err_set(err, ERR_USAGE, "start takes no arguments");
    struct stop *s = stops_parse(sh, "start_kernel", true, err);
    if (!s)
        return false;
    debug_goto_cycle(sh->debug, 0);
    const struct halt *h = debug_seek(sh->debug, s, false);
    debug_stop_delete(sh->debug, s);
    return shell_stopped(sh, h, err);
}

bool do_reverse_continue(struct shell *sh, const char *args, struct err *err)
{
    if (*args)
        return err_set(err, ERR_USAGE, "reverse-continue takes no arguments");
    return shell_stopped(sh, debug_reverse_continue(sh->debug), err);
}

static bool seek(struct shell *sh, const char *args, bool backward, struct err *err)
{
    struct stop *s = stops_parse(sh, args, false, err);

    if (!s)
        return false;
    const struct halt *h = debug_seek(sh->debug, s, backward);
    debug_stop_delete(sh->debug, s);
    return shell_stopped(sh, h, err);
}

bool do_reverse(struct shell *sh, const char *args, struct err *err)
{
    return seek(sh, args, true, err);
}

bool do_forward(struct shell *sh, const char *args, struct err *err)
{
    return seek(sh, args, false, err);
}

/* As `next`, but on through a loop: until a line behind this one, or out of the function. */
static const struct halt *past_this_line(struct shell *sh)
{
    struct x86_regs r = *cpu_regs(shell_machine(sh)->domain->cpu);
    struct source_spot from, now;
    const struct halt *h;

    source_at(sh->debug, r.eip, r.cpl, NULL, &from);
    do {
        h = debug_step(sh->debug, GRAIN_LINE, REACH_OVER, false);
        r = *cpu_regs(shell_machine(sh)->domain->cpu);
        source_at(sh->debug, r.eip, r.cpl, NULL, &now);
    } while (again(h) && from.known && now.known && now.function == from.function &&
             now.line <= from.line && !debug_inside(sh->debug));
    return h;
}

static bool has_returned(void *ctx, struct debug *d, const struct stop *s, const struct event *e)
{
    const uint32_t *esp = ctx;

    (void)s, (void)e;
    return cpu_gpr(debug_machine(d)->domain->cpu, R_ESP) >= *esp;
}

/* Two stops for one time: the place, and where this function returns. Other stops count, too. */
static const struct halt *run_to_place(struct shell *sh, struct stop *place, struct err *err)
{
    uint32_t eip, esp;
    struct stop *caller = NULL;
    struct debug *d = sh->debug;

    if (!debug_inside(d) && source_caller(d, &eip, &esp) &&
        (caller = debug_stop_new(d, STOP_CODE, "", err))) {
        caller->addrs = 1;
        caller->addr[0] = eip;
        caller->test = has_returned;
        caller->test_ctx = &esp;
    }
    place->internal = true;
    if (caller)
        caller->internal = true;
    bool ok = debug_stop_arm(d, place, err) && (!caller || debug_stop_arm(d, caller, err));
    const struct halt *h = ok ? debug_continue(d) : NULL;
    debug_stop_delete(d, place);
    if (caller)
        debug_stop_delete(d, caller);
    return h;
}

bool do_until(struct shell *sh, const char *args, struct err *err)
{
    if (!*args)
        return shell_stopped(sh, past_this_line(sh), err);
    struct stop *s = stops_parse(sh, args, true, err);
    const struct halt *h = s ? run_to_place(sh, s, err) : NULL;
    return h && shell_stopped(sh, h, err);
}

bool do_advance(struct shell *sh, const char *args, struct err *err)
{
    return *args ? do_until(sh, args, err) : err_set(err, ERR_USAGE, "advance where?");
}

bool do_run(struct shell *sh, const char *args, struct err *err)
{
    if (*args)
        return err_set(err, ERR_USAGE,
                       "run takes no arguments: what runs was said when the debugger was started");
    debug_goto_cycle(sh->debug, 0);
    return shell_stopped(sh, debug_continue(sh->debug), err);
}

/* "20M", "1_000_000", "3G". */
bool shell_cycles(const char *text, uint64_t *out)
{
    uint64_t n = 0;
    const char *s = text;

    if (!isdigit((unsigned char)*s))
        return false;
    for (; isdigit((unsigned char)*s) || *s == '_' || *s == ','; s++)
        if (isdigit((unsigned char)*s) && (__builtin_mul_overflow(n, 10u, &n) ||
                                           __builtin_add_overflow(n, (uint64_t)(*s - '0'), &n)))
            return false;
    uint64_t unit = *s == 'k' ? 1000 : *s == 'M' ? 1000000 : *s == 'G' ? 1000000000 : 1;
    s += unit > 1;
    *out = n;
    return !*s && !__builtin_mul_overflow(n, unit, out);
}

bool do_goto(struct shell *sh, const char *args, struct err *err)
{
    uint64_t now = machine_now(shell_machine(sh)), n;
    char sign = *args == '+' || *args == '-' ? *args : '\0';

    if (!strcmp(args, "end"))
        return shell_stopped(sh, debug_goto(sh->debug, debug_frontier(sh->debug)), err);
    if (!strcmp(args, "start"))
        return shell_stopped(sh, debug_goto_cycle(sh->debug, 0), err);
    if (!shell_cycles(args + (sign != '\0'), &n))
        return err_set(
            err, ERR_USAGE,
            "goto which cycle? 20M is 20 million, +N and -N are from here, also start, end");
    if (sign == '+')
        n = now + n < now ? UINT64_MAX : now + n;
    else if (sign)
        n = n < now ? now - n : 0;
    return shell_stopped(sh, debug_goto_cycle(sh->debug, n), err);
}

bool do_interrupt(struct shell *sh, const char *args, struct err *err)
{
    (void)args, (void)err;
    shell_interrupt(sh);
    return true;
}

bool do_quit(struct shell *sh, const char *args, struct err *err)
{
    int64_t status = 0;

    if (*args && !shell_number(sh, args, &status, err))
        return false;
    sh->quit = true;
    sh->status = (int)(status & 255);
    return true;
}
