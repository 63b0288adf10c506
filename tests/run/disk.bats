#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# A disk with a file's content: what is on it, what becomes of the file, and what a repeated run has.

bats_require_minimum_version 1.5.0
load helpers

setup() {
    cd "$BATS_TEST_TMPDIR"
    unset RINGSIDE_HV # each test names its own
    # Neither zeros nor text, and no multiple of a page.
    seq 1 100000 | gzip -9 | head -c $((317 * 512)) >image
    cp image original
}

on() { # VARIANT COMMANDS OPTION...
    guest "$2" --hv "lguest:$1" "${@:3}"
}

VARIANTS="2.6.31 3.2"

@test "what is in the file is on the disk, wherever it is read" {
    (for skip in 0 1 100 316; do
        dd if=image bs=512 skip=$skip count=1 2>/dev/null | md5sum
    done
    dd if=image bs=7 skip=73 count=2000 2>/dev/null | md5sum
    dd if=image bs=1 skip=511 count=2 2>/dev/null | md5sum
    tail -c 100 image | md5sum
    md5sum <image) >here
    for variant in $VARIANTS; do
        on $variant 'for skip in 0 1 100 316; do
                dd if=/dev/vda bs=512 skip=$skip count=1 2>/dev/null | md5sum
            done
            dd if=/dev/vda bs=7 skip=73 count=2000 2>/dev/null | md5sum
            dd if=/dev/vda bs=1 skip=511 count=2 2>/dev/null | md5sum
            dd if=/dev/vda bs=1 skip=$((317 * 512 - 100)) 2>/dev/null | md5sum
            md5sum </dev/vda' --disk image >there
        diff here there
    done
}

@test "the guest's node is a block device of the right size" {
    for variant in $VARIANTS; do
        run on $variant 'stat -c "%F %t %T" /dev/vda; blockdev --getsize64 /dev/vda
            blockdev --getsz /dev/vda; blockdev --getss /dev/vda; cat /proc/partitions
            grep -A9 Block /proc/devices; [ -b /dev/vda ] && echo block
            dd if=/dev/vda bs=512 skip=317 | wc -c
            echo x | dd of=/dev/vda bs=512 seek=317 2>&1 | head -1
            mknod /tmp/node b 254 0; cmp /tmp/node /dev/vda && echo same
            cat /dev/vdb; mknod /tmp/none b 254 16; cat /tmp/none; grep vda /proc/interrupts' \
            --disk image
        [[ "${lines[0]}" == "block special file fe 0" ]]
        [ "${lines[1]}" = $((317 * 512)) ]
        [ "${lines[2]}" = 317 ]
        [ "${lines[3]}" = 512 ]
        [[ "$output" == *"254        0        158 vda"* ]]
        [[ "$output" == *"254 virtblk"* ]]
        [[ "$output" =~ 1:\ +[0-9]+\ +lguest\ +vda ]]
        [[ "$output" == *$'\nblock\n'* ]]
        [[ "$output" == *"No space left on device"* ]]
        [[ "$output" == *$'\nsame\n'* ]]
        [[ "$output" == *"/dev/vdb"*"No such file"* ]]
        [[ "$output" == *"/tmp/none"*"No such device"* ]]
    done
    run guest 'ls /dev/vda; cat /proc/partitions' --hv native
    [[ "$output" == *"No such file"* ]]
}

@test "an archive is unpacked from it" {
    mkdir -p tree/deep
    seq 1 5000 >tree/deep/numbers
    echo hello >tree/file
    tar -cf archive tree
    for variant in $VARIANTS; do
        run on $variant 'cd /tmp && tar xf /dev/vda && cat tree/file && md5sum <tree/deep/numbers' \
            --disk archive
        [ "$status" -eq 0 ]
        [ "${lines[0]}" = hello ]
        [ "${lines[1]}" = "$(md5sum <tree/deep/numbers)" ]
    done
}

# Writes at all kinds of places, which `expected` makes on a copy here.
WRITES='
echo one | dd of=/dev/vda bs=1 seek=3 conv=notrunc 2>/dev/null
seq 1 3000 | dd of=/dev/vda bs=1000 seek=5 conv=notrunc,fsync 2>/dev/null
printf xyz | dd of=/dev/vda bs=1 seek=$((512 * 9 - 1)) conv=notrunc 2>/dev/null
dd if=/dev/vda of=/dev/vda bs=512 skip=4 seek=300 count=17 conv=notrunc 2>/dev/null
sync; md5sum </dev/vda'

expected() { # FILE: what these commands make of it
    (
        eval "${WRITES//\/dev\/vda/$1}"
    ) >expected.md5
}

@test "without rw the file stays, and the next run begins with it again" {
    cp image mine
    expected mine
    for variant in $VARIANTS; do
        for again in 1 2; do
            on $variant "$WRITES" --disk image >out
            cmp out expected.md5
            cmp image original
        done
    done
    chmod 444 image # nor need it be writable
    on 3.2 "$WRITES" --disk image >out
    cmp out expected.md5
}

