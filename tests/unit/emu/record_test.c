/* SPDX-License-Identifier: GPL-2.0-only */
/* Recordings: there and back, damage, and comparing two ends. */
#include "damage.h"

#include "record.h"

static struct input_entry log_entries[] = {
    {100, 'l'},
    {100, 's'},
    {1ull << 60, '\n'},
    {UINT64_MAX - 1, INPUT_END},
};

static struct recording example(void)
{
    struct recording r = {
        .config = {.model = "native",
                   .cmdline = "quiet",
                   .mem_bytes = 64 << 20,
                   .seed = 7,
                   .rtc_epoch = 1136073600},
        .kernel = {(const uint8_t *)"\x7f"
                                    "ELF and so on",
                   14, "kernel"},
        .initrd = {(const uint8_t *)"070701 and so on", 16, "initrd"},
        .log = log_entries,
        .entries = 4,
        .result = {.cycles = 1ull << 63,
                   .instructions = 12345678,
                   .events = 99,
                   .state_digest = {1, 2},
                   .event_digest = {3, 4},
                   .status = 42,
                   .end = "died",
                   .reason = "triple fault: \"no\" \xFF"},
    };
    return r;
}

static void what_is_written_can_be_read(void **st)
{
    struct temp t = temp_new();
    struct recording a = example(), b;
    struct err err = {.text = ""};
    char text[500];

    (void)st;
    strcpy(a.result.reason, "triple fault");
    assert_true(record_write(t.path, &a, &err));
    assert_int_equal(temp_files(&t), 1);
    if (!record_read(t.path, &b, &err))
        fail_msg("%s", err.text);
    assert_memory_equal(&a.config, &b.config, sizeof a.config);
    assert_int_equal(b.kernel.size, 14);
    assert_memory_equal(b.kernel.data, a.kernel.data, 14);
    assert_int_equal(b.initrd.size, 16);
    assert_memory_equal(b.initrd.data, a.initrd.data, 16);
    assert_int_equal(b.entries, 4);
    assert_memory_equal(b.log, a.log, sizeof log_entries);
    assert_int_equal(record_compare(&a.result, &b.result, text, sizeof text), 0);
    assert_string_equal(text, "");
    record_free(&b);
    temp_free(&t);
}

/* Each disk as it was before the run; and a file whose disks are not of the sizes that it says. */
static void disks_are_written_too(void **st)
{
    struct temp t = temp_new();
    struct recording a = example(), b;
    struct err err = {.text = ""};
    uint8_t first[1024] = {1, 2, 3}, second[512] = {4};

    (void)st;
    a.disk[0] = (struct image){first, sizeof first, "first"};
    a.disk[1] = (struct image){second, sizeof second, "second"};
    a.config.disk_bytes[0] = sizeof first;
    a.config.disk_bytes[1] = sizeof second;
    assert_true(record_write(t.path, &a, &err));
    if (!record_read(t.path, &b, &err))
        fail_msg("%s", err.text);
    assert_memory_equal(&a.config, &b.config, sizeof a.config);
    assert_int_equal(b.disk[0].size, sizeof first);
    assert_memory_equal(b.disk[0].data, first, sizeof first);
    assert_int_equal(b.disk[1].size, sizeof second);
    assert_memory_equal(b.disk[1].data, second, sizeof second);
    assert_int_equal(b.disk[2].size, 0);
    record_free(&b);
    a.disk[1].size = 511;
    assert_true(record_write(t.path, &a, &err));
    assert_false(record_read(t.path, &b, &err));
    assert_non_null(strstr(err.text, "a disk of 511 bytes that should have 512"));
    a.config.disk_bytes[1] = 511;
    assert_true(record_write(t.path, &a, &err));
    assert_false(record_read(t.path, &b, &err));
    assert_int_equal(err.class, ERR_FILE);
    assert_non_null(strstr(err.text, "disk"));
    temp_free(&t);
}

/* What a debugger's user has changed comes back in its order; changes that make no sense do not. */
static void changes_are_written_too(void **st)
{
    struct record_change change[] = {
        {.cycle = 5,
         .where = 0xC0001000,
         .kind = RECORD_MEMORY,
         .n = 3,
         .size = 3,
         .bytes = (uint8_t *)"abc"},
        {.cycle = 5, .where = 1, .kind = RECORD_REGISTER, .n = 77},
        {.cycle = 9, .kind = RECORD_COST, .n = 4000, .size = 10, .bytes = (uint8_t *)"hypercall"},
    };
    struct temp t = temp_new();
    struct recording a = example(), b;
    struct err err = {.text = ""};

    (void)st;
    strcpy(a.result.reason, "triple fault");
    a.change = change;
    a.changes = 3;
    assert_true(record_write(t.path, &a, &err));
    if (!record_read(t.path, &b, &err))
        fail_msg("%s", err.text);
    assert_int_equal(b.changes, 3);
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(b.change[i].cycle, change[i].cycle);
        assert_int_equal(b.change[i].where, change[i].where);
        assert_int_equal(b.change[i].kind, change[i].kind);
        assert_int_equal(b.change[i].n, change[i].n);
        assert_int_equal(b.change[i].size, change[i].size);
        if (change[i].size)
            assert_memory_equal(b.change[i].bytes, change[i].bytes, change[i].size);
    }
    record_free(&b);

    const struct {
        unsigned which;
        struct record_change bad;
        const char *says;
    } wrong[] = {
        {0,
         {.cycle = 6, .kind = RECORD_MEMORY, .n = 3, .size = 3, .bytes = (uint8_t *)"abc"},
         "back in time"},
        {0,
         {.kind = RECORD_MEMORY, .n = 4, .size = 3, .bytes = (uint8_t *)"abc"},
         "makes no sense"},
        {1, {.cycle = 5, .kind = RECORD_CHANGE_KINDS}, "makes no sense"},
        {1,
         {.cycle = 5, .kind = RECORD_REGISTER, .size = 1, .bytes = (uint8_t *)"x"},
         "makes no sense"},
        {2, {.cycle = 9, .kind = RECORD_COST}, "makes no sense"},
    };
    for (unsigned i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct record_change was = change[wrong[i].which];
        change[wrong[i].which] = wrong[i].bad;
        assert_true(record_write(t.path, &a, &err));
        assert_false(record_read(t.path, &b, &err));
        if (!strstr(err.text, wrong[i].says))
            fail_msg("%u: %s", i, err.text);
        change[wrong[i].which] = was;
    }
    temp_free(&t);
}

