/* SPDX-License-Identifier: GPL-2.0-only */
#include "version.h"

#include "emu/machine.h"

void print_versions(FILE *to)
{
    fprintf(to, "ringside %s\n", RINGSIDE_VERSION);
    /* The engine is asked, since what a run computes hangs on it; the rest is as it was built. */
    fprintf(to, "Unicorn %s\n", cpu_engine_version());
    fputs(RINGSIDE_LIBRARIES "\n", to);
    fputs("License GPL-2.0-only; no warranty, to the extent permitted by law.\n", to);
}
