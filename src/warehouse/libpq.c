/* Loads libpq on demand and finds its functions. Called by wh_postgres.c before the
 * first connection; one thread opens warehouses. */
#include "warehouse/libpq.h"

#include <dlfcn.h>

struct libpq libpq;

int libpq_load(struct err *e)
{
    static void *library;
    static const struct function {
        const char *name;
        void **place;
    } functions[] = {
#define X(name) {#name, (void **)(void *)&libpq.call_##name},
#include "warehouse/libpq.list"
#undef X
    };
    if (library)
        return 0;
    void *found = dlopen("libpq.so.5", RTLD_NOW | RTLD_LOCAL);
    if (!found)
        return err_set(e, ERR_UNAVAILABLE,
                       "PostgreSQL needs the library libpq.so.5; install the package "
                       "libpq5 (%s)",
                       dlerror());
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
        *functions[i].place = dlsym(found, functions[i].name);
        if (!*functions[i].place) {
            dlclose(found);
            return err_set(e, ERR_UNAVAILABLE, "libpq.so.5 has no %s; it is too old",
                           functions[i].name);
        }
    }
    library = found;
    return 0;
}
