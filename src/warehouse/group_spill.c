/* Lots of records in a nameless temporary file; see group_spill.h. Called by
 * group_table.c. Always holds: a piece has whole records only. */
#include "warehouse/group_spill.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define WAY_BYTES (16u * 1024)

void spill_file_init(struct spill_file *f, const char *dir)
{
    *f = (struct spill_file){.dir = dir, .fd = -1};
}

void spill_file_release(struct spill_file *f)
{
    if (f->fd >= 0)
        close(f->fd);
    f->fd = -1;
}

void spill_init(struct spill *s, struct spill_file *f)
{
    *s = (struct spill){.file = f};
}

void spill_release(struct spill *s)
{
    for (size_t i = 0; i < SPILL_WAYS; i++) {
        mem_free(s->ways[i].bytes);
        vec_release(&s->ways[i].pieces);
    }
}

static int failed(const struct spill_file *f, struct err *e)
{
    int code = errno == ENOSPC || errno == EDQUOT || errno == EFBIG ? ERR_FULL : ERR_IO;
    return err_errno(e, code, "temporary file in %s", f->dir);
}

static int open_file(struct spill_file *f, struct err *e)
{
    char *path = mem_printf("%s/.group-XXXXXX", f->dir);
    f->fd = mkostemp(path, O_CLOEXEC);
    int rc = f->fd < 0 || unlink(path) < 0 ? failed(f, e) : 0;
    mem_free(path);
    return rc;
}

static int write_piece(struct spill *s, unsigned way, const char *p, size_t n,
                       struct err *e)
{
    struct spill_file *f = s->file;
    struct spill_piece piece = {f->end, n};
    int rc = f->fd < 0 ? open_file(f, e) : 0;
    while (rc == 0 && n > 0) {
        ssize_t k = pwrite(f->fd, p, n, f->end);
        if (k < 0 && errno == EINTR)
            continue;
        if (k <= 0)
            return failed(f, e);
        p += k;
        n -= (size_t)k;
        f->end += k;
    }
    if (rc == 0)
        vec_push(&s->ways[way].pieces, piece);
    return rc;
}

static int flush(struct spill *s, unsigned way, struct err *e)
{
    size_t n = s->ways[way].len;
    s->ways[way].len = 0;
    return n ? write_piece(s, way, s->ways[way].bytes, n, e) : 0;
}

int spill_add(struct spill *s, unsigned way, const void *record, size_t n,
              struct err *e)
{
    int rc = 0;
    if (s->ways[way].len + n > WAY_BYTES && (rc = flush(s, way, e)) < 0)
        return rc;
    if (n > WAY_BYTES)
        return write_piece(s, way, record, n, e);
    if (!s->ways[way].bytes)
        s->ways[way].bytes = mem_alloc(WAY_BYTES);
    memcpy(s->ways[way].bytes + s->ways[way].len, record, n);
    s->ways[way].len += n;
    return 0;
}

int spill_end(struct spill *s, struct err *e)
{
    int rc = 0;
    for (unsigned i = 0; rc == 0 && i < SPILL_WAYS; i++) {
        rc = flush(s, i, e);
        mem_free(s->ways[i].bytes);
        s->ways[i].bytes = NULL;
    }
    return rc;
}

int spill_read(const struct spill_file *f, const struct spill_piece *p, struct buf *out,
               struct err *e)
{
    buf_reset(out);
    if (buf_reserve(out, p->len) < 0)
        return buf_check(out, "a lot of put aside records", e);
    while (out->len < p->len) {
        ssize_t k = pread(f->fd, out->data + out->len, p->len - out->len,
                          p->at + (int64_t)out->len);
        if (k < 0 && errno == EINTR)
            continue;
        if (k <= 0)
            return failed(f, e);
        out->len += (size_t)k;
    }
    return 0;
}
