/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The arguments of execve(): strings are gathered from the old program before it is gone, and laid
 * out, with the auxiliary vector, as the System V ABI shows the stack of a new process.
 */
#include "exec_args.h"

#include "../mm/mman.h"
#include "../pv/pv.h"
#include "random.h"

#define ARG_STRING_MAX (128u << 10)
#define STACK_SLACK    (128u << 10) /* mapped below the arguments from the start */

/* ---- strings ---- */

void args_free(struct args *a)
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

struct args *args_new(const char *path, const struct strings *argv, const struct strings *envp,
                      int *err)
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
int args_for_script(struct args *a, const char *script, const char *interp, const char *arg)
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
static int write_stack(struct mm *m, const struct args *a, const struct elf_image *img,
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

int args_build_stack(struct mm *m, const struct args *a, const struct elf_image *img,
                     const struct credentials *cred, uint32_t *esp)
{
    int err = map_stack(m, a, img->exec_stack);

    return err ? err : write_stack(m, a, img, cred, esp);
}
