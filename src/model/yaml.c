/* YAML reader for dbt's files, over libyaml's events. In: text. Out: a jansson value,
 * keys in file order. Called by project and properties loading and for --vars. A
 * duplicate key is an error (real dbt: the last one silently wins), since it always is
 * a mistake. */
#include "model/yaml.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>
#include <yaml.h>
#include "base/buf.h"
#include "base/json.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/text.h"
#include "model/place.h"

#define MAX_DEPTH  100
#define MAX_VALUES 4000000

struct reader {
    yaml_parser_t parser;
    const char *file;
    struct map anchors; /* name → json_t *, a reference of its own */
    size_t n_values;
    struct err *e;
};

static int fail_at(struct reader *r, yaml_mark_t at, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

static int fail_at(struct reader *r, yaml_mark_t at, const char *fmt, ...)
{
    char text[256];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    return err_set(r->e, ERR_PARSE, "%s:%zu:%zu: %s", r->file, at.line + 1,
                   at.column + 1, text);
}

static int next_event(struct reader *r, yaml_event_t *ev)
{
    if (yaml_parser_parse(&r->parser, ev))
        return 0;
    const yaml_parser_t *p = &r->parser;
    const char *problem = p->problem ? p->problem : "not YAML";
    if (strstr(problem, "cannot start any token"))
        problem = "a tab or other character that YAML does not allow here; indent with "
                  "spaces";
    return fail_at(r, p->problem_mark, "%.200s", problem);
}

/* ── scalars ── */

static json_t *plain_integer(struct str s)
{
    char digits[64];
    size_t n = 0;
    int64_t v;
    bool is_octal = s.n > 1 && s.p[0] == '0' && isdigit((unsigned char)s.p[1]);
    if (!s.n || s.n >= sizeof digits || s.p[0] == '_')
        return NULL;
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] != '_')
            digits[n++] = s.p[i];
    digits[n] = '\0';
    const char *p = digits[0] == '+' ? digits + 1 : digits;
    if (is_octal) {
        char *end;
        long long o = strtoll(digits, &end, 8);
        return *end ? NULL : json_integer(o);
    }
    if (p[0] == '0' && (p[1] | 32) == 'x') {
        char *end;
        long long x = strtoll(p + 2, &end, 16);
        return *end || !p[2] ? NULL : json_integer(x);
    }
    return str_to_i64(str_of(p), &v) ? json_integer(v) : NULL;
}

static json_t *plain_float(struct str s)
{
    double d;
    bool has_point = false, has_digit = false;
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        has_point |= c == '.';
        has_digit |= isdigit((unsigned char)c) != 0;
        if (!isdigit((unsigned char)c) && !strchr("+-.eE", c))
            return NULL;
    }
    /* PyYAML wants a point: 1e5 is text */
    return has_point && has_digit && str_to_double(s, &d) ? json_real(d) : NULL;
}

static json_t *plain_scalar(struct str s)
{
    static const char *const trues[] = {"true", "yes", "on"};
    static const char *const falses[] = {"false", "no", "off"};
    char word[8];
    if (!s.n || str_is(s, "~") || str_is(s, "null") || str_is(s, "Null") ||
        str_is(s, "NULL"))
        return json_null();
    if (s.n < sizeof word) {
        memcpy(word, s.p, s.n);
        word[s.n] = '\0';
        for (size_t i = 0; i < 3; i++) {
            if (strcasecmp(word, trues[i]) == 0)
                return json_true();
            if (strcasecmp(word, falses[i]) == 0)
                return json_false();
        }
    }
    json_t *v = plain_integer(s);
    if (!v)
        v = plain_float(s);
    return v ? v : json_stringn_nocheck(s.p, s.n);
}

static json_t *scalar(const yaml_event_t *ev)
{
    struct str s = {(const char *)ev->data.scalar.value, ev->data.scalar.length};
    const char *tag = (const char *)ev->data.scalar.tag;
    bool is_plain = ev->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    if (tag && streq(tag, YAML_STR_TAG))
        is_plain = false;
    return is_plain ? plain_scalar(s) : json_stringn_nocheck(s.p, s.n);
}

/* ── nodes ── */

static int node_from(struct reader *r, yaml_event_t *ev, int depth, json_t **out);

