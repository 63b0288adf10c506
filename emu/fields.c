/* SPDX-License-Identifier: GPL-2.0-only */
/* JSON in our files, field by field: see fields.h. */
#include "fields.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "digest.h"
#include "mem.h"

#define JSON_MOST (1u << 20) /* bytes of one section of JSON */
#define EXACT     (1ull << 53)

void field_put_number(json_t *o, const char *name, uint64_t value)
{
    char digits[24];

    snprintf(digits, sizeof digits, "%llu", (unsigned long long)value);
    json_object_set_new(o, name,
                        value < EXACT ? json_integer((json_int_t)value) : json_string(digits));
}

void field_put_signed(json_t *o, const char *name, int64_t value)
{
    json_object_set_new(o, name, json_integer(value));
}

void field_put_text(json_t *o, const char *name, const char *value)
{
    /* Texts of the command line need not be UTF-8: then every byte is taken for Latin-1. */
    json_t *text = json_string(value);

    if (!text) {
        size_t n = strlen(value);
        char *wide = malloc(2 * n + 1), *to = wide;
        for (size_t i = 0; wide && i < n; i++) {
            uint8_t b = (uint8_t)value[i];
            if (b >= 0x80)
                *to++ = (char)(0xC0 | b >> 6);
            *to++ = (char)(b < 0x80 ? b : 0x80 | (b & 0x3F));
        }
        if (wide) {
            *to = 0;
            text = json_string(wide);
        }
        free(wide);
    }
    json_object_set_new(o, name, text);
}

void field_put_bool(json_t *o, const char *name, bool value)
{
    json_object_set_new(o, name, json_boolean(value));
}

void field_put_digest(json_t *o, const char *name, struct digest value)
{
    char hex[DIGEST_HEX];

    digest_hex(value, hex);
    json_object_set_new(o, name, json_string(hex));
}

/* Only of disks that are there, so that a run without them is written as it always was. */
static const char *const disk_field[DISKS_MAX] = {"disk0_bytes", "disk1_bytes", "disk2_bytes",
                                                  "disk3_bytes"};

void field_put_config(json_t *o, const struct run_config *c)
{
    field_put_text(o, "model", c->model);
    field_put_text(o, "cmdline", c->cmdline);
    field_put_number(o, "mem_bytes", c->mem_bytes);
    for (unsigned i = 0; i < DISKS_MAX && c->disk_bytes[i]; i++)
        field_put_number(o, disk_field[i], c->disk_bytes[i]);
    field_put_number(o, "seed", c->seed);
    field_put_number(o, "max_cycles", c->max_cycles);
    field_put_signed(o, "rtc_epoch", c->rtc_epoch);
    if (c->costs[0])
        field_put_text(o, "costs", c->costs);
    field_put_bool(o, "pure", c->pure);
    field_put_bool(o, "batch", c->batch);
}

void fields_write(struct container_out *c, const char *section, json_t *o)
{
    char *text = o ? json_dumps(o, JSON_COMPACT) : NULL;

    container_section(c, section);
    if (text)
        container_put(c, text, strlen(text));
    else
        container_spoil(c);
    free(text);
    json_decref(o);
}

json_t *fields_read(struct container_in *c, const char *section, struct err *err)
{
    if (!container_enter(c, section, err))
        return NULL;

    char *text = malloc(JSON_MOST);
    if (!text) {
        err_set(err, ERR_SYSTEM, "no memory for the header of a file");
        return NULL;
    }
    struct err why = {.class = ERR_NONE};
    json_error_t at;
    json_t *o = NULL;
    size_t n = 0, got;
    while (n < JSON_MOST && (got = container_get_some(c, text + n, JSON_MOST - n, &why)))
        n += got;
    if (why.class != ERR_NONE) {
        if (err)
            *err = why;
    } else if (n == JSON_MOST) {
        container_bad(c, err, "a header of more than %u bytes", JSON_MOST - 1);
    } else if (!(o = json_loadb(text, n, JSON_REJECT_DUPLICATES, &at)) || !json_is_object(o)) {
        container_bad(c, err, "the header is no JSON object: %s", o ? "another type" : at.text);
        json_decref(o);
        o = NULL;
    }
    free(text);
    return o;
}

