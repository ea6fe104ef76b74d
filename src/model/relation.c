/* Relations as templates see them: dbt's Relation with its parts, include and quote
 * policies. Printed as "schema"."name"; the warehouse's
 * translation does the rest. */
#include "model/native.h"

#include <strings.h>
#include "base/buf.h"

struct relation {
    const char *database;      /* NULL: the warehouse has one only */
    const char *schema, *name; /* schema NULL: not printed (CTEs) */
    const char *text;          /* printed instead; NULL: by the parts */
    enum wh_relation_type type;
    const char *type_name; /* materialized_view …; NULL: table or view */
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
    if (!r || (r->text && !r->schema)) /* a CTE is no relation */
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

struct jv *relation_narrowed(struct arena *mem, const struct jv *of, const char *text)
{
    const struct relation *self = relation_self(of);
    BUG_ON(!self);
    struct relation r = *self;
    r.text = arena_strdup(mem, text);
    return relation_make(mem, r);
}

/* As dbt's refs it has no type: what stands there is asked of the adapter. */
struct jv *relation_of(struct render *r, struct arena *mem, struct item *it)
{
    if (r->built == it && it)
        return relation_new(r->p, mem, r->built_schema, r->built_name, WH_ABSENT);
    return relation_new(r->p, mem, it->pub.schema, it->pub.alias, WH_ABSENT);
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
    struct relation r = *(const struct relation *)userdata;
    if (r.schema) /* its name, whatever is read of it here */
        r.text = NULL;
    buf_init(&b, 1u << 20);
    relation_str(&r, &b);
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

/* A part given as none is taken away. */
static const char *path_part(struct jinja_call *c, struct jv *path, const char *key,
                             const char *was)
{
    struct jv *v = jv_is(path, JV_DICT) ? jv_get(path, key) : NULL;
    return !v ? was : jv_is(v, JV_NONE) ? NULL : jv_cstr(jinja_mem(c), v);
}

static void set_path(struct jinja_call *c, struct relation *r, struct jv *path)
{
    r->database = path_part(c, path, "database", r->database);
    r->schema = path_part(c, path, "schema", r->schema);
    r->name = path_part(c, path, "identifier", r->name);
    r->has_schema |= r->schema != NULL;
}

/* dbt's names of relation types; those that are no table or view are kept as they are.
 */
static void set_type(struct jinja_call *c, struct relation *r, struct jv *v)
{
    const char *s = jv_cstr(jinja_mem(c), v);
    if (!s)
        return;
    r->type = streq(s, "view")                ? WH_VIEW
              : streq(s, "materialized_view") ? WH_MATERIALIZED_VIEW
                                              : WH_TABLE;
    r->type_name = streq(s, "view") || streq(s, "table") ? NULL : s;
}

NATIVE(relation_incorporate)
{
    struct relation r = *(struct relation *)userdata;
    struct jv *path = ARG(9, "path");
    set_path(c, &r, path);
    set_type(c, &r, ARG(9, "type"));
    if (path)
        r.text = NULL;
    return relation_make(jinja_mem(c), r);
}

static struct jv *text_or_none(struct jinja_call *c, const char *s)
{
    return s ? jv_strz(jinja_mem(c), s) : jv_none();
}

/* replace_path(schema=…, identifier=…): parts as arguments. */
NATIVE(relation_replace_path)
{
    struct relation r = *(struct relation *)userdata;
    struct jv *path = jv_dict(jinja_mem(c));
    static const char *const keys[] = {"database", "schema", "identifier"};
    for (size_t i = 0; i < 3; i++)
        if (jinja_arg(args, n, kw_names, kw_values, n_kw, 9, keys[i]))
            jv_set(path, keys[i],
                   jinja_arg(args, n, kw_names, kw_values, n_kw, 9, keys[i]));
    set_path(c, &r, path);
    return relation_make(jinja_mem(c), r);
}

static bool part_matches(const char *wanted, const char *own)
{
    return !wanted || (own && strcasecmp(wanted, own) == 0);
}

NATIVE(relation_matches)
{
    const struct relation *r = userdata;
    struct arena *mem = jinja_mem(c);
    return jv_bool(part_matches(jv_cstr(mem, ARG(0, "database")), r->database) &&
                   part_matches(jv_cstr(mem, ARG(1, "schema")), r->schema) &&
                   part_matches(jv_cstr(mem, ARG(2, "identifier")), r->name));
}

/* "db".information_schema.VIEW, as a relation. */
NATIVE(relation_information_schema)
{
    struct arena *mem = jinja_mem(c);
    const char *view = jv_cstr(mem, ARG(0, "view_name"));
    struct relation r = *(struct relation *)userdata;
    r.schema = "information_schema";
    r.name = view;
    r.has_schema = true;
    r.has_name = view != NULL;
    r.quotes_schema = r.quotes_name = false;
    r.text = NULL;
    return relation_make(mem, r);
}

/* PostgreSQL's: longer names would be cut. */
NATIVE(relation_max_name)
{
    UNUSED;
    return jv_int(jinja_mem(c), 63);
}

static struct jv *policy(struct jinja_call *c, bool database, bool schema, bool name)
{
    struct jv *d = jv_dict(jinja_mem(c));
    jv_set(d, "database", jv_bool(database));
    jv_set(d, "schema", jv_bool(schema));
    jv_set(d, "identifier", jv_bool(name));
    return d;
}

static const char *type_text(const struct relation *r)
{
    static const char *const names[] = {NULL, [WH_TABLE] = "table", [WH_VIEW] = "view",
                                        [WH_MATERIALIZED_VIEW] = "materialized_view"};
    return r->type_name ? r->type_name : names[r->type];
}

static struct jv *relation_path(struct jinja_call *c, const struct relation *r)
{
    struct jv *d = jv_dict(jinja_mem(c));
    jv_set(d, "database", text_or_none(c, r->database));
    jv_set(d, "schema", text_or_none(c, r->schema));
    jv_set(d, "identifier", text_or_none(c, r->name));
    return d;
}

/* View, Table …: the names of types, of a relation and of api.Relation. */
static const char *type_constant(const char *name)
{
    static const char *const names[][2] = {{"View", "view"},
                                           {"Table", "table"},
                                           {"CTE", "cte"},
                                           {"External", "external"},
                                           {"MaterializedView", "materialized_view"}};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (streq(name, names[i][0]))
            return names[i][1];
    return NULL;
}

/* is_view, is_table …; -1: no such question. */
static int asked_type(const struct relation *r, const char *name)
{
    const char *type = type_text(r);
    if (streq(name, "is_cte"))
        return !r->schema && r->text != NULL;
    if (streq(name, "can_be_renamed") || streq(name, "can_be_replaced"))
        return type && (streq(type, "view") || streq(type, "table"));
    static const char *const types[] = {"view", "table", "materialized_view",
                                        "external"};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (str_starts(name, "is_") && streq(name + 3, types[i]))
            return type && streq(type, types[i]);
    return -1;
}

static struct jv *relation_get(struct jinja_call *c, void *self, const char *name);

/* {"type": "SQLiteRelation"}: by this packages know a relation. */
static struct jv *relation_metadata(struct jinja_call *c)
{
    const struct render *r = jinja_userdata(c);
    struct jv *d = jv_dict(jinja_mem(c));
    bool is_lite = !r || streq(r->p->o.adapter, "sqlite");
    jv_set(d, "type",
           jv_strz(jinja_mem(c), is_lite ? "SQLiteRelation" : "PostgresRelation"));
    return d;
}

NATIVE(relation_get_fn)
{
    const char *name = jv_cstr(jinja_mem(c), ARG(0, "name"));
    struct jv *fallback = ARG(1, "default");
    struct jv *v = name ? relation_get(c, userdata, name) : NULL;
    return v ? v : fallback ? fallback : jv_none();
}

static struct jv *relation_item(struct jinja_call *c, void *self, struct jv *key)
{
    const char *name = jv_cstr(jinja_mem(c), key);
    return name ? relation_get(c, self, name) : NULL;
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
                   {"replace_path", relation_replace_path},
                   {"matches", relation_matches},
                   {"get", relation_get_fn},
                   {"information_schema", relation_information_schema},
                   {"relation_max_name_length", relation_max_name}};
    int asked = asked_type(r, name);
    if (asked >= 0)
        return jv_bool(asked != 0);
    if (streq(name, "schema"))
        return text_or_none(c, r->schema);
    if (streq(name, "identifier") || streq(name, "name") || streq(name, "table"))
        return text_or_none(c, r->name);
    if (streq(name, "database"))
        return text_or_none(c, r->database);
    if (streq(name, "type"))
        return text_or_none(c, type_text(r));
    if (streq(name, "path"))
        return relation_path(c, r);
    if (streq(name, "metadata"))
        return relation_metadata(c);
    if (streq(name, "include_policy"))
        return policy(c, r->has_database, r->has_schema, r->has_name);
    if (streq(name, "quote_policy"))
        return policy(c, r->quotes_database, r->quotes_schema, r->quotes_name);
    if (type_constant(name))
        return jv_strz(jinja_mem(c), type_constant(name));
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
    .item = relation_item,
    .str = relation_str,
    .equal = relation_equal,
    .is_mapping = true,
};

/* ── api.Relation.create, api.Column ── */

NATIVE(api_relation_create)
{
    struct arena *mem = jinja_mem(c);
    const char *database = jv_cstr(mem, ARG(0, "database"));
    const char *schema = jv_cstr(mem, ARG(1, "schema"));
    struct jv *v =
        relation_new(NULL, mem, schema, jv_cstr(mem, ARG(2, "identifier")), WH_ABSENT);
    struct relation *r = jv_self(v);
    set_type(c, r, ARG(3, "type"));
    const struct project *p = userdata;
    r->database = database;
    r->has_database = database && schema && p->database;
    return v;
}

static struct jv *relation_class_get(struct jinja_call *c, void *self, const char *name)
{
    struct arena *mem = jinja_mem(c);
    if (streq(name, "create"))
        return jv_function(mem, name, api_relation_create, self);
    return type_constant(name) ? jv_strz(mem, type_constant(name)) : NULL;
}

static const struct jinja_class relation_class_class = {.name = "Relation",
                                                        .get = relation_class_get};

static struct jv *api_get(struct jinja_call *c, void *self, const char *name)
{
    struct arena *mem = jinja_mem(c);
    if (streq(name, "Column"))
        return column_api(mem);
    if (!streq(name, "Relation"))
        return NULL;
    return jv_object(mem, &relation_class_class, self);
}

static const struct jinja_class api_class = {.name = "api", .get = api_get};

struct jv *relation_api(struct project *p)
{
    return jv_object(&p->mem, &api_class, p);
}
