/* A cell of a result as JSON. */
#ifndef WAREHOUSE_WH_JSON_H
#define WAREHOUSE_WH_JSON_H

#include <jansson.h>
#include "warehouse/warehouse.h"

/* New reference. NULL and numbers that are not finite are null; bytes that are not
 * UTF-8 are the text "(not text)". */
json_t *wh_value_json(struct wh_value v);

#endif
