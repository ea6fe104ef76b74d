/* clang-format off */
/* Messages between weir's processes: newline-delimited JSON objects, one per line, at most
 * WIRE_LINE_MAX bytes, UTF-8. This header is their one description.
 *
 * ── Worker ⇄ supervisor (inherited socket, fd WIRE_WORKER_FD) ───────────────────────────
 * worker → supervisor
 *   {"t":"hello","kind":"ingest","name":"pos","pid":123,"version":"…"}
 *   {"t":"ready"}                       readiness, distinct from started
 *   {"t":"beat","cpu_ms":…,"rss_kb":…}  heartbeat, at least every 2 s while alive
 *   {"t":"metrics","data":{…}}          latest figures, replaces the previous (below)
 *   {"t":"event","level":"info|warn|error","text":"…"}   one line for the feed and audit
 *   {"t":"anomaly","data":{transaction_id,store_id,terminal_id,timestamp,total,reasons,
 *                          severity:"high|normal"}}
 *       data.again: true: an old one, sent at the worker's start; shown where it is new
 *   {"t":"alert","id":7,"data":{key,severity,summary,component,details}}   → {"t":"ack","id":7}
 *   {"t":"delivered","key":"…","ok":true,"detail":"…"}    an alert left through the sinks
 *   {"t":"end","data":{…}}              a bounded source reached its end, all acknowledged
 *   {"t":"drained","data":{…}}          answer to drain: everything read is written
 *   {"t":"result","task":"id","attempt":1,"status":"success|error|fail|warn|pass|skipped|blocked",
 *    "retryable":false,"message":"…","code":"USAGE","rows":12,"seconds":0.12,"data":{…},
 *    "retries":3,"on_error":"continue"}   both of a node's config, when it has them
 *   {"t":"plan","task":"id","attempt":1,"data":PLAN}   answer to a plan task (plan.h); when
 *                                       there is no plan: a result with status error
 * supervisor → worker
 *   {"t":"task","task":"id","attempt":1,"kind":"plan|seed|run|test|gate|…","data":{…}}
 *   {"t":"drain"}  read to the end offsets of now, flush, answer drained, keep running
 *   {"t":"stop"}   finish the epoch, close, exit 0
 *   {"t":"ack","id":7}
 *   {"t":"alerts"}   (to the alert worker) the outbox has a new row
 *   {"t":"clock","now_ms":…}            the platform's data clock moved
 * The first stage of a run is planned, its items are executed one task per worker at a
 * time. Data of a task, by kind (absent members: not asked for):
 *   plan: {command, reason, run, select:[…], exclude:[…], indirect, full_refresh, fail_fast,
 *          refresh (selection whose items get full_refresh), vars, now_ms, node, scope,
 *          from (of replays: begin, an offset or a time), last_tasks:[as the tasks feed]}   (plan_request)
 *   start, finish: before the first and after the last item of a run, once (hooks of the
 *          project, artifacts): {command, run, full_refresh, vars, now_ms, args};
 *          finish also {results:[{node, status, message, rows, seconds, attempt, data}…],
 *          elapsed_s}
 *   an item of the plan (seed run test gate snapshot replay …): the item's own members and
 *          {command, run, full_refresh, vars, now_ms}
 * Result data of an item may carry gates:[{name, on, verdict, failed, total}] and tests:[…];
 * that of an item or of finish freshness:{"schema.relation": newest_ms} for the platform's
 * freshness rows; the supervisor keeps both for the overview.
 * A worker that dies or is killed in a task counts as a retryable error of that attempt.
 *
 * Environment of a worker: WIRE_CHANNEL_ENV=3 tells that descriptor 3 is the channel,
 * WEIR_ATTEMPT=NAME:N names the process and its attempt for the supervisor's sweeps.
 * Exit status 0: ended as asked · 2: configuration, and WIRE_EXIT_FINAL: an error that
 * would come again (a refused snapshot, a missing plugin): failed at once, never retried ·
 * other or a signal: restarted with backoff.
 *
 * Metrics members by kind (all optional, numbers):
 *   every: cpu_ms rss_kb      ingest: in rejected{reason:n} masked bytes position total at_ms
 *   (position of total bytes or lines: progress) rate
 *   stream: in out duplicates corrections stale late anomalies alerts rejected{reason:n}
 *   unknown_store unknown_product windows watermark_ms newest_ms lag rate open_windows
 *   load: rows rejected rate lag batches drift{field:n}   sql: nothing
 *   lag: topics[], groups[] as in the lag feed below     alert: sent failed pending
 *
 * ── Client ⇄ supervisor (Unix socket STATE/control.sock, peer uid checked) ──────────────
 *   → {"id":1,"cmd":"status","args":{…}}
 *   ← {"id":1,"ok":true,"data":…}   or {"id":1,"ok":false,"code":"USAGE","error":"…"}
 *   → {"id":2,"cmd":"subscribe","args":{"feeds":["overview","log:stream.enrichment"]}}
 *   ← {"feed":"overview","data":…}  pushed: at once, then when changed, at most 2 a second
 * Commands of the socket:
 *   [viewer]   status{} → the overview feed · subscribe{feeds} unsubscribe{feeds} → null ·
 *     processes{} lag{} · runs{limit} tasks{run} · log{name,lines} → the log feed ·
 *     rerun.plan{node,scope,from} run.plan{…as run} → PLAN · alerts{} anomalies{limit} · whoami{}
 *     → {uid, role} · wait{until:"up|ready|idle|drained|down|run:ID"} → {met:bool}: answered
 *     when it is so, {met:false} when it can no longer become so (ready: a
 *     process was given up)
 *   [operator] run{command,select:[…],exclude:[…],indirect,vars,full_refresh,fail_fast,
 *     reason} → {run} · rerun{node,scope,from} → {run} · cancel{run} · restart{process}
 *     stop{process} start{process} · ack{key} · sync{source}
 *   [admin]    down{now:bool} → null, answered before it begins
 * Errors: code is a name of base/err.h's table (USAGE NOTFOUND AGAIN UNAVAILABLE LOCKED …);
 * DENIED when the role does not reach. The role comes from the peer's uid: the owner of
 * the supervisor and root are admin, others as `roles:` says, nobody else gets in. A client
 * that does not read what it is sent is told {"feed":"closed","data":{"reason":"…"}} and
 * dropped.
 *
 * Feeds, the data the console and `status` show:
 *  overview: {platform, environment, version, state:"starting|running|draining|stopping",
 *    phase (what exactly, for people),
 *    clock:"wall|data", timezone, now_ms, started_ms, wall_ms,   timezone: for people
 *    stages:[{name:"ingest pos", kind:"ingest|stream|load|model|gate", state:"running|done|
 *       waiting|failed|idle", in, out, rate, lag, position, total, detail}],   position of
 *       total bytes or lines
 *    freshness:[{relation, layer, newest_ms, age_ms, warn_ms, breach_ms, verdict:"ok|warn|breach|unknown"}],
 *    counts:{records_in, rejected, not_loaded, late, anomalies, alerts_open (not
 *       acknowledged), masked},
 *    run:{id, command, state, done, total, failed, eta_ms} or null,
 *    gates:[{name, on, verdict, at_ms, failed, total, summary, kept, run}], events:[{at_ms, level, source, text}]}
 *  lag: {topics:[{name, partitions, records, bytes, newest_ms}],
 *    groups:[{group, topic, verdict, lag, max_lag, max_partition, behind_ms, rate_in, rate_out,
 *             eta_ms, partitions, complete:"3/10", strip:[lag per partition…]}]}
 *  processes: [{name, kind, pid, state:"down|starting|ready|backoff|stopping|failed|done",
 *    restarts, up_ms, rss_kb, cpu_pct, beat_ms, detail}]   pid, up_ms, rss_kb, cpu_pct and
 *    beat_ms only of one that is alive
 *  runs: [{id, command, reason, state:"queued|running|success|failed|blocked|cancelled|
 *    crashed", started_ms, ended_ms, total, done, failed, skipped, message, args}]
 *  tasks:RUN  [{id, node, kind, state:"waiting|running|success|pass|warn|fail|error|skipped|
 *    blocked|cancelled", attempt, started_ms, seconds, rows, message, log, after:[ids], item,
 *    data}]   log: the process whose log has it
 *  anomalies: [{at_ms, transaction_id, store_id, terminal_id, total, reasons, severity}]
 *  alerts: [{key, severity, summary, component, state:"open|sent|failing|acked|resolved",
 *    at_ms, attempts, detail}]
 *  log:NAME {lines:[{at_ms, stream:"out|err", text}], dropped, seq}   NAME is a process's
 *    name. seq numbers the first of lines. The first push holds what is kept (at most the
 *    last 2000 lines), each later one only the lines since; a seq that is not behind the
 *    last line seen means lines in between were lost (dropped counts those not written).
 *  gate:NAME  as in the overview and checks:[{expectation, column, severity, verdict, expected,
 *    unexpected, rows, observed, message}]   summary: for people; kept: rows in quarantine
 * Process names: ingest.SOURCE stream.JOB (stream.JOB.1 … for further workers) load.NAME
 *    sql.N lag alert.
 */
