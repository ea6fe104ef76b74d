/* One value of weir.yml: from a tree node (or the row's default text) to the field of a
 * struct, by the row's type. Called by load.c. Always holds: what was stored passed its
 * row's range, and where it came from is recorded for `weir conf show`. */
#include "conf/values.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/decimal.h"
#include "base/json.h"
#include "base/str.h"
#include "base/timeutil.h"

int value_wrong(struct load *l, const struct conf_row *r, const struct tree *t,
                const char *path, const char *text)
{
    char range[96];
    const char *expected = conf_type_form(r->type);
    conf_row_range(r, range, sizeof range);
    return load_fail(l, t, path, "\"%.80s\": expected %s%s%s", text, expected,
                     *range ? ", " : "", range);
}

int value_choice(struct load *l, const struct conf_row *r, const struct tree *t,
                 const char *path, const char *text, const char **choice, int *index)
{
    const char *names[8];
    size_t n = 0;
    char *copy = arena_strdup(l->arena, r->choices), *save = NULL;
    for (char *w = strtok_r(copy, "|", &save); w && n < 8;
         w = strtok_r(NULL, "|", &save))
        names[n++] = w;
    for (size_t i = 0; i < n; i++)
        if (streq(names[i], text)) {
            *choice = names[i];
            *index = (int)i;
            return 0;
        }
    const char *near = str_nearest(text, names, n);
    char list[160] = "";
    for (size_t i = 0, at = 0; i < n && at < sizeof list; i++)
        at += (size_t)snprintf(list + at, sizeof list - at, "%s%s",
                               !i           ? ""
                               : i == n - 1 ? " or "
                                            : ", ",
                               names[i]);
    return load_fail(l, t, path, "\"%.80s\": expected %s%s%s%s", text, list,
                     near ? "; did you mean \"" : "", near ? near : "",
                     near ? "\"?" : "");
}

static bool parse_bytes(const char *text, int64_t *out)
{
    static const struct {
        const char *unit;
        int64_t size;
    } units[] = {{"B", 1},           {"KiB", 1 << 10},  {"MiB", 1 << 20},
                 {"GiB", 1 << 30},   {"KB", 1000},      {"MB", 1000000},
                 {"GB", 1000000000}, {"TiB", 1LL << 40}};
    size_t n = strspn(text, "0123456789");
    int64_t v;
    if (!n || !str_to_i64((struct str){text, n}, &v))
        return false;
    const char *unit = text + n + strspn(text + n, " ");
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (streq(unit, units[i].unit))
            return !__builtin_mul_overflow(v, units[i].size, out);
    return false;
}

/* "10/min" "10/30s": how many in how long. */
static bool parse_rate(const char *text, int64_t *n, int64_t *ms)
{
    const char *slash = strchr(text, '/');
    if (!slash || !str_to_i64((struct str){text, (size_t)(slash - text)}, n))
        return false;
    static const struct {
        const char *unit;
        int64_t ms;
    } units[] = {{"s", 1000},    {"sec", 1000},     {"m", 60000},    {"min", 60000},
                 {"h", 3600000}, {"hour", 3600000}, {"d", 86400000}, {"day", 86400000}};
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (streq(slash + 1, units[i].unit)) {
            *ms = units[i].ms;
            return true;
        }
    return time_parse_duration(str_of(slash + 1), ms) && *ms > 0;
}

static bool is_relation(const char *text)
{
    const char *dot = strchr(text, '.');
    if (!dot || dot == text || !dot[1] || strchr(dot + 1, '.'))
        return false;
    for (const char *p = text; *p; p++)
        if (!isalnum((unsigned char)*p) && *p != '_' && *p != '.')
            return false;
    return true;
}

static bool is_cron(const char *text)
{
    int fields = 0;
    for (const char *p = text; *p;) {
        p += strspn(p, " \t");
        fields += *p != '\0';
        p += strcspn(p, " \t");
    }
    return fields == 5 || text[0] == '@';
}

bool value_number(enum conf_type type, const char *text, int64_t *v)
{
    struct str s = str_of(text);
    if (type == CONF_TYPE_DURATION || type == CONF_TYPE_DURATIONS ||
        type == CONF_TYPE_RETENTION)
        return time_parse_duration(s, v);
    if (type == CONF_TYPE_BYTES || type == CONF_TYPE_SIZE)
        return parse_bytes(text, v);
    if (type == CONF_TYPE_MONEY)
        return decimal_to_cents(s, v);
    return str_to_i64(s, v);
}

bool value_in_range(const struct conf_row *r, int64_t v)
{
    return v >= r->least && (!r->most || v <= r->most);
}

static int store_number(STORE_ARGS)
{
    enum conf_type type = at->row->type;
    int64_t v = -1;
    bool is_open = (type == CONF_TYPE_RETENTION && streq(t->text, "forever")) ||
                   (type == CONF_TYPE_SIZE && streq(t->text, "unlimited"));
    if (!is_open && (!value_number(type, t->text, &v) || !value_in_range(at->row, v) ||
                     (type == CONF_TYPE_INT && v > INT32_MAX)))
        return value_wrong(l, at->row, t, at->path, t->text);
    if (type == CONF_TYPE_INT)
        *(int *)at->field = (int)v;
    else
        *(int64_t *)at->field = v;
    return 0;
}

