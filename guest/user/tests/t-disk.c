/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A disk as a process has it: any bytes of it, wherever sectors begin, and the calls that are for disks
 * alone. It writes only to a disk that says in its first bytes that it is for this; where there is no
 * disk, there is no node either.
 */
#include "check.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>

#define DISK               "/dev/vda"
#define MAGIC              "RINGSIDE TEST DISK"

#define BLKGETSIZE         0x1260
#define BLKFLSBUF          0x1261
#define BLKSSZGET          0x1268
#define BLKGETSIZE64       0x80041272
#define FAILS(call, error) (errno = 0, (call) == -1 && errno == (error))

static uint8_t model[300000], buf[300000]; /* what should be on the disk; what is */
static size_t size;
static int fd;

static bool same(size_t at, size_t n)
{
    return pread(fd, buf, n, (off_t)at) == (ssize_t)n && memcmp(buf, model + at, n) == 0;
}

static void size_and_place(void)
{
    uint64_t bytes = 0;
    unsigned long sectors = 0;
    int sector = 0;
    struct stat st;

    check(fstat(fd, &st) == 0 && S_ISBLK(st.st_mode) && st.st_size == 0 && major(st.st_rdev),
          "a block special file");
    check(ioctl(fd, BLKGETSIZE64, &bytes) == 0 && bytes % 512 == 0, "BLKGETSIZE64");
    check(ioctl(fd, BLKGETSIZE, &sectors) == 0 && sectors * 512 == bytes, "BLKGETSIZE");
    check(ioctl(fd, BLKSSZGET, &sector) == 0 && sector == 512, "BLKSSZGET");
    check(ioctl(fd, BLKFLSBUF, 0) == 0, "BLKFLSBUF");
    check(FAILS(ioctl(fd, BLKGETSIZE64, 16), EFAULT), "BLKGETSIZE64 to nowhere");
    check(FAILS(ioctl(fd, 0x5401, buf), ENOTTY), "no terminal");
    size = (size_t)bytes;
    check(lseek(fd, 0, SEEK_END) == (off_t)size, "its end is its size");
    check(lseek(fd, -3, SEEK_CUR) == (off_t)size - 3 && read(fd, buf, 100) == 3, "read to the end");
    check(read(fd, buf, 100) == 0, "and not beyond");
    check(FAILS(lseek(fd, -1, SEEK_SET), EINVAL), "lseek before the beginning");
    check(lseek(fd, (off_t)size + 1000, SEEK_SET) == (off_t)size + 1000, "lseek beyond the end");
    check(read(fd, buf, 1) == 0, "where nothing is read");
    check(FAILS(write(fd, buf, 1), ENOSPC), "nor written");
    check(pwrite(fd, model + size - 2, 100, (off_t)size - 2) == 2, "a write up to the end");
}

static uint32_t state = 12345;
static uint32_t any(uint32_t below)
{
    state = state * 1664525 + 1013904223;
    return (state >> 8) % below;
}

/* Pieces of all lengths at all places, small ones and such as are longer than the kernel's buffer. */
static void pieces(void)
{
    bool good = true;

    for (unsigned i = 0; i < 300 && good; i++) {
        size_t at = sizeof MAGIC + any((uint32_t)(size - sizeof MAGIC));
        size_t n = any(i % 10 ? 3000 : (uint32_t)size);
        n = n < size - at ? n : size - at;
        for (size_t k = 0; k < n; k++)
            model[at + k] = (uint8_t)any(256);
        good = pwrite(fd, model + at, n, (off_t)at) == (ssize_t)n;
        size_t from = at > 600 ? at - 600 : 0, to = at + n + 600 < size ? at + n + 600 : size;
        good = good && same(from, to - from);
    }
    check(good, "what is written is read, and what is beside it stays");
    check(same(0, size), "all of the disk, in one piece");
}

