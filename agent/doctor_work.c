/*
 * doctor_work.c -- what the agent is there for: do licences hold, do sources run, does the queue
 * move.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/doctor_parts.h"
#include "agent/license/installed.h"
#include "agent/store/store_local.h"

static int examine_license(struct doctor *d, const struct installed *l) {
    char words[INSTALLED_WORDS], remedy[COMMAND_SELF + GF_WORD_MAX + 64];
    enum doctor_level level = DOCTOR_FINE;

    installed_words(l, words);
    if (!l->valid || !l->verdict.may_run)
        level = DOCTOR_BAD;
    else if (l->verdict.fact != LICENSE_VALID)
        level = DOCTOR_WARN;
    (void)snprintf(remedy, sizeof remedy, "%s license renew --product %s", d->self, l->product);
    return doctor_say(d, level, "licence", level == DOCTOR_FINE ? "" : remedy, "%s: %s", l->product,
                      words);
}

int doctor_licenses(struct doctor *d) {
    struct installed *list = NULL;
    size_t n = 0;

    if (installed_all(d->a, &list, &n, d->e) == -1)
        return -1;
    int rc = n > 0 ? 0 : doctor_say(d, DOCTOR_NOTE, "licence", "", "none is installed");
    for (size_t i = 0; rc == 0 && i < n; i++)
        rc = examine_license(d, &list[i]);
    free(list);
    return rc;
}

static int examine_source(struct doctor *d, const char *name) {
    char remedy[COMMAND_SELF + 128], last[GF_TIME_TEXT];
    struct store_source state;

    if (store_get_source(d->a->store, name, &state, d->e) == -1)
        return -1;
    (void)snprintf(remedy, sizeof remedy, "%s source run %s", d->self, name);
    gf_text_time(state.good, last);
    if (state.failures > 0)
        return doctor_say(d, DOCTOR_WARN, "source", remedy,
                          "%s: failed %" PRId64 " times in a row: %s", name, state.failures,
                          state.reason);
    if (state.good == 0)
        return doctor_say(d, DOCTOR_NOTE, "source", remedy,
                          "%s: has not run yet: is gapferry-agent "
                          "run at work?",
                          name);
    return doctor_say(d, DOCTOR_FINE, "source", "", "%s: last ran at %s", name, last);
}

int doctor_sources(struct doctor *d) {
    const char *name;
    int rc = 0;

    for (size_t i = 0; rc == 0 && (name = config_name(d->a->config, "source", i)) != NULL; i++)
        rc = examine_source(d, name);
    return rc;
}

int doctor_queue(struct doctor *d) {
    struct store_loss *losses = NULL;
    char remedy[2 * COMMAND_SELF + 64];
    int64_t stuck = 0, lost = 0;
    size_t n = 0;

    if (store_stuck(d->a->store, &stuck, d->e) == -1 ||
        store_losses(d->a->store, 0, &losses, &n, d->e) == -1)
        return -1;
    for (size_t i = 0; i < n; i++)
        lost += losses[i].records;
    free(losses);
    (void)snprintf(remedy, sizeof remedy, "%s preview shows them; %s resend ID", d->self, d->self);
    if (stuck > 0)
        return doctor_say(d, DOCTOR_WARN, "queue", remedy,
                          "%" PRId64 " records were refused by the relay even alone", stuck);
    if (lost > 0)
        return doctor_say(d, DOCTOR_NOTE, "queue", "",
                          "%" PRId64 " records were dropped by declared policy, counted and told",
                          lost);
    return doctor_say(d, DOCTOR_FINE, "queue", "", "nothing was lost or refused");
}
