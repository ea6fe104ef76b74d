/* Grouping by hash; see group_table.h. A row becomes a record: its key, encoded so that
 * equal keys are equal bytes, and the values to add up. Called by wh_groups.c. */
#include "warehouse/group_table.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "base/hash.h"
#include "warehouse/exact.h"
#include "warehouse/group_spill.h"

#define BLOCK_BYTES (256u * 1024)
#define LEVELS      8 /* of lots within lots: the hash has 6 bits for each */
#define RECORD_MAX  ((size_t)2 << 30)

/* Order of the tags is SQLite's order of the types. */
enum tag { TAG_NULL, TAG_INT, TAG_REAL, TAG_TEXT, TAG_BLOB };

struct group {
    uint32_t key_len,
        reals; /* bit i: the i-th key came as a real with an integer in it */
    /* accumulators, then the key */
};

/* The hash stands here: a full table is asked mostly for what it has not, and must
 * answer without reading a group. */
struct slot {
    uint64_t hash;
    struct group *at; /* NULL: free */
};

/* Pieces of the file that make one lot. */
struct lot {
    spill_pieces pieces;
    unsigned level;
};

struct groups {
    char spec[GROUP_COLUMNS_MAX + 1];
    size_t at[GROUP_COLUMNS_MAX]; /* of column i's accumulator in a group */
    size_t key_at;
    size_t memory, used;
    /* the table being filled or handed out */
    struct arena arena;
    struct slot *slots;
    size_t n_slots, n;
    bool is_full;
    unsigned level;
    struct spill_file file;
    struct spill spill;
    VEC(struct lot) lots;
    /* records */
    struct buf record, piece;
    /* handing out */
    bool has_ended;
    size_t next; /* in slots, which are sorted then */
};

static size_t accumulator_bytes(char letter)
{
    switch (letter) {
    case 'n':
    case 'c':
        return sizeof(int64_t);
    case 's':
    case 'a':
        return sizeof(struct exact);
    default:
        return 0;
    }
}

struct groups *groups_new(const char *spec, const char *dir, size_t memory_bytes)
{
    struct groups *g = mem_alloc(sizeof *g);
    str_copy(g->spec, sizeof g->spec, spec);
    g->key_at = sizeof(struct group);
    for (size_t i = 0; g->spec[i]; i++) {
        g->at[i] = g->key_at;
        g->key_at += accumulator_bytes(g->spec[i]);
    }
    g->memory = memory_bytes;
    arena_init(&g->arena, 0);
    buf_init(&g->record, RECORD_MAX);
    buf_init(&g->piece, RECORD_MAX);
    spill_file_init(&g->file, dir);
    spill_init(&g->spill, &g->file);
    return g;
}

void groups_free(struct groups *g)
{
    if (!g)
        return;
    for (size_t i = 0; i < g->lots.n; i++)
        vec_release(&g->lots.v[i].pieces);
    vec_release(&g->lots);
    spill_release(&g->spill);
    spill_file_release(&g->file);
    arena_release(&g->arena);
    mem_free(g->slots);
    buf_release(&g->record);
    buf_release(&g->piece);
    mem_free(g);
}

/* ── records: head, key, values ── */

struct head {
    uint32_t len, key_len, reals; /* len: of the whole record */
};

static void add_tagged(struct buf *b, enum tag tag, const void *p, size_t n)
{
    char c = (char)tag;
    buf_add(b, &c, 1);
    buf_add(b, p, n);
}

/* True when a real with an integer's value was encoded as that integer. */
static bool add_key(struct buf *b, const struct wh_value *v)
{
    bool is_whole =
        v->type == WH_REAL && fabs(v->d) < 9e15 && (double)(int64_t)v->d == v->d;
    int64_t i = is_whole ? (int64_t)v->d : v->i;
    uint32_t n = (uint32_t)v->text.n;
    switch (v->type) {
    case WH_NULL:
        add_tagged(b, TAG_NULL, "", 0);
        break;
    case WH_INT:
        add_tagged(b, TAG_INT, &i, sizeof i);
        break;
    case WH_REAL:
        if (is_whole)
            add_tagged(b, TAG_INT, &i, sizeof i);
        else
            add_tagged(b, TAG_REAL, &v->d, sizeof v->d);
        break;
    case WH_TEXT:
    case WH_BLOB:
        add_tagged(b, v->type == WH_TEXT ? TAG_TEXT : TAG_BLOB, &n, sizeof n);
        buf_add(b, v->text.p, v->text.n);
        break;
    }
    return is_whole;
}

