/* header_json.c -- bundle.json that is not strict JSON of the one form, but signed by the sender.
 * The scanner is the same for all JSON; each of its rules is shown here once. */
#include <string.h>

#include "vectors/build/vector.h"

#define EXT(title, text, sentence, value)                                                          \
    {                                                                                              \
        title, GF_E_JSON, text, sentence, .stage = FORGE_HEADER, .find = "\"ext\":{}",             \
                                          .put = "\"ext\":" value                                  \
    }
#define SEQ(title, text, sentence, value)                                                          \
    {                                                                                              \
        title, GF_E_JSON, text, sentence, .stage = FORGE_HEADER, .find = "\"seq\":7",              \
                                          .put = "\"seq\":" value                                  \
    }
#define FORM(title, ecode, text, sentence, from, to)                                               \
    { title, ecode, text, sentence, .stage = FORGE_HEADER, .find = from, .put = to }

#define DEEP7 "[[[[[[["
#define FLAT7 "]]]]]]]"

/* ext with n members m0, m1 ... */
static void members(struct forge *f, int n) {
    struct gf_buf b;
    gf_buf_init(&b, GF_HEADER_MAX);
    gf_buf_text(&b, "\"ext\":{");
    for (int i = 0; i < n; i++)
        gf_buf_printf(&b, "%s\"m%d\":0", i == 0 ? "" : ",", i);
    gf_buf_text(&b, "}");
    forge_to(f, FORGE_HEADER);
    vector_member(&f->json, "ext", b.data);
    gf_buf_free(&b);
}

static void members_257(struct forge *f) {
    members(f, 257);
}

static void name_257(struct forge *f) {
    struct gf_buf b;
    gf_buf_init(&b, GF_HEADER_MAX);
    gf_buf_text(&b, "\"ext\":{\"");
    forge_fill(&b, 'n', 257);
    gf_buf_text(&b, "\":0}");
    forge_to(f, FORGE_HEADER);
    vector_member(&f->json, "ext", b.data);
    gf_buf_free(&b);
}

static void no_final_lf(struct forge *f) {
    forge_to(f, FORGE_HEADER);
    f->json.len--;
}

static void crlf(struct forge *f) {
    no_final_lf(f);
    forge_add(&f->json, "\r\n", 2);
}

static void padding_behind_lf(struct forge *f) {
    forge_to(f, FORGE_HEADER);
    forge_add(&f->json, " ", 1);
}

static void two_lines(struct forge *f) {
    forge_to(f, FORGE_HEADER);
    forge_add(&f->json, "\n", 1);
}

static void nothing_but_spaces(struct forge *f) {
    forge_to(f, FORGE_HEADER);
    forge_set(&f->json, "    \n", 5);
}

static void byte_order_mark(struct forge *f) {
    forge_to(f, FORGE_HEADER);
    forge_insert(&f->json, 0, "\xEF\xBB\xBF", 3);
}

static void leading_space(struct forge *f) {
    forge_to(f, FORGE_HEADER);
    forge_insert(&f->json, 0, " ", 1);
}

static void array(struct forge *f) {
    forge_to(f, FORGE_HEADER);
    forge_set(&f->json, "[{}]\n", 5);
}

static void empty_object(struct forge *f) {
    forge_to(f, FORGE_HEADER);
    forge_set(&f->json, "{}\n", 3);
}

static void two_objects(struct forge *f) {
    forge_to(f, FORGE_HEADER);
    forge_insert(&f->json, f->json.len - 1, "{}", 2);
}

static void nul_byte(struct forge *f) {
    forge_to(f, FORGE_HEADER);
    forge_edit(&f->json, "\"ext\":{}", "\"ext\":{\"a\":\"#\"}");
    *(char *)memchr(f->json.data, '#', f->json.len) = '\0';
}

static void cut(struct forge *f) {
    forge_to(f, FORGE_HEADER);
    f->json.len -= 6;
    forge_add(&f->json, "}\n", 2);
}

