/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * lguest's disk from the inside: a guest puts a request into the ring and says NOTIFY. What is no
 * request kills it, with the reason; what is one moves the right bytes and nothing else. The ring is
 * written for the guest before it runs, since not every release lets it reach the device page at once.
 */
#include "hostile_unit.h"

#include "hv-models/lguest/lguest.h"

enum { SECTORS = 20, DISK_BYTES = SECTORS * DISK_SECTOR };
enum { RING = H_LGUEST_RAM + PAGE_SIZE, RING_BYTES = 3 * PAGE_SIZE };
enum { HEADER = H_SCRATCH, STATUS = H_SCRATCH + 0x20, TABLE = H_SCRATCH + 0x100, ROOM = H_USER };
enum { NEXT = LGUEST_VRING_DESC_NEXT, IN = LGUEST_VRING_DESC_WRITE };
enum { INDIRECT = LGUEST_VRING_DESC_INDIRECT };

typedef struct lguest_vring_desc desc;

/* The three of an honest request: 512 bytes, read or written. */
#define HEAD                \
    {                       \
        HEADER, 16, NEXT, 1 \
    }
#define TAIL             \
    {                    \
        STATUS, 1, IN, 0 \
    }
#define OUTPUT             \
    {                      \
        ROOM, 512, NEXT, 2 \
    }
#define INPUT                   \
    {                           \
        ROOM, 512, NEXT | IN, 2 \
    }

static uint8_t content(uint64_t at)
{
    return (uint8_t)(at ^ at >> 8 ^ 0x5A);
}

/* A guest on paper, that will kick the first disk's queue. */
static struct hostile *guest_new(const char *spec, uint32_t type, uint64_t sector)
{
    struct hostile *h = hostile_new(spec);
    const struct lguest_blk_header header = {.type = type, .sector = sector};

    h->disk_bytes[0] = h->disk_bytes[1] = DISK_BYTES;
    h_poke(h, HEADER, &header, sizeof header);
    h_poke32(h, STATUS, 0xEE);
    h_init(h);
    h_call(h, LHCALL_NOTIFY, RING, 0, 0, 0);
    return h;
}

static void put_ring(struct domain *d, const desc *table, unsigned n, uint16_t head, uint16_t idx)
{
    const uint16_t avail[3] = {0, idx, head};
    assert_true(lguest_write(d, RING, table, n * (uint32_t)sizeof *table));
    assert_true(lguest_write(d, RING + LGUEST_VRING_AVAIL_AT(256), avail, sizeof avail));
}

static void load(struct hostile *h)
{
    if (!hostile_load(h, HOSTILE_LIMIT))
        fail_msg("%s: %s", h->spec, h->broken);
    struct disks *s = h->m->domain->disks;
    for (uint64_t at = 0; at < DISK_BYTES; at++) {
        uint8_t byte = content(at), other = 0xDD;
        assert_true(disk_write(s, 0, at, &byte, 1));
        assert_true(disk_write(s, 1, at, &other, 1));
    }
}

/* The second disk is nobody's business here. */
static void check_other(struct hostile *h)
{
    uint8_t bytes[DISK_BYTES];
    assert_true(disk_read(h->m->domain->disks, 1, 0, bytes, sizeof bytes));
    for (unsigned i = 0; i < sizeof bytes; i++)
        assert_int_equal(bytes[i], 0xDD);
}

static void check_disk(struct hostile *h, uint64_t changed, uint64_t n)
{
    uint8_t bytes[DISK_BYTES];
    assert_true(disk_read(h->m->domain->disks, 0, 0, bytes, sizeof bytes));
    for (uint64_t at = 0; at < sizeof bytes; at++)
        if (at < changed || at >= changed + n)
            assert_int_equal(bytes[at], content(at));
}

static void run(struct hostile *h)
{
    if (!hostile_run(h))
        fail_msg("%s: %s", h->spec, h->broken);
    check_other(h);
}

static void must_die(struct hostile *h, const char *why)
{
    run(h);
    const struct end *end = &h->m->domain->end;
    if (end->kind != END_DIED || !strstr(end->reason, why))
        fail_msg("%s: end %u, \"%s\"; should have died of \"%s\"", h->spec, end->kind, end->reason,
                 why);
    check_disk(h, 0, 0); /* and of what it asked nothing was done */
    hostile_free(h);
}

