/* Selection, inside the room orchestrate: a criterion and the methods that match it. */
#ifndef ORCHESTRATE_SELECT_H
#define ORCHESTRATE_SELECT_H

#include "orchestrate/graph.h"

/* One criterion: [@][n+]method.args:value[+n] */
struct criterion {
    char method[64], args[200], value[500];
    bool with_up, with_down, with_at;
    int up_depth, down_depth; /* SELECT_ALL: all the way */
    const char *indirect;     /* NULL: the selection's */
};
#define SELECT_ALL (-1)

struct select {
    const struct graph *g;
    const char *indirect;
    json_t *warnings;
    struct err *e;
    const struct graph_selection *how;
};

/* What is selected, and tests that came in reach but not all of whose parents did. */
struct sets {
    bool *direct, *held;
};
struct sets sets_new(const struct graph *g);
void sets_free(struct sets *s);
/* into OP= from; with `is_first` into becomes from. */
enum set_op { SET_UNION, SET_INTERSECTION, SET_DIFFERENCE };
void sets_combine(const struct graph *g, struct sets *into, const struct sets *from,
                  enum set_op op, bool is_first);
/* Held tests whose parents are all there after all. */
void sets_adopt(const struct select *s, struct sets *sets);

/* "2+tag:x+" → its parts. */
int select_parse(struct select *s, const char *token, struct criterion *c);
/* One criterion's nodes and the tests that come along. */
int select_criterion(struct select *s, const char *shown, const struct criterion *c,
                     struct sets *out);
/* A selector of selectors.yml by name; select_file.c. */
int select_named(struct select *s, const char *name, struct sets *out);
/* The selector marked `default: true`; NULL when there is none. */
const char *select_default(const json_t *selectors);

typedef bool select_method_fn(const struct select *s, const struct graph_node *n,
                              const struct criterion *c);
/* state:new, old, unmodified, modified, modified.PART; select_state.c. */
bool select_by_source_status(const struct select *s, const struct graph_node *n,
                             const struct criterion *c);
bool select_by_state(const struct select *s, const struct graph_node *n,
                     const struct criterion *c);
/* What a node is against the selection's state: "new", "modified", NULL: neither. */
const char *select_state_word(const struct graph_selection *how, const struct graph *g,
                              size_t i);
/* The criterion's method; NULL with the nearest name in s->e when there is none. */
select_method_fn *select_method(struct select *s, const struct criterion *c);

#endif
