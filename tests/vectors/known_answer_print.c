/* known_answer_print.c -- print the known answer as the block of docs/bundle-format.md. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/age.h"
#include "format/archive.h"
#include "format/shell.h"
#include "gapferry/digest.h"
#include "vectors/known_answer.h"

#define WIDTH 96 /* columns of base64 */

/* ---- forms ---- */

static void heading(const char *title, const char *sentence) {
    (void)printf("\n### %s\n\n%s\n\n", title, sentence);
}

static void fence(void) {
    (void)puts("```");
}

/* NAME VALUE, for texts, bytes and numbers. */
static void text(const char *name, const char *value) {
    (void)printf("%-26s %s\n", name, value);
}

static void hex(const char *name, const void *data, size_t len) {
    const uint8_t *b = data;

    (void)printf("%-26s ", name);
    for (size_t i = 0; i < len; i++)
        (void)printf("%02x", b[i]);
    (void)putchar('\n');
}

static void number(const char *name, int64_t n) {
    (void)printf("%-26s %" PRId64 "\n", name, n);
}

/* Bytes that are text of whole lines. */
static void lines(const struct gf_buf *b) {
    fence();
    (void)fwrite(b->data, 1, b->len, stdout);
    fence();
}

static void dump_line(const uint8_t *b, size_t at, size_t n) {
    (void)printf("%04zx  ", at);
    for (size_t i = 0; i < 16; i++)
        i < n ? (void)printf("%02x ", b[at + i]) : (void)printf("   ");
    (void)printf(" ");
    for (size_t i = 0; i < n; i++)
        (void)putchar(b[at + i] >= 0x20 && b[at + i] < 0x7f ? b[at + i] : '.');
    (void)putchar('\n');
}

/* A hex dump; "*" stands for lines that repeat the one above. */
static void dump(const void *data, size_t len) {
    const uint8_t *b = data;
    int starred = 0;

    fence();
    for (size_t at = 0; at < len; at += 16) {
        size_t n = len - at < 16 ? len - at : 16;
        int same = at > 0 && n == 16 && memcmp(b + at, b + at - 16, 16) == 0;
        if (!same)
            dump_line(b, at, n);
        else if (!starred)
            (void)puts("*");
        starred = same;
    }
    (void)printf("%04zx\n", len);
    fence();
}

static void base64(const void *data, size_t len) {
    struct gf_buf b;

    gf_buf_init(&b, 2 * len + 8);
    gf_text_base64(&b, data, len, 1);
    fence();
    for (size_t at = 0; at < b.len; at += WIDTH)
        (void)printf("%.*s\n", WIDTH, b.data + at);
    fence();
    gf_buf_free(&b);
}

/* The two fields in which the member headers of a ustar archive differ beside the name. */
static void ustar_fields(const char *block) {
    (void)printf("%-26s size %.11s, checksum %.6s\n", block, block + 124, block + 148);
}

static void digest(const char *name, const void *data, size_t len) {
    struct gf_hash h;

    gf_digest_256(data, len, &h);
    hex(name, h.b, sizeof h.b);
}

/* ---- sections ---- */

static void print_inputs(const struct answer *a) {
    uint8_t run[32];
    static const struct {
        const char *name;
        uint8_t first;
        size_t len;
    } secrets[] = {
        {"site key number", 0x01, 8},   {"site sign seed", 0x00, 32},
        {"site seal secret", 0x20, 32}, {"relay key number", 0x11, 8},
        {"relay sign seed", 0x40, 32},  {"relay seal secret", 0x60, 32},
    };

    heading("Inputs", "Secrets are bytes that count up. The ephemeral secrets are those of the "
                      "stanzas, in order.");
    fence();
    for (size_t i = 0; i < sizeof secrets / sizeof *secrets; i++) {
        fixed_run(secrets[i].first, run, secrets[i].len);
        hex(secrets[i].name, run, secrets[i].len);
    }
    hex("file key", a->file_key, sizeof a->file_key);
    hex("payload nonce", a->nonce, sizeof a->nonce);
    hex("ephemeral secret 1", a->stanzas[0].secret, 32);
    hex("ephemeral secret 2", a->stanzas[1].secret, 32);
    hex("site agent id", a->site.card.agent.b, 16);
    hex("bundle id", a->header.id.b, 16);
    hex("stream", a->header.stream.b, 16);
    fence();
}

