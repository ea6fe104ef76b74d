/* Log lines to stderr: "2026-06-15T06:04:11.120Z info  bus: text". The supervisor owns
 * the files: a child only writes its stderr. Control bytes are escaped; a card number
 * never reaches a log (base/pan.h masks the line). */
#ifndef BASE_LOG_H
#define BASE_LOG_H

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

/* Default: $WEIR_LOG (error, warn, info, debug), else info. */
void log_set_level(enum log_level level);
void log_set_name(const char *name); /* process name shown in each line */
void log_write(enum log_level level, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

#define log_error(...) log_write(LOG_ERROR, __VA_ARGS__)
#define log_warn(...)  log_write(LOG_WARN, __VA_ARGS__)
#define log_info(...)  log_write(LOG_INFO, __VA_ARGS__)
#define log_debug(...) log_write(LOG_DEBUG, __VA_ARGS__)

#endif
