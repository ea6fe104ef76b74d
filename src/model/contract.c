/* Contracts: what a model promises of its columns. In: its .yml entry. Out: an error
 * for a promise that cannot be kept, dependencies of foreign keys; the table that the
 * promise makes, once contract_check.c found it kept. Called by link.c, render.c and
 * materialize.c. */
#include "model/internal.h"

#include "base/buf.h"
#include "model/context.h"

bool contract_is_enforced(const struct item *it)
{
    return it->pub.type == NODE_MODEL &&
           config_flag(json_obj(it->pub.config, "contract"), "enforced", false);
}

/* ── checks while parsing ── */

static bool is_type(const char *type)
{
    static const char *const known[] = {"check",       "not_null",    "unique",
                                        "primary_key", "foreign_key", "custom"};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (streq(type, known[i]))
            return true;
    return false;
}

/* Of the model itself, as they stand in its entry. */
static const json_t *of_model(const struct item *it)
{
    json_t *list = json_arr(json_obj(it->meta_patch, "config"), "constraints");
    return list ? list : json_arr(it->meta_patch, "constraints");
}

static int check_types(const struct item *it, const json_t *list, const char *where,
                       size_t *n_primary, struct err *e)
{
    size_t i;
    json_t *one;
    *n_primary = 0;
    json_array_foreach (list, i, one) {
        const char *type = json_str(one, "type", "");
        if (!is_type(type) && contract_is_enforced(it))
            return err_set(e, ERR_CONFIG,
                           "%s: \"%s\"%s%s: constraint type \"%s\": expected check, "
                           "not_null, unique, primary_key, foreign_key or custom",
                           it->patch_path, it->pub.name, *where ? ", column " : "",
                           where, type);
        *n_primary += streq(type, "primary_key");
    }
    return 0;
}

static int check_keys(const struct item *it, struct err *e)
{
    size_t n_model, n_columns = 0, n;
    const char *name;
    json_t *column;
    int rc = check_types(it, of_model(it), "", &n_model, e);
    json_object_foreach (it->columns, name, column) {
        if (rc == 0)
            rc = check_types(it, json_arr(column, "constraints"), name, &n, e);
        n_columns += rc == 0 && n > 0;
    }
    if (rc == 0 && n_columns > 1)
        rc = err_set(e, ERR_CONFIG,
                     "%s: %zu columns of \"%s\" are its primary key; a key of several "
                     "columns is a constraint of the model",
                     it->patch_path, n_columns, it->pub.name);
    if (rc == 0 && n_columns && n_model)
        rc = err_set(
            e, ERR_CONFIG,
            "%s: the primary key of \"%s\" is given both for the model and for a "
            "column; keep one",
            it->patch_path, it->pub.name);
    return rc;
}

static int check_contract(const struct item *it, struct err *e)
{
    const char *how = it->pub.materialized;
    const char *change = json_str(it->pub.config, "on_schema_change", "ignore");
    if (!json_object_size(it->columns))
        return err_set(e, ERR_CONFIG,
                       "%s: the model has an enforced contract and no columns: in a "
                       ".yml file",
                       it->pub.path);
    if (streq(how, "incremental") && !streq(change, "append_new_columns") &&
        !streq(change, "fail"))
        return err_set(e, ERR_CONFIG,
                       "%s: on_schema_change is %s; an incremental model with an "
                       "enforced contract needs append_new_columns or fail",
                       it->pub.path, change);
    return 0;
}

/* ref() and source() of foreign keys are dependencies. */
static void link_keys(struct project *p, struct item *it, const json_t *list)
{
    size_t i;
    json_t *one;
    json_array_foreach (list, i, one) {
        const char *to = json_str(one, "to", NULL);
        struct render r = {0};
        struct buf out;
        struct err none = {0};
        if (!to || !streq(json_str(one, "type", ""), "foreign_key") || !strchr(to, '('))
            continue;
        char *text = arena_printf(&p->mem, "{{ %s }}", to);
        buf_init(&out, 1u << 20);
        render_begin(&r, p, NULL, it);
        if (render_text(&r, it->pub.path, text, strlen(text), &out, &none) < 0)
            item_break(p, it, none.text);
        render_end(&r);
        buf_release(&out);
    }
}

