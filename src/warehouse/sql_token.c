/* SQL tokens. In: any SQL text. Out: a flat token array in the caller's arena. Called
 * by the dialect translation, the view code and the error messages. No engine is
 * involved. */
#include "warehouse/sql_token.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>
#include "base/buf.h"
#include "base/vec.h"

struct scanner {
    const char *s;
    size_t n, at;
    bool brackets_quote;
};

static int unclosed(const struct scanner *c, size_t start, const char *what,
                    struct err *e)
{
    int line, column;
    struct buf b;
    sql_position(c->s, c->n, start, &line, &column);
    buf_init(&b, 4096);
    sql_caret(&b, c->s, c->n, start);
    int rc = err_set(e, ERR_PARSE, "%s is not closed (line %d, column %d)\n%s", what,
                     line, column, buf_str(&b));
    buf_release(&b);
    return rc;
}

static int skip_blank(struct scanner *c, struct err *e)
{
    while (c->at < c->n) {
        const char *p = c->s + c->at;
        size_t left = c->n - c->at;
        if (isspace((unsigned char)*p)) {
            c->at++;
        } else if (left > 1 && p[0] == '-' && p[1] == '-') {
            const char *end = memchr(p, '\n', left);
            c->at = end ? (size_t)(end - c->s) + 1 : c->n;
        } else if (left > 1 && p[0] == '/' && p[1] == '*') {
            const char *end = memmem(p + 2, left - 2, "*/", 2);
            if (!end)
                return unclosed(c, c->at, "a comment /*", e);
            c->at = (size_t)(end - c->s) + 2;
        } else {
            break;
        }
    }
    return 0;
}

/* Quoted text from c->at, the quote doubled inside; c->at behind it. */
static int scan_quoted(struct scanner *c, char close, const char *what, struct err *e)
{
    size_t start = c->at++;
    for (;;) {
        const char *end = memchr(c->s + c->at, close, c->n - c->at);
        if (!end)
            return unclosed(c, start, what, e);
        c->at = (size_t)(end - c->s) + 1;
        if (close == ']' || c->at >= c->n || c->s[c->at] != close)
            return 0;
        c->at++;
    }
}

static bool is_name_byte(unsigned char ch)
{
    return isalnum(ch) || ch == '_' || ch == '$' || ch >= 0x80;
}

static void scan_number(struct scanner *c)
{
    bool is_hex =
        c->n - c->at > 1 && c->s[c->at] == '0' && (c->s[c->at + 1] | 32) == 'x';
    if (is_hex)
        c->at += 2;
    while (c->at < c->n) {
        char ch = c->s[c->at];
        bool is_exp_sign = (ch == '+' || ch == '-') && !is_hex && c->at > 0 &&
                           (c->s[c->at - 1] | 32) == 'e';
        if (!isalnum((unsigned char)ch) && ch != '.' && ch != '_' && !is_exp_sign)
            break;
        c->at++;
    }
}

static size_t operator_len(const char *p, size_t left)
{
    static const char *const longer[] = {"->>", "::", "||", "<=", ">=", "<>",
                                         "!=",  "==", "<<", ">>", "->", "=>"};
    for (size_t i = 0; i < sizeof longer / sizeof *longer; i++) {
        size_t n = strlen(longer[i]);
        if (left >= n && memcmp(p, longer[i], n) == 0)
            return n;
    }
    return 1;
}

static enum sql_kind punctuation(char ch)
{
    switch (ch) {
    case '(':
        return SQL_OPEN;
    case ')':
        return SQL_CLOSE;
    case ',':
        return SQL_COMMA;
    case ';':
        return SQL_SEMI;
    case '.':
        return SQL_DOT;
    default:
        return SQL_OPERATOR;
    }
}

static int scan_token(struct scanner *c, struct sql_token *t, struct err *e)
{
    const char *p = c->s + c->at;
    size_t left = c->n - c->at;
    unsigned char ch = (unsigned char)*p;
    int rc = 0;
    t->start = c->at;
    if (ch == '\'') {
        t->kind = SQL_STRING;
        rc = scan_quoted(c, '\'', "a string '", e);
    } else if (ch == '"' || ch == '`' || (ch == '[' && c->brackets_quote)) {
        t->kind = SQL_QUOTED;
        rc = scan_quoted(c, ch == '[' ? ']' : (char)ch, "a quoted name", e);
    } else if (isdigit(ch) || (ch == '.' && left > 1 && isdigit((unsigned char)p[1]))) {
        t->kind = SQL_NUMBER;
        scan_number(c);
    } else if (is_name_byte(ch) && ch != '$') {
        t->kind = SQL_WORD;
        while (c->at < c->n && is_name_byte((unsigned char)c->s[c->at]))
            c->at++;
    } else if (ch == '?' || ch == '$' || ch == '@' ||
               (ch == ':' && left > 1 && is_name_byte((unsigned char)p[1]))) {
        t->kind = SQL_PARAMETER;
        c->at++;
        while (c->at < c->n && is_name_byte((unsigned char)c->s[c->at]))
            c->at++;
    } else {
        t->kind = punctuation((char)ch);
        c->at += t->kind == SQL_OPERATOR ? operator_len(p, left) : 1;
    }
    t->len = c->at - t->start;
    return rc;
}

