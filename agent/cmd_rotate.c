/*
 * cmd_rotate.c -- `rotate`: new keys for this agent, which stays the agent it is.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "agent/command.h"
#include "agent/history.h"

static const struct option_spec specs[] = {
    COMMAND_OPTION_JSON,
    COMMAND_OPTION_ROOT,
    COMMAND_OPTION_HELP,
    COMMAND_OPTION_END,
};

static const struct option_page page = {
    COMMAND_PROGRAM " rotate",
    "[OPTION]...",
    "Make new keys for this agent. Its relay takes them for the successor of the old ones, which "
    "have signed the new card, and refuses the old ones from then on. What is under way without a "
    "receipt is bundled anew under the new keys. Somebody else with the old keys could do the "
    "same: "
    "if they were stolen, let the relay's operator revoke this agent, and run init elsewhere.",
    specs,
    "Example:\n  gapferry-agent rotate && gapferry-agent sync DRIVE\n",
};

/* One transaction: from its commit on the new identity is the one that this database belongs to. */
static int decide(struct agent *a, const struct gf_card *next, struct store_resent *again,
                  struct gf_err *e) {
    const struct store_resend all = {.record = NULL};
    char before[GF_FINGERPRINT_TEXT], after[GF_FINGERPRINT_TEXT];
    struct history_line h;

    gf_card_fingerprint(&a->id.card, before);
    gf_card_fingerprint(next, after);
    if (store_begin(a->store, e) == -1)
        return -1;
    int rc = store_resend(a->store, &all, a->now, again, e);
    if (rc == 0)
        rc = store_new_stream(a->store, e);
    if (rc == 0)
        rc = store_put_fact(a->store, "identity", next->identity.b, sizeof next->identity.b, e);
    if (rc == 0) {
        history_begin(&h, a, "rotated");
        history_text(&h, "from", before);
        history_text(&h, "to", after);
        rc = history_end(&h, a, e);
    }
    return store_end(a->store, rc, e);
}

static int rotate(struct agent *a, struct gf_card *next, struct store_resent *again,
                  struct gf_err *e) {
    if (history_check_head(a, e) == -1 || own_keys_next(a->state, &a->id, a->now, next, e) == -1 ||
        decide(a, next, again, e) == -1 || own_keys_switch(a->state, &next->identity, e) == -1)
        return -1;
    gf_identity_free(&a->id);
    if (command_keys(a->state, &a->id, e) == -1 ||
        own_keys_former_load(a->state, &a->former, e) == -1 || agent_publish_cards(a, e) == -1)
        return -1;
    return history_seal(a, e);
}

static int run(struct agent *a, const struct options *o, int *status, struct gf_err *e) {
    char before[GF_FINGERPRINT_TEXT], after[GF_FINGERPRINT_TEXT];
    struct store_resent again = {0};
    struct gf_card next;
    struct out t;

    (void)status;
    if (command_args(o, 0, 0, "nothing", e) == -1 ||
        agent_lock(a, "gapferry-agent rotate", e) == -1)
        return -1;
    gf_card_fingerprint(&a->id.card, before);
    int rc = rotate(a, &next, &again, e);
    store_unlock(a->store);
    if (rc == -1)
        return -1;
    gf_card_fingerprint(&next, after);
    out_begin(&t, o);
    out_str(&t, "fingerprint", after);
    out_str(&t, "replaces", before);
    out_int(&t, "records_again", again.records);
    out_int(&t, "bundles_withdrawn", again.bundles);
    out_text(&t, "fingerprint  %s\nreplaces     %s\n", after, before);
    if (again.records > 0)
        out_text(&t,
                 "again        %" PRId64
                 " record%s without receipt, bundled anew by the next sync\n",
                 again.records, again.records == 1 ? "" : "s");
    if (out_end(&t, e) == -1)
        return -1;
    command_next(a, "sync DRIVE");
    return 0;
}

int cmd_rotate(const char *root, int argc, char **argv) {
    return command_run_agent(&page, root, argc, argv, run);
}
