/* Mistakes in weir.yml: each is named with its place, what was expected and the nearest
 * valid name. */
#include "conf_fixture.h"

struct mistake {
    const char *text, *place, *says;
};

static const struct mistake mistakes[] = {
    {"platfrom: x\n",
     "weir.yml:1:1:", "unknown setting \"platfrom\"; did you mean \"platform\"?"},
    {"a: 1\nplatform: x\n", "weir.yml:1:1:", "man weir.yml"},
    {"platform: x\nplatform: y\n", "weir.yml:2:1:", "is there twice (first on line 1)"},
    {"platform: [a]\n", "weir.yml:1:11:", "expected a text, found a list"},
    {"clock: walk\n", "weir.yml:1:8:", "expected wall or data; did you mean \"wall\"?"},
    {"timezone: Mars/Base\n", "weir.yml:1:11:", "no time zone \"Mars/Base\""},
    {"pools: {a: {slots: many}}\n",
     "weir.yml:1:20:", "pools.a.slots: \"many\": expected a whole number, 1 to 256"},
    {"pools: {a: {slots: 0}}\n", "weir.yml:1:20:", "1 to 256"},
    {"pools: {a: {slots: 99999999999999999999}}\n", "weir.yml:1:20:", "1 to 256"},
    {"pools: {a: {statement_timeout: 5}}\n", "weir.yml:1:32:", "a duration such as"},
    {"warehouse: {postgres: {password: hunter2}}\n",
     "weir.yml:1:34:", "{env: NAME} or {file: PATH}"},
    {"warehouse: {postgres: {port: 70000}}\n", "weir.yml:1:30:", "0 to 65535"},
    {"warehouse: {postgres: {sslmode: ful}}\n", "weir.yml:1:", "verify-full"},
    {"warehouse: {sqlite: {}, postgres: {}}\n", "weir.yml:1:", "exclude each other"},
    {"warehouse: {dialect: sqlite, postgres: {}}\n",
     "weir.yml:1:", "takes postgres or snowflake"},
    {"pools: [a]\n", "weir.yml:1:8:", "expected a mapping"},
    {"pools: {a: 3}\n", "weir.yml:1:12:", "expected a mapping"},
    {"sources: {pos: {path: x}}\n", "weir.yml:1:16:", "\"plugin\" is missing"},
    {"sources: {pos: {plugin: pos, path: {a: b}}}\n",
     "weir.yml:1:36:", "expected a path"},
    {"sources: {\"a b\": {plugin: pos}}\n", "weir.yml:1:", "is no name here"},
    {"topics: {t: {retention: soon}}\n", "weir.yml:1:25:", "or forever"},
    {"topics: {t: {key: stroe}}\n", "weir.yml:1:19:", "did you mean \"store\"?"},
    {"streams: {s: {from: nix}}\n", "weir.yml:1:21:", "there is no topic \"nix\""},
    {"topics: {sales: {}}\nstreams: {s: {from: slaes}}\n",
     "weir.yml:2:21:", "did you mean \"sales\"?"},
    {"topics: {a: {}}\nstreams: {s: {from: a, tables: {shop: a}}}\n",
     "weir.yml:2:39:", "roles are store and product"},
    {"topics: {a: {}}\nstreams: {s: {from: a, tables: {store: b}}}\n",
     "weir.yml:2:", "there is no topic \"b\""},
    {"topics: {a: {}}\nstreams: {s: {from: a, windows: [7m]}}\n",
     "weir.yml:2:33:", "does not divide a day"},
    {"topics: {a: {}}\nstreams: {s: {from: a, windows: [1h, 5m]}}\n",
     "weir.yml:2:33:", "short to long"},
    {"topics: {a: {}}\nstreams: {s: {from: a, steps: [enirch]}}\n",
     "weir.yml:2:32:", "did you mean \"enrich\"?"},
    {"topics: {a: {}}\nstreams: {s: {from: a, steps: []}}\n",
     "weir.yml:2:31:", "empty"},
    {"topics: {a: {}}\nstreams: {s: {from: a, detect: {velocity: 10}}}\n",
     "weir.yml:2:43:", "10/min"},
    {"topics: {a: {}}\nstreams: {s: {from: a, detect: {alert_over: 1.234}}}\n",
     "weir.yml:2:45:", "an amount"},
    {"topics: {a: {}}\nstreams: {s: {from: a, workers: {min: 9, max: 3}}}\n",
     "weir.yml:2:39:", "larger than max"},
    {"topics: {a: {partitions: 4}, anomalies: {partitions: 5}}\nstreams: {s: {from: "
     "a}}\n",
     "weir.yml:1:54:", "must be 4"},
    {"topics: {a: {}}\nloads: {l: {from: a, into: table}}\n",
     "weir.yml:2:28:", "expected schema.table"},
    {"topics: {a: {}}\nloads: {l: {from: a, into: b.c, mode: upsert}}\n",
     "weir.yml:2:39:", "needs \"key\""},
    {"gates: {g: {suite: nix.json, on: a.b}}\n", "weir.yml:1:20:", "no file"},
    {"gates: {g: {suite: suite.json, on: a.b, parameters: {x: {a: 1}}}}\n",
     "weir.yml:1:", "{query: "},
    {"freshness: {raw: {warn: 1m}}\n", "weir.yml:1:", "expected schema.table"},
    {"freshness: {a.b: {warn: 5m, breach: 1m}}\n",
     "weir.yml:1:37:", "shorter than warn"},
    {"schedules: {h: {cron: hourly, select: x}}\n", "weir.yml:1:23:", "five fields"},
    {"alerts: {pagerduty: {}}\n", "alerts.pagerduty.kind:", "\"file\""},
    {"models: {project: nowhere}\n", "weir.yml:1:19:", "no dbt_project.yml"},
    {"bus: {kafka: {servers: [k]}}\n", "weir.yml:1:25:", "host:port"},
    {"bus: {kafka: {}}\n", "weir.yml:1:14:", "\"servers\" is missing"},
    {"bus: {kafka: {servers: [k:1]}, embedded: {}}\n",
     "weir.yml:1:6:", "exclude each other"},
    {"environment: ${CONF_NIX}\n", "weir.yml:1:14:", "${CONF_NIX:-default}"},
    {"environment: ${CONF_NIX\n", "weir.yml:1:14:", "neither ${NAME}"},
    {"environment: {env: CONF_NIX}\n", "weir.yml:1:", "CONF_NIX is not set"},
    {"environment: {file: nowhere}\n", "weir.yml:1:", "nowhere"},
    {"environment: \"a\\nb\"\n", "weir.yml:1:14:", "control character"},
    {"environment: \"a\\0b\"\n", "weir.yml:1:14:", "NUL"},
    {"- a\n- b\n", "weir.yml:1:1:", "found a list"},
    {"text\n", "weir.yml:1:1:", "found a single value"},
    {"\tplatform: x\n", "weir.yml:1:1:", "not with tabs"},
    {"platform: a: b\n", "weir.yml:1:12:", "in quotes"},
    {"platform: [a\n", "weir.yml:2:1:", "expected"},
    {"platform: \xff\n", "weir.yml:1:11:", "UTF-8"},
    {"a: &x [1]\nb: *x\n", "weir.yml:2:4:", "aliases"},
    {"a: &x {k: 1}\nb: {<<: *x}\n", "weir.yml:2:5:", "merge keys"},
    {"platform: a\n---\nplatform: b\n", "weir.yml:3:1:", "a second document"},
    {"? [a]\n: b\n", "weir.yml:1:3:", "not a single word"},
};

