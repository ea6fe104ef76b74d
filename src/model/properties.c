/* What the .yml files declare: sources (nodes at once), patches of models, seeds and so
 * on (kept until their node is parsed), exposures, docs, and generic tests (nodes once
 * their target is known). In: one file at a time. Out: items and patches of the
 * project. */
#include "model/internal.h"

#include <stdlib.h>
#include "model/place.h"
#include "model/yaml.h"

struct declared {
    struct package *pk;
    const char *shown, *rel;
    const char *kind; /* models seeds snapshots source */
    const char *name, *source;
    const char *version; /* of a model that has versions; NULL */
    const char *column;  /* NULL: of the whole relation; quoted if it asks to be */
    json_t *tags;        /* of the column: its tests have them too; NULL */
    json_t *def;
};

/* The declared tests wait in the patches map under this key, as an array of their own.
 */
struct declared_list {
    VEC(struct declared) all;
};
#define DECLARED_KEY "\n declared"

static struct declared_list *declared_of(struct project *p)
{
    struct declared_list *l = map_get(&p->patches, DECLARED_KEY);
    if (!l) {
        l = mem_alloc(sizeof *l);
        map_put(&p->patches, DECLARED_KEY, l);
    }
    return l;
}

void properties_free(struct project *p)
{
    struct declared_list *l = map_del(&p->patches, DECLARED_KEY);
    for (size_t i = 0; l && i < l->all.n; i++) {
        json_decref(l->all.v[i].def);
        json_decref(l->all.v[i].tags);
    }
    if (l)
        vec_release(&l->all);
    mem_free(l);
    for (struct map_entry *it = NULL; (it = map_next(&p->patches, it));)
        json_decref(it->value);
}

static const char *keep(struct project *p, const char *s)
{
    return s ? arena_strdup(&p->mem, s) : NULL;
}

static json_t *tests_of(const json_t *obj)
{
    json_t *list = json_arr(obj, "data_tests");
    return list ? list : json_arr(obj, "tests");
}

/* Those of a source, then of the column; a new reference, NULL: none. */
static json_t *joined_tags(json_t *first, json_t *second)
{
    json_t *all = first || second ? json_object() : NULL;
    if (first)
        config_merge(all, "tags", first);
    if (second)
        config_merge(all, "tags", second);
    json_t *tags = json_incref(json_object_get(all, "tags"));
    json_decref(all);
    return tags;
}

/* Both keys at once would leave it open which tests are meant. */
static int check_tests(const json_t *owner, const char *shown, struct err *e)
{
    json_t *column;
    size_t i;
    int rc = 0;
    if (json_object_get(owner, "tests") && json_object_get(owner, "data_tests"))
        return err_set(e, ERR_CONFIG,
                       "%s: \"%s\" has both tests: and data_tests:; keep data_tests:",
                       shown, json_str(owner, "name", ""));
    json_array_foreach (json_arr(owner, "columns"), i, column) {
        if (rc == 0)
            rc = check_tests(column, shown, e);
    }
    return rc;
}

static void declare(struct project *p, const struct declared *base, const json_t *owner,
                    const char *column, json_t *tags)
{
    size_t i;
    json_t *def;
    json_array_foreach (tests_of(owner), i, def) {
        struct declared d = *base;
        d.column = column;
        d.def = json_incref(def);
        d.tags = joined_tags(base->tags, tags);
        vec_push(&declared_of(p)->all, d);
    }
}

static void declare_all(struct project *p, const struct declared *base,
                        const json_t *owner)
{
    size_t i;
    json_t *col;
    declare(p, base, owner, NULL, NULL);
    json_array_foreach (json_arr(owner, "columns"), i, col) {
        const char *quote = json_flag(col, "quote", false) ? "\"" : "";
        char *name = arena_join(&p->mem, quote, json_str(col, "name", ""), quote, NULL);
        json_t *tags = json_object_get(json_obj(col, "config"), "tags");
        declare(p, base, col, name, tags ? tags : json_object_get(col, "tags"));
    }
}

static void declare_versions(struct project *p, struct declared *base,
                             const json_t *body)
{
    size_t i;
    json_t *one;
    json_array_foreach (json_arr(body, "versions"), i, one) {
        json_t *v = json_object_get(one, "v"), *own = version_body(p, body, one);
        base->version = v ? version_text(p, v) : NULL;
        declare_all(p, base, own);
        json_decref(own);
    }
}

/* ── patches ── */

