/*
 * test_endpoint_updates.c -- relay/endpoints/endpoint_updates.c: what is asked of a vendor's
 * repository, what is believed, and what an agent gets.
 */
#include "artifacts_testing.h"
#include "endpoint_testing.h"

#include "gapferry/minisig.h"
#include "relay/updates/check.h"

#define GONE "HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n"
/* With a page that is longer than any manifest. */
#define LONG_GONE "HTTP/1.1 404 No\r\nContent-Length: 9999999\r\n\r\n"
#define SAME      "HTTP/1.1 304 Not Modified\r\n\r\n"

static struct gf_sign_key *vendor;

static int begin_group(void **state) {
    struct gf_err e;
    return kit_setup(state) != 0 || gf_key_sign_new(&vendor, &e) != 0 ? -1 : 0;
}

static int end_group(void **state) {
    gf_key_sign_free(vendor);
    return kit_teardown(state);
}

/* A manifest without artifacts, and its signature, as two answers with this header. */
struct published {
    struct gf_buf json, sig, whole;
    char answers[2][2048];
};

static void publish_signed(struct published *p, int64_t serial, const char *header) {
    char at[GF_TIME_TEXT], until[GF_TIME_TEXT];
    struct gf_err e;

    gf_text_time(NOW - 86400, at);
    gf_text_time(NOW + YEAR, until);
    gf_buf_init(&p->json, 4096);
    gf_buf_init(&p->sig, 4096);
    gf_buf_init(&p->whole, 8192);
    gf_buf_printf(&p->json,
                  "{\"format\":\"gapferry-update/1\",\"product\":\"demo\",\"channel\":\"stable\","
                  "\"platform\":\"any\",\"version\":\"1.%lld\",\"serial\":%lld,\"issued\":\"%s\","
                  "\"expires\":\"%s\",\"artifacts\":[]}\n",
                  (long long)serial, (long long)serial, at, until);
    assert_int_equal(gf_minisig_sign(vendor, p->json.data, p->json.len, "u", "t", &p->sig, &e), 0);
    gf_buf_add(&p->whole, p->json.data, p->json.len);
    gf_buf_add(&p->whole, p->sig.data, p->sig.len);
    (void)snprintf(p->answers[0], sizeof p->answers[0],
                   "HTTP/1.1 200 OK\r\n%sContent-Length: %zu\r\n\r\n%s", header, p->json.len,
                   p->json.data);
    (void)snprintf(p->answers[1], sizeof p->answers[1],
                   "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n%s", p->sig.len, p->sig.data);
}

static void published_free(struct published *p) {
    gf_buf_free(&p->json);
    gf_buf_free(&p->sig);
    gf_buf_free(&p->whole);
}

static void configure(struct site *s, int port, const char *more) {
    struct gf_buf key;
    char text[600], path[200];

    gf_buf_init(&key, 4096);
    gf_key_sign_public_text(gf_key_sign_public(vendor), &key);
    (void)snprintf(path, sizeof path, "%s/vendor.pub", s->path);
    (void)unlink(path);
    assert_ok(gf_file_save_new(AT_FDCWD, path, key.data, key.len, 0600, &s->e), s->e);
    gf_buf_free(&key);
    (void)snprintf(text, sizeof text,
                   "[vendor \"acme\"]\nupdate = %s\n[endpoint \"repo\"]\nchannel = updates\n"
                   "profile = updates\nurl = http://127.0.0.1:%d/u/\n%s",
                   path, port, more);
    config_free(s->r.config);
    s->r.config = endpoint_config(s->path, text);
}

static int teardown(void **state) {
    struct site *s = *state;

    config_free(s->r.config);
    return testing_teardown(state);
}

/* One check of kit_site, as the engine asks it. Free *out. */
static void ask_typed(struct site *s, const char *type, const char *body,
                      struct endpoint_result *out) {
    const struct gf_record r = {
        .type = type, .product = "demo", .answer = 1, .body = {GF_BODY_TEXT, body, strlen(body)}};
    struct https *client = NULL;

    assert_ok(https_new(&client, &s->e), s->e);
    assert_ok(endpoint_deliver(client, &s->r, "repo", &kit_site.card.agent, &r, 5000, out, &s->e),
              s->e);
    https_free(client);
}

static void assert_verdict(struct site *s, const char *body, enum endpoint_verdict verdict,
                           const char *words) {
    struct endpoint_result r = {0};

    ask_typed(s, CHECK_TYPE, body, &r);
    if (r.verdict != verdict || strstr(r.reason, words) == NULL)
        fail_msg("verdict %d, not %d: %s", (int)r.verdict, (int)verdict, r.reason);
    endpoint_result_free(&r);
}

