/* Python's two formatting languages: "…" % values (printf style) and str.format with
 * its format specifications. Widths and precisions are bounded by the output limit. */
#include "jinja/internal.h"

#include <ctype.h>
#include <math.h>

#define FORMAT_WIDTH_MAX (1 << 20)

struct spec {
    uint32_t fill; /* code point */
    char align, sign, group, type;
    bool is_alt, is_zero;
    int width, precision; /* -1: none */
};

static void pad(struct buf *out, uint32_t fill, int64_t n)
{
    char b[4];
    int k = 0;
    if (fill < 0x80) {
        b[k++] = (char)fill;
    } else if (fill < 0x800) {
        b[k++] = (char)(0xC0 | fill >> 6);
        b[k++] = (char)(0x80 | (fill & 0x3F));
    } else if (fill < 0x10000) {
        b[k++] = (char)(0xE0 | fill >> 12);
        b[k++] = (char)(0x80 | (fill >> 6 & 0x3F));
        b[k++] = (char)(0x80 | (fill & 0x3F));
    } else {
        b[k++] = (char)(0xF0 | fill >> 18);
        b[k++] = (char)(0x80 | (fill >> 12 & 0x3F));
        b[k++] = (char)(0x80 | (fill >> 6 & 0x3F));
        b[k++] = (char)(0x80 | (fill & 0x3F));
    }
    for (; n > 0 && !out->failed; n--)
        buf_add(out, b, (size_t)k);
}

/* sign (and "0x") apart from the body, so that zeros go between. */
static void put_padded(struct buf *out, const struct spec *s, const char *lead,
                       const char *body, size_t n)
{
    int64_t len = (int64_t)u8_len(body, n) + (int64_t)strlen(lead);
    int64_t missing = s->width > len ? s->width - len : 0;
    int64_t left = s->align == '>' ? missing : s->align == '^' ? missing / 2 : 0;
    if (s->align == '=') {
        buf_adds(out, lead);
        pad(out, s->fill, missing);
        buf_add(out, body, n);
        return;
    }
    pad(out, s->fill, left);
    buf_adds(out, lead);
    buf_add(out, body, n);
    pad(out, s->fill, missing - left);
}

/* Digits before the point get separators. */
static void group_digits(struct buf *b, char sep, int every)
{
    size_t n = 0;
    while (n < b->len && isxdigit((unsigned char)b->data[n]))
        n++;
    struct buf g;
    buf_init(&g, b->max);
    for (size_t i = 0; i < n; i++) {
        if (i && (n - i) % (size_t)every == 0)
            buf_addc(&g, sep);
        buf_addc(&g, b->data[i]);
    }
    buf_add(&g, b->data ? b->data + n : "", b->len - n);
    buf_release(b);
    *b = g;
}

static const char *sign_text(bool is_negative, char sign)
{
    return is_negative ? "-" : sign == '+' ? "+" : sign == ' ' ? " " : "";
}

static void int_digits(struct buf *b, uint64_t v, unsigned base, bool is_upper)
{
    char t[65];
    int i = 64;
    t[64] = 0;
    do {
        t[--i] = (is_upper ? "0123456789ABCDEF" : "0123456789abcdef")[v % base];
        v /= base;
    } while (v);
    buf_adds(b, t + i);
}

static void put_int(struct buf *out, const struct spec *s, int64_t v)
{
    struct buf b;
    char lead[4] = "";
    uint64_t u = v < 0 ? 0 - (uint64_t)v : (uint64_t)v;
    char type = s->type ? s->type : 'd';
    unsigned base = type == 'x' || type == 'X' ? 16
                    : type == 'o'              ? 8
                    : type == 'b'              ? 2
                                               : 10;
    buf_init(&b, 256);
    int_digits(&b, u, base, type == 'X');
    if (s->group)
        group_digits(&b, s->group, base == 10 ? 3 : 4);
    snprintf(lead, sizeof lead, "%s%s", sign_text(v < 0, s->sign),
             !s->is_alt || base == 10 ? ""
             : type == 'x'            ? "0x"
             : type == 'X'            ? "0X"
             : type == 'o'            ? "0o"
                                      : "0b");
    put_padded(out, s, lead, buf_str(&b), b.len);
    buf_release(&b);
}

