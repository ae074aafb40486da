/*
 * test_record.c -- the lines of the .jsonl members: bodies byte for byte, and every rule.
 */
#include "format_testing.h"

#include "gapferry/record.h"

#define UUID7 "01890a5d-ac96-774b-bcce-b302099a8057"
#define UUID8 "01890a5d-ac96-874b-bcce-b302099a8057"

#define RECORD                                                                                     \
    "{\"id\":\"" UUID7 "\",\"channel\":\"metrics\",\"product\":\"Demo 1\",\"origin\":\"" H32       \
    "\",\"created\":\"2024-02-29T12:00:00Z\",\"expires\":null,\"clock\":\"ok\","                   \
    "\"type\":\"application/json\",\"answer\":false,\"body\":\"{\\\"a\\\":1.50}\",\"ext\":{}}\n"
#define RECEIPT                                                                                    \
    "{\"record\":\"" UUID8 "\",\"digest\":\"" H64 "\",\"state\":\"delivered\",\"reason\":null,"    \
    "\"guarantee\":\"at-least-once\",\"at\":\"2024-02-29T12:00:00Z\"}\n"
#define ANSWER                                                                                     \
    "{\"record\":\"" UUID7 "\",\"status\":200,\"headers\":{\"content-type\":\"text/plain\","       \
    "\"etag\":\"\\\"x\\\"\"},\"body\":\"ok\"}\n"
#define REFUSAL                                                                                    \
    "{\"bundle\":\"" H32 "\",\"code\":\"not-for-us\",\"reason\":\"addressed to somebody else\","   \
    "\"at\":\"2024-02-29T12:00:00Z\"}\n"
#define NOTICE "{\"type\":\"next-due\",\"at\":\"2024-02-29T12:00:00Z\",\"data\":\"a\\nb\"}\n"

/* A parser and a writer of one kind of line, as functions of bytes. */
#define LINE_TYPE(type)                                                                            \
    static enum gf_code parse_##type(const char *text, size_t len, struct gf_err *e) {             \
        struct gf_##type v;                                                                        \
        int rc = gf_##type##_parse(text, len, &v, e);                                              \
        if (rc == -1)                                                                              \
            assert_null(v.owned);                                                                  \
        gf_##type##_free(&v);                                                                      \
        return rc == 0 ? GF_OK : e->code;                                                          \
    }                                                                                              \
    static void round_trip_##type(const char *text) {                                              \
        struct gf_##type v;                                                                        \
        struct gf_err e;                                                                           \
        struct gf_buf b;                                                                           \
        gf_buf_init(&b, GF_LINE_MAX);                                                              \
        gf_buf_text(&b, "before\n");                                                               \
        if (gf_##type##_parse(text, strlen(text), &v, &e) == -1 ||                                 \
            gf_##type##_write(&v, &b, &e) == -1)                                                   \
            fail_msg("%s", e.text);                                                                \
        assert_memory_equal(b.data, "before\n", 7);                                                \
        assert_string_equal(b.data + 7, text);                                                     \
        gf_##type##_free(&v);                                                                      \
        gf_buf_free(&b);                                                                           \
    }

LINE_TYPE(record)
LINE_TYPE(receipt)
LINE_TYPE(answer)
LINE_TYPE(refusal)
LINE_TYPE(notice)

static void written_bytes_are_the_documented_ones(void **state) {
    (void)state;
    round_trip_record(RECORD);
    round_trip_receipt(RECEIPT);
    round_trip_answer(ANSWER);
    round_trip_refusal(REFUSAL);
    round_trip_notice(NOTICE);
}

