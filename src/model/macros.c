/* Which macro a name means. Unqualified: the caller's package, then the root, then the
 * built-in ones (so that the root overrides any built-in macro); qualified: that
 * package; adapter.dispatch: sqlite__name, then default__name along the search order.
 */
#include "model/internal.h"
#include "model/place.h"
#include "model/unit.h"

#define BUILTIN "dbt"

static const char *package_name(const struct package *pk)
{
    return pk ? pk->name : BUILTIN;
}

/* "test" macros are called test_x, materializations materialization_x_adapter. */
static char *full_name(struct project *p, const struct jinja_def *d)
{
    if (streq(d->kind, "test"))
        return arena_printf(&p->mem, "test_%s", d->name);
    if (streq(d->kind, "materialization"))
        return arena_printf(&p->mem, "materialization_%s_%s", d->name,
                            d->adapter ? d->adapter : "default");
    return arena_strdup(&p->mem, d->name);
}

static void add_doc(struct project *p, const struct package *pk,
                    const struct jinja_def *d, const char *path)
{
    const char *from = d->body; /* dbt strips the text */
    size_t n = d->body_len;
    for (; n && strchr(" \t\r\n", *from); n--)
        from++;
    while (n && strchr(" \t\r\n", from[n - 1]))
        n--;
    docs_add(p, package_name(pk), d->name, path, from, n);
}

static int add_def(struct project *p, struct package *pk, struct jinja_template *t,
                   size_t i, const char *path, struct err *e)
{
    const struct jinja_def *d = jinja_def(t, i);
    if (streq(d->kind, "docs")) {
        add_doc(p, pk, d, path);
        return 0;
    }
    if (streq(d->kind, "snapshot"))
        return 0;
    struct macro *m = arena_alloc(&p->mem, sizeof *m);
    m->name = full_name(p, d);
    m->package = pk;
    m->template = t;
    m->def = i;
    m->path = path;
    m->fn = jinja_def_macro(t, i, NULL);
    m->unique_id = arena_printf(&p->mem, "macro.%s.%s", package_name(pk), m->name);
    char *key = arena_printf(&p->mem, "%s.%s", package_name(pk), m->name);
    const struct macro *other = map_put(&p->macro_by_id, key, m);
    if (other)
        return err_set(e, ERR_CONFIG, "the macro \"%s\" is there twice: %s and %s",
                       m->name, other->path, path);
    vec_push(&p->macros, m);
    return 0;
}

int macros_add(struct project *p, struct package *pk, const char *name,
               const char *text, size_t n, struct err *e)
{
    struct jinja_template *t;
    int rc = jinja_compile(p->env, name, text, n, &t, e);
    if (rc < 0)
        return rc;
    vec_push(&p->templates, t);
    jinja_template_set_data(t, pk);
    for (size_t i = 0; rc == 0 && i < jinja_n_defs(t); i++)
        rc = add_def(p, pk, t, i, name, e);
    return rc;
}

/* ── loading ── */

struct folder {
    struct project *p;
    struct package *pk;
    const char *root;
};

static int on_file(void *arg, const char *path, const char *rel, struct err *e)
{
    const struct folder *f = arg;
    struct err why = {0};
    const char *text;
    size_t n;
    char *shown = arena_printf(&f->p->mem, "%s%s/%s", f->pk->prefix, f->root, rel);
    if (str_ends(rel, ".yml") || str_ends(rel, ".yaml"))
        return properties_read(f->p, f->pk, path, shown, rel, e);
    if (!str_ends(rel, ".sql") && !str_ends(rel, ".md"))
        return 0;
    int rc = files_read(f->p, path, &text, &n, &why);
    if (rc == 0 && (rc = macros_add(f->p, f->pk, shown, text, n, &why)) < 0)
        place_show(&why, shown, text, n);
    if (rc < 0) /* a broken macro file breaks only what calls its macros */
        project_fault(f->p, "%s", why.text);
    return 0;
}

static int on_doc(void *arg, const char *path, const char *rel, struct err *e)
{
    return str_ends(rel, ".md") ? on_file(arg, path, rel, e) : 0;
}

static int walk(struct project *p, struct package *pk, const char *root, file_fn *fn,
                struct err *e)
{
    struct folder f = {p, pk, arena_strdup(&p->mem, root)};
    return files_walk(arena_printf(&p->mem, "%s/%s", pk->dir, root), fn, &f, e);
}

