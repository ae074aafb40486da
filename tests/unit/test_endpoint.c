/*
 * test_endpoint.c -- relay/endpoints: which endpoint, whether it can be used, and what its answers
 * mean.
 */
#include "endpoint_testing.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "gapferry/digest.h"

static char home[64];
static struct https *client;
static const struct gf_id agent = {{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}};
static const struct gf_id record = {
    {16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31}};

static int begin(void **state) {
    struct gf_err e;
    (void)state;
    (void)snprintf(home, sizeof home, "/tmp/gapferry-endpoint-XXXXXX");
    return mkdtemp(home) == NULL || gf_digest_start(&e) != 0 || https_new(&client, &e) != 0;
}

static int end(void **state) {
    char command[128];
    (void)state;
    https_free(client);
    (void)snprintf(command, sizeof command, "rm -rf %s", home);
    return system(command) != 0;
}

/* ---- pure ---- */

static void each_status_has_the_verdict_of_the_design(void **state) {
    (void)state;
    for (long status = 0; status <= 999; status++) {
        enum endpoint_verdict want = ENDPOINT_LATER;
        if (status >= 200 && status <= 299)
            want = ENDPOINT_DELIVERED;
        if (status >= 300 && status <= 399)
            want = ENDPOINT_HELD;
        static const struct {
            long status;
            enum endpoint_verdict verdict;
        } special[] = {{400, ENDPOINT_REJECTED}, {409, ENDPOINT_REJECTED}, {410, ENDPOINT_REJECTED},
                       {413, ENDPOINT_REJECTED}, {415, ENDPOINT_REJECTED}, {422, ENDPOINT_REJECTED},
                       {401, ENDPOINT_HELD},     {403, ENDPOINT_HELD},     {404, ENDPOINT_HELD},
                       {405, ENDPOINT_HELD},     {407, ENDPOINT_HELD}};
        for (size_t i = 0; i < sizeof special / sizeof *special; i++) {
            if (special[i].status == status)
                want = special[i].verdict;
        }
        if (endpoint_http_verdict(status) != want)
            fail_msg("%ld", status);
    }
}

static void waiting_doubles_up_to_an_hour_and_jitter_halves_at_most(void **state) {
    static const int64_t whole[] = {15,  15,   30,   60,   120,  240, 480,
                                    960, 1920, 3600, 3600, 3600, 3600};
    (void)state;
    for (int64_t n = 0; n < (int64_t)(sizeof whole / sizeof *whole); n++) {
        assert_int_equal(endpoint_backoff(n, 0), whole[n]);
        assert_int_equal(endpoint_backoff(n, UINT32_MAX), whole[n] - whole[n] / 2);
        int64_t middle = endpoint_backoff(n, UINT32_MAX / 2);
        assert_true(middle < whole[n] && middle > whole[n] - whole[n] / 2);
    }
    assert_int_equal(endpoint_backoff(INT64_MAX, 0), 3600);
    assert_int_equal(endpoint_backoff(-5, 0), 15);
}

static void the_key_is_the_digest_of_label_agent_and_record(void **state) {
    char key[33], other[33];
    (void)state;
    /* As Python's hashlib.blake2b(digest_size=16) says of the same 49 bytes. */
    endpoint_key(&agent, &record, key);
    assert_string_equal(key, "c31390e7a5a016c6de9cdc358d2ca3ed");
    endpoint_key(&record, &agent, other);
    assert_string_not_equal(key, other);
}

/* ---- which endpoint ---- */

static const char *match_typed(const struct config *c, const char *channel, const char *product,
                               const struct gf_id *who, const char *type) {
    static const uint8_t random[10];
    struct gf_record r = {.channel = channel,
                          .product = product,
                          .origin = *who,
                          .type = type,
                          .body = {GF_BODY_TEXT, "", 0}};
    struct gf_buf line;
    struct gf_err e;

    gf_text_uuid7(1000, random, &r.id);
    gf_buf_init(&line, GF_LINE_MAX);
    assert_int_equal(gf_record_write(&r, &line, &e), 0);
    const char *name = endpoint_match(c, &(struct ledger_record){.agent = *who,
                                                                 .channel = channel,
                                                                 .product = product,
                                                                 .line = line.data,
                                                                 .line_len = line.len});
    gf_buf_free(&line);
    return name;
}

