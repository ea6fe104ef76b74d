/* weir source: the platform's sources: what they brought, whether they can be read, and
 * reading one now. In: the bus's committed checkpoints; the plugin, in this process.
 * Out: tables. */
#include <ftw.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "bus/bus_platform.h"
#include "base/log.h"
#include "base/str.h"
#include "base/timeutil.h"
#include "lag/lag_worker.h"
#include "cmd/cmd.h"
#include "cmd/select.h"
#include "cmd/source_freshness.h"
#include "ingest/counts.h"
#include "ingest/guard.h"
#include "ingest/host.h"
#include "ingest/ingest.h"
#include "wire/wire.h"

#define CHECK_RECORDS 1000
#define CHECK_MS      20000

static const struct conf_source *find(const struct platform *p, const char *name,
                                      struct err *e)
{
    const struct conf_source *s = conf_source(p, name);
    const char *names[256];
    size_t n = 0;
    if (s)
        return s;
    for (; n < p->n_sources && n < 256; n++)
        names[n] = p->sources[n].name;
    const char *near = str_nearest(name, names, n);
    err_set(e, ERR_NOTFOUND, "there is no source %s%s%s%s", name,
            near ? "; did you mean " : " (weir source ls)", near ? near : "",
            near ? "?" : "");
    return NULL;
}

/* What the source's checkpoint says; zeros when it was never read. */
static int read_counts(struct bus *b, const struct conf_source *s,
                       struct counts *counts, int64_t *committed_ms, struct err *e)
{
    char group[160], cp[WEIR_CHECKPOINT_MAX];
    struct bus_committed *c = mem_alloc(sizeof *c);
    snprintf(group, sizeof group, "source:%s", s->name);
    *counts = (struct counts){0};
    *committed_ms = -1;
    int rc = bus_committed(b, group, "@source", 0, c, e);
    if (rc == 0 && c->offset >= 0) {
        *committed_ms = c->committed_ms;
        if (c->metadata[0])
            rc = counts_read(counts, cp, sizeof cp, c->metadata, e);
    }
    mem_free(c);
    return rc;
}

/* ── ls ──────────────────────────────────────────────────────────────────────────── */

static json_t *source_row(const struct conf_source *s, const struct counts *c,
                          int64_t committed_ms)
{
    char every[32];
    json_t *o = json_object();
    json_put_str(o, "name", s->name);
    json_put_str(o, "plugin", s->plugin);
    json_put_str(o, "topic", s->topic);
    json_put_str(o, "every",
                 s->every_ms > 0 ? time_format_duration(s->every_ms, every) : "follow");
    json_put_i64(o, "in", c->in);
    json_put_i64(o, "rejected", counts_total(&c->rejected));
    json_put_i64(o, "masked", c->masked);
    json_put_i64(o, "bytes", c->bytes);
    if (committed_ms < 0)
        json_put(o, "committed_ms", json_null());
    else
        json_put_i64(o, "committed_ms", committed_ms);
    json_put(o, "reasons", counts_object(&c->rejected));
    json_put(o, "counts", counts_object(&c->other));
    return o;
}

static int list(const struct cmd_args *a, struct err *e)
{
    static const struct cmd_column columns[] = {
        {"name", "SOURCE", COL_TEXT},          {"plugin", "PLUGIN", COL_TEXT},
        {"topic", "TOPIC", COL_TEXT},          {"every", "EVERY", COL_TEXT},
        {"in", "RECORDS", COL_NUMBER},         {"rejected", "REJECTED", COL_NUMBER},
        {"masked", "MASKED", COL_NUMBER},      {"bytes", "BYTES", COL_BYTES},
        {"committed_ms", "READ AT", COL_TIME},
    };
    struct bus *b = NULL;
    json_t *rows = json_array();
    int rc = 0;
    bus_open_platform(a->platform, true, &b, NULL); /* no bus yet: nothing was read */
    for (size_t i = 0; i < a->platform->n_sources && rc == 0; i++) {
        struct counts c = {0};
        int64_t at = -1;
        if (b)
            rc = read_counts(b, &a->platform->sources[i], &c, &at, e);
        json_array_append_new(rows, source_row(&a->platform->sources[i], &c, at));
    }
    bus_close(b);
    if (rc == 0)
        rc = cmd_print_rows(a, rows, columns, sizeof columns / sizeof *columns, e);
    json_decref(rows);
    return rc;
}

/* ── check ───────────────────────────────────────────────────────────────────────── */

/* What reading the first records showed. */
struct look {
    int64_t records, rejected, masked_bytes;
    int64_t first_ms, last_ms; /* event times */
    bool is_at_end;
    char first_reject[256];
};

static void look_at(struct look *k, const struct weir_record *r)
{
    k->records++;
    if (r->event_ms != WEIR_TIME_UNKNOWN) {
        if (k->first_ms < 0 || r->event_ms < k->first_ms)
            k->first_ms = r->event_ms;
        if (r->event_ms > k->last_ms)
            k->last_ms = r->event_ms;
    }
    if (!r->reject)
        return;
    if (k->rejected++ == 0)
        snprintf(k->first_reject, sizeof k->first_reject, "line %" PRIu64 ": %s: %s",
                 r->position, r->reject, r->detail ? r->detail : "");
}

