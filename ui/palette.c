/* Prompts on the line above the hints. In: keys; out: one command line for app_command.
 * Called by the actions palette, filter and search. Holds always: text entry has its
 * own keys, so hjkl and q are letters here; nothing runs before Enter but a live
 * filter, which Esc puts back. */
#include "ui/palette.h"

#include <stdio.h>
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/text.h"
#include "cmd/cmd.h"
#include "ui/action.h"
#include "ui/child.h"

#define TEXT_MAX       240
#define CANDIDATES_MAX 200
#define SHOWN_MAX      10

struct candidate {
    char text[96]; /* what it completes to */
    char args[64];
    const char *doc;
};

struct prompt {
    struct modal modal;
    char label[40];
    char command[40]; /* "" palette: the text is the command */
    char before[TEXT_MAX];
    char text[TEXT_MAX];
    bool is_live;
    struct candidate *candidates;
    size_t n, at;    /* at == n: none chosen */
    size_t recalled; /* lines back in the history, 0: none */
};

static struct prompt *prompt_of(struct modal *m)
{
    return (struct prompt *)m;
}

/* ── completion ───────────────────────────────────────────────────────────────────────
 */

static void add(struct prompt *p, const char *head, const char *word, const char *typed,
                const char *args, const char *doc)
{
    if (p->n >= CANDIDATES_MAX || !*word || strncmp(word, typed, strlen(typed)) != 0)
        return;
    for (size_t i = 0; i < p->n; i++)
        if (streq(p->candidates[i].text + strlen(head), word))
            return;
    struct candidate *c = &p->candidates[p->n++];
    snprintf(c->text, sizeof c->text, "%s%s", head, word);
    str_copy(c->args, sizeof c->args, args);
    c->doc = doc;
}

static void add_commands(struct app *a, struct prompt *p)
{
    for (size_t i = 0; i < VIEW_ROOTS; i++)
        add(p, "", view_root(i)->name, p->text, "", view_root(i)->doc);
    for (size_t i = 0; i < action_count(); i++) {
        const struct action *action = action_at(i);
        if (!(action->flags & ACTION_MOTION) && action_is_allowed(a, action))
            add(p, "", action->name, p->text, action->args, action->doc);
    }
    for (size_t i = 0; i < cmd_count(); i++) {
        const struct cmd *c = cmd_at(i);
        if (child_is_allowed(a, c))
            add(p, "", c->name, p->text, c->operands ? c->operands : "", c->summary);
    }
}

/* Members called key of an array of objects. */
static void add_members(struct prompt *p, const char *head, const char *typed,
                        const json_t *rows, const char *key, const char *doc)
{
    const json_t *row;
    size_t i;

    json_array_foreach (rows, i, row) {
        add(p, head, json_str(row, key, ""), typed, "", doc);
    }
}

static void add_sources(struct app *a, struct prompt *p, const char *head,
                        const char *typed)
{
    const json_t *stage;
    size_t i;

    json_array_foreach (app_overview(a, "stages"), i, stage) {
        const char *name = json_str(stage, "name", "");
        if (streq(json_str(stage, "kind", ""), "ingest"))
            add(p, head, str_starts(name, "ingest ") ? name + 7 : name, typed, "",
                "source");
    }
}

static void add_themes(struct app *a, struct prompt *p, const char *head,
                       const char *typed)
{
    struct buf names;
    char word[64];

    buf_init(&names, 4096);
    theme_list(a->o.theme_dirs, &names);
    for (const char *s = buf_str(&names); *s;) {
        s += strspn(s, " ");
        size_t n = strcspn(s, " ");
        snprintf(word, sizeof word, "%.*s", (int)n, s);
        add(p, head, word, typed, "", "theme");
        s += n;
    }
    buf_release(&names);
}

static void add_arguments(struct app *a, struct prompt *p)
{
    size_t n = strcspn(p->text, " ");
    const char *typed = p->text + n + strspn(p->text + n, " ");
    const struct action *action = action_find(p->text, n);
    char head[64];

    snprintf(head, sizeof head, "%.*s ", (int)n, p->text);
    if (!action)
        return;
    if (streq(action->args, "NAME") && streq(action->name, "view"))
        for (size_t i = 0; i < VIEW_ROOTS; i++)
            add(p, head, view_root(i)->name, typed, "", view_root(i)->doc);
    else if (streq(action->name, "theme"))
        add_themes(a, p, head, typed);
    else if (str_starts(action->args, "COLUMN"))
        for (size_t i = 0; i < app_page(a)->view->n_columns; i++)
            add(p, head, app_page(a)->view->columns[i].key, typed, "[desc]", "column");
    else if (strstr(action->args, "PROCESS"))
        add_members(p, head, typed, feeds_get(&a->feeds, "processes"), "name",
                    "process");
    else if (streq(action->args, "SOURCE"))
        add_sources(a, p, head, typed);
    else if (strstr(action->args, "NODE"))
        add_members(p, head, typed, app_page(a)->grid.rows, "node", "node");
    if (!p->n && action->args[0])
        add(p, head, typed, typed, action->args, action->doc);
}

