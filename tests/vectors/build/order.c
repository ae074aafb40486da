/*
 * order.c -- two defects at once: the one whose check comes first must be reported. That the later
 * one is not even looked at is what "verify, then parse" means: garbage that nobody trusted has
 * signed is never called bad JSON.
 */
#include <string.h>

#include "format/shell.h"
#include "vectors/build/vector.h"

/* ---- single defects, each of the stage it names ---- */

static void shell_end(struct forge *f) {
    forge_to(f, FORGE_SHELL);
    forge_fill(&f->file, 0, 512);
}

static void bad_comment(struct forge *f) {
    forge_to(f, FORGE_SIGNED);
    f->sig.untrusted[0] = 'G';
}

static void for_another(struct forge *f) {
    f->header.to = f->world->other.card.identity;
}

static void from_stranger(struct forge *f) {
    f->from = &f->world->stranger;
    f->header.from = f->from->card.identity;
}

static void bad_signature(struct forge *f) {
    forge_to(f, FORGE_SIGNED);
    f->sig.sig[0] ^= 1;
}

static void no_json(struct forge *f) {
    forge_to(f, FORGE_HEADER);
    memset(f->json.data, '#', f->json.len - 1);
}

static void twice(struct forge *f) {
    forge_to(f, FORGE_HEADER);
    vector_member(&f->json, "ext", "\"ext\":{\"a\":1,\"a\":2}");
}

static void newer(struct forge *f) {
    forge_to(f, FORGE_HEADER);
    vector_member(&f->json, "format", "\"format\":\"gapferry-bundle/2\"");
}

static void no_seq(struct forge *f) {
    forge_to(f, FORGE_HEADER);
    vector_member(&f->json, "seq", "");
}

static void expired(struct forge *f) {
    f->header.expires = FORGE_NOW - 1;
}

/* A digest that is right in form. */
static void bad_digest(struct forge *f) {
    forge_to(f, FORGE_SHELL);
    f->file.data[forge_block(f, 2) + 512 + f->age.len - 1] ^= 1;
}

static void end_not_zero(struct forge *f) {
    forge_to(f, FORGE_SHELL);
    f->file.data[f->file.len - 1] = 1;
}

static void bad_age(struct forge *f) {
    forge_to(f, FORGE_STANZAS);
    f->age.data[0] = 'A';
}

static void two_stanzas(struct forge *f) {
    f->readers[f->header.nreaders++] = &f->world->officers[0];
    forge_to(f, FORGE_PAYLOAD);
    f->header.nreaders = 0;
}

static void not_for_our_key(struct forge *f) {
    f->to = &f->world->other;
}

static void bad_mac(struct forge *f) {
    forge_to(f, FORGE_AGE);
    char *c = f->age.data + f->age.len - 16 - 1 - 10;
    *c = *c == 'A' ? 'B' : 'A';
}

static void bad_chunk(struct forge *f) {
    forge_to(f, FORGE_PAYLOAD);
    f->age.data[f->age.len - 1] ^= 1;
}

static void bad_frame(struct forge *f) {
    forge_to(f, FORGE_FRAMES);
    f->plain.data[0] = 0;
}

static void bad_archive(struct forge *f) {
    forge_to(f, FORGE_ARCHIVE);
    forge_tar_put(&f->archive, 0, 156, "2", 1);
}

static void bad_record(struct forge *f) {
    forge_edit(&f->members[0].data, "\"metrics\"", "\"Metrics\"");
}

static void contents_not_json(struct forge *f) {
    forge_to(f, FORGE_CONTENTS);
    forge_edit(&f->contents, "\"void\":[]", "\"void\":[,]");
}

static void contents_rule(struct forge *f) {
    forge_to(f, FORGE_CONTENTS);
    vector_member(&f->contents, "void", "\"void\":[0]");
}

static void contents_other_seq(struct forge *f) {
    forge_to(f, FORGE_CONTENTS);
    vector_member(&f->contents, "seq", "\"seq\":8");
}

static void contents_not_there(struct forge *f) {
    forge_to(f, FORGE_CONTENTS);
    vector_member(&f->contents, "members", "\"members\":[]");
}

static void no_such_file(struct forge *f) {
    forge_edit(&f->members[0].data, "\"body\":\"{}\"", "\"file\":\"files/data\"");
}

/* Two of them; the one of the earlier stage is made first. */
#define BOTH(function, one, two)                                                                   \
    static void function(struct forge *f) {                                                        \
        one(f);                                                                                    \
        two(f);                                                                                    \
    }
