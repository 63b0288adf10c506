/* SPDX-License-Identifier: GPL-2.0-only */
/* The port bus: ranges, splitting, and ports where nobody is. Then the board that is built on it. */
#include "rig.h"

#include "abi/ringside_ports.h"
#include "emu/dev/pc.h"

struct bench {
    struct ports ports;
    uint8_t bytes[8];  /* an 8-bit device at 100h */
    uint32_t word;     /* a 32-bit device at 200h */
    unsigned accesses; /* to either */
    char order[16];
    unsigned told;
    uint16_t last_port;
    bool last_write;
};

static uint32_t read8(void *ctx, uint16_t port, unsigned size)
{
    struct bench *b = ctx;

    assert_int_equal(size, 1);
    b->order[b->accesses++ & 15] = (char)('0' + (port & 7));
    return b->bytes[port & 7];
}

static void write8(void *ctx, uint16_t port, unsigned size, uint32_t value)
{
    struct bench *b = ctx;

    assert_int_equal(size, 1);
    assert_in_range(value, 0, 0xFF);
    b->order[b->accesses++ & 15] = (char)('0' + (port & 7));
    b->bytes[port & 7] = (uint8_t)value;
}

static uint32_t read32(void *ctx, uint16_t port, unsigned size)
{
    struct bench *b = ctx;

    (void)size;
    b->accesses++;
    return b->word >> 8 * (port & 3);
}

static void write32(void *ctx, uint16_t port, unsigned size, uint32_t value)
{
    struct bench *b = ctx;

    (void)port;
    (void)size;
    b->accesses++;
    b->word = value;
}

static void unknown(void *ctx, uint16_t port, bool write)
{
    struct bench *b = ctx;

    b->told++;
    b->last_port = port;
    b->last_write = write;
}

static int setup(void **state)
{
    struct bench *b = calloc(1, sizeof *b);

    assert_non_null(b);
    b->ports.unknown = unknown;
    b->ports.ctx = b;
    ports_add(&b->ports, (struct port_range){0x100, 8, 1, read8, write8, b});
    ports_add(&b->ports, (struct port_range){0x200, 4, 4, read32, write32, b});
    ports_add(&b->ports, (struct port_range){0x300, 4, 1, NULL, NULL, NULL});
    *state = b;
    return 0;
}

static int teardown(void **state)
{
    free(*state);
    return 0;
}

static void whole_accesses(void **state)
{
    struct bench *b = *state;

    ports_write(&b->ports, 0x200, 4, 0xCAFEF00D);
    assert_int_equal(b->accesses, 1);
    assert_int_equal(ports_read(&b->ports, 0x200, 4), 0xCAFEF00D);
    assert_int_equal(ports_read(&b->ports, 0x202, 2), 0xCAFE);
    assert_int_equal(ports_read(&b->ports, 0x201, 1), 0xF0); /* no more bits than asked for */
    assert_int_equal(b->accesses, 4);
}

static void split_accesses(void **state)
{
    struct bench *b = *state;

    ports_write(&b->ports, 0x102, 4, 0x44332211);
    assert_string_equal(b->order, "2345");
    assert_int_equal(b->bytes[2], 0x11);
    assert_int_equal(b->bytes[5], 0x44);
    assert_int_equal(ports_read(&b->ports, 0x103, 2), 0x3322);
    assert_string_equal(b->order, "234534");
}

static void half_outside(void **state)
{
    struct bench *b = *state;

    b->bytes[7] = 0x5A;
    assert_int_equal(ports_read(&b->ports, 0x107, 2), 0xFF5A);
    assert_int_equal(b->told, 1);
    assert_int_equal(b->last_port, 0x108);
    assert_int_equal(ports_read(&b->ports, 0x203, 4), 0xFFFFFF00);
}

static void unknown_ports(void **state)
{
    struct bench *b = *state;

    assert_int_equal(ports_read(&b->ports, 0x5678, 1), 0xFF);
    assert_int_equal(ports_read(&b->ports, 0x5678, 2), 0xFFFF);
    assert_int_equal(ports_read(&b->ports, 0x5678, 4), 0xFFFFFFFF);
    ports_write(&b->ports, 0x5678, 4, 1);
    assert_int_equal(b->told, 1); /* once */
    assert_int_equal(b->last_port, 0x5678);
    assert_false(b->last_write);
    ports_write(&b->ports, 0x5679, 1, 1);
    assert_int_equal(b->told, 2);
    assert_true(b->last_write);
}

static void last_port(void **state)
{
    struct bench *b = *state;

    assert_int_equal(ports_read(&b->ports, 0xFFFF, 4), 0xFFFFFFFF);
    ports_write(&b->ports, 0xFFFE, 4, 0);
    assert_int_equal(b->told, 2);
}

static void absent_on_purpose(void **state)
{
    struct bench *b = *state;

    assert_int_equal(ports_read(&b->ports, 0x300, 4), 0xFFFFFFFF);
    ports_write(&b->ports, 0x301, 1, 0);
    assert_int_equal(b->told, 0);
}

