/* Between context.c, context_values.c (the members) and render.c (one rendering). */
#ifndef MODEL_CONTEXT_H
#define MODEL_CONTEXT_H

#include "model/internal.h"

/* A node as the templates' model and graph see it, and as the manifest has it. */
json_t *context_node(const struct project *p, struct item *it);

/* str(v) as a JV_STR in mem. */
struct jv *context_text(struct arena *mem, struct jv *v);
/* Registers what context_values.c has. */
void context_values(struct project *p);
/* modules.datetime and modules.re. */
void context_modules(struct project *p);

#endif