static void every_field_of_a_record_arrives(void **state) {
    struct gf_record r;
    struct gf_err e;
    char uuid[GF_UUID_TEXT];
    (void)state;

    /* With its LF and without. */
    for (size_t cut = 0; cut < 2; cut++) {
        assert_int_equal(gf_record_parse(RECORD, strlen(RECORD) - cut, &r, &e), 0);
        gf_text_uuid(&r.id, uuid);
        assert_string_equal(uuid, UUID7);
        assert_string_equal(r.channel, "metrics");
        assert_string_equal(r.product, "Demo 1");
        assert_int_equal(r.origin.b[15], 0xef);
        assert_int_equal(r.created, 1709208000);
        assert_int_equal(r.has_expires, 0);
        assert_int_equal(r.clock, GF_CLOCK_OK);
        assert_string_equal(r.type, "application/json");
        assert_int_equal(r.answer, 0);
        assert_int_equal(r.body.form, GF_BODY_TEXT);
        assert_string_equal(r.body.data, "{\"a\":1.50}");
        assert_int_equal(r.body.len, 10);
        gf_record_free(&r);
        gf_record_free(&r);
    }
}

static struct gf_record example(const char *body, size_t len) {
    struct gf_record r = {.channel = "metrics",
                          .created = 1700000000,
                          .type = "text/plain; charset=utf-8",
                          .answer = 1,
                          .body = {GF_BODY_TEXT, body, len}};
    r.id.b[6] = 0x70;
    r.id.b[8] = 0x80;
    return r;
}

/* A body goes out and comes back, as `body` or as `body64`. */
static void check_body(const void *body, size_t len, const char *member) {
    struct gf_record r = example(body, len), back;
    struct gf_err e;
    struct gf_buf b;
    char name[16];

    gf_buf_init(&b, GF_LINE_MAX);
    if (gf_record_write(&r, &b, &e) == -1)
        fail_msg("%s", e.text);
    (void)snprintf(name, sizeof name, ",\"%s\":\"", member);
    assert_non_null(strstr(b.data, name));
    assert_int_equal(b.len, strlen(b.data));
    assert_ptr_equal(strchr(b.data, '\n'), b.data + b.len - 1);
    if (gf_record_parse(b.data, b.len, &back, &e) == -1)
        fail_msg("%s", e.text);
    assert_int_equal(back.body.len, len);
    assert_memory_equal(back.body.data, body, len);
    assert_int_equal(back.body.data[len], '\0');
    gf_record_free(&back);
    gf_buf_free(&b);
}

static void bodies_come_back_byte_for_byte(void **state) {
    static const char controls[] =
        "\x01\x02\x03\x04\x05\x06\x07\b\t\n\v\f\r\x0e\x0f\x10\x11\x12\x13\x14\x15\x16\x17\x18\x19"
        "\x1a\x1b\x1c\x1d\x1e\x1f \x7f";
    char all[256];
    (void)state;

    for (int i = 0; i < 256; i++)
        all[i] = (char)i;
    check_body("", 0, "body");
    check_body(controls, sizeof controls - 1, "body");
    check_body("\"\\/ \\u0041 \\\" </script>", 23, "body");
    check_body("\xf0\x9f\x9a\xa2 ferry", 10, "body");
    check_body("\xe2\x80\xa8 and \xe2\x80\xa9", 11, "body"); /* U+2028, U+2029 */
    check_body("\xef\xbb\xbf{}", 5, "body");                 /* a byte order mark is a body's own */
    check_body("\xef\xbf\xbe\xef\xbf\xbf", 6, "body");       /* U+FFFE, U+FFFF */
    check_body("{\n  \"n\": 1e400, \"n\": 007\r\n}", 27, "body");
    check_body("a\0b", 3, "body64");
    check_body("\0", 1, "body64");
    check_body("\xff", 1, "body64");
    check_body("\xc3", 1, "body64");
    check_body("\xed\xa0\x80", 3, "body64"); /* a surrogate */
    check_body("\xc0\x80", 2, "body64");     /* overlong */
    check_body(all, sizeof all, "body64");
    for (size_t n = 1; n < 8; n++)
        check_body(all + 250 - n, n, "body64");
}

