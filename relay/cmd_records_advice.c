/*
 * cmd_records_advice.c -- whether a record is tried again by itself, and what the operator does.
 */
#include <stdio.h>
#include <string.h>

#include "relay/cmd_records.h"
#include "relay/endpoints/endpoint.h"

/* It waits: when it is tried again, and what may help before that. */
static void of_later(const struct relay *r, const struct ledger_record *x, const char *clause,
                     char out[CMD_RECORDS_ADVICE]) {
    char due[GF_TIME_TEXT];

    gf_text_time(x->due, due);
    (void)snprintf(out, CMD_RECORDS_ADVICE, "it is tried again by itself, %s%s: by run%s%s%s",
                   x->due > r->now ? "from " : "now", x->due > r->now ? due : "",
                   x->asked > r->now ? "" : ", or by the next sync at once",
                   clause != NULL ? "; " : "", clause != NULL ? clause : "");
}

/* It is held. One that may have arrived is decided by itself, and so is one that was never tried;
 * all others of its endpoint wait for the same remedy. */
static void of_held(const struct relay *r, const struct ledger_record *x, const char *clause,
                    char out[CMD_RECORDS_ADVICE]) {
    char self[COMMAND_SELF], which[ENDPOINT_OPTION] = " ";

    if (x->doubt > 0 || x->endpoint == NULL)
        gf_text_uuid(&x->id, which + 1);
    else
        (void)endpoint_option(x->endpoint, which);
    (void)snprintf(out, CMD_RECORDS_ADVICE,
                   "it is not tried again by itself: %s; then: %s records release%s",
                   clause != NULL && x->doubt == 0 ? clause : "do what the reason says",
                   relay_self(r, self), which);
}

int cmd_records_advice(const struct relay *r, const struct ledger_record *x,
                       char out[CMD_RECORDS_ADVICE]) {
    const char *clause = x->reason != NULL ? endpoint_advice_of(x->reason) : NULL;

    if (x->state == LEDGER_LATER)
        of_later(r, x, clause, out);
    else if (x->state == LEDGER_HELD)
        of_held(r, x, clause, out);
    return x->state == LEDGER_LATER || x->state == LEDGER_HELD;
}
