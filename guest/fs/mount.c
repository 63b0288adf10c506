/* SPDX-License-Identifier: GPL-2.0-only */
/* mount and umount, and the first mounts of all. */
#include "../kernel/syscall.h"
#include "vfs.h"

#define TYPE_MAX    32
#define OPTIONS_MAX 512

#define MS_KEPT     (MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC)

/* "16m", "50%", "4096": a size in pages. */
static int parse_pages(const char *s, uint64_t *pages)
{
    static const char units[] = "kmg";
    struct mem_stats m;
    uint64_t n = 0;

    if (*s < '0' || *s > '9')
        return -EINVAL;
    for (; *s >= '0' && *s <= '9'; s++) {
        if (n > (1ull << 50))
            return -EINVAL;
        n = n * 10 + (*s - '0');
    }
    if (*s == '%') {
        mem_stats(&m);
        if (s[1] || n > 100)
            return -EINVAL;
        *pages = m.total * n / 100;
        return 0;
    }
    if (*s) {
        const char *unit = strchr(units, *s | 0x20);
        if (!unit || s[1])
            return -EINVAL;
        n <<= 10 * (unit - units + 1);
    }
    *pages = (n + PAGE_SIZE - 1) >> PAGE_SHIFT;
    return 0;
}

static int parse_octal(const char *s, uint32_t *out)
{
    *out = 0;
    for (; *s >= '0' && *s <= '7'; s++)
        *out = *out * 8 + (*s - '0');
    return *s || *out > 07777 ? -EINVAL : 0;
}

/* tmpfs's own options, "size=16m,mode=1777"; the text is taken apart in place. */
static int apply_tmpfs_options(struct super *s, char *text)
{
    uint64_t pages;
    uint32_t mode;

    while (*text) {
        char *comma = strchr(text, ','), *next = comma ? comma + 1 : text + strlen(text);
        if (comma)
            *comma = 0;
        if (!strncmp(text, "size=", 5)) {
            if (parse_pages(text + 5, &pages))
                return -EINVAL;
            tmpfs_set_limit(s, pages);
        } else if (!strncmp(text, "mode=", 5)) {
            if (parse_octal(text + 5, &mode))
                return -EINVAL;
            s->root->mode = S_IFDIR | mode;
        } else if (*text) {
            return -EINVAL;
        }
        text = next;
    }
    return 0;
}

static struct super *make_super(const char *type, const char *source)
{
    if (!strcmp(type, "tmpfs"))
        return tmpfs_mount("tmpfs", source);
    if (!strcmp(type, "proc"))
        return procfs_mount(source);
    if (!strcmp(type, "devtmpfs"))
        return devfs_mount();
    return ERR_PTR(-ENODEV);
}

/* A super block that never found its place, or lost it. */
static void super_drop(struct super *s)
{
    s->detached = true;
    s->inodes++; /* hold it while its tree goes */
    if (s->kill)
        s->kill(s);
    else
        inode_put(s->root);
    s->inodes--;
    super_free_if_idle(s);
}

static long new_mount(struct inode *where, const char *type, const char *source, char *options,
                      uint32_t flags)
{
    struct super *s = make_super(type, source);

    if (IS_ERR(s))
        return PTR_ERR(s);
    if (!s)
        return -ENOMEM;
    long err = s->magic == 0x01021994 ? apply_tmpfs_options(s, options) : 0;
    s->flags = flags & MS_KEPT;
    if (!err)
        err = mount_at(s, where);
    if (err)
        super_drop(s);
    return err;
}

struct mount_args {
    char type[TYPE_MAX], options[OPTIONS_MAX];
    char *source;
};

/* The strings of mount(2), each of which may be NULL. */
static int mount_args_from_user(struct mount_args *m, uint32_t source, uint32_t type, uint32_t data)
{
    ssize_t n = 0;

    m->type[0] = m->options[0] = 0;
    m->source = source ? path_from_user((const char __user *)source) : kstrdup("none");
    if (!m->source)
        return -ENOMEM;
    if (IS_ERR(m->source)) {
        n = PTR_ERR(m->source);
        m->source = NULL;
        return n;
    }
    if (type)
        n = strncpy_from_user(m->type, (const char __user *)type, sizeof m->type);
    if (n >= 0 && data)
        n = strncpy_from_user(m->options, (const char __user *)data, sizeof m->options);
    return n == -ENAMETOOLONG ? -EINVAL : n < 0 ? n : 0;
}

