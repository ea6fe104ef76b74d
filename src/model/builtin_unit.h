/* Text of the built-in macros of unit tests: a row of builtin_macros (builtin.c). */
#ifndef MODEL_BUILTIN_UNIT_H
#define MODEL_BUILTIN_UNIT_H

extern const char builtin_unit_macros[];

#endif
