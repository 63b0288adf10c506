/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One function for each packet, and a table that names them. Each gets the text behind the name, and
 * writes its answer into g->reply; an empty answer says that the packet is not known here, E and a
 * number that it was, and failed. Facts: the manual of gdb, appendix E.
 */
#include "stub.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

#define OK(g) gdb_put(&(g)->reply, "OK")

void gdb_error(struct gdb_stub *g, enum gdb_error number)
{
    g->reply.n = 0;
    g->reply.full = false;
    gdb_put(&g->reply, "E%02x", number);
}

static void tell_host(struct gdb_stub *g, const char *text)
{
    if (g->setup.say)
        g->setup.say(g->setup.ctx, text);
}

/* ---- out ---- */

void gdb_send(struct gdb_stub *g, const char *text, size_t n)
{
    g->frame_bytes = gdb_frame(g->frame, text, n);
    g->setup.send(g->setup.ctx, g->frame, g->frame_bytes);
}

void gdb_tell(struct gdb_stub *g, const char *text, size_t n)
{
    struct gdb_text packet;

    while (n) {
        size_t some = n < 512 ? n : 512;
        packet.n = 0;
        packet.full = false;
        gdb_put(&packet, "O");
        gdb_put_hex(&packet, text, some);
        gdb_send(g, packet.text, packet.n);
        text += some;
        n -= some;
    }
}

void gdb_say(struct gdb_stub *g, const char *fmt, ...)
{
    char text[600];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    gdb_tell(g, text, strlen(text));
}

/* ---- running ---- */

/* "c [ADDR]" and "s [ADDR]": from another address, which gdb itself never asks for. */
static bool start_at(struct gdb_stub *g, const char *args)
{
    struct err err = {0};
    uint64_t at;

    if (!*args)
        return true;
    if (!gdb_number(&args, &at) || *args || at > UINT32_MAX) {
        gdb_error(g, GDB_MALFORMED);
        return false;
    }
    if (debug_set_register(g->debug, REG_EIP, (uint32_t)at, &err))
        return true;
    gdb_error(g, GDB_CANNOT);
    return false;
}

static void go_on(struct gdb_stub *g, const char *args)
{
    if (start_at(g, args))
        gdb_continue(g, false);
}

static void step(struct gdb_stub *g, const char *args)
{
    if (start_at(g, args))
        gdb_step(g, false, 1, 0);
}

/* C and S bring a signal, for which a machine has no use. */
static const char *behind_signal(const char *args)
{
    uint64_t signal;

    return gdb_number(&args, &signal) && gdb_skip(&args, ";") ? args : "";
}

static void go_on_signal(struct gdb_stub *g, const char *args)
{
    go_on(g, behind_signal(args));
}

static void step_signal(struct gdb_stub *g, const char *args)
{
    step(g, behind_signal(args));
}

static void back_step(struct gdb_stub *g, const char *args)
{
    if (*args)
        gdb_error(g, GDB_MALFORMED);
    else
        gdb_step(g, true, 1, 0);
}

static void back_continue(struct gdb_stub *g, const char *args)
{
    if (*args)
        gdb_error(g, GDB_MALFORMED);
    else
        gdb_continue(g, true);
}

static void vcont_actions(struct gdb_stub *g, const char *args)
{
    (void)args;
    gdb_put(&g->reply, "vCont;c;C;s;S;r");
}

/* There is one thread: what is said first is said of it. */
static void vcont(struct gdb_stub *g, const char *args)
{
    uint64_t lo, hi;

    switch (*args++) {
    case 'c':
    case 'C':
        gdb_continue(g, false);
        return;
    case 's':
    case 'S':
        gdb_step(g, false, 1, 0);
        return;
    case 'r':
        if (!gdb_range(&args, &lo, &hi) || lo > UINT32_MAX || hi > UINT32_MAX)
            break;
        gdb_step(g, false, (uint32_t)lo, (uint32_t)hi);
        return;
    default:
        break;
    }
    gdb_error(g, GDB_MALFORMED);
}

static void why_stopped(struct gdb_stub *g, const char *args)
{
    (void)args;
    gdb_stand(g);
}

/* ---- breakpoints ---- */