static void a_body_has_exactly_one_encoding(void **state) {
    static const struct edit edits[] = {
        {"\"body\":\"{\\\"a\\\":1.50}\"", "\"body64\":\"/w==\"", GF_OK},
        {"\"body\":\"{\\\"a\\\":1.50}\"", "\"body64\":\"YQ==\"", GF_E_RECORD}, /* "a" */
        {"\"body\":\"{\\\"a\\\":1.50}\"", "\"body64\":\"\"", GF_E_RECORD},
        {"\"body\":\"{\\\"a\\\":1.50}\"", "\"body64\":\"/w\"", GF_E_RECORD},
        {"\"body\":\"{\\\"a\\\":1.50}\"", "\"body64\":\"/x==\"", GF_E_RECORD},
        {"\"body\":\"{\\\"a\\\":1.50}\"", "\"body64\":\"_w==\"", GF_E_RECORD},
        {"\"body\":\"{\\\"a\\\":1.50}\"", "\"body64\":\"/w==\\n\"", GF_E_RECORD},
        {"\"body\":\"{\\\"a\\\":1.50}\"", "\"body64\":null", GF_E_RECORD},
        {"\"body\":\"{\\\"a\\\":1.50}\"", "\"body\":null", GF_E_RECORD},
        {"\"body\":\"{\\\"a\\\":1.50}\"", "\"body\":{\"a\":1}", GF_E_RECORD},
        {"\"body\":\"{\\\"a\\\":1.50}\"", "\"body\":\"\\u0000\"", GF_E_JSON},
        {"\"body\":\"{\\\"a\\\":1.50}\"", "\"body\":\"\"", GF_OK},
        {"\"body\":\"{\\\"a\\\":1.50}\"", "\"file\":\"files/a.bin\"", GF_OK},
        {"\"body\":\"{\\\"a\\\":1.50}\"", "\"file\":\"a.bin\"", GF_E_RECORD},
        {"\"body\":\"{\\\"a\\\":1.50}\"", "\"file\":\"files/../a\"", GF_E_RECORD},
        {"\"body\":\"{\\\"a\\\":1.50}\"", "\"file\":\"records.jsonl\"", GF_E_RECORD},
        {"\"body\":\"{\\\"a\\\":1.50}\",", "", GF_E_RECORD},
        {"\"ext\":{}", "\"body64\":\"/w==\",\"ext\":{}", GF_E_RECORD},
        {"\"ext\":{}", "\"file\":\"files/a\",\"ext\":{}", GF_E_RECORD},
        {"\"ext\":{}", "\"body\":\"b\",\"ext\":{}", GF_E_JSON},
    };
    (void)state;
    CHECK_EDITS(parse_record, RECORD, edits);
}

static void a_body_in_a_file_is_named_by_its_member(void **state) {
    struct gf_record r = example("files/a.bin", 11);
    struct gf_err e;
    struct gf_buf b;
    (void)state;

    r.body.form = GF_BODY_FILE;
    gf_buf_init(&b, GF_LINE_MAX);
    assert_int_equal(gf_record_write(&r, &b, &e), 0);
    assert_non_null(strstr(b.data, ",\"file\":\"files/a.bin\","));
    round_trip_record(b.data);
    r.body.data = "/etc/passwd";
    assert_int_equal(gf_record_write(&r, &b, &e), -1);
    assert_int_equal(e.code, GF_E_RECORD);
    gf_buf_free(&b);
}

