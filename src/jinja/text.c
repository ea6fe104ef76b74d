/* Values as text, the way Python writes them: str(), repr(), floats in their shortest
 * form, JSON as json.dumps; and the UTF-8 helpers of the engine. Text is assumed to be
 * UTF-8; a broken byte counts as one character and is passed through. */
#include "jinja/internal.h"

#include <locale.h>
#include <math.h>
#include <wctype.h>

/* ── UTF-8 ── */
uint32_t u8_next(const char **p, const char *end)
{
    const unsigned char *s = (const unsigned char *)*p;
    size_t left = (size_t)(end - *p);
    unsigned b = s[0];
    int n = b < 0x80 ? 1 : b >= 0xF0 ? 4 : b >= 0xE0 ? 3 : b >= 0xC2 ? 2 : 1;
    if (n == 1 || (size_t)n > left) {
        *p += 1;
        return b;
    }
    uint32_t cp = b & (0x7FU >> n);
    for (int i = 1; i < n; i++) {
        if ((s[i] & 0xC0) != 0x80) {
            *p += 1;
            return b;
        }
        cp = cp << 6 | (s[i] & 0x3FU);
    }
    *p += n;
    return cp;
}

bool u8_is_ascii(const char *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)p[i] >= 0x80)
            return false;
    return true;
}

size_t u8_len(const char *p, size_t n)
{
    if (u8_is_ascii(p, n))
        return n;
    size_t k = 0;
    for (const char *end = p + n; p < end; k++)
        u8_next(&p, end);
    return k;
}

size_t u8_at(const char *p, size_t n, size_t cp)
{
    const char *q = p, *end = p + n;
    while (cp-- > 0 && q < end)
        u8_next(&q, end);
    return (size_t)(q - p);
}

/* Python's str.isspace. */
bool cp_is_space(uint32_t cp)
{
    if (cp < 0x80)
        return cp == ' ' || (cp >= 9 && cp <= 13) || (cp >= 0x1C && cp <= 0x1F);
    return cp == 0x85 || cp == 0xA0 || cp == 0x1680 || (cp >= 0x2000 && cp <= 0x200A) ||
           cp == 0x2028 || cp == 0x2029 || cp == 0x202F || cp == 0x205F || cp == 0x3000;
}

const char *skip_space(const char *p, const char *end)
{
    while (p < end && (unsigned char)*p == ' ')
        p++;
    while (p < end && ((unsigned char)*p < '!' || (unsigned char)*p > '~')) {
        const char *q = p;
        if (!cp_is_space(u8_next(&q, end)))
            break;
        p = q;
    }
    return p;
}

const char *rskip_space(const char *start, const char *end)
{
    while (end > start) {
        const char *q = end - 1;
        while (q > start && ((unsigned char)*q & 0xC0) == 0x80)
            q--;
        const char *r = q;
        if (!cp_is_space(u8_next(&r, end)) || r != end)
            break;
        end = q;
    }
    return end;
}

static locale_t utf8_locale(void)
{
    static locale_t loc;
    if (!loc)
        loc = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
    return loc;
}

uint32_t cp_lower(uint32_t cp)
{
    if (cp < 0x80)
        return cp >= 'A' && cp <= 'Z' ? cp + 32 : cp;
    locale_t l = utf8_locale();
    return l ? (uint32_t)towlower_l((wint_t)cp, l) : cp;
}

uint32_t cp_upper(uint32_t cp)
{
    if (cp < 0x80)
        return cp >= 'a' && cp <= 'z' ? cp - 32 : cp;
    locale_t l = utf8_locale();
    return l ? (uint32_t)towupper_l((wint_t)cp, l) : cp;
}

bool cp_is_alpha(uint32_t cp)
{
    if (cp < 0x80)
        return (cp | 32) >= 'a' && (cp | 32) <= 'z';
    locale_t l = utf8_locale();
    return l && iswalpha_l((wint_t)cp, l);
}

bool cp_is_upper(uint32_t cp)
{
    return cp_lower(cp) != cp;
}

bool cp_is_lower(uint32_t cp)
{
    return cp_upper(cp) != cp || cp == 0xDF;
}

