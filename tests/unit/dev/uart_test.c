/* SPDX-License-Identifier: GPL-2.0-only */
/* The 16550A: registers, FIFO, interrupts and their priorities, loopback, what Linux probes. */
#include "rig.h"

#include "emu/dev/uart.h"

struct bench {
    struct rig rig;
    struct uart uart;
    char sent[64];
    size_t n;
};

enum { RBR = 0x3F8, THR = RBR, IER, IIR, FCR = IIR, LCR, MCR, LSR, MSR, SCR };
enum { NONE = 1, CAUSE = 0x0F, MODEM = 0, THRE = 2, RX = 4, LINE = 6, TIMEOUT = 12 };

static void send_out(void *ctx, const uint8_t *bytes, size_t n)
{
    struct rig *r = ctx;
    struct bench *b = (struct bench *)r;

    assert_true(b->n + n <= sizeof b->sent);
    memcpy(b->sent + b->n, bytes, n);
    b->n += n;
}

static int setup(void **state)
{
    struct bench *b = calloc(1, sizeof *b);

    assert_non_null(b);
    b->uart.out = send_out;
    b->uart.now = rig_now;
    b->uart.ctx = &b->rig;
    uart_init(&b->uart, &b->rig.state, "uart", &b->rig.clock, &b->rig.ports, RBR,
              rig_line(&b->rig));
    out(&b->rig, MCR, 0x0B); /* DTR, RTS, and OUT2: the interrupt is let through */
    in(&b->rig, MSR);
    *state = b;
    return 0;
}

static int teardown(void **state)
{
    free(*state);
    return 0;
}

static uint8_t cause(struct bench *b)
{
    return in(&b->rig, IIR) & CAUSE;
}

static void registers(void **state)
{
    struct bench *b = *state;

    out(&b->rig, SCR, 0xA5);
    assert_int_equal(in(&b->rig, SCR), 0xA5);
    out(&b->rig, IER, 0xFF); /* the high half is not there: no 16750, no XScale */
    assert_int_equal(in(&b->rig, IER), 0x0F);
    out(&b->rig, IER, 0);
    out(&b->rig, LCR, 0x83);
    out(&b->rig, RBR, 0x01);
    out(&b->rig, IER, 0x02);
    assert_int_equal(in(&b->rig, RBR), 1);
    assert_int_equal(in(&b->rig, IER), 2);
    out(&b->rig, LCR, 0x03);
    assert_int_equal(in(&b->rig, IER), 0);
    assert_int_equal(in(&b->rig, LCR), 3);
    assert_int_equal(b->n, 0); /* the divisor was not sent */
    assert_int_equal(in(&b->rig, LSR), 0x60);
    out(&b->rig, MCR, 0xFF);
    assert_int_equal(in(&b->rig, MCR), 0x1F);
    out(&b->rig, LSR, 0);
    out(&b->rig, MSR, 0);
}

static void sending(void **state)
{
    struct bench *b = *state;

    for (const char *s = "hello"; *s; s++) {
        assert_int_equal(in(&b->rig, LSR) & 0x60, 0x60);
        out(&b->rig, THR, (uint8_t)*s);
    }
    assert_int_equal(b->n, 5);
    assert_memory_equal(b->sent, "hello", 5);
    assert_false(b->rig.level);
}

/* The tests of Linux's serial8250_do_startup(). */
static void transmitter_interrupt(void **state)
{
    struct bench *b = *state;

    assert_int_equal(cause(b), NONE);
    out(&b->rig, IER, 2);
    assert_true(b->rig.level);
    assert_int_equal(cause(b), THRE);
    assert_int_equal(cause(b), NONE); /* reading it took it back */
    assert_false(b->rig.level);
    out(&b->rig, IER, 0);
    out(&b->rig, IER, 2); /* switched on again: reported again */
    assert_int_equal(cause(b), THRE);
    out(&b->rig, IER, 2); /* it was on */
    assert_int_equal(cause(b), NONE);

    unsigned before = b->rig.rises;
    out(&b->rig, THR, 'a');
    out(&b->rig, THR, 'b'); /* each byte that has left is an edge of its own */
    assert_int_equal(b->rig.rises - before, 2);
    assert_int_equal(cause(b), THRE);
    out(&b->rig, THR, 'c');
    out(&b->rig, IER, 0);
    assert_false(b->rig.level);
    assert_int_equal(cause(b), NONE);
}