static const char *match(const struct config *c, const char *channel, const char *product,
                         const struct gf_id *who) {
    return match_typed(c, channel, product, who, "text/plain; a=b");
}

static void the_most_specific_endpoint_takes_a_record(void **state) {
    struct config *c = endpoint_config(
        home, "[endpoint \"all\"]\nchannel = metrics\nurl = https://a.example/\n"
              "[endpoint \"demo\"]\nchannel = metrics\nproduct = demo\nurl = https://b.example/\n"
              "[endpoint \"mine\"]\nchannel = metrics\nsender = 000102030405060708090a0b0c0d0e0f\n"
              "url = https://c.example/\n"
              "[endpoint \"both\"]\nchannel = metrics\nsender = 000102030405060708090a0b0c0d0e0f\n"
              "product = demo\nurl = https://d.example/\n"
              "[endpoint \"lic\"]\nchannel = license\nproduct = demo\nurl = https://e.example/\n"
              "[endpoint \"text\"]\nchannel = license\ntype = text/PLAIN\n"
              "url = https://f.example/\n"
              "[endpoint \"json\"]\nchannel = updates\ntype = text/plai\n"
              "url = https://g.example/\n");
    struct gf_err e;
    (void)state;
    assert_int_equal(endpoint_check(c, &e), 0);
    assert_string_equal(match(c, "metrics", NULL, &record), "all");
    assert_string_equal(match(c, "metrics", "other", &record), "all");
    assert_string_equal(match(c, "metrics", "demo", &record), "demo");
    assert_string_equal(match(c, "metrics", "other", &agent), "mine");
    assert_string_equal(match(c, "metrics", "demo", &agent), "both");
    assert_string_equal(match(c, "license", "demo", &agent), "text");
    assert_string_equal(match(c, "license", NULL, &agent), "text");
    assert_string_equal(match_typed(c, "license", "demo", &agent, "text/html"), "lic");
    assert_null(match_typed(c, "license", NULL, &agent, "text/html"));
    assert_null(match(c, "updates", "demo", &agent));
    config_free(c);
}

static void an_endpoint_that_cannot_work_is_refused_with_its_line(void **state) {
    static const struct {
        const char *lines, *says;
    } bad[] = {
        {"url = https://a.example/\n", "has no channel"},
        {"channel = Metrics\nurl = https://a.example/\n", "a channel is a word"},
        {"channel = c\n", "has no url"},
        {"channel = c\nurl = http://a.example/\n", "http:// is allowed only"},
        {"channel = c\nurl = https://u:secret@a.example/\n", "no user or password"},
        {"channel = c\nurl = https://a.example/\nproduct = A\n", "a product is a word"},
        {"channel = c\nurl = https://a.example/\nsender = 12\n", "32 lower-case hex digits"},
        {"channel = c\nurl = https://a.example/\ntype = text\n", "a media type is type/subtype"},
        {"channel = c\nurl = https://a.example/\ntype = a/b; c=d\n", "without parameters"},
        {"channel = c\nprofile = updates\nurl = https://a.example/x\n", "ends with /"},
        {"channel = c\nprofile = updates\nurl = https://a.example/?/\n", "ends with /"},
        {"channel = c\nprofile = updates\nurl = https://a.example/\n", "no vendor is trusted"},
        {"channel = c\nprofile = updates\nurl = https://a.example/\nrelease = A\n",
         "a channel is a word"},
        {"channel = c\nprofile = updates\nurl = https://a.example/\nrefresh = 2d\n", "at most 1d"},
        {"channel = c\nprofile = updates\nurl = https://a.example/\nartifact_max = 2T\n",
         "at most 1T"},
        {"channel = c\nprofile = updates\nurl = https://a.example/\nmethod = PUT\n",
         "profile updates has no such setting"},
        {"channel = c\nurl = https://a.example/\nprofile = pigeon\n",
         "there is no profile \"pigeon\", only http, form, updates, exec"},
        {"channel = c\nurl = https://a.example/\nprofile = htpp\n", "did you mean http?"},
        {"channel = c\nurl = https://a.example/\nmethod = DELETE\n", "method"},
        {"channel = c\nurl = https://a.example/\ntemplate = t.json\n", "a path begins with /"},
        {"channel = c\nurl = https://a.example/\ntemplate = /etc/passwd\n", "template: "},
        {"channel = c\nurl = https://a.example/\nidempotency = yes\n", "idempotency"},
        {"channel = c\nurl = https://a.example/\ntimeout = 2h\n", "from 1s to 1h"},
        {"channel = c\nurl = https://a.example/\ntimeout = soon\n", "timeout"},
        {"channel = c\nurl = https://a.example/\nca_file = ca.pem\n", "a path begins with /"},
        {"channel = c\nurl = https://a.example/\nca_file = /nonexistent\n", "cannot be read"},
        {"channel = c\nurl = https://a.example/\ncert_file = /dev/null\n", "go together"},
        {"channel = c\nurl = https://a.example/\nheader_file = /etc/passwd\n", "chmod 600"},
        {"channel = c\nurl = https://a.example/\nproxy = socks5://p:1\n", "begins with https://"},
        {"channel = c\nurl = http://127.0.0.1/\nproxy = http://p:1\n", "through no proxy"},
        {"channel = c\nurl = https://a.example/\nheader = X\n", "\"Name: value\""},
        {"channel = c\nurl = https://a.example/\nheader = Host: x\n", "states this one itself"},
        {"channel = c\nurl = https://a.example/\nheader = AUTHORIZATION: Bearer x\n",
         "a secret does not stand here"},
        {"channel = c\nurl = https://a.example/\n[endpoint \"f\"]\nchannel = c\n"
         "url = https://b.example/\n",
         "takes the same records as"},
    };
    char text[512];
    struct gf_err e;
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        (void)snprintf(text, sizeof text, "[endpoint \"e\"]\n%s", bad[i].lines);
        struct config *c = endpoint_config(home, text);
        if (endpoint_check(c, &e) != -1)
            fail_msg("taken: %s", text);
        assert_int_equal(e.code, GF_E_CONFIG);
        if (strstr(e.text, bad[i].says) == NULL)
            fail_msg("%s: %s", bad[i].lines, e.text);
        assert_null(strstr(e.text, "secret@"));
        config_free(c);
    }
}