static bool cp_is_printable(uint32_t cp)
{
    if (cp < 0x7F)
        return cp >= 0x20;
    if (cp < 0xA1 || cp == 0xAD)
        return false;
    locale_t l = utf8_locale();
    return l && iswprint_l((wint_t)cp, l) && !cp_is_space(cp);
}

/* ── numbers ── */
static void shortest(double d, char *out, size_t size)
{
    int from = fabs(d) < 2.3e-308 ? 1 : 15;
    for (int p = from; p <= 17; p++) {
        snprintf(out, size, "%.*e", p - 1, d);
        if (strtod(out, NULL) == d)
            return;
    }
}

/* repr(float): shortest digits that read back, exponent outside 1e-4 … 1e16. */
void float_text(double d, struct buf *out)
{
    if (isnan(d) || isinf(d)) {
        buf_adds(out, isnan(d) ? "nan" : d < 0 ? "-inf" : "inf");
        return;
    }
    if (d == floor(d) && fabs(d) < 1e15) {
        buf_addf(out, "%.1f", d);
        return;
    }
    char e[40], digits[24];
    shortest(d, e, sizeof e);
    const char *s = e;
    if (*s == '-') {
        buf_addc(out, '-');
        s++;
    }
    int n = 0;
    for (; *s && *s != 'e'; s++)
        if (*s != '.')
            digits[n++] = *s;
    while (n > 1 && digits[n - 1] == '0')
        n--;
    int point = (int)strtol(s + 1, NULL, 10) + 1;
    if (point > 16 || point < -3) {
        buf_addc(out, digits[0]);
        if (n > 1) {
            buf_addc(out, '.');
            buf_add(out, digits + 1, (size_t)n - 1);
        }
        buf_addf(out, "e%c%02d", point - 1 < 0 ? '-' : '+', abs(point - 1));
        return;
    }
    if (point <= 0) {
        buf_adds(out, "0.");
        for (int i = point; i < 0; i++)
            buf_addc(out, '0');
        buf_add(out, digits, (size_t)n);
        return;
    }
    for (int i = 0; i < point || i < n; i++) {
        if (i == point)
            buf_addc(out, '.');
        buf_addc(out, i < n ? digits[i] : '0');
    }
    if (n <= point)
        buf_adds(out, ".0");
}

/* ── repr ── */
void str_repr(const char *p, size_t n, struct buf *out)
{
    char q = memchr(p, '\'', n) && !memchr(p, '"', n) ? '"' : '\'';
    buf_addc(out, q);
    for (const char *end = p + n; p < end;) {
        const char *start = p;
        uint32_t cp = u8_next(&p, end);
        if (cp == (uint32_t)q || cp == '\\')
            buf_addf(out, "\\%c", (char)cp);
        else if (cp == '\n' || cp == '\t' || cp == '\r')
            buf_adds(out, cp == '\n' ? "\\n" : cp == '\t' ? "\\t" : "\\r");
        else if (cp_is_printable(cp))
            buf_add(out, start, (size_t)(p - start));
        else if (cp < 0x100)
            buf_addf(out, "\\x%02x", cp);
        else
            buf_addf(out, cp < 0x10000 ? "\\u%04x" : "\\U%08x", cp);
    }
    buf_addc(out, q);
}

/* Containers being written, so that one holding itself ends in "[...]". */
struct chain {
    const struct chain *up;
    const void *box;
    int depth;
};
#define REPR_DEPTH 500

static void repr_in(const struct jv *v, struct buf *out, const struct chain *up);

static bool is_cyclic(const struct chain *up, const void *box)
{
    if (up && up->depth > REPR_DEPTH)
        return true;
    for (; up; up = up->up)
        if (up->box == box)
            return true;
    return false;
}

static void repr_seq(const struct jv *v, struct buf *out, const struct chain *up)
{
    bool is_tuple = v->type == JV_TUPLE;
    if (is_cyclic(up, v)) {
        buf_adds(out, is_tuple ? "(...)" : "[...]");
        return;
    }
    struct chain me = {up, v, up ? up->depth + 1 : 0};
    buf_addc(out, is_tuple ? '(' : '[');
    for (size_t i = 0; i < v->u.seq.n && !out->failed; i++) {
        if (i)
            buf_adds(out, ", ");
        repr_in(v->u.seq.v[i], out, &me);
    }
    if (is_tuple && v->u.seq.n == 1)
        buf_addc(out, ',');
    buf_addc(out, is_tuple ? ')' : ']');
}

