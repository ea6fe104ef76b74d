/* The parse cache changes nothing: after any edit of a project, its manifest with the
 * cache is its manifest without. Hundreds of edits of every kind, one after the other,
 * and caches that are damaged, cut off, of another weir or not to be written. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <fcntl.h>
#include "base/buf.h"
#include "base/str.h"
#include "base/vec.h"
#include "model_fixture.h"

struct project_state {
    struct shop *s;
    const char *vars, *target;
};

static const char *cache_path(const struct shop *s)
{
    static char path[160];
    snprintf(path, sizeof path, "%s/target/partial_parse.weir", s->dir);
    return path;
}

static const char *manifest_path(const struct shop *s)
{
    static char path[160];
    snprintf(path, sizeof path, "%s/target/manifest.json", s->dir);
    return path;
}

/* ── a project with something of everything ── */

static const struct {
    const char *path, *text;
} files[] = {
    {"dbt_project.yml",
     "name: tiny\nversion: '1.0'\nprofile: tiny\nvars: {limit: 10, tiny: {own: 1}}\n"
     "models:\n  tiny:\n    +materialized: view\n    marts: {+schema: gold, +tags: "
     "[m]}\n"
     "seeds: {tiny: {+quote_columns: true}}\n"},
    {"profiles.yml", "tiny: {target: dev, outputs: {dev: {type: sqlite, schema: main}, "
                     "prod: {type: sqlite, schema: live}}}\n"},
    {"packages.yml", "packages: [{local: packages/dep}]\n"},
    {"packages/dep/dbt_project.yml",
     "name: dep\nversion: '1.0'\nvars: {dep: {d: 7}}\n"},
    {"packages/dep/models/dep_model.sql", "select {{ var('d') }} as d"},
    {"packages/dep/models/shared.sql", "select 1 as dep_shared"},
    {"packages/dep/macros/dep.sql", "{% macro dep_col(c) %}{{ c }}{% endmacro %}"},
    {"models/a.sql", "{{ config(tags=['x'], meta={'k': 1}) }}select 1 as id"},
    {"models/b.sql", "select * from {{ ref('a') }} where {{ cents('id') }} > 0"},
    {"models/c.sql", "select * from {{ ref('b') }} join {{ source('raw', 't') }} using "
                     "(id) limit {{ var('limit') }}"},
    {"models/d.sql",
     "{% if env_var('WEIR_TEST_CACHE', 'no') == 'yes' %}select * from {{ "
     "ref('a') }}{% else %}select * from {{ ref('b') }}{% endif %}"},
    {"models/e.sql", "{{ config(materialized='ephemeral', alias='eee') }}select {{ "
                     "dep.dep_col('id') }} from {{ ref('dep_model') }}"},
    {"models/f.sql", "{% if target.name == 'prod' %}{{ config(schema='p') }}{% endif %}"
                     "select * from {{ ref('e') }}"},
    {"models/g.sql", "-- {{ graph.nodes | length }} {{ model.name }}\nselect * from {{ "
                     "ref(var('which', 'a')) }}"},
    {"models/h.sql", "{% if 'eee' in ref('e').identifier %}select * from {{ ref('a') }}"
                     "{% else %}select * from {{ ref('s') }}{% endif %}"},
    {"models/i.sql",
     "{% if model.path == 'i.sql' %}select * from {{ ref('a') }}{% else "
     "%}select * from {{ ref('b') }}{% endif %}"},
    {"models/broken.sql", "select * from {{ ref('nobody') }}"},
    {"models/marts/m.sql",
     "{{ config(post_hook=\"select '{{ ref('a') }}'\") }}select * "
     "from {{ ref('shared') }}"},
    {"models/marts/off.sql", "{{ config(enabled=var('on', false)) }}select 1"},
    {"models/docs.md", "{% docs about %}All about it.{% enddocs %}"},
    {"models/p.yml",
     "version: 2\nmodels:\n  - name: a\n    description: The first.\n    columns:\n"
     "      - name: id\n        description: \"{{ doc('about') }}\"\n        tests:\n"
     "          - not_null\n          - unique: {config: {severity: warn}}\n"
     "  - name: b\n    config: {tags: [yml]}\n    tests:\n      - positive: "
     "{column_name: "
     "id}\nsources:\n  - name: raw\n    tables: [{name: t, columns: [{name: id, tests: "
     "[unique]}]}]\nexposures:\n  - name: board\n    type: dashboard\n    owner: "
     "{name: "
     "x}\n    depends_on: [ref('c')]\n"},
    {"models/marts/q.yml",
     "models:\n  - name: m\n    description: >\n      Folded\n      "
     "text.\n"},
    {"macros/cents.sql", "{% macro cents(c) %}({{ c }} / 100){% endmacro %}"},
    {"macros/tests.sql",
     "{% test positive(model, column_name) %}select * from {{ model "
     "}} where {{ column_name }} < 0{% endtest %}"},
    {"seeds/s.csv", "id,name\n1,x\n"},
    {"snapshots/snap.sql", "{% snapshot snap %}{{ config(strategy='check', "
                           "unique_key='id', check_cols='all', target_schema='main') }}"
                           "select * from {{ ref('a') }}{% endsnapshot %}"},
    {"tests/singular.sql", "select * from {{ ref('c') }} where id is null"},
    {"analyses/look.sql", "select count(*) from {{ ref('m') }}"},
};

