/* SPDX-License-Identifier: GPL-2.0-only */
/* See source.h. Programs are opened when they are first met, and kept. */
#include "source.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "abi/kernel_info.h"
#include "debugger/sites.h"
#include "debugger/trace_args.h"
#include "hv-models/hv.h"
#include "internal.h"

#define PROGRAMS_MAX 64u

struct user_program {
    char name[64];
    struct image image; /* owned if it is a file of the host's */
    bool owned;
    struct program *program; /* NULL: it is none, do not try again */
};

struct source_set {
    const struct image *initrd;
    struct program *kernel;
    struct kernel_info info; /* magic 0: the kernel does not say */
    struct sites sites;
    struct user_program user[PROGRAMS_MAX];
    unsigned users;
    struct program *now[2];
    struct program *known[PROGRAMS_MAX + 1];
};

static int by_address(const void *a, const void *b)
{
    const struct site *x = a, *y = b;

    return (x->addr > y->addr) - (x->addr < y->addr);
}

static void read_info(struct source_set *s)
{
    const struct kernel_symbol *sym =
        kernel_find(program_symbols(s->kernel), "ringside_kernel_info");
    const uint8_t *bytes = sym ? program_bytes(s->kernel, sym->addr, sizeof s->info) : NULL;

    if (bytes)
        memcpy(&s->info, bytes, sizeof s->info);
    if (s->info.magic != KERNEL_INFO_MAGIC || s->info.version != KERNEL_INFO_VERSION)
        s->info = (struct kernel_info){0};
}

struct source_set *source_open(const struct image *kernel, const struct image *initrd)
{
    struct source_set *s = calloc(1, sizeof *s);
    struct err err = {0};

    if (!s)
        return NULL;
    s->initrd = initrd;
    s->kernel = kernel && kernel->size ? program_open(kernel, &err) : NULL;
    if (s->kernel) {
        read_info(s);
        if (sites_read(program_symbols(s->kernel), &s->sites, &err))
            qsort(s->sites.site, s->sites.n, sizeof s->sites.site[0], by_address);
    }
    return s;
}

void source_close(struct source_set *s)
{
    if (!s)
        return;
    for (unsigned i = 0; i < s->users; i++) {
        program_close(s->user[i].program);
        if (s->user[i].owned)
            image_free(&s->user[i].image);
    }
    program_close(s->kernel);
    sites_free(&s->sites);
    free(s);
}

/* ---- the machine's memory ---- */

/* One piece that does not cross a page. */
static bool read_piece(struct debug *d, uint32_t gva, void *to, uint32_t n)
{
    struct domain *domain = d->m->domain;
    const struct hv_model *model = hv_model(domain);
    struct x86_walk w = {0};

    if (x86_peek(cpu_regs(domain->cpu), domain->mem, GVA(gva), to, n))
        return true;
    return model->guest_walk && model->guest_walk(domain, GVA(gva), &w) && w.ok &&
           mem_read(domain->mem, w.addr, to, n);
}

bool debug_peek(struct debug *d, uint32_t gva, void *to, uint32_t n)
{
    uint8_t *at = to;

    while (n) {
        uint32_t piece = 4096 - (gva & 4095);
        if (piece > n)
            piece = n;
        if (!read_piece(d, gva, at, piece))
            return false;
        gva += piece;
        at += piece;
        n -= piece;
    }
    return true;
}

static bool memory_read(void *ctx, uint32_t addr, void *to, uint32_t n)
{
    return debug_peek(ctx, addr, to, n);
}

static bool memory_write(void *ctx, uint32_t addr, const void *from, uint32_t n)
{
    struct err err = {0};

    return debug_write(ctx, addr, from, n, &err);
}

struct program_memory source_memory(struct debug *d)
{
    return (struct program_memory){.read = memory_read, .write = memory_write, .ctx = d};
}

/* ---- who runs ---- */

const struct kernel_info *source_kernel_info(struct debug *d)
{
    return d->source->info.magic ? &d->source->info : NULL;
}

bool source_task(struct debug *d, struct source_task *out)
{
    const struct kernel_info *k = &d->source->info;
    uint32_t task;

    memset(out, 0, sizeof *out);
    if (!k->magic || !debug_peek(d, k->current_task, &task, 4) || !task ||
        !debug_peek(d, task + k->task_pid, &out->pid, 4) ||
        !debug_peek(d, task + k->task_comm, out->comm, sizeof out->comm))
        return false;
    out->comm[sizeof out->comm - 1] = '\0';
    /* Before the kernel has made its first task there may be anything. */
    return out->pid < 1u << 22 && isprint((unsigned char)out->comm[0]);
}

