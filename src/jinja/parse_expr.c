/* Expressions of the parser: Jinja2's precedences and quirks, down to a tree.
 * Everything is allocated in the template's arena; an error jumps out of the recursion.
 */
#include "jinja/parser.h"

static struct node *parse_condless(struct parser *p);
static struct node *parse_unary(struct parser *p, bool with_filter);
static struct node *parse_primary(struct parser *p);
static struct node *parse_postfix(struct parser *p, struct node *n);

static struct node *const_node(struct parser *p, const struct token *t, struct jv *v)
{
    struct node *n = parse_node(p, E_CONST, t);
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
    parse_next(p);
    if (tok_is(&t, "true") || tok_is(&t, "True"))
        return const_node(p, &t, jv_bool(true));
    if (tok_is(&t, "false") || tok_is(&t, "False"))
        return const_node(p, &t, jv_bool(false));
    if (tok_is(&t, "none") || tok_is(&t, "None"))
        return const_node(p, &t, jv_none());
    struct node *n = parse_node(p, E_NAME, &t);
    n->sym = t.sym;
    note_use(p, t.sym);
    return n;
}

static struct node *string_node(struct parser *p)
{
    struct token t = p->cur;
    parse_next(p);
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
    parse_check_token(p, &p->cur);
    if (!v)
        FAIL_AT(p, &t, "string too long");
    return const_node(p, &t, v);
}

static bool at_tuple_end(struct parser *p, const char *extra_end)
{
    return p->cur.type == T_VAR_END || p->cur.type == T_BLOCK_END ||
           p->cur.type == T_RPAREN || (extra_end && tok_is(&p->cur, extra_end));
}

/* One expression, or several with commas as a tuple. */
struct node *parse_tuple(struct parser *p, bool with_cond, const char *extra_end,
                         bool is_parenthesised)
{
    struct token t = p->cur;
    struct chain c = {0};
    bool is_tuple = false;
    while (!at_tuple_end(p, extra_end)) {
        parse_chain_add(&c, with_cond ? parse_expr(p) : parse_condless(p));
        if (p->cur.type != T_COMMA)
            break;
        is_tuple = true;
        parse_next(p);
    }
    if (!is_tuple && c.n)
        return c.head;
    if (!c.n && !is_parenthesised) {
        char got[80];
        tok_describe(&p->cur, got, sizeof got);
        FAIL_AT(p, &p->cur, "Expected an expression, got '%s'", got);
    }
    struct node *n = parse_node(p, E_TUPLE, &t);
    n->a = c.head;
    n->n = c.n;
    return n;
}

static struct node *list_node(struct parser *p)
{
    struct node *n = parse_node(p, E_LIST, &p->cur);
    struct chain c = {0};
    parse_expect(p, T_LBRACKET);
    while (p->cur.type != T_RBRACKET) {
        if (c.n)
            parse_expect(p, T_COMMA);
        if (p->cur.type == T_RBRACKET)
            break;
        parse_chain_add(&c, parse_expr(p));
    }
    parse_expect(p, T_RBRACKET);
    n->a = c.head;
    n->n = c.n;
    return n;
}

/* Keys and values alternate in the chain at a. */
static struct node *dict_node(struct parser *p)
{
    struct node *n = parse_node(p, E_DICT, &p->cur);
    struct chain c = {0};
    parse_expect(p, T_LBRACE);
    while (p->cur.type != T_RBRACE) {
        if (c.n)
            parse_expect(p, T_COMMA);
        if (p->cur.type == T_RBRACE)
            break;
        parse_chain_add(&c, parse_expr(p));
        parse_expect(p, T_COLON);
        parse_chain_add(&c, parse_expr(p));
    }
    parse_expect(p, T_RBRACE);
    n->a = c.head;
    n->n = c.n;
    return n;
}

static struct node *parse_primary(struct parser *p)
{
    struct token t = p->cur;
    struct node *n;
    char got[80];
    parse_check_depth(p);
    switch ((int)t.type) {
    case T_NAME:
        return name_node(p);
    case T_STRING:
        return string_node(p);
    case T_INT:
    case T_FLOAT:
        parse_next(p);
        return const_node(p, &t, t.value);
    case T_LPAREN:
        parse_next(p);
        n = parse_tuple(p, true, NULL, true);
        parse_expect(p, T_RPAREN);
        return n;
    case T_LBRACKET:
        return list_node(p);
    case T_LBRACE:
        return dict_node(p);
    default:
        break;
    }
    tok_describe(&t, got, sizeof got);
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
        const char **names = parse_mem(p, *cap * sizeof *names);
        if (a->n_kw)
            memcpy(names, a->kw_names, a->n_kw * sizeof *names);
        a->kw_names = names;
    }
    a->kw_names[a->n_kw++] = name;
    parse_chain_add(kw, value);
}

