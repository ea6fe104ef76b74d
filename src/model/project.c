/* The project: what is in the folder and how it hangs together. In: the folder of
 * dbt_project.yml. Out: nodes with config, links and relation names; a node whose file
 * cannot be parsed stays, marked broken, and so do the others. Called by the sql worker
 * and by compile, ls and build. */
#include "model/internal.h"

#include <openssl/rand.h>
#include <stdlib.h>
#include "base/hash.h"
#include "base/timeutil.h"
#include "model/yaml.h"

/* ── items ── */

const char *node_type_name(enum node_type t)
{
    switch (t) {
    case NODE_MODEL:
        return "model";
    case NODE_SEED:
        return "seed";
    case NODE_SNAPSHOT:
        return "snapshot";
    case NODE_TEST:
        return "test";
    case NODE_UNIT_TEST:
        return "unit_test";
    case NODE_ANALYSIS:
        return "analysis";
    case NODE_OPERATION:
        return "operation";
    case NODE_SOURCE:
        return "source";
    case NODE_EXPOSURE:
        return "exposure";
    case NODE_MACRO:
        break;
    }
    return "macro";
}

void project_warn(struct project *p, const char *fmt, ...)
{
    char text[ERR_TEXT_MAX];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    vec_push(&p->warnings, arena_strdup(&p->mem, text));
}

struct item *item_new(struct project *p, struct package *pk, enum node_type type)
{
    struct item *it = arena_alloc(&p->mem, sizeof *it);
    it->pub.type = type;
    it->pub.package = pk->name;
    it->pub.is_enabled = true;
    it->pub.config = json_object();
    it->package = pk;
    it->inline_config = json_object();
    it->refs = json_array();
    it->sources = json_array();
    return it;
}

static void item_free(struct item *it)
{
    json_decref(it->pub.config);
    json_decref(it->inline_config);
    json_decref(it->refs);
    json_decref(it->sources);
    json_decref(it->columns);
    json_decref(it->meta_patch);
    json_decref(it->test_kwargs);
    json_decref(it->freshness);
    json_decref(it->exposure);
    vec_release(&it->deps);
    vec_release(&it->macro_deps);
    vec_release(&it->tags);
    vec_release(&it->fqn);
    vec_release(&it->tests);
    jinja_template_free(it->template);
    mem_free((char *)(uintptr_t)it->compiled);
}

static bool is_refable(enum node_type t)
{
    return t == NODE_MODEL || t == NODE_SEED || t == NODE_SNAPSHOT;
}

int item_add(struct project *p, struct item *it, const char *unique_id, struct err *e)
{
    const struct item *same = map_get(&p->by_id, unique_id);
    const char *prefix = it->package->prefix;
    bool is_below = it->pub.path && str_starts(it->pub.path, prefix);
    it->pub.unique_id = unique_id;
    it->pub.own_path = is_below ? it->pub.path + strlen(prefix) : it->pub.path;
    if (same) {
        item_free(it);
        return err_set(
            e, ERR_CONFIG, "%s \"%s\" is there twice: %s and %s; rename one of them",
            node_type_name(it->pub.type), it->pub.name, same->pub.path, it->pub.path);
    }
    map_put(&p->by_id, unique_id, it);
    vec_push(&p->items, it);
    if (is_refable(it->pub.type) && !map_has(&p->by_name, it->pub.name))
        map_put(&p->by_name, it->pub.name, it);
    return 0;
}

void item_break(struct project *p, struct item *it, const char *why)
{
    if (it->broken)
        return;
    it->broken = arena_strdup(&p->mem, why);
    project_warn(p, "%s", why);
}

void item_depend(struct item *it, const char *unique_id)
{
    for (size_t i = 0; i < it->deps.n; i++)
        if (streq(it->deps.v[i], unique_id))
            return;
    vec_push(&it->deps, unique_id);
}

/* ── files → items ── */

struct folder {
    struct project *p;
    struct package *pk;
    const char *root; /* "models" */
    enum node_type type;
};

const char *item_checksum(struct project *p, const char *text, size_t n)
{
    char hex[65];
    while (n && strchr(" \t\r\n\f\v", text[n - 1]))
        n--;
    while (n && strchr(" \t\r\n\f\v", *text))
        text++, n--;
    return arena_strdup(&p->mem, hash_sha256_hex(text, n, hex));
}

