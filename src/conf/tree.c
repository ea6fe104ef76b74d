/* YAML text to a tree of nodes with places (libyaml's event parser). In: the text of
 * weir.yml. Out: nodes in an arena. Called by load.c. Always holds: the tree is a tree
 * (aliases are refused, so its size is bounded by the text's), keys of a map differ,
 * and references to the environment are replaced. */
#include "conf/tree.h"

#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "base/buf.h"
#include "base/str.h"
#include "base/text.h"

#define TREE_MAX_DEPTH 32
#define TREE_MAX_NODES 20000

struct parse {
    struct arena *arena;
    const char *file, *text;
    size_t n_text;
    yaml_parser_t yaml;
    size_t n_nodes;
    struct err *e;
};

const char *tree_kind_name(enum tree_kind k)
{
    static const char *const names[] = {"a single value", "a list", "a mapping"};
    return names[k];
}

struct tree *tree_get(const struct tree *map, const char *key)
{
    if (!map || map->kind != TREE_MAP)
        return NULL;
    for (struct tree *t = map->first; t; t = t->next)
        if (streq(t->key, key))
            return t;
    return NULL;
}

static bool is_name_char(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
           c == '_';
}

/* The reference at s ("${…}"): name, default (NULL: none) and the byte behind it. */
static const char *read_reference(struct arena *a, const char *s, const char **name,
                                  const char **fallback)
{
    const char *p = s + 2, *from = p;
    while (is_name_char(*p))
        p++;
    *name = arena_strndup(a, from, (size_t)(p - from));
    *fallback = NULL;
    if (p == from)
        return NULL;
    if (p[0] == ':' && p[1] == '-') {
        from = p += 2;
        p = strchr(p, '}');
        if (!p)
            return NULL;
        *fallback = arena_strndup(a, from, (size_t)(p - from));
    }
    return *p == '}' ? p + 1 : NULL;
}

int tree_expand(struct arena *a, const char *text, const char **out,
                struct tree_expansion *x)
{
    *out = text;
    *x = (struct tree_expansion){0};
    if (!strstr(text, "${"))
        return 0;
    struct buf b;
    buf_init(&b, (size_t)1 << 20);
    int rc = 0;
    for (const char *p = text; p && *p && !rc;) {
        if (str_starts(p, "$${")) {
            buf_adds(&b, "${");
            p += 3;
        } else if (str_starts(p, "${")) {
            const char *name, *fallback, *end = read_reference(a, p, &name, &fallback);
            const char *value = end ? getenv(name) : NULL;
            if (fallback && (!value || !*value))
                value = fallback;
            else if (value && *value)
                x->is_given = true;
            x->missing = name;
            if (!end)
                rc = ERR_PARSE;
            else if (!value)
                rc = ERR_NOTFOUND;
            else
                buf_adds(&b, value);
            x->is_replaced = true;
            p = end;
        } else {
            buf_addc(&b, *p++);
        }
    }
    if (!rc)
        rc = b.failed;
    if (!rc)
        *out = arena_strndup(a, buf_str(&b), b.len);
    buf_release(&b);
    return rc;
}

static int fail(struct parse *p, yaml_mark_t at, const char *what)
{
    return err_set(p->e, ERR_CONFIG, "%s:%zu:%zu: %s", p->file, at.line + 1,
                   at.column + 1, what);
}

/* libyaml's own message, with the place and, for the usual mistakes, what to do. */
static int fail_yaml(struct parse *p)
{
    yaml_parser_t *y = &p->yaml;
    if (y->error == YAML_MEMORY_ERROR)
        return err_set(p->e, ERR_NOMEM, "%s: out of memory", p->file);
    if (y->error == YAML_READER_ERROR) {
        size_t line = 1, column = 1;
        for (size_t i = 0; i < y->problem_offset && i < p->n_text; i++) {
            column = p->text[i] == '\n' ? 1 : column + 1;
            line += p->text[i] == '\n';
        }
        return err_set(p->e, ERR_CONFIG, "%s:%zu:%zu: %s; save the file as UTF-8 text",
                       p->file, line, column, y->problem);
    }
    size_t at = y->problem_mark.index;
    const char *hint = "";
    if (at < p->n_text && p->text[at] == '\t')
        hint = "; indent with spaces, not with tabs";
    else if (y->problem && strstr(y->problem, "mapping values are not allowed"))
        hint = "; put text that contains \": \" in quotes";
    return err_set(p->e, ERR_CONFIG, "%s:%zu:%zu: %s%s%s%s", p->file,
                   y->problem_mark.line + 1, y->problem_mark.column + 1,
                   y->context ? y->context : "", y->context ? ", " : "",
                   y->problem ? y->problem : "not YAML", hint);
}

