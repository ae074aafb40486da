/*
 * plan.h -- what an export has to do: which channels may leave, for which relays, and what
 * their bundles say beside records.
 */
#ifndef AGENT_PLAN_H
#define AGENT_PLAN_H

#include "agent/agent.h"

/* A relay that records may go to. */
struct plan_target {
    struct gf_card card;
};

/* A channel that may leave, and where to; consent and configuration decide anew each time. */
struct plan_channel {
    char name[GF_WORD_MAX + 1];
    int has_relay;
    struct gf_hash relay; /* for records that belong to none yet */
};

struct plan {
    struct agent *a;
    struct plan_channel *channels;
    size_t nchannels;
    struct plan_target *targets;
    size_t ntargets;
    int no_relay; /* 1: something may leave, and no relay is trusted that it could go to */
};

GF_MUST_CHECK int plan_make(struct agent *a, struct plan *out, struct gf_err *e);
void plan_free(struct plan *p);

/* GF_E_EXPIRED if the target's card has ended and there is something for it. */
GF_MUST_CHECK int plan_check(const struct plan *p, const struct plan_target *t, struct gf_err *e);

/* 1 if what is queued may leave, to this target. */
int plan_is_for(const struct plan *p, const struct plan_target *t, const struct store_stretch *x);

/* What the next bundle to a target states: what we have of it, and what was lost. Zeroed: nothing.
 */
struct plan_saying {
    struct gf_have *have;
    size_t nhave;
    struct gf_want *want; /* artifacts of updates that are missed */
    size_t nwant;
    struct gf_id *losses;
    size_t nlosses;
    struct gf_buf ext; /* contents.json's `ext`, where there are losses */
};
GF_MUST_CHECK int plan_say(const struct plan *p, const struct plan_target *t,
                           struct plan_saying *out, struct gf_err *e);
void plan_saying_free(struct plan_saying *s);

/* Before an export: drop and forget what is older than retention allows (unless the clock is in
 * doubt, when_is_ahead()), and take bundles that
 * nobody has answered for `resend_after` out of circulation, so that what they hold is bundled
 * anew. */
GF_MUST_CHECK int plan_keep_house(struct agent *a, struct export_result *r, struct gf_err *e);

#endif
