/* Small helpers shared by the plugins: error text and logging through the host. */
#ifndef PLUGINS_COMMON_PLUG_H
#define PLUGINS_COMMON_PLUG_H

#include "weir/plugin.h"

/* Fill a plugin call's error (WEIR_ERROR_MAX bytes; NULL: dropped) and return rc. */
int plug_error(char *error, int rc, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* As plug_error with strerror(errno) behind it. */
int plug_errno(char *error, int rc, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void plug_log(const struct weir_host *host, enum weir_log_level level, const char *fmt,
              ...) __attribute__((format(printf, 3, 4)));
/* Setting as text, "" when it is absent. */
const char *plug_setting(const struct weir_host *host, const char *name);
bool plug_flag(const struct weir_host *host, const char *name);
void plug_count(const struct weir_host *host, const char *name, int64_t by);
/* Decimal digits only; false on anything else or overflow. */
bool plug_i64(const char *p, size_t n, int64_t *out);
/* "20%" or "20": 0..100; false on anything else. */
bool plug_percent(const char *s, double *out);
/* "YYYY-MM-DDTHH:MM:SS[.fff][Z|±HH:MM]" (T or space) as ms since 1970; false otherwise.
 */
bool plug_time(const char *p, size_t n, int64_t *ms);

#endif