DEFINE_SYSCALL(mount)
{
    uint32_t flags = (d & 0xffff0000u) == 0xc0ed0000u ? d & 0xffff : d; /* an old magic number */

    if (current->euid != 0)
        return -EPERM;
    struct mount_args *m = kmalloc(sizeof *m);
    if (!m)
        return -ENOMEM;
    long r = mount_args_from_user(m, a, c, e);
    struct inode *where = NULL;
    if (!r) {
        where = lookup_user(AT_FDCWD, (const char __user *)b, WALK_FOLLOW, 0);
        r = IS_ERR(where) ? PTR_ERR(where) : 0;
    }
    if (!r) {
        if (flags & MS_REMOUNT) {
            r = where == where->super->root ? 0 : -EINVAL;
            if (!r)
                where->super->flags = flags & MS_KEPT;
        } else if (flags & (MS_BIND | MS_MOVE)) {
            r = -EINVAL; /* one tree, one place */
        } else {
            r = new_mount(where, m->type, m->source, m->options, flags);
        }
        inode_put(where);
    }
    kfree(m->source);
    kfree(m);
    return r;
}

/* ---- umount ---- */

static bool file_in(const struct file *f, const struct super *s)
{
    return f && f->inode->super == s;
}

static bool task_uses(const struct task *t, const struct super *s)
{
    const struct vm_area *area;

    if (t->fs && (t->fs->cwd->super == s || t->fs->root->super == s))
        return true;
    for (uint32_t i = 0; t->files && i < t->files->size; i++)
        if (file_in(t->files->fd[i], s))
            return true;
    if (!t->mm)
        return false;
    list_for_each(area, &t->mm->areas, link)
    {
        if (file_in(area->file, s))
            return true;
    }
    return file_in(t->mm->exe, s);
}

/* One that is mounted on a directory of s, or NULL. */
static struct super *mounted_in(const struct super *s)
{
    struct super *other;

    list_for_each(other, &mounts, link)
    {
        if (other->covered && other->covered->super == s)
            return other;
    }
    return NULL;
}

static bool super_busy(const struct super *s)
{
    const struct task *t;

    if (mounted_in(s))
        return true;
    list_for_each(t, &all_tasks, all)
    {
        if (task_uses(t, s))
            return true;
    }
    return false;
}

static void detach(struct super *s)
{
    s->covered->mounted = NULL;
    inode_put(s->covered);
    s->covered = NULL;
    list_del(&s->link);
    super_drop(s);
}

/* Take s away, and before it all that is mounted inside it, the innermost first. */
static void detach_tree(struct super *s)
{
    struct super *leaf;

    do {
        struct super *inner;
        leaf = s;
        while ((inner = mounted_in(leaf)) != NULL)
            leaf = inner;
        detach(leaf);
    } while (leaf != s);
}

static long do_umount(uint32_t path, uint32_t flags)
{
    enum { MNT_FORCE = 1, MNT_DETACH = 2, MNT_EXPIRE = 4, UMOUNT_NOFOLLOW = 8 };

    if (current->euid != 0)
        return -EPERM;
    if (flags & ~(uint32_t)(MNT_FORCE | MNT_DETACH | UMOUNT_NOFOLLOW))
        return -EINVAL;
    struct inode *i = lookup_user(AT_FDCWD, (const char __user *)path,
                                  flags & UMOUNT_NOFOLLOW ? 0 : WALK_FOLLOW, 0);
    if (IS_ERR(i))
        return PTR_ERR(i);
    struct super *s = i->super;
    bool is_root = i == s->root;
    inode_put(i);
    if (!is_root)
        return -EINVAL;
    if (!s->covered)
        return -EBUSY; /* the root of all */
    if (super_busy(s) && !(flags & MNT_DETACH))
        return -EBUSY;
    detach_tree(s);
    return 0;
}

DEFINE_SYSCALL(umount)
{
    return do_umount(a, 0);
}

DEFINE_SYSCALL(umount2)
{
    return do_umount(a, b);
}

/* ---- the first mounts ---- */

static void mount_first(struct super *s, const char *name)
{
    struct inode *dir = NULL;

    ASSERT(s);
    if (root_inode->ops->create(root_inode, name, S_IFDIR | 0755, 0, &dir) || mount_at(s, dir))
        panic("cannot mount /%s", name);
    inode_put(dir);
}

void fs_init(void)
{
    struct super *root = tmpfs_mount("tmpfs", "tmpfs");

    ASSERT(root);
    root_inode = root->root;
    list_add_tail(&mounts, &root->link);
    mount_first(devfs_mount(), "dev");
    mount_first(procfs_mount("proc"), "proc");
}
