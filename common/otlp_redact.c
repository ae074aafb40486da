/*
 * otlp_redact.c -- take attributes out of a request in protobuf; nothing else changes by a byte.
 */
#include "common/otlp_redact.h"

#include "common/otlp_walk.h"

int otlp_redact(const void *data, size_t len, const struct otlp_deny *deny, struct gf_buf *out,
                struct otlp_redacted *redacted, struct otlp_facts *facts, struct gf_err *e) {
    struct otlp_walk w = {.deny = otlp_deny_any(deny) ? deny : NULL, .found.redacted = *redacted};
    int rc = otlp_walk(&w, data, len, e);

    return otlp_edit_end(&w.found, rc, len, out, redacted, facts, e);
}
