/* Broadcast tables (stream_tables.h). In: records of the topics that snapshot sources
 * write, value = JSON object of texts. Out: the JSON to splice in, made once per row
 * and not once per receipt. Called by the worker (apply) and the enrich step
 * (look-ups). */
#include "stream/stream_tables.h"

#include "base/hash.h"
#include "base/log.h"
#include "base/mem.h"

void stream_tables_init(struct stream_tables *t)
{
    *t = (struct stream_tables){0};
    keyed_init(&t->stores, sizeof(struct stream_store));
    keyed_init(&t->products, sizeof(uint32_t));
    keyed_init(&t->members, 1);
    jscan_init(&t->scan);
    buf_init(&t->text, 1 << 20);
}

void stream_tables_release(struct stream_tables *t)
{
    for (uint32_t i = 0; i < t->stores.n; i++)
        mem_free(((struct stream_store *)keyed_value(&t->stores, i))->members);
    keyed_release(&t->stores);
    keyed_release(&t->products);
    keyed_release(&t->members);
    jscan_release(&t->scan);
    buf_release(&t->text);
}

int stream_role_of(const char *name)
{
    if (streq(name, "store"))
        return STREAM_ROLE_STORE;
    return streq(name, "product") ? STREAM_ROLE_PRODUCT : -1;
}

/* "name":VALUE with a comma before it; null when the row has no such member. */
static void add_member(struct stream_tables *t, const char *name, const char *column)
{
    size_t i = jscan_get(&t->scan, 0, column, strlen(column));
    buf_addf(&t->text, ",\"%s\":", name);
    if (!i || t->scan.tok[i].type == JSCAN_NULL) {
        buf_adds(&t->text, "null");
        return;
    }
    bool is_text = t->scan.tok[i].type == JSCAN_STRING;
    struct str raw = jscan_raw(&t->scan, i);
    buf_add(&t->text, raw.p - is_text, raw.n + 2 * is_text);
}

/* Whole number in a column, written as text or as a number; -1 when it is none. */
static int hour_of(const struct stream_tables *t, const char *column)
{
    int64_t v;
    size_t i = jscan_get(&t->scan, 0, column, strlen(column));
    if (!i || !str_to_i64(jscan_raw(&t->scan, i), &v) || v < 0 || v > 24)
        return -1;
    return (int)v;
}

static const struct time_zone *zone_of(const struct stream_tables *t)
{
    char name[64];
    struct err e;
    size_t i = jscan_get(&t->scan, 0, "time_zone", strlen("time_zone"));
    if (!i || t->scan.tok[i].type != JSCAN_STRING || t->scan.tok[i].len >= sizeof name)
        return NULL;
    struct str raw = jscan_raw(&t->scan, i);
    memcpy(name, raw.p, raw.n);
    name[raw.n] = '\0';
    const struct time_zone *zone = time_zone_get(name, &e);
    if (!zone)
        log_warn("stream: stores: %s", e.text);
    return zone;
}

static int apply_store(struct stream_tables *t, struct str key, bool is_delete,
                       struct err *e)
{
    uint32_t i = keyed_add(&t->stores, key, hash_64(key.p, key.n));
    if (i == KEYED_NONE)
        return err_set(e, ERR_NOMEM, "stores: no memory for one more store");
    struct stream_store *s = keyed_value(&t->stores, i);
    mem_free(s->members);
    *s = (struct stream_store){.open_hour = -1, .close_hour = -1};
    if (is_delete)
        return 0;
    buf_reset(&t->text);
    add_member(t, "store_name", "store_name");
    add_member(t, "region", "region");
    add_member(t, "district", "district");
    add_member(t, "store_format", "store_format");
    add_member(t, "store_time_zone", "time_zone");
    int rc = buf_check(&t->text, "stores: one row", e);
    if (rc < 0)
        return rc;
    *s = (struct stream_store){.is_live = true,
                               .n_members = t->text.len,
                               .members = mem_strndup(t->text.data, t->text.len),
                               .zone = zone_of(t),
                               .open_hour = hour_of(t, "open_hour"),
                               .close_hour = hour_of(t, "close_hour")};
    return 0;
}

static int apply_product(struct stream_tables *t, struct str key, bool is_delete,
                         struct err *e)
{
    uint32_t members = 0;
    if (!is_delete) {
        buf_reset(&t->text);
        add_member(t, "department", "department");
        int rc = buf_check(&t->text, "products: one row", e);
        if (rc < 0)
            return rc;
        struct str text = {t->text.data, t->text.len};
        members = keyed_add(&t->members, text, hash_64(text.p, text.n));
        if (members == KEYED_NONE)
            return err_set(e, ERR_NOMEM, "products: no memory for one more category");
        members++;
    }
    uint32_t i = keyed_add(&t->products, key, hash_64(key.p, key.n));
    if (i == KEYED_NONE)
        return err_set(e, ERR_NOMEM, "products: no memory for one more product");
    *(uint32_t *)keyed_value(&t->products, i) = members;
    return 0;
}

static bool is_delete(const struct bus_record *r)
{
    const struct bus_header *op = bus_header(r, "op");
    return op && str_is(op->value, "delete");
}

int stream_tables_apply(struct stream_tables *t, enum stream_role role,
                        const struct bus_record *r, struct err *e)
{
    if (jscan_parse(&t->scan, r->value.p, r->value.n, NULL) < 0 ||
        t->scan.tok[0].type != JSCAN_OBJECT) {
        t->rejected++;
        return 0;
    }
    return role == STREAM_ROLE_STORE ? apply_store(t, r->key, is_delete(r), e)
                                     : apply_product(t, r->key, is_delete(r), e);
}

const struct stream_store *stream_tables_store(const struct stream_tables *t,
                                               struct str id, uint64_t hash)
{
    uint32_t i = keyed_find(&t->stores, id, hash);
    if (i == KEYED_NONE)
        return NULL;
    const struct stream_store *s = keyed_value(&t->stores, i);
    return s->is_live ? s : NULL;
}

struct str stream_tables_product(const struct stream_tables *t, struct str id)
{
    uint32_t i = keyed_find(&t->products, id, hash_64(id.p, id.n));
    if (i == KEYED_NONE)
        return (struct str){0};
    uint32_t members = *(const uint32_t *)keyed_value(&t->products, i);
    return members ? keyed_key(&t->members, members - 1) : (struct str){0};
}
