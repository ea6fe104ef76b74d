/* The tables of sections and settings, and what can be asked of them. Called by the
 * loader, conf show, the schema and the manual page. Constant data. */
#include "conf/rows.h"

#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "conf/conf.h"

const struct conf_section conf_sections[CONF_N_SECTIONS] = {
#define CONF_ONE(id, parent, key, type, doc)                                           \
    [CONF_##                                                                           \
        id] = {CONF_##id, CONF_##parent, key, doc, false, sizeof(struct type), 0, 0},
#define CONF_MANY(id, parent, key, type, field, n_field, doc)                          \
    [CONF_##id] = {CONF_##id,                                                          \
                   CONF_##parent,                                                      \
                   key,                                                                \
                   doc,                                                                \
                   true,                                                               \
                   sizeof(struct type),                                                \
                   offsetof(struct platform, field),                                   \
                   offsetof(struct platform, n_field)},
#include "conf/conf_sections.list"
#undef CONF_ONE
#undef CONF_MANY
};

const struct conf_row conf_rows[] = {
#define X(section, strct, field, name, type, least, most, choices, standard, doc)      \
    {CONF_##section,                                                                   \
     offsetof(struct strct, field),                                                    \
     name,                                                                             \
     CONF_TYPE_##type,                                                                 \
     least,                                                                            \
     most,                                                                             \
     choices,                                                                          \
     standard,                                                                         \
     doc},
#include "conf/conf_rows.list"
#undef X
};
const size_t conf_n_rows = sizeof conf_rows / sizeof *conf_rows;

const char *conf_type_name(enum conf_type t)
{
    static const char *const names[] = {
#define X(name, text, form) text,
        CONF_TYPE_MAP(X)
#undef X
    };
    return names[t];
}

const char *conf_type_form(enum conf_type t)
{
    static const char *const forms[] = {
#define X(name, text, form) form,
        CONF_TYPE_MAP(X)
#undef X
    };
    return forms[t];
}

const struct conf_row *conf_row_find(enum conf_section_id section, const char *name)
{
    for (size_t i = 0; i < conf_n_rows; i++)
        if (conf_rows[i].section == section && streq(conf_rows[i].name, name))
            return &conf_rows[i];
    return NULL;
}

const struct conf_section *conf_section_find(enum conf_section_id parent,
                                             const char *key)
{
    for (size_t i = 1; i < CONF_N_SECTIONS; i++)
        if (conf_sections[i].parent == parent && streq(conf_sections[i].key, key))
            return &conf_sections[i];
    return NULL;
}

const char *conf_row_nearest(enum conf_section_id section, const char *name)
{
    const char *names[CONF_N_SECTIONS + 128];
    size_t n = 0;
    for (size_t i = 0; i < conf_n_rows && n < 128; i++)
        if (conf_rows[i].section == section)
            names[n++] = conf_rows[i].name;
    for (size_t i = 1; i < CONF_N_SECTIONS; i++)
        if (conf_sections[i].parent == section)
            names[n++] = conf_sections[i].key;
    return str_nearest(name, names, n);
}

struct unit {
    const char *name;
    int64_t size;
};
static const struct unit time_units[] = {{"w", 604800000}, {"d", 86400000},
                                         {"h", 3600000},   {"m", 60000},
                                         {"s", 1000},      {"ms", 1}};
static const struct unit byte_units[] = {
    {"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}, {"B", 1}};

static void scaled(int64_t v, const struct unit *units, size_t n, char *out,
                   size_t size)
{
    size_t i = 0;
    while (i < n - 1 && v % units[i].size != 0)
        i++;
    if (!v)
        i = n - 2; /* 0s, 0KiB */
    snprintf(out, size, "%lld%s", (long long)(v / units[i].size), units[i].name);
}

static bool is_bytes(enum conf_type t)
{
    return t == CONF_TYPE_BYTES || t == CONF_TYPE_SIZE;
}

static bool is_time(enum conf_type t)
{
    return t == CONF_TYPE_DURATION || t == CONF_TYPE_DURATIONS ||
           t == CONF_TYPE_RETENTION;
}

const char *conf_row_number(const struct conf_row *r, int64_t n, char *out, size_t size)
{
    if (is_time(r->type))
        scaled(n, time_units, 6, out, size);
    else if (is_bytes(r->type))
        scaled(n, byte_units, 4, out, size);
    else if (r->type == CONF_TYPE_MONEY)
        snprintf(out, size, "%lld.%02lld", (long long)(n / 100), (long long)(n % 100));
    else
        snprintf(out, size, "%lld", (long long)n);
    return out;
}

static bool is_counted(enum conf_type t)
{
    return t == CONF_TYPE_INT || t == CONF_TYPE_INT64 || t == CONF_TYPE_NUMBER ||
           t == CONF_TYPE_MONEY || is_time(t) || is_bytes(t);
}

const char *conf_row_range(const struct conf_row *r, char *out, size_t size)
{
    char least[32], most[32];
    out[0] = '\0';
    if (!is_counted(r->type))
        return out;
    conf_row_number(r, r->least, least, sizeof least);
    conf_row_number(r, r->most, most, sizeof most);
    if (r->most)
        snprintf(out, size, "%s to %s", least, most);
    else if (r->least)
        snprintf(out, size, "at least %s", least);
    return out;
}

const char *conf_section_path(enum conf_section_id id, char *out, size_t size)
{
    const struct conf_section *s = &conf_sections[id];
    out[0] = '\0';
    if (id == CONF_ROOT)
        return out;
    char parent[128];
    conf_section_path(s->parent, parent, sizeof parent);
    snprintf(out, size, "%s%s%s%s", parent, *parent ? "." : "", s->key,
             s->is_many ? ".NAME" : "");
    return out;
}
