/* SPDX-License-Identifier: GPL-2.0-only */
/* Saved machines: there and back, every kind of damage, and other programs' machines. */
#include "damage.h"
#include "fake_machine.h"

#include "savefile.h"

#define RAM (4ull << 20)

static const struct save_info info = {
    .config = {.model = "native",
               .cmdline = "quiet \"x\" \xC3\xA4",
               .mem_bytes = RAM,
               .seed = UINT64_MAX,
               .max_cycles = 5,
               .rtc_epoch = -1,
               .pure = true},
    .kernel = {1, 2},
    .initrd = {3, 4},
};

static struct fake *worked(uint32_t until)
{
    struct fake *f = fake_new(RAM);
    uint16_t byte;

    for (uint32_t i = 0; i < until; i++)
        fake_work(f, i);
    input_from_live(f->parts.input);
    input_push(f->parts.input, 'x');
    assert_true(input_take(f->parts.input, 4711, &byte));
    return f;
}

static bool load_into(const char *path, struct fake *f, struct save_info *got, struct err *err)
{
    struct save_info other;
    struct savefile *s = savefile_open(path, got ? got : &other, err);
    bool ok = s && savefile_load(s, &f->parts, err);

    savefile_close(s);
    return ok;
}

static void a_loaded_machine_is_the_one_that_was_saved(void **st)
{
    struct temp t = temp_new();
    struct fake *a = worked(30), *b = fake_new(RAM);
    struct save_info got;
    struct err err = {.text = ""};
    size_t n;

    (void)st;
    assert_true(savefile_write(t.path, &a->parts, &info, &err));
    if (!load_into(t.path, b, &got, &err))
        fail_msg("%s", err.text);
    assert_same_digest(digest_state(&a->parts), digest_state(&b->parts));
    assert_same_digest(events_digest(a->parts.events), events_digest(b->parts.events));
    assert_int_equal(input_log(b->parts.input, &n)[0].cycle, 4711);
    assert_int_equal(n, 1);
    assert_memory_equal(&got.config, &info.config, sizeof got.config);
    assert_same_digest(got.kernel, info.kernel);
    assert_same_digest(got.initrd, info.initrd);
    assert_int_equal(got.cycle, a->cpu.s.now);
    assert_non_null(strstr(got.libraries, "Unicorn of no engine"));
    assert_non_null(strstr(got.libraries, "zstd 1."));

    /* And both go on alike. */
    fake_work(a, 77);
    fake_work(b, 77);
    assert_same_digest(digest_state(&a->parts), digest_state(&b->parts));
    assert_same_digest(events_digest(a->parts.events), events_digest(b->parts.events));
    temp_free(&t);
    fake_free(a);
    fake_free(b);
}

static void saving_changes_nothing_and_replaces_the_old_file(void **st)
{
    struct temp t = temp_new();
    struct fake *f = worked(5), *g = fake_new(RAM);

    (void)st;
    file_write(t.path, "old", 3);
    struct digest d = digest_state(&f->parts);
    assert_true(savefile_write(t.path, &f->parts, &info, NULL));
    assert_same_digest(d, digest_state(&f->parts));
    assert_int_equal(temp_files(&t), 1);
    assert_true(load_into(t.path, g, NULL, NULL));
    assert_same_digest(d, digest_state(&g->parts));
    temp_free(&t);
    fake_free(f);
    fake_free(g);
}

static void what_cannot_be_written_is_said(void **st)
{
    struct fake *f = worked(1);
    struct err err;

    (void)st;
    assert_false(savefile_write("/nonexistent/file", &f->parts, &info, &err));
    assert_int_equal(err.class, ERR_FILE);
    assert_non_null(strstr(err.text, "/nonexistent/file: No such file"));
    assert_false(savefile_write("/dev/null", &f->parts, &info, &err));
    assert_non_null(strstr(err.text, "not a regular file"));
    assert_false(savefile_write(P_tmpdir, &f->parts, &info, &err));
    char *path = malloc(10000);
    memset(path, 'x', 9999);
    path[9999] = 0;
    assert_false(savefile_write(path, &f->parts, &info, &err));
    assert_non_null(strstr(err.text, "too long"));
    free(path);
    fake_free(f);
}

