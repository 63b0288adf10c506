/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The terminal's line discipline: what a program reads after certain keys. With an argument the
 * keys go into the console by TIOCSTI; without, into a pseudo-terminal where there is one, which is
 * how the test itself is checked against another kernel.
 */
#include "check.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <termios.h>

static int tty, master = -1;
static struct termios mode, before;

static void type(const char *keys, size_t n)
{
    if (master >= 0) {
        if (write(master, keys, n) < 0)
            perror("type");
        sleep_ms(5);
        return;
    }
    for (size_t i = 0; i < n; i++)
        ioctl(tty, TIOCSTI, keys + i);
}
#define TYPE(keys) type(keys, sizeof(keys) - 1)

/* The next read of at most max bytes gives just this. */
static bool reads(size_t max, const char *expected, ssize_t n)
{
    char buf[8192];

    return read(tty, buf, max) == n && memcmp(buf, expected, n) == 0;
}
#define READS(expected) reads(100, expected, sizeof(expected) - 1)

static bool nothing(void)
{
    char c;

    errno = 0;
    return read(tty, &c, 1) == -1 && errno == EAGAIN;
}

static bool readable(void)
{
    struct pollfd p = {.fd = tty, .events = POLLIN};

    return poll(&p, 1, 0) == 1;
}

static void set(void)
{
    tcsetattr(tty, TCSANOW, &mode);
}

static void blocking(bool on)
{
    fcntl(tty, F_SETFL, O_RDWR | (on ? 0 : O_NONBLOCK));
}

static void lines(void)
{
    TYPE("abc");
    check(nothing(), "a line begins");
    TYPE("d\n");
    check(READS("abcd\n") && nothing(), "and ends");
    TYPE("one\ntwo\n");
    check(READS("one\n"), "one line a read");
    check(reads(2, "tw", 2) && READS("o\n") && nothing(), "in pieces, too");
    TYPE("x\r");
    check(READS("x\n"), "ICRNL");
    TYPE("p");
    bool early = readable();
    TYPE("\n");
    check(!early && readable() && READS("p\n"), "poll waits for the end of the line");
    TYPE("lost");
    tcflush(tty, TCIFLUSH);
    TYPE("kept\n");
    check(READS("kept\n"), "tcflush");
}

static void editing(void)
{
    TYPE("abX\177c\n");
    check(READS("abc\n"), "ERASE");
    TYPE("\177\177ok\n");
    check(READS("ok\n"), "ERASE goes no further than the line");
    TYPE("foo bar  \027baz\n");
    check(READS("foo baz\n"), "WERASE");
    TYPE("junk\025good\n");
    check(READS("good\n"), "KILL");
    TYPE("a\026\003b\n");
    check(READS("a\003b\n"), "LNEXT");
    TYPE("rep\022int\n");
    check(READS("repint\n"), "REPRINT is not text");
    TYPE("\004");
    check(reads(100, "", 0) && nothing(), "EOF at the beginning of a line");
    TYPE("xyz\004");
    check(reads(3, "xyz", 3) && nothing(), "EOF behind text only hands it over");
}

/* What such a line becomes is the kernel's choice: cut at the size of its buffer, or, where nothing
   is echoed and so nobody edits, handed on in pieces. */
static void long_line(void)
{
    static char keys[5001], expected[4095], got[8192];

    memset(keys, 'b', sizeof keys);
    keys[5000] = '\n';
    memset(expected, 'b', sizeof expected);
    type(keys, sizeof keys);
    check(read(tty, got, sizeof got) == 4096 && memcmp(got, expected, sizeof expected) == 0,
          "a line too long does no harm");
    tcflush(tty, TCIFLUSH);
}

