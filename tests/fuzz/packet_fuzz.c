/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a client sends to gdb's port. The first byte of an input chooses how the rest is meant: as the
 * raw bytes, or as lines that are each put into a packet with a right checksum, which no fuzzer would
 * guess. Promised: whatever was sent, each answer is well formed, and the next packet is answered.
 */
#include "fuzz.h"

#include <string.h>

#include "debugged.h"
#include "debugger/gdb/packet.h"
#include "debugger/gdb/stub.h"
#include "debugger/gdb/target.h"

static struct gdb_reader answers;
static unsigned packets;

static void on_send(void *ctx, const uint8_t *bytes, size_t n)
{
    (void)ctx;
    for (size_t i = 0; i < n; i++) {
        enum gdb_input in = gdb_read_byte(&answers, bytes[i]);
        FUZZ_PROMISE(in != GDB_DAMAGED && in != GDB_OVERSIZED && in != GDB_STRAY);
        packets += in == GDB_PACKET;
    }
}

static enum gdb_wish feed_lines(struct gdb_stub *g, const uint8_t *data, size_t size)
{
    static uint8_t frame[GDB_FRAME_MAX];
    enum gdb_wish wish = GDB_GO_ON;

    while (size && wish == GDB_GO_ON) {
        const uint8_t *end = memchr(data, '\n', size);
        size_t n = end ? (size_t)(end - data) : size, some = n > 8192 ? 8192 : n;
        uint8_t *p = frame, sum = 0;
        *p++ = '$';
        for (size_t i = 0; i < some; i++) {
            if (strchr("#$", data[i]) && data[i])
                continue; /* would end it, or begin another */
            *p++ = data[i];
            sum += data[i];
        }
        *p++ = '#';
        *p++ = (uint8_t) "0123456789abcdef"[sum >> 4];
        *p++ = (uint8_t) "0123456789abcdef"[sum & 15];
        wish = gdb_stub_feed(g, frame, (size_t)(p - frame));
        n += end != NULL;
        data += n;
        size -= n;
    }
    return wish;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct debug *d = debugged();
    struct gdb_stub_setup setup = {.debug = d, .send = on_send};
    struct err err = {0};
    struct gdb_stub *g = gdb_stub_new(&setup, &err);

    FUZZ_PROMISE(g);
    memset(&answers, 0, sizeof answers);
    packets = 0;
    enum gdb_wish wish = GDB_GO_ON;
    if (size)
        wish =
            data[0] & 1 ? feed_lines(g, data + 1, size - 1) : gdb_stub_feed(g, data + 1, size - 1);
    if (wish == GDB_GO_ON) {
        /* Out of whatever packet it is in; then it must answer. */
        gdb_stub_feed(g, (const uint8_t *)"#00", 3);
        packets = 0;
        gdb_stub_feed(g, (const uint8_t *)"$g#67", 5);
        FUZZ_PROMISE(packets == 1);
    }
    gdb_stub_free(g);
    FUZZ_PROMISE(!debug_stop_next(d, NULL));
    return 0;
}

static const char *const seeds[] = {
    "1qSupported:multiprocess+;swbreak+;hwbreak+\nvMustReplyEmpty\nQStartNoAckMode\nHg0\n"
    "qXfer:features:read:target.xml:0,ffb\nqTStatus\n?\nqfThreadInfo\nqsThreadInfo\nqAttached\nHc-"
    "1\n"
    "qC\ng\nqXfer:memory-map:read::0,1000\nqThreadExtraInfo,1\nqSymbol::",
    "1Z0,100020,1\nvCont;c\nz0,100020,1\ns\nbs\nbc\np8\nP0=78563412\nG00",
    "1Z2,110008,4\nc\nc\nbc\nbc\nz2,110008,4\nZ3,110008,4\nvCont;c\nz3,110008,4\nZ4,110008,8\nbc",
    "1m100000,40\nM110000,4:01020304\nX110000,3:abc\nm110000,4\nmfffffffe,8\nm0,ffffffff",
    "1vCont?\nvCont;s:1;c\nvCont;r100000,100030:1\nvCont;C05\nS05\nc100000\nC05;100000",
    "1Qqemu.PhyMemMode:1\nqqemu.PhyMemMode\nm0,10\nM110000,1:ff\nQqemu.PhyMemMode:0\nqRcmd,"
    "68656c70",
    "0$qSupported#37+$g#67+$?#3f\003-$m100000,4#ba",
    "0+$vCont;c#a8\003$D#44",
    "1Z1,100000,1\nc\nc\nc\nbc\nk",
};

size_t fuzz_seed(unsigned i, uint8_t *to, size_t room)
{
    if (i >= sizeof seeds / sizeof seeds[0])
        return 0;
    size_t n = strlen(seeds[i]);
    FUZZ_PROMISE(n <= room);
    memcpy(to, seeds[i], n);
    return n;
}
