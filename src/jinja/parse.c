/* Tokens → syntax tree: Jinja2's grammar, its precedences and its error texts, plus
 * dbt's tags (materialization, test, data_test, snapshot, docs), which only define.
 * Everything is allocated in the template's arena; an error jumps out of the recursion.
 */
#include "jinja/internal.h"

#include <setjmp.h>
#include <stdarg.h>

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
    const char *stack_base;
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

static struct node *parse_expr(struct parser *p);
static struct node *parse_condless(struct parser *p);
static struct node *parse_unary(struct parser *p, bool with_filter);
static struct node *parse_primary(struct parser *p);
static struct node *parse_postfix(struct parser *p, struct node *n);
static struct node *parse_body(struct parser *p, const char *const *ends,
                               const char *tag);

/* ── errors and memory ── */
static void __attribute__((noreturn, format(printf, 4, 5)))
fail(struct parser *p, uint32_t line, uint32_t col, const char *fmt, ...)
{
    char text[600];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    err_set(p->e, ERR_PARSE, "%s:%u:%u: %s", p->t->name, line, col, text);
    longjmp(p->out, 1);
}

#define FAIL_AT(p, tok, ...) fail(p, (tok)->line, (tok)->col, __VA_ARGS__)

static void *get_mem(struct parser *p, size_t n)
{
    void *m = arena_alloc(p->t->mem, n);
    if (!m)
        fail(p, p->cur.line, p->cur.col, "template too large: memory limit exceeded");
    return m;
}

static struct node *node_at(struct parser *p, enum node_kind k, const struct token *t)
{
    struct node *n = get_mem(p, sizeof *n);
    n->kind = (uint8_t)k;
    n->line = t->line;
    n->col = t->col;
    return n;
}

static void chain_add(struct chain *c, struct node *n)
{
    if (c->tail)
        c->tail->next = n;
    else
        c->head = n;
    c->tail = n;
    c->n++;
}

static void check_depth(struct parser *p)
{
    const char *here = __builtin_frame_address(0);
    ptrdiff_t used = p->stack_base - here;
    if (used > (ptrdiff_t)PARSE_STACK_BYTES || used < -(ptrdiff_t)PARSE_STACK_BYTES)
        fail(p, p->cur.line, p->cur.col, "nested too deep");
}

/* ── tokens ── */
static void check_token(struct parser *p, const struct token *t)
{
    if (t->type == T_ERROR)
        FAIL_AT(p, t, "%s", p->lex.fault);
}

static void next(struct parser *p)
{
    if (p->has_ahead) {
        p->cur = p->ahead;
        p->has_ahead = false;
    } else {
        lex_next(&p->lex, &p->cur);
    }
    check_token(p, &p->cur);
}

static const struct token *peek(struct parser *p)
{
    if (!p->has_ahead) {
        lex_next(&p->lex, &p->ahead);
        check_token(p, &p->ahead);
        p->has_ahead = true;
    }
    return &p->ahead;
}

static bool is_name(const struct token *t, const char *name)
{
    size_t n = strlen(name);
    return t->type == T_NAME && t->n == n && memcmp(t->p, name, n) == 0;
}

static bool skip_if(struct parser *p, enum tok t)
{
    if (p->cur.type != t)
        return false;
    next(p);
    return true;
}

static bool skip_name(struct parser *p, const char *name)
{
    if (!is_name(&p->cur, name))
        return false;
    next(p);
    return true;
}

static void describe(const struct token *t, char *out, size_t size)
{
    if (t->type == T_NAME)
        snprintf(out, size, "%.*s", (int)(t->n < 60 ? t->n : 60), t->p);
    else
        snprintf(out, size, "%s", tok_name(t->type));
}

static void expect(struct parser *p, enum tok t)
{
    char got[80];
    if (p->cur.type != t) {
        describe(&p->cur, got, sizeof got);
        if (p->cur.type == T_EOF)
            FAIL_AT(p, &p->cur, "unexpected end of template, expected '%s'.",
                    tok_name(t));
        FAIL_AT(p, &p->cur, "expected token '%s', got '%s'", tok_name(t), got);
    }
    next(p);
}

static void expect_name(struct parser *p, const char *name)
{
    char got[80];
    if (!is_name(&p->cur, name)) {
        describe(&p->cur, got, sizeof got);
        FAIL_AT(p, &p->cur, "expected token '%s', got '%s'", name, got);
    }
    next(p);
}

static struct sym *take_name(struct parser *p)
{
    struct sym *s = p->cur.sym;
    char got[80];
    if (p->cur.type != T_NAME) {
        describe(&p->cur, got, sizeof got);
        FAIL_AT(p, &p->cur, "expected token 'name', got '%s'", got);
    }
    next(p);
    return s;
}

/* ── expressions ── */
static struct node *const_node(struct parser *p, const struct token *t, struct jv *v)
{
    struct node *n = node_at(p, E_CONST, t);
    n->value = v;
    return n;
}