static int read_some(struct host *h, long limit, struct look *k, struct err *e)
{
    struct weir_record r;
    int64_t until = time_mono_ms() + CHECK_MS;
    while (k->records < limit && time_mono_ms() < until) {
        enum weir_status st = host_next(h, &r);
        if (st == WEIR_RECORD)
            look_at(k, &r);
        else if (st == WEIR_END) {
            k->is_at_end = true;
            return 0;
        } else if (st != WEIR_WAIT)
            return host_error(h, st, "next", e);
    }
    return 0;
}

static void put_time(json_t *o, const char *name, int64_t ms)
{
    char text[32];
    if (ms >= 0)
        json_put_str(o, name, time_format_iso(ms, false, text));
}

static int print_check(const struct cmd_args *a, const struct host *h,
                       const char *found, const struct look *k, struct err *e)
{
    json_t *o = json_object();
    json_put_str(o, "source", h->source->name);
    json_put_str(o, "plugin", h->plugin->name);
    json_put_str(o, "version", h->plugin->version);
    json_put_str(o, "found", found);
    json_put_i64(o, "records", k->records);
    json_put_flag(o, "whole", k->is_at_end);
    json_put_i64(o, "rejected", k->rejected);
    put_time(o, "first", k->first_ms);
    put_time(o, "last", k->last_ms);
    if (k->first_reject[0])
        json_put_str(o, "first_reject", k->first_reject);
    int rc = 0;
    if (a->is_json) {
        rc = cmd_print_json(o, e);
    } else if (!a->is_quiet) {
        struct buf b;
        buf_init(&b, 1u << 20);
        buf_addf(&b, "%s: ok: plugin %s %s\n", h->source->name, h->plugin->name,
                 h->plugin->version ? h->plugin->version : "");
        if (*found)
            buf_addf(&b, "  %s\n", found);
        buf_addf(&b, "  read %" PRId64 " records%s, %" PRId64 " rejected\n", k->records,
                 k->is_at_end ? ", all there are" : "", k->rejected);
        if (k->first_ms >= 0)
            buf_addf(&b, "  event times %s to %s\n", json_str(o, "first", ""),
                     json_str(o, "last", ""));
        if (k->first_reject[0])
            buf_addf(&b, "  first rejected: %s\n", k->first_reject);
        fputs(buf_str(&b), stdout);
        buf_release(&b);
    }
    json_decref(o);
    return rc;
}

static int check_loaded(const struct cmd_args *a, struct host *h, struct err *e)
{
    char found[1024];
    struct look k = {.first_ms = -1, .last_ms = -1};
    int rc = host_discover(h, found, sizeof found, e);
    if (rc == 0)
        rc = host_open(h, true, "", e);
    if (rc == 0)
        rc = read_some(h, opt_int(a, "limit", CHECK_RECORDS), &k, e);
    for (char *p = found; *p; p++) {
        if (*p == '\t' || *p == '\n')
            *p = *p == '\t' ? ' ' : 0;
    }
    return rc == 0 ? print_check(a, h, found, &k, e) : rc;
}

static int remove_path(const char *path, const struct stat *st, int type, struct FTW *f)
{
    (void)st;
    (void)type;
    (void)f;
    return remove(path);
}

/* The plugin reads into nothing: with a state folder of its own that goes afterwards.
 */
static int check(const struct cmd_args *a, const struct conf_source *s, struct err *e)
{
    const char *tmp = getenv("TMPDIR");
    char dir[PATH_MAX];
    struct platform p = *a->platform;
    struct counts counts = {0};
    struct host *h = mem_alloc(sizeof *h);
    snprintf(dir, sizeof dir, "%s/weir-check-XXXXXX", tmp ? tmp : "/tmp");
    if (!mkdtemp(dir)) {
        mem_free(h);
        return err_errno(e, ERR_IO, "%s", dir);
    }
    p.state_dir = dir;
    host_init(h, &p, s, NULL, &counts);
    guard_start(s->name, s->plugin, s->hang_ms, -1);
    int rc = host_load(h, e);
    if (rc == 0)
        rc = check_loaded(a, h, e);
    host_release(h);
    guard_stop();
    mem_free(h);
    nftw(dir, remove_path, 16, FTW_DEPTH | FTW_PHYS);
    return rc;
}

/* ── sync ────────────────────────────────────────────────────────────────────────── */

/* A platform that is up reads the source itself: 1 it was asked, 0 nobody is there. */
static int ask_supervisor(const struct cmd_args *a, const struct conf_source *s,
                          struct err *e)
{
    char path[PATH_MAX];
    int fd;
    struct wire_decoder d;
    json_t *args = json_object(), *data = NULL;
    conf_state_path(a->platform, "control.sock", path, sizeof path);
    if (wire_connect(path, &fd, NULL) < 0) {
        json_decref(args);
        return 0;
    }
    wire_decoder_init(&d);
    json_put_str(args, "source", s->name);
    int rc = wire_request(fd, &d, "sync", args, &data, e);
    json_decref(data);
    wire_decoder_release(&d);
    close(fd);
    if (rc < 0)
        return rc;
    if (a->is_json)
        printf("{\"source\": \"%s\", \"asked\": true}\n", s->name);
    else if (!a->is_quiet)
        printf("%s: the running platform reads it now (weir logs ingest.%s)\n", s->name,
               s->name);
    return 1;
}

