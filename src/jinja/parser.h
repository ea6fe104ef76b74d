/* What the two halves of the parser share: its state and the token helpers. Included by
 * parse.c and parse_expr.c only. */
#ifndef JINJA_PARSER_H
#define JINJA_PARSER_H

#include <setjmp.h>
#include "jinja/internal.h"

#define PARSE_STACK_BYTES (1U << 20)

struct parser {
    struct lexer lex;
    struct token cur, ahead;
    bool has_ahead;
    struct jinja_template *t;
    struct jinja_env *env;
    struct open_macro *macros; /* innermost first */
    struct open_loop *loops;
    struct tag_wait *waits;
    const char *def_end; /* the name in the end tag of the last definition */
    const char *stack_base;
    bool is_soft; /* inside an if: an unknown filter is an error only when it runs */
    const struct node
        *unknown; /* filter or test to refuse at the end of the statement */
    jmp_buf out;
    struct err *e;
    struct {
        struct sym *caller, *varargs, *kwargs, *loop;
    } known;
};
struct open_macro {
    struct macro_def *def;
    struct open_macro *up;
};
struct open_loop {
    struct node *node;
    struct open_loop *up;
};
/* What an unfinished tag waits for, for the error text. */
struct tag_wait {
    const char *const *ends;
    const char *tag;
    struct tag_wait *up;
};
struct chain {
    struct node *head, *tail;
    uint32_t n;
};

/* Jumps out of the parser with "name:line:col: text". */
void parse_fail(struct parser *p, uint32_t line, uint32_t col, const char *fmt, ...)
    __attribute__((noreturn, format(printf, 4, 5)));
#define FAIL_AT(p, tok, ...) parse_fail(p, (tok)->line, (tok)->col, __VA_ARGS__)
void *parse_mem(struct parser *p, size_t n); /* zeroed, in the template's arena */
struct node *parse_node(struct parser *p, enum node_kind k, const struct token *t);
void parse_chain_add(struct chain *c, struct node *n);
void parse_check_depth(struct parser *p);

void parse_check_token(struct parser *p, const struct token *t); /* fails on T_ERROR */
void parse_next(struct parser *p);
const struct token *parse_peek(struct parser *p);
static inline bool tok_is(const struct token *t, const char *name)
{
    size_t n = __builtin_strlen(name);
    return t->type == T_NAME && t->n == n && memcmp(t->p, name, n) == 0;
}
void tok_describe(const struct token *t, char *out, size_t size);
bool parse_skip(struct parser *p, enum tok t);
void parse_expect(struct parser *p, enum tok t);
static inline bool parse_skip_name(struct parser *p, const char *name)
{
    if (!tok_is(&p->cur, name))
        return false;
    parse_next(p);
    return true;
}
void parse_expect_name(struct parser *p, const char *name);
struct sym *parse_name(struct parser *p);

struct node *parse_expr(struct parser *p);
/* One expression, or several with commas as a tuple; ends at extra_end too. */
struct node *parse_tuple(struct parser *p, bool with_cond, const char *extra_end,
                         bool is_parenthesised);
/* name[(args)] of a filter on value (NULL: a filter block). */
struct node *parse_filter(struct parser *p, struct node *value);
/* Fails when a filter or test of the statement just parsed does not exist. */
void parse_refuse_unknown(struct parser *p);

#endif
