/* The command line. In: argv. Out: exit status. Called by main. */
#include "cmd/cmd.h"

#include <stdio.h>

int cmd_main(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    printf("weir %s\n", WEIR_VERSION);
    return 0;
}
