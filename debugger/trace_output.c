/* SPDX-License-Identifier: GPL-2.0-only */
#include "trace_output.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "trace_perfetto.h"
#include "trace_rows.h"
#include "trace_sqlite.h"

const char *const trace_format_name[TRACE_FORMATS] = {
    [FORMAT_TEXT] = "text",         [FORMAT_JSON] = "json",     [FORMAT_CSV] = "csv",
    [FORMAT_PERFETTO] = "perfetto", [FORMAT_SQLITE] = "sqlite",
};

struct trace_output {
    enum trace_format format;
    char *path; /* NULL: standard output */
    FILE *to;   /* NULL: a database */
    union {
        struct row_printer rows;
        struct perfetto *perfetto;
        struct trace_database *database;
    } as;
};

static bool open_stream(struct trace_output *o, FILE *to, struct err *err)
{
    if (o->format == FORMAT_PERFETTO && !o->path && isatty(fileno(to)))
        return err_set(err, ERR_USAGE,
                       "perfetto's format is binary and this is a terminal: -o FILE");
    o->to = o->path ? fopen(o->path, "wb") : to;
    if (!o->to)
        return err_set(err, ERR_FILE, "%s: %s", o->path, strerror(errno));
    if (o->format != FORMAT_PERFETTO) {
        rows_begin(&o->as.rows, (enum row_style)o->format, o->to);
        return true;
    }
    o->as.perfetto = perfetto_new(o->to);
    return o->as.perfetto || err_set(err, ERR_SYSTEM, "out of memory");
}

struct trace_output *trace_output_open(enum trace_format format, const char *path, FILE *to,
                                       struct err *err)
{
    struct trace_output *o = calloc(1, sizeof *o);
    bool ok = false;

    if (o)
        o->format = format;
    if (!o || (path && !(o->path = strdup(path))))
        err_set(err, ERR_SYSTEM, "out of memory");
    else if (format != FORMAT_SQLITE)
        ok = open_stream(o, to, err);
    else if (!path)
        err_set(err, ERR_USAGE, "a database is a file of its own: -o FILE");
    else
        ok = (o->as.database = trace_database_create(path, err)) != NULL;
    if (ok)
        return o;
    if (o && o->to && o->path)
        fclose(o->to);
    if (o)
        free(o->path);
    free(o);
    return NULL;
}

void trace_output_name(struct trace_output *o, const struct trace_name *n)
{
    if (o->format == FORMAT_SQLITE)
        trace_database_name(o->as.database, n);
}

void trace_output_row(struct trace_output *o, const struct trace_row *row)
{
    switch (o->format) {
    case FORMAT_PERFETTO:
        perfetto_row(o->as.perfetto, row);
        break;
    case FORMAT_SQLITE:
        trace_database_row(o->as.database, row);
        break;
    default:
        rows_put(&o->as.rows, row);
        break;
    }
}

static bool close_stream(struct trace_output *o, struct err *err)
{
    int error = 0;

    if (o->format != FORMAT_PERFETTO)
        rows_end(&o->as.rows);
    else if (!perfetto_free(o->as.perfetto))
        error = ENOMEM;
    errno = 0;
    if (fflush(o->to) == EOF || ferror(o->to))
        error = errno ? errno : EIO;
    if (o->path && fclose(o->to) == EOF && !error)
        error = errno;
    return !error || err_set(err, ERR_SYSTEM, "%s: %s", o->path ? o->path : "standard output",
                             strerror(error));
}

bool trace_output_close(struct trace_output *o, struct err *err)
{
    if (!o)
        return true;
    bool ok = o->format == FORMAT_SQLITE ? trace_database_close(o->as.database, err)
                                         : close_stream(o, err);
    free(o->path);
    free(o);
    return ok;
}