static void write_all(struct shop *s)
{
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        put(s, files[i].path, files[i].text);
}

/* ── with and without ── */

/* Without the cache the manifest goes elsewhere: the one in target is copied from. */
static struct project_options options(const struct project_state *t, bool no_cache,
                                      char dir[128], char target[128])
{
    snprintf(dir, 128, "%s/tiny", t->s->dir);
    snprintf(target, 128, "%s/%s", t->s->dir, no_cache ? "plain" : "target");
    return (struct project_options){.project_dir = dir,
                                    .vars = t->vars,
                                    .target = t->target,
                                    .adapter = "sqlite",
                                    .schema = "main",
                                    .dialect = "sqlite",
                                    .target_path = target,
                                    .no_cache = no_cache,
                                    .now_ms = 1514764800000};
}

static void strip_times(json_t *m)
{
    static const char *const keys[] = {"generated_at", "invocation_id",
                                       "invocation_started_at", "run_started_at"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        json_object_del(json_object_get(m, "metadata"), keys[i]);
}

/* What the manifest file says after a parse, and the warnings. */
static char *parsed(struct project_state *t, bool no_cache)
{
    char dir[128], target[128];
    struct project_options o = options(t, no_cache, dir, target);
    struct err e = {0};
    struct buf b;
    buf_init(&b, 64u << 20);
    project_free(t->s->p);
    t->s->p = NULL;
    if (project_load(&t->s->p, &o, &e) < 0) {
        buf_addf(&b, "error: %s", e.text);
        return buf_take(&b);
    }
    assert_int_equal(project_write_manifest(t->s->p, &e), 0);
    char *path = mem_printf("%s/manifest.json", target);
    json_t *m = json_load_file(path, 0, NULL);
    mem_free(path);
    assert_non_null(m);
    strip_times(m);
    char *text = json_dumps(m, JSON_SORT_KEYS | JSON_INDENT(1));
    buf_adds(&b, text);
    for (size_t i = 0; i < project_n_warnings(t->s->p); i++)
        buf_addf(&b, "\nwarning: %s", project_warning(t->s->p, i));
    free(text);
    json_decref(m);
    return buf_take(&b);
}

static void first_difference(const char *what, const char *with, const char *without)
{
    size_t i = 0;
    while (with[i] && with[i] == without[i])
        i++;
    size_t from = i > 300 ? i - 300 : 0;
    fail_msg("%s:\nwith the cache: %.600s\n\nwithout: %.600s", what, with + from,
             without + from);
}

static void compare(struct project_state *t, const char *what)
{
    char *with = parsed(t, false), *without = parsed(t, true);
    if (!streq(with, without))
        first_difference(what, with, without);
    mem_free(with);
    mem_free(without);
    with = parsed(t, false); /* and once more, from what this left */
    without = parsed(t, true);
    if (!streq(with, without))
        first_difference(what, with, without);
    mem_free(with);
    mem_free(without);
}

/* ── edits ── */

static char *path_of(struct shop *s, const char *rel)
{
    return mem_printf("%s/tiny/%s", s->dir, rel);
}

static void append(struct shop *s, const char *rel, const char *text)
{
    char *path = path_of(s, rel);
    FILE *f = fopen(path, "a");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
    mem_free(path);
}

static void gone(struct shop *s, const char *rel)
{
    char *path = path_of(s, rel);
    unlink(path);
    mem_free(path);
}

static void moved(struct shop *s, const char *from, const char *to)
{
    char *a = path_of(s, from), *b = path_of(s, to), *name = strrchr(b, '/');
    *name = '\0';
    mkdir(b, 0755); /* or it is there */
    *name = '/';
    rename(a, b);
    mem_free(a);
    mem_free(b);
}

static void replace(struct shop *s, const char *rel, const char *from, const char *to)
{
    char *path = path_of(s, rel);
    struct buf b, out;
    buf_init(&b, 1u << 20);
    buf_init(&out, 1u << 20);
    if (buf_read_file(&b, path, NULL) < 0) { /* another edit took it away */
        mem_free(path);
        return;
    }
    const char *at = strstr(buf_str(&b), from);
    if (at) {
        buf_add(&out, b.data, (size_t)(at - b.data));
        buf_adds(&out, to);
        buf_adds(&out, at + strlen(from));
        FILE *f = fopen(path, "w"); /* in place: the same inode */
        fputs(buf_str(&out), f);
        fclose(f);
    }
    buf_release(&b);
    buf_release(&out);
    mem_free(path);
}

enum edit_kind { APPEND, REPLACE, PUT, GONE, MOVED, VARS, TARGET, SET };

/* One edit of each kind. */
static const struct {
    enum edit_kind kind;
    const char *rel; /* the file; of VARS, TARGET and SET the value */
    const char *a, *b;
    const char *what;
} edits[] = {
    {APPEND, "models/a.sql", "\n-- more", NULL, "a comment in a model"},
    {REPLACE, "models/b.sql", "ref('a')", "ref('s')", "another ref"},
    {REPLACE, "models/b.sql", "ref('s')", "ref('a')", "the ref back"},
    {REPLACE, "models/a.sql", "'x'", "'y'", "a config in a model"},
    {REPLACE, "models/e.sql", "eee", "fff", "an alias that others look at"},
    {REPLACE, "models/e.sql", "fff", "eee", "the alias back"},
    {APPEND, "macros/cents.sql", "{# said #}", NULL, "a macro's file"},
    {REPLACE, "macros/cents.sql", "/ 100", "/ 100{{ config(meta={'by': 'macro'}) }}",
     "a macro that configures"},
    {REPLACE, "models/p.yml", "The first.", "The very first.", "a description"},
    {REPLACE, "models/p.yml", "- not_null", "- not_null\n - positive", "one more test"},
    {REPLACE, "models/p.yml", "tags: [yml]", "tags: [other]", "a config in yml"},
    {APPEND, "seeds/s.csv", "2,y\n", NULL, "a seed's row"},
    {REPLACE, "models/docs.md", "All about", "Everything about", "a doc"},
    {VARS, "{limit: 20}", NULL, NULL, "a var"},
    {VARS, "{limit: 20, which: b, on: true}", NULL, NULL, "vars that enable and link"},
    {VARS, NULL, NULL, NULL, "no vars"},
    {SET, "yes", NULL, NULL, "an environment variable"},
    {SET, NULL, NULL, NULL, "no environment variable"},
    {TARGET, "prod", NULL, NULL, "another target"},
    {TARGET, NULL, NULL, NULL, "the target back"},
    {REPLACE, "profiles.yml", "schema: main", "schema: base", "the profile"},
    {PUT, "models/nobody.sql", "select 1", NULL, "a file that was missed"},
    {PUT, "models/shared.sql", "{{ config(alias='own') }}select 2", NULL,
     "a model that hides a package's"},
    {GONE, "models/shared.sql", NULL, NULL, "and away again"},
    {GONE, "models/nobody.sql", NULL, NULL, "a missing model"},
    {MOVED, "models/b.sql", "models/marts/b.sql", NULL, "a model's other folder"},
    {MOVED, "models/marts/b.sql", "models/b.sql", NULL, "and back"},
    {MOVED, "models/c.sql", "models/cc.sql", NULL, "a model's other name"},
    {MOVED, "models/cc.sql", "models/c.sql", NULL, "the name back"},
    {REPLACE, "dbt_project.yml", "+schema: gold", "+schema: silver", "dbt_project.yml"},
    {REPLACE, "dbt_project.yml", "limit: 10", "limit: 11", "a var of dbt_project.yml"},
    {APPEND, "packages/dep/models/dep_model.sql", "\n-- d", NULL, "a package's model"},
    {REPLACE, "packages/dep/macros/dep.sql", "{{ c }}", "min({{ c }})",
     "a package's macro"},
    {REPLACE, "packages/dep/dbt_project.yml", "d: 7", "d: 8", "a package's var"},
    {PUT, "macros/naming.sql",
     "{% macro generate_schema_name(custom_schema_name, node) %}z_{{ "
     "custom_schema_name or 'none' }}{% endmacro %}",
     NULL, "a macro that names"},
    {GONE, "macros/naming.sql", NULL, NULL, "no macro that names"},
    {APPEND, "models/marts/q.yml", " config: {enabled: false}\n", NULL,
     "a model switched off"},
    {REPLACE, "models/marts/q.yml", " config: {enabled: false}\n", "", "and on"},
    {REPLACE, "models/a.sql", "select 1", "select {{ oops }", "a syntax error"},
    {REPLACE, "models/a.sql", "select {{ oops }", "select 1", "no error"},
    {APPEND, "models/p.yml", "\tbad\n", NULL, "YAML that is none"},
    {REPLACE, "models/p.yml", "\tbad\n", "", "YAML again"},
    {REPLACE, "snapshots/snap.sql", "'all'", "['id']", "a snapshot"},
    {APPEND, "tests/singular.sql", " and 1 = 1", NULL, "a singular test"},
    {APPEND, "analyses/look.sql", " limit 1", NULL, "an analysis"},
    {REPLACE, "packages.yml", "[{local: packages/dep}]", "[]", "a package less"},
    {REPLACE, "packages.yml", "[]", "[{local: packages/dep}]", "the package back"},
    {REPLACE, "models/p.yml", "ref('c')", "ref('m')", "an exposure"},
    {PUT, "models/z.yml",
     "models: [{name: c, tests: [{positive: "
     "{column_name: id}}]}]\n",
     NULL, "a new yml"},
    {GONE, "models/z.yml", NULL, NULL, "a yml less"},
    {MOVED, "models/h.sql", "models/h/h.sql", NULL, "another folder, the same order"},
    {MOVED, "models/h/h.sql", "models/h.sql", NULL, "back again"},
    {MOVED, "models/i.sql", "models/i/i.sql", NULL,
     "the folder of one that looks at its path"},
};

static size_t n_edits(void)
{
    return sizeof edits / sizeof *edits;
}

static void apply(struct project_state *t, size_t k)
{
    struct shop *s = t->s;
    const char *rel = edits[k].rel, *a = edits[k].a, *b = edits[k].b;
    switch (edits[k].kind) {
    case APPEND:
        append(s, rel, a);
        break;
    case REPLACE:
        replace(s, rel, a, b);
        break;
    case PUT:
        put(s, rel, a);
        break;
    case GONE:
        gone(s, rel);
        break;
    case MOVED:
        moved(s, rel, a);
        break;
    case VARS:
        t->vars = rel;
        break;
    case TARGET:
        t->target = rel;
        break;
    case SET:
        if (rel)
            setenv("WEIR_TEST_CACHE", rel, 1);
        else
            unsetenv("WEIR_TEST_CACHE");
        break;
    }
}

/* Returns what edit k was, NULL past the last. */
static const char *edit(struct project_state *t, size_t k)
{
    if (k >= n_edits())
        return NULL;
    apply(t, k);
    return edits[k].what;
}

static void test_each_edit(void **state)
{
    struct project_state t = {.s = *state};
    write_all(t.s);
    compare(&t, "at first");
    for (size_t k = 0; k < n_edits(); k++)
        compare(&t, edit(&t, k));
    assert_null(edit(&t, n_edits()));
}

/* The same edits in other orders, several between two parses. */
static void test_edits_in_any_order(void **state)
{
    struct project_state t = {.s = *state};
    uint64_t x = 88172645463325252u;
    write_all(t.s);
    for (int i = 0; i < 150; i++) {
        char what[400] = "";
        for (int k = 0; k < 1 + i % 3; k++) {
            x ^= x << 13;
            x ^= x >> 7;
            x ^= x << 17;
            const char *one = edit(&t, (size_t)(x % n_edits()));
            size_t n = strlen(what);
            snprintf(what + n, sizeof what - n, "%s; ", one);
        }
        compare(&t, what);
    }
    unsetenv("WEIR_TEST_CACHE");
}

/* A file of the same size, written again with the time it had. */
static void test_a_time_that_lies(void **state)
{
    struct project_state t = {.s = *state};
    char *path = path_of(t.s, "models/a.sql");
    struct stat st;
    write_all(t.s);
    compare(&t, "at first");
    assert_int_equal(stat(path, &st), 0);
    replace(t.s, "models/a.sql", "select 1", "select 2");
    struct timespec times[2] = {st.st_atim, st.st_mtim};
    assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
    compare(&t, "a time set back");
    mem_free(path);
}

/* ── the cache file itself ── */

static void damage(struct shop *s, size_t at, char c)
{
    int fd = open(cache_path(s), O_WRONLY);
    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, &c, 1, (off_t)at), 1);
    close(fd);
}

