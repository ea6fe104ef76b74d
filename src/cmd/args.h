/* Parsing of a command line against the rows of options, inside the room cmd. */
#ifndef CMD_ARGS_H
#define CMD_ARGS_H

#include "base/vec.h"
#include "cmd/cmd.h"

struct arg_value {
    const struct cmd_opt *opt;
    const char *text; /* of flags: "", or "0" for their --no- form */
};

struct args {
    const struct cmd *cmd; /* NULL: none given */
    VEC(struct arg_value) values;
    VEC(char *) operands;
    VEC(const char **) lists; /* made by opt_list, freed with the rest */
    VEC(char *) texts;        /* of values from elsewhere, freed with the rest */
    int argc;                 /* as given to args_parse */
    char **argv;
};

/* argv behind the program's name. ERR_USAGE with the nearest name. */
int args_parse(struct args *a, int argc, char **argv, struct err *e);
void args_release(struct args *a);
/* Last value of a flag or option, global ones too; NULL when absent ("" for flags). */
const char *args_get(const struct args *a, const char *name);

#endif
