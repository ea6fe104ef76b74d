/* The tests behind "is", and the lookup of every builtin table. */
#include "jinja/internal.h"

#define TEST(name)                                                                     \
    static struct jv *name(struct jinja_call *c, struct jv *self, struct jv **s,       \
                           const struct cargs *raw __attribute__((unused)))
#define TYPE_TEST(name, condition)                                                     \
    static struct jv *name(struct jinja_call *c __attribute__((unused)),               \
                           struct jv *self __attribute__((unused)),                    \
                           struct jv **s __attribute__((unused)),                      \
                           const struct cargs *raw __attribute__((unused)))            \
    {                                                                                  \
        return jv_bool(condition);                                                     \
    }

static bool is_iterable(const struct jv *v)
{
    return jv_is_iterable(v);
}

TYPE_TEST(t_defined, !is_undef(self))
TYPE_TEST(t_undefined, is_undef(self))
TYPE_TEST(t_none, self->type == JV_NONE)
TYPE_TEST(t_boolean, self->type == JV_BOOL)
TYPE_TEST(t_true, self->type == JV_BOOL && self->u.b)
TYPE_TEST(t_false, self->type == JV_BOOL && !self->u.b)
TYPE_TEST(t_integer, self->type == JV_INT)
TYPE_TEST(t_float, self->type == JV_FLOAT)
TYPE_TEST(t_number, jv_is_num(self))
TYPE_TEST(t_string, self->type == JV_STR)
TYPE_TEST(t_mapping, self->type == JV_DICT ||
                         (self->type == JV_OBJECT && self->u.obj.cls->is_mapping))
TYPE_TEST(t_iterable, is_iterable(self))
TYPE_TEST(t_callable, self->type == JV_FUNC || is_undef(self) ||
                          (self->type == JV_OBJECT && self->u.obj.cls->call))
TYPE_TEST(t_escaped, false)
TYPE_TEST(t_sequence, self->type == JV_STR || self->type == JV_TUPLE ||
                          self->type == JV_DICT || is_undef(self) ||
                          (self->type == JV_LIST && self->kind != LIST_GENERATOR) ||
                          (self->type == JV_OBJECT && self->u.obj.cls->item &&
                           self->u.obj.cls->iter))

static struct jv *parity(struct jinja_call *c, struct jv *v, int64_t want)
{
    int64_t i;
    if (v->type == JV_FLOAT)
        return jv_bool(op_compare(c, OP_EQ, op_binary(c, OP_MOD, v, jv_int(c->mem, 2)),
                                  jv_int(c->mem, want)) == 1);
    if (!jv_is_intlike(v, &i))
        return is_undef(v) ? fail_undefined(c, v)
                           : jinja_fail(c,
                                        "unsupported operand type(s) for %%: '%s' and "
                                        "'int'",
                                        type_name(v));
    return jv_bool((i % 2 != 0) == (want != 0));
}
TEST(t_odd)
{
    (void)s;
    return parity(c, self, 1);
}
TEST(t_even)
{
    (void)s;
    return parity(c, self, 0);
}
TEST(t_divisibleby)
{
    struct jv *m = op_binary(c, OP_MOD, self, s[0]), *zero = jv_int(c->mem, 0);
    return m && zero ? bool_of(op_compare(c, OP_EQ, m, zero)) : NULL;
}

TEST(t_sameas)
{
    (void)c;
    bool is_same = self == s[0];
    if (!is_same && self->type == s[0]->type && self->type == JV_INT)
        is_same = self->u.i == s[0]->u.i;
    if (!is_same && self->type == s[0]->type && self->type == JV_STR)
        is_same = jv_same(self, s[0]);
    return jv_bool(is_same);
}

TEST(t_lower)
{
    struct jv *t = text_of(c, self);
    (void)s;
    return t ? builtin_call(c, method_find(JV_STR, "islower"), t, &CARGS(NULL, 0))
             : NULL;
}
TEST(t_upper)
{
    struct jv *t = text_of(c, self);
    (void)s;
    return t ? builtin_call(c, method_find(JV_STR, "isupper"), t, &CARGS(NULL, 0))
             : NULL;
}

