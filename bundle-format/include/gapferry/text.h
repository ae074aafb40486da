/*
 * text.h -- the encodings of the format: hex, base64, base32, times, identifiers, UTF-8.
 *
 * Every decoder but that of base32 accepts exactly one spelling of each value.
 */
#ifndef GAPFERRY_TEXT_H
#define GAPFERRY_TEXT_H

#include <stddef.h>
#include <stdint.h>

#include "gapferry/buf.h"

struct gf_id {
    uint8_t b[16]; /* 128 bits: a bundle, a stream, an agent, a record */
};

struct gf_hash {
    uint8_t b[32]; /* BLAKE2b-256: identities, `prev`, receipts */
};

struct gf_hash64 {
    uint8_t b[64]; /* BLAKE2b-512: the payload */
};

#define GF_ID_TEXT     33  /* 32 lower-case hex digits and NUL */
#define GF_HASH_TEXT   65  /* 64 and NUL */
#define GF_HASH64_TEXT 129 /* 128 and NUL */
#define GF_TIME_TEXT   21  /* YYYY-MM-DDThh:mm:ssZ and NUL */
#define GF_UUID_TEXT   37  /* 8-4-4-4-12 lower-case hex digits and NUL */

/* len bytes as 2 * len lower-case hex digits and NUL. */
void gf_text_hex(const uint8_t *b, size_t len, char *out);

/* Exactly 2 * len lower-case hex digits in text[0 .. n-1] to len bytes. 0 or -1. */
GF_MUST_CHECK int gf_text_unhex(const char *text, size_t n, uint8_t *out, size_t len);

/* Append base64 (RFC 4648 section 4); pad: with '=' as minisign does, without as age does. */
void gf_text_base64(struct gf_buf *out, const uint8_t *b, size_t len, int pad);

/* Canonical base64 of either form: no white space, unused bits zero. *len is set to the number of
 * bytes, at most max. out may be text itself, which it then takes the place of. 0 or -1. */
GF_MUST_CHECK int gf_text_unbase64(const char *text, size_t n, int pad, uint8_t *out, size_t max,
                                   size_t *len);

/* The first `digits` digits of base32 (RFC 4648 section 6) in groups with dashes between: what
 * people compare or type. out has digits + (digits - 1) / group + 1 bytes; of b the bits that the
 * digits stand for are read. */
void gf_text_base32(const uint8_t *b, size_t digits, size_t group, char *out);

/* The same back, as people type: case, dashes and spaces do not matter, and 0, 1, 8 are read as O,
 * I, B. Exactly `digits` digits to (5 * digits + 7) / 8 bytes; unused bits are zero. 0 or -1. The
 * one decoder that takes several spellings. */
GF_MUST_CHECK int gf_text_unbase32(const char *typed, size_t digits, uint8_t *out);

/* Seconds since 1970 to RFC 3339 UTC; times outside 1970 to 9999 are clamped. */
void gf_text_time(int64_t t, char out[GF_TIME_TEXT]);

/* Exactly YYYY-MM-DDThh:mm:ssZ, a real date of 1970 to 9999. 0 or -1. */
GF_MUST_CHECK int gf_text_untime(const char *text, size_t n, int64_t *out);

/* 16 bytes as a UUID and back (lower case only, any version). */
void gf_text_uuid(const struct gf_id *id, char out[GF_UUID_TEXT]);
GF_MUST_CHECK int gf_text_unuuid(const char *text, size_t n, struct gf_id *out);

/* A UUID v7 (RFC 9562) of a time in milliseconds and 10 random bytes. */
void gf_text_uuid7(int64_t ms, const uint8_t random[10], struct gf_id *out);

/* 1 if text[0 .. n-1] is UTF-8 without NUL, surrogates or overlong forms. */
int gf_text_is_utf8(const char *text, size_t n);

/* How many of the first n bytes of UTF-8 fit in max without cutting a character. */
size_t gf_text_fit(const char *text, size_t n, size_t max);

/* Bytes of the token of HTTP (RFC 9110, 5.6.2) that text[0 .. n-1] begins with; 0: none. */
size_t gf_text_token(const char *text, size_t n);

/* 1 if it is 1 to max bytes of [a-z0-9] first and [a-z0-9.-] after: channels, products, needs,
 * and names of members. */
int gf_text_is_word(const char *text, size_t n, size_t max);

/* Append foreign text for a terminal or log: what is not printable UTF-8 (control characters,
 * direction marks, broken bytes) as \xNN. */
void gf_text_safe(struct gf_buf *out, const char *text, size_t n);

#endif
