/*
 * hello.h -- the proof that a relay can be reached: a signed document of format gapferry-hello/1
 * that repeats a nonce the asker has just drawn. Nobody else can make it, and no recording has it.
 */
#ifndef GAPFERRY_HELLO_H
#define GAPFERRY_HELLO_H

#include "gapferry/card.h"

struct gf_hello {
    int64_t at;                    /* seconds: the relay's clock, evidence only */
    char version[GF_WORD_MAX + 1]; /* of the relay's program; UTF-8 without control characters */
    int has_successor;             /* 1: the relay has new keys since the card that was asked for */
};

/* Identities before the one of now that sign a hello, too: with its own, all the signatures that a
 * document may have. Who has missed more rotations learns of them by a drive. */
#define GF_HELLO_FORMER_MAX (GF_DOCUMENT_SIGS_MAX - 1)

/* Who makes a hello. */
struct gf_hello_by {
    const struct gf_identity *id;     /* the relay's of now */
    const struct gf_identity *former; /* those before, the newest first; borrowed */
    size_t nformer;                   /* of these, GF_HELLO_FORMER_MAX count */
};

/* Append a hello of this relay: at most GF_HELLO_MAX bytes. Errors: GF_E_USAGE (the version is no
 * plain text of 1 to GF_WORD_MAX bytes, or the time none that can be written), GF_E_SYSTEM,
 * GF_E_BUG. */
GF_MUST_CHECK int gf_hello_make(const struct gf_hello_by *by, const uint8_t nonce[32], int64_t now,
                                const char *version, struct gf_buf *out, struct gf_err *e);

/*
 * 0 if text is a hello by the relay of this card, or by its successor that still has the card's
 * keys, for this nonce. The signature is checked before the JSON is read. Errors: GF_E_LIMIT,
 * GF_E_DOCUMENT (no hello, or of another relay), GF_E_MINISIG, GF_E_SIGNATURE, GF_E_JSON,
 * GF_E_VERSION, GF_E_REPLAY (another nonce: a cache, or a recording).
 */
GF_MUST_CHECK int gf_hello_verify(const char *text, size_t len, const struct gf_card *relay,
                                  const uint8_t nonce[32], struct gf_hello *out, struct gf_err *e);

#endif
