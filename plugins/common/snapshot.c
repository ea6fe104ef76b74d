/* The delta of a snapshot source.
 *
 * in: a table file, the stored rows of the last snapshot. out: inserts and updates in
 * the order of the new file, then deletes in the order of the old one, and rejected
 * rows that were not rejected before. Called by the stores and products plugins.
 *
 * The way: READ the source into a new stored file (card numbers masked) → CHECK that it
 * did not shrink → DELTA between the two stored files → the new one becomes the last.
 * Always holds: a checkpoint names only files that are complete on disk; a delta that
 * was interrupted goes on between the same two files; a row that could not be read is
 * never taken for a deleted one. */
#include "snapshot.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "plug.h"
#include "rows.h"
#include "snapfile.h"

#define NAME_SIZE   64
#define PATH_SIZE   4096
#define ROWS_A_CALL 2000 /* rows of the source read in one call of next */
#define FILE_PREFIX "snapshot-"

struct names {
    char prev[NAME_SIZE], next[NAME_SIZE]; /* "" none */
};

struct snapshot {
    const struct snapshot_kind *kind;
    const struct weir_host *host;
    double refuse_percent;
    enum { SNAP_READ, SNAP_PASS_NEW, SNAP_PASS_OLD, SNAP_DONE } state;
    struct names names, named; /* now; and in the checkpoint written last */
    uint64_t seq;              /* number of the newest file */
    uint64_t done, skip;       /* records of the delta handed out; to be passed over */
    bool is_resumed;           /* an older delta first, then the source */
    /* READ */
    struct rows *rows; /* big: on the heap */
    bool is_reading, must_hold_all;
    uint64_t n_held_keys;
    struct snapfile writer;
    char *masked; /* scratch copy of a row */
    size_t masked_cap;
    /* both */
    struct snaptable old, new;
    struct snapfile reader;
    bool is_reader_open;
};

static const char *path_of(const struct snapshot *s, const char *name, char *out)
{
    snprintf(out, PATH_SIZE, "%s/%s", s->host->state_dir, name);
    return out;
}

static void drop_tables(struct snapshot *s)
{
    snaptable_release(&s->old);
    snaptable_release(&s->new);
}

/* ── READ ────────────────────────────────────────────────────────────────────────── */

static enum weir_status begin_read(struct snapshot *s, char *error)
{
    char path[PATH_SIZE];
    if (rows_open(s->rows, plug_setting(s->host, "path"), plug_setting(s->host, "key"),
                  error) < 0)
        return WEIR_FATAL;
    s->is_reading = true;
    s->must_hold_all = false;
    s->n_held_keys = 0;
    drop_tables(s);
    snprintf(s->names.next, NAME_SIZE, FILE_PREFIX "%llu.gz",
             (unsigned long long)++s->seq);
    if (snapfile_create(&s->writer, path_of(s, s->names.next, path), error) < 0) {
        s->names.next[0] = 0;
        return WEIR_ERROR;
    }
    return WEIR_WAIT;
}

static void end_read(struct snapshot *s)
{
    if (s->is_reading)
        rows_close(s->rows);
    s->is_reading = false;
    snapfile_close(&s->writer);
}

/* The attempt is given up; the last snapshot stands. */
static enum weir_status give_up(struct snapshot *s, enum weir_status st)
{
    char path[PATH_SIZE];
    end_read(s);
    if (s->names.next[0])
        unlink(path_of(s, s->names.next, path));
    s->names.next[0] = 0;
    s->state = SNAP_DONE;
    return st;
}

/* A copy of the bytes with card numbers masked; NULL out of memory. */
static const char *mask_copy(struct snapshot *s, const char *p, size_t n,
                             uint32_t *count)
{
    if (s->masked_cap < n) {
        free(s->masked);
        s->masked = malloc(n * 2);
        s->masked_cap = s->masked ? n * 2 : 0;
        if (!s->masked)
            return NULL;
    }
    if (n)
        memcpy(s->masked, p, n);
    *count = s->host->mask ? s->host->mask(s->host->ctx, s->masked, n) : 0;
    return s->masked ? s->masked : "";
}

