/* Runs, their tasks and attempts: how they move.
 *
 * in: moves asked for by the supervisor. out: rows, and lists shaped as the feeds in
 * wire.h. Always holds: a move names the state it comes from and does nothing when the
 * row is elsewhere (ERR_AGAIN); an attempt's number only grows; a late answer of an old
 * attempt changes nothing. */
#include "state/state_db.h"

#include <sqlite3.h>
#include <string.h>

#include "base/json.h"
#include "base/timeutil.h"

int state_run_new(struct state *s, const char *command, const char *reason,
                  const json_t *args, int64_t *run_id, struct err *e)
{
    int rc = state_exec(s, e,
                        "INSERT INTO runs(command, reason, args, created_ms)"
                        " VALUES(?,?,?,?)",
                        "ssji", command, reason, args, time_wall_ms());
    if (rc < 0)
        return rc;
    *run_id = sqlite3_last_insert_rowid(s->db);
    return 0;
}

int state_run_move(struct state *s, int64_t run_id, const char *from, const char *to,
                   struct err *e)
{
    int rc = state_exec(
        s, e,
        "UPDATE runs SET state = ?1,"
        " started_ms = coalesce(started_ms, ?2),"
        " ended_ms = CASE WHEN ?1 IN ('queued','running') THEN NULL ELSE ?2 END"
        " WHERE id = ?3 AND instr('|'||?4||'|', '|'||state||'|') > 0",
        "siis", to, time_wall_ms(), run_id, from);
    if (rc == 0)
        return err_set(e, ERR_AGAIN, "run %lld is not in state %s any more",
                       (long long)run_id, from);
    return rc < 0 ? rc : 0;
}

int state_task_add(struct state *s, int64_t run_id, const char *node, const char *kind,
                   const json_t *deps, const json_t *data, struct err *e)
{
    int rc =
        state_exec(s, e,
                   "INSERT INTO tasks(run_id, seq, node, kind, deps, data) VALUES(?1,"
                   " (SELECT coalesce(max(seq), 0) + 1 FROM tasks WHERE run_id = ?1), "
                   "?2, ?3, ?4, ?5)",
                   "issjj", run_id, node, kind, deps, data);
    return rc < 0 ? rc : 0;
}

/* The attempt's number after a successful start. */
static int task_attempt(struct state *s, int64_t run_id, const char *node, int *attempt,
                        struct err *e)
{
    sqlite3_stmt *st = NULL;
    int rc = state_prepare(s, &st, e,
                           "SELECT attempt FROM tasks WHERE run_id = ? AND node = ?",
                           "is", run_id, node);
    if (rc < 0)
        return rc;
    rc = state_step(s, st, e);
    if (rc == 1)
        *attempt = sqlite3_column_int(st, 0);
    sqlite3_finalize(st);
    if (rc == 0)
        return err_set(e, ERR_NOTFOUND, "run %lld has no task %s", (long long)run_id,
                       node);
    return rc < 0 ? rc : 0;
}

int state_task_start(struct state *s, int64_t run_id, const char *node,
                     const char *worker, int *attempt, struct err *e)
{
    int64_t now = time_wall_ms();
    int rc = state_exec(s, e,
                        "UPDATE tasks SET state = 'running', attempt = attempt + 1,"
                        " worker = ?, started_ms = ?, message = NULL"
                        " WHERE run_id = ? AND node = ? AND state = 'waiting'",
                        "siis", worker, now, run_id, node);
    if (rc == 0)
        return err_set(e, ERR_AGAIN, "task %s of run %lld is not waiting", node,
                       (long long)run_id);
    if (rc > 0)
        rc = task_attempt(s, run_id, node, attempt, e);
    if (rc < 0)
        return rc;
    rc = state_exec(
        s, e,
        "INSERT INTO attempts(run_id, node, attempt, worker, started_ms, state)"
        " VALUES(?,?,?,?,?,'running')",
        "isisi", run_id, node, (int64_t)*attempt, worker, now);
    return rc < 0 ? rc : 0;
}

static int attempt_end(struct state *s, int64_t run_id, const char *node, int attempt,
                       const char *to, const char *message, struct err *e)
{
    int rc = state_exec(s, e,
                        "UPDATE attempts SET state = ?, ended_ms = ?, message = ?"
                        " WHERE run_id = ? AND node = ? AND attempt = ?",
                        "sisisi", to, time_wall_ms(), message, run_id, node,
                        (int64_t)attempt);
    return rc < 0 ? rc : 0;
}

int state_task_end(struct state *s, int64_t run_id, const char *node, int attempt,
                   const char *to, const json_t *result, struct err *e)
{
    const char *message = json_str(result, "message", NULL);
    int rc =
        state_exec(s, e,
                   "UPDATE tasks SET state = ?, ended_ms = ?, seconds = ?, rows = ?,"
                   " message = ?, result = ?"
                   " WHERE run_id = ? AND node = ? AND attempt = ? AND state ="
                   " 'running'",
                   "sidisjisi", to, time_wall_ms(), json_num(result, "seconds", 0),
                   json_i64(result, "rows", -1), message,
                   json_object_get(result, "data"), run_id, node, (int64_t)attempt);
    if (rc == 0)
        return err_set(e, ERR_AGAIN, "attempt %d of task %s is not running any more",
                       attempt, node);
    return rc < 0 ? rc : attempt_end(s, run_id, node, attempt, to, message, e);
}

