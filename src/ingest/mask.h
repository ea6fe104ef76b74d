/* Card numbers in a record: found and masked before anything is written; verification
 * codes and PINs (mask_codes.h): gone.
 *
 * Rules on top of base/pan.h: values of declared id fields are spared, at any depth; in
 * a bare JSON number digits become 0 so that the JSON stays valid; digits written as
 * \u0030…\u0039 are seen through; magnetic stripe data behind a number is blanked. The
 * length never changes. */
#ifndef INGEST_MASK_H
#define INGEST_MASK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* May there be one? false is certain; the fast test of every record. */
bool mask_may_have(const char *p, size_t n);
/* Mask in place; how many, codes and PINs too. id_fields: NULL-terminated, may be NULL.
 */
uint32_t mask_bytes(char *p, size_t n, const char *const *id_fields);

#endif