static struct snaphash reject_hash(const char *reason, const char *p, size_t n)
{
    struct snaphash h = snaphash_of(p, n), r = snaphash_of(reason, strlen(reason));
    return (struct snaphash){h.lo ^ (r.lo << 1), h.hi ^ r.hi};
}

static int store_reject(struct snapshot *s, const struct row *row)
{
    struct snapentry e = {.type = SNAP_REJECT, .line = (uint32_t)row->line};
    e.value = mask_copy(s, row->raw, row->raw_len, &e.masked);
    if (!e.value)
        return -1;
    e.value_len = row->raw_len;
    e.reason = row->reason;
    e.detail = row->detail;
    e.key_hash = e.row_hash = reject_hash(e.reason, e.value, e.value_len);
    snapfile_add(&s->writer, &e);
    return 0;
}

/* A row that could not be read: its older version, if any, must stay. */
static int take_reject(struct snapshot *s, const struct row *row)
{
    bool is_new;
    if (row->key && row->key_len > 0) {
        if (!snaptable_put(&s->new, snaphash_of(row->key, row->key_len), &is_new))
            return -1;
        s->n_held_keys += is_new;
    } else {
        s->must_hold_all = true;
    }
    return store_reject(s, row);
}

static int take_row(struct snapshot *s, struct row *row)
{
    bool is_new;
    struct snapentry e = {.type = SNAP_ROW, .line = (uint32_t)row->line};
    e.key_hash = snaphash_of(row->key, row->key_len);
    struct snaprow *slot = snaptable_put(&s->new, e.key_hash, &is_new);
    if (!slot)
        return -1;
    if (slot->is_row) {
        row->reason = "duplicate_row";
        snprintf(row->detail, sizeof(row->detail),
                 "key %.*s is there a second time; first on line %u", (int)row->key_len,
                 row->key, slot->line);
        return store_reject(s, row);
    }
    slot->is_row = true;
    slot->line = e.line;
    s->new.n_rows++;
    e.key = row->key;
    e.key_len = row->key_len;
    e.value = mask_copy(s, row->json, row->n, &e.masked);
    if (!e.value)
        return -1;
    e.value_len = row->n;
    e.row_hash = snaphash_of(e.value, e.value_len);
    snapfile_add(&s->writer, &e);
    return 0;
}

/* Old rows that are not in the new snapshot but may only have been unreadable. */
static int carry_over(struct snapshot *s, char *error)
{
    char path[PATH_SIZE];
    struct snapfile f;
    struct snapentry e;
    int rc;
    int64_t held = 0;
    if (snapfile_open(&f, path_of(s, s->names.prev, path), error) < 0)
        return -1;
    while ((rc = snapfile_next(&f, &e, error)) > 0) {
        struct snaprow *r = snaptable_get(&s->new, e.key_hash);
        if (e.type == SNAP_ROW && (r ? !r->is_row : s->must_hold_all)) {
            snapfile_add(&s->writer, &e);
            held++;
        }
    }
    snapfile_close(&f);
    plug_count(s->host, "rows_held", held);
    return rc;
}

static bool has_shrunk(const struct snapshot *s)
{
    double least = (double)s->old.n_rows * (1 - s->refuse_percent / 100);
    return !plug_flag(s->host, "allow_shrink") && (double)s->new.n_rows < least;
}

static enum weir_status refuse(struct snapshot *s, char *error)
{
    double percent = 100 - 100 * (double)s->new.n_rows / (double)s->old.n_rows;
    plug_count(s->host, "shrink_refused", 1);
    plug_error(
        error, 0,
        "%s: the snapshot of %s has %llu rows, the last one had %llu (-%.1f%%); "
        "refuse_shrink is %g%%: nothing was changed. If it is right, run once with "
        "allow_shrink=true",
        plug_setting(s->host, "path"), s->kind->what, (unsigned long long)s->new.n_rows,
        (unsigned long long)s->old.n_rows, percent, s->refuse_percent);
    return give_up(s, WEIR_FATAL);
}