/* ---- profile http ---- */

static int deliver(struct config *c, const struct gf_record *rec, int64_t wait_ms,
                   struct endpoint_result *out, struct gf_err *e) {
    struct relay relay = {.config = c};
    return endpoint_deliver(client, &relay, "e", &agent, rec, wait_ms, out, e);
}

/* What becomes of a record whose endpoint says this. */
static void tell(const char *reply, int then, const char *more, int answer,
                 struct endpoint_result *out, struct server **server) {
    const struct reply replies[] = {{reply, then}, {NULL, 0}};
    struct gf_record r = {.id = record,
                          .channel = "c",
                          .type = "application/x-test",
                          .answer = answer,
                          .body = {GF_BODY_TEXT, "a\xff\"b", 4}};
    struct gf_err e;
    struct server *s = server_start(replies);
    struct config *c = endpoint_at(home, s->port, more);

    *out = (struct endpoint_result){0};
    if (endpoint_check(c, &e) == -1 || deliver(c, &r, then == SILENCE ? 200 : 0, out, &e) == -1)
        fail_msg("%s", e.text);
    config_free(c);
    server_stop(s);
    if (server != NULL)
        *server = s;
    else
        free(s);
}

static void a_file_that_holds_no_header_is_found_before_anything_is_sent(void **state) {
    static const struct {
        const char *holds, *says;
    } files[] = {{"", "holds not one line"},
                 {"Authorization: a\nX: b\n", "holds not one line"},
                 {"Token s3cret\n", "a header is \"Name: value\""},
                 {"Host: s3cret\n", "the relay states this one itself"},
                 {"Authorization: s3cret\n", NULL}};
    char path[128], more[300];
    struct gf_err e;
    (void)state;
    (void)snprintf(path, sizeof path, "%s/header", home);
    (void)snprintf(more, sizeof more, "header_file = %s\n", path);
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        FILE *f = fopen(path, "w");
        assert_non_null(f);
        assert_int_equal(fchmod(fileno(f), 0600), 0);
        (void)fputs(files[i].holds, f);
        (void)fclose(f);
        struct config *c = endpoint_at(home, 1, more);
        if ((endpoint_check(c, &e) == 0) != (files[i].says == NULL))
            fail_msg("%s", files[i].holds);
        if (files[i].says != NULL) {
            assert_int_equal(e.code, GF_E_CONFIG);
            assert_non_null(strstr(e.text, files[i].says));
            assert_null(strstr(e.text, "s3cret"));
        }
        config_free(c);
    }
}

