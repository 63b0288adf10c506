/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * An lguest guest that means no good, third part: the device page and the rings behind it. They are
 * the guest's to write, from before the first kick to the last typed byte.
 */
#include "hostile_unit.h"

#include "input.h"

enum { IN_RING = H_LGUEST_RAM + 0x1000, OUT_RING = H_LGUEST_RAM + 0x4000 };
enum { NEXT = LGUEST_VRING_DESC_NEXT, WRITE = LGUEST_VRING_DESC_WRITE };
enum { AVAIL = LGUEST_VRING_AVAIL_AT(256), USED = 0x2000, NUM = LGUEST_VRING_NUM };
enum { TABLE = PTE_P | PTE_W | PTE_A, PAGE = TABLE | PTE_D };

/* The first megabytes and the device pages, at their own addresses. */
static struct hostile *with_devices(const char *spec)
{
    struct hostile *h = hostile_new(spec);
    h_poke64(h, H_ROOT, H_DIR | PTE_P);
    h_poke64(h, H_DIR, H_TABLE | TABLE);
    h_poke64(h, H_DIR + (H_LGUEST_RAM >> 21) * 8, H_TABLE2 | TABLE);
    for (uint32_t i = 0; i < 512; i++)
        h_poke64(h, H_TABLE + i * 8, i << PAGE_SHIFT | PAGE);
    for (uint32_t i = 0; i < LGUEST_DEVICE_PAGES; i++)
        h_poke64(h, H_TABLE2 + i * 8, (H_LGUEST_RAM + (i << PAGE_SHIFT)) | PAGE);
    h_init(h);
    h_call(h, LHCALL_NEW_PGTABLE, H_ROOT, 0, 0, 0);
    h_mov(h, R_ESP, H_STACK);
    return h;
}

static void descriptor(struct hostile *h, uint32_t ring, unsigned i, uint64_t addr, uint32_t len,
                       unsigned flags, unsigned next)
{
    h_store(h, ring + i * 16, (uint32_t)addr);
    h_store(h, ring + i * 16 + 4, (uint32_t)(addr >> 32));
    h_store(h, ring + i * 16 + 8, len);
    h_store(h, ring + i * 16 + 12, flags | next << 16);
}

/* One chain offered: its head, and what the ring's index says. */
static void offer(struct hostile *h, uint32_t ring, unsigned head, unsigned idx)
{
    h_store(h, ring + AVAIL + 4, head);
    h_store(h, ring + AVAIL, idx << 16);
}

static void set_status(struct hostile *h, uint32_t status)
{
    h_asm(h, "\xC6\x05"); /* mov byte [status], imm8 */
    h_word(h, H_LGUEST_RAM + 4);
    h_bytes(h, &(uint8_t){(uint8_t)status}, 1);
    h_call(h, LHCALL_NOTIFY, H_LGUEST_RAM, 0, 0, 0);
}

/* What the indirect ones below lead to: a descriptor that goes on in another indirect one. */
static void indirect_table(struct hostile *h)
{
    descriptor(h, H_SCRATCH, 0, H_CODE, 1, NEXT, 1);
    descriptor(h, H_SCRATCH, 1, H_SCRATCH, 16, LGUEST_VRING_DESC_INDIRECT, 0);
}

