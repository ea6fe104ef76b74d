/* Template text → tokens, as Jinja2's lexer cuts them with trim_blocks and
 * lstrip_blocks off: "-" strips all white space on its side, "+" is accepted and means
 * nothing, comments vanish, raw blocks are data. Strings and numbers arrive as values.
 */
#include "jinja/internal.h"

#include <ctype.h>
#include <errno.h>

/* ── interned names ── */
static uint32_t name_hash(const char *p, size_t n)
{
    struct jv k = {.type = JV_STR, .u.s = {p, n}};
    uint32_t h = 0;
    jv_hash(&k, &h);
    return h;
}

static void syms_grow(struct jinja_env *env)
{
    size_t cap = env->cap_syms ? env->cap_syms * 2 : 256;
    struct sym **old = env->syms;
    env->syms = mem_alloc(cap * sizeof(struct sym *));
    for (size_t i = 0; i < env->cap_syms; i++) {
        if (!old[i])
            continue;
        size_t s = old[i]->str.hash & (cap - 1);
        while (env->syms[s])
            s = (s + 1) & (cap - 1);
        env->syms[s] = old[i];
    }
    env->cap_syms = cap;
    mem_free(old);
}

struct sym *sym_of(struct jinja_env *env, const char *p, size_t n)
{
    if (env->n_syms * 2 >= env->cap_syms)
        syms_grow(env);
    uint32_t h = name_hash(p, n);
    size_t s = h & (env->cap_syms - 1);
    for (struct sym *y; (y = env->syms[s]); s = (s + 1) & (env->cap_syms - 1))
        if (y->str.hash == h && y->str.u.s.n == n && memcmp(y->str.u.s.p, p, n) == 0)
            return y;
    struct sym *y = arena_alloc(&env->mem, sizeof *y);
    char *copy = arena_strndup(&env->mem, p, n);
    BUG_ON(!y || !copy);
    y->str = (struct jv){.type = JV_STR, .hash = h, .u.s = {copy, n}};
    env->n_syms++;
    return env->syms[s] = y;
}

const char *tok_name(enum tok t)
{
    static const char *const names[] = {
        [T_EOF] = "end of template",
        [T_DATA] = "template data / text",
        [T_BLOCK_BEGIN] = "begin of statement block",
        [T_BLOCK_END] = "end of statement block",
        [T_VAR_BEGIN] = "begin of print statement",
        [T_VAR_END] = "end of print statement",
        [T_NAME] = "name",
        [T_STRING] = "string",
        [T_INT] = "integer",
        [T_FLOAT] = "float",
        [T_ADD] = "+",
        [T_SUB] = "-",
        [T_DIV] = "/",
        [T_FLOORDIV] = "//",
        [T_MUL] = "*",
        [T_MOD] = "%",
        [T_POW] = "**",
        [T_TILDE] = "~",
        [T_LBRACKET] = "[",
        [T_RBRACKET] = "]",
        [T_LPAREN] = "(",
        [T_RPAREN] = ")",
        [T_LBRACE] = "{",
        [T_RBRACE] = "}",
        [T_EQ] = "==",
        [T_NE] = "!=",
        [T_GT] = ">",
        [T_GE] = ">=",
        [T_LT] = "<",
        [T_LE] = "<=",
        [T_ASSIGN] = "=",
        [T_DOT] = ".",
        [T_COLON] = ":",
        [T_PIPE] = "|",
        [T_COMMA] = ",",
        [T_SEMICOLON] = ";",
        [T_ERROR] = "error",
    };
    return names[t];
}

void lex_init(struct lexer *l, struct jinja_template *t)
{
    *l = (struct lexer){.t = t, .p = t->src, .end = t->src + t->n_src, .line = 1};
    l->line_start = l->p;
}

static void count_lines(struct lexer *l, const char *from, const char *to)
{
    if (to - from < 16) { /* between tokens there is little */
        for (; from < to; from++)
            if (*from == '\n') {
                l->line++;
                l->line_start = from + 1;
            }
        return;
    }
    for (const char *p; (p = memchr(from, '\n', (size_t)(to - from))); from = p + 1) {
        l->line++;
        l->line_start = p + 1;
    }
}

