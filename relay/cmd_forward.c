/*
 * cmd_forward.c -- `forward`: the part of a turn that sends records to their endpoints.
 */
#include "relay/awaits.h"
#include "relay/summary.h"

static const struct option_spec specs[] = {
    {"wait", 'w', "SPAN", "how long to forward, then to fetch, at most: 90s, 5m; else 60s"},
    COMMAND_OPTION_JSON,
    COMMAND_OPTION_ROOT,
    COMMAND_OPTION_HELP,
    COMMAND_OPTION_END,
};

static int work(struct relay *r, const struct options *o, int *status, struct gf_err *e) {
    int64_t wait_s = 0;
    struct awaits a = {0};
    struct turn t;
    struct out out;

    if (command_args(o, 0, 0, "nothing", e) == -1 ||
        summary_wait(options_value(o, "wait"), &wait_s, e) == -1)
        return -1;

    /* Somebody stands here: what waits is tried now. */
    turn_begin(&t);
    t.by_hand = 1;
    int rc = ledger_retry(r->ledger, r->now, e);
    if (rc == 0)
        rc = relay_forward(r, wait_s, &t, e);
    if (rc == 0)
        rc = awaits_tell(r, &t, &a, e);
    if (rc == 0) {
        *status = (int)turn_exit(&t);
        out_begin(&out, o);
        summary_forwarded(&out, &t);
        summary_numbers(&out, &t);
        awaits_put(&out, r, &a);
        summary_waits(&out, &t);
        summary_people(&out, &t);
        rc = command_end(&out, e);
    }
    if (rc == 0 && t.delivered + t.rejected + t.expired > 0)
        command_next(r, "respond");
    awaits_free(&a);
    turn_free(&t);
    return rc;
}

int cmd_forward(const char *root, int argc, char **argv) {
    static const struct command c = {
        {COMMAND_PROGRAM " forward", "[OPTION]...",
         "Send what is due to its endpoint, also what waits for another try, and fetch artifacts "
         "of updates: the part of sync between taking in and responding.",
         specs, "Example:\n  gapferry-relay forward --wait 5m\n"},
        COMMAND_OPEN,
        work};
    return command_run(&c, root, argc, argv);
}
