/* The ingest worker: hosts one source plugin and moves its records to the bus.
 *
 * in: plugin records. out: the source's topic; rejects to dead-letters (headers:
 * reason, source, position, detail); the checkpoint in the same bus transaction (group
 * "source:NAME", topic "@source", partition 0, offset = records so far). Card numbers
 * are masked before anything is written. Called by worker/ with its channel. */
#ifndef INGEST_INGEST_H
#define INGEST_INGEST_H

#include "base/err.h"
#include "bus/bus.h"
#include "conf/conf.h"
#include "wire/channel.h"
#include "weir/plugin.h"

/* Runs until the source's end (bounded, or a snapshot: the supervisor starts it again
 * when it is due), stop, or an error. */
int ingest_run(const struct platform *p, const struct conf_source *s, bool bounded,
               struct channel *ch, struct err *e);

/* Plugins: PLUGIN_PATH (env WEIR_PLUGIN_PATH, then beside the executable: plugins/,
 * then
 * ../lib/weir/plugins). Loading runs constructors: do it in a child. */
int plugin_load(const char *name, void **handle, const struct weir_plugin **out,
                struct err *e);
/* Names found on the path (without loading), one callback each. */
typedef void plugin_name_fn(void *arg, const char *name, const char *path);
void plugin_each(plugin_name_fn *fn, void *arg);

#endif
