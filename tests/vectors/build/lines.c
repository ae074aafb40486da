/* lines.c -- the lines of the .jsonl members. */
#include <string.h>

#include "vectors/build/vector.h"

/* An edit of the record, or of the receipt that a response begins with. */
#define RECORD(title, ecode, text, sentence, from, to)                                             \
    { "record-" title, ecode, text, sentence, .find = from, .put = to }
#define RECEIPT(title, ecode, text, sentence, from, to)                                            \
    { "receipt-" title, ecode, text, sentence, .find = from, .put = to, .kind = GF_KIND_RESPONSE }
#define BODY "\"body\":\"{}\""

/* A response with one line of another kind, edited. */
static void line(struct forge *f, const char *path, const char *good, const char *find,
                 const char *put) {
    forge_no_members(f);
    (void)forge_member(f, path, NULL, good, strlen(good));
    forge_edit(&f->members[0].data, find, put);
}
#define LINE(function, path, good, find, put)                                                      \
    static void function(struct forge *f) {                                                        \
        line(f, path, good, find, put);                                                            \
    }
#define ANSWER(function, find, put) LINE(function, "answers.jsonl", forge_answer, find, put)
ANSWER(status_99, "200", "99")
ANSWER(status_600, "200", "600")
ANSWER(header_capital, "content-type", "Content-Type")
ANSWER(header_space, "content-type", "content type")
ANSWER(header_number, "{\"content-type\":\"application/json\"}", "{\"content-length\":2}")
ANSWER(header_twice, "{\"content-type\"", "{\"content-type\":\"a/b\",\"content-type\"")
ANSWER(header_lf, "application/json", "a/b\\nset-cookie: x")
ANSWER(answer_two_bodies, "\"body\":\"{}\"", "\"body\":\"{}\",\"file\":\"files/a\"")
ANSWER(answer_file, "\"body\":\"{}\"", "\"file\":\"files/missing\"")
LINE(refusal_code, "refusals.jsonl", forge_refusal, "\"digest\"", "\"Digest!\"")
LINE(refusal_reason, "refusals.jsonl", forge_refusal, "\"damaged\"", "\"\"")
LINE(refusal_bundle, "refusals.jsonl", forge_refusal, "000102", "00010")
LINE(notice_type, "notices.jsonl", forge_notice, "\"time\"", "\"no time\"")
LINE(notice_data, "notices.jsonl", forge_notice, "\"data\":\"{}\"", "\"data\":{}")
LINE(notice_at, "notices.jsonl", forge_notice, "00:00:00Z", "24:00:00Z")

/* A record of a mebibyte and a byte, in a frame of its own. */
static void too_long(struct forge *f) {
    struct gf_buf *b = &f->members[0].data;
    char *at = strstr(b->data, "{}\",\"ext");
    struct gf_buf fill;
    gf_buf_init(&fill, GF_LINE_MAX);
    forge_fill(&fill, 'x', GF_LINE_MAX + 1 - b->len);
    forge_insert(b, (size_t)(at - b->data), fill.data, fill.len);
    gf_buf_free(&fill);
}

static void second_line(struct forge *f) {
    forge_add(&f->members[0].data, "[]\n", 3);
}

static void no_lf(struct forge *f) {
    f->members[0].data.len--;
}

static void crlf(struct forge *f) {
    f->members[0].data.len--;
    forge_add(&f->members[0].data, "\r\n", 2);
}

static void empty_line(struct forge *f) {
    forge_add(&f->members[0].data, "\n", 1);
}

static void nul(struct forge *f) {
    f->members[0].data.data[10] = '\0';
}

