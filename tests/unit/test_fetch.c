/*
 * test_fetch.c -- artifacts from their vendors: relay/updates/fetch.c, and the addresses of
 * relay/updates/check.c.
 */
#include "artifacts_testing.h"
#include "endpoint_testing.h"

#include "common/mono.h"
#include "relay/updates/check.h"
#include "relay/updates/fetch.h"

#define HEAD "HTTP/1.1 200 OK\r\nETag: \"one\"\r\nContent-Length: 20\r\n\r\n"
#define REST "HTTP/1.1 206 OK\r\nContent-Range: bytes 8-19/20\r\nContent-Length: 12\r\n\r\n"

/* A reply: this head, and the bytes of the artifact from `from` up to `to`. */
static const char *bytes(char out[400], const char *head, const struct update_artifact *a,
                         int64_t from, int64_t to) {
    size_t n = strlen(head);

    memcpy(out, head, n);
    for (int64_t at = from; at < to; at++)
        out[n++] = letter(a, at);
    out[n] = '\0';
    return out;
}

/* A relay whose endpoint "repo" is at this port, and kit_site to whom these artifacts go. */
static void begin(struct site *s, int port, struct update_artifact *a, size_t n) {
    char text[600];

    (void)snprintf(text, sizeof text,
                   "[vendor \"acme\"]\nupdate = %s/none.pub\n[endpoint \"repo\"]\nchannel = u\n"
                   "profile = updates\nurl = http://127.0.0.1:%d/u/\nheader = X-Site: 7\n",
                   s->path, port);
    config_free(s->r.config);
    s->r.config = endpoint_config(s->path, text);
    if (n == 0)
        return;
    testing_enrol(s, &kit_site);
    give(s, &kit_site, publish(s, 1, NOW + YEAR, a, n));
}

static int teardown(void **state) {
    struct site *s = *state;

    config_free(s->r.config);
    return testing_teardown(state);
}

static int go_on(void *arg) {
    (void)arg;
    return 0;
}

static void get(struct site *s, int (*stop)(void *arg)) {
    testing_turn(s);
    assert_ok(fetch_artifacts(&s->r, 10, stop, &s->t, &s->e), s->e);
}

static int64_t awaited(struct site *s) {
    int64_t n = -1;

    assert_ok(ledger_artifacts_awaited(s->r.ledger, &n, &s->e), s->e);
    return n;
}

/* ---- tests ---- */

static int64_t stop_at; /* ms */

/* 1 once the request has begun, and what comes of it has come. */
static int stop_later(void *arg) {
    (void)arg;
    return mono_ms() >= stop_at;
}

static void a_download_that_is_stopped_goes_on_where_it_ended(void **state) {
    struct site *s = *state;
    struct update_artifact a = artifact("tool+1.tar", 20);
    char begins[400], rest[400];
    const struct reply replies[] = {{bytes(begins, HEAD, &a, 0, 8), SILENCE}, {NULL, 0}};
    const struct reply more[] = {{bytes(rest, REST, &a, 8, 20), KEEP}, {NULL, 0}};

    struct server *server = server_start(replies);
    begin(s, server->port, &a, 1);
    stop_at = mono_ms() + 1500;
    get(s, stop_later);
    server_stop(server);
    assert_true(testing_waits(s, "0 of 1 MiB were fetched; the next turn goes on"));
    assert_non_null(strstr(server->got, "GET /u/demo/stable/tool%2B1.tar HTTP/1.1\r\n"));
    assert_non_null(strstr(server->got, "\r\nX-Site: 7\r\n"));
    assert_null(strstr(server->got, "Range:"));
    assert_null(strstr(server->got, "Gapferry-"));
    assert_int_equal(awaited(s), 1);
    free(server);

    server = server_start(more);
    begin(s, server->port, NULL, 0);
    get(s, go_on);
    server_stop(server);
    assert_non_null(strstr(server->got, "\r\nRange: bytes=8-\r\n"));
    assert_non_null(strstr(server->got, "\r\nIf-Range: \"one\"\r\n"));
    assert_int_equal(awaited(s), 0);
    assert_int_equal(s->t.people.len, 0);
    free(server);
}

