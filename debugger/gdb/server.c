/* SPDX-License-Identifier: GPL-2.0-only */
/* See server.h. Nothing that a client does, or leaves undone, may hold up more than itself. */
#include "server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define WAIT_MS      500 /* between two questions whether to leave */
#define AGAIN_MS     20  /* between two interrupts of a guest that has not heard the first */
#define SEND_SECONDS 5   /* for a client that does not read */
#define WHERE_MAX    80

struct gdb_server {
    int listening, client;
    char where[WHERE_MAX], who[WHERE_MAX];
    const struct gdb_host *host;
    struct gdb_stub *stub;
    bool broken; /* the client does not take what is sent */

    /* While the guest runs. */
    pthread_t watcher;
    bool watching;
    int watched, wake[2]; /* the descriptor that it looks at; closing wake[1] ends it */
    bool lost_running;
};

static void say(const struct gdb_host *h, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
static void say(const struct gdb_host *h, const char *fmt, ...)
{
    char text[300];
    va_list ap;

    if (!h->say)
        return;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    h->say(h->ctx, text);
}

static bool leaves(const struct gdb_host *h)
{
    return h->leave && h->leave(h->ctx);
}

/* ---- the port ---- */

static void name_of(const struct sockaddr_storage *a, char to[WHERE_MAX])
{
    char host[INET6_ADDRSTRLEN] = "?";

    if (a->ss_family == AF_INET6) {
        const struct sockaddr_in6 *six = (const void *)a;
        inet_ntop(AF_INET6, &six->sin6_addr, host, sizeof host);
        snprintf(to, WHERE_MAX, "[%s]:%u", host, ntohs(six->sin6_port));
    } else {
        const struct sockaddr_in *four = (const void *)a;
        inet_ntop(AF_INET, &four->sin_addr, host, sizeof host);
        snprintf(to, WHERE_MAX, "%s:%u", host, ntohs(four->sin_port));
    }
}

static bool parse(const char *where, char *address, size_t size, char port[8], struct err *err)
{
    const char *colon = strrchr(where, ':'), *digits = colon ? colon + 1 : where, *begin = where;
    size_t n = colon ? (size_t)(colon - where) : 0;
    char *end;

    unsigned long number = strtoul(digits, &end, 10);
    if (*digits < '0' || *digits > '9' || *end || number > 65535)
        return err_set(
            err, ERR_USAGE,
            "'%.80s': gdb's port is a number from 1 to 65535 (0: any that is free), with "
            "an address and a colon before it if it is not to be the loopback",
            where);
    if (n && begin[0] == '[' && begin[n - 1] == ']') {
        begin++;
        n -= 2;
    }
    if (n >= size)
        return err_set(err, ERR_USAGE, "'%.80s': there is no such address", where);
    snprintf(address, size, "%.*s", (int)n, begin);
    snprintf(port, 8, "%lu", number);
    return true;
}

static int listen_at(const struct addrinfo *a)
{
    int fd = socket(a->ai_family, a->ai_socktype | SOCK_CLOEXEC, a->ai_protocol), one = 1;

    if (fd < 0)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(fd, a->ai_addr, a->ai_addrlen) == 0 && listen(fd, 4) == 0)
        return fd;
    int saved = errno;
    close(fd);
    errno = saved;
    return -1;
}

struct gdb_server *gdb_server_open(const char *where, struct err *err)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV}, *found = NULL;
    struct gdb_server *s = NULL;
    struct sockaddr_storage at = {0};
    socklen_t size = sizeof at;
    char address[256], port[8];

    if (!parse(where, address, sizeof address, port, err))
        return NULL;
    int wrong = getaddrinfo(address[0] ? address : "127.0.0.1", port, &hints, &found);
    if (wrong) {
        err_set(err, ERR_USAGE, "'%.80s': %s", where, gai_strerror(wrong));
        return NULL;
    }
    int fd = listen_at(found);
    freeaddrinfo(found);
    if (fd < 0) {
        err_set(err, ERR_SYSTEM, "gdb cannot be waited for at %.80s: %s", where, strerror(errno));
        return NULL;
    }
    s = calloc(1, sizeof *s);
    if (!s) {
        close(fd);
        err_set(err, ERR_SYSTEM, "out of memory");
        return NULL;
    }
    s->listening = fd;
    s->client = -1;
    getsockname(fd, (struct sockaddr *)&at, &size);
    name_of(&at, s->where);
    return s;
}

static void hang_up(struct gdb_server *s)
{
    gdb_stub_free(s->stub);
    s->stub = NULL;
    if (s->client >= 0)
        close(s->client);
    s->client = -1;
}

void gdb_server_close(struct gdb_server *s)
{
    if (!s)
        return;
    hang_up(s);
    close(s->listening);
    free(s);
}

const char *gdb_server_where(const struct gdb_server *s)
{
    return s->where;
}

int gdb_server_fd(const struct gdb_server *s)
{
    return s->listening;
}

struct gdb_stub *gdb_server_stub(const struct gdb_server *s)
{
    return s->stub;
}

const char *gdb_server_client(const struct gdb_server *s)
{
    return s->who;
}

/* ---- while the guest runs ---- */

/* Is what can be read a reason to stop the guest? A client that is gone is one, its acknowledgement of
   the last packet is none. */
static bool wants_to_stop(struct gdb_server *s)
{
    char bytes[64];

    if (s->watched == s->listening)
        return true;
    ssize_t n = recv(s->watched, bytes, sizeof bytes, MSG_PEEK | MSG_DONTWAIT);
    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) {
        s->lost_running = true;
        return true;
    }
    for (ssize_t i = 0; i < n; i++)
        if (bytes[i] != '+')
            return true;
    return false;
}

