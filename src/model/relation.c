/* Relations as templates see them: dbt's Relation with its parts, include and quote
 * policies. Printed as "schema"."name"; the warehouse's
 * translation does the rest. */
#include "model/native.h"

#include "base/buf.h"

struct relation {
    const char *database;      /* NULL: the warehouse has one only */
    const char *schema, *name; /* schema NULL: not printed (CTEs) */
    const char *text;          /* printed instead; NULL: by the parts */
    enum wh_relation_type type;
    bool has_database, has_schema, has_name; /* are printed */
    bool quotes_database, quotes_schema, quotes_name;
};

static const struct jinja_class relation_class;

static struct jv *relation_make(struct arena *mem, struct relation r)
{
    struct relation *kept = arena_alloc(mem, sizeof *kept);
    *kept = r;
    return jv_object(mem, &relation_class, kept);
}

static const struct relation *relation_self(const struct jv *v)
{
    return jv_is(v, JV_OBJECT) && jv_class(v) == &relation_class ? jv_self(v) : NULL;
}

bool relation_parts(const struct jv *v, const char **schema, const char **name)
{
    const struct relation *r = relation_self(v);
    if (!r || r->text)
        return false;
    *schema = r->schema;
    *name = r->name;
    return true;
}

struct jv *relation_new(struct project *p, struct arena *mem, const char *schema,
                        const char *name, enum wh_relation_type type)
{
    const char *database = p ? p->database : NULL;
    return relation_make(mem, (struct relation){.database = database,
                                                .schema = arena_strdup(mem, schema),
                                                .name = arena_strdup(mem, name),
                                                .type = type,
                                                .has_database = database && schema,
                                                .has_schema = schema != NULL,
                                                .has_name = true,
                                                .quotes_database = true,
                                                .quotes_schema = true,
                                                .quotes_name = true});
}

struct jv *relation_subquery(struct arena *mem, const char *text, const char *schema,
                             const char *name)
{
    return relation_make(mem, (struct relation){.schema = arena_strdup(mem, schema),
                                                .name = arena_strdup(mem, name),
                                                .text = arena_strdup(mem, text),
                                                .has_schema = true,
                                                .has_name = true,
                                                .quotes_name = true});
}

struct jv *relation_of(struct render *r, struct arena *mem, struct item *it)
{
    if (r->built == it && it)
        return relation_new(r->p, mem, r->built_schema, r->built_name, WH_TABLE);
    enum wh_relation_type type =
        streq(it->pub.materialized, "view") ? WH_VIEW : WH_TABLE;
    return relation_new(r->p, mem, it->pub.schema, it->pub.alias, type);
}

static void add_part(struct buf *out, size_t from, const char *part, bool is_quoted)
{
    if (out->len > from)
        buf_addc(out, '.');
    if (!is_quoted) {
        buf_adds(out, part);
        return;
    }
    buf_addc(out, '"');
    for (; *part; part++) {
        if (*part == '"')
            buf_addc(out, '"');
        buf_addc(out, *part);
    }
    buf_addc(out, '"');
}

static int relation_str(void *self, struct buf *out)
{
    const struct relation *r = self;
    if (r->text)
        return buf_adds(out, r->text);
    size_t from = out->len;
    if (r->has_database && r->database)
        add_part(out, from, r->database, r->quotes_database);
    if (r->has_schema && r->schema)
        add_part(out, from, r->schema, r->quotes_schema);
    if (r->has_name && r->name)
        add_part(out, from, r->name, r->quotes_name);
    return out->failed;
}

NATIVE(relation_render)
{
    struct buf b;
    UNUSED;
    struct relation *r = userdata;
    buf_init(&b, 1u << 20);
    relation_str(r, &b);
    struct jv *v = jv_str(jinja_mem(c), buf_str(&b), b.len);
    buf_release(&b);
    return v;
}

static bool flag_of(struct jv *v, bool was)
{
    return v ? jv_truth(v) : was;
}

NATIVE(relation_include)
{
    struct relation r = *(struct relation *)userdata;
    r.has_database = flag_of(ARG(0, "database"), r.has_database);
    r.has_schema = flag_of(ARG(1, "schema"), r.has_schema);
    r.has_name = flag_of(ARG(2, "identifier"), r.has_name);
    return relation_make(jinja_mem(c), r);
}

NATIVE(relation_quote)
{
    struct relation r = *(struct relation *)userdata;
    r.quotes_database = flag_of(ARG(0, "database"), r.quotes_database);
    r.quotes_schema = flag_of(ARG(1, "schema"), r.quotes_schema);
    r.quotes_name = flag_of(ARG(2, "identifier"), r.quotes_name);
    return relation_make(jinja_mem(c), r);
}

