/*
 * minisig.h -- standard prehashed minisign signatures (algorithm "ED": Ed25519 over the
 * BLAKE2b-512 of the message; a second, global signature over the first and the trusted comment).
 * The legacy form "Ed" is refused. Source: https://jedisct1.github.io/minisign/
 *
 * minisign has no domain separation, so our keys sign only strict JSON that names its format:
 * gf_minisig_sign() is called by document.c and the bundle writer and by nobody else.
 */
#ifndef GAPFERRY_MINISIG_H
#define GAPFERRY_MINISIG_H

#include "gapferry/key.h"
#include "gapferry/limits.h"

struct gf_minisig {
    uint8_t keynum[8];
    uint8_t sig[64];
    uint8_t global[64];
    size_t trusted_len;
    const char *trusted; /* the trusted comment without its prefix; borrowed from the parsed text */
};

/*
 * Parse one signature text at the start of text[0 .. len-1]: four lines, each ended by LF,
 *   untrusted comment: ANY
 *   base64("ED" keynum signature)
 *   trusted comment: ANY
 *   base64(global signature)
 * *used is its length in bytes; what follows is the caller's to judge. Comments must be UTF-8
 * without control characters other than TAB, which minisign's own default comment has, and no
 * longer than minisign reads: the lines, with prefix and LF, at most 1,023 and GF_COMMENT_MAX - 1
 * bytes. Errors: GF_E_MINISIG, GF_E_LIMIT.
 */
GF_MUST_CHECK int gf_minisig_parse(const char *text, size_t len, struct gf_minisig *out,
                                   size_t *used, struct gf_err *e);

/* Both signatures by this key over the message. keynum must match too, so that our verdict equals
 * that of `minisign -V`. Errors: GF_E_SIGNATURE. */
GF_MUST_CHECK int gf_minisig_verify(const struct gf_minisig *m, const struct gf_sign_public *key,
                                    const void *msg, size_t len, struct gf_err *e);

/* Append a signature text. The comments must be one line of UTF-8 each. The new signature is
 * verified before it is handed out (a fault during signing can leak the key): GF_E_BUG. On failure
 * out has its old length. Errors: GF_E_USAGE (a comment breaks a rule), GF_E_BUG, and what
 * gf_buf_check() says of out. */
GF_MUST_CHECK int gf_minisig_sign(const struct gf_sign_key *key, const void *msg, size_t len,
                                  const char *untrusted, const char *trusted, struct gf_buf *out,
                                  struct gf_err *e);

#endif
