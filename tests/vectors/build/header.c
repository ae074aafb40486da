/* header.c -- fields of bundle.json, wrong but signed by the sender. */
#include <stdio.h>

#include "vectors/build/vector.h"

#define H16 "0123456789abcdef"
#define H64 H16 H16 H16 H16

/* A field left out, written twice, of another type. `sample` is any value. */
#define THREE(field, title, sample, other, must)                                                   \
    {title "-missing",                                                                             \
     GF_E_HEADER,                                                                                  \
     "\"" field "\" is missing",                                                                   \
     "bundle.json has no " field ".",                                                              \
     .stage = FORGE_HEADER,                                                                        \
     .member = field,                                                                              \
     .put = ""},                                                                                   \
        {title "-doubled",                                                                         \
         GF_E_JSON,                                                                                \
         "a name that its object has already",                                                     \
         "bundle.json has " field " twice.",                                                       \
         .stage = FORGE_HEADER,                                                                    \
         .member = field,                                                                          \
         .put = "\"" field "\":" sample ",\"" field "\":" sample},                                 \
    {                                                                                              \
        title "-type", GF_E_HEADER, "\"" field "\" must be " must,                                 \
            "In bundle.json " field " is of another type.",                                        \
            .stage = FORGE_HEADER, .member = field, .put = "\"" field "\":" other                  \
    }

/* A field with another value. */
#define FIELD(title, ecode, text, sentence, field, value)                                          \
    {                                                                                              \
        title, ecode, text, sentence, .stage = FORGE_HEADER, .member = field,                      \
                                      .put = "\"" field "\":" value                                \
    }

static void readers_too_many(struct forge *f) {
    forge_to(f, FORGE_HEADER);
    struct gf_buf list;
    gf_buf_init(&list, GF_HEADER_MAX);
    gf_buf_text(&list, "\"readers\":[");
    for (int i = 0; i < 16; i++) {
        char hex[GF_HASH_TEXT];
        gf_text_hex(f->world->officers[i].card.identity.b, 32, hex);
        gf_buf_printf(&list, "%s\"%s\"", i == 0 ? "" : ",", hex);
    }
    gf_buf_byte(&list, ']');
    vector_member(&f->json, "readers", list.data);
    gf_buf_free(&list);
}

/* Put an identity where a field has another. */
static void put_identity(struct forge *f, const char *field, const char *before,
                         const struct gf_hash *identity, const char *behind) {
    char hex[GF_HASH_TEXT];
    char put[128];

    forge_to(f, FORGE_HEADER);
    gf_text_hex(identity->b, sizeof identity->b, hex);
    (void)snprintf(put, sizeof put, "\"%s\":%s%s%s", field, before, hex, behind);
    vector_member(&f->json, field, put);
}

static void reader_is_addressee(struct forge *f) {
    put_identity(f, "readers", "[\"", &f->header.to, "\"]");
}

static void from_other(struct forge *f) {
    put_identity(f, "from", "\"", &f->world->other.card.identity, "\"");
}

static void to_other(struct forge *f) {
    put_identity(f, "to", "\"", &f->world->other.card.identity, "\"");
}

static void expired(struct forge *f) {
    f->header.expires = FORGE_NOW - 1;
}

static void agent_responds(struct forge *f) {
    f->header.kind = GF_KIND_RESPONSE;
    forge_no_members(f);
}

static void relay_requests(struct forge *f) {
    f->from = &f->world->relay;
    f->to = &f->world->relay;
    f->header.from = f->header.to = f->from->card.identity;
}

