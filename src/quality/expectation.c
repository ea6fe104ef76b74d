/* The table of expectations, from expectation.list. */
#include "quality/expectation.h"

#include "base/str.h"

static const struct expectation_row rows[] = {
#define X(type, plan, judge, is_map) {#type, plan, judge, is_map},
#include "quality/expectation.list"
#undef X
};

/* type with or without "expect_"; NULL: not known. */
const struct expectation_row *expectation_find(const char *type)
{
    if (str_starts(type, "expect_"))
        type += 7;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (streq(rows[i].type, type))
            return &rows[i];
    return NULL;
}
