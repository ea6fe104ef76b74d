/* The alert outbox: stored before it is acknowledged, delivered until it is sent.
 *
 * in: alerts of workers, deliveries of the alert worker, acks of people. out: rows
 * shaped as the alerts feed. Always holds: one row per key, whatever is sent twice; an
 * alert leaves the outbox only as sent, acked or resolved. */
#include "state/state_db.h"

#include <sqlite3.h>

#include "base/json.h"
#include "base/timeutil.h"

int state_alert_add(struct state *s, const json_t *alert, bool *is_new, struct err *e)
{
    const char *key = json_str(alert, "key", NULL);
    if (!key)
        return err_set(e, ERR_PROTOCOL, "alert without a key");
    int64_t now = time_wall_ms();
    int rc =
        state_exec(s, e,
                   "INSERT OR IGNORE INTO alerts(key, severity, summary, component,"
                   " details, at_ms, changed_ms) VALUES(?,?,?,?,?,?,?)",
                   "ssssjii", key, json_str(alert, "severity", "warn"),
                   json_str(alert, "summary", ""), json_str(alert, "component", ""),
                   json_object_get(alert, "details"), now, now);
    if (is_new)
        *is_new = rc > 0;
    return rc < 0 ? rc : 0;
}

/* Which states an alert may come from on its way to another: a late failure does not
 * reopen what was sent, a delivery does not undo a person's ack. */
static const char *alert_from(const char *to)
{
    if (to[0] == 's' || to[0] == 'f')
        return "open|failing";
    if (to[0] == 'o')
        return "failing|resolved";
    return "open|failing|sent|acked";
}

int state_alert_move(struct state *s, const char *key, const char *to,
                     const char *detail, struct err *e)
{
    int rc = state_exec(
        s, e,
        "UPDATE alerts SET state = ?1, detail = coalesce(?2, detail), changed_ms = ?3,"
        " attempts = attempts + (?1 IN ('sent','failing'))"
        " WHERE key = ?4 AND instr('|'||?5||'|', '|'||state||'|') > 0",
        "ssiss", to, detail, time_wall_ms(), key, alert_from(to));
    if (rc == 0)
        return err_set(e, ERR_AGAIN,
                       "alert %s cannot become %s: there is none, or it has", key, to);
    return rc < 0 ? rc : 0;
}

int state_alerts(struct state *s, bool only_open, json_t **out, struct err *e)
{
    return state_query(s, out, e,
                       "SELECT key, severity, summary, component, state, at_ms,"
                       " attempts, detail, details AS details_json FROM alerts"
                       " WHERE ?1 = 0 OR state IN ('open','failing')"
                       " ORDER BY at_ms DESC, key LIMIT 1000",
                       "i", (int64_t)only_open);
}

int state_alert_count(struct state *s, int64_t *undelivered, int64_t *unacked,
                      struct err *e)
{
    sqlite3_stmt *st = NULL;
    *undelivered = *unacked = 0;
    int rc = state_prepare(s, &st, e,
                           "SELECT coalesce(sum(state <> 'sent'), 0), count(*) FROM "
                           "alerts WHERE state IN ('open','failing','sent')",
                           "");
    if (rc < 0)
        return rc;
    rc = state_step(s, st, e);
    if (rc == 1) {
        *undelivered = sqlite3_column_int64(st, 0);
        *unacked = sqlite3_column_int64(st, 1);
    }
    sqlite3_finalize(st);
    return rc < 0 ? rc : 0;
}
