/* SPDX-License-Identifier: GPL-2.0-only */
/* The bench for guests that mean no good: see hostile.h. */
#include "hostile.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "abi/lguest.h"
#include "hv-models/lguest/lguest.h"
#include "state.h"

/* Last: it gives PF_W and PF_X meanings of its own. */
#include <elf.h>

#define FILE_BYTES (sizeof(Elf32_Ehdr) + sizeof(Elf32_Phdr) + H_IMAGE_BYTES)

static void broken(struct hostile *h, const char *what, const char *detail)
{
    if (!h->broken[0])
        snprintf(h->broken, sizeof h->broken, "%s: %s", what, detail);
}

/* ---- a guest on paper ---- */

struct hostile *hostile_new(const char *spec)
{
    struct hostile *h = calloc(1, sizeof *h);
    uint8_t *file = calloc(1, FILE_BYTES);
    if (!h || !file)
        abort();
    *h = (struct hostile){.spec = spec, .file = file, .pen = H_CODE};
    Elf32_Ehdr header = {
        .e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS32, ELFDATA2LSB, EV_CURRENT},
        .e_type = ET_EXEC,
        .e_machine = EM_386,
        .e_version = EV_CURRENT,
        .e_entry = H_CODE,
        .e_phoff = sizeof header,
        .e_phentsize = sizeof(Elf32_Phdr),
        .e_phnum = 1,
    };
    Elf32_Phdr segment = {
        .p_type = PT_LOAD,
        .p_offset = sizeof header + sizeof segment,
        .p_vaddr = H_CODE,
        .p_paddr = H_CODE,
        .p_filesz = H_IMAGE_BYTES,
        .p_memsz = H_IMAGE_BYTES,
    };
    memcpy(file, &header, sizeof header);
    memcpy(file + sizeof header, &segment, sizeof segment);
    h->image = file + sizeof header + sizeof segment;
    if (hostile_is_lguest(h)) {
        memset(h->image + H_DATA - H_CODE + LGUEST_DATA_hcall_status, LHCALL_RING_FREE,
               LHCALL_RING_SIZE);
        h_poke32(h, H_DATA + LGUEST_DATA_blocked_interrupts, ~1u);
        h_poke32(h, H_DATA + h_kernel_address(h), 0xC0000000);
        h_poke32(h, H_DATA + h_syscall_vec(h), 0x80);
    }
    return h;
}

void hostile_free(struct hostile *h)
{
    if (h->m) {
        hv_detach(h->m);
        machine_free(h->m);
    }
    free(h->file);
    free(h);
}

bool hostile_is_lguest(const struct hostile *h)
{
    return !strncmp(h->spec, "lguest", 6);
}

static bool is_3_2(const struct hostile *h)
{
    return strstr(h->spec, ":3.2");
}

uint32_t h_kernel_address(const struct hostile *h)
{
    return is_3_2(h) ? LGUEST_DATA_3_2_kernel_address : LGUEST_DATA_kernel_address;
}

uint32_t h_syscall_vec(const struct hostile *h)
{
    return is_3_2(h) ? LGUEST_DATA_3_2_syscall_vec : LGUEST_DATA_syscall_vec;
}

void h_poke(struct hostile *h, uint32_t at, const void *bytes, size_t n)
{
    if (at < H_CODE || at > H_END || n > H_END - at)
        abort(); /* the test's own mistake */
    memcpy(h->image + (at - H_CODE), bytes, n);
}

void h_poke32(struct hostile *h, uint32_t at, uint32_t v)
{
    h_poke(h, at, &v, sizeof v);
}

void h_poke64(struct hostile *h, uint32_t at, uint64_t v)
{
    h_poke(h, at, &v, sizeof v);
}

void h_bytes(struct hostile *h, const void *bytes, size_t n)
{
    h_poke(h, h->pen, bytes, n);
    h->pen += (uint32_t)n;
}

void h_word(struct hostile *h, uint32_t v)
{
    h_bytes(h, &v, sizeof v);
}

void h_mov(struct hostile *h, unsigned reg, uint32_t v)
{
    uint8_t opcode = (uint8_t)(0xB8 + reg);
    h_bytes(h, &opcode, 1);
    h_word(h, v);
}

