/* Filters whose result is text. Rows of Jinja2's filter table, same names, arguments
 * and defaults; there is no Markup type: escape returns plain text. */
#include "jinja/internal.h"

#include <ctype.h>

#define FILTER(name)                                                                   \
    static struct jv *name(struct jinja_call *c, struct jv *self, struct jv **s,       \
                           const struct cargs *raw __attribute__((unused)))

/* A method of str on the text of any value. */
static struct jv *by_method(struct jinja_call *c, struct jv *v, const char *method,
                            struct jv **args, size_t n)
{
    struct jv *t = text_of(c, v);
    return t ? builtin_call(c, method_find(JV_STR, method), t, &CARGS(args, n)) : NULL;
}

FILTER(f_lower)
{
    (void)s;
    return by_method(c, self, "lower", NULL, 0);
}
FILTER(f_upper)
{
    (void)s;
    return by_method(c, self, "upper", NULL, 0);
}
FILTER(f_capitalize)
{
    (void)s;
    return by_method(c, self, "capitalize", NULL, 0);
}
FILTER(f_string)
{
    (void)s;
    return text_of(c, self);
}
FILTER(f_trim)
{
    return by_method(c, self, "strip", s, s[0] ? 1 : 0);
}
FILTER(f_center)
{
    struct jv *width = s[0] ? s[0] : jv_int(c->mem, 80);
    return width ? by_method(c, self, "center", &width, 1) : NULL;
}

FILTER(f_replace)
{
    struct jv *args[3] = {text_of(c, s[0]), text_of(c, s[1]), s[2]};
    bool has_count = s[2] && s[2]->type != JV_NONE;
    return args[0] && args[1] ? by_method(c, self, "replace", args, has_count ? 3 : 2)
                              : NULL;
}

FILTER(f_format)
{
    struct jv *t = text_of(c, self);
    (void)s;
    if (!t)
        return NULL;
    if (raw->n && raw->n_kw)
        return jinja_fail(c,
                          "can't handle positional and keyword arguments at the same "
                          "time");
    if (!raw->n_kw) {
        struct jv *args = jv_tuple(c->mem, raw->v, raw->n);
        return args ? format_percent(c, jv_as_str(t), args) : NULL;
    }
    struct jv *d = jv_dict(c->mem);
    for (size_t i = 0; i < raw->n_kw; i++)
        if (jv_set(d, raw->kw_names[i], raw->kw_values[i]) < 0)
            return NULL;
    return format_percent(c, jv_as_str(t), d);
}

static bool starts_word(uint32_t cp)
{
    return cp_is_space(cp) || cp == '-' || cp == '(' || cp == '{' || cp == '[' ||
           cp == '<';
}

FILTER(f_title)
{
    struct jv *t = text_of(c, self);
    struct buf b;
    bool is_start = true;
    (void)s;
    if (!t)
        return NULL;
    scratch_init(c, &b);
    for (const char *p = t->u.s.p, *end = p + t->u.s.n; p < end;) {
        const char *from = p;
        uint32_t cp = u8_next(&p, end);
        struct jv one = {.type = JV_STR, .u.s = {from, (size_t)(p - from)}};
        struct jv *x = by_method(c, &one, is_start ? "upper" : "lower", NULL, 0);
        if (!x)
            break;
        buf_add(&b, x->u.s.p, x->u.s.n);
        is_start = starts_word(cp);
    }
    return scratch_take(c, &b);
}

static int64_t int_or(const struct jv *v, int64_t fallback)
{
    int64_t i;
    return v && jv_is_intlike(v, &i) ? i : fallback;
}

