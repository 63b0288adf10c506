/* SPDX-License-Identifier: GPL-2.0-only */
/* Disks in frames, and the files they come from and go to. */
#include "unit.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dev/disk_file.h"
#include "digest.h"
#include "machine.h"
#include "snapshot.h"

static struct disks *new_disks(uint64_t a, uint64_t b)
{
    const uint64_t bytes[DISKS_MAX] = {a, b};
    struct err err = {0};
    assert_null(disks_refuse(bytes));
    struct disks *s = disks_new(bytes, &err);
    assert_non_null(s);
    return s;
}

/* ---- the store ---- */

static void sizes(void **state)
{
    static const struct {
        uint64_t bytes[DISKS_MAX];
        const char *why;
    } row[] = {
        {{0}, NULL},
        {{512}, NULL},
        {{DISK_MAX_BYTES, DISK_MAX_BYTES}, NULL},
        {{512, 512, 512, 512}, NULL},
        {{511}, "whole sectors"},
        {{512, 1}, "whole sectors"},
        {{DISK_MAX_BYTES + 512}, "too big"},
        {{DISK_MAX_BYTES, DISK_MAX_BYTES, 512}, "together"},
        {{0, 512}, "before"},
        {{UINT64_MAX - 511, UINT64_MAX - 511, 1024}, "too big"},
    };
    (void)state;
    for (unsigned i = 0; i < sizeof row / sizeof row[0]; i++) {
        const char *why = disks_refuse(row[i].bytes);
        assert_int_equal(!why, !row[i].why);
        if (why)
            assert_non_null(strstr(why, row[i].why));
    }
}

static void nothing_beyond_the_end(void **state)
{
    struct disks *s = new_disks(1536, 512);
    uint8_t bytes[2048] = {1, 2, 3}, back[2048];

    (void)state;
    assert_int_equal(disks_count(s), 2);
    assert_int_equal(disk_bytes(s, 0), 1536);
    assert_int_equal(disk_bytes(s, 2), 0);
    assert_int_equal(disks_count(NULL), 0);
    assert_true(disk_write(s, 0, 0, bytes, 1536));
    assert_true(disk_read(s, 0, 0, back, 1536));
    assert_memory_equal(bytes, back, 1536);
    assert_true(disk_read(s, 0, 1536, back, 0));
    static const struct {
        uint64_t at;
        size_t n;
        unsigned disk;
    } wrong[] = {{0, 1537, 0},          {1536, 1, 0}, {1535, 2, 0}, {UINT64_MAX, 1, 0},
                 {UINT64_MAX, 2, 0},    {0, 513, 1},  {0, 1, 2},    {0, 0, 9},
                 {1ull << 63, 1536, 0}, {1537, 0, 0}};
    for (unsigned i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_int_equal(disk_read(s, wrong[i].disk, wrong[i].at, back, wrong[i].n), false);
        assert_int_equal(disk_write(s, wrong[i].disk, wrong[i].at, bytes, wrong[i].n), false);
    }
    /* Neither has the one written into the other. */
    assert_true(disk_read(s, 1, 0, back, 512));
    for (unsigned i = 0; i < 512; i++)
        assert_int_equal(back[i], 0);
    disks_free(s);
}

/* The rule that RAM follows holds for disks: what has changed is restored, digested, and no more. */
static void snapshots_and_digests(void **state)
{
    struct machine_config cfg = {.mem_bytes = MEM_MIN_BYTES, .disk_bytes = {64 << 10, 512}};
    struct err err = {0};
    struct machine *m = machine_new(&cfg, NULL, &err);
    uint8_t byte = 7;

    (void)state;
    assert_non_null(m);
    struct machine_parts parts = machine_parts(m);
    struct disks *s = m->domain->disks;
    struct snapshots *all = snapshots_new(&parts, &err);
    struct digest before = digest_state(&parts);
    struct snapshot *one = snapshot_take(all, &err);
    assert_true(disk_write(s, 0, 5000, &byte, 1));
    assert_true(disk_write(s, 1, 511, &byte, 1));
    struct digest after = digest_state(&parts);
    assert_false(digest_equal(before, after));
    struct snapshot *two = snapshot_take(all, &err);
    assert_true(snapshot_bytes(two) < 64 << 10);
    snapshot_restore(all, one);
    assert_true(digest_equal(digest_state(&parts), before));
    assert_true(disk_read(s, 0, 5000, &byte, 1));
    assert_int_equal(byte, 0);
    snapshot_restore(all, two);
    assert_true(digest_equal(digest_state(&parts), after));
    assert_true(disk_read(s, 1, 511, &byte, 1));
    assert_int_equal(byte, 7);
    snapshot_free(one);
    snapshot_free(two);
    snapshots_free(all);
    machine_free(m);
}

/* ---- files ---- */

struct file {
    char path[64];
};

