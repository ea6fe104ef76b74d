/* JSON of values: json.dumps as Python writes it (tojson), and the bridge to jansson
 * for what crosses into the control plane. */
#include "jinja/internal.h"

#include <math.h>

#define JSON_DEPTH 500

struct dump_writer {
    struct jinja_call *c;
    struct buf *out;
    int indent; /* < 0: one line */
    bool sort_keys, html_safe;
    const char *fault;
};

static void dump_newline(struct dump_writer *w, int depth)
{
    if (w->indent < 0)
        return;
    buf_addc(w->out, '\n');
    for (int i = 0; i < depth * w->indent && !w->out->failed; i++)
        buf_addc(w->out, ' ');
}

static void dump_cp(struct dump_writer *w, uint32_t cp)
{
    static const char plain[] = "\"\\\b\f\n\r\t", code[] = "\"\\bfnrt";
    const char *at = cp && cp < 0x80 ? strchr(plain, (int)cp) : NULL;
    bool is_html = w->html_safe && (cp == '<' || cp == '>' || cp == '&' || cp == '\'');
    if (at)
        buf_addf(w->out, "\\%c", code[at - plain]);
    else if (cp >= 0x20 && cp < 0x7F && !is_html)
        buf_addc(w->out, (char)cp);
    else if (cp == 0x7F)
        buf_addc(w->out, (char)cp);
    else if (cp < 0x10000)
        buf_addf(w->out, "\\u%04x", cp);
    else
        buf_addf(w->out, "\\u%04x\\u%04x", 0xD800 + ((cp - 0x10000) >> 10),
                 0xDC00 + ((cp - 0x10000) & 0x3FF));
}

static void dump_string(struct dump_writer *w, struct str s)
{
    buf_addc(w->out, '"');
    for (const char *p = s.p, *end = p + s.n; p < end;)
        dump_cp(w, u8_next(&p, end));
    buf_addc(w->out, '"');
}

static void dump_value(struct dump_writer *w, const struct jv *v, int depth);

static void dump_seq(struct dump_writer *w, const struct jv *v, int depth)
{
    if (!v->u.seq.n) {
        buf_adds(w->out, "[]");
        return;
    }
    buf_addc(w->out, '[');
    for (size_t i = 0; i < v->u.seq.n && !w->fault; i++) {
        if (i)
            buf_adds(w->out, w->indent < 0 ? ", " : ",");
        dump_newline(w, depth + 1);
        dump_value(w, v->u.seq.v[i], depth + 1);
    }
    dump_newline(w, depth);
    buf_addc(w->out, ']');
}

static int entry_order(const void *a, const void *b)
{
    const struct jdict_entry *x = a, *y = b;
    if (x->k->type != JV_STR) {
        double d = jv_as_float(x->k) - jv_as_float(y->k);
        return d < 0 ? -1 : d > 0;
    }
    struct str p = jv_as_str(x->k), q = jv_as_str(y->k);
    int r = memcmp(p.p, q.p, p.n < q.n ? p.n : q.n);
    return r ? r : p.n < q.n ? -1 : p.n > q.n;
}

/* Keys of one kind only have an order. */
static bool sort_entries(struct jdict_entry *e, uint32_t n)
{
    for (uint32_t i = 1; i < n; i++)
        if (e[i].k->type != e[0].k->type && !(jv_is_num(e[i].k) && jv_is_num(e[0].k)))
            return false;
    qsort(e, n, sizeof *e, entry_order);
    return true;
}

static void dump_key(struct dump_writer *w, const struct jv *k)
{
    if (k->type == JV_STR) {
        dump_string(w, jv_as_str(k));
    } else if (jv_is_num(k) || k->type == JV_NONE) {
        buf_addc(w->out, '"');
        dump_value(w, k, 0);
        buf_addc(w->out, '"');
    } else {
        w->fault = "keys must be str, int, float, bool or None";
    }
}

static void dump_map(struct dump_writer *w, const struct jv *v, int depth)
{
    const struct jdict *d = v->u.map;
    if (!d->live) {
        buf_adds(w->out, "{}");
        return;
    }
    struct jdict_entry *e = arena_alloc(w->c->mem, d->live * sizeof *e);
    if (!e) {
        w->fault = "memory limit exceeded";
        return;
    }
    uint32_t n = 0;
    for (uint32_t i = 0; i < d->n; i++)
        if (d->e[i].k)
            e[n++] = d->e[i];
    if (w->sort_keys && !sort_entries(e, n)) {
        w->fault = "dict with keys of several types";
        return;
    }
    buf_addc(w->out, '{');
    for (uint32_t i = 0; i < n && !w->fault; i++) {
        if (i)
            buf_adds(w->out, w->indent < 0 ? ", " : ",");
        dump_newline(w, depth + 1);
        dump_key(w, e[i].k);
        buf_adds(w->out, ": ");
        dump_value(w, e[i].v, depth + 1);
    }
    dump_newline(w, depth);
    buf_addc(w->out, '}');
}

