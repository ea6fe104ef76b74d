/* profiles.yml → the platform's warehouse: which file, profile and target, both kinds,
 * mistakes by name, and that no secret is told. */
#include <ftw.h>
#include "conf_fixture.h"
#include "model/model.h"

static struct platform *loaded;
static struct err why;

static void put(const char *name, const char *text)
{
    char path[PATH_MAX + 64];
    snprintf(path, sizeof path, "%s/%s", conf_dir, name);
    for (char *s = path + strlen(conf_dir) + 1; *s; s++)
        if (*s == '/') {
            *s = '\0';
            mkdir(path, 0755);
            *s = '/';
        }
    conf_put(name, text, strlen(text));
}

static int setup(void **state)
{
    int rc = conf_setup(state);
    static const char *const unset[] = {"DBT_PROFILES_DIR", "DBT_PROFILE", "DBT_TARGET",
                                        "SHOP_PORT", "DBT_ENV_SECRET_SHOP"};
    for (size_t i = 0; i < sizeof unset / sizeof *unset; i++)
        unsetenv(unset[i]);
    setenv("HOME", conf_dir, 1);
    put("dbt_project.yml", "name: x\nprofile: shop\n");
    loaded = NULL;
    return rc;
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *f)
{
    (void)st, (void)flag, (void)f;
    return remove(path);
}

static int teardown(void **state)
{
    (void)state;
    conf_free(loaded);
    return chdir("/") < 0 || nftw(conf_dir, remove_one, 8, FTW_DEPTH | FTW_PHYS) < 0;
}

static int apply(void)
{
    conf_free(loaded);
    err_clear(&why);
    if (conf_load(&loaded, NULL, &why) < 0)
        fail_msg("%s", why.text);
    return profile_apply(loaded, &why);
}

#define SHOP                                                                           \
    "shop:\n"                                                                          \
    "  target: dev\n"                                                                  \
    "  outputs:\n"                                                                     \
    "    dev: {type: postgres, host: db.example, port: \"{{ env_var('SHOP_PORT', "     \
    "'5433') | int }}\", user: ann, pass: \"{{ env_var('DBT_ENV_SECRET_SHOP') }}\", "  \
    "dbname: sales, schema: mart, threads: 7, connect_timeout: 3, keepalives_idle: "   \
    "20, retries: 4, search_path: 'a, b', role: owner, sslmode: verify-full, "         \
    "sslrootcert: /ca.pem}\n"                                                          \
    "    files: {type: sqlite, threads: 1, database: database, schema: main, "         \
    "schemas_and_paths: {main: one/etl.db, raw: /far/raw.db}, schema_directory: "      \
    "one}\n"

static void a_postgres_target(void **state)
{
    (void)state;
    setenv("DBT_ENV_SECRET_SHOP", "s3same", 1);
    put("profiles.yml", SHOP);
    assert_int_equal(apply(), 0);
    const struct conf_postgres *g = &loaded->postgres;
    assert_string_equal(loaded->warehouse_kind, "postgres");
    assert_string_equal(loaded->dialect, "postgres");
    assert_string_equal(g->host, "db.example");
    assert_int_equal(g->port, 5433);
    assert_string_equal(g->password, "s3same");
    assert_string_equal(g->dbname, "sales");
    assert_string_equal(g->role, "owner");
    assert_string_equal(g->sslmode, "verify-full");
    assert_int_equal(g->connect_timeout_ms, 3000);
    assert_int_equal(g->keepalives_idle_ms, 20000);
    assert_int_equal(g->retries, 4);
    assert_int_equal(loaded->sql_workers, 7);
    assert_null(loaded->schemas[0]); /* none is made before a node needs it */
}

static void a_sqlite_target(void **state)
{
    char path[PATH_MAX + 64];
    (void)state;
    put("profiles.yml", SHOP);
    put("one/etl.db", "");
    put("one/more.db", "");
    setenv("DBT_TARGET", "files", 1);
    assert_int_equal(apply(), 0);
    assert_string_equal(loaded->warehouse_kind, "sqlite");
    assert_int_equal(loaded->n_warehouse_files, 2);
    snprintf(path, sizeof path, "%s/one/etl.db", conf_dir);
    assert_string_equal(loaded->warehouse_files[0].value, path);
    assert_string_equal(loaded->schemas[1], "raw");
    assert_string_equal(loaded->schemas[2], "more"); /* found in schema_directory */
    assert_null(loaded->schemas[3]);
}

