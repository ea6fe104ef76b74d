/* What an earlier parse left in TARGET/partial_parse.weir: the text of every file and
 * what its YAML says, so that a file that did not change need not be opened; and what
 * rendering a node's template showed (trace.c). Everything else is made anew each time,
 * so a project read with the cache is the project read without it.
 *
 * Always holds: a file is taken from the cache when its size, times and inode are those
 * of when it was read, and were old enough then to be trusted (as git does it); else
 * its content decides. A cache of another weir, cut off or damaged is as if there were
 * none. It is written aside and renamed: two weirs at once, or a kill, leave a whole
 * one. */
#ifndef MODEL_CACHE_H
#define MODEL_CACHE_H

#include "base/hash.h"
#include "model/internal.h"

/* A file as it was read. */
struct cached_file {
    const char *path;
    int64_t mtime_ns, ctime_ns, size, read_ns;
    uint64_t inode;
    struct hash128 hash; /* of the content */
    uint8_t kind;        /* enum cached_kind */
    const char *sum;     /* dbt's checksum of a text */
    const char *data;    /* a text, NUL-terminated; packed JSON */
    size_t n;
    bool is_used;
};
enum cached_kind { CACHED_TEXT, CACHED_YAML, CACHED_SUM };

/* A node as it was rendered, and where it stands in the manifest. */
struct cached_node {
    const char *id;
    struct hash128 key; /* of all that the rendering saw */
    const char *trace;  /* packed; NULL: it must be rendered */
    size_t n_trace;
    size_t at, n; /* its bytes in manifest.json; n 0: not there */
    bool is_used;
    bool is_fresh; /* its trace is of this load */
};

struct cached_env {
    const char *name, *value; /* NULL: not set */
};

struct cached_manifest {
    int64_t mtime_ns, size;
    uint64_t inode, salt;
    uint64_t n_items; /* with the disabled ones */
};

struct cache {
    struct buf text; /* of the file; what was read from it points there */
    struct arena mem;
    VEC(struct cached_file) files;
    VEC(struct cached_node) nodes;
    VEC(struct cached_env) envs;
    struct map file_at, node_at; /* path, unique id → index + 1 */
    struct cached_manifest manifest;
    uint64_t salt;     /* of the traces */
    uint64_t old_salt; /* as it was when the nodes were written */
    uint64_t others;   /* of every file that is not a node's text */
    bool is_salting;   /* what is read now decides how templates are rendered */
    bool is_dirty;     /* something is not as in the file */
};

/* The cache of the project's target folder, empty when there is none to be used. */
struct cache *cache_open(struct project *p);
void cache_close(struct cache *c);
/* Writes what this load used, if it is not what the file has. Failing is no error: the
 * next load reads the files. */
void cache_save(struct project *p);
/* Everything was read that decides how templates are rendered. */
void cache_salt(struct project *p);
/* The nodes that refs may find, too: their ids. */
void cache_salt_ids(struct project *p);
/* An environment variable was read; value NULL: it is not set. */
void cache_note_env(struct project *p, const char *name, const char *value);

/* A file's text, YAML value or checksum, from the cache or from the disk (files.c). */
struct cached_file *cache_file(struct cache *c, const char *path);
struct cached_file *cache_add_file(struct cache *c, const struct cached_file *f);
struct cached_node *cache_node(struct cache *c, const char *id);
struct cached_node *cache_add_node(struct cache *c, const char *id);

/* ── cache_pack.c ── numbers and texts one after the other */
struct unpack {
    const char *at, *end;
    bool is_bad; /* what was read was not there */
};
void pack_number(struct buf *b, uint64_t v);
void pack_text(struct buf *b, const char *s, size_t n); /* NULL stays NULL */
void pack_hash(struct buf *b, struct hash128 h);
void pack_json(struct buf *b, const json_t *v);
uint64_t unpack_number(struct unpack *u);
/* Borrowed, NUL-terminated. */
const char *unpack_text(struct unpack *u, size_t *n);
struct hash128 unpack_hash(struct unpack *u);
json_t *unpack_json(struct unpack *u); /* NULL and is_bad when damaged */

/* ── trace.c ── */
/* Gives the item what its rendering showed last time, if it would show it again. */
bool trace_replay(struct project *p, struct item *it);
/* Keeps what the rendering that just ended showed. */
void trace_keep(struct project *p, const struct item *it);

#endif
