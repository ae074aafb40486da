/*
 * deny.h -- which attributes of OpenTelemetry metrics may not leave on a channel: its `deny`.
 */
#ifndef AGENT_DENY_H
#define AGENT_DENY_H

#include "common/config.h"
#include "common/otlp_deny.h"

/* list: keys, and prefixes such as host.*, separated by commas, none with a blank in it; NULL:
 * otlp_deny_default; "": none. Free with otlp_deny_free(). Errors: those of otlp_deny_new(). */
GF_MUST_CHECK int deny_read(const char *list, struct otlp_deny **out, struct gf_err *e);

/* That of a channel, as it is configured. */
GF_MUST_CHECK int deny_of(const struct config *c, const char *channel, struct otlp_deny **out,
                          struct gf_err *e);

#endif
