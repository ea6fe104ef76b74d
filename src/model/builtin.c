/* The built-in macros' text: what dbt calls its internal package "dbt": generic tests,
 * names, cross-database macros, the statements of every materialization and the
 * materializations themselves. Each file of macros/ is one template, kept in the
 * executable; macros of a database have its name in front (sqlite__x). A project macro
 * of the same name wins. */
#include "model/internal.h"

#define X(name)                                                                        \
    extern const char builtin_##name[];                                                \
    __asm__(".pushsection .rodata\n"                                                   \
            ".global builtin_" #name "\n"                                              \
            "builtin_" #name ":\n"                                                     \
            ".incbin \"src/model/macros/" #name ".sql\"\n"                             \
            ".byte 0\n"                                                                \
            ".popsection\n");
#include "model/macros/macros.list"
#undef X

#define X(name) {builtin_##name, "macros/" #name ".sql"},
const struct builtin_text builtin_macros[] = {
#include "model/macros/macros.list"
    {NULL, NULL},
};
#undef X
