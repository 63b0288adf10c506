# SPDX-License-Identifier: GPL-2.0-only
"""Runs inside gdb, for gdb-record: the tasks one after the other, each with its time and where it ended."""
import json
import time

import gdb

settings = json.loads(bench)  # noqa: F821  set by gdb_tools.gdb()
answer = {}


def address(file, symbol):
    gdb.execute("file " + file, to_string=True)
    return int(gdb.parse_and_eval("(unsigned long)&" + symbol)) & 0xFFFFFFFF


def here(*registers):
    frame = gdb.newest_frame()
    return {r: int(frame.read_register(r)) & 0xFFFFFFFF for r in ("eip",) + registers}


def task(name, *commands):
    # The guest's processor comes to rest, in QEMU, a little later than gdb is told.
    time.sleep(0.3)
    start = time.monotonic()
    for command in commands:
        gdb.execute(command, to_string=True)
    answer[name] = dict(here("eax"), seconds=time.monotonic() - start)


for setting in ("set pagination off", "set confirm off", "set remotetimeout 600"):
    gdb.execute(setting, to_string=True)
if settings["task"] == "back":
    milestone, arrive = (address(settings["program"], s) for s in ("milestone", "arrive"))
else:
    set_pte = address(settings["kernel"], "native_set_pte")
gdb.execute("file", to_string=True)
gdb.execute("set architecture i386", to_string=True)
gdb.execute("target remote " + settings["port"], to_string=True)

if settings["task"] == "back":
    gdb.execute("break *%#x" % milestone, to_string=True)
    gdb.execute("break *%#x" % arrive, to_string=True)
    task("to the milestone", "continue")
    if settings["snapshot"]:
        task("snapshot", "monitor savevm milestone")
    task("to the end", "continue")
    task("reverse-stepi", "reverse-stepi")
    task("forward again", "stepi")
    task("reverse-continue", "reverse-continue")
    task("%d stepi" % settings["steps"], *["stepi"] * settings["steps"])
else:
    gdb.execute("set $hits = 0", to_string=True)
    gdb.execute("break *%#x if ($hits = $hits + 1) == %d" % (set_pte, settings["hits"]), to_string=True)
    task("%d hits" % settings["hits"], "continue")
    answer["%d hits" % settings["hits"]].update(here("eax", "edx", "ecx"))
with open(settings["answer"], "w", encoding="utf-8") as f:
    json.dump(answer, f)
try:
    gdb.execute("kill", to_string=True)
except gdb.error:
    pass  # QEMU goes away before it has answered, now and then
