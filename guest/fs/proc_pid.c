/* SPDX-License-Identifier: GPL-2.0-only */
/* /proc/PID: what can be told about one process. The formats are proc(5)'s. */
#include "proc.h"

#include "../kernel/process.h"

#define KB(pages)          ((uint32_t)(pages) * (PAGE_SIZE / 1024))
#define NSEC_PER_USER_TICK 10000000u /* what user space calls a tick is 1/100 s */

static const struct {
    char letter;
    const char *name;
} states[] = {
    [TASK_RUNNING] = {'R', "running"},
    [TASK_INTERRUPTIBLE] = {'S', "sleeping"},
    [TASK_UNINTERRUPTIBLE] = {'D', "disk sleep"},
    [TASK_KILLABLE] = {'D', "disk sleep"},
    [TASK_STOPPED] = {'T', "stopped"},
    [TASK_ZOMBIE] = {'Z', "zombie"},
    [TASK_DEAD] = {'X', "dead"},
};

/* ---- sums over the address space ---- */

struct sizes {
    uint32_t total, data, stack, code, file; /* pages */
};

static struct sizes measure(const struct mm *m)
{
    struct sizes s = {0};
    const struct vm_area *a;

    if (!m)
        return s;
    list_for_each(a, &m->areas, link)
    {
        uint32_t pages = (a->end - a->start) >> PAGE_SHIFT;
        s.total += pages;
        if (a->flags & (VM_STACK | VM_GROWSDOWN))
            s.stack += pages;
        else if ((a->flags & VM_WRITE) && !(a->flags & VM_SHARED))
            s.data += pages;
        else if ((a->flags & VM_EXEC) && a->file)
            s.code += pages;
        if (a->file)
            s.file += pages;
    }
    return s;
}

static uint32_t threads_of(const struct task *t)
{
    return t->group ? t->group->live : 1;
}

static pid_t parent_of(const struct task *t)
{
    return t->parent ? t->parent->tgid : 0;
}

struct signal_sets {
    sigset_t ignored, caught;
};

static struct signal_sets signal_sets_of(const struct task *t)
{
    struct signal_sets s = {0, 0};

    for (int sig = 1; t->sighand && sig <= NSIG; sig++) {
        uint32_t handler = action_of(t, sig)->handler;
        if (handler == SIG_IGN)
            s.ignored |= SIGMASK(sig);
        else if (handler != SIG_DFL)
            s.caught |= SIGMASK(sig);
    }
    return s;
}

/* ---- the files ---- */

static void show_stat(struct proc_text *out, struct task *t)
{
    const struct mm *m = t->mm;
    const struct thread_group *g = t->group;
    struct sizes s = measure(m);
    struct signal_sets sets = signal_sets_of(t);
    uint32_t utime = 0, stime = 0;

    task_group_times(t, &utime, &stime);
    proc_printf(out, "%d (%s) %c %d %d %d %d %d %u", t->tgid == t->pid ? t->tgid : t->pid, t->comm,
                states[t->state].letter, parent_of(t), t->pgid, t->sid,
                t->ctty ? (int)tty_device_number(t->ctty) : 0,
                t->ctty ? tty_foreground(t->ctty) : -1, m ? 0x400000u : 0x200000u);
    proc_printf(out, " %u %u 0 0 %u %u %u %u", t->min_flt, g ? g->cmin_flt : 0, utime, stime,
                g ? g->cutime : 0, g ? g->cstime : 0);
    proc_printf(out, " %d %d %u 0 %llu", 20 + t->nice, t->nice, threads_of(t),
                t->start_ns / NSEC_PER_USER_TICK);
    proc_printf(out, " %u %u 4294967295 %u %u %u 0 0", s.total << PAGE_SHIFT, m ? m->rss : 0,
                m ? m->code_start : 0, m ? m->code_end : 0, m ? m->stack_top : 0);
    /* These four show only the 31 signals that fit; status has them all. */
    proc_printf(out, " %u %u %u %u 0 0 0 %d 0 0 0 0 0 0", (uint32_t)t->pending.set & 0x7fffffff,
                (uint32_t)t->blocked & 0x7fffffff, (uint32_t)sets.ignored & 0x7fffffff,
                (uint32_t)sets.caught & 0x7fffffff, t->exit_signal);
    proc_printf(out, " %u %u %u %u %u %u %u %d\n", m ? m->data_start : 0, m ? m->data_end : 0,
                m ? m->brk_start : 0, m ? m->arg_start : 0, m ? m->arg_end : 0,
                m ? m->env_start : 0, m ? m->env_end : 0, t->exit_code);
}

