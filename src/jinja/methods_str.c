/* Methods of str, as Python's, on UTF-8 text. */
#include "jinja/internal.h"

#include <ctype.h>

#define METHOD(name)                                                                   \
    static struct jv *name(struct jinja_call *c, struct jv *self, struct jv **s,       \
                           const struct cargs *raw __attribute__((unused)))

static bool want_str(struct jinja_call *c, const struct jv *v, const char *what)
{
    if (v->type == JV_STR)
        return true;
    if (is_undef(v))
        fail_undefined(c, v);
    else
        jinja_fail(c, "%s must be str, not %s", what, type_name(v));
    return false;
}

static bool want_int(struct jinja_call *c, const struct jv *v, int64_t *out)
{
    if (!v || v->type == JV_NONE || jv_is_intlike(v, out))
        return true;
    jinja_fail(c, "'%s' object cannot be interpreted as an integer", type_name(v));
    return false;
}

static void add_cp(struct buf *b, uint32_t cp)
{
    char t[4];
    int n = 0;
    if (cp < 0x80) {
        t[n++] = (char)cp;
    } else if (cp < 0x800) {
        t[n++] = (char)(0xC0 | cp >> 6);
        t[n++] = (char)(0x80 | (cp & 0x3F));
    } else if (cp < 0x10000) {
        t[n++] = (char)(0xE0 | cp >> 12);
        t[n++] = (char)(0x80 | (cp >> 6 & 0x3F));
        t[n++] = (char)(0x80 | (cp & 0x3F));
    } else {
        t[n++] = (char)(0xF0 | cp >> 18);
        t[n++] = (char)(0x80 | (cp >> 12 & 0x3F));
        t[n++] = (char)(0x80 | (cp >> 6 & 0x3F));
        t[n++] = (char)(0x80 | (cp & 0x3F));
    }
    buf_add(b, t, (size_t)n);
}

enum casing { CASE_LOWER, CASE_UPPER, CASE_CAPITALIZE, CASE_TITLE, CASE_SWAP };

static void add_cased(struct buf *b, const char *start, const char *p, uint32_t cp,
                      bool to_upper, bool is_title)
{
    if (to_upper && cp == 0xDF)
        buf_adds(b, is_title ? "Ss" : "SS");
    else if (to_upper ? cp_upper(cp) == cp : cp_lower(cp) == cp)
        buf_add(b, start, (size_t)(p - start));
    else
        add_cp(b, to_upper ? cp_upper(cp) : cp_lower(cp));
}

static struct jv *recase(struct jinja_call *c, const struct jv *v, enum casing how)
{
    struct buf b;
    bool is_in_word = false, is_first = true;
    scratch_init(c, &b);
    for (const char *p = v->u.s.p, *end = p + v->u.s.n; p < end; is_first = false) {
        const char *start = p;
        uint32_t cp = u8_next(&p, end);
        bool up = how == CASE_UPPER || (how == CASE_CAPITALIZE && is_first) ||
                  (how == CASE_TITLE && !is_in_word) ||
                  (how == CASE_SWAP && !cp_is_upper(cp));
        add_cased(&b, start, p, cp, up, how == CASE_TITLE || how == CASE_CAPITALIZE);
        is_in_word = cp_is_upper(cp) || cp_is_lower(cp);
    }
    return scratch_take(c, &b);
}

METHOD(m_lower)
{
    (void)s;
    return recase(c, self, CASE_LOWER);
}
METHOD(m_upper)
{
    (void)s;
    return recase(c, self, CASE_UPPER);
}
METHOD(m_capitalize)
{
    (void)s;
    return recase(c, self, CASE_CAPITALIZE);
}
METHOD(m_title)
{
    (void)s;
    return recase(c, self, CASE_TITLE);
}
METHOD(m_swapcase)
{
    (void)s;
    return recase(c, self, CASE_SWAP);
}

