/* Borrowed text with a length, and small string helpers. */
#ifndef BASE_STR_H
#define BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct str {
    const char *p;
    size_t n;
};

#define STR(literal) ((struct str){literal, sizeof(literal) - 1})
static inline struct str str_of(const char *s)
{
    return (struct str){s, s ? strlen(s) : 0};
}
static inline bool str_eq(struct str a, struct str b)
{
    return a.n == b.n && memcmp(a.p, b.p, a.n) == 0;
}
static inline bool str_is(struct str a, const char *s)
{
    return a.n == strlen(s) && memcmp(a.p, s, a.n) == 0;
}
static inline bool streq(const char *a, const char *b)
{
    return strcmp(a, b) == 0;
}
bool str_starts(const char *s, const char *prefix);
bool str_ends(const char *s, const char *suffix);
/* Whole text as a decimal integer. false on anything else, overflow included. */
bool str_to_i64(struct str s, int64_t *out);
bool str_to_double(struct str s, double *out);
/* Nearest of names[0..n) by edit distance, NULL when none is near enough to suggest. */
const char *str_nearest(const char *word, const char *const *names, size_t n);
/* fnmatch-like with * ? [] over the whole text. */
bool str_glob(const char *pattern, const char *s);
/* Bounded copy, always terminated; false when cut. */
bool str_copy(char *dst, size_t size, const char *src);

#endif