static int next(struct parse *p, yaml_event_t *ev)
{
    if (yaml_parser_parse(&p->yaml, ev))
        return 0;
    return fail_yaml(p);
}

static struct tree *node_new(struct parse *p, enum tree_kind kind, yaml_mark_t at)
{
    struct tree *t = arena_alloc(p->arena, sizeof *t);
    t->kind = kind;
    t->line = (int)at.line + 1;
    t->column = (int)at.column + 1;
    return t;
}

static void append(struct tree *parent, struct tree *child)
{
    if (parent->last)
        parent->last->next = child;
    else
        parent->first = child;
    parent->last = child;
    parent->n++;
}

static int read_scalar(struct parse *p, const yaml_event_t *ev, struct tree *t)
{
    const char *text = (const char *)ev->data.scalar.value;
    size_t n = ev->data.scalar.length;
    struct tree_expansion x;
    if (memchr(text, '\0', n))
        return fail(p, ev->start_mark, "a value with a NUL character");
    t->is_plain = ev->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    int rc = tree_expand(p->arena, arena_strndup(p->arena, text, n), &t->text, &x);
    t->is_plain |= x.is_replaced;
    t->is_given = x.is_given;
    if (rc == ERR_NOTFOUND)
        return err_set(p->e, ERR_CONFIG,
                       "%s:%d:%d: ${%s}: not set in the environment; set it or write "
                       "${%s:-default}",
                       p->file, t->line, t->column, x.missing, x.missing);
    if (rc < 0)
        return fail(p, ev->start_mark,
                    "a reference that is neither ${NAME} nor ${NAME:-default}; for the "
                    "characters ${ themselves write $${");
    return 0;
}

static int read_node(struct parse *p, const yaml_event_t *ev, int depth,
                     struct tree **out);

static int check_key(struct parse *p, const struct tree *map, const yaml_event_t *ev)
{
    if (ev->type != YAML_SCALAR_EVENT)
        return fail(p, ev->start_mark, "a key that is not a single word");
    const char *key = (const char *)ev->data.scalar.value;
    if (memchr(key, '\0', ev->data.scalar.length) || !*key)
        return fail(p, ev->start_mark, "an empty key");
    if (streq(key, "<<"))
        return fail(p, ev->start_mark,
                    "merge keys (<<) are not supported; write the "
                    "settings out");
    const struct tree *old = tree_get(map, key);
    if (!old)
        return 0;
    return err_set(
        p->e, ERR_CONFIG,
        "%s:%zu:%zu: key \"%.100s\" is there twice (first on line %d); keep one",
        p->file, ev->start_mark.line + 1, ev->start_mark.column + 1, key,
        old->key_line);
}

static int read_map(struct parse *p, int depth, struct tree *map)
{
    for (;;) {
        yaml_event_t key, ev;
        int rc = next(p, &key);
        if (rc < 0)
            return rc;
        if (key.type == YAML_MAPPING_END_EVENT) {
            yaml_event_delete(&key);
            return 0;
        }
        struct tree *child = NULL;
        if ((rc = check_key(p, map, &key)) == 0 && (rc = next(p, &ev)) == 0) {
            rc = read_node(p, &ev, depth, &child);
            yaml_event_delete(&ev);
        }
        if (rc == 0) {
            child->key = arena_strdup(p->arena, (const char *)key.data.scalar.value);
            child->key_line = (int)key.start_mark.line + 1;
            child->key_column = (int)key.start_mark.column + 1;
            append(map, child);
        }
        yaml_event_delete(&key);
        if (rc < 0)
            return rc;
    }
}

static int read_list(struct parse *p, int depth, struct tree *list)
{
    for (;;) {
        yaml_event_t ev;
        struct tree *child = NULL;
        int rc = next(p, &ev);
        if (rc < 0)
            return rc;
        bool is_end = ev.type == YAML_SEQUENCE_END_EVENT;
        if (!is_end && (rc = read_node(p, &ev, depth, &child)) == 0)
            append(list, child);
        yaml_event_delete(&ev);
        if (rc < 0 || is_end)
            return rc;
    }
}

static int read_node(struct parse *p, const yaml_event_t *ev, int depth,
                     struct tree **out)
{
    if (ev->type == YAML_ALIAS_EVENT)
        return fail(p, ev->start_mark,
                    "aliases (*name) are not supported; write the value out");
    if (depth >= TREE_MAX_DEPTH)
        return fail(p, ev->start_mark, "nested too deeply (more than 32 levels)");
    if (++p->n_nodes > TREE_MAX_NODES)
        return fail(p, ev->start_mark, "too many settings (more than 20,000)");
    if (ev->type == YAML_SCALAR_EVENT) {
        *out = node_new(p, TREE_SCALAR, ev->start_mark);
        return read_scalar(p, ev, *out);
    }
    bool is_map = ev->type == YAML_MAPPING_START_EVENT;
    *out = node_new(p, is_map ? TREE_MAP : TREE_LIST, ev->start_mark);
    return is_map ? read_map(p, depth + 1, *out) : read_list(p, depth + 1, *out);
}