/* Mark what the macros and loops around a name need to provide. */
static void note_use(struct parser *p, const struct sym *s)
{
    if (s == p->known.loop)
        for (struct open_loop *l = p->loops; l; l = l->up)
            l->node->flag2 = true;
    for (struct open_macro *m = p->macros; m; m = m->up) {
        m->def->uses_caller |= s == p->known.caller;
        m->def->uses_varargs |= s == p->known.varargs;
        m->def->uses_kwargs |= s == p->known.kwargs;
    }
}

static struct node *name_node(struct parser *p)
{
    struct token t = p->cur;
    next(p);
    if (is_name(&t, "true") || is_name(&t, "True"))
        return const_node(p, &t, jv_bool(true));
    if (is_name(&t, "false") || is_name(&t, "False"))
        return const_node(p, &t, jv_bool(false));
    if (is_name(&t, "none") || is_name(&t, "None"))
        return const_node(p, &t, jv_none());
    struct node *n = node_at(p, E_NAME, &t);
    n->sym = t.sym;
    note_use(p, t.sym);
    return n;
}

static struct node *string_node(struct parser *p)
{
    struct token t = p->cur;
    next(p);
    if (p->cur.type != T_STRING)
        return const_node(p, &t, t.value);
    struct buf b;
    buf_init(&b, 64 << 20);
    buf_add(&b, t.value->u.s.p, t.value->u.s.n);
    while (p->cur.type == T_STRING) {
        buf_add(&b, p->cur.value->u.s.p, p->cur.value->u.s.n);
        lex_next(&p->lex, &p->cur);
    }
    struct jv *v = b.failed ? NULL : jv_str(p->t->mem, buf_str(&b), b.len);
    buf_release(&b);
    check_token(p, &p->cur);
    if (!v)
        FAIL_AT(p, &t, "string too long");
    return const_node(p, &t, v);
}

static bool at_tuple_end(struct parser *p, const char *extra_end)
{
    return p->cur.type == T_VAR_END || p->cur.type == T_BLOCK_END ||
           p->cur.type == T_RPAREN || (extra_end && is_name(&p->cur, extra_end));
}

/* One expression, or several with commas as a tuple. */
static struct node *parse_tuple(struct parser *p, bool with_cond, const char *extra_end,
                                bool is_parenthesised)
{
    struct token t = p->cur;
    struct chain c = {0};
    bool is_tuple = false;
    while (!at_tuple_end(p, extra_end)) {
        chain_add(&c, with_cond ? parse_expr(p) : parse_condless(p));
        if (p->cur.type != T_COMMA)
            break;
        is_tuple = true;
        next(p);
    }
    if (!is_tuple && c.n)
        return c.head;
    if (!c.n && !is_parenthesised) {
        char got[80];
        describe(&p->cur, got, sizeof got);
        FAIL_AT(p, &p->cur, "Expected an expression, got '%s'", got);
    }
    struct node *n = node_at(p, E_TUPLE, &t);
    n->a = c.head;
    n->n = c.n;
    return n;
}

static struct node *list_node(struct parser *p)
{
    struct node *n = node_at(p, E_LIST, &p->cur);
    struct chain c = {0};
    expect(p, T_LBRACKET);
    while (p->cur.type != T_RBRACKET) {
        if (c.n)
            expect(p, T_COMMA);
        if (p->cur.type == T_RBRACKET)
            break;
        chain_add(&c, parse_expr(p));
    }
    expect(p, T_RBRACKET);
    n->a = c.head;
    n->n = c.n;
    return n;
}

/* Keys and values alternate in the chain at a. */
static struct node *dict_node(struct parser *p)
{
    struct node *n = node_at(p, E_DICT, &p->cur);
    struct chain c = {0};
    expect(p, T_LBRACE);
    while (p->cur.type != T_RBRACE) {
        if (c.n)
            expect(p, T_COMMA);
        if (p->cur.type == T_RBRACE)
            break;
        chain_add(&c, parse_expr(p));
        expect(p, T_COLON);
        chain_add(&c, parse_expr(p));
    }
    expect(p, T_RBRACE);
    n->a = c.head;
    n->n = c.n;
    return n;
}

static struct node *parse_primary(struct parser *p)
{
    struct token t = p->cur;
    struct node *n;
    char got[80];
    check_depth(p);
    switch ((int)t.type) {
    case T_NAME:
        return name_node(p);
    case T_STRING:
        return string_node(p);
    case T_INT:
    case T_FLOAT:
        next(p);
        return const_node(p, &t, t.value);
    case T_LPAREN:
        next(p);
        n = parse_tuple(p, true, NULL, true);
        expect(p, T_RPAREN);
        return n;
    case T_LBRACKET:
        return list_node(p);
    case T_LBRACE:
        return dict_node(p);
    default:
        break;
    }
    describe(&t, got, sizeof got);
    if (t.type == T_EOF)
        FAIL_AT(p, &t, "unexpected end of template");
    FAIL_AT(p, &t, "unexpected '%s'", got);
}

