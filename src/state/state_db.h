/* Inside state/: the handle and the one way every statement runs. */
#ifndef STATE_STATE_DB_H
#define STATE_STATE_DB_H

#include "state/state.h"

/* Declared here so that the vendor's header stays in the .c files. */
typedef struct sqlite3 sqlite3;
typedef struct sqlite3_stmt sqlite3_stmt;

struct state {
    sqlite3 *db;
    char *path;
    bool is_readonly;
};

/* Prepare and bind. types: one letter per argument: 's' const char * (NULL: null),
 * 'i' int64_t, 'd' double, 'j' const json_t * (NULL: null). */
int state_prepare(struct state *s, sqlite3_stmt **out, struct err *e, const char *sql,
                  const char *types, ...);
/* 1 row, 0 done, negative. */
int state_step(struct state *s, sqlite3_stmt *st, struct err *e);
/* Run to the end without rows; returns how many rows changed, or negative. */
int state_exec(struct state *s, struct err *e, const char *sql, const char *types, ...);
/* Column i as a JSON value; text columns named in is_json hold JSON. */
json_t *state_column_json(sqlite3_stmt *st, int i);
/* Every row of a query as an object by column name: *out is a new array, or NULL.
 * Columns whose name ends in "_json" are parsed and lose that ending. */
int state_query(struct state *s, json_t **out, struct err *e, const char *sql,
                const char *types, ...);
int state_failed(struct state *s, struct err *e, const char *what);

/* Fault injection (tests): the n-th following statement step fails as a full disk
 * would; 0 turns it off. Returns how many steps were counted since the last call. */
unsigned long state_fail_at(unsigned long n);

#endif
