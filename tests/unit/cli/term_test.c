/* SPDX-License-Identifier: GPL-2.0-only */
/* Which typed bytes are ours and which are the guest's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "cli/term.h"

#define A "\x01"

/* Type all of it; what reached the guest is compared with `guest`, our requests are counted. */
static void type(const char *keys, const char *guest, unsigned quits, unsigned helps)
{
    struct term_keys k = {0};
    char got[64];
    size_t n = 0;
    unsigned quit = 0, help = 0;
    for (const char *p = keys; *p; p++) {
        enum term_request request;
        uint8_t out;
        if (term_key(&k, (uint8_t)*p, &out, &request))
            got[n++] = (char)out;
        quit += request == TERM_QUIT;
        help += request == TERM_HELP;
    }
    got[n] = '\0';
    assert_string_equal(got, guest);
    assert_int_equal(quit, quits);
    assert_int_equal(help, helps);
}

static void plain_keys_pass(void **st)
{
    (void)st;
    type("ls\r\x03\x1a\x04\xff", "ls\r\x03\x1a\x04\xff", 0, 0); /* ^C ^Z ^D are the guest's */
    type("xhXH", "xhXH", 0, 0);
}

static void prefix_is_ours(void **st)
{
    (void)st;
    type("a" A "x", "a", 1, 0);
    type(A "X", "", 1, 0);
    type(A "hb", "b", 0, 1);
    type(A "?", "", 0, 1);
    type(A "q", "", 0, 1); /* means nothing: shows what does */
}

static void prefix_can_be_sent(void **st)
{
    (void)st;
    type(A A, A, 0, 0);
    type(A "a", A, 0, 0);
    type(A A "x", A "x", 0, 0); /* the second Ctrl-A was a key, not a prefix */
    type(A A A "x", A, 1, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_keys_pass),
        cmocka_unit_test(prefix_is_ours),
        cmocka_unit_test(prefix_can_be_sent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
