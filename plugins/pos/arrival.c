/* Arrival times from a side file, read in step with the lines.
 *
 * in: CSV rows line,arrival_ms in rising line order. out: the arrival of a line. Called
 * by plugin.c. Always holds: one row in memory, whatever the file's size. */
#include "arrival.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "../common/plug.h"

#define PATH_SIZE 4096

static bool cut_suffix(char *s, const char *suffix)
{
    size_t n = strlen(s), m = strlen(suffix);
    if (n <= m || strcmp(s + n - m, suffix) != 0)
        return false;
    s[n - m] = 0;
    return true;
}

/* The file beside path, "" when there is none. */
static void beside(const char *path, char *out, size_t size)
{
    char stem[PATH_SIZE];
    snprintf(stem, sizeof(stem), "%s", path);
    cut_suffix(stem, ".gz");
    if (!cut_suffix(stem, ".jsonl") && !cut_suffix(stem, ".ndjson"))
        cut_suffix(stem, ".json");
    snprintf(out, size, "%s.arrival.csv.gz", stem);
    if (access(out, F_OK) == 0)
        return;
    snprintf(out, size, "%s.arrival.csv", stem);
    if (access(out, F_OK) != 0)
        out[0] = 0;
}

static int bad_row(const struct arrival *a, char *error, const char *what)
{
    return plug_error(error, -1, "%s:%llu: %s (columns line,arrival_ms)",
                      a->csv.in.path, (unsigned long long)a->csv.record_line, what);
}

static int read_header(struct arrival *a, char *error)
{
    enum csv_state st = csv_next(&a->csv, error);
    const struct csv_field *f = a->csv.fields;
    if (st == CSV_FAIL)
        return -1;
    if (st != CSV_OK || a->csv.n != 2 || f[0].n != 4 ||
        memcmp(f[0].p, "line", 4) != 0 || f[1].n != 10 ||
        memcmp(f[1].p, "arrival_ms", 10) != 0)
        return bad_row(a, error, "is no header of an arrival file");
    return 0;
}

int arrival_open(struct arrival *a, const char *setting, const char *path, char *error)
{
    char found[PATH_SIZE + 32]; /* a suffix longer than the path */
    struct input in;
    memset(a, 0, sizeof(*a));
    if (!strcmp(setting, "auto")) {
        beside(path, found, sizeof(found));
        setting = found;
    }
    if (!*setting)
        return 0;
    if (input_open(&in, setting, error) < 0)
        return -1;
    csv_init(&a->csv, in);
    a->is_open = true;
    if (read_header(a, error) == 0)
        return 0;
    arrival_close(a);
    return -1;
}

void arrival_close(struct arrival *a)
{
    if (a->is_open)
        csv_close(&a->csv);
    a->is_open = false;
}

static int next_row(struct arrival *a, char *error)
{
    int64_t line, ms;
    enum csv_state st = csv_next(&a->csv, error);
    if (st == CSV_FAIL)
        return -1;
    if (st == CSV_SHORT)
        return plug_error(error, -1, "%s: the gzip file ends in the middle",
                          a->csv.in.path);
    if (st == CSV_END) {
        a->is_at_end = true;
        return 0;
    }
    const struct csv_field *f = a->csv.fields;
    if (st == CSV_BAD || a->csv.n != 2 || !plug_i64(f[0].p, f[0].n, &line) ||
        !plug_i64(f[1].p, f[1].n, &ms))
        return bad_row(a, error, "two whole numbers expected");
    if ((uint64_t)line <= a->line)
        return bad_row(a, error, "line numbers must rise");
    a->line = (uint64_t)line;
    a->ms = ms;
    return 0;
}

int arrival_of(struct arrival *a, uint64_t line, int64_t *ms, char *error)
{
    *ms = WEIR_TIME_UNKNOWN;
    if (!a->is_open)
        return 0;
    while (a->line < line && !a->is_at_end) {
        if (next_row(a, error) < 0)
            return -1;
    }
    if (a->line == line)
        *ms = a->ms;
    return 0;
}