static void print_party(const char *who, const struct gf_identity *id) {
    char fingerprint[GF_FINGERPRINT_TEXT];
    char sign[GF_SIGN_PUBLIC_TEXT];
    char seal[GF_SEAL_PUBLIC_TEXT];
    const struct gf_card *c = &id->card;
    char name[64];

#define NAME(what) ((void)snprintf(name, sizeof name, "%s %s", who, what), name)
    gf_card_fingerprint(c, fingerprint);
    gf_key_sign_public_line(&c->sign, sign);
    gf_key_seal_public_line(&c->seal, seal);
    hex(NAME("Ed25519 public"), c->sign.pk, 32);
    text(NAME("sign"), sign);
    hex(NAME("X25519 public"), c->seal.pk, 32);
    text(NAME("seal"), seal);
    hex(NAME("identity"), c->identity.b, 32);
    text(NAME("fingerprint"), fingerprint);
#undef NAME
}

static void print_parties(const struct answer *a) {
    struct gf_buf b;
    struct gf_hash mac;

    heading("Keys, identities, fingerprints",
            "`sign` and `seal` are the forms that cards carry. The token MAC is the site's.");
    fence();
    print_party("site", &a->site);
    print_party("relay", &a->relay);
    gf_card_token_mac(&a->site.card, a->token, &mac);
    hex("token", a->token, sizeof a->token);
    hex("token MAC", mac.b, sizeof mac.b);
    fence();
    gf_buf_init(&b, GF_CARD_FILE_MAX);
    (void)puts("\nThe site's `sign.key`; the relay's `seal.key`, with which `age -d -i` opens the "
               "payload; the site's card:\n");
    gf_key_sign_text(a->site.sign, &b);
    lines(&b);
    gf_buf_clear(&b);
    gf_key_seal_text(a->relay.seal, a->relay.card.created, &b);
    lines(&b);
    gf_buf_clear(&b);
    gf_buf_add(&b, a->site.card_text, a->site.card_len);
    lines(&b);
    gf_buf_free(&b);
}

static void print_archive(const struct answer *a) {
    heading("Lines and contents",
            "`records.jsonl`. The first body is 26 bytes of text, of which É (c3 89) stands as "
            "itself; the second is the file `files/note-1.txt`: `hello` and LF.");
    lines(&a->lines);
    fence();
    number("records.jsonl bytes", (int64_t)a->lines.len);
    digest("body 1 BLAKE2b-256", a->records[0].body.data, a->records[0].body.len);
    digest("body 2 BLAKE2b-256", a->file, strlen(a->file));
    fence();
    (void)puts("\n`contents.json`:\n");
    lines(&a->contents);
    heading("Archive", "The header of its first member; the others differ in name, size and "
                       "checksum.");
    dump(a->archive.data, 512);
    fence();
    size_t second = (size_t)gf_archive_member_size((int64_t)a->lines.len);
    ustar_fields(a->archive.data);
    ustar_fields(a->archive.data + second);
    ustar_fields(a->archive.data + second + gf_archive_member_size((int64_t)strlen(a->file)));
    number("contents.json bytes", (int64_t)a->contents.len);
    number("archive bytes", (int64_t)a->archive.len);
    digest("archive BLAKE2b-256", a->archive.data, a->archive.len);
    fence();
}

static void print_frame(const struct answer *a) {
    const char *f = a->frame.data;

    heading("Frame", "One frame. The bytes between its header and its checksum are zstd's choice: "
                     "another compressor makes others, and all that follows differs then.");
    fence();
    number("frame bytes", (int64_t)a->frame.len);
    hex("magic", f, 4);
    hex("descriptor", f + 4, 1);
    hex("content size - 256", f + 5, 2);
    hex("checksum", f + a->frame.len - 4, 4);
    fence();
    base64(f, a->frame.len);
}

