/* SPDX-License-Identifier: GPL-2.0-only */
/* execve: arguments, scripts, what survives and what does not, and files that are no programs. */
#include "check.h"

#include <elf.h>
#include <fcntl.h>
#include <sys/auxv.h>
#include <sys/stat.h>

static char *self = "/proc/self/exe";

static int run(const char *path, char *const argv[], char *const envp[])
{
    pid_t pid = fork();

    if (pid == 0) {
        execve(path, argv, envp);
        _exit(errno);
    }
    int s = wait_status(pid);
    return WIFEXITED(s) ? WEXITSTATUS(s) : 1000 + WTERMSIG(s);
}

static void put(const char *path, const void *data, size_t n, mode_t mode)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0755);

    if (fd < 0 || write(fd, data, n) != (ssize_t)n)
        check(false, path);
    fchmod(fd, mode);
    close(fd);
}

static void arguments(void)
{
    char *argv[] = {"a0", "args", "", "x y", NULL}, *envp[] = {"ONE=1", "TWO=", NULL};
    char *none[] = {NULL};

    check(run(self, argv, envp) == 40, "arguments and environment arrive");
    check(run("/nonexistent", argv, envp) == ENOENT, "no such file: ENOENT");
    check(run("/tmp", argv, envp) == EACCES, "a directory: EACCES");
    check(run("", argv, envp) == ENOENT, "an empty path: ENOENT");
    check(run((char *)16, argv, envp) == EFAULT, "a bad path: EFAULT");
    check(run(self, (char **)16, envp) == EFAULT, "a bad argv: EFAULT");
    check(run(self, none, envp) == 44, "an empty argv is survived");

    static char big[200000];
    memset(big, 'x', sizeof big - 1);
    char *too_long[] = {"a0", big, NULL};
    check(run(self, too_long, envp) == E2BIG, "a string of 200000 bytes: E2BIG");
    static char *many[60000];
    big[100] = 0;
    for (int i = 0; i < 59999; i++)
        many[i] = big;
    check(run(self, many, envp) == E2BIG, "6 MB of strings: E2BIG");
    many[0] = "a0";
    many[1] = "count";
    many[4000] = NULL;
    check(run(self, many, envp) == 42, "400 KB of them are fine");
}

static void scripts(void)
{
    char text[300], *argv[] = {"ignored", "tail", NULL}, *envp[] = {NULL};
    char me[200] = "";

    if (readlink(self, me, sizeof me - 1) < 0)
        check(false, "readlink");
    snprintf(text, sizeof text, "#! %s script  arg \nrest\n", me);
    put("/tmp/t-exec.1", text, strlen(text), 0755);
    check(run("/tmp/t-exec.1", argv, envp) == 41, "#! with one argument, then the script's path");
    put("/tmp/t-exec.2", "#!/tmp/t-exec.1\n", 16, 0755);
    check(run("/tmp/t-exec.2", argv, envp) == 41, "a script's interpreter may be a script");
    put("/tmp/t-exec.3", "#!/tmp/t-exec.3\n", 16, 0755);
    check(run("/tmp/t-exec.3", argv, envp) == ELOOP, "but not for ever: ELOOP");
    put("/tmp/t-exec.4", "#!\n", 3, 0755);
    check(run("/tmp/t-exec.4", argv, envp) == ENOEXEC, "#! without a name: ENOEXEC");
    put("/tmp/t-exec.4", "#!/no/such/shell\n", 17, 0755);
    check(run("/tmp/t-exec.4", argv, envp) == ENOENT, "#! with a wrong one: ENOENT");
    put("/tmp/t-exec.4", "echo\n", 5, 0755);
    check(run("/tmp/t-exec.4", argv, envp) == ENOEXEC, "neither ELF nor #!: ENOEXEC");
    put("/tmp/t-exec.4", text, strlen(text), 0644);
    check(run("/tmp/t-exec.4", argv, envp) == EACCES, "not executable: EACCES");
    for (char *p = "1\0002\0003\0004\0"; *p; p += 2) {
        snprintf(text, sizeof text, "/tmp/t-exec.%s", p);
        unlink(text);
    }
}

static int kept_fd, closed_fd;

static void survivors(void)
{
    char kept[16], closed[16], *argv[] = {"a0", "fds", kept, closed, NULL}, *envp[] = {NULL};
    sigset_t set;

    kept_fd = open("/dev/null", O_RDONLY);
    closed_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    snprintf(kept, sizeof kept, "%d", kept_fd);
    snprintf(closed, sizeof closed, "%d", closed_fd);
    signal(SIGUSR1, SIG_IGN);
    signal(SIGUSR2, (void (*)(int))survivors);
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigprocmask(SIG_BLOCK, &set, NULL);
    check(run(self, argv, envp) == 43,
          "files, ignored signals and the mask survive; O_CLOEXEC and handlers do not");
    sigprocmask(SIG_UNBLOCK, &set, NULL);
}

