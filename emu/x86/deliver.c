/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How an event - a fault, INT n, an interrupt from a device - becomes the first instruction of its
 * handler (SDM volume 3A, 6.10 to 6.15; volume 2A, the operation of INT n).
 *
 *     vector -> IDT gate -> code segment -> which stack? -> push the frame -> new CS:EIP, flags
 *
 * Each arrow can fault, and then nothing of the attempt remains: it is made on a copy of the
 * registers, and a frame is pushed in one piece. The fault is then an event in its own right, and
 * table 6-5 says whether it takes the first one's place, makes a double fault, or shuts down.
 *
 * All of the protected mode is here: 32- and 16-bit gates and TSSs, conforming handlers, entries
 * from virtual-8086 mode (without the VME extensions), and task gates (task.c; 32-bit TSSs). With
 * CR0.PE clear the vectors are those of the real mode.
 *
 * The RF flag of the pushed image: set for faults, so that an instruction breakpoint does not
 * trigger again when the instruction is restarted; clear for everything else. (Hardware pushes it
 * as set also when it interrupts a REP, or between IRET and the next instruction. There are no
 * instruction breakpoints in this machine, and a rule without that history is easier to keep exact.)
 */
#include <stddef.h>
#include <string.h>

#include "internal.h"

bool delivery_fault(struct delivery *d, uint8_t vector, uint32_t error)
{
    d->fault = (struct x86_event){
        .kind = X86_EV_FAULT, .vector = vector, .has_error = true, .error = error | d->ext};
    return false;
}

static bool page_fault(struct delivery *d, uint32_t cr2, uint32_t error)
{
    d->fault = (struct x86_event){.kind = X86_EV_FAULT,
                                  .vector = X86_PF,
                                  .has_error = true,
                                  .error = error, /* a #PF's error code has no EXT */
                                  .cr2 = cr2};
    return false;
}

bool delivery_read(struct delivery *d, uint32_t at, void *to, uint32_t n)
{
    uint32_t cr2, error;

    return x86_read(d->r, d->m, GVA(at), to, n, false, &cr2, &error) || page_fault(d, cr2, error);
}

bool delivery_write(struct delivery *d, uint32_t at, const void *from, uint32_t n)
{
    uint32_t cr2, error;

    return x86_write(d->r, d->m, GVA(at), from, n, false, &cr2, &error) ||
           page_fault(d, cr2, error);
}

/* Where the descriptor of sel lies; false when its table ends before it. */
static bool desc_address(const struct x86_regs *r, uint16_t sel, uint32_t *at)
{
    uint32_t base = r->gdt.base, limit = r->gdt.limit;

    if (sel & 4) {
        if (!(r->ldt.sel & ~3u))
            return false;
        base = r->ldt.base;
        limit = r->ldt.limit;
    }
    *at = base + (sel & ~7u);
    return (sel & ~7u) + 7 <= limit;
}

bool delivery_desc(struct delivery *d, uint16_t sel, uint8_t vector, struct x86_desc *out)
{
    uint32_t at;

    if (!desc_address(d->r, sel, &at))
        return delivery_fault(d, vector, sel & ~3u);
    return delivery_read(d, at, out, sizeof *out);
}

bool delivery_accessed(struct delivery *d, uint16_t sel, struct x86_desc *desc)
{
    uint32_t at;

    if (desc->hi & DESC_ACCESSED || !desc_address(d->r, sel, &at))
        return true;
    desc->hi |= DESC_ACCESSED;
    return delivery_write(d, at + offsetof(struct x86_desc, hi), &desc->hi, sizeof desc->hi);
}

bool seg_contains(const struct x86_seg *s, uint32_t offset, uint32_t n)
{
    uint64_t first = offset, last = first + n - 1;
    bool expand_down = (s->flags & (DESC_CODE | DESC_EXPAND_DOWN)) == DESC_EXPAND_DOWN;

    if (expand_down)
        return first > s->limit && last <= (s->flags & DESC_BIG ? 0xFFFFFFFFu : 0xFFFFu);
    return last <= s->limit;
}

