/* weir plugin ABI, version 1. A source plugin is a shared object that exports ONE data
 * symbol:
 *
 *     const struct weir_plugin weir_plugin = {
 *         .abi = WEIR_PLUGIN_ABI, .name = "pos", .version = "1.0", …
 *     };
 *
 * The host (a child process of its own with limits) calls, in this order:
 *     open → (next)* → checkpoint → … → close.        discover may be called alone.
 * A plugin never writes to stdout or the terminal, never exits, never forks, keeps no
 * state outside *self; it does not block longer than 100 ms in next: it returns
 * WEIR_WAIT instead. Exactly-once: a checkpoint is persisted by the host in the same
 * transaction as the records before it, and given back to open after a restart. */
#ifndef WEIR_PLUGIN_H
#define WEIR_PLUGIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "weir/record.h"

#define WEIR_PLUGIN_ABI    1
#define WEIR_PLUGIN_SYMBOL "weir_plugin"
#define WEIR_ERROR_MAX     512
#define WEIR_CHECKPOINT_MAX 4096

enum weir_status {
    WEIR_RECORD = 1, /* *record is filled */
    WEIR_WAIT = 2,   /* nothing now, ask again (follow mode) */
    WEIR_END = 3,    /* bounded source: the end; follow mode: never */
    WEIR_ERROR = -1, /* error text filled; the host restarts with backoff */
    WEIR_FATAL = -2, /* error text filled; restarting cannot help (configuration) */
};

enum weir_log_level { WEIR_LOG_ERROR, WEIR_LOG_WARN, WEIR_LOG_INFO, WEIR_LOG_DEBUG };

/* Services of the host; ctx is passed back. Newer hosts append members: check size. */
struct weir_host {
    size_t size;
    void *ctx;
    void (*log)(void *ctx, enum weir_log_level level, const char *text);
    int64_t (*now_ms)(void *ctx); /* the platform's clock */
    bool (*cancelled)(void *ctx); /* a stop was asked for: return soon */
    /* Setting of this source in weir.yml as text, NULL when absent. Valid until close. */
    const char *(*setting)(void *ctx, const char *name);
    /* Count something under a name, shown by `weir source ls` ("shrink_refused"). */
    void (*count)(void *ctx, const char *name, int64_t by);
};

/* One setting a plugin understands: shown in help, checked in weir.yml. */
struct weir_setting {
    const char *name, *type /* string int bool duration percent path */, *fallback, *doc;
    bool is_required;
};

struct weir_plugin {
    uint32_t abi; /* WEIR_PLUGIN_ABI */
    const char *name, *version, *summary;
    const struct weir_setting *settings; /* ends with a NULL name */
    const char *const *id_fields; /* JSON keys holding ids: never masked; NULL-terminated */

    /* What can be read: append "name\tdescription\n" lines to out. 0 or WEIR_ERROR. */
    int (*discover)(const struct weir_host *host, char *out, size_t size, char *error);
    /* bounded: stop at the present end. checkpoint: NULL or what checkpoint() wrote. */
    int (*open)(const struct weir_host *host, bool bounded, const char *checkpoint,
                void **self, char *error);
    enum weir_status (*next)(void *self, struct weir_record *record, char *error);
    /* Text (no NUL, < WEIR_CHECKPOINT_MAX) that stands behind the last record returned. */
    int (*checkpoint)(void *self, char *out, size_t size, char *error);
    void (*close)(void *self);
};

#endif