/* dbt hashes the content of small seeds only; of others, the path stands for it. */
static const char *seed_checksum(struct project *p, const char *path)
{
    struct buf b;
    buf_init(&b, 1u << 20);
    const char *sum = buf_read_file(&b, path, NULL) == 0
                          ? item_checksum(p, buf_str(&b), b.len)
                          : NULL;
    buf_release(&b);
    return sum;
}

static char *stem(struct project *p, const char *rel)
{
    const char *slash = strrchr(rel, '/');
    char *name = arena_strdup(&p->mem, slash ? slash + 1 : rel);
    char *dot = strrchr(name, '.');
    if (dot)
        *dot = '\0';
    return name;
}

static int add_sql(const struct folder *f, const char *path, const char *rel,
                   struct err *e)
{
    struct project *p = f->p;
    struct item *it = item_new(p, f->pk, f->type);
    struct err why = {0};
    it->pub.name = stem(p, rel);
    it->pub.alias = it->pub.name;
    it->pub.path = arena_printf(&p->mem, "%s%s/%s", f->pk->prefix, f->root, rel);
    it->file = arena_strdup(&p->mem, path);
    it->rel = arena_strdup(&p->mem, rel);
    names_fqn(p, it, rel, NULL);
    if (f->type != NODE_SEED) {
        if (files_read(p, path, &it->raw, &it->raw_len, &why) < 0) {
            it->raw = "";
            item_break(p, it, why.text);
        }
        it->checksum = item_checksum(p, it->raw, it->raw_len);
    } else {
        it->checksum = seed_checksum(p, path);
    }
    if (f->type == NODE_ANALYSIS) { /* dbt calls the folder so whatever its name is */
        it->rel = arena_printf(&p->mem, "analysis/%s", rel);
        names_fqn(p, it, it->rel, NULL);
    }
    return item_add(p, it,
                    arena_printf(&p->mem, "%s.%s.%s", node_type_name(f->type),
                                 f->pk->name, it->pub.name),
                    e);
}

static int on_model_file(void *arg, const char *path, const char *rel, struct err *e)
{
    const struct folder *f = arg;
    if (str_ends(rel, ".sql"))
        return add_sql(f, path, rel, e);
    if (str_ends(rel, ".yml") || str_ends(rel, ".yaml"))
        return properties_read(
            f->p, f->pk, path,
            arena_printf(&f->p->mem, "%s%s/%s", f->pk->prefix, f->root, rel), rel, e);
    return 0;
}

static int on_seed_file(void *arg, const char *path, const char *rel, struct err *e)
{
    return str_ends(rel, ".csv") ? add_sql(arg, path, rel, e)
                                 : on_model_file(arg, path, rel, e);
}

static int on_snapshot_file(void *arg, const char *path, const char *rel, struct err *e)
{
    const struct folder *f = arg;
    if (!str_ends(rel, ".sql"))
        return on_model_file(arg, path, rel, e);
    return snapshots_read(
        f->p, f->pk, path,
        arena_printf(&f->p->mem, "%s%s/%s", f->pk->prefix, f->root, rel), rel, e);
}

static int on_test_file(void *arg, const char *path, const char *rel, struct err *e)
{
    /* tests/generic holds {% test %} macros: macros.c reads them */
    return str_starts(rel, "generic/") && str_ends(rel, ".sql")
               ? 0
               : on_model_file(arg, path, rel, e);
}

static int walk_paths(struct project *p, struct package *pk, const char *key,
                      const char *fallback, enum node_type type, file_fn *fn,
                      struct err *e)
{
    json_t *paths = package_paths(pk, key, fallback), *one;
    size_t i;
    int rc = 0;
    json_array_foreach (paths, i, one) {
        const char *root = json_string_value(one);
        struct folder f = {p, pk, root ? arena_strdup(&p->mem, root) : "", type};
        if (root && rc == 0)
            rc = files_walk(arena_printf(&p->mem, "%s/%s", pk->dir, root), fn, &f, e);
    }
    json_decref(paths);
    return rc;
}

