/* Messages between weir's processes: newline-delimited JSON objects, one per line, at most
 * WIRE_LINE_MAX bytes, UTF-8. This header is their one description.
 *
 * ── Worker ⇄ supervisor (inherited socket, fd WIRE_WORKER_FD) ───────────────────────────
 * worker → supervisor
 *   {"t":"hello","kind":"ingest","name":"pos","pid":123,"version":"…"}
 *   {"t":"ready"}                       readiness, distinct from started
 *   {"t":"beat"}                        heartbeat, at least every 2 s while alive
 *   {"t":"metrics","data":{…}}          latest figures, replaces the previous (below)
 *   {"t":"event","level":"info|warn|error","text":"…"}   one line for the feed and audit
 *   {"t":"anomaly","data":{transaction_id,store_id,terminal_id,timestamp,total,reasons,
 *                          severity:"high|normal"}}
 *   {"t":"alert","id":7,"data":{key,severity,summary,component,details}}   → {"t":"ack","id":7}
 *   {"t":"delivered","key":"…","ok":true,"detail":"…"}    an alert left through the sinks
 *   {"t":"end","data":{…}}              a bounded source reached its end, all acknowledged
 *   {"t":"drained","data":{…}}          answer to drain: everything read is written
 *   {"t":"result","task":"id","attempt":1,"status":"success|error|fail|warn|pass|skipped|blocked",
 *    "retryable":false,"message":"…","rows":12,"seconds":0.12,"data":{…}}
 *   {"t":"plan","task":"id","data":PLAN}   answer to a plan task (orchestrate/plan.h)
 * supervisor → worker
 *   {"t":"task","task":"id","attempt":1,"kind":"plan|seed|run|test|gate|…","data":{…}}
 *   {"t":"drain"}  read to the end offsets of now, flush, answer drained, keep running
 *   {"t":"stop"}   finish the epoch, close, exit 0
 *   {"t":"ack","id":7}
 *   {"t":"clock","now_ms":…}            the platform's data clock moved
 *
 * Metrics members by kind (all optional, numbers):
 *   every: cpu_ms rss_kb      ingest: in rejected{reason:n} masked bytes position total at_ms
 *   (position of total bytes or lines: progress) rate
 *   stream: in out duplicates corrections stale late anomalies alerts rejected{reason:n}
 *   unknown_store unknown_product windows watermark_ms newest_ms lag rate open_windows
 *   load: rows rate lag batches drift{field:n}   sql: nothing
 *   lag: topics[], groups[] as in the lag feed below     alert: sent failed pending
 *
 * ── Client ⇄ supervisor (Unix socket STATE/control.sock, peer uid checked) ──────────────
 *   → {"id":1,"cmd":"status","args":{…}}
 *   ← {"id":1,"ok":true,"data":…}   or {"id":1,"ok":false,"code":"USAGE","error":"…"}
 *   → {"id":2,"cmd":"subscribe","args":{"feeds":["overview","log:stream.enrichment"]}}
 *   ← {"feed":"overview","data":…}  pushed: at once, then when changed, at most 2 a second
 * Commands of the socket (role in brackets): status[viewer] subscribe[viewer]
 *   unsubscribe runs{limit} tasks{run} log{name,lines,run,task} rerun.plan{node,scope}
 *   alerts anomalies{limit}  [operator]: run{command,select,exclude,vars,full_refresh,…}
 *   rerun{node,scope} down cancel{run} restart{process} stop{process} start{process}
 *   ack{key} sync{source}
 *
 * Feeds, the data the console and `status` show:
 *  overview: {platform, environment, version, state:"starting|running|draining|stopping",
 *    clock:"wall|data", now_ms, started_ms, wall_ms,
 *    stages:[{name:"ingest pos", kind:"ingest|stream|load|model|gate", state:"running|done|
 *       waiting|failed|idle", in, out, rate, lag, total, detail}],
 *    freshness:[{relation, layer, newest_ms, age_ms, warn_ms, breach_ms, verdict:"ok|warn|breach|unknown"}],
 *    counts:{records_in, rejected, late, anomalies, alerts_open, masked},
 *    run:{id, command, state, done, total, failed, eta_ms} or null,
 *    gates:[{name, on, verdict, at_ms, failed, total}], events:[{at_ms, level, source, text}]}
 *  lag: {topics:[{name, partitions, records, bytes, newest_ms}],
 *    groups:[{group, topic, verdict, lag, max_lag, max_partition, behind_ms, rate_in, rate_out,
 *             eta_ms, partitions, complete:"3/10", strip:[lag per partition…]}]}
 *  processes: [{name, kind, pid, state:"down|starting|ready|backoff|stopping|failed|done",
 *    restarts, up_ms, rss_kb, cpu_pct, beat_ms, detail}]
 *  runs: [{id, command, reason, state:"queued|running|success|failed|blocked|cancelled",
 *    started_ms, ended_ms, total, done, failed, skipped}]
 *  tasks:RUN  [{id, node, kind, state:"waiting|running|success|pass|warn|fail|error|skipped|
 *    blocked|cancelled", attempt, started_ms, seconds, rows, message, log}]
 *  anomalies: [{at_ms, transaction_id, store_id, terminal_id, total, reasons, severity}]
 *  alerts: [{key, severity, summary, component, state:"open|sent|failing|acked|resolved",
 *    at_ms, attempts, detail}]
 *  log:NAME {lines:[{at_ms, stream:"out|err", text}], dropped}   NAME is a process's name
 */
#ifndef WIRE_WIRE_H
#define WIRE_WIRE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include "base/buf.h"
#include "base/err.h"

#define WIRE_LINE_MAX  (8u * 1024 * 1024)
#define WIRE_WORKER_FD 3
#define WIRE_VERSION   1

/* Lines out of a byte stream. */
struct wire_decoder {
    struct buf pending;
    size_t at; /* bytes of pending already handed out */
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
/* 1 message, 0 timeout (timeout_ms < 0: none), ERR_UNAVAILABLE when the peer closed. */
int wire_recv(int fd, struct wire_decoder *d, int timeout_ms, json_t **out, struct err *e);
/* Connect to a control socket; ERR_UNAVAILABLE with advice when nobody listens. */
int wire_connect(const char *path, int *fd, struct err *e);
/* One request, one answer: *data is a new reference, or the error of the answer. */
int wire_request(int fd, struct wire_decoder *d, const char *cmd, json_t *args,
                 json_t **data, struct err *e);
/* Listening socket (0600), replacing a dead one; ERR_LOCKED when a live peer answers. */
int wire_listen(const char *path, int *fd, struct err *e);
/* uid of the peer of a connected Unix socket (SO_PEERCRED). */
int wire_peer_uid(int fd, unsigned *uid, struct err *e);

#endif
