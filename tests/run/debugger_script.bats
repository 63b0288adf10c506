#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# Lua through the program: conditions, scripts, rules and traces, in `debug --batch` and in `run --rules`.

load helpers

setup() {
    cd "$BATS_TEST_TMPDIR"
}

# Commands, one an argument, as a batch; the guest runs $GUEST.
debug() {
    printf '%s\n' "$@" >commands
    timeout -k 5 "${LIMIT:-100}" "$RINGSIDE" debug --batch -x commands -e "${GUEST:-ls /}" "${HV[@]}" \
        </dev/null >out 2>err
}

rules() { echo "$RINGSIDE_SOURCE/docs/rules/$1.lua"; }

has() { # REGEXP...
    for text; do
        grep -qE -- "$text" out || {
            echo "# nothing printed has /$text/:"
            head -n 60 out err
            return 1
        }
    done
}

@test "a condition decides over decoded arguments" {
    debug 'break hook set_pte_at if args.addr < 0xC0000000 and args.pte & 2 ~= 0 and comm == "sh"' \
        continue 'lua print("pte", args.pte & 3, comm)' delete 'break syscall open* if args.path == "/" and pid > 1' \
        continue 'info break'
    has '^pte	3	sh' '^Stop 2, syscall open' 'open.*"/"' 'if args.path == "/" and pid > 1'
}

@test "a run with a condition that is never true is the run without it" {
    local plain=$(guest 'ls /; cat /proc/cpuinfo | wc -l' --json 2>/dev/null | field cycles)
    GUEST='ls /; cat /proc/cpuinfo | wc -l' debug 'break hook * if false' \
        'break *0 if reg.eax == 1' continue 'lua print("cycles " .. cycle)'
    has "^cycles $plain\$"
}

@test "loops and hunger end with a message, and the session goes on" {
    says 64 'does not come to an end' debug_says 'lua while true do end'
    says 64 'more memory than the 64 MiB' debug_says 'lua t = {} for i = 1, 1e9 do t[i] = {} end'
    says 64 'condition: unexpected symbol' debug_says 'break hook set_pte if args.pte =='
    says 64 'did you mean .set_pte.' debug_says "lua on('hook:set_ptee', print)"
    printf '%s\n' 'lua while true do end' 'lua 6 * 7' 'info break' |
        timeout -k 5 100 "$RINGSIDE" debug -e true "${HV[@]}" >out 2>err
    has '^42$' 'There are no stops'
    grep -q 'does not come to an end' err
}

debug_says() {
    printf '%s\n' "$@" >commands
    timeout -k 5 100 "$RINGSIDE" debug --batch -x commands -e true "${HV[@]}" </dev/null
}

@test "a script does what a person at the prompt can do" {
    cat >script.lua <<'END'
local forks = 0
on({"syscall:fork", "syscall:vfork", "syscall:clone"}, function(e) forks = forks + 1 end)
command("tbreak syscall execve")
local at = continue()
assert(at.why == "stop" and at.event == "softint" and not at.past)
local path = tostring(args.path)
local there = cycle
reverse("syscall")
assert(cycle < there and stopped().past)
assert(go(there + 10).cycle >= there)
continue()
print("forks " .. forks, "first " .. path, stopped().why)
END
    GUEST='ls /; ls /bin | wc -l' debug 'source script.lua'
    has '^forks [3-9]	first .+	ended'
}

@test "what the debugger records is what ringside trace records" {
    GUEST='ls /' debug 'trace on syscall' continue 'trace save in.json json' 'trace save in.trace' \
        'trace show 4' 'trace save in.sqlite sqlite'
    has 'in.json: [0-9]+ rows' 'int 0x80 exit_group'
    ringside trace -o out.json --format json --filter syscall "${HV[@]}" -e 'ls /' >/dev/null 2>&1
    # The numbers of events differ where sites without marks are silent; what happened does not.
    for f in in out; do
        python3 -c '
import json, sys
for line in open(sys.argv[1]):
    r = json.loads(line)
    if r["phase"] == "begin": print(r["cycle"], r["name"], r["alias"], r["detail"], r["eip"])' $f.json >$f.txt
    done
    [ "$(wc -l <in.txt)" -gt 50 ]
    cmp in.txt out.txt
    ringside trace show in.trace --filter syscall:execve | grep -q execve
}

