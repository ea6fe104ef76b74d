/* The warehouse contract on the SQLite member. */
#include "live/warehouse/contract.h"

#include <ftw.h>
#include <unistd.h>

static char dir[64];

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *f)
{
    (void)st, (void)flag, (void)f;
    return remove(path);
}

static void clean_member(void)
{
    if (*dir)
        nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    *dir = '\0';
}

static struct wh *open_member(void)
{
    static const char *const schemas[] = {"bronze", "silver", "gold", NULL};
    struct err e = {0};
    struct wh *w;
    str_copy(dir, sizeof dir, "/tmp/weir-contract-XXXXXX");
    assert_non_null(mkdtemp(dir));
    must(wh_open(&w,
                 &(struct wh_options){.kind = "sqlite",
                                      .dir = dir,
                                      .schemas = schemas,
                                      .dialect = "snowflake",
                                      .now_ms = NOW_MS},
                 &e),
         &e);
    return w;
}

int main(void)
{
    return contract_run();
}