static void one_that_never_ends_holds_up_no_other(void **state) {
    struct site *s = *state;
    struct update_artifact both[] = {artifact("one", 20), artifact("two", 20)};
    char begins[400], whole[400], rest[400];
    const struct reply drip[] = {{bytes(begins, HEAD, &both[0], 0, 8), SILENCE}, {NULL, 0}};
    const struct reply then[] = {{bytes(whole, HEAD, &both[1], 0, 20), CLOSE},
                                 {bytes(rest, REST, &both[0], 8, 20), CLOSE},
                                 {NULL, 0}};

    struct server *server = server_start(drip);
    begin(s, server->port, both, 2);
    stop_at = mono_ms() + 1500;
    get(s, stop_later);
    server_stop(server);
    assert_int_equal(awaited(s), 2);
    free(server);

    /* In the other order each would get the other's bytes. */
    server = server_start(then);
    begin(s, server->port, NULL, 0);
    get(s, go_on);
    server_stop(server);
    assert_int_equal(awaited(s), 0);
    free(server);
}

static void what_was_fetched_without_its_name_is_verified_and_not_fetched_again(void **state) {
    struct site *s = *state;
    struct update_artifact a = artifact("tool.tar", 20), empty = artifact("empty", 0);
    struct update_artifact both[] = {a, empty};
    int64_t have = 0;
    int port;

    int dead = server_socket(&port);
    begin(s, port, both, 2);
    int fd = artifacts_begin(&s->r, &a, &have, &s->e);
    put_bytes(fd, &a, 0, 20);
    (void)close(fd);
    get(s, go_on);
    assert_int_equal(awaited(s), 0);
    (void)close(dead);
}

static void a_record_that_nobody_has_tried_comes_first(void **state) {
    struct site *s = *state;
    struct update_artifact a = artifact("tool.tar", 20);
    const struct reply none[] = {{NULL, 0}};

    struct server *server = server_start(none);
    begin(s, server->port, &a, 1);
    char *line = testing_record(s, "metrics", "{}", 0);
    testing_send(s, &(struct testing_request){.seq = 1, .lines = line}, NULL);
    testing_take(s);
    get(s, go_on);
    server_stop(server);
    assert_int_equal(server->connections, 0);
    assert_int_equal(awaited(s), 1);
    free(line);
    free(server);
}

static void a_dead_vendor_is_asked_once_and_told(void **state) {
    struct site *s = *state;
    struct update_artifact a[] = {artifact("one", 20), artifact("two", 20)};
    struct ledger_artifact due;
    int port;

    int dead = server_socket(&port);
    begin(s, port, a, 2);
    get(s, go_on);
    assert_true(testing_says(s, "artifact \"one\" of demo/stable, endpoint \"repo\": refused"));
    assert_false(testing_says(s, "\"two\""));
    assert_int_equal(ledger_artifact_due(s->r.ledger, NOW, 0, &due, &s->e), 1);
    assert_string_equal(due.is.name, "two");
    assert_int_equal(ledger_artifact_due(s->r.ledger, NOW + 15, 0, &due, &s->e), 1);
    assert_string_equal(due.is.name, "one");

    /* A section that is gone, or is of another profile now, is no place to ask at. */
    config_free(s->r.config);
    s->r.config =
        endpoint_config(s->path, "[endpoint \"repo\"]\nchannel = u\nurl = http://[::1]/\n");
    get(s, go_on);
    assert_true(testing_says(s, "no endpoint of this name and profile updates or agent any more"));
    (void)close(dead);
}

static void a_vendor_that_asks_for_time_gets_it(void **state) {
    struct site *s = *state;
    struct update_artifact a[] = {artifact("one", 20), artifact("two", 20)};
    const struct reply replies[] = {
        {"HTTP/1.1 503 No\r\nRetry-After: 7200\r\nContent-Length: 0\r\n\r\n", KEEP}, {NULL, 0}};
    struct ledger_artifact due;

    struct server *server = server_start(replies);
    begin(s, server->port, a, 2);
    get(s, go_on);
    server_stop(server);
    assert_int_equal(server->requests, 1);
    assert_ok(ledger_retry(s->r.ledger, NOW, &s->e), s->e);
    assert_int_equal(ledger_artifact_due(s->r.ledger, NOW + 7199, 0, &due, &s->e), 1);
    assert_string_equal(due.is.name, "two");
    assert_int_equal(ledger_artifact_due(s->r.ledger, NOW + 7200, 0, &due, &s->e), 1);
    assert_string_equal(due.is.name, "one");
    free(server);
}