static void show_statm(struct proc_text *out, struct task *t)
{
    struct sizes s = measure(t->mm);
    uint32_t rss = t->mm ? t->mm->rss : 0;

    proc_printf(out, "%u %u %u %u 0 %u 0\n", s.total, rss, MIN(rss, s.file), s.code,
                s.data + s.stack);
}

static void show_status_memory(struct proc_text *out, const struct mm *m)
{
    struct sizes s = measure(m);

    proc_printf(out, "VmSize:\t%8u kB\nVmHWM:\t%8u kB\nVmRSS:\t%8u kB\n", KB(s.total),
                KB(m->peak_rss), KB(m->rss));
    proc_printf(out, "VmData:\t%8u kB\nVmStk:\t%8u kB\nVmExe:\t%8u kB\nVmLib:\t%8u kB\n",
                KB(s.data), KB(s.stack), KB(s.code), 0);
}

static void show_status(struct proc_text *out, struct task *t)
{
    struct signal_sets sets = signal_sets_of(t);

    proc_printf(out, "Name:\t%s\nUmask:\t%04o\nState:\t%c (%s)\n", t->comm,
                t->fs ? t->fs->umask : 0, states[t->state].letter, states[t->state].name);
    proc_printf(out, "Tgid:\t%d\nNgid:\t0\nPid:\t%d\nPPid:\t%d\nTracerPid:\t0\n", t->tgid, t->pid,
                parent_of(t));
    proc_printf(out, "Uid:\t%u\t%u\t%u\t%u\nGid:\t%u\t%u\t%u\t%u\nFDSize:\t%u\nGroups:\t", t->uid,
                t->euid, t->suid, t->fsuid, t->gid, t->egid, t->sgid, t->fsgid,
                t->files ? t->files->size : 0);
    for (uint32_t i = 0; i < t->ngroups; i++)
        proc_printf(out, "%u ", t->groups[i]);
    proc_printf(out, "\n");
    if (t->mm)
        show_status_memory(out, t->mm);
    proc_printf(out, "Threads:\t%u\n", threads_of(t));
    proc_printf(out, "SigPnd:\t%016llx\nShdPnd:\t%016llx\nSigBlk:\t%016llx\n", t->pending.set,
                t->group ? t->group->pending.set : 0, t->blocked);
    proc_printf(out, "SigIgn:\t%016llx\nSigCgt:\t%016llx\n", sets.ignored, sets.caught);
    proc_printf(out, "Cpus_allowed:\t1\nvoluntary_ctxt_switches:\t%u\n", t->switches);
}

/* Bytes of the process's own memory: its arguments, its environment. */
static void show_memory(struct proc_text *out, struct task *t, uint32_t from, uint32_t to)
{
    char chunk[256];

    to = MIN(to, from + 32768); /* from a stack that the process may have scribbled over */
    while (from < to) {
        ssize_t n = vm_access(t->mm, from, chunk, MIN(to - from, sizeof chunk), false);
        if (n <= 0)
            return;
        proc_append(out, chunk, n);
        from += n;
    }
}

static void show_cmdline(struct proc_text *out, struct task *t)
{
    if (t->mm && t->mm->arg_start <= t->mm->arg_end)
        show_memory(out, t, t->mm->arg_start, t->mm->arg_end);
}

static void show_environ(struct proc_text *out, struct task *t)
{
    if (t->mm && t->mm->env_start <= t->mm->env_end)
        show_memory(out, t, t->mm->env_start, t->mm->env_end);
}

static void show_comm(struct proc_text *out, struct task *t)
{
    proc_printf(out, "%s\n", t->comm);
}

static const char *area_name(const struct mm *m, const struct vm_area *a)
{
    if (a->file)
        return a->file->path ? a->file->path : "";
    if (a->flags & (VM_STACK | VM_GROWSDOWN))
        return "[stack]";
    if ((a->flags & VM_HEAP) || (a->start < m->brk && a->end > m->brk_start))
        return "[heap]";
    return "";
}

