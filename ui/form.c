/* Dialogs and forms. In: keys; out: at most one call of submit. Called by actions.
 * Holds always: the focus starts on Cancel; submit runs only from the other button,
 * only when no guard field is unfilled, the preview has come and it has something to
 * do. */
#include "ui/form.h"

#include <stdarg.h>
#include <stdio.h>
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/text.h"

static struct form *form_of(struct modal *m)
{
    return (struct form *)m; /* modal is the first member */
}

static bool is_guarded(const struct form *f)
{
    for (size_t i = 0; i < f->n_fields; i++)
        if (f->fields[i].must_be[0] && !streq(f->fields[i].text, f->fields[i].must_be))
            return true;
    return false;
}

static bool can_submit(const struct form *f)
{
    return !f->is_waiting && !f->is_blocked && !is_guarded(f);
}

/* ── drawing ──────────────────────────────────────────────────────────────────────────
 */

static void draw_choice(struct app *a, const struct form_field *field, int y, int x,
                        int w, bool has_focus)
{
    int used = 0;

    for (size_t i = 0; i < field->n_choices && used < w; i++) {
        enum role role = i != field->at ? ROLE_MUTED
                         : has_focus    ? ROLE_FOCUS
                                        : ROLE_KEY;
        used += draw_printf(&a->term, y, x + used, w - used, role,
                            i == field->at ? "[%s]" : " %s ", field->choices[i]);
        used++;
    }
    if (field->docs && used < w)
        draw_text(&a->term, y, x + used + 1, w - used - 1, ROLE_MUTED,
                  field->docs[field->at]);
}

static void draw_field(struct app *a, const struct form *f, size_t i, struct rect r,
                       int y, int label_w)
{
    const struct form_field *field = &f->fields[i];
    bool has_focus = f->focus == i;
    int x = r.x + label_w + 1, w = r.w - label_w - 1;

    draw_text(&a->term, y, r.x, label_w, has_focus ? ROLE_TITLE : ROLE_TEXT,
              field->label);
    if (field->kind == FORM_CHOICE) {
        draw_choice(a, field, y, x, w, has_focus);
    } else if (field->kind == FORM_CHECK) {
        draw_text(&a->term, y, x, w, has_focus ? ROLE_FOCUS : ROLE_TEXT,
                  field->is_set ? "[x]" : "[ ]");
    } else {
        draw_fill(&a->term, (struct rect){y, x, 1, w}, ROLE_INPUT);
        int used = draw_text(&a->term, y, x, w, ROLE_INPUT, field->text);
        if (has_focus)
            term_cursor(&a->term, y, x + used);
    }
}

static void draw_buttons(struct app *a, const struct form *f, struct rect r)
{
    char text[64];
    int y = r.y + r.h - 1, x = r.x;

    for (size_t i = 0; i < 2; i++) {
        bool is_off = i == 1 && !can_submit(f);
        enum role role = f->focus == f->n_fields + i ? ROLE_FOCUS
                         : is_off                    ? ROLE_MUTED
                                                     : ROLE_BUTTON;
        snprintf(text, sizeof text, "[ %s ]", i ? f->verb : "Cancel");
        x += draw_text(&a->term, y, x, r.x + r.w - x, role, text) + 2;
    }
    const char *why = f->is_waiting       ? "asking what would run"
                      : f->why_blocked[0] ? f->why_blocked
                      : is_guarded(f)     ? "type the name first"
                                          : "";
    draw_text(&a->term, y, x, r.x + r.w - x, ROLE_WARN, why);
}

static int preview_rows(const struct form *f, int h)
{
    int fixed = (int)(f->n_lines + f->n_fields) + 4 + (f->n_fields ? 1 : 0);

    return h - fixed > 1 ? h - fixed : 1;
}

static void draw_preview(struct app *a, struct form *f, struct rect r, int y, int rows)
{
    size_t n = json_array_size(f->preview);

    if (n == 1) { /* a sentence, why there is no plan */
        struct rect area = {y, r.x, rows, r.w};
        draw_wrapped(&a->term, area, ROLE_TITLE,
                     json_string_value(json_array_get(f->preview, 0)));
        return;
    }
    if (f->preview_top + (size_t)rows > n)
        f->preview_top = n > (size_t)rows ? n - (size_t)rows : 0;
    for (int i = 0; i < rows && f->preview_top + (size_t)i < n; i++) {
        const char *line =
            json_string_value(json_array_get(f->preview, f->preview_top + (size_t)i));
        bool is_head = f->preview_top + (size_t)i == 0;
        draw_text(&a->term, y + i, r.x + (is_head ? 0 : 2), r.w - (is_head ? 0 : 2),
                  is_head ? ROLE_TITLE : ROLE_TEXT, line);
    }
    if (n > (size_t)rows) {
        char more[64];
        snprintf(more, sizeof more, " %zu-%zu of %zu, PgDn ", f->preview_top + 1,
                 f->preview_top + (size_t)rows < n ? f->preview_top + (size_t)rows : n,
                 n);
        draw_right(&a->term, y + rows, r.x, r.w, ROLE_MUTED, more);
    }
}