@test "statistics inside are those of run --stats" {
    GUEST='ls /' debug continue stats
    ringside run --stats -e 'ls /' 2>stats >/dev/null
    grep -E '^pv_mmu_ops|^fault|^int|^hypercall' stats | awk '{print $1, $2, $3, $4}' >one
    grep -E '^pv_mmu_ops|^fault|^int|^hypercall' out | awk '{print $1, $2, $3, $4}' >two
    [ "$(wc -l <one)" -gt 20 ]
    cmp one two
}

@test "the example rules hold" {
    local work='ls -lR /bin >/tmp/a; (sleep 1; ls) | sort; sh -c "exit 3"; echo $? | cat; exit 9'
    for r in flush tables faults; do
        ringside run --rules "$(rules $r)" -e "$work" >out 2>err && return 1
        [ ! -s err ] # neither a broken rule nor an error in one
    done
    ringside run --rules "$(rules flush)" --rules "$(rules tables)" --rules "$(rules faults)" -e 'ls | wc -l; exit 5' >out ||
        [ $? -eq 5 ]
    has '^[0-9]+$'
}

@test "each of them would be noticed if it did not hold" {
    sed 's/expect = {.*}/expect = "hook:flush_tlb_kernel"/' "$(rules flush)" >flush.lua
    says 76 'a changed entry is flushed before user code runs' ringside run --rules flush.lua -e ls
    grep -q 'hook pv_mmu_ops.set_pte_at(mm=' "$BATS_TEST_TMPDIR/says.err"
    grep -q 'hook pv_cpu_ops.iret()' "$BATS_TEST_TMPDIR/says.err"
    sed 's/hook:read_cr2/hook:write_cr0/' "$(rules faults)" >faults.lua
    says 76 'CR2 is read before' ringside run --rules faults.lua -e ls
    sed 's/announced\[e.args.pfn\] = keep(e)/x = 1/' "$(rules tables)" >tables.lua
    says 76 'a table is linked that was never announced' ringside run --rules tables.lua -e ls
}

@test "a broken rule ends the run with 76 and shows the events that break it" {
    says 76 'Rule broken: a process forks but once' ringside run --rules "$(rules fork-once)" -e 'ls / ; ls /; echo never'
    [ "$(grep -cE 'sh:[0-9]+ +syscall (fork|vfork|clone)\(' "$BATS_TEST_TMPDIR/says.err")" -eq 2 ]
    ! grep -q never "$BATS_TEST_TMPDIR/says.out"
    # At the prompt the machine stands there, and can go back to the first of the two.
    GUEST='ls /; ls /' debug "rule $(rules fork-once)" continue 'info rules' 'reverse syscall clone' 'lua comm'
    has 'Rule broken: a process forks but once' 'There are no rules|forks' '^sh$'
}

@test "files of rules that cannot be used" {
    says 65 'cannot be read' ringside run --rules /no/such.lua -e true
    echo 'rule("x", {after = "irq"})' >bad.lua
    says 64 'one of never; after and expect' ringside run --rules bad.lua -e true
    echo 'rule(' >bad.lua
    says 65 'bad.lua:' ringside run --rules bad.lua -e true
    echo 'on("irq", function(e) while true do end end)' >bad.lua
    says 76 'does not come to an end' ringside run --rules bad.lua -e 'ls -lR / >/dev/null'
    says 64 'do not go together' ringside run --rules bad.lua --stats -e true
}

@test "a run under rules is the run without them" {
    guest 'ls -l / | wc -l; echo $$' --json >plain 2>/dev/null
    guest 'ls -l / | wc -l; echo $$' --json --rules "$(rules flush)" --rules "$(rules tables)" >held 2>/dev/null
    [ "$(essence plain)" = "$(essence held)" ]
}
