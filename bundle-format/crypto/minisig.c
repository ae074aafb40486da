/*
 * minisig.c -- prehashed minisign signatures.
 */
#include "gapferry/minisig.h"

#include <sodium.h>
#include <string.h>

#include "gapferry/digest.h"
#include "key_secret.h"

#define TRUSTED "trusted comment: "

enum {
    TRUSTED_PREFIX = sizeof(TRUSTED) - 1,
    SIG_BYTES = 74, /* "ED", key number, signature */
    SIG_LINE = 100,
    GLOBAL_LINE = 88,
    /* minisign reads this line, with prefix and LF, into GF_COMMENT_MAX bytes with a NUL. */
    TRUSTED_LINE_MAX = GF_COMMENT_MAX - 1
};

/* A comment line of at most max bytes with its LF. */
static int comment_line(const char **text, size_t *len, const char *prefix, size_t max,
                        const char **line, size_t *n, struct gf_err *e) {
    if (gf_key_line(text, len, line, n) != 0) {
        return *len >= max ? gf_err_set(e, GF_E_LIMIT,
                                        "the signature's \"%s\" is longer than %zu bytes, which "
                                        "minisign does not read",
                                        prefix, max)
                           : gf_err_set(e, GF_E_MINISIG,
                                        "the signature is cut: no whole line \"%s\"", prefix);
    }
    if (*n >= max) {
        return gf_err_set(e, GF_E_LIMIT,
                          "the signature's \"%s\" is longer than %zu bytes, which minisign does "
                          "not read",
                          prefix, max);
    }
    if (!gf_key_comment(*line, *n, prefix)) {
        return gf_err_set(e, GF_E_MINISIG,
                          "the signature needs a line \"%s\" in UTF-8 without control characters, "
                          "ended by a line feed alone",
                          prefix);
    }
    return 0;
}

/* A base64 line of exactly `chars` characters for `bytes` bytes. */
static int base64_line(const char **text, size_t *len, size_t chars, uint8_t *out, size_t bytes) {
    const char *line;
    size_t n, got;

    if (gf_key_line(text, len, &line, &n) != 0 || n != chars ||
        gf_text_unbase64(line, n, 1, out, bytes, &got) != 0 || got != bytes)
        return -1;
    return 0;
}

int gf_minisig_parse(const char *text, size_t len, struct gf_minisig *out, size_t *used,
                     struct gf_err *e) {
    struct gf_minisig m;
    const char *at = text, *line;
    size_t left = len, n;
    uint8_t sig[SIG_BYTES];

    if (comment_line(&at, &left, GF_KEY_COMMENT, GF_KEY_COMMENT_LINE, &line, &n, e) != 0)
        return -1;
    if (base64_line(&at, &left, SIG_LINE, sig, sizeof(sig)) != 0)
        return gf_err_set(e, GF_E_MINISIG, "the signature's second line is malformed or cut");
    if (memcmp(sig, "Ed", 2) == 0) {
        return gf_err_set(e, GF_E_MINISIG,
                          "the signature is of minisign's legacy form; sign again without -l");
    }
    if (memcmp(sig, "ED", 2) != 0)
        return gf_err_set(e, GF_E_MINISIG, "the signature is of an unknown algorithm");
    memcpy(m.keynum, sig + 2, sizeof(m.keynum));
    memcpy(m.sig, sig + 10, sizeof(m.sig));

    if (comment_line(&at, &left, TRUSTED, TRUSTED_LINE_MAX, &line, &n, e) != 0)
        return -1;
    m.trusted = line + TRUSTED_PREFIX;
    m.trusted_len = n - TRUSTED_PREFIX;
    if (base64_line(&at, &left, GLOBAL_LINE, m.global, sizeof(m.global)) != 0)
        return gf_err_set(e, GF_E_MINISIG, "the signature's fourth line is malformed or cut");
    *out = m;
    *used = len - left;
    return 0;
}

/* What the global signature covers: the first one and the trusted comment. */
static size_t global_message(const struct gf_minisig *m, uint8_t out[64 + GF_COMMENT_MAX]) {
    memcpy(out, m->sig, sizeof(m->sig));
    memcpy(out + sizeof(m->sig), m->trusted, m->trusted_len);
    return sizeof(m->sig) + m->trusted_len;
}

static void prehash(const void *msg, size_t len, struct gf_hash64 *out) {
    struct gf_digest d;

    gf_digest_begin(&d);
    gf_digest_add(&d, msg, len);
    gf_digest_end(&d, out);
}

