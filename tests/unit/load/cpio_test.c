/* SPDX-License-Identifier: GPL-2.0-only */
/* cpio archives: read with suspicion, written so that the same things give the same bytes. */
#include "load_test.h"

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "abi/ringside_ports.h"

static struct image make(void (*fill)(struct initrd *))
{
    struct initrd *rd = initrd_new();
    struct image img;

    fill(rd);
    assert_true(initrd_finish(rd, &img, NULL));
    initrd_free(rd);
    return img;
}

static void two_files(struct initrd *rd)
{
    assert_true(initrd_add_file(rd, "/etc/motd", 0644, "hello\n", 6, NULL));
    assert_true(initrd_add_commands(rd, "echo $((6*7))", NULL));
}

/* Does the archive have this entry? Its last one counts, as it would for a kernel. */
static bool find(struct image img, const char *name, struct cpio_entry *out)
{
    struct cpio_reader r = {.image = img};
    struct cpio_entry e;
    bool found = false;

    while (cpio_next(&r, &e, NULL) == CPIO_ENTRY) {
        if (!strcmp(e.name, name)) {
            *out = e;
            found = true;
        }
    }
    return found;
}

static void what_is_written_can_be_read(void **st)
{
    struct image img = make(two_files);
    struct cpio_entry e;

    (void)st;
    assert_true(cpio_check(img, NULL));
    assert_int_equal(img.size % 4, 0);
    assert_true(find(img, "etc/motd", &e));
    assert_int_equal(e.mode, S_IFREG | 0644);
    assert_int_equal(e.size, 6);
    assert_memory_equal(e.data, "hello\n", 6);
    assert_int_equal(e.mtime | e.uid | e.gid, 0);
    assert_true(find(img, "etc", &e));
    assert_int_equal(e.mode, S_IFDIR | 0755);
    assert_true(find(img, "run/ringside", &e));
    assert_true(find(img, &RINGSIDE_CMD_FILE[1], &e));
    assert_memory_equal(e.data, "echo $((6*7))", e.size);
    image_free(&img);
}

static void the_same_calls_give_the_same_bytes(void **st)
{
    struct image a = make(two_files), b = make(two_files);

    (void)st;
    assert_int_equal(a.size, b.size);
    assert_memory_equal(a.data, b.data, a.size);
    image_free(&a);
    image_free(&b);
}

static void refused(struct image img, const char *words)
{
    uint8_t *exact = malloc(img.size ? img.size : 1);
    struct err err = {.class = ERR_NONE};

    memcpy(exact, img.data, img.size);
    assert_false(cpio_check((struct image){exact, img.size, "bad.cpio"}, &err));
    assert_int_equal(err.class, ERR_FILE);
    assert_non_null(strstr(err.text, "bad.cpio: at offset 0x"));
    if (!strstr(err.text, words))
        fail_msg("expected \"%s\" in: %s", words, err.text);
    free(exact);
}

static void every_truncation_is_refused(void **st)
{
    struct image img = make(two_files), cut = img;
    struct cpio_reader r = {.image = img};
    struct cpio_entry e;
    size_t archive_end = 0;

    (void)st;
    /* Between two archives a cut is no cut; find where the first ends. */
    while (cpio_next(&r, &e, NULL) == CPIO_ENTRY && strcmp(e.name, "run"))
        archive_end = r.at;
    for (cut.size = 1; cut.size < img.size - 4; cut.size++) {
        if (cut.size >= archive_end && cut.size <= e.offset)
            continue;
        refused(cut, "");
    }
    cut.size = 109;
    refused(cut, "header is cut off");
    cut.size = 111;
    refused(cut, "name is cut off");
    cut.size = archive_end;
    refused(cut, "without its TRAILER!!!");
    cut.size = 0;
    assert_true(cpio_check(cut, NULL)); /* no initrd is a good initrd */
    image_free(&img);
}

/* Change the n-th number of the first file's header. */
static void lie(unsigned number, const char *hex, const char *words)
{
    struct initrd *rd = initrd_new();
    struct image img;

    assert_true(initrd_add_file(rd, "motd", 0644, "hello\n", 6, NULL));
    assert_true(initrd_finish(rd, &img, NULL));
    memcpy((uint8_t *)img.data + 6 + 8 * number, hex, 8);
    refused(img, words);
    image_free(&img);
    initrd_free(rd);
}

