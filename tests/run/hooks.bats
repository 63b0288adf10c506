#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# What there is at the boundary: the catalogue of hooks.

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
assert h["backends"]["native"] == {"kind": "call", "function": "native_set_pte", "instructions": None}, h
assert by_name["pv_cpu_ops.iret"]["backends"]["native"]["kind"] == "inline"' "$rows"
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
