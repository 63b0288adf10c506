#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# Debian's busybox on our kernel: what a shell and its tools do, compared with what they should do.
# What can be computed on the host as well is compared with the host's own answer.

load helpers

setup() {
    cd "$BATS_TEST_TMPDIR"
}

# The guest's output of a script must be exactly this text.
prints() { # SCRIPT EXPECTED [OPTION...]
    local is=0
    guest "$1" "${@:3}" >out 2>err || is=$?
    diff <(printf '%s\n' "$2") out && [ $is -eq 0 ] && [ ! -s err ] || {
        echo "status $is"
        cat err
        return 1
    }
}

@test "pipes, redirections, here-documents, substitution" {
    prints 'echo a b c | tr a-z A-Z | rev
echo one >f; echo two >>f; cat <f; wc -c <f
cat 2>/dev/null missing || echo failed
{ echo out; echo err >&2; } 2>&1 >/dev/null
cat <<X | sed s/x/y/
x $(echo $((1 + 2)))
X
cat <<"X"
$not
X
echo `echo back`quote
x=abcdef; echo ${#x} ${x%f} ${x#a} ${y:-default}
set -- 1 2 3; echo $# $* $3
exec 3>g; echo three >&3; exec 3>&-; cat g
echo {a,b} *g ?' 'C B A
one
two
8
failed
err
y 3
$not
backquote
6 abcde bcdef default
3 1 2 3 3
three
{a,b} g f g'
}

@test "control flow, functions, arithmetic, traps" {
    prints 'for i in 1 2 3 4; do [ $i = 2 ] && continue; [ $i = 4 ] && break; echo $i; done
i=0; while [ $i -lt 3 ]; do i=$((i + 1)); done; echo $i
until true; do :; done
case abc in a*) echo glob;; *) echo none;; esac
f() { local v=$1; [ $v -le 1 ] && echo 1 || echo $((v * $(f $((v - 1))))); }; f 6
(exit 3); echo $?
! false; echo $?
trap "echo bye" EXIT
trap "echo usr1" USR1; kill -USR1 $$; echo after
echo $((0x10 + 010 * 3 - 7 % 4)) $((1 << 20)) $((5 > 3 && 2 < 1))' '1
3
3
glob
720
3
0
usr1
after
37 1048576 0
bye'
}

@test "background jobs, wait, signals" {
    prints 'exec 2>/dev/null
sleep 0.2 & p=$!; wait $p; echo waited $?
(sleep 0.05; exit 7) & wait $!; echo $?
sleep 100 & kill $!; wait $!; echo $?
sleep 100 & kill -9 $!; wait $! 2>/dev/null; echo $?
(kill -SEGV $(sh -c "echo \$PPID")); echo $?
sh -c "kill -STOP \$\$; echo continued" & sleep 0.1; kill -CONT $!; wait $!; echo $?
timeout 0.2 sleep 10; echo $?
timeout 5 true; echo $?
for i in 1 2 3; do (sleep 0.$i; echo $i) & done; wait; echo all' 'waited 0
7
143
137
139
continued
0
143
0
1
2
3
all'
}

@test "a fault of a process is its signal, and nobody else's" {
    cat >crash.c <<'X'
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
static int deep(int n)
{
    volatile char page[4096];
    page[0] = (char)n;
    return n ? deep(n - 1) + page[0] : 0;
}
int main(int argc, char **argv)
{
    switch (argc > 1 ? argv[1][0] : ' ') {
    case 'n': *(volatile int *)0 = 1; break;
    case 'k': return *(volatile int *)0xC0100000; /* the kernel's */
    case 'w': *(volatile char *)main = 1; break;
    case 'd': __asm__("xorl %%ecx, %%ecx; divl %%ecx" : : : "eax", "ecx", "edx"); break;
    case 'u': __asm__("ud2"); break;
    case 'p': __asm__("cli"); break;
    case 'i': __asm__("inb $0x80, %%al" : : : "eax"); break;
    case 't': __asm__("int3"); break;
    case 'g': __asm__("int $0x21"); break;
    case 'x': ((void (*)(void))0xDEAD0000)(); break;
    case 's': return deep(1 << 20);
    case 'a': abort();
    }
    return 0;
}
X
    "$RINGSIDE_BUILD/ringside-cc" -O1 -w crash.c -o crash
    prints 'for how in n k w d u p i t g x s a; do { crash $how; } 2>/dev/null; echo $how $?; done; echo alive' \
        'n 139
k 139
w 139
d 136
u 132
p 139
i 139
t 133
g 139
x 139
s 139
a 134
alive' --add crash
}