static void show_maps(struct proc_text *out, struct task *t)
{
    const struct vm_area *a;

    if (!t->mm)
        return;
    list_for_each(a, &t->mm->areas, link)
    {
        const struct inode *i = a->file ? a->file->inode : NULL;
        const char *name = area_name(t->mm, a);
        uint32_t dev = i && i->super ? i->super->dev : 0;
        proc_printf(out, "%08x-%08x %c%c%c%c %08llx %02x:%02x %u", a->start, a->end,
                    a->flags & VM_READ ? 'r' : '-', a->flags & VM_WRITE ? 'w' : '-',
                    a->flags & VM_EXEC ? 'x' : '-', a->flags & VM_SHARED ? 's' : 'p',
                    a->file ? a->offset : 0, DEV_MAJOR(dev), DEV_MINOR(dev), i ? i->ino : 0);
        if (*name) {
            proc_printf(out, "\t\t");
            proc_append(out, name, strlen(name));
        }
        proc_append(out, "\n", 1);
    }
}

static void show_limits(struct proc_text *out, struct task *t)
{
    static const struct {
        uint8_t which;
        const char *name, *unit;
    } rows[] = {
        {RLIMIT_CPU, "Max cpu time", "seconds"},        {RLIMIT_FSIZE, "Max file size", "bytes"},
        {RLIMIT_DATA, "Max data size", "bytes"},        {RLIMIT_STACK, "Max stack size", "bytes"},
        {RLIMIT_CORE, "Max core file size", "bytes"},   {RLIMIT_RSS, "Max resident set", "bytes"},
        {RLIMIT_NPROC, "Max processes", "processes"},   {RLIMIT_NOFILE, "Max open files", "files"},
        {RLIMIT_MEMLOCK, "Max locked memory", "bytes"}, {RLIMIT_AS, "Max address space", "bytes"},
    };

    proc_printf(out, "%-25s %-20s %-20s %s\n", "Limit", "Soft Limit", "Hard Limit", "Units");
    for (size_t i = 0; i < ARRAY_LEN(rows) && t->group; i++) {
        const struct rlimit_pair *r = &t->group->rlim[rows[i].which];
        char soft[12], hard[12];
        snprintf(soft, sizeof soft, r->soft == RLIM_INFINITY ? "unlimited" : "%u", r->soft);
        snprintf(hard, sizeof hard, r->hard == RLIM_INFINITY ? "unlimited" : "%u", r->hard);
        proc_printf(out, "%-25s %-20s %-20s %s\n", rows[i].name, soft, hard, rows[i].unit);
    }
}

/* ---- links ---- */

static struct inode *to_inode(struct inode *i, char *path, size_t size)
{
    if (path) {
        char *text = path_of(i, NULL);
        if (!text)
            return ERR_PTR(-ENOMEM);
        strlcpy(path, text, size);
        kfree(text);
    }
    return inode_get(i);
}

static struct inode *target_cwd(struct task *t, char *path, size_t size)
{
    return t->fs ? to_inode(t->fs->cwd, path, size) : ERR_PTR(-ENOENT);
}

static struct inode *target_root(struct task *t, char *path, size_t size)
{
    return t->fs ? to_inode(t->fs->root, path, size) : ERR_PTR(-ENOENT);
}

static struct inode *target_exe(struct task *t, char *path, size_t size)
{
    const struct file *exe = t->mm ? t->mm->exe : NULL;

    if (!exe)
        return ERR_PTR(-ENOENT);
    if (path)
        strlcpy(path, exe->path ? exe->path : "?", size);
    return inode_get(exe->inode);
}

const struct proc_node proc_pid_rows[] = {
    {.name = "task", .mode = S_IFDIR | 0555, .kind = PROC_TASKS}, /* first: threads have the rest */
    {.name = "cmdline", .mode = S_IFREG | 0444, .show = show_cmdline},
    {.name = "comm", .mode = S_IFREG | 0444, .show = show_comm},
    {.name = "cwd", .mode = S_IFLNK | 0777, .target = target_cwd, .owner_only = true},
    {.name = "environ", .mode = S_IFREG | 0400, .show = show_environ, .owner_only = true},
    {.name = "exe", .mode = S_IFLNK | 0777, .target = target_exe, .owner_only = true},
    {.name = "fd", .mode = S_IFDIR | 0500, .kind = PROC_FDS, .owner_only = true},
    {.name = "limits", .mode = S_IFREG | 0444, .show = show_limits},
    {.name = "maps", .mode = S_IFREG | 0444, .show = show_maps, .owner_only = true},
    {.name = "mounts", .mode = S_IFREG | 0444, .show = proc_show_mounts},
    {.name = "root", .mode = S_IFLNK | 0777, .target = target_root, .owner_only = true},
    {.name = "stat", .mode = S_IFREG | 0444, .show = show_stat},
    {.name = "statm", .mode = S_IFREG | 0444, .show = show_statm},
    {.name = "status", .mode = S_IFREG | 0444, .show = show_status},
    {0},
};
