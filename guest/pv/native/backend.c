/* SPDX-License-Identifier: GPL-2.0-only */
/* The table of the native backend, made from the catalogue. */
#include "native.h"

#define PV_BACKEND native
#define PV_BACKEND_INFO                                                                          \
    {                                                                                            \
        .kernel_rpl = 0, .shared_kernel_pmd = 1, .paravirt_enabled = 0, .name = "bare hardware", \
    }
#include "../pv_backend.h"
