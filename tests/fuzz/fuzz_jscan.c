/* The JSON scanner under any bytes: no crash, no read behind the end, and one mind with
 * jansson about what JSON is, but for what only one of them limits. */
#include <jansson.h>

#include "base/err.h"
#include "base/jscan.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Every token lies in the text, its subtree behind it, and its text can be unescaped.
 */
static void check_tokens(const struct jscan *s, size_t size)
{
    struct buf text;
    buf_init(&text, 1 << 22);
    for (size_t i = 0; i < s->n; i++) {
        const struct jscan_token *t = &s->tok[i];
        BUG_ON((size_t)t->start + t->len > size || t->next <= i || t->next > s->n);
        if (t->type == JSCAN_STRING) {
            buf_reset(&text);
            BUG_ON(jscan_unescape(s, i, &text) < 0 || text.len > t->len);
        }
        if (t->type == JSCAN_OBJECT && t->n)
            BUG_ON(jscan_get(s, i, s->text + s->tok[i + 1].start, s->tok[i + 1].len) ==
                       0 &&
                   !s->tok[i + 1].has_escape);
    }
    buf_release(&text);
}

/* Stepped over, a document that is right has the same members; one that is not may
 * pass, but nothing is read behind it. */
static void check_outer(const char *text, size_t size, bool is_right)
{
    struct jscan s;
    const struct jscan_limits outer = {1 << 20, 64, 1000 * 1000, 2};
    jscan_init(&s);
    int rc = jscan_parse(&s, text, size, &outer);
    BUG_ON(is_right && rc != 0);
    for (size_t i = 0; rc == 0 && i < s.n; i++)
        BUG_ON((size_t)s.tok[i].start + s.tok[i].len > size || s.tok[i].next <= i);
    jscan_release(&s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct jscan s;
    json_error_t why;
    jscan_init(&s);
    int rc = jscan_parse(&s, (const char *)data, size, NULL);
    json_t *v = json_loadb(
        (const char *)data, size,
        JSON_REJECT_DUPLICATES | JSON_DECODE_ANY | JSON_DECODE_INT_AS_REAL, &why);
    if (rc == 0) {
        check_tokens(&s, size);
        BUG_ON(!v && json_error_code(&why) != json_error_numeric_overflow);
    } else {
        BUG_ON(rc != ERR_PARSE || s.fault == JSCAN_FAULT_NONE || s.fault_at > size);
        /* jansson 2.14 takes a raw NUL behind a number for the number's end */
        bool is_odd = size && memchr(data, 0, size);
        BUG_ON(v && !is_odd && s.fault != JSCAN_FAULT_DEPTH &&
               s.fault != JSCAN_FAULT_LENGTH);
    }
    check_outer((const char *)data, size, rc == 0);
    json_decref(v);
    jscan_release(&s);
    return 0;
}

#include "fuzz/driver.inc"
