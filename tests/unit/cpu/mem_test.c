/* SPDX-License-Identifier: GPL-2.0-only */
/* Frames, the checked door, and who has written what. */
#include "unit.h"

#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "guard.h"
#include "mem.h"

static struct mem *new_mem(uint64_t bytes)
{
    struct err err = {0};
    struct mem *m = mem_new(bytes, &err);
    if (!m)
        fail_msg("%s", err.text);
    return m;
}

static void sizes_are_checked(void **state)
{
    (void)state;
    static const uint64_t bad[] = {
        0, 4096, MEM_MIN_BYTES - 4096, MEM_MIN_BYTES + 1, MEM_MAX_BYTES + 4096, UINT64_MAX};
    for (unsigned i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct err err = {0};
        assert_null(mem_new(bad[i], &err));
        assert_int_equal(err.class, ERR_USAGE);
        assert_true(strlen(err.text) > 0);
    }
    struct mem *m = new_mem(MEM_MIN_BYTES);
    assert_int_equal(mem_bytes(m), MEM_MIN_BYTES);
    assert_int_equal(mem_frames(m), MEM_MIN_BYTES / PAGE_SIZE);
    mem_free(m);
    mem_free(NULL);
}

static void the_door_is_checked(void **state)
{
    (void)state;
    struct mem *m = new_mem(MEM_MIN_BYTES);
    assert_non_null(mem_span(m, MADDR(0), 1));
    assert_non_null(mem_span(m, MADDR(0), PC_HOLE_START));
    assert_null(mem_span(m, MADDR(0), PC_HOLE_START + 1));
    assert_null(mem_span(m, MADDR(PC_HOLE_START), 1));
    assert_null(mem_span(m, MADDR(PC_HOLE_END - 1), 2));
    assert_non_null(mem_span(m, MADDR(PC_HOLE_END), 1));
    assert_non_null(mem_span(m, MADDR(MEM_MIN_BYTES - 4), 4));
    assert_null(mem_span(m, MADDR(MEM_MIN_BYTES - 4), 5));
    assert_null(mem_span(m, MADDR(MEM_MIN_BYTES), 1));
    assert_null(mem_span(m, MADDR(4), SIZE_MAX));
    assert_null(mem_span(m, MADDR(UINT64_MAX), 2));
    assert_null(mem_span(m, MADDR(0), 0));
    assert_true(mem_is_ram(m, 0x9f));
    assert_false(mem_is_ram(m, 0xa0));
    assert_false(mem_is_ram(m, 0xff));
    assert_true(mem_is_ram(m, 0x100));
    assert_false(mem_is_ram(m, MEM_MIN_BYTES / PAGE_SIZE));
    assert_false(mem_is_ram(m, UINT64_MAX));

    uint32_t v = 0xfeedface, back = 0;
    assert_true(mem_write(m, MADDR(0x1ffe), &v, 4));
    assert_true(mem_read(m, MADDR(0x1ffe), &back, 4));
    assert_int_equal(back, v);
    assert_false(mem_write(m, MADDR(PC_HOLE_START - 2), &v, 4));
    back = 1;
    assert_true(mem_read(m, MADDR(PC_HOLE_START - 4), &back, 4));
    assert_int_equal(back, 0); /* nothing was written, not even the part that is RAM */
    mem_free(m);
}

static void count(void *ctx)
{
    ++*(volatile unsigned *)ctx;
}

static void code_writes_are_reported_once(void **state)
{
    (void)state;
    struct mem *m = new_mem(MEM_MIN_BYTES);
    uint64_t frame;
    volatile unsigned calls = 0; /* changed in a signal handler */
    mem_on_code_write(m, count, (void *)&calls);
    assert_false(mem_take_code_write(m, &frame));
    mem_guard_code(m, 5);
    mem_guard_code(m, 5);
    mem_guard_code(m, 9);
    mem_guard_code(m, 0xa5);     /* the hole */
    mem_guard_code(m, 1u << 30); /* nowhere */
    volatile uint8_t *p = mem_span(m, MADDR(5 * PAGE_SIZE), 2 * PAGE_SIZE);
    assert_int_equal(p[7], 0); /* reading is no write */
    assert_int_equal(calls, 0);
    p[7] = 1;
    p[8] = 2;
    p[PAGE_SIZE] = 3; /* frame 6 has no code */
    assert_int_equal(calls, 1);
    assert_true(mem_take_code_write(m, &frame));
    assert_int_equal(frame, 5);
    assert_false(mem_take_code_write(m, &frame));
    p[9] = 4; /* not guarded any more */
    assert_int_equal(calls, 1);

    mem_guard_code(m, 5);
    p[9] = 5;
    mem_guard_code(m, 5); /* written, not yet taken, and guarded anew: still one entry */
    p[9] = 6;
    assert_int_equal(calls, 3);
    assert_true(mem_take_code_write(m, &frame));
    assert_int_equal(frame, 5);
    assert_false(mem_take_code_write(m, &frame));
    memset(mem_span(m, MADDR(8 * PAGE_SIZE), 3 * PAGE_SIZE), 1, 3 * PAGE_SIZE);
    assert_true(mem_take_code_write(m, &frame));
    assert_int_equal(frame, 9);
    assert_int_equal(p[7], 1);
    mem_free(m);
}

