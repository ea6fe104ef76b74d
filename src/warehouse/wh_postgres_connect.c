/* PostgreSQL member: the connection: dialing, what to do about one that fails, and the
 * session's settings. In: wh_options with the place of the server. Out: an open member.
 * A password is handed to libpq and nowhere else. Called by wh_postgres.c's row. */
#include "warehouse/wh_postgres.h"

#include <poll.h>
#include "base/mem.h"

static int set_text(struct pg *p, const char *name, const char *value, struct err *e)
{
    PGresult *r;
    if (!value || !*value)
        return 0;
    int rc = pg_select(p, &r, e, "SELECT set_config($1, $2, false)", name, value);
    PQclear(r);
    return rc < 0 ? err_wrap(e, rc, "PostgreSQL: %s \"%s\"", name, value) : 0;
}

static int set_session(struct pg *p, const struct wh_options *o, struct err *e)
{
    const struct conf_postgres *g = o->postgres;
    int rc = pg_execf(p, e,
                      "SET timezone = 'UTC'; SET datestyle = 'ISO';"
                      "SET intervalstyle = 'postgres'; SET bytea_output = 'hex';"
                      "SET standard_conforming_strings = on;"
                      "SET client_min_messages = warning; SET lock_timeout = %d",
                      o->busy_timeout_ms ? o->busy_timeout_ms : 60000);
    if (rc == 0)
        rc = set_text(p, "role", g ? g->role : NULL, e);
    if (rc == 0)
        rc = set_text(p, "search_path", g ? g->search_path : NULL, e);
    if (rc == 0)
        rc = pg_session_now(p, o->now_ms, e);
    for (size_t i = 0; rc == 0 && o->schemas && o->schemas[i]; i++)
        rc = pg_schema_ensure(&p->base, o->schemas[i], e);
    if (rc == 0 && o->is_readonly)
        rc = pg_execf(p, e, "SET default_transaction_read_only = on");
    return rc;
}

/* Milliseconds as whole seconds in text; NULL for 0: libpq's own default. */
static const char *seconds(int64_t ms, char *out, size_t size)
{
    snprintf(out, size, "%lld", (long long)(ms + 999) / 1000);
    return ms ? out : NULL;
}

static PGconn *dial(const struct conf_postgres *g)
{
    char port[16], timeout[24], idle[24];
    snprintf(port, sizeof port, "%d", g->port);
    const struct {
        const char *name, *value;
    } settings[] = {
        {"host", g->host},
        {"port", g->port ? port : NULL},
        {"user", g->user},
        {"password", g->password},
        {"dbname", g->dbname},
        {"sslmode", g->sslmode},
        {"sslcert", g->sslcert},
        {"sslkey", g->sslkey},
        {"sslrootcert", g->sslrootcert},
        {"connect_timeout", seconds(g->connect_timeout_ms, timeout, sizeof timeout)},
        {"keepalives_idle", seconds(g->keepalives_idle_ms, idle, sizeof idle)},
        {"application_name",
         g->application_name && *g->application_name ? g->application_name : "weir"},
        {"client_encoding", "UTF8"},
    };
    enum { N = sizeof settings / sizeof *settings };
    const char *names[N + 1] = {0}, *values[N + 1] = {0};
    for (size_t i = 0; i < N; i++) {
        names[i] = settings[i].name;
        values[i] = settings[i].value;
    }
    return PQconnectdbParams(names, values, 0);
}

/* What the server or libpq says, whose fault it is, and what to do. ERR_CONFIG: for a
 * person to put right; ERR_UNAVAILABLE: it may pass. */
