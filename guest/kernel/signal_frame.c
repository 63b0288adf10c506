/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Signal frames: the processor's state, laid on the user's stack so that a handler returns into it.
 *
 * Two layouts, both Linux i386's to the byte (arch/x86/include/asm/sigframe.h, uapi sigcontext.h):
 * the old one for handlers that want just the number, and the rt one with siginfo and ucontext. The
 * handler's return address leads to sigreturn() or rt_sigreturn(), which read everything back.
 * Whatever they find there was in the user's hands, so each word is forced into what user mode may
 * have: ring 3 selectors that exist, and only the arithmetic flags.
 */
#include "process.h"

#include "../pv/pv.h"
#include "fpu.h"
#include "syscall.h"

/* FSAVE's image as Linux shows it, followed by FXSAVE's: struct _fpstate_32 */
struct fpstate {
    uint32_t cw, sw, tag, ipoff, cssel, dataoff, datasel;
    uint8_t st[8][10];
    uint16_t status, magic; /* magic 0: the FXSAVE part below is there */
    uint8_t fxsave[FPU_IMAGE];
};
_Static_assert(sizeof(struct fpstate) == 624, "struct _fpstate_32");
_Static_assert(offsetof(struct fpstate, fxsave) == 112, "FXSAVE part of _fpstate_32");

struct sigcontext {
    uint32_t gs, fs, es, ds;
    uint32_t edi, esi, ebp, esp, ebx, edx, ecx, eax;
    uint32_t trapno, err, eip, cs, eflags, esp_at_signal, ss;
    uint32_t fpstate;
    uint32_t oldmask, cr2;
};
_Static_assert(sizeof(struct sigcontext) == 88, "struct sigcontext_32");

struct old_frame {
    uint32_t pretcode;
    int32_t sig;
    struct sigcontext sc;
    struct fpstate unused; /* where the FPU's state was before 2.6.28; debuggers know offsets */
    uint32_t extramask;    /* the mask's second word */
    uint8_t retcode[8];
};

struct ucontext {
    uint32_t flags, link;
    uint32_t stack_sp, stack_flags, stack_size;
    struct sigcontext mc;
    uint32_t sigmask[2];
};

struct rt_frame {
    uint32_t pretcode;
    int32_t sig;
    uint32_t pinfo, puc;
    uint32_t info[32];
    struct ucontext uc;
    uint8_t retcode[8];
};

/* The flags a user program may have in its frame: OF, DF, TF, SF, ZF, AF, PF, CF, and AC, RF. */
#define USER_EFLAGS (0x40000u | 0x10000u | 0x800u | 0x400u | 0x100u | 0xD5u)

/* ---- the FPU's image in its two layouts ---- */

/* FXSAVE's layout, as far as it is needed here (SDM volume 1, table 10-2) */
struct fxsave {
    uint16_t cw, sw;
    uint8_t tag, reserved;
    uint16_t opcode;
    uint32_t ip;
    uint16_t cs, pad1;
    uint32_t dp;
    uint16_t ds, pad2;
    uint32_t mxcsr, mxcsr_mask;
    uint8_t st[8][16];
};

/* One bit "used" a register becomes FSAVE's two: 0 valid, 1 zero, 2 special, 3 empty. */
static uint32_t full_tag(const struct fxsave *x)
{
    unsigned top = x->sw >> 11 & 7;
    uint32_t tags = 0;

    for (unsigned r = 0; r < 8; r++) { /* physical registers; st[] is relative to the top */
        const uint8_t *st = x->st[(r - top) & 7];
        unsigned exponent = (st[8] | st[9] << 8) & 0x7fff, tag = 2;
        bool mantissa = false;

        for (unsigned i = 0; i < 8; i++)
            mantissa |= st[i] != 0;
        if (!(x->tag >> r & 1))
            tag = 3;
        else if (exponent && exponent != 0x7fff && st[7] & 0x80)
            tag = 0;
        else if (!exponent && !mantissa)
            tag = 1;
        tags |= tag << (2 * r);
    }
    return tags;
}

static void fpstate_from_image(struct fpstate *s, const void *image)
{
    const struct fxsave *x = image;

    memset(s, 0, sizeof *s);
    s->cw = x->cw | 0xffff0000u;
    s->sw = x->sw | 0xffff0000u;
    s->tag = full_tag(x) | 0xffff0000u;
    s->ipoff = x->ip;
    s->cssel = x->cs | (uint32_t)x->opcode << 16;
    s->dataoff = x->dp;
    s->datasel = x->ds | 0xffff0000u;
    for (unsigned i = 0; i < 8; i++)
        memcpy(s->st[i], x->st[i], 10);
    s->status = x->sw;
    memcpy(s->fxsave, image, FPU_IMAGE);
}

