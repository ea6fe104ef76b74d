/* weir conf: check, show or describe the settings. */
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/str.h"
#include "cmd/cmd.h"
#include "orchestrate/graph.h"
#include "orchestrate/schedule.h"

static int print(struct buf *b, int rc, struct err *e)
{
    if (rc == 0)
        rc = buf_check(b, "output", e);
    if (rc == 0)
        fwrite(buf_str(b), 1, b->len, stdout);
    buf_release(b);
    return rc;
}

/* Where a setting was written, for errors that conf_load cannot find. */
static const char *place_of(const struct platform *p, const char *path)
{
    for (size_t i = 0; i < p->n_origins; i++)
        if (streq(p->origins[i].path, path))
            return p->origins[i].from;
    return "weir.yml";
}

/* Cron expressions and selectors; a selector's grammar needs no nodes. */
static int check_schedule(const struct platform *p, const struct conf_schedule *s,
                          struct err *e)
{
    struct cron c;
    struct graph empty = {0};
    bool none = false;
    char path[300];
    snprintf(path, sizeof path, "schedules.%.200s.cron", s->name);
    int rc = cron_parse(&c, s->cron, e);
    const char *const words[] = {s->select, s->full_refresh};
    static const char *const keys[] = {"select", "full_refresh"};
    for (size_t i = 0; i < 2 && rc == 0; i++) {
        snprintf(path, sizeof path, "schedules.%.200s.%s", s->name, keys[i]);
        struct graph_selection sel = {.select = (const char *const[]){words[i], NULL}};
        if (words[i] && *words[i])
            rc = graph_select(&empty, &sel, &none, e);
    }
    return rc < 0 ? err_wrap(e, rc, "%s: %s", place_of(p, path), path) : 0;
}

static int print_check(const struct platform *p, struct err *e)
{
    json_t *o = json_object();
    json_put_flag(o, "ok", true);
    json_put_str(o, "file", p->file ? p->file : p->project_dir);
    json_put_i64(o, "sources", (int64_t)p->n_sources);
    json_put_i64(o, "topics", (int64_t)p->n_topics);
    json_put_i64(o, "streams", (int64_t)p->n_streams);
    json_put_i64(o, "loads", (int64_t)p->n_loads);
    json_put_i64(o, "gates", (int64_t)p->n_gates);
    json_put_i64(o, "schedules", (int64_t)p->n_schedules);
    int rc = cmd_print_json(o, e);
    json_decref(o);
    return rc;
}

static int check(const struct cmd_args *a, struct err *e)
{
    const struct platform *p = a->platform;
    for (size_t i = 0; i < p->n_schedules; i++)
        if (check_schedule(p, &p->schedules[i], e) < 0)
            return e->code;
    if (a->is_json)
        return print_check(p, e);
    if (a->is_quiet)
        return 0;
    printf("%s: ok: %zu sources, %zu topics, %zu streams, %zu loads, %zu gates, "
           "%zu schedules\n",
           p->file ? p->file : p->project_dir, p->n_sources, p->n_topics, p->n_streams,
           p->n_loads, p->n_gates, p->n_schedules);
    return 0;
}

static int run(const struct cmd_args *a, struct err *e)
{
    static const char *const verbs[] = {"check", "show", "schema"};
    const char *verb = a->argc ? a->argv[0] : "";
    struct buf b;
    buf_init(&b, (size_t)16 << 20);
    if (a->argc == 1 && streq(verb, "schema"))
        return print(&b, conf_schema(&b, e), e);
    if (a->argc != 1 || (!streq(verb, "check") && !streq(verb, "show"))) {
        const char *near = str_nearest(verb, verbs, 3);
        return err_set(e, ERR_USAGE, "weir conf: expected check, show or schema%s%s%s",
                       near ? "; did you mean " : "", near ? near : "",
                       near ? "?" : "");
    }
    if (!a->platform)
        return err_set(e, a->platform_error->code, "%s", a->platform_error->text);
    if (streq(verb, "check"))
        return check(a, e);
    return print(&b, conf_show(a->platform, a->is_json, &b, e), e);
}

const struct cmd cmd_conf = {
    .name = "conf",
    .summary = "Check, show or describe the settings.",
    .operands = "check|show|schema",
    .doc =
        "check reads weir.yml as every command does and reports the first mistake with "
        "its place, what was expected and the nearest valid name.\n\n"
        "show prints every setting that is in force and where it came from: the line "
        "of "
        "weir.yml, --set, the environment, or the default. Secrets are shown as "
        "***.\n\n"
        "schema prints a JSON Schema of weir.yml, for editors.",
    .flags = CMD_READONLY | CMD_JSON | CMD_NO_PROJECT,
    .run = run,
};
