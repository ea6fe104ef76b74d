/* Readers of values, one shape for all, so that types are a table (values.c). Inside
 * the room conf. */
#ifndef CONF_VALUES_H
#define CONF_VALUES_H

#include "conf/load.h"

/* Where a value goes: its row, its path in weir.yml, the entry's struct, the field. */
struct place {
    const struct conf_row *row;
    const char *path;
    void *base, *field;
};
#define STORE_ARGS struct load *l, const struct place *at, const struct tree *t

/* {env: NAME} and {file: PATH} become a scalar in *scalar; *out is it or the node. */
int load_resolve(struct load *l, const struct tree *t, const char *path,
                 struct tree *scalar, const struct tree **out);
/* ERR_CONFIG: text is not of the row's type or range. */
int value_wrong(struct load *l, const struct conf_row *r, const struct tree *t,
                const char *path, const char *text);
/* Which of the row's choices text is. */
int value_choice(struct load *l, const struct conf_row *r, const struct tree *t,
                 const char *path, const char *text, const char **choice, int *index);
/* Number of a text in the unit of the type (ms, bytes, cents). */
bool value_number(enum conf_type type, const char *text, int64_t *v);
bool value_in_range(const struct conf_row *r, int64_t v);
bool value_looks_secret(const char *name);
/* A node as JSON text in the arena; plain scalars that are JSON stay so. */
int value_json(struct load *l, const struct tree *t, const char **out);

int value_store_list(STORE_ARGS);
int value_store_servers(STORE_ARGS);
int value_store_durations(STORE_ARGS);
int value_store_tables(STORE_ARGS);
int value_store_properties(STORE_ARGS);
int value_store_pairs(STORE_ARGS);

#endif
