#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""The terminal as the guest's console: raw while the run lasts, and as it was on every way out."""
import os
import signal
import sys
import termios
import time
import unittest

import pexpect

RINGSIDE = os.environ["RINGSIDE"]
# The model that the runs are on, as for the .bats files.
HV = ["--hv", os.environ["RINGSIDE_HV"]] if os.environ.get("RINGSIDE_HV") else []
# busybox asks the terminal where its cursor is ("ESC [6n"); nobody answers here, which it bears.
PROMPT = r"/ # (\x1b\[6n)?$"
LFLAG = 3
# Signals raised on purpose are no bugs to report: a sanitizer shall leave them alone.
os.environ["ASAN_OPTIONS"] = ":".join(
    f"handle_{name}=0" for name in ("segv", "abort", "sigbus", "sigfpe", "sigill"))
COOKED = termios.ICANON | termios.ECHO | termios.ISIG


class Terminal(unittest.TestCase):
    def boot(self, *options):
        # The shell in between owns the terminal, as a person's would: when ringside has ended, what
        # is read here is what the next command of that person would find.
        self.child = pexpect.spawn("/bin/sh", timeout=60, encoding="utf-8", echo=True)
        self.addCleanup(self.child.close, force=True)
        self.child.sendline("PS1='host> '; ulimit -c 0")
        self.child.expect("host> $")
        self.before = termios.tcgetattr(self.child.child_fd)
        self.assertEqual(self.before[LFLAG] & COOKED, COOKED)
        self.child.sendline(" ".join([RINGSIDE, "run", *HV, *options]))
        self.child.expect(PROMPT)

    def pid(self):
        path = f"/proc/{self.child.pid}/task/{self.child.pid}/children"
        with open(path, encoding="ascii") as children:
            return int(children.read().split()[0])

    def assert_raw(self):
        self.assertEqual(termios.tcgetattr(self.child.child_fd)[LFLAG] & COOKED, 0)

    def assert_as_before(self):
        self.assertEqual(termios.tcgetattr(self.child.child_fd)[:4], self.before[:4])

    def ends_with(self, *statuses):
        self.child.expect("host> $")
        self.assert_as_before()
        self.child.sendline("echo status=$?")
        self.child.expect(r"status=(\d+)")
        self.assertIn(int(self.child.match.group(1)), statuses)

    def test_shell_and_quit(self):
        self.boot()
        self.assert_raw()
        self.child.send("echo $((6*7))\r")
        self.child.expect("\r\n42\r\n")
        self.child.expect(PROMPT)
        self.child.send("\x01h")
        self.child.expect("Ctrl-A x +end the run")
        # Ctrl-C and Ctrl-Z are the guest's.
        self.child.send("sleep 1000\r")
        time.sleep(0.3)
        self.child.send("\x03")
        self.child.expect(PROMPT)
        self.child.send("\x01x")
        self.ends_with(0)

    def test_guest_ends(self):
        self.boot()
        self.child.send("exit 7\r")
        self.ends_with(7)

    def test_signals(self):
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGUSR1,
                       signal.SIGUSR2, signal.SIGALRM, signal.SIGXCPU, signal.SIGPROF, signal.SIGIO):
            with self.subTest(signal=number):
                self.boot()
                self.assert_raw()
                os.kill(self.pid(), number)
                self.ends_with(128 + number)

    def test_faults_of_the_program(self):
        for number in (signal.SIGABRT, signal.SIGBUS, signal.SIGFPE, signal.SIGILL, signal.SIGSEGV):
            with self.subTest(signal=number):
                self.boot()
                self.assert_raw()
                os.kill(self.pid(), number)
                # 70 if it hit while the guest ran: the engine is then taken to be broken.
                self.ends_with(128 + number, 70)

    def test_fault_while_the_guest_runs(self):
        for number in (signal.SIGABRT, signal.SIGSEGV):
            with self.subTest(signal=number):
                self.boot()
                self.child.send("echo on; while :; do :; done\r")
                self.child.expect("\r\non\r\n")
                os.kill(self.pid(), number)
                self.child.expect("the CPU engine fell over")
                self.ends_with(70)

    def test_stop_and_continue(self):
        self.boot()
        pid = self.pid()
        os.kill(pid, signal.SIGTSTP)
        for _ in range(100):
            with open(f"/proc/{pid}/stat", encoding="ascii") as stat:
                if stat.read().rsplit(")", 1)[1].split()[0] == "T":
                    break
            time.sleep(0.05)
        else:
            self.fail("it did not stop")
        self.child.expect("host> $")
        self.assert_as_before()
        self.child.sendline("fg")
        for _ in range(100):
            if termios.tcgetattr(self.child.child_fd)[LFLAG] & COOKED == 0:
                break
            time.sleep(0.05)
        self.assert_raw()
        self.child.send("echo $((5*5))\r")
        self.child.expect("\r\n25\r\n")
        self.child.send("\x01x")
        self.ends_with(0)


if __name__ == "__main__":
    unittest.main(verbosity=2, argv=sys.argv)
