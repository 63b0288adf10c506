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

# A bare CPU that finds no way on shuts down; a hypervisor ends its guest, and says what it missed.
here() { # ON-NATIVE ON-LGUEST
    if on_lguest; then echo "$2"; else echo "$1"; fi
}

@test "shutdowns name what was missing" {
    dies triple-fault "$(here 'triple fault.*exception 6' 'unhandled trap 6 ')"
    dies triple-by-int "$(here 'triple fault.*INT 0x80' 'unhandled trap 13 .*0x402')"
    dies execute-unmapped "$(here 'triple fault.*exception 14' 'unhandled trap 14 .*0x40000000')"
    dies stack-unmapped "$(here 'triple fault' 'bad stack address 0x3ffffff')"
    dies garbage '.'
    dies execute-hole '.'
}

@test "tables where there is no memory" {
    on_lguest && skip "a guest of a hypervisor has no such registers"
    dies gdt-in-hole 'triple fault'
    dies idt-in-hole 'triple fault'
    dies cr3-in-hole 'triple fault'
    dies cr3-flat-in-hole 'triple fault'
}

@test "a false word in a hypercall ends the guest, and the reason names it" {
    on_lguest || skip "there is nobody to call"
    dies bad-hypercall 'bad hypercall 99'
    dies init-twice 'already have lguest_data'
    dies ring-garbage 'bad hypercall 3735928559'
    dies notify-outside 'bad NOTIFY 0xf0000000'
    dies message-outside 'bad read address 0xffffffc0, 128 bytes'
    dies gate-type 'bad IDT type 12 for vector 5'
    dies gate-number 'IDT entry 256'
    dies call-gate 'GDT entry 17 is a system descriptor'
    dies segment-number 'GDT entry 32'
    dies stack-segment 'bad stack segment 0x68'
    dies stack-pages 'bad stack pages 3'
    dies stack-outside 'bad stack page 0x40000fff'
}

@test "page tables that lie end the guest when they are read" {
    on_lguest || skip "a bare CPU believes them"
    dies tables-outside 'page tables at 0xf0000000, outside of memory'
    dies tables-of-garbage 'bad page table entry 0x'
    dies page-outside 'bad page table entry 0xf0000003 for 0x80000000'
    dies large-page 'bad page middle directory entry 0x200083'
    dies entry-outside 'bad page table entry 0xf0000063 for 0x80000000'
    dies tables-of-themselves 'bad page table entry 0xf0000001 for 0x80001000'
    dies switcher "the switcher's pages at 0xfffff000"
}

@test "a halt that nothing can end" {
    dies halt 'halted'
    says 70 'nothing can wake it' tiny dying halt-masked
    on_lguest && return
    # With interrupts on but every line masked, the limit is something that will come: time passes.
    says 75 'max-cycles' tiny dying halt-masked --max-cycles 5M
}

@test "a dead guest's last words" {
    reason=$(here 'triple fault' 'unhandled trap 6')
    says 70 "$reason" tiny dying triple-fault
    grep -qE 'eip *=? *[0-9a-f]{8}' says.err
    grep -qE 'ud2' says.err
    # The events before its death, the last of them the fault itself.
    grep -qE 'fault +vector=6' says.err
    tiny dying triple-fault --json >report 2>/dev/null || [ $? -eq 70 ]
    [ "$(field end <report)" = died ]
    [ "$(field status <report)" = 70 ]
    [[ "$(field reason <report)" == *"$reason"* ]]
}

# The limit, exactly; or, if the hypervisor's work for an instruction is charged, when that is paid for.
ends_at() { # CYCLES WAY
    tiny dying "$2" --max-cycles "$1" --json >report 2>/dev/null || [ $? -eq 75 ]
    [ "$(field end <report)" = max-cycles ]
    past=$(($(field cycles <report) - $1))
    [ $past -ge 0 ] && [ $past -le "$(here 0 10000)" ] || {
        echo "$2 ended $past cycles after the limit"
        return 1
    }
}

@test "a guest that never ends is ended by --max-cycles" {
    for way in loop loop-with-interrupts fault-storm interrupt-storm page-fault-storm; do
        ends_at 3000001 $way
    done
    # Slow ways for the host: a port, a patched block, an absent memory cell with each instruction. (A
    # hypervisor's guest is charged for getting ready, and has no absent cells.)
    for way in port-storm own-block-storm $(here stack-in-hole ''); do
        ends_at "$(here 200001 1400001)" $way
    done
}

@test "a guest that never ends is ended by a signal" {
    for way in loop fault-storm port-storm own-block-storm; do
        "$RINGSIDE" run "${HV[@]}" --kernel "$RINGSIDE_BUILD/tests/guest/dying" --append "$way" \
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
            "${HV[@]}" --kernel "$RINGSIDE_BUILD/tests/guest/dying" --append loop </dev/null >/dev/null 2>&1 &&
            return 1
        [ $? -eq 143 ]
    done
}

@test "what hardware survives is survived" {
    for way in long-prefixes unknown-ports \
        $(here "execute-breakpoint tables-into-holes touch-everything" ""); do
        run tiny dying $way --max-cycles 100M
        [ "$status" -eq 42 ] || {
            echo "$way: $status $output"
            return 1
        }
        [[ "$output" != *failure* ]]
    done
}

@test "unknown ports are named once" {
    on_lguest && skip "no port is known there"
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
