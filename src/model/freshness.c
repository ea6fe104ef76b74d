/* How old a source's newest row is, judged by its warn_after and error_after. In: the
 * source's declaration, one query on the warehouse. Out: a result of sources.json (v3).
 * Called by `weir source freshness`. */
#include "model/internal.h"

#include "base/buf.h"
#include "base/timeutil.h"

bool project_has_freshness(const struct node *n)
{
    const struct item *it = item_of(n);
    return n->type == NODE_SOURCE && json_is_object(it->freshness) &&
           (json_obj(it->freshness, "warn_after") ||
            json_obj(it->freshness, "error_after"));
}

/* {count, period} → ms; -1: no such limit. */
static int read_limit(const struct item *it, const char *key, int64_t *ms,
                      struct err *e)
{
    static const struct {
        const char *period;
        int64_t ms;
    } periods[] = {{"minute", 60000}, {"hour", 3600000}, {"day", 86400000}};
    const json_t *limit = json_obj(it->freshness, key);
    int64_t count = json_i64(limit, "count", -1);
    const char *period = json_str(limit, "period", "");
    *ms = -1;
    if (!json_object_size(limit))
        return 0;
    for (size_t i = 0; i < 3; i++)
        if (streq(period, periods[i].period) && count >= 0 && count < 1000000)
            *ms = count * periods[i].ms;
    if (*ms >= 0)
        return 0;
    return err_set(e, ERR_CONFIG,
                   "%s: %s of the source %s.%s: expected {count: N, period: minute, "
                   "hour or day}",
                   it->pub.path, key, it->pub.source_name, it->pub.name);
}

static int add_query(struct project *p, struct wh *w, struct item *it, struct buf *sql,
                     struct err *e)
{
    const char *filter = json_str(it->freshness, "filter", NULL);
    if (it->loaded_at_query) {
        struct render r = {.is_execute = true};
        render_begin(&r, p, w, it);
        int rc = render_text(&r, it->pub.path, it->loaded_at_query,
                             strlen(it->loaded_at_query), sql, e);
        render_end(&r);
        return rc;
    }
    if (!it->loaded_at)
        return err_set(e, ERR_CONFIG,
                       "%s: the source %s.%s has a freshness and no loaded_at_field or "
                       "loaded_at_query to measure it by",
                       it->pub.path, it->pub.source_name, it->pub.name);
    buf_addf(sql, "select max(%s) from ", it->loaded_at);
    wh_quote(w, sql, it->pub.schema, it->pub.alias);
    if (filter)
        buf_addf(sql, " where %s", filter);
    return 0;
}

/* *ms: -1 when there is no row. */
static int newest(struct project *p, struct wh *w, struct item *it, int64_t *ms,
                  struct err *e)
{
    struct wh_cursor *c = NULL;
    struct buf sql;
    buf_init(&sql, 1u << 20);
    *ms = -1;
    int rc = wh_schema_ensure(w, it->pub.schema, e);
    if (rc == 0)
        rc = add_query(p, w, it, &sql, e);
    if (rc == 0)
        rc = wh_query(w, buf_str(&sql), &c, e);
    if (rc == 0)
        rc = wh_next(c, e);
    struct wh_value v = {.type = WH_NULL};
    if (rc > 0)
        v = wh_value(c, 0);
    if (rc >= 0)
        rc = 0;
    if (rc == 0 && v.type != WH_NULL &&
        (v.type != WH_TEXT || !time_parse_iso(v.text, ms)))
        rc = err_set(e, ERR_FAIL,
                     "%s: the newest loaded_at of %s.%s is not a timestamp "
                     "(YYYY-MM-DD HH:MM:SS)",
                     it->pub.path, it->pub.source_name, it->pub.name);
    wh_cursor_close(c);
    buf_release(&sql);
    return rc;
}

static void put_result(json_t *r, const struct item *it, int64_t at, int64_t now,
                       const char *status)
{
    char text[32];
    json_put_str(r, "max_loaded_at", time_format_iso(at < 0 ? 0 : at, true, text));
    json_put_str(r, "snapshotted_at", time_format_iso(now, true, text));
    json_put_num(r, "max_loaded_at_time_ago_in_s",
                 (double)(now - (at < 0 ? 0 : at)) / 1000);
    json_put_str(r, "status", status);
    json_t *criteria = json_object();
    static const char *const keys[] = {"warn_after", "error_after", "filter"};
    for (size_t i = 0; i < 3; i++) {
        json_t *v = json_object_get(it->freshness, keys[i]);
        json_put(criteria, keys[i], v ? json_deep_copy(v) : json_null());
    }
    json_put(r, "criteria", criteria);
    json_put(r, "adapter_response", json_object());
    json_put(r, "timing", json_array());
    json_put_str(r, "thread_id", "Thread-1");
}

json_t *project_freshness(struct project *p, struct wh *w, const struct node *n)
{
    struct item *it = item_of(n);
    struct err e = {0};
    int64_t warn = -1, error = -1, at = -1, start = time_mono_us();
    json_t *r = json_object();
    json_put_str(r, "unique_id", n->unique_id);
    int rc = read_limit(it, "warn_after", &warn, &e);
    if (rc == 0)
        rc = read_limit(it, "error_after", &error, &e);
    if (rc == 0)
        rc = newest(p, w, it, &at, &e);
    if (rc < 0) {
        json_put_str(r, "error", e.text);
        json_put_str(r, "status", "runtime error");
        return r;
    }
    int64_t age = p->now_ms - (at < 0 ? 0 : at); /* no row: as old as time, as in dbt */
    put_result(r, it, at, p->now_ms,
               error >= 0 && age > error ? "error"
               : warn >= 0 && age > warn ? "warn"
                                         : "pass");
    json_put_num(r, "execution_time", (double)(time_mono_us() - start) / 1e6);
    return r;
}