static void every_mistake_has_its_place_and_advice(void **state)
{
    (void)state;
    int n_bad = 0;
    for (size_t i = 0; i < sizeof mistakes / sizeof *mistakes; i++) {
        const struct mistake *m = &mistakes[i];
        struct platform *p = conf_try(m->text, NULL);
        if (p)
            fail_msg("accepted: %s", m->text);
        assert_int_equal(err_exit_status(conf_code), 2);
        if (!strstr(conf_error, m->place) || !strstr(conf_error, m->says))
            n_bad += printf("%s\n  says     %s\n  expected %s … %s\n", m->text,
                            conf_error, m->place, m->says);
    }
    assert_int_equal(n_bad, 0);
}

/* Ten levels of ten aliases would be ten milliards of nodes. */
static void a_bomb_of_aliases_is_refused_at_once(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 1 << 20);
    buf_adds(&b, "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for (int i = 1; i < 10; i++) {
        buf_addf(&b, "a%d: &a%d [", i, i);
        for (int k = 0; k < 10; k++)
            buf_addf(&b, "%s*a%d", k ? ", " : "", i - 1);
        buf_adds(&b, "]\n");
    }
    assert_null(conf_try(buf_str(&b), NULL));
    assert_non_null(strstr(conf_error, "aliases"));
    buf_release(&b);
}

