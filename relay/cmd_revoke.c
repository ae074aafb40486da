/*
 * cmd_revoke.c -- `revoke FINGERPRINT`: an agent's lineage ends here.
 */
#include <stdio.h>

#include "relay/agents.h"
#include "relay/command.h"

static const struct option_spec specs[] = {
    {"reason", 'r', "TEXT", "why; the site is told it by HTTPS, and it stands in the lists here"},
    COMMAND_OPTION_JSON,
    COMMAND_OPTION_ROOT,
    COMMAND_OPTION_HELP,
    COMMAND_OPTION_END,
};

static int work(struct relay *r, const struct options *o, int *status, struct gf_err *e) {
    char fingerprint[128], user[65];
    struct out t;

    (void)status;
    if (agents_typed(o, 0, fingerprint, e) == -1)
        return -1;
    command_user(user);
    /* No turn may write a response meanwhile to one who is not to get any. */
    if (ledger_lock(r->ledger, "revoke", e) == -1)
        return -1;
    int rc = ledger_revoke(r->ledger, fingerprint, options_value(o, "reason"), user, r->now, e);
    if (rc == 0)
        rc = ledger_seal(r->ledger, e);
    ledger_unlock(r->ledger);
    if (rc == -1)
        return -1;
    out_begin(&t, o);
    command_str(&t, "revoked", "revoked", fingerprint);
    out_text(&t,
             "What it sends is refused from now on, and no response is carried to it. This is for "
             "good: the site needs a new agent (gapferry-agent init), and its approval.\n");
    return command_end(&t, e);
}

int cmd_revoke(const char *root, int argc, char **argv) {
    static const struct command c = {
        {COMMAND_PROGRAM " revoke", "[OPTION]... FINGERPRINT",
         "End an agent's lineage, for good: its bundles are refused, also those of a successor of "
         "its key, and responses are not carried to it any more. What was taken from it before is "
         "delivered still.",
         specs,
         "Example:\n  gapferry-relay revoke --reason 'host was stolen' ABCD-EFGH-IJKL-MNOP-QRST\n"},
        COMMAND_OPEN,
        work};
    return command_run(&c, root, argc, argv);
}
