/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Calls that belong nowhere else: names of the machine, its state in numbers, its log, its end; and
 * prctl, which is Linux's own drawer for what belongs nowhere else.
 */
#include "process.h"

#include "../drivers/drivers.h"
#include "../fs/fs.h"
#include "klog.h"
#include "random.h"
#include "sched.h"
#include "syscall.h"
#include "uts.h"

/* ---- names ---- */

/* The release says which of Linux's interfaces are here: glibc refuses below 3.2. */
struct uts uts = {
    .sysname = "Linux",
    .nodename = "ringside",
    .release = "4.4.0-ringside",
    .version = "#1 Ringside",
    .machine = "i686",
    .domainname = "(none)",
};

DEFINE_SYSCALL(uname)
{
    return copy_to_user((void __user *)a, &uts, sizeof uts);
}

static long set_name(char name[UTS_LEN], uint32_t addr, uint32_t length)
{
    char new[UTS_LEN] = {0};

    if (current->euid)
        return -EPERM;
    if (length >= UTS_LEN)
        return -EINVAL;
    if (copy_from_user(new, (const void __user *)addr, length))
        return -EFAULT;
    memcpy(name, new, UTS_LEN);
    return 0;
}

DEFINE_SYSCALL(sethostname)
{
    return set_name(uts.nodename, a, b);
}

DEFINE_SYSCALL(setdomainname)
{
    return set_name(uts.domainname, a, b);
}

/* ---- the machine in numbers ---- */

struct sysinfo32 {
    int32_t uptime;
    uint32_t loads[3]; /* 16 bits of fraction */
    uint32_t totalram, freeram, sharedram, bufferram, totalswap, freeswap;
    uint16_t procs, pad;
    uint32_t totalhigh, freehigh, mem_unit;
    uint8_t padding[8];
};
_Static_assert(sizeof(struct sysinfo32) == 64, "struct sysinfo");

DEFINE_SYSCALL(sysinfo)
{
    struct sysinfo32 s = {.mem_unit = 1};
    struct mem_stats m;
    struct task *t;

    mem_stats(&m);
    s.uptime = (int32_t)(clock_monotonic_ns() / NSEC_PER_SEC);
    for (unsigned i = 0; i < 3; i++)
        s.loads[i] = load_average[i] << (16 - 11);
    s.totalram = m.total * PAGE_SIZE;
    s.freeram = m.free * PAGE_SIZE;
    s.sharedram = m.cached * PAGE_SIZE;
    list_for_each(t, &all_tasks, all) s.procs++;
    return copy_to_user((void __user *)a, &s, sizeof s);
}

/* syslog(action, buffer, length): what dmesg asks. Reading is not destructive but for READ. */
DEFINE_SYSCALL(syslog)
{
    static uint32_t cleared, read; /* positions in the log */
    enum {
        CLOSE,
        OPEN,
        READ,
        READ_ALL,
        READ_CLEAR,
        CLEAR,
        CONSOLE_OFF,
        CONSOLE_ON,
        CONSOLE_LEVEL,
        SIZE_UNREAD,
        SIZE_BUFFER
    };
    uint32_t pos, done = 0;
    char buf[256];

    if (current->euid && a != READ_ALL && a != SIZE_BUFFER)
        return -EPERM;
    switch (a) {
    case CLOSE:
    case OPEN:
        return 0;
    case READ:
    case READ_ALL:
    case READ_CLEAR:
        if (!b || (int32_t)c < 0)
            return -EINVAL;
        pos = a == READ ? read : MAX(cleared, klog_end() - klog_size());
        if (a != READ && klog_end() - pos > c)
            pos = klog_end() - c; /* the newest part that fits */
        while (done < c) {
            size_t n = klog_read(&pos, buf, MIN(c - done, (uint32_t)sizeof buf));

            if (!n)
                break;
            if (copy_to_user((char __user *)b + done, buf, n))
                return -EFAULT;
            done += n;
        }
        if (a == READ)
            read = pos;
        if (a == READ_CLEAR)
            cleared = klog_end();
        return (long)done;
    case CLEAR:
        cleared = klog_end();
        return 0;
    case CONSOLE_OFF:
    case CONSOLE_ON:
        klog_set_console(a == CONSOLE_ON);
        return 0;
    case CONSOLE_LEVEL:
        if (c < 1 || c > 8)
            return -EINVAL;
        klog_set_console(c > 4); /* our messages are neither alarms nor chatter */
        return 0;
    case SIZE_UNREAD:
        return (long)MIN(klog_end() - read, klog_size());
    case SIZE_BUFFER:
        return (long)klog_size();
    default:
        return -EINVAL;
    }
}

