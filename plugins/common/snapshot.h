/* Snapshot sources: a file with all rows of a table becomes inserts, updates and
 * deletes against the snapshot before it.
 *
 * A plugin fills a struct snapshot_kind and passes the calls through. The rows of the
 * last snapshot are kept in files under host->state_dir; a delta is a function of two
 * such files, so it goes on exactly where it stopped even when the source has changed
 * since. */
#ifndef PLUGINS_COMMON_SNAPSHOT_H
#define PLUGINS_COMMON_SNAPSHOT_H

#include "weir/plugin.h"

struct snapshot_kind {
    const char *what; /* "stores", for messages */
};

/* The settings every snapshot plugin has; for its table. */
#define SNAPSHOT_SETTINGS(default_key)                                                 \
    {"path", "path", NULL,                                                             \
     "File with all rows: CSV with a header line, a JSON array or JSON lines; plain "  \
     "or "                                                                             \
     "gzip.",                                                                          \
     true},                                                                            \
        {"key", "string", default_key, "Column with the key of a row.", false},        \
        {"refuse_shrink", "percent", "20%",                                            \
         "A snapshot that is smaller than the last by more than this is refused.",     \
         false},                                                                       \
        {"allow_shrink", "bool", "false", "Take a smaller snapshot this time.",        \
         false},                                                                       \
    {                                                                                  \
        0                                                                              \
    }

int snapshot_discover(const struct weir_host *host, char *out, size_t size,
                      char *error);
int snapshot_open(const struct snapshot_kind *kind, const struct weir_host *host,
                  const char *checkpoint, void **self, char *error);
enum weir_status snapshot_next(void *self, struct weir_record *record, char *error);
int snapshot_checkpoint(void *self, char *out, size_t size, char *error);
void snapshot_committed(void *self);
void snapshot_close(void *self);
void snapshot_progress(void *self, int64_t *position, int64_t *total);

#endif
