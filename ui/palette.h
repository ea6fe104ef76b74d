/* One-line prompts: the palette (`:`) with completion, the filter and search (`/`). */
#ifndef UI_PALETTE_H
#define UI_PALETTE_H

#include "ui/app.h"

void palette_open(struct app *a);
/* Prompt that runs `command TEXT` on every change (is_live) and on Enter; Esc runs it
 * with what was there before. */
void palette_ask(struct app *a, const char *command, const char *label,
                 const char *before, bool is_live);

#endif
