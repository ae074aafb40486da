/*
 * age_header.c -- the textual header of an age v1 file, read as strictly as its test vectors ask:
 *
 *   age-encryption.org/v1
 *   -> TYPE ARGUMENT ...       one stanza or more; each body is base64 in lines of 64 columns and
 *   BODY                       ends with a shorter one, which may be empty
 *   --- MAC
 */
#include "age_header.h"

#include <sodium.h>
#include <string.h>

#include "gapferry/digest.h"
#include "key_secret.h"

#define VERSION   "age-encryption.org/v1\n"
#define STANZA    "-> "
#define X25519    "X25519"
#define MAC       "---"
#define WRAP_INFO "age-encryption.org/v1/X25519"

enum {
    VERSION_LEN = sizeof(VERSION) - 1,
    STANZA_LEN = sizeof(STANZA) - 1,
    MAC_LEN = sizeof(MAC) - 1,
    COLUMNS = 64,
    COLUMN_BYTES = COLUMNS / 4 * 3,
    B64_32 = 43 /* 32 bytes in base64 without padding */
};

/* What is left to read. `cut` tells a text that ends too early from one that is too long. */
struct reader {
    const char *at;
    size_t left;
    int cut;
};

void gf_age_header_hkdf(const uint8_t *ikm, size_t ikm_len, const uint8_t *salt, size_t salt_len,
                        const char *info, uint8_t out[32]) {
    crypto_auth_hmacsha256_state s;
    uint8_t prk[32];
    const uint8_t one = 1;

    /* No salt is an empty one; libsodium wants a pointer all the same. */
    (void)crypto_auth_hmacsha256_init(&s, salt_len == 0 ? &one : salt, salt_len);
    (void)crypto_auth_hmacsha256_update(&s, ikm, ikm_len);
    (void)crypto_auth_hmacsha256_final(&s, prk);
    (void)crypto_auth_hmacsha256_init(&s, prk, sizeof(prk));
    (void)crypto_auth_hmacsha256_update(&s, (const uint8_t *)info, strlen(info));
    (void)crypto_auth_hmacsha256_update(&s, &one, 1);
    (void)crypto_auth_hmacsha256_final(&s, out);
    sodium_memzero(prk, sizeof(prk));
    sodium_memzero(&s, sizeof(s));
}

static int next_line(struct reader *r, const char **line, size_t *n) {
    if (gf_key_line(&r->at, &r->left, line, n) == 0)
        return 0;
    r->cut = 1;
    return -1;
}

static int starts(const struct reader *r, const char *with, size_t n) {
    return r->left >= n && memcmp(r->at, with, n) == 0;
}

/* One argument of a stanza: printable ASCII, then a single space and more, or the line's end. */
static int next_argument(const char **at, const char *end, const char **arg, size_t *n) {
    const char *p = *at;

    while (p<end && * p> ' ' && *p < 0x7f)
        p++;
    if (p == *at || (p < end && (*p != ' ' || p + 1 == end)))
        return -1;
    *arg = *at;
    *n = (size_t)(p - *at);
    *at = p < end ? p + 1 : end;
    return 0;
}

/* A stanza's body. Up to max bytes of it are kept; *len is its whole length. */
static int read_body(struct reader *r, uint8_t *out, size_t max, size_t *len) {
    const char *line;
    size_t n, got;

    *len = 0;
    do {
        uint8_t part[COLUMN_BYTES];
        if (next_line(r, &line, &n) != 0 || n > COLUMNS ||
            gf_text_unbase64(line, n, 0, part, sizeof(part), &got) != 0)
            return -1;
        if (*len < max && got > 0)
            memcpy(out + *len, part, got < max - *len ? got : max - *len);
        *len += got;
    } while (n == COLUMNS);
    return 0;
}

static int word_is(const char *word, size_t n, const char *want) {
    return n == strlen(want) && memcmp(word, want, n) == 0;
}

