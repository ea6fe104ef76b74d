/* Lines about tasks (report.h). in: a task's row. out: text. Called by progress.c and
 * by the commands that follow a run. */
#include "supervise/report.h"

#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/str.h"
#include "base/text.h"

void report_lines(const char *text, struct buf *out)
{
    for (;;) {
        size_t n = strcspn(text, "\n");
        text_sanitise(out, text, n);
        buf_addc(out, '\n');
        if (!text[n] || !text[n + 1])
            return;
        text += n + 1;
        buf_adds(out, "    ");
    }
}

char *report_number(int64_t v, char out[32])
{
    char digits[24];
    int n = snprintf(digits, sizeof digits, "%lld", (long long)(v < 0 ? -v : v));
    char *p = out;
    if (v < 0)
        *p++ = '-';
    for (int i = 0; i < n; i++) {
        if (i > 0 && (n - i) % 3 == 0)
            *p++ = ',';
        *p++ = digits[i];
    }
    *p = '\0';
    return out;
}

static bool is_good(const char *state)
{
    return streq(state, "success") || streq(state, "pass");
}

void report_task(const json_t *task, size_t n, size_t total, struct buf *out)
{
    const char *state = json_str(task, "state", "?"),
               *message = json_str(task, "message", "");
    int64_t rows = json_i64(task, "rows", -1);
    double seconds = json_num(task, "seconds", 0);
    char number[32];
    const char *name = json_str(task, "name", NULL);
    if (!name)
        name = json_str(json_obj(task, "item"), "name", json_str(task, "node", "?"));
    buf_addf(out, "%4zu/%zu %-9s %-5s %s", n, total, state, json_str(task, "kind", ""),
             name);
    const char *kind = json_str(task, "kind", "");
    bool is_test = streq(kind, "test") || streq(kind, "unit_test");
    if (rows >= 0 && !(is_test && (rows == 0 || streq(kind, "unit_test"))))
        buf_addf(out, "  %s %s", report_number(rows, number),
                 is_test ? "failing rows" : "rows");
    if (seconds > 0)
        buf_addf(out, "  %.2f s", seconds);
    if (!is_good(state) && message[0])
        buf_addf(out, ": %s", message);
}
