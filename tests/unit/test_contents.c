/*
 * test_contents.c -- contents.json: what is written is read, and every rule refuses.
 */
#include "format_testing.h"

#include "gapferry/contents.h"
#include "gapferry/digest.h"

#define HEAD(kind)                                                                                 \
    "{\"id\":\"00112233445566778899aabbccddeeff\",\"kind\":\"" kind "\",\"from\":\"" A64           \
    "\",\"to\":\"" B64 "\",\"stream\":\"" H32 "\",\"seq\":7,"

#define REQUEST                                                                                    \
    HEAD("request")                                                                                \
    "\"members\":[{\"member\":\"records.jsonl\",\"name\":null,\"size\":500},"                      \
    "{\"member\":\"files/big.iso\",\"name\":\"Big \xe2\x82\xac\\n.iso\",\"size\":100,"             \
    "\"part\":{\"index\":1,\"count\":3,\"offset\":200,\"whole\":400,\"digest\":\"" H64 "\"}},"     \
    "{\"member\":\"files/empty\",\"name\":\"empty\",\"size\":0}],\"void\":[2,5],"                  \
    "\"have\":[{\"stream\":\"00000000000000000000000000000001\",\"upto\":4,\"also\":[6,9]},"       \
    "{\"stream\":\"00000000000000000000000000000002\",\"upto\":0,\"also\":[]}],"                   \
    "\"want\":[{\"digest\":\"" B64 "\",\"parts\":[0,3]},"                                          \
    "{\"digest\":\"" A64 "\",\"parts\":[]}],\"ext\":{}}\n"

#define RESPONSE                                                                                   \
    HEAD("response")                                                                               \
    "\"members\":[{\"member\":\"receipts.jsonl\",\"name\":null,\"size\":1},"                       \
    "{\"member\":\"answers.jsonl\",\"name\":null,\"size\":2},"                                     \
    "{\"member\":\"refusals.jsonl\",\"name\":null,\"size\":3},"                                    \
    "{\"member\":\"notices.jsonl\",\"name\":null,\"size\":4},"                                     \
    "{\"member\":\"files/a\",\"name\":\"../../etc/passwd\",\"size\":5},"                           \
    "{\"member\":\"files/a.b\",\"name\":\"a\",\"size\":6}],\"void\":[],\"ext\":{}}\n"

static enum gf_code parse(const char *text, size_t len, struct gf_err *e) {
    struct gf_contents c;
    int rc = gf_contents_parse(text, len, &c, e);

    if (rc == -1) {
        assert_null(c.members);
        assert_int_equal(c.nmembers, 0);
    }
    gf_contents_free(&c);
    return rc == 0 ? GF_OK : e->code;
}

static void check_round_trip(const char *text) {
    struct gf_contents c;
    struct gf_err e;
    struct gf_buf b;

    if (gf_contents_parse(text, strlen(text), &c, &e) == -1)
        fail_msg("%s", e.text);
    gf_buf_init(&b, GF_CONTENTS_MAX);
    gf_contents_write(&c, &b);
    assert_string_equal(b.data, text);
    gf_buf_free(&b);
    gf_contents_free(&c);
}

static void written_bytes_are_the_documented_ones(void **state) {
    (void)state;
    check_round_trip(REQUEST);
    check_round_trip(RESPONSE);
}