FILTER(f_indent)
{
    struct jv *t = self;
    struct buf b, pad;
    bool first = s[1] && jv_truth(s[1]), blank = s[2] && jv_truth(s[2]);
    if (t->type != JV_STR)
        return is_undef(t)
                   ? fail_undefined(c, t)
                   : jinja_fail(c, "indent: expected a string, got %s", type_name(t));
    scratch_init(c, &pad);
    if (s[0] && s[0]->type == JV_STR)
        buf_add(&pad, s[0]->u.s.p, s[0]->u.s.n);
    else
        for (int64_t i = int_or(s[0], 4); i > 0 && !pad.failed; i--)
            buf_addc(&pad, ' ');
    struct buf with_end;
    scratch_init(c, &with_end);
    buf_add(&with_end, t->u.s.p, t->u.s.n);
    buf_addc(&with_end, '\n');
    struct jv *whole = scratch_take(c, &with_end);
    struct jv *lines = whole ? by_method(c, whole, "splitlines", NULL, 0) : NULL;
    scratch_init(c, &b);
    for (size_t i = 0; lines && i < lines->u.seq.n; i++) {
        struct str l = jv_as_str(lines->u.seq.v[i]);
        if (i)
            buf_addc(&b, '\n');
        if (i ? blank || l.n : first)
            buf_add(&b, buf_str(&pad), pad.len);
        buf_add(&b, l.p, l.n);
    }
    if (pad.failed)
        b.failed = pad.failed;
    buf_release(&pad);
    if (!lines) {
        buf_release(&b);
        return NULL;
    }
    return scratch_take(c, &b);
}

FILTER(f_truncate)
{
    struct jv *t = text_of(c, self), *end = s[2] ? text_of(c, s[2]) : NULL;
    int64_t length = int_or(s[0], 255), leeway = int_or(s[3], 5);
    struct str e = end ? jv_as_str(end) : STR("...");
    if (!t)
        return NULL;
    int64_t n = (int64_t)jv_len(t), keep = length - (int64_t)u8_len(e.p, e.n);
    if (keep < 0)
        return jinja_fail(c, "expected length >= %zu, got %lld", u8_len(e.p, e.n),
                          (long long)length);
    if (leeway < 0)
        return jinja_fail(c, "expected leeway >= 0, got %lld", (long long)leeway);
    if (n <= length + leeway)
        return t;
    size_t cut = u8_at(t->u.s.p, t->u.s.n, (size_t)keep);
    if (!(s[1] && jv_truth(s[1]))) {
        const char *space = memrchr(t->u.s.p, ' ', cut);
        cut = space ? (size_t)(space - t->u.s.p) : cut;
    }
    struct buf b;
    scratch_init(c, &b);
    buf_add(&b, t->u.s.p, cut);
    buf_add(&b, e.p, e.n);
    return scratch_take(c, &b);
}

FILTER(f_escape)
{
    struct jv *t = text_of(c, self);
    struct buf b;
    (void)s;
    if (!t)
        return NULL;
    scratch_init(c, &b);
    for (size_t i = 0; i < t->u.s.n; i++)
        switch (t->u.s.p[i]) {
        case '&':
            buf_adds(&b, "&amp;");
            break;
        case '<':
            buf_adds(&b, "&lt;");
            break;
        case '>':
            buf_adds(&b, "&gt;");
            break;
        case '"':
            buf_adds(&b, "&#34;");
            break;
        case '\'':
            buf_adds(&b, "&#39;");
            break;
        default:
            buf_addc(&b, t->u.s.p[i]);
        }
    return scratch_take(c, &b);
}

FILTER(f_safe)
{
    (void)s;
    return text_of(c, self);
}

static const char *entity(const char *p, const char *end, char *out)
{
    static const struct {
        const char *name;
        char is;
    } known[] = {{"&lt;", '<'},   {"&gt;", '>'},  {"&amp;", '&'},  {"&quot;", '"'},
                 {"&#39;", '\''}, {"&#34;", '"'}, {"&apos;", '\''}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        size_t n = strlen(known[i].name);
        if ((size_t)(end - p) >= n && memcmp(p, known[i].name, n) == 0) {
            *out = known[i].is;
            return p + n;
        }
    }
    return NULL;
}