DEFINE_SYSCALL(getrandom)
{
    uint8_t buf[64];

    if (c & ~7u) /* GRND_NONBLOCK, RANDOM, INSECURE: it is all the same here */
        return -EINVAL;
    for (uint32_t done = 0; done < b; done += sizeof buf) {
        uint32_t n = MIN(b - done, (uint32_t)sizeof buf);

        random_bytes(buf, n);
        if (copy_to_user((char __user *)a + done, buf, n))
            return done ? (long)done : -EFAULT;
    }
    return (long)b;
}

/* ---- the end ---- */

DEFINE_SYSCALL(reboot)
{
    enum { MAGIC1 = 0xfee1dead };
    static const uint32_t magic2[] = {672274793, 85072278, 369367448, 537993216};
    enum {
        RESTART = 0x01234567,
        HALT = 0xCDEF0123,
        POWER_OFF = 0x4321FEDC,
        RESTART2 = 0xA1B2C3D4,
        CAD_ON = 0x89ABCDEF,
        CAD_OFF = 0
    };
    bool known = false;

    if (current->euid)
        return -EPERM;
    for (unsigned i = 0; i < ARRAY_LEN(magic2); i++)
        known |= b == magic2[i];
    if (a != (uint32_t)MAGIC1 || !known)
        return -EINVAL;
    switch (c) {
    case CAD_ON:
    case CAD_OFF:
        return 0; /* no keyboard that could send Ctrl-Alt-Del */
    case RESTART:
    case RESTART2:
        printk("reboot: restarting\n");
        power_reset();
    case (uint32_t)HALT:
        printk("reboot: halted\n"); /* and nobody there to turn it off: the run is over */
        power_off(0);
    case POWER_OFF:
        printk("reboot: power off\n");
        power_off(0);
    default:
        return -EINVAL;
    }
}

/* Hang up the session's terminal, as if its line had dropped. */
DEFINE_SYSCALL(vhangup)
{
    if (current->euid)
        return -EPERM;
    if (current->ctty && current->sid == current->tgid)
        tty_session_exit(current->leader);
    return 0;
}

/* ---- odds and ends of a process ---- */

DEFINE_SYSCALL(ni_syscall)
{
    return -ENOSYS;
}

/* 0xffffffff only asks. Linux keeps whatever number it is given. */
DEFINE_SYSCALL(personality)
{
    uint32_t old = current->personality;

    if (a != ~0u)
        current->personality = a;
    return (long)old;
}

/* Ports belong to the kernel here: the TSS has no I/O bitmap, and IOPL stays 0. */
DEFINE_SYSCALL(ioperm)
{
    if (a + b <= a || a + b > 65536)
        return -EINVAL;
    return c ? -EPERM : 0; /* nothing was allowed, so there is nothing to take away */
}

DEFINE_SYSCALL(iopl)
{
    return a > 3 ? -EINVAL : a ? -EPERM : 0;
}

enum {
    PR_SET_PDEATHSIG = 1,
    PR_GET_PDEATHSIG,
    PR_GET_DUMPABLE,
    PR_SET_DUMPABLE,
    PR_SET_NAME = 15,
    PR_GET_NAME,
    PR_CAPBSET_READ = 23,
    PR_GET_TSC = 25,
    PR_SET_TIMERSLACK = 29,
    PR_GET_TIMERSLACK,
    PR_SET_NO_NEW_PRIVS = 38,
    PR_GET_NO_NEW_PRIVS,
    PR_SET_VMA = 0x53564d41,
};

