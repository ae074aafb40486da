/*
 * endpoint_breaker.c -- which endpoints, and whose records, need not be tried again in this turn.
 */
#include "relay/endpoints/endpoint_breaker.h"

#include <stdio.h>
#include <string.h>

static size_t count(const struct endpoint_breaker *b) {
    return b->begun < ENDPOINT_BREAKER_SENDERS ? b->begun : ENDPOINT_BREAKER_SENDERS;
}

/* Where this sender's failures are; `count(b)` if it has none. */
static size_t find(const struct endpoint_breaker *b, const struct gf_id *agent) {
    size_t i = 0;

    while (i < count(b) && memcmp(&b->senders[i].agent, agent, sizeof *agent) != 0)
        i++;
    return i;
}

static void note_well(struct endpoint_breaker *b, const struct gf_id *agent) {
    size_t at = find(b, agent);

    if (at < count(b))
        b->senders[at].row = 0;
    for (size_t i = 0; i < count(b); i++)
        b->senders[i].counted = 0;
    b->row = 0;
}

static struct endpoint_sender *get(struct endpoint_breaker *b, const struct gf_id *agent) {
    size_t at = find(b, agent);

    if (at == count(b)) {
        at = b->begun++ % ENDPOINT_BREAKER_SENDERS;
        b->senders[at] = (struct endpoint_sender){.agent = *agent};
    }
    return &b->senders[at];
}

static void note_failure(struct endpoint_breaker *b, const struct gf_id *agent, int64_t due) {
    struct endpoint_sender *s = get(b, agent);

    s->row++;
    s->due = due;
    b->row += !s->counted;
    s->counted = 1;
}

void endpoint_breaker_note(struct endpoint_breaker *b, const struct gf_id *agent,
                           const struct endpoint_result *r, int64_t due, int64_t asked) {
    if (r->verdict == ENDPOINT_DELIVERED || r->verdict == ENDPOINT_REJECTED ||
        r->verdict == ENDPOINT_ONWARD) {
        note_well(b, agent);
        return;
    }
    if (r->alone)
        return;
    note_failure(b, agent, due);
    b->due = due;
    b->asked = asked;
    int unreached = r->answer.stage != HTTPS_OK && !r->answer.sent;
    int wants_time = r->verdict == ENDPOINT_LATER && r->retry_after_s >= 0 &&
                     (r->status == 429 || r->status == 503);
    if (unreached)
        (void)snprintf(b->why, sizeof b->why, "was not reached: %s", https_stages[r->answer.stage]);
    else if (wants_time)
        (void)snprintf(b->why, sizeof b->why, "asks for time: HTTP %lld", (long long)r->status);
    else if (b->row >= ENDPOINT_BREAKER_ROW && !b->open)
        (void)snprintf(b->why, sizeof b->why, "failed for %d senders in a row",
                       ENDPOINT_BREAKER_ROW);
    else
        return;
    b->open = 1;
}

void endpoint_breaker_many(struct endpoint_breaker *b, const struct gf_id *agent, int64_t behind) {
    struct endpoint_sender *s = get(b, agent);

    s->many++;
    s->behind = behind;
}

void endpoint_breaker_over(struct endpoint_breaker *b, const struct gf_id *agent) {
    size_t at = find(b, agent);

    if (at < count(b) && b->senders[at].many > 0)
        b->senders[at].many--;
}

int endpoint_breaker_rests(const struct endpoint_breaker *b, const struct gf_id *agent,
                           struct endpoint_rest *out) {
    struct endpoint_rest rest = {.due = b->due, .asked = b->asked};

    if (b->open) {
        (void)snprintf(rest.why, sizeof rest.why, "%s", b->why);
    } else {
        size_t at = find(b, agent);
        const struct endpoint_sender *s = at < count(b) ? &b->senders[at] : NULL;
        rest.asked = 0;
        if (s != NULL && s->row >= ENDPOINT_BREAKER_ROW) {
            rest.due = s->due;
            (void)snprintf(rest.why, sizeof rest.why,
                           "failed for %d records of this sender in a row", ENDPOINT_BREAKER_ROW);
        } else if (s != NULL && b->share > 0 && s->many >= b->share) {
            rest.due = s->behind;
            (void)snprintf(rest.why, sizeof rest.why,
                           "is at work on records of this sender that take many requests");
        } else {
            return 0;
        }
    }
    if (out != NULL)
        *out = rest;
    return 1;
}
