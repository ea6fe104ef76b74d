/* Themes: files, inheritance, errors that name the place, and that the shipped files
 * are complete and equal to what is built in. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "ui/theme.h"

static int parse(struct theme *t, const char *text, struct err *e)
{
    return theme_parse(t, text, strlen(text), "x.theme", e);
}

static void parses_colours_and_attributes(void **state)
{
    struct theme t;
    struct err e = {0};

    (void)state;
    theme_init_default(&t);
    assert_int_equal(parse(&t,
                           "# comment\n\n  error = bright-red 17 bold,underline\n"
                           "ok = #00ff00 default\r\n",
                           &e),
                     0);
    assert_int_equal(t.style[ROLE_ERROR].fg, 9);
    assert_int_equal(t.style[ROLE_ERROR].bg, 17);
    assert_int_equal(t.style[ROLE_ERROR].attr, THEME_BOLD | THEME_UNDERLINE);
    assert_int_equal(t.style[ROLE_OK].fg, 46);
    assert_int_equal(t.style[ROLE_OK].bg, -1);
    assert_int_equal(t.style[ROLE_OK].attr, 0);
}

static void missing_roles_keep_their_look(void **state)
{
    struct theme t, d;

    (void)state;
    theme_init_default(&t);
    theme_init_default(&d);
    assert_int_equal(parse(&t, "ok = 1 2 bold\n", NULL), 0);
    for (int i = 0; i < ROLE_COUNT; i++)
        if (i != ROLE_OK)
            assert_memory_equal(&t.style[i], &d.style[i], sizeof t.style[i]);
}

static void errors_name_line_and_nearest(void **state)
{
    static const struct {
        const char *text, *want;
    } cases[] = {
        {"ok = 1 2\neror = red default\n",
         "x.theme:2: unknown role \"eror\"; did you mean "
         "\"error\"?"},
        {"ok = gren default\n",
         "x.theme:1: unknown colour \"gren\"; did you mean \"green\"?"},
        {"ok = 256 default\n", "x.theme:1: unknown colour \"256\""},
        {"ok = #12345g default\n", "unknown colour \"#12345g\""},
        {"ok = red default blink\n", "x.theme:1: unknown attribute \"blink\""},
        {"\n\nok red\n", "x.theme:3: expected \"role = "},
        {"ok = red\n", "x.theme:1: expected \"role = foreground background"},
        {"a b = red red\n", "x.theme:1: expected one role before"},
        {"ok = red red bold more\n", "x.theme:1: unexpected \"more\""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct theme t, d;
        struct err e = {0};
        theme_init_default(&t);
        theme_init_default(&d);
        assert_int_equal(parse(&t, cases[i].text, &e), ERR_CONFIG);
        if (!strstr(e.text, cases[i].want))
            fail_msg("\"%s\" has no \"%s\"", e.text, cases[i].want);
        assert_memory_equal(&t, &d, sizeof t); /* unchanged */
    }
}

static void refuses_binary_and_huge(void **state)
{
    struct theme t;
    struct err e = {0};
    static char huge[70 * 1024];

    (void)state;
    theme_init_default(&t);
    assert_int_equal(theme_parse(&t, "ok\0=", 4, "x", &e), ERR_CONFIG);
    memset(huge, '\n', sizeof huge);
    assert_int_equal(theme_parse(&t, huge, sizeof huge, "x", &e), ERR_LIMIT);
}

/* Every role of a shipped file is read as it stands there. */
static void shipped_files_match(void **state)
{
    static const char *const dirs[] = {"themes", NULL};
    static const char *const names[] = {"default", "mono", "dark", "light", "safe"};

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct theme t, builtin;
        struct err e = {0};
        if (theme_load(&t, names[i], dirs, &e) < 0)
            fail_msg("%s", e.text);
        assert_string_equal(t.name, names[i]);
        if (i > 1)
            continue;
        (i == 0 ? theme_init_default : theme_init_mono)(&builtin);
        for (int r = 0; r < ROLE_COUNT; r++)
            if (memcmp(&t.style[r], &builtin.style[r], sizeof t.style[r]) != 0)
                fail_msg("themes/%s.theme and the built-in differ in \"%s\"", names[i],
                         theme_role_name((enum role)r));
    }
}

/* mono must say everything without colours; each role has a letter of its own. */
static void mono_has_no_colour_and_letters_differ(void **state)
{
    struct theme t;
    char seen[256] = {0};

    (void)state;
    theme_init_mono(&t);
    for (int r = 0; r < ROLE_COUNT; r++) {
        assert_int_equal(t.style[r].fg, -1);
        assert_int_equal(t.style[r].bg, -1);
        assert_int_equal(seen[(unsigned char)theme_role_letter((enum role)r)]++, 0);
    }
    assert_true(ROLE_COUNT <= 24);
}

/* The page documents each role, by name and meaning. */
static void the_man_page_has_every_role(void **state)
{
    struct buf b;
    struct err e = {0};
    char want[160];

    (void)state;
    buf_init(&b, 1u << 20);
    if (buf_read_file(&b, "man/weir-theme.5", &e) < 0)
        fail_msg("%s", e.text);
    for (int r = 0; r < ROLE_COUNT; r++) {
        snprintf(want, sizeof want, ".It Cm %s\n%s\n", theme_role_name((enum role)r),
                 theme_role_doc((enum role)r));
        if (!strstr(buf_str(&b), want))
            fail_msg("man/weir-theme.5 has no \"%s\"", want);
    }
    buf_release(&b);
}

static void missing_theme_lists_what_there_is(void **state)
{
    static const char *const dirs[] = {"/nonexistent", "themes", "themes", NULL};
    struct theme t;
    struct err e = {0};

    (void)state;
    theme_init_default(&t);
    assert_int_equal(theme_load(&t, "drak", dirs, &e), ERR_NOTFOUND);
    assert_non_null(strstr(e.text, " dark"));
    assert_int_equal(theme_load(&t, "mono", NULL, &e), 0); /* exists without files */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parses_colours_and_attributes),
        cmocka_unit_test(missing_roles_keep_their_look),
        cmocka_unit_test(errors_name_line_and_nearest),
        cmocka_unit_test(refuses_binary_and_huge),
        cmocka_unit_test(shipped_files_match),
        cmocka_unit_test(mono_has_no_colour_and_letters_differ),
        cmocka_unit_test(the_man_page_has_every_role),
        cmocka_unit_test(missing_theme_lists_what_there_is),
    };
    return cmocka_run_group_tests_name("ui_theme", tests, NULL, NULL);
}
