/* Card numbers (PAN): find and mask them in any bytes. A run of 13..19 digits, single
 * spaces and dashes between digits allowed, that has an issuer's prefix and length and
 * passes Luhn (ISO/IEC 7812; prefixes of Visa, Mastercard, Amex, Discover, JCB, Diners,
 * UnionPay, Maestro). Masked to first 6 and last 4 digits (PCI DSS 3.4.1), the rest
 * '*'. */
#ifndef BASE_PAN_H
#define BASE_PAN_H

#include <stdbool.h>
#include <stddef.h>

/* Masks in place, returns how many were masked. skip_ids: bytes ranges not to touch are
 * the caller's business: call it on the pieces between them. */
size_t pan_mask(char *p, size_t n);
/* First card number at or after from: true, *at and *len its bytes (separators too). */
bool pan_find(const char *p, size_t n, size_t from, size_t *at, size_t *len);

#endif
