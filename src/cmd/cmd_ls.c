/* weir ls: the nodes of the models project. In: a selection. Out: names, paths,
 * selectors or JSON, one a line, as dbt lists them. */
#include <stdio.h>

#include "base/json.h"
#include "base/str.h"
#include "cmd/select.h"

/* dbt's selector form: the fqn; source:package.source.table. */
static void add_selector(struct buf *b, const struct node *n)
{
    if (n->type == NODE_SOURCE)
        buf_adds(b, "source:");
    if (n->type == NODE_EXPOSURE) {
        buf_addf(b, "exposure:%s.%s", n->package, n->name);
        return;
    }
    if (n->type == NODE_UNIT_TEST) {
        buf_addf(b, "unit_test:%s.%s%s%s", n->package, n->name, n->version ? "_v" : "",
                 n->version ? n->version : "");
        return;
    }
    for (size_t i = 0; n->fqn && n->fqn[i]; i++)
        buf_addf(b, "%s%s", i ? "." : "", n->fqn[i]);
}

static const char *type_of(const struct node *n)
{
    static const char *const names[] = {"model",     "seed",     "snapshot",  "test",
                                        "unit_test", "analysis", "operation", "source",
                                        "exposure",  "macro"};
    return names[n->type];
}

static json_t *list_of(const char *const *v)
{
    json_t *l = json_array();
    for (; v && *v; v++)
        json_array_append_new(l, json_string(*v));
    return l;
}

static json_t *node_json(const struct node *n)
{
    json_t *o = json_object();
    json_put_str(o, "name", n->name);
    json_put_str(o, "resource_type", type_of(n));
    json_put_str(o, "package_name", n->package);
    json_put_str(o, "original_file_path", n->own_path);
    json_put_str(o, "unique_id", n->unique_id);
    json_put_str(o, "alias", n->alias);
    json_put(o, "config", json_deep_copy(n->config));
    json_put(o, "tags", list_of(n->tags));
    json_put(o, "depends_on", json_pack("{s:o}", "nodes", list_of(n->depends_on)));
    return o;
}

static int add_line(const char *how, const struct node *n, struct buf *b, struct err *e)
{
    if (streq(how, "json")) {
        json_t *o = node_json(n);
        int rc = json_dump_buf(o, JSON_COMPACT, b, e);
        json_decref(o);
        if (rc < 0)
            return rc;
    } else if (streq(how, "name")) {
        buf_addf(b, "%s%s%s", n->source_name ? n->source_name : "",
                 n->source_name ? "." : "", n->name);
        if (n->version && n->type == NODE_MODEL)
            buf_addf(b, ".v%s", n->version);
    } else if (streq(how, "path")) {
        buf_adds(b, n->own_path);
    } else {
        add_selector(b, n);
    }
    return buf_addc(b, '\n');
}

static int print_nodes(const struct cmd_args *a, const struct selected *s,
                       struct err *e)
{
    const char *how = a->output ? a->output : "selector";
    struct buf b;
    int rc = 0;
    if (streq(how, "text"))
        how = "selector";
    if (!streq(how, "name") && !streq(how, "path") && !streq(how, "selector") &&
        !streq(how, "json"))
        return err_set(e, ERR_USAGE,
                       "--output %s: expected name, path, selector or json", how);
    buf_init(&b, 1u << 30);
    for (size_t i = 0; rc == 0 && i < s->n; i++)
        rc = add_line(how, s->nodes[i], &b, e);
    if (rc == 0 && b.len && fwrite(b.data, 1, b.len, stdout) != b.len)
        rc = err_errno(e, ERR_IO, "standard output");
    buf_release(&b);
    return rc;
}

static int run(const struct cmd_args *a, struct err *e)
{
    struct selected s = {0};
    int rc = select_nodes(a, "eager", &s, e);
    if (rc == 0)
        rc = print_nodes(a, &s, e);
    select_release(&s);
    return rc;
}

static const struct cmd_opt opts[] = {
    SELECT_OPTIONS,
    {0},
};

const struct cmd cmd_ls = {
    .name = "ls",
    .summary = "List nodes of the models project.",
    .operands = "[SELECTOR…]",
    .doc = "In dbt's selection grammar: names, +name+, tag:x, path:x, source:x … One "
           "node a "
           "line: as a selector, or with -o name, path or json.",
    .flags = CMD_READONLY | CMD_JSON | CMD_OUTPUT | CMD_DBT,
    .opts = opts,
    .run = run,
};
