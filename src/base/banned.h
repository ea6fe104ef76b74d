/* Functions that invite mistakes are compile errors. Included by the compiler for every
 * file (-include), after the system headers that declare them. */
#ifndef BASE_BANNED_H
#define BASE_BANNED_H
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#pragma GCC poison strcpy strcat strncpy strncat sprintf vsprintf strtok gets
#pragma GCC poison atoi atol atoll atof localtime gmtime ctime asctime mktime
#pragma GCC poison tmpnam tempnam mktemp

#endif