static void print_payload(const struct answer *a) {
    struct gf_buf head;
    char name[32];

    heading("Payload", "Stanza 1 is for the relay, stanza 2 for the site, which lists itself as a "
                       "reader.");
    fence();
    for (size_t i = 0; i < ANSWER_RECIPIENTS; i++) {
        const struct answer_stanza *s = &a->stanzas[i];
        (void)snprintf(name, sizeof name, "shared secret %zu", i + 1);
        hex(name, s->shared, 32);
        (void)snprintf(name, sizeof name, "wrap key %zu", i + 1);
        hex(name, s->wrap_key, 32);
    }
    hex("header MAC key", a->mac_key, 32);
    hex("payload key", a->payload_key, 32);
    hex("chunk 0 nonce", "\0\0\0\0\0\0\0\0\0\0\0\1", 12);
    hex("chunk 0 tag", a->payload.data + a->payload.len - GF_AGE_TAG, GF_AGE_TAG);
    number("header bytes", (int64_t)a->age_header);
    number("payload bytes", a->header.payload_size);
    fence();
    (void)puts("\nThe age header:\n");
    gf_buf_init(&head, a->payload.len);
    gf_buf_add(&head, a->payload.data, a->age_header);
    lines(&head);
    gf_buf_free(&head);
}

static void print_signature(const struct answer *a) {
    struct gf_hash prev;
    size_t spaces = 0;

    while (a->json.data[a->json.len - 2 - spaces] == ' ')
        spaces++;
    heading("bundle.json and its signature", "The padding is part of it.");
    lines(&a->json);
    gf_header_digest(a->json.data, a->json.len, &prev);
    fence();
    number("bundle.json bytes", (int64_t)a->json.len);
    number("spaces", (int64_t)spaces);
    hex("the next header's prev", prev.b, 32);
    (void)puts("BLAKE2b-512, which is signed:");
    hex("", a->signed_hash.b, 64);
    fence();
    lines(&a->sig);
}

static void print_hello(const struct answer *a) {
    heading("Hello", "The relay's, for this nonce.");
    fence();
    hex("hello nonce", a->hello_nonce, sizeof a->hello_nonce);
    number("hello bytes", (int64_t)a->hello.len);
    fence();
    (void)putchar('\n');
    lines(&a->hello);
}

/* One region of the file; the offset moves on. */
static void region(size_t *at, const char *what, size_t len) {
    (void)printf("| %zu | %zu | %s |\n", *at, len, what);
    *at += len;
}

static size_t padding(const struct gf_buf *b) {
    return (size_t)gf_shell_pad((int64_t)b->len) - b->len;
}

static void print_bundle(const struct answer *a) {
    size_t at = 0;

    heading("The file", "Regions:");
    (void)puts("| offset | bytes | what |\n|---:|---:|---|");
    region(&at, "member header `bundle.json`", 512);
    region(&at, "bundle.json", a->json.len);
    region(&at, "zeros", padding(&a->json));
    region(&at, "member header `bundle.json.minisig`", 512);
    region(&at, "bundle.json.minisig", a->sig.len);
    region(&at, "zeros", padding(&a->sig));
    region(&at, "member header `payload.age`", 512);
    region(&at, "age header", a->age_header);
    region(&at, "payload nonce", sizeof a->nonce);
    region(&at, "chunk 0: the frame, encrypted", a->frame.len);
    region(&at, "chunk 0: tag", GF_AGE_TAG);
    region(&at, "zeros", padding(&a->payload));
    region(&at, "end: zeros", GF_SHELL_END);
    (void)puts("\nThe first member header, and in what the others differ:\n");
    dump(a->bundle.data, 512);
    const char *second = a->bundle.data + 512 + gf_shell_pad((int64_t)a->json.len);
    fence();
    ustar_fields(a->bundle.data);
    ustar_fields(second);
    ustar_fields(second + 512 + gf_shell_pad((int64_t)a->sig.len));
    fence();
    (void)puts("\nThe name of the file, its size and digest, and all of it in base64:\n");
    fence();
    char id[GF_ID_TEXT];
    char file[GF_ID_TEXT + 4];
    gf_text_hex(a->header.id.b, 16, id);
    (void)snprintf(file, sizeof file, "%s.gfb", id);
    text("name", file);
    number("bytes", (int64_t)a->bundle.len);
    digest("BLAKE2b-256", a->bundle.data, a->bundle.len);
    fence();
    base64(a->bundle.data, a->bundle.len);
}

void answer_print(const struct answer *a) {
    print_inputs(a);
    print_parties(a);
    print_archive(a);
    print_frame(a);
    print_payload(a);
    print_signature(a);
    print_hello(a);
    print_bundle(a);
}
