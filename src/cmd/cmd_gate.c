/* weir gate: the quality gates: what there is and how each stood last, and judging one
 * now on the live relation. In: weir.yml, suite files, the warehouse (read-only), the
 * last verdicts of the state database. Out: tables; exit 5 when a gate that is run
 * blocks. */
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/timeutil.h"
#include "cmd/gate.h"
#include "quality/quality.h"
#include "state/state.h"

static const struct conf_gate *find(const struct platform *p, const char *name,
                                    struct err *e)
{
    const char *names[256];
    size_t n = 0;
    for (; n < p->n_gates && n < 256; n++) {
        if (streq(p->gates[n].name, name))
            return &p->gates[n];
        names[n] = p->gates[n].name;
    }
    const char *near = str_nearest(name, names, n);
    err_set(e, ERR_NOTFOUND, "there is no gate %s%s%s%s", name,
            near ? "; did you mean " : " (weir gate ls)", near ? near : "",
            near ? "?" : "");
    return NULL;
}

static struct state *open_state(const struct platform *p)
{
    struct state *s = NULL;
    char path[4096];
    return state_open(&s, conf_state_path(p, "state.db", path, sizeof path), true,
                      NULL) == 0
               ? s
               : NULL;
}

/* ── ls ── */
static int list(const struct cmd_args *a, struct err *e)
{
    static const struct cmd_column columns[] = {
        {"name", "GATE", COL_TEXT},       {"on", "ON", COL_TEXT},
        {"block", "BLOCKS ON", COL_TEXT}, {"verdict", "LAST", COL_TEXT},
        {"failed", "FAILED", COL_NUMBER}, {"total", "OF", COL_NUMBER},
        {"at_ms", "AT", COL_TIME},        {"suite", "SUITE", COL_TEXT},
    };
    const struct platform *p = a->platform;
    struct state *s = open_state(p);
    json_t *rows = json_array();
    for (size_t i = 0; i < p->n_gates; i++) {
        const struct conf_gate *g = &p->gates[i];
        json_t *o = json_object(), *last = NULL;
        if (s && state_get(s, "gate", g->name, &last, NULL) == 0)
            json_object_update(o, last);
        json_decref(last);
        json_object_del(o, "result");
        json_put_str(o, "name", g->name);
        json_put_str(o, "on", g->on);
        json_put_str(o, "block", g->block);
        json_put_str(o, "suite", g->suite);
        json_array_append_new(rows, o);
    }
    state_close(s);
    int rc = cmd_print_rows(a, rows, columns, sizeof columns / sizeof *columns, e);
    json_decref(rows);
    return rc;
}

/* ── show ── */
static int print_result(const struct cmd_args *a, const json_t *result, struct err *e)
{
    static const struct cmd_column columns[] = {
        {"verdict", "VERDICT", COL_TEXT},    {"severity", "SEVERITY", COL_TEXT},
        {"expectation", "EXPECT", COL_TEXT}, {"column", "COLUMN", COL_TEXT},
        {"expected", "EXPECTED", COL_TEXT},  {"unexpected", "UNEXPECTED", COL_NUMBER},
        {"rows", "ROWS", COL_NUMBER},        {"observed", "OBSERVED", COL_TEXT},
        {"message", "MESSAGE", COL_TEXT},
    };
    if (a->is_json)
        return cmd_print_json(result, e);
    json_t *rows = suite_checks(result);
    int rc = cmd_print_rows(a, rows, columns, sizeof columns / sizeof *columns, e);
    json_decref(rows);
    if (rc == 0 && !a->is_quiet) {
        struct buf b;
        buf_init(&b, 1u << 20);
        suite_summary(result, &b);
        printf("\n%s on %s: %s (%s)\n", json_str(result, "suite_name", ""),
               json_str(result, "on", ""), json_str(result, "verdict", ""),
               buf_str(&b));
        buf_release(&b);
    }
    return rc;
}