static void size_and_depth_are_limited(void **state)
{
    (void)state;
    size_t n = (size_t)50 << 20;
    char *big = mem_alloc(n + 1);
    memset(big, 'x', n);
    memcpy(big, "platform: ", 10);
    assert_null(conf_try(big, NULL));
    assert_non_null(strstr(conf_error, "larger than 1 MiB"));
    memset(big, '[', 1000);
    big[1000] = '\0';
    assert_null(conf_try(big, NULL));
    assert_non_null(strstr(conf_error, "nested too deeply"));
    struct buf b;
    buf_init(&b, 1 << 20);
    buf_adds(&b, "a: [");
    for (int i = 0; i < 30000; i++)
        buf_adds(&b, "1,");
    buf_adds(&b, "1]\n");
    assert_null(conf_try(buf_str(&b), NULL));
    assert_non_null(strstr(conf_error, "too many settings"));
    buf_release(&b);
    mem_free(big);
}

static void overrides_are_checked_too(void **state)
{
    (void)state;
    static const struct {
        const char *set, *says;
    } bad[] = {
        {"clock", "expected a.b.c=value"},
        {"=x", "expected a.b.c=value"},
        {"a..b=1", "expected a.b.c=value"},
        {".a=1", "expected a.b.c=value"},
        {"clokc=1", "did you mean \"clock\""},
        {"clock=walk", "--set: clock: \"walk\""},
        {"pools.a.slots=x", "whole number"},
        {"clock=[", "--set"},
        {"clock.x=1", "clock"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        const char *const sets[] = {bad[i].set, NULL};
        assert_null(conf_try("platform: x\n", sets));
        if (!strstr(conf_error, bad[i].says))
            fail_msg("%s: %s", bad[i].set, conf_error);
        assert_int_equal(err_exit_status(conf_code), 2);
    }
}

static void a_folder_that_is_none(void **state)
{
    (void)state;
    struct platform *p = NULL;
    struct err e = {0};
    struct conf_options o = {.project_dir = "/nix/da"};
    assert_int_equal(conf_load(&p, &o, &e), ERR_CONFIG);
    assert_non_null(strstr(e.text, "--project-dir"));
    o = (struct conf_options){.project_dir = "/"};
    assert_int_equal(conf_load(&p, &o, &e), ERR_CONFIG);
    assert_non_null(strstr(e.text, "weir init"));
    o = (struct conf_options){.project_dir = conf_dir, .as_of = "yesterday"};
    assert_int_equal(conf_load(&p, &o, &e), ERR_USAGE);
    assert_null(p);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, conf_setup, conf_teardown)
    const struct CMUnitTest tests[] = {
        T(every_mistake_has_its_place_and_advice),
        T(a_bomb_of_aliases_is_refused_at_once),
        T(size_and_depth_are_limited),
        T(overrides_are_checked_too),
        T(a_folder_that_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
