/*
 * test_forward.c -- relay/forward.c: what is due goes to its endpoint, and becomes what the answer
 * says; no failure is anybody else's.
 */
#include "forward_testing.h"
#include "relay/ledger/ledger_operator.h"

#include <sys/wait.h>
#include <time.h>

#define OK_TEXT                                                                                    \
    "HTTP/1.1 200 OK\r\nContent-Type: text/x-lic\r\nX-Other: 1\r\nContent-Length: "                \
    "7\r\n\r\nlicence"
#define OK "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"

static int see_news(void *arg, int64_t row, const struct gf_receipt *r, const struct gf_answer *a,
                    struct gf_err *e) {
    int *seen = arg;
    (void)row;
    (void)e;
    assert_int_equal(r->state, GF_STATE_DELIVERED);
    assert_int_equal(r->guarantee, GF_GUARANTEE_ONCE);
    assert_non_null(a);
    assert_int_equal(a->status, 200);
    assert_int_equal(a->nheaders, 1);
    assert_string_equal(a->headers[0], "content-type");
    assert_string_equal(a->headers[1], "text/x-lic");
    assert_int_equal(a->body.len, 7);
    assert_memory_equal(a->body.data, "licence", 7);
    ++*seen;
    return 0;
}

static int see_reason(void *arg, int64_t row, const struct gf_receipt *r, const struct gf_answer *a,
                      struct gf_err *e) {
    (void)row;
    (void)a;
    (void)e;
    assert_int_equal(r->state, GF_STATE_DELIVERED);
    (void)snprintf(arg, GF_REASON_MAX + 1, "%s", r->reason != NULL ? r->reason : "none");
    return 0;
}

static void a_delivered_record_keeps_the_answer_that_it_wanted(void **state) {
    const struct reply replies[] = {{OK_TEXT, KEEP}, {NULL, 0}};
    struct site *s = *state;
    struct server *server = server_start(replies);
    int seen = 0;

    arrive_many(s, "c", 1, 1);
    configure(s, server->port, 1);
    forward(s, 10);
    server_stop(server);
    assert_int_equal(s->t.delivered, 1);
    assert_int_equal(s->t.people.len, 0);
    assert_ok(ledger_news(s->r.ledger, &kit_site.card.agent, see_news, &seen, &s->e), s->e);
    assert_int_equal(seen, 1);
    free(server);
}

static void each_record_becomes_what_its_own_answer_says(void **state) {
    const struct reply replies[] = {{"", RESET},
                                    {"HTTP/1.1 422 No\r\nContent-Length: 5\r\n\r\nwords", KEEP},
                                    {"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n", KEEP},
                                    {"HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n", KEEP},
                                    {OK, KEEP},
                                    {NULL, 0}};
    struct site *s = *state;
    struct server *server = server_start(replies);

    arrive_many(s, "c", 5, 0);
    configure(s, server->port, 1);
    forward(s, 10);
    server_stop(server);
    struct rows rows = rows_of(s);
    assert_int_equal(rows.row[0].state, LEDGER_LATER);
    assert_true(rows.row[0].due >= NOW + 7 && rows.row[0].due <= NOW + 20);
    assert_int_equal(rows.row[1].state, LEDGER_REJECTED);
    assert_string_equal(rows.row[1].reason, "HTTP 422: words");
    assert_int_equal(rows.row[2].state, LEDGER_LATER);
    assert_int_equal(rows.row[3].state, LEDGER_HELD);
    assert_int_equal(rows.row[4].state, LEDGER_DELIVERED);
    assert_int_equal(s->t.delivered + s->t.rejected + s->t.held, 3);
    assert_int_equal(s->t.later, 2);
    assert_true(testing_says(s, "endpoint \"e\": 1 held: "));
    assert_true(testing_says(s, "correct its url: nothing is there"));
    assert_true(testing_says(s, "records release --endpoint e"));
    free(server);
}

