# SPDX-License-Identifier: GPL-2.0-only
"""Is what `ringside hooks` says of hypercalls what a trace shows?

    hypercalls.py HOOKS.json ROWS.json

The hypercall that a hook makes is the last one inside its INT: those before it have waited in the ring, and were
left there by other hooks."""
import collections
import json
import sys

hooks = {h["hook"]: h["backends"]["lguest"] for h in json.load(open(sys.argv[1]))["hooks"]}
said = {name: {c["name"].lower() for c in b["hypercalls"]} for name, b in hooks.items()}
number = {c["name"].lower(): c["number"] for b in hooks.values() for c in b["hypercalls"]}

seen, waited = collections.defaultdict(collections.Counter), collections.Counter()
stacks = collections.defaultdict(dict)  # task -> depth -> row
direct = {}                             # of an open INT: the newest call in it
for line in open(sys.argv[2]):
    r = json.loads(line)
    stack = stacks[r.get("pid")]
    if r["phase"] == "end":
        begun = stack.get(r["depth"])
        if begun and begun["event"] == r["begin"] and begun["name"] == "int" and begun["event"] in direct:
            # An interrupt's handler that came into a hook is not the hook.
            owner = [x for d, x in sorted(stack.items()) if d < r["depth"]][-1:]
            calls = direct.pop(begun["event"])
            waited.update(calls[:-1])
            if owner and owner[0]["kind"] == "hook":
                seen[owner[-1]["name"]][calls[-1]] += 1
    for depth in [d for d in stack if d >= r["depth"]]:
        del stack[depth]
    if r["phase"] == "begin":
        stack[r["depth"]] = r
        if r["kind"] == "hypercall":
            trap = [x for d, x in sorted(stack.items()) if d < r["depth"] and x["name"] == "int"]
            direct.setdefault(trap[-1]["event"], []).append(r["name"].lower())

wrong = {(hook, call): n for hook, calls in seen.items() for call, n in calls.items() if call not in said[hook]}
# A message of the kernel, printed in the middle of a hook.
wrong = {k: n for k, n in wrong.items() if k[1] != "notify"}
assert not wrong, f"made, and not said: {wrong}"
proved = {(hook, call) for hook, calls in seen.items() for call in calls if call in said[hook]}
assert len(proved) >= 15, proved
assert waited["set_pte"] > 100 and waited["set_stack"] > 1, waited
print(f"{len(proved)} of {sum(len(c) for c in said.values())} seen directly; in batches: {dict(waited)}")
