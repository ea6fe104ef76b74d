/* Snowflake's (or plain) spelling → SQLite's, by rewriting tokens. Pure logic but for
 * the callback that knows which views live outside their schema. */
#ifndef WAREHOUSE_TRANSLATE_H
#define WAREHOUSE_TRANSLATE_H

#include <stdbool.h>
#include <stddef.h>
#include "base/buf.h"
#include "base/err.h"

struct translate_env {
    bool is_snowflake;
    bool is_postgres; /* snowflake spelling → PostgreSQL: translate_postgres.c */
    /* schema.name is a view kept as temp."schema.name" on this connection. */
    bool (*is_far_view)(void *arg, const char *schema, const char *name);
    void *arg;
    struct buf *notes; /* statements dropped, one a line; may be NULL */
};

/* Which bytes of the output are which of the input. */
struct translate_span {
    size_t out, in, len;
};
struct translate_map {
    struct translate_span *v;
    size_t n, cap;
};

void translate_map_release(struct translate_map *m);
/* Offset in the input for one in the output. */
size_t translate_map_back(const struct translate_map *m, size_t out);

/* What was written in sql for a piece of the output: the first one behind *from that is
 * equal to name; *from moves behind it. NULL when there is none; heap. */
char *translate_written(const struct translate_map *m, const char *sql,
                        const char *output, const char *name, size_t *from);

/* map may be NULL. Appends to out; the map's offsets count from where out was. */
int translate_sql(const struct translate_env *env, const char *sql, size_t n,
                  struct buf *out, struct translate_map *map, struct err *e);

#endif
