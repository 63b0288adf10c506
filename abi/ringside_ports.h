/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The ports that are not a PC's, and the one that is but needs a name.
 *
 * STATUS: reading 32 bits gives RINGSIDE_STATUS_MAGIC where the extension exists; writing latches
 * the status with which the run will end. The number is that of QEMU's isa-debug-exit device, so
 * that the same kernel can report there too. `ringside run --pure` takes the port away.
 * PANIC: QEMU's pvpanic device. A kernel that cannot go on sets bit 0 here when it has said why;
 * reading tells which bits are understood. The domain is then dead, as a machine is that has lost
 * its kernel, and not merely off. Gone with --pure too.
 * POWER: the ACPI PM1a control register where QEMU's PIIX4 has it; SLP_EN with SLP_TYP 0 is
 * soft-off. Writing POWER_OFF ends the run.
 * RESET: the keyboard controller's command port; KBC_RESET pulses the CPU's reset line.
 */
#ifndef RINGSIDE_PORTS_H
#define RINGSIDE_PORTS_H

#define RINGSIDE_STATUS_PORT 0xF4
#define RINGSIDE_STATUS_MAGIC 0x52494E47u /* "RING" */

#define RINGSIDE_PANIC_PORT 0x505
#define RINGSIDE_PANICKED 1

#define RINGSIDE_POWER_PORT 0x604 /* 16 bits */
#define RINGSIDE_POWER_OFF 0x2000

#define RINGSIDE_RESET_PORT 0x64
#define RINGSIDE_KBC_RESET 0xFE

/* Status of a run whose kernel panicked. */
#define RINGSIDE_STATUS_PANIC 70

/* Where `-e` leaves its commands in the appended cpio archive. */
#define RINGSIDE_CMD_FILE "/run/ringside/cmd"

#endif
