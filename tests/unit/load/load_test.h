/* SPDX-License-Identifier: GPL-2.0-only */
/* Small images made by hand for the tests of the loaders, and what is asked of a refusal. */
#ifndef TESTS_UNIT_LOAD_TEST_H
#define TESTS_UNIT_LOAD_TEST_H

#include "unit.h"

#include "load/load.h"
#include "load/internal.h"

#include <elf.h> /* after x86.h: both have names that begin with PF_ */

#define RAM (16ull << 20)

/* An ELF file with up to four segments, each with 0x100 bytes of its own number from 0x1000 on. */
struct test_elf {
    Elf32_Ehdr h;
    Elf32_Phdr ph[4];
    uint8_t pad[0x1000 - sizeof(Elf32_Ehdr) - 4 * sizeof(Elf32_Phdr)];
    uint8_t bytes[4][0x100];
};

static inline struct test_elf good_elf(void)
{
    struct test_elf e = {
        .h =
            {
                .e_ident = {0x7F, 'E', 'L', 'F', ELFCLASS32, ELFDATA2LSB, EV_CURRENT},
                .e_type = ET_EXEC,
                .e_machine = EM_386,
                .e_version = EV_CURRENT,
                .e_entry = 0x100010,
                .e_phoff = sizeof(Elf32_Ehdr),
                .e_ehsize = sizeof(Elf32_Ehdr),
                .e_phentsize = sizeof(Elf32_Phdr),
                .e_phnum = 2,
            },
    };

    for (unsigned i = 0; i < 4; i++) {
        e.ph[i] = (Elf32_Phdr){
            .p_type = PT_LOAD,
            .p_offset = (uint32_t)offsetof(struct test_elf, bytes[i]),
            .p_vaddr = 0x100000 + i * 0x10000,
            .p_paddr = 0x100000 + i * 0x10000,
            .p_filesz = 0x100,
            .p_memsz = 0x1000,
            .p_flags = PF_R | PF_W | PF_X,
            .p_align = 0x1000,
        };
        memset(e.bytes[i], (int)(0x11 * (i + 1)), sizeof e.bytes[i]);
    }
    return e;
}

static inline struct boot_request request(const void *data, size_t size)
{
    return (struct boot_request){.kernel = {data, size, "kernel.img"}};
}

/* It is refused, as a file, with its name and these words; and with every buffer exactly as long
   as the file, so that the sanitizers see a step too far. */
static inline void refuse(const void *data, size_t size, const char *words)
{
    struct mem *m = mem_new(RAM, NULL);
    uint8_t *exact = malloc(size ? size : 1);
    struct boot_request rq = request(exact, size);
    struct boot_info info;
    struct err err = {.class = ERR_NONE};

    memcpy(exact, data, size);
    assert_false(boot_load(m, &rq, &info, &err));
    assert_int_equal(err.class, ERR_FILE);
    assert_non_null(strstr(err.text, "kernel.img"));
    if (!strstr(err.text, words))
        fail_msg("expected \"%s\" in: %s", words, err.text);
    free(exact);
    mem_free(m);
}

static inline void check_flat(struct mem *m, const struct x86_regs *r)
{
    assert_int_equal(r->seg[S_CS].sel, 0x10);
    assert_int_equal(r->seg[S_SS].sel, 0x18);
    assert_int_equal(r->seg[S_DS].limit, 0xFFFFFFFFu);
    assert_int_equal(r->seg[S_CS].flags, 0xC09B00);
    assert_int_equal(r->cr0 & (CR0_PE | CR0_PG), CR0_PE);
    assert_int_equal(r->eflags, 2);
    assert_int_equal(r->cpl, 0);
    /* The GDT in RAM says the same as the hidden parts. */
    uint8_t d[8];
    assert_true(mem_read(m, MADDR(r->gdt.base + 0x10), d, 8));
    assert_int_equal(get32(d), 0x0000FFFF);
    assert_int_equal(get32(d + 4), 0x00CF9B00);
    assert_true(mem_read(m, MADDR(r->gdt.base + 0x18), d, 8));
    assert_int_equal(get32(d + 4), 0x00CF9300);
}

static inline uint32_t ram32(struct mem *m, uint32_t at)
{
    uint8_t b[4];

    assert_true(mem_read(m, MADDR(at), b, 4));
    return get32(b);
}

#endif
