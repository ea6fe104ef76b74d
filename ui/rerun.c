/* The rerun dialog. In: a node; out: one `rerun` request, after the exact list of what
 * would run was shown. Called by the action `rerun`. Holds always: what is shown is the
 * planner's answer (rerun.plan) for the scope that is chosen; an answer to an older
 * choice is not shown. */
#include <stdio.h>
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "ui/form.h"

static const char *const scopes[] = {"this", "this+", "+this", "failed"};
static const char *const scope_docs[] = {
    "the node alone",
    "and everything downstream",
    "and everything upstream",
    "what failed in its last run",
};

/* The dialog may be gone when the answer comes: it is looked for by its number. */
struct question {
    struct app *app;
    unsigned number;
};

static unsigned question_number;

static json_t *request_of(const struct form *f)
{
    json_t *args = json_object();
    const struct form_field *field = &f->fields[0];

    if (streq(f->cmd, "rerun")) {
        json_put_str(args, "node", f->subject);
        json_put_str(args, "scope", field->choices[field->at]);
        return args;
    }
    json_put_str(args, "command", "build");
    if (f->subject[0])
        json_put(args, "select", json_pack("[s]", f->subject));
    if (field->is_set)
        json_put_flag(args, "full_refresh", true);
    return args;
}

static void submit(struct app *a, struct form *f)
{
    char what[340];

    if (streq(f->cmd, "rerun"))
        snprintf(what, sizeof what, "rerun %s (%s)", f->subject,
                 f->fields[0].choices[f->fields[0].at]);
    else
        snprintf(what, sizeof what, "run %s",
                 f->subject[0] ? f->subject : "everything");
    app_request(a, f->cmd, request_of(f), what);
}

static void add_line(json_t *lines, const char *text)
{
    json_array_append_new(lines, json_string(text));
}

static void add_items(json_t *lines, const json_t *plan)
{
    const json_t *item;
    size_t i;

    json_array_foreach (json_arr(plan, "items"), i, item) {
        char line[400];
        snprintf(line, sizeof line, "%-7s %-28s %s", json_str(item, "kind", ""),
                 json_str(item, "name", json_str(item, "node", "")),
                 json_str(item, "why", ""));
        add_line(lines, line);
    }
    json_array_foreach (json_arr(plan, "skipped"), i, item) {
        char line[400];
        snprintf(line, sizeof line, "skipped %-28s %s",
                 json_str(item, "name", json_str(item, "node", "")),
                 json_str(item, "why", ""));
        add_line(lines, line);
    }
}

/* The planner's own text lists what would run; a plan without it is listed here. */
static void show_plan(struct form *f, const json_t *plan)
{
    size_t n = json_array_size(json_arr(plan, "items")), i;
    json_t *lines = json_array(), *text = json_arr(plan, "text");
    const json_t *line;

    json_array_foreach (text, i, line) {
        if (json_is_string(line))
            add_line(lines,
                     json_string_value(line) + strspn(json_string_value(line), " "));
    }
    if (!json_array_size(text)) {
        char head[64];
        snprintf(head, sizeof head, "%zu to run", n);
        add_line(lines, head);
    }
    if (json_array_size(text) <= 1)
        add_items(lines, plan);
    json_decref(f->preview);
    f->preview = lines;
    f->preview_top = 0;
    f->is_blocked = n == 0;
    str_copy(f->why_blocked, sizeof f->why_blocked, n ? "" : "nothing to do");
}

static void show_error(struct form *f, const char *error)
{
    json_decref(f->preview);
    f->preview = json_array();
    add_line(f->preview, error);
    f->is_blocked = true;
    str_copy(f->why_blocked, sizeof f->why_blocked, "no plan");
}

static struct form *find_form(const struct app *a, unsigned number)
{
    for (struct modal *m = a->modal; m; m = m->below) {
        struct form *f = (struct form *)m;
        if (streq(m->ops->name, "form") && f->question == number)
            return f;
    }
    return NULL;
}

static void take_plan(void *context, const json_t *data, const char *error)
{
    struct question *q = context;
    struct form *f = find_form(q->app, q->number);

    if (f) {
        f->is_waiting = false;
        if (error)
            show_error(f, error);
        else
            show_plan(f, data);
        q->app->is_dirty = true;
    }
    mem_free(q);
}

static void ask(struct app *a, struct form *f)
{
    struct question *q = mem_alloc(sizeof *q);

    *q = (struct question){a, ++question_number};
    f->question = q->number;
    f->is_waiting = true;
    f->why_blocked[0] = '\0';
    const char *cmd = streq(f->cmd, "rerun") ? "rerun.plan" : "run.plan";
    if (!uplink_send(&a->uplink, cmd, request_of(f), take_plan, q)) {
        mem_free(q);
        f->is_waiting = false;
        show_error(f, "no connection to the supervisor");
    }
}

static struct form *plan_form(struct app *a, const char *title, const char *verb,
                              const char *cmd, const char *subject)
{
    struct form *f = form_new(title, verb, submit);
    bool is_prod;
    const char *environment = app_environment(a, &is_prod);

    form_line(f, "%s %s", verb, *subject ? subject : "everything");
    form_line(f, "Environment: %s", *environment ? environment : "unknown");
    f->cmd = cmd;
    f->has_preview = true;
    f->change = ask;
    str_copy(f->subject, sizeof f->subject, subject);
    return f;
}

void rerun_open(struct app *a, const char *node, const char *scope)
{
    struct form *f = plan_form(a, "Rerun", "Rerun", "rerun", node);
    struct form_field *field = form_field(f, FORM_CHOICE, "Scope");

    field->choices = scopes;
    field->docs = scope_docs;
    field->n_choices = sizeof scopes / sizeof *scopes;
    for (size_t i = 0; scope && i < field->n_choices; i++)
        if (streq(scope, scopes[i]))
            field->at = i;
    form_guard(a, f, node);
    app_push(a, &f->modal);
    ask(a, f);
}

void rerun_open_run(struct app *a, const char *selector)
{
    struct form *f = plan_form(a, "Build models", "Build", "run", selector);

    form_field(f, FORM_CHECK, "Full refresh");
    form_guard(a, f, *selector ? selector : "everything");
    app_push(a, &f->modal);
    ask(a, f);
}
