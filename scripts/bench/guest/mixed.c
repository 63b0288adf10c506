/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What compiled programs do: sort through a function pointer, a table-driven CRC, a linked list, a
 * switch in a loop, string instructions.
 */
#include <stddef.h>
#include <stdint.h>

static uint32_t seed = 1;
static uint32_t array[4096], crc_table[256];
static struct node {
    struct node *next;
    uint32_t value;
} nodes[1024];
static char text[16384], copy[16384];

static uint32_t random_number(void)
{
    seed = seed * 1664525u + 1013904223u;
    return seed >> 8;
}

static int compare(uint32_t a, uint32_t b)
{
    return a < b ? -1 : a > b;
}

static void sort(uint32_t *a, int low, int high, int (*cmp)(uint32_t, uint32_t))
{
    while (low < high) {
        uint32_t pivot = a[(low + high) / 2];
        int i = low, j = high;
        while (i <= j) {
            while (cmp(a[i], pivot) < 0)
                i++;
            while (cmp(a[j], pivot) > 0)
                j--;
            if (i <= j) {
                uint32_t t = a[i];
                a[i++] = a[j];
                a[j--] = t;
            }
        }
        sort(a, low, j, cmp);
        low = i;
    }
}

static uint32_t crc(const char *p, size_t n)
{
    uint32_t c = ~0u;
    while (n--)
        c = crc_table[(c ^ (unsigned char)*p++) & 255] ^ c >> 8;
    return ~c;
}

static uint32_t interpret(uint32_t rounds)
{
    uint32_t acc = 0;
    for (uint32_t i = 0; i < rounds; i++)
        switch (random_number() & 7) {
        case 0:
            acc += i;
            break;
        case 1:
            acc ^= i << 3;
            break;
        case 2:
            acc -= 7;
            break;
        case 3:
            acc = acc << 1 | acc >> 31;
            break;
        case 4:
            acc *= 3;
            break;
        case 5:
            acc = ~acc;
            break;
        case 6:
            acc += acc >> 3;
            break;
        default:
            acc++;
        }
    return acc;
}

static uint32_t walk_list(void)
{
    uint32_t sum = 0;
    for (const struct node *n = nodes; n; n = n->next)
        sum += n->value;
    return sum;
}

static void copy_words(void *to, const void *from, uint32_t words)
{
    __asm__ volatile("rep movsl" : "+D"(to), "+S"(from), "+c"(words) : : "memory");
}

uint32_t main(void)
{
    uint32_t result = 0;
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t c = i;
        for (int k = 0; k < 8; k++)
            c = c & 1 ? 0xedb88320u ^ c >> 1 : c >> 1;
        crc_table[i] = c;
    }
    for (uint32_t i = 0; i < 1024; i++)
        nodes[i] = (struct node){i < 1023 ? &nodes[(i * 7 + 1) & 1023] : NULL, i};
    for (uint32_t i = 0; i < 1024; i++) /* a chain through all of them, in a scattered order */
        nodes[(i * 389) & 1023].next = i < 1023 ? &nodes[((i + 1) * 389) & 1023] : NULL;
    for (uint32_t round = 0; round < 12; round++) {
        for (uint32_t i = 0; i < 4096; i++)
            array[i] = random_number();
        sort(array, 0, 4095, compare);
        for (uint32_t i = 0; i < sizeof text; i++)
            text[i] = (char)(array[i & 4095] >> (i & 7));
        copy_words(copy, text, sizeof text / 4);
        result ^= crc(copy, sizeof copy) ^ interpret(30000);
        for (int i = 0; i < 40; i++)
            result += walk_list();
    }
    return result;
}