static void must_live(struct hostile *h)
{
    run(h);
    if (h->m->domain->end.kind != END_POWEROFF)
        fail_msg("%s: \"%s\"", h->spec, h->m->domain->end.reason);
}

/* ---- what is no request ---- */

static const struct {
    const char *why;
    desc table[4];
    uint32_t type;
    uint64_t sector;
    uint16_t head, idx; /* idx 0: one is offered */
} bad[] = {
    {.why = "looped descriptors", .table = {HEAD, {ROOM, 4, NEXT, 0}}},
    {.why = "looped descriptors", .table = {{HEADER, 16, NEXT, 0}}},
    {.why = "descriptor 256 of", .table = {{HEADER, 16, NEXT, 256}}},
    {.why = "descriptor 65535 of", .table = {HEAD, {ROOM, 512, NEXT, 65535}}},
    {.why = "descriptor 400 of", .table = {HEAD, INPUT, TAIL}, .head = 400},
    {.why = "offers 257 buffers", .table = {HEAD, INPUT, TAIL}, .idx = 257},
    {.why = "offers 65535 buffers", .table = {HEAD, INPUT, TAIL}, .idx = 65535},
    {.why = "outside of memory", .table = {{H_LGUEST_RAM, 16, NEXT, 1}, INPUT, TAIL}},
    {.why = "outside of memory", .table = {{RING, 16, NEXT, 1}, INPUT, TAIL}},
    {.why = "outside of memory", .table = {HEAD, {H_LGUEST_RAM - 511, 512, NEXT | IN, 2}, TAIL}},
    {.why = "outside of memory", .table = {HEAD, {ROOM, 0xFFFFFFFF, NEXT | IN, 2}, TAIL}},
    {.why = "outside of memory", .table = {HEAD, {0xFFFFFFFFFFFFF000, 0x2000, NEXT | IN, 2}, TAIL}},
    {.why = "outside of memory", .table = {HEAD, {0x100000000 + ROOM, 512, NEXT | IN, 2}, TAIL}},
    {.why = "outside of memory", .table = {HEAD, INPUT, {H_LGUEST_RAM, 1, IN, 0}}},
    {.why = "bad virtblk cmd 0 out=1 in=0", .table = {{HEADER, 16, 0, 0}}},
    {.why = "bad virtblk cmd 0 out=2 in=0", .table = {HEAD, {ROOM, 512, 0, 0}}},
    {.why = "bad virtblk cmd 0 out=0 in=1", .table = {{HEADER, 16, IN, 0}}},
    {.why = "bad virtblk cmd 2 out=0 in=1", .table = {HEAD, INPUT, TAIL}, .head = 2},
    {.why = "header of 15 bytes", .table = {{HEADER, 15, NEXT, 1}, INPUT, TAIL}},
    {.why = "header of 17 bytes", .table = {{HEADER, 17, NEXT, 1}, INPUT, TAIL}},
    {.why = "header of 0 bytes", .table = {{HEADER, 0, NEXT, 1}, INPUT, TAIL}},
    {.why = "status of 0 bytes", .table = {HEAD, INPUT, {STATUS, 0, IN, 0}}},
    {.why = "status of 2 bytes", .table = {HEAD, INPUT, {STATUS, 2, IN, 0}}},
    {.why = "status of 512 bytes", .table = {HEAD, {ROOM, 512, IN, 0}}},
    {.why = "out after in", .table = {{HEADER, 16, NEXT | IN, 1}, OUTPUT, TAIL}},
    {.why = "out after in", .table = {HEAD, INPUT, {STATUS, 1, 0, 0}}},
    {.why = "something to be written", .table = {HEAD, OUTPUT, TAIL}},
    {.why = "room for what is read", .table = {HEAD, INPUT, TAIL}, .type = LGUEST_BLK_T_OUT},
    {.why = "write past the disk's end: 10240+512",
     .table = {HEAD, OUTPUT, TAIL},
     LGUEST_BLK_T_OUT,
     SECTORS},
    {.why = "write past",
     .table = {HEAD, {ROOM, 1024, NEXT, 2}, TAIL},
     LGUEST_BLK_T_OUT,
     SECTORS - 1},
    {.why = "write past",
     .table = {HEAD, {ROOM, 513, NEXT, 2}, TAIL},
     LGUEST_BLK_T_OUT,
     SECTORS - 1},
    {.why = "write past", .table = {HEAD, {0, H_CODE, NEXT, 2}, TAIL}, LGUEST_BLK_T_OUT, 0},
    {.why = "write past", .table = {HEAD, OUTPUT, TAIL}, LGUEST_BLK_T_OUT, (1ull << 54) - 1},
    {.why = "bad seek", .table = {HEAD, OUTPUT, TAIL}, LGUEST_BLK_T_OUT, 1ull << 54},
    {.why = "bad seek", .table = {HEAD, OUTPUT, TAIL}, LGUEST_BLK_T_OUT, 1ull << 55},
    {.why = "bad seek", .table = {HEAD, INPUT, TAIL}, 0, UINT64_MAX},
    {.why = "indirect table of 0 bytes", .table = {{TABLE, 0, INDIRECT, 0}}},
    {.why = "indirect table of 8 bytes", .table = {{TABLE, 8, INDIRECT, 0}}},
    {.why = "outside of memory", .table = {{H_LGUEST_RAM - 16, 32, INDIRECT, 0}}},
    {.why = "outside of memory", .table = {{0xFFFFFFFFFFFFFFF0, 32, INDIRECT, 0}}},
    {.why = "outside of memory", .table = {{RING, 48, INDIRECT, 0}}},
    {.why = "indirect in the middle", .table = {HEAD, {TABLE, 48, INDIRECT, 0}}},
};

