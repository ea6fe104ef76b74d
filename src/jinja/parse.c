/* Statements of the parser, plus dbt's tags (materialization, test, data_test,
 * snapshot, docs), which only define. Called by env.c; expressions are parse_expr.c. */
#include "jinja/parser.h"

static struct node *parse_body(struct parser *p, const char *const *ends,
                               const char *tag);

/* ── assignment targets ── */
static bool is_reserved(const struct token *t)
{
    return tok_is(t, "true") || tok_is(t, "false") || tok_is(t, "none") ||
           tok_is(t, "True") || tok_is(t, "False") || tok_is(t, "None");
}

static struct node *target_one(struct parser *p, bool with_namespace)
{
    struct token t = p->cur;
    char got[80];
    if (t.type == T_LPAREN) {
        parse_next(p);
        struct chain c = {0};
        struct node *n = parse_node(p, E_TUPLE, &t);
        while (p->cur.type != T_RPAREN) {
            parse_chain_add(&c, target_one(p, with_namespace));
            if (!parse_skip(p, T_COMMA))
                break;
        }
        parse_expect(p, T_RPAREN);
        n->a = c.head;
        n->n = c.n;
        return n;
    }
    tok_describe(&t, got, sizeof got);
    if (t.type != T_NAME)
        FAIL_AT(p, &t, "can't assign to '%s'", got);
    if (is_reserved(&t))
        FAIL_AT(p, &t, "can't assign to 'const'");
    parse_next(p);
    struct node *n = parse_node(p, E_NAME, &t);
    n->sym = t.sym;
    if (with_namespace && p->cur.type == T_DOT) {
        parse_next(p);
        n->kind = E_NSREF;
        n->value = &parse_name(p)->str;
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
    parse_chain_add(&c, first);
    while (parse_skip(p, T_COMMA)) {
        if (p->cur.type == T_ASSIGN || tok_is(&p->cur, "in"))
            break;
        parse_chain_add(&c, target_one(p, with_namespace));
    }
    struct node *n = parse_node(p, E_TUPLE, &t);
    n->a = c.head;
    n->n = c.n;
    return n;
}

/* ── statements ── */
static bool name_in(const struct token *t, const char *const *names)
{
    for (; names && *names; names++)
        if (tok_is(t, *names))
            return true;
    return false;
}

static void fail_unknown_tag(struct parser *p)
{
    char got[80], wanted[160] = "";
    tok_describe(&p->cur, got, sizeof got);
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
    struct node *n = parse_node(p, N_IF, t);
    const struct node *unknown = p->unknown;
    n->a = parse_tuple(p, false, NULL, false);
    p->unknown = unknown;
    n->b = parse_body(p, ends, "if");
    struct token at = p->cur;
    if (parse_skip_name(p, "elif")) {
        n->c = parse_if(p, &at);
        n->flag = true;
        return n;
    }
    if (parse_skip_name(p, "else"))
        n->c = parse_body(p, else_ends, "if");
    parse_expect_name(p, "endif");
    return n;
}

static struct node *parse_for(struct parser *p, const struct token *t)
{
    static const char *const ends[] = {"endfor", "else", NULL};
    static const char *const else_ends[] = {"endfor", NULL};
    struct node *n = parse_node(p, N_FOR, t);
    struct node *target = parse_target(p, false);
    parse_expect_name(p, "in");
    n->a = target;
    n->b = parse_tuple(p, false, "recursive", false);
    if (parse_skip_name(p, "if"))
        n->args = (struct callargs *)parse_mem(p, sizeof *n->args),
        n->args->pos = parse_expr(p);
    n->flag = parse_skip_name(p, "recursive");
    struct open_loop me = {n, p->loops};
    p->loops = &me;
    n->c = parse_body(p, ends, "for");
    p->loops = me.up;
    if (parse_skip_name(p, "else"))
        n->d = parse_body(p, else_ends, "for");
    parse_expect_name(p, "endfor");
    return n;
}

static struct node *parse_set(struct parser *p, const struct token *t)
{
    static const char *const ends[] = {"endset", NULL};
    struct node *n = parse_node(p, N_SET, t);
    n->a = parse_target(p, true);
    if (parse_skip(p, T_ASSIGN)) {
        n->b = parse_tuple(p, true, NULL, false);
        return n;
    }
    n->kind = N_SETBLOCK;
    while (p->cur.type == T_PIPE) {
        parse_next(p);
        n->b = parse_filter(p, n->b);
    }
    n->c = parse_body(p, ends, "set");
    parse_expect_name(p, "endset");
    return n;
}

static void parse_signature(struct parser *p, struct macro_def *d)
{
    struct param *last = NULL;
    parse_expect(p, T_LPAREN);
    while (p->cur.type != T_RPAREN) {
        if (d->n_params)
            parse_expect(p, T_COMMA);
        if (p->cur.type == T_RPAREN)
            break;
        struct token t = p->cur;
        struct param *q = parse_mem(p, sizeof *q);
        if (is_reserved(&t))
            FAIL_AT(p, &t, "can't assign to 'const'");
        q->sym = parse_name(p);
        d->has_caller_param |= q->sym == p->known.caller;
        if (parse_skip(p, T_ASSIGN))
            q->fallback = parse_expr(p);
        else if (last && last->fallback)
            FAIL_AT(p, &t, "non-default argument follows default argument");
        *(last ? &last->next : &d->params) = q;
        last = q;
        d->n_params++;
    }
    parse_expect(p, T_RPAREN);
}

static struct macro_def *def_new(struct parser *p, struct sym *name, uint32_t line)
{
    struct macro_def *d = parse_mem(p, sizeof *d);
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
    p->def_end = p->cur.p;
    parse_expect_name(p, ends[0]);
}

/* The definition's whole text, from the tag that begins it to the one that ends it. */
static void def_text(struct parser *p, const struct token *begin)
{
    struct jinja_def *d = &p->t->defs[p->t->n_defs - 1];
    const char *from = begin->p, *src = p->t->src, *end = src + p->t->n_src;
    const char *to = p->def_end;
    while (from > src && !(from[0] == '{' && from[1] == '%'))
        from--;
    while (to && to + 1 < end && !(to[0] == '%' && to[1] == '}'))
        to++;
    if (p->waits || !to || to + 2 > end)
        return; /* inside something: no text of its own */
    d->text = from;
    d->text_len = (size_t)(to + 2 - from);
}

static void def_add(struct parser *p, const char *kind, const char *name, int line,
                    struct macro_def *m)
{
    struct jinja_template *t = p->t;
    if (t->n_defs == t->cap_defs) {
        size_t cap = t->cap_defs ? t->cap_defs * 2 : 4;
        struct jinja_def *defs = parse_mem(p, cap * sizeof *defs);
        struct macro_def **macros = parse_mem(p, cap * sizeof(struct macro_def *));
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
    struct node *n = parse_node(p, N_MACRO, t);
    struct token at = p->cur;
    if (is_reserved(&at))
        FAIL_AT(p, &at, "can't assign to 'const'");
    n->sym = parse_name(p);
    n->def = def_new(p, n->sym, t->line);
    struct open_macro me = {n->def, p->macros};
    p->macros = &me;
    parse_signature(p, n->def);
    p->macros = me.up;
    bool is_top = is_top_level(p);
    def_body(p, n->def, ends, "macro");
    if (is_top)
        def_add(p, "macro", n->sym->str.u.s.p, (int)t->line, n->def);
    if (is_top)
        def_text(p, t);
    return n;
}

/* {% test name(args) %}: the macro test_name. */
static struct node *parse_test_tag(struct parser *p, const struct token *t,
                                   const char *const *ends)
{
    struct node *n = parse_node(p, N_MACRO, t);
    struct sym *name = parse_name(p);
    char *full = arena_printf(p->t->mem, "test_%s", name->str.u.s.p);
    n->sym = sym_of(p->env, full, strlen(full));
    n->def = def_new(p, n->sym, t->line);
    parse_signature(p, n->def);
    def_body(p, n->def, ends, "test");
    def_add(p, "test", name->str.u.s.p, (int)t->line, n->def);
    def_text(p, t);
    return n;
}

/* {% materialization name, default|adapter='x' [, supported_languages=[…]] %} */
static struct node *parse_materialization(struct parser *p, const struct token *t)
{
    static const char *const ends[] = {"endmaterialization", NULL};
    struct node *n = parse_node(p, N_MACRO, t);
    const char *name = parse_name(p)->str.u.s.p, *adapter = "default";
    struct node *languages = NULL;
    while (parse_skip(p, T_COMMA)) {
        if (parse_skip_name(p, "default"))
            continue;
        struct token key = p->cur;
        parse_name(p);
        parse_expect(p, T_ASSIGN);
        if (tok_is(&key, "adapter")) {
            if (p->cur.type != T_STRING)
                FAIL_AT(p, &p->cur, "adapter of a materialization is a string");
            adapter = p->cur.value->u.s.p;
            parse_next(p);
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
    def_text(p, t);
    n->a = languages;
    return n;
}

/* Raw text between {% tag name %} and {% endtag %}; an item of the template. */
static struct node *parse_raw_def(struct parser *p, const struct token *t,
                                  const char *kind, const char *end)
{
    struct node *n = parse_node(p, N_SKIP, t);
    struct sym *name = parse_name(p);
    struct token body;
    if (p->cur.type != T_BLOCK_END)
        parse_expect(p, T_BLOCK_END);
    if (!lex_raw_until(&p->lex, end, &body))
        FAIL_AT(p, t, "{%% %s %s %%} is not closed: expected {%% %s %%}", kind,
                name->str.u.s.p, end);
    def_add(p, kind, name->str.u.s.p, (int)t->line, NULL);
    struct jinja_def *d = &p->t->defs[p->t->n_defs - 1];
    char *copy = parse_mem(p, body.n + 1);
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
    struct node *n = parse_node(p, N_CALLBLOCK, t);
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
    struct node *n = parse_node(p, N_WITH, t);
    struct chain targets = {0}, values = {0};
    while (p->cur.type != T_BLOCK_END) {
        if (targets.n)
            parse_expect(p, T_COMMA);
        parse_chain_add(&targets, target_one(p, false));
        parse_expect(p, T_ASSIGN);
        parse_chain_add(&values, parse_expr(p));
    }
    n->a = targets.head;
    n->b = values.head;
    n->c = parse_body(p, ends, "with");
    parse_expect_name(p, "endwith");
    return n;
}

static struct node *parse_filter_block(struct parser *p, const struct token *t)
{
    static const char *const ends[] = {"endfilter", NULL};
    struct node *n = parse_node(p, N_FILTERBLOCK, t);
    n->b = parse_filter(p, NULL);
    while (p->cur.type == T_PIPE) {
        parse_next(p);
        n->b = parse_filter(p, n->b);
    }
    n->c = parse_body(p, ends, "filter");
    parse_expect_name(p, "endfilter");
    return n;
}

static struct node *parse_do(struct parser *p, const struct token *t)
{
    struct node *n = parse_node(p, N_DO, t);
    n->a = parse_tuple(p, true, NULL, false);
    return n;
}

static struct node *parse_jump(struct parser *p, const struct token *t,
                               enum node_kind k)
{
    if (!p->loops)
        FAIL_AT(p, t, "'%s' outside loop", k == N_BREAK ? "break" : "continue");
    return parse_node(p, k, t);
}

static struct node *parse_dbt_tag(struct parser *p, const struct token *t)
{
    static const char *const test_ends[] = {"endtest", NULL};
    static const char *const data_test_ends[] = {"enddata_test", NULL};
    if (!is_top_level(p))
        return NULL;
    if (parse_skip_name(p, "test"))
        return parse_test_tag(p, t, test_ends);
    if (parse_skip_name(p, "data_test"))
        return parse_test_tag(p, t, data_test_ends);
    if (parse_skip_name(p, "materialization"))
        return parse_materialization(p, t);
    if (parse_skip_name(p, "snapshot"))
        return parse_raw_def(p, t, "snapshot", "endsnapshot");
    if (parse_skip_name(p, "docs"))
        return parse_raw_def(p, t, "docs", "enddocs");
    return NULL;
}

static void refuse_tag(struct parser *p)
{
    static const char *const refused[] = {"extends", "block", "include",    "import",
                                          "from",    "trans", "autoescape", NULL};
    char got[80];
    tok_describe(&p->cur, got, sizeof got);
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
    if (parse_skip_name(p, "if"))
        return parse_if(p, &t);
    if (parse_skip_name(p, "for"))
        return parse_for(p, &t);
    if (parse_skip_name(p, "set"))
        return parse_set(p, &t);
    if (parse_skip_name(p, "do"))
        return parse_do(p, &t);
    if (parse_skip_name(p, "macro"))
        return parse_macro(p, &t);
    if (parse_skip_name(p, "call"))
        return parse_call_block(p, &t);
    if (parse_skip_name(p, "with"))
        return parse_with(p, &t);
    if (parse_skip_name(p, "filter"))
        return parse_filter_block(p, &t);
    if (parse_skip_name(p, "break"))
        return parse_jump(p, &t, N_BREAK);
    if (parse_skip_name(p, "continue"))
        return parse_jump(p, &t, N_CONTINUE);
    if ((n = parse_dbt_tag(p, &t)))
        return n;
    refuse_tag(p);
    return NULL;
}

static struct node *parse_text(struct parser *p)
{
    struct node *n = parse_node(p, N_TEXT, &p->cur);
    n->text = p->cur.p;
    n->n = (uint32_t)p->cur.n;
    parse_next(p);
    return n;
}

/* Statements up to a tag in ends, whose name is then current (the body began behind a
 * tag's "%}"); ends NULL: up to the end of the template. */
static struct node *parse_until(struct parser *p, const char *const *ends)
{
    struct chain c = {0};
    parse_check_depth(p);
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
            parse_next(p);
            n = parse_node(p, N_PRINT, &t);
            n->a = parse_tuple(p, true, NULL, false);
            parse_expect(p, T_VAR_END);
        } else {
            parse_expect(p, T_BLOCK_BEGIN);
            if (name_in(&p->cur, ends))
                return c.head;
            n = parse_statement(p);
            parse_expect(p, T_BLOCK_END);
        }
        parse_refuse_unknown(p);
        parse_chain_add(&c, n);
    }
}

static struct node *parse_body(struct parser *p, const char *const *ends,
                               const char *tag)
{
    struct tag_wait me = {ends, tag, p->waits};
    bool was_soft = p->is_soft;
    p->is_soft = streq(tag, "if");
    parse_skip(p, T_COLON);
    parse_expect(p, T_BLOCK_END);
    p->waits = &me;
    struct node *n = parse_until(p, ends);
    p->waits = me.up;
    p->is_soft = was_soft;
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
    parse_next(&p);
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
    parse_next(&p);
    *out = parse_expr(&p);
    parse_refuse_unknown(&p);
    if (p.cur.type != T_EOF)
        FAIL_AT(&p, &p.cur, "expected end of expression");
    return 0;
}