/* What one vendor asks for says nothing of an artifact whose section is gone. */
static void a_section_that_is_gone_has_not_asked_for_time(void **state) {
    static const struct ledger_place gone = {"gone", "demo", "stable", "any"};
    struct site *s = *state;
    struct update_artifact a[] = {artifact("one", 20), artifact("two", 20)};
    const struct reply replies[] = {
        {"HTTP/1.1 503 No\r\nRetry-After: 7200\r\nContent-Length: 0\r\n\r\n", KEEP}, {NULL, 0}};
    struct ledger_artifact due;

    struct server *server = server_start(replies);
    begin(s, server->port, &a[0], 1);
    give(s, &kit_site, publish_at(s, &gone, 1, NOW + YEAR, &a[1], 1));
    get(s, go_on);
    server_stop(server);
    assert_int_equal(server->requests, 1);
    assert_int_equal(ledger_artifact_due(s->r.ledger, NOW + 15, 0, &due, &s->e), 1);
    assert_string_equal(due.is.name, "two");
    free(server);
}

static void one_that_does_not_fit_starves_no_other(void **state) {
    struct site *s = *state;
    const struct ledger_sizes large = {(int64_t)1 << 30, (int64_t)1 << 40};
    struct update_artifact a[] = {artifact("huge", 20), artifact("tool", 20), artifact("vast", 20)};
    char whole[400];
    const struct reply replies[] = {{bytes(whole, HEAD, &a[1], 0, 20), KEEP}, {NULL, 0}};

    struct server *server = server_start(replies);
    begin(s, server->port, NULL, 0);
    testing_enrol(s, &kit_site);
    a[0].size = a[2].size = (int64_t)1 << 39;
    assert_ok(ledger_give(s->r.ledger, &kit_site.card.agent, publish(s, 1, NOW + YEAR, a, 3),
                          &large, NOW, &s->e),
              s->e);
    get(s, go_on);
    server_stop(server);
    assert_true(testing_says(s, "huge"));
    assert_false(testing_says(s, "vast"));
    assert_int_equal(server->requests, 1);
    assert_int_equal(awaited(s), 2);
    free(server);
}

static void a_page_longer_than_the_artifact_says_what_it_is_all_the_same(void **state) {
    struct site *s = *state;
    struct update_artifact a = artifact("tool.tar", 20);
    static const char gone[] = "HTTP/1.1 404 No\r\nContent-Length: 40\r\n\r\n"
                               "There is nothing here that you asked for";
    static const char busy[] = "HTTP/1.1 503 No\r\nRetry-After: 7200\r\nContent-Length: 40\r\n\r\n"
                               "There is too much to do here just now...";
    const struct reply replies[] = {{busy, CLOSE}, {gone, CLOSE}, {NULL, 0}};
    struct ledger_artifact due;

    struct server *server = server_start(replies);
    begin(s, server->port, &a, 1);
    get(s, go_on);
    assert_true(testing_waits(s, "HTTP 503"));
    assert_int_equal(ledger_artifact_due(s->r.ledger, NOW + 7199, 0, &due, &s->e), 0);
    (void)publish(s, 2, NOW + YEAR, NULL, 0);
    s->r.now += 7200;
    get(s, go_on);
    server_stop(server);
    assert_int_equal(server->requests, 2);
    assert_int_equal(awaited(s), 0);
    free(server);
}

/* A download breaks off whose answer had this etag, and its rest is of another file. */
static void join(struct site *s, const char *etag) {
    struct update_artifact a = artifact("tool.tar", 20);
    char head[200];
    static const char other[] = "HTTP/1.1 206 OK\r\nContent-Range: bytes 8-19/20\r\n"
                                "Content-Length: 12\r\n\r\nanother file";
    char begins[400], whole[400];

    (void)snprintf(head, sizeof head, "HTTP/1.1 200 OK\r\nETag: %s\r\nContent-Length: 20\r\n\r\n",
                   etag);
    const struct reply replies[] = {
        {bytes(begins, head, &a, 0, 8), CLOSE}, {other, KEEP}, {NULL, 0}};
    const struct reply right[] = {{bytes(whole, HEAD, &a, 0, 20), KEEP}, {NULL, 0}};

    struct server *server = server_start(replies);
    begin(s, server->port, &a, 1);
    get(s, go_on);
    assert_true(testing_says(s, "broken"));
    assert_ok(ledger_retry(s->r.ledger, NOW, &s->e), s->e);
    get(s, go_on);
    server_stop(server);
    assert_null(strstr(server->got, "If-Range"));
    assert_true(testing_says(s, "is not what its manifest names"));
    free(server);

    /* Then it begins anew. */
    server = server_start(right);
    begin(s, server->port, NULL, 0);
    assert_ok(ledger_retry(s->r.ledger, NOW, &s->e), s->e);
    get(s, go_on);
    server_stop(server);
    assert_null(strstr(server->got, "Range"));
    assert_int_equal(awaited(s), 0);
    free(server);
}

