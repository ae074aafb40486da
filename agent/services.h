/*
 * services.h -- which of the site's services are at work: each holds a lock file of the state
 * directory while it runs.
 */
#ifndef AGENT_SERVICES_H
#define AGENT_SERVICES_H

#include "gapferry/err.h"

#define SERVICES_AGENT   "run.lock"     /* gapferry-agent run */
#define SERVICES_LINK    "link.lock"    /* gapferry-link run, or carry */
#define SERVICES_COLLECT "collect.lock" /* gapferry-collect run */

/* 1 if somebody holds this lock now, 0 if not or if that cannot be told. */
int services_is_running(const char *state, const char *lock);

/* Hold it for as long as *fd is open. GF_E_BUSY if somebody else does; GF_E_SYSTEM. */
GF_MUST_CHECK int services_claim(const char *state, const char *lock, int *fd, struct gf_err *e);

#endif