static const struct {
    uint64_t addr;
    uint32_t len, flags, next;
    uint32_t head, idx;
    const char *why;
} queues[] = {
    {H_CODE, 4, NEXT, 0, 0, 1, "looped descriptors"},
    {H_CODE, 4, NEXT, 1, 0, 1, "looped descriptors"}, /* 1 leads back to 0 */
    {H_CODE, 4, NEXT, 256, 0, 1, "descriptor 256 of the"},
    {H_CODE, 4, NEXT, 65535, 0, 1, "descriptor 65535 of the"},
    {H_CODE, 4, 0, 0, 256, 1, "descriptor 256 of the"},
    {H_CODE, 4, 0, 0, 65535, 1, "descriptor 65535 of the"},
    /* A table of descriptors elsewhere. */
    {H_CODE, 4, LGUEST_VRING_DESC_INDIRECT, 0, 0, 1, "an indirect table of 4 bytes"},
    {H_CODE, 0, LGUEST_VRING_DESC_INDIRECT, 0, 0, 1, "an indirect table of 0 bytes"},
    {H_LGUEST_RAM - 16, 32, LGUEST_VRING_DESC_INDIRECT, 0, 0, 1, "outside of memory"},
    {0xFFFFFFFFFFFFFFF0, 32, LGUEST_VRING_DESC_INDIRECT, 0, 0, 1, "outside of memory"},
    {OUT_RING, 16, LGUEST_VRING_DESC_INDIRECT, 0, 0, 1, "outside of memory"}, /* the ring itself */
    {H_SCRATCH, 16, LGUEST_VRING_DESC_INDIRECT, 0, 0, 1, "in the indirect table at 0x110000"},
    {H_SCRATCH, 32, LGUEST_VRING_DESC_INDIRECT, 0, 0, 1, "indirect"}, /* one in one */
    {H_CODE, 4, 0, 0, 0, 257, "257 buffers"},
    {H_CODE, 4, 0, 0, 0, 65535, "65535 buffers"},
    {H_LGUEST_RAM - 4, 4, 0, 0, 0, 1, NULL}, /* to the last byte */
    {H_LGUEST_RAM - 4, 5, 0, 0, 0, 1, "outside of memory"},
    {H_LGUEST_RAM, 1, 0, 0, 0, 1, "leads to 0xc00000, outside of memory"},
    {H_LGUEST_RAM, 0, 0, 0, 0, 1, NULL}, /* nothing, at the end */
    {0xFFFFFFFF, 1, 0, 0, 0, 1, "outside of memory"},
    {0xFFFFF000, 0x1001, 0, 0, 0, 1, "outside of memory"}, /* a sum that wraps in 32 bits */
    {H_CODE, 0xFFFFFFFF, 0, 0, 0, 1, "outside of memory"},
    {H_CODE, 0xFFF00000, 0, 0, 0, 1, "outside of memory"},    /* wraps to exactly 0 */
    {0xFFFFFFFFFFFFFFFF, 1, 0, 0, 0, 1, "outside of memory"}, /* and in 64 bits */
    {0xFFFFFFFFFFFFF000, 0x1001, 0, 0, 0, 1, "outside of memory"},
    {0x100000000, 4, 0, 0, 0, 1, "leads to 0x100000000"},
    {PC_HOLE_START - 2, 4, 0, 0, 0, 1, NULL}, /* memory, to an lguest */
    {H_CODE, 4, WRITE, 0, 0, 1, NULL},        /* a buffer to fill: nothing to print */
    {H_CODE, 0, 0, 0, 0, 1, NULL},
};

static void bad_chains(void **st)
{
    (void)st;
    for (unsigned v = 0; v < LGUESTS; v++)
        for (unsigned i = 0; i < COUNT(queues); i++) {
            char what[32];
            struct hostile *h = with_devices(lguests[v]);
            snprintf(what, sizeof what, "queue %u", i);
            descriptor(h, OUT_RING, 0, queues[i].addr, queues[i].len, queues[i].flags,
                       queues[i].next);
            descriptor(h, OUT_RING, 1, H_CODE, 4, NEXT, 0);
            indirect_table(h);
            offer(h, OUT_RING, queues[i].head, queues[i].idx);
            h_call(h, LHCALL_NOTIFY, OUT_RING, 0, 0, 0);
            ends(h, what, queues[i].why);
        }
}

/* The same on the way in: what is typed goes where the guest says, if that is anywhere. */
static void bad_buffers(void **st)
{
    static const struct input_entry typed = {500000, 'x'}; /* the driver is there by then */
    (void)st;
    for (unsigned v = 0; v < LGUESTS; v++)
        for (unsigned i = 0; i < COUNT(queues); i++) {
            const char *why = queues[i].why;
            bool room = queues[i].flags & WRITE;
            struct hostile *h = with_devices(lguests[v]);
            descriptor(h, IN_RING, 0, queues[i].addr, queues[i].len, queues[i].flags,
                       queues[i].next);
            descriptor(h, IN_RING, 1, H_CODE, 4, NEXT, 0);
            indirect_table(h);
            offer(h, IN_RING, queues[i].head, queues[i].idx);
            set_status(h, LGUEST_STATUS_DRIVER_OK);
            h_call(h, LHCALL_NOTIFY, IN_RING, 0, 0, 0);
            h_asm(h, "\xB9\x00\x00\x10\x00\xE2\xFE"); /* mov ecx, 1 Mi; loop: wait */
            h_power_off(h);
            assert_true(hostile_load(h, HOSTILE_LIMIT));
            assert_true(input_set_log(h->m->input, &typed, 1, NULL));
            if (!hostile_run(h))
                fail_msg("%s, buffer %u: %s", h->spec, i, h->broken);
            const struct end *end = &h->m->domain->end;
            if (!why && !room)
                why = "a console input buffer with no room in it";
            if (why ? end->kind != END_DIED || !strstr(end->reason, why)
                    : end->kind != END_POWEROFF)
                fail_msg("%s, buffer %u: end %u, \"%s\"; should be \"%s\"", h->spec, i, end->kind,
                         end->reason, why ? why : "off");
            if (!why)
                assert_int_equal(hostile_word(h, H_CODE) & 0xFF, 'x');
            hostile_free(h);
        }
}

