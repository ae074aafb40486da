/*
 * license_judge.c -- what is the case with a licence here and now, and what its vendor wants of
 * that.
 */
#include <string.h>

#include "agent/license/license.h"
#include "gapferry/digest.h"

#define DAY 86400

/* Clocks drift, and a vendor's may be ahead of ours: less than this is no doubt. */
#define CLOCK_SLACK DAY

const char *const license_facts[] = {"none",  "valid",     "expiring", "grace",
                                     "ended", "elsewhere", "clock",    NULL};

int64_t license_matching(const struct license *l, const struct license_factor *machine, size_t n) {
    int64_t matching = 0;

    for (size_t i = 0; i < l->nfactors; i++) {
        for (size_t k = 0; k < n; k++) {
            if (strcmp(l->factors[i].name, machine[k].name) == 0 &&
                gf_digest_equal(l->factors[i].digest.b, machine[k].digest.b,
                                sizeof machine[k].digest.b)) {
                matching++;
                break;
            }
        }
    }
    return matching;
}

/* Which of the facts about time holds at a time that nobody doubts. */
static enum license_fact judge_end(const struct license *l, int64_t now, int64_t *days) {
    if (!l->has_expires)
        return LICENSE_VALID;
    if (now < l->expires) {
        *days = (l->expires - now) / DAY;
        return l->expires - now <= l->warn_days * DAY ? LICENSE_EXPIRING : LICENSE_VALID;
    }
    *days = (now - l->expires) / DAY;
    return now - l->expires < l->grace_days * DAY ? LICENSE_GRACE : LICENSE_ENDED;
}

/* It is at least as late as the floor and the licence's own time. */
static enum license_fact judge_time(const struct license *l, int64_t now, int64_t floor,
                                    int64_t *days) {
    int64_t proven = floor > l->issued ? floor : l->issued;
    int64_t late = now > proven ? now : proven;

    *days = 0;
    enum license_fact fact = judge_end(l, late, days);
    if (now < proven - CLOCK_SLACK && (fact == LICENSE_VALID || fact == LICENSE_EXPIRING)) {
        *days = (proven - now) / DAY;
        return LICENSE_CLOCK;
    }
    return fact;
}

void license_judge(const struct license *l, const struct license_factor *machine, size_t n,
                   int64_t now, int64_t floor, struct license_verdict *out) {
    *out = (struct license_verdict){.fact = LICENSE_NONE};
    if (!l)
        return;
    out->matching = license_matching(l, machine, n);
    out->fact = judge_time(l, now, floor, &out->days);

    /* Where it is counts before when it is: another machine's licence is not renewed here. */
    if (out->matching < l->k) {
        out->fact = LICENSE_ELSEWHERE;
        out->days = 0;
    }
    out->may_run =
        l->then == LICENSE_WARN || (out->fact != LICENSE_ENDED && out->fact != LICENSE_ELSEWHERE);
}

int license_exit(enum license_fact f) {
    switch (f) {
    case LICENSE_NONE:
        return GF_EXIT_LICENSE_NONE;
    case LICENSE_VALID:
    case LICENSE_EXPIRING:
        return GF_EXIT_DONE;
    case LICENSE_GRACE:
        return GF_EXIT_LICENSE_GRACE;
    case LICENSE_ENDED:
        return GF_EXIT_LICENSE_EXPIRED;
    case LICENSE_ELSEWHERE:
        return GF_EXIT_LICENSE_ELSEWHERE;
    case LICENSE_CLOCK:
        return GF_EXIT_LICENSE_CLOCK;
    case LICENSE_FACTS:
        break;
    }
    return GF_EXIT_BUG;
}