static void a_record_obeys_its_rules(void **state) {
    static const struct edit edits[] = {
        {UUID7, UUID8, GF_OK},
        {UUID7, "01890a5d-ac96-474b-bcce-b302099a8057", GF_E_RECORD}, /* version 4 */
        {UUID7, "01890a5d-ac96-774b-ccce-b302099a8057", GF_E_RECORD}, /* another variant */
        {UUID7, "01890A5D-AC96-774B-BCCE-B302099A8057", GF_E_RECORD},
        {UUID7, "01890a5dac96774bbcceb302099a8057", GF_E_RECORD},
        {UUID7, "00000000-0000-0000-0000-000000000000", GF_E_RECORD},
        {"\"metrics\"", "\"Metrics\"", GF_E_RECORD},
        {"\"metrics\"", "\"\"", GF_E_RECORD},
        {"\"metrics\"", "\"" H64 "\"", GF_OK},
        {"\"metrics\"", "\"" H64 "a\"", GF_E_RECORD},
        {"\"Demo 1\"", "null", GF_OK},
        {"\"Demo 1\"", "\"\"", GF_E_RECORD},
        {"\"Demo 1\"", "\"" H64 "a\"", GF_E_RECORD},
        {"\"Demo 1\"", "\"a\\nb\"", GF_E_RECORD},
        {"\"Demo 1\"", "\"a\\u007fb\"", GF_E_RECORD},
        {"\"Demo 1\"", "\"a\\u0085b\"", GF_E_RECORD},
        {"\"Demo 1\"", "\"D\xc3\xa9mo \xe2\x82\xac\"", GF_OK},
        {"\"product\":\"Demo 1\",", "", GF_E_RECORD},
        {"\"origin\":\"" H32 "\"", "\"origin\":null", GF_E_RECORD},
        {"2024-02-29T12:00:00Z", "2023-02-29T12:00:00Z", GF_E_RECORD},
        {"\"2024-02-29T12:00:00Z\"", "null", GF_E_RECORD},
        {"\"expires\":null", "\"expires\":\"2024-03-01T00:00:00Z\"", GF_OK},
        {"\"expires\":null", "\"expires\":0", GF_E_RECORD},
        {"\"expires\":null,", "", GF_E_RECORD},
        {"\"ok\"", "\"behind\"", GF_OK},
        {"\"ok\"", "\"unknown\"", GF_OK},
        {"\"ok\"", "\"ahead\"", GF_E_RECORD},
        {"application/json", "application/vnd.a+json; v=1", GF_OK},
        {"application/json", "application", GF_E_RECORD},
        {"application/json", "application/", GF_E_RECORD},
        {"application/json", "/json", GF_E_RECORD},
        {"application/json", "application/json x", GF_E_RECORD},
        {"application/json", "application/json ", GF_E_RECORD},
        {"application/json", "application/json;\\r\\nX: y", GF_E_RECORD},
        {"application/json", "application/json; v=\xc3\xa9", GF_E_RECORD},
        {"application/json", "application/json;" H64 H64 H64 H32 "0123456789abcd", GF_OK},
        {"application/json", "application/json;" H64 H64 H64 H64, GF_E_RECORD},
        {"\"answer\":false", "\"answer\":true", GF_OK},
        {"\"answer\":false", "\"answer\":0", GF_E_RECORD},
        {"\"ext\":{}", "\"ext\":{\"a\":1}", GF_OK},
        {"\"ext\":{}", "\"ext\":[]", GF_E_RECORD},
        {"\"ext\":{}", "\"ext\":null", GF_E_RECORD},
        {",\"ext\":{}", "", GF_E_RECORD},
        {",\"ext\":{}", ",\"ext\":{},\"x\":1", GF_E_RECORD},
        {"{\"id\"", "\n{\"id\"", GF_E_RECORD},
        {"{\"id\"", "{\n\"id\"", GF_E_RECORD},
        {"{\"id\"", "[{\"id\"", GF_E_RECORD},
        {"\"ext\":{}}", "\"ext\":{}}}", GF_E_JSON},
        {"\"ext\":{}}\n", "\"ext\":{}}\r\n", GF_E_RECORD},
    };
    (void)state;
    CHECK_EDITS(parse_record, RECORD, edits);
}