TEST(t_eq)
{
    return bool_of(op_compare(c, OP_EQ, self, s[0]));
}
TEST(t_ne)
{
    return bool_of(op_compare(c, OP_NE, self, s[0]));
}
TEST(t_lt)
{
    return bool_of(op_compare(c, OP_LT, self, s[0]));
}
TEST(t_le)
{
    return bool_of(op_compare(c, OP_LE, self, s[0]));
}
TEST(t_gt)
{
    return bool_of(op_compare(c, OP_GT, self, s[0]));
}
TEST(t_ge)
{
    return bool_of(op_compare(c, OP_GE, self, s[0]));
}
TEST(t_in)
{
    return bool_of(op_contains(c, s[0], self));
}
TEST(t_filter)
{
    (void)c, (void)s;
    return jv_bool(self->type == JV_STR && filter_find(self->u.s.p));
}
TEST(t_test)
{
    (void)c, (void)s;
    return jv_bool(self->type == JV_STR && test_find(self->u.s.p));
}

const struct builtin test_rows[] = {
    {"defined", t_defined, "", 0},
    {"undefined", t_undefined, "", 0},
    {"none", t_none, "", 0},
    {"boolean", t_boolean, "", 0},
    {"true", t_true, "", 0},
    {"false", t_false, "", 0},
    {"integer", t_integer, "", 0},
    {"float", t_float, "", 0},
    {"number", t_number, "", 0},
    {"string", t_string, "", 0},
    {"mapping", t_mapping, "", 0},
    {"iterable", t_iterable, "", 0},
    {"sequence", t_sequence, "", 0},
    {"callable", t_callable, "", 0},
    {"escaped", t_escaped, "", 0},
    {"odd", t_odd, "", 0},
    {"even", t_even, "", 0},
    {"divisibleby", t_divisibleby, "num", 1},
    {"sameas", t_sameas, "other", 1},
    {"lower", t_lower, "", 0},
    {"upper", t_upper, "", 0},
    {"eq", t_eq, "other", 1},
    {"equalto", t_eq, "other", 1},
    {"==", t_eq, "other", 1},
    {"ne", t_ne, "other", 1},
    {"!=", t_ne, "other", 1},
    {"lt", t_lt, "other", 1},
    {"lessthan", t_lt, "other", 1},
    {"<", t_lt, "other", 1},
    {"le", t_le, "other", 1},
    {"<=", t_le, "other", 1},
    {"gt", t_gt, "other", 1},
    {"greaterthan", t_gt, "other", 1},
    {">", t_gt, "other", 1},
    {"ge", t_ge, "other", 1},
    {">=", t_ge, "other", 1},
    {"in", t_in, "seq", 1},
    {"filter", t_filter, "", 0},
    {"test", t_test, "", 0},
    {NULL, NULL, NULL, 0},
};

/* ── finding rows ── */
static const struct builtin *row_find(const struct builtin *rows, const char *name)
{
    for (; rows && rows->name; rows++)
        if (streq(rows->name, name))
            return rows;
    return NULL;
}

const struct builtin *filter_find(const char *name)
{
    const struct builtin *b = row_find(text_filters, name);
    b = b ? b : row_find(seq_filters, name);
    return b ? b : row_find(num_filters, name);
}

const struct builtin *test_find(const char *name)
{
    return row_find(test_rows, name);
}

const struct builtin *method_find(enum jv_type t, const char *name)
{
    static const struct builtin *const rows[JV_TYPES] = {
        [JV_STR] = str_methods,     [JV_LIST] = list_methods,
        [JV_TUPLE] = tuple_methods, [JV_DICT] = dict_methods,
        [JV_SET] = set_methods,     [JV_INT] = int_methods,
        [JV_FLOAT] = float_methods, [JV_BOOL] = int_methods,
    };
    const struct builtin *b = row_find(rows[t], name);
    return b || t != JV_STR ? b : row_find(str_ask_methods, name);
}
