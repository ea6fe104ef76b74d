/* Records to bytes and back, with lz4 around them; see bus_codec.h for the layout.
 * Called by the embedded member's writer and reader. The decoder trusts nothing: any
 * bytes give records inside the buffer or ERR_CORRUPT (tests/fuzz/fuzz_bus_codec.c). */
#include "bus/bus_codec.h"

#include <limits.h>
#include <lz4.h>
#include "base/hash.h"
#include "base/mem.h"

/* Room for the batches of one poll: one call of the consumer hands out at most this. */
#define READER_BYTES (512u * 1024)

static char *put_varint(char *p, uint64_t v)
{
    while (v >= 0x80) {
        *p++ = (char)(unsigned char)(v | 0x80);
        v >>= 7;
    }
    *p++ = (char)(unsigned char)v;
    return p;
}

static char *put_text(char *p, struct str s)
{
    if (!s.p)
        return put_varint(p, 0);
    p = put_varint(p, s.n + 1);
    if (s.n)
        memcpy(p, s.p, s.n);
    return p + s.n;
}

static uint64_t zigzag(int64_t v)
{
    return ((uint64_t)v << 1) ^ (uint64_t)(v >> 63);
}

static int64_t unzigzag(uint64_t v)
{
    return (int64_t)(v >> 1) ^ -(int64_t)(v & 1);
}

int codec_add(struct buf *raw, int64_t base_ms, const struct bus_record *r)
{
    size_t need = 40 + r->key.n + r->value.n;
    for (size_t i = 0; i < r->n_headers; i++)
        need += 20 + r->headers[i].name.n + r->headers[i].value.n;
    int rc = buf_reserve(raw, need);
    if (rc < 0)
        return rc;
    char *p = raw->data + raw->len;
    p = put_varint(p, zigzag((int64_t)((uint64_t)r->timestamp_ms - (uint64_t)base_ms)));
    p = put_text(p, r->key);
    p = put_text(p, r->value);
    p = put_varint(p, r->n_headers);
    for (size_t i = 0; i < r->n_headers; i++) {
        p = put_varint(p, r->headers[i].name.n);
        if (r->headers[i].name.n)
            memcpy(p, r->headers[i].name.p, r->headers[i].name.n);
        p = put_text(p + r->headers[i].name.n, r->headers[i].value);
    }
    raw->len = (size_t)(p - raw->data);
    raw->data[raw->len] = 0;
    return 0;
}

int codec_pack(const struct buf *raw, struct buf *out, struct codec_batch *b,
               struct err *e)
{
    BUG_ON(raw->len > LZ4_MAX_INPUT_SIZE);
    int bound = LZ4_compressBound((int)raw->len);
    if (buf_reserve(out, (size_t)bound) < 0)
        return buf_check(out, "bus transaction", e);
    char *to = out->data + out->len;
    int packed = LZ4_compress_default(raw->data, to, (int)raw->len, bound);
    size_t stored = (size_t)packed;
    b->kind = CODEC_LZ4;
    b->raw_bytes = (uint32_t)raw->len;
    if (packed <= 0 || stored > raw->len - raw->len / 8) {
        b->kind = CODEC_RAW;
        stored = raw->len;
        memcpy(to, raw->data, stored);
    }
    b->checksum = (int64_t)hash_64(to, stored);
    out->len += stored;
    out->data[out->len] = 0;
    return 0;
}

void codec_reader_init(struct codec_reader *r)
{
    *r = (struct codec_reader){0};
}

void codec_reader_release(struct codec_reader *r)
{
    mem_free(r->raw);
    mem_free(r->records);
    mem_free(r->headers);
    codec_reader_init(r);
}

void codec_reader_reset(struct codec_reader *r)
{
    r->raw_len = r->n = r->n_headers = 0;
}

bool codec_reader_fits(const struct codec_reader *r, const struct codec_batch *b)
{
    return b->raw_bytes <= r->raw_cap - r->raw_len && b->n <= r->cap - r->n &&
           b->n_headers <= r->cap_headers - r->n_headers;
}

static int grow(void **p, size_t *cap, size_t want, size_t size, struct err *e)
{
    if (want <= *cap)
        return 0;
    void *q = mem_try_realloc(*p, want * size);
    if (!q)
        return err_set(e, ERR_NOMEM, "no memory for %zu bytes of bus records",
                       want * size);
    *p = q;
    *cap = want;
    return 0;
}

