/* Judging a suite: resolve parameters, plan every expectation into one scan, run it,
 * judge, keep failing rows, report. What cannot run becomes that check's error, never a
 * pass. */
#include "quality/check.h"

#include "base/json.h"
#include "base/log.h"
#include "base/str.h"
#include "base/timeutil.h"

struct judging {
    const struct suite *suite;
    struct wh *w;
    const struct suite_run *run;
    struct scan scan;
    json_t *columns;
    struct check *checks;
    size_t n;
    int64_t kept;
};

static void set_error(struct check *k, const struct err *e)
{
    k->state = CHECK_ERROR;
    mem_free(k->message);
    k->message = mem_strdup(e->text);
}

static void add_column(void *arg, const char *name, const char *type)
{
    (void)type;
    json_array_append_new(arg, json_string(name));
}

static const char *real_name(const json_t *columns, const char *name)
{
    const json_t *c;
    size_t i;
    json_array_foreach (columns, i, c)
        if (strcasecmp(json_string_value(c), name) == 0)
            return json_string_value(c);
    return NULL;
}

/* ── planning ── */
int check_quote(struct check *k, const char *name, char **out, struct err *e)
{
    const char *real = real_name(k->columns, name);
    struct buf b;
    if (!real)
        return err_set(e, ERR_NOTFOUND, "%s has no column \"%s\"", k->run->on, name);
    buf_init(&b, 4096);
    wh_quote(k->scan->w, &b, NULL, real);
    *out = mem_strdup(buf_str(&b));
    buf_release(&b);
    return 0;
}

static int plan_column(struct check *k, struct err *e)
{
    const char *type = k->row->type;
    bool wants = str_starts(type, "column_") && !str_starts(type, "column_pair_") &&
                 !streq(type, "column_to_exist");
    if (!wants)
        return 0;
    if (!(k->column = json_str(k->kwargs, "column", NULL)))
        return err_set(e, ERR_CONFIG, "needs column, a name");
    return check_quote(k, k->column, &k->quoted, e);
}

static int plan_mostly(struct check *k, struct err *e)
{
    const json_t *m = check_arg(k, "mostly");
    k->mostly = m ? json_number_value(m) : 1.0;
    if (m && (!json_is_number(m) || k->mostly < 0 || k->mostly > 1))
        return err_set(e, ERR_CONFIG, "mostly must be a number from 0 to 1");
    return 0;
}

static int plan_one(struct judging *j, struct check *k, struct err *e)
{
    struct parameters p = {.given = j->run->parameters,
                           .suite = j->suite->parameters,
                           .now_ms = j->run->now_ms,
                           .w = j->w};
    int rc = parameters_resolve(&p, k->item->kwargs, &k->kwargs, e);
    if (rc < 0 || (rc = plan_mostly(k, e)) < 0 || (rc = plan_column(k, e)) < 0 ||
        (rc = condition_sql(k, j->w, &k->domain, e)) < 0)
        return rc;
    return k->row->plan(k, e);
}

static int plan_all(struct judging *j, struct err *fatal)
{
    for (size_t i = 0; i < j->n; i++) {
        struct check *k = &j->checks[i];
        struct err e = {0};
        if (k->state != CHECK_JUDGED)
            continue;
        int rc = plan_one(j, k, &e);
        if (rc == ERR_INTERRUPTED)
            return err_set(fatal, rc, "%s", e.text);
        if (rc < 0)
            set_error(k, &e);
    }
    return 0;
}

/* ── the scan, and each check by itself when it fails as a whole ── */
static int scan_alone(struct judging *j, struct check *k, struct err *e)
{
    struct scan all = j->scan;
    j->scan = (struct scan){.w = all.w, .source = all.source};
    mem_free(k->unexpected);
    mem_free(k->domain);
    mem_free(k->quoted);
    json_decref(k->kwargs);
    k->unexpected = k->domain = k->quoted = NULL;
    k->kwargs = NULL;
    int rc = plan_one(j, k, e);
    if (rc == 0)
        rc = scan_run(&j->scan, e);
    if (rc == 0)
        rc = k->row->judge(k, e);
    j->scan.source = NULL;
    scan_release(&j->scan);
    j->scan = all;
    return rc;
}

static int judge_all(struct judging *j, struct err *fatal)
{
    struct err e = {0};
    int rc = scan_run(&j->scan, &e);
    if (rc == ERR_INTERRUPTED)
        return err_set(fatal, rc, "%s", e.text);
    bool is_alone = rc < 0;
    for (size_t i = 0; i < j->n; i++) {
        struct check *k = &j->checks[i];
        if (k->state != CHECK_JUDGED)
            continue;
        rc = is_alone ? scan_alone(j, k, &e) : k->row->judge(k, &e);
        if (rc == ERR_INTERRUPTED)
            return err_set(fatal, rc, "%s", e.text);
        if (rc < 0)
            set_error(k, &e);
    }
    return 0;
}

static int keep_rows(struct judging *j, struct err *fatal)
{
    for (size_t i = 0; j->run->quarantine && i < j->n; i++) {
        struct check *k = &j->checks[i];
        struct err e = {0};
        if (k->state != CHECK_JUDGED || k->is_success || !k->row->is_map ||
            !k->unexpected_count)
            continue;
        int rc = rows_quarantine(k, j->suite->name, &j->kept, &e);
        if (rc == ERR_INTERRUPTED || rc == ERR_FULL)
            return err_set(fatal, rc, "quarantine %s: %s", j->run->quarantine, e.text);
        if (rc < 0)
            log_warn("quarantine %s: %s", j->run->quarantine, e.text);
    }
    return 0;
}

