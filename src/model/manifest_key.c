/* A model's primary key as dbt infers it for the manifest: of constraints, else of its
 * unique and not_null tests, else of unique ones alone. In: an item. Called by
 * manifest_node.c. */
#include "model/internal.h"

#include <stdlib.h>

static json_t *of_constraints(const struct item *it)
{
    json_t *one, *column, *list = json_arr(it->meta_patch, "constraints");
    const char *key;
    size_t i;
    json_array_foreach (list, i, one)
        if (streq(json_str(one, "type", ""), "primary_key"))
            return json_incref(json_arr(one, "columns"));
    json_object_foreach (it->columns, key, column)
        json_array_foreach (json_arr(column, "constraints"), i, one)
            if (streq(json_str(one, "type", ""), "primary_key"))
                return json_pack("[s]", key);
    return NULL;
}

static bool has_text(const json_t *list, const char *text)
{
    json_t *one;
    size_t i;
    json_array_foreach (list, i, one)
        if (json_is_string(one) && streq(json_string_value(one), text))
            return true;
    return false;
}

static void add_text(json_t *list, const char *text)
{
    if (!has_text(list, text))
        json_array_append_new(list, json_string(text));
}

/* The columns a test is about, into the list that its kind belongs to. */
static void note_test(const struct item *t, json_t *unique, json_t *not_null)
{
    json_t *list = json_arr(t->test_kwargs, "combination_of_columns"), *one;
    const char *column = json_str(t->test_kwargs, "column_name", NULL);
    bool is_unique = streq(t->test_name, "unique") ||
                     streq(t->test_name, "unique_combination_of_columns");
    json_t *into = is_unique                         ? unique
                   : streq(t->test_name, "not_null") ? not_null
                                                     : NULL;
    size_t i;
    if (!into)
        return;
    if (column)
        add_text(into, column);
    else
        json_array_foreach (list, i, one)
            if (json_is_string(one))
                add_text(into, json_string_value(one));
}

static int by_text(const void *a, const void *b)
{
    return strcmp(json_string_value(*(json_t *const *)a),
                  json_string_value(*(json_t *const *)b));
}

/* dbt lists the columns by name. Takes list over. */
static json_t *sorted(json_t *list)
{
    json_t *out = json_array(), *one;
    VEC(json_t *) texts = {0};
    size_t i;
    json_array_foreach (list, i, one)
        if (json_is_string(one))
            vec_push(&texts, one);
    if (texts.n)
        qsort(texts.v, texts.n, sizeof *texts.v, by_text);
    for (i = 0; i < texts.n; i++)
        json_array_append(out, texts.v[i]);
    vec_release(&texts);
    json_decref(list);
    return out;
}

json_t *manifest_primary_key(struct project *p, struct item *it)
{
    json_t *key = of_constraints(it), *one;
    size_t i;
    if (key)
        return sorted(key);
    json_t *unique = json_array(), *off = json_array(), *not_null = json_array();
    for (i = 0; i < it->declared_tests.n; i++) {
        const struct item *t = it->declared_tests.v[i];
        note_test(t, t->pub.is_enabled ? unique : off, not_null);
    }
    (void)p;
    key = json_array();
    json_array_foreach (not_null, i, one)
        if (has_text(unique, json_string_value(one)) ||
            has_text(off, json_string_value(one)))
            json_array_append(key, one);
    if (json_array_size(key) == 0)
        json_array_extend(key, json_array_size(unique) ? unique : off);
    json_decref(unique);
    json_decref(off);
    json_decref(not_null);
    return sorted(key);
}
