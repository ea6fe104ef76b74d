/* Operators with Python's meaning: integers are 64 bits and overflow is an error, "/"
 * is true division, "//" and "%" round towards minus infinity, sequences concatenate
 * and repeat, comparisons of unlike types are equal-or-error. */
#include "jinja/internal.h"

#include <math.h>

static const char *op_text(enum op op)
{
    static const char *const text[] = {"+",  "-",           "*",  "/",  "//",
                                       "%",  "** or pow()", "==", "!=", "<",
                                       "<=", ">",           ">=", "in", "not in"};
    return text[op];
}

static struct jv *bad_operands(struct jinja_call *c, enum op op, const struct jv *a,
                               const struct jv *b)
{
    return jinja_fail(c, "unsupported operand type(s) for %s: '%s' and '%s'",
                      op_text(op), type_name(a), type_name(b));
}

static struct jv *int_pow(struct jinja_call *c, int64_t a, int64_t b)
{
    int64_t r = 1;
    if (b < 0) {
        if (a == 0)
            return jinja_fail(c, "0.0 cannot be raised to a negative power");
        return jv_float(c->mem, pow((double)a, (double)b));
    }
    for (; b; b >>= 1) {
        if ((b & 1) && __builtin_mul_overflow(r, a, &r))
            return jinja_fail(c, "integer overflow");
        if (b > 1 && __builtin_mul_overflow(a, a, &a))
            return jinja_fail(c, "integer overflow");
    }
    return jv_int(c->mem, r);
}

static struct jv *int_op(struct jinja_call *c, enum op op, int64_t a, int64_t b)
{
    int64_t r = 0;
    bool is_over = false;
    switch ((int)op) {
    case OP_ADD:
        is_over = __builtin_add_overflow(a, b, &r);
        break;
    case OP_SUB:
        is_over = __builtin_sub_overflow(a, b, &r);
        break;
    case OP_MUL:
        is_over = __builtin_mul_overflow(a, b, &r);
        break;
    case OP_POW:
        return int_pow(c, a, b);
    case OP_DIV:
        if (!b)
            return jinja_fail(c, "division by zero");
        return jv_float(c->mem, (double)a / (double)b);
    default: /* // and % */
        if (!b)
            return jinja_fail(c, "integer division or modulo by zero");
        if (b == -1) {
            if (op == OP_MOD)
                return jv_int(c->mem, 0);
            is_over = __builtin_sub_overflow((int64_t)0, a, &r);
            break;
        }
        r = op == OP_MOD ? a % b : a / b;
        if (a % b && (a < 0) != (b < 0))
            r += op == OP_MOD ? b : -1;
    }
    return is_over ? jinja_fail(c, "integer overflow") : jv_int(c->mem, r);
}

static struct jv *float_op(struct jinja_call *c, enum op op, double a, double b)
{
    double r, x;
    if ((op == OP_DIV || op == OP_FLOORDIV || op == OP_MOD) && b == 0)
        return jinja_fail(c, op == OP_DIV   ? "float division by zero"
                             : op == OP_MOD ? "float modulo"
                                            : "float floor division by zero");
    switch ((int)op) {
    case OP_ADD:
        return jv_float(c->mem, a + b);
    case OP_SUB:
        return jv_float(c->mem, a - b);
    case OP_MUL:
        return jv_float(c->mem, a * b);
    case OP_DIV:
        return jv_float(c->mem, a / b);
    case OP_POW:
        if (a == 0 && b < 0)
            return jinja_fail(c, "0.0 cannot be raised to a negative power");
        r = pow(a, b);
        if (isinf(r) && !isinf(a) && !isinf(b))
            return jinja_fail(c, "Result too large");
        if (isnan(r) && !isnan(a) && !isnan(b))
            return jinja_fail(c, "complex numbers are not supported");
        return jv_float(c->mem, r);
    default:
        r = fmod(a, b);
        if (r != 0 && (r < 0) != (b < 0))
            r += b;
        if (r == 0)
            r = copysign(0.0, b);
        if (op == OP_MOD)
            return jv_float(c->mem, r);
        x = a / b;
        a = (a - r) / b;
        if (a == 0)
            return jv_float(c->mem, copysign(0.0, x));
        r = floor(a);
        return jv_float(c->mem, a - r > 0.5 ? r + 1 : r);
    }
}

