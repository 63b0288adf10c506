#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# A run written down, and what was written shown.

load helpers

setup_file() {
    cd "$BATS_FILE_TMPDIR"
    timeout 120 "$RINGSIDE" trace --json -o ls.trace -e 'ls /bin | head -3' </dev/null >traced.json 2>traced.err
    timeout 120 "$RINGSIDE" run --json -e 'ls /bin | head -3' </dev/null >run.json 2>run.err
    timeout 120 "$RINGSIDE" trace show ls.trace >text
    timeout 120 "$RINGSIDE" trace show --format json ls.trace >json
    timeout 120 "$RINGSIDE" trace --hv lguest -o lguest.trace -e 'ls /bin | head -3' </dev/null >/dev/null 2>&1
    timeout 120 "$RINGSIDE" trace show lguest.trace >lguest.text
    timeout 120 "$RINGSIDE" trace show --format json lguest.trace >lguest.json
}

setup() {
    cd "$BATS_FILE_TMPDIR"
}

@test "the guest cannot tell: digests and instructions are those of an unwatched run" {
    [ "$(essence traced.json)" = "$(essence run.json)" ]
    grep -q "ls.trace: [0-9]* events" traced.err
    # A few bytes an event, names included.
    events=$(grep -oE '[0-9]+ events' traced.err | cut -d' ' -f1)
    [ "$events" -gt 20000 ]
    [ "$(stat -c %s ls.trace)" -lt $((events * 8)) ]
}

@test "the tree: processes, system calls, hooks inside them, places in the source" {
    grep -qE '^ +[0-9]+  ls:[0-9]+ +int 0x80 getdents64' text
    grep -qE '^ +[0-9]+  init:1 .* pv_mmu_ops\.set_pte\(ptep=0xc[0-9a-f]+, pte=0x[0-9a-f]+ P[A-Z ]*\)' text ||
        grep -qE 'pv_mmu_ops\.set_pte_at\(mm=0xc[0-9a-f]+, addr=0x[0-9a-f]+, ptep=0xc[0-9a-f]+, pte=0x[0-9a-f]+ P[A-Z ]*\)' text
    grep -qE 'pv_irq_ops\.save_fl\(\) = 0x[0-9a-f]+  \[[0-9]+\] +[a-z_]+ ' text
    grep -qE 'fault #PF at 0x[0-9a-f]+: (read|write|fetch) by user, not present \{' text
    grep -qE '  \} pv_cpu_ops\.iret.*  \[[0-9]+\]$' text
    grep -qE 'switch to sh:[0-9]+' text
    # The first task is there from the start, and before it nobody.
    [ "$(grep -oE 'switch to [^ ]+' text | head -n 2 | tr '\n' ' ')" = "switch to swapper:0 switch to init:1 " ]
    [ "$(grep -oE 'switch to [^ ]+' lguest.text | head -n 1)" = "switch to swapper:0" ]
    # Where page tables have no no-execute bit, the error code does not tell a fetch from a read.
    grep -qE 'fault #PF at (0x[0-9a-f]+): fetch by user, not present.* \1$' lguest.text
    grep -qE 'renamed is now head:[0-9]+' text
    grep -qE '· deliver the exception through the guest.s IDT' text
}