static void add_value(struct buf *b, char letter, const struct wh_value *v)
{
    if (v->type == WH_NULL)
        add_tagged(b, TAG_NULL, "", 0);
    else if (letter == 'c') /* that there is one is all that counts */
        add_tagged(b, TAG_TEXT, "", 0);
    else if (v->type == WH_INT)
        add_tagged(b, TAG_INT, &v->i, sizeof v->i);
    else
        add_tagged(b, TAG_REAL, &v->d, sizeof v->d);
}

static int make_record(struct groups *g, const struct wh_value *values, struct err *e)
{
    struct head head = {0};
    unsigned n_keys = 0;
    const struct wh_value *v = values;
    buf_reset(&g->record);
    buf_add(&g->record, &head, sizeof head);
    for (const char *s = g->spec; *s; v += *s != 'n', s++)
        if (*s == 'k' && add_key(&g->record, v) && n_keys++ < 32)
            head.reals |= 1u << (n_keys - 1);
        else if (*s == 'k')
            n_keys++;
    head.key_len = (uint32_t)(g->record.len - sizeof head);
    v = values;
    for (const char *s = g->spec; *s; v += *s != 'n', s++)
        if (*s != 'k' && *s != 'n')
            add_value(&g->record, *s, v);
    head.len = (uint32_t)g->record.len;
    if (g->record.failed)
        return buf_check(&g->record, "a row to group", e);
    memcpy(g->record.data, &head, sizeof head);
    return 0;
}

/* ── the table ── */

static const char *key_of(const struct groups *g, const struct group *at)
{
    return (const char *)at + g->key_at;
}

static struct slot *find(const struct groups *g, uint64_t hash, const char *key,
                         uint32_t n)
{
    for (size_t i = hash & (g->n_slots - 1);; i = (i + 1) & (g->n_slots - 1)) {
        struct slot *slot = &g->slots[i];
        if (!slot->at || (slot->hash == hash && slot->at->key_len == n &&
                          memcmp(key_of(g, slot->at), key, n) == 0))
            return slot;
    }
}

static int grow(struct groups *g, struct err *e)
{
    size_t n_old = g->n_slots, n = n_old ? n_old * 2 : 1024;
    struct slot *old = g->slots, *fresh = mem_try_alloc(n * sizeof *fresh);
    if (!fresh)
        return err_set(e, ERR_NOMEM, "a table of %zu groups", g->n);
    memset(fresh, 0, n * sizeof *fresh);
    g->slots = fresh;
    g->n_slots = n;
    for (size_t i = 0; i < n_old; i++) {
        const struct group *at = old[i].at;
        if (at)
            *find(g, old[i].hash, key_of(g, at), at->key_len) = old[i];
    }
    mem_free(old);
    return 0;
}

static void accumulate(const struct groups *g, struct group *at, const char *values)
{
    for (size_t i = 0; g->spec[i]; i++) {
        char *slot = (char *)at + g->at[i];
        int64_t *count = (int64_t *)(void *)slot, whole;
        double d;
        if (g->spec[i] == 'k')
            continue;
        if (g->spec[i] == 'n') {
            ++*count;
            continue;
        }
        switch ((enum tag) * values++) {
        case TAG_INT:
            memcpy(&whole, values, sizeof whole);
            exact_add_int((struct exact *)(void *)slot, whole, 1);
            values += sizeof whole;
            break;
        case TAG_REAL:
            memcpy(&d, values, sizeof d);
            exact_add((struct exact *)(void *)slot, d, 1);
            values += sizeof d;
            break;
        case TAG_TEXT:
            ++*count;
            break;
        case TAG_NULL:
        case TAG_BLOB:
            break;
        }
    }
}

