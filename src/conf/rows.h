/* The tables of sections and settings of weir.yml, inside the room conf. */
#ifndef CONF_ROWS_H
#define CONF_ROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum conf_section_id {
#define CONF_ONE(id, parent, key, type, doc)                  CONF_##id,
#define CONF_MANY(id, parent, key, type, field, n_field, doc) CONF_##id,
#include "conf/conf_sections.list"
#undef CONF_ONE
#undef CONF_MANY
    CONF_N_SECTIONS
};

struct conf_section {
    enum conf_section_id id, parent;
    const char *key, *doc;
    bool is_many;
    size_t size;           /* of one entry's struct */
    size_t array_at, n_at; /* is_many: offsets in struct platform */
};
extern const struct conf_section conf_sections[CONF_N_SECTIONS];

/* name, short form for documents, form for messages. Relative paths are relative to the
 * project folder, STATE_PATHs to the state folder; a CHOICE is stored as its index. */
#define CONF_TYPE_MAP(X)                                                               \
    X(TEXT, "text", "a text")                                                          \
    X(SECRET, "secret", "{env: NAME} or {file: PATH}")                                 \
    X(ENUM, "one of", "one of the choices")                                            \
    X(CHOICE, "one of", "one of the choices")                                          \
    X(TIMEZONE, "time zone", "a time zone such as America/New_York")                   \
    X(PATH, "path", "a path")                                                          \
    X(STATE_PATH, "path", "a path")                                                    \
    X(ARRIVAL, "path or auto", "a path, or auto")                                      \
    X(RELATION, "schema.table", "schema.table")                                        \
    X(CRON, "cron expression",                                                         \
      "five fields such as \"5 * * * *\" (minute, hour, day, month, weekday)")         \
    X(INT, "whole number", "a whole number")                                           \
    X(INT64, "whole number", "a whole number")                                         \
    X(NUMBER, "number", "a number")                                                    \
    X(FLAG, "true or false", "true or false")                                          \
    X(DURATION, "duration", "a duration such as 30s, 5m, 1h or 7d")                    \
    X(RETENTION, "duration or forever", "a duration such as 7d, or forever")           \
    X(BYTES, "size", "a size such as 64MiB or 2GiB")                                   \
    X(SIZE, "size or unlimited", "a size such as 2GiB, or unlimited")                  \
    X(MONEY, "amount", "an amount such as 10000.00")                                   \
    X(RATE, "rate", "a rate such as 10/min or 10/30s")                                 \
    X(LIST, "list", "a list")                                                          \
    X(STEPS, "list of", "a list of steps")                                             \
    X(DURATIONS, "list of durations", "a list of durations such as [5m, 1h]")          \
    X(SERVERS, "list of host:port", "a list of host:port")                             \
    X(TABLES, "mapping", "a mapping of role: topic")                                   \
    X(PAIRS, "mapping", "a mapping of name: value")                                    \
    X(PROPERTIES, "mapping", "a mapping of name: value")
enum conf_type {
#define X(name, text, form) CONF_TYPE_##name,
    CONF_TYPE_MAP(X)
#undef X
};

struct conf_row {
    enum conf_section_id section;
    size_t at; /* offset of the field in the section's struct */
    const char *name;
    enum conf_type type;
    int64_t least, most;
    const char *choices;
    const char *standard; /* default as text; "" computed; NULL required */
    const char *doc;
};
extern const struct conf_row conf_rows[];
extern const size_t conf_n_rows;

const char *conf_type_name(enum conf_type t);
const char *conf_type_form(enum conf_type t); /* "a duration such as 30s, …" */
const struct conf_row *conf_row_find(enum conf_section_id section, const char *name);
const struct conf_section *conf_section_find(enum conf_section_id parent,
                                             const char *key);
/* Nearest row or section name to an unknown key, or NULL. */
const char *conf_row_nearest(enum conf_section_id section, const char *name);
/* "1 to 256", "at least 1s", "" — what the row accepts beyond its type; out is filled.
 */
const char *conf_row_range(const struct conf_row *r, char *out, size_t size);
/* "2m" "512MiB" "10000.00": the value n of a row in the form a person writes. */
const char *conf_row_number(const struct conf_row *r, int64_t n, char *out,
                            size_t size);
/* "sources.NAME", "streams.NAME.detect": path of a section. */
const char *conf_section_path(enum conf_section_id id, char *out, size_t size);

#endif
