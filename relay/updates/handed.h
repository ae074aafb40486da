/*
 * handed.h -- artifacts that the manager's own agent hands over (common/grid.h), in the place of a
 * vendor's repository. section: an endpoint of profile agent.
 */
#ifndef RELAY_HANDED_H
#define RELAY_HANDED_H

#include "common/update.h"
#include "relay/relay.h"

/* Open an artifact, to be verified by whoever copies it: 1 and *fd, 0 it was not handed over yet.
 */
GF_MUST_CHECK int handed_open(const struct relay *r, const char *section,
                              const struct update_artifact *a, int *fd, struct gf_err *e);
/* It is in our own folder, or is of no use. */
void handed_remove(const struct relay *r, const char *section, const struct update_artifact *a);

#endif