static int never_judged(const struct cmd_args *a, const char *name, struct err *e)
{
    if (!find(a->platform, name, e))
        return ERR_NOTFOUND;
    return err_set(e, ERR_NOTHING,
                   "gate %s has not been judged yet: weir build judges it, weir gate "
                   "run %s does now",
                   name, name);
}

static int show(const struct cmd_args *a, struct err *e)
{
    json_t *last = NULL;
    int rc = 0;
    if (a->argc != 2)
        return err_set(e, ERR_USAGE, "weir gate show takes the name of one gate");
    struct state *s = open_state(a->platform);
    const json_t *result = NULL;
    if (s && state_get(s, "gate", a->argv[1], &last, NULL) == 0)
        result = json_object_get(last, "result");
    rc = result ? print_result(a, result, e) : never_judged(a, a->argv[1], e);
    const json_t *meta = json_object_get(result, "meta");
    if (rc == 0 && !a->is_json && !a->is_quiet && json_i64(meta, "quarantined", 0) > 0)
        printf("rows kept: %lld (weir gate quarantine %s --run %lld)\n",
               (long long)json_i64(meta, "quarantined", 0), a->argv[1],
               (long long)json_i64(meta, "run_id", 0));
    json_decref(last);
    state_close(s);
    return rc;
}

/* ── run ── */
/* now(): --as-of, else the platform's clock. */
static int64_t now_of(const struct platform *p)
{
    json_t *row = NULL;
    int64_t now = time_wall_ms();
    if (p->as_of_ms >= 0)
        return p->as_of_ms;
    struct state *s = p->clock == CLOCK_DATA ? open_state(p) : NULL;
    if (s && state_get(s, "clock", "data", &row, NULL) == 0)
        now = json_i64(row, "now_ms", now);
    json_decref(row);
    state_close(s);
    return now;
}

static int open_warehouse(const struct platform *p, int64_t now_ms, struct wh **w,
                          struct err *e)
{
    struct wh_options o = wh_options_of(p);
    o.schemas = p->schemas;
    o.is_readonly = true;
    o.now_ms = now_ms;
    return wh_open(w, &o, e);
}

/* A gate on nothing is a wrong question, not a verdict. */
static int must_exist(struct wh *w, const char *on, struct err *e)
{
    const char *dot = strchr(on, '.');
    char *schema = mem_strndup(on, dot ? (size_t)(dot - on) : 0);
    bool is_there = dot && wh_relation_type(w, schema, dot + 1) != WH_ABSENT;
    mem_free(schema);
    if (is_there)
        return 0;
    return err_set(e, ERR_NOTFOUND, "%s does not exist: nothing to judge (weir build)",
                   on);
}

static int judge(const struct cmd_args *a, const struct conf_gate *g, struct err *e)
{
    enum verdict v = VERDICT_ERROR;
    json_t *result = NULL;
    struct wh *w = NULL;
    int64_t now = now_of(a->platform);
    struct gate_request r = {.platform = a->platform,
                             .gate = g,
                             .where = opt_text(a, "where", NULL),
                             .sets = opt_list(a, "param"),
                             .now_ms = now};
    int rc = open_warehouse(a->platform, now, &w, e);
    if (rc == 0)
        rc = must_exist(w, g->on, e);
    if (rc == 0)
        rc = gate_judge(&r, w, &v, &result, e);
    if (rc == 0)
        rc = print_result(a, result, e);
    json_decref(result);
    wh_close(w);
    if (rc < 0)
        return rc;
    return gate_blocks(g, v) ? err_exit_status(ERR_BLOCKED) : 0;
}

static int judge_file(const struct cmd_args *a, const char *suite, struct err *e)
{
    const char *on = opt_text(a, "on", NULL);
    if (!on || !strchr(on, '.'))
        return err_set(e, ERR_USAGE, "--suite needs --on SCHEMA.TABLE");
    struct conf_gate g = {
        .name = "suite", .suite = suite, .on = on, .block = "critical"};
    return judge(a, &g, e);
}

