/*
 * test_thin_queue.c -- metrics at the cap of their channel give way to thinned ones, and nothing
 * else does.
 *
 * Point i of a series has the value i, and is i seconds behind the first one.
 */
#include "agent_testing.h"

#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "agent/store/store_grid.h"
#include "agent/store/store_thin.h"
#include "agent/thin/thin.h"
#include "common/otlp_json.h"
#include "common/otlp_points.h"
#include "common/otlp_wire.h"
#include "gapferry/digest.h"
#include "store_testing.h"

#define BEGIN      1699999200LL /* a whole hour */
#define POINTS_MAX 40000
#define FACTS      "{\"metrics\":{\"points\":1,\"delta\":false}}"

/* What is in the queue, point by point. */
static struct found {
    int times[POINTS_MAX];
    int points, records;
    int64_t thinned_records, thinned_points; /* as the records say */
    char last_ext[GF_EXT_MAX + 1];           /* of the first one that has been thinned */
    int64_t last_created;
} found;

static void take_points(const struct gf_record *r) {
    struct gf_buf b;
    struct otlp_points it;
    struct otlp_point p;

    gf_buf_init(&b, 1 << 20);
    if (strcmp(r->type, "application/json") == 0)
        assert_int_equal(otlp_json_to_protobuf(r->body.data, r->body.len, &b, &e), 0);
    else
        gf_buf_add(&b, r->body.data, r->body.len);
    assert_int_equal(otlp_points_open(&it, b.data, b.len, &e), 0);
    while (otlp_points_next(&it, &p)) {
        assert_true(p.as_int >= 0 && p.as_int < POINTS_MAX);
        assert_true(p.time == (uint64_t)(BEGIN + p.as_int) * 1000000000);
        found.times[p.as_int]++;
        found.points++;
    }
    gf_buf_free(&b);
}

static int find_one(void *arg, const struct store_record *s, struct gf_err *err) {
    struct gf_record r;

    (void)arg;
    assert_int_equal(gf_record_parse(s->line, s->line_len, &r, err), 0);
    assert_true(s->line_len <= GF_LINE_MAX);
    found.records++;
    const char *thinned = r.ext ? strstr(r.ext, "\"thinned\"") : NULL;
    if (thinned) {
        found.thinned_records += strtoll(strstr(thinned, "records\":") + 9, NULL, 10);
        found.thinned_points += strtoll(strstr(thinned, "points\":") + 8, NULL, 10);
        if (!found.last_ext[0]) {
            (void)snprintf(found.last_ext, sizeof found.last_ext, "%s", r.ext);
            found.last_created = r.created;
        }
    }
    if (r.ext && strncmp(r.type, "application/", 12) == 0)
        take_points(&r);
    gf_record_free(&r);
    return 0;
}

static void find_all(struct site *s) {
    memset(&found, 0, sizeof found);
    assert_int_equal(store_walk(s->a.store, STORE_QUEUED, "metrics", find_one, NULL, &e), 0);
    check_tally(s);
}

/* ---- what comes in ---- */

static struct gf_record point(struct site *s, int i, char body[320]) {
    static int64_t ms = 1000;
    uint8_t random[10];
    struct gf_record r = {.channel = "metrics",
                          .product = "demo",
                          .origin = s->a.id.card.agent,
                          .created = s->a.now + i,
                          .type = "application/json",
                          .ext = FACTS};

    int n = snprintf(body, 320,
                     "{\"resourceMetrics\":[{\"scopeMetrics\":[{\"metrics\":[{\"name\":\"m\","
                     "\"gauge\":{\"dataPoints\":[{\"timeUnixNano\":\"%lld000000000\",\"asInt\":"
                     "\"%d\"}]}}]}]}]}",
                     BEGIN + i, i);
    r.body = (struct gf_body){GF_BODY_TEXT, body, (size_t)n};
    gf_digest_random(random, sizeof random);
    gf_text_uuid7(ms++, random, &r.id);
    return r;
}

static int add(struct site *s, int i) {
    char body[320];
    struct gf_record r = point(s, i, body);

    return agent_accept(&s->a, &r, &e);
}

