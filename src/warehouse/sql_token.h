/* SQL text → tokens: what wh_translate and the error messages work on. Tokens cover the
 * significant text; white space and comments lie between them. Pure logic. */
#ifndef WAREHOUSE_SQL_TOKEN_H
#define WAREHOUSE_SQL_TOKEN_H

#include <stdbool.h>
#include <stddef.h>
#include "base/err.h"
#include "base/mem.h"

enum sql_kind {
    SQL_WORD,   /* bare identifier or keyword */
    SQL_QUOTED, /* "x" `x` [x] */
    SQL_STRING, /* 'x' */
    SQL_NUMBER,
    SQL_OPEN,
    SQL_CLOSE,
    SQL_COMMA,
    SQL_SEMI,
    SQL_DOT,
    SQL_OPERATOR,
    SQL_PARAMETER, /* ? :x @x $x */
};

struct sql_token {
    size_t start, len;
    enum sql_kind kind;
};

struct sql_tokens {
    const char *text; /* borrowed */
    size_t n_text;
    struct sql_token *v; /* from the arena */
    size_t n;
};

/* ERR_PARSE with line and column for an unclosed string, name or comment. */
int sql_tokenize(struct sql_tokens *t, struct arena *mem, const char *text, size_t n,
                 bool brackets_quote, struct err *e);
/* Token i is this bare word, whatever the case. False past the end. */
bool sql_is_word(const struct sql_tokens *t, size_t i, const char *word);
bool sql_is_op(const struct sql_tokens *t, size_t i, const char *op);
bool sql_is_kind(const struct sql_tokens *t, size_t i, enum sql_kind kind);
/* The identifier a WORD or QUOTED token stands for; the text of a string. */
char *sql_name(const struct sql_tokens *t, size_t i, struct arena *mem);
/* Index of the bracket that belongs to the one at i (forward / backward), n if none. */
size_t sql_match(const struct sql_tokens *t, size_t i);
size_t sql_match_back(const struct sql_tokens *t, size_t i);
/* 1-based line and column (bytes) of an offset. */
void sql_position(const char *text, size_t n, size_t offset, int *line, int *column);
/* "  12 | the line\n     |     ^" for messages, appended. */
struct buf;
void sql_caret(struct buf *out, const char *text, size_t n, size_t offset);

#endif
