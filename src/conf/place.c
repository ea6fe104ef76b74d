/* Places, paths and references while a platform is loaded: errors at a node, where a
 * value came from, absolute paths, secrets by reference. Called by the other files of
 * conf. */
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"
#include "conf/values.h"

#define SECRET_FILE_MAX ((size_t)64 << 10)

int load_fail(struct load *l, const struct tree *t, const char *path, const char *fmt,
              ...)
{
    char text[700];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    if (t && t->line)
        return err_set(l->e, ERR_CONFIG, "%s:%d:%d: %s%s%s", l->file, t->line,
                       t->column, path, *path ? ": " : "", text);
    return err_set(l->e, ERR_CONFIG, "%s: %s%s%s", t && t->from ? t->from : l->file,
                   path, *path ? ": " : "", text);
}

void load_origin(struct load *l, const char *path, const char *value,
                 const struct tree *t, bool is_secret)
{
    struct conf_origin o = {
        .path = arena_strdup(l->arena, path),
        .value = arena_strdup(l->arena, value),
        .from = !t        ? "default"
                : t->from ? t->from
                          : NULL,
        .line = t ? t->line : 0,
        .column = t ? t->column : 0,
        .is_secret = is_secret,
    };
    if (!o.from)
        o.from = arena_printf(l->arena, "%s:%d:%d", l->file, t->line, t->column);
    vec_push(&l->origins, o);
}

/* ".." and "." taken out as text; path is absolute. */
static void normalise(char *path)
{
    char *out = path;
    for (const char *p = path; *p;) {
        while (*p == '/')
            p++;
        size_t n = strcspn(p, "/");
        if (n == 2 && p[0] == '.' && p[1] == '.') {
            while (out > path && *--out != '/')
                continue;
        } else if (n && !(n == 1 && *p == '.')) {
            *out++ = '/';
            memmove(out, p, n);
            out += n;
        }
        p += n;
    }
    if (out == path)
        *out++ = '/';
    *out = '\0';
}

const char *load_path(struct load *l, const char *dir, const char *path)
{
    char *full = *path == '/' ? arena_strdup(l->arena, path)
                              : arena_printf(l->arena, "%s/%s", dir, path);
    normalise(full);
    return full;
}

/* WEIR_POS=receipts.jsonl, typed where that file is, means that file. Such a path is
 * recorded: child processes run elsewhere and get it as an absolute one. */
const char *load_project_path(struct load *l, const struct tree *t, const char *setting)
{
    const char *full = load_path(l, l->p->project_dir, t->text);
    char cwd[PATH_MAX];
    if (!t->is_given || *t->text == '/' || access(full, F_OK) == 0 ||
        !getcwd(cwd, sizeof cwd))
        return full;
    const char *here = load_path(l, cwd, t->text);
    if (access(here, F_OK) < 0)
        return full;
    struct conf_pair given = {arena_strdup(l->arena, setting), here, true};
    vec_push(&l->given_paths, given);
    return here;
}

/* {env: NAME} and {file: PATH} become a scalar; any other node stays as it is. */
int load_resolve(struct load *l, const struct tree *t, const char *path,
                 struct tree *scalar, const struct tree **out)
{
    *out = t;
    if (!t || t->kind != TREE_MAP || t->n != 1 || t->first->kind != TREE_SCALAR)
        return 0;
    bool is_env = streq(t->first->key, "env"), is_file = streq(t->first->key, "file");
    if (!is_env && !is_file)
        return 0;
    *scalar = *t;
    scalar->kind = TREE_SCALAR;
    scalar->is_secret = true;
    scalar->is_given = is_env;
    *out = scalar;
    if (is_env) {
        scalar->text = getenv(t->first->text);
        if (!scalar->text)
            return load_fail(l, t->first, path, "%s is not set in the environment",
                             t->first->text);
        scalar->text = arena_strdup(l->arena, scalar->text);
        return 0;
    }
    struct buf b;
    struct err why = {0};
    buf_init(&b, SECRET_FILE_MAX);
    int rc = buf_read_file(&b, load_path(l, l->p->project_dir, t->first->text), &why);
    while (b.len && (b.data[b.len - 1] == '\n' || b.data[b.len - 1] == '\r'))
        b.len--;
    scalar->text = arena_strndup(l->arena, buf_str(&b), b.len);
    buf_release(&b);
    return rc < 0 ? load_fail(l, t->first, path, "%s", why.text) : 0;
}
