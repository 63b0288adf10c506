#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# Files that are cut, altered or made up: named, refused with status 65, and nothing crashes.

load helpers

setup() {
    cd "$BATS_TEST_TMPDIR"
    kernel=$RINGSIDE_BUILD/tests/guest/hello
}

refused() { # COMMAND...: status 65 and one clear line
    says 65 '^ringside: .+' "$@"
    [ "$(wc -l <says.err)" -le 3 ]
}

# Overwrite bytes of a copy: poke FROM TO OFFSET HEX
poke() {
    cp "$1" "$2"
    python3 - "$2" "$3" "$4" <<'P'
import sys
with open(sys.argv[1], "r+b") as f:
    f.seek(int(sys.argv[2], 0))
    f.write(bytes.fromhex(sys.argv[3]))
P
}

@test "kernels that are none" {
    : >empty
    head -c 3 "$kernel" >three
    head -c 60 "$kernel" >header
    head -c 5000 "$kernel" >cut
    head -c 100000 /dev/urandom >noise
    head -c 70000 /dev/zero >zeros
    printf '\177ELF' >magic
    for file in empty three header cut noise zeros magic missing . /dev/null; do
        refused ringside run --kernel "$file"
        grep -qF -- "$file" says.err
    done
    poke "$kernel" elf64 4 02
    refused ringside run --kernel elf64
    grep -q '64' says.err
    poke "$kernel" big-endian 5 02
    refused ringside run --kernel big-endian
    poke "$kernel" arm 18 2800
    refused ringside run --kernel arm
    cp "$(type -P true)" host-program # a 64-bit, dynamic program
    refused ringside run --kernel host-program
}

@test "kernels whose headers lie" {
    phoff=$(readelf -h "$kernel" | awk '/Start of program headers/ { print $5 }')
    poke "$kernel" far-headers 28 f0ffffff
    poke "$kernel" many-headers 44 ffff
    poke "$kernel" tiny-headers 42 0100
    poke "$kernel" far-segment $((phoff + 4)) f0ffffff
    poke "$kernel" huge-file-size $((phoff + 16)) ffffffff
    poke "$kernel" huge-memory $((phoff + 20)) ffffffff
    poke "$kernel" low-address $((phoff + 12)) 00000000
    poke "$kernel" hole-address $((phoff + 12)) 00000a00
    poke "$kernel" top-address $((phoff + 12)) 00f0ffff
    poke "$kernel" less-memory-than-file $((phoff + 20)) 01000000
    poke "$kernel" entry-outside 24 000000ff
    # The second segment on top of the first.
    first=$(od -An -tx1 -j $((phoff + 12)) -N 4 "$kernel" | tr -d ' ')
    poke "$kernel" overlapping $((phoff + 32 + 12)) "$first"
    for file in far-headers many-headers tiny-headers far-segment huge-file-size huge-memory \
        hole-address top-address less-memory-than-file entry-outside overlapping; do
        refused ringside run --kernel "$file"
        grep -qF "$file" says.err
    done
    # Address 0 is RAM: to load there may be allowed, but then it must end in words.
    status=0
    ringside run --kernel low-address --max-cycles 10M >out 2>err || status=$?
    [ $status -eq 65 ] || [ $status -eq 70 ] || [ $status -eq 75 ] || [ $status -eq 0 ]
}

@test "damaged kernels: refused, dead or alive, but never a crash" {
    cat >fuzz.py <<'P'
import os, random, subprocess, sys
random.seed(int(sys.argv[2]))
good = open(sys.argv[1], "rb").read()
hv = ["--hv", os.environ["RINGSIDE_HV"]] if os.environ.get("RINGSIDE_HV") else []
allowed = {0, 3, 4, 5, 65, 70, 75}
for n in range(int(sys.argv[3])):
    data = bytearray(good)
    for _ in range(random.randrange(1, 6)):
        kind = random.random()
        if kind < 0.6:
            data[random.randrange(min(300, len(data)))] = random.choice([0, 1, 0x7F, 0x80, 0xFF, random.randrange(256)])
        elif kind < 0.8:
            data[random.randrange(len(data))] = random.randrange(256)
        else:
            del data[random.randrange(len(data)):]
            data = data or bytearray(b"\x7fELF")
    open("damaged", "wb").write(data)
    p = subprocess.run([os.environ["RINGSIDE"], "run", *hv, "--kernel", "damaged", "--initrd", "small.cpio", "--max-cycles", "2M"],
                       stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, timeout=60)
    if p.returncode not in allowed and not (p.returncode > 0 and not p.stderr):
        os.rename("damaged", "damaged-%d" % n)
        print(n, p.returncode, p.stderr[-2000:].decode(errors="replace"))
        sys.exit(1)
P
    mkdir small
    echo x >small/x
    (cd small && echo x | cpio -o -H newc --quiet) >small.cpio
    python3 fuzz.py "$kernel" "${SEED:-1}" "${FUZZ:-$(if on_lguest; then echo 25; else echo 60; fi)}"
}