/* One stanza. X25519 stanzas are kept and held to their own form; others to the grammar only. */
static int read_stanza(struct reader *r, struct gf_age_header *h, int *scrypt, struct gf_err *e) {
    const char *line, *at, *end, *type, *arg = NULL;
    size_t n, type_len, arg_len = 0, args = 0, body, got;
    struct gf_age_stanza s;

    if (h->x25519 + h->others == GF_AGE_STANZAS_MAX)
        return gf_err_set(e, GF_E_LIMIT, "the age header has more than %d stanzas",
                          GF_AGE_STANZAS_MAX);
    if (next_line(r, &line, &n) != 0)
        goto bad;
    at = line + STANZA_LEN;
    end = line + n;
    if (next_argument(&at, end, &type, &type_len) != 0)
        goto bad;
    for (; at < end; args++) {
        if (next_argument(&at, end, &arg, &arg_len) != 0)
            goto bad;
    }
    if (read_body(r, s.body, sizeof(s.body), &body) != 0)
        goto bad;
    if (!word_is(type, type_len, X25519)) {
        *scrypt |= word_is(type, type_len, "scrypt");
        h->others++;
        return 0;
    }
    if (args != 1 || body != sizeof(s.body) ||
        gf_text_unbase64(arg, arg_len, 0, s.share, sizeof(s.share), &got) != 0 ||
        got != sizeof(s.share))
        goto bad;
    h->stanzas[h->x25519++] = s;
    return 0;
bad:
    return gf_err_set(e, GF_E_AGE, "the age header's stanza %zu is malformed",
                      h->x25519 + h->others + 1);
}

static int read_header(struct reader *r, struct gf_age_header *h, struct gf_err *e) {
    const char *begin = r->at, *line;
    size_t n, got;
    int scrypt = 0;

    h->x25519 = h->others = 0;
    if (!starts(r, VERSION, VERSION_LEN))
        return gf_err_set(e, GF_E_AGE, "not an age v1 file (or one in ASCII armor)");
    r->at += VERSION_LEN;
    r->left -= VERSION_LEN;
    while (starts(r, STANZA, STANZA_LEN)) {
        if (read_stanza(r, h, &scrypt, e) != 0)
            return -1;
    }
    /* A passphrase beside other recipients would let them pass for its holder. */
    if (h->x25519 + h->others == 0 || (scrypt && h->x25519 + h->others > 1))
        return gf_err_set(e, GF_E_AGE, "the age header has no stanza, or a passphrase and others");

    h->maced = (size_t)(r->at - begin) + MAC_LEN;
    if (next_line(r, &line, &n) != 0 || n != MAC_LEN + 1 + B64_32 ||
        memcmp(line, MAC " ", MAC_LEN + 1) != 0 ||
        gf_text_unbase64(line + MAC_LEN + 1, B64_32, 0, h->mac, sizeof(h->mac), &got) != 0)
        return gf_err_set(e, GF_E_AGE, "the age header's last line is malformed or cut");
    h->size = (size_t)(r->at - begin);
    return 0;
}

int gf_age_header_parse(const uint8_t *data, size_t len, struct gf_age_header *out,
                        struct gf_err *e) {
    size_t part = len < GF_AGE_HEADER_MAX ? len : GF_AGE_HEADER_MAX;
    struct reader r = {.at = (const char *)data, .left = part};

    if (read_header(&r, out, e) == 0)
        return 0;
    if (r.cut && part < len)
        return gf_err_set(e, GF_E_LIMIT, "the age header is longer than %d bytes",
                          GF_AGE_HEADER_MAX);
    return -1;
}

/* The key that wraps the file key: both sides derive it from their point and the other's. */
static int wrap_key(const uint8_t secret[32], const uint8_t point[32], const uint8_t share[32],
                    const uint8_t recipient[32], uint8_t out[32]) {
    uint8_t shared[32], salt[64];
    int rc = crypto_scalarmult_curve25519(shared, secret, point);

    /* It fails for points of low order, for which everybody knows the shared secret. */
    if (rc == 0) {
        memcpy(salt, share, 32);
        memcpy(salt + 32, recipient, 32);
        gf_age_header_hkdf(shared, sizeof(shared), salt, sizeof(salt), WRAP_INFO, out);
    }
    sodium_memzero(shared, sizeof(shared));
    return rc == 0 ? 0 : -1;
}

/* Each wrapping key is used once, so that the nonce is constant. */
static const uint8_t no_nonce[crypto_aead_chacha20poly1305_IETF_NPUBBYTES];

