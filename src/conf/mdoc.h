/* Plain sentences as mdoc source, shared by the manual pages that are made from tables.
 */
#ifndef CONF_MDOC_H
#define CONF_MDOC_H

#include "base/buf.h"

#define MDOC_DATE "November 24, 2026"

/* Text in lines of less than 80 bytes, each sentence on lines of its own, nothing taken
 * for a macro; a blank line becomes a paragraph. */
void mdoc_add_text(struct buf *out, const char *text);

#endif