static int after_exec(int argc, char **argv)
{
    if (!strcmp(argv[1], "args"))
        return argc == 4 && !strcmp(argv[0], "a0") && !*argv[2] && !strcmp(argv[3], "x y") &&
                       !strcmp(getenv("ONE"), "1") && !*getenv("TWO") && environ[2] == NULL &&
                       getauxval(AT_PAGESZ) == 4096 && getauxval(AT_RANDOM) &&
                       getauxval(AT_PHNUM) && !strcmp((char *)getauxval(AT_EXECFN), self)
                   ? 40
                   : 1;
    if (!strcmp(argv[1], "script  arg") || !strcmp(argv[1], "script"))
        return argc >= 4 && !strcmp(argv[argc - 1], "tail") ? 41 : 1;
    if (!strcmp(argv[1], "count"))
        return argc == 4000 ? 42 : 1;
    if (!strcmp(argv[1], "fds")) {
        struct sigaction a, b;
        sigset_t set;

        sigaction(SIGUSR1, NULL, &a);
        sigaction(SIGUSR2, NULL, &b);
        sigprocmask(SIG_BLOCK, NULL, &set);
        return fcntl(atoi(argv[2]), F_GETFD) == 0 && fcntl(atoi(argv[3]), F_GETFD) == -1 &&
                       a.sa_handler == SIG_IGN && b.sa_handler == SIG_DFL &&
                       sigismember(&set, SIGTERM)
                   ? 43
                   : 1;
    }
    return 2;
}

/* ---- files that lie ---- */

static char image[65536];
static size_t image_size;

static int run_image(void)
{
    char *argv[] = {"a0", NULL}, *envp[] = {NULL};
    int status;

    put("/tmp/t-exec.elf", image, image_size, 0755);
    status = run("/tmp/t-exec.elf", argv, envp);
    unlink("/tmp/t-exec.elf");
    return status;
}

/* The smallest program: exit(7). */
static void make_image(void)
{
    static const unsigned char code[] = {0xb8, 1, 0, 0, 0, 0xbb, 7, 0, 0, 0, 0xcd, 0x80};
    Elf32_Ehdr *e = (Elf32_Ehdr *)image;
    Elf32_Phdr *p = (Elf32_Phdr *)(e + 1);

    memset(image, 0, sizeof image);
    memcpy(e->e_ident, ELFMAG, 4);
    e->e_ident[EI_CLASS] = ELFCLASS32;
    e->e_ident[EI_DATA] = ELFDATA2LSB;
    e->e_ident[EI_VERSION] = EV_CURRENT;
    e->e_type = ET_EXEC;
    e->e_machine = EM_386;
    e->e_version = 1;
    e->e_phoff = sizeof *e;
    e->e_ehsize = sizeof *e;
    e->e_phentsize = sizeof *p;
    e->e_phnum = 1;
    e->e_entry = 0x10000 + 0x100;
    p->p_type = PT_LOAD;
    p->p_vaddr = 0x10000;
    p->p_filesz = p->p_memsz = 0x100 + sizeof code;
    p->p_flags = PF_R | PF_X;
    memcpy(image + 0x100, code, sizeof code);
    image_size = 0x100 + sizeof code;
}

static void elves(void)
{
    Elf32_Ehdr *e = (Elf32_Ehdr *)image;
    Elf32_Phdr *p = (Elf32_Phdr *)(e + 1);
    int s;

    make_image();
    check(run_image() == 7, "the smallest program runs");
    e->e_ident[EI_CLASS] = ELFCLASS64;
    check(run_image() == ENOEXEC, "a 64-bit class: ENOEXEC");
    make_image();
    e->e_machine = EM_ARM;
    check(run_image() == ENOEXEC, "another machine: ENOEXEC");
    make_image();
    e->e_type = ET_REL;
    check(run_image() == ENOEXEC, "an object file: ENOEXEC");
    make_image();
    e->e_phentsize = 8;
    check(run_image() == ENOEXEC, "small table entries: ENOEXEC");
    make_image();
    e->e_phoff = 0xfffffff0;
    s = run_image();
    check(s > 0 && s != 7, "a table beyond the end is refused");
    make_image();
    e->e_phnum = 0;
    check(run_image() == ENOEXEC, "no segments: ENOEXEC");
    make_image();
    image_size = 40;
    check(run_image() == ENOEXEC, "a cut header: ENOEXEC");
    make_image();
    p->p_filesz = p->p_memsz + 1;
    s = run_image();
    check(s != 7 && s != 0, "more in the file than in memory is refused");
    make_image();
    p->p_vaddr = 0xC0000000;
    s = run_image();
    check(s != 7 && s != 0, "a segment in the kernel is refused");
    make_image();
    p->p_memsz = 0xF0000000;
    s = run_image();
    check(s != 7 && s != 0, "a segment of 4 GB is refused");
    make_image();
    e->e_entry = 0xC0100000;
    s = run_image();
    check(s == 1000 + SIGSEGV || s == ENOEXEC, "an entry in the kernel dies of SIGSEGV");
    make_image();
    p->p_memsz += 100000; /* bss over many pages */
    check(run_image() == 7, "bss beyond the file's bytes");
}

int main(int argc, char **argv)
{
    if (argc > 1)
        return after_exec(argc, argv);
    if (getenv("ONE"))
        return 44;
    arguments();
    scripts();
    survivors();
    elves();
    return finish();
}
