/* Freshness of relations: select max(column), through the warehouse seam, read-only.
 * Called by the lag worker. A warehouse, relation or column that is not there yet is
 * "unknown", never an error: the platform may be starting. */
#include "lag/lag_freshness.h"

#include "base/json.h"
#include "base/str.h"
#include "base/timeutil.h"
#include "base/vec.h"
#include "warehouse/warehouse.h"

#define LOOK_MS   5000 /* between two looks at a relation */
#define LOOK_COST 50   /* and this many times what the last look took */

struct watched {
    const struct conf_freshness *conf;
    char *schema, *name; /* of conf->relation */
    bool is_appended;  /* a load's table, which only grows: rows seen are not read again
                        */
    int64_t seen_row;  /* of an appended table: the last rowid looked at */
    int64_t newest_ms; /* INT64_MIN: unknown */
    int64_t next_look_ms; /* monotonic */
};

struct freshness {
    const struct platform *p;
    struct channel *ch;
    struct wh *wh;
    VEC(struct watched) rows;
};

/* Only SQLite numbers the rows of a table in the order they came. */
static bool is_appended(const struct platform *p, const struct watched *w)
{
    if (!streq(p->warehouse_kind, "sqlite"))
        return false;
    for (size_t i = 0; i < p->n_loads; i++) {
        const struct conf_load *l = &p->loads[i];
        if (streq(l->schema, w->schema) && streq(l->table, w->name))
            return streq(l->mode, "append");
    }
    return false;
}

struct freshness *freshness_new(const struct platform *p, struct channel *ch)
{
    struct freshness *f = mem_alloc(sizeof *f);
    f->p = p;
    f->ch = ch;
    for (size_t i = 0; i < p->n_freshness; i++) {
        const struct conf_freshness *c = &p->freshness[i];
        const char *dot = strchr(c->relation, '.');
        struct watched w = {.conf = c, .newest_ms = INT64_MIN};
        if (dot) {
            w.schema = mem_strndup(c->relation, (size_t)(dot - c->relation));
            w.name = mem_strdup(dot + 1);
            w.is_appended = is_appended(p, &w);
        }
        vec_push(&f->rows, w);
    }
    return f;
}

void freshness_free(struct freshness *f)
{
    if (!f)
        return;
    wh_close(f->wh);
    for (size_t i = 0; i < f->rows.n; i++) {
        mem_free(f->rows.v[i].schema);
        mem_free(f->rows.v[i].name);
    }
    vec_release(&f->rows);
    mem_free(f);
}

/* newest of what is behind `seen_row`; column 1: the last row there is now. */
static void newest_sql(struct freshness *f, const struct watched *w, struct buf *sql)
{
    buf_adds(sql, "SELECT max(");
    wh_quote(f->wh, sql, NULL, w->conf->column);
    buf_adds(sql, ")");
    if (w->is_appended) {
        buf_adds(sql, ", (SELECT max(rowid) FROM ");
        wh_quote(f->wh, sql, w->schema, w->name);
        buf_adds(sql, ")");
    }
    buf_adds(sql, " FROM ");
    wh_quote(f->wh, sql, w->schema, w->name);
    if (w->is_appended)
        buf_addf(sql, " WHERE rowid > %lld", (long long)w->seen_row);
}

static void take_newest(struct watched *w, struct wh_cursor *c)
{
    struct wh_value v = wh_value(c, 0);
    int64_t ms;
    bool has_time = v.type == WH_TEXT && time_parse_iso(v.text, &ms);
    if (!w->is_appended) {
        w->newest_ms = has_time ? ms : INT64_MIN;
        return;
    }
    int64_t last = wh_value(c, 1).i;
    if (last < w->seen_row) { /* another table took its place: from the start again */
        w->seen_row = 0;
        w->newest_ms = INT64_MIN;
        return;
    }
    w->seen_row = last;
    if (has_time && ms > w->newest_ms)
        w->newest_ms = ms;
}

static int read_newest(struct freshness *f, struct watched *w, struct err *e)
{
    struct buf sql;
    struct wh_cursor *c = NULL;
    buf_init(&sql, 4096);
    newest_sql(f, w, &sql);
    int rc = buf_check(&sql, "freshness query", e);
    if (rc == 0)
        rc = wh_query_raw(f->wh, buf_str(&sql), &c, e);
    if (rc == 0)
        rc = wh_next(c, e);
    if (rc == 1)
        take_newest(w, c);
    wh_cursor_close(c);
    buf_release(&sql);
    return rc;
}

/* A table without an index is read whole, which may take long: we are alive. */
static int on_progress(void *arg)
{
    struct freshness *f = arg;
    return f->ch && channel_beat(f->ch, NULL) < 0;
}

static int open_warehouse(struct freshness *f, struct err *e)
{
    if (f->wh)
        return 0;
    struct wh_options o = wh_options_of(f->p);
    o.dialect = o.kind; /* the SQL is ours */
    o.schemas = f->p->schemas;
    o.is_readonly = true;
    int rc = wh_open(&f->wh, &o, e);
    if (rc == 0)
        wh_set_progress(f->wh, on_progress, f);
    return rc;
}

void freshness_look(struct freshness *f)
{
    for (size_t i = 0; i < f->rows.n; i++) {
        struct watched *w = &f->rows.v[i];
        struct err e = {0};
        int64_t before = time_mono_ms();
        if (!w->schema || before < w->next_look_ms)
            continue;
        int rc = open_warehouse(f, &e);
        if (rc == 0)
            rc = read_newest(f, w, &e);
        if (rc < 0) { /* not there yet; opened anew, it may have new files by then */
            w->newest_ms = INT64_MIN;
            w->seen_row = 0;
            wh_close(f->wh);
            f->wh = NULL;
        }
        int64_t after = time_mono_ms();
        w->next_look_ms = after + LOOK_MS + (after - before) * LOOK_COST;
    }
}

static const char *judge(const struct watched *w, int64_t age_ms)
{
    if (w->newest_ms == INT64_MIN)
        return "unknown";
    if (w->conf->breach_ms > 0 && age_ms > w->conf->breach_ms)
        return "breach";
    return w->conf->warn_ms > 0 && age_ms > w->conf->warn_ms ? "warn" : "ok";
}

json_t *freshness_json(const struct freshness *f, int64_t now_ms)
{
    json_t *rows = json_array();
    for (size_t i = 0; i < f->rows.n; i++) {
        const struct watched *w = &f->rows.v[i];
        bool is_known = w->newest_ms != INT64_MIN;
        int64_t age = is_known && now_ms > w->newest_ms ? now_ms - w->newest_ms : 0;
        json_t *o = json_object();
        json_put_str(o, "relation", w->conf->relation);
        json_put_str(o, "layer", w->schema ? w->schema : "");
        if (!is_known) {
            json_put(o, "newest_ms", json_null());
            json_put(o, "age_ms", json_null());
        } else {
            json_put_i64(o, "newest_ms", w->newest_ms);
            json_put_i64(o, "age_ms", age);
        }
        json_put_i64(o, "warn_ms", w->conf->warn_ms);
        json_put_i64(o, "breach_ms", w->conf->breach_ms);
        json_put_str(o, "verdict", judge(w, age));
        json_array_append_new(rows, o);
    }
    return rows;
}
