/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * From the catalogue to C: the structs of hooks, their numbers, and for every hook an inline
 * wrapper pv_NAME() that is one patchable call.
 *
 * A call through the table is the six bytes "call *pv_mmu_ops+offset", and beside it, in the
 * section .parainstructions, a record: where the bytes are, which hook, how long, which registers
 * the site can spare. At boot apply_paravirt() (patch.c) visits all records and writes something
 * better in place: a direct call, the instruction itself, or nothing. The idea and the record are
 * Linux's; this header is worth reading beside its PVOP_CALL macros.
 */
/* clang-format off: laid out by hand, as tables */
#ifndef PV_CALL_H
#define PV_CALL_H

#include "types.h"

/* ---- the structs: pv_mmu_ops.set_pte and so on ---- */

#define A0()                                         (void)
#define A1(t1, n1)                                   (t1 n1)
#define A2(t1, n1, t2, n2)                           (t1 n1, t2 n2)
#define A3(t1, n1, t2, n2, t3, n3)                   (t1 n1, t2 n2, t3 n3)
#define A4(t1, n1, t2, n2, t3, n3, t4, n4)           (t1 n1, t2 n2, t3 n3, t4 n4)
#define A5(t1, n1, t2, n2, t3, n3, t4, n4, t5, n5)   (t1 n1, t2 n2, t3 n3, t4 n4, t5 n5)
#define A1D                                          A1
#define A2D                                          A2
#define A4D                                          A4
#define A3DD                                         A3

/* A pointer that follows the callee-save convention must not be called as a C function. */
struct paravirt_callee_save {
    void (*func)(void);
};

#define PV_MEMBER_REGPARM(ret, name, args)     ret(*name) args;
#define PV_MEMBER_JUMP(ret, name, args)        ret(*name) args;
#define PV_MEMBER_CALLEE_SAVE(ret, name, args) struct paravirt_callee_save name;

#define PV_ONLY_init(x)
#define PV_ONLY_time(x)
#define PV_ONLY_cpu(x)
#define PV_ONLY_irq(x)
#define PV_ONLY_apic(x)
#define PV_ONLY_mmu(x)
#define PV_ONLY_lock(x)
#define HOOK(group, name, ret, conv, args, meaning) PV_ONLY_##group(PV_MEMBER_##conv(ret, name, args))

#undef PV_ONLY_init
#define PV_ONLY_init(x) x
struct pv_init_ops {
#include "abi/pv_hooks.def"
};
#undef PV_ONLY_init
#define PV_ONLY_init(x)

#undef PV_ONLY_time
#define PV_ONLY_time(x) x
struct pv_time_ops {
#include "abi/pv_hooks.def"
};
#undef PV_ONLY_time
#define PV_ONLY_time(x)

#undef PV_ONLY_cpu
#define PV_ONLY_cpu(x) x
struct pv_cpu_ops {
#include "abi/pv_hooks.def"
};
#undef PV_ONLY_cpu
#define PV_ONLY_cpu(x)

#undef PV_ONLY_irq
#define PV_ONLY_irq(x) x
struct pv_irq_ops {
#include "abi/pv_hooks.def"
};
#undef PV_ONLY_irq
#define PV_ONLY_irq(x)

#undef PV_ONLY_apic
#define PV_ONLY_apic(x) x
struct pv_apic_ops {
#include "abi/pv_hooks.def"
};
#undef PV_ONLY_apic
#define PV_ONLY_apic(x)

#undef PV_ONLY_mmu
#define PV_ONLY_mmu(x) x
struct pv_mmu_ops {
#include "abi/pv_hooks.def"
};
#undef PV_ONLY_mmu
#define PV_ONLY_mmu(x)

#undef PV_ONLY_lock
#define PV_ONLY_lock(x) x
struct pv_lock_ops {
#include "abi/pv_hooks.def"
};
#undef PV_ONLY_lock
#undef HOOK

/* What a backend says about itself; data, not calls. */
struct pv_info {
    uint32_t kernel_rpl;         /* the ring the kernel runs in, for every kernel selector */
    uint32_t shared_kernel_pmd;  /* one kernel page middle directory for all address spaces? */
    uint32_t paravirt_enabled;   /* is there a hypervisor at all? */
    const char *name;
};

