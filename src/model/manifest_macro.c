/* A macro as dbt's manifest has it: its text, what the properties say of it, and the
 * macros it calls. dbt finds calls by looking at the text, not by running it: so do we.
 * In: a macro. Out: one JSON object. Called by manifest.c. */
#include "model/internal.h"

#include <ctype.h>

#define NAME_MAX_BYTES 200

/* Where in a template the text is looked at. */
struct scan {
    struct project *p;
    const struct macro *m;
    const char *s, *end;
    json_t *found;
};

static void add_macro(struct scan *c, const struct macro *m)
{
    json_t *one;
    size_t i;
    if (!m || m == c->m)
        return;
    json_array_foreach (c->found, i, one)
        if (streq(json_string_value(one), m->unique_id))
            return;
    json_array_append_new(c->found, json_string(m->unique_id));
}

static bool is_name_char(char c)
{
    return isalnum((unsigned char)c) || c == '_';
}

/* adapter.dispatch('x', 'pkg'): what it would find. */
static void add_dispatched(struct scan *c, const char *name)
{
    const char *const prefixes[] = {c->p->o.adapter, "default"};
    char full[NAME_MAX_BYTES * 2];
    for (size_t i = 0; i < 2; i++) {
        snprintf(full, sizeof full, "%s__%s", prefixes[i], name);
        const struct macro *m = macros_find(c->p, c->m->package, full);
        if (m) {
            add_macro(c, m);
            return;
        }
    }
}

/* The text of a string literal at s; false when there is none. */
static bool literal(const char *s, const char *end, char out[NAME_MAX_BYTES])
{
    while (s < end && isspace((unsigned char)*s))
        s++;
    if (s >= end || (*s != '\'' && *s != '"'))
        return false;
    const char *to = memchr(s + 1, *s, (size_t)(end - s - 1));
    if (!to || to - s > NAME_MAX_BYTES)
        return false;
    memcpy(out, s + 1, (size_t)(to - s - 1));
    out[to - s - 1] = '\0';
    return true;
}

/* a.b.c at c->s, its first two words; steps over it. Returns how many there are. */
static int take_words(struct scan *c, char word[2][NAME_MAX_BYTES])
{
    int n = 0;
    while (c->s < c->end && is_name_char(*c->s)) {
        size_t len = 0;
        while (c->s + len < c->end && is_name_char(c->s[len]))
            len++;
        if (n < 2 && len < NAME_MAX_BYTES) {
            memcpy(word[n], c->s, len);
            word[n][len] = '\0';
        }
        n++;
        c->s += len;
        if (c->s + 1 >= c->end || *c->s != '.' || !is_name_char(c->s[1]))
            break;
        c->s++;
    }
    return n;
}

/* A call name(…) or package.name(…) that begins at c->s; steps over its name. */
static void scan_name(struct scan *c)
{
    char word[2][NAME_MAX_BYTES] = {"", ""}, name[NAME_MAX_BYTES];
    int n = take_words(c, word);
    while (c->s < c->end && isspace((unsigned char)*c->s))
        c->s++;
    if (c->s >= c->end || *c->s != '(' || n > 2)
        return;
    if (n == 1)
        add_macro(c, macros_find(c->p, c->m->package, word[0]));
    else if (streq(word[0], "adapter") && streq(word[1], "dispatch") &&
             literal(c->s + 1, c->end, name))
        add_dispatched(c, name);
    else
        add_macro(c, macros_in(c->p, word[0], word[1]));
}

/* Over the code of {{ … }} and {% … %}; strings are passed over. */
static void scan_code(struct scan *c)
{
    while (c->s < c->end) {
        char ch = *c->s;
        if ((ch == '%' || ch == '}') && c->s + 1 < c->end && c->s[1] == '}') {
            c->s += 2;
            return;
        }
        if (ch == '\'' || ch == '"') {
            const char *to = memchr(c->s + 1, ch, (size_t)(c->end - c->s - 1));
            c->s = to ? to + 1 : c->end;
        } else if (is_name_char(ch)) {
            scan_name(c);
        } else if (ch == '.') { /* a method of a value */
            c->s++;
            while (c->s < c->end && is_name_char(*c->s))
                c->s++;
        } else {
            c->s++;
        }
    }
}

