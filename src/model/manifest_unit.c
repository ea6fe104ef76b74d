/* The checksum of a unit test, by which state:modified sees that it changed: dbt hashes
 * Python's text of the definition, so that text is made here. In: the manifest's entry.
 * Out: its checksum. Called by artifacts.c. */
#include "model/internal.h"

#include "base/hash.h"

/* repr(v) */
static void add_repr(struct project *p, struct buf *b, json_t *v)
{
    struct buf text;
    json_t *in_list = json_pack("[O]", v ? v : json_null());
    buf_init(&text, 16u << 20);
    jv_to_text(jv_from_json(&p->mem, in_list), &text); /* "[…]" */
    if (text.len > 2)
        buf_add(b, text.data + 1, text.len - 2);
    buf_release(&text);
    json_decref(in_list);
}

static void add_member(struct project *p, struct buf *b, const char *before,
                       const json_t *from, const char *key)
{
    buf_addf(b, "%s%s=", before, key);
    add_repr(p, b, json_object_get(from, key));
}

static void add_format(struct buf *b, const json_t *fixture)
{
    const char *format = json_str(fixture, "format", "dict");
    const char *name = streq(format, "csv")   ? "CSV"
                       : streq(format, "sql") ? "SQL"
                                              : "Dict";
    buf_addf(b, ", format=<UnitTestFormat.%s: '%s'>", name, format);
}

static void add_fixture(struct project *p, struct buf *b, const json_t *f,
                        bool is_given)
{
    buf_adds(b, is_given ? "UnitTestInputFixture(" : "UnitTestOutputFixture(");
    if (is_given)
        add_member(p, b, "", f, "input");
    add_member(p, b, is_given ? ", " : "", f, "rows");
    add_format(b, f);
    add_member(p, b, ", ", f, "fixture");
    buf_addc(b, ')');
}

/* A dataclass of which only the values' defaults differ. */
static void add_class(struct project *p, struct buf *b, const char *name, json_t *v,
                      const char *const *keys)
{
    if (!json_is_object(v)) {
        buf_adds(b, "None");
        return;
    }
    buf_addf(b, "%s(", name);
    for (size_t i = 0; keys[i]; i++)
        add_member(p, b, i ? ", " : "", v, keys[i]);
    buf_addc(b, ')');
}

/* SQL is kept without the white space around it. */
static void strip_rows(json_t *fixture)
{
    const char *text = json_str(fixture, "rows", NULL);
    if (!text)
        return;
    text += strspn(text, " \t\r\n");
    size_t n = strlen(text);
    while (n && strchr(" \t\r\n", text[n - 1]))
        n--;
    json_put(fixture, "rows", json_stringn(text, n));
}

/* Members that the mapping leaves out. */
static void fill_in(json_t *n, const char *key, json_t *all)
{
    json_t *own = json_obj(n, key);
    if (own) {
        json_object_update(all, own);
        json_object_set(n, key, all);
    }
    json_decref(all);
}

void manifest_unit_checksum(struct project *p, json_t *n)
{
    static const char *const overridden[] = {"macros", "vars", "env_vars", NULL};
    static const char *const versions[] = {"include", "exclude", NULL};
    json_t *given = json_arr(n, "given"), *one;
    char hex[65];
    struct buf b;
    size_t i;
    fill_in(n, "overrides",
            json_pack("{s:{}, s:{}, s:{}}", "macros", "vars", "env_vars"));
    fill_in(n, "versions", json_pack("{s:n, s:n}", "include", "exclude"));
    json_array_foreach (given, i, one)
        strip_rows(one);
    strip_rows(json_obj(n, "expect"));
    buf_init(&b, 64u << 20);
    buf_addf(&b, "%s-", json_str(n, "model", ""));
    add_class(p, &b, "UnitTestNodeVersions", json_object_get(n, "versions"), versions);
    buf_adds(&b, "-[");
    json_array_foreach (given, i, one) {
        buf_adds(&b, i ? ", " : "");
        add_fixture(p, &b, one, true);
    }
    buf_adds(&b, "]-");
    add_fixture(p, &b, json_obj(n, "expect"), false);
    buf_addc(&b, '-');
    add_class(p, &b, "UnitTestOverrides", json_object_get(n, "overrides"), overridden);
    json_array_foreach (given, i, one) {
        if (!json_str(one, "fixture", NULL))
            continue;
        buf_addc(&b, '-');
        if (json_is_string(json_object_get(one, "rows")))
            buf_adds(&b, json_str(one, "rows", ""));
        else
            add_repr(p, &b, json_object_get(one, "rows"));
    }
    json_put_str(n, "checksum", hash_sha256_hex(buf_str(&b), b.len, hex));
    buf_release(&b);
}