static int load_package(struct project *p, struct package *pk, struct err *e)
{
    static const struct {
        const char *key, *fallback, *below;
        file_fn *fn;
    } paths[] = {{"macro-paths", "macros", "", on_file},
                 {"test-paths", "tests", "/generic", on_file},
                 {"docs-paths", "", "", on_doc},
                 {"model-paths", "models", "", on_doc},
                 {"seed-paths", "seeds", "", on_doc},
                 {"snapshot-paths", "snapshots", "", on_doc},
                 {"analysis-paths", "analyses", "", on_doc}};
    /* without docs-paths, docs may lie in any folder of the project's nodes */
    bool has_docs = json_arr(pk->conf, "docs-paths");
    int rc = 0;
    for (size_t k = 0; k < sizeof paths / sizeof *paths; k++) {
        if (k >= 2 && has_docs != (k == 2))
            continue;
        json_t *list = package_paths(pk, paths[k].key, paths[k].fallback), *one;
        size_t i;
        json_array_foreach (list, i, one) {
            char *root = arena_printf(&p->mem, "%s%s",
                                      json_is_string(one) ? json_string_value(one) : "",
                                      paths[k].below);
            if (rc == 0)
                rc = walk(p, pk, root, paths[k].fn, e);
        }
        json_decref(list);
    }
    return rc;
}

/* ── lookup ── */

struct macro *macros_in(struct project *p, const char *package, const char *name)
{
    char key[512];
    size_t n_package = strlen(package), n = strlen(name);
    if (n_package + n + 1 > sizeof key)
        return NULL;
    memcpy(key, package, n_package);
    key[n_package] = '.';
    memcpy(key + n_package + 1, name, n);
    return map_getn(&p->macro_by_id, key, n_package + 1 + n);
}

struct macro *macros_find(struct project *p, const struct package *from,
                          const char *name)
{
    struct macro *m = from ? macros_in(p, from->name, name) : NULL;
    if (!m)
        m = macros_in(p, p->root->name, name);
    return m ? m : macros_in(p, BUILTIN, name);
}

static struct jv *note_use(struct jinja_call *c, const struct macro *m)
{
    const struct render *r = jinja_userdata(c);
    /* dbt notes what the node's own text calls; what that calls, the macros say */
    struct item *it = r && !r->is_execute && !jinja_in_macro(c) ? r->item : NULL;
    for (size_t i = 0; it && i < it->macro_deps.n; i++)
        if (streq(it->macro_deps.v[i], m->unique_id))
            return m->fn;
    if (it)
        vec_push(&it->macro_deps, m->unique_id);
    return m->fn;
}

/* dbt looks a bare name up from the node that is rendered, whatever macro uses it
 * (MacroNamespaceBuilder): the node's package, the root, the built-in ones. A macro's
 * own package comes after them, which dbt lacks. */
static struct jv *resolve(struct jinja_call *c, void *userdata, const char *name)
{
    struct project *p = userdata;
    struct render *r = jinja_userdata(c);
    struct jv *late = context_late(c, r, name);
    if (late)
        return late;
    const struct package *own = jinja_current_data(c);
    const struct macro *m =
        r && r->item ? macros_in(p, r->item->package->name, name) : NULL;
    if (!m)
        m = macros_in(p, p->root->name, name);
    if (!m)
        m = macros_find(p, own, name);
    if (m)
        return note_use(c, m);
    struct jv *native = map_get(&p->natives, name);
    if (native)
        return native;
    for (size_t i = 0; i < p->packages.n; i++)
        if (streq(p->packages.v[i]->name, name))
            return macros_namespace(p, p->packages.v[i]->name);
    return streq(name, BUILTIN) ? macros_namespace(p, BUILTIN) : NULL;
}

/* ── namespaces: dbt_utils.x, dbt.x ── */

struct namespace
{
    struct project *p;
    const char *package;
};

static struct jv *namespace_get(struct jinja_call *c, void *self, const char *name)
{
    const struct namespace *ns = self;
    struct render *r = jinja_userdata(c);
    const struct macro *m = macros_in(ns->p, ns->package, name);
    if (r && r->unit) {
        char full[300];
        snprintf(full, sizeof full, "%s.%s", ns->package, name);
        struct jv *replaced = unit_macro(r, jinja_mem(c), full);
        if (replaced)
            return replaced;
    }
    return m ? note_use(c, m) : NULL;
}