static void complete(struct app *a, struct prompt *p)
{
    p->n = 0;
    if (p->command[0])
        return;
    if (strchr(p->text, ' '))
        add_arguments(a, p);
    else
        add_commands(a, p);
    p->at = p->n;
}

/* ── drawing ──────────────────────────────────────────────────────────────────────────
 */

static void draw_candidates(struct app *a, const struct prompt *p, struct rect body)
{
    int rows = p->n < SHOWN_MAX ? (int)p->n : SHOWN_MAX;

    if (rows > body.h)
        rows = body.h;
    size_t first = p->at < p->n && p->at >= (size_t)rows ? p->at - (size_t)rows + 1 : 0;
    int y = body.y + body.h - rows;
    for (int i = 0; i < rows; i++, y++) {
        const struct candidate *c = &p->candidates[first + (size_t)i];
        bool is_chosen = first + (size_t)i == p->at;
        enum role role = is_chosen ? ROLE_SELECTED : ROLE_TEXT;
        char left[176];
        draw_fill(&a->term, (struct rect){y, body.x, 1, body.w}, role);
        snprintf(left, sizeof left, "%s %s", c->text, c->args);
        int used = draw_text(&a->term, y, body.x + 2, body.w - 2, role, left);
        int x = used < 30 ? 34 : used + 4;
        draw_text(&a->term, y, body.x + x, body.w - x, is_chosen ? role : ROLE_MUTED,
                  c->doc);
    }
    if (p->n > (size_t)rows)
        draw_printf(&a->term, body.y + body.h - rows - 1, body.x + 2, body.w - 2,
                    ROLE_MUTED, "%zu more; type to narrow", p->n - (size_t)rows);
}

static void prompt_draw(struct app *a, struct modal *m, struct rect body)
{
    struct prompt *p = prompt_of(m);
    int y = a->term.rows - 2, x;

    if (!p->command[0])
        draw_candidates(a, p, body);
    draw_fill(&a->term, (struct rect){y, 0, 1, a->term.cols}, ROLE_INPUT);
    x = draw_text(&a->term, y, 0, a->term.cols, ROLE_KEY, p->label);
    x += draw_text(&a->term, y, x, a->term.cols - x, ROLE_INPUT, p->text);
    term_cursor(&a->term, y, x);
}

/* ── keys ─────────────────────────────────────────────────────────────────────────────
 */

static void run(struct app *a, const struct prompt *p, const char *text)
{
    char line[TEXT_MAX + 64];

    if (p->command[0])
        snprintf(line, sizeof line, "%s %s", p->command, *text ? text : "-");
    else
        snprintf(line, sizeof line, "%s", text);
    app_command(a, line);
}

static void changed(struct app *a, struct prompt *p)
{
    complete(a, p);
    if (p->is_live)
        run(a, p, p->text);
}

static void type(struct app *a, struct prompt *p, int key)
{
    size_t n = strlen(p->text);
    char utf8[4];
    int bytes = text_encode((uint32_t)key, utf8);

    if (n + (size_t)bytes >= sizeof p->text)
        return;
    memcpy(p->text + n, utf8, (size_t)bytes);
    p->text[n + (size_t)bytes] = '\0';
    changed(a, p);
}

static void erase_back(struct app *a, struct prompt *p, bool whole_word)
{
    size_t n = strlen(p->text);

    if (!n) {
        app_pop(a);
        return;
    }
    if (whole_word) {
        while (n && p->text[n - 1] == ' ')
            n--;
        while (n && p->text[n - 1] != ' ')
            n--;
    } else {
        while (n && ((unsigned char)p->text[--n] & 0xc0) == 0x80)
            ;
    }
    p->text[n] = '\0';
    changed(a, p);
}

/* The last commands of the palette, the newest first. */
#define HISTORY_MAX 20
static char history[HISTORY_MAX][TEXT_MAX];

