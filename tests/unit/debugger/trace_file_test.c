/* SPDX-License-Identifier: GPL-2.0-only */
/* Traces on disk: what is put in comes out, and files that are cut or damaged are told as such. */
#include "unit.h"

#include <string.h>

#include "debugger/trace_file.h"
#include "random.h"

#define EVENTS 20000u

static const char path[] = TEST_DATA "/trace_file_test";
static const char damaged[] = TEST_DATA "/trace_file_test.damaged";

/* Jumps of all sizes, so that every length of a number occurs. */
static struct event nth_event(struct random *r, uint64_t *cycle)
{
    struct event e = {.kind = (uint16_t)random_below(r, EVENT_KINDS),
                      .cpl = (uint8_t)random_below(r, 4),
                      .domain = (uint8_t)random_below(r, 3),
                      .eip = (uint32_t)(random_next(r) >> (32 + random_below(r, 32)))};
    const char *fields = event_info[e.kind].fields;
    unsigned words = fields[0] != '\0';

    for (const char *p = fields; *p; p++)
        words += *p == ' ';
    for (unsigned i = 0; i < words && i < 4; i++)
        e.a[i] = (uint32_t)(random_next(r) >> (32 + random_below(r, 32)));
    *cycle += random_next(r) >> (24 + random_below(r, 40));
    e.cycle = *cycle;
    return e;
}

static void write_file(void)
{
    struct err err = {0};
    struct random r = {7};
    uint64_t cycle = 0;
    struct trace_writer *w = trace_create(path, &err);

    if (!w)
        fail_msg("%s", err.text);
    for (unsigned i = 0; i < EVENT_KINDS; i++)
        trace_put_name(w, &(struct trace_name){.class = NAME_EVENT,
                                               .number = i,
                                               .text = event_info[i].name,
                                               .text2 = event_info[i].fields});
    for (unsigned i = 0; i < EVENTS; i++) {
        struct event e = nth_event(&r, &cycle);
        trace_put_event(w, &e);
        if (i % 1000 == 0)
            trace_put_name(w, &(struct trace_name){.class = NAME_SYMBOL, .number = i, .text = "f"});
    }
    assert_true(trace_close(w, &err));
}

static int make_file(void **st)
{
    (void)st;
    write_file();
    return 0;
}

/* Read it all, comparing; how many events were good. */
static unsigned read_back(const char *from, enum trace_next *ended)
{
    struct err err = {0};
    struct random r = {7};
    uint64_t cycle = 0;
    unsigned n = 0;
    struct trace_record rec;
    struct trace_reader *t = trace_open(from, &err);

    *ended = TRACE_BAD;
    if (!t)
        return 0;
    while ((*ended = trace_next(t, &rec, &err)) <= TRACE_NAME) {
        if (*ended == TRACE_NAME)
            continue;
        struct event e = nth_event(&r, &cycle);
        if (memcmp(&e, &rec.event, sizeof e) != 0)
            fail_msg("event %u is not what was written", n);
        n++;
    }
    if (*ended == TRACE_BAD)
        assert_non_null(strstr(err.text, from));
    trace_reader_close(t);
    return n;
}

static void what_goes_in_comes_out(void **st)
{
    enum trace_next ended;

    (void)st;
    assert_int_equal(read_back(path, &ended), EVENTS);
    assert_int_equal(ended, TRACE_END);
}

