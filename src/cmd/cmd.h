/* Commands: one file and one row each (cmd.list). The row gives parsing, --help, man
 * page, completion, role and audit; key, palette, CLI and headless run are the same
 * thing. */
#ifndef CMD_CMD_H
#define CMD_CMD_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include "base/buf.h"
#include "base/err.h"
#include "conf/conf.h"

enum cmd_flag {
    CMD_READONLY = 1,    /* a viewer may */
    CMD_MUTATES = 2,     /* audited; operator */
    CMD_PLANS = 4,       /* has --plan */
    CMD_JSON = 8,        /* has -o json */
    CMD_NO_PROJECT = 16, /* runs without weir.yml */
    CMD_HIDDEN = 32,
    CMD_OUTPUT = 64, /* -o has words of its own, checked by the command */
    CMD_DBT = 128,   /* takes dbt's options, too (dbt_opts.c) */
};

enum cmd_opt_type {
    OPT_FLAG,
    OPT_TEXT,
    OPT_INT,
    OPT_DURATION,
    OPT_LIST /* repeatable */
};

struct cmd_opt {
    const char *name; /* "select": --select */
    char letter;      /* 's' or 0 */
    enum cmd_opt_type type;
    const char *arg; /* "SELECTOR" for the help, "a|b": only those; NULL for flags */
    const char *doc;
    const char *env; /* environment form, or NULL */
};

/* --resource-type and --exclude-resource-type, of the commands that select nodes. */
#define DBT_TYPE_OPTIONS                                                               \
    {"resource-type",                                                                  \
     0,                                                                                \
     OPT_LIST,                                                                         \
     "TYPE",                                                                           \
     "Only nodes of a type: model, seed, test, source …",                              \
     "DBT_RESOURCE_TYPES"},                                                            \
    {                                                                                  \
        "exclude-resource-type", 0, OPT_LIST, "TYPE", "No nodes of a type.",           \
            "DBT_EXCLUDE_RESOURCE_TYPES"                                               \
    }

struct cmd_args {
    const struct platform *platform;  /* NULL with CMD_NO_PROJECT when there is none */
    const struct err *platform_error; /* why platform is NULL, else NULL */
    const struct cmd *cmd;
    int argc; /* operands */
    char **argv;
    bool is_json, is_quiet;
    const char *output; /* text json csv */
    const char *exe;    /* path of this executable */
    void *values;       /* parsed options; use the getters */
    /* CMD_DBT: the mapping `flags` of dbt_project.yml, NULL: none */
    const json_t *project_flags;
};
/* Values come from the command line, else the environment, else (CMD_DBT) the project's
 * flags. */
bool opt_flag(const struct cmd_args *a, const char *name);
/* The same of a boolean that is on unless somebody says no. */
bool opt_flag_or(const struct cmd_args *a, const char *name, bool fallback);
const char *opt_text(const struct cmd_args *a, const char *name, const char *fallback);
long opt_int(const struct cmd_args *a, const char *name, long fallback);
/* NULL-terminated list of a repeatable option; values with spaces are split for selects
 * by the selector itself. NULL when absent. */
const char *const *opt_list(const struct cmd_args *a, const char *name);

struct cmd {
    const char *name, *summary, *doc /* paragraphs */;
    const char *operands; /* "[NODE…]"; NULL or "": takes none */
    int flags;
    const struct cmd_opt *opts; /* ends with a NULL name */
    /* exit status >= 0, or negative error with e filled. Output to stdout by out.h. */
    int (*run)(const struct cmd_args *a, struct err *e);
};

/* Options every command takes (--project-dir …), as rows; ends with a NULL name. */
extern const struct cmd_opt cmd_global_opts[];
/* Options of dbt that commands with CMD_DBT take besides their own. */
extern const struct cmd_opt cmd_dbt_opts[];

/* Lines to try, of examples.list, in order. */
struct cmd_example {
    const char *cmd, *line, *what;
};
/* The i-th example of a command, NULL behind the last. */
const struct cmd_example *cmd_example(const struct cmd *cmd, size_t i);

const struct cmd *cmd_find(const char *name);
/* The command of a name, or ERR_USAGE with the nearest one. */
int cmd_get(const char *name, const struct cmd **out, struct err *e);
size_t cmd_count(void);
const struct cmd *cmd_at(size_t i);
/* Whole command line → exit status; prints errors. */
int cmd_main(int argc, char **argv);

/* Tables for people, arrays for programs: columns described once. rows: JSON array of
 * objects. Text goes through text_sanitise. */
struct cmd_column {
    const char *key, *title;
    enum {
        COL_TEXT,
        COL_LINE, /* text of which a table shows the first line */
        COL_NUMBER,
        COL_TIME,
        COL_DURATION,
        COL_MONEY,
        COL_BYTES
    } kind;
};
int cmd_print_rows(const struct cmd_args *a, const json_t *rows,
                   const struct cmd_column *columns, size_t n, struct err *e);
int cmd_print_json(const json_t *v, struct err *e);
/* Human forms, as the tables show them; text is sanitised. */
void cmd_format_bytes(int64_t bytes, char out[32]);
/* A time for a person: in the platform's timezone, with its offset; in UTC as ISO. */
char *cmd_format_time(const struct cmd_args *a, int64_t ms, char out[40]);
/* Whether escape sequences may go to this descriptor: a terminal and no NO_COLOR. */
bool cmd_wants_color(int fd);
/* "weir: text" on stderr, every line sanitised. */
void cmd_print_error(const struct err *e);

/* Documents made from the rows: `weir X --help`, weir-X.1, bash completion. cmd NULL:
 * of weir itself. */
int cmd_write_help(const struct cmd *cmd, struct buf *out);
int cmd_print_help(const struct cmd *cmd);
int cmd_write_man(const struct cmd *cmd, struct buf *out);
int cmd_write_completion(struct buf *out);

#endif
