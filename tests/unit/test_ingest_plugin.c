/* Broken plugins are named and contained: each is compiled here and run in a child. */
#include "ingest_fixture.h"

#include <sys/resource.h>

/* A plugin whose calls can be overridden by the text in front. */
static const char *const body =
    "#include <stdlib.h>\n#include <string.h>\n#include <unistd.h>\n#include "
    "<stdio.h>\n"
    "#include \"weir/plugin.h\"\n"
    "%s\n"
    "#ifndef ABI\n#define ABI WEIR_PLUGIN_ABI\n#endif\n"
    "#ifndef SYMBOL\n#define SYMBOL weir_plugin\n#endif\n"
    "#ifndef OPEN\nstatic int p_open(const struct weir_host *h, bool b, const char *c, "
    "void **s, char *e) { static int x; (void)h; (void)b; (void)c; (void)e; *s = &x; "
    "return 0; }\n#define OPEN p_open\n#endif\n"
    "#ifndef NEXT\nstatic enum weir_status p_next(void *s, struct weir_record *r, char "
    "*e) "
    "{ (void)s; (void)r; (void)e; return WEIR_END; }\n#define NEXT p_next\n#endif\n"
    "#ifndef CHECKPOINT\nstatic int p_cp(void *s, char *o, size_t n, char *e) { "
    "(void)s; "
    "(void)e; (void)n; o[0] = '1'; o[1] = 0; return 0; }\n#define CHECKPOINT "
    "p_cp\n#endif\n"
    "static void p_close(void *s) { (void)s; }\n"
    "static const struct weir_setting settings[] = {{\"path\", \"path\", 0, \"A "
    "file.\", "
    "true}, {\"speed\", \"int\", \"1\", \"A number.\", false}, {0}};\n"
    "const struct weir_plugin SYMBOL = {.abi = ABI, .name = \"bad\", .version = \"1\", "
    ".settings = settings, .open = OPEN, .next = NEXT, .checkpoint = CHECKPOINT, "
    ".close = p_close};\n";

/* Compile text to DIR/bad.so. */
static void compile(struct fix *f, const char *text, size_t n)
{
    char cmd[4 * PATH_MAX];
    fix_write(fix_path(f, "bad.c"), text, n, false);
    snprintf(cmd, sizeof(cmd), "cc -w -shared -fPIC -Iinclude -o %s %s 2>&1",
             fix_path(f, "bad.so"), fix_path(f, "bad.c"));
    if (system(cmd) != 0) /* NOLINT: a fixed command on our own files */
        fail_msg("cc failed: %s", cmd);
}

static void build(struct fix *f, const char *front)
{
    char *text = malloc(16384);
    int n = snprintf(text, 16384, body, front);
    compile(f, text, (size_t)n);
    free(text);
}

static void begin(struct fix *f, const char *front)
{
    fix_init(f, "bad", "in");
    fix_plugin_path(f->dir);
    f->source.hang_ms = 150;
    build(f, front);
}

#define NEXT_IS(code)                                                                  \
    "#define NEXT bad_next\nstatic enum weir_status bad_next(void *s, struct "         \
    "weir_record "                                                                     \
    "*r, char *e) { (void)s; (void)r; (void)e; " code " }\n"

static void a_good_one_runs(void **state)
{
    (void)state;
    struct fix f;
    begin(&f, "");
    assert_int_equal(fix_ingest(&f), 0);
    fix_release(&f);
}

