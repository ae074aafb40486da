/*
 * test_collect.c -- parts of gapferry-collect by themselves: bodies by their type, what lies in
 * intake/, and what `status` reads.
 */
#include "spool_testing.h"

#include "agent/collect/collect.h"

/* ---- bodies ---- */

static int take(enum body_path path, const char *type, const char *allow, const char *data,
                size_t len, struct body_kept *k, enum body_no *no) {
    struct otlp_deny *deny = NULL;

    assert_int_equal(deny_read(NULL, &deny, &e), 0);
    const struct body b = {path, type, allow, deny, data, len, 1000000000, 1700000000123456789};
    int rc = body_take(&b, k, no, &e);
    otlp_deny_free(deny);
    return rc;
}

static const char point[] = "\x0a\x1d\x12\x1b\x12\x19\x0a\x01m\x2a\x14\x0a\x12\x19\x01\x02"
                            "\x03\x04\x05\x06\x07\x18\x21\x00\x00\x00\x00\x00\x00\xf0\x3f";
static const char json[] =
    "{\"resourceMetrics\":[{\"scopeMetrics\":[{\"metrics\":[{\"name\":\"m\",\"gauge\":{"
    "\"dataPoints\":[{\"timeUnixNano\":\"1\",\"asDouble\":1.50}]}}]}]}]}";
static const char escaped[] =
    "{\"\\u0072esourceMetrics\":[{\"scopeMetrics\":[{\"metrics\":[{\"name\":\"m\",\"gauge\":{"
    "\"dataPoints\":[{\"timeUnixNano\":\"1\",\"asDouble\":1.50}]}}]}]}]}";
static const char old[] = "{\"resource_metrics\":[]}";
static const struct {
    const char *type, *allow, *data;
    size_t len;
    enum body_path path;
    int status; /* 0: it passes, 1: it says nothing, else -1 - enum body_no */
} bodies[] = {
    {"application/json", NULL, "{ \"a\": 1}", 9, BODY_RECORDS, 0},
    {"Application/JSON; charset=utf-8", "*", "[1]", 3, BODY_RECORDS, 0},
    {"application/json", NULL, "{ \"a\": ", 7, BODY_RECORDS, -1 - BODY_NO_FORM},
    {"application/json", "a", "{ \"a\": 1}", 9, BODY_RECORDS, 0},
    {"application/json", "b", "{ \"a\": 1}", 9, BODY_RECORDS, -1 - BODY_NO_RULE},
    {"application/json", "", "{ \"a\": 1}", 9, BODY_RECORDS, -1 - BODY_NO_RULE},
    {"application/json", "a", "[1]", 3, BODY_RECORDS, -1 - BODY_NO_FORM},
    {"text/plain", NULL, "\x00\xff", 2, BODY_RECORDS, 0},
    {"text/plain", "a", "a", 1, BODY_RECORDS, -1 - BODY_NO_TYPE},
    {"application/jsonx", "a", "{}", 2, BODY_RECORDS, -1 - BODY_NO_TYPE},
    {"application/json", NULL, "{}", 2, BODY_METRICS, 1},
    {"application/json", NULL, "{\"resourceMetrics\" : [ ]}", 25, BODY_METRICS, 1},
    {"application/json", NULL, "{\"resourceMetrics\":[{}]}", 24, BODY_METRICS, 1},
    {"application/json", NULL, json, sizeof json - 1, BODY_METRICS, 0},
    {"application/json", "*", json, sizeof json - 1, BODY_METRICS, 0},
    {"application/json", NULL, "[]", 2, BODY_METRICS, -1 - BODY_NO_FORM},
    {"application/json", "resourceMetrics", "{\"resourceMetrics\":[{}]}", 24, BODY_METRICS,
     -1 - BODY_NO_RULE},
    {"application/x-protobuf", NULL, "", 0, BODY_METRICS, 1},
    {"application/x-protobuf", NULL, point, sizeof point - 1, BODY_METRICS, 0},
    {"application/x-protobuf", "a", point, sizeof point - 1, BODY_METRICS, -1 - BODY_NO_RULE},
    {"application/x-protobuf", NULL, point, sizeof point - 2, BODY_METRICS, -1 - BODY_NO_FORM},
    {"", NULL, "{}", 2, BODY_METRICS, -1 - BODY_NO_TYPE},
    {"text/x-influx-line", NULL, "m f=1 7", 7, BODY_RECORDS, 0},
    {"text/x-influx-line", "a", "m f=1 7", 7, BODY_RECORDS, -1 - BODY_NO_RULE},
    {"text/x-influx-line", NULL, "m f=1 7\nm", 9, BODY_RECORDS, -1 - BODY_NO_FORM},
    {"text/x-influx-line", NULL, "#\n", 2, BODY_RECORDS, -1 - BODY_NO_FORM},
    {"text/x-influx-line", NULL, "m host=\"a\"", 10, BODY_RECORDS, -1 - BODY_NO_RULE},
    {"", NULL, "", 0, BODY_LINES, 1},
    {"", "a", "m f=1", 5, BODY_LINES, -1 - BODY_NO_RULE},
    {"", NULL, "m f\nm\n", 6, BODY_LINES, -1 - BODY_NO_FORM},
    {"", NULL, "m host=\"a\"", 10, BODY_LINES, -1 - BODY_NO_RULE},
    {"text/x-influx-line", NULL, "m f=1 7", 7, BODY_OWN, 0},
    {"text/x-influx-line", NULL, "m f=1 7\nm", 9, BODY_OWN, -1 - BODY_NO_FORM},
    {"text/x-influx-line", "a", "m f=1 7", 7, BODY_OWN, -1 - BODY_NO_RULE},
    /* OTLP is known for what it is whichever way it comes. */
    {"application/json", NULL, json, sizeof json - 1, BODY_RECORDS, 0},
    {"application/json", NULL, escaped, sizeof escaped - 1, BODY_OWN, 0},
    {"application/json", NULL, "{\"resourceMetrics\":1}", 21, BODY_RECORDS, -1 - BODY_NO_FORM},
    {"application/json", NULL, "{\"resourceMetrics\":[{}]", 23, BODY_OWN, -1 - BODY_NO_FORM},
    {"application/json", NULL, old, sizeof old - 1, BODY_OWN, -1 - BODY_NO_FORM},
    {"application/json", NULL, "{\"a\":{\"resourceMetrics\":1}}", 27, BODY_RECORDS, 0},
    {"application/json", NULL, "[\"\\u00e9\", 1]", 13, BODY_RECORDS, 0},
    {"application/x-protobuf", NULL, point, sizeof point - 1, BODY_RECORDS, 0},
    {"application/x-protobuf", NULL, point, sizeof point - 2, BODY_RECORDS, -1 - BODY_NO_FORM},
    {"application/x-protobuf", NULL, point, sizeof point - 1, BODY_OWN, 0},
    {"application/x-protobuf", NULL, "{\"users\":1}", 11, BODY_OWN, -1 - BODY_NO_FORM},
    {"application/x-protobuf", "*", "", 0, BODY_OWN, 0},
    {"application/x-protobuf", "a", point, sizeof point - 1, BODY_OWN, -1 - BODY_NO_RULE},
    /* By the agent's own hands anything comes in that no rule has to be applied to. */
    {"application/json", NULL, "no JSON", 7, BODY_OWN, 0},
    {"text/plain", "a", "{\"a\":1}", 7, BODY_OWN, 0},
    {"text/plain", "a", "plain", 5, BODY_OWN, -1 - BODY_NO_FORM},
    {"text/plain", "", "plain", 5, BODY_OWN, -1 - BODY_NO_RULE},
};