/* ── calls ── */
static void add_keyword(struct parser *p, struct callargs *a, struct chain *kw,
                        size_t *cap, const char *name, struct node *value)
{
    if (a->n_kw == *cap) {
        *cap = *cap ? *cap * 2 : 4;
        const char **names = get_mem(p, *cap * sizeof *names);
        if (a->n_kw)
            memcpy(names, a->kw_names, a->n_kw * sizeof *names);
        a->kw_names = names;
    }
    a->kw_names[a->n_kw++] = name;
    chain_add(kw, value);
}

static struct callargs *call_args(struct parser *p)
{
    struct callargs *a = get_mem(p, sizeof *a);
    struct chain pos = {0}, kw = {0};
    size_t cap = 0;
    bool needs_comma = false;
    expect(p, T_LPAREN);
    while (p->cur.type != T_RPAREN) {
        struct token t = p->cur;
        if (needs_comma) {
            expect(p, T_COMMA);
            if (p->cur.type == T_RPAREN)
                break;
            t = p->cur;
        }
        if (p->cur.type == T_MUL && !a->star && !a->dstar) {
            next(p);
            a->star = parse_expr(p);
        } else if (p->cur.type == T_POW && !a->dstar) {
            next(p);
            a->dstar = parse_expr(p);
        } else if (p->cur.type == T_NAME && peek(p)->type == T_ASSIGN && !a->dstar) {
            const char *name = p->cur.sym->str.u.s.p;
            next(p);
            next(p);
            add_keyword(p, a, &kw, &cap, name, parse_expr(p));
        } else if (!a->star && !a->dstar && !a->n_kw) {
            chain_add(&pos, parse_expr(p));
        } else {
            FAIL_AT(p, &t, "invalid syntax for function call expression");
        }
        needs_comma = true;
    }
    expect(p, T_RPAREN);
    a->pos = pos.head;
    a->n = pos.n;
    a->kw = kw.head;
    return a;
}

static struct node *call_node(struct parser *p, struct node *callee)
{
    struct node *n = node_at(p, E_CALL, &p->cur);
    if (callee->line) {
        n->line = callee->line;
        n->col = callee->col;
    }
    n->a = callee;
    n->args = call_args(p);
    return n;
}

static struct node *subscript_item(struct parser *p)
{
    struct token t = p->cur;
    struct node *first = NULL, *n;
    if (p->cur.type != T_COLON) {
        first = parse_expr(p);
        if (p->cur.type != T_COLON)
            return first;
    }
    n = node_at(p, E_SLICE, &t);
    n->a = first;
    next(p);
    if (p->cur.type != T_COLON && p->cur.type != T_RBRACKET && p->cur.type != T_COMMA)
        n->b = parse_expr(p);
    if (p->cur.type == T_COLON) {
        next(p);
        if (p->cur.type != T_RBRACKET && p->cur.type != T_COMMA)
            n->c = parse_expr(p);
    }
    return n;
}

static struct node *subscript(struct parser *p, struct node *owner)
{
    struct token t = p->cur;
    struct node *n;
    next(p);
    if (t.type == T_DOT) {
        if (p->cur.type == T_NAME) {
            n = node_at(p, E_ATTR, &p->cur);
            n->sym = p->cur.sym;
        } else if (p->cur.type == T_INT) {
            n = node_at(p, E_ITEM, &p->cur);
            n->b = const_node(p, &p->cur, p->cur.value);
        } else {
            FAIL_AT(p, &p->cur, "expected name or number");
        }
        n->a = owner;
        next(p);
        return n;
    }
    n = node_at(p, E_ITEM, &t);
    n->a = owner;
    struct chain c = {0};
    while (p->cur.type != T_RBRACKET) {
        if (c.n)
            expect(p, T_COMMA);
        chain_add(&c, subscript_item(p));
    }
    expect(p, T_RBRACKET);
    if (!c.n)
        FAIL_AT(p, &t, "expected a subscript");
    if (c.n == 1) {
        n->b = c.head;
    } else {
        n->b = node_at(p, E_TUPLE, &t);
        n->b->a = c.head;
        n->b->n = c.n;
    }
    return n;
}

static struct node *parse_postfix(struct parser *p, struct node *n)
{
    for (;;) {
        if (p->cur.type == T_DOT || p->cur.type == T_LBRACKET)
            n = subscript(p, n);
        else if (p->cur.type == T_LPAREN)
            n = call_node(p, n);
        else
            return n;
    }
}

static struct sym *dotted_name(struct parser *p)
{
    struct sym *s = take_name(p);
    while (p->cur.type == T_DOT) {
        next(p);
        struct sym *more = take_name(p);
        char *joined = arena_printf(p->t->mem, "%s.%s", s->str.u.s.p, more->str.u.s.p);
        s = sym_of(p->env, joined, strlen(joined));
    }
    return s;
}

/* name[(args)] behind a "|", or the filter of a block (value NULL). */
static struct node *filter_node(struct parser *p, struct node *value)
{
    struct node *n = node_at(p, E_FILTER, &p->cur);
    n->sym = dotted_name(p);
    n->a = value;
    if (p->cur.type == T_LPAREN)
        n->args = call_args(p);
    return n;
}

