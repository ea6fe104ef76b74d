/* One batch of the embedded bus: a row of `batches` with its bytes in `blobs`, to and
 * from codec_batch. Called by the writer, the reader and the tidier. */
#include "bus/bus_embedded.h"

#include <inttypes.h>

struct codec_batch emb_batch_of(sqlite3_stmt *s, int32_t partition)
{
    return (struct codec_batch){
        .base_offset = sqlite3_column_int64(s, 0) & EMB_OFFSET_MAX,
        .partition = partition,
        .n = (uint32_t)sqlite3_column_int64(s, 1),
        .n_headers = (uint32_t)sqlite3_column_int64(s, 2),
        .base_ms = sqlite3_column_int64(s, 3),
        .kind = sqlite3_column_int(s, 4) == CODEC_LZ4 ? CODEC_LZ4 : CODEC_RAW,
        .raw_bytes = (uint32_t)sqlite3_column_int64(s, 5),
        .checksum = sqlite3_column_int64(s, 6),
    };
}

int emb_batch_read(struct emb *b, struct codec_reader *r, sqlite3_stmt *s,
                   const struct codec_batch *batch, const char *topic, struct err *e)
{
    const void *data = sqlite3_column_blob(s, 7);
    int rc =
        codec_read(r, batch, data ? data : "", (size_t)sqlite3_column_bytes(s, 7), e);
    if (rc == ERR_CORRUPT)
        return err_wrap(
            e, rc, "bus %s: topic %s, partition %" PRId32 ", batch at offset %" PRId64,
            b->path, topic, batch->partition, batch->base_offset);
    return rc;
}

int emb_batch_add(struct emb *b, int64_t id, const struct codec_batch *meta,
                  int64_t max_ms, const void *data, size_t len, struct err *e)
{
    sqlite3_stmt *s;
    int rc = emb_sql(b, EMB_BLOB_ADD, &s, e);
    if (rc < 0)
        return rc;
    sqlite3_bind_blob64(s, 1, data, len, SQLITE_STATIC);
    rc = emb_exec(b, s, "append records", e);
    if (rc == 0)
        rc = emb_sql(b, EMB_BATCH_ADD, &s, e);
    if (rc < 0)
        return rc;
    sqlite3_bind_int64(s, 1, id);
    sqlite3_bind_int64(s, 2, meta->n);
    sqlite3_bind_int64(s, 3, meta->n_headers);
    sqlite3_bind_int64(s, 4, meta->base_ms);
    sqlite3_bind_int64(s, 5, max_ms);
    sqlite3_bind_int(s, 6, (int)meta->kind);
    sqlite3_bind_int64(s, 7, meta->raw_bytes);
    sqlite3_bind_int64(s, 8, meta->checksum);
    sqlite3_bind_int64(s, 9, (int64_t)len);
    sqlite3_bind_int64(s, 10, sqlite3_last_insert_rowid(b->db));
    return emb_exec(b, s, "append records", e);
}

int emb_batch_delete(struct emb *b, int64_t first_id, int64_t last_id, struct err *e)
{
    static const enum emb_sql deletes[] = {EMB_BLOB_DEL, EMB_BATCH_DEL};
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < 2; i++) {
        sqlite3_stmt *s;
        if ((rc = emb_sql(b, deletes[i], &s, e)) < 0)
            return rc;
        sqlite3_bind_int64(s, 1, first_id);
        sqlite3_bind_int64(s, 2, last_id);
        rc = emb_exec(b, s, "delete records", e);
    }
    return rc;
}
