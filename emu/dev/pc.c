/* SPDX-License-Identifier: GPL-2.0-only */
/* The board of a PC: devices, ports and wires. */
#include "pc.h"

#include <stdlib.h>

#include "guard.h"
#include "pic.h"
#include "pit.h"
#include "ports.h"
#include "power.h"
#include "rtc.h"
#include "uart.h"

struct pc {
    struct pc_config config;
    struct ports ports;
    struct pic pic;
    struct pit pit;
    struct uart uart;
    struct rtc rtc;
    struct power power;
};

enum { IRQ_TIMER = 0, IRQ_SERIAL = 4, IRQ_CLOCK = 8, COM1 = 0x3F8 };

/* What a PC may have and this one has not. Programs touch these ports to find that out, or to wait
   a microsecond; that is nothing a person has to hear about. */
static const struct absent {
    uint16_t first, count;
    const char *what;
} absent[] = {
    {0x00, 0x10, "DMA controller 1"},
    {0x2E, 2, "super I/O chip"},
    {0x4E, 2, "super I/O chip, its other place"},
    {0x80, 0x10, "POST codes, DMA page registers"},
    {0xC0, 0x20, "DMA controller 2"},
    {0xED, 1, "the other port for a short delay"},
    {0xF0, 2, "FPU busy latch"},
    {0x170, 8, "IDE, second channel"},
    {0x1F0, 8, "IDE, first channel"},
    {0x278, 8, "printer"},
    {0x2E8, 8, "COM4"},
    {0x2F8, 8, "COM2"},
    {0x376, 1, "IDE, second channel"},
    {0x378, 8, "printer"},
    {0x3B0, 0x30, "VGA"},
    {0x3E8, 8, "COM3"},
    {0x3F0, 8, "floppy; IDE, first channel"},
    {0xA79, 1, "ISA Plug and Play, commands"},
    {0xCF8, 8, "PCI configuration"},
};

static uint64_t now(void *ctx)
{
    const struct pc *pc = ctx;
    return pc->config.now(pc->config.ctx);
}

static void unknown_port(void *ctx, uint16_t port, bool write)
{
    const struct pc *pc = ctx;
    if (pc->config.unknown_port)
        pc->config.unknown_port(pc->config.ctx, port, write);
}

static void console(void *ctx, const uint8_t *bytes, size_t n)
{
    const struct pc *pc = ctx;
    if (pc->config.console)
        pc->config.console(pc->config.ctx, bytes, n);
}

static void status(void *ctx, uint32_t value)
{
    const struct pc *pc = ctx;
    if (pc->config.status)
        pc->config.status(pc->config.ctx, value);
}

static void panicked(void *ctx)
{
    const struct pc *pc = ctx;
    if (pc->config.power)
        pc->config.power(pc->config.ctx, PC_PANICKED);
}

static void off(void *ctx)
{
    const struct pc *pc = ctx;
    if (pc->config.power)
        pc->config.power(pc->config.ctx, PC_POWER_OFF);
}

static void reset(void *ctx)
{
    const struct pc *pc = ctx;
    if (pc->config.power)
        pc->config.power(pc->config.ctx, PC_RESET);
}

struct pc *pc_new(const struct pc_config *cfg, struct err *err)
{
    struct pc *pc = guard_alloc(sizeof *pc, "the devices' state");

    if (!pc) {
        err_set(err, ERR_SYSTEM, "out of memory");
        return NULL;
    }
    pc->config = *cfg;
    pc->ports.unknown = unknown_port;
    pc->ports.ctx = pc;
    pc->uart.out = console;
    pc->uart.now = now;
    pc->uart.ctx = pc;
    pc->power.status = status;
    pc->power.panicked = panicked;
    pc->power.off = off;
    pc->power.reset = reset;
    pc->power.ctx = pc;

    pic_init(&pc->pic, cfg->state, &pc->ports);
    pit_init(&pc->pit, cfg->state, cfg->clock, &pc->ports, pic_line(&pc->pic, IRQ_TIMER), now, pc);
    uart_init(&pc->uart, cfg->state, "uart", cfg->clock, &pc->ports, COM1,
              pic_line(&pc->pic, IRQ_SERIAL));
    rtc_init(&pc->rtc, cfg->state, cfg->clock, &pc->ports, pic_line(&pc->pic, IRQ_CLOCK),
             cfg->rtc_epoch, cfg->mem_bytes, now, pc);
    power_init(&pc->power, cfg->state, &pc->ports, cfg->extension);
    for (unsigned i = 0; i < sizeof absent / sizeof absent[0]; i++)
        ports_add(&pc->ports, (struct port_range){
                                  .first = absent[i].first, .count = absent[i].count, .width = 4});
    return pc;
}

void pc_free(struct pc *pc)
{
    guard_free(pc);
}

uint32_t pc_port_read(struct pc *pc, uint16_t port, unsigned size)
{
    return ports_read(&pc->ports, port, size);
}

void pc_port_write(struct pc *pc, uint16_t port, unsigned size, uint32_t value)
{
    ports_write(&pc->ports, port, size, value);
}

bool pc_irq_pending(const struct pc *pc)
{
    return pic_pending(&pc->pic);
}

uint8_t pc_irq_ack(struct pc *pc)
{
    return pic_ack(&pc->pic);
}

bool pc_is_console_port(uint16_t port)
{
    return port >= COM1 && port < COM1 + 8;
}

bool pc_console_can_receive(const struct pc *pc)
{
    return uart_can_receive(&pc->uart);
}

void pc_console_receive(struct pc *pc, uint8_t byte)
{
    uart_receive(&pc->uart, byte);
}

bool pc_console_wants(const struct pc *pc)
{
    return uart_wants(&pc->uart);
}
