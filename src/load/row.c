/* One record → one row.
 *
 * in: a bus record and the table's layout. out: bound values. Called by load.c for
 * every record; the hot path of loading. Always holds: values point into the record or
 * into the scratch, which is sized before a row begins and never moves while it is
 * filled. */
#include "load/row.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/text.h"
#include "base/timeutil.h"

#define SCRATCH_SPARE 1024 /* times and braces beside the record's own bytes */

static const struct jscan_limits limits = {
    .max_bytes = 16u << 20, .max_depth = 64, .max_tokens = 4u << 20};
/* The items of a receipt are nine tenths of it, and go to one column as they are. */
static const struct jscan_limits outer = {
    .max_bytes = 16u << 20, .max_depth = 64, .max_tokens = 4u << 20, .opaque_depth = 2};

/* Names with their lengths: they are compared for every member of every record. */
static void note_names(struct row *r)
{
    const struct load_layout *l = r->layout;
    while (l->ignored && l->ignored[r->n_ignored])
        r->n_ignored++;
    r->members = mem_alloc((r->n_columns + 1) * sizeof(*r->members));
    r->ignored = mem_alloc((r->n_ignored + 1) * sizeof(*r->ignored));
    r->correction = r->n_columns;
    for (size_t i = 0; i < r->n_columns; i++) {
        const struct load_column *c = &l->columns[i];
        if (c->member && c->from <= FROM_JSON)
            r->members[i] = str_of(c->member);
        if (l->has_corrections && streq(c->name, "is_correction"))
            r->correction = i;
    }
    for (size_t i = 0; i < r->n_ignored; i++)
        r->ignored[i] = str_of(l->ignored[i]);
}

void row_init(struct row *r, const struct load_layout *l)
{
    memset(r, 0, sizeof(*r));
    r->layout = l;
    r->n_columns = l ? layout_columns(l) : 0;
    r->values = mem_alloc((r->n_columns + 2) * sizeof(*r->values));
    if (l)
        note_names(r);
    jscan_init(&r->scan);
    map_init(&r->drift);
}

void row_release(struct row *r)
{
    for (struct map_entry *it = NULL; (it = map_next(&r->drift, it));)
        mem_free(it->value);
    map_release(&r->drift);
    jscan_release(&r->scan);
    mem_free(r->values);
    mem_free(r->members);
    mem_free(r->ignored);
    mem_free(r->scratch);
    memset(r, 0, sizeof(*r));
}

