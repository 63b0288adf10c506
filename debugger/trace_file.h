/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Traces on disk: the event stream, and the names that make it readable. The file explains itself:
 * whoever reads it needs neither the kernel nor the program that wrote it.
 *
 *     magic (15)  version (2)
 *     chunk: "CHNK"  raw size (4)  stored size (4)  stored bytes: one zstd frame with a checksum
 *     ...
 *
 * There is no end mark: a trace may be cut off by a kill, and what is there up to the last whole
 * chunk is good. In a chunk, after decompression, record follows record:
 *
 *     event  kind (1, < 0x80)  ring | domain << 2 (1)  cycles since the last event  EIP  words
 *     name   0x80 | class (1)  number  a  b  three texts (length, bytes)
 *
 * Numbers are LEB128; EIP is the zigzag difference to the last one; an event has as many words as
 * its name in the file has fields. Cycle and EIP begin at 0 in each chunk.
 */
#ifndef DEBUGGER_TRACE_FILE_H
#define DEBUGGER_TRACE_FILE_H

#include "emu/err.h"
#include "emu/events.h"

enum trace_name_class {
    NAME_INFO,      /* text: what; text2: its value */
    NAME_EVENT,     /* number: kind; a: class; text: name; text2: its fields */
    NAME_HOOK,      /* number: hook; a: convention; text: full name; text2: arguments, each as
                     "name:words:kind" (trace_args.h); text3: type of the result */
    NAME_SITE,      /* number: site; a: address; b: hook; text: function; text2: file:line */
    NAME_STAGE,     /* number: stage; a: line; text: what it does; text2: file */
    NAME_SYMBOL,    /* number: from 0; a: address; b: size; text: function. Ascending addresses */
    NAME_SYSCALL,   /* number; text; text2: arguments */
    NAME_HYPERCALL, /* number; text; text2: arguments */
    NAME_PROGRAM,   /* number: from 0; a: address; b: size; text: function; text2: name of the
                       processes that it is in. Ascending addresses for each such name */
    NAME_CLASSES
};

struct trace_name {
    enum trace_name_class class;
    uint32_t number, a, b;
    const char *text, *text2, *text3; /* never NULL when read; NULL is "" when written */
};

struct trace_writer;
struct trace_writer *trace_create(const char *path, struct err *err);
/* Errors of the disk are kept, and told by trace_close(). */
void trace_put_name(struct trace_writer *w, const struct trace_name *n);
void trace_put_event(struct trace_writer *w, const struct event *e);
/* How much was written: events, and bytes on disk. Ends a chunk, so: at the end. */
void trace_written(struct trace_writer *w, uint64_t *events, uint64_t *bytes);
bool trace_close(struct trace_writer *w, struct err *err);

enum trace_next {
    TRACE_EVENT,
    TRACE_NAME,
    TRACE_END,
    TRACE_CUT, /* the file ends in the middle of a chunk; all before was good */
    TRACE_BAD, /* damaged; err says where */
};

struct trace_record {
    struct event event;     /* TRACE_EVENT; its kind is the file's, see NAME_EVENT */
    struct trace_name name; /* TRACE_NAME; its texts are valid until the next call */
};

struct trace_reader;
struct trace_reader *trace_open(const char *path, struct err *err);
enum trace_next trace_next(struct trace_reader *r, struct trace_record *out, struct err *err);
void trace_reader_close(struct trace_reader *r);

#endif
