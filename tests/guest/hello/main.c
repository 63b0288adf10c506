// SPDX-License-Identifier: GPL-2.0-only
/*
 * hello: the frame itself
 *
 * Background: every other test stands on the frame of lib/. If it could not report a failure, they
 *   would all succeed.
 * What it does: prints a line with the last word of its command line. With `status=N` there, it powers off with that
 *   status and without a word; with `skip`, `error` or `failure`, it ends with that result. The
 *   runner of the tests checks that each is understood as what it is.
 * How it could be fooled: a loader that gives no command line makes it succeed; the runner therefore
 *   also looks at the printed line.
 */
#include "test.h"

const char test_title[] = "hello";

void test_main(void)
{
    const char *word = test_command_word();

    printk("hello, %s\n", word);
    if (memcmp(word, "status=", 7) == 0) {
        uint8_t status = 0;
        for (word += 7; *word >= '0' && *word <= '9'; word++)
            status = (uint8_t)(status * 10 + *word - '0');
        power_off(status);
    }
    if (strcmp(word, "skip") == 0)
        test_skip("as asked");
    else if (strcmp(word, "error") == 0)
        test_error("as asked");
    else if (strcmp(word, "failure") == 0)
        check_eq(2 + 2, 5);
}
