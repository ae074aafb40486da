/*
 * keygen.h -- Keygen licence and machine files, accepted as they are.
 *
 *   -----BEGIN LICENSE FILE-----        (or MACHINE FILE)
 *   base64 of {"enc": "...", "sig": "...", "alg": "..."}
 *   -----END LICENSE FILE-----
 *
 * sig is Ed25519 over "license/" or "machine/" and the text of enc. alg base64+ed25519: enc is
 * base64 of the JSON; aes-256-gcm+ed25519: enc is base64 of ciphertext, iv and tag with dots
 * between, the key being SHA-256 of the licence key (a machine file: and the fingerprint behind
 * it). Source: https://keygen.sh/docs/api/cryptography/
 *
 * The envelope is read as a fixed form, by no JSON parser; the JSON within is parsed only once the
 * signature is right.
 */
#ifndef AGENT_KEYGEN_H
#define AGENT_KEYGEN_H

#include "agent/license/license.h"
#include "gapferry/foreign.h"

/* Bytes of a file: what its list of entitlements makes of it, many times over. */
#define KEYGEN_FILE_MAX (1 << 20)

#define KEYGEN_TEXT_MAX 256 /* bytes of names, keys and fingerprints */

/* What such a file says beyond what our own licences say. */
struct keygen {
    int machine; /* 1: a machine file */
    char machine_id[GF_WORD_MAX + 1];
    char fingerprint[KEYGEN_TEXT_MAX + 1];  /* of the machine, "" in a licence file */
    char product_name[KEYGEN_TEXT_MAX + 1]; /* "" where the file does not include it */
    char name[KEYGEN_TEXT_MAX + 1];         /* of the licence */
    char status[GF_WORD_MAX + 1];           /* as the vendor's server saw it, "" where unknown */
    int file_ends;                          /* the file itself: meta.expiry, or issued and ttl */
    int64_t file_end;
    int licence_ends; /* the licence: attributes.expiry */
    int64_t licence_end;
    char metadata[2048]; /* "name=value" a line */
};

/* 1 if the text begins as such a file does. */
int keygen_is(const char *text, size_t len);

/*
 * Verify by the vendor's key, decrypt, parse. key: the licence key, needed for encrypted files,
 * compared where the file names it; fingerprint: the machine's, needed for encrypted machine files,
 * compared in all machine files; NULL where not known. *more may be NULL.
 *
 * *out is a licence like ours: its id the licence's, its product the product's id, its features the
 * codes of its entitlements, not bound to factors, ended by the earlier of its two ends, and then
 * it blocks. Where an included policy has the expirationStrategy MAINTAIN_ACCESS or ALLOW_ACCESS
 * the end of the licence only warns, and only that of the file blocks.
 *
 * GF_E_DOCUMENT the envelope is not of this form; GF_E_VERSION an algorithm that we do not have;
 * GF_E_SIGNATURE not this vendor's; GF_E_UNABLE this processor cannot decrypt; GF_E_UNWRAP an
 * encrypted file, and key or fingerprint are missing or others; GF_E_LICENSE content that breaks a
 * rule or is of another key or fingerprint; GF_E_JSON; GF_E_LIMIT; GF_E_SYSTEM.
 */
GF_MUST_CHECK int keygen_parse(const char *text, size_t len, const uint8_t vendor[GF_FOREIGN_KEY],
                               const char *key, const char *fingerprint, struct license *out,
                               struct keygen *more, struct gf_err *e);

/* The same in its two halves. The verified, decrypted JSON; gf_buf_free() it, which wipes. */
GF_MUST_CHECK int keygen_open(const char *text, size_t len, const uint8_t vendor[GF_FOREIGN_KEY],
                              const char *key, const char *fingerprint, struct gf_buf *json,
                              struct gf_err *e);
/* machine: 1 if it came from a machine file. */
GF_MUST_CHECK int keygen_read(const char *json, size_t len, int machine, const char *key,
                              const char *fingerprint, struct license *out, struct keygen *more,
                              struct gf_err *e);

#endif