static const struct vector rows[] = {
    THREE("format", "header-format", "\"gapferry-bundle/1\"", "1", "text"),
    FIELD("header-format-foreign", GF_E_HEADER, "format must be gapferry-bundle/1",
          "bundle.json is of another family of formats.", "format", "\"gapferry-card/1\""),
    FIELD("header-format-newer", GF_E_VERSION, "made by a newer version: its format",
          "bundle.json is of a later version of the format.", "format", "\"gapferry-bundle/2\""),
    FIELD("header-format-empty", GF_E_HEADER, "\"format\" must be text", "The format is empty.",
          "format", "\"\""),
    THREE("needs", "header-needs", "[]", "{}", "an array"),
    FIELD("header-needs-unknown", GF_E_VERSION, "it needs 'quantum-seal'",
          "bundle.json needs a feature that this version does not know.", "needs",
          "[\"quantum-seal\"]"),
    FIELD("header-needs-not-a-word", GF_E_HEADER, "needs[0] must be a word",
          "A feature's name has letters that names do not have.", "needs", "[\"No such\"]"),
    FIELD("header-needs-number", GF_E_HEADER, "\"needs\"[0] must be text",
          "A feature's name is a number.", "needs", "[1]"),
    FIELD("header-needs-too-many", GF_E_HEADER, "an array of at most 16",
          "bundle.json needs 17 features.", "needs",
          "[\"a\",\"b\",\"c\",\"d\",\"e\",\"f\",\"g\",\"h\",\"i\",\"j\",\"k\",\"l\",\"m\",\"n\","
          "\"o\",\"p\",\"q\"]"),
    THREE("id", "header-id", "\"" H16 H16 "\"", "1", "32 lower-case hex digits"),
    FIELD("header-id-upper-case", GF_E_HEADER, "\"id\" must be 32 lower-case hex digits",
          "The id is spelled with capitals.", "id", "\"0123456789ABCDEF0123456789ABCDEF\""),
    FIELD("header-id-short", GF_E_HEADER, "\"id\" must be 32", "The id lacks a digit.", "id",
          "\"0123456789abcdef0123456789abcde\""),
    FIELD("header-id-not-the-comments", GF_E_HEADER, "name different bundles",
          "The signed comment names another id than bundle.json.", "id", "\"" H16 H16 "\""),
    THREE("kind", "header-kind", "\"request\"", "true", "one of request, response"),
    FIELD("header-kind-unknown", GF_E_HEADER, "\"kind\" must be one of request, response",
          "The kind is none that exists.", "kind", "\"report\""),
    {"header-kind-not-an-agents", GF_E_SENDER, "a response must come from a card of role relay",
     "An agent sends a response.", .make = agent_responds},
    {"header-kind-not-a-relays", GF_E_SENDER, "a request must come from a card of role agent",
     "A relay sends a request.", .make = relay_requests},
    THREE("from", "header-from", "\"" H64 "\"", "null", "64 lower-case hex digits"),
    {"header-from-not-the-comments", GF_E_HEADER, "name different bundles",
     "bundle.json is from somebody else than the signed comment says.", .make = from_other},
    THREE("to", "header-to", "\"" H64 "\"", "[]", "64 lower-case hex digits"),
    {"header-to-not-the-comments", GF_E_HEADER, "name different bundles",
     "bundle.json is for somebody else than the signed comment says.", .make = to_other},
    THREE("readers", "header-readers", "[]", "null", "an array"),
    {"header-readers-too-many", GF_E_HEADER, "an array of at most 15", "There are 16 readers.",
     .make = readers_too_many},
    {"header-readers-addressee", GF_E_HEADER, "readers[0] is the addressee",
     "The addressee is among the readers.", .make = reader_is_addressee},
    FIELD("header-readers-doubled", GF_E_HEADER, "readers[1] repeats readers[0]",
          "A reader is named twice.", "readers", "[\"" H64 "\",\"" H64 "\"]"),
    FIELD("header-readers-number", GF_E_HEADER, "\"readers\"[0] must be 64",
          "A reader is a number.", "readers", "[1]"),
    FIELD("header-readers-short", GF_E_HEADER, "\"readers\"[0] must be 64",
          "A reader's identity is too short.", "readers", "[\"" H16 "\"]"),
    THREE("stream", "header-stream", "\"" H16 H16 "\"", "7", "32 lower-case hex digits"),
    THREE("seq", "header-seq", "7", "\"7\"", "a number"),
    FIELD("header-seq-zero", GF_E_HEADER, "\"seq\" must be a number from 1", "seq is 0.", "seq",
          "0"),
    FIELD("header-seq-negative", GF_E_HEADER, "\"seq\" must be a number from 1", "seq is below 0.",
          "seq", "-7"),
    FIELD("header-seq-null", GF_E_HEADER, "\"seq\" must be a number", "seq is null.", "seq",
          "null"),
    FIELD("header-seq-beyond-2-53", GF_E_JSON, "a number beyond 2^53 - 1",
          "seq is a number that not every reader holds exactly.", "seq", "9007199254740992"),
    FIELD("header-seq-first-with-prev", GF_E_HEADER, "seq 1 begins a stream",
          "The first of a stream has a predecessor.", "seq", "1"),
    THREE("prev", "header-prev", "null", "0", "64 lower-case hex digits"),
    FIELD("header-prev-short", GF_E_HEADER, "\"prev\" must be 64", "prev is too short.", "prev",
          "\"" H16 "\""),
    THREE("created", "header-created", "null", "1767225600", "a time"),
    FIELD("header-created-no-date", GF_E_HEADER, "\"created\" must be a time",
          "It was made on a day that never was.", "created", "\"2026-02-30T00:00:00Z\""),
    FIELD("header-created-offset", GF_E_HEADER, "\"created\" must be a time",
          "Its time has an offset in place of Z.", "created", "\"2026-01-01T00:00:00+00:00\""),
    FIELD("header-created-fraction", GF_E_HEADER, "\"created\" must be a time",
          "Its time has a fraction.", "created", "\"2026-01-01T00:00:00.5Z\""),
    THREE("expires", "header-expires", "null", "false", "a time"),
    FIELD("header-expires-before-created", GF_E_HEADER, "expires is before created",
          "It expired before it was made.", "expires", "\"2025-12-31T23:59:59Z\""),
    {"header-expired", GF_E_EXPIRED, "expired on 2026-01-01T23:59:59Z",
     "It expired a second before the reader's time.", .make = expired},
    THREE("payload", "header-payload", "{}", "\"payload\"", "an object"),
    FIELD("header-payload-null", GF_E_HEADER, "\"payload\" must be an object",
          "The payload is null.", "payload", "null"),
    THREE("size", "header-payload-size", "500", "\"500\"", "a number"),
    FIELD("header-payload-size-other", GF_E_HEADER, "bundle.json states a payload of 500 bytes",
          "The payload's size is not the one in the shell.", "size", "500"),
    FIELD("header-payload-size-zero", GF_E_HEADER, "\"size\" must be a number from",
          "The payload is said to be empty.", "size", "0"),
    FIELD("header-payload-size-2-31", GF_E_HEADER, "\"size\" must be a number from",
          "The payload is said to be larger than a bundle may be.", "size", "2147483648"),
    THREE("blake2b", "header-payload-digest", "\"" H64 H64 "\"", "{}", "128 lower-case hex digits"),
    FIELD("header-payload-digest-short", GF_E_HEADER, "\"blake2b\" must be 128",
          "The payload's digest has half of its length.", "blake2b", "\"" H64 "\""),
    FIELD("header-payload-digest-other", GF_E_DIGEST, "not the one that was signed",
          "The signed digest is that of something else.", "blake2b", "\"" H64 H64 "\""),
    FIELD("header-payload-more", GF_E_HEADER, "\"sha256\" is no member",
          "The payload has a member that is not known.", "blake2b",
          "\"" H64 H64 "\",\"sha256\":\"00\""),
    THREE("ext", "header-ext", "{}", "[]", "an object"),
    FIELD("header-ext-null", GF_E_HEADER, "\"ext\" must be an object", "ext is null.", "ext",
          "null"),
    FIELD("header-unknown-member", GF_E_HEADER, "\"hint\" is no member that this version knows",
          "bundle.json has a member that is not known.", "seq", "7,\"hint\":1"),
};

const struct vector_set vector_header = VECTOR_SET(rows);
