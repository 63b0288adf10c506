/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * pv_init_ops under lguest, the patcher first. One hook is short enough to take the place of its
 * call: reading the flag. (Masking is one instruction too, but of ten bytes; it would fit a site of
 * Linux before 2.6.30, and as with Linux since, it is called.)
 */
#include "device.h"
#include "boot/bootinfo.h"
#include "drivers/drivers.h"
#include "mm/fixmap.h"

#define TEMPLATES(X)  X(irq_disable) X(save_fl)

#define DECLARE(name) extern const uint8_t lguest_insn_##name[], lguest_insn_##name##_end[];
TEMPLATES(DECLARE)

static const struct {
    const uint8_t *start, *end;
} templates[PV_HOOKS] = {
#define ROW(name) [PV_TYPE_##name] = {lguest_insn_##name, lguest_insn_##name##_end},
    TEMPLATES(ROW)};

uint32_t lguest_patch(uint32_t type, uint32_t clobbers, void *insns, uint32_t addr, uint32_t len)
{
    const uint8_t *start = templates[type].start;
    uint32_t size = templates[type].end - start;

    if (start && size <= len) {
        memcpy(insns, start, size);
        return size;
    }
    return paravirt_patch_default(type, clobbers, insns, addr, len);
}

/* The hypervisor reads 128 bytes, whatever is in them. */
static void shut_down(const char *why, uint32_t reason)
{
    static char message[128];

    strlcpy(message, why, sizeof message);
    lguest_hcall(LHCALL_SHUTDOWN, lguest_phys(message), reason, 0, 0);
}

static void power_off_by_call(const char *why)
{
    shut_down(why, LGUEST_SHUTDOWN_POWEROFF);
}

static void restart_by_call(void)
{
    shut_down("Restarting system", LGUEST_SHUTDOWN_RESTART);
}

/* The door's last step (head.S): what must not be a PC's from the first line on. */
void lguest_enter(uint32_t boot_params) __noreturn;
void lguest_enter(uint32_t boot_params)
{
    console_early();
    machine_ops = (struct machine_ops){power_off_by_call, restart_by_call};
    start_kernel(&lguest_backend, BOOT_LINUX, boot_params);
}

/* The hypervisor lives at the top of our address space; what we fix there goes below. */
void lguest_arch_setup(void)
{
    fixmap_top = MIN(fixmap_top, (0 - lguest_data.reserve_mem) & ~((1u << 21) - 1));
}
PV_SHARED(lguest_arch_setup, "reads reserve_mem");

cstr_t lguest_memory_setup(void)
{
    bootinfo_memory_map();
    return pv_info.name;
}

void lguest_post_allocator_init(void)
{
    console_open();
    block_open();
}
PV_HYPERCALL(lguest_post_allocator_init, LHCALL_NOTIFY);
