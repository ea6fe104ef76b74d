/* Documentation blocks: what {% docs %} in .md files holds, what doc() means and which
 * blocks a description calls. In: the files' blocks. Out: their text and unique ids.
 * Called while files are read, by the context's doc() and by the manifest. */
#include "model/internal.h"

#include <ctype.h>
#include <string.h>

void docs_add(struct project *p, const char *package, const char *name,
              const char *shown, const char *text, size_t n)
{
    char *id = mem_printf("doc.%s.%s", package, name);
    const char *slash = strchr(shown, '/');
    json_t *d = json_object();
    json_put_str(d, "name", name);
    json_put_str(d, "resource_type", "doc");
    json_put_str(d, "package_name", package);
    json_put_str(d, "path", slash ? slash + 1 : shown); /* below its folder, as dbt */
    json_put_str(d, "original_file_path", shown);
    json_put_str(d, "unique_id", id);
    json_put(d, "block_contents", json_stringn(text, n));
    json_put(p->docs, id, d);
    mem_free(id);
}

static const json_t *in_package(const struct project *p, const char *package,
                                const char *name)
{
    char id[600];
    snprintf(id, sizeof id, "doc.%.200s.%.300s", package, name);
    return json_object_get(p->docs, id);
}

const json_t *docs_find(const struct project *p, const struct package *from,
                        const char *package, const char *name)
{
    if (package)
        return in_package(p, package, name);
    const json_t *d = from ? in_package(p, from->name, name) : NULL;
    d = d ? d : in_package(p, p->root->name, name);
    for (size_t i = 0; !d && i < p->packages.n; i++)
        d = in_package(p, p->packages.v[i]->name, name);
    return d;
}

/* 'name' or "name" at s; its end, NULL when there is no string. */
static const char *quoted(const char *s, char *out, size_t size)
{
    s += strspn(s, " \t\n");
    if (*s != '\'' && *s != '"')
        return NULL;
    const char *end = strchr(s + 1, *s);
    if (!end || (size_t)(end - s) > size)
        return NULL;
    memcpy(out, s + 1, (size_t)(end - s - 1));
    out[end - s - 1] = '\0';
    return end + 1;
}

json_t *docs_called(const struct project *p, const struct package *from,
                    const char *description)
{
    const char *at = description;
    if (!at || !strstr(at, "{{"))
        return json_incref(p->no_list); /* shared by all that have none */
    json_t *ids = json_array();
    while ((at = strstr(at, "doc"))) {
        bool is_name =
            at > description && (isalnum((unsigned char)at[-1]) || at[-1] == '_');
        at += 3;
        const char *s = at + strspn(at, " \t");
        char first[200], second[200];
        if (is_name || *s != '(' || !(s = quoted(s + 1, first, sizeof first)))
            continue;
        s += strspn(s, " \t\n");
        bool has_two = *s == ',' && quoted(s + 1, second, sizeof second);
        const json_t *d =
            docs_find(p, from, has_two ? first : NULL, has_two ? second : first);
        if (d)
            json_array_append(ids, json_object_get(d, "unique_id"));
    }
    return ids;
}

void docs_begin(struct project *p)
{
    static const char text[] =
        "### Welcome\n\nThis is the documentation of the project: what its models, "
        "seeds, snapshots, tests, sources and macros say of themselves, and what the "
        "warehouse says of their relations.\n\nThe *Project* tab follows the folders, "
        "the *Database* tab the relations, and the graph in the corner what depends on "
        "what.";
    docs_add(p, "dbt", "__overview__", "docs/overview.md", text, sizeof text - 1);
}
