/* weir man-pages DIR: writes the manual pages that are made from the tables. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "cmd/cmd.h"

static int save(const struct cmd_args *a, const char *name, struct buf *b, int rc,
                struct err *e)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", a->argv[0], name);
    if (rc == 0)
        rc = buf_check(b, name, e);
    if (rc == 0)
        rc = buf_write_file(buf_str(b), b->len, path, e);
    if (rc == 0 && !a->is_quiet)
        printf("%s\n", path);
    buf_reset(b);
    return rc;
}

static int run(const struct cmd_args *a, struct err *e)
{
    if (a->argc != 1)
        return err_set(e, ERR_USAGE, "weir man-pages: give the folder to write to");
    if (mkdir(a->argv[0], 0777) < 0 && errno != EEXIST)
        return err_errno(e, ERR_IO, "%s", a->argv[0]);
    struct buf b;
    buf_init(&b, (size_t)4 << 20);
    int rc = save(a, "weir.1", &b, cmd_write_man(NULL, &b), e);
    for (size_t i = 0; i < cmd_count() && rc == 0; i++) {
        const struct cmd *c = cmd_at(i);
        char name[64];
        snprintf(name, sizeof name, "weir-%s.1", c->name);
        if (!(c->flags & CMD_HIDDEN))
            rc = save(a, name, &b, cmd_write_man(c, &b), e);
    }
    if (rc == 0)
        rc = save(a, "weir.yml.5", &b, conf_man(&b, e), e);
    buf_release(&b);
    return rc;
}

const struct cmd cmd_man_pages = {
    .name = "man-pages",
    .summary = "Write the manual pages.",
    .operands = "DIR",
    .doc =
        "Writes weir.1, a page for each command and weir.yml.5 to DIR, made from the "
        "same tables that the program works from.",
    .flags = CMD_MUTATES | CMD_NO_PROJECT,
    .run = run,
};
