/*
 * keygen.c -- the envelope of Keygen's files: a fixed form, its signature, its encryption. What is
 * in it is read by keygen_read.c.
 */
#include "agent/license/keygen.h"

#include <stdlib.h>
#include <string.h>

#include "gapferry/digest.h"

static const char *const begins[] = {"-----BEGIN LICENSE FILE-----",
                                     "-----BEGIN MACHINE FILE-----"};
static const char *const ends[] = {"-----END LICENSE FILE-----", "-----END MACHINE FILE-----"};
static const char *const prefixes[] = {"license/", "machine/"};
static const char *const kinds[] = {"licence file", "machine file"};

/* 0 or 1: which kind of file begins here; -1 none. */
static int kind_of(const char *text, size_t len) {
    for (int i = 0; i < 2; i++) {
        size_t n = strlen(begins[i]);
        if (len > n && memcmp(text, begins[i], n) == 0)
            return i;
    }
    return -1;
}

int keygen_is(const char *text, size_t len) {
    return kind_of(text, len) != -1;
}

/* The three texts of an envelope, borrowed from its bytes. */
struct envelope {
    const char *enc, *sig, *alg;
    size_t enc_len, sig_len, alg_len;
};

static const char *skip_space(const char *at, const char *end) {
    while (at < end && (*at == ' ' || *at == '\n' || *at == '\r' || *at == '\t'))
        at++;
    return at;
}

/* Pass "TEXT", whose bytes need no escape in JSON; NULL if there is none. */
static const char *pass_text(const char *at, const char *end, const char **text, size_t *len) {
    if (at == end || *at != '"')
        return NULL;
    *text = ++at;
    while (at<end && * at> 0x20 && *at < 0x7f && *at != '"' && *at != '\\')
        at++;
    if (at == end || *at != '"')
        return NULL;
    *len = (size_t)(at - *text);
    return at + 1;
}

/* Pass `"NAME": "TEXT"`, one of the three, each once. */
static const char *pass_member(const char *at, const char *end, struct envelope *v) {
    const struct {
        const char *name;
        const char **text;
        size_t *len;
    } members[] = {{"enc", &v->enc, &v->enc_len},
                   {"sig", &v->sig, &v->sig_len},
                   {"alg", &v->alg, &v->alg_len}};
    const char *name;
    size_t n;

    at = pass_text(at, end, &name, &n);
    if (!at)
        return NULL;
    at = skip_space(at, end);
    if (at == end || *at != ':')
        return NULL;
    at = skip_space(at + 1, end);
    for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
        if (n == 3 && memcmp(name, members[i].name, 3) == 0 && !*members[i].text)
            return pass_text(at, end, members[i].text, members[i].len);
    }
    return NULL;
}

/* {"enc": ..., "sig": ..., "alg": ...} in any order and nothing else. */
static int split(const char *at, const char *end, struct envelope *v) {
    *v = (struct envelope){0};
    at = skip_space(at, end);
    for (int i = 0; i < 3; i++) {
        if (at == end || *at != (i == 0 ? '{' : ','))
            return -1;
        at = pass_member(skip_space(at + 1, end), end, v);
        if (!at)
            return -1;
        at = skip_space(at, end);
    }
    return at < end && *at == '}' && skip_space(at + 1, end) == end ? 0 : -1;
}

/* The lines between begin and end as one run of base64, decoded in place. */
static int unarmour(const char *text, size_t len, int kind, struct gf_buf *out, struct gf_err *e) {
    const char *at = text + strlen(begins[kind]), *end = text + len;
    const char *stop = memmem(at, (size_t)(end - at), ends[kind], strlen(ends[kind]));
    size_t n = 0;

    if (!stop || skip_space(stop + strlen(ends[kind]), end) != end)
        return gf_err_set(e, GF_E_DOCUMENT,
                          "%s: does not end with the line %s: it was cut off, or more was added",
                          kinds[kind], ends[kind]);
    for (; at < stop; at++) {
        if (*at != '\n' && *at != '\r')
            gf_buf_byte(out, *at);
    }
    if (gf_buf_check(out, kinds[kind], e) == -1)
        return -1;
    if (out->len == 0 ||
        gf_text_unbase64(out->data, out->len, 1, (uint8_t *)out->data, out->len, &n) == -1)
        return gf_err_set(e, GF_E_DOCUMENT, "%s: is not base64 between its first and last line",
                          kinds[kind]);
    out->len = n;
    return 0;
}