static void texts_of_any_length(void **st)
{
    static char long_text[5000];
    struct trace_record rec;
    struct err err = {0};

    (void)st;
    memset(long_text, 'x', sizeof long_text - 1);
    struct trace_writer *w = trace_create(damaged, &err);
    assert_non_null(w);
    for (unsigned i = 0; i < 1000; i++) /* several chunks of nothing but names */
        trace_put_name(w, &(struct trace_name){.class = NAME_STAGE,
                                               .number = i,
                                               .a = UINT32_MAX,
                                               .text = long_text,
                                               .text2 = "",
                                               .text3 = NULL});
    assert_true(trace_close(w, &err));
    struct trace_reader *t = trace_open(damaged, &err);
    assert_non_null(t);
    for (unsigned i = 0; i < 1000; i++) {
        assert_int_equal(trace_next(t, &rec, &err), TRACE_NAME);
        assert_int_equal(rec.name.number, i);
        assert_int_equal(rec.name.a, UINT32_MAX);
        assert_true(strlen(rec.name.text) >= 256);
        assert_string_equal(rec.name.text3, "");
    }
    assert_int_equal(trace_next(t, &rec, &err), TRACE_END);
    trace_reader_close(t);
}

static uint8_t *read_bytes(size_t *size)
{
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    assert_int_equal(fseek(f, 0, SEEK_END), 0);
    *size = (size_t)ftell(f);
    rewind(f);
    uint8_t *bytes = malloc(*size);
    assert_non_null(bytes);
    assert_int_equal(fread(bytes, 1, *size, f), *size);
    fclose(f);
    return bytes;
}

static void write_bytes(const uint8_t *bytes, size_t n)
{
    FILE *f = fopen(damaged, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, n, f), n);
    assert_int_equal(fclose(f), 0);
}

static void cut_anywhere_the_rest_is_good(void **st)
{
    struct random r = {8};
    size_t size;
    uint8_t *bytes = read_bytes(&size);
    unsigned cuts = 0, most = 0;

    (void)st;
    for (unsigned i = 0; i < 40; i++) {
        enum trace_next ended;
        size_t n = 16 + random_below(&r, size - 16);
        write_bytes(bytes, n);
        unsigned events = read_back(damaged, &ended);
        assert_true(ended == TRACE_CUT || ended == TRACE_END);
        cuts += ended == TRACE_CUT;
        most = events > most ? events : most;
    }
    assert_true(cuts > 30 && most > EVENTS / 2 && most < EVENTS);
    free(bytes);
}

static void damage_is_noticed(void **st)
{
    struct random r = {9};
    unsigned noticed = 0;
    size_t size;
    uint8_t *bytes = read_bytes(&size);

    (void)st;
    for (unsigned i = 0; i < 100; i++) {
        enum trace_next ended;
        size_t at = random_below(&r, size);
        uint8_t bit = (uint8_t)(1u << random_below(&r, 8));
        bytes[at] ^= bit;
        write_bytes(bytes, size);
        /* The events before the damage are compared by read_back(). A size that was made greater
           looks like a cut; a few bits of a zstd frame mean nothing, and then all is there. */
        bool all = read_back(damaged, &ended) == EVENTS;
        assert_true(ended == TRACE_BAD || ended == TRACE_CUT || (ended == TRACE_END && all));
        noticed += ended != TRACE_END;
        bytes[at] ^= bit;
    }
    assert_true(noticed >= 95);
    free(bytes);
}

static void a_full_disk_is_told(void **st)
{
    struct err err = {0};
    struct event e = {.kind = EVENT_hlt};

    (void)st;
    struct trace_writer *w = trace_create("/dev/full", &err);
    assert_non_null(w);
    trace_put_event(w, &e);
    assert_false(trace_close(w, &err));
    assert_int_equal(err.class, ERR_SYSTEM);
    assert_null(trace_create("/no/such/directory/file", &err));
    assert_int_equal(err.class, ERR_FILE);
    assert_null(trace_open("/dev/null", &err));
    assert_non_null(strstr(err.text, "not a trace"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_goes_in_comes_out),        cmocka_unit_test(texts_of_any_length),
        cmocka_unit_test(cut_anywhere_the_rest_is_good), cmocka_unit_test(damage_is_noticed),
        cmocka_unit_test(a_full_disk_is_told),
    };
    return cmocka_run_group_tests(tests, make_file, NULL);
}