/* One linear address range, of up to 2 pages, can be written so? */
static bool writable(struct delivery *d, uint32_t at, uint32_t n, bool user)
{
    struct x86_walk w;
    const uint32_t ends[2] = {at, at + n - 1};

    for (unsigned i = 0; i < 2; i++)
        if (!x86_walk(d->r, d->m, GVA(ends[i]), X86_WRITE, user, false, &w))
            return page_fault(d, i ? ends[i] & ~(PAGE_SIZE - 1) : ends[i], w.error);
    return true;
}

bool delivery_push(struct delivery *d, const uint32_t *word, unsigned n, unsigned size, bool user,
                   uint32_t ss_error)
{
    const struct x86_seg *ss = &d->r->seg[S_SS];
    uint32_t mask = ss->flags & DESC_BIG ? 0xFFFFFFFF : 0xFFFF;
    uint32_t esp = d->r->gpr[R_ESP], cr2, error;
    uint8_t frame[10 * 4];

    /* As it will lie in memory: the last word pushed is the lowest. */
    for (unsigned i = 0; i < n; i++)
        memcpy(frame + (n - 1 - i) * size, &word[i], size);
    for (unsigned i = 1; i <= n; i++)
        if (!seg_contains(ss, (esp - i * size) & mask, size))
            return delivery_fault(d, X86_SS, ss_error);

    uint32_t bottom = (esp - n * size) & mask;
    if (bottom <= ((esp - size) & mask)) {
        if (!x86_write(d->r, d->m, GVA(ss->base + bottom), frame, n * size, user, &cr2, &error))
            return page_fault(d, cr2, error);
    } else { /* wraps around the segment's end: two pieces, and both must do */
        for (unsigned i = 1; i <= n; i++)
            if (!writable(d, ss->base + ((esp - i * size) & mask), size, user))
                return false;
        for (unsigned i = 1; i <= n; i++)
            if (!x86_write(d->r, d->m, GVA(ss->base + ((esp - i * size) & mask)),
                           frame + (n - i) * size, size, user, &cr2, &error))
                return page_fault(d, cr2, error);
    }
    d->r->gpr[R_ESP] = (esp & ~mask) | bottom;
    return true;
}

/* The stack for a ring from the TSS (SDM 3A 7.2.1), checked as for a load of SS, and made current. */
static bool switch_stack(struct delivery *d, unsigned ring)
{
    struct x86_regs *r = d->r;
    unsigned type = desc_type(r->tr.flags);
    bool tss32 = type == SYS_TSS32 || type == SYS_TSS32_BUSY;
    uint32_t at = tss32 ? 4 + ring * 8 : 2 + ring * 4, size = tss32 ? 6 : 4, esp = 0;
    uint8_t field[6];
    struct x86_desc desc;
    uint16_t sel;

    if (at + size - 1 > r->tr.limit)
        return delivery_fault(d, X86_TS, r->tr.sel & ~3u);
    if (!delivery_read(d, r->tr.base + at, field, size))
        return false;
    memcpy(&esp, field, size - 2); /* the stack pointer, then SS */
    memcpy(&sel, field + size - 2, 2);

    if (!(sel & ~3u))
        return delivery_fault(d, X86_TS, 0);
    if (!delivery_desc(d, sel, X86_TS, &desc))
        return false;
    bool stack =
        (desc.hi & (DESC_SEGMENT | DESC_CODE | DESC_WRITABLE)) == (DESC_SEGMENT | DESC_WRITABLE);
    if ((sel & 3) != ring || desc_dpl(desc.hi) != ring || !stack)
        return delivery_fault(d, X86_TS, sel & ~3u);
    if (!(desc.hi & DESC_PRESENT))
        return delivery_fault(d, X86_SS, sel & ~3u);
    if (!delivery_accessed(d, sel, &desc))
        return false;
    r->seg[S_SS] = x86_seg_load(sel, desc);
    r->gpr[R_ESP] = esp;
    return true;
}

