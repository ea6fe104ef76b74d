/* Making a child, and knowing when all of it is gone. Linux only; called from the main
 * thread only (PDEATHSIG follows the thread that forked). */
#ifndef SUPERVISE_SPAWN_H
#define SUPERVISE_SPAWN_H

#include <stdbool.h>
#include <sys/types.h>
#include "base/err.h"

struct spawn {
    /* in */
    const char *const *argv; /* argv[0] is the path, NULL-terminated */
    const char *attempt;     /* WEIR_ATTEMPT of the child */
    /* out: the parent's ends, non-blocking, close-on-exec; the caller closes */
    pid_t pid; /* also the process group */
    int pidfd; /* -1 where the kernel has none */
    int out, err, channel;
};
/* ERR_CONFIG when argv[0] is missing or not executable, ERR_UNAVAILABLE when the system
 * has no room for one more process now. Nothing is left open on failure. */
int spawn_child(struct spawn *s, struct err *e);

/* Make this process the parent of orphaned descendants. */
int spawn_become_subreaper(struct err *e);
/* Whether no process of the group is left (zombies count as left until reaped). */
bool spawn_group_is_empty(pid_t pgid);
/* Signal every process of the group (0: it is gone) and every living adoptee of the
 * attempt. */
void spawn_signal(pid_t pgid, const char *attempt, int signal);
/* Living children of this process that carry WEIR_ATTEMPT=attempt (adopted orphans; the
 * leader is left out). Returns how many, their pids in out (at most max). */
size_t spawn_adoptees(const char *attempt, pid_t leader, pid_t *out, size_t max);
/* Start time of a process in clock ticks since boot (/proc/PID/stat), 0 when gone: with
 * the pid it names one process for good. */
unsigned long long spawn_start_time(pid_t pid);
/* Whether the environment of pid holds NAME=VALUE exactly. */
bool spawn_has_env(pid_t pid, const char *name, const char *value);

#endif