FILTER(f_striptags)
{
    struct jv *t = text_of(c, self);
    struct buf plain, b;
    (void)s;
    if (!t)
        return NULL;
    scratch_init(c, &plain);
    for (const char *p = t->u.s.p, *end = p + t->u.s.n; p < end;) {
        const char *q = NULL;
        if (end - p >= 4 && memcmp(p, "<!--", 4) == 0) {
            q = memmem(p, (size_t)(end - p), "-->", 3);
            q = q ? q + 3 : NULL;
        } else if (*p == '<') {
            q = memchr(p, '>', (size_t)(end - p));
            q = q ? q + 1 : NULL;
        }
        if (q)
            p = q;
        else
            buf_addc(&plain, *p++);
    }
    struct jv *text = scratch_take(c, &plain);
    struct jv *words = text ? by_method(c, text, "split", NULL, 0) : NULL;
    if (!words)
        return NULL;
    scratch_init(c, &b);
    for (size_t i = 0; i < words->u.seq.n; i++) {
        struct str w = jv_as_str(words->u.seq.v[i]);
        if (i)
            buf_addc(&b, ' ');
        for (const char *p = w.p, *end = p + w.n, *q; p < end; p = q) {
            char ch = *p;
            if (!(q = entity(p, end, &ch)))
                q = p + 1;
            buf_addc(&b, ch);
        }
    }
    return scratch_take(c, &b);
}

FILTER(f_tojson)
{
    int64_t indent = int_or(s[0], -1);
    return json_text(c, self, indent > 100 ? 100 : (int)indent, true, true);
}

static void quote_url(struct buf *b, struct str t, const char *safe)
{
    for (size_t i = 0; i < t.n; i++) {
        unsigned char ch = (unsigned char)t.p[i];
        if (ch == ' ' && !*safe) /* a query string */
            buf_addc(b, '+');
        else if (isalnum(ch) || strchr("_.-~", ch) || (ch && strchr(safe, ch)))
            buf_addc(b, (char)ch);
        else
            buf_addf(b, "%%%02X", ch);
    }
}

FILTER(f_urlencode)
{
    struct buf b;
    (void)s;
    if (self->type != JV_DICT && self->type != JV_LIST && self->type != JV_TUPLE) {
        struct jv *t = text_of(c, self);
        if (!t)
            return NULL;
        scratch_init(c, &b);
        quote_url(&b, jv_as_str(t), "/");
        return scratch_take(c, &b);
    }
    struct jv *l =
        self->type == JV_DICT
            ? builtin_call(c, method_find(JV_DICT, "items"), self, &CARGS(NULL, 0))
            : self;
    scratch_init(c, &b);
    for (size_t i = 0; l && i < l->u.seq.n; i++) {
        struct jv *kv = l->u.seq.v[i];
        struct jv *k =
            jv_len(kv) == 2 && jv_at(kv, 0) ? text_of(c, jv_at(kv, 0)) : NULL;
        struct jv *v = k ? text_of(c, jv_at(kv, 1)) : NULL;
        if (!v) {
            buf_release(&b);
            return jinja_fail(c, "urlencode expects pairs");
        }
        if (i)
            buf_addc(&b, '&');
        quote_url(&b, jv_as_str(k), "");
        buf_addc(&b, '=');
        quote_url(&b, jv_as_str(v), "");
    }
    return scratch_take(c, &b);
}

FILTER(f_wordcount)
{
    struct jv *t = text_of(c, self);
    int64_t n = 0;
    bool is_in = false;
    (void)s;
    if (!t)
        return NULL;
    for (const char *p = t->u.s.p, *end = p + t->u.s.n; p < end;) {
        uint32_t cp = u8_next(&p, end);
        bool is_word = cp == '_' || (cp >= '0' && cp <= '9') || cp_is_alpha(cp);
        n += is_word && !is_in;
        is_in = is_word;
    }
    return jv_int(c->mem, n);
}

