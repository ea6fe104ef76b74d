/* The JSON scanner: what it accepts, every fault with its kind and byte, and what one
 * byte of receipt costs in instructions. */
#include "stream_data.h"

#include "base/jscan.h"
#include "base/text.h"

#include <limits.h>
#include <sys/wait.h>
#include <unistd.h>

static struct jscan scan;

/* Parses a copy that ends at the end of its allocation, so that a sanitizer sees reads
 * behind it. */
static int parse_n(const char *text, size_t n, const struct jscan_limits *l)
{
    static char *copy;
    free(copy);
    copy = malloc(n ? n : 1);
    assert_non_null(copy);
    memcpy(copy, text, n);
    return jscan_parse(&scan, copy, n, l);
}

static int parse(const char *text)
{
    return parse_n(text, strlen(text), NULL);
}

struct bad {
    const char *text;
    enum jscan_fault fault;
    size_t at;
};

static void expect_bad(const struct bad *b, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        int rc = parse(b[i].text);
        if (rc != ERR_PARSE || scan.fault != b[i].fault || scan.fault_at != b[i].at)
            fail_msg("%s: rc %d fault %s at %zu (%s)", b[i].text, rc,
                     jscan_fault_reason(scan.fault), scan.fault_at,
                     scan.fault_what ? scan.fault_what : "");
        assert_non_null(scan.fault_what);
    }
}

static void accepts_every_value(void **state)
{
    (void)state;
    static const char *const good[] = {
        "{}",
        "[]",
        " [ ] ",
        "\t\r\n{ }\n",
        "0",
        "-0",
        "-1.5e+10",
        "1E2",
        "0.000",
        "true",
        "false",
        "null",
        "\"\"",
        "\"a\"",
        "[1,2,[3,[4]],{}]",
        "{\"a\":{\"b\":[{\"c\":null}]},\"d\":[true,false]}",
        "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"",
        "\"\\u00e9\\ud83d\\ude00\"",
        "\"\x7f\"",
        "\"\xc2\x80\xdf\xbf\"",
        "\"\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf\"",
        "\"\xf0\x90\x80\x80\xf4\x8f\xbf\xbf\"",
        "\"0123456789abcdef0123456789abcdef\"",
        "[ 1 , 2 , { \"a\" : 1 , \"b\" : [ ] } ]",
        "123456789012345678901234567890",
    };
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        if (parse(good[i]) != 0)
            fail_msg("%s: %s at %zu", good[i], scan.fault_what, scan.fault_at);
}

static void refuses_bad_syntax_at_its_byte(void **state)
{
    (void)state;
    static const struct bad bad[] = {
        {"", JSCAN_FAULT_SYNTAX, 0},
        {"  ", JSCAN_FAULT_SYNTAX, 2},
        {"{", JSCAN_FAULT_SYNTAX, 1},
        {"[", JSCAN_FAULT_SYNTAX, 1},
        {"[1", JSCAN_FAULT_SYNTAX, 2},
        {"[1,", JSCAN_FAULT_SYNTAX, 3},
        {"[1,]", JSCAN_FAULT_SYNTAX, 3},
        {"[,1]", JSCAN_FAULT_SYNTAX, 1},
        {"[1 2]", JSCAN_FAULT_SYNTAX, 3},
        {"{\"a\"}", JSCAN_FAULT_SYNTAX, 4},
        {"{\"a\":}", JSCAN_FAULT_SYNTAX, 5},
        {"{\"a\":1,}", JSCAN_FAULT_SYNTAX, 7},
        {"{a:1}", JSCAN_FAULT_SYNTAX, 1},
        {"{\"a\" 1}", JSCAN_FAULT_SYNTAX, 5},
        {"{\"a\":1]", JSCAN_FAULT_SYNTAX, 6},
        {"[1}", JSCAN_FAULT_SYNTAX, 2},
        {"01", JSCAN_FAULT_SYNTAX, 1},
        {"-", JSCAN_FAULT_SYNTAX, 1},
        {"1.", JSCAN_FAULT_SYNTAX, 2},
        {".5", JSCAN_FAULT_SYNTAX, 0},
        {"1e", JSCAN_FAULT_SYNTAX, 2},
        {"1e+", JSCAN_FAULT_SYNTAX, 3},
        {"+1", JSCAN_FAULT_SYNTAX, 0},
        {"1 1", JSCAN_FAULT_SYNTAX, 2},
        {"tru", JSCAN_FAULT_SYNTAX, 3},
        {"nulL", JSCAN_FAULT_SYNTAX, 3},
        {"NaN", JSCAN_FAULT_SYNTAX, 0},
        {"\"a", JSCAN_FAULT_SYNTAX, 2},
        {"\"\\", JSCAN_FAULT_SYNTAX, 2},
        {"\"\\x\"", JSCAN_FAULT_SYNTAX, 1},
        {"\"\\u12g4\"", JSCAN_FAULT_SYNTAX, 1},
        {"\"\\u12", JSCAN_FAULT_SYNTAX, 1},
        {"\"a\nb\"", JSCAN_FAULT_SYNTAX, 2},
        {"\"\x1f\"", JSCAN_FAULT_SYNTAX, 1},
        {"{}{}", JSCAN_FAULT_SYNTAX, 2},
        {"'a'", JSCAN_FAULT_SYNTAX, 0},
        {"\xef\xbb\xbf{}", JSCAN_FAULT_SYNTAX, 0},
        {"[1,\xff]", JSCAN_FAULT_SYNTAX, 3},
        {"{\"a\":1,\"b", JSCAN_FAULT_SYNTAX, 9},
        {"\"0123456789abcdef\x01\"", JSCAN_FAULT_SYNTAX, 17},
    };
    expect_bad(bad, sizeof bad / sizeof *bad);
    assert_int_equal(parse_n("\"a\0b\"", 5, NULL), ERR_PARSE);
    assert_int_equal(scan.fault, JSCAN_FAULT_SYNTAX);
    assert_int_equal(scan.fault_at, 2);
}

