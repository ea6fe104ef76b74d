/* A growing byte buffer with a ceiling. In: bytes. Out: one NUL-terminated block.
 * Called by everyone. Always holds: data[len] is NUL when data is not NULL; after a
 * failure nothing is added any more until buf_reset. */
#include "base/buf.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"

#define BUF_DEFAULT_MAX ((size_t)64 << 20)

void buf_init(struct buf *b, size_t max_bytes)
{
    *b = (struct buf){.max = max_bytes};
}

void buf_release(struct buf *b)
{
    mem_free(b->data);
    *b = (struct buf){.max = b->max};
}

void buf_reset(struct buf *b)
{
    b->len = 0;
    b->failed = 0;
    if (b->data)
        b->data[0] = '\0';
}

int buf_reserve(struct buf *b, size_t more)
{
    if (b->failed)
        return b->failed;
    size_t max = b->max ? b->max : BUF_DEFAULT_MAX;
    if (more > max || b->len > max - more)
        return b->failed = ERR_LIMIT;
    if (b->data && b->cap - b->len > more)
        return 0;
    size_t need = b->len + more + 1;
    size_t cap = b->cap ? b->cap : 64;
    while (cap < need)
        cap = cap > need / 2 ? cap * 2 : need;
    cap = cap > max ? max + 1 : cap; /* room is never beyond the ceiling */
    char *p = mem_try_realloc(b->data, cap);
    if (!p)
        return b->failed = ERR_NOMEM;
    if (!b->data)
        p[0] = '\0';
    b->data = p;
    b->cap = cap;
    return 0;
}

/* Whether more bytes and a NUL fit as it is: then the ceiling is far enough, too. */
static inline bool has_room(const struct buf *b, size_t more)
{
    return !b->failed && b->cap - b->len > more;
}

int buf_add(struct buf *b, const void *p, size_t n)
{
    int rc = has_room(b, n) ? 0 : buf_reserve(b, n);
    if (rc < 0)
        return rc;
    if (n)
        memcpy(b->data + b->len, p, n);
    b->len += n;
    b->data[b->len] = '\0';
    return 0;
}

int buf_adds(struct buf *b, const char *s)
{
    return buf_add(b, s, strlen(s));
}

int buf_addc(struct buf *b, char c)
{
    if (!has_room(b, 1))
        return buf_add(b, &c, 1);
    b->data[b->len++] = c;
    b->data[b->len] = '\0';
    return 0;
}

int buf_addf(struct buf *b, const char *fmt, ...)
{
    va_list ap;
    if (b->failed)
        return b->failed;
    va_start(ap, fmt);
    size_t room = b->data ? b->cap - b->len : 0;
    int n = vsnprintf(b->data ? b->data + b->len : NULL, room, fmt, ap);
    va_end(ap);
    int rc = n < 0 ? (b->failed = ERR_LIMIT) : buf_reserve(b, (size_t)n);
    if (rc == 0 && (size_t)n >= room) {
        va_start(ap, fmt);
        vsnprintf(b->data + b->len, (size_t)n + 1, fmt, ap);
        va_end(ap);
    }
    if (rc == 0)
        b->len += (size_t)n;
    else if (b->data)
        b->data[b->len] = '\0';
    return rc;
}

int buf_add_i64(struct buf *b, int64_t v)
{
    char text[24], *p = text + sizeof text;
    uint64_t u = v < 0 ? 0 - (uint64_t)v : (uint64_t)v;
    do {
        *--p = (char)('0' + u % 10);
        u /= 10;
    } while (u);
    if (v < 0)
        *--p = '-';
    return buf_add(b, p, (size_t)(text + sizeof text - p));
}

/* Whether the byte stands for itself in a JSON string: a bit for each. */
static inline bool is_plain(unsigned char c)
{
    static const uint64_t plain[4] = {0xFFFFFFFB00000000u, 0x7FFFFFFFEFFFFFFFu, 0, 0};
    return plain[c >> 6] >> (c & 63) & 1;
}

static void add_escape(struct buf *b, unsigned char c)
{
    switch (c) {
    case '"':
        buf_add(b, "\\\"", 2);
        return;
    case '\\':
        buf_add(b, "\\\\", 2);
        return;
    case '\n':
        buf_add(b, "\\n", 2);
        return;
    case '\r':
        buf_add(b, "\\r", 2);
        return;
    case '\t':
        buf_add(b, "\\t", 2);
        return;
    default:
        buf_addf(b, "\\u%04x", c);
    }
}

