/* Parts of semantic models, metrics and saved queries with all the fields that dbt
 * gives them (semantic_shape.c). Lists and objects are new references. */
#ifndef MODEL_SEMANTIC_SHAPE_H
#define MODEL_SEMANTIC_SHAPE_H

#include <jansson.h>

extern const char semantic_entity[], semantic_measure[], semantic_dimension[],
    semantic_input_measure[], semantic_input_metric[], semantic_type_params[],
    semantic_query[];

/* The shape (JSON text) with what `from` gives. */
json_t *semantic_shaped(const char *shape, const json_t *from);
/* The same of a list of mappings, or of names alone. */
json_t *semantic_list(const char *shape, const json_t *list);
/* A filter, text or texts: {"where_filters": […]}; null for none. */
json_t *semantic_filter(const json_t *v);
/* "filter" of each in a list, in that form. */
void semantic_filters(json_t *list);
/* o[key] "1 day" becomes {"count": 1, "granularity": "day"}. */
void semantic_window(json_t *o, const char *key);

#endif
