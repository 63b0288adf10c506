/* SPDX-License-Identifier: GPL-2.0-only */
/* The 8259 pair: initialisation, priorities, all kinds of EOI, rotation, masks, edge and level. */
#include "rig.h"

#include "emu/dev/pic.h"

struct bench {
    struct rig rig;
    struct pic pic;
};

enum { MASTER = 0x20, SLAVE = 0xA0, EOI = 0x20, READ_IRR = 0x0A, READ_ISR = 0x0B, POLL = 0x0C };

static void initialise(struct bench *b, uint8_t icw4)
{
    static const uint16_t port[] = {MASTER, SLAVE};

    for (unsigned i = 0; i < 2; i++) {
        out(&b->rig, port[i], 0x11);
        out(&b->rig, port[i] + 1, i ? 0x70 : 0x20);
        out(&b->rig, port[i] + 1, i ? 2 : 4);
        out(&b->rig, port[i] + 1, icw4);
        assert_int_equal(in(&b->rig, port[i] + 1), 0); /* all lines open */
    }
}

static int setup(void **state)
{
    struct bench *b = calloc(1, sizeof *b);

    assert_non_null(b);
    pic_init(&b->pic, &b->rig.state, &b->rig.ports);
    initialise(b, 1);
    *state = b;
    return 0;
}

static int teardown(void **state)
{
    free(*state);
    return 0;
}

static void wire(struct bench *b, unsigned irq, bool level)
{
    struct irq_line l = pic_line(&b->pic, irq);
    irq_line_set(&l, level);
}

static void pulse(struct bench *b, unsigned irq)
{
    wire(b, irq, false);
    wire(b, irq, true);
}

static uint8_t read_reg(struct bench *b, uint16_t port, uint8_t which)
{
    out(&b->rig, port, which);
    return in(&b->rig, port);
}

static void quiet_before_initialisation(void **state)
{
    struct bench *b = *state, fresh = {0};

    (void)b;
    pic_init(&fresh.pic, &fresh.rig.state, &fresh.rig.ports);
    wire(&fresh, 0, true);
    assert_false(pic_pending(&fresh.pic));
}

static void one_interrupt(void **state)
{
    struct bench *b = *state;

    assert_false(pic_pending(&b->pic));
    wire(b, 4, true);
    assert_true(pic_pending(&b->pic));
    assert_int_equal(read_reg(b, MASTER, READ_IRR), 1 << 4);
    assert_int_equal(pic_ack(&b->pic), 0x24);
    assert_int_equal(read_reg(b, MASTER, READ_IRR), 0);
    assert_int_equal(read_reg(b, MASTER, READ_ISR), 1 << 4);
    assert_false(pic_pending(&b->pic)); /* the level alone asks for nothing more */
    out(&b->rig, MASTER, EOI);
    assert_int_equal(read_reg(b, MASTER, READ_ISR), 0);
    assert_false(pic_pending(&b->pic));
    pulse(b, 4);
    assert_true(pic_pending(&b->pic));
}

static void priorities(void **state)
{
    struct bench *b = *state;

    wire(b, 6, true);
    wire(b, 1, true);
    wire(b, 3, true);
    assert_int_equal(pic_ack(&b->pic), 0x21);
    assert_false(pic_pending(&b->pic)); /* 3 and 6 wait for 1 */
    wire(b, 0, true);                   /* and 0 does not */
    assert_int_equal(pic_ack(&b->pic), 0x20);
    out(&b->rig, MASTER, EOI);
    assert_int_equal(read_reg(b, MASTER, READ_ISR), 1 << 1); /* the most important is ended */
    out(&b->rig, MASTER, EOI);
    assert_int_equal(pic_ack(&b->pic), 0x23);
    out(&b->rig, MASTER, 0x63); /* specific EOI */
    assert_int_equal(pic_ack(&b->pic), 0x26);
    out(&b->rig, MASTER, EOI);
    out(&b->rig, MASTER, EOI); /* one too many does nothing */
    assert_int_equal(read_reg(b, MASTER, READ_ISR), 0);
}

static void masks(void **state)
{
    struct bench *b = *state;

    out(&b->rig, MASTER + 1, 0x10);
    wire(b, 4, true);
    assert_false(pic_pending(&b->pic));
    assert_int_equal(read_reg(b, MASTER, READ_IRR), 0x10); /* asked, not heard */
    out(&b->rig, MASTER + 1, 0);
    assert_true(pic_pending(&b->pic));
    assert_int_equal(in(&b->rig, MASTER + 1), 0);
}

