/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A hypervisor model is one table: struct hv_model. This header is all that a model sees of
 * Ringside, and all that Ringside sees of a model. Fill in what your hypervisor does differently
 * from bare hardware and leave the rest NULL: NULL means "what the hardware does".
 *
 *     guest code -> sensitive instruction, int n, fault, port, HLT
 *                        |  the CPU leaves guest code: an exit
 *                        v
 *              model->exit[kind](d, exit)     narrated by hv_stage(), paid for by hv_cost()
 *                        |
 *                        v
 *              registers, memory, interrupts changed; the guest goes on
 *
 * What will come with live switching between models (quiesce, export, import) is not in the table
 * yet; HV_MODEL_ABI will say so.
 *
 * The smallest useful model is hv-models/native/: read it first.
 */
#ifndef HV_MODELS_HV_H
#define HV_MODELS_HV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "emu/load/load.h"
#include "emu/machine.h"

#define HV_MODEL_ABI 1

/* What a handler answers. */
enum hv_act {
    HV_DEFAULT, /* not mine: do what bare hardware does */
    HV_RESUME,  /* done; the guest goes on. An instruction's results are in the exit */
    HV_FAULT,   /* the instruction faults: cpu_raise() has been called */
    HV_STOP,    /* as HV_RESUME, and let the run loop look around first (an interrupt may be due) */
    HV_KILL,    /* the guest is dead: domain_kill() has been called */
};

/* A hypercall, for whoever prints it. Argument types: u32 hex int gva gpa str fn; pte: an entry of a
   page table, in two words, low first. */
struct hv_hypercall {
    uint32_t number;
    const char *name;
    struct {
        const char *name, *type;
    } arg[6];
};

/* What a crossing costs, in cycles, and who says so. */
struct hv_cost {
    const char *name;
    uint32_t cycles;
    const char *source;
};

/* A register or a word of the model's state that a debugger should show. */
struct hv_show {
    const char *name;
    uint32_t offset;    /* in the model's state */
    uint8_t size;       /* 1, 2, 4, 8 */
    const char *format; /* "hex", "dec", "bool" */
};

/* Virtual interrupt lines, a bit a line. */
struct hv_lines {
    unsigned n;            /* how many there are, up to 32 */
    unsigned first_vector; /* of line 0 */
    uint32_t pending, blocked;
    uint32_t next; /* the line + 1 that is about to be delivered; 0: none */
};

/* Which devices a domain under the model sees: bits of hv_model.devices. */
enum hv_device {
    HV_DEV_PC = 1,      /* 8259, 8254, 16550, CMOS, power */
    HV_DEV_STATUS = 2,  /* the port by which -e and tests report */
    HV_DEV_DISK = 4,    /* what domain.disks has, by a device of the model's own */
    HV_DEV_CONSOLE = 8, /* of the model's own, not a serial line */
    HV_DEV_CLOCK = 16,  /* a timer of the model's own */
    HV_DEV_SERIAL = 32, /* of a PC the serial line alone */
};

struct hv_model {
    uint32_t abi; /* HV_MODEL_ABI */
    const char *name, *title;
    const char *entry;  /* how the guest enters it, in words */
    const char *paging; /* whose tables the hardware uses, in words */
    unsigned kernel_ring;
    const char *const *variants; /* protocol variants, NULL-terminated; the first is the default */
    unsigned devices;            /* HV_DEV_*: what its domain sees */
    size_t state_size;           /* one flat, zeroed block: snapshot, digested, hv_state() */

    /* A domain begins to run under this model, built here or restored: register timers. */
    void (*attach)(struct domain *d);

    /* Lay out memory, boot information and the first registers for a guest image. */
    bool (*build)(struct domain *d, const struct boot_request *rq, struct err *err);

    /* One function a kind of exit. */
    enum hv_act (*exit[EXIT_KINDS])(struct domain *d, struct cpu_exit *x);

    /* Virtual interrupts: is one waiting, may it be delivered now, deliver it; could one ever wake
       a halted guest? */
    bool (*irq_pending)(struct domain *d);
    bool (*interruptible)(struct domain *d);
    void (*interrupt)(struct domain *d);
    bool (*wakeable)(struct domain *d);

    /* The console's input, where it is not the board's serial line: can it take a byte now? A patient
       sender waits until the guest asks for one. */
    bool (*console_ready)(struct domain *d, bool patient);
    void (*console_receive)(struct domain *d, uint8_t byte);