@test "files: ls, stat, find, cp, mv, ln, rm, chmod, touch, du, readlink" {
    prints 'mkdir /w; cd /w; mkdir -p d/e/f; echo hello >d/a; cp d/a d/b; ln d/a d/hard; ln -s a d/soft
ls -1 d; ls -l d/a | cut -c1-15; stat -c "%h %s %a" d/a; readlink d/soft; cat d/soft
mv d/b d/e/f/c; find d -type f | sort; find d -name "?" -type d
chmod 741 d/a; stat -c %a d/a; touch -d "2001-02-03 04:05:06" d/a; date -u -r d/a +%F_%T
rm -r d/e; [ -e d/e ] || echo gone; rmdir d 2>&1; ls -a d | wc -l
cp -r d x; diff -r d x && echo same; [ d/a -nt x/a ]; echo $?
echo x >.hidden; ls -A | sort | tr "\n" " "; test -L d/soft; echo $?
dd if=/dev/zero of=z bs=1k count=3 2>/dev/null; wc -c z; truncate -s 10 z; stat -c %s z
mkfifo p; (echo through >p) & cat p; cd d; pwd' 'a
b
e
hard
soft
-rw-r--r--    2
2 6 644
a
hello
d/a
d/e/f/c
d/hard
d
d/e
d/e/f
741
2001-02-03_04:05:06
gone
rmdir: '"'d'"': Directory not empty
5
same
1
.hidden d x 0
3072 z
10
through
/w/d'
}

@test "text: grep, sed, awk, sort, cut, tr, uniq, head, tail, tac, diff, xargs, tee" {
    for i in $(seq 500); do echo "line $((i * 7919 % 1000)) word$((i % 13)) $((i * i))"; done >text
    work='grep -c word7 text; grep -E "^line (1|2)[0-9]+ " text | wc -l; grep -vn word text | wc -l
sed -n "/line 9/s/word\([0-9]*\)/<\1>/p" text | md5sum
awk "{ n[\$3] += \$4 } END { for (k in n) print k, n[k] }" text | sort | md5sum
awk -F" " "NR % 100 == 0 { printf \"%05d %s\n\", \$4, toupper(\$3) }" text
sort -k2,2n -k4,4nr text | md5sum; sort text | uniq -c | wc -l; cut -d" " -f2,4 text | md5sum
tr -d aeiou <text | md5sum; head -n 3 text; tail -n 2 text; tac text | md5sum; nl text | tail -n 1 | wc -w
cut -d" " -f3 text | sort | uniq -c | sort -rn | head -n 1 | wc -l
seq 10 | xargs -n 3 echo; seq 5 | tee copy | paste -sd+ -; cat copy | wc -l
fold -w 20 text | wc -l; expr 6 \* 7'
    run guest "cd /; $work" --add text=/text
    [ "$status" -eq 0 ]
    diff <(bash -c "$work") <(printf '%s\n' "$output")
}

@test "tar, gzip, bzip2, cpio, md5sum and sha256sum agree with the host" {
    head -c 300000 "$RINGSIDE_BUILD/ringside-kernel" >blob
    tar cf host.tar blob
    gzip -k blob
    prints 'cd /; md5sum <blob; sha256sum <blob; gunzip -c blob.gz | cmp - blob && echo gunzip
tar tf host.tar; mkdir t; tar xf host.tar -C t; cmp blob t/blob && echo untar
gzip <blob | gunzip | cmp - blob && echo gzip; tar czf - blob | tar xzf - -O | cmp - blob && echo tgz
bzip2 <blob | bunzip2 | cmp - blob && echo bzip2; echo blob | cpio -o -H newc 2>/dev/null | cpio -t 2>/dev/null
base64 blob | base64 -d | cmp - blob && echo base64; cat blob blob | tail -c 300000 | cmp - blob && echo tail' \
        "$(md5sum <blob)
$(sha256sum <blob)
gunzip
blob
untar
gzip
tgz
bzip2
blob
base64
tail" --add blob=/blob --add host.tar=/host.tar --add blob.gz=/blob.gz
}

@test "ps, top, free, uptime, df, mount, dmesg, id, uname, kill" {
    run guest 'sleep 100 & ps | grep -v grep | grep -c "sleep 100"; top -b -n1 | head -n 2; free | head -n 2
uptime; df | head -n 1; mount | wc -l; id; hostname; uname -srm; nproc; who | wc -l; pidof sleep | wc -w
kill -0 $! && echo there; cat /proc/$!/cmdline | tr "\0" " "; echo; ls /proc/$!/ | grep -c stat'
    [ "$status" -eq 0 ]
    [ "${lines[0]}" = 1 ]
    [[ "${lines[1]}" == "Mem: "*used* ]]
    [[ "${lines[2]}" == "CPU: "* ]]
    [[ "$output" == *"Mem: "* ]]
    [[ "$output" == *"load average: "* ]]
    [[ "$output" == *"uid=0(root) gid=0(root)"* ]]
    [[ "$output" == *"ringside"* ]]
    [[ "$output" == *"there"* ]]
    [[ "$output" == *"sleep 100"* ]]
    run guest 'dmesg'
    [[ "$output" == *"Linux version"* ]]
    run guest 'top -b -n1'
    [ "$status" -eq 0 ]
    [[ "$output" == *"COMMAND"* ]]
    [[ "$output" == *"/init"* ]] || [[ "$output" == *"{init}"* ]]
}