static void the_body_goes_out_byte_for_byte_with_our_headers(void **state) {
    struct endpoint_result r;
    struct server *s;
    char path[128], more[300];
    (void)state;
    (void)snprintf(path, sizeof path, "%s/token", home);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_int_equal(fchmod(fileno(f), 0600), 0);
    (void)fputs("Authorization: Bearer s3cret\n", f);
    (void)fclose(f);
    (void)snprintf(more, sizeof more, "method = PUT\nheader = X-Site: 7\nheader_file = %s\n", path);
    tell("HTTP/1.1 204 No\r\n\r\n", KEEP, more, 0, &r, &s);
    assert_int_equal(r.verdict, ENDPOINT_DELIVERED);
    assert_int_equal(r.guarantee, GF_GUARANTEE_ONCE);
    assert_ptr_equal(strstr(s->got, "PUT /in HTTP/1.1\r\n"), s->got);
    assert_non_null(strstr(s->got, "\r\nContent-Type: application/x-test\r\n"));
    assert_non_null(strstr(s->got, "\r\nIdempotency-Key: c31390e7a5a016c6de9cdc358d2ca3ed\r\n"));
    assert_non_null(strstr(s->got, "\r\nGapferry-Agent: 000102030405060708090a0b0c0d0e0f\r\n"));
    assert_non_null(
        strstr(s->got, "\r\nGapferry-Record: 10111213-1415-1617-1819-1a1b1c1d1e1f\r\n"));
    assert_non_null(strstr(s->got, "\r\nX-Site: 7\r\n"));
    assert_non_null(strstr(s->got, "\r\nAuthorization: Bearer s3cret\r\n"));
    assert_non_null(strstr(s->got, "\r\n\r\na\xff\"b"));
    endpoint_result_free(&r);
    free(s);
}

static void the_guarantee_is_what_the_endpoint_promises(void **state) {
    static const struct {
        const char *more;
        enum gf_guarantee g;
    } kinds[] = {{"", GF_GUARANTEE_ONCE},
                 {"idempotency = key\n", GF_GUARANTEE_ONCE},
                 {"idempotency = natural\n", GF_GUARANTEE_ONCE},
                 {"idempotency = none\n", GF_GUARANTEE_LEAST}};
    struct endpoint_result r;
    (void)state;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        tell("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", KEEP, kinds[i].more, 0, &r, NULL);
        assert_int_equal(r.guarantee, kinds[i].g);
        endpoint_result_free(&r);
        tell("HTTP/1.1 422 No\r\nContent-Length: 0\r\n\r\n", KEEP, kinds[i].more, 0, &r, NULL);
        assert_int_equal(r.guarantee, GF_GUARANTEE_NONE);
        endpoint_result_free(&r);
    }
}

static void a_rejection_carries_the_endpoints_words_on_one_safe_line(void **state) {
    struct endpoint_result r;
    (void)state;
    tell("HTTP/1.1 422 No\r\nContent-Length: 36\r\n\r\nThis key \x1b[31m\r\n  is\tnot \xff known."
         "\xc3\xbc\n\n",
         KEEP, "", 1, &r, NULL);
    assert_int_equal(r.verdict, ENDPOINT_REJECTED);
    assert_string_equal(r.reason, "HTTP 422: This key \\x1b[31m is not \\xff known.\xc3\xbc");
    endpoint_result_free(&r);
    tell("HTTP/1.1 400 No\r\nContent-Length: 0\r\n\r\n", KEEP, "", 1, &r, NULL);
    assert_string_equal(r.reason, "HTTP 400: without words");
    endpoint_result_free(&r);
    tell("HTTP/1.1 301 Go\r\nLocation: https://x.example/\r\nContent-Length: 0\r\n\r\n", KEEP, "",
         1, &r, NULL);
    assert_int_equal(r.verdict, ENDPOINT_HELD);
    assert_non_null(strstr(r.reason, "a redirect"));
    endpoint_result_free(&r);
}

