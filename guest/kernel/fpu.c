/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The FPU and SSE registers, switched lazily. CR0.TS stands for "these registers may not be
 * yours": the first use after a switch traps, and only then 512 bytes are stored and 512 loaded.
 * Most switches are between tasks that compute nothing, and cost nothing.
 */
#include "fpu.h"
#include "pv/pv.h"
#include "traps.h"

static struct task *owner; /* whose registers are in the processor; NULL: nobody's */

#define MXCSR_OFFSET  24
#define MXCSR_DEFAULT 0x1F80u
#define MXCSR_MASK    0xFFBFu /* without DAZ, which the first SSE processors lacked */

static void save(void *image)
{
    __asm__ volatile("fxsave (%0)" : : "r"(image) : "memory");
}

static void load(const void *image)
{
    __asm__ volatile("fxrstor (%0)" : : "r"(image) : "memory");
}

static void disable(void)
{
    pv_write_cr0(pv_read_cr0() | CR0_TS);
}

void fpu_init(void)
{
    pv_write_cr4(pv_read_cr4() | CR4_OSFXSR | CR4_OSXMMEXCPT);
    disable();
}

/* The state after FNINIT and a reset of SSE: control words, and zeros. */
static void make_fresh(void *image)
{
    uint16_t control = 0x37F;
    uint32_t mxcsr = MXCSR_DEFAULT;

    memset(image, 0, FPU_IMAGE);
    memcpy(image, &control, sizeof control);
    memcpy((char *)image + MXCSR_OFFSET, &mxcsr, sizeof mxcsr);
}

static bool have_image(struct task *t)
{
    if (!t->fpu)
        t->fpu = kmalloc(FPU_IMAGE);
    return t->fpu != NULL;
}

/* Bring the owner's image up to date; the registers stay. TS must be clear. */
static void store_owner(void)
{
    pv_clts();
    save(owner->fpu);
}

void fpu_trap(void)
{
    pv_clts();
    if (owner == current)
        return;
    if (owner)
        save(owner->fpu);
    owner = NULL;
    if (!current->fpu_used) {
        if (!have_image(current)) {
            disable();
            pv_irq_enable();
            signal_force(SIGKILL, 0, 0);
            return;
        }
        make_fresh(current->fpu);
        current->fpu_used = true;
    }
    load(current->fpu);
    owner = current;
}

/* For the switch: next finds its registers, or a trap. */
void fpu_switch(const struct task *prev, const struct task *next)
{
    if (owner == next && owner)
        pv_clts();
    else if (owner == prev && owner)
        disable();
}

void *fpu_image(struct task *t)
{
    if (!t->fpu_used)
        return NULL;
    if (owner == t) {
        uint32_t flags = irq_save();
        store_owner();
        if (t != current)
            disable();
        irq_restore(flags);
    }
    return t->fpu;
}

bool fpu_load_image(struct task *t, const void *image)
{
    uint32_t mxcsr;

    if (!have_image(t))
        return false;
    if (owner == t) {
        owner = NULL;
        disable();
    }
    memcpy(t->fpu, image, FPU_IMAGE);
    memcpy(&mxcsr, (char *)t->fpu + MXCSR_OFFSET, sizeof mxcsr);
    mxcsr &= MXCSR_MASK; /* a reserved bit would make FXRSTOR fault */
    memcpy((char *)t->fpu + MXCSR_OFFSET, &mxcsr, sizeof mxcsr);
    t->fpu_used = true;
    return true;
}

bool fpu_fork(struct task *child, struct task *parent)
{
    const void *image = fpu_image(parent);

    return !image || fpu_load_image(child, image);
}

void fpu_reset(struct task *t)
{
    if (owner == t) {
        owner = NULL;
        disable();
    }
    kfree(t->fpu);
    t->fpu = NULL;
    t->fpu_used = false;
}
