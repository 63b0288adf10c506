/* SPDX-License-Identifier: GPL-2.0-only */
/* ELF symbols. (Tool Interface Standard, ELF Specification 1.2, book I.) */
#include "kernel.h"

#include <elf.h>
#include <stdlib.h>
#include <string.h>

struct kernel {
    struct image image;
    Elf32_Ehdr header;
    struct kernel_symbol *symbol;
    unsigned symbols;
};

/* Is [at, at + n) inside the file? */
static bool has(const struct image *f, uint64_t at, uint64_t n)
{
    return at <= f->size && n <= f->size - at;
}

static bool read_header(struct kernel *k, struct err *err)
{
    const struct image *f = &k->image;
    const uint8_t *id = f->data;

    if (f->size < sizeof k->header || memcmp(id, ELFMAG, SELFMAG) != 0)
        return err_set(err, ERR_FILE, "%s: not an ELF file; its symbols cannot be read", f->name);
    if (id[EI_CLASS] != ELFCLASS32 || id[EI_DATA] != ELFDATA2LSB)
        return err_set(err, ERR_FILE, "%s: not a 32-bit little-endian ELF file", f->name);
    memcpy(&k->header, f->data, sizeof k->header);
    if (k->header.e_machine != EM_386)
        return err_set(err, ERR_FILE, "%s: an ELF file for another machine than i386", f->name);
    if (k->header.e_shnum && k->header.e_shentsize != sizeof(Elf32_Shdr))
        return err_set(err, ERR_FILE, "%s: section headers of %u bytes, not %zu", f->name,
                       k->header.e_shentsize, sizeof(Elf32_Shdr));
    if (k->header.e_phnum && k->header.e_phentsize != sizeof(Elf32_Phdr))
        return err_set(err, ERR_FILE, "%s: program headers of %u bytes, not %zu", f->name,
                       k->header.e_phentsize, sizeof(Elf32_Phdr));
    return true;
}

static bool section(const struct kernel *k, unsigned i, Elf32_Shdr *out)
{
    uint64_t at = k->header.e_shoff + (uint64_t)i * sizeof *out;

    if (i >= k->header.e_shnum || !has(&k->image, at, sizeof *out))
        return false;
    memcpy(out, k->image.data + at, sizeof *out);
    return true;
}

/* By address; at the same address functions first, then the longer one, then by name. */
static int by_address(const void *a, const void *b)
{
    const struct kernel_symbol *x = a, *y = b;

    if (x->addr != y->addr)
        return x->addr < y->addr ? -1 : 1;
    if (x->function != y->function)
        return x->function ? -1 : 1;
    if (x->size != y->size)
        return x->size > y->size ? -1 : 1;
    return strcmp(x->name, y->name);
}

static bool wanted(const Elf32_Sym *s)
{
    unsigned type = ELF32_ST_TYPE(s->st_info);

    return s->st_shndx != SHN_UNDEF && s->st_shndx != SHN_ABS && s->st_name &&
           (type == STT_FUNC || type == STT_OBJECT || type == STT_NOTYPE);
}

static bool read_symbols(struct kernel *k, const Elf32_Shdr *table, const Elf32_Shdr *strings,
                         struct err *err)
{
    const struct image *f = &k->image;
    const char *text = (const char *)f->data + strings->sh_offset;
    unsigned n = table->sh_size / sizeof(Elf32_Sym);

    /* The last name must end, then they all do. */
    if (!strings->sh_size || text[strings->sh_size - 1] != '\0')
        return err_set(err, ERR_FILE, "%s: the last name of the symbol table does not end",
                       f->name);
    k->symbol = calloc(n ? n : 1, sizeof *k->symbol);
    if (!k->symbol)
        return err_set(err, ERR_SYSTEM, "out of memory");
    for (unsigned i = 0; i < n; i++) {
        Elf32_Sym s;
        memcpy(&s, f->data + table->sh_offset + i * sizeof s, sizeof s);
        if (!wanted(&s))
            continue;
        if (s.st_name >= strings->sh_size)
            return err_set(err, ERR_FILE, "%s: symbol %u has its name outside the file's names",
                           f->name, i);
        k->symbol[k->symbols++] = (struct kernel_symbol){
            .name = text + s.st_name,
            .addr = s.st_value,
            .size = s.st_size,
            .function = ELF32_ST_TYPE(s.st_info) == STT_FUNC,
        };
    }
    qsort(k->symbol, k->symbols, sizeof *k->symbol, by_address);
    return true;
}

