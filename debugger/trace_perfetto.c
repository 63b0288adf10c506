/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Protobuf by hand: a field is its number and wire type, then a varint, eight bytes, or a length and
 * bytes. Few messages are needed (the numbers are those of perfetto/protos/perfetto/trace); a message
 * inside another is built first, in a buffer of its own, since its length stands before it.
 *
 * Names are interned: said once with a number, and from then on the number.
 */
#include "trace_perfetto.h"

#include <stdlib.h>
#include <string.h>

/* ---- the wire ---- */

enum { VARINT = 0, FIXED64 = 1, BYTES = 2 };

enum {
    TRACE_packet = 1,
    PACKET_timestamp = 8,
    PACKET_sequence = 10,
    PACKET_track_event = 11,
    PACKET_interned = 12,
    PACKET_flags = 13,
    PACKET_track = 60,
    FLAGS_CLEARED = 1, /* numbers of names begin anew */
    FLAGS_NEEDED = 2,  /* to be understood only with the names that came before */
    TRACK_uuid = 1,
    TRACK_name = 2,
    TRACK_process = 3,
    TRACK_thread = 4,
    TRACK_parent = 5,
    TRACK_child_ordering = 11,
    TRACK_rank = 12,
    ORDER_EXPLICIT = 3,
    PROCESS_pid = 1,
    PROCESS_name = 6,
    THREAD_pid = 1,
    THREAD_tid = 2,
    THREAD_name = 5,
    EVENT_category_iid = 3,
    EVENT_annotation = 4,
    EVENT_type = 9,
    EVENT_name_iid = 10,
    EVENT_track = 11,
    EVENT_flow = 47,
    EVENT_flow_end = 48,
    ANNOTATION_name_iid = 1,
    ANNOTATION_uint = 3,
    ANNOTATION_text = 6,
    INTERNED_category = 1,
    INTERNED_name = 2,
    INTERNED_annotation = 3,
    NAME_iid = 1,
    NAME_text = 2,
};

enum slice { SLICE_BEGIN = 1, SLICE_END = 2, INSTANT = 3 };

struct message {
    size_t used;
    uint8_t bytes[2048]; /* no row needs half of it; what does not fit is left out as a whole */
};

static void put_varint(struct message *m, uint64_t v)
{
    if (m->used + 10 > sizeof m->bytes)
        return;
    while (v >= 0x80) {
        m->bytes[m->used++] = (uint8_t)(v | 0x80);
        v >>= 7;
    }
    m->bytes[m->used++] = (uint8_t)v;
}

static void put_number(struct message *m, unsigned field, uint64_t v)
{
    put_varint(m, field << 3 | VARINT);
    put_varint(m, v);
}

static void put_fixed(struct message *m, unsigned field, uint64_t v)
{
    put_varint(m, field << 3 | FIXED64);
    if (m->used + 8 > sizeof m->bytes)
        return;
    memcpy(m->bytes + m->used, &v, 8);
    m->used += 8;
}

static void put_bytes(struct message *m, unsigned field, const void *bytes, size_t n)
{
    if (m->used + n + 20 > sizeof m->bytes)
        return;
    put_varint(m, field << 3 | BYTES);
    put_varint(m, n);
    memcpy(m->bytes + m->used, bytes, n);
    m->used += n;
}

static void put_message(struct message *m, unsigned field, const struct message *inner)
{
    put_bytes(m, field, inner->bytes, inner->used);
}

/* protobuf's strings are UTF-8, and a guest's names are anything. */
static void put_text(struct message *m, unsigned field, const char *text)
{
    char plain[400];
    size_t n = 0;

    for (; text[n] && n < sizeof plain; n++)
        plain[n] = text[n] < ' ' || text[n] > '~' ? '?' : text[n];
    put_bytes(m, field, plain, n);
}

/* ---- what is known of the trace so far ---- */

