/* SPDX-License-Identifier: GPL-2.0-only */
/* The devices of a PC, as far as this kernel drives them. */
#ifndef DRIVERS_DRIVERS_H
#define DRIVERS_DRIVERS_H

#include "lib/lib.h"

/* ---- what stands between device lines and the processor: a backend's init_IRQ chooses ---- */

struct irq_chip {
    const char *name; /* for /proc/interrupts */
    void (*mask)(unsigned line);
    void (*unmask)(unsigned line);
    bool (*acknowledge)(unsigned line); /* false: a spurious interrupt, to be ignored */
};
void irq_set_chip(const struct irq_chip *chip); /* kernel/irq.c */

/* ---- two 8259 interrupt controllers (pic.c) ---- */

void pic_init(void); /* vectors 0x20 to 0x2F, all lines masked */
extern const struct irq_chip pic_chip;
#define PIC_CASCADE 2 /* the line on which the second hangs */

/* ---- 8254 timer (pit.c) ---- */

void pit_start(unsigned hz);      /* counter 0, periodic, interrupt line 0 */
uint32_t pit_calibrate_tsc(void); /* kHz */

/* ---- CMOS clock (rtc.c) ---- */

uint32_t rtc_read(void); /* seconds since 1970 */
int rtc_write(uint32_t seconds); /* 0 or -1 */

/* ---- the console: what printk and the terminal stand on ---- */

struct console_ops {
    void (*init)(void);        /* polled output, from the first line of the kernel's life */
    void (*start_input)(void); /* interrupts: bytes go to the console's tty */
    void (*ask)(bool wanted);  /* somebody waits for input, or nobody any more */
    void (*write)(const char *bytes, size_t n); /* raw, waits until all is taken */
};
extern struct console_ops console_ops; /* the 16550, until a backend knows better */

/* ---- 16550 serial port (uart.c) ---- */

extern const struct console_ops uart_console;

/* ---- the end (power.c) ---- */

/* Switch the machine off, or start it again. Neither comes back where it works. A PC's ports, until a
   backend's arch_setup says how else. */
struct machine_ops {
    void (*power_off)(const char *why); /* a panic's text, or "Power down" */
    void (*restart)(void);
};
extern struct machine_ops machine_ops;

void power_off(uint32_t status) __noreturn; /* status: the run's, where there is a port for it */
void power_off_panicked(const char *why) __noreturn;
void power_reset(void) __noreturn;
void power_halt(void) __noreturn; /* stop for ever, interrupts masked */

#endif