static struct callargs *call_args(struct parser *p)
{
    struct callargs *a = parse_mem(p, sizeof *a);
    struct chain pos = {0}, kw = {0};
    size_t cap = 0;
    bool needs_comma = false;
    parse_expect(p, T_LPAREN);
    while (p->cur.type != T_RPAREN) {
        struct token t = p->cur;
        if (needs_comma) {
            parse_expect(p, T_COMMA);
            if (p->cur.type == T_RPAREN)
                break;
            t = p->cur;
        }
        if (p->cur.type == T_MUL && !a->star && !a->dstar) {
            parse_next(p);
            a->star = parse_expr(p);
        } else if (p->cur.type == T_POW && !a->dstar) {
            parse_next(p);
            a->dstar = parse_expr(p);
        } else if (p->cur.type == T_NAME && parse_peek(p)->type == T_ASSIGN &&
                   !a->dstar) {
            const char *name = p->cur.sym->str.u.s.p;
            parse_next(p);
            parse_next(p);
            add_keyword(p, a, &kw, &cap, name, parse_expr(p));
        } else if (!a->star && !a->dstar && !a->n_kw) {
            parse_chain_add(&pos, parse_expr(p));
        } else {
            FAIL_AT(p, &t, "invalid syntax for function call expression");
        }
        needs_comma = true;
    }
    parse_expect(p, T_RPAREN);
    a->pos = pos.head;
    a->n = pos.n;
    a->kw = kw.head;
    return a;
}

static struct node *call_node(struct parser *p, struct node *callee)
{
    struct node *n = parse_node(p, E_CALL, &p->cur);
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
    n = parse_node(p, E_SLICE, &t);
    n->a = first;
    parse_next(p);
    if (p->cur.type != T_COLON && p->cur.type != T_RBRACKET && p->cur.type != T_COMMA)
        n->b = parse_expr(p);
    if (p->cur.type == T_COLON) {
        parse_next(p);
        if (p->cur.type != T_RBRACKET && p->cur.type != T_COMMA)
            n->c = parse_expr(p);
    }
    return n;
}

