/* SQLite member: a SELECT … GROUP BY written anew over weir_group (wh_groups.c). In:
 * engine SQL. Out: a SELECT of the same rows, or nothing where the text is more than
 * keys, count, sum and avg of one table expression: such a one the engine groups. The
 * caller compiles what comes out and falls back when that fails. */
#include "warehouse/wh_sqlite.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "base/mem.h"
#include "base/vec.h"
#include "warehouse/group_table.h"
#include "warehouse/sql_token.h"

/* Tokens [from, to) of an item's expression, without its alias. */
struct item {
    size_t from, to;
    char letter; /* of the spec; 0: not known yet */
};

struct plan {
    struct sql_tokens t;
    struct arena mem;
    struct item items[GROUP_COLUMNS_MAX];
    size_t n;
    size_t from, group; /* tokens FROM and GROUP */
};

/* Words that make it more than a plain grouping, at the top level or anywhere. */
static bool is_top_stop(const struct sql_tokens *t, size_t i)
{
    static const char *const words[] = {"UNION",  "EXCEPT", "INTERSECT", "HAVING",
                                        "ORDER",  "LIMIT",  "OFFSET",    "WINDOW",
                                        "VALUES", "SELECT"};
    for (size_t k = 0; k < sizeof words / sizeof *words; k++)
        if (sql_is_word(t, i, words[k]))
            return true;
    return sql_is_kind(t, i, SQL_SEMI) || sql_is_kind(t, i, SQL_PARAMETER);
}

static bool is_stop(const struct sql_tokens *t, size_t i)
{
    return sql_is_word(t, i, "OVER") || sql_is_word(t, i, "FILTER") ||
           sql_is_word(t, i, "COLLATE");
}

static bool is_name(const struct sql_tokens *t, size_t i)
{
    return sql_is_kind(t, i, SQL_WORD) || sql_is_kind(t, i, SQL_QUOTED);
}

/* Cut "AS name" off; false when there may be an alias without AS. */
static bool cut_alias(const struct sql_tokens *t, struct item *it)
{
    size_t n = it->to - it->from;
    if (n >= 3 && is_name(t, it->to - 1) && sql_is_word(t, it->to - 2, "AS")) {
        it->to -= 2;
        return true;
    }
    if (n >= 2 && is_name(t, it->to - 1) && sql_is_kind(t, it->to - 2, SQL_CLOSE)) {
        it->to--;
        return true;
    }
    return n == 1 || !is_name(t, it->to - 1) || sql_is_kind(t, it->to - 2, SQL_DOT);
}

/* The letter of an item that is one aggregate and nothing else, 0 for others. */
static char aggregate_letter(const struct sql_tokens *t, const struct item *it)
{
    static const struct {
        const char *name;
        char letter;
    } known[] = {{"count", 'c'}, {"sum", 's'}, {"avg", 'a'}};
    size_t n = it->to - it->from, depth = 0;
    if (n < 4 || !sql_is_kind(t, it->from + 1, SQL_OPEN) ||
        sql_match(t, it->from + 1) != it->to - 1 ||
        sql_is_word(t, it->from + 2, "DISTINCT"))
        return 0;
    for (size_t i = it->from + 2; i + 1 < it->to; i++) {
        depth += sql_is_kind(t, i, SQL_OPEN);
        depth -= sql_is_kind(t, i, SQL_CLOSE);
        if (depth == 0 && (sql_is_kind(t, i, SQL_COMMA) || sql_is_word(t, i, "ORDER")))
            return 0;
    }
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (sql_is_word(t, it->from, known[i].name)) {
            bool is_star = n == 4 && sql_is_op(t, it->from + 2, "*");
            return is_star ? (known[i].letter == 'c' ? 'n' : 0) : known[i].letter;
        }
    return 0;
}

static bool add_item(struct plan *p, size_t from, size_t to)
{
    struct item it = {from, to, 0};
    if (p->n == GROUP_COLUMNS_MAX || from == to || !cut_alias(&p->t, &it))
        return false;
    it.letter = aggregate_letter(&p->t, &it);
    p->items[p->n++] = it;
    return true;
}

