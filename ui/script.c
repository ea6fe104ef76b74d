/* The script runner. In: a script; out: the script with real screens. Called by `weir
 * console --script`, so tests/screen compares two texts. Holds always: no tty, no
 * socket, no clock but the script's: the same script gives the same bytes. */
#include "ui/script.h"

#include <libgen.h>
#include <stdio.h>
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/timeutil.h"

struct script {
    struct app app;
    struct app_options o;
    bool is_open;
    const char *path;
    char dir[4096];
    unsigned line;
    struct buf *out;
    int64_t wall_ms; /* of `clock` before the terminal is open */
};

struct verb {
    const char *name;
    bool needs_screen;
    int (*run)(struct script *s, char *args, struct err *e);
};

static int bad(const struct script *s, struct err *e, const char *what)
{
    return err_set(e, ERR_USAGE, "%s:%u: %s", s->path, s->line, what);
}

static void settle(struct script *s)
{
    app_draw(&s->app);
}

static int do_size(struct script *s, char *args, struct err *e)
{
    int cols, rows;

    if (sscanf(args, "%dx%d", &cols, &rows) != 2 || cols < 1 || rows < 1 ||
        cols > 1000 || rows > 1000)
        return bad(s, e, "expected \"size COLUMNSxROWS\"");
    if (s->is_open) {
        app_resize(&s->app, rows, cols);
        settle(s);
        return 0;
    }
    s->o.rows = rows;
    s->o.cols = cols;
    int rc = app_open(&s->app, &s->o, e);
    if (rc < 0)
        return rc;
    s->is_open = true;
    s->app.wall_ms = s->app.now_ms = s->wall_ms;
    settle(s);
    return 0;
}

static int do_charset(struct script *s, char *args, struct err *e)
{
    static const char *const names[] = {"ascii", "block", "utf8"};

    for (int i = 0; i < 3; i++) {
        if (!streq(args, names[i]))
            continue;
        s->o.is_ascii = i == TERM_ASCII;
        if (s->is_open) {
            s->app.term.charset = (enum term_charset)i;
            app_resize(&s->app, s->app.term.rows, s->app.term.cols);
            settle(s);
        }
        return 0;
    }
    return bad(s, e, "expected \"charset ascii|block|utf8\"");
}

static int do_readonly(struct script *s, char *args, struct err *e)
{
    (void)args;
    if (s->is_open)
        return bad(s, e, "readonly must come before size");
    s->o.is_readonly = true;
    return 0;
}

static int do_theme(struct script *s, char *args, struct err *e)
{
    (void)e;
    app_set_theme(&s->app, args);
    settle(s);
    return 0;
}

static int do_clock(struct script *s, char *args, struct err *e)
{
    if (!time_parse_iso(str_of(args), &s->wall_ms))
        return bad(s, e, "expected \"clock YYYY-MM-DDTHH:MM:SSZ\"");
    if (s->is_open)
        s->app.wall_ms = s->app.now_ms = s->wall_ms;
    return 0;
}

static int do_feed(struct script *s, char *args, struct err *e)
{
    char path[8300];
    json_t *data;
    size_t n = strcspn(args, " ");
    const char *file = args + n + strspn(args + n, " ");
    int rc;

    args[n] = '\0';
    if (*file == '[' || *file == '{') {
        rc = json_load_text(file, strlen(file), &data, e);
    } else {
        snprintf(path, sizeof path, "%s/%s", s->dir, file);
        rc = json_load_path(path, &data, e);
    }
    if (rc < 0)
        return err_wrap(e, rc, "%s:%u", s->path, s->line);
    s->app.uplink.heard_ms = s->app.mono_ms;
    s->app.uplink.was_up = true;
    s->app.uplink.on_feed(&s->app, args, data);
    settle(s);
    return 0;
}

static int do_answer(struct script *s, char *args, struct err *e)
{
    json_t *data;
    size_t n = strcspn(args, " ");
    const char *text = args + n + strspn(args + n, " ");
    json_error_t why;

    args[n] = '\0';
    data = json_loads(text, JSON_DECODE_ANY, &why);
    if (!data)
        return bad(s, e, "expected \"answer COMMAND JSON\"");
    json_put(s->app.uplink.prepared, args, data);
    return 0;
}

static int do_key(struct script *s, char *args, struct err *e)
{
    for (char *word = args; *word;) {
        size_t n = strcspn(word, " ");
        char *next = word + n + strspn(word + n, " ");
        word[n] = '\0';
        int key = streq(word, "C-c") ? 3 : keymap_key_parse(word);
        if (key == KEY_NONE)
            return bad(s, e, "unknown key");
        app_key(&s->app, key);
        settle(s);
        word = next;
    }
    return 0;
}

static int do_type(struct script *s, char *args, struct err *e)
{
    (void)e;
    for (const char *p = args; *p; p++)
        app_key(&s->app, (unsigned char)*p);
    settle(s);
    return 0;
}

