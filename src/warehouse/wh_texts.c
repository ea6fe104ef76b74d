/* SQLite member: scalar functions on text, numbers and JSON that Snowflake's spelling
 * and dbt's macros expect, and ROUND by decimal rules. */
#include "warehouse/wh_sqlite.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <string.h>
#include "base/decimal.h"
#include "base/hash.h"
#include "base/jscan.h"
#include "base/mem.h"
#include "base/text.h"

#define IS_NULL(v) (sqlite3_value_type(v) == SQLITE_NULL)

static struct str text_arg(sqlite3_value *v)
{
    const char *p = (const char *)sqlite3_value_text(v);
    return (struct str){p ? p : "", p ? (size_t)sqlite3_value_bytes(v) : 0};
}

static void result_str(sqlite3_context *c, struct str s)
{
    sqlite3_result_text64(c, s.p, s.n, SQLITE_TRANSIENT, SQLITE_UTF8);
}

/* Bytes of the first `chars` characters. */
static size_t prefix_bytes(struct str s, int64_t chars)
{
    size_t at = 0;
    while (chars-- > 0 && at < s.n) {
        uint32_t cp;
        int n = text_decode(s.p + at, s.n - at, &cp);
        at += n > 0 ? (size_t)n : 1;
    }
    return at;
}

static int64_t count_chars(struct str s)
{
    int64_t n = 0;
    for (size_t i = 0; i < s.n; i++)
        n += ((unsigned char)s.p[i] & 0xc0) != 0x80;
    return n;
}

/* ── numbers ── */

static void fn_round(sqlite3_context *c, int n, sqlite3_value **v)
{
    int places = n > 1 ? sqlite3_value_int(v[1]) : 0;
    int type = sqlite3_value_numeric_type(v[0]);
    if (type == SQLITE_NULL || (n > 1 && IS_NULL(v[1])))
        return;
    if (type == SQLITE_INTEGER && places >= 0) {
        sqlite3_result_double(c, (double)sqlite3_value_int64(v[0]));
        return;
    }
    places = places > 15 ? 15 : places < -15 ? -15 : places;
    sqlite3_result_double(c, decimal_round(sqlite3_value_double(v[0]), places));
}

static void fn_div0(sqlite3_context *c, int n, sqlite3_value **v)
{
    (void)n;
    if (IS_NULL(v[0]) || IS_NULL(v[1]))
        return;
    double d = sqlite3_value_double(v[1]);
    sqlite3_result_double(c, d == 0 ? 0.0 : sqlite3_value_double(v[0]) / d);
}

static void fn_zeroifnull(sqlite3_context *c, int n, sqlite3_value **v)
{
    (void)n;
    if (IS_NULL(v[0]))
        sqlite3_result_int(c, 0);
    else
        sqlite3_result_value(c, v[0]);
}

static void fn_nullifzero(sqlite3_context *c, int n, sqlite3_value **v)
{
    (void)n;
    if (!IS_NULL(v[0]) && sqlite3_value_double(v[0]) != 0)
        sqlite3_result_value(c, v[0]);
}

static void fn_iff(sqlite3_context *c, int n, sqlite3_value **v)
{
    (void)n;
    bool is_true = !IS_NULL(v[0]) && sqlite3_value_double(v[0]) != 0;
    sqlite3_result_value(c, v[is_true ? 1 : 2]);
}

static void fn_nvl(sqlite3_context *c, int n, sqlite3_value **v)
{
    (void)n;
    sqlite3_result_value(c, v[IS_NULL(v[0]) ? 1 : 0]);
}

static void fn_nvl2(sqlite3_context *c, int n, sqlite3_value **v)
{
    (void)n;
    sqlite3_result_value(c, v[IS_NULL(v[0]) ? 2 : 1]);
}

/* width_bucket(x, low, high, n) */
static void fn_width_bucket(sqlite3_context *c, int n, sqlite3_value **v)
{
    (void)n;
    double x = sqlite3_value_double(v[0]), low = sqlite3_value_double(v[1]);
    double high = sqlite3_value_double(v[2]);
    int64_t k = sqlite3_value_int64(v[3]);
    if (IS_NULL(v[0]) || k <= 0 || !(high > low))
        return;
    if (x < low)
        sqlite3_result_int64(c, 0);
    else if (x >= high)
        sqlite3_result_int64(c, k + 1);
    else
        sqlite3_result_int64(c, (int64_t)((x - low) / (high - low) * (double)k) + 1);
}

/* ── text ── */

static void fn_md5(sqlite3_context *c, int n, sqlite3_value **v)
{
    char hex[33];
    (void)n;
    if (IS_NULL(v[0]))
        return;
    struct str s = text_arg(v[0]);
    sqlite3_result_text(c, hash_md5_hex(s.p, s.n, hex), 32, SQLITE_TRANSIENT);
}