static bool breakpoint(const char *args, unsigned *type, uint64_t *at, uint64_t *size)
{
    *type = (unsigned)(*args - '0');
    if (*args < '0' || *args > '4')
        return false;
    args++;
    /* Conditions and commands that gdb would have us run (behind a ';') are not offered. */
    return gdb_skip(&args, ",") && gdb_range(&args, at, size) && (!*args || *args == ';') &&
           *at <= UINT32_MAX && *size <= UINT32_MAX;
}

static void insert(struct gdb_stub *g, const char *args)
{
    struct err err = {0};
    uint64_t at, size;
    unsigned type;

    if (!breakpoint(args, &type, &at, &size)) {
        gdb_error(g, GDB_MALFORMED);
    } else if (gdb_stop_insert(g, type, (uint32_t)at, (uint32_t)size, &err)) {
        OK(g);
    } else {
        tell_host(g, err.text);
        gdb_error(g, GDB_CANNOT);
    }
}

static void take_away(struct gdb_stub *g, const char *args)
{
    uint64_t at, size;
    unsigned type;

    if (!breakpoint(args, &type, &at, &size)) {
        gdb_error(g, GDB_MALFORMED);
        return;
    }
    gdb_stop_remove(g, type, (uint32_t)at, (uint32_t)size);
    OK(g);
}

/* ---- documents ---- */

/* "OFFSET,LENGTH" of a text. */
static void piece_of(struct gdb_stub *g, const char *args, const char *text)
{
    uint64_t at, n;
    size_t size = text ? strlen(text) : 0;

    if (!gdb_range(&args, &at, &n) || *args || !text) {
        gdb_error(g, GDB_MALFORMED);
        return;
    }
    if (at > size)
        at = size;
    if (n > size - at)
        n = size - at;
    if (n > GDB_PACKET_MAX / 2)
        n = GDB_PACKET_MAX / 2; /* each byte may need an escape */
    gdb_put(&g->reply, at + n == size ? "l" : "m");
    gdb_put_binary(&g->reply, text + at, n);
}

static void read_features(struct gdb_stub *g, const char *args)
{
    piece_of(g, args, g->target_xml);
}

static void read_memory_map(struct gdb_stub *g, const char *args)
{
    piece_of(g, args, g->memory_map);
}

/* ---- threads: the one CPU ---- */

static void one_thread(struct gdb_stub *g, const char *args)
{
    (void)args;
    gdb_put(&g->reply, "m1");
}

static void no_more_threads(struct gdb_stub *g, const char *args)
{
    (void)args;
    gdb_put(&g->reply, "l");
}

static void current_thread(struct gdb_stub *g, const char *args)
{
    (void)args;
    gdb_put(&g->reply, "QC1");
}

/* What `info threads` shows: who runs on it, and in which ring. */
static void thread_info(struct gdb_stub *g, const char *args)
{
    struct source_task task;
    char text[100];
    unsigned ring = cpu_cpl(debug_machine(g->debug)->domain->cpu);

    (void)args;
    if (source_task(g->debug, &task))
        snprintf(text, sizeof text, "%.15s, process %" PRIu32 ", ring %u%s", task.comm, task.pid,
                 ring, debug_inside(g->debug) ? ", inside a crossing" : "");
    else
        snprintf(text, sizeof text, "ring %u%s", ring,
                 debug_inside(g->debug) ? ", inside a crossing" : "");
    gdb_put_hex(&g->reply, text, strlen(text));
}

static void ok(struct gdb_stub *g, const char *args)
{
    (void)args;
    OK(g);
}

/* ---- monitor ---- */

static void write_to_gdb(void *ctx, const char *text, size_t n)
{
    gdb_tell(ctx, text, n);
}

static void error_to_gdb(void *ctx, const char *text)
{
    gdb_say(ctx, "%s\n", text);
}

/*
 * A command of ours. gdb remembers registers and memory until it lets the guest run, so a command that
 * has moved the machine says so.
 */
