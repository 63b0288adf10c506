/* SPDX-License-Identifier: GPL-2.0-only */
#include "trace_rows.h"

#include <inttypes.h>
#include <string.h>

/* ---- the tree ---- */

/* Column at which the place of a hook's site is told, when what stands before it is short enough. */
#define PLACE_COLUMN 90

static int put_head(FILE *to, const struct trace_row *row)
{
    char task[32] = "-";

    if (row->known_task)
        snprintf(task, sizeof task, "%s:%" PRIu32, row->comm, row->pid);
    return fprintf(to, "%12" PRIu64 "  %-16s %*s", row->cycle, task, (int)(2 * row->depth), "");
}

/* What happened; `over`, if not NULL, is the row that ends it at once. */
static void put_line(FILE *to, const struct trace_row *row, const struct trace_row *over,
                     const char *brace)
{
    bool hook = !strcmp(row->category, "hook"), stage = !strcmp(row->category, "stage");
    bool call = !strcmp(row->category, "hypercall");
    int n = put_head(to, row);

    n += fprintf(to, "%s%s%s%s",
                 stage  ? "· "
                 : call ? "hypercall "
                        : "",
                 row->name, row->detail[0] && !hook && !call ? " " : "", row->detail);
    if (over && over->result[0])
        n += fprintf(to, " = %s", over->result);
    if (over)
        n += fprintf(to, "  [%" PRIu64 "]", over->cycles);
    n += fprintf(to, "%s", brace);
    const char *place = row->at[0] ? row->at : row->function;
    if (place[0])
        fprintf(to, "%*s  %s", n < PLACE_COLUMN ? PLACE_COLUMN - n : 0, "", place);
    fputc('\n', to);
}

static void settle(struct row_printer *p)
{
    if (p->is_pending)
        put_line(p->to, &p->pending, NULL, " {");
    p->is_pending = false;
}

static void put_text(struct row_printer *p, const struct trace_row *row)
{
    if (row->phase == ROW_END && p->is_pending && row->begin == p->pending.number) {
        put_line(p->to, &p->pending, row, "");
        p->is_pending = false;
        return;
    }
    settle(p);
    switch (row->phase) {
    case ROW_POINT:
        put_line(p->to, row, NULL, "");
        break;
    case ROW_BEGIN:
        p->pending = *row;
        p->is_pending = true;
        break;
    case ROW_END:
        put_head(p->to, row);
        fprintf(p->to, "} %s%s%s%s  [%" PRIu64 "]\n",
                strcmp(row->category, "hypercall") ? "" : "hypercall ", row->name,
                row->result[0] ? " = " : "", row->result, row->cycles);
        break;
    }
}

/* ---- for programs ---- */

static const char *const phase_name[] = {
    [ROW_POINT] = "point", [ROW_BEGIN] = "begin", [ROW_END] = "end"};

/* Bytes of a guest or of a damaged file: whatever is not plain ASCII is told as its number. */
static void put_json_text(FILE *to, const char *name, const char *text)
{
    fprintf(to, ",\"%s\":\"", name);
    for (const unsigned char *p = (const unsigned char *)text; *p; p++) {
        if (*p == '"' || *p == '\\')
            fprintf(to, "\\%c", *p);
        else if (*p < ' ' || *p > '~')
            fprintf(to, "\\u%04x", *p);
        else
            fputc(*p, to);
    }
    fputc('"', to);
}

static void put_json(struct row_printer *p, const struct trace_row *row)
{
    FILE *to = p->to;

    fprintf(to, "{\"event\":%" PRIu64 ",\"cycle\":%" PRIu64, row->number, row->cycle);
    if (row->known_task) {
        put_json_text(to, "process", row->comm);
        fprintf(to, ",\"pid\":%" PRIu32, row->pid);
    }
    fprintf(to, ",\"domain\":%u,\"ring\":%u,\"eip\":%" PRIu32 ",\"depth\":%u", row->domain,
            row->ring, row->eip, row->depth);
    put_json_text(to, "function", row->function);
    put_json_text(to, "phase", phase_name[row->phase]);
    put_json_text(to, "kind", row->category);
    put_json_text(to, "name", row->name);
    put_json_text(to, "alias", row->alias);
    put_json_text(to, "detail", row->detail);
    put_json_text(to, "at", row->at);
    if (row->phase == ROW_END) {
        put_json_text(to, "result", row->result);
        fprintf(to, ",\"begin\":%" PRIu64 ",\"cycles\":%" PRIu64, row->begin, row->cycles);
    }
    fputs("}\n", to);
}

/* RFC 4180: in quotes, a quote twice. */
static void put_csv_text(FILE *to, const char *text)
{
    fputs(",\"", to);
    for (; *text; text++) {
        if (*text == '"')
            fputc('"', to);
        fputc(*text, to);
    }
    fputc('"', to);
}

static void put_csv(struct row_printer *p, const struct trace_row *row)
{
    FILE *to = p->to;

    fprintf(to, "%" PRIu64 ",%" PRIu64, row->number, row->cycle);
    put_csv_text(to, row->comm);
    if (row->known_task)
        fprintf(to, ",%" PRIu32, row->pid);
    else
        fputc(',', to);
    fprintf(to, ",%u,%u,0x%08" PRIx32 ",%u", row->domain, row->ring, row->eip, row->depth);
    put_csv_text(to, row->function);
    fprintf(to, ",%s,%s", phase_name[row->phase], row->category);
    put_csv_text(to, row->name);
    put_csv_text(to, row->alias);
    put_csv_text(to, row->detail);
    put_csv_text(to, row->at);
    if (row->phase == ROW_END) {
        put_csv_text(to, row->result);
        fprintf(to, ",%" PRIu64 ",%" PRIu64 "\n", row->begin, row->cycles);
    } else {
        fputs(",,,\n", to);
    }
}

void rows_begin(struct row_printer *p, enum row_style style, FILE *to)
{
    *p = (struct row_printer){.style = style, .to = to};
    if (style == ROWS_TEXT)
        fputs("       cycle  process          what [cycles until its end]\n", to);
    else if (style == ROWS_CSV)
        fputs("event,cycle,process,pid,domain,ring,eip,depth,function,phase,kind,name,alias,detail,"
              "at,result,begin,cycles\n",
              to);
}

void rows_put(struct row_printer *p, const struct trace_row *row)
{
    static void (*const put[])(struct row_printer *, const struct trace_row *) = {
        [ROWS_TEXT] = put_text, [ROWS_JSON] = put_json, [ROWS_CSV] = put_csv};
    put[p->style](p, row);
}

void rows_end(struct row_printer *p)
{
    settle(p);
}