static void fn_sha2(sqlite3_context *c, int n, sqlite3_value **v)
{
    char hex[65];
    (void)n;
    if (IS_NULL(v[0]))
        return;
    struct str s = text_arg(v[0]);
    sqlite3_result_text(c, hash_sha256_hex(s.p, s.n, hex), 64, SQLITE_TRANSIENT);
}

/* split_part(text, separator, k): 1-based, negative from the end; "" past it. */
static void fn_split_part(sqlite3_context *c, int n, sqlite3_value **v)
{
    struct str s = text_arg(v[0]), sep = text_arg(v[1]);
    int64_t k = sqlite3_value_int64(v[2]), parts = 1;
    (void)n;
    if (IS_NULL(v[0]) || IS_NULL(v[1]) || IS_NULL(v[2]))
        return;
    if (!sep.n) {
        result_str(c, k == 1 || k == -1 ? s : STR(""));
        return;
    }
    for (const char *p = s.p; (p = memmem(p, s.n - (size_t)(p - s.p), sep.p, sep.n));
         p += sep.n)
        parts++;
    k = k < 0 ? parts + k + 1 : k == 0 ? 1 : k;
    const char *at = s.p, *end = s.p + s.n;
    for (int64_t i = 1; i < k && at; i++) {
        at = memmem(at, (size_t)(end - at), sep.p, sep.n);
        at = at ? at + sep.n : NULL;
    }
    if (!at || k < 1) {
        result_str(c, STR(""));
        return;
    }
    const char *stop = memmem(at, (size_t)(end - at), sep.p, sep.n);
    result_str(c, (struct str){at, (size_t)((stop ? stop : end) - at)});
}

static void fn_left(sqlite3_context *c, int n, sqlite3_value **v)
{
    struct str s = text_arg(v[0]);
    (void)n;
    if (!IS_NULL(v[0]) && !IS_NULL(v[1]))
        result_str(c, (struct str){s.p, prefix_bytes(s, sqlite3_value_int64(v[1]))});
}

static void fn_right(sqlite3_context *c, int n, sqlite3_value **v)
{
    struct str s = text_arg(v[0]);
    (void)n;
    if (IS_NULL(v[0]) || IS_NULL(v[1]))
        return;
    int64_t want = sqlite3_value_int64(v[1]);
    size_t skip = prefix_bytes(s, count_chars(s) - (want < 0 ? 0 : want));
    result_str(c, (struct str){s.p + skip, s.n - skip});
}

static void fn_concat(sqlite3_context *c, int n, sqlite3_value **v)
{
    struct buf out;
    buf_init(&out, 256u << 20);
    for (int i = 0; i < n; i++) {
        if (IS_NULL(v[i])) { /* as in Snowflake: any null makes null */
            buf_release(&out);
            return;
        }
        struct str s = text_arg(v[i]);
        buf_add(&out, s.p, s.n);
    }
    result_str(c, (struct str){buf_str(&out), out.len});
    buf_release(&out);
}

static void fn_contains(sqlite3_context *c, int n, sqlite3_value **v)
{
    enum { CONTAINS, STARTS, ENDS } how = (int)(intptr_t)sqlite3_user_data(c);
    struct str s = text_arg(v[0]), part = text_arg(v[1]);
    (void)n;
    if (IS_NULL(v[0]) || IS_NULL(v[1]))
        return;
    bool is_there = part.n <= s.n;
    if (is_there && how == CONTAINS)
        is_there = memmem(s.p, s.n, part.p, part.n) != NULL;
    else if (is_there)
        is_there =
            memcmp(how == STARTS ? s.p : s.p + s.n - part.n, part.p, part.n) == 0;
    sqlite3_result_int(c, is_there);
}

/* position(part, text): characters, 0 when absent. */
static void fn_position(sqlite3_context *c, int n, sqlite3_value **v)
{
    struct str part = text_arg(v[0]), s = text_arg(v[1]);
    (void)n;
    if (IS_NULL(v[0]) || IS_NULL(v[1]))
        return;
    const char *at = memmem(s.p, s.n, part.p, part.n);
    sqlite3_result_int64(c, at ? count_chars((struct str){s.p, (size_t)(at - s.p)}) + 1
                               : 0);
}