/* ── trimming ── */
static bool in_set(struct str chars, const char *p, size_t n)
{
    for (const char *q = chars.p, *end = q + chars.n; q < end;) {
        const char *start = q;
        u8_next(&q, end);
        if ((size_t)(q - start) == n && memcmp(start, p, n) == 0)
            return true;
    }
    return false;
}

static struct jv *strip(struct jinja_call *c, const struct jv *v,
                        const struct jv *chars, bool left, bool right)
{
    const char *p = v->u.s.p, *end = p + v->u.s.n;
    if (!chars || chars->type == JV_NONE) {
        p = left ? skip_space(p, end) : p;
        end = right ? rskip_space(p, end) : end;
        return jv_str(c->mem, p, (size_t)(end - p));
    }
    if (!want_str(c, chars, "strip arg"))
        return NULL;
    struct str set = jv_as_str(chars);
    while (left && p < end) {
        const char *q = p;
        u8_next(&q, end);
        if (!in_set(set, p, (size_t)(q - p)))
            break;
        p = q;
    }
    while (right && end > p) {
        const char *q = end - 1;
        while (q > p && ((unsigned char)*q & 0xC0) == 0x80)
            q--;
        if (!in_set(set, q, (size_t)(end - q)))
            break;
        end = q;
    }
    return jv_str(c->mem, p, (size_t)(end - p));
}

METHOD(m_strip)
{
    return strip(c, self, s[0], true, true);
}
METHOD(m_lstrip)
{
    return strip(c, self, s[0], true, false);
}
METHOD(m_rstrip)
{
    return strip(c, self, s[0], false, true);
}

METHOD(m_removeprefix)
{
    if (!want_str(c, s[0], "removeprefix() argument"))
        return NULL;
    struct str t = jv_as_str(self), x = jv_as_str(s[0]);
    bool has = x.n <= t.n && memcmp(t.p, x.p, x.n) == 0;
    return has ? jv_str(c->mem, t.p + x.n, t.n - x.n) : self;
}
METHOD(m_removesuffix)
{
    if (!want_str(c, s[0], "removesuffix() argument"))
        return NULL;
    struct str t = jv_as_str(self), x = jv_as_str(s[0]);
    bool has = x.n && x.n <= t.n && memcmp(t.p + t.n - x.n, x.p, x.n) == 0;
    return has ? jv_str(c->mem, t.p, t.n - x.n) : self;
}

/* ── searching ── */
/* start and end arguments, in code points, as a part of the text. */
static bool part_of(struct jinja_call *c, const struct jv *v, struct jv *from_arg,
                    struct jv *to_arg, struct str *out, int64_t *from)
{
    int64_t n = (int64_t)jv_len(v), to = n;
    *from = 0;
    if (!want_int(c, from_arg, from) || !want_int(c, to_arg, &to))
        return false;
    *from = *from < 0 ? *from + n < 0 ? 0 : *from + n : *from;
    to = to < 0 ? to + n < 0 ? 0 : to + n : to > n ? n : to;
    if (*from > to) {
        *out = (struct str){NULL, 0};
        return true;
    }
    size_t a = u8_at(v->u.s.p, v->u.s.n, (size_t)*from);
    size_t b = u8_at(v->u.s.p, v->u.s.n, (size_t)to);
    *out = (struct str){v->u.s.p + a, b - a};
    return true;
}

static const char *find_last(struct str t, struct str x)
{
    if (x.n > t.n)
        return NULL;
    for (size_t i = t.n - x.n + 1; i-- > 0;)
        if (memcmp(t.p + i, x.p, x.n) == 0)
            return t.p + i;
    return NULL;
}

