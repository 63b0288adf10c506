/* SPDX-License-Identifier: GPL-2.0-only */
/* The console's input: three sources, one log, and going back in time. */
#include "unit.h"

#include <pthread.h>
#include <unistd.h>

#include "clock.h"
#include "input.h"

static uint16_t take(struct input *in, uint64_t now)
{
    uint16_t byte = 999;

    assert_true(input_take(in, now, &byte));
    return byte;
}

/* Wait for the writer as the run loop does: without letting time pass. */
static uint16_t take_slow(struct input *in, uint64_t now)
{
    uint16_t byte = 999;

    for (unsigned i = 0; i < 100 && !input_take(in, now, &byte); i++)
        assert_true(input_next_due(in) <= now);
    return byte;
}

static void no_source_never_gives_anything(void **st)
{
    struct state s = {.blocks = 0};
    struct input *in = input_new(&s);
    uint16_t byte;

    (void)st;
    assert_non_null(state_find(&s, "input"));
    assert_int_equal(input_next_due(in), CLOCK_NEVER);
    assert_false(input_take(in, CLOCK_NEVER - 1, &byte));
    assert_false(input_is_open(in));
    input_free(in);
}

static void live_bytes_are_stamped_when_taken(void **st)
{
    struct state s = {.blocks = 0};
    struct input *in = input_new(&s);
    uint16_t byte;
    size_t n;

    (void)st;
    input_from_live(in);
    assert_true(input_is_open(in));
    assert_false(input_take(in, 5, &byte));
    assert_int_equal(input_next_due(in), CLOCK_NEVER);
    assert_true(input_push(in, 'a'));
    assert_true(input_push(in, 0xFF));
    assert_true(input_push_end(in));
    assert_false(input_push(in, 'z'));
    assert_int_equal(input_next_due(in), 0);
    assert_int_equal(take(in, 100), 'a');
    assert_int_equal(take(in, 20000), 0xFF);
    assert_int_equal(take(in, 20001), INPUT_END);
    assert_false(input_is_open(in));
    assert_int_equal(input_next_due(in), CLOCK_NEVER);

    const struct input_entry *log = input_log(in, &n);
    assert_int_equal(n, 3);
    assert_int_equal(log[0].cycle, 100);
    assert_int_equal(log[1].byte, 0xFF);
    assert_int_equal(log[2].cycle, 20001);
    assert_int_equal(log[2].byte, INPUT_END);
    input_free(in);
}

static void typing_ahead_is_bounded(void **st)
{
    struct state s = {.blocks = 0};
    struct input *in = input_new(&s);
    unsigned n = 0;

    (void)st;
    input_from_live(in);
    while (n < 1000000 && input_push(in, (uint8_t)n))
        n++;
    assert_true(n >= 1024 && n < 100000);
    for (unsigned i = 0; i < n; i++)
        assert_int_equal(take(in, i), (uint8_t)i);
    assert_true(input_push(in, 1));
    input_free(in);
}

static void *write_slowly(void *arg)
{
    int fd = *(int *)arg;

    for (const char *c = "slow\n"; *c; c++) {
        usleep(20000);
        assert_int_equal(write(fd, c, 1), 1);
    }
    usleep(150000); /* longer than one wait for the host */
    close(fd);
    return NULL;
}

