/* Actions: what keys and the palette can do. One row in action.list and one function in
 * action.c each. */
#ifndef UI_ACTION_H
#define UI_ACTION_H

#include <stdbool.h>
#include <stddef.h>

struct app;

enum action_flag { ACTION_MUTATES = 1, ACTION_MOTION = 2 };

struct action {
    const char *name, *args;
    int flags;
    const char *label, *doc;
    void (*run)(struct app *a, const char *args);
};

size_t action_count(void);
const struct action *action_at(size_t i);
const struct action *action_find(const char *name, size_t n);
/* May it be used in this console (read-only or not)? */
bool action_is_allowed(const struct app *a, const struct action *action);

#endif