static void dump_value(struct dump_writer *w, const struct jv *v, int depth)
{
    if (depth > JSON_DEPTH || w->out->failed) {
        w->fault = "Circular reference detected";
        return;
    }
    switch ((enum jv_type)v->type) {
    case JV_NONE:
        buf_adds(w->out, "null");
        return;
    case JV_BOOL:
        buf_adds(w->out, v->u.b ? "true" : "false");
        return;
    case JV_INT:
        buf_add_i64(w->out, v->u.i);
        return;
    case JV_FLOAT:
        if (isnan(v->u.d))
            buf_adds(w->out, "NaN");
        else if (isinf(v->u.d))
            buf_adds(w->out, v->u.d < 0 ? "-Infinity" : "Infinity");
        else
            float_text(v->u.d, w->out);
        return;
    case JV_STR:
        dump_string(w, jv_as_str(v));
        return;
    case JV_LIST:
    case JV_TUPLE:
        dump_seq(w, v, depth);
        return;
    case JV_DICT:
        dump_map(w, v, depth);
        return;
    case JV_OBJECT:
        if (v->u.obj.cls->str) {
            struct buf b;
            buf_init(&b, 1 << 20);
            v->u.obj.cls->str(v->u.obj.self, &b);
            dump_string(w, (struct str){buf_str(&b), b.len});
            buf_release(&b);
            return;
        }
        break;
    case JV_UNDEFINED:
    case JV_SET:
    case JV_FUNC:
        break;
    }
    w->fault = type_name(v);
}

/* indent < 0: one line. NULL when v has no JSON form (the call has failed). */
struct jv *json_text(struct jinja_call *c, struct jv *v, int indent, bool sort_keys,
                     bool html_safe)
{
    struct buf b;
    scratch_init(c, &b);
    struct dump_writer w = {c, &b, indent, sort_keys, html_safe, NULL};
    dump_value(&w, v, 0);
    if (w.fault && !b.failed) {
        buf_release(&b);
        return jinja_fail(c, "Object of type %s is not JSON serializable", w.fault);
    }
    return scratch_take(c, &b);
}

struct jv *jv_from_json(struct arena *a, const json_t *j)
{
    const char *key;
    size_t i;
    const json_t *x;
    switch (json_typeof(j)) {
    case JSON_OBJECT: {
        struct jv *d = jv_dict(a);
        json_object_foreach ((json_t *)(uintptr_t)j, key, x)
            if (jv_set(d, key, jv_from_json(a, x)) < 0)
                return NULL;
        return d;
    }
    case JSON_ARRAY: {
        struct jv *l = jv_list(a);
        json_array_foreach (j, i, x)
            if (jv_append(l, jv_from_json(a, x)) < 0)
                return NULL;
        return l;
    }
    case JSON_STRING:
        return jv_str(a, json_string_value(j), json_string_length(j));
    case JSON_INTEGER:
        return jv_int(a, json_integer_value(j));
    case JSON_REAL:
        return jv_float(a, json_real_value(j));
    case JSON_TRUE:
    case JSON_FALSE:
        return jv_bool(json_is_true(j));
    case JSON_NULL:
        break;
    }
    return jv_none();
}

static json_t *json_of(const struct jv *v, int depth)
{
    json_t *j = NULL;
    if (depth > JSON_DEPTH)
        return NULL;
    switch ((enum jv_type)v->type) {
    case JV_NONE:
        return json_null();
    case JV_BOOL:
        return json_boolean(v->u.b);
    case JV_INT:
        return json_integer(v->u.i);
    case JV_FLOAT:
        return json_real(v->u.d);
    case JV_STR:
        return json_stringn(v->u.s.p, v->u.s.n);
    case JV_LIST:
    case JV_TUPLE:
        j = json_array();
        for (size_t i = 0; i < v->u.seq.n; i++)
            if (json_array_append_new(j, json_of(v->u.seq.v[i], depth + 1)) < 0)
                goto fail;
        return j;
    case JV_SET:
        j = json_array();
        for (size_t i = 0; i < v->u.map->n; i++)
            if (v->u.map->e[i].k &&
                json_array_append_new(j, json_of(v->u.map->e[i].k, depth + 1)) < 0)
                goto fail;
        return j;
    case JV_DICT:
        j = json_object();
        for (size_t i = 0; i < v->u.map->n; i++) {
            const struct jdict_entry *e = &v->u.map->e[i];
            if (!e->k)
                continue;
            struct buf b;
            buf_init(&b, 1 << 20);
            jv_to_text(e->k, &b);
            int rc = json_object_set_new(j, buf_str(&b), json_of(e->v, depth + 1));
            buf_release(&b);
            if (rc < 0)
                goto fail;
        }
        return j;
    case JV_OBJECT:
        if (v->u.obj.cls->str) {
            struct buf b;
            buf_init(&b, 1 << 20);
            v->u.obj.cls->str(v->u.obj.self, &b);
            j = json_stringn(buf_str(&b), b.len);
            buf_release(&b);
        }
        return j;
    case JV_UNDEFINED:
    case JV_FUNC:
        break;
    }
    return NULL;
fail:
    json_decref(j);
    return NULL;
}

json_t *jv_to_json(const struct jv *v)
{
    return json_of(v, 0);
}