static void float_digits(struct buf *b, double d, const struct spec *s)
{
    int precision = s->precision < 0 ? 6 : s->precision;
    char type = s->type == '%' ? 'f' : s->type;
    if (isnan(d) || isinf(d)) {
        bool up = type == 'F' || type == 'E' || type == 'G';
        buf_adds(b, isnan(d) ? up ? "NAN" : "nan" : up ? "INF" : "inf");
        return;
    }
    if (!type && s->precision < 0) {
        float_text(d, b);
        return;
    }
    if (!type || type == 'n')
        type = 'g';
    switch (type) {
    case 'e':
        buf_addf(b, s->is_alt ? "%#.*e" : "%.*e", precision, d);
        return;
    case 'E':
        buf_addf(b, s->is_alt ? "%#.*E" : "%.*E", precision, d);
        return;
    case 'g':
        buf_addf(b, s->is_alt ? "%#.*g" : "%.*g", precision, d);
        return;
    case 'G':
        buf_addf(b, s->is_alt ? "%#.*G" : "%.*G", precision, d);
        return;
    default:
        buf_addf(b, s->is_alt ? "%#.*f" : "%.*f", precision, d);
    }
}

static void put_float(struct buf *out, const struct spec *s, double d)
{
    struct buf b;
    bool is_negative = signbit(d) && !isnan(d);
    double x = fabs(d) * (s->type == '%' ? 100 : 1);
    buf_init(&b, FORMAT_WIDTH_MAX * 2);
    float_digits(&b, x, s);
    if (!s->type && s->precision >= 0 && !strpbrk(buf_str(&b), ".ein"))
        buf_adds(&b, ".0");
    if (s->group)
        group_digits(&b, s->group, 3);
    if (s->type == '%')
        buf_addc(&b, '%');
    put_padded(out, s, sign_text(is_negative, s->sign), buf_str(&b), b.len);
    buf_release(&b);
}

static size_t cut_cps(struct str s, int precision)
{
    return precision < 0 ? s.n : u8_at(s.p, s.n, (size_t)precision);
}

/* ── "…" % values ── */
struct percent {
    struct jinja_call *c;
    struct buf *out;
    struct jv *args;
    size_t used;
    bool is_tuple;
};

static struct jv *next_arg(struct percent *f)
{
    size_t n = f->is_tuple ? f->args->u.seq.n : 1;
    if (f->used >= n)
        return jinja_fail(f->c, "not enough arguments for format string");
    return f->is_tuple ? f->args->u.seq.v[f->used++] : (f->used++, f->args);
}

static bool star_or_number(struct percent *f, const char **p, const char *end, int *out)
{
    int64_t v = 0;
    if (*p < end && **p == '*') {
        struct jv *a = next_arg(f);
        ++*p;
        if (!a)
            return false;
        if (!jv_is_intlike(a, &v)) {
            jinja_fail(f->c, "* wants int");
            return false;
        }
    } else {
        for (; *p < end && isdigit((unsigned char)**p); ++*p)
            v = v < FORMAT_WIDTH_MAX ? v * 10 + **p - '0' : v;
    }
    if (v > FORMAT_WIDTH_MAX) {
        fail_limit(f->c, "format width");
        return false;
    }
    *out = (int)v;
    return true;
}

static bool percent_string(struct percent *f, struct spec *s, struct jv *v, char conv)
{
    struct buf b;
    scratch_init(f->c, &b);
    if (conv == 's')
        jv_to_text(v, &b);
    else
        jv_to_repr(v, &b);
    struct str t = {buf_str(&b), b.len};
    s->fill = ' ';
    put_padded(f->out, s, "", t.p, cut_cps(t, s->precision));
    buf_release(&b);
    return true;
}