static void a_pipe_keeps_its_times_whatever_its_writer_does(void **st)
{
    (void)st;
    for (int slow = 0; slow < 2; slow++) {
        struct state s = {.blocks = 0};
        struct input *in = input_new(&s);
        int fd[2];
        pthread_t writer;
        assert_int_equal(pipe(fd), 0);
        if (slow) {
            assert_int_equal(pthread_create(&writer, NULL, write_slowly, &fd[1]), 0);
        } else {
            assert_int_equal(write(fd[1], "slow\n", 5), 5);
            close(fd[1]);
        }
        input_from_pipe(in, fd[0]);
        uint64_t now = 0;
        const char *want = "slow\n";
        for (unsigned i = 0; i < 6; i++) {
            assert_int_equal(input_next_due(in), now + INPUT_PIPE_CYCLES);
            now += INPUT_PIPE_CYCLES;
            assert_int_equal(take_slow(in, now), i < 5 ? (uint16_t)want[i] : INPUT_END);
        }
        assert_false(input_is_open(in));

        /* Who asks again after the end is told again, ever more slowly. */
        for (unsigned i = 0; i < 40; i++) {
            uint64_t pause = input_next_due(in) - now;
            assert_int_equal(pause,
                             i < 10 ? (uint64_t)INPUT_END_CYCLES << i : INPUT_END_CYCLES_MOST);
            now += pause;
            assert_int_equal(take(in, now), INPUT_END);
        }
        if (slow)
            pthread_join(writer, NULL);
        close(fd[0]);
        input_free(in);
    }
}

static void a_log_happens_again_at_its_cycles(void **st)
{
    const struct input_entry log[] = {{100, 'a'}, {100, 'b'}, {5000, INPUT_END}};
    struct state s = {.blocks = 0};
    struct input *in = input_new(&s);
    uint16_t byte;
    struct err err;

    (void)st;
    assert_true(input_set_log(in, log, 3, &err));
    assert_true(input_is_open(in));
    assert_int_equal(input_next_due(in), 100);
    assert_false(input_take(in, 99, &byte));
    assert_int_equal(take(in, 100), 'a');
    assert_int_equal(take(in, 100), 'b');
    assert_int_equal(input_next_due(in), 5000);
    assert_int_equal(take(in, 6000), INPUT_END); /* later is allowed, when there was no room */
    assert_false(input_is_open(in));
    input_free(in);
}

static void a_bad_log_is_refused(void **st)
{
    const struct input_entry byte[] = {{1, 257}};
    const struct input_entry order[] = {{2, 'a'}, {1, 'b'}};
    const struct input_entry after[] = {{1, INPUT_END}, {2, 'b'}};
    struct state s = {.blocks = 0};
    struct input *in = input_new(&s);
    struct err err;

    (void)st;
    assert_false(input_set_log(in, byte, 1, &err));
    assert_int_equal(err.class, ERR_USAGE);
    assert_false(input_set_log(in, order, 2, &err));
    assert_false(input_set_log(in, after, 2, &err));
    assert_false(input_is_open(in));
    input_free(in);
}

static void the_past_repeats_itself_until_it_is_forgotten(void **st)
{
    struct state s = {.blocks = 0};
    struct input *in = input_new(&s);
    const struct state_block *block = state_find(&s, "input");
    uint8_t past[64];
    size_t n;

    (void)st;
    assert_true(block->size <= sizeof past);
    input_from_live(in);
    input_push(in, 'a');
    input_push(in, 'b');
    input_push(in, 'c');
    take(in, 10);
    memcpy(past, block->data, block->size);
    take(in, 20);
    take(in, 30);

    memcpy(block->data, past, block->size);
    input_push(in, 'x'); /* waits for the present */
    assert_int_equal(input_next_due(in), 20);
    assert_int_equal(take(in, 20), 'b');
    assert_int_equal(take(in, 30), 'c');
    assert_int_equal(take(in, 40), 'x');
    input_log(in, &n);
    assert_int_equal(n, 4);

    memcpy(block->data, past, block->size);
    input_push(in, 'y');
    input_forget_future(in);
    assert_int_equal(take(in, 15), 'y');
    const struct input_entry *log = input_log(in, &n);
    assert_int_equal(n, 2);
    assert_int_equal(log[1].cycle, 15);
    input_free(in);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_source_never_gives_anything),
        cmocka_unit_test(live_bytes_are_stamped_when_taken),
        cmocka_unit_test(typing_ahead_is_bounded),
        cmocka_unit_test(a_pipe_keeps_its_times_whatever_its_writer_does),
        cmocka_unit_test(a_log_happens_again_at_its_cycles),
        cmocka_unit_test(a_bad_log_is_refused),
        cmocka_unit_test(the_past_repeats_itself_until_it_is_forgotten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
