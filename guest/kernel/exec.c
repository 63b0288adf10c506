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
#include "../mm/mman.h"
#include "../pv/pv.h"
#include "elf.h"
#include "fpu.h"
#include "random.h"
#include "syscall.h"

#define ARG_MAX         (2u << 20) /* strings and the pointers to them */
#define ARG_STRING_MAX  (128u << 10)
#define SCRIPT_LINE_MAX 256
#define SCRIPT_DEPTH    5
#define STACK_SLACK     (128u << 10) /* mapped below the arguments from the start */

/* The strings of the new program as they will lie at the top of its stack, in loose pages. They are
   pushed downwards, so a script can replace argv[0] by more. */
struct args {
    struct page *page[ARG_MAX / PAGE_SIZE];
    uint32_t p; /* offset of the lowest byte so far; ARG_MAX = STACK_TOP */
    uint32_t argc, envc;
    uint32_t execfn; /* offset of the program's path as it was called */
};

struct strings { /* an argv or envp, in user or kernel memory */
    bool user;
    const void *array;
};

/* ---- strings ---- */

static void args_free(struct args *a)
{
    if (!a)
        return;
    for (unsigned i = 0; i < ARRAY_LEN(a->page); i++) {
        if (a->page[i])
            page_put(a->page[i]);
    }
    kfree(a);
}

/* The bytes of [at, at + n) that lie in one page; allocates it. NULL: out of memory. */
static char *args_span(struct args *a, uint32_t at, uint32_t *n)
{
    struct page **page = &a->page[at / PAGE_SIZE];
    uint32_t offset = at % PAGE_SIZE;

    if (!*page && !(*page = page_alloc_zeroed()))
        return NULL;
    *n = MIN(*n, PAGE_SIZE - offset);
    return (char *)page_address(*page) + offset;
}

/* Push n bytes and a NUL. */
static int args_push(struct args *a, bool user, const char *s, uint32_t n)
{
    uint32_t at;

    if (n >= ARG_STRING_MAX || n + 1 > a->p - PAGE_SIZE)
        return -E2BIG;
    if (ARG_MAX - (a->p - n - 1) > rlimit(current, RLIMIT_STACK) / 4)
        return -E2BIG;
    a->p -= n + 1;
    for (at = a->p; n;) {
        uint32_t part = n;
        char *to = args_span(a, at, &part);

        if (!to)
            return -ENOMEM;
        if (!user)
            memcpy(to, s, part);
        else if (copy_from_user(to, (const void __user *)s, part))
            return -EFAULT;
        at += part;
        s += part;
        n -= part;
    }
    n = 1;
    char *end = args_span(a, at, &n);
    if (!end)
        return -ENOMEM;
    *end = 0;
    return 0;
}

static ssize_t user_strlen(const char *s)
{
    char buf[256];
    size_t length = 0;

    for (;;) {
        ssize_t n = strncpy_from_user(buf, (const char __user *)s + length, sizeof buf);

        if (n >= 0)
            return (ssize_t)(length + (size_t)n);
        if (n != -ENAMETOOLONG)
            return n;
        length += sizeof buf;
        if (length >= ARG_STRING_MAX)
            return -E2BIG;
    }
}

static int string_at(const struct strings *list, uint32_t i, const char **s)
{
    if (list->user)
        return get_user(*s, (const char *const __user *)list->array + i);
    *s = ((const char *const *)list->array)[i];
    return 0;
}

static long count_strings(const struct strings *list)
{
    const char *s;

    if (!list->array)
        return 0;
    for (uint32_t n = 0; n < ARG_MAX / sizeof s; n++) {
        if (string_at(list, n, &s))
            return -EFAULT;
        if (!s)
            return (long)n;
    }
    return -E2BIG;
}

static int push_strings(struct args *a, const struct strings *list, uint32_t n)
{
    while (n--) {
        const char *s;
        ssize_t length;
        int err;

        if (string_at(list, n, &s))
            return -EFAULT;
        length = list->user ? user_strlen(s) : (ssize_t)strlen(s);
        if (length < 0)
            return (int)length;
        if ((err = args_push(a, list->user, s, (uint32_t)length)))
            return err;
    }
    return 0;
}