static void the_order_of_places(void **state)
{
    (void)state;
    put(".dbt/profiles.yml", "shop: {outputs: {default: {type: postgres, host: home, "
                             "dbname: d}}}\n");
    assert_int_equal(apply(), 0);
    assert_string_equal(loaded->postgres.host, "home");
    put("profiles.yml", "shop: {outputs: {default: {type: postgres, host: project, "
                        "dbname: d}}}\n");
    assert_int_equal(apply(), 0);
    assert_string_equal(loaded->postgres.host, "project");
    put("else/profiles.yml", "shop: {outputs: {default: {type: postgres, host: else, "
                             "dbname: d}}}\n");
    setenv("DBT_PROFILES_DIR", "else", 1);
    assert_int_equal(apply(), 0);
    assert_string_equal(loaded->postgres.host, "else");
    setenv("DBT_PROFILES_DIR", "nowhere", 1);
    assert_int_equal(apply(), ERR_CONFIG);
    assert_non_null(strstr(why.text, "nowhere: there is no profiles.yml"));
}

/* weir.yml's own warehouse stands; without one the profile in the folder counts, the
 * home folder's only when it is named. */
static void beside_a_weir_yml(void **state)
{
    (void)state;
    put(".dbt/profiles.yml", "shop: {outputs: {default: {type: postgres, host: home, "
                             "dbname: d}}}\n");
    put("weir.yml", "platform: x\n");
    assert_int_equal(apply(), 0);
    assert_string_equal(loaded->warehouse_kind, "sqlite");
    put("weir.yml", "platform: x\nwarehouse: {profile: shop}\n");
    assert_int_equal(apply(), 0);
    assert_string_equal(loaded->postgres.host, "home");
    assert_string_equal(loaded->schemas[0], "bronze");
    put("weir.yml", "platform: x\nwarehouse: {profile: shpo}\n");
    assert_int_equal(apply(), ERR_CONFIG);
    assert_non_null(strstr(why.text, "did you mean \"shop\"?"));
    put("profiles.yml", SHOP);
    put("weir.yml", "platform: x\nwarehouse: {sqlite: {}}\n");
    assert_int_equal(apply(), 0);
    assert_string_equal(loaded->warehouse_kind, "sqlite");
}

static void mistakes_are_named(void **state)
{
    static const struct {
        const char *text, *says;
    } cases[] = {
        {"shop: {target: prd, outputs: {prod: {type: sqlite}}}\n",
         "profiles.yml: there is no target \"prd\"; did you mean \"prod\"?"},
        {"shpo: {outputs: {}}\n",
         "there is no profile \"shop\"; did you mean \"shpo\"?"},
        {"shop: {outputs: {default: {type: postgres, host: h, dbname: d, port: "
         "lots}}}\n",
         "target \"default\": port: expected a whole number"},
        {"shop: {outputs: {default: {type: postgres, dbname: d}}}\n",
         "host: it is missing"},
        {"shop: {outputs: {default: {type: postgres, host: h}}}\n",
         "dbname: it is missing"},
        {"shop: {outputs: {default: {host: h}}}\n", "type: it is missing"},
        {"shop: {outputs: {default: {type: postgres, host: \"{{ env_var('NOT_SET') "
         "}}\"}}}"
         "\n",
         "host: expression:1:4: the environment variable NOT_SET is not set"},
        {"shop:\n\toutputs: {}\n", "profiles.yml:2"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        put("profiles.yml", cases[i].text);
        assert_int_not_equal(apply(), 0);
        if (!strstr(why.text, cases[i].says))
            fail_msg("%s\n  says %s\n  not %s", cases[i].text, why.text, cases[i].says);
    }
    put("dbt_project.yml", "name: x\n");
    put("profiles.yml", SHOP);
    assert_int_equal(apply(), ERR_CONFIG);
    assert_non_null(strstr(why.text, "\"profile\" is missing"));
}

/* Templates see the target's keys as dbt names them, and no password. */
static void what_templates_see(void **state)
{
    struct project *p;
    (void)state;
    setenv("DBT_ENV_SECRET_SHOP", "s3same", 1);
    put("profiles.yml", SHOP);
    put("models/m.sql",
        "select '{{ target.dbname }} {{ target.host }} {{ target.port }} "
        "{{ target.user }} {{ target.name }} {{ target.profile_name }} "
        "{{ target.pass }}{{ target.password }}' as t from {{ this }}");
    struct project_options o = {.project_dir = conf_dir, .adapter = "postgres"};
    struct buf sql;
    buf_init(&sql, 10000);
    if (project_load(&p, &o, &why) < 0)
        fail_msg("%s", why.text);
    if (model_compile(p, NULL, project_find(p, "model.x.m"), &sql, &why) < 0)
        fail_msg("%s", why.text);
    assert_string_equal(buf_str(&sql),
                        "select 'sales db.example 5433 ann dev shop ' as "
                        "t from \"sales\".\"mart\".\"m\"");
    char *shown = json_dumps(project_target(p), 0);
    assert_null(strstr(shown, "s3same"));
    free(shown);
    buf_release(&sql);
    project_free(p);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_postgres_target), TEST(a_sqlite_target),    TEST(the_order_of_places),
        TEST(beside_a_weir_yml), TEST(mistakes_are_named), TEST(what_templates_see),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