BOTH(shell_minisig, bad_comment, shell_end)
BOTH(minisig_to, for_another, bad_comment)
BOTH(to_sender, for_another, from_stranger)
BOTH(to_signature, for_another, bad_signature)
BOTH(to_json, for_another, no_json)
BOTH(sender_signature, from_stranger, bad_signature)
BOTH(sender_json, from_stranger, no_json)
BOTH(sender_digest, from_stranger, bad_digest)
BOTH(signature_json, no_json, bad_signature)
BOTH(signature_newer, newer, bad_signature)
BOTH(signature_expired, expired, bad_signature)
BOTH(json_newer, twice, newer)
BOTH(newer_header, newer, no_seq)
BOTH(header_expired, expired, no_seq)
BOTH(expired_digest, expired, bad_digest)
BOTH(digest_end, bad_digest, end_not_zero)
BOTH(digest_age, bad_age, bad_digest)
BOTH(age_unwrap, not_for_our_key, two_stanzas)
BOTH(unwrap_mac, not_for_our_key, bad_mac)
BOTH(mac_chunk, bad_mac, bad_chunk)
BOTH(chunk_frame, bad_frame, bad_chunk)
BOTH(frame_archive, bad_archive, bad_frame)
BOTH(archive_record, bad_record, bad_archive)
BOTH(record_contents, bad_record, contents_not_json)
BOTH(contents_json, contents_not_json, contents_other_seq)
BOTH(rule_binding, contents_rule, contents_other_seq)
BOTH(binding_members, contents_not_there, contents_other_seq)
BOTH(members_file, no_such_file, contents_not_there)
#undef BOTH

#define O(title, code, text, sentence, function)                                                   \
    { "order-" title, code, text, sentence, .make = function }
static const struct vector rows[] = {
    O("shell-before-minisig", GF_E_SHELL, "something follows its end",
      "The file is too long, and the signature's comment is wrong.", shell_minisig),
    O("minisig-before-not-for-us", GF_E_MINISIG, "untrusted comment is not",
      "The signature's form is wrong, and it is for somebody else.", minisig_to),
    O("not-for-us-before-sender", GF_E_NOT_FOR_US, "addressed to somebody else",
      "It is for somebody else, and from a stranger.", to_sender),
    O("not-for-us-before-signature", GF_E_NOT_FOR_US, "addressed to somebody else",
      "It is for somebody else, and wrongly signed.", to_signature),
    O("not-for-us-before-json", GF_E_NOT_FOR_US, "addressed to somebody else",
      "It is for somebody else, and bundle.json is no JSON.", to_json),
    O("sender-before-signature", GF_E_SENDER, "its sender is unknown",
      "It is from a stranger, and wrongly signed.", sender_signature),
    O("sender-before-json", GF_E_SENDER, "its sender is unknown",
      "It is from a stranger, and bundle.json is no JSON.", sender_json),
    O("sender-before-digest", GF_E_SENDER, "its sender is unknown",
      "It is from a stranger, and the payload is damaged.", sender_digest),
    O("signature-before-json", GF_E_SIGNATURE, "does not match",
      "bundle.json is no JSON, and wrongly signed.", signature_json),
    O("signature-before-version", GF_E_SIGNATURE, "does not match",
      "bundle.json is of a newer version, and wrongly signed.", signature_newer),
    O("signature-before-expired", GF_E_SIGNATURE, "does not match",
      "It has expired, and is wrongly signed.", signature_expired),
    O("json-before-version", GF_E_JSON, "a name that its object has already",
      "bundle.json has a name twice, and is of a newer version.", json_newer),
    O("version-before-header", GF_E_VERSION, "made by a newer version",
      "bundle.json is of a newer version, and lacks a field of this one.", newer_header),
    O("header-before-expired", GF_E_HEADER, "\"seq\" is missing",
      "bundle.json lacks a field, and has expired.", header_expired),
    O("expired-before-digest", GF_E_EXPIRED, "expired on",
      "It has expired, and the payload is damaged.", expired_digest),
    O("digest-before-end", GF_E_DIGEST, "not the one that was signed",
      "The payload is damaged, and what follows it too.", digest_end),
    O("digest-before-age", GF_E_DIGEST, "not the one that was signed",
      "The payload is damaged, and was no age file before.", digest_age),
    O("age-before-unwrap", GF_E_AGE, "encrypted to 2 X25519 keys",
      "There is a stanza too many, and none is ours.", age_unwrap),
    O("unwrap-before-hmac", GF_E_UNWRAP, "not sealed for our key",
      "No stanza is ours, and the MAC is wrong.", unwrap_mac),
    O("hmac-before-chunk", GF_E_HMAC, "MAC does not match",
      "The MAC is wrong, and so is the chunk.", mac_chunk),
    O("chunk-before-frame", GF_E_CHUNK, "chunk 0 of the payload is damaged",
      "The chunk is damaged, and holds no frame.", chunk_frame),
    O("frame-before-archive", GF_E_FRAME, "not a zstd frame",
      "The frame is none, and the archive holds a link.", frame_archive),
    O("archive-before-record", GF_E_ARCHIVE, "is not a plain file",
      "The records are a link, and a line is wrong.", archive_record),
    O("record-before-contents", GF_E_RECORD, "channel must be a word",
      "A line is wrong, and contents.json is no JSON.", record_contents),
    O("contents-json-before-binding", GF_E_JSON, "contents.json: not strict JSON",
      "contents.json is no JSON, and names another bundle.", contents_json),
    O("contents-before-binding", GF_E_CONTENTS, "\"void\"[0] must be",
      "contents.json breaks a rule, and names another bundle.", rule_binding),
    O("binding-before-members", GF_E_BINDING, "'seq' is not the one in bundle.json",
      "contents.json names another bundle, and lists other members.", binding_members),
    O("members-before-file", GF_E_CONTENTS, "lists 0 members; there are 1",
      "contents.json lists other members, and a line refers to a file that is not there.",
      members_file),
};

const struct vector_set vector_order = VECTOR_SET(rows);
