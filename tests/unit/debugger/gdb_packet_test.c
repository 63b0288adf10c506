/* SPDX-License-Identifier: GPL-2.0-only */
/* gdb's envelope, byte by byte: what is a packet, what is none, and what is sent. */
#include "../unit.h"

#include <string.h>

#include "debugger/gdb/packet.h"

static enum gdb_input feed(struct gdb_reader *r, const char *bytes, size_t n)
{
    enum gdb_input last = GDB_NOTHING;

    for (size_t i = 0; i < n; i++)
        last = gdb_read_byte(r, (uint8_t)bytes[i]);
    return last;
}
#define FEED(r, text) feed(r, text, sizeof(text) - 1)

static void packets_and_what_lies_between(void **st)
{
    struct gdb_reader r = {0};

    (void)st;
    assert_int_equal(FEED(&r, "+"), GDB_ACK);
    assert_int_equal(FEED(&r, "-"), GDB_NAK);
    assert_int_equal(FEED(&r, "\003"), GDB_INTERRUPT);
    assert_int_equal(FEED(&r, "$g#67"), GDB_PACKET);
    assert_string_equal(r.text, "g");
    assert_int_equal(FEED(&r, "$#00"), GDB_PACKET);
    assert_int_equal(r.n, 0);
    assert_int_equal(FEED(&r, "$g#68"), GDB_DAMAGED);
    assert_int_equal(FEED(&r, "$g#6x"), GDB_DAMAGED);
    assert_int_equal(FEED(&r, "G"), GDB_STRAY);
    assert_int_equal(FEED(&r, "ET / HTTP"), GDB_NOTHING); /* told once */
    assert_int_equal(FEED(&r, "$m0,$?#3f"), GDB_PACKET);  /* the first was cut off */
    assert_string_equal(r.text, "?");
}

static void escapes_are_undone(void **st)
{
    static const char meant[] = "X0,5:a#$}*";
    struct gdb_reader r = {0};
    struct gdb_text t = {0};
    uint8_t frame[GDB_FRAME_MAX];

    (void)st;
    assert_int_equal(gdb_put_binary(&t, meant, sizeof meant - 1), sizeof meant - 1);
    assert_string_equal(t.text, "X0,5:a}\003}\004}]}\n");
    size_t n = gdb_frame(frame, t.text, t.n);
    assert_int_equal(feed(&r, (const char *)frame, n), GDB_PACKET);
    assert_string_equal(r.text, meant);
}

static void too_long_is_told_and_over(void **st)
{
    struct gdb_reader r = {0};

    (void)st;
    FEED(&r, "$");
    for (unsigned i = 0; i < GDB_PACKET_MAX + 100; i++)
        assert_int_equal(FEED(&r, "0"), GDB_NOTHING);
    assert_int_equal(FEED(&r, "#00"), GDB_OVERSIZED);
    assert_int_equal(FEED(&r, "$g#67"), GDB_PACKET);
}

static void runs_are_shortened(void **st)
{
    static const struct {
        const char *text, *sent;
    } row[] = {
        {"000", "$000#"},         /* not worth it */
        {"0000", "$0* #"},        /* 29 + 3 */
        {"00000000", "$0*\"00#"}, /* 29 + 6 and 7 would be # and $ */
        {"xx1111y", "$xx1* y#"},
    };
    uint8_t frame[GDB_FRAME_MAX];
    char many[400];

    (void)st;
    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        size_t n = gdb_frame(frame, row[i].text, strlen(row[i].text));
        assert_int_equal(n, strlen(row[i].sent) + 2);
        assert_memory_equal(frame, row[i].sent, n - 2);
    }
    memset(many, 'f', sizeof many);
    size_t n = gdb_frame(frame, many, sizeof many);
    assert_true(n < 40);
    for (size_t i = 0; i < n; i++)
        assert_true(frame[i] >= ' ' && frame[i] < 127);
}

static void numbers_have_an_end(void **st)
{
    const char *s = "ffffffffffffffff,";
    uint8_t bytes[2];
    uint64_t v;

    (void)st;
    assert_true(gdb_number(&s, &v));
    assert_true(v == UINT64_MAX && *s == ',');
    s = "10000000000000000";
    assert_false(gdb_number(&s, &v));
    s = ",";
    assert_false(gdb_number(&s, &v));
    assert_true(gdb_bytes("a5Fe", bytes, 2));
    assert_true(bytes[0] == 0xA5 && bytes[1] == 0xFE);
    assert_false(gdb_bytes("a5f", bytes, 2));
    assert_false(gdb_bytes("a5fg", bytes, 2));
}

static void a_full_text_is_cut_and_says_so(void **st)
{
    static struct gdb_text t;

    (void)st;
    for (unsigned i = 0; i < GDB_PACKET_MAX; i++)
        gdb_put(&t, "x");
    assert_false(t.full);
    gdb_put_hex(&t, "a", 1);
    assert_true(t.full);
    assert_int_equal(gdb_put_binary(&t, "a", 1), 0);
    assert_int_equal(t.n, GDB_PACKET_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(packets_and_what_lies_between),
        cmocka_unit_test(escapes_are_undone),
        cmocka_unit_test(too_long_is_told_and_over),
        cmocka_unit_test(runs_are_shortened),
        cmocka_unit_test(numbers_have_an_end),
        cmocka_unit_test(a_full_text_is_cut_and_says_so),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