enum track {
    TRACK_MACHINE, /* the group of those that follow */
    TRACK_TASKS,
    TRACK_KERNEL,
    TRACK_IRQS,
    TRACK_HOOKS,
    TRACK_HYPERVISOR,
    TRACK_EVENTS,
    TRACKS
};
static const char *const track_name[TRACKS] = {
    [TRACK_MACHINE] = "machine",
    [TRACK_TASKS] = "processes",
    [TRACK_KERNEL] = "kernel",
    [TRACK_IRQS] = "interrupts",
    [TRACK_HOOKS] = "hooks",
    [TRACK_HYPERVISOR] = "hypervisor",
    [TRACK_EVENTS] = "devices and events",
};
#define TRACK_OF_TASK UINT64_C(0x100000000) /* plus its number */
#define SEQUENCE      1
#define DEPTH_MAX     32u
#define INTERNED      4096u /* names; a power of two. Beyond three quarters of it: begin anew */

struct open {
    enum track track;
    uint64_t number;
    char name[80];
};

struct task {
    uint64_t uuid;
    bool described;
    char comm[16];
    unsigned depth; /* slots in use; a slot that was not shown has TRACKS */
    struct open open[DEPTH_MAX];
};

struct perfetto {
    FILE *to;
    bool begun, failed;
    uint32_t pid; /* who runs */
    bool known;
    bool running;       /* a slice on TRACK_TASKS is open */
    uint64_t cycle;     /* of the last row */
    struct task **task; /* sorted by uuid */
    size_t tasks;
    struct interned {
        char *text;
        unsigned field, iid;
    } name[INTERNED];
    unsigned names;
};

/* ---- packets ---- */

static void put_packet(struct perfetto *p, struct message *packet, unsigned flags)
{
    uint8_t head[11];
    size_t n = 0, length;

    put_number(packet, PACKET_sequence, SEQUENCE);
    if (flags)
        put_number(packet, PACKET_flags, flags);
    head[n++] = TRACE_packet << 3 | BYTES;
    for (length = packet->used; length >= 0x80; length >>= 7)
        head[n++] = (uint8_t)(length | 0x80);
    head[n++] = (uint8_t)length;
    fwrite(head, 1, n, p->to); /* errors stay in the stream, and are looked for at its end */
    fwrite(packet->bytes, 1, packet->used, p->to);
}

static void put_track(struct perfetto *p, uint64_t uuid, uint64_t parent, const char *name,
                      unsigned rank, unsigned field, const struct message *what)
{
    struct message track = {0}, packet = {0};

    put_number(&track, TRACK_uuid, uuid);
    if (parent)
        put_number(&track, TRACK_parent, parent);
    put_text(&track, TRACK_name, name);
    if (what)
        put_message(&track, field, what);
    if (uuid == 1 + TRACK_MACHINE)
        put_number(&track, TRACK_child_ordering, ORDER_EXPLICIT);
    if (parent)
        put_number(&track, TRACK_rank, rank);
    put_message(&packet, PACKET_track, &track);
    put_packet(p, &packet, p->begun ? 0 : FLAGS_CLEARED);
    p->begun = true;
}

static void put_machine(struct perfetto *p)
{
    for (unsigned i = 0; i < TRACKS; i++)
        put_track(p, 1 + i, i == TRACK_MACHINE ? 0 : 1 + TRACK_MACHINE, track_name[i], i, 0, NULL);
}

/* A process of Perfetto's with one thread: that is how its UI shows a name and a number. */
static void put_task(struct perfetto *p, const struct task *t, uint32_t pid)
{
    struct message process = {0}, thread = {0};

    put_number(&process, PROCESS_pid, pid);
    put_text(&process, PROCESS_name, t->comm);
    put_track(p, t->uuid + TRACK_OF_TASK, 0, t->comm, 0, TRACK_process, &process);
    put_number(&thread, THREAD_pid, pid);
    put_number(&thread, THREAD_tid, pid);
    put_text(&thread, THREAD_name, t->comm);
    put_track(p, t->uuid, 0, t->comm, 0, TRACK_thread, &thread);
}