@test "with rw the file has what the guest wrote, and nothing else" {
    cp image mine
    expected mine
    for variant in $VARIANTS; do
        cp original image
        on $variant "$WRITES" --disk image,rw >out
        cmp out expected.md5
        cmp image mine
    done
    # However it ends: without a flush, by a panic, or by the limit of cycles.
    for how in 'exit 3' 'poweroff -f' 'echo c >/proc/sysrq-trigger' 'while :; do :; done'; do
        cp original image
        on 3.2 "printf END | dd of=/dev/vda bs=1 seek=777 conv=notrunc 2>/dev/null; $how" \
            --disk image,rw --max-cycles 100M || true
        [ "$(dd if=image bs=1 skip=777 count=3 2>/dev/null)" = END ]
        [ "$(stat -c %s image)" = "$(stat -c %s original)" ]
    done
}

@test "a flush is there at once" {
    mkfifo wait
    for variant in $VARIANTS; do
        cp original image
        # The guest waits for a line after its fsync; the host looks before it gives one.
        (
            printf 'printf FLUSHED | dd of=/dev/vda bs=1 seek=100 conv=notrunc,fsync\n'
            for i in $(seq 100); do
                if [ "$(dd if=image bs=1 skip=100 count=7 2>/dev/null)" = FLUSHED ]; then
                    touch seen.$variant
                    break
                fi
                sleep 0.1
            done
            printf 'exit 0\n'
        ) | timeout 60 "$RINGSIDE" run --hv lguest:$variant --disk image,rw >out 2>&1
        [ -e seen.$variant ]
    done
}

@test "several disks, in the order of the options" {
    head -c 5120 /dev/zero | tr '\0' b >second
    head -c 512 /dev/zero | tr '\0' c >third
    for variant in $VARIANTS; do
        on $variant 'cat /proc/partitions | grep vd | wc -l; md5sum </dev/vda; md5sum </dev/vdb
            md5sum </dev/vdc; dd if=/dev/vda of=/dev/vdb bs=512 count=1 conv=notrunc 2>/dev/null
            md5sum </dev/vdb; ls -l /dev/vd?' --disk image --disk second,rw --disk third >out
        { echo 3; md5sum <image; head -c 5120 /dev/zero | tr '\0' b | md5sum; md5sum <third; } >want
        cp second now
        head -c 5120 /dev/zero | tr '\0' b >second
        dd if=image of=second bs=512 count=1 conv=notrunc 2>/dev/null
        md5sum <second >>want
        head -5 out | diff want -
        cmp now second
        head -c 5120 /dev/zero | tr '\0' b >second
        grep -q '254, *16 .*/dev/vdb' out
    done
}

@test "a disk from inside: any bytes, the calls for disks, several processes" {
    "$RINGSIDE_BUILD/ringside-cc" -std=gnu17 -Os -w "$RINGSIDE_SOURCE/guest/user/tests/t-disk.c" -o t-disk
    (printf 'RINGSIDE TEST DISK' && cat original) | head -c $((317 * 512)) >image
    for variant in $VARIANTS; do
        on $variant t-disk --disk image --add t-disk >out || { cat out; false; }
        [ "$(grep -c '^ok ' out)" -ge 30 ]
        run ! grep -q '^not ok' out
    done
}

@test "two processes of the guest on one disk" {
    run on 3.2 'for i in 1 2 3 4; do
            (for n in $(seq 20); do printf $i | dd of=/dev/vda bs=1 seek=$((n * 4 + i)) conv=notrunc; done) 2>/dev/null &
        done; wait; dd if=/dev/vda bs=1 skip=5 count=80 2>/dev/null' --disk image
    [ "$output" = "$(for n in $(seq 20); do printf 1234; done)" ]
}

@test "a recording has the disk in it" {
    for variant in $VARIANTS; do
        for rw in "" ,rw; do
            cp original image
            on $variant "$WRITES" --disk image$rw --record r >out
            rm image
            run ringside verify r
            [ "$status" -eq 0 ]
            [ ! -e image ] # and writes nothing
            cp original image
            echo changed >>image
            cp image changed
            run ringside verify r
            [ "$status" -eq 0 ]
            cmp image changed
        done
    done
}

@test "a saved machine has the disk in it, as it was then" {
    work='dd if=/dev/zero of=/dev/vda bs=512 seek=2 count=3 conv=notrunc 2>/dev/null; sleep 1
        md5sum </dev/vda; printf later | dd of=/dev/vda conv=notrunc 2>/dev/null; md5sum </dev/vda'
    for variant in $VARIANTS; do
        on $variant "$work" --disk image --json >whole 2>console
        on $variant "$work" --disk image --max-cycles 500M --save machine --json >half 2>/dev/null || true
        [ "$(field end <half)" = max-cycles ]
        mv image elsewhere
        ringside run --load machine --json >rest 2>console2
        diff <(essence whole) <(essence rest)
        cmp console console2
        mv elsewhere image
        cmp image original
    done
}