    /* May the guest be interrupted, as it believes? NULL: EFLAGS.IF says so. */
    bool (*virtual_if)(struct domain *d);

    /* Translate as the hardware really does, whatever the guest believes. */
    bool (*walk)(struct domain *d, gva_t a, struct x86_walk *out);

    /* Translate as the guest's own tables say, where they are not those of the hardware. */
    bool (*guest_walk)(struct domain *d, gva_t a, struct x86_walk *out);

    /* For people: which interrupt lines wait, and which the guest has masked. NULL: the board's 8259
       decides. */
    void (*lines)(struct domain *d, struct hv_lines *out);

    /* For people: the gate that the guest believes to have at a vector, where that is not the
       hardware's. *direct: the CPU goes through it without the model. NULL: the IDT is the guest's. */
    bool (*gate)(struct domain *d, unsigned vector, struct x86_desc *out, bool *direct);

    /* Recompute the model's invariants; name the first that fails. */
    bool (*audit)(struct domain *d, struct err *err);

    const struct hv_hypercall *hypercalls; /* ends with a NULL name */
    const struct hv_cost *costs;           /* ends with a NULL name */
    const struct hv_show *shows;           /* ends with a NULL name */
};

/* The board's serial line as console, for a model that has it beside another one. */
bool hv_serial_ready(struct domain *d, bool patient);
void hv_serial_receive(struct domain *d, uint8_t byte);

/* ---- what a model may use, beside cpu_*, mem_*, x86_* and domain_* ---- */

/* The model's flat state. */
void *hv_state(struct domain *d);
const struct hv_model *hv_model(const struct domain *d);
const char *hv_variant(const struct domain *d);

/*
 * Narrate: one named step of handling a crossing. A static site (text, file, line) and two words;
 * costs next to nothing when nobody listens. The sites lie in a section of their own, so that a
 * site's number is the same in every run, which its address is not.
 */
struct hv_stage_site {
    const char *text, *file;
    unsigned line;
}
__attribute__((aligned(32))); /* or a compiler may leave gaps between sites, and no array is made */
_Static_assert(sizeof(struct hv_stage_site) == 32, "the sites of all files are one array");
void hv_stage_at(struct domain *d, const struct hv_stage_site *site, uint32_t a, uint32_t b);
/* The site with this number (events carry it), or NULL. */
const struct hv_stage_site *hv_stage_site(uint32_t number);
#define hv_stage2(d, what, a, b)                                                        \
    do {                                                                                \
        static const struct hv_stage_site site_                                         \
            __attribute__((section("hv_stages"), used)) = {(what), __FILE__, __LINE__}; \
        hv_stage_at((d), &site_, (a), (b));                                             \
    } while (0)
#define hv_stage(d, what, a) hv_stage2(d, what, a, 0)

/*
 * Tell of a hypercall with up to seven words of arguments, before it is executed; and when it is done,
 * with what the guest gets in its result register, or NULL. Of calls inside a call the ends come in
 * reverse order.
 */
void hv_hypercall_begin(struct domain *d, uint32_t number, const uint32_t *a, unsigned words);
void hv_hypercall_end(struct domain *d, uint32_t number, const uint32_t *result);
/* How many words an argument of this type takes. */
unsigned hv_argument_words(const char *type);

/* Charge the cost with this index in the model's table (overridable by name from outside). */
void hv_cost(struct domain *d, unsigned index);
/* The same that many times at once. */
void hv_cost_times(struct domain *d, unsigned index, uint32_t times);

/* ---- what the rest of the program uses ---- */

/* How often the cost with this index was charged so far, in this process; and what it is now. */
uint64_t hv_cost_charged(const struct domain *d, unsigned index, uint32_t *cycles);

/* All models, by registration order; NULL-terminated. */
const struct hv_model *const *hv_models(void);
/* "lguest:2.6.31" -> model and variant. False with the nearest name in err. */
bool hv_find(const char *spec, const struct hv_model **model, const char **variant,
             struct err *err);

/* Put the machine's domain under a model and build the guest in it. The variant is one of the
   model's own strings. */
bool hv_attach(struct machine *m, const struct hv_model *model, const char *variant,
               const struct boot_request *rq, struct err *err);
void hv_detach(struct machine *m);
/* "native has no disk; these have": false, always. hv_attach says it as well. */
bool hv_refuse_disks(const struct hv_model *model, struct err *err);
/* --cost NAME=CYCLES: false when the model has no such cost. */
bool hv_set_cost(struct domain *d, const char *name, uint32_t cycles, struct err *err);

#endif
