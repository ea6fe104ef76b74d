/* Errors. A fallible function returns 0 or a negative enum err_code; the detail a
 * person reads goes to the caller's struct err. Nothing below main and the worker mains
 * prints.
 *
 *     if ((rc = bus_commit(p, e)) < 0)
 *         return rc;                                  // e is already filled
 *     return err_set(e, ERR_BUS, "topic %s: %s", topic, why);
 *
 * A NULL struct err * is allowed everywhere and drops the detail. */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include <stdarg.h>
#include <stdbool.h>

/* name, number, exit status of a command that ends with it, retryable, text */
#define ERR_MAP(X)                                                                     \
    X(FAIL, 1, 1, false, "failed")                                                     \
    X(USAGE, 2, 2, false, "wrong usage")                                               \
    X(CONFIG, 3, 2, false, "configuration error")                                      \
    X(NOTHING, 4, 3, false, "nothing to do")                                           \
    X(UNAVAILABLE, 5, 4, true, "unavailable")                                          \
    X(LOCKED, 6, 4, true, "locked by another process")                                 \
    X(BLOCKED, 7, 5, false, "blocked by a gate")                                       \
    X(INTERRUPTED, 8, 130, false, "interrupted")                                       \
    X(NOMEM, 9, 1, false, "out of memory")                                             \
    X(LIMIT, 10, 1, false, "limit exceeded")                                           \
    X(IO, 11, 1, true, "input/output error")                                           \
    X(FULL, 12, 1, true, "no space left")                                              \
    X(PARSE, 13, 2, false, "parse error")                                              \
    X(TYPE, 14, 1, false, "wrong type")                                                \
    X(NOTFOUND, 15, 1, false, "not found")                                             \
    X(EXISTS, 16, 1, false, "already exists")                                          \
    X(FENCED, 17, 1, false, "fenced by a newer instance")                              \
    X(CORRUPT, 18, 1, false, "corrupt data")                                           \
    X(BUS, 19, 1, true, "bus error")                                                   \
    X(SQL, 20, 1, false, "SQL error")                                                  \
    X(PLUGIN, 21, 1, false, "plugin error")                                            \
    X(PROTOCOL, 22, 1, false, "protocol error")                                        \
    X(TIMEOUT, 23, 4, true, "timed out")                                               \
    X(UNSUPPORTED, 24, 1, false, "not supported")                                      \
    X(AGAIN, 25, 4, true, "try again")

enum err_code {
    ERR_OK = 0,
#define X(name, number, exit, retry, text) ERR_##name = -(number),
    ERR_MAP(X)
#undef X
};

#define ERR_TEXT_MAX 1024

struct err {
    int code; /* enum err_code */
    char text[ERR_TEXT_MAX];
};

/* Fill e and return code, so that it can be returned in one line. Control bytes from
 * foreign text are kept; whoever shows the text sanitises it (base/text.h). */
int err_set(struct err *e, int code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* As err_set, with strerror(errno) appended. ENOSPC, EDQUOT and EFBIG become ERR_FULL
 * whatever code says. errno is kept. */
int err_errno(struct err *e, int code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Put "fmt: " before the text that is there; return e->code (or code if e is NULL). */
int err_wrap(struct err *e, int code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

void err_clear(struct err *e);

/* Short name ("BUS"), text ("bus error"), exit status and whether a retry may help. */
const char *err_name(int code);
const char *err_text(int code);
int err_exit_status(int code);
bool err_is_retryable(int code);
/* Code of a name as err_name gives it, ERR_FAIL when unknown. */
int err_from_name(const char *name);

/* For what cannot happen: message with the place, then abort. */
#define BUG_ON(cond)                                                                   \
    do {                                                                               \
        if (__builtin_expect(!!(cond), 0))                                             \
            err_bug(__FILE__, __LINE__, #cond);                                        \
    } while (0)
void err_bug(const char *file, int line, const char *what) __attribute__((noreturn));

#endif
