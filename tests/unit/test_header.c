/*
 * test_header.c -- bundle.json: what is written is read, and every rule refuses by its own code.
 */
#include "format_testing.h"

#include "gapferry/digest.h"
#include "gapferry/header.h"

#define GOOD                                                                                       \
    "{\"format\":\"gapferry-bundle/1\",\"needs\":[],\"id\":\"00112233445566778899aabbccddeeff\","  \
    "\"kind\":\"request\",\"from\":\"" A64 "\",\"to\":\"" B64 "\",\"readers\":[\"" H64 "\"],"      \
    "\"stream\":\"" H32 "\",\"seq\":7,\"prev\":\"" H32 H32 "\","                                   \
    "\"created\":\"2024-02-29T12:00:00Z\",\"expires\":\"2024-03-01T00:00:00Z\","                   \
    "\"payload\":{\"size\":1000,\"blake2b\":\"" H64 H64 "\"},\"ext\":{}}"

static enum gf_code parse(const char *text, size_t len, struct gf_err *e) {
    struct gf_header h;

    return gf_header_parse(text, len, &h, e) == 0 ? GF_OK : e->code;
}

static struct gf_header example(void) {
    struct gf_header h;

    memset(&h, 0, sizeof h);
    memset(&h.id, 1, sizeof h.id);
    memset(&h.from, 2, sizeof h.from);
    memset(&h.to, 3, sizeof h.to);
    memset(&h.stream, 4, sizeof h.stream);
    memset(&h.payload_digest, 5, sizeof h.payload_digest);
    h.kind = GF_KIND_RESPONSE;
    h.seq = 1;
    h.payload_size = 4321;
    return h;
}

static void written_bytes_are_the_documented_ones(void **state) {
    struct gf_header h;
    struct gf_err e;
    struct gf_buf b;
    (void)state;

    /* The parsed example, written again, is the example. */
    assert_int_equal(gf_header_parse(GOOD "\n", strlen(GOOD) + 1, &h, &e), 0);
    assert_int_equal(h.seq, 7);
    assert_int_equal(h.nreaders, 1);
    assert_int_equal(h.kind, GF_KIND_REQUEST);
    assert_int_equal(h.expires - h.created, 12 * 3600);
    gf_buf_init(&b, GF_HEADER_MAX);
    assert_int_equal(gf_header_write(&h, 0, &b, &e), 0);
    assert_string_equal(b.data, GOOD "\n");
    gf_buf_free(&b);
}

static void that_there_are_no_records_is_said_in_ext_alone(void **state) {
    static const struct {
        const char *ext;
        int says;
    } cases[] = {{"{\"no_records\":true}", 1},
                 {"{\"x\":1,\"no_records\":true}", 1},
                 {"{\"no_records\":false}", 0},
                 {"{\"no_records\":1}", 0},
                 {"{\"no_records\":null}", 0},
                 {"{\"no\":{\"no_records\":true}}", 0},
                 {"{}", 0}};
    struct gf_header h;
    struct gf_err e;
    struct gf_buf b;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        gf_buf_init(&b, GF_HEADER_MAX);
        gf_buf_add(&b, GOOD, strlen(GOOD) - 3);
        gf_buf_printf(&b, "%s}\n", cases[i].ext);
        if (gf_header_parse(b.data, b.len, &h, &e) == -1 || h.no_records != cases[i].says)
            fail_msg("%s", cases[i].ext);
        if (i == 0) {
            size_t len = b.len;
            assert_int_equal(gf_header_write(&h, 0, &b, &e), 0);
            assert_int_equal(b.len, 2 * len);
            assert_memory_equal(b.data, b.data + len, len);
        }
        gf_buf_free(&b);
    }
}

static void absent_values_are_null_and_come_back_absent(void **state) {
    struct gf_header h = example(), back;
    struct gf_err e;
    struct gf_buf b;
    (void)state;

    gf_buf_init(&b, GF_HEADER_MAX);
    assert_int_equal(gf_header_write(&h, 0, &b, &e), 0);
    assert_non_null(strstr(b.data, ",\"prev\":null,\"created\":null,\"expires\":null,"));
    assert_int_equal(gf_header_parse(b.data, b.len, &back, &e), 0);
    assert_int_equal(back.has_prev + back.has_created + back.has_expires, 0);
    assert_memory_equal(&back.payload_digest, &h.payload_digest, sizeof h.payload_digest);
    assert_int_equal(back.payload_size, 4321);
    gf_buf_free(&b);
}