static void what_is_no_request(void **st)
{
    (void)st;
    for (unsigned v = 0; v < LGUESTS; v++)
        for (unsigned i = 0; i < COUNT(bad); i++) {
            struct hostile *h = guest_new(lguests[v], bad[i].type, bad[i].sector);
            load(h);
            put_ring(h->m->domain, bad[i].table, 4, bad[i].head, bad[i].idx ? bad[i].idx : 1);
            must_die(h, bad[i].why);
        }
}

/* The table that an indirect descriptor leads to is as little to be believed as the ring. */
static void bad_tables(void **st)
{
    static const struct {
        const char *why;
        desc table[3];
        uint32_t bytes;
    } row[] = {
        {"looped descriptors", {{HEADER, 16, NEXT, 1}, {ROOM, 0, NEXT, 0}}, 48},
        {"descriptor 3 of the table", {HEAD, {ROOM, 512, NEXT | IN, 3}, TAIL}, 48},
        {"descriptor 2 of the table", {HEAD, INPUT, TAIL}, 32},
        {"descriptor 1 of the table", {HEAD, INPUT, TAIL}, 16},
        {"in the middle", {HEAD, {TABLE, 48, INDIRECT, 0}, TAIL}, 48},
        {"in the middle", {{TABLE, 48, INDIRECT, 0}, INPUT, TAIL}, 48}, /* itself */
        {"outside of memory", {{H_LGUEST_END, 16, NEXT, 1}, INPUT, TAIL}, 48},
        {"bad virtblk cmd", {{HEADER, 16, 0, 0}}, 16},
    };
    (void)st;
    for (unsigned v = 0; v < LGUESTS; v++)
        for (unsigned i = 0; i < COUNT(row); i++) {
            struct hostile *h = guest_new(lguests[v], 0, 0);
            const desc d = {TABLE, row[i].bytes, INDIRECT, 0};
            h_poke(h, TABLE, row[i].table, sizeof row[i].table);
            load(h);
            put_ring(h->m->domain, &d, 1, 0, 1);
            must_die(h, row[i].why);
        }
}

/* Every part of a request may name all of memory, and there may be as many parts as there are
   descriptors: such a chain is looked at in a moment, and a longer one is refused. */
