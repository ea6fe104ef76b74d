/* run_results.json (v6), made from a journal that grows by a line a node, so that a
 * kill of anything loses no result: what is missing then is told by the line that began
 * the run, and the next command makes the file.
 *
 * In: results as nodes end, by several workers at once (one write a line, appended).
 * Out: TARGET/run_results.journal while a run goes on, TARGET/run_results.json after
 * it. Called by the sql worker, `retry` and whatever reads results. A line is
 * "UNIQUE_ID<tab>JSON"; the first one's id is "#". Of several lines of one id the last
 * holds. Lines reach the disk within SYNC_MS, and before the file is made. */
#include "model/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "base/outfile.h"
#include "base/timeutil.h"

#define JOURNAL     "run_results.journal"
#define RESULTS     "run_results.json"
#define SYNC_MS     50
#define JOURNAL_MAX ((size_t)1 << 30)
#define LOST        "the run ended before this node did"

/* ── who writes ── */

/* When a process began, in clock ticks since boot: with its id, who it is. 0: gone. */
static int64_t process_start(int64_t pid)
{
    char path[64], text[1024];
    snprintf(path, sizeof path, "/proc/%lld/stat", (long long)pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? read(fd, text, sizeof text - 1) : -1;
    if (fd >= 0)
        close(fd);
    text[n > 0 ? n : 0] = '\0';
    const char *s = strrchr(text, ')'); /* the name may hold anything */
    for (int i = 0; s && i < 20; i++)
        s = strchr(s + 1, ' ');
    return s ? strtoll(s, NULL, 10) : 0;
}

/* Whether the run of a journal's first line is still going on. */
static bool is_live(const json_t *head)
{
    int64_t pid = json_i64(head, "pid", 0), start = json_i64(head, "pid_start", 0);
    return pid > 0 && start > 0 && process_start(pid) == start;
}

/* ── rows ── */

static char *stamp(int64_t wall_us, char out[40])
{
    time_t s = (time_t)(wall_us / 1000000);
    struct tm tm;
    gmtime_r(&s, &tm);
    size_t n = strftime(out, 24, "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(out + n, 40 - n, ".%06dZ", (int)(wall_us % 1000000));
    return out;
}

int64_t results_now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static json_t *timing(int64_t from, int64_t compiled, int64_t to)
{
    char a[40], b[40], c[40];
    if (compiled < from || compiled > to)
        compiled = from;
    return json_pack("[{s:s, s:s, s:s}, {s:s, s:s, s:s}]", "name", "compile",
                     "started_at", stamp(from, a), "completed_at", stamp(compiled, b),
                     "name", "execute", "started_at", b, "completed_at", stamp(to, c));
}

/* What a database driver would have answered, in the words that dbt's has for it. */
static json_t *response(const struct project *p, const struct item *it, int64_t rows)
{
    bool is_select = streq(p->o.adapter, "postgres") &&
                     streq(it->pub.materialized, "table") && rows >= 0;
    bool is_view =
        streq(p->o.adapter, "postgres") && streq(it->pub.materialized, "view");
    const char *code = it->pub.type == NODE_SEED ? "INSERT"
                       : is_select               ? "SELECT"
                       : is_view                 ? "CREATE VIEW"
                                                 : "OK";
    json_t *r = json_object();
    char *text = rows >= 0 && (is_select || it->pub.type == NODE_SEED)
                     ? mem_printf("%s %lld", code, (long long)rows)
                     : mem_strdup(code);
    json_put_str(r, "_message", text);
    json_put_str(r, "code", code);
    json_put_i64(r, "rows_affected", rows);
    mem_free(text);
    return r;
}

static json_t *row_new(const char *id, const char *status)
{
    json_t *r = json_object();
    json_put_str(r, "status", streq(status, "blocked") ? "skipped" : status);
    json_put(r, "timing", json_array());
    json_put_str(r, "thread_id", "Thread-1 (worker)");
    json_put_num(r, "execution_time", 0);
    json_put(r, "adapter_response", json_object());
    json_put(r, "message", json_null());
    json_put(r, "failures", json_null());
    json_put_str(r, "unique_id", id);
    static const char *const none[] = {"compiled", "compiled_code", "relation_name",
                                       "batch_results"};
    for (size_t i = 0; i < sizeof none / sizeof *none; i++)
        json_put(r, none[i], json_null());
    return r;
}

static void put_compiled(json_t *r, const struct item *it)
{
    bool has_relation = it->pub.type == NODE_MODEL || it->pub.type == NODE_SNAPSHOT;
    char *name = has_relation && !streq(it->pub.materialized, "ephemeral")
                     ? mem_printf("\"%s\".\"%s\"", it->pub.schema, it->pub.alias)
                     : NULL;
    json_put_str(r, "relation_name", name);
    mem_free(name);
    if (it->pub.type == NODE_SEED)
        return;
    json_put_flag(r, "compiled", it->compiled != NULL);
    json_put_str(r, "compiled_code", it->compiled);
}

static bool is_bad(const char *status)
{
    return streq(status, "error") || streq(status, "fail") || streq(status, "warn") ||
           streq(status, "blocked") || streq(status, "partial success");
}

/* The message under dbt's heading: "Database Error in model x (models/x.sql)". */
static void put_message(json_t *r, const struct node *n, const struct model_result *m)
{
    static const char *const kinds[] = {"Compilation", "Database", "Runtime"};
    size_t kind = m->code == ERR_SQL || m->code == ERR_LOCKED || m->code == ERR_FULL ? 1
                  : m->code == ERR_FAIL || m->code == ERR_CONFIG ||
                          m->code == ERR_PARSE || m->code == ERR_TYPE
                      ? 0
                      : 2;
    char *text = m->code
                     ? mem_printf("%s Error in %s %s (%s)\n  %s", kinds[kind],
                                  node_type_name(n->type), n->name, n->path, m->message)
                     : NULL;
    json_put_str(r, "message", text ? text : m->message);
    mem_free(text);
}

json_t *results_row(struct project *p, const struct node *n,
                    const struct model_result *m, int64_t from_us)
{
    const struct item *it = item_of(n);
    json_t *r = row_new(n->unique_id, m->status);
    int64_t to = results_now_us();
    bool is_test = n->type == NODE_TEST || n->type == NODE_UNIT_TEST;
    json_put(r, "timing", timing(from_us, it->compiled_us, to));
    json_put_num(r, "execution_time", m->seconds);
    put_compiled(r, it);
    if (is_test && m->rows >= 0)
        json_put_i64(r, "failures", m->rows);
    if (m->batches)
        json_object_set(r, "batch_results", m->batches);
    if (is_bad(m->status) || clone_is_asked(p)) {
        put_message(r, n, m);
    } else {
        json_t *answer = response(p, it, is_test ? -1 : m->rows);
        if (!is_test)
            json_put(r, "message", json_incref(json_object_get(answer, "_message")));
        json_put(r, "adapter_response", answer);
    }
    return r;
}

/* A test that ran inside its node's build: {"node", "status", "failures", …}. */
static json_t *test_row(struct project *p, struct wh *w, const json_t *test)
{
    const char *id = json_str(test, "node", ""), *status = json_str(test, "status", "");
    const struct node *n = project_find(p, id);
    json_t *r = row_new(id, status), *failures = json_object_get(test, "failures");
    double seconds = json_num(test, "seconds", 0);
    int64_t to = results_now_us();
    struct buf sql;
    buf_init(&sql, 64u << 20);
    if (n) /* it was counted with others in one scan, or on what was built aside */
        model_compile(p, w, n, &sql, NULL);
    buf_release(&sql);
    json_put(r, "timing", timing(to - (int64_t)(seconds * 1e6), 0, to));
    json_put_num(r, "execution_time", seconds);
    json_put(r, "failures", failures ? json_incref(failures) : json_null());
    if (n)
        put_compiled(r, item_of(n));
    if (is_bad(status))
        json_put_str(r, "message", json_str(test, "message", NULL));
    else
        json_put(r, "adapter_response",
                 json_pack("{s:s, s:s, s:i}", "_message", "OK", "code", "OK",
                           "rows_affected", -1));
    return r;
}

/* ── the journal ── */

static int add_line(struct buf *b, const char *id, const json_t *v, struct err *e)
{
    buf_addf(b, "%s\t", id);
    int rc = json_dump_buf(v, JSON_COMPACT, b, e);
    buf_addc(b, '\n');
    return rc < 0 ? rc : buf_check(b, JOURNAL, e);
}

/* One write, so that lines of several workers do not mix. */
static int append(struct project *p, const struct buf *b, int flags, struct err *e)
{
    static int64_t synced_ms;
    char *path = target_path(p, JOURNAL);
    int fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC | flags, 0644), rc = 0;
    if (fd < 0 || write(fd, b->data, b->len) != (ssize_t)b->len)
        rc = err_errno(e, ERR_IO, "%s", path);
    if (rc == 0 && time_mono_ms() - synced_ms >= SYNC_MS) {
        fdatasync(fd);
        synced_ms = time_mono_ms();
    }
    if (fd >= 0)
        close(fd);
    mem_free(path);
    return rc;
}

int results_begin(struct project *p, const json_t *args, const json_t *planned,
                  struct err *e)
{
    struct buf b;
    int64_t pid = getppid(); /* of the worker: the supervisor whose run it is */
    json_t *head = json_object(), *all = json_array(), *one, *test;
    size_t i, k;
    results_recover(p->target_dir, true, NULL);
    json_array_foreach (planned, i, one) {
        json_array_append(all, json_object_get(one, "node"));
        json_array_foreach (json_arr(one, "tests"), k, test)
            json_array_append(all, test);
    }
    json_put(head, "metadata", results_metadata(p));
    json_put(head, "args",
             args ? json_incref((json_t *)(uintptr_t)args) : json_object());
    json_put(head, "planned", all);
    json_put_i64(head, "pid", pid);
    json_put_i64(head, "pid_start", process_start(pid));
    json_put_i64(head, "began_ms", time_wall_ms());
    buf_init(&b, JOURNAL_MAX);
    int rc = add_line(&b, "#", head, e);
    if (rc == 0)
        rc = append(p, &b, O_CREAT | O_TRUNC, e);
    buf_release(&b);
    json_decref(head);
    return rc;
}

int results_add(struct project *p, struct wh *w, const struct node *n,
                const struct model_result *m, int64_t from_us, struct err *e)
{
    struct buf b;
    json_t *row = results_row(p, n, m, from_us), *test;
    size_t i;
    buf_init(&b, 256u << 20);
    int rc = 0;
    json_array_foreach (m->tests, i, test) {
        json_t *one = test_row(p, w, test);
        rc = rc < 0 ? rc : add_line(&b, json_str(test, "node", ""), one, e);
        json_decref(one);
    }
    rc = rc < 0 ? rc : add_line(&b, n->unique_id, row, e);
    if (rc == 0)
        rc = append(p, &b, 0, e);
    json_decref(row);
    buf_release(&b);
    return rc;
}

/* A hook of the run, told of as dbt does. */
struct hook_rows {
    const char *key; /* on-run-start, on-run-end */
    int64_t from_us;
    const char *why; /* NULL: all went well */
    struct buf lines;
};

static void add_hook_row(void *arg, const char *id, json_t *node)
{
    struct hook_rows *h = arg;
    json_t *tag = json_array_get(json_arr(node, "tags"), 0);
    if (streq(json_is_string(tag) ? json_string_value(tag) : "", h->key)) {
        json_t *row = row_new(id, h->why ? "error" : "success");
        char *text = mem_printf("%s.%s.%lld passed", json_str(node, "package_name", ""),
                                h->key, (long long)json_i64(node, "index", 0));
        int64_t to = results_now_us();
        json_put(row, "timing", timing(h->from_us, 0, to));
        json_put_str(row, "thread_id", "main");
        json_put_num(row, "execution_time", (double)(to - h->from_us) / 1e6);
        json_put_i64(row, "failures", h->why ? 1 : 0);
        json_put_str(row, "message", h->why ? h->why : text);
        add_line(&h->lines, id, row, NULL);
        json_decref(row);
        mem_free(text);
    }
    json_decref(node);
}

int results_add_hooks(struct project *p, bool is_start, int64_t from_us,
                      const char *why, struct err *e)
{
    struct hook_rows h = {.key = is_start ? "on-run-start" : "on-run-end",
                          .from_us = from_us,
                          .why = why};
    buf_init(&h.lines, 16u << 20);
    manifest_operations(p, add_hook_row, &h);
    int rc = h.lines.len ? append(p, &h.lines, 0, e) : 0;
    buf_release(&h.lines);
    return rc;
}

/* ── from the journal to the file ── */

struct journal {
    struct buf text;
    json_t *head;
    struct map last; /* id → its last line's JSON, as char * */
    VEC(char *) ids; /* as they came first */
};

/* Cuts the text into lines; a last one without its end was not written whole. */
static void cut_lines(struct journal *j)
{
    char *s = j->text.data;
    while (s && *s) {
        char *end = strchr(s, '\n'), *tab = strchr(s, '\t');
        if (!end || !tab || tab > end)
            break;
        *end = *tab = '\0';
        if (streq(s, "#"))
            json_load_text(tab + 1, (size_t)(end - tab - 1), &j->head, NULL);
        else if (!map_put(&j->last, s, tab + 1))
            vec_push(&j->ids, s);
        s = end + 1;
    }
}

static int journal_read(struct journal *j, const char *path, struct err *e)
{
    *j = (struct journal){0};
    buf_init(&j->text, JOURNAL_MAX);
    map_init(&j->last);
    int rc = buf_read_file(&j->text, path, e);
    if (rc < 0)
        return rc;
    cut_lines(j);
    return j->head ? 0 : err_set(e, ERR_PROTOCOL, "%s: has no first line", path);
}

static void journal_release(struct journal *j)
{
    json_decref(j->head);
    vec_release(&j->ids);
    map_release(&j->last);
    buf_release(&j->text);
}

static void add_result(struct outfile *o, bool *is_first, const char *text)
{
    buf_adds(&o->b, *is_first ? "\n" : ",\n");
    buf_adds(&o->b, text);
    outfile_flush(o);
    *is_first = false;
}

static void add_row(struct outfile *o, bool *is_first, json_t *row)
{
    struct buf b;
    buf_init(&b, 16u << 20);
    json_dump_buf(row, JSON_COMPACT, &b, NULL);
    add_result(o, is_first, buf_str(&b));
    buf_release(&b);
    json_decref(row);
}

/* Nodes that were planned and have no line: rest says how they ended, or nobody does.
 */
static void add_rest(struct outfile *o, bool *is_first, const struct journal *j,
                     const json_t *rest)
{
    json_t *one;
    size_t i;
    struct map said;
    map_init(&said);
    json_array_foreach (rest, i, one) {
        const char *id = json_str(one, "unique_id", "");
        if (!map_has(&j->last, id) && !map_put(&said, id, one))
            add_row(o, is_first, json_incref(one));
    }
    json_array_foreach (json_arr(j->head, "planned"), i, one) {
        const char *id = json_is_string(one) ? json_string_value(one) : "";
        if (map_has(&j->last, id) || map_has(&said, id))
            continue;
        json_t *row = row_new(id, "skipped");
        json_put_str(row, "message", LOST);
        add_row(o, is_first, row);
    }
    map_release(&said);
}

static int write_results(const char *dir, const struct journal *j, const json_t *rest,
                         double elapsed_s, struct err *e)
{
    struct outfile o;
    char *path = mem_printf("%s/" RESULTS, dir), number[40];
    bool is_first = true;
    int rc = outfile_open(&o, path, e);
    mem_free(path);
    if (rc < 0)
        return rc;
    char now[40];
    json_put_str(json_obj(j->head, "metadata"), "generated_at",
                 stamp(results_now_us(), now));
    buf_adds(&o.b, "{\"metadata\": ");
    rc = json_dump_buf(json_obj(j->head, "metadata"), 0, &o.b, e);
    buf_adds(&o.b, ", \"results\": [");
    for (size_t i = 0; i < j->ids.n; i++)
        add_result(&o, &is_first, map_get(&j->last, j->ids.v[i]));
    add_rest(&o, &is_first, j, rest);
    snprintf(number, sizeof number, "%.6f", elapsed_s);
    buf_addf(&o.b, "\n], \"elapsed_time\": %s, \"args\": ", number);
    if (rc == 0)
        rc = json_dump_buf(json_obj(j->head, "args"), 0, &o.b, e);
    buf_adds(&o.b, "}\n");
    int closed = outfile_close(&o, rc == 0, rc == 0 ? e : NULL);
    return rc < 0 ? rc : closed;
}

static int finish(const char *dir, const char *path, const struct journal *j,
                  const json_t *rest, double elapsed_s, struct err *e)
{
    int rc = write_results(dir, j, rest, elapsed_s, e);
    if (rc == 0 && unlink(path) != 0 && errno != ENOENT)
        rc = err_errno(e, ERR_IO, "%s", path);
    return rc;
}

int results_end(struct project *p, const json_t *rest, double elapsed_s, struct err *e)
{
    struct journal j;
    char *path = target_path(p, JOURNAL);
    int rc = journal_read(&j, path, e);
    if (rc == 0)
        rc = finish(p->target_dir, path, &j, rest, elapsed_s, e);
    journal_release(&j);
    mem_free(path);
    return rc;
}

json_t *results_so_far(struct project *p, const json_t *rest)
{
    struct journal j;
    json_t *all = json_array(), *one;
    size_t i;
    char *path = target_path(p, JOURNAL);
    if (journal_read(&j, path, NULL) == 0)
        for (i = 0; i < j.ids.n; i++) {
            const char *text = map_get(&j.last, j.ids.v[i]);
            json_t *row = NULL;
            if (str_starts(j.ids.v[i], "operation."))
                continue; /* hooks do not see hooks */
            if (json_load_text(text, strlen(text), &row, NULL) == 0)
                json_array_append_new(all, row);
        }
    json_array_foreach (rest, i, one)
        if (!map_has(&j.last, json_str(one, "unique_id", "")))
            json_array_append(all, one);
    journal_release(&j);
    mem_free(path);
    return all;
}

/* Time of the last line, in seconds after the first. */
static double journal_seconds(const struct journal *j, const char *path)
{
    struct stat st;
    int64_t began = json_i64(j->head, "began_ms", 0);
    if (stat(path, &st) != 0)
        return 0;
    int64_t ms =
        (int64_t)st.st_mtim.tv_sec * 1000 + st.st_mtim.tv_nsec / 1000000 - began;
    return ms > 0 ? (double)ms / 1000 : 0;
}

int results_recover(const char *dir, bool is_over, struct err *e)
{
    struct journal j;
    char *path = mem_printf("%s/" JOURNAL, dir);
    int rc = 0;
    if (access(path, F_OK) == 0) {
        rc = journal_read(&j, path, e);
        if (rc == 0 && !is_over && is_live(j.head))
            rc = err_set(
                e, ERR_LOCKED,
                "a run is going on (process %lld); its results are not complete",
                (long long)json_i64(j.head, "pid", 0));
        if (rc == 0)
            rc = finish(dir, path, &j, NULL, journal_seconds(&j, path), e);
        journal_release(&j);
    }
    mem_free(path);
    return rc;
}