static bool percent_char(struct percent *f, struct spec *s, struct jv *v)
{
    int64_t i;
    if (v->type == JV_STR && jv_len(v) == 1) {
        put_padded(f->out, s, "", v->u.s.p, v->u.s.n);
        return true;
    }
    if (!jv_is_intlike(v, &i) || i < 0 || i > 0x10FFFF) {
        jinja_fail(f->c, "%%c requires int or char");
        return false;
    }
    struct buf b;
    buf_init(&b, 16);
    pad(&b, (uint32_t)i, 1);
    put_padded(f->out, s, "", buf_str(&b), b.len);
    buf_release(&b);
    return true;
}

static bool percent_int(struct percent *f, struct spec *s, struct jv *v, char conv)
{
    int64_t i;
    bool is_decimal = conv == 'd' || conv == 'i' || conv == 'u';
    if (is_decimal && v->type == JV_FLOAT && fabs(v->u.d) < 9e18) {
        i = (int64_t)v->u.d;
    } else if (!jv_is_intlike(v, &i)) {
        jinja_fail(f->c, "%%%c format: %s is required, not %s", conv,
                   is_decimal ? "a real number" : "an integer", type_name(v));
        return false;
    }
    struct buf b;
    char lead[4] = "";
    unsigned base = is_decimal ? 10 : conv == 'o' ? 8 : 16;
    buf_init(&b, FORMAT_WIDTH_MAX * 2);
    int_digits(&b, i < 0 ? 0 - (uint64_t)i : (uint64_t)i, base, conv == 'X');
    struct buf z;
    buf_init(&z, FORMAT_WIDTH_MAX * 2);
    pad(&z, '0', s->precision - (int64_t)b.len);
    buf_add(&z, buf_str(&b), b.len);
    snprintf(lead, sizeof lead, "%s%s", sign_text(i < 0, s->sign),
             !s->is_alt || is_decimal ? ""
             : conv == 'o'            ? "0o"
             : conv == 'x'            ? "0x"
                                      : "0X");
    put_padded(f->out, s, lead, buf_str(&z), z.len);
    buf_release(&b);
    buf_release(&z);
    return true;
}

static bool percent_convert(struct percent *f, struct spec *s, struct jv *v, char conv)
{
    if (is_undef(v) && f->c->env->undef == UNDEF_STRICT) {
        fail_undefined(f->c, v);
        return false;
    }
    switch (conv) {
    case 's':
    case 'r':
    case 'a':
        return percent_string(f, s, v, conv);
    case 'c':
        return percent_char(f, s, v);
    case 'd':
    case 'i':
    case 'u':
    case 'x':
    case 'X':
    case 'o':
        return percent_int(f, s, v, conv);
    case 'f':
    case 'F':
    case 'e':
    case 'E':
    case 'g':
    case 'G':
        if (!jv_is_num(v)) {
            jinja_fail(f->c, "must be real number, not %s", type_name(v));
            return false;
        }
        s->type = conv;
        put_float(f->out, s, jv_as_float(v));
        return true;
    default:
        jinja_fail(f->c, "unsupported format character '%c'", conv);
        return false;
    }
}

static const char *percent_flags(const char *p, const char *end, struct spec *s)
{
    for (; p < end; p++) {
        if (*p == '-')
            s->align = '<';
        else if (*p == '+')
            s->sign = '+';
        else if (*p == ' ' && s->sign != '+')
            s->sign = ' ';
        else if (*p == '#')
            s->is_alt = true;
        else if (*p == '0')
            s->is_zero = true;
        else if (*p != ' ')
            break;
    }
    return p;
}

/* "%(name)s": the value by key; *p moves behind the ")". */
static struct jv *percent_key(struct percent *f, const char **p, const char *end)
{
    const char *start = *p + 1, *q = start;
    int depth = 1;
    for (; q < end && depth; q++)
        depth += *q == '(' ? 1 : *q == ')' ? -1 : 0;
    if (depth)
        return jinja_fail(f->c, "incomplete format key");
    if (f->args->type != JV_DICT)
        return jinja_fail(f->c, "format requires a mapping");
    struct jv k = {.type = JV_STR, .u.s = {start, (size_t)(q - 1 - start)}};
    struct jv *v = dict_get(f->args, &k);
    *p = q;
    return v ? v
             : jinja_fail(f->c, "format key '%.*s' is missing", (int)k.u.s.n, k.u.s.p);
}

