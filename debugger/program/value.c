/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Values. Something in memory is read when its bytes are needed, so that a large array costs
 * nothing until somebody looks. All bytes are little-endian, as the guest has them.
 */
#include "value.h"

#include <math.h>
#include <string.h>

struct value value_int(const struct type *t, uint64_t v)
{
    struct value out = {.type = t, .count = type_size(t)};

    for (unsigned i = 0; i < 8; i++)
        out.data[i] = (uint8_t)(v >> 8 * i);
    return out;
}

struct value value_double(const struct type *t, double v)
{
    struct value out = {.type = t, .count = type_size(t)};
    long double wide = v;
    float narrow = (float)v;

    /* The host is an x86 too, so its formats are the guest's. */
    if (out.count == 4)
        memcpy(out.data, &narrow, 4);
    else if (out.count == 8)
        memcpy(out.data, &v, 8);
    else
        memcpy(out.data, &wide, 10);
    return out;
}

struct value value_at(const struct type *t, uint32_t addr)
{
    return (struct value){.type = t, .place = VALUE_MEMORY, .addr = addr};
}

int64_t extend(const struct type *t, uint64_t raw)
{
    unsigned bits = type_size(t) * 8;

    if (bits == 0 || bits >= 64)
        return (int64_t)raw;
    raw &= (1ull << bits) - 1;
    if (type_signed(t) && raw >> (bits - 1))
        raw |= ~0ull << bits;
    return (int64_t)raw;
}

double float_value(const struct type *t, const uint8_t *bytes)
{
    float f;
    double d;
    long double l = 0;

    switch (type_size(t)) {
    case 4:
        memcpy(&f, bytes, 4);
        return f;
    case 8:
        memcpy(&d, bytes, 8);
        return d;
    default:
        memcpy(&l, bytes, 10);
        return (double)l;
    }
}

bool value_is_scalar(const struct value *v)
{
    switch (type_kind(v->type)) {
    case TYPE_BOOL:
    case TYPE_INT:
    case TYPE_FLOAT:
    case TYPE_ENUM:
    case TYPE_POINTER:
        return true;
    default:
        return false;
    }
}

bool value_bytes(struct expr_session *s, const struct value *v, uint32_t offset, void *to,
                 uint32_t n, struct err *err)
{
    const struct program_memory *m = &s->host.memory;

    if (v->place == VALUE_LOST)
        return err_set(err, ERR_USAGE, "it has been optimized out");
    if (v->bytes || v->place != VALUE_MEMORY) {
        uint32_t have = v->bytes ? v->count : VALUE_BYTES;
        if (offset > have || n > have - offset)
            return err_set(err, ERR_USAGE, "%u bytes at %u are outside of the value", n, offset);
        memcpy(to, (v->bytes ? v->bytes : v->data) + offset, n);
        return true;
    }
    if (!m->read || !m->read(m->ctx, v->addr + offset, to, n))
        return err_set(err, ERR_USAGE, "cannot read memory at 0x%08x: it is not mapped",
                       v->addr + offset);
    return true;
}

static bool raw_integer(struct expr_session *s, const struct value *v, uint64_t *raw,
                        struct err *err)
{
    uint8_t b[9] = {0};
    uint32_t size = type_size(v->type);

    if (v->bit_size)
        size = (v->bit_offset + v->bit_size + 7) / 8;
    if (size > sizeof b || (!v->bit_size && size > 8))
        return err_set(err, ERR_USAGE, "it is no number");
    if (!value_bytes(s, v, 0, b, size, err))
        return false;
    *raw = 0;
    for (unsigned i = 0; i < 8; i++)
        *raw |= (uint64_t)b[i] << 8 * i;
    if (!v->bit_size)
        return true;
    *raw >>= v->bit_offset;
    if (v->bit_offset)
        *raw |= (uint64_t)b[8] << (64 - v->bit_offset);
    if (v->bit_size < 64) {
        *raw &= (1ull << v->bit_size) - 1;
        if (type_signed(v->type) && *raw >> (v->bit_size - 1))
            *raw |= ~0ull << v->bit_size;
    }
    return true;
}

