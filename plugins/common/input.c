/* Bytes of a plain or gzip file into a parse buffer.
 *
 * in: a path. out: uncompressed bytes in in->buf. Called by lines.c, csv.c and the
 * plugins. Always holds: bytes come out once, in order; at the end of a growing file a
 * later input_more goes on where the last one stopped. */
#include "input.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "plug.h"

#define RAW_SIZE   (128u * 1024)
#define CHUNK      (256u * 1024)
#define GZIP_FIRST 0x1f
#define GZIP_NEXT  0x8b

int input_open(struct input *in, const char *path, char *error)
{
    memset(in, 0, sizeof(*in));
    in->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (in->fd < 0)
        return plug_errno(error, -1, "%s", path);
    struct stat st;
    if (fstat(in->fd, &st) < 0 || !S_ISREG(st.st_mode)) {
        close(in->fd);
        errno = EINVAL;
        return plug_error(error, -1, "%s: is not a regular file", path);
    }
    in->dev = st.st_dev;
    in->ino = st.st_ino;
    in->path = strdup(path);
    in->raw = malloc(RAW_SIZE);
    in->cap = CHUNK + INPUT_HISTORY;
    in->buf = malloc(in->cap);
    if (!in->path || !in->raw || !in->buf) {
        input_close(in);
        errno = ENOMEM;
        return plug_error(error, -1, "%s: out of memory", path);
    }
    return 0;
}

void input_close(struct input *in)
{
    if (in->form == INPUT_GZIP)
        inflateEnd(in->z);
    free(in->z);
    if (in->path || in->raw)
        close(in->fd);
    free(in->path);
    free(in->raw);
    free(in->buf);
    memset(in, 0, sizeof(*in));
    in->fd = -1;
}

/* Room for CHUNK bytes behind end, keeping the history before at. */
static int make_room(struct input *in, char *error)
{
    size_t keep = in->at < INPUT_HISTORY ? in->at : INPUT_HISTORY;
    if (in->cap - in->end >= CHUNK)
        return 0;
    if (in->at > keep) {
        size_t from = in->at - keep;
        memmove(in->buf, in->buf + from, in->end - from);
        in->at -= from;
        in->end -= from;
    }
    if (in->cap - in->end >= CHUNK)
        return 0;
    char *p = realloc(in->buf, in->cap * 2);
    if (!p)
        return plug_error(error, -1, "%s: out of memory at byte %lld", in->path,
                          (long long)in->offset);
    in->buf = p;
    in->cap *= 2;
    return 0;
}

/* Compressed or plain bytes into raw; bytes added, 0 at the end, -1. */
static ssize_t fill_raw(struct input *in, char *error)
{
    if (in->raw_at > 0) {
        memmove(in->raw, in->raw + in->raw_at, in->raw_end - in->raw_at);
        in->raw_end -= in->raw_at;
        in->raw_at = 0;
    }
    ssize_t n;
    do {
        n = read(in->fd, in->raw + in->raw_end, RAW_SIZE - in->raw_end);
    } while (n < 0 && errno == EINTR);
    if (n < 0)
        return plug_errno(error, -1, "%s: read at byte %lld", in->path,
                          (long long)in->raw_offset);
    in->raw_end += (size_t)n;
    return n;
}

/* Tell gzip from plain once two bytes are there (or one that is no gzip's). */
static int find_form(struct input *in, char *error)
{
    size_t n = in->raw_end - in->raw_at;
    if (n == 0 || (n == 1 && in->raw[in->raw_at] == GZIP_FIRST))
        return 0;
    const unsigned char *p = in->raw + in->raw_at;
    if (n < 2 || p[0] != GZIP_FIRST || p[1] != GZIP_NEXT) {
        in->form = INPUT_PLAIN;
        return 0;
    }
    in->z = calloc(1, sizeof(*in->z));
    if (!in->z || inflateInit2(in->z, 15 + 16) != Z_OK)
        return plug_error(error, -1, "%s: out of memory for inflate", in->path);
    in->form = INPUT_GZIP;
    return 0;
}

/* Between members: zero padding is skipped, another member begins, all else is an
 * error. */
static int begin_member(struct input *in, char *error)
{
    while (in->raw_at < in->raw_end && in->raw[in->raw_at] == 0) {
        in->raw_at++;
        in->raw_offset++;
    }
    if (in->raw_at == in->raw_end)
        return 0;
    if (in->raw[in->raw_at] != GZIP_FIRST)
        return plug_error(error, -1,
                          "%s: byte %lld: bytes that are no gzip behind the gzip data; "
                          "make the file again",
                          in->path, (long long)in->raw_offset);
    inflateReset(in->z);
    in->is_in_member = true;
    return 1;
}

/* One step of inflate; bytes added, 0 none, -1 broken. Bytes that come with a fault are
 * handed out first: zlib reports the fault again at the next step. */
