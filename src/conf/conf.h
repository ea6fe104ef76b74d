/* weir.yml → struct platform. Every setting is one row in conf_rows.list (section,
 * name, type, range, default, doc): the parser, `weir conf show`, the JSON Schema and
 * weir.yml.5 all come from the rows. Errors name file:line:column, what was expected
 * and the nearest valid name.
 *
 * Values: "${NAME}" and "${NAME:-default}" anywhere in a scalar are replaced from the
 * environment; a secret may also be {env: NAME} or {file: PATH}. --set a.b.c=value
 * overrides come last. Relative paths are relative to the project folder; one that came
 * from the environment or --set and is not there is taken from the current folder when
 * it is there.
 * A folder without weir.yml but with dbt_project.yml gives a platform with defaults. */
#ifndef CONF_CONF_H
#define CONF_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <jansson.h>
#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"

/* One key = value the section's fixed rows do not know: a plugin's own setting. */
struct conf_pair {
    const char *name, *value;
    bool is_path;
};

struct conf_source {
    const char *name, *plugin, *topic; /* topic default: the source's name */
    int64_t every_ms;     /* 0: follow (stream source); > 0: snapshot every … */
    const char *arrival;  /* path of a side file of arrival times, "auto" or "" */
    int64_t memory_bytes; /* rlimit of the plugin host */
    int64_t hang_ms;      /* no progress for this long: killed and named */
    const struct conf_pair *settings; /* all other keys */
    size_t n_settings;
};

struct conf_topic {
    const char *name;
    int partitions;
    int64_t retention_ms, retention_bytes;
    const char *key; /* "store", "customer", "hash" */
};

struct conf_table_ref {
    const char *role, *topic; /* store: stores */
};

struct conf_stream {
    const char *name, *from;
    const struct conf_table_ref *tables;
    size_t n_tables;
    int64_t watermark_ms, lateness_ms, idle_ms, clock_ahead_ms, dedupe_ms;
    const int64_t *windows_ms;
    size_t n_windows;
    const char *const *steps; /* NULL-terminated */
    double amount_sigma;
    int64_t amount_min_count;
    int64_t velocity_max; /* more than this many … */
    int64_t velocity_ms;  /* … in this long, per terminal */
    bool off_hours;
    int64_t alert_over_cents;
    const char *to_records, *to_windows, *to_alerts, *to_late, *to_rejects;
    int workers_min, workers_max;
    int64_t target_lag_ms;
    int64_t epoch_ms, epoch_records, snapshot_ms;
};

struct conf_load {
    const char *name, *from, *schema, *table; /* into: bronze.raw_transactions */
    const char
        *mode; /* "append"; "upsert": newest version of each key, deletes applied */
    const char *key; /* upsert: comma-separated fields */
    int64_t batch_rows, batch_ms;
};

/* "transform" is every node's and gives the number of SQL workers; others bound the
 * nodes whose config names them (meta: {pool: NAME}). */
struct conf_pool {
    const char *name;
    int slots;
    int64_t statement_timeout_ms;
};

struct conf_gate {
    const char *name, *suite, *on, *block; /* on: "silver.stg_transactions" */
    const struct conf_pair
        *parameters; /* $PARAMETER values; JSON text or SQL "query: …" */
    size_t n_parameters;
};

struct conf_freshness {
    const char *relation, *column; /* column: timestamp column, default loaded_at */
    int64_t warn_ms, breach_ms;
};

struct conf_schedule {
    const char *name, *cron, *select, *full_refresh, *catch_up; /* latest, all, none */
};

struct conf_sink {           /* alerts: */
    const char *name, *kind; /* file */
    const char *path;
    const char *const *severities; /* NULL-terminated; NULL: all */
};

/* One value in force and where it came from: "weir.yml:12:5", "--set", "WEIR_SET",
 * "default", or "derived" (an entry nobody wrote). */
struct conf_origin {
    const char *path; /* "sources.pos.topic" */
    const char *value, *from;
    int line, column; /* in weir.yml, 0: not from there */
    bool is_secret;   /* shown as *** */
};

/* How to reach PostgreSQL. NULL, "" and 0: what libpq takes by default (PGHOST …). */
struct conf_postgres {
    const char *host, *user, *password, *dbname, *sslmode, *search_path, *role;
    const char *sslcert, *sslkey, *sslrootcert, *application_name;
    int port, retries; /* how often a connection is tried again */
    int64_t connect_timeout_ms, keepalives_idle_ms;
};