/* The name in the definition's own tag is no call. */
static void skip_begin_tag(struct scan *c)
{
    const char *at = memchr(c->s, '(', (size_t)(c->end - c->s));
    const char *close = strstr(c->s, "%}");
    c->s = at && (!close || at < close) ? at + 1 : close ? close : c->end;
}

static json_t *macro_calls(struct project *p, const struct macro *m,
                           const struct jinja_def *d)
{
    struct scan c = {p, m, d->text, d->text + d->text_len, json_array()};
    if (!d->text)
        return c.found;
    skip_begin_tag(&c);
    scan_code(&c);
    while (c.s < c.end) {
        const char *open = memchr(c.s, '{', (size_t)(c.end - c.s));
        if (!open || open + 1 >= c.end)
            break;
        c.s = open + (open[1] == '{' || open[1] == '%' || open[1] == '#' ? 2 : 1);
        if (open[1] == '{' || open[1] == '%') {
            scan_code(&c);
        } else if (open[1] == '#') {
            const char *to = strstr(c.s, "#}");
            c.s = to && to < c.end ? to + 2 : c.end;
        }
    }
    return c.found;
}

static json_t *arguments(const json_t *patch)
{
    json_t *out = json_array(), *one;
    size_t i;
    json_array_foreach (json_arr(patch, "arguments"), i, one) {
        json_t *a = json_object();
        json_put_str(a, "name", json_str(one, "name", ""));
        json_put_str(a, "type", json_str(one, "type", NULL));
        json_put_str(a, "description", json_str(one, "description", ""));
        json_array_append_new(out, a);
    }
    return out;
}

/* The properties' entry of a macro; *file where it stands. NULL: none. */
static const json_t *patch_of(struct project *p, const struct macro *m,
                              const char **file)
{
    char key[600];
    snprintf(key, sizeof key, "macros %.250s %.300s",
             m->package ? m->package->name : "dbt", m->name);
    const json_t *patch = map_get(&p->patches, key);
    *file = json_str(patch, "file", NULL);
    return json_obj(patch, "body");
}

static const char *below_package(const struct macro *m, const char *path)
{
    const char *prefix = m->package ? m->package->prefix : "";
    return path && str_starts(path, prefix) ? path + strlen(prefix) : path;
}

static void put_described(json_t *n, struct project *p, const struct macro *m)
{
    const char *file;
    const json_t *patch = patch_of(p, m, &file);
    json_t *config = json_obj(patch, "config");
    json_t *meta = json_object_get(config, "meta"), *docs = json_obj(config, "docs");
    meta = meta ? meta : json_object_get(patch, "meta");
    docs = docs ? docs : json_obj(patch, "docs");
    json_t *all = json_pack("{s:b, s:n}", "show", 1, "node_color");
    if (docs)
        json_object_update(all, docs);
    meta = meta ? json_incref(meta) : json_object();
    json_put_str(n, "description", described(p, json_str(patch, "description", "")));
    json_put(n, "meta", json_incref(meta));
    json_put(n, "docs", json_incref(all));
    json_put(n, "config", json_pack("{s:o, s:o}", "meta", meta, "docs", all));
    char *path =
        file ? mem_printf("%s://%s", m->package->name, below_package(m, file)) : NULL;
    json_put_str(n, "patch_path", path);
    mem_free(path);
    json_put(n, "arguments", arguments(patch));
}

json_t *manifest_macro(struct project *p, const struct macro *m)
{
    const struct jinja_def *d = jinja_def(m->template, m->def);
    json_t *n = json_object();
    json_put_str(n, "name", m->name);
    json_put_str(n, "resource_type", "macro");
    json_put_str(n, "package_name", m->package ? m->package->name : "dbt");
    json_put_str(n, "path", below_package(m, m->path));
    json_put_str(n, "original_file_path", below_package(m, m->path));
    json_put_str(n, "unique_id", m->unique_id);
    json_put(n, "macro_sql", json_stringn(d->text ? d->text : "", d->text_len));
    json_put(n, "depends_on", json_pack("{s:o}", "macros", macro_calls(p, m, d)));
    put_described(n, p, m);
    json_put_num(n, "created_at", (double)p->now_ms / 1000.0);
    bool is_materialization = streq(d->kind, "materialization");
    json_put(n, "supported_languages",
             is_materialization ? json_pack("[s]", "sql") : json_null());
    return n;
}
