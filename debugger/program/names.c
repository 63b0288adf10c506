/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a name in an expression means. From near to far: the frame's blocks, the programs' variables,
 * functions and enumerators, their bare symbols, and whatever the host knows.
 */
#include "value.h"

#include <stdio.h>
#include <string.h>

#include "emu/suggest.h"

/* ---- registers ---- */

static const struct {
    const char *name;
    uint8_t number, shift, size;
} frame_register[] = {
    {"eax", FRAME_EAX, 0, 4},       {"ecx", FRAME_ECX, 0, 4}, {"edx", FRAME_EDX, 0, 4},
    {"ebx", FRAME_EBX, 0, 4},       {"esp", FRAME_ESP, 0, 4}, {"ebp", FRAME_EBP, 0, 4},
    {"esi", FRAME_ESI, 0, 4},       {"edi", FRAME_EDI, 0, 4}, {"eip", FRAME_EIP, 0, 4},
    {"eflags", FRAME_EFLAGS, 0, 4}, {"pc", FRAME_EIP, 0, 4},  {"sp", FRAME_ESP, 0, 4},
    {"fp", FRAME_EBP, 0, 4},        {"ax", FRAME_EAX, 0, 2},  {"cx", FRAME_ECX, 0, 2},
    {"dx", FRAME_EDX, 0, 2},        {"bx", FRAME_EBX, 0, 2},  {"bp", FRAME_EBP, 0, 2},
    {"si", FRAME_ESI, 0, 2},        {"di", FRAME_EDI, 0, 2},  {"al", FRAME_EAX, 0, 1},
    {"cl", FRAME_ECX, 0, 1},        {"dl", FRAME_EDX, 0, 1},  {"bl", FRAME_EBX, 0, 1},
    {"ah", FRAME_EAX, 8, 1},        {"ch", FRAME_ECX, 8, 1},  {"dh", FRAME_EDX, 8, 1},
    {"bh", FRAME_EBX, 8, 1},
};

static const struct type *register_type(struct expr_session *s, unsigned number, unsigned size)
{
    if (size == 1)
        return &c_type[C_SCHAR];
    if (size == 2)
        return &c_type[C_SHORT];
    if (number == FRAME_EIP)
        return pointer_to(s, &c_type[C_ENTRY]);
    if (number == FRAME_ESP || number == FRAME_EBP)
        return pointer_to(s, &c_type[C_VOID]);
    return &c_type[C_INT];
}

bool register_value(struct expr_session *s, const char *name, struct value *out)
{
    unsigned bits = 32;
    uint64_t raw;

    for (size_t i = 0; s->has_frame && i < sizeof frame_register / sizeof frame_register[0]; i++) {
        unsigned n = frame_register[i].number;
        if (strcmp(frame_register[i].name, name))
            continue;
        const struct type *t = register_type(s, n, frame_register[i].size);
        *out = value_int(t, s->frame.reg[n] >> frame_register[i].shift);
        out->place = s->frame.known & 1u << n ? VALUE_REGISTER : VALUE_LOST;
        out->reg = n;
        out->bit_offset = 0;
        snprintf(out->name, sizeof out->name, "%s", name);
        return true;
    }
    if (!s->host.get_register || !s->host.get_register(s->host.ctx, name, &raw, &bits))
        return false;
    *out = value_int(&c_type[bits > 32   ? C_LLONG
                             : bits > 16 ? C_INT
                             : bits > 8  ? C_SHORT
                                         : C_SCHAR],
                     raw);
    out->place = VALUE_NAMED;
    snprintf(out->name, sizeof out->name, "%s", name);
    return true;
}

/* The register that a part like AH is of; shift and size of the part. */
static void part_of(const struct value *to, unsigned *shift, unsigned *size)
{
    *shift = 0;
    *size = 4;
    for (size_t i = 0; i < sizeof frame_register / sizeof frame_register[0]; i++)
        if (!strcmp(frame_register[i].name, to->name)) {
            *shift = frame_register[i].shift;
            *size = frame_register[i].size;
        }
}