static void padding_reaches_exactly_the_asked_size(void **state) {
    struct gf_header h = example(), back;
    struct gf_err e;
    struct gf_buf b;
    size_t room = gf_header_room(&h);
    (void)state;

    for (int64_t size = 4321; size <= GF_BUNDLE_MAX; size = size * 10 + 7) {
        h.payload_size = size;
        gf_buf_init(&b, GF_HEADER_MAX);
        assert_int_equal(gf_header_write(&h, room, &b, &e), 0);
        assert_int_equal(b.len, room);
        assert_int_equal(gf_header_parse(b.data, b.len, &back, &e), 0);
        assert_int_equal(back.payload_size, size);
        gf_buf_free(&b);
    }

    /* The room has no byte to spare for the largest payload. */
    h.payload_size = GF_BUNDLE_MAX;
    gf_buf_init(&b, GF_HEADER_MAX);
    assert_int_equal(gf_header_write(&h, room - 1, &b, &e), -1);
    assert_int_equal(e.code, GF_E_LIMIT);
    assert_int_equal(b.len, 0);
    assert_int_equal(gf_header_write(&h, GF_HEADER_MAX, &b, &e), 0);
    assert_int_equal(b.len, GF_HEADER_MAX);
    assert_int_equal(parse(b.data, b.len, &e), GF_OK);
    gf_buf_free(&b);
    assert_int_equal(gf_header_write(&h, GF_HEADER_MAX + 1, &b, &e), -1);
    assert_int_equal(e.code, GF_E_LIMIT);
}

static void sixteen_identities_fit_and_a_seventeenth_does_not(void **state) {
    struct gf_header h = example(), back;
    struct gf_err e;
    struct gf_buf b;
    (void)state;

    h.nreaders = GF_READERS_MAX;
    for (size_t i = 0; i < GF_READERS_MAX; i++)
        memset(&h.readers[i], (int)(100 + i), sizeof h.readers[i]);
    h.payload_size = 5000;
    gf_buf_init(&b, GF_HEADER_MAX);
    assert_int_equal(gf_header_write(&h, 0, &b, &e), 0);
    assert_int_equal(gf_header_parse(b.data, b.len, &back, &e), 0);
    assert_int_equal(back.nreaders, GF_READERS_MAX);
    check_edit(parse, b.data, "\"readers\":[", "\"readers\":[\"" A64 "\",", GF_E_HEADER);
    gf_buf_free(&b);
}

static void padding_is_spaces_before_the_last_lf_and_nothing_else(void **state) {
    static const struct edit edits[] = {
        {"\"ext\":{}}\n", "\"ext\":{}}      \n", GF_OK},
        {"\"ext\":{}}\n", "\"ext\":{}}", GF_E_HEADER},
        {"\"ext\":{}}\n", "\"ext\":{}}\n\n", GF_E_HEADER},
        {"\"ext\":{}}\n", "\"ext\":{}} \n \n", GF_E_HEADER},
        {"\"ext\":{}}\n", "\"ext\":{}}\t\n", GF_E_HEADER},
        {"\"ext\":{}}\n", "\"ext\":{}}\r\n", GF_E_HEADER},
        {"\"ext\":{}}\n", "\"ext\":{}} x\n", GF_E_HEADER},
        {"{\"format\"", " {\"format\"", GF_E_HEADER},
        {"{\"format\"", "\xef\xbb\xbf{\"format\"", GF_E_HEADER},
        {"\"ext\":{}}\n", "\"ext\":{}}{}\n", GF_E_JSON},
    };
    (void)state;
    CHECK_EDITS(parse, GOOD "\n", edits);
}

static void any_order_of_members_is_read(void **state) {
    char *moved = edited(GOOD "\n", "\"ext\":{}}", "\"seq\":7}");
    char *whole = edited(moved, "\"seq\":7,\"prev\"", "\"ext\":{\"a\":[1]},\"prev\"");
    struct gf_err e;
    (void)state;

    assert_int_equal(parse(whole, strlen(whole), &e), GF_OK);
    free(moved);
    free(whole);
}

static void what_is_newer_is_reported_as_newer(void **state) {
    static const struct edit edits[] = {
        {"gapferry-bundle/1", "gapferry-bundle/2", GF_E_VERSION},
        {"gapferry-bundle/1", "gapferry-bundle/10", GF_E_VERSION},
        {"gapferry-bundle/1", "gapferry-bundle/", GF_E_VERSION},
        {"gapferry-bundle/1\",\"needs\":[]", "gapferry-bundle/2\",\"wants\":{}", GF_E_VERSION},
        {"\"needs\":[]", "\"needs\":[\"sparse\"]", GF_E_VERSION},
        {"\"needs\":[],\"id\"", "\"needs\":[\"sparse\"],\"new\":1,\"id\"", GF_E_VERSION},
        {"gapferry-bundle/1", "gapferry-card/1", GF_E_HEADER},
        {"gapferry-bundle/1", "", GF_E_HEADER},
        {"\"gapferry-bundle/1\"", "1", GF_E_HEADER},
        {"\"format\":\"gapferry-bundle/1\",", "", GF_E_HEADER},
        {"\"needs\":[],", "", GF_E_HEADER},
        {"\"needs\":[]", "\"needs\":{}", GF_E_HEADER},
        {"\"needs\":[]", "\"needs\":[1]", GF_E_HEADER},
        {"\"needs\":[]", "\"needs\":[\"\"]", GF_E_HEADER},
        {"\"needs\":[]", "\"needs\":[\"Sparse\"]", GF_E_HEADER},
        {"\"needs\":[]", "\"needs\":[\"sparse\",\"a b\"]", GF_E_HEADER},
        {"\"needs\":[]", "\"needs\":[\"" H32 "a\"]", GF_E_HEADER},
        {"\"needs\":[]", "\"needs\":[\"" H32 "\"]", GF_E_VERSION},
    };
    (void)state;
    CHECK_EDITS(parse, GOOD "\n", edits);
}

