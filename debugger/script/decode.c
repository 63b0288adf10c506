/* SPDX-License-Identifier: GPL-2.0-only */
/* What an event calls, and with which arguments, by the catalogues of hooks, hypercalls and system calls. */
#include <stdlib.h>
#include <string.h>

#include "debugger/syscalls.h"
#include "hv-models/hv.h"
#include "internal.h"

static void add(struct callee *c, const char *name, size_t length, unsigned words, const char *kind,
                size_t kind_length)
{
    if (c->arguments == ARGUMENTS_MAX || c->words + words > WORDS_MAX)
        return;
    struct argument *a = &c->argument[c->arguments++];
    snprintf(a->name, sizeof a->name, "%.*s", (int)length, name);
    a->word = (uint8_t)c->words;
    a->words = (uint8_t)words;
    a->negative = kind_length == 3 && !memcmp(kind, "int", 3);
    a->text = kind_length == 3 && !memcmp(kind, "str", 3);
    c->words += words;
}

static void read_hooks(struct script *s)
{
    for (unsigned i = 0; i < hook_count; i++) {
        s->hook[i].name = hook_table[i].name;
        for (unsigned j = 0; j < hook_table[i].args; j++) {
            const struct hook_arg *a = &hook_table[i].arg[j];
            add(&s->hook[i], a->name, strlen(a->name), a->words, a->type, strlen(a->type));
        }
    }
}

static void read_hypercalls(struct script *s, const struct hv_hypercall *h)
{
    for (unsigned i = 0; i < s->hypercalls; i++) {
        s->hypercall[i].name = h[i].name;
        for (unsigned j = 0; j < 6 && h[i].arg[j].name; j++)
            add(&s->hypercall[i], h[i].arg[j].name, strlen(h[i].arg[j].name),
                hv_argument_words(h[i].arg[j].type), h[i].arg[j].type, strlen(h[i].arg[j].type));
    }
}

/* "fd:1:int buf:1:hex" */
static void read_list(struct callee *c, const char *list)
{
    while (*list) {
        size_t name = strcspn(list, ":"), all = strcspn(list, " ");
        if (name + 3 > all)
            return;
        add(c, list, name, list[name + 1] == '2' ? 2 : 1, list + name + 3, all - name - 3);
        list += all;
        list += *list == ' ';
    }
}

static void read_syscalls(struct script *s)
{
    for (uint32_t i = 0; i < SYSCALLS; i++) {
        const char *list;
        s->syscall[i].name = debug_syscall_name(s->d, i);
        if (s->syscall[i].name && (list = syscall_arguments(s->syscall[i].name)))
            read_list(&s->syscall[i], list);
    }
}

bool decode_open(struct script *s, struct err *err)
{
    const struct hv_hypercall *h = hv_model(debug_machine(s->d)->domain)->hypercalls;

    while (h && h[s->hypercalls].name)
        s->hypercalls++;
    s->hook = calloc(hook_count, sizeof *s->hook);
    s->hypercall = calloc(s->hypercalls + 1, sizeof *s->hypercall);
    s->syscall = calloc(SYSCALLS, sizeof *s->syscall);
    if (!s->hook || !s->hypercall || !s->syscall)
        return err_set(err, ERR_SYSTEM, "out of memory");
    read_hooks(s);
    read_hypercalls(s, h);
    read_syscalls(s);
    return true;
}

void decode_close(struct script *s)
{
    free(s->hook);
    free(s->hypercall);
    free(s->syscall);
}

static const struct callee *hypercall(struct script *s, uint32_t number)
{
    const struct hv_hypercall *h = hv_model(debug_machine(s->d)->domain)->hypercalls;

    for (unsigned i = 0; i < s->hypercalls; i++)
        if (h[i].number == number)
            return &s->hypercall[i];
    return NULL;
}

const struct callee *decode_callee(struct script *s, const struct event *e)
{
    unsigned hook;

    switch (e ? e->kind : EVENT_hook) {
    case EVENT_hook:
    case EVENT_hook_end:
        hook = e ? debug_event_hook(s->d, e)
                 : source_site(s->d, cpu_eip(debug_machine(s->d)->domain->cpu));
        return hook < hook_count ? &s->hook[hook] : NULL;
    case EVENT_hypercall:
    case EVENT_hypercall_end:
        return hypercall(s, e->a[0]);
    case EVENT_softint:
        return e->a[0] == 0x80 && e->a[1] < SYSCALLS && s->syscall[e->a[1]].name
                   ? &s->syscall[e->a[1]]
                   : NULL;
    default:
        return NULL;
    }
}

static void from_registers(struct script *s, const unsigned *order, unsigned n,
                           uint32_t word[WORDS_MAX])
{
    const struct x86_regs *r = cpu_regs(debug_machine(s->d)->domain->cpu);

    for (unsigned i = 0; i < n; i++)
        word[i] = r->gpr[order[i]];
}

void decode_words(struct script *s, const struct event *e, const struct callee *c,
                  uint32_t word[WORDS_MAX])
{
    static const unsigned hook[] = {R_EAX, R_EDX, R_ECX};
    static const unsigned call[] = {R_EBX, R_ECX, R_EDX, R_ESI, R_EDI, R_EBP};

    memset(word, 0, WORDS_MAX * sizeof word[0]);
    switch (e ? e->kind : EVENT_hook) {
    case EVENT_hook:
        if (e)
            memcpy(word, &e->a[1], 3 * sizeof word[0]);
        else
            from_registers(s, hook, 3, word);
        if (c->words > 3) {
            uint32_t esp = cpu_gpr(debug_machine(s->d)->domain->cpu, R_ESP);
            debug_peek(s->d, esp, &word[3], 4 * (c->words - 3));
        }
        break;
    case EVENT_hypercall:
        memcpy(word, &e->a[1], 3 * sizeof word[0]);
        debug_more_words(s->d, &word[3], WORDS_MAX - 3);
        break;
    case EVENT_softint:
        from_registers(s, call, 6, word);
        break;
    default:
        break;
    }
}
