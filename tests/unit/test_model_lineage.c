/* Column lineage: SQL of every shape against the columns it must be read as. A case is
 * a query and its columns, "name=origin,origin;…", in order; "!" marks a copy, "*rel" a
 * relation whose columns come along unseen. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>
#include <strings.h>
#include "base/buf.h"
#include "model/lineage.h"
#include "model_fixture.h"

struct table {
    const char *name;
    const char *const columns[5];
    bool is_open;
};

static struct table tables[] = {{"a", {"id", "x", "y"}, false},
                                {"b", {"id", "z", "when_made"}, false},
                                {"raw", {"known"}, true}};

static void *find(void *arg, const char *const *parts, size_t n)
{
    (void)arg;
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
        if (strcasecmp(tables[i].name, parts[0]) == 0 &&
            (n == 1 || strcasecmp(parts[1], "s") == 0))
            return &tables[i];
    return NULL;
}

static bool columns(void *arg, void *relation, const char *const **names, size_t *n)
{
    const struct table *t = relation;
    (void)arg;
    *names = t->columns;
    for (*n = 0; t->columns[*n];)
        ++*n;
    return t->is_open;
}

static const struct {
    const char *sql, *columns;
} cases[] = {
    {"select id, x as n from a", "id=!a.id;n=!a.x"},
    {"select a.id, z from s.a join s.b on a.id = b.id", "id=!a.id;z=!b.z"},
    {"select x + y total from a", "total=a.x,a.y"},
    {"select sum(x) from a group by y having max(y) > 1", "sum(x)=a.x"},
    {"select * from a", "id=!a.id;x=!a.x;y=!a.y"},
    {"select t.*, b.z from a t, b", "id=!a.id;x=!a.x;y=!a.y;z=!b.z"},
    {"select * exclude (x) from a", "id=!a.id;y=!a.y"},
    {"select * except (id, y) from a", "x=!a.x"},
    {"select * replace (x * 2 as x) from a", "id=!a.id;x=a.x;y=!a.y"},
    {"with c as (select id, x * 2 as w from a) select id, w from c", "id=!a.id;w=a.x"},
    {"with c(k, v) as (select id, x from a) select v from c", "v=!a.x"},
    {"with c as (select * from raw) select c.new, known from c",
     "new=!raw.new;known=!raw.known"},
    {"select * from raw", "known=!raw.known;*raw"},
    {"select id from a union all select z from b", "id=!a.id,b.z"},
    {"(select id from a) union (select x from a order by 1 limit 3)", "id=!a.id,a.x"},
    {"with recursive t(n) as (select id from a union all select n + 1 from t) select n "
     "from t",
     "n=a.id"},
    {"select (select max(z) from b where b.id = a.id) m from a", "m=b.z"},
    {"select case when x > 1 then y else 0 end as c from a", "c=a.x,a.y"},
    {"select cast(x as decimal(10, 2)) d, y::text as t from a", "d=a.x;t=a.y"},
    {"select date_trunc(month, when_made) m, extract(year from when_made) y from b",
     "m=b.when_made;y=b.when_made"},
    {"select when_made + interval '1 day' t, when_made at time zone 'UTC' u from b",
     "t=b.when_made;u=b.when_made"},
    {"select row_number() over (partition by x order by y desc) rn from a",
     "rn=a.x,a.y"},
    {"select i.price from a, unnest(a.x) i", "price=a.x"},
    {"select i.price from a cross join lateral f(x, y => 1) as i", "price=a.x"},
    {"select x from (select id as x from a) q", "x=!a.id"},
    {"select q.x from (a join b using (id)) join (select y as x from a) q on true",
     "x=!a.y"},
    {"select column1 as v from (values (1, 2), (3, 4)) t", "v="},
    {"select v from (values (1, 2)) t(u, v)", "v="},
    {"select \"X\" as \"Odd name\", [y] from a", "Odd name=!a.x;[y]=a.y"},
    {"select x as one, one + y as two from a", "one=!a.x;two=a.x,a.y"},
    {"select count(*) n, count(distinct x) d from a", "n=;d=a.x"},
    {"select x is distinct from y as changed from a", "changed=a.x,a.y"},
    {"select /* from b */ x -- , y\n from a;", "x=!a.x"},
    {"select unknown, x from a, elsewhere e where e.k = 1", "unknown=!;x=!a.x"},
    {"select left(x, 2) l, replace(y, 'a', 'b') r from a", "l=a.x;r=a.y"},
    {"select 1 as one, null as nothing", "one=;nothing="},
    {"select distinct on (x) x, y from a order by y", "x=!a.x;y=!a.y"},
};

static void describe(const struct lineage_query *q, struct buf *out)
{
    for (size_t i = 0; i < q->n; i++) {
        const struct lineage_column *c = &q->columns[i];
        buf_addf(out, "%s%s=%s", i ? ";" : "", c->name,
                 c->kind == LINEAGE_COPY ? "!" : "");
        for (size_t k = 0; k < c->n_from; k++)
            buf_addf(out, "%s%s.%s", k ? "," : "",
                     ((struct table *)c->from[k].relation)->name, c->from[k].column);
    }
    for (size_t i = 0; i < q->n_open; i++)
        buf_addf(out, "%s*%s", q->n ? ";" : "", ((struct table *)q->open[i])->name);
}