static int print_sync(const struct cmd_args *a, const struct conf_source *s,
                      const struct counts *before, const struct counts *after,
                      struct err *e)
{
    json_t *o = json_object();
    json_put_str(o, "source", s->name);
    json_put_i64(o, "records", after->in - before->in);
    json_put_i64(o, "rejected",
                 counts_total(&after->rejected) - counts_total(&before->rejected));
    json_put_i64(o, "masked", after->masked - before->masked);
    int rc = 0;
    if (a->is_json)
        rc = cmd_print_json(o, e);
    else if (!a->is_quiet)
        printf("%s: %" PRId64 " records, %" PRId64 " rejected, %" PRId64
               " card numbers, codes masked\n",
               s->name, json_i64(o, "records", 0), json_i64(o, "rejected", 0),
               json_i64(o, "masked", 0));
    json_decref(o);
    return rc;
}

/* Nobody runs the platform: read the source here, to its end. */
static int sync_here(const struct cmd_args *a, const struct conf_source *s,
                     struct err *e)
{
    struct channel ch = {.fd = -1, .now_ms = -1};
    struct counts before = {0}, after = {0};
    struct bus *b = NULL;
    int64_t at;
    int rc = 0;
    if (bus_open_platform(a->platform, true, &b, NULL) == 0)
        rc = read_counts(b, s, &before, &at, e);
    bus_close(b);
    wire_decoder_init(&ch.decoder);
    log_set_level(LOG_WARN); /* the channel's messages are for a supervisor */
    if (rc == 0)
        rc = ingest_run(a->platform, s, true, &ch, e);
    wire_decoder_release(&ch.decoder);
    b = NULL;
    if (rc == 0)
        rc = bus_open_platform(a->platform, true, &b, e);
    if (rc == 0)
        rc = read_counts(b, s, &after, &at, e);
    bus_close(b);
    return rc == 0 ? print_sync(a, s, &before, &after, e) : rc;
}

/* ── the command ─────────────────────────────────────────────────────────────────── */

static int run(const struct cmd_args *a, struct err *e)
{
    static const char *const verbs[] = {"ls", "check", "sync", "freshness"};
    const char *verb = a->argc ? a->argv[0] : "ls";
    bool is_list = streq(verb, "ls");
    if (is_list && a->argc <= 1)
        return list(a, e);
    if (streq(verb, "freshness")) {
        struct cmd_args rest = *a;
        rest.argc--;
        rest.argv++;
        return source_freshness(&rest, e);
    }
    if (is_list || (!streq(verb, "check") && !streq(verb, "sync"))) {
        const char *near = str_nearest(verb, verbs, 4);
        return err_set(
            e, ERR_USAGE,
            "weir source: expected ls, check NAME, sync NAME or freshness%s%s%s",
            near && !is_list ? "; did you mean " : "", near && !is_list ? near : "",
            near && !is_list ? "?" : "");
    }
    if (a->argc != 2)
        return err_set(e, ERR_USAGE, "weir source %s: expected the name of one source",
                       verb);
    const struct conf_source *s = find(a->platform, a->argv[1], e);
    if (!s)
        return ERR_NOTFOUND;
    if (streq(verb, "check"))
        return check(a, s, e);
    int rc = ask_supervisor(a, s, e);
    return rc == 0 ? sync_here(a, s, e) : rc < 0 ? rc : 0;
}

static const struct cmd_opt opts[] = {
    {"limit", 'n', OPT_INT, "N", "check: read at most this many records (1000).", NULL},
    SELECT_OPTIONS,
    {0},
};

const struct cmd cmd_source = {
    .name = "source",
    .summary = "Look at sources, check one, or read one now.",
    .operands = "[ls | check NAME | sync NAME | freshness [SELECTOR…]]",
    .doc = "ls lists the sources with what they brought: records, rejected ones, card "
           "numbers masked and verification codes or PINs dropped, bytes. With -o json "
           "also the reasons.\n\n"
           "check loads the source's plugin, checks its settings and reads the first "
           "records without writing anything.\n\n"
           "sync reads a source to its present end. When the platform is up its "
           "supervisor does it; otherwise it is done here and now. A snapshot that was "
           "refused because it shrank is taken with --set "
           "sources.NAME.allow_shrink=true.\n\n"
           "freshness is dbt's: how old the newest row of each source of the models "
           "project is, against its warn_after and error_after. It writes "
           "STATE/target/sources.json; the exit status is 1 when a source is older "
           "than error_after. The selection options are its own.",
    .flags = CMD_MUTATES | CMD_JSON | CMD_DBT,
    .opts = opts,
    .run = run,
};
