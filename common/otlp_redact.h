/*
 * otlp_redact.h -- take out of a request what a deny-list names.
 *
 * An attribute goes, with its value, from resource, scope, metric (its metadata), every kind of
 * data point, exemplars, and values that are lists of attributes, however deep. A field that the
 * schema does not know goes, too: readers of other versions find attributes there. A list that
 * names nothing takes nothing out, unknown fields neither. All that stays is as it was, byte for
 * byte, but for the lengths of what it stands in. Names of keys without values (an entity's idKeys)
 * stay.
 */
#ifndef COMMON_OTLP_REDACT_H
#define COMMON_OTLP_REDACT_H

#include "common/otlp.h"
#include "common/otlp_deny.h"

/*
 * Check a request in protobuf and append to out what is left of it. 1: something was taken out; 0:
 * nothing was, the request itself is the result, and out is as it was; -1: see otlp.h, and out is
 * as it was. *redacted adds up; facts may be NULL (they are those of otlp_check(): redaction
 * changes none of them). Takes 12 bytes of memory for each message that changes, and out.
 */
GF_MUST_CHECK int otlp_redact(const void *data, size_t len, const struct otlp_deny *deny,
                              struct gf_buf *out, struct otlp_redacted *redacted,
                              struct otlp_facts *facts, struct gf_err *e);

#endif
