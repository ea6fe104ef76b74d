/* Dialect translation: driver and output. In: SQL as people and models write it. Out:
 * SQL for SQLite and a map of positions, so that an error points into the text that was
 * given. Strings, quoted names and comments are copied byte by byte. Called by
 * wh_sqlite.c. */
#include "warehouse/translate.h"

#include <string.h>
#include "base/vec.h"
#include "warehouse/translate_rules.h"

void translate_map_release(struct translate_map *m)
{
    mem_free(m->v);
    *m = (struct translate_map){0};
}

size_t translate_map_back(const struct translate_map *m, size_t out)
{
    size_t lo = 0, hi = m->n;
    if (!m->n)
        return out;
    while (hi - lo > 1) {
        size_t mid = lo + (hi - lo) / 2;
        if (m->v[mid].out <= out)
            lo = mid;
        else
            hi = mid;
    }
    size_t delta = out > m->v[lo].out ? out - m->v[lo].out : 0;
    return m->v[lo].in + (delta < m->v[lo].len ? delta : m->v[lo].len);
}

char *translate_written(const struct translate_map *m, const char *sql,
                        const char *output, const char *name, size_t *from)
{
    const char *at = *name ? strstr(output + *from, name) : NULL;
    if (!at)
        return NULL;
    size_t out = (size_t)(at - output), n = strlen(name);
    size_t start = translate_map_back(m, out), end = translate_map_back(m, out + n);
    *from = out + n;
    while (end > start && strchr(" \t\r\n", sql[end - 1]))
        end--;
    return end > start ? mem_strndup(sql + start, end - start) : NULL;
}

static void copy_span(struct buf *out, struct translate_map *map, size_t base,
                      const char *text, size_t in, size_t n)
{
    if (map && n)
        vec_push(map, ((struct translate_span){out->len - base, in, n}));
    buf_add(out, text + in, n);
}

static void emit_token(const struct translator *tr, size_t i, struct buf *out,
                       struct translate_map *map, size_t base)
{
    const struct sql_token *k = &tr->t.v[i];
    const struct piece *p = &tr->p[i];
    if (map && (p->pre || p->repl))
        vec_push(map, ((struct translate_span){out->len - base, k->start, 0}));
    if (p->pre)
        buf_adds(out, p->pre);
    if (p->repl)
        buf_adds(out, p->repl);
    else
        copy_span(out, map, base, tr->t.text, k->start, k->len);
    if (p->post)
        buf_adds(out, p->post);
}

static void emit_all(const struct translator *tr, struct buf *out,
                     struct translate_map *map)
{
    size_t base = out->len, at = 0;
    for (size_t i = 0; i < tr->t.n; i++) {
        const struct sql_token *k = &tr->t.v[i];
        copy_span(out, map, base, tr->t.text, at, k->start - at);
        emit_token(tr, i, out, map, base);
        at = k->start + k->len;
    }
    copy_span(out, map, base, tr->t.text, at, tr->t.n_text - at);
}

/* Last token of the statement that begins at i (its semicolon not included). */
static size_t statement_end(const struct sql_tokens *t, size_t i)
{
    while (i + 1 < t->n && t->v[i + 1].kind != SQL_SEMI)
        i++;
    return i;
}

static bool is_noop(const struct translator *tr, size_t i)
{
    const struct sql_tokens *t = &tr->t;
    if (tr->env->is_postgres)
        return sql_is_word(t, i, "USE") ||
               (sql_is_word(t, i, "ALTER") && (sql_is_word(t, i + 1, "SESSION") ||
                                               sql_is_word(t, i + 1, "WAREHOUSE")));
    if (sql_is_word(t, i, "GRANT") || sql_is_word(t, i, "REVOKE"))
        return true;
    if (!tr->env->is_snowflake)
        return false;
    return sql_is_word(t, i, "USE") || sql_is_word(t, i, "COMMENT") ||
           (sql_is_word(t, i, "ALTER") &&
            (sql_is_word(t, i + 1, "SESSION") || sql_is_word(t, i + 1, "WAREHOUSE")));
}

static void note_statement(struct translator *tr, size_t from, size_t to)
{
    struct buf *b = tr->env->notes;
    if (!b)
        return;
    for (size_t i = from; i <= to; i++) {
        if (i > from && tr->t.v[i].start > tr->t.v[i - 1].start + tr->t.v[i - 1].len)
            buf_addc(b, ' ');
        buf_add(b, tr->t.text + tr->t.v[i].start, tr->t.v[i].len);
    }
    buf_addc(b, '\n');
}

static void apply_rules(struct translator *tr)
{
    bool is_start = true;
    for (size_t i = 0; i < tr->t.n; i++) {
        if (is_start && is_noop(tr, i)) {
            size_t end = statement_end(&tr->t, i);
            note_statement(tr, i, end);
            translate_drop(tr, i, end);
            i = end;
        } else if (tr->env->is_postgres) {
            translate_postgres(tr, i);
        } else if (!tr->p[i].repl) {
            translate_operator(tr, i);
            translate_rule(tr, i);
        }
        is_start = tr->t.v[i].kind == SQL_SEMI;
    }
}

int translate_sql(const struct translate_env *env, const char *sql, size_t n,
                  struct buf *out, struct translate_map *map, struct err *e)
{
    struct arena mem;
    struct translator tr = {.env = env, .mem = &mem};
    arena_init(&mem, 0);
    int rc = sql_tokenize(&tr.t, &mem, sql, n, !env->is_snowflake, e);
    if (rc == 0) {
        tr.p = arena_alloc(&mem, (tr.t.n + 1) * sizeof *tr.p);
        apply_rules(&tr);
        emit_all(&tr, out, map);
        rc = buf_check(out, "SQL statement", e);
    }
    arena_release(&mem);
    return rc;
}
