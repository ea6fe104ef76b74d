/* weir down: end the platform that runs here. */
#include "base/json.h"
#include "cmd/client.h"
#include "cmd/wait.h"

static int run(const struct cmd_args *a, struct err *e)
{
    struct client_conn c;
    struct err why = {0};
    int rc = client_open(&c, a->platform, &why);
    if (rc < 0) {
        client_close(&c);
        return rc == ERR_UNAVAILABLE
                   ? err_set(e, ERR_NOTHING, "no platform is running on %s",
                             a->platform->state_dir)
                   : err_set(e, rc, "%s", why.text);
    }
    json_t *args = json_object();
    json_put_flag(args, "now", opt_flag(a, "now"));
    rc = client_ask(&c, "down", args, NULL, e);
    client_close(&c);
    if (rc < 0)
        return rc;
    rc = wait_until_down(a->platform, opt_int(a, "timeout", -1), e);
    if (rc == 0 && !a->is_quiet)
        printf("down\n");
    return rc;
}

static const struct cmd_opt opts[] = {
    {"now", 0, OPT_FLAG, NULL, "Do not drain: stop at the next epoch; nothing is lost.",
     NULL},
    {"timeout", 0, OPT_DURATION, "DURATION",
     "Give up waiting after this long (exit 4).", NULL},
    {0},
};

const struct cmd cmd_down = {
    .name = "down",
    .summary = "Drain and stop the platform that runs here.",
    .operands = "",
    .doc = "Sources stop first, then the streams read what is there, the loads write "
           "it, the "
           "alerts leave; then everything stops in reverse order. Returns when it is "
           "down. "
           "Exit 3 when none is running.",
    .flags = CMD_MUTATES,
    .opts = opts,
    .run = run,
};
