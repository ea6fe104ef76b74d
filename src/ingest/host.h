/* The plugin's host: services, settings and guarded calls. Knows nothing of the bus.
 *
 * Lifecycle: host_init → host_load → host_open → { host_next … host_checkpoint } →
 * host_close (closes the plugin) → host_release. */
#ifndef INGEST_HOST_H
#define INGEST_HOST_H

#include "base/mem.h"
#include "conf/conf.h"
#include "ingest/counts.h"
#include "weir/plugin.h"
#include "wire/channel.h"

struct host {
    const struct platform *platform;
    const struct conf_source *source;
    struct channel *channel; /* may be NULL (weir source) */
    const struct weir_plugin *plugin;
    void *library, *self;
    struct weir_host services;
    struct arena arena; /* settings made absolute, the state folder's name */
    struct counts *counts;
    char error[WEIR_ERROR_MAX];
};

void host_init(struct host *h, const struct platform *p, const struct conf_source *s,
               struct channel *ch, struct counts *counts);
void host_release(struct host *h);
/* Load the plugin and check the source's settings against its table. */
int host_load(struct host *h, struct err *e);
/* checkpoint: "" for none. Makes the state folder. */
int host_open(struct host *h, bool bounded, const char *checkpoint, struct err *e);
void host_close(struct host *h);
/* weir_status; an error's text is in h->error, always terminated. */
enum weir_status host_next(struct host *h, struct weir_record *rec);
int host_checkpoint(struct host *h, char *out, size_t size, struct err *e);
void host_committed(struct host *h);
void host_progress(struct host *h, int64_t *position, int64_t *total);
int host_discover(struct host *h, char *out, size_t size, struct err *e);
/* A plugin's failed status with its text as our error. */
int host_error(struct host *h, enum weir_status st, const char *call, struct err *e);
/* The platform's clock: --as-of, the data clock when it is known, else the wall. */
int64_t host_now_ms(const struct host *h);

#endif
