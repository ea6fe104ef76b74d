/* Suites against a small table: the rules of Great Expectations, parameters,
 * conditions, what cannot run, severities, failing rows, suite files of every form. */
#include "quality_fixture.h"

static void make_table(struct fixture *f)
{
    run(f->w, "CREATE TABLE silver.t (id TEXT, n INTEGER, x REAL, s TEXT, at TEXT)");
    run(f->w, "INSERT INTO silver.t VALUES"
              "('a', 1, 0.5, 'abc', '2026-01-01 10:00:00'),"
              "('b', 2, 1.5, 'de', '2026-01-01 11:00:00'),"
              "('b', 3, NULL, 'card 4111111111111111', '2026-01-01 12:00:00'),"
              "('c', 200, 9.5, NULL, '2026-01-01 12:58:00'),"
              "(NULL, NULL, 2.5, 'xyz', NULL)");
    run(f->w, "CREATE TABLE silver.empty (id TEXT, n INTEGER)");
}

static int setup_table(void **state)
{
    setup(state);
    make_table(*state);
    return 0;
}

/* One expectation on silver.RELATION; result_at(f, 0) has what came out. */
static const json_t *expect_on(struct fixture *f, const char *relation,
                               const char *type, const char *kwargs)
{
    char *text = mem_printf("[{\"type\":\"expect_%s\",\"kwargs\":{%s}}]", type, kwargs);
    struct suite_run r = {.schema = "silver",
                          .relation = relation,
                          .now_ms = 1767272400000 /* 2026-01-01 13:00 */};
    struct err e = {0};
    r.parameters =
        json_pack("{s:i, s:[s,s], s:{s:s}, s:s}", "three", 3, "known", "a", "b", "ids",
                  "query", "select distinct id from silver.t", "text", "x");
    if (judge(f, text, &r, &e) < 0)
        fail_msg("%s: %s", type, e.text);
    json_decref(r.parameters);
    mem_free(text);
    return result_at(f, 0);
}

static const json_t *expect(struct fixture *f, const char *type, const char *kwargs)
{
    return expect_on(f, "t", type, kwargs);
}

static void outcome_is(const json_t *one, const char *verdict)
{
    const char *got = json_str(one, "verdict", "");
    if (streq(got, verdict))
        return;
    char *text = json_dumps(one, 0);
    fail_msg("expected %s: %s", verdict, text);
}

static void numbers_are(const json_t *one, int64_t elements, int64_t missing,
                        int64_t unexpected)
{
    const json_t *r = json_object_get(one, "result");
    assert_int_equal(json_i64(r, "element_count", -1), elements);
    assert_int_equal(json_i64(r, "missing_count", -1), missing);
    assert_int_equal(json_i64(r, "unexpected_count", -1), unexpected);
}

static void error_has(const json_t *one, const char *what)
{
    const json_t *x = json_object_get(one, "exception_info");
    outcome_is(one, "error");
    assert_false(json_flag(one, "success", true));
    if (!strstr(json_str(x, "exception_message", ""), what))
        fail_msg("message: %s", json_str(x, "exception_message", ""));
}

