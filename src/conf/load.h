/* What the files of the room conf share while a platform is being loaded. */
#ifndef CONF_LOAD_H
#define CONF_LOAD_H

#include "base/vec.h"
#include "conf/conf.h"
#include "conf/rows.h"
#include "conf/tree.h"

struct load {
    struct platform *p;
    struct arena *arena; /* of the platform: everything that stays */
    const char *file;    /* as named in messages */
    VEC(struct conf_origin) origins;
    VEC(struct conf_pair) given_paths;
    struct err *e;
};

/* ERR_CONFIG at a node's place: "weir.yml:3:7: PATH: text". */
int load_fail(struct load *l, const struct tree *t, const char *path, const char *fmt,
              ...) __attribute__((format(printf, 4, 5)));
/* The node's value into field; t NULL: the row's default. */
int value_parse(struct load *l, const struct conf_row *r, const struct tree *t,
                const char *path, void *base);
/* A plugin's own setting. */
int value_pair(struct load *l, const struct tree *t, const char *path,
               struct conf_pair *out);
void load_origin(struct load *l, const char *path, const char *value,
                 const struct tree *t, bool is_secret);
/* Entries and values that follow from others, then what must agree across sections. */
int derive_all(struct load *l);
/* Absolute form of path below dir, "." and ".." resolved as text. */
const char *load_path(struct load *l, const char *dir, const char *path);
/* The same for the text of a node below the project folder, or, when a caller gave it
 * and it is not there, below the caller's folder; setting is its path in weir.yml. */
const char *load_project_path(struct load *l, const struct tree *t,
                              const char *setting);

#endif