static void vectors_and_pointers(void)
{
    struct iovec v[3] = {{buf, 100}, {buf + 100, 700}, {buf + 800, 13}};
    uint8_t *half = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    lseek(fd, 1000, SEEK_SET);
    check(readv(fd, v, 3) == 813 && memcmp(buf, model + 1000, 813) == 0, "readv");
    munmap(half + 4096, 4096);
    check(FAILS(pread(fd, (void *)16, 100, 0), EFAULT), "a read to nowhere");
    check(FAILS(pwrite(fd, (void *)16, 100, 0), EFAULT), "a write from nowhere");
    check(FAILS(pwrite(fd, half + 4000, 200, 5000), EFAULT) && same(4000, 2000),
          "a write from half of nowhere writes nothing");
    check(pread(fd, half, 0, 0) == 0 && pwrite(fd, half, 0, 0) == 0, "nothing to do");
    uint8_t *map = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0); /* Linux can */
    check(map == MAP_FAILED ? errno == ENODEV : memcmp(map, model, 4096) == 0, "mapped, or not");
    munmap(half, 4096);
}

static void opened_again(void)
{
    struct pollfd p = {.events = POLLIN | POLLOUT};
    int other = open(DISK, O_RDONLY), sync_fd = open(DISK, O_WRONLY | O_SYNC);

    check(other >= 0 && sync_fd >= 0, "opened more than once");
    memcpy(model + 2047, "across", 6);
    check(pwrite(sync_fd, model + 2047, 6, 2047) == 6, "O_SYNC");
    check(pread(other, buf, 6, 2047) == 6 && memcmp(buf, "across", 6) == 0, "seen by the other");
    check(FAILS(write(other, "x", 1), EBADF) && FAILS(read(sync_fd, buf, 1), EBADF), "modes");
    check(fsync(fd) == 0 && fdatasync(other) == 0, "fsync");
    p.fd = other;
    check(poll(&p, 1, 0) == 1 && p.revents == (POLLIN | POLLOUT), "always ready");
    check(FAILS(ftruncate(fd, 0), EINVAL) && same(0, size), "it cannot be cut");
    close(other);
    other = open(DISK, O_RDWR | O_TRUNC | O_CREAT, 0600);
    check(other >= 0 && same(0, size), "nor by opening it");
    check(lseek(other, 0, SEEK_SET) == 0 && fcntl(other, F_SETFL, O_APPEND) == 0 &&
              pread(other, buf, 4, 0) == 4,
          "O_APPEND is for files");
    close(other);
    close(sync_fd);
}

/* Bytes of one sector, each written by a process of its own: none may be lost. */
static void writers(void)
{
    enum { WRITERS = 5, EACH = 60 };

    for (int w = 0; w < WRITERS; w++)
        if (fork() == 0) {
            bool good = true;
            for (int i = 0; i < EACH; i++) {
                char c = (char)('a' + w);
                good = good && pwrite(fd, &c, 1, 4000 + i * WRITERS + w) == 1;
                if (i % 7 == w)
                    sleep_ms(1);
            }
            _exit(good ? 0 : 1);
        }
    bool good = true;
    for (int w = 0; w < WRITERS; w++)
        good = wait_status(-1) == 0 && good;
    for (int i = 0; i < WRITERS * EACH; i++)
        model[4000 + i] = (uint8_t)('a' + i % WRITERS);
    check(good && same(3500, 2000), "five processes in one sector");
}

int main(void)
{
    char magic[sizeof MAGIC] = "";

    fd = open(DISK, O_RDWR);
    if (fd < 0) {
        check(errno == ENOENT || errno == EACCES, "no disk, no node");
        return finish();
    }
    if (read(fd, magic, sizeof MAGIC - 1) != sizeof MAGIC - 1 || strcmp(magic, MAGIC) != 0) {
        check(true, "a disk that is not for tests is left alone");
        return finish();
    }
    size_and_place();
    check(size <= sizeof model && pread(fd, model, size, 0) == (ssize_t)size, "all that is on it");
    pieces();
    vectors_and_pointers();
    opened_again();
    writers();
    check(same(0, size), "and in the end all is as it should be");
    return finish();
}