static bool starts_test_argument(struct parser *p)
{
    switch ((int)p->cur.type) {
    case T_NAME:
        return !is_name(&p->cur, "else") && !is_name(&p->cur, "or") &&
               !is_name(&p->cur, "and");
    case T_STRING:
    case T_INT:
    case T_FLOAT:
    case T_LPAREN:
    case T_LBRACKET:
    case T_LBRACE:
        return true;
    default:
        return false;
    }
}

static struct node *test_node(struct parser *p, struct node *value)
{
    struct node *n = node_at(p, E_TEST, &p->cur);
    next(p);
    n->flag = skip_name(p, "not");
    n->a = value;
    n->sym = dotted_name(p);
    if (p->cur.type == T_LPAREN) {
        n->args = call_args(p);
    } else if (starts_test_argument(p)) {
        if (is_name(&p->cur, "is"))
            FAIL_AT(p, &p->cur, "You cannot chain multiple tests with is");
        n->args = get_mem(p, sizeof *n->args);
        n->args->pos = parse_postfix(p, parse_primary(p));
        n->args->n = 1;
    }
    return n;
}

static struct node *parse_filters(struct parser *p, struct node *n)
{
    for (;;) {
        if (p->cur.type == T_PIPE) {
            next(p);
            n = filter_node(p, n);
        } else if (is_name(&p->cur, "is")) {
            n = test_node(p, n);
        } else if (p->cur.type == T_LPAREN) {
            n = call_node(p, n);
        } else {
            return n;
        }
    }
}

static struct node *parse_unary(struct parser *p, bool with_filter)
{
    struct node *n;
    check_depth(p);
    if (p->cur.type == T_SUB || p->cur.type == T_ADD) {
        n = node_at(p, p->cur.type == T_SUB ? E_NEG : E_POS, &p->cur);
        next(p);
        n->a = parse_unary(p, false);
    } else {
        n = parse_primary(p);
    }
    n = parse_postfix(p, n);
    return with_filter ? parse_filters(p, n) : n;
}

static struct node *binary(struct parser *p, const struct token *t, enum op op,
                           struct node *a, struct node *b)
{
    struct node *n = node_at(p, E_BIN, t);
    n->op = (uint8_t)op;
    n->a = a;
    n->b = b;
    return n;
}

static struct node *parse_pow(struct parser *p)
{
    struct node *n = parse_unary(p, true);
    while (p->cur.type == T_POW) {
        struct token t = p->cur;
        next(p);
        n = binary(p, &t, OP_POW, n, parse_unary(p, true));
    }
    return n;
}

static struct node *parse_product(struct parser *p)
{
    struct node *n = parse_pow(p);
    for (;;) {
        struct token t = p->cur;
        enum op op;
        switch ((int)t.type) {
        case T_MUL:
            op = OP_MUL;
            break;
        case T_DIV:
            op = OP_DIV;
            break;
        case T_FLOORDIV:
            op = OP_FLOORDIV;
            break;
        case T_MOD:
            op = OP_MOD;
            break;
        default:
            return n;
        }
        next(p);
        n = binary(p, &t, op, n, parse_pow(p));
    }
}

static struct node *parse_concat(struct parser *p)
{
    struct token t = p->cur;
    struct node *first = parse_product(p);
    if (p->cur.type != T_TILDE)
        return first;
    struct chain c = {0};
    chain_add(&c, first);
    while (skip_if(p, T_TILDE))
        chain_add(&c, parse_product(p));
    struct node *n = node_at(p, E_CONCAT, &t);
    n->a = c.head;
    n->n = c.n;
    return n;
}

static struct node *parse_sum(struct parser *p)
{
    struct node *n = parse_concat(p);
    while (p->cur.type == T_ADD || p->cur.type == T_SUB) {
        struct token t = p->cur;
        next(p);
        n = binary(p, &t, t.type == T_ADD ? OP_ADD : OP_SUB, n, parse_concat(p));
    }
    return n;
}

static bool compare_op(struct parser *p, enum op *op)
{
    switch ((int)p->cur.type) {
    case T_EQ:
        *op = OP_EQ;
        break;
    case T_NE:
        *op = OP_NE;
        break;
    case T_LT:
        *op = OP_LT;
        break;
    case T_LE:
        *op = OP_LE;
        break;
    case T_GT:
        *op = OP_GT;
        break;
    case T_GE:
        *op = OP_GE;
        break;
    default:
        if (is_name(&p->cur, "in")) {
            *op = OP_IN;
        } else if (is_name(&p->cur, "not") && is_name(peek(p), "in")) {
            next(p);
            *op = OP_NOTIN;
        } else {
            return false;
        }
    }
    next(p);
    return true;
}

/* a < b < c: a chain at b, each with the operator that leads to it. */
static struct node *parse_compare(struct parser *p)
{
    struct token t = p->cur;
    struct node *first = parse_sum(p);
    struct chain c = {0};
    enum op op;
    for (struct token at = p->cur; compare_op(p, &op); at = p->cur) {
        struct node *operand = node_at(p, E_COMPARE, &at);
        operand->op = (uint8_t)op;
        operand->a = parse_sum(p);
        chain_add(&c, operand);
    }
    if (!c.n)
        return first;
    struct node *n = node_at(p, E_COMPARE, &t);
    n->a = first;
    n->b = c.head;
    return n;
}