void h_store(struct hostile *h, uint32_t at, uint32_t v)
{
    h_asm(h, "\xC7\x05");
    h_word(h, at);
    h_word(h, v);
}

void h_jump(struct hostile *h, uint32_t to)
{
    h_asm(h, "\xE9");
    h_word(h, to - (h->pen + 4));
}

void h_call(struct hostile *h, uint32_t n, uint32_t a1, uint32_t a2, uint32_t a3, uint32_t a4)
{
    h_mov(h, R_EAX, n);
    h_mov(h, R_EBX, a1);
    h_mov(h, R_ECX, a2);
    h_mov(h, R_EDX, a3);
    h_mov(h, R_ESI, a4);
    h_asm(h, "\xCD\x1F");
}

void h_init(struct hostile *h)
{
    h_call(h, LHCALL_LGUEST_INIT, H_DATA, 0, 0, 0);
}

void h_power_off(struct hostile *h)
{
    if (!hostile_is_lguest(h)) {
        h_asm(h, "\x66\xBA\x04\x06\x66\xB8\x00\x20\x66\xEF"); /* out 0x604, 0x2000 */
        return;
    }
    h_call(h, LHCALL_SHUTDOWN, H_SCRATCH + 0x800, LGUEST_SHUTDOWN_POWEROFF, 0, 0);
}

void h_gate(struct hostile *h, uint32_t vector, uint32_t handler, unsigned type, unsigned dpl)
{
    h_call(h, LHCALL_LOAD_IDT_ENTRY, vector, LGUEST_KERNEL_CS << 16 | (handler & 0xFFFF),
           (handler & 0xFFFF0000) | 0x8000 | dpl << 13 | type << 8, 0);
}

/* ---- the neighbour ---- */

#define PATTERN 0x5AFEC0DE0BADF00Dull

/* One for each model, and for the whole process: it never runs, it only is. */
static struct neighbour {
    const char *spec;
    struct machine *m;
    uint8_t *blocks; /* its state as it was */
} neighbours[4];

static void fill(struct mem *m)
{
    for (uint64_t f = 0; f < mem_frames(m); f++) {
        uint64_t *word = mem_span(m, MADDR(f << PAGE_SHIFT), PAGE_SIZE);
        for (unsigned i = 0; word && i < PAGE_SIZE / sizeof *word; i++)
            word[i] = PATTERN ^ (f << 9 | i);
    }
}

static uint8_t *copy_blocks(const struct state *s)
{
    uint8_t *copy = malloc(s->bytes), *to = copy;
    for (unsigned i = 0; copy && i < s->blocks; to += s->block[i].size, i++)
        memcpy(to, s->block[i].data, s->block[i].size);
    return copy;
}

static struct machine *start(struct hostile *h, uint64_t max_cycles)
{
    struct machine_config cfg = {
        .mem_bytes = H_RAM,
        .max_cycles = max_cycles,
        .rtc_epoch = MACHINE_DEFAULT_RTC,
    };
    struct boot_request rq = {.kernel = {h->file, FILE_BYTES, "test"}};
    const struct hv_model *model;
    const char *variant;
    struct err err = {0};
    memcpy(cfg.disk_bytes, h->disk_bytes, sizeof cfg.disk_bytes);
    struct machine *m = machine_new(&cfg, NULL, &err);

    if (m && hv_find(h->spec, &model, &variant, &err) && hv_attach(m, model, variant, &rq, &err))
        return m;
    if (m) {
        hv_detach(m);
        machine_free(m);
    }
    broken(h, "the machine", err.text);
    return NULL;
}

static struct neighbour *neighbour_of(struct hostile *h)
{
    for (struct neighbour *n = neighbours; n < neighbours + 4; n++) {
        if (n->spec && !strcmp(n->spec, h->spec))
            return n;
        if (n->spec)
            continue;
        n->m = start(h, 0);
        if (!n->m)
            return NULL;
        n->spec = h->spec;
        fill(n->m->domain->mem);
        mem_track_start(n->m->domain->mem);
        n->blocks = copy_blocks(&n->m->state);
        return n->blocks ? n : NULL;
    }
    return NULL;
}

struct machine *hostile_neighbour(struct hostile *h)
{
    struct neighbour *n = neighbour_of(h);
    return n ? n->m : NULL;
}