/* One base64 text of a fixed size. */
static int fixed(const char *text, size_t n, uint8_t *out, size_t size) {
    size_t len = 0;
    return gf_text_unbase64(text, n, 1, out, size, &len) == 0 && len == size ? 0 : -1;
}

static int check_signature(const struct envelope *v, int kind, const uint8_t *vendor,
                           struct gf_err *e) {
    uint8_t sig[GF_FOREIGN_SIG];
    char hex[2 * GF_FOREIGN_KEY + 1];
    struct gf_buf message;

    if (fixed(v->sig, v->sig_len, sig, sizeof sig) == -1)
        return gf_err_set(e, GF_E_DOCUMENT, "%s: its \"sig\" is not base64 of 64 bytes",
                          kinds[kind]);
    gf_buf_init(&message, KEYGEN_FILE_MAX);
    gf_buf_text(&message, prefixes[kind]);
    gf_buf_add(&message, v->enc, v->enc_len);
    int rc = gf_buf_check(&message, kinds[kind], e);
    if (rc == 0 && gf_foreign_verify(vendor, message.data, message.len, sig, e) == -1) {
        gf_text_hex(vendor, GF_FOREIGN_KEY, hex);
        rc = gf_err_set(e, GF_E_SIGNATURE,
                        "%s: not signed by the vendor key %s: it was changed, or it is somebody "
                        "else's",
                        kinds[kind], hex);
    }
    gf_buf_free(&message);
    return rc;
}

/* enc, which is signed, in plain base64. */
static int decode(const struct envelope *v, int kind, struct gf_buf *json, struct gf_err *e) {
    size_t n = 0;

    char *room = gf_buf_grow(json, v->enc_len);
    if (!room)
        return gf_buf_check(json, kinds[kind], e);
    if (gf_text_unbase64(v->enc, v->enc_len, 1, (uint8_t *)room, v->enc_len, &n) == -1)
        return gf_err_set(e, GF_E_LICENSE, "%s: its \"enc\" is not base64", kinds[kind]);
    json->len = n;
    room[n] = '\0';
    return 0;
}

/* SHA-256 is of the licence key and, for machines, the fingerprint. */
static int decrypt_with(const struct envelope *v, const char *const dots[2], int kind,
                        const struct gf_buf *secret, struct gf_buf *json, struct gf_err *e) {
    const char *end = v->enc + v->enc_len;
    struct gf_foreign_sealed sealed;
    size_t room_len = (size_t)(dots[0] - v->enc);

    char *room = gf_buf_grow(json, room_len);
    if (!room)
        return gf_buf_check(json, kinds[kind], e);
    if (gf_text_unbase64(v->enc, room_len, 1, (uint8_t *)room, room_len, &sealed.len) == -1 ||
        fixed(dots[0] + 1, (size_t)(dots[1] - dots[0] - 1), sealed.iv, sizeof sealed.iv) == -1 ||
        fixed(dots[1] + 1, (size_t)(end - dots[1] - 1), sealed.tag, sizeof sealed.tag) == -1)
        return gf_err_set(e, GF_E_LICENSE,
                          "%s: its \"enc\" is not base64 of ciphertext, iv and tag", kinds[kind]);
    json->len = sealed.len;
    room[sealed.len] = '\0';
    sealed.data = (const uint8_t *)room;
    if (gf_foreign_decrypt(secret->data, secret->len, &sealed, (uint8_t *)room, e) == 0)
        return 0;
    if (e->code == GF_E_UNABLE)
        return gf_err_set(e, GF_E_UNABLE,
                          "%s: is encrypted with AES-256-GCM, and this machine's processor has no "
                          "AES instructions; ask the vendor for one with base64+ed25519",
                          kinds[kind]);
    return gf_err_set(e, GF_E_UNWRAP,
                      "%s: does not open with this licence key%s: check %s for slips", kinds[kind],
                      kind ? " and fingerprint" : "", kind ? "both" : "it");
}

