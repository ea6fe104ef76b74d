/* selectors.yml: selections with names. In: the file's list and a name. Out: the set.
 * Called by select.c for --selector, `selector:NAME` and the default. The rules are
 * dbt-core 1.11's (graph/cli.py): strings, {METHOD: VALUE}, {method, value, …}, union,
 * intersection, exclude. Always holds: a selector only uses ones above it, so that none
 * can use itself. */
#include "orchestrate/select.h"

#include <stdio.h>
#include <unistd.h>

#include "base/json.h"
#include "base/str.h"
#include "model/yaml.h"

#define DEPTH_MAX 50

struct reader {
    struct select *s;
    const char *name; /* of the selector, for errors */
    size_t before;    /* selectors it may use: those above it */
    int depth;
};

static int read_definition(struct reader *r, const json_t *def, struct sets *out);

static int wrong(const struct reader *r, const char *what)
{
    return err_set(r->s->e, ERR_CONFIG, "selectors.yml: selector \"%.100s\": %s",
                   r->name, what);
}

static bool is_exclude(const json_t *v)
{
    return json_is_object(v) && json_object_get(v, "exclude") &&
           json_object_size(v) == 1;
}

/* Takes what an exclude list names out of the set. */
static int read_exclude(struct reader *r, const json_t *list, struct sets *out)
{
    struct sets all = sets_new(r->s->g);
    const json_t *one;
    size_t i;
    int rc = json_is_array(list) ? 0 : wrong(r, "exclude: expected a list");
    json_array_foreach (list, i, one) {
        struct sets part = sets_new(r->s->g);
        if (rc == 0)
            rc = read_definition(r, one, &part);
        sets_combine(r->s->g, &all, &part, SET_UNION, false);
        sets_free(&part);
    }
    if (rc == 0)
        sets_combine(r->s->g, out, &all, SET_DIFFERENCE, false);
    sets_free(&all);
    return rc;
}

static int read_list(struct reader *r, const json_t *list, enum set_op op,
                     struct sets *out)
{
    const json_t *one, *exclude = NULL;
    bool is_first = true;
    size_t i;
    if (!json_is_array(list))
        return wrong(r, "union and intersection: expected a list");
    json_array_foreach (list, i, one) {
        struct sets part = sets_new(r->s->g);
        bool is_part = !is_exclude(one);
        int rc = 0;
        if (is_part)
            rc = read_definition(r, one, &part);
        else if (exclude)
            rc = wrong(r, "there are two exclude lists in one union or intersection");
        else
            exclude = json_object_get(one, "exclude");
        if (rc == 0 && is_part) {
            sets_combine(r->s->g, out, &part, op, is_first);
            is_first = false;
        }
        sets_free(&part);
        if (rc < 0)
            return rc;
    }
    sets_adopt(r->s, out);
    return exclude ? read_exclude(r, exclude, out) : 0;
}

/* A value of the file as the command line would give it. */
static bool value_text(const json_t *v, char out[500])
{
    if (json_is_string(v))
        return str_copy(out, 500, json_string_value(v));
    if (json_is_boolean(v))
        return str_copy(out, 500, json_is_true(v) ? "true" : "false");
    if (json_is_integer(v))
        return snprintf(out, 500, "%lld", (long long)json_integer_value(v)) > 0;
    return false;
}

static int read_criterion(struct reader *r, const json_t *def, const char *method,
                          const json_t *value, struct sets *out)
{
    struct criterion c = {.up_depth = SELECT_ALL, .down_depth = SELECT_ALL};
    const char *dot = strchr(method, '.');
    size_t n = dot ? (size_t)(dot - method) : strlen(method);
    char shown[600];
    snprintf(c.method, sizeof c.method, "%.*s", (int)(n < 63 ? n : 63), method);
    str_copy(c.args, sizeof c.args, dot ? dot + 1 : "");
    if (!value_text(value, c.value) || !*c.value)
        return wrong(r, "value: expected a text");
    c.with_up = json_flag(def, "parents", false);
    c.with_down = json_flag(def, "children", false);
    c.with_at = json_flag(def, "childrens_parents", false);
    c.up_depth = (int)json_i64(def, "parents_depth", SELECT_ALL);
    c.down_depth = (int)json_i64(def, "children_depth", SELECT_ALL);
    c.indirect = json_str(def, "indirect_selection", NULL);
    if (c.with_at && c.with_down)
        return wrong(r, "childrens_parents goes with no children");
    snprintf(shown, sizeof shown, "%.99s:%.499s", method, c.value);
    return select_criterion(r->s, shown, &c, out);
}

