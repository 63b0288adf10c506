#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# The debugger without a terminal: commands from files and from a pipe, and the status they end with. At a
# prompt: debugger_prompt.py.

load helpers

setup() {
    cd "$BATS_TEST_TMPDIR"
}

# Commands, one an argument, in a file, as a batch. What is behind -- are options.
debug() {
    local commands=() options=()
    while [ $# -gt 0 ] && [ "$1" != -- ]; do
        commands+=("$1")
        shift
    done
    shift || true
    options=("$@")
    printf '%s\n' "${commands[@]}" >commands
    [[ " ${options[*]} " = *" --replay "* || " ${options[*]} " = *" --load "* ]] || options+=("${HV[@]}")
    timeout -k 5 "${LIMIT:-100}" "$RINGSIDE" debug --batch -x commands "${options[@]}" </dev/null
}

has() { # FILE REGEXP...
    local file=$1 text
    shift
    for text; do
        grep -qE -- "$text" "$file" || {
            echo "# no line of $file has /$text/:"
            head -n 60 "$file"
            return 1
        }
    done
}

program() { # a program with debug information, in ./prog and ./prog.c
    cat >prog.c <<'END'
#include <stdio.h>
#include <unistd.h>
static int depth;
static int fact(int n)
{
    depth++;
    if (n < 2)
        return 1;
    int below = fact(n - 1);
    return n * below;
}
int main(void)
{
    int r = fact(5);
    printf("%d\n", r);
    fflush(stdout);
    pid_t me = getpid();
    return me > 0 ? 6 : 7;
}
END
    "$RINGSIDE_BUILD/ringside-cc" -g -O0 prog.c -o prog
}

@test "a batch: what is said, in order, and status 0" {
    debug 'break hook set_pte' continue 'info break' -- -e true >out 2>err
    has out '^Stop 1: hook set_pte$' '^Stop 1, hook set_pte$' '^hook pv_mmu_ops\.set_pte\(ptep=0x[0-9a-f]+, pte=0x' \
        '^guest/mm/init\.c:[0-9]+ in ' '^=> 0xc01[0-9a-f]+  [a-z]+' '^ring [01], process swapper:0, IF [01],.* cycle [0-9]+$'
    has out '^1 +hook +keep y +1 +hook set_pte$'
    ! grep -v "ASan doesn't fully support" err # which a sanitized build says of any program with fibers
}

@test "a command that fails ends a batch with status 64, and says where" {
    says 64 "'set_ptee'; did you mean 'set_pte'\?" debug 'stepi' 'break hook set_ptee' 'stepi 5'
    has "$BATS_TEST_TMPDIR/says.err" 'commands:2: stopped here'
    [ "$(grep -c 'cycle [0-9]' "$BATS_TEST_TMPDIR/says.out")" -eq 1 ]
    says 64 'cannot be read' debug 'source nowhere'
    says 64 'directory' debug 'source .'
    says 64 'directory' timeout 60 "$RINGSIDE" debug --batch -x .
    says 64 'no 32-bit address' debug 'break *0x100000000'
    status=0
    debug 'quit 3' 'stepi nonsense' >/dev/null 2>&1 || status=$?
    [ "$status" -eq 3 ]
}

@test "wrong commands are told with what is near, and the session goes on" {
    printf '%s\n' 'contineu' 'info brake' 'info' 'break nosuchfunction' 'break set_pte' 'break hook nosuch' \
        'break vector 999' 'break exit falt' 'break syscall frok' 'break mm_init if' 'delete 9' 'restart 3' \
        'goto nowhere' 'step sideways' 'x/4xw' 'print nosuch' 'print 1 +' 'watch 5' 'ignore' 'condition 4' \
        'cost nothing=3' 'diff futures' 'display nosuch' 'source .' 'break *' 'help nothing' 'echo \n' 'echo still here\n' >many
    status=0
    timeout 60 "$RINGSIDE" debug "${HV[@]}" <many >out 2>err || status=$?
    [ "$status" -eq 0 ]
    has out '^still here$' 'info registers +i r'
    has err "no command 'contineu'; did you mean 'continue'" "'info brake'; did you mean 'info break'" \
        "no function 'nosuchfunction'" 'break hook set_pte' 'from 0 to 255' "did you mean 'fault'" "did you mean 'fork'" \
        'if what' 'no stop 9' 'no checkpoint 3' 'goto which cycle' "'sideways' is neither" "no symbol 'nosuch'" \
        'a value is missing'
    # 25 of them failed, each with a sentence.
    [ "$(wc -l <err)" -ge 23 ]
}

@test "commands come from several files, from source, and read on in the file where they are" {
    printf '%s\n' 'tbreak hook set_pte' 'commands' '  silent' '  echo one\n' '  source inner' 'end' >first
    printf '%s\n' '# a comment' '' 'echo inner\n' >inner
    printf '%s\n' 'continue' 'echo last\n' >second
    timeout 60 "$RINGSIDE" debug "${HV[@]}" -e true --batch -x first -x second </dev/null >out
    [ "$(grep -E '^(one|inner|last)$' out | tr '\n' ' ')" = "one inner last " ]
    ! grep -q '^Stop 1, ' out # it is silent
    printf '%s\n' 'source itself' >itself
    says 64 'too deeply' timeout 60 "$RINGSIDE" debug --batch -x itself
}

@test "a stop whose commands go on may hit thousands of times" {
    debug 'break hook set_pte' commands silent continue end continue 'info break' -- -e true >out
    hits=$(awk '$2 == "hook" { print $5 }' out)
    [ "$hits" -gt 5000 ]
    ! grep -q '^Stop 1, ' out
    has out 'turned the power off, with status 0'
}

@test "with nothing and with everything armed the guest runs as it does alone" {
    timeout 60 "$RINGSIDE" run "${HV[@]}" --record alone.rec -e 'ls /bin | wc -l' >alone </dev/null
    debug 'break hook set_pte* if false' 'break exit fault if false' 'break stage "" if false' 'watch jiffies' 'disable 4' \
        'goto 5M' 'reverse-stepi 5' 'goto start' 'continue' 'record session.rec' -- -e 'ls /bin | wc -l' >out
    has out "^$(cat alone)\$" 'status 0'
    ringside verify session.rec
    same() { python3 - "$1" <<'END'
import subprocess, sys, os, json
out = subprocess.run([os.environ["RINGSIDE"], "verify", "--json", sys.argv[1]], capture_output=True, text=True, check=True).stdout
r = json.loads(out)
print(json.dumps(r.get("replayed", r.get("result", r)), sort_keys=True))
END
    }
    [ "$(same alone.rec)" = "$(same session.rec)" ]
}

@test "a user program by source: before it runs, through calls, recursion and system calls" {
    program
    debug 'break fact' 'info break' c c 'backtrace 2' 'delete' 'finish' n n 'reverse-finish' 'goto end' \
        'tbreak prog.c:17' c n n n -- --add prog -e 'prog; prog; echo $?' >out
    has out '^Stop 1: fact at prog\.c:6' '^prog\.c:6 in fact\(\)$' '^6       +depth\+\+;' '^#0 .* in fact \(n=4\)' \
        '^#1 .* in fact \(n=5\) at prog\.c:9' '^ring 3, process prog:' '^prog\.c:10 in fact' \
        '^prog\.c:17 in main' '^prog\.c:18 in main'
    # Out of main its caller has no lines: the step is an instruction there. Nothing of it is in another process.
    debug 'break fact' 'ignore 1 9' c -- --add prog -e 'prog; echo between; prog' >out
    has out '^between' '^120' '^Stop 1, fact'
    [ "$(grep -c '^120' out)" = 1 ]
}

@test "a stop on the way of a step is hit, and one where a step ends counts as hit" {
    debug 'break hook set_pte' c n n n n n -- -e true >out
    [ "$(grep -c '^Stop 1, hook set_pte' out)" -ge 2 ]
    program
    debug 'tbreak main' c 'break fact' 'break prog.c:14' n n delete n -- --add prog -e prog >out
    has out '^Stop 2, fact' '^Stop 2, fact at prog'
    debug 'tbreak main' c 'break prog.c:15' n 'info break' -- --add prog -e prog >out
    has out '^Stop 2, main at prog\.c:15' '^2 +code +keep y +1  main at prog\.c:15'
}

@test "next and finish lead through page faults, system calls and interrupts" {
    cat >busy.c <<'END'
#include <unistd.h>
static volatile char page[65536];
static volatile unsigned n;
int main(void)
{
    page[20000] = 1;
    getppid();
    while (n < 3000000)
        n++;
    return 5;
}
END
    "$RINGSIDE_BUILD/ringside-cc" -g -O0 busy.c -o busy
    debug 'tbreak main' c n n 'until 10' 'tbreak hook irq_disable' n -- --add busy -e busy >out
    has out '^busy\.c:6 in main' '^busy\.c:7 in main' '^busy\.c:8 in main' '^busy\.c:10 in main' 'ring 3, process busy'
    ! grep -q '^stage' out
    # `step` shows them: the page is not there yet, or not in its shadow.
    debug 'tbreak main' c s s -- --add busy -e busy >out
    has out '^stage ' 'inside a crossing'
    # By steps the system call is entered and left again.
    debug 'tbreak main' c 'break syscall getppid' c s 'tbreak leave_to_user' c finish -- --add busy -e busy >out
    has out 'int 0x80 getppid' 'inside a crossing' 'guest/kernel/entry\.S:[0-9]+ in ' 'ring 3, process busy'
}

@test "a step from where nothing runs is to where it is woken, and over the interrupt" {
    debug 'tbreak hook safe_halt' c 'goto +1M' next next 'print $cycle' -- -e 'sleep 0.1; echo woken' >out
    has out 'halted, cycle' 'in (sched_idle|lguest_trap)'
    ! grep -qE '^woken|power off' out
    # From inside a crossing `goto` goes as far as it was told, too.
    debug 'tbreak exit' c 'goto +10k' 'goto +10k' -- -e true >out
    python3 - <<'END'
import re
at = [int(c) for c in re.findall(r"cycle (\d+)", open("out").read())]
assert at[1] - at[0] < 15000 and at[2] - at[1] < 15000, at
END
}

@test "a crossing, step by step: hook, backend, stages, and back" {
    if on_lguest; then
        debug 'goto 5M' 'tbreak hypercall' c s s s s finish >out
        has out '^hypercall [A-Z_]+\(' 'inside a crossing' '^stage ' \
            '^hv-models/lguest/[a-z]+\.c:[0-9]+ in the model lguest' 'hv_stage'
    else
        debug 'tbreak exit fault' c s finish -- -e true >out
        has out '^exit fault|^fault' 'inside a crossing' "^stage deliver the exception" \
            '^hv-models/native/exits\.c:[0-9]+ in the model native' 'hv_stage'
    fi
    # Where it goes on is a boundary.
    tail -n 1 out | grep -qv 'inside a crossing'
    debug 'tbreak hook set_pte' c s s s 'reverse-step' 'reverse-step' 'reverse-step' -- -e true >out
    grep -E ' cycle [0-9]+' out | sed 's/.*cycle \([0-9]*\).*/\1/' >cycles
    python3 - <<'END'
c = [int(x) for x in open("cycles")]
assert c[0] < c[1] < c[2] < c[3] and c[3] > c[4] > c[5] > c[6], c
END
}

@test "time: back and forth is where it was; the past says so; futures are kept" {
    debug 'goto 5M' 'checkpoint here' 'break hook set_pte*' 'continue' 'continue' 'reverse-continue' 'reverse-continue' \
        'restart here' 'info checkpoints' 'goto +10k' 'goto -10k' 'goto start' 'rc' -- -e true >out
    has out '^Checkpoint 1: cycle 5[0-9]+' 'in the past' 'This is the beginning' '^1 +cycle 5[0-9]{6} '
    debug 'goto 4M' 'checkpoint' 'goto 6M' 'restart 1' 'set var jiffies = 12345' 'print jiffies' 'goto 5M' 'goto end' \
        'info futures' 'diff futures' 'goto 3M' 'print jiffies' -- -e true >out
    has out '= 12345' '^1 +left at cycle 4[0-9]+, had been run to 6' '^From cycle 4[0-9]+ to '
    [ "$(grep -E '^\$[0-9]+ = ' out | tail -n 1)" != "$(grep -E '^\$[0-9]+ = 12345' out | head -n 1)" ]
}

@test "what is typed is part of the run, and a recording shows it to somebody else" {
    printf '%s\n' 'goto 30M' 'type echo typed $((6*7))\n' 'goto 40M' 'type exit 4\n' continue 'record it.rec' >many
    timeout 60 "$RINGSIDE" debug "${HV[@]}" <many >out 2>err
    has out 'typed 42' 'status 4' 'it.rec: cycles 0 to'
    ringside verify it.rec
    debug continue 'reverse-stepi' 'set var jiffies = 1' -- --replay it.rec >replayed 2>err && return 1
    has replayed 'typed 42' 'turned the power off, with status 4|end of the recording' 'in the past'
    has err 'this is a replay: it cannot be changed'
    says 64 'nothing to say' debug stepi -- --replay it.rec --mem 32
    # Damaged: a checksum tells, and nothing is shown.
    python3 - <<'END'
b = bytearray(open("it.rec", "rb").read())
b[len(b) // 2] ^= 4
open("damaged.rec", "wb").write(b)
open("short.rec", "wb").write(b[: len(b) // 3])
END
    says 65 'damaged.rec' debug stepi -- --replay damaged.rec
    says 65 'short.rec' debug stepi -- --replay short.rec
    says 65 'nowhere.rec' debug stepi -- --replay nowhere.rec
}

@test "a recording of a run that --max-cycles ends is verified, changed by hand or not" {
    debug continue -- -e ls --max-cycles 5M --record limit.rec >out
    ringside verify limit.rec
    debug 'goto 4M' 'set $ecx = 5' continue -- -e ls --max-cycles 5M --record changed.rec >out
    ringside verify changed.rec
}

@test "a guest that dies, and one that is cut off, can be looked at and gone back from" {
    debug continue 'reverse-stepi' 'info registers' -- --kernel "$RINGSIDE_BUILD/tests/guest/dying" --append panic \
        >out 2>err || true
    has out 'The guest has (died|turned)' 'in the past'
    debug continue 'print $cycle' 'reverse-stepi' 'continue' -- -e 'sleep 100' --max-cycles 20M >out
    has out '^--max-cycles: that was all' 'in the past'
}

@test "a saved machine is debugged from where it was saved" {
    on_lguest || timeout 60 "$RINGSIDE" run -e 'sleep 1; echo later' --max-cycles 20M --save half.rs </dev/null >/dev/null 2>&1 || true
    on_lguest && { timeout 60 "$RINGSIDE" run "${HV[@]}" -e 'sleep 1; echo later' --max-cycles 20M --save half.rs </dev/null >/dev/null 2>&1 || true; }
    debug 'reverse-stepi' 'break syscall write' continue 'backtrace 1' 'delete' continue -- --load half.rs >out
    has out 'This is the beginning' '^Stop 1, syscall write' '^later' 'status 0'
}

@test "the pages: every command of the table, and transcripts that are what happens" {
    on_lguest && skip "they are the same on every model"
    "$RINGSIDE_BUILD/cli/ringside-pages" commands commands.md
    diff -u "$RINGSIDE_SOURCE/docs/debugger-commands.md" commands.md || {
        echo "it has drifted: cmake --build BUILD --target commands-page writes it anew"
        return 1
    }
    python3 "$RINGSIDE_SOURCE/tests/run/transcripts.py" "$RINGSIDE_SOURCE/docs/debugger.md" || {
        echo "cmake --build BUILD --target transcripts puts in what it is now"
        return 1
    }
}

@test "start, run, clear, until: what a person who knows gdb types" {
    program
    debug start 'break fact' 'info breakpoints' 'clear fact' 'info watchpoints' run -- --add prog -e prog >out
    has out 'in start_kernel\(\)$' '^Deleted stop 1: fact' '^There are no stops' '^120' 'status 6'
    says 64 'there is no stop at' debug 'clear mm_init'
    debug 'tbreak main' c 'display r' 'info display' next 'undisplay 1' 'info display' 'until 17' 'advance fact' -- --add prog -e prog >out
    has out '^1: r = 120' '^1: r$' '^Nothing is shown' '^prog\.c:17 in main' '^120'
}

@test "json where a program reads, color never where nobody looks" {
    debug 'break hook set_pte' 'info break --json' 'checkpoint a' 'info checkpoints --json' 'history --json' 'info futures --json' \
        -- --color auto >out
    python3 - <<'END'
import json
text = open("out").read()
text = text[text.index("["):]
d = json.JSONDecoder()
stops, at = d.raw_decode(text)
assert stops[0]["kind"] == "hook" and stops[0]["what"] == "hook set_pte", stops
text = text[at:]
text = text[text.index("["):]
points, at = d.raw_decode(text)
assert points == [{"number": 1, "name": "a", "cycle": 0}], points
text = text[at:].lstrip()
history, at = d.raw_decode(text)
assert history["snapshots"] >= 1 and history["limit"] > 0
assert d.raw_decode(text[at:].lstrip())[0] == []
END
    ! grep -q $'\x1b' out
    debug 'break hook set_pte' c -- --color always -e true >out
    grep -q $'\x1b\[' out
}