static int next_node(struct reader *r, int depth, json_t **out, bool *is_end,
                     yaml_event_type_t end)
{
    yaml_event_t ev;
    int rc = next_event(r, &ev);
    if (rc < 0)
        return rc;
    *is_end = ev.type == end;
    rc = *is_end ? 0 : node_from(r, &ev, depth, out);
    yaml_event_delete(&ev);
    return rc;
}

static int sequence(struct reader *r, int depth, json_t *list)
{
    for (;;) {
        json_t *v = NULL;
        bool is_end;
        int rc = next_node(r, depth, &v, &is_end, YAML_SEQUENCE_END_EVENT);
        if (rc < 0 || is_end)
            return rc;
        json_array_append_new(list, v);
    }
}

static char *key_text(const json_t *key)
{
    if (json_is_string(key))
        return mem_strdup(json_string_value(key));
    if (json_is_integer(key))
        return mem_printf("%lld", (long long)json_integer_value(key));
    if (json_is_boolean(key))
        return mem_strdup(json_is_true(key) ? "true" : "false");
    return json_is_null(key) ? mem_strdup("null") : NULL;
}

static int merge_value(struct reader *r, json_t *obj, json_t *v, yaml_mark_t at)
{
    if (json_is_object(v))
        return json_object_update_missing(obj, v);
    if (!json_is_array(v))
        return fail_at(r, at, "%s needs a mapping", "<<");
    size_t i;
    json_t *one;
    json_array_foreach (v, i, one)
        json_object_update_missing(obj, one);
    return 0;
}

/* merged: what "<<" brings; the mapping's own keys win. */
static int mapping_keys(struct reader *r, int depth, json_t *obj, json_t *merged)
{
    for (;;) {
        json_t *key = NULL, *v = NULL;
        bool is_end;
        yaml_mark_t at = r->parser.mark;
        int rc = next_node(r, depth, &key, &is_end, YAML_MAPPING_END_EVENT);
        if (rc < 0 || is_end)
            return rc;
        char *name = key_text(key);
        json_decref(key);
        if (!name)
            return fail_at(r, at, "a key must be %s", "text");
        rc = next_node(r, depth, &v, &is_end, YAML_MAPPING_END_EVENT);
        if (rc == 0 && streq(name, "<<"))
            rc = merge_value(r, merged, v, at);
        else if (rc == 0 && json_object_get(obj, name))
            rc = fail_at(r, at, "the key \"%s\" is there twice", name);
        else if (rc == 0)
            json_object_set_nocheck(obj, name, v);
        json_decref(v);
        mem_free(name);
        if (rc < 0)
            return rc;
    }
}

static int mapping(struct reader *r, int depth, json_t *obj)
{
    json_t *merged = json_object();
    int rc = mapping_keys(r, depth, obj, merged);
    if (rc == 0 && json_object_size(merged)) { /* PyYAML's order: merged ones first */
        json_object_update(merged, obj);
        json_object_clear(obj);
        json_object_update(obj, merged);
    }
    json_decref(merged);
    return rc;
}

static size_t count_values(json_t *v)
{
    size_t n = 1, i;
    json_t *one;
    const char *key;
    if (json_is_array(v))
        json_array_foreach (v, i, one)
            n += count_values(one);
    else
        json_object_foreach (v, key, one)
            n += count_values(one);
    return n;
}

static int alias(struct reader *r, const yaml_event_t *ev, json_t **out)
{
    const char *name = (const char *)ev->data.alias.anchor;
    json_t *v = map_get(&r->anchors, name);
    if (!v)
        return fail_at(r, ev->start_mark, "there is no anchor &%s", name);
    r->n_values += count_values(v);
    if (r->n_values > MAX_VALUES)
        return fail_at(r, ev->start_mark, "%s", "the aliases make this file too large");
    *out = json_deep_copy(v);
    return 0;
}

static void keep_anchor(struct reader *r, const yaml_char_t *anchor, json_t *v)
{
    if (anchor)
        json_decref(map_put(&r->anchors, (const char *)anchor, json_deep_copy(v)));
}

