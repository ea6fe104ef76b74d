/* Upserts with deletes (LOAD_NEWEST) by a staging table of this connection: rows are
 * appended to it as to any table, then merged by set. LOAD_HIGHEST needs no stage: the
 * loader's own insert replaces (wh_upsert). */
#ifndef LOAD_STAGE_H
#define LOAD_STAGE_H

#include "load/layout.h"

#define STAGE_TABLE    "_weir_stage"
#define STAGE_SEQUENCE "_weir_seq" /* order of the rows in the batch */
#define STAGE_OP       "_weir_op"  /* insert, update, delete, or null */

int stage_create(const struct load_layout *l, struct wh *w, struct err *e);
/* Merge what is staged into the table and empty the stage; in the caller's transaction.
 */
int stage_merge(const struct load_layout *l, struct wh *w, const char *schema,
                const char *table, struct err *e);

#endif
