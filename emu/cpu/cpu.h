/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The virtual CPU. Only this folder knows the engine (Unicorn); everybody else sees registers,
 * exits, exact cycles and intents.
 *
 *     cpu_run(c, until) -> guest instructions ... an exit -> host->exit(x) -> intents applied -> ...
 *
 * An exit is answered by the owner's callback, which may be called from inside the engine; nothing
 * outside can tell. In it, and between two cpu_run(), all functions below may be called; what they
 * change takes effect before the next guest instruction.
 */
#ifndef EMU_CPU_CPU_H
#define EMU_CPU_CPU_H

#include <stdbool.h>
#include <stdint.h>

#include "../err.h"
#include "../mem.h"
#include "../x86/x86.h"

struct vcpu;

/*   kind      title                             where eip points: always at the instruction itself */
#define EXIT_KINDS_LIST(X)                                                                      \
    X(FAULT, "fault") /* an exception; already decided, not yet delivered */                    \
    X(SOFTINT, "int") /* INT n, INT3, INTO: before any gate was looked at */                    \
    X(IO, "io")       /* one port access, privilege already checked */                          \
    X(HLT, "hlt")     /* HLT at ring 0 */                                                       \
    X(CPUID, "cpuid")                                                                           \
    X(RDTSC, "rdtsc")       /* RDTSC, RDTSCP (CR4.TSD already checked) */                       \
    X(MSR, "msr")           /* RDMSR, WRMSR, RDPMC at ring 0 */                                 \
    X(DR, "dr")             /* MOV to and from debug registers at ring 0 */                     \
    X(CR3, "cr3")           /* MOV to CR3 at ring 0, when asked for by cpu_exit_on_cr3() */     \
    X(SYSENTER, "sysenter") /* SYSENTER */                                                      \
    X(MMIO, "mmio")         /* an access outside RAM: reads give ones; a report, no question */ \
    X(MARK, "mark")         /* an address marked by cpu_mark_set(), before the instruction */   \
    X(STUCK, "stuck")       /* the guest can make no progress, or the engine gave up */

enum exit_kind {
#define X(name, title) EXIT_##name,
    EXIT_KINDS_LIST(X)
#undef X
        EXIT_KINDS
};
extern const char *const exit_kind_name[EXIT_KINDS];

struct cpu_exit {
    enum exit_kind kind;
    uint32_t eip; /* the instruction */
    uint8_t len;  /* its length, where the kind is an instruction (0 for FAULT, MARK, MMIO) */
    union {
        struct {
            uint8_t vector;
            bool has_error;
            uint32_t error, cr2;
        } fault;
        struct {
            uint8_t vector;
        } softint;
        struct {
            uint16_t port;
            uint8_t size; /* 1, 2, 4 */
            bool in;
            uint32_t value; /* OUT: the value; IN: the owner writes it here; unused bits ignored */
        } io; /* string forms come as one exit an item; the CPU moves memory, ESI/EDI and ECX */
        struct {
            uint32_t index;
            bool write, pmc;
            /* WRMSR: the value. RDMSR, RDPMC: the owner writes it here. SYSENTER_*, EFER, PAT and
               MISC_ENABLE are the CPU's own: filled in before the exit, stored after it. */
            uint64_t value;
        } msr;
        struct {
            uint8_t dr, gpr; /* DR4 and DR5 come as DR6 and DR7 */
            bool write;
            uint32_t value; /* as above; the CPU keeps all of them (and breaks at none) */
        } dr;
        struct {
            uint32_t leaf, subleaf;
            uint32_t eax, ebx, ecx, edx; /* the owner's answer */
        } cpuid;
        struct {
            uint64_t value; /* the owner's answer */
            bool p;         /* RDTSCP */
        } rdtsc;
        struct {
            uint32_t value;
        } cr3;
        struct { /* after the fact: eip is the block's start, and the time is near, not exact.
                    Count it, name it; do not hash it. */
            uint64_t addr;
            uint8_t size;
            bool write;
            uint64_t value;
        } mmio;
        struct {
            uint32_t id; /* reported once, also when the guest is stopped there and goes on */
        } mark;
        struct {
            const char *why; /* static text */
        } stuck;
    };
};

