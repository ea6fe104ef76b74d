/* Members that hold what must never be kept once a payment is authorised, whatever
 * their value is: card verification codes, PINs and PIN blocks, magnetic stripe data
 * (PCI DSS 3.3.1). Inside ingest; mask.c calls it for every record. */
#ifndef INGEST_MASK_CODES_H
#define INGEST_MASK_CODES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* May there be one? false is certain; the fast test of every record. */
bool mask_may_have_codes(const char *p, size_t n);
/* The value of each such member of JSON text, at any depth, becomes null (or "" or 0
 * where null has no room) and blanks; how many had one. */
uint32_t mask_codes(char *p, size_t n);
/* Is it the name of such a member: cvv, card_cvc2, securityCode, pin, track_2_data …?
 */
bool mask_is_code_name(const char *name, size_t n);

#endif
