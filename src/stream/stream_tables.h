/* Broadcast tables: the newest row of each store and product, ready for splicing. One
 * set per worker, filled from the tables' topics in offset order. */
#ifndef STREAM_STREAM_TABLES_H
#define STREAM_STREAM_TABLES_H

#include "base/jscan.h"
#include "base/timeutil.h"
#include "bus/bus.h"
#include "stream/stream_keyed.h"

enum stream_role { STREAM_ROLE_STORE, STREAM_ROLE_PRODUCT, STREAM_N_ROLES };

struct stream_store {
    bool is_live;  /* false: deleted */
    char *members; /* "store_name":…,"store_time_zone":… */
    size_t n_members;
    const struct time_zone *zone; /* NULL: none or unknown */
    int open_hour, close_hour;    /* local, 0..24; -1: unknown */
};

struct stream_tables {
    struct keyed stores;   /* of struct stream_store */
    struct keyed products; /* of uint32_t: index into members + 1; 0: deleted */
    struct keyed members;  /* the few different texts that products splice in */
    struct jscan scan;
    struct buf text;
    uint64_t rejected; /* rows that were no JSON object */
};

void stream_tables_init(struct stream_tables *t);
void stream_tables_release(struct stream_tables *t);
/* Role of a name in weir.yml, -1 when there is none. */
int stream_role_of(const char *name);
/* Take a row's newest version (header op: insert, update, delete). A row that is no
 * JSON object is counted and left out. 0 or ERR_NOMEM. */
int stream_tables_apply(struct stream_tables *t, enum stream_role role,
                        const struct bus_record *r, struct err *e);
/* NULL when there is no such store. Until the next apply. */
const struct stream_store *stream_tables_store(const struct stream_tables *t,
                                               struct str id, uint64_t hash);
/* Members to splice into an item; p NULL when there is no such product. */
struct str stream_tables_product(const struct stream_tables *t, struct str id);

#endif