static void monitor(struct gdb_stub *g, const char *args)
{
    struct shell_front front = {.write = write_to_gdb, .error = error_to_gdb, .ctx = g};
    char line[2048];
    size_t n = strlen(args) / 2;
    int status;

    if (n >= sizeof line || strlen(args) % 2 || !gdb_bytes(args, (uint8_t *)line, n)) {
        gdb_error(g, GDB_MALFORMED);
        return;
    }
    line[n] = '\0';
    if (strlen(line) != n) {
        gdb_error(g, GDB_MALFORMED);
        return;
    }
    if (!g->setup.shell) {
        gdb_say(g, "there are no commands here\n");
        OK(g);
        return;
    }
    struct moment before = debug_now(g->debug);
    if (g->setup.running)
        g->setup.running(g->setup.ctx, true);
    shell_run_to(g->setup.shell, line, &front);
    if (g->setup.running)
        g->setup.running(g->setup.ctx, false);
    debug_forget_interrupt(g->debug);
    if (moment_compare(before, debug_now(g->debug)))
        gdb_say(g, "(gdb has not seen the guest move: `maintenance flush register-cache`)\n");
    if (shell_wants_to_quit(g->setup.shell, &status))
        g->wish = GDB_QUIT;
    OK(g);
}

/* ---- the session ---- */

static void supported(struct gdb_stub *g, const char *args)
{
    g->swbreak = strstr(args, "swbreak+");
    g->hwbreak = strstr(args, "hwbreak+");
    gdb_put(&g->reply,
            "PacketSize=%x;qXfer:features:read+;qXfer:memory-map:read+;ReverseStep+;"
            "ReverseContinue+;swbreak+;hwbreak+;vContSupported+;QStartNoAckMode+",
            GDB_PACKET_MAX);
}

static void no_ack_mode(struct gdb_stub *g, const char *args)
{
    (void)args;
    OK(g);
    gdb_send(g, g->reply.text, g->reply.n); /* this one is acknowledged */
    g->no_ack = true;
}

/* It was there before gdb came, and stays: quitting gdb detaches. */
static void attached(struct gdb_stub *g, const char *args)
{
    (void)args;
    gdb_put(&g->reply, "1");
}

static void detach(struct gdb_stub *g, const char *args)
{
    (void)args;
    g->wish = GDB_DETACH;
    OK(g);
}

static void kill_guest(struct gdb_stub *g, const char *args)
{
    (void)args;
    g->wish = GDB_KILL;
    OK(g);
}

/* As QEMU's: m and M are then about the machine's frames. */
static void physical_get(struct gdb_stub *g, const char *args)
{
    (void)args;
    gdb_put(&g->reply, "%d", g->physical);
}

static void physical_set(struct gdb_stub *g, const char *args)
{
    if ((args[0] != '0' && args[0] != '1') || args[1]) {
        gdb_error(g, GDB_MALFORMED);
        return;
    }
    g->physical = args[0] == '1';
    OK(g);
}

/* How the name ends: nothing may follow, a ':' or the like is part of it, or anything may. */
static const struct packet {
    const char *name;
    void (*fn)(struct gdb_stub *g, const char *args);
    bool whole;  /* nothing follows the name */
    bool silent; /* has sent its answer, or gdb waits for none */
} packets[] = {
    {"?", why_stopped, true, false},
    {"g", gdb_get_all, true, false},
    {"G", gdb_set_all, false, false},
    {"p", gdb_get_one, false, false},
    {"P", gdb_set_one, false, false},
    {"m", gdb_get_memory, false, false},
    {"M", gdb_set_memory, false, false},
    {"X", gdb_set_memory_binary, false, false},
    {"c", go_on, false, false},
    {"C", go_on_signal, false, false},
    {"s", step, false, false},
    {"S", step_signal, false, false},
    {"bs", back_step, false, false},
    {"bc", back_continue, false, false},
    {"vCont?", vcont_actions, true, false},
    {"vCont;", vcont, false, false},
    {"Z", insert, false, false},
    {"z", take_away, false, false},
    {"H", ok, false, false},
    {"T", ok, false, false},
    {"D", detach, false, false},
    {"k", kill_guest, true, true},
    {"vKill", kill_guest, false, false},
    {"qAttached", attached, false, false},
    {"qC", current_thread, true, false},
    {"qfThreadInfo", one_thread, true, false},
    {"qsThreadInfo", no_more_threads, true, false},
    {"qThreadExtraInfo,", thread_info, false, false},
    {"qSymbol:", ok, false, false},
    {"qSupported", supported, false, false},
    {"qXfer:features:read:target.xml:", read_features, false, false},
    {"qXfer:memory-map:read::", read_memory_map, false, false},
    {"qRcmd,", monitor, false, false},
    {"QStartNoAckMode", no_ack_mode, true, true},
    {"qqemu.PhyMemMode", physical_get, true, false},
    {"Qqemu.PhyMemMode:", physical_set, false, false},
};
#define PACKETS (sizeof packets / sizeof packets[0])

