/* SPDX-License-Identifier: GPL-2.0-only */
/* The input log in a file: a section of saved machines and of recordings. Internal to emu/. */
#ifndef EMU_INPUT_SECTION_H
#define EMU_INPUT_SECTION_H

#include "container.h"
#include "input.h"

/* Section "INPT" of a saved machine: its whole log. */
void input_section_write(struct container_out *c, const struct input *in);
bool input_section_read(struct container_in *c, struct input *in, struct err *err);

/* The entries alone, packed; a list is read into memory of its own, to be freed. */
void input_entries_write(struct container_out *c, const struct input_entry *log, size_t n);
bool input_entries_read(struct container_in *c, struct input_entry **log, size_t *n,
                        struct err *err);

#endif