static bool wrong(struct container_in *c, const char *name, const char *should, struct err *err)
{
    return container_bad(c, err, "\"%s\" in the header is not %s", name, should);
}

bool field_number(struct container_in *c, const json_t *o, const char *name, uint64_t *value,
                  struct err *err)
{
    const json_t *v = json_object_get(o, name);

    if (json_is_integer(v) && json_integer_value(v) >= 0) {
        *value = (uint64_t)json_integer_value(v);
        return true;
    }
    const char *digits = json_string_value(v);
    if (!digits || !*digits || strspn(digits, "0123456789") != strlen(digits))
        return wrong(c, name, "a number", err);
    errno = 0;
    *value = strtoull(digits, NULL, 10);
    return !errno || wrong(c, name, "a number of 64 bits", err);
}

bool field_signed(struct container_in *c, const json_t *o, const char *name, int64_t *value,
                  struct err *err)
{
    const json_t *v = json_object_get(o, name);

    *value = json_integer_value(v);
    return json_is_integer(v) || wrong(c, name, "a number", err);
}

bool field_text(struct container_in *c, const json_t *o, const char *name, char *value, size_t size,
                struct err *err)
{
    const json_t *v = json_object_get(o, name);

    if (!json_is_string(v))
        return wrong(c, name, "a text", err);
    if (json_string_length(v) >= size)
        return wrong(c, name, "as short as it must be", err);
    memcpy(value, json_string_value(v), json_string_length(v) + 1);
    return true;
}

bool field_bool(struct container_in *c, const json_t *o, const char *name, bool *value,
                struct err *err)
{
    const json_t *v = json_object_get(o, name);

    *value = json_is_true(v);
    return json_is_boolean(v) || wrong(c, name, "true or false", err);
}

bool field_digest(struct container_in *c, const json_t *o, const char *name, struct digest *value,
                  struct err *err)
{
    const char *text = json_string_value(json_object_get(o, name));

    return (text && digest_parse(text, value)) || wrong(c, name, "a digest", err);
}

bool field_config(struct container_in *c, const json_t *o, struct run_config *r, struct err *err)
{
    memset(r, 0, sizeof *r);
    if (!field_text(c, o, "model", r->model, sizeof r->model, err) ||
        !field_text(c, o, "cmdline", r->cmdline, sizeof r->cmdline, err) ||
        !field_number(c, o, "mem_bytes", &r->mem_bytes, err) ||
        !field_number(c, o, "seed", &r->seed, err) ||
        !field_number(c, o, "max_cycles", &r->max_cycles, err) ||
        !field_signed(c, o, "rtc_epoch", &r->rtc_epoch, err) ||
        !field_bool(c, o, "pure", &r->pure, err) || !field_bool(c, o, "batch", &r->batch, err))
        return false;
    for (unsigned i = 0; i < DISKS_MAX; i++)
        if (json_object_get(o, disk_field[i]) &&
            !field_number(c, o, disk_field[i], &r->disk_bytes[i], err))
            return false;
    if (json_object_get(o, "costs") && !field_text(c, o, "costs", r->costs, sizeof r->costs, err))
        return false;
    if (disks_refuse(r->disk_bytes))
        return wrong(c, disk_field[0], "the first of sizes that disks can have", err);
    if (r->mem_bytes < MEM_MIN_BYTES || r->mem_bytes > MEM_MAX_BYTES || r->mem_bytes % PAGE_SIZE)
        return wrong(c, "mem_bytes", "a size of memory that a machine can have", err);
    return true;
}
