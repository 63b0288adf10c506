#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# The program before any guest runs: what it says of itself, and what it says to wrong words.

@test "help of the program and of each command" {
    run "$RINGSIDE" --help
    [ "$status" -eq 0 ]
    for command in run verify models hooks sites trace help; do
        [[ "$output" == *"  $command "* ]]
    done
    for command in run verify models hooks sites trace help; do
        run "$RINGSIDE" "$command" --help
        [ "$status" -eq 0 ]
        [[ "$output" == "Usage: ringside $command "* ]]
        help=$output
        run "$RINGSIDE" help "$command"
        [ "$output" = "$help" ]
    done
    # No line is wider than a terminal.
    "$RINGSIDE" run --help | awk 'length > 82 { exit 1 }'
}

@test "versions of the program and its libraries" {
    run "$RINGSIDE" --version
    [ "$status" -eq 0 ]
    [[ "${lines[0]}" =~ ^ringside\ [0-9]+\.[0-9]+\.[0-9]+$ ]]
    [[ "$output" =~ Unicorn\ 2\.[0-9]+\.[0-9]+ ]]
    for library in Zydis zstd xxhash jansson; do
        [[ "$output" =~ $library\ [0-9]+\.[0-9]+ ]]
    done
}

@test "wrong words: status 64, standard error only, and what was meant" {
    check() { # expected text, arguments
        local text=$1
        shift
        local out
        out=$("$RINGSIDE" "$@" 2>"$BATS_TEST_TMPDIR/err") && return 1
        [ $? -eq 64 ] || { "$RINGSIDE" "$@" || [ $? -eq 64 ]; }
        [ -z "$out" ]
        grep -qF -- "$text" "$BATS_TEST_TMPDIR/err"
    }
    check "Usage: ringside COMMAND"
    check "did you mean 'verify'?" verfy
    check "unknown command 'dance'" dance
    check "did you mean '--kernel'?" run --kernal x
    check "unknown option '-z'" run -z
    check "--mem: 1 is outside 4..3072" run --mem 1
    check "--mem: '99999999999999999999' is not a number" run --mem 99999999999999999999
    check "did you mean 'native'?" run --hv natve
    check "needs FILE" verify
    check "--load goes on with a machine that is there" run --load x --mem 8
    check "follow it" --mem 8 run
}

@test "files that cannot be used: status 65 and their names" {
    cd "$BATS_TEST_TMPDIR"
    : >empty
    echo "not a kernel" >text
    head -c 100 "$RINGSIDE_BUILD/ringside-kernel" >cut
    for file in empty text cut missing /dev/null .; do
        run "$RINGSIDE" run --kernel "$file" -e true
        [ "$status" -eq 65 ]
        [[ "$output" == "ringside: "*"$file"* ]]
    done
    for file in empty text missing; do
        run "$RINGSIDE" run --initrd "$file" -e true
        [ "$status" -eq 65 ] || [ "$file" = empty ]
    done
    run "$RINGSIDE" run --add missing -e true
    [ "$status" -eq 65 ]
    [[ "$output" == *missing* ]]
}

@test "models, for people and for programs" {
    run "$RINGSIDE" models
    [ "$status" -eq 0 ]
    [[ "$output" == *"native: bare hardware"*"kernel ring  0"*"entered by   hardware exceptions only"* ]]
    [[ "$output" == *"paging       the kernel's own tables"*"variants     pc"*"hypercalls   none"* ]]
    [[ "$output" != *"ASPLOS"* ]]
    run "$RINGSIDE" models native --costs
    [[ "$output" =~ port\ +0\ +by\ choice\;\ measured:\ IN\ from\ port\ 0x80\ 3209 ]]
    run "$RINGSIDE" models natve
    [ "$status" -eq 64 ]
    [[ "$output" == *"did you mean 'native'?"* ]]
    "$RINGSIDE" models --json | python3 -c '
import json, sys
models = {m["name"]: m for m in json.load(sys.stdin)["models"]}
native = models["native"]
assert native["kernel_ring"] == 0 and native["variants"] == ["pc"] and native["hypercalls"] == [], native
assert {c["name"] for c in native["costs"]} == {"fault", "int", "irq", "port"}, native
assert all(c["source"] for c in native["costs"])
assert native["devices"] == ["8259", "8254", "16550", "CMOS", "power-off", "status port"], native
assert "virtio console" in models["lguest"]["devices"], models["lguest"]'
}

@test "output that cannot be written is a failure" {
    run bash -c '"$RINGSIDE" models >/dev/full'
    [ "$status" -eq 71 ]
}

@test "the man page names every command and option, and troff has nothing to say against it" {
    page=$RINGSIDE_BUILD/ringside.1
    for word in $("$RINGSIDE" run --help | grep -oE -- '--[a-z]+(-[a-z]+)*' | sort -u); do
        grep -qF -- "${word//-/\\-}" "$page"
    done
    ! grep -q '@' "$page" || grep '@' "$page" | grep -q SECONDS
    command -v man >/dev/null || skip "no man here"
    [ -z "$(man --warnings -l "$page" 2>&1 >/dev/null)" ]
}

@test "bash completes commands, options, values and files" {
    cd "$BATS_TEST_TMPDIR"
    touch kernel.elf
    complete_words() {
        bash -c 'source "$0"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); compopt() { :; }; _ringside; echo "${COMPREPLY[*]}"' \
            "$RINGSIDE_BUILD/ringside.bash" "$@"
    }
    [ "$(complete_words ringside ve)" = verify ]
    [ "$(complete_words ringside run --max)" = --max-cycles ]
    [ "$(complete_words ringside run --color a)" = "auto always" ]
    [ "$(complete_words ringside run --hv na)" = native ]
    [ "$(complete_words ringside run --kernel ker)" = kernel.elf ]
    [ "$(complete_words ringside help mo)" = models ]
}
