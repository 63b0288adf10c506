#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# The kernel file itself: it is a real PC kernel, and it keeps the laws of a paravirtual one.

load helpers

setup() {
    cd "$BATS_TEST_TMPDIR"
    kernel=$RINGSIDE_BUILD/ringside-kernel
}

qemu() { # INITRD WORDS OPTION...
    timeout -k 5 90 qemu-system-i386 -cpu coreduo -m 64 -kernel "$kernel" -initrd "$1" -append "$2" \
        -display none -monitor none -serial stdio -no-reboot \
        -device isa-debug-exit,iobase=0xf4,iosize=4 "${@:3}" </dev/null
}

@test "the same kernel file boots in QEMU, and busybox works there" {
    command -v qemu-system-i386 >/dev/null || skip "no qemu-system-i386 here"
    mkdir -p tree/run/ringside
    echo 'uname -sm; seq 300 | sort -n | md5sum; echo $((6*7)); ls / | wc -l; exit 5' >tree/run/ringside/cmd
    (cat "$RINGSIDE_BUILD/initrd.cpio" && cd tree && find . | cpio -o -H newc --quiet) >initrd
    status=0
    qemu initrd "quiet" >out 2>err || status=$?
    tr -d '\r' <out >words
    grep -q 'Linux i686' words
    grep -q "^$(seq 300 | md5sum)" words
    grep -qx 42 words
    # isa-debug-exit turns the status N into 2N+1.
    [ $status -eq 11 ]
}

@test "the interactive prompt comes up in QEMU" {
    command -v qemu-system-i386 >/dev/null || skip "no qemu-system-i386 here"
    status=0
    (
        sleep 6
        printf 'echo typed $((7*8))\rexit\r'
        sleep 6
    ) | timeout -k 5 60 qemu-system-i386 -cpu coreduo -m 64 -kernel "$kernel" \
        -initrd "$RINGSIDE_BUILD/initrd.cpio" -display none -monitor none -serial stdio -no-reboot \
        -device isa-debug-exit,iobase=0xf4,iosize=4 >out 2>err || status=$?
    grep -q 'typed 56' out
    [ $status -eq 1 ]
}

@test "no raw sensitive instruction outside pv/native" {
    command -v llvm-objdump >/dev/null || command -v objdump >/dev/null || skip "no disassembler here"
    python3 - "$kernel" "$RINGSIDE_SOURCE" <<'P'
import os, re, shutil, subprocess, sys
kernel, source = sys.argv[1:]
tool = shutil.which("objdump") or shutil.which("llvm-objdump")
# Those that a kernel in ring 1 could not execute, or, worse, that would quietly do something else
# there. STI and CLI are the famous ones; SGDT and its kin read the host's tables; LAR and LSL see the
# host's descriptors; POPF forgets IF. Ports are not among them: Linux has no hook for those either, and
# which a kernel may use is its hypervisor's decision.
sensitive = re.compile(
    r"^(pushf[lw]?|popf[lw]?|cli|sti|hlt|clts|invd|wbinvd|invlpg[a]?|lgdt[lw]?d?|lidt[lw]?d?|lldt[w]?|ltr[w]?|sgdt[lw]?d?|"
    r"sidt[lw]?d?|sldt[lw]?|str[lw]?|smsw[lw]?|lmsw[w]?|lar[lw]?|lsl[lw]?|verr[w]?|verw[w]?|rdmsr|wrmsr|rdtsc[p]?|"
    r"rdpmc|cpuid|iret[lwd]?|sysexit[lq]?|sysenter)$")
moves = re.compile(r"%(cr|db|dr)\d")
text = subprocess.run([tool, "-d", "--no-show-raw-insn", kernel], capture_output=True, text=True, check=True).stdout
found = {}
function = None
for line in text.splitlines():
    m = re.match(r"^([0-9a-f]+) <(.*)>:$", line)
    if m:
        function = m.group(2)
        continue
    m = re.match(r"^\s*([0-9a-f]+):\s+(.*)$", line)
    if not m:
        continue
    words = m.group(2).split("#")[0].split()
    words = [w for w in words if w not in ("lock", "rep", "repz", "repnz", "data16", "addr16", "cs", "ds", "es", "ss")] or ["(bad)"]
    name = words[0]
    if sensitive.match(name) or (name.startswith("mov") and moves.search(line)):
        found.setdefault((function, name), []).append(m.group(1))
addresses = sorted({a for l in found.values() for a in l})
assert addresses, "no sensitive instruction at all: this looks at the wrong file"
lines = subprocess.run(["addr2line", "-e", kernel] + ["0x" + a for a in addresses], capture_output=True, text=True, check=True).stdout.split("\n")
place = dict(zip(addresses, lines))
bad = []
for (function, name), at in sorted(found.items()):
    for a in at:
        where = place[a]
        native = "pv/native/" in where or function.startswith("native_")
        # IRET may be executed in any ring; what it forgets there, lguest_iret does by hand before.
        if not native and (function, name) != ("lguest_noirq_start", "iret"):
            bad.append("%s in %s (%s, %s)" % (name, function, a, where))
if bad:
    print("\n".join(bad))
    sys.exit(1)
P
}

@test "the first instructions touch nothing before they know where they are" {
    entry=$(readelf -h "$kernel" | awk '/Entry point/ { print $4 }')
    # From the entry to the first place where it is settled: no segment load, control register, MSR, port
    # or stack.
    ! objdump -d --no-show-raw-insn --start-address=$((entry + 0xC0000000)) \
        --stop-address=$((entry + 0xC0000000 + 64)) "$kernel" |
        sed -n '/<_start>:/,/ud2/p' | grep -E '\b(push|pop|call|ret|in|out|rdmsr|wrmsr|lgdt|lidt|cli|sti|int)[lwb]?\b|%cr[0-9]|,%[defgs]s\b'
}

@test "every hook has its sites, and they are patched at boot" {
    run ringside run -e 'dmesg | grep patched'
    [ "$status" -eq 0 ]
    [[ "$output" =~ ([0-9]+)\ sites\ patched ]]
    [ "${BASH_REMATCH[1]}" -gt 100 ]
    size=$(readelf -SW "$kernel" | awk '/parainstructions/ { print $7 }')
    [ -n "$size" ] || readelf -sW "$kernel" | grep -q parainstructions_start
}