static void assert_answer(struct site *s, const char *body, int64_t status, const char *text) {
    struct endpoint_result r = {0};

    ask_typed(s, CHECK_TYPE, body, &r);
    if (r.verdict != ENDPOINT_DELIVERED)
        fail_msg("%s", r.reason);
    assert_int_equal(r.status, status);
    assert_int_equal(r.guarantee, GF_GUARANTEE_ONCE);
    assert_int_equal(r.answer.body.len, strlen(text));
    assert_memory_equal(r.answer.body.len > 0 ? r.answer.body.data : "", text, strlen(text));
    endpoint_result_free(&r);
}

/* ---- tests ---- */

static void a_manifest_is_asked_for_once_and_then_only_whether_it_changed(void **state) {
    static const char *const headers[] = {"ETag: W/\"a\"\r\nLast-Modified: then\r\n",
                                          "Last-Modified: Sun, 22 Nov 2026 00:00:00 GMT\r\n"};
    static const char *const asked[] = {"\r\nIf-None-Match: W/\"a\"\r\n",
                                        "\r\nIf-Modified-Since: Sun, 22 Nov 2026 00:00:00 GMT\r\n"};
    struct site *s = *state;

    for (size_t i = 0; i < 2; i++) {
        struct published p;
        publish_signed(&p, (int64_t)i + 1, headers[i]);
        const struct reply replies[] = {
            {p.answers[0], KEEP}, {p.answers[1], KEEP}, {SAME, KEEP}, {NULL, 0}};
        struct server *server = server_start(replies);
        configure(s, server->port, "");
        s->r.now += 3600;
        assert_answer(s, "{}", 200, p.whole.data);
        assert_non_null(strstr(server->got, "GET /u/demo/stable/any.json.minisig HTTP/1.1\r\n"));
        assert_null(strstr(server->got, "Gapferry-"));
        assert_null(strstr(server->got, "Idempotency-Key"));
        s->r.now += 899;
        assert_answer(s, "{}", 200, p.whole.data);
        assert_int_equal(server->requests, 2);
        s->r.now += 1;
        assert_answer(s, "{}", 200, p.whole.data);
        assert_non_null(strstr(server->got, "GET /u/demo/stable/any.json HTTP/1.1\r\n"));
        assert_non_null(strstr(server->got, asked[i]));
        assert_answer(s, "{}", 200, p.whole.data);
        server_stop(server);
        assert_int_equal(server->requests, 3);
        free(server);
        published_free(&p);
    }
}

static void who_has_the_version_already_hears_nothing_new(void **state) {
    struct site *s = *state;
    struct published p;

    publish_signed(&p, 3, "");
    const struct reply replies[] = {{p.answers[0], KEEP}, {p.answers[1], KEEP}, {NULL, 0}};
    struct server *server = server_start(replies);
    configure(s, server->port, "");
    assert_answer(s, "{\"version\":\"1.3\"}", 204, "");
    assert_answer(s, "{\"version\":\"1.2\"}", 200, p.whole.data);
    /* Who was given it before is told that it still holds. */
    assert_answer(s, "{\"version\":\"1.3\"}", 200, p.whole.data);
    server_stop(server);
    free(server);
    published_free(&p);
}

static void nothing_is_believed_without_a_key_that_is_meant(void **state) {
    struct site *s = *state;
    struct published p;

    publish_signed(&p, 3, "");
    const struct reply replies[] = {{p.answers[0], KEEP}, {p.answers[1], KEEP}, {NULL, 0}};
    struct server *server = server_start(replies);
    configure(s, server->port, "vendor = acme\n");
    assert_answer(s, "{}", 200, p.whole.data);

    /* It is here, and fresh; and its key is trusted no more. */
    configure(s, server->port, "vendor = other\n");
    assert_verdict(s, "{}", ENDPOINT_LATER, "no vendor is trusted with updates");
    assert_fails(endpoint_check(s->r.config, &s->e), s->e, GF_E_CONFIG);
    server_stop(server);
    assert_int_equal(server->requests, 2);
    free(server);
    published_free(&p);
}

static void an_older_manifest_or_a_changed_one_is_not_used(void **state) {
    struct site *s = *state;
    struct published p[3];

    publish_signed(&p[0], 3, "");
    publish_signed(&p[1], 2, "");
    publish_signed(&p[2], 4, "");
    p[2].answers[0][strlen(p[2].answers[0]) - 2] = ' '; /* in place of the last brace */
    const struct reply replies[] = {{p[0].answers[0], KEEP},
                                    {p[0].answers[1], KEEP},
                                    {p[1].answers[0], KEEP},
                                    {p[1].answers[1], KEEP},
                                    {p[2].answers[0], KEEP},
                                    {p[2].answers[1], KEEP},
                                    {NULL, 0}};
    struct server *server = server_start(replies);
    configure(s, server->port, "refresh = 0\n");
    assert_answer(s, "{}", 200, p[0].whole.data);
    assert_verdict(s, "{}", ENDPOINT_LATER, "it has serial 2, and 3 was seen there");
    assert_verdict(s, "{}", ENDPOINT_LATER, "not signed by the vendor key");
    server_stop(server);
    free(server);
    for (size_t i = 0; i < 3; i++)
        published_free(&p[i]);
}