static void add_many(struct site *s, int from, int to) {
    assert_int_equal(store_begin(s->a.store, &e), 0);
    for (int i = from; i < to; i++) {
        if (add(s, i) == -1)
            fail_msg("%d: %s", i, e.text);
    }
    assert_int_equal(store_end(s->a.store, 0, &e), 0);
}

static int64_t lost(struct site *s, char policy[GF_WORD_MAX + 1]) {
    struct store_loss *list;
    int64_t records = 0;
    size_t n;

    assert_int_equal(store_losses(s->a.store, 1, &list, &n, &e), 0);
    for (size_t i = 0; i < n; i++) {
        records += list[i].records;
        (void)snprintf(policy, GF_WORD_MAX + 1, "%s", list[i].policy);
    }
    free(list);
    return records;
}

/* ---- tests ---- */

static void before_anything_is_refused_the_oldest_are_thinned_and_say_so(void **state) {
    struct site *s = *state;
    struct store_thinned *sum;
    char policy[GF_WORD_MAX + 1];
    size_t n;

    site_configure(s, "[channel \"metrics\"]\nmax_records = 300\nthin = 1m\n");
    add_many(s, 0, 300);
    find_all(s);
    assert_int_equal(found.points, 300);
    assert_int_equal(lost(s, policy), 0);

    add_many(s, 300, 301);
    find_all(s);
    assert_int_equal(found.records, 2);
    assert_int_equal(found.points, 6);
    for (int i = 0; i < 5; i++)
        assert_int_equal(found.times[60 * i + 59], 1);
    assert_int_equal(found.times[300], 1);
    assert_string_equal(found.last_ext,
                        "{\"metrics\":{\"points\":5,\"from\":\"2023-11-14T22:00:59.000000000Z\","
                        "\"to\":\"2023-11-14T22:04:59.000000000Z\",\"delta\":false},"
                        "\"thinned\":{\"every_s\":60,\"records\":300,\"points\":295}}");
    assert_true(found.last_created == s->a.now + 299);

    assert_true(lost(s, policy) == 300);
    assert_string_equal(policy, "thin-1m");
    assert_int_equal(store_thinned(s->a.store, &sum, &n, &e), 0);
    assert_true(n == 1 && sum->every == 60 && sum->records == 300 && sum->points == 295 &&
                sum->first == BEGIN && sum->last == BEGIN + 298);
    free(sum);

    /* The next bundle tells it, and the new records leave with it. */
    (void)site_export(s);
    assert_int_equal(lost(s, policy), 0);
    assert_true(site_bundle(s, 0).records == 2);
}

static void what_is_in_a_bundle_stays_as_it_is(void **state) {
    struct site *s = *state;

    site_configure(s, "[channel \"metrics\"]\nmax_records = 200\nthin = 1m\n");
    add_many(s, 0, 100);
    (void)site_export(s);
    add_many(s, 100, 200);
    add_many(s, 200, 201);
    assert_true(site_bundle(s, 0).records == 100);
    find_all(s);
    assert_int_equal(found.records, 2);
    assert_int_equal(found.thinned_records, 100);
    assert_int_equal(found.times[119] + found.times[179] + found.times[199], 3);
}

static void what_has_left_and_is_back_in_the_queue_is_not_thinned(void **state) {
    struct site *s = *state;
    int64_t back;

    site_configure(s, "[channel \"metrics\"]\nmax_records = 200\nthin = 1m\n");
    add_many(s, 0, 100);
    (void)site_export(s);
    struct store_bundle b = site_bundle(s, 0);
    assert_int_equal(store_withdraw(s->a.store, &b.id, s->a.now, &back, &e), 0);
    assert_true(back == 100);
    add_many(s, 100, 201);
    find_all(s);
    /* Somebody may have them. */
    assert_int_equal(found.records, 102);
    assert_int_equal(found.thinned_records, 100);
    for (int i = 0; i < 100; i++)
        assert_int_equal(found.times[i], 1);
}

