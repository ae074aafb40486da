/*
 * config_check.h -- whether the values of agent.conf are ones that the programs can go by: each key
 * of agent_keys[] that is more than free text has its rule in one table here.
 */
#ifndef AGENT_CONFIG_CHECK_H
#define AGENT_CONFIG_CHECK_H

#include "agent/agent.h"

/* The values of [agent] and [channel], which the agent itself obeys. GF_E_CONFIG names file, line,
 * key and rule. */
GF_MUST_CHECK int config_check_values(const struct config *c, struct gf_err *e);

/* Everything: also [relay], which gapferry-link obeys, [source], the names that sections refer to,
 * and the files. For `config check`. */
GF_MUST_CHECK int config_check(const struct config *c, struct gf_err *e);

#endif