/* clang-format on */
#ifndef WIRE_WIRE_H
#define WIRE_WIRE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include "base/buf.h"
#include "base/err.h"

#define WIRE_LINE_MAX    (8u * 1024 * 1024)
#define WIRE_WORKER_FD   3
#define WIRE_CHANNEL_ENV "WEIR_CHANNEL"
#define WIRE_VERSION     1
/* "Do not restart me": s6's 125 (its `finish` scripts say it so). */
#define WIRE_EXIT_FINAL 125

/* Lines out of a byte stream. */
struct wire_decoder {
    struct buf pending;
    size_t at;      /* bytes of pending already handed out */
    size_t scanned; /* bytes known to hold no newline that was not handed out */
};
void wire_decoder_init(struct wire_decoder *d);
void wire_decoder_release(struct wire_decoder *d);
int wire_decoder_feed(struct wire_decoder *d, const void *p, size_t n, struct err *e);
/* 1: *out is a new object; 0: need more bytes; negative: not JSON or too long. */
int wire_decoder_next(struct wire_decoder *d, json_t **out, struct err *e);

/* Message as one line with its newline, appended. */
int wire_encode(const json_t *msg, struct buf *out, struct err *e);

/* Blocking ends, for the CLI and for workers. fd is the caller's to close. */
int wire_send(int fd, const json_t *msg, struct err *e);
/* 1 message, 0 timeout or a signal came (timeout_ms < 0: no timeout), ERR_UNAVAILABLE
 * when the peer closed. */
int wire_recv(int fd, struct wire_decoder *d, int timeout_ms, json_t **out,
              struct err *e);
/* Connect to a control socket; ERR_UNAVAILABLE with advice when nobody listens. */
int wire_connect(const char *path, int *fd, struct err *e);
/* One request, one answer (takes args): *data is a new reference, or the error of the
 * answer. A feed's push that arrives meanwhile is dropped. */
int wire_request(int fd, struct wire_decoder *d, const char *cmd, json_t *args,
                 json_t **data, struct err *e);
/* Listening socket (0600), replacing a dead one; ERR_LOCKED when a live peer answers.
 */
int wire_listen(const char *path, int *fd, struct err *e);
/* uid of the peer of a connected Unix socket (SO_PEERCRED). */
int wire_peer_uid(int fd, unsigned *uid, struct err *e);

#endif