/* ── the whole ── */
static int source_sql(struct judging *j, struct err *e)
{
    struct buf b, where;
    int rc = 0;
    buf_init(&b, 1 << 20);
    buf_init(&where, 1 << 20);
    if (j->run->where)
        rc = wh_translate(j->w, j->run->where, strlen(j->run->where), &where, e);
    if (rc == 0 && j->run->where)
        buf_adds(&b, "(SELECT * FROM ");
    wh_quote(j->w, &b, j->run->schema, j->run->relation);
    if (rc == 0 && j->run->where)
        buf_addf(&b, " WHERE (%s))%s", buf_str(&where),
                 streq(wh_kind(j->w), "sqlite") ? "" : " AS batch");
    if (rc == 0)
        rc = buf_check(&b, "where", e);
    if (rc == 0)
        j->scan.source = mem_strdup(buf_str(&b));
    buf_release(&b);
    buf_release(&where);
    return rc;
}

/* A condition that cannot run would fail every check with the same words. */
static int check_where(struct judging *j, struct err *e)
{
    char *sql = mem_printf("SELECT 1 FROM %s LIMIT 0", j->scan.source);
    struct wh_cursor *c = NULL;
    int rc = wh_query_raw(j->w, sql, &c, e);
    wh_cursor_close(c);
    mem_free(sql);
    if (rc == 0)
        return 0;
    char *place = strstr(e->text, " (line "); /* of a statement that nobody wrote */
    if (place)
        *place = '\0';
    return err_wrap(e, rc, "where %s", j->run->where);
}

static int judging_begin(struct judging *j, struct err *e)
{
    struct err why = {0};
    int rc = source_sql(j, e);
    if (rc == 0 && j->run->where)
        rc = check_where(j, e);
    if (rc < 0)
        return rc;
    j->columns = json_array();
    rc = wh_columns(j->w, j->run->schema, j->run->relation, add_column, j->columns,
                    &why);
    if (rc == 0 && !json_array_size(j->columns))
        err_set(&why, ERR_NOTFOUND, "%s does not exist", j->run->on);
    j->n = j->suite->items.n;
    j->checks = mem_alloc((j->n + 1) * sizeof *j->checks);
    for (size_t i = 0; i < j->n; i++) {
        struct check *k = &j->checks[i];
        k->item = &j->suite->items.v[i];
        k->row = expectation_find(k->item->type);
        k->run = j->run;
        k->scan = &j->scan;
        k->columns = j->columns;
        if (!k->row) {
            k->state = CHECK_NOT_EVALUATED;
            k->message = mem_printf("expectation %s is not known", k->item->type);
            log_warn("%s: %s: not evaluated", j->suite->name, k->message);
        } else if (why.code < 0) {
            set_error(k, &why);
        }
    }
    return 0;
}

static void judging_release(struct judging *j)
{
    for (size_t i = 0; i < j->n; i++) {
        struct check *k = &j->checks[i];
        json_decref(k->kwargs);
        json_decref(k->result);
        mem_free(k->quoted);
        mem_free(k->domain);
        mem_free(k->unexpected);
        mem_free(k->message);
    }
    mem_free(j->checks);
    json_decref(j->columns);
    scan_release(&j->scan);
}

static json_t *statistics(size_t evaluated, size_t good)
{
    json_t *s = json_object();
    json_put_i64(s, "evaluated_expectations", (int64_t)evaluated);
    json_put_i64(s, "successful_expectations", (int64_t)good);
    json_put_i64(s, "unsuccessful_expectations", (int64_t)(evaluated - good));
    json_put(s, "success_percent",
             evaluated ? json_real(100.0 * (double)good / (double)evaluated)
                       : json_null());
    return s;
}

static json_t *report(const struct judging *j, enum verdict *out)
{
    json_t *o = json_object(), *list = json_array(), *meta = json_object();
    size_t evaluated = 0, good = 0;
    char now[32];
    *out = VERDICT_PASS;
    for (size_t i = 0; i < j->n; i++) {
        enum verdict v;
        bool is_evaluated;
        json_t *one = report_check(&j->checks[i], &v, &is_evaluated);
        *out = v > *out ? v : *out;
        evaluated += is_evaluated;
        good += json_flag(one, "success", false);
        json_array_append_new(list, one);
    }
    json_put_flag(o, "success", good == j->n);
    json_put_str(o, "verdict", verdict_name(*out));
    json_put_str(o, "suite_name", j->suite->name);
    json_put_str(o, "on", j->run->on);
    json_put(o, "results", list);
    json_put(o, "statistics", statistics(evaluated, good));
    json_put_i64(meta, "run_id", j->run->run_id);
    json_put_str(meta, "now", time_format_iso(j->run->now_ms, false, now));
    json_put_i64(meta, "quarantined", j->kept);
    json_put(o, "meta", meta);
    return o;
}

int suite_judge(const struct suite *s, struct wh *w, const struct suite_run *r,
                enum verdict *out, json_t **result, struct err *e)
{
    struct suite_run named = *r;
    char *on = r->on ? NULL : mem_printf("%s.%s", r->schema, r->relation);
    struct judging j = {.suite = s, .w = w, .run = &named, .scan = {.w = w}};
    named.on = on ? on : r->on;
    int rc = judging_begin(&j, e);
    if (rc == 0 && (rc = plan_all(&j, e)) == 0 && (rc = judge_all(&j, e)) == 0)
        rc = keep_rows(&j, e);
    if (rc == 0)
        *result = report(&j, out);
    judging_release(&j);
    mem_free(on);
    return rc;
}