static int read_sql(struct arena *mem, const char *sql, struct lineage_query *q,
                    struct err *e)
{
    struct lineage_catalog catalog = {NULL, find, columns};
    return lineage_read(mem, sql, strlen(sql), &catalog, q, e);
}

static void shapes_of_sql(void **state)
{
    (void)state;
    int wrong = 0;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct arena mem;
        struct err e = {0};
        struct lineage_query q;
        struct buf b;
        arena_init(&mem, 0);
        buf_init(&b, 1 << 16);
        int rc = read_sql(&mem, cases[i].sql, &q, &e);
        describe(&q, &b);
        if (rc < 0 || strcasecmp(buf_str(&b), cases[i].columns) != 0) {
            print_error("%s\n   is %s%s\n   not %s\n", cases[i].sql,
                        rc < 0 ? e.text : "", buf_str(&b), cases[i].columns);
            wrong++;
        }
        buf_release(&b);
        arena_release(&mem);
    }
    assert_int_equal(wrong, 0);
}

static void bad_sql_is_named_with_its_place(void **state)
{
    (void)state;
    static const struct {
        const char *sql, *says;
    } bad[] = {{"select x from", "a table is expected here"},
               {"delete from a", "SELECT is expected here (line 1, column 1)"},
               {"select x\nfrom a join ) b", "a table is expected here (line 2"},
               {"with c (select 1) x", ""},
               {"select 'open", "is not closed (line 1, column 8)"},
               {"", "SELECT is expected here"},
               {"with c as", "the query of a CTE is expected here"}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct arena mem;
        struct err e = {0};
        struct lineage_query q;
        arena_init(&mem, 0);
        int rc = read_sql(&mem, bad[i].sql, &q, &e);
        if (*bad[i].says) {
            assert_int_equal(rc, ERR_PARSE);
            assert_non_null(strstr(e.text, bad[i].says));
        }
        arena_release(&mem);
    }
}

static void deep_nesting_is_an_error(void **state)
{
    (void)state;
    struct arena mem;
    struct err e = {0};
    struct lineage_query q;
    struct buf b;
    arena_init(&mem, 0);
    buf_init(&b, 1 << 20);
    for (int i = 0; i < 5000; i++)
        buf_adds(&b, "select * from (");
    buf_adds(&b, "select 1");
    for (int i = 0; i < 5000; i++)
        buf_adds(&b, ") t");
    assert_int_equal(read_sql(&mem, buf_str(&b), &q, &e), ERR_LIMIT);
    buf_release(&b);
    arena_release(&mem);
}

/* ── across a project ────────────────────────────────────────────────────────────── */

static void expect_tree(struct lineage *l, const struct shop *s, const char *node,
                        const char *column, bool is_down, const char *wanted)
{
    const struct node *n = project_find(s->p, node);
    assert_non_null(n);
    json_t *tree = lineage_tree(l, n, column, is_down, -1);
    struct buf b;
    buf_init(&b, 1 << 16);
    for (json_t *t = tree; t; t = json_array_get(json_object_get(t, "columns"), 0))
        buf_addf(&b, "%s%s", t == tree ? "" : " < ",
                 json_string_value(json_object_get(t, "column")));
    assert_string_equal(buf_str(&b), wanted);
    buf_release(&b);
    json_decref(tree);
}

static void columns_are_followed_through_the_project(void **state)
{
    struct shop *s = *state;
    struct err e = {0};
    put(s, "dbt_project.yml", "name: tiny\nversion: '1'\n");
    put(s, "models/s.yml", "sources: [{name: shop, tables: [{name: orders}]}]\n");
    put(s, "models/stg.sql", "select * from {{ source('shop', 'orders') }}");
    put(s, "models/mid.sql",
        "{{ config(materialized='ephemeral') }} select id, price * qty as amount from "
        "{{ ref('stg') }}");
    put(s, "models/mart.sql",
        "select id as k, sum(amount) as total from {{ ref('mid') }} group by 1");
    put(s, "models/broken.sql", "select from where");
    assert_int_equal(shop_load(s, NULL, NULL, &e), 0);
    struct lineage *l = lineage_open(s->p);
    expect_tree(l, s, "model.tiny.mart", "total", false,
                "mart.total < mid.amount < stg.price < shop.orders.price");
    expect_tree(l, s, "source.tiny.shop.orders", "qty", true,
                "shop.orders.qty < stg.qty < mid.amount < mart.total");
    assert_true(lineage_has(l, project_find(s->p, "model.tiny.stg"), "any", false));
    assert_false(lineage_has(l, project_find(s->p, "model.tiny.mart"), "any", false));
    assert_int_equal(lineage_n_warnings(l), 0);
    lineage_columns(l, project_find(s->p, "model.tiny.broken"));
    assert_int_equal(lineage_n_warnings(l), 1);
    assert_non_null(strstr(lineage_warning(l, 0), "broken: "));
    lineage_free(l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shapes_of_sql),
        cmocka_unit_test(bad_sql_is_named_with_its_place),
        cmocka_unit_test(deep_nesting_is_an_error),
        cmocka_unit_test_setup_teardown(columns_are_followed_through_the_project,
                                        shop_setup, shop_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