static struct node *subscript(struct parser *p, struct node *owner)
{
    struct token t = p->cur;
    struct node *n;
    parse_next(p);
    if (t.type == T_DOT) {
        if (p->cur.type == T_NAME) {
            n = parse_node(p, E_ATTR, &p->cur);
            n->sym = p->cur.sym;
        } else if (p->cur.type == T_INT) {
            n = parse_node(p, E_ITEM, &p->cur);
            n->b = const_node(p, &p->cur, p->cur.value);
        } else {
            FAIL_AT(p, &p->cur, "expected name or number");
        }
        n->a = owner;
        parse_next(p);
        return n;
    }
    n = parse_node(p, E_ITEM, &t);
    n->a = owner;
    struct chain c = {0};
    while (p->cur.type != T_RBRACKET) {
        if (c.n)
            parse_expect(p, T_COMMA);
        parse_chain_add(&c, subscript_item(p));
    }
    parse_expect(p, T_RBRACKET);
    if (c.head && c.head->kind == E_CONST && c.head->value->type == JV_STR)
        jv_hash(c.head->value, &c.head->value->hash); /* it is looked up as a key */
    if (!c.n)
        FAIL_AT(p, &t, "expected a subscript");
    if (c.n == 1) {
        n->b = c.head;
    } else {
        n->b = parse_node(p, E_TUPLE, &t);
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
    struct sym *s = parse_name(p);
    while (p->cur.type == T_DOT) {
        parse_next(p);
        struct sym *more = parse_name(p);
        char *joined = arena_printf(p->t->mem, "%s.%s", s->str.u.s.p, more->str.u.s.p);
        s = sym_of(p->env, joined, strlen(joined));
    }
    return s;
}

static void note_unknown(struct parser *p, const struct node *n)
{
    const char *name = n->sym->str.u.s.p;
    bool is_known = n->kind == E_TEST ? test_find(name) != NULL
                                      : filter_find(name) ||
                                            (p->env->filters &&
                                             dict_get(p->env->filters, &n->sym->str));
    if (!is_known && !p->is_soft && !p->unknown)
        p->unknown = n;
}

void parse_refuse_unknown(struct parser *p)
{
    const struct node *n = p->unknown;
    if (n)
        parse_fail(p, n->line, n->col, "No %s named '%s'.",
                   n->kind == E_TEST ? "test" : "filter", n->sym->str.u.s.p);
}

/* name[(args)] behind a "|", or the filter of a block (value NULL). */
struct node *parse_filter(struct parser *p, struct node *value)
{
    struct node *n = parse_node(p, E_FILTER, &p->cur);
    n->sym = dotted_name(p);
    n->a = value;
    note_unknown(p, n);
    if (p->cur.type == T_LPAREN)
        n->args = call_args(p);
    return n;
}

static bool starts_test_argument(struct parser *p)
{
    switch ((int)p->cur.type) {
    case T_NAME:
        return !tok_is(&p->cur, "else") && !tok_is(&p->cur, "or") &&
               !tok_is(&p->cur, "and");
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
    struct node *n = parse_node(p, E_TEST, &p->cur);
    parse_next(p);
    n->flag = parse_skip_name(p, "not");
    n->a = value;
    n->sym = dotted_name(p);
    note_unknown(p, n);
    if (p->cur.type == T_LPAREN) {
        n->args = call_args(p);
    } else if (starts_test_argument(p)) {
        if (tok_is(&p->cur, "is"))
            FAIL_AT(p, &p->cur, "You cannot chain multiple tests with is");
        n->args = parse_mem(p, sizeof *n->args);
        n->args->pos = parse_postfix(p, parse_primary(p));
        n->args->n = 1;
    }
    return n;
}

static struct node *parse_filters(struct parser *p, struct node *n)
{
    for (;;) {
        if (p->cur.type == T_PIPE) {
            parse_next(p);
            n = parse_filter(p, n);
        } else if (tok_is(&p->cur, "is")) {
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
    parse_check_depth(p);
    if (p->cur.type == T_SUB || p->cur.type == T_ADD) {
        n = parse_node(p, p->cur.type == T_SUB ? E_NEG : E_POS, &p->cur);
        parse_next(p);
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
    struct node *n = parse_node(p, E_BIN, t);
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
        parse_next(p);
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
        parse_next(p);
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
    parse_chain_add(&c, first);
    while (parse_skip(p, T_TILDE))
        parse_chain_add(&c, parse_product(p));
    struct node *n = parse_node(p, E_CONCAT, &t);
    n->a = c.head;
    n->n = c.n;
    return n;
}

static struct node *parse_sum(struct parser *p)
{
    struct node *n = parse_concat(p);
    while (p->cur.type == T_ADD || p->cur.type == T_SUB) {
        struct token t = p->cur;
        parse_next(p);
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
        if (tok_is(&p->cur, "in")) {
            *op = OP_IN;
        } else if (tok_is(&p->cur, "not") && tok_is(parse_peek(p), "in")) {
            parse_next(p);
            *op = OP_NOTIN;
        } else {
            return false;
        }
    }
    parse_next(p);
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
        struct node *operand = parse_node(p, E_COMPARE, &at);
        operand->op = (uint8_t)op;
        operand->a = parse_sum(p);
        parse_chain_add(&c, operand);
    }
    if (!c.n)
        return first;
    struct node *n = parse_node(p, E_COMPARE, &t);
    n->a = first;
    n->b = c.head;
    return n;
}

static struct node *parse_not(struct parser *p)
{
    parse_check_depth(p);
    if (!tok_is(&p->cur, "not"))
        return parse_compare(p);
    struct node *n = parse_node(p, E_NOT, &p->cur);
    parse_next(p);
    n->a = parse_not(p);
    return n;
}

static struct node *parse_logic(struct parser *p, bool is_or)
{
    struct token t = p->cur;
    struct node *n = is_or ? parse_logic(p, false) : parse_not(p);
    while (tok_is(&p->cur, is_or ? "or" : "and")) {
        parse_next(p);
        struct node *m = parse_node(p, is_or ? E_OR : E_AND, &t);
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

/* A name or literal with nothing behind it, as most arguments are: what the eleven
 * levels of precedence would come to. */
static bool is_lone(struct parser *p)
{
    enum tok t = p->cur.type;
    if ((t != T_NAME && t != T_STRING && t != T_INT) || tok_is(&p->cur, "not"))
        return false;
    t = parse_peek(p)->type;
    return t == T_COMMA || t == T_RPAREN || t == T_RBRACKET || t == T_VAR_END ||
           t == T_BLOCK_END;
}

struct node *parse_expr(struct parser *p)
{
    parse_check_depth(p);
    if (is_lone(p))
        return parse_primary(p);
    struct token t = p->cur;
    const struct node *unknown = p->unknown;
    struct node *n = parse_condless(p);
    while (parse_skip_name(p, "if")) {
        struct node *m = parse_node(p, E_COND, &t);
        m->b = n;
        m->a = parse_condless(p);
        if (parse_skip_name(p, "else"))
            m->c = parse_expr(p);
        p->unknown = unknown;
        n = m;
    }
    return n;
}