static void what_cannot_be_read_is_said(void **st)
{
    struct save_info got;
    struct err err;

    (void)st;
    assert_null(savefile_open("/nonexistent/file", &got, &err));
    assert_int_equal(err.class, ERR_FILE);
    assert_non_null(strstr(err.text, "/nonexistent/file: No such file"));
    assert_null(savefile_open(P_tmpdir, &got, &err));
    assert_non_null(strstr(err.text, "is a directory"));
    assert_null(savefile_open("/dev/null", &got, &err));
    assert_int_equal(err.class, ERR_FILE);
}

static struct fake *target;

static bool load_target(const char *path, struct err *err)
{
    return load_into(path, target, NULL, err);
}

static void every_kind_of_damage_is_refused(void **st)
{
    struct temp t = temp_new();
    struct fake *f = worked(2);

    (void)st;
    target = fake_new(RAM);
    assert_true(savefile_write(t.path, &f->parts, &info, NULL));
    refuses_all_damage(&t, load_target, "not a saved machine");
    temp_free(&t);
    fake_free(f);
    fake_free(target);
}

static void machines_of_other_programs_are_refused(void **st)
{
    struct temp t = temp_new();
    struct fake *f = worked(2), *g = fake_new(RAM), *big = fake_new(2 * RAM);
    struct err err;
    uint32_t more = 0;

    (void)st;
    assert_true(savefile_write(t.path, &f->parts, &info, NULL));
    g->state.block[1].size--;
    assert_false(load_into(t.path, g, NULL, &err));
    assert_int_equal(err.class, ERR_FILE);
    assert_non_null(strstr(err.text, "\"disk\" has 300 bytes, in this program 299"));
    g->state.block[1].size++;
    g->state.block[1].name = "floppy";
    assert_false(load_into(t.path, g, NULL, &err));
    assert_non_null(strstr(err.text, "\"disk\" where this program has \"floppy\""));
    g->state.block[1].name = "disk";
    state_block(&g->state, &more, sizeof more, "more");
    assert_false(load_into(t.path, g, NULL, &err));
    assert_non_null(strstr(err.text, "3 state blocks, in this program 4"));
    assert_false(load_into(t.path, big, NULL, &err));
    assert_non_null(strstr(err.text, "4 MiB"));
    temp_free(&t);
    fake_free(f);
    fake_free(g);
    fake_free(big);
}

static void impossible_cpus_are_refused(void **st)
{
    struct temp t = temp_new();
    struct fake *f = worked(2), *g = fake_new(RAM);
    struct err err;

    (void)st;
    f->cpu.s.regs.cpl = 4;
    assert_true(savefile_write(t.path, &f->parts, &info, NULL));
    assert_false(load_into(t.path, g, NULL, &err));
    assert_non_null(strstr(err.text, "CPL 4"));
    temp_free(&t);
    fake_free(f);
    fake_free(g);
}

static void a_full_machine_takes_many_chunks(void **st)
{
    struct temp t = temp_new();
    struct fake *f = fake_new(RAM), *g = fake_new(RAM);
    uint32_t x = 1;

    (void)st;
    for (uint64_t at = 0; at < RAM; at += 4) { /* noise, which cannot be packed */
        uint8_t *p = mem_span(f->parts.mem, MADDR(at), 4);
        x = x * 1664525u + 1013904223u;
        if (p)
            memcpy(p, &x, 4);
    }
    assert_true(savefile_write(t.path, &f->parts, &info, NULL));
    assert_true(load_into(t.path, g, NULL, NULL));
    assert_same_digest(digest_state(&f->parts), digest_state(&g->parts));
    temp_free(&t);
    fake_free(f);
    fake_free(g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_loaded_machine_is_the_one_that_was_saved),
        cmocka_unit_test(saving_changes_nothing_and_replaces_the_old_file),
        cmocka_unit_test(what_cannot_be_written_is_said),
        cmocka_unit_test(what_cannot_be_read_is_said),
        cmocka_unit_test(every_kind_of_damage_is_refused),
        cmocka_unit_test(machines_of_other_programs_are_refused),
        cmocka_unit_test(impossible_cpus_are_refused),
        cmocka_unit_test(a_full_machine_takes_many_chunks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
