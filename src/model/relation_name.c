/* What a node's relation is called: alias and schema by the macros generate_alias_name
 * and generate_schema_name. In: the node's config. Out: pub.alias, pub.schema. While no
 * project or package replaces them, the built-in macros (builtin.c) are not called but
 * answered here, since every node asks twice. Called by parse.c and properties.c. */
#include "model/internal.h"

#include "base/buf.h"

static const char *text_of_macro(struct project *p, struct item *it, struct macro *m,
                                 const char *custom, const char *fallback)
{
    struct arena own, *mem = render_memory(p, &own);
    struct render r = {0};
    struct jv *args[2], *out = NULL;
    struct err why = {0};
    const char *text = fallback;
    size_t n_macros = it->macro_deps.n;
    render_begin(&r, p, NULL, it);
    struct jv *ctx = context_new(&r, mem);
    args[0] = custom ? jv_strz(mem, custom) : jv_none();
    args[1] = context_model(&r, mem);
    int rc = jinja_call_value(p->env, m->name, m->fn, ctx, args, 2, NULL, NULL, 0, mem,
                              &out, &why);
    if (rc == 0 && out) {
        struct buf b;
        buf_init(&b, 4096);
        jv_to_text(out, &b);
        const char *from = buf_str(&b);
        from += strspn(from, " \t\r\n");
        size_t n = strlen(from);
        while (n && strchr(" \t\r\n", from[n - 1]))
            n--;
        text = arena_strndup(&p->mem, from, n);
        buf_release(&b);
    } else if (rc < 0) {
        item_break(p, it, why.text);
    }
    it->macro_deps.n = n_macros; /* as in dbt, no node depends on what names it */
    render_end(&r);
    render_forget(p, mem);
    return text;
}

/* ── the built-in macros' answers ── */

/* Whether a package has a macro of this name or one that dispatch would find for it. */
static bool is_replaced(struct project *p, const char *macro)
{
    const char *const forms[] = {"", "default__", p->o.adapter, NULL};
    for (size_t i = 0; i < p->packages.n; i++)
        for (size_t k = 0; forms[k]; k++) {
            char name[200];
            snprintf(name, sizeof name, "%s%s%s", forms[k], k == 2 ? "__" : "", macro);
            if (macros_in(p, p->packages.v[i]->name, name))
                return true;
        }
    return false;
}

void item_names_begin(struct project *p)
{
    p->has_plain_names = !is_replaced(p, "generate_alias_name") &&
                         !is_replaced(p, "generate_schema_name");
}

/* The text without white space around it, as the macros' "| trim" leaves it. */
static const char *trimmed(struct project *p, const char *text)
{
    static const char white[] = " \t\r\n\f\v";
    text += strspn(text, white);
    size_t n = strlen(text);
    while (n && strchr(white, text[n - 1]))
        n--;
    return text[n] ? arena_strndup(&p->mem, text, n) : text;
}

/* What is trimmed differs beyond ASCII; what has a version has another alias. */
static bool is_plain(const struct item *it, const char *schema, const char *alias)
{
    const char *const texts[] = {schema, alias};
    for (size_t i = 0; i < 2; i++)
        for (const char *s = texts[i]; s && *s; s++)
            if (*s & 0x80)
                return false;
    return !it->pub.version;
}

static const char *plain_schema(struct project *p, const char *custom)
{
    if (!custom)
        return p->schema;
    return p->has_profile
               ? arena_printf(&p->mem, "%s_%s", p->schema, trimmed(p, custom))
               : trimmed(p, custom);
}

/* ── both ── */

static const char *by_macro(struct project *p, struct item *it, const char *macro,
                            const char *custom, const char *fallback)
{
    struct macro *m = macros_find(p, p->root, macro);
    return m ? text_of_macro(p, it, m, custom, fallback) : fallback;
}

void item_name_relation(struct project *p, struct item *it)
{
    const json_t *c = it->pub.config;
    const char *schema = json_str(c, "schema", NULL),
               *alias = json_str(c, "alias", NULL);
    if (p->has_plain_names && is_plain(it, schema, alias)) {
        it->pub.alias = alias && *alias ? trimmed(p, alias) : it->pub.name;
        it->pub.schema = plain_schema(p, schema);
    } else {
        it->pub.alias = by_macro(p, it, "generate_alias_name", alias, it->pub.name);
        it->pub.schema = by_macro(p, it, "generate_schema_name", schema, p->schema);
    }
    if (it->pub.type == NODE_SNAPSHOT) /* before dbt 1.9: the schema as it stands */
        it->pub.schema = json_str(c, "target_schema", it->pub.schema);
}