static void test_map_rules(void **state)
{
    struct fixture *f = *state;
    const json_t *r = expect(f, "column_values_to_not_be_null", "\"column\":\"id\"");
    outcome_is(r, "fail");
    numbers_are(r, 5, -1, 1);
    r = expect(f, "column_values_to_be_unique", "\"column\":\"id\"");
    outcome_is(r, "fail");
    numbers_are(r, 5, 1, 2); /* both rows of 'b' */
    r = expect(f, "column_values_to_be_between",
               "\"column\":\"n\",\"min_value\":1,\"max_value\":100");
    outcome_is(r, "fail");
    numbers_are(r, 5, 1, 1);
    const json_t *res = json_object_get(r, "result");
    assert_true(json_num(res, "unexpected_percent", 0) == 25.0);
    assert_true(json_num(res, "unexpected_percent_total", 0) == 20.0);
    assert_int_equal(json_integer_value(json_array_get(
                         json_object_get(res, "partial_unexpected_list"), 0)),
                     200);
    outcome_is(expect(f, "column_values_to_be_between",
                      "\"column\":\"n\",\"max_value\":100,\"mostly\":0.75"),
               "pass");
    outcome_is(expect(f, "column_values_to_be_between",
                      "\"column\":\"n\",\"max_value\":100,\"mostly\":0.76"),
               "fail");
    outcome_is(
        expect(f, "column_values_to_be_between",
               "\"column\":\"n\",\"min_value\":1,\"strict_min\":true,\"mostly\":0.7"),
        "pass");
    outcome_is(expect(f, "column_values_to_be_null", "\"column\":\"s\",\"mostly\":0.2"),
               "pass");
}

static void test_text_is_not_between_numbers(void **state)
{
    struct fixture *f = *state;
    outcome_is(expect(f, "column_values_to_be_between",
                      "\"column\":\"id\",\"min_value\":0,\"max_value\":9"),
               "fail");
    outcome_is(expect(f, "column_values_to_be_between",
                      "\"column\":\"id\",\"min_value\":\"a\",\"max_value\":\"c\""),
               "pass");
}

static void test_sets_patterns_lengths(void **state)
{
    struct fixture *f = *state;
    outcome_is(expect(f, "column_values_to_be_in_set",
                      "\"column\":\"id\",\"value_set\":[\"a\",\"b\",\"c\"]"),
               "pass");
    const json_t *r =
        expect(f, "column_values_to_be_in_set",
               "\"column\":\"id\",\"value_set\":{\"$PARAMETER\":\"known\"}");
    outcome_is(r, "fail");
    numbers_are(r, 5, 1, 1);
    outcome_is(expect(f, "column_values_to_be_in_set",
                      "\"column\":\"id\",\"value_set\":{\"$PARAMETER\":\"ids\"}"),
               "pass");
    outcome_is(expect(f, "column_values_to_be_in_set",
                      "\"column\":\"id\",\"value_set\":[\"it's\",null]"),
               "fail");
    outcome_is(expect(f, "column_values_to_not_be_in_set",
                      "\"column\":\"n\",\"value_set\":[4,5]"),
               "pass");
    outcome_is(expect(f, "column_values_to_match_regex",
                      "\"column\":\"id\",\"regex\":\"^[a-c]$\""),
               "pass");
    outcome_is(expect(f, "column_values_to_not_match_regex",
                      "\"column\":\"id\",\"regex\":\"b\""),
               "fail");
    outcome_is(expect(f, "column_values_to_match_like_pattern",
                      "\"column\":\"at\",\"like_pattern\":\"2026-%\""),
               "pass");
    outcome_is(expect(f, "column_values_to_not_match_like_pattern",
                      "\"column\":\"at\",\"like_pattern\":\"2026-%\""),
               "fail");
    outcome_is(
        expect(f, "column_value_lengths_to_equal", "\"column\":\"id\",\"value\":1"),
        "pass");
    outcome_is(expect(f, "column_value_lengths_to_be_between",
                      "\"column\":\"s\",\"max_value\":10"),
               "fail");
    error_has(
        expect(f, "column_values_to_match_regex", "\"column\":\"id\",\"regex\":\"(\""),
        "");
}

