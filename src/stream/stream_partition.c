/* The pipeline of one partition (stream_partition.h): parse, watermark, steps, output.
 * Called by the worker, by recovery with output suppressed, and by tests in memory.
 *
 * Watermark: newest event time - watermark_ms - 1 (Flink's bounded-out-of-orderness),
 * per partition, never back. Dead letters do not move it, so neither does a clock
 * ahead. */
#include "stream/stream_partition.h"

#include <math.h>

#include "base/hash.h"
#include "base/mem.h"
#include "bus/bus_mark.h"
#include "stream/stream_emit.h"

#define SNAPSHOT_MAGIC 0x316d727473777572u /* version 1 */

static const struct stream_step *const all_steps[] = {&stream_dedupe, &stream_enrich,
                                                      &stream_detect, &stream_window};

const struct stream_step *stream_step_find(const char *name)
{
    for (size_t i = 0; i < sizeof all_steps / sizeof *all_steps; i++)
        if (streq(all_steps[i]->name, name))
            return all_steps[i];
    return NULL;
}

/* amount_sigma to thousandths, reduced. */
static void set_sigma(struct stream_job *job, double sigma)
{
    int64_t a = llround(fabs(sigma) * 1000), b = 1000;
    if (a > 1000000)
        a = 1000000;
    job->sigma_num = a;
    job->sigma_den = b;
    while (b) {
        int64_t rest = a % b;
        a = b;
        b = rest;
    }
    job->sigma_num /= a;
    job->sigma_den /= a;
}

int stream_pipeline_init(struct stream_pipeline *p, const struct conf_stream *conf,
                         struct err *e)
{
    *p = (struct stream_pipeline){.job.conf = conf};
    stream_tables_init(&p->job.tables);
    stream_parser_init(&p->parser);
    buf_init(&p->job.value, (size_t)64 << 20);
    buf_init(&p->job.key, (size_t)4 << 20);
    set_sigma(&p->job, conf->amount_sigma);
    if (conf->n_windows > STREAM_WINDOWS_MAX)
        return err_set(e, ERR_CONFIG, "stream %s: at most %d windows", conf->name,
                       STREAM_WINDOWS_MAX);
    for (size_t i = 0; i < conf->n_windows; i++)
        stream_window_name(conf->windows_ms[i], p->job.window_names[i]);
    for (size_t i = 0; conf->steps && conf->steps[i]; i++) {
        const struct stream_step *step = stream_step_find(conf->steps[i]);
        if (!step || p->n_steps == STREAM_STEPS_MAX)
            return err_set(e, ERR_CONFIG,
                           "stream %s: step \"%s\": expected dedupe, enrich, detect or "
                           "window, each once",
                           conf->name, conf->steps[i]);
        p->steps[p->n_steps++] = step;
    }
    return 0;
}

void stream_pipeline_release(struct stream_pipeline *p)
{
    stream_tables_release(&p->job.tables);
    stream_parser_release(&p->parser);
    buf_release(&p->job.value);
    buf_release(&p->job.key);
    mem_free(p->job.item_members);
    mem_free(p->job.headers);
}

void stream_partition_init(struct stream_partition *p, struct stream_pipeline *pipeline,
                           int32_t partition)
{
    *p = (struct stream_partition){.pipeline = pipeline};
    p->context = (struct stream_context){.job = &pipeline->job,
                                         .partition = partition,
                                         .max_event_ms = INT64_MIN,
                                         .watermark_ms = INT64_MIN};
    for (size_t i = 0; i < pipeline->n_steps; i++) {
        const struct stream_step *step = pipeline->steps[i];
        p->states[i] = step->state_size ? mem_alloc(step->state_size) : NULL;
        if (step->init)
            step->init(p->states[i], &pipeline->job);
    }
}

void stream_partition_release(struct stream_partition *p)
{
    for (size_t i = 0; i < p->pipeline->n_steps; i++) {
        if (p->pipeline->steps[i]->release)
            p->pipeline->steps[i]->release(p->states[i]);
        mem_free(p->states[i]);
        p->states[i] = NULL;
    }
}

void stream_partition_clear(struct stream_partition *p)
{
    struct stream_pipeline *pipeline = p->pipeline;
    int32_t partition = p->context.partition;
    stream_partition_release(p);
    stream_partition_init(p, pipeline, partition);
}

/* ---- the watermark ---- */

static int advance(struct stream_partition *p, int64_t wm_ms, int64_t cause)
{
    const struct stream_pipeline *line = p->pipeline;
    if (wm_ms <= p->context.watermark_ms)
        return 0;
    p->context.watermark_ms = wm_ms;
    for (size_t i = 0; i < line->n_steps; i++) {
        if (!line->steps[i]->on_watermark)
            continue;
        int rc = line->steps[i]->on_watermark(p->states[i], &p->context, cause);
        if (rc < 0)
            return rc;
    }
    return 0;
}

/* The context's pointers, good for one call. */
static void enter(struct stream_partition *p, struct err *e)
{
    p->context.counters = &p->counters;
    p->context.e = e;
}

int stream_partition_advance(struct stream_partition *p, int64_t wm_ms, struct err *e)
{
    enter(p, e);
    int rc = advance(p, wm_ms, p->next_offset - 1);
    p->is_failed |= rc < 0;
    return rc;
}

