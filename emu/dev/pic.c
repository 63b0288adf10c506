/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Two 8259As. Each is three bytes with one bit a line - IRR (who asks), IMR (whom to ignore), ISR
 * (who is being served) - and a question: is there somebody who asks, is not ignored, and is more
 * important than everybody being served? Then the output is up.
 *
 * The order of importance is a circle: `top` is the most important line, the one before it the
 * least. Rotation turns the circle.
 */
#include "pic.h"

#include <stddef.h>

#define CASCADE 2 /* the master's line from the slave */

/* Where the highest-priority bit of `lines` stands in the circle: 0 is the top, 8 nobody. */
static unsigned rank_of(const struct pic_chip *c, uint8_t lines)
{
    for (unsigned rank = 0; rank < 8; rank++)
        if (lines & 1u << ((c->top + rank) & 7))
            return rank;
    return 8;
}

static unsigned line_of(const struct pic_chip *c, unsigned rank)
{
    return (c->top + rank) & 7;
}

/* An edge counts only while its line stays high: one that went away before it was acknowledged is
   how a spurious interrupt comes about. */
static uint8_t irr(const struct pic_chip *c)
{
    return (c->lines & c->elcr) | (c->latch & c->lines & ~c->elcr);
}

/* The rank of the request that is to be answered now, or 8. */
static unsigned answerable(const struct pic_chip *c, bool master)
{
    uint8_t asking = irr(c) & ~c->imr, served = c->isr;

    if (!asking) /* as nearly always, and asked at every exit */
        return 8;
    if (c->special) /* a masked line that is being served holds nobody up */
        served &= ~c->imr;
    if (master && c->nested) /* another request of the slave may interrupt one being served */
        served &= ~(1u << CASCADE);
    unsigned rank = rank_of(c, asking);
    return rank < rank_of(c, served) ? rank : 8;
}

static void set_input(struct pic_chip *c, unsigned line, bool level)
{
    uint8_t bit = (uint8_t)(1u << line);

    if (level && !(c->lines & bit)) {
        c->lines |= bit;
        c->latch |= bit;
    } else if (!level) {
        c->lines &= ~bit;
        c->latch &= ~bit;
    }
}

/* Carry the slave's output to the master's input. */
static void settle(struct pic *p)
{
    set_input(&p->state.chip[0], CASCADE, answerable(&p->state.chip[1], false) < 8);
}

static void set_irq(void *ctx, bool level)
{
    const struct pic_input *in = ctx;

    set_input(&in->pic->state.chip[in->irq / 8], in->irq & 7, level);
    settle(in->pic);
}

struct irq_line pic_line(struct pic *p, unsigned irq)
{
    return (struct irq_line){set_irq, &p->input[irq & 15]};
}

bool pic_pending(const struct pic *p)
{
    return answerable(&p->state.chip[0], true) < 8;
}

/* One chip is acknowledged; the line that it answers for, or 8 when nobody asks. */
static unsigned acknowledge(struct pic_chip *c, bool master)
{
    unsigned rank = answerable(c, master);

    if (rank == 8)
        return 8;
    unsigned line = line_of(c, rank);
    c->latch &= ~(1u << line);
    if (!c->auto_eoi)
        c->isr |= 1u << line;
    else if (c->rotate)
        c->top = (line + 1) & 7;
    return line;
}

static unsigned acknowledge_slave(struct pic *p)
{
    unsigned line = acknowledge(&p->state.chip[1], false);

    /* Its output drops during the acknowledge; a further request is a new edge for the master. */
    set_input(&p->state.chip[0], CASCADE, false);
    settle(p);
    return line;
}

uint8_t pic_ack(struct pic *p)
{
    struct pic_chip *c = &p->state.chip[0];
    unsigned line = acknowledge(c, true);

    if (line == CASCADE) {
        c = &p->state.chip[1];
        line = acknowledge_slave(p);
    }
    return c->vector | (line == 8 ? 7 : line);
}

/* ICW1 starts the initialisation, and forgets almost everything. */
static void write_icw1(struct pic_chip *c, uint8_t v)
{
    *c = (struct pic_chip){
        .lines = c->lines,
        .elcr = c->elcr, /* takes the place of ICW1's LTIM bit in a PC with PCI */
        .vector = c->vector,
        .icw1 = v,
        .icw = 2,
    };
}

