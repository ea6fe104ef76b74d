/* Where in a file something is wrong (place.c). */
#ifndef MODEL_PLACE_H
#define MODEL_PLACE_H

#include <stddef.h>
#include "base/err.h"

/* Adds the line and a caret to e, if it says "SHOWN:line:column: …" in one line. text:
 * the whole file. */
void place_show(struct err *e, const char *shown, const char *text, size_t n);
/* ERR_PARSE at the first byte that is not UTF-8. */
int place_not_utf8(struct err *e, const char *shown, const char *text, size_t n);
/* ":line:column" of the first "name: NAME" in a .yml file, "" when there is none. */
void place_of_name(const char *path, const char *name, char *out, size_t size);

#endif
