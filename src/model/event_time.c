/* Windows of time: the batches of a microbatch model, and what a ref or source with
 * config event_time is narrowed to, by the batch being built and by --sample. In:
 * configs and flags. Out: SQL conditions. Batches begin and end in UTC, on whole units
 * of batch_size (dbt's MicrobatchBuilder). Called by microbatch.c and context.c. */
#include "model/event_time.h"

#include <stdlib.h>
#include "base/timeutil.h"
#include "model/yaml.h"

/* ── units ── */

bool event_unit_named(const char *name, enum event_unit *out)
{
    static const char *const names[] = {"hour", "day", "month", "year"};
    for (size_t i = 0; name && i < 4; i++)
        if (streq(name, names[i])) {
            *out = (enum event_unit)i;
            return true;
        }
    return false;
}

int64_t event_truncate(int64_t ms, enum event_unit unit)
{
    struct time_civil t = time_civil_of(ms);
    t.second = t.minute = 0;
    if (unit != EVENT_HOUR)
        t.hour = 0;
    if (unit == EVENT_MONTH || unit == EVENT_YEAR)
        t.day = 1;
    if (unit == EVENT_YEAR)
        t.month = 1;
    return time_from_civil(&t);
}

int64_t event_offset(int64_t ms, enum event_unit unit, int64_t n)
{
    int64_t from = event_truncate(ms, unit);
    if (unit == EVENT_HOUR)
        return from + n * 3600000;
    if (unit == EVENT_DAY)
        return from + n * 86400000;
    struct time_civil t = time_civil_of(from);
    int64_t months =
        (int64_t)t.year * 12 + t.month - 1 + (unit == EVENT_YEAR ? n * 12 : n);
    t.year = (int)(months / 12);
    t.month = (int)(months % 12) + 1;
    return time_from_civil(&t);
}

int64_t event_ceiling(int64_t ms, enum event_unit unit)
{
    int64_t whole = event_truncate(ms, unit);
    return whole == ms ? ms : event_offset(ms, unit, 1);
}

/* ── texts ── */

bool event_parse(const char *text, int64_t *ms)
{
    return text && time_parse_iso(str_of(text), ms);
}

/* As dbt writes it. SQLite compares texts: a bound on midnight is the date alone, which
 * is before every time of that day and after every one of the day before. */
static void add_bound(struct buf *out, const char *adapter, int64_t ms)
{
    char text[32];
    time_format_sql(ms, ms % 1000 != 0, text);
    if (!streq(adapter, "sqlite"))
        buf_addf(out, "'%s+00:00'", text);
    else if (ms % 86400000 == 0)
        buf_addf(out, "'%.10s'", text);
    else
        buf_addf(out, "'%s'", text);
}

void event_condition(struct buf *out, const char *adapter, const char *column,
                     const struct event_window *w)
{
    if (w->has_start) {
        buf_addf(out, "%s >= ", column);
        add_bound(out, adapter, w->start);
    }
    if (w->has_end) {
        buf_addf(out, "%s%s < ", w->has_start ? " and " : "", column);
        add_bound(out, adapter, w->end);
    }
}

/* ── --sample ── */

/* "3 days": from the start of the unit that many before now, up to now. */
static bool relative_sample(const char *text, int64_t now, struct event_window *out)
{
    char *end, unit_name[16];
    long long n = strtoll(text, &end, 10);
    enum event_unit unit;
    end += strspn(end, " ");
    str_copy(unit_name, sizeof unit_name, end);
    size_t len = strlen(unit_name);
    if (len && unit_name[len - 1] == 's')
        unit_name[len - 1] = '\0';
    if (end == text || n <= 0 || !event_unit_named(unit_name, &unit))
        return false;
    *out = (struct event_window){true, true, event_offset(now, unit, -n), now};
    return true;
}

static bool mapped_sample(const json_t *v, struct event_window *out)
{
    *out = (struct event_window){.has_start = true, .has_end = true};
    return event_parse(json_str(v, "start", NULL), &out->start) &&
           event_parse(json_str(v, "end", NULL), &out->end) && out->start < out->end;
}

int event_sample(const struct project *p, struct event_window *out, bool *is_given,
                 struct err *e)
{
    const json_t *flag = project_flag(p, "sample");
    const char *text = json_is_string(flag) ? json_string_value(flag) : NULL;
    json_t *map = NULL;
    *is_given = flag && !json_is_false(flag);
    if (!*is_given)
        return 0;
    if (text && strchr(text, '{') &&
        yaml_read("--sample", text, strlen(text), &map, e) < 0)
        return e->code;
    bool is_good = map                    ? mapped_sample(map, out)
                   : json_is_object(flag) ? mapped_sample(flag, out)
                   : text                 ? relative_sample(text, p->now_ms, out)
                                          : false;
    json_decref(map);
    return is_good
               ? 0
               : err_set(e, ERR_USAGE,
                         "--sample \"%s\": give a length of time such as \"3 days\" "
                         "(hours, days, months, years) or \"{'start': '2024-01-01', "
                         "'end': '2024-02-01'}\"",
                         text ? text : "");
}

/* ── what a node reads of a relation ── */

static void narrow(struct event_window *w, const struct event_window *by)
{
    if (!w->has_start || by->start > w->start)
        w->start = by->start;
    if (!w->has_end || by->end < w->end)
        w->end = by->end;
    w->has_start = w->has_end = true;
}

int event_filter(const struct render *r, const struct item *of, struct buf *out,
                 struct err *e)
{
    const char *column = json_str(of->pub.config, "event_time", NULL);
    struct event_window w = {0}, sample;
    bool is_sampled;
    if (!column || !r->is_execute || !r->item ||
        (r->item->pub.type != NODE_MODEL && r->item->pub.type != NODE_SNAPSHOT))
        return 0;
    int rc = event_sample(r->p, &sample, &is_sampled, e);
    if (rc < 0)
        return rc;
    if (r->batch)
        w = r->batch->window;
    if (is_sampled)
        narrow(&w, &sample);
    if (w.has_start || w.has_end)
        event_condition(out, r->p->o.adapter, column, &w);
    return 0;
}