/* ---- the board ---- */

struct world {
    struct clock clock;
    struct state state;
    struct pc *pc;
    uint64_t now;
    char console[64];
    size_t printed;
    uint32_t status;
    unsigned offs, resets, told;
};

static uint64_t world_now(void *ctx)
{
    return ((struct world *)ctx)->now;
}

static void world_console(void *ctx, const uint8_t *bytes, size_t n)
{
    struct world *w = ctx;

    assert_true(w->printed + n < sizeof w->console);
    memcpy(w->console + w->printed, bytes, n);
    w->printed += n;
}

static void world_status(void *ctx, uint32_t status)
{
    ((struct world *)ctx)->status = status;
}

static void world_power(void *ctx, enum pc_power what)
{
    struct world *w = ctx;

    if (what == PC_POWER_OFF)
        w->offs++;
    else
        w->resets++;
}

static void world_unknown(void *ctx, uint16_t port, bool write)
{
    (void)port;
    (void)write;
    ((struct world *)ctx)->told++;
}

static struct world *new_world(bool extension)
{
    struct world *w = calloc(1, sizeof *w);
    struct pc_config cfg = {
        .mem_bytes = 64 << 20,
        .rtc_epoch = 1136073600,
        .extension = extension,
        .now = world_now,
        .console = world_console,
        .status = world_status,
        .power = world_power,
        .unknown_port = world_unknown,
    };

    assert_non_null(w);
    cfg.clock = &w->clock;
    cfg.state = &w->state;
    cfg.ctx = w;
    w->pc = pc_new(&cfg, NULL);
    assert_non_null(w->pc);
    return w;
}

static void free_world(struct world *w)
{
    pc_free(w->pc);
    free(w);
}

static void board_power(void **state)
{
    struct world *w = new_world(true);

    (void)state;
    assert_int_equal(pc_port_read(w->pc, RINGSIDE_STATUS_PORT, 4), RINGSIDE_STATUS_MAGIC);
    pc_port_write(w->pc, RINGSIDE_STATUS_PORT, 4, 42);
    assert_int_equal(w->status, 42);
    pc_port_write(w->pc, RINGSIDE_POWER_PORT, 2,
                  0x2400 | RINGSIDE_POWER_OFF); /* another sleep type */
    assert_int_equal(w->offs, 0);
    pc_port_write(w->pc, RINGSIDE_POWER_PORT, 2, RINGSIDE_POWER_OFF);
    assert_int_equal(w->offs, 1);
    assert_int_equal(pc_port_read(w->pc, RINGSIDE_POWER_PORT, 2), 0);
    pc_port_write(w->pc, RINGSIDE_RESET_PORT, 1, 0xFF);
    assert_int_equal(w->resets, 0);
    pc_port_write(w->pc, RINGSIDE_RESET_PORT, 1, RINGSIDE_KBC_RESET);
    assert_int_equal(w->resets, 1);
    pc_port_write(w->pc, RINGSIDE_RESET_PORT, 1, 0xD1); /* output port: A20 on, not reset */
    pc_port_write(w->pc, 0x60, 1, 0xDF);
    assert_int_equal(w->resets, 1);
    pc_port_write(w->pc, RINGSIDE_RESET_PORT, 1, 0xD1);
    pc_port_write(w->pc, 0x60, 1, 0xDE);
    assert_int_equal(w->resets, 2);
    pc_port_write(w->pc, 0x92, 1, pc_port_read(w->pc, 0x92, 1) | 1);
    assert_int_equal(w->resets, 3);
    assert_int_equal(pc_port_read(w->pc, 0x64, 1) & 2, 0); /* ready for a command */
    assert_int_equal(w->told, 0);
    free_world(w);
}

static void board_without_the_extension(void **state)
{
    struct world *w = new_world(false);

    (void)state;
    assert_int_equal(pc_port_read(w->pc, RINGSIDE_STATUS_PORT, 4), 0xFFFFFFFF);
    assert_int_equal(w->told, 1);
    pc_port_write(w->pc, RINGSIDE_STATUS_PORT, 4, 42);
    assert_int_equal(w->status, 0);
    free_world(w);
}

static void board_quiet_ports(void **state)
{
    struct world *w = new_world(true);

    (void)state;
    pc_port_write(w->pc, 0x80, 1, 0x55);
    pc_port_write(w->pc, 0x4E, 1, 0x55); /* Linux's serial driver, looking for super I/O chips */
    assert_int_equal(pc_port_read(w->pc, 0x2F, 1), 0xFF);
    pc_port_write(w->pc, 0xA79, 1, 2);
    pc_port_write(w->pc, 0xCF8, 4, 0x80000000);
    assert_int_equal(pc_port_read(w->pc, 0xCF8, 4), 0xFFFFFFFF);
    assert_int_equal(pc_port_read(w->pc, 0xCFC, 4), 0xFFFFFFFF);
    assert_int_equal(pc_port_read(w->pc, 0x3DA, 1), 0xFF);
    assert_int_equal(pc_port_read(w->pc, 0x08, 1), 0xFF);
    assert_int_equal(w->told, 0);
    pc_port_read(w->pc, 0x1234, 1);
    assert_int_equal(w->told, 1);
    free_world(w);
}

