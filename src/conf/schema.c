/* conf_schema: the JSON Schema (2020-12) of weir.yml, made from the rows, for editors
 * that complete and check YAML by a schema. */
#include "conf/conf.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/str.h"
#include "conf/rows.h"

static json_t *type_of(const char *name)
{
    json_t *v = json_object();
    json_put_str(v, "type", name);
    return v;
}

static json_t *pattern(const char *regex)
{
    json_t *v = type_of("string");
    json_put_str(v, "pattern", regex);
    return v;
}

static json_t *choices_of(const struct conf_row *r)
{
    json_t *list = json_array();
    for (const char *p = r->choices; p && *p;) {
        size_t n = strcspn(p, "|");
        json_array_append_new(list, json_stringn(p, n));
        p += n + (p[n] == '|');
    }
    json_t *v = json_object();
    json_put(v, "enum", list);
    return v;
}

static json_t *list_of(json_t *item)
{
    json_t *v = type_of("array");
    json_put(v, "items", item);
    return v;
}

static json_t *number_of(const struct conf_row *r, const char *type)
{
    json_t *v = type_of(type);
    json_put_i64(v, "minimum", r->least);
    if (r->most)
        json_put_i64(v, "maximum", r->most);
    return v;
}

#define DURATION_REGEX "^[0-9]+(ms|s|m|h|d|w)$"
#define BYTES_REGEX    "^[0-9]+ ?(B|[KMGT]i?B)$"

static json_t *value_schema(const struct conf_row *r)
{
    static const char *const patterns[] = {
        [CONF_TYPE_RELATION] = "^[A-Za-z0-9_]+\\.[A-Za-z0-9_]+$",
        [CONF_TYPE_DURATION] = DURATION_REGEX,
        [CONF_TYPE_RETENTION] = "^([0-9]+(ms|s|m|h|d|w)|forever)$",
        [CONF_TYPE_BYTES] = BYTES_REGEX,
        [CONF_TYPE_SIZE] = "^([0-9]+ ?(B|[KMGT]i?B)|unlimited)$",
        [CONF_TYPE_RATE] = "^[0-9]+/([0-9]+)?(ms|s|sec|m|min|h|hour|d|day|w)$",
    };
    if (r->type < sizeof patterns / sizeof *patterns && patterns[r->type])
        return pattern(patterns[r->type]);
    if (r->type == CONF_TYPE_ENUM || r->type == CONF_TYPE_CHOICE)
        return choices_of(r);
    if (r->type == CONF_TYPE_STEPS)
        return list_of(choices_of(r));
    if (r->type == CONF_TYPE_LIST || r->type == CONF_TYPE_SERVERS)
        return list_of(type_of("string"));
    if (r->type == CONF_TYPE_DURATIONS)
        return list_of(pattern(DURATION_REGEX));
    if (r->type == CONF_TYPE_INT || r->type == CONF_TYPE_INT64)
        return number_of(r, "integer");
    if (r->type == CONF_TYPE_NUMBER)
        return number_of(r, "number");
    if (r->type == CONF_TYPE_MONEY)
        return type_of("number");
    if (r->type == CONF_TYPE_FLAG)
        return type_of("boolean");
    if (r->type == CONF_TYPE_TABLES || r->type == CONF_TYPE_PAIRS ||
        r->type == CONF_TYPE_PROPERTIES)
        return type_of("object");
    return type_of("string");
}

/* A value, or a reference to the environment or a file in its place. */
static json_t *row_schema(const struct conf_row *r)
{
    json_t *any = json_array(), *v = json_object();
    json_array_append_new(any, value_schema(r));
    json_array_append_new(any, pattern("\\$\\{[A-Za-z0-9_]+(:-[^}]*)?\\}"));
    json_t *reference = type_of("object"), *members = json_object();
    json_put(members, "env", type_of("string"));
    json_put(members, "file", type_of("string"));
    json_put(reference, "properties", members);
    json_put_i64(reference, "minProperties", 1);
    json_put_i64(reference, "maxProperties", 1);
    json_put_flag(reference, "additionalProperties", false);
    json_array_append_new(any, reference);
    json_put_str(v, "description", r->doc);
    if (r->standard && *r->standard)
        json_put_str(v, "default", r->standard);
    json_put(v, "anyOf", any);
    return v;
}

static json_t *section_schema(enum conf_section_id id)
{
    json_t *v = type_of("object"), *members = json_object(), *required = json_array();
    for (size_t i = 0; i < conf_n_rows; i++) {
        if (conf_rows[i].section != id)
            continue;
        json_put(members, conf_rows[i].name, row_schema(&conf_rows[i]));
        if (!conf_rows[i].standard)
            json_array_append_new(required, json_string(conf_rows[i].name));
    }
    for (size_t i = 1; i < CONF_N_SECTIONS; i++) {
        const struct conf_section *s = &conf_sections[i];
        if (s->parent != id)
            continue;
        json_t *sub = section_schema(s->id);
        if (s->is_many) {
            json_t *many = type_of("object");
            json_put(many, "additionalProperties", sub);
            json_put_str(many, "description", s->doc);
            sub = many;
        }
        json_put(members, s->key, sub);
    }
    json_put_str(v, "description", conf_sections[id].doc);
    json_put(v, "properties", members);
    json_put_flag(v, "additionalProperties", id == CONF_SOURCE);
    if (json_array_size(required))
        json_put(v, "required", required);
    else
        json_decref(required);
    return v;
}

int conf_schema(struct buf *out, struct err *e)
{
    json_t *v = json_object();
    json_put_str(v, "$schema", "https://json-schema.org/draft/2020-12/schema");
    json_put_str(v, "title", "weir.yml");
    json_t *root = section_schema(CONF_ROOT);
    json_object_update(v, root);
    json_decref(root);
    int rc = json_dump_buf(v, JSON_INDENT(1), out, e);
    json_decref(v);
    buf_addc(out, '\n');
    return rc < 0 ? rc : buf_check(out, "schema", e);
}