static void a_missing_doubled_or_unknown_member_is_refused(void **state) {
    static const struct edit edits[] = {
        {"\"kind\":\"request\",", "", GF_E_HEADER},
        {"\"seq\":7,", "", GF_E_HEADER},
        {"\"created\":\"2024-02-29T12:00:00Z\",", "", GF_E_HEADER},
        {"\"stream\":\"" H32 "\",", "", GF_E_HEADER},
        {",\"ext\":{}", "", GF_E_HEADER},
        {"\"size\":1000,", "", GF_E_HEADER},
        {"\"seq\":7", "\"seq\":7,\"seq\":7", GF_E_JSON},
        {"\"seq\":7", "\"seq\":7,\"s\\u0065q\":7", GF_E_JSON},
        {"\"ext\":{}", "\"ext\":{},\"extra\":1", GF_E_HEADER},
        {"\"size\":1000", "\"size\":1000,\"extra\":1", GF_E_HEADER},
    };
    (void)state;
    CHECK_EDITS(parse, GOOD "\n", edits);
}

static void a_value_of_another_form_is_refused(void **state) {
    static const struct edit edits[] = {
        {"\"00112233445566778899aabbccddeeff\"", "\"00112233445566778899AABBCCDDEEFF\"",
         GF_E_HEADER},
        {"\"00112233445566778899aabbccddeeff\"", "\"0011\"", GF_E_HEADER},
        {"\"00112233445566778899aabbccddeeff\"", "null", GF_E_HEADER},
        {"\"request\"", "\"Request\"", GF_E_HEADER},
        {"\"request\"", "\"receipt\"", GF_E_HEADER},
        {"\"request\"", "0", GF_E_HEADER},
        {"\"" A64 "\"", "\"" A64 "a\"", GF_E_HEADER},
        {"\"" A64 "\"", "[]", GF_E_HEADER},
        {"\"seq\":7", "\"seq\":0", GF_E_HEADER},
        {"\"seq\":7", "\"seq\":-1", GF_E_HEADER},
        {"\"seq\":7", "\"seq\":\"7\"", GF_E_HEADER},
        {"\"seq\":7", "\"seq\":7.0", GF_E_JSON},
        {"\"seq\":7", "\"seq\":9007199254740992", GF_E_JSON},
        {"\"seq\":7", "\"seq\":9007199254740991", GF_OK},
        {"\"2024-02-29T12:00:00Z\"", "\"2024-02-30T12:00:00Z\"", GF_E_HEADER},
        {"\"2024-02-29T12:00:00Z\"", "\"2024-02-29T12:00:00+00:00\"", GF_E_HEADER},
        {"\"2024-02-29T12:00:00Z\"", "0", GF_E_HEADER},
        {"\"payload\":{", "\"payload\":null,\"x\":{", GF_E_HEADER},
        {"\"size\":1000", "\"size\":297", GF_E_HEADER}, /* 2 stanzas need 298 */
        {"\"size\":1000", "\"size\":298", GF_OK},
        {"\"size\":1000", "\"size\":2147483648", GF_E_HEADER},
        {"\"size\":1000", "\"size\":2147483647", GF_OK},
        {"\"ext\":{}", "\"ext\":null", GF_E_HEADER},
        {"\"ext\":{}", "\"ext\":[]", GF_E_HEADER},
    };
    (void)state;
    CHECK_EDITS(parse, GOOD "\n", edits);
}

static void readers_are_distinct_and_not_the_addressee(void **state) {
    static const struct edit edits[] = {
        {"\"readers\":[", "\"readers\":[\"" A64 "\",", GF_OK}, /* the sender may be one */
        {"\"readers\":[", "\"readers\":[\"" B64 "\",", GF_E_HEADER},
        {"\"readers\":[", "\"readers\":[\"" H64 "\",", GF_E_HEADER},
        {"\"readers\":[", "\"readers\":[null,", GF_E_HEADER},
        {"\"readers\":[\"" H64 "\"]", "\"readers\":[]", GF_OK},
    };
    (void)state;
    CHECK_EDITS(parse, GOOD "\n", edits);
}

