/*
 * https_header.h -- the one form of headers that https.c sends and keeps.
 */
#ifndef COMMON_HTTPS_HEADER_H
#define COMMON_HTTPS_HEADER_H

#include "gapferry/buf.h"

/* A header to send: "Name: value", one line, a name of RFC 9110 tokens, a value without control
 * characters; GF_E_CONFIG. */
GF_MUST_CHECK int https_header_check(const char *line, struct gf_err *e);

/* Append a received line as "name: value" and LF. What is no header is left out. */
void https_header_keep(struct gf_buf *out, const char *line, size_t len);

#endif
