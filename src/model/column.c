/* Columns as templates see them: dbt's Column with its name, type and sizes, and
 * api.Column. In: a name and a type as the catalog writes it, "character varying(20)",
 * "numeric(28,6)". */
#include "model/native.h"

#include <ctype.h>
#include <stdlib.h>
#include <strings.h>
#include "base/buf.h"

struct column {
    const char *name, *type;             /* without its sizes */
    int64_t char_size, precision, scale; /* -1: none */
};

static const struct jinja_class column_class;

static bool has_word(const char *type, const char *const *words)
{
    for (; *words; words++)
        if (strcasestr(type, *words))
            return true;
    return false;
}

static bool is_string(const struct column *c)
{
    static const char *const words[] = {"char", "text", "string", "clob", NULL};
    return has_word(c->type, words);
}

static bool is_float(const struct column *c)
{
    static const char *const words[] = {"real", "float", "doub", NULL};
    return has_word(c->type, words);
}

static bool is_integer(const struct column *c)
{
    static const char *const words[] = {"int", "serial", NULL};
    return has_word(c->type, words) && !strcasestr(c->type, "interval") &&
           !strcasestr(c->type, "point");
}

static bool is_numeric(const struct column *c)
{
    static const char *const words[] = {"num", "dec", NULL};
    return has_word(c->type, words);
}

/* ── text of the type ── */

static const char *numeric_text(struct arena *mem, const char *type, int64_t precision,
                                int64_t scale)
{
    if (precision < 0)
        return type;
    if (scale < 0)
        return arena_printf(mem, "%s(%lld)", type, (long long)precision);
    return arena_printf(mem, "%s(%lld,%lld)", type, (long long)precision,
                        (long long)scale);
}

static const char *data_type(struct arena *mem, const struct column *c)
{
    if (c->char_size >= 0)
        return arena_printf(mem, "%s(%lld)", c->type, (long long)c->char_size);
    return is_numeric(c) ? numeric_text(mem, c->type, c->precision, c->scale) : c->type;
}

/* "varchar(20)" → varchar, 20; "numeric(28, 6)" → numeric, 28, 6. */
static struct column *column_of(struct arena *mem, const char *name, const char *type)
{
    struct column *c = arena_alloc(mem, sizeof *c);
    const char *open = strchr(type, '('), *close = open ? strchr(open, ')') : NULL;
    *c = (struct column){arena_strdup(mem, name), arena_strdup(mem, type), -1, -1, -1};
    if (!open || !close || close[1] || !isdigit((unsigned char)open[1]))
        return c;
    char *end;
    int64_t first = strtoll(open + 1, &end, 10), second = -1;
    if (*end == ',')
        second = strtoll(end + 1, &end, 10);
    if (end != close)
        return c;
    size_t n = (size_t)(open - type);
    while (n && type[n - 1] == ' ')
        n--;
    c->type = arena_strndup(mem, type, n);
    if (is_string(c)) {
        c->char_size = first;
    } else {
        c->precision = first;
        c->scale = second;
    }
    return c;
}

struct jv *column_new(struct arena *mem, const char *name, const char *type)
{
    return jv_object(mem, &column_class, column_of(mem, name, type ? type : ""));
}

static const struct column *column_self(const struct jv *v)
{
    return jv_is(v, JV_OBJECT) && jv_class(v) == &column_class ? jv_self(v) : NULL;
}

bool column_parts(const struct jv *v, const char **name, const char **type)
{
    const struct column *c = column_self(v);
    if (!c)
        return false;
    *name = c->name;
    *type = c->type;
    return true;
}

/* ── methods ── */

NATIVE(column_is_string)
{
    UNUSED;
    (void)c;
    return jv_bool(is_string(userdata));
}

NATIVE(column_is_number)
{
    UNUSED;
    (void)c;
    return jv_bool(is_numeric(userdata) || is_integer(userdata) || is_float(userdata));
}

NATIVE(column_is_numeric)
{
    UNUSED;
    (void)c;
    return jv_bool(is_numeric(userdata));
}

NATIVE(column_is_integer)
{
    UNUSED;
    (void)c;
    return jv_bool(is_integer(userdata));
}

NATIVE(column_is_float)
{
    UNUSED;
    (void)c;
    return jv_bool(is_float(userdata));
}

NATIVE(column_string_size)
{
    const struct column *col = userdata;
    UNUSED;
    if (!is_string(col))
        return jinja_fail(c, "Called string_size() on non-string field!");
    return jv_int(jinja_mem(c), col->char_size < 0 ? 256 : col->char_size);
}

NATIVE(column_can_expand_to)
{
    const struct column *col = userdata, *other = column_self(ARG(0, "other_column"));
    (void)c;
    if (!other || !is_string(col) || !is_string(other))
        return jv_bool(false);
    int64_t own = col->char_size < 0 ? 256 : col->char_size;
    return jv_bool((other->char_size < 0 ? 256 : other->char_size) > own);
}

NATIVE(column_literal)
{
    struct arena *mem = jinja_mem(c);
    const char *text = jv_cstr(mem, ARG(0, "value"));
    return jv_strz(
        mem, arena_printf(mem, "'%s'::%s", text ? text : "", data_type(mem, userdata)));
}

/* ── of the class: api.Column.x ── */

/* dbt's labels: of those that SQLite and PostgreSQL take, all but one are types. */
NATIVE(api_translate_type)
{
    struct arena *mem = jinja_mem(c);
    const char *type = jv_cstr(mem, ARG(0, "dtype"));
    (void)userdata;
    if (type && strcasecmp(type, "string") == 0)
        return jv_strz(mem, "TEXT");
    return type ? jv_strz(mem, type) : jv_none();
}