/* Through an interrupt or trap gate. */
static bool through_gate(struct delivery *d, struct x86_desc gate, uint32_t return_eip)
{
    struct x86_regs *r = d->r;
    const struct x86_event *ev = d->ev;
    unsigned type = desc_type(gate.hi);
    bool gate32 = type == SYS_INT32 || type == SYS_TRAP32;
    bool vm = r->eflags & FL_VM;
    uint16_t sel = gate.lo >> 16;
    uint32_t eip = (gate.lo & 0xFFFF) | (gate32 ? gate.hi & 0xFFFF0000 : 0);
    struct x86_desc code;

    if (!(sel & ~3u))
        return delivery_fault(d, X86_GP, 0);
    if (!delivery_desc(d, sel, X86_GP, &code))
        return false;
    unsigned dpl = desc_dpl(code.hi);
    if ((code.hi & (DESC_SEGMENT | DESC_CODE)) != (DESC_SEGMENT | DESC_CODE) || dpl > r->cpl)
        return delivery_fault(d, X86_GP, sel & ~3u);
    if (!(code.hi & DESC_PRESENT))
        return delivery_fault(d, X86_NP, sel & ~3u);

    /* A conforming handler runs with the rights of whom it interrupts, on the same stack. */
    unsigned ring = code.hi & DESC_CONFORMING ? r->cpl : dpl;
    if (vm && ring != 0)
        return delivery_fault(d, X86_GP, sel & ~3u);

    uint32_t word[10], flags = (r->eflags & ~(uint32_t)FL_RF) | 2, ss_error = 0;
    unsigned n = 0;
    bool fault = ev->kind == X86_EV_FAULT && ev->vector != X86_DB && ev->vector != X86_NMI &&
                 ev->vector != X86_BP && ev->vector != X86_OF && ev->vector != X86_DF &&
                 ev->vector != X86_MC;
    if (fault)
        flags |= FL_RF;
    if (vm) { /* the handler could not use real-mode selectors: they are saved and cleared */
        static const uint8_t order[] = {S_GS, S_FS, S_DS, S_ES};
        for (unsigned i = 0; i < 4; i++)
            word[n++] = r->seg[order[i]].sel;
    }
    if (ring != r->cpl) {
        word[n++] = r->seg[S_SS].sel;
        word[n++] = r->gpr[R_ESP];
        if (!switch_stack(d, ring))
            return false;
        ss_error = r->seg[S_SS].sel & ~3u;
    }
    word[n++] = flags;
    word[n++] = r->seg[S_CS].sel;
    word[n++] = return_eip;
    if (ev->kind == X86_EV_FAULT && ev->has_error)
        word[n++] = ev->error;
    struct x86_seg cs = x86_seg_load((sel & ~3u) | ring, code);
    if (!seg_contains(&cs, eip, 1))
        return delivery_fault(d, X86_GP, 0);
    if (!delivery_push(d, word, n, gate32 ? 4 : 2, ring == 3, ss_error))
        return false;
    if (!delivery_accessed(d, sel, &code))
        return false;

    cs.flags |= DESC_ACCESSED;
    if (vm)
        for (unsigned s = 0; s < S_COUNT; s++)
            if (s != S_CS && s != S_SS)
                r->seg[s] = (struct x86_seg){0};
    r->seg[S_CS] = cs;
    r->cpl = ring;
    r->eip = eip;
    r->eflags &= ~(uint32_t)(FL_TF | FL_NT | FL_RF | FL_VM);
    if (type == SYS_INT32 || type == SYS_INT16)
        r->eflags &= ~(uint32_t)FL_IF;
    return true;
}

/* Real mode: a table of far pointers, a frame of three words, no error codes (SDM 3A 20.1.4). */
static bool through_vector(struct delivery *d, uint32_t return_eip)
{
    struct x86_regs *r = d->r;
    uint16_t to[2];
    const uint32_t word[3] = {r->eflags | 2, r->seg[S_CS].sel, return_eip};

    if (d->ev->vector * 4u + 3 > r->idt.limit)
        return delivery_fault(d, X86_GP, 0);
    if (!delivery_read(d, r->idt.base + d->ev->vector * 4u, to, sizeof to))
        return false;
    if (!delivery_push(d, word, 3, 2, false, 0))
        return false;
    r->eip = to[0];
    r->seg[S_CS].sel = to[1];
    r->seg[S_CS].base = (uint32_t)to[1] << 4;
    r->eflags &= ~(uint32_t)(FL_IF | FL_TF | FL_RF | FL_AC);
    return true;
}

