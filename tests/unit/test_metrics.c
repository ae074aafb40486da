/*
 * test_metrics.c -- relay/endpoints: what the profiles for metrics have in common.
 */
#include "forward_testing.h"
#include "relay/endpoints/metrics.h"
#include "relay/ledger/ledger_metrics.h"

static struct config *config_of(struct site *s, const char *more) {
    char text[1024];
    (void)snprintf(text, sizeof text,
                   "[endpoint \"e\"]\nchannel = c\nurl = http://127.0.0.1:1/\n%s", more);
    return endpoint_config(s->path, text);
}

static void settings_have_bounds_and_defaults(void **state) {
    static const struct {
        const char *lines, *says;
    } bad[] = {{"max_age = soon\n", "max_age"},           {"max_future = -1s\n", "max_future"},
               {"batch_points = 0\n", "batch_points"},    {"batch_bytes = 1\n", "from 1K to 64M"},
               {"batch_bytes = 65M\n", "from 1K to 64M"}, {"attributes = site who\n", "words of"},
               {"attributes = site none\n", "words of"},  {"attributes = \"\"\n", "words of"}};
    struct site *s = *state;
    struct metrics m;

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct config *c = config_of(s, bad[i].lines);
        assert_int_equal(metrics_check(c, "e", &s->e), -1);
        assert_int_equal(s->e.code, GF_E_CONFIG);
        if (strstr(s->e.text, bad[i].says) == NULL)
            fail_msg("%s: %s", bad[i].lines, s->e.text);
        config_free(c);
    }
    const struct endpoint p = {.relay = &s->r, .name = "e"};
    s->r.config = config_of(s, "");
    assert_ok(metrics_check(s->r.config, "e", &s->e), s->e);
    assert_ok(metrics_open(&p, 77, &m, &s->e), s->e);
    assert_int_equal(m.limits.max_age_s, 77);
    assert_int_equal(m.limits.max_future_s, 600);
    assert_int_equal(m.limits.points, 5000);
    assert_int_equal(m.limits.bytes, 1 << 20);
    assert_true(m.site && !m.bundle && !m.delay);
    config_free(s->r.config);
    s->r.config = config_of(s, "max_age = 0\nattributes = none\n");
    assert_ok(metrics_open(&p, 77, &m, &s->e), s->e);
    assert_int_equal(m.limits.max_age_s, 0);
    assert_true(!m.site && !m.bundle && !m.delay);
}

static void a_sink_that_cannot_work_is_refused_with_its_line(void **state) {
    static const struct {
        const char *lines, *says;
    } bad[] = {
        {"profile = prometheus\nformat = json\n", "format"},
        {"profile = prometheus\nmax_age = 1y\n", "max_age"},
        {"profile = prometheus\nreadback = http://vm.example/api/v1/export\n",
         "http:// is allowed"},
        {"profile = prometheus\nreadback = https://vm.example/select\n", "/api/v1/export"},
        {"profile = prometheus\nformat = remote-write\nurl = https://vm.example/api/v1/write\n"
         "readback = https://vm.example/api/v1/export\n",
         "can be believed"},
        {"profile = influx\nbatch_points = 0\n", "batch_points"},
        {"profile = influx\nurl = https://i.example/write?db=a&precision=ms\n", "nanoseconds"},
        {"profile = influx\nreadback = https://vm.example/api/v1/export\n", "no such setting"},
        {"max_age = 1d\n", "no such setting"},
        /* A sink that takes another form there may say 204 to it, and has nothing. */
        {"profile = prometheus\nformat = remote-write\n", "/api/v1/write"},
        {"profile = prometheus\nurl = https://p.example/api/v1/write\n", "format = remote-write"},
        {"profile = prometheus\nurl = https://vm.example/api/v1/import/promtheus\n", "ends in"},
        {"profile = influx\nurl = https://i.example:8086\n", "/write?db="},
        {"profile = influx\nurl = https://i.example/write\n", "/write?db="},
        {"profile = otlp\nurl = https://o.example:4318\n", "/v1/metrics"},
        {"profile = otlp\nurl = https://o.example/v1/traces\n", "/v1/metrics"},
    };
    struct site *s = *state;

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char text[512];
        int has_url = strstr(bad[i].lines, "url") != NULL;
        (void)snprintf(text, sizeof text, "[endpoint \"e\"]\nchannel = c\n%s%s", bad[i].lines,
                       has_url ? "" : "url = https://sink.example/api/v1/import/prometheus\n");
        struct config *c = endpoint_config(s->path, text);
        if (endpoint_check(c, &s->e) != -1)
            fail_msg("taken: %s", text);
        if (strstr(s->e.text, bad[i].says) == NULL)
            fail_msg("%s: %s", bad[i].lines, s->e.text);
        config_free(c);
    }
    s->r.config = endpoint_config(
        s->path, "[endpoint \"e\"]\nchannel = c\nprofile = influx\n"
                 "url = https://i.example/write?db=a&precision=ns\n"
                 "[endpoint \"f\"]\nchannel = d\nprofile = prometheus\nmax_age = 0\n"
                 "url = https://vm.example/api/v1/import/prometheus\nattributes = none\n"
                 "readback = https://select.example:8481/api/v1/export\n");
    assert_ok(endpoint_check(s->r.config, &s->e), s->e);
    assert_string_equal(endpoint_idempotency(s->r.config, "e"), "natural");
    assert_string_equal(endpoint_idempotency(s->r.config, "f"), "natural");
}