static void changes_are_tracked(void **state)
{
    (void)state;
    struct mem *m = new_mem(MEM_MIN_BYTES);
    const uint64_t *list;
    assert_int_equal(mem_changed(m, &list), mem_frames(m) - 96); /* all but the hole */
    mem_track_start(m);
    assert_int_equal(mem_changed(m, &list), 0);
    static const uint16_t frames[] = {700, 3, 256, 3, 159, 1023};
    for (unsigned i = 0; i < 6; i++)
        assert_true(mem_write(m, MADDR((uint64_t)frames[i] * PAGE_SIZE + i), "x", 1));
    static const uint16_t sorted[] = {3, 159, 256, 700, 1023};
    assert_int_equal(mem_changed(m, &list), 5);
    for (unsigned i = 0; i < 5; i++)
        assert_int_equal(list[i], sorted[i]);
    mem_track_start(m);
    assert_int_equal(mem_changed(m, &list), 0);
    assert_true(mem_write(m, MADDR(3 * PAGE_SIZE), "y", 1));
    assert_int_equal(mem_changed(m, &list), 1);
    mem_free(m);
}

/* A frame can be watched for both reasons; one store serves both, whatever the order of asking. */
static void both_watches_work_together(void **state)
{
    (void)state;
    for (unsigned order = 0; order < 2; order++) {
        struct mem *m = new_mem(MEM_MIN_BYTES);
        const uint64_t *list;
        uint64_t frame;
        if (order)
            mem_guard_code(m, 20);
        mem_track_start(m);
        if (!order)
            mem_guard_code(m, 20);
        assert_true(mem_write(m, MADDR(20 * PAGE_SIZE), "x", 1));
        assert_true(mem_take_code_write(m, &frame));
        assert_int_equal(frame, 20);
        assert_int_equal(mem_changed(m, &list), 1);
        assert_int_equal(list[0], 20);
        mem_guard_code(m, 20); /* changed already, code again */
        assert_true(mem_write(m, MADDR(20 * PAGE_SIZE), "y", 1));
        assert_true(mem_take_code_write(m, &frame));
        assert_int_equal(mem_changed(m, &list), 1);
        mem_free(m);
    }
}

/* The host grants a process some 65,000 separately protected ranges. A guest with code in every
   other frame wants more: precision may suffer, no write may be missed. */
static void running_out_of_ranges_loses_no_write(void **state)
{
    (void)state;
    struct mem *m = new_mem(768ull << 20);
    uint64_t frames = mem_frames(m), frame, guarded = 0, taken = 0;
    uint8_t *seen = calloc(frames, 1);
    for (uint64_t f = 256; f < frames; f += 2, guarded++)
        mem_guard_code(m, f);
    for (uint64_t f = 256; f < frames; f += 2)
        *(uint8_t *)mem_span(m, MADDR(f << PAGE_SHIFT), 1) = 1;
    while (mem_take_code_write(m, &frame))
        taken += !seen[frame]++;
    assert_int_equal(taken, guarded);
    free(seen);
    mem_free(m);
}

static double now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static void two_memories_do_not_mix(void **state)
{
    (void)state;
    struct mem *a = new_mem(MEM_MIN_BYTES), *b = new_mem(64u << 20);
    const uint64_t *list;
    mem_track_start(a);
    mem_track_start(b);
    double start = now_ms();
    for (uint64_t f = 1000; f < 1256; f++)
        assert_true(mem_write(b, MADDR(f << PAGE_SHIFT), "x", 1));
    print_message("first stores to 256 frames: %.2f ms\n", now_ms() - start);
    assert_true(mem_write(a, MADDR(0), "x", 1));
    assert_int_equal(mem_changed(a, &list), 1);
    assert_int_equal(mem_changed(b, &list), 256);
    start = now_ms();
    mem_track_start(b);
    print_message("tracking 64 MiB anew: %.2f ms\n", now_ms() - start);
    mem_free(a);
    assert_true(mem_write(b, MADDR(5000ull << PAGE_SHIFT), "x", 1));
    assert_int_equal(mem_changed(b, &list), 1);
    mem_free(b);
}

