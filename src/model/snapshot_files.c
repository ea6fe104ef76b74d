/* Where snapshots are declared: {% snapshot %} blocks of .sql files in the snapshot
 * folders, and entries with a relation in the .yml files (dbt 1.9). Each becomes an
 * item like a model; snapshot.c runs it. Called while the project loads. */
#include "model/internal.h"
#include "model/place.h"

static int add_snapshot(struct project *p, struct item *it, struct err *e)
{
    it->pub.alias = it->pub.name;
    return item_add(
        p, it, arena_printf(&p->mem, "snapshot.%s.%s", it->package->name, it->pub.name),
        e);
}

static int add_block(struct project *p, struct package *pk, const struct jinja_def *d,
                     const char *file, const char *shown, const char *rel,
                     const char *checksum, struct err *e)
{
    struct item *it = item_new(p, pk, NODE_SNAPSHOT);
    it->pub.name = arena_strdup(&p->mem, d->name);
    it->pub.path = shown;
    it->file = file;
    it->rel = rel;
    it->raw = arena_strndup(&p->mem, d->body, d->body_len);
    it->raw_len = d->body_len;
    it->checksum = checksum;     /* of the file, as in dbt */
    names_fqn(p, it, rel, NULL); /* of snapshots alone, the file's name is part */
    vec_push(&it->fqn, it->pub.name);
    return add_snapshot(p, it, e);
}

int snapshots_read(struct project *p, struct package *pk, const char *path,
                   const char *shown, const char *rel, struct err *e)
{
    struct jinja_template *t;
    struct err why = {0};
    const char *text, *file = arena_strdup(&p->mem, path);
    size_t n;
    int rc = files_read(p, path, &text, &n, &why);
    if (rc == 0 && (rc = jinja_compile(p->env, shown, text, n, &t, &why)) < 0)
        place_show(&why, shown, text, n);
    if (rc < 0) { /* nobody can say which snapshots the file would have had */
        project_fault(p, "%s", why.text);
        return 0;
    }
    vec_push(&p->templates, t);
    rel = arena_strdup(&p->mem, rel);
    for (size_t i = 0; rc == 0 && i < jinja_n_defs(t); i++)
        if (streq(jinja_def(t, i)->kind, "snapshot"))
            rc = add_block(p, pk, jinja_def(t, i), file, shown, rel,
                           item_checksum(p, text, n), e);
    return rc;
}

int snapshots_declare(struct project *p, struct package *pk, const char *shown,
                      const char *rel, json_t *body, struct err *e)
{
    const char *relation = json_str(body, "relation", NULL);
    const char *name = json_str(body, "name", NULL);
    if (!relation || !name)
        return 0;
    struct item *it = item_new(p, pk, NODE_SNAPSHOT);
    it->pub.name = arena_strdup(&p->mem, name);
    it->pub.path = shown;
    it->rel = rel;
    it->raw = arena_printf(&p->mem, "select * from {{ %s }}", relation);
    it->raw_len = strlen(it->raw);
    it->checksum = item_checksum(p, it->raw, it->raw_len);
    names_fqn(p, it, rel, it->pub.name);
    return add_snapshot(p, it, e);
}
