/* Selecting nodes of the models project, for compile and ls: the options, dbt's
 * grammar, the project loaded. */
#ifndef CMD_SELECT_H
#define CMD_SELECT_H

#include "cmd/cmd.h"
#include "cmd/dbt_flags.h"
#include "worker/sql.h"

#define SELECT_OPTIONS                                                                 \
    {"select", 's', OPT_LIST, "SELECTOR", "Nodes, in dbt's grammar (operands too).",   \
     NULL},                                                                            \
        {"exclude", 0, OPT_LIST, "SELECTOR", "Nodes to leave out.", NULL},             \
        {"selector", 0, OPT_TEXT, "NAME", "A selection of selectors.yml.", NULL},      \
        DBT_TYPE_OPTIONS

struct selected {
    struct sql_engine engine;
    const struct node **nodes; /* in an order in which they may run */
    size_t n;
};

/* indirect: tests that follow (dbt's eager, empty …). The nodes that --select,
 * --exclude and the operands name; all when there are none. What the project warns of
 * goes to stderr. */
int select_nodes(const struct cmd_args *a, const char *indirect, struct selected *s,
                 struct err *e);
void select_release(struct selected *s);

#endif