static void a_template_makes_the_body(void **state) {
    struct endpoint_result r;
    struct server *s;
    char path[128], more[300];
    (void)state;
    (void)snprintf(path, sizeof path, "%s/template", home);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    (void)fputs("{\"from\":\"{{gapferry.agent}}\"}", f);
    (void)fclose(f);
    (void)snprintf(more, sizeof more, "template = %s\n", path);
    tell("HTTP/1.1 204 No\r\n\r\n", KEEP, more, 0, &r, &s);
    assert_int_equal(r.verdict, ENDPOINT_DELIVERED);
    assert_non_null(strstr(s->got, "\r\nContent-Type: application/json\r\n"));
    assert_non_null(strstr(s->got, "\r\n\r\n{\"from\":\"000102030405060708090a0b0c0d0e0f\"}"));
    endpoint_result_free(&r);
    free(s);
}

static void long_words_are_cut_between_characters(void **state) {
    struct endpoint_result r;
    struct gf_buf b;
    (void)state;
    gf_buf_init(&b, 10000);
    gf_buf_text(&b, "HTTP/1.1 422 No\r\nContent-Length: 3001\r\n\r\nx");
    for (int i = 0; i < 1500; i++)
        gf_buf_text(&b, "\xc3\xbc");
    tell(b.data, KEEP, "", 1, &r, NULL);
    size_t len = strlen(r.reason);
    assert_true(len > GF_REASON_MAX - 8 && len <= GF_REASON_MAX);
    assert_true(gf_text_is_utf8(r.reason, len));
    gf_buf_free(&b);
    endpoint_result_free(&r);
}

static void what_broke_on_the_way_is_tried_later(void **state) {
    struct endpoint_result r;
    (void)state;
    tell("", RESET, "", 1, &r, NULL);
    assert_int_equal(r.verdict, ENDPOINT_LATER);
    assert_ptr_equal(strstr(r.reason, "broken: "), r.reason);
    endpoint_result_free(&r);
    tell("HTTP/1.1 422 No\r\nContent-Length: 50\r\n\r\nhalf", CLOSE, "", 1, &r, NULL);
    assert_int_equal(r.verdict, ENDPOINT_LATER);
    assert_int_equal(r.status, 0);
    endpoint_result_free(&r);
    tell("", SILENCE, "", 1, &r, NULL);
    assert_int_equal(r.verdict, ENDPOINT_LATER);
    if (strstr(r.reason, "timed out: ") != r.reason)
        fail_msg("%s", r.reason);
    endpoint_result_free(&r);
    tell("HTTP/1.1 503 Busy\r\nRetry-After: 77\r\nContent-Length: 0\r\n\r\n", KEEP, "", 1, &r,
         NULL);
    assert_int_equal(r.verdict, ENDPOINT_LATER);
    assert_int_equal(r.retry_after_s, 77);
    endpoint_result_free(&r);
}

/* The second answer is nobody's: neither this record's nor the next one's. */
static void what_is_answered_twice_counts_once(void **state) {
    const struct reply replies[] = {
        {"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\noneHTTP/1.1 422 No\r\nContent-Length: "
         "3\r\n\r\ntwo",
         KEEP},
        {"HTTP/1.1 201 OK\r\nContent-Length: 0\r\n\r\n", KEEP},
        {NULL, 0}};
    const struct gf_record rec = {.id = record, .type = "a/b", .body = {GF_BODY_TEXT, "x", 1}};
    struct server *s = server_start(replies);
    struct config *c = endpoint_at(home, s->port, "");
    struct endpoint_result r;
    struct gf_err e;
    (void)state;
    assert_int_equal(deliver(c, &rec, 0, &r, &e), 0);
    assert_int_equal(r.verdict, ENDPOINT_DELIVERED);
    assert_int_equal(r.answer.body.len, 3);
    endpoint_result_free(&r);
    assert_int_equal(deliver(c, &rec, 0, &r, &e), 0);
    assert_int_equal(r.status, 201);
    assert_int_equal(s->requests, 2);
    endpoint_result_free(&r);
    config_free(c);
    server_stop(s);
    free(s);
}