/* The wires: timer to 0, serial to 4, clock to 8 through the second controller. */
static void board_interrupts(void **state)
{
    struct world *w = new_world(true);
    static const uint8_t icw[][2] = {
        {0x20, 0x11}, {0x21, 0x20}, {0x21, 4}, {0x21, 1}, {0x21, 0},
        {0xA0, 0x11}, {0xA1, 0x28}, {0xA1, 2}, {0xA1, 1}, {0xA1, 0},
    };

    (void)state;
    assert_false(pc_irq_pending(w->pc));
    for (unsigned i = 0; i < sizeof icw / sizeof icw[0]; i++)
        pc_port_write(w->pc, icw[i][0], 1, icw[i][1]);
    pc_port_write(w->pc, 0x43, 1, 0x30); /* mode 0, 1000 ticks */
    pc_port_write(w->pc, 0x40, 1, 1000 & 0xFF);
    pc_port_write(w->pc, 0x40, 1, 1000 >> 8);
    assert_false(pc_irq_pending(w->pc));
    w->now = clock_next(&w->clock);
    assert_int_equal(w->now, clock_cycle_of_tick(1001, 1193182));
    clock_run_due(&w->clock, w->now);
    assert_true(pc_irq_pending(w->pc));
    assert_int_equal(pc_irq_ack(w->pc), 0x20);
    pc_port_write(w->pc, 0x20, 1, 0x20);

    pc_port_write(w->pc, 0x3FC, 1, 0x0B); /* DTR, RTS, OUT2 */
    pc_port_write(w->pc, 0x3F9, 1, 0x01);
    assert_true(pc_console_wants(w->pc));
    assert_true(pc_console_can_receive(w->pc));
    pc_console_receive(w->pc, 'x');
    assert_int_equal(pc_irq_ack(w->pc), 0x24);
    assert_int_equal(pc_port_read(w->pc, 0x3F8, 1), 'x');
    pc_port_write(w->pc, 0x20, 1, 0x20);
    pc_port_write(w->pc, 0x3F8, 1, '!');
    assert_string_equal(w->console, "!");

    pc_port_write(w->pc, 0x70, 1, 0x0B);
    pc_port_write(w->pc, 0x71, 1, 0x12); /* update-ended interrupt */
    w->now = clock_next(&w->clock);
    assert_int_equal(w->now, 1000000000);
    clock_run_due(&w->clock, w->now);
    assert_int_equal(pc_irq_ack(w->pc), 0x28);
    free_world(w);
}

/* A board whose blocks are copied away and back is where it was: nothing hides elsewhere. */
static void board_state_is_in_the_blocks(void **state)
{
    struct world *w = new_world(true);
    uint8_t *copy[STATE_MAX_BLOCKS];

    (void)state;
    pc_port_write(w->pc, 0x43, 1, 0x34);
    pc_port_write(w->pc, 0x40, 1, 0x34);
    pc_port_write(w->pc, 0x40, 1, 0x12);
    pc_port_write(w->pc, 0x3FC, 1, 0x0B);
    pc_console_receive(w->pc, 'a');
    w->now = 5000;
    uint64_t due = clock_next(&w->clock);
    for (unsigned i = 0; i < w->state.blocks; i++) {
        copy[i] = malloc(w->state.block[i].size);
        assert_non_null(copy[i]);
        memcpy(copy[i], w->state.block[i].data, w->state.block[i].size);
    }
    pc_port_write(w->pc, 0x43, 1, 0x30);
    assert_int_equal(pc_port_read(w->pc, 0x3F8, 1), 'a');
    pc_port_write(w->pc, 0x70, 1, 0x0B);
    pc_port_write(w->pc, 0x71, 1, 0x72);
    w->now = 900000;
    for (unsigned i = 0; i < w->state.blocks; i++) {
        memcpy(w->state.block[i].data, copy[i], w->state.block[i].size);
        free(copy[i]);
    }
    w->now = 5000;
    assert_int_equal(clock_next(&w->clock), due);
    assert_int_equal(pc_port_read(w->pc, 0x3F8, 1), 'a');
    pc_port_write(w->pc, 0x43, 1, 0xE2); /* read back the status: mode 2, both bytes, loaded */
    assert_int_equal(pc_port_read(w->pc, 0x40, 1), 0xB4);
    free_world(w);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(whole_accesses),
        TEST(split_accesses),
        TEST(half_outside),
        TEST(unknown_ports),
        TEST(last_port),
        TEST(absent_on_purpose),
        cmocka_unit_test(board_power),
        cmocka_unit_test(board_without_the_extension),
        cmocka_unit_test(board_quiet_ports),
        cmocka_unit_test(board_interrupts),
        cmocka_unit_test(board_state_is_in_the_blocks),
    };
    return cmocka_run_group_tests_name("ports", tests, NULL, NULL);
}