/* One paragraph line by textwrap's rule: chunks of white space and of words. */
static void wrap_line(struct buf *b, struct str line, size_t width, bool break_long,
                      struct str sep)
{
    const char *p = line.p, *end = p + line.n;
    size_t col = 0;
    bool is_first = true, has_line = false;
    const char *gap = p; /* white space before the next word */
    while (p < end) {
        gap = p;
        while (p < end && cp_is_space((unsigned char)*p))
            p++;
        const char *word = p;
        while (p < end && !cp_is_space((unsigned char)*p))
            p++;
        size_t g = u8_len(gap, (size_t)(word - gap)),
               w = u8_len(word, (size_t)(p - word));
        if (!w)
            break;
        if (has_line && col == 0 && !is_first)
            g = 0;
        if (col + g + w <= width) {
            buf_add(b, gap, g ? (size_t)(word - gap) : 0);
            buf_add(b, word, (size_t)(p - word));
            col += g + w;
        } else {
            if (w > width && break_long && col + g < width && col) {
                size_t room = width - col - g,
                       n = u8_at(word, (size_t)(p - word), room);
                buf_add(b, gap, (size_t)(word - gap));
                buf_add(b, word, n);
                word += n;
                w -= room;
            }
            if (has_line)
                buf_add(b, sep.p, sep.n);
            while (w > width && break_long) {
                size_t n = u8_at(word, (size_t)(p - word), width);
                buf_add(b, word, n);
                buf_add(b, sep.p, sep.n);
                word += n;
                w -= width;
            }
            buf_add(b, word, (size_t)(p - word));
            col = w;
        }
        has_line = true;
        is_first = false;
    }
}

FILTER(f_wordwrap)
{
    struct jv *t = text_of(c, self);
    int64_t width = int_or(s[0], 79);
    bool break_long = !s[1] || jv_truth(s[1]);
    struct str sep = s[2] && s[2]->type == JV_STR ? jv_as_str(s[2]) : STR("\n");
    struct jv *lines = t ? by_method(c, t, "splitlines", NULL, 0) : NULL;
    struct buf b;
    if (!lines)
        return NULL;
    if (width <= 0)
        return jinja_fail(c, "invalid width %lld (must be > 0)", (long long)width);
    scratch_init(c, &b);
    for (size_t i = 0; i < lines->u.seq.n; i++) {
        if (i)
            buf_add(&b, sep.p, sep.n);
        wrap_line(&b, jv_as_str(lines->u.seq.v[i]), (size_t)width, break_long, sep);
    }
    return scratch_take(c, &b);
}

FILTER(f_xmlattr)
{
    struct buf b;
    struct jv *k, *v;
    if (self->type != JV_DICT)
        return jinja_fail(c, "xmlattr expects a mapping");
    scratch_init(c, &b);
    for (size_t i = 0; jv_pair(self, i, &k, &v); i++) {
        if (v->type == JV_NONE || is_undef(v))
            continue;
        struct jv *ek = f_escape(c, k, NULL, NULL), *ev = f_escape(c, v, NULL, NULL);
        if (!ek || !ev)
            break;
        if (b.len || !s[0] || jv_truth(s[0]))
            buf_addc(&b, ' ');
        buf_addf(&b, "%s=\"%s\"", ek->u.s.p, ev->u.s.p);
    }
    return scratch_take(c, &b);
}

const struct builtin text_filters[] = {
    {"lower", f_lower, "", 0},
    {"upper", f_upper, "", 0},
    {"capitalize", f_capitalize, "", 0},
    {"title", f_title, "", 0},
    {"string", f_string, "", 0},
    {"trim", f_trim, "chars", 0},
    {"center", f_center, "width", 0},
    {"replace", f_replace, "old new count", 2},
    {"format", f_format, "*", 0},
    {"indent", f_indent, "width first blank", 0},
    {"truncate", f_truncate, "length killwords end leeway", 0},
    {"escape", f_escape, "", 0},
    {"e", f_escape, "", 0},
    {"forceescape", f_escape, "", 0},
    {"safe", f_safe, "", 0},
    {"striptags", f_striptags, "", 0},
    {"tojson", f_tojson, "indent", 0},
    {"urlencode", f_urlencode, "", 0},
    {"wordcount", f_wordcount, "", 0},
    {"wordwrap", f_wordwrap, "width break_long_words wrapstring break_on_hyphens", 0},
    {"xmlattr", f_xmlattr, "autospace", 0},
    {NULL, NULL, NULL, 0},
};