/* Both places of a name that is described twice. */
static int twice(struct project *p, const char *shown, const char *other,
                 const char *name, struct err *e)
{
    char here[48], there[48];
    place_of_name(arena_join(&p->mem, p->dir, "/", shown, NULL), name, here,
                  sizeof here);
    place_of_name(arena_join(&p->mem, p->dir, "/", other, NULL), name, there,
                  sizeof there);
    return err_set(e, ERR_CONFIG,
                   "%s%s: \"%s\" is described there and in %s%s; keep one of them",
                   shown, here, name, other, there);
}

static int add_patch(struct project *p, struct package *pk, const char *kind,
                     const char *shown, const char *rel, json_t *body, struct err *e)
{
    const char *name = json_str(body, "name", NULL);
    if (!name)
        return err_set(e, ERR_CONFIG, "%s: an entry of %s has no name", shown, kind);
    char *key = arena_join(&p->mem, kind, " ", pk->name, " ", name, NULL);
    const json_t *other = map_get(&p->patches, key);
    if (other)
        return twice(p, shown, json_str(other, "file", ""), name, e);
    int rc = check_tests(body, shown, e);
    if (rc < 0)
        return rc;
    json_t *patch = json_object();
    json_put_str(patch, "file", shown);
    json_put(patch, "body", json_incref(body));
    map_put(&p->patches, key, patch);
    struct declared base = {.pk = pk,
                            .shown = shown,
                            .rel = rel,
                            .kind = keep(p, kind),
                            .name = keep(p, name)};
    if (!json_array_size(json_arr(body, "versions"))) {
        declare_all(p, &base, body);
        return 0;
    }
    vec_push(&p->versioned, ((struct versioned){pk, patch}));
    declare_versions(p, &base, body);
    return 0;
}

/* ── sources ── */

/* A property of one level; inside config: wins over beside it. NULL: not given. */
static json_t *given(const json_t *level, const char *key)
{
    json_t *v = json_object_get(json_obj(level, "config"), key);
    return v ? v : json_object_get(level, key);
}

static json_t *inherit(const json_t *table, const json_t *source, const char *key)
{
    json_t *v = given(table, key);
    bool is_beside = json_object_get(table, key) != NULL;
    /* null beside config: says that there is none; in it, as in dbt, nothing */
    return v && (!json_is_null(v) || is_beside) ? v : given(source, key);
}

/* The table's freshness over the source's, key by key; null switches it off. */
static json_t *freshness_of(const json_t *table, const json_t *source)
{
    json_t *own = given(table, "freshness"), *base = given(source, "freshness");
    if (!own || !json_is_object(own) || !json_is_object(base))
        return json_incref(own ? own : base);
    json_t *merged = json_copy(base);
    json_object_update(merged, own);
    return merged;
}

/* A text of a source whose template is evaluated at once; NULL: not given. */
static const char *rendered_text(struct project *p, json_t *v)
{
    json_t *shown = json_is_string(v) ? render_yaml(p, v, "a source") : NULL;
    const char *text = json_is_string(shown) ? keep(p, json_string_value(shown)) : NULL;
    json_decref(shown);
    return text;
}

static const char *source_schema(struct project *p, const json_t *source)
{
    json_t *v = json_object_get(source, "schema");
    if (!v)
        return keep(p, json_str(source, "name", ""));
    json_t *shown = render_yaml(p, v, "schema of a source");
    const char *text = keep(p, json_is_string(shown) ? json_string_value(shown) : "");
    json_decref(shown);
    return text;
}

static int compare_json_texts(const void *a, const void *b)
{
    const char *x = json_string_value(*(json_t *const *)a),
               *y = json_string_value(*(json_t *const *)b);
    return strcmp(x ? x : "", y ? y : "");
}

/* dbt sorts the tags of a source's tables. */
static void sort_tags(json_t *config)
{
    json_t *old = json_object_get(config, "tags"), *list = json_array(), *one;
    size_t i, n = json_array_size(old);
    json_t **v = mem_alloc((n + 1) * sizeof *v);
    json_array_foreach (old, i, one)
        v[i] = one;
    qsort(v, n, sizeof *v, compare_json_texts);
    for (i = 0; i < n; i++)
        json_array_append(list, v[i]);
    mem_free(v);
    if (json_is_array(old))
        json_object_set(config, "tags", list);
    json_decref(list);
}