static bool store_frame_register(struct expr_session *s, const struct value *to, uint64_t raw,
                                 struct err *err)
{
    const struct program_memory *m = &s->host.memory;
    unsigned shift, size;

    part_of(to, &shift, &size);
    if (!to->name[0])
        size = type_size(to->type);
    uint32_t mask = (size >= 4 ? UINT32_MAX : (1u << 8 * size) - 1) << shift;
    uint32_t now = (s->frame.reg[to->reg] & ~mask) | ((uint32_t)raw << shift & mask);
    uint8_t b[4] = {(uint8_t)now, (uint8_t)(now >> 8), (uint8_t)(now >> 16), (uint8_t)(now >> 24)};
    uint32_t saved = s->frame.saved[to->reg];

    if (saved ? !m->write || !m->write(m->ctx, saved, b, sizeof b)
              : !s->host.set_register ||
                    !s->host.set_register(s->host.ctx, frame_register[to->reg].name, now))
        return err_set(err, ERR_USAGE, "the register %s cannot be changed",
                       frame_register[to->reg].name);
    s->frame.reg[to->reg] = now;
    return true;
}

bool register_store(struct expr_session *s, const struct value *to, uint64_t raw, struct err *err)
{
    if (to->place == VALUE_REGISTER)
        return store_frame_register(s, to, raw, err);
    if (!s->host.set_register || !s->host.set_register(s->host.ctx, to->name, raw))
        return err_set(err, ERR_USAGE, "the register %s cannot be changed", to->name);
    return true;
}

/* ---- variables ---- */

static bool from_pieces(const struct frame *f, const struct place_at *at, uint32_t size,
                        struct value *out)
{
    uint32_t done = 0;

    for (unsigned i = 0; i < at->n && done < size; i++) {
        const struct piece *piece = &at->piece[i];
        uint32_t n = piece->n || piece->bytes ? piece->n : size;
        uint8_t word[4];
        if (n > size - done)
            n = size - done;
        if (size > VALUE_BYTES && !piece->bytes)
            return false;
        if (piece->kind == PIECE_REGISTER) {
            uint32_t v = f->reg[piece->reg];
            for (unsigned j = 0; j < 4; j++)
                word[j] = (uint8_t)(v >> 8 * j);
            if (n > sizeof word)
                return false;
            memcpy(out->data + done, word, n);
        } else if (piece->kind == PIECE_VALUE && piece->bytes) {
            if (n > VALUE_BYTES - done && done)
                return false;
            if (size > VALUE_BYTES) { /* a constant of the file, whole */
                out->bytes = piece->bytes;
                out->count = n;
                return at->n == 1 && n == size;
            }
            memcpy(out->data + done, piece->bytes, n);
        } else if (piece->kind == PIECE_VALUE) {
            memcpy(out->data + done, piece->data, n < 8 ? n : 8);
        } else {
            return false;
        }
        done += n;
    }
    out->count = size;
    return done == size;
}

static bool with_memory(struct expr_session *s, struct place_at *at, struct err *err)
{
    const struct program_memory *m = &s->host.memory;

    /* Pieces in memory become values: there are few, and they are short. */
    for (unsigned i = 0; i < at->n; i++) {
        struct piece *piece = &at->piece[i];
        uint32_t addr = piece->addr;
        if (piece->kind != PIECE_MEMORY)
            continue;
        uint32_t n = piece->n;
        *piece = (struct piece){.kind = n <= sizeof piece->data ? PIECE_VALUE : PIECE_LOST, .n = n};
        if (piece->kind == PIECE_LOST)
            continue;
        if (!m->read || !m->read(m->ctx, addr, piece->data, n))
            return err_set(err, ERR_USAGE, "cannot read memory at 0x%08x: it is not mapped", addr);
    }
    return true;
}