extern struct pv_info pv_info;
extern struct pv_init_ops pv_init_ops;
extern struct pv_time_ops pv_time_ops;
extern struct pv_cpu_ops pv_cpu_ops;
extern struct pv_irq_ops pv_irq_ops;
extern struct pv_apic_ops pv_apic_ops;
extern struct pv_mmu_ops pv_mmu_ops;
extern struct pv_lock_ops pv_lock_ops;

/* ---- the numbers of the hooks: "type" in a record ---- */

enum pv_type {
#define HOOK(group, name, ret, conv, args, meaning) PV_TYPE_##name,
#include "abi/pv_hooks.def"
#undef HOOK
    PV_HOOKS
};
_Static_assert(PV_HOOKS <= 256, "the type of a site is one byte");
_Static_assert(sizeof(struct pv_init_ops) + sizeof(struct pv_time_ops) + sizeof(struct pv_cpu_ops) +
                       sizeof(struct pv_irq_ops) + sizeof(struct pv_apic_ops) +
                       sizeof(struct pv_mmu_ops) + sizeof(struct pv_lock_ops) ==
                   PV_HOOKS * sizeof(void *),
               "every hook is one word, and none is forgotten");

/* Registers that a site can spare. */
enum { CLBR_NONE = 0, CLBR_EAX = 1, CLBR_ECX = 2, CLBR_EDX = 4, CLBR_EDI = 8, CLBR_ANY = 15 };

struct paravirt_patch_site {
    uint8_t *instr;
    uint8_t type, len;
    uint16_t clobbers;
};
_Static_assert(sizeof(struct paravirt_patch_site) == 8, "Linux's record");

#undef A0
#undef A1
#undef A2
#undef A3
#undef A4
#undef A5
#undef A1D
#undef A2D
#undef A4D
#undef A3DD

/* ---- the wrappers ---- */

/* One value as a word, and the halves of one that is two words long. */
#define PV_W(x)  ((uint32_t)(x))
#define PV_D(x)  (((union { __typeof__(x) v; uint64_t u; }){ .v = (x) }).u)
#define PV_LO(x) ((uint32_t)PV_D(x))
#define PV_HI(x) ((uint32_t)(PV_D(x) >> 32))

/*
 * Each list of arguments becomes four things: the parameters, the operands in registers, the pushes
 * before the call and the clean-up after it.
 */
#define PV_UNWRAP(...) __VA_ARGS__
#define PV_EAX(x)      , "a"(x)
#define PV_EDX(x)      , "d"(x)
#define PV_ECX(x)      , "c"(x)
#define PV_S0(x)       , [s0] "r"(x)
#define PV_S1(x)       , [s1] "r"(x)
#define PV_PUSH1       "pushl %[s0]\n", "leal 4(%%esp), %%esp\n"
#define PV_PUSH2       "pushl %[s1]\npushl %[s0]\n", "leal 8(%%esp), %%esp\n"
#define PV_PUSH0       "", ""

#define A0()           (void), (), PV_PUSH0
#define A1(t1, n1)     (t1 n1), (PV_EAX(PV_W(n1))), PV_PUSH0
#define A2(t1, n1, t2, n2) (t1 n1, t2 n2), (PV_EAX(PV_W(n1)) PV_EDX(PV_W(n2))), PV_PUSH0
#define A3(t1, n1, t2, n2, t3, n3)                                                                 \
    (t1 n1, t2 n2, t3 n3), (PV_EAX(PV_W(n1)) PV_EDX(PV_W(n2)) PV_ECX(PV_W(n3))), PV_PUSH0
#define A4(t1, n1, t2, n2, t3, n3, t4, n4)                                                         \
    (t1 n1, t2 n2, t3 n3, t4 n4),                                                                  \
        (PV_EAX(PV_W(n1)) PV_EDX(PV_W(n2)) PV_ECX(PV_W(n3)) PV_S0(PV_W(n4))), PV_PUSH1
#define A5(t1, n1, t2, n2, t3, n3, t4, n4, t5, n5)                                                 \
    (t1 n1, t2 n2, t3 n3, t4 n4, t5 n5),                                                           \
        (PV_EAX(PV_W(n1)) PV_EDX(PV_W(n2)) PV_ECX(PV_W(n3)) PV_S0(PV_W(n4)) PV_S1(PV_W(n5))),      \
        PV_PUSH2