NATIVE(api_numeric_type)
{
    struct arena *mem = jinja_mem(c);
    const char *type = jv_cstr(mem, ARG(0, "dtype"));
    struct jv *precision = ARG(1, "precision"), *scale = ARG(2, "scale");
    (void)userdata;
    return jv_strz(mem,
                   numeric_text(mem, type ? type : "numeric",
                                jv_is(precision, JV_INT) ? jv_as_int(precision) : -1,
                                jv_is(scale, JV_INT) ? jv_as_int(scale) : -1));
}

NATIVE(api_string_type)
{
    struct arena *mem = jinja_mem(c);
    struct jv *size = ARG(0, "size");
    (void)userdata;
    return jv_strz(
        mem, arena_printf(mem, "character varying(%lld)",
                          jv_is(size, JV_INT) ? (long long)jv_as_int(size) : 256LL));
}

static int64_t int_or_none(const struct jv *v)
{
    return jv_is(v, JV_INT) ? jv_as_int(v) : -1;
}

/* Column(name, type, char_size, numeric_precision, numeric_scale) */
NATIVE(api_column)
{
    struct arena *mem = jinja_mem(c);
    (void)userdata;
    const char *name = jv_cstr(mem, ARG(0, "column"));
    const char *type = jv_cstr(mem, ARG(1, "dtype"));
    struct jv *named = name ? NULL : ARG(0, "name");
    name = name ? name : jv_cstr(mem, named);
    type = type ? type : jv_cstr(mem, ARG(1, "label_or_dtype"));
    struct column *col = column_of(mem, name ? name : "", type ? type : "");
    if (int_or_none(ARG(2, "char_size")) >= 0)
        col->char_size = int_or_none(ARG(2, "char_size"));
    if (int_or_none(ARG(3, "numeric_precision")) >= 0)
        col->precision = int_or_none(ARG(3, "numeric_precision"));
    if (int_or_none(ARG(4, "numeric_scale")) >= 0)
        col->scale = int_or_none(ARG(4, "numeric_scale"));
    return jv_object(mem, &column_class, col);
}

static const struct method {
    const char *name;
    jinja_fn *fn;
} methods[] = {{"is_string", column_is_string},
               {"is_number", column_is_number},
               {"is_numeric", column_is_numeric},
               {"is_integer", column_is_integer},
               {"is_float", column_is_float},
               {"string_size", column_string_size},
               {"can_expand_to", column_can_expand_to},
               {"literal", column_literal}},
  class_methods[] = {{"translate_type", api_translate_type},
                     {"numeric_type", api_numeric_type},
                     {"string_type", api_string_type},
                     {"create", api_column},
                     {"from_description", api_column}};

static struct jv *class_get(struct jinja_call *c, void *self, const char *name)
{
    (void)self;
    for (size_t i = 0; i < sizeof class_methods / sizeof *class_methods; i++)
        if (streq(name, class_methods[i].name))
            return jv_function(jinja_mem(c), name, class_methods[i].fn, NULL);
    return NULL;
}

static struct jv *int_value(struct arena *mem, int64_t v)
{
    return v < 0 ? jv_none() : jv_int(mem, v);
}

static struct jv *column_get(struct jinja_call *c, void *self, const char *name)
{
    const struct column *col = self;
    struct arena *mem = jinja_mem(c);
    if (streq(name, "name") || streq(name, "column"))
        return jv_strz(mem, col->name);
    if (streq(name, "quoted"))
        return jv_strz(mem, arena_printf(mem, "\"%s\"", col->name));
    if (streq(name, "data_type") || streq(name, "expanded_data_type"))
        return jv_strz(mem, data_type(mem, col));
    if (streq(name, "dtype"))
        return jv_strz(mem, col->type);
    if (streq(name, "char_size"))
        return int_value(mem, col->char_size);
    if (streq(name, "numeric_precision"))
        return int_value(mem, col->precision);
    if (streq(name, "numeric_scale"))
        return int_value(mem, col->scale);
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++)
        if (streq(name, methods[i].name))
            return jv_function(mem, name, methods[i].fn, self);
    return class_get(c, NULL, name);
}

static int column_str(void *self, struct buf *out)
{
    const struct column *col = self;
    buf_addf(out, "<Column %s (", col->name);
    if (col->char_size >= 0)
        return buf_addf(out, "%s(%lld))>", col->type, (long long)col->char_size);
    return buf_addf(out, "%s)>", col->type);
}

static bool column_equal(void *self, const struct jv *other)
{
    const struct column *a = self, *b = column_self(other);
    return b && streq(a->name, b->name) && streq(a->type, b->type) &&
           a->char_size == b->char_size && a->precision == b->precision &&
           a->scale == b->scale;
}

static const struct jinja_class column_class = {
    .name = "Column", .get = column_get, .str = column_str, .equal = column_equal};

static struct jv *class_call(struct jinja_call *c, void *self, struct jv **args,
                             size_t n, const char *const *kw_names,
                             struct jv **kw_values, size_t n_kw)
{
    return api_column(c, self, args, n, kw_names, kw_values, n_kw);
}

static const struct jinja_class class_class = {
    .name = "Column", .get = class_get, .call = class_call};

struct jv *column_api(struct arena *mem)
{
    return jv_object(mem, &class_class, NULL);
}

/* ── of a relation ── */

struct column_list {
    struct arena *mem;
    struct jv *list;
};

static void add_column(void *arg, const char *name, const char *type)
{
    struct column_list *l = arg;
    jv_append(l->list, column_new(l->mem, name, type));
}

struct jv *columns_of(struct render *r, struct arena *mem, const char *schema,
                      const char *name)
{
    struct column_list l = {mem, jv_list(mem)};
    if (r->w && schema && name)
        wh_columns(r->w, schema, name, add_column, &l, NULL);
    return l.list;
}