static const char *percent_one(struct percent *f, const char *p, const char *end)
{
    struct spec s = {.fill = ' ', .align = '>', .width = -1, .precision = -1};
    struct jv *v = NULL;
    if (p < end && *p == '(' && !(v = percent_key(f, &p, end)))
        return NULL;
    p = percent_flags(p, end, &s);
    if (!star_or_number(f, &p, end, &s.width))
        return NULL;
    if (s.width < 0) {
        s.align = '<';
        s.width = -s.width;
    }
    if (p < end && *p == '.') {
        p++;
        if (!star_or_number(f, &p, end, &s.precision))
            return NULL;
        s.precision = s.precision < 0 ? 0 : s.precision;
    }
    while (p < end && (*p == 'l' || *p == 'h' || *p == 'L'))
        p++;
    if (p >= end) {
        jinja_fail(f->c, "incomplete format");
        return NULL;
    }
    if (*p == '%') {
        buf_addc(f->out, '%');
        return p + 1;
    }
    if (s.is_zero && s.align != '<' && *p != 's' && *p != 'r' && *p != 'c') {
        s.align = '=';
        s.fill = '0';
    }
    if (!v && !(v = next_arg(f)))
        return NULL;
    return percent_convert(f, &s, v, *p) ? p + 1 : NULL;
}

struct jv *format_percent(struct jinja_call *c, struct str t, struct jv *args)
{
    struct buf b;
    struct percent f = {c, &b, args, 0, args->type == JV_TUPLE};
    scratch_init(c, &b);
    const char *p = t.p, *end = t.p + t.n;
    while (p && p < end) {
        const char *q = memchr(p, '%', (size_t)(end - p));
        buf_add(&b, p, (size_t)((q ? q : end) - p));
        p = q ? percent_one(&f, q + 1, end) : end;
    }
    bool is_all = f.is_tuple ? f.used == args->u.seq.n
                             : f.used || args->type == JV_DICT || args->type == JV_LIST;
    if (p && !is_all) {
        p = NULL;
        jinja_fail(c, "not all arguments converted during string formatting");
    }
    if (!p && t.n) {
        buf_release(&b);
        return NULL;
    }
    return scratch_take(c, &b);
}

/* ── format specifications ── */
static bool parse_spec(struct jinja_call *c, struct str t, struct spec *s)
{
    const char *p = t.p, *end = t.p + t.n;
    *s = (struct spec){.fill = ' ', .width = -1, .precision = -1};
    if (p < end) {
        const char *q = p;
        uint32_t cp = u8_next(&q, end);
        if (q < end && strchr("<>=^", *q)) {
            s->fill = cp;
            s->align = *q;
            p = q + 1;
        } else if (strchr("<>=^", *p)) {
            s->align = *p++;
        }
    }
    if (p < end && strchr("+- ", *p))
        s->sign = *p++;
    if (p < end && *p == '#') {
        s->is_alt = true;
        p++;
    }
    if (p < end && *p == '0') {
        p++;
        s->is_zero = true;
        if (!s->align) {
            s->align = '=';
            s->fill = '0';
        }
    }
    for (int64_t w = 0; p < end && isdigit((unsigned char)*p); p++) {
        w = w * 10 + *p - '0';
        if (w > FORMAT_WIDTH_MAX)
            return fail_limit(c, "format width") != NULL;
        s->width = (int)w;
    }
    if (p < end && (*p == ',' || *p == '_'))
        s->group = *p++;
    if (p < end && *p == '.') {
        p++;
        s->precision = 0;
        if (p >= end || !isdigit((unsigned char)*p))
            return jinja_fail(c, "Format specifier missing precision") != NULL;
        for (; p < end && isdigit((unsigned char)*p); p++)
            s->precision =
                s->precision < FORMAT_WIDTH_MAX ? s->precision * 10 + *p - '0' : 1;
    }
    if (p < end)
        s->type = *p++;
    if (p != end)
        return jinja_fail(c, "Invalid format specifier") != NULL;
    return true;
}

