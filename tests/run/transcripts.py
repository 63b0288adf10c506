#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""The transcripts of a page of the documentation are real: run them, and compare, or write them anew.

A fenced block whose fence says `ringside` is one. A line that begins with `$ ` is a command of the
shell; what follows up to the next such line is what it printed. If it is `ringside debug`, lines that
begin with `(ringside) ` are typed to it, and a block that begins with such a line goes on with the
session of the block before. `> ` is a line of a command that asks for more.

    transcripts.py PAGE             compare; what differs is shown, status 1
    transcripts.py --write PAGE     put in what it is now

Addresses, cycles, numbers of source lines, and operands of instructions are the compiler's, so they are
not compared. RINGSIDE is the program; what the commands write goes to a directory that is thrown away.
"""
import difflib
import os
import re
import subprocess
import sys
import tempfile

FENCE = re.compile(r"^```ringside\s*$")
PROMPT = "(ringside) "
MARK = "@@transcript %d@@"


class Command:
    """One line that is typed, to the shell or to the debugger, and what answers it."""

    def __init__(self, line, where):
        self.line = line  # with its prompt
        self.more = []  # lines that it asked for, with theirs
        self.where = where  # the number of the line in the page
        self.says = []  # as the page has it
        self.said = []  # as it is


class Block:
    def __init__(self, first):
        self.first = first  # index of the first line inside, and of the closing fence
        self.last = first
        self.commands = []


def read_page(lines):
    blocks, block = [], None
    for i, line in enumerate(lines):
        if block is None:
            if FENCE.match(line):
                block = Block(i + 1)
        elif line.startswith("```"):
            block.last = i
            blocks.append(block)
            block = None
        elif line.startswith("$ ") or line.startswith(PROMPT) or line.rstrip() == PROMPT.rstrip():
            block.commands.append(Command(line, i + 1))
        elif not block.commands:
            sys.exit("line %d: a transcript begins with a command" % (i + 1))
        elif line.startswith("> ") and block.commands[-1].line.startswith(PROMPT):
            block.commands[-1].more.append(line)
        else:
            block.commands[-1].says.append(line)
    return blocks


def sessions(blocks):
    """Each command of the shell, with what is typed to it."""
    out = []
    for command in (c for b in blocks for c in b.commands):
        if command.line.startswith("$ "):
            out.append((command, []))
        elif not out:
            sys.exit("line %d: there is no session to go on with" % command.where)
        else:
            out[-1][1].append(command)
    return out


def run(session, env, directory):
    shell, typed = session
    text = ""
    for i, command in enumerate(typed):
        text += "".join(line + "\n" for line in [command.line[len(PROMPT):]] + [m[2:] for m in command.more])
        text += "echo \\n" + MARK % i + "\\n\n"
    done = subprocess.run(["bash", "-c", shell.line[2:]], input=text, capture_output=False, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, env=env, cwd=directory, timeout=300, errors="replace")
    rest = done.stdout
    for i, command in enumerate(typed):
        answer, mark, after = rest.partition("\n" + MARK % i + "\n")
        if not mark:
            answer, after = rest, ""
        command.said = clean(answer)
        rest = after
    shell.said = [] if typed else clean(rest)


def moved(command):
    """Addresses that the page has and that are others now: {old: new}, from lines that say the same."""
    pairs = {}
    if [normal(l) for l in command.says] == [normal(l) for l in command.said]:
        for was, now in zip(command.says, command.said):
            pairs.update(zip(ADDRESS.findall(was), ADDRESS.findall(now)))
    return {a: b for a, b in pairs.items() if a != b}


def follow(session):
    """Where a command names an address that an answer before it has shown, it means the new one."""
    pairs, changed = {}, False
    for command in session[1]:
        line = ADDRESS.sub(lambda m: pairs.get(m.group(0), m.group(0)), command.line)
        changed |= line != command.line
        command.line = line
        for old, new in moved(command).items():
            pairs.setdefault(old, new)
    return changed


def clean(text):
    lines = [line.rstrip() for line in text.replace("\r", "").split("\n")]
    while lines and not lines[-1]:
        lines.pop()
    while lines and not lines[0]:
        lines.pop(0)
    return lines


ADDRESS = re.compile(r"\b0x[0-9a-fA-F]+\b")
RULES = [
    (re.compile(r"^(=> 0x)[0-9a-f]+(  ?\w+).*"), r"\1A\2"),  # the instruction's name is enough
    (ADDRESS, "0xA"),
    (re.compile(r"\+0xA\b"), "+N"),
    (re.compile(r"(\.(?:c|h|S|def)):\d+"), r"\1:N"),
    (re.compile(r"^(=> |   )?\d+(?=[ \t])"), r"\1N"),  # a line of a source
    (re.compile(r"^\[ *\d+\.\d+\]"), "[T]"),  # the guest's log
    (re.compile(r"\b\d[\d,]{2,}\b"), "N"),
    (re.compile(r"\b(\d+) (cycles|instructions|sites|events|snapshots|bytes)\b"), r"N \2"),
    (re.compile(r"\d+\.\d+ MiB"), "N MiB"),
    (re.compile(r"  +"), "  "),
]


def normal(line):
    for pattern, to in RULES:
        line = pattern.sub(to, line)
    return line.rstrip()


def compare(command, page):
    was, now = [normal(l) for l in command.says], [normal(l) for l in command.said]
    if was == now:
        return True
    print("%s:%d: %s" % (page, command.where, command.line))
    sys.stdout.writelines(line + "\n" for line in difflib.unified_diff(was, now, "the page", "now", lineterm="", n=1))
    return False


def write(page, lines, blocks):
    out, at = [], 0
    for block in blocks:
        out += lines[at:block.first]
        for command in block.commands:
            out += [command.line] + command.more + command.said
        at = block.last
    out += lines[at:]
    with open(page, "w", encoding="utf-8") as f:
        f.write("\n".join(out) + "\n")


def main():
    args = [a for a in sys.argv[1:] if a != "--write"]
    if len(args) != 1:
        sys.exit("usage: transcripts.py [--write] PAGE")
    page = args[0]
    ringside = os.path.abspath(os.environ["RINGSIDE"])
    env = dict(os.environ, PATH=os.path.dirname(ringside) + ":" + os.environ["PATH"], NO_COLOR="1", LC_ALL="C.UTF-8")
    with open(page, encoding="utf-8") as f:
        lines = f.read().rstrip("\n").split("\n")
    blocks = read_page(lines)
    with tempfile.TemporaryDirectory() as directory:
        for session in sessions(blocks):
            run(session, env, directory)
            if follow(session):
                run(session, env, directory)
    if "--write" in sys.argv:
        write(page, lines, blocks)
        return
    commands = [c for b in blocks for c in b.commands]
    good = sum([compare(c, page) for c in commands])
    print("%s: %d of %d transcripts are as they were" % (page, good, len(commands)))
    if good != len(commands) or not commands:
        sys.exit(1)


if __name__ == "__main__":
    main()
