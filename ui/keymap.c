/* The keymap. In: text rows; out: the command of a key. Called by app.c for every key,
 * by help and hints. Holds always: one row for a (view, key); no row uses a key that
 * the terminal aliases or keeps. */
#include "ui/keymap.h"

#include <stdio.h>
#include "base/mem.h"
#include "base/str.h"
#include "base/text.h"
#include "ui/term.h"

static const char default_keys[] =
#include "ui/keys.inc"
    ;

static const struct {
    const char *name;
    int key;
} named[] = {
    {"Tab", KEY_TAB_},
    {"Enter", KEY_ENTER_},
    {"Esc", KEY_ESC},
    {"Backspace", KEY_BACKSPACE_},
    {"Space", ' '},
    {"Up", KEY_UP_},
    {"Down", KEY_DOWN_},
    {"Left", KEY_LEFT_},
    {"Right", KEY_RIGHT_},
    {"Home", KEY_HOME_},
    {"End", KEY_END_},
    {"PgUp", KEY_PGUP},
    {"PgDn", KEY_PGDN},
    {"S-Tab", KEY_BACKTAB},
    {"Delete", KEY_DELETE},
    {"Click", KEY_CLICK},
    {"WheelUp", KEY_WHEEL_UP},
    {"WheelDown", KEY_WHEEL_DOWN},
};

#define N_NAMED (sizeof named / sizeof *named)

static const struct {
    const char *name, *why;
} refused[] = {
    {"C-i", "is Tab on every terminal"},     {"C-m", "is Enter on every terminal"},
    {"C-j", "is Enter on many terminals"},   {"C-h", "is Backspace on many terminals"},
    {"C-[", "is Esc on every terminal"},     {"C-s", "stops the terminal's output"},
    {"C-q", "starts the terminal's output"}, {"C-z", "is the shell's job control"},
    {"C-c", "always leaves the console"},
};

void keymap_release(struct keymap *m)
{
    for (size_t i = 0; i < m->n; i++) {
        mem_free((void *)(uintptr_t)m->rows[i].view);
        mem_free((void *)(uintptr_t)m->rows[i].command);
    }
    mem_free(m->rows);
    *m = (struct keymap){0};
}

int keymap_key_parse(const char *name)
{
    uint32_t cp;
    size_t n = strlen(name);

    for (size_t i = 0; i < N_NAMED; i++)
        if (streq(name, named[i].name))
            return named[i].key;
    if (n == 3 && str_starts(name, "C-") && name[2] >= 'a' && name[2] <= 'z')
        return name[2] - 'a' + 1;
    if (n && text_decode(name, n, &cp) == (int)n && cp > ' ')
        return (int)cp;
    return KEY_NONE;
}

char *keymap_key_name(int key, char out[16])
{
    char utf8[4];

    for (size_t i = 0; i < N_NAMED; i++) {
        if (named[i].key == key) {
            snprintf(out, 16, "%s", named[i].name);
            return out;
        }
    }
    if (key > 0 && key < 27)
        snprintf(out, 16, "C-%c", 'a' + key - 1);
    else
        snprintf(out, 16, "%.*s", text_encode((uint32_t)key, utf8), utf8);
    return out;
}

static struct keymap_row *find_row(const struct keymap *m, const char *view, int key)
{
    for (size_t i = 0; i < m->n; i++)
        if (m->rows[i].key == key && streq(m->rows[i].view, view))
            return &m->rows[i];
    return NULL;
}

static void put_row(struct keymap *m, const char *view, int key, const char *command)
{
    struct keymap_row *row = find_row(m, view, key);

    if (!row) {
        if (m->n == m->cap) {
            m->cap = m->cap ? m->cap * 2 : 64;
            m->rows = mem_realloc(m->rows, m->cap * sizeof *m->rows);
        }
        row = &m->rows[m->n++];
        *row = (struct keymap_row){.view = mem_strdup(view), .key = key};
    }
    mem_free((void *)(uintptr_t)row->command);
    row->command = mem_strdup(command);
}

static char *next_word(char **p)
{
    char *start = *p + strspn(*p, " \t\r");

    if (!*start)
        return NULL;
    *p = start + strcspn(start, " \t\r");
    if (**p)
        *(*p)++ = '\0';
    return start;
}

static int parse_line(struct keymap *m, char *text, const char *name, unsigned line,
                      struct err *e)
{
    char *verb = next_word(&text);

    if (!verb || *verb == '#')
        return 0;
    char *view = next_word(&text), *key_name = next_word(&text);
    text += strspn(text, " \t");
    text[strcspn(text, "\r")] = '\0';
    if (!streq(verb, "bind") || !view || !key_name || !*text)
        return err_set(e, ERR_CONFIG, "%s:%u: expected \"bind VIEW KEY COMMAND\"", name,
                       line);
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        if (streq(key_name, refused[i].name))
            return err_set(e, ERR_CONFIG, "%s:%u: %s cannot be bound: it %s", name,
                           line, key_name, refused[i].why);
    int key = keymap_key_parse(key_name);
    if (key == KEY_NONE)
        return err_set(
            e, ERR_CONFIG,
            "%s:%u: unknown key \"%s\"; a character, C-a to C-z, or Enter Tab "
            "Esc Space Up Down PgUp PgDn … is expected",
            name, line, key_name);
    put_row(m, view, key, text);
    return 0;
}

int keymap_parse(struct keymap *m, const char *text, size_t n, const char *name,
                 struct err *e)
{
    char *copy = mem_strndup(text, n);
    unsigned number = 1;
    int rc = 0;

    for (char *line = copy, *end; line && rc == 0; line = end, number++) {
        end = strchr(line, '\n');
        if (end)
            *end++ = '\0';
        rc = parse_line(m, line, name, number, e);
    }
    mem_free(copy);
    return rc;
}

void keymap_init_default(struct keymap *m)
{
    struct err e;

    *m = (struct keymap){0};
    BUG_ON(keymap_parse(m, default_keys, sizeof default_keys - 1, "keys", &e) < 0);
}

const char *keymap_find(const struct keymap *m, const char *view, int key)
{
    const struct keymap_row *row = find_row(m, view, key);

    if (!row)
        row = find_row(m, "*", key);
    return row && !streq(row->command, "none") ? row->command : NULL;
}
