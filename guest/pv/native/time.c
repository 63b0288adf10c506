/* SPDX-License-Identifier: GPL-2.0-only */
/* pv_time_ops on the bare machine: the 8254, the CMOS clock, the time-stamp counter. */
#include "native.h"
#include "drivers/drivers.h"
#include "kernel/time.h"

void native_time_init(void)
{
    pit_start(HZ);
}

uint32_t native_get_wallclock(void)
{
    return rtc_read();
}

int native_set_wallclock(uint32_t seconds)
{
    return rtc_write(seconds);
}

uint64_t native_sched_clock(void)
{
    return tsc_to_ns(pv_read_tsc());
}

uint32_t native_get_tsc_khz(void)
{
    return pit_calibrate_tsc();
}
