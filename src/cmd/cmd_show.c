/* weir show: the first rows of a model as it would be built, or of SQL with templates.
 * In: the project, the warehouse (read-only). Out: a table, CSV or JSON. */
#include <string.h>

#include "base/json.h"
#include "base/str.h"
#include "cmd/cmd.h"
#include "cmd/query.h"
#include "cmd/select.h"

/* A model with its sql_header: in front of its SQL, as dbt shows it, or, where it is
 * statements of its own, run before. */
static int compile_model(struct selected *s, const struct node *n, struct buf *sql,
                         struct err *e)
{
    struct buf body;
    buf_init(&body, 64u << 20);
    int rc = model_compile(s->engine.project, s->engine.w, n, &body, e);
    const char *header = json_str(n->config, "sql_header", ""); /* it may set it */
    bool is_apart = strchr(header, ';') != NULL;
    if (rc == 0 && is_apart)
        rc = wh_exec(s->engine.w, header, e);
    if (*header && !is_apart)
        buf_addf(sql, "%s\n", header);
    buf_add(sql, buf_str(&body), body.len);
    buf_release(&body);
    return rc;
}

static int compile_selected(struct selected *s, struct buf *sql, struct err *e)
{
    const struct node *n = s->n ? s->nodes[0] : NULL;
    if (s->n != 1)
        return err_set(e, s->n ? ERR_USAGE : ERR_NOTHING,
                       "weir show takes one node; the selection has %zu", s->n);
    if (n->type != NODE_SEED && n->type != NODE_SOURCE)
        return compile_model(s, n, sql, e);
    int rc = wh_schema_ensure(s->engine.w, n->schema, e);
    buf_adds(sql, "select * from ");
    wh_quote(s->engine.w, sql, n->schema, n->alias);
    return rc;
}

static int show(const struct cmd_args *a, struct selected *s, struct err *e)
{
    const char *text = opt_text(a, "inline", NULL);
    struct wh_cursor *c = NULL;
    struct buf sql;
    buf_init(&sql, 64u << 20);
    int rc = text ? model_compile_inline(s->engine.project, s->engine.w, text, &sql, e)
                  : compile_selected(s, &sql, e);
    if (rc == 0)
        rc = wh_query(s->engine.w, buf_str(&sql), &c, e);
    if (rc == 0)
        rc = query_print(a, c, opt_int(a, "limit", 5), e);
    wh_cursor_close(c);
    buf_release(&sql);
    return rc;
}

static int run(const struct cmd_args *a, struct err *e)
{
    struct selected s = {0};
    if (!opt_text(a, "inline", NULL) && !opt_list(a, "select") && a->argc == 0)
        return err_set(e, ERR_USAGE,
                       "weir show: name a node, or give --inline \"select …\"");
    int rc = select_nodes(a, "empty", &s, e);
    if (rc == 0)
        rc = sql_engine_warehouse(&s.engine, true, e);
    if (rc == 0)
        rc = show(a, &s, e);
    select_release(&s);
    return rc;
}

static const struct cmd_opt opts[] = {
    {"inline", 0, OPT_TEXT, "SQL", "SQL with templates, instead of a node.", NULL},
    {"limit", 'n', OPT_INT, "N", "At most this many rows (5); 0: all.", NULL},
    SELECT_OPTIONS,
    {0},
};

const struct cmd cmd_show = {
    .name = "show",
    .summary = "Show the first rows of a model, built or not.",
    .operands = "[SELECTOR…]",
    .doc =
        "Compiles one node, or the SQL of --inline, and runs it read-only: what it "
        "refers to must be there, the node itself need not. Of a seed or source, the "
        "rows of its table.",
    .flags = CMD_READONLY | CMD_JSON | CMD_DBT,
    .opts = opts,
    .run = run,
};