static void test_damaged_caches(void **state)
{
    struct project_state t = {.s = *state};
    struct stat st;
    write_all(t.s);
    compare(&t, "at first");
    assert_int_equal(stat(cache_path(t.s), &st), 0);
    for (off_t at = 0; at < st.st_size; at += st.st_size / 40 + 1) {
        damage(t.s, (size_t)at, 'Z');
        compare(&t, "one byte other");
    }
    for (off_t n = 0; n < st.st_size; n += st.st_size / 20 + 1) {
        assert_int_equal(truncate(cache_path(t.s), n), 0);
        compare(&t, "cut off");
    }
    assert_int_equal(buf_write_file("weir parse cache\0", 17, cache_path(t.s), NULL),
                     0);
    compare(&t, "another weir's");
}

static void test_a_folder_where_the_cache_should_be(void **state)
{
    struct project_state t = {.s = *state};
    write_all(t.s);
    char target[128];
    snprintf(target, sizeof target, "%s/target", t.s->dir);
    mkdir(target, 0755);
    assert_int_equal(mkdir(cache_path(t.s), 0755), 0);
    compare(&t, "not to be written");
    assert_int_equal(rmdir(cache_path(t.s)), 0);
}

/* Nothing changed: the manifest is not written again; nor is the cache. */
static void test_nothing_is_written_for_nothing(void **state)
{
    struct project_state t = {.s = *state};
    struct stat a[2], b[2];
    write_all(t.s);
    gone(t.s, "models/i.sql");
    gone(t.s, "models/g.sql"); /* it looks at the graph: never taken from the cache */
    gone(t.s, "models/broken.sql");
    gone(t.s, "models/marts/m.sql"); /* and hooks may refer to what they like */
    gone(t.s, "models/marts/off.sql");
    gone(t.s, "analyses/look.sql");
    mem_free(parsed(&t, false));
    stat(manifest_path(t.s), &a[0]);
    stat(cache_path(t.s), &a[1]);
    struct timespec wait = {0, 60000000}; /* past the clock's tick: now it is trusted */
    nanosleep(&wait, NULL);
    mem_free(parsed(&t, false)); /* the files are old enough from here on */
    stat(cache_path(t.s), &a[1]);
    mem_free(parsed(&t, false));
    stat(manifest_path(t.s), &b[0]);
    stat(cache_path(t.s), &b[1]);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(a[i].st_ino, b[i].st_ino);
        assert_int_equal(a[i].st_mtim.tv_nsec, b[i].st_mtim.tv_nsec);
    }
}

#define T(name) cmocka_unit_test_setup_teardown(name, shop_setup, shop_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_each_edit),
        T(test_edits_in_any_order),
        T(test_a_time_that_lies),
        T(test_damaged_caches),
        T(test_a_folder_where_the_cache_should_be),
        T(test_nothing_is_written_for_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
