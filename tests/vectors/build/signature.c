/* signature.c -- bundle.json.minisig: its form, who signed, and what. */
#include <stdio.h>
#include <string.h>

#include "vectors/build/vector.h"

#define NO_MATCH     "does not match: the text was changed after it was signed"
#define COMMENT_FORM "the signature's trusted comment is not 'gapferry-bundle/1 ID FROM TO'"

static void legacy(struct forge *f) {
    forge_to(f, FORGE_SIGNED);
    f->sig.algorithm[1] = 'd';
}

static void unknown_algorithm(struct forge *f) {
    forge_to(f, FORGE_SIGNED);
    memcpy(f->sig.algorithm, "XX", 2);
}

static void other_keynum(struct forge *f) {
    forge_to(f, FORGE_SIGNED);
    memcpy(f->sig.keynum, f->world->other.card.sign.keynum, 8);
}

static void by_other(struct forge *f) {
    forge_to(f, FORGE_SIGNED);
    forge_sign(f, &f->world->other);
}

static void by_twin(struct forge *f) {
    forge_to(f, FORGE_SIGNED);
    forge_sign(f, &f->world->twin);
}

static void by_stranger(struct forge *f) {
    f->from = &f->world->stranger;
    f->header.from = f->from->card.identity;
}

static void zero(struct forge *f) {
    forge_to(f, FORGE_SIGNED);
    memset(f->sig.sig, 0, sizeof f->sig.sig);
    forge_sign_global(f, f->from);
}

static void bit(struct forge *f) {
    forge_to(f, FORGE_SIGNED);
    f->sig.sig[10] ^= 1;
    forge_sign_global(f, f->from);
}

/* S and S + L sign the same; only the smaller is accepted (RFC 8032, 5.1.7). */
static void s_plus_l(struct forge *f) {
    static const uint8_t l[32] = {0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58,       0xd6,
                                  0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, [31] = 0x10};
    unsigned carry = 0;
    forge_to(f, FORGE_SIGNED);
    for (int i = 0; i < 32; i++) {
        carry += (unsigned)f->sig.sig[32 + i] + l[i];
        f->sig.sig[32 + i] = (uint8_t)carry;
        carry >>= 8;
    }
    forge_sign_global(f, f->from);
}

static void small_order(struct forge *f) {
    forge_to(f, FORGE_SIGNED);
    memset(f->sig.sig, 0, 32);
    f->sig.sig[0] = 1;
    forge_sign_global(f, f->from);
}

static void global_zero(struct forge *f) {
    forge_to(f, FORGE_SIGNED);
    memset(f->sig.global, 0, sizeof f->sig.global);
}

static void global_by_other(struct forge *f) {
    forge_to(f, FORGE_SIGNED);
    forge_sign_global(f, &f->world->other);
}

/* Another comment, right or wrong in form. */
static void comment(struct forge *f, const struct gf_id *id, const struct gf_hash *from,
                    const struct gf_hash *to, int sign) {
    char a[GF_ID_TEXT], b[GF_HASH_TEXT], c[GF_HASH_TEXT];

    forge_to(f, FORGE_SIGNED);
    gf_text_hex(id->b, sizeof id->b, a);
    gf_text_hex(from->b, sizeof from->b, b);
    gf_text_hex(to->b, sizeof to->b, c);
    (void)snprintf(f->sig.trusted, sizeof f->sig.trusted, "gapferry-bundle/1 %s %s %s", a, b, c);
    if (sign)
        forge_sign_global(f, f->from);
}

static void comment_unsigned(struct forge *f) {
    comment(f, &f->header.stream, &f->header.from, &f->header.to, 0);
}

static void comment_other_id(struct forge *f) {
    comment(f, &f->header.stream, &f->header.from, &f->header.to, 1);
}

static void comment_other_from(struct forge *f) {
    comment(f, &f->header.id, &f->world->other.card.identity, &f->header.to, 1);
}

static void comment_other_to(struct forge *f) {
    comment(f, &f->header.id, &f->header.from, &f->world->other.card.identity, 1);
}

static void comment_upper(struct forge *f) {
    forge_to(f, FORGE_SIGNED);
    for (char *c = f->sig.trusted + 18; *c != '\0'; c++)
        if (*c >= 'a' && *c <= 'f')
            *c = (char)(*c - 'a' + 'A');
    forge_sign_global(f, f->from);
}

