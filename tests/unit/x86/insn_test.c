/* SPDX-License-Identifier: GPL-2.0-only */
/* The decoder: lengths, the table of sensitive instructions, block ends. */
#include "guest.h"

/* clang-format off */
#define BYTES(...) { __VA_ARGS__ }, sizeof((uint8_t[]){ __VA_ARGS__ })
static const struct {
    uint8_t bytes[12];
    uint8_t length;
    bool code32;
    struct x86_insn want; /* length is that of the bytes */
} cases[] = {
    { BYTES(0xEC), true, { .sensitive = INSN_IN, .size = 1, .seg = S_DS } },
    { BYTES(0xED), true, { .sensitive = INSN_IN, .size = 4, .seg = S_DS } },
    { BYTES(0x66, 0xED), true, { .sensitive = INSN_IN, .size = 2, .seg = S_DS } },
    { BYTES(0xED), false, { .sensitive = INSN_IN, .size = 2, .addr16 = true, .seg = S_DS } },
    { BYTES(0x66, 0xED), false, { .sensitive = INSN_IN, .size = 4, .addr16 = true, .seg = S_DS } },
    { BYTES(0xE4, 0x71), true, { .sensitive = INSN_IN, .size = 1, .imm_port = true, .port = 0x71, .seg = S_DS } },
    { BYTES(0xE5, 0x71), true, { .sensitive = INSN_IN, .size = 4, .imm_port = true, .port = 0x71, .seg = S_DS } },
    { BYTES(0xE6, 0x80), true, { .sensitive = INSN_OUT, .size = 1, .imm_port = true, .port = 0x80, .seg = S_DS } },
    { BYTES(0x66, 0xE7, 0x80), true, { .sensitive = INSN_OUT, .size = 2, .imm_port = true, .port = 0x80, .seg = S_DS } },
    { BYTES(0xEE), true, { .sensitive = INSN_OUT, .size = 1, .seg = S_DS } },
    { BYTES(0xEF), true, { .sensitive = INSN_OUT, .size = 4, .seg = S_DS } },
    { BYTES(0x6C), true, { .sensitive = INSN_INS, .size = 1, .seg = S_DS } },
    { BYTES(0xF3, 0x6D), true, { .sensitive = INSN_INS, .size = 4, .rep = true, .ends_block = true, .seg = S_DS } },
    { BYTES(0xF2, 0x6E), true, { .sensitive = INSN_OUTS, .size = 1, .rep = true, .ends_block = true, .seg = S_DS } },
    { BYTES(0x64, 0x67, 0x66, 0x6F), true, { .sensitive = INSN_OUTS, .size = 2, .addr16 = true, .seg = S_FS } },
    { BYTES(0x2E, 0x65, 0x6F), true, { .sensitive = INSN_OUTS, .size = 4, .seg = S_GS } },
    { BYTES(0x6F), false, { .sensitive = INSN_OUTS, .size = 2, .addr16 = true, .seg = S_DS } },
    { BYTES(0x67, 0x6F), false, { .sensitive = INSN_OUTS, .size = 2, .seg = S_DS } },
    { BYTES(0x0F, 0xA2), true, { .sensitive = INSN_CPUID, .seg = S_DS } },
    { BYTES(0x0F, 0x31), true, { .sensitive = INSN_RDTSC, .seg = S_DS } },
    { BYTES(0x0F, 0x01, 0xF9), true, { .sensitive = INSN_RDTSCP, .ends_block = true, .seg = S_DS, .reg = 1, .special = 7 } },
    { BYTES(0x0F, 0x32), true, { .sensitive = INSN_RDMSR, .seg = S_DS } },
    { BYTES(0x0F, 0x30), true, { .sensitive = INSN_WRMSR, .seg = S_DS } },
    { BYTES(0x0F, 0x33), true, { .sensitive = INSN_RDPMC, .seg = S_DS } },
    { BYTES(0x0F, 0x21, 0xF3), true, { .sensitive = INSN_MOV_FROM_DR, .seg = S_DS, .reg = R_EBX, .special = 6 } },
    { BYTES(0x0F, 0x23, 0xF9), true, { .sensitive = INSN_MOV_TO_DR, .ends_block = true, .seg = S_DS, .reg = R_ECX, .special = 7 } },
    { BYTES(0x0F, 0x22, 0xDA), true, { .sensitive = INSN_MOV_TO_CR3, .ends_block = true, .seg = S_DS, .reg = R_EDX, .special = 3 } },
    { BYTES(0x0F, 0x22, 0xC0), true, { .ends_block = true, .seg = S_DS } },
    { BYTES(0x0F, 0x20, 0xD8), true, { .seg = S_DS, .special = 3 } },
    { BYTES(0x0F, 0x34), true, { .sensitive = INSN_SYSENTER, .ends_block = true, .seg = S_DS } },
    { BYTES(0x0F, 0x35), true, { .sensitive = INSN_SYSEXIT, .ends_block = true, .seg = S_DS } },
    { BYTES(0xF1), true, { .sensitive = INSN_ICEBP, .ends_block = true, .seg = S_DS } },
    { BYTES(0xF4), true, { .sensitive = INSN_HLT, .ends_block = true, .seg = S_DS } },
    /* the bytes of RDTSC and IN as somebody's operand are neither */
    { BYTES(0xB8, 0x0F, 0x31, 0xEC, 0x0F), true, { .seg = S_DS } },
    { BYTES(0xC7, 0x05, 1, 2, 3, 4, 0x0F, 0x31, 0xF4, 0xEC), true, { .seg = S_DS, .reg = 5 } },
    /* plain ones, and block ends */
    { BYTES(0x90), true, { .seg = S_DS } },
    { BYTES(0xF3, 0x90), true, { .ends_block = true, .seg = S_DS } },
    { BYTES(0xA4), true, { .seg = S_DS } },
    { BYTES(0xF3, 0xA4), true, { .rep = true, .ends_block = true, .seg = S_DS } },
    { BYTES(0xF3, 0xC3), true, { .ends_block = true, .seg = S_DS } }, /* rep ret is no string instruction */
    { BYTES(0x74, 0x10), true, { .ends_block = true, .seg = S_DS } },
    { BYTES(0x0F, 0x84, 1, 2, 3, 4), true, { .ends_block = true, .seg = S_DS } },
    { BYTES(0xE8, 1, 2, 3, 4), true, { .ends_block = true, .seg = S_DS } },
    { BYTES(0xE9, 1, 2), false, { .ends_block = true, .addr16 = true, .seg = S_DS } },
    { BYTES(0xEA, 1, 2, 3, 4, 5, 6), true, { .ends_block = true, .seg = S_DS } },
    { BYTES(0xFF, 0xD0), true, { .ends_block = true, .seg = S_DS, .special = 2 } },
    { BYTES(0xFF, 0xC0), true, { .seg = S_DS } },
    { BYTES(0xFF, 0x30), true, { .seg = S_DS, .special = 6 } }, /* push m */
    { BYTES(0xCC), true, { .ends_block = true, .seg = S_DS } },
    { BYTES(0xCD, 0x80), true, { .ends_block = true, .seg = S_DS } },
    { BYTES(0xCE), true, { .seg = S_DS } },
    { BYTES(0xCF), true, { .sensitive = INSN_IRET, .size = 4, .ends_block = true, .seg = S_DS } },
    { BYTES(0x66, 0xCF), true, { .sensitive = INSN_IRET, .size = 2, .ends_block = true, .seg = S_DS } },
    { BYTES(0xFB), true, { .ends_block = true, .seg = S_DS } },
    { BYTES(0xFA), true, { .seg = S_DS } },
    { BYTES(0x9D), true, { .ends_block = true, .seg = S_DS } },
    { BYTES(0x8E, 0xD8), true, { .ends_block = true, .seg = S_DS, .special = S_DS } },
    { BYTES(0x8E, 0xE0), true, { .seg = S_DS, .special = S_FS } },
    { BYTES(0x8E, 0xD0), false, { .ends_block = true, .addr16 = true, .seg = S_DS, .special = S_SS } },
    { BYTES(0x8E, 0xD8), false, { .addr16 = true, .seg = S_DS, .special = S_DS } },
    { BYTES(0x0F, 0x01, 0x3B), true, { .ends_block = true, .seg = S_DS, .reg = 3, .special = 7 } }, /* invlpg */
    { BYTES(0x0F, 0x01, 0x13), true, { .seg = S_DS, .reg = 3, .special = 2 } },                     /* lgdt */
    { BYTES(0x0F, 0x06), true, { .ends_block = true, .seg = S_DS } },
    { BYTES(0x0F, 0x0B), true, { .ends_block = true, .seg = S_DS } },
    { BYTES(0xF0, 0x0F, 0xC7, 0x08), true, { .seg = S_DS, .special = 1 } }, /* lock cmpxchg8b */
    { BYTES(0x0F, 0xAE, 0x00), true, { .seg = S_DS } },                     /* fxsave */
};
/* clang-format on */

