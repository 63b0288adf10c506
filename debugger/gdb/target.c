/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Registers. gdb knows an i386 by the features org.gnu.gdb.i386.core and .sse, whose names and sizes
 * are fixed (manual of gdb, G.5.x, "i386 Features"); what else a person wants to see of a machine comes
 * in a feature of our own. The x87 and SSE registers lie in the FXSAVE area (SDM volume 1, table 10-2).
 */
#include "target.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum where {
    AT_GPR,
    AT_EIP,
    AT_EFLAGS,
    AT_SEG,
    AT_ST,
    AT_FPU,
    AT_XMM,
    AT_MXCSR,
    AT_BASE,
    AT_SYSTEM
};
enum { FCTRL, FSTAT, FTAG, FISEG, FIOFF, FOSEG, FOOFF, FOP };
enum {
    CR0,
    CR2,
    CR3,
    CR4,
    EFER,
    GDT_BASE,
    GDT_LIMIT,
    IDT_BASE,
    IDT_LIMIT,
    LDTR,
    TR,
    RING,
    CYCLE,
    INSTRUCTIONS
};

#define CORE   "org.gnu.gdb.i386.core"
#define SSE    "org.gnu.gdb.i386.sse"
#define SYSTEM "org.ringside.i386.system"

static const struct row {
    const char *feature, *name;
    unsigned bits;
    const char *type, *group;
    enum where where;
    unsigned index;
} rows[] = {
#define GPR(name, type, index)                    \
    {                                             \
        CORE, name, 32, type, NULL, AT_GPR, index \
    }
    GPR("eax", "int32", R_EAX),
    GPR("ecx", "int32", R_ECX),
    GPR("edx", "int32", R_EDX),
    GPR("ebx", "int32", R_EBX),
    GPR("esp", "data_ptr", R_ESP),
    GPR("ebp", "data_ptr", R_EBP),
    GPR("esi", "int32", R_ESI),
    GPR("edi", "int32", R_EDI),
    {CORE, "eip", 32, "code_ptr", NULL, AT_EIP, 0},
    {CORE, "eflags", 32, "i386_eflags", NULL, AT_EFLAGS, 0},
#define SEG(name, index)                             \
    {                                                \
        CORE, name, 32, "int32", NULL, AT_SEG, index \
    }
    SEG("cs", S_CS),
    SEG("ss", S_SS),
    SEG("ds", S_DS),
    SEG("es", S_ES),
    SEG("fs", S_FS),
    SEG("gs", S_GS),
#define ST(n)                                         \
    {                                                 \
        CORE, "st" #n, 80, "i387_ext", NULL, AT_ST, n \
    }
    ST(0),
    ST(1),
    ST(2),
    ST(3),
    ST(4),
    ST(5),
    ST(6),
    ST(7),
#define FPU(name, index)                              \
    {                                                 \
        CORE, name, 32, "int", "float", AT_FPU, index \
    }
    FPU("fctrl", FCTRL),
    FPU("fstat", FSTAT),
    FPU("ftag", FTAG),
    FPU("fiseg", FISEG),
    FPU("fioff", FIOFF),
    FPU("foseg", FOSEG),
    FPU("fooff", FOOFF),
    FPU("fop", FOP),
#define XMM(n)                                        \
    {                                                 \
        SSE, "xmm" #n, 128, "vec128", NULL, AT_XMM, n \
    }
    XMM(0),
    XMM(1),
    XMM(2),
    XMM(3),
    XMM(4),
    XMM(5),
    XMM(6),
    XMM(7),
    {SSE, "mxcsr", 32, "i386_mxcsr", "vector", AT_MXCSR, 0},
#define BASE(name, index)                                      \
    {                                                          \
        SYSTEM, name, 32, "data_ptr", "system", AT_BASE, index \
    }
    BASE("es_base", S_ES),
    BASE("cs_base", S_CS),
    BASE("ss_base", S_SS),
    BASE("ds_base", S_DS),
    BASE("fs_base", S_FS),
    BASE("gs_base", S_GS),
#define SYS(name, bits, type, index)                         \
    {                                                        \
        SYSTEM, name, bits, type, "system", AT_SYSTEM, index \
    }
    SYS("cr0", 32, "i386_cr0", CR0),
    SYS("cr2", 32, "data_ptr", CR2),
    SYS("cr3", 32, "int32", CR3),
    SYS("cr4", 32, "i386_cr4", CR4),
    SYS("efer", 32, "i386_efer", EFER),
    SYS("gdtr_base", 32, "data_ptr", GDT_BASE),
    SYS("gdtr_limit", 32, "int32", GDT_LIMIT),
    SYS("idtr_base", 32, "data_ptr", IDT_BASE),
    SYS("idtr_limit", 32, "int32", IDT_LIMIT),
    SYS("ldtr", 32, "int32", LDTR),
    SYS("tr", 32, "int32", TR),
    SYS("ring", 32, "int32", RING),
    SYS("cycle", 64, "uint64", CYCLE),
    SYS("instructions", 64, "uint64", INSTRUCTIONS),
};
#define ROWS (sizeof rows / sizeof rows[0])

