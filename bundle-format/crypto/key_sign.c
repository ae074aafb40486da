/*
 * key_sign.c -- signing keys, in the files that minisign 0.11 writes.
 */
#include <sodium.h>
#include <string.h>

#include "gapferry/digest.h"
#include "gapferry/key.h"
#include "key_secret.h"

/*
 * The secret key's second line is base64 of 158 bytes:
 *   "Ed", "Sc" or two zeros (password or none), "B2", salt 32, two cost limits of 8,
 *   then key number 8, secret 64, checksum 32.
 * Without a password salt and limits mean nothing; `minisign -C -W` leaves the old ones.
 */
enum {
    KDF_AT = 2,
    CHECK_AT = 4,
    NUMBER_AT = 54,
    SECRET_AT = 62,
    CHECKSUM_AT = 126,
    FILE_BYTES = 158,
    FILE_LINE = 212,  /* characters of base64 */
    PUBLIC_BYTES = 42 /* "Ed", key number, key */
};

#define SECRET_COMMENT "minisign encrypted secret key"

static struct gf_sign_key *sign_alloc(struct gf_err *e) {
    struct gf_sign_key *k = sodium_malloc(sizeof(*k));

    if (k == NULL)
        (void)gf_err_errno(e, "no memory for a secret key");
    return k;
}

/* From here on nothing writes to the key. */
static int sign_finish(struct gf_sign_key *k, struct gf_sign_key **out, struct gf_err *e) {
    if (sodium_mprotect_readonly(k) != 0) {
        (void)gf_err_errno(e, "cannot protect the memory of a secret key");
        sodium_free(k);
        return -1;
    }
    *out = k;
    return 0;
}

int gf_key_sign_new(struct gf_sign_key **out, struct gf_err *e) {
    struct gf_sign_key *k = sign_alloc(e);

    if (k == NULL)
        return -1;
    randombytes_buf(k->public.keynum, sizeof(k->public.keynum));
    (void)crypto_sign_ed25519_keypair(k->public.pk, k->secret);
    return sign_finish(k, out, e);
}

/* minisign's checksum: BLAKE2b-256 over algorithm, key number and secret. */
static void checksum(const uint8_t file[FILE_BYTES], uint8_t out[32]) {
    crypto_generichash_blake2b_state s;

    (void)crypto_generichash_blake2b_init(&s, NULL, 0, 32);
    (void)crypto_generichash_blake2b_update(&s, file, KDF_AT);
    (void)crypto_generichash_blake2b_update(&s, file + NUMBER_AT, CHECKSUM_AT - NUMBER_AT);
    (void)crypto_generichash_blake2b_final(&s, out, 32);
    sodium_memzero(&s, sizeof(s));
}

/* The two lines of a file: a comment, and `chars` characters. */
static int two_lines(const char *text, size_t len, size_t chars, const char *what,
                     const char **line, struct gf_err *e) {
    const char *comment;
    size_t n;

    if (gf_key_line(&text, &len, &comment, &n) != 0 || n >= GF_KEY_COMMENT_LINE ||
        !gf_key_comment(comment, n, GF_KEY_COMMENT)) {
        return gf_err_set(e, GF_E_KEY,
                          "%s: not a minisign key file: its first line must begin with "
                          "\"%s\" and end with a line feed alone",
                          what, GF_KEY_COMMENT);
    }
    if (gf_key_line(&text, &len, line, &n) != 0 || n != chars || len != 0) {
        return gf_err_set(e, GF_E_KEY,
                          "%s: not a minisign key file of this kind: its second and last line "
                          "must be %zu characters and a line feed; copy the file anew",
                          what, chars);
    }
    return 0;
}

/* What minisign itself would refuse, and a password. */
static int secret_check(const uint8_t file[FILE_BYTES], const char *what, struct gf_err *e) {
    uint8_t sum[32], seed_pk[32], seed_sk[64];
    int bad;

    if (memcmp(file, "Ed", 2) != 0 || memcmp(file + CHECK_AT, "B2", 2) != 0)
        return gf_err_set(e, GF_E_KEY, "%s: not a minisign secret key of a known kind", what);
    if (memcmp(file + KDF_AT, "Sc", 2) == 0) {
        return gf_err_set(e, GF_E_KEY,
                          "%s: the key is protected by a password, which an unattended program "
                          "cannot type; take it off with: minisign -C -W -s FILE",
                          what);
    }
    if (memcmp(file + KDF_AT, "\0\0", 2) != 0)
        return gf_err_set(e, GF_E_KEY, "%s: the key is encrypted in an unknown way", what);

    /* `minisign -G -W` leaves the checksum zero, `minisign -C -W` leaves the right one. */
    checksum(file, sum);
    if (!sodium_is_zero(file + CHECKSUM_AT, 32) && sodium_memcmp(sum, file + CHECKSUM_AT, 32) != 0)
        return gf_err_set(e, GF_E_KEY, "%s: the key is damaged: its checksum is wrong", what);

    /* A public half of another key would make signatures that give the secret away. */
    (void)crypto_sign_ed25519_seed_keypair(seed_pk, seed_sk, file + SECRET_AT);
    bad = sodium_memcmp(seed_sk, file + SECRET_AT, sizeof(seed_sk)) != 0;
    sodium_memzero(seed_sk, sizeof(seed_sk));
    if (bad) {
        return gf_err_set(e, GF_E_KEY, "%s: the key is damaged: its public half is another key's",
                          what);
    }
    return 0;
}

