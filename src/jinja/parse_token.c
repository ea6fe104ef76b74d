/* What both halves of the parser stand on: failing with a place, memory, and the token
 * stream with one token of lookahead. */
#include "jinja/parser.h"

#include <stdarg.h>

/* ── errors and memory ── */
void __attribute__((noreturn, format(printf, 4, 5)))
parse_fail(struct parser *p, uint32_t line, uint32_t col, const char *fmt, ...)
{
    char text[600];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    err_set(p->e, ERR_PARSE, "%s:%u:%u: %s", p->t->name, line, col, text);
    longjmp(p->out, 1);
}

void *parse_mem(struct parser *p, size_t n)
{
    void *m = arena_alloc(p->t->mem, n);
    if (!m)
        parse_fail(p, p->cur.line, p->cur.col,
                   "template too large: memory limit exceeded");
    return m;
}

struct node *parse_node(struct parser *p, enum node_kind k, const struct token *t)
{
    struct node *n = parse_mem(p, sizeof *n);
    n->kind = (uint8_t)k;
    n->line = t->line;
    n->col = t->col;
    return n;
}

void parse_chain_add(struct chain *c, struct node *n)
{
    if (c->tail)
        c->tail->next = n;
    else
        c->head = n;
    c->tail = n;
    c->n++;
}

void parse_check_depth(struct parser *p)
{
    const char *here = __builtin_frame_address(0);
    ptrdiff_t used = p->stack_base - here;
    if (used > (ptrdiff_t)PARSE_STACK_BYTES || used < -(ptrdiff_t)PARSE_STACK_BYTES)
        parse_fail(p, p->cur.line, p->cur.col, "nested too deep");
}

/* ── tokens ── */
void parse_check_token(struct parser *p, const struct token *t)
{
    if (t->type == T_ERROR)
        FAIL_AT(p, t, "%s", p->lex.fault);
}

void parse_next(struct parser *p)
{
    if (p->has_ahead) {
        p->cur = p->ahead;
        p->has_ahead = false;
    } else {
        lex_next(&p->lex, &p->cur);
    }
    parse_check_token(p, &p->cur);
}

const struct token *parse_peek(struct parser *p)
{
    if (!p->has_ahead) {
        lex_next(&p->lex, &p->ahead);
        parse_check_token(p, &p->ahead);
        p->has_ahead = true;
    }
    return &p->ahead;
}

bool parse_skip(struct parser *p, enum tok t)
{
    if (p->cur.type != t)
        return false;
    parse_next(p);
    return true;
}

void tok_describe(const struct token *t, char *out, size_t size)
{
    if (t->type == T_NAME)
        snprintf(out, size, "%.*s", (int)(t->n < 60 ? t->n : 60), t->p);
    else
        snprintf(out, size, "%s", tok_name(t->type));
}

void parse_expect(struct parser *p, enum tok t)
{
    char got[80];
    if (p->cur.type != t) {
        tok_describe(&p->cur, got, sizeof got);
        if (p->cur.type == T_EOF)
            FAIL_AT(p, &p->cur, "unexpected end of template, expected '%s'.",
                    tok_name(t));
        FAIL_AT(p, &p->cur, "expected token '%s', got '%s'", tok_name(t), got);
    }
    parse_next(p);
}

void parse_expect_name(struct parser *p, const char *name)
{
    char got[80];
    if (!tok_is(&p->cur, name)) {
        tok_describe(&p->cur, got, sizeof got);
        FAIL_AT(p, &p->cur, "expected token '%s', got '%s'", name, got);
    }
    parse_next(p);
}

struct sym *parse_name(struct parser *p)
{
    struct sym *s = p->cur.sym;
    char got[80];
    if (p->cur.type != T_NAME) {
        tok_describe(&p->cur, got, sizeof got);
        FAIL_AT(p, &p->cur, "expected token 'name', got '%s'", got);
    }
    parse_next(p);
    return s;
}
