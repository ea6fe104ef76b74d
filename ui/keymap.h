/* Keys as data: text rows `bind VIEW KEY COMMAND…`, the same grammar as the palette.
 * VIEW is a view's name or `*`; a view's own row wins over `*`. */
#ifndef UI_KEYMAP_H
#define UI_KEYMAP_H

#include <stdbool.h>
#include <stddef.h>
#include "base/err.h"

struct keymap_row {
    const char *view;    /* "*" or a view's name */
    int key;             /* enum term_key or a character */
    const char *command; /* action with its arguments */
};
struct keymap {
    struct keymap_row *rows;
    size_t n, cap;
};

void keymap_release(struct keymap *m);
/* Adds rows of text; a later row replaces an earlier one of the same view and key,
 * command `none` removes it. ERR_CONFIG names the line. Keys a terminal cannot tell
 * apart or keeps for itself are refused with the reason. */
int keymap_parse(struct keymap *m, const char *text, size_t n, const char *name,
                 struct err *e);
/* The built-in keys. */
void keymap_init_default(struct keymap *m);
/* Command of a key in a view, NULL when it has none. */
const char *keymap_find(const struct keymap *m, const char *view, int key);
/* Key as text: "j" "C-d" "PgDn" "Enter" "Space"; out has 16 bytes. */
char *keymap_key_name(int key, char out[16]);
/* Text to key; KEY_NONE when it is none. */
int keymap_key_parse(const char *name);

#endif
