#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# What the build leaves behind: the wrapper compiler, the initrd, an installation.

setup() {
    sysroot=$RINGSIDE_SYSROOT
}

hello() {
    cat >"$BATS_TEST_TMPDIR/hello.c" <<'X'
#include <pthread.h>
#include <stdio.h>
static void *divide(void *p)
{
    *(long long *)p /= 7; /* a call into the run-time library */
    return NULL;
}
int main(void)
{
    pthread_t t;
    long long n = 7000000000021;
    pthread_create(&t, NULL, divide, &n);
    pthread_join(t, NULL);
    printf("hello %lld %.2f\n", n, n / 1e12);
    return 3;
}
X
}

is_static_i386() {
    readelf -h "$1" | grep -q 'Class: *ELF32'
    readelf -h "$1" | grep -q 'Machine: *Intel 80386'
    readelf -h "$1" | grep -q 'Type: *EXEC'
    ! readelf -l "$1" | grep -q INTERP
}

@test "ringside-cc compiles, links, and does both apart" {
    cd "$BATS_TEST_TMPDIR"
    hello
    run "$RINGSIDE_BUILD/ringside-cc" -Wall -Wextra -Werror -O2 hello.c -o hello
    [ "$status" -eq 0 ]
    [ -z "$output" ]
    is_static_i386 hello
    "$RINGSIDE_BUILD/ringside-cc" -c hello.c -o hello.o
    run "$RINGSIDE_BUILD/ringside-cc" hello.o -o hello2
    [ -z "$output" ]
    is_static_i386 hello2
    "$RINGSIDE_BUILD/ringside-cc" -x c - -o hello3 <hello.c
    is_static_i386 hello3
    # The host's headers are out of reach.
    echo '#include <jansson.h>' >host.c
    run "$RINGSIDE_BUILD/ringside-cc" -c host.c
    [ "$status" -ne 0 ]
    # A program for the guest is a program for Linux: run it, where the host's kernel can.
    if ./hello >/dev/null 2>&1 || [ $? -eq 3 ]; then
        run ./hello
        [ "$status" -eq 3 ]
        [ "$output" = "hello 1000000000003 1.00" ]
    fi
}

@test "the initrd is the same bytes each time, and holds busybox unmodified" {
    cd "$BATS_TEST_TMPDIR"
    "$RINGSIDE_SOURCE/guest/initrd/mkinitrd.sh" "$sysroot" a.cpio /bin/true=/init
    sleep 1
    TMPDIR=/var/tmp "$RINGSIDE_SOURCE/guest/initrd/mkinitrd.sh" "$sysroot" b.cpio /bin/true=/init
    cmp a.cpio b.cpio
    mkdir tree
    (cd tree && cpio -id --quiet <"$RINGSIDE_BUILD/initrd.cpio")
    busybox=$sysroot/bin/busybox
    [ -f "$busybox" ] || busybox=$sysroot/usr/bin/busybox
    cmp "$busybox" tree/bin/busybox
    [ "$(readlink tree/bin/sh)" = /bin/busybox ]
    [ -x tree/init ]
    [ -z "$(find tree -mindepth 1 -type d -empty | grep -vxE 'tree/(dev|proc|root|run|tmp)')" ]
    for applet in bin/ls bin/vi usr/bin/awk usr/bin/top; do
        [ -L "tree/$applet" ] || [ -L "tree/bin/${applet##*/}" ]
    done
    cpio -itv --quiet <"$RINGSIDE_BUILD/initrd.cpio" | awk '$3 != "root" || $4 != "root" { exit 1 }'
}

@test "the initrd's list of applets is the same where busybox cannot be run" {
    cd "$BATS_TEST_TMPDIR"
    # A copy that the kernel refuses to run, since it says it is for another machine.
    mkdir -p other/bin
    busybox=$sysroot/bin/busybox
    [ -f "$busybox" ] || busybox=$sysroot/usr/bin/busybox
    cp "$busybox" other/bin/busybox
    printf '\377\377' | dd of=other/bin/busybox bs=1 seek=18 conv=notrunc status=none
    "$RINGSIDE_SOURCE/guest/initrd/mkinitrd.sh" other other.cpio
    "$RINGSIDE_SOURCE/guest/initrd/mkinitrd.sh" "$sysroot" this.cpio
    names() { cpio -it --quiet <"$1" | sed 's|.*/||' | sort -u; }
    [ "$(names this.cpio | wc -l)" -gt 200 ]
    diff <(names other.cpio) <(names this.cpio)
}

@test "an installation works from wherever it lies" {
    DESTDIR=$BATS_TEST_TMPDIR/stage cmake --install "$RINGSIDE_BUILD" --prefix /opt/ringside >/dev/null
    mv "$BATS_TEST_TMPDIR/stage/opt/ringside" "$BATS_TEST_TMPDIR/moved"
    cd "$BATS_TEST_TMPDIR/moved"
    bin/ringside --version
    [ -s share/man/man1/ringside.1 ]
    [ -s share/bash-completion/completions/ringside ]
    hello
    bin/ringside-cc "$BATS_TEST_TMPDIR/hello.c" -o "$BATS_TEST_TMPDIR/hello"
    is_static_i386 "$BATS_TEST_TMPDIR/hello"
    # Nothing of the build tree is in the wrapper.
    ! grep -qF "$RINGSIDE_BUILD" bin/ringside-cc
    run bin/ringside run -e 'echo installed'
    [ "$status" -eq 0 ]
    [ "$output" = installed ]
}
