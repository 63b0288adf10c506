/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * execve: a process becomes another program.
 *
 * The new address space is built completely beside the old one - strings, segments, stack, auxiliary
 * vector - and anything found wrong on the way is an error that the caller can still be told. Then
 * the other threads are ended, and from that point on nothing can fail any more but the wait for
 * them, which only death interrupts.
 *
 * A file that begins with #! is not the program but names it: the interpreter's path and one
 * argument, then the script's own path, take the place of argv[0], and the search begins again.
 */
#include "process.h"

#include "../fs/vfs.h"
#include "../pv/pv.h"
#include "elf.h"
#include "exec_args.h"
#include "fpu.h"
#include "syscall.h"

#define SCRIPT_LINE_MAX 256
#define SCRIPT_DEPTH    5

/* ---- scripts ---- */

/* "#! interpreter argument": NUL-terminates both inside line. arg may come out NULL. */
static int parse_script_line(char *line, char **interp, char **arg)
{
    char *p = line + 2, *end = strchr(line, '\n');

    if (!end)
        return -ENOEXEC; /* longer than we look, or no line at all */
    while (end > p && (end[-1] == ' ' || end[-1] == '\t' || end[-1] == '\r'))
        end--;
    *end = 0;
    while (*p == ' ' || *p == '\t')
        p++;
    if (!*p)
        return -ENOEXEC;
    *interp = p;
    while (*p && *p != ' ' && *p != '\t')
        p++;
    *arg = NULL;
    if (*p) {
        *p++ = 0;
        while (*p == ' ' || *p == '\t')
            p++;
        if (*p)
            *arg = p;
    }
    return 0;
}
static struct mm *build_mm(struct file *f, const struct args *a, const struct credentials *cred,
                           uint32_t *start, uint32_t *esp, int *err)
{
    struct elf_image img;
    struct mm *m = mm_new();

    *err = -ENOMEM;
    if (!m)
        return NULL;
    if ((*err = elf_load(m, f, &img)) || (*err = args_build_stack(m, a, &img, cred, esp)))
        goto fail;
    *err = (int)sigtramp_map(m);
    if (IS_ERR((void *)(long)*err))
        goto fail;
    *err = 0;
    m->brk_start = m->brk = img.end;
    file_get(f);
    m->exe = f;
    *start = img.start;
    return m;
fail:
    mm_put(m);
    return NULL;
}

/* ---- the change itself ---- */

static void set_comm(struct task *t, const char *path)
{
    const char *base = strrchr(path, '/');

    strlcpy(t->comm, base ? base + 1 : path, sizeof t->comm);
}

/* Nothing of the old program is left after this. */
static void become(struct trap_frame *f, struct mm *m, const struct credentials *cred,
                   const char *path, uint32_t start, uint32_t esp)
{
    struct task *t = current;
    struct mm *old = t->mm;

    if (old) {
        t->group->max_rss = MAX(t->group->max_rss, old->peak_rss);
        task_mm_release(t);
    }
    t->mm = m;
    mm_switch(m);
    if (old)
        mm_put(old);

    files_close_on_exec(t->files);
    sighand_exec(t->sighand);
    fpu_reset(t);
    memset(t->tls, 0, sizeof t->tls);
    pv_load_tls(t, 0);
    t->clear_child_tid = t->set_child_tid = t->robust_list = NULL;
    t->altstack_sp = t->altstack_size = 0;
    t->altstack_flags = 2; /* SS_DISABLE */
    t->restart_fn = NULL;
    t->exit_signal = SIGCHLD;
    t->group->did_exec = true;
    t->euid = t->suid = t->fsuid = cred->euid;
    t->egid = t->sgid = t->fsgid = cred->egid;
    set_comm(t, path);

    memset(f, 0, sizeof *f);
    f->orig_eax = ~0u;
    f->cs = USER_CS;
    f->ds = f->es = f->ss = USER_DS;
    f->eip = start;
    f->esp = esp;
    f->eflags = EFLAGS_IF;
}

/* Tables that fork shared and the new program must have for itself. */
static int unshare_tables(void)
{
    struct task *t = current;
    struct files *files;
    struct sighand *hand;

    if (t->files->refs > 1) {
        files = files_fork(t->files);
        if (!files)
            return -ENOMEM;
        files_put(t->files);
        t->files = files;
    }
    if (t->sighand->refs > 1) {
        hand = sighand_copy(t->sighand);
        if (!hand)
            return -ENOMEM;
        sighand_put(t->sighand);
        t->sighand = hand;
    }
    return 0;
}

/*
 * Open a program: what it is and whether it may run is asked before anything is opened for good, so
 * that an execve of a FIFO does not wait for its writer, and a file without "r" can still run.
 */