static int node_from(struct reader *r, yaml_event_t *ev, int depth, json_t **out)
{
    int rc = 0;
    if (depth > MAX_DEPTH)
        return fail_at(r, ev->start_mark, "%s", "nested more than 100 deep");
    if (++r->n_values > MAX_VALUES)
        return fail_at(r, ev->start_mark, "%s", "too many values in one file");
    switch (ev->type) {
    case YAML_SCALAR_EVENT:
        *out = scalar(ev);
        if (!*out)
            return fail_at(r, ev->start_mark, "%s", "not UTF-8");
        keep_anchor(r, ev->data.scalar.anchor, *out);
        return 0;
    case YAML_ALIAS_EVENT:
        return alias(r, ev, out);
    case YAML_SEQUENCE_START_EVENT:
        *out = json_array();
        rc = sequence(r, depth + 1, *out);
        if (rc == 0)
            keep_anchor(r, ev->data.sequence_start.anchor, *out);
        break;
    case YAML_MAPPING_START_EVENT:
        *out = json_object();
        rc = mapping(r, depth + 1, *out);
        if (rc == 0)
            keep_anchor(r, ev->data.mapping_start.anchor, *out);
        break;
    case YAML_NO_EVENT:
    case YAML_STREAM_START_EVENT:
    case YAML_STREAM_END_EVENT:
    case YAML_DOCUMENT_START_EVENT:
    case YAML_DOCUMENT_END_EVENT:
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        return fail_at(r, ev->start_mark, "%s", "a value is expected here");
    }
    if (rc < 0) {
        json_decref(*out);
        *out = NULL;
    }
    return rc;
}

static int document(struct reader *r, json_t **out)
{
    for (;;) {
        yaml_event_t ev;
        int rc = next_event(r, &ev);
        if (rc < 0)
            return rc;
        bool is_end = ev.type == YAML_STREAM_END_EVENT;
        bool is_frame = is_end || ev.type == YAML_STREAM_START_EVENT ||
                        ev.type == YAML_DOCUMENT_START_EVENT ||
                        ev.type == YAML_DOCUMENT_END_EVENT;
        if (!is_frame && *out)
            rc = fail_at(r, ev.start_mark, "%s", "one document is expected, not two");
        else if (!is_frame)
            rc = node_from(r, &ev, 0, out);
        yaml_event_delete(&ev);
        if (rc < 0 || is_end)
            return rc;
    }
}

json_t *yaml_plain(const char *p, size_t n)
{
    return plain_scalar((struct str){p, n});
}

int yaml_read(const char *file, const char *text, size_t n, json_t **out, struct err *e)
{
    return yaml_simple(text, n, out) ? 0 : yaml_read_full(file, text, n, out, e);
}

int yaml_read_full(const char *file, const char *text, size_t n, json_t **out,
                   struct err *e)
{
    struct reader r = {.file = file, .e = e};
    *out = NULL;
    if (!yaml_parser_initialize(&r.parser))
        return err_set(e, ERR_NOMEM, "%s: out of memory", file);
    map_init(&r.anchors);
    yaml_parser_set_input_string(&r.parser, (const unsigned char *)text, n);
    int rc = document(&r, out);
    if (rc < 0) {
        json_decref(*out);
        *out = NULL;
        if (!text_is_utf8(text, n)) /* which the library does not place */
            place_not_utf8(e, file, text, n);
        place_show(e, file, text, n);
    }
    for (struct map_entry *it = NULL; (it = map_next(&r.anchors, it));)
        json_decref(it->value);
    map_release(&r.anchors);
    yaml_parser_delete(&r.parser);
    return rc;
}

int yaml_too_large(const char *shown, struct err *e)
{
    return err_set(e, ERR_PARSE, "%s:1:1: the file has more than %u MiB; split it",
                   shown, YAML_MAX >> 20);
}

int yaml_read_path(const char *path, const char *shown, json_t **out, struct err *e)
{
    struct buf text;
    *out = NULL;
    buf_init(&text, YAML_MAX);
    int rc = buf_read_file(&text, path, e);
    if (rc == ERR_LIMIT)
        rc = yaml_too_large(shown, e);
    if (rc == 0)
        rc = yaml_read(shown, buf_str(&text), text.len, out, e);
    buf_release(&text);
    return rc;
}
