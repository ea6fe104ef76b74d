/* The same tests over the scanner without SSE2. */
#define JSCAN_PORTABLE 1
#include "../../src/base/jscan.c"
#include "test_base_jscan.c"
