#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# What there is at the boundary: the catalogue of hooks, and the places that call them.

load helpers

@test "the catalogue, and how native fills it" {
    run ringside hooks pv_irq_ops.irq_disable 'mmu.set_pte' '*pte_val'
    [ "$status" -eq 0 ]
    [[ "$output" == *"void pv_irq_ops.irq_disable(void)"* ]]
    [[ "$output" == *"native: inlined: cli"* ]]
    [[ "$output" == *"void pv_mmu_ops.set_pte(pte_t *ptep, pte_t pte)"*"native: call native_set_pte"* ]]
    [[ "$output" == *"native: identity (NOP)"* ]]
    [[ "$output" != *set_pte_at* ]]
    says 64 "no hook is named 'set_pet'" ringside hooks set_pet
}

@test "the catalogue for programs has every row of abi/pv_hooks.def" {
    rows=$(grep -c '^HOOK(' "$RINGSIDE_SOURCE/abi/pv_hooks.def")
    ringside hooks --json | python3 -c '
import json, sys
hooks = json.load(sys.stdin)["hooks"]
assert len(hooks) == int(sys.argv[1]), len(hooks)
by_name = {h["hook"]: h for h in hooks}
assert [h["number"] for h in hooks] == list(range(len(hooks)))
h = by_name["pv_mmu_ops.set_pte"]
assert h["arguments"] == [{"type": "pte_t *", "name": "ptep", "words": 1},
                          {"type": "pte_t", "name": "pte", "words": 2}], h
assert h["backends"]["native"] == {"kind": "call", "function": "native_set_pte", "instructions": None,
                                   "shared_memory": None, "hypercalls": []}, h
assert h["backends"]["lguest"]["hypercalls"] == [{"number": 5, "name": "FLUSH_TLB"}], h
assert by_name["pv_cpu_ops.iret"]["backends"]["native"]["kind"] == "inline"' "$rows"
}

@test "how lguest fills them: hypercalls and shared memory, and a trace shows the same" {
    run ringside hooks mmu.write_cr3 irq.irq_enable irq.irq_disable mmu.make_pte
    [[ "$output" == *"lguest: call lguest_write_cr3: hypercall 4 (NEW_PGTABLE)"* ]]
    [[ "$output" == *"lguest: call lguest_irq_enable: writes irq_enabled in shared memory, hypercall 19 (SEND_INTERRUPTS)"* ]]
    [[ "$output" == *"lguest: call lguest_irq_disable: writes irq_enabled in shared memory"* ]]
    [[ "$output" == *"lguest: identity (NOP)"* ]]
    cd "$BATS_TEST_TMPDIR"
    ringside hooks --json >hooks
    ringside trace --hv lguest --format json -o rows -e 'ls /bin | head -3; sleep 0.02' >/dev/null
    python3 "$BATS_TEST_DIRNAME/hypercalls.py" hooks rows
}

@test "the catalogue says of each hook what patching does at its sites" {
    cd "$BATS_TEST_TMPDIR"
    ringside hooks --json >hooks
    ringside sites --json >sites
    python3 - <<'END'
import json
fills = {h["hook"]: h["backends"] for h in json.load(open("hooks"))["hooks"]}
seen = set()
for s in json.load(open("sites"))["sites"]:
    for model, code in s["patched"].items():
        fill = fills[s["hook"]][model]
        goes_to = fill["function"] if fill["kind"] == "call" else None
        assert code["function"] == goes_to, (s, fill)
        seen.add((model, fill["kind"]))
assert seen == {(m, k) for m in ("native", "lguest") for k in ("inline", "call", "nop", "identity")}, seen
END
    run ringside sites lazy_mode_enter
    [[ "$output" == *"call 0x"*"nop"*"; lguest_lazy_mode_enter"* ]]
    says 64 "no hook is named 'set_pet'" ringside sites set_pet
}

@test "docs/hooks.md is what the catalogue and the kernel say" {
    "$RINGSIDE_BUILD/cli/ringside-pages" hooks "$RINGSIDE_BUILD/ringside-kernel" "$BATS_TEST_TMPDIR/hooks.md"
    diff -u "$RINGSIDE_SOURCE/docs/hooks.md" "$BATS_TEST_TMPDIR/hooks.md" || {
        echo "it has drifted: cmake --build BUILD --target hooks-page writes it anew"
        return 1
    }
}