static void form_draw(struct app *a, struct modal *m, struct rect body)
{
    struct form *f = form_of(m);
    int w = body.w > 96 ? 92 : body.w - 6, label_w = 0;
    int h = (int)(f->n_lines + f->n_fields) + 4 + (f->n_fields ? 1 : 0);

    if (f->has_preview)
        h = body.h > 30 ? 28 : body.h;
    if (h > body.h)
        h = body.h;
    struct rect frame = {body.y + (body.h - h) / 2, body.x + (body.w - w) / 2, h, w};
    struct rect margin = {frame.y, frame.x - 1, h, w + 2}; /* so that it stands free */
    draw_fill(&a->term, margin, ROLE_TEXT);
    struct rect r = draw_box(&a->term, frame, f->title);
    int y = r.y;
    for (size_t i = 0; i < f->n_lines; i++) {
        bool is_marked = f->is_prod && str_starts(f->lines[i], "Environment:");
        draw_text(&a->term, y++, r.x, r.w,
                  is_marked ? ROLE_PROD
                  : i       ? ROLE_TEXT
                            : ROLE_TITLE,
                  f->lines[i]);
    }
    y += f->n_fields ? 1 : 0;
    for (size_t i = 0; i < f->n_fields; i++) {
        int width =
            draw_width(&a->term, f->fields[i].label, strlen(f->fields[i].label));
        label_w = width > label_w ? width : label_w;
    }
    for (size_t i = 0; i < f->n_fields; i++)
        draw_field(a, f, i, r, y++, label_w);
    if (f->has_preview)
        draw_preview(a, f, r, y + 1, preview_rows(f, r.h + 2) - 2);
    draw_buttons(a, f, r);
}

/* ── keys ─────────────────────────────────────────────────────────────────────────────
 */

static void text_key(struct form_field *field, int key)
{
    size_t n = strlen(field->text);
    char utf8[4];

    if (key == KEY_BACKSPACE_) {
        while (n && ((unsigned char)field->text[--n] & 0xc0) == 0x80)
            ;
        field->text[n] = '\0';
    } else if (key == 21) { /* C-u */
        field->text[0] = '\0';
    } else if (key >= ' ' && key < KEY_NAMED && key != KEY_BACKSPACE_) {
        int bytes = text_encode((uint32_t)key, utf8);
        if (n + (size_t)bytes < sizeof field->text) {
            memcpy(field->text + n, utf8, (size_t)bytes);
            field->text[n + (size_t)bytes] = '\0';
        }
    }
}

static void turn_choice(struct app *a, struct form *f, struct form_field *field, int by)
{
    size_t n = field->n_choices;

    field->at = (field->at + n + (size_t)(by + (int)n)) % n;
    if (f->change)
        f->change(a, f);
}

static void move_focus(struct form *f, int by)
{
    size_t n = f->n_fields + 2;

    f->focus = (f->focus + n + (size_t)(by + (int)n)) % n;
}

static void press_button(struct app *a, struct form *f)
{
    if (f->focus == f->n_fields) {
        app_pop(a);
    } else if (can_submit(f)) {
        f->submit(a, f);
        app_pop(a);
    }
}

/* Keys of a field; false when the key is not its business. */
static bool field_key(struct app *a, struct form *f, int key)
{
    if (f->focus >= f->n_fields)
        return false;
    struct form_field *field = &f->fields[f->focus];
    if (field->kind == FORM_TEXT && ((key >= ' ' && key < KEY_NAMED) || key == 21)) {
        text_key(field, key);
        return true;
    }
    if (field->kind == FORM_CHOICE && (key == KEY_RIGHT_ || key == 'l' || key == ' ')) {
        turn_choice(a, f, field, 1);
        return true;
    }
    if (field->kind == FORM_CHOICE && (key == KEY_LEFT_ || key == 'h')) {
        turn_choice(a, f, field, -1);
        return true;
    }
    if (field->kind == FORM_CHECK && key == ' ') {
        field->is_set = !field->is_set;
        if (f->change)
            f->change(a, f);
        return true;
    }
    return false;
}