/* The record's group; NULL: there is none and no memory for one. */
static int group_for(struct groups *g, uint64_t hash, const struct head *head,
                     const char *key, struct group **out, struct err *e)
{
    if ((g->n + 1) * 3 > g->n_slots * 2 && !g->is_full) {
        int rc = grow(g, e);
        if (rc < 0)
            return rc;
    }
    struct slot *slot = find(g, hash, key, head->key_len);
    *out = slot->at;
    if (slot->at || g->is_full)
        return 0;
    size_t bytes = (g->key_at + head->key_len + 15) & ~(size_t)15;
    *out = arena_alloc(&g->arena, bytes);
    **out = (struct group){head->key_len, head->reals};
    memcpy((char *)*out + g->key_at, key, head->key_len);
    *slot = (struct slot){hash, *out};
    g->n++;
    g->used += bytes + 3 * sizeof *slot;
    g->is_full = g->used > g->memory && g->level < LEVELS;
    return 0;
}

static int add_record(struct groups *g, const char *record, struct err *e)
{
    struct head head;
    struct group *at;
    memcpy(&head, record, sizeof head);
    const char *key = record + sizeof head;
    uint64_t hash = hash_64(key, head.key_len);
    int rc = group_for(g, hash, &head, key, &at, e);
    if (rc < 0)
        return rc;
    if (!at) /* the table uses the low bits, the lots the high ones */
        return spill_add(&g->spill, (unsigned)(hash >> (58 - 6 * g->level)) & 63,
                         record, head.len, e);
    accumulate(g, at, key + head.key_len);
    return 0;
}

int groups_add(struct groups *g, const struct wh_value *values, struct err *e)
{
    int rc = make_record(g, values, e);
    return rc < 0 ? rc : add_record(g, g->record.data, e);
}

/* ── order ── */

static double number_at(const char *key)
{
    int64_t i;
    double d;
    memcpy(&i, key + 1, sizeof i);
    memcpy(&d, key + 1, sizeof d);
    return *key == TAG_INT ? (double)i : d;
}

static int compare_numbers(const char *a, const char *b)
{
    int64_t i, k;
    memcpy(&i, a + 1, sizeof i);
    memcpy(&k, b + 1, sizeof k);
    if (*a == TAG_INT && *b == TAG_INT)
        return (i > k) - (i < k);
    double x = number_at(a), y = number_at(b);
    return (x > y) - (x < y);
}

static size_t key_part_len(const char *key)
{
    uint32_t n = 0;
    if (*key == TAG_NULL)
        return 1;
    if (*key == TAG_INT || *key == TAG_REAL)
        return 9;
    memcpy(&n, key + 1, sizeof n);
    return 5 + (size_t)n;
}

static int compare_parts(const char *a, const char *b)
{
    bool is_number =
        (*a == TAG_INT || *a == TAG_REAL) && (*b == TAG_INT || *b == TAG_REAL);
    if (is_number)
        return compare_numbers(a, b);
    if (*a != *b)
        return *a < *b ? -1 : 1;
    size_t n = key_part_len(a), m = key_part_len(b);
    int order = *a == TAG_NULL ? 0 : memcmp(a + 5, b + 5, (n < m ? n : m) - 5);
    return order ? order : (n > m) - (n < m);
}

static int compare_groups(const void *a, const void *b, void *arg)
{
    const struct groups *g = arg;
    const char *p = key_of(g, ((const struct slot *)a)->at);
    const char *q = key_of(g, ((const struct slot *)b)->at);
    for (const char *s = g->spec; *s; s++) {
        if (*s != 'k')
            continue;
        int order = compare_parts(p, q);
        if (order)
            return order;
        p += key_part_len(p);
        q += key_part_len(q);
    }
    return 0;
}

static void sort_groups(struct groups *g)
{
    size_t n = 0;
    for (size_t i = 0; i < g->n_slots; i++)
        if (g->slots[i].at)
            g->slots[n++] = g->slots[i];
    qsort_r(g->slots, n, sizeof *g->slots, compare_groups, g);
    g->next = 0;
}

