# SPDX-License-Identifier: GPL-2.0-only
"""Read a file of TrackEvent protobuf field by field, as strictly as a reader may be, and say what is in it.

    perfetto.py FILE ROWS.json    compares with the rows of `ringside trace show --format json`
"""
import collections
import json
import struct
import sys

VARINT, FIXED64, BYTES = 0, 1, 2


def fields(data):
    """(number, wire type, value) for each field; anything that is no protobuf raises."""
    at = 0

    def varint():
        nonlocal at
        value = shift = 0
        while True:
            byte = data[at]
            at += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value
            assert shift < 70, "a varint of more than ten bytes"

    while at < len(data):
        key = varint()
        kind = key & 7
        if kind == VARINT:
            value = varint()
        elif kind == FIXED64:
            (value,) = struct.unpack_from("<Q", data, at)
            at += 8
        else:
            assert kind == BYTES, f"wire type {kind}"
            n = varint()
            value = data[at:at + n]
            assert len(value) == n, "a length beyond the end"
            at += n
        yield key >> 3, kind, value


# message: field -> (name, wire type, message inside or None)
ANNOTATION = {1: ("name_iid", VARINT), 3: ("uint", VARINT), 6: ("text", BYTES, str)}
NAME = {1: ("iid", VARINT), 2: ("name", BYTES, str)}
SCHEMA = {
    1: ("packet", BYTES, {
        8: ("timestamp", VARINT), 10: ("sequence", VARINT), 13: ("flags", VARINT),
        11: ("event", BYTES, {
            3: ("category", VARINT), 4: ("annotation", BYTES, ANNOTATION), 9: ("type", VARINT), 10: ("name", VARINT),
            11: ("track", VARINT), 47: ("flow", FIXED64), 48: ("flow_end", FIXED64)}),
        12: ("interned", BYTES, {1: ("category", BYTES, NAME), 2: ("name", BYTES, NAME), 3: ("annotation", BYTES, NAME)}),
        60: ("track", BYTES, {
            1: ("uuid", VARINT), 2: ("name", BYTES, str), 5: ("parent", VARINT), 11: ("ordering", VARINT),
            12: ("rank", VARINT), 3: ("process", BYTES, {1: ("pid", VARINT), 6: ("name", BYTES, str)}),
            4: ("thread", BYTES, {1: ("pid", VARINT), 2: ("tid", VARINT), 5: ("name", BYTES, str)})}),
    }),
}


def decode(data, schema):
    out = collections.defaultdict(list)
    for number, kind, value in fields(data):
        name, expected, *inside = schema[number]
        assert kind == expected, (name, kind)
        if inside:
            value = value.decode("utf-8") if inside[0] is str else decode(value, inside[0])
        out[name].append(value)
    return out


def one(message, name):
    assert len(message[name]) == 1, (name, message[name])
    return message[name][0]


def main(path, rows_path, part=False):
    packets = decode(open(path, "rb").read(), SCHEMA)["packet"]
    tracks, interned, stacks = {}, {}, collections.defaultdict(list)
    counts = collections.defaultdict(collections.Counter)
    flows, flow_ends, now = {}, [], 0
    assert one(packets[0], "flags") == 1, "the first packet clears the state"
    for p in packets:
        assert one(p, "sequence") == 1
        if p["flags"] and p["flags"][0] & 1:
            interned = {}
        for what, entries in (p["interned"][0] if p["interned"] else {}).items():
            for e in entries:
                assert (what, one(e, "iid")) not in interned
                interned[what, one(e, "iid")] = one(e, "name")
        if p["track"]:
            t = p["track"][0]
            tracks[one(t, "uuid")] = t
            continue
        e, when = one(p, "event"), one(p, "timestamp")
        assert when >= now, "time goes backward"
        now = when
        kind, track = one(e, "type"), one(e, "track")
        assert track in tracks, "an event on a track that was not described"
        if kind == 2:
            stacks[track].pop()
            continue
        name = interned["name", one(e, "name")]
        notes = {interned["annotation", one(a, "name_iid")]: (a["uint"] or a["text"])[0] for a in e["annotation"]}
        if kind == 1:
            stacks[track].append(name)
        counts[track][kind, interned["category", e["category"][0]] if e["category"] else None,
                      name.endswith(" (continued)")] += 1
        for f in e["flow"]:
            assert f not in flows
            flows[f] = name
        flow_ends += [(flows[f], name) for f in e["flow_end"]]
    assert all(not s for s in stacks.values()), "slices that never end"

    names = {t["name"][0]: u for u, t in tracks.items() if t["parent"]}
    assert set(names) == {"processes", "kernel", "interrupts", "hooks", "hypervisor", "devices and events"}, names
    tasks = {u for u, t in tracks.items() if t["thread"]}
    assert len(tasks) > (0 if part else 3)

    # The same rows twice: on the machine's tracks and on those of the processes.
    def total(over, kind, category):
        return sum(counts[u][kind, category, False] for u in over)

    rows = [json.loads(line) for line in open(rows_path)]
    expected = collections.Counter()
    for r in rows:
        iret = r["phase"] == "end" and r["name"] == "pv_cpu_ops.iret"
        if r["phase"] != "end" or iret:
            expected[3 if r["phase"] == "point" or iret else 1, r["kind"]] += 1
    for (kind, category), n in expected.items():
        assert total(tasks, kind, category) == n, (kind, category, n, total(tasks, kind, category))
        assert total(names.values(), kind, category) == n, (kind, category, n)
    # A layer is on its track and nowhere else.
    for category, track in [("hook", "hooks"), ("stage", "hypervisor"), ("irq", "interrupts")]:
        on = sum(n for (kind, c, again), n in counts[names[track]].items() if c == category and not again)
        assert on == sum(n for (_, c), n in expected.items() if c == category), (track, on)
    # An arrow for each crossing that a hook's code made.
    stack, arrows = collections.defaultdict(dict), 0
    for r in rows:
        mine = stack[r.get("pid")]
        for depth in [d for d in mine if d >= r["depth"]]:
            del mine[depth]
        if r["phase"] == "begin":
            arrows += r["kind"] != "hook" and mine.get(r["depth"] - 1) == "hook"
            mine[r["depth"]] = r["kind"]
    assert len(flow_ends) == arrows and (arrows or part), (len(flow_ends), arrows)
    assert all(hook.startswith("pv_") for hook, _ in flow_ends), flow_ends[:5]
    print(f"{len(packets)} packets, {len(tracks)} tracks, {len(flow_ends)} arrows, "
          f"{sum(len(c) > 0 for c in counts.values())} tracks in use")


main(*sys.argv[1:])