NATIVE(relation_without_identifier)
{
    UNUSED;
    struct relation r = *(struct relation *)userdata;
    r.has_name = false;
    return relation_make(jinja_mem(c), r);
}

static void set_path(struct jinja_call *c, struct relation *r, struct jv *path)
{
    struct jv *schema = jv_is(path, JV_DICT) ? jv_get(path, "schema") : NULL;
    struct jv *database = jv_is(path, JV_DICT) ? jv_get(path, "database") : NULL;
    if (jv_is(database, JV_STR))
        r->database = jv_cstr(jinja_mem(c), database);
    struct jv *name = jv_is(path, JV_DICT) ? jv_get(path, "identifier") : NULL;
    if (jv_is(schema, JV_STR))
        r->schema = jv_cstr(jinja_mem(c), schema);
    if (jv_is(name, JV_STR))
        r->name = jv_cstr(jinja_mem(c), name);
}

static enum wh_relation_type type_named(struct jinja_call *c, struct jv *v,
                                        enum wh_relation_type was)
{
    const char *s = jv_cstr(jinja_mem(c), v);
    return !s ? was : streq(s, "view") ? WH_VIEW : WH_TABLE;
}

NATIVE(relation_incorporate)
{
    struct relation r = *(struct relation *)userdata;
    set_path(c, &r, ARG(9, "path"));
    r.type = type_named(c, ARG(9, "type"), r.type);
    return relation_make(jinja_mem(c), r);
}

static struct jv *text_or_none(struct jinja_call *c, const char *s)
{
    return s ? jv_strz(jinja_mem(c), s) : jv_none();
}

static struct jv *relation_get(struct jinja_call *c, void *self, const char *name)
{
    const struct relation *r = self;
    static const struct {
        const char *name;
        jinja_fn *fn;
    } methods[] = {{"render", relation_render},
                   {"include", relation_include},
                   {"quote", relation_quote},
                   {"without_identifier", relation_without_identifier},
                   {"incorporate", relation_incorporate},
                   {"replace_path", relation_incorporate}};
    if (streq(name, "schema"))
        return text_or_none(c, r->schema);
    if (streq(name, "identifier") || streq(name, "name") || streq(name, "table"))
        return text_or_none(c, r->name);
    if (streq(name, "database"))
        return text_or_none(c, r->database);
    if (streq(name, "type"))
        return r->type == WH_ABSENT
                   ? jv_none()
                   : jv_strz(jinja_mem(c), r->type == WH_VIEW ? "view" : "table");
    if (streq(name, "is_view"))
        return jv_bool(r->type == WH_VIEW);
    if (streq(name, "is_table"))
        return jv_bool(r->type == WH_TABLE);
    if (streq(name, "is_cte"))
        return jv_bool(!r->schema);
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++)
        if (streq(name, methods[i].name))
            return jv_function(jinja_mem(c), name, methods[i].fn, self);
    return NULL;
}

static bool relation_equal(void *self, const struct jv *other)
{
    const struct relation *a = self, *b = relation_self(other);
    return b && a->schema && b->schema && a->name && b->name &&
           streq(a->schema, b->schema) && streq(a->name, b->name);
}

static const struct jinja_class relation_class = {
    .name = "Relation",
    .get = relation_get,
    .str = relation_str,
    .equal = relation_equal,
};

/* ── api.Relation.create, api.Column ── */

NATIVE(api_relation_create)
{
    struct arena *mem = jinja_mem(c);
    const char *database = jv_cstr(mem, ARG(0, "database"));
    const char *schema = jv_cstr(mem, ARG(1, "schema"));
    struct jv *v = relation_new(NULL, mem, schema, jv_cstr(mem, ARG(2, "identifier")),
                                type_named(c, ARG(3, "type"), WH_ABSENT));
    struct relation *r = jv_self(v);
    const struct project *p = userdata;
    r->database = database;
    r->has_database = database && schema && p->database;
    return v;
}

static struct jv *api_get(struct jinja_call *c, void *self, const char *name)
{
    struct arena *mem = jinja_mem(c);
    if (streq(name, "Column"))
        return column_api(mem);
    if (!streq(name, "Relation"))
        return NULL;
    struct jv *d = jv_dict(mem);
    jv_set(d, "create", jv_function(mem, "create", api_relation_create, self));
    return d;
}

static const struct jinja_class api_class = {.name = "api", .get = api_get};

struct jv *relation_api(struct project *p)
{
    return jv_object(&p->mem, &api_class, p);
}