static void source_config(struct project *p, struct item *it, const json_t *source,
                          const json_t *table)
{
    json_t *patch = json_object();
    json_t *config = json_object();
    const json_t *const from[] = {source, table};
    for (int i = 0; i < 2; i++) {
        static const char *const keys[] = {"tags", "meta"};
        for (size_t k = 0; k < 2; k++)
            if (json_object_get(from[i], keys[k]))
                config_merge(config, keys[k], json_object_get(from[i], keys[k]));
        config_update(config, json_obj(from[i], "config"));
    }
    sort_tags(config);
    static const char *const kept[] = {"description", "quoting", "external"};
    for (size_t k = 0; k < 3; k++) { /* for the manifest, as written */
        json_t *v = json_object_get(table, kept[k]);
        v = v || k != 1 ? v : json_object_get(source, kept[k]);
        if (v)
            json_put(patch, kept[k], json_incref(v));
    }
    json_t *meta = given(source, "meta");
    json_put(patch, "source_meta", meta ? json_incref(meta) : json_object());
    json_put(patch, "config", config);
    it->meta_patch = patch;
    config_apply(p, it);
    it->pub.materialized = "";
}

static int add_table(struct project *p, struct package *pk, const char *shown,
                     const char *rel, const json_t *source, json_t *table,
                     struct err *e)
{
    const char *sname = json_str(source, "name", NULL),
               *name = json_str(table, "name", NULL);
    if (!sname || !name)
        return err_set(e, ERR_CONFIG, "%s: a source%s has no name", shown,
                       sname ? "'s table" : "");
    struct item *it = item_new(p, pk, NODE_SOURCE);
    it->pub.name = keep(p, name);
    it->pub.source_name = keep(p, sname);
    it->pub.path = shown;
    it->pub.schema = source_schema(p, source);
    it->identifier = rendered_text(p, json_object_get(table, "identifier"));
    if (!it->identifier)
        it->identifier = it->pub.name;
    it->pub.alias = it->identifier;
    it->description = described(p, json_str(table, "description", ""));
    it->columns = columns_by_name(p, table);
    it->source_description = keep(p, json_str(source, "description", ""));
    it->loader = keep(p, json_str(source, "loader", ""));
    json_t *at = inherit(table, source, "loaded_at_field");
    it->loaded_at = rendered_text(p, at);
    at = inherit(table, source, "loaded_at_query");
    it->loaded_at_query = keep(p, json_is_string(at) ? json_string_value(at) : NULL);
    it->freshness = freshness_of(table, source);
    it->rel = shown;
    char *last = arena_printf(&p->mem, "%s", name);
    names_fqn(p, it, rel, it->pub.source_name);
    vec_push(&it->fqn, last);
    source_config(p, it, source, table);
    json_t *project_wide = json_object_get(it->pub.config, "freshness");
    if (!it->freshness && project_wide) /* of dbt_project.yml */
        it->freshness = json_incref(project_wide);
    struct declared base = {.pk = pk,
                            .shown = shown,
                            .rel = rel,
                            .kind = "source",
                            .name = it->pub.name,
                            .source = it->pub.source_name,
                            .tags = json_object_get(it->pub.config, "tags")};
    int rc = check_tests(table, shown, e);
    if (rc < 0) {
        item_free(it);
        return rc;
    }
    rc = item_add(p, it,
                  arena_printf(&p->mem, "source.%s.%s.%s", pk->name, sname, name), e);
    if (rc == 0)
        declare_all(p, &base, table);
    return rc;
}

static int add_source(struct project *p, struct package *pk, const char *shown,
                      const char *rel, json_t *source, struct err *e)
{
    size_t i;
    json_t *table;
    int rc = 0;
    json_array_foreach (json_arr(source, "tables"), i, table) {
        if (rc == 0)
            rc = add_table(p, pk, shown, rel, source, table, e);
    }
    return rc;
}

/* ── files ── */

static int add_section(struct project *p, struct package *pk, const char *key,
                       json_t *list, const char *shown, const char *rel, struct err *e)
{
    static const char *const patched[] = {
        "models", "seeds", "snapshots", "analyses", "data_tests", "macros", NULL};
    size_t i, k;
    json_t *one;
    int rc = 0;
    if (!json_is_array(list))
        return 0;
    json_array_foreach (list, i, one) {
        if (rc < 0)
            break;
        if (!json_is_object(one))
            return err_set(e, ERR_CONFIG, "%s: %s must be a list of mappings", shown,
                           key);
        if (streq(key, "sources"))
            rc = add_source(p, pk, shown, rel, one, e);
        if (streq(key, "exposures"))
            rc = exposure_add(p, pk, shown, rel, one, e);
        rc = semantic_declare(p, pk, key, shown, rel, one, e);
        if (streq(key, "groups"))
            rc = group_add(p, pk, shown, rel, one, e);
        if (streq(key, "unit_tests"))
            rc = unit_tests_declare(p, pk, shown, rel, one, e);
        if (streq(key, "snapshots"))
            rc = snapshots_declare(p, pk, shown, rel, one, e);
        for (k = 0; rc == 0 && patched[k]; k++)
            if (streq(key, patched[k]))
                rc = add_patch(p, pk, key, shown, rel, one, e);
    }
    return rc;
}

