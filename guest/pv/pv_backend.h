/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The maker of a backend's table. Define PV_BACKEND to the backend's prefix ("native") and
 * include this file once, after the prototypes: it defines "const struct pv_backend
 * native_backend" from the catalogue, each hook filled with prefix_hook. A hook that the backend
 * leaves out is then an undeclared name, so it stops the compiler and not the machine.
 *
 * A hook of the callee-save convention is filled with prefix_hook as well, but declared without its
 * arguments: C code must not call it. Write it in assembler, or write C and wrap it with
 * PV_CALLEE_SAVE_THUNK.
 */
/* clang-format off: laid out by hand, as tables */
#include "pv.h"

#define PV_CAT_(a, b)  a##_##b
#define PV_CAT(a, b)   PV_CAT_(a, b)
#define PV_FILL_REGPARM(name)     .name = PV_CAT(PV_BACKEND, name),
#define PV_FILL_JUMP(name)        .name = PV_CAT(PV_BACKEND, name),
#define PV_FILL_CALLEE_SAVE(name) .name = { PV_CAT(PV_BACKEND, name) },

#define PV_ONLY_init(x)
#define PV_ONLY_time(x)
#define PV_ONLY_cpu(x)
#define PV_ONLY_irq(x)
#define PV_ONLY_apic(x)
#define PV_ONLY_mmu(x)
#define PV_ONLY_lock(x)
#define HOOK(group, name, ret, conv, args, meaning) PV_ONLY_##group(PV_FILL_##conv(name))

const struct pv_backend PV_CAT(PV_BACKEND, backend) = {
    .info = PV_BACKEND_INFO,
#undef PV_ONLY_init
#define PV_ONLY_init(x) x
    .init = {
#include "abi/pv_hooks.def"
    },
#undef PV_ONLY_init
#define PV_ONLY_init(x)
#undef PV_ONLY_time
#define PV_ONLY_time(x) x
    .time = {
#include "abi/pv_hooks.def"
    },
#undef PV_ONLY_time
#define PV_ONLY_time(x)
#undef PV_ONLY_cpu
#define PV_ONLY_cpu(x) x
    .cpu = {
#include "abi/pv_hooks.def"
    },
#undef PV_ONLY_cpu
#define PV_ONLY_cpu(x)
#undef PV_ONLY_irq
#define PV_ONLY_irq(x) x
    .irq = {
#include "abi/pv_hooks.def"
    },
#undef PV_ONLY_irq
#define PV_ONLY_irq(x)
#undef PV_ONLY_apic
#define PV_ONLY_apic(x) x
    .apic = {
#include "abi/pv_hooks.def"
    },
#undef PV_ONLY_apic
#define PV_ONLY_apic(x)
#undef PV_ONLY_mmu
#define PV_ONLY_mmu(x) x
    .mmu = {
#include "abi/pv_hooks.def"
    },
#undef PV_ONLY_mmu
#define PV_ONLY_mmu(x)
#undef PV_ONLY_lock
#define PV_ONLY_lock(x) x
    .lock = {
#include "abi/pv_hooks.def"
    },
};
#undef PV_ONLY_init
#undef PV_ONLY_time
#undef PV_ONLY_cpu
#undef PV_ONLY_irq
#undef PV_ONLY_apic
#undef PV_ONLY_mmu
#undef PV_ONLY_lock
#undef HOOK