static int do_command(struct script *s, char *args, struct err *e)
{
    (void)e;
    app_command(&s->app, args);
    settle(s);
    return 0;
}

static int do_wait(struct script *s, char *args, struct err *e)
{
    int64_t ms;

    if (!time_parse_duration(str_of(args), &ms))
        return bad(s, e, "expected \"wait 12s\"");
    s->app.mono_ms += ms;
    settle(s);
    return 0;
}

static int do_disconnect(struct script *s, char *args, struct err *e)
{
    (void)e;
    s->app.uplink.is_offline = false; /* no socket and not offline: it is down */
    str_copy(s->app.uplink.why, sizeof s->app.uplink.why, args);
    settle(s);
    return 0;
}

static int do_dump(struct script *s, char *args, struct err *e)
{
    bool as_roles = str_starts(args, "roles");
    int from = 1, to = s->app.term.rows;

    if (as_roles)
        args += strlen("roles") + strspn(args + strlen("roles"), " ");
    if (*args && sscanf(args, "%d-%d", &from, &to) != 2)
        return bad(s, e, "expected \"dump [roles] [FROM-TO]\"");
    buf_adds(s->out, "===\n");
    term_dump(&s->app.term, from - 1, to, as_roles, s->out);
    buf_adds(s->out, "===\n");
    return 0;
}

static int do_sent(struct script *s, char *args, struct err *e)
{
    const json_t *msg;
    size_t i;

    buf_adds(s->out, "===\n");
    json_array_foreach (s->app.uplink.sent, i, msg) {
        int rc = json_dump_buf(msg, JSON_COMPACT | JSON_SORT_KEYS, s->out, e);
        if (rc < 0)
            return rc;
        buf_addc(s->out, '\n');
    }
    buf_adds(s->out, s->app.is_done ? "(left)\n===\n" : "===\n");
    if (streq(args, "clear"))
        json_array_clear(s->app.uplink.sent);
    return 0;
}

static int do_bytes(struct script *s, char *args, struct err *e)
{
    unsigned long limit;

    if (sscanf(args, "< %lu", &limit) != 1)
        return bad(s, e, "expected \"bytes < N\"");
    if (s->app.term.frame_bytes < limit)
        buf_adds(s->out, "===\nok\n===\n");
    else
        buf_addf(s->out, "===\n%zu\n===\n", s->app.term.frame_bytes);
    return 0;
}

static const struct verb verbs[] = {
    {"size", false, do_size},         {"charset", false, do_charset},
    {"readonly", false, do_readonly}, {"clock", false, do_clock},
    {"theme", true, do_theme},        {"feed", true, do_feed},
    {"answer", true, do_answer},      {"key", true, do_key},
    {"type", true, do_type},          {"command", true, do_command},
    {"wait", true, do_wait},          {"disconnect", true, do_disconnect},
    {"dump", true, do_dump},          {"sent", true, do_sent},
    {"bytes", true, do_bytes},
};

static int run_line(struct script *s, char *line, struct err *e)
{
    size_t n = strcspn(line, " ");
    char *args = line + n + strspn(line + n, " ");

    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++) {
        if (strlen(verbs[i].name) != n || memcmp(line, verbs[i].name, n) != 0)
            continue;
        if (verbs[i].needs_screen && !s->is_open)
            return bad(s, e, "a \"size COLUMNSxROWS\" must come first");
        return verbs[i].run(s, args, e);
    }
    return bad(s, e, "unknown command");
}

/* Runs every line; an old expectation (between === lines) is left out of the output. */
static int run_all(struct script *s, char *text, struct err *e)
{
    bool is_expected = false;
    int rc = 0;

    for (char *line = text, *end; line && *line && rc == 0; line = end) {
        s->line++;
        end = strchr(line, '\n');
        if (end)
            *end++ = '\0';
        if (streq(line, "===")) {
            is_expected = !is_expected;
            continue;
        }
        if (is_expected)
            continue;
        buf_addf(s->out, "%s\n", line);
        if (*line && *line != '#')
            rc = run_line(s, line, e);
    }
    return rc;
}

int script_run(const char *path, const struct app_options *base, struct buf *out,
               struct err *e)
{
    struct script s = {.o = *base, .path = path, .out = out};
    struct buf text;
    int rc;

    s.o.is_script = true;
    s.o.is_ascii = true;
    str_copy(s.dir, sizeof s.dir, path);
    char *slash = strrchr(s.dir, '/');
    str_copy(s.dir, sizeof s.dir, slash ? (*slash = '\0', s.dir) : ".");
    buf_init(&text, 4u << 20);
    rc = buf_read_file(&text, path, e);
    if (rc == 0) {
        char *copy = mem_strndup(buf_str(&text), text.len);
        rc = run_all(&s, copy, e);
        mem_free(copy);
    }
    if (s.is_open)
        app_close(&s.app);
    buf_release(&text);
    return rc < 0 ? rc : buf_check(out, "script output", e);
}