/* As long as the ring is long, and one longer. */
static void long_chains(void **st)
{
    (void)st;
    for (unsigned v = 0; v < LGUESTS; v++)
        for (unsigned last = NUM - 1; last <= NUM; last++) {
            struct hostile *h = with_devices(lguests[v]);
            /* for (ecx = 0, edi = ring, edx = NEXT | 1 << 16; ecx < last; ...) write a descriptor */
            h_mov(h, R_ECX, last);
            h_mov(h, R_EDI, OUT_RING);
            h_mov(h, R_EDX, NEXT | 1 << 16);
            uint32_t loop = h->pen;
            h_asm(h, "\xC7\x07\x00\x00\x10\x00"             /* mov [edi], H_CODE */
                     "\xC7\x47\x04\x00\x00\x00\x00"         /* mov [edi+4], 0 */
                     "\xC7\x47\x08\x01\x00\x00\x00"         /* mov [edi+8], 1 */
                     "\x89\x57\x0C\x81\xC2\x00\x00\x01\x00" /* mov [edi+12], edx; add edx, 1<<16 */
                     "\x83\xC7\x10\x49\x0F\x85");           /* add edi, 16; dec ecx; jnz loop */
            h_word(h, loop - (h->pen + 4));
            if (last == NUM - 1)
                descriptor(h, OUT_RING, last, H_CODE, 1, 0, 0);
            offer(h, OUT_RING, 0, 1);
            h_call(h, LHCALL_NOTIFY, OUT_RING, 0, 0, 0);
            ends(h, "a chain of 256", last == NUM - 1 ? NULL : "looped descriptors");
        }
}

/* Print all of memory, many times: a kick must not keep the host for hours. */
static void long_texts(void **st)
{
    static const struct {
        uint32_t len, parts;
        const char *why;
    } text[] = {
        {1 << 20, 1, NULL},
        {(1 << 20) + 1, 1, "a buffer of 1048577 bytes for the console"},
        {1 << 19, 3, "a buffer of 1572864 bytes for the console"},
        {H_LGUEST_RAM - H_CODE, 40, "a buffer of 461373440 bytes for the console"},
    };
    (void)st;
    for (unsigned v = 0; v < LGUESTS; v++)
        for (unsigned i = 0; i < COUNT(text); i++) {
            struct hostile *h = with_devices(lguests[v]);
            for (unsigned k = 0; k < text[i].parts; k++)
                descriptor(h, OUT_RING, k, H_CODE, text[i].len, k + 1 < text[i].parts ? NEXT : 0,
                           k + 1);
            offer(h, OUT_RING, 0, 1);
            h->hurry = true;
            h_call(h, LHCALL_NOTIFY, OUT_RING, 0, 0, 0);
            ends(h, "a long text", text[i].why);
        }
}

/* What is printed takes the guest's time, byte by byte. */
static void text_takes_time(void **st)
{
    static const uint32_t len[] = {1, 1 << 20};
    uint64_t end[COUNT(len)];
    (void)st;
    for (unsigned v = 0; v < LGUESTS; v++) {
        for (unsigned i = 0; i < COUNT(len); i++) {
            struct hostile *h = with_devices(lguests[v]);
            descriptor(h, OUT_RING, 0, H_CODE, len[i], 0, 0);
            offer(h, OUT_RING, 0, 1);
            h->hurry = true;
            h_call(h, LHCALL_NOTIFY, OUT_RING, 0, 0, 0);
            h_power_off(h);
            lives(h, "a text");
            end[i] = cpu_now(h->m->domain->cpu);
            hostile_free(h);
        }
        assert_int_equal(end[1] - end[0], len[1] - len[0]);
    }
}