int sql_tokenize(struct sql_tokens *t, struct arena *mem, const char *text, size_t n,
                 bool brackets_quote, struct err *e)
{
    struct scanner c = {text, n, 0, brackets_quote};
    VEC(struct sql_token) all = {0};
    int rc;
    *t = (struct sql_tokens){text, n, NULL, 0};
    while ((rc = skip_blank(&c, e)) == 0 && c.at < n) {
        struct sql_token one = {0};
        if ((rc = scan_token(&c, &one, e)) < 0)
            break;
        vec_push(&all, one);
    }
    if (rc == 0 && all.n) {
        t->v = arena_alloc(mem, all.n * sizeof *t->v);
        if (t->v) {
            memcpy(t->v, all.v, all.n * sizeof *t->v);
            t->n = all.n;
        } else {
            rc = err_set(e, ERR_LIMIT, "the statement is too long");
        }
    }
    vec_release(&all);
    return rc;
}

bool sql_is_word(const struct sql_tokens *t, size_t i, const char *word)
{
    return i < t->n && t->v[i].kind == SQL_WORD && t->v[i].len == strlen(word) &&
           strncasecmp(t->text + t->v[i].start, word, t->v[i].len) == 0;
}

bool sql_is_op(const struct sql_tokens *t, size_t i, const char *op)
{
    return i < t->n && t->v[i].kind == SQL_OPERATOR && t->v[i].len == strlen(op) &&
           memcmp(t->text + t->v[i].start, op, t->v[i].len) == 0;
}

bool sql_is_kind(const struct sql_tokens *t, size_t i, enum sql_kind kind)
{
    return i < t->n && t->v[i].kind == kind;
}

char *sql_name(const struct sql_tokens *t, size_t i, struct arena *mem)
{
    const struct sql_token *k = &t->v[i];
    const char *p = t->text + k->start;
    if (k->kind != SQL_QUOTED && k->kind != SQL_STRING)
        return arena_strndup(mem, p, k->len);
    char close = p[0] == '[' ? ']' : p[0];
    char *out = arena_alloc(mem, k->len);
    size_t n = 0;
    for (size_t j = 1; out && j + 1 < k->len; j++) {
        out[n++] = p[j];
        if (p[j] == close && p[j + 1] == close)
            j++;
    }
    return out;
}

size_t sql_match(const struct sql_tokens *t, size_t i)
{
    int depth = 0;
    for (; i < t->n; i++) {
        if (t->v[i].kind == SQL_OPEN)
            depth++;
        else if (t->v[i].kind == SQL_CLOSE && --depth == 0)
            return i;
    }
    return t->n;
}

size_t sql_match_back(const struct sql_tokens *t, size_t i)
{
    int depth = 0;
    for (;; i--) {
        if (t->v[i].kind == SQL_CLOSE)
            depth++;
        else if (t->v[i].kind == SQL_OPEN && --depth == 0)
            return i;
        if (i == 0)
            return t->n;
    }
}

void sql_position(const char *text, size_t n, size_t offset, int *line, int *column)
{
    *line = 1;
    *column = 1;
    for (size_t i = 0; i < offset && i < n; i++) {
        if (text[i] == '\n') {
            ++*line;
            *column = 1;
        } else {
            ++*column;
        }
    }
}

void sql_caret(struct buf *out, const char *text, size_t n, size_t offset)
{
    int line, column;
    if (offset > n)
        offset = n;
    sql_position(text, n, offset, &line, &column);
    size_t from = offset - (size_t)(column - 1);
    const char *end = memchr(text + from, '\n', n - from);
    size_t len = end ? (size_t)(end - text) - from : n - from;
    size_t cut = column > 60 ? (size_t)column - 60 : 0; /* keep the place in sight */
    size_t shown = len - cut < 120 ? len - cut : 120;
    buf_addf(out, "%5d | %.*s\n      | ", line, (int)shown, text + from + cut);
    for (size_t i = cut; i + 1 < (size_t)column; i++)
        buf_addc(out, text[from + i] == '\t' ? '\t' : ' ');
    buf_addc(out, '^');
}
