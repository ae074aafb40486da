/*
 * token.h -- enrolment tokens: 128 random bits that a relay's operator gives a site by another way
 * than the drive. The token itself never travels with a card, only its MAC does
 * (gf_card_token_mac()).
 *
 * People type it: thirty base32 digits (RFC 4648 section 6) in six groups of five, of which the
 * last 22 bits are a checksum, BLAKE2b-256 of "gapferry-token/1" and the token
 * (docs/bundle-format.md, section 13).
 */
#ifndef GAPFERRY_TOKEN_H
#define GAPFERRY_TOKEN_H

#include <stdint.h>

#include "gapferry/err.h"

#define GF_TOKEN_SIZE 16
#define GF_TOKEN_TEXT 36 /* ABCDE-FGHIJ-KLMNO-PQRST-UVWXY-Z2345 and NUL */

void gf_token_write(const uint8_t token[GF_TOKEN_SIZE], char out[GF_TOKEN_TEXT]);

/* As people type: case, dashes and spaces do not matter, 0, 1, 8 are O, I, B. GF_E_USAGE if it is
 * none, or mistyped; the message does not repeat it. */
GF_MUST_CHECK int gf_token_parse(const char *typed, uint8_t token[GF_TOKEN_SIZE], struct gf_err *e);

#endif
