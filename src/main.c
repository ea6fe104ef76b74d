/* The executable: everything is in the command table. */
#include <stdio.h>

#include "cmd/cmd.h"

int main(int argc, char **argv)
{
    return cmd_main(argc, argv);
}