static void fn_pad(sqlite3_context *c, int n, sqlite3_value **v)
{
    bool is_left = sqlite3_user_data(c) != NULL;
    struct str s = text_arg(v[0]), fill = n > 2 ? text_arg(v[2]) : STR(" ");
    if (IS_NULL(v[0]) || IS_NULL(v[1]))
        return;
    int64_t want = sqlite3_value_int64(v[1]), have = count_chars(s);
    struct buf pad;
    if (want <= have || !fill.n || want > (16 << 20)) {
        result_str(c, (struct str){s.p, prefix_bytes(s, want)});
        return;
    }
    int64_t missing = want - have, width = count_chars(fill);
    buf_init(&pad, 256u << 20);
    if (!is_left)
        buf_add(&pad, s.p, s.n);
    for (; missing >= width; missing -= width)
        buf_add(&pad, fill.p, fill.n);
    buf_add(&pad, fill.p, prefix_bytes(fill, missing));
    if (is_left)
        buf_add(&pad, s.p, s.n);
    result_str(c, (struct str){buf_str(&pad), pad.len});
    buf_release(&pad);
}

static void fn_repeat(sqlite3_context *c, int n, sqlite3_value **v)
{
    struct str s = text_arg(v[0]);
    int64_t k = sqlite3_value_int64(v[1]);
    struct buf out;
    (void)n;
    if (IS_NULL(v[0]) || IS_NULL(v[1]))
        return;
    buf_init(&out, 64u << 20);
    while (k-- > 0 && !out.failed)
        buf_add(&out, s.p, s.n);
    if (out.failed)
        sqlite3_result_error_toobig(c);
    else
        result_str(c, (struct str){buf_str(&out), out.len});
    buf_release(&out);
}

/* ── regular expressions (PCRE2) ── */

static void free_code(void *p)
{
    pcre2_code_free(p);
}

/* The compiled pattern of argument i, kept by SQLite for the next row. */
static pcre2_code *pattern_arg(sqlite3_context *c, int i, sqlite3_value *v,
                               uint32_t flags)
{
    pcre2_code *code = sqlite3_get_auxdata(c, i);
    if (code)
        return code;
    struct str s = text_arg(v);
    int error;
    PCRE2_SIZE at;
    code = pcre2_compile((PCRE2_SPTR)s.p, s.n, PCRE2_UTF | flags, &error, &at, NULL);
    if (!code) {
        unsigned char why[120];
        pcre2_get_error_message(error, why, sizeof why);
        char *msg = sqlite3_mprintf("regular expression '%s': %s at character %d", s.p,
                                    (char *)why, (int)at + 1);
        sqlite3_result_error(c, msg ? msg : "regular expression", -1);
        sqlite3_free(msg);
        return NULL;
    }
    sqlite3_set_auxdata(c, i, code, free_code);
    return sqlite3_get_auxdata(c, i);
}

static int match_at(const pcre2_code *code, struct str s, size_t from,
                    pcre2_match_data *found)
{
    return pcre2_match(code, (PCRE2_SPTR)s.p, s.n, from, 0, found, NULL);
}

/* x REGEXP p is regexp(p, x); is_like: regexp_like(x, p) over the whole text. */
static void match_text(sqlite3_context *c, int pattern, sqlite3_value **v,
                       bool is_whole)
{
    struct str s = text_arg(v[1 - pattern]);
    if (IS_NULL(v[0]) || IS_NULL(v[1]))
        return;
    pcre2_code *code = pattern_arg(c, pattern, v[pattern],
                                   is_whole ? PCRE2_ANCHORED | PCRE2_ENDANCHORED : 0);
    if (!code)
        return;
    pcre2_match_data *found = pcre2_match_data_create_from_pattern(code, NULL);
    sqlite3_result_int(c, match_at(code, s, 0, found) >= 0);
    pcre2_match_data_free(found);
}

static void fn_regexp(sqlite3_context *c, int n, sqlite3_value **v)
{
    (void)n;
    match_text(c, 0, v, false);
}

static void fn_regexp_like(sqlite3_context *c, int n, sqlite3_value **v)
{
    (void)n;
    match_text(c, 1, v, true);
}

static void fn_regexp_substr(sqlite3_context *c, int n, sqlite3_value **v)
{
    struct str s = text_arg(v[0]);
    (void)n;
    if (IS_NULL(v[0]) || IS_NULL(v[1]))
        return;
    pcre2_code *code = pattern_arg(c, 1, v[1], 0);
    if (!code)
        return;
    pcre2_match_data *found = pcre2_match_data_create_from_pattern(code, NULL);
    if (match_at(code, s, 0, found) >= 0) {
        const PCRE2_SIZE *at = pcre2_get_ovector_pointer(found);
        result_str(c, (struct str){s.p + at[0], at[1] - at[0]});
    }
    pcre2_match_data_free(found);
}

