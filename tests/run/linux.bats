#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# Kernels that behave towards lguest as Linux did (tests/guest/linux-lguest): both releases, with and without
# PAE, as vmlinux and as bzImage.

bats_require_minimum_version 1.5.0
load helpers

setup() {
    cd "$BATS_TEST_TMPDIR"
    unset RINGSIDE_HV
    mkdir nothing
}

# One of them, under a variant.
linux() { # KERNEL VARIANT OPTION...
    timeout -k 5 "${LIMIT:-60}" "$RINGSIDE" run --hv "lguest:$2" --kernel "$RINGSIDE_BUILD/tests/guest/linux-$1" \
        --initrd "$BATS_TEST_TMPDIR/nothing" --max-cycles 1G "${@:3}"
}

each() { # COMMAND, which gets KERNEL and VARIANT
    for variant in 2.6.31 3.2; do
        for kind in '' -pae .bz -pae.bz; do
            "$@" "$variant$kind" "$variant" # no || here: the checks in it would no longer stop the test
        done
    done
}

boots() {
    echo "boots $1"
    echo "a line for hvc0" | linux "$1" "$2" --append quiet >said
    name="like Linux $2"
    [[ "$1" == *-pae* ]] && name+=' with PAE'
    grep -qF "$name, on lguest: " said
    grep -qF 'traps, page tables, FPU' said
    grep -qF 'hvc0: console enabled' said
    [ "$(grep -cF 'a process speaks' said)" -eq 6 ]
    grep -qF 'the processes ended' said
    grep -qF 'say something: [a line for hvc0]' said
}

@test "each boots, runs a process, hears what is typed, and switches off" {
    each boots
}

ends() {
    echo "ends $1"
    run --separate-stderr linux "$1" "$2" --append restart --json <<<line
    [[ "$output" == *'"end": "reset"'* ]]
    says 70 'kernel panic: main\.c:[0-9]+: as asked' linux "$1" "$2" --append panic <<<line
}

@test "restart, and a panic with its text" {
    each ends
}

@test "the amount of memory does not matter" {
    for mib in 32 100 1024 3072; do
        for kernel in 2.6.31 2.6.31-pae 3.2 3.2-pae; do
            echo "line" | linux $kernel ${kernel%-pae} --mem $mib >said
            grep -qF '[line]' said
        done
    done
}

@test "two runs are the same" {
    for kernel in 2.6.31 3.2-pae; do
        for i in 1 2; do
            echo "line" | linux $kernel ${kernel%-pae} --json 2>/dev/null | sed -n '/^{/,$p' >report$i
        done
        [ "$(essence report1)" = "$(essence report2)" ]
    done
}

@test "with disks beside the console" {
    truncate -s 1M one two
    for kernel in 2.6.31 3.2-pae; do
        echo "line" | linux $kernel ${kernel%-pae} --disk one --disk two >said
        grep -qE 'device at 0: type 2, 1 queues' said
        grep -qE 'device at [0-9]+: type 3, 2 queues' said
        grep -qF '[line]' said
    done
}

@test "a kernel of the other release says which variant it wants" {
    for kind in '' -pae .bz -pae.bz; do
        says 70 'run it with --hv lguest:2\.6\.31' linux 2.6.31$kind 3.2
        says 70 'run it with --hv lguest:3\.2' linux 3.2$kind 2.6.31
    done
}