#define A1D(t1, n1)    (t1 n1), (PV_EAX(PV_LO(n1)) PV_EDX(PV_HI(n1))), PV_PUSH0
#define A2D(t1, n1, t2, n2)                                                                        \
    (t1 n1, t2 n2), (PV_EAX(PV_W(n1)) PV_EDX(PV_LO(n2)) PV_ECX(PV_HI(n2))), PV_PUSH0
#define A4D(t1, n1, t2, n2, t3, n3, t4, n4)                                                        \
    (t1 n1, t2 n2, t3 n3, t4 n4),                                                                  \
        (PV_EAX(PV_W(n1)) PV_EDX(PV_W(n2)) PV_ECX(PV_W(n3)) PV_S0(PV_LO(n4)) PV_S1(PV_HI(n4))),    \
        PV_PUSH2
#define A3DD(t1, n1, t2, n2, t3, n3)                                                               \
    (t1 n1, t2 n2, t3 n3),                                                                         \
        (PV_EAX(PV_W(n1)) PV_EDX(PV_LO(n2)) PV_ECX(PV_HI(n2)) PV_S0(PV_LO(n3)) PV_S1(PV_HI(n3))),  \
        PV_PUSH2

/* The call and its record. %c prints a constant without the dollar sign. */
#define PV_SITE                                                                                    \
    "771:\tcall *%c[op]\n"                                                                         \
    "772:\n"                                                                                       \
    ".pushsection .parainstructions, \"a\"\n"                                                      \
    ".balign 4\n"                                                                                  \
    ".long 771b\n"                                                                                 \
    ".byte %c[type], 772b-771b\n"                                                                  \
    ".short %c[clobbers]\n"                                                                        \
    ".popsection\n"

#define PV_CONST(group, name, regs)                                                                \
    [op] "i"(&pv_##group##_ops.name), [type] "i"(PV_TYPE_##name), [clobbers] "i"(regs)

#define PV_RETURN_void(lo, hi) ((void)(lo), (void)(hi))
#define PV_RETURN_int(lo, hi)      return ((void)(hi), (int)(lo))
#define PV_RETURN_uint32_t(lo, hi) return ((void)(hi), (lo))
#define PV_RETURN_cstr_t(lo, hi)   return ((void)(hi), (cstr_t)(lo))
#define PV_RETURN_uint64_t(lo, hi) return ((uint64_t)(hi) << 32 | (lo))
#define PV_RETURN_pte_t(lo, hi)    return ((pte_t){ (uint64_t)(hi) << 32 | (lo) })
#define PV_RETURN_pmd_t(lo, hi)    return ((pmd_t){ (uint64_t)(hi) << 32 | (lo) })
#define PV_RETURN_pgd_t(lo, hi)    return ((pgd_t){ (uint64_t)(hi) << 32 | (lo) })

#define PV_WRAP_REGPARM(group, name, ret, params, regs, push, pop)                                 \
    static inline ret pv_##name params                                                             \
    {                                                                                              \
        uint32_t lo_, hi_, used_;                                                                  \
        __asm__ volatile(push PV_SITE pop                                                          \
                         : "=a"(lo_), "=d"(hi_), "=c"(used_)                                       \
                         : PV_CONST(group, name, CLBR_ANY) PV_UNWRAP regs                          \
                         : "memory", "cc");                                                        \
        (void)used_;                                                                               \
        PV_RETURN_##ret(lo_, hi_);                                                                 \
    }
#define PV_WRAP_CALLEE_SAVE(group, name, ret, params, regs, push, pop)                             \
    static inline ret pv_##name params                                                             \
    {                                                                                              \
        uint32_t lo_, hi_;                                                                         \
        __asm__ volatile(push PV_SITE pop                                                          \
                         : "=a"(lo_), "=d"(hi_)                                                    \
                         : PV_CONST(group, name, CLBR_EAX | CLBR_EDX) PV_UNWRAP regs               \
                         : "memory", "cc");                                                        \
        PV_RETURN_##ret(lo_, hi_);                                                                 \
    }
#define PV_WRAP_JUMP(...) /* only from assembler: pv_asm.h */
#define HOOK(group, name, ret, conv, args, meaning) PV_WRAP_##conv(group, name, ret, args)
#include "abi/pv_hooks.def"
#undef HOOK
#undef A0
#undef A1
#undef A2
#undef A3
#undef A4
#undef A5
#undef A1D
#undef A2D
#undef A4D
#undef A3DD

#endif