static void refuses_text_that_is_no_character(void **state)
{
    (void)state;
    static const struct bad bad[] = {
        {"\"\\u0000\"", JSCAN_FAULT_NUL, 1},
        {"{\"a\\u0000\":1}", JSCAN_FAULT_NUL, 3},
        {"\"\\ud83d\"", JSCAN_FAULT_SURROGATE, 1},
        {"\"\\ude00\"", JSCAN_FAULT_SURROGATE, 1},
        {"\"\\ud83d\\ud83d\"", JSCAN_FAULT_SURROGATE, 1},
        {"\"\\ud83d\\u0041\"", JSCAN_FAULT_SURROGATE, 1},
        {"\"\\ud83dxude00\"", JSCAN_FAULT_SURROGATE, 1},
        {"\"ab\xff\"", JSCAN_FAULT_UTF8, 3},
        {"\"\x80\"", JSCAN_FAULT_UTF8, 1},
        {"\"\xc0\xaf\"", JSCAN_FAULT_UTF8, 1}, /* overlong / */
        {"\"\xc1\xbf\"", JSCAN_FAULT_UTF8, 1},
        {"\"\xe0\x9f\xbf\"", JSCAN_FAULT_UTF8, 1},     /* overlong */
        {"\"\xed\xa0\x80\"", JSCAN_FAULT_UTF8, 1},     /* surrogate */
        {"\"\xf0\x8f\xbf\xbf\"", JSCAN_FAULT_UTF8, 1}, /* overlong */
        {"\"\xf4\x90\x80\x80\"", JSCAN_FAULT_UTF8, 1}, /* > U+10FFFF */
        {"\"\xf5\x80\x80\x80\"", JSCAN_FAULT_UTF8, 1},
        {"\"\xc3\"", JSCAN_FAULT_UTF8, 1},
        {"\"\xe2\x82\"", JSCAN_FAULT_UTF8, 1},
        {"\"\xe2\x82", JSCAN_FAULT_UTF8, 1},
        {"\"\xf0\x9f\x98", JSCAN_FAULT_UTF8, 1},
        {"\"\xc3\xa9\xc3\xa9\xff\"", JSCAN_FAULT_UTF8, 5},
    };
    expect_bad(bad, sizeof bad / sizeof *bad);
}

