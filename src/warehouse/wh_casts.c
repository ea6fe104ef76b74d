/* SQLite member: conversions. weir_to_T(x) is what CAST(x AS T) and x::T are translated
 * to under dialect snowflake: a text that is no T is an error that names it;
 * weir_try_to_T gives NULL instead. SQLite's own CAST('2017-01-01' AS DATE) would give
 * 2017. */
#include "warehouse/wh_sqlite.h"

#include <ctype.h>
#include <math.h>
#include <string.h>
#include <strings.h>
#include "base/decimal.h"
#include "base/timeutil.h"

static bool is_try(sqlite3_context *c)
{
    return sqlite3_user_data(c) != NULL;
}

static void refuse(sqlite3_context *c, sqlite3_value *v, const char *what)
{
    if (is_try(c))
        return;
    const char *text = (const char *)sqlite3_value_text(v);
    char *msg = sqlite3_mprintf("'%.60s' is no %s", text ? text : "", what);
    sqlite3_result_error(c, msg ? msg : what, -1);
    sqlite3_free(msg);
}

static struct str trimmed(sqlite3_value *v)
{
    struct str s = {(const char *)sqlite3_value_text(v),
                    (size_t)sqlite3_value_bytes(v)};
    while (s.n && isspace((unsigned char)s.p[0]))
        s.p++, s.n--;
    while (s.n && isspace((unsigned char)s.p[s.n - 1]))
        s.n--;
    return s;
}

/* Number or text with a number; false: neither. */
static bool number_arg(sqlite3_value *v, double *out)
{
    int type = sqlite3_value_type(v);
    if (type == SQLITE_INTEGER || type == SQLITE_FLOAT) {
        *out = sqlite3_value_double(v);
        return true;
    }
    struct str s = trimmed(v);
    return s.n && str_to_double(s, out);
}

static void to_int(sqlite3_context *c, int n, sqlite3_value **v)
{
    double d;
    int64_t i;
    (void)n;
    if (sqlite3_value_type(v[0]) == SQLITE_INTEGER) {
        sqlite3_result_value(c, v[0]);
        return;
    }
    if (sqlite3_value_type(v[0]) == SQLITE_NULL)
        return;
    if (sqlite3_value_type(v[0]) == SQLITE_TEXT && str_to_i64(trimmed(v[0]), &i))
        sqlite3_result_int64(c, i);
    else if (number_arg(v[0], &d) && fabs(d) < 9.2e18)
        sqlite3_result_int64(c, llround(decimal_round(d, 0)));
    else
        refuse(c, v[0], "integer");
}

static void to_double(sqlite3_context *c, int n, sqlite3_value **v)
{
    double d;
    (void)n;
    if (sqlite3_value_type(v[0]) == SQLITE_NULL)
        return;
    if (number_arg(v[0], &d))
        sqlite3_result_double(c, d);
    else
        refuse(c, v[0], "number");
}

static void to_decimal(sqlite3_context *c, int n, sqlite3_value **v)
{
    double d;
    int places = n > 1 ? sqlite3_value_int(v[1]) : 0;
    if (sqlite3_value_type(v[0]) == SQLITE_NULL)
        return;
    if (!number_arg(v[0], &d))
        refuse(c, v[0], "number");
    else
        sqlite3_result_double(c, decimal_round(d, places));
}

static void to_boolean(sqlite3_context *c, int n, sqlite3_value **v)
{
    static const char *const words[] = {"true", "t", "yes", "y", "on", "1"};
    static const char *const opposites[] = {"false", "f", "no", "n", "off", "0"};
    (void)n;
    if (sqlite3_value_type(v[0]) == SQLITE_NULL)
        return;
    if (sqlite3_value_type(v[0]) != SQLITE_TEXT) {
        sqlite3_result_int(c, sqlite3_value_double(v[0]) != 0);
        return;
    }
    const char *p = (const char *)sqlite3_value_text(v[0]);
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (strcasecmp(p, words[i]) && strcasecmp(p, opposites[i]))
            continue;
        sqlite3_result_int(c, strcasecmp(p, words[i]) == 0);
        return;
    }
    refuse(c, v[0], "boolean");
}