bool value_of_variable(struct expr_session *s, const struct frame *f, const struct variable *var,
                       struct value *out, struct err *err)
{
    struct program *p = var->program;
    struct var *v = &p->var[var->handle];
    uint32_t size = type_size(var->type);
    struct place_at at;

    if (v->fixed) {
        *out = value_at(var->type, v->addr);
        return true;
    }
    *out = (struct value){.type = var->type, .place = VALUE_LOST};
    if (!debug_locate(p, f, &s->host.memory, v, size, &at, err))
        return false;
    const struct piece *first = &at.piece[0];
    if (at.n == 1 && first->kind == PIECE_MEMORY) {
        *out = value_at(var->type, first->addr);
        if (var->kind == VARIABLE_GLOBAL) {
            v->fixed = true;
            v->addr = first->addr;
        }
        return true;
    }
    if (at.n > 1 && !with_memory(s, &at, err))
        return false;
    if (!from_pieces(f, &at, size, out))
        return true;
    out->place = VALUE_PLAIN;
    if (at.n == 1 && first->kind == PIECE_REGISTER && size <= 4) {
        out->place = VALUE_REGISTER;
        out->reg = first->reg;
    }
    return true;
}

/* ---- names ---- */

static bool constant_value(struct program *p, const char *name, struct value *out)
{
    uint32_t low = 0, high = p->constants;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (strcmp(p->constant[middle].name, name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == p->constants || strcmp(p->constant[low].name, name))
        return false;
    *out = value_int(type_of_die(p, p->constant[low].type_die), (uint64_t)p->constant[low].value);
    return true;
}

static bool function_value(struct program *p, const char *name, struct value *out)
{
    uint32_t i = first_function(p, name);

    if (i == p->function_names)
        return false;
    const struct scope *f = &p->scope[p->function_name[i]];
    *out = value_at(type_of_die(p, f->die), f->entry);
    return true;
}

static bool symbol_value(struct program *p, const char *name, struct value *out)
{
    const struct kernel_symbol *k = kernel_find(p->symbols, name);

    if (!k)
        return false;
    *out = value_at(&c_type[k->function ? C_CODE : C_DATA], k->addr);
    return true;
}

static bool global_value(struct expr_session *s, struct program *p, const char *name,
                         struct value *out, bool *failed, struct err *err)
{
    struct variable var;
    uint32_t pc = s->has_frame && s->frame.program == p ? s->frame.pc : 0;

    *failed = false;
    if (!program_variable(p, name, pc, &var))
        return false;
    *failed = !value_of_variable(s, NULL, &var, out, err);
    return true;
}

bool name_value(struct expr_session *s, const char *name, struct value *out, struct err *err)
{
    struct variable var;
    uint64_t number;
    bool failed;

    if (s->has_frame && frame_variable(&s->frame, s->depth, name, &var))
        return value_of_variable(s, &s->frame, &var, out, err);
    for (unsigned i = 0; i < s->programs.n; i++) {
        struct program *p = s->programs.list[i];
        if (!p)
            continue;
        if (global_value(s, p, name, out, &failed, err))
            return !failed;
        if (function_value(p, name, out) || constant_value(p, name, out) ||
            symbol_value(p, name, out))
            return true;
    }
    if (s->host.symbol && s->host.symbol(s->host.ctx, name, &number)) {
        *out = value_int(&c_type[number > UINT32_MAX ? C_ULLONG : C_UINT], number);
        return true;
    }
    return no_symbol(s, name, err);
}

static bool offer(void *ctx, const char *name)
{
    suggest_offer(ctx, name);
    return true;
}

bool no_symbol(struct expr_session *s, const char *name, struct err *err)
{
    struct suggestion near = {.typed = name};
    struct variable local[64];
    unsigned n = s->has_frame ? frame_variables(&s->frame, s->depth, local, 64) : 0;

    for (unsigned i = 0; i < n && i < 64; i++)
        suggest_offer(&near, local[i].name);
    for (unsigned i = 0; i < s->programs.n; i++)
        if (s->programs.list[i])
            program_complete(s->programs.list[i], NAMES_FUNCTIONS | NAMES_VARIABLES, "", offer,
                             &near);
    if (near.best)
        return err_set(err, ERR_USAGE, "no symbol '%s' in the current context; did you mean '%s'?",
                       name, near.best);
    return err_set(err, ERR_USAGE, "no symbol '%s' in the current context", name);
}

/* file.c::name, function::name */
static bool within_file(struct expr_session *s, struct program *p, const char *file,
                        const char *name, struct value *out, bool *found, struct err *err)
{
    for (uint32_t i = 0; i < p->globals; i++) {
        const struct var *v = &p->var[p->global[i]];
        if (strcmp(v->name, name) || !v->located || v->file >= p->files ||
            !file_matches(p->file[v->file].full, file))
            continue;
        struct variable var = {.name = v->name,
                               .kind = VARIABLE_GLOBAL,
                               .type = type_of_die(p, debug_var_type(p, v->die)),
                               .handle = p->global[i],
                               .program = p};
        *found = true;
        return value_of_variable(s, NULL, &var, out, err);
    }
    return true;
}

static bool within_function(struct expr_session *s, struct program *p, uint32_t function,
                            const char *name, struct value *out, bool *found, struct err *err)
{
    const struct scope *f = &p->scope[function];

    for (uint32_t i = function; i < f->end; i++) {
        const struct scope *scope = &p->scope[i];
        for (uint32_t j = scope->vars; j < scope->vars + scope->n_vars; j++) {
            if (strcmp(p->var[j].name, name))
                continue;
            bool here = s->has_frame && s->frame.program == p && scope_has(p, f, s->frame.pc);
            struct variable var = {.name = p->var[j].name,
                                   .kind = VARIABLE_LOCAL,
                                   .type = type_of_die(p, debug_var_type(p, p->var[j].die)),
                                   .handle = j,
                                   .program = p};
            *found = true;
            return value_of_variable(s, here ? &s->frame : NULL, &var, out, err);
        }
    }
    return true;
}

bool name_within(struct expr_session *s, const char *scope, const char *name, struct value *out,
                 struct err *err)
{
    bool found = false, ok = true;

    for (unsigned i = 0; i < s->programs.n && !found; i++) {
        struct program *p = s->programs.list[i];
        if (!p)
            continue;
        uint32_t at = first_function(p, scope);
        if (at < p->function_names)
            ok = within_function(s, p, p->function_name[at], name, out, &found, err);
        if (!found)
            ok = within_file(s, p, scope, name, out, &found, err);
    }
    if (!found)
        return err_set(err, ERR_USAGE, "no variable '%s' in '%s'", name, scope);
    return ok;
}

const struct type *tag_type(struct expr_session *s, int kind, const char *name)
{
    for (unsigned i = 0; i < s->programs.n; i++) {
        const struct type *t =
            s->programs.list[i] ? type_find_name(s->programs.list[i], kind, name) : NULL;
        if (t)
            return t;
    }
    return NULL;
}

const struct type *name_type(struct expr_session *s, const char *name)
{
    struct variable var;
    const struct type *t = tag_type(s, NAME_TYPEDEF, name);

    if (!t || (s->has_frame && frame_variable(&s->frame, s->depth, name, &var)))
        return NULL;
    return t;
}

bool symbol_text(struct expr_session *s, uint32_t addr, bool data_too, char *text, size_t size)
{
    struct program *p = programs_at(s->programs, addr);
    const struct kernel_symbol *k = p ? kernel_symbol_at(p->symbols, addr) : NULL;

    if (!k || (!k->function && !data_too))
        return false;
    if (addr == k->addr)
        snprintf(text, size, "<%s>", k->name);
    else
        snprintf(text, size, "<%s+%u>", k->name, addr - k->addr);
    return true;
}
