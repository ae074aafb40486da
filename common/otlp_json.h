/*
 * otlp_json.h -- requests as OTLP JSON: the same facts and redaction as for protobuf, and both ways
 * between the two forms.
 *
 * As the specification has it (protocol/otlp, JSON Protobuf Encoding): names in lowerCamelCase,
 * enums as integers, 64-bit integers as digits in a string or as numbers, ids in hex, unknown names
 * ignored. null is as if the name were not there. Refused besides what otlp.h says: a known name in
 * the spelling of protobuf (data_points), or in other letters (Key), since readers differ in
 * whether they know it. What is not JSON is GF_E_RECORD, too.
 */
#ifndef COMMON_OTLP_JSON_H
#define COMMON_OTLP_JSON_H

#include "common/otlp.h"
#include "common/otlp_deny.h"

/* As otlp_check(). */
GF_MUST_CHECK int otlp_json_check(const char *text, size_t len, struct otlp_facts *out,
                                  struct gf_err *e);

/* As otlp_redact(): all bytes that are not removed stay as they are. */
GF_MUST_CHECK int otlp_json_redact(const char *text, size_t len, const struct otlp_deny *deny,
                                   struct gf_buf *out, struct otlp_redacted *redacted,
                                   struct otlp_facts *facts, struct gf_err *e);

/* Append the request as protobuf to out. What the schema does not know is left out. */
GF_MUST_CHECK int otlp_json_to_protobuf(const char *text, size_t len, struct gf_buf *out,
                                        struct gf_err *e);

/* Append a request in protobuf as JSON to out: on one line, or indented and on many (pretty), for
 * people to look at: what gf_text_safe() would not pass is \u-escaped. No final LF. Doubles are the
 * shortest digits that read back. What the schema does not know is left out. On failure out is as
 * it was. */
GF_MUST_CHECK int otlp_json_from_protobuf(const void *data, size_t len, int pretty,
                                          struct gf_buf *out, struct gf_err *e);

#endif
