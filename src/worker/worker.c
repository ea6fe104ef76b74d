/* `weir worker KIND …`: the child's end of the control channel, one adapter per kind.
 *
 * in: the platform (from the environment, never argv), the operands of the kind. out:
 * exit status: 0 ended as asked; 2 configuration and WIRE_EXIT_FINAL an error that
 * would come again (both never retried); else restarted. Called by the hidden command
 * worker. Always holds: a worker whose supervisor is gone ends; SIGTERM and the stop
 * message mean the same: finish the epoch, close, exit 0. */
#include "worker/worker.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>

#include "alert/alert.h"
#include "base/log.h"
#include "base/str.h"
#include "lag/lag_worker.h"
#include "ingest/ingest.h"
#include "worker/sql.h"
#include "load/load.h"
#include "stream/stream.h"

static struct channel channel;

static void on_term(int signum)
{
    (void)signum;
    channel.is_stopping = true; /* looked at by every channel_poll */
}

static int run_ingest(const struct platform *p, int argc, char **argv,
                      struct channel *ch, struct err *e)
{
    const struct conf_source *s = argc > 0 ? conf_source(p, argv[0]) : NULL;
    if (!s)
        return err_set(e, ERR_CONFIG, "weir.yml has no source %s", argc ? argv[0] : "");
    return ingest_run(p, s, argc > 1 && streq(argv[1], "bounded"), ch, e);
}

static int run_stream(const struct platform *p, int argc, char **argv,
                      struct channel *ch, struct err *e)
{
    const struct conf_stream *s = argc > 0 ? conf_stream(p, argv[0]) : NULL;
    int64_t index = 0, n = 1;
    if (!s)
        return err_set(e, ERR_CONFIG, "weir.yml has no stream %s", argc ? argv[0] : "");
    if (argc > 2 && (!str_to_i64(str_of(argv[1]), &index) ||
                     !str_to_i64(str_of(argv[2]), &n) || index < 0 || index >= n))
        return err_set(e, ERR_USAGE, "share %s of %s makes no sense", argv[1], argv[2]);
    return stream_run(p, s, (int)index, (int)n, ch, e);
}

static int run_load(const struct platform *p, int argc, char **argv, struct channel *ch,
                    struct err *e)
{
    const struct conf_load *l = argc > 0 ? conf_load_row(p, argv[0]) : NULL;
    if (!l)
        return err_set(e, ERR_CONFIG, "weir.yml has no load %s", argc ? argv[0] : "");
    return load_run(p, l, ch, e);
}

static int run_lag(const struct platform *p, int argc, char **argv, struct channel *ch,
                   struct err *e)
{
    (void)argc;
    (void)argv;
    return lag_run(p, ch, e);
}

static int run_sql(const struct platform *p, int argc, char **argv, struct channel *ch,
                   struct err *e)
{
    (void)argc;
    (void)argv;
    return sql_run(p, ch, e);
}

static int run_alert(const struct platform *p, int argc, char **argv,
                     struct channel *ch, struct err *e)
{
    (void)argc;
    (void)argv;
    return alert_run(p, ch, e);
}

static const struct worker_kind kinds[] = {
#define X(kind, operands, text) {#kind, operands, text, run_##kind},
#include "worker/worker.list"
#undef X
};
#define N_KINDS (sizeof kinds / sizeof *kinds)

const struct worker_kind *worker_find(const char *name)
{
    for (size_t i = 0; i < N_KINDS; i++)
        if (streq(kinds[i].name, name))
            return &kinds[i];
    return NULL;
}

static int worker_unknown(const char *name, struct err *e)
{
    const char *names[N_KINDS];
    for (size_t i = 0; i < N_KINDS; i++)
        names[i] = kinds[i].name;
    const char *near = str_nearest(name, names, N_KINDS);
    return err_set(e, ERR_USAGE, "there is no worker \"%s\"%s%s%s", name,
                   near ? ": did you mean " : "", near ? near : "", near ? "?" : "");
}

/* "stream enrichment 1 2" → "stream.enrichment.1", as the supervisor calls it. */
static void worker_name(char *out, size_t size, int argc, char **argv)
{
    bool is_further = argc > 2 && streq(argv[0], "stream") && !streq(argv[2], "0");
    (void)snprintf(out, size, argc > 1 ? "%s.%s%s%s" : "%s", argv[0],
                   argc > 1 ? argv[1] : "", is_further ? "." : "",
                   is_further ? argv[2] : "");
}

int worker_exit_status(int code)
{
    /* Out of memory and fenced are no retries for a caller, but a new process starts
     * with neither. An error nobody classified gets the benefit of the doubt. */
    bool may_pass = err_is_retryable(code) || code == ERR_NOMEM || code == ERR_FENCED ||
                    code == ERR_FAIL || code == ERR_INTERRUPTED;
    int status = err_exit_status(code);
    return may_pass || status == 2 ? status : WIRE_EXIT_FINAL;
}

static int worker_finish(int rc, const struct err *e)
{
    if (rc >= 0 || (channel.is_stopping && rc == ERR_INTERRUPTED))
        return 0;
    /* Nobody is left to tell when the channel closed. */
    if (rc != ERR_UNAVAILABLE || !channel.is_stopping)
        log_error("%s", e->text);
    return channel.fd < 0 ? err_exit_status(rc) : worker_exit_status(rc);
}

int worker_main(const struct platform *p, int argc, char **argv)
{
    struct err e = {0};
    char name[160];
    const struct worker_kind *kind = argc > 0 ? worker_find(argv[0]) : NULL;
    if (!kind) {
        int rc = worker_unknown(argc > 0 ? argv[0] : "", &e);
        log_error("%s", e.text);
        return err_exit_status(rc);
    }
    worker_name(name, sizeof name, argc, argv);
    log_set_name(name);
    (void)prctl(PR_SET_NAME, kind->name);
    signal(SIGPIPE, SIG_IGN);
    int rc = channel_open(&channel, kind->name, name, &e);
    struct sigaction term = {.sa_handler = on_term};
    sigaction(SIGTERM, &term, NULL);
    if (channel.fd < 0)
        sigaction(SIGINT, &term,
                  NULL); /* by hand: Ctrl-C; else the supervisor's word */
    else
        signal(SIGINT, SIG_IGN);
    if (rc >= 0)
        rc = kind->run(p, argc - 1, argv + 1, &channel, &e);
    rc = worker_finish(rc, &e);
    channel_close(&channel);
    return rc;
}
