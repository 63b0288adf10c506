/* SPDX-License-Identifier: GPL-2.0-only */
/* The table of the lguest backend, made from the catalogue. */
#include "lguest.h"

#define PV_BACKEND lguest
#define PV_BACKEND_INFO                                                                   \
    {                                                                                     \
        .kernel_rpl = 1, .shared_kernel_pmd = 1, .paravirt_enabled = 1, .name = "lguest", \
    }
#include "../pv_backend.h"
