/* SPDX-License-Identifier: GPL-2.0-only */
/* The CMOS clock (Motorola MC146818 data sheet): date and time that outlive the power. UTC. */
#include "drivers.h"
#include "pv/pv.h"

enum {
    CMOS_INDEX = 0x70,
    CMOS_DATA = 0x71,
    SECONDS = 0,
    MINUTES = 2,
    HOURS = 4,
    DAY = 7,
    MONTH = 8,
    YEAR = 9,
    STATUS_A = 0x0A,
    STATUS_B = 0x0B,
    CENTURY = 0x32,
    A_UPDATING = 0x80,
    B_SET = 0x80,
    B_BINARY = 0x04,
    B_24H = 0x02,
};

struct date {
    uint32_t year, month, day, hour, minute, second;
};

static uint8_t cmos_read(uint8_t index)
{
    outb(index, CMOS_INDEX);
    return inb(CMOS_DATA);
}

static void cmos_write(uint8_t index, uint8_t v)
{
    outb(index, CMOS_INDEX);
    outb(v, CMOS_DATA);
}

static uint32_t from_bcd(uint32_t v)
{
    return (v >> 4) * 10 + (v & 15);
}

static uint32_t to_bcd(uint32_t v)
{
    return v / 10 << 4 | v % 10;
}

static void read_fields(struct date *d)
{
    uint8_t b = cmos_read(STATUS_B), hour = cmos_read(HOURS);
    bool pm = !(b & B_24H) && (hour & 0x80);

    *d = (struct date){cmos_read(YEAR), cmos_read(MONTH),   cmos_read(DAY),
                       hour & 0x7F,     cmos_read(MINUTES), cmos_read(SECONDS)};
    uint32_t century = cmos_read(CENTURY);
    if (!(b & B_BINARY)) {
        uint32_t *field = &d->year;
        for (unsigned i = 0; i < sizeof *d / 4; i++)
            field[i] = from_bcd(field[i]);
        century = from_bcd(century);
    }
    if (!(b & B_24H))
        d->hour = d->hour % 12 + (pm ? 12 : 0);
    if (century < 19 || century > 21)
        century = d->year >= 70 ? 19 : 20;
    d->year += century * 100;
}

/* Days since 1970-01-01 in the Gregorian calendar; years begin in March, so that the leap day comes
   last. */
static uint32_t days_since_1970(uint32_t year, uint32_t month, uint32_t day)
{
    if (month <= 2) {
        year--;
        month += 12;
    }
    return 365 * year + year / 4 - year / 100 + year / 400 + (153 * (month - 3) + 2) / 5 + day -
           719469;
}

/* Twice, until both agree: the clock may tick over while we read. */
uint32_t rtc_read(void)
{
    struct date d, again;

    for (int tries = 0; tries < 10; tries++) {
        for (int i = 0; i < 10000 && (cmos_read(STATUS_A) & A_UPDATING); i++)
            ;
        read_fields(&d);
        read_fields(&again);
        if (!memcmp(&d, &again, sizeof d))
            break;
    }
    if (d.month < 1 || d.month > 12 || d.day < 1 || d.day > 31 || d.year < 1970)
        return 0;
    return ((days_since_1970(d.year, d.month, d.day) * 24 + d.hour) * 60 + d.minute) * 60 +
           d.second;
}

static void write_field(uint8_t index, uint32_t v, bool binary)
{
    cmos_write(index, binary ? v : to_bcd(v));
}

int rtc_write(uint32_t seconds)
{
    uint32_t days = seconds / 86400, year = 1970, month = 1;
    uint8_t b = cmos_read(STATUS_B);
    bool binary = b & B_BINARY;

    if (!(b & B_24H))
        return -1;
    while (days_since_1970(year + 1, 1, 1) <= days)
        year++;
    while (month < 12 && days_since_1970(year, month + 1, 1) <= days)
        month++;
    cmos_write(STATUS_B, b | B_SET);
    write_field(SECONDS, seconds % 60, binary);
    write_field(MINUTES, seconds / 60 % 60, binary);
    write_field(HOURS, seconds / 3600 % 24, binary);
    write_field(DAY, days - days_since_1970(year, month, 1) + 1, binary);
    write_field(MONTH, month, binary);
    write_field(YEAR, year % 100, binary);
    write_field(CENTURY, year / 100, binary);
    cmos_write(STATUS_B, b);
    return 0;
}
