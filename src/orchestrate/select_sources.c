/* source_status:fresher: sources with newer rows than at the time of --state, told by
 * the sources.json of both times (dbt source freshness writes it). Called through the
 * table of select_methods.c. */
#include "orchestrate/select.h"

#include "base/json.h"
#include "base/timeutil.h"

/* When the source's newest row was; false: not measured, or it could not be. */
static bool newest_of(const json_t *sources, const char *id, int64_t *ms)
{
    json_t *one;
    size_t i;
    json_array_foreach (json_arr(sources, "results"), i, one) {
        const char *at = json_str(one, "max_loaded_at", NULL);
        if (at && streq(json_str(one, "unique_id", ""), id))
            return time_parse_iso(str_of(at), ms);
    }
    return false;
}

bool select_by_source_status(const struct select *s, const struct graph_node *n,
                             const struct criterion *c)
{
    int64_t now, was;
    if (n->kind != GRAPH_TABLE || !streq(c->value, "fresher") ||
        !newest_of(s->how->sources, n->id, &now))
        return false;
    return !newest_of(s->how->state_sources, n->id, &was) || now > was;
}
