/*
 * cmd_respond.c -- `respond [DIR]`: the part of a turn that writes responses.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "relay/files.h"
#include "relay/summary.h"

static const struct option_spec specs[] = {
    COMMAND_OPTION_JSON,
    COMMAND_OPTION_ROOT,
    COMMAND_OPTION_HELP,
    COMMAND_OPTION_END,
};

static int respond(struct relay *r, const char *dir, struct turn *t, struct gf_err *e) {
    struct gf_drive *d = NULL;

    if (ledger_lock(r->ledger, "respond", e) == -1)
        return -1;
    int rc = dir != NULL ? COMMAND_REACH(gf_drive_open(dir, 1, &d, e)) : 0;
    if (rc == 0)
        rc = files_tidy(r, e);
    if (rc == 0)
        relay_returns(r, t);
    if (rc == 0)
        rc = relay_respond(r, t, e);
    if (rc == 0)
        rc = ledger_seal(r->ledger, e);
    if (rc == 0 && d != NULL)
        rc = relay_carry(r, d, t, e);
    gf_drive_close(d);
    ledger_unlock(r->ledger);
    return rc;
}

static int count_open(const struct relay *r, size_t *n, struct gf_err *e) {
    struct ledger_response *list = NULL;

    int rc = ledger_open_responses(r->ledger, NULL, &list, n, e);
    free(list);
    return rc;
}

static int work(struct relay *r, const struct options *o, int *status, struct gf_err *e) {
    const char *dir = options_arg(o, 0);
    size_t waiting = 0;
    struct turn t;
    struct out out;

    if (command_args(o, 0, 1, "DIR, where the drive is mounted, or nothing", e) == -1)
        return -1;
    turn_begin(&t);
    int rc = respond(r, dir, &t, e);
    if (rc == 0)
        rc = count_open(r, &waiting, e);
    if (rc == 0) {
        *status = (int)turn_exit(&t);
        out_begin(&out, o);
        out_text(&out, "%-13s%" PRId64 " response%s with %" PRId64 " receipt%s\n", "written",
                 t.responses, t.responses == 1 ? "" : "s", t.receipts, t.receipts == 1 ? "" : "s");
        if (dir != NULL)
            summary_went_out(&out, &t);
        out_text(&out, "%-13s%zu not acknowledged yet, in %s/outbox\n", "responses", waiting,
                 r->state);
        out_int(&out, "responses", (int64_t)waiting);
        summary_numbers(&out, &t);
        summary_people(&out, &t);
        if (dir != NULL)
            out_text(&out, "%s\n",
                     t.unsafe ? "NOT safe to remove: not all could be flushed to the drive; run "
                                "this again"
                              : "safe to remove");
        rc = command_end(&out, e);
    }
    turn_free(&t);
    return rc;
}

int cmd_respond(const char *root, int argc, char **argv) {
    static const struct command c = {
        {COMMAND_PROGRAM " respond", "[OPTION]... [DIR]",
         "Write responses of what is news to each agent, into the outbox; with DIR also every "
         "response that is not acknowledged to the drive there, and this relay's card. Nothing "
         "is taken in from it.",
         specs, "Example:\n  gapferry-relay respond /media/usb\n"},
        COMMAND_OPEN,
        work};
    return command_run(&c, root, argc, argv);
}
