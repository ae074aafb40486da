/*
 * returns_testing.h -- what the tests of a manager's relay share: the spools of its own agent.
 */
#ifndef RETURNS_TESTING_H
#define RETURNS_TESTING_H

#include "forward_testing.h"

#include "common/grid.h"
#include "common/spool.h"

static char intake[160], returns[160];

/* A relay whose endpoint "e" for channel "c" is its own agent, and more sections. */
static inline void make_manager(void **state, const char *more) {
    char agent[128], text[256];

    assert_int_equal(set_up(state), 0);
    struct site *s = *state;
    (void)snprintf(agent, sizeof agent, "%s/agent", s->path);
    (void)snprintf(intake, sizeof intake, "%s/" GRID_INTAKE, agent);
    (void)snprintf(returns, sizeof returns, "%s/" GRID_RETURNS, agent);
    assert_int_equal(mkdir(agent, 0700), 0);
    assert_int_equal(mkdir(intake, 0700), 0);
    assert_int_equal(mkdir(returns, 0700), 0);
    (void)snprintf(text, sizeof text, "[endpoint \"e\"]\nchannel = c\nprofile = agent\n%s", more);
    s->r.config = endpoint_config(s->path, text);
}

#endif