/* A record with two points, of which the relay lets one go. */
static void what_was_refused_in_part_is_delivered_and_travels_back_with_the_reason(void **state) {
    static const char body[] =
        "{\"resourceMetrics\":[{\"scopeMetrics\":[{\"metrics\":[{\"name\":\"g\",\"gauge\":"
        "{\"dataPoints\":[{\"timeUnixNano\":\"1\",\"asInt\":\"1\"},"
        "{\"timeUnixNano\":\"%lld000000000\",\"asInt\":\"2\"}]}}]}]}]}";
    const struct reply replies[] = {{OK, KEEP}, {NULL, 0}};
    struct site *s = *state;
    struct server *server = server_start(replies);
    char text[600], conf[300], reason[GF_REASON_MAX + 1] = "";

    (void)snprintf(text, sizeof text, body, (long long)NOW);
    char *line = testing_record(s, "c", text, 0);
    arrive(s, line, NULL);
    free(line);
    (void)snprintf(conf, sizeof conf,
                   "[endpoint \"e\"]\nchannel = c\nprofile = prometheus\nconnections = 1\n"
                   "attributes = none\nurl = http://127.0.0.1:%d/api/v1/import/prometheus\n",
                   server->port);
    config_free(s->r.config);
    s->r.config = endpoint_config(s->path, conf);
    forward(s, 10);
    server_stop(server);
    assert_non_null(strstr(server->got, "\r\n\r\ng 2 "));
    assert_null(strstr(server->got, "g 1"));
    assert_int_equal(s->t.delivered, 1);
    assert_ok(ledger_news(s->r.ledger, &kit_site.card.agent, see_reason, reason, &s->e), s->e);
    assert_string_equal(reason, "1 of 2 points refused: 1 older than 30d");
    free(server);
}

static void a_dead_endpoint_is_asked_once_and_others_go_on(void **state) {
    const struct reply replies[] = {{OK, KEEP}, {OK, KEEP}, {NULL, 0}};
    struct site *s = *state;
    struct server *server = server_start(replies);
    int port, fd = server_socket(&port);

    arrive_many(s, "c", 3, 0);
    arrive_many(s, "d", 2, 0);
    configure(s, port, server->port);
    forward(s, 10);
    server_stop(server);
    struct rows rows = rows_of(s);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(rows.row[i].state, LEDGER_LATER);
        assert_int_equal(rows.row[i].attempts, i == 0);
        assert_int_equal(rows.row[i].due, rows.row[0].due);
        if (i > 0)
            assert_string_equal(rows.row[i].reason,
                                "not tried: endpoint \"e\" was not reached: refused");
    }
    assert_ptr_equal(strstr(rows.row[0].reason, "refused: "), rows.row[0].reason);
    assert_int_equal(s->t.later, 3);
    assert_int_equal(s->t.delivered, 2);
    assert_true(testing_says(s, "endpoint \"e\": 3 to be tried again: refused"));
    free(server);
    (void)close(fd);
}

static void what_waits_goes_when_its_time_has_come_and_not_before(void **state) {
    const struct reply replies[] = {
        {"HTTP/1.1 503 No\r\nRetry-After: 100\r\nContent-Length: 0\r\n\r\n", KEEP},
        {OK, KEEP},
        {OK, KEEP},
        {NULL, 0}};
    struct site *s = *state;
    struct server *server = server_start(replies);

    arrive_many(s, "c", 2, 0);
    configure(s, server->port, 1);
    forward(s, 10);
    struct rows rows = rows_of(s);
    assert_true(rows.row[0].due >= NOW + 100 && rows.row[0].due < NOW + 110);
    assert_int_equal(s->t.people.len, 0);
    assert_true(testing_waits(s, "it asks to be left alone until"));
    assert_int_equal(rows.row[1].due, rows.row[0].due);
    s->r.now = NOW + 99;
    forward(s, 10);
    assert_int_equal(s->t.delivered, 0);
    s->r.now = NOW + 110;
    forward(s, 10);
    assert_int_equal(s->t.delivered, 2);
    server_stop(server);
    assert_int_equal(server->requests, 3);
    free(server);
}

/* A whole turn with a drive, as by hand. */
static void turn_with_a_drive(struct site *s) {
    testing_turn(s);
    assert_ok(relay_turn(&s->r, s->d, 10, &s->t, &s->e), s->e);
}

static void with_a_drive_each_is_tried_again_at_once_unless_asked_to_wait(void **state) {
    const struct reply replies[] = {
        {"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n", KEEP},
        {"HTTP/1.1 503 No\r\nRetry-After: 100\r\nContent-Length: 0\r\n\r\n", KEEP},
        {"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n", KEEP},
        {OK, KEEP},
        {OK, KEEP},
        {OK, KEEP},
        {NULL, 0}};
    struct site *s = *state;
    struct server *server = server_start(replies);

    arrive_many(s, "c", 3, 0);
    configure(s, server->port, 1);
    turn_with_a_drive(s);
    struct rows rows = rows_of(s);
    assert_int_equal(rows.row[0].asked, 0);
    assert_int_equal(rows.row[1].asked, NOW + 100);
    assert_int_equal(rows.row[2].asked, NOW + 100); /* never sent: the endpoint is left alone */
    assert_int_equal(server->requests, 2);

    /* Only the first, and it only once. */
    turn_with_a_drive(s);
    assert_int_equal(server->requests, 3);
    assert_int_equal(rows_of(s).row[0].state, LEDGER_LATER);
    turn_with_a_drive(s);
    assert_int_equal(server->requests, 4);
    assert_int_equal(rows_of(s).row[0].state, LEDGER_DELIVERED);
    s->r.now = NOW + 101;
    turn_with_a_drive(s);
    assert_int_equal(s->t.delivered, 2);
    server_stop(server);
    free(server);
}

