/* SPDX-License-Identifier: GPL-2.0-only */
/* A program whose every variable the tests know. Compiled for the guest, with -g, at -O0 and -O2;
   the tests look into its file, and stop in it while it runs. Lines are found by their marks. */
#include <stdint.h>
#include <signal.h>
#include <unistd.h>

enum color { RED, GREEN = 5, BLUE };
enum flags { FLAG_A = 1, FLAG_B = 2, FLAG_C = 4 };

struct point {
    int x, y;
};

struct bits {
    unsigned a : 3, b : 7, c : 22;
    int low : 4;
    unsigned long long wide : 40;
};

union word {
    uint32_t whole;
    uint8_t byte[4];
};

struct everything {
    char name[16];
    struct point corner[2];
    struct {
        int inside;
        union {
            short s;
            char c;
        };
    };
    struct bits bits;
    union word word;
    enum color color;
    enum flags flags;
    const char *text;
    struct everything *self;
    int (*function)(int, const char *);
    double real;
    float single;
    _Bool yes;
    signed char small;
    long long big;
    unsigned char zeros[40];
    int matrix[2][3];
};

typedef struct point point_t;
typedef int (*handler_t)(int, const char *);

int called(int n, const char *text);

struct everything all = {
    .name = "sample",
    .corner = {{1, 2}, {-3, 4}},
    .inside = 77,
    .s = 0x4142,
    .bits = {5, 100, 0x155555, -3, 0x123456789A},
    .word = {0x01020304},
    .color = GREEN,
    .flags = FLAG_A | FLAG_C,
    .text = "hello\n\"world\"",
    .self = &all,
    .function = called,
    .real = 1.5,
    .single = -0.25f,
    .yes = 1,
    .small = -7,
    .big = -5000000000ll,
    .matrix = {{1, 2, 3}, {4, 5, 6}},
};
static point_t here = {10, 20};
volatile int counter;
handler_t handlers[2] = {called, 0};
unsigned int numbers[300];
char letters[300];

static inline __attribute__((always_inline)) int twice(int n)
{
    int doubled = n * 2;
    counter += doubled; /* mark: twice */
    return doubled;
}

__attribute__((noinline)) int called(int n, const char *text)
{
    static int times = 3;
    point_t local = {n, n + 1};
    times++;
    if (text[0] == 'l') {
        int n = getppid() + 1000; /* mark: inner block; another n */
        counter += n;
        return n;
    }
    counter += local.y; /* mark: called */
    getppid();
    return local.x + times;
}

__attribute__((noinline)) static int deeper(int depth)
{
    volatile char room[100];
    room[depth] = (char)depth;
    if (depth == 0)
        return called(7, "argument");
    return deeper(depth - 1) + room[depth]; /* mark: deeper */
}

static void on_signal(int number)
{
    counter += number + getppid(); /* mark: signal */
}

int main(int argc, char **argv)
{
    int sum = twice(argc); /* mark: main */
    sum += twice(here.x);
    (void)argv;
    for (unsigned i = 0; i < 300; i++) {
        numbers[i] = i / 100;
        letters[i] = "xyz"[i / 100];
    }
    signal(SIGUSR1, on_signal);
    sum += deeper(4);
    sum += all.function(3, "last"); /* mark: last */
    raise(SIGUSR1);
    return sum == 0;
}
