/* Replay marks (bus_mark.h) as headers: weir-replay TOPIC, partition, from, void. In
 * and out: records. Called by stream/, load/ and alert/. */
#include "bus/bus_mark.h"

#include <inttypes.h>
#include <stdio.h>

static const struct bus_header *header(const struct bus_record *r, const char *name)
{
    for (size_t i = 0; i < r->n_headers; i++)
        if (str_is(r->headers[i].name, name))
            return &r->headers[i];
    return NULL;
}

int64_t bus_header_i64(const struct bus_record *r, const char *name, int64_t fallback)
{
    const struct bus_header *h = header(r, name);
    int64_t v;
    return h && str_to_i64(h->value, &v) ? v : fallback;
}

int bus_mark_write(struct bus_producer *p, const char *to, const struct bus_mark *m,
                   struct err *e)
{
    char partition[24], from[24], void_from[24];
    int a = snprintf(partition, sizeof partition, "%" PRId32, m->partition);
    int b = snprintf(from, sizeof from, "%" PRId64, m->from);
    int c = snprintf(void_from, sizeof void_from, "%" PRId64, m->void_from);
    const struct bus_header headers[] = {{STR(BUS_MARK_HEADER), m->topic},
                                         {STR("partition"), {partition, (size_t)a}},
                                         {STR("from"), {from, (size_t)b}},
                                         {STR("void"), {void_from, (size_t)c}}};
    return bus_produce(p, to, m->partition, -1, (struct str){NULL, 0},
                       (struct str){NULL, 0}, headers, 4, e);
}

bool bus_mark_read(const struct bus_record *r, struct bus_mark *m)
{
    if (r->value.p || r->n_headers != 4)
        return false;
    const struct bus_header *h = header(r, BUS_MARK_HEADER);
    if (!h)
        return false;
    m->topic = h->value;
    m->partition = (int32_t)bus_header_i64(r, "partition", -1);
    m->from = bus_header_i64(r, "from", -1);
    m->void_from = bus_header_i64(r, "void", -1);
    return m->partition >= 0 && m->from >= 0 && m->void_from >= 0;
}
