/* The plain YAML that most properties files are, read ten times faster than libyaml
 * does: block mappings and lists, scalars and flow lists on one line, comments. In:
 * text. Out: the value, or "not that plain", whereupon yaml.c reads it; nothing is ever
 * an error here, so every message stays libyaml's. Called by yaml_read.
 *
 * Always holds: what is accepted means the same to libyaml (tests/fuzz/fuzz_yaml.c and
 * tests/unit/test_model_yaml.c compare the two). */
#include "model/yaml.h"

#include <string.h>
#include "base/json.h"
#include "base/str.h"
#include "base/text.h"

#define MAX_DEPTH 50

struct lines {
    const char *at, *end; /* the line's start, the text's end */
    const char *text;     /* first byte that is not a space; at `stop`: nothing left */
    const char *stop;     /* the line's end, without comment and white space */
    size_t indent;
    size_t n_values;
};

/* ── lines ── */

static const char *find_byte(const char *p, const char *end, char c)
{
    return p < end ? memchr(p, c, (size_t)(end - p)) : NULL;
}

/* Tabs, control characters and those that break lines or are no text to YAML: this
 * reader leaves them to libyaml. The text is UTF-8. */
static bool is_odd(const char *p, const char *end)
{
    for (; p < end; p++) {
        unsigned char c = (unsigned char)*p;
        if (c < 0x20 || c == 0x7f || c == 0xef)
            return true;
        if ((c == 0xc2 && (unsigned char)p[1] < 0xa0) ||
            (c == 0xe2 && p[1] == '\x80' && (p[2] == '\xa8' || p[2] == '\xa9')))
            return true;
    }
    return false;
}

/* Cuts a comment off: a # at the start or after a space, outside of quotes. Quotes are
 * looked at by the scalars; a line that has both is not plain. */
static const char *without_comment(const char *p, const char *end)
{
    const char *hash = find_byte(p, end, '#');
    if (!hash)
        return end;
    if (find_byte(p, end, '"') || find_byte(p, end, '\''))
        return NULL;
    for (const char *s = p; s < end; s++)
        if (*s == '#' && (s == p || s[-1] == ' '))
            return s;
    return end;
}

/* Goes to the next line with something on it. False: this text is not plain. */
static bool line_find(struct lines *l, const char *from)
{
    for (; from < l->end;) {
        const char *stop = find_byte(from, l->end, '\n');
        const char *next = stop ? stop + 1 : l->end;
        stop = stop ? stop : l->end;
        if (is_odd(from, stop) || !(stop = without_comment(from, stop)))
            return false;
        while (stop > from && stop[-1] == ' ')
            stop--;
        if (stop > from) {
            l->at = l->text = from;
            while (*l->text == ' ')
                l->text++;
            l->stop = stop;
            l->indent = (size_t)(l->text - l->at);
            return true;
        }
        from = next;
    }
    l->at = l->text = l->stop = l->end;
    l->indent = 0;
    return true;
}

static bool line_next(struct lines *l)
{
    const char *nl = find_byte(l->at, l->end, '\n');
    return line_find(l, nl ? nl + 1 : l->end);
}

static bool is_over(const struct lines *l)
{
    return l->at == l->end;
}

static bool is_item(const struct lines *l)
{
    return *l->text == '-' && (l->text + 1 == l->stop || l->text[1] == ' ');
}

/* ── scalars ── */

/* Quotes without escapes that span the whole text. */
static json_t *quoted(const char *p, const char *end)
{
    char quote = *p;
    if (end - p < 2 || end[-1] != quote)
        return NULL;
    for (const char *s = p + 1; s < end - 1; s++)
        if (*s == quote || (quote == '"' && *s == '\\'))
            return NULL;
    return json_stringn_nocheck(p + 1, (size_t)(end - p) - 2);
}

/* A plain scalar: nothing in it that YAML could take for more. */
static bool is_plain(const char *p, const char *end, bool is_flow)
{
    if (strchr("-?:,[]{}#&*!|>'\"%@`=<", *p))
        return false;
    for (const char *s = p; s < end; s++) {
        if (*s == ':' && (s + 1 == end || s[1] == ' ' || is_flow))
            return false;
        if (is_flow && strchr(",[]{}?", *s))
            return false;
    }
    return true;
}

static json_t *scalar(struct lines *l, const char *p, const char *end, bool is_flow)
{
    l->n_values++;
    if (p == end)
        return NULL;
    if (*p == '"' || *p == '\'')
        return quoted(p, end);
    bool is_negative = *p == '-' && end - p > 1 && p[1] >= '0' && p[1] <= '9';
    if (!is_plain(p + is_negative, end, is_flow))
        return NULL;
    return yaml_plain(p, (size_t)(end - p));
}

