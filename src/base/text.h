/* Text for people: UTF-8, display width, and what may reach a terminal. */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/buf.h"

/* Decode one character at p; returns its bytes (1..4) or 0 when invalid. */
int text_decode(const char *p, size_t n, uint32_t *cp);
int text_encode(uint32_t cp, char out[4]); /* bytes written, 0 for a surrogate */
bool text_is_utf8(const char *p, size_t n);
int text_width_cp(uint32_t cp);          /* cells: 0, 1, 2; -1 for control */
int text_width(const char *p, size_t n); /* cells of valid text */
/* Append with control bytes, escapes, bidi controls and invalid bytes made visible
 * ("^[", "\xFF"): nothing foreign reaches the terminal. */
int text_sanitise(struct buf *out, const char *p, size_t n);

#endif