static void every_field_arrives(void **state) {
    struct gf_contents c;
    struct gf_err e;
    (void)state;

    assert_int_equal(gf_contents_parse(REQUEST, strlen(REQUEST), &c, &e), 0);
    assert_int_equal(c.kind, GF_KIND_REQUEST);
    assert_int_equal(c.seq, 7);
    assert_int_equal(c.nmembers, 3);
    assert_null(c.members[0].name);
    assert_string_equal(c.members[1].name, "Big \xe2\x82\xac\n.iso");
    assert_int_equal(c.members[1].is_part, 1);
    assert_int_equal(c.members[1].part.offset, 200);
    assert_int_equal(c.members[2].is_part, 0);
    assert_int_equal(c.nvoids, 2);
    assert_int_equal(c.voids[1], 5);
    assert_int_equal(c.nhave, 2);
    assert_int_equal(c.have[0].upto, 4);
    assert_int_equal(c.have[0].also[1], 9);
    assert_int_equal(c.nwant, 2);
    assert_int_equal(c.want[0].parts[1], 3);
    assert_int_equal(c.want[1].nparts, 0);
    gf_contents_free(&c);
    gf_contents_free(&c);
}

static void members_stand_in_archive_order_without_doubles(void **state) {
    static const struct edit edits[] = {
        {"\"files/a.b\"", "\"files/a\"", GF_E_CONTENTS},
        {"\"files/a.b\"", "\"files/A\"", GF_E_CONTENTS},
        {"\"files/a.b\"", "\"files/0\"", GF_OK}, /* files come as they were streamed */
        {"\"answers.jsonl\"", "\"receipts.jsonl\"", GF_E_CONTENTS},
        {"\"answers.jsonl\"", "\"notices.jsonl\"", GF_E_CONTENTS},
        {"\"answers.jsonl\"", "\"records.jsonl\"", GF_E_CONTENTS},
        {"\"receipts.jsonl\",\"name\":null", "\"files/z\",\"name\":\"z\"", GF_E_CONTENTS},
    };
    (void)state;
    CHECK_EDITS(parse, RESPONSE, edits);
}

static void only_expected_members_are_taken(void **state) {
    static const struct edit edits[] = {
        {"files/big.iso", "files/.iso", GF_E_CONTENTS},
        {"files/big.iso", "files/", GF_E_CONTENTS},
        {"files/big.iso", "files/a/b", GF_E_CONTENTS},
        {"files/big.iso", "files/..", GF_E_CONTENTS},
        {"files/big.iso", "/etc/passwd", GF_E_CONTENTS},
        {"files/big.iso", "contents.json", GF_E_CONTENTS},
        {"files/big.iso", "files/" H64, GF_OK},
        {"files/big.iso", "files/" H64 "a", GF_E_CONTENTS},
        {"\"records.jsonl\"", "\"receipts.jsonl\"", GF_E_CONTENTS},
        {"\"records.jsonl\"", "\"Records.jsonl\"", GF_E_CONTENTS},
        {"\"records.jsonl\"", "\"records\"", GF_E_CONTENTS},
        {"\"records.jsonl\"", "null", GF_E_CONTENTS},
    };
    (void)state;
    CHECK_EDITS(parse, REQUEST, edits);
}

static void files_have_names_and_lines_have_none(void **state) {
    static const struct edit edits[] = {
        {"\"name\":null", "\"name\":\"x\"", GF_E_CONTENTS},
        {"\"name\":\"empty\"", "\"name\":null", GF_E_CONTENTS},
        {"\"name\":\"empty\"", "\"name\":\"\"", GF_E_CONTENTS},
        {"\"name\":\"empty\",", "", GF_E_CONTENTS},
        {"\"name\":\"empty\"", "\"name\":\"\\u0000\"", GF_E_JSON},
        {"\"name\":\"empty\"", "\"name\":\"\xff\"", GF_E_JSON},
        {"\"name\":\"empty\"", "\"name\":\"" H64 H64 H64 H32 H16 "0123456789abcde\"", GF_OK},
        {"\"name\":\"empty\"", "\"name\":\"" H64 H64 H64 H64 "\"", GF_E_CONTENTS},
    };
    (void)state;
    CHECK_EDITS(parse, REQUEST, edits);
}

