/* File sink: one JSON line an alert, appended in one write and synced before it counts
 * as delivered. A line that a full disk cut short is ended before the next one is
 * written. */
#include "alert/alert.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/buf.h"
#include "base/json.h"
#include "base/pan.h"
#include "base/timeutil.h"

#define ALERT_LINE_MAX (1u << 20)

static int line_of(const json_t *alert, struct buf *out, struct err *e)
{
    char at[32];
    json_t *copy = json_deep_copy(alert);
    json_put_str(copy, "delivered_at", time_format_iso(time_wall_ms(), true, at));
    int rc = json_dump_buf(copy, JSON_COMPACT | JSON_SORT_KEYS, out, e);
    json_decref(copy);
    if (rc == 0 && out->data)
        pan_mask(out->data, out->len);
    buf_addc(out, '\n');
    return rc < 0 ? rc : buf_check(out, "alert", e);
}

/* Does the file end inside a line? */
static bool is_torn(int fd)
{
    char last;
    off_t size = lseek(fd, 0, SEEK_END);
    return size > 0 && pread(fd, &last, 1, size - 1) == 1 && last != '\n';
}

static int write_all(int fd, const char *p, size_t n, const char *path, struct err *e)
{
    while (n) {
        ssize_t k = write(fd, p, n);
        if (k < 0 && errno == EINTR)
            continue;
        if (k < 0)
            return err_errno(e, ERR_IO, "write %s", path);
        p += k;
        n -= (size_t)k;
    }
    return fsync(fd) < 0 ? err_errno(e, ERR_IO, "sync %s", path) : 0;
}

static enum alert_outcome deliver(const struct conf_sink *s, const json_t *alert,
                                  struct err *e)
{
    struct buf line;
    buf_init(&line, ALERT_LINE_MAX);
    int rc = line_of(alert, &line, e);
    if (rc < 0) {
        buf_release(&line);
        return ALERT_PERMANENT;
    }
    int fd = open(s->path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        rc = err_errno(e, ERR_IO, "open %s", s->path);
    if (rc == 0 && is_torn(fd))
        rc = write_all(fd, "\n", 1, s->path, e);
    if (rc == 0)
        rc = write_all(fd, buf_str(&line), line.len, s->path, e);
    if (fd >= 0)
        close(fd);
    buf_release(&line);
    return rc < 0 ? ALERT_RETRY : ALERT_OK;
}

const struct alert_sink alert_sink_file = {.kind = "file", .deliver = deliver};
