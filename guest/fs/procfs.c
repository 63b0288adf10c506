/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * /proc: a tree that is made up while one walks it. An inode here lives only as long as somebody
 * holds it; it remembers its row in the table and the process it is about. A file's text is made
 * when it is read from its beginning, and kept in the open file, so that a reader in small steps
 * sees one moment and not a mixture of many.
 */
#include "proc.h"

#define PROC_MAGIC 0x9fa0
#define TEXT_MAX   65536u

struct proc_inode {
    struct inode vfs;
    const struct proc_node *node;
    pid_t pid;         /* 0: not about a process */
    uint64_t start_ns; /* of that process: its pid may be another's by now */
    int fd;            /* of a link in PID/fd, otherwise -1 */
};

static const struct inode_ops proc_dir_ops, proc_file_ops, proc_link_ops, proc_text_link_ops;
static const struct file_ops proc_dir_fops, proc_file_fops;

static struct proc_inode *proc_i(struct inode *i)
{
    return container_of(i, struct proc_inode, vfs);
}

/* ---- text ---- */

static bool make_room(struct proc_text *out, size_t n)
{
    size_t size = out->size ? out->size : 1024;

    if (out->failed)
        return false;
    while (size < out->len + n)
        size *= 2;
    if (size == out->size)
        return true;
    char *buf = size <= TEXT_MAX ? kmalloc(size) : NULL;
    if (!buf) {
        out->failed = true;
        return false;
    }
    if (out->len)
        memcpy(buf, out->buf, out->len);
    kfree(out->buf);
    out->buf = buf;
    out->size = size;
    return true;
}

void proc_append(struct proc_text *out, const void *bytes, size_t n)
{
    if (n == 0 || !make_room(out, n))
        return;
    memcpy(out->buf + out->len, bytes, n);
    out->len += n;
}

void proc_printf(struct proc_text *out, const char *fmt, ...)
{
    char line[256];
    va_list ap;

    va_start(ap, fmt);
    int n = vsnprintf(line, sizeof line, fmt, ap);
    va_end(ap);
    proc_append(out, line, MIN((size_t)n, sizeof line - 1));
}

/* ---- inodes ---- */

/* Numbers that are the same in every run and differ within one: a hash of parent and name. */
static uint32_t make_ino(uint32_t parent, const char *name)
{
    uint32_t h = 2166136261u ^ parent;

    while (*name)
        h = (h ^ (uint8_t)*name++) * 16777619u;
    return h < 2 ? h + 2 : h;
}

/* The task of an inode, or NULL when it is gone. */
static struct task *task_of(const struct proc_inode *p)
{
    struct task *t = task_find(p->pid);

    return t && t->start_ns == p->start_ns && t->state != TASK_DEAD ? t : NULL;
}

static struct inode *make_inode(struct super *s, struct inode *parent, const char *name,
                                const struct proc_node *node, const struct task *t, int fd)
{
    struct proc_inode *p = kzalloc(sizeof *p);

    if (!p)
        return ERR_PTR(-ENOMEM);
    struct inode *i = &p->vfs;
    inode_init(i, s, parent ? make_ino(parent->ino, name) : 1, node->mode);
    i->uid = t ? t->euid : 0;
    i->gid = t ? t->egid : 0;
    p->node = node;
    p->fd = fd;
    if (t) {
        p->pid = t->pid;
        p->start_ns = t->start_ns;
    }
    if (S_ISDIR(node->mode)) {
        i->nlink = 2;
        i->ops = &proc_dir_ops;
        i->fops = &proc_dir_fops;
        if (parent) {
            i->parent = inode_get(parent);
            i->name = kstrdup(name);
        }
    } else if (S_ISLNK(node->mode)) {
        i->ops = node->text ? &proc_text_link_ops : &proc_link_ops;
    } else {
        i->ops = &proc_file_ops;
        i->fops = &proc_file_fops;
    }
    return i;
}

static void proc_release(struct inode *i)
{
    inode_fini(i);
    kfree(proc_i(i));
}