/* [a, b, "c"]: no nesting, no comma inside quotes. */
static json_t *flow_list(struct lines *l, const char *p, const char *end)
{
    json_t *list = json_array();
    if (end[-1] != ']')
        goto odd;
    end--;
    for (p++; p < end;) {
        while (p < end && *p == ' ')
            p++;
        const char *comma = find_byte(p, end, ',');
        const char *stop = comma ? comma : end, *trimmed = stop;
        while (trimmed > p && trimmed[-1] == ' ')
            trimmed--;
        if (trimmed == p && !comma && json_array_size(list) == 0)
            break; /* [ ] */
        json_t *one = scalar(l, p, trimmed, true);
        if (!one)
            goto odd;
        json_array_append_new(list, one);
        if (comma && comma + 1 == end)
            goto odd;
        p = stop + 1;
    }
    return list;
odd:
    json_decref(list);
    return NULL;
}

static json_t *value_on_line(struct lines *l, const char *p, const char *end)
{
    if (*p == '[') {
        l->n_values++;
        return flow_list(l, p, end);
    }
    if (end - p == 2 && p[0] == '{' && p[1] == '}') {
        l->n_values++;
        return json_object();
    }
    return scalar(l, p, end, false);
}

/* ── blocks ── */

static json_t *block(struct lines *l, size_t indent, int depth);

/* The end of a "key:" that is a plain word, or NULL. */
static const char *key_end(const char *p, const char *stop)
{
    const char *s = p;
    while (s < stop &&
           (*s == '_' || *s == '-' || *s == '+' || *s == '.' || *s == '/' ||
            (*s >= '0' && *s <= '9') || ((*s | 32) >= 'a' && (*s | 32) <= 'z')))
        s++;
    bool is_key = s > p && s < stop && *s == ':' && (s + 1 == stop || s[1] == ' ');
    return is_key && *p != '-' && s - p < 200 ? s : NULL;
}

/* What follows "key:" or "- ": on the line, or the deeper lines below it. A list may
 * stand as deep as its key. */
static json_t *after(struct lines *l, const char *p, size_t indent, bool is_key,
                     int depth)
{
    json_t *v;
    while (p < l->stop && *p == ' ')
        p++;
    if (p < l->stop) {
        v = value_on_line(l, p, l->stop);
        /* a deeper line would go on with the scalar */
        if (v && (!line_next(l) || (!is_over(l) && l->indent > indent))) {
            json_decref(v);
            return NULL;
        }
        return v;
    }
    if (!line_next(l))
        return NULL;
    if (!is_over(l) &&
        (l->indent > indent || (is_key && l->indent == indent && is_item(l))))
        return block(l, l->indent, depth + 1);
    l->n_values++;
    return json_null();
}

static json_t *mapping(struct lines *l, size_t indent, int depth)
{
    json_t *obj = json_object();
    while (!is_over(l) && l->indent == indent && !is_item(l)) {
        char name[200];
        const char *end = key_end(l->text, l->stop);
        if (!end)
            goto odd;
        size_t n = (size_t)(end - l->text);
        memcpy(name, l->text, n);
        name[n] = '\0';
        json_t *key = yaml_plain(name, n); /* yes: and 1: are no texts */
        bool is_text = json_is_string(key);
        json_decref(key);
        if (!is_text || json_object_get(obj, name))
            goto odd;
        l->n_values++;
        json_t *v = after(l, end + 1, indent, true, depth);
        if (!v)
            goto odd;
        json_object_set_new_nocheck(obj, name, v);
    }
    if (is_over(l) || l->indent < indent)
        return obj;
odd:
    json_decref(obj);
    return NULL;
}

/* "- key: …": a mapping whose first line stands behind the dash. */
static json_t *item(struct lines *l, size_t indent, int depth)
{
    const char *p = l->text + 1;
    while (p < l->stop && *p == ' ')
        p++;
    if (p < l->stop && key_end(p, l->stop)) {
        l->indent = (size_t)(p - l->at);
        l->text = p;
        return block(l, l->indent, depth + 1);
    }
    return after(l, l->text + 1, indent, false, depth);
}

static json_t *list(struct lines *l, size_t indent, int depth)
{
    json_t *all = json_array();
    while (!is_over(l) && l->indent == indent && is_item(l)) {
        json_t *one = item(l, indent, depth);
        if (!one) {
            json_decref(all);
            return NULL;
        }
        json_array_append_new(all, one);
    }
    if (is_over(l) || l->indent < indent || (l->indent == indent && !is_item(l)))
        return all;
    json_decref(all);
    return NULL;
}

static json_t *block(struct lines *l, size_t indent, int depth)
{
    l->n_values++;
    if (depth > MAX_DEPTH)
        return NULL;
    return is_item(l) ? list(l, indent, depth) : mapping(l, indent, depth);
}

bool yaml_simple(const char *text, size_t n, json_t **out)
{
    struct lines l = {.at = text, .end = text + n};
    *out = NULL;
    if (!text_is_utf8(text, n) || !line_find(&l, text))
        return false;
    if (l.indent == 0 && l.stop - l.text == 3 && memcmp(l.text, "---", 3) == 0 &&
        !line_next(&l))
        return false;
    if (is_over(&l) || l.indent > 0)
        return false;
    *out = block(&l, 0, 0);
    if (*out && is_over(&l) && l.n_values < 1000000)
        return true;
    json_decref(*out);
    *out = NULL;
    return false;
}