/*
 * The owner's answer. The CPU itself keeps what it uses: EFER (NXE alone), the SYSENTER registers,
 * PAT, MISC_ENABLE, the debug registers; an exit for them shows the old or the new value, and
 * after CPU_DONE the CPU reads or writes it. Whether such an MSR exists is the owner's word.
 * CPU_DONE: the instruction is done (results are in the exit): write them back, go to the next one.
 *           For FAULT, MARK and whatever had its registers changed by the owner: just go on.
 * CPU_FAULT: the instruction faults instead: cpu_raise() has been called.
 * CPU_LEAVE: as CPU_DONE, then cpu_run returns CPU_LEFT before the next guest instruction.
 */
enum cpu_act { CPU_DONE, CPU_FAULT, CPU_LEAVE };

struct cpu_host {
    enum cpu_act (*exit)(void *ctx, struct vcpu *c, struct cpu_exit *x);
    void *ctx;
};

/* A vcpu over m's frames at machine address 0. Calibrates and self-checks the engine on first use
   (class ERR_ENGINE, one sentence that names the check). m must outlive it. It begins as a multiboot
   loader would leave it: protected mode, flat segments, paging and interrupts off. */
struct vcpu *cpu_new(struct mem *m, const struct cpu_host *host, struct err *err);
void cpu_free(struct vcpu *c);
const char *cpu_engine_version(void);

enum cpu_stop {
    CPU_UNTIL,  /* cpu_now() >= until, at the first instruction boundary where that holds */
    CPU_HALTED, /* the owner called cpu_halt() */
    CPU_WINDOW, /* asked for by cpu_want_window(): an interrupt can be taken here */
    CPU_KICKED, /* cpu_kick() */
    CPU_LEFT,   /* the owner answered CPU_LEAVE */
};

/* Run guest code until the cycle `until`; exact for any value, also in the middle of a REP. When
   several reasons to stop come together: CPU_LEFT, CPU_HALTED, CPU_UNTIL, CPU_WINDOW, CPU_KICKED.
   At an exit the clock has counted the instruction in question, except at a mark. */
enum cpu_stop cpu_run(struct vcpu *c, uint64_t until);

/* ---- time ---- */
uint64_t cpu_now(const struct vcpu *c);          /* cycles: retired (attempted) + charged */
uint64_t cpu_instructions(const struct vcpu *c); /* attempted instructions alone */
void cpu_charge(struct vcpu *c, uint64_t cycles);
/* Make cpu_run return within some ten milliseconds; safe in signal handlers and other threads. */
void cpu_kick(struct vcpu *c);

/* ---- registers ---- */
const struct x86_regs *cpu_regs(struct vcpu *c);
struct x86_regs *cpu_regs_rw(struct vcpu *c);   /* what is changed in it becomes the CPU's state */
uint32_t cpu_gpr(struct vcpu *c, unsigned r);   /* cheaper than cpu_regs() for one or two */
void cpu_gprs(struct vcpu *c, uint32_t out[8]); /* all of them, by R_EAX ... */
void cpu_set_gpr(struct vcpu *c, unsigned r, uint32_t v);

uint32_t cpu_eip(struct vcpu *c); /* in an exit: of the instruction */
unsigned cpu_cpl(struct vcpu *c);
/* When and where, at once. */
struct cpu_here {
    uint64_t now;
    uint32_t eip, cpl;
};
struct cpu_here cpu_here(struct vcpu *c);
struct x86_seg cpu_seg(struct vcpu *c, unsigned s); /* S_CS ... */
/* The owner has done the instruction at EIP, of so many bytes: EIP moves on, a shadow of STI ends.
   What cpu_regs_rw() could do as well, for a quarter of its time. */
void cpu_skip(struct vcpu *c, unsigned length);

/* ---- intents ---- */
void cpu_flush_tlb(struct vcpu *c);
/* Deliver an event through the guest's own IDT (x86_deliver), now. False: triple fault. */
bool cpu_inject(struct vcpu *c, const struct x86_event *ev);
/* Let the current exit's instruction fault: delivered as an EXIT_FAULT of its own afterwards. */
void cpu_raise(struct vcpu *c, uint8_t vector, bool has_error, uint32_t error);
void cpu_halt(struct vcpu *c);
/* Undo cpu_halt(), for an owner that delivers events itself; cpu_inject() implies it. */
void cpu_wake(struct vcpu *c);
/* Return CPU_WINDOW at the first boundary with IF set and no STI/MOV SS shadow. */
void cpu_want_window(struct vcpu *c, bool want);
/* IF is set and there is no shadow: may an external interrupt be taken right here? */
bool cpu_interruptible(struct vcpu *c);

