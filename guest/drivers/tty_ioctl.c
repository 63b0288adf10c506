/* SPDX-License-Identifier: GPL-2.0-only */
/* The terminal's ioctls, as a table: number, whether it changes the terminal (and so is not for
   background processes), and the function that does it. Numbers from Linux's asm-generic/ioctls.h. */
#include "../fs/vfs.h"
#include "../kernel/process.h"
#include "../pv/pv.h"
#include "tty.h"

#define SPEED 115200u

/* ---- modes ---- */

static long get_termios(struct tty *t, uint32_t arg, uint32_t cmd)
{
    (void)cmd;
    return put_user(t->termios, (struct termios __user *)arg);
}

static long get_termios2(struct tty *t, uint32_t arg, uint32_t cmd)
{
    struct termios2 t2 = {t->termios, SPEED, SPEED};

    (void)cmd;
    return put_user(t2, (struct termios2 __user *)arg);
}

static void set_modes(struct tty *t, const struct termios *new, bool flush)
{
    uint32_t flags = irq_save();
    struct termios old = t->termios;

    if (flush)
        tty_flush_input(t);
    t->termios = *new;
    tty_mode_changed(t, &old);
    irq_restore(flags);
}

enum { TCSETS = 0x5402, TCSETSW, TCSETSF };
enum { TCSETS2 = 0x402C542B, TCSETSW2, TCSETSF2 };

static long set_termios(struct tty *t, uint32_t arg, uint32_t cmd)
{
    struct termios2 new = {.t = t->termios};
    bool second = cmd >= TCSETS2;
    size_t size = second ? sizeof new : sizeof new.t;

    if (copy_from_user(&new, (const char __user *)arg, size))
        return -EFAULT;
    set_modes(t, &new.t, cmd == TCSETSF || cmd == TCSETSF2);
    return 0;
}

/* ---- flow ---- */

static long send_break(struct tty *t, uint32_t arg, uint32_t cmd)
{
    (void)t, (void)arg, (void)cmd;
    return 0; /* with an argument: "wait until all is out", and output never waits here */
}

static long flow(struct tty *t, uint32_t arg, uint32_t cmd)
{
    enum { TCOOFF, TCOON, TCIOFF, TCION };
    char c;

    (void)cmd;
    switch (arg) {
    case TCOOFF:
    case TCOON:
        tty_stop(t, arg == TCOOFF);
        return 0;
    case TCIOFF:
    case TCION:
        c = t->termios.cc[arg == TCIOFF ? VSTOP : VSTART];
        if (c)
            tty_output(t, &c, 1);
        return 0;
    }
    return -EINVAL;
}

static long flush(struct tty *t, uint32_t arg, uint32_t cmd)
{
    enum { TCIFLUSH, TCOFLUSH, TCIOFLUSH };

    (void)cmd;
    if (arg > TCIOFLUSH)
        return -EINVAL;
    if (arg != TCOFLUSH) {
        uint32_t flags = irq_save();
        tty_flush_input(t);
        irq_restore(flags);
    }
    return 0;
}

static long input_count(struct tty *t, uint32_t arg, uint32_t cmd)
{
    (void)cmd;
    return put_user((int)(tty_has(t, ICANON) ? t->line - t->tail : t->head - t->tail),
                    (int __user *)arg);
}

static long output_count(struct tty *t, uint32_t arg, uint32_t cmd)
{
    (void)t, (void)cmd;
    return put_user(0, (int __user *)arg); /* a write returns when its bytes are with the UART */
}

static long simulate_input(struct tty *t, uint32_t arg, uint32_t cmd)
{
    char c;

    (void)cmd;
    if (current->euid != 0 && current->ctty != t)
        return -EPERM;
    if (get_user(c, (const char __user *)arg))
        return -EFAULT;
    tty_input(t, &c, 1);
    return 0;
}

static long line_discipline(struct tty *t, uint32_t arg, uint32_t cmd)
{
    (void)t, (void)cmd;
    return put_user(0, (int __user *)arg); /* N_TTY */
}

/* ---- size ---- */

static long get_size(struct tty *t, uint32_t arg, uint32_t cmd)
{
    (void)cmd;
    return put_user(t->winsize, (struct winsize __user *)arg);
}

