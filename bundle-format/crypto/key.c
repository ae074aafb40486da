/*
 * key.c -- identities, and the lines that key files and signatures are made of.
 */
#include "gapferry/key.h"

#include <sodium.h>
#include <string.h>

#include "gapferry/digest.h"
#include "key_secret.h"

#define IDENTITY_LABEL "gapferry-identity/1"

void gf_key_identity(const struct gf_sign_public *sign, const struct gf_seal_public *seal,
                     struct gf_hash *out) {
    enum { LABEL = sizeof(IDENTITY_LABEL) - 1 };
    uint8_t joined[LABEL + sizeof(sign->pk) + sizeof(seal->pk)];

    /* All three parts have fixed lengths, so the joint needs no separators. */
    memcpy(joined, IDENTITY_LABEL, LABEL);
    memcpy(joined + LABEL, sign->pk, sizeof(sign->pk));
    memcpy(joined + LABEL + sizeof(sign->pk), seal->pk, sizeof(seal->pk));
    gf_digest_256(joined, sizeof(joined), out);
}

int gf_key_line(const char **text, size_t *len, const char **line, size_t *n) {
    const char *end = *len == 0 ? NULL : memchr(*text, '\n', *len);

    if (end == NULL)
        return -1;
    *line = *text;
    *n = (size_t)(end - *text);
    *len -= *n + 1;
    *text = end + 1;
    return 0;
}

int gf_key_comment(const char *line, size_t n, const char *prefix) {
    size_t p = strlen(prefix);

    if (n < p || memcmp(line, prefix, p) != 0 || !gf_text_is_utf8(line + p, n - p))
        return 0;
    for (size_t i = p; i < n; i++) {
        unsigned char c = (unsigned char)line[i];
        /* U+0080 to U+009F are control characters too: C2 80 to C2 9F. */
        if ((c < 0x20 && c != '\t') || c == 0x7f ||
            (c == 0xc2 && (unsigned char)line[i + 1] < 0xa0))
            return 0;
    }
    return 1;
}

unsigned long long gf_key_number(const uint8_t keynum[8]) {
    unsigned long long v = 0;

    for (int i = 7; i >= 0; i--)
        v = v << 8 | keynum[i];
    return v;
}

void gf_key_sign_free(struct gf_sign_key *k) {
    sodium_free(k);
}

void gf_key_seal_free(struct gf_seal_key *k) {
    sodium_free(k);
}

const struct gf_sign_public *gf_key_sign_public(const struct gf_sign_key *k) {
    return &k->public;
}

const struct gf_seal_public *gf_key_seal_public(const struct gf_seal_key *k) {
    return &k->public;
}
