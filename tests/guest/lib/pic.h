/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The PC's interrupt controllers and timers: the 8259 pair, the 8254, the CMOS clock, the 16550
 * (Intel's data sheets of the same numbers; the CMOS clock is Motorola's MC146818A).
 */
#ifndef TESTS_GUEST_PIC_H
#define TESTS_GUEST_PIC_H

#include "cpu.h"
#include "env.h"

/* ---- 8259 ---- */

enum { PIC1 = 0x20, PIC2 = 0xA0 }; /* command; data is the next port */
enum { PIC_EOI = 0x20, PIC_READ_IRR = 0x0A, PIC_READ_ISR = 0x0B };

/* Program both, IRQ n at IRQ_VECTOR + n, all masked. */
void pic_init(void);
void pic_mask(uint16_t mask); /* bit n: IRQ n is not let through */
void pic_eoi(unsigned irq);   /* non-specific, to both where needed */
/* Both chips' request or service register: PIC_READ_IRR, PIC_READ_ISR. */
uint16_t pic_read(uint8_t which);

/* ---- 8254 ---- */

enum { PIT_HZ = 1193182 };
enum { PIT_CH0 = 0x40, PIT_CH2 = 0x42, PIT_CONTROL = 0x43, PORT_B = 0x61 };
/* Load a counter (low byte, then high byte) in this mode, 0..5. 0 counts 65536. */
void pit_set(unsigned channel, unsigned mode, uint16_t count);
uint16_t pit_read(unsigned channel);  /* latched */
uint8_t pit_status(unsigned channel); /* by read-back */
/* Counter 2's gate and output are bits of port 61h. */
void pit_gate2(bool on);
bool pit_out2(void);

/* ---- CMOS ---- */

uint8_t cmos_read(uint8_t reg);
void cmos_write(uint8_t reg, uint8_t value);

#endif