/* ---- directories ---- */

static const struct proc_node pid_dir = {
    .mode = S_IFDIR | 0555,
    .children = proc_pid_rows,
};

/* A thread has what a process has, but for threads of its own: or the tree would have no bottom. */
static const struct proc_node tid_dir = {
    .mode = S_IFDIR | 0555,
    .children = proc_pid_rows + 1,
};

static int open_file_target_fd(const struct task *t, int fd, struct file **f)
{
    if (!t->files || (uint32_t)fd >= t->files->size || !t->files->fd[fd])
        return -ENOENT;
    *f = t->files->fd[fd];
    return 0;
}

static const struct proc_node fd_link = {
    .mode = S_IFLNK | 0777,
    .owner_only = true,
};

/* A decimal number without leading zeros, or -1. */
static int parse_number(const char *s)
{
    uint32_t n = 0;

    if (!*s || (*s == '0' && s[1]))
        return -1;
    for (; *s; s++) {
        if (*s < '0' || *s > '9' || n > 1000000)
            return -1;
        n = n * 10 + (*s - '0');
    }
    return n;
}

/* May current look into t's private parts: its descriptors, memory, environment? */
static bool may_inspect(const struct task *t)
{
    return current->fsuid == 0 || (current->fsuid == t->uid && current->fsuid == t->suid);
}

static struct inode *lookup_numbered(struct inode *dir, const char *name, int number,
                                     struct task *t)
{
    struct proc_inode *d = proc_i(dir);
    struct file *f;

    switch (d->node->kind) {
    case PROC_ROOT:
        t = task_find(number);
        return t && number ? make_inode(dir->super, dir, name, &pid_dir, t, -1) : ERR_PTR(-ENOENT);
    case PROC_TASKS:
        if (!t || !task_find(number) || task_find(number)->tgid != t->tgid)
            return ERR_PTR(-ENOENT);
        return make_inode(dir->super, dir, name, &tid_dir, task_find(number), -1);
    case PROC_FDS:
        if (!t || open_file_target_fd(t, number, &f))
            return ERR_PTR(-ENOENT);
        return make_inode(dir->super, dir, name, &fd_link, t, number);
    default:
        return ERR_PTR(-ENOENT);
    }
}

static struct inode *proc_lookup(struct inode *dir, const char *name)
{
    struct proc_inode *d = proc_i(dir);
    struct task *t = d->pid ? task_of(d) : NULL;
    const struct proc_node *row = d->node->children;
    int number = parse_number(name);

    if (d->pid && !t)
        return ERR_PTR(-ENOENT);
    if (d->node->owner_only && !may_inspect(t))
        return ERR_PTR(-EACCES);
    for (; row && row->name; row++)
        if (!strcmp(row->name, name))
            return make_inode(dir->super, dir, name, row, t, -1);
    return number >= 0 ? lookup_numbered(dir, name, number, t) : ERR_PTR(-ENOENT);
}

/*
 * Positions while listing: 0 and 1 are "." and "..", then the rows, then from NUMBERED on the
 * numbers themselves: they rise, so a process that comes or goes disturbs no other.
 */
#define NUMBERED 256u

static bool listed(const struct proc_inode *d, const struct task *in, const struct task *t)
{
    if (t->state == TASK_DEAD)
        return false;
    return d->node->kind == PROC_ROOT ? t->pid == t->tgid && t->pid : t->tgid == in->tgid;
}

/* The smallest number to list that is not below from; -1: none. */
static int next_number(const struct proc_inode *d, const struct task *in, int from)
{
    const struct task *t;
    int best = -1;

    if (d->node->kind == PROC_FDS) {
        struct file *f;
        for (int fd = from; in->files && (uint32_t)fd < in->files->size; fd++)
            if (!open_file_target_fd(in, fd, &f))
                return fd;
        return -1;
    }
    list_for_each(t, &all_tasks, all)
    {
        if (listed(d, in, t) && t->pid >= from && (best < 0 || t->pid < best))
            best = t->pid;
    }
    return best;
}