static int add_place(void *arg, const struct endpoint_place *p, struct gf_err *e) {
    char *places = arg;
    size_t n = strlen(places);
    (void)e;
    (void)snprintf(places + n, 200 - n, "%s:%d ", p->host, p->port);
    return 0;
}

static void a_firewall_hears_of_the_place_that_is_read_back(void **state) {
    struct site *s = *state;
    char places[200] = "";

    s->r.config =
        endpoint_config(s->path, "[endpoint \"e\"]\nchannel = d\nprofile = prometheus\n"
                                 "url = https://vm.example/api/v1/import/prometheus\n"
                                 "readback = https://select.example:8481/api/v1/export\n");
    assert_ok(endpoint_places(s->r.config, "e", 0, add_place, places, &s->e), s->e);
    assert_string_equal(places, "vm.example:443 select.example:8481 ");

    /* One that is at the same place is none of its own. */
    config_free(s->r.config);
    s->r.config = endpoint_config(s->path, "[endpoint \"e\"]\nchannel = d\nprofile = prometheus\n"
                                           "url = https://vm.example/api/v1/import/prometheus\n"
                                           "readback = https://vm.example/api/v1/export\n");
    places[0] = '\0';
    assert_ok(endpoint_places(s->r.config, "e", 0, add_place, places, &s->e), s->e);
    assert_string_equal(places, "vm.example:443 ");
}

static struct ledger_record first;

static int keep_first(void *arg, const struct ledger_record *r, struct gf_err *e) {
    (void)arg;
    (void)e;
    first = *r;
    return 0;
}

static void what_the_relay_adds_says_whose_it_is_and_how_it_came(void **state) {
    struct site *s = *state;
    struct endpoint p = {.relay = &s->r, .name = "e"};
    struct gf_record record = {.created = 0};
    struct endpoint_job j = {.endpoint = &p, .row = &first, .record = &record};
    char more[300], id[GF_ID_TEXT], bundle_id[GF_ID_TEXT];
    struct metrics_labels l;
    struct gf_hash sender;
    struct gf_id bundle;
    struct metrics m;

    arrive_many(s, "c", 1, 0);
    assert_ok(ledger_walk(s->r.ledger, -1, keep_first, NULL, &s->e), s->e);
    record.created = first.received - 90061;
    s->r.config = config_of(s, "attributes = site  bundle delay\n");
    assert_ok(metrics_open(&p, 0, &m, &s->e), s->e);
    assert_ok(metrics_labels(&m, &j, &l, &s->e), s->e);
    assert_int_equal(l.n, 3);
    assert_string_equal(l.label[0].name, "bundle");
    assert_int_equal(ledger_carried(s->r.ledger, first.row, &bundle, &sender, &s->e), 1);
    gf_text_hex(bundle.b, sizeof bundle.b, bundle_id);
    assert_string_equal(l.label[0].value, bundle_id);
    assert_memory_equal(&sender, &kit_site.card.identity, sizeof sender);
    assert_string_equal(l.label[1].name, "delay_s");
    assert_string_equal(l.label[1].value, "90061");
    assert_string_equal(l.label[2].name, "site");
    gf_text_hex(kit_site.card.agent.b, sizeof kit_site.card.agent.b, id);
    assert_string_equal(l.label[2].value, id);

    /* A clock that is ahead says nothing of the trip. */
    record.created = first.received + 5;
    assert_ok(metrics_labels(&m, &j, &l, &s->e), s->e);
    assert_string_equal(l.label[1].value, "0");

    config_free(s->r.config);
    char fingerprint[GF_FINGERPRINT_TEXT];
    gf_card_fingerprint(&kit_site.card, fingerprint);
    (void)snprintf(more, sizeof more, "[agent \"%s\"]\nname = Plant \"4\"\n", fingerprint);
    s->r.config = config_of(s, more);
    assert_ok(metrics_open(&p, 0, &m, &s->e), s->e);
    assert_ok(metrics_labels(&m, &j, &l, &s->e), s->e);
    assert_int_equal(l.n, 1);
    assert_string_equal(l.label[0].value, "Plant \"4\"");
}

static struct endpoint_result answer_of(long status) {
    return (struct endpoint_result){.verdict = ENDPOINT_LATER,
                                    .guarantee = GF_GUARANTEE_ONCE,
                                    .status = status,
                                    .answer = {.stage = HTTPS_OK, .status = status}};
}

