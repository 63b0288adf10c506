/* SPDX-License-Identifier: GPL-2.0-only */
/* Recordings, checksums aside: container, JSON header, images, input log. */
#include "fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mem.h"
#include "record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct recording r;
    struct err err = {.class = ERR_NONE};

    if (record_read(fuzz_file(data, size), &r, &err)) {
        FUZZ_PROMISE(r.config.mem_bytes >= MEM_MIN_BYTES && r.config.mem_bytes <= MEM_MAX_BYTES);
        FUZZ_PROMISE(memchr(r.config.model, 0, sizeof r.config.model));
        FUZZ_PROMISE(memchr(r.config.cmdline, 0, sizeof r.config.cmdline));
        FUZZ_PROMISE(!disks_refuse(r.config.disk_bytes));
        for (unsigned i = 0; i < DISKS_MAX; i++)
            FUZZ_PROMISE(r.disk[i].size == r.config.disk_bytes[i]);
        for (size_t i = 1; i < r.entries; i++)
            FUZZ_PROMISE(r.log[i].cycle >= r.log[i - 1].cycle && r.log[i].byte <= INPUT_END);
        record_free(&r);
    } else {
        FUZZ_PROMISE(err.class == ERR_FILE || err.class == ERR_SYSTEM);
        FUZZ_PROMISE(!r.kernel.data && !r.initrd.data && !r.disk[0].data && !r.log);
    }
    return 0;
}

size_t fuzz_seed(unsigned i, uint8_t *to, size_t room)
{
    static struct input_entry log[] = {{10, 'a'}, {20, 'b'}, {30, INPUT_END}};
    struct recording r = {
        .config = {.model = "native", .cmdline = "quiet", .mem_bytes = 4 << 20},
        .kernel = {(const uint8_t *)"kernel", 6, "kernel"},
        .initrd = {(const uint8_t *)"initrd", 6, "initrd"},
        .log = log,
        .entries = i ? 0 : 3,
        .result = {.end = "power-off"},
    };
    static const uint8_t sectors[1024] = {1, 2, 3};
    if (i) {
        r.config.disk_bytes[0] = sizeof sectors;
        r.disk[0] = (struct image){sectors, sizeof sectors, "disk"};
    }
    char path[] = P_tmpdir "/ringside-fuzz-XXXXXX";
    int fd = i < 2 ? mkstemp(path) : -1;
    size_t n = 0;

    if (fd < 0)
        return 0;
    close(fd);
    FUZZ_PROMISE(record_write(path, &r, NULL));
    FILE *f = fopen(path, "rb");
    FUZZ_PROMISE(f);
    n = fread(to, 1, room, f);
    fclose(f);
    unlink(path);
    return n;
}