static void the_next_step_comes_when_the_first_gives_nothing_more(void **state) {
    struct site *s = *state;
    struct store_thinned *sum;
    char policy[GF_WORD_MAX + 1];
    size_t n;

    /* A cap in bytes, of about 40 of these records. */
    site_configure(s, "[channel \"metrics\"]\nmax_bytes = 20000\nthin = 10s 1h\n");
    add_many(s, 0, 3000);
    assert_int_equal(store_thinned(s->a.store, &sum, &n, &e), 0);
    assert_true(n == 2 && sum[0].every == 10 && sum[1].every == 3600);
    free(sum);
    find_all(s);
    /* What came last is whole, or has at least each tenth second. */
    assert_int_equal(found.times[2999], 1);
    assert_true(found.thinned_points + found.points == 3000);
    assert_true(found.thinned_records + found.records > 2900);
    assert_true(lost(s, policy) > 0);
}

static void when_nothing_is_left_to_thin_the_policy_holds_as_before(void **state) {
    struct site *s = *state;
    struct store_loss *list;
    char policy[GF_WORD_MAX + 1];
    size_t n;

    /* Points that are further apart than the window. */
    site_configure(s, "[channel \"metrics\"]\nmax_records = 20\nthin = 1s\n");
    for (int i = 0; i < 20; i++)
        assert_int_equal(add(s, 100 * i), 0);
    /* Records that come together are fewer, though no point went. */
    assert_int_equal(add(s, 2000), 0);
    find_all(s);
    assert_int_equal(found.points, 21);
    assert_int_equal(found.thinned_points, 0);
    assert_int_equal(lost(s, policy), 0);

    site_configure(s, "[channel \"metrics\"]\nmax_bytes = 6000\nthin = 1s\n");
    int i = 2100;
    while (add(s, i) == 0)
        i += 100;
    assert_int_equal(e.code, GF_E_LIMIT);
    find_all(s);
    assert_int_equal(found.points, i / 100);

    /* The oldest goes first, thinned or not. */
    site_configure(s, "[channel \"metrics\"]\nmax_bytes = 6000\nthin = 1s\nfull = drop-oldest\n");
    assert_int_equal(add(s, i), 0);
    find_all(s);
    assert_int_equal(found.times[0], 0);
    assert_int_equal(found.times[i], 1);
    assert_int_equal(store_losses(s->a.store, 1, &list, &n, &e), 0);
    assert_true(n == 1 && strcmp(list->policy, "drop-oldest") == 0);
    free(list);
}

static void what_came_last_is_left_alone(void **state) {
    struct site *s = *state;
    const int n = 6000;
    int whole = 0, old = 0, windows = 0;

    /* A cap of about 70 records, in a state that lasts. */
    site_configure(s, "[channel \"metrics\"]\nmax_bytes = 40000\nthin = 5s\nfull = drop-oldest\n");
    add_many(s, 0, n);
    find_all(s);
    for (int i = n - 1; found.times[i]; i--)
        whole++;
    for (int w = 0; w < (n - whole) / 5; w++) {
        int here = 0;
        for (int i = 5 * w; i < 5 * w + 5; i++)
            here += found.times[i];
        old += here;
        windows += here > 0;
    }
    /* Were each one thinned as it comes, windows would be cut to pieces; and the queue reaches back
     * five times as far as its cap would let it. */
    assert_true(whole >= 2 && old <= 2 * windows && 5 * windows > 350);
}

static void records_of_nodes_and_of_other_kinds_stay(void **state) {
    struct site *s = *state;
    char body[320];
    struct gf_id kept[5];

    site_configure(s, "[channel \"metrics\"]\nmax_records = 100\nthin = 1h\n");
    for (int i = 0; i < 5; i++) {
        struct gf_record r = point(s, i, body);
        if (i == 0)
            r.ext = NULL; /* JSON that is no request of OpenTelemetry, for all anybody knows */
        else if (i == 1)
            r.type = "text/plain";
        else if (i == 2)
            r.has_expires = 1, r.expires = s->a.now + 1000000;
        else if (i == 3)
            r.origin.b[0] ^= 1;
        kept[i] = r.id;
        assert_int_equal(agent_accept(&s->a, &r, &e), 0);
        if (i == 4)
            assert_int_equal(store_node_add(s->a.store, &(struct store_node){.record = r.id}, &e),
                             0);
    }
    add_many(s, 5, 101);
    find_all(s);
    assert_int_equal(found.records, 7);
    assert_int_equal(found.thinned_records, 95);
    for (size_t i = 0; i < 5; i++)
        assert_int_equal(site_state(s, &kept[i]), STORE_QUEUED);
}