static int make_file(void **state)
{
    struct file *f = calloc(1, sizeof *f);
    strcpy(f->path, P_tmpdir "/ringside-disk-XXXXXX");
    int fd = mkstemp(f->path);
    uint8_t bytes[4096];
    for (unsigned i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(i * 7 + i / 256);
    if (fd < 0 || write(fd, bytes, sizeof bytes) != sizeof bytes || close(fd))
        return -1;
    *state = f;
    return 0;
}

static int remove_file(void **state)
{
    struct file *f = *state;
    unlink(f->path);
    free(f);
    return 0;
}

static void read_file(const struct file *f, uint8_t bytes[4096])
{
    int fd = open(f->path, O_RDONLY);
    struct stat st;
    assert_true(fd >= 0 && !fstat(fd, &st));
    assert_int_equal(st.st_size, 4096);
    assert_int_equal(read(fd, bytes, 4096), 4096);
    close(fd);
}

static void refused_files(void **state)
{
    struct file *f = *state;
    struct image img;
    struct disk_file *df;
    static const struct {
        off_t size;
        const char *why;
    } row[] = {{0, "empty"}, {700, "700 bytes"}, {(1ll << 30) + 512, "too big"}};

    for (unsigned i = 0; i < 3; i++) {
        struct err err = {0};
        assert_int_equal(truncate(f->path, row[i].size), 0);
        assert_false(disk_file_read(f->path, false, &img, &df, &err));
        assert_int_equal(err.class, ERR_FILE);
        assert_non_null(strstr(err.text, f->path));
        assert_non_null(strstr(err.text, row[i].why));
        assert_null(img.data);
        assert_null(df);
    }
    static const char *const paths[] = {P_tmpdir, "/dev/null", "/no/such/file"};
    for (unsigned i = 0; i < 6; i++) {
        struct err err = {0};
        assert_false(disk_file_read(paths[i % 3], i > 2, &img, &df, &err));
        assert_int_equal(err.class, ERR_FILE);
        assert_non_null(strstr(err.text, paths[i % 3]));
    }
}

static void written_sectors_only(void **state)
{
    struct file *f = *state;
    struct disks *s = new_disks(4096, 0);
    struct err err = {0};
    struct image img;
    struct disk_file *df;
    uint8_t was[4096], now[4096], foreign[512];

    read_file(f, was);
    assert_true(disk_file_read(f->path, true, &img, &df, &err));
    assert_int_equal(img.size, 4096);
    assert_memory_equal(img.data, was, 4096);
    disk_fill(s, 0, &img);
    image_free(&img);
    assert_true(disk_file_attach(df, s, 0, &err));
    assert_true(disk_file_sync(df, &err)); /* nothing yet */
    read_file(f, now);
    assert_memory_equal(now, was, 4096);

    /* Somebody who does not ask for locks changes a sector that the guest does not. It stays so. */
    memset(foreign, 0x77, sizeof foreign);
    int fd = open(f->path, O_WRONLY);
    assert_int_equal(pwrite(fd, foreign, 512, 1024), 512);
    close(fd);
    assert_true(disk_write(s, 0, 511, "ab", 2)); /* the end of one, the start of the next */
    assert_true(disk_write(s, 0, 4095, "z", 1));
    read_file(f, now);
    assert_int_equal(now[511], was[511]); /* not before a flush */
    disk_flush(s, 0);
    memcpy(was + 511, "ab", 2);
    was[4095] = 'z';
    memcpy(was + 1024, foreign, 512);
    read_file(f, now);
    assert_memory_equal(now, was, 4096);
    assert_true(disk_write(s, 0, 0, "!", 1));
    was[0] = '!';
    assert_true(disk_file_sync(df, &err));
    read_file(f, now);
    assert_memory_equal(now, was, 4096);
    disk_file_close(df);
    disks_free(s);
}

static void one_writer(void **state)
{
    struct file *f = *state;
    struct err err = {0};
    struct image a, b;
    struct disk_file *first, *second;

    assert_true(disk_file_read(f->path, true, &a, &first, &err));
    assert_false(disk_file_read(f->path, true, &b, &second, &err));
    assert_non_null(strstr(err.text, "another run"));
    assert_false(disk_file_read(f->path, false, &b, &second, &err));
    disk_file_close(first);
    assert_true(disk_file_read(f->path, false, &b, &second, &err));
    assert_null(second);
    image_free(&b);
    assert_true(disk_file_read(f->path, true, &b, &second, &err)); /* a reader keeps no lock */
    disk_file_close(second);
    image_free(&a);
    image_free(&b);
}

/* The guest is never told, the person is. */
static void a_write_that_fails(void **state)
{
    struct file *f = *state;
    struct disks *s = new_disks(4096, 0);
    struct err err = {0};
    struct image img;
    struct disk_file *df;

    assert_true(disk_file_read(f->path, true, &img, &df, &err));
    disk_fill(s, 0, &img);
    assert_true(disk_file_attach(df, s, 0, &err));
    assert_true(disk_write(s, 0, 4095, "x", 1));
    int full = open("/dev/full", O_WRONLY);
    /* The descriptor that it writes to becomes one of a device without room. */
    for (int fd = 3; fd < 64; fd++) {
        struct stat a, b;
        if (fd != full && !fstat(fd, &a) && !stat(f->path, &b) && a.st_ino == b.st_ino)
            assert_int_equal(dup2(full, fd), fd);
    }
    close(full);
    disk_flush(s, 0);
    assert_false(disk_file_sync(df, &err));
    assert_int_equal(err.class, ERR_FILE);
    assert_non_null(strstr(err.text, f->path));
    assert_non_null(strstr(err.text, "not all that the guest wrote"));
    disk_file_close(df);
    image_free(&img);
    disks_free(s);
}

#define WITH_FILE(test) cmocka_unit_test_setup_teardown(test, make_file, remove_file)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes),
        cmocka_unit_test(nothing_beyond_the_end),
        cmocka_unit_test(snapshots_and_digests),
        WITH_FILE(refused_files),
        WITH_FILE(written_sectors_only),
        WITH_FILE(one_writer),
        WITH_FILE(a_write_that_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