@test "for programs: every row is whole, nested, and in the order of time" {
    python3 - <<'END'
import csv, json, os, subprocess
rows = [json.loads(line) for line in open("json")]
assert len(rows) > 20000, len(rows)
begun = {}
cycle = ended = 0
for r in rows:
    assert r["cycle"] >= cycle, r
    cycle = r["cycle"]
    if r["phase"] == "begin":
        begun[r["event"]] = r
    elif r["phase"] == "end":
        b = begun.pop(r["begin"])
        ended += 1
        assert r["cycles"] == r["cycle"] - b["cycle"] and r["depth"] == b["depth"], (b, r)
        if r["name"] != "pv_cpu_ops.iret":
            assert (r["name"], r["pid"] if "pid" in r else None) == (b["name"], b.get("pid")), (b, r)
assert ended > 10000 and len(begun) < 60, (ended, len(begun))
by = {}
for r in rows:
    by.setdefault((r["kind"], r["name"]), []).append(r)
for want in [("hook", "pv_irq_ops.irq_disable"), ("hook", "pv_mmu_ops.write_cr3"), ("exit", "fault"), ("exit", "int"),
             ("irq", "irq"), ("task", "switch"), ("exit", "io_out"), ("guest", "power")]:
    assert want in by, want
calls = [r for r in by[("exit", "int")] if r["process"] == "ls"]
assert any(r["alias"] == "getdents64" for r in calls), calls
out = subprocess.run([os.environ["RINGSIDE"], "trace", "show", "--format", "csv", "ls.trace"], capture_output=True,
                     text=True, check=True).stdout
table = list(csv.DictReader(out.splitlines()))
assert len(table) == len(rows)
for a, b in zip(table[::997], rows[::997]):
    assert (int(a["cycle"]), a["name"], a["detail"], a["phase"]) == (b["cycle"], b["name"], b["detail"], b["phase"])
END
}

@test "filters and limits" {
    show() { ringside trace show --format json ls.trace "$@"; }
    names() { python3 -c 'import json, sys; print(*sorted({json.loads(l)["name"] for l in sys.stdin}))'; }
    [ "$(show --filter 'hook:pv_mmu_ops.write_cr*' | names)" = pv_mmu_ops.write_cr3 ]
    [ "$(show --filter exit:fault | names)" = "fault pv_cpu_ops.iret" ] # the end of a fault is its IRET
    [ "$(show --filter exit:io | names)" = "io_in io_out" ]
    [ "$(show --filter task --filter irq | names)" = "irq pv_cpu_ops.iret renamed switch" ]
    show --filter syscall:getdents64 | grep -c '"phase":"begin"' >count
    [ "$(cat count)" -ge 1 ]
    ! show --filter 'syscall:*' | grep -q '"phase":"point"' || false
    [ -z "$(show --filter hypercall)" ]
    [ "$(show --filter SYSCALL:GetDents64)" = "$(show --filter syscall:getdents64)" ]
    # Several patterns after one --filter, and the command's words anywhere among them.
    lg() { ringside trace "$@" --format json | names; }
    want="SET_PTE back fault pv_cpu_ops.iret pv_mmu_ops.write_cr3"
    [ "$(lg show lguest.trace --filter 'hook:pv_mmu_ops.write_cr*' 'hypercall:set_pte' 'exit:fault')" = "$want" ]
    [ "$(lg --filter 'hook:pv_mmu_ops.write_cr*' 'hypercall:set_pte' 'exit:fault' show lguest.trace)" = "$want" ]
    [ "$(lg show lguest.trace --filter hypercall:ts hypercall:'*clock*')" = "SET_CLOCKEVENT TS" ]
    python3 - "$(show --from 5M --to 5100k | sed -n '1p;$p' | tr '\n' ' ')" <<'END'
import json, sys
decoder = json.JSONDecoder()
first, at = decoder.raw_decode(sys.argv[1])
last, _ = decoder.raw_decode(sys.argv[1][at:].lstrip())
assert 5000000 <= first["cycle"] <= last["cycle"] <= 5100000, (first, last)
END
    [ "$(show --from '#100' --to '#103' | grep -c .)" -le 4 ]
    show --from '#100' --to '#103' | head -n 1 | grep -q '"event":100,'
}

