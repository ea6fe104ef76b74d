/* on-run-start and on-run-end: SQL of dbt_project.yml around a run, of every package.
 * At the end its templates see what dbt's see: results (each with its node), schemas
 * and database_schemas. Called by the sql worker. */
#include "model/native.h"

#include "base/buf.h"

/* ── results ── */

struct result {
    struct project *p;
    const json_t *row; /* of run_results.json */
    struct jv *node;   /* once it was asked for */
};

static struct item *item_of_row(const struct project *p, const json_t *row)
{
    return map_get(&p->by_id, json_str(row, "unique_id", ""));
}

NATIVE(result_to_dict)
{
    UNUSED;
    const struct result *r = userdata;
    return jv_from_json(jinja_mem(c), (json_t *)(uintptr_t)r->row);
}

/* A node is large and few hooks look at it: made when one does. */
static struct jv *result_node(struct jinja_call *c, struct result *r)
{
    struct item *it = item_of_row(r->p, r->row);
    if (!r->node && it) {
        json_t *n = manifest_entry(r->p, it);
        r->node = jv_from_json(jinja_mem(c), n);
        json_decref(n);
    }
    return r->node ? r->node : jv_none();
}

static struct jv *result_get(struct jinja_call *c, void *self, const char *name)
{
    struct result *r = self;
    if (streq(name, "node"))
        return result_node(c, r);
    if (streq(name, "to_dict"))
        return jv_function(jinja_mem(c), name, result_to_dict, r);
    json_t *v = json_object_get(r->row, name);
    return v ? jv_from_json(jinja_mem(c), v) : NULL;
}

static int result_str(void *self, struct buf *out)
{
    const struct result *r = self;
    return buf_addf(out, "RunResult(status=%s, unique_id=%s)",
                    json_str(r->row, "status", ""), json_str(r->row, "unique_id", ""));
}

static const struct jinja_class result_class = {
    .name = "RunResult", .get = result_get, .str = result_str};

static struct jv *results_list(struct project *p, struct arena *mem,
                               const json_t *results)
{
    struct jv *list = jv_list(mem);
    json_t *row;
    size_t i;
    json_array_foreach (results, i, row) {
        struct result *r = arena_alloc(mem, sizeof *r);
        *r = (struct result){p, row, NULL};
        jv_append(list, jv_object(mem, &result_class, r));
    }
    return list;
}

/* ── schemas that the run built something in ── */

static bool has_built(const struct project *p, const json_t *row)
{
    static const char *const bad[] = {"error", "fail", "skipped"};
    const struct item *it = item_of_row(p, row);
    for (size_t i = 0; i < 3; i++)
        if (streq(json_str(row, "status", ""), bad[i]))
            return false;
    return it && item_is_refable(it->pub.type) &&
           !streq(it->pub.materialized, "ephemeral");
}

static void list_schemas(struct project *p, struct arena *mem, const json_t *results,
                         struct jv *schemas, struct jv *pairs)
{
    struct map seen;
    json_t *row;
    size_t i;
    map_init(&seen);
    json_array_foreach (results, i, row) {
        const struct item *it = item_of_row(p, row);
        if (!has_built(p, row) || map_has(&seen, it->pub.schema))
            continue;
        map_put(&seen, it->pub.schema, &seen);
        struct jv *pair[] = {jv_none(), jv_strz(mem, it->pub.schema)};
        jv_append(schemas, pair[1]);
        jv_append(pairs, jv_tuple(mem, pair, 2));
    }
    map_release(&seen);
}

/* ── running ── */

static int run_one(struct project *p, struct wh *w, const char *key, const char *text,
                   const struct render *with, struct err *e)
{
    struct render r = *with;
    struct buf sql;
    buf_init(&sql, 16u << 20);
    render_begin(&r, p, w, NULL);
    int rc = render_text(&r, key, text, strlen(text), &sql, e);
    if (rc == 0 && buf_str(&sql)[strspn(buf_str(&sql), " \t\r\n;")])
        rc = wh_exec(w, buf_str(&sql), e);
    render_end(&r);
    buf_release(&sql);
    return rc;
}

static int run_package(struct project *p, struct wh *w, const struct package *pk,
                       const char *key, const struct render *with, struct err *e)
{
    json_t *list = json_object_get(pk->conf, key), *one;
    json_t *all = json_is_string(list) ? json_pack("[O]", list) : json_incref(list);
    size_t i;
    int rc = 0;
    json_array_foreach (all, i, one) {
        if (rc == 0 && json_is_string(one))
            rc = run_one(p, w, key, json_string_value(one), with, e);
    }
    json_decref(all);
    return rc;
}

int project_on_run(struct project *p, struct wh *w, bool is_start,
                   const json_t *results, struct err *e)
{
    const char *key = is_start ? "on-run-start" : "on-run-end";
    struct render with = {.is_execute = true};
    struct arena mem;
    int rc = 0;
    arena_init(&mem, 0);
    with.run_results = results_list(p, &mem, results);
    with.schemas = jv_list(&mem);
    with.database_schemas = jv_list(&mem);
    list_schemas(p, &mem, results, with.schemas, with.database_schemas);
    for (size_t i = 0; rc == 0 && i < p->packages.n; i++)
        rc = run_package(p, w, p->packages.v[i], key, &with, e);
    arena_release(&mem);
    return rc < 0 ? err_wrap(e, rc, "%s", key) : 0;
}
