/* SPDX-License-Identifier: GPL-2.0-only */
/* See sites.h. The record of a site is Linux's: address, type, length, clobbers; 8 bytes. */
#include "sites.h"

#include <stdlib.h>
#include <string.h>

#include "backend.h"

/* No kernel needs so long to its first hundred milliseconds of virtual time. */
#define BOOT_CYCLES 2000000000u

static const struct {
    const char *start, *end;
} lists[] = {
    {"parainstructions_start", "parainstructions_end"},      /* ours */
    {"__parainstructions", "__parainstructions_end"},        /* Linux */
    {"__start_parainstructions", "__stop_parainstructions"}, /* Linux 2.6.20 to 2.6.21 */
};

static const uint8_t *find_list(const struct kernel *k, uint32_t *bytes, struct err *err)
{
    const char *file = kernel_image(k)->name;

    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        const struct kernel_symbol *start = kernel_find(k, lists[i].start);
        const struct kernel_symbol *end = kernel_find(k, lists[i].end);
        if (!start || !end)
            continue;
        *bytes = end->addr - start->addr;
        const uint8_t *list = end->addr > start->addr && *bytes % 8 == 0
                                  ? kernel_bytes(k, start->addr, *bytes)
                                  : NULL;
        if (!list)
            err_set(err, ERR_FILE, "%s: the list of patch sites at %#x is not in the file", file,
                    start->addr);
        return list;
    }
    err_set(err, ERR_FILE, "%s: no list of patch sites (.parainstructions): not a pv-ops kernel",
            file);
    return NULL;
}

bool sites_read(const struct kernel *k, struct sites *out, struct err *err)
{
    struct backend b[BACKENDS_MAX];
    uint32_t bytes;
    const uint8_t *record = find_list(k, &bytes, err);

    *out = (struct sites){.ours = backends_find(k, b) > 0};
    if (!record)
        return false;
    out->site = calloc(bytes / 8, sizeof *out->site);
    if (!out->site)
        return err_set(err, ERR_SYSTEM, "out of memory");
    for (; out->n < bytes / 8; out->n++, record += 8) {
        struct site *s = &out->site[out->n];
        memcpy(&s->addr, record, 4);
        s->hook = record[4];
        s->length = record[5];
        memcpy(&s->clobbers, record + 6, 2);
        const uint8_t *code = kernel_bytes(k, s->addr, s->length);
        if (!s->length || s->length > SITE_BYTES_MAX || !code ||
            (out->ours && s->hook >= hook_count)) {
            err_set(err, ERR_FILE, "%s: patch site %u (%u bytes at %#x, hook %u) cannot be one",
                    kernel_image(k)->name, out->n, s->length, s->addr, s->hook);
            sites_free(out);
            return false;
        }
        memcpy(s->before, code, s->length);
    }
    return true;
}

void sites_free(struct sites *s)
{
    free(s->site);
    *s = (struct sites){0};
}

/* ---- up to the patched kernel ---- */

enum { AT_ENTRY, AT_RETURN };

struct wait {
    bool over;
};

/* At the entry: the return address is on top of the stack. At the return: enough. */
static bool on_mark(void *ctx, struct domain *d, const struct cpu_exit *x)
{
    struct wait *w = ctx;
    const struct x86_regs *r = cpu_regs(d->cpu);
    uint32_t back;

    if ((x->mark.id & ~MARK_OF_WATCHER) == AT_RETURN) {
        w->over = true;
        return true;
    }
    if (x86_peek(r, d->mem, GVA(r->seg[S_SS].base + r->gpr[R_ESP]), &back, sizeof back))
        cpu_mark_set(d->cpu, GVA(back), MARK_OF_WATCHER | AT_RETURN);
    return false;
}

bool sites_boot(struct machine *m, const struct kernel *k, struct err *err)
{
    const struct kernel_symbol *patcher = kernel_find(k, "apply_paravirt");
    const char *file = kernel_image(k)->name;
    struct wait w = {0};

    if (!patcher)
        return err_set(err, ERR_FILE, "%s: no symbol apply_paravirt: who patches its sites?", file);
    m->watcher = (struct machine_watcher){.mark = on_mark, .ctx = &w};
    if (!cpu_mark_set(m->domain->cpu, GVA(patcher->addr), MARK_OF_WATCHER | AT_ENTRY))
        return err_set(err, ERR_SYSTEM, "out of memory");
    enum end_kind end = machine_run(m, BOOT_CYCLES);
    m->watcher = (struct machine_watcher){0};
    if (w.over)
        return true;
    return err_set(err, ERR_FILE, "%s: %s before apply_paravirt() had returned%s%s", file,
                   end == END_NONE ? "stopped" : "the guest ended", end == END_DIED ? ": " : "",
                   end == END_DIED ? m->domain->end.reason : "");
}

bool site_peek(struct machine *m, const struct site *s, uint8_t bytes[SITE_BYTES_MAX])
{
    struct domain *d = m->domain;

    return x86_peek(cpu_regs(d->cpu), d->mem, GVA(s->addr), bytes, s->length);
}

void site_disassemble(const struct site *s, const uint8_t *bytes, char *text, size_t size)
{
    size_t used = 0;

    text[0] = '\0';
    for (uint32_t i = 0; i < s->length && used < size;) {
        char one[96];
        uint32_t n = x86_format(bytes + i, s->length - i, s->addr + i, true, one, sizeof one);
        used += (size_t)snprintf(text + used, size - used, "%s%s", i ? "; " : "",
                                 n ? one : "(not an instruction)");
        if (!n)
            break;
        i += n;
    }
}