static void test_aggregates(void **state)
{
    struct fixture *f = *state;
    const json_t *r =
        expect(f, "column_max_to_be_between", "\"column\":\"n\",\"max_value\":199");
    outcome_is(r, "fail");
    assert_int_equal(json_i64(json_object_get(r, "result"), "observed_value", 0), 200);
    outcome_is(
        expect(f, "column_min_to_be_between", "\"column\":\"x\",\"min_value\":0.5"),
        "pass");
    outcome_is(expect(f, "column_min_to_be_between",
                      "\"column\":\"x\",\"min_value\":0.5,\"strict_min\":true"),
               "fail");
    outcome_is(expect(f, "column_mean_to_be_between",
                      "\"column\":\"x\",\"min_value\":3.5,\"max_value\":3.5"),
               "pass");
    outcome_is(expect(f, "column_median_to_be_between",
                      "\"column\":\"x\",\"min_value\":2,\"max_value\":2"),
               "pass");
    outcome_is(expect(f, "column_sum_to_be_between",
                      "\"column\":\"x\",\"min_value\":14,\"max_value\":14"),
               "pass");
    r = expect(f, "column_stdev_to_be_between",
               "\"column\":\"x\",\"min_value\":4.08,\"max_value\":4.09");
    outcome_is(r, "pass");
    outcome_is(expect(f, "column_unique_value_count_to_be_between",
                      "\"column\":\"id\",\"min_value\":3,\"max_value\":3"),
               "pass");
    outcome_is(expect(f, "column_proportion_of_unique_values_to_be_between",
                      "\"column\":\"id\",\"min_value\":0.75,\"max_value\":0.75"),
               "pass");
    error_has(expect(f, "column_max_to_be_between", "\"column\":\"n\""),
              "needs min_value");
    error_has(
        expect(f, "column_max_to_be_between", "\"column\":\"n\",\"max_value\":\"x\""),
        "of another kind");
}

static void test_no_rows(void **state)
{
    struct fixture *f = *state;
    outcome_is(
        expect_on(f, "empty", "column_values_to_not_be_null", "\"column\":\"id\""),
        "pass");
    outcome_is(expect_on(f, "empty", "column_values_to_be_between",
                         "\"column\":\"n\",\"min_value\":1"),
               "pass");
    const json_t *r = expect_on(f, "empty", "column_max_to_be_between",
                                "\"column\":\"n\",\"min_value\":1");
    outcome_is(r, "fail");
    assert_true(
        json_is_null(json_object_get(json_object_get(r, "result"), "observed_value")));
    outcome_is(
        expect_on(f, "empty", "table_row_count_to_be_between", "\"min_value\":1"),
        "fail");
}

static void test_table_expectations(void **state)
{
    struct fixture *f = *state;
    outcome_is(expect(f, "table_row_count_to_equal", "\"value\":5"), "pass");
    outcome_is(expect(f, "table_row_count_to_be_between", "\"min_value\":6"), "fail");
    outcome_is(expect(f, "table_column_count_to_equal", "\"value\":5"), "pass");
    outcome_is(expect(f, "table_column_count_to_be_between", "\"max_value\":4"),
               "fail");
    outcome_is(expect(f, "column_to_exist", "\"column\":\"N\""), "pass");
    outcome_is(expect(f, "column_to_exist", "\"column\":\"N\",\"column_index\":0"),
               "fail");
    outcome_is(expect(f, "column_to_exist", "\"column\":\"nope\""), "fail");
    outcome_is(expect(f, "table_columns_to_match_ordered_list",
                      "\"column_list\":[\"id\",\"n\",\"x\",\"s\",\"at\"]"),
               "pass");
    outcome_is(expect(f, "table_columns_to_match_ordered_list",
                      "\"column_list\":[\"n\",\"id\",\"x\",\"s\",\"at\"]"),
               "fail");
    outcome_is(expect(f, "table_columns_to_match_set", "\"column_set\":[\"id\",\"n\"]"),
               "fail");
    outcome_is(expect(f, "table_columns_to_match_set",
                      "\"column_set\":[\"id\",\"n\"],\"exact_match\":false"),
               "pass");
}