static int store_flag(STORE_ARGS)
{
    if (!streq(t->text, "true") && !streq(t->text, "false"))
        return value_wrong(l, at->row, t, at->path, t->text);
    *(bool *)at->field = streq(t->text, "true");
    return 0;
}

static int store_double(STORE_ARGS)
{
    double v;
    if (!str_to_double(str_of(t->text), &v) || v < (double)at->row->least ||
        (at->row->most && v > (double)at->row->most))
        return value_wrong(l, at->row, t, at->path, t->text);
    *(double *)at->field = v;
    return 0;
}

static int keep_text(struct load *l, const struct place *at, const char *text)
{
    *(const char **)at->field = arena_strdup(l->arena, text);
    return 0;
}

static int store_text(STORE_ARGS)
{
    size_t n = strlen(t->text);
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)t->text[i] < 0x20 || t->text[i] == 0x7f)
            return load_fail(l, t, at->path, "control character in the value");
    if (at->row->most && (int64_t)n > at->row->most)
        return load_fail(l, t, at->path, "%zu characters; at most %lld are allowed", n,
                         (long long)at->row->most);
    if ((int64_t)n < at->row->least)
        return load_fail(l, t, at->path, "must not be empty");
    return keep_text(l, at, t->text);
}

/* Written as it is, it would be read by whoever reads the file or the process list. */
static int store_secret(STORE_ARGS)
{
    if (!t->is_secret && *t->text)
        return load_fail(l, t, at->path,
                         "a secret is not written here; name where it is: {env: NAME} "
                         "or {file: PATH}");
    return store_text(l, at, t);
}

static int store_enum(STORE_ARGS)
{
    const char *choice = NULL;
    int index = 0;
    int rc = value_choice(l, at->row, t, at->path, t->text, &choice, &index);
    if (rc == 0 && at->row->type == CONF_TYPE_CHOICE)
        *(int *)at->field = index;
    else if (rc == 0)
        *(const char **)at->field = choice;
    return rc;
}

static int store_zone(STORE_ARGS)
{
    struct err why = {0};
    if (!time_zone_get(t->text, &why))
        return load_fail(l, t, at->path, "%s", why.text);
    return keep_text(l, at, t->text);
}

static int store_relation(STORE_ARGS)
{
    if (!is_relation(t->text))
        return value_wrong(l, at->row, t, at->path, t->text);
    return keep_text(l, at, t->text);
}

static int store_cron(STORE_ARGS)
{
    if (!is_cron(t->text))
        return value_wrong(l, at->row, t, at->path, t->text);
    return keep_text(l, at, t->text);
}

static int store_rate(STORE_ARGS)
{
    int64_t n, ms;
    if (!parse_rate(t->text, &n, &ms) || !value_in_range(at->row, n))
        return value_wrong(l, at->row, t, at->path, t->text);
    struct conf_stream *s = at->base;
    s->velocity_max = n;
    s->velocity_ms = ms;
    return 0;
}

static int store_path(STORE_ARGS)
{
    enum conf_type type = at->row->type;
    if (type == CONF_TYPE_ARRIVAL && (streq(t->text, "auto") || !*t->text))
        return keep_text(l, at, t->text);
    if (!*t->text)
        return load_fail(l, t, at->path, "the path is empty");
    *(const char **)at->field = type == CONF_TYPE_STATE_PATH
                                    ? load_path(l, l->p->state_dir, t->text)
                                    : load_project_path(l, t, at->path);
    return 0;
}

