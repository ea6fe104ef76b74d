/* weir ls: the nodes of the models project. In: a selection. Out: names, paths,
 * selectors or JSON, one a line, as dbt lists them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "cmd/select.h"

struct listing {
    struct project *project;
    const char *how;         /* selector, name, path, json */
    const char *const *keys; /* of --output-keys, NULL: dbt's own choice */
};

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

/* "config.materialized" of a node; borrowed, NULL: it has none. */
static json_t *nested(json_t *node, const char *key)
{
    char *copy = mem_strdup(key), *save = NULL;
    for (char *part = strtok_r(copy, ".", &save); part && node;
         part = strtok_r(NULL, ".", &save))
        node = json_is_object(node) ? json_object_get(node, part) : NULL;
    mem_free(copy);
    return node;
}

/* What dbt shows of a node, or the --output-keys of it. */
static json_t *node_json(const struct listing *l, const struct node *n)
{
    static const char *const shown[] = {
        "alias",  "name",          "package_name", "depends_on",         "tags",
        "config", "resource_type", "source_name",  "original_file_path", "unique_id",
        NULL};
    json_t *all = project_node_json(l->project, n), *out = json_object();
    const char *const *keys = l->keys ? l->keys : shown;
    for (; *keys; keys++) {
        bool is_nested = l->keys && strchr(*keys, '.');
        json_t *v = is_nested ? nested(all, *keys) : json_object_get(all, *keys);
        if (v && !(is_nested && json_is_null(v)))
            json_object_set(out, *keys, v);
    }
    json_decref(all);
    return out;
}

static int add_line(const struct listing *l, const struct node *n, struct buf *b,
                    struct err *e)
{
    const char *how = l->how;
    if (streq(how, "json")) {
        json_t *o = node_json(l, n);
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

/* dbt's order. */
static int by_id(const void *a, const void *b)
{
    return strcmp((*(const struct node *const *)a)->unique_id,
                  (*(const struct node *const *)b)->unique_id);
}

static int print_nodes(const struct cmd_args *a, struct selected *s, struct err *e)
{
    struct listing l = {s->engine.project, a->output ? a->output : "selector",
                        opt_list(a, "output-keys")};
    struct buf b;
    int rc = 0;
    if (streq(l.how, "text"))
        l.how = "selector";
    if (!streq(l.how, "name") && !streq(l.how, "path") && !streq(l.how, "selector") &&
        !streq(l.how, "json"))
        return err_set(e, ERR_USAGE,
                       "--output %s: expected name, path, selector or json", l.how);
    qsort(s->nodes, s->n, sizeof(const struct node *), by_id);
    buf_init(&b, 1u << 30);
    for (size_t i = 0; rc == 0 && i < s->n; i++)
        rc = add_line(&l, s->nodes[i], &b, e);
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
    {"models", 'm', OPT_LIST, "SELECTOR", "The same as --select, of models only.",
     NULL},
    {"output-keys", 0, OPT_LIST, "KEY",
     "With -o json: these members of the manifest's entry, as in config.materialized.",
     NULL},
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
