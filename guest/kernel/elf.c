/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Loading ELF programs (System V ABI, chapters 4 and 5). A program comes as a table of segments,
 * "these bytes of the file belong at this address". Nothing is read here but the tables: segments
 * are mapped, and their pages come when they are touched. The file may be anybody's, so everything it
 * says is checked before it is believed.
 */
#include "elf.h"

#include "process.h"

#include "../mm/mman.h"

struct elf_header {
    uint8_t ident[16];
    uint16_t type, machine;
    uint32_t version, entry, phoff, shoff, flags;
    uint16_t ehsize, phentsize, phnum, shentsize, shnum, shstrndx;
};
_Static_assert(sizeof(struct elf_header) == 52, "Elf32_Ehdr");

struct segment {
    uint32_t type, offset, vaddr, paddr, filesz, memsz, flags, align;
};
_Static_assert(sizeof(struct segment) == 32, "Elf32_Phdr");

enum { ET_EXEC = 2, ET_DYN = 3, EM_386 = 3 };
enum { PT_LOAD = 1, PT_INTERP = 3, PT_PHDR = 6, PT_GNU_STACK = 0x6474e551 };
enum { PF_X = 1, PF_W = 2, PF_R = 4 };

#define PIE_BASE     0x56555000u /* where Linux i386 puts them when it does not randomise */
#define LOAD_LOWEST  0x1000u     /* page 0 stays unmapped: NULL must fault */
#define LOAD_HIGHEST 0xBF000000u /* leaves the stack its room */
#define PHNUM_MAX    64u

struct program {
    struct file *file;
    struct elf_header header;
    struct segment *segments;
    uint32_t bias;      /* added to every address of the file */
    uint32_t low, high; /* the span of its PT_LOADs, unbiased, page-aligned */
};

static int read_exactly(struct file *f, void *buf, size_t n, uint64_t pos)
{
    ssize_t got = file_read_kernel(f, buf, n, pos);

    return got < 0 ? (int)got : (size_t)got == n ? 0 : -ENOEXEC;
}

static int check_header(const struct elf_header *h)
{
    static const uint8_t magic[7] = {0x7f, 'E', 'L', 'F', 1 /* 32 bits */, 1 /* LSB */, 1};

    if (memcmp(h->ident, magic, sizeof magic) || h->machine != EM_386)
        return -ENOEXEC;
    if (h->type != ET_EXEC && h->type != ET_DYN)
        return -ENOEXEC;
    if (h->phentsize != sizeof(struct segment) || !h->phnum || h->phnum > PHNUM_MAX)
        return -ENOEXEC;
    return 0;
}

/* Each PT_LOAD lies inside the file and the user's space, in rising order, without overlap. */
static int check_segments(struct program *p)
{
    uint64_t file_size = p->file->inode->size, last_end = 0;

    p->low = ~0u;
    for (unsigned i = 0; i < p->header.phnum; i++) {
        const struct segment *s = &p->segments[i];
        uint64_t end = (uint64_t)s->vaddr + s->memsz;

        if (s->type != PT_LOAD || !s->memsz)
            continue;
        if (s->filesz > s->memsz || (uint64_t)s->offset + s->filesz > file_size)
            return -ENOEXEC;
        if ((s->offset ^ s->vaddr) & (PAGE_SIZE - 1))
            return -ENOEXEC;
        if (s->vaddr < last_end || end > LOAD_HIGHEST)
            return -ENOEXEC;
        last_end = end;
        p->low = MIN(p->low, s->vaddr & PAGE_MASK);
        p->high = PAGE_ALIGN((uint32_t)end);
    }
    if (p->low >= p->high)
        return -ENOEXEC; /* nothing to run */
    if (p->header.type == ET_EXEC && p->low < LOAD_LOWEST)
        return -ENOEXEC;
    return 0;
}

static int program_open(struct program *p, struct file *f)
{
    size_t size;
    int err;

    memset(p, 0, sizeof *p);
    p->file = f;
    if ((err = read_exactly(f, &p->header, sizeof p->header, 0)) ||
        (err = check_header(&p->header)))
        return err;
    size = p->header.phnum * sizeof *p->segments;
    p->segments = kmalloc(size);
    if (!p->segments)
        return -ENOMEM;
    if ((err = read_exactly(f, p->segments, size, p->header.phoff)) || (err = check_segments(p))) {
        kfree(p->segments);
        p->segments = NULL;
    }
    return err;
}

static uint32_t protection(uint32_t flags)
{
    return (flags & PF_R ? PROT_READ : 0) | (flags & PF_W ? PROT_WRITE : 0) |
           (flags & PF_X ? PROT_EXEC : 0);
}

static const uint8_t zeros[256];

/* The file's bytes end inside a page; what follows in it is bss and must read as zero. */
static void clear_tail(struct mm *m, uint32_t from, uint32_t to)
{
    while (from < to) {
        uint32_t n = MIN(to - from, (uint32_t)sizeof zeros);

        if (vm_access(m, from, (void *)zeros, n, true) != (ssize_t)n)
            return; /* a read-only segment with bss: as the file would have it */
        from += n;
    }
}

