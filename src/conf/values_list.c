/* Values of weir.yml that are lists or mappings. Called by values.c through its table.
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/str.h"
#include "conf/values.h"

#define LIST_MAX ((size_t)1000)

static int check_item(struct load *l, const struct conf_row *r, const struct tree *t,
                      const char *path)
{
    const char *choice;
    int index;
    if (t->kind != TREE_SCALAR)
        return load_fail(l, t, path, "expected a list of single values, found %s in it",
                         tree_kind_name(t->kind));
    if (r->type == CONF_TYPE_STEPS)
        return value_choice(l, r, t, path, t->text, &choice, &index);
    const char *colon = strrchr(t->text, ':');
    int64_t port;
    if (r->type == CONF_TYPE_SERVERS &&
        (!colon || colon == t->text || !str_to_i64(str_of(colon + 1), &port) ||
         port < 1 || port > 65535))
        return load_fail(l, t, path, "\"%.80s\": expected host:port, as in kafka1:9092",
                         t->text);
    return 0;
}

static int read_list(STORE_ARGS, const char *const **out_list)
{
    const struct conf_row *r = at->row;
    const char *path = at->path;
    size_t n = t->kind == TREE_LIST ? t->n : 1;
    const struct tree *item = t->kind == TREE_LIST ? t->first : t;
    if (n > LIST_MAX || (r->most && (int64_t)n > r->most))
        return load_fail(l, t, path, "too many items");
    if (!n && (r->type == CONF_TYPE_STEPS || r->type == CONF_TYPE_SERVERS))
        return load_fail(l, t, path, "the list is empty");
    const char **out = arena_alloc(l->arena, (n + 1) * sizeof *out);
    for (size_t i = 0; i < n; i++, item = item->next) {
        int rc = check_item(l, r, item, path);
        if (rc < 0)
            return rc;
        out[i] = arena_strdup(l->arena, item->text);
    }
    *out_list = out;
    return 0;
}

int value_store_list(STORE_ARGS)
{
    return read_list(l, at, t, at->field);
}

int value_store_servers(STORE_ARGS)
{
    const char *const *list, **field = at->field;
    int rc = read_list(l, at, t, &list);
    if (rc < 0)
        return rc;
    *field = "";
    for (; *list; list++)
        *field = arena_printf(l->arena, "%s%s%s", *field, **field ? "," : "", *list);
    return 0;
}

int value_store_durations(STORE_ARGS)
{
    const struct conf_row *r = at->row;
    const char *path = at->path, *const * list;
    struct conf_stream *s = at->base;
    int rc = read_list(l, at, t, &list);
    if (rc < 0)
        return rc;
    size_t n = 0;
    while (list[n])
        n++;
    int64_t *out = arena_alloc(l->arena, (n + 1) * sizeof *out);
    for (size_t i = 0; i < n; i++) {
        if (!value_number(r->type, list[i], &out[i]) || !value_in_range(r, out[i]))
            return value_wrong(l, r, t, path, list[i]);
        if (86400000 % out[i])
            return load_fail(l, t, path, "\"%s\" does not divide a day", list[i]);
        if (i && out[i] <= out[i - 1])
            return load_fail(l, t, path, "list the windows from short to long");
    }
    s->windows_ms = out;
    s->n_windows = n;
    return 0;
}

int value_store_tables(STORE_ARGS)
{
    struct conf_stream *s = at->base;
    const char *path = at->path;
    struct conf_table_ref *out = arena_alloc(l->arena, (t->n + 1) * sizeof *out);
    static const char *const roles[] = {"store", "product"};
    size_t n = 0;
    for (const struct tree *m = t->first; m; m = m->next) {
        if (!streq(m->key, "store") && !streq(m->key, "product")) {
            const char *near = str_nearest(m->key, roles, 2);
            return load_fail(l, m, path,
                             "unknown role \"%.60s\"; roles are store and "
                             "product%s%s%s",
                             m->key, near ? "; did you mean \"" : "", near ? near : "",
                             near ? "\"?" : "");
        }
        if (m->kind != TREE_SCALAR)
            return load_fail(l, m, path, "expected the name of a topic");
        out[n++] = (struct conf_table_ref){arena_strdup(l->arena, m->key),
                                           arena_strdup(l->arena, m->text)};
    }
    s->tables = out;
    s->n_tables = n;
    return 0;
}

bool value_looks_secret(const char *name)
{
    static const char *const words[] = {"password", "secret",  "token",  "routing_key",
                                        "webhook",  "api_key", "private"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcasestr(name, words[i]))
            return true;
    return false;
}

int value_store_properties(STORE_ARGS)
{
    const char *path = at->path;
    const char **out = arena_alloc(l->arena, (t->n + 1) * sizeof *out);
    size_t n = 0;
    for (const struct tree *m = t->first; m; m = m->next) {
        struct tree scalar;
        const struct tree *v;
        int rc = load_resolve(l, m, path, &scalar, &v);
        if (rc < 0)
            return rc;
        if (v->kind != TREE_SCALAR)
            return load_fail(l, m, path, "%s: expected a single value", m->key);
        out[n++] = arena_printf(l->arena, "%s=%s", m->key, v->text);
    }
    *(const char *const **)at->field = out;
    return 0;
}

/* A node as JSON: plain scalars that are JSON numbers, booleans or null stay so. */
static json_t *node_json(const struct tree *t)
{
    if (t->kind == TREE_SCALAR) {
        const char *s = t->text;
        json_t *v = NULL;
        if (t->is_plain && (!*s || streq(s, "null") || streq(s, "~")))
            return json_null();
        if (t->is_plain && (*s == '-' || isdigit((unsigned char)*s) ||
                            streq(s, "true") || streq(s, "false")))
            v = json_loads(s, JSON_DECODE_ANY, NULL);
        return v ? v : json_string(s);
    }
    json_t *v = t->kind == TREE_LIST ? json_array() : json_object();
    for (const struct tree *m = t->first; m; m = m->next) {
        if (t->kind == TREE_LIST)
            json_array_append_new(v, node_json(m));
        else
            json_put(v, m->key, node_json(m));
    }
    return v;
}

int value_json(struct load *l, const struct tree *t, const char **out)
{
    struct buf b;
    json_t *v = node_json(t);
    buf_init(&b, 0);
    int rc = json_dump_buf(v, JSON_COMPACT, &b, l->e);
    *out = rc < 0 ? "" : arena_strndup(l->arena, buf_str(&b), b.len);
    json_decref(v);
    buf_release(&b);
    return rc;
}

int value_store_pairs(STORE_ARGS)
{
    struct conf_gate *g = at->base;
    const char *path = at->path;
    struct conf_pair *out = arena_alloc(l->arena, (t->n + 1) * sizeof *out);
    size_t n = 0;
    for (const struct tree *m = t->first; m; m = m->next) {
        struct tree scalar;
        const struct tree *v;
        int rc = load_resolve(l, m, path, &scalar, &v);
        if (rc < 0)
            return rc;
        if (v->kind == TREE_MAP && (v->n != 1 || !tree_get(v, "query")))
            return load_fail(l, m, path,
                             "%s: expected a value, a list or {query: "
                             "\"select ...\"}",
                             m->key);
        out[n].name = arena_strdup(l->arena, m->key);
        if ((rc = value_json(l, v, &out[n++].value)) < 0)
            return rc;
    }
    g->parameters = out;
    g->n_parameters = n;
    return 0;
}