int contract_link(struct project *p, struct item *it, struct err *e)
{
    const char *name;
    json_t *column;
    if (it->pub.type != NODE_MODEL || !it->meta_patch)
        return 0;
    int rc = contract_is_enforced(it) ? check_contract(it, e) : 0;
    if (rc == 0)
        rc = check_keys(it, e);
    if (rc < 0)
        return rc;
    link_keys(p, it, of_model(it));
    json_object_foreach (it->columns, name, column)
        link_keys(p, it, json_arr(column, "constraints"));
    return 0;
}

/* ── for templates ── */

/* What dbt calls STRING and so on in a column's data_type (Column.TYPE_LABELS). */
const char *contract_type(const struct item *it, const char *type)
{
    static const char *const labels[][2] = {{"STRING", "TEXT"},
                                            {"TIMESTAMP", "TIMESTAMP"},
                                            {"FLOAT", "FLOAT"},
                                            {"INTEGER", "INT"},
                                            {"BOOLEAN", "BOOLEAN"}};
    if (!config_flag(json_obj(it->pub.config, "contract"), "alias_types", true))
        return type;
    for (size_t i = 0; i < sizeof labels / sizeof *labels; i++)
        if (strcasecmp(type, labels[i][0]) == 0)
            return labels[i][1];
    return type;
}

void contract_node(const struct item *it, json_t *node)
{
    const json_t *constraints = it->meta_patch ? of_model(it) : NULL;
    const char *name;
    json_t *column;
    if (it->pub.type != NODE_MODEL)
        return;
    json_put(node, "constraints",
             constraints ? json_deep_copy(constraints) : json_array());
    json_object_foreach (json_obj(node, "columns"), name, column) {
        const char *type = json_str(column, "data_type", NULL);
        if (type && contract_type(it, type) != type)
            json_put_str(column, "data_type", contract_type(it, type));
    }
}

/* ── the table as promised ── */

static int columns_and_constraints(struct build *b, struct buf *out, struct err *e)
{
    struct arena own, *mem = render_memory(b->p, &own);
    struct macro *m =
        macros_find(b->p, b->p->root, "get_table_columns_and_constraints");
    struct jv *text = NULL;
    int rc =
        m ? jinja_call_value(b->p->env, m->name, m->fn, context_new(&b->r, mem), NULL,
                             0, NULL, NULL, 0, mem, &text, e)
          : err_set(e, ERR_NOTFOUND, "get_table_columns_and_constraints is missing");
    if (rc == 0)
        jv_to_text(text, out);
    render_forget(b->p, mem);
    return rc;
}

static void add_names(const struct build *b, struct buf *out)
{
    const char *name;
    json_t *column;
    bool is_first = true;
    json_object_foreach (b->it->columns, name, column) {
        buf_adds(out, is_first ? "" : ", ");
        if (json_flag(column, "quote", false))
            wh_quote(b->w, out, NULL, name);
        else
            buf_adds(out, name);
        is_first = false;
    }
}

int contract_fill(struct build *b, const char *name, struct err *e)
{
    struct buf sql;
    buf_init(&sql, 16u << 20);
    buf_adds(&sql, "create table ");
    wh_quote(b->w, &sql, b->schema, name);
    int rc = columns_and_constraints(b, &sql, e);
    if (rc == 0 && (rc = buf_check(&sql, "contract", e)) == 0)
        rc = wh_exec_raw(b->w, buf_str(&sql), e);
    buf_reset(&sql);
    buf_adds(&sql, "insert into ");
    wh_quote(b->w, &sql, b->schema, name);
    buf_adds(&sql, " (");
    add_names(b, &sql);
    buf_adds(&sql, ") select ");
    add_names(b, &sql);
    buf_adds(&sql, " from ");
    wh_quote(b->w, &sql, WH_TEMP, name);
    if (rc == 0)
        rc = wh_exec_raw(b->w, buf_str(&sql), e);
    buf_release(&sql);
    return rc < 0 ? err_wrap(e, rc, "%s: the table of the contract", b->it->pub.path)
                  : 0;
}
