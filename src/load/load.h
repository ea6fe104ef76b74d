/* The load worker: topic → bronze rows, exactly once: rows and next offsets in one
 * warehouse transaction, compare-and-set on (offset, epoch) in bronze."_weir_offsets".
 */
#ifndef LOAD_LOAD_H
#define LOAD_LOAD_H

#include "base/err.h"
#include "bus/bus.h"
#include "conf/conf.h"
#include "warehouse/warehouse.h"
#include "wire/channel.h"

/* SCHEMA."_weir_load_rejects": records that are no rows, with the reason. */
#define LOAD_REJECTS "_weir_load_rejects"

int load_run(const struct platform *p, const struct conf_load *l, struct channel *ch,
             struct err *e);

#endif