static void receiving_without_fifo(void **state)
{
    struct bench *b = *state;

    out(&b->rig, IER, 1);
    assert_true(uart_can_receive(&b->uart));
    uart_receive(&b->uart, 'x');
    assert_false(uart_can_receive(&b->uart));
    assert_true(b->rig.level);
    assert_int_equal(in(&b->rig, IIR), RX);
    assert_int_equal(in(&b->rig, LSR), 0x61);
    uart_receive(&b->uart, 'y'); /* overrun: the older one is lost */
    out(&b->rig, IER, 5);
    assert_int_equal(cause(b), LINE);
    assert_int_equal(in(&b->rig, LSR), 0x63);
    assert_int_equal(in(&b->rig, LSR), 0x61); /* reading cleared the error */
    assert_int_equal(cause(b), RX);
    assert_int_equal(in(&b->rig, RBR), 'y');
    assert_int_equal(in(&b->rig, LSR), 0x60);
    assert_false(b->rig.level);
    assert_int_equal(in(&b->rig, RBR), 0);
    assert_int_equal(clock_next(&b->rig.clock), CLOCK_NEVER); /* no time-out without FIFO */
}

static void fifo_trigger_levels(void **state)
{
    struct bench *b = *state;
    static const unsigned levels[] = {1, 4, 8, 14};

    out(&b->rig, IER, 1);
    for (unsigned t = 0; t < 4; t++) {
        out(&b->rig, FCR, (uint8_t)(t << 6 | 7));
        assert_int_equal(in(&b->rig, IIR) & 0xF0, 0xC0);
        for (unsigned i = 1; i <= 16; i++) {
            assert_true(uart_can_receive(&b->uart));
            uart_receive(&b->uart, (uint8_t)i);
            assert_int_equal(b->rig.level, i >= levels[t]);
        }
        assert_false(uart_can_receive(&b->uart));
        uart_receive(&b->uart, 99); /* a FIFO keeps what it has */
        assert_int_equal(in(&b->rig, LSR) & 2, 2);
        for (unsigned i = 1; i <= 16; i++) {
            assert_int_equal(cause(b), 17 - i >= levels[t] ? RX : NONE);
            assert_int_equal(in(&b->rig, RBR), i);
        }
        assert_int_equal(in(&b->rig, LSR) & 1, 0);
    }
}

static void fifo_timeout(void **state)
{
    struct bench *b = *state;
    /* Four characters of 10 bits at 115200 baud. */
    const uint64_t wait = clock_cycle_of_tick(4 * 10 * 16, 1843200);

    out(&b->rig, LCR, 0x83);
    out(&b->rig, RBR, 1);
    out(&b->rig, IER, 0);
    out(&b->rig, LCR, 3);
    out(&b->rig, FCR, 0x81); /* 8 bytes */
    out(&b->rig, IER, 1);
    b->rig.now = 1000;
    uart_receive(&b->uart, 'a');
    assert_int_equal(clock_next(&b->rig.clock), 1000 + wait);
    run_to(&b->rig, 2000);
    uart_receive(&b->uart, 'b'); /* the time starts again */
    run_to(&b->rig, 1999 + wait);
    assert_false(b->rig.level);
    assert_int_equal(cause(b), NONE);
    run_to(&b->rig, 2000 + wait);
    assert_true(b->rig.level);
    assert_int_equal(cause(b), TIMEOUT);
    assert_int_equal(cause(b), TIMEOUT); /* until a byte is read */
    assert_int_equal(in(&b->rig, RBR), 'a');
    assert_false(b->rig.level);
    run_to(&b->rig, b->rig.now + wait);
    assert_int_equal(cause(b), TIMEOUT);
    assert_int_equal(in(&b->rig, RBR), 'b');
    assert_int_equal(clock_next(&b->rig.clock), CLOCK_NEVER);
}

