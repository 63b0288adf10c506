/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a person chose about a run, as files keep it: everything that decides what the guest will
 * see, but for its images and its input.
 */
#ifndef EMU_CONFIG_H
#define EMU_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#include "dev/disk.h"

struct run_config {
    char model[64]; /* as given to --hv: "native", "lguest:2.6.31" */
    char cmdline[4096];
    uint64_t mem_bytes, seed;
    uint64_t max_cycles; /* 0: no limit */
    uint64_t disk_bytes[DISKS_MAX]; /* 0: no more disks */
    int64_t rtc_epoch;
    char costs[512]; /* "hcall=100,irq=0": what is charged otherwise than the model's table says */
    bool pure;
    bool batch; /* -e: nobody types, and a continued run shall not begin to listen */
};

#endif
