/* The quick YAML reader against libyaml: properties files of this repository and texts
 * made of them by thousands of small changes mean the same to both, or are left to
 * libyaml. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/buf.h"
#include "base/mem.h"
#include "model/yaml.h"

static size_t n_taken, n_left;

/* Whether the quick reader took it; fails when the other one reads something else. */
static bool compare(const char *text, size_t n)
{
    json_t *quick = NULL, *full = NULL;
    struct err e = {0};
    if (!yaml_simple(text, n, &quick)) {
        n_left++;
        return false;
    }
    n_taken++;
    if (yaml_read_full("x", text, n, &full, &e) < 0)
        fail_msg("taken though it is wrong (%s):\n%.*s", e.text, (int)n, text);
    if (!json_equal(quick, full)) {
        char *a = json_dumps(quick, JSON_ENCODE_ANY),
             *b = json_dumps(full, JSON_ENCODE_ANY);
        fail_msg("read as %s, which is %s:\n%.*s", a, b, (int)n, text);
    }
    json_decref(quick);
    json_decref(full);
    return true;
}

static const char *const plain[] = {
    "a: 1\n",
    "---\na: 1\n",
    "version: 2\n\nmodels:\n  - name: x\n    columns:\n    - name: id\n      tests: "
    "[unique, not_null]\n",
    "# said\na: yes # and why\nb: 'no'\nc: \"1\"\nd: ~\ne:\nf: -1.5\ng: 0o17\nh: 1_0\n",
    "- a\n- b: 1\n  c: 2\n-\n  d: 3\n- {}\n- []\n- [a, 1, 'x y']\n",
    "a:\n- 1\n- 2\nb: http://x.y/z\nc: it's\nd: a:b\n",
    "größe: ä\n",
    "name: größe – ok\n",
};

static const char *const left[] = {
    "",
    "a: |\n  text\n",
    "a: &x 1\nb: *x\n",
    "a: b\n  c\n",
    "a: 1\na: 2\n",
    "a:\n\t- 1\n",
    "a: {b: 1}\n",
    "a: b: c\n",
    "? a\n: b\n",
    "a: 'it''s'\n",
    "a: \"\\n\"\n",
    "1: x\n",
    "yes: x\n",
    "a: 'x' # 'y'\n",
    "a: - b\n",
    "<<: {a: 1}\n",
    "a: 1\n--- \nb: 2\n",
    "a: [b, [c]]\n",
    "a: [b\n",
    "%YAML 1.1\n---\na: 1\n",
    "a: x\xc2\x85y\n",
    "a: x\xe2\x80\xa8y\n",
    "\xef\xbb\xbf"
    "a: 1\n",
    "a: \xff\n",
};

static void test_what_is_taken(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof plain / sizeof *plain; i++) {
        bool is_odd_key = strncmp(plain[i], "größe", 5) == 0;
        if (compare(plain[i], strlen(plain[i])) == is_odd_key)
            fail_msg("left or taken: %s", plain[i]);
    }
    for (size_t i = 0; i < sizeof left / sizeof *left; i++)
        if (compare(left[i], strlen(left[i])))
            fail_msg("taken: %s", left[i]);
}

/* xorshift: the same changes every time */
static uint64_t seed = 88172645463325252u;

static size_t below(size_t n)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return n ? (size_t)(seed % n) : 0;
}

static void change(struct buf *b)
{
    static const char *const bits[] = {" ",        "  ",
                                       "\n",       "\n  ",
                                       "- ",       ": ",
                                       ":",        "#",
                                       " # ",      "'",
                                       "\"",       "[",
                                       "]",        ",",
                                       "{",        "}",
                                       "|",        ">",
                                       "&a ",      "*a",
                                       "!",        "\t",
                                       "-",        "?",
                                       "~",        "yes",
                                       "1",        "\n- ",
                                       "\n    ",   "---\n",
                                       "...\n",    "%",
                                       "\xc2\xa0", "\xe2\x80\xa8",
                                       "\r"};
    size_t at = below(b->len), gone = below(4) ? 0 : below(6);
    const char *bit = bits[below(sizeof bits / sizeof *bits)];
    struct buf copy;
    buf_init(&copy, 1u << 22);
    buf_add(&copy, b->data, at);
    if (below(3))
        buf_adds(&copy, bit);
    gone = at + gone < b->len ? gone : 0;
    buf_add(&copy, b->data + at + gone, b->len - at - gone);
    buf_release(b);
    *b = copy;
}

static void try_changes(const char *text, size_t n)
{
    for (int i = 0; i < 1500; i++) {
        struct buf b;
        size_t from = below(n), len = below(400);
        while (from && text[from - 1] != '\n')
            from--;
        buf_init(&b, 1u << 22);
        buf_add(&b, text + from, from + len < n ? len : n - from);
        for (size_t k = below(4); b.len && k; k--)
            change(&b);
        compare(buf_str(&b), b.len);
        buf_release(&b);
    }
}

static void test_files_and_their_changes(void **state)
{
    FILE *list = popen("find . -path ./build -prune -o \\( -name '*.yml' -path "
                       "'*tests/*' -o -name '*.yml' -path '*retail/*' \\) -print "
                       "2>/dev/null | sort | head -60",
                       "r");
    char path[512];
    (void)state;
    for (size_t i = 0; i < sizeof plain / sizeof *plain; i++)
        try_changes(plain[i], strlen(plain[i]));
    while (list && fgets(path, sizeof path, list)) {
        struct buf b;
        path[strcspn(path, "\n")] = '\0';
        buf_init(&b, 1u << 22);
        if (buf_read_file(&b, path, NULL) == 0 && b.len) {
            compare(b.data, b.len);
            try_changes(b.data, b.len);
        }
        buf_release(&b);
    }
    if (list)
        pclose(list);
    assert_true(n_taken > 1000 && n_left > 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_taken),
        cmocka_unit_test(test_files_and_their_changes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
