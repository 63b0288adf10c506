/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Two tables take rows as they come: event, with what every row has, and span, with what only rows
 * that have a beginning and an end have. A span is filled in when its end comes; one that has not
 * ended has no end there either.
 */
#include "trace_sqlite.h"

#ifdef RINGSIDE_SQLITE

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sqlite3.h>
#include <unistd.h>

#define APPLICATION_ID 0x52534454 /* "RSDT", in bytes 68 to 71 of the file */
#define SCHEMA_VERSION 1

static const char schema[] =
    "CREATE TABLE info (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE event ("
    "  id INTEGER PRIMARY KEY, cycle INTEGER NOT NULL, pid INTEGER, process TEXT,"
    "  domain INTEGER NOT NULL, ring INTEGER NOT NULL, eip INTEGER NOT NULL, function TEXT,"
    "  depth INTEGER NOT NULL, parent INTEGER REFERENCES event (id), phase TEXT NOT NULL,"
    "  kind TEXT NOT NULL, name TEXT NOT NULL, alias TEXT, detail TEXT, at TEXT);"
    "CREATE TABLE span ("
    "  id INTEGER PRIMARY KEY REFERENCES event (id), ended INTEGER REFERENCES event (id),"
    "  cycles INTEGER, result TEXT);"
    /* Everything about a call in one row: what most questions are asked of. */
    "CREATE VIEW call AS"
    "  SELECT e.id, e.cycle AS start, s.cycles, e.pid, e.process, e.kind, e.name, e.alias,"
    "         e.detail AS arguments, s.result, e.function, e.at, e.depth, e.parent"
    "  FROM span s JOIN event e USING (id);";

/* Made at the end: an index that grows with each row costs more than the rows. */
static const char indexes[] = "CREATE INDEX event_kind ON event (kind, name);"
                              "CREATE INDEX event_cycle ON event (cycle);"
                              "CREATE INDEX event_parent ON event (parent) WHERE parent NOT NULL;";

enum statement { PUT_INFO, PUT_EVENT, PUT_SPAN, END_SPAN, STATEMENTS };
static const char *const sql[STATEMENTS] = {
    [PUT_INFO] = "INSERT OR REPLACE INTO info VALUES (?, ?)",
    [PUT_EVENT] = "INSERT INTO event VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
    [PUT_SPAN] = "INSERT INTO span (id) VALUES (?)",
    [END_SPAN] = "UPDATE span SET ended = ?, cycles = ?, result = ? WHERE id = ?",
};

#define DEPTH_MAX 64u

struct trace_database {
    sqlite3 *db;
    char *path;
    sqlite3_stmt *statement[STATEMENTS];
    bool failed;
    char reason[200]; /* of the first failure */
    struct chain {    /* what is open, task by task: whose parent is who */
        uint32_t pid;
        bool known;
        unsigned depth;
        sqlite3_int64 open[DEPTH_MAX];
    } * chain;
    size_t chains;
};

static void fail(struct trace_database *d)
{
    if (!d->failed)
        snprintf(d->reason, sizeof d->reason, "%s", sqlite3_errmsg(d->db));
    d->failed = true;
}

static void run(struct trace_database *d, const char *text)
{
    if (!d->failed && sqlite3_exec(d->db, text, NULL, NULL, NULL) != SQLITE_OK)
        fail(d);
}

/* May this file be replaced? Only if it is nothing, or what an earlier call made. */
static bool may_replace(const char *path, struct err *err)
{
    static const char magic[16] = "SQLite format 3";
    const uint8_t id[4] = {APPLICATION_ID >> 24, APPLICATION_ID >> 16 & 0xFF,
                           APPLICATION_ID >> 8 & 0xFF, APPLICATION_ID & 0xFF};
    uint8_t head[100];
    FILE *f = fopen(path, "rb");

    if (!f)
        return errno == ENOENT || err_set(err, ERR_FILE, "%s: %s", path, strerror(errno));
    size_t n = fread(head, 1, sizeof head, f);
    int error = ferror(f) ? errno : 0;
    fclose(f);
    if (error)
        return err_set(err, ERR_FILE, "%s: %s", path, strerror(error));
    if (n && (n < sizeof head || memcmp(head, magic, 16) != 0 || memcmp(head + 68, id, 4) != 0))
        return err_set(err, ERR_FILE, "%s: exists and is no database of a trace; it is left alone",
                       path);
    return unlink(path) == 0 || err_set(err, ERR_FILE, "%s: %s", path, strerror(errno));
}

struct trace_database *trace_database_create(const char *path, struct err *err)
{
    char identity[100];
    struct trace_database *d;

    if (!may_replace(path, err))
        return NULL;
    d = calloc(1, sizeof *d);
    if (!d || !(d->path = strdup(path))) {
        free(d);
        err_set(err, ERR_SYSTEM, "out of memory");
        return NULL;
    }
    if (sqlite3_open_v2(path, &d->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL) !=
        SQLITE_OK)
        fail(d);
    /* Nobody needs this file to survive a loss of power while it is made. */
    run(d, "PRAGMA synchronous = OFF; PRAGMA locking_mode = EXCLUSIVE");
    snprintf(identity, sizeof identity, "PRAGMA application_id = %d; PRAGMA user_version = %d",
             APPLICATION_ID, SCHEMA_VERSION);
    run(d, identity);
    run(d, schema);
    run(d, "BEGIN");
    for (unsigned i = 0; i < STATEMENTS && !d->failed; i++)
        if (sqlite3_prepare_v3(d->db, sql[i], -1, SQLITE_PREPARE_PERSISTENT, &d->statement[i],
                               NULL) != SQLITE_OK)
            fail(d);
    if (!d->failed)
        return d;
    err_set(err, ERR_FILE, "%s: %s", path, d->reason);
    trace_database_close(d, &(struct err){0});
    return NULL;
}