/* Compare by the stored files alone, so that a restart does the same. */
static enum weir_status begin_delta(struct snapshot *s, char *error)
{
    char path[PATH_SIZE];
    drop_tables(s);
    if ((s->names.prev[0] &&
         snaptable_load(&s->old, path_of(s, s->names.prev, path), error) < 0) ||
        snaptable_load(&s->new, path_of(s, s->names.next, path), error) < 0 ||
        snapfile_open(&s->reader, path_of(s, s->names.next, path), error) < 0)
        return WEIR_FATAL;
    s->is_reader_open = true;
    s->done = 0;
    s->state = SNAP_PASS_NEW;
    return WEIR_WAIT;
}

static enum weir_status finish_read(struct snapshot *s, char *error)
{
    char path[PATH_SIZE];
    if (s->names.prev[0]) {
        if (snaptable_load(&s->old, path_of(s, s->names.prev, path), error) < 0)
            return give_up(s, WEIR_FATAL);
        if (has_shrunk(s))
            return refuse(s, error);
        if ((s->must_hold_all || s->n_held_keys > 0) && carry_over(s, error) < 0)
            return give_up(s, WEIR_FATAL);
    }
    if (snapfile_finish(&s->writer, error) < 0)
        return give_up(s, WEIR_ERROR);
    end_read(s);
    s->skip = 0;
    return begin_delta(s, error);
}

static enum weir_status read_some(struct snapshot *s, char *error)
{
    struct row row;
    if (!s->is_reading)
        return begin_read(s, error);
    for (int i = 0; i < ROWS_A_CALL; i++) {
        enum rows_state st = rows_next(s->rows, &row, error);
        if (st == ROWS_END)
            return finish_read(s, error);
        if (st == ROWS_FAIL)
            return give_up(s, WEIR_FATAL);
        if ((st == ROWS_ROW ? take_row(s, &row) : take_reject(s, &row)) < 0) {
            plug_error(error, 0, "out of memory at row %llu",
                       (unsigned long long)row.line);
            return give_up(s, WEIR_ERROR);
        }
    }
    if (s->writer.has_failed) {
        plug_errno(error, 0, "writing %s: make room; nothing was changed",
                   s->writer.tmp);
        return give_up(s, WEIR_ERROR);
    }
    return WEIR_WAIT;
}

/* ── DELTA ───────────────────────────────────────────────────────────────────────── */

static void set_record(struct weir_record *rec, const struct snapentry *e,
                       const char *op)
{
    rec->key = e->key_len ? e->key : NULL;
    rec->key_len = e->key_len;
    rec->value = e->value;
    rec->value_len = e->value_len;
    rec->op = op;
    rec->position = e->line;
    rec->reject = e->type == SNAP_REJECT ? e->reason : NULL;
    rec->detail = e->detail;
    rec->masked = e->masked;
}

/* An entry of the new file against the old table. */
static const char *change_of(const struct snapshot *s, const struct snapentry *e)
{
    const struct snaprow *r = snaptable_get(&s->old, e->key_hash);
    if (!r)
        return "insert";
    bool is_same = r->row.lo == e->row_hash.lo && r->row.hi == e->row_hash.hi;
    return is_same ? NULL : "update";
}

static enum weir_status begin_old_pass(struct snapshot *s, char *error)
{
    char path[PATH_SIZE];
    snapfile_close(&s->reader);
    s->is_reader_open = false;
    s->state = SNAP_PASS_OLD;
    if (!s->names.prev[0])
        return WEIR_RECORD;
    if (snapfile_open(&s->reader, path_of(s, s->names.prev, path), error) < 0)
        return WEIR_FATAL;
    s->is_reader_open = true;
    return WEIR_RECORD;
}

/* The new snapshot takes the old one's place; when nothing differed it is not needed.
 */
static enum weir_status end_delta(struct snapshot *s)
{
    char path[PATH_SIZE];
    bool was_resumed = s->is_resumed;
    s->is_resumed = false;
    if (s->is_reader_open)
        snapfile_close(&s->reader);
    s->is_reader_open = false;
    drop_tables(s);
    if (s->done == 0 && s->names.prev[0] && strcmp(s->named.next, s->names.next) != 0)
        unlink(path_of(s, s->names.next, path));
    else
        memcpy(s->names.prev, s->names.next, NAME_SIZE);
    s->names.next[0] = 0;
    s->done = s->skip = 0;
    s->state = was_resumed ? SNAP_READ : SNAP_DONE;
    return was_resumed ? WEIR_WAIT : WEIR_END;
}