/* Every scalar of four bytes or fewer against the decoder of base/text.h. */
static void utf8_agrees_with_the_decoder(void **state)
{
    (void)state;
    for (uint32_t v = 0; v < 1u << 22; v += 7) {
        char text[8] = {'"',
                        (char)(0x80 | (v >> 15 & 0x7f)),
                        (char)(v >> 8 & 0x7f),
                        (char)(v & 0xff),
                        (char)(0x80 | (v & 0x3f)),
                        '"'};
        if (v & 1)
            text[2] = (char)(text[2] | 0x80);
        bool is_good = text_is_utf8(text + 1, 4), is_plain = true;
        for (int i = 1; i < 5; i++)
            is_plain &=
                (unsigned char)text[i] >= 0x20 && text[i] != '"' && text[i] != '\\';
        if (!is_plain)
            continue;
        if ((jscan_parse(&scan, text, 6, NULL) == 0) != is_good)
            fail_msg("%02x %02x %02x %02x", (unsigned char)text[1],
                     (unsigned char)text[2], (unsigned char)text[3],
                     (unsigned char)text[4]);
    }
}

static void finds_duplicate_keys(void **state)
{
    (void)state;
    static const struct bad bad[] = {
        {"{\"a\":1,\"a\":2}", JSCAN_FAULT_DUPLICATE_KEY, 7},
        {"{\"a\":1,\"\\u0061\":2}", JSCAN_FAULT_DUPLICATE_KEY, 7},
        {"{\"\\u0061\":1,\"a\":2}", JSCAN_FAULT_DUPLICATE_KEY, 12},
        {"{\"\":1,\"\":2}", JSCAN_FAULT_DUPLICATE_KEY, 6},
        {"[{\"x\":{\"k\":[],\"k\":0}}]", JSCAN_FAULT_DUPLICATE_KEY, 14},
        {"{\"\\ud83d\\ude00\":1,\"\xf0\x9f\x98\x80\":2}", JSCAN_FAULT_DUPLICATE_KEY,
         18},
    };
    expect_bad(bad, sizeof bad / sizeof *bad);
    assert_int_equal(parse("{\"a\":{\"a\":{\"a\":1}},\"b\":[{\"a\":1},{\"a\":2}]}"), 0);
    assert_int_equal(
        parse("{\"total_amount\":1,\"totalXamount\":2,\"total_amounT\":3}"), 0);
}

/* Objects of up to 3,000 keys, one of them twice at every distance. */
static void finds_duplicate_keys_in_wide_objects(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 1 << 20);
    for (int n = 1; n <= 3000; n = n < 40 ? n + 1 : n * 3) {
        for (int twin = -1; twin < n; twin = twin < 40 ? twin + 1 : twin * 2) {
            buf_reset(&b);
            buf_adds(&b, "[{");
            for (int i = 0; i < n; i++)
                buf_addf(&b, "\"a common beginning %d and end\":{\"x\":1},", i);
            size_t at = b.len;
            buf_addf(&b, "\"a common beginning %d and end\":0},{\"x\":1}]", twin);
            int rc = parse_n(b.data, b.len, NULL);
            assert_int_equal(rc, twin < 0 ? 0 : ERR_PARSE);
            if (twin >= 0) {
                assert_int_equal(scan.fault, JSCAN_FAULT_DUPLICATE_KEY);
                assert_int_equal(scan.fault_at, at);
            }
        }
    }
    buf_release(&b);
}

static void keeps_to_its_limits(void **state)
{
    (void)state;
    char deep[132];
    struct jscan_limits l = jscan_default_limits;
    memset(deep, '[', 65);
    memset(deep + 65, ']', 65);
    assert_int_equal(parse_n(deep + 1, 128, NULL), 0);
    assert_int_equal(parse_n(deep, 130, NULL), ERR_PARSE);
    assert_int_equal(scan.fault, JSCAN_FAULT_DEPTH);
    assert_int_equal(scan.fault_at, 64);
    l.max_bytes = 5;
    assert_int_equal(parse_n("[123]", 5, &l), 0);
    assert_int_equal(parse_n("[1234]", 6, &l), ERR_PARSE);
    assert_int_equal(scan.fault, JSCAN_FAULT_LENGTH);
    l.max_bytes = 100;
    l.max_tokens = 3;
    assert_int_equal(parse_n("[1,2]", 5, &l), 0);
    assert_int_equal(parse_n("[1,2,3]", 7, &l), ERR_PARSE);
    assert_int_equal(scan.fault, JSCAN_FAULT_LENGTH);
    assert_int_equal(scan.fault_at, 5);
}

