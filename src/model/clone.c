/* Cloning: a node's relation becomes that of another environment (the state's
 * manifest), as a copy where the warehouse has them for nothing, else as a view. In:
 * what defer.c knows of the manifest. Called by materialize.c when the command is
 * clone. Always holds: what is there already is not touched without --full-refresh. */
#include "model/internal.h"

bool clone_is_asked(const struct project *p)
{
    const json_t *which = project_flag(p, "which");
    return json_is_string(which) && streq(json_string_value(which), "clone");
}

/* A template with the two relations of the clone at hand; into out. */
static int ask(struct build *b, const char *schema, const char *name, const char *text,
               struct buf *out, struct err *e)
{
    struct buf t;
    buf_init(&t, 1u << 20);
    json_t *parts = json_pack("[ss]", schema, name);
    buf_adds(&t, "{% set other = ");
    json_dump_buf(parts, JSON_COMPACT, &t, NULL);
    buf_addf(&t,
             " %%}{%% set other = api.Relation.create(database=this.database, "
             "schema=other[0], identifier=other[1], type='table') %%}%s",
             text);
    int rc = render_text(&b->r, b->it->pub.path, buf_str(&t), t.len, out, e);
    json_decref(parts);
    buf_release(&t);
    return rc;
}

/* > 0: the project's or the adapter's macro says that tables are copied for nothing. */
static int can_copy(struct build *b, const char *schema, const char *name,
                    struct err *e)
{
    struct buf out;
    if (wh_relation_type(b->w, schema, name) != WH_TABLE)
        return 0;
    buf_init(&out, 64u * 1024);
    int rc = ask(b, schema, name, "{{ can_clone_table() }}", &out, e);
    bool can = rc == 0 && strstr(buf_str(&out), "True");
    buf_release(&out);
    return rc < 0 ? rc : can;
}

static int copy(struct build *b, const char *schema, const char *name, struct err *e)
{
    struct buf sql;
    buf_init(&sql, 1u << 20);
    int rc =
        ask(b, schema, name, "{{ create_or_replace_clone(this, other) }}", &sql, e);
    if (rc == 0 && b->existing == WH_VIEW)
        rc = wh_drop(b->w, b->schema, b->alias, e);
    if (rc == 0) {
        materialize_write(b, "run", buf_str(&sql));
        rc = wh_exec(b->w, buf_str(&sql), e);
    }
    buf_release(&sql);
    return rc;
}

static int no_op(struct build *b, const char *why)
{
    snprintf(b->result->message, sizeof b->result->message, "No-op: %s.%s %s",
             b->schema, b->alias, why);
    return 0;
}

int clone_run(struct build *b, struct err *e)
{
    const char *schema, *name;
    bool is_anew = b->o->full_refresh || b->p->o.full_refresh;
    if (!defer_other(b->p, b->it, &schema, &name))
        return no_op(b, "is not in the state's manifest");
    if (b->existing != WH_ABSENT && !is_anew)
        return no_op(b, "is here already");
    if (streq(schema, b->schema) && streq(name, b->alias))
        return no_op(b, "is the state's own relation");
    int rc = wh_schema_ensure(b->w, schema, e);
    if (rc == 0)
        rc = can_copy(b, schema, name, e);
    snprintf(b->result->message, sizeof b->result->message, "%s %s.%s of %s.%s",
             rc > 0 ? "copy" : "view", b->schema, b->alias, schema, name);
    if (rc > 0)
        return copy(b, schema, name, e);
    if (rc < 0)
        return rc;
    rc = ask(b, schema, name, "select * from {{ other }}", &b->sql, e);
    b->is_cloned = true;
    return rc == 0 ? materialize_as_view(b, e) : rc;
}