/* One attempt. What the guest's registers become is in d->r when it succeeds. */
static bool attempt(struct delivery *d)
{
    struct x86_regs *r = d->r;
    const struct x86_event *ev = d->ev;
    bool soft = ev->kind == X86_EV_SOFT;
    uint32_t return_eip = r->eip;
    uint32_t idt_error = ev->vector * 8u + 2;
    struct x86_desc gate;

    if (soft || ev->kind == X86_EV_ICEBP)
        return_eip += ev->len;
    r->shadow = 0;
    if (!(r->cr0 & CR0_PE))
        return through_vector(d, return_eip);

    /* INT n is sensitive to IOPL in virtual-8086 mode; INT3 and INTO, of one byte, are not. */
    if (soft && ev->len > 1 && r->eflags & FL_VM && (r->eflags & FL_IOPL) != FL_IOPL)
        return delivery_fault(d, X86_GP, 0);
    if (ev->vector * 8u + 7 > r->idt.limit)
        return delivery_fault(d, X86_GP, idt_error);
    if (!delivery_read(d, r->idt.base + ev->vector * 8u, &gate, sizeof gate))
        return false;

    unsigned type = desc_type(gate.hi);
    if (type != SYS_TASK_GATE && type != SYS_INT16 && type != SYS_TRAP16 && type != SYS_INT32 &&
        type != SYS_TRAP32)
        return delivery_fault(d, X86_GP, idt_error);
    if (soft && desc_dpl(gate.hi) < r->cpl)
        return delivery_fault(d, X86_GP, idt_error);
    if (!(gate.hi & DESC_PRESENT))
        return delivery_fault(d, X86_NP, idt_error);
    if (type == SYS_TASK_GATE)
        return task_switch(d, gate.lo >> 16, return_eip);
    return through_gate(d, gate, return_eip);
}

/* SDM 3A, table 6-4. Interrupts and INT n are benign whatever their number. */
enum severity { BENIGN, CONTRIBUTORY, PAGE_FAULT, DOUBLE_FAULT };

static enum severity severity_of(const struct x86_event *ev)
{
    if (ev->kind != X86_EV_FAULT)
        return BENIGN;
    switch (ev->vector) {
    case X86_DE:
    case X86_TS:
    case X86_NP:
    case X86_SS:
    case X86_GP:
        return CONTRIBUTORY;
    case X86_PF:
        return PAGE_FAULT;
    case X86_DF:
        return DOUBLE_FAULT;
    default:
        return BENIGN;
    }
}

/* Table 6-5: `second` came while `first` was being delivered. False: shutdown. */
static bool combine(const struct x86_event *first, const struct x86_event *second,
                    struct x86_event *out)
{
    enum severity a = severity_of(first), b = severity_of(second);

    if (a == DOUBLE_FAULT)
        return false;
    if ((a == CONTRIBUTORY && b == CONTRIBUTORY) || (a == PAGE_FAULT && b != BENIGN))
        *out = (struct x86_event){.kind = X86_EV_FAULT, .vector = X86_DF, .has_error = true};
    else
        *out = *second;
    return true;
}

enum x86_delivered x86_deliver(struct x86_regs *r, struct mem *m, const struct x86_event *ev,
                               struct x86_event *last)
{
    struct x86_regs base = *r; /* where an attempt starts from */
    struct x86_event now = *ev;
    enum x86_delivered result = X86_DELIVERED;

    for (;;) {
        struct x86_regs work = base;
        struct delivery d = {.r = &work, .m = m, .ev = &now};
        bool done;

        d.ext = now.kind != X86_EV_SOFT;
        if (now.kind == X86_EV_FAULT && now.vector == X86_PF)
            work.cr2 = base.cr2 = now.cr2;
        done = attempt(&d);
        if (last)
            *last = now;
        if (done) {
            *r = work;
            return result;
        }
        if (d.fault.vector == X86_PF) /* CR2 is written even if only #DF will be seen */
            base.cr2 = work.cr2 = d.fault.cr2;
        if (d.committed)
            base = work;
        struct x86_event next;
        if (!combine(&now, &d.fault, &next))
            return X86_TRIPLE;
        now = next;
        result = X86_DELIVERED_FAULT;
    }
}
