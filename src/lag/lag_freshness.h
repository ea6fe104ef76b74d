/* How old the newest row of a relation is, for the freshness rows of weir.yml. */
#ifndef LAG_LAG_FRESHNESS_H
#define LAG_LAG_FRESHNESS_H

#include <jansson.h>
#include "conf/conf.h"
#include "wire/channel.h"

struct freshness;
/* ch: beats while a look takes long; NULL: none. */
struct freshness *freshness_new(const struct platform *p, struct channel *ch);
void freshness_free(struct freshness *f);
/* Look where a look is due: a query that takes long is asked less often. */
void freshness_look(struct freshness *f);
/* The latest figures, shaped as `freshness` of the overview feed. now_ms: the
 * platform's clock. New reference. */
json_t *freshness_json(const struct freshness *f, int64_t now_ms);

#endif