static void test_several_columns(void **state)
{
    struct fixture *f = *state;
    const json_t *r = expect(f, "column_pair_values_a_to_be_greater_than_b",
                             "\"column_A\":\"n\",\"column_B\":\"x\"");
    outcome_is(r, "fail"); /* (3, null) and (null, 2.5) */
    numbers_are(r, 5, 0, 2);
    r = expect(f, "column_pair_values_a_to_be_greater_than_b",
               "\"column_A\":\"n\",\"column_B\":\"x\",\"ignore_row_if\":"
               "\"either_value_is_missing\"");
    outcome_is(r, "pass");
    numbers_are(r, 5, 2, 0);
    outcome_is(expect(f, "column_pair_values_to_be_equal",
                      "\"column_A\":\"n\",\"column_B\":\"n\""),
               "pass");
    outcome_is(expect(f, "column_pair_values_to_be_equal",
                      "\"column_A\":\"n\",\"column_B\":\"x\",\"ignore_row_if\":\"x\""),
               "error");
    r = expect(f, "compound_columns_to_be_unique", "\"column_list\":[\"id\",\"n\"]");
    outcome_is(r, "pass");
    numbers_are(r, 5, 1, 0);
    run(f->w, "INSERT INTO silver.t SELECT * FROM silver.t WHERE n = 200");
    r = expect(f, "compound_columns_to_be_unique", "\"column_list\":[\"id\",\"n\"]");
    outcome_is(r, "fail");
    numbers_are(r, 6, 1, 2);
    outcome_is(expect(f, "select_column_values_to_be_unique_within_record",
                      "\"column_list\":[\"n\",\"x\"]"),
               "pass");
    r = expect(f, "multicolumn_sum_to_equal",
               "\"column_list\":[\"n\",\"x\"],\"sum_total\":1.5");
    outcome_is(r, "fail");
    numbers_are(r, 6, 0, 5);
    outcome_is(
        expect(f, "unexpected_rows_expectation",
               "\"unexpected_rows_query\":\"select * from {batch} where n > 500;\""),
        "pass");
    outcome_is(
        expect(f, "unexpected_rows_expectation",
               "\"unexpected_rows_query\":\"select * from {batch} where n > 5\""),
        "fail");
    error_has(
        expect(f, "compound_columns_to_be_unique", "\"column_list\":[\"id\",\"zz\"]"),
        "no column \"zz\"");
}

static void test_parameters(void **state)
{
    static const struct {
        const char *expr, *verdict; /* as min_value of max(n) = 200, or of max(at) */
    } numbers[] =
        {
            {"three", "pass"},         {"three * 66 + 2", "pass"},
            {"three * 67", "fail"},    {"200", "pass"},
            {"-(-200)", "pass"},       {"2 ^ 7 + 72", "pass"},
            {"abs(-200.4)", "fail"},   {"trunc(200.9)", "pass"},
            {"(100 + 100.5)", "fail"}, {"400 / 2", "pass"},
            {"PI * 63", "pass"},       {"round(200.4)", "pass"},
        },
      times[] = {
          {"now() - interval '5 minutes'", "pass"},
          {"now() - interval '1 minute'", "fail"},
          {"now() - interval '1 hour 5 minutes'", "pass"},
          {"now() - timedelta(minutes=2)", "pass"},
          {"now() - timedelta(minutes=1, seconds=59)", "fail"},
          {"now() - timedelta(1)", "pass"},
          {"datetime(2026, 1, 1, 12, 58)", "pass"},
          {"datetime(2026, 1, 1, hour=12, minute=59)", "fail"},
      };
    struct fixture *f = *state;
    char kwargs[300];
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        snprintf(kwargs, sizeof kwargs,
                 "\"column\":\"n\",\"min_value\":{\"$PARAMETER\":\"%s\"}",
                 numbers[i].expr);
        outcome_is(expect(f, "column_max_to_be_between", kwargs), numbers[i].verdict);
    }
    for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
        snprintf(kwargs, sizeof kwargs,
                 "\"column\":\"at\",\"min_value\":{\"$PARAMETER\":\"%s\"}",
                 times[i].expr);
        outcome_is(expect(f, "column_max_to_be_between", kwargs), times[i].verdict);
    }
    outcome_is(expect(f, "table_row_count_to_be_between",
                      "\"min_value\":{\"$PARAMETER\":\"own\",\"$PARAMETER.own\":5}"),
               "pass");
    outcome_is(
        expect(f, "table_row_count_to_be_between",
               "\"min_value\":{\"$PARAMETER\":\"three\",\"$PARAMETER.three\":99}"),
        "pass"); /* what is given wins over the default */
}