static int load_files(struct project *p, struct err *e)
{
    static const struct {
        const char *key, *fallback;
        enum node_type type;
        file_fn *fn;
    } kinds[] = {
        {"model-paths", "models", NODE_MODEL, on_model_file},
        {"seed-paths", "seeds", NODE_SEED, on_seed_file},
        {"snapshot-paths", "snapshots", NODE_SNAPSHOT, on_snapshot_file},
        {"test-paths", "tests", NODE_TEST, on_test_file},
        {"analysis-paths", "analyses", NODE_ANALYSIS, on_model_file},
    };
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++)
        for (size_t i = 0; i < p->packages.n; i++) {
            int rc = walk_paths(p, p->packages.v[i], kinds[k].key, kinds[k].fallback,
                                kinds[k].type, kinds[k].fn, e);
            if (rc < 0)
                return rc;
        }
    return 0;
}

/* ── parse: render each template once to see its config and links ── */

static const char *kind_key(enum node_type t)
{
    return t == NODE_MODEL      ? "models"
           : t == NODE_SEED     ? "seeds"
           : t == NODE_TEST     ? "data_tests"
           : t == NODE_SNAPSHOT ? "snapshots"
                                : "analyses";
}

const char *described(struct project *p, const char *text)
{
    json_t *v = json_string(text), *shown = render_yaml(p, v, "description");
    const char *out =
        arena_strdup(&p->mem, json_is_string(shown) ? json_string_value(shown) : text);
    json_decref(shown);
    json_decref(v);
    return out;
}

/* A property that may stand beside or inside "config"; a new reference, never NULL. */
static json_t *property(const json_t *owner, const char *key, json_t *fallback)
{
    json_t *v = json_object_get(json_obj(owner, "config"), key);
    v = v ? v : json_object_get(owner, key);
    if (!v)
        return fallback;
    json_decref(fallback);
    return json_incref(v);
}

static json_t *column_of(struct project *p, const json_t *from)
{
    json_t *c = json_object(), *list = json_object();
    json_t *tags = property(from, "tags", json_array());
    json_t *meta = property(from, "meta", json_object());
    config_merge(list, "tags", tags); /* a text becomes a list */
    json_put_str(c, "name", json_str(from, "name", ""));
    json_put_str(c, "description", described(p, json_str(from, "description", "")));
    json_put(c, "meta", json_incref(meta));
    json_put_str(c, "data_type", json_str(from, "data_type", NULL));
    json_put(c, "constraints", property(from, "constraints", json_array()));
    json_put(c, "quote", property(from, "quote", json_null()));
    json_put(
        c, "config",
        json_pack("{s:O, s:O}", "meta", meta, "tags", json_object_get(list, "tags")));
    json_put(c, "tags", json_incref(json_object_get(list, "tags")));
    json_put(c, "granularity", json_null());
    json_put(c, "doc_blocks", json_array());
    json_decref(tags);
    json_decref(meta);
    json_decref(list);
    return c;
}

json_t *columns_by_name(struct project *p, const json_t *owner)
{
    json_t *columns = json_object(), *one;
    size_t i;
    json_array_foreach (json_arr(owner, "columns"), i, one)
        if (json_str(one, "name", NULL))
            json_put(columns, json_str(one, "name", ""), column_of(p, one));
    return columns;
}

static void apply_patch(struct project *p, struct item *it)
{
    char *key = arena_printf(&p->mem, "%s %s %s", kind_key(it->pub.type),
                             it->package->name, it->pub.name);
    json_t *patch = map_get(&p->patches, key);
    if (!patch || it->meta_patch)
        return;
    it->meta_patch = json_incref(json_obj(patch, "body"));
    it->patch_path = json_str(patch, "file", NULL);
    it->description = described(p, json_str(it->meta_patch, "description", ""));
    it->columns = columns_by_name(p, it->meta_patch);
}

/* Where the text alone still tells what it refers to. */
static void guess_refs(struct project *p, struct item *it)
{
    const char *at = it->raw;
    while ((at = strstr(at, "ref("))) {
        char name[128];
        at += 4;
        if (sscanf(at, " '%127[^']'", name) != 1 &&
            sscanf(at, " \"%127[^\"]\"", name) != 1)
            continue;
        const struct item *to = context_ref(p, it->package, NULL, name);
        if (to)
            item_depend(it, to->pub.unique_id);
    }
}

