/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The terminal as a file: open, read, write, poll; and whose terminal it is. There is one, on the
 * serial line. /dev/ttyS0 and /dev/console both lead to it; /dev/tty leads to whichever one the
 * process belongs to.
 */
#include "tty.h"
#include "../fs/poll.h"
#include "../fs/vfs.h"
#include "../kernel/process.h"
#include "../pv/pv.h"
#include "drivers.h"

#define NSEC_PER_DECISECOND 100000000ull

static struct tty console = {
    .termios =
        {
            .iflag = ICRNL | IXON,
            .oflag = OPOST | ONLCR,
            .cflag = B115200 | CS8 | CREAD | HUPCL | CLOCAL,
            .lflag = ISIG | ICANON | ECHO | ECHOE | ECHOK | ECHOCTL | ECHOKE | IEXTEN,
            .cc = {[VINTR] = 'C' & 31,
                   [VQUIT] = '\\' & 31,
                   [VERASE] = 127,
                   [VKILL] = 'U' & 31,
                   [VEOF] = 'D' & 31,
                   [VMIN] = 1,
                   [VSTART] = 'Q' & 31,
                   [VSTOP] = 'S' & 31,
                   [VSUSP] = 'Z' & 31,
                   [VREPRINT] = 'R' & 31,
                   [VDISCARD] = 'O' & 31,
                   [VWERASE] = 'W' & 31,
                   [VLNEXT] = 'V' & 31},
        },
    .winsize = {.rows = 24, .columns = 80}, /* until somebody knows better: stty, resize */
    .rdev = MKDEV(4u, 64u),
    .readers = WAIT_QUEUE_INIT(console.readers),
    .writers = WAIT_QUEUE_INIT(console.writers),
};

struct tty *tty_console(void)
{
    return &console;
}

uint32_t tty_device_number(const struct tty *t)
{
    return t->rdev;
}

pid_t tty_foreground(const struct tty *t)
{
    return t->pgrp;
}

struct tty *tty_of(struct file *f)
{
    return f->priv;
}

/* ---- sessions and job control ---- */

long tty_set_controlling(struct tty *t, struct task *leader)
{
    if (leader->ctty == t && t->sid == leader->sid)
        return 0;
    if (leader->sid != leader->tgid || leader->ctty || t->sid)
        return -EPERM;
    t->sid = leader->sid;
    t->pgrp = leader->pgid;
    leader->ctty = t;
    return 0;
}

void tty_session_exit(struct task *leader)
{
    struct tty *t = leader->ctty;
    struct task *task;

    if (!t || t->sid != leader->sid)
        return;
    pid_t pgrp = t->pgrp;
    t->sid = t->pgrp = 0;
    list_for_each(task, &all_tasks, all)
    {
        if (task->sid == leader->sid)
            task->ctty = NULL;
    }
    if (pgrp) {
        signal_send_pgrp(pgrp, SIGHUP, NULL);
        signal_send_pgrp(pgrp, SIGCONT, NULL);
    }
}

/*
 * A background process that wants the terminal gets a signal instead. If it does not want to hear
 * the signal, it depends: reading is refused, but writing and setting modes are then allowed. And
 * an orphaned group, which no shell would ever continue, must not be stopped at all.
 */
int tty_check_foreground(struct tty *t, int sig)
{
    if (current->ctty != t || !t->pgrp || current->pgid == t->pgrp)
        return 0;
    if (signal_ignored(current, sig) || signal_blocked(current, sig))
        return sig == SIGTTIN ? -EIO : 0;
    if (pgrp_orphaned(current->pgid, NULL))
        return -EIO;
    signal_send_pgrp(current->pgid, sig, NULL);
    return -ERESTARTSYS;
}

/* ---- open ---- */

static int tty_open(struct inode *i, struct file *f)
{
    f->priv = &console;
    /* The first terminal that a session leader opens becomes its own. The console does not: init
       opens it for every process there will be. */
    if (i->rdev == console.rdev && !(f->flags & O_NOCTTY) && current &&
        current->sid == current->tgid && !current->ctty && !console.sid)
        tty_set_controlling(&console, current);
    return 0;
}

static int tty_current_open(struct inode *i, struct file *f)
{
    (void)i;
    if (!current->ctty)
        return -ENXIO;
    f->priv = current->ctty;
    return 0;
}

/* ---- read ---- */

/* Take what may be read now into buf, up to n bytes; in canonical mode no further than the end of
   one line. *end: a line, or the file, ended here. */
static size_t take(struct tty *t, char *buf, size_t n, bool *end)
{
    bool canonical = tty_has(t, ICANON);
    uint32_t flags = irq_save();
    size_t got = 0;

    *end = false;
    while (!*end && t->tail != (canonical ? t->line : t->head)) {
        uint32_t at = t->tail % TTY_RING;
        enum tty_mark mark = canonical ? t->mark[at] : MARK_NONE;
        if (got == n && mark != MARK_EOF) /* but an end-of-file right behind goes with the text */
            break;
        if (mark != MARK_EOF)
            buf[got++] = t->ring[at];
        t->tail++;
        if (mark != MARK_NONE) {
            t->lines--;
            *end = true;
        }
    }
    irq_restore(flags);
    return got;
}