static void lines_are_thinned_apart_from_requests_and_products_apart(void **state) {
    struct site *s = *state;
    char body[320];

    site_configure(s, "[channel \"metrics\"]\nmax_records = 90\nthin = 1h\n");
    for (int i = 0; i < 90; i++) {
        struct gf_record r = point(s, i, body);
        if (i % 3 == 1)
            r.product = NULL;
        if (i % 3 == 2) {
            int n = snprintf(body, sizeof body, "m v=%d %lld000000000\n", i, BEGIN + i);
            r.body.len = (size_t)n;
            r.type = "text/x-influx-line";
            r.ext = NULL;
        }
        assert_int_equal(agent_accept(&s->a, &r, &e), 0);
    }
    assert_int_equal(thin_make_room(&s->a, "metrics", &(struct store_cap){.records = 90}, &e), 1);
    find_all(s);
    assert_int_equal(found.records, 3);
}

static void a_bundle_of_what_has_given_way_comes_to_nothing(void **state) {
    struct site *s = *state;
    struct gf_header h = {.kind = GF_KIND_REQUEST, .to = kit_relay.card.identity, .seq = 1};
    struct gf_hash digest = {{1}};
    struct store_seq seq;
    struct store_carried c = {.n = 1, .records = 1};
    struct store_range row = {100, 100};
    int64_t before;

    site_configure(s, "[channel \"metrics\"]\nmax_records = 100\nthin = 1h\n");
    add_many(s, 0, 100);
    assert_int_equal(store_take_seq(s->a.store, &kit_relay.card.identity, &seq, &e), 0);
    h.stream = seq.stream;
    assert_int_equal(store_thin_count(s->a.store, &before, &e), 0);
    /* All hundred become one, in the row of the last of them. */
    add_many(s, 100, 101);
    c.rows = &row;
    c.thinned = before;
    assert_fails(store_exported(s->a.store, &h, &digest, &c, s->a.now, &e), GF_E_BUSY,
                 "left the queue");
    assert_int_equal(store_thin_count(s->a.store, &c.thinned, &e), 0);
    assert_int_equal(store_exported(s->a.store, &h, &digest, &c, s->a.now, &e), 0);
    check_tally(s);
}

static void a_channel_that_is_nearly_full_is_thinned_ahead(void **state) {
    struct site *s = *state;

    site_configure(s, "[channel \"metrics\"]\nmax_records = 100\nthin = 1h\n");
    add_many(s, 0, 87);
    assert_int_equal(thin_ahead(&s->a, &e), 0);
    find_all(s);
    assert_int_equal(found.records, 87);
    add_many(s, 87, 89);
    assert_int_equal(thin_ahead(&s->a, &e), 0);
    find_all(s);
    assert_int_equal(found.records, 1);

    /* Where the oldest make room there is always some. */
    site_configure(s, "[channel \"metrics\"]\nmax_records = 100\nthin = 1h\nfull = drop-oldest\n");
    add_many(s, 89, 180);
    assert_int_equal(thin_ahead(&s->a, &e), 0);
    find_all(s);
    assert_int_equal(found.records, 92);
}