/* ---- names ---- */

static unsigned hash(unsigned field, const char *text)
{
    unsigned h = 2166136261u + field;

    for (; *text; text++)
        h = (h ^ (uint8_t)*text) * 16777619u;
    return h;
}

static void forget_names(struct perfetto *p)
{
    for (unsigned i = 0; i < INTERNED; i++)
        free(p->name[i].text);
    memset(p->name, 0, sizeof p->name);
    p->names = 0;
}

/* The number of a name; a new one is said in `said`. 0: out of memory. */
static unsigned intern(struct perfetto *p, unsigned field, const char *text, struct message *said)
{
    struct message name = {0};
    unsigned i = hash(field, text) % INTERNED;

    while (p->name[i].text && (p->name[i].field != field || strcmp(p->name[i].text, text) != 0))
        i = (i + 1) % INTERNED;
    if (!p->name[i].text) {
        p->name[i] = (struct interned){strdup(text), field, ++p->names};
        p->failed |= !p->name[i].text;
        put_number(&name, NAME_iid, p->name[i].iid);
        put_text(&name, NAME_text, text);
        put_message(said, field, &name);
    }
    return p->name[i].iid;
}

/* ---- events ---- */

static void annotate(struct perfetto *p, struct message *event, struct message *said,
                     const char *name, const char *text)
{
    struct message a = {0};

    if (!text[0])
        return;
    put_number(&a, ANNOTATION_name_iid, intern(p, INTERNED_annotation, name, said));
    put_text(&a, ANNOTATION_text, text);
    put_message(event, EVENT_annotation, &a);
}

static void annotate_number(struct perfetto *p, struct message *event, struct message *said,
                            const char *name, uint64_t value)
{
    struct message a = {0};

    put_number(&a, ANNOTATION_name_iid, intern(p, INTERNED_annotation, name, said));
    put_number(&a, ANNOTATION_uint, value);
    put_message(event, EVENT_annotation, &a);
}

struct flow {
    uint64_t begin, end; /* numbers of rows plus one; 0: none */
};

/* row: what is told beside the name; NULL: nothing. */
static void put_event(struct perfetto *p, uint64_t track, enum slice type, const char *name,
                      const struct trace_row *row, struct flow flow)
{
    struct message event = {0}, said = {0}, packet = {0};
    unsigned flags = FLAGS_NEEDED;

    if (p->names > INTERNED / 4 * 3) {
        forget_names(p);
        flags |= FLAGS_CLEARED;
    }
    put_number(&event, EVENT_type, type);
    put_number(&event, EVENT_track, track);
    if (type != SLICE_END)
        put_number(&event, EVENT_name_iid, intern(p, INTERNED_name, name, &said));
    if (row) {
        if (type != SLICE_END) {
            put_number(&event, EVENT_category_iid,
                       intern(p, INTERNED_category, row->category, &said));
            annotate_number(p, &event, &said, "event", row->number);
            annotate(p, &event, &said, "arguments", row->detail);
            annotate(p, &event, &said, "at", row->at);
            annotate(p, &event, &said, "function", row->function);
        } else {
            annotate(p, &event, &said, "result", row->result);
        }
    }
    if (flow.begin)
        put_fixed(&event, EVENT_flow, flow.begin);
    if (flow.end)
        put_fixed(&event, EVENT_flow_end, flow.end);
    put_number(&packet, PACKET_timestamp, p->cycle);
    if (said.used)
        put_message(&packet, PACKET_interned, &said);
    put_message(&packet, PACKET_track_event, &event);
    put_packet(p, &packet, flags);
}

/* ---- tasks ---- */