static void table(void **state)
{
    (void)state;
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct x86_insn got, want = cases[i].want;
        want.length = cases[i].length;
        assert_true(x86_decode(cases[i].bytes, cases[i].length, cases[i].code32, &got));
        if (want.sensitive == INSN_PLAIN) /* means nothing there */
            got.reg = want.reg, got.special = want.special;
        assert_int_equal(got.length, want.length);
        assert_int_equal(got.sensitive, want.sensitive);
        assert_int_equal(got.ends_block, want.ends_block);
        assert_int_equal(got.rep, want.rep);
        assert_int_equal(got.size, want.size);
        assert_int_equal(got.addr16, want.addr16);
        assert_int_equal(got.seg, want.seg);
        assert_int_equal(got.imm_port, want.imm_port);
        assert_int_equal(got.port, want.port);
        assert_int_equal(got.reg, want.reg);
        assert_int_equal(got.special, want.special);
        /* One byte less is no instruction; and the buffer's end is respected (ASan watches). */
        uint8_t *cut = malloc(want.length);
        assert_non_null(cut);
        memcpy(cut, cases[i].bytes, want.length);
        assert_true(x86_decode(cut, want.length, cases[i].code32, &got));
        free(cut);
        assert_false(x86_decode(cases[i].bytes, want.length - 1u, cases[i].code32, &got));
        assert_int_equal(got.length, 0);
    }
}