unsigned gdb_registers(void)
{
    return ROWS;
}

unsigned gdb_register_size(unsigned number)
{
    return number < ROWS ? rows[number].bits / 8 : 0;
}

/* ---- the target description ---- */

struct flag {
    const char *name;
    unsigned bit;
};
static const struct flag eflags[] = {{"CF", 0},   {"", 1},    {"PF", 2},  {"AF", 4},  {"ZF", 6},
                                     {"SF", 7},   {"TF", 8},  {"IF", 9},  {"DF", 10}, {"OF", 11},
                                     {"NT", 14},  {"RF", 16}, {"VM", 17}, {"AC", 18}, {"VIF", 19},
                                     {"VIP", 20}, {"ID", 21}, {NULL, 0}};
static const struct flag cr0[] = {{"PE", 0},  {"MP", 1},  {"EM", 2},  {"TS", 3},
                                  {"ET", 4},  {"NE", 5},  {"WP", 16}, {"AM", 18},
                                  {"NW", 29}, {"CD", 30}, {"PG", 31}, {NULL, 0}};
static const struct flag cr4[] = {{"VME", 0}, {"PVI", 1}, {"TSD", 2},     {"DE", 3},
                                  {"PSE", 4}, {"PAE", 5}, {"MCE", 6},     {"PGE", 7},
                                  {"PCE", 8}, {"FXR", 9}, {"XMMEXC", 10}, {NULL, 0}};
static const struct flag efer[] = {{"SCE", 0}, {"NXE", 11}, {NULL, 0}};
static const struct flag mxcsr[] = {{"IE", 0},  {"DE", 1},  {"ZE", 2},  {"OE", 3},  {"UE", 4},
                                    {"PE", 5},  {"DAZ", 6}, {"IM", 7},  {"DM", 8},  {"ZM", 9},
                                    {"OM", 10}, {"UM", 11}, {"PM", 12}, {"FZ", 15}, {NULL, 0}};
static const struct {
    const char *feature, *name;
    const struct flag *flag;
} flag_types[] = {
    {CORE, "i386_eflags", eflags}, {SSE, "i386_mxcsr", mxcsr},  {SYSTEM, "i386_cr0", cr0},
    {SYSTEM, "i386_cr4", cr4},     {SYSTEM, "i386_efer", efer},
};

static void put_types(FILE *f, const char *feature)
{
    if (!strcmp(feature, SSE))
        fputs("<vector id=\"v4f\" type=\"ieee_single\" count=\"4\"/>"
              "<vector id=\"v2d\" type=\"ieee_double\" count=\"2\"/>"
              "<vector id=\"v16i8\" type=\"int8\" count=\"16\"/>"
              "<vector id=\"v8i16\" type=\"int16\" count=\"8\"/>"
              "<vector id=\"v4i32\" type=\"int32\" count=\"4\"/>"
              "<vector id=\"v2i64\" type=\"int64\" count=\"2\"/>"
              "<union id=\"vec128\"><field name=\"v4_float\" type=\"v4f\"/>"
              "<field name=\"v2_double\" type=\"v2d\"/><field name=\"v16_int8\" type=\"v16i8\"/>"
              "<field name=\"v8_int16\" type=\"v8i16\"/><field name=\"v4_int32\" type=\"v4i32\"/>"
              "<field name=\"v2_int64\" type=\"v2i64\"/><field name=\"uint128\" type=\"uint128\"/>"
              "</union>\n",
              f);
    for (size_t i = 0; i < sizeof flag_types / sizeof flag_types[0]; i++) {
        if (strcmp(flag_types[i].feature, feature))
            continue;
        fprintf(f, "<flags id=\"%s\" size=\"4\">", flag_types[i].name);
        for (const struct flag *x = flag_types[i].flag; x->name; x++)
            fprintf(f, "<field name=\"%s\" start=\"%u\" end=\"%u\"/>", x->name, x->bit, x->bit);
        fputs("</flags>\n", f);
    }
}