static void loading_fails_by_name(void **state)
{
    (void)state;
    static const struct {
        const char *front, *says;
    } cases[] = {
        {"#define ABI 999\n", "bad.so: plugin ABI 999, this weir has 1"},
        {"#define SYMBOL something_else\n", "bad.so: no symbol weir_plugin"},
        {"#define NEXT 0\n", "the plugin's descriptor has no next"},
        {"void nowhere(void);\nvoid use(void);\nvoid use(void) { nowhere(); }\n",
         "undefined symbol: nowhere"},
        {"__attribute__((constructor)) static void c(void) { abort(); }\n",
         "plugin bad crashed in load (SIGABRT)"},
        {"__attribute__((constructor)) static void c(void) { exit(0); }\n",
         "plugin bad called exit() in load"},
        {"__attribute__((constructor)) static void c(void) { for (;;) pause(); }\n",
         "plugin bad hangs in load"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct fix f;
        begin(&f, cases[i].front);
        assert_int_not_equal(fix_ingest(&f), 0);
        fix_assert_says(&f, cases[i].says);
        fix_release(&f);
    }
}

static void running_fails_by_name(void **state)
{
    (void)state;
    static const struct {
        const char *front, *says;
        int status;
    } cases[] = {
        {NEXT_IS("*(volatile int *)8 = 1; return WEIR_END;"),
         "source src: plugin bad crashed in next (SIGSEGV)", 128 + SIGSEGV},
        {NEXT_IS("abort();"), "plugin bad crashed in next (SIGABRT)", 128 + SIGABRT},
        {NEXT_IS("for (;;) pause();"), "plugin bad hangs in next", 1},
        {NEXT_IS("for (;;) ;"), "plugin bad hangs in next", 1},
        {NEXT_IS("return WEIR_WAIT;"), "plugin bad hangs: it says \"wait\"", 4},
        {NEXT_IS("exit(0);"), "plugin bad called exit() in next", 1},
        {NEXT_IS("return 77;"), "next returned 77, which means nothing", 1},
        {NEXT_IS("strcpy(e, \"the till is on fire\"); return WEIR_FATAL;"),
         "source src: the till is on fire", 1},
        {NEXT_IS("memset(e, 'x', WEIR_ERROR_MAX); return WEIR_ERROR;"), "xxxx", 1},
        {NEXT_IS("r->value = 0; r->value_len = 5; return WEIR_RECORD;"),
         "a value of 5 bytes", 1},
        {NEXT_IS(
             "r->value = \"\"; r->value_len = (size_t)1 << 40; return WEIR_RECORD;"),
         "a value of 1099511627776 bytes", 1},
        {"#define CHECKPOINT bad_cp\nstatic int bad_cp(void *s, char *o, size_t n, "
         "char *e) "
         "{ (void)s; (void)e; memset(o, 'x', n); return 0; }\n",
         "checkpoint without an end", 1},
        {"#define OPEN bad_open\nstatic int bad_open(const struct weir_host *h, bool "
         "b, const "
         "char *c, void **s, char *e) { (void)h; (void)b; (void)c; (void)s; strcpy(e, "
         "\"no such till\"); return WEIR_ERROR; }\n",
         "source src: no such till", 1},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct fix f;
        begin(&f, cases[i].front);
        assert_int_equal(fix_ingest(&f), cases[i].status);
        fix_assert_says(&f, cases[i].says);
        fix_release(&f);
    }
}

static void what_came_before_a_crash_is_not_half_kept(void **state)
{
    (void)state;
    struct fix f;
    begin(
        &f,
        NEXT_IS("static int n; if (n++ == 10) abort(); r->value = \"v\"; r->value_len "
                "= 1; return WEIR_RECORD;"));
    assert_int_equal(fix_ingest(&f), 128 + SIGABRT);
    assert_int_equal(fix_count(&f, "data"), 0); /* no checkpoint: nothing is visible */
    fix_release(&f);
}

static void what_came_before_an_error_is_kept(void **state)
{
    (void)state;
    struct fix f;
    begin(&f,
          NEXT_IS("static int n; if (n++ == 10) return WEIR_ERROR; r->value = \"v\"; "
                  "r->value_len = 1; return WEIR_RECORD;"));
    assert_int_equal(fix_ingest(&f), 1);
    assert_int_equal(fix_count(&f, "data"), 10);
    fix_release(&f);
}

static void memory_is_limited(void **state)
{
    (void)state;
    struct fix f;
#ifdef __SANITIZE_ADDRESS__
    skip();
#endif
    begin(&f,
          NEXT_IS("char *p = malloc((size_t)256 << 20); if (!p) { strcpy(e, \"no "
                  "memory\"); return WEIR_FATAL; } memset(p, 1, (size_t)256 << 20); "
                  "return WEIR_END;"));
    f.source.memory_bytes = 64 << 20;
    assert_int_equal(fix_ingest(&f), 1);
    fix_assert_says(&f, "no memory");
    fix_release(&f);
}

static void missing_plugin_names_those_there(void **state)
{
    (void)state;
    struct fix f;
    fix_init(&f, "pso", "in");
    assert_int_not_equal(fix_ingest(&f), 0);
    fix_assert_says(
        &f, "no plugin \"pso\"; did you mean \"pos\"? There are: pos, products, "
            "stores");
    fix_release(&f);
}

static void settings_are_checked(void **state)
{
    (void)state;
    struct fix f;
    begin(&f, "");
    fix_set(&f, "sped", "3");
    assert_int_equal(fix_ingest(&f), 2);
    fix_assert_says(&f,
                    "sources.src.sped: plugin bad knows no such setting; did you mean "
                    "\"speed\"?");
    f.source.n_settings--;
    fix_set(&f, "speed", "fast");
    assert_int_equal(fix_ingest(&f), 2);
    fix_assert_says(&f, "sources.src.speed: int expected, not \"fast\" (A number.)");
    f.source.n_settings = 0;
    assert_int_equal(fix_ingest(&f), 2);
    fix_assert_says(&f, "sources.src.path is missing: A file.");
    fix_release(&f);
}

/* What the manual shows is a whole plugin that works. */
static void the_manuals_example_counts_to_ten(void **state)
{
    (void)state;
    struct fix f;
    struct buf page;
    struct err e = {0};
    char text[4096];
    size_t n = 0;
    buf_init(&page, 1 << 20);
    assert_int_equal(buf_read_file(&page, "man/weir-plugin.3", &e), 0);
    const char *p = strstr(buf_str(&page), "#include <stdio.h>");
    const char *end = strstr(p, "\n.Ed");
    for (; p < end && n < sizeof(text); p++) {
        bool is_backslash = p[0] == '\\' && p[1] == 'e';
        text[n++] = *p;
        p += is_backslash;
    }
    fix_init(&f, "bad", "in");
    f.source.n_settings = 0;
    fix_plugin_path(f.dir);
    compile(&f, text, n);
    assert_int_equal(fix_ingest(&f), 0);
    assert_int_equal(fix_ingest(&f), 0);
    struct fix_records r = fix_topic(&f, "data");
    assert_int_equal(r.n, 10);
    assert_string_equal(r.v[9].value, "{\"n\":10}");
    fix_records_free(&r);
    buf_release(&page);
    fix_release(&f);
}

int main(void)
{
    struct rlimit none = {0, 0};
    setrlimit(RLIMIT_CORE, &none);
    if (access("include/weir/plugin.h", R_OK) != 0) {
        print_message("run from the repository's root\n");
        return 1;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_one_runs),
        cmocka_unit_test(loading_fails_by_name),
        cmocka_unit_test(running_fails_by_name),
        cmocka_unit_test(what_came_before_a_crash_is_not_half_kept),
        cmocka_unit_test(what_came_before_an_error_is_kept),
        cmocka_unit_test(memory_is_limited),
        cmocka_unit_test(missing_plugin_names_those_there),
        cmocka_unit_test(settings_are_checked),
        cmocka_unit_test(the_manuals_example_counts_to_ten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
