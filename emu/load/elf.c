/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ELF: a kernel's program headers say which bytes of the file go to which physical addresses. That
 * is all a loader needs; sections and symbols are for debuggers. (Tool Interface Standard, ELF
 * Specification 1.2, book I chapters 1 and 2, and book III for i386.)
 *
 * p_paddr is where a segment is loaded, p_vaddr where it will be seen once the kernel has turned
 * paging on. A kernel linked for C0100000 and loaded at 100000 has both, and its e_entry may be
 * given as either: Linux gives the physical one, many small kernels the virtual one.
 */
#include "internal.h"

#include <elf.h>
#include <string.h>

bool elf_is(const struct image *img)
{
    return img->size >= SELFMAG && !memcmp(img->data, ELFMAG, SELFMAG);
}

static const char *machine_name(unsigned machine)
{
    static const struct {
        unsigned machine;
        const char *name;
    } known[] = {
        {EM_SPARC, "SPARC"},   {EM_68K, "Motorola 68000"},   {EM_MIPS, "MIPS"},
        {EM_PPC, "PowerPC"},   {EM_PPC64, "64-bit PowerPC"}, {EM_S390, "IBM S/390"},
        {EM_ARM, "ARM"},       {EM_SPARCV9, "64-bit SPARC"}, {EM_IA_64, "Itanium"},
        {EM_X86_64, "x86-64"}, {EM_AARCH64, "64-bit ARM"},   {EM_RISCV, "RISC-V"},
    };

    for (unsigned i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (known[i].machine == machine)
            return known[i].name;
    }
    return NULL;
}

static const char *const type_name[] = {
    [ET_NONE] = "of no type",    [ET_REL] = "an object file that has not been linked",
    [ET_EXEC] = "an executable", [ET_DYN] = "a shared object or position-independent program",
    [ET_CORE] = "a core dump",
};

static bool check_header(const struct image *img, Elf32_Ehdr *h, struct err *err)
{
    if (img->size < EI_NIDENT)
        return image_bad(img, img->size, err, "the ELF header is cut off");

    const uint8_t *id = img->data;
    if (id[EI_CLASS] != ELFCLASS32 && id[EI_CLASS] != ELFCLASS64)
        return image_bad(img, EI_CLASS, err, "ELF class %u is neither 32 nor 64 bits",
                         id[EI_CLASS]);
    if (id[EI_DATA] != ELFDATA2LSB)
        return image_bad(img, EI_DATA, err, "not a little-endian ELF file: not for i386");

    /* e_machine is at the same place in both classes. */
    const char *name = image_has(img, 18, 2) ? machine_name(get16(id + 18)) : NULL;
    if (id[EI_CLASS] == ELFCLASS64)
        return image_bad(img, EI_CLASS, err,
                         "a 64-bit ELF file%s%s%s; this machine is a 32-bit i386", name ? " (" : "",
                         name ? name : "", name ? ")" : "");
    if (img->size < sizeof *h)
        return image_bad(img, img->size, err, "the ELF header is cut off");
    memcpy(h, img->data, sizeof *h);

    if (h->e_machine != EM_386 && name)
        return image_bad(img, 18, err, "an ELF file for %s; this machine is an i386", name);
    if (h->e_machine != EM_386)
        return image_bad(img, 18, err, "an ELF file for machine %u; this one is an i386 (3)",
                         h->e_machine);
    if (id[EI_VERSION] != EV_CURRENT || h->e_version != EV_CURRENT)
        return image_bad(img, EI_VERSION, err, "not ELF version 1");
    if (h->e_type != ET_EXEC)
        return image_bad(img, 16, err, "this ELF file is %s, not an executable",
                         h->e_type <= ET_CORE ? type_name[h->e_type] : "of an unknown type");
    if (!h->e_phnum)
        return image_bad(img, 44, err, "no program headers: nothing to load");
    if (h->e_phentsize != sizeof(Elf32_Phdr))
        return image_bad(img, 42, err, "program headers of %u bytes instead of %zu", h->e_phentsize,
                         sizeof(Elf32_Phdr));
    if (!image_has(img, h->e_phoff, (uint64_t)h->e_phnum * sizeof(Elf32_Phdr)))
        return image_bad(img, 28, err, "%u program headers at 0x%x: not all inside the file",
                         h->e_phnum, h->e_phoff);
    return true;
}

