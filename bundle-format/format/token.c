/*
 * token.c -- enrolment tokens as people type them.
 */
#include "gapferry/token.h"

#include <string.h>

#include "gapferry/digest.h"

#define LABEL  "gapferry-token/1"
#define DIGITS 30
#define GROUP  5
#define BYTES  19 /* 128 bits of token, 22 of checksum, 2 unused */

/* Token and checksum as the digits stand for them. */
static void lay_out(const uint8_t token[GF_TOKEN_SIZE], uint8_t out[BYTES]) {
    uint8_t labelled[sizeof LABEL - 1 + GF_TOKEN_SIZE];
    struct gf_hash hash;

    memcpy(labelled, LABEL, sizeof LABEL - 1);
    memcpy(labelled + sizeof LABEL - 1, token, GF_TOKEN_SIZE);
    gf_digest_256(labelled, sizeof labelled, &hash);
    memcpy(out, token, GF_TOKEN_SIZE);
    memcpy(out + GF_TOKEN_SIZE, hash.b, BYTES - GF_TOKEN_SIZE);
    out[BYTES - 1] &= 0xfc;
    gf_digest_wipe(labelled, sizeof labelled);
}

void gf_token_write(const uint8_t token[GF_TOKEN_SIZE], char out[GF_TOKEN_TEXT]) {
    uint8_t bytes[BYTES];

    lay_out(token, bytes);
    gf_text_base32(bytes, DIGITS, GROUP, out);
    gf_digest_wipe(bytes, sizeof bytes);
}

int gf_token_parse(const char *typed, uint8_t token[GF_TOKEN_SIZE], struct gf_err *e) {
    uint8_t bytes[BYTES], right[BYTES];
    int rc = 0;

    if (gf_text_unbase32(typed, DIGITS, bytes) == -1)
        return gf_err_set(e, GF_E_USAGE,
                          "token: must be thirty letters and digits in six groups, as "
                          "gapferry-relay token has printed it");
    lay_out(bytes, right);
    if (memcmp(bytes, right, BYTES) == 0)
        memcpy(token, bytes, GF_TOKEN_SIZE);
    else
        rc = gf_err_set(e, GF_E_USAGE,
                        "token: is mistyped, for its check does not fit; compare it with what "
                        "gapferry-relay token has printed");
    gf_digest_wipe(bytes, sizeof bytes);
    gf_digest_wipe(right, sizeof right);
    return rc;
}
