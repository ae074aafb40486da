/*
 * cmd_approve.c -- `approve FINGERPRINT`: let an agent in, also ahead of the first contact.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

#include "gapferry/file.h"

#include "relay/agents.h"
#include "relay/command.h"
#include "relay/enrol.h"

static const struct option_spec specs[] = {
    {"card", 0, "FILE",
     "the agent's card, from somewhere else than a drive, so that it is enrolled at once"},
    {"withdraw", 0, NULL, "take back an approval whose agent has not come yet"},
    COMMAND_OPTION_JSON,
    COMMAND_OPTION_ROOT,
    COMMAND_OPTION_HELP,
    COMMAND_OPTION_END,
};

/* 1 and the card if it is enrolled by now. */
static int find(struct relay *r, const char *fingerprint, struct gf_card *out, struct gf_err *e) {
    struct gf_card *agents = NULL;
    size_t n = 0;
    int found = 0;

    if (ledger_agents(r->ledger, &agents, &n, e) == -1)
        return -1;
    for (size_t i = 0; i < n && !found; i++) {
        found = gf_card_fingerprint_is(&agents[i], fingerprint);
        if (found)
            *out = agents[i];
    }
    free(agents);
    return found;
}

/* It is remembered also where it proves nothing, since its approval follows. */
static int show_to_ledger(struct relay *r, const struct gf_card *c, const struct gf_buf *text,
                          struct gf_err *e) {
    struct gf_err why;

    int rc = enrol_card(r, c, text->data, text->len, 1, r->now, &why, e);
    if (rc == 0 && why.code == GF_E_SENDER)
        *e = why;
    return rc == -1 || (rc == 0 && why.code == GF_E_SENDER) ? -1 : 0;
}

/* A card that came by another way than a drive; the fingerprint says whether it is the right one.
 */
static int show_card(struct relay *r, const char *path, const char *fingerprint, struct gf_err *e) {
    struct gf_card card;
    struct gf_buf b;
    int rc = -1;

    if (COMMAND_REACH(gf_file_load(AT_FDCWD, path, GF_CARD_FILE_MAX, &b, e)) == -1)
        return -1;
    if (gf_card_parse(b.data != NULL ? b.data : "", b.len, path, &card, e) == -1)
        goto out;
    if (card.role != GF_ROLE_AGENT)
        (void)gf_err_set(e, GF_E_CARD, "%s: is the card of a %s, not of an agent", path,
                         gf_card_roles[card.role]);
    else if (!gf_card_fingerprint_is(&card, fingerprint))
        (void)gf_err_set(e, GF_E_USAGE,
                         "%s: has another fingerprint than the one given; nothing was approved",
                         path);
    else
        rc = show_to_ledger(r, &card, &b, e);
out:
    gf_buf_free(&b);
    return rc;
}

static int withdraw(struct relay *r, const struct options *o, const char *fingerprint,
                    struct gf_err *e) {
    char user[65];
    struct out t;

    command_user(user);
    int was = ledger_unapprove(r->ledger, fingerprint, user, r->now, e);
    if (was == -1)
        return -1;
    if (was == 0)
        return gf_err_set(e, GF_E_NOINPUT, "%s: was not approved", fingerprint);
    out_begin(&t, o);
    command_str(&t, "withdrawn", "withdrawn", fingerprint);
    return command_end(&t, e);
}

static int work(struct relay *r, const struct options *o, int *status, struct gf_err *e) {
    char fingerprint[128];
    char user[65];
    struct gf_card card;
    struct out t;

    (void)status;
    if (agents_typed(o, 0, fingerprint, e) == -1)
        return -1;
    if (options_count(o, "withdraw") > 0)
        return withdraw(r, o, fingerprint, e);
    command_user(user);
    if (gf_card_fingerprint_is(&r->id.card, fingerprint))
        return gf_err_set(e, GF_E_USAGE,
                          "this is the relay's own fingerprint; approve that of the site, which "
                          "gapferry-agent card shows");
    if (options_value(o, "card") != NULL &&
        show_card(r, options_value(o, "card"), fingerprint, e) == -1)
        return -1;
    if (ledger_approve(r->ledger, fingerprint, user, r->now, e) == -1)
        return -1;
    int enrolled = find(r, fingerprint, &card, e);
    if (enrolled == -1)
        return -1;
    out_begin(&t, o);
    command_str(&t, NULL, "approved", fingerprint);
    if (enrolled)
        command_card(&t, "enrolled", "enrolled", &card);
    else
        out_text(&t,
                 "approved     %s: its card has not been seen yet; it is enrolled when its drive "
                 "comes, or with its next visit by HTTPS\n",
                 fingerprint);
    /* Whoever has brought its bundles may be waiting for what becomes of them. */
    int running = ledger_wake(r->ledger, LEDGER_RUNNING);
    if (enrolled && running)
        out_text(&t, "             what waits of it is taken in by `run` now\n");
    if (command_end(&t, e) == -1)
        return -1;
    if (!running)
        command_next(r, "sync DRIVE");
    return 0;
}

int cmd_approve(const char *root, int argc, char **argv) {
    static const struct command c = {
        {COMMAND_PROGRAM " approve", "[OPTION]... FINGERPRINT",
         "Let an agent in. Compare the fingerprint with the site first, over a channel that nobody "
         "else can change. Its bundles that wait are taken in by the next sync, or by `run` at "
         "once. It may come before "
         "the first contact. Of two successors of one key the one that is approved takes the place "
         "of "
         "both.",
         specs, "Example:\n  gapferry-relay approve ABCD-EFGH-IJKL-MNOP-QRST\n"},
        COMMAND_OPEN,
        work};
    return command_run(&c, root, argc, argv);
}