static void a_weak_validator_does_not_join_two_files(void **state) {
    join(*state, "W/\"one\"");
}

static void a_validator_that_is_no_header_of_ours_is_forgotten(void **state) {
    join(*state, "\"on\x01\"");
}

static void what_the_vendor_has_no_more_and_nobody_names_is_given_up(void **state) {
    struct site *s = *state;
    struct update_artifact a = artifact("tool.tar", 20);
    static const char gone[] = "HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n";
    const struct reply replies[] = {{gone, KEEP}, {gone, KEEP}, {NULL, 0}};

    struct server *server = server_start(replies);
    begin(s, server->port, &a, 1);
    get(s, go_on);
    assert_true(testing_says(s, "HTTP 404"));
    assert_int_equal(awaited(s), 1);
    (void)publish(s, 2, NOW + YEAR, NULL, 0);
    assert_ok(ledger_retry(s->r.ledger, NOW, &s->e), s->e);
    get(s, go_on);
    server_stop(server);
    assert_int_equal(s->t.people.len, 0);
    assert_int_equal(awaited(s), 0);
    free(server);
}

/* ---- checks ---- */

static int read_check(const char *body, const char *product, struct check *out, struct gf_err *e) {
    const struct gf_record r = {
        .type = CHECK_TYPE "; v=1", .product = product, .body = {GF_BODY_TEXT, body, strlen(body)}};
    return check_read(&r, out, e);
}

static void a_check_may_lack_any_field(void **state) {
    const struct gf_record report = {.type = "application/json", .body = {GF_BODY_TEXT, "{}", 2}};
    struct check c;
    struct gf_err e;
    (void)state;

    assert_ok(read_check("{\"product\":\"demo\",\"version\":\"1.2\",\"platform\":\"x\","
                         "\"channel\":\"beta\",\"features\":[],\"new\":{}}",
                         "demo", &c, &e),
              e);
    assert_string_equal(c.product, "demo");
    assert_string_equal(c.channel, "beta");
    assert_string_equal(c.platform, "x");
    assert_string_equal(c.version, "1.2");
    assert_ok(read_check("{\"channel\":null}", "demo", &c, &e), e);
    assert_string_equal(c.product, "demo");
    assert_string_equal(c.channel, "");
    assert_string_equal(c.platform, "any");
    assert_string_equal(c.version, "");
    assert_fails(read_check("{}", NULL, &c, &e), e, GF_E_UPDATE);
    assert_fails(read_check("{\"product\":\"other\"}", "demo", &c, &e), e, GF_E_UPDATE);
    assert_fails(read_check("{\"product\":\"../x\"}", NULL, &c, &e), e, GF_E_UPDATE);
    assert_fails(read_check("{\"platform\":\"a/b\"}", "demo", &c, &e), e, GF_E_UPDATE);
    assert_fails(read_check("{\"version\":\"1 2\"}", "demo", &c, &e), e, GF_E_UPDATE);
    assert_fails(read_check("{\"format\":\"gapferry-update-check/2\"}", "demo", &c, &e), e,
                 GF_E_VERSION);
    assert_fails(read_check("no json", "demo", &c, &e), e, GF_E_JSON);
    assert_fails(check_read(&report, &c, &e), e, GF_E_NOT_FOR_US);
}

int main(void) {
#define T(fn) cmocka_unit_test_setup_teardown(fn, testing_setup, teardown)
    const struct CMUnitTest tests[] = {
        T(a_download_that_is_stopped_goes_on_where_it_ended),
        T(one_that_never_ends_holds_up_no_other),
        T(what_was_fetched_without_its_name_is_verified_and_not_fetched_again),
        T(a_record_that_nobody_has_tried_comes_first),
        T(a_dead_vendor_is_asked_once_and_told),
        T(a_vendor_that_asks_for_time_gets_it),
        T(a_section_that_is_gone_has_not_asked_for_time),
        T(one_that_does_not_fit_starves_no_other),
        T(a_page_longer_than_the_artifact_says_what_it_is_all_the_same),
        T(a_weak_validator_does_not_join_two_files),
        T(a_validator_that_is_no_header_of_ours_is_forgotten),
        T(what_the_vendor_has_no_more_and_nobody_names_is_given_up),
        cmocka_unit_test(a_check_may_lack_any_field),
    };
    return cmocka_run_group_tests(tests, kit_setup, kit_teardown);
}