static void to_text(sqlite3_context *c, int n, sqlite3_value **v)
{
    (void)n;
    if (sqlite3_value_type(v[0]) == SQLITE_NULL)
        return;
    sqlite3_result_text(c, (const char *)sqlite3_value_text(v[0]), -1,
                        SQLITE_TRANSIENT);
}

/* ── dates ── */

/* "DD/MM/YYYY HH24:MI:SS" against text: digits where the format has letters. */
static bool parse_format(struct str s, const char *f, int64_t *ms)
{
    struct time_civil t = {.year = 1970, .month = 1, .day = 1};
    const struct {
        const char *code;
        size_t digits;
        int *to;
    } codes[] = {{"YYYY", 4, &t.year}, {"MM", 2, &t.month},  {"DD", 2, &t.day},
                 {"HH24", 2, &t.hour}, {"MI", 2, &t.minute}, {"SS", 2, &t.second}};
    size_t at = 0;
    while (*f) {
        size_t k = 0, n = sizeof codes / sizeof *codes;
        while (k < n && strncasecmp(f, codes[k].code, strlen(codes[k].code)))
            k++;
        if (k == n) {
            if (at >= s.n || s.p[at++] != *f++)
                return false;
            continue;
        }
        int value = 0;
        for (size_t d = 0; d < codes[k].digits; d++, at++) {
            if (at >= s.n || !isdigit((unsigned char)s.p[at]))
                return false;
            value = value * 10 + s.p[at] - '0';
        }
        *codes[k].to = value;
        f += strlen(codes[k].code);
    }
    if (at != s.n || t.month < 1 || t.month > 12 || t.day < 1 || t.day > 31)
        return false;
    *ms = time_from_civil(&t);
    return true;
}

static void to_time(sqlite3_context *c, int n, sqlite3_value **v, bool is_date)
{
    char text[32];
    int64_t ms;
    bool ok;
    const char *format = n > 1 ? (const char *)sqlite3_value_text(v[1]) : NULL;
    if (sqlite3_value_type(v[0]) == SQLITE_NULL)
        return;
    if (sqlite3_value_type(v[0]) == SQLITE_TEXT)
        ok = time_parse_iso(trimmed(v[0]), &ms) ||
             (format && parse_format(trimmed(v[0]), format, &ms));
    else /* seconds since 1970, as Snowflake reads a number */
        ok = (ms = (int64_t)(sqlite3_value_double(v[0]) * 1000.0), true);
    if (!ok) {
        refuse(c, v[0], is_date ? "date" : "timestamp");
        return;
    }
    time_format_sql(ms, ms % 1000 != 0, text);
    sqlite3_result_text(c, text, is_date ? 10 : -1, SQLITE_TRANSIENT);
}

static void to_date(sqlite3_context *c, int n, sqlite3_value **v)
{
    to_time(c, n, v, true);
}

static void to_timestamp(sqlite3_context *c, int n, sqlite3_value **v)
{
    to_time(c, n, v, false);
}

int lite_register_casts(struct lite *l)
{
    static const struct {
        const char *name;
        int min, max;
        void (*fn)(sqlite3_context *, int, sqlite3_value **);
    } rows[] = {
        {"to_int", 1, 1, to_int},
        {"to_double", 1, 1, to_double},
        {"to_decimal", 1, 2, to_decimal},
        {"to_boolean", 1, 1, to_boolean},
        {"to_text", 1, 1, to_text},
        {"to_date", 1, 2, to_date},
        {"to_timestamp", 1, 2, to_timestamp},
        {"to_timestamp_ntz", 1, 2, to_timestamp},
        {"to_number", 1, 2, to_decimal},
        {"to_varchar", 1, 1, to_text},
        {"to_char", 1, 1, to_text},
    };
    static const char *const prefixes[] = {"weir_", "", "weir_try_", "try_"};
    const int pure = SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS;
    int rc = SQLITE_OK;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        for (size_t f = 0; f < 4; f++)
            for (int n = rows[i].min; n <= rows[i].max && rc == SQLITE_OK; n++) {
                char *name = sqlite3_mprintf("%s%s", prefixes[f], rows[i].name);
                rc = sqlite3_create_function(l->db, name, n, pure, f >= 2 ? l : NULL,
                                             rows[i].fn, NULL, NULL);
                sqlite3_free(name);
            }
    return rc;
}