static const struct vector rows[] = {
    EXT("json-duplicate-name", "a name that its object has already",
        "An object within ext has a name twice.", "{\"a\":1,\"a\":1}"),
    EXT("json-duplicate-name-escaped", "a name that its object has already",
        "A name stands twice, once with an escape.", "{\"ab\":1,\"\\u0061b\":1}"),
    EXT("json-escaped-nul", "\\u0000 in a string", "A string holds an escaped NUL.",
        "{\"a\":\"x\\u0000y\"}"),
    {"json-raw-nul", GF_E_JSON, "a control character in a string", "A string holds a NUL byte.",
     .make = nul_byte},
    EXT("json-control-character", "a control character in a string",
        "A string holds a raw line feed.", "{\"a\":\"\n\"}"),
    EXT("json-utf8-broken", "a byte that is not UTF-8", "A string holds a byte that no UTF-8 has.",
        "{\"a\":\"\xff\"}"),
    EXT("json-utf8-overlong", "a byte that is not UTF-8", "A slash is written in two bytes.",
        "{\"a\":\"\xc0\xaf\"}"),
    EXT("json-utf8-surrogate", "a byte that is not UTF-8", "A surrogate is encoded as UTF-8.",
        "{\"a\":\"\xed\xa0\x80\"}"),
    EXT("json-lone-surrogate", "half a surrogate pair", "Half of a surrogate pair is escaped.",
        "{\"a\":\"\\ud800\"}"),
    EXT("json-escape-unknown", "an escape that JSON does not have", "A string has an escape \\x.",
        "{\"a\":\"\\x41\"}"),
    EXT("json-depth-17", "nested too deeply", "It is nested 17 deep.",
        "{\"a\":" DEEP7 DEEP7 "["
        "]" FLAT7 FLAT7 "}"),
    {"json-members-257", GF_E_JSON, "too many members in an object", "An object has 257 members.",
     .make = members_257},
    {"json-name-long", GF_E_JSON, "a name that is too long", "A name has 257 bytes.",
     .make = name_257},
    EXT("json-trailing-comma", "a name in quotes is missing", "An object ends with a comma.",
        "{\"a\":1,}"),
    EXT("json-single-quotes", "a name in quotes is missing", "A name stands in single quotes.",
        "{'a':1}"),
    EXT("json-comment", "a name in quotes is missing", "There is a comment.", "{/* */}"),
    EXT("json-literal-capital", "not a value", "True is written with a capital.", "{\"a\":True}"),
    EXT("json-nan", "not a value", "A number is none.", "{\"a\":NaN}"),
    SEQ("json-number-fraction", "a number that is not a plain integer", "seq is 7.0.", "7.0"),
    SEQ("json-number-exponent", "a number that is not a plain integer", "seq is 7e0.", "7e0"),
    SEQ("json-number-leading-zero", "a number with a leading zero", "seq is 07.", "07"),
    SEQ("json-number-plus", "not a value", "seq is +7.", "+7"),
    SEQ("json-number-minus-zero", "a number with a leading zero or -0", "seq is -0.", "-0"),
    SEQ("json-number-20-digits", "a number beyond 2^53 - 1", "seq has 20 digits.",
        "10000000000000000007"),
    SEQ("json-number-hex", "a comma or } is missing", "seq is 0x7.", "0x7"),
    FORM("json-colon-missing", GF_E_JSON, "a colon is missing", "A name is followed by no colon.",
         "\"seq\":7", "\"seq\" 7"),
    {"json-cut", GF_E_JSON, "a string that does not end", "The object ends too early.",
     .make = cut},
    {"json-two-objects", GF_E_JSON, "something after the value", "A second object follows.",
     .make = two_objects},
    {"json-byte-order-mark", GF_E_HEADER, "must be one JSON object, then spaces, then one LF",
     "It begins with a byte order mark.", .make = byte_order_mark},
    {"json-leading-space", GF_E_HEADER, "must be one JSON object", "It begins with a space.",
     .make = leading_space},
    {"json-array", GF_E_HEADER, "must be one JSON object", "It is an array.", .make = array},
    {"json-empty-object", GF_E_HEADER, "\"format\" is missing", "It is an empty object.",
     .make = empty_object},
    {"json-no-final-lf", GF_E_HEADER, "must end in LF", "Its final line feed is missing.",
     .make = no_final_lf},
    {"json-crlf", GF_E_HEADER, "must be one JSON object, then spaces, then one LF",
     "It ends in CR and LF.", .make = crlf},
    {"json-padding-behind-lf", GF_E_HEADER, "must end in LF", "A space follows its line feed.",
     .make = padding_behind_lf},
    {"json-two-line-feeds", GF_E_HEADER, "must be one JSON object, then spaces, then one LF",
     "It ends in two line feeds.", .make = two_lines},
    {"json-nothing-but-spaces", GF_E_HEADER, "must be one JSON object", "It holds spaces alone.",
     .make = nothing_but_spaces},
    FORM("json-padding-tab", GF_E_HEADER, "must be one JSON object, then spaces, then one LF",
         "It is padded with a tab.", "\"ext\":{}}", "\"ext\":{}}\t"),
};

const struct vector_set vector_header_json = VECTOR_SET(rows);
