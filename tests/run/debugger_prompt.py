#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""The debugger at a terminal: what a person types at its prompt, and to the guest from there."""
import os
import re
import signal
import sys
import tempfile
import time
import unittest

import pexpect

RINGSIDE = os.environ["RINGSIDE"]
# The model that the runs are on, as for the .bats files.
HV = ["--hv", os.environ["RINGSIDE_HV"]] if os.environ.get("RINGSIDE_HV") else []
PROMPT = r"\(ringside( inside)?( past)?\) $"
SHELL = r"/ # (\x1b\[6n)?$"
CTRL_A, CTRL_C, CTRL_D = "\x01", "\x03", "\x04"


class Debugger(unittest.TestCase):
    def setUp(self):
        place = tempfile.TemporaryDirectory()
        self.addCleanup(place.cleanup)
        self.dir = place.name
        self.history = os.path.join(self.dir, "history")

    def start(self, *args, color=False):
        # A dumb terminal: readline then writes no escapes into what is compared here.
        env = dict(os.environ, RINGSIDE_HISTORY=self.history, TERM="xterm" if color else "dumb", INPUTRC="/dev/null",
                   NO_COLOR="" if color else "1")
        self.child = pexpect.spawn(RINGSIDE, ["debug", *HV, *args], timeout=30, encoding="utf-8", env=env, cwd=self.dir,
                                   dimensions=(40, 200))
        self.child.delaybeforesend = 0.02
        self.addCleanup(self.child.close, force=True)
        self.child.expect(PROMPT)
        return self.child

    def say(self, line, answer=None):
        """A line at the prompt; what is printed up to the next one."""
        self.child.send(line + "\r")
        if answer:
            self.child.expect(answer)
        self.child.expect(PROMPT)
        return self.child.before

    def cycle(self, line):
        """A line at the prompt that moves the guest: the cycle it is then at."""
        return int(re.search(r"cycle (\d+)", self.say(line)).group(1))

    def leave(self, how="quit\r", status=0):
        self.child.send(how)
        self.child.expect(pexpect.EOF)
        self.child.close()
        self.assertEqual((self.child.exitstatus, self.child.signalstatus), (status, None))

    def test_greeting_steps_and_repetition(self):
        self.start()
        before = self.child.before
        self.assertIn("`help` lists the commands", before)
        self.assertIn("cycle 0", before)
        # Under a hypervisor an instruction may cost a crossing: which cycle it is there is not ours to say.
        at = [self.cycle(line) for line in ("stepi", "", "")]  # an empty line repeats
        self.assertTrue(0 < at[0] < at[1] < at[2], at)
        if not HV:
            self.assertEqual(at, [1, 2, 3])
        self.say("info break", "There are no stops")
        self.assertNotIn("cycle", self.say(""))  # what looks only is not repeated
        there = self.cycle("si 4")
        self.assertGreaterEqual(there, at[2] + 4)
        self.say("rsi", r"cycle \d+.*in the past")
        self.say("")
        self.assertIn("past", self.child.match.group(0))
        self.leave("quit 7\r", 7)

    def test_completion(self):
        self.start()
        for typed, whole in [("cont\t", "continue "), ("reverse-co\t", "reverse-continue "), ("info checkp\t", "info checkpoints "),
                             ("break syscall_dis\t", "break syscall_dispatch "), ("break hook pgd_fr\t", None),
                             ("break hook flush_tlb_si\t", "break hook flush_tlb_single "), ("break syscall getpp\t", "break syscall getppid "),
                             ("print current_ta\t", None), ("print $eip\t", None)]:
            self.child.send(typed)
            if whole:
                self.child.expect_exact(whole[len(typed) - 1:])
            time.sleep(0.1)
            self.child.send(CTRL_C)  # throws the line away
            self.child.expect(PROMPT)
        open(os.path.join(self.dir, "some-commands"), "w").close()
        self.child.send("source some-c\t")
        self.child.expect_exact("ommands")
        self.child.send("\r")
        self.child.expect(PROMPT)
        # Twice Tab lists what there is.
        self.child.send("reverse-\t\t")
        self.child.expect("reverse-continue +reverse-finish")
        time.sleep(0.1)
        self.child.send(CTRL_C)
        self.child.expect(PROMPT)
        self.leave()

    def test_history_across_sessions(self):
        self.start()
        self.say("echo first\\n", "\nfirst")
        there = self.cycle("goto 1000")
        self.leave(CTRL_D)  # the end of the input leaves, too
        self.start()
        self.child.send("\x10\x10\r")  # two up: Ctrl-P
        self.child.expect("\nfirst")
        self.child.expect(PROMPT)
        self.say("\x12goto", f"cycle {there}")  # Ctrl-R
        self.leave()
        with open(self.history) as f:
            self.assertIn("goto 1000\n", f.read().replace("\\040", " "))  # as libedit writes a blank

    def test_interrupts(self):
        self.start()
        self.child.send("half a command" + CTRL_C)
        self.child.expect(PROMPT)
        self.say("", None)  # nothing was kept of it
        self.child.send("continue\r")
        self.child.expect(SHELL)  # the guest has booted, and waits for keys
        time.sleep(0.5)
        self.child.send(CTRL_C)
        self.child.expect("Interrupted")
        self.child.expect(PROMPT)
        now = int(self.say("print $cycle").split("=")[1].split()[0])
        self.say("reverse-stepi", "in the past")
        self.say("goto end")
        self.assertEqual(int(self.say("print $cycle").split("=")[1].split()[0]), now)
        # A condition that never holds; backward it takes as long as the whole run.
        self.say("break hook save_fl if false", "Stop 1")
        self.child.send("reverse-continue\r")
        time.sleep(0.3)
        self.child.send(CTRL_C)
        self.child.expect("Interrupted|This is the beginning")
        self.child.expect(PROMPT)
        self.leave()

    def test_termination(self):
        # At the prompt, and while the guest runs: the program ends by the signal, the terminal as it was.
        for running in (False, True):
            self.start("-e", "sleep 1000000" if running else "true")
            if running:
                self.child.send("continue\r")
                time.sleep(0.5)
            self.child.kill(signal.SIGTERM)
            self.child.expect(pexpect.EOF)
            self.child.close()
            self.assertEqual((self.child.exitstatus, self.child.signalstatus), (None, signal.SIGTERM))

    def test_console(self):
        self.start()
        self.child.send("console\r")
        self.child.expect("Ctrl-A d comes back")
        self.child.expect(SHELL)
        self.child.send("echo a$((40+2))b\r")
        self.child.expect("\r\na42b\r\n")
        self.child.expect(SHELL)
        self.child.send(CTRL_C)  # is the guest's now
        self.child.expect(SHELL)
        self.child.send(CTRL_A + "h")
        self.child.expect("Ctrl-A d")
        self.child.send(CTRL_A + "d")
        self.child.expect(PROMPT)
        # A stop takes the terminal back; what is behind it can be looked at, in the past, too.
        self.say("break syscall uname", "Stop 1")
        self.child.send("console\r")
        self.child.expect("comes back")
        self.child.send("uname -m\r")
        self.child.expect("Stop 1, syscall uname")
        self.child.expect(PROMPT)
        self.say("reverse hook iret", "in the past")
        self.say("goto end", "syscall|uname|int")
        self.say("delete 1")
        self.say("type echo typed\\n", "inside a crossing")  # nothing can be changed there
        self.say("finish")
        self.say("type echo typed\\n")
        self.child.send("continue\r")
        self.child.expect("i[3-6]86\r+\n")
        self.child.expect("\r\ntyped\r+\n")
        self.child.expect(SHELL)
        self.child.send(CTRL_C)
        self.child.expect(PROMPT)
        # The whole session can be given away.
        record = os.path.join(self.dir, "session.rec")
        self.say("record " + record, "cycles 0 to")
        self.leave()
        out, status = pexpect.run("%s verify %s" % (RINGSIDE, record), withexitstatus=True, timeout=60, encoding="utf-8")
        self.assertEqual(status, 0, out)

    def test_colors_only_on_request(self):
        self.start("-e", "true")
        self.assertNotIn("\x1b[", self.say("break hook set_pte") + self.say("continue"))
        self.leave()
        self.start("-e", "true", color=True)
        self.say("break hook set_pte")
        self.assertIn("\x1b[36m", self.say("continue"))
        self.leave()

    def test_multi_line_commands_and_questions(self):
        self.start("-e", "true")
        self.say("tbreak hook set_pte", "Stop 1")
        self.child.send("commands\r")
        self.child.expect("> $")
        self.child.send("echo here\\n\r")
        self.child.expect("> $")
        self.child.send("end\r")
        self.child.expect(PROMPT)
        self.say("c", "\nhere")
        self.say("break hook set_pte")
        self.child.send("delete\r")
        self.child.expect("y or n")
        self.child.send("n\r")
        self.child.expect(PROMPT)
        self.say("info break", "hook set_pte")
        self.child.send("delete\r")
        self.child.expect("y or n")
        self.child.send("y\r")
        self.child.expect(PROMPT)
        self.say("info break", "There are no stops")
        self.leave()


if __name__ == "__main__":
    unittest.main(verbosity=2, argv=sys.argv)
