/*
 * key_seal.c -- sealing keys, in the files that age-keygen 1.1 writes.
 */
#include <sodium.h>
#include <string.h>

#include "bech32.h"
#include "gapferry/digest.h"
#include "gapferry/key.h"
#include "key_secret.h"

#define SECRET_PREFIX "AGE-SECRET-KEY-"
#define PUBLIC_PREFIX "age"
#define PUBLIC_NOTE   "# public key: "

enum {
    SECRET_LINE = GF_BECH32_SIZE(sizeof(SECRET_PREFIX) - 1, 32),
    PUBLIC_LINE = GF_BECH32_SIZE(sizeof(PUBLIC_PREFIX) - 1, 32)
};
_Static_assert(PUBLIC_LINE == GF_SEAL_PUBLIC_TEXT - 1, "key.h states the length of age1...");

static struct gf_seal_key *seal_alloc(struct gf_err *e) {
    struct gf_seal_key *k = sodium_malloc(sizeof(*k));

    if (k == NULL)
        (void)gf_err_errno(e, "no memory for a secret key");
    return k;
}

/* Derive the public half; from here on nothing writes to the key. */
static int seal_finish(struct gf_seal_key *k, struct gf_err *e) {
    (void)crypto_scalarmult_curve25519_base(k->public.pk, k->secret);
    if (sodium_mprotect_readonly(k) != 0)
        return gf_err_errno(e, "cannot protect the memory of a secret key");
    return 0;
}

int gf_key_seal_new(struct gf_seal_key **out, struct gf_err *e) {
    struct gf_seal_key *k = seal_alloc(e);

    if (k == NULL)
        return -1;
    randombytes_buf(k->secret, sizeof(k->secret));
    if (seal_finish(k, e) != 0) {
        sodium_free(k);
        return -1;
    }
    *out = k;
    return 0;
}

/* Find the one line that is not a comment; also the public key that age-keygen notes above it. */
static int find_lines(const char *text, size_t len, const char *what, const char **secret,
                      const char **note, struct gf_err *e) {
    enum { NOTE = sizeof(PUBLIC_NOTE) - 1 };
    const char *line;
    size_t n;

    *secret = NULL;
    *note = NULL;
    while (gf_key_line(&text, &len, &line, &n) == 0) {
        if (n > 0 && line[0] == '#') {
            if (!gf_key_comment(line, n, "#"))
                return gf_err_set(e, GF_E_KEY, "%s: a comment line is not plain text", what);
            if (n == NOTE + PUBLIC_LINE && memcmp(line, PUBLIC_NOTE, NOTE) == 0)
                *note = line + NOTE;
            continue;
        }
        if (*secret != NULL) {
            return gf_err_set(e, GF_E_KEY,
                              "%s: more than one line that is not a comment; a sealing key file "
                              "holds exactly one identity",
                              what);
        }
        if (n != SECRET_LINE) {
            return gf_err_set(e, GF_E_KEY,
                              "%s: a line is neither a comment nor %s1... of %d characters; "
                              "age-keygen writes the right form",
                              what, SECRET_PREFIX, (int)SECRET_LINE);
        }
        *secret = line;
    }
    if (len != 0 || *secret == NULL) {
        return gf_err_set(e, GF_E_KEY, "%s: %s", what,
                          len != 0 ? "cut: the last line does not end with a line feed"
                                   : "holds no age identity; age-keygen makes one");
    }
    return 0;
}

int gf_key_seal_parse(const char *text, size_t len, const char *what, struct gf_seal_key **out,
                      struct gf_err *e) {
    struct gf_seal_key *k = NULL;
    const char *secret, *note;
    char line[GF_SEAL_PUBLIC_TEXT];
    int rc = -1;

    if (find_lines(text, len, what, &secret, &note, e) != 0 || (k = seal_alloc(e)) == NULL)
        return -1;
    if (gf_bech32_decode(SECRET_PREFIX, secret, SECRET_LINE, k->secret, sizeof(k->secret)) != 0) {
        (void)gf_err_set(e, GF_E_KEY, "%s: not an age X25519 identity, or mistyped", what);
        goto out;
    }
    if (seal_finish(k, e) != 0)
        goto out;

    /* People copy the public key from this comment; a wrong one would seal data for a stranger. */
    gf_key_seal_public_line(&k->public, line);
    if (note != NULL && memcmp(note, line, PUBLIC_LINE) != 0) {
        (void)gf_err_set(e, GF_E_KEY, "%s: its comment states another public key than %s", what,
                         line);
        goto out;
    }
    *out = k;
    rc = 0;
out:
    if (rc != 0)
        sodium_free(k);
    return rc;
}

void gf_key_seal_text(const struct gf_seal_key *k, int64_t created, struct gf_buf *out) {
    char time[GF_TIME_TEXT], public[GF_SEAL_PUBLIC_TEXT], secret[SECRET_LINE + 1];

    gf_text_time(created, time);
    gf_key_seal_public_line(&k->public, public);
    gf_bech32_encode(SECRET_PREFIX, k->secret, sizeof(k->secret), secret);

    /* gf_buf_text() for the secret: gf_buf_printf() would leave a copy on the stack. */
    gf_buf_printf(out, "# created: %s\n" PUBLIC_NOTE "%s\n", time, public);
    gf_buf_text(out, secret);
    gf_buf_byte(out, '\n');
    sodium_memzero(secret, sizeof(secret));
}

int gf_key_seal_canonical(const struct gf_seal_public *k) {
    /* 2^255 - 19 in little-endian order: ed, then ff, then 7f. */
    if (k->pk[31] < 0x7f)
        return 1;
    if (k->pk[31] > 0x7f)
        return 0;
    for (int i = 30; i > 0; i--) {
        if (k->pk[i] != 0xff)
            return 1;
    }
    return k->pk[0] < 0xed;
}

int gf_key_seal_public_unline(const char *text, size_t len, struct gf_seal_public *out) {
    static const uint8_t any[32] = {1};
    struct gf_seal_public k;
    uint8_t shared[32];

    /* age-keygen never writes a point of low order or a second spelling; a card that carries one
     * is refused here, before anybody waits for an answer that cannot be sealed for it. */
    if (gf_bech32_decode(PUBLIC_PREFIX, text, len, k.pk, sizeof(k.pk)) != 0 ||
        !gf_key_seal_canonical(&k) || crypto_scalarmult_curve25519(shared, any, k.pk) != 0)
        return -1;
    *out = k;
    return 0;
}

int gf_key_seal_public_parse(const char *text, size_t len, const char *what,
                             struct gf_seal_public *out, struct gf_err *e) {
    const char *line;
    size_t n;

    if (gf_key_line(&text, &len, &line, &n) != 0 || len != 0 ||
        gf_key_seal_public_unline(line, n, out) != 0) {
        return gf_err_set(e, GF_E_KEY,
                          "%s: not one line with an age X25519 recipient (age1... and a line "
                          "feed); `age-keygen -y` writes it from the identity",
                          what);
    }
    return 0;
}

void gf_key_seal_public_line(const struct gf_seal_public *k, char out[GF_SEAL_PUBLIC_TEXT]) {
    gf_bech32_encode(PUBLIC_PREFIX, k->pk, sizeof(k->pk), out);
}

void gf_key_seal_public_text(const struct gf_seal_public *k, struct gf_buf *out) {
    char line[GF_SEAL_PUBLIC_TEXT];

    gf_key_seal_public_line(k, line);
    gf_buf_printf(out, "%s\n", line);
}