static int decrypt(const struct envelope *v, int kind, const char *key, const char *fingerprint,
                   struct gf_buf *json, struct gf_err *e) {
    const char *dots[2] = {memchr(v->enc, '.', v->enc_len), NULL};
    struct gf_buf secret;

    if (dots[0])
        dots[1] = memchr(dots[0] + 1, '.', v->enc_len - (size_t)(dots[0] + 1 - v->enc));
    if (!dots[1])
        return gf_err_set(e, GF_E_LICENSE,
                          "%s: its \"enc\" is not ciphertext, iv and tag with dots between",
                          kinds[kind]);
    if (!key || (kind && !fingerprint))
        return gf_err_set(e, GF_E_UNWRAP, "%s: is encrypted; it opens with %s", kinds[kind],
                          kind ? "--key LICENSEKEY and --fingerprint FINGERPRINT"
                               : "--key LICENSEKEY");
    gf_buf_init(&secret, 4096);
    gf_buf_text(&secret, key);
    if (kind)
        gf_buf_text(&secret, fingerprint);
    int rc = gf_buf_check(&secret, "key and fingerprint", e);
    if (rc == 0)
        rc = decrypt_with(v, dots, kind, &secret, json, e);
    gf_buf_free(&secret);
    return rc;
}

static int is_alg(const struct envelope *v, const char *alg) {
    return strlen(alg) == v->alg_len && memcmp(v->alg, alg, v->alg_len) == 0;
}

int keygen_open(const char *text, size_t len, const uint8_t vendor[GF_FOREIGN_KEY], const char *key,
                const char *fingerprint, struct gf_buf *json, struct gf_err *e) {
    int kind = kind_of(text, len);
    struct gf_buf inner;
    struct envelope v;

    gf_buf_init(json, KEYGEN_FILE_MAX);
    gf_buf_init(&inner, KEYGEN_FILE_MAX);
    if (kind == -1)
        return gf_err_set(e, GF_E_DOCUMENT, "is neither a licence file nor a machine file");
    int rc = -1;
    if (unarmour(text, len, kind, &inner, e) == -1)
        goto out;
    if (split(inner.data, inner.data + inner.len, &v) == -1) {
        (void)gf_err_set(e, GF_E_DOCUMENT,
                         "%s: is not {\"enc\": ..., \"sig\": ..., \"alg\": ...} within its base64",
                         kinds[kind]);
        goto out;
    }
    int plain = is_alg(&v, "base64+ed25519");
    if (!plain && !is_alg(&v, "aes-256-gcm+ed25519")) {
        (void)gf_err_set(e, GF_E_VERSION,
                         "%s: its algorithm is %.*s; ask the vendor for one with base64+ed25519 or "
                         "aes-256-gcm+ed25519",
                         kinds[kind], (int)(v.alg_len < 64 ? v.alg_len : 64), v.alg);
        goto out;
    }
    rc = check_signature(&v, kind, vendor, e);
    if (rc == 0)
        rc = plain ? decode(&v, kind, json, e) : decrypt(&v, kind, key, fingerprint, json, e);

out:
    gf_buf_free(&inner);
    if (rc == -1)
        gf_buf_free(json);
    return rc;
}

int keygen_parse(const char *text, size_t len, const uint8_t vendor[GF_FOREIGN_KEY],
                 const char *key, const char *fingerprint, struct license *out, struct keygen *more,
                 struct gf_err *e) {
    struct keygen unwanted;
    struct gf_buf json;

    if (keygen_open(text, len, vendor, key, fingerprint, &json, e) == -1)
        return -1;
    int rc = keygen_read(json.data ? json.data : "", json.len, kind_of(text, len), key, fingerprint,
                         out, more ? more : &unwanted, e);
    gf_buf_free(&json);
    return rc;
}