/* The used ring is the guest's to scribble on; our next place in it comes from there. */
static void used_ring(void **st)
{
    static const uint32_t words[] = {0, 0x00FF0000, 0x01000000, 0xFFFF0000, 0xFFFFFFFF};
    (void)st;
    for (unsigned v = 0; v < LGUESTS; v++)
        for (unsigned i = 0; i < COUNT(words); i++) {
            struct hostile *h = with_devices(lguests[v]);
            descriptor(h, OUT_RING, 7, H_CODE, 1, 0, 0);
            h_store(h, OUT_RING + USED, words[i]);
            offer(h, OUT_RING, 7, 1);
            h_call(h, LHCALL_NOTIFY, OUT_RING, 0, 0, 0);
            h_power_off(h);
            lives(h, "a used ring");
            uint32_t idx = words[i] >> 16;
            assert_int_equal(hostile_word(h, OUT_RING + USED + 4 + idx % NUM * 8), 7);
            assert_int_equal(hostile_word(h, OUT_RING + USED) >> 16, (idx + 1) & 0xFFFF);
            hostile_free(h);
        }
}

/* Printing from the page tables, from lguest_data and from the ring itself; a status of all values,
   with buffers on offer and none; the queue given back under our hands. */
static void any_order(void **st)
{
    static const uint32_t from[] = {H_ROOT, H_DATA, H_TABLE, 0, PC_HOLE_START};
    (void)st;
    for (unsigned v = 0; v < LGUESTS; v++) {
        for (unsigned i = 0; i < COUNT(from); i++) {
            struct hostile *h = with_devices(lguests[v]);
            descriptor(h, OUT_RING, 0, from[i], 0x2000, 0, 0);
            offer(h, OUT_RING, 0, 1);
            h_call(h, LHCALL_NOTIFY, OUT_RING, 0, 0, 0);
            ends(h, "printing its tables", NULL);
        }
        struct hostile *h = with_devices(lguests[v]);
        descriptor(h, OUT_RING, 0, H_CODE, 1, NEXT, 0);
        for (uint32_t status = 0; status < 256; status += 17) {
            set_status(h, status);
            h_call(h, LHCALL_NOTIFY, IN_RING, 0, 0, 0);
        }
        offer(h, OUT_RING, 0, 1); /* a loop; but it is taken back by a reset before the kick */
        set_status(h, LGUEST_STATUS_FAILED);
        h_call(h, LHCALL_NOTIFY, OUT_RING, 0, 0, 0);
        ends(h, "statuses", NULL);
        /* The device page says nonsense. It is for the guest alone: nobody else reads it. */
        h = with_devices(lguests[v]);
        for (uint32_t i = 0; i < 64; i += 4)
            h_store(h, H_LGUEST_RAM + i, 0xFFFFFFFB);
        h_call(h, LHCALL_NOTIFY, H_LGUEST_RAM, 0, 0, 0);
        h_call(h, LHCALL_NOTIFY, OUT_RING, 0, 0, 0);
        ends(h, "a device page of nonsense", NULL);
    }
}

/* NOTIFY's other meaning: a string. Without an end it ends somewhere. */
static void strings(void **st)
{
    (void)st;
    for (unsigned v = 0; v < LGUESTS; v++) {
        struct hostile *h = with_devices(lguests[v]);
        h_store(h, H_TABLE + 8, (H_LGUEST_RAM - PAGE_SIZE) | PAGE); /* the last page, at 0x1000 */
        h_call(h, LHCALL_FLUSH_TLB, 1, 0, 0, 0);
        h_mov(h, R_EDI, 0x1000);
        h_mov(h, R_ECX, PAGE_SIZE / 4);
        h_mov(h, R_EAX, 0x41414141);
        h_asm(h, "\xF3\xAB"); /* rep stosd */
        h_call(h, LHCALL_NOTIFY, H_LGUEST_RAM - PAGE_SIZE, 0, 0, 0);
        h_call(h, LHCALL_NOTIFY, H_LGUEST_RAM - 3, 0, 0, 0);
        h_call(h, LHCALL_NOTIFY, H_LGUEST_RAM - 2 * PAGE_SIZE + 1, 0, 0, 0);
        ends(h, "a string without an end", NULL);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bad_chains),      cmocka_unit_test(bad_buffers),
        cmocka_unit_test(long_chains),     cmocka_unit_test(long_texts),
        cmocka_unit_test(text_takes_time), cmocka_unit_test(used_ring),
        cmocka_unit_test(any_order),       cmocka_unit_test(strings),
    };
    return cmocka_run_group_tests_name("hostile-queues", tests, NULL, NULL);
}
