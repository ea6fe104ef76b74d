/* Snapshot files and their key tables.
 *
 * in: rows. out: a file that is whole or absent; a table of 128-bit hashes. Called by
 * snapshot.c. Always holds: a file under its final name is complete and synced; numbers
 * in it are in host order, for it never leaves this machine. */
#include "snapfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xxhash.h>
#include "plug.h"

#define MAGIC     "weirsnap1\n"
#define MAGIC_LEN (sizeof(MAGIC) - 1)
#define PART_MAX  (4u << 20)

struct head { /* of an entry in the file; behind it reason, detail, key, value */
    uint32_t type, line, masked, reason_len, detail_len, key_len, value_len, pad;
    struct snaphash key_hash, row_hash;
};

struct snaphash snaphash_of(const char *p, size_t n)
{
    XXH128_hash_t h = XXH3_128bits(p, n);
    return (struct snaphash){h.low64, h.high64};
}

static char *copy_with(const char *s, const char *suffix)
{
    size_t n = strlen(s) + strlen(suffix) + 1;
    char *p = malloc(n);
    if (p)
        snprintf(p, n, "%s%s", s, suffix);
    return p;
}

static void put(struct snapfile *f, const void *p, size_t n)
{
    if (!f->has_failed && n > 0 && gzwrite(f->gz, p, (unsigned)n) != (int)n)
        f->has_failed = true;
}

int snapfile_create(struct snapfile *f, const char *path, char *error)
{
    memset(f, 0, sizeof(*f));
    f->path = copy_with(path, "");
    f->tmp = copy_with(path, ".tmp");
    if (!f->path || !f->tmp || !(f->gz = gzopen(f->tmp, "wb1"))) {
        plug_errno(error, -1, "%s.tmp", path);
        snapfile_close(f);
        return -1;
    }
    put(f, MAGIC, MAGIC_LEN);
    return 0;
}

void snapfile_add(struct snapfile *f, const struct snapentry *e)
{
    struct head h = {.type = (uint32_t)e->type, .line = e->line, .masked = e->masked};
    h.reason_len = e->reason ? (uint32_t)strlen(e->reason) + 1 : 0;
    h.detail_len = e->detail ? (uint32_t)strlen(e->detail) + 1 : 0;
    h.key_len = (uint32_t)e->key_len;
    h.value_len = (uint32_t)e->value_len;
    h.key_hash = e->key_hash;
    h.row_hash = e->row_hash;
    put(f, &h, sizeof(h));
    put(f, e->reason, h.reason_len);
    put(f, e->detail, h.detail_len);
    put(f, e->key, e->key_len);
    put(f, e->value, e->value_len);
    f->n_rows += e->type == SNAP_ROW;
}

static int sync_path(const char *path, int flags)
{
    int fd = open(path, flags | O_CLOEXEC);
    if (fd < 0)
        return -1;
    int rc = fsync(fd);
    close(fd);
    return rc;
}

static int sync_folder(const char *path)
{
    char *dir = copy_with(path, "");
    char *slash = dir ? strrchr(dir, '/') : NULL;
    int rc = -1;
    if (slash) {
        *slash = 0;
        rc = sync_path(dir, O_RDONLY | O_DIRECTORY);
    }
    free(dir);
    return rc;
}

int snapfile_finish(struct snapfile *f, char *error)
{
    struct snapentry end = {.type = SNAP_END, .row_hash = {f->n_rows, 0}};
    errno = 0;
    snapfile_add(f, &end);
    int rc = gzclose(f->gz);
    f->gz = NULL;
    if (f->has_failed || rc != Z_OK) {
        if (errno == 0)
            errno = EIO;
        return plug_errno(error, -1, "writing %s: make room; nothing was changed",
                          f->tmp);
    }
    if (sync_path(f->tmp, O_RDONLY) < 0 || rename(f->tmp, f->path) < 0 ||
        sync_folder(f->path) < 0)
        return plug_errno(error, -1, "%s", f->path);
    free(f->tmp);
    f->tmp = NULL;
    return 0;
}

int snapfile_open(struct snapfile *f, const char *path, char *error)
{
    char magic[MAGIC_LEN];
    memset(f, 0, sizeof(*f));
    f->path = copy_with(path, "");
    if (!f->path || !(f->gz = gzopen(path, "rb"))) {
        plug_errno(error, -1, "%s", path);
        snapfile_close(f);
        return -1;
    }
    if (gzread(f->gz, magic, MAGIC_LEN) != (int)MAGIC_LEN ||
        memcmp(magic, MAGIC, MAGIC_LEN) != 0) {
        snapfile_close(f);
        return plug_error(error, -1, "%s: is no snapshot file", path);
    }
    return 0;
}