static void parse_item(struct project *p, struct item *it)
{
    struct render r = {0};
    struct buf out;
    struct err why = {0};
    if (it->broken || !it->raw)
        return;
    buf_init(&out, 256u << 20);
    render_begin(&r, p, NULL, it);
    int rc = render_item(&r, &out, &why);
    render_end(&r);
    buf_release(&out);
    if (rc < 0) {
        item_break(p, it, why.text);
        guess_refs(p, it);
    }
}

/* What hooks refer to is depended on, too. Their errors show when they run. */
static void parse_hooks(struct project *p, struct item *it, const char *key)
{
    json_t *one;
    size_t i;
    json_array_foreach (json_arr(it->pub.config, key), i, one) {
        struct render r = {0};
        struct buf out;
        struct err none = {0};
        const char *sql = json_str(one, "sql", "");
        if (!strstr(sql, "{{") && !strstr(sql, "{%"))
            continue;
        buf_init(&out, 16u << 20);
        render_begin(&r, p, NULL, it);
        render_text(&r, it->pub.path, sql, strlen(sql), &out, &none);
        render_end(&r);
        buf_release(&out);
    }
}

static const char *text_of_macro(struct project *p, struct item *it, const char *macro,
                                 const char *custom, const char *fallback)
{
    struct arena mem;
    struct render r = {0};
    struct macro *m = macros_find(p, p->root, macro);
    struct jv *args[2], *out = NULL;
    struct err why = {0};
    const char *text = fallback;
    if (!m)
        return fallback;
    arena_init(&mem, 64u << 20);
    render_begin(&r, p, NULL, it);
    struct jv *ctx = context_new(&r, &mem);
    args[0] = custom ? jv_strz(&mem, custom) : jv_none();
    args[1] = jv_get(ctx, "model");
    int rc = jinja_call_value(p->env, macro, m->fn, ctx, args, 2, NULL, NULL, 0, &mem,
                              &out, &why);
    if (rc == 0 && out) {
        struct buf b;
        buf_init(&b, 4096);
        jv_to_text(out, &b);
        const char *from = buf_str(&b);
        from += strspn(from, " \t\r\n");
        size_t n = strlen(from);
        while (n && strchr(" \t\r\n", from[n - 1]))
            n--;
        text = arena_strndup(&p->mem, from, n);
        buf_release(&b);
    } else if (rc < 0) {
        item_break(p, it, why.text);
    }
    render_end(&r);
    arena_release(&mem);
    return text;
}

void item_name_relation(struct project *p, struct item *it)
{
    const json_t *c = it->pub.config;
    const char *schema = json_str(c, "schema", NULL),
               *alias = json_str(c, "alias", NULL);
    it->pub.alias = text_of_macro(p, it, "generate_alias_name", alias, it->pub.name);
    it->pub.schema = text_of_macro(p, it, "generate_schema_name", schema, p->schema);
    if (it->pub.type == NODE_SNAPSHOT) /* before dbt 1.9: the schema as it stands */
        it->pub.schema = json_str(c, "target_schema", it->pub.schema);
}

static void parse_items(struct project *p)
{
    for (size_t i = 0; i < p->items.n; i++) {
        struct item *it = p->items.v[i];
        if (it->pub.type == NODE_SOURCE)
            continue;
        apply_patch(p, it);
        config_apply(p, it);
        if (is_refable(it->pub.type))
            item_name_relation(p, it);
    }
}

/* config() in files has its say, then links: refs need every node's enabled flag. */
static void link_items(struct project *p)
{
    for (size_t i = 0; i < p->items.n; i++) {
        struct item *it = p->items.v[i];
        if (it->pub.type == NODE_SOURCE)
            continue;
        parse_item(p, it);
        if (json_object_size(it->inline_config))
            config_apply(p, it);
        if (it->pub.type == NODE_EXPOSURE)
            continue;
        item_name_relation(p, it);
        parse_hooks(p, it, "pre-hook");
        parse_hooks(p, it, "post-hook");
    }
}

static void drop_disabled(struct project *p)
{
    size_t n = 0;
    for (size_t i = 0; i < p->items.n; i++) {
        struct item *it = p->items.v[i];
        if (it->pub.is_enabled) {
            p->items.v[n++] = it;
            continue;
        }
        map_del(&p->by_id, it->pub.unique_id);
        if (map_get(&p->by_name, it->pub.name) == it)
            map_del(&p->by_name, it->pub.name);
        vec_push(&p->disabled, it);
    }
    p->items.n = n;
}