static void raw(void)
{
    struct timespec a, b;

    TYPE("pending");
    mode.c_lflag &= ~(ICANON | ISIG | ECHO | IEXTEN);
    mode.c_iflag = 0;
    set();
    check(READS("pending"), "what was typed is there in raw mode");
    TYPE("\003\004\n\r\177");
    check(READS("\003\004\n\r\177") && nothing(), "nothing is special");
    blocking(true);
    mode.c_cc[VMIN] = 0;
    set();
    check(reads(9, "", 0), "MIN 0, TIME 0 looks and goes");
    mode.c_cc[VTIME] = 1;
    set();
    clock_gettime(CLOCK_MONOTONIC, &a);
    check(reads(9, "", 0), "MIN 0, TIME 1");
    clock_gettime(CLOCK_MONOTONIC, &b);
    check((b.tv_sec - a.tv_sec) * 1000 + (b.tv_nsec - a.tv_nsec) / 1000000 >= 80, "waits a bit");
    mode.c_cc[VMIN] = 5;
    set();
    TYPE("xy");
    check(READS("xy"), "MIN 5, TIME 1 gives up between bytes");
    mode.c_cc[VMIN] = 3;
    mode.c_cc[VTIME] = 0;
    set();
    TYPE("ab");
    bool early = readable();
    TYPE("cde");
    check(!early && reads(2, "ab", 2) && READS("cde"), "MIN 3");
    mode.c_cc[VMIN] = 1;
    mode.c_iflag = INLCR;
    set();
    TYPE("a\nb");
    check(READS("a\rb"), "INLCR");
    mode.c_iflag = IGNCR | ISTRIP;
    set();
    TYPE("a\r\342");
    check(READS("ab"), "IGNCR and ISTRIP");
    blocking(false);
}

static void controls(void)
{
    struct winsize old, size = {50, 132, 0, 0}, got = {0};
    int n = -1;

    check(ioctl(tty, TIOCGWINSZ, &old) == 0 && ioctl(tty, TIOCSWINSZ, &size) == 0 &&
              ioctl(tty, TIOCGWINSZ, &got) == 0 && got.ws_row == 50 && got.ws_col == 132,
          "the window's size");
    ioctl(tty, TIOCSWINSZ, &old);
    TYPE("abc");
    check(ioctl(tty, FIONREAD, &n) == 0 && n == 3 && READS("abc"), "FIONREAD");
    check(ioctl(tty, TIOCOUTQ, &n) == 0 && tcdrain(tty) == 0, "output drains");
    check(ioctl(tty, 0x9999, &n) == -1 && errno == ENOTTY, "an ioctl that is none");
    tcflow(tty, TCOOFF);
    bool stopped = write(tty, "x", 1) == -1 && errno == EAGAIN;
    tcflow(tty, TCOON);
    check(stopped && write(tty, "", 0) == 0, "tcflow stops output and lets it go");
}

int main(int argc, char **argv)
{
    static const cc_t keys[] = {3, 28, 127, 21, 4, 0, 1, 0, 17, 19, 26, 0, 18, 15, 23, 22, 0};

    (void)argv;
    if (argc == 1)
        master = posix_openpt(O_RDWR | O_NOCTTY);
    if (master >= 0 && (grantpt(master) || unlockpt(master)))
        return 2;
    tty = open(master >= 0 ? ptsname(master) : "/dev/console", O_RDWR | O_NOCTTY);
    if (tty < 0 || tcgetattr(tty, &before)) {
        perror("terminal");
        return 2;
    }
    mode = before;
    memcpy(mode.c_cc, keys, sizeof keys);
    mode.c_iflag = ICRNL;
    if (master < 0)
        mode.c_cflag &= ~CREAD; /* no other keys than ours: the line itself is not listened to */
    mode.c_lflag = ISIG | ICANON | IEXTEN; /* no ECHO: this terminal may be where results go */
    tcsetattr(tty, TCSAFLUSH, &mode);
    blocking(false);
    lines();
    editing();
    long_line();
    raw();
    controls();
    blocking(true);
    tcsetattr(tty, TCSANOW, &before);
    return finish();
}