/* The row with the longest name that the packet begins with: "qC" is not "qCRC". */
static const struct packet *find(const char *text)
{
    const struct packet *best = NULL;

    for (size_t i = 0; i < PACKETS; i++) {
        size_t n = strlen(packets[i].name);
        if (!strncmp(text, packets[i].name, n) && (!packets[i].whole || !text[n]) &&
            (!best || n > strlen(best->name)))
            best = &packets[i];
    }
    return best;
}

static void answer(struct gdb_stub *g)
{
    const struct packet *p = find(g->reader.text);

    g->counts.packets++;
    g->reply.n = 0;
    g->reply.full = false;
    g->reply.text[0] = '\0';
    if (p)
        p->fn(g, g->reader.text + strlen(p->name));
    if (g->reply.full) /* cannot be, by the sizes above; but half an answer would be a wrong one */
        gdb_error(g, GDB_CANNOT);
    if (!p || !p->silent)
        gdb_send(g, g->reply.text, g->reply.n);
}

static void acknowledge(struct gdb_stub *g, char c)
{
    uint8_t byte = (uint8_t)c;

    if (!g->no_ack)
        g->setup.send(g->setup.ctx, &byte, 1);
}

static void bad_packet(struct gdb_stub *g, const char *what)
{
    char text[120];

    snprintf(text, sizeof text, "gdb: %s; it is ignored", what);
    if (!g->counts.damaged++)
        tell_host(g, text); /* once: a client that sends garbage sends much of it */
    acknowledge(g, '-');
}

enum gdb_wish gdb_stub_feed(struct gdb_stub *g, const uint8_t *bytes, size_t n)
{
    for (size_t i = 0; i < n && g->wish == GDB_GO_ON; i++) {
        switch (gdb_read_byte(&g->reader, bytes[i])) {
        case GDB_NOTHING:
        case GDB_ACK:
        case GDB_INTERRUPT: /* the guest stands already */
            break;
        case GDB_NAK:
            if (!g->no_ack && g->frame_bytes)
                g->setup.send(g->setup.ctx, g->frame, g->frame_bytes);
            break;
        case GDB_DAMAGED:
            bad_packet(g, "a packet with a wrong checksum");
            break;
        case GDB_OVERSIZED:
            bad_packet(g, "a packet that is larger than 16384 bytes");
            break;
        case GDB_STRAY:
            bad_packet(g, "bytes that are no packet");
            break;
        case GDB_PACKET:
            acknowledge(g, '+');
            if (memchr(bytes + i + 1, 0x03, n - i - 1)) /* Ctrl-C came right behind it */
                debug_interrupt(g->debug);
            answer(g);
            break;
        }
    }
    return g->wish;
}

struct gdb_counts gdb_stub_counts(const struct gdb_stub *g)
{
    struct gdb_counts c = g->counts;

    c.stops = g->stops;
    return c;
}

struct gdb_stub *gdb_stub_new(const struct gdb_stub_setup *s, struct err *err)
{
    struct gdb_stub *g = calloc(1, sizeof *g);

    if (g) {
        g->setup = *s;
        g->debug = s->debug;
        g->target_xml = gdb_target_xml();
        g->memory_map = gdb_memory_map_xml(s->debug);
    }
    if (g && g->target_xml && g->memory_map)
        return g;
    err_set(err, ERR_SYSTEM, "out of memory");
    gdb_stub_free(g);
    return NULL;
}

void gdb_stub_free(struct gdb_stub *g)
{
    if (!g)
        return;
    gdb_stops_free(g);
    free(g->target_xml);
    free(g->memory_map);
    free(g);
}
