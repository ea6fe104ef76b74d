/* weir console: the terminal console over the control socket of a running platform. In:
 * options and the platform's state folder; out: a full-screen program, or with --script
 * the screens of a test script. Holds always: it only talks to the socket. */
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#include "base/str.h"
#include "cmd/cmd.h"
#include "ui/app.h"
#include "ui/script.h"

#define THEME_DIRS 3

/* Folders of themes: the user's, beside the executable, where `make install` puts them.
 */
struct places {
    char user[PATH_MAX], beside[PATH_MAX], installed[PATH_MAX], keys[PATH_MAX];
    const char *dirs[THEME_DIRS + 1];
};

static void find_places(struct places *p, const char *exe)
{
    const char *config = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
    const char *slash = exe ? strrchr(exe, '/') : NULL;
    int n = slash ? (int)(slash - exe) : 1;

    if (config && *config)
        snprintf(p->user, sizeof p->user, "%s/weir", config);
    else
        snprintf(p->user, sizeof p->user, "%s/.config/weir", home ? home : "");
    snprintf(p->keys, sizeof p->keys, "%.4000s/keys", p->user);
    snprintf(p->beside, sizeof p->beside, "%.*s/themes", n, slash ? exe : ".");
    snprintf(p->installed, sizeof p->installed, "%.*s/../share/weir/themes", n,
             slash ? exe : ".");
    p->dirs[0] = p->user;
    p->dirs[1] = p->beside;
    p->dirs[2] = p->installed;
    p->dirs[3] = NULL;
}

static int run_script(const char *path, struct app_options *o, struct err *e)
{
    struct buf out;

    buf_init(&out, 16u << 20);
    o->keys_file = NULL; /* a test must not depend on what the user has */
    o->theme_dirs++;
    int rc = script_run(path, o, &out, e);
    fwrite(buf_str(&out), 1, out.len, stdout);
    buf_release(&out);
    return rc;
}

static int run(const struct cmd_args *a, struct err *e)
{
    static struct places places;
    static char socket_path[PATH_MAX];
    const char *script = opt_text(a, "script", NULL);
    const struct platform *p = a->platform;

    if (a->argc)
        return err_set(e, ERR_USAGE, "weir console takes no operands");
    find_places(&places, a->exe);
    struct app_options o = {
        .exe = a->exe,
        .theme = opt_text(a, "theme", script || !p ? "default" : p->console_theme),
        .theme_dirs = places.dirs,
        .keys_file = places.keys,
        .is_ascii = opt_flag(a, "ascii") || (p && p->console_ascii),
        .is_readonly = opt_flag(a, "readonly"),
        .is_slow = opt_flag(a, "slow"),
        .has_mouse = opt_flag(a, "mouse") && !opt_flag(a, "no-mouse"),
    };
    if (script)
        return run_script(script, &o, e);
    if (!p)
        return err_set(e, a->platform_error ? a->platform_error->code : ERR_CONFIG,
                       "%s",
                       a->platform_error ? a->platform_error->text : "no platform");
    o.socket = conf_state_path(p, "control.sock", socket_path, sizeof socket_path);
    o.project_dir = p->project_dir;
    o.state_dir = p->state_dir;
    return app_run(&o, e);
}

static const struct cmd_opt options[] = {
    {"theme", 0, OPT_TEXT, "NAME", "Theme: default, dark, light, mono, safe or a file.",
     "WEIR_THEME"},
    {"ascii", 0, OPT_FLAG, NULL, "Only ASCII characters, whatever the locale says.",
     NULL},
    {"readonly", 0, OPT_FLAG, NULL,
     "Without the keys and commands that change anything.", NULL},
    {"slow", 0, OPT_FLAG, NULL, "At most one frame a second, for slow connections.",
     NULL},
    {"mouse", 0, OPT_FLAG, NULL,
     "Click and wheel (the terminal's own selection is off).", NULL},
    {"no-mouse", 0, OPT_FLAG, NULL, "Leave the mouse to the terminal (the default).",
     NULL},
    {"script", 0, OPT_TEXT, "FILE",
     "Run a test script without a terminal and print its screens.", NULL},
    {0},
};

const struct cmd cmd_console = {
    .name = "console",
    .summary = "Watch and operate a running platform in the terminal.",
    .doc =
        "Connects to the supervisor of the platform (weir up) and shows its stages, "
        "lag, "
        "runs, anomalies, processes, logs, alerts and gates. ? shows the keys, : takes "
        "commands. Closing the console changes nothing: the platform goes on. When the "
        "connection is lost it keeps the last data, says how old it is and connects "
        "again."
        "\n\nColours: NO_COLOR and terminals without colours get attributes only; "
        "weir-theme(5) describes theme files. Keys can be changed in "
        "~/.config/weir/keys, one `bind VIEW KEY COMMAND` a line.",
    .flags = CMD_READONLY | CMD_NO_PROJECT,
    .opts = options,
    .run = run,
};
