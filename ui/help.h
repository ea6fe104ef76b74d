/* Help of the current view: its keys, the keys everywhere, the commands, the signs.
 * Made from the tables, so it cannot be wrong. */
#ifndef UI_HELP_H
#define UI_HELP_H

#include "ui/app.h"

void help_open(struct app *a);
/* Up to n (key, word) pairs for the hint line of a view; returns how many. */
struct help_hint {
    char key[16];
    const char *word;
};
size_t help_hints(const struct app *a, const char *view, struct help_hint *out,
                  size_t n);

#endif