static void sizes_have_limits(void **state) {
    static const struct edit edits[] = {
        {"\"size\":500", "\"size\":0", GF_E_CONTENTS},
        {"\"size\":500", "\"size\":-1", GF_E_CONTENTS},
        {"\"size\":500", "\"size\":\"500\"", GF_E_CONTENTS},
        {"\"size\":0", "\"size\":2130706432", GF_E_LIMIT}, /* with the others: too much */
        {"\"size\":0", "\"size\":2130706433", GF_E_CONTENTS},
        {"\"size\":0", "\"size\":2130705832", GF_OK},
    };
    (void)state;
    CHECK_EDITS(parse, REQUEST, edits);
}

static void a_part_lies_within_its_file(void **state) {
    static const struct edit edits[] = {
        {"\"index\":1", "\"index\":0", GF_E_CONTENTS}, /* the first part lies at 0 */
        {"\"index\":1", "\"index\":2", GF_E_CONTENTS}, /* the last one at the end */
        {"\"index\":1", "\"index\":3", GF_E_CONTENTS},
        {"\"index\":1", "\"index\":-1", GF_E_CONTENTS},
        {"\"index\":1,\"count\":3,\"offset\":200", "\"index\":0,\"count\":3,\"offset\":0", GF_OK},
        {"\"index\":1,\"count\":3,\"offset\":200", "\"index\":2,\"count\":3,\"offset\":300", GF_OK},
        {"\"count\":3", "\"count\":1", GF_E_CONTENTS},
        {"\"count\":3", "\"count\":401", GF_E_CONTENTS},
        {"\"offset\":200", "\"offset\":0", GF_E_CONTENTS},
        {"\"offset\":200", "\"offset\":300", GF_E_CONTENTS},
        {"\"offset\":200", "\"offset\":301", GF_E_CONTENTS},
        {"\"offset\":200", "\"offset\":9007199254740991", GF_E_CONTENTS},
        {"\"size\":100", "\"size\":0", GF_E_CONTENTS},
        {"\"whole\":400", "\"whole\":0", GF_E_CONTENTS},
        {"\"whole\":400,", "", GF_E_CONTENTS},
        {"\"whole\":400", "\"whole\":400,\"x\":1", GF_E_CONTENTS},
        {"\"size\":500", "\"size\":500,\"part\":{}", GF_E_CONTENTS},
        {"\"size\":0", "\"size\":0,\"part\":null", GF_E_CONTENTS},
    };
    (void)state;
    CHECK_EDITS(parse, REQUEST, edits);
}

static void numbers_rise(void **state) {
    static const struct edit edits[] = {
        {"\"void\":[2,5]", "\"void\":[5,2]", GF_E_CONTENTS},
        {"\"void\":[2,5]", "\"void\":[2,2]", GF_E_CONTENTS},
        {"\"void\":[2,5]", "\"void\":[0]", GF_E_CONTENTS},
        {"\"void\":[2,5]", "\"void\":null", GF_E_CONTENTS},
        {"\"void\":[2,5]", "\"void\":[9007199254740991]", GF_OK},
        {"\"also\":[6,9]", "\"also\":[9,6]", GF_E_CONTENTS},
        {"\"also\":[6,9]", "\"also\":[4]", GF_E_CONTENTS}, /* upto says so already */
        {"\"parts\":[0,3]", "\"parts\":[3,0]", GF_E_CONTENTS},
        {"\"parts\":[0,3]", "\"parts\":[-1]", GF_E_CONTENTS},
        {"\"parts\":[0,3]", "\"parts\":[\"0\"]", GF_E_CONTENTS},
    };
    (void)state;
    CHECK_EDITS(parse, REQUEST, edits);
}

