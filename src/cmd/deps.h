/* Installing one package, inside `weir deps`. */
#ifndef CMD_DEPS_H
#define CMD_DEPS_H

#include <jansson.h>
#include "base/err.h"

/* Puts the package that an entry of packages.yml names into folder (dbt_packages, made
 * when missing), relative paths as seen from base (the folder of that packages.yml).
 * *name: what it is called there, mem_free; *pinned: its line of package-lock.yml, a
 * new reference. ERR_UNSUPPORTED for what would have to be fetched by weir itself. */
int deps_install(const json_t *entry, const char *base, const char *folder, char **name,
                 json_t **pinned, struct err *e);

#endif
