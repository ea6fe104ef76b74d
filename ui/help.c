/* Help and hints out of the tables. In: keymap, actions, views; out: lines of text in a
 * box that scrolls. Called by the action `help` and by frame.c. Holds always: a key, a
 * command or a state that is not in a table is not in the help, and none is missing. */
#include "ui/help.h"

#include <stdio.h>
#include "base/mem.h"
#include "base/str.h"
#include "cmd/cmd.h"
#include "ui/action.h"
#include "ui/child.h"

struct help {
    struct modal modal;
    struct buf text; /* lines; "!" first: a title, "=": a term, two blanks, its text */
    size_t top;
};

/* Action of a keymap row when it may be used. */
static const struct action *action_of(const struct app *a, const struct keymap_row *row)
{
    const struct action *action = action_find(row->command, strcspn(row->command, " "));

    return action && action_is_allowed(a, action) ? action : NULL;
}

/* Its own row, or one of `*` that no row of the view replaces. */
static bool row_applies(const struct app *a, const struct keymap_row *row,
                        const char *view, bool own)
{
    if (own)
        return streq(row->view, view);
    return streq(row->view, "*") &&
           keymap_find(&a->keymap, view, row->key) == row->command;
}

size_t help_hints(const struct app *a, const char *view, struct help_hint *out,
                  size_t n)
{
    size_t k = 0;

    for (int own = 1; own >= 0; own--) {
        for (size_t i = 0; i < a->keymap.n && k < n; i++) {
            const struct keymap_row *row = &a->keymap.rows[i];
            const struct action *action = action_of(a, row);
            bool is_known = false;
            if (!action || !action->label[0] || !row_applies(a, row, view, own))
                continue;
            for (size_t j = 0; j < k; j++)
                is_known |= streq(out[j].word, action->label);
            if (is_known)
                continue;
            keymap_key_name(row->key, out[k].key);
            out[k++].word = action->label;
        }
    }
    return k;
}

/* Keys of one action stand on one line, unless their arguments choose something; many
 * choices (a digit for each view) are one line again, named on the screen anyway. */
#define CHOICES_MAX 4

static bool is_same_use(const struct keymap_row *a, const struct keymap_row *b)
{
    return streq(a->command, b->command) ||
           (str_starts(a->command, "back") && str_starts(b->command, "back"));
}

struct use {
    const struct action *action;
    const char *view;
    bool own, is_merged;
};

static bool is_of_use(const struct app *a, const struct use *u,
                      const struct keymap_row *row, const struct keymap_row *of)
{
    return action_of(a, row) == u->action && (u->is_merged || is_same_use(row, of)) &&
           row->key < KEY_CLICK && row_applies(a, row, u->view, u->own);
}

static size_t count_choices(const struct app *a, const struct use *u)
{
    struct use all = *u;
    size_t n = 0;

    all.is_merged = true;
    for (size_t i = 0; i < a->keymap.n; i++) {
        const struct keymap_row *row = &a->keymap.rows[i];
        n += is_of_use(a, &all, row, row) && strchr(row->command, ' ');
    }
    return n;
}

/* The keys of a use: "j Down", "1-8"; false when row is not the first of them. */
static bool keys_of(const struct app *a, const struct use *u, size_t at,
                    char out[static 64])
{
    const struct keymap_row *of = &a->keymap.rows[at];
    int before = 0;
    char key[16];
    size_t n = 0;

    out[0] = '\0';
    for (size_t k = 0; k < a->keymap.n; k++) {
        const struct keymap_row *row = &a->keymap.rows[k];
        if (!is_of_use(a, u, row, of))
            continue;
        if (k < at)
            return false;
        bool is_next = u->is_merged && n && row->key == before + 1;
        before = row->key;
        if (is_next && n >= 2 && out[n - 2] == '-')
            n -= 2;
        n += (size_t)snprintf(out + n, 64 - n, "%s%s",
                              is_next ? "-"
                              : n     ? " "
                                      : "",
                              keymap_key_name(row->key, key));
        n = n < 63 ? n : 63;
    }
    return true;
}

static void add_keys(struct app *a, struct help *h, const char *view, bool own)
{
    for (size_t i = 0; i < a->keymap.n; i++) {
        const struct keymap_row *row = &a->keymap.rows[i];
        struct use u = {action_of(a, row), view, own, false};
        char keys[64];
        if (!u.action || !row_applies(a, row, view, own) || row->key >= KEY_CLICK)
            continue;
        u.is_merged = count_choices(a, &u) > CHOICES_MAX;
        const char *args = row->command + strcspn(row->command, " ");
        if (u.is_merged)
            args = "";
        if (keys_of(a, &u, i, keys))
            buf_addf(&h->text, "=%-13s  %s%s%s\n", keys, u.action->doc,
                     *args ? ":" : "", args);
    }
}

