/* Control-plane JSON on jansson: reading with defaults, building in one line, files. In
 * and out: json_t. Called by everyone but the hot path. Always holds: a member that is
 * missing or of another type reads as the fallback. */
#include "base/json.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"

#define DUMP_DEPTH    2000
#define JSON_FILE_MAX ((size_t)256 << 20)

const char *json_str(const json_t *obj, const char *key, const char *fallback)
{
    const char *s = json_string_value(json_object_get(obj, key));
    return s ? s : fallback;
}

int64_t json_i64(const json_t *obj, const char *key, int64_t fallback)
{
    const json_t *v = json_object_get(obj, key);
    if (json_is_integer(v))
        return json_integer_value(v);
    if (json_is_real(v) && json_real_value(v) > -9.2e18 && json_real_value(v) < 9.2e18)
        return (int64_t)json_real_value(v);
    return fallback;
}

double json_num(const json_t *obj, const char *key, double fallback)
{
    const json_t *v = json_object_get(obj, key);
    return json_is_number(v) ? json_number_value(v) : fallback;
}

bool json_flag(const json_t *obj, const char *key, bool fallback)
{
    const json_t *v = json_object_get(obj, key);
    return json_is_boolean(v) ? json_is_true(v) : fallback;
}

json_t *json_arr(const json_t *obj, const char *key)
{
    json_t *v = json_object_get(obj, key);
    return json_is_array(v) ? v : NULL;
}

json_t *json_obj(const json_t *obj, const char *key)
{
    json_t *v = json_object_get(obj, key);
    return json_is_object(v) ? v : NULL;
}

static json_t *repaired_string(const char *s)
{
    struct buf b;
    buf_init(&b, SIZE_MAX / 4);
    for (size_t i = 0, n = strlen(s); i < n;) {
        uint32_t cp;
        int len = text_decode(s + i, n - i, &cp);
        if (len)
            buf_add(&b, s + i, (size_t)len);
        else
            buf_adds(&b, "\xEF\xBF\xBD");
        i += len ? (size_t)len : 1;
    }
    json_t *v = b.failed ? NULL : json_stringn(buf_str(&b), b.len);
    buf_release(&b);
    return v;
}

void json_put_str(json_t *obj, const char *key, const char *value)
{
    json_t *v = value ? json_string(value) : json_null();
    json_put(obj, key, v ? v : repaired_string(value));
}

void json_put_i64(json_t *obj, const char *key, int64_t value)
{
    json_put(obj, key, json_integer(value));
}

void json_put_num(json_t *obj, const char *key, double value)
{
    json_t *v = json_real(value); /* NULL for nan and inf, which JSON has not */
    json_put(obj, key, v ? v : json_null());
}

void json_put_flag(json_t *obj, const char *key, bool value)
{
    json_put(obj, key, json_boolean(value));
}

void json_put(json_t *obj, const char *key, json_t *value)
{
    json_object_set_new(obj, key, value ? value : json_null());
}

static int dump_part(const char *p, size_t n, void *out)
{
    return buf_add(out, p, n) < 0 ? -1 : 0;
}

/* What JSON_COMPACT means to jansson, in a fraction of its time. -1: it has none. */
static int dump_compact(const json_t *v, struct buf *out, int depth)
{
    const char *key;
    json_t *one;
    size_t i, n = 0;
    if (depth > DUMP_DEPTH)
        return -1;
    switch (json_typeof(v)) {
    case JSON_OBJECT:
        buf_addc(out, '{');
        json_object_foreach ((json_t *)(uintptr_t)v, key, one) {
            if (n++)
                buf_addc(out, ',');
            buf_add_json_str(out, key, strlen(key));
            buf_addc(out, ':');
            if (dump_compact(one, out, depth + 1) < 0)
                return -1;
        }
        buf_addc(out, '}');
        return 0;
    case JSON_ARRAY:
        buf_addc(out, '[');
        json_array_foreach (v, i, one) {
            if (i)
                buf_addc(out, ',');
            if (dump_compact(one, out, depth + 1) < 0)
                return -1;
        }
        buf_addc(out, ']');
        return 0;
    case JSON_STRING:
        buf_add_json_str(out, json_string_value(v), json_string_length(v));
        return 0;
    case JSON_INTEGER:
        buf_add_i64(out, json_integer_value(v));
        return 0;
    case JSON_REAL:
        return json_dump_callback(v, dump_part, out, JSON_ENCODE_ANY);
    case JSON_TRUE:
        return buf_add(out, "true", 4), 0;
    case JSON_FALSE:
        return buf_add(out, "false", 5), 0;
    case JSON_NULL:
        break;
    }
    return buf_add(out, "null", 4), 0;
}

int json_dump_buf(const json_t *v, size_t flags, struct buf *out, struct err *e)
{
    int bad = !v ? -1
              : flags == JSON_COMPACT
                  ? dump_compact(v, out, 0)
                  : json_dump_callback(v, dump_part, out, flags | JSON_ENCODE_ANY);
    int rc = buf_check(out, "JSON text", e);
    if (rc < 0)
        return rc;
    return bad ? err_set(e, ERR_TYPE, "JSON text: this value has none") : 0;
}

int json_load_text(const char *p, size_t n, json_t **out, struct err *e)
{
    json_error_t je;
    *out = json_loadb(p, n, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, &je);
    if (*out)
        return 0;
    return err_set(e, ERR_PARSE, "JSON line %d column %d: %s", je.line, je.column,
                   je.text);
}

int json_load_path(const char *path, json_t **out, struct err *e)
{
    struct buf b;
    buf_init(&b, JSON_FILE_MAX);
    *out = NULL;
    int rc = buf_read_file(&b, path, e);
    if (rc == 0 && (rc = json_load_text(buf_str(&b), b.len, out, e)) < 0)
        err_wrap(e, rc, "%s", path);
    buf_release(&b);
    return rc;
}

int json_save_path(const json_t *v, const char *path, struct err *e)
{
    struct buf b;
    buf_init(&b, JSON_FILE_MAX);
    int rc = json_dump_buf(v, JSON_INDENT(1), &b, e);
    buf_addc(&b, '\n');
    if (rc == 0 && (rc = buf_check(&b, path, e)) == 0)
        rc = buf_write_file(b.data, b.len, path, e);
    buf_release(&b);
    return rc;
}
