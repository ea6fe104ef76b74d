/* Incremental models of strategy microbatch: the time from begin (or from lookback
 * batches ago) to now, cut into batches of batch_size; each is compiled with its refs
 * narrowed to it and built by the incremental materialization's macro, in a transaction
 * of its own. In: configs event_time, begin, batch_size, lookback; --event-time-start
 * and -end; the failed batches of an earlier run (retry). Out: status "partial success"
 * when some failed, and which, in result->batches. What always holds: a batch is there
 * whole or not at all. The node's tests judge the table when all batches are done, as
 * in dbt: batches already published stay. Called by materialize.c. */
#include "model/event_time.h"

#include "base/buf.h"
#include "base/log.h"
#include "base/timeutil.h"

#define MAX_BATCHES 1000000

struct micro {
    struct build *b;
    enum event_unit unit;
    VEC(struct event_batch) batches;
    json_t *done, *failed;
    char first_error[ERR_TEXT_MAX + 40];
    int first_code;
    int64_t rows;
};

/* ── which batches ── */

static int needs(const struct build *b, struct err *e, const char *what)
{
    return err_set(e, ERR_CONFIG, "%s: the microbatch model \"%s\" needs %s",
                   b->it->pub.path, b->it->pub.name, what);
}

static void batch_name(struct event_batch *batch, enum event_unit unit)
{
    static const size_t lengths[] = {13, 10, 7, 4}; /* 2024-09-17T16 … 2024 */
    char text[32];
    time_format_iso(batch->window.start, false, text);
    snprintf(batch->name, sizeof batch->name, "%.*s", (int)lengths[unit], text);
    size_t n = 0;
    for (const char *s = batch->name; *s; s++)
        if (*s != '-')
            batch->id[n++] = *s;
    batch->id[n] = '\0';
}

static int push(struct micro *m, int64_t start, int64_t end, struct err *e)
{
    struct event_batch batch = {.window = {true, true, start, end}};
    if (m->batches.n >= MAX_BATCHES)
        return err_set(e, ERR_LIMIT, "%s: more than %d batches; a larger batch_size?",
                       m->b->it->pub.path, MAX_BATCHES);
    batch_name(&batch, m->unit);
    vec_push(&m->batches, batch);
    return 0;
}

static int flag_time(const struct build *b, const char *name, bool *is_given,
                     int64_t *ms, struct err *e)
{
    const json_t *v = project_flag(b->p, name);
    *is_given = json_is_string(v);
    if (*is_given && !event_parse(json_string_value(v), ms))
        return err_set(e, ERR_USAGE, "--%s: \"%s\" is no date or time",
                       streq(name, "event_time_end") ? "event-time-end"
                                                     : "event-time-start",
                       json_string_value(v));
    return 0;
}

static int start_of(struct micro *m, int64_t end, int64_t *start, struct err *e)
{
    const json_t *config = m->b->it->pub.config;
    int64_t lookback = json_i64(config, "lookback", 1);
    bool is_incremental = m->b->existing == WH_TABLE && !m->b->full_refresh;
    if (!is_incremental) {
        if (!event_parse(json_str(config, "begin", NULL), start))
            return needs(m->b, e, "begin: the date of its first batch");
        *start = event_truncate(*start, m->unit);
        return 0;
    }
    /* an end on a batch's border ends the last batch: one more to look back upon */
    if (end == event_truncate(end, m->unit))
        lookback++;
    *start = event_offset(end, m->unit, -lookback);
    return 0;
}

static int cut(struct micro *m, int64_t start, int64_t end, struct err *e)
{
    int64_t from = start, to = event_offset(start, m->unit, 1);
    int rc = push(m, from, to, e);
    while (rc == 0 && to < end) {
        from = to;
        to = event_offset(from, m->unit, 1);
        rc = push(m, from, to, e);
    }
    if (rc == 0)
        m->batches.v[m->batches.n - 1].window.end = end;
    return rc;
}

/* Of an earlier run that retry takes up: [[start, end]…]; none had succeeded: all. */
static const json_t *again(const struct build *b, const char *key)
{
    const json_t *all = project_flag(b->p, "batches");
    const json_t *mine = json_object_get(all, b->it->pub.unique_id);
    return json_array_size(json_arr(mine, "successful")) ? json_arr(mine, key) : NULL;
}

static int cut_again(struct micro *m, const json_t *failed, struct err *e)
{
    json_t *one;
    size_t i;
    int rc = 0;
    json_array_foreach (failed, i, one) {
        int64_t start, end;
        if (rc == 0 && event_parse(json_string_value(json_array_get(one, 0)), &start) &&
            event_parse(json_string_value(json_array_get(one, 1)), &end))
            rc = push(m, start, end, e);
    }
    return rc;
}