static void not_instructions(void **state)
{
    struct x86_insn got;
    static const uint8_t too_long[16] = {0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66,
                                         0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x90};
    static const uint8_t bad[] = {0xFF, 0xFF, 0x00, 0x00, 0x00, 0x00};

    (void)state;
    assert_false(x86_decode(too_long, 16, true, &got));
    assert_true(x86_decode(too_long + 1, 15, true, &got));
    assert_int_equal(got.length, 15);
    assert_false(x86_decode(bad, sizeof bad, true, &got));
    assert_false(x86_decode(bad, 0, true, &got));
}

static void formatting(void **state)
{
    char text[64];
    static const uint8_t mov[] = {0x89, 0xD8}, jmp[] = {0xEB, 0xFE}, cut[] = {0xE8, 1};

    (void)state;
    assert_int_equal(x86_format(mov, 2, 0, true, text, sizeof text), 2);
    assert_string_equal(text, "mov eax, ebx");
    assert_int_equal(x86_format(mov, 2, 0, false, text, sizeof text), 2);
    assert_string_equal(text, "mov ax, bx");
    assert_int_equal(x86_format(jmp, 2, 0xC0101234, true, text, sizeof text), 2);
    assert_non_null(strstr(text, "C0101234"));
    assert_int_equal(x86_format(cut, 2, 0, true, text, sizeof text), 0);
    assert_string_equal(text, "");
    assert_int_equal(x86_format(mov, 2, 0, true, text, 4), 0); /* no room */
    assert_int_equal(x86_format(mov, 2, 0, true, text, 0), 0);
    assert_true(x86_decoder_version()[0] >= '4');
}

/* No AVX here: what VEX, EVEX and XOP encode is undefined, though LDS and LES share their bytes. */
static void extended_encodings_are_undefined(void **st)
{
    static const uint8_t vzeroupper[] = {0xC5, 0xFC, 0x77},
                         vmovaps[] = {0xC4, 0xE1, 0x7C, 0x28, 0xC1};
    static const uint8_t lds[] = {0xC5, 0x01}, les[] = {0xC4, 0x41, 0x10};
    struct x86_insn insn;

    (void)st;
    assert_false(x86_decode(vzeroupper, sizeof vzeroupper, true, &insn));
    assert_false(x86_decode(vmovaps, sizeof vmovaps, true, &insn));
    assert_true(x86_decode(lds, sizeof lds, true, &insn));
    assert_int_equal(insn.length, 2);
    assert_true(x86_decode(les, sizeof les, true, &insn));
    assert_int_equal(insn.length, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(extended_encodings_are_undefined),
        cmocka_unit_test(table),
        cmocka_unit_test(not_instructions),
        cmocka_unit_test(formatting),
    };
    return cmocka_run_group_tests_name("insn", tests, NULL, NULL);
}
