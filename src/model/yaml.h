/* YAML text → JSON value, typed as PyYAML does (YAML 1.1: yes/no, 0o17, 1_000, ~). */
#ifndef MODEL_YAML_H
#define MODEL_YAML_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include "base/buf.h"
#include "base/err.h"

#define YAML_MAX (16u << 20) /* bytes of text */

/* *out is NULL for an empty document. Errors name file:line:column. Ceilings: nesting
 * 100, 4 M values after aliases (so that no document multiplies itself), 16 MiB of
 * text. */
int yaml_read(const char *file, const char *text, size_t n, json_t **out,
              struct err *e);
int yaml_read_path(const char *path, const char *shown, json_t **out, struct err *e);

int yaml_too_large(const char *shown, struct err *e);
/* Inside: the value of a scalar without quotes, a new reference; NULL: not UTF-8. */
json_t *yaml_plain(const char *p, size_t n);
/* The same text by the quick reader of plain YAML; false: it is for the other one. */
bool yaml_simple(const char *text, size_t n, json_t **out);
/* By libyaml alone, whatever the text. */
int yaml_read_full(const char *file, const char *text, size_t n, json_t **out,
                   struct err *e);

/* Block style, as PyYAML's safe_dump lays it out. */
void yaml_write(struct buf *out, const json_t *v);

#endif