static struct jv *repeat(struct jinja_call *c, struct jv *seq, int64_t times)
{
    size_t n = times > 0 ? (size_t)times : 0;
    size_t left = c->env->limits.max_memory;
    if (seq->type == JV_STR) {
        if (seq->u.s.n && n > left / seq->u.s.n)
            return fail_limit(c, "memory");
        struct buf b;
        scratch_init(c, &b);
        for (size_t i = 0; i < n && !b.failed; i++)
            buf_add(&b, seq->u.s.p, seq->u.s.n);
        return scratch_take(c, &b);
    }
    if (seq->u.seq.n && n > left / seq->u.seq.n / sizeof(void *))
        return fail_limit(c, "memory");
    struct jv *l = jv_list(c->mem);
    size_t len = seq->u.seq.n;
    if (!l || (len && n && list_reserve(l, len * n) < 0))
        return NULL;
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < len; k++)
            l->u.seq.v[l->u.seq.n++] = seq->u.seq.v[k];
    l->type = seq->type;
    return l;
}

static struct jv *add_sequences(struct jinja_call *c, const struct jv *a,
                                const struct jv *b)
{
    if (a->type == JV_STR) {
        struct buf t;
        scratch_init(c, &t);
        buf_add(&t, a->u.s.p, a->u.s.n);
        buf_add(&t, b->u.s.p, b->u.s.n);
        return scratch_take(c, &t);
    }
    struct jv *l = jv_list(c->mem);
    size_t n = (size_t)a->u.seq.n + b->u.seq.n;
    if (!l || (n && list_reserve(l, n) < 0))
        return NULL;
    for (size_t i = 0; i < a->u.seq.n; i++)
        jv_append(l, a->u.seq.v[i]);
    for (size_t i = 0; i < b->u.seq.n; i++)
        jv_append(l, b->u.seq.v[i]);
    l->type = a->type;
    return l;
}

static bool is_seq(const struct jv *v)
{
    return v->type == JV_STR || v->type == JV_LIST || v->type == JV_TUPLE;
}

static struct jv *set_difference(struct jinja_call *c, const struct jv *a,
                                 const struct jv *b)
{
    struct jv *s = jv_set_new(c->mem);
    for (size_t i = 0; s && i < a->u.map->n; i++) {
        struct jv *k = a->u.map->e[i].k;
        if (k && !dict_find(b->u.map, k) && jv_append(s, k) < 0)
            return NULL;
    }
    return s;
}

static struct jv *native_binary(struct jinja_call *c, enum op op, struct jv *a,
                                struct jv *b)
{
    const struct jv *o = a->type == JV_OBJECT && a->u.obj.cls->binary ? a : b;
    if (o->type != JV_OBJECT || !o->u.obj.cls->binary)
        return NULL;
    static const char *const names[] = {"+", "-", "*", "/", "//", "%", "**"};
    return o->u.obj.cls->binary(c, names[op], a, b);
}

struct jv *op_binary(struct jinja_call *c, enum op op, struct jv *a, struct jv *b)
{
    int64_t x, y;
    if (jv_is_intlike(a, &x) && jv_is_intlike(b, &y))
        return int_op(c, op, x, y);
    if (jv_is_num(a) && jv_is_num(b))
        return float_op(c, op, jv_as_float(a), jv_as_float(b));
    if (op == OP_MOD && a->type == JV_STR)
        return format_percent(c, jv_as_str(a), b);
    if (is_undef(a) || is_undef(b)) {
        struct jv *u = is_undef(a) ? a : b;
        return c->env->undef == UNDEF_CHAINABLE ? u : fail_undefined(c, u);
    }
    if (a->type == JV_OBJECT || b->type == JV_OBJECT) {
        struct jv *v = native_binary(c, op, a, b);
        if (v || c->message)
            return v;
    }
    if (op == OP_ADD && is_seq(a)) {
        if (a->type == b->type)
            return add_sequences(c, a, b);
        if (a->type == JV_STR)
            return jinja_fail(c, "can only concatenate str (not \"%s\") to str",
                              type_name(b));
        return jinja_fail(c, "can only concatenate %s (not \"%s\") to %s", type_name(a),
                          type_name(b), type_name(a));
    }
    if (op == OP_MUL && is_seq(a) && jv_is_intlike(b, &y))
        return repeat(c, a, y);
    if (op == OP_MUL && is_seq(b) && jv_is_intlike(a, &x))
        return repeat(c, b, x);
    if (op == OP_SUB && a->type == JV_SET && b->type == JV_SET)
        return set_difference(c, a, b);
    return bad_operands(c, op, a, b);
}

