/*
 * cmd_reconcile.c -- `reconcile`: go on after the ledger was put back from a backup, or lost.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/when.h"
#include "relay/command.h"
#include "relay/files.h"

static const struct option_spec specs[] = {
    {"since", 0, "TIME", "tell anew also what was acknowledged since then: a date, or a span back"},
    {"force", 0, NULL, "also where nothing seems to be lost"},
    COMMAND_OPTION_JSON,
    COMMAND_OPTION_ROOT,
    COMMAND_OPTION_HELP,
    COMMAND_OPTION_END,
};

/* Responses that this ledger does not know would be swept away as unfinished: they are evidence of
 * what was said, and stay. look 1: they are only counted. */
static int keep_unknown(struct relay *r, int look, int64_t *kept, struct gf_err *e) {
    struct ledger_response *known = NULL;
    struct files_list list = {0};
    size_t n = 0;
    int rc = -1;

    if (files_list(r, "outbox", &list, e) == -1 ||
        ledger_open_responses(r->ledger, NULL, &known, &n, e) == -1)
        goto out;
    rc = 0;
    for (size_t i = 0; rc == 0 && i < list.n; i++) {
        char name[GF_DRIVE_NAME];
        int found = 0;
        for (size_t k = 0; k < n && !found; k++) {
            gf_drive_bundle_name(&known[k].id, name);
            found = strcmp(name, list.entries[i].name) == 0;
        }
        if (found)
            continue;
        if (!look)
            rc = files_quarantine(r, "outbox", list.entries[i].name, FILES_UNKNOWN_RESPONSE, e);
        *kept += rc == 0;
    }
out:
    free(list.entries);
    free(known);
    return rc;
}

/* Ledger, its head and the outbox agree: a new stream would only tell everything once more. */
static int tell_nothing(struct relay *r, const struct options *o, struct gf_err *e) {
    char self[COMMAND_SELF];
    struct out t;

    out_begin(&t, o);
    out_bool(&t, "nothing_to_do", 1);
    out_text(&t,
             "nothing to do: relay.db fits audit.head and the outbox; nothing was changed. Where "
             "the whole state was put back from a backup, this cannot be seen here: %s reconcile "
             "--force\n",
             relay_self(r, self));
    return command_end(&t, e);
}

static int tell(struct relay *r, const struct options *o, const struct ledger_reconciled *x,
                int made, int64_t kept, struct gf_err *e) {
    char at[GF_TIME_TEXT], self[COMMAND_SELF];
    struct out t;

    gf_text_time(x->newest, at);
    out_begin(&t, o);
    out_bool(&t, "new_ledger", made);
    command_int(&t, "agents", "agents", x->agents);
    command_int(&t, "told anew", "responses", x->responses);
    command_int(&t, "kept", "kept", kept);
    command_int(&t, "revoked again", "revoked", x->revoked);
    command_int(&t, "tokens withdrawn", "tokens", x->tokens);
    if (x->newest > 0)
        command_time(&t, "known until", "known_until", x->newest);
    else
        command_str(&t, NULL, "known_until", NULL);
    if (made)
        out_text(&t,
                 "The ledger was lost, and this one is new: approve each agent again (%s approve "
                 "FINGERPRINT). What agents have no receipt for comes again with their next "
                 "drive.\n",
                 relay_self(r, self));
    else
        out_text(
            &t,
            "What came after %s is not in this ledger: agents that have no receipt for it carry "
            "it here again.\n",
            x->newest > 0 ? at : "the backup");
    out_text(
        &t,
        "What may be missing: a record that was delivered after that is delivered once more; an "
        "endpoint that honours idempotency keys takes it once. Approvals, declines and releases "
        "that were made after that are forgotten and have to be made again; revocations are not, "
        "they stand in %s/revoked.\n",
        r->state);
    if (made || x->tokens > 0)
        out_text(&t,
                 "No enrolment token of before lets anybody in, for nobody can tell which were "
                 "used: make new ones (%s token).\n",
                 relay_self(r, self));
    if (command_end(&t, e) == -1)
        return -1;
    command_next(r, "sync DRIVE");
    return 0;
}

static int work(struct relay *r, const struct options *o, int *status, struct gf_err *e) {
    struct ledger_reconciled x;
    const char *since = options_value(o, "since");
    int64_t from = INT64_MAX, kept = 0;
    int made = 0;
    char user[65];

    (void)status;
    if (command_args(o, 0, 0, "nothing", e) == -1 ||
        (since != NULL && when_read(since, "since", r->now, -1, &from, e) == -1))
        return -1;
    command_user(user);
    if (relay_open_anyhow(r, &made, e) == -1 || ledger_lock(r->ledger, "reconcile", e) == -1)
        return -1;
    int forced = made || options_count(o, "force") > 0 || options_value(o, "since") != NULL;
    if (!forced && ledger_fits_head(r->ledger, e) == 0) {
        if (keep_unknown(r, 1, &kept, e) == -1)
            return -1;
        if (kept == 0)
            return tell_nothing(r, o, e);
        kept = 0;
    }
    if (files_tidy(r, e) == -1 || keep_unknown(r, 0, &kept, e) == -1 ||
        ledger_reconcile(r->ledger, from, user, r->now, &x, e) == -1)
        return -1;
    return tell(r, o, &x, made, kept, e);
}

int cmd_reconcile(const char *root, int argc, char **argv) {
    static const struct command c = {
        {COMMAND_PROGRAM " reconcile", "[OPTION]...",
         "Go on after relay.db was put back from a backup, or was lost: responses go on in a new "
         "stream, so that no number is given twice, and what no agent has acknowledged is told "
         "anew. Who was revoked is so again, and every open enrolment token is withdrawn. Says "
         "what may be missing. Nothing is removed. Where nothing is lost there is "
         "nothing "
         "to do, unless --force is given.",
         specs, "Examples:\n  gapferry-relay reconcile\n  gapferry-relay reconcile --since 30d\n"},
        COMMAND_PATHS,
        work};
    return command_run(&c, root, argc, argv);
}
