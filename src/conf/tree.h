/* weir.yml as a tree of nodes with places, inside the room conf. Nodes live in an
 * arena. */
#ifndef CONF_TREE_H
#define CONF_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include "base/err.h"
#include "base/mem.h"

enum tree_kind { TREE_SCALAR, TREE_LIST, TREE_MAP };

struct tree {
    enum tree_kind kind;
    const char *key;  /* of a member of a map */
    const char *text; /* scalars, after ${} references are replaced */
    bool is_plain;    /* not quoted, or made of a reference: has a type of its own */
    bool is_secret;   /* came from {env:} or {file:} */
    bool is_given;    /* its text is the caller's: from the environment or --set */
    int line, column; /* 1-based; 0: not from a file */
    int key_line, key_column;
    const char *from;                 /* "--set", "WEIR_SET"; NULL: the file */
    struct tree *first, *last, *next; /* members or items */
    size_t n;
};

/* Text → tree. file names the text in messages. Refuses aliases, duplicate keys, more
 * than one document, depth over 32 and more than 20,000 nodes. Empty text is an empty
 * map. ${NAME} references are replaced. */
int tree_parse(struct arena *a, const char *file, const char *text, size_t n,
               struct tree **out, struct err *e);
/* One --set: "a.b.c=value" put into the tree. Value is YAML. */
int tree_set(struct arena *a, struct tree *root, const char *assignment,
             const char *from, struct err *e);
struct tree *tree_get(const struct tree *map, const char *key);
const char *tree_kind_name(enum tree_kind k);
/* What references did to a text: something was replaced, something came from the
 * environment and not from a default; the first name that is not set. */
struct tree_expansion {
    bool is_replaced, is_given;
    const char *missing;
};
/* ${NAME} and ${NAME:-default} replaced, $${ kept as ${. */
int tree_expand(struct arena *a, const char *text, const char **out,
                struct tree_expansion *x);

#endif
