/* A file that appears whole (outfile.h). In: pieces in a buffer. Out: the file at its
 * path after outfile_close. Called by writers of artifacts and of the parse cache. */
#include "base/outfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/mem.h"

#define PIECE ((size_t)1 << 20)

int outfile_open(struct outfile *o, const char *path, struct err *e)
{
    *o = (struct outfile){.path = mem_strdup(path),
                          .tmp = mem_printf("%s.%ld.tmp", path, (long)getpid())};
    buf_init(&o->b, SIZE_MAX / 4);
    o->fd = open(o->tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (o->fd >= 0)
        return 0;
    int rc = err_errno(e, ERR_IO, "%s: create", o->tmp);
    outfile_close(o, false, NULL);
    return rc;
}

static void write_out(struct outfile *o)
{
    for (size_t done = 0; done < o->b.len && !o->failed;) {
        ssize_t n = write(o->fd, o->b.data + done, o->b.len - done);
        if (n < 0 && errno != EINTR)
            o->failed = errno;
        done += n > 0 ? (size_t)n : 0;
    }
    o->written += o->b.len;
    if (o->b.failed && !o->failed)
        o->failed = ENOMEM;
    buf_reset(&o->b);
}

void outfile_flush(struct outfile *o)
{
    if (o->b.len >= PIECE || o->b.failed)
        write_out(o);
}

size_t outfile_at(const struct outfile *o)
{
    return o->written + o->b.len;
}

void outfile_copy(struct outfile *o, int fd, size_t from, size_t n)
{
    write_out(o);
    off_t at = (off_t)from;
    while (n && !o->failed) {
        ssize_t k = copy_file_range(fd, &at, o->fd, NULL, n, 0);
        if (k <= 0 && errno != EINTR) {
            o->failed = k < 0 ? errno : EIO;
            break;
        }
        n -= k > 0 ? (size_t)k : 0;
        o->written += k > 0 ? (size_t)k : 0;
    }
}

int outfile_close(struct outfile *o, bool is_good, struct err *e)
{
    int rc = 0;
    if (is_good)
        write_out(o);
    if (o->fd >= 0 && close(o->fd) < 0 && !o->failed)
        o->failed = errno;
    if (is_good && !o->failed && rename(o->tmp, o->path) < 0)
        o->failed = errno;
    if (is_good && o->failed) {
        errno = o->failed;
        rc = err_errno(e, ERR_IO, "%s: write", o->path);
    }
    if (!is_good || rc < 0)
        unlink(o->tmp);
    buf_release(&o->b);
    mem_free(o->path);
    mem_free(o->tmp);
    *o = (struct outfile){.fd = -1};
    return rc;
}
