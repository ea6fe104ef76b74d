/* What is made from the rows: JSON Schema, manual page; and that the rows hold
 * together. */
#include "conf_fixture.h"

#include "base/json.h"
#include "conf/rows.h"

static void every_row_is_documented_and_its_default_is_valid(void **state)
{
    (void)state;
    for (size_t i = 0; i < conf_n_rows; i++) {
        const struct conf_row *r = &conf_rows[i];
        size_t n = strlen(r->doc);
        assert_true(n > 8);
        if (!strchr(".)", r->doc[n - 1]))
            fail_msg("%s: the doc is no sentence", r->name);
        assert_ptr_equal(conf_row_find(r->section, r->name), r);
        assert_null(conf_section_find(r->section, r->name));
        if (r->type == CONF_TYPE_ENUM || r->type == CONF_TYPE_CHOICE)
            assert_non_null(r->choices);
    }
    /* loading one entry of each section parses every default */
    struct platform *p = conf_try("sources: {s: {plugin: x}}\n"
                                  "streams: {j: {from: s}}\n"
                                  "pools: {p: }\n"
                                  "loads: {l: {from: s, into: a.b}}\n"
                                  "gates: {g: {suite: suite.json, on: a.b}}\n"
                                  "freshness: {a.b: ~}\n"
                                  "schedules: {h: {cron: '@daily', select: x}}\n"
                                  "alerts: {file: {}}\n",
                                  NULL);
    if (!p)
        fail_msg("%s", conf_error);
    conf_free(p);
}

static const json_t *property(const json_t *v, const char *name)
{
    return json_object_get(json_object_get(v, "properties"), name);
}

static void the_schema_knows_every_section(void **state)
{
    (void)state;
    struct buf b;
    struct err e = {0};
    json_t *v;
    buf_init(&b, 4 << 20);
    assert_int_equal(conf_schema(&b, &e), 0);
    assert_int_equal(json_load_text(buf_str(&b), b.len, &v, &e), 0);
    assert_false(json_flag(v, "additionalProperties", true));
    for (size_t i = 1; i < CONF_N_SECTIONS; i++)
        if (conf_sections[i].parent == CONF_ROOT)
            assert_non_null(property(v, conf_sections[i].key));
    const json_t *source =
        json_object_get(property(v, "sources"), "additionalProperties");
    assert_true(json_flag(source, "additionalProperties", false));
    assert_string_equal(
        json_string_value(json_array_get(json_object_get(source, "required"), 0)),
        "plugin");
    json_decref(v);
    buf_release(&b);
}

static void the_manual_names_every_setting(void **state)
{
    (void)state;
    struct buf b;
    struct err e = {0};
    buf_init(&b, 4 << 20);
    assert_int_equal(conf_man(&b, &e), 0);
    for (size_t i = 0; i < conf_n_rows; i++) {
        char item[100];
        snprintf(item, sizeof item, ".It Cm %s :", conf_rows[i].name);
        assert_non_null(strstr(buf_str(&b), item));
    }
    for (const char *p = buf_str(&b); *p;
         p += strcspn(p, "\n") + (p[strcspn(p, "\n")] != 0))
        if (strcspn(p, "\n") > 200)
            fail_msg("a line of %zu characters", strcspn(p, "\n"));
    buf_release(&b);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, conf_setup, conf_teardown)
    const struct CMUnitTest tests[] = {
        T(every_row_is_documented_and_its_default_is_valid),
        T(the_schema_knows_every_section),
        T(the_manual_names_every_setting),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