static void what_no_endpoint_takes_is_held_and_each_channel_is_named_once(void **state) {
    struct site *s = *state;
    int64_t n = 0;

    arrive_many(s, "x", 2, 0);
    arrive_many(s, "y", 1, 2);
    configure(s, 1, 1);
    forward(s, 10);
    struct rows rows = rows_of(s);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(rows.row[i].state, LEDGER_HELD);
    assert_string_equal(rows.row[0].reason, "no endpoint for channel x, product demo");
    assert_int_equal(s->t.held, 3);
    assert_true(testing_says(s, "2 held: no endpoint takes channel x"));
    assert_true(testing_says(s, "1 held: no endpoint takes channel y"));

    /* Given up, the site learns why; what is not held cannot be given up. */
    struct ledger_filter held = {.first = LEDGER_HELD, .last = LEDGER_HELD, .channel = "y"};
    assert_ok(ledger_give_up(s->r.ledger, &held, NULL, NOW, &n, &s->e), s->e);
    assert_int_equal(n, 1);
    assert_int_equal(rows_of(s).row[2].state, LEDGER_REJECTED);
    assert_string_equal(rows_of(s).row[2].reason, "no endpoint for channel y, product demo");
    assert_ok(ledger_release(s->r.ledger, &(struct ledger_filter){LEDGER_ANY, .channel = "x"}, NOW,
                             &n, &s->e),
              s->e);
    assert_int_equal(n, 2);
    held.channel = "x";
    assert_ok(ledger_give_up(s->r.ledger, &held, NULL, NOW, &n, &s->e), s->e);
    assert_int_equal(n, 0);
}

/* One record of channel c that expires then. */
static void arrive_expiring(struct site *s, int64_t expires) {
    struct gf_buf b;
    uint8_t random[10];
    struct gf_record r = {.channel = "c",
                          .origin = kit_site.card.agent,
                          .created = NOW - 60,
                          .has_expires = 1,
                          .expires = expires,
                          .type = "text/plain",
                          .body = {.form = GF_BODY_TEXT, .data = "x", .len = 1}};
    gf_digest_random(random, sizeof random);
    gf_text_uuid7((int64_t)NOW * 1000, random, &r.id);
    gf_buf_init(&b, GF_LINE_MAX);
    assert_ok(gf_record_write(&r, &b, &s->e), s->e);
    s->id = r.id;
    arrive(s, b.data, NULL);
    gf_buf_free(&b);
}

static void what_has_expired_is_not_sent_unless_it_may_have_arrived(void **state) {
    const struct reply replies[] = {{OK, KEEP}, {OK, KEEP}, {NULL, 0}};
    struct site *s = *state;
    struct server *server = server_start(replies);

    configure(s, server->port, 1);
    arrive_expiring(s, NOW - 1);
    arrive_expiring(s, NOW + 1000);
    arrive_expiring(s, NOW - 1); /* was being sent when the relay died */
    assert_ok(
        ledger_sending(s->r.ledger, &(int64_t){testing_find(s, &s->id).row}, 1, "e", NOW, &s->e),
        s->e);
    forward(s, 10);
    server_stop(server);
    struct rows rows = rows_of(s);
    assert_int_equal(rows.row[0].state, LEDGER_EXPIRED);
    assert_non_null(strstr(rows.row[0].reason, "expired at 20"));
    assert_int_equal(rows.row[1].state, LEDGER_DELIVERED);
    assert_int_equal(rows.row[2].state, LEDGER_DELIVERED);
    assert_int_equal(s->t.expired, 1);
    assert_int_equal(server->requests, 2);
    free(server);
}

static void a_body_that_is_a_file_goes_out_whole(void **state) {
    const struct reply replies[] = {{OK, KEEP}, {NULL, 0}};
    struct site *s = *state;
    struct server *server = server_start(replies);
    struct gf_buf b;
    uint8_t random[10];

    gf_digest_random(random, sizeof random);
    gf_text_uuid7((int64_t)NOW * 1000, random, &s->id);
    gf_buf_init(&b, GF_LINE_MAX);
    testing_line(&b, &s->id, "c", GF_BODY_FILE, "files/body.bin", 0);
    arrive(s, b.data, "the whole file");
    gf_buf_free(&b);
    configure(s, server->port, 1);
    forward(s, 10);
    server_stop(server);
    assert_int_equal(s->t.delivered, 1);
    assert_non_null(strstr(server->got, "\r\nContent-Length: 14\r\n"));
    assert_non_null(strstr(server->got, "\r\n\r\nthe whole file"));
    free(server);
}

