# SPDX-License-Identifier: GPL-2.0-only
"""Runs inside gdb, for gdb-hooks: a breakpoint at every patch site, and a line in a list at every stop.

Everything that makes gdb quick at this is done: breakpoints stay inserted while the guest is stopped, gdb has no
symbols to look up, and the answer of stop() lets the guest go on without a prompt. QEMU keeps breakpoints beside
the guest's memory, so that patching the sites does not overwrite them.
"""
import json
import time

import gdb

settings = json.loads(bench)  # noqa: F821  set by gdb_tools.gdb()
calls = settings["calls"]
log = []
REGISTERS = ("eip", "eflags", "eax", "ebx", "ecx", "edx", "esi", "edi", "ebp", "esp")


class Site(gdb.Breakpoint):
    def __init__(self, address, words):
        super().__init__("*%#x" % address)
        self.words = words

    def stop(self):
        frame = gdb.newest_frame()
        read = lambda name: int(frame.read_register(name)) & 0xFFFFFFFF
        # QEMU sometimes ends the step off a breakpoint before the instruction has run. gdb then stops there again,
        # with every register as it was: that is the same call.
        state = [read(r) for r in REGISTERS]
        if state == settings.get("last"):
            settings["again"] = settings.get("again", 0) + 1
            return False
        settings["last"] = state
        row = [read("eip")] + [read(r) for r in ("eax", "edx", "ecx")[: self.words]]
        if self.words > 3:
            stack = gdb.selected_inferior().read_memory(read("esp"), 4 * (self.words - 3)).tobytes()
            row += [int.from_bytes(stack[i : i + 4], "little") for i in range(0, len(stack), 4)]
        log.append(row)
        if len(log) == 1:
            settings["first"] = time.monotonic()
        return len(log) >= calls


for command in ("set pagination off", "set confirm off", "set breakpoint always-inserted on", "set architecture i386",
                "set remotetimeout 60", "target remote " + settings["port"]):
    gdb.execute(command, to_string=True)
# At the kernel's entry: the map of memory that Ringside gives it, in place of QEMU's, which has a few ranges more
# for its firmware's tables. EBX is the address of multiboot's information; lengths and addresses at 44 and 48.
entry = gdb.Breakpoint("*%#x" % settings["entry"], type=gdb.BP_HARDWARE_BREAKPOINT)
gdb.execute("continue", to_string=True)
entry.delete()
memory = gdb.selected_inferior()
info = int(gdb.newest_frame().read_register("ebx"))
table = bytes.fromhex(settings["memory"])
room = int.from_bytes(memory.read_memory(info + 44, 4).tobytes(), "little")
if len(table) > room:
    raise gdb.GdbError("QEMU's map of memory is shorter than ours")
memory.write_memory(int.from_bytes(memory.read_memory(info + 48, 4).tobytes(), "little"), table)
memory.write_memory(info + 44, len(table).to_bytes(4, "little"))
for address, words in settings["sites"]:
    Site(address, words)
start = time.monotonic()
gdb.execute("continue", to_string=True)
end = time.monotonic()
gdb.execute("kill", to_string=True)
with open(settings["answer"], "w", encoding="utf-8") as f:
    json.dump({"whole": end - start, "seconds": end - settings["first"], "calls": log, "again": settings.get("again", 0)}, f)
