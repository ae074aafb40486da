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
#include "agent/store/store_updates.h"

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

    const char *channel = config_get(d->a->config, "source", name, "channel");
    struct command_consent consent = {.is = STORE_GRANTED};
    if (store_get_source(d->a->store, name, &state, d->e) == -1 ||
        (channel && command_consent(d->a, channel, &consent, d->e) == -1))
        return -1;
    if (consent.is != STORE_GRANTED) {
        (void)snprintf(remedy, sizeof remedy, "%s consent %s grant, if that is wanted", d->self,
                       channel);
        return doctor_say(d, DOCTOR_NOTE, "source", consent.forced ? "" : remedy,
                          "%s: does not run: consent to channel %s %s", name, channel,
                          consent.is == STORE_DENIED ? "was denied" : "was not given yet");
    }
    (void)snprintf(remedy, sizeof remedy, "%s source run %s", d->self, name);
    gf_text_time(state.good, last);
    if (state.failures > 0)
        return doctor_say(d, DOCTOR_WARN, "source", remedy,
                          "%s: failures in a row: %" PRId64 "; the last: %s", name, state.failures,
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

/* Channels that take nothing more. */
static int examine_room(struct doctor *d, int *full) {
    char remedy[COMMAND_SELF + 160];
    struct agent_room room;
    const char *name;

    for (size_t i = 0; (name = config_name(d->a->config, "channel", i)) != NULL; i++) {
        if (agent_room(d->a, name, &room, d->e) == -1)
            return -1;
        if (room.records > 0 && room.bytes > 0)
            continue;
        *full = 1;
        (void)snprintf(remedy, sizeof remedy,
                       "%s sync DRIVE and a trip make room; or raise max_records or max_bytes",
                       d->self);
        if (doctor_say(d, DOCTOR_WARN, "queue", remedy,
                       "channel %s is full: nothing more is accepted", name) == -1)
            return -1;
    }
    return 0;
}

/* What was refused for good. */
static int examine_rejected(struct doctor *d) {
    struct store_count *counts = NULL;
    char remedy[COMMAND_SELF + 64];
    int64_t rejected = 0;
    size_t n = 0;

    if (store_counts(d->a->store, &counts, &n, d->e) == -1)
        return -1;
    for (size_t i = 0; i < n; i++)
        rejected += counts[i].n[STORE_REJECTED];
    free(counts);
    (void)snprintf(remedy, sizeof remedy, "%s status has the reasons", d->self);
    return rejected == 0
               ? 0
               : doctor_say(d, DOCTOR_NOTE, "rejected", remedy,
                            "records that the vendor or the relay rejected: %" PRId64, rejected);
}

static int count_unusable(void *arg, const struct store_record *r, struct gf_err *e) {
    int64_t *n = arg;

    (void)e;
    *n += r->wants_answer && r->reason;
    return 0;
}

static int count_problem(void *arg, const struct store_problem *p, struct gf_err *e) {
    int64_t *n = arg;

    (void)p, (void)e;
    ++*n;
    return 0;
}

/* What came back and is of no use here: answers, and what they were to bring. */
static int examine_answers(struct doctor *d) {
    int64_t licences = 0, updates = 0, problems = 0;
    char remedy[COMMAND_SELF + 64];

    if (store_walk(d->a->store, STORE_DELIVERED, "license", count_unusable, &licences, d->e) ==
            -1 ||
        store_walk(d->a->store, STORE_DELIVERED, "updates", count_unusable, &updates, d->e) == -1 ||
        store_update_problems(d->a->store, count_problem, &problems, d->e) == -1)
        return -1;
    (void)snprintf(remedy, sizeof remedy, "%s license status has the reasons", d->self);
    if (licences > 0 &&
        doctor_say(d, DOCTOR_NOTE, "answers", remedy,
                   "answers to licence requests that cannot be used: %" PRId64, licences) == -1)
        return -1;
    (void)snprintf(remedy, sizeof remedy, "%s updates list has the reasons", d->self);
    if (updates + problems > 0)
        return doctor_say(d, DOCTOR_NOTE, "updates", remedy,
                          "manifests and artifacts that cannot be used: %" PRId64,
                          updates + problems);
    return 0;
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
    int full = 0;
    if (examine_room(d, &full) == -1 || examine_rejected(d) == -1 || examine_answers(d) == -1)
        return -1;
    if (stuck > 0)
        return doctor_say(d, DOCTOR_WARN, "queue", remedy,
                          "records that the relay refused even alone: %" PRId64, stuck);
    if (lost > 0)
        return doctor_say(
            d, DOCTOR_NOTE, "queue", "",
            "records dropped or thinned by declared policy, counted and told: %" PRId64, lost);
    return full ? 0 : doctor_say(d, DOCTOR_FINE, "queue", "", "it takes more, and nothing is lost");
}