/* The x87 part counts in its old layout (that is where handlers change it), SSE in the new one. */
static void fpstate_to_image(const struct fpstate *s, void *image)
{
    struct fxsave *x = image;

    memcpy(image, s->fxsave, FPU_IMAGE);
    x->cw = (uint16_t)s->cw;
    x->sw = (uint16_t)s->sw;
    x->tag = 0;
    for (unsigned r = 0; r < 8; r++)
        x->tag |= (s->tag >> (2 * r) & 3) != 3 ? 1 << r : 0;
    x->opcode = (uint16_t)(s->cssel >> 16);
    x->ip = s->ipoff;
    x->cs = (uint16_t)s->cssel;
    x->dp = s->dataoff;
    x->ds = (uint16_t)s->datasel;
    for (unsigned i = 0; i < 8; i++) {
        memset(x->st[i], 0, 16);
        memcpy(x->st[i], s->st[i], 10);
    }
}

/* Lay the FPU's state below *sp, if there is any; its address or 0 goes to *at. */
static bool push_fpstate(uint32_t *sp, uint32_t *at)
{
    const void *image = fpu_image(current);
    struct fpstate s;

    *at = 0;
    if (!image)
        return true;
    *sp = (*sp - sizeof s) & ~63u; /* the FXSAVE part is 16-aligned then */
    fpstate_from_image(&s, image);
    *at = *sp;
    return !copy_to_user((void __user *)*sp, &s, sizeof s);
}

static bool restore_fpstate(uint32_t at)
{
    uint8_t image[FPU_IMAGE] __attribute__((aligned(16)));
    struct fpstate s;

    if (!at) {
        fpu_reset(current);
        return true;
    }
    if (copy_from_user(&s, (const void __user *)at, sizeof s))
        return false;
    fpstate_to_image(&s, image);
    return fpu_load_image(current, image);
}

/* ---- siginfo ---- */

void siginfo_to_user_layout(const struct siginfo_small *info, uint32_t out[32])
{
    memset(out, 0, 32 * sizeof out[0]);
    out[0] = (uint32_t)info->signo;
    out[2] = (uint32_t)info->code;
    if (info->code > 0 && info->code < SI_KERNEL) {
        switch (info->signo) {
        case SIGCHLD:
            out[3] = (uint32_t)info->pid;
            out[4] = info->uid;
            out[5] = (uint32_t)info->status;
            out[6] = info->utime;
            out[7] = info->stime;
            return;
        case SIGILL:
        case SIGFPE:
        case SIGSEGV:
        case SIGBUS:
        case SIGTRAP:
            out[3] = info->addr;
            return;
        default:
            break;
        }
    }
    if (info->code == SI_KERNEL && info->addr) { /* a fault whose kind has no code of its own */
        out[3] = info->addr;
        return;
    }
    out[3] = (uint32_t)info->pid;
    out[4] = info->uid;
    out[5] = info->addr; /* sigqueue's value */
}

/* ---- the stack to use ---- */

#define SS_ONSTACK  1u
#define SS_DISABLE  2u
#define MINSIGSTKSZ 2048u

bool altstack_active(const struct task *t, uint32_t sp)
{
    return !(t->altstack_flags & SS_DISABLE) && sp - t->altstack_sp - 1 < t->altstack_size;
}

static uint32_t stack_for(const struct trap_frame *f, const struct signal_action *a)
{
    const struct task *t = current;

    if ((a->flags & SA_ONSTACK) && !(t->altstack_flags & SS_DISABLE) && !altstack_active(t, f->esp))
        return t->altstack_sp + t->altstack_size;
    return f->esp;
}

struct stack_t32 {
    uint32_t sp, flags, size;
};

static int set_altstack(const struct stack_t32 *s, uint32_t esp)
{
    if (altstack_active(current, esp))
        return -EPERM;
    if (s->flags & ~(SS_ONSTACK | SS_DISABLE))
        return -EINVAL;
    if (s->flags & SS_DISABLE) {
        current->altstack_sp = current->altstack_size = 0;
        current->altstack_flags = SS_DISABLE;
        return 0;
    }
    if (s->size < MINSIGSTKSZ)
        return -ENOMEM;
    current->altstack_sp = s->sp;
    current->altstack_size = s->size;
    current->altstack_flags = 0;
    return 0;
}