DEFINE_SYSCALL(prctl)
{
    char name[TASK_COMM_LEN] = {0};
    ssize_t n;

    switch (a) {
    case PR_SET_PDEATHSIG:
        if (b > NSIG)
            return -EINVAL;
        current->leader->parent_death_signal = (int)b;
        return 0;
    case PR_GET_PDEATHSIG:
        return put_user(current->leader->parent_death_signal, (int __user *)b);
    case PR_GET_DUMPABLE:
        return 1;
    case PR_SET_NAME:
        n = strncpy_from_user(name, (const char __user *)b, TASK_COMM_LEN - 1);
        if (n < 0 && n != -ENAMETOOLONG)
            return n;
        name[TASK_COMM_LEN - 1] = 0;
        memcpy(current->comm, name, sizeof name);
        return 0;
    case PR_GET_NAME:
        return copy_to_user((void __user *)b, current->comm, TASK_COMM_LEN);
    case PR_CAPBSET_READ:
        return b <= 40 ? 1 : -EINVAL;
    case PR_GET_TSC:
        return put_user(1, (int __user *)b); /* PR_TSC_ENABLE */
    case PR_GET_TIMERSLACK:
        return NSEC_PER_TICK;
    default:
        return -EINVAL;
    }
}

/* ---- limits ---- */

uint32_t rlimit(const struct task *t, unsigned resource)
{
    return t->group && resource < RLIMIT_COUNT ? t->group->rlim[resource].soft : RLIM_INFINITY;
}

static int set_limit(struct task *t, uint32_t resource, struct rlimit_pair new)
{
    struct rlimit_pair *l = &t->group->rlim[resource];

    if (new.soft > new.hard)
        return -EINVAL;
    if (new.hard > l->hard && current->euid)
        return -EPERM;
    if (resource == RLIMIT_NOFILE && new.hard > 4096)
        return -EPERM; /* what a table of files holds at most */
    *l = new;
    return 0;
}

DEFINE_SYSCALL(ugetrlimit)
{
    if (a >= RLIMIT_COUNT)
        return -EINVAL;
    return copy_to_user((void __user *)b, &current->group->rlim[a], 8);
}

/* The first getrlimit knew 31 bits. */
DEFINE_SYSCALL(getrlimit)
{
    struct rlimit_pair l;

    if (a >= RLIMIT_COUNT)
        return -EINVAL;
    l = current->group->rlim[a];
    l.soft = MIN(l.soft, 0x7fffffffu);
    l.hard = MIN(l.hard, 0x7fffffffu);
    return copy_to_user((void __user *)b, &l, sizeof l);
}

DEFINE_SYSCALL(setrlimit)
{
    struct rlimit_pair new;

    if (a >= RLIMIT_COUNT)
        return -EINVAL;
    if (copy_from_user(&new, (const void __user *)b, sizeof new))
        return -EFAULT;
    return set_limit(current, a, new);
}

static uint32_t clamp_limit(uint64_t v)
{
    return v > 0xFFFFFFFEull ? RLIM_INFINITY : (uint32_t)v;
}

static uint64_t widen_limit(uint32_t v)
{
    return v == RLIM_INFINITY ? ~0ull : v;
}

/* prlimit64(pid, resource, new, old) */
DEFINE_SYSCALL(prlimit64)
{
    struct task *t = a ? task_find((pid_t)a) : current;
    uint64_t new[2], old[2];
    int err;

    if (b >= RLIMIT_COUNT)
        return -EINVAL;
    if (!t)
        return -ESRCH;
    if (current->euid && current->uid != t->uid)
        return -EPERM;
    if (c && copy_from_user(new, (const void __user *)c, sizeof new))
        return -EFAULT;
    old[0] = widen_limit(t->group->rlim[b].soft);
    old[1] = widen_limit(t->group->rlim[b].hard);
    if (c &&
        (err = set_limit(t, b, (struct rlimit_pair){clamp_limit(new[0]), clamp_limit(new[1])})))
        return err;
    return d ? copy_to_user((void __user *)d, old, sizeof old) : 0;
}