static void a_receipt_obeys_its_rules(void **state) {
    static const struct edit edits[] = {
        {"\"at-least-once\"", "\"effectively-once\"", GF_OK},
        {"\"at-least-once\"", "null", GF_E_RECORD}, /* delivered, but how? */
        {"\"at-least-once\"", "\"exactly-once\"", GF_E_RECORD},
        {"\"delivered\"", "\"relayed\"", GF_E_RECORD},
        {"\"delivered\"", "\"lost\"", GF_E_RECORD},
        {"\"delivered\",\"reason\":null", "\"rejected\",\"reason\":\"no\"", GF_E_RECORD},
        {"\"delivered\",\"reason\":null,\"guarantee\":\"at-least-once\"",
         "\"rejected\",\"reason\":\"no\\nendpoint\",\"guarantee\":null", GF_OK},
        {"\"delivered\",\"reason\":null,\"guarantee\":\"at-least-once\"",
         "\"rejected\",\"reason\":null,\"guarantee\":null", GF_E_RECORD},
        {"\"delivered\",\"reason\":null,\"guarantee\":\"at-least-once\"",
         "\"expired\",\"reason\":null,\"guarantee\":null", GF_E_RECORD},
        {"\"delivered\",\"reason\":null,\"guarantee\":\"at-least-once\"",
         "\"expired\",\"reason\":\"late\",\"guarantee\":null", GF_OK},
        {"\"delivered\",\"reason\":null,\"guarantee\":\"at-least-once\"",
         "\"relayed\",\"reason\":null,\"guarantee\":null", GF_OK},
        {"\"reason\":null", "\"reason\":\"\"", GF_E_RECORD},
        {"\"reason\":null,", "", GF_E_RECORD},
        {"\"digest\":\"" H64 "\"", "\"digest\":\"" H32 "\"", GF_E_RECORD},
        {UUID8, "01890a5d-ac96-174b-bcce-b302099a8057", GF_E_RECORD},
        {"\"at\":\"2024-02-29T12:00:00Z\"", "\"at\":null", GF_E_RECORD},
        {"\"at\":\"2024-02-29T12:00:00Z\"", "\"at\":\"2024-02-29T12:00:00Z\",\"ext\":{}",
         GF_E_RECORD},
    };
    (void)state;
    CHECK_EDITS(parse_receipt, RECEIPT, edits);
}

static void an_answer_obeys_its_rules(void **state) {
    static const struct edit edits[] = {
        {"\"status\":200", "\"status\":0", GF_OK},
        {"\"status\":200", "\"status\":100", GF_OK},
        {"\"status\":200", "\"status\":599", GF_OK},
        {"\"status\":200", "\"status\":99", GF_E_RECORD},
        {"\"status\":200", "\"status\":600", GF_E_RECORD},
        {"\"status\":200", "\"status\":\"200\"", GF_E_RECORD},
        {"\"etag\"", "\"Etag\"", GF_E_RECORD},
        {"\"etag\"", "\"e tag\"", GF_E_RECORD},
        {"\"etag\"", "\"etag:\"", GF_E_RECORD},
        {"\"etag\"", "\"\"", GF_E_RECORD},
        {"\"etag\"", "\"content-type\"", GF_E_JSON},
        {"\"etag\"", "\"conten\\u0074-type\"", GF_E_JSON},
        {"\"text/plain\"", "\"a\\r\\nb\"", GF_E_RECORD},
        {"\"text/plain\"", "\"a\\tb\"", GF_E_RECORD},
        {"\"text/plain\"", "\"\"", GF_OK},
        {"\"text/plain\"", "1", GF_E_RECORD},
        {"\"text/plain\"", "null", GF_E_RECORD},
        {"\"headers\":{", "\"headers\":[],\"x\":{", GF_E_RECORD},
        {"\"body\":\"ok\"", "\"body64\":\"AA==\"", GF_OK},
        {"\"body\":\"ok\"", "\"file\":\"files/x\"", GF_OK},
        {",\"body\":\"ok\"", "", GF_E_RECORD},
        {",\"body\":\"ok\"", ",\"body\":\"ok\",\"ext\":{}", GF_E_RECORD},
    };
    struct gf_answer a;
    struct gf_err e;
    (void)state;

    CHECK_EDITS(parse_answer, ANSWER, edits);
    assert_int_equal(gf_answer_parse(ANSWER, strlen(ANSWER), &a, &e), 0);
    assert_int_equal(a.nheaders, 2);
    assert_string_equal(a.headers[0], "content-type");
    assert_string_equal(a.headers[3], "\"x\"");
    gf_answer_free(&a);
}