static const struct reason {
    const char *said;
    int code;
    const char *advice;
} reasons[] = {
    {"password authentication failed", ERR_CONFIG,
     "look at the user and at the password's {env: …} or {file: …}"},
    {"no password supplied", ERR_CONFIG,
     "the server wants a password: set password to {env: NAME} or {file: PATH}"},
    {"no pg_hba.conf entry", ERR_CONFIG,
     "the server admits no such connection: look at user, dbname and sslmode, or add a "
     "line to its pg_hba.conf"},
    {"root certificate file", ERR_CONFIG,
     "set sslrootcert to the certificates by which the server is checked"},
    {"certificate verify failed", ERR_CONFIG,
     "the server's certificate is not from those in sslrootcert"},
    {"server certificate for", ERR_CONFIG,
     "the certificate is another host's: set host to that name, or sslmode to "
     "verify-ca"},
    {"server does not support SSL", ERR_CONFIG,
     "the server has no TLS: turn it on there, or set sslmode to prefer"},
    {"certificate", ERR_CONFIG, "look at sslcert, sslkey and sslrootcert"},
    {"private key file", ERR_CONFIG, "look at sslkey: its file must be yours alone"},
    {"too many clients", ERR_UNAVAILABLE,
     "fewer threads need fewer connections; or raise the server's max_connections"},
    {"too many connections", ERR_UNAVAILABLE,
     "fewer threads need fewer connections; or raise the limit of the role or "
     "database"},
    {"connection slots", ERR_UNAVAILABLE,
     "fewer threads need fewer connections; or raise the server's max_connections"},
    {"database \"", ERR_CONFIG, "create it with createdb, or set dbname to another"},
    {"role \"", ERR_CONFIG, "create it with createuser, or set user to another"},
    {"invalid ", ERR_CONFIG, "look at the settings of the connection"},
    {"could not translate host name", ERR_UNAVAILABLE, "look at host"},
    {"timeout expired", ERR_UNAVAILABLE,
     "look at host and port, or raise connect_timeout"},
    {"Connection refused", ERR_UNAVAILABLE,
     "nothing listens there: look at host and port, or start the server"},
    {"No such file", ERR_UNAVAILABLE,
     "no server has its socket there: set host, or start the server"},
    {"", ERR_UNAVAILABLE, "look at host and port, or wait for the server"},
};

static int dial_error(const PGconn *db, struct err *e)
{
    struct str s = str_of(PQerrorMessage(db));
    const struct reason *r = reasons;
    while (!strstr(s.p, r->said))
        r++;
    s.n = strcspn(s.p, "\n"); /* libpq's own advice is not of this program */
    return err_set(e, r->code, "PostgreSQL: user %s, database %s: %.*s; %s", PQuser(db),
                   PQdb(db), (int)s.n, s.p, r->advice);
}

/* As often as the settings say, with growing pauses, while it may pass. */
static int dial_patiently(struct pg *p, const struct conf_postgres *g, struct err *e)
{
    int rc = 0;
    for (int attempt = 0; attempt <= g->retries; attempt++) {
        if (attempt)
            poll(NULL, 0, attempt < 10 ? 100 * attempt * attempt : 10000);
        PQfinish(p->db);
        p->db = dial(g);
        if (!p->db)
            return err_set(e, ERR_NOMEM, "out of memory");
        if (PQstatus(p->db) == CONNECTION_OK)
            return 0;
        rc = dial_error(p->db, e);
        if (rc != ERR_UNAVAILABLE)
            break;
    }
    return rc;
}

int pg_open(struct wh **out, const struct wh_options *o, struct err *e)
{
    static const struct conf_postgres nothing;
    const struct conf_postgres *g = o->postgres ? o->postgres : &nothing;
    int rc = libpq_load(e);
    if (rc < 0)
        return rc;
    struct pg *p = mem_alloc(sizeof *p);
    p->base.ops = &wh_postgres_ops;
    p->is_readonly = o->is_readonly;
    p->is_snowflake = o->dialect && streq(o->dialect, "snowflake");
    map_init(&p->schemas);
    buf_init(&p->notes, 1u << 20);
    if ((rc = dial_patiently(p, g, e)) == 0)
        rc = set_session(p, o, e);
    if (rc < 0) {
        pg_close(&p->base);
        return rc;
    }
    *out = &p->base;
    return 0;
}