/* ── comparison ── */
#define COMPARE_DEPTH 200

static int equal_maps(struct jinja_call *c, const struct jv *a, const struct jv *b,
                      int depth)
{
    if (a->u.map->live != b->u.map->live)
        return 0;
    for (uint32_t i = 0; i < a->u.map->n; i++) {
        const struct jdict_entry *e = &a->u.map->e[i], *o;
        if (!e->k)
            continue;
        if (!(o = dict_find(b->u.map, e->k)))
            return 0;
        int r = a->type == JV_SET ? 1 : jv_equal(c, e->v, o->v, depth + 1);
        if (r <= 0)
            return r;
    }
    return 1;
}

static int equal_seqs(struct jinja_call *c, const struct jv *a, const struct jv *b,
                      int depth)
{
    if (a->u.seq.n != b->u.seq.n)
        return 0;
    for (size_t i = 0; i < a->u.seq.n; i++) {
        int r = jv_equal(c, a->u.seq.v[i], b->u.seq.v[i], depth + 1);
        if (r <= 0)
            return r;
    }
    return 1;
}

/* 1, 0, -1 when it fails. */
int jv_equal(struct jinja_call *c, const struct jv *a, const struct jv *b, int depth)
{
    if (depth > COMPARE_DEPTH) {
        jinja_fail(c, "maximum recursion depth exceeded in comparison");
        return -1;
    }
    if (a == b)
        return !(a->type == JV_FLOAT && isnan(a->u.d));
    if (a->type == JV_OBJECT && a->u.obj.cls->equal)
        return a->u.obj.cls->equal(a->u.obj.self, b);
    if (b->type == JV_OBJECT && b->u.obj.cls->equal)
        return b->u.obj.cls->equal(b->u.obj.self, a);
    if (jv_is_num(a) && jv_is_num(b))
        return jv_same(a, b);
    if (a->type != b->type)
        return 0;
    switch ((enum jv_type)a->type) {
    case JV_LIST:
    case JV_TUPLE:
        return equal_seqs(c, a, b, depth);
    case JV_DICT:
    case JV_SET:
        return equal_maps(c, a, b, depth);
    case JV_OBJECT:
        return a->u.obj.self == b->u.obj.self && a->u.obj.cls == b->u.obj.cls;
    case JV_FUNC:
        return a->kind == b->kind && a->kind == FN_NATIVE && a->u.fn.fn == b->u.fn.fn &&
               a->u.fn.userdata == b->u.fn.userdata;
    case JV_UNDEFINED:
        return 1;
    case JV_NONE:
    case JV_BOOL:
    case JV_INT:
    case JV_FLOAT:
    case JV_STR:
        break;
    }
    return jv_same(a, b);
}

static int order_seqs(struct jinja_call *c, const struct jv *a, const struct jv *b,
                      int depth, int *out)
{
    for (size_t i = 0; i < a->u.seq.n && i < b->u.seq.n; i++) {
        int r = jv_equal(c, a->u.seq.v[i], b->u.seq.v[i], depth + 1);
        if (r < 0)
            return -1;
        if (!r)
            return jv_order(c, a->u.seq.v[i], b->u.seq.v[i], depth + 1, out);
    }
    *out = a->u.seq.n < b->u.seq.n ? -1 : a->u.seq.n > b->u.seq.n;
    return 0;
}