bool value_number(struct expr_session *s, const struct value *v, int64_t *i, double *f,
                  struct err *err)
{
    enum type_kind kind = type_kind(v->type);
    uint8_t b[16] = {0};
    uint64_t raw = 0;

    switch (kind) {
    case TYPE_ARRAY:
    case TYPE_FUNCTION:
        if (v->place != VALUE_MEMORY)
            return err_set(err, ERR_USAGE, "it is not in memory and has no address");
        *i = v->addr;
        *f = (double)*i;
        return true;
    case TYPE_FLOAT:
        if (!value_bytes(s, v, 0, b, type_size(v->type) == 12 ? 10 : type_size(v->type), err))
            return false;
        *f = float_value(v->type, b);
        /* 2^63 is a double, the largest int64_t is not */
        *i = isnan(*f) ? 0 : *f >= 0x1p63 ? INT64_MAX : *f < -0x1p63 ? INT64_MIN : (int64_t)*f;
        return true;
    case TYPE_BOOL:
    case TYPE_INT:
    case TYPE_ENUM:
    case TYPE_POINTER:
        if (!raw_integer(s, v, &raw, err))
            return false;
        *i = v->bit_size ? (int64_t)raw : extend(v->type, raw);
        *f = type_signed(v->type) ? (double)*i : (double)(uint64_t)*i;
        return true;
    case TYPE_VOID:
        return err_set(err, ERR_USAGE, "it is void and has no value");
    case TYPE_UNKNOWN:
        return err_set(err, ERR_USAGE, "its type is not known; cast it to what it is");
    default: {
        char text[120];
        type_text(v->type, text, sizeof text);
        return err_set(err, ERR_USAGE, "a %s is no number", text);
    }
    }
}

bool value_integer(struct expr_session *s, const struct value *v, int64_t *out, struct err *err)
{
    double f;

    return value_number(s, v, out, &f, err);
}

bool value_true(struct expr_session *s, const struct value *v, bool *out, struct err *err)
{
    int64_t i;
    double f;

    if (!value_number(s, v, &i, &f, err))
        return false;
    *out = type_kind(v->type) == TYPE_FLOAT ? f != 0 : i != 0;
    return true;
}

bool value_address(struct expr_session *s, const struct value *v, uint32_t *out, struct err *err)
{
    enum type_kind kind = type_kind(v->type);
    int64_t i;

    /* A struct, or data of unknown type, is looked at where it is. */
    if ((kind == TYPE_STRUCT || kind == TYPE_UNION || kind == TYPE_UNKNOWN) &&
        v->place == VALUE_MEMORY) {
        *out = v->addr;
        return true;
    }
    if (!value_integer(s, v, &i, err))
        return false;
    if (i < INT32_MIN || i > (int64_t)UINT32_MAX)
        return err_set(err, ERR_USAGE, "0x%llx is no 32-bit address", (unsigned long long)i);
    *out = (uint32_t)i;
    return true;
}

bool value_part(const struct value *v, const struct type_member *m, struct value *out,
                struct err *err)
{
    uint32_t size = m->bit_size ? (m->bit_offset + m->bit_size + 7) / 8 : type_size(m->type);

    *out = *v;
    out->type = m->type;
    out->bit_offset = m->bit_offset;
    out->bit_size = m->bit_size;
    if (v->place == VALUE_MEMORY)
        out->addr += m->offset;
    if (v->place == VALUE_LOST || (v->place == VALUE_MEMORY && !v->bytes))
        return true;
    uint32_t have = v->bytes ? v->count : VALUE_BYTES;
    if (m->offset > have || size > have - m->offset)
        return err_set(err, ERR_USAGE, "%s is not in what was kept of the value",
                       m->name ? m->name : "this part");
    if (v->bytes) {
        out->bytes = v->bytes + m->offset;
        out->count = v->count - m->offset;
    } else {
        memset(out->data, 0, sizeof out->data);
        memcpy(out->data, v->data + m->offset, size);
        out->count = size;
        out->place = VALUE_PLAIN;
    }
    return true;
}

static bool write_memory(struct expr_session *s, uint32_t addr, const void *from, uint32_t n,
                         struct err *err)
{
    const struct program_memory *m = &s->host.memory;

    if (!m->write || !m->write(m->ctx, addr, from, n))
        return err_set(err, ERR_USAGE, "cannot write memory at 0x%x", addr);
    return true;
}

