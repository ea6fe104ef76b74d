/* For tests of load: records put on a bus, a load worker run in a child to the end of
 * its topic (drain) and stopped, and the tables it left. Uses ingest_fixture.h. */
#ifndef TESTS_UNIT_LOAD_FIXTURE_H
#define TESTS_UNIT_LOAD_FIXTURE_H

#include "ingest_fixture.h"

#include <sys/socket.h>
#include "base/json.h"
#include "load/load.h"
#include "warehouse/warehouse.h"

struct load_fix {
    struct fix f;
    struct conf_load load;
    struct conf_stream stream;
    char wh_dir[PATH_MAX];
    json_t *drained, *metrics; /* of the last run */
    char events[4096];
    struct wh *wh;
};

static inline void load_init(struct load_fix *x, const char *topic, const char *table,
                             const char *mode, const char *key)
{
    memset(x, 0, sizeof(*x));
    fix_init(&x->f, "pos", "unused");
    snprintf(x->wh_dir, sizeof(x->wh_dir), "%s/warehouse", x->f.dir);
    assert_int_equal(mkdir(x->wh_dir, 0700), 0);
    x->f.platform.warehouse_kind = "sqlite";
    x->f.platform.warehouse_dir = x->wh_dir;
    x->load = (struct conf_load){.name = "job",
                                 .from = topic,
                                 .schema = "bronze",
                                 .table = table,
                                 .mode = mode,
                                 .key = key,
                                 .batch_rows = 1000,
                                 .batch_ms = 1000};
    x->f.topics[0].name = topic;
    x->stream = (struct conf_stream){.name = "s",
                                     .from = "transactions",
                                     .to_records = "enriched-transactions",
                                     .to_windows = "store-aggregates",
                                     .to_alerts = "anomalies",
                                     .to_late = "late-transactions",
                                     .to_rejects = "dead-letters"};
    x->f.platform.streams = &x->stream;
    x->f.platform.n_streams = 1;
}

static inline void load_release(struct load_fix *x)
{
    wh_close(x->wh);
    json_decref(x->drained);
    json_decref(x->metrics);
    fix_release(&x->f);
}

/* One record; partition -1 by key. headers: name, value, …, NULL. */
static inline void load_put(struct load_fix *x, int partition, const char *key,
                            const char *value, size_t n, const char *const *headers)
{
    struct err e = {0};
    struct bus *b = fix_bus(&x->f);
    struct bus_producer *p;
    struct bus_header h[8];
    size_t n_headers = 0;
    struct bus_topic t = {x->load.from, 4, -1, -1, BUS_KEY_STORE};
    for (; headers && headers[2 * n_headers]; n_headers++)
        h[n_headers] = (struct bus_header){str_of(headers[2 * n_headers]),
                                           str_of(headers[2 * n_headers + 1])};
    assert_int_equal(bus_topic_ensure(b, &t, &e), 0);
    assert_int_equal(bus_producer_open(b, "test", &p, &e), 0);
    if (bus_produce(p, x->load.from, partition, 1513641600123, str_of(key),
                    (struct str){value, n}, h, n_headers, &e) < 0 ||
        bus_txn_commit(p, &e) < 0)
        fail_msg("%s", e.text);
    bus_producer_close(p);
    bus_close(b);
}

static inline void load_text(struct load_fix *x, const char *key, const char *value)
{
    load_put(x, -1, key, value, strlen(value), NULL);
}

static inline int load_main(void *arg)
{
    struct load_fix *x = arg;
    struct channel ch;
    struct err e = {0};
    int rc = channel_open(&ch, "load", x->load.name, &e);
    if (rc == 0)
        rc = load_run(&x->f.platform, &x->load, &ch, &e);
    channel_close(&ch);
    if (rc < 0)
        fprintf(stderr, "ERR %s: %s\n", err_name(rc), e.text);
    return rc;
}

struct load_child {
    struct load_fix *x;
    int fd;
};