static void the_longest_chain(void **st)
{
    (void)st;
    for (unsigned v = 0; v < LGUESTS; v++) {
        desc all[LGUEST_VRING_NUM];
        struct hostile *h = guest_new(lguests[v], 0, 0);
        for (unsigned i = 0; i < LGUEST_VRING_NUM; i++)
            all[i] = (desc){0, 64, NEXT | IN, (uint16_t)(i + 1)};
        all[0] = (desc)HEAD;
        for (unsigned i = 1; i < LGUEST_VRING_NUM - 1; i++)
            all[i].addr = ROOM;
        all[LGUEST_VRING_NUM - 1] = (desc)TAIL;
        h_power_off(h);
        load(h);
        put_ring(h->m->domain, all, LGUEST_VRING_NUM, 0, 1);
        must_live(h);
        assert_int_equal(hostile_word(h, STATUS) & 0xFF, LGUEST_BLK_S_OK);
        hostile_free(h);

        h = guest_new(lguests[v], 0, 0);
        all[LGUEST_VRING_NUM - 1] = (desc){STATUS, 1, IN | NEXT, 0};
        load(h);
        put_ring(h->m->domain, all, LGUEST_VRING_NUM, 0, 1);
        must_die(h, "looped descriptors");
    }
}

/* ---- what is one ---- */

/* Run a guest with these descriptors to its end, and check what it was told. */
static struct hostile *serve(const char *spec, uint32_t type, uint64_t sector, const desc *table,
                             uint32_t status, uint32_t written)
{
    struct hostile *h = guest_new(spec, type, sector);
    struct {
        uint16_t flags, idx;
        struct lguest_vring_used_elem e[2];
    } used;

    for (unsigned i = 0; i < 2 * DISK_SECTOR; i += 4)
        h_poke32(h, ROOM + i, 0xA0A0A0A0 + i);
    h_power_off(h);
    load(h);
    put_ring(h->m->domain, table, 4, 0, 1);
    must_live(h);
    assert_true(lguest_read(h->m->domain, RING + LGUEST_VRING_USED_AT(256), &used, sizeof used));
    assert_int_equal(used.idx, 1);
    assert_int_equal(used.e[0].id, 0);
    assert_int_equal(used.e[0].len, written);
    assert_int_equal(hostile_word(h, STATUS) & 0xFF, status);
    return h;
}

static void room_has(struct hostile *h, uint64_t from, uint32_t n)
{
    uint8_t bytes[2 * DISK_SECTOR];
    assert_true(lguest_read(h->m->domain, ROOM, bytes, sizeof bytes));
    for (uint32_t i = 0; i < n; i++)
        assert_int_equal(bytes[i], content(from + i));
    if (n < sizeof bytes) /* and not a byte more */
        assert_int_equal(bytes[n], (uint8_t)((0xA0A0A0A0 + n / 4 * 4) >> n % 4 * 8));
}

static void reading(void **st)
{
    (void)st;
    for (unsigned v = 0; v < LGUESTS; v++) {
        const desc plain[4] = {HEAD, INPUT, TAIL};
        struct hostile *h = serve(lguests[v], 0, 3, plain, 0, 513);
        room_has(h, 3 * DISK_SECTOR, 512);
        check_disk(h, 0, 0);
        hostile_free(h);

        /* In pieces that are no sectors. */
        const desc pieces[4] = {HEAD, {ROOM, 5, NEXT | IN, 2}, {ROOM + 5, 600, NEXT | IN, 3}, TAIL};
        h = serve(lguests[v], 0, 7, pieces, 0, 606);
        room_has(h, 7 * DISK_SECTOR, 605);
        hostile_free(h);

        /* At the end of the disk, and beyond it, is less, or nothing. */
        const desc two[4] = {HEAD, {ROOM, 1024, NEXT | IN, 2}, TAIL};
        h = serve(lguests[v], 0, SECTORS - 1, two, 0, 513);
        room_has(h, (SECTORS - 1) * DISK_SECTOR, 512);
        hostile_free(h);
        h = serve(lguests[v], 0, SECTORS, two, 0, 1);
        room_has(h, 0, 0);
        hostile_free(h);
        h = serve(lguests[v], 0, (1ull << 54) - 1, two, 0, 1);
        room_has(h, 0, 0);
        hostile_free(h);
    }
}