static void tokens_describe_the_tree(void **state)
{
    (void)state;
    const char *text = "{\"a\":[1,-2.5,\"x\\ny\"],\"b\":{},\"\\u0063\":true}";
    assert_int_equal(parse(text), 0);
    assert_int_equal(scan.n, 10);
    assert_int_equal(scan.tok[0].n, 3);
    assert_int_equal(scan.tok[0].next, 10);
    assert_int_equal(scan.tok[0].len, strlen(text));
    size_t a = jscan_get(&scan, 0, "a", 1);
    assert_int_equal(a, 2);
    assert_int_equal(scan.tok[a].n, 3);
    assert_int_equal(scan.tok[a].next, 6);
    assert_true(str_is(jscan_raw(&scan, a), "[1,-2.5,\"x\\ny\"]"));
    assert_true(str_is(jscan_raw(&scan, a + 2), "-2.5"));
    assert_int_equal(scan.tok[a + 3].has_escape, 1);
    size_t c = jscan_get(&scan, 0, "c", 1);
    assert_int_equal(scan.tok[c].type, JSCAN_TRUE);
    assert_int_equal(jscan_get(&scan, 0, "d", 1), 0);
    assert_int_equal(jscan_get(&scan, a, "a", 1), 0);
}

static void unescapes_text(void **state)
{
    (void)state;
    struct buf out;
    buf_init(&out, 1000);
    assert_int_equal(
        parse("\"a\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\u20AC\\ud83d\\ude00z\xc3\xa9\""),
        0);
    assert_int_equal(jscan_unescape(&scan, 0, &out), 0);
    assert_string_equal(
        buf_str(&out), "a\"\\/\b\f\n\r\t\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80z\xc3\xa9");
    buf_release(&out);
}

/* The receipts that were broken on purpose are named as the data's list names them. */
static void names_the_faults_of_the_disordered_receipts(void **state)
{
    (void)state;
    struct data_file pos, list;
    char cell[256];
    static const char *const ours[] = {
        "invalid_json",  "nul_character", "lone_surrogate", "invalid_utf8",
        "duplicate_key", "too_deep",      "too_long"};
    data_need("pos_disorder.injected.csv", &list);
    data_need("pos_disorder.jsonl.gz", &pos);
    const char **want = calloc(pos.n_lines + 1, sizeof *want);
    for (size_t i = 1; i < list.n_lines; i++) {
        int64_t line;
        assert_true(str_to_i64(data_field(list.lines[i], 0, cell, sizeof cell), &line));
        struct str reason = data_field(list.lines[i], 3, cell, sizeof cell);
        for (size_t k = 0; k < sizeof ours / sizeof *ours; k++)
            if (str_is(reason, ours[k]))
                want[line] = ours[k];
    }
    size_t n_bad = 0;
    for (size_t i = 0; i < pos.n_lines; i++) {
        jscan_parse(&scan, pos.lines[i].p, pos.lines[i].n, NULL);
        assert_string_equal(jscan_fault_reason(scan.fault),
                            want[i + 1] ? want[i + 1] : "");
        n_bad += want[i + 1] != NULL;
    }
    assert_int_equal(n_bad, 15);
    free(want);
    data_free(&pos);
    data_free(&list);
}

static const struct jscan_limits outer = {1 << 20, 64, 100000, 2};

/* Members of the document are the same as in a whole scan; containers are one token. */
static void agree(const char *text, size_t n)
{
    struct jscan whole;
    jscan_init(&whole);
    assert_int_equal(jscan_parse(&whole, text, n, NULL), 0);
    assert_int_equal(parse_n(text, n, &outer), 0);
    size_t i = 1, k = 1;
    for (; i < whole.tok[0].next; i = whole.tok[i].next, k++) {
        assert_true(str_eq(jscan_raw(&whole, i), jscan_raw(&scan, k)));
        assert_int_equal(whole.tok[i].type, scan.tok[k].type);
        assert_int_equal(scan.tok[k].next, k + 1);
    }
    assert_int_equal(k, scan.n);
    assert_int_equal(k, scan.tok[0].next);
    jscan_release(&whole);
}

static void steps_over_inner_containers(void **state)
{
    static const char *const good[] = {
        "{\"a\":[1,2,{\"b\":[]}],\"c\":{},\"d\":1}",
        "[[],{},[[[]]],1]",
        "{\"a\":{\"x\":\"]}\\\"]}\",\"y\":\"\\\\\"},\"z\":[\"{[\"]}",
        "{\"a\" : [ \"0123456789012345678901234567890123456789012345678901234\\\\\", "
        "\"}]}]}]\" , { } ] , \"b\" : 2 }",
    };
    static const char *const open[] = {"{\"a\":[1,2}", "[[", "{\"a\":{\"b\":\"}\"}",
                                       "{\"a\":[\"]", "[[1],[2]"};
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        agree(good[i], strlen(good[i]));
    for (size_t i = 0; i < sizeof open / sizeof *open; i++) {
        assert_int_equal(parse_n(open[i], strlen(open[i]), &outer), ERR_PARSE);
        assert_int_equal(scan.fault, JSCAN_FAULT_SYNTAX);
    }
}