static void remember(const char *text)
{
    size_t at = 0;

    while (at + 1 < HISTORY_MAX && history[at][0] && !streq(history[at], text))
        at++;
    memmove(history[1], history[0], at * sizeof history[0]);
    str_copy(history[0], sizeof history[0], text);
}

/* Up in an empty palette walks back through what was typed before. */
static bool recall(struct app *a, struct prompt *p, int by)
{
    size_t at = p->recalled;

    if (p->command[0] || (p->text[0] && !p->recalled))
        return false;
    if (by < 0 && at < HISTORY_MAX && history[at][0])
        p->recalled++;
    else if (by > 0 && at > 0)
        p->recalled--;
    else
        return at > 0;
    str_copy(p->text, sizeof p->text, p->recalled ? history[p->recalled - 1] : "");
    complete(a, p);
    return true;
}

static void choose(struct prompt *p, int by)
{
    if (p->n)
        p->at = p->at == p->n ? (by > 0 ? 0 : p->n - 1)
                              : (p->at + p->n + (size_t)(by + (int)p->n)) % p->n;
}

static void take_candidate(struct app *a, struct prompt *p)
{
    const struct candidate *c = &p->candidates[p->at < p->n ? p->at : 0];

    if (!p->n)
        return;
    snprintf(p->text, sizeof p->text, "%s%s", c->text, c->args[0] ? " " : "");
    complete(a, p);
}

static void submit(struct app *a, struct prompt *p)
{
    char text[TEXT_MAX];

    if (p->at < p->n)
        str_copy(text, sizeof text, p->candidates[p->at].text);
    else if (p->n == 1 && !strchr(p->text, ' '))
        str_copy(text, sizeof text, p->candidates[0].text);
    else
        str_copy(text, sizeof text, p->text);
    if (!p->command[0] && text[0])
        remember(text);
    struct prompt copy = *p; /* the prompt is gone once popped */
    copy.candidates = NULL;
    app_pop(a);
    if (text[0] || copy.command[0])
        run(a, &copy, text);
}

static void cancel(struct app *a, struct prompt *p)
{
    if (p->is_live)
        run(a, p, p->before);
    app_pop(a);
}

static void prompt_key(struct app *a, struct modal *m, int key)
{
    struct prompt *p = prompt_of(m);

    if (key == KEY_ESC)
        cancel(a, p);
    else if (key == KEY_ENTER_)
        submit(a, p);
    else if (key == KEY_TAB_)
        take_candidate(a, p);
    else if ((key == KEY_UP_ && recall(a, p, -1)) ||
             (key == KEY_DOWN_ && p->recalled && recall(a, p, 1)))
        return;
    else if (key == KEY_DOWN_ || key == 14) /* C-n */
        choose(p, 1);
    else if (key == KEY_UP_ || key == 16 || key == KEY_BACKTAB) /* C-p */
        choose(p, -1);
    else if (key == KEY_BACKSPACE_)
        erase_back(a, p, false);
    else if (key == 23) /* C-w */
        erase_back(a, p, true);
    else if (key == 21) { /* C-u */
        p->text[0] = '\0';
        changed(a, p);
    } else if (key >= ' ' && key < KEY_NAMED)
        type(a, p, key);
}

static void prompt_release(struct modal *m)
{
    mem_free(prompt_of(m)->candidates);
}

static const struct modal_ops prompt_ops = {
    .name = "prompt",
    .hint = "Enter run   Tab complete   Up/Down choose   Esc cancel",
    .draw = prompt_draw,
    .key = prompt_key,
    .release = prompt_release,
};

static const struct modal_ops ask_ops = {
    .name = "prompt",
    .hint = "Enter keep   C-u empty   Esc as before",
    .draw = prompt_draw,
    .key = prompt_key,
    .release = prompt_release,
};

void palette_open(struct app *a)
{
    struct prompt *p = mem_alloc(sizeof *p);

    p->modal.ops = &prompt_ops;
    p->candidates = mem_alloc(CANDIDATES_MAX * sizeof *p->candidates);
    str_copy(p->label, sizeof p->label, ":");
    complete(a, p);
    app_push(a, &p->modal);
}

void palette_ask(struct app *a, const char *command, const char *label,
                 const char *before, bool is_live)
{
    struct prompt *p = mem_alloc(sizeof *p);

    p->modal.ops = &ask_ops;
    str_copy(p->command, sizeof p->command, command);
    str_copy(p->label, sizeof p->label, label);
    str_copy(p->before, sizeof p->before, before);
    str_copy(p->text, sizeof p->text, before);
    p->is_live = is_live;
    app_push(a, &p->modal);
}
