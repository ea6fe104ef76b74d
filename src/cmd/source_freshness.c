/* weir source freshness: how old the dbt sources are, against their warn_after and
 * error_after. In: the models project, one query a source. Out: a table, and
 * STATE/target/sources.json. Called by cmd_source.c. */
#include "cmd/source_freshness.h"

#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/timeutil.h"
#include "cmd/select.h"

/* A row of the table made of a result of sources.json. */
static json_t *table_row(const struct node *n, const json_t *result)
{
    char ago[32];
    json_t *row = json_object();
    char *name = mem_printf("%s.%s", n->source_name ? n->source_name : "", n->name);
    bool is_known = json_object_get(result, "max_loaded_at") != NULL;
    double s = json_num(result, "max_loaded_at_time_ago_in_s", 0);
    json_put_str(row, "source", name);
    json_put_str(row, "status", json_str(result, "status", ""));
    json_put_str(row, "newest", json_str(result, "max_loaded_at", ""));
    json_put_str(row, "age",
                 is_known ? time_format_duration((int64_t)(s * 1000), ago) : "");
    json_put_str(row, "detail", json_str(result, "error", ""));
    mem_free(name);
    return row;
}

static int judge(const struct cmd_args *a, struct selected *s, struct err *e)
{
    static const struct cmd_column columns[] = {{"source", "SOURCE", COL_TEXT},
                                                {"status", "STATUS", COL_TEXT},
                                                {"newest", "NEWEST", COL_TEXT},
                                                {"age", "AGE", COL_TEXT},
                                                {"detail", "DETAIL", COL_TEXT}};
    json_t *results = json_array(), *rows = json_array();
    int64_t start = time_mono_ms();
    int status = 3;
    for (size_t i = 0; i < s->n; i++) {
        if (!project_has_freshness(s->nodes[i]))
            continue;
        json_t *r = project_freshness(s->engine.project, s->engine.w, s->nodes[i]);
        const char *verdict = json_str(r, "status", "");
        bool is_bad = !streq(verdict, "pass") && !streq(verdict, "warn");
        status = is_bad || status == 1 ? 1 : 0;
        json_array_append_new(rows, table_row(s->nodes[i], r));
        json_array_append_new(results, r);
    }
    int rc = project_write_sources(s->engine.project, results,
                                   (double)(time_mono_ms() - start) / 1000, e);
    if (rc == 0)
        rc = a->is_json ? cmd_print_json(results, e)
                        : cmd_print_rows(a, rows, columns, 5, e);
    json_decref(results);
    json_decref(rows);
    return rc < 0 ? rc : status;
}

int source_freshness(const struct cmd_args *a, struct err *e)
{
    struct selected s = {0};
    int rc = select_nodes(a, "empty", &s, e);
    if (rc == 0)
        rc = sql_engine_warehouse(&s.engine, true, e);
    if (rc == 0)
        rc = judge(a, &s, e);
    select_release(&s);
    return rc;
}
