/* SPDX-License-Identifier: GPL-2.0-only */
/* What all fuzz targets share; see fuzz.h. */
#include "fuzz.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

_Noreturn void fuzz_broken(const char *file, int line, const char *what)
{
    fprintf(stderr, "%s:%d: broken promise: %s\n", file, line, what);
    abort();
}

const char *fuzz_file(const uint8_t *data, size_t size)
{
    static char path[40];
    static int fd = -1;

    if (fd < 0) {
        fd = memfd_create("input", 0);
        snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    }
    FUZZ_PROMISE(fd >= 0 && !ftruncate(fd, 0));
    FUZZ_PROMISE(pwrite(fd, data, size, 0) == (ssize_t)size);
    return path;
}

void fuzz_current(const uint8_t *data, size_t size)
{
    static int fd = -2;

    if (fd == -2) {
        const char *path = getenv("FUZZ_CURRENT");
        fd = path ? open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0644) : -1;
    }
    if (fd >= 0)
        FUZZ_PROMISE(!ftruncate(fd, 0) && pwrite(fd, data, size, 0) == (ssize_t)size);
}
