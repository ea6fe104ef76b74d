/* weir compile: the SQL of models as it would run, after templates and ephemerals. In:
 * the project, the warehouse (read-only, for what templates ask it). Out: SQL to stdout
 * for one node, files under STATE/target/compiled for several. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "cmd/cmd.h"
#include "cmd/select.h"

static void make_folders(char *path)
{
    for (char *s = path + 1; *s; s++)
        if (*s == '/') {
            *s = '\0';
            mkdir(path, 0755);
            *s = '/';
        }
}

/* What is there need not be written again: a file system hurries to save a file that
 * is truncated and written anew. */
static bool is_there(const char *path, const struct buf *sql)
{
    struct stat st;
    struct buf old;
    if (stat(path, &st) < 0 || (size_t)st.st_size != sql->len)
        return false;
    buf_init(&old, sql->len + 1);
    bool is_same = buf_read_file(&old, path, NULL) == 0 && old.len == sql->len &&
                   memcmp(buf_str(&old), buf_str(sql), sql->len) == 0;
    buf_release(&old);
    return is_same;
}

static int save(char *path, const struct buf *sql, struct err *e)
{
    if (is_there(path, sql))
        return 0;
    FILE *f = fopen(path, "we");
    if (!f && errno == ENOENT) {
        make_folders(path);
        f = fopen(path, "we");
    }
    bool is_written = f && fwrite(buf_str(sql), 1, sql->len, f) == sql->len;
    bool is_closed = f && fclose(f) == 0;
    return is_written && is_closed ? 0 : err_errno(e, ERR_IO, "%s: write", path);
}

/* dbt's place for it: a generic test's is a folder called as its .yml file. Written in
 * place and without a sync: it can be made again, and there may be ten thousand. */
static int write_file(const struct sql_engine *g, const struct node *n,
                      const struct buf *sql, struct err *e)
{
    bool is_generic = n->type == NODE_TEST && n->test_name;
    char *path = mem_printf("%s/compiled/%s/%s%s%s%s", project_target_dir(g->project),
                            n->package, n->own_path, is_generic ? "/" : "",
                            is_generic ? n->alias : "", is_generic ? ".sql" : "");
    int rc = save(path, sql, e);
    if (rc == 0)
        printf("%s\n", path);
    mem_free(path);
    return rc;
}

static bool has_sql(const struct node *n)
{
    return n->type == NODE_MODEL || n->type == NODE_ANALYSIS || n->type == NODE_TEST ||
           n->type == NODE_SNAPSHOT;
}

static int compile_one(struct sql_engine *g, const struct node *n, bool to_file,
                       bool is_json, json_t *rows, struct err *e)
{
    struct buf sql;
    buf_init(&sql, 64u << 20);
    int rc = model_compile(g->project, g->w, n, &sql, e);
    if (rc == 0 && is_json) {
        json_t *row = json_object();
        json_put_str(row, "unique_id", n->unique_id);
        json_put_str(row, "compiled", buf_str(&sql));
        json_array_append_new(rows, row);
    } else if (rc == 0 && to_file) {
        rc = write_file(g, n, &sql, e);
    } else if (rc == 0) {
        printf("%s\n", buf_str(&sql));
    }
    buf_release(&sql);
    return rc;
}

/* A node that does not compile is told and does not keep the others from it. */
static int compile_all(const struct cmd_args *a, struct selected *s, json_t *rows,
                       struct err *e)
{
    int failed = 0;
    size_t n = 0;
    for (size_t i = 0; i < s->n; i++)
        n += has_sql(s->nodes[i]);
    for (size_t i = 0; i < s->n; i++) {
        struct err why = {0};
        if (!has_sql(s->nodes[i]))
            continue;
        if (compile_one(&s->engine, s->nodes[i], n > 1, a->is_json, rows, &why) == 0)
            continue;
        if (failed++ == 0)
            err_set(e, why.code, "%s", why.text);
        if (n > 1)
            fprintf(stderr, "%s\n", why.text);
    }
    if (!n)
        return err_set(e, ERR_NOTHING, "the selection has nothing to compile");
    if (failed > 1)
        return err_set(e, ERR_FAIL, "%d of %zu nodes do not compile", failed, n);
    return failed ? e->code : 0;
}

static int run(const struct cmd_args *a, struct err *e)
{
    struct selected s = {0};
    json_t *rows = json_array();
    int rc = select_nodes(a, "empty", &s, e);
    if (rc == 0 && opt_flag_or(a, "introspect", true))
        rc = sql_engine_warehouse(&s.engine, true, e);
    if (rc == 0)
        rc = compile_all(a, &s, rows, e);
    if (rc == 0 && a->is_json)
        rc = cmd_print_json(rows, e);
    json_decref(rows);
    select_release(&s);
    return rc;
}

static const struct cmd_opt opts[] = {
    SELECT_OPTIONS,
    {0},
};

const struct cmd cmd_compile = {
    .name = "compile",
    .summary = "Show the SQL that models would run.",
    .operands = "[SELECTOR…]",
    .doc =
        "One selected model goes to standard output, several to files under "
        "STATE/target/compiled, one path a line. Nothing is written to the warehouse.",
    .flags = CMD_READONLY | CMD_JSON | CMD_DBT,
    .opts = opts,
    .run = run,
};
