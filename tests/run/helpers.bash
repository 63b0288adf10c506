# SPDX-License-Identifier: GPL-2.0-only
# What the end-to-end tests share. $RINGSIDE, $RINGSIDE_BUILD and $RINGSIDE_SOURCE come from ctest.

# The program under a limit of time: a hang is a failure, not a wait. Nothing is typed to it.
# RINGSIDE_HV: the model that a run is on, where a test does not name one itself (a
# saved machine knows its own).
ringside() {
    if [ "$1" = run ] && [ -n "${RINGSIDE_HV:-}" ] && [[ " $* " != *" --load "* ]]; then
        set -- run --hv "$RINGSIDE_HV" "${@:2}"
    fi
    timeout -k 5 "${LIMIT:-60}" "$RINGSIDE" "$@" </dev/null
}

# The same for what is not run by `ringside` above: "$RINGSIDE" run "${HV[@]}" ...
HV=(${RINGSIDE_HV:+--hv "$RINGSIDE_HV"})
model() { echo "${RINGSIDE_HV:-native}"; }
on_lguest() { [[ "$(model)" == lguest* ]]; }

# One of the tiny kernels of tests/guest, with a word for it, and further options.
tiny() { # KERNEL WORD OPTION...
    ringside run --kernel "$RINGSIDE_BUILD/tests/guest/$1" ${2:+--append "$2"} "${@:3}"
}

# Shell commands in the guest.
guest() { # COMMANDS OPTION...
    ringside run -e "$@"
}

# A field of a --json report: `field state_digest <report`; parts by dots: exits.fault
field() {
    python3 -c '
import json, sys
value = json.load(sys.stdin)
for name in sys.argv[1].split("."):
    value = value[name]
print(value)' "$1"
}

# What must be the same in two runs of the same thing.
essence() { # REPORT
    python3 -c '
import json, sys
r = json.load(open(sys.argv[1]))
print(r["state_digest"], r["event_digest"], r["instructions"], r["cycles"], r["status"], r["end"])' "$1"
}

# The words that a run must have said to standard error, and its status.
says() { # STATUS REGEXP COMMAND...
    local expected=$1 text=$2 is=0
    shift 2
    "$@" >"$BATS_TEST_TMPDIR/says.out" 2>"$BATS_TEST_TMPDIR/says.err" || is=$?
    if [ "$is" -ne "$expected" ] || ! grep -qE -- "$text" "$BATS_TEST_TMPDIR/says.err"; then
        echo "# $*"
        echo "# status $is, should be $expected; standard error, which should have /$text/:"
        tail -n 30 "$BATS_TEST_TMPDIR/says.err"
        return 1
    fi
}
