/* Tables for people, CSV and JSON for programs, and whole command lines: what reaches
 * standard output, standard error and the exit status. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/json.h"
#include "base/str.h"
#include "cmd/cmd.h"

static char out_text[1 << 18], err_text_seen[8192];

struct capture {
    int saved[2];
    FILE *file[2];
};

static void capture_begin(struct capture *c)
{
    fflush(stdout);
    for (int i = 0; i < 2; i++) {
        c->file[i] = tmpfile();
        assert_non_null(c->file[i]);
        c->saved[i] = dup(i + 1);
        dup2(fileno(c->file[i]), i + 1);
    }
}

static void capture_end(struct capture *c)
{
    char *text[2] = {out_text, err_text_seen};
    size_t size[2] = {sizeof out_text, sizeof err_text_seen};
    fflush(stdout);
    for (int i = 0; i < 2; i++) {
        dup2(c->saved[i], i + 1);
        close(c->saved[i]);
        rewind(c->file[i]);
        text[i][fread(text[i], 1, size[i] - 1, c->file[i])] = '\0';
        fclose(c->file[i]);
    }
}

static int weir(const char *first, ...)
{
    char *argv[20] = {(char *)(uintptr_t) "weir"};
    int n = 1;
    va_list ap;
    va_start(ap, first);
    for (const char *p = first; p; p = va_arg(ap, const char *))
        argv[n++] = (char *)(uintptr_t)p;
    va_end(ap);
    struct capture c;
    capture_begin(&c);
    int rc = cmd_main(n, argv);
    capture_end(&c);
    return rc;
}

static const struct cmd_column columns[] = {
    {"name", "NAME", COL_TEXT},     {"n", "N", COL_NUMBER},      {"at", "AT", COL_TIME},
    {"took", "TOOK", COL_DURATION}, {"size", "SIZE", COL_BYTES},
};

static const char *printed(const char *format, json_t *rows)
{
    struct cmd_args a = {.output = format, .is_json = streq(format, "json")};
    struct err e = {0};
    struct capture c;
    capture_begin(&c);
    int rc = cmd_print_rows(&a, rows, columns, 5, &e);
    capture_end(&c);
    assert_int_equal(rc, 0);
    json_decref(rows);
    return out_text;
}

static json_t *sample(void)
{
    json_t *rows = json_array();
    json_array_append_new(rows, json_pack("{s:s,s:i,s:I,s:i,s:i}", "name", "a\x1b[2Jé",
                                          "n", 7, "at", (json_int_t)1496671391000,
                                          "took", 190000, "size", 1536));
    json_array_append_new(
        rows, json_pack("{s:s,s:i,s:b}", "name", "say \"x\", y", "n", 12345, "at", 1));
    return rows;
}

static void a_table_for_people(void **state)
{
    (void)state;
    assert_string_equal(printed("text", sample()),
                        "NAME            N  AT                      TOOK     SIZE\n"
                        "a^[[2Jé         7  2017-06-05T14:03:11Z  3m 10s  1.5 KiB\n"
                        "say \"x\", y  12345  yes                        -        -\n");
    assert_string_equal(printed("text", json_array()), "(none)\n");
}

static void csv_and_json_for_programs(void **state)
{
    (void)state;
    assert_string_equal(
        printed("csv", sample()),
        "name,n,at,took,size\r\na\x1b[2Jé,7,1496671391000,190000,1536\r\n"
        "\"say \"\"x\"\", y\",12345,true,,\r\n");
    json_t *v;
    printed("json", sample());
    assert_int_equal(json_load_text(out_text, strlen(out_text), &v, NULL), 0);
    assert_int_equal(json_array_size(v), 2);
    json_decref(v);
    assert_string_equal(printed("json", json_array()), "[]\n");
}

static void bytes_for_people(void **state)
{
    (void)state;
    char text[32];
    cmd_format_bytes(999, text);
    assert_string_equal(text, "999 B");
    cmd_format_bytes((int64_t)5 << 30, text);
    assert_string_equal(text, "5.0 GiB");
}

static void exit_statuses(void **state)
{
    (void)state;
    assert_int_equal(weir("--version", NULL), 0);
    assert_string_equal(out_text, "weir " WEIR_VERSION "\n");
    assert_int_equal(weir("--help", NULL), 0);
    assert_int_equal(weir("version", "--help", NULL), 0);
    assert_int_equal(weir(NULL), 2);
    assert_non_null(strstr(out_text, "usage:"));
    assert_int_equal(weir("nonsense", NULL), 2);
    assert_string_equal(out_text, "");
    assert_true(str_starts(err_text_seen, "weir: there is no command"));
    assert_int_equal(weir("version", "-o", "xml", NULL), 2);
    assert_int_equal(weir("completion", "-o", "json", NULL), 2);
    assert_int_equal(weir("man-pages", NULL), 2);
    assert_int_equal(weir("completion", NULL), 0);
    assert_int_equal(weir("version", "-o", "json", NULL), 0);
    assert_int_equal(weir("conf", "schema", NULL), 0);
    assert_int_equal(weir("conf", "shwo", NULL), 2);
    assert_non_null(strstr(err_text_seen, "did you mean show?"));
    assert_int_equal(weir("conf", "check", "--project-dir", "/nix", NULL), 2);
}

/* weir init makes a project that conf check accepts, and never overwrites. */
static void a_new_project_is_valid(void **state)
{
    (void)state;
    const char *tmp = getenv("TMPDIR");
    char dir[PATH_MAX], path[PATH_MAX + 100], command[PATH_MAX + 100];
    snprintf(dir, sizeof dir, "%s/weir-init-XXXXXX", tmp ? tmp : "/tmp");
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/1 shop", dir);
    assert_int_equal(weir("init", path, NULL), 0);
    assert_non_null(strstr(out_text, "made platform __shop"));
    assert_int_equal(weir("init", path, NULL), 1);
    assert_non_null(strstr(err_text_seen, "nothing was changed"));
    assert_int_equal(weir("conf", "check", "--project-dir", path, NULL), 0);
    assert_non_null(strstr(out_text, ": ok: "));
    assert_int_equal(
        weir("conf", "show", "--project-dir", path, "--set", "clock=data", NULL), 0);
    assert_non_null(strstr(out_text, "--set\n"));
    unsetenv("WEIR_PROJECT_DIR");
    unsetenv("WEIR_STATE_DIR");
    unsetenv("WEIR_SET");
    char wrong[PATH_MAX + 200];
    snprintf(wrong, sizeof wrong, "--project-dir=%s", path);
    assert_int_equal(
        weir("conf", "check", wrong, "--set", "schedules.hourly.cron=61 * * * *", NULL),
        2);
    assert_non_null(
        strstr(err_text_seen, "--set: schedules.hourly.cron: cron: \"61\""));
    unsetenv("WEIR_SET");
    assert_int_equal(
        weir("conf", "check", wrong, "--set", "schedules.hourly.select=tga:x", NULL),
        2);
    assert_non_null(strstr(err_text_seen, "did you mean \"tag:\""));
    unsetenv("WEIR_PROJECT_DIR");
    unsetenv("WEIR_STATE_DIR");
    unsetenv("WEIR_SET");
    snprintf(path, sizeof path, "%s/man", dir);
    assert_int_equal(weir("man-pages", path, NULL), 0);
    assert_non_null(strstr(out_text, "weir.yml.5"));
    snprintf(command, sizeof command, "rm -rf '%s'", dir);
    assert_int_equal(system(command), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_table_for_people),
        cmocka_unit_test(csv_and_json_for_programs),
        cmocka_unit_test(bytes_for_people),
        cmocka_unit_test(exit_statuses),
        cmocka_unit_test(a_new_project_is_valid),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