static void have_and_want_stand_in_requests_and_only_there(void **state) {
    static const struct edit missing[] = {
        {"\"have\":[{", "\"had\":[{", GF_E_CONTENTS},
        {"\"want\":[{", "\"wants\":[{", GF_E_CONTENTS},
        {"\"upto\":4", "\"upto\":-1", GF_E_CONTENTS},
        {"\"upto\":4,", "", GF_E_CONTENTS},
        {"\"upto\":4", "\"upto\":4,\"x\":1", GF_E_CONTENTS},
        {"00000000000000000000000000000002", "00000000000000000000000000000001", GF_E_CONTENTS},
        {"{\"digest\":\"" B64, "{\"digest\":\"" A64, GF_E_CONTENTS},
        {"\"want\":[{", "\"want\":[1,{", GF_E_CONTENTS},
    };
    static const struct edit present[] = {
        {"\"void\":[],", "\"void\":[],\"have\":[],", GF_E_CONTENTS},
        {"\"void\":[],", "\"void\":[],\"want\":[],", GF_E_CONTENTS},
    };
    (void)state;
    CHECK_EDITS(parse, REQUEST, missing);
    CHECK_EDITS(parse, RESPONSE, present);
}

static void a_missing_or_unknown_member_is_refused(void **state) {
    static const struct edit edits[] = {
        {"\"seq\":7,", "", GF_E_CONTENTS},
        {"\"seq\":7", "\"seq\":7,\"prev\":null", GF_E_CONTENTS},
        {"\"seq\":7", "\"seq\":7,\"seq\":7", GF_E_JSON},
        {"\"kind\":\"response\"", "\"kind\":\"answer\"", GF_E_CONTENTS},
        {"\"ext\":{}", "\"ext\":{\"any\":[{}]}", GF_OK},
        {"\"ext\":{}", "\"ext\":[]", GF_E_CONTENTS},
        {",\"ext\":{}", "", GF_E_CONTENTS},
        {"\"ext\":{}}\n", "\"ext\":{}}", GF_E_CONTENTS},
        {"\"ext\":{}}\n", "\"ext\":{}} \n", GF_E_CONTENTS},
        {"\"ext\":{}}\n", "\"ext\":{}}\n\n", GF_E_CONTENTS},
        {"\"size\":6", "\"size\":6,\"mode\":420", GF_E_CONTENTS},
    };
    (void)state;
    CHECK_EDITS(parse, RESPONSE, edits);
}

static void members_void_and_have_are_limited_in_number(void **state) {
    struct gf_contents c = {.kind = GF_KIND_REQUEST, .seq = 1};
    struct gf_buf b;
    struct gf_err e;
    (void)state;

    c.members = calloc(GF_MEMBERS_MAX + 1, sizeof *c.members);
    c.voids = calloc(GF_VOID_MAX + 1, sizeof *c.voids);
    assert_true(c.members != NULL && c.voids != NULL);
    for (int i = 0; i <= GF_MEMBERS_MAX; i++) {
        (void)snprintf(c.members[i].member, sizeof c.members[i].member, "files/%05d", i);
        c.members[i].name = strdup("same");
    }
    for (int i = 0; i <= GF_VOID_MAX; i++)
        c.voids[i] = i + 1;

    gf_buf_init(&b, GF_CONTENTS_MAX);
    c.nmembers = GF_MEMBERS_MAX;
    c.nvoids = GF_VOID_MAX;
    gf_contents_write(&c, &b);
    assert_int_equal(parse(b.data, b.len, &e), GF_OK);
    gf_buf_clear(&b);
    c.nvoids++;
    gf_contents_write(&c, &b);
    assert_int_equal(parse(b.data, b.len, &e), GF_E_CONTENTS);
    gf_buf_clear(&b);
    c.nvoids = 0;
    c.nmembers++;
    gf_contents_write(&c, &b);
    assert_int_equal(parse(b.data, b.len, &e), GF_E_CONTENTS);
    gf_buf_free(&b);
    gf_contents_free(&c);
}

