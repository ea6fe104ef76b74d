/* Headless console for tests: reads a script of keys, fixtures and expected screens,
 * and writes the same script with what was really on the screen. */
#ifndef UI_SCRIPT_H
#define UI_SCRIPT_H

#include <stddef.h>
#include "base/buf.h"
#include "base/err.h"
#include "ui/app.h"

/* Lines (everything else is copied):
 *   # comment
 *   size 80x24          the first one opens the terminal; later ones resize it
 *   charset ascii|block|utf8                 readonly   before size
 *   theme NAME          clock 2017-06-15T06:04:00Z (wall)
 *   feed NAME FILE.json (relative to the script)   answer CMD JSON|"error text"
 *   key j Enter C-d …   type TEXT            command LINE (as in the palette)
 *   wait 12s            time passes          disconnect WHY
 *   dump [FROM-TO]      dump roles [FROM-TO] sent [clear]      bytes < N
 * dump, sent and bytes are followed by what is expected between two lines of "===". */
int script_run(const char *path, const struct app_options *base, struct buf *out,
               struct err *e);

#endif
