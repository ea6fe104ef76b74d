/* Figures of a source and the commit metadata they travel in.
 *
 * in: counts and a plugin's checkpoint. out: one JSON text, and back. Called by the
 * ingest loop and by `weir source ls`. */
#include "ingest/counts.h"

#include <stdlib.h>
#include "base/json.h"
#include "base/str.h"

static struct count_row *row_of(struct count_list *l, const char *name)
{
    for (size_t i = 0; i < l->n; i++) {
        if (streq(l->rows[i].name, name))
            return &l->rows[i];
    }
    if (l->n == COUNTS_NAMES_MAX)
        return &l->rows[l->n - 1];
    struct count_row *r = &l->rows[l->n++];
    str_copy(r->name, sizeof(r->name), l->n == COUNTS_NAMES_MAX ? "other" : name);
    r->n = 0;
    return r;
}

void counts_add(struct count_list *l, const char *name, int64_t by)
{
    char cut[COUNTS_NAME_SIZE];
    str_copy(cut, sizeof(cut), name);
    row_of(l, cut)->n += by;
}

int64_t counts_total(const struct count_list *l)
{
    int64_t sum = 0;
    for (size_t i = 0; i < l->n; i++)
        sum += l->rows[i].n;
    return sum;
}

json_t *counts_object(const struct count_list *l)
{
    json_t *o = json_object();
    for (size_t i = 0; i < l->n; i++)
        json_put_i64(o, l->rows[i].name, l->rows[i].n);
    return o;
}

int counts_write(const struct counts *c, const char *checkpoint, char *out, size_t size,
                 struct err *e)
{
    json_t *o = json_object();
    json_put_i64(o, "v", 1);
    json_put_str(o, "cp", checkpoint);
    json_put_i64(o, "in", c->in);
    json_put_i64(o, "masked", c->masked);
    json_put_i64(o, "bytes", c->bytes);
    json_put(o, "rej", counts_object(&c->rejected));
    json_put(o, "cnt", counts_object(&c->other));
    size_t n = json_dumpb(o, out, size - 1, JSON_COMPACT);
    json_decref(o);
    if (n == 0 || n >= size)
        return err_set(e, ERR_LIMIT, "checkpoint and counts have %zu bytes, %zu fit", n,
                       size - 1);
    out[n] = 0;
    return 0;
}

static void read_list(struct count_list *l, const json_t *o)
{
    const char *name;
    json_t *v;
    json_object_foreach ((json_t *)(uintptr_t)o, name, v)
        counts_add(l, name, json_integer_value(v));
}

int counts_read(struct counts *c, char *checkpoint, size_t size, const char *metadata,
                struct err *e)
{
    json_t *o = NULL;
    *c = (struct counts){0};
    checkpoint[0] = 0;
    int rc = json_load_text(metadata, strlen(metadata), &o, e);
    if (rc < 0)
        return rc;
    if (json_i64(o, "v", 0) != 1 ||
        !str_copy(checkpoint, size, json_str(o, "cp", ""))) {
        json_decref(o);
        return err_set(e, ERR_CORRUPT, "committed checkpoint not understood: %.100s",
                       metadata);
    }
    c->in = json_i64(o, "in", 0);
    c->masked = json_i64(o, "masked", 0);
    c->bytes = json_i64(o, "bytes", 0);
    read_list(&c->rejected, json_obj(o, "rej"));
    read_list(&c->other, json_obj(o, "cnt"));
    json_decref(o);
    return 0;
}
