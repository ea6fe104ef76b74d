/* weir conf: check, show or describe the settings. */
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/str.h"
#include "cmd/cmd.h"

static int print(struct buf *b, int rc, struct err *e)
{
    if (rc == 0)
        rc = buf_check(b, "output", e);
    if (rc == 0)
        fwrite(buf_str(b), 1, b->len, stdout);
    buf_release(b);
    return rc;
}

static int check(const struct cmd_args *a)
{
    const struct platform *p = a->platform;
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
        return check(a);
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
