/*
 * config_warn_metrics.h -- what is no mistake in [collect] and [scrape] by itself, and takes in
 * nothing, or asks for what is not there.
 */
#ifndef AGENT_CONFIG_WARN_METRICS_H
#define AGENT_CONFIG_WARN_METRICS_H

#include "agent/config_warn.h"

/* fn for each, as config_warn() tells them:
 * - an endpoint whose url names no path, or / alone, with what is asked for;
 * - an endpoint whose channel has no consent: it is not asked;
 * - an endpoint whose channel has a rule (allow): of what it says nothing comes in;
 * - [collect] at port 4317, to which senders speak gRPC (OTLP/HTTP has 4318: OpenTelemetry
 *   specification, OTLP/HTTP Default Port). */
GF_MUST_CHECK int config_warn_metrics(struct agent *a, config_warn_tell *fn, void *arg,
                                      struct gf_err *e);

#endif