static struct node *parse_not(struct parser *p)
{
    check_depth(p);
    if (!is_name(&p->cur, "not"))
        return parse_compare(p);
    struct node *n = node_at(p, E_NOT, &p->cur);
    next(p);
    n->a = parse_not(p);
    return n;
}

static struct node *parse_logic(struct parser *p, bool is_or)
{
    struct token t = p->cur;
    struct node *n = is_or ? parse_logic(p, false) : parse_not(p);
    while (is_name(&p->cur, is_or ? "or" : "and")) {
        next(p);
        struct node *m = node_at(p, is_or ? E_OR : E_AND, &t);
        m->a = n;
        m->b = is_or ? parse_logic(p, false) : parse_not(p);
        n = m;
    }
    return n;
}

static struct node *parse_condless(struct parser *p)
{
    return parse_logic(p, true);
}

static struct node *parse_expr(struct parser *p)
{
    check_depth(p);
    struct token t = p->cur;
    struct node *n = parse_condless(p);
    while (skip_name(p, "if")) {
        struct node *m = node_at(p, E_COND, &t);
        m->b = n;
        m->a = parse_condless(p);
        if (skip_name(p, "else"))
            m->c = parse_expr(p);
        n = m;
    }
    return n;
}

/* ── assignment targets ── */
static bool is_reserved(const struct token *t)
{
    return is_name(t, "true") || is_name(t, "false") || is_name(t, "none") ||
           is_name(t, "True") || is_name(t, "False") || is_name(t, "None");
}

static struct node *target_one(struct parser *p, bool with_namespace)
{
    struct token t = p->cur;
    char got[80];
    if (t.type == T_LPAREN) {
        next(p);
        struct chain c = {0};
        struct node *n = node_at(p, E_TUPLE, &t);
        while (p->cur.type != T_RPAREN) {
            chain_add(&c, target_one(p, with_namespace));
            if (!skip_if(p, T_COMMA))
                break;
        }
        expect(p, T_RPAREN);
        n->a = c.head;
        n->n = c.n;
        return n;
    }
    describe(&t, got, sizeof got);
    if (t.type != T_NAME)
        FAIL_AT(p, &t, "can't assign to '%s'", got);
    if (is_reserved(&t))
        FAIL_AT(p, &t, "can't assign to 'const'");
    next(p);
    struct node *n = node_at(p, E_NAME, &t);
    n->sym = t.sym;
    if (with_namespace && p->cur.type == T_DOT) {
        next(p);
        n->kind = E_NSREF;
        n->value = &take_name(p)->str;
    }
    return n;
}

static struct node *parse_target(struct parser *p, bool with_namespace)
{
    struct token t = p->cur;
    struct node *first = target_one(p, with_namespace);
    if (p->cur.type != T_COMMA)
        return first;
    struct chain c = {0};
    chain_add(&c, first);
    while (skip_if(p, T_COMMA)) {
        if (p->cur.type == T_ASSIGN || is_name(&p->cur, "in"))
            break;
        chain_add(&c, target_one(p, with_namespace));
    }
    struct node *n = node_at(p, E_TUPLE, &t);
    n->a = c.head;
    n->n = c.n;
    return n;
}

/* ── statements ── */
static bool name_in(const struct token *t, const char *const *names)
{
    for (; names && *names; names++)
        if (is_name(t, *names))
            return true;
    return false;
}

static void fail_unknown_tag(struct parser *p)
{
    char got[80], wanted[160] = "";
    describe(&p->cur, got, sizeof got);
    if (!p->waits)
        FAIL_AT(p, &p->cur, "Encountered unknown tag '%s'.", got);
    size_t n = 0;
    for (const char *const *w = p->waits->ends; *w && n < sizeof wanted; w++)
        n += (size_t)snprintf(wanted + n, sizeof wanted - n, "%s'%s'", n ? " or " : "",
                              *w);
    FAIL_AT(
        p, &p->cur,
        "Encountered unknown tag '%s'. Jinja was looking for the following tags: %s. "
        "The innermost block that needs to be closed is '%s'.",
        got, wanted, p->waits->tag);
}

static void fail_end(struct parser *p)
{
    char wanted[160] = "";
    size_t n = 0;
    for (const char *const *w = p->waits->ends; *w && n < sizeof wanted; w++)
        n += (size_t)snprintf(wanted + n, sizeof wanted - n, "%s'%s'", n ? " or " : "",
                              *w);
    FAIL_AT(
        p, &p->cur,
        "Unexpected end of template. Jinja was looking for the following tags: %s. The "
        "innermost block that needs to be closed is '%s'.",
        wanted, p->waits->tag);
}

