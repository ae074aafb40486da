/*
 * prune.c -- what is settled for long enough is forgotten, a little in every turn.
 */
#include "common/log.h"
#include "common/when.h"
#include "relay/ledger/ledger_operator.h"
#include "relay/relay.h"

/* Steps of one turn: nobody waits long for the lock, and a backlog goes in a few turns. */
#define STEPS 16

void relay_prune(struct relay *r, struct turn *t) {
    struct ledger_pruned sum = {0};
    struct gf_err why;
    int more = 1;

    /* What went by a wrong clock could not be brought back. */
    if (when_is_ahead(r->now, when_built())) {
        char clock[GF_TIME_TEXT], built[GF_TIME_TEXT];
        gf_text_time(r->now, clock);
        gf_text_time(when_built(), built);
        turn_person(t,
                    "this machine's clock says %s, more than ten years after this program was "
                    "built (%s): is it right? Until it is, nothing is removed for its age",
                    clock, built);
        return;
    }
    for (int i = 0; more == 1 && i < STEPS; i++)
        more = ledger_prune(r->ledger, r->now, &sum, &why);
    if (more == -1)
        turn_fault(t, "forgetting what is settled", &why, "nothing is lost: a later turn goes on");
    if (sum.records + sum.bundles + sum.responses > 0)
        log_write(LOG_LEVEL_INFO, "pruned", {"records", NULL, sum.records},
                  {"bundles", NULL, sum.bundles}, {"responses", NULL, sum.responses});
}
