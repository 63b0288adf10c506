/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The parts of the x86 that the engine leaves to us, over plain structs: nothing in this folder
 * knows the engine, so all of it is tested without one. Facts: Intel SDM volume 3A, chapters 3
 * (segments), 4 (paging), 6 (interrupts), 7 (tasks) and 18 (I/O).
 */
#ifndef EMU_X86_X86_H
#define EMU_X86_X86_H

#include <stdbool.h>
#include <stdint.h>

#include "../addr.h"
#include "../mem.h"

enum { R_EAX, R_ECX, R_EDX, R_EBX, R_ESP, R_EBP, R_ESI, R_EDI };
enum { S_ES, S_CS, S_SS, S_DS, S_FS, S_GS, S_COUNT };

enum {
    X86_DE = 0, X86_DB = 1, X86_NMI = 2, X86_BP = 3, X86_OF = 4, X86_BR = 5, X86_UD = 6, X86_NM = 7,
    X86_DF = 8, X86_TS = 10, X86_NP = 11, X86_SS = 12, X86_GP = 13, X86_PF = 14, X86_MF = 16,
    X86_AC = 17, X86_MC = 18, X86_XM = 19,
};

enum {
    FL_CF = 1u << 0, FL_TF = 1u << 8, FL_IF = 1u << 9, FL_DF = 1u << 10, FL_IOPL = 3u << 12,
    FL_NT = 1u << 14, FL_RF = 1u << 16, FL_VM = 1u << 17, FL_AC = 1u << 18,
};
enum { CR0_PE = 1u << 0, CR0_TS = 1u << 3, CR0_WP = 1u << 16, CR0_PG = 1u << 31 };
enum { CR4_TSD = 1u << 2, CR4_DE = 1u << 3, CR4_PSE = 1u << 4, CR4_PAE = 1u << 5, CR4_PGE = 1u << 7, CR4_PCE = 1u << 8 };
enum { EFER_NXE = 1u << 11 };
enum { PF_P = 1, PF_W = 2, PF_U = 4, PF_RSVD = 8, PF_I = 16 };
enum { PTE_P = 1, PTE_W = 2, PTE_U = 4, PTE_A = 0x20, PTE_D = 0x40, PTE_PS = 0x80, PTE_G = 0x100 };

/* A segment register with its hidden part. flags are bits 8-23 of the descriptor's high dword,
   in place (mask 0x00F0FF00). */
struct x86_seg {
    uint32_t sel;
    uint32_t base, limit, flags;
};
struct x86_table {
    uint32_t base, limit;
};

/* The registers that system code works with; flat, so that it can be hashed and saved. */
struct x86_regs {
    uint32_t gpr[8];
    uint32_t eip, eflags;
    uint32_t cr0, cr2, cr3, cr4;
    struct x86_seg seg[S_COUNT];
    struct x86_seg ldt, tr;
    struct x86_table gdt, idt;
    uint32_t cpl;
    uint32_t shadow; /* 1: the instruction after STI or MOV SS has not run yet */
    uint32_t efer;
};

/* ---- paging (walk.c) ---- */

struct x86_walk {
    bool ok;
    uint32_t error;       /* of the #PF, when not ok */
    maddr_t addr;         /* when ok */
    uint32_t page_size;   /* 4096, 2 MiB, 4 MiB */
    bool writable, user, executable; /* all levels combined */
    unsigned levels;      /* entries read, from the top */
    maddr_t entry_at[3];
    uint64_t entry[3];
};

enum x86_access { X86_READ = 0, X86_WRITE = PF_W, X86_FETCH = PF_I };

/* Translate a linear address as the hardware would. user: the access has CPL 3's rights.
   set_ad: set accessed and dirty bits on the way, as a real access does. */
bool x86_walk(const struct x86_regs *r, struct mem *m, gva_t a, enum x86_access how, bool user,
              bool set_ad, struct x86_walk *out);

/* Linear memory, byte ranges that may cross pages. On a fault nothing has been written, *cr2 and
   *error say why. Addresses outside RAM read all ones and swallow writes. */
bool x86_read(const struct x86_regs *r, struct mem *m, gva_t a, void *to, uint32_t n, bool user,
              uint32_t *cr2, uint32_t *error);
bool x86_write(const struct x86_regs *r, struct mem *m, gva_t a, const void *from, uint32_t n,
               bool user, uint32_t *cr2, uint32_t *error);
