/*
 * config_warn.h -- what is no mistake in agent.conf by itself, and shows only beside what the store
 * knows: a section that nothing uses, a source that cannot run, bundles that nobody here can open,
 * spools that are not shared, metrics that nobody takes.
 */
#ifndef AGENT_CONFIG_WARN_H
#define AGENT_CONFIG_WARN_H

#include "agent/agent.h"

/* One of them, in words for people, which live until fn returns. 0, or -1 with *e to stop. */
typedef int config_warn_tell(void *arg, const char *about, const char *text, const char *remedy,
                             struct gf_err *e);

#define CONFIG_WARN_GRID "grid" /* nothing passes this manager until that is mended */

/* fn for each: about is a static word, remedy what can be done. */
GF_MUST_CHECK int config_warn(struct agent *a, config_warn_tell *fn, void *arg, struct gf_err *e);

#endif