static void a_batch_that_is_refused_is_halved_and_one_that_has_to_wait_is_not(void **state) {
    const struct batches_point points[] = {{1, 1, NULL, 0}, {2, 1, NULL, 0}, {3, 1, NULL, 0}};
    const struct batches_limits limits = {.points = 100, .bytes = 100, .requests = 100};
    const struct gf_record record = {.type = "a/b"};
    struct endpoint p = {.guarantee = GF_GUARANTEE_ONCE};
    struct endpoint_job j = {.endpoint = &p, .record = &record};
    struct metrics_probe probe = {.at = METRICS_PROBE_NONE};
    struct endpoint_result r;
    struct batches_range range;
    struct batches *b;
    struct gf_err e;
    (void)state;
    assert_int_equal(batches_new(&limits, points, 3, 1, &b, &e), 0);
    assert_int_equal(batches_next(b, &range), 1);
    r = answer_of(503);
    assert_int_equal(metrics_judge(&j, b, &probe, &r, &e), 0);
    assert_int_equal(r.verdict, ENDPOINT_LATER);
    r = answer_of(404);
    assert_int_equal(metrics_judge(&j, b, &probe, &r, &e), 0);
    assert_int_equal(r.verdict, ENDPOINT_HELD);
    /* Of 3, of none, of the first, of the others. */
    const long answers[] = {400, 204, 400, 204};
    for (size_t i = 0; i < 4; i++) {
        r = answer_of(answers[i]);
        assert_int_equal(metrics_judge(&j, b, &probe, &r, &e), 1);
        metrics_go_on(&j, b, &r);
        assert_int_equal(r.verdict, i < 3 ? ENDPOINT_MORE : ENDPOINT_DELIVERED);
    }
    assert_int_equal(r.guarantee, GF_GUARANTEE_ONCE);
    assert_string_equal(r.reason, "1 of 3 points refused: 1: HTTP 400: without words");
    batches_free(b);
}

static void a_page_is_no_success(void **state) {
    static char page[] = " \n<html>Please log in", text[] = "OK";
    const struct batches_point points[] = {{1, 1, NULL, 0}};
    const struct batches_limits limits = {.points = 100, .bytes = 100, .requests = 100};
    const struct gf_record record = {.type = "a/b"};
    struct endpoint p = {.guarantee = GF_GUARANTEE_ONCE};
    struct endpoint_job j = {.endpoint = &p, .record = &record};
    struct metrics_probe probe = {.at = METRICS_PROBE_NONE};
    struct endpoint_result r = answer_of(200);
    struct batches_range range;
    struct batches *b;
    struct gf_err e;
    (void)state;
    assert_int_equal(batches_new(&limits, points, 1, 1, &b, &e), 0);
    assert_int_equal(batches_next(b, &range), 1);
    r.answer.body = (struct gf_buf){.data = page, .len = strlen(page)};
    assert_int_equal(metrics_judge(&j, b, &probe, &r, &e), 0);
    assert_int_equal(r.verdict, ENDPOINT_LATER);
    assert_int_equal(r.unknown, 1);
    assert_string_equal(r.reason, "HTTP 200, but with a page: <html>Please log in");
    r = answer_of(200);
    r.answer.body = (struct gf_buf){.data = text, .len = strlen(text)};
    assert_int_equal(metrics_judge(&j, b, &probe, &r, &e), 1);
    assert_int_equal(batches_there(b), 1);
    batches_free(b);
}

/* VictoriaMetrics names the port of the connection, and others the number of a request. */
static void words_of_one_request_do_not_tell_two_refusals_apart(void **state) {
    static const struct {
        const char *a, *b;
        int same;
    } cases[] = {
        {"", "", 1},
        {"HTTP 400: database is required", "HTTP 400: database is required", 1},
        {"HTTP 400: \"127.0.0.1:54066\"; unsupported", "HTTP 400: \"127.0.0.1:9\"; unsupported", 1},
        {"id 3f-e2_a: no", "id a0: no", 1},
        {"HTTP 400: writing requires points", "HTTP 400: unable to parse", 0},
        {"HTTP 400: bad", "HTTP 400: bad point", 0},
        {"HTTP 400: bad point", "HTTP 400: bad", 0},
        {"HTTP 400: bad 1", "HTTP 400: bad one", 0},
        {"a", "", 0},
        {"1", "", 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        if (metrics_probe_is_same(cases[i].a, cases[i].b) != cases[i].same)
            fail_msg("%s / %s", cases[i].a, cases[i].b);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(settings_have_bounds_and_defaults, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_the_relay_adds_says_whose_it_is_and_how_it_came,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_sink_that_cannot_work_is_refused_with_its_line, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_firewall_hears_of_the_place_that_is_read_back, set_up,
                                        tear_down),
        cmocka_unit_test(a_batch_that_is_refused_is_halved_and_one_that_has_to_wait_is_not),
        cmocka_unit_test(a_page_is_no_success),
        cmocka_unit_test(words_of_one_request_do_not_tell_two_refusals_apart),
    };
    return cmocka_run_group_tests(tests, kit_setup, kit_teardown);
}