static void sizes_that_lie_are_refused(void **st)
{
    (void)st;
    lie(6, "FFFFFFFF", "4294967295 bytes by its header");
    lie(6, "00001000", "4096 bytes by its header");
    lie(6, "00000009", "no cpio header"); /* reads on in the wrong place */
    lie(6, "0000zz00", "hexadecimal");
    lie(11, "FFFFFFFF", "a name of 4294967294 bytes");
    lie(11, "00000000", "a name of 0 bytes");
    lie(11, "00000001", "a name of 0 bytes");
    lie(11, "00001000", "name is cut off");
    lie(11, "00000004", "length is given as 3, but is 4");
    lie(11, "00000006", "length is given as 5, but is 4");
}

static void checksums_are_checked(void **st)
{
    struct initrd *rd = initrd_new();
    struct image img;
    uint8_t *b;

    (void)st;
    assert_true(initrd_add_file(rd, "motd", 0644, "AB", 2, NULL));
    assert_true(initrd_finish(rd, &img, NULL));
    b = (uint8_t *)img.data;
    memcpy(b, "070702", 6);
    memcpy(b + 6 + 8 * 12, "00000083", 8);
    assert_true(cpio_check(img, NULL));
    memcpy(b + 6 + 8 * 12, "00000084", 8);
    refused(img, "checksum of \"motd\"");
    image_free(&img);
    initrd_free(rd);
}

static void other_formats_are_named(void **st)
{
    struct image gz = {(const uint8_t *)"\x1f\x8b\x08 and more", 12, ""};
    struct image old = {(const uint8_t *)"070707000000", 12, ""};
    struct image text = {(const uint8_t *)"hello, world", 12, ""};

    (void)st;
    refused(gz, "gzip");
    refused(old, "-H newc");
    refused(text, "no cpio header");
}

/* Another kernel may unpack what ours cannot: what it is given is looked at as far as it is plain. */
static void a_foreign_kernel_may_be_given_packed_archives(void **st)
{
    static const uint8_t gz[] = "\x1f\x8b\x08 and more";
    struct image plain = make(two_files), c;
    uint8_t *early = calloc(1, plain.size + sizeof gz); /* a plain archive, then a packed one */
    struct image both = {early, plain.size + sizeof gz, "both"};
    struct initrd *rd = initrd_new();
    struct err err = {0};

    (void)st;
    memcpy(early, plain.data, plain.size);
    memcpy(early + plain.size, gz, sizeof gz);
    assert_false(initrd_append_image(rd, both, &err));
    assert_true(initrd_append_foreign(rd, both, NULL));
    two_files(rd); /* and what is added stands behind it, where a header may stand */
    assert_true(initrd_finish(rd, &c, NULL));
    assert_int_equal(c.size, ((both.size + 3) & ~3u) + plain.size);
    assert_memory_equal(c.data, both.data, both.size);
    assert_memory_equal(c.data + c.size - plain.size, "070701", 6);
    image_free(&c);

    early[0] = 'x'; /* what is plain must still be right */
    assert_false(initrd_append_foreign(rd, both, &err));
    assert_non_null(strstr(err.text, "no cpio header"));
    initrd_free(rd);
    image_free(&plain);
    free(early);
}

static void archives_may_follow_each_other(void **st)
{
    struct image a = make(two_files);
    uint8_t *gap = calloc(1, a.size * 2 + 512);
    struct image both = {gap, a.size * 2 + 512, "both"};
    struct cpio_reader r = {.image = both};
    struct cpio_entry e;
    unsigned motds = 0;

    (void)st;
    memcpy(gap, a.data, a.size);
    memcpy(gap + a.size + 512, a.data, a.size);
    while (cpio_next(&r, &e, NULL) == CPIO_ENTRY)
        motds += !strcmp(e.name, "etc/motd");
    assert_int_equal(motds, 2);

    struct initrd *rd = initrd_new();
    struct image c;
    assert_true(initrd_append_image(rd, both, NULL));
    two_files(rd);
    assert_true(initrd_finish(rd, &c, NULL));
    assert_true(cpio_check(c, NULL));
    assert_int_equal(c.size, both.size + a.size);
    both.size -= 150;
    assert_false(initrd_append_image(rd, both, NULL));
    initrd_free(rd);
    image_free(&c);
    image_free(&a);
    free(gap);
}

