/*
 * chain_head.h -- the head of a hash chain, in a file outside the database that holds the chain: a
 * chain whose end was cut, or a database that was put back, is older than its head.
 *
 *   NUMBER HASH LF     decimal, from 1; 64 lower-case hex digits
 */
#ifndef COMMON_CHAIN_HEAD_H
#define COMMON_CHAIN_HEAD_H

#include <stddef.h>
#include <stdint.h>

#include "gapferry/err.h"
#include "gapferry/text.h"

/* 0, or -1 if the text is none; then *n and *hash are left alone. */
GF_MUST_CHECK int chain_head_parse(const char *text, size_t len, int64_t *n, struct gf_hash *hash);

/* The file `path` below dir (AT_FDCWD for the working directory): 1 read, 0 there is none, -1.
 * GF_E_DAMAGED if it is no head; GF_E_NOINPUT, GF_E_LIMIT, GF_E_SYSTEM. */
GF_MUST_CHECK int chain_head_load(int dir, const char *path, int64_t *n, struct gf_hash *hash,
                                  struct gf_err *e);

/* Replace it, durably and as a whole; 0600. */
GF_MUST_CHECK int chain_head_save(int dir, const char *path, int64_t n, const struct gf_hash *hash,
                                  struct gf_err *e);

/* Rename it, if it is there, to PATH.before-WHY-STAMP, which keeps it as evidence. */
GF_MUST_CHECK int chain_head_set_aside(int dir, const char *path, const char *why, int64_t now,
                                       struct gf_err *e);

#endif