static struct user_program *add(struct source_set *s, const char *name)
{
    if (s->users == PROGRAMS_MAX)
        return NULL;
    struct user_program *u = &s->user[s->users++];
    snprintf(u->name, sizeof u->name, "%s", name);
    return u;
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

bool source_add_file(struct debug *d, const char *path, struct err *err)
{
    struct source_set *s = d->source;
    struct user_program *u = add(s, base_name(path));

    if (!u)
        return err_set(err, ERR_USAGE, "there are %u programs already", PROGRAMS_MAX);
    if (!image_read(&u->image, path, err)) {
        s->users--;
        return false;
    }
    u->owned = true;
    u->program = program_open(&u->image, err);
    if (u->program)
        return true;
    image_free(&u->image);
    s->users--;
    return false;
}

/* The file of this base name in the initrd, symbolic links followed; a later entry wins. */
static bool find_in_initrd(const struct image *initrd, const char *comm, struct image *out)
{
    char want[64];
    bool found = false;

    snprintf(want, sizeof want, "%s", comm);
    for (unsigned links = 0; links < 4 && !found; links++) {
        struct cpio_reader r = {.image = *initrd};
        struct cpio_entry e;
        struct err err = {0};
        bool link = false;
        char target[64] = "";
        while (cpio_next(&r, &e, &err) == CPIO_ENTRY) {
            /* The kernel keeps 15 letters of a name. */
            if (strncmp(base_name(e.name), want, 15))
                continue;
            link = (e.mode & 0170000) == 0120000;
            found = (e.mode & 0170000) == 0100000;
            if (link)
                snprintf(target, sizeof target, "%.*s", (int)e.size, (const char *)e.data);
            else if (found)
                *out = (struct image){.name = e.name, .data = (uint8_t *)e.data, .size = e.size};
        }
        if (!link)
            return found;
        found = false;
        snprintf(want, sizeof want, "%s", base_name(target));
    }
    return found;
}

/* The program of a process: newest first, as a file that was added later wins. */
static struct program *user_program(struct source_set *s, const char *comm)
{
    for (unsigned i = s->users; i-- > 0;)
        if (!strncmp(s->user[i].name, comm, 15))
            return s->user[i].program;
    struct user_program *u = add(s, comm);
    struct err err = {0};
    if (u && s->initrd && s->initrd->size && find_in_initrd(s->initrd, comm, &u->image))
        u->program = program_open(&u->image, &err);
    return u ? u->program : NULL;
}

struct program *source_meet(struct debug *d, const char *comm)
{
    return user_program(d->source, comm);
}

const char *source_process(struct debug *d, const struct program *p)
{
    const struct source_set *s = d->source;

    for (unsigned i = s->users; p && i-- > 0;)
        if (s->user[i].program == p)
            return s->user[i].name;
    return NULL;
}

struct program *source_kernel(struct debug *d)
{
    return d->source->kernel;
}

struct programs source_programs(struct debug *d)
{
    struct source_set *s = d->source;
    bool user = cpu_cpl(d->m->domain->cpu) == 3;
    struct source_task task;
    struct program *of_process =
        source_task(d, &task) && task.pid ? user_program(s, task.comm) : NULL;
    unsigned n = 0;

    if (user && of_process)
        s->now[n++] = of_process;
    if (s->kernel)
        s->now[n++] = s->kernel;
    if (!user && of_process)
        s->now[n++] = of_process;
    return (struct programs){s->now, n};
}

struct programs source_known(struct debug *d)
{
    struct source_set *s = d->source;
    unsigned n = 0;

    source_programs(d); /* meets the one that runs */
    if (s->kernel)
        s->known[n++] = s->kernel;
    for (unsigned i = 0; i < s->users; i++)
        if (s->user[i].program)
            s->known[n++] = s->user[i].program;
    return (struct programs){s->known, n};
}

struct program *source_program(struct debug *d, uint32_t eip, unsigned cpl)
{
    struct programs l = source_programs(d);

    (void)cpl;
    return programs_at(l, eip);
}

/* ---- where ---- */

/* A file of code; headers, and lists that are included, are not. */
static bool is_source(const char *file)
{
    size_t n = file ? strlen(file) : 0;

    return n > 2 && file[n - 2] == '.' && strchr("cS", file[n - 1]);
}

static bool is_assembler(const char *file)
{
    size_t n = file ? strlen(file) : 0;

    return n > 2 && (!strcmp(file + n - 2, ".S") || !strcmp(file + n - 2, ".s"));
}

unsigned source_depth(const struct place *place)
{
    for (unsigned i = place->depth; i-- > 1;)
        if (place->function[i].line && is_source(place->function[i].file))
            return i;
    return 0;
}

void source_at(struct debug *d, uint32_t eip, unsigned cpl, const struct source_spot *over,
               struct source_spot *out)
{
    struct program *p = source_program(d, eip, cpl);
    struct place place;