static void advance(struct lexer *l, const char *to)
{
    count_lines(l, l->p, to);
    l->p = to;
}

static void set_fault(struct lexer *l, struct token *out, const char *why)
{
    l->fault = why;
    out->type = T_ERROR;
}

static void place(const struct lexer *l, struct token *out)
{
    out->line = l->line;
    out->col = (uint32_t)(l->p - l->line_start) + 1;
}

/* "-%}", "+%}", "%}" (and likewise for "}}", "#}") at p: bytes, 0 when it is none. */
static size_t end_mark(const char *p, const char *end, char c1, char c2, bool *is_strip)
{
    size_t lead = p < end && (*p == '-' || (*p == '+' && c1 != '}')) ? 1 : 0;
    if ((size_t)(end - p) < lead + 2 || p[lead] != c1 || p[lead + 1] != c2)
        return 0;
    *is_strip = lead && *p == '-';
    return lead + 2;
}

static void after_end(struct lexer *l, const char *p, bool is_strip)
{
    advance(l, is_strip ? skip_space(p, l->end) : p);
    l->state = LEX_DATA;
}

static const char *find_open(const char *p, const char *end)
{
    while (p < end && (p = memchr(p, '{', (size_t)(end - p)))) {
        if (p + 1 < end && (p[1] == '{' || p[1] == '%' || p[1] == '#'))
            return p;
        p++;
    }
    return NULL;
}

static const char *word_at(const char *p, const char *end, const char *word)
{
    size_t n = strlen(word);
    p = skip_space(p, end);
    return (size_t)(end - p) >= n && memcmp(p, word, n) == 0 ? p + n : NULL;
}

/* "{%- raw -%}" at p: position behind it, NULL when it is something else. */
static const char *raw_begin(const char *p, const char *end)
{
    const char *q = p + 2;
    bool is_strip;
    if (q < end && (*q == '-' || *q == '+'))
        q++;
    if (!(q = word_at(q, end, "raw")))
        return NULL;
    q = skip_space(q, end);
    if (q < end && *q == '+')
        return NULL;
    size_t n = end_mark(q, end, '%', '}', &is_strip);
    if (!n)
        return NULL;
    return is_strip ? skip_space(q + n, end) : q + n;
}

bool lex_raw_until(struct lexer *l, const char *end_name, struct token *out)
{
    place(l, out);
    out->type = T_DATA;
    out->p = l->p;
    for (const char *p = l->p; (p = find_open(p, l->end)); p++) {
        if (p[1] != '%')
            continue;
        const char *q = p + 2;
        bool is_strip, is_rstrip = q < l->end && *q == '-';
        if (q < l->end && (*q == '-' || *q == '+'))
            q++;
        if (!(q = word_at(q, l->end, end_name)))
            continue;
        q = skip_space(q, l->end);
        size_t n = end_mark(q, l->end, '%', '}', &is_strip);
        if (!n)
            continue;
        out->n = (size_t)((is_rstrip ? rskip_space(out->p, p) : p) - out->p);
        after_end(l, q + n, is_strip);
        return true;
    }
    return false;
}

static bool skip_comment(struct lexer *l, const char *open, struct token *out)
{
    bool is_strip;
    for (const char *q = open + 2; (q = memchr(q, '#', (size_t)(l->end - q))); q++) {
        if (q + 1 >= l->end || q[1] != '}')
            continue;
        const char *from = q > open + 2 && (q[-1] == '-' || q[-1] == '+') ? q - 1 : q;
        size_t n = end_mark(from, l->end, '#', '}', &is_strip);
        after_end(l, from + n, is_strip);
        return true;
    }
    place(l, out);
    set_fault(l, out, "Missing end of comment tag");
    return false;
}