static void the_first_of_a_stream_has_no_predecessor(void **state) {
    static const struct edit edits[] = {
        {"\"seq\":7", "\"seq\":1", GF_E_HEADER},
        {"\"seq\":7,\"prev\":\"" H64 "\"", "\"seq\":1,\"prev\":null", GF_OK},
        /* Numbers 1 to 6 may be void, and a void number has no header. */
        {"\"prev\":\"" H64 "\"", "\"prev\":null", GF_OK},
    };
    (void)state;
    CHECK_EDITS(parse, GOOD "\n", edits);
}

static void it_cannot_expire_before_it_was_created(void **state) {
    static const struct edit edits[] = {
        {"2024-03-01T00:00:00Z", "2024-02-29T11:59:59Z", GF_E_HEADER},
        {"2024-03-01T00:00:00Z", "2024-02-29T12:00:00Z", GF_OK},
        {"\"created\":\"2024-02-29T12:00:00Z\"", "\"created\":null", GF_OK},
    };
    (void)state;
    CHECK_EDITS(parse, GOOD "\n", edits);
}

static void a_longer_header_than_the_limit_is_refused_unread(void **state) {
    char *text = malloc(GF_HEADER_MAX + 1);
    struct gf_err e;
    (void)state;

    assert_non_null(text);
    memset(text, ' ', GF_HEADER_MAX + 1);
    memcpy(text, GOOD, strlen(GOOD));
    text[GF_HEADER_MAX - 1] = '\n';
    assert_int_equal(parse(text, GF_HEADER_MAX, &e), GF_OK);
    text[GF_HEADER_MAX - 1] = ' ';
    text[GF_HEADER_MAX] = '\n';
    assert_int_equal(parse(text, GF_HEADER_MAX + 1, &e), GF_E_LIMIT);
    free(text);
}

static void damage_is_refused_or_read_as_another_header(void **state) {
    (void)state;
    /* Digits may turn into other digits; most changes break a rule. */
    assert_in_range(check_damage(parse, GOOD "\n", strlen(GOOD) + 1), 1, strlen(GOOD) / 2);
}

static void failure_leaves_the_output_alone(void **state) {
    struct gf_header h, before;
    struct gf_err e;
    (void)state;

    memset(&h, 0x5a, sizeof h);
    before = h;
    assert_int_equal(gf_header_parse(GOOD, strlen(GOOD), &h, &e), -1);
    assert_memory_equal(&h, &before, sizeof h);
    assert_int_equal(gf_header_parse("{\"format\":1}\n", 13, &h, NULL), -1);
    assert_memory_equal(&h, &before, sizeof h);
}

static void the_digest_covers_the_padding(void **state) {
    struct gf_hash a, b;
    (void)state;

    gf_header_digest(GOOD "\n", strlen(GOOD) + 1, &a);
    gf_header_digest(GOOD " \n", strlen(GOOD) + 2, &b);
    assert_memory_not_equal(&a, &b, sizeof a);
    gf_digest_256(GOOD "\n", strlen(GOOD) + 1, &b);
    assert_memory_equal(&a, &b, sizeof a);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(that_there_are_no_records_is_said_in_ext_alone),
        cmocka_unit_test(written_bytes_are_the_documented_ones),
        cmocka_unit_test(absent_values_are_null_and_come_back_absent),
        cmocka_unit_test(padding_reaches_exactly_the_asked_size),
        cmocka_unit_test(sixteen_identities_fit_and_a_seventeenth_does_not),
        cmocka_unit_test(padding_is_spaces_before_the_last_lf_and_nothing_else),
        cmocka_unit_test(any_order_of_members_is_read),
        cmocka_unit_test(what_is_newer_is_reported_as_newer),
        cmocka_unit_test(a_missing_doubled_or_unknown_member_is_refused),
        cmocka_unit_test(a_value_of_another_form_is_refused),
        cmocka_unit_test(readers_are_distinct_and_not_the_addressee),
        cmocka_unit_test(the_first_of_a_stream_has_no_predecessor),
        cmocka_unit_test(it_cannot_expire_before_it_was_created),
        cmocka_unit_test(a_longer_header_than_the_limit_is_refused_unread),
        cmocka_unit_test(damage_is_refused_or_read_as_another_header),
        cmocka_unit_test(failure_leaves_the_output_alone),
        cmocka_unit_test(the_digest_covers_the_padding),
    };
    struct gf_err e;

    if (gf_digest_start(&e) == -1)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