/* Stream start, one document (or none), stream end. */
static int read_stream(struct parse *p, struct tree **out)
{
    for (;;) {
        yaml_event_t ev;
        int rc = next(p, &ev);
        if (rc < 0)
            return rc;
        yaml_event_type_t type = ev.type;
        bool is_content = type == YAML_ALIAS_EVENT || type == YAML_SCALAR_EVENT ||
                          type == YAML_SEQUENCE_START_EVENT ||
                          type == YAML_MAPPING_START_EVENT;
        if (is_content && *out)
            rc = fail(p, ev.start_mark, "a second document; one file is one platform");
        else if (is_content)
            rc = read_node(p, &ev, 0, out);
        yaml_event_delete(&ev);
        if (rc < 0 || type == YAML_STREAM_END_EVENT || type == YAML_NO_EVENT)
            return rc;
    }
}

int tree_parse(struct arena *a, const char *file, const char *text, size_t n,
               struct tree **out, struct err *e)
{
    struct parse p = {.arena = a, .file = file, .text = text, .n_text = n, .e = e};
    *out = NULL;
    if (!yaml_parser_initialize(&p.yaml))
        return err_set(e, ERR_NOMEM, "%s: out of memory", file);
    yaml_parser_set_encoding(&p.yaml, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&p.yaml, (const unsigned char *)text, n);
    int rc = read_stream(&p, out);
    yaml_parser_delete(&p.yaml);
    if (rc == 0 && !*out)
        *out = node_new(&p, TREE_MAP, (yaml_mark_t){0});
    return rc;
}

/* The key of map that the dotted path starts with, the longest first: keys such as
 * bronze.raw_transactions contain dots themselves. */
static struct tree *longest_member(const struct tree *map, const char *path,
                                   size_t *len)
{
    struct tree *best = NULL;
    for (struct tree *t = map->first; t; t = t->next) {
        size_t n = strlen(t->key);
        bool fits = strncmp(path, t->key, n) == 0 && (path[n] == '.' || !path[n]);
        if (fits && (!best || n > *len)) {
            best = t;
            *len = n;
        }
    }
    return best;
}

static void mark(struct tree *t, const char *from)
{
    t->from = from;
    t->is_given = true;
    t->line = t->column = t->key_line = t->key_column = 0;
    for (struct tree *c = t->first; c; c = c->next)
        mark(c, from);
}

static void put(struct arena *a, struct tree *at, const char *path,
                const struct tree *value, bool is_relation, const char *from)
{
    while (*path) {
        size_t len = 0;
        if (at->kind != TREE_MAP) {
            at->kind = TREE_MAP;
            at->first = at->last = NULL;
            at->n = 0;
        }
        struct tree *child = longest_member(at, path, &len);
        if (!child) {
            len = strcspn(path, ".");
            if (is_relation && path[len]) /* freshness.SCHEMA.TABLE.… */
                len += 1 + strcspn(path + len + 1, ".");
            child = arena_alloc(a, sizeof *child);
            child->kind = TREE_MAP;
            child->key = arena_strndup(a, path, len);
            child->from = from;
            append(at, child);
        }
        is_relation = streq(child->key, "freshness");
        at = child;
        path += len + (path[len] == '.');
    }
    const char *key = at->key;
    struct tree *sibling = at->next;
    *at = *value;
    at->key = key;
    at->next = sibling;
    mark(at, from);
}

int tree_set(struct arena *a, struct tree *root, const char *assignment,
             const char *from, struct err *e)
{
    const char *eq = strchr(assignment, '=');
    if (!eq || eq == assignment || assignment[0] == '.' || eq[-1] == '.' ||
        (strstr(assignment, "..") && strstr(assignment, "..") < eq))
        return err_set(e, ERR_USAGE, "%s %s: expected a.b.c=value, as in %s", from,
                       assignment, "sources.pos.path=data/pos.jsonl.gz");
    struct tree *value;
    int rc = tree_parse(a, from, eq + 1, strlen(eq + 1), &value, e);
    if (rc < 0)
        return rc;
    if (!eq[1]) { /* "a=" is the empty text */
        *value = (struct tree){.kind = TREE_SCALAR, .text = ""};
    }
    put(a, root, arena_strndup(a, assignment, (size_t)(eq - assignment)), value, false,
        from);
    return 0;
}
