/* Keys as data: the built-in ones, overriding, and keys that cannot be bound. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "ui/action.h"
#include "ui/keymap.h"
#include "ui/term.h"
#include "ui/view.h"

static int add(struct keymap *m, const char *text, struct err *e)
{
    return keymap_parse(m, text, strlen(text), "keys", e);
}

static void a_views_row_wins(void **state)
{
    struct keymap m;

    (void)state;
    keymap_init_default(&m);
    assert_string_equal(keymap_find(&m, "overview", 'j'), "row-down");
    assert_string_equal(keymap_find(&m, "log", '/'), "search");
    assert_string_equal(keymap_find(&m, "runs", '/'), "filter");
    assert_null(keymap_find(&m, "log", KEY_ENTER_)); /* bound to none there */
    assert_null(keymap_find(&m, "overview", 'X'));
    keymap_release(&m);
}

static void later_rows_replace(void **state)
{
    struct keymap m;
    struct err e = {0};

    (void)state;
    keymap_init_default(&m);
    size_t n = m.n;
    assert_int_equal(
        add(&m, "# mine\n\nbind * j row-up\nbind lag X sort lag desc\r\n", &e), 0);
    assert_int_equal(m.n, n + 1);
    assert_string_equal(keymap_find(&m, "runs", 'j'), "row-up");
    assert_string_equal(keymap_find(&m, "lag", 'X'), "sort lag desc");
    assert_int_equal(add(&m, "bind * j none\n", &e), 0);
    assert_null(keymap_find(&m, "runs", 'j'));
    keymap_release(&m);
}

static void errors_name_the_line(void **state)
{
    static const struct {
        const char *text, *want;
    } cases[] = {
        {"bind * j\n", "keys:1: expected"},
        {"\nmap * j row-up\n", "keys:2: expected"},
        {"bind * F99 row-up\n", "keys:1: unknown key \"F99\""},
        {"bind * C-i help\n", "C-i cannot be bound: it is Tab"},
        {"bind * C-z help\n", "job control"},
        {"bind * C-s help\n", "stops the terminal's output"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct keymap m = {0};
        struct err e = {0};
        assert_int_equal(add(&m, cases[i].text, &e), ERR_CONFIG);
        if (!strstr(e.text, cases[i].want))
            fail_msg("\"%s\" has no \"%s\"", e.text, cases[i].want);
        keymap_release(&m);
    }
}

static void key_names_round_trip(void **state)
{
    static const int keys[] = {'a',     'G',      '/',         ' ',
                               4,       12,       KEY_TAB_,    KEY_ENTER_,
                               KEY_ESC, KEY_PGDN, KEY_BACKTAB, 0x4e2d};
    char name[16];

    (void)state;
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        assert_int_equal(keymap_key_parse(keymap_key_name(keys[i], name)), keys[i]);
    assert_int_equal(keymap_key_parse("xyz"), KEY_NONE);
    assert_int_equal(keymap_key_parse(""), KEY_NONE);
}

/* Every built-in row names an action and a view that exist; no action that an operator
 * needs hangs on the mouse alone. */
static void built_in_rows_are_sound(void **state)
{
    struct keymap m;

    (void)state;
    keymap_init_default(&m);
    for (size_t i = 0; i < m.n; i++) {
        size_t n = strcspn(m.rows[i].command, " ");
        if (strcmp(m.rows[i].command, "none") != 0 &&
            !action_find(m.rows[i].command, n))
            fail_msg("no action for \"%s\"", m.rows[i].command);
        if (strcmp(m.rows[i].view, "*") != 0)
            assert_non_null(view_find(m.rows[i].view));
    }
    for (size_t i = 0; i < view_count(); i++)
        assert_true(view_at(i)->name && view_at(i)->title && view_at(i)->doc);
    keymap_release(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_views_row_wins),
        cmocka_unit_test(later_rows_replace),
        cmocka_unit_test(errors_name_the_line),
        cmocka_unit_test(key_names_round_trip),
        cmocka_unit_test(built_in_rows_are_sound),
    };
    return cmocka_run_group_tests_name("ui_keymap", tests, NULL, NULL);
}
