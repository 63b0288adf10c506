/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the hooks talk about: opaque page-table entries, descriptors, selectors, the TSS.
 * Sources of the layouts: Intel SDM volume 3, chapters 3 to 7; the GDT's order is Linux i386's,
 * because hypervisors know it.
 */
/* clang-format off: laid out by hand, as tables */
#ifndef PV_TYPES_H
#define PV_TYPES_H

/* ---- selectors ---- */

#define GDT_ENTRIES      32
#define GDT_TLS          6 /* to 8: thread-local storage */
#define GDT_KERNEL_CS    12
#define GDT_KERNEL_DS    13
#define GDT_USER_CS      14
#define GDT_USER_DS      15
#define GDT_TSS          16
#define GDT_LDT          17
#define GDT_DOUBLE_FAULT 31

/* Without the RPL, which is pv_info.kernel_rpl and not known before boot. */
#define KERNEL_CS (GDT_KERNEL_CS * 8)
#define KERNEL_DS (GDT_KERNEL_DS * 8)
#define USER_CS   (GDT_USER_CS * 8 + 3)
#define USER_DS   (GDT_USER_DS * 8 + 3)

/* ---- bits of EFLAGS, CR0, CR4, page-table entries, page-fault error codes ---- */

#define EFLAGS_TF 0x100
#define EFLAGS_IF 0x200
#define EFLAGS_DF 0x400
#define EFLAGS_NT 0x4000
#define EFLAGS_RF 0x10000
#define EFLAGS_AC 0x40000

#define DR6_STEP 0x4000

#define CR0_MP 0x2
#define CR0_EM 0x4
#define CR0_TS 0x8
#define CR0_NE 0x20
#define CR0_WP 0x10000
#define CR0_PG 0x80000000

#define CR4_PAE        0x20
#define CR4_OSFXSR     0x200
#define CR4_OSXMMEXCPT 0x400

#define MSR_EFER 0xC0000080
#define EFER_NX  0x800

#define PTE_P  0x1
#define PTE_W  0x2
#define PTE_U  0x4
#define PTE_A  0x20
#define PTE_D  0x40
#define PTE_HELD 0x200 /* ours to use: a page is here, though P is clear (PROT_NONE) */

#define PF_PROTECTION 0x1 /* the page was there; else it was not */
#define PF_WRITE      0x2
#define PF_USER       0x4
#define PF_RESERVED   0x8
#define PF_EXEC       0x10

#ifndef __ASSEMBLER__
#include "../lib/types.h"

typedef const char *cstr_t;

#define PTE_NX    (1ull << 63)
#define PTE_FRAME 0x000FFFFFFFFFF000ull

/*
 * Page-table entries as the hardware (or the hypervisor) holds them. Only pte_val() and make_pte()
 * look inside: under Xen the frame number in there is not one of ours.
 */
typedef struct {
    uint64_t raw;
} pte_t;
typedef struct {
    uint64_t raw;
} pmd_t;
typedef struct {
    uint64_t raw;
} pgd_t;
typedef pgd_t pud_t; /* PAE has three levels; Linux folds the fourth into the top one */

struct desc {
    uint32_t low, high;
};
_Static_assert(sizeof(struct desc) == 8, "a descriptor is 8 bytes");

struct desc_ptr {
    uint16_t limit;
    uint32_t base;
} __packed;

/* What write_gdt_entry is told about the entry. */
enum { DESC_SEGMENT, DESC_TSS, DESC_LDT };

struct tss {
    uint16_t link, link_h;
    uint32_t sp0;
    uint16_t ss0, ss0_h;
    uint32_t sp1;
    uint16_t ss1, ss1_h;
    uint32_t sp2;
    uint16_t ss2, ss2_h;
    uint32_t cr3, eip, eflags, eax, ecx, edx, ebx, esp, ebp, esi, edi;
    uint16_t es, es_h, cs, cs_h, ss, ss_h, ds, ds_h, fs, fs_h, gs, gs_h, ldt, ldt_h;
    uint16_t trace, io_bitmap;
};
_Static_assert(sizeof(struct tss) == 104, "the TSS of the manual");

struct spinlock {
    uint32_t ticket; /* low half: who is served; high half: the next ticket */
};

struct mm;
struct task;
#endif

#endif