static void a_longer_text_than_the_limit_is_refused_unread(void **state) {
    char *text = malloc(GF_CONTENTS_MAX + 1);
    struct gf_err e;
    (void)state;

    assert_non_null(text);
    memset(text, ' ', GF_CONTENTS_MAX + 1);
    assert_int_equal(parse(text, GF_CONTENTS_MAX + 1, &e), GF_E_LIMIT);
    assert_int_equal(parse(text, 0, &e), GF_E_CONTENTS);
    free(text);
}

static void damage_never_crashes(void **state) {
    (void)state;
    assert_in_range(check_damage(parse, REQUEST, strlen(REQUEST)), 1, strlen(REQUEST) / 2);
    assert_in_range(check_damage(parse, RESPONSE, strlen(RESPONSE)), 1, strlen(RESPONSE) / 2);
}

static void paths_are_known_by_their_exact_names(void **state) {
    (void)state;
    assert_int_equal(gf_contents_member_of("records.jsonl"), GF_MEMBER_RECORDS);
    assert_int_equal(gf_contents_member_of("notices.jsonl"), GF_MEMBER_NOTICES);
    assert_int_equal(gf_contents_member_of("contents.json"), GF_MEMBER_CONTENTS);
    assert_int_equal(gf_contents_member_of("files/a-1.b"), GF_MEMBER_FILE);
    assert_int_equal(gf_contents_member_of("files"), -1);
    assert_int_equal(gf_contents_member_of("files/"), -1);
    assert_int_equal(gf_contents_member_of("files/../a"), -1);
    assert_int_equal(gf_contents_member_of("./records.jsonl"), -1);
    assert_int_equal(gf_contents_member_of(""), -1);
    for (int m = GF_MEMBER_RECORDS; m < GF_MEMBER_FILE; m++)
        assert_int_equal(gf_contents_member_of(gf_contents_names[m]), m);
}

static void contents_of_another_bundle_do_not_bind(void **state) {
    struct gf_contents c = {.kind = GF_KIND_REQUEST, .seq = 3};
    struct gf_header good, h;
    struct gf_err e;
    (void)state;

    memset(&good, 0, sizeof good);
    good.seq = 3;
    assert_int_equal(gf_contents_bind(&c, &good, &e), 0);
#define CHECK_UNBOUND(change, name)                                                                \
    do {                                                                                           \
        h = good;                                                                                  \
        change;                                                                                    \
        assert_int_equal(gf_contents_bind(&c, &h, &e), -1);                                        \
        assert_int_equal(e.code, GF_E_BINDING);                                                    \
        assert_non_null(strstr(e.text, "'" name "'"));                                             \
    } while (0)
    CHECK_UNBOUND(h.id.b[15] = 1, "id");
    CHECK_UNBOUND(h.kind = GF_KIND_RESPONSE, "kind");
    CHECK_UNBOUND(h.from.b[31] = 1, "from");
    CHECK_UNBOUND(h.to.b[0] = 1, "to");
    CHECK_UNBOUND(h.stream.b[15] = 1, "stream");
    CHECK_UNBOUND(h.seq = 4, "seq");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(written_bytes_are_the_documented_ones),
        cmocka_unit_test(every_field_arrives),
        cmocka_unit_test(members_stand_in_archive_order_without_doubles),
        cmocka_unit_test(only_expected_members_are_taken),
        cmocka_unit_test(files_have_names_and_lines_have_none),
        cmocka_unit_test(sizes_have_limits),
        cmocka_unit_test(a_part_lies_within_its_file),
        cmocka_unit_test(numbers_rise),
        cmocka_unit_test(have_and_want_stand_in_requests_and_only_there),
        cmocka_unit_test(a_missing_or_unknown_member_is_refused),
        cmocka_unit_test(members_void_and_have_are_limited_in_number),
        cmocka_unit_test(a_longer_text_than_the_limit_is_refused_unread),
        cmocka_unit_test(damage_never_crashes),
        cmocka_unit_test(paths_are_known_by_their_exact_names),
        cmocka_unit_test(contents_of_another_bundle_do_not_bind),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
