#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# The options of `ringside run`, with busybox on our own kernel.

bats_require_minimum_version 1.5.0
load helpers

setup() {
    cd "$BATS_TEST_TMPDIR"
}

@test "-e prints just what the commands print, and ends with their status" {
    guest 'printf "a\0b\001\377\r\n\tno newline at the end"' >out 2>err
    printf 'a\0b\001\377\r\n\tno newline at the end' | cmp - out
    [ ! -s err ]
    run guest 'exit 3'
    [ "$status" -eq 3 ]
    [ -z "$output" ]
    run guest 'false'
    [ "$status" -eq 1 ]
    run guest 'kill -9 $$'
    [ "$status" -eq 137 ]
    run -127 guest 'no-such-command'
    run guest 'if'
    [ "$status" -eq 2 ]
    run guest 'exit 255'
    [ "$status" -eq 255 ]
    run guest ''
    [ "$status" -eq 0 ]
    # Standard error of the commands is on the same line; standard input is at its end.
    run guest 'echo out; echo err >&2; cat; echo done'
    [ "$output" = $'out\nerr\ndone' ]
    # A hundred thousand lines arrive, none twice.
    guest 'seq 100000' >out
    seq 100000 | cmp - out
}

@test "-e takes several lines, quotes and here-documents" {
    run guest 'for i in 1 2 3; do
    echo "line $i"
done
cat <<X
  here $((6 * 7)) '"'quoted'"' "$HOME"
X'
    [ "$output" = $'line 1\nline 2\nline 3\n  here 42 \'quoted\' "/root"' ] ||
        [ "$output" = $'line 1\nline 2\nline 3\n  here 42 \'quoted\' "/"' ]
}

@test "the issue's own example" {
    run guest 'ls -l /bin | head -3; ps; uname -a; echo $((6*7))'
    [ "$status" -eq 0 ]
    [[ "${lines[0]}" == total* ]]
    [[ "$output" == *"    1 root "* ]]
    [[ "$output" == *"Linux ringside "*" i686 "* ]]
    [ "${lines[-1]}" = 42 ]
}

@test "--append reaches the kernel's command line" {
    run guest 'cat /proc/cmdline' --append 'one=1 two'
    [[ "$output" == *"one=1 two" ]]
    run tiny hello greeting
    [[ "$output" == *"hello, greeting"* ]]
}

@test "--add puts files where they were asked for" {
    echo '#!/bin/sh
echo "added: $0 $*"' >script
    chmod +x script
    echo data >data
    run guest 'script a b; cat /etc/some/where' --add script --add data=/etc/some/where
    [ "$status" -eq 0 ]
    [ "${lines[0]}" = "added: /bin/script a b" ] || [[ "${lines[0]}" == "added: "*"script a b" ]]
    [ "${lines[1]}" = data ]
    # A later one wins.
    echo later >data2
    run guest 'cat /x' --add data=/x --add data2=/x
    [ "$output" = later ]
}

@test "--initrd takes an archive or a directory" {
    mkdir -p tree/bin tree/deep/er
    (cd tree && cpio -id --quiet <"$RINGSIDE_BUILD/initrd.cpio")
    echo from-a-directory >tree/deep/er/file
    ln -s er/file tree/deep/link
    chmod 640 tree/deep/er/file
    run guest 'cat /deep/link; stat -c %a /deep/er/file; readlink /deep/link' --initrd tree
    [ "$status" -eq 0 ]
    [ "$output" = $'from-a-directory\n640\ner/file' ]
    (cd tree && find . | cpio -o -H newc --quiet) >tree.cpio
    run guest 'cat /deep/link' --initrd tree.cpio
    [ "$output" = from-a-directory ]
}

@test "--kernel boots another kernel" {
    run tiny hello
    [ "$status" -eq 0 ]
    [[ "$output" == *"Test result: SUCCESS"* ]]
    cp "$RINGSIDE_BUILD/ringside-kernel" mine
    run guest 'echo mine' --kernel ./mine
    [ "$output" = mine ]
}

@test "--mem is what the guest has" {
    memory() { guest "awk '/MemTotal/ { print \$2 }' /proc/meminfo" --mem "$1"; }
    for mib in 16 32 64 256 1024; do
        total=$(memory $mib)
        [ "$total" -le $((mib * 1024)) ]
        [ "$total" -ge $((mib * 1024 * 3 / 5)) ]
    done
    run guest 'echo enough' --mem 3072
    [ "$output" = enough ]
}

