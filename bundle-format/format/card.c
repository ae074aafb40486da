/*
 * card.c -- cards: parse, write, fingerprint.
 */
#include "gapferry/card.h"

#include <stdio.h>
#include <string.h>

#include "format/line.h"
#include "format/put.h"
#include "gapferry/digest.h"
#include "gapferry/file.h"
#include "gapferry/json.h"

const char *const gf_card_roles[] = {"agent", "relay", "vendor", "reader", NULL};

#define FORMAT            "gapferry-card/1"
#define FORMAT_FAMILY     "gapferry-card/"
#define FINGERPRINT_LABEL "gapferry-fingerprint/1"

/* Base32 characters of a fingerprint, in how many groups. */
#define DIGITS 20
#define GROUP  4

/* The rules that concern several fields, or that a program can break as well as a file. */
static int check(const struct gf_card *c, struct gf_err *e) {
    if (c->role != GF_ROLE_AGENT && c->role != GF_ROLE_RELAY && c->role != GF_ROLE_VENDOR &&
        c->role != GF_ROLE_READER)
        return gf_err_set(e, GF_E_CARD, "its role is none of those known");
    if ((c->role == GF_ROLE_AGENT) != (c->has_agent != 0))
        return gf_err_set(e, GF_E_CARD, "an agent's card has an agent id, and no other card has");
    if (c->name[0] != '\0' && gf_line_is_plain(c->name, 1, GF_WORD_MAX, "name", e) == -1)
        goto card;
    if (gf_line_is_time(c->created, "created", e) == -1 ||
        (c->has_expires && gf_line_is_time(c->expires, "expires", e) == -1))
        goto card;
    if (c->has_expires && c->expires < c->created)
        return gf_err_set(e, GF_E_CARD, "expires is before created");
    return 0;
card:
    /* The rules of texts are those of lines; here they were broken by a card. */
    if (e != NULL)
        e->code = GF_E_CARD;
    return -1;
}

/* Both keys in the one-line forms of minisign and age. */
static void read_keys(struct gf_json_obj *o, struct gf_card *c) {
    const char *sign = "";
    const char *seal = "";

    if (gf_json_str(o, "sign", GF_SIGN_PUBLIC_TEXT - 1, GF_SIGN_PUBLIC_TEXT - 1, &sign) == 1 &&
        gf_key_sign_public_unline(sign, strlen(sign), &c->sign) == -1)
        gf_json_fail(o, GF_E_CARD, "sign must be the second line of a minisign public key");
    if (gf_json_str(o, "seal", GF_SEAL_PUBLIC_TEXT - 1, GF_SEAL_PUBLIC_TEXT - 1, &seal) == 1 &&
        gf_key_seal_public_unline(seal, strlen(seal), &c->seal) == -1)
        gf_json_fail(o, GF_E_CARD, "seal must be an age recipient, age1...");
}

static int read_object(struct gf_json_obj *o, struct gf_card *c, struct gf_err *e) {
    struct gf_json_obj ext;
    const char *format = "";
    const char *name = "";
    int role = 0;

    /* A newer card may have other fields, so its format comes first. */
    if (gf_json_str(o, "format", 1, GF_WORD_MAX, &format) == 1 && strcmp(format, FORMAT) != 0) {
        if (strncmp(format, FORMAT_FAMILY, strlen(FORMAT_FAMILY)) == 0)
            gf_json_fail(o, GF_E_VERSION,
                         "made by a newer version: its format is '%s', this program knows %s; "
                         "update this program",
                         format, FORMAT);
        else
            gf_json_fail(o, GF_E_CARD, "format must be %s", FORMAT);
    }
    if (o->err.code != GF_OK)
        return gf_json_end(o, e);

    gf_json_enum(o, "role", gf_card_roles, &role);
    c->role = (enum gf_role)role;
    gf_json_str_opt(o, "name", 1, GF_WORD_MAX, &name);
    c->has_agent = gf_json_hex_opt(o, "agent", c->agent.b, sizeof c->agent.b) == 1;
    read_keys(o, c);
    gf_json_time(o, "created", &c->created);
    c->has_expires = gf_json_time_opt(o, "expires", &c->expires) == 1;
    c->has_replaces = gf_json_hex_opt(o, "replaces", c->replaces.b, sizeof c->replaces.b) == 1;
    /* Whoever put something else there has no token: ext is open, and binds nobody. */
    if (gf_json_any_obj(o, "ext") == 1 && gf_json_obj(o, "ext", &ext) == 1)
        c->has_token_mac =
            gf_json_hex_opt(&ext, "token_mac", c->token_mac.b, sizeof c->token_mac.b) == 1;
    if (gf_json_end(o, e) == -1)
        return -1;
    memcpy(c->name, name, strlen(name) + 1);
    return 0;
}