/* ── handing out ── */

static struct wh_value key_value(const char *key, bool is_real)
{
    struct wh_value v = {.type = WH_NULL};
    switch ((enum tag) * key) {
    case TAG_INT:
        memcpy(&v.i, key + 1, sizeof v.i);
        v.type = is_real ? WH_REAL : WH_INT;
        v.d = (double)v.i;
        break;
    case TAG_REAL:
        v.type = WH_REAL;
        memcpy(&v.d, key + 1, sizeof v.d);
        break;
    case TAG_TEXT:
    case TAG_BLOB:
        v.type = *key == TAG_TEXT ? WH_TEXT : WH_BLOB;
        v.text = (struct str){key + 5, key_part_len(key) - 5};
        break;
    case TAG_NULL:
        break;
    }
    return v;
}

static struct wh_value sum_value(char letter, const struct exact *x)
{
    struct wh_value v = {.type = WH_NULL};
    if (x->n == 0)
        return v;
    if (letter == 's' && exact_as_int(x, &v.i)) {
        v.type = WH_INT;
        return v;
    }
    v.type = WH_REAL;
    v.d = letter == 's' ? exact_sum(x) : exact_mean(x);
    return v;
}

static void hand_out(const struct groups *g, const struct group *at,
                     struct wh_value *row)
{
    const char *key = key_of(g, at);
    unsigned n_keys = 0;
    for (size_t i = 0; g->spec[i]; i++) {
        const void *slot = (const char *)at + g->at[i];
        if (g->spec[i] == 'k') {
            row[i] = key_value(key, n_keys < 32 && (at->reals >> n_keys & 1));
            key += key_part_len(key);
            n_keys++;
        } else if (g->spec[i] == 'n' || g->spec[i] == 'c') {
            row[i] = (struct wh_value){.type = WH_INT, .i = *(const int64_t *)slot};
        } else {
            row[i] = sum_value(g->spec[i], slot);
        }
    }
}

/* What did not fit becomes lots, and the table is empty again. */
static int end_table(struct groups *g, struct err *e)
{
    int rc = spill_end(&g->spill, e);
    for (size_t i = 0; i < SPILL_WAYS; i++) {
        struct lot lot = {g->spill.ways[i].pieces, g->level + 1};
        if (lot.pieces.n)
            vec_push(&g->lots, lot);
    }
    spill_init(&g->spill, &g->file);
    return rc;
}

static void clear_table(struct groups *g)
{
    arena_clear(&g->arena);
    if (g->slots)
        memset(g->slots, 0, g->n_slots * sizeof *g->slots);
    g->n = g->used = 0;
    g->is_full = false;
}

static int fill_from(struct groups *g, const struct lot *lot, struct err *e)
{
    int rc = 0;
    clear_table(g);
    g->level = lot->level;
    for (size_t i = 0; rc == 0 && i < lot->pieces.n; i++) {
        rc = spill_read(&g->file, &lot->pieces.v[i], &g->piece, e);
        for (size_t at = 0; rc == 0 && at < g->piece.len;) {
            struct head head;
            memcpy(&head, g->piece.data + at, sizeof head);
            rc = add_record(g, g->piece.data + at, e);
            at += head.len;
        }
    }
    return rc;
}

static int next_table(struct groups *g, struct err *e)
{
    int rc = 0;
    if (g->has_ended) {
        struct lot lot = g->lots.v[--g->lots.n];
        rc = fill_from(g, &lot, e);
        vec_release(&lot.pieces);
    }
    g->has_ended = true;
    if (rc == 0)
        rc = end_table(g, e);
    sort_groups(g);
    return rc;
}

int groups_next(struct groups *g, struct wh_value *row, struct err *e)
{
    while (!g->has_ended || g->next == g->n) {
        if (g->has_ended && g->lots.n == 0)
            return 0;
        int rc = next_table(g, e);
        if (rc < 0)
            return rc;
    }
    hand_out(g, g->slots[g->next++].at, row);
    return 1;
}
