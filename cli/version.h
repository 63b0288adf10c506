/* SPDX-License-Identifier: GPL-2.0-only */
/* The versions of the program and of the libraries it runs with. */
#ifndef CLI_VERSION_H
#define CLI_VERSION_H

#include <stdio.h>

void print_versions(FILE *to);

#endif