static ssize_t inflate_step(struct input *in, char *error)
{
    if (!in->is_in_member) {
        int rc = begin_member(in, error);
        if (rc <= 0)
            return rc;
    }
    size_t room = in->cap - in->end;
    in->z->next_in = in->raw + in->raw_at;
    in->z->avail_in = (uInt)(in->raw_end - in->raw_at);
    in->z->next_out = (unsigned char *)in->buf + in->end;
    in->z->avail_out = (uInt)room;
    int rc = inflate(in->z, Z_NO_FLUSH);
    size_t used = in->raw_end - in->raw_at - in->z->avail_in;
    in->raw_at += used;
    in->raw_offset += (int64_t)used;
    size_t made = room - in->z->avail_out;
    in->end += made;
    if (rc == Z_STREAM_END)
        in->is_in_member = false;
    else if (rc != Z_OK && rc != Z_BUF_ERROR && made == 0)
        return plug_error(error, -1,
                          "%s: byte %lld of the gzip file: %s; the file is "
                          "damaged, get it again",
                          in->path, (long long)in->raw_offset,
                          in->z->msg ? in->z->msg : "broken data");
    return (ssize_t)made;
}

static enum input_state more_plain(struct input *in, char *error)
{
    size_t n = in->raw_end - in->raw_at;
    if (n > 0) { /* what find_form looked at */
        memcpy(in->buf + in->end, in->raw + in->raw_at, n);
        in->raw_at = in->raw_end = 0;
    } else {
        ssize_t got;
        do {
            got = read(in->fd, in->buf + in->end, CHUNK);
        } while (got < 0 && errno == EINTR);
        if (got < 0) {
            plug_errno(error, -1, "%s: read at byte %lld", in->path,
                       (long long)in->raw_offset);
            return INPUT_FAIL;
        }
        n = (size_t)got;
    }
    in->end += n;
    in->raw_offset += (int64_t)n;
    return n ? INPUT_MORE : INPUT_END;
}

static enum input_state more_gzip(struct input *in, char *error)
{
    for (;;) {
        if (in->raw_at < in->raw_end) {
            size_t before = in->raw_at;
            ssize_t n = inflate_step(in, error);
            if (n != 0)
                return n < 0 ? INPUT_FAIL : INPUT_MORE;
            if (in->raw_at > before)
                continue;
        }
        ssize_t got = fill_raw(in, error);
        if (got < 0)
            return INPUT_FAIL;
        if (got == 0)
            return in->is_in_member ? INPUT_SHORT : INPUT_END;
    }
}

/* Remember the file's first bytes; new ones begin at old_end of the buffer. */
static void keep_head(struct input *in, size_t old_end)
{
    size_t room = INPUT_HISTORY - in->head_len;
    size_t n = in->end - old_end;
    n = n < room ? n : room;
    memcpy(in->head + in->head_len, in->buf + old_end, n);
    in->head_len += n;
}

enum input_state input_more(struct input *in, char *error)
{
    if (make_room(in, error) < 0)
        return INPUT_FAIL;
    if (in->form == INPUT_UNKNOWN) {
        if (fill_raw(in, error) < 0 || find_form(in, error) < 0)
            return INPUT_FAIL;
        if (in->form == INPUT_UNKNOWN)
            return in->raw_end ? INPUT_SHORT : INPUT_END;
    }
    size_t old_end = in->end;
    enum input_state st =
        in->form == INPUT_PLAIN ? more_plain(in, error) : more_gzip(in, error);
    if (in->head_len < INPUT_HISTORY)
        keep_head(in, old_end);
    return st;
}

void input_take(struct input *in, size_t n)
{
    in->at += n;
    in->offset += (int64_t)n;
}

/* A plain file is sought, keeping nothing in the buffer. */
static int seek_plain(struct input *in, int64_t offset, char *error)
{
    if (input_size(in) < offset)
        return 0;
    if (lseek(in->fd, offset, SEEK_SET) < 0)
        return plug_errno(error, -1, "%s: seek to byte %lld", in->path,
                          (long long)offset);
    in->at = in->end = 0;
    in->offset = in->raw_offset = offset;
    return 1;
}

int input_skip_to(struct input *in, int64_t offset, char *error)
{
    while (in->offset < offset) {
        size_t have = in->end - in->at;
        if (have > 0) {
            int64_t left = offset - in->offset;
            input_take(in, left < (int64_t)have ? (size_t)left : have);
            continue;
        }
        if (in->form == INPUT_PLAIN)
            return seek_plain(in, offset, error);
        enum input_state st = input_more(in, error);
        if (st != INPUT_MORE)
            return st == INPUT_FAIL ? -1 : 0;
    }
    return 1;
}

int64_t input_size(const struct input *in)
{
    struct stat st;
    return fstat(in->fd, &st) < 0 ? -1 : (int64_t)st.st_size;
}

bool input_was_cut(const struct input *in)
{
    int64_t size = input_size(in);
    return size >= 0 && size < in->raw_offset;
}
