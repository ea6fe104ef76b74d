/* Figures of a source that are committed with its checkpoint: exact across crashes. */
#ifndef INGEST_COUNTS_H
#define INGEST_COUNTS_H

#include <jansson.h>
#include <stdint.h>
#include "base/err.h"

#define COUNTS_NAMES_MAX 24
#define COUNTS_NAME_SIZE 40

struct count_row {
    char name[COUNTS_NAME_SIZE];
    int64_t n;
};
/* Few names: a list is enough. What does not fit any more is counted as "other". */
struct count_list {
    struct count_row rows[COUNTS_NAMES_MAX];
    size_t n;
};
struct counts {
    int64_t in; /* records taken from the source, rejected ones among them */
    int64_t masked, bytes;
    struct count_list rejected, other; /* by reason; by the plugin's own names */
};

void counts_add(struct count_list *l, const char *name, int64_t by);
int64_t counts_total(const struct count_list *l);
json_t *counts_object(const struct count_list *l); /* new reference */

/* Commit metadata: {"v":1,"cp":"…","in":…,"masked":…,"bytes":…,"rej":{…},"cnt":{…}}
 * into out. ERR_LIMIT when it is longer than size. */
int counts_write(const struct counts *c, const char *checkpoint, char *out, size_t size,
                 struct err *e);
/* The other way round; checkpoint has size bytes, "" when there is none. */
int counts_read(struct counts *c, char *checkpoint, size_t size, const char *metadata,
                struct err *e);

#endif