char *gdb_target_xml(void)
{
    char *text = NULL;
    size_t size;
    FILE *f = open_memstream(&text, &size);
    const char *feature = "";

    if (!f)
        return NULL;
    fputs("<?xml version=\"1.0\"?>\n<!DOCTYPE target SYSTEM \"gdb-target.dtd\">\n"
          "<target version=\"1.0\">\n<architecture>i386</architecture>\n<osabi>none</osabi>\n",
          f);
    for (unsigned i = 0; i < ROWS; i++) {
        const struct row *r = &rows[i];
        if (strcmp(r->feature, feature)) {
            fprintf(f, "%s<feature name=\"%s\">\n", *feature ? "</feature>\n" : "", r->feature);
            feature = r->feature;
            put_types(f, feature);
        }
        fprintf(f, "<reg name=\"%s\" bitsize=\"%u\" type=\"%s\" regnum=\"%u\"", r->name, r->bits,
                r->type, i);
        if (r->group)
            fprintf(f, " group=\"%s\"", r->group);
        fputs("/>\n", f);
    }
    fputs("</feature>\n</target>\n", f);
    if (fclose(f) == 0)
        return text;
    free(text);
    return NULL;
}

/*
 * gdb's addresses are the guest's virtual ones, and which of these lead anywhere is a matter of page
 * tables that change: for gdb all of them may be RAM, and a hole is where reading fails. The map of the
 * machine's own frames stands beside it as a comment, for people.
 */
char *gdb_memory_map_xml(struct debug *d)
{
    struct machine *m = debug_machine(d);
    char *text;
    int n = asprintf(&text,
                     "<?xml version=\"1.0\"?>\n<!DOCTYPE memory-map PUBLIC "
                     "\"+//IDN gnu.org//DTD GDB Memory Map V1.0//EN\" "
                     "\"http://sourceware.org/gdb/gdb-memory-map.dtd\">\n<memory-map>\n"
                     "<!-- virtual addresses; machine frames: 0-9ffff and 100000-%llx are RAM -->\n"
                     "<memory type=\"ram\" start=\"0x0\" length=\"0x100000000\"/>\n"
                     "</memory-map>\n",
                     (unsigned long long)m->config.mem_bytes - 1);

    return n < 0 ? NULL : text;
}

/* ---- values ---- */

void gdb_registers_take(struct debug *d, struct gdb_registers *r)
{
    struct vcpu *cpu = debug_machine(d)->domain->cpu;

    r->inside = debug_inside(d);
    if (!r->inside) {
        cpu_state_get(cpu, &r->state);
        return;
    }
    memset(&r->state, 0, sizeof r->state);
    r->state.regs = *cpu_regs(cpu);
    r->state.now = cpu_now(cpu);
    r->state.instructions = cpu_instructions(cpu);
}

static uint32_t word(const uint8_t *bytes, unsigned n)
{
    uint32_t v = 0;

    memcpy(&v, bytes, n);
    return v;
}

/* FXSAVE keeps one bit a register, empty or not; the full tag word has two, which say what is in it. */
static uint32_t tag_word(const uint8_t *fx)
{
    unsigned top = word(fx + 2, 2) >> 11 & 7;
    uint32_t tags = 0;

    for (unsigned i = 0; i < 8; i++) {
        const uint8_t *st = fx + 32 + 16 * ((i - top) & 7);
        uint64_t significand;
        uint32_t exponent = word(st + 8, 2) & 0x7FFF, tag = 3;
        memcpy(&significand, st, 8);
        if (fx[4] >> i & 1) {
            if (exponent == 0x7FFF || (!exponent && significand) ||
                (exponent && !(significand >> 63)))
                tag = 2;
            else
                tag = exponent ? 0 : 1;
        }
        tags |= tag << (2 * i);
    }
    return tags;
}