static void no_time_means_no_request_and_little_time_ends_a_slow_one(void **state) {
    const struct reply replies[] = {{"", SILENCE}, {NULL, 0}};
    struct site *s = *state;
    struct server *server = server_start(replies);

    arrive_many(s, "c", 2, 0);
    configure(s, server->port, 1);
    forward(s, 0);
    assert_int_equal(rows_of(s).row[0].state, LEDGER_RECEIVED);
    time_t before = time(NULL);
    forward(s, 1);
    assert_true(time(NULL) - before < 5);
    struct rows rows = rows_of(s);
    assert_int_equal(rows.row[0].state, LEDGER_LATER);
    assert_int_equal(rows.row[1].state, LEDGER_RECEIVED);
    server_stop(server);
    free(server);
}

static void a_wrong_endpoint_stops_forwarding_and_not_the_turn(void **state) {
    struct site *s = *state;

    arrive_many(s, "c", 1, 0);
    s->r.config = endpoint_at(s->path, 1, "proxy = http://127.0.0.1:1\n");
    forward(s, 10);
    assert_int_equal(rows_of(s).row[0].state, LEDGER_RECEIVED);
    assert_int_equal(s->t.gravest, GF_E_CONFIG);
    assert_true(testing_says(s, "nothing was forwarded"));
}

static void a_relay_that_dies_while_sending_sends_the_same_key_again(void **state) {
    const struct reply replies[] = {{"", SILENCE}, {OK, KEEP}, {NULL, 0}};
    struct site *s = *state;
    struct server *server = server_start(replies);
    char first[64], key[64];

    arrive_many(s, "c", 1, 0);
    configure(s, server->port, 1);
    ledger_close(s->r.ledger);
    s->r.ledger = NULL;
    pid_t pid = fork();
    if (pid == 0) {
        struct gf_err e;
        _exit(ledger_open(s->state, &s->r.ledger, &e) == 0 &&
              relay_forward(&s->r, 60, &s->t, &e) == 0);
    }
    for (int i = 0; i < 200 && server->requests == 0; i++)
        (void)usleep(50000);
    assert_int_equal(server->requests, 1);
    (void)snprintf(first, sizeof first, "%.49s", strstr(server->got, "Idempotency-Key: "));
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);

    assert_ok(ledger_open(s->state, &s->r.ledger, &s->e), s->e);
    assert_int_equal(rows_of(s).row[0].state, LEDGER_SENDING);
    /* The server still keeps silent to the dead one: another takes its place. */
    server_stop(server);
    struct server *next = server_start(replies + 1);
    configure(s, next->port, 1);
    forward(s, 10);
    server_stop(next);
    (void)snprintf(key, sizeof key, "%.49s", strstr(next->got, "Idempotency-Key: "));
    assert_string_equal(key, first);
    assert_int_equal(rows_of(s).row[0].state, LEDGER_DELIVERED);
    assert_int_equal(rows_of(s).row[0].attempts, 2);
    free(server);
    free(next);
}

#define FORWARD_TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        FORWARD_TEST(a_delivered_record_keeps_the_answer_that_it_wanted),
        FORWARD_TEST(each_record_becomes_what_its_own_answer_says),
        FORWARD_TEST(what_was_refused_in_part_is_delivered_and_travels_back_with_the_reason),
        FORWARD_TEST(a_dead_endpoint_is_asked_once_and_others_go_on),
        FORWARD_TEST(what_waits_goes_when_its_time_has_come_and_not_before),
        FORWARD_TEST(with_a_drive_each_is_tried_again_at_once_unless_asked_to_wait),
        FORWARD_TEST(what_no_endpoint_takes_is_held_and_each_channel_is_named_once),
        FORWARD_TEST(what_has_expired_is_not_sent_unless_it_may_have_arrived),
        FORWARD_TEST(a_body_that_is_a_file_goes_out_whole),
        FORWARD_TEST(no_time_means_no_request_and_little_time_ends_a_slow_one),
        FORWARD_TEST(a_wrong_endpoint_stops_forwarding_and_not_the_turn),
        FORWARD_TEST(a_relay_that_dies_while_sending_sends_the_same_key_again),
    };
    return cmocka_run_group_tests(tests, kit_setup, kit_teardown);
}