static int spec_string(struct jinja_call *c, struct spec *s, struct jv *v,
                       struct buf *out)
{
    struct buf b;
    if (s->sign || s->group || (s->type && s->type != 's')) {
        jinja_fail(c, "Unknown format code '%c' for object of type '%s'",
                   s->type ? s->type : 's', type_name(v));
        return ERR_TYPE;
    }
    if (s->align == '=' && !s->is_zero) {
        jinja_fail(c, "'=' alignment not allowed in string format specifier");
        return ERR_TYPE;
    }
    if (!s->align || s->align == '=')
        s->align = '<';
    scratch_init(c, &b);
    jv_to_text(v, &b);
    struct str t = {buf_str(&b), b.len};
    put_padded(out, s, "", t.p, cut_cps(t, s->precision));
    buf_release(&b);
    return 0;
}

int format_spec(struct jinja_call *c, struct jv *v, struct str text, struct buf *out)
{
    struct spec s;
    if (!text.n)
        return jv_to_text(v, out);
    if (!parse_spec(c, text, &s))
        return ERR_TYPE;
    if (v->type == JV_STR)
        return spec_string(c, &s, v, out);
    int64_t i;
    bool is_int = jv_is_intlike(v, &i),
         is_float_type = s.type && strchr("eEfFgG%", s.type);
    if (!is_int && v->type != JV_FLOAT) {
        if (v->type == JV_OBJECT)
            return spec_string(c, &s, v, out);
        jinja_fail(c, "unsupported format string passed to %s.__format__",
                   type_name(v));
        return ERR_TYPE;
    }
    if (!s.align)
        s.align = '>';
    if (is_int && !is_float_type) {
        if (s.type && !strchr("dxXobnc", s.type)) {
            jinja_fail(c, "Unknown format code '%c' for object of type 'int'", s.type);
            return ERR_TYPE;
        }
        if (s.type == 'c') {
            pad(out, (uint32_t)i, 1);
            return out->failed;
        }
        put_int(out, &s, i);
        return out->failed;
    }
    if (!is_float_type && s.type && s.type != 'n') {
        jinja_fail(c, "Unknown format code '%c' for object of type 'float'", s.type);
        return ERR_TYPE;
    }
    put_float(out, &s, jv_as_float(v));
    return out->failed;
}

/* ── str.format ── */
struct braces {
    struct jinja_call *c;
    const struct cargs *a;
    size_t next;
    enum { NUM_NONE, NUM_AUTO, NUM_MANUAL } numbering;
};

static struct jv *braces_root(struct braces *f, struct str name)
{
    int64_t i;
    if (!name.n || isdigit((unsigned char)name.p[0])) {
        int want = name.n ? NUM_MANUAL : NUM_AUTO;
        if (f->numbering != NUM_NONE && (int)f->numbering != want)
            return jinja_fail(f->c,
                              name.n ? "cannot switch from automatic field numbering "
                                       "to manual field specification"
                                     : "cannot switch from manual field "
                                       "specification to automatic field numbering");
        f->numbering = want;
        if (!name.n)
            i = (int64_t)f->next++;
        else if (!str_to_i64(name, &i))
            return jinja_fail(f->c, "bad field name in format string");
        if (i < 0 || (size_t)i >= f->a->n)
            return jinja_fail(f->c,
                              "Replacement index %lld out of range for positional "
                              "args tuple",
                              (long long)i);
        return f->a->v[i];
    }
    for (size_t k = 0; k < f->a->n_kw; k++)
        if (str_is(name, f->a->kw_names[k]))
            return f->a->kw_values[k];
    return jinja_fail(f->c, "format key '%.*s' is missing", (int)name.n, name.p);
}

