/* A JSON value → YAML text in block style, as PyYAML's safe_dump lays it out. Called
 * for templates' toyaml(). Strings that need quotes get single ones. */
#include "model/yaml.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

#define DEPTH_MAX 100

/* Words and numbers that YAML would read as something else than a text. */
static bool is_plain(const char *s)
{
    static const char *const words[] = {"true", "false", "yes",  "no", "on",
                                        "off",  "null",  "none", "y",  "n"};
    size_t n = strlen(s);
    bool is_word = (*s | 32) >= 'a' && (*s | 32) <= 'z';
    if (!is_word && *s != '_')
        return false;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcasecmp(s, words[i]) == 0 && !streq(words[i], "none"))
            return false;
    return strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                     "0123456789_ ./-()+'") == n &&
           s[n - 1] != ' ';
}

static void write_text(struct buf *out, const char *s)
{
    if (is_plain(s)) {
        buf_adds(out, s);
        return;
    }
    if (strpbrk(s, "\n\r\t")) { /* JSON's escapes are YAML's */
        json_t *v = json_string(s);
        char *text = json_dumps(v, JSON_ENCODE_ANY);
        buf_adds(out, text ? text : "''");
        free(text);
        json_decref(v);
        return;
    }
    buf_addc(out, '\'');
    for (; *s; s++) {
        if (*s == '\'')
            buf_addc(out, '\'');
        buf_addc(out, *s);
    }
    buf_addc(out, '\'');
}

/* The shortest text that reads back as the same number. */
static void write_real(struct buf *out, double d)
{
    char text[40];
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, d);
        if (strtod(text, NULL) == d)
            break;
    }
    buf_adds(out, text);
}

static void write_scalar(struct buf *out, const json_t *v)
{
    if (json_is_string(v))
        write_text(out, json_string_value(v));
    else if (json_is_integer(v))
        buf_addf(out, "%lld", (long long)json_integer_value(v));
    else if (json_is_real(v) && json_real_value(v) == floor(json_real_value(v)))
        buf_addf(out, "%.1f", json_real_value(v));
    else if (json_is_real(v))
        write_real(out, json_real_value(v));
    else if (json_is_boolean(v))
        buf_adds(out, json_is_true(v) ? "true" : "false");
    else if (json_is_null(v))
        buf_adds(out, "null");
    else
        buf_adds(out, json_is_array(v) ? "[]" : "{}");
}

static bool is_block(const json_t *v)
{
    return json_array_size(v) > 0 || json_object_size(v) > 0;
}

static void margin(struct buf *out, int n)
{
    for (int i = 0; i < n; i++)
        buf_addc(out, ' ');
}

/* The cursor stands where the first entry is to be written. */
static void write_block(struct buf *out, const json_t *v, int indent, int depth)
{
    const json_t *one;
    const char *key;
    size_t i;
    bool is_first = true;
    json_array_foreach (v, i, one) {
        margin(out, is_first ? 0 : indent);
        is_first = false;
        buf_adds(out, "- ");
        if (is_block(one) && depth < DEPTH_MAX) {
            write_block(out, one, indent + 2, depth + 1);
            continue;
        }
        write_scalar(out, one);
        buf_addc(out, '\n');
    }
    json_object_foreach ((json_t *)(uintptr_t)v, key, one) {
        margin(out, is_first ? 0 : indent);
        is_first = false;
        write_text(out, key);
        buf_addc(out, ':');
        if (is_block(one) && depth < DEPTH_MAX) {
            int below = json_is_array(one) ? indent : indent + 2;
            buf_addc(out, '\n');
            margin(out, below);
            write_block(out, one, below, depth + 1);
            continue;
        }
        buf_addc(out, ' ');
        write_scalar(out, one);
        buf_addc(out, '\n');
    }
}

void yaml_write(struct buf *out, const json_t *v)
{
    if (is_block(v)) {
        write_block(out, v, 0, 0);
        return;
    }
    write_scalar(out, v);
    buf_adds(out, json_is_array(v) || json_is_object(v) ? "\n" : "\n...\n");
}
