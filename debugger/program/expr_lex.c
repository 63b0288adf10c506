/* SPDX-License-Identifier: GPL-2.0-only */
/* Words of C: numbers with their suffixes, characters and strings with their escapes, operators. */
#include "value.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static bool bad(struct lexer *l, size_t at, const char *what)
{
    return err_set(l->err, ERR_USAGE, "'%s': %s at '%.20s'", l->text, what, l->text + at);
}

static bool suffix(struct lexer *l, struct token *t, bool decimal)
{
    unsigned longs = 0, is_unsigned = 0;

    for (;; l->at++) {
        int c = tolower((unsigned char)l->text[l->at]);
        if (c == 'l')
            longs++;
        else if (c == 'u')
            is_unsigned++;
        else
            break;
    }
    if (longs > 2 || is_unsigned > 1 || isalnum((unsigned char)l->text[l->at]) ||
        l->text[l->at] == '_')
        return bad(l, t->at, "no number");
    /* The first type of C's list (6.4.4.1) in which it fits; long is as long as int. */
    bool fits_int = t->number <= INT32_MAX, fits_uint = t->number <= UINT32_MAX;
    bool fits_long = t->number <= INT64_MAX;
    enum c_type type = C_ULLONG;
    if (longs < 2 && !is_unsigned && fits_int)
        type = longs ? C_LONG : C_INT;
    else if (longs < 2 && fits_uint && (is_unsigned || !decimal))
        type = longs ? C_ULONG : C_UINT;
    else if (!is_unsigned && fits_long)
        type = C_LLONG;
    t->type = &c_type[type];
    return true;
}

static bool number(struct lexer *l, struct token *t)
{
    const char *begin = l->text + l->at;
    bool hex = begin[0] == '0' && (begin[1] == 'x' || begin[1] == 'X');
    bool binary = begin[0] == '0' && (begin[1] == 'b' || begin[1] == 'B');
    size_t n = strspn(begin, hex ? "0123456789abcdefABCDEFxX" : "0123456789");
    char *end;

    if (!hex && (begin[n] == '.' || begin[n] == 'e' || begin[n] == 'E')) {
        t->kind = TOKEN_FLOAT;
        t->real = strtod(begin, &end);
        t->type = &c_type[C_DOUBLE];
        if (*end == 'f' || *end == 'F') {
            t->type = &c_type[C_FLOAT];
            end++;
        }
        l->at += (size_t)(end - begin);
        return true;
    }
    errno = 0;
    t->kind = TOKEN_INT;
    t->number = strtoull(binary ? begin + 2 : begin, &end, binary ? 2 : 0);
    if (errno == ERANGE)
        return bad(l, t->at, "a number of more than 64 bits");
    l->at += (size_t)(end - begin);
    return suffix(l, t, begin[0] != '0');
}

static int hex_digit(int c)
{
    return c >= '0' && c <= '9'                 ? c - '0'
           : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10
                                                : -1;
}

/* One character of a string, behind whose opening quote we are. */
static bool character(struct lexer *l, uint8_t *out)
{
    static const char names[] = "abfnrtve", values[] = "\a\b\f\n\r\t\v\033";
    const char *text = l->text;
    unsigned v = 0, n = 0;
    const char *known;

    if (text[l->at] != '\\') {
        *out = (uint8_t)text[l->at++];
        return true;
    }
    l->at++;
    if (text[l->at] == 'x') {
        for (l->at++; hex_digit(text[l->at]) >= 0 && n < 2; n++)
            v = v * 16 + (unsigned)hex_digit(text[l->at++]);
        *out = (uint8_t)v;
        return n || bad(l, l->at, "no hexadecimal digit");
    }
    if (text[l->at] >= '0' && text[l->at] <= '7') {
        for (; text[l->at] >= '0' && text[l->at] <= '7' && n < 3; n++)
            v = v * 8 + (unsigned)(text[l->at++] - '0');
        *out = (uint8_t)v;
        return true;
    }
    if (!text[l->at])
        return bad(l, l->at, "the end");
    known = strchr(names, text[l->at]);
    *out = (uint8_t)(known ? values[known - names] : text[l->at]);
    l->at++;
    return true;
}

static bool quoted(struct lexer *l, struct token *t, char quote)
{
    size_t most = strlen(l->text + l->at), n = 0;
    uint8_t *bytes = arena_get(l->arena, most + 1);

    if (!bytes)
        return err_set(l->err, ERR_SYSTEM, "out of memory");
    for (l->at++; l->text[l->at] != quote;) {
        if (!l->text[l->at])
            return bad(l, t->at, "a quote that does not end");
        if (!character(l, &bytes[n++]))
            return false;
    }
    l->at++;
    t->text = (char *)bytes;
    t->bytes = n;
    t->kind = TOKEN_STRING;
    if (quote == '\'') {
        if (n == 0)
            return bad(l, t->at, "an empty character");
        t->kind = n == 1 ? TOKEN_CHAR : TOKEN_QUOTED;
        t->number = (uint64_t)(int64_t)(int8_t)bytes[0];
        t->type = &c_type[C_CHAR];
    }
    return true;
}

