/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * From the front door to the first process. The order is forced nearly everywhere: the table of
 * hooks before anything that calls one, the console before anything that could fail, memory before
 * anything that allocates.
 */
#include "boot/bootinfo.h"
#include "drivers/drivers.h"
#include "fs/fs.h"
#include "klog.h"
#include "mm/internal.h"
#include "pv/pv.h"
#include "random.h"
#include "sched.h"
#include "syscall.h"
#include "time.h"
#include "traps.h"
#include "uts.h"

static uint64_t parse_number(const char *s)
{
    uint64_t v = 0;

    for (; *s >= '0' && *s <= '9'; s++)
        v = v * 10 + (*s - '0');
    return v;
}

/* ---- the first process ---- */

enum { INIT_ARGS = 16 };

/* argv: the program, and what the command line has after a lone "--". */
static void init_arguments(char *argv[INIT_ARGS], char *program)
{
    char *p = strstr(boot_info.cmdline, "-- ");
    unsigned n = 0;

    argv[n++] = program;
    if (p && (p == boot_info.cmdline || p[-1] == ' ')) {
        for (p += 3; *p && n < INIT_ARGS - 1;) {
            while (*p == ' ')
                *p++ = 0;
            if (*p)
                argv[n++] = p;
            while (*p && *p != ' ')
                p++;
        }
    }
    argv[n] = NULL;
}

static void open_console(void)
{
    struct file *f = file_open("/dev/console", O_RDWR, 0);

    if (IS_ERR(f))
        panic("cannot open /dev/console: error %ld", -PTR_ERR(f));
    for (int fd = 0; fd < 3; fd++) {
        file_get(f);
        fd_install(f, fd, false);
    }
    file_put(f);
}

static void try_init(char *program)
{
    static char home[] = "HOME=/", term[] = "TERM=linux";
    static char path[] = "PATH=/bin:/sbin:/usr/bin:/usr/sbin";
    char *argv[INIT_ARGS], *envp[] = {home, term, path, NULL};

    init_arguments(argv, program);
    printk("init: %s\n", program);
    long error = do_execve(current_frame(), program, argv, envp);
    if (error)
        printk("init: %s: error %ld\n", program, -error);
    else
        return;
}

static long initrd_error; /* of unpacking it */

/* Linux's order: what was asked for, then /init of an initrd, then the usual places. */
static void start_init(__attribute__((unused)) void *arg)
{
    static char asked[256];
    static char *const usual[] = {"/init", "/sbin/init", "/bin/init", "/bin/sh"};

    open_console();
    if (cmdline_get("rdinit", asked, sizeof asked) || cmdline_get("init", asked, sizeof asked))
        try_init(asked);
    for (unsigned i = 0; i < ARRAY_LEN(usual) && !current->mm; i++)
        try_init(usual[i]);
    if (!current->mm && initrd_error)
        panic("no init found: the initrd was unpacked in part only (error %d); is --mem too small?",
              (int)-initrd_error);
    if (!current->mm)
        panic("no init found: give an initrd that has /init, or init= on the command line");
}

/* ---- boot ---- */

static void unpack_initrd(void)
{
    if (!boot_info.initrd_size)
        return;
    initrd_error =
        cpio_unpack((void *)(boot_info.initrd_start + PAGE_OFFSET), boot_info.initrd_size);
    if (initrd_error < 0)
        printk("initrd: error %ld, unpacked as far as it went\n", -initrd_error);
    mm_free_initrd();
}

static void seed_random(void)
{
    char text[24];

    random_seed(cmdline_get("seed", text, sizeof text) ? parse_number(text) : 0);
}

void start_kernel(const struct pv_backend *backend, enum boot_protocol protocol, uint32_t info)
{
    pv_install(backend);
    bootinfo_read(protocol, info);
    console_ops.init();
    klog_set_console(!cmdline_has("quiet"));
    printk("%s version %s (%s)\n", uts.sysname, uts.release, uts.version);

    gdt_init();
    sched_init();
    trap_init();
    apply_paravirt();
    pv_banner();
    pv_arch_setup();
    pv_memory_setup();
    mm_init();
    pv_post_allocator_init();
    fpu_init();
    pv_init_IRQ();
    time_start();
    seed_random();

    fs_init();
    unpack_initrd();
    current->files = files_new();
    current->fs = fs_fork(NULL, false);
    if (!kernel_thread(start_init, NULL, "init"))
        panic("out of memory at boot");
    console_ops.start_input();
    pv_irq_enable();
    sched_idle();
}