int gf_key_sign_parse(const char *text, size_t len, const char *what, struct gf_sign_key **out,
                      struct gf_err *e) {
    uint8_t file[FILE_BYTES];
    struct gf_sign_key *k = NULL;
    const char *line;
    size_t got;
    int rc = -1;

    if (two_lines(text, len, FILE_LINE, what, &line, e) != 0)
        return -1;
    if (gf_text_unbase64(line, FILE_LINE, 1, file, sizeof(file), &got) != 0 ||
        got != sizeof(file)) {
        (void)gf_err_set(e, GF_E_KEY, "%s: the key is damaged: its second line is not base64",
                         what);
        goto out;
    }
    if (secret_check(file, what, e) != 0 || (k = sign_alloc(e)) == NULL)
        goto out;
    memcpy(k->public.keynum, file + NUMBER_AT, sizeof(k->public.keynum));
    memcpy(k->secret, file + SECRET_AT, sizeof(k->secret));
    memcpy(k->public.pk, k->secret + 32, sizeof(k->public.pk));
    rc = sign_finish(k, out, e);
out:
    sodium_memzero(file, sizeof(file));
    return rc;
}

void gf_key_sign_text(const struct gf_sign_key *k, struct gf_buf *out) {
    uint8_t file[FILE_BYTES] = {'E', 'd', 0, 0, 'B', '2'};

    memcpy(file + NUMBER_AT, k->public.keynum, sizeof(k->public.keynum));
    memcpy(file + SECRET_AT, k->secret, sizeof(k->secret));
    checksum(file, file + CHECKSUM_AT);

    gf_buf_text(out, GF_KEY_COMMENT SECRET_COMMENT "\n");
    gf_text_base64(out, file, sizeof(file), 1);
    gf_buf_byte(out, '\n');
    sodium_memzero(file, sizeof(file));
}

int gf_key_sign_public_unline(const char *text, size_t len, struct gf_sign_public *out) {
    uint8_t b[PUBLIC_BYTES];
    size_t got;

    if (len != GF_SIGN_PUBLIC_TEXT - 1 || gf_text_unbase64(text, len, 1, b, sizeof(b), &got) != 0 ||
        got != sizeof(b) || memcmp(b, "Ed", 2) != 0)
        return -1;
    memcpy(out->keynum, b + 2, sizeof(out->keynum));
    memcpy(out->pk, b + 10, sizeof(out->pk));
    return 0;
}

int gf_key_sign_public_parse(const char *text, size_t len, const char *what,
                             struct gf_sign_public *out, struct gf_err *e) {
    const char *line;

    if (two_lines(text, len, GF_SIGN_PUBLIC_TEXT - 1, what, &line, e) != 0)
        return -1;
    if (gf_key_sign_public_unline(line, GF_SIGN_PUBLIC_TEXT - 1, out) != 0)
        return gf_err_set(e, GF_E_KEY, "%s: the key is damaged or not a minisign public key", what);
    return 0;
}

void gf_key_sign_public_line(const struct gf_sign_public *k, char out[GF_SIGN_PUBLIC_TEXT]) {
    uint8_t b[PUBLIC_BYTES] = {'E', 'd'};

    memcpy(b + 2, k->keynum, sizeof(k->keynum));
    memcpy(b + 10, k->pk, sizeof(k->pk));
    (void)sodium_bin2base64(out, GF_SIGN_PUBLIC_TEXT, b, sizeof(b), sodium_base64_VARIANT_ORIGINAL);
}

void gf_key_sign_public_text(const struct gf_sign_public *k, struct gf_buf *out) {
    char line[GF_SIGN_PUBLIC_TEXT];

    gf_key_sign_public_line(k, line);
    gf_buf_printf(out, GF_KEY_COMMENT "minisign public key %llX\n%s\n", gf_key_number(k->keynum),
                  line);
}
