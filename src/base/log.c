/* Log lines to stderr, one write(2) each, so that lines of several processes on one
 * pipe never mix. In: a level and a format. Out: one line without control bytes and
 * without card numbers. Called by workers and the supervisor. */
#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/pan.h"
#include "base/text.h"
#include "base/timeutil.h"

#define LOG_LINE_MAX 4096

static enum log_level max_level = LOG_INFO;
static bool is_level_set;
static char process_name[32] = "weir";

void log_set_level(enum log_level level)
{
    max_level = level;
    is_level_set = true;
}

/* $WEIR_LOG: error, warn, info or debug, unless the program decided. */
static void level_from_environment(void)
{
    static const char *const words[] = {"error", "warn", "info", "debug"};
    const char *word = getenv("WEIR_LOG");
    for (size_t i = 0; word && i < 4; i++)
        if (streq(word, words[i]))
            max_level = (enum log_level)i;
    is_level_set = true;
}

void log_set_name(const char *name)
{
    str_copy(process_name, sizeof process_name, name);
}

void log_write(enum log_level level, const char *fmt, ...)
{
    static const char *const names[] = {"error", "warn ", "info ", "debug"};
    if (!is_level_set)
        level_from_environment();
    if (level > max_level)
        return;
    char text[LOG_LINE_MAX / 2], stamp[32];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    size_t n = strlen(text);
    while (n && text[n - 1] == '\n')
        n--;
    pan_mask(text, n);
    struct buf line;
    buf_init(&line, LOG_LINE_MAX * 2);
    buf_addf(&line, "%s %s %s: ", time_format_iso(time_wall_ms(), true, stamp),
             names[level], process_name);
    text_sanitise(&line, text, n);
    buf_addc(&line, '\n');
    if (line.len) {
        ssize_t ignored = write(STDERR_FILENO, line.data, line.len);
        (void)ignored; /* nowhere left to report it */
    }
    buf_release(&line);
}