struct platform {
    struct arena arena;                /* owns everything below */
    const struct conf_origin *origins; /* in the order of the rows */
    size_t n_origins;
    /* Settings whose path was found in the caller's folder, not in the project's (see
     * above): child processes must get them as overrides. */
    const struct conf_pair *given_paths;
    size_t n_given_paths;
    const char *project_dir, *state_dir, *file; /* absolute; file NULL when defaulted */
    const char *name, *environment, *timezone;
    enum { CLOCK_WALL, CLOCK_DATA } clock;
    int64_t as_of_ms; /* --as-of, -1 none */

    const char *bus_kind; /* embedded, kafka */
    const char *bus_path;
    const char *kafka_servers;
    const char *const *kafka_properties;
    bool bus_relaxed;

    const char *warehouse_kind; /* sqlite, postgres */
    const char *warehouse_dir;
    /* schema → file of those that do not lie in warehouse_dir as SCHEMA.db */
    const struct conf_pair *warehouse_files;
    size_t n_warehouse_files;
    const char *const
        *warehouse_extensions; /* of SQLite, NULL-terminated; NULL: none */
    struct conf_postgres postgres;
    bool has_warehouse;                   /* weir.yml says which: sqlite or postgres */
    bool has_dialect;                     /* weir.yml says it */
    const char *profile, *profile_target; /* of profiles.yml; "": as dbt finds them */
    const char *const *schemas;           /* bronze silver gold …, NULL-terminated */
    const char *dialect;

    const struct conf_source *sources;
    size_t n_sources;
    const struct conf_topic *topics; /* named ones and the derived ones with defaults */
    size_t n_topics;
    const struct conf_stream *streams;
    size_t n_streams;
    const struct conf_load *loads;
    size_t n_loads;
    const struct conf_pool *pools;
    size_t n_pools;
    int sql_workers;
    const struct conf_gate *gates;
    size_t n_gates;
    const struct conf_freshness *freshness;
    size_t n_freshness;
    const struct conf_schedule *schedules;
    size_t n_schedules;
    const struct conf_sink *sinks;
    size_t n_sinks;
    const char *models_project; /* folder of dbt_project.yml, NULL: none */
    const char *console_theme;
    bool console_ascii;
    int log_keep;
    int64_t log_bytes;
    const char *const *role_admin, *const *role_operator, *const *role_viewer;
};

/* Overrides reach child processes through the environment, never argv:
 * WEIR_PROJECT_DIR, WEIR_STATE_DIR, WEIR_SET (one "a.b.c=value" a line), WEIR_AS_OF.
 * conf_load reads them as defaults of the options; cmd_main exports what was given on
 * the command line. */
struct conf_options {
    const char *project_dir; /* NULL: $WEIR_PROJECT_DIR, else the nearest parent of cwd
                                with weir.yml or dbt_project.yml */
    const char *state_dir;   /* NULL: $WEIR_STATE_DIR, else PROJECT/.weir */
    const char *const *sets; /* "a.b.c=value", NULL-terminated, may be NULL */
    const char *as_of;       /* ISO time or NULL */
};

int conf_load(struct platform **out, const struct conf_options *o, struct err *e);
void conf_free(struct platform *p);
const struct conf_source *conf_source(const struct platform *p, const char *name);
const struct conf_pool *conf_pool(const struct platform *p, const char *name);
const struct conf_topic *conf_topic(const struct platform *p, const char *name);
const struct conf_stream *conf_stream(const struct platform *p, const char *name);
const struct conf_load *conf_load_row(const struct platform *p, const char *name);

/* What is in force and where each value came from, as text or JSON. */
int conf_show(const struct platform *p, bool as_json, struct buf *out, struct err *e);
int conf_schema(struct buf *out, struct err *e); /* JSON Schema 2020-12 */
int conf_man(struct buf *out, struct err *e);    /* weir.yml.5 in mdoc */
/* Paths under the state folder: "bus.db", "control.sock", "state.db", "logs", … */
const char *conf_state_path(const struct platform *p, const char *name, char *out,
                            size_t size);

#endif