    *out = (struct source_spot){0};
    if (!p || !program_at(p, eip, &place) || !place.depth)
        return;
    uint32_t real = place.function[0].start;
    unsigned depth = source_depth(&place);
    if (over && over->known && over->real == real && over->depth < depth)
        depth = over->depth;
    const struct place_function *f = &place.function[depth];
    out->function = f->start;
    if (!f->file || !f->line)
        return;
    *out = (struct source_spot){.known = true,
                                .begins = eip == place.lo && place.is_stmt,
                                .real = real,
                                .depth = depth,
                                .prologue =
                                    !is_assembler(f->file) && eip < program_prologue_end(p, real),
                                .file = f->file,
                                .line = f->line,
                                .function = f->start,
                                .lo = place.lo,
                                .hi = place.hi};
}

static const struct site *site_at(struct debug *d, uint32_t eip)
{
    const struct sites *s = &d->source->sites;
    const struct site key = {.addr = eip};

    if (!s->n || !s->ours)
        return NULL;
    return bsearch(&key, s->site, s->n, sizeof s->site[0], by_address);
}

bool source_is_site(struct debug *d, uint32_t eip)
{
    return site_at(d, eip);
}

unsigned source_site(struct debug *d, uint32_t eip)
{
    const struct site *s = site_at(d, eip);

    return s ? s->hook : UINT32_MAX;
}

void source_hook_arguments(struct debug *d, unsigned hook, char *text, size_t size)
{
    const struct hook_info *h = &hook_table[hook];
    const struct x86_regs *r = cpu_regs(d->m->domain->cpu);
    struct argument_words a = {.word = {r->gpr[R_EAX], r->gpr[R_EDX], r->gpr[R_ECX]}};
    char list[300] = "";
    size_t used = 0;

    a.n = hook_words(h);
    if (a.n > ARGUMENT_WORDS)
        a.n = ARGUMENT_WORDS;
    for (unsigned i = 3; i < a.n; i++)
        debug_peek(d, r->gpr[R_ESP] + 4 * (i - 3), &a.word[i], 4);
    for (unsigned i = 0; i < h->args && used < sizeof list; i++) {
        const char *type = h->arg[i].type;
        bool entry = !strchr(type, '*') && (!strcmp(type, "pte_t") || !strcmp(type, "pmd_t") ||
                                            !strcmp(type, "pgd_t") || !strcmp(type, "pud_t"));
        used += (size_t)snprintf(list + used, sizeof list - used, "%s%s:%u:%s", i ? " " : "",
                                 h->arg[i].name, h->arg[i].words, entry ? "pte" : "hex");
    }
    format_arguments(list, &a, text, size);
}

/* ---- frames ---- */

struct frame source_frame(struct debug *d)
{
    const struct x86_regs *r = cpu_regs(d->m->domain->cpu);
    uint32_t reg[FRAME_REGISTERS];
    struct frame f;

    memcpy(reg, r->gpr, sizeof r->gpr);
    reg[FRAME_EIP] = r->eip;
    reg[FRAME_EFLAGS] = r->eflags;
    frame_first(source_programs(d), reg, &f);
    return f;
}

bool source_caller(struct debug *d, uint32_t *eip, uint32_t *esp)
{
    struct frame f = source_frame(d), caller;
    struct program_memory m = source_memory(d);
    struct err err = {0};

    if (frame_unwind(source_programs(d), &m, &f, &caller, &err) != FRAME_CALLER)
        return false;
    *eip = caller.reg[FRAME_EIP];
    *esp = caller.reg[FRAME_ESP];
    return true;
}

bool source_entry(struct debug *d, uint32_t *eip, uint32_t *esp)
{
    struct frame f = source_frame(d), caller;
    struct program_memory m = source_memory(d);
    struct err err = {0};
    struct place place;

    if (!f.program || !program_at(f.program, f.pc, &place) || !place.depth ||
        frame_unwind(source_programs(d), &m, &f, &caller, &err) != FRAME_CALLER || !f.cfa)
        return false;
    *eip = place.function[0].start;
    *esp = f.cfa - 4; /* the return address is on top */
    return true;
}
