/* SPDX-License-Identifier: GPL-2.0-only */
/* The real kernel with a few commands for busybox, under any model, in a debugger's hands. */
#ifndef TESTS_UNIT_DEBUGGER_DEBUG_RIG_H
#define TESTS_UNIT_DEBUGGER_DEBUG_RIG_H

#include "../unit.h"

#include "debugger/control/debug.h"
#include "digest.h"
#include "hv-models/hv.h"

struct rig {
    struct image kernel, initrd;
    struct machine *m;
    struct debug *d;
};

/* commands: for the guest's shell, as -e gives them. */
static inline struct rig rig_begin(const struct hv_model *model, const char *commands)
{
    struct rig r = {0};
    struct image base = {0};
    struct err err = {0};
    struct initrd *rd = initrd_new();
    struct machine_config cfg = {.mem_bytes = MACHINE_DEFAULT_MEM,
                                 .rtc_epoch = MACHINE_DEFAULT_RTC,
                                 .max_cycles = 4000000000};

    assert_non_null(rd);
    if (!image_read(&r.kernel, RINGSIDE_BUILD "/ringside-kernel", &err) ||
        !image_read(&base, RINGSIDE_BUILD "/initrd.cpio", &err) ||
        !initrd_append_image(rd, base, &err) || !initrd_add_commands(rd, commands, &err) ||
        !initrd_finish(rd, &r.initrd, &err))
        fail_msg("%s", err.text);
    initrd_free(rd);
    image_free(&base);
    struct boot_request rq = {.kernel = r.kernel, .initrd = r.initrd, .cmdline = "seed=1 quiet"};
    r.m = machine_new(&cfg, NULL, &err);
    if (!r.m || !hv_attach(r.m, model, model->variants[0], &rq, &err))
        fail_msg("%s", err.text);
    return r;
}

/* The images must stay where they are: r is the caller's. */
static inline void rig_debug(struct rig *r)
{
    struct err err = {0};

    r->d = debug_new(
        &(struct debug_setup){.machine = r->m, .kernel = &r->kernel, .initrd = &r->initrd}, &err);
    if (!r->d)
        fail_msg("%s", err.text);
}

static inline void rig_end(struct rig *r)
{
    debug_free(r->d);
    hv_detach(r->m);
    machine_free(r->m);
    image_free(&r->kernel);
    image_free(&r->initrd);
}

static inline struct digest rig_state(struct rig *r)
{
    struct machine_parts parts = machine_parts(r->m);

    return digest_state(&parts);
}

#endif
