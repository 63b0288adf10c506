/* SPDX-License-Identifier: GPL-2.0-only */
/* Memory: brk to the byte, mappings, protections, and the faults that they are for. */
#include "check.h"

#include <fcntl.h>
#include <setjmp.h>
#include <sys/resource.h>

static sigjmp_buf back;
static volatile int code;
static void *volatile where;

static void on_fault(int sig, siginfo_t *info, void *context)
{
    (void)context;
    code = sig << 8 | info->si_code;
    where = info->si_addr;
    siglongjmp(back, 1);
}

/* What happens when one byte is read or written: 0, or signal << 8 | si_code. */
static int touch(volatile char *p, bool write)
{
    code = 0;
    if (!sigsetjmp(back, 1)) {
        if (write)
            *p = 1;
        else
            (void)*p;
    }
    return code;
}

#define ACCERR (SIGSEGV << 8 | SEGV_ACCERR)
#define MAPERR (SIGSEGV << 8 | SEGV_MAPERR)

static void breaks(void)
{
    uint32_t start = (uint32_t)syscall(SYS_brk, 0), now;

    now = (uint32_t)syscall(SYS_brk, start + 12345);
    check(now == start + 12345, "brk moves to the byte");
    memset((void *)start, 'b', 12345);
    check(*(char *)(start + 12344) == 'b', "and the memory is there");
    syscall(SYS_brk, start);
    syscall(SYS_brk, start + 12345);
    check(*(char *)(start + 8191) == 0, "given back and taken again, it is zero");
    now = (uint32_t)syscall(SYS_brk, 0xFFFFF000);
    check(now == start + 12345, "too far: it stays where it was");
    syscall(SYS_brk, start);
}

