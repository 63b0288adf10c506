/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A guest that does anything to the ports, at any time. The host must stand it; and since all state
 * is in the blocks, a board whose blocks are copied from another at any moment must from then on
 * answer as that one does, to the last bit.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "emu/dev/pc.h"
#include "random.h"

struct board {
    struct clock clock;
    struct state state;
    struct pc *pc;
    uint64_t now;
    uint64_t heard; /* a hash of all that the board told the world */
};

static void hear(struct board *b, uint64_t what)
{
    b->heard = (b->heard ^ what) * 0x100000001B3;
}

static uint64_t on_now(void *ctx)
{
    return ((struct board *)ctx)->now;
}

static void on_console(void *ctx, const uint8_t *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++)
        hear(ctx, bytes[i]);
}

static void on_status(void *ctx, uint32_t status)
{
    hear(ctx, 0x100000000 | status);
}

static void on_power(void *ctx, enum pc_power what)
{
    hear(ctx, 0x200000000 | what);
}

static struct board *new_board(int64_t epoch)
{
    struct board *b = calloc(1, sizeof *b);

    assert_non_null(b);
    struct pc_config cfg = {
        .clock = &b->clock,
        .state = &b->state,
        .mem_bytes = 64 << 20,
        .rtc_epoch = epoch,
        .extension = true,
        .now = on_now,
        .console = on_console,
        .status = on_status,
        .power = on_power,
        .ctx = b,
    };
    b->pc = pc_new(&cfg, NULL);
    assert_non_null(b->pc);
    return b;
}

static void free_board(struct board *b)
{
    pc_free(b->pc);
    free(b);
}

static void copy_board(struct board *to, const struct board *from)
{
    assert_int_equal(to->state.blocks, from->state.blocks);
    for (unsigned i = 0; i < from->state.blocks; i++)
        memcpy(to->state.block[i].data, from->state.block[i].data, from->state.block[i].size);
    to->now = from->now;
    to->heard = from->heard;
}

/* One thing that a guest or the world may do, chosen by `what`. */
static uint64_t act(struct board *b, uint64_t what)
{
    static const uint16_t ports[] = {
        0x20,  0x21, 0xA0, 0xA1, 0x4D0, 0x4D1, 0x40,  0x41,  0x42,  0x43,   0x43,
        0x61,  0x70, 0x71, 0x71, 0x3F8, 0x3F9, 0x3FA, 0x3FB, 0x3FC, 0x3FD,  0x3FE,
        0x3FF, 0x60, 0x64, 0x92, 0xF4,  0x604, 0x605, 0xCF8, 0x80,  0xFFFF,
    };
    struct random r = {what};
    uint16_t port = ports[random_below(&r, sizeof ports / sizeof ports[0])];
    unsigned size = one_in(&r, 8) ? 1u << random_below(&r, 3) : 1;
    uint32_t value = (uint32_t)random_next(&r);
    uint64_t answer = 0;

    if (port == 0x71) /* mostly the clock's own registers */
        pc_port_write(b->pc, 0x70, 1, (uint32_t)random_below(&r, one_in(&r, 8) ? 128 : 14));
    if (one_in(&r, 2))
        pc_port_write(b->pc, port, size, value);
    else
        answer = pc_port_read(b->pc, port, size);
    if (one_in(&r, 16) && pc_console_can_receive(b->pc))
        pc_console_receive(b->pc, (uint8_t)value);
    if (pc_irq_pending(b->pc) && one_in(&r, 2))
        answer |= (uint64_t)pc_irq_ack(b->pc) << 32;
    return answer | (uint64_t)pc_irq_pending(b->pc) << 48;
}

/* Time passes; seldom a lot of it at once, as when a model charges for something long. */
static void wait(struct board *b, uint64_t what)
{
    struct random r = {what};
    uint64_t span = one_in(&r, 64) ? 3000000 : 4000;
    if (one_in(&r, 3000))
        span = 1ull << random_below(&r, 30);
    uint64_t to = b->now + random_below(&r, span);

    if (one_in(&r, 4)) { /* late: all that was due fires now */
        b->now = to;
        clock_run_due(&b->clock, b->now);
    }
    while (clock_next(&b->clock) <= to) {
        b->now = clock_next(&b->clock);
        clock_run_due(&b->clock, b->now);
    }
    assert_true(clock_next(&b->clock) > to);
    b->now = to;
}

static void anything_goes(void **state)
{
    (void)state;
    for (unsigned run = 0; run < 20; run++) {
        struct random r = {run};
        struct board *b = new_board((int64_t)random_next(&r));
        struct board *twin = new_board(0);

        for (unsigned i = 0; i < 10000; i++) {
            uint64_t what = random_next(&r), pause = random_next(&r);
            if (i % 1000 == 0) /* the twin becomes this board */
                copy_board(twin, b);
            uint64_t answer = act(b, what);
            assert_int_equal(answer, act(twin, what));
            wait(b, pause);
            wait(twin, pause);
            assert_int_equal(clock_next(&b->clock), clock_next(&twin->clock));
        }
        assert_int_equal(b->heard, twin->heard);
        for (unsigned i = 0; i < b->state.blocks; i++)
            assert_memory_equal(b->state.block[i].data, twin->state.block[i].data,
                                b->state.block[i].size);
        free_board(twin);
        free_board(b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(anything_goes),
    };
    return cmocka_run_group_tests_name("dev-hostile", tests, NULL, NULL);
}