@test "kernels that cannot be read: status 65 and why" {
    cd "$BATS_TEST_TMPDIR"
    echo "not a kernel" >text
    head -c 5000 "$RINGSIDE_BUILD/ringside-kernel" >cut
    says 65 "text: not an ELF file" ringside hooks --kernel text
    says 65 "cut: no symbol table" ringside hooks --kernel cut
    says 65 "missing" ringside hooks --kernel missing
    # A kernel that is not ours has no backends to show, but the catalogue is the catalogue.
    says 0 "no backends" ringside hooks --kernel "$RINGSIDE_BUILD/tests/guest/hello"
}

@test "every site before and after patching, as the machine has it" {
    ringside sites --json >"$BATS_TEST_TMPDIR/sites"
    ringside run -e 'dmesg | grep "sites patched"' >"$BATS_TEST_TMPDIR/said"
    python3 - "$BATS_TEST_TMPDIR/sites" "$BATS_TEST_TMPDIR/said" <<'END'
import json, re, sys
sites = json.load(open(sys.argv[1]))["sites"]
patched = int(re.search(r"(\d+) sites patched", open(sys.argv[2]).read()).group(1))
assert len(sites) == patched, (len(sites), patched)
assert [s["number"] for s in sites] == list(range(patched))
inlined = {"irq_disable": "fa", "irq_enable": "fb", "save_fl": "9c 58", "restore_fl": "50 9d", "iret": "cf",
           "read_tsc": "0f 31", "clts": "0f 06", "read_cr2": "0f 20 d0", "read_cr3": "0f 20 d8",
           "write_cr3": "0f 22 d8"}
seen = set()
for s in sites:
    group, hook = s["hook"].split(".")
    before, after = s["linked"]["bytes"], s["patched"]["native"]["bytes"]
    assert before.startswith("2e ff 25" if hook == "iret" else "ff 15"), s
    assert len(before) == len(after) == 3 * s["length"] - 1, s
    if hook in inlined:
        seen.add(hook)
        assert after.startswith(inlined[hook] + " ") and "nop" in s["patched"]["native"]["instructions"], s
    else:
        # A direct call, or nothing at all; never the indirect call that was linked.
        assert s["patched"]["native"]["instructions"].split()[0] in ("call", "nop"), s
    assert s["function"], s
assert seen >= {"irq_disable", "irq_enable", "save_fl", "restore_fl", "iret", "write_cr3", "clts"}, seen
END
}

@test "sites name the function and the line that call the hook" {
    run ringside sites write_cr3 end_context_switch
    [ "$status" -eq 0 ]
    [[ "$output" == *"pv_mmu_ops.write_cr3  in "* ]]
    [[ "$output" == *"cr3, eax; nop"* ]]
    if [[ "$output" != *.c:* ]]; then
        ! nm -D "$RINGSIDE" | grep -q dwarf_ || false
        skip "built without libdw: no lines"
    fi
    # The line is the one in the function that the address belongs to, not that of an inline helper.
    line=$(grep -n '  switch_to(prev, next);' "$RINGSIDE_SOURCE/guest/kernel/sched.c" | tail -n 1 | cut -d: -f1)
    [[ "$output" == *"pv_cpu_ops.end_context_switch  in schedule+"*"guest/kernel/sched.c:$line"$'\n'* ]]
    ! ringside sites | grep -q 'pv\.h:' || false
}

@test "kernels without sites: status 65 and why" {
    cd "$BATS_TEST_TMPDIR"
    says 65 "not a pv-ops kernel" ringside sites --kernel "$RINGSIDE_BUILD/tests/guest/hello"
    # A list that points into nowhere.
    python3 - "$RINGSIDE_BUILD/ringside-kernel" <<'END'
import subprocess, sys
path = sys.argv[1]
start = int([l for l in subprocess.run(["nm", path], capture_output=True, text=True).stdout.split("\n")
             if l.endswith(" parainstructions_start")][0].split()[0], 16)
data = bytearray(open(path, "rb").read())
phoff, phnum = int.from_bytes(data[28:32], "little"), int.from_bytes(data[44:46], "little")
for i in range(phnum):
    at = phoff + 32 * i
    offset, vaddr, _, size = [int.from_bytes(data[at + 4 * k:at + 4 * k + 4], "little") for k in (1, 2, 3, 4)]
    if vaddr <= start < vaddr + size:
        data[offset + start - vaddr:offset + start - vaddr + 4] = b"\0\0\0\x10"
open("lying", "wb").write(data)
END
    says 65 "patch site 0 .* cannot be one" ringside sites --kernel lying
    says 64 "there is no model named 'natve'" ringside sites --hv natve
}
