/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A small machine under the debugger, for what parses somebody's words about it: a bare guest that
 * stores, loads, faults and asks for ports in a loop of a few thousand cycles. It is used for many
 * inputs, each of which begins at its first instruction, and then replaced.
 */
#ifndef TESTS_FUZZ_DEBUGGED_H
#define TESTS_FUZZ_DEBUGGED_H

#include "debugger/control/debug.h"

/* Standing at its first instruction; its stops are gone. */
struct debug *debugged(void);

#endif
