/*
 * otlp_value.h -- scalars of OTLP JSON as the bits that protobuf has for them, and doubles as
 * digits.
 */
#ifndef COMMON_OTLP_VALUE_H
#define COMMON_OTLP_VALUE_H

#include "common/otlp_scan.h"
#include "common/otlp_schema.h"
#include "gapferry/buf.h"

/* Pass the value of a numeric kind and set the bits of its varint or fixed form; or -1. Integers
 * may be numbers or digits in a string, doubles besides "NaN", "Infinity", "-Infinity". */
GF_MUST_CHECK int otlp_value_number(struct otlp_scan *s, enum otlp_kind kind, uint64_t *bits);

/* Pass a string of text, base64 or hex, and append its bytes to out unless that is NULL; or -1.
 * Base64 may be of either alphabet, with padding or without (as protobuf's JSON has it). The
 * buffer's own failures are the buffer's. */
GF_MUST_CHECK int otlp_value_bytes(struct otlp_scan *s, enum otlp_kind kind, struct gf_buf *out);

#define OTLP_VALUE_DOUBLE 32 /* bytes that the digits of a double need, with the NUL */

/* The shortest digits that read back as a finite double, in JSON's form. */
void otlp_value_double(double d, char out[OTLP_VALUE_DOUBLE]);

#endif