static int map_segment(struct mm *m, const struct program *p, const struct segment *s)
{
    uint32_t start = (p->bias + s->vaddr) & PAGE_MASK;
    uint32_t file_end = p->bias + s->vaddr + s->filesz, end = p->bias + s->vaddr + s->memsz;
    uint32_t file_pages_end = s->filesz ? PAGE_ALIGN(file_end) : start;
    uint32_t prot = protection(s->flags);
    long at;

    if (file_pages_end > start) {
        at = vm_map(m, start, file_pages_end - start, prot, MAP_PRIVATE | MAP_FIXED, p->file,
                    s->offset & PAGE_MASK);
        if (IS_ERR((void *)at))
            return (int)at;
    }
    if (PAGE_ALIGN(end) > file_pages_end) {
        at = vm_map(m, file_pages_end, PAGE_ALIGN(end) - file_pages_end, prot,
                    MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS, NULL, 0);
        if (IS_ERR((void *)at))
            return (int)at;
    }
    if (s->memsz > s->filesz && s->filesz && (s->flags & PF_W))
        clear_tail(m, file_end, MIN(file_pages_end, end));
    return 0;
}

static void note_segment(struct mm *m, uint32_t start, const struct segment *s)
{
    if (s->flags & PF_X) {
        if (!m->code_start || start < m->code_start)
            m->code_start = start;
        m->code_end = MAX(m->code_end, start + s->filesz);
    } else if (s->flags & PF_W) {
        if (!m->data_start || start < m->data_start)
            m->data_start = start;
        m->data_end = MAX(m->data_end, start + s->filesz);
    }
}

static int map_program(struct mm *m, const struct program *p)
{
    for (unsigned i = 0; i < p->header.phnum; i++) {
        int err;

        if (p->segments[i].type != PT_LOAD || !p->segments[i].memsz)
            continue;
        if ((err = map_segment(m, p, &p->segments[i])))
            return err;
    }
    return 0;
}

/* Where the program finds its own segment table in memory: AT_PHDR. 0 when it is not mapped. */
static uint32_t phdr_address(const struct program *p)
{
    uint32_t offset = p->header.phoff, size = p->header.phnum * sizeof *p->segments;

    for (unsigned i = 0; i < p->header.phnum; i++) {
        const struct segment *s = &p->segments[i];

        if (s->type == PT_PHDR)
            return p->bias + s->vaddr;
    }
    for (unsigned i = 0; i < p->header.phnum; i++) {
        const struct segment *s = &p->segments[i];

        if (s->type == PT_LOAD && offset >= s->offset &&
            (uint64_t)offset + size <= (uint64_t)s->offset + s->filesz)
            return p->bias + s->vaddr + (offset - s->offset);
    }
    return 0;
}

/* A dynamic program names who is to load its libraries: map that too, and start there. */
static int load_interpreter(struct mm *m, const struct program *p, const struct segment *name,
                            struct elf_image *out)
{
    char path[256];
    struct program interp;
    struct file *f;
    long base;
    int err;

    if (name->filesz < 2 || name->filesz > sizeof path)
        return -ENOEXEC;
    if ((err = read_exactly(p->file, path, name->filesz, name->offset)))
        return err;
    if (path[name->filesz - 1])
        return -ENOEXEC;
    f = file_open(path, O_RDONLY, 0);
    if (IS_ERR(f))
        return (int)PTR_ERR(f);
    err = S_ISREG(f->inode->mode) ? program_open(&interp, f) : -EACCES;
    if (err)
        goto out;
    if (interp.header.type == ET_DYN) { /* reserve its whole span, then map over it */
        base = vm_map(m, 0, interp.high - interp.low, 0, MAP_PRIVATE | MAP_ANONYMOUS, NULL, 0);
        if (IS_ERR((void *)base)) {
            err = (int)base;
            goto out_segments;
        }
        interp.bias = (uint32_t)base - interp.low;
    }
    err = map_program(m, &interp);
    out->interp_base = interp.bias;
    out->start = interp.bias + interp.header.entry;
out_segments:
    kfree(interp.segments);
out:
    file_put(f);
    return err;
}

int elf_load(struct mm *m, struct file *f, struct elf_image *out)
{
    const struct segment *interp = NULL;
    struct program p;
    int err = program_open(&p, f);

    if (err)
        return err;
    if (p.header.type == ET_DYN) {
        p.bias = PIE_BASE - p.low;
        if (p.high - p.low > LOAD_HIGHEST - PIE_BASE) {
            err = -ENOEXEC;
            goto out;
        }
    }
    *out = (struct elf_image){.exec_stack = true};
    for (unsigned i = 0; i < p.header.phnum; i++) {
        const struct segment *s = &p.segments[i];

        if (s->type == PT_GNU_STACK)
            out->exec_stack = s->flags & PF_X;
        else if (s->type == PT_INTERP && !interp)
            interp = s;
        else if (s->type == PT_LOAD && s->memsz)
            note_segment(m, p.bias + s->vaddr, s);
    }
    if ((err = map_program(m, &p)))
        goto out;
    out->entry = out->start = p.bias + p.header.entry;
    out->phdr = phdr_address(&p);
    out->phnum = p.header.phnum;
    out->end = p.bias + p.high;
    if (interp)
        err = load_interpreter(m, &p, interp, out);
out:
    kfree(p.segments);
    return err;
}