static int list_numbers(struct file *f, void *ctx, filldir_t fill, const struct task *t)
{
    struct proc_inode *d = proc_i(f->inode);
    unsigned type = d->node->kind == PROC_FDS ? S_IFLNK >> 12 : S_IFDIR >> 12;
    char name[12];
    int n;

    if (f->pos < NUMBERED)
        f->pos = NUMBERED;
    while ((n = next_number(d, t, f->pos - NUMBERED)) >= 0) {
        int len = snprintf(name, sizeof name, "%d", n);
        uint64_t next = NUMBERED + (uint64_t)n + 1;
        if (fill(ctx, name, len, next, make_ino(f->inode->ino, name), type))
            break;
        f->pos = next;
    }
    return 0;
}

static int proc_readdir(struct file *f, void *ctx, filldir_t fill)
{
    struct inode *dir = f->inode;
    struct proc_inode *d = proc_i(dir);
    const struct task *t = d->pid ? task_of(d) : NULL;
    const struct proc_node *row = d->node->children;

    if (d->pid && !t)
        return -ENOENT;
    if (d->node->owner_only && !may_inspect(t))
        return -EACCES;
    for (; f->pos < 2; f->pos++) {
        uint32_t ino = f->pos && dir->parent ? dir->parent->ino : dir->ino;
        if (fill(ctx, "..", f->pos + 1, f->pos + 1, ino, S_IFDIR >> 12))
            return 0;
    }
    for (uint64_t at = 2; row && row->name; row++, at++) {
        if (at < f->pos)
            continue;
        if (fill(ctx, row->name, strlen(row->name), at + 1, make_ino(dir->ino, row->name),
                 row->mode >> 12))
            return 0;
        f->pos = at + 1;
    }
    return d->node->kind == PROC_PLAIN ? 0 : list_numbers(f, ctx, fill, t);
}

static void proc_getattr(struct inode *i)
{
    const struct task *t;

    i->atime_ns = i->mtime_ns = i->ctime_ns = clock_realtime_coarse_ns();
    if (proc_i(i)->node->kind != PROC_ROOT)
        return;
    i->nlink = 2;
    list_for_each(t, &all_tasks, all)
    {
        if (t->pid == t->tgid)
            i->nlink++;
    }
}

/* ---- links ---- */

/* Where an open file's link leads, and what it shows. */
static struct inode *fd_target(const struct task *t, int fd, char *path, size_t size)
{
    struct file *f;
    int err = open_file_target_fd(t, fd, &f);

    if (err)
        return ERR_PTR(err);
    if (path)
        strlcpy(path, f->path ? f->path : "?", size);
    return inode_get(f->inode);
}

static struct inode *link_target(struct inode *i, char *path, size_t size)
{
    struct proc_inode *p = proc_i(i);
    struct task *t = task_of(p);

    if (!t)
        return ERR_PTR(-ENOENT);
    if (p->node->owner_only && !may_inspect(t))
        return ERR_PTR(-EACCES);
    return p->node == &fd_link ? fd_target(t, p->fd, path, size) : p->node->target(t, path, size);
}

static ssize_t proc_readlink(struct inode *i, char *buf, size_t size)
{
    const struct proc_node *node = proc_i(i)->node;
    struct proc_text text = {0};
    ssize_t n;

    if (node->text) {
        node->text(&text);
        n = text.failed ? -ENOMEM : (ssize_t)MIN(size, text.len);
        if (n > 0)
            memcpy(buf, text.buf, n);
        kfree(text.buf);
        return n;
    }
    char *path = kmalloc(PATH_MAX);
    if (!path)
        return -ENOMEM;
    path[0] = 0;
    struct inode *target = link_target(i, path, PATH_MAX);
    n = IS_ERR(target) ? PTR_ERR(target) : (ssize_t)MIN(size, strlen(path));
    if (n >= 0) {
        memcpy(buf, path, n);
        inode_put(target);
    }
    kfree(path);
    return n;
}