static void a_body_passes_as_it_is_or_not_at_all(void **state) {
    (void)state;

    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        struct body_kept k;
        enum body_no no = BODY_NO_MEMORY;
        int rc = take(bodies[i].path, bodies[i].type, bodies[i].allow, bodies[i].data,
                      bodies[i].len, &k, &no);
        int is = rc == -1 ? -1 - (int)no : k.empty;
        if (is != bodies[i].status)
            fail_msg("case %zu: %d, %s", i, is, e.text);
        if (rc == 0 && (k.len != bodies[i].len || memcmp(k.data, bodies[i].data, k.len) != 0))
            fail_msg("case %zu: changed", i);
        body_free(&k);
    }
}

static void what_a_rule_takes_out_is_named(void **state) {
    struct body_kept k;
    enum body_no no;
    (void)state;

    assert_int_equal(take(BODY_RECORDS, "application/json", "users",
                          "{\"users\": 1,\"host\":2, \"ip\":3}", 29, &k, &no),
                     0);
    assert_int_equal(k.len, 12);
    assert_memory_equal(k.data, "{\"users\": 1}", 12);
    assert_string_equal(k.dropped.data, "host, ip");
    body_free(&k);
}

static void of_lines_what_is_well_formed_comes_in_and_the_rest_is_told(void **state) {
    static const struct {
        const char *data, *becomes, *dropped, *partial;
    } cases[] = {
        {"m f=1 7\n", "m f=1 7000000000\n", "", ""},
        {"m,host=a f=1\n", "m f=1 1700000000123456789\n", "host", ""},
        {"# only words\n", "", "", ""},
        {"m\nm f=1 7\nm f=", "m f=1 7000000000\n", "",
         "partial write: unable to parse line 1: missing fields, and other lines dropped=2"},
        {"m f=1 7\nm,user=b host=\"a\"", "m f=1 7000000000\n", "user, host",
         "partial write: the list (deny) of the channel leaves nothing of 1 lines dropped=1"},
        {"m f=1 7\nm host=\"a\"\nm f=x", "m f=1 7000000000\n", "host",
         "partial write: unable to parse line 3: a value that is neither number, boolean nor "
         "string; the list (deny) of the channel leaves nothing of 1 lines dropped=2"},
    };
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *want = cases[i].becomes;
        struct body_kept k;
        enum body_no no;

        if (take(BODY_LINES, "", NULL, cases[i].data, strlen(cases[i].data), &k, &no) == -1)
            fail_msg("case %zu: %s", i, e.text);
        assert_int_equal(k.len, strlen(want));
        assert_memory_equal(k.data, want, k.len);
        assert_int_equal(k.empty, want[0] == '\0');
        assert_string_equal(k.dropped.len > 0 ? k.dropped.data : "", cases[i].dropped);
        assert_string_equal(k.partial.len > 0 ? k.partial.data : "", cases[i].partial);
        assert_int_equal(k.cuttable, 1);
        body_free(&k);
    }
}

