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
    says 64 "it is for looking at it|is for looking at it" ringside trace -o x --filter hook -e true
    says 64 "only 'trace show FILE'" ringside trace shwo ls.trace
    says 64 "only 'trace show FILE'" ringside trace show
    says 64 "Try 'ringside trace --help'" ringside trace -o x --hv natve -e true
    says 64 "runs nothing" ringside trace show ls.trace -e true
    says 64 "neither a cycle" ringside trace show ls.trace --from 5x
    says 64 "is none of text" ringside trace show ls.trace --format html
    says 65 "missing" ringside trace show missing
    says 65 "not a trace" ringside trace show text
    says 65 "no/such" ringside trace -o no/such/file -e true
    says 65 "not a pv-ops kernel" ringside trace -o x --kernel "$RINGSIDE_BUILD/tests/guest/hello"
    says 71 "No space left" ringside trace -o /dev/full -e true
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
    says 64 "--stats has nothing to say" ringside run --load x --stats
}