static void fn_regexp_replace(sqlite3_context *c, int n, sqlite3_value **v)
{
    struct str s = text_arg(v[0]), to = n > 2 ? text_arg(v[2]) : STR("");
    if (IS_NULL(v[0]) || IS_NULL(v[1]))
        return;
    pcre2_code *code = pattern_arg(c, 1, v[1], 0);
    if (!code)
        return;
    PCRE2_SIZE len = s.n * 2 + to.n * 8 + 64, need = len;
    uint32_t flags = PCRE2_SUBSTITUTE_GLOBAL | PCRE2_SUBSTITUTE_EXTENDED |
                     PCRE2_SUBSTITUTE_OVERFLOW_LENGTH | PCRE2_SUBSTITUTE_UNSET_EMPTY;
    char *out = mem_try_alloc(len);
    int rc = !out ? PCRE2_ERROR_NOMEMORY
                  : pcre2_substitute(code, (PCRE2_SPTR)s.p, s.n, 0, flags, NULL, NULL,
                                     (PCRE2_SPTR)to.p, to.n, (PCRE2_UCHAR *)out, &need);
    if (rc == PCRE2_ERROR_NOMEMORY && out) {
        mem_free(out);
        out = mem_try_alloc(len = need);
        if (out)
            rc = pcre2_substitute(code, (PCRE2_SPTR)s.p, s.n, 0, flags, NULL, NULL,
                                  (PCRE2_SPTR)to.p, to.n, (PCRE2_UCHAR *)out, &len);
        need = len;
    }
    if (rc >= 0)
        result_str(c, (struct str){out, need});
    else
        sqlite3_result_error(c, "regexp_replace: the replacement is not valid", -1);
    mem_free(out);
}

/* ── JSON ── */

/* Elements of a JSON array; NULL for NULL and for what is no array. */
static void fn_array_size(sqlite3_context *c, int n, sqlite3_value **v)
{
    struct jscan *scan = sqlite3_user_data(c);
    struct str s = text_arg(v[0]);
    (void)n;
    if (IS_NULL(v[0]) || jscan_parse(scan, s.p, s.n, &jscan_default_limits) < 0 ||
        scan->tok[0].type != JSCAN_ARRAY)
        return;
    int64_t count = 0;
    for (size_t i = 1; i < scan->tok[0].next; i = scan->tok[i].next)
        count++;
    sqlite3_result_int64(c, count);
}

static void free_scan(void *p)
{
    jscan_release(p);
    mem_free(p);
}

/* ── registration ── */

static const struct row {
    const char *name;
    int n;
    void (*fn)(sqlite3_context *, int, sqlite3_value **);
    intptr_t data;
} rows[] = {
    {"round", 1, fn_round, 0},
    {"round", 2, fn_round, 0},
    {"div0", 2, fn_div0, 0},
    {"zeroifnull", 1, fn_zeroifnull, 0},
    {"nullifzero", 1, fn_nullifzero, 0},
    {"iff", 3, fn_iff, 0},
    {"nvl", 2, fn_nvl, 0},
    {"nvl2", 3, fn_nvl2, 0},
    {"width_bucket", 4, fn_width_bucket, 0},
    {"md5", 1, fn_md5, 0},
    {"sha2", 1, fn_sha2, 0},
    {"sha256", 1, fn_sha2, 0},
    {"split_part", 3, fn_split_part, 0},
    {"left", 2, fn_left, 0},
    {"right", 2, fn_right, 0},
    {"concat", -1, fn_concat, 0},
    {"contains", 2, fn_contains, 0},
    {"startswith", 2, fn_contains, 1},
    {"starts_with", 2, fn_contains, 1},
    {"endswith", 2, fn_contains, 2},
    {"ends_with", 2, fn_contains, 2},
    {"position", 2, fn_position, 0},
    {"charindex", 2, fn_position, 0},
    {"lpad", 2, fn_pad, 1},
    {"lpad", 3, fn_pad, 1},
    {"rpad", 2, fn_pad, 0},
    {"rpad", 3, fn_pad, 0},
    {"repeat", 2, fn_repeat, 0},
    {"regexp", 2, fn_regexp, 0},
    {"regexp_like", 2, fn_regexp_like, 0},
    {"rlike", 2, fn_regexp_like, 0},
    {"regexp_substr", 2, fn_regexp_substr, 0},
    {"regexp_replace", 2, fn_regexp_replace, 0},
    {"regexp_replace", 3, fn_regexp_replace, 0},
};

int lite_register_texts(struct lite *l)
{
    const int pure = SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS;
    int rc = SQLITE_OK;
    for (size_t i = 0; rc == SQLITE_OK && i < sizeof rows / sizeof *rows; i++)
        rc = sqlite3_create_function(l->db, rows[i].name, rows[i].n, pure,
                                     (void *)rows[i].data, rows[i].fn, NULL, NULL);
    struct jscan *scan = mem_alloc(sizeof *scan);
    jscan_init(scan);
    if (rc == SQLITE_OK)
        rc = sqlite3_create_function_v2(l->db, "array_size", 1, pure, scan,
                                        fn_array_size, NULL, NULL, free_scan);
    else
        free_scan(scan);
    return rc;
}