static void one_pass_looks_at_so_many_records_at_most(void **state) {
    struct site *s = *state;
    struct store_batch b = {0};
    struct store_cap cap = {.records = 2 * THIN_RECORDS};
    char body[320];
    size_t n;

    for (int i = 0; i < THIN_RECORDS + 100; i++) {
        struct gf_record r = point(s, i, body);
        assert_int_equal(store_batch_add(&b, &r, &e), 0);
    }
    assert_int_equal(store_accept(s->a.store, "metrics", &b, NULL, s->a.now, &n, &e), 0);
    store_batch_free(&b);
    site_configure(s, "[channel \"metrics\"]\nthin = 30d\n");
    assert_int_equal(thin_make_room(&s->a, "metrics", &cap, &e), 1);
    find_all(s);
    assert_int_equal(found.records, 101);
    assert_int_equal(found.thinned_records, THIN_RECORDS);
}

/* ---- kill -9 ---- */

#define LIVES 40

static void live(struct site *s, int next, int tell) {
    for (int i = next; i < next + 15; i++) {
        if (add(s, i) == -1 || write(tell, &i, sizeof i) != (ssize_t)sizeof i)
            _exit(1);
    }
    (void)pause();
}

static uint8_t was_told[POINTS_MAX];

/* Of each minute the last point that was told, or a later one that was not yet, is there; none is
 * there twice, and all that are not are counted. */
static void check_minutes(int told, int lives) {
    int sum = 0;
    for (int i = 0; i <= told; i++) {
        int there = found.times[i], later = 0;

        sum += was_told[i];
        for (int k = i + 1; k < (i / 60 + 1) * 60; k++) {
            later |= was_told[k];
            there += found.times[k];
        }
        assert_true(!was_told[i] || later || there > 0);
        assert_true(found.times[i] <= 1);
    }
    const int64_t counted = found.thinned_points + found.points;
    assert_true(counted >= sum && counted <= sum + lives);
}

static void killed_at_any_moment_either_all_have_given_way_or_none(void **state) {
    struct site *s = *state;
    int told = -1;

    srand(7);
    for (int i = 0; i < LIVES; i++) {
        int tell[2];
        store_close(s->a.store); /* a connection does not survive fork() */
        s->a.store = NULL;
        assert_int_equal(pipe(tell), 0);
        pid_t child = fork();
        if (child == 0) {
            (void)close(tell[0]);
            site_reopen(s);
            site_configure(s, "[channel \"metrics\"]\nmax_records = 40\nthin = 1m\n");
            live(s, 16 * i, tell[1]);
            _exit(0);
        }
        (void)close(tell[1]);
        /* At a moment behind the next few. */
        for (int k = rand() % 15, n; k >= 0; k--) {
            assert_int_equal(read(tell[0], &n, sizeof n), sizeof n);
            was_told[told = n] = 1;
        }
        (void)nanosleep(&(struct timespec){.tv_nsec = rand() % 8000000}, NULL);
        assert_int_equal(kill(child, SIGKILL), 0);
        int status;
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFSIGNALED(status)); /* else it failed by itself */
        for (int n; read(tell[0], &n, sizeof n) == (ssize_t)sizeof n;)
            was_told[told = n] = 1;
        (void)close(tell[0]);
        site_reopen(s);
        find_all(s);
        assert_true(found.records <= 40);
        check_minutes(told, i + 1);
    }
    assert_true(told > 40 && found.thinned_points > 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, site_setup, site_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(before_anything_is_refused_the_oldest_are_thinned_and_say_so),
        TEST(what_is_in_a_bundle_stays_as_it_is),
        TEST(what_has_left_and_is_back_in_the_queue_is_not_thinned),
        TEST(the_next_step_comes_when_the_first_gives_nothing_more),
        TEST(when_nothing_is_left_to_thin_the_policy_holds_as_before),
        TEST(what_came_last_is_left_alone),
        TEST(records_of_nodes_and_of_other_kinds_stay),
        TEST(lines_are_thinned_apart_from_requests_and_products_apart),
        TEST(a_bundle_of_what_has_given_way_comes_to_nothing),
        TEST(a_channel_that_is_nearly_full_is_thinned_ahead),
        TEST(one_pass_looks_at_so_many_records_at_most),
        TEST(killed_at_any_moment_either_all_have_given_way_or_none),
    };

    return cmocka_run_group_tests(tests, kit_setup, kit_teardown);
}
