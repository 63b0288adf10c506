# SPDX-License-Identifier: GPL-2.0-only
# What the debugger shows is what is there: values are compared with other ways to know them.
load helpers

# Commands, one a line, on a guest that runs COMMANDS. Output to standard output.
debug() { # COMMANDS LINE...
    printf '%s\n' "${@:2}" >"$BATS_TEST_TMPDIR/script"
    timeout -k 5 "${LIMIT:-60}" "$RINGSIDE" debug "${HV[@]}" --batch -x "$BATS_TEST_TMPDIR/script" -e "$1" </dev/null
}

# The document that the last command printed, and an expression of Python over it.
json() { # EXPRESSION <OUTPUT
    python3 -c '
import json, sys
text = sys.stdin.read()
d = json.loads(text[text.index("\n{\n"):])
value = eval(sys.argv[1])
print(value if not isinstance(value, bool) else int(value))' "$1"
}

@test "print: globals, structs, registers, history, assignments" {
    debug 'sleep 1' 'goto 30M' 'print current->pid' 'print sizeof(*current)' 'whatis current' \
        'print current->comm' 'print $1 + 41' 'print/x $eip' 'output current->tgid' \
        'set var current->pid = 77' 'print current->pid' 'set $esi = 0x1234' 'print/x $esi' >"$BATS_TEST_TMPDIR/out"
    grep -q '^\$1 = 0$' "$BATS_TEST_TMPDIR/out"
    grep -q '^type = struct task \*$' "$BATS_TEST_TMPDIR/out"
    grep -q '^\$3 = "swapper' "$BATS_TEST_TMPDIR/out"
    grep -q '^\$4 = 41$' "$BATS_TEST_TMPDIR/out"
    grep -q '^0\$6 = 77$' "$BATS_TEST_TMPDIR/out" # output ends no line
    grep -q '^\$7 = 0x1234$' "$BATS_TEST_TMPDIR/out"
}

@test "kmalloc returns in EAX what its caller gets, and the object is writable memory" {
    debug 'true' 'break kmalloc' 'continue' 'print n' 'delete' 'finish' 'print/x $eax' \
        'x/1xw $eax' 'set {int}$eax = 0x5a5a' 'x/1xw $eax' 'pagetable --json $eax' >"$BATS_TEST_TMPDIR/out"
    result=$(sed -n 's/^\$2 = 0x//p' "$BATS_TEST_TMPDIR/out")
    [[ "$result" == c* ]]
    [ "$(grep -c "^0x$result.*:" "$BATS_TEST_TMPDIR/out")" -eq 2 ]
    grep -q "^0x$result.*0x00005a5a$" "$BATS_TEST_TMPDIR/out"
    [ "$(json 'all(w["mapped"] and w["writable"] for w in d["leads_to"].values())' <"$BATS_TEST_TMPDIR/out")" -eq 1 ]
}

@test "pagetable leads to the bytes that x reads" {
    debug 'sleep 1' 'goto 30M' 'x/4xw kmalloc' 'pagetable --json kmalloc' >"$BATS_TEST_TMPDIR/out"
    virtual=$(sed -n 's/^0x[0-9a-f]* <kmalloc>:\s*//p' "$BATS_TEST_TMPDIR/out")
    for side in $(json '" ".join(d["leads_to"])' <"$BATS_TEST_TMPDIR/out"); do
        at=$(json "d['leads_to']['$side']['address']" <"$BATS_TEST_TMPDIR/out")
        physical=$(debug 'sleep 1' 'goto 30M' "xp/4xw $at" | sed -n 's/^0x00[0-9a-f]*:\s*//p')
        [ -n "$virtual" ] && [ "$virtual" = "$physical" ]
    done
    # Every level is told, and only the last but one of a PAE table has pointers.
    levels=$(json '" ".join(l["level"] for l in d["levels"])' <"$BATS_TEST_TMPDIR/out")
    if on_lguest; then
        [ "$levels" = "pointers directory table pointers directory table" ]
        [ "$(json 'd["levels"][2]["entry"] & ~0xfff == d["levels"][5]["entry"] & ~0xfff' <"$BATS_TEST_TMPDIR/out")" -eq 1 ]
    else
        [ "$levels" = "pointers directory table" ]
    fi
}

@test "why names the function that wrote, and its hook" {
    debug 'ls /' 'break hook set_pte_at' 'continue' 'print/x $ecx' 'delete' 'finish' 'why *(int *)$1' \
        'why pte current' >"$BATS_TEST_TMPDIR/out"
    [ "$(grep -c '^Last changed at cycle [0-9]* by an instruction' "$BATS_TEST_TMPDIR/out")" -eq 2 ]
    grep -q '<native_set_pte_at+' "$BATS_TEST_TMPDIR/out"
    grep -q '^  hook pv_mmu_ops.set_pte_at, called at 0x.* <vm_fault+' "$BATS_TEST_TMPDIR/out"
    grep -q '^  map_page() at guest/mm/fault.c:' "$BATS_TEST_TMPDIR/out"
    grep -q '^It is an entry of the .*page tables, level 1, for 0xc' "$BATS_TEST_TMPDIR/out"
    grep -q '^  hook pv_mmu_ops.set_pte, called at 0x.* <mm_init+' "$BATS_TEST_TMPDIR/out"
}

