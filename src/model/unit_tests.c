/* Unit tests as declared: an entry of unit_tests: becomes an item that depends on its
 * model alone, once the models are known. In: .yml entries. Out: items with their
 * inputs resolved and their rows in order; an entry that makes no sense is an error
 * with its file and name, as in dbt. Called by properties.c, project.c, artifacts.c. */
#include "model/unit.h"

#include "base/buf.h"
#include "model/context.h"

static struct item *make(struct project *p, struct package *pk, const char *shown,
                         const char *rel, const json_t *body)
{
    struct item *it = item_new(p, pk, NODE_UNIT_TEST);
    json_t *config = json_obj(body, "config");
    it->pub.name = arena_strdup(&p->mem, json_str(body, "name", ""));
    it->pub.alias = it->pub.name;
    it->pub.path = shown;
    it->file = shown;
    it->rel = rel;
    it->description = described(p, json_str(body, "description", ""));
    it->unit_def = json_deep_copy(body);
    it->meta_patch = json_object();
    json_put(it->meta_patch, "config", config ? json_incref(config) : json_object());
    return it;
}

int unit_tests_declare(struct project *p, struct package *pk, const char *shown,
                       const char *rel, json_t *body, struct err *e)
{
    static const char *const needed[] = {"name", "model", "expect"};
    const char *name = json_str(body, "name", NULL);
    for (size_t i = 0; i < 3; i++)
        if (!json_object_get(body, needed[i]))
            return err_set(e, ERR_CONFIG, "%s: unit test \"%s\" has no %s:", shown,
                           name ? name : "", needed[i]);
    if (!name)
        return err_set(e, ERR_CONFIG,
                       "%s: the name of a unit test is not a text; "
                       "put it in quotes",
                       shown);
    vec_push(&p->unit_tests, make(p, pk, shown, rel, body));
    return 0;
}

/* ── inputs ── */

/* The node that "ref('x')" or "source('s', 't')" means; NULL with the error set. */
static struct item *input_node(struct project *p, struct item *test, const char *text,
                               struct err *e)
{
    struct render r = {0};
    struct buf out;
    struct err why = {0};
    struct item *probe = item_new(p, test->package, NODE_UNIT_TEST);
    probe->pub.path = test->pub.path;
    char *call = arena_printf(&p->mem, "{{ %s }}", text);
    buf_init(&out, 1u << 20);
    render_begin(&r, p, NULL, probe);
    int rc = render_text(&r, test->pub.path, call, strlen(call), &out, &why);
    render_end(&r);
    buf_release(&out);
    struct item *node = probe->deps.n ? map_get(&p->by_id, probe->deps.v[0]) : NULL;
    if (rc < 0 || !node)
        err_set(e, ERR_CONFIG, "%s: unit test \"%s\": the input %s: %s", test->pub.path,
                test->pub.name, text,
                rc < 0 ? why.text
                       : "expected ref('MODEL'), source('SOURCE', 'TABLE') or this");
    item_free(probe);
    return rc < 0 ? NULL : node;
}

static const char *cte_name(struct project *p, const struct item *it)
{
    return it->pub.type == NODE_SOURCE
               ? arena_printf(&p->mem, "__dbt__cte__%s__%s", it->pub.source_name,
                              it->pub.name)
               : arena_printf(&p->mem, "__dbt__cte__%s", it->pub.alias);
}

static int add_input(struct project *p, struct item *test, json_t *entry,
                     struct unit_input *in, struct err *e)
{
    struct unit_test *u = test->unit;
    const char *text = json_str(entry, "input", NULL);
    if (!text)
        return err_set(e, ERR_CONFIG,
                       "%s: unit test \"%s\": an entry of given: has no input:",
                       test->pub.path, test->pub.name);
    text += strspn(text, " \t\n");
    in->text = text;
    in->node = str_starts(text, "this") && !text[4 + strspn(text + 4, " \t\n")]
                   ? u->model
                   : input_node(p, test, text, e);
    if (!in->node)
        return ERR_CONFIG;
    if (in->node == u->model)
        u->this = in;
    in->cte = cte_name(p, in->node);
    char *what = arena_printf(&p->mem, "the input %s", text);
    int rc = unit_rows_normalize(p, test, entry, in->node, what, e);
    in->rows = json_arr(entry, "rows");
    in->sql = json_str(entry, "rows", NULL);
    return rc;
}