/* Next change of the delta into *e and *op: WEIR_RECORD, or its end. */
static enum weir_status next_change(struct snapshot *s, struct snapentry *e,
                                    const char **op, char *error)
{
    for (;;) {
        int rc = s->is_reader_open ? snapfile_next(&s->reader, e, error) : 0;
        if (rc < 0)
            return WEIR_FATAL;
        if (rc == 0 && s->state == SNAP_PASS_OLD)
            return end_delta(s);
        if (rc == 0) {
            enum weir_status st = begin_old_pass(s, error);
            if (st != WEIR_RECORD)
                return st;
            continue;
        }
        if (s->state == SNAP_PASS_NEW) {
            if ((*op = change_of(s, e)))
                return WEIR_RECORD;
        } else if (e->type == SNAP_ROW && !snaptable_get(&s->new, e->key_hash)) {
            *op = "delete";
            return WEIR_RECORD;
        }
    }
}

static enum weir_status next_record(struct snapshot *s, struct weir_record *rec,
                                    char *error)
{
    struct snapentry e;
    const char *op = NULL;
    for (;;) {
        enum weir_status st = next_change(s, &e, &op, error);
        if (st != WEIR_RECORD)
            return st;
        if (s->done++ < s->skip)
            continue;
        set_record(rec, &e, op);
        return WEIR_RECORD;
    }
}

/* ── the plugin's calls ──────────────────────────────────────────────────────────── */

enum weir_status snapshot_next(void *self, struct weir_record *rec, char *error)
{
    struct snapshot *s = self;
    rec->event_ms = rec->arrival_ms = WEIR_TIME_UNKNOWN;
    if (s->state == SNAP_DONE)
        return WEIR_END;
    return s->state == SNAP_READ ? read_some(s, error) : next_record(s, rec, error);
}

int snapshot_checkpoint(void *self, char *out, size_t size, char *error)
{
    struct snapshot *s = self;
    bool is_delta = s->state == SNAP_PASS_NEW || s->state == SNAP_PASS_OLD;
    const char *next = is_delta ? s->names.next : "";
    int n =
        snprintf(out, size,
                 "{\"v\":1,\"seq\":%llu,\"prev\":\"%s\",\"next\":\"%s\",\"done\":%llu}",
                 (unsigned long long)s->seq, s->names.prev, next,
                 (unsigned long long)(is_delta ? s->done : 0));
    if (n < 0 || (size_t)n >= size)
        return plug_error(error, WEIR_ERROR, "checkpoint does not fit");
    memcpy(s->named.prev, s->names.prev, NAME_SIZE);
    snprintf(s->named.next, NAME_SIZE, "%s", next);
    return 0;
}

static bool is_needed(const struct snapshot *s, const char *name)
{
    return !strcmp(name, s->named.prev) || !strcmp(name, s->named.next) ||
           !strcmp(name, s->names.prev) || !strcmp(name, s->names.next);
}

/* Remove stored files that neither the last checkpoint nor the work at hand names. */
static void remove_old_files(const struct snapshot *s)
{
    char path[PATH_SIZE];
    DIR *d = opendir(s->host->state_dir);
    struct dirent *de;
    while (d && (de = readdir(d))) {
        if (!strncmp(de->d_name, FILE_PREFIX, strlen(FILE_PREFIX)) &&
            !is_needed(s, de->d_name) && !(s->is_reading && strstr(de->d_name, ".tmp")))
            unlink(path_of(s, de->d_name, path));
    }
    if (d)
        closedir(d);
}

void snapshot_committed(void *self)
{
    remove_old_files(self);
}

void snapshot_close(void *self)
{
    struct snapshot *s = self;
    end_read(s);
    if (s->is_reader_open)
        snapfile_close(&s->reader);
    drop_tables(s);
    free(s->masked);
    free(s->rows);
    free(s);
}

