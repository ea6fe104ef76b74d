/* weir lineage: which columns a column is made of, or what is made of it. In: the
 * models project, nothing else. Out: a tree of columns, one a line, or JSON. */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/text.h"
#include "base/vec.h"
#include "cmd/cmd.h"
#include "cmd/dbt_flags.h"
#include "model/lineage.h"

#define INDENT 2

struct request {
    struct lineage *l;
    struct project *p;
    bool is_downstream;
    int depth;
    json_t *trees;
};

static bool is_shown(const struct node *n)
{
    return n->is_enabled && (n->type == NODE_MODEL || n->type == NODE_SNAPSHOT ||
                             n->type == NODE_SEED || n->type == NODE_SOURCE);
}

/* Node by name, "source.table" or unique id. */
static bool is_called(const struct node *n, const char *name)
{
    if (strcasecmp(n->unique_id, name) == 0)
        return true;
    if (n->type != NODE_SOURCE)
        return strcasecmp(n->name, name) == 0;
    size_t k = strlen(n->source_name);
    return strncasecmp(n->source_name, name, k) == 0 && name[k] == '.' &&
           strcasecmp(n->name, name + k + 1) == 0;
}

static void add(struct request *r, const struct node *n, const char *column)
{
    json_array_append_new(r->trees,
                          lineage_tree(r->l, n, column, r->is_downstream, r->depth));
}

static size_t add_node(struct request *r, const char *name)
{
    size_t found = 0;
    for (size_t i = 0; i < project_n_nodes(r->p); i++) {
        const struct node *n = project_node(r->p, i);
        if (!is_shown(n) || !is_called(n, name))
            continue;
        found++;
        for (const char *const *c = lineage_columns(r->l, n); *c; c++)
            add(r, n, *c);
    }
    return found;
}

/* node.column; ERR_NOTFOUND with the nearest column. */
static int add_qualified(struct request *r, const char *what, size_t *found,
                         struct err *e)
{
    const char *dot = strrchr(what, '.');
    if (!dot)
        return 0;
    char *name = mem_strndup(what, (size_t)(dot - what));
    int rc = 0;
    for (size_t i = 0; i < project_n_nodes(r->p) && rc == 0; i++) {
        const struct node *n = project_node(r->p, i);
        if (!is_shown(n) || !is_called(n, name))
            continue;
        if (!lineage_has(r->l, n, dot + 1, false)) {
            const char *const *all = lineage_columns(r->l, n);
            size_t count = 0;
            while (all[count])
                count++;
            const char *near = str_nearest(dot + 1, all, count);
            rc = err_set(e, ERR_NOTFOUND, "%s has no column \"%s\"%s%s%s", name,
                         dot + 1, near ? "; did you mean \"" : "", near ? near : "",
                         near ? "\"?" : "");
        } else {
            add(r, n, dot + 1);
            ++*found;
        }
    }
    mem_free(name);
    return rc;
}

static size_t add_everywhere(struct request *r, const char *column)
{
    size_t found = 0;
    for (size_t i = 0; i < project_n_nodes(r->p); i++) {
        const struct node *n = project_node(r->p, i);
        if (is_shown(n) && lineage_has(r->l, n, column, true)) {
            add(r, n, column);
            found++;
        }
    }
    return found;
}

static int add_operand(struct request *r, const char *what, struct err *e)
{
    size_t found = add_node(r, what);
    int rc = found ? 0 : add_qualified(r, what, &found, e);
    if (rc == 0 && !found && !strchr(what, '.'))
        found = add_everywhere(r, what);
    if (rc == 0 && !found)
        rc = err_set(
            e, ERR_NOTFOUND,
            "no node and no column is called \"%s\"; `weir ls` lists the nodes, "
            "`weir lineage NODE` the columns of one",
            what);
    return rc;
}

/* ── the tree as lines ───────────────────────────────────────────────────────────── */

static const char *text_of(const json_t *o, const char *key)
{
    const char *s = json_string_value(json_object_get(o, key));
    return s ? s : "";
}