int state_task_move(struct state *s, int64_t run_id, const char *node, const char *from,
                    const char *to, const char *message, struct err *e)
{
    int rc = state_exec(
        s, e,
        "UPDATE tasks SET state = ?1, message = ?2,"
        " ended_ms = CASE WHEN ?1 IN ('waiting','running') THEN NULL ELSE ?3 END"
        " WHERE run_id = ?4 AND node = ?5"
        " AND instr('|'||?6||'|', '|'||state||'|') > 0",
        "ssiiss", to, message, time_wall_ms(), run_id, node, from);
    if (rc == 0)
        return err_set(e, ERR_AGAIN, "task %s is not in state %s any more", node, from);
    if (rc < 0)
        return rc;
    rc = state_exec(s, e,
                    "UPDATE attempts SET state = 'error', ended_ms = ?, message = ?"
                    " WHERE run_id = ? AND node = ? AND state = 'running'",
                    "isis", time_wall_ms(), message, run_id, node);
    return rc < 0 ? rc : 0;
}

int state_runs(struct state *s, int limit, json_t **out, struct err *e)
{
    return state_query(
        s, out, e,
        "SELECT r.id AS id, command, reason, r.state AS state,"
        " coalesce(r.started_ms, r.created_ms) AS started_ms, r.ended_ms AS ended_ms,"
        " count(t.node) AS total,"
        " coalesce(sum(t.state NOT IN ('waiting','running')), 0) AS done,"
        " coalesce(sum(t.state IN ('error','fail','blocked')), 0) AS failed,"
        " coalesce(sum(t.state IN ('skipped','cancelled')), 0) AS skipped,"
        " r.message AS message, r.args AS args_json"
        " FROM (SELECT * FROM runs ORDER BY id DESC LIMIT ?1) r"
        " LEFT JOIN tasks t ON t.run_id = r.id GROUP BY r.id ORDER BY r.id DESC",
        "i", (int64_t)limit);
}

int state_run_get(struct state *s, int64_t run_id, json_t **out, struct err *e)
{
    json_t *rows = NULL;
    *out = NULL;
    int rc = state_query(s, &rows, e,
                         "SELECT id, command, reason, state, message,"
                         " coalesce(started_ms, created_ms) AS started_ms, ended_ms,"
                         " args AS args_json FROM runs WHERE id = ?",
                         "i", run_id);
    if (rc == 0 && json_array_size(rows) == 0)
        rc = err_set(e, ERR_NOTFOUND, "there is no run %lld: `weir runs` lists them",
                     (long long)run_id);
    if (rc == 0)
        *out = json_incref(json_array_get(rows, 0));
    json_decref(rows);
    return rc;
}

int state_run_note(struct state *s, int64_t run_id, const char *message, struct err *e)
{
    int rc = state_exec(s, e, "UPDATE runs SET message = ? WHERE id = ?", "si", message,
                        run_id);
    return rc < 0 ? rc : 0;
}

int state_tasks(struct state *s, int64_t run_id, json_t **out, struct err *e)
{
    return state_query(s, out, e,
                       "SELECT node AS id, node, kind, state, attempt, started_ms,"
                       " seconds, rows, message, worker AS log, deps AS after_json,"
                       " data AS item_json, result AS data_json"
                       " FROM tasks WHERE run_id = ? ORDER BY seq",
                       "i", run_id);
}

static int reconcile_resume(struct state *s, struct err *e)
{
    return state_exec(s, e,
                      "UPDATE tasks SET state = 'waiting',"
                      " message = 'the supervisor ended during this attempt'"
                      " WHERE state = 'running' AND run_id IN"
                      " (SELECT id FROM runs WHERE state IN ('queued','running'))",
                      "");
}

static int reconcile_crash(struct state *s, struct err *e)
{
    int tasks = state_exec(s, e,
                           "UPDATE tasks SET state = 'cancelled',"
                           " message = 'the supervisor ended during the run'"
                           " WHERE state IN ('running','waiting')",
                           "");
    if (tasks < 0)
        return tasks;
    int runs = state_exec(s, e,
                          "UPDATE runs SET state = 'crashed', ended_ms = ?,"
                          " message = 'the supervisor ended during the run'"
                          " WHERE state IN ('queued','running')",
                          "i", time_wall_ms());
    return runs < 0 ? runs : runs + tasks;
}

int state_reconcile(struct state *s, bool resume, struct err *e)
{
    int rc = state_begin(s, e);
    if (rc < 0)
        return rc;
    int moved = resume ? reconcile_resume(s, e) : reconcile_crash(s, e);
    rc = moved < 0 ? moved
                   : state_exec(s, e,
                                "UPDATE attempts SET state = 'error', ended_ms = ?,"
                                " message = 'the supervisor ended'"
                                " WHERE state = 'running'",
                                "i", time_wall_ms());
    if (rc < 0) {
        state_rollback(s);
        return rc;
    }
    rc = state_commit(s, e);
    return rc < 0 ? rc : moved;
}
