#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# One kernel, two worlds: the file that boots on the bare machine, in ring 1 under lguest. What it does
# there is what it does anywhere (busybox.bats and others run on each model); here is what is lguest's.

load helpers

setup() {
    cd "$BATS_TEST_TMPDIR"
    unset RINGSIDE_HV # each test names its own
}

# Exits of a kind in a run of these commands.
exits() { # KIND COMMANDS
    guest "$2" --hv lguest --json 2>/dev/null | field "exits.$1"
}

@test "the same words from the same kernel file, on each variant" {
    work='ls /; ps; echo $((6*7)); uname -a; sh -c "exit 5"; echo $?; seq 1 500 | sort -rn | head -2'
    guest "$work" --hv native >native
    for variant in lguest lguest:2.6.31 lguest:3.2; do
        guest "$work" --hv "$variant" >there
        diff native there
    done
}

@test "the kernel knows where it is" {
    run guest 'dmesg; cat /proc/interrupts; grep hypervisor /proc/cpuinfo' --hv lguest
    [ "$status" -eq 0 ]
    [[ "$output" == *"sites patched for lguest"* ]]
    [[ "$output" == *"Booting paravirtualized kernel on lguest"* ]]
    [[ "$output" =~ 0:\ +[0-9]+\ +lguest\ +timer ]]
    [[ "$output" == *virtio0* ]]
    [[ "$output" =~ hypervisor.*:\ lguest ]]
    [[ "$output" != *XT-PIC* ]]
}

@test "statuses, power-off, restart and panic" {
    status_of() { guest "$1" --hv lguest --json 2>/dev/null >report || true; field status <report; }
    [ "$(status_of 'exit 3')" = 3 ]
    [ "$(status_of 'kill -9 $$')" = 137 ]
    run guest 'reboot -f' --hv lguest --json
    [[ "$output" == *'"end": "reset"'* ]]
    run guest 'echo c >/proc/sysrq-trigger' --hv lguest
    [ "$status" -eq 70 ]
    [[ "$output" == *"Kernel panic: null pointer"* ]]
    [[ "$output" == *"Call trace:"* ]]
}

@test "masking interrupts enters nobody" {
    # /dev/zero to /dev/null, a byte at a time: each read and write masks and unmasks many times.
    few=$(exits int 'dd if=/dev/zero of=/dev/null bs=1 count=100 2>/dev/null')
    many=$(exits int 'dd if=/dev/zero of=/dev/null bs=1 count=1100 2>/dev/null')
    # 2000 system calls, which are exits of this machine, though not of lguest; and some chance.
    calls=$((many - few))
    [ "$calls" -ge 1900 ]
    [ "$calls" -lt 2200 ]
}

@test "page-table changes are told in batches" {
    # A buffer of 2048 pages: each is told alone when it comes, but all go together.
    small=$(exits int 'dd if=/dev/zero of=/dev/null bs=4k count=1 2>/dev/null')
    large=$(exits int 'dd if=/dev/zero of=/dev/null bs=8M count=1 2>/dev/null')
    [ $((large - small)) -ge 2000 ]
    [ $((large - small)) -lt $((2048 + 2048 / 8)) ]
}

@test "the tick keeps time, and sleep sleeps" {
    guest 'sleep 2; awk "/timer/ { print \$2 }" /proc/interrupts' --hv lguest >ticks
    [ "$(cat ticks)" -ge 200 ]
    [ "$(cat ticks)" -le 215 ]
    run guest 'date +%Y-%m-%d' --hv lguest --rtc 2020-02-29T12:00:00
    [ "$output" = 2020-02-29 ]
}

@test "an initrd at the end of much memory" {
    for mib in 16 64 1024 3072; do
        run guest 'echo found' --hv lguest --mem $mib
        [ "$status" -eq 0 ]
        [ "$output" = found ]
    done
}

@test "typed commands, from a pipe that is asked for each byte" {
    printf 'read x\nhello\necho "<$x>"\nexit 6\n' >typed
    status=0
    timeout 60 "$RINGSIDE" run --hv lguest <typed >out 2>err || status=$?
    [ $status -eq 6 ]
    grep -q '<hello>' out
}

@test "without the extension nobody takes the status" {
    run guest 'echo pure; exit 4' --hv lguest --pure
    [ "$status" -eq 0 ]
    [[ "$output" == *pure* ]]
    # The call that switches off has a text to go with it: any but the usual one is a panic's.
    run guest 'echo c >/proc/sysrq-trigger' --hv lguest --pure
    [ "$status" -eq 70 ]
    [[ "$output" == *"the guest died: kernel panic: null pointer"* ]]
}