static Elf32_Phdr program_header(const struct image *img, const Elf32_Ehdr *h, unsigned i)
{
    Elf32_Phdr ph;

    memcpy(&ph, img->data + h->e_phoff + i * sizeof ph, sizeof ph);
    return ph;
}

static bool load_segment(struct place *p, const struct image *img, uint64_t at,
                         const Elf32_Phdr *ph, struct err *err)
{
    if (ph->p_filesz > ph->p_memsz)
        return image_bad(img, at, err,
                         "a segment with more bytes in the file (%u) than in memory "
                         "(%u)",
                         ph->p_filesz, ph->p_memsz);
    if (!image_has(img, ph->p_offset, ph->p_filesz))
        return image_bad(img, at, err,
                         "a segment's bytes (0x%x at 0x%x) reach past the end of the "
                         "file: truncated?",
                         ph->p_filesz, ph->p_offset);
    if (!ph->p_memsz)
        return true;

    uint64_t end = (uint64_t)ph->p_paddr + ph->p_memsz;
    if (end > 1ull << 32)
        return image_bad(img, at, err, "segment %08x-%llx wraps around the 32-bit address space",
                         ph->p_paddr, (unsigned long long)end);
    const char *why = place_not_ram(p, ph->p_paddr, ph->p_memsz);
    if (why)
        return image_bad(img, at, err, "segment %08x-%08llx lies %s (RAM: %llu MiB)", ph->p_paddr,
                         (unsigned long long)end, why,
                         (unsigned long long)(mem_bytes(p->mem) >> 20));
    const struct place_range *other = place_overlap(p, ph->p_paddr, ph->p_memsz);
    if (other)
        return image_bad(img, at, err, "segment %08x-%08llx overlaps another one at %08llx-%08llx",
                         ph->p_paddr, (unsigned long long)end, (unsigned long long)other->start,
                         (unsigned long long)other->end);
    if (!place_take(p, ph->p_paddr, ph->p_memsz))
        return image_bad(img, at, err, "more than %u segments", PLACE_MAX);
    if (ph->p_filesz &&
        !mem_write(p->mem, MADDR(ph->p_paddr), img->data + ph->p_offset, ph->p_filesz))
        return image_bad(img, at, err, "the segment cannot be written to RAM");
    return true; /* the rest of it is zero: RAM is */
}

/* The physical entry; the header's may be physical already, or virtual. */
static bool find_entry(const struct image *img, const Elf32_Ehdr *h, uint32_t *entry)
{
    for (int virtual = 0; virtual < 2; virtual ++) {
        for (unsigned i = 0; i < h->e_phnum; i++) {
            Elf32_Phdr ph = program_header(img, h, i);
            uint32_t start = virtual ? ph.p_vaddr : ph.p_paddr;
            if (ph.p_type == PT_LOAD && h->e_entry >= start && h->e_entry - start < ph.p_memsz) {
                *entry = h->e_entry - start + ph.p_paddr;
                return true;
            }
        }
    }
    return false;
}

bool elf_load(struct place *p, const struct image *img, struct elf_loaded *out, struct err *err)
{
    Elf32_Ehdr h;

    if (!check_header(img, &h, err))
        return false;
    *out = (struct elf_loaded){.start = UINT32_MAX};
    for (unsigned i = 0; i < h.e_phnum; i++) {
        uint64_t at = h.e_phoff + (uint64_t)i * sizeof(Elf32_Phdr);
        Elf32_Phdr ph = program_header(img, &h, i);
        if (ph.p_type == PT_INTERP)
            return image_bad(img, at, err, "a dynamically linked program, not a kernel");
        if (ph.p_type != PT_LOAD)
            continue;
        if (!load_segment(p, img, at, &ph, err))
            return false;
        if (!ph.p_memsz)
            continue;
        if (ph.p_paddr < out->start)
            out->start = ph.p_paddr;
        if (ph.p_paddr + ph.p_memsz > out->end)
            out->end = ph.p_paddr + ph.p_memsz; /* below 4 GiB: RAM ends at 3 */
    }
    if (!out->end)
        return image_bad(img, h.e_phoff, err, "no segment to load");
    if (!find_entry(img, &h, &out->entry))
        return image_bad(img, 24, err, "the entry point %08x lies in no segment", h.e_entry);
    return true;
}