/* Text up to the next tag; false when it was empty and a tag was entered. */
static bool next_data(struct lexer *l, struct token *out)
{
    const char *open = find_open(l->p, l->end), *stop = open ? open : l->end;
    out->type = T_DATA;
    out->p = l->p;
    place(l, out);
    if (open && open + 2 < l->end && open[2] == '-')
        stop = rskip_space(l->p, open);
    out->n = (size_t)(stop - l->p);
    if (!open) {
        advance(l, l->end);
        return out->n > 0;
    }
    advance(l, open);
    const char *raw = open[1] == '%' ? raw_begin(open, l->end) : NULL;
    if (out->n)
        return true; /* the tag is met again with no text before it */
    if (raw) {
        advance(l, raw);
        if (!lex_raw_until(l, "endraw", out))
            set_fault(l, out, "Missing end of raw directive");
        return out->type == T_ERROR || out->n > 0;
    }
    if (open[1] == '#')
        return !skip_comment(l, open, out);
    place(l, out);
    out->type = open[1] == '%' ? T_BLOCK_BEGIN : T_VAR_BEGIN;
    out->p = open;
    out->n = 2;
    l->state = open[1] == '%' ? LEX_BLOCK : LEX_VAR;
    l->depth = 0;
    const char *q = open + 2;
    advance(l, q < l->end && (*q == '-' || *q == '+') ? q + 1 : q);
    return true;
}

/* ── literals ── */
static bool digits_of(const char **p, const char *end, int base, uint64_t *v,
                      bool *is_over)
{
    const char *q = *p;
    bool any = false;
    while (q < end) {
        const char *d = *q == '_' && any && q + 1 < end ? q + 1 : q;
        int x = isdigit((unsigned char)*d)                 ? *d - '0'
                : isalpha((unsigned char)*d) && base == 16 ? (*d | 32) - 'a' + 10
                                                           : 99;
        if (x >= base)
            break;
        if (*v > (UINT64_MAX - (uint64_t)x) / (uint64_t)base)
            *is_over = true;
        *v = *v * (uint64_t)base + (uint64_t)x;
        any = true;
        q = d + 1;
    }
    *p = q;
    return any;
}

static void lex_float(struct lexer *l, const char *from, const char *to,
                      struct token *out)
{
    char b[128];
    size_t n = 0;
    for (const char *p = from; p < to && n < sizeof b - 1; p++)
        if (*p != '_')
            b[n++] = *p;
    b[n] = 0;
    out->type = T_FLOAT;
    out->value = jv_float(l->t->mem, strtod(b, NULL));
    if (!out->value)
        set_fault(l, out, "memory limit exceeded");
}

static const char *decimal_run(const char *p, const char *end)
{
    while (p < end && (isdigit((unsigned char)*p) ||
                       (*p == '_' && p + 1 < end && isdigit((unsigned char)p[1]))))
        p++;
    return p;
}

static const char *float_end(const char *p, const char *end)
{
    const char *q = decimal_run(p, end), *start = q;
    if (q + 1 < end && *q == '.' && isdigit((unsigned char)q[1]))
        q = decimal_run(q + 1, end);
    if (q < end && (*q == 'e' || *q == 'E')) {
        const char *x = q + 1;
        if (x < end && (*x == '+' || *x == '-'))
            x++;
        if (x < end && isdigit((unsigned char)*x))
            q = decimal_run(x, end);
    }
    return q == start ? NULL : q;
}

static void next_number(struct lexer *l, struct token *out, bool is_after_dot)
{
    const char *p = l->p;
    const char *f = is_after_dot ? NULL : float_end(p, l->end);
    uint64_t v = 0;
    bool is_over = false;
    int base = 10;
    if (p + 1 < l->end && *p == '0') {
        int k = p[1] | 32;
        base = k == 'x' ? 16 : k == 'o' ? 8 : k == 'b' ? 2 : 10;
    }
    if (base != 10) {
        const char *q = p + 2;
        if (q < l->end && *q == '_')
            q++;
        if (digits_of(&q, l->end, base, &v, &is_over)) {
            p = q;
            goto integer;
        }
    }
    if (f) {
        lex_float(l, p, f, out);
        advance(l, f);
        return;
    }
    digits_of(&p, l->end, 10, &v, &is_over);
integer:
    if (is_over || v > INT64_MAX) {
        set_fault(l, out, "integer literal beyond 64 bits");
        return;
    }
    out->type = T_INT;
    out->value = jv_int(l->t->mem, (int64_t)v);
    advance(l, p);
}

