/* Snapshots of the supervisor's feeds. In: pushed messages; out: borrowed JSON. Called
 * by app.c (put) and the views (get). Holds always: at most FEEDS_MAX feeds and
 * FEEDS_SERIES samples a stage are kept, so the console's memory does not grow with
 * time. */
#include "ui/feeds.h"

#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"

#define STAGES_MAX 256
#define LOG_LINES  2000 /* kept of a log */

void feeds_init(struct feeds *f)
{
    *f = (struct feeds){0};
    map_init(&f->rates);
}

static void feed_release(struct feed *feed)
{
    mem_free(feed->name);
    json_decref(feed->data);
    *feed = (struct feed){0};
}

void feeds_release(struct feeds *f)
{
    for (size_t i = 0; i < f->n; i++)
        feed_release(&f->v[i]);
    for (struct map_entry *it = NULL; (it = map_next(&f->rates, it));)
        mem_free(it->value);
    map_release(&f->rates);
    f->n = 0;
}

static void add_rate(struct feeds *f, const char *stage, double rate)
{
    struct feeds_series *s = map_get(&f->rates, stage);

    if (!s) {
        if (f->rates.live >= STAGES_MAX)
            return;
        s = mem_alloc(sizeof *s);
        map_put(&f->rates, stage, s);
    }
    if (s->n == FEEDS_SERIES) {
        memmove(s->v, s->v + 1, (FEEDS_SERIES - 1) * sizeof *s->v);
        s->n--;
    }
    s->v[s->n++] = rate;
}

static void add_rates(struct feeds *f, const json_t *overview)
{
    const json_t *stage;
    size_t i;

    json_array_foreach (json_arr(overview, "stages"), i, stage) {
        bool is_moving = streq(json_str(stage, "state", ""), "running");
        add_rate(f, json_str(stage, "name", ""),
                 is_moving ? json_num(stage, "rate", 0) : 0);
    }
}

static struct feed *slot_of(struct feeds *f, const char *name)
{
    size_t oldest = 0;

    for (size_t i = 0; i < f->n; i++) {
        if (streq(f->v[i].name, name))
            return &f->v[i];
        if (f->v[i].at_ms < f->v[oldest].at_ms)
            oldest = i;
    }
    if (f->n < FEEDS_MAX)
        return &f->v[f->n++];
    feed_release(&f->v[oldest]);
    return &f->v[oldest];
}

/* Lines of a log push behind those that are there; new data, because a page may hold
 * the old one still. A push that does not fit behind them replaces them. */
static json_t *join_log(const json_t *old, json_t *data)
{
    json_t *had = json_arr(old, "lines"), *lines = json_arr(data, "lines");
    int64_t seq = json_i64(data, "seq", -1), had_seq = json_i64(old, "seq", -1);
    size_t n = json_array_size(had);

    if (!lines || !had || seq < 0 || had_seq < 0 || seq != had_seq + (int64_t)n)
        return data;
    size_t more = json_array_size(lines), skip = 0;
    if (n + more > LOG_LINES)
        skip = n + more - LOG_LINES < n ? n + more - LOG_LINES : n;
    json_t *all = json_array(), *out = json_copy(data);
    for (size_t i = skip; i < n; i++)
        json_array_append(all, json_array_get(had, i));
    json_array_extend(all, lines);
    json_put(out, "lines", all);
    json_put_i64(out, "seq", had_seq + (int64_t)skip);
    json_decref(data);
    return out;
}

void feeds_put(struct feeds *f, const char *name, json_t *data, int64_t now_ms)
{
    struct feed *feed = slot_of(f, name);

    if (!feed->name)
        feed->name = mem_strdup(name);
    if (feed->data && str_starts(name, "log:"))
        data = join_log(feed->data, data);
    json_decref(feed->data);
    feed->data = data;
    feed->at_ms = now_ms;
    if (streq(name, "overview"))
        add_rates(f, data);
}

json_t *feeds_get(const struct feeds *f, const char *name)
{
    for (size_t i = 0; i < f->n; i++)
        if (streq(f->v[i].name, name))
            return f->v[i].data;
    return NULL;
}

json_t *feeds_rates(const struct feeds *f, const char *stage)
{
    const struct feeds_series *s = map_get(&f->rates, stage);
    json_t *out = json_array();

    for (size_t i = 0; s && i < s->n; i++)
        json_array_append_new(out, json_real(s->v[i]));
    return out;
}
