# SPDX-License-Identifier: GPL-2.0-only
"""What gdb-hooks and gdb-record share: QEMU with its gdb port on our native kernel, and gdb driven by a script."""
import json
import os
import shutil
import socket
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
SKIPPED = 3  # what ctest takes for "not run here"

# Processor and memory as our own machine has them, and no device that the kernel does not know.
MACHINE = ["-accel", "tcg", "-cpu", "coreduo,+nx", "-m", "64", "-nic", "none", "-display", "none", "-monitor", "none",
           "-no-reboot", "-device", "isa-debug-exit,iobase=0xf4,iosize=4"]


def say(text):
    print("%s: %s" % (os.path.basename(sys.argv[0]), text), file=sys.stderr)


def need(*programs):
    """Skip, with the reason, when a program is not installed here."""
    for program in programs:
        if not shutil.which(program):
            say("skipped: there is no %s" % program)
            sys.exit(SKIPPED)
    if "gdb" in programs and subprocess.run(
            ["gdb", "-nx", "-batch", "-ex", "python print(6 * 7)"], text=True, check=False,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT).stdout.strip() != "42":
        say("skipped: this gdb was built without Python")
        sys.exit(SKIPPED)


def run(*command, **more):
    return subprocess.run(command, check=True, text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, **more).stdout


class Qemu:
    """A stopped machine that waits for gdb at `port`, a socket in the directory `work`."""

    def __init__(self, work, *options):
        self.port = os.path.join(work, "gdb")
        if os.path.exists(self.port):
            os.unlink(self.port)
        self.log = open(os.path.join(work, "qemu.log"), "w+", encoding="utf-8", errors="replace")
        self.process = subprocess.Popen(
            ["qemu-system-i386", *MACHINE, *options, "-S", "-gdb", "unix:%s,server=on,wait=off" % self.port],
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)

    def __enter__(self):
        for _ in range(200):
            if self.process.poll() is not None:
                break
            if os.path.exists(self.port):
                with socket.socket(socket.AF_UNIX) as s:
                    if s.connect_ex(self.port) == 0:
                        return self
            time.sleep(0.05)
        self.__exit__()
        sys.exit("%s: QEMU did not start: %s" % (os.path.basename(sys.argv[0]), self.words()))

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()

    def words(self):
        self.log.seek(0)
        return self.log.read()[-500:].strip()


def gdb(inside, work, timeout, qemu, **settings):
    """Run a script of this folder inside gdb, connected to qemu; its answer. It finds its settings in gdb's
    variable `bench`."""
    answer = os.path.join(work, "answer.json")
    if os.path.exists(answer):
        os.unlink(answer)
    settings.update(answer=answer, port=qemu.port)
    try:
        out = subprocess.run(
            ["gdb", "-nx", "-batch", "-ex", "python bench = %r" % json.dumps(settings),
             "-x", os.path.join(HERE, inside)],
            text=True, check=False, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            timeout=timeout).stdout
    except subprocess.TimeoutExpired as e:
        sys.exit("%s: gdb was not done after %s s: %s" % (os.path.basename(sys.argv[0]), timeout, (e.stdout or b"")[-500:]))
    if not os.path.exists(answer):
        sys.exit("%s: gdb gave no answer: %s %s" % (os.path.basename(sys.argv[0]), out[-800:], qemu.words()))
    with open(answer, encoding="utf-8") as f:
        return json.load(f)