static void nothing_at_all_can_be_recorded_too(void **st)
{
    struct temp t = temp_new();
    struct recording a = example(), b;

    (void)st;
    a.kernel.size = a.initrd.size = a.entries = 0;
    a.config.cmdline[0] = 0;
    assert_true(record_write(t.path, &a, NULL)); /* and a reason that is no UTF-8 */
    assert_true(record_read(t.path, &b, NULL));
    assert_int_equal(b.kernel.size + b.initrd.size + b.entries, 0);
    assert_string_equal(b.result.reason, "triple fault: \"no\" \xC3\xBF");
    record_free(&b);
    temp_free(&t);
}

static void images_of_many_chunks_come_back(void **st)
{
    struct temp t = temp_new();
    struct recording a = example(), b;
    size_t n = (3u << 20) + 5;
    uint8_t *big = malloc(n);
    uint32_t x = 1;

    (void)st;
    for (size_t i = 0; i < n; i++) {
        x = x * 1664525u + 1013904223u;
        big[i] = (uint8_t)(x >> 24);
    }
    a.kernel = (struct image){big, n, "big"};
    assert_true(record_write(t.path, &a, NULL));
    assert_true(record_read(t.path, &b, NULL));
    assert_int_equal(b.kernel.size, n);
    assert_memory_equal(b.kernel.data, big, n);
    record_free(&b);
    free(big);
    temp_free(&t);
}

static bool read_any(const char *path, struct err *err)
{
    struct recording r;
    bool ok = record_read(path, &r, err);

    record_free(&r);
    return ok;
}

static void every_kind_of_damage_is_refused(void **st)
{
    struct temp t = temp_new();
    struct recording a = example();

    (void)st;
    assert_true(record_write(t.path, &a, NULL));
    refuses_all_damage(&t, read_any, "not a recording");
    temp_free(&t);
}

static void headers_that_make_no_sense_are_refused(void **st)
{
    struct temp t = temp_new();
    struct recording a = example(), b;
    struct err err;

    (void)st;
    a.config.mem_bytes = 4097;
    assert_true(record_write(t.path, &a, NULL));
    assert_false(record_read(t.path, &b, &err));
    assert_int_equal(err.class, ERR_FILE);
    assert_non_null(strstr(err.text, "mem_bytes"));
    a = example();
    a.log[1].byte = 300;
    assert_true(record_write(t.path, &a, NULL));
    a.log[1].byte = 's';
    assert_false(record_read(t.path, &b, &err));
    assert_non_null(strstr(err.text, "entry 1"));
    assert_false(record_write("/dev/full", &a, &err));
    assert_false(record_read("/nonexistent", &b, &err));
    assert_int_equal(err.class, ERR_FILE);
    temp_free(&t);
}

static void every_difference_is_named(void **st)
{
    struct run_result a = example().result, b = a;
    char text[1000];

    (void)st;
    b.cycles++;
    assert_int_equal(record_compare(&a, &b, text, sizeof text), 1);
    assert_string_equal(text,
                        "cycles: recorded 9223372036854775808, replayed 9223372036854775809\n");
    b = a;
    b.event_digest.lo ^= 1;
    assert_int_equal(record_compare(&a, &b, text, sizeof text), 1);
    assert_non_null(strstr(text, "event digest"));
    b.state_digest.hi ^= 1;
    b.instructions--;
    b.events--;
    b.status = 0;
    strcpy(b.end, "reset");
    b.reason[0] = 0;
    assert_int_equal(record_compare(&a, &b, text, sizeof text), 7);
    assert_int_equal(record_compare(&a, &b, text, 20), 7); /* a short buffer is no matter */
    assert_true(strlen(text) < 20);
    assert_int_equal(record_compare(&a, &b, NULL, 0), 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_can_be_read),
        cmocka_unit_test(disks_are_written_too),
        cmocka_unit_test(changes_are_written_too),
        cmocka_unit_test(nothing_at_all_can_be_recorded_too),
        cmocka_unit_test(images_of_many_chunks_come_back),
        cmocka_unit_test(every_kind_of_damage_is_refused),
        cmocka_unit_test(headers_that_make_no_sense_are_refused),
        cmocka_unit_test(every_difference_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