static void a_directory_is_packed_in_order(void **st)
{
    char dir[] = P_tmpdir "/ringside-cpio-XXXXXX", command[200];
    struct initrd *rd = initrd_new();
    struct image img;
    const char *want[] = {"B", "a", "a/link", "a/x", "a/y", "fifo", "z"};

    (void)st;
    assert_non_null(mkdtemp(dir));
    snprintf(
        command, sizeof command,
        "cd %s && mkdir a && echo y >a/y && echo x >a/x && chmod 755 a a/x && ln -s ../z a/link "
        "&& echo z >z && echo B >B && mkfifo fifo",
        dir);
    assert_int_equal(system(command), 0);
    assert_true(initrd_add_tree(rd, dir, NULL));
    assert_true(initrd_finish(rd, &img, NULL));
    initrd_free(rd);

    struct cpio_reader r = {.image = img};
    struct cpio_entry e;
    for (unsigned i = 0; i < 7; i++) {
        assert_int_equal(cpio_next(&r, &e, NULL), CPIO_ENTRY);
        assert_string_equal(e.name, want[i]);
        assert_int_equal(e.mtime | e.uid | e.gid, 0);
    }
    assert_int_equal(cpio_next(&r, &e, NULL), CPIO_DONE);
    assert_true(find(img, "a/link", &e));
    assert_int_equal(e.mode & S_IFMT, S_IFLNK);
    assert_memory_equal(e.data, "../z", e.size);
    assert_true(find(img, "a/x", &e));
    assert_int_equal(e.mode, S_IFREG | 0755);
    assert_true(find(img, "fifo", &e));
    assert_int_equal(e.mode & S_IFMT, S_IFIFO);
    image_free(&img);
    snprintf(command, sizeof command, "rm -r %s", dir);
    assert_int_equal(system(command), 0);

    struct err err;
    rd = initrd_new();
    assert_false(initrd_add_tree(rd, "/nonexistent", &err));
    assert_int_equal(err.class, ERR_FILE);
    initrd_free(rd);
}

static void a_file_argument_goes_to_bin_or_where_it_says(void **st)
{
    char file[] = P_tmpdir "/ringside-add-XXXXXX", argument[200];
    int fd = mkstemp(file);
    struct initrd *rd = initrd_new();
    struct image img;
    struct cpio_entry e;
    struct err err;

    (void)st;
    assert_int_equal(write(fd, "#!", 2), 2);
    close(fd);
    assert_true(initrd_add_argument(rd, file, NULL));
    snprintf(argument, sizeof argument, "%s=/opt/deep/tool", file);
    assert_true(initrd_add_argument(rd, argument, NULL));
    snprintf(argument, sizeof argument, "%s=/opt/", file);
    assert_false(initrd_add_argument(rd, argument, &err));
    assert_int_equal(err.class, ERR_USAGE);
    assert_false(initrd_add_argument(rd, "/nonexistent", &err));
    assert_int_equal(err.class, ERR_FILE);
    assert_non_null(strstr(err.text, "/nonexistent"));
    assert_true(initrd_finish(rd, &img, NULL));
    snprintf(argument, sizeof argument, "bin/%s", strrchr(file, '/') + 1);
    assert_true(find(img, argument, &e));
    assert_int_equal(e.mode, S_IFREG | 0755);
    assert_true(find(img, "opt/deep/tool", &e));
    assert_int_equal(e.size, 2);
    assert_true(find(img, "opt/deep", &e));
    image_free(&img);
    initrd_free(rd);
    unlink(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_can_be_read),
        cmocka_unit_test(the_same_calls_give_the_same_bytes),
        cmocka_unit_test(every_truncation_is_refused),
        cmocka_unit_test(sizes_that_lie_are_refused),
        cmocka_unit_test(checksums_are_checked),
        cmocka_unit_test(other_formats_are_named),
        cmocka_unit_test(a_foreign_kernel_may_be_given_packed_archives),
        cmocka_unit_test(archives_may_follow_each_other),
        cmocka_unit_test(a_directory_is_packed_in_order),
        cmocka_unit_test(a_file_argument_goes_to_bin_or_where_it_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