/* Whichever way a request comes, what the list names goes, and is named; and the facts are told. */
static void denied_attributes_go_whichever_way_they_come(void **state) {
    static const char request[] =
        "{\"note\":1,\"resourceMetrics\":[{\"resource\":{\"attributes\":[{\"key\":\"host.name\"},"
        "{\"key\":\"a\"}]},\"scopeMetrics\":[{\"metrics\":[{\"gauge\":{\"dataPoints\":[{"
        "\"timeUnixNano\":\"1\"}]}}]}]}]}";
    static const enum body_path paths[] = {BODY_METRICS, BODY_RECORDS, BODY_OWN, BODY_OWN};
    struct body_kept k;
    enum body_no no;
    struct gf_buf ext;
    (void)state;

    gf_buf_init(&ext, GF_EXT_MAX);
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        const char *allow = i == 3 ? "resourceMetrics" : NULL;
        assert_int_equal(
            take(paths[i], "application/json", allow, request, sizeof request - 1, &k, &no), 0);
        assert_int_equal(k.denied, i == 3 ? 1 : 2);
        assert_string_equal(k.dropped.data,
                            i == 3 ? "note, host.name" : "unknown field note, host.name");
        assert_null(memmem(k.data, k.len, "host.name", 9));
        assert_non_null(memmem(k.data, k.len, "[{\"key\":\"a\"}]", 13));
        assert_null(memmem(k.data, k.len, "note", 4));
        assert_string_equal(body_ext(&k, &ext), "{\"metrics\":{\"points\":1,"
                                                "\"from\":\"1970-01-01T00:00:00.000000001Z\","
                                                "\"to\":\"1970-01-01T00:00:00.000000001Z\","
                                                "\"delta\":false}}");
        body_free(&k);
    }
    assert_int_equal(take(BODY_OWN, "application/json", NULL, "{\"users\":1}", 11, &k, &no), 0);
    assert_null(body_ext(&k, &ext));
    body_free(&k);
    gf_buf_free(&ext);
}

/* ---- collect_room ---- */

static void put_record(struct spool *s, const char *channel, const char *body) {
    char line[512];
    int n = snprintf(line, sizeof line, "{\"id\":\"x\",\"channel\":\"%s\",\"body\":\"%s\"}\n",
                     channel, body);

    assert_int_equal(spool_put(s, line, (size_t)n, &e), 0);
}

static void what_lies_there_counts_until_it_is_gone(void **state) {
    struct spool *one = writer(SPOOL_FILE_MAX), *two = writer(SPOOL_FILE_MAX);
    (void)state;

    struct collect_room *r = collect_room_new(dirfd_);
    put_record(one, "a", "1");
    put_record(one, "a", "\\\"channel\\\":\\\"b\\\"");
    put_record(two, "b", "1");
    assert_int_equal(spool_sync(one, &e), 0);
    assert_int_equal(spool_sync(two, &e), 0);
    assert_int_equal(collect_room_scan(r, &e), 0);
    assert_int_equal(collect_room_used(r, "a").records, 2);
    assert_int_equal(collect_room_used(r, "b").records, 1);
    assert_int_equal(collect_room_used(r, "c").records, 0);
    int64_t bytes = collect_room_used(r, "b").bytes;
    assert_true(bytes > 30 && bytes < 60);

    /* What we say that we have written is found by the next scan, and counts once. */
    put_record(two, "b", "2");
    assert_int_equal(spool_sync(two, &e), 0);
    assert_int_equal(collect_room_add(r, "b", (struct collect_use){1, bytes}, &e), 0);
    assert_int_equal(collect_room_used(r, "b").records, 2);
    assert_int_equal(collect_room_scan(r, &e), 0);
    assert_int_equal(collect_room_used(r, "b").records, 2);
    assert_int_equal(collect_room_used(r, "b").bytes, 2 * bytes);

    /* The agent takes a file away. */
    char(*names)[SPOOL_NAME] = NULL;
    size_t n = 0;
    assert_int_equal(spool_list(dirfd_, &names, &n, &e), 0);
    assert_int_equal(n, 2);
    assert_int_equal(unlinkat(dirfd_, names[0], 0), 0);
    assert_int_equal(collect_room_scan(r, &e), 0);
    assert_int_equal(collect_room_used(r, "a").records, 0);
    assert_int_equal(collect_room_used(r, "b").records, 2);
    free(names);
    spool_close(one);
    spool_close(two);
    collect_room_free(r);
}