/* *out < 0, 0, > 0 (2: unordered, a nan). ERR_TYPE: the types have no order. */
int jv_order(struct jinja_call *c, const struct jv *a, const struct jv *b, int depth,
             int *out)
{
    int64_t x, y;
    if (depth > COMPARE_DEPTH)
        return ERR_LIMIT;
    if (jv_is_intlike(a, &x) && jv_is_intlike(b, &y)) {
        *out = x < y ? -1 : x > y;
        return 0;
    }
    if (jv_is_num(a) && jv_is_num(b)) {
        double p = jv_as_float(a), q = jv_as_float(b);
        *out = p < q ? -1 : p > q ? 1 : p == q ? 0 : 2;
        return 0;
    }
    if (a->type == JV_STR && b->type == JV_STR) {
        size_t n = a->u.s.n < b->u.s.n ? a->u.s.n : b->u.s.n;
        int r = memcmp(a->u.s.p, b->u.s.p, n);
        *out = r ? r : a->u.s.n < b->u.s.n ? -1 : a->u.s.n > b->u.s.n;
        return 0;
    }
    if ((a->type == JV_LIST || a->type == JV_TUPLE) && a->type == b->type)
        return order_seqs(c, a, b, depth, out);
    if (a->type == JV_OBJECT && a->u.obj.cls->order &&
        a->u.obj.cls->order(a->u.obj.self, b, out))
        return 0;
    return ERR_TYPE;
}

static int ordered(struct jinja_call *c, enum op op, const struct jv *a,
                   const struct jv *b)
{
    int o = 0;
    if (is_undef(a) || is_undef(b)) {
        if (c->env->undef == UNDEF_CHAINABLE)
            return 0;
        fail_undefined(c, is_undef(a) ? a : b);
        return -1;
    }
    if (jv_order(c, a, b, 0, &o) < 0) {
        jinja_fail(c, "'%s' not supported between instances of '%s' and '%s'",
                   op_text(op), type_name(a), type_name(b));
        return -1;
    }
    if (o == 2)
        return 0;
    return op == OP_LT ? o < 0 : op == OP_LE ? o <= 0 : op == OP_GT ? o > 0 : o >= 0;
}

int op_contains(struct jinja_call *c, struct jv *box, struct jv *item)
{
    if (box->type == JV_STR) {
        if (item->type != JV_STR) {
            jinja_fail(c, "'in <string>' requires string as left operand, not %s",
                       type_name(item));
            return -1;
        }
        return !item->u.s.n ||
               memmem(box->u.s.p, box->u.s.n, item->u.s.p, item->u.s.n) != NULL;
    }
    if (box->type == JV_DICT || box->type == JV_SET) {
        uint32_t h;
        if (!jv_hash(item, &h)) {
            jinja_fail(c, "unhashable type: '%s'", type_name(item));
            return -1;
        }
        return dict_find(box->u.map, item) != NULL;
    }
    if (!jv_is_iterable(box)) {
        jinja_fail(c, "argument of type '%s' is not iterable", type_name(box));
        return -1;
    }
    struct jv *l = to_list(c, box);
    for (size_t i = 0; l && i < l->u.seq.n; i++) {
        int r = jv_equal(c, l->u.seq.v[i], item, 0);
        if (r)
            return r;
    }
    return l ? 0 : -1;
}

int op_compare(struct jinja_call *c, enum op op, struct jv *a, struct jv *b)
{
    int r;
    switch (op) {
    case OP_EQ:
    case OP_NE:
        if (c->env->undef == UNDEF_STRICT && (is_undef(a) || is_undef(b))) {
            fail_undefined(c, is_undef(a) ? a : b);
            return -1;
        }
        r = jv_equal(c, a, b, 0);
        return r < 0 ? r : op == OP_EQ ? r : !r;
    case OP_IN:
        return op_contains(c, b, a);
    case OP_NOTIN:
        r = op_contains(c, b, a);
        return r < 0 ? r : !r;
    case OP_LT:
    case OP_LE:
    case OP_GT:
    case OP_GE:
        return ordered(c, op, a, b);
    case OP_ADD:
    case OP_SUB:
    case OP_MUL:
    case OP_DIV:
    case OP_FLOORDIV:
    case OP_MOD:
    case OP_POW:
        break;
    }
    BUG_ON(true);
    return -1;
}