static void write_icw(struct pic_chip *c, uint8_t v)
{
    enum { ICW1_IC4 = 1, ICW1_SINGLE = 2, ICW4_AEOI = 2, ICW4_SFNM = 16 };

    switch (c->icw) {
    case 2:
        c->vector = v & 0xF8;
        c->icw = !(c->icw1 & ICW1_SINGLE) ? 3 : c->icw1 & ICW1_IC4 ? 4 : 0;
        break;
    case 3: /* how the two are wired: on a PC that is a fact, not a choice */
        c->icw = c->icw1 & ICW1_IC4 ? 4 : 0;
        break;
    case 4:
        c->auto_eoi = !!(v & ICW4_AEOI);
        c->nested = !!(v & ICW4_SFNM);
        c->icw = 0;
        break;
    }
}

/* OCW2: end of interrupt, and turning the circle. */
static void write_ocw2(struct pic_chip *c, uint8_t v)
{
    enum { ROTATE = 0x80, SPECIFIC = 0x40, EOI = 0x20 };
    unsigned line = v & 7;

    if (!(v & EOI)) {
        if ((v & (ROTATE | SPECIFIC)) == (ROTATE | SPECIFIC))
            c->top = (line + 1) & 7; /* set priority: this line becomes the least */
        else if (!(v & SPECIFIC))
            c->rotate = !!(v & ROTATE);
        return;
    }
    if (!(v & SPECIFIC)) {
        unsigned rank = rank_of(c, c->special ? c->isr & ~c->imr : c->isr);
        if (rank == 8)
            return;
        line = line_of(c, rank);
    }
    c->isr &= ~(1u << line);
    if (v & ROTATE)
        c->top = (line + 1) & 7;
}

static void write_ocw3(struct pic_chip *c, uint8_t v)
{
    enum { ESMM = 0x40, SMM = 0x20, POLL = 4, RR = 2, RIS = 1 };

    if (v & ESMM)
        c->special = !!(v & SMM);
    if (v & POLL)
        c->poll = 1;
    if (v & RR)
        c->read_isr = v & RIS;
}

static struct pic_chip *chip_at(struct pic *p, uint16_t port)
{
    return &p->state.chip[port >= 0xA0];
}

static void pic_write(void *ctx, uint16_t port, unsigned size, uint32_t value)
{
    struct pic *p = ctx;
    struct pic_chip *c = chip_at(p, port);
    uint8_t v = (uint8_t)value;

    (void)size;
    if (port & 1) {
        if (c->icw)
            write_icw(c, v);
        else
            c->imr = v;
    } else if (v & 0x10) {
        write_icw1(c, v);
    } else if (v & 0x08) {
        write_ocw3(c, v);
    } else {
        write_ocw2(c, v);
    }
    settle(p);
}

static uint32_t pic_read(void *ctx, uint16_t port, unsigned size)
{
    struct pic *p = ctx;
    struct pic_chip *c = chip_at(p, port);

    (void)size;
    if (c->poll) { /* an acknowledge that asks for the line instead of the vector */
        bool master = c == &p->state.chip[0];
        c->poll = 0;
        unsigned line = master ? acknowledge(c, true) : acknowledge_slave(p);
        settle(p);
        return line == 8 ? 0 : 0x80 | line;
    }
    if (port & 1)
        return c->imr;
    return c->read_isr ? c->isr : irr(c);
}

/* Which lines may be level-triggered: not the timer, keyboard, cascade, clock and FPU. */
static const uint8_t elcr_mask[2] = {0xF8, 0xDE};

static uint32_t elcr_read(void *ctx, uint16_t port, unsigned size)
{
    const struct pic *p = ctx;

    (void)size;
    return p->state.chip[port & 1].elcr;
}

static void elcr_write(void *ctx, uint16_t port, unsigned size, uint32_t value)
{
    struct pic *p = ctx;

    (void)size;
    p->state.chip[port & 1].elcr = (uint8_t)value & elcr_mask[port & 1];
    settle(p);
}

void pic_init(struct pic *p, struct state *state, struct ports *ports)
{
    /* Until it is initialised a chip stays quiet: firmware would have masked all lines. */
    for (unsigned i = 0; i < 2; i++)
        p->state.chip[i].imr = 0xFF;
    for (unsigned i = 0; i < 16; i++)
        p->input[i] = (struct pic_input){p, i};
    state_block(state, &p->state, sizeof p->state, "pic");
    ports_add(ports, (struct port_range){0x20, 2, 1, pic_read, pic_write, p});
    ports_add(ports, (struct port_range){0xA0, 2, 1, pic_read, pic_write, p});
    ports_add(ports, (struct port_range){0x4D0, 2, 1, elcr_read, elcr_write, p});
}