static uint32_t fpu_word(const uint8_t *fx, unsigned index)
{
    switch (index) {
    case FCTRL:
        return word(fx, 2);
    case FSTAT:
        return word(fx + 2, 2);
    case FTAG:
        return tag_word(fx);
    case FISEG:
        return word(fx + 12, 2);
    case FIOFF:
        return word(fx + 8, 4);
    case FOSEG:
        return word(fx + 20, 2);
    case FOOFF:
        return word(fx + 16, 4);
    default:
        return word(fx + 6, 2) & 0x7FF;
    }
}

static uint64_t system_word(const struct cpu_state *s, unsigned index)
{
    const struct x86_regs *r = &s->regs;
    const uint64_t value[] = {
        [CR0] = r->cr0,
        [CR2] = r->cr2,
        [CR3] = r->cr3,
        [CR4] = r->cr4,
        [EFER] = r->efer,
        [GDT_BASE] = r->gdt.base,
        [GDT_LIMIT] = r->gdt.limit,
        [IDT_BASE] = r->idt.base,
        [IDT_LIMIT] = r->idt.limit,
        [LDTR] = r->ldt.sel & 0xFFFF,
        [TR] = r->tr.sel & 0xFFFF,
        [RING] = r->cpl,
        [CYCLE] = s->now,
        [INSTRUCTIONS] = s->instructions,
    };

    return value[index];
}

/* One register into 16 bytes; false: it cannot be seen now. */
static bool fetch(const struct gdb_registers *g, const struct row *row, uint8_t to[16])
{
    const struct x86_regs *r = &g->state.regs;
    const uint8_t *fx = g->state.fxsave;
    uint64_t v = 0;

    memset(to, 0, 16);
    switch (row->where) {
    case AT_GPR:
        v = r->gpr[row->index];
        break;
    case AT_EIP:
        v = r->eip;
        break;
    case AT_EFLAGS:
        v = r->eflags;
        break;
    case AT_SEG:
        v = r->seg[row->index].sel & 0xFFFF;
        break;
    case AT_BASE:
        v = r->seg[row->index].base;
        break;
    case AT_SYSTEM:
        v = system_word(&g->state, row->index);
        break;
    case AT_ST:
        memcpy(to, fx + 32 + 16 * row->index, 10);
        return !g->inside;
    case AT_XMM:
        memcpy(to, fx + 160 + 16 * row->index, 16);
        return !g->inside;
    case AT_FPU:
        v = fpu_word(fx, row->index);
        memcpy(to, &v, 8);
        return !g->inside;
    case AT_MXCSR:
        memcpy(to, fx + 24, 4);
        return !g->inside;
    }
    memcpy(to, &v, 8);
    return true;
}

void gdb_register_put(struct gdb_text *t, const struct gdb_registers *r, unsigned number)
{
    uint8_t bytes[16];

    if (fetch(r, &rows[number], bytes))
        gdb_put_hex(t, bytes, rows[number].bits / 8);
    else
        for (unsigned i = 0; i < rows[number].bits / 8; i++)
            gdb_put(t, "xx");
}

bool gdb_register_set(struct debug *d, unsigned number, const uint8_t *bytes, struct err *err)
{
    const struct row *row = &rows[number];
    struct gdb_registers now;
    uint8_t is[16];
    unsigned reg;

    gdb_registers_take(d, &now);
    if (!fetch(&now, row, is) || !memcmp(is, bytes, row->bits / 8))
        return true;
    switch (row->where) {
    case AT_GPR:
        reg = REG_GPR + row->index;
        break;
    case AT_EIP:
        reg = REG_EIP;
        break;
    case AT_EFLAGS:
        reg = REG_EFLAGS;
        break;
    default:
        return err_set(err, ERR_USAGE, "%s cannot be set", row->name);
    }
    return debug_set_register(d, reg, word(bytes, 4), err);
}