static const char *hex_escape(const char *p, const char *end, int n, uint32_t *cp)
{
    *cp = 0;
    for (int i = 0; i < n; i++, p++) {
        if (p >= end || !isxdigit((unsigned char)*p))
            return NULL;
        *cp = *cp * 16 +
              (uint32_t)(isdigit((unsigned char)*p) ? *p - '0' : (*p | 32) - 'a' + 10);
    }
    return *cp <= 0x10FFFF ? p : NULL;
}

static void put_cp(char **out, uint32_t cp)
{
    char *o = *out;
    if (cp < 0x80) {
        *o++ = (char)cp;
    } else if (cp < 0x800) {
        *o++ = (char)(0xC0 | cp >> 6);
        *o++ = (char)(0x80 | (cp & 0x3F));
    } else if (cp < 0x10000) {
        *o++ = (char)(0xE0 | cp >> 12);
        *o++ = (char)(0x80 | (cp >> 6 & 0x3F));
        *o++ = (char)(0x80 | (cp & 0x3F));
    } else {
        *o++ = (char)(0xF0 | cp >> 18);
        *o++ = (char)(0x80 | (cp >> 12 & 0x3F));
        *o++ = (char)(0x80 | (cp >> 6 & 0x3F));
        *o++ = (char)(0x80 | (cp & 0x3F));
    }
    *out = o;
}

/* One escape behind the backslash; NULL when it is malformed. */
static const char *unescape_one(const char *p, const char *end, char **out)
{
    static const char code[] = "\\'\"abfnrtv", is[] = "\\'\"\a\b\f\n\r\t\v";
    const char *at = *p ? strchr(code, *p) : NULL;
    uint32_t cp = 0;
    if (at) {
        *(*out)++ = is[at - code];
        return p + 1;
    }
    if (*p == '\n')
        return p + 1;
    if (*p >= '0' && *p <= '7') {
        for (int i = 0; i < 3 && p < end && *p >= '0' && *p <= '7'; i++)
            cp = cp * 8 + (uint32_t)(*p++ - '0');
        put_cp(out, cp);
        return p;
    }
    if (*p == 'x' || *p == 'u' || *p == 'U') {
        p = hex_escape(p + 1, end, *p == 'x' ? 2 : *p == 'u' ? 4 : 8, &cp);
        if (p)
            put_cp(out, cp);
        return p;
    }
    *(*out)++ = '\\';
    return p;
}

static void next_string(struct lexer *l, struct token *out)
{
    const char *p = l->p + 1, *start = p;
    char quote = *l->p;
    bool has_escape = false;
    for (; p < l->end && *p != quote; p++)
        if (*p == '\\') {
            has_escape = true;
            if (++p >= l->end)
                break;
        }
    if (p >= l->end) {
        snprintf(l->fault_text, sizeof l->fault_text, "unexpected char '%c' at %zu",
                 quote, (size_t)(l->p - l->t->src));
        set_fault(l, out, l->fault_text);
        return;
    }
    out->type = T_STRING;
    size_t n = (size_t)(p - start);
    if (!has_escape) {
        out->value = jv_str(l->t->mem, start, n);
    } else {
        char *text = arena_alloc(l->t->mem, n + 4), *o = text;
        for (const char *q = start; text && q && q < p;)
            if (*q == '\\')
                q = unescape_one(q + 1, p, &o);
            else
                *o++ = *q++;
        out->value = text ? jv_new(l->t->mem, JV_STR) : NULL;
        if (out->value) {
            out->value->u.s.p = text;
            out->value->u.s.n = (size_t)(o - text);
        }
    }
    if (!out->value) {
        set_fault(l, out, "memory limit exceeded");
        return;
    }
    advance(l, p + 1);
}

static bool is_word(unsigned char c)
{
    return isalnum(c) || c == '_' || c >= 0x80;
}