/* Bytes from the start that stand for themselves, eight at a time. */
static size_t plain_prefix(const char *s, size_t n)
{
    const uint64_t ones = 0x0101010101010101u, high = 0x8080808080808080u;
    size_t i = 0;
    for (; i + 8 <= n; i += 8) {
        uint64_t v;
        memcpy(&v, s + i, 8);
        uint64_t quote = v ^ (ones * '"'), back = v ^ (ones * '\\'),
                 del = v ^ (ones * 0x7f);
        uint64_t odd = (v - ones * 0x20) | ((quote - ones) & ~quote) |
                       ((back - ones) & ~back) | ((del - ones) & ~del) | v;
        if (odd & high)
            break;
    }
    while (i < n && is_plain((unsigned char)s[i]))
        i++;
    return i;
}

int buf_add_json_str(struct buf *b, const char *s, size_t n)
{
    size_t i = plain_prefix(s, n);
    if (i == n && n < SIZE_MAX / 2 &&
        (has_room(b, n + 2) || buf_reserve(b, n + 2) == 0)) {
        char *at = b->data + b->len;
        *at = '"';
        memcpy(at + 1, s, n);
        at[n + 1] = '"';
        at[n + 2] = '\0';
        b->len += n + 2;
        return 0;
    }
    i = 0;
    buf_addc(b, '"');
    while (i < n) {
        size_t from = i;
        while (i < n && is_plain((unsigned char)s[i]))
            i++;
        if (i > from)
            buf_add(b, s + from, i - from);
        if (i == n)
            break;
        if ((unsigned char)s[i] < 0x80) {
            add_escape(b, (unsigned char)s[i++]);
            continue;
        }
        uint32_t cp;
        int len = text_decode(s + i, n - i, &cp);
        if (len > 0)
            buf_add(b, s + i, (size_t)len);
        else
            buf_add(b, "\xEF\xBF\xBD", 3);
        i += len > 0 ? (size_t)len : 1;
    }
    return buf_addc(b, '"');
}

int buf_check(const struct buf *b, const char *what, struct err *e)
{
    if (!b->failed)
        return 0;
    if (b->failed == ERR_LIMIT)
        return err_set(e, ERR_LIMIT, "%s: larger than %zu bytes", what,
                       b->max ? b->max : BUF_DEFAULT_MAX);
    return err_set(e, b->failed, "%s: %s", what, err_text(b->failed));
}

const char *buf_str(const struct buf *b)
{
    return b->data ? b->data : "";
}

char *buf_take(struct buf *b)
{
    char *p = b->data ? b->data : mem_strdup("");
    *b = (struct buf){.max = b->max};
    return p;
}

static int read_all(struct buf *b, int fd, const char *path, struct err *e)
{
    for (;;) {
        char piece[16384];
        ssize_t n = read(fd, piece, sizeof piece);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return err_errno(e, ERR_IO, "%s: read", path);
        if (n == 0)
            return 0;
        if (buf_add(b, piece, (size_t)n) < 0)
            return buf_check(b, path, e);
    }
}

int buf_read_file(struct buf *b, const char *path, struct err *e)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return err_errno(e, errno == ENOENT ? ERR_NOTFOUND : ERR_IO, "%s", path);
    int rc = read_all(b, fd, path, e);
    close(fd);
    return rc;
}

static int write_all(int fd, const char *p, size_t n)
{
    while (n) {
        ssize_t k = write(fd, p, n);
        if (k < 0 && errno == EINTR)
            continue;
        if (k < 0)
            return -1;
        p += k;
        n -= (size_t)k;
    }
    return 0;
}

static void sync_folder(const char *path)
{
    char copy[PATH_MAX];
    if (!str_copy(copy, sizeof copy, path))
        return;
    int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return;
    fsync(fd);
    close(fd);
}

int buf_write_file(const void *p, size_t n, const char *path, struct err *e)
{
    char tmp[PATH_MAX];
    int len = snprintf(tmp, sizeof tmp, "%s.tmp", path);
    if (len < 0 || (size_t)len >= sizeof tmp)
        return err_set(e, ERR_LIMIT, "%s: path too long", path);
    int fd = open(tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0)
        return err_errno(e, ERR_IO, "%s: create", tmp);
    int rc = 0;
    if (write_all(fd, p, n) < 0 || fsync(fd) < 0)
        rc = err_errno(e, ERR_IO, "%s: write", tmp);
    if (close(fd) < 0 && !rc)
        rc = err_errno(e, ERR_IO, "%s: close", tmp);
    if (!rc && rename(tmp, path) < 0)
        rc = err_errno(e, ERR_IO, "%s: rename", path);
    if (rc < 0)
        unlink(tmp);
    else
        sync_folder(path);
    return rc;
}