static inline int load_child_main(void *arg)
{
    struct load_child *c = arg;
    dup2(c->fd, WIRE_WORKER_FD);
    setenv(WIRE_CHANNEL_ENV, "3", 1);
    return load_main(c->x);
}

/* The worker started; *fd is the supervisor's end. */
static inline pid_t load_start(struct load_fix *x, int *fd)
{
    int sv[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv), 0);
    struct load_child c = {x, sv[1]};
    pid_t pid = fix_fork(&x->f, load_child_main, &c);
    close(sv[1]);
    *fd = sv[0];
    return pid;
}

static inline void load_say(int fd, const char *type)
{
    json_t *m = json_object();
    json_put_str(m, "t", type);
    wire_send(fd, m, NULL);
    json_decref(m);
}

/* Drain and stop; exit status of the worker. */
static inline int load_finish(struct load_fix *x, pid_t pid, int fd)
{
    struct wire_decoder d;
    json_t *m;
    wire_decoder_init(&d);
    x->events[0] = 0;
    load_say(fd, "drain");
    while (wire_recv(fd, &d, 20000, &m, NULL) > 0) {
        const char *t = json_str(m, "t", "");
        if (!strcmp(t, "metrics") || !strcmp(t, "drained")) {
            json_t **to = t[0] == 'm' ? &x->metrics : &x->drained;
            json_decref(*to);
            *to = json_incref(json_obj(m, "data"));
        }
        if (!strcmp(t, "event"))
            snprintf(x->events + strlen(x->events),
                     sizeof(x->events) - strlen(x->events), "%s\n",
                     json_str(m, "text", ""));
        if (!strcmp(t, "drained"))
            load_say(fd, "stop");
        json_decref(m);
    }
    wire_decoder_release(&d);
    close(fd);
    return fix_wait(&x->f, pid);
}

static inline int load_once(struct load_fix *x)
{
    int fd;
    pid_t pid = load_start(x, &fd);
    return load_finish(x, pid, fd);
}

static inline struct wh *load_wh(struct load_fix *x)
{
    static const char *const schemas[] = {"bronze", NULL};
    struct err e = {0};
    struct wh_options o = {.kind = "sqlite",
                           .dir = x->wh_dir,
                           .schemas = schemas,
                           .dialect = "sqlite",
                           .now_ms = -1};
    wh_close(x->wh);
    x->wh = NULL;
    if (wh_open(&x->wh, &o, &e) < 0)
        fail_msg("%s", e.text);
    return x->wh;
}

/* All rows as text: columns by '|', rows by newline; null is "-". */
static inline const char *load_query(struct load_fix *x, const char *sql)
{
    static char out[65536];
    struct err e = {0};
    struct wh_cursor *c;
    size_t n = 0;
    int rc;
    struct wh *w = load_wh(x);
    if (wh_query_raw(w, sql, &c, &e) < 0)
        fail_msg("%s", e.text);
    out[0] = 0;
    while ((rc = wh_next(c, &e)) > 0) {
        for (int i = 0; i < wh_n_columns(c) && n < sizeof(out) - 64; i++) {
            struct wh_value v = wh_value(c, i);
            n += (size_t)snprintf(out + n, sizeof(out) - n, "%s",
                                  i   ? "|"
                                  : n ? "\n"
                                      : "");
            if (v.type == WH_INT)
                n += (size_t)snprintf(out + n, sizeof(out) - n, "%lld", (long long)v.i);
            else if (v.type == WH_REAL)
                n += (size_t)snprintf(out + n, sizeof(out) - n, "%.17g", v.d);
            else
                n += (size_t)snprintf(out + n, sizeof(out) - n, "%.*s",
                                      v.type == WH_NULL ? 1 : (int)v.text.n,
                                      v.type == WH_NULL ? "-" : v.text.p);
        }
    }
    wh_cursor_close(c);
    if (rc < 0)
        fail_msg("%s", e.text);
    return out;
}

static inline int64_t load_i64(struct load_fix *x, const char *sql)
{
    return strtoll(load_query(x, sql), NULL, 10);
}

#endif
