/* Dialogs and forms: text, fields, a preview and two buttons. The focus starts on
 * Cancel, so Enter on a fresh one does nothing; nothing but the other button submits. y
 * presses it and n Cancel, where no text is asked for (production asks for the name).
 */
#ifndef UI_FORM_H
#define UI_FORM_H

#include "ui/app.h"

#define FORM_LINES  8
#define FORM_FIELDS 4

enum form_kind { FORM_CHOICE, FORM_TEXT, FORM_CHECK };

struct form_field {
    const char *label;
    enum form_kind kind;
    const char *const *choices; /* CHOICE: words */
    const char *const *docs;    /* CHOICE: what each means */
    size_t n_choices, at;
    char text[200];    /* TEXT */
    char must_be[200]; /* TEXT: submit only when it equals this; "" any */
    bool is_set;       /* CHECK */
};

struct form {
    struct modal modal;
    char title[120];
    char lines[FORM_LINES][160];
    size_t n_lines;
    bool is_prod; /* its environment is marked */
    struct form_field fields[FORM_FIELDS];
    size_t n_fields;
    size_t focus;     /* a field, n_fields: Cancel, n_fields + 1: the other button */
    const char *verb; /* of the other button */
    bool has_preview, is_waiting, is_blocked; /* blocked: the other button is off */
    unsigned question;                        /* of the plan that was asked for last */
    json_t *preview;                          /* array of text lines */
    size_t preview_top;
    char why_blocked[200];
    void (*change)(struct app *a, struct form *f); /* a choice or check changed */
    void (*submit)(struct app *a, struct form *f);
    char subject[300]; /* node, process, key: for submit */
    const char *cmd;   /* confirm: command of the socket and its arguments */
    json_t *args;
};

/* New, empty form; add to it, then app_push(a, &f->modal). */
struct form *form_new(const char *title, const char *verb,
                      void (*submit)(struct app *, struct form *));
void form_line(struct form *f, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
struct form_field *form_field(struct form *f, enum form_kind kind, const char *label);
/* In production: a field into which the subject's name must be typed. */
void form_guard(struct app *a, struct form *f, const char *name);

/* "Restart stream.enrichment?" with what it means; Yes sends cmd with args (taken). */
void form_confirm(struct app *a, const char *title, const char *verb, const char *what,
                  const char *subject, const char *cmd, json_t *args);

/* The rerun dialog of a node with a live preview; scope NULL: "this". */
void rerun_open(struct app *a, const char *node, const char *scope);
/* The same for a build of a selection ("": everything). */
void rerun_open_run(struct app *a, const char *selector);

#endif
