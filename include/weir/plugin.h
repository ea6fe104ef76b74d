/* weir plugin ABI, version 1. A source plugin is a shared object that exports ONE data
 * symbol:
 *
 *     __attribute__((visibility("default")))
 *     const struct weir_plugin weir_plugin = {
 *         .abi = WEIR_PLUGIN_ABI, .name = "pos", .version = "1.0", …
 *     };
 *
 * The host (a child process of its own with limits) calls, in this order:
 *     open → (next)* → checkpoint → committed → … → close.    discover may be called
 * alone. One thread, never two calls at once.
 *
 * A plugin never writes to stdout or the terminal, never exits, never forks, keeps no
 * state outside *self; it does not block longer than 100 ms in next: it returns
 * WEIR_WAIT instead. A call that takes longer than the source's hang limit ends the
 * host with the plugin's name.
 *
 * Exactly once: the host writes a checkpoint in the same bus transaction as the records
 * before it and gives it to open after a restart. Records returned after the last
 * committed checkpoint are asked for again, and must then come again: same order, same
 * bytes. A plugin whose state does not fit into a checkpoint keeps it in files under
 * host->state_dir, complete and synced BEFORE checkpoint() names them, and removes old
 * ones only in committed().
 *
 * Any file a plugin writes is subject to the platform's rule: no card number in it.
 * Bytes from the source pass host->mask first. */
#ifndef WEIR_PLUGIN_H
#define WEIR_PLUGIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "weir/record.h"

#define WEIR_PLUGIN_ABI     1
#define WEIR_PLUGIN_SYMBOL  "weir_plugin"
#define WEIR_ERROR_MAX      512
#define WEIR_CHECKPOINT_MAX 2048

enum weir_status {
    WEIR_RECORD = 1, /* *record is filled */
    WEIR_WAIT = 2,   /* nothing now, ask again (follow mode) */
    WEIR_END = 3,    /* bounded source or snapshot: it is through; follow mode: never */
    WEIR_ERROR = -1, /* error text filled; the host restarts with backoff */
    WEIR_FATAL = -2, /* error text filled; restarting cannot help (a person must act) */
};

enum weir_log_level { WEIR_LOG_ERROR, WEIR_LOG_WARN, WEIR_LOG_INFO, WEIR_LOG_DEBUG };

/* Services of the host; ctx is passed back. Newer hosts append members: a plugin that
 * uses one that was added later checks size first. */
struct weir_host {
    size_t size;
    void *ctx;
    void (*log)(void *ctx, enum weir_log_level level, const char *text);
    int64_t (*now_ms)(void *ctx); /* the platform's clock */
    /* A stop was asked for: return soon. Asking also shows that the plugin is alive:
     * long work inside one call asks now and then, or it is taken for a hang. */
    bool (*cancelled)(void *ctx);
    /* Setting of this source in weir.yml as text, its fallback when absent (NULL if it
     * has none). Settings of type path come absolute. Valid until close. */
    const char *(*setting)(void *ctx, const char *name);
    /* Count something under a name, shown by `weir source ls` ("shrink_refused"). */
    void (*count)(void *ctx, const char *name, int64_t by);
    /* Mask card numbers in place as the host does with every record (values of
     * id_fields are spared, JSON stays valid JSON), and make the values of members
     * named like a verification code, PIN or stripe data null; returns how many of
     * both. */
    uint32_t (*mask)(void *ctx, char *bytes, size_t n);
    /* Private folder of this source for files that checkpoints name; it exists. Valid
     * until close. */
    const char *state_dir;
};

/* One setting a plugin understands: shown in help, checked in weir.yml before open. */
struct weir_setting {
    const char *name, *type /* string int bool duration percent path */, *fallback,
        *doc;
    bool is_required;
};

struct weir_plugin {
    uint32_t abi; /* WEIR_PLUGIN_ABI */
    const char *name, *version, *summary;
    const struct weir_setting *settings; /* ends with a NULL name */
    const char *const
        *id_fields; /* JSON keys holding ids: never masked; NULL-terminated */

    /* What can be read: "name\tdescription\n" lines into out. 0 or WEIR_ERROR. */
    int (*discover)(const struct weir_host *host, char *out, size_t size, char *error);
    /* bounded: stop at the present end. checkpoint: NULL or what checkpoint() wrote.
     * 0, WEIR_ERROR or WEIR_FATAL. */
    int (*open)(const struct weir_host *host, bool bounded, const char *checkpoint,
                void **self, char *error);
    enum weir_status (*next)(void *self, struct weir_record *record, char *error);
    /* Text (no NUL, < WEIR_CHECKPOINT_MAX) that stands behind the last record returned.
     */
    int (*checkpoint)(void *self, char *out, size_t size, char *error);
    void (*close)(void *self);

    /* Optional (NULL): the last checkpoint is now durable: what only the one before it
     * needed may go. */
    void (*committed)(void *self);
    /* Optional (NULL): how far: bytes read of bytes there; total 0 when unknown. */
    void (*progress)(void *self, int64_t *position, int64_t *total);
};

#endif