/* The card's own signature proves that whoever made it had the key that it shows. */
static int check_own(const struct gf_document *d, const struct gf_card *c, const char *what,
                     struct gf_err *e) {
    const struct gf_minisig *own;
    size_t which = 0;

    if (gf_document_verify(d, &c->sign, &which, NULL) == -1)
        return gf_err_set(e, GF_E_SIGNATURE,
                          "%s: not signed by its own key: it was changed or is incomplete; get it "
                          "again from its owner",
                          what);
    own = &d->sigs[which];
    if (own->trusted_len != strlen(FORMAT) || memcmp(own->trusted, FORMAT, strlen(FORMAT)) != 0)
        return gf_err_set(e, GF_E_CARD, "%s: its own signature must have the trusted comment %s",
                          what, FORMAT);
    return 0;
}

int gf_card_parse(const char *text, size_t len, const char *what, struct gf_card *out,
                  struct gf_err *e) {
    struct gf_document d;
    struct gf_json_obj o;
    struct gf_json *j = NULL;
    struct gf_card c;
    int rc = -1;

    memset(&c, 0, sizeof c);
    if (len > GF_CARD_FILE_MAX)
        return gf_err_set(e, GF_E_LIMIT, "%s: larger than %d bytes, so it is no card", what,
                          GF_CARD_FILE_MAX);
    if (gf_document_split(text, len, GF_CARD_MAX, what, &d, e) == -1)
        return -1;
    if (gf_json_parse(d.json, d.json_len, what, GF_E_CARD, &j, e) == -1)
        return -1;
    gf_json_root(j, &o);
    if (read_object(&o, &c, e) == -1)
        goto out;
    if (check(&c, e) == -1) {
        gf_err_prefix(e, "%s", what);
        goto out;
    }
    if (check_own(&d, &c, what, e) == -1)
        goto out;

    gf_key_identity(&c.sign, &c.seal, &c.identity);
    c.cosigned = (int)d.nsigs - 1;
    *out = c;
    rc = 0;
out:
    gf_json_free(j);
    return rc;
}

int gf_card_load(int dir, const char *path, struct gf_card *out, struct gf_err *e) {
    struct gf_buf b;
    int rc;

    if (gf_file_load(dir, path, GF_CARD_FILE_MAX, &b, e) == -1)
        return -1;
    rc = gf_card_parse(b.data != NULL ? b.data : "", b.len, path, out, e);
    gf_buf_free(&b);
    return rc;
}

int gf_card_write(const struct gf_card *c, int with_name, const struct gf_sign_key *key,
                  struct gf_buf *out, struct gf_err *e) {
    const struct gf_sign_public *own = gf_key_sign_public(key);
    char sign[GF_SIGN_PUBLIC_TEXT];
    char seal[GF_SEAL_PUBLIC_TEXT];
    struct gf_buf b;
    int rc = -1;

    if (memcmp(own->pk, c->sign.pk, sizeof own->pk) != 0 ||
        memcmp(own->keynum, c->sign.keynum, sizeof own->keynum) != 0)
        return gf_err_set(e, GF_E_BUG, "card: signed with another key than the one it shows");
    if (check(c, e) == -1)
        return gf_err_prefix(e, "card");

    gf_key_sign_public_line(&c->sign, sign);
    gf_key_seal_public_line(&c->seal, seal);
    gf_buf_init(&b, GF_CARD_FILE_MAX);
    gf_buf_byte(&b, '{');
    gf_put_str(&b, "format", FORMAT);
    gf_put_str(&b, "role", gf_card_roles[c->role]);
    gf_put_str(&b, "name", with_name && c->name[0] != '\0' ? c->name : NULL);
    if (c->has_agent)
        gf_put_hex(&b, "agent", c->agent.b, sizeof c->agent.b);
    else
        gf_put_str(&b, "agent", NULL);
    gf_put_str(&b, "sign", sign);
    gf_put_str(&b, "seal", seal);
    gf_put_time(&b, "created", 1, c->created);
    gf_put_time(&b, "expires", c->has_expires, c->expires);
    if (c->has_replaces)
        gf_put_hex(&b, "replaces", c->replaces.b, sizeof c->replaces.b);
    else
        gf_put_str(&b, "replaces", NULL);
    gf_buf_text(&b, ",\"ext\":{");
    if (c->has_token_mac)
        gf_put_hex(&b, "token_mac", c->token_mac.b, sizeof c->token_mac.b);
    gf_buf_text(&b, "}}\n");
    if (gf_buf_check(&b, "card", e) == -1 ||
        gf_document_sign(key, b.data, b.len, FORMAT, &b, e) == -1)
        goto out;

    gf_buf_add(out, b.data, b.len);
    rc = gf_buf_check(out, "card", e);
out:
    gf_buf_free(&b);
    return rc;
}