int gf_age_header_unwrap(const struct gf_age_header *h, const struct gf_seal_key *const *keys,
                         size_t nkeys, uint8_t file_key[GF_AGE_FILE_KEY], struct gf_err *e) {
    uint8_t key[32];

    for (size_t k = 0; k < nkeys; k++) {
        for (size_t i = 0; i < h->x25519; i++) {
            const struct gf_age_stanza *s = &h->stanzas[i];
            int rc;

            if (wrap_key(keys[k]->secret, s->share, s->share, keys[k]->public.pk, key) != 0)
                return gf_err_set(e, GF_E_AGE, "the age header has a share of low order");
            rc = crypto_aead_chacha20poly1305_ietf_decrypt(file_key, NULL, NULL, s->body,
                                                           sizeof(s->body), NULL, 0, no_nonce, key);
            sodium_memzero(key, sizeof(key));
            if (rc == 0)
                return 0;
        }
    }
    return gf_err_set(e, GF_E_UNWRAP,
                      "not sealed for our key: none of %zu X25519 stanzas opens with it",
                      h->x25519);
}

static void header_mac(const uint8_t *data, size_t len, const uint8_t file_key[GF_AGE_FILE_KEY],
                       uint8_t out[32]) {
    crypto_auth_hmacsha256_state s;
    uint8_t key[32];

    gf_age_header_hkdf(file_key, GF_AGE_FILE_KEY, (const uint8_t *)"", 0, "header", key);
    (void)crypto_auth_hmacsha256_init(&s, key, sizeof(key));
    (void)crypto_auth_hmacsha256_update(&s, data, len);
    (void)crypto_auth_hmacsha256_final(&s, out);
    sodium_memzero(key, sizeof(key));
    sodium_memzero(&s, sizeof(s));
}

int gf_age_header_check(const struct gf_age_header *h, const uint8_t *data,
                        const uint8_t file_key[GF_AGE_FILE_KEY], struct gf_err *e) {
    uint8_t mac[32];

    header_mac(data, h->maced, file_key, mac);
    if (sodium_memcmp(mac, h->mac, sizeof(mac)) != 0)
        return gf_err_set(e, GF_E_HMAC, "the age header's MAC does not match: it was changed");
    return 0;
}

/* Append one stanza with a fresh ephemeral key. */
static int write_stanza(const struct gf_seal_public *to, const uint8_t file_key[GF_AGE_FILE_KEY],
                        struct gf_buf *out) {
    struct gf_age_stanza s;
    uint8_t secret[32], key[32];
    int rc;

    randombytes_buf(secret, sizeof(secret));
    (void)crypto_scalarmult_curve25519_base(s.share, secret);
    rc = wrap_key(secret, to->pk, s.share, to->pk, key);
    sodium_memzero(secret, sizeof(secret));
    if (rc != 0)
        return -1;
    (void)crypto_aead_chacha20poly1305_ietf_encrypt(s.body, NULL, file_key, GF_AGE_FILE_KEY, NULL,
                                                    0, NULL, no_nonce, key);
    sodium_memzero(key, sizeof(key));
    gf_buf_text(out, STANZA X25519 " ");
    gf_text_base64(out, s.share, sizeof(s.share), 0);
    gf_buf_byte(out, '\n');
    gf_text_base64(out, s.body, sizeof(s.body), 0);
    gf_buf_byte(out, '\n');
    return 0;
}

int gf_age_header_write(const struct gf_seal_public *to, size_t n,
                        const uint8_t file_key[GF_AGE_FILE_KEY], struct gf_buf *out,
                        struct gf_err *e) {
    size_t begin = out->len;
    uint8_t mac[32];

    gf_buf_text(out, VERSION);
    for (size_t i = 0; i < n; i++) {
        char line[GF_SEAL_PUBLIC_TEXT];
        if (gf_key_seal_canonical(&to[i]) && write_stanza(&to[i], file_key, out) == 0)
            continue;
        gf_key_seal_public_line(&to[i], line);
        return gf_err_set(e, GF_E_KEY, "%s is no key that anything can be sealed for", line);
    }
    gf_buf_text(out, MAC);
    /* After a failed append there may be no data at all. */
    if (out->failed)
        return 0;
    header_mac((const uint8_t *)out->data + begin, out->len - begin, file_key, mac);
    gf_buf_byte(out, ' ');
    gf_text_base64(out, mac, sizeof(mac), 0);
    gf_buf_byte(out, '\n');
    return 0;
}

size_t gf_age_header_size(size_t n) {
    size_t stanza = STANZA_LEN + sizeof(X25519 " ") - 1 + B64_32 + 1 + B64_32 + 1;

    return VERSION_LEN + n * stanza + MAC_LEN + 1 + B64_32 + 1;
}
