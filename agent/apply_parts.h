/*
 * apply_parts.h -- what apply.c (verifying) and apply_items.c (taking effect) share.
 */
#ifndef AGENT_APPLY_PARTS_H
#define AGENT_APPLY_PARTS_H

#include "agent/agent.h"

/* A response that is verified and laid out. */
struct response {
    struct agent *a;
    const struct gf_head *head;
    const struct gf_contents *contents;
    int dir; /* with its members */
};

/* All items of a response, in one transaction with the note that it was applied. */
GF_MUST_CHECK int agent_apply_items(const struct response *r, struct apply_result *out,
                                    struct gf_err *e);

#endif
