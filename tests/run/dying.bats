#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# Guests that die, and guests that try to take the host with them: the host says why, and lives.

load helpers

setup() {
    cd "$BATS_TEST_TMPDIR"
}

dies() { # WAY REASON
    says 70 "^ringside: the guest died: .*$2" tiny dying "$1" --max-cycles 50M
    # The last words: registers, and the events that led here.
    grep -qiE 'eip|eax' says.err
    grep -q "$1" says.out
}

@test "shutdowns name what was missing" {
    dies triple-fault 'triple fault.*exception 6'
    dies triple-by-int 'triple fault.*INT 0x80'
    dies execute-unmapped 'triple fault.*exception 14'
    dies stack-unmapped 'triple fault'
    dies gdt-in-hole 'triple fault'
    dies idt-in-hole 'triple fault'
    dies cr3-in-hole 'triple fault'
    dies cr3-flat-in-hole 'triple fault'
    dies garbage '.'
    dies execute-hole '.'
}

@test "a halt that nothing can end" {
    dies halt 'halted'
    says 70 'nothing can wake it' tiny dying halt-masked
    # With interrupts on but every line masked, the limit is something that will come: time passes.
    says 75 'max-cycles' tiny dying halt-masked --max-cycles 5M
}

@test "a dead guest's last words" {
    says 70 'triple fault' tiny dying triple-fault
    grep -qE 'eip *=? *[0-9a-f]{8}' says.err
    grep -qE 'ud2' says.err
    # The events before its death, the last of them the fault itself.
    grep -qiE 'fault' says.err
    tiny dying triple-fault --json >report 2>/dev/null || [ $? -eq 70 ]
    [ "$(field end <report)" = died ]
    [ "$(field status <report)" = 70 ]
    [[ "$(field reason <report)" == *"triple fault"* ]]
}

@test "a guest that never ends is ended by --max-cycles, exactly" {
    for way in loop loop-with-interrupts fault-storm interrupt-storm page-fault-storm; do
        tiny dying $way --max-cycles 3000001 --json >report 2>/dev/null || [ $? -eq 75 ]
        [ "$(field end <report)" = max-cycles ]
        [ "$(field cycles <report)" = 3000001 ]
    done
    # Slow ways for the host: a port, a patched block, an absent memory cell with each instruction.
    for way in port-storm own-block-storm stack-in-hole; do
        tiny dying $way --max-cycles 200001 --json >report 2>/dev/null || [ $? -eq 75 ]
        [ "$(field end <report)" = max-cycles ]
        [ "$(field cycles <report)" = 200001 ]
    done
}

@test "a guest that never ends is ended by a signal" {
    for way in loop fault-storm port-storm own-block-storm; do
        "$RINGSIDE" run --kernel "$RINGSIDE_BUILD/tests/guest/dying" --append "$way" \
            </dev/null >/dev/null 2>&1 &
        pid=$!
        sleep 0.3
        kill -TERM $pid
        for i in $(seq 50); do
            kill -0 $pid 2>/dev/null || break
            sleep 0.1
        done
        ! kill -0 $pid 2>/dev/null || {
            kill -KILL $pid
            echo "$way does not end"
            return 1
        }
        status=0
        wait $pid || status=$?
        [ $status -eq 143 ]
    done
}

@test "a signal that comes before there is a machine is not lost" {
    for moment in 0.01 0.015 0.02 0.025 0.03 0.04; do
        timeout --preserve-status -k 10 -s TERM $moment "$RINGSIDE" run \
            --kernel "$RINGSIDE_BUILD/tests/guest/dying" --append loop </dev/null >/dev/null 2>&1 &&
            return 1
        [ $? -eq 143 ]
    done
}

@test "what hardware survives is survived" {
    for way in execute-breakpoint tables-into-holes long-prefixes touch-everything unknown-ports; do
        run tiny dying $way --max-cycles 100M
        [ "$status" -eq 42 ] || {
            echo "$way: $status $output"
            return 1
        }
        [[ "$output" != *failure* ]]
    done
}

@test "unknown ports are named once" {
    run tiny dying unknown-ports
    [ "$(grep -c '0x1234' <<<"$output")" -le 2 ] # once for reading, once for writing
    [ "$(grep -c '0x1234' <<<"$output")" -ge 1 ]
}

@test "a reset ends the run" {
    run tiny dying reset --max-cycles 100M --json
    grep -q '"end": "reset"' <<<"$output"
}

@test "the result of a test kernel comes through" {
    run tiny hello status=9
    [ "$status" -eq 9 ]
    run tiny hello skip
    [ "$status" -eq 3 ]
    run tiny hello error
    [ "$status" -eq 4 ]
    run tiny hello failure
    [ "$status" -eq 5 ]
    [[ "$output" == *"is 00000004, should be 00000005"* ]]
    run tiny hello status=200
    [ "$status" -eq 200 ]
    # Real hardware has no status port: the power is off, and that is all there is to know.
    run tiny hello status=9 --pure
    [ "$status" -eq 0 ]
}
