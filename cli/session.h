/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * From what the user asked for to a machine with a guest in it: images read, initrd put together,
 * command line written, model found, all built. Every command that runs a guest begins here.
 */
#ifndef CLI_SESSION_H
#define CLI_SESSION_H

#include "hv-models/hv.h"
#include "options.h"

struct session {
    const struct hv_model *model;
    const char *variant;
    struct boot_request boot; /* images and command line are owned by the session */
    char *cmdline;
    struct machine *machine;
};

/* Find the model and read the images; no machine yet. False: err; close it all the same. */
bool session_prepare(struct session *s, const struct options *o, struct err *err);
/* Make the machine and put the guest into it. */
bool session_boot(struct session *s, const struct machine_config *cfg,
                  const struct machine_host *host, struct err *err);
void session_close(struct session *s);

/* The configuration that the options ask for. */
struct machine_config session_config(const struct options *o);

#endif
