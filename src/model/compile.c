/* Node → SQL: the rendered template with the ephemerals it refers to as CTEs in front,
 * as dbt writes them; and errors brought back to the line of the source file. Called by
 * materialize, testing and the compile command. */
#include "model/internal.h"

#include <errno.h>
#include <sys/stat.h>
#include "base/buf.h"
#include "warehouse/sql_token.h"

static bool has_cte(const cte_list *l, const char *name)
{
    for (size_t i = 0; i < l->n; i++)
        if (streq(l->v[i].name, name))
            return true;
    return false;
}

static int collect(struct render *from, const item_list *items, cte_list *out,
                   struct err *e);

static int collect_one(struct render *from, struct item *it, cte_list *out,
                       struct err *e)
{
    struct render r = {.is_execute = true,
                       .full_refresh = from->full_refresh,
                       .built = from->built,
                       .built_schema = from->built_schema,
                       .built_name = from->built_name};
    struct buf sql;
    if (it->broken)
        return err_set(e, ERR_PARSE, "%s", it->broken);
    if (it->is_resolving)
        return err_set(e, ERR_CONFIG, "%s: the ephemeral model refers to itself",
                       it->pub.path);
    it->is_resolving = true;
    buf_init(&sql, 64u << 20);
    render_begin(&r, from->p, from->w, it);
    int rc = render_item(&r, &sql, e);
    if (rc == 0)
        rc = collect(&r, &r.ctes, out, e);
    render_end(&r);
    if (rc == 0)
        vec_push(out, ((struct cte){it->pub.alias, mem_strdup(buf_str(&sql))}));
    buf_release(&sql);
    it->is_resolving = false;
    return rc;
}

static int collect(struct render *from, const item_list *items, cte_list *out,
                   struct err *e)
{
    for (size_t i = 0; i < items->n; i++) {
        int rc = 0;
        if (!has_cte(out, items->v[i]->pub.alias))
            rc = collect_one(from, items->v[i], out, e);
        if (rc < 0)
            return rc;
    }
    return 0;
}

static void add_ctes(struct buf *out, const cte_list *l)
{
    for (size_t i = 0; i < l->n; i++)
        buf_addf(out, "%s__dbt__cte__%s as (\n%s\n)", i ? ",  " : "", l->v[i].name,
                 l->v[i].sql);
}

/* "with x as (…) select" → "with CTES, x as (…) select"; else "with CTES\nselect". */
int compile_with(struct buf *out, const struct buf *sql, const cte_list *l,
                 struct err *e)
{
    struct arena mem;
    struct sql_tokens t;
    arena_init(&mem, 0);
    int rc = sql_tokenize(&t, &mem, buf_str(sql), sql->len, false, e);
    if (rc == 0 && sql_is_word(&t, 0, "WITH")) {
        size_t k = sql_is_word(&t, 1, "RECURSIVE") ? 1 : 0;
        size_t at = t.v[k].start + t.v[k].len;
        buf_add(out, buf_str(sql), at);
        buf_addc(out, ' ');
        add_ctes(out, l);
        buf_adds(out, ",");
        buf_add(out, buf_str(sql) + at, sql->len - at);
    } else if (rc == 0) {
        buf_adds(out, "with ");
        add_ctes(out, l);
        buf_addc(out, '\n');
        buf_add(out, buf_str(sql), sql->len);
    }
    arena_release(&mem);
    return rc;
}

int compile_item(struct render *r, struct buf *sql, struct err *e)
{
    struct buf body;
    cte_list ctes = {0};
    buf_init(&body, 64u << 20);
    if (r->item->broken)
        return err_set(e, ERR_PARSE, "%s", r->item->broken);
    int rc = render_item(r, &body, e);
    if (rc == 0)
        rc = collect(r, &r->ctes, &ctes, e);
    if (rc == 0 && ctes.n)
        rc = compile_with(sql, &body, &ctes, e);
    else if (rc == 0)
        buf_add(sql, buf_str(&body), body.len);
    if (rc == 0)
        rc = buf_check(sql, "compiled SQL", e);
    for (size_t i = 0; i < ctes.n; i++)
        mem_free(ctes.v[i].sql);
    vec_release(&ctes);
    buf_release(&body);
    mem_free((char *)(uintptr_t)r->item->compiled);
    r->item->compiled = rc == 0 ? mem_strdup(buf_str(sql)) : NULL;
    r->item->compiled_us = results_now_us();
    return rc;
}