static void through_the_slave(void **state)
{
    struct bench *b = *state;

    wire(b, 12, true);
    assert_int_equal(pic_ack(&b->pic), 0x74);
    assert_int_equal(read_reg(b, MASTER, READ_ISR), 1 << 2);
    assert_int_equal(read_reg(b, SLAVE, READ_ISR), 1 << 4);
    wire(b, 8, true); /* more important in the slave, but the master serves the slave already */
    assert_false(pic_pending(&b->pic));
    out(&b->rig, MASTER, EOI);
    assert_int_equal(pic_ack(&b->pic), 0x70);
    out(&b->rig, SLAVE, EOI);
    out(&b->rig, MASTER, EOI);
    wire(b, 3, true);
    wire(b, 15, true); /* after 12, which is still served */
    assert_int_equal(pic_ack(&b->pic), 0x23);
    out(&b->rig, MASTER, EOI);
    assert_false(pic_pending(&b->pic));
    out(&b->rig, SLAVE, EOI);
    assert_int_equal(pic_ack(&b->pic), 0x77);
}

static void special_fully_nested(void **state)
{
    struct bench *b = *state;

    initialise(b, 0x11);
    wire(b, 12, true);
    assert_int_equal(pic_ack(&b->pic), 0x74);
    wire(b, 8, true); /* now it may interrupt */
    assert_int_equal(pic_ack(&b->pic), 0x70);
    wire(b, 9, true);
    assert_false(pic_pending(&b->pic));
}

static void automatic_eoi(void **state)
{
    struct bench *b = *state;

    initialise(b, 3);
    wire(b, 1, true);
    wire(b, 9, true);
    assert_int_equal(pic_ack(&b->pic), 0x21);
    assert_int_equal(read_reg(b, MASTER, READ_ISR), 0);
    assert_int_equal(pic_ack(&b->pic), 0x71);
    wire(b, 10, true);
    assert_int_equal(pic_ack(&b->pic), 0x72);
    assert_false(pic_pending(&b->pic));
}

static void rotation(void **state)
{
    struct bench *b = *state;

    wire(b, 3, true);
    assert_int_equal(pic_ack(&b->pic), 0x23);
    out(&b->rig, MASTER, 0xA0); /* rotate on EOI: 3 is the least now */
    pulse(b, 3);
    wire(b, 4, true);
    wire(b, 0, true);
    assert_int_equal(pic_ack(&b->pic), 0x24);
    out(&b->rig, MASTER, EOI);
    assert_int_equal(pic_ack(&b->pic), 0x20);
    out(&b->rig, MASTER, 0xE0); /* rotate on specific EOI: 0 is the least */
    assert_int_equal(pic_ack(&b->pic), 0x23);
    out(&b->rig, MASTER, EOI);
    out(&b->rig, MASTER, 0xC5); /* set priority: 5 is the least, 6 the most */
    pulse(b, 5);
    pulse(b, 6);
    pulse(b, 0);
    assert_int_equal(pic_ack(&b->pic), 0x26);
    out(&b->rig, MASTER, EOI);
    assert_int_equal(pic_ack(&b->pic), 0x20);
    out(&b->rig, MASTER, EOI);
    assert_int_equal(pic_ack(&b->pic), 0x25);
}

static void rotation_in_automatic_eoi(void **state)
{
    struct bench *b = *state;

    initialise(b, 3);
    out(&b->rig, MASTER, 0x80);
    wire(b, 0, true);
    assert_int_equal(pic_ack(&b->pic), 0x20); /* 0 is the least now */
    pulse(b, 0);
    wire(b, 7, true);
    assert_int_equal(pic_ack(&b->pic), 0x27);
    out(&b->rig, MASTER, 0x00); /* rotation off; 7 stays the least */
    assert_int_equal(pic_ack(&b->pic), 0x20);
    pulse(b, 0);
    pulse(b, 1);
    assert_int_equal(pic_ack(&b->pic), 0x20);
}

static void special_mask(void **state)
{
    struct bench *b = *state;

    wire(b, 2 + 1, true);
    assert_int_equal(pic_ack(&b->pic), 0x23);
    wire(b, 5, true);
    assert_false(pic_pending(&b->pic));
    out(&b->rig, MASTER, 0x68);
    assert_false(pic_pending(&b->pic)); /* the one being served must be masked */
    out(&b->rig, MASTER + 1, 1 << 3);
    assert_int_equal(pic_ack(&b->pic), 0x25);
    out(&b->rig, MASTER, EOI); /* ends 5: the masked one is passed over */
    assert_int_equal(read_reg(b, MASTER, READ_ISR), 1 << 3);
    out(&b->rig, MASTER, 0x48);
    wire(b, 6, true);
    assert_false(pic_pending(&b->pic));
}