int gf_minisig_verify(const struct gf_minisig *m, const struct gf_sign_public *key, const void *msg,
                      size_t len, struct gf_err *e) {
    uint8_t global[64 + GF_COMMENT_MAX];
    struct gf_hash64 hash;
    size_t n;

    if (m->trusted_len > GF_COMMENT_MAX)
        return gf_err_set(e, GF_E_SIGNATURE, "the signature's trusted comment is too long");
    if (memcmp(m->keynum, key->keynum, sizeof(m->keynum)) != 0) {
        return gf_err_set(e, GF_E_SIGNATURE, "signed by key %016llX, not by key %016llX",
                          gf_key_number(m->keynum), gf_key_number(key->keynum));
    }
    prehash(msg, len, &hash);
    if (crypto_sign_ed25519_verify_detached(m->sig, hash.b, sizeof(hash.b), key->pk) != 0) {
        return gf_err_set(e, GF_E_SIGNATURE,
                          "the signature by key %016llX does not match: the text was changed after "
                          "it was signed, or another key has the same number",
                          gf_key_number(key->keynum));
    }
    n = global_message(m, global);
    if (crypto_sign_ed25519_verify_detached(m->global, global, n, key->pk) != 0) {
        return gf_err_set(e, GF_E_SIGNATURE,
                          "the trusted comment's signature by key %016llX does not match: the "
                          "comment was changed after it was signed",
                          gf_key_number(key->keynum));
    }
    return 0;
}

/* A comment that is to be written: the same rules that reading has. */
static int comment_fits(const char *text, size_t prefix, size_t line_max) {
    size_t n = strlen(text);

    return n < line_max - prefix && gf_key_comment(text, n, "");
}

static void write_text(const struct gf_minisig *m, const char *untrusted, struct gf_buf *out) {
    uint8_t sig[SIG_BYTES] = {'E', 'D'};

    memcpy(sig + 2, m->keynum, sizeof(m->keynum));
    memcpy(sig + 10, m->sig, sizeof(m->sig));
    gf_buf_text(out, GF_KEY_COMMENT);
    gf_buf_text(out, untrusted);
    gf_buf_byte(out, '\n');
    gf_text_base64(out, sig, sizeof(sig), 1);
    gf_buf_text(out, "\n" TRUSTED);
    gf_buf_add(out, m->trusted, m->trusted_len);
    gf_buf_byte(out, '\n');
    gf_text_base64(out, m->global, sizeof(m->global), 1);
    gf_buf_byte(out, '\n');
}

int gf_minisig_sign(const struct gf_sign_key *key, const void *msg, size_t len,
                    const char *untrusted, const char *trusted, struct gf_buf *out,
                    struct gf_err *e) {
    uint8_t global[64 + GF_COMMENT_MAX];
    struct gf_minisig m;
    struct gf_hash64 hash;
    size_t n;

    if (!comment_fits(untrusted, sizeof(GF_KEY_COMMENT) - 1, GF_KEY_COMMENT_LINE) ||
        !comment_fits(trusted, TRUSTED_PREFIX, TRUSTED_LINE_MAX)) {
        return gf_err_set(e, GF_E_USAGE,
                          "a signature's comment must be one line of UTF-8 without control "
                          "characters, of at most %d (untrusted) or %d (trusted) bytes",
                          (int)(GF_KEY_COMMENT_LINE - sizeof(GF_KEY_COMMENT)),
                          (int)(TRUSTED_LINE_MAX - sizeof(TRUSTED)));
    }
    memcpy(m.keynum, key->public.keynum, sizeof(m.keynum));
    m.trusted = trusted;
    m.trusted_len = strlen(trusted);
    prehash(msg, len, &hash);
    (void)crypto_sign_ed25519_detached(m.sig, NULL, hash.b, sizeof(hash.b), key->secret);
    n = global_message(&m, global);
    (void)crypto_sign_ed25519_detached(m.global, NULL, global, n, key->secret);

    /* Ed25519 is deterministic: two signatures of which one was miscalculated give the key away,
     * so a wrong one must not leave. */
    if (gf_minisig_verify(&m, &key->public, msg, len, NULL) != 0)
        return gf_err_set(e, GF_E_BUG, "a new signature does not verify; check this machine");
    n = out->len;
    write_text(&m, untrusted, out);
    if (gf_buf_check(out, "a signature", e) != 0) {
        out->len = n;
        return -1;
    }
    return 0;
}
