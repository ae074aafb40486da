/*
 * thin_steps.h -- `[channel "NAME"] thin`: to how many points metrics are thinned at the cap, in
 * one step or in several, each coarser than the one before: "15m", "5m 1h".
 */
#ifndef AGENT_THIN_STEPS_H
#define AGENT_THIN_STEPS_H

#include <stddef.h>
#include <stdint.h>

#include "gapferry/err.h"

#define THIN_STEPS_MAX   4
#define THIN_STEPS_SPAN  (30 * 86400) /* seconds of a step at most */
#define THIN_STEPS_WORDS 24           /* bytes of a step in words, with the NUL */

struct thin_steps {
    int64_t every[THIN_STEPS_MAX]; /* seconds, rising */
    size_t n;
};

/* NULL, and *out; or the rule that the value breaks. */
const char *thin_steps_read(const char *value, struct thin_steps *out);

/* A step as people write it: "15m"; and as the policy of a loss (store_loss): "thin-15m". */
void thin_steps_words(int64_t every, char out[THIN_STEPS_WORDS]);
void thin_steps_policy(int64_t every, char out[THIN_STEPS_WORDS]);
/* 1 if a policy is one of those. */
int thin_steps_is_policy(const char *policy);

#endif
