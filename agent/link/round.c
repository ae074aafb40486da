/*
 * round.c -- what an answer of a relay means for the round.
 */
#include "agent/link/round.h"

#include <stdio.h>

#define PATIENCE 300 /* seconds, where none were named */

void round_trouble(struct round *x, const char *what, const struct https_answer *a) {
    struct carry *r = &x->r;
    char words[256];

    x->over = 1;
    reply_error(a->body.data != NULL ? a->body.data : "", a->body.len, words);
    r->stage = probe_stage(a);
    if (r->stage != NULL) {
        (void)snprintf(r->evidence, sizeof r->evidence, "%.100s: %.256s", what,
                       a->stage == HTTPS_OK ? "a proxy on the way wants credentials" : a->text);
        return;
    }
    (void)snprintf(r->evidence, sizeof r->evidence, "%.100s: status %ld%s%.250s", what, a->status,
                   words[0] != '\0' ? ", " : "", words);
    if (a->status == 429 || a->status >= 500)
        r->hold = a->retry_after_s > 0 ? a->retry_after_s : PATIENCE;
    else if (a->status == 401 || a->status == 403)
        (void)snprintf(
            r->person, sizeof r->person,
            "the relay does not know this agent (status %ld%s%.250s): tell its operator this "
            "agent's fingerprint (gapferry-agent card), for: gapferry-relay approve FINGERPRINT",
            a->status, words[0] != '\0' ? ", " : "", words);
    else
        (void)snprintf(r->person, sizeof r->person,
                       "%.100s: status %ld%s%.250s: is the url of [relay \"%s\"] the relay's?",
                       what, a->status, words[0] != '\0' ? ", " : "", words, x->peer->name);
}
