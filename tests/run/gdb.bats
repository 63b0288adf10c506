#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# Debian's gdb on a guest: what it shows, where it stops, how it goes back, and how it leaves.
load helpers

setup() {
    command -v gdb >/dev/null || skip "gdb is not installed"
    cd "$BATS_TEST_TMPDIR" || return 1
}

teardown() {
    [ -z "${server:-}" ] || kill "$server" 2>/dev/null || true # timeout(1), which tells the guest
}

# The guest, waiting at a port that was free; $at is where, $server the process.
serve() { # OPTION...
    timeout -k 5 100 "$RINGSIDE" run "${HV[@]}" --gdb 0 "$@" </dev/null >out 2>err 3>&- &
    server=$!
    where
}

where() {
    for _ in $(seq 200); do
        at=$(sed -n 's/.*(target remote \(.*\))$/\1/p' err)
        [ -z "$at" ] || return 0
        sleep 0.05
    done
    cat err
    return 1
}

# gdb in batch mode, with these commands after it has connected, one a line; what it says is in the file
# `said`. A command that fails is said, and the next one follows.
drive() { # <COMMANDS
    local commands=() line
    while read -r line; do
        commands+=(-ex "$line")
    done
    timeout -k 5 90 gdb -nx -batch -ex "set pagination off" -ex "set confirm off" -ex "set width 0" \
        -ex "set substitute-path guest $RINGSIDE_SOURCE/guest" -ex "target remote $at" \
        "${commands[@]}" -ex "echo" "$RINGSIDE_BUILD/ringside-kernel" >said 2>&1 3>&- || {
        cat said
        return 1
    }
}

ended() { # STATUS
    local is=0
    wait "$server" || is=$?
    server=
    [ "$is" -eq "$1" ] || { echo "status $is, should be $1"; cat err said; return 1; }
}

said() { # REGEXP...
    for text; do
        grep -qE -- "$text" said || { echo "gdb did not say /$text/:"; cat said err; return 1; }
    done
}

@test "break, backtrace, step, finish, a struct, and the guest's own status" {
    serve -e 'exit 3'
    drive <<'END'
break mm_init
continue
bt
print boot_info.ranges
next
step
break kernel_thread
continue
finish
print/x $
print current->pid
print *current
x/3i $pc
info line start_kernel
delete
continue
END
    said '^Breakpoint 1, mm_init' '^#1 .* start_kernel \(' '^Value returned is \$[0-9]+ = \(struct task' '^\$[0-9]+ = [1-9][0-9]*$' \
        'pid = 0' '=> 0x[0-9a-f]+ <' 'main.c' 'exited with code 03'
    ended 3
}

@test "registers: flags, control, tables, x87 and SSE, ring and cycle" {
    serve -e 'exit 0'
    drive <<'END'
info registers cr0 cr3 cr4 eflags ring cycle gdtr_limit
break sched_idle
continue
info registers cr0
info registers cr3
p $eflags
p/x $cs & 3
p/x $gdtr_base
p $xmm0.v4_int32[0]
p $st0
info threads
set var $eax = 0x1234
p/x $eax
set var $cr3 = 0x1000
END
    said '^cycle +0x0 ' '^cr0 +0x[0-9a-f]+ +\[ .*PG' '^cr3 +0x[1-9a-f]' \
        '= \[ ' '^\$[0-9]+ = 0x1234$' 'Could not write register "cr3"|Remote failure reply'
    if on_lguest; then said 'ring 1\)'; else said 'ring 0\)'; fi
    ended 0
}

@test "watchpoints, forward and backward" {
    serve -e 'sleep 1; exit 0'
    drive <<'END'
break sched_idle
continue
delete
watch jiffies
continue
p $c1 = $cycle
p $v1 = jiffies
continue
p $c2 = $cycle
p jiffies - $v1 == 1
reverse-continue
p $c2 - $cycle == 1
p jiffies == $v1
reverse-continue
p $c1 - $cycle == 1
p jiffies + 1 == $v1
delete
rwatch jiffies
continue
delete
awatch jiffies
continue
info registers eip
END
    said '^Old value = [0-9]' '^New value = [0-9]' '^Hardware read watchpoint' '^Hardware access'
    # Behind the write when it goes forward, before it when it goes back.
    [ "$(grep -cE '^\$[0-9]+ = 1$' said)" -ge 5 ] || { cat said; false; }
    ended 0
}