static char args_byte(const struct args *a, uint32_t at)
{
    return ((const char *)page_address(a->page[at / PAGE_SIZE]))[at % PAGE_SIZE];
}

static uint32_t next_string(const struct args *a, uint32_t at)
{
    while (args_byte(a, at))
        at++;
    return at + 1;
}

static struct args *args_new(const char *path, const struct strings *argv,
                             const struct strings *envp, int *err)
{
    struct args *a = kzalloc(sizeof *a);
    long argc, envc;

    *err = -ENOMEM;
    if (!a)
        return NULL;
    a->p = ARG_MAX - 4; /* a last NULL at the very top, as Linux has it */
    argc = count_strings(argv);
    envc = count_strings(envp);
    if ((*err = argc < 0 ? (int)argc : envc < 0 ? (int)envc : 0))
        goto fail;
    if ((uint32_t)(argc + envc) * 4 > rlimit(current, RLIMIT_STACK) / 8) {
        *err = -E2BIG;
        goto fail;
    }
    if ((*err = args_push(a, false, path, strlen(path))))
        goto fail;
    a->execfn = a->p;
    if ((*err = push_strings(a, envp, (uint32_t)envc)) ||
        (*err = push_strings(a, argv, (uint32_t)argc)))
        goto fail;
    if (!argc) { /* argv[0] is there even for those who gave none */
        if ((*err = args_push(a, false, "", 0)))
            goto fail;
        argc = 1;
    }
    a->argc = (uint32_t)argc;
    a->envc = (uint32_t)envc;
    return a;
fail:
    args_free(a);
    return NULL;
}

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

static int args_for_script(struct args *a, const char *script, const char *interp, const char *arg)
{
    int err;

    a->p = next_string(a, a->p); /* argv[0] goes */
    a->argc--;
    if ((err = args_push(a, false, script, strlen(script))))
        return err;
    a->argc++;
    if (arg) {
        if ((err = args_push(a, false, arg, strlen(arg))))
            return err;
        a->argc++;
    }
    if ((err = args_push(a, false, interp, strlen(interp))))
        return err;
    a->argc++;
    return 0;
}

/* ---- the stack ---- */

/* Words are gathered and written a block at a time. */
struct writer {
    struct mm *mm;
    uint32_t at, n;
    bool failed;
    uint32_t words[64];
};

static void writer_flush(struct writer *w)
{
    ssize_t size = (ssize_t)(w->n * 4);

    if (vm_access(w->mm, w->at, w->words, (size_t)size, true) != size)
        w->failed = true;
    w->at += (uint32_t)size;
    w->n = 0;
}

static void put_word(struct writer *w, uint32_t word)
{
    w->words[w->n++] = word;
    if (w->n == ARRAY_LEN(w->words))
        writer_flush(w);
}

static uint32_t cpu_capabilities(void)
{
    uint32_t eax = 1, ebx = 0, ecx = 0, edx = 0;

    pv_cpuid(&eax, &ebx, &ecx, &edx);
    return edx;
}

enum {
    AT_NULL = 0,
    AT_PHDR = 3,
    AT_PHENT,
    AT_PHNUM,
    AT_PAGESZ,
    AT_BASE,
    AT_FLAGS,
    AT_ENTRY,
    AT_UID = 11,
    AT_EUID,
    AT_GID,
    AT_EGID,
    AT_PLATFORM,
    AT_HWCAP,
    AT_CLKTCK,
    AT_SECURE = 23,
    AT_RANDOM = 25,
    AT_EXECFN = 31,
};

struct credentials {
    uint32_t euid, egid;
};

