/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * lguest, as the files of this folder share it. The tour begins in lguest.c.
 *
 * One rule holds everywhere, and it is the original's own: kill_guest() notes the first thing that
 * is wrong, and whoever called it goes on with harmless zeros. The guest will not run again, so
 * nobody has to find a way out of five levels of error returns.
 */
#ifndef HV_MODELS_LGUEST_LGUEST_H
#define HV_MODELS_LGUEST_LGUEST_H

#include "../hv.h"
#include "../shared/shared.h"
#include "abi/lguest.h"

extern const struct hv_model lguest_model;

/* ---- what differs between releases: a row, not an if ---- */

struct lguest_variant {
    const char *name;
    bool vmcall;        /* "vmcall" is a hypercall, and is rewritten to "int $0x1f" */
    bool boot_tables;   /* we make the first page tables; else virtual is physical until told */
    bool skips_cli;     /* a stray CLI is passed over */
    bool wide_in;       /* IN of a byte sets 16 bits of EAX, IN of a word 32 (a bug, long gone) */
    bool barriers;      /* a disk's request may be a barrier; later there are flushes instead */
    uint32_t data_size; /* struct lguest_data: its size, and where its later fields are */
    uint32_t pgdir;     /* 0: there is none */
    uint32_t noirq_start, noirq_end, kernel_address, syscall_vec;
};
const struct lguest_variant *lguest_variant(struct domain *d);

/* ---- state: flat, the whole of it ---- */

struct lguest_gate {
    uint32_t lo, hi;
};

/* How far we are with a virtqueue. */
struct lguest_queue {
    uint32_t at; /* guest-physical */
    uint32_t irq;
    uint32_t last_avail; /* free-running, as the ring's own index */
};
enum { QUEUE_IN, QUEUE_OUT, QUEUES };

struct lguest_disk {
    uint32_t desc; /* on the device page; guest-physical */
    struct lguest_queue queue;
};

struct lguest {
    /* the guest's memory and ours */
    struct shadow shadow;
    uint32_t ram; /* bytes; the device pages follow */
    uint32_t gdt_frame;

    /* what LGUEST_INIT told us */
    uint32_t data; /* guest-physical; 0: not yet */
    uint32_t kernel_address, noirq_start, noirq_end, syscall_vec;
    uint32_t boot_pgdir;
    uint32_t format_known; /* we have seen whether the guest's page tables are PAE's */

    /* the virtual CPU */
    struct lguest_gate idt[256];
    uint32_t ss1, esp1, stack_pages;
    uint32_t halted;
    uint32_t next_hcall; /* our place in the ring of asynchronous calls */

    /* interrupts and time */
    struct vif vif;
    uint64_t clock_due;

    /* the disks */
    struct lguest_disk disk[DISKS_MAX];

    /* the console */
    uint32_t console; /* its descriptor, as a disk's */
    struct lguest_queue queue[QUEUES];
    uint32_t input_wanted; /* the guest has kicked the input queue: somebody waits */
};

static inline struct lguest *lguest_of(struct domain *d)
{
    return hv_state(d);
}

/* The order of lguest_costs[]. */
enum lguest_cost {
    LGUEST_COST_HCALL,
    LGUEST_COST_VMCALL,
    LGUEST_COST_ASYNC,
    LGUEST_COST_FAULT,
    LGUEST_COST_FILL,
    LGUEST_COST_REFLECT,
    LGUEST_COST_DIRECT,
    LGUEST_COST_EMULATE,
    LGUEST_COST_IRQ,
    LGUEST_COST_SECTOR,
    LGUEST_COST_PRINT,
};
extern const struct hv_cost lguest_costs[];
extern const struct hv_hypercall lguest_hypercalls[];

