/* SPDX-License-Identifier: GPL-2.0-only */
/* docs/hooks.md: the catalogue of hooks as a page of the reference. */
#ifndef CLI_HOOKS_PAGE_H
#define CLI_HOOKS_PAGE_H

#include <stdio.h>

#include "debugger/kernel.h"

/* Markdown, the same bytes from the same catalogue and kernel backends. */
void hooks_page(const struct kernel *k, FILE *to);

#endif