static struct jv *braces_value(struct braces *f, struct str field)
{
    size_t n = 0;
    while (n < field.n && field.p[n] != '.' && field.p[n] != '[')
        n++;
    struct jv *v = braces_root(f, (struct str){field.p, n});
    const char *p = field.p + n, *end = field.p + field.n;
    while (v && p < end) {
        bool is_item = *p == '[';
        const char *q = ++p;
        while (q < end && (is_item ? *q != ']' : *q != '.' && *q != '['))
            q++;
        if (is_item && q == end)
            return jinja_fail(f->c, "expected '}' before end of string");
        struct str part = {p, (size_t)(q - p)};
        int64_t i;
        struct jv *key = is_item && str_to_i64(part, &i) ? jv_int(f->c->mem, i)
                                                         : jv_str(f->c->mem, p, part.n);
        if (!key)
            return NULL;
        v = is_item ? get_item(f->c, v, key) : get_attr(f->c, v, key);
        p = is_item ? q + 1 : q;
    }
    if (v && is_undef(v) && f->c->env->undef == UNDEF_STRICT)
        return fail_undefined(f->c, v);
    return v;
}

static int braces_expand(struct braces *f, struct str t, struct buf *out, int depth);

static int braces_field(struct braces *f, struct str field, struct buf *out, int depth)
{
    size_t n = 0;
    int brackets = 0;
    for (; n < field.n; n++) {
        brackets += field.p[n] == '[' ? 1 : field.p[n] == ']' ? -1 : 0;
        if (!brackets && (field.p[n] == '!' || field.p[n] == ':'))
            break;
    }
    struct jv *v = braces_value(f, (struct str){field.p, n});
    if (!v)
        return ERR_TYPE;
    if (n < field.n && field.p[n] == '!') {
        char conv = n + 1 < field.n ? field.p[n + 1] : 0;
        if (conv == 'r' || conv == 'a') {
            struct buf b;
            scratch_init(f->c, &b);
            jv_to_repr(v, &b);
            v = scratch_take(f->c, &b);
        } else if (conv == 's') {
            v = text_of(f->c, v);
        } else {
            v = jinja_fail(f->c, "Unknown conversion specifier");
        }
        if (!v)
            return ERR_TYPE;
        n += 2;
    }
    if (n >= field.n)
        return format_spec(f->c, v, STR(""), out);
    struct buf spec;
    scratch_init(f->c, &spec);
    struct str raw = {field.p + n + 1, field.n - n - 1};
    int rc = braces_expand(f, raw, &spec, depth + 1);
    if (rc >= 0)
        rc = format_spec(f->c, v, (struct str){buf_str(&spec), spec.len}, out);
    buf_release(&spec);
    return rc;
}

static int braces_expand(struct braces *f, struct str t, struct buf *out, int depth)
{
    const char *p = t.p, *end = t.p + t.n;
    if (depth > 2) {
        jinja_fail(f->c, "Max string recursion exceeded");
        return ERR_TYPE;
    }
    while (p < end) {
        if (*p != '{' && *p != '}') {
            buf_addc(out, *p++);
            continue;
        }
        if (p + 1 < end && p[1] == *p && depth == 0) {
            buf_addc(out, *p);
            p += 2;
            continue;
        }
        if (*p == '}') {
            jinja_fail(f->c, "Single '}' encountered in format string");
            return ERR_TYPE;
        }
        const char *q = p + 1;
        int open = 1;
        for (; q < end && open; q++)
            open += *q == '{' ? 1 : *q == '}' ? -1 : 0;
        if (open) {
            jinja_fail(f->c, p + 1 == end ? "Single '{' encountered in format string"
                                          : "expected '}' before end of string");
            return ERR_TYPE;
        }
        int rc = braces_field(f, (struct str){p + 1, (size_t)(q - p - 2)}, out, depth);
        if (rc < 0)
            return rc;
        p = q;
    }
    return out->failed;
}

struct jv *format_braces(struct jinja_call *c, struct str t, const struct cargs *a)
{
    struct buf b;
    struct braces f = {c, a, 0, NUM_NONE};
    scratch_init(c, &b);
    if (braces_expand(&f, t, &b, 0) < 0 && !b.failed) {
        buf_release(&b);
        return NULL;
    }
    return scratch_take(c, &b);
}
