/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Three kinds of address, three types; mixing them does not compile. Machine addresses are the
 * engine's physical space. Guest-physical is what a guest believes to be physical: on the native
 * model the same number, under a hypervisor not. Guest-virtual is what a guest's instruction uses.
 */
#ifndef EMU_ADDR_H
#define EMU_ADDR_H

#include <stdint.h>

typedef struct {
    uint64_t v;
} maddr_t;
typedef struct {
    uint64_t v;
} gpa_t;
typedef struct {
    uint32_t v;
} gva_t;

#define MADDR(x) ((maddr_t){ (uint64_t)(x) })
#define GPA(x) ((gpa_t){ (uint64_t)(x) })
#define GVA(x) ((gva_t){ (uint32_t)(x) })

#define PAGE_SHIFT 12
#define PAGE_SIZE 4096u

#endif