@test "back in time the disk is what it was" {
    # Were it not, the second time would end with another status.
    printf 'continue\ngoto start\ncontinue\n' >script
    ringside debug --hv lguest:3.2 --disk image --batch -x script \
        -e "[ '$(md5sum <original)' = \"\$(md5sum </dev/vda)\" ] || exit 4
            dd if=/dev/zero of=/dev/vda bs=512 count=9 conv=notrunc 2>/dev/null; exit 5" >out
    [ "$(grep -c 'power off, with status 5' out)" = 2 ]
    cmp image original
}

@test "the same run twice, and of another disk another" {
    for variant in $VARIANTS; do
        for i in 1 2; do
            on $variant "$WRITES" --disk image --json >report.$i 2>console.$i
        done
        diff <(essence report.1) <(essence report.2)
        # Whether the file is written to cannot be seen from inside.
        cp image mine
        on $variant "$WRITES" --disk mine,rw --json >report.3 2>console.3
        diff <(essence report.1) <(essence report.3)
        # A byte that the guest never looks at is a part of the state all the same.
        cp image other
        printf '\001' | dd of=other bs=1 seek=140000 conv=notrunc 2>/dev/null
        on $variant true --disk image --json >report.1 2>/dev/null
        on $variant true --disk other --json >report.2 2>/dev/null
        [ "$(field event_digest <report.1)" = "$(field event_digest <report.2)" ]
        [ "$(field state_digest <report.1)" != "$(field state_digest <report.2)" ]
    done
}

@test "what is no disk is refused in words" {
    says 64 'model native has no disk.*lguest' guest true --hv native --disk image
    says 64 'model native has no disk' guest true --disk image
    says 65 'nowhere: No such file' on 3.2 true --disk nowhere
    says 65 'nowhere: No such file' on 3.2 true --disk nowhere,rw
    says 65 '/: .*directory' on 3.2 true --disk /
    says 65 '/: .*directory' on 3.2 true --disk /,rw
    says 65 '/dev/null: not a regular file' on 3.2 true --disk /dev/null
    mkfifo pipe
    says 65 'pipe: not a regular file' on 3.2 true --disk pipe
    : >empty
    says 65 'empty: .*empty' on 3.2 true --disk empty
    head -c 700 image >odd
    says 65 'odd: 700 bytes: not whole sectors of 512' on 3.2 true --disk odd
    truncate -s $((1025 << 20)) big
    says 65 'big: .*at most 1024 MiB' on 3.2 true --disk big
    truncate -s $((1024 << 20)) big
    says 65 'together.*at most 2048 MiB' on 3.2 true --disk big --disk big --disk image
    says 64 'up to 4 disks' on 3.2 true --disk image --disk image --disk image --disk image --disk image
    says 65 'image: locked' on 3.2 true --disk image,rw --disk image,rw
    says 64 'save.*without ,rw' on 3.2 true --disk image,rw --save machine
    says 64 'not written back; leave out ,rw' ringside debug --hv lguest --disk image,rw --batch
    on 3.2 'sleep 9' --disk image --save machine --max-cycles 50M || true
    says 64 'disk has nothing to say' ringside run --load machine --disk image
    if [ "$(id -u)" -ne 0 ]; then
        chmod 444 image
        says 65 'image: Permission denied' on 3.2 true --disk image,rw
    fi
}

@test "two runs that write to one file" {
    mkfifo hold
    timeout 60 "$RINGSIDE" run --hv lguest:3.2 --disk image,rw <hold >out 2>&1 &
    pid=$!
    exec 7>hold
    # Its prompt says that it has the lock. (Asking by a lock of our own, we could be before it.)
    for i in $(seq 300); do
        ! grep -q '# ' out || break
        sleep 0.1
    done
    says 65 'image: locked: another run' on 3.2 true --disk image,rw
    says 65 'image: locked: another run' on 3.2 true --disk image
    echo 'exit 0' >&7
    exec 7>&-
    wait $pid
    on 3.2 true --disk image,rw
}

@test "what did not get to the file is told at the end, and the guest does not notice" {
    truncate -s $((1 << 20)) large
    fill='dd if=/dev/zero bs=1k count=1000 2>/dev/null | tr "\0" x |
        dd of=/dev/vda conv=notrunc,fsync 2>/dev/null; echo $?; md5sum </dev/vda'
    on 3.2 "$fill" --disk large >right
    (
        ulimit -f 200 # of 1024 bytes: writes beyond fail
        trap '' XFSZ
        says 65 'large: not all that the guest wrote' on 3.2 "$fill" --disk large,rw
    )
    cmp says.out right
    [ "$(head -1 right)" = 0 ]
}