static bool store_bits(struct expr_session *s, const struct value *to, uint64_t raw,
                       struct err *err)
{
    uint32_t size = (to->bit_offset + to->bit_size + 7) / 8;
    struct value now = *to;
    uint8_t b[9];

    now.bytes = NULL; /* as it is now, not as it was when it was kept */
    if (!value_bytes(s, &now, 0, b, size, err))
        return false;
    for (unsigned i = 0; i < to->bit_size; i++) {
        unsigned at = to->bit_offset + i;
        b[at / 8] = (uint8_t)((b[at / 8] & ~(1u << at % 8)) | (raw >> i & 1) << at % 8);
    }
    return write_memory(s, to->addr, b, size, err);
}

static bool copy_aggregate(struct expr_session *s, const struct value *to, const struct value *v,
                           struct err *err)
{
    uint32_t size = type_size(to->type);
    uint8_t b[4096];

    if (to->place != VALUE_MEMORY || size != type_size(v->type) || size > sizeof b)
        return err_set(err, ERR_USAGE, "only something of the same type can be assigned to it");
    return value_bytes(s, v, 0, b, size, err) && write_memory(s, to->addr, b, size, err);
}

bool value_store(struct expr_session *s, const struct value *to, const struct value *v,
                 struct err *err)
{
    struct value cast;
    uint64_t raw = 0;

    if (to->place == VALUE_LOST)
        return err_set(err, ERR_USAGE, "it has been optimized out and cannot be assigned to");
    if (to->place == VALUE_PLAIN)
        return err_set(err, ERR_USAGE, "it is only a value and cannot be assigned to");
    if (!value_is_scalar(to))
        return copy_aggregate(s, to, v, err);
    if (!value_cast(s, v, to->type, &cast, err))
        return false;
    if (cast.place == VALUE_MEMORY) { /* data of unknown type, taken as it is */
        uint32_t addr = cast.addr, size = type_size(to->type);
        cast.place = VALUE_PLAIN;
        cast.bytes = NULL;
        struct value from = value_at(to->type, addr);
        if (!value_bytes(s, &from, 0, cast.data, size, err))
            return false;
    }
    for (unsigned i = 0; i < 8; i++)
        raw |= (uint64_t)cast.data[i] << 8 * i;
    if (to->place != VALUE_MEMORY)
        return register_store(s, to, raw, err);
    if (to->bit_size)
        return store_bits(s, to, raw, err);
    return write_memory(s, to->addr, cast.data, type_size(to->type), err);
}

bool value_cast(struct expr_session *s, const struct value *v, const struct type *t,
                struct value *out, struct err *err)
{
    enum type_kind kind = type_kind(t);
    int64_t i;
    double f;

    switch (kind) {
    case TYPE_VOID:
        *out = (struct value){.type = t};
        return true;
    case TYPE_FLOAT:
        if (!value_number(s, v, &i, &f, err))
            return false;
        *out = value_double(t, f);
        return true;
    case TYPE_BOOL:
    case TYPE_INT:
    case TYPE_ENUM:
    case TYPE_POINTER:
        /* Data without a type is taken to be what it is cast to, as gdb does. */
        if (type_kind(v->type) == TYPE_UNKNOWN && v->place == VALUE_MEMORY) {
            *out = *v;
            out->type = t;
            return true;
        }
        if (!value_number(s, v, &i, &f, err))
            return false;
        if (kind == TYPE_BOOL)
            i = type_kind(v->type) == TYPE_FLOAT ? f != 0 : i != 0;
        *out = value_int(t, (uint64_t)extend(t, (uint64_t)i));
        return true;
    case TYPE_STRUCT:
    case TYPE_UNION:
    case TYPE_ARRAY:
        if (type_strip(v->type) == type_strip(t) ||
            (v->place == VALUE_MEMORY &&
             (type_kind(v->type) == TYPE_UNKNOWN || type_size(v->type) == type_size(t)))) {
            *out = *v;
            out->type = t;
            return true;
        }
        break;
    default:
        break;
    }
    char text[120];
    type_text(t, text, sizeof text);
    return err_set(err, ERR_USAGE, "it cannot be cast to %s", text);
}
