#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# The same run is the same run: again, with the host in the way, cut in pieces, in another process,
# and from a recording. Compared are the digests of state and events, and the counts of instructions
# and cycles.

load helpers

# Processes, timers, signals, files, floating point, randomness: something of everything.
WORK='
for i in 1 2 3 4 5; do (sleep 0.0$i; echo child $i) & done; wait
seq 1 2000 | sort -n | md5sum
head -c 100000 /dev/urandom | md5sum
awk "BEGIN { for (i = 1; i < 2000; i++) s += 1 / i; print s }"
sh -c "trap : USR1; while :; do :; done" & p=$!
sleep 0.02; kill -USR1 $p; sleep 0.02; kill $p; wait $p
find /bin | wc -l
cat /proc/uptime /proc/stat >/tmp/x; cp /tmp/x /tmp/y; gzip /tmp/y
exit 6'

setup() {
    cd "$BATS_TEST_TMPDIR"
}

report() { # FILE OPTION...
    ringside run --json "${@:2}" >"$1" 2>"$1.console" || true
    [ -s "$1" ]
}

same() { # REPORT REPORT
    diff <(essence "$1") <(essence "$2")
}

@test "the same run twice, and with other arguments another" {
    report a -e "$WORK"
    report b -e "$WORK"
    [ "$(field status <a)" = 6 ]
    same a b
    cmp a.console b.console
    report c -e "$WORK" --seed 2
    [ "$(field state_digest <a)" != "$(field state_digest <c)" ]
    report d -e "echo 1"
    report e -e "echo 2"
    [ "$(field event_digest <d)" != "$(field event_digest <e)" ]
    [ "$(field state_digest <d)" != "$(field state_digest <e)" ]
    report f -e "echo 1" --rtc 2007-01-01
    [ "$(field state_digest <d)" != "$(field state_digest <f)" ]
}

@test "every tiny kernel twice" {
    for kernel in "$RINGSIDE_BUILD"/tests/guest/*; do
        [ -x "$kernel" ] || continue
        case ${kernel##*/} in dying | work) continue ;; esac
        report a --kernel "$kernel"
        report b --kernel "$kernel"
        same a b
    done
}

@test "with the host stopping and going on" {
    report a -e "$WORK"
    "$RINGSIDE" run ${RINGSIDE_HV:+--hv "$RINGSIDE_HV"} --json -e "$WORK" </dev/null >b 2>b.console &
    pid=$!
    while kill -0 $pid 2>/dev/null; do
        sleep 0.0$((RANDOM % 9 + 1))
        kill -STOP $pid 2>/dev/null || break
        sleep 0.0$((RANDOM % 9 + 1))
        kill -CONT $pid 2>/dev/null || break
    done
    wait $pid || true
    same a b
}

@test "with another environment, niceness and standard streams" {
    report a -e "$WORK"
    env -i PATH=/usr/bin RINGSIDE_SECRET=1 TZ=Asia/Tokyo LANG=C nice -n 10 \
        timeout 60 "$RINGSIDE" run ${RINGSIDE_HV:+--hv "$RINGSIDE_HV"} --json -e "$WORK" \
        </dev/null 2>/dev/null | cat >b || true
    same a b
}

@test "saved in the middle and loaded in another process" {
    report whole -e "$WORK"
    total=$(field cycles <whole)
    RANDOM=${SEED:-$(date +%s)}
    echo "seed $RANDOM"
    for part in 3 7 $((RANDOM % 97 + 1)); do
        at=$((total / 100 * part + RANDOM))
        echo "at cycle $at of $total"
        report first -e "$WORK" --max-cycles $at --save machine
        [ "$(field end <first)" = max-cycles ]
        [ "$(field cycles <first)" -ge "$at" ] # a crossing's cost is charged in one piece
        [ "$(field cycles <first)" -lt $((at + 20000)) ]
        report second --load machine
        same whole second
        cat first.console second.console | grep -v '^ringside: stopped' | cmp - whole.console
    done
}

@test "saved, loaded, saved again, many times" {
    report whole -e "$WORK"
    total=$(field cycles <whole)
    report part -e "$WORK" --max-cycles 1000003 --save m0
    for n in 0 1 2 3 4 5 6; do # --max-cycles counts from where the saved machine is
        report part --load m$n --max-cycles $((total / 9)) --save m$((n + 1))
        [ "$(field end <part)" = max-cycles ]
    done
    n=7
    report last --load m$n
    same whole last
}

@test "stopped at random cycles, in the same state as a run that goes there at once" {
    RANDOM=${SEED:-$(date +%s)}
    echo "seed $RANDOM"
    report whole -e "$WORK"
    total=$(field cycles <whole)
    for i in 1 2 3 4 5; do
        a=$(((RANDOM * 32768 + RANDOM) % (total / 2) + 1000))
        b=$((a + 20000 + RANDOM))
        report there -e "$WORK" --max-cycles $b
        report half -e "$WORK" --max-cycles $a --save machine
        report rest --load machine --max-cycles $((b - $(field cycles <half)))
        same there rest
    done
}

@test "a recording is verified, and so is one with typed keys" {
    ringside run --record r -e "$WORK" >out || [ $? -eq 6 ]
    run ringside verify r
    [ "$status" -eq 0 ]
    printf 'echo typed\nsleep 0.1; ls /\nexit 3\n' |
        timeout 60 "$RINGSIDE" run --record keys >out || [ $? -eq 3 ]
    run ringside verify keys
    [ "$status" -eq 0 ]
    ringside verify --json keys >report
    python3 -m json.tool <report >/dev/null
}