static bool state_is_well(struct hostile *h, struct neighbour *n)
{
    uint8_t *now = copy_blocks(&n->m->state);
    bool same = now && !memcmp(now, n->blocks, n->m->state.bytes);
    free(now);
    if (!same)
        broken(h, "the neighbour", "its state was written");
    return same;
}

bool hostile_neighbour_is_well(struct hostile *h)
{
    char text[64];
    struct neighbour *n = neighbour_of(h);
    if (!n) {
        broken(h, "the neighbour", "cannot be made");
        return false;
    }
    struct mem *m = n->m->domain->mem;
    const uint64_t *written;
    uint64_t wrong = 0;
    /* Whoever stored anything there was seen. In a hurry that is answer enough. */
    if (h->hurry && !mem_changed(m, &written))
        return state_is_well(h, n);
    for (uint64_t f = 0; f < mem_frames(m); f++) {
        const uint64_t *word = mem_span(m, MADDR(f << PAGE_SHIFT), PAGE_SIZE);
        for (unsigned i = 0; word && i < PAGE_SIZE / sizeof *word; i++)
            wrong |= word[i] ^ PATTERN ^ (f << 9 | i);
        if (wrong) {
            snprintf(text, sizeof text, "its frame %#llx was written", (unsigned long long)f);
            broken(h, "the neighbour", text);
            return false;
        }
    }
    return state_is_well(h, n);
}

/* ---- the pool ---- */

/* A frame that no shadow table has used yet. */
static uint64_t *pool_word(struct hostile *h, uint32_t i)
{
    struct shadow *s = &lguest_of(h->m->domain)->shadow;
    return s->pool_used[i] ? NULL
                           : mem_span(h->m->domain->mem,
                                      MADDR((uint64_t)(s->pool + i) << PAGE_SHIFT), PAGE_SIZE);
}

static void fill_pool(struct hostile *h)
{
    for (uint32_t i = 0; i < lguest_of(h->m->domain)->shadow.pool_frames; i++) {
        uint64_t *word = pool_word(h, i);
        for (unsigned k = 0; word && k < PAGE_SIZE / sizeof *word; k++)
            word[k] = PATTERN;
    }
}

/* A frame that was taken has been zeroed: then all of the pattern is gone, or none of it is. */
static void check_pool(struct hostile *h)
{
    for (uint32_t i = 0; i < lguest_of(h->m->domain)->shadow.pool_frames; i++) {
        const uint64_t *word = pool_word(h, i);
        unsigned left = 0;
        for (unsigned k = 0; word && k < PAGE_SIZE / sizeof *word; k++)
            left += word[k] == PATTERN;
        if (left && left != PAGE_SIZE / sizeof *word) {
            char text[64];
            snprintf(text, sizeof text, "frame %u of it, not in use, was written", i);
            broken(h, "the pool", text);
        }
    }
}

/* ---- running ---- */

static void audit(struct hostile *h)
{
    struct domain *d = h->m->domain;
    struct err err = {0};
    h->audits++;
    if (!hv_model(d)->audit(d, &err))
        broken(h, "audit", err.text);
}

static void on_event(void *ctx, const struct event *e)
{
    struct hostile *h = ctx;
    (void)e;
    if (h->events++ % (h->hurry ? 3 : 1) == 0)
        audit(h);
}

bool hostile_load(struct hostile *h, uint64_t max_cycles)
{
    h->m = start(h, max_cycles);
    if (!h->m)
        return false;
    if (hostile_is_lguest(h))
        fill_pool(h);
    return events_subscribe(h->m->events, EV_GUEST, on_event, h);
}

bool hostile_run(struct hostile *h)
{
    machine_run(h->m, CLOCK_NEVER);
    audit(h);
    if (hostile_is_lguest(h))
        check_pool(h);
    hostile_neighbour_is_well(h);
    return !h->broken[0];
}

uint32_t hostile_word(struct hostile *h, uint32_t gpa)
{
    uint32_t v = 0;
    struct domain *d = h->m->domain;
    if (hostile_is_lguest(h))
        gmem_read(&lguest_of(d)->shadow.guest, d->mem, gpa, &v, sizeof v);
    else
        mem_read(d->mem, MADDR(gpa), &v, sizeof v);
    return v;
}
