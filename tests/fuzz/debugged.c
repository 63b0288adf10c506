/* SPDX-License-Identifier: GPL-2.0-only */
#include "debugged.h"

#include "fuzz.h"
#include "hv-models/hostile.h"

enum { CYCLES = 1000, INPUTS_OF_A_MACHINE = 40 };

static struct hostile *guest;
static struct debug *debug;
static unsigned inputs;

static void write_guest(struct hostile *h)
{
    uint32_t loop = h->pen;

    h_store(h, H_SCRATCH, 1);
    h_asm(h, "\xFF\x05"); /* inc dword [counter] */
    h_word(h, H_SCRATCH + 8);
    h_asm(h, "\xA1"); /* mov eax, [counter] */
    h_word(h, H_SCRATCH + 8);
    h_asm(h, "\x50\x58\x0F\xA2"); /* push, pop, cpuid */
    h_mov(h, R_EDX, 0x80);
    h_asm(h, "\xEE\xE8"); /* out dx, al; call the next instruction */
    h_word(h, 0);
    h_asm(h, "\x83\xC4\x04"); /* add esp, 4 */
    h_jump(h, loop);
}

static void replace(void)
{
    static const struct image nothing;
    struct err err = {0};

    debug_free(debug);
    if (guest)
        hostile_free(guest);
    guest = hostile_new("native");
    FUZZ_PROMISE(guest);
    write_guest(guest);
    FUZZ_PROMISE(hostile_load(guest, CYCLES));
    debug = debug_new(
        &(struct debug_setup){.machine = guest->m, .kernel = &nothing, .initrd = &nothing}, &err);
    FUZZ_PROMISE(debug);
}

struct debug *debugged(void)
{
    if (inputs++ % INPUTS_OF_A_MACHINE == 0)
        replace();
    for (struct stop *s; (s = debug_stop_next(debug, NULL));)
        debug_stop_delete(debug, s);
    debug_goto_cycle(debug, 0);
    return debug;
}