/* Marks: an exit before the instruction at this linear address, in any address space. */
bool cpu_mark_set(struct vcpu *c, gva_t at, uint32_t id);
void cpu_mark_clear(struct vcpu *c, gva_t at);
void cpu_exit_on_cr3(struct vcpu *c, bool want);

/* Linear code bytes as the CPU would fetch them: how many of n could be read. */
uint32_t cpu_fetch(struct vcpu *c, gva_t at, uint8_t *to, uint32_t n);

/* ---- watching memory (watch.c) ---- */

/* What is watched: machine addresses; or linear ones, followed through every change of mapping. */
struct cpu_watch_range {
    uint64_t lo, hi; /* [lo, hi) */
    bool physical;
    bool reads, writes;
    uint32_t cr3; /* linear: through these tables; 0: through those in use at the access */
};

enum cpu_access_by {
    CPU_BY_GUEST, /* an instruction */
    CPU_BY_HOST,  /* a model, a device, the delivery of an event: found by comparing contents, so a
                     write of what was there already is not seen, and several come as one */
    CPU_BY_MMU,   /* accessed and dirty bits, which the engine sets without a word: noticed at the
                     next exit or stop, which is when `cycle` then is */
};

struct cpu_access {
    enum cpu_access_by by;
    bool write;
    uint8_t size;    /* 1 to 8 bytes; wider accesses come in the pieces that the engine makes */
    uint32_t eip;    /* of the instruction; else of the exit, or where the guest stands */
    uint64_t cycle;  /* by the guest: cpu_now() right before the instruction (or this round of a
                        REP); at cycle + 1 it is done */
    maddr_t addr;    /* of the first byte; the rest may be in another frame */
    uint64_t value;  /* read or written */
    uint64_t old;    /* written: what was there; outside RAM ones */
    uint64_t ranges; /* bit i: ranges[i] was touched */
};

#define CPU_WATCH_RANGES 64
#define CPU_WATCH_BYTES  (16u << 20) /* in all ranges together */

/*
 * Tell fn of every access to these ranges, once, in order; n of 0: of none, at no cost. Between two
 * cpu_run() only. False: too many ranges, too many bytes, an empty one, or no memory; then nothing is
 * watched. What a watched guest does, and when, is the same as unwatched; it only takes longer (the
 * engine leaves its fast path for reads, for writes, or for both: see watch.c).
 *
 * fn is called in the middle of an instruction: it may look at the access, cpu_kick() and
 * machine_stop(), and nothing else of this vcpu. Whoever wants to see the machine there runs it to
 * that cycle again, from a snapshot. It is told before a write is done, except when the access
 * spans two pages: then at the next opportunity. Not told: what the processor itself reads (page
 * tables, a TSS on the way to a handler) and instruction fetches. An instruction that faults half
 * way has done what it did before: its restart does it, and is told, again.
 */
bool cpu_watch_set(struct vcpu *c, const struct cpu_watch_range *ranges, unsigned n,
                   void (*fn)(void *ctx, const struct cpu_access *a), void *ctx);
/* Look for what the host has written since the last guest instruction. cpu_run() does so itself at
   every exit and before it enters the guest: this is for whoever looks at the machine after
   machine_run(). */
void cpu_watch_poll(struct vcpu *c);

/* ---- the whole architectural state, for snapshots and digests (never the engine's own) ---- */
struct cpu_state {
    struct x86_regs regs;
    uint64_t now, instructions;
    uint32_t dr[8];
    uint64_t msr_sysenter_cs, msr_sysenter_esp, msr_sysenter_eip, msr_pat, msr_misc;
    uint8_t fxsave[512]; /* x87, MMX, SSE as FXSAVE lays them out; reserved bytes zero */
    uint32_t halted;
    uint32_t pad;
};
void cpu_state_get(struct vcpu *c, struct cpu_state *out);
/* Make c that state; frames may have changed under it: translations of changed frames are dropped
   through mem's code guard, the TLB is flushed. */
void cpu_state_set(struct vcpu *c, const struct cpu_state *in);

/* The last guest blocks entered, newest first, for a domain's last words; count written. */
unsigned cpu_recent_blocks(const struct vcpu *c, uint32_t *pcs, unsigned max);

#endif