static int no_row(struct row *r, const char *reason, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

static int no_row(struct row *r, const char *reason, const char *fmt, ...)
{
    va_list ap;
    r->reason = reason;
    va_start(ap, fmt);
    vsnprintf(r->detail, sizeof(r->detail), fmt, ap);
    va_end(ap);
    return 1;
}

/* ── scratch ─────────────────────────────────────────────────────────────────────── */

/* Room for everything one record can need: its texts once and its extras once. */
static int make_room(struct row *r, size_t n, struct err *e)
{
    size_t need = 2 * n + SCRATCH_SPARE + 40 * r->n_columns;
    r->scratch_len = 0;
    if (r->scratch_cap >= need)
        return 0;
    char *p = mem_try_realloc(r->scratch, need * 2);
    if (!p)
        return err_set(e, ERR_NOMEM, "a record of %zu bytes", n);
    r->scratch = p;
    r->scratch_cap = need * 2;
    return 0;
}

static struct str keep(struct row *r, const char *p, size_t n)
{
    char *at = r->scratch + r->scratch_len;
    memcpy(at, p, n);
    r->scratch_len += n;
    return (struct str){at, n};
}

/* ── values ──────────────────────────────────────────────────────────────────────── */

static struct wh_value text_value(struct str s)
{
    return (struct wh_value){.type = WH_TEXT, .text = s};
}

static struct wh_value int_value(int64_t i)
{
    return (struct wh_value){.type = WH_INT, .i = i};
}

/* A decimal as the nearest double. Up to 15 digits and 22 places a division of two
 * exact doubles is correctly rounded (Clinger 1990); anything else goes the slow way.
 */
static bool real_of(struct str s, double *out)
{
    static const double ten[] = {1e0, 1e1, 1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};
    int64_t v = 0;
    size_t digits = 0, places = 0, i = s.n > 0 && s.p[0] == '-';
    bool has_point = false;
    for (; i < s.n; i++) {
        if (s.p[i] == '.' && !has_point) {
            has_point = true;
            continue;
        }
        if (s.p[i] < '0' || s.p[i] > '9' || ++digits > 15)
            return str_to_double(s, out);
        v = v * 10 + (s.p[i] - '0');
        places += has_point;
    }
    if (digits == 0)
        return false;
    double d = (double)v / ten[places];
    *out = s.p[0] == '-' ? -d : d;
    return true;
}

static bool is_plain_iso(struct str s)
{
    static const char form[] = "dddd-dd-ddTdd:dd:ddZ";
    if (s.n != sizeof(form) - 1)
        return false;
    for (size_t i = 0; i < s.n; i++) {
        if (form[i] == 'd' ? s.p[i] < '0' || s.p[i] > '9' : s.p[i] != form[i])
            return false;
    }
    return true;
}

/* ISO → the warehouse's text form; what is no time stays as it is. */
static struct str time_text(struct row *r, struct str s)
{
    char out[32];
    int64_t ms;
    if (is_plain_iso(s)) {
        struct str t = keep(r, s.p, 19);
        r->scratch[r->scratch_len - 9] = ' ';
        return t;
    }
    if (!time_parse_iso(s, &ms))
        return s;
    time_format_sql(ms, ms % 1000 != 0, out);
    return keep(r, out, strlen(out));
}

/* Out of memory is noted in the row: a value must not become an empty text for it. */
static struct str string_text(struct row *r, size_t i)
{
    const struct jscan_token *t = &r->scan.tok[i];
    if (!t->has_escape)
        return jscan_raw(&r->scan, i);
    struct buf b;
    buf_init(&b, SIZE_MAX);
    struct str s = {"", 0};
    if (jscan_unescape(&r->scan, i, &b) == 0 && !b.failed)
        s = keep(r, buf_str(&b), b.len);
    else
        r->is_out_of_memory = true;
    buf_release(&b);
    return s;
}

/* Does the JSON value fit the column? *out is its value. */
static bool json_value(struct row *r, const struct load_column *c, size_t i,
                       struct wh_value *out)
{
    enum jscan_type type = r->scan.tok[i].type;
    struct str raw = jscan_raw(&r->scan, i);
    bool is_text = type == JSCAN_STRING;
    if (type == JSCAN_NULL)
        return true;
    if (c->from == FROM_REAL) {
        out->type = WH_REAL;
        return type == JSCAN_NUMBER && real_of(raw, &out->d);
    }
    if (c->from == FROM_INT || c->from == FROM_FLAG) {
        *out = int_value(type == JSCAN_TRUE);
        return type == JSCAN_TRUE || type == JSCAN_FALSE ||
               (type == JSCAN_NUMBER && str_to_i64(raw, &out->i));
    }
    if (c->from == FROM_TIME) {
        *out = text_value(is_text ? time_text(r, string_text(r, i)) : raw);
        return is_text;
    }
    *out = text_value(is_text ? string_text(r, i) : raw);
    return true;
}

/* ── members ─────────────────────────────────────────────────────────────────────── */

/* Column of a member, starting where the last one was found; n_columns: none. */
static size_t column_of(struct row *r, struct str key)
{
    for (size_t k = 0; k < r->n_columns; k++) {
        size_t i =
            r->hint + k < r->n_columns ? r->hint + k : r->hint + k - r->n_columns;
        if (r->members[i].p && str_eq(key, r->members[i])) {
            r->hint = i + 1 < r->n_columns ? i + 1 : 0;
            return i;
        }
    }
    return r->n_columns;
}

static bool is_ignored(const struct row *r, struct str key)
{
    for (size_t i = 0; i < r->n_ignored; i++) {
        if (str_eq(key, r->ignored[i]))
            return true;
    }
    return false;
}

/* The name of a member: "store\\u005fid" is store_id. A name too long to be a column's
 * stays as it is written. */
static struct str name_of(struct row *r, size_t i)
{
    struct str raw = jscan_raw(&r->scan, i);
    if (__builtin_expect(!r->scan.tok[i].has_escape, 1))
        return raw;
    struct buf b;
    buf_init(&b, 1u << 20);
    struct str name = raw;
    if (jscan_unescape(&r->scan, i, &b) == 0 && !b.failed && b.len < sizeof(r->name)) {
        memcpy(r->name, buf_str(&b), b.len);
        name = (struct str){r->name, b.len};
    }
    buf_release(&b);
    return name;
}

static void count_drift(struct row *r, struct str key)
{
    int64_t *n = map_getn(&r->drift, key.p, key.n);
    if (!n && r->drift.live < 1000) { /* names come from data: there is a ceiling */
        n = mem_alloc(sizeof(*n));
        map_putn(&r->drift, key.p, key.n, n);
    }
    if (n)
        (*n)++;
}

/* The member as it is written, into the object of extras at the scratch's end. */
static void add_extra(struct row *r, size_t key, struct str *extra)
{
    const char *text = r->scan.text;
    const struct jscan_token *k = &r->scan.tok[key], *v = &r->scan.tok[key + 1];
    size_t from = k->start - 1; /* its quote */
    size_t to = v->start + v->len + (v->type == JSCAN_STRING);
    if (!extra->p) {
        extra->p = r->scratch + r->scratch_len;
        keep(r, "{", 1);
    } else {
        r->scratch[r->scratch_len - 1] = ',';
    }
    keep(r, text + from, to - from);
    keep(r, "}", 1);
    extra->n = (size_t)(r->scratch + r->scratch_len - extra->p);
}

/* Extras are gathered in a second walk, so that their bytes lie together. */
static struct str gather_extra(struct row *r)
{
    struct str extra = {NULL, 0};
    const struct jscan_token *tok = r->scan.tok;
    for (size_t i = 1; i < tok[0].next; i = tok[i + 1].next) {
        struct str key = name_of(r, i);
        if (column_of(r, key) < r->n_columns || is_ignored(r, key))
            continue;
        count_drift(r, key);
        add_extra(r, i, &extra);
    }
    return extra;
}

static int wrong_type(struct row *r, const struct load_column *c, size_t i)
{
    static const char *const names[] = {
        [JSCAN_OBJECT] = "an object", [JSCAN_ARRAY] = "an array",
        [JSCAN_STRING] = "a string",  [JSCAN_NUMBER] = "a number",
        [JSCAN_TRUE] = "true",        [JSCAN_FALSE] = "false",
        [JSCAN_NULL] = "null"};
    return no_row(r, "wrong_type", "%s is %s, the column is %s", c->member,
                  names[r->scan.tok[i].type], c->type);
}

/* All members into their columns; *has_extra: some had none. */
static int fill_members(struct row *r, const struct bus_record *rec, bool *has_extra)
{
    int rc = jscan_parse(&r->scan, rec->value.p, rec->value.n,
                         r->is_scanned ? &outer : &limits);
    if (rc < 0 && rc != ERR_PARSE)
        return rc; /* not the record's fault */
    if (rc < 0)
        return no_row(r, jscan_fault_reason(r->scan.fault), "byte %zu: %s",
                      r->scan.fault_at, r->scan.fault_what);
    const struct jscan_token *tok = r->scan.tok;
    if (tok[0].type != JSCAN_OBJECT)
        return no_row(r, "wrong_type", "the record is no JSON object");
    r->hint = 0;
    for (size_t i = 1; i < tok[0].next; i = tok[i + 1].next) {
        struct str key = name_of(r, i);
        size_t at = column_of(r, key);
        if (at == r->n_columns) {
            *has_extra = *has_extra || !is_ignored(r, key);
            continue;
        }
        if (!json_value(r, &r->layout->columns[at], i + 1, &r->values[at]))
            return wrong_type(r, &r->layout->columns[at], i + 1);
    }
    return 0;
}

/* ── values that are not members ─────────────────────────────────────────────────── */

static struct wh_value header_value(const struct bus_record *rec,
                                    const struct load_column *c)
{
    const struct bus_header *h = bus_header(rec, c->member);
    int64_t n;
    if (!h)
        return (struct wh_value){.type = WH_NULL};
    if (c->from == FROM_HEADER_INT && str_to_i64(h->value, &n))
        return int_value(n);
    return text_value(h->value);
}

static struct wh_value bytes_value(struct str s)
{
    struct wh_value v = text_value(s);
    if (memchr(s.p, 0, s.n) || !text_is_utf8(s.p, s.n))
        v.type = WH_BLOB;
    return v;
}

static struct wh_value arrival_value(struct row *r, const struct bus_record *rec)
{
    char out[32];
    time_format_sql(rec->timestamp_ms, true, out);
    return text_value(keep(r, out, strlen(out)));
}

static void fill_own(struct row *r, size_t i, const struct bus_record *rec,
                     bool has_extra)
{
    const struct load_column *c = &r->layout->columns[i];
    struct wh_value *v = &r->values[i];
    struct str extra;
    switch (c->from) {
    case FROM_OFFSET:
        *v = int_value(rec->offset);
        break;
    case FROM_PARTITION:
        *v = int_value(rec->partition);
        break;
    case FROM_ARRIVAL:
        *v = arrival_value(r, rec);
        break;
    case FROM_KEY:
        *v = bytes_value(rec->key);
        break;
    case FROM_VALUE:
        *v = bytes_value(rec->value);
        break;
    case FROM_HEADER:
    case FROM_HEADER_INT:
        *v = header_value(rec, c);
        break;
    case FROM_EXTRA:
        extra = has_extra ? gather_extra(r) : (struct str){NULL, 0};
        if (extra.p)
            *v = text_value(extra);
        break;
    case FROM_LOADED:
        *v = text_value(str_of(r->loaded_at));
        break;
    case FROM_SEQUENCE:
        *v = int_value(r->sequence);
        break;
    case FROM_TEXT:
    case FROM_REAL:
    case FROM_INT:
    case FROM_FLAG:
    case FROM_TIME:
    case FROM_JSON:
        break;
    }
}

static int check_required(struct row *r)
{
    for (size_t i = 0; i < r->n_columns; i++) {
        const struct load_column *c = &r->layout->columns[i];
        if (c->is_required && r->values[i].type == WH_NULL)
            return no_row(r, "missing_field", "%s is missing", c->member);
    }
    if (r->correction < r->n_columns)
        r->is_correction =
            r->values[r->correction].type == WH_INT && r->values[r->correction].i;
    return 0;
}

static void fill_stage(struct row *r, const struct bus_record *rec)
{
    static const struct load_column op = {"op", "TEXT", FROM_HEADER, "op", false};
    r->values[r->n_columns] = header_value(rec, &op);
    r->values[r->n_columns + 1] = int_value(r->sequence++);
}

int row_fill(struct row *r, const struct bus_record *rec, struct err *e)
{
    bool has_extra = false;
    int rc = make_room(r, rec->value.n, e);
    if (rc < 0)
        return rc;
    memset(r->values, 0, r->n_columns * sizeof(*r->values));
    r->is_correction = false;
    r->is_out_of_memory = false;
    if (r->layout->is_json)
        rc = fill_members(r, rec, &has_extra);
    if (rc < 0 || r->is_out_of_memory)
        return err_set(e, rc < 0 ? rc : ERR_NOMEM, "a record of %zu bytes",
                       rec->value.n);
    if (rc > 0)
        return rc;
    for (size_t i = 0; i < r->n_columns; i++) {
        if (r->layout->columns[i].from > FROM_JSON)
            fill_own(r, i, rec, has_extra);
    }
    if (r->layout->write == LOAD_NEWEST)
        fill_stage(r, rec);
    return check_required(r);
}

void row_each_drift(const struct row *r, row_drift_fn *fn, void *arg)
{
    for (struct map_entry *it = NULL; (it = map_next(&r->drift, it));)
        fn(arg, it->key, *(const int64_t *)it->value);
}

int row_names(struct row *r, const struct bus_record *rec, struct arena *arena,
              const char ***names, size_t *n)
{
    int rc = jscan_parse(&r->scan, rec->value.p, rec->value.n, &limits);
    if (rc < 0 && rc != ERR_PARSE)
        return rc;
    if (rc < 0 || r->scan.tok[0].type != JSCAN_OBJECT)
        return 1;
    const struct jscan_token *tok = r->scan.tok;
    *names = arena_alloc(arena, (r->scan.n + 1) * sizeof(**names));
    *n = 0;
    for (size_t i = 1; i < tok[0].next && *n < ROW_COLUMNS_MAX; i = tok[i + 1].next) {
        struct str key = jscan_raw(&r->scan, i);
        if (key.n > 0 && key.n < 200 && !tok[i].has_escape)
            (*names)[(*n)++] = arena_strndup(arena, key.p, key.n);
    }
    return *n ? 0 : 1;
}