static int read_mapping(struct reader *r, const json_t *def, struct sets *out)
{
    json_t *map = json_incref((json_t *)(uintptr_t)def);
    const char *method = json_str(def, "method", NULL);
    int rc;
    if (json_object_size(def) == 1) {
        const char *key = json_object_iter_key(json_object_iter(map));
        rc = read_criterion(r, NULL, key, json_object_get(def, key), out);
    } else if (!method || !json_object_get(def, "value")) {
        rc = wrong(r, "expected one METHOD: VALUE, or method and value");
    } else if (streq(method, "selector")) {
        struct select limited = *r->s;
        json_t *above = json_array();
        for (size_t i = 0; i < r->before; i++)
            json_array_append(above, json_array_get(r->s->how->selectors, i));
        struct graph_selection how = *r->s->how;
        how.selectors = above;
        limited.how = &how;
        rc = select_named(&limited, json_str(def, "value", ""), out);
        json_decref(above);
    } else {
        rc = read_criterion(r, def, method, json_object_get(def, "value"), out);
        if (rc == 0 && json_object_get(def, "exclude"))
            rc = read_exclude(r, json_object_get(def, "exclude"), out);
    }
    json_decref(map);
    return rc;
}

static int read_definition(struct reader *r, const json_t *def, struct sets *out)
{
    int rc;
    if (++r->depth > DEPTH_MAX)
        return wrong(r, "nested too deep");
    if (json_is_string(def)) {
        struct criterion c;
        rc = select_parse(r->s, json_string_value(def), &c);
        if (rc == 0)
            rc = select_criterion(r->s, json_string_value(def), &c, out);
    } else if (json_object_get(def, "union")) {
        rc = read_list(r, json_object_get(def, "union"), SET_UNION, out);
    } else if (json_object_get(def, "intersection")) {
        rc = read_list(r, json_object_get(def, "intersection"), SET_INTERSECTION, out);
    } else if (json_is_object(def)) {
        rc = read_mapping(r, def, out);
    } else {
        rc = wrong(r, "expected union, intersection, a text or a mapping");
    }
    r->depth--;
    return rc;
}

int select_named(struct select *s, const char *name, struct sets *out)
{
    const char *names[200];
    size_t i, n = 0;
    json_t *one;
    json_array_foreach (s->how->selectors, i, one) {
        const char *own = json_str(one, "name", "");
        if (streq(own, name)) {
            struct reader r = {.s = s, .name = name, .before = i};
            return read_definition(&r, json_object_get(one, "definition"), out);
        }
        if (n < 200)
            names[n++] = own;
    }
    const char *near = str_nearest(name, names, n);
    return err_set(
        s->e, ERR_USAGE, "there is no selector \"%.100s\" in selectors.yml%s%s%s", name,
        near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
}

const char *select_default(const json_t *selectors)
{
    json_t *one;
    size_t i;
    json_array_foreach (selectors, i, one)
        if (json_flag(one, "default", false))
            return json_str(one, "name", NULL);
    return NULL;
}

int graph_selectors_load(const char *project_dir, json_t **out, struct err *e)
{
    char path[4096];
    json_t *file = NULL;
    *out = NULL;
    snprintf(path, sizeof path, "%.4000s/selectors.yml", project_dir);
    if (access(path, F_OK) != 0)
        return 0;
    int rc = yaml_read_path(path, "selectors.yml", &file, e);
    if (rc == 0 && !json_is_array(json_object_get(file, "selectors")))
        rc = err_set(e, ERR_CONFIG, "selectors.yml: expected a list \"selectors\"");
    else if (rc == 0)
        *out = json_incref(json_object_get(file, "selectors"));
    json_decref(file);
    return rc;
}