@test "awk and bc compute as the host does" {
    program='BEGIN { for (i = 1; i <= 40; i++) printf "%.12g %.10e %d %s\n", i / 7, i * 1.5 - 1e-3, i * i / 3, i / 3;
        print int(-7 / 2), 1e300 * 1e10, 2 * 0.1 + 0.1, 1e6 }'
    diff <(awk "$program") <(guest "awk '$program'")
    [ "$(guest 'echo "scale=20; 4*a(1)" | bc -l; echo "2^100" | bc')" = $'3.14159265358979323844\n1267650600228229401496703205376' ]
}

@test "dev, proc and special files" {
    prints 'head -c 5 /dev/zero | od -An -tx1 | tr -d " \n"; echo
echo gone >/dev/null; cat /dev/null | wc -c; [ -c /dev/tty ] && echo tty
head -c 32 /dev/urandom | wc -c; cat /proc/sys/kernel/hostname 2>/dev/null || hostname
cat /proc/self/stat | cut -d" " -f2; readlink /proc/self/exe; ls -d /proc/1; ls -d /proc/self
grep -c processor /proc/cpuinfo; grep -o "flags.*pae" /proc/cpuinfo | wc -l
echo $(( $(cut -d. -f1 /proc/uptime) >= 0 )); echo full >/dev/full 2>/dev/null || echo no space' '0000000000
0
tty
32
ringside
(cat)
/bin/busybox
/proc/1
/proc/self
1
1
1
no space' || {
        cat out
        return 1
    }
}

@test "scripts: #!, PATH, exit statuses, /proc/self/exe" {
    cat >script.sh <<'X'
#!/bin/sh -e
echo "I am ${0##*/} with $# arguments: $*"
exec busybox printf '%s-' "$@"
X
    chmod +x script.sh
    cat >script.awk <<'X'
#!/usr/bin/awk -f
BEGIN { print "awk script" }
X
    chmod +x script.awk
    echo 'not a program' >plain
    chmod +x plain
    run guest 'script.sh a "b c"; echo; script.awk; plain; echo $?; /etc; echo $?; ./none; echo $?' \
        --add script.sh --add script.awk=/bin/script.awk --add plain
    [ "${lines[0]}" = "I am script.sh with 2 arguments: a b c" ]
    [ "${lines[1]}" = "a-b c-" ]
    [[ "$output" == *"awk script"* ]]
    [[ "$output" == *$'\n127\n'* ]]
    [[ "$output" == *$'\n126\n'* ]]
}

@test "memory that runs out kills a process, not the kernel" {
    run guest 'awk "BEGIN { s = \"x\"; while (1) s = s s }" 2>/dev/null; echo "status $?"; ls / >/dev/null && echo alive' --mem 16
    [ "$status" -eq 0 ]
    [[ "$output" == *alive* ]]
    [[ "$output" =~ status\ (1|2|137) ]]
    # A full tmpfs says so, and room comes back.
    run guest 'dd if=/dev/zero of=/tmp/big bs=1M count=500 2>/dev/null; echo $?; rm /tmp/big; dd if=/dev/zero of=/tmp/s bs=1M count=2 2>/dev/null; echo $?' --mem 32
    [ "${lines[0]}" = 1 ]
    [ "${lines[1]}" = 0 ]
    # A fork bomb. Whoever is killed for it, and be it the script itself, the kernel is not.
    run guest 'timeout 1 sh -c "g() { g & g; }; g" >/dev/null 2>&1; sleep 0.5; ls / >/dev/null && echo alive' \
        --mem 32 --max-cycles 60G
    [[ "$output" == *alive* ]] || [ "$status" -eq 137 ]
}

@test "every niceness gets its turn" {
    prints 'for n in $(seq -- -20 19); do renice $n $$ >/dev/null; i=0; while [ $i -lt 200 ]; do i=$((i+1)); done; done; echo done' 'done'
    # Two that never stop, at the ends of the scale, and one that wants to be heard.
    prints '(while :; do :; done) & a=$!; (renice 19 $$ >/dev/null; while :; do :; done) & b=$!
            renice 17 $$ >/dev/null; sleep 0.2; echo heard; kill $a $b' 'heard'
}
