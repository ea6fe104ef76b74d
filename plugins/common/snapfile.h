/* The stored form of a snapshot: all its rows and rejects in one gzip file, and a table
 * of key hashes in memory. */
#ifndef PLUGINS_COMMON_SNAPFILE_H
#define PLUGINS_COMMON_SNAPFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <zlib.h>

struct snaphash {
    uint64_t lo, hi;
};
struct snaphash snaphash_of(const char *p, size_t n);

struct snapentry {
    enum { SNAP_ROW = 'R', SNAP_REJECT = 'X', SNAP_END = 'E' } type;
    uint32_t line, masked;
    const char *key, *value, *reason, *detail; /* the last two NUL-terminated */
    size_t key_len, value_len;
    struct snaphash key_hash, row_hash;
};

/* ── the file ── */
struct snapfile {
    gzFile gz;
    char *path, *tmp; /* tmp: NULL when reading */
    bool has_failed;
    char *buf; /* the entry read last */
    size_t cap;
    uint64_t n_rows; /* written, or of the end mark */
};
int snapfile_create(struct snapfile *f, const char *path, char *error);
/* Fails at snapfile_finish at the latest. */
void snapfile_add(struct snapfile *f, const struct snapentry *e);
/* End mark, fsync, rename, fsync of the folder. 0 or -1: the path is as it was. */
int snapfile_finish(struct snapfile *f, char *error);
int snapfile_open(struct snapfile *f, const char *path, char *error);
/* 1 an entry, valid until the next call; 0 behind the end mark; -1. */
int snapfile_next(struct snapfile *f, struct snapentry *e, char *error);
void snapfile_close(struct snapfile *f); /* an unfinished file is removed */

/* ── the table: key hash → row hash ── */
struct snaprow {
    struct snaphash key, row;
    uint32_t line;
    bool is_used, is_row; /* is_row false: the key was seen in a reject only */
};
struct snaptable {
    struct snaprow *slots;
    size_t n_slots, n, n_rows;
};
void snaptable_release(struct snaptable *t);
struct snaprow *snaptable_get(const struct snaptable *t, struct snaphash key);
/* The row of the key, new or not (is_new); NULL out of memory. */
struct snaprow *snaptable_put(struct snaptable *t, struct snaphash key, bool *is_new);
/* All entries of a file. */
int snaptable_load(struct snaptable *t, const char *path, char *error);

#endif