@test "archives that lie" {
    cd "$BATS_TEST_TMPDIR"
    mkdir tree
    echo hello >tree/file
    (cd tree && find . | cpio -o -H newc --quiet) >good
    run guest 'cat /file' --initrd good --max-cycles 5G
    # What is wrong with each is said by us or by the guest's kernel; nobody believes a size.
    head -c 50 good >cut-header
    head -c 130 good >cut-name
    poke good huge-size 54 4646464646464646
    poke good huge-name 94 4646464646464646
    poke good odd-size 54 3030303030303035
    poke good no-number 54 5a5a5a5a5a5a5a5a
    poke good bad-magic 0 303730373037
    for file in cut-header cut-name huge-size huge-name odd-size no-number bad-magic; do
        status=0
        ringside run --initrd "$file" -e 'echo alive' --max-cycles 3G >out 2>err || status=$?
        [ $status -eq 65 ] || [ $status -eq 70 ] || {
            echo "$file: $status"
            cat out err
            return 1
        }
        [ -s err ] || [ -s out ]
    done
    # One after another that is right: the good part is unpacked or all is refused.
    cat "$RINGSIDE_BUILD/initrd.cpio" huge-size >both
    status=0
    ringside run --initrd both -e 'echo alive' --max-cycles 3G >out 2>err || status=$?
    [ $status -eq 0 ] || [ $status -eq 65 ] || [ $status -eq 70 ]
}

@test "saved machines that are cut or altered" {
    guest 'while :; do :; done' --max-cycles 50M --save machine || [ $? -eq 75 ]
    size=$(stat -c %s machine)
    for n in 0 1 7 16 64 200 $((size / 2)) $((size - 1)); do
        head -c $n machine >cut
        refused ringside run --load cut
        grep -q cut says.err
    done
    (
        cat machine
        echo more
    ) >longer
    refused ringside run --load longer
    RANDOM=${SEED:-7}
    for i in $(seq 24); do
        at=$(((RANDOM * 32768 + RANDOM) % size))
        [ $i -gt 12 ] || at=$((RANDOM % 128))
        old=$(od -An -tu1 -j $at -N 1 machine)
        poke machine altered $at "$(printf %02x $((old ^ (1 << RANDOM % 8))))"
        refused ringside run --load altered
    done
    head -c 5000 /dev/urandom >noise
    refused ringside run --load noise
    refused ringside run --load missing
    refused ringside run --load /dev/null
    refused ringside run --load "$RINGSIDE_BUILD/ringside-kernel"
    # And the file as it was is still good.
    says 75 'max-cycles' ringside run --load machine --max-cycles 10M
}

@test "recordings that are cut or altered" {
    ringside run --record record -e 'echo recorded' >/dev/null
    size=$(stat -c %s record)
    for n in 0 5 64 $((size / 2)) $((size - 1)); do
        head -c $n record >cut
        refused ringside verify cut
    done
    RANDOM=${SEED:-8}
    for i in $(seq 20); do
        at=$(((RANDOM * 32768 + RANDOM) % size))
        [ $i -gt 10 ] || at=$((RANDOM % 128))
        old=$(od -An -tu1 -j $at -N 1 record)
        poke record altered $at "$(printf %02x $((old ^ (1 << RANDOM % 8))))"
        refused ringside verify altered
    done
    refused ringside verify missing
    # One kind of file is not the other.
    guest 'while :; do :; done' --max-cycles 5M --save machine || [ $? -eq 75 ]
    refused ringside verify machine
    refused ringside run --load record
    run ringside verify record
    [ "$status" -eq 0 ]
}

@test "files that cannot be written" {
    # What has ended cannot be saved; that is said, and is no failure of the run.
    says 0 'nothing saved' guest true --save ended
    unwritable() { # FILE COMMAND...: 65 or 71, and the name
        local status=0
        "${@:2}" >out 2>err || status=$?
        { [ $status -eq 65 ] || [ $status -eq 71 ]; } && grep -qF -- "$1" err || {
            echo "status $status"
            cat err
            return 1
        }
    }
    unwritable no/such guest 'while :; do :; done' --max-cycles 10M --save no/such/directory
    unwritable no/such guest true --record no/such/directory
    [ "$(id -u)" -eq 0 ] || {
        mkdir closed && chmod 500 closed
        unwritable closed guest true --record closed/file
    }
    unwritable full guest true --record /dev/full
}
