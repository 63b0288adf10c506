/* SPDX-License-Identifier: GPL-2.0-only */
/* Saved machines, checksums aside, loaded into a machine without an engine. */
#include "fuzz.h"

#include <unistd.h>

#include "emu/fake_machine.h"
#include "savefile.h"

#define RAM MEM_MIN_BYTES

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct fake *f;
    struct save_info info;
    struct err err = {.class = ERR_NONE};
    struct savefile *s = savefile_open(fuzz_file(data, size), &info, &err);
    bool ok = false;

    if (!f)
        f = fake_new(RAM);
    if (s) {
        FUZZ_PROMISE(info.config.mem_bytes >= MEM_MIN_BYTES);
        ok = savefile_load(s, &f->parts, &err);
        savefile_close(s);
    }
    FUZZ_PROMISE(ok || err.class == ERR_FILE || err.class == ERR_USAGE || err.class == ERR_SYSTEM);
    return 0;
}

size_t fuzz_seed(unsigned i, uint8_t *to, size_t room)
{
    struct save_info info = {.config = {.model = "native", .mem_bytes = RAM}};
    char path[] = P_tmpdir "/ringside-fuzz-XXXXXX";
    int fd = i < 2 ? mkstemp(path) : -1;

    if (fd < 0)
        return 0;
    close(fd);
    struct fake *f = fake_new(RAM);
    if (i)
        fake_work(f, 5);
    FUZZ_PROMISE(savefile_write(path, &f->parts, &info, NULL));
    fake_free(f);
    FILE *file = fopen(path, "rb");
    FUZZ_PROMISE(file);
    size_t n = fread(to, 1, room, file);
    fclose(file);
    unlink(path);
    return n;
}