/* memory.c: the trust boundary. All addresses are guest-physical. */
void kill_guest(struct domain *d, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* False, with zeros in `to`, after killing the guest for a bad address. */
bool lguest_read(struct domain *d, uint32_t at, void *to, uint32_t n);
bool lguest_write(struct domain *d, uint32_t at, const void *from, uint32_t n);
uint32_t lguest_read32(struct domain *d, uint32_t at);
void lguest_write32(struct domain *d, uint32_t at, uint32_t v);
/* A word of struct lguest_data, by its offset. Before INIT there is none: 0, and no effect. */
uint32_t lguest_data_get(struct domain *d, uint32_t offset);
void lguest_data_put(struct domain *d, uint32_t offset, uint32_t v);
/* The stack of a handler, by virtual address. */
bool lguest_push(struct domain *d, uint32_t va, const void *from, uint32_t n);

/* build.c: the launcher */
bool lguest_build(struct domain *d, const struct boot_request *rq, struct err *err);
/* Show memory at kernel_address too, on the tables that the guest was started with. */
void lguest_boot_tables_high(struct domain *d, uint32_t kernel_address);
/* The guest has no PAE: what of those tables was the other format's becomes its own. */
void lguest_boot_tables_two_level(struct domain *d);

/* exits.c: the guest comes out */
enum hv_act lguest_fault(struct domain *d, struct cpu_exit *x);
enum hv_act lguest_softint(struct domain *d, struct cpu_exit *x);

/* version.c: what to tell a person whose kernel is not for this variant */
/* Is lguest_data laid out as in other releases than ours? Then the guest is dead: true. */
bool lguest_other_release(struct domain *d, const uint32_t *a);
/* The guest has no handler for this: kill it. */
void lguest_unhandled_trap(struct domain *d, const struct cpu_exit *x, uint32_t error);

/* hypercalls.c */
void lguest_hypercall(struct domain *d);
void lguest_write_time(struct domain *d);

/* paging.c: shadow page tables */
#define SWITCHER_ADDR SHADOW_TOP_START
#define SWITCHER_GDT  (SWITCHER_ADDR + PAGE_SIZE)
/* One page table's worth: what the original keeps of a guest whose tables have two levels. */
#define SWITCHER_TWO_LEVEL 0xFFC00000u
/* A guest of one format, or of one not known yet, keeps off from here to the end. */
uint32_t lguest_switcher(const struct lguest *lg);
/* The guest has done what only one with this format does. Only the first such sign counts. */
void lguest_format_is(struct domain *d, enum shadow_format format);
/* A page fault of the guest: was it only the shadow that lacked something? */
enum shadow_result lguest_demand_page(struct domain *d, uint32_t va, uint32_t error);
/* Has the guest the right to this page in its own tables' eyes? For the error code it is shown. */
bool lguest_page_is_present(struct domain *d, uint32_t va);
void lguest_paging_changed(struct domain *d); /* after any shadow_*: flush, change CR3 */
void lguest_pin_stack(struct domain *d);
void lguest_new_pgtable(struct domain *d, uint32_t root);
void lguest_set_pte(struct domain *d, uint32_t root, uint32_t va, uint32_t lo, uint32_t hi);
bool lguest_walk(struct domain *d, gva_t a, struct x86_walk *out);
bool lguest_guest_walk(struct domain *d, gva_t a, struct x86_walk *out);

/* segments.c: GDT, TLS, and the IDT that is a table of ours */
void lguest_gdt_init(struct domain *d);
void lguest_load_gdt_entry(struct domain *d, uint32_t index, uint32_t lo, uint32_t hi);
void lguest_load_tls(struct domain *d, uint32_t at);
bool lguest_segment(struct domain *d, uint16_t sel, bool code, struct x86_seg *out);
void lguest_load_idt_entry(struct domain *d, uint32_t vector, uint32_t lo, uint32_t hi);
bool lguest_gate_present(const struct lguest *lg, unsigned vector);
unsigned lguest_gate_dpl(const struct lguest *lg, unsigned vector);
bool lguest_gate(struct domain *d, unsigned vector, struct x86_desc *out, bool *direct);
/* Does the hardware take this vector straight into the guest? */
bool lguest_gate_is_direct(struct domain *d, unsigned vector);
/* Enter the guest's handler. direct: as the hardware does it, the virtual IF does not matter. */
bool lguest_enter_gate(struct domain *d, unsigned vector, bool has_error, uint32_t error,
                       uint32_t return_eip, bool direct);

/* interrupts.c */
void lguest_attach(struct domain *d);
void lguest_raise(struct domain *d, unsigned line);
void lguest_set_clockevent(struct domain *d, uint32_t ns);
void lguest_halt(struct domain *d);
/* Which interrupt, if any, comes before the instruction at eip? The last step of every exit. */
void lguest_consider_interrupts(struct domain *d, uint32_t eip);
void lguest_lines(struct domain *d, struct hv_lines *out);
bool lguest_irq_pending(struct domain *d);
bool lguest_interruptible(struct domain *d);
void lguest_interrupt(struct domain *d);
bool lguest_wakeable(struct domain *d);

/* devices.c, console.c, block.c: the device page and what is on it */
void lguest_devices_init(struct domain *d);
void lguest_notify(struct domain *d, uint32_t at);
/* One buffer of a queue: its descriptors gathered, those that we read before those that we write.
   False: the guest has offered none. */
struct lguest_chain {
    uint32_t head, count;
    struct {
        uint32_t at, len;
        bool in; /* we write it */
    } part[LGUEST_VRING_NUM];
};
bool lguest_queue_take(struct domain *d, struct lguest_queue *q, struct lguest_chain *c);
void lguest_queue_give(struct domain *d, struct lguest_queue *q, uint32_t head, uint32_t written);
bool lguest_queue_ready(struct domain *d, const struct lguest_queue *q);
void lguest_queue_reset(struct domain *d, struct lguest_queue *q);
void lguest_disk_kick(struct domain *d, unsigned disk);
uint32_t lguest_disk_features(struct domain *d);
void lguest_console_kick(struct domain *d);
void lguest_console_wanted(struct domain *d);
void lguest_console_text(struct domain *d, uint32_t at);
bool lguest_console_ready(struct domain *d, bool patient);
void lguest_console_receive(struct domain *d, uint8_t byte);

/* audit.c */
bool lguest_audit(struct domain *d, struct err *err);

#endif