/* SELECT items FROM … GROUP BY …: where each begins. */
static bool read_select(struct plan *p)
{
    const struct sql_tokens *t = &p->t;
    size_t depth = 0, begin = 1;
    if (!sql_is_word(t, 0, "SELECT") || sql_is_word(t, 1, "DISTINCT") ||
        sql_is_word(t, 1, "ALL"))
        return false;
    for (size_t i = 1; i < t->n; i++) {
        if (is_stop(t, i) || (depth == 0 && is_top_stop(t, i)))
            return false;
        if (depth == 0 && !p->from &&
            (sql_is_kind(t, i, SQL_COMMA) || sql_is_word(t, i, "FROM"))) {
            if (!add_item(p, begin, i))
                return false;
            begin = i + 1;
            p->from = sql_is_word(t, i, "FROM") ? i : 0;
        } else if (depth == 0 && sql_is_word(t, i, "GROUP") &&
                   sql_is_word(t, i + 1, "BY")) {
            p->group = i;
        }
        depth += sql_is_kind(t, i, SQL_OPEN);
        depth -= sql_is_kind(t, i, SQL_CLOSE);
    }
    return p->from && p->group > p->from;
}

static bool is_same_text(const struct sql_tokens *t, const struct item *a,
                         const struct item *b)
{
    if (a->to - a->from != b->to - b->from)
        return false;
    for (size_t i = a->from, k = b->from; i < a->to; i++, k++) {
        const struct sql_token *x = &t->v[i], *y = &t->v[k];
        if (x->kind != y->kind || x->len != y->len ||
            strncasecmp(t->text + x->start, t->text + y->start, x->len) != 0 ||
            (x->kind == SQL_STRING &&
             memcmp(t->text + x->start, t->text + y->start, x->len) != 0))
            return false;
    }
    return true;
}

/* The item that a term of GROUP BY stands for: by number, or by the same text. */
static bool mark_key(struct plan *p, const struct item *term)
{
    const struct sql_tokens *t = &p->t;
    if (term->to - term->from == 1 && sql_is_kind(t, term->from, SQL_NUMBER)) {
        const struct sql_token *number = &t->v[term->from];
        char *behind;
        unsigned long n = strtoul(t->text + number->start, &behind, 10);
        if (behind != t->text + number->start + number->len || n < 1 || n > p->n ||
            p->items[n - 1].letter)
            return false;
        p->items[n - 1].letter = 'k';
        return true;
    }
    for (size_t i = 0; i < p->n; i++)
        if (p->items[i].letter == 0 && is_same_text(t, &p->items[i], term)) {
            p->items[i].letter = 'k';
            return true;
        }
    return false;
}

static bool read_keys(struct plan *p)
{
    const struct sql_tokens *t = &p->t;
    size_t depth = 0, begin = p->group + 2;
    for (size_t i = begin; i <= t->n; i++) {
        if (i == t->n || (depth == 0 && sql_is_kind(t, i, SQL_COMMA))) {
            struct item term = {begin, i, 0};
            if (begin == i || !mark_key(p, &term))
                return false;
            begin = i + 1;
        }
        depth += sql_is_kind(t, i, SQL_OPEN);
        depth -= sql_is_kind(t, i, SQL_CLOSE);
    }
    for (size_t i = 0; i < p->n; i++)
        if (!p->items[i].letter)
            return false;
    return true;
}

static void add_tokens(struct buf *out, const struct sql_tokens *t, size_t from,
                       size_t to)
{
    const struct sql_token *last = &t->v[to - 1];
    buf_add(out, t->text + t->v[from].start,
            last->start + last->len - t->v[from].start);
}

static void write_plan(const struct plan *p, struct buf *out)
{
    buf_adds(out, "SELECT ");
    for (size_t i = 0; i < p->n; i++)
        buf_addf(out, "%sc%zu", i ? ", " : "", i);
    buf_adds(out, " FROM weir_groups((SELECT weir_group('");
    for (size_t i = 0; i < p->n; i++)
        buf_addc(out, p->items[i].letter);
    buf_addc(out, '\'');
    for (size_t i = 0; i < p->n; i++) {
        const struct item *it = &p->items[i];
        if (it->letter == 'n')
            continue;
        buf_adds(out, ",\n");
        if (it->letter == 'k')
            add_tokens(out, &p->t, it->from, it->to);
        else /* what stands between the brackets */
            add_tokens(out, &p->t, it->from + 2, it->to - 1);
    }
    buf_adds(out, "\n) ");
    add_tokens(out, &p->t, p->from, p->group);
    buf_adds(out, "\n))");
}

bool lite_plan_groups(const char *select, struct buf *out)
{
    struct plan p = {0};
    arena_init(&p.mem, 0);
    bool is_plain =
        sql_tokenize(&p.t, &p.mem, select, strlen(select), true, NULL) == 0 &&
        p.t.n > 4 && read_select(&p) && read_keys(&p);
    if (is_plain)
        write_plan(&p, out);
    arena_release(&p.mem);
    return is_plain && !out->failed;
}
