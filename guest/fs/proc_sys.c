/* SPDX-License-Identifier: GPL-2.0-only */
/* /proc outside the processes: the machine, the kernel, and its few settings. */
#include "../boot/bootinfo.h"
#include "../drivers/block.h"
#include "../kernel/sysrq.h"
#include "../kernel/sched.h"
#include "../kernel/traps.h"
#include "../kernel/uts.h"
#include "../pv/pv.h"
#include "proc.h"
#include "vfs.h"

#define KB(frames)           ((uint32_t)(frames) * (PAGE_SIZE / 1024))
#define NSEC_PER_CENTISECOND 10000000u
#define NSEC_PER_SEC         1000000000u

const char *device_name(size_t index, uint32_t *rdev);

/* ---- memory ---- */

static uint32_t anonymous_pages(void)
{
    const struct task *t, *other;
    uint32_t pages = 0;

    list_for_each(t, &all_tasks, all)
    {
        bool counted = !t->mm;
        list_for_each(other, &all_tasks, all){
            /* threads share: count an mm at its first task */
        }
        {
            if (other == t)
                break;
            counted |= other->mm == t->mm;
        }
        if (!counted)
            pages += t->mm->rss;
    }
    return pages;
}

static void show_meminfo(struct proc_text *out, struct task *t)
{
    struct mem_stats m;
    uint32_t files = tmpfs_pages();

    (void)t;
    mem_stats(&m);
    const struct {
        const char *name;
        uint32_t frames;
    } rows[] = {
        {"MemTotal", m.total},
        {"MemFree", m.free},
        {"MemAvailable", m.free},
        {"Buffers", 0},
        {"Cached", files},
        {"SwapCached", 0},
        {"SwapTotal", 0},
        {"SwapFree", 0},
        {"Dirty", 0},
        {"Writeback", 0},
        {"Mapped", anonymous_pages()},
        {"Shmem", files},
        {"PageTables", m.tables},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        proc_printf(out, "%s:%*s%8u kB\n", rows[i].name, (int)(15 - strlen(rows[i].name)), "",
                    KB(rows[i].frames));
}

/* ---- time and load ---- */

static void show_uptime(struct proc_text *out, struct task *t)
{
    uint32_t centi = clock_monotonic_ns() / NSEC_PER_CENTISECOND, idle = sched_idle_ticks();

    (void)t;
    proc_printf(out, "%u.%02u %u.%02u\n", centi / 100, centi % 100, idle / HZ,
                idle % HZ * (100 / HZ));
}

static void show_loadavg(struct proc_text *out, struct task *t)
{
    const struct task *task;
    uint32_t tasks = 0;
    pid_t last = 0;

    (void)t;
    for (int i = 0; i < 3; i++) {
        uint32_t load = load_average[i] + 10; /* 2048 / 200: round to the digits shown */
        proc_printf(out, "%u.%02u ", load >> 11, (load & 2047) * 100 >> 11);
    }
    list_for_each(task, &all_tasks, all)
    {
        tasks++;
        last = MAX(last, task->pid);
    }
    proc_printf(out, "%u/%u %d\n", sched_running(), tasks, last);
}

static void show_stat(struct proc_text *out, struct task *t)
{
    uint32_t user, system, idle = sched_idle_ticks(), irqs = 0, blocked = 0;
    const struct task *task;

    (void)t;
    sched_busy_ticks(&user, &system);
    for (unsigned i = 0; i < IRQS; i++)
        irqs += irq_count(i);
    list_for_each(task, &all_tasks, all)
    {
        blocked += task->state == TASK_UNINTERRUPTIBLE;
    }
    proc_printf(out, "cpu  %u 0 %u %u 0 0 0 0 0 0\n", user, system, idle);
    proc_printf(out, "cpu0 %u 0 %u %u 0 0 0 0 0 0\n", user, system, idle);
    proc_printf(out, "intr %u", irqs);
    for (unsigned i = 0; i < IRQS; i++)
        proc_printf(out, " %u", irq_count(i));
    proc_printf(out, "\nctxt %u\nbtime %llu\nprocesses %u\nprocs_running %u\nprocs_blocked %u\n",
                sched_switches(), (clock_realtime_ns() - clock_monotonic_ns()) / NSEC_PER_SEC,
                task_forks(), sched_running(), blocked);
}

/* ---- the machine ---- */

struct cpuid {
    uint32_t eax, ebx, ecx, edx;
};

static struct cpuid cpuid(uint32_t leaf)
{
    struct cpuid c = {.eax = leaf};

    pv_cpuid(&c.eax, &c.ebx, &c.ecx, &c.edx);
    return c;
}

static void show_flags(struct proc_text *out, uint32_t bits, const char *const names[32])
{
    for (int i = 0; i < 32; i++)
        if ((bits >> i & 1) && names[i])
            proc_printf(out, " %s", names[i]);
}

static void show_cpuinfo(struct proc_text *out, struct task *t)
{
    static const char *const edx1[32] = {
        "fpu",  "vme",  "de",   "pse", "tsc",  "msr", "pae",   "mce", "cx8",     "apic", NULL,
        "sep",  "mtrr", "pge",  "mca", "cmov", "pat", "pse36", "pn",  "clflush", NULL,   "dts",
        "acpi", "mmx",  "fxsr", "sse", "sse2", "ss",  "ht",    "tm",  "ia64",    "pbe",
    };
    static const char *const ecx1[32] = {
        [0] = "pni",     [3] = "monitor", [5] = "vmx",         [7] = "est",   [8] = "tm2",
        [9] = "ssse3",   [13] = "cx16",   [14] = "xtpr",       [15] = "pdcm", [19] = "sse4_1",
        [20] = "sse4_2", [23] = "popcnt", [31] = "hypervisor",
    };
    static const char *const edx_extended[32] = {[20] = "nx", [29] = "lm"};
    struct cpuid zero = cpuid(0), one = cpuid(1), extended = cpuid(0x80000000);
    char vendor[13] = {0}, model[49] = {0};

    (void)t;
    memcpy(vendor, &zero.ebx, 4);
    memcpy(vendor + 4, &zero.edx, 4);
    memcpy(vendor + 8, &zero.ecx, 4);
    bool named = extended.eax >= 0x80000004 && extended.eax < 0x80010000;
    for (uint32_t i = 0; i < 3 && named; i++) {
        struct cpuid part = cpuid(0x80000002 + i);
        memcpy(model + 16 * i, &part, 16);
    }
    const char *name = model;
    while (*name == ' ')
        name++;
    uint32_t family = one.eax >> 8 & 15, number = one.eax >> 4 & 15;
    if (family == 6 || family == 15)
        number |= (one.eax >> 16 & 15) << 4;
    if (family == 15)
        family += one.eax >> 20 & 255;
    uint32_t khz = pv_get_tsc_khz();
    proc_printf(out, "processor\t: 0\nvendor_id\t: %s\ncpu family\t: %u\nmodel\t\t: %u\n", vendor,
                family, number);
    proc_printf(out, "model name\t: %s\nstepping\t: %u\ncpu MHz\t\t: %u.%03u\n",
                *name ? name : "unknown", one.eax & 15, khz / 1000, khz % 1000);
    proc_printf(out, "fpu\t\t: %s\ncpuid level\t: %u\nflags\t\t:", one.edx & 1 ? "yes" : "no",
                zero.eax);
    show_flags(out, one.edx, edx1);
    if (extended.eax >= 0x80000001 && extended.eax < 0x80010000)
        show_flags(out, cpuid(0x80000001).edx, edx_extended);
    show_flags(out, one.ecx, ecx1);
    proc_printf(out, "\nhypervisor\t: %s\n\n", pv_info.name);
}

static void show_interrupts(struct proc_text *out, struct task *t)
{
    (void)t;
    proc_printf(out, "           CPU0\n");
    for (unsigned i = 0; i < IRQS; i++)
        if (irq_count(i) || irq_name(i))
            proc_printf(out, "%3u: %10u    %s  %s\n", i, irq_count(i), irq_chip_name(),
                        irq_name(i) ? irq_name(i) : "");
}

static void show_devices(struct proc_text *out, struct task *t)
{
    static const struct {
        unsigned major;
        const char *name;
    } drivers[] = {{1, "mem"}, {4, "ttyS"}, {5, "/dev/tty"}};
    uint32_t rdev;

    (void)t;
    proc_printf(out, "Character devices:\n");
    for (size_t k = 0; k < ARRAY_LEN(drivers); k++) {
        bool used = false;
        for (size_t i = 0; device_name(i, &rdev); i++)
            used |= DEV_MAJOR(rdev) == drivers[k].major;
        if (used)
            proc_printf(out, "%3u %s\n", drivers[k].major, drivers[k].name);
    }
    proc_printf(out, "\nBlock devices:\n");
    if (block_device(0))
        proc_printf(out, "%3u virtblk\n", DEV_MAJOR(block_device(0)->rdev));
}

static void show_partitions(struct proc_text *out, struct task *t)
{
    (void)t;
    proc_printf(out, "major minor  #blocks  name\n\n");
    for (unsigned i = 0; block_device(i); i++) {
        const struct block_device *d = block_device(i);
        proc_printf(out, "%4u  %7u %10llu %s\n", DEV_MAJOR(d->rdev), DEV_MINOR(d->rdev),
                    d->sectors / 2, d->name);
    }
}

/* ---- the kernel ---- */

static void show_version(struct proc_text *out, struct task *t)
{
    (void)t;
    proc_printf(out, "%s version %s (%s) %s\n", uts.sysname, uts.release, __VERSION__, uts.version);
}

static void show_boot_cmdline(struct proc_text *out, struct task *t)
{
    (void)t;
    proc_append(out, boot_info.cmdline, strnlen(boot_info.cmdline, sizeof boot_info.cmdline));
    proc_append(out, "\n", 1);
}

static void show_filesystems(struct proc_text *out, struct task *t)
{
    (void)t;
    proc_printf(out, "nodev\ttmpfs\nnodev\tproc\nnodev\tdevtmpfs\n");
}

/* Names of mounts may hold anything; fields are separated by blanks, so these are escaped. */
static void show_escaped(struct proc_text *out, const char *s)
{
    for (; *s; s++) {
        if (strchr(" \t\n\\", *s))
            proc_printf(out, "\\%03o", *s);
        else
            proc_append(out, s, 1);
    }
}

void proc_show_mounts(struct proc_text *out, struct task *t)
{
    const struct super *s;

    (void)t;
    list_for_each(s, &mounts, link)
    {
        char *where = path_of(s->root, NULL);
        show_escaped(out, s->source);
        proc_append(out, " ", 1);
        show_escaped(out, where ? where : "?");
        proc_printf(out, " %s %s%s%s%s", s->type, s->flags & MS_RDONLY ? "ro" : "rw",
                    s->flags & MS_NOSUID ? ",nosuid" : "", s->flags & MS_NODEV ? ",nodev" : "",
                    s->flags & MS_NOEXEC ? ",noexec" : "");
        if (s->max_pages)
            proc_printf(out, ",size=%lluk", s->max_pages * (PAGE_SIZE / 1024));
        proc_printf(out, " 0 0\n");
        kfree(where);
    }
}

/* ---- /proc/sys ---- */

static void show_hostname(struct proc_text *out, struct task *t)
{
    (void)t;
    proc_printf(out, "%s\n", uts.nodename);
}

static int write_hostname(char *text)
{
    if (strlen(text) >= UTS_LEN)
        return -EINVAL;
    strlcpy(uts.nodename, text, sizeof uts.nodename);
    return 0;
}

static void show_domainname(struct proc_text *out, struct task *t)
{
    (void)t;
    proc_printf(out, "%s\n", uts.domainname);
}

static int write_domainname(char *text)
{
    if (strlen(text) >= UTS_LEN)
        return -EINVAL;
    strlcpy(uts.domainname, text, sizeof uts.domainname);
    return 0;
}

static void show_ostype(struct proc_text *out, struct task *t)
{
    (void)t;
    proc_printf(out, "%s\n", uts.sysname);
}

static void show_osrelease(struct proc_text *out, struct task *t)
{
    (void)t;
    proc_printf(out, "%s\n", uts.release);
}

static void show_osversion(struct proc_text *out, struct task *t)
{
    (void)t;
    proc_printf(out, "%s\n", uts.version);
}

static void show_pid_max(struct proc_text *out, struct task *t)
{
    (void)t;
    proc_printf(out, "%d\n", PID_MAX);
}

static void show_ngroups_max(struct proc_text *out, struct task *t)
{
    (void)t;
    proc_printf(out, "%u\n", (uint32_t)ARRAY_LEN(current->groups));
}

static void show_pipe_max(struct proc_text *out, struct task *t)
{
    (void)t;
    proc_printf(out, "%u\n", pipe_capacity());
}

static void show_nr_open(struct proc_text *out, struct task *t)
{
    (void)t;
    proc_printf(out, "%u\n", FD_MAX);
}

static const struct proc_node sys_kernel[] = {
    {.name = "domainname",
     .mode = S_IFREG | 0644,
     .show = show_domainname,
     .write = write_domainname},
    {.name = "hostname", .mode = S_IFREG | 0644, .show = show_hostname, .write = write_hostname},
    {.name = "ngroups_max", .mode = S_IFREG | 0444, .show = show_ngroups_max},
    {.name = "osrelease", .mode = S_IFREG | 0444, .show = show_osrelease},
    {.name = "ostype", .mode = S_IFREG | 0444, .show = show_ostype},
    {.name = "pid_max", .mode = S_IFREG | 0444, .show = show_pid_max},
    {.name = "version", .mode = S_IFREG | 0444, .show = show_osversion},
    {0},
};

static const struct proc_node sys_fs[] = {
    {.name = "nr_open", .mode = S_IFREG | 0444, .show = show_nr_open},
    {.name = "pipe-max-size", .mode = S_IFREG | 0444, .show = show_pipe_max},
    {0},
};

static const struct proc_node sys[] = {
    {.name = "fs", .mode = S_IFDIR | 0555, .children = sys_fs},
    {.name = "kernel", .mode = S_IFDIR | 0555, .children = sys_kernel},
    {0},
};

/* ---- links ---- */

static void text_self(struct proc_text *out)
{
    proc_printf(out, "%d", current->tgid);
}

static void text_thread_self(struct proc_text *out)
{
    proc_printf(out, "%d/task/%d", current->tgid, current->pid);
}

static void text_mounts(struct proc_text *out)
{
    proc_printf(out, "self/mounts");
}

const struct proc_node proc_root_rows[] = {
    {.name = "cmdline", .mode = S_IFREG | 0444, .show = show_boot_cmdline},
    {.name = "cpuinfo", .mode = S_IFREG | 0444, .show = show_cpuinfo},
    {.name = "devices", .mode = S_IFREG | 0444, .show = show_devices},
    {.name = "filesystems", .mode = S_IFREG | 0444, .show = show_filesystems},
    {.name = "interrupts", .mode = S_IFREG | 0444, .show = show_interrupts},
    {.name = "loadavg", .mode = S_IFREG | 0444, .show = show_loadavg},
    {.name = "meminfo", .mode = S_IFREG | 0444, .show = show_meminfo},
    {.name = "mounts", .mode = S_IFLNK | 0777, .text = text_mounts},
    {.name = "partitions", .mode = S_IFREG | 0444, .show = show_partitions},
    {.name = "self", .mode = S_IFLNK | 0777, .text = text_self},
    {.name = "stat", .mode = S_IFREG | 0444, .show = show_stat},
    {.name = "sys", .mode = S_IFDIR | 0555, .children = sys},
    {.name = "sysrq-trigger", .mode = S_IFREG | 0200, .write = sysrq},
    {.name = "thread-self", .mode = S_IFLNK | 0777, .text = text_thread_self},
    {.name = "uptime", .mode = S_IFREG | 0444, .show = show_uptime},
    {.name = "version", .mode = S_IFREG | 0444, .show = show_version},
    {0},
};