static void refusals_and_notices_obey_their_rules(void **state) {
    static const struct edit refusals[] = {
        {"not-for-us", "Not For Us", GF_E_RECORD},
        {"not-for-us", "some-later-code", GF_OK},
        {"\"addressed to somebody else\"", "\"two\\nlines\"", GF_E_RECORD},
        {"\"addressed to somebody else\"", "null", GF_E_RECORD},
        {"\"addressed to somebody else\"", "\"\"", GF_E_RECORD},
        {"\"bundle\":\"" H32 "\"", "\"bundle\":\"" H64 "\"", GF_E_RECORD},
        {"{\"bundle\"", "{\"ext\":{},\"bundle\"", GF_E_RECORD},
    };
    static const struct edit notices[] = {
        {"next-due", "of-the-future", GF_OK},
        {"next-due", "next due", GF_E_RECORD},
        {"\"a\\nb\"", "\"\"", GF_OK},
        {"\"a\\nb\"", "{}", GF_E_RECORD},
        {",\"data\":\"a\\nb\"", "", GF_E_RECORD},
    };
    (void)state;
    CHECK_EDITS(parse_refusal, REFUSAL, refusals);
    CHECK_EDITS(parse_notice, NOTICE, notices);
}

static void the_writer_refuses_what_the_parser_would(void **state) {
    struct gf_record good = example("b", 1), r;
    struct gf_receipt t = {.state = GF_STATE_DELIVERED};
    struct gf_answer a = {.status = 200, .body = {GF_BODY_TEXT, "", 0}};
    const char *headers[] = {"a", "1", "a", "2"};
    struct gf_refusal f = {.code = "A", .reason = "x"};
    struct gf_notice n = {.type = "time", .data = "\xff"};
    struct gf_err e;
    struct gf_buf b;
    (void)state;

    gf_buf_init(&b, GF_LINE_MAX);
#define CHECK_UNWRITTEN(change)                                                                    \
    do {                                                                                           \
        r = good;                                                                                  \
        change;                                                                                    \
        assert_int_equal(gf_record_write(&r, &b, &e), -1);                                         \
        assert_int_equal(e.code, GF_E_RECORD);                                                     \
        assert_int_equal(b.len, 0);                                                                \
    } while (0)
    CHECK_UNWRITTEN(r.id.b[6] = 0x40);
    CHECK_UNWRITTEN(r.channel = NULL);
    CHECK_UNWRITTEN(r.channel = "a b");
    CHECK_UNWRITTEN(r.product = "");
    CHECK_UNWRITTEN(r.product = "\xff");
    CHECK_UNWRITTEN(r.created = -1);
    CHECK_UNWRITTEN(r.created = 253402300800);
    CHECK_UNWRITTEN((r.has_expires = 1, r.expires = -1));
    CHECK_UNWRITTEN(r.clock = (enum gf_clock)3);
    CHECK_UNWRITTEN(r.type = NULL);
    CHECK_UNWRITTEN(r.type = "text");
    CHECK_UNWRITTEN(r.body.data = NULL);
    CHECK_UNWRITTEN(r.body.form = (enum gf_body_form)2);

    t.record = f.bundle = a.record = good.id;
    assert_int_equal(gf_receipt_write(&t, &b, &e), -1);
    t.guarantee = GF_GUARANTEE_ONCE;
    assert_int_equal(gf_receipt_write(&t, &b, &e), 0);
    gf_buf_clear(&b);
    a.headers = headers;
    a.nheaders = 2;
    assert_int_equal(gf_answer_write(&a, &b, &e), -1);
    a.nheaders = 1;
    assert_int_equal(gf_answer_write(&a, &b, &e), 0);
    gf_buf_clear(&b);
    assert_int_equal(gf_refusal_write(&f, &b, &e), -1);
    assert_int_equal(gf_notice_write(&n, &b, &e), -1);
    assert_int_equal(b.len, 0);
    gf_buf_free(&b);
}

