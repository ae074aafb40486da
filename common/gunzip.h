/*
 * gunzip.h -- gzip (RFC 1952) in memory, bounded; the only user of zlib.
 */
#ifndef COMMON_GUNZIP_H
#define COMMON_GUNZIP_H

#include "gapferry/buf.h"

/* Append what a gzip text decodes to: one member or several, and nothing else, to its end. No more
 * is ever decoded than out->max bytes. Errors: GF_E_RECORD (it is no gzip, cut or damaged),
 * GF_E_LIMIT (it decodes to more), GF_E_SYSTEM; out is as it was then. */
GF_MUST_CHECK int gunzip(const void *data, size_t len, struct gf_buf *out, struct gf_err *e);

#endif
