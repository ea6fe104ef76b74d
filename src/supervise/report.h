/* Lines about tasks, the same for a headless run and for a client that follows one. */
#ifndef SUPERVISE_REPORT_H
#define SUPERVISE_REPORT_H

#include <jansson.h>
#include "base/buf.h"

/* "1,234,567"; out has 32 bytes. */
/* Foreign text as lines for a terminal, sanitised: those after the first are indented
 * (an SQL error with its caret). Ends with a newline. */
void report_lines(const char *text, struct buf *out);
char *report_number(int64_t v, char out[32]);
/* " 3/12 success  run   silver.stg_transactions  162,123 rows  0.84 s" and, behind it,
 * the message when the task did not succeed. task: members as in the tasks feed, and
 * name. */
void report_task(const json_t *task, size_t n, size_t total, struct buf *out);
/* The same as a line of dbt's structured log, and a line of anything else; data is
 * taken, NULL: none. */
void report_task_json(const json_t *task, size_t n, size_t total, struct buf *out);
void report_note_json(const char *name, const char *level, const char *msg,
                      json_t *data, struct buf *out);

#endif