@test "--mem that is absurd is refused in words" {
    says 64 '4\.\.3072' guest true --mem 0
    says 64 '4\.\.3072' guest true --mem 3
    says 64 '4\.\.3072' guest true --mem 3073
    says 64 '4\.\.3072' guest true --mem 18446744073709551615
    says 64 'not a number' guest true --mem 18446744073709551616
    says 64 'not a number' guest true --mem -64
    says 64 'not a number' guest true --mem 64x
    says 64 'not a number' guest true --mem ''
    # Enough to be a machine, and too little for this kernel and its initrd: any of these ends it in
    # words, none hangs.
    status=0
    guest true --mem 4 --max-cycles 2G >out 2>err || status=$?
    [ $status -eq 65 ] || [ $status -eq 70 ]
    [ -s err ]
}

@test "--max-cycles stops at the cycle, with status 75" {
    says 75 'max-cycles' guest 'while :; do :; done' --max-cycles 500M
    guest 'while :; do :; done' --max-cycles 300000007 --json >report 2>/dev/null || [ $? -eq 75 ]
    [ "$(field cycles <report)" = 300000007 ]
    [ "$(field end <report)" = max-cycles ]
    [ "$(field status <report)" = 75 ]
    says 64 'max-cycles' guest true --max-cycles 0
    says 64 'max-cycles' guest true --max-cycles 1X
    says 64 'max-cycles' guest true --max-cycles 99999999999G
}

@test "--seed is the guest's randomness, and all of it" {
    random() { guest 'head -c 16 /dev/urandom | md5sum; echo $RANDOM' --seed "$1"; }
    a=$(random 1) b=$(random 1) c=$(random 2)
    [ "$a" = "$b" ]
    [ "$a" != "$c" ]
}

@test "--rtc is the guest's date" {
    run guest 'date -u +%Y-%m-%d'
    [ "$output" = 2006-01-01 ]
    run guest 'date -u +%Y-%m-%dT%H:%M' --rtc 2024-02-29T23:59
    [ "$status" -eq 64 ] || [ "$output" = 2024-02-29T23:59 ]
    run guest 'date -u +%F' --rtc 2024-02-29
    [ "$output" = 2024-02-29 ]
    run guest 'date +%s' --rtc @1000000000
    [ "$output" -ge 1000000000 ]
    [ "$output" -le 1000000010 ]
    says 64 'rtc' guest true --rtc yesterday
}

@test "--json: the report on standard output, the guest on standard error" {
    guest 'echo words; exit 4' --json >report 2>err && false || [ $? -eq 4 ]
    [ "$(cat err)" = words ]
    [ "$(field status <report)" = 4 ]
    [ "$(field model <report)" = "$(model)" ]
    [ "$(field end <report)" = power-off ]
    [ "$(field cycles <report)" -ge "$(field instructions <report)" ]
    [ "$(field exits.fault <report)" -gt 10 ]
    [ "$(field exits.int <report)" -gt 50 ]
    on_lguest || [ "$(field exits.io <report)" -gt 10 ] # there, a port is a fault
    [[ "$(field state_digest <report)" =~ ^[0-9a-f]{16,}$ ]]
    [[ "$(field event_digest <report)" =~ ^[0-9a-f]{16,}$ ]]
}

@test "typed input comes from a pipe" {
    run bash -c 'printf "echo piped \$((6*7))\nexit 5\n" | timeout 60 "$RINGSIDE" run "$@"' - "${HV[@]}"
    [ "$status" -eq 5 ]
    [[ "$output" == *"piped 42"* ]]
    # The end of the input is Ctrl-D: the shell ends.
    run bash -c 'echo "echo last" | timeout 60 "$RINGSIDE" run "$@"' - "${HV[@]}"
    [ "$status" -eq 0 ]
    [[ "$output" == *last* ]]
}

@test "a guest's panic ends with 70 and says where it was" {
    # Without an init there is nothing to do for a kernel.
    mkdir empty-tree
    echo nothing >empty-tree/file
    says 70 'the guest died: kernel panic' ringside run --initrd empty-tree --max-cycles 5G
    grep -qi 'panic' says.out

    # A fault of the kernel's own: its words on the console, ours on standard error.
    says 70 'the guest died: kernel panic' ringside run -e 'echo c >/proc/sysrq-trigger'
    grep -q 'Kernel panic: null pointer' says.out
    grep -q 'syscall_dispatch' says.out
    grep -qE 'fault  *vector=(14|0xe)' says.err
    ringside run --json -e 'echo c >/proc/sysrq-trigger' >report 2>/dev/null || [ $? -eq 70 ]
    [ "$(field end <report)" = died ]
}

@test "output that nobody gets is a failure, and so are options that contradict each other" {
    says 71 'cannot write .*No space left' sh -c "'$RINGSIDE' run ${HV[*]} -e 'seq 100000' >/dev/full"
    says 71 'cannot write' sh -c "'$RINGSIDE' run ${HV[*]} -e 'echo 1' >&-"
    says 64 'execute is given twice' ringside run -e 'echo 1' -e 'echo 2'
    says 65 'nothing can be written there' ringside run -e true --save no/such/directory/file
    says 65 'not a regular file' ringside run -e true --record /dev/null
}
