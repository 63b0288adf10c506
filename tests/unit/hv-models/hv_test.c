/* SPDX-License-Identifier: GPL-2.0-only */
/* Models by name, their tables, and costs. */
#include "unit.h"

#include <string.h>

#include "hv-models/hv.h"

static void every_model_is_complete(void **st)
{
    (void)st;
    for (const struct hv_model *const *p = hv_models(); *p; p++) {
        const struct hv_model *m = *p;
        assert_int_equal(m->abi, HV_MODEL_ABI);
        assert_non_null(m->name);
        assert_non_null(m->title);
        assert_non_null(m->build);
        assert_non_null(m->interrupt);
        for (const struct hv_cost *c = m->costs; c && c->name; c++)
            assert_non_null(c->source); /* a figure without a source is an opinion */
        for (const struct hv_model *const *q = hv_models(); q != p; q++)
            assert_string_not_equal(m->name, (*q)->name);
    }
}

static void models_are_found_by_name(void **st)
{
    const struct hv_model *m = NULL;
    const char *variant = NULL;
    struct err err = {0};

    (void)st;
    assert_true(hv_find("native", &m, &variant, &err));
    assert_string_equal(m->name, "native");
    assert_string_equal(variant, "pc");
    assert_true(hv_find("native:pc", &m, &variant, &err));
}

static void wrong_names_get_a_suggestion(void **st)
{
    static const struct {
        const char *spec, *says;
    } wrong[] = {
        {"nativ", "'native'"},
        {"native:pcc", "'pc'"},
        {"", "not the name"},
        {":pc", "not the name"},
        {"quite-another-thing-with-a-name-too-long", "not the name"},
    };

    (void)st;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        const struct hv_model *m;
        const char *variant;
        struct err err = {0};
        assert_false(hv_find(wrong[i].spec, &m, &variant, &err));
        assert_int_equal(err.class, ERR_USAGE);
        assert_non_null(strstr(err.text, wrong[i].says));
    }
}

static bool build_nothing(struct domain *d, const struct boot_request *rq, struct err *err)
{
    (void)d;
    (void)rq;
    (void)err;
    return true;
}

static void costs_are_charged_and_overridden(void **st)
{
    static const struct hv_cost costs[] = {{"crossing", 100, "this test"}, {0}};
    static const struct hv_model model = {
        .abi = HV_MODEL_ABI, .name = "test", .title = "", .build = build_nothing, .costs = costs};
    struct machine_config cfg = {.mem_bytes = MEM_MIN_BYTES};
    struct err err = {0};
    struct machine *m = machine_new(&cfg, NULL, &err);

    (void)st;
    assert_non_null(m);
    assert_true(hv_attach(m, &model, "", NULL, &err));
    uint64_t before = machine_now(m);
    hv_cost(m->domain, 0);
    assert_int_equal(machine_now(m) - before, 100);
    assert_true(hv_set_cost(m->domain, "crossing", 7, &err));
    hv_cost(m->domain, 0);
    assert_int_equal(machine_now(m) - before, 107);
    assert_false(hv_set_cost(m->domain, "crosing", 7, &err));
    assert_int_equal(err.class, ERR_USAGE);
    hv_detach(m);
    machine_free(m);
}

static void a_model_of_another_interface_is_refused(void **st)
{
    static const struct hv_model model = {
        .abi = HV_MODEL_ABI + 1, .name = "test", .title = "", .build = build_nothing};
    struct machine_config cfg = {.mem_bytes = MEM_MIN_BYTES};
    struct err err = {0};
    struct machine *m = machine_new(&cfg, NULL, &err);

    (void)st;
    assert_non_null(m);
    assert_false(hv_attach(m, &model, "", NULL, &err));
    assert_int_equal(err.class, ERR_FILE);
    machine_free(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_model_is_complete),
        cmocka_unit_test(models_are_found_by_name),
        cmocka_unit_test(wrong_names_get_a_suggestion),
        cmocka_unit_test(costs_are_charged_and_overridden),
        cmocka_unit_test(a_model_of_another_interface_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