static void test_parameters_that_cannot_be(void **state)
{
    static const struct {
        const char *expr, *want;
    } cases[] = {
        {"unknown", "no value for \\\"unknown\\\""},
        {"three +", "expected a value"},
        {"three three", "expected the end"},
        {"three / 0", "division by zero"},
        {"now() * 2", "do not combine"},
        {"now() + known", "do not combine"},
        {"system(1)", "unknown function"},
        {"interval '5 parsecs'", "expected milliseconds"},
        {"datetime(1, 2)", "out of range"},
        {"((((three", "expected )"},
    };
    struct fixture *f = *state;
    char kwargs[300];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        snprintf(kwargs, sizeof kwargs, "\"min_value\":{\"$PARAMETER\":\"%s\"}",
                 cases[i].expr);
        const json_t *r = expect(f, "table_row_count_to_be_between", kwargs);
        outcome_is(r, "error");
        char *text = json_dumps(json_object_get(r, "exception_info"), 0);
        if (!strstr(text, cases[i].want))
            fail_msg("%s: %s", cases[i].expr, text);
        free(text);
    }
}

static void test_what_cannot_run_is_an_error(void **state)
{
    static const char text[] =
        "{\"name\":\"mixed\",\"expectations\":["
        "{\"type\":\"expect_column_values_to_not_be_null\",\"kwargs\":{\"column\":"
        "\"nope\"},"
        "\"severity\":\"info\"},"
        "{\"type\":\"expect_column_values_to_match_regex\",\"kwargs\":{\"column\":"
        "\"id\","
        "\"regex\":\"[\"}},"
        "{\"type\":\"expect_table_row_count_to_equal\",\"kwargs\":{\"value\":5}},"
        "{\"type\":\"expect_the_moon\",\"kwargs\":{}}]}";
    struct fixture *f = *state;
    struct suite_run r = {.schema = "silver", .relation = "t"};
    struct err e = {0};
    assert_int_equal(judge(f, text, &r, &e), 0);
    assert_int_equal(f->verdict, VERDICT_ERROR);
    error_has(result_at(f, 0), "silver.t has no column \"nope\"");
    outcome_is(result_at(f, 1), "error");
    outcome_is(result_at(f, 2), "pass"); /* the others are judged all the same */
    outcome_is(result_at(f, 3), "not_evaluated");
    assert_false(json_flag(f->result, "success", true));
    const json_t *s = json_object_get(f->result, "statistics");
    assert_int_equal(json_i64(s, "evaluated_expectations", 0), 3);
    assert_int_equal(json_i64(s, "successful_expectations", 0), 1);
    r.relation = "missing";
    assert_int_equal(judge(f, text, &r, &e), 0);
    error_has(result_at(f, 2), "silver.missing");
}