static void repr_map(const struct jv *v, struct buf *out, const struct chain *up)
{
    const struct jdict *d = v->u.map;
    if (v->type == JV_SET && !d->live) {
        buf_adds(out, "set()");
        return;
    }
    if (is_cyclic(up, d)) {
        buf_adds(out, "{...}");
        return;
    }
    struct chain me = {up, d, up ? up->depth + 1 : 0};
    bool is_first = true;
    buf_addc(out, '{');
    for (uint32_t i = 0; i < d->n && !out->failed; i++) {
        if (!d->e[i].k)
            continue;
        if (!is_first)
            buf_adds(out, ", ");
        is_first = false;
        repr_in(d->e[i].k, out, &me);
        if (v->type == JV_DICT) {
            buf_adds(out, ": ");
            repr_in(d->e[i].v, out, &me);
        }
    }
    buf_addc(out, '}');
}

static void func_text(const struct jv *v, struct buf *out)
{
    if (v->kind == FN_MACRO)
        buf_addf(out, "<Macro '%s'>", v->u.macro->def->sym->str.u.s.p);
    else if (v->kind == FN_METHOD)
        buf_addf(out, "<built-in method %s of %s object>", v->u.method.row->name,
                 type_name(v->u.method.self));
    else
        buf_addf(out, "<function %s>", v->u.fn.name);
}

static void repr_in(const struct jv *v, struct buf *out, const struct chain *up)
{
    switch ((enum jv_type)v->type) {
    case JV_UNDEFINED:
        buf_adds(out, "Undefined");
        return;
    case JV_NONE:
        buf_adds(out, "None");
        return;
    case JV_BOOL:
        buf_adds(out, v->u.b ? "True" : "False");
        return;
    case JV_INT:
        buf_add_i64(out, v->u.i);
        return;
    case JV_FLOAT:
        float_text(v->u.d, out);
        return;
    case JV_STR:
        str_repr(v->u.s.p, v->u.s.n, out);
        return;
    case JV_LIST:
    case JV_TUPLE:
        repr_seq(v, out, up);
        return;
    case JV_DICT:
    case JV_SET:
        repr_map(v, out, up);
        return;
    case JV_FUNC:
        func_text(v, out);
        return;
    case JV_OBJECT:
        if (v->u.obj.cls->repr)
            v->u.obj.cls->repr(v->u.obj.self, out);
        else if (v->u.obj.cls->str)
            v->u.obj.cls->str(v->u.obj.self, out);
        else
            buf_addf(out, "<%s object>", v->u.obj.cls->name);
        return;
    }
}

int jv_to_repr(const struct jv *v, struct buf *out)
{
    repr_in(v, out, NULL);
    return out->failed;
}

int jv_to_text(const struct jv *v, struct buf *out)
{
    if (v->type == JV_STR)
        return buf_add(out, v->u.s.p, v->u.s.n);
    if (v->type == JV_UNDEFINED)
        return out->failed;
    if (v->type == JV_OBJECT && v->u.obj.cls->str) {
        int rc = v->u.obj.cls->str(v->u.obj.self, out);
        return rc < 0 ? rc : out->failed;
    }
    return jv_to_repr(v, out);
}

/* ── scratch ── */
void scratch_init(struct jinja_call *c, struct buf *b)
{
    size_t max = c->env->limits.max_output, used = c->mem->used - c->mem_start;
    size_t left =
        used < c->env->limits.max_memory ? c->env->limits.max_memory - used : 0;
    buf_init(b, max < left ? max : left);
}

/* Copies to the arena and releases b; NULL when it had failed. */
struct jv *scratch_take(struct jinja_call *c, struct buf *b)
{
    struct jv *v = NULL;
    if (b->failed)
        fail_limit(c, "text");
    else
        v = jv_str(c->mem, buf_str(b), b->len);
    buf_release(b);
    return v;
}

struct jv *text_of(struct jinja_call *c, struct jv *v)
{
    if (v->type == JV_STR)
        return v;
    if (v->type == JV_UNDEFINED && c->env->undef == UNDEF_STRICT)
        return fail_undefined(c, v);
    struct buf b;
    scratch_init(c, &b);
    jv_to_text(v, &b);
    return scratch_take(c, &b);
}