static void what_is_not_there_is_held_until_the_address_is_proven(void **state) {
    struct site *s = *state;
    struct published p;

    publish_signed(&p, 3, "");
    const struct reply replies[] = {
        {LONG_GONE, CLOSE},   {GONE, KEEP}, {GONE, KEEP}, {p.answers[0], KEEP},
        {p.answers[1], KEEP}, {GONE, KEEP}, {GONE, KEEP}, {NULL, 0}};
    struct server *server = server_start(replies);
    configure(s, server->port, "");
    assert_verdict(s, "{\"platform\":\"x\"}", ENDPOINT_HELD, "is url right?");
    assert_int_equal(server->requests, 2);
    assert_non_null(strstr(server->got, "GET /u/demo/stable/any.json "));
    /* Mended meanwhile: what was not there is asked for again at once. */
    assert_answer(s, "{\"platform\":\"x\"}", 200, p.whole.data);
    assert_int_equal(server->requests, 5);
    assert_verdict(s, "{\"channel\":\"beta\",\"platform\":\"x\"}", ENDPOINT_REJECTED,
                   "has no manifest of demo for x, channel beta");
    assert_int_equal(server->requests, 7);
    assert_verdict(s, "{\"channel\":\"beta\",\"platform\":\"x\"}", ENDPOINT_REJECTED, "beta");
    server_stop(server);
    assert_int_equal(server->requests, 7);
    free(server);
    published_free(&p);
}

static void answers_mean_what_they_mean_elsewhere_but_for_what_is_missing(void **state) {
    static const struct {
        const char *answer;
        enum endpoint_verdict verdict;
        const char *words;
    } table[] = {
        {"HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n", ENDPOINT_HELD, "HTTP 401"},
        {"HTTP/1.1 401 No\r\nContent-Length: 9999999\r\n\r\n", ENDPOINT_HELD, "HTTP 401"},
        {"HTTP/1.1 302 No\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n", ENDPOINT_HELD, "redirect"},
        {"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n", ENDPOINT_LATER, "HTTP 500"},
        {"HTTP/1.1 429 No\r\nRetry-After: 9\r\nContent-Length: 0\r\n\r\n", ENDPOINT_LATER, "429"},
        {"HTTP/1.1 400 No\r\nContent-Length: 0\r\n\r\n", ENDPOINT_LATER, "another status than 200"},
        {"HTTP/1.1 204 No\r\n\r\n", ENDPOINT_LATER, "another status than 200"},
        {SAME, ENDPOINT_LATER, "another status than 200"},
        {"HTTP/1.1 200 OK\r\nContent-Length: 9999999\r\n\r\n", ENDPOINT_LATER, "longer than any"},
        {"", ENDPOINT_LATER, "broken"},
    };
    struct site *s = *state;
    struct endpoint_result r = {0};

    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        const struct reply replies[] = {{table[i].answer, CLOSE}, {NULL, 0}};
        struct server *server = server_start(replies);
        configure(s, server->port, "");
        assert_verdict(s, "{}", table[i].verdict, table[i].words);
        server_stop(server);
        free(server);
    }
    /* What can never be answered is not even asked. */
    configure(s, 1, "");
    assert_verdict(s, "{\"product\":\"other\"}", ENDPOINT_REJECTED, "another product");
    assert_verdict(s, "nonsense", ENDPOINT_REJECTED, "update check");
    ask_typed(s, "application/vnd.gapferry.update-report+json", "{}", &r);
    assert_int_equal(r.verdict, ENDPOINT_HELD);
    assert_non_null(strstr(r.reason, "add an endpoint of this channel with type ="));
    endpoint_result_free(&r);
}

int main(void) {
#define T(fn) cmocka_unit_test_setup_teardown(fn, testing_setup, teardown)
    const struct CMUnitTest tests[] = {
        T(a_manifest_is_asked_for_once_and_then_only_whether_it_changed),
        T(who_has_the_version_already_hears_nothing_new),
        T(nothing_is_believed_without_a_key_that_is_meant),
        T(an_older_manifest_or_a_changed_one_is_not_used),
        T(what_is_not_there_is_held_until_the_address_is_proven),
        T(answers_mean_what_they_mean_elsewhere_but_for_what_is_missing),
    };
    return cmocka_run_group_tests(tests, begin_group, end_group);
}