@test "backward: stepi, step, next, finish, continue, and to the beginning" {
    serve -e 'exit 0'
    drive <<'END'
p $pc == 0
break mm_init
continue
p $a = $cycle
stepi 20
p $cycle - $a
reverse-stepi 20
p $cycle - $a
break kernel_thread
continue
p $b = $cycle
next
next
reverse-next
reverse-next
next
delete 2
reverse-finish
x/i $pc
p $b > $cycle
reverse-step
p $b > $cycle
reverse-continue
p $cycle == $a
delete
reverse-continue
info registers cycle
END
    said '^\$[0-9]+ = 20$' '^\$[0-9]+ = 0$' '=> .*call' 'No more reverse-execution history' '^cycle +0x0 '
    [ "$(grep -cE '^\$[0-9]+ = 1$' said)" -eq 3 ] || { cat said; false; }
    ended 0
}

@test "monitor: the debugger's commands, and its stops stop gdb too" {
    serve -e 'exit 0'
    drive <<'END'
monitor help
monitor info gdb
monitor break hook set_pte
continue
bt 2
monitor info break
monitor no-such-command
monitor delete
continue
END
    said 'run until a stop' '^gdb is connected from 127' '^Ringside: stop 1, hook set_pte' \
        'SIGTRAP' "there is no command 'no-such-command'" 'exited normally'
    # gdb's own breakpoints are not in the user's list, nor do they use up his numbers.
    [ "$(grep -cE '^ *[0-9]+ .*hook set_pte' said)" -eq 1 ] || { cat said; false; }
    ended 0
}

@test "a stop inside a crossing can be looked at, but not changed" {
    on_lguest || skip "no crossing of native has stages to stop at"
    serve -e 'exit 0'
    drive <<'END'
monitor break hypercall set_pte
continue
x/i $pc
p $st0
set var $eax = 1
stepi
set var $eax = $eax
monitor delete
continue
END
    said 'inside the crossing' 'int +\$0x1f' '<unavailable>' 'Could not write register "eax"' 'exited normally'
    ended 0
}