static void protections(void)
{
    char *p = mmap(NULL, 4 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    check(p != MAP_FAILED && p[4096] == 0, "an anonymous mapping is zero");
    memset(p, 'm', 4 * 4096);
    mprotect(p + 4096, 4096, PROT_READ);
    check(touch(p + 4096, false) == 0 && touch(p + 5000, true) == ACCERR && where == p + 5000,
          "mprotect: read yes, write SEGV_ACCERR at that address");
    mprotect(p + 4096, 4096, PROT_NONE);
    check(touch(p + 4096, false) == ACCERR, "PROT_NONE: not even read");
    check(touch(p, true) == 0 && touch(p + 8192, true) == 0, "the neighbours are as they were");
    mprotect(p + 4096, 4096, PROT_READ | PROT_WRITE);
    check(p[5000] == 'm', "and the content was kept");
    munmap(p + 4096, 4096);
    check(touch(p + 4096, false) == MAPERR, "munmap in the middle: SEGV_MAPERR there");
    check(p[0] == 1 && p[8193] == 'm', "and only there");
    errno = 0;
    check(mprotect(p, 3 * 4096, PROT_READ) == -1 && errno == ENOMEM,
          "mprotect over a hole: ENOMEM");
    munmap(p, 4 * 4096);
    check(touch((char *)0xC0100000, false) != 0, "the kernel's memory is not ours");
    check(touch(NULL, true) == MAPERR && where == NULL, "nor is page 0");
}

/* Some hypervisors hide NX, and then it is not used. */
static bool processor_has(const char *flag)
{
    static char text[4096];
    int fd = open("/proc/cpuinfo", O_RDONLY);
    ssize_t n = read(fd, text, sizeof text - 1);

    close(fd);
    text[n > 0 ? n : 0] = 0;
    return strstr(text, flag) != NULL;
}

static void executes(void)
{
    static const unsigned char code_bytes[] = {0xb8, 42, 0, 0, 0, 0xc3}; /* mov $42,%eax; ret */
    unsigned char *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    int (*f)(void) = (int (*)(void))p;
    volatile int result = 0;

    memcpy(p, code_bytes, sizeof code_bytes);
    code = 0;
    if (!sigsetjmp(back, 1))
        result = f();
    if (processor_has(" nx"))
        check(result == 0 && code == ACCERR, "data is not executable (NX)");
    else
        check(result == 42, "without NX, what can be read can be run");
    mprotect(p, 4096, PROT_READ | PROT_EXEC);
    check(f() == 42, "until mprotect says so");
    munmap(p, 4096);
}

static void files(void)
{
    char name[] = "/tmp/t-memory.XXXXXX", buf[8];
    int fd = mkstemp(name);
    char *shared, *private;

    if (fd < 0 || ftruncate(fd, 5000) || pwrite(fd, "hello", 5, 4096) != 5) {
        check(false, "a temporary file");
        return;
    }
    shared = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    private = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    check(!memcmp(shared + 4096, "hello", 5) && !memcmp(private + 4096, "hello", 5),
          "a file is mapped");
    private[4096] = 'J';
    check(shared[4096] == 'h', "a private write stays private");
    shared[4097] = 'a';
    check(pread(fd, buf, 5, 4096) == 5 && !memcmp(buf, "hallo", 5), "a shared one is the file's");
    if (pwrite(fd, "X", 1, 0) != 1)
        check(false, "pwrite");
    check(shared[0] == 'X', "and the file's is the mapping's");
    check(shared[5001] == 0, "beyond the end the last page is zero");
    if (ftruncate(fd, 100))
        check(false, "ftruncate");
    check(touch(shared + 4096, false) == (SIGBUS << 8 | BUS_ADRERR),
          "pages the file lost: SIGBUS, BUS_ADRERR");
    munmap(shared, 8192);
    munmap(private, 8192);
    close(fd);
    unlink(name);
}

static void moves(void)
{
    char *p = mmap(NULL, 2 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), *q;

    strcpy(p, "moving");
    q = mremap(p, 2 * 4096, 64 * 4096, MREMAP_MAYMOVE);
    check(q != MAP_FAILED && !strcmp(q, "moving") && q[63 * 4096] == 0,
          "mremap grows and may move");
    q = mremap(q, 64 * 4096, 4096, 0);
    check(q != MAP_FAILED && !strcmp(q, "moving") && touch(q + 4096, false) == MAPERR,
          "and shrinks");
    munmap(q, 4096);
    p = mmap((void *)0x20000000, 4096, PROT_READ | PROT_WRITE,
             MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    check(p == (char *)0x20000000, "MAP_FIXED is obeyed");
    errno = 0;
    check(mmap((void *)0xC0000000, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1,
               0) == MAP_FAILED &&
              errno == ENOMEM,
          "but not in the kernel: ENOMEM");
    munmap(p, 4096);
}

static int deep(int n)
{
    volatile char frame[1000];

    frame[0] = (char)n;
    return n == 0 ? 0 : deep(n - 1) + (frame[0] != (char)n);
}

static void stack(void)
{
    check(deep(4000) == 0, "the stack grows by itself, here to 4 MB");
}

static void pointers(void)
{
    char *ro = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    int p[2];

    errno = 0;
    check(write(1, (void *)0xC0000000, 4) == -1 && errno == EFAULT,
          "write from the kernel: EFAULT");
    errno = 0;
    check(pipe((int *)0x10) == -1 && errno == EFAULT, "pipe to page 0: EFAULT");
    if (pipe(p) || write(p[1], "abc", 3) != 3)
        check(false, "pipe");
    errno = 0;
    check(read(p[0], ro, 3) == -1 && errno == EFAULT, "read into a read-only page: EFAULT");
    errno = 0;
    check(write(p[1], (void *)0xBFFFF000, 0x7fffffff) == -1 && errno == EFAULT,
          "a length beyond the end: EFAULT");
    close(p[0]);
    close(p[1]);
    munmap(ro, 4096);
}

int main(void)
{
    struct sigaction a = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO};

    sigaction(SIGSEGV, &a, NULL);
    sigaction(SIGBUS, &a, NULL);
    breaks();
    protections();
    executes();
    files();
    moves();
    stack();
    pointers();
    return finish();
}