static void too_long_an_answer_matters_only_where_it_is_wanted(void **state) {
    size_t len = ENDPOINT_ANSWER_MAX + 1;
    char *reply = malloc(len + 100);
    struct endpoint_result r;
    (void)state;
    assert_non_null(reply);
    for (int answer = 0; answer <= 1; answer++) {
        int head = snprintf(reply, 100, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n");
        memset(reply + head, 'x', len);
        reply[(size_t)head + len] = '\0';
        tell(reply, CLOSE, "", answer, &r, NULL);
        assert_int_equal(r.verdict, answer ? ENDPOINT_HELD : ENDPOINT_DELIVERED);
        assert_int_equal(r.alone, answer); /* the endpoint is well */
        endpoint_result_free(&r);
    }
    free(reply);
}

static void a_proxy_that_wants_credentials_holds_and_a_dead_one_waits(void **state) {
    const struct reply replies[] = {{"HTTP/1.1 407 Who\r\nContent-Length: 0\r\n\r\n", CLOSE},
                                    {"HTTP/1.1 400 What\r\nContent-Length: 0\r\n\r\n", CLOSE},
                                    {NULL, 0}};
    struct gf_record rec = {.id = record, .type = "a/b", .body = {GF_BODY_TEXT, "x", 1}};
    struct server *s = server_start(replies);
    struct endpoint_result r;
    struct gf_err e;
    char text[256];
    (void)state;
    (void)snprintf(text, sizeof text,
                   "[endpoint \"e\"]\nchannel = c\nurl = https://vendor.example/\n"
                   "proxy = http://127.0.0.1:%d\n",
                   s->port);
    struct config *c = endpoint_config(home, text);
    assert_int_equal(deliver(c, &rec, 0, &r, &e), 0);
    assert_int_equal(r.verdict, ENDPOINT_HELD);
    endpoint_result_free(&r);
    /* Its 400 is not the endpoint's word on the record. */
    assert_int_equal(deliver(c, &rec, 0, &r, &e), 0);
    assert_int_equal(r.verdict, ENDPOINT_LATER);
    endpoint_result_free(&r);
    config_free(c);
    server_stop(s);
    free(s);
}

static void a_body_that_is_not_in_memory_and_a_bad_secret_are_refused(void **state) {
    struct gf_record r = {.id = record, .type = "a/b", .body = {GF_BODY_FILE, "files/x", 7}};
    struct endpoint_result out;
    struct gf_err e;
    (void)state;
    struct config *c = endpoint_at(home, 1, "");
    assert_int_equal(deliver(c, &r, 0, &out, &e), -1);
    assert_int_equal(e.code, GF_E_BUG);
    config_free(c);
    c = endpoint_at(home, 1, "header_file = /dev/null\n");
    r.body = (struct gf_body){GF_BODY_TEXT, "x", 1};
    assert_int_equal(deliver(c, &r, 0, &out, &e), -1);
    assert_int_equal(e.code, GF_E_CONFIG);
    config_free(c);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_status_has_the_verdict_of_the_design),
        cmocka_unit_test(waiting_doubles_up_to_an_hour_and_jitter_halves_at_most),
        cmocka_unit_test(the_key_is_the_digest_of_label_agent_and_record),
        cmocka_unit_test(the_most_specific_endpoint_takes_a_record),
        cmocka_unit_test(an_endpoint_that_cannot_work_is_refused_with_its_line),
        cmocka_unit_test(a_file_that_holds_no_header_is_found_before_anything_is_sent),
        cmocka_unit_test(the_body_goes_out_byte_for_byte_with_our_headers),
        cmocka_unit_test(the_guarantee_is_what_the_endpoint_promises),
        cmocka_unit_test(a_rejection_carries_the_endpoints_words_on_one_safe_line),
        cmocka_unit_test(a_template_makes_the_body),
        cmocka_unit_test(long_words_are_cut_between_characters),
        cmocka_unit_test(what_broke_on_the_way_is_tried_later),
        cmocka_unit_test(what_is_answered_twice_counts_once),
        cmocka_unit_test(too_long_an_answer_matters_only_where_it_is_wanted),
        cmocka_unit_test(a_proxy_that_wants_credentials_holds_and_a_dead_one_waits),
        cmocka_unit_test(a_body_that_is_not_in_memory_and_a_bad_secret_are_refused),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