static void test_severities(void **state)
{
    static const char text[] = "{\"expectation_suite_name\":\"old\",\"expectations\":["
                               "{\"expectation_type\":\"expect_table_row_count_to_"
                               "equal\",\"kwargs\":{\"value\":1},"
                               "\"meta\":{\"severity\":\"%s\"}}]}";
    static const struct {
        const char *severity, *word;
        enum verdict verdict;
    } cases[] = {{"critical", "fail", VERDICT_FAIL},
                 {"warning", "warn", VERDICT_WARN},
                 {"info", "info", VERDICT_PASS}};
    struct fixture *f = *state;
    struct suite_run r = {.schema = "silver", .relation = "t"};
    struct err e = {0};
    for (size_t i = 0; i < 3; i++) {
        char suite[400], *at = strstr(text, "%s");
        snprintf(suite, sizeof suite, "%.*s%s%s", (int)(at - text), text,
                 cases[i].severity, at + 2);
        assert_int_equal(judge(f, suite, &r, &e), 0);
        assert_int_equal(f->verdict, cases[i].verdict);
        outcome_is(result_at(f, 0), cases[i].word);
        assert_string_equal(json_str(f->result, "suite_name", ""), "old");
    }
    assert_int_equal(judge(f, "[{\"type\":\"x\",\"severity\":\"high\"}]", &r, &e),
                     ERR_CONFIG);
    assert_non_null(strstr(e.text, "expected critical, warning or info"));
    assert_int_equal(judge(f, "{\"expectations\":[{\"kwargs\":{}}]}", &r, &e),
                     ERR_CONFIG);
    assert_int_equal(judge(f, "{}", &r, &e), ERR_CONFIG);
}

static void test_row_conditions(void **state)
{
    static const struct {
        const char *condition;
        int64_t elements; /* -1: an error */
    } cases[] = {
        {"\"col(\\\"n\\\") > 1\"", 3},
        {"\"col(\\\"id\\\") == \\\"b\\\"\"", 2},
        {"\"col('id') != 'b'\"", 2},
        {"\"col(\\\"x\\\").notNull()\"", 4},
        {"\"col(\\\"at\\\") >= date(\\\"2026-01-01 11\\\")\"", 3},
        {"\"col(\\\"n\\\") > 1 and 1\"", -1},
        {"\"col(\\\"nope\\\") > 1\"", -1},
        {"\"n > 1\"", -1},
        {"{\"type\":\"comparison\",\"column\":{\"name\":\"n\"},\"operator\":\"<\","
         "\"parameter\":3}",
         2},
        {"{\"type\":\"comparison\",\"column\":{\"name\":\"n\"},\"operator\":\"IN\","
         "\"parameter\":[1,200]}",
         2},
        {"{\"type\":\"nullity\",\"column\":{\"name\":\"n\"},\"is_null\":true}", 1},
        {"{\"type\":\"or\",\"conditions\":[{\"type\":\"nullity\",\"column\":{\"name\":"
         "\"n\"},"
         "\"is_null\":true},{\"type\":\"comparison\",\"column\":{\"name\":\"n\"},"
         "\"operator\":\">=\",\"parameter\":3}]}",
         3},
        {"{\"type\":\"pass_through\",\"pass_through_filter\":\"1\"}", -1},
    };
    struct fixture *f = *state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char kwargs[500];
        snprintf(kwargs, sizeof kwargs, "\"column\":\"id\",\"row_condition\":%s",
                 cases[i].condition);
        const json_t *r = expect(f, "column_values_to_be_unique", kwargs);
        int64_t n = json_i64(json_object_get(r, "result"), "element_count", -1);
        if (n != cases[i].elements)
            fail_msg("%s: %lld elements", cases[i].condition, (long long)n);
    }
    /* 'b' twice, but once under the condition */
    outcome_is(expect(f, "column_values_to_be_unique",
                      "\"column\":\"id\",\"row_condition\":\"col(\\\"n\\\") > 2\""),
               "pass");
    outcome_is(expect(f, "table_row_count_to_equal",
                      "\"value\":3,\"row_condition\":\"col(\\\"n\\\") > 1\""),
               "pass");
}

static int64_t ask(struct wh *w, const char *sql)
{
    struct err e = {0};
    int64_t n = -1;
    if (wh_query_i64(w, sql, &n, &e) < 0)
        fail_msg("%s: %s", sql, e.text);
    return n;
}