@test "a run that was killed left a trace that can be read" {
    "$RINGSIDE" trace -o killed.trace -e 'while :; do ls -l /bin; done' </dev/null >/dev/null 2>&1 3>&- &
    pid=$!
    for ((i = 0; i < 200; i++)); do
        [ "$(stat -c %s killed.trace 2>/dev/null || echo 0)" -gt 400000 ] && break
        sleep 0.1
    done
    kill -9 $pid
    wait $pid || true
    ringside trace show killed.trace >killed.text 2>killed.err
    [ "$(wc -l <killed.text)" -gt 20000 ]
    # Cut within a chunk: what is before it is good.
    size=$(stat -c %s killed.trace)
    head -c $((size - size / 3)) killed.trace >cut.trace
    says 0 "cut off in the middle of a chunk" ringside trace show cut.trace
    # Damaged: told, with the place.
    python3 -c '
data = bytearray(open("ls.trace", "rb").read())
data[len(data) // 2] ^= 0x55
open("bad.trace", "wb").write(data)'
    says 65 "bad.trace: the chunk at offset [0-9]+" ringside trace show bad.trace
}

@test "wrong words and wrong files" {
    says 64 "where to\?" ringside trace -e true
    says 64 "is for looking at it" ringside trace -o x --filter hook -e true
    says 64 "what is 'shwo'\? Only 'trace show FILE'" ringside trace shwo ls.trace
    says 64 "which file\?" ringside trace show
    says 64 "what is 'more'" ringside trace show ls.trace more
    says 64 "Try 'ringside trace --help'" ringside trace -o x --hv natve -e true
    says 64 "runs nothing" ringside trace show ls.trace -e true
    says 64 "neither a cycle" ringside trace show ls.trace --from 5x
    says 64 "--from 5M is behind --to 4M" ringside trace show ls.trace --from 5M --to 4M
    says 64 "'hooks:set_pte' begins with none of exit, hook" ringside trace show ls.trace --filter 'hooks:set_pte'
    says 64 "'set_pte' begins with none of" ringside trace -o x --format text --filter set_pte -e true
    says 64 "is none of text" ringside trace show ls.trace --format html
    says 65 "missing" ringside trace show missing
    says 65 "not a trace" ringside trace show text
    says 65 "no/such" ringside trace -o no/such/file -e true
    says 65 "not a pv-ops kernel" ringside trace -o x --kernel "$RINGSIDE_BUILD/tests/guest/hello"
    says 71 "No space left" ringside trace -o /dev/full -e true
    for format in text json csv perfetto; do
        says 71 "/dev/full: No space left" ringside trace show ls.trace --format $format -o /dev/full
        says 71 "/dev/full: No space left" ringside trace --format $format -o /dev/full -e true
        says 65 "no/such: No such file" ringside trace show ls.trace --format $format -o no/such
    done
    says 64 "a database is a file of its own: -o FILE" ringside trace show ls.trace --format sqlite
    if ringside --version | grep -q 'sqlite not built in'; then
        says 71 "built without libsqlite3; json and csv are there" ringside trace show ls.trace --format sqlite -o x.db
    fi
    # Binary output never to a terminal.
    python3 -c '
import os, pty, sys
status = pty.spawn(["sh", "-c", "\"$RINGSIDE\" trace show ls.trace --format perfetto"])
sys.exit(0 if os.waitstatus_to_exitcode(status) == 64 else 1)' >tty </dev/null
    grep -q "this is a terminal: -o FILE" tty
}

@test "--stats: of hypercalls those pay for the switch that were not in a batch" {
    ringside run --hv lguest --stats --json -e true 2>/dev/null >lguest-stats.json
    python3 - <<'END'
import json
stats = json.load(open("lguest-stats.json"))["stats"]
calls = {row["name"].split()[-1]: row for row in stats["hypercall"]}
assert calls["LOAD_IDT_ENTRY"]["least"] == calls["LOAD_IDT_ENTRY"]["most"] == 2817, calls["LOAD_IDT_ENTRY"]
assert (calls["SET_PTE"]["least"], calls["SET_PTE"]["most"]) == (0, 2817), calls["SET_PTE"]
END
}

@test "--stats counts what the trace shows, and the guest cannot tell" {
    timeout 120 "$RINGSIDE" run --json --stats -e 'ls /bin | head -3' </dev/null >stats.json 2>/dev/null
    [ "$(essence stats.json)" = "$(essence run.json)" ]
    python3 - <<'END'
import json
report = json.load(open("stats.json"))
stats = report["stats"]
assert sum(stats["cycles"].values()) == report["cycles"], stats["cycles"]
assert stats["cycles"]["user"] > 10000 and stats["cycles"]["kernel"] > 1000000, stats["cycles"]
seen = {}
for line in open("json"):
    r = json.loads(line)
    if r["kind"] != "hook" or r["name"] == "pv_cpu_ops.iret":
        continue
    one = seen.setdefault(r["name"], [0, 0, 0])
    one[0] += r["phase"] == "begin"
    one[1] += r["phase"] == "end"
    one[2] += r.get("cycles", 0)
counted = {h["name"]: [h["begun"], h["ended"], h["cycles"]] for h in stats["hook"]}
del counted["pv_cpu_ops.iret"]
assert counted == seen, [(k, counted.get(k), seen.get(k)) for k in set(counted) | set(seen) if counted.get(k) != seen.get(k)]
for x in stats["hook"] + stats["fault"] + stats["int"] + stats["irq"]:
    assert sum(b["count"] for b in x["histogram"]) == x["ended"], x
    if x["ended"]:
        assert x["least"] * x["ended"] <= x["cycles"] <= x["most"] * x["ended"], x
assert sum(x["begun"] for x in stats["fault"]) == report["exits"]["fault"]
assert sum(x["begun"] for x in stats["int"]) == report["exits"]["int"]
assert sum(x["begun"] for x in stats["irq"]) == report["interrupts"]
assert {c["name"]: c["times"] for c in stats["charged"]}["fault"] == report["exits"]["fault"]
END
    # For people: on standard error, so that the output of the commands stays what it is.
    [ "$(ringside run --stats -e 'echo hello' 2>told)" = hello ]
    grep -qE '^pv_irq_ops.irq_disable +[0-9]+ +[0-9]+' told
    grep -qE '^int 0x80 +[0-9]+' told
    grep -qE '^cycles: [0-9]+ in user mode, [0-9]+ in the kernel' told
}

@test "hypercalls by name, with arguments; entries of page tables with their flags; system calls too" {
    grep -qE 'hypercall SET_PTE\(root=0x[0-9a-f]+, va=0x[0-9a-f]+, pte=0x[0-9a-f]+ P US A\) \{' lguest.text
    grep -qE '\} hypercall SET_PTE  \[[0-9]+\]' lguest.text
    grep -qE '· copy the entry into shadows' lguest.text
    grep -qE 'hypercall LGUEST_INIT\(data=0x[0-9a-f]+\)' lguest.text
    grep -qE 'pv_mmu_ops\.make_pte\(.*\) = 0x[0-9a-f]+ P RW( US)?( A)?( D)?  ' lguest.text
    grep -qE 'ls:[0-9]+ +int 0x80 openat\(dir=-100, path=0x[0-9a-f]+ "/bin", flags=0x[0-9a-f]+, mode=0\) \{ +0x[0-9a-f]+$' text
    grep -qE 'int 0x80 mmap2\(addr=0, length=0x[0-9a-f]+, prot=3, flags=0x22, fd=-1, page=0\)' text
    python3 - <<'END'
import json
rows = [json.loads(line) for line in open("lguest.json")]
calls = [r for r in rows if r["kind"] == "hypercall"]
begun, ended = [[r for r in calls if r["phase"] == p] for p in ("begin", "end")]
assert len(begun) > 1000 and len(begun) - len(ended) <= 1, (len(begun), len(ended)) # SHUTDOWN does not come back
# What a call makes the model do is inside it.
open_at = {}
copies = 0
for r in rows:
    for depth in [d for d in open_at if d >= r["depth"]]:
        del open_at[depth]
    if r["phase"] == "begin":
        open_at[r["depth"]] = r
    if r["kind"] == "stage" and "copy the entry" in r["name"]:
        copies += 1
        assert open_at[r["depth"] - 1]["name"] == "SET_PTE", r
assert copies > 1000, copies
opened = [r for r in rows if r["alias"] == "openat" and r["process"] == "ls"]
assert opened and '"/bin"' in opened[0]["detail"], opened
END
}

@test "user code by function: a program with symbols that was added" {
    cat >add.c <<'END'
#include <unistd.h>
static char room[300000];
__attribute__((noinline)) void fill_it(char *p) { for (int i = 0; i < 300000; i += 4096) p[i] = 1; }
int main(void) { fill_it(room); return room[4096] - 1; }
END
    "$RINGSIDE_BUILD/ringside-cc" -o filler add.c
    ringside trace -o add.trace --add filler=/bin/fill -e fill
    ringside trace show add.trace --filter exit:fault >faults
    [ "$(grep -cE 'fill:[0-9]+ +fault #PF at 0x[0-9a-f]+: write by user, not present +(\{|\[[0-9]+\]) +fill_it$' faults)" -ge 70 ]
    # Of a program without symbols there is the address.
    grep -qE ' (sh|init):[0-9]+ +fault #PF at 0x[0-9a-f]+: .* by user, .* (\{|\[[0-9]+\]) +0x[0-9a-f]+$' faults
}

@test "perfetto: tracks for processes, kernel, hooks, hypervisor, interrupts; slices that end; counts of the rows" {
    cp json ls.json
    for run in ls lguest; do
        ringside trace show $run.trace --format perfetto -o $run.perfetto
        python3 "$BATS_TEST_DIRNAME/perfetto.py" $run.perfetto $run.json
    done
    # A part of a trace is balanced, too.
    for format in perfetto json; do
        ringside trace show lguest.trace --format $format --from 9M --to 9100k --filter hook hypercall exit -o part.$format
    done
    python3 "$BATS_TEST_DIRNAME/perfetto.py" part.perfetto part.json part
}

@test "sqlite: the documented schema, and the documented questions have answers" {
    ! ringside --version | grep -q 'sqlite not built in' || skip "built without libsqlite3"
    ringside trace show lguest.trace --format sqlite -o lguest.db
    python3 - "$RINGSIDE_SOURCE/docs/trace-schema.md" <<'END'
import collections, json, re, sqlite3, sys
page = open(sys.argv[1]).read()
db = sqlite3.connect("lguest.db")
assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
for name in ("info", "event", "span", "call"):
    columns = [c[1] for c in db.execute(f"PRAGMA table_info({name})")]
    section = page.split(f"**{name}**")[1].split("\n**")[0].split("\n## ")[0]
    assert columns and all(f"`{c}`" in section for c in columns), (name, columns)
queries = re.findall(r"```sql\n(.*?)```", page, re.S)
assert len(queries) >= 5
for q in queries:
    assert sqlite3.complete_statement(q), q
    assert db.execute(q).fetchall(), q
rows = [json.loads(line) for line in open("lguest.json")]
assert db.execute("SELECT count(*), max(cycle) FROM event").fetchone() == (len(rows), max(r["cycle"] for r in rows))
for phase, n in collections.Counter(r["phase"] for r in rows).items():
    assert db.execute("SELECT count(*) FROM event WHERE phase = ?", (phase,)).fetchone()[0] == n
cycles = collections.Counter()
for r in rows:
    if r["kind"] == "hypercall" and r["phase"] == "end":
        cycles[r["name"]] += r["cycles"]
assert cycles == collections.Counter(dict(db.execute(
    "SELECT name, sum(cycles) FROM call WHERE kind = 'hypercall' AND cycles NOT NULL GROUP BY 1")))
assert dict(db.execute("SELECT name, value FROM info"))["model"] == "lguest"
# A parent is the innermost beginning that was open.
open_at = collections.defaultdict(dict)
for r, (parent,) in zip(rows, db.execute("SELECT parent FROM event ORDER BY id")):
    mine = open_at[r.get("pid")]
    for depth in [d for d in mine if d >= r["depth"]]:
        del mine[depth]
    assert parent == mine.get(r["depth"] - 1), (r, parent)
    if r["phase"] == "begin":
        mine[r["depth"]] = r["event"]
END
    # What it may replace, and what not.
    ringside trace show ls.trace --filter irq --format sqlite -o lguest.db
    python3 -c 'import sqlite3; print(sqlite3.connect("lguest.db").execute("SELECT value FROM info WHERE name = \"model\"").fetchone())' | grep native
    echo precious >letter
    says 65 "letter: exists and is no database of a trace; it is left alone" ringside trace show ls.trace --format sqlite -o letter
    [ "$(cat letter)" = precious ]
    python3 -c 'import sqlite3; sqlite3.connect("other.db").execute("CREATE TABLE mine (a)")'
    says 65 "other.db: exists and is no database of a trace" ringside trace --format sqlite -o other.db -e true
    says 65 "no/such.db: unable to open" ringside trace show ls.trace --format sqlite -o no/such.db
}

@test "a run writes each format as 'trace show' does" {
    formats="text json csv perfetto"
    ringside --version | grep -q 'sqlite not built in' || formats+=" sqlite"
    for format in $formats; do
        ringside trace --format $format -o direct.$format -e 'ls /bin | head -3' >/dev/null
        ringside trace show ls.trace --format $format -o shown.$format
        cmp direct.$format shown.$format
    done
    ringside trace --json --format text --filter syscall:getdents64 --from 1M -o few -e 'ls /bin | head -3' >few.json
    [ "$(essence few.json)" = "$(essence run.json)" ]
    ringside trace show ls.trace --filter syscall:getdents64 --from 1M >few.shown
    cmp few few.shown
    [ "$(wc -l <few)" -lt 10 ]
}

@test "a machine that was saved is traced and counted from where it was" {
    ringside run --max-cycles 9M --save half -e 'ls /bin | head -3; sleep 0.01; ls /etc' >/dev/null 2>&1 || [ $? -eq 75 ]
    ringside run --json --load half >rest.json 2>/dev/null
    ringside trace --json --load half -o rest.trace >rest-traced.json 2>/dev/null
    ringside run --json --load half --stats >rest-stats.json 2>/dev/null
    [ "$(essence rest.json)" = "$(essence rest-traced.json)" ]
    [ "$(essence rest.json)" = "$(essence rest-stats.json)" ]
    field stats.hook <rest-stats.json | grep -q irq_disable
    ringside trace show rest.trace --format json >rest.rows
    head -n 1 rest.rows | grep -qE '"cycle":9[0-9]{6},"process":"[a-z]+","pid":[0-9]+'
    [ "$(grep -c '"kind":"hook"' rest.rows)" -gt 1000 ]
    # It was booted from our kernel; another one's sites would be somewhere else.
    cp "$RINGSIDE_BUILD/ringside-kernel" other-kernel
    echo >>other-kernel
    says 65 "not the kernel that this machine was booted from; --kernel FILE" ringside trace --load half -o x --kernel other-kernel
    cp "$RINGSIDE_BUILD/ringside-kernel" same-kernel
    ringside trace --load half -o same.trace --kernel same-kernel >/dev/null
    says 64 "--kernel has nothing to say" ringside run --load half --kernel same-kernel
}

@test "--cost: what a crossing is charged, kept in recordings and saved machines" {
    essential() { python3 -c 'import json, sys; r = json.load(open(sys.argv[1])); print(r["cycles"], r["instructions"], r["end"])' "$1"; }
    go() { ringside run --hv lguest --json -e 'ls /bin | head -3' "$@" 2>/dev/null; }
    go >usual
    go --cost hypercall=0 --cost irq=5 --cost hypercall=100000 --record dear.rec --stats >dear
    [ "$(essential usual)" != "$(essential dear)" ]
    python3 - <<'END'
import json
costs = {c["name"]: c for c in json.load(open("dear"))["stats"]["charged"]}
assert costs["hypercall"]["cycles"] == 100000 and costs["irq"]["cycles"] == 5, costs # the last one counts
assert json.load(open("dear"))["cycles"] > 100000 * costs["hypercall"]["times"]
END
    ringside verify dear.rec
    go --cost hypercall=100000 --cost irq=5 --max-cycles 50M --save half >/dev/null || [ $? -eq 75 ]
    ringside run --json --load half >rest 2>/dev/null
    [ "$(essential rest)" = "$(essential dear)" ]
    says 64 "model lguest has no cost named 'hypercal'; did you mean 'hypercall'" ringside run --hv lguest --cost hypercal=1
    says 64 "'hypercall' is not NAME=CYCLES" ringside run --hv lguest --cost hypercall
    says 64 "'hypercall=-1' is not NAME=CYCLES" ringside trace -o x --hv lguest --cost hypercall=-1
    says 64 "model native has no cost named 'hypercall'" ringside run --cost hypercall=1
    says 64 "--cost has nothing to say" ringside run --load half --cost hypercall=1
}