/* ---- the no man's land ---- */

/* A child touches the byte and must end there, saying why. */
static void touching_ends(const volatile uint8_t *at, bool write, const char *text)
{
    int end[2], status;
    char said[512] = "";
    assert_int_equal(pipe(end), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (!child) {
        dup2(end[1], STDERR_FILENO);
        if (write)
            *(volatile uint8_t *)at = 1;
        else
            (void)*at;
        _exit(0); /* it was repaired, or it was somebody's */
    }
    close(end[1]);
    for (size_t n = 0;;) {
        ssize_t got = read(end[0], said + n, sizeof said - 1 - n);
        if (got <= 0)
            break;
        n += (size_t)got;
    }
    close(end[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 70 || !strstr(said, text))
        fail_msg("status %#x, \"%s\"; should have ended with 70 and \"%s\"", status, said, text);
}

static void strays_are_named(void **state)
{
    (void)state;
    struct mem *m = new_mem(MEM_MIN_BYTES);
    const uint8_t *base = mem_base(m);
    for (unsigned tracking = 0; tracking < 2; tracking++) { /* it undoes no guard */
        touching_ends(base - 1, false, "0x1 bytes before the machine's memory");
        touching_ends(base - PAGE_SIZE, true, "0x1000 bytes before the machine's memory");
        touching_ends(base + MEM_MIN_BYTES, false,
                      "access 0 bytes behind the end of the machine's memory");
        touching_ends(base + MEM_MIN_BYTES, true,
                      "access 0 bytes behind the end of the machine's memory");
        touching_ends(base + 0xFFFFFFFF, true, "0xffbfffff bytes behind the end of the machine's");
        touching_ends(base + PC_HOLE_START, false,
                      "0xa0000 bytes into a gap of the machine's memory");
        touching_ends(base + PC_HOLE_END - 1, true,
                      "a mistake of Ringside's outside of guest code");
        assert_true(mem_write(m, MADDR(0), "x", 1));
        assert_true(mem_write(m, MADDR(MEM_MIN_BYTES - 1), "x", 1));
        mem_track_start(m);
        mem_guard_code(m, 1);
    }
    mem_free(m);
}

static void describe(void *ctx, char *to, unsigned size)
{
    (void)ctx;
    snprintf(to, size, "in a guest's block");
}

static void blocks_end_at_a_guard(void **state)
{
    (void)state;
    static const size_t sizes[] = {1, 16, 100, PAGE_SIZE - 1, PAGE_SIZE, 3 * PAGE_SIZE + 8};
    for (unsigned i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        uint8_t *p = guard_alloc(sizes[i], "a table");
        assert_non_null(p);
        assert_int_equal((uintptr_t)p % 16, 0);
        for (size_t k = 0; k < sizes[i]; k++)
            assert_int_equal(p[k], 0);
        memset(p, 0xFF, sizes[i]);
        touching_ends(p + sizes[i] + 15, true, "behind the end of a table");
        touching_ends(p - PAGE_SIZE, false, "0x1000 bytes before a table");
        guard_free(p);
    }
    guard_free(NULL);
    /* While a guest runs, its place is told too. */
    struct guard_engine e = {.text = describe};
    uint8_t *p = guard_alloc(64, "a table");
    guard_enter_engine(&e);
    touching_ends(p + 64, false,
                  "access 0 bytes behind the end of a table: a mistake of Ringside's in a guest");
    guard_enter_engine(NULL);
    guard_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes_are_checked),
        cmocka_unit_test(the_door_is_checked),
        cmocka_unit_test(code_writes_are_reported_once),
        cmocka_unit_test(changes_are_tracked),
        cmocka_unit_test(both_watches_work_together),
        cmocka_unit_test(running_out_of_ranges_loses_no_write),
        cmocka_unit_test(two_memories_do_not_mix),
        cmocka_unit_test(strays_are_named),
        cmocka_unit_test(blocks_end_at_a_guard),
    };
    return cmocka_run_group_tests_name("mem", tests, NULL, NULL);
}
