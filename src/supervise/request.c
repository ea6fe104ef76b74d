/* What clients may ask of the supervisor: one row per command.
 *
 * in: {"id","cmd","args"} of a client with a role. out: an answer, now or when it is
 * known. Called by control.c. Always holds: a command outside the table is refused with
 * the nearest name; a role that does not reach is refused; what changes something
 * leaves an audit row with who, what and how it ended. */
#include "supervise/sup.h"

#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"

struct request {
    const char *name;
    enum client_role role;
    bool is_audited;
    /* 0 and *data (NULL: null), or negative with e; ANSWERED_LATER: the handler sees to
     * it. */
    int (*run)(struct client *c, int64_t id, const json_t *args, json_t **data,
               struct err *e);
};
#define ANSWERED_LATER 1

static int do_feed(struct client *c, enum feed f, json_t **data)
{
    *data = feed_json(client_sup(c), f, "", 0);
    return 0;
}
static int do_status(struct client *c, int64_t id, const json_t *args, json_t **data,
                     struct err *e)
{
    (void)id, (void)args, (void)e;
    return do_feed(c, FEED_OVERVIEW, data);
}
static int do_processes(struct client *c, int64_t id, const json_t *args, json_t **data,
                        struct err *e)
{
    (void)id, (void)args, (void)e;
    return do_feed(c, FEED_PROCESSES, data);
}
static int do_lag(struct client *c, int64_t id, const json_t *args, json_t **data,
                  struct err *e)
{
    (void)id, (void)args, (void)e;
    return do_feed(c, FEED_LAG, data);
}
static int do_alerts(struct client *c, int64_t id, const json_t *args, json_t **data,
                     struct err *e)
{
    (void)id, (void)args, (void)e;
    return do_feed(c, FEED_ALERTS, data);
}

static int do_whoami(struct client *c, int64_t id, const json_t *args, json_t **data,
                     struct err *e)
{
    (void)id, (void)args, (void)e;
    *data = json_object();
    json_put_i64(*data, "uid", client_uid(c));
    json_put_str(*data, "name", client_who(c));
    json_put_str(*data, "role", client_role_name(c));
    return 0;
}

static int subscribe(struct client *c, const json_t *args, bool is_on, struct err *e)
{
    json_t *feeds = json_arr(args, "feeds"), *f;
    size_t i;
    json_array_foreach (feeds, i, f) {
        const char *name = json_is_string(f) ? json_string_value(f) : "";
        if (client_subscribe(c, name, is_on) < 0)
            return err_set(
                e, ERR_USAGE,
                "there is no feed \"%s\": overview lag processes runs tasks:RUN "
                "anomalies alerts log:PROCESS gate:GATE",
                name);
    }
    return 0;
}
static int do_subscribe(struct client *c, int64_t id, const json_t *args, json_t **data,
                        struct err *e)
{
    (void)id, (void)data;
    return subscribe(c, args, true, e);
}
static int do_unsubscribe(struct client *c, int64_t id, const json_t *args,
                          json_t **data, struct err *e)
{
    (void)id, (void)data;
    return subscribe(c, args, false, e);
}

static int do_runs(struct client *c, int64_t id, const json_t *args, json_t **data,
                   struct err *e)
{
    (void)id;
    int64_t limit = json_i64(args, "limit", 50);
    return state_runs(client_sup(c)->state, (int)(limit > 1000 ? 1000 : limit), data,
                      e);
}
static int do_tasks(struct client *c, int64_t id, const json_t *args, json_t **data,
                    struct err *e)
{
    (void)id;
    return state_tasks(client_sup(c)->state, json_i64(args, "run", 0), data, e);
}

static int do_log(struct client *c, int64_t id, const json_t *args, json_t **data,
                  struct err *e)
{
    (void)id;
    const char *name = json_str(args, "name", "");
    struct unit *u = unit_find(client_sup(c), name);
    if (!u)
        return err_set(e, ERR_NOTFOUND, "there is no process %s", name);
    int64_t lines = json_i64(args, "lines", LOGCAP_RING_LINES);
    *data = logcap_json(&u->proc->log, 0, lines > 0 ? (size_t)lines : 0);
    return 0;
}

static int do_anomalies(struct client *c, int64_t id, const json_t *args, json_t **data,
                        struct err *e)
{
    (void)id, (void)e;
    json_t *all = client_sup(c)->anomalies;
    size_t n = json_array_size(all), limit = (size_t)json_i64(args, "limit", 100);
    *data = json_array();
    for (size_t i = n > limit ? n - limit : 0; i < n; i++)
        json_array_append(*data, json_array_get(all, i));
    return 0;
}

