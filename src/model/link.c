/* How the nodes hang together once all are parsed: disabled ones leave, edges must lead
 * somewhere, no relation is made twice, tests go to the node they are judged with.
 * Called by project_load. */
#include "model/internal.h"

#include <stdio.h>

static void drop_latest(struct project *p, const struct item *it)
{
    char key[512];
    snprintf(key, sizeof key, "%s.%s", it->pub.package, it->pub.name);
    if (it->pub.version && map_get(&p->latest, key) == it)
        map_del(&p->latest, key);
}

static void drop_disabled(struct project *p)
{
    size_t n = 0;
    for (size_t i = 0; i < p->items.n; i++) {
        struct item *it = p->items.v[i];
        if (it->pub.is_enabled) {
            p->items.v[n++] = it;
            continue;
        }
        map_del(&p->by_id, it->pub.unique_id);
        if (map_get(&p->by_name, it->pub.name) == it)
            map_del(&p->by_name, it->pub.name);
        drop_latest(p, it);
        vec_push(&p->disabled, it);
    }
    p->items.n = n;
}

static void check_links(struct project *p)
{
    for (size_t i = 0; i < p->items.n; i++) {
        struct item *it = p->items.v[i];
        for (size_t k = 0; k < it->deps.n; k++) {
            if (map_has(&p->by_id, it->deps.v[k]))
                continue;
            char why[400];
            snprintf(why, sizeof why, "%s: depends on %s, which is disabled",
                     it->pub.path, it->deps.v[k]);
            item_break(p, it, why);
        }
    }
}

static int check_relations(struct project *p, struct err *e)
{
    struct map seen;
    int rc = 0;
    map_init(&seen);
    for (size_t i = 0; rc == 0 && i < p->items.n; i++) {
        struct item *it = p->items.v[i];
        if (!item_is_refable(it->pub.type) || streq(it->pub.materialized, "ephemeral"))
            continue;
        char *key = mem_printf("%s.%s", it->pub.schema, it->pub.alias);
        const struct item *other = map_put(&seen, key, it);
        if (other)
            rc = err_set(e, ERR_CONFIG,
                         "%s and %s both make the relation %s; give one an alias",
                         other->pub.path, it->pub.path, key);
        mem_free(key);
    }
    map_release(&seen);
    return rc;
}

/* NULL-terminated views of the lists, for struct node. */
static void publish_lists(struct project *p)
{
    for (size_t i = 0; i < p->items.n; i++) {
        struct item *it = p->items.v[i];
        vec_push(&it->fqn, NULL);
        it->fqn.n--;
        vec_push(&it->tags, NULL);
        it->tags.n--;
        vec_push(&it->deps, NULL);
        it->deps.n--;
        it->pub.fqn = it->fqn.v;
        it->pub.tags = it->tags.v;
        it->pub.depends_on = it->deps.v;
        if (it->pub.type == NODE_TEST)
            it->pub.severity = json_str(it->pub.config, "severity", "ERROR");
    }
}

static bool reaches(struct project *p, const char *from, const char *to, int depth)
{
    const struct item *it = map_get(&p->by_id, from);
    if (streq(from, to))
        return true;
    for (size_t i = 0; it && depth < 200 && i < it->deps.n; i++)
        if (reaches(p, it->deps.v[i], to, depth + 1))
            return true;
    return false;
}

/* A test belongs to the node that all its other parents are ancestors of: it is judged
 * on what that node is about to publish. */
static void own_tests(struct project *p)
{
    for (size_t i = 0; i < p->items.n; i++) {
        struct item *t = p->items.v[i];
        if (t->pub.type != NODE_TEST)
            continue;
        for (size_t k = 0; k < t->deps.n; k++) {
            struct item *node = map_get(&p->by_id, t->deps.v[k]);
            bool is_last = node && node->pub.type != NODE_SOURCE &&
                           !streq(node->pub.materialized, "ephemeral");
            for (size_t j = 0; is_last && j < t->deps.n; j++)
                is_last = j == k || (reaches(p, t->deps.v[k], t->deps.v[j], 0) &&
                                     !streq(t->deps.v[k], t->deps.v[j]));
            if (!is_last)
                continue;
            t->pub.attached = node->pub.unique_id;
            vec_push(&node->tests, t);
            break;
        }
    }
}

/* ── cycles ── */

enum { NEW, OPEN, DONE };

struct step {
    struct item *it;
    size_t next; /* dependency to look at */
};
typedef VEC(struct step) trail;

/* "x -> y -> x", with the file of each. */
static int cycle_found(const trail *t, const struct item *back, struct err *e)
{
    struct buf b;
    size_t from = 0;
    buf_init(&b, ERR_TEXT_MAX);
    while (t->v[from].it != back)
        from++;
    buf_addf(&b,
             "%s:1:1: the models depend on each other in a circle: ", back->pub.path);
    for (size_t i = from; i < t->n; i++)
        buf_addf(&b, "%s -> ", t->v[i].it->pub.name);
    buf_addf(&b, "%s; take one of these refs out:", back->pub.name);
    for (size_t i = from; i < t->n; i++)
        buf_addf(&b, " %s", t->v[i].it->pub.path);
    int rc = err_set(e, ERR_CONFIG, "%s", buf_str(&b));
    buf_release(&b);
    return rc;
}

static int walk_from(struct project *p, struct item *it, trail *t, struct err *e)
{
    t->n = 0;
    vec_push(t, ((struct step){it, 0}));
    it->visit = OPEN;
    while (t->n) {
        struct step *s = &t->v[t->n - 1];
        if (s->next == s->it->deps.n) {
            s->it->visit = DONE;
            t->n--;
            continue;
        }
        struct item *up = map_get(&p->by_id, s->it->deps.v[s->next++]);
        if (up && up->visit == OPEN)
            return cycle_found(t, up, e);
        if (up && up->visit == NEW) {
            up->visit = OPEN;
            vec_push(t, ((struct step){up, 0}));
        }
    }
    return 0;
}

static int check_cycles(struct project *p, struct err *e)
{
    trail t = {0};
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < p->items.n; i++)
        if (p->items.v[i]->visit == NEW)
            rc = walk_from(p, p->items.v[i], &t, e);
    vec_release(&t);
    return rc;
}

int link_check(struct project *p, struct err *e)
{
    drop_disabled(p);
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < p->items.n; i++)
        rc = contract_link(p, p->items.v[i], e);
    check_links(p);
    if (rc == 0)
        rc = groups_check(p, e);
    if (rc == 0)
        rc = check_cycles(p, e);
    return rc == 0 ? check_relations(p, e) : rc;
}

void link_finish(struct project *p)
{
    publish_lists(p);
    own_tests(p);
}
