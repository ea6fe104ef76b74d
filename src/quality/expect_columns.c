/* The columns of the relation: their number, names and order. No scan is needed. */
#include "quality/expectation.h"

#include "base/str.h"

int exp_columns_plan(struct check *k, struct err *e)
{
    (void)k, (void)e;
    return 0;
}

static void observe(struct check *k, json_t *v)
{
    k->result = json_pack("{s:o}", "observed_value", v);
}

static int position(const json_t *list, const char *name)
{
    const json_t *c;
    size_t i;
    json_array_foreach (list, i, c)
        if (json_is_string(c) && strcasecmp(json_string_value(c), name) == 0)
            return (int)i;
    return -1;
}

int exp_column_count_equal_judge(struct check *k, struct err *e)
{
    const json_t *v = check_arg(k, "value");
    if (!json_is_integer(v))
        return err_set(e, ERR_CONFIG, "needs value, a whole number");
    observe(k, json_integer((json_int_t)json_array_size(k->columns)));
    k->is_success = (json_int_t)json_array_size(k->columns) == json_integer_value(v);
    return 0;
}

int exp_column_count_judge(struct check *k, struct err *e)
{
    int rc = bounds_required(k, e);
    if (rc < 0)
        return rc;
    observe(k, json_integer((json_int_t)json_array_size(k->columns)));
    if ((rc = bounds_hold(json_object_get(k->result, "observed_value"), k, e)) < 0)
        return rc;
    k->is_success = rc == 1;
    return 0;
}

int exp_column_exists_judge(struct check *k, struct err *e)
{
    const json_t *name = check_arg(k, "column"), *index = check_arg(k, "column_index");
    if (!json_is_string(name))
        return err_set(e, ERR_CONFIG, "needs column, a name");
    int at = position(k->columns, json_string_value(name));
    k->is_success =
        at >= 0 && (!json_is_integer(index) || json_integer_value(index) == at);
    k->result = json_object();
    return 0;
}

static int wanted(const struct check *k, const char *arg, const json_t **out,
                  struct err *e)
{
    *out = check_arg(k, arg);
    if (!*out)
        *out = check_arg(k, "column_list");
    return json_is_array(*out) ? 0 : err_set(e, ERR_CONFIG, "needs %s, a list", arg);
}

int exp_ordered_judge(struct check *k, struct err *e)
{
    const json_t *list;
    int rc = wanted(k, "column_list", &list, e);
    if (rc < 0)
        return rc;
    size_t n = json_array_size(list);
    k->is_success = n == json_array_size(k->columns);
    for (size_t i = 0; k->is_success && i < n; i++) {
        const json_t *c = json_array_get(list, i);
        k->is_success =
            json_is_string(c) && position(k->columns, json_string_value(c)) == (int)i;
    }
    observe(k, json_deep_copy(k->columns));
    return 0;
}

int exp_set_judge(struct check *k, struct err *e)
{
    const json_t *list, *c;
    size_t i;
    int rc = wanted(k, "column_set", &list, e);
    if (rc < 0)
        return rc;
    bool is_exact = check_flag(k, "exact_match", true);
    json_t *missing = json_array(), *more = json_array();
    json_array_foreach (list, i, c)
        if (!json_is_string(c) || position(k->columns, json_string_value(c)) < 0)
            json_array_append(missing, (json_t *)(uintptr_t)c);
    json_array_foreach (k->columns, i, c)
        if (position(list, json_string_value(c)) < 0)
            json_array_append(more, (json_t *)(uintptr_t)c);
    k->is_success = !json_array_size(missing) && (!is_exact || !json_array_size(more));
    k->result = json_pack("{s:O, s:{s:o, s:o}}", "observed_value", k->columns,
                          "details", "missing", missing, "unexpected", more);
    return 0;
}
