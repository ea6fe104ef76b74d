/* A project folder with one weir.yml in it, and loading it. */
#ifndef TESTS_CONF_FIXTURE_H
#define TESTS_CONF_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/str.h"
#include "conf/conf.h"

static char conf_dir[PATH_MAX];

static inline void conf_put(const char *name, const char *text, size_t n)
{
    char path[PATH_MAX + 64];
    struct err e = {0};
    snprintf(path, sizeof path, "%s/%s", conf_dir, name);
    if (buf_write_file(text, n, path, &e) < 0)
        fail_msg("%s", e.text);
}

static inline int conf_setup(void **state)
{
    const char *tmp = getenv("TMPDIR");
    (void)state;
    char template[PATH_MAX];
    snprintf(template, sizeof template, "%s/weir-conf-XXXXXX", tmp ? tmp : "/tmp");
    if (!mkdtemp(template) || !realpath(template, conf_dir))
        return -1;
    unsetenv("WEIR_PROJECT_DIR");
    unsetenv("WEIR_STATE_DIR");
    unsetenv("WEIR_SET");
    unsetenv("WEIR_AS_OF");
    conf_put("dbt_project.yml", "name: x\n", 8);
    conf_put("suite.json", "{}", 2);
    return chdir(conf_dir);
}

static inline int conf_teardown(void **state)
{
    static const char *const files[] = {"weir.yml", "dbt_project.yml", "suite.json",
                                        "secret"};
    char path[PATH_MAX + 64];
    (void)state;
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        snprintf(path, sizeof path, "%s/%s", conf_dir, files[i]);
        unlink(path);
    }
    return chdir("/") < 0 || rmdir(conf_dir) < 0 ? -1 : 0;
}

/* The platform of a text, or NULL and the error's text in conf_error. */
static char conf_error[ERR_TEXT_MAX];
static int conf_code;

static inline struct platform *conf_try(const char *text, const char *const *sets)
{
    struct platform *p = NULL;
    struct err e = {0};
    struct conf_options o = {.project_dir = conf_dir, .sets = sets};
    conf_put("weir.yml", text, strlen(text));
    conf_code = conf_load(&p, &o, &e);
    str_copy(conf_error, sizeof conf_error, e.text);
    return p;
}

#endif