static void add_commands(struct app *a, struct help *h)
{
    for (size_t i = 0; i < action_count(); i++) {
        const struct action *action = action_at(i);
        char usage[64];
        if (action->flags & ACTION_MOTION || !action_is_allowed(a, action))
            continue;
        snprintf(usage, sizeof usage, ":%s %s", action->name, action->args);
        buf_addf(&h->text, "=%-25s  %s\n", usage, action->doc);
    }
    for (size_t i = 0; i < cmd_count(); i++) {
        const struct cmd *c = cmd_at(i);
        if (child_is_allowed(a, c) && !action_find(c->name, strlen(c->name)))
            buf_addf(&h->text, "=:%-24s  %s\n", c->name, c->summary);
    }
}

static void add_signs(struct app *a, struct help *h)
{
    static const char *const words[] = {"ok",   "running", "waiting", "warn",
                                        "fail", "blocked", "unknown"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        buf_addf(&h->text, "%s %s   ",
                 draw_glyph_text(&a->term, grid_state_glyph(words[i])), words[i]);
    buf_adds(&h->text, "\n");
}

static const char *line_at(const struct buf *text, size_t at, size_t *n)
{
    const char *p = buf_str(text);

    while (at-- && *p) {
        p += strcspn(p, "\n");
        p += *p == '\n';
    }
    *n = strcspn(p, "\n");
    return *p ? p : NULL;
}

static size_t count_lines(const struct buf *text)
{
    size_t n = 0;

    for (const char *p = buf_str(text); *p; p++)
        n += *p == '\n';
    return n;
}

static void draw_line(struct app *a, struct rect r, const char *line, size_t n)
{
    bool is_title = *line == '!', is_term = *line == '=';
    const char *text = line + (is_title || is_term), *gap = strstr(text, "  ");
    size_t bytes = n - (size_t)(text - line);

    draw_textn(&a->term, r.y, r.x, r.w, is_title ? ROLE_TITLE : ROLE_TEXT, text, bytes);
    if (is_term && gap && gap < line + n)
        draw_textn(&a->term, r.y, r.x, r.w, ROLE_KEY, text, (size_t)(gap - text));
}

static void help_draw(struct app *a, struct modal *m, struct rect body)
{
    struct help *h = (struct help *)m;
    int w = body.w > 100 ? 96 : body.w;
    size_t n = count_lines(&h->text), bytes;
    struct rect r = draw_box(
        &a->term, (struct rect){body.y, body.x + (body.w - w) / 2, body.h, w}, "Help");

    if (h->top + (size_t)r.h > n)
        h->top = n > (size_t)r.h ? n - (size_t)r.h : 0;
    for (int i = 0; i < r.h; i++) {
        const char *line = line_at(&h->text, h->top + (size_t)i, &bytes);
        if (!line)
            break;
        draw_line(a, (struct rect){r.y + i, r.x, 1, r.w}, line, bytes);
    }
    if (n > (size_t)r.h)
        draw_printf(&a->term, r.y + r.h, r.x + r.w - 18, 18, ROLE_MUTED,
                    " %zu-%zu of %zu ", h->top + 1, h->top + (size_t)r.h, n);
}

static void scroll(struct help *h, long by)
{
    h->top = by < 0 && h->top < (size_t)-by ? 0 : h->top + (size_t)by;
}

static void help_key(struct app *a, struct modal *m, int key)
{
    struct help *h = (struct help *)m;
    const char *command = keymap_find(&a->keymap, "*", key);

    if (!command || str_starts(command, "back") || streq(command, "help"))
        app_pop(a);
    else if (streq(command, "row-down"))
        scroll(h, 1);
    else if (streq(command, "row-up"))
        scroll(h, -1);
    else if (streq(command, "half-down") || streq(command, "page-down"))
        scroll(h, 10);
    else if (streq(command, "half-up") || streq(command, "page-up"))
        scroll(h, -10);
    else if (streq(command, "top"))
        h->top = 0;
    else if (streq(command, "bottom"))
        scroll(h, 100000);
}

static void help_release(struct modal *m)
{
    buf_release(&((struct help *)m)->text);
}

static const struct modal_ops help_ops = {
    .name = "help",
    .hint = "j/k scroll   q close",
    .draw = help_draw,
    .key = help_key,
    .release = help_release,
};

void help_open(struct app *a)
{
    struct help *h = mem_alloc(sizeof *h);
    const struct view *v = app_page(a)->view;

    h->modal.ops = &help_ops;
    buf_init(&h->text, 256u * 1024);
    buf_addf(&h->text, "!%s: %s\n", v->title, v->doc);
    add_keys(a, h, v->name, true);
    buf_adds(&h->text, "\n!Everywhere\n");
    add_keys(a, h, v->name, false);
    buf_adds(&h->text, "\n!Commands (type : first)\n");
    add_commands(a, h);
    buf_adds(&h->text, "\n!Signs\n");
    add_signs(a, h);
    if (a->o.is_readonly)
        buf_adds(&h->text, "\nThis console only reads (--readonly).\n");
    app_push(a, &h->modal);
}