/* Not by its text: PID/exe leads to the file itself, even if that has lost its name. */
static struct inode *proc_follow(struct inode *i)
{
    return link_target(i, NULL, 0);
}

/* ---- files ---- */

static int make_text(struct file *f)
{
    struct proc_inode *p = proc_i(f->inode);
    struct proc_text *text = f->priv;
    struct task *t = p->pid ? task_of(p) : NULL;

    if (p->pid && !t)
        return -ESRCH;
    if (!text) {
        text = f->priv = kzalloc(sizeof *text);
        if (!text)
            return -ENOMEM;
    }
    text->len = 0;
    text->failed = false;
    p->node->show(text, t);
    return text->failed ? -ENOMEM : 0;
}

static int proc_open(struct inode *i, struct file *f)
{
    struct proc_inode *p = proc_i(i);
    struct task *t = p->pid ? task_of(p) : NULL;

    (void)f;
    if (p->pid && !t)
        return -ESRCH;
    if (p->node->owner_only && !may_inspect(t))
        return -EACCES;
    return 0;
}

static ssize_t proc_read(struct file *f, struct span to, size_t n, uint64_t *pos)
{
    int err = *pos == 0 || !f->priv ? make_text(f) : 0;
    struct proc_text *text = f->priv;

    if (err)
        return err;
    if (*pos >= text->len)
        return 0;
    n = MIN(n, text->len - (size_t)*pos);
    err = span_write(to, 0, text->buf + *pos, n);
    if (err)
        return err;
    *pos += n;
    return n;
}

static ssize_t proc_write(struct file *f, struct span from, size_t n, uint64_t *pos)
{
    const struct proc_node *node = proc_i(f->inode)->node;
    char line[128];

    if (!node->write)
        return -EINVAL;
    if (n >= sizeof line)
        return -EINVAL;
    int err = span_read(line, from, 0, n);
    if (err)
        return err;
    line[n] = 0;
    char *end = strchr(line, '\n');
    if (end)
        *end = 0;
    err = node->write(line);
    if (err)
        return err;
    *pos += n;
    return n;
}

static void proc_file_release(struct file *f)
{
    struct proc_text *text = f->priv;

    if (text)
        kfree(text->buf);
    kfree(text);
}

static long proc_truncate(struct inode *i, uint64_t size)
{
    (void)i, (void)size;
    return 0; /* "echo x > /proc/..." opens with O_TRUNC, and means nothing by it */
}

static const struct inode_ops proc_dir_ops = {
    .lookup = proc_lookup,
    .getattr = proc_getattr,
    .release = proc_release,
};

static const struct inode_ops proc_file_ops = {
    .truncate = proc_truncate,
    .getattr = proc_getattr,
    .release = proc_release,
};

static const struct inode_ops proc_link_ops = {
    .readlink = proc_readlink,
    .follow = proc_follow,
    .getattr = proc_getattr,
    .release = proc_release,
};

static const struct inode_ops proc_text_link_ops = {
    .readlink = proc_readlink,
    .getattr = proc_getattr,
    .release = proc_release,
};

static const struct file_ops proc_dir_fops = {
    .lseek = generic_lseek,
    .readdir = proc_readdir,
};

static const struct file_ops proc_file_fops = {
    .open = proc_open,
    .release = proc_file_release,
    .read = proc_read,
    .write = proc_write,
    .lseek = generic_lseek,
};

/* ---- mounting ---- */

struct super *procfs_mount(const char *source)
{
    static const struct proc_node root = {
        .mode = S_IFDIR | 0555,
        .children = proc_root_rows,
        .kind = PROC_ROOT,
    };
    struct super *s = super_new("proc", PROC_MAGIC, source);

    if (!s)
        return NULL;
    s->root = make_inode(s, NULL, "", &root, NULL, -1);
    if (!IS_ERR(s->root))
        return s;
    s->detached = true;
    super_free_if_idle(s);
    return NULL;
}