static struct stack_t32 get_altstack(uint32_t esp)
{
    return (struct stack_t32){
        .sp = current->altstack_sp,
        .size = current->altstack_size,
        .flags = current->altstack_flags | (altstack_active(current, esp) ? SS_ONSTACK : 0),
    };
}

DEFINE_SYSCALL(sigaltstack)
{
    uint32_t esp = current_frame()->esp;
    struct stack_t32 new, old = get_altstack(esp);
    int err;

    if (a) {
        if (copy_from_user(&new, (const void __user *)a, sizeof new))
            return -EFAULT;
        if ((err = set_altstack(&new, esp)))
            return err;
    }
    return b ? copy_to_user((void __user *)b, &old, sizeof old) : 0;
}

/* ---- pushing ---- */

static void fill_sigcontext(struct sigcontext *sc, const struct trap_frame *f, uint32_t fpstate,
                            sigset_t mask)
{
    *sc = (struct sigcontext){
        .gs = f->gs & 0xffff,
        .fs = f->fs & 0xffff,
        .es = f->es & 0xffff,
        .ds = f->ds & 0xffff,
        .edi = f->edi,
        .esi = f->esi,
        .ebp = f->ebp,
        .esp = f->esp,
        .ebx = f->ebx,
        .edx = f->edx,
        .ecx = f->ecx,
        .eax = f->eax,
        .trapno = current->trap_vector,
        .err = current->trap_error,
        .eip = f->eip,
        .cs = f->cs & 0xffff,
        .eflags = f->eflags,
        .esp_at_signal = f->esp,
        .ss = f->ss & 0xffff,
        .fpstate = fpstate,
        .oldmask = (uint32_t)mask,
        .cr2 = current->trap_cr2,
    };
}

/* popl %eax; movl $119, %eax; int $0x80 - the old frame's number is popped so that sigreturn finds
   the context at the top. */
static const uint8_t old_retcode[8] = {0x58, 0xb8, 119, 0, 0, 0, 0xcd, 0x80};
/* movl $173, %eax; int $0x80 */
static const uint8_t rt_retcode[8] = {0xb8, 173, 0, 0, 0, 0xcd, 0x80, 0};

/* At the handler's first instruction esp + 4 is 16-aligned: as after a call, says the i386 ABI. */
static uint32_t frame_at(uint32_t sp, uint32_t size)
{
    return ((sp - size) & ~15u) - 4;
}

static bool push_old(struct trap_frame *f, int sig, const struct signal_action *a, sigset_t mask,
                     uint32_t sp)
{
    struct old_frame frame;
    uint32_t fpstate;

    if (!push_fpstate(&sp, &fpstate))
        return false;
    sp = frame_at(sp, sizeof frame);
    memset(&frame, 0, sizeof frame);
    frame.pretcode = a->flags & SA_RESTORER ? a->restorer : SIGTRAMP_SIGRETURN;
    frame.sig = sig;
    fill_sigcontext(&frame.sc, f, fpstate, mask);
    frame.extramask = (uint32_t)(mask >> 32);
    memcpy(frame.retcode, old_retcode, sizeof frame.retcode);
    if (copy_to_user((void __user *)sp, &frame, sizeof frame))
        return false;
    f->esp = sp;
    f->edx = f->ecx = 0;
    return true;
}

static bool push_rt(struct trap_frame *f, int sig, const struct signal_action *a,
                    const struct siginfo_small *info, sigset_t mask, uint32_t sp)
{
    struct stack_t32 alt = get_altstack(f->esp);
    struct rt_frame frame;
    uint32_t fpstate;

    if (!push_fpstate(&sp, &fpstate))
        return false;
    sp = frame_at(sp, sizeof frame);
    memset(&frame, 0, sizeof frame);
    frame.pretcode = a->flags & SA_RESTORER ? a->restorer : SIGTRAMP_RT_SIGRETURN;
    frame.sig = sig;
    frame.pinfo = sp + offsetof(struct rt_frame, info);
    frame.puc = sp + offsetof(struct rt_frame, uc);
    siginfo_to_user_layout(info, frame.info);
    frame.uc.stack_sp = alt.sp;
    frame.uc.stack_flags = alt.flags;
    frame.uc.stack_size = alt.size;
    fill_sigcontext(&frame.uc.mc, f, fpstate, mask);
    frame.uc.sigmask[0] = (uint32_t)mask;
    frame.uc.sigmask[1] = (uint32_t)(mask >> 32);
    memcpy(frame.retcode, rt_retcode, sizeof frame.retcode);
    if (copy_to_user((void __user *)sp, &frame, sizeof frame))
        return false;
    f->esp = sp;
    f->edx = frame.pinfo;
    f->ecx = frame.puc;
    return true;
}

