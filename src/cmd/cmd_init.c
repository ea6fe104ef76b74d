/* weir init: makes a small project that runs: a platform file, a dbt project and a
 * model over a seed. Nothing that is there is overwritten. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/str.h"
#include "cmd/cmd.h"

struct file {
    const char *path, *text;
};

static const char weir_yml[] =
    "# A weir platform. Everything left out has a default: `weir conf show` prints "
    "what is\n"
    "# in force and where it came from, `man weir.yml` says what each setting does.\n"
    "platform: %s\n"
    "environment: ${WEIR_ENV:-dev}   # prod is marked on every screen\n"
    "timezone: UTC                   # for people; storage is UTC\n"
    "\n"
    "models: {project: .}            # the dbt project beside this file\n"
    "\n"
    "schedules:\n"
    "  hourly: {cron: \"5 * * * *\", select: \"tag:hourly\"}\n"
    "\n"
    "alerts:\n"
    "  file: {path: alerts.jsonl}    # in the state folder\n"
    "\n"
    "# A source, its topic and its table, when you have one:\n"
    "# sources:\n"
    "#   stores: {plugin: stores, path: data/stores.csv, every: 1h}\n"
    "# loads:\n"
    "#   raw_stores: {from: stores, into: bronze.raw_stores, mode: upsert, key: "
    "store_id}\n";

static const char dbt_project_yml[] = "name: %s\n"
                                      "version: 1.0.0\n"
                                      "config-version: 2\n"
                                      "profile: weir\n"
                                      "model-paths: [models]\n"
                                      "seed-paths: [seeds]\n"
                                      "test-paths: [tests]\n"
                                      "macro-paths: [macros]\n"
                                      "models:\n"
                                      "  %s:\n"
                                      "    +materialized: table\n";

static const struct file files[] = {
    {"weir.yml", weir_yml},
    {"dbt_project.yml", dbt_project_yml},
    {"seeds/sales.csv", "store_id,day,amount\n1,2026-01-01,10.50\n1,2026-01-02,20.25\n"
                        "2,2026-01-01,5.00\n"},
    {"models/store_sales.sql",
     "{{ config(tags=['hourly']) }}\n\n"
     "select store_id, count(*) as n_days, sum(amount) as amount\n"
     "from {{ ref('sales') }}\n"
     "group by store_id\n"},
    {"models/schema.yml", "version: 2\n"
                          "models:\n"
                          "  - name: store_sales\n"
                          "    description: Sales of each store.\n"
                          "    columns:\n"
                          "      - name: store_id\n"
                          "        data_tests: [unique, not_null]\n"},
    {".gitignore", "/.weir/\n/target/\n"},
};

/* The folder's name as a project name: letters, digits, underscores. */
static void project_name(const char *dir, char *out, size_t size)
{
    char full[PATH_MAX];
    const char *base = realpath(dir, full) ? strrchr(full, '/') + 1 : "project";
    str_copy(out, size, *base ? base : "project");
    for (char *p = out; *p; p++) {
        bool is_letter = (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z');
        bool is_digit = *p >= '0' && *p <= '9';
        if (!is_letter && !(is_digit && p > out))
            *p = '_';
    }
}

static int make_folders(const char *path, struct err *e)
{
    char copy[PATH_MAX];
    str_copy(copy, sizeof copy, path);
    for (char *p = copy + 1; (p = strchr(p, '/')); p++) {
        *p = '\0';
        if (mkdir(copy, 0777) < 0 && errno != EEXIST)
            return err_errno(e, ERR_IO, "%s", copy);
        *p = '/';
    }
    return 0;
}

/* "%s" in text replaced by name. */
static int write_one(const char *dir, const struct file *f, const char *name,
                     bool is_quiet, struct err *e)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", dir, f->path);
    int rc = make_folders(path, e);
    if (rc < 0 || (access(path, F_OK) == 0 && streq(f->path, ".gitignore")))
        return rc;
    struct buf b;
    buf_init(&b, 0);
    for (const char *p = f->text; *p; p++) {
        bool is_name = p[0] == '%' && p[1] == 's';
        if (is_name)
            buf_adds(&b, name);
        else
            buf_addc(&b, *p);
        p += is_name;
    }
    rc = buf_write_file(buf_str(&b), b.len, path, e);
    buf_release(&b);
    if (rc == 0 && !is_quiet)
        printf("  %s\n", f->path);
    return rc;
}

static int run(const struct cmd_args *a, struct err *e)
{
    const char *dir = a->argc ? a->argv[0] : ".";
    char path[PATH_MAX], name[80];
    if (a->argc > 1)
        return err_set(e, ERR_USAGE, "weir init takes one folder");
    for (size_t i = 0; i < sizeof files / sizeof *files - 1; i++) {
        snprintf(path, sizeof path, "%s/%s", dir, files[i].path);
        if (access(path, F_OK) == 0)
            return err_set(e, ERR_EXISTS, "%s is there already; nothing was changed",
                           path);
    }
    snprintf(path, sizeof path, "%s/", dir);
    int rc = make_folders(path, e);
    project_name(dir, name, sizeof name);
    for (size_t i = 0; i < sizeof files / sizeof *files && rc == 0; i++)
        rc = write_one(dir, &files[i], name, a->is_quiet, e);
    if (rc == 0 && !a->is_quiet)
        printf("\nmade platform %s. Next:\n  %s%s%sweir build\n  weir query \"select * "
               "from "
               "store_sales\"\n",
               name, streq(dir, ".") ? "" : "cd ", streq(dir, ".") ? "" : dir,
               streq(dir, ".") ? "" : " && ");
    return rc;
}

const struct cmd cmd_init = {
    .name = "init",
    .summary = "Make a small project that runs.",
    .operands = "[DIR]",
    .doc =
        "Writes a commented weir.yml, a dbt_project.yml, a seed and a model over it to "
        "DIR (default: the current folder). Nothing that is there is overwritten.",
    .flags = CMD_MUTATES | CMD_NO_PROJECT,
    .run = run,
};
