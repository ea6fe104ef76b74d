/* Places in files, and finding them again.
 *
 * in: an open file or a checkpoint. out: checkpoint texts, open files at the place.
 * Called by plugin.c. Always holds: a file is recognised by its bytes, never by its
 * name or inode alone: a copy, a longer version and a compressed one are the same file.
 */
#include "place.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <xxhash.h>
#include "../common/jsonrow.h"
#include "../common/plug.h"

#define PATH_SIZE 4096
#define STEP      (64 * 1024 * 1024)

void place_hash(const char *p, size_t n, char out[33])
{
    XXH128_hash_t h = XXH3_128bits(p, n);
    snprintf(out, 33, "%016llx%016llx", (unsigned long long)h.high64,
             (unsigned long long)h.low64);
}

void place_of(struct place *out, const struct lines *l)
{
    const struct input *in = &l->in;
    bool is_long = l->long_len > 0;
    int64_t offset = is_long ? l->long_start : in->offset;
    *out = (struct place){.offset = offset, .line = l->line};
    out->dev = (uint64_t)in->dev;
    out->ino = (uint64_t)in->ino;
    out->head_len = in->head_len;
    if (offset < (int64_t)out->head_len)
        out->head_len = (size_t)offset;
    out->tail_len = in->at < INPUT_HISTORY ? in->at : INPUT_HISTORY;
    const char *tail = in->buf + in->at - out->tail_len;
    if (is_long) {
        out->tail_len = l->history_len;
        tail = l->history;
    }
    place_hash(in->head, out->head_len, out->head);
    place_hash(tail, out->tail_len, out->tail);
}

int place_write(const struct place *pl, char *out, size_t size)
{
    int n =
        snprintf(out, size,
                 "{\"v\":1,\"offset\":%lld,\"line\":%llu,\"dev\":%llu,\"ino\":%llu,"
                 "\"head\":\"%s\",\"head_len\":%zu,\"tail\":\"%s\",\"tail_len\":%zu,"
                 "\"open\":\"%s\",\"open_len\":%zu}",
                 (long long)pl->offset, (unsigned long long)pl->line,
                 (unsigned long long)pl->dev, (unsigned long long)pl->ino, pl->head,
                 pl->head_len, pl->tail, pl->tail_len, pl->open_len ? pl->open : "",
                 pl->open_len);
    return n > 0 && (size_t)n < size ? 0 : -1;
}

static bool read_fields(struct place *pl, const struct jsonrow *r)
{
    int64_t head = jsonrow_i64(r, "head_len", -1),
            tail = jsonrow_i64(r, "tail_len", -1);
    int64_t open = jsonrow_i64(r, "open_len", -1), line = jsonrow_i64(r, "line", -1);
    memset(pl, 0, sizeof(*pl));
    pl->offset = jsonrow_i64(r, "offset", -1);
    if (jsonrow_i64(r, "v", -1) != 1 || pl->offset < 0 || line < 0 || open < 0 ||
        head < 0 || head > INPUT_HISTORY || tail < 0 || tail > INPUT_HISTORY ||
        tail > pl->offset)
        return false;
    pl->line = (uint64_t)line;
    pl->dev = (uint64_t)jsonrow_i64(r, "dev", 0);
    pl->ino = (uint64_t)jsonrow_i64(r, "ino", 0);
    pl->head_len = (size_t)head;
    pl->tail_len = (size_t)tail;
    pl->open_len = (size_t)open;
    return jsonrow_text(r, "head", pl->head, sizeof(pl->head)) &&
           jsonrow_text(r, "tail", pl->tail, sizeof(pl->tail)) &&
           jsonrow_text(r, "open", pl->open, sizeof(pl->open));
}

int place_read(struct place *pl, const char *text, char *error)
{
    struct jsonrow *r = malloc(sizeof(*r));
    if (!r)
        return plug_error(error, -1, "out of memory");
    jsonrow_init(r);
    bool ok = jsonrow_parse(r, text, strlen(text)) == 0 && read_fields(pl, r);
    jsonrow_release(r);
    free(r);
    return ok ? 0 : plug_error(error, -1, "checkpoint not understood: %.200s", text);
}

/* As input_skip_to; asking the host between the steps shows it that we are alive. */
static int walk_to(struct input *in, const struct weir_host *host, int64_t offset,
                   char *error)
{
    int rc = 1;
    for (int64_t at = in->offset; rc > 0 && at < offset;) {
        at = offset - at > STEP ? at + STEP : offset;
        rc = input_skip_to(in, at, error);
        if (rc > 0 && host->cancelled && host->cancelled(host->ctx))
            rc = plug_error(error, -1, "%s: stopped on the way to byte %lld", in->path,
                            (long long)offset);
    }
    return rc;
}

