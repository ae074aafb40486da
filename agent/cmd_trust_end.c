/*
 * cmd_trust_end.c -- `trust --end FINGERPRINT`: a card that counts no more here.
 */
#include <stdlib.h>
#include <string.h>

#include "agent/cmd_trust.h"
#include "agent/history.h"
#include "agent/store/store_relays.h"
#include "common/log.h"

/* The card of this fingerprint that is trusted, or one of two successors: 1, 0. */
static int find(struct agent *a, const char *typed, struct gf_card *out, struct gf_err *e) {
    struct store_relay *relays = NULL;
    struct gf_card *readers = NULL;
    size_t nrelays = 0, nreaders = 0;
    int found = -1;

    if (store_relays(a->store, &relays, &nrelays, e) == 0 &&
        store_cards(a->store, GF_ROLE_READER, &readers, &nreaders, e) == 0) {
        found = 0;
        for (size_t i = 0; i < nrelays && !found; i++) {
            const struct store_relay *r = &relays[i];
            found = (r->standing == STORE_TRUSTED || r->standing == STORE_FORKED) &&
                    gf_card_fingerprint_is(&r->card, typed);
            if (found)
                *out = r->card;
        }
        for (size_t i = 0; i < nreaders && !found; i++) {
            found = gf_card_fingerprint_is(&readers[i], typed);
            if (found)
                *out = readers[i];
        }
    }
    free(relays);
    free(readers);
    return found;
}

static int end(struct agent *a, const struct gf_card *c, struct gf_err *e) {
    char fingerprint[GF_FINGERPRINT_TEXT];
    struct history_line h;

    gf_card_fingerprint(c, fingerprint);
    if (store_begin(a->store, e) == -1)
        return -1;
    int rc = store_stand(a->store, &c->identity, STORE_ENDED, a->now, e) == -1 ? -1 : 0;
    if (rc == 0) {
        history_begin(&h, a, "trust-ended");
        history_text(&h, "role", gf_card_roles[c->role]);
        history_text(&h, "fingerprint", fingerprint);
        rc = history_end(&h, a, e);
    }
    if (store_end(a->store, rc, e) == -1)
        return -1;
    log_write(LOG_LEVEL_NOTICE, "trust-ended", {"fingerprint", fingerprint, 0});
    return agent_publish_cards(a, e) == -1 ? -1 : history_seal(a, e);
}

int cmd_trust_end(struct agent *a, const struct options *o, struct gf_err *e) {
    const char *typed = options_value(o, "end");
    char self[COMMAND_SELF];
    struct gf_card c;
    struct out t;

    int found = find(a, typed, &c, e);
    if (found == 0)
        return gf_err_set(e, GF_E_NOINPUT,
                          "--end %.64s: no card of this fingerprint is trusted here; %s trust "
                          "--list shows those that are",
                          typed, command_self(a, self));
    if (found == -1 || end(a, &c, e) == -1)
        return -1;
    out_begin(&t, o);
    command_card(&t, "card", &c);
    out_text(&t, "\nis not trusted any more: what it signs is refused.");
    if (c.role == GF_ROLE_RELAY)
        out_text(&t,
                 " What has left for it and has no receipt goes to another relay by: %s resend "
                 "--to RELAY",
                 command_self(a, self));
    out_text(&t, "\n");
    return out_end(&t, e);
}