static struct jv *find(struct jinja_call *c, struct jv *self, struct jv **s,
                       bool is_last, bool must)
{
    struct str t;
    int64_t from;
    if (!want_str(c, s[0], "argument") || !part_of(c, self, s[1], s[2], &t, &from))
        return NULL;
    struct str x = jv_as_str(s[0]);
    const char *at = !t.p      ? NULL
                     : is_last ? find_last(t, x)
                     : x.n     ? memmem(t.p, t.n, x.p, x.n)
                               : t.p;
    if (!at && must)
        return jinja_fail(c, "substring not found");
    return jv_int(c->mem, at ? from + (int64_t)u8_len(t.p, (size_t)(at - t.p)) : -1);
}

METHOD(m_find)
{
    return find(c, self, s, false, false);
}
METHOD(m_rfind)
{
    return find(c, self, s, true, false);
}
METHOD(m_index)
{
    return find(c, self, s, false, true);
}
METHOD(m_rindex)
{
    return find(c, self, s, true, true);
}

METHOD(m_count)
{
    struct str t;
    int64_t from, n = 0;
    if (!want_str(c, s[0], "argument") || !part_of(c, self, s[1], s[2], &t, &from))
        return NULL;
    struct str x = jv_as_str(s[0]);
    if (!t.p)
        return jv_int(c->mem, 0);
    if (!x.n)
        return jv_int(c->mem, (int64_t)u8_len(t.p, t.n) + 1);
    for (const char *p = t.p, *end = t.p + t.n;
         (p = memmem(p, (size_t)(end - p), x.p, x.n)); p += x.n)
        n++;
    return jv_int(c->mem, n);
}

static bool has_affix(struct str t, struct str x, bool is_end)
{
    return t.p && x.n <= t.n && memcmp(is_end ? t.p + t.n - x.n : t.p, x.p, x.n) == 0;
}

static struct jv *affix(struct jinja_call *c, struct jv *self, struct jv **s,
                        bool is_end)
{
    struct str t;
    int64_t from;
    if (!part_of(c, self, s[1], s[2], &t, &from))
        return NULL;
    if (s[0]->type != JV_TUPLE)
        return want_str(c, s[0], is_end ? "endswith first arg" : "startswith first arg")
                   ? jv_bool(has_affix(t, jv_as_str(s[0]), is_end))
                   : NULL;
    for (size_t i = 0; i < s[0]->u.seq.n; i++) {
        if (!want_str(c, s[0]->u.seq.v[i], "tuple item"))
            return NULL;
        if (has_affix(t, jv_as_str(s[0]->u.seq.v[i]), is_end))
            return jv_bool(true);
    }
    return jv_bool(false);
}

METHOD(m_startswith)
{
    return affix(c, self, s, false);
}
METHOD(m_endswith)
{
    return affix(c, self, s, true);
}

/* ── cutting ── */
static int add_part(struct jinja_call *c, struct jv *l, const char *p, const char *end)
{
    return jv_append(l, jv_str(c->mem, p, (size_t)(end - p)));
}

static struct jv *split_space(struct jinja_call *c, struct str t, int64_t max)
{
    struct jv *l = jv_list(c->mem);
    const char *p = skip_space(t.p, t.p + t.n), *end = t.p + t.n;
    while (l && p < end) {
        const char *q = p;
        if (max-- == 0)
            return add_part(c, l, p, end) < 0 ? NULL : l;
        while (q < end) {
            const char *r = q;
            if (cp_is_space(u8_next(&r, end)))
                break;
            q = r;
        }
        if (add_part(c, l, p, q) < 0)
            return NULL;
        p = skip_space(q, end);
    }
    return l;
}

static void reverse(struct jv *l)
{
    for (uint32_t i = 0, j = l->u.seq.n; i + 1 < j; i++) {
        struct jv *t = l->u.seq.v[i];
        l->u.seq.v[i] = l->u.seq.v[--j];
        l->u.seq.v[j] = t;
    }
}