/* Memory moves only while the reader is empty, when nothing points into it. */
static int make_room(struct codec_reader *r, const struct codec_batch *b, struct err *e)
{
    if (codec_reader_fits(r, b))
        return 0;
    BUG_ON(r->n > 0);
    size_t bytes = b->raw_bytes > READER_BYTES ? b->raw_bytes : READER_BYTES;
    size_t n = b->n > 4096 ? b->n : 4096;
    size_t headers = b->n_headers > 8192 ? b->n_headers : 8192;
    int rc = grow((void **)&r->raw, &r->raw_cap, bytes, 1, e);
    if (rc == 0)
        rc = grow((void **)&r->records, &r->cap, n, sizeof *r->records, e);
    if (rc == 0)
        rc =
            grow((void **)&r->headers, &r->cap_headers, headers, sizeof *r->headers, e);
    return rc;
}

/* A place in a batch's bytes; p becomes NULL at the first thing that does not fit. */
struct cursor {
    const char *p, *end;
};

static uint64_t get_varint(struct cursor *c)
{
    uint64_t v = 0;
    for (unsigned shift = 0; c->p && c->p < c->end && shift < 64; shift += 7) {
        unsigned char byte = (unsigned char)*c->p++;
        v |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80)
            return v;
    }
    c->p = NULL;
    return 0;
}

static struct str get_bytes(struct cursor *c, uint64_t n)
{
    if (!c->p || n > (size_t)(c->end - c->p)) {
        c->p = NULL;
        return (struct str){0};
    }
    struct str s = {c->p, n};
    c->p += n;
    return s;
}

static struct str get_text(struct cursor *c)
{
    uint64_t n = get_varint(c);
    return n == 0 ? (struct str){0} : get_bytes(c, n - 1);
}

static bool get_record(struct cursor *c, struct codec_reader *r, size_t max_headers,
                       struct bus_record *out)
{
    out->key = get_text(c);
    out->value = get_text(c);
    uint64_t n = get_varint(c);
    if (!c->p || n > max_headers - r->n_headers)
        return false;
    out->headers = r->headers + r->n_headers;
    out->n_headers = n;
    for (uint64_t i = 0; i < n; i++) {
        struct bus_header *h = &r->headers[r->n_headers++];
        h->name = get_bytes(c, get_varint(c));
        h->value = get_text(c);
    }
    return c->p != NULL;
}

static int unpack(struct codec_reader *r, const struct codec_batch *b,
                  const void *stored, size_t stored_len, struct err *e)
{
    if ((int64_t)hash_64(stored, stored_len) != b->checksum)
        return err_set(e, ERR_CORRUPT, "checksum differs");
    char *to = r->raw + r->raw_len;
    if (b->kind == CODEC_RAW && stored_len == b->raw_bytes) {
        memcpy(to, stored, stored_len);
        return 0;
    }
    if (b->kind != CODEC_LZ4 || stored_len > INT_MAX || b->raw_bytes > INT_MAX)
        return err_set(e, ERR_CORRUPT, "unknown codec %d or wrong length",
                       (int)b->kind);
    int n = LZ4_decompress_safe(stored, to, (int)stored_len, (int)b->raw_bytes);
    if (n != (int)b->raw_bytes)
        return err_set(e, ERR_CORRUPT, "lz4 data do not give %u bytes", b->raw_bytes);
    return 0;
}

int codec_read(struct codec_reader *r, const struct codec_batch *b, const void *stored,
               size_t stored_len, struct err *e)
{
    int rc = make_room(r, b, e);
    if (rc == 0)
        rc = unpack(r, b, stored, stored_len, e);
    if (rc < 0)
        return rc;
    size_t n = r->n, headers = r->n_headers, max_headers = headers + b->n_headers;
    struct cursor c = {r->raw + r->raw_len, r->raw + r->raw_len + b->raw_bytes};
    for (uint32_t i = 0; i < b->n; i++) {
        struct bus_record *out = &r->records[r->n];
        out->offset = b->base_offset + i;
        out->partition = b->partition;
        out->timestamp_ms =
            (int64_t)((uint64_t)b->base_ms + (uint64_t)unzigzag(get_varint(&c)));
        if (!get_record(&c, r, max_headers, out))
            break;
        r->n++;
    }
    size_t got = r->n - n;
    if (got != b->n || c.p != c.end || r->n_headers != max_headers) {
        r->n = n;
        r->n_headers = headers;
        return err_set(e, ERR_CORRUPT, "record %zu of %u does not fit its batch", got,
                       b->n);
    }
    r->raw_len += b->raw_bytes;
    return 0;
}