@test "why finds the last writer, far back; going there shows the old and the new value" {
    debug 'ls /; sleep 1' 'goto 600M' 'why boot_info.initrd_size' >"$BATS_TEST_TMPDIR/out"
    grep -q 'boot_info.initrd_size = 0;' "$BATS_TEST_TMPDIR/out"
    at=$(sed -n 's/^`goto \([0-9]*\)` goes there.$/\1/p' "$BATS_TEST_TMPDIR/out")
    was=$(sed -n 's/^Last changed at.*: \(0x[0-9a-f]*\) became 0x00000000$/\1/p' "$BATS_TEST_TMPDIR/out")
    debug 'ls /; sleep 1' "goto $at" 'print boot_info.initrd_size' 'reverse-stepi' 'print/x boot_info.initrd_size' >"$BATS_TEST_TMPDIR/out"
    grep -q '^$1 = 0$' "$BATS_TEST_TMPDIR/out"
    [ "$(sed -n 's/^$2 = //p' "$BATS_TEST_TMPDIR/out")" = "0x$(printf %x "$was")" ]
}

@test "anatomy: stages, changes and cycles of a crossing add up" {
    debug 'ls /' 'goto 5M' 'break exit fault' 'continue' 'finish' 'anatomy --json' >"$BATS_TEST_TMPDIR/out"
    [ "$(json 'd["to"] - d["from"] == sum(r["cycles"] for r in d["cycles"][:-1]) == d["cycles"][-1]["cycles"]' <"$BATS_TEST_TMPDIR/out")" -eq 1 ]
    [ "$(json 'any(e["file"] and e["line"] > 1 for e in d["events"])' <"$BATS_TEST_TMPDIR/out")" -eq 1 ]
    [ "$(json 'all(r["was"] == d["eip"] and r["is"] == d["goes_on"] for r in d["registers"] if r["register"] == "eip")' <"$BATS_TEST_TMPDIR/out")" -eq 1 ]
    if on_lguest; then # the shadow has got the page that was missing
        [ "$(json '[hex(e["maps"]) for e in d["entries"] if e["table"] == "hardware" and e["level"] == 1][0][:-3] in d["events"][0]["text"]' <"$BATS_TEST_TMPDIR/out")" -eq 1 ]
    else # the processor has told where
        [ "$(json '[hex(r["is"]) for r in d["registers"] if r["register"] == "cr2"][0] in d["events"][0]["text"]' <"$BATS_TEST_TMPDIR/out")" -eq 1 ]
    fi
}

@test "anatomy of a hypercall decodes it and the entry that it copied" {
    on_lguest || skip "native has no hypercalls"
    debug 'ls /' 'break hypercall SET_PTE' 'continue' 'where' 'finish' 'anatomy' >"$BATS_TEST_TMPDIR/out"
    grep -q '^—— crossing —— lguest' "$BATS_TEST_TMPDIR/out"
    grep -q '^hypercall SET_PTE(root=0x[0-9a-f]*, va=0x[0-9a-f]*, pte=' "$BATS_TEST_TMPDIR/out"
    grep -q 'hv-models/lguest/paging.c:[0-9]*' "$BATS_TEST_TMPDIR/out"
    grep -qE '^hypercall +[0-9]+ +2817 +' "$BATS_TEST_TMPDIR/out"
}

@test "where draws program, kernel, hook" {
    debug 'ls /' 'break vector 128' 'continue' 'delete' 'break hook set_pte_at' 'continue' 'where' >"$BATS_TEST_TMPDIR/out"
    grep -q '^program [a-z]*, process [0-9]*$' "$BATS_TEST_TMPDIR/out"
    grep -q '^kernel$' "$BATS_TEST_TMPDIR/out"
    grep -q '^hook pv_mmu_ops.set_pte_at(mm=.*about to be called$' "$BATS_TEST_TMPDIR/out"
}

@test "backtrace, frame, up: names and arguments are the frame's" {
    debug 'ls /' 'break do_execve' 'continue' 'backtrace' 'up' 'info frame --json' >"$BATS_TEST_TMPDIR/out"
    grep -qE '^#0 .* in do_execve \(f=.*\) at guest/kernel/exec.c:[0-9]+' "$BATS_TEST_TMPDIR/out"
    [ "$(json 'd["number"]' <"$BATS_TEST_TMPDIR/out")" -eq 1 ]
}

@test "list and disassemble mark where the machine stands" {
    debug 'true' 'break kmalloc' 'continue' 'list' 'disassemble /s' 'list kmalloc' \
        'list lguest/paging.c:1' >"$BATS_TEST_TMPDIR/out"
    grep -qE '^[0-9]+ +>' "$BATS_TEST_TMPDIR/out"
    [ "$(grep -c '^=> 0x.*<+[0-9]*>:' "$BATS_TEST_TMPDIR/out")" -eq 1 ]
    grep -q 'void \*kmalloc(size_t n)' "$BATS_TEST_TMPDIR/out"
    grep -q 'Shadow page tables, the lguest way' "$BATS_TEST_TMPDIR/out" # the model's own source, too
}