static void writing(void **st)
{
    (void)st;
    for (unsigned v = 0; v < LGUESTS; v++) {
        uint8_t bytes[DISK_SECTOR];
        const desc plain[4] = {HEAD, OUTPUT, TAIL};
        struct hostile *h = serve(lguests[v], LGUEST_BLK_T_OUT, SECTORS - 1, plain, 0, 1);
        check_disk(h, (SECTORS - 1) * DISK_SECTOR, DISK_SECTOR);
        assert_true(
            disk_read(h->m->domain->disks, 0, (SECTORS - 1) * DISK_SECTOR, bytes, sizeof bytes));
        for (unsigned i = 0; i < sizeof bytes; i++)
            assert_int_equal(bytes[i], (uint8_t)((0xA0A0A0A0 + i / 4 * 4) >> i % 4 * 8));
        hostile_free(h);

        /* Nothing at all is a request too, wherever it is. */
        const desc nothing[4] = {{HEADER, 16, NEXT, 1}, TAIL};
        h = serve(lguests[v], LGUEST_BLK_T_OUT, SECTORS + 5, nothing, 0, 1);
        check_disk(h, 0, 0);
        hostile_free(h);
    }
}

static unsigned flushes;
static void count_flush(void *ctx)
{
    (void)ctx;
    flushes++;
}

/* What is not reading or writing, in both releases. */
static void other_requests(void **st)
{
    static const desc none[4] = {{HEADER, 16, NEXT, 1}, TAIL}, read[4] = {HEAD, INPUT, TAIL};
    static const struct {
        uint32_t type;
        const desc *table;
        uint32_t status, written[2];
        unsigned flushes[2]; /* in 2.6.31, in 3.2 */
    } row[] = {
        {LGUEST_BLK_T_SCSI_CMD, none, LGUEST_BLK_S_UNSUPP, {1, 1}, {0, 0}},
        {LGUEST_BLK_T_SCSI_CMD | LGUEST_BLK_T_OUT, read, LGUEST_BLK_S_UNSUPP, {1, 1}, {0, 0}},
        {LGUEST_BLK_T_FLUSH, none, LGUEST_BLK_S_OK, {1, 1}, {0, 1}},
        {LGUEST_BLK_T_FLUSH, read, LGUEST_BLK_S_OK, {513, 1}, {0, 1}}, /* once it was a read */
        {LGUEST_BLK_T_BARRIER, read, LGUEST_BLK_S_OK, {513, 513}, {2, 0}},
        {8, read, LGUEST_BLK_S_OK, {513, 513}, {0, 0}}, /* "every other type is a read" */
    };
    const struct disk_listener l = {.flush = count_flush};
    (void)st;
    for (unsigned v = 0; v < LGUESTS; v++)
        for (unsigned i = 0; i < COUNT(row); i++) {
            struct hostile *h = guest_new(lguests[v], row[i].type, 0);
            uint32_t used[3];
            h_power_off(h);
            load(h);
            disk_listen(h->m->domain->disks, 0, &l);
            flushes = 0;
            put_ring(h->m->domain, row[i].table, 4, 0, 1);
            must_live(h);
            assert_int_equal(flushes, row[i].flushes[v]);
            assert_int_equal(hostile_word(h, STATUS) & 0xFF, row[i].status);
            assert_true(lguest_read(h->m->domain, RING + LGUEST_VRING_USED_AT(256), used, 12));
            assert_int_equal(used[0] >> 16, 1);
            assert_int_equal(used[2], row[i].written[v]);
            check_disk(h, 0, 0);
            hostile_free(h);
        }
}

static void by_an_indirect_table(void **st)
{
    (void)st;
    for (unsigned v = 0; v < LGUESTS; v++) {
        const desc table[3] = {HEAD, INPUT, TAIL}, in_ring = {TABLE, sizeof table, INDIRECT, 0};
        struct hostile *h = guest_new(lguests[v], 0, 2);
        h_poke(h, TABLE, table, sizeof table);
        h_power_off(h);
        load(h);
        put_ring(h->m->domain, &in_ring, 1, 0, 1);
        must_live(h);
        assert_int_equal(hostile_word(h, STATUS) & 0xFF, LGUEST_BLK_S_OK);
        assert_int_equal(hostile_word(h, ROOM) & 0xFF, content(2 * DISK_SECTOR));
        hostile_free(h);
    }
}

/* ---- the device page ---- */