static struct file *open_program(int dirfd, const char *path, uint32_t flags)
{
    struct file *place, *f;
    int err;

    if (!*path && !(flags & AT_EMPTY_PATH))
        return ERR_PTR(-ENOENT);
    if (*path)
        place = file_open_at(dirfd, path,
                             O_PATH | (flags & AT_SYMLINK_NOFOLLOW ? (uint32_t)O_NOFOLLOW : 0), 0);
    else
        place = fd_get(dirfd);
    if (!place)
        return ERR_PTR(-EBADF);
    if (IS_ERR(place))
        return place;
    err = S_ISLNK(place->inode->mode)    ? -ELOOP
          : !S_ISREG(place->inode->mode) ? -EACCES
                                         : inode_permission(place->inode, MAY_EXEC);
    f = err ? ERR_PTR(err) : file_open_inode(place->inode, O_RDONLY);
    if (!IS_ERR(f) && !f->path && place->path)
        f->path = kstrdup(place->path); /* for /proc/PID/exe, which does without if need be */
    file_put(place);
    return f;
}

/* Take file (a reference, always given back) as the program; path is how it was called. */
static long exec_file(struct trap_frame *f, struct file *file, const char *path,
                      const struct strings *argv, const struct strings *envp)
{
    struct credentials cred = {current->euid, current->egid};
    char line[SCRIPT_LINE_MAX + 1], *interp, *arg, *script = NULL;
    uint32_t start, esp;
    struct mm *m = NULL;
    struct args *a;
    int err;

    a = args_new(path, argv, envp, &err);
    if (!a)
        goto out;
    for (int depth = 0;; depth++) {
        ssize_t n;

        n = file_read_kernel(file, line, SCRIPT_LINE_MAX, 0);
        if (n < 0) {
            err = (int)n;
            goto out;
        }
        line[n] = 0;
        if (line[0] != '#' || line[1] != '!')
            break;
        if (depth >= SCRIPT_DEPTH) {
            err = -ELOOP;
            goto out;
        }
        if ((err = parse_script_line(line, &interp, &arg)) ||
            (err = args_for_script(a, script ? script : path, interp, arg)))
            goto out;
        kfree(script);
        script = kstrdup(interp);
        err = -ENOMEM;
        if (!script)
            goto out;
        file_put(file);
        file = open_program(AT_FDCWD, script, 0);
        if (IS_ERR(file)) {
            err = (int)PTR_ERR(file);
            file = NULL;
            goto out;
        }
    }
    if (file->inode->mode & 04000)
        cred.euid = file->inode->uid;
    if ((file->inode->mode & 02010) == 02010)
        cred.egid = file->inode->gid;

    m = build_mm(file, a, &cred, &start, &esp, &err);
    if (!m || (err = unshare_tables()) || (err = task_become_alone()))
        goto out;
    become(f, m, &cred, path, start, esp);
    m = NULL;
out:
    if (m)
        mm_put(m);
    if (file)
        file_put(file);
    kfree(script);
    args_free(a);
    return err;
}

long do_execve(struct trap_frame *f, const char *path, char *const argv[], char *const envp[])
{
    const struct strings args = {.array = argv}, env = {.array = envp};
    struct file *file = open_program(AT_FDCWD, path, 0);

    return IS_ERR(file) ? PTR_ERR(file) : exec_file(f, file, path, &args, &env);
}

DEFINE_SYSCALL(execve)
{
    const struct strings argv = {true, (const void *)b}, envp = {true, (const void *)c};
    char *path = path_from_user((const char __user *)a);
    struct file *file;
    long err;

    if (IS_ERR(path))
        return PTR_ERR(path);
    file = open_program(AT_FDCWD, path, 0);
    err = IS_ERR(file) ? PTR_ERR(file) : exec_file(current_frame(), file, path, &argv, &envp);
    kfree(path);
    return err;
}

/* execveat(dirfd, path, argv, envp, flags): an empty path with AT_EMPTY_PATH is dirfd itself. */
DEFINE_SYSCALL(execveat)
{
    const struct strings argv = {true, (const void *)c}, envp = {true, (const void *)d};
    char *path = path_from_user((const char __user *)b);
    char name[32 + NAME_MAX];
    struct file *file;
    long err = -EINVAL;

    if (IS_ERR(path))
        return PTR_ERR(path);
    if (e & ~(uint32_t)(AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW))
        goto out;
    if ((int)a == AT_FDCWD || *path == '/')
        strlcpy(name, path, sizeof name);
    else
        snprintf(name, sizeof name, "/dev/fd/%d%s%s", (int)a, *path ? "/" : "", path);
    file = open_program((int)a, path, e);
    err = IS_ERR(file) ? PTR_ERR(file) : exec_file(current_frame(), file, name, &argv, &envp);
out:
    kfree(path);
    return err;
}
