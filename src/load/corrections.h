/* Corrections of receipts: the table that names superseded versions, and the view that
 * hides them. TABLE stays append-only; models read TABLE_current. */
#ifndef LOAD_CORRECTIONS_H
#define LOAD_CORRECTIONS_H

#include "load/row.h"

/* "raw_transactions" → raw_corrections and raw_transactions_current; other tables T get
 * T_corrections and T_current. */
int corrections_create(struct wh *w, const char *schema, const char *table,
                       struct err *e);
/* The row filled last is a correction: remember its version. In the batch's
 * transaction. */
int corrections_add(struct wh *w, const char *schema, const char *table,
                    const struct row *r, struct err *e);
/* Rows of a partition's offsets [from, before) are about to be deleted: what they
 * corrected is what the remaining corrections say. In the same transaction. */
int corrections_forget(struct wh *w, const char *schema, const char *table,
                       int32_t partition, int64_t from, int64_t before, struct err *e);

#endif