int model_compile(struct project *p, struct wh *w, const struct node *n,
                  struct buf *sql, struct err *e)
{
    const json_t *own = json_object_get(n->config, "full_refresh");
    struct render r = {.is_execute = true,
                       .full_refresh = json_is_boolean(own) ? json_is_true(own)
                                                            : p->o.full_refresh};
    if (n->type == NODE_SOURCE || n->type == NODE_SEED)
        return err_set(e, ERR_USAGE, "%s has no SQL", n->unique_id);
    render_begin(&r, p, w, item_of(n));
    int rc = compile_item(&r, sql, e);
    render_end(&r);
    return rc;
}

/* ── errors at their source ── */

static struct str line_at(const char *text, size_t n, size_t offset, size_t *column)
{
    size_t from = offset < n ? offset : n, to = from;
    while (from && text[from - 1] != '\n')
        from--;
    while (to < n && text[to] != '\n')
        to++;
    *column = offset - from;
    return (struct str){text + from, to - from};
}

/* The source's line that the compiled line came from unchanged; 0 when it has none or
 * several. */
static int same_line(const struct item *it, struct str line)
{
    const char *at = it->raw, *end = it->raw + it->raw_len;
    int number = 1, found = 0;
    for (; at <= end; number++) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        struct str own = {at, (size_t)((stop ? stop : end) - at)};
        if (str_eq(own, line)) {
            if (found)
                return 0;
            found = number;
        }
        if (!stop)
            break;
        at = stop + 1;
    }
    return found;
}

/* First place in the source of the word that stands at the compiled offset. */
static const char *same_word(const struct item *it, struct str line, size_t column)
{
    size_t n = 0;
    while (column + n < line.n &&
           (line.p[column + n] == '_' ||
            ((line.p[column + n] | 32) >= 'a' && (line.p[column + n] | 32) <= 'z') ||
            (line.p[column + n] >= '0' && line.p[column + n] <= '9')))
        n++;
    return n > 2 ? memmem(it->raw, it->raw_len, line.p + column, n) : NULL;
}

static void put_place(struct item *it, const char *message, size_t message_len,
                      size_t raw_at, int compiled_line, struct err *e)
{
    struct buf b;
    int line, column;
    sql_position(it->raw, it->raw_len, raw_at, &line, &column);
    buf_init(&b, 8192);
    buf_addf(&b, "%s:%d:%d: %.*s\n", it->pub.path, line, column, (int)message_len,
             message);
    sql_caret(&b, it->raw, it->raw_len, raw_at);
    buf_addf(&b, "\n(line %d of the compiled SQL)", compiled_line);
    err_set(e, e->code, "%s", buf_str(&b));
    buf_release(&b);
}

static size_t offset_of_line(const struct item *it, int line)
{
    size_t at = 0;
    while (line > 1 && at < it->raw_len)
        line -= it->raw[at++] == '\n';
    return at;
}

void compile_explain(struct item *it, struct wh *w, const char *sql, struct err *e)
{
    size_t at, column, n = strlen(sql);
    if (!e || !e->code)
        return;
    char *text = mem_strdup(e->text);
    const char *mark = strstr(text, " (line ");
    size_t message_len = mark ? (size_t)(mark - text) : strlen(text);
    if (!it->raw || it->test_kwargs || !wh_error_at(w, &at)) {
        err_set(e, e->code, "%s: %s", it->pub.path, text);
        mem_free(text);
        return;
    }
    struct str line = line_at(sql, n, at, &column);
    int compiled_line, ignored;
    sql_position(sql, n, at, &compiled_line, &ignored);
    int source_line = same_line(it, line);
    const char *word = source_line ? NULL : same_word(it, line, column);
    if (source_line)
        put_place(it, text, message_len, offset_of_line(it, source_line) + column,
                  compiled_line, e);
    else if (word)
        put_place(it, text, message_len, (size_t)(word - it->raw), compiled_line, e);
    else
        err_set(e, e->code, "%s: in the compiled SQL: %s", it->pub.path, text);
    mem_free(text);
}
