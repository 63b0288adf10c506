/* SPDX-License-Identifier: GPL-2.0-only */
/* Formatted text: the part of printf that a kernel needs. */
#include "lib.h"

struct out {
    char *buf;
    size_t size, len; /* len may run past size: what the whole text would need */
};

struct spec {
    bool zero, left, plus;
    int width, precision; /* precision -1: none */
};

static void put(struct out *o, char c)
{
    if (o->len + 1 < o->size)
        o->buf[o->len] = c;
    o->len++;
}

static void put_padded(struct out *o, const char *s, int n, const struct spec *spec)
{
    int pad = spec->width - n;

    if (!spec->left)
        while (pad-- > 0)
            put(o, ' ');
    for (int i = 0; i < n; i++)
        put(o, s[i]);
    if (spec->left)
        while (pad-- > 0)
            put(o, ' ');
}

static void put_number(struct out *o, uint64_t v, bool negative, unsigned base, bool upper,
                       const struct spec *spec)
{
    const char *digits = upper ? "0123456789ABCDEF" : "0123456789abcdef";
    char text[32];
    int n = sizeof text;
    int least = spec->precision > 0 ? spec->precision : 1;
    char sign = negative ? '-' : spec->plus ? '+' : 0;

    if (spec->zero && !spec->left && spec->precision < 0)
        least = spec->width - (sign != 0);
    if (least > 24)
        least = 24;
    while (v || (int)sizeof text - n < least) {
        uint32_t low = (uint32_t)v;
        if (v >> 32) {
            text[--n] = digits[v % base];
            v /= base;
        } else { /* nearly always: a division the processor can do */
            text[--n] = digits[low % base];
            v = low / base;
        }
    }
    if (sign)
        text[--n] = sign;
    put_padded(o, text + n, sizeof text - n, spec);
}

static const char *parse_spec(const char *f, struct spec *spec, va_list *ap)
{
    *spec = (struct spec){.precision = -1};
    for (;; f++) {
        if (*f == '0')
            spec->zero = true;
        else if (*f == '-')
            spec->left = true;
        else if (*f == '+')
            spec->plus = true;
        else
            break;
    }
    if (*f == '*') {
        spec->width = va_arg(*ap, int);
        f++;
    } else {
        for (; *f >= '0' && *f <= '9'; f++)
            spec->width = spec->width * 10 + *f - '0';
    }
    if (*f == '.') {
        spec->precision = 0;
        if (*++f == '*') {
            spec->precision = va_arg(*ap, int);
            f++;
        } else {
            for (; *f >= '0' && *f <= '9'; f++)
                spec->precision = spec->precision * 10 + *f - '0';
        }
    }
    return f;
}

int vsnprintf(char *buf, size_t size, const char *fmt, va_list args)
{
    struct out o = {buf, size, 0};
    va_list ap;

    va_copy(ap, args);
    for (const char *f = fmt; *f; f++) {
        struct spec spec;
        unsigned longs = 0;

        if (*f != '%') {
            put(&o, *f);
            continue;
        }
        f = parse_spec(f + 1, &spec, &ap);
        while (*f == 'l')
            longs++, f++;
        if (*f == 'z')
            f++;
        switch (*f) {
        case 'd': {
            int64_t v = longs > 1 ? va_arg(ap, int64_t) : va_arg(ap, int);
            put_number(&o, v < 0 ? -(uint64_t)v : (uint64_t)v, v < 0, 10, false, &spec);
            break;
        }
        case 'u':
        case 'x':
        case 'X':
        case 'o': {
            uint64_t v = longs > 1 ? va_arg(ap, uint64_t) : va_arg(ap, uint32_t);
            unsigned base = *f == 'u' ? 10 : *f == 'o' ? 8 : 16;
            spec.plus = false;
            put_number(&o, v, false, base, *f == 'X', &spec);
            break;
        }
        case 'p':
            spec.zero = true;
            spec.width = 8;
            put_number(&o, (uint32_t)va_arg(ap, void *), false, 16, false, &spec);
            break;
        case 'c': {
            char c = (char)va_arg(ap, int);
            put_padded(&o, &c, 1, &spec);
            break;
        }
        case 's': {
            const char *s = va_arg(ap, const char *);
            s = s ? s : "(null)";
            size_t n = spec.precision < 0 ? strlen(s) : strnlen(s, spec.precision);
            put_padded(&o, s, n, &spec);
            break;
        }
        case '%':
            put(&o, '%');
            break;
        default: /* a mistake in the format shows itself */
            put(&o, '%');
            if (*f)
                put(&o, *f);
            else
                f--;
        }
    }
    va_end(ap);
    if (size)
        buf[MIN(o.len, size - 1)] = 0;
    return (int)o.len;
}

int snprintf(char *buf, size_t size, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    int n = vsnprintf(buf, size, fmt, ap);
    va_end(ap);
    return n;
}
