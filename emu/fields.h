/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * JSON in our files, field by field. Internal to emu/: the only header that names jansson's types.
 * Writing may run out of memory: the object is then NULL, and every call on it does nothing.
 * Reading gives ERR_FILE with the file's name and the field's.
 */
#ifndef EMU_FIELDS_H
#define EMU_FIELDS_H

#include <jansson.h>

#include "config.h"
#include "container.h"
#include "events.h"

/* Numbers beyond 2^53 become strings of digits: to many readers JSON numbers are doubles. */
void field_put_number(json_t *o, const char *name, uint64_t value);
void field_put_signed(json_t *o, const char *name, int64_t value);
void field_put_text(json_t *o, const char *name, const char *value);
void field_put_bool(json_t *o, const char *name, bool value);
void field_put_digest(json_t *o, const char *name, struct digest value);
void field_put_config(json_t *o, const struct run_config *c);
/* The object as a section of its own. Frees it. */
void fields_write(struct container_out *c, const char *section, json_t *o);

/* Reading: the file the object came from is for messages. */
json_t *fields_read(struct container_in *c, const char *section, struct err *err);
bool field_number(struct container_in *c, const json_t *o, const char *name, uint64_t *value,
                  struct err *err);
bool field_signed(struct container_in *c, const json_t *o, const char *name, int64_t *value,
                  struct err *err);
/* Into a buffer of this size; a longer text is an error. */
bool field_text(struct container_in *c, const json_t *o, const char *name, char *value, size_t size,
                struct err *err);
bool field_bool(struct container_in *c, const json_t *o, const char *name, bool *value,
                struct err *err);
bool field_digest(struct container_in *c, const json_t *o, const char *name, struct digest *value,
                  struct err *err);
bool field_config(struct container_in *c, const json_t *o, struct run_config *config,
                  struct err *err);

#endif