static struct node *parse_if(struct parser *p, const struct token *t)
{
    static const char *const ends[] = {"elif", "else", "endif", NULL};
    static const char *const else_ends[] = {"endif", NULL};
    struct node *n = node_at(p, N_IF, t);
    n->a = parse_tuple(p, false, NULL, false);
    n->b = parse_body(p, ends, "if");
    struct token at = p->cur;
    if (skip_name(p, "elif")) {
        n->c = parse_if(p, &at);
        n->flag = true;
        return n;
    }
    if (skip_name(p, "else"))
        n->c = parse_body(p, else_ends, "if");
    expect_name(p, "endif");
    return n;
}

static struct node *parse_for(struct parser *p, const struct token *t)
{
    static const char *const ends[] = {"endfor", "else", NULL};
    static const char *const else_ends[] = {"endfor", NULL};
    struct node *n = node_at(p, N_FOR, t);
    n->value = NULL;
    struct node *target = parse_target(p, false);
    expect_name(p, "in");
    n->a = target;
    n->b = parse_tuple(p, false, "recursive", false);
    if (skip_name(p, "if"))
        n->args = (struct callargs *)get_mem(p, sizeof *n->args),
        n->args->pos = parse_expr(p);
    n->flag = skip_name(p, "recursive");
    struct open_loop me = {n, p->loops};
    p->loops = &me;
    n->c = parse_body(p, ends, "for");
    p->loops = me.up;
    if (skip_name(p, "else"))
        n->d = parse_body(p, else_ends, "for");
    expect_name(p, "endfor");
    return n;
}

static struct node *parse_set(struct parser *p, const struct token *t)
{
    static const char *const ends[] = {"endset", NULL};
    struct node *n = node_at(p, N_SET, t);
    n->a = parse_target(p, true);
    if (skip_if(p, T_ASSIGN)) {
        n->b = parse_tuple(p, true, NULL, false);
        return n;
    }
    n->kind = N_SETBLOCK;
    while (p->cur.type == T_PIPE) {
        next(p);
        n->b = filter_node(p, n->b);
    }
    n->c = parse_body(p, ends, "set");
    expect_name(p, "endset");
    return n;
}

static void parse_signature(struct parser *p, struct macro_def *d)
{
    struct param *last = NULL;
    expect(p, T_LPAREN);
    while (p->cur.type != T_RPAREN) {
        if (d->n_params)
            expect(p, T_COMMA);
        if (p->cur.type == T_RPAREN)
            break;
        struct token t = p->cur;
        struct param *q = get_mem(p, sizeof *q);
        if (is_reserved(&t))
            FAIL_AT(p, &t, "can't assign to 'const'");
        q->sym = take_name(p);
        d->has_caller_param |= q->sym == p->known.caller;
        if (skip_if(p, T_ASSIGN))
            q->fallback = parse_expr(p);
        else if (last && last->fallback)
            FAIL_AT(p, &t, "non-default argument follows default argument");
        *(last ? &last->next : &d->params) = q;
        last = q;
        d->n_params++;
    }
    expect(p, T_RPAREN);
}

static struct macro_def *def_new(struct parser *p, struct sym *name, uint32_t line)
{
    struct macro_def *d = get_mem(p, sizeof *d);
    d->sym = name;
    d->line = line;
    d->tmpl = p->t;
    return d;
}

static void def_body(struct parser *p, struct macro_def *d, const char *const *ends,
                     const char *tag)
{
    struct open_macro me = {d, p->macros};
    struct open_loop *loops = p->loops;
    p->macros = &me;
    d->body = parse_body(p, ends, tag);
    p->macros = me.up;
    p->loops = loops;
    expect_name(p, ends[0]);
}

static void def_add(struct parser *p, const char *kind, const char *name, int line,
                    struct macro_def *m)
{
    struct jinja_template *t = p->t;
    if (t->n_defs == t->cap_defs) {
        size_t cap = t->cap_defs ? t->cap_defs * 2 : 4;
        struct jinja_def *defs = get_mem(p, cap * sizeof *defs);
        struct macro_def **macros = get_mem(p, cap * sizeof(struct macro_def *));
        if (t->n_defs) {
            memcpy(defs, t->defs, t->n_defs * sizeof *defs);
            memcpy(macros, t->def_macros, t->n_defs * sizeof(struct macro_def *));
        }
        t->defs = defs;
        t->def_macros = macros;
        t->cap_defs = cap;
    }
    t->defs[t->n_defs] = (struct jinja_def){.kind = kind, .name = name, .line = line};
    t->def_macros[t->n_defs++] = m;
}

static bool is_top_level(const struct parser *p)
{
    return !p->waits;
}

static struct node *parse_macro(struct parser *p, const struct token *t)
{
    static const char *const ends[] = {"endmacro", NULL};
    struct node *n = node_at(p, N_MACRO, t);
    struct token at = p->cur;
    if (is_reserved(&at))
        FAIL_AT(p, &at, "can't assign to 'const'");
    n->sym = take_name(p);
    n->def = def_new(p, n->sym, t->line);
    struct open_macro me = {n->def, p->macros};
    p->macros = &me;
    parse_signature(p, n->def);
    p->macros = me.up;
    bool is_top = is_top_level(p);
    def_body(p, n->def, ends, "macro");
    if (is_top)
        def_add(p, "macro", n->sym->str.u.s.p, (int)t->line, n->def);
    return n;
}

