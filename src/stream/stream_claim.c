/* Who holds a partition: each commit says under which name it was made, and where the
 * tables stood. In: the metadata of the last commits. Out: holders of before that can
 * commit no more; the same two facts in our own commits. Called by the worker when it
 * opens and by epochs. What always holds: a producer's id names its worker and the
 * number of workers, so workers of one count fence only those of another; a partition
 * is claimed before its first record is read. */
#include <stdio.h>

#include "base/jscan.h"
#include "base/log.h"
#include "base/mem.h"
#include "stream/stream_worker.h"

void stream_claim_id(const struct stream_worker *w, int index, int n, char *out,
                     size_t size)
{
    snprintf(out, size, "stream-%.100s-%d-of-%d", w->conf->name, index, n);
}

/* ---- what a commit says ---- */

void stream_claim_metadata(const struct stream_worker *w,
                           const struct stream_partition *p, char *out)
{
    struct buf b;
    stream_partition_metadata(p, out);
    buf_init(&b, BUS_METADATA_MAX);
    buf_add(&b, out, strlen(out) - 1); /* without its brace */
    buf_addf(&b, ",\"by\":\"%d/%d\",\"tab\":[", w->index, w->n);
    for (size_t i = 0; i < w->n_parts; i++)
        buf_addf(&b, "%s%lld", i ? "," : "", (long long)w->parts[i].position);
    buf_adds(&b, "]}");
    BUG_ON(b.failed); /* STREAM_TABLE_PARTS_MAX */
    memcpy(out, b.data, b.len + 1);
    buf_release(&b);
}

/* Index of a member's value in parsed metadata, 0: there is none. */
static size_t member(struct jscan *s, const char *metadata, const char *name)
{
    jscan_init(s);
    if (!*metadata || jscan_parse(s, metadata, strlen(metadata), NULL) < 0)
        return 0;
    return jscan_get(s, 0, name, strlen(name));
}

bool stream_claim_tables(const struct stream_worker *w, const char *metadata,
                         int64_t *positions)
{
    struct jscan s;
    size_t list = member(&s, metadata, "tab"), n = 0;
    bool is_good = list && s.tok[list].type == JSCAN_ARRAY;
    for (size_t i = list + 1; is_good && i < s.tok[list].next; i = s.tok[i].next, n++)
        is_good = n < w->n_parts && str_to_i64(jscan_raw(&s, i), &positions[n]);
    jscan_release(&s);
    return is_good && n == w->n_parts;
}

/* The holder's index and number of workers; false: the commit does not say. */
static bool holder_of(const char *metadata, int64_t *index, int64_t *n)
{
    struct jscan s;
    size_t at = member(&s, metadata, "by");
    bool is_good = at && s.tok[at].type == JSCAN_STRING;
    if (is_good) {
        struct str by = jscan_raw(&s, at);
        if (by.n >= 2 && by.p[0] == '"')
            by = (struct str){by.p + 1, by.n - 2};
        const char *slash = memchr(by.p, '/', by.n);
        size_t first = slash ? (size_t)(slash - by.p) : 0;
        is_good = slash && str_to_i64((struct str){by.p, first}, index) &&
                  str_to_i64((struct str){slash + 1, by.n - first - 1}, n) && *n > 0 &&
                  *n <= 256 && *index >= 0 && *index < *n;
    }
    jscan_release(&s);
    return is_good;
}

/* ---- taking over ---- */

static int fence(struct stream_worker *w, int index, int n)
{
    char id[160];
    struct bus_producer *old = NULL;
    stream_claim_id(w, index, n, id, sizeof id);
    int rc = bus_producer_open(w->bus, id, &old, w->e);
    if (rc == 0)
        bus_producer_close(old);
    log_info("stream %s: takes partitions over from worker %d of %d", w->conf->name,
             index, n);
    return rc;
}

/* One look at every partition of ours: 1 somebody was fenced (who may have committed in
 * between), 0 all are ours or nobody's. fenced: n * 256 + index of each so far. */
static int claim_round(struct stream_worker *w, struct bus_committed *c,
                       struct buf *fenced)
{
    int is_news = 0;
    stream_each_share(w, i)
    {
        int64_t index, n;
        int rc = bus_committed(w->bus, w->group, w->conf->from, i, c, w->e);
        if (rc < 0)
            return rc;
        if (c->offset < 0 || !holder_of(c->metadata, &index, &n) || n == w->n)
            continue;
        uint32_t key = (uint32_t)(n * 256 + index);
        bool is_known = false;
        for (size_t k = 0; k < fenced->len; k += sizeof key)
            is_known |= memcmp(fenced->data + k, &key, sizeof key) == 0;
        w->shares[i].is_dirty = true; /* ours with the next commit */
        stream_epoch_begin(w);
        if (is_known)
            continue;
        rc = fence(w, (int)index, (int)n);
        if (rc < 0)
            return rc;
        buf_add(fenced, &key, sizeof key);
        is_news = 1;
    }
    return is_news;
}

/* Positions of tables that further workers left behind would hold up retention. */
static int forget_others(struct stream_worker *w)
{
    char group[160];
    for (int k = w->n; w->index == 0 && k < w->conf->workers_max; k++) {
        struct err why = {0};
        snprintf(group, sizeof group, "@stream:%.100s:%d", w->conf->name, k);
        int rc = bus_group_delete(w->bus, group, &why);
        if (rc < 0 && rc != ERR_NOTFOUND && rc != ERR_UNSUPPORTED)
            return err_wrap(w->e, rc, "%s", why.text);
    }
    return 0;
}

int stream_claim(struct stream_worker *w)
{
    struct bus_committed *c = mem_alloc(sizeof *c);
    struct buf fenced;
    int rc;
    buf_init(&fenced, 1 << 20);
    while ((rc = claim_round(w, c, &fenced)) > 0)
        ;
    buf_release(&fenced);
    mem_free(c);
    return rc < 0 ? rc : forget_others(w);
}