static enum tok operator_at(const char *p, const char *end, size_t *n)
{
    char after = p + 1 < end ? p[1] : 0;
    *n = 1;
    switch (*p) {
    case '/':
        return after == '/' ? (*n = 2, T_FLOORDIV) : T_DIV;
    case '*':
        return after == '*' ? (*n = 2, T_POW) : T_MUL;
    case '=':
        return after == '=' ? (*n = 2, T_EQ) : T_ASSIGN;
    case '>':
        return after == '=' ? (*n = 2, T_GE) : T_GT;
    case '<':
        return after == '=' ? (*n = 2, T_LE) : T_LT;
    case '!':
        return after == '=' ? (*n = 2, T_NE) : T_ERROR;
    case '+':
        return T_ADD;
    case '-':
        return T_SUB;
    case '%':
        return T_MOD;
    case '~':
        return T_TILDE;
    case '[':
        return T_LBRACKET;
    case ']':
        return T_RBRACKET;
    case '(':
        return T_LPAREN;
    case ')':
        return T_RPAREN;
    case '{':
        return T_LBRACE;
    case '}':
        return T_RBRACE;
    case '.':
        return T_DOT;
    case ':':
        return T_COLON;
    case '|':
        return T_PIPE;
    case ',':
        return T_COMMA;
    case ';':
        return T_SEMICOLON;
    default:
        return T_ERROR;
    }
}

static bool balance(struct lexer *l, struct token *out)
{
    char open = out->type == T_RPAREN ? '(' : out->type == T_RBRACKET ? '[' : '{';
    switch ((int)out->type) {
    case T_LPAREN:
    case T_LBRACKET:
    case T_LBRACE:
        if (l->depth == (int)sizeof l->stack) {
            set_fault(l, out, "brackets nested too deep");
            return false;
        }
        l->stack[l->depth++] = *out->p;
        return true;
    case T_RPAREN:
    case T_RBRACKET:
    case T_RBRACE:
        if (l->depth && l->stack[l->depth - 1] == open) {
            l->depth--;
            return true;
        }
        if (!l->depth)
            snprintf(l->fault_text, sizeof l->fault_text, "unexpected '%c'", *out->p);
        else
            snprintf(l->fault_text, sizeof l->fault_text,
                     "unexpected '%c', expected '%c'", *out->p,
                     l->stack[l->depth - 1] == '('   ? ')'
                     : l->stack[l->depth - 1] == '[' ? ']'
                                                     : '}');
        set_fault(l, out, l->fault_text);
        return false;
    default:
        return true;
    }
}

static void next_operator(struct lexer *l, struct token *out)
{
    size_t n = 0;
    out->type = operator_at(l->p, l->end, &n);
    if (out->type == T_ERROR) {
        snprintf(l->fault_text, sizeof l->fault_text, "unexpected char '%c' at %zu",
                 isprint((unsigned char)*l->p) ? *l->p : '?',
                 (size_t)(l->p - l->t->src));
        set_fault(l, out, l->fault_text);
        return;
    }
    out->n = n;
    if (balance(l, out))
        l->p += n;
}

static bool next_end(struct lexer *l, struct token *out)
{
    bool is_block = l->state == LEX_BLOCK, is_strip;
    if (l->depth)
        return false;
    size_t n = end_mark(l->p, l->end, is_block ? '%' : '}', '}', &is_strip);
    if (!n)
        return false;
    out->type = is_block ? T_BLOCK_END : T_VAR_END;
    out->n = n;
    after_end(l, l->p + n, is_strip);
    return true;
}

static void lex_one(struct lexer *l, struct token *out, bool is_after_dot)
{
    while (l->state == LEX_DATA) {
        if (l->p >= l->end) {
            place(l, out);
            out->type = T_EOF;
            return;
        }
        if (next_data(l, out))
            return;
    }
    advance(l, skip_space(l->p, l->end));
    place(l, out);
    out->p = l->p;
    if (l->p >= l->end) {
        out->type = T_EOF;
        return;
    }
    if (next_end(l, out))
        return;
    unsigned char ch = (unsigned char)*l->p;
    if (isdigit(ch)) {
        next_number(l, out, is_after_dot);
    } else if (is_word(ch)) {
        const char *p = l->p;
        while (p < l->end && is_word((unsigned char)*p))
            p++;
        out->type = T_NAME;
        out->n = (size_t)(p - l->p);
        out->sym = sym_of(l->t->env, l->p, out->n);
        l->p = p;
    } else if (ch == '"' || ch == '\'') {
        next_string(l, out);
    } else {
        next_operator(l, out);
    }
}

void lex_next(struct lexer *l, struct token *out)
{
    *out = (struct token){0};
    lex_one(l, out, l->prev == T_DOT);
    l->prev = out->type;
}
