#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Busybox at a terminal: what a person does at the prompt, typed by pexpect."""
import os
import sys
import unittest

import pexpect

RINGSIDE = os.environ["RINGSIDE"]
# The model that the runs are on, as for the .bats files.
HV = ["--hv", os.environ["RINGSIDE_HV"]] if os.environ.get("RINGSIDE_HV") else []
# The shell asks the terminal where its cursor is; ours does not answer, as many do not.
PROMPT = r"/ # (\x1b\[6n)?$"


class Console(unittest.TestCase):
    def setUp(self):
        self.child = pexpect.spawn(RINGSIDE, ["run", *HV], timeout=15, encoding="utf-8", dimensions=(24, 80))
        self.addCleanup(self.child.close, force=True)
        self.child.expect(PROMPT)

    def type(self, text, answer=None, prompt=PROMPT):
        self.child.send(text)
        if answer is not None:
            self.child.expect(answer)
        if prompt:
            self.child.expect(prompt)

    def quit(self, status=0):
        self.type("exit %d\r" % status, prompt=None)
        self.child.expect(pexpect.EOF)
        self.child.close()
        self.assertEqual((self.child.exitstatus, self.child.signalstatus), (status, None))

    def test_line_editing_and_history(self):
        self.type("echo one two\r", "\r\none two\r\n")
        self.type("ecko\x7f\x7fho fixed\r", "\r\nfixed\r\n")  # rubout
        self.type("\x1b[A\r", "\r\nfixed\r\n")  # up: the last command
        self.type("echo end\x01\x01#\x05\r", None)  # Ctrl-A Ctrl-A is one Ctrl-A: start of the line
        self.type("echo a$((40+2))b\r", "\r\na42b\r\n")
        self.type("ls /bin/busy\t\r", "\r\n/bin/busybox\r\n")  # completion
        self.quit(3)

    def test_interrupt_and_end_of_file(self):
        self.type("sleep 1000\r", prompt=None)
        self.child.expect("sleep 1000\r\n")
        self.type("\x03")
        self.type("echo $?\r", "\r\n130\r\n")
        self.type("while :; do :; done\r", prompt=None)
        self.child.expect("done\r\n")
        self.type("\x03")
        self.type("half a line\x03")
        self.type("cat\r", prompt=None)
        self.child.expect("cat\r\n")
        self.type("echoed\r", "echoed\r\nechoed\r\n", prompt=None)
        self.type("\x04")  # Ctrl-D
        self.type("echo still here\r", "\r\nstill here\r\n")
        self.child.send("\x04")  # and of the shell
        self.child.expect(pexpect.EOF)
        self.child.close()
        self.assertEqual(self.child.exitstatus, 0)

    def test_job_control(self):
        self.type("sleep 1000\r", prompt=None)
        self.child.expect("sleep 1000\r\n")
        self.type("\x1a", r"Stopped")
        self.type("jobs\r", r"\[1\]\+? *Stopped")
        self.type("bg\r", "sleep 1000")
        self.type("jobs\r", r"Running")
        self.type("fg\r", "sleep 1000\r\n", prompt=None)
        self.type("\x03")
        self.type("jobs; echo none\r", "jobs; echo none\r\nnone\r\n")
        # Stopped by reading from the terminal in the background.
        self.type("cat &\r")
        self.type("sleep 0.2; jobs\r", r"Stopped")
        self.type("kill -9 %1\r")
        self.type("sleep 0.3 & wait; echo waited\r", "waited")
        self.type("(sleep 0.2; echo late) &\r", None)
        self.type("\r")
        self.type("wait\r")
        self.type("echo done\r", "\r\ndone\r\n")
        self.quit()

    def test_quit_signal_and_suspended_output(self):
        self.type("sleep 1000\r", prompt=None)
        self.child.expect("sleep 1000\r\n")
        self.type("\x1c")  # Ctrl-backslash
        self.type("echo $?\r", "\r\n131\r\n")
        self.type("yes | head -n 5000 | tail -n 1\r", "\r\ny\r\n")
        self.quit()

    def test_vi(self):
        self.type("vi /tmp/file\r", prompt=None)
        self.child.expect(r"/tmp/file")
        self.child.send("ihello vi\rsecond line\x1b")
        self.child.expect("second line")
        self.child.send("kyyp:s/hello/again/\r")
        self.child.expect("again")
        self.child.send(":wq\r")
        self.child.expect(PROMPT)
        self.type("cat /tmp/file\r", "\r\nhello vi\r\nagain vi\r\nsecond line\r\n")
        self.type("stty -a | grep -c ' icanon'\r", "\r\n1\r\n")
        self.quit()

    def test_less_and_top(self):
        self.type("seq 100 | less\r", prompt=None)
        self.child.expect("22\r\n.*23\r\n")
        self.child.send(" ")
        self.child.expect("40")
        self.type("q")
        self.type("top -d 1\r", "COMMAND", prompt=None)
        self.child.expect("COMMAND")  # a second screen: time passes
        self.type("q")
        self.quit()

    def test_keys_of_ringside(self):
        self.child.send("\x01h")
        self.child.expect("Ctrl-A x +end the run")
        self.type("\r")
        self.child.send("\x01x")
        self.child.expect(pexpect.EOF)
        self.child.close()
        self.assertEqual((self.child.exitstatus, self.child.signalstatus), (0, None))

    def test_poweroff(self):
        self.child.send("poweroff\r")
        self.child.expect(pexpect.EOF)
        self.child.close()
        self.assertEqual(self.child.signalstatus, None)

    def test_pasting_much(self):
        # Faster than anybody types; the queue and the line discipline must lose nothing.
        self.type("cat >/tmp/log\r", prompt=None)
        self.child.expect("log\r\n")
        for i in range(4):
            self.child.send("".join("this is line %02d\r" % n for n in range(25 * i, 25 * i + 25)))
            self.child.expect("line %02d\r\n" % (25 * i + 24))
        self.type("\x04")
        self.type("sort -u /tmp/log | wc; head -n 1 /tmp/log\r", r"100 +400 +1600\r\nthis is line 00\r\n")
        self.quit()

    def test_time_passes_as_it_does_outside(self):
        import time

        start = time.monotonic()
        self.type("sleep 2\r")
        passed = time.monotonic() - start
        self.assertGreater(passed, 1.5)
        self.assertLess(passed, 10)


if __name__ == "__main__":
    unittest.main(verbosity=2, argv=sys.argv)