/* Strings of every length with brackets, quotes and backslashes in them, so that each
 * falls on each byte of a block. */
static void stepping_over_agrees_with_the_scan(void **state)
{
    static const char pieces[][8] = {"{}", "]", "\\\"", "\\\\", "x", "[[", "\\n", "e"};
    unsigned seed = 3;
    (void)state;
    for (int round = 0; round < 3000; round++) {
        struct buf b;
        buf_init(&b, 1 << 20);
        buf_adds(&b, "{\"k\":[");
        for (int i = 0; i < round % 23; i++) {
            buf_adds(&b, i ? ",{\"v\":\"" : "{\"v\":\"");
            for (unsigned k = (seed = seed * 1103515245u + 12345u) >> 26; k; k--)
                buf_adds(&b, pieces[(seed = seed * 1103515245u + 12345u) >> 29]);
            buf_adds(&b, "\"}");
        }
        buf_adds(&b, "],\"n\":1.50}");
        agree(buf_str(&b), b.len);
        buf_release(&b);
    }
}

/* Run by valgrind: scans the receipts once, so that only jscan_parse is counted. */
static int measure(void)
{
    struct data_file pos;
    if (!data_read("pos.jsonl.gz", &pos))
        return 1;
    jscan_init(&scan);
    for (size_t i = 0; i < pos.n_lines; i++)
        if (jscan_parse(&scan, pos.lines[i].p, pos.lines[i].n, NULL) != 0)
            return 1;
    jscan_release(&scan);
    data_free(&pos);
    return 0;
}

/* The figure is of the optimised scanner with SSE2. */
#if !defined(JSCAN_PORTABLE) && !defined(__SANITIZE_ADDRESS__) &&                      \
    !defined(__SANITIZE_THREAD__) && defined(__OPTIMIZE__)
#define COUNTS_INSTRUCTIONS 1
static void costs_at_most_16_instructions_a_byte(void **state)
{
    (void)state;
    struct data_file pos;
    char self[PATH_MAX], command[PATH_MAX + 256], line[512];
    data_need("pos.jsonl.gz", &pos);
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    assert_true(n > 0);
    self[n] = '\0';
    if (system("command -v valgrind >/dev/null") != 0)
        skip();
    snprintf(command, sizeof command,
             "valgrind --tool=callgrind --callgrind-out-file=/dev/null "
             "--toggle-collect=jscan_parse '%s' measure 2>&1",
             self);
    FILE *f = popen(command, "r");
    assert_non_null(f);
    double instructions = 0;
    while (fgets(line, sizeof line, f)) {
        const char *at = strstr(line, "Collected :");
        if (at)
            instructions = strtod(at + strlen("Collected :"), NULL);
    }
    assert_int_equal(pclose(f), 0);
    double each = instructions / (double)(pos.n - pos.n_lines);
    print_message("jscan: %.2f instructions a byte\n", each);
    assert_true(each > 1 && each <= 16);
    data_free(&pos);
}
#endif

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "measure") == 0)
        return measure();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(accepts_every_value),
        cmocka_unit_test(refuses_bad_syntax_at_its_byte),
        cmocka_unit_test(refuses_text_that_is_no_character),
        cmocka_unit_test(utf8_agrees_with_the_decoder),
        cmocka_unit_test(finds_duplicate_keys),
        cmocka_unit_test(finds_duplicate_keys_in_wide_objects),
        cmocka_unit_test(keeps_to_its_limits),
        cmocka_unit_test(tokens_describe_the_tree),
        cmocka_unit_test(unescapes_text),
        cmocka_unit_test(names_the_faults_of_the_disordered_receipts),
        cmocka_unit_test(steps_over_inner_containers),
        cmocka_unit_test(stepping_over_agrees_with_the_scan),
#ifdef COUNTS_INSTRUCTIONS
        cmocka_unit_test(costs_at_most_16_instructions_a_byte),
#endif
    };
    jscan_init(&scan);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    jscan_release(&scan);
    return failed;
}