/* ── after parsing ── */

static void check_links(struct project *p)
{
    for (size_t i = 0; i < p->items.n; i++) {
        struct item *it = p->items.v[i];
        for (size_t k = 0; k < it->deps.n; k++) {
            if (map_has(&p->by_id, it->deps.v[k]))
                continue;
            char why[400];
            snprintf(why, sizeof why, "%s: depends on %s, which is disabled",
                     it->pub.path, it->deps.v[k]);
            item_break(p, it, why);
        }
    }
}

static int check_relations(struct project *p, struct err *e)
{
    struct map seen;
    int rc = 0;
    map_init(&seen);
    for (size_t i = 0; rc == 0 && i < p->items.n; i++) {
        struct item *it = p->items.v[i];
        if (!is_refable(it->pub.type) || streq(it->pub.materialized, "ephemeral"))
            continue;
        char *key = mem_printf("%s.%s", it->pub.schema, it->pub.alias);
        const struct item *other = map_put(&seen, key, it);
        if (other)
            rc = err_set(e, ERR_CONFIG,
                         "%s and %s both make the relation %s; give one an alias",
                         other->pub.path, it->pub.path, key);
        mem_free(key);
    }
    map_release(&seen);
    return rc;
}

/* NULL-terminated views of the lists, for struct node. */
static void publish_lists(struct project *p)
{
    for (size_t i = 0; i < p->items.n; i++) {
        struct item *it = p->items.v[i];
        vec_push(&it->fqn, NULL);
        it->fqn.n--;
        vec_push(&it->tags, NULL);
        it->tags.n--;
        vec_push(&it->deps, NULL);
        it->deps.n--;
        it->pub.fqn = it->fqn.v;
        it->pub.tags = it->tags.v;
        it->pub.depends_on = it->deps.v;
        if (it->pub.type == NODE_TEST)
            it->pub.severity = json_str(it->pub.config, "severity", "ERROR");
    }
}

static bool reaches(struct project *p, const char *from, const char *to, int depth)
{
    const struct item *it = map_get(&p->by_id, from);
    if (streq(from, to))
        return true;
    for (size_t i = 0; it && depth < 200 && i < it->deps.n; i++)
        if (reaches(p, it->deps.v[i], to, depth + 1))
            return true;
    return false;
}

/* A test belongs to the node that all its other parents are ancestors of: it is judged
 * on what that node is about to publish. */
static void own_tests(struct project *p)
{
    for (size_t i = 0; i < p->items.n; i++) {
        struct item *t = p->items.v[i];
        if (t->pub.type != NODE_TEST)
            continue;
        for (size_t k = 0; k < t->deps.n; k++) {
            struct item *node = map_get(&p->by_id, t->deps.v[k]);
            bool is_last = node && node->pub.type != NODE_SOURCE &&
                           !streq(node->pub.materialized, "ephemeral");
            for (size_t j = 0; is_last && j < t->deps.n; j++)
                is_last = j == k || (reaches(p, t->deps.v[k], t->deps.v[j], 0) &&
                                     !streq(t->deps.v[k], t->deps.v[j]));
            if (!is_last)
                continue;
            t->pub.attached = node->pub.unique_id;
            vec_push(&node->tests, t);
            break;
        }
    }
}

/* ── life ── */

static void copy_options(struct project *p, const struct project_options *o)
{
    struct arena *a = &p->mem;
    char real[4096];
    p->o = *o;
    p->dir = arena_strdup(a, realpath(o->project_dir, real) ? real : o->project_dir);
    p->o.project_dir = p->dir;
    p->o.profiles_dir = arena_strdup(a, o->profiles_dir);
    p->o.target = arena_strdup(a, o->target);
    p->o.profile = arena_strdup(a, o->profile);
    p->o.adapter = arena_strdup(a, o->adapter ? o->adapter : "sqlite");
    p->o.schema = arena_strdup(a, o->schema ? o->schema : "main");
    p->o.dialect = arena_strdup(a, o->dialect ? o->dialect : "sqlite");
    p->o.vars = NULL;
    p->target_name = p->o.target ? p->o.target : "default";
    p->schema = p->o.schema;
    p->target_dir = o->target_path ? arena_strdup(a, o->target_path)
                                   : arena_printf(a, "%s/target", p->dir);
    p->now_ms = o->now_ms >= 0 ? o->now_ms : time_wall_ms();
}