/* An interrupt may come just before the guest runs, and be lost: so it is said again. */
static void *watch(void *ctx)
{
    struct gdb_server *s = ctx;
    struct pollfd fd[2] = {{.fd = s->wake[0], .events = POLLIN},
                           {.fd = s->watched, .events = POLLIN}};

    for (;;) {
        if (poll(fd, 2, -1) < 0 && errno != EINTR)
            return NULL;
        if (fd[0].revents)
            return NULL;
        if (!fd[1].revents)
            continue;
        if (wants_to_stop(s))
            debug_interrupt(s->host->debug);
        struct pollfd end = fd[0];
        if (poll(&end, 1, AGAIN_MS) > 0)
            return NULL;
    }
}

static void begin_watch(struct gdb_server *s, int fd)
{
    sigset_t all, old;

    s->watched = fd;
    if (s->watching || pipe2(s->wake, O_CLOEXEC) != 0)
        return; /* then Ctrl-C comes when the guest stops by itself */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old); /* signals are for the thread that runs the guest */
    s->watching = pthread_create(&s->watcher, NULL, watch, s) == 0;
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (s->watching)
        return;
    close(s->wake[0]);
    close(s->wake[1]);
}

static void end_watch(struct gdb_server *s)
{
    if (!s->watching)
        return;
    close(s->wake[1]);
    pthread_join(s->watcher, NULL);
    close(s->wake[0]);
    s->watching = false;
}

static void on_running(void *ctx, bool runs)
{
    struct gdb_server *s = ctx;

    if (runs)
        begin_watch(s, s->client);
    else
        end_watch(s);
}

const struct halt *gdb_server_run(struct gdb_server *s, const struct gdb_host *h)
{
    s->host = h;
    begin_watch(s, s->listening);
    const struct halt *halt = debug_continue(h->debug);
    end_watch(s);
    debug_forget_interrupt(h->debug);
    return halt;
}

/* ---- while it stands ---- */

/* Until fd can be read. False: it is time to leave. `other` is turned away meanwhile, if it is one. */
static bool wait_for(const struct gdb_host *h, int fd, int other)
{
    for (;;) {
        struct pollfd on[3] = {{.fd = fd, .events = POLLIN},
                               {.fd = h->keys, .events = POLLIN},
                               {.fd = other, .events = POLLIN}};
        if (leaves(h))
            return false;
        int n = poll(on, 3, WAIT_MS);
        if (n < 0 && errno != EINTR)
            return false;
        if (n <= 0)
            continue;
        if (on[1].revents && h->typed)
            h->typed(h->ctx);
        if (on[2].revents) {
            int turned_away = accept4(other, NULL, NULL, SOCK_CLOEXEC);
            if (turned_away >= 0) {
                close(turned_away);
                say(h, "gdb: a second client was turned away");
            }
        }
        if (on[0].revents)
            return true;
    }
}

bool gdb_server_wait(struct gdb_server *s, const struct gdb_host *h)
{
    return wait_for(h, s->listening, -1);
}

static void on_send(void *ctx, const uint8_t *bytes, size_t n)
{
    struct gdb_server *s = ctx;

    while (n && !s->broken) {
        ssize_t sent = send(s->client, bytes, n, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent <= 0) {
            s->broken = true;
            return;
        }
        bytes += sent;
        n -= (size_t)sent;
    }
}

static void on_say(void *ctx, const char *line)
{
    const struct gdb_server *s = ctx;

    say(s->host, "%s", line);
}

static bool take_client(struct gdb_server *s, const struct gdb_host *h)
{
    struct timeval patience = {.tv_sec = SEND_SECONDS};
    struct sockaddr_storage who = {0};
    socklen_t size = sizeof who;
    struct err err = {0};
    int one = 1;

    s->client = accept4(s->listening, (struct sockaddr *)&who, &size, SOCK_CLOEXEC);
    if (s->client < 0)
        return false; /* it has gone already */
    setsockopt(s->client, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    setsockopt(s->client, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    name_of(&who, s->who);
    s->host = h;
    s->broken = false;
    s->lost_running = false;
    struct gdb_stub_setup setup = {.debug = h->debug,
                                   .shell = h->shell,
                                   .send = on_send,
                                   .running = on_running,
                                   .say = on_say,
                                   .ctx = s};
    s->stub = gdb_stub_new(&setup, &err);
    if (s->stub)
        return true;
    say(h, "%s", err.text);
    hang_up(s);
    return false;
}

static enum gdb_gone lost(const struct gdb_server *s)
{
    return s->lost_running ? GDB_LOST_RUNNING : GDB_LOST;
}

static enum gdb_gone converse(struct gdb_server *s, const struct gdb_host *h)
{
    static const enum gdb_gone gone[] = {[GDB_DETACH] = GDB_DETACHED,
                                         [GDB_KILL] = GDB_KILLED,
                                         [GDB_EXITED] = GDB_GUEST_ENDED,
                                         [GDB_QUIT] = GDB_ASKED_TO_QUIT};
    uint8_t bytes[4096];

    for (;;) {
        if (!wait_for(h, s->client, s->listening))
            return GDB_LEFT;
        ssize_t n = recv(s->client, bytes, sizeof bytes, 0);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return lost(s);
        s->lost_running = false;
        enum gdb_wish wish = gdb_stub_feed(s->stub, bytes, (size_t)n);
        if (wish != GDB_GO_ON)
            return gone[wish];
        if (s->broken)
            return lost(s);
    }
}

enum gdb_gone gdb_server_serve(struct gdb_server *s, const struct gdb_host *h)
{
    if (!take_client(s, h))
        return GDB_LOST;
    say(h, "gdb has connected from %s: it drives the guest now", s->who);
    enum gdb_gone gone = converse(s, h);
    hang_up(s);
    return gone;
}
