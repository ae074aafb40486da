/*
 * shell.h -- the outer ustar of a bundle: three members, one legal sequence of bytes.
 *
 *   512  header of bundle.json          S1 bytes, padded with zeros to 512
 *   512  header of bundle.json.minisig  GF_SHELL_MINISIG bytes, padded
 *   512  header of payload.age          S3 bytes, padded
 *  1024  zeros
 *
 * A reader parses no tar: it takes the size digits, rebuilds the header and compares 512 bytes.
 */
#ifndef FORMAT_SHELL_H
#define FORMAT_SHELL_H

#include <stddef.h>
#include <stdint.h>

#include "gapferry/limits.h"
#include "gapferry/text.h"

#define GF_SHELL_BLOCK 512
#define GF_SHELL_END   1024

/* The three members. */
enum gf_shell_member { GF_SHELL_HEADER, GF_SHELL_SIGNATURE, GF_SHELL_PAYLOAD };
extern const char *const gf_shell_names[];

/* The one form of bundle.json.minisig. */
#define GF_SHELL_UNTRUSTED      "gapferry bundle signature"
#define GF_SHELL_TRUSTED        "gapferry-bundle/1 "
#define GF_SHELL_TRUSTED_LENGTH (sizeof(GF_SHELL_TRUSTED) - 1 + 32 + 1 + 64 + 1 + 64)
#define GF_SHELL_MINISIG                                                                           \
    (sizeof("untrusted comment: " GF_SHELL_UNTRUSTED "\n") - 1 + 101 +                             \
     sizeof("trusted comment: \n") - 1 + GF_SHELL_TRUSTED_LENGTH + 89)

/* What the trusted comment says: all that routing reads before verification. */
struct gf_shell_route {
    struct gf_id id;
    struct gf_hash from;
    struct gf_hash to;
};

/* Round up to whole blocks. */
int64_t gf_shell_pad(int64_t size);

/* Where the payload's bytes begin, and how long the file is. */
int64_t gf_shell_payload_offset(int64_t header_size);
int64_t gf_shell_file_size(int64_t header_size, int64_t payload_size);

/* The header block of a member. */
void gf_shell_block(enum gf_shell_member m, int64_t size, uint8_t out[GF_SHELL_BLOCK]);

/* Check that a block is the header of this member, and take its size: at most 11 octal digits'
 * worth. GF_E_SHELL. */
GF_MUST_CHECK int gf_shell_unblock(const uint8_t block[GF_SHELL_BLOCK], enum gf_shell_member m,
                                   int64_t *size, struct gf_err *e);

/* The trusted comment of a route, NUL-ended, and back. GF_E_MINISIG. */
void gf_shell_comment(const struct gf_shell_route *r, char out[GF_SHELL_TRUSTED_LENGTH + 1]);
GF_MUST_CHECK int gf_shell_uncomment(const char *text, size_t len, struct gf_shell_route *out,
                                     struct gf_err *e);

/* 1 if all are zero. */
int gf_shell_is_zero(const uint8_t *b, size_t len);

#endif