/* As x86_read, without touching A bits, for debugger and listings: false where unmapped. */
bool x86_peek(const struct x86_regs *r, struct mem *m, gva_t a, void *to, uint32_t n);

/* ---- events: faults, software and external interrupts (deliver.c) ---- */

enum x86_event_kind { X86_EV_FAULT, X86_EV_SOFT, X86_EV_EXTERNAL, X86_EV_ICEBP };

struct x86_event {
    enum x86_event_kind kind;
    uint8_t vector;
    bool has_error;
    uint32_t error;
    uint32_t cr2; /* of a #PF */
    uint8_t len;  /* X86_EV_SOFT, X86_EV_ICEBP: length of the instruction; regs->eip is its start */
};

enum x86_delivered {
    X86_DELIVERED,
    X86_DELIVERED_FAULT, /* another fault came on the way and was delivered instead */
    X86_TRIPLE,          /* shutdown: the registers are as before */
};

/*
 * Take an event through IDT, gate, descriptors and TSS, as SDM 3A 6.12 says: DPL check, stack
 * switch, error code, flags; a fault on the way becomes #DF or is delivered in its place
 * (table 6-5), a fault in #DF is a triple fault. Task gates are taken as #TS-free task switches
 * where valid (dev note in deliver.c says what is supported). last, if not NULL, receives
 * the event that was delivered in the end.
 */
enum x86_delivered x86_deliver(struct x86_regs *r, struct mem *m, const struct x86_event *ev,
                               struct x86_event *last);

/* ---- descriptors (desc.c) ---- */

struct x86_desc {
    uint32_t lo, hi;
};
uint32_t x86_desc_base(struct x86_desc d);
uint32_t x86_desc_limit(struct x86_desc d); /* in bytes, granularity applied */
/* The descriptor of a selector from GDT or LDT; false when outside the table or unreadable. */
bool x86_desc_read(const struct x86_regs *r, struct mem *m, uint16_t sel, struct x86_desc *out);
struct x86_seg x86_seg_load(uint16_t sel, struct x86_desc d);

/* ---- I/O permission (io.c) ---- */

/* May code with these registers use ports [port, port+size)? CPL <= IOPL, else the TSS bitmap. */
bool x86_io_allowed(const struct x86_regs *r, struct mem *m, uint16_t port, unsigned size);

/* ---- instructions (insn.c; the only file that includes Zydis) ---- */

/* What the engine's room must know about one instruction. */
enum x86_sensitive {
    INSN_PLAIN,
    INSN_IN, INSN_OUT, INSN_INS, INSN_OUTS, /* ports */
    INSN_CPUID, INSN_RDTSC, INSN_RDTSCP, INSN_RDMSR, INSN_WRMSR, INSN_RDPMC,
    INSN_MOV_FROM_DR, INSN_MOV_TO_DR, INSN_MOV_TO_CR3,
    INSN_SYSENTER, INSN_SYSEXIT, INSN_SYSCALL, INSN_ICEBP, INSN_HLT, INSN_IRET,
};
struct x86_insn {
    uint8_t length; /* 0: not an instruction, or cut by the end of the buffer */
    uint8_t sensitive; /* enum x86_sensitive */
    bool ends_block;   /* branches, int, iret, hlt, and what else makes the engine end a block */
    bool rep;          /* F2 or F3 before a string instruction */
    uint8_t reg;       /* the general register of MOV DR, MOV CR3 */
    uint8_t special;   /* DR number */
    uint8_t size;      /* operand bytes of port instructions: 1, 2, 4; of IRET: 2, 4 */
    bool addr16;       /* 67h: a string instruction uses SI/DI/CX */
    uint8_t seg;       /* S_*: of OUTS' source */
    bool imm_port;     /* port in the instruction, else in DX */
    uint8_t port;
    bool helped;       /* may access memory in a helper of the engine's, which does not store EIP */
};
/* Decode one instruction; code32: the D bit of CS. */
bool x86_decode(const uint8_t *bytes, uint32_t available, bool code32, struct x86_insn *out);
/* The linear addresses of its memory operands, implied ones included, as far as the registers tell
   now; how many of max. */
unsigned x86_operands(const uint8_t *bytes, uint32_t available, bool code32,
                      const struct x86_regs *r, gva_t *at, unsigned max);
/* Intel-syntax text of one instruction; its length, or 0. */
uint32_t x86_format(const uint8_t *bytes, uint32_t available, uint32_t eip, bool code32, char *text,
                    uint32_t size);
const char *x86_decoder_version(void);

#endif