/* ---- collect_state ---- */

/* A file that is right but for this line: whether it is taken. */
static void assert_saved_with(const char *line, int rc) {
    struct collect_state s;
    char text[400];

    int n =
        snprintf(text, sizeof text,
                 "since=2026-01-01T00:00:00Z\nwritten=2026-01-01T00:00:00Z\nlisten=x\nsocket=y\n"
                 "records=1\nbytes=1\ngroups=1\nrefused=1\nfull=1\nscrapes=1\nscrapes_failed=1\n%s",
                 line);
    if (collect_state_parse(text, (size_t)n, &s, &e) != rc)
        fail_msg("%s", line);
    if (rc == 0)
        collect_state_free(&s);
    else
        assert_int_equal(e.code, GF_E_DAMAGED);
}

static void what_is_saved_is_read(void **state) {
    static const struct collect_scrape_state scrapes[] = {
        {.name = "good", .good = 1700000001, .samples = 12},
        {.name = "bad", .bad = 1700000002, .why = "nobody listens there", .failures = 3},
        {.name = "new"}};
    const struct collect_state s = {.since = 1700000000,
                                    .written = 1700000005,
                                    .listen = "127.0.0.1:4318",
                                    .socket = "/run/x y",
                                    .counts = {1, 2, 3, 4, 5, 6, 7},
                                    .refusal = {1700000003, 403, "usage", "channel usage: no"},
                                    .nscrapes = 3,
                                    .scrapes = scrapes};
    struct collect_state back;
    (void)state;

    assert_int_equal(collect_state_load(dirfd_, &back, &e), -1);
    assert_int_equal(e.code, GF_E_NOINPUT);
    assert_int_equal(collect_state_save(dirfd_, &s, &e), 0);
    assert_int_equal(collect_state_load(dirfd_, &back, &e), 0);
    assert_int_equal(back.since, s.since);
    assert_int_equal(back.written, s.written);
    assert_string_equal(back.listen, s.listen);
    assert_string_equal(back.socket, s.socket);
    assert_memory_equal(&back.counts, &s.counts, sizeof s.counts);
    assert_memory_equal(&back.refusal, &s.refusal, sizeof s.refusal);
    assert_int_equal(back.nscrapes, 3);
    assert_memory_equal(back.scrapes, scrapes, sizeof scrapes);
    collect_state_free(&back);
    assert_saved_with("refusal=2026-01-01T00:00:00Z 403 c why\n", 0);
    assert_saved_with("refusal=yesterday 403 c why\n", -1);
    assert_saved_with("refusal=2026-01-01T00:00:00Z 999 c why\n", -1);
    assert_saved_with("refusal=2026-01-01T00:00:00Z 403\n", -1);
    assert_saved_with("refusal=\n", -1);
    assert_saved_with("scrape=x - 0 -\n", -1);
    assert_saved_with("scrape=x - 0 - 0 \n", 0);
    assert_saved_with("scrape=x - -1 - 0 \n", -1);
    assert_saved_with("scrape=x yesterday 0 - 0 \n", -1);
    assert_saved_with("scrape= - 0 - 0 \n", -1);
    assert_int_equal(collect_state_parse("since=x\n", 8, &back, &e), -1);
    assert_int_equal(e.code, GF_E_DAMAGED);
    (void)unlinkat(dirfd_, COLLECT_STATE_FILE, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_body_passes_as_it_is_or_not_at_all),
        cmocka_unit_test(what_a_rule_takes_out_is_named),
        cmocka_unit_test(of_lines_what_is_well_formed_comes_in_and_the_rest_is_told),
        cmocka_unit_test(denied_attributes_go_whichever_way_they_come),
        cmocka_unit_test_setup_teardown(what_lies_there_counts_until_it_is_gone, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_saved_is_read, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