static void new_invocation(struct project *p)
{
    unsigned char b[16] = {0};
    RAND_bytes(b, sizeof b);
    snprintf(p->invocation_id, sizeof p->invocation_id,
             "%02x%02x%02x%02x-%02x%02x-4%01x%02x-a%01x%02x-%02x%02x%02x%02x%02x%02x",
             b[0], b[1], b[2], b[3], b[4], b[5], b[6] & 15, b[7], b[8] & 15, b[9],
             b[10], b[11], b[12], b[13], b[14], b[15]);
}

static int load_all(struct project *p, const struct project_options *o, struct err *e)
{
    int rc = 0;
    if (o->vars && *o->vars)
        rc = yaml_read("--vars", o->vars, strlen(o->vars), &p->cli_vars, e);
    if (rc == 0 && p->cli_vars && !json_is_object(p->cli_vars))
        rc = err_set(e, ERR_USAGE, "--vars must be a mapping such as '{name: value}'");
    if (rc < 0 || (rc = packages_load(p, e)) < 0)
        return rc;
    context_globals(p);
    if ((rc = target_load(p, e)) < 0 || (rc = macros_load(p, e)) < 0 ||
        (rc = load_files(p, e)) < 0)
        return rc;
    parse_items(p);
    link_items(p);
    if ((rc = properties_tests(p, e)) < 0)
        return rc;
    drop_disabled(p);
    check_links(p);
    if ((rc = check_relations(p, e)) < 0)
        return rc;
    publish_lists(p);
    own_tests(p);
    return 0;
}

int project_load(struct project **out, const struct project_options *o, struct err *e)
{
    struct project *p = mem_alloc(sizeof *p);
    *out = NULL;
    arena_init(&p->mem, 0);
    map_init(&p->by_id);
    map_init(&p->by_name);
    map_init(&p->patches);
    map_init(&p->macro_by_id);
    p->docs = json_object();
    p->env = jinja_env_new(NULL);
    copy_options(p, o);
    new_invocation(p);
    int rc = load_all(p, o, e);
    if (rc < 0) {
        project_free(p);
        return rc;
    }
    *out = p;
    return 0;
}

void project_free(struct project *p)
{
    if (!p)
        return;
    for (size_t i = 0; i < p->items.n; i++)
        item_free(p->items.v[i]);
    for (size_t i = 0; i < p->disabled.n; i++)
        item_free(p->disabled.v[i]);
    for (size_t i = 0; i < p->templates.n; i++)
        jinja_template_free(p->templates.v[i]);
    jinja_env_free(p->env);
    for (size_t i = 0; i < p->packages.n; i++)
        json_decref(p->packages.v[i]->conf);
    if (p->root && !p->packages.n)
        json_decref(p->root->conf);
    for (size_t i = 0; i < p->texts.n; i++)
        mem_free(p->texts.v[i]);
    properties_free(p);
    json_decref(p->cli_vars);
    json_decref(p->docs);
    vec_release(&p->items);
    vec_release(&p->disabled);
    vec_release(&p->templates);
    vec_release(&p->packages);
    vec_release(&p->texts);
    vec_release(&p->macros);
    vec_release(&p->warnings);
    map_release(&p->by_id);
    map_release(&p->by_name);
    map_release(&p->patches);
    map_release(&p->macro_by_id);
    arena_release(&p->mem);
    mem_free(p);
}

void project_set_run(struct project *p, int64_t now_ms, bool full_refresh)
{
    p->now_ms = now_ms >= 0 ? now_ms : time_wall_ms();
    p->o.full_refresh = full_refresh;
    new_invocation(p);
    context_run(p);
}

size_t project_n_nodes(const struct project *p)
{
    return p->items.n;
}

const struct node *project_node(const struct project *p, size_t i)
{
    return &p->items.v[i]->pub;
}

const struct node *project_find(const struct project *p, const char *unique_id)
{
    const struct item *it = map_get(&p->by_id, unique_id);
    return it ? &it->pub : NULL;
}

const char *project_name(const struct project *p)
{
    return p->root->name;
}

size_t project_n_warnings(const struct project *p)
{
    return p->warnings.n;
}

const char *project_warning(const struct project *p, size_t i)
{
    return p->warnings.v[i];
}
