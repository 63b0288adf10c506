/* SPDX-License-Identifier: GPL-2.0-only */
/* The bare PC: no hypervisor at all, which is a model too. */
#ifndef HV_MODELS_NATIVE_NATIVE_H
#define HV_MODELS_NATIVE_NATIVE_H

#include "../hv.h"

extern const struct hv_model native_model;

/* The order of native_costs[]. */
enum native_cost { NATIVE_COST_FAULT, NATIVE_COST_INT, NATIVE_COST_IRQ, NATIVE_COST_PORT };
extern const struct hv_cost native_costs[];

/* exits.c: one function a kind of exit */
enum hv_act native_fault(struct domain *d, struct cpu_exit *x);
enum hv_act native_softint(struct domain *d, struct cpu_exit *x);
enum hv_act native_io(struct domain *d, struct cpu_exit *x);
enum hv_act native_hlt(struct domain *d, struct cpu_exit *x);

/* interrupts.c: the 8259 and EFLAGS.IF */
bool native_irq_pending(struct domain *d);
bool native_interruptible(struct domain *d);
void native_interrupt(struct domain *d);
bool native_wakeable(struct domain *d);

/* build.c: a guest image, as a boot loader would leave it */
bool native_build(struct domain *d, const struct boot_request *rq, struct err *err);

/* paging.c: the kernel's own tables are the hardware's */
bool native_walk(struct domain *d, gva_t a, struct x86_walk *out);
bool native_audit(struct domain *d, struct err *err);

#endif