bool tty_receives(const struct tty *t)
{
    return t->termios.cflag & CREAD;
}

/* Is there enough for a reader? If not, ask the line for more. */
static bool enough(struct tty *t, uint32_t want)
{
    bool ready = tty_available(t) >= want;

    if (!ready)
        console_ops.ask(tty_receives(t));
    return ready;
}

/* Wait until a read may begin. 0, or -errno; *timed_out when VTIME said so. */
static int wait_for_input(struct tty *t, struct file *f, uint32_t want, uint64_t deadline,
                          bool *timed_out)
{
    *timed_out = false;
    if (enough(t, want))
        return 0;
    if (f->flags & O_NONBLOCK)
        return -EAGAIN;
    int err = wait_event_until(&t->readers, enough(t, want), deadline);
    if (err == -ETIME) {
        *timed_out = true;
        return 0;
    }
    return err ? -ERESTARTSYS : 0;
}

/* Hand over what is there. *more: the process has room left and the line goes on. */
static ssize_t pass_on(struct tty *t, struct span to, size_t at, size_t n, bool *more)
{
    char chunk[256];
    size_t done = 0;
    bool end = false;

    while (done < n && !end) {
        size_t got = take(t, chunk, MIN(n - done, sizeof chunk), &end);
        if (got && span_write(to, at + done, chunk, got))
            return -EFAULT;
        done += got;
        if (!got)
            break;
    }
    *more = !end && done < n;
    return done;
}

static ssize_t read_line(struct tty *t, struct file *f, struct span to, size_t n)
{
    bool unused;
    int err = wait_for_input(t, f, 1, 0, &unused);

    return err ? err : pass_on(t, to, 0, n, &unused);
}

/* MIN and TIME: how many bytes to wait for, and how long between two of them. MIN 0 makes TIME the
   patience of the whole read. */
static ssize_t read_raw(struct tty *t, struct file *f, struct span to, size_t n)
{
    uint32_t min = MIN(t->termios.cc[VMIN], n);
    uint64_t time = t->termios.cc[VTIME] * NSEC_PER_DECISECOND;
    size_t done = 0;
    bool timed_out = false, more = true;

    if (min == 0 && time == 0)
        return pass_on(t, to, 0, n, &more);
    while (more && !timed_out && (done == 0 || done < min)) {
        bool waiting = min == 0 || done > 0;
        uint64_t deadline = time && waiting ? clock_monotonic_ns() + time : 0;
        uint32_t want = time || min == 0 ? 1 : min - done;
        int err = wait_for_input(t, f, want, deadline, &timed_out);
        if (err == -EAGAIN && tty_available(t))
            timed_out = true; /* fewer than MIN, but the caller will not wait */
        else if (err)
            return done ? (ssize_t)done : err;
        ssize_t got = pass_on(t, to, done, n - done, &more);
        if (got < 0)
            return done ? (ssize_t)done : got;
        done += got;
        if (min == 0 && timed_out)
            break;
    }
    return done;
}

static ssize_t tty_read(struct file *f, struct span to, size_t n, uint64_t *pos)
{
    struct tty *t = tty_of(f);
    int err = tty_check_foreground(t, SIGTTIN);

    (void)pos;
    if (err || n == 0)
        return err;
    return tty_has(t, ICANON) ? read_line(t, f, to, n) : read_raw(t, f, to, n);
}

/* ---- write ---- */

static ssize_t tty_write(struct file *f, struct span from, size_t n, uint64_t *pos)
{
    struct tty *t = tty_of(f);
    char chunk[256];
    size_t done = 0;
    int err = tty_has(t, TOSTOP) ? tty_check_foreground(t, SIGTTOU) : 0;

    (void)pos;
    while (done < n && !err) {
        size_t len = MIN(n - done, sizeof chunk);
        if (t->stopped) {
            if (f->flags & O_NONBLOCK)
                err = -EAGAIN;
            else if (wait_event(&t->writers, !t->stopped))
                err = -ERESTARTSYS;
        }
        if (!err)
            err = span_read(chunk, from, done, len);
        if (err)
            break;
        tty_output(t, chunk, len);
        done += len;
        if (signal_pending(current))
            break;
    }
    return done ? (ssize_t)done : err;
}

static uint32_t tty_poll(struct file *f, struct poll_table *pt)
{
    struct tty *t = tty_of(f);
    bool patient = !tty_has(t, ICANON) && t->termios.cc[VTIME] == 0;
    uint32_t want = patient ? MAX(t->termios.cc[VMIN], 1) : 1;
    uint32_t ready = 0;

    poll_wait(pt, &t->readers);
    poll_wait(pt, &t->writers);
    if (enough(t, want))
        ready |= POLLIN | POLLRDNORM;
    if (!t->stopped)
        ready |= POLLOUT | POLLWRNORM;
    return ready;
}

const struct file_ops tty_file_ops = {
    .open = tty_open,
    .read = tty_read,
    .write = tty_write,
    .poll = tty_poll,
    .ioctl = tty_ioctl,
};

const struct file_ops tty_current_file_ops = {
    .open = tty_current_open,
    .read = tty_read,
    .write = tty_write,
    .poll = tty_poll,
    .ioctl = tty_ioctl,
};
