/* Theme files. In: text rows `role = fg bg attr,attr`; out: struct theme. Called by the
 * console when it starts and by `:theme`. Holds always: a theme has a look for every
 * role, because parsing starts from a complete one. */
#include "ui/theme.h"

#include <ctype.h>
#include <dirent.h>
#include <stdbool.h>
#include "base/buf.h"
#include "base/mem.h"
#include "base/str.h"

#define THEME_BYTES_MAX (64u * 1024)

struct role_row {
    const char *name;
    char letter;
    const char *look, *mono, *doc;
};

static const struct role_row roles[ROLE_COUNT] = {
#define X(name, text, letter, look, mono, doc)                                         \
    [ROLE_##name] = {text, letter, look, mono, doc},
    ROLE_MAP(X)
#undef X
};

static const char *const colour_names[] = {
    "black",        "red",           "green",       "yellow",         "blue",
    "magenta",      "cyan",          "white",       "bright-black",   "bright-red",
    "bright-green", "bright-yellow", "bright-blue", "bright-magenta", "bright-cyan",
    "bright-white", "default"};

static const char *const attr_names[] = {"bold",    "dim",    "underline",
                                         "reverse", "italic", "none"};

#define N_COLOURS (sizeof colour_names / sizeof *colour_names)
#define N_ATTRS   (sizeof attr_names / sizeof *attr_names)

const char *theme_role_name(enum role role)
{
    return roles[role].name;
}

char theme_role_letter(enum role role)
{
    return roles[role].letter;
}

const char *theme_role_doc(enum role role)
{
    return roles[role].doc;
}

/* Nearest of the 6x6x6 cube and the grey ramp of the 256-colour palette. */
static int16_t colour_of_rgb(int r, int g, int b)
{
    static const int step[6] = {0, 95, 135, 175, 215, 255};
    int rgb[3] = {r, g, b}, at[3];
    long cube_error = 0, grey_error = 0;
    int grey = (r + g + b) / 3 < 8 ? 0 : ((r + g + b) / 3 - 8) / 10;

    if (grey > 23)
        grey = 23;
    for (int i = 0; i < 3; i++) {
        at[i] = 0;
        for (int k = 1; k < 6; k++)
            if (abs(step[k] - rgb[i]) < abs(step[at[i]] - rgb[i]))
                at[i] = k;
        cube_error += (long)(step[at[i]] - rgb[i]) * (step[at[i]] - rgb[i]);
        grey_error += (long)(8 + grey * 10 - rgb[i]) * (8 + grey * 10 - rgb[i]);
    }
    if (grey_error < cube_error)
        return (int16_t)(232 + grey);
    return (int16_t)(16 + 36 * at[0] + 6 * at[1] + at[2]);
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)tolower((unsigned char)c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool colour_parse(const char *word, int16_t *out)
{
    int64_t number;

    if (word[0] == '#' && strlen(word) == 7) {
        int digit[6];
        for (int i = 0; i < 6; i++)
            if ((digit[i] = hex_digit(word[1 + i])) < 0)
                return false;
        *out = colour_of_rgb(digit[0] * 16 + digit[1], digit[2] * 16 + digit[3],
                             digit[4] * 16 + digit[5]);
        return true;
    }
    for (size_t i = 0; i < N_COLOURS; i++) {
        if (streq(word, colour_names[i])) {
            *out = i + 1 == N_COLOURS ? -1 : (int16_t)i;
            return true;
        }
    }
    if (!str_to_i64(str_of(word), &number) || number < 0 || number > 255)
        return false;
    *out = (int16_t)number;
    return true;
}

/* "bold,underline" → bits; the word that is wrong is left in *bad. */
static bool attr_parse(char *words, int16_t *out, const char **bad)
{
    int16_t bits = 0;

    for (char *word = words, *end; word; word = end) {
        end = strchr(word, ',');
        if (end)
            *end++ = '\0';
        size_t i = 0;
        while (i < N_ATTRS && !streq(word, attr_names[i]))
            i++;
        if (i == N_ATTRS) {
            *bad = word;
            return false;
        }
        if (i + 1 < N_ATTRS)
            bits = (int16_t)(bits | 1 << i);
    }
    *out = bits;
    return true;
}

/* Next word of *p, NUL-terminated in place; NULL at the end. */
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

static int style_parse(struct theme_style *style, char *text, const char *name,
                       unsigned line, struct err *e)
{
    char *fg = next_word(&text), *bg = next_word(&text), *attr = next_word(&text);
    char *more = next_word(&text);
    const char *bad = NULL;
    struct theme_style s = {-1, -1, 0};

    if (!fg || !bg)
        return err_set(e, ERR_CONFIG,
                       "%s:%u: expected \"role = foreground background attributes\"",
                       name, line);
    for (int i = 0; i < 2; i++) {
        const char *word = i ? bg : fg;
        if (colour_parse(word, i ? &s.bg : &s.fg))
            continue;
        const char *near = str_nearest(word, colour_names, N_COLOURS);
        return err_set(e, ERR_CONFIG,
                       "%s:%u: unknown colour \"%s\"; %s%s%s a name such as red or "
                       "bright-red, 0 to 255, #rrggbb or default is expected",
                       name, line, word, near ? "did you mean \"" : "",
                       near ? near : "", near ? "\"?" : "");
    }
    if (attr && !attr_parse(attr, &s.attr, &bad))
        return err_set(e, ERR_CONFIG,
                       "%s:%u: unknown attribute \"%s\"; one of bold dim underline "
                       "reverse italic none, joined by commas, is expected",
                       name, line, bad);
    if (more)
        return err_set(e, ERR_CONFIG, "%s:%u: unexpected \"%s\" behind the attributes",
                       name, line, more);
    *style = s;
    return 0;
}

static int role_find(const char *word, const char *name, unsigned line, struct err *e)
{
    const char *names[ROLE_COUNT];

    for (int i = 0; i < ROLE_COUNT; i++) {
        names[i] = roles[i].name;
        if (streq(word, names[i]))
            return i;
    }
    const char *near = str_nearest(word, names, ROLE_COUNT);
    return err_set(e, ERR_CONFIG, "%s:%u: unknown role \"%s\"%s%s%s", name, line, word,
                   near ? "; did you mean \"" : "; weir-theme(5) lists the roles",
                   near ? near : "", near ? "\"?" : "");
}

static int line_parse(struct theme *t, char *text, const char *name, unsigned line,
                      struct err *e)
{
    /* '#' opens a comment only at the start of a line: it also begins a colour. */
    text += strspn(text, " \t\r");
    if (!*text || *text == '#')
        return 0;
    char *equals = strchr(text, '=');
    if (!equals)
        return err_set(e, ERR_CONFIG, "%s:%u: expected \"role = …\"", name, line);
    *equals = '\0';
    char *rest = text, *key = next_word(&rest);
    if (!key || next_word(&rest))
        return err_set(e, ERR_CONFIG, "%s:%u: expected one role before \"=\"", name,
                       line);
    int role = role_find(key, name, line, e);
    return role < 0 ? role : style_parse(&t->style[role], equals + 1, name, line, e);
}

int theme_parse(struct theme *t, const char *text, size_t n, const char *name,
                struct err *e)
{
    if (memchr(text, '\0', n))
        return err_set(e, ERR_CONFIG, "%s: not a text file (it has a NUL byte)", name);
    if (n > THEME_BYTES_MAX)
        return err_set(e, ERR_LIMIT, "%s: larger than %u bytes", name, THEME_BYTES_MAX);
    char *copy = mem_strndup(text, n);
    struct theme next = *t;
    int rc = 0;
    unsigned number = 1;

    for (char *line = copy, *end; line && rc == 0; line = end, number++) {
        end = strchr(line, '\n');
        if (end)
            *end++ = '\0';
        rc = line_parse(&next, line, name, number, e);
    }
    if (rc == 0)
        *t = next;
    mem_free(copy);
    return rc;
}

static void init_from_rows(struct theme *t, const char *name, bool is_mono)
{
    *t = (struct theme){0};
    str_copy(t->name, sizeof t->name, name);
    for (int i = 0; i < ROLE_COUNT; i++) {
        char look[64];
        snprintf(look, sizeof look, "%s%s", is_mono ? "default default " : "",
                 is_mono ? roles[i].mono : roles[i].look);
        BUG_ON(style_parse(&t->style[i], look, name, 0, NULL) < 0);
    }
}

void theme_init_default(struct theme *t)
{
    init_from_rows(t, "default", false);
}

void theme_init_mono(struct theme *t)
{
    init_from_rows(t, "mono", true);
}

static int load_file(struct theme *t, const char *path, const char *name, struct err *e)
{
    struct theme next;
    struct buf b;
    int rc;

    theme_init_default(&next);
    str_copy(next.name, sizeof next.name, name);
    buf_init(&b, THEME_BYTES_MAX);
    rc = buf_read_file(&b, path, e);
    if (rc == 0)
        rc = theme_parse(&next, buf_str(&b), b.len, path, e);
    if (rc == 0)
        *t = next;
    buf_release(&b);
    return rc;
}

void theme_list(const char *const *dirs, struct buf *out)
{
    buf_adds(out, " default mono");
    for (; dirs && *dirs; dirs++) {
        DIR *d = opendir(*dirs);
        struct dirent *entry;
        while (d && (entry = readdir(d))) {
            size_t n = strlen(entry->d_name);
            char name[80];
            if (!str_ends(entry->d_name, ".theme"))
                continue;
            snprintf(name, sizeof name, " %.*s", (int)(n - strlen(".theme")),
                     entry->d_name);
            if (!strstr(buf_str(out), name))
                buf_adds(out, name);
        }
        if (d)
            closedir(d);
    }
}

int theme_load(struct theme *t, const char *name, const char *const *dirs,
               struct err *e)
{
    if (strchr(name, '/'))
        return load_file(t, name, name, e);
    for (const char *const *dir = dirs; dir && *dir; dir++) {
        char path[4096];
        struct err missing;
        snprintf(path, sizeof path, "%s/%s.theme", *dir, name);
        int rc = load_file(t, path, name, &missing);
        if (rc == 0)
            return 0;
        if (rc == ERR_CONFIG || rc == ERR_LIMIT)
            return err_set(e, rc, "%s", missing.text);
    }
    if (streq(name, "default") || streq(name, "mono")) {
        init_from_rows(t, name, streq(name, "mono"));
        return 0;
    }
    struct buf names;
    buf_init(&names, 4096);
    theme_list(dirs, &names);
    int rc = err_set(e, ERR_NOTFOUND, "no theme \"%s\"; there are:%s", name,
                     buf_str(&names));
    buf_release(&names);
    return rc;
}