static int run_gates(const struct cmd_args *a, struct err *e)
{
    const struct platform *p = a->platform;
    const char *suite = opt_text(a, "suite", NULL);
    int worst = 0;
    if (suite)
        return a->argc > 1
                   ? err_set(e, ERR_USAGE, "either --suite or the name of a gate")
                   : judge_file(a, suite, e);
    if (a->argc < 2)
        return err_set(e, ERR_USAGE, "which gate? (weir gate ls)");
    for (int i = 1; i < a->argc; i++) {
        const struct conf_gate *g = find(p, a->argv[i], e);
        int rc = g ? judge(a, g, e) : ERR_NOTFOUND;
        if (rc < 0)
            return rc;
        worst = rc > worst ? rc : worst;
    }
    return worst;
}

static int quarantine(const struct cmd_args *a, struct err *e)
{
    if (a->argc > 2)
        return err_set(e, ERR_USAGE,
                       "weir gate quarantine takes the name of one gate, or none");
    return gate_quarantine(a, a->argc == 2 ? a->argv[1] : NULL, e);
}

static int run(const struct cmd_args *a, struct err *e)
{
    static const struct {
        const char *name;
        int (*run)(const struct cmd_args *a, struct err *e);
    } verbs[] = {
        {"ls", list}, {"show", show}, {"run", run_gates}, {"quarantine", quarantine}};
    const char *names[4];
    if (a->argc == 0)
        return list(a, e);
    for (size_t i = 0; i < 4; i++) {
        if (streq(a->argv[0], verbs[i].name))
            return verbs[i].run(a, e);
        names[i] = verbs[i].name;
    }
    const char *near = str_nearest(a->argv[0], names, 4);
    return err_set(e, ERR_USAGE,
                   "weir gate %s: expected ls, show NAME, run NAME or quarantine%s%s%s",
                   a->argv[0], near ? "; did you mean " : "", near ? near : "",
                   near ? "?" : "");
}

static const struct cmd_opt opts[] = {
    {"where", 'w', OPT_TEXT, "SQL", "run: judge only rows for which this holds.", NULL},
    {"param", 'p', OPT_LIST, "NAME=VALUE", "run: a parameter of the suite.", NULL},
    {"suite", 0, OPT_TEXT, "FILE", "run: a suite file instead of a gate of weir.yml.",
     NULL},
    {"on", 0, OPT_TEXT, "SCHEMA.TABLE", "With --suite: the relation to judge.", NULL},
    {"run", 0, OPT_INT, "RUN", "quarantine: only rows that this run kept.", NULL},
    {"limit", 'n', OPT_INT, "N", "quarantine: at most this many, the newest (20).",
     NULL},
    {0},
};

const struct cmd cmd_gate = {
    .name = "gate",
    .summary = "List quality gates, judge one now, show rows that failed.",
    .operands = "[ls | show NAME | run NAME… | quarantine [NAME]]",
    .doc = "ls lists the gates of weir.yml with their last verdicts; show has the "
           "checks of "
           "the last one.\n\n"
           "run judges a gate's suite on the relation as it is live now. Nothing is "
           "written: failing rows are not kept, no alert is raised. With -o json the "
           "result has Great Expectations' form.\n\n"
           "quarantine counts the rows that builds have kept because they did not "
           "fulfil a "
           "check, by run and check; with NAME it shows the rows of that gate. They "
           "are in "
           "the tables quarantine.NAME, for weir query too.\n\n"
           "Exit status of run: 0 the gate would let pass, 5 it would block, 1 it "
           "could not "
           "be judged. show: 3 when the gate was never judged.",
    .flags = CMD_READONLY | CMD_JSON,
    .opts = opts,
    .run = run,
};