static int add_inputs(struct project *p, struct item *test, struct err *e)
{
    struct unit_test *u = test->unit;
    json_t *given = json_arr(u->def, "given"), *one;
    size_t i;
    int rc = 0;
    u->inputs = arena_alloc(&p->mem, (json_array_size(given) + 1) * sizeof *u->inputs);
    json_array_foreach (given, i, one) {
        if (rc == 0)
            rc = add_input(p, test, one, &u->inputs[u->n++], e);
    }
    json_t *expect = json_obj(u->def, "expect");
    if (rc == 0 && !expect)
        rc = err_set(e, ERR_CONFIG,
                     "%s: unit test \"%s\": expect: must be a mapping with rows:",
                     test->pub.path, test->pub.name);
    if (rc == 0)
        rc = unit_rows_normalize(p, test, expect, NULL, "expect", e);
    return rc;
}

/* What an incremental model needs said: which of its two ways is tested. */
static int check_incremental(const struct item *test, struct err *e)
{
    const struct unit_test *u = test->unit;
    const json_t *way = json_object_get(u->macros, "is_incremental");
    if (!u->model->raw || !strstr(u->model->raw, "is_incremental("))
        return 0;
    if (!json_is_boolean(way))
        return err_set(e, ERR_CONFIG,
                       "%s: unit test \"%s\": the model %s calls is_incremental(); say "
                       "which way is tested: overrides: {macros: {is_incremental: true "
                       "or false}}",
                       test->pub.path, test->pub.name, u->model->pub.name);
    if (json_is_true(way) && !u->this)
        return err_set(e, ERR_CONFIG,
                       "%s: unit test \"%s\": is_incremental is true, so the rows that "
                       "%s has already must be given as \"input: this\"",
                       test->pub.path, test->pub.name, u->model->pub.name);
    return 0;
}

/* ── items ── */

static int no_model(struct project *p, const struct item *test, const char *name,
                    struct err *e)
{
    VEC(const char *) names = {0};
    for (size_t i = 0; i < p->items.n; i++)
        if (p->items.v[i]->pub.type == NODE_MODEL)
            vec_push(&names, p->items.v[i]->pub.name);
    const char *near = names.n ? str_nearest(name, names.v, names.n) : NULL;
    vec_release(&names);
    return err_set(
        e, ERR_CONFIG, "%s: unit test \"%s\": there is no model \"%s\"%s%s%s",
        test->pub.path, test->pub.name, name, near ? "; did you mean \"" : "",
        near ? near : "", near ? "\"?" : "");
}

static int link_one(struct project *p, struct item *it, struct item *model,
                    struct err *e)
{
    struct unit_test *u = arena_alloc(&p->mem, sizeof *u);
    const json_t *overrides = json_obj(it->unit_def, "overrides");
    *u = (struct unit_test){.model = model,
                            .def = it->unit_def,
                            .macros = json_obj(overrides, "macros"),
                            .vars = json_obj(overrides, "vars"),
                            .env = json_obj(overrides, "env_vars")};
    it->unit = u;
    names_fqn(p, it, it->rel, model->pub.name);
    vec_push(&it->fqn, it->pub.name);
    config_apply(p, it);
    it->pub.schema = model->pub.schema;
    it->pub.is_enabled = it->pub.is_enabled && model->pub.is_enabled;
    it->pub.attached = model->pub.unique_id;
    item_depend(it, model->pub.unique_id);
    const char *v = it->pub.version = model->pub.version;
    int rc =
        item_add(p, it,
                 arena_printf(&p->mem, "unit_test.%s.%s.%s%s%s", it->package->name,
                              model->pub.name, it->pub.name, v ? "_v" : "", v ? v : ""),
                 e);
    if (rc < 0 || !it->pub.is_enabled)
        return rc;
    rc = add_inputs(p, it, e);
    return rc == 0 ? check_incremental(it, e) : rc;
}

static bool is_listed(struct project *p, const json_t *list, const char *version)
{
    size_t i;
    json_t *one;
    json_array_foreach (list, i, one)
        if (streq(version_text(p, one), version))
            return true;
    return false;
}

/* versions: {include: [1], exclude: [2]}; all without. */
static bool is_wanted(struct project *p, const json_t *def, const char *version)
{
    const json_t *versions = json_obj(def, "versions");
    const json_t *exclude = json_arr(versions, "exclude"),
                 *include = json_arr(versions, "include");
    if (json_array_size(exclude))
        return !is_listed(p, exclude, version);
    return !versions || is_listed(p, include, version);
}

