/* The table: order, filter, and a cursor that stays on its row whatever comes. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/json.h"
#include "ui/grid.h"

static const struct grid_column columns[] = {
    {"name", "name", GRID_TEXT, 10, 1, 0},
    {"n", "number", GRID_COUNT, 8, 2, 0},
    {"state", "state", GRID_STATE, 8, 3, 0},
};

static json_t *load(const char *text)
{
    json_t *v = json_loads(text, 0, NULL);
    assert_non_null(v);
    return v;
}

static void set(struct grid *g, const char *text)
{
    json_t *rows = load(text);
    grid_set_rows(g, rows);
    json_decref(rows);
}

static const char *at_cursor(const struct grid *g)
{
    return json_str(grid_row(g), "name", "");
}

static const char three[] = "[{\"name\":\"b\",\"n\":2,\"state\":\"ok\"},"
                            "{\"name\":\"a\",\"n\":10,\"state\":\"failed\"},"
                            "{\"name\":\"c\",\"n\":1,\"state\":\"ok\"}]";

static int setup(void **state)
{
    static struct grid g;
    grid_init(&g, columns, 3, "name", -1, false);
    *state = &g;
    return 0;
}

static int teardown(void **state)
{
    grid_release(*state);
    return 0;
}

static void sorts_numbers_as_numbers(void **state)
{
    struct grid *g = *state;

    set(g, three);
    grid_set_sort(g, 1, false);
    grid_goto(g, 0);
    assert_string_equal(at_cursor(g), "c");
    grid_goto(g, SIZE_MAX);
    assert_string_equal(at_cursor(g), "a");
    grid_set_sort(g, 1, true);
    assert_string_equal(at_cursor(g), "a"); /* stays on its row */
    assert_int_equal(g->cursor, 0);
    assert_int_equal(grid_column(g, "NUMBER"), 1);
    assert_int_equal(grid_column(g, "nothing"), -1);
}

static void cursor_follows_its_row(void **state)
{
    struct grid *g = *state;

    set(g, three);
    grid_move(g, 1);
    assert_string_equal(at_cursor(g), "a");
    set(g, "[{\"name\":\"new\"},{\"name\":\"b\"},{\"name\":\"c\"},{\"name\":\"a\"}]");
    assert_string_equal(at_cursor(g), "a");
    assert_int_equal(g->cursor, 3);
    set(g, "[{\"name\":\"new\"},{\"name\":\"b\"}]"); /* it is gone: the nearest place */
    assert_int_equal(g->cursor, 1);
    set(g, "[]");
    assert_null(grid_row(g));
    grid_move(g, 5);
    grid_move(g, -5);
    assert_null(grid_row(g));
    set(g, three);
    assert_non_null(grid_row(g));
}

static void moves_are_clamped(void **state)
{
    struct grid *g = *state;

    set(g, three);
    grid_move(g, 100);
    assert_int_equal(g->cursor, 2);
    grid_move(g, -100);
    assert_int_equal(g->cursor, 0);
}

static void filters_any_cell(void **state)
{
    struct grid *g = *state;
    char text[64];

    set(g, three);
    grid_set_filter(g, "FAIL");
    assert_int_equal(g->n, 1);
    assert_string_equal(at_cursor(g), "a");
    grid_position(g, text, sizeof text);
    assert_string_equal(text, "1-1 of 1 found");
    grid_set_filter(g, "!fail");
    assert_int_equal(g->n, 2);
    grid_set_filter(g, "10");
    assert_int_equal(g->n, 1);
    grid_set_filter(g, "!");
    assert_int_equal(g->n, 3);
    grid_set_filter(g, "");
    assert_int_equal(g->n, 3);
    grid_position(g, text, sizeof text);
    assert_string_equal(text, "");
}

static void odd_data_is_survived(void **state)
{
    struct grid *g = *state;
    struct buf b;

    set(g, "[1, null, \"x\", {}, {\"name\":{\"deep\":[1]},\"n\":\"ten\",\"state\":7}]");
    assert_int_equal(g->n, 2); /* only objects are rows */
    grid_set_sort(g, 1, false);
    buf_init(&b, 4096);
    grid_tsv(g, false, &b);
    assert_string_equal(buf_str(&b),
                        "name\tnumber\tstate\n\t-\t\n{\"deep\":[1]}\tten\t7\n");
    buf_release(&b);
    grid_set_rows(g, NULL);
    assert_int_equal(g->n, 0);
}

static void tsv_keeps_one_line_a_row(void **state)
{
    struct grid *g = *state;
    struct buf b;

    set(g, "[{\"name\":\"a\\tb\\nc\",\"n\":1234,\"state\":\"ok\"}]");
    buf_init(&b, 4096);
    grid_tsv(g, true, &b);
    assert_string_equal(buf_str(&b), "a b c\t1,234\tok\n");
    buf_release(&b);
}

static void states_have_looks(void **state)
{
    (void)state;
    assert_int_equal(grid_state_role("failed"), ROLE_ERROR);
    assert_int_equal(grid_state_role("ok"), ROLE_OK);
    assert_int_equal(grid_state_role("never heard of"), ROLE_TEXT);
    assert_int_equal(grid_state_glyph("blocked"), GLYPH_BLOCKED);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
int main(void)
{
    const struct CMUnitTest tests[] = {
        T(sorts_numbers_as_numbers), T(cursor_follows_its_row),
        T(moves_are_clamped),        T(filters_any_cell),
        T(odd_data_is_survived),     T(tsv_keeps_one_line_a_row),
        T(states_have_looks),
    };
    return cmocka_run_group_tests_name("ui_grid", tests, NULL, NULL);
}
