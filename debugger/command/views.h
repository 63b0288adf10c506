/* SPDX-License-Identifier: GPL-2.0-only */
/* What the views of both sides of the boundary share. */
#ifndef DEBUGGER_COMMAND_VIEWS_H
#define DEBUGGER_COMMAND_VIEWS_H

#include "data.h"
#include "debugger/trace_view.h"

/* ---- bits by their names: "PF ZF IF" ---- */
void view_eflags(uint32_t v, char *text, size_t size);
void view_cr0(uint32_t v, char *text, size_t size);
void view_cr4(uint32_t v, char *text, size_t size);

#endif