@test "Ctrl-C stops a running guest" {
    serve -e 'while :; do :; done'
    drive <<'END'
python import os, signal, threading; threading.Timer(2, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
continue
info threads
p $cycle > 1000000
kill
END
    said 'Program received signal SIGINT' '^\* 1 .*Thread 1 \(' '^\$1 = 1$'
    ended 0
}

@test "detach and attach again; nowait" {
    timeout -k 5 100 "$RINGSIDE" run "${HV[@]}" --gdb 0,nowait -e 'while :; do cat /proc/uptime; done' \
        </dev/null >out 2>err 3>&- &
    server=$!
    where
    drive <<'END'
p $cycle
detach
END
    drive <<'END'
p $cycle > 0
break schedule
continue
bt 1
kill
END
    said '^\$1 = 1$' 'Breakpoint'
    ended 0
    grep -q 'gdb has detached; the guest goes on' err
}

@test "a guest that dies gives gdb a signal first" {
    serve -e 'exit 0' --append panic_on_boot
    drive <<'END'
break start_kernel
continue
set var $esp = 0
set var $eip = 0
continue
p $cycle > 0
continue
END
    said 'the guest died' 'SIGABRT' 'Program terminated with signal SIGABRT'
    ended 70
}

@test "the guest cannot tell: the same digests with gdb as without" {
    guest 'echo a; sleep 0.01; echo b | md5sum; exit 7' --json >alone.json 2>/dev/null || [ $? -eq 7 ]
    serve -e 'echo a; sleep 0.01; echo b | md5sum; exit 7' --json
    drive <<'END'
break kernel_thread
continue
stepi 50
reverse-stepi 30
next
watch jiffies
continue
continue
reverse-continue
reverse-continue
delete
continue
END
    ended 7
    [ "$(essence alone.json)" = "$(essence out)" ] || { essence alone.json; essence out; false; }
}

@test "memory: holes are refused, RAM is written, physical addresses by QEMU's packet" {
    serve -e 'exit 0'
    drive <<'END'
break mm_init
continue
info mem
x/x 0x10
set var jiffies = 77
p jiffies
p/x *(unsigned char *)0xc0100000
x/x 0x30000000
maintenance packet qqemu.PhyMemMode
maintenance packet Qqemu.PhyMemMode:1
x/2x 0x100000
END
    said '0x00000000 0x100000000 rw' '^\$1 = 77$' 'Cannot access memory at address 0x30000000' \
        'received: "OK"' '^0x100000:'
    ended 0
}

@test "garbage, oversized packets, lost clients: a message, and the next one is served" {
    serve -e 'exit 5'
    python3 - "${at##*:}" <<'END'
import socket, sys, time
def talk(data, wait=0.3):
    s = socket.create_connection(("127.0.0.1", int(sys.argv[1])), timeout=10)
    s.sendall(data)
    time.sleep(wait)
    s.setblocking(False)
    try:
        answer = s.recv(1 << 20)
    except BlockingIOError:
        answer = b""
    s.close()
    time.sleep(0.2)
    return answer
def packet(text):
    return b"$" + text + b"#%02x" % (sum(text) & 255)
talk(b"GET / HTTP/1.0\r\n\r\n")
assert b"-" in talk(b"$g#00")
assert b"-" in talk(packet(b"M0,9000:" + b"0" * 40000))
assert b"E" in talk(packet(b"mffffffffffffffffffff,4"))
assert b"$#00" in talk(packet(b"vMustReplyEmpty"))
assert b"E02" in talk(packet(b"P200=00") + packet(b"G12") + packet(b"Z9,0,1") + packet(b"qRcmd,0"))
talk(packet(b"qSupported") + b"$half a pack")
END
    drive <<'END'
break mm_init
continue
delete
continue
END
    said 'exited with code 05'
    ended 5
    grep -q 'gdb is gone; the guest stands' err
    grep -q 'wrong checksum' err
    grep -q 'larger than 16384' err
}

@test "a client that disappears while the guest runs leaves it running" {
    serve -e 'sleep 3; exit 6'
    python3 - "${at##*:}" <<'END'
import socket, sys, time
s = socket.create_connection(("127.0.0.1", int(sys.argv[1])), timeout=10)
s.sendall(b"$vCont;c#a8")
time.sleep(0.05)
s.close()
END
    ended 6
}

@test "ringside debug --gdb: commands first, then gdb, and after it the prompt's place" {
    printf 'break hook write_cr3\n' >commands
    timeout -k 5 100 "$RINGSIDE" debug "${HV[@]}" --gdb 0 -x commands -e 'exit 0' </dev/null >out 2>err 3>&- &
    server=$!
    where
    drive <<'END'
monitor info break
break start_kernel
continue
detach
END
    said 'hook write_cr3' '^Breakpoint 1, start_kernel'
    ended 0
    grep -q 'gdb has detached' out
    grep -q 'start_kernel' out
}

@test "ports and addresses that are none, or taken" {
    says 64 "gdb's port is a number" ringside run --gdb hello -e true
    says 64 "gdb's port is a number" ringside run --gdb 70000 -e true
    says 64 "gdb's port is a number" ringside run --gdb 1234x -e true
    says 64 'no.such.host.invalid' ringside run --gdb no.such.host.invalid:1 -e true
    says 64 'do not go together' ringside run --gdb 0 --save x -e true
    serve -e 'exit 0'
    says 71 'Address already in use' ringside run --gdb "${at##*:}" -e true
    says 71 'Address already in use' ringside debug --gdb "${at##*:}" -e true
    kill "$server"
    ended 143
}
