/* The state database (STATE/state.db): what the supervisor remembers. One writer, the
 * supervisor; everybody else opens it read-only. State moves by compare-and-set on
 * (id, attempt, state); terminal states are final. */
#ifndef STATE_STATE_H
#define STATE_STATE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include "base/err.h"

struct state;

int state_open(struct state **out, const char *path, bool is_readonly, struct err *e);
void state_close(struct state *s); /* NULL allowed */
/* Several changes as one (and one wait for the disk). A failed commit is rolled back.
 */
int state_begin(struct state *s, struct err *e);
int state_commit(struct state *s, struct err *e);
void state_rollback(struct state *s);

/* Runs. states: queued running success failed blocked cancelled crashed */
int state_run_new(struct state *s, const char *command, const char *reason,
                  const json_t *args, int64_t *run_id, struct err *e);
/* from may be "a|b"; ERR_AGAIN when the run is in none of those states. */
int state_run_move(struct state *s, int64_t run_id, const char *from, const char *to,
                   struct err *e);
/* One run as an object (the runs feed's members, args, message); ERR_NOTFOUND. */
int state_run_get(struct state *s, int64_t run_id, json_t **out, struct err *e);
/* What a person should know about the run as a whole ("no plan: …"). */
int state_run_note(struct state *s, int64_t run_id, const char *message, struct err *e);
/* Tasks of a run. states: waiting running success pass warn fail error skipped blocked
 * cancelled. deps: JSON array of task ids (node unique ids). */
int state_task_add(struct state *s, int64_t run_id, const char *node, const char *kind,
                   const json_t *deps, const json_t *data, struct err *e);
/* waiting → running; returns the attempt number (1, 2 …) in *attempt. */
int state_task_start(struct state *s, int64_t run_id, const char *node,
                     const char *worker, int *attempt, struct err *e);
/* running (this attempt) → to, with the result's members; ERR_AGAIN otherwise. */
int state_task_end(struct state *s, int64_t run_id, const char *node, int attempt,
                   const char *to, const json_t *result, struct err *e);
/* waiting → skipped / blocked / cancelled, or running → waiting for a retry. */
int state_task_move(struct state *s, int64_t run_id, const char *node, const char *from,
                    const char *to, const char *message, struct err *e);

/* Lists as JSON arrays shaped as the feeds in wire.h. *out is a new reference. Tasks
 * also carry "after" (ids), "item" (what was planned) and "data" (the result's data).
 */
int state_runs(struct state *s, int limit, json_t **out, struct err *e);
int state_tasks(struct state *s, int64_t run_id, json_t **out, struct err *e);
int state_alerts(struct state *s, bool only_open, json_t **out, struct err *e);

/* Alert outbox: insert or ignore by key. *is_new tells which. */
int state_alert_add(struct state *s, const json_t *alert, bool *is_new, struct err *e);
int state_alert_move(struct state *s, const char *key, const char *to,
                     const char *detail, struct err *e);

/* Those not delivered yet, and those that nobody acknowledged and nothing resolved. */
int state_alert_count(struct state *s, int64_t *undelivered, int64_t *unacked,
                      struct err *e);

/* Latest figures and samples. */
int state_put(struct state *s, const char *kind, const char *name, const json_t *data,
              struct err *e); /* kinds: metrics, freshness, lag, gate, process, clock */
int state_get(struct state *s, const char *kind, const char *name, json_t **out,
              struct err *e); /* NULL when absent */
int state_list(struct state *s, const char *kind, json_t **out,
               struct err *e); /* object */

/* Audit: who did what. */
int state_audit(struct state *s, const char *who, const char *verb, const json_t *args,
                const char *outcome, struct err *e);
int state_audits(struct state *s, int limit, json_t **out,
                 struct err *e); /* newest first */

/* After a crash: every running attempt becomes "waiting" again when its run goes on
 * (resume), else the run becomes "crashed". Returns how many rows moved. */
int state_reconcile(struct state *s, bool resume, struct err *e);

#endif