static void scroll_preview(struct form *f, int by)
{
    if (by < 0 && f->preview_top < (size_t)-by)
        f->preview_top = 0;
    else
        f->preview_top += (size_t)by; /* drawing clamps it */
}

/* y and n answer a form that nothing is typed into. */
static bool answer_key(struct app *a, struct form *f, int key)
{
    for (size_t i = 0; i < f->n_fields; i++)
        if (f->fields[i].kind == FORM_TEXT)
            return false;
    if (key != 'y' && key != 'n')
        return false;
    f->focus = f->n_fields + (key == 'y');
    press_button(a, f);
    return true;
}

static void form_key(struct app *a, struct modal *m, int key)
{
    struct form *f = form_of(m);

    if (field_key(a, f, key) || answer_key(a, f, key))
        return;
    switch (key) {
    case KEY_ESC:
    case 'q':
        app_pop(a);
        break;
    case KEY_TAB_:
    case KEY_DOWN_:
    case KEY_RIGHT_:
    case 'j':
    case 'l':
        move_focus(f, 1);
        break;
    case KEY_BACKTAB:
    case KEY_UP_:
    case KEY_LEFT_:
    case 'k':
    case 'h':
        move_focus(f, -1);
        break;
    case KEY_PGDN:
    case 4: /* C-d */
        scroll_preview(f, 5);
        break;
    case KEY_PGUP:
    case 21: /* C-u */
        scroll_preview(f, -5);
        break;
    case KEY_ENTER_:
        if (f->focus >= f->n_fields)
            press_button(a, f);
        else
            move_focus(f, 1);
        break;
    default:
        break;
    }
}

static void form_release(struct modal *m)
{
    json_decref(form_of(m)->preview);
    json_decref(form_of(m)->args);
}

static const struct modal_ops form_ops = {
    .name = "form",
    .hint = "y yes   n no   Tab next   Left/Right change   Enter press   Esc cancel",
    .draw = form_draw,
    .key = form_key,
    .release = form_release,
};
static const struct modal_ops typed_ops = {
    .name = "form",
    .hint = "Tab next   Left/Right change   Enter press   Esc cancel",
    .draw = form_draw,
    .key = form_key,
    .release = form_release,
};

struct form *form_new(const char *title, const char *verb,
                      void (*submit)(struct app *, struct form *))
{
    struct form *f = mem_alloc(sizeof *f);

    f->modal.ops = &form_ops;
    f->verb = verb;
    f->submit = submit;
    str_copy(f->title, sizeof f->title, title);
    return f;
}

void form_line(struct form *f, const char *fmt, ...)
{
    va_list args;

    BUG_ON(f->n_lines >= FORM_LINES);
    va_start(args, fmt);
    vsnprintf(f->lines[f->n_lines++], sizeof f->lines[0], fmt, args);
    va_end(args);
}

struct form_field *form_field(struct form *f, enum form_kind kind, const char *label)
{
    BUG_ON(f->n_fields >= FORM_FIELDS);
    struct form_field *field = &f->fields[f->n_fields++];
    field->kind = kind;
    if (kind == FORM_TEXT)
        f->modal.ops = &typed_ops;
    field->label = label;
    f->focus = f->n_fields; /* Cancel */
    return field;
}

void form_guard(struct app *a, struct form *f, const char *name)
{
    bool is_prod;

    app_environment(a, &is_prod);
    if (!is_prod)
        return;
    f->is_prod = true;
    struct form_field *field = form_field(f, FORM_TEXT, "Type its name");
    str_copy(field->must_be, sizeof field->must_be, name);
}

static void confirm_submit(struct app *a, struct form *f)
{
    app_request(a, f->cmd, f->args, f->subject);
    f->args = NULL;
}

void form_confirm(struct app *a, const char *title, const char *verb, const char *what,
                  const char *subject, const char *cmd, json_t *args)
{
    bool is_prod;
    const char *environment = app_environment(a, &is_prod);
    struct form *f = form_new(title, verb, confirm_submit);

    form_line(f, "%s %s", verb, subject);
    form_line(f, "%s", what);
    form_line(f, "Environment: %s", *environment ? environment : "unknown");
    form_guard(a, f, subject);
    f->cmd = cmd;
    f->args = args;
    str_copy(f->subject, sizeof f->subject, subject);
    app_push(a, &f->modal);
}