static struct jv *rsplit_space(struct jinja_call *c, struct str t, int64_t max)
{
    struct jv *l = jv_list(c->mem);
    const char *end = rskip_space(t.p, t.p + t.n);
    while (l && end > t.p) {
        const char *p = end;
        if (max-- == 0) {
            if (add_part(c, l, t.p, end) < 0)
                return NULL;
            break;
        }
        while (p > t.p && rskip_space(t.p, p) == p) {
            p--;
            while (p > t.p && ((unsigned char)*p & 0xC0) == 0x80)
                p--;
        }
        if (add_part(c, l, p, end) < 0)
            return NULL;
        end = rskip_space(t.p, p);
    }
    if (l)
        reverse(l);
    return l;
}

static struct jv *split_by(struct jinja_call *c, struct str t, struct str x,
                           int64_t max)
{
    struct jv *l = jv_list(c->mem);
    const char *p = t.p, *end = t.p + t.n, *q;
    while (l && max-- != 0 && (q = memmem(p, (size_t)(end - p), x.p, x.n))) {
        if (add_part(c, l, p, q) < 0)
            return NULL;
        p = q + x.n;
    }
    return l && add_part(c, l, p, end) == 0 ? l : NULL;
}

static struct jv *rsplit_by(struct jinja_call *c, struct str t, struct str x,
                            int64_t max)
{
    struct jv *l = jv_list(c->mem);
    const char *q;
    while (l && max-- != 0 && (q = find_last(t, x))) {
        if (add_part(c, l, q + x.n, t.p + t.n) < 0)
            return NULL;
        t.n = (size_t)(q - t.p);
    }
    if (!l || add_part(c, l, t.p, t.p + t.n) < 0)
        return NULL;
    reverse(l);
    return l;
}

static struct jv *split(struct jinja_call *c, struct jv *self, struct jv **s,
                        bool is_right)
{
    int64_t max = -1;
    struct str t = jv_as_str(self);
    if (!want_int(c, s[1], &max))
        return NULL;
    if (!s[0] || s[0]->type == JV_NONE)
        return is_right ? rsplit_space(c, t, max) : split_space(c, t, max);
    if (!want_str(c, s[0], "sep"))
        return NULL;
    if (!s[0]->u.s.n)
        return jinja_fail(c, "empty separator");
    return is_right ? rsplit_by(c, t, jv_as_str(s[0]), max)
                    : split_by(c, t, jv_as_str(s[0]), max);
}

METHOD(m_split)
{
    return split(c, self, s, false);
}
METHOD(m_rsplit)
{
    return split(c, self, s, true);
}

static bool is_line_end(uint32_t cp)
{
    return (cp >= 10 && cp <= 13) || (cp >= 0x1C && cp <= 0x1E) || cp == 0x85 ||
           cp == 0x2028 || cp == 0x2029;
}

METHOD(m_splitlines)
{
    struct jv *l = jv_list(c->mem);
    bool keep = s[0] && jv_truth(s[0]);
    const char *p = self->u.s.p, *end = p + self->u.s.n;
    while (l && p < end) {
        const char *q = p, *stop = end;
        while (q < end) {
            const char *at = q;
            uint32_t cp = u8_next(&q, end);
            if (!is_line_end(cp))
                continue;
            if (cp == '\r' && q < end && *q == '\n')
                q++;
            stop = keep ? q : at;
            break;
        }
        if (add_part(c, l, p, stop) < 0)
            return NULL;
        p = q;
    }
    return l;
}

static struct jv *partition(struct jinja_call *c, struct jv *self, struct jv *sep,
                            bool last)
{
    if (!want_str(c, sep, "must be str"))
        return NULL;
    if (!sep->u.s.n)
        return jinja_fail(c, "empty separator");
    struct str t = jv_as_str(self), x = jv_as_str(sep);
    const char *at = last ? find_last(t, x) : memmem(t.p, t.n, x.p, x.n);
    struct jv *none = jv_str(c->mem, "", 0), *v[3] = {self, none, none};
    if (at) {
        v[0] = jv_str(c->mem, t.p, (size_t)(at - t.p));
        v[1] = sep;
        v[2] = jv_str(c->mem, at + x.n, t.n - (size_t)(at - t.p) - x.n);
    } else if (last) {
        v[0] = none;
        v[2] = self;
    }
    return jv_tuple(c->mem, v, 3);
}