static int read_checkpoint(struct snapshot *s, const char *text, char *error)
{
    struct jsonrow *r = malloc(sizeof(*r));
    if (!r)
        return plug_error(error, WEIR_ERROR, "out of memory");
    jsonrow_init(r);
    bool ok = jsonrow_parse(r, text, strlen(text)) == 0 &&
              jsonrow_i64(r, "v", 0) == 1 &&
              jsonrow_text(r, "prev", s->names.prev, NAME_SIZE) &&
              jsonrow_text(r, "next", s->names.next, NAME_SIZE);
    int64_t seq = ok ? jsonrow_i64(r, "seq", -1) : -1;
    int64_t done = ok ? jsonrow_i64(r, "done", -1) : -1;
    jsonrow_release(r);
    free(r);
    if (seq < 0 || done < 0)
        return plug_error(error, WEIR_FATAL, "checkpoint not understood: %.200s", text);
    s->seq = (uint64_t)seq;
    s->skip = (uint64_t)done;
    s->named = s->names;
    return 0;
}

static bool is_there(const struct snapshot *s, const char *name)
{
    char path[PATH_SIZE];
    return !*name || access(path_of(s, name, path), R_OK) == 0;
}

/* The stored rows are gone: all rows are told anew, which an upsert takes without harm.
 */
static void start_over(struct snapshot *s)
{
    plug_log(
        s->host, WEIR_LOG_WARN,
        "%s: stored snapshot %s%s%s is gone from %s: all rows are sent again, rows "
        "deleted meanwhile are not noticed",
        s->kind->what, s->names.prev, *s->names.next ? " or " : "", s->names.next,
        s->host->state_dir);
    plug_count(s->host, "snapshots_lost", 1);
    s->names = (struct names){{0}, {0}};
    s->skip = 0;
}

static int settle(struct snapshot *s, const char *checkpoint, char *error)
{
    const char *percent = plug_setting(s->host, "refuse_shrink");
    if (!plug_percent(*percent ? percent : "20%", &s->refuse_percent))
        return plug_error(error, WEIR_FATAL,
                          "refuse_shrink: a percentage (20%%) expected, not '%s'",
                          percent);
    if (!s->host->state_dir)
        return plug_error(error, WEIR_FATAL, "the host gives no state folder");
    if (checkpoint && read_checkpoint(s, checkpoint, error) < 0)
        return WEIR_FATAL;
    if (!is_there(s, s->names.prev) || !is_there(s, s->names.next))
        start_over(s);
    remove_old_files(s);
    if (!s->names.next[0])
        return 0;
    s->is_resumed = true;
    return begin_delta(s, error) == WEIR_WAIT ? 0 : WEIR_FATAL;
}

int snapshot_open(const struct snapshot_kind *kind, const struct weir_host *host,
                  const char *checkpoint, void **self, char *error)
{
    struct snapshot *s = calloc(1, sizeof(*s));
    if (!s || !(s->rows = calloc(1, sizeof(*s->rows)))) {
        free(s);
        return plug_error(error, WEIR_ERROR, "out of memory");
    }
    s->kind = kind;
    s->host = host;
    int rc = settle(s, checkpoint, error);
    if (rc < 0)
        snapshot_close(s);
    else
        *self = s;
    return rc;
}

void snapshot_progress(void *self, int64_t *position, int64_t *total)
{
    struct snapshot *s = self;
    *position = *total = 0;
    if (s->is_reading)
        rows_progress(s->rows, position, total);
}

int snapshot_discover(const struct weir_host *host, char *out, size_t size, char *error)
{
    struct rows *r = calloc(1, sizeof(*r));
    const char *path = plug_setting(host, "path"), *key = plug_setting(host, "key");
    int64_t position, total;
    if (!r)
        return plug_error(error, WEIR_ERROR, "out of memory");
    int rc = rows_open(r, path, key, error) < 0 ? WEIR_ERROR : 0;
    if (rc == 0) {
        static const char *const forms[] = {"CSV", "JSON array", "JSON lines"};
        rows_progress(r, &position, &total);
        snprintf(out, size, "%s\t%lld bytes, %s, %zu columns, key %s\n", path,
                 (long long)total, forms[r->form], r->n_columns, key);
        rows_close(r);
    }
    free(r);
    return rc;
}