int properties_read(struct project *p, struct package *pk, const char *path,
                    const char *shown, const char *rel, struct err *e)
{
    json_t *all = NULL, *list;
    const char *key;
    int rc = files_yaml(p, path, shown, &all, e);
    if (rc < 0 || !all)
        return rc;
    if (!json_is_object(all)) {
        json_decref(all);
        return err_set(e, ERR_CONFIG, "%s: a mapping is expected (models:, sources: …)",
                       shown);
    }
    rel = keep(p, rel);
    json_object_foreach (all, key, list) {
        if (rc == 0)
            rc = add_section(p, pk, streq(key, "tests") ? "data_tests" : key, list,
                             shown, rel, e);
    }
    json_decref(all);
    return rc;
}

/* ── generic tests ── */

const char *const test_config_keys[] = {
    "severity", "tags",     "enabled",   "where",          "limit",
    "warn_if",  "error_if", "fail_calc", "store_failures", "store_failures_as",
    "meta",     "database", "schema",    "alias",          NULL};

static bool is_config_key(const char *key)
{
    for (size_t i = 0; test_config_keys[i]; i++)
        if (streq(key, test_config_keys[i]))
            return true;
    return false;
}

/* "unique", {"accepted_values": {…}} or {"test_name": …, …} → name and arguments. */
static const char *split_def(const json_t *def, json_t **args)
{
    *args = NULL;
    if (json_is_string(def)) {
        *args = json_object();
        return json_string_value(def);
    }
    const char *named = json_str(def, "test_name", NULL);
    if (named) {
        *args = json_copy((json_t *)(uintptr_t)def);
        json_object_del(*args, "test_name");
        return named;
    }
    if (json_object_size(def) != 1)
        return NULL;
    void *it = json_object_iter((json_t *)(uintptr_t)def);
    json_t *body = json_object_iter_value(it);
    *args = json_is_object(body) ? json_copy(body) : json_object();
    return json_object_iter_key(it);
}

static json_t *take_config(json_t *args, const char **name, const char **description,
                           struct project *p)
{
    json_t *config = json_object(), *v;
    const char *key;
    void *tmp;
    *name = keep(p, json_str(args, "name", NULL));
    *description = keep(p, json_str(args, "description", ""));
    json_object_del(args, "name");
    json_object_del(args, "description");
    json_object_foreach_safe(args, tmp, key, v)
    {
        if (!is_config_key(key))
            continue;
        json_object_set(config, key, v);
        json_object_del(args, key);
    }
    if (json_obj(args, "config"))
        config_update(config, json_obj(args, "config"));
    json_object_del(args, "config");
    json_t *inner = json_incref(json_obj(args, "arguments"));
    if (inner) {
        json_object_del(args, "arguments");
        json_object_update(args, inner);
    }
    json_decref(inner);
    return config;
}

static struct item *target_of(struct project *p, const struct declared *d)
{
    static const struct {
        const char *kind, *type;
    } kinds[] = {{"models", "model"}, {"seeds", "seed"}, {"snapshots", "snapshot"}};
    char *id = NULL;
    if (streq(d->kind, "source"))
        id = arena_join(&p->mem, "source.", d->pk->name, ".", d->source, ".", d->name,
                        NULL);
    for (size_t i = 0; i < 3; i++)
        if (streq(d->kind, kinds[i].kind))
            id = arena_join(&p->mem, kinds[i].type, ".", d->pk->name, ".", d->name,
                            d->version ? ".v" : "", d->version ? d->version : "", NULL);
    struct item *it = id ? map_get(&p->by_id, id) : NULL;
    /* tests find what they are on by its name alone: a seed may stand among models */
    for (size_t i = 0; id && !it && !d->source && !d->version && i < 3; i++)
        it = map_get(&p->by_id, arena_join(&p->mem, kinds[i].type, ".", d->pk->name,
                                           ".", d->name, NULL));
    return it;
}