static bool word(struct lexer *l, struct token *t, bool dollar)
{
    size_t n = dollar ? 1 : 0;

    if (dollar)
        n += strspn(l->text + l->at + 1, "$");
    while (isalnum((unsigned char)l->text[l->at + n]) || l->text[l->at + n] == '_')
        n++;
    t->kind = dollar ? TOKEN_DOLLAR : TOKEN_NAME;
    t->text = arena_text(l->arena, l->text + l->at, n);
    l->at += n;
    return t->text || err_set(l->err, ERR_SYSTEM, "out of memory");
}

static const struct {
    char text[4];
    enum operator op, with;
} operators[] = {
    /* the longer ones first */
    {"<<=", OP_ASSIGN, OP_SHL},     {">>=", OP_ASSIGN, OP_SHR},   {"->", OP_ARROW, OP_NONE},
    {"++", OP_INC, OP_NONE},        {"--", OP_DEC, OP_NONE},      {"<<", OP_SHL, OP_NONE},
    {">>", OP_SHR, OP_NONE},        {"<=", OP_LE, OP_NONE},       {">=", OP_GE, OP_NONE},
    {"==", OP_EQ, OP_NONE},         {"!=", OP_NE, OP_NONE},       {"&&", OP_LOGICAL_AND, OP_NONE},
    {"||", OP_LOGICAL_OR, OP_NONE}, {"+=", OP_ASSIGN, OP_ADD},    {"-=", OP_ASSIGN, OP_SUB},
    {"*=", OP_ASSIGN, OP_MUL},      {"/=", OP_ASSIGN, OP_DIV},    {"%=", OP_ASSIGN, OP_MOD},
    {"&=", OP_ASSIGN, OP_AND},      {"|=", OP_ASSIGN, OP_OR},     {"^=", OP_ASSIGN, OP_XOR},
    {"::", OP_SCOPE, OP_NONE},      {"+", OP_ADD, OP_NONE},       {"-", OP_SUB, OP_NONE},
    {"*", OP_MUL, OP_NONE},         {"/", OP_DIV, OP_NONE},       {"%", OP_MOD, OP_NONE},
    {"&", OP_AND, OP_NONE},         {"|", OP_OR, OP_NONE},        {"^", OP_XOR, OP_NONE},
    {"<", OP_LT, OP_NONE},          {">", OP_GT, OP_NONE},        {"!", OP_NOT, OP_NONE},
    {"~", OP_COMPLEMENT, OP_NONE},  {"=", OP_ASSIGN, OP_NONE},    {",", OP_COMMA, OP_NONE},
    {"?", OP_QUESTION, OP_NONE},    {":", OP_COLON, OP_NONE},     {".", OP_DOT, OP_NONE},
    {"@", OP_AT, OP_NONE},          {"(", OP_OPEN, OP_NONE},      {")", OP_CLOSE, OP_NONE},
    {"[", OP_INDEX, OP_NONE},       {"]", OP_INDEX_END, OP_NONE}, {"{", OP_BRACE, OP_NONE},
    {"}", OP_BRACE_END, OP_NONE},
};

static bool read_operator(struct lexer *l, struct token *t)
{
    for (size_t i = 0; i < sizeof operators / sizeof operators[0]; i++) {
        size_t n = strlen(operators[i].text);
        if (strncmp(l->text + l->at, operators[i].text, n))
            continue;
        t->kind = TOKEN_OPERATOR;
        t->op = operators[i].op;
        t->with = operators[i].with;
        l->at += n;
        return true;
    }
    return bad(l, l->at, "nothing that C knows");
}

bool next_token(struct lexer *l, struct token *out)
{
    bool ok;

    while (isspace((unsigned char)l->text[l->at]))
        l->at++;
    *out = (struct token){.kind = TOKEN_END, .at = l->at};
    int c = (unsigned char)l->text[l->at];
    if (!c)
        return true;
    if (isdigit(c) || (c == '.' && isdigit((unsigned char)l->text[l->at + 1])))
        ok = number(l, out);
    else if (isalpha(c) || c == '_')
        ok = word(l, out, false);
    else if (c == '$')
        ok = word(l, out, true);
    else if (c == '"' || c == '\'')
        ok = quoted(l, out, (char)c);
    else
        ok = read_operator(l, out);
    out->length = l->at - out->at;
    return ok;
}