static void fifo_control(void **state)
{
    struct bench *b = *state;

    out(&b->rig, FCR, 0x01);
    uart_receive(&b->uart, 'a');
    uart_receive(&b->uart, 'b');
    out(&b->rig, FCR, 0x05); /* clearing the transmitter's FIFO leaves this one */
    assert_int_equal(in(&b->rig, LSR) & 1, 1);
    out(&b->rig, FCR, 0x03);
    assert_int_equal(in(&b->rig, LSR) & 1, 0);
    uart_receive(&b->uart, 'c');
    out(&b->rig, FCR, 0x00); /* changing the mode clears */
    assert_int_equal(in(&b->rig, LSR) & 1, 0);
    assert_int_equal(in(&b->rig, IIR), NONE);
    out(&b->rig, FCR, 0xC0); /* no bit counts without the enabling one */
    assert_int_equal(in(&b->rig, IIR) & 0xC0, 0);
}

static void priorities(void **state)
{
    struct bench *b = *state;

    out(&b->rig, FCR, 0);
    out(&b->rig, MCR, 0x10); /* loopback: own lines as the modem's; they change */
    out(&b->rig, IER, 0x0F);
    out(&b->rig, THR, 'a');
    out(&b->rig, THR, 'b'); /* overrun */
    assert_int_equal(cause(b), LINE);
    in(&b->rig, LSR);
    assert_int_equal(cause(b), RX);
    in(&b->rig, RBR);
    assert_int_equal(cause(b), THRE);
    assert_int_equal(cause(b), MODEM);
    in(&b->rig, MSR);
    assert_int_equal(cause(b), NONE);
}

static void loopback(void **state)
{
    struct bench *b = *state;

    out(&b->rig, MCR, 0x1A); /* as Linux's autoconfig() tests it */
    assert_int_equal(in(&b->rig, MSR) & 0xF0, 0x90);
    out(&b->rig, THR, 'q');
    assert_int_equal(b->n, 0);
    assert_int_equal(in(&b->rig, RBR), 'q');
    assert_false(uart_can_receive(&b->uart));
    uart_receive(&b->uart, 'x'); /* the line is cut off */
    assert_int_equal(in(&b->rig, LSR) & 1, 0);
    in(&b->rig, MSR);
    out(&b->rig, MCR, 0x14); /* RI rises: no report; it falls: a report */
    assert_int_equal(in(&b->rig, MSR), 0x40 | 1 | 8);
    out(&b->rig, MCR, 0x10);
    assert_int_equal(in(&b->rig, MSR), 4);
    out(&b->rig, MCR, 0x0B);
    assert_int_equal(in(&b->rig, MSR) & 0xF0, 0xB0);
}

static void out2_gates_the_interrupt(void **state)
{
    struct bench *b = *state;

    out(&b->rig, IER, 2);
    assert_true(b->rig.level);
    out(&b->rig, MCR, 0x03);
    assert_false(b->rig.level);
    out(&b->rig, MCR, 0x0B);
    assert_true(b->rig.level);
    out(&b->rig, MCR, 0x1B); /* in loopback the pin is off */
    assert_false(b->rig.level);
}

static void request_to_send(void **state)
{
    struct bench *b = *state;

    assert_true(uart_wants(&b->uart));
    out(&b->rig, MCR, 0x09);
    assert_false(uart_wants(&b->uart));
    out(&b->rig, MCR, 0x12);
    assert_false(uart_wants(&b->uart));
}

static void fifo_wraps(void **state)
{
    struct bench *b = *state;

    out(&b->rig, FCR, 1);
    for (unsigned i = 0; i < 100; i++) {
        uart_receive(&b->uart, (uint8_t)i);
        uart_receive(&b->uart, (uint8_t)(i + 100));
        assert_int_equal(in(&b->rig, RBR), i);
        assert_int_equal(in(&b->rig, RBR), i + 100);
    }
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(registers),
        TEST(sending),
        TEST(transmitter_interrupt),
        TEST(receiving_without_fifo),
        TEST(fifo_trigger_levels),
        TEST(fifo_timeout),
        TEST(fifo_control),
        TEST(priorities),
        TEST(loopback),
        TEST(out2_gates_the_interrupt),
        TEST(request_to_send),
        TEST(fifo_wraps),
    };
    return cmocka_run_group_tests_name("uart", tests, NULL, NULL);
}