static void test_failing_rows_are_kept(void **state)
{
    static const char text[] =
        "[{\"type\":\"expect_column_values_to_be_unique\",\"kwargs\":{\"column\":"
        "\"id\"}},"
        "{\"type\":\"expect_column_value_lengths_to_be_between\",\"kwargs\":{"
        "\"column\":\"s\","
        "\"max_value\":5}},"
        "{\"type\":\"expect_column_values_to_be_between\",\"kwargs\":{\"column\":\"n\","
        "\"min_value\":1}}]";
    struct fixture *f = *state;
    struct suite_run r = {.schema = "silver",
                          .relation = "t",
                          .on = "silver.live", /* t is built aside */
                          .quarantine = "quarantine.t",
                          .quarantine_wh = f->quarantine,
                          .run_id = 42};
    struct err e = {0};
    /* inside a transaction that is rolled back, as a publication is */
    assert_int_equal(wh_begin_on(f->w, "silver", &e), 0);
    assert_int_equal(judge(f, text, &r, &e), 0);
    assert_int_equal(wh_rollback(f->w, &e), 0);
    assert_int_equal(json_i64(json_object_get(f->result, "meta"), "quarantined", 0), 3);
    assert_int_equal(ask(f->quarantine,
                         "SELECT COUNT(*) FROM quarantine.t WHERE run_id = 42"
                         " AND relation = 'silver.live'"),
                     3);
    assert_int_equal(ask(f->quarantine,
                         "SELECT COUNT(*) FROM quarantine.t WHERE expectation = "
                         "'expect_column_values_to_be_unique' AND "
                         "json_extract(row_json, '$.id') = 'b'"),
                     2);
    /* a card number does not get there, nor into the result */
    assert_int_equal(ask(f->quarantine,
                         "SELECT COUNT(*) FROM quarantine.t WHERE row_json "
                         "LIKE '%411111******1111%'"),
                     2);
    char *all = json_dumps(f->result, 0);
    assert_null(strstr(all, "4111111111111111"));
    free(all);
    assert_string_equal(json_str(f->result, "on", ""), "silver.live");
    json_t *checks = suite_checks(f->result), *last = json_array_get(checks, 2);
    assert_int_equal(json_array_size(checks), 3);
    assert_string_equal(json_str(last, "expectation", ""),
                        "column_values_to_be_between");
    assert_string_equal(json_str(last, "column", ""), "n");
    assert_string_equal(json_str(last, "expected", ""), "min_value=1");
    json_decref(checks);
}

static void test_where_and_summary(void **state)
{
    struct fixture *f = *state;
    struct suite_run r = {.schema = "silver", .relation = "t", .where = "n < 3"};
    struct err e = {0};
    struct buf b;
    const char *text =
        "[{\"type\":\"expect_column_values_to_be_unique\",\"kwargs\":"
        "{\"column\":\"id\"}},{\"type\":\"expect_table_row_count_to_equal\","
        "\"kwargs\":{\"value\":3}}]";
    assert_int_equal(judge(f, text, &r, &e), 0);
    outcome_is(result_at(f, 0), "pass");
    buf_init(&b, 1 << 16);
    suite_summary(f->result, &b);
    assert_string_equal(buf_str(&b), "1 of 2 expectations do not hold: "
                                     "expect_table_row_count_to_equal: observed 2");
    buf_release(&b);
    r.where = "no such thing (";
    assert_true(judge(f, text, &r, &e) < 0); /* once, not by every check */
    assert_non_null(strstr(e.text, "where no such thing ("));
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup_table, teardown)
    const struct CMUnitTest tests[] = {
        T(test_map_rules),
        T(test_text_is_not_between_numbers),
        T(test_sets_patterns_lengths),
        T(test_aggregates),
        T(test_no_rows),
        T(test_table_expectations),
        T(test_several_columns),
        T(test_parameters),
        T(test_parameters_that_cannot_be),
        T(test_what_cannot_run_is_an_error),
        T(test_severities),
        T(test_row_conditions),
        T(test_failing_rows_are_kept),
        T(test_where_and_summary),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