static int do_wait(struct client *c, int64_t id, const json_t *args, json_t **data,
                   struct err *e)
{
    (void)data;
    const char *until = json_str(args, "until", "");
    if (feed_condition(client_sup(c), until) == ERR_USAGE)
        return err_set(
            e, ERR_USAGE,
            "wait until \"%s\": expected up, ready, idle, drained, down or run:ID",
            until);
    client_wait(c, id, until);
    return ANSWERED_LATER;
}

/* ── plans: answered by a sql worker
 * ─────────────────────────────────────────────────── */

struct plan_wait {
    unsigned long client;
    int64_t id;
};

static void plan_answered(struct job *j, const json_t *msg, const char *text)
{
    struct plan_wait *w = j->arg;
    struct client *c = client_by_number(j->sup, w->client);
    if (c && msg && streq(json_str(msg, "t", ""), "plan"))
        client_answer(c, w->id, json_incref(json_object_get(msg, "data")));
    else if (c)
        client_refuse(c, w->id, msg ? json_str(msg, "code", "FAIL") : "FAIL",
                      msg ? json_str(msg, "message", "no plan") : text);
    mem_free(w);
}

static int do_plan(struct client *c, int64_t id, const json_t *args, json_t **data,
                   struct err *e)
{
    struct sup *s = client_sup(c);
    (void)data;
    if (!s->p->models_project)
        return err_set(e, ERR_CONFIG, "this platform has no models project");
    json_t *request = run_plan_data(s, args, 0, e);
    if (!request)
        return ERR_SQL;
    struct plan_wait *w = mem_alloc(sizeof *w);
    w->client = client_number(c);
    w->id = id;
    struct job *j = job_new(s, "plan", request);
    j->arg = w;
    j->done = plan_answered;
    job_queue(j);
    return ANSWERED_LATER;
}

/* ── changes
 * ─────────────────────────────────────────────────────────────────────────── */

static int do_run(struct client *c, int64_t id, const json_t *args, json_t **data,
                  struct err *e)
{
    int64_t run = 0;
    (void)id;
    int rc = run_request(client_sup(c), args, client_who(c), &run, e);
    if (rc == 0) {
        *data = json_object();
        json_put_i64(*data, "run", run);
    }
    return rc;
}
static int do_rerun(struct client *c, int64_t id, const json_t *args, json_t **data,
                    struct err *e)
{
    if (!json_object_get(args, "node") && !streq(json_str(args, "scope", ""), "failed"))
        return err_set(e, ERR_USAGE, "rerun needs a node, or the scope failed");
    return do_run(c, id, args, data, e);
}
static int do_cancel(struct client *c, int64_t id, const json_t *args, json_t **data,
                     struct err *e)
{
    (void)id, (void)data;
    return run_cancel(client_sup(c), json_i64(args, "run", 0), e);
}

static int find_process(struct client *c, const json_t *args, struct unit **out,
                        struct err *e)
{
    const char *name = json_str(args, "process", "");
    *out = unit_find(client_sup(c), name);
    return *out ? 0 : err_set(e, ERR_NOTFOUND, "there is no process %s", name);
}
static int do_restart(struct client *c, int64_t id, const json_t *args, json_t **data,
                      struct err *e)
{
    struct unit *u = NULL;
    (void)id, (void)data;
    int rc = find_process(c, args, &u, e);
    if (rc < 0)
        return rc;
    if (proc_is_live(u->proc))
        proc_stop(u->proc);
    proc_start(u->proc);
    return 0;
}
static int do_stop(struct client *c, int64_t id, const json_t *args, json_t **data,
                   struct err *e)
{
    struct unit *u = NULL;
    (void)id, (void)data;
    int rc = find_process(c, args, &u, e);
    if (rc == 0)
        proc_stop(u->proc);
    return rc;
}
static int do_start(struct client *c, int64_t id, const json_t *args, json_t **data,
                    struct err *e)
{
    struct unit *u = NULL;
    (void)id, (void)data;
    int rc = find_process(c, args, &u, e);
    if (rc == 0)
        unit_start(u);
    return rc;
}

