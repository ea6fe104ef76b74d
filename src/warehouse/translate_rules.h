/* Shared by translate.c (driver, output) and translate_rules.c (the rules). */
#ifndef WAREHOUSE_TRANSLATE_RULES_H
#define WAREHOUSE_TRANSLATE_RULES_H

#include "warehouse/sql_token.h"
#include "warehouse/translate.h"

/* What is written for one token: before, instead (NULL: as it is) and behind it. */
struct piece {
    const char *pre, *repl, *post;
    size_t left; /* 1 + first token of the rewritten operand that ends here; 0: none */
};

struct translator {
    const struct translate_env *env;
    struct sql_tokens t;
    struct piece *p;
    struct arena *mem;
};

/* Applies every rule that begins at token i. */
void translate_rule(struct translator *tr, size_t i);
/* Operators on a left operand: casts, intervals, division. */
void translate_operator(struct translator *tr, size_t i);
/* The rule of the snowflake → PostgreSQL dialect that begins at token i. */
void translate_postgres(struct translator *tr, size_t i);
void translate_cast_call(struct translator *tr, size_t i);
/* Drops tokens from..to (inclusive) from the output. */
void translate_drop(struct translator *tr, size_t from, size_t to);
bool translate_is_unit(const struct translator *tr, size_t i);

#endif