METHOD(m_partition)
{
    return partition(c, self, s[0], false);
}
METHOD(m_rpartition)
{
    return partition(c, self, s[0], true);
}

/* ── building ── */
METHOD(m_join)
{
    struct jv *l = to_list(c, s[0]);
    struct buf b;
    if (!l)
        return NULL;
    scratch_init(c, &b);
    for (size_t i = 0; i < l->u.seq.n; i++) {
        struct jv *v = l->u.seq.v[i];
        if (v->type != JV_STR) {
            buf_release(&b);
            return jinja_fail(c, "sequence item %zu: expected str instance, %s found",
                              i, type_name(v));
        }
        if (i)
            buf_add(&b, self->u.s.p, self->u.s.n);
        buf_add(&b, v->u.s.p, v->u.s.n);
    }
    return scratch_take(c, &b);
}

METHOD(m_replace)
{
    int64_t max = -1;
    struct buf b;
    if (!want_str(c, s[0], "replace() argument 1") ||
        !want_str(c, s[1], "replace() argument 2") || !want_int(c, s[2], &max))
        return NULL;
    struct str t = jv_as_str(self), x = jv_as_str(s[0]), y = jv_as_str(s[1]);
    const char *p = t.p, *end = t.p + t.n, *q;
    scratch_init(c, &b);
    if (!x.n) { /* between all characters */
        for (;;) {
            if (max-- == 0 || b.failed)
                break;
            buf_add(&b, y.p, y.n);
            if (p >= end)
                break;
            const char *start = p;
            u8_next(&p, end);
            buf_add(&b, start, (size_t)(p - start));
        }
        buf_add(&b, p, (size_t)(end - p));
        return scratch_take(c, &b);
    }
    while (max-- != 0 && !b.failed && (q = memmem(p, (size_t)(end - p), x.p, x.n))) {
        buf_add(&b, p, (size_t)(q - p));
        buf_add(&b, y.p, y.n);
        p = q + x.n;
    }
    buf_add(&b, p, (size_t)(end - p));
    return scratch_take(c, &b);
}

static struct jv *justify(struct jinja_call *c, const struct jv *v, struct jv **s,
                          char how)
{
    int64_t width = 0, n = (int64_t)jv_len(v);
    struct str fill = STR(" ");
    struct buf b;
    if (!want_int(c, s[0], &width))
        return NULL;
    if (s[1] && (s[1]->type != JV_STR || jv_len(s[1]) != 1))
        return jinja_fail(c, "The fill character must be exactly one character long");
    if (s[1])
        fill = jv_as_str(s[1]);
    int64_t missing = width > n ? width - n : 0, left = 0;
    if (how == '>')
        left = missing;
    else if (how ==
             '^') /* CPython rounds towards the left for odd width and odd rest */
        left = missing / 2 + (missing & width & 1);
    scratch_init(c, &b);
    for (int64_t i = 0; i < left && !b.failed; i++)
        buf_add(&b, fill.p, fill.n);
    buf_add(&b, v->u.s.p, v->u.s.n);
    for (int64_t i = left; i < missing && !b.failed; i++)
        buf_add(&b, fill.p, fill.n);
    return scratch_take(c, &b);
}

METHOD(m_center)
{
    return justify(c, self, s, '^');
}
METHOD(m_ljust)
{
    return justify(c, self, s, '<');
}
METHOD(m_rjust)
{
    return justify(c, self, s, '>');
}

