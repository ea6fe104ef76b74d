/* on-run-start and on-run-end as nodes of the manifest, as dbt has them: one operation
 * a hook and package. In: the projects' hooks. Out: JSON objects. Called by manifest.c.
 */
#include "model/internal.h"

#include "base/buf.h"

/* Of the file that the hooks stand in. */
static const char *file_checksum(struct project *p, const struct package *pk)
{
    struct buf b;
    char *path = mem_printf("%s/dbt_project.yml", pk->dir);
    buf_init(&b, 16u << 20);
    const char *sum = buf_read_file(&b, path, NULL) == 0
                          ? item_checksum(p, buf_str(&b), b.len)
                          : NULL;
    buf_release(&b);
    mem_free(path);
    return sum;
}

static struct item *operation(struct project *p, struct package *pk, const char *key,
                              size_t i, const char *sql)
{
    struct item *it = item_new(p, pk, NODE_OPERATION);
    it->pub.name = arena_printf(&p->mem, "%s-%s-%zu", pk->name, key, i);
    it->pub.alias = it->pub.name;
    it->pub.schema = p->schema;
    it->pub.unique_id =
        arena_printf(&p->mem, "operation.%s.%s", pk->name, it->pub.name);
    it->pub.path = it->pub.own_path = "./dbt_project.yml";
    it->rel = arena_printf(&p->mem, "hooks/%s.sql", it->pub.name);
    it->raw = arena_strdup(&p->mem, sql);
    it->raw_len = strlen(sql);
    it->checksum = file_checksum(p, pk);
    names_fqn(p, it, it->rel, it->pub.name);
    config_apply(p, it);
    return it;
}

/* What a hook refers to, seen by rendering it as any node is. */
static void parse(struct project *p, struct item *it)
{
    struct render r = {0};
    struct err none = {0};
    struct buf out;
    buf_init(&out, 16u << 20);
    render_begin(&r, p, NULL, it);
    render_item(&r, &out, &none);
    render_end(&r);
    buf_release(&out);
}

static void hooks_of(struct project *p, struct package *pk, const char *key,
                     manifest_fn *fn, void *arg)
{
    json_t *v = json_object_get(pk->conf, key);
    size_t n = json_is_string(v) ? 1 : json_array_size(v);
    for (size_t i = 0; i < n; i++) {
        json_t *one = json_is_string(v) ? v : json_array_get(v, i);
        const char *sql =
            json_is_object(one) ? json_str(one, "sql", NULL) : json_string_value(one);
        if (!sql)
            continue;
        struct item *it = operation(p, pk, key, i, sql);
        parse(p, it);
        json_t *node = manifest_node(p, it);
        json_t *tags = json_pack("[s]", key);
        json_array_extend(tags, json_arr(node, "tags"));
        json_put(node, "tags", tags);
        json_put_i64(node, "index", (int64_t)i);
        fn(arg, it->pub.unique_id, node);
        item_free(it);
    }
}

void manifest_operations(struct project *p, manifest_fn *fn, void *arg)
{
    for (size_t i = 0; i < p->packages.n; i++) {
        hooks_of(p, p->packages.v[i], "on-run-start", fn, arg);
        hooks_of(p, p->packages.v[i], "on-run-end", fn, arg);
    }
}