static struct task *task_of(struct perfetto *p, uint32_t pid, bool known)
{
    uint64_t uuid = 2 * TRACK_OF_TASK + (known ? pid : UINT32_MAX);
    size_t low = 0, high = p->tasks;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (p->task[middle]->uuid < uuid)
            low = middle + 1;
        else
            high = middle;
    }
    if (low < p->tasks && p->task[low]->uuid == uuid)
        return p->task[low];
    struct task *t = calloc(1, sizeof *t);
    struct task **more = realloc(p->task, (p->tasks + 1) * sizeof *more);
    if (more)
        p->task = more;
    if (!t || !more) {
        p->failed = true;
        free(t);
        return NULL;
    }
    memmove(&more[low + 1], &more[low], (p->tasks++ - low) * sizeof *more);
    t->uuid = uuid;
    more[low] = t;
    return t;
}

/* Everything from this depth on has ended: on the machine's tracks, and on the task's own. */
static void close_from(struct perfetto *p, struct task *t, unsigned depth,
                       const struct trace_row *row)
{
    while (t->depth > depth) {
        const struct open *o = &t->open[--t->depth];
        bool last = row && t->depth == depth;
        if (o->track == TRACKS)
            continue;
        put_event(p, 1 + o->track, SLICE_END, "", last ? row : NULL, (struct flow){0});
        put_event(p, t->uuid, SLICE_END, "", last ? row : NULL, (struct flow){0});
    }
}

static void end_running(struct perfetto *p)
{
    if (p->running)
        put_event(p, 1 + TRACK_TASKS, SLICE_END, "", NULL, (struct flow){0});
    p->running = false;
}

static void begin_running(struct perfetto *p, const struct task *t)
{
    char name[40];

    if (p->known)
        snprintf(name, sizeof name, "%s:%u", t->comm, p->pid);
    put_event(p, 1 + TRACK_TASKS, SLICE_BEGIN, p->known ? name : t->comm, NULL, (struct flow){0});
    p->running = true;
}

/* The machine's tracks show one task at a time: cut its slices, take up another's. */
static void leave(struct perfetto *p, const struct task *t)
{
    for (unsigned i = t->depth; i-- > 0;)
        if (t->open[i].track != TRACKS)
            put_event(p, 1 + t->open[i].track, SLICE_END, "", NULL, (struct flow){0});
}

static void resume(struct perfetto *p, const struct task *t)
{
    char name[100];

    for (unsigned i = 0; i < t->depth; i++) {
        if (t->open[i].track == TRACKS)
            continue;
        snprintf(name, sizeof name, "%s (continued)", t->open[i].name);
        put_event(p, 1 + t->open[i].track, SLICE_BEGIN, name, NULL, (struct flow){0});
    }
}

/* The task of a row, which may be another than before, or have another name. */
static struct task *follow_task(struct perfetto *p, const struct trace_row *row)
{
    struct task *t = task_of(p, row->pid, row->known_task), *before = NULL;
    const char *comm = row->known_task ? row->comm : "boot";

    if (!t)
        return NULL;
    bool renamed = !t->described || strncmp(t->comm, comm, sizeof t->comm) != 0;
    if (p->running && (row->known_task != p->known || row->pid != p->pid))
        before = task_of(p, p->pid, p->known);
    if (renamed) {
        snprintf(t->comm, sizeof t->comm, "%s", comm);
        t->described = true;
        put_task(p, t, row->known_task ? row->pid : UINT32_C(0x7FFFFFFF));
    }
    if (before)
        leave(p, before);
    if (before || renamed || !p->running) {
        end_running(p);
        p->known = row->known_task;
        p->pid = row->pid;
        begin_running(p, t);
    }
    if (before)
        resume(p, t);
    return t;
}

/* ---- rows ---- */

static enum track track_of(const struct trace_row *row)
{
    static const struct {
        const char *category;
        enum track track;
    } tracks[] = {{"exit", TRACK_KERNEL},
                  {"hook", TRACK_HOOKS},
                  {"irq", TRACK_IRQS},
                  {"hypercall", TRACK_HYPERVISOR},
                  {"stage", TRACK_HYPERVISOR}};