METHOD(m_zfill)
{
    int64_t width = 0, n = (int64_t)jv_len(self);
    struct buf b;
    if (!want_int(c, s[0], &width))
        return NULL;
    const char *p = self->u.s.p;
    size_t len = self->u.s.n;
    scratch_init(c, &b);
    if (len && (*p == '-' || *p == '+')) {
        buf_addc(&b, *p++);
        len--;
    }
    for (; n < width && !b.failed; n++)
        buf_addc(&b, '0');
    buf_add(&b, p, len);
    return scratch_take(c, &b);
}

METHOD(m_expandtabs)
{
    int64_t size = 8, col = 0;
    struct buf b;
    if (!want_int(c, s[0], &size))
        return NULL;
    scratch_init(c, &b);
    for (const char *p = self->u.s.p, *end = p + self->u.s.n; p < end && !b.failed;) {
        const char *start = p;
        uint32_t cp = u8_next(&p, end);
        if (cp == '\t') {
            for (int64_t n = size > 0 ? size - col % size : 0; n > 0 && !b.failed;
                 n--) {
                buf_addc(&b, ' ');
                col++;
            }
            continue;
        }
        col = cp == '\n' || cp == '\r' ? 0 : col + 1;
        buf_add(&b, start, (size_t)(p - start));
    }
    return scratch_take(c, &b);
}

METHOD(m_format)
{
    (void)s;
    return format_braces(c, jv_as_str(self), raw);
}

METHOD(m_format_map)
{
    struct cargs a = {0};
    struct jv *k, *v;
    if (s[0]->type != JV_DICT)
        return jinja_fail(c, "format_map() argument must be a dict");
    const char **names = arena_alloc(c->mem, (jv_len(s[0]) + 1) * sizeof *names);
    a.kw_values = arena_alloc(c->mem, (jv_len(s[0]) + 1) * sizeof(struct jv *));
    if (!names || !a.kw_values)
        return NULL;
    for (size_t i = 0; jv_pair(s[0], i, &k, &v); i++)
        if (k->type == JV_STR) {
            names[a.n_kw] = k->u.s.p;
            a.kw_values[a.n_kw++] = v;
        }
    a.kw_names = names;
    return format_braces(c, jv_as_str(self), &a);
}

const struct builtin str_methods[] = {
    {"lower", m_lower, "", 0},
    {"upper", m_upper, "", 0},
    {"casefold", m_lower, "", 0},
    {"capitalize", m_capitalize, "", 0},
    {"title", m_title, "", 0},
    {"swapcase", m_swapcase, "", 0},
    {"strip", m_strip, "chars", 0},
    {"lstrip", m_lstrip, "chars", 0},
    {"rstrip", m_rstrip, "chars", 0},
    {"removeprefix", m_removeprefix, "prefix", 1},
    {"removesuffix", m_removesuffix, "suffix", 1},
    {"find", m_find, "sub start end", 1},
    {"rfind", m_rfind, "sub start end", 1},
    {"index", m_index, "sub start end", 1},
    {"rindex", m_rindex, "sub start end", 1},
    {"count", m_count, "sub start end", 1},
    {"startswith", m_startswith, "prefix start end", 1},
    {"endswith", m_endswith, "suffix start end", 1},
    {"split", m_split, "sep maxsplit", 0},
    {"rsplit", m_rsplit, "sep maxsplit", 0},
    {"splitlines", m_splitlines, "keepends", 0},
    {"partition", m_partition, "sep", 1},
    {"rpartition", m_rpartition, "sep", 1},
    {"join", m_join, "iterable", 1},
    {"replace", m_replace, "old new count", 2},
    {"center", m_center, "width fillchar", 1},
    {"ljust", m_ljust, "width fillchar", 1},
    {"rjust", m_rjust, "width fillchar", 1},
    {"zfill", m_zfill, "width", 1},
    {"expandtabs", m_expandtabs, "tabsize", 0},
    {"format", m_format, "*", 0},
    {"format_map", m_format_map, "mapping", 1},
    {NULL, NULL, NULL, 0},
};