int stream_partition_drain(struct stream_partition *p, struct err *e)
{
    const struct stream_pipeline *line = p->pipeline;
    enter(p, e);
    for (size_t i = 0; i < line->n_steps; i++) {
        if (!line->steps[i]->on_drain)
            continue;
        int rc =
            line->steps[i]->on_drain(p->states[i], &p->context, p->next_offset - 1);
        if (rc < 0) {
            p->is_failed = true;
            return rc;
        }
    }
    return 0;
}

/* ---- records ---- */

static int run_steps(struct stream_partition *p, struct stream_event *ev)
{
    const struct stream_pipeline *line = p->pipeline;
    struct stream_context *c = &p->context;
    for (size_t i = 0; i < line->n_steps; i++) {
        int rc = line->steps[i]->on_record(p->states[i], c, ev);
        if (rc != STREAM_PASS)
            return rc == STREAM_DROP ? 0 : rc;
    }
    if (line->on_event)
        line->on_event(line->arg, ev);
    return stream_emit_record(c, ev);
}

static int process(struct stream_partition *p, const struct bus_record *r)
{
    struct stream_pipeline *line = p->pipeline;
    const struct conf_stream *conf = line->job.conf;
    struct stream_event ev;
    int why = stream_parse(&line->parser, r, conf->clock_ahead_ms, &ev);
    if (why < 0)
        return err_set(p->context.e, ERR_NOMEM,
                       "%s: no memory for a record of %zu bytes", conf->from,
                       r->value.n);
    if (why != STREAM_ACCEPTED)
        return stream_emit_reject(
            &p->context, r, (enum stream_reject)why,
            (struct str){buf_str(&line->parser.detail), line->parser.detail.len});
    if (ev.event_ms > p->context.max_event_ms)
        p->context.max_event_ms = ev.event_ms;
    int rc = advance(p, p->context.max_event_ms - conf->watermark_ms - 1, r->offset);
    return rc < 0 ? rc : run_steps(p, &ev);
}

int stream_partition_record(struct stream_partition *p, const struct bus_record *r,
                            struct err *e)
{
    struct bus_mark mark;
    enter(p, e);
    p->next_offset = r->offset + 1;
    if (!r->value.p && bus_mark_read(r, &mark))
        return 0; /* a replay of the job that writes this topic: no receipt */
    p->counters.in++;
    p->is_idle = false;
    int rc = process(p, r);
    p->is_failed |= rc < 0;
    return rc < 0 ? rc : 0;
}

/* ---- snapshots ---- */

/* What the bytes depend on: steps and the settings their state was made with. */
static uint64_t fingerprint(const struct stream_pipeline *line)
{
    const struct conf_stream *conf = line->job.conf;
    struct buf parts;
    buf_init(&parts, 1 << 16);
    for (size_t i = 0; i < line->n_steps; i++)
        buf_addf(&parts, "%s ", line->steps[i]->name);
    for (size_t i = 0; i < conf->n_windows; i++)
        buf_addf(&parts, "%lld ", (long long)conf->windows_ms[i]);
    buf_addf(&parts, "%lld %lld", (long long)conf->watermark_ms,
             (long long)conf->lateness_ms);
    uint64_t h = hash_64(buf_str(&parts), parts.len);
    buf_release(&parts);
    return h;
}

int stream_partition_snapshot(const struct stream_partition *p, struct buf *out)
{
    const struct stream_pipeline *line = p->pipeline;
    stream_put_u64(out, SNAPSHOT_MAGIC);
    stream_put_u64(out, fingerprint(line));
    stream_put_i64(out, p->next_offset);
    stream_put_i64(out, p->context.max_event_ms);
    stream_put_i64(out, p->context.watermark_ms);
    stream_put(out, &p->counters, sizeof p->counters);
    for (size_t i = 0; i < line->n_steps; i++)
        if (line->steps[i]->snapshot && line->steps[i]->snapshot(p->states[i], out) < 0)
            break;
    return out->failed;
}

static int restore(struct stream_partition *p, struct stream_reader *in, struct err *e)
{
    const struct stream_pipeline *line = p->pipeline;
    if (stream_get_u64(in) != SNAPSHOT_MAGIC || stream_get_u64(in) != fingerprint(line))
        return err_set(e, ERR_CORRUPT,
                       "snapshot is of another version or configuration");
    p->next_offset = stream_get_i64(in);
    p->context.max_event_ms = stream_get_i64(in);
    p->context.watermark_ms = stream_get_i64(in);
    stream_get(in, &p->counters, sizeof p->counters);
    for (size_t i = 0; i < line->n_steps; i++) {
        int rc =
            line->steps[i]->restore ? line->steps[i]->restore(p->states[i], in, e) : 0;
        if (rc < 0)
            return rc;
    }
    if (in->is_short || in->p != in->end)
        return err_set(e, ERR_CORRUPT, "snapshot is cut");
    return 0;
}

int stream_partition_restore(struct stream_partition *p, struct str bytes,
                             struct err *e)
{
    struct stream_reader in = {bytes.p, bytes.p + bytes.n, false};
    stream_partition_clear(p);
    int rc = restore(p, &in, e);
    if (rc < 0)
        stream_partition_clear(p);
    return rc;
}
