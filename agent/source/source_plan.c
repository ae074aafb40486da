/*
 * source_plan.c -- when a source is due.
 */
#include "agent/source/source.h"

/* Seconds after the first failure. */
#define RETRY_FIRST 900

/* The most that a plan is early or late, so that not all hosts of a site report at once. */
#define JITTER_MAX 600

static int64_t jitter_max(int64_t interval) {
    return interval / 20 < JITTER_MAX ? interval / 20 : JITTER_MAX;
}

int64_t source_plan_next(int64_t due, int64_t now, int64_t interval, int64_t failures,
                         uint32_t random) {
    int64_t span = interval;

    /* A failure is tried again sooner, more and more patiently. */
    if (failures > 0) {
        span = RETRY_FIRST;
        for (int64_t i = 1; i < failures && span < interval; i++)
            span *= 2;
        if (span > interval)
            span = interval;
        due = now;
    }

    /* In step with the plan; what was missed while the machine slept is made up for once. */
    int64_t next = due + span;
    if (next < now + span / 2 || next > now + span)
        next = now + span;
    int64_t jitter = jitter_max(span);
    return next - jitter + (int64_t)(random % (uint64_t)(2 * jitter + 1));
}

int64_t source_plan_settle(int64_t due, int64_t now, int64_t interval) {
    return due > now + interval + jitter_max(interval) ? now + interval : due;
}