#define BROKEN GF_E_RECORD
static const struct vector rows[] = {
    {"lines-too-long", GF_E_LIMIT, "records.jsonl line 1 is longer than 1048576 bytes",
     "A record has a byte more than a line may have.", .make = too_long},
    {"lines-second-wrong", BROKEN, "records.jsonl line 2: record: a line must be one JSON object",
     "The second record is an array.", .make = second_line},
    {"lines-no-last-lf", BROKEN, "records.jsonl: the last line has no end",
     "The last line has no line feed.", .make = no_lf},
    {"lines-crlf", BROKEN, "a line must be one JSON object and LF", "A line ends in CR and LF.",
     .make = crlf},
    {"lines-empty-line", BROKEN, "line 2: record: a line must be one JSON object and LF",
     "The second line is empty.", .make = empty_line},
    {"lines-nul", GF_E_JSON, "records.jsonl line 1: record: not strict JSON",
     "A line holds a NUL byte.", .make = nul},
    RECORD("not-json", GF_E_JSON, "record: not strict JSON", "A record is no JSON.",
           "\"answer\":false", "\"answer\":no"),
    RECORD("member-twice", GF_E_JSON, "a name that its object has already",
           "A record has a member twice.", "\"answer\":false", "\"answer\":false,\"answer\":true"),
    RECORD("unknown-member", BROKEN, "\"url\" is no member", "A record has a member not known.",
           "\"answer\":false", "\"answer\":false,\"url\":\"http://example.com/\""),
    RECORD("id-missing", BROKEN, "\"id\" is missing", "A record has no id.",
           "{\"id\":\"019b7000-0000-7000-8000-000000000001\",", "{"),
    RECORD("id-version-4", BROKEN, "a UUID of version 7 or 8", "A record's id is of version 4.",
           "-7000-8000-", "-4000-8000-"),
    RECORD("id-variant", BROKEN, "a UUID of version 7 or 8", "A record's id has another variant.",
           "-7000-8000-", "-7000-c000-"),
    RECORD("id-capitals", BROKEN, "id must be a UUID in lower case",
           "A record's id is spelled with capitals.", "019b7000", "019B7000"),
    RECORD("channel-capital", BROKEN, "channel must be a word", "A channel has a capital.",
           "\"metrics\"", "\"Metrics\""),
    RECORD("channel-empty", BROKEN, "\"channel\" must be text of 1 to 64", "A channel has no name.",
           "\"metrics\"", "\"\""),
    RECORD("product-control", BROKEN, "product must have no control characters",
           "A product's name rings a bell.", "\"demo\"", "\"de\\u0007mo\""),
    RECORD("origin-short", BROKEN, "\"origin\" must be 32", "The agent id is too short.",
           "000102030405", "0001020304"),
    RECORD("created-null", BROKEN, "\"created\" must be a time", "A record has no time.",
           "\"created\":\"2026-01-01T00:00:00Z\"", "\"created\":null"),
    RECORD("expires-month-13", BROKEN, "\"expires\" must be a time",
           "A record expires in a month that does not exist.", "\"expires\":null",
           "\"expires\":\"2026-13-01T00:00:00Z\""),
    RECORD("clock-unknown", BROKEN, "\"clock\" must be one of ok, behind, unknown",
           "The clock's state is none that exists.", "\"clock\":\"ok\"", "\"clock\":\"fast\""),
    RECORD("type-no-media-type", BROKEN, "type must be a media type",
           "A record's type is not a media type.", "application/json", "json"),
    RECORD("type-line-feed", BROKEN, "type must be a media type",
           "A record's type would add an HTTP header.", "application/json",
           "application/json;\\r\\nx: y"),
    RECORD("answer-number", BROKEN, "\"answer\" must be true or false", "answer is a number.",
           "\"answer\":false", "\"answer\":0"),
    RECORD("ext-missing", BROKEN, "\"ext\" is missing", "A record has no ext.", ",\"ext\":{}", ""),
    RECORD("no-body", BROKEN, "exactly one of body, body64 and file", "A record has no body.",
           "," BODY, ""),
    RECORD("body-twice", GF_E_JSON, "a name that its object has already",
           "A record has its body twice.", BODY, BODY "," BODY),
    RECORD("two-bodies", BROKEN, "exactly one of body, body64 and file",
           "A record has a body as text and in base64.", BODY, BODY ",\"body64\":\"/w==\""),
    RECORD("body-object", BROKEN, "\"body\" must be text", "A body is an object, not its text.",
           BODY, "\"body\":{}"),
    RECORD("body-nul", GF_E_JSON, "\\u0000 in a string", "A body as text holds NUL.", BODY,
           "\"body\":\"\\u0000\""),
    RECORD("body64-no-padding", BROKEN, "body64 must be base64 with padding",
           "A body in base64 has no padding.", BODY, "\"body64\":\"/w\""),
    RECORD("body64-unused-bits", BROKEN, "body64 must be base64 with padding",
           "Unused bits of a body in base64 are set.", BODY, "\"body64\":\"/x==\""),
    RECORD("body64-of-text", BROKEN, "body64 holds text, which must be sent as body",
           "A body that is text is in base64.", BODY, "\"body64\":\"e30=\""),
    RECORD("file-missing", BROKEN, "refers to 'files/data', which is not in the bundle",
           "A record's body is a file that is not there.", BODY, "\"file\":\"files/data\""),
    RECORD("file-outside", BROKEN, "file must be the path of a member files/...",
           "A record's body is a file outside.", BODY, "\"file\":\"files/../../etc/passwd\""),
    RECORD("file-is-contents", BROKEN, "file must be the path of a member files/...",
           "A record's body is contents.json.", BODY, "\"file\":\"contents.json\""),
    RECEIPT("state-unknown", BROKEN, "\"state\" must be one of relayed, delivered",
            "A receipt's state is none that exists.", "\"delivered\"", "\"applied\""),
    RECEIPT("rejected-no-reason", BROKEN, "'rejected' needs a reason",
            "A record was rejected without a reason.",
            "\"delivered\",\"reason\":null,\"guarantee\":\"effectively-once\"",
            "\"rejected\",\"reason\":null,\"guarantee\":null"),
    RECEIPT("delivered-no-guarantee", BROKEN, "'delivered' needs a guarantee",
            "A record was delivered without a guarantee.", "\"effectively-once\"", "null"),
    RECEIPT("relayed-guarantee", BROKEN, "'relayed' cannot have a guarantee",
            "A record was only relayed, with a guarantee.", "\"delivered\"", "\"relayed\""),
    RECEIPT("guarantee-unknown", BROKEN, "guarantee must be null, effectively-once or",
            "A guarantee is none that exists.", "\"effectively-once\"", "\"exactly-once\""),
    RECEIPT("digest-capitals", BROKEN, "\"digest\" must be 64",
            "A receipt's digest is spelled with capitals.",
            "0f0e0d0c0b0a090807060504030201000f0e0d0c0b0a09080706050403020100",
            "0F0E0D0C0B0A090807060504030201000F0E0D0C0B0A09080706050403020100"),
    RECEIPT("unknown-member", BROKEN, "\"ext\" is no member", "A receipt has a member not known.",
            "\"at\":", "\"ext\":{},\"at\":"),
#define OTHER(title, ecode, text, sentence, function)                                              \
    { title, ecode, text, sentence, .make = function, .kind = GF_KIND_RESPONSE }
    OTHER("answer-status-99", BROKEN, "status must be 0 or 100 to 599", "A status is 99.",
          status_99),
    OTHER("answer-status-600", BROKEN, "\"status\" must be a number from 0 to 599",
          "A status is 600.", status_600),
    OTHER("answer-header-capital", BROKEN, "must be an HTTP token in lower case",
          "A header's name has a capital.", header_capital),
    OTHER("answer-header-space", BROKEN, "must be an HTTP token in lower case",
          "A header's name has a space.", header_space),
    OTHER("answer-header-number", BROKEN, "headers must be an object of texts",
          "A header's value is a number.", header_number),
    OTHER("answer-header-twice", GF_E_JSON, "a name that its object has already",
          "A header stands there twice.", header_twice),
    OTHER("answer-header-line-feed", BROKEN, "a header must have no control characters",
          "A header's value would add a header.", header_lf),
    OTHER("answer-two-bodies", BROKEN, "exactly one of body, body64 and file",
          "An answer has a body and a file.", answer_two_bodies),
    OTHER("answer-file-missing", BROKEN, "refers to 'files/missing'",
          "An answer's body is a file that is not there.", answer_file),
    OTHER("refusal-code", BROKEN, "refusal: code must be a word", "A refusal's code is no word.",
          refusal_code),
    OTHER("refusal-no-reason", BROKEN, "\"reason\" must be text", "A refusal has no reason.",
          refusal_reason),
    OTHER("refusal-bundle-short", BROKEN, "\"bundle\" must be 32",
          "A refusal names a bundle by too few digits.", refusal_bundle),
    OTHER("notice-type", BROKEN, "notice: type must be a word", "A notice's type is no word.",
          notice_type),
    OTHER("notice-data-object", BROKEN, "\"data\" must be text",
          "A notice's data is an object, not its text.", notice_data),
    OTHER("notice-hour-24", BROKEN, "\"at\" must be a time", "A notice is of 24 o'clock.",
          notice_at),
};

const struct vector_set vector_lines = VECTOR_SET(rows);
