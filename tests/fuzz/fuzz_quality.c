/* Any bytes as a suite file, and as a parameter expression: an error or a value. */
#include "base/json.h"
#include "base/mem.h"
#include "quality/check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err e;
    struct suite *s = NULL;
    json_t *j = json_loadb((const char *)data, size, JSON_DECODE_ANY, NULL), *v = NULL;
    if (j && suite_parse(&s, j, "fuzz", &e) == 0)
        suite_free(s);
    json_decref(j);
    json_t *given = json_pack("{s:i, s:[i, i], s:s}", "n", 3, "list", 1, 2, "t", "x");
    struct parameters p = {.given = given, .now_ms = 1767272400000};
    char *text = mem_strndup((const char *)data, size);
    json_t *x = json_object();
    json_put_str(x, "$PARAMETER", text);
    if (parameters_resolve(&p, x, &v, &e) == 0)
        json_decref(v);
    json_decref(x);
    json_decref(given);
    mem_free(text);
    return 0;
}

#include "fuzz/driver.inc"
