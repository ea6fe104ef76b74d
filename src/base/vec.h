/* Typed growing array.   VEC(struct node *) nodes = {0};  vec_push(&nodes, n);
 * Growth aborts on OOM; for input-sized data put a ceiling before pushing. */
#ifndef BASE_VEC_H
#define BASE_VEC_H

#include "base/mem.h"

#define VEC(type)                                                                      \
    struct {                                                                           \
        type *v;                                                                       \
        size_t n, cap;                                                                 \
    }
#define vec_push(vec, item)                                                            \
    do {                                                                               \
        if ((vec)->n == (vec)->cap) {                                                  \
            (vec)->cap = (vec)->cap ? (vec)->cap * 2 : 8;                              \
            (vec)->v = mem_realloc((vec)->v, (vec)->cap * sizeof *(vec)->v);           \
        }                                                                              \
        (vec)->v[(vec)->n++] = (item);                                                 \
    } while (0)
#define vec_release(vec)                                                               \
    do {                                                                               \
        mem_free((vec)->v);                                                            \
        (vec)->v = NULL;                                                               \
        (vec)->n = (vec)->cap = 0;                                                     \
    } while (0)

#endif