static int make_test(struct project *p, const struct declared *d, json_t *args,
                     const char *type, struct err *e)
{
    const char *name, *description, *short_name, *full_name;
    const bool is_source = streq(d->kind, "source");
    struct item *it = item_new(p, d->pk, NODE_TEST);
    json_t *config = take_config(args, &name, &description, p);
    const char *dot = strchr(type, '.');
    it->test_namespace =
        dot ? arena_strndup(&p->mem, type, (size_t)(dot - type)) : NULL;
    it->test_name = keep(p, dot ? dot + 1 : type);
    it->pub.test_name = it->test_name;
    it->column_name = d->column;
    struct item *at = is_source ? NULL : target_of(p, d);
    it->declared_on = at ? at->pub.unique_id : NULL;
    if (at)
        vec_push(&at->declared_tests, it);
    it->file_key = is_source ? arena_printf(&p->mem, "sources.%s", d->source)
                             : arena_printf(&p->mem, "%s.%s", d->kind, d->name);
    if (d->column)
        json_put_str(args, "column_name", d->column);
    const char *v = d->version ? d->version : "";
    const char *target = is_source ? arena_join(&p->mem, d->source, "_", d->name, NULL)
                         : *v      ? arena_join(&p->mem, d->name, "_v", v, NULL)
                                   : d->name;
    const char *ns = it->test_namespace ? it->test_namespace : "";
    char *prefix = arena_join(&p->mem, ns, *ns ? "_" : "", is_source ? "source_" : "",
                              it->test_name, NULL);
    names_test(p, it, prefix, target, args, &short_name, &full_name);
    if (name)
        short_name = full_name = name;
    if (!streq(short_name, full_name) && !json_object_get(config, "alias"))
        json_put_str(config, "alias", short_name);
    json_put_str(args, "model",
                 is_source ? arena_join(&p->mem, "{{ get_where_subquery(source('",
                                        d->source, "', '", d->name, "')) }}", NULL)
                           : arena_join(&p->mem, "{{ get_where_subquery(ref('", d->name,
                                        *v ? "', version='" : "", v, "')) }}", NULL));
    it->test_kwargs = args;
    it->pub.name = full_name;
    it->pub.path = d->shown;
    it->file = d->shown;
    it->rel = arena_join(&p->mem, short_name, ".sql", NULL);
    it->description = description;
    it->meta_patch = json_object();
    it->column_tags = json_incref(d->tags);
    json_put(it->meta_patch, "config", config);
    it->raw = arena_join(&p->mem, "{{ ", ns, *ns ? "." : "", "test_", it->test_name,
                         "(**_dbt_generic_test_kwargs) }}", NULL);
    it->raw_len = strlen(it->raw);
    names_fqn(p, it, d->rel, full_name);
    const char *id = arena_join(&p->mem, "test.", d->pk->name, ".", full_name, ".",
                                names_test_hash(p, full_name, it), NULL);
    return item_add(p, it, id, e);
}

static void finish_test(struct project *p, struct item *it, struct buf *out)
{
    config_apply(p, it);
    item_name_relation(p, it);
    parse_item(p, it, out);
    if (!json_object_size(it->inline_config))
        return;
    config_apply(p, it); /* config() in the test's macro has the last word */
    item_name_relation(p, it);
}

/* dbt does not render its two commonest tests and notes the version as it is written in
 * the .yml file, not as the text that ref() is given. */
static void plain_version(struct project *p, struct item *test,
                          const struct item *target)
{
    bool is_short = !test->test_namespace && (streq(test->test_name, "unique") ||
                                              streq(test->test_name, "not_null"));
    item_unpack(test);
    if (is_short && json_array_size(test->refs))
        json_object_set(json_array_get(item_own(p, &test->refs), 0), "version",
                        json_object_get(target->meta_patch, "version"));
}

int properties_tests(struct project *p, struct err *e)
{
    struct declared_list *l = declared_of(p);
    struct buf out;
    int rc = 0;
    buf_init(&out, 64u << 20);
    for (size_t i = 0; rc == 0 && i < l->all.n; i++) {
        const struct declared *d = &l->all.v[i];
        json_t *args;
        const struct item *target = target_of(p, d);
        if (!target) {
            if (i == 0 || !streq(l->all.v[i - 1].name, d->name))
                project_warn(p, "%s: there is no %s \"%s\"; its tests are left out",
                             d->shown, d->kind, d->name);
            continue;
        }
        if (!target->pub.is_enabled)
            continue;
        const char *type = split_def(d->def, &args);
        if (!type) {
            json_decref(args);
            rc =
                err_set(e, ERR_CONFIG,
                        "%s: a test of \"%s\" is neither a name nor a mapping with one "
                        "name",
                        d->shown, d->name);
        } else if ((rc = make_test(p, d, args, type, e)) == 0) {
            struct item *test = p->items.v[p->items.n - 1];
            finish_test(p, test, &out);
            if (d->version)
                plain_version(p, test, target);
        }
    }
    buf_release(&out);
    return rc;
}