static void the_page(void **st)
{
    (void)st;
    for (unsigned v = 0; v < LGUESTS; v++) {
        struct hostile *h = guest_new(lguests[v], 0, 0);
        struct __attribute__((packed)) {
            struct lguest_device_desc desc;
            struct lguest_vqconfig queue;
        } disk;
        uint8_t features[4];
        struct lguest_blk_config config;
        load(h);
        struct domain *d = h->m->domain;
        uint32_t at = H_LGUEST_RAM;
        for (unsigned i = 0; i < 2; i++) {
            assert_true(lguest_read(d, at, &disk, sizeof disk));
            assert_int_equal(disk.desc.type, LGUEST_DEV_BLOCK);
            assert_int_equal(disk.desc.num_vq, 1);
            assert_int_equal(disk.queue.num, 256);
            assert_int_equal(disk.queue.irq, i + 1);
            assert_int_equal(disk.queue.pfn, RING / PAGE_SIZE + 3 * i);
            assert_int_equal(disk.desc.feature_len, v ? 2 : 1);
            at += sizeof disk;
            assert_true(lguest_read(d, at, features, 2 * disk.desc.feature_len));
            assert_int_equal(features[0], v ? 0x04 : 0x05);
            if (v)
                assert_int_equal(features[1], 0x02);
            at += 2 * disk.desc.feature_len;
            assert_true(lguest_read(d, at, &config, sizeof config));
            assert_int_equal(config.capacity, SECTORS);
            assert_int_equal(config.seg_max, 254);
            at += disk.desc.config_len;
        }
        assert_true(lguest_read(d, at, &disk, sizeof disk));
        assert_int_equal(disk.desc.type, LGUEST_DEV_CONSOLE);
        assert_int_equal(disk.queue.irq, 3);
        hostile_free(h);
    }
}

/* A status of 0 is a reset: rings and accepted features are zeros, and the device's place in the
   ring is its beginning, so the same request is served once more. */
static void reset(void **st)
{
    (void)st;
    for (unsigned v = 0; v < LGUESTS; v++) {
        const desc plain[3] = {HEAD, INPUT, TAIL};
        struct hostile *h = guest_new(lguests[v], 0, 0);
        h_call(h, LHCALL_NOTIFY, H_LGUEST_RAM, 0, 0, 0);
        h_power_off(h);
        load(h);
        struct domain *d = h->m->domain;
        const uint8_t accepted[2] = {0xFF, 0xFF};
        uint8_t byte[RING_BYTES];
        uint32_t at = H_LGUEST_RAM + 13 + (v ? 2 : 1);
        assert_true(lguest_write(d, at, accepted, v ? 2 : 1));
        put_ring(d, plain, 3, 0, 1);
        must_live(h);
        assert_int_equal(hostile_word(h, STATUS) & 0xFF, LGUEST_BLK_S_OK);
        assert_true(lguest_read(d, RING, byte, sizeof byte));
        for (unsigned i = 0; i < sizeof byte; i++)
            assert_int_equal(byte[i], 0);
        assert_true(lguest_read(d, at, byte, 2));
        assert_int_equal(byte[0], 0);
        if (!v) /* behind it is the configuration */
            assert_int_equal(byte[1], SECTORS);
        assert_int_equal(lguest_of(d)->disk[0].queue.last_avail, 0);
        hostile_free(h);
    }
}

static void wrong_notifies(void **st)
{
    static const uint32_t nobody[] = {H_LGUEST_RAM + 1, RING + 4, RING + PAGE_SIZE, 0xFFFFFFFF};
    (void)st;
    for (unsigned v = 0; v < LGUESTS; v++)
        for (unsigned i = 0; i < COUNT(nobody); i++) {
            struct hostile *h = hostile_new(lguests[v]);
            h->disk_bytes[0] = h->disk_bytes[1] = DISK_BYTES;
            h_init(h);
            h_call(h, LHCALL_NOTIFY, nobody[i], 0, 0, 0);
            load(h);
            must_die(h, "bad NOTIFY");
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_no_request),
        cmocka_unit_test(bad_tables),
        cmocka_unit_test(the_longest_chain),
        cmocka_unit_test(reading),
        cmocka_unit_test(writing),
        cmocka_unit_test(other_requests),
        cmocka_unit_test(by_an_indirect_table),
        cmocka_unit_test(the_page),
        cmocka_unit_test(reset),
        cmocka_unit_test(wrong_notifies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