static void comment_format_2(struct forge *f) {
    forge_to(f, FORGE_SIGNED);
    f->sig.trusted[16] = '2';
    forge_sign_global(f, f->from);
}

static void comment_separator(struct forge *f) {
    forge_to(f, FORGE_SIGNED);
    f->sig.trusted[18 + 32] = '-';
    forge_sign_global(f, f->from);
}

static void comment_of_minisign(struct forge *f) {
    forge_to(f, FORGE_SIGNED);
    (void)snprintf(f->sig.trusted, sizeof f->sig.trusted,
                   "timestamp:1767225600\tfile:bundle.json\thashed");
    forge_sign_global(f, f->from);
}

/* Padded to the one length that a bundle's signature has. */
static void of_a_card(struct forge *f) {
    forge_to(f, FORGE_SIGNED);
    size_t len = strlen(f->sig.trusted);
    memset(f->sig.trusted, ' ', len);
    memcpy(f->sig.trusted, "gapferry-card/1", 15);
    forge_sign_global(f, f->from);
}

static void untrusted(struct forge *f) {
    forge_to(f, FORGE_SIGNED);
    f->sig.untrusted[0] = 'G';
}

static void crlf(struct forge *f) {
    forge_to(f, FORGE_SIGNATURE);
    for (size_t i = f->minisig.len; i-- > 0;)
        if (f->minisig.data[i] == '\n')
            forge_insert(&f->minisig, i, "\r", 1);
}

static void cr(struct forge *f) {
    forge_to(f, FORGE_SIGNATURE);
    *(char *)memchr(f->minisig.data, '\n', f->minisig.len) = '\r';
}

static void extra_line(struct forge *f) {
    forge_to(f, FORGE_SIGNATURE);
    forge_add(&f->minisig, "\n", 1);
}

static void no_last_lf(struct forge *f) {
    forge_to(f, FORGE_SIGNATURE);
    f->minisig.data[f->minisig.len - 1] = ' ';
}

static void three_lines(struct forge *f) {
    forge_to(f, FORGE_SIGNATURE);
    f->minisig.len -= 89;
}

/* Of the right length in all, but its text ends before. */
static void ends_early(struct forge *f) {
    forge_to(f, FORGE_SIGNED);
    f->sig.trusted[strlen(f->sig.trusted) - 7] = '\0';
    forge_sign_global(f, f->from);
    forge_to(f, FORGE_SIGNATURE);
    forge_add(&f->minisig, "behind\n", 7);
}

/* The last character before the padding carries four unused bits. */
static void not_canonical(struct forge *f) {
    forge_to(f, FORGE_SIGNATURE);
    char *c = f->minisig.data + f->minisig.len - 4;
    *c = *c == 'B' ? 'C' : 'B';
}

static void control(struct forge *f) {
    forge_to(f, FORGE_SIGNED);
    f->sig.trusted[20] = '\x1b';
    forge_sign_global(f, f->from);
}

static void of_another_bundle(struct forge *f) {
    struct forge other;
    forge_begin(&other, f->world, "another bundle", GF_KIND_REQUEST);
    other.header.id = f->header.id;
    forge_to(&other, FORGE_SIGNED);
    forge_to(f, FORGE_SIGNED);
    f->sig = other.sig;
    forge_free(&other);
}

static void changed_after(struct forge *f) {
    forge_to(f, FORGE_SIGNATURE);
    forge_edit(&f->json, "\"seq\":7", "\"seq\":8");
}

static void padded_after(struct forge *f) {
    forge_to(f, FORGE_SIGNATURE);
    forge_insert(&f->json, f->json.len - 1, " ", 1);
}

#define R(title, ecode, text, sentence, function)                                                  \
    { title, ecode, text, sentence, .make = function }
