/* SPDX-License-Identifier: GPL-2.0-only */
/* cpio archives. */
#include "fuzz.h"

#include <string.h>

#include "load/load.h"

static volatile uint8_t sink;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cpio_reader r = {.image = {data, size, "archive"}};
    struct cpio_entry e;
    struct err err = {.class = ERR_NONE};
    enum cpio_next next;
    size_t last = 0;

    while ((next = cpio_next(&r, &e, &err)) == CPIO_ENTRY) {
        FUZZ_PROMISE(r.at > last && r.at <= size);
        last = r.at;
        FUZZ_PROMISE(e.offset < size && strlen(e.name) > 0);
        if (e.size) {
            FUZZ_PROMISE(e.data >= data && e.size <= size - (size_t)(e.data - data));
            sink = e.data[0];
            sink = e.data[e.size - 1];
        }
    }
    FUZZ_PROMISE(next == CPIO_DONE || (err.class == ERR_FILE && strstr(err.text, "archive")));
    FUZZ_PROMISE(cpio_check(r.image, NULL) == (next == CPIO_DONE));
    return 0;
}

size_t fuzz_seed(unsigned i, uint8_t *to, size_t room)
{
    struct initrd *rd = initrd_new();
    struct image img = {0};
    size_t n = 0;

    FUZZ_PROMISE(rd);
    if (i == 1)
        FUZZ_PROMISE(initrd_add_file(rd, "/a/deep/path/file", 0644, "bytes", 5, NULL));
    if (i <= 1 && initrd_add_commands(rd, "echo hello", NULL) && initrd_finish(rd, &img, NULL) &&
        img.size <= room) {
        n = img.size;
        memcpy(to, img.data, n);
    }
    image_free(&img);
    initrd_free(rd);
    return n;
}
