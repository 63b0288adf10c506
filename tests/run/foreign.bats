#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# Guests that nobody here wrote, unmodified. They are not in the tree: scripts/foreign-guests fetches
# them, and without them these tests are skipped. docs/foreign-guests.md says what else was tried.

bats_require_minimum_version 1.5.0
load helpers

# What Linux does for seconds and nobody needs here: testing its ciphers, looking for ISA cards.
QUICK='console=ttyS0 cryptomgr.notests noisapnp'

setup() {
    cd "$BATS_TEST_TMPDIR"
    guests=${RINGSIDE_FOREIGN:-$RINGSIDE_SOURCE/build/foreign}
    LIMIT=${LIMIT:-200}
}

need() {
    for name; do
        [ -f "$guests/$name" ] || skip "no $name: scripts/foreign-guests fetches it"
    done
}

# A Debian kernel with our initrd.
debian() { # FLAVOUR OPTION...
    ringside run --kernel "$guests/linux-$1" --mem 64 --max-cycles 12G "${@:2}"
}

# Its release and version are in the image, 0x200 bytes after where the word at 0x20E points.
version_of() { # FLAVOUR
    python3 -c '
import sys
image = open(sys.argv[1], "rb").read()
at = 0x200 + int.from_bytes(image[0x20E:0x210], "little")
print(image[at:image.index(0, at)].decode().split()[0])' "$guests/linux-$1"
}

commands_run_on() { # FLAVOUR
    need "linux-$1"
    run --separate-stderr debian "$1" --append "$QUICK loglevel=0" \
        -e 'uname -sr; echo $((6 * 7)) | sed s/4/four/; sleep 0.1; exit 7'
    [ "$status" -eq 7 ]
    [ "$output" = "Linux $(version_of "$1")"$'\nfour2' ]
}

@test "Debian's 686 kernel runs commands on our initrd and gives their status" {
    commands_run_on 686
}

@test "Debian's 686-pae kernel does" {
    commands_run_on 686-pae
}

@test "Debian's rt-686-pae kernel does" {
    commands_run_on rt-686-pae
}

@test "it has a clock, a timer, a serial line and no complaints about the processor" {
    need linux-686-pae
    debian 686-pae --append "$QUICK loglevel=0" --rtc 2024-02-29 -e '
date +%F; awk "\$NF ~ /^(timer|ttyS0|rtc0)$/ { print \$NF }" /proc/interrupts
dmesg | grep -c "tsc: Detected 99[0-9.]* MHz\|tsc: Detected 100[0-9.]* MHz"
dmesg | grep -iE "unchecked MSR|Disabled fast string|triple|Oops|BUG:|WARNING:" || echo none' >out
    printf '2024-02-29\ntimer\nttyS0\nrtc0\n1\nnone\n' | diff out -
}

@test "at its shell one can type, and reboot ends the run" {
    need linux-686
    echo 'echo typed $((40 + 2)); reboot' |
        timeout -k 5 "$LIMIT" "$RINGSIDE" run --kernel "$guests/linux-686" --append "$QUICK quiet" --mem 64 \
            --max-cycles 12G --json >report 2>out
    grep -q '^typed 42' out
    [ "$(field end <report)" = reset ]
}

@test "poweroff through init does; halting by force is the death of a guest that nothing can wake" {
    need linux-686
    debian 686 --append "$QUICK loglevel=0" -e 'kill -USR2 1; sleep 9' --json >report 2>/dev/null
    [ "$(field end <report)" = power-off ]
    says 70 'halted with interrupts off' debian 686 --append "$QUICK loglevel=0" -e 'halt -f'
}

@test "two boots, and one saved in the middle and gone on with elsewhere, are the same to the last bit" {
    need linux-686-pae
    local options=(--append "$QUICK loglevel=0" -e 'md5sum /bin/busybox; ps; cat /proc/interrupts')
    debian 686-pae "${options[@]}" --json >a 2>a.out
    debian 686-pae "${options[@]}" --json >b 2>b.out
    [ "$(field end <a)" = power-off ]
    [ "$(essence a)" = "$(essence b)" ]
    cmp a.out b.out
    run -75 ringside run --kernel "$guests/linux-686-pae" --mem 64 "${options[@]}" --max-cycles 2345678901 --save half
    ringside run --load half --max-cycles 12G --json >c 2>c.out
    [ "$(essence a)" = "$(essence c)" ]
}

@test "memtest86+ draws its screen on the serial line and finds no errors" {
    need memtest86+
    run -75 --separate-stderr ringside run --kernel "$guests/memtest86+" --append 'console=ttyS0,115200 nopause' \
        --mem 16 --max-cycles 3G
    [[ "$output" == *"Memtest86+ v"*"Ringside virtual CPU"* ]]
    [[ "$output" == *"CLK/Temp: 1000MHz"* || "$output" == *"CLK/Temp:  999MHz"* ]]
    [[ "$output" == *"Testing: "*"of 15.6MB"* ]]
    [[ "$output" == *"Errors: 0 "* && "$output" != *"Errors: "[1-9]* ]]
}

@test "the Debian installer comes to its first question" {
    need linux-installer installer.gz
    LIMIT=400 # it unpacks 30 MB and starts many programs
    run -75 --separate-stderr ringside run --kernel "$guests/linux-installer" --initrd "$guests/installer.gz" \
        --append "$QUICK quiet TERM=vt102" --mem 512 --max-cycles 14G
    [[ "$output" == *"Select a language"* ]]
}
