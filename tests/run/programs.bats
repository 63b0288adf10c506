#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# Programs of one's own: compiled by ringside-cc against Debian's musl, added, run. And the kernel's
# own tests in guest/user/tests, which look at system calls from inside.

load helpers

setup() {
    cd "$BATS_TEST_TMPDIR"
}

cc() {
    "$RINGSIDE_BUILD/ringside-cc" -std=gnu17 -Os -Wall -Wextra "$@"
}

@test "hello, world" {
    cat >hello.c <<'X'
#include <stdio.h>
#include <unistd.h>
int main(int argc, char **argv)
{
    printf("hello from %s, %d arguments, pid %d\n", argv[0], argc, getpid() > 1);
    return 7;
}
X
    cc hello.c -o hello
    run guest 'hello a b' --add hello
    [ "$status" -eq 7 ]
    [ "$output" = "hello from hello, 3 arguments, pid 1" ]
}

@test "threads, floating point, malloc and time in one program" {
    cat >work.c <<'X'
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static long total;
static _Thread_local double mine;
static void *work(void *p)
{
    long n = (long)p;
    mine = n;
    for (int i = 0; i < 20000; i++) {
        mine = sqrt(mine * mine);
        if (i % 100 == 0) {
            char *m = malloc(1000 + i);
            memset(m, n, 1000 + i);
            pthread_mutex_lock(&lock);
            total += m[999];
            pthread_mutex_unlock(&lock);
            free(m);
        }
    }
    return (void *)(long)(mine == n);
}
int main(void)
{
    pthread_t t[8];
    struct timespec a, b;
    clock_gettime(CLOCK_MONOTONIC, &a);
    for (long i = 0; i < 8; i++)
        if (pthread_create(&t[i], NULL, work, (void *)(i + 1)) != 0)
            return 2;
    int right = 0;
    for (int i = 0; i < 8; i++) {
        void *r;
        pthread_join(t[i], &r);
        right += r != NULL;
    }
    nanosleep(&(struct timespec){0, 20000000}, NULL);
    clock_gettime(CLOCK_MONOTONIC, &b);
    long ms = (b.tv_sec - a.tv_sec) * 1000 + (b.tv_nsec - a.tv_nsec) / 1000000;
    printf("%d %ld %d\n", right, total, ms >= 20 && ms < 5000);
    return 0;
}
X
    cc work.c -o work -lpthread -lm
    run guest work --add work
    [ "$status" -eq 0 ]
    [ "$output" = "8 7200 1" ]
}

@test "the kernel's tests from inside" {
    tests=$RINGSIDE_SOURCE/guest/user/tests
    add=() names=()
    for source in "$tests"/t-*.c; do
        name=$(basename "$source" .c)
        cc -w -I"$tests" -I"$RINGSIDE_SOURCE" "$source" -o "$name" -lpthread -lm
        add+=(--add "$name")
        names+=("$name")
    done
    [ "${#names[@]}" -ge 5 ]
    LIMIT=200 guest "for t in ${names[*]}; do echo \"== \$t\"; \$t; echo \"= \$t \$?\"; done" "${add[@]}" >out 2>err || true
    bad=0
    for name in "${names[@]}"; do
        grep -qx "= $name 0" out || bad=1
    done
    [ $bad -eq 0 ] || {
        tail -n 100 out
        return 1
    }
}