static int plan(struct micro *m, struct err *e)
{
    struct build *b = m->b;
    const json_t *config = b->it->pub.config, *failed = again(b, "failed");
    int64_t start = 0, end = b->p->now_ms;
    bool has_start, has_end, is_sampled;
    struct event_window sample;
    if (!json_str(config, "event_time", NULL))
        return needs(b, e, "event_time: the name of the column that tells its time");
    if (!event_unit_named(json_str(config, "batch_size", NULL), &m->unit))
        return needs(b, e, "batch_size: hour, day, month or year");
    if (failed)
        return cut_again(m, failed, e);
    int rc = flag_time(b, "event_time_start", &has_start, &start, e);
    if (rc == 0)
        rc = flag_time(b, "event_time_end", &has_end, &end, e);
    if (rc == 0)
        rc = event_sample(b->p, &sample, &is_sampled, e);
    if (rc == 0 && is_sampled) {
        has_start = true;
        start = sample.start;
        end = sample.end;
    }
    end = event_ceiling(end, m->unit);
    if (rc == 0 && has_start)
        start = event_truncate(start, m->unit);
    else if (rc == 0)
        rc = start_of(m, end, &start, e);
    if (rc == 0 && start >= end)
        return err_set(e, ERR_USAGE,
                       "%s: there is no batch: its time would begin at "
                       "or after its end",
                       b->it->pub.path);
    return rc == 0 ? cut(m, start, end, e) : rc;
}

/* ── one batch ── */

static int run_batch(struct micro *m, size_t i, struct macro *macro, struct err *e)
{
    struct build *b = m->b;
    const struct event_batch *batch = &m->batches.v[i];
    b->r.batch = batch;
    b->is_first_batch = i == 0;
    b->is_last_batch = i + 1 == m->batches.n;
    b->existing = wh_relation_type(b->w, b->schema, b->alias);
    b->r.existing = b->existing;
    if (i > 0) /* the first one made the table anew */
        b->full_refresh = b->r.full_refresh = false;
    buf_reset(&b->sql);
    int rc = compile_item(&b->r, &b->sql, e);
    if (rc == 0) {
        materialize_write_batch(b, batch->name);
        rc = custom_run(b, macro, e);
    }
    b->r.batch = NULL;
    return rc;
}

static json_t *pair(const struct event_batch *batch)
{
    char from[32], to[32];
    time_format_iso(batch->window.start, false, from);
    time_format_iso(batch->window.end, false, to);
    return json_pack("[ss]", from, to);
}

static int run_all(struct micro *m, struct macro *macro, struct err *e)
{
    for (size_t i = 0; i < m->batches.n; i++) {
        struct err why = {0};
        int rc = run_batch(m, i, macro, &why);
        if (rc == ERR_INTERRUPTED)
            return err_set(e, rc, "%s", why.text);
        json_array_append_new(rc == 0 ? m->done : m->failed, pair(&m->batches.v[i]));
        if (rc == 0) {
            m->rows += m->b->result->rows > 0 ? m->b->result->rows : 0;
            continue;
        }
        log_warn("%s: batch %s: %s", m->b->it->pub.path, m->batches.v[i].name,
                 why.text);
        if (!m->first_code) {
            m->first_code = rc;
            snprintf(m->first_error, sizeof m->first_error, "batch %s: %s",
                     m->batches.v[i].name, why.text);
        }
        if (i == 0) { /* there may be no table for the others */
            for (size_t k = 1; k < m->batches.n; k++)
                json_array_append_new(m->failed, pair(&m->batches.v[k]));
            break;
        }
    }
    return 0;
}

/* ── what came of it ── */

static int conclude(struct micro *m, struct err *e)
{
    struct build *b = m->b;
    json_t *earlier = (json_t *)(uintptr_t)again(b, "successful");
    size_t good = json_array_size(m->done), bad = json_array_size(m->failed);
    if (earlier)
        json_array_extend(m->done, earlier);
    b->result->batches =
        json_pack("{s:O, s:O}", "successful", m->done, "failed", m->failed);
    b->result->rows = m->rows;
    if (!bad)
        return materialize_judge(b, b->schema, b->alias, e);
    b->result->is_partial = good > 0;
    if (!good)
        return err_set(e, m->first_code, "%s", m->first_error);
    return err_set(e, ERR_FAIL, "PARTIAL SUCCESS (%zu/%zu): %s", good, good + bad,
                   m->first_error);
}

bool microbatch_is(const struct build *b)
{
    return streq(b->it->pub.materialized, "incremental") &&
           streq(json_str(b->it->pub.config, "incremental_strategy", ""), "microbatch");
}

int microbatch_run(struct build *b, struct err *e)
{
    struct micro m = {.b = b, .done = json_array(), .failed = json_array()};
    struct macro *macro = custom_find(b);
    int rc = plan(&m, e);
    if (rc == 0)
        rc = run_all(&m, macro, e);
    if (rc == 0)
        rc = conclude(&m, e);
    vec_release(&m.batches);
    json_decref(m.done);
    json_decref(m.failed);
    return rc;
}
