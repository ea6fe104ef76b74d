/* Step enrich: looks up the receipt's store and its items' products in the broadcast
 * tables, and the hour on the store's wall. In: accepted receipts. Out: the event's
 * store, item_members and local_hour; what is unknown becomes null and is counted,
 * never a reason to reject. An item gets its department and nothing else: at ten items
 * a receipt each further member would be a tenth of everything that is stored. No
 * state.
 */
#include "base/mem.h"
#include "stream/stream_step.h"

static const struct str unknown_item = {",\"department\":null", 18};

static bool members_reserve(struct stream_job *job, size_t n)
{
    if (n <= job->cap_item_members)
        return true;
    size_t cap = n + n / 2 + 16;
    struct str *grown = mem_try_realloc(job->item_members, cap * sizeof *grown);
    if (!grown)
        return false;
    job->item_members = grown;
    job->cap_item_members = cap;
    return true;
}

static int enrich_on_record(void *state, struct stream_context *c,
                            struct stream_event *ev)
{
    struct stream_job *job = c->job;
    (void)state;
    if (!members_reserve(job, ev->n_items))
        return err_set(c->e, ERR_NOMEM, "enrich: no memory for %zu items", ev->n_items);
    for (size_t i = 0; i < ev->n_items; i++) {
        struct str members =
            stream_tables_product(&job->tables, ev->items[i].product_id);
        job->item_members[i] = members.p ? members : unknown_item;
        ev->unknown_products += !members.p;
    }
    ev->item_members = job->item_members;
    ev->store = stream_tables_store(&job->tables, ev->store_id.text, ev->store_hash);
    if (ev->store && ev->store->zone)
        ev->local_hour = time_zone_hour(ev->store->zone, ev->event_ms);
    c->counters->unknown_store += !ev->store;
    c->counters->unknown_product += ev->unknown_products > 0;
    return STREAM_PASS;
}

const struct stream_step stream_enrich = {.name = "enrich",
                                          .on_record = enrich_on_record};