/* One row a type: what kind of node it is and who reads it. */
static const struct {
    int (*store)(STORE_ARGS);
    enum tree_kind kind;
} types[] = {
    [CONF_TYPE_TEXT] = {store_text, TREE_SCALAR},
    [CONF_TYPE_SECRET] = {store_secret, TREE_SCALAR},
    [CONF_TYPE_ENUM] = {store_enum, TREE_SCALAR},
    [CONF_TYPE_CHOICE] = {store_enum, TREE_SCALAR},
    [CONF_TYPE_TIMEZONE] = {store_zone, TREE_SCALAR},
    [CONF_TYPE_PATH] = {store_path, TREE_SCALAR},
    [CONF_TYPE_STATE_PATH] = {store_path, TREE_SCALAR},
    [CONF_TYPE_ARRIVAL] = {store_path, TREE_SCALAR},
    [CONF_TYPE_RELATION] = {store_relation, TREE_SCALAR},
    [CONF_TYPE_CRON] = {store_cron, TREE_SCALAR},
    [CONF_TYPE_INT] = {store_number, TREE_SCALAR},
    [CONF_TYPE_INT64] = {store_number, TREE_SCALAR},
    [CONF_TYPE_NUMBER] = {store_double, TREE_SCALAR},
    [CONF_TYPE_FLAG] = {store_flag, TREE_SCALAR},
    [CONF_TYPE_DURATION] = {store_number, TREE_SCALAR},
    [CONF_TYPE_RETENTION] = {store_number, TREE_SCALAR},
    [CONF_TYPE_BYTES] = {store_number, TREE_SCALAR},
    [CONF_TYPE_SIZE] = {store_number, TREE_SCALAR},
    [CONF_TYPE_MONEY] = {store_number, TREE_SCALAR},
    [CONF_TYPE_RATE] = {store_rate, TREE_SCALAR},
    [CONF_TYPE_LIST] = {value_store_list, TREE_LIST},
    [CONF_TYPE_STEPS] = {value_store_list, TREE_LIST},
    [CONF_TYPE_DURATIONS] = {value_store_durations, TREE_LIST},
    [CONF_TYPE_SERVERS] = {value_store_servers, TREE_LIST},
    [CONF_TYPE_TABLES] = {value_store_tables, TREE_MAP},
    [CONF_TYPE_PAIRS] = {value_store_pairs, TREE_MAP},
    [CONF_TYPE_PROPERTIES] = {value_store_properties, TREE_MAP},
};

static bool is_composite(enum conf_type t)
{
    return types[t].kind != TREE_SCALAR;
}

static int store(struct load *l, const struct conf_row *r, const struct tree *t,
                 const char *path, void *base)
{
    struct place at = {r, path, base, (char *)base + r->at};
    enum tree_kind want = types[r->type].kind;
    /* A single value may stand for a list of one. */
    if (t->kind == want || (want == TREE_LIST && t->kind == TREE_SCALAR))
        return types[r->type].store(l, &at, t);
    return load_fail(l, t, path, "expected %s, found %s", conf_type_form(r->type),
                     tree_kind_name(t->kind));
}

/* The default is parsed as if it had been written, so it obeys its own row. */
static int store_default(struct load *l, const struct conf_row *r, const char *path,
                         void *base)
{
    if (!r->standard)
        return load_fail(l, NULL, path, "missing: %s", r->doc);
    if (!*r->standard && is_composite(r->type))
        return 0;
    if (!*r->standard) {
        if (r->type == CONF_TYPE_TEXT || r->type == CONF_TYPE_SECRET ||
            r->type == CONF_TYPE_ARRIVAL)
            *(const char **)(void *)((char *)base + r->at) = "";
        return 0; /* computed by derive.c */
    }
    struct tree *t;
    if (!is_composite(r->type)) {
        struct tree scalar = {
            .kind = TREE_SCALAR, .text = r->standard, .is_plain = true};
        return store(l, r, &scalar, path, base);
    }
    int rc =
        tree_parse(l->arena, "default", r->standard, strlen(r->standard), &t, l->e);
    return rc < 0 ? rc : store(l, r, t, path, base);
}

static int shown(struct load *l, const struct tree *t, const char **out)
{
    if (t->kind != TREE_SCALAR)
        return value_json(l, t, out);
    *out = t->text;
    return 0;
}

int value_parse(struct load *l, const struct conf_row *r, const struct tree *t,
                const char *path, void *base)
{
    struct tree scalar;
    const struct tree *v = t;
    int rc;
    if (!t) {
        rc = store_default(l, r, path, base);
        if (rc == 0 && *r->standard)
            load_origin(l, path, r->standard, NULL, false);
        return rc;
    }
    const char *text;
    if ((!is_composite(r->type) && (rc = load_resolve(l, t, path, &scalar, &v)) < 0) ||
        (rc = store(l, r, v, path, base)) < 0 || (rc = shown(l, v, &text)) < 0)
        return rc;
    bool is_secret =
        v->is_secret || value_looks_secret(r->name) || r->type == CONF_TYPE_PROPERTIES;
    load_origin(l, path, text, t, is_secret);
    return 0;
}

int value_pair(struct load *l, const struct tree *t, const char *path,
               struct conf_pair *out)
{
    struct tree scalar;
    const struct tree *v;
    int rc = load_resolve(l, t, path, &scalar, &v);
    if (rc < 0)
        return rc;
    *out = (struct conf_pair){.name = arena_strdup(l->arena, t->key)};
    out->is_path =
        streq(t->key, "path") || str_ends(t->key, "_path") || str_ends(t->key, "_file");
    if (out->is_path && v->kind != TREE_SCALAR)
        return load_fail(l, t, path, "expected a path, found %s",
                         tree_kind_name(v->kind));
    const char *text;
    if ((rc = shown(l, v, &text)) < 0)
        return rc;
    out->value = arena_strdup(l->arena, text);
    if (out->is_path && !*out->value)
        return load_fail(l, t, path, "the path is empty");
    if (out->is_path)
        out->value = load_project_path(l, v, path);
    load_origin(l, path, text, t, v->is_secret || value_looks_secret(t->key));
    return 0;
}
