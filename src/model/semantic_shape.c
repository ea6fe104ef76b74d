/* Shapes of the semantic layer's parts: every field that dbt's manifest has, in its
 * order. In: parts as written. Out: parts with all fields. Called by semantic.c. */
#include "model/semantic_shape.h"

#include <stdio.h>
#include <string.h>
#include "base/json.h"

/* What each thing has, in dbt's order, with what stands there when it is not written.
 */
#define LABELS "\"description\":null,\"label\":null,"
const char semantic_entity[] = "{\"name\":null,\"type\":null," LABELS
                               "\"role\":null,\"expr\":null,\"config\":null}";
const char semantic_measure[] =
    "{\"name\":null,\"agg\":null," LABELS "\"create_metric\":false,\"expr\":null,"
    "\"agg_params\":null,\"non_additive_dimension\":null,\"agg_time_dimension\":null,"
    "\"config\":null}";
const char semantic_dimension[] = "{\"name\":null,\"type\":null," LABELS
                                  "\"is_partition\":false,\"type_params\":null,"
                                  "\"expr\":null,\"metadata\":null,\"config\":null}";
const char semantic_input_measure[] =
    "{\"name\":null,\"filter\":null,\"alias\":null,\"join_to_timespine\":false,"
    "\"fill_nulls_with\":null}";
const char semantic_input_metric[] =
    "{\"name\":null,\"filter\":null,\"alias\":null,\"offset_window\":null,"
    "\"offset_to_grain\":null}";
const char semantic_type_params[] =
    "{\"measure\":null,\"input_measures\":[],\"numerator\":null,\"denominator\":null,"
    "\"expr\":null,\"window\":null,\"grain_to_date\":null,\"metrics\":[],"
    "\"conversion_type_params\":null,\"cumulative_type_params\":null,"
    "\"metric_aggregation_params\":null}";
const char semantic_query[] = "{\"metrics\":[],\"group_by\":[],\"where\":null,"
                              "\"order_by\":[],\"limit\":null}";

json_t *semantic_shaped(const char *shape, const json_t *from)
{
    json_t *o = NULL, *v;
    const char *key;
    void *tmp;
    json_load_text(shape, strlen(shape), &o, NULL);
    json_object_foreach_safe(o, tmp, key, v)
    {
        json_t *given = json_object_get(from, key);
        if (given && !json_is_null(given))
            json_object_set_new(o, key, json_deep_copy(given));
    }
    return o;
}

/* A list of mappings, or of names alone. */
json_t *semantic_list(const char *shape, const json_t *list)
{
    json_t *out = json_array(), *one;
    size_t i;
    json_array_foreach (list, i, one) {
        json_t *named =
            json_is_string(one) ? json_pack("{s:O}", "name", one) : json_incref(one);
        json_array_append_new(out, semantic_shaped(shape, named));
        json_decref(named);
    }
    return out;
}

/* A filter: text or texts → {"where_filters": […]}. */
json_t *semantic_filter(const json_t *v)
{
    json_t *list = json_array(), *one;
    size_t i;
    if (!v || json_is_null(v)) {
        json_decref(list);
        return json_null();
    }
    if (json_is_string(v))
        json_array_append_new(list, json_pack("{s:O}", "where_sql_template", v));
    json_array_foreach (v, i, one)
        json_array_append_new(list, json_pack("{s:O}", "where_sql_template", one));
    return json_pack("{s:o}", "where_filters", list);
}

void semantic_filters(json_t *list)
{
    size_t i;
    json_t *one;
    json_array_foreach (list, i, one)
        json_put(one, "filter", semantic_filter(json_object_get(one, "filter")));
}

/* "1 day" → {"count": 1, "granularity": "day"}. */
void semantic_window(json_t *o, const char *key)
{
    const char *text = json_str(o, key, NULL);
    long long count;
    char grain[32];
    if (text && sscanf(text, "%lld %31s", &count, grain) == 2) {
        size_t n = strlen(grain);
        if (n > 1 && grain[n - 1] == 's')
            grain[n - 1] = '\0';
        json_put(
            o, key,
            json_pack("{s:I, s:s}", "count", (json_int_t)count, "granularity", grain));
    }
}