static int namespace_str(void *self, struct buf *out)
{
    return buf_adds(out, ((const struct namespace *)self)->package);
}

static const struct jinja_class namespace_class = {
    .name = "macros of a package", .get = namespace_get, .str = namespace_str};

struct jv *macros_namespace(struct project *p, const char *package)
{
    struct namespace *ns = arena_alloc(&p->mem, sizeof *ns);
    *ns = (struct namespace){p, package};
    return jv_object(&p->mem, &namespace_class, ns);
}

/* ── dispatch ── */

static const struct macro *with_prefix(struct project *p, const char *package,
                                       const char *name)
{
    const char *const prefixes[] = {p->o.adapter, "default"};
    for (size_t i = 0; i < 2; i++) {
        char full[300];
        size_t n_prefix = strlen(prefixes[i]), n = strlen(name);
        if (n_prefix + n + 3 > sizeof full)
            return NULL;
        memcpy(full, prefixes[i], n_prefix);
        memcpy(full + n_prefix, "__", 2);
        memcpy(full + n_prefix + 2, name, n + 1);
        const struct macro *m = macros_in(p, package, full);
        if (m)
            return m;
    }
    return NULL;
}

static json_t *search_order(struct project *p, const char *ns)
{
    size_t i;
    json_t *one;
    json_array_foreach (json_arr(p->root->conf, "dispatch"), i, one) {
        if (streq(json_str(one, "macro_namespace", ""), ns))
            return json_incref(json_arr(one, "search_order"));
    }
    return json_pack("[ss]", p->root->name, ns);
}

struct jv *macros_dispatch(struct jinja_call *c, struct project *p, const char *name,
                           const char *ns)
{
    const struct macro *m = NULL;
    const struct package *from = jinja_current_data(c);
    size_t i;
    json_t *one, *order;
    if (strchr(name, '.'))
        return jinja_fail(c, "dispatch(\"%s\"): give the package as macro_namespace",
                          name);
    if (ns) {
        order = search_order(p, ns);
    } else {
        order = json_pack("[s]", package_name(from));
        json_array_append_new(order, json_string(p->root->name));
    }
    json_array_append_new(order, json_string(BUILTIN));
    json_array_foreach (order, i, one) {
        if (!m && json_is_string(one))
            m = with_prefix(p, json_string_value(one), name);
    }
    json_decref(order);
    if (m)
        return note_use(c, m);
    return jinja_fail(c, "dispatch found no macro %s__%s or default__%s", p->o.adapter,
                      name, name);
}

/* A bare name means the project's macro, in a call from a built-in one as well; a
 * dispatched one what the packages of the search order have. */
bool macros_overridden(struct project *p, const struct package *pk, const char *name)
{
    const char *const prefixes[] = {p->o.adapter, "default"};
    json_t *order, *one;
    size_t i;
    if (macros_in(p, p->root->name, name) || macros_in(p, pk->name, name))
        return true;
    bool is_found = false;
    order = search_order(p, BUILTIN);
    json_array_foreach (order, i, one) {
        const char *package = json_is_string(one) ? json_string_value(one) : BUILTIN;
        for (size_t k = 0; !streq(package, BUILTIN) && !is_found && k < 2; k++) {
            char full[300];
            snprintf(full, sizeof full, "%s__%s", prefixes[k], name);
            is_found = macros_in(p, package, full) != NULL;
        }
    }
    json_decref(order);
    return is_found;
}

/* A project's macro takes the place of a function of the context (ref, log, …), which
 * the nodes of other packages go on to see. */
static void shadow_natives(struct project *p)
{
    for (size_t i = 0; i < p->macros.n; i++) {
        const struct macro *m = p->macros.v[i];
        struct jv *native = m->package ? jinja_env_take(p->env, m->name) : NULL;
        if (native)
            map_put(&p->natives, m->name, native);
    }
}

int macros_load(struct project *p, struct err *e)
{
    int rc = 0;
    jinja_env_resolver(p->env, resolve, p);
    docs_begin(p);
    for (size_t i = 0; rc == 0 && builtin_macros[i].text; i++)
        rc = macros_add(p, NULL, builtin_macros[i].path, builtin_macros[i].text,
                        strlen(builtin_macros[i].text), e);
    for (size_t i = 0; rc == 0 && i < p->packages.n; i++)
        rc = load_package(p, p->packages.v[i], e);
    if (rc == 0)
        item_names_begin(p);
    shadow_natives(p);
    return rc;
}
