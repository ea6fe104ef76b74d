/* Latest figures by (kind, name), and the audit trail.
 *
 * in: JSON of workers' metrics, freshness, lag, gates, clock; who did what. out: the
 * same, after a restart too. Called by the supervisor; read by commands. */
#include "state/state_db.h"

#include <sqlite3.h>

#include "base/json.h"
#include "base/timeutil.h"

int state_put(struct state *s, const char *kind, const char *name, const json_t *data,
              struct err *e)
{
    int rc = state_exec(s, e,
                        "INSERT INTO figures(kind, name, data, at_ms) VALUES(?,?,?,?)"
                        " ON CONFLICT(kind, name) DO UPDATE SET data = excluded.data,"
                        " at_ms = excluded.at_ms",
                        "ssji", kind, name, data, time_wall_ms());
    return rc < 0 ? rc : 0;
}

int state_get(struct state *s, const char *kind, const char *name, json_t **out,
              struct err *e)
{
    sqlite3_stmt *st = NULL;
    *out = NULL;
    int rc = state_prepare(s, &st, e,
                           "SELECT data AS data_json FROM figures"
                           " WHERE kind = ? AND name = ?",
                           "ss", kind, name);
    if (rc < 0)
        return rc;
    rc = state_step(s, st, e);
    if (rc == 1)
        *out = state_column_json(st, 0);
    sqlite3_finalize(st);
    return rc < 0 ? rc : 0;
}

int state_list(struct state *s, const char *kind, json_t **out, struct err *e)
{
    sqlite3_stmt *st = NULL;
    *out = NULL;
    int rc = state_prepare(s, &st, e,
                           "SELECT data AS data_json, name FROM figures WHERE kind = ?"
                           " ORDER BY name",
                           "s", kind);
    if (rc < 0)
        return rc;
    json_t *all = json_object();
    while ((rc = state_step(s, st, e)) == 1)
        json_put(all, (const char *)sqlite3_column_text(st, 1),
                 state_column_json(st, 0));
    sqlite3_finalize(st);
    if (rc < 0)
        json_decref(all);
    else
        *out = all;
    return rc;
}

int state_audit(struct state *s, const char *who, const char *verb, const json_t *args,
                const char *outcome, struct err *e)
{
    int rc = state_exec(s, e,
                        "INSERT INTO audit(at_ms, who, verb, args, outcome)"
                        " VALUES(?,?,?,?,?)",
                        "issjs", time_wall_ms(), who, verb, args, outcome);
    return rc < 0 ? rc : 0;
}

int state_audits(struct state *s, int limit, json_t **out, struct err *e)
{
    return state_query(s, out, e,
                       "SELECT at_ms, who, verb, args AS args_json, outcome FROM audit"
                       " ORDER BY id DESC LIMIT ?",
                       "i", (int64_t)limit);
}