/* {% test name(args) %}: the macro test_name. */
static struct node *parse_test_tag(struct parser *p, const struct token *t,
                                   const char *const *ends)
{
    struct node *n = node_at(p, N_MACRO, t);
    struct sym *name = take_name(p);
    char *full = arena_printf(p->t->mem, "test_%s", name->str.u.s.p);
    n->sym = sym_of(p->env, full, strlen(full));
    n->def = def_new(p, n->sym, t->line);
    parse_signature(p, n->def);
    def_body(p, n->def, ends, "test");
    def_add(p, "test", name->str.u.s.p, (int)t->line, n->def);
    return n;
}

/* {% materialization name, default|adapter='x' [, supported_languages=[…]] %} */
static struct node *parse_materialization(struct parser *p, const struct token *t)
{
    static const char *const ends[] = {"endmaterialization", NULL};
    struct node *n = node_at(p, N_MACRO, t);
    const char *name = take_name(p)->str.u.s.p, *adapter = "default";
    struct node *languages = NULL;
    while (skip_if(p, T_COMMA)) {
        if (skip_name(p, "default"))
            continue;
        struct token key = p->cur;
        take_name(p);
        expect(p, T_ASSIGN);
        if (is_name(&key, "adapter")) {
            if (p->cur.type != T_STRING)
                FAIL_AT(p, &p->cur, "adapter of a materialization is a string");
            adapter = p->cur.value->u.s.p;
            next(p);
        } else {
            languages = parse_expr(p);
        }
    }
    char *full = arena_printf(p->t->mem, "materialization_%s_%s", name, adapter);
    n->sym = sym_of(p->env, full, strlen(full));
    n->def = def_new(p, n->sym, t->line);
    def_body(p, n->def, ends, "materialization");
    def_add(p, "materialization", name, (int)t->line, n->def);
    p->t->defs[p->t->n_defs - 1].adapter = adapter;
    n->a = languages;
    return n;
}

/* Raw text between {% tag name %} and {% endtag %}; an item of the template. */
static struct node *parse_raw_def(struct parser *p, const struct token *t,
                                  const char *kind, const char *end)
{
    struct node *n = node_at(p, N_SKIP, t);
    struct sym *name = take_name(p);
    struct token body;
    if (p->cur.type != T_BLOCK_END)
        expect(p, T_BLOCK_END);
    if (!lex_raw_until(&p->lex, end, &body))
        FAIL_AT(p, t, "{%% %s %s %%} is not closed: expected {%% %s %%}", kind,
                name->str.u.s.p, end);
    def_add(p, kind, name->str.u.s.p, (int)t->line, NULL);
    struct jinja_def *d = &p->t->defs[p->t->n_defs - 1];
    char *copy = get_mem(p, body.n + 1);
    memcpy(copy, body.p, body.n);
    d->body = copy;
    d->body_len = body.n;
    d->body_line = (int)body.line;
    p->lex.prev = T_BLOCK_END;
    return n;
}

static struct node *parse_call_block(struct parser *p, const struct token *t)
{
    static const char *const ends[] = {"endcall", NULL};
    struct node *n = node_at(p, N_CALLBLOCK, t);
    n->def = def_new(p, p->known.caller, t->line);
    n->def->is_caller = true;
    if (p->cur.type == T_LPAREN)
        parse_signature(p, n->def);
    struct token at = p->cur;
    n->a = parse_expr(p);
    if (n->a->kind != E_CALL)
        FAIL_AT(p, &at, "expected call");
    def_body(p, n->def, ends, "call");
    return n;
}

static struct node *parse_with(struct parser *p, const struct token *t)
{
    static const char *const ends[] = {"endwith", NULL};
    struct node *n = node_at(p, N_WITH, t);
    struct chain targets = {0}, values = {0};
    while (p->cur.type != T_BLOCK_END) {
        if (targets.n)
            expect(p, T_COMMA);
        chain_add(&targets, target_one(p, false));
        expect(p, T_ASSIGN);
        chain_add(&values, parse_expr(p));
    }
    n->a = targets.head;
    n->b = values.head;
    n->c = parse_body(p, ends, "with");
    expect_name(p, "endwith");
    return n;
}

static struct node *parse_filter_block(struct parser *p, const struct token *t)
{
    static const char *const ends[] = {"endfilter", NULL};
    struct node *n = node_at(p, N_FILTERBLOCK, t);
    n->b = filter_node(p, NULL);
    while (p->cur.type == T_PIPE) {
        next(p);
        n->b = filter_node(p, n->b);
    }
    n->c = parse_body(p, ends, "filter");
    expect_name(p, "endfilter");
    return n;
}

static struct node *parse_do(struct parser *p, const struct token *t)
{
    struct node *n = node_at(p, N_DO, t);
    n->a = parse_tuple(p, true, NULL, false);
    return n;
}

static struct node *parse_jump(struct parser *p, const struct token *t,
                               enum node_kind k)
{
    if (!p->loops)
        FAIL_AT(p, t, "'%s' outside loop", k == N_BREAK ? "break" : "continue");
    return node_at(p, k, t);
}

