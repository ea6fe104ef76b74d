/* Commands of the command table run from the palette: `weir CMD …` as a child, its
 * output as a page. One at a time. */
#ifndef UI_CHILD_H
#define UI_CHILD_H

#include "cmd/cmd.h"
#include "ui/app.h"

/* May the palette offer it? Not when it is interactive, hidden, or changes something in
 * a read-only console. */
bool child_is_allowed(const struct app *a, const struct cmd *c);
/* Starts `weir LINE`; asks first when it changes something. */
void child_start(struct app *a, const struct cmd *c, const char *line);
/* Output that is there; called by the loop when child_fd is readable. */
void child_read(struct app *a);
void child_end(struct app *a);

#endif