/* One test for each version of the model. */
static int link_versions(struct project *p, struct item *it, const struct item *model,
                         struct err *e)
{
    int rc = 0;
    bool is_any = false;
    size_t n = p->items.n;
    for (size_t i = 0; rc == 0 && i < n; i++) {
        struct item *m = p->items.v[i];
        if (m->pub.type != NODE_MODEL || !m->pub.version ||
            m->package != model->package || !streq(m->pub.name, model->pub.name) ||
            !is_wanted(p, it->unit_def, m->pub.version))
            continue;
        is_any = true;
        rc = link_one(p, make(p, it->package, it->pub.path, it->rel, it->unit_def), m,
                      e);
    }
    if (rc == 0 && !is_any)
        rc = err_set(e, ERR_CONFIG,
                     "%s: unit test \"%s\": versions: names no version of \"%s\"",
                     it->pub.path, it->pub.name, model->pub.name);
    item_free(it);
    return rc;
}

static int link_model(struct project *p, struct item *it, struct item *model,
                      struct err *e)
{
    const json_t *versions = json_obj(it->unit_def, "versions");
    if (model->pub.version)
        return link_versions(p, it, model, e);
    if (!json_array_size(json_arr(versions, "include")) &&
        !json_array_size(json_arr(versions, "exclude")))
        return link_one(p, it, model, e);
    int rc = err_set(e, ERR_CONFIG,
                     "%s: unit test \"%s\" names versions; the model \"%s\" has none",
                     it->pub.path, it->pub.name, model->pub.name);
    item_free(it);
    return rc;
}

int unit_tests_link(struct project *p, struct err *e)
{
    int rc = 0;
    size_t n = p->unit_tests.n;
    for (size_t i = 0; i < n; i++) {
        struct item *it = p->unit_tests.v[i];
        const char *name = json_str(it->unit_def, "model", "");
        struct item *model = context_ref(p, it->package, NULL, name, NULL);
        if (rc < 0) {
            item_free(it);
            continue;
        }
        if (!model || model->pub.type != NODE_MODEL) {
            rc = no_model(p, it, name, e);
            item_free(it);
            continue;
        }
        rc = link_model(p, it, model, e);
    }
    vec_release(&p->unit_tests);
    return rc;
}

/* ── manifest ── */

static json_t *fixture_json(const json_t *from, bool is_input)
{
    json_t *o = json_object(), *rows = json_object_get(from, "rows");
    if (is_input)
        json_put_str(o, "input", json_str(from, "input", ""));
    json_put(o, "rows", rows ? json_deep_copy(rows) : json_null());
    json_put_str(o, "format", json_str(from, "format", "dict"));
    json_put_str(o, "fixture", json_str(from, "fixture", NULL));
    return o;
}

static json_t *texts(const char *const *v, size_t n)
{
    json_t *l = json_array();
    for (size_t i = 0; i < n; i++)
        json_array_append_new(l, json_string(v[i]));
    return l;
}

static json_t *copied(const json_t *from, const char *key)
{
    json_t *v = json_object_get(from, key);
    return v ? json_deep_copy(v) : json_null();
}

json_t *unit_test_manifest(const struct project *p, const struct item *it)
{
    json_t *n = json_object(), *given = json_array(), *one;
    const json_t *def = it->unit_def, *config = it->pub.config;
    size_t i;
    json_array_foreach (json_arr(def, "given"), i, one)
        json_array_append_new(given, fixture_json(one, true));
    json_put_str(n, "name", it->pub.name);
    json_put_str(n, "resource_type", "unit_test");
    json_put_str(n, "unique_id", it->pub.unique_id);
    json_put_str(n, "package_name", it->pub.package);
    json_put_str(n, "path", it->rel);
    json_put_str(n, "original_file_path", it->pub.own_path);
    json_put_str(n, "model", json_str(def, "model", ""));
    json_put(n, "given", given);
    json_put(n, "expect", fixture_json(json_obj(def, "expect"), false));
    json_put_str(n, "description", it->description ? it->description : "");
    json_put(n, "overrides", copied(def, "overrides"));
    json_put(n, "versions", copied(def, "versions"));
    json_t *v = json_object_get(it->unit->model->meta_patch, "version");
    json_put(n, "version", v ? json_incref(v) : json_null());
    json_put(n, "fqn", texts(it->fqn.v, it->fqn.n));
    json_put(
        n, "depends_on",
        json_pack("{s:[], s:o}", "macros", "nodes", texts(it->deps.v, it->deps.n)));
    json_put(n, "config",
             json_pack("{s:O, s:O, s:b, s:n}", "tags", json_object_get(config, "tags"),
                       "meta", json_object_get(config, "meta"), "enabled",
                       it->pub.is_enabled, "static_analysis"));
    json_put_str(n, "schema", it->pub.schema);
    json_put_str(n, "checksum", it->checksum);
    json_put_num(n, "created_at", (double)p->now_ms / 1000.0);
    return n;
}
