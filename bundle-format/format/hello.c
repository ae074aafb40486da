/*
 * hello.c -- hellos: make, verify.
 */
#include "gapferry/hello.h"

#include <string.h>

#include "format/line.h"
#include "format/put.h"
#include "gapferry/digest.h"
#include "gapferry/json.h"

#define FORMAT        "gapferry-hello/1"
#define FORMAT_FAMILY "gapferry-hello/"

static size_t count_former(const struct gf_hello_by *by) {
    return by->nformer < GF_HELLO_FORMER_MAX ? by->nformer : GF_HELLO_FORMER_MAX;
}

static void put_former(const struct gf_hello_by *by, struct gf_buf *b) {
    gf_buf_text(b, ",\"former\":[");
    for (size_t i = 0; i < count_former(by); i++) {
        char hex[GF_HASH_TEXT];
        gf_text_hex(by->former[i].card.identity.b, sizeof by->former[i].card.identity.b, hex);
        gf_buf_printf(b, "%s\"%s\"", i > 0 ? "," : "", hex);
    }
    gf_buf_byte(b, ']');
}

/* By the key of now and by each that is named. */
static int sign(const struct gf_hello_by *by, const struct gf_buf *json, struct gf_buf *out,
                struct gf_err *e) {
    int rc = gf_document_sign(by->id->sign, json->data, json->len, FORMAT, out, e);

    for (size_t i = 0; rc == 0 && i < count_former(by); i++)
        rc = gf_document_sign(by->former[i].sign, json->data, json->len, FORMAT, out, e);
    return rc;
}

int gf_hello_make(const struct gf_hello_by *by, const uint8_t nonce[32], int64_t now,
                  const char *version, struct gf_buf *out, struct gf_err *e) {
    struct gf_buf b, sigs;
    int rc = -1;

    if (gf_line_is_plain(version, 1, GF_WORD_MAX, "version", e) == -1 ||
        gf_line_is_time(now, "at", e) == -1) {
        if (e != NULL)
            e->code = GF_E_USAGE;
        return gf_err_prefix(e, "hello");
    }
    gf_buf_init(&b, GF_HELLO_MAX);
    gf_buf_init(&sigs, GF_HELLO_MAX);
    gf_buf_byte(&b, '{');
    gf_put_str(&b, "format", FORMAT);
    gf_put_hex(&b, "nonce", nonce, 32);
    gf_put_hex(&b, "relay", by->id->card.identity.b, sizeof by->id->card.identity.b);
    put_former(by, &b);
    gf_put_time(&b, "at", 1, now);
    gf_put_str(&b, "version", version);
    gf_buf_text(&b, ",\"ext\":{}}\n");
    if (gf_buf_check(&b, "hello", e) == 0 && sign(by, &b, &sigs, e) == 0) {
        gf_buf_add(out, b.data, b.len);
        gf_buf_add(out, sigs.data, sigs.len);
        rc = gf_buf_check(out, "hello", e);
    }
    gf_buf_free(&sigs);
    gf_buf_free(&b);
    return rc;
}

/* Signed by the relay's key, as a hello: its other documents are none. */
static int check_signature(const struct gf_document *d, const struct gf_card *relay,
                           struct gf_err *e) {
    size_t which = 0;

    if (gf_document_verify(d, &relay->sign, &which, NULL) == -1)
        return gf_err_set(e, GF_E_SIGNATURE, "hello: not signed by the relay that is trusted");
    const struct gf_minisig *sig = &d->sigs[which];
    if (sig->trusted_len != strlen(FORMAT) || memcmp(sig->trusted, FORMAT, strlen(FORMAT)) != 0)
        return gf_err_set(e, GF_E_DOCUMENT, "hello: its trusted comment must be " FORMAT);
    return 0;
}

/* The format of a newer version may have other fields, so it comes first. */
static int read_format(struct gf_json_obj *o, struct gf_err *e) {
    const char *format = "";

    if (gf_json_str(o, "format", 1, GF_WORD_MAX, &format) == 1 && strcmp(format, FORMAT) != 0) {
        int newer = strncmp(format, FORMAT_FAMILY, strlen(FORMAT_FAMILY)) == 0;
        gf_json_fail(o, newer ? GF_E_VERSION : GF_E_DOCUMENT, "format must be %s", FORMAT);
    }
    return o->err.code == GF_OK ? 0 : gf_json_end(o, e);
}

/* 1 if the relay that made it says to have been the one of this card. */
static int read_former(struct gf_json_obj *o, const struct gf_card *relay) {
    struct gf_hash was;
    size_t n = 0;
    int found = 0;

    gf_json_array(o, "former", GF_HELLO_FORMER_MAX, &n);
    for (size_t i = 0; i < n; i++)
        if (gf_json_item_hex(o, "former", i, was.b, sizeof was.b) == 1)
            found |= memcmp(&was, &relay->identity, sizeof was) == 0;
    return found;
}

static int read_hello(struct gf_json_obj *o, const struct gf_card *relay, const uint8_t nonce[32],
                      struct gf_hello *out, struct gf_err *e) {
    const char *version = "";
    uint8_t answered[32] = {0};
    struct gf_hash from = {{0}};
    struct gf_hello h = {.at = 0};

    if (read_format(o, e) == -1)
        return -1;
    gf_json_hex(o, "nonce", answered, sizeof answered);
    gf_json_hex(o, "relay", from.b, sizeof from.b);
    int was = read_former(o, relay);
    gf_json_time(o, "at", &h.at);
    if (gf_json_str(o, "version", 1, GF_WORD_MAX, &version) == 1 &&
        gf_line_is_plain(version, 1, GF_WORD_MAX, "version", NULL) == -1)
        gf_json_fail(o, GF_E_DOCUMENT, "version must be text without control characters");
    gf_json_any_obj(o, "ext");
    if (gf_json_end(o, e) == -1)
        return -1;
    h.has_successor = memcmp(&from, &relay->identity, sizeof from) != 0;
    if (h.has_successor && !was)
        return gf_err_set(e, GF_E_DOCUMENT,
                          "hello: it names another relay than the one that "
                          "signed it");
    if (!gf_digest_equal(answered, nonce, sizeof answered))
        return gf_err_set(e, GF_E_REPLAY,
                          "hello: it answers another question: a cache or a recording speaks, not "
                          "the relay");
    memcpy(h.version, version, strlen(version) + 1);
    *out = h;
    return 0;
}

int gf_hello_verify(const char *text, size_t len, const struct gf_card *relay,
                    const uint8_t nonce[32], struct gf_hello *out, struct gf_err *e) {
    struct gf_document d;
    struct gf_json_obj o;
    struct gf_json *j = NULL;

    if (len > GF_HELLO_MAX)
        return gf_err_set(e, GF_E_LIMIT, "hello: longer than %d bytes", GF_HELLO_MAX);
    if (gf_document_split(text, len, GF_HELLO_MAX, "hello", &d, e) == -1 ||
        check_signature(&d, relay, e) == -1 ||
        gf_json_parse(d.json, d.json_len, "hello", GF_E_DOCUMENT, &j, e) == -1)
        return -1;
    gf_json_root(j, &o);
    int rc = read_hello(&o, relay, nonce, out, e);
    gf_json_free(j);
    return rc;
}
