/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The state digest: a chain of items, each the hash of (the chain so far, what this is, its
 * number, its size, the hash of its bytes). The name and size of every item are in it, so moving a
 * byte from the end of one block to the start of the next is seen as well as changing it.
 */
#include "digest.h"

#include <inttypes.h>
#include <string.h>
#include <xxhash.h>

struct digest digest_bytes(const void *bytes, size_t n)
{
    XXH128_hash_t h = XXH3_128bits(bytes, n);

    return (struct digest){.hi = h.high64, .lo = h.low64};
}

static void mix(struct digest *chain, const char *name, uint64_t number, const void *bytes,
                size_t n)
{
    struct {
        struct digest chain, name, content;
        uint64_t number, size;
    } item = {
        .chain = *chain,
        .name = digest_bytes(name, strlen(name)),
        .content = digest_bytes(bytes, n),
        .number = number,
        .size = n,
    };
    _Static_assert(sizeof item == 8 * sizeof(uint64_t), "no padding in what is hashed");

    *chain = digest_bytes(&item, sizeof item);
}

void digest_canonical_cpu(const struct cpu_state *in, struct cpu_state *out)
{
    /* A field added to cpu_state must be added here, or a change in it would go unseen. */
    _Static_assert(sizeof(struct cpu_state) == 824, "cpu_state has changed: change this function");

    memset(out, 0, sizeof *out);
    memcpy(&out->regs, &in->regs, sizeof out->regs); /* all of 32 bits: no padding inside */
    out->now = in->now;
    out->instructions = in->instructions;
    memcpy(out->dr, in->dr, sizeof out->dr);
    out->msr_sysenter_cs = in->msr_sysenter_cs;
    out->msr_sysenter_esp = in->msr_sysenter_esp;
    out->msr_sysenter_eip = in->msr_sysenter_eip;
    out->msr_pat = in->msr_pat;
    out->msr_misc = in->msr_misc;
    memcpy(out->fxsave, in->fxsave, sizeof out->fxsave);
    out->halted = in->halted;
    out->pad = in->pad;
}

bool digest_page_is_zero(const void *page)
{
    const uint8_t *p = page;

    /* If the first byte is zero and every byte equals its neighbour, all are. memcmp runs over it
       with the widest loads the host has. */
    return !p[0] && !memcmp(p, p + 1, PAGE_SIZE - 1);
}

static void mix_frames(struct digest *chain, const char *name, struct mem *m)
{
    uint64_t bytes = mem_bytes(m);

    mix(chain, name, 0, &bytes, sizeof bytes);
    for (uint64_t f = 0; f < mem_frames(m); f++) {
        const void *page = mem_span(m, MADDR(f << PAGE_SHIFT), PAGE_SIZE);
        if (page && !digest_page_is_zero(page))
            mix(chain, "(frame)", f, page, PAGE_SIZE);
    }
}

struct digest digest_state(const struct machine_parts *p)
{
    struct digest d = {0, 0};
    struct cpu_state raw, cpu;

    for (unsigned i = 0; i < p->state->blocks; i++) {
        const struct state_block *b = &p->state->block[i];
        mix(&d, b->name, i, b->data, b->size);
    }
    memset(&raw, 0, sizeof raw);
    cpu_state_get(p->cpu, &raw);
    digest_canonical_cpu(&raw, &cpu);
    mix(&d, "(cpu)", 0, &cpu, sizeof cpu);

    mix_frames(&d, "(ram)", p->mem);
    if (p->disks)
        mix_frames(&d, "(disks)", p->disks);
    return d;
}

bool digest_equal(struct digest a, struct digest b)
{
    return a.hi == b.hi && a.lo == b.lo;
}

void digest_hex(struct digest d, char text[DIGEST_HEX])
{
    snprintf(text, DIGEST_HEX, "%016" PRIx64 "%016" PRIx64, d.hi, d.lo);
}

bool digest_parse(const char *text, struct digest *out)
{
    uint64_t word[2] = {0, 0};

    if (strlen(text) != DIGEST_HEX - 1 || strspn(text, "0123456789abcdef") != DIGEST_HEX - 1)
        return false;
    for (unsigned i = 0; i < DIGEST_HEX - 1; i++)
        word[i / 16] =
            word[i / 16] << 4 | (uint64_t)(text[i] <= '9' ? text[i] - '0' : text[i] - 'a' + 10);
    *out = (struct digest){.hi = word[0], .lo = word[1]};
    return true;
}