static void a_line_has_a_greatest_length_with_its_lf(void **state) {
    char *body = malloc(GF_LINE_MAX + 1);
    struct gf_record r;
    struct gf_err e;
    struct gf_buf b;
    size_t rest;
    (void)state;

    assert_non_null(body);
    memset(body, 'x', GF_LINE_MAX + 1);
    gf_buf_init(&b, 4 * GF_LINE_MAX);
    r = example(body, 0);
    assert_int_equal(gf_record_write(&r, &b, &e), 0);
    rest = GF_LINE_MAX - b.len;
    gf_buf_clear(&b);

    r.body.len = rest;
    assert_int_equal(gf_record_write(&r, &b, &e), 0);
    assert_int_equal(b.len, GF_LINE_MAX);
    assert_int_equal(parse_record(b.data, b.len, &e), GF_OK);
    assert_int_equal(parse_record(b.data, b.len - 1, &e), GF_OK);

    /* One byte more is refused, and what stood in the buffer stays. */
    r.body.len = rest + 1;
    assert_int_equal(gf_record_write(&r, &b, &e), -1);
    assert_int_equal(e.code, GF_E_LIMIT);
    assert_non_null(strstr(e.text, "as a file"));
    assert_int_equal(b.len, GF_LINE_MAX);
    r.body.len = GF_LINE_MAX + 1;
    assert_int_equal(gf_record_write(&r, &b, &e), -1);
    assert_int_equal(e.code, GF_E_LIMIT);

    /* And the parser refuses it too, wherever it comes from. */
    gf_buf_add(&b, "", 1);
    memmove(b.data + GF_LINE_MAX - 20, b.data + GF_LINE_MAX - 21, 21);
    assert_int_equal(parse_record(b.data, GF_LINE_MAX + 1, &e), GF_E_LIMIT);
    gf_buf_free(&b);
    free(body);
}

static void a_reason_has_a_greatest_length(void **state) {
    char reason[GF_REASON_MAX + 2];
    struct gf_receipt t = {.state = GF_STATE_EXPIRED, .reason = reason};
    struct gf_err e;
    struct gf_buf b;
    (void)state;

    t.record = example("", 0).id;
    memset(reason, 'x', sizeof reason);
    reason[GF_REASON_MAX] = '\0';
    gf_buf_init(&b, GF_LINE_MAX);
    assert_int_equal(gf_receipt_write(&t, &b, &e), 0);
    assert_int_equal(parse_receipt(b.data, b.len, &e), GF_OK);
    check_edit(parse_receipt, b.data, "\"reason\":\"x", "\"reason\":\"xx", GF_E_RECORD);
    reason[GF_REASON_MAX] = 'x';
    reason[GF_REASON_MAX + 1] = '\0';
    assert_int_equal(gf_receipt_write(&t, &b, &e), -1);
    gf_buf_free(&b);
}

static void damage_never_crashes(void **state) {
    (void)state;
    assert_in_range(check_damage(parse_record, RECORD, strlen(RECORD)), 1, strlen(RECORD) / 2);
    assert_in_range(check_damage(parse_receipt, RECEIPT, strlen(RECEIPT)), 1, strlen(RECEIPT) / 2);
    assert_in_range(check_damage(parse_answer, ANSWER, strlen(ANSWER)), 1, strlen(ANSWER) / 2);
    assert_in_range(check_damage(parse_refusal, REFUSAL, strlen(REFUSAL)), 1, strlen(REFUSAL) / 2);
    assert_in_range(check_damage(parse_notice, NOTICE, strlen(NOTICE)), 1, strlen(NOTICE) / 2);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(written_bytes_are_the_documented_ones),
        cmocka_unit_test(every_field_of_a_record_arrives),
        cmocka_unit_test(bodies_come_back_byte_for_byte),
        cmocka_unit_test(a_body_has_exactly_one_encoding),
        cmocka_unit_test(a_body_in_a_file_is_named_by_its_member),
        cmocka_unit_test(a_record_obeys_its_rules),
        cmocka_unit_test(a_receipt_obeys_its_rules),
        cmocka_unit_test(an_answer_obeys_its_rules),
        cmocka_unit_test(refusals_and_notices_obey_their_rules),
        cmocka_unit_test(the_writer_refuses_what_the_parser_would),
        cmocka_unit_test(a_line_has_a_greatest_length_with_its_lf),
        cmocka_unit_test(a_reason_has_a_greatest_length),
        cmocka_unit_test(damage_never_crashes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