/* ---- who else vouches for it ---- */

int gf_card_signed_by(const char *text, size_t len, const struct gf_sign_public *key) {
    struct gf_document d;
    struct gf_err no;

    return gf_document_split(text, len, GF_CARD_MAX, "card", &d, &no) == 0 &&
           gf_document_verify(&d, key, NULL, &no) == 0;
}

int gf_card_cosign(const char *text, size_t len, const struct gf_sign_key *key, struct gf_buf *out,
                   struct gf_err *e) {
    struct gf_document d;
    struct gf_card c;
    struct gf_buf b;
    int rc = -1;

    if (gf_card_parse(text, len, "card", &c, e) == -1 ||
        gf_document_split(text, len, GF_CARD_MAX, "card", &d, e) == -1)
        return -1;
    if (d.nsigs == GF_DOCUMENT_SIGS_MAX)
        return gf_err_set(e, GF_E_LIMIT,
                          "card: has %d signatures already, which is all it may have",
                          GF_DOCUMENT_SIGS_MAX);
    gf_buf_init(&b, GF_CARD_FILE_MAX);
    gf_buf_add(&b, text, len);
    if (gf_document_sign(key, text, d.json_len, FORMAT, &b, e) == 0) {
        gf_buf_add(out, b.data, b.len);
        rc = gf_buf_check(out, "card", e);
    }
    gf_buf_free(&b);
    return rc;
}

/* ---- fingerprints ---- */

/* What the fingerprint covers. It fits because none of its parts can grow. */
static size_t covered(const struct gf_card *c, uint8_t out[160]) {
    char agent[GF_ID_TEXT] = "";
    char head[96];
    size_t n;

    if (c->has_agent)
        gf_text_hex(c->agent.b, sizeof c->agent.b, agent);
    n = (size_t)snprintf(head, sizeof head, "%s\n%s\n%s\n", FINGERPRINT_LABEL,
                         gf_card_roles[c->role], agent);
    memcpy(out, head, n);
    memcpy(out + n, c->sign.pk, sizeof c->sign.pk);
    n += sizeof c->sign.pk;
    memcpy(out + n, c->seal.pk, sizeof c->seal.pk);
    return n + sizeof c->seal.pk;
}

void gf_card_fingerprint(const struct gf_card *c, char out[GF_FINGERPRINT_TEXT]) {
    uint8_t bytes[160];
    struct gf_hash hash;

    gf_digest_256(bytes, covered(c, bytes), &hash);
    gf_text_base32(hash.b, DIGITS, GROUP, out);
}

int gf_card_fingerprint_spell(const char *typed, char out[GF_FINGERPRINT_TEXT]) {
    uint8_t bytes[(5 * DIGITS + 7) / 8];

    if (gf_text_unbase32(typed, DIGITS, bytes) == -1)
        return -1;
    gf_text_base32(bytes, DIGITS, GROUP, out);
    return 0;
}

int gf_card_fingerprint_is(const struct gf_card *c, const char *typed) {
    char is[GF_FINGERPRINT_TEXT], want[GF_FINGERPRINT_TEXT];

    gf_card_fingerprint(c, is);
    return gf_card_fingerprint_spell(typed, want) == 0 && strcmp(is, want) == 0;
}

void gf_card_token_mac(const struct gf_card *c, const uint8_t token[16], struct gf_hash *out) {
    uint8_t bytes[160];

    gf_digest_keyed_256(token, 16, bytes, covered(c, bytes), out);
}