static int do_ack(struct client *c, int64_t id, const json_t *args, json_t **data,
                  struct err *e)
{
    char detail[128];
    (void)id, (void)data;
    snprintf(detail, sizeof detail, "by %s", client_who(c));
    int rc = state_alert_move(client_sup(c)->state, json_str(args, "key", ""), "acked",
                              detail, e);
    control_changed(client_sup(c), FEED_ALERTS, NULL);
    return rc;
}
static int do_sync(struct client *c, int64_t id, const json_t *args, json_t **data,
                   struct err *e)
{
    (void)id, (void)data;
    return schedule_sync(client_sup(c), json_str(args, "source", ""), e);
}

static int do_down(struct client *c, int64_t id, const json_t *args, json_t **data,
                   struct err *e)
{
    (void)id, (void)data, (void)e;
    sup_stop(client_sup(c), json_flag(args, "now", false));
    return 0;
}

static const struct request requests[] = {
    {"status", CLIENT_VIEWER, false, do_status},
    {"processes", CLIENT_VIEWER, false, do_processes},
    {"lag", CLIENT_VIEWER, false, do_lag},
    {"alerts", CLIENT_VIEWER, false, do_alerts},
    {"whoami", CLIENT_VIEWER, false, do_whoami},
    {"subscribe", CLIENT_VIEWER, false, do_subscribe},
    {"unsubscribe", CLIENT_VIEWER, false, do_unsubscribe},
    {"runs", CLIENT_VIEWER, false, do_runs},
    {"tasks", CLIENT_VIEWER, false, do_tasks},
    {"log", CLIENT_VIEWER, false, do_log},
    {"anomalies", CLIENT_VIEWER, false, do_anomalies},
    {"wait", CLIENT_VIEWER, false, do_wait},
    {"run.plan", CLIENT_VIEWER, false, do_plan},
    {"rerun.plan", CLIENT_VIEWER, false, do_plan},
    {"run", CLIENT_OPERATOR, true, do_run},
    {"rerun", CLIENT_OPERATOR, true, do_rerun},
    {"cancel", CLIENT_OPERATOR, true, do_cancel},
    {"restart", CLIENT_OPERATOR, true, do_restart},
    {"stop", CLIENT_OPERATOR, true, do_stop},
    {"start", CLIENT_OPERATOR, true, do_start},
    {"ack", CLIENT_OPERATOR, true, do_ack},
    {"sync", CLIENT_OPERATOR, true, do_sync},
    {"down", CLIENT_ADMIN, true, do_down},
};
#define N_REQUESTS (sizeof requests / sizeof *requests)

static const struct request *request_find(const char *name)
{
    for (size_t i = 0; i < N_REQUESTS; i++)
        if (streq(requests[i].name, name))
            return &requests[i];
    return NULL;
}

static void refuse_unknown(struct client *c, int64_t id, const char *name)
{
    const char *names[N_REQUESTS];
    char text[256];
    for (size_t i = 0; i < N_REQUESTS; i++)
        names[i] = requests[i].name;
    const char *near = str_nearest(name, names, N_REQUESTS);
    snprintf(text, sizeof text, "there is no command \"%.60s\"%s%s%s", name,
             near ? ": did you mean " : "", near ? near : "", near ? "?" : "");
    client_refuse(c, id, "USAGE", text);
}

static void audit(struct client *c, const struct request *r, const json_t *args,
                  const char *outcome)
{
    struct sup *s = client_sup(c);
    struct err e = {0};
    sup_check(s, state_audit(s->state, client_who(c), r->name, args, outcome, &e), &e);
}

void request_handle(struct client *c, const json_t *msg)
{
    const char *name = json_str(msg, "cmd", "");
    int64_t id = json_i64(msg, "id", 0);
    const struct request *r = request_find(name);
    struct sup *s = client_sup(c);
    struct err e = {0};
    json_t *data = NULL, *args = json_obj(msg, "args");
    if (!r) {
        refuse_unknown(c, id, name);
        return;
    }
    if (client_role(c) < r->role) {
        static const char *const needed[] = {"", "viewer", "operator", "admin"};
        char text[256];
        snprintf(text, sizeof text, "%s needs the role %s, you are %s", name,
                 needed[r->role], client_role_name(c));
        client_refuse(c, id, "DENIED", text);
        if (r->is_audited)
            audit(c, r, args, "denied");
        return;
    }
    int rc = r->run(c, id, args, &data, &e);
    if (r->is_audited)
        audit(c, r, args, rc < 0 ? e.text : "ok");
    if (rc < 0) {
        client_refuse(c, id, err_name(rc), e.text);
        json_decref(data);
    } else if (rc != ANSWERED_LATER) {
        client_answer(c, id, data);
    }
    sup_advance(s);
}