static int write_strings(struct mm *m, const struct args *a)
{
    for (uint32_t at = a->p; at < ARG_MAX;) {
        uint32_t n = PAGE_SIZE - at % PAGE_SIZE;
        const struct page *page = a->page[at / PAGE_SIZE];

        if (page && vm_access(m, STACK_TOP - ARG_MAX + at,
                              (char *)page_address(page) + at % PAGE_SIZE, n, true) != (ssize_t)n)
            return -ENOMEM;
        at += n;
    }
    return 0;
}

/* argc, argv, envp, auxv, from *esp up: the picture of the System V ABI, section 3-28. */
static int build_stack(struct mm *m, const struct args *a, const struct elf_image *img,
                       const struct credentials *cred, uint32_t *esp)
{
    static const char platform[8] = "i686";
    const uint32_t top = STACK_TOP - ARG_MAX; /* + offset = address */
    uint32_t sp = (top + a->p) & ~15u, platform_at, random_at, string = a->p, random[4];
    struct writer w = {.mm = m};
    int err = write_strings(m, a);

    if (err)
        return err;
    platform_at = sp -= sizeof platform;
    random_at = sp -= sizeof random;
    random_bytes(random, sizeof random);
    if (vm_access(m, platform_at, (void *)platform, sizeof platform, true) != sizeof platform ||
        vm_access(m, random_at, random, sizeof random, true) != sizeof random)
        return -ENOMEM;

    const uint32_t aux[][2] = {
        {AT_HWCAP, cpu_capabilities()},
        {AT_PAGESZ, PAGE_SIZE},
        {AT_CLKTCK, HZ},
        {AT_PHDR, img->phdr},
        {AT_PHENT, 32},
        {AT_PHNUM, img->phnum},
        {AT_BASE, img->interp_base},
        {AT_FLAGS, 0},
        {AT_ENTRY, img->entry},
        {AT_UID, current->uid},
        {AT_EUID, cred->euid},
        {AT_GID, current->gid},
        {AT_EGID, cred->egid},
        {AT_SECURE, current->uid != cred->euid || current->gid != cred->egid},
        {AT_RANDOM, random_at},
        {AT_EXECFN, top + a->execfn},
        {AT_PLATFORM, platform_at},
        {AT_NULL, 0},
    };

    sp -= (1 + a->argc + 1 + a->envc + 1) * 4 + sizeof aux;
    *esp = w.at = sp &= ~15u;
    put_word(&w, a->argc);
    m->arg_start = top + string;
    for (uint32_t i = 0; i < a->argc; i++, string = next_string(a, string))
        put_word(&w, top + string);
    put_word(&w, 0);
    m->arg_end = m->env_start = top + string;
    for (uint32_t i = 0; i < a->envc; i++, string = next_string(a, string))
        put_word(&w, top + string);
    put_word(&w, 0);
    m->env_end = top + string;
    for (unsigned i = 0; i < ARRAY_LEN(aux); i++) {
        put_word(&w, aux[i][0]);
        put_word(&w, aux[i][1]);
    }
    writer_flush(&w);
    return w.failed ? -ENOMEM : 0;
}

static int map_stack(struct mm *m, const struct args *a, bool executable)
{
    uint32_t size = PAGE_ALIGN(ARG_MAX - a->p + (a->argc + a->envc) * 4 + STACK_SLACK);
    long at =
        vm_map(m, STACK_TOP - size, size, PROT_READ | PROT_WRITE | (executable ? PROT_EXEC : 0),
               MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS | MAP_GROWSDOWN, NULL, 0);

    m->stack_top = STACK_TOP;
    return IS_ERR((void *)at) ? (int)at : 0;
}

static struct mm *build_mm(struct file *f, const struct args *a, const struct credentials *cred,
                           uint32_t *start, uint32_t *esp, int *err)
{
    struct elf_image img;
    struct mm *m = mm_new();

    *err = -ENOMEM;
    if (!m)
        return NULL;
    if ((*err = elf_load(m, f, &img)) || (*err = map_stack(m, a, img.exec_stack)) ||
        (*err = build_stack(m, a, &img, cred, esp)))
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