static void level_triggered(void **state)
{
    struct bench *b = *state;

    out(&b->rig, 0x4D0, 0xFF);
    out(&b->rig, 0x4D1, 0xFF);
    assert_int_equal(in(&b->rig, 0x4D0), 0xF8); /* not all may be */
    assert_int_equal(in(&b->rig, 0x4D1), 0xDE);
    wire(b, 5, true);
    assert_int_equal(pic_ack(&b->pic), 0x25);
    assert_int_equal(read_reg(b, MASTER, READ_IRR), 1 << 5); /* still asks */
    out(&b->rig, MASTER, EOI);
    assert_int_equal(pic_ack(&b->pic), 0x25);
    wire(b, 5, false);
    out(&b->rig, MASTER, EOI);
    assert_false(pic_pending(&b->pic));
    wire(b, 11, true);
    assert_int_equal(pic_ack(&b->pic), 0x73);
    out(&b->rig, SLAVE, EOI);
    out(&b->rig, MASTER, EOI);
    assert_int_equal(pic_ack(&b->pic), 0x73);
}

static void spurious(void **state)
{
    struct bench *b = *state;

    wire(b, 4, true);
    wire(b, 4, false); /* gone before it was acknowledged */
    assert_false(pic_pending(&b->pic));
    assert_int_equal(pic_ack(&b->pic), 0x27);
    assert_int_equal(read_reg(b, MASTER, READ_ISR), 0); /* nothing is served: no EOI */

    /* The slave asked, the master heard, then the slave's line went away: 15, and the master
       serves its line 2. Our wires have no delay, so the test takes the request away by hand. */
    wire(b, 12, true);
    b->pic.state.chip[1].lines = 0;
    assert_int_equal(pic_ack(&b->pic), 0x77);
    assert_int_equal(read_reg(b, SLAVE, READ_ISR), 0);
    assert_int_equal(read_reg(b, MASTER, READ_ISR), 1 << 2);
}

static void polling(void **state)
{
    struct bench *b = *state;

    out(&b->rig, MASTER, POLL);
    assert_int_equal(in(&b->rig, MASTER) & 0x80, 0);
    wire(b, 6, true);
    out(&b->rig, MASTER, POLL);
    assert_int_equal(in(&b->rig, MASTER), 0x86);
    assert_int_equal(read_reg(b, MASTER, READ_ISR), 1 << 6);
    out(&b->rig, MASTER, EOI);
    wire(b, 9, true);
    assert_true(pic_pending(&b->pic));
    out(&b->rig, SLAVE, POLL);
    assert_int_equal(in(&b->rig, SLAVE), 0x81);
    assert_false(pic_pending(&b->pic));             /* the slave lowered its output */
    assert_int_equal(in(&b->rig, SLAVE) & 0x80, 0); /* one read only */
}

static void initialisation_words(void **state)
{
    struct bench *b = *state;

    out(&b->rig, MASTER + 1, 0xFF);
    wire(b, 1, true);
    out(&b->rig, MASTER, 0x12); /* single, no ICW4: two words */
    assert_int_equal(in(&b->rig, MASTER + 1), 0);
    out(&b->rig, MASTER + 1, 0x47); /* low bits are not of the vector */
    out(&b->rig, MASTER + 1, 0xFD); /* a mask already */
    assert_int_equal(in(&b->rig, MASTER + 1), 0xFD);
    assert_false(pic_pending(&b->pic)); /* the edge before ICW1 is forgotten */
    pulse(b, 1);
    assert_int_equal(pic_ack(&b->pic), 0x41);

    out(&b->rig, MASTER, 0x10); /* cascaded, no ICW4: three words */
    out(&b->rig, MASTER + 1, 0x50);
    out(&b->rig, MASTER + 1, 0x04);
    out(&b->rig, MASTER + 1, 0xAA);
    assert_int_equal(in(&b->rig, MASTER + 1), 0xAA);
    assert_int_equal(read_reg(b, MASTER, READ_ISR), 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(quiet_before_initialisation),
        TEST(one_interrupt),
        TEST(priorities),
        TEST(masks),
        TEST(through_the_slave),
        TEST(special_fully_nested),
        TEST(automatic_eoi),
        TEST(rotation),
        TEST(rotation_in_automatic_eoi),
        TEST(special_mask),
        TEST(level_triggered),
        TEST(spurious),
        TEST(polling),
        TEST(initialisation_words),
    };
    return cmocka_run_group_tests_name("pic", tests, NULL, NULL);
}