static int damaged(const struct snapfile *f, char *error)
{
    return plug_error(error, -1, "%s: snapshot file is damaged", f->path);
}

static int read_body(struct snapfile *f, size_t n)
{
    if (f->cap < n) {
        free(f->buf);
        f->buf = malloc(n * 2);
        f->cap = f->buf ? n * 2 : 0;
        if (!f->buf)
            return -1;
    }
    return gzread(f->gz, f->buf, (unsigned)n) == (int)n ? 0 : -1;
}

int snapfile_next(struct snapfile *f, struct snapentry *e, char *error)
{
    struct head h;
    memset(e, 0, sizeof(*e));
    if (gzread(f->gz, &h, sizeof(h)) != (int)sizeof(h))
        return damaged(f, error);
    if (h.type == SNAP_END) {
        f->n_rows = h.row_hash.lo;
        return 0;
    }
    if ((h.type != SNAP_ROW && h.type != SNAP_REJECT) || h.reason_len > PART_MAX ||
        h.detail_len > PART_MAX || h.key_len > PART_MAX || h.value_len > PART_MAX)
        return damaged(f, error);
    size_t n = (size_t)h.reason_len + h.detail_len + h.key_len + h.value_len;
    if (read_body(f, n) < 0)
        return damaged(f, error);
    e->type = h.type == SNAP_ROW ? SNAP_ROW : SNAP_REJECT;
    e->line = h.line;
    e->masked = h.masked;
    e->reason = h.reason_len ? f->buf : NULL;
    e->detail = h.detail_len ? f->buf + h.reason_len : NULL;
    e->key = f->buf + h.reason_len + h.detail_len;
    e->key_len = h.key_len;
    e->value = e->key + h.key_len;
    e->value_len = h.value_len;
    e->key_hash = h.key_hash;
    e->row_hash = h.row_hash;
    return 1;
}

void snapfile_close(struct snapfile *f)
{
    if (f->gz)
        gzclose(f->gz);
    if (f->tmp)
        unlink(f->tmp);
    free(f->path);
    free(f->tmp);
    free(f->buf);
    memset(f, 0, sizeof(*f));
}

/* ── the table ───────────────────────────────────────────────────────────────────── */

void snaptable_release(struct snaptable *t)
{
    free(t->slots);
    memset(t, 0, sizeof(*t));
}

static struct snaprow *slot_of(const struct snaptable *t, struct snaphash key)
{
    size_t mask = t->n_slots - 1;
    for (size_t i = key.lo & mask;; i = (i + 1) & mask) {
        struct snaprow *r = &t->slots[i];
        if (!r->is_used || (r->key.lo == key.lo && r->key.hi == key.hi))
            return r;
    }
}

struct snaprow *snaptable_get(const struct snaptable *t, struct snaphash key)
{
    if (t->n_slots == 0)
        return NULL;
    struct snaprow *r = slot_of(t, key);
    return r->is_used ? r : NULL;
}

static bool grow(struct snaptable *t)
{
    struct snaptable bigger = {.n_slots = t->n_slots ? t->n_slots * 2 : 1024};
    bigger.slots = calloc(bigger.n_slots, sizeof(*bigger.slots));
    if (!bigger.slots)
        return false;
    for (size_t i = 0; i < t->n_slots; i++) {
        if (t->slots[i].is_used)
            *slot_of(&bigger, t->slots[i].key) = t->slots[i];
    }
    free(t->slots);
    t->slots = bigger.slots;
    t->n_slots = bigger.n_slots;
    return true;
}

struct snaprow *snaptable_put(struct snaptable *t, struct snaphash key, bool *is_new)
{
    if ((t->n + 1) * 10 > t->n_slots * 7 && !grow(t))
        return NULL;
    struct snaprow *r = slot_of(t, key);
    *is_new = !r->is_used;
    if (!r->is_used) {
        *r = (struct snaprow){.key = key, .is_used = true};
        t->n++;
    }
    return r;
}

int snaptable_load(struct snaptable *t, const char *path, char *error)
{
    struct snapfile f;
    struct snapentry e;
    int rc;
    if (snapfile_open(&f, path, error) < 0)
        return -1;
    while ((rc = snapfile_next(&f, &e, error)) > 0) {
        bool is_new;
        struct snaprow *r = snaptable_put(t, e.key_hash, &is_new);
        if (!r) {
            rc = plug_error(error, -1, "out of memory for %s", path);
            break;
        }
        r->row = e.row_hash;
        r->line = e.line;
        r->is_row = e.type == SNAP_ROW;
        t->n_rows += r->is_row;
    }
    snapfile_close(&f);
    return rc;
}
