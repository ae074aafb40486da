/*
 * cmd_run.c -- `run`: the daemon.
 */
#include "relay/command.h"
#include "relay/run.h"

static const struct option_spec specs[] = {
    COMMAND_OPTION_ROOT,
    COMMAND_OPTION_HELP,
    COMMAND_OPTION_END,
};

static int work(void *context, const struct options *o, int *status, struct gf_err *e) {
    const char *const *root = context;
    struct relay r;

    (void)status;
    if (command_args(o, 0, 0, "no arguments", e) == -1 || relay_open(&r, *root, e) == -1)
        return -1;
    int rc = command_reach_drop() == 0 ? run_daemon(&r, *root, e)
                                       : gf_err_errno(e, "cannot give up rights");
    relay_close(&r);
    return rc;
}

int cmd_run(const char *root, int argc, char **argv) {
    static const struct option_page page = {
        COMMAND_PROGRAM " run", "[OPTION]...",
        "Stay, take bundles in by HTTP where [listen] in relay.conf says, forward records when "
        "they are due, and keep responses for whoever sent them. SIGTERM ends it, SIGHUP lets it "
        "look through everything at once. `sync DIR` for drives works meanwhile.",
        specs, "Example:\n  gapferry-relay run\n"};
    return command_do(COMMAND_PROGRAM, &page, argc, argv, work, &root);
}