/* ---- rows ---- */

static void bind_text(sqlite3_stmt *s, int at, const char *text)
{
    if (text[0])
        sqlite3_bind_text(s, at, text, -1, SQLITE_STATIC);
    else
        sqlite3_bind_null(s, at);
}

static void step(struct trace_database *d, sqlite3_stmt *s)
{
    if (sqlite3_step(s) != SQLITE_DONE)
        fail(d);
    sqlite3_reset(s);
}

void trace_database_name(struct trace_database *d, const struct trace_name *n)
{
    sqlite3_stmt *s = d->statement[PUT_INFO];

    if (n->class != NAME_INFO || d->failed)
        return;
    sqlite3_bind_text(s, 1, n->text, -1, SQLITE_STATIC);
    sqlite3_bind_text(s, 2, n->text2, -1, SQLITE_STATIC);
    step(d, s);
}

static struct chain *chain_of(struct trace_database *d, const struct trace_row *row)
{
    for (size_t i = d->chains; i-- > 0;)
        if (d->chain[i].pid == row->pid && d->chain[i].known == row->known_task)
            return &d->chain[i];
    struct chain *more = realloc(d->chain, (d->chains + 1) * sizeof *more);
    if (!more)
        return NULL;
    d->chain = more;
    more[d->chains] = (struct chain){.pid = row->pid, .known = row->known_task};
    return &more[d->chains++];
}

static void put_event(struct trace_database *d, const struct trace_row *row, sqlite3_int64 parent)
{
    static const char *const phase[] = {
        [ROW_POINT] = "point", [ROW_BEGIN] = "begin", [ROW_END] = "end"};
    sqlite3_stmt *s = d->statement[PUT_EVENT];
    int i = 1;

    sqlite3_bind_int64(s, i++, (sqlite3_int64)row->number);
    sqlite3_bind_int64(s, i++, (sqlite3_int64)row->cycle);
    if (row->known_task)
        sqlite3_bind_int64(s, i++, row->pid);
    else
        sqlite3_bind_null(s, i++);
    bind_text(s, i++, row->comm);
    sqlite3_bind_int64(s, i++, row->domain);
    sqlite3_bind_int64(s, i++, row->ring);
    sqlite3_bind_int64(s, i++, row->eip);
    bind_text(s, i++, row->function);
    sqlite3_bind_int64(s, i++, row->depth);
    if (parent >= 0)
        sqlite3_bind_int64(s, i++, parent);
    else
        sqlite3_bind_null(s, i++);
    sqlite3_bind_text(s, i++, phase[row->phase], -1, SQLITE_STATIC);
    sqlite3_bind_text(s, i++, row->category, -1, SQLITE_STATIC);
    sqlite3_bind_text(s, i++, row->name, -1, SQLITE_STATIC);
    bind_text(s, i++, row->alias);
    bind_text(s, i++, row->detail);
    bind_text(s, i++, row->at);
    step(d, s);
}

void trace_database_row(struct trace_database *d, const struct trace_row *row)
{
    struct chain *c = d->failed ? NULL : chain_of(d, row);
    sqlite3_int64 parent = -1;

    if (!c) {
        d->failed = true;
        return;
    }
    /* A filter may have left out what is between. */
    for (; c->depth > row->depth; c->depth--)
        ;
    for (unsigned i = c->depth; i-- > 0 && parent < 0;)
        parent = c->open[i];
    put_event(d, row, parent);
    if (row->phase == ROW_BEGIN && row->depth < DEPTH_MAX) {
        while (c->depth < row->depth)
            c->open[c->depth++] = -1;
        c->open[c->depth++] = (sqlite3_int64)row->number;
        sqlite3_bind_int64(d->statement[PUT_SPAN], 1, (sqlite3_int64)row->number);
        step(d, d->statement[PUT_SPAN]);
    } else if (row->phase == ROW_END) {
        sqlite3_stmt *s = d->statement[END_SPAN];
        sqlite3_bind_int64(s, 1, (sqlite3_int64)row->number);
        sqlite3_bind_int64(s, 2, (sqlite3_int64)row->cycles);
        bind_text(s, 3, row->result);
        sqlite3_bind_int64(s, 4, (sqlite3_int64)row->begin);
        step(d, s);
    }
}

bool trace_database_close(struct trace_database *d, struct err *err)
{
    bool ok;

    if (!d)
        return true;
    run(d, indexes);
    run(d, "COMMIT");
    for (unsigned i = 0; i < STATEMENTS; i++)
        sqlite3_finalize(d->statement[i]);
    if (sqlite3_close(d->db) != SQLITE_OK)
        fail(d);
    ok = !d->failed ||
         err_set(err, ERR_SYSTEM, "%s: %s", d->path, d->reason[0] ? d->reason : "out of memory");
    free(d->chain);
    free(d->path);
    free(d);
    return ok;
}

#else

struct trace_database *trace_database_create(const char *path, struct err *err)
{
    err_set(err, ERR_SYSTEM,
            "%s: this ringside was built without libsqlite3; json and csv are there", path);
    return NULL;
}

void trace_database_name(struct trace_database *d, const struct trace_name *n)
{
    (void)d;
    (void)n;
}

void trace_database_row(struct trace_database *d, const struct trace_row *row)
{
    (void)d;
    (void)row;
}

bool trace_database_close(struct trace_database *d, struct err *err)
{
    (void)d;
    (void)err;
    return true;
}

#endif
