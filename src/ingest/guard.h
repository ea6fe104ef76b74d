/* Containment of a plugin in its host process: whatever ends the process while plugin
 * code runs is named on stderr and to the supervisor first. One plugin per process.
 *
 * Lifecycle: guard_start → { guard_enter(call) plugin code guard_leave } → guard_stop.
 */
#ifndef INGEST_GUARD_H
#define INGEST_GUARD_H

#include <stdint.h>
#include "base/err.h"

/* source, plugin: borrowed until guard_stop. hang_ms: longest time one call may take,
 * 0: no limit. fd: control channel for the last message, -1 none. */
void guard_start(const char *source, const char *plugin, int64_t hang_ms, int fd);
void guard_stop(void);
/* Around every call into the plugin; call is a static text ("next"). Cheap. */
void guard_enter(const char *call);
void guard_leave(void);
/* Between calls: the plugin moves on (the hang clock starts anew). */
void guard_alive(void);
/* Limits of this process from now on: memory_bytes more than it has now (0: none), open
 * files; writing beyond RLIMIT_FSIZE becomes an error instead of a signal. */
int guard_limits(int64_t memory_bytes, struct err *e);

#endif