bool signal_frame_push(struct trap_frame *f, int sig, const struct signal_action *a,
                       const struct siginfo_small *info, sigset_t old_mask)
{
    uint32_t sp = stack_for(f, a);
    bool ok = a->flags & SA_SIGINFO ? push_rt(f, sig, a, info, old_mask, sp)
                                    : push_old(f, sig, a, old_mask, sp);

    if (!ok)
        return false;
    f->eip = a->handler;
    f->eax = (uint32_t)sig; /* for handlers that take arguments in registers */
    f->orig_eax = ~0u;
    f->cs = USER_CS;
    f->ds = f->es = f->ss = USER_DS;
    f->eflags &= ~(EFLAGS_TF | EFLAGS_DF | EFLAGS_RF);
    fpu_reset(current); /* a handler starts with a clean FPU */
    return true;
}

/* ---- popping ---- */

/* false: the frame asks for something that user mode cannot have. */
static bool restore_sigcontext(struct trap_frame *f, const struct sigcontext *sc)
{
    const struct task *t = current;
    uint32_t cs = (sc->cs & 0xffff) | 3, ss = (sc->ss & 0xffff) | 3;

    if (cs != USER_CS || ss != USER_DS)
        return false;
    if (!restore_fpstate(sc->fpstate))
        return false;
    f->gs = tls_selector_ok(t, sc->gs) ? sc->gs & 0xffff : 0;
    f->fs = tls_selector_ok(t, sc->fs) ? sc->fs & 0xffff : 0;
    f->es = tls_selector_ok(t, sc->es) ? sc->es & 0xffff : 0;
    f->ds = tls_selector_ok(t, sc->ds) ? sc->ds & 0xffff : 0;
    f->edi = sc->edi, f->esi = sc->esi, f->ebp = sc->ebp, f->esp = sc->esp;
    f->ebx = sc->ebx, f->edx = sc->edx, f->ecx = sc->ecx, f->eax = sc->eax;
    f->eip = sc->eip;
    f->cs = cs;
    f->ss = ss;
    f->eflags = (f->eflags & ~USER_EFLAGS) | (sc->eflags & USER_EFLAGS);
    f->orig_eax = ~0u; /* this is no call to restart, whatever eax looks like */
    return true;
}

static long bad_frame(void)
{
    signal_force(SIGSEGV, SI_KERNEL, 0);
    return 0;
}

/* The handler's return popped pretcode, and the return code popped sig: sc is at esp. */
DEFINE_SYSCALL(sigreturn)
{
    struct trap_frame *frame = current_frame();
    uint32_t at = frame->esp - offsetof(struct old_frame, sc);
    struct sigcontext sc;
    uint32_t high;

    if (copy_from_user(&sc, (const void __user *)frame->esp, sizeof sc) ||
        get_user(high, (const uint32_t __user *)(at + offsetof(struct old_frame, extramask))))
        return bad_frame();
    signal_set_blocked((sigset_t)high << 32 | sc.oldmask);
    if (!restore_sigcontext(frame, &sc))
        return bad_frame();
    return (long)frame->eax;
}

/* Only pretcode has been popped. */
DEFINE_SYSCALL(rt_sigreturn)
{
    struct trap_frame *frame = current_frame();
    uint32_t at = frame->esp - 4 + offsetof(struct rt_frame, uc);
    struct ucontext uc;
    struct stack_t32 alt;

    if (copy_from_user(&uc, (const void __user *)at, sizeof uc))
        return bad_frame();
    signal_set_blocked((sigset_t)uc.sigmask[1] << 32 | uc.sigmask[0]);
    if (!restore_sigcontext(frame, &uc.mc))
        return bad_frame();
    alt = (struct stack_t32){uc.stack_sp, uc.stack_flags & ~SS_ONSTACK, uc.stack_size};
    set_altstack(&alt, frame->esp); /* refused while we stand on it; nobody to tell */
    return (long)frame->eax;
}