static struct node *parse_dbt_tag(struct parser *p, const struct token *t)
{
    static const char *const test_ends[] = {"endtest", NULL};
    static const char *const data_test_ends[] = {"enddata_test", NULL};
    if (!is_top_level(p))
        return NULL;
    if (skip_name(p, "test"))
        return parse_test_tag(p, t, test_ends);
    if (skip_name(p, "data_test"))
        return parse_test_tag(p, t, data_test_ends);
    if (skip_name(p, "materialization"))
        return parse_materialization(p, t);
    if (skip_name(p, "snapshot"))
        return parse_raw_def(p, t, "snapshot", "endsnapshot");
    if (skip_name(p, "docs"))
        return parse_raw_def(p, t, "docs", "enddocs");
    return NULL;
}

static void refuse_tag(struct parser *p)
{
    static const char *const refused[] = {"extends", "block", "include",    "import",
                                          "from",    "trans", "autoescape", NULL};
    char got[80];
    describe(&p->cur, got, sizeof got);
    if (name_in(&p->cur, refused))
        FAIL_AT(p, &p->cur, "tag '%s' is not supported: templates stand alone", got);
    fail_unknown_tag(p);
}

static struct node *parse_statement(struct parser *p)
{
    struct token t = p->cur;
    struct node *n;
    if (t.type != T_NAME)
        FAIL_AT(p, &t, "tag name expected");
    if (skip_name(p, "if"))
        return parse_if(p, &t);
    if (skip_name(p, "for"))
        return parse_for(p, &t);
    if (skip_name(p, "set"))
        return parse_set(p, &t);
    if (skip_name(p, "do"))
        return parse_do(p, &t);
    if (skip_name(p, "macro"))
        return parse_macro(p, &t);
    if (skip_name(p, "call"))
        return parse_call_block(p, &t);
    if (skip_name(p, "with"))
        return parse_with(p, &t);
    if (skip_name(p, "filter"))
        return parse_filter_block(p, &t);
    if (skip_name(p, "break"))
        return parse_jump(p, &t, N_BREAK);
    if (skip_name(p, "continue"))
        return parse_jump(p, &t, N_CONTINUE);
    if ((n = parse_dbt_tag(p, &t)))
        return n;
    refuse_tag(p);
    return NULL;
}

static struct node *parse_text(struct parser *p)
{
    struct node *n = node_at(p, N_TEXT, &p->cur);
    n->text = p->cur.p;
    n->n = (uint32_t)p->cur.n;
    next(p);
    return n;
}

/* Statements up to a tag in ends, whose name is then current (the body began behind a
 * tag's "%}"); ends NULL: up to the end of the template. */
static struct node *parse_until(struct parser *p, const char *const *ends)
{
    struct chain c = {0};
    check_depth(p);
    for (;;) {
        struct node *n;
        if (p->cur.type == T_EOF) {
            if (ends)
                fail_end(p);
            return c.head;
        }
        if (p->cur.type == T_DATA) {
            n = parse_text(p);
        } else if (p->cur.type == T_VAR_BEGIN) {
            struct token t = p->cur;
            next(p);
            n = node_at(p, N_PRINT, &t);
            n->a = parse_tuple(p, true, NULL, false);
            expect(p, T_VAR_END);
        } else {
            expect(p, T_BLOCK_BEGIN);
            if (name_in(&p->cur, ends))
                return c.head;
            n = parse_statement(p);
            expect(p, T_BLOCK_END);
        }
        chain_add(&c, n);
    }
}

static struct node *parse_body(struct parser *p, const char *const *ends,
                               const char *tag)
{
    struct tag_wait me = {ends, tag, p->waits};
    skip_if(p, T_COLON);
    expect(p, T_BLOCK_END);
    p->waits = &me;
    struct node *n = parse_until(p, ends);
    p->waits = me.up;
    return n;
}

static void parser_init(struct parser *p, struct jinja_template *t, struct err *e)
{
    memset(p, 0, sizeof *p);
    lex_init(&p->lex, t);
    p->t = t;
    p->env = t->env;
    p->e = e;
    p->stack_base = __builtin_frame_address(0);
    p->known.caller = sym_of(t->env, "caller", 6);
    p->known.varargs = sym_of(t->env, "varargs", 7);
    p->known.kwargs = sym_of(t->env, "kwargs", 6);
    p->known.loop = sym_of(t->env, "loop", 4);
}

int parse_template(struct jinja_template *t, struct err *e)
{
    struct parser p;
    parser_init(&p, t, e);
    if (setjmp(p.out))
        return ERR_PARSE;
    next(&p);
    t->body = parse_until(&p, NULL);
    return 0;
}

int parse_expression(struct jinja_template *t, struct node **out, struct err *e)
{
    struct parser p;
    parser_init(&p, t, e);
    p.lex.state = LEX_VAR;
    if (setjmp(p.out))
        return ERR_PARSE;
    next(&p);
    *out = parse_expr(&p);
    if (p.cur.type != T_EOF)
        FAIL_AT(&p, &p.cur, "expected end of expression");
    return 0;
}