static long set_size(struct tty *t, uint32_t arg, uint32_t cmd)
{
    struct winsize new;

    (void)cmd;
    if (get_user(new, (const struct winsize __user *)arg))
        return -EFAULT;
    if (memcmp(&new, &t->winsize, sizeof new) == 0)
        return 0;
    t->winsize = new;
    if (t->pgrp)
        signal_send_pgrp(t->pgrp, SIGWINCH, NULL);
    return 0;
}

/* ---- sessions and groups ---- */

static long get_group(struct tty *t, uint32_t arg, uint32_t cmd)
{
    (void)cmd;
    if (current->ctty != t)
        return -ENOTTY;
    return put_user(t->pgrp, (pid_t __user *)arg);
}

static long set_group(struct tty *t, uint32_t arg, uint32_t cmd)
{
    const struct task *task;
    bool exists = false, ours = false;
    pid_t pgrp;

    (void)cmd;
    if (current->ctty != t || t->sid != current->sid)
        return -ENOTTY;
    if (get_user(pgrp, (const pid_t __user *)arg))
        return -EFAULT;
    if (pgrp < 0)
        return -EINVAL;
    list_for_each(task, &all_tasks, all)
    {
        if (task->pgid == pgrp) {
            exists = true;
            ours |= task->sid == current->sid;
        }
    }
    if (!ours)
        return exists ? -EPERM : -ESRCH;
    t->pgrp = pgrp;
    return 0;
}

static long get_session(struct tty *t, uint32_t arg, uint32_t cmd)
{
    (void)cmd;
    if (current->ctty != t || !t->sid)
        return -ENOTTY;
    return put_user(t->sid, (pid_t __user *)arg);
}

static long take_terminal(struct tty *t, uint32_t arg, uint32_t cmd)
{
    struct task *task;

    (void)cmd;
    if (t->sid && t->sid != current->sid) {
        if (arg != 1 || current->euid != 0 || current->sid != current->tgid || current->ctty)
            return -EPERM;
        list_for_each(task, &all_tasks, all)
        { /* root takes it away from another session */
            if (task->ctty == t)
                task->ctty = NULL;
        }
        t->sid = t->pgrp = 0;
    }
    return tty_set_controlling(t, current);
}

static long give_up_terminal(struct tty *t, uint32_t arg, uint32_t cmd)
{
    (void)arg, (void)cmd;
    if (current->ctty != t)
        return -ENOTTY;
    if (current->sid == current->tgid)
        tty_session_exit(current);
    current->ctty = NULL;
    return 0;
}

static const struct {
    uint32_t cmd;
    bool changes; /* SIGTTOU to those in the background */
    long (*fn)(struct tty *t, uint32_t arg, uint32_t cmd);
} table[] = {
    {0x5401, false, get_termios}, /* TCGETS */
    {TCSETS, true, set_termios},
    {TCSETSW, true, set_termios},
    {TCSETSF, true, set_termios},
    {0x802C542A, false, get_termios2}, /* TCGETS2 */
    {TCSETS2, true, set_termios},
    {TCSETSW2, true, set_termios},
    {TCSETSF2, true, set_termios},
    {0x5409, true, send_break},        /* TCSBRK */
    {0x5425, true, send_break},        /* TCSBRKP */
    {0x540A, true, flow},              /* TCXONC */
    {0x540B, true, flush},             /* TCFLSH */
    {0x540E, false, take_terminal},    /* TIOCSCTTY */
    {0x540F, false, get_group},        /* TIOCGPGRP */
    {0x5410, true, set_group},         /* TIOCSPGRP */
    {0x5411, false, output_count},     /* TIOCOUTQ */
    {0x5412, false, simulate_input},   /* TIOCSTI */
    {0x5413, false, get_size},         /* TIOCGWINSZ */
    {0x5414, false, set_size},         /* TIOCSWINSZ */
    {0x541B, false, input_count},      /* FIONREAD, also called TIOCINQ */
    {0x5422, false, give_up_terminal}, /* TIOCNOTTY */
    {0x5424, false, line_discipline},  /* TIOCGETD */
    {0x5429, false, get_session},      /* TIOCGSID */
};

long tty_ioctl(struct file *f, uint32_t cmd, uint32_t arg)
{
    struct tty *t = tty_of(f);

    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        if (table[i].cmd != cmd)
            continue;
        int err = table[i].changes ? tty_check_foreground(t, SIGTTOU) : 0;
        return err ? err : table[i].fn(t, arg, cmd);
    }
    return -ENOTTY;
}
