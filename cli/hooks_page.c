/* SPDX-License-Identifier: GPL-2.0-only */
/* The reference page of hooks. A test makes it anew and compares it with the one in docs/, so what
   is written there is what the kernel does. */
#include "hooks_page.h"

#include <string.h>

#include "debugger/backend.h"

static const struct {
    const char *group, *about;
} groups[] = {
    {"init", "Once, while booting."},
    {"time", "Clocks."},
    {"cpu", "Privileged instructions and descriptor tables."},
    {"irq", "The virtual interrupt flag."},
    {"apic", "A processor's own timer and its start."},
    {"mmu", "Page tables and the TLB."},
    {"lock", "Spinning, which a virtual processor should not do for long."},
};

static const char *about_group(const char *group)
{
    for (size_t i = 0; i < sizeof groups / sizeof groups[0]; i++)
        if (!strcmp(groups[i].group, group))
            return groups[i].about;
    return "";
}

static void group_head(const char *group, const struct backend *b, unsigned backends, FILE *to)
{
    fprintf(to, "\n## pv_%s_ops\n\n%s\n\n| hook | arguments | result | meaning |", group,
            about_group(group));
    for (unsigned i = 0; i < backends; i++)
        fprintf(to, " %s |", b[i].name);
    fputs("\n|---|---|---|---|", to);
    for (unsigned i = 0; i < backends; i++)
        fputs("---|", to);
    fputc('\n', to);
}

void hooks_page(const struct kernel *k, FILE *to)
{
    struct backend b[BACKENDS_MAX];
    unsigned backends = backends_find(k, b);
    const char *group = "";

    fputs("<!-- Made by ringside-pages from abi/pv_hooks.def and the kernel. Do not edit: change "
          "those, then\n     run `cmake --build build/release --target hooks-page`. -->\n"
          "# The hooks of the pv-ops table\n\n"
          "Every privileged operation of the kernel is one of these calls. The names, their order "
          "and their arguments are\nthose of Linux 2.6.31 on i386 with PAE. The kernel calls "
          "`pv_set_pte(...)`; at boot the place of the call is\npatched with what the backend has "
          "for it, which the last columns show. `ringside hooks` prints the same,\n`ringside "
          "hooks --json` for programs.\n\n"
          "Arguments are passed in EAX, EDX, ECX, then on the stack; a 64-bit one takes two "
          "words. A hook marked * may\nchange EAX and EDX alone (Linux's callee-save "
          "convention); one marked → is jumped to and does not come back.\n",
          to);
    for (unsigned i = 0; i < hook_count; i++) {
        const struct hook_info *h = &hook_table[i];
        char args[160];
        if (strcmp(group, h->group) != 0)
            group_head(group = h->group, b, backends, to);
        hook_arguments(h, args, sizeof args);
        fprintf(to, "| `%s`%s | `%s` | `%s` | %s |", h->name,
                h->convention == HOOK_JUMP          ? " →"
                : h->convention == HOOK_CALLEE_SAVE ? " *"
                                                    : "",
                args, h->result, h->meaning);
        for (unsigned j = 0; j < backends; j++) {
            struct fill f;
            char text[240] = "?";
            if (backend_fill(k, &b[j], i, &f))
                fill_format(&f, h->convention, text, sizeof text);
            fprintf(to, " %s |", text);
        }
        fputc('\n', to);
    }
}
