/* SPDX-License-Identifier: GPL-2.0-only */
/* Reports over jansson: a report is a json_t object, and nobody else needs to know. */
#include "report.h"

#include <inttypes.h>
#include <jansson.h>

#include "emu/err.h"
#include "say.h"

/* The handle is the library's object itself: a part inside a report needs no wrapper to free. NULL
   (out of memory) is accepted everywhere; jansson's functions do nothing with it. */
static json_t *object(struct report *r)
{
    return (json_t *)r;
}

struct report *report_new(void)
{
    return (struct report *)json_object();
}

void report_free(struct report *r)
{
    json_decref(object(r));
}

void report_text(struct report *r, const char *name, const char *text)
{
    json_t *value = text ? json_string(text) : json_null();
    if (!value) /* not UTF-8: a guest may have said anything */
        value = json_string("(not text)");
    json_object_set_new(object(r), name, value);
}

void report_number(struct report *r, const char *name, uint64_t value)
{
    char digits[24];
    if (value <= UINT64_C(1) << 53) {
        json_object_set_new(object(r), name, json_integer((json_int_t)value));
        return;
    }
    snprintf(digits, sizeof digits, "%" PRIu64, value);
    json_object_set_new(object(r), name, json_string(digits));
}

void report_bool(struct report *r, const char *name, int value)
{
    json_object_set_new(object(r), name, json_boolean(value));
}

struct report *report_part(struct report *r, const char *name)
{
    json_t *part = json_object();
    if (json_object_set_new(object(r), name, part) != 0)
        return NULL;
    return (struct report *)part;
}

struct report *report_row(struct report *r, const char *name)
{
    json_t *rows = json_object_get(object(r), name);
    if (!rows) {
        rows = json_array();
        if (json_object_set_new(object(r), name, rows) != 0)
            return NULL;
    }
    json_t *row = json_object();
    if (json_array_append_new(rows, row) != 0)
        return NULL;
    return (struct report *)row;
}

void report_list(struct report *r, const char *name)
{
    json_object_set_new(object(r), name, json_array());
}

void report_item(struct report *r, const char *name, const char *text)
{
    json_array_append_new(json_object_get(object(r), name), json_string(text));
}

int report_print(struct report *r, FILE *to)
{
    int failed = !r || json_dumpf(object(r), to, JSON_INDENT(2)) != 0 || fputc('\n', to) == EOF;
    report_free(r);
    if (failed)
        say("the JSON report could not be written");
    return failed ? ERR_SYSTEM : 0;
}