/* Compare the bytes before the offset; in ends at the offset. */
static enum place_match match_tail(const struct place *pl, const struct weir_host *host,
                                   struct input *in, char *error)
{
    char hex[33];
    int rc = walk_to(in, host, pl->offset - (int64_t)pl->tail_len, error);
    if (rc <= 0)
        return rc < 0 ? PLACE_FAIL : PLACE_CUT;
    while (in->end - in->at < pl->tail_len) {
        enum input_state st = input_more(in, error);
        if (st != INPUT_MORE)
            return st == INPUT_FAIL ? PLACE_FAIL : PLACE_CUT;
    }
    place_hash(in->buf + in->at, pl->tail_len, hex);
    if (strcmp(hex, pl->tail) != 0)
        return PLACE_OTHER;
    input_take(in, pl->tail_len);
    return PLACE_SAME;
}

static enum place_match match_open(const struct place *pl, const struct weir_host *host,
                                   struct input *in, char *error)
{
    char hex[33];
    while (in->head_len < pl->head_len) {
        enum input_state st = input_more(in, error);
        if (st != INPUT_MORE)
            return st == INPUT_FAIL ? PLACE_FAIL : PLACE_OTHER;
    }
    place_hash(in->head, pl->head_len, hex);
    return strcmp(hex, pl->head) != 0 ? PLACE_OTHER : match_tail(pl, host, in, error);
}

enum place_match place_match(const struct place *pl, const struct weir_host *host,
                             const char *path, struct input *in, char *error)
{
    if (input_open(in, path, NULL) < 0)
        return PLACE_OTHER;
    enum place_match m = match_open(pl, host, in, error);
    if (m != PLACE_SAME)
        input_close(in);
    return m;
}

/* Is name BASE.N or BASE.N.gz? */
static bool is_rotated(const char *name, const char *base)
{
    size_t n = strlen(base);
    if (strncmp(name, base, n) != 0 || name[n] != '.')
        return false;
    size_t digits = strspn(name + n + 1, "0123456789");
    const char *rest = name + n + 1 + digits;
    return digits > 0 && (*rest == 0 || !strcmp(rest, ".gz"));
}

/* Folder of path opened, its length and the file's name told. */
static DIR *open_folder(const char *path, size_t *dir_len, const char **base)
{
    char dir[PATH_SIZE];
    const char *slash = strrchr(path, '/');
    *dir_len = slash ? (size_t)(slash - path) + 1 : 0;
    *base = path + *dir_len;
    if (*dir_len >= sizeof(dir))
        return NULL;
    memcpy(dir, path, *dir_len);
    dir[*dir_len] = 0;
    return opendir(*dir_len ? dir : ".");
}

enum place_match place_find_rotated(const struct place *pl,
                                    const struct weir_host *host, const char *path,
                                    struct input *in, char *error)
{
    size_t dir_len;
    const char *base;
    DIR *d = open_folder(path, &dir_len, &base);
    enum place_match m = PLACE_OTHER;
    struct dirent *de;
    while (d && m == PLACE_OTHER && (de = readdir(d))) {
        char full[PATH_SIZE];
        if (!is_rotated(de->d_name, base))
            continue;
        snprintf(full, sizeof(full), "%.*s%s", (int)dir_len, path, de->d_name);
        m = place_match(pl, host, full, in, error);
        if (m == PLACE_CUT || m == PLACE_FAIL)
            m = PLACE_OTHER; /* some old file: not ours to judge */
    }
    if (d)
        closedir(d);
    return m;
}

static int64_t ns_of(const struct stat *st)
{
    return (int64_t)st->st_mtim.tv_sec * 1000000000 + st->st_mtim.tv_nsec;
}

int64_t place_mtime_ns(const struct input *in)
{
    struct stat st;
    return fstat(in->fd, &st) < 0 ? INT64_MAX : ns_of(&st);
}

void place_next_file(const char *path, int64_t after_ns, char *out, size_t size)
{
    size_t dir_len;
    const char *base;
    DIR *d = open_folder(path, &dir_len, &base);
    int64_t best = INT64_MAX;
    struct dirent *de;
    snprintf(out, size, "%s", path);
    while (d && (de = readdir(d))) {
        char full[PATH_SIZE];
        struct stat st;
        if (!is_rotated(de->d_name, base))
            continue;
        snprintf(full, sizeof(full), "%.*s%s", (int)dir_len, path, de->d_name);
        if (stat(full, &st) < 0 || ns_of(&st) <= after_ns || ns_of(&st) >= best)
            continue;
        best = ns_of(&st);
        snprintf(out, size, "%s", full);
    }
    if (d)
        closedir(d);
}