@test "patch sites are named where they are called" {
    debug 'true' 'break hook set_pte' 'continue' 'disassemble $eip,+12' 'info sites --json set_pte' >"$BATS_TEST_TMPDIR/out"
    grep -q '^=> .*; hook pv_mmu_ops.set_pte$' "$BATS_TEST_TMPDIR/out"
    [ "$(json 'len(d["sites"]) > 1 and all(s["hook"] == "pv_mmu_ops.set_pte" for s in d["sites"])' <"$BATS_TEST_TMPDIR/out")" -eq 1 ]
}

@test "diff tells what a stretch of instructions has done, and nothing for a moment and itself" {
    debug 'sleep 1' 'goto 6M' 'stepi 50' 'diff --json -1' >"$BATS_TEST_TMPDIR/out"
    [ "$(json 'd["to"] > d["from"]' <"$BATS_TEST_TMPDIR/out")" -eq 1 ]
    debug 'sleep 1' 'goto 10M' 'checkpoint' 'goto +1M' 'goto 10M' 'diff checkpoint 1 here' >"$BATS_TEST_TMPDIR/out"
    grep -q '^Nothing is different.$' "$BATS_TEST_TMPDIR/out"
}

@test "tasks are those that ps shows" {
    debug 'sleep 1 & wait' 'goto 500M' 'info tasks --json' >"$BATS_TEST_TMPDIR/out"
    [ "$(json '[t["pid"] for t in d["tasks"]] == sorted(t["pid"] for t in d["tasks"])' <"$BATS_TEST_TMPDIR/out")" -eq 1 ]
    [ "$(json '[t["name"] for t in d["tasks"] if t["pid"] == 1][0]' <"$BATS_TEST_TMPDIR/out")" = init ]
    [ "$(json '[t["state"] for t in d["tasks"] if t["name"] == "sleep"][0]' <"$BATS_TEST_TMPDIR/out")" = sleeps ]
}

@test "every info gives one JSON document" {
    for what in frame registers all-registers source programs cr gdt idt tss hooks sites hypercalls events irq \
        timers tasks model snapshots crossing locals args 'functions ^kma' 'variables ^cur' 'types ^task' \
        'symbol kmalloc' 'line kmalloc'; do
        debug 'ls /' 'goto 20M' "info ${what%% *} --json $( [[ $what == *\ * ]] && echo "${what#* }" )" >"$BATS_TEST_TMPDIR/out" || {
            echo "# info $what"
            return 1
        }
        [ "$(json 'len(d) >= 1' <"$BATS_TEST_TMPDIR/out")" -eq 1 ]
    done
}

@test "the system call gate: where the CPU goes is what the table says" {
    debug 'ls /' 'break vector 128' 'continue' 'stepi' 'print/x $eip' 'info idt --json 128' >"$BATS_TEST_TMPDIR/out"
    eip=$(sed -n 's/^\$1 = //p' "$BATS_TEST_TMPDIR/out")
    [ "$(json 'd["idt"][0]["handler"]' <"$BATS_TEST_TMPDIR/out")" -eq $((eip)) ]
    [ "$(json 'd["idt"][0]["symbol"]' <"$BATS_TEST_TMPDIR/out")" = syscall_entry ]
}

@test "wrong commands say what is wrong, and change nothing" {
    while IFS='|' read -r line what; do
        printf 'goto 10M\n%s\n' "$line" >"$BATS_TEST_TMPDIR/script"
        says 64 "$what" "$RINGSIDE" debug "${HV[@]}" --batch -x "$BATS_TEST_TMPDIR/script" -e 'sleep 1'
    done <<'EOF'
x/4xb 0x10|cannot read memory at 0x00000010: it is not mapped
xp/4xw 0xa0000|cannot read physical memory at 0x000a0000: it is no RAM
print kmallock|no symbol 'kmallock'.*did you mean 'kmalloc'
x/3q 5|'q' is no format
print *(int *)16|cannot read memory at 0x00000010: it is not mapped
ptype struct lisst|no struct 'lisst'.*did you mean 'list'
frame 99|there is no frame 99
down|innermost frame
info registers eaxx|did you mean 'eax'
set 5|assigns nothing
diff 99G|has not been run yet
why 0x10|not mapped
info hooks foo|no hook is named 'foo'
printf "%d"|asks for more values
file /etc/passwd|not an ELF file
directory /nowhere|no such directory
EOF
    printf 'break exit\ngoto 5M\ncontinue\nset $eax = 1\n' >"$BATS_TEST_TMPDIR/script"
    says 64 'inside a crossing' "$RINGSIDE" debug "${HV[@]}" --batch -x "$BATS_TEST_TMPDIR/script" -e 'ls /'
}