    for (size_t i = 0; i < sizeof tracks / sizeof tracks[0]; i++)
        if (!strcmp(row->category, tracks[i].category))
            return row->phase == ROW_POINT && tracks[i].track == TRACK_KERNEL ? TRACK_EVENTS
                                                                              : tracks[i].track;
    return TRACK_EVENTS;
}

/* What a slice is called: a system call by its name, an exception by its vector's. */
static void slice_name(const struct trace_row *row, char *name, size_t size)
{
    if (row->alias[0] && !strcmp(row->name, "int"))
        snprintf(name, size, "%s", row->alias);
    else if (!strcmp(row->name, "fault"))
        snprintf(name, size, "%.*s", (int)strcspn(row->detail, ",:"), row->detail);
    else if (!strcmp(row->name, "int"))
        snprintf(name, size, "int %.*s", (int)strcspn(row->detail, " "), row->detail);
    else if (!strcmp(row->name, "irq"))
        snprintf(name, size, "%.99s", row->detail);
    else
        snprintf(name, size, "%s", row->name);
}

static void begin(struct perfetto *p, struct task *t, const struct trace_row *row, const char *name)
{
    struct flow flow = {0};
    enum track track = track_of(row);

    while (t->depth < row->depth && t->depth < DEPTH_MAX)
        t->open[t->depth++].track = TRACKS; /* a filter has left it out */
    if (t->depth == DEPTH_MAX)
        return;
    if (track == TRACK_HOOKS)
        flow.begin = row->number + 1;
    else if (t->depth && t->open[t->depth - 1].track == TRACK_HOOKS)
        flow.end = t->open[t->depth - 1].number + 1;
    put_event(p, 1 + track, SLICE_BEGIN, name, row, flow);
    put_event(p, t->uuid, SLICE_BEGIN, name, row, (struct flow){0});
    struct open *o = &t->open[t->depth++];
    o->track = track;
    o->number = row->number;
    snprintf(o->name, sizeof o->name, "%.79s", name);
}

void perfetto_row(struct perfetto *p, const struct trace_row *row)
{
    char name[100];

    p->cycle = row->cycle;
    struct task *t = follow_task(p, row);
    if (!t)
        return;
    slice_name(row, name, sizeof name);
    /* Of an end the slot at its depth is its beginning's, unless a filter has left that out. */
    bool shown = row->phase == ROW_END && t->depth > row->depth &&
                 t->open[row->depth].track != TRACKS && t->open[row->depth].number == row->begin;
    close_from(p, t, row->depth, shown ? row : NULL);
    if (row->phase == ROW_BEGIN)
        begin(p, t, row, name);
    else if (row->phase == ROW_POINT || !strcmp(row->name, "pv_cpu_ops.iret")) {
        /* IRET is the end of a crossing and a hook of its own. */
        put_event(p, 1 + track_of(row), INSTANT, name, row, (struct flow){0});
        put_event(p, t->uuid, INSTANT, name, row, (struct flow){0});
    }
}

struct perfetto *perfetto_new(FILE *to)
{
    struct perfetto *p = calloc(1, sizeof *p);

    if (!p)
        return NULL;
    p->to = to;
    put_machine(p);
    return p;
}

bool perfetto_free(struct perfetto *p)
{
    if (!p)
        return true;
    bool ok = !p->failed;
    struct task *now = p->running ? task_of(p, p->pid, p->known) : NULL;
    for (size_t i = 0; i < p->tasks; i++) {
        struct task *t = p->task[i];
        if (t == now)
            close_from(p, t, 0, NULL);
        else
            for (; t->depth; t->depth--) /* cut on the machine's tracks long ago */
                if (t->open[t->depth - 1].track != TRACKS)
                    put_event(p, t->uuid, SLICE_END, "", NULL, (struct flow){0});
    }
    end_running(p);
    for (size_t i = 0; i < p->tasks; i++)
        free(p->task[i]);
    free(p->task);
    forget_names(p);
    free(p);
    return ok;
}