static const struct vector rows[] = {
    R("signature-legacy", GF_E_MINISIG, "of minisign's legacy form",
      "The algorithm is Ed, which signs the text itself.", legacy),
    R("signature-algorithm", GF_E_MINISIG, "of an unknown algorithm",
      "The algorithm is one that does not exist.", unknown_algorithm),
    R("signature-key-number", GF_E_SIGNATURE, "signed by key",
      "The key number is another trusted sender's.", other_keynum),
    R("signature-of-another-sender", GF_E_SIGNATURE, "signed by key",
      "Another trusted sender signed it.", by_other),
    R("signature-same-key-number", GF_E_SIGNATURE, "or another key has the same number",
      "A trusted sender signed it whose key has the same number.", by_twin),
    R("signature-of-a-stranger", GF_E_SENDER, "its sender is unknown",
      "It is from somebody whom nobody trusts.", by_stranger),
    R("signature-zero", GF_E_SIGNATURE, NO_MATCH, "The signature is all zeros.", zero),
    R("signature-bit", GF_E_SIGNATURE, NO_MATCH, "A bit of the signature is flipped.", bit),
    R("signature-s-plus-l", GF_E_SIGNATURE, NO_MATCH,
      "The second half is larger by the group's order.", s_plus_l),
    R("signature-small-order", GF_E_SIGNATURE, NO_MATCH,
      "The first half is a point of small order.", small_order),
    R("signature-global-zero", GF_E_SIGNATURE, "the trusted comment's signature",
      "The comment's signature is all zeros.", global_zero),
    R("signature-global-of-another", GF_E_SIGNATURE, "the trusted comment's signature",
      "Another trusted sender signed the comment.", global_by_other),
    R("signature-comment-changed", GF_E_SIGNATURE, "the trusted comment's signature",
      "The trusted comment was changed.", comment_unsigned),
    R("signature-comment-other-id", GF_E_HEADER, "name different bundles",
      "The sender signed a comment with another id.", comment_other_id),
    R("signature-comment-other-from", GF_E_SIGNATURE, "signed by key",
      "The signed comment names another trusted sender.", comment_other_from),
    R("signature-comment-other-to", GF_E_NOT_FOR_US, "addressed to somebody else",
      "The signed comment names another addressee.", comment_other_to),
    R("signature-comment-capitals", GF_E_MINISIG, COMMENT_FORM,
      "The comment is spelled with capitals.", comment_upper),
    R("signature-comment-version", GF_E_MINISIG, COMMENT_FORM,
      "The comment is of format gapferry-bundle/2.", comment_format_2),
    R("signature-comment-separator", GF_E_MINISIG, COMMENT_FORM,
      "The comment has a dash for a space.", comment_separator),
    R("signature-comment-control", GF_E_MINISIG, "without control characters",
      "The comment holds an escape character.", control),
    R("signature-comment-of-minisign", GF_E_MINISIG, "bytes long; its one form has",
      "The comment is the one that minisign itself writes.", comment_of_minisign),
    R("signature-comment-of-a-card", GF_E_MINISIG, COMMENT_FORM,
      "The comment is that of another type of document.", of_a_card),
    R("signature-untrusted-comment", GF_E_MINISIG, "untrusted comment is not",
      "The untrusted comment is another.", untrusted),
    R("signature-crlf", GF_E_MINISIG, "bytes long; its one form has", "Its lines end in CR and LF.",
      crlf),
    R("signature-cr", GF_E_MINISIG, "untrusted comment is not", "Its first line ends in CR.", cr),
    R("signature-extra-line", GF_E_MINISIG, "bytes long; its one form has",
      "An empty line follows.", extra_line),
    R("signature-no-last-lf", GF_E_MINISIG, "fourth line is malformed or cut",
      "The last line feed is a space.", no_last_lf),
    R("signature-text-behind", GF_E_MINISIG, "something follows the signature's fourth line",
      "A shorter signature is followed by another line.", ends_early),
    R("signature-three-lines", GF_E_MINISIG, "bytes long; its one form has",
      "The comment's signature is missing.", three_lines),
    R("signature-base64", GF_E_MINISIG, "fourth line is malformed or cut",
      "Unused bits of the base64 text are set.", not_canonical),
    R("signature-of-another-bundle", GF_E_SIGNATURE, NO_MATCH,
      "The signature is the sender's own, of another bundle with the same id.", of_another_bundle),
    R("signature-header-changed", GF_E_SIGNATURE, NO_MATCH,
      "bundle.json was changed after it was signed.", changed_after),
    R("signature-header-padded", GF_E_SIGNATURE, NO_MATCH,
      "bundle.json got a space after it was signed.", padded_after),
};

const struct vector_set vector_signature = VECTOR_SET(rows);