/* type: of the table, SHT_SYMTAB or SHT_DYNSYM. False without err: there is none. */
static bool find_symbols(struct kernel *k, uint32_t type, struct err *err)
{
    Elf32_Shdr table, strings;

    for (unsigned i = 0; section(k, i, &table); i++) {
        if (table.sh_type != type)
            continue;
        if (!section(k, table.sh_link, &strings) || strings.sh_type != SHT_STRTAB ||
            !has(&k->image, table.sh_offset, table.sh_size) ||
            !has(&k->image, strings.sh_offset, strings.sh_size))
            return err_set(err, ERR_FILE, "%s: the symbol table is cut off", k->image.name);
        return read_symbols(k, &table, &strings, err);
    }
    return false;
}

static struct kernel *new_kernel(const struct image *image, struct err *err)
{
    struct kernel *k = calloc(1, sizeof *k);

    if (!k) {
        err_set(err, ERR_SYSTEM, "out of memory");
        return NULL;
    }
    k->image = *image;
    if (read_header(k, err))
        return k;
    kernel_close(k);
    return NULL;
}

struct kernel *kernel_open(const struct image *image, struct err *err)
{
    struct kernel *k = new_kernel(image, err);
    struct err why = {0};

    if (!k || find_symbols(k, SHT_SYMTAB, &why))
        return k;
    if (why.class)
        err_set(err, why.class, "%s", why.text);
    else
        err_set(err, ERR_FILE, "%s: no symbol table (stripped?)", image->name);
    kernel_close(k);
    return NULL;
}

struct kernel *kernel_open_any(const struct image *image, struct err *err)
{
    struct kernel *k = new_kernel(image, err);

    if (k && !find_symbols(k, SHT_SYMTAB, NULL)) {
        free(k->symbol);
        k->symbol = NULL;
        k->symbols = 0;
        if (!find_symbols(k, SHT_DYNSYM, NULL))
            k->symbols = 0; /* half of a damaged table is not sorted */
    }
    return k;
}

void kernel_close(struct kernel *k)
{
    if (!k)
        return;
    free(k->symbol);
    free(k);
}

const struct image *kernel_image(const struct kernel *k)
{
    return &k->image;
}

const struct kernel_symbol *kernel_symbols(const struct kernel *k, unsigned *n)
{
    *n = k->symbols;
    return k->symbol;
}

const struct kernel_symbol *kernel_find(const struct kernel *k, const char *name)
{
    for (unsigned i = 0; i < k->symbols; i++)
        if (!strcmp(k->symbol[i].name, name))
            return &k->symbol[i];
    return NULL;
}

const struct kernel_symbol *kernel_symbol_at(const struct kernel *k, uint32_t addr)
{
    unsigned low = 0, high = k->symbols; /* the first symbol beyond addr is in [low, high] */

    while (low < high) {
        unsigned middle = low + (high - low) / 2;
        if (k->symbol[middle].addr <= addr)
            low = middle + 1;
        else
            high = middle;
    }
    /* Labels inside a function (no size) lie between it and us: look a little further back. */
    for (unsigned i = low, looked = 0; i-- > 0 && looked < 64; looked++) {
        const struct kernel_symbol *s = &k->symbol[i];
        if (addr - s->addr < s->size || (addr == s->addr && !s->size)) {
            while (i > 0 && k->symbol[i - 1].addr == s->addr)
                s = &k->symbol[--i]; /* the first of several names: see by_address() */
            return s;
        }
    }
    return NULL;
}

uint32_t kernel_entry(const struct kernel *k)
{
    return k->header.e_entry;
}

bool kernel_covers(const struct kernel *k, uint32_t addr)
{
    for (unsigned i = 0; i < k->header.e_phnum; i++) {
        Elf32_Phdr p;
        uint64_t at = k->header.e_phoff + (uint64_t)i * sizeof p;
        if (!has(&k->image, at, sizeof p))
            return false;
        memcpy(&p, k->image.data + at, sizeof p);
        if (p.p_type == PT_LOAD && addr - p.p_vaddr < p.p_memsz)
            return true;
    }
    return false;
}

const uint8_t *kernel_bytes(const struct kernel *k, uint32_t addr, uint32_t n)
{
    for (unsigned i = 0; i < k->header.e_phnum; i++) {
        Elf32_Phdr p;
        uint64_t at = k->header.e_phoff + (uint64_t)i * sizeof p;
        if (!has(&k->image, at, sizeof p))
            return NULL;
        memcpy(&p, k->image.data + at, sizeof p);
        uint32_t within = addr - p.p_vaddr;
        if (p.p_type != PT_LOAD || addr < p.p_vaddr || within > p.p_filesz ||
            n > p.p_filesz - within)
            continue;
        return has(&k->image, (uint64_t)p.p_offset + within, n)
                   ? k->image.data + p.p_offset + within
                   : NULL;
    }
    return NULL;
}