static int label(const json_t *o, int level, struct buf *out)
{
    const char *type = text_of(o, "resource_type"), *column = text_of(o, "column");
    bool is_model = streq(type, "model");
    size_t from = out->len;
    buf_addf(out, "%*s%s%s", level * INDENT, "", is_model ? "" : type,
             is_model ? "" : " ");
    const char *name = *column ? column : text_of(o, "name");
    text_sanitise(out, name, strlen(name));
    return text_width(out->data + from, out->len - from);
}

static int widest(const json_t *list, int level)
{
    int most = 0;
    const json_t *o;
    size_t i;
    json_array_foreach (list, i, o) {
        struct buf b;
        buf_init(&b, 1 << 16);
        int here = label(o, level, &b);
        int below = widest(json_object_get(o, "columns"), level + 1);
        buf_release(&b);
        most = here > most ? here : most;
        most = below > most ? below : most;
    }
    return most;
}

/* Nothing to say of a column that is passed on under its own name. */
static bool is_passed_on(const json_t *o)
{
    const char *sql = text_of(o, "expression"), *column = text_of(o, "column");
    const char *a = strrchr(sql, '.'), *b = strrchr(column, '.');
    return streq(text_of(o, "kind"), "copy") &&
           strcasecmp(a ? a + 1 : sql, b ? b + 1 : column) == 0;
}

static void print_tree(const json_t *list, int level, int width)
{
    const json_t *o;
    size_t i;
    json_array_foreach (list, i, o) {
        const char *sql = text_of(o, "expression");
        struct buf b;
        buf_init(&b, 1 << 16);
        int used = label(o, level, &b);
        if (*sql && !is_passed_on(o)) {
            buf_addf(&b, "%*s  ", width > used ? width - used : 0, "");
            text_sanitise(&b, sql, strlen(sql));
        }
        puts(buf_str(&b));
        buf_release(&b);
        print_tree(json_object_get(o, "columns"), level + 1, width);
    }
}

static int run(const struct cmd_args *a, struct err *e)
{
    struct sql_engine g = {0};
    struct request r = {.is_downstream = opt_flag(a, "downstream"),
                        .depth = (int)opt_int(a, "depth", -1)};
    if (a->argc == 0)
        return err_set(e, ERR_USAGE,
                       "weir lineage: name a column (node.column), or a node");
    int rc = dbt_engine(a, &g, e);
    if (rc == 0) {
        r.p = g.project;
        r.l = lineage_open(g.project);
        r.trees = json_array();
        for (int i = 0; i < a->argc && rc == 0; i++)
            rc = add_operand(&r, a->argv[i], e);
        for (size_t i = 0; i < lineage_n_warnings(r.l); i++)
            fprintf(stderr, "warning: %s\n", lineage_warning(r.l, i));
        if (rc == 0 && a->is_json)
            rc = cmd_print_json(r.trees, e);
        else if (rc == 0)
            print_tree(r.trees, 0, widest(r.trees, 0) < 50 ? widest(r.trees, 0) : 50);
        json_decref(r.trees);
        lineage_free(r.l);
    }
    sql_engine_release(&g);
    return rc;
}

static const struct cmd_opt opts[] = {
    {"downstream", 'd', OPT_FLAG, NULL, "What is made of the column, instead.", NULL},
    {"depth", 0, OPT_INT, "N", "At most N steps; all without.", NULL},
    {0},
};

const struct cmd cmd_lineage = {
    .name = "lineage",
    .summary = "Show what a column is made of.",
    .operands = "COLUMN…",
    .doc = "A column as node.column (source.table.column of a source), a column's name "
           "alone (of every node that has it), or a node (all its columns). Each line "
           "is a column and, where it is not just passed on, the SQL that makes it; "
           "below it, indented, the columns that SQL reads. Read off the compiled SQL: "
           "no warehouse is asked. What decides only which rows there are (joins, "
           "filters, grouping) is left out. Columns of a source that are not in its "
           "YAML are taken as the models name them.",
    .flags = CMD_READONLY | CMD_JSON | CMD_DBT,
    .opts = opts,
    .run = run,
};
