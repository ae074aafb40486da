/*
 * test_ledger_respond.c -- the relay's ledger: what is news, which response tells it, and what
 * becomes of the response.
 */
#include "ledger_testing.h"

/* ---- one record in ---- */

static int take_line(struct site *s, const struct gf_record *r, const char *line) {
    const struct ledger_arrival a = testing_arrival(r, line, strlen(line));
    return ledger_take_records(s->r.ledger, &a, 1, NOW, &s->e);
}

static struct gf_id take_record(struct site *s, int64_t seq, const char *body, int answer) {
    struct gf_header h = header(s, seq);
    struct gf_hash d = digest_of(&h);
    struct gf_record r;

    char *line = testing_record(s, "license", body, answer);
    assert_ok(gf_record_parse(line, strlen(line), &r, &s->e), s->e);
    assert_ok(ledger_take_bundle(s->r.ledger, &h, &d, NOW, &s->e), s->e);
    assert_int_equal(take_line(s, &r, line), 1);
    gf_record_free(&r);
    free(line);
    return s->id;
}

static void deliver(struct site *s, const struct gf_id *id, const struct ledger_answer *a) {
    int64_t row = testing_find(s, id).row;
    assert_ok(ledger_sending(s->r.ledger, &(int64_t){row}, 1, "e", NOW, &s->e), s->e);
    assert_ok(ledger_answered(s->r.ledger, row, GF_GUARANTEE_ONCE, a, NOW + 5, &s->e), s->e);
}

/* ---- the news as one looks at them ---- */

#define NEWS_MAX 64
struct news {
    size_t n;
    struct ledger_told told[NEWS_MAX];
    int64_t at[NEWS_MAX];
    char reason[NEWS_MAX][64];
    size_t nanswers;
    int64_t status;
    size_t nheaders;
    char header[64];
    size_t body_len;
    char body_start[32];
    size_t stop_at; /* 0: never */
};

static int note(void *arg, int64_t row, const struct gf_receipt *r, const struct gf_answer *a,
                struct gf_err *e) {
    struct news *n = arg;
    struct gf_buf line;
    (void)row;

    /* Whatever is news can be written. */
    gf_buf_init(&line, GF_LINE_MAX);
    assert_ok(gf_receipt_write(r, &line, e), *e);
    gf_buf_free(&line);
    assert_true(n->n < NEWS_MAX);
    n->told[n->n] = (struct ledger_told){.id = r->record, .digest = r->digest, .state = r->state};
    n->at[n->n] = r->at;
    (void)snprintf(n->reason[n->n], 64, "%s", r->reason ? r->reason : "");
    n->n++;
    if (a != NULL) {
        assert_int_equal(r->state, GF_STATE_DELIVERED);
        n->nanswers++;
        n->status = a->status;
        n->nheaders = a->nheaders;
        (void)snprintf(n->header, sizeof n->header, "%s=%s", a->nheaders ? a->headers[0] : "",
                       a->nheaders ? a->headers[1] : "");
        n->body_len = a->body.len;
        (void)snprintf(n->body_start, sizeof n->body_start, "%s", a->body.data);
    }
    return n->stop_at == n->n;
}

static struct news news(struct site *s) {
    struct news n = {0};
    assert_ok(ledger_news(s->r.ledger, &kit_site.card.agent, note, &n, &s->e), s->e);
    return n;
}

/* ---- a response as the ledger sees it ---- */

static struct gf_header respond(struct site *s, const struct news *n, struct ledger_seq *seq) {
    struct gf_hash d;
    struct ledger_seq own;

    seq = seq ? seq : &own;
    assert_ok(ledger_take_seq(s->r.ledger, &kit_site.card.identity, seq, &s->e), s->e);
    struct gf_header h = {.kind = GF_KIND_RESPONSE,
                          .from = kit_relay.card.identity,
                          .to = kit_site.card.identity,
                          .stream = seq->stream,
                          .seq = seq->seq};
    gf_digest_random(&h.id, sizeof h.id);
    gf_digest_256(&h, sizeof h, &d);
    assert_ok(
        ledger_responded(s->r.ledger, &kit_site.card.agent, &h, &d, n->told, n->n, NOW, &s->e),
        s->e);
    return h;
}

static size_t open_responses(struct site *s) {
    struct ledger_response *list = NULL;
    size_t n = 0;
    assert_ok(ledger_open_responses(s->r.ledger, &kit_site.card.identity, &list, &n, &s->e), s->e);
    free(list);
    return n;
}

/* ---- tests ---- */

static void a_record_is_news_when_its_receipt_changes_and_only_then(void **state) {
    struct site *s = *state;
    testing_enrol(s, &kit_site);
    struct gf_id id = take_record(s, 1, "{}", 0);
    int64_t row = testing_find(s, &id).row;

    struct news n = news(s);
    assert_int_equal(n.n, 1);
    assert_int_equal(n.told[0].state, GF_STATE_RELAYED);
    assert_int_equal(n.at[0], NOW);
    (void)respond(s, &n, NULL);
    assert_int_equal(news(s).n, 0);

    /* sending, later and held are all `relayed` to the site. */
    assert_ok(ledger_sending(s->r.ledger, &(int64_t){row}, 1, "e", NOW, &s->e), s->e);
    assert_ok(ledger_later(s->r.ledger, row, "busy", NOW, 0, NOW, &s->e), s->e);
    assert_ok(ledger_held(s->r.ledger, row, "401", NOW, &s->e), s->e);
    assert_int_equal(news(s).n, 0);
    assert_ok(ledger_rejected(s->r.ledger, row, "bad key", NOW + 7, &s->e), s->e);
    n = news(s);
    assert_int_equal(n.n, 1);
    assert_int_equal(n.told[0].state, GF_STATE_REJECTED);
    assert_string_equal(n.reason[0], "bad key");
    assert_int_equal(n.at[0], NOW + 7);
    (void)respond(s, &n, NULL);
    assert_int_equal(news(s).n, 0);
}

static void news_are_for_their_own_agent_only(void **state) {
    struct site *s = *state;
    struct news n = {0};
    testing_enrol(s, &kit_site);
    testing_enrol(s, &kit_other);
    (void)take_record(s, 1, "{}", 0);
    assert_ok(ledger_news(s->r.ledger, &kit_other.card.agent, note, &n, &s->e), s->e);
    assert_int_equal(n.n, 0);
    assert_int_equal(news(s).n, 1);
}

static void news_come_in_the_order_of_arrival_and_can_be_stopped(void **state) {
    struct site *s = *state;
    struct gf_id ids[5];
    testing_enrol(s, &kit_site);
    for (int i = 0; i < 5; i++)
        ids[i] = take_record(s, 5 - i, "{}", 0);
    struct news n = news(s);
    assert_int_equal(n.n, 5);
    for (int i = 0; i < 5; i++)
        assert_memory_equal(&n.told[i].id, &ids[i], sizeof ids[i]);
    struct news two = {.stop_at = 2};
    assert_ok(ledger_news(s->r.ledger, &kit_site.card.agent, note, &two, &s->e), s->e);
    assert_int_equal(two.n, 2);
}

static void an_answer_comes_with_its_delivered_receipt(void **state) {
    struct site *s = *state;
    static const char *const headers[] = {"content-type", "text/plain", "Bad", "x", "x", "a\nb"};
    const struct ledger_answer a = {
        .status = 200, .headers = headers, .nheaders = 3, .body = "licence", .len = 7};
    testing_enrol(s, &kit_site);
    struct gf_id id = take_record(s, 1, "{}", 1);
    struct gf_id unasked = take_record(s, 2, "{}", 0);
    assert_int_equal(news(s).nanswers, 0);
    deliver(s, &id, &a);
    deliver(s, &unasked, &a);
    struct news n = news(s);
    assert_int_equal(n.n, 2);

    /* Headers that a line cannot carry are left out; who did not ask gets no answer. */
    assert_int_equal(n.nanswers, 1);
    assert_int_equal(n.status, 200);
    assert_int_equal(n.nheaders, 1);
    assert_string_equal(n.header, "content-type=text/plain");
    assert_int_equal(n.body_len, 7);
    assert_string_equal(n.body_start, "licence");
}

static void a_long_answer_and_an_empty_one_come_whole(void **state) {
    struct site *s = *state;
    const size_t len = (size_t)20 << 20;
    char *body = malloc(len);
    const struct ledger_answer large = {.status = 200, .body = body, .len = len};
    const struct ledger_answer empty = {.status = 204};

    testing_enrol(s, &kit_site);
    memset(body, 'L', len);
    struct gf_id id = take_record(s, 1, "{}", 1);
    deliver(s, &id, &large);
    struct news n = news(s);
    assert_int_equal(n.body_len, len);
    assert_int_equal(n.body_start[0], 'L');
    (void)respond(s, &n, NULL);
    id = take_record(s, 2, "{}", 1);
    deliver(s, &id, &empty);
    n = news(s);
    assert_int_equal(n.nanswers, 1);
    assert_int_equal(n.status, 204);
    assert_int_equal(n.body_len, 0);
    free(body);
}

static void whatever_an_endpoint_says_can_be_a_reason(void **state) {
    struct site *s = *state;
    char longest[5000];
    static const char *const reasons[] = {"", "\xff\xfe bytes", "two\nlines", NULL};
    testing_enrol(s, &kit_site);
    for (size_t i = 0; i < sizeof longest - 3; i += 3)
        memcpy(longest + i, "\xe2\x82\xac", 4);
    for (int i = 0; i < 5; i++) {
        struct gf_id id = take_record(s, i + 1, "{}", 0);
        const char *reason = i == 4 ? longest : reasons[i];
        assert_ok(ledger_rejected(s->r.ledger, testing_find(s, &id).row, reason, NOW, &s->e), s->e);
    }
    assert_int_equal(news(s).n, 5);
}

static void another_body_under_a_known_id_is_rejected_and_told(void **state) {
    struct site *s = *state;
    struct gf_hash d;

    testing_enrol(s, &kit_site);
    struct gf_id id = take_record(s, 1, "{\"a\":1}", 0);
    assert_int_equal(take(s, 2, &id, "{\"a\":2}"), 0);
    struct news n = news(s);
    assert_int_equal(n.n, 2);
    assert_int_equal(n.told[0].state, GF_STATE_RELAYED);
    assert_int_equal(n.told[1].state, GF_STATE_REJECTED);
    assert_non_null(strstr(n.reason[1], "conflict"));
    gf_digest_256("{\"a\":2}", 7, &d);
    assert_memory_equal(&n.told[1].digest, &d, sizeof d);
    (void)respond(s, &n, NULL);
    assert_int_equal(news(s).n, 0);
    assert_int_equal(testing_find(s, &id).state, LEDGER_RECEIVED);
}

static int note_refusal(void *arg, const struct gf_refusal *r, const struct gf_id *forked,
                        struct gf_err *e) {
    struct news *n = arg;
    (void)forked;
    struct gf_buf line;
    gf_buf_init(&line, GF_LINE_MAX);
    assert_ok(gf_refusal_write(r, &line, e), *e);
    gf_buf_free(&line);
    n->told[n->n++] = (struct ledger_told){.what = LEDGER_REFUSAL, .id = r->bundle};
    (void)snprintf(n->reason[0], 64, "%s: %s", r->code, r->reason);
    return 0;
}

static struct news refusals(struct site *s) {
    struct news n = {0};
    assert_ok(ledger_refusals(s->r.ledger, &kit_site.card.agent, note_refusal, &n, &s->e), s->e);
    return n;
}

static void a_refusal_is_told_once_and_again_when_it_is_asked_for(void **state) {
    struct site *s = *state;
    const struct gf_err why = {.code = GF_E_FRAME, .text = "a frame breaks a rule"};
    struct gf_header h = {.from = kit_site.card.identity, .stream = s->stream, .seq = 2};
    struct gf_hash d;
    struct ledger_seq seq;

    testing_enrol(s, &kit_site);
    gf_digest_random(&h.id, sizeof h.id);
    gf_digest_256(&h, sizeof h, &d);
    assert_ok(ledger_refuse(s->r.ledger, &h, &d, &why, NOW, &s->e), s->e);
    struct news n = refusals(s);
    assert_int_equal(n.n, 1);
    assert_memory_equal(&n.told[0].id, &h.id, sizeof h.id);
    assert_string_equal(n.reason[0], "frame: a frame breaks a rule");
    (void)respond(s, &n, &seq);
    assert_int_equal(refusals(s).n, 0);

    /* The bundle comes again: nothing, while the response is on its way; then all. */
    assert_ok(ledger_retell(s->r.ledger, &d, &s->e), s->e);
    assert_int_equal(refusals(s).n, 0);
    testing_acknowledge(s, &seq.stream, 1, 0);
    assert_ok(ledger_retell(s->r.ledger, &d, &s->e), s->e);
    assert_int_equal(refusals(s).n, 1);
}

static void numbers_are_taken_once_and_link_to_the_header_before(void **state) {
    struct site *s = *state;
    struct ledger_seq a;
    struct ledger_seq b;
    const struct news nothing = {0};

    testing_enrol(s, &kit_site);
    struct gf_header h = respond(s, &nothing, &a);
    assert_int_equal(a.seq, 1);
    assert_int_equal(a.has_prev, 0);
    (void)respond(s, &nothing, &b);
    assert_int_equal(b.seq, 2);
    assert_memory_equal(&a.stream, &b.stream, sizeof a.stream);
    struct gf_hash d;
    gf_digest_256(&h, sizeof h, &d);
    assert_int_equal(b.has_prev, 1);
    assert_memory_equal(&b.prev, &d, sizeof d);

    /* Each agent has a stream of its own. */
    struct ledger_seq other;
    assert_ok(ledger_take_seq(s->r.ledger, &kit_other.card.identity, &other, &s->e), s->e);
    assert_int_equal(other.seq, 1);
    assert_memory_not_equal(&other.stream, &a.stream, sizeof a.stream);
}

static void a_number_whose_response_never_came_is_void_and_told_once(void **state) {
    struct site *s = *state;
    const struct news nothing = {0};
    struct ledger_seq seq;
    int64_t *voids = NULL;
    size_t n = 9;

    testing_enrol(s, &kit_site);
    struct gf_hash to = kit_site.card.identity;
    (void)respond(s, &nothing, NULL);
    assert_ok(ledger_take_seq(s->r.ledger, &to, &seq, &s->e), s->e); /* 2: lost in a crash */
    assert_ok(ledger_take_seq(s->r.ledger, &to, &seq, &s->e), s->e); /* 3: likewise */
    assert_ok(ledger_take_seq(s->r.ledger, &to, &seq, &s->e), s->e); /* 4: being written */
    assert_ok(ledger_voids(s->r.ledger, &to, &voids, &n, &s->e), s->e);
    assert_int_equal(n, 2);
    assert_int_equal(voids[0], 2);
    assert_int_equal(voids[1], 3);
    free(voids);
    struct gf_header h = {.to = to, .stream = seq.stream, .seq = 4};
    struct gf_hash d = {{4}};
    gf_digest_random(&h.id, sizeof h.id);
    assert_ok(ledger_responded(s->r.ledger, &kit_site.card.agent, &h, &d, NULL, 0, NOW, &s->e),
              s->e);
    assert_ok(ledger_take_seq(s->r.ledger, &to, &seq, &s->e), s->e);
    assert_memory_equal(&seq.prev, &d, sizeof d);
    assert_ok(ledger_voids(s->r.ledger, &to, &voids, &n, &s->e), s->e);
    assert_int_equal(n, 0);
    free(voids);

    /* The response that told them is lost: they are to be told again. */
    assert_ok(ledger_lost(s->r.ledger, &h.id, NOW, &s->e), s->e);
    assert_ok(ledger_voids(s->r.ledger, &to, &voids, &n, &s->e), s->e);
    assert_int_equal(n, 2);
    free(voids);
}

static void a_response_with_a_number_nobody_took_is_a_defect(void **state) {
    struct site *s = *state;
    struct gf_header h = {.to = kit_site.card.identity, .seq = 1};
    struct gf_hash d = {{4}};
    testing_enrol(s, &kit_site);
    assert_fails(ledger_responded(s->r.ledger, &kit_site.card.agent, &h, &d, NULL, 0, NOW, &s->e),
                 s->e, GF_E_BUG);
    const struct news nothing = {0};
    h = respond(s, &nothing, NULL);
    assert_fails(ledger_responded(s->r.ledger, &kit_site.card.agent, &h, &d, NULL, 0, NOW, &s->e),
                 s->e, GF_E_BUG);
}

static void a_response_is_open_until_have_covers_it(void **state) {
    struct site *s = *state;
    const struct news nothing = {0};
    struct ledger_seq seq;
    struct gf_id ids[4];

    testing_enrol(s, &kit_site);
    for (int i = 0; i < 4; i++)
        ids[i] = respond(s, &nothing, &seq).id;
    assert_int_equal(open_responses(s), 4);
    assert_int_equal(ledger_is_acknowledged(s->r.ledger, &ids[0], &s->e), 0);
    testing_acknowledge(s, &seq.stream, 1, 3);
    assert_int_equal(open_responses(s), 2);
    assert_int_equal(ledger_is_acknowledged(s->r.ledger, &ids[0], &s->e), 1);
    assert_int_equal(ledger_is_acknowledged(s->r.ledger, &ids[1], &s->e), 0);
    assert_int_equal(ledger_is_acknowledged(s->r.ledger, &ids[2], &s->e), 1);
    assert_int_equal(ledger_is_acknowledged(s->r.ledger, &s->stream, &s->e), 0);

    /* Somebody else's word, or another stream, counts for nothing. */
    struct gf_have have = {.stream = seq.stream, .upto = 9};
    assert_ok(
        ledger_acknowledge(s->r.ledger, &kit_other.card.identity, &s->stream, &have, 1, NOW, &s->e),
        s->e);
    testing_acknowledge(s, &s->stream, 9, 0);
    assert_int_equal(open_responses(s), 2);
    testing_acknowledge(s, &seq.stream, INT64_MAX, 0);
    assert_int_equal(open_responses(s), 0);
}

static void what_a_lost_response_told_is_news_again(void **state) {
    struct site *s = *state;
    testing_enrol(s, &kit_site);
    struct gf_id a = take_record(s, 1, "{}", 0);
    (void)take_record(s, 2, "{}", 0);
    struct news n = news(s);
    struct gf_header h = respond(s, &n, NULL);
    deliver(s, &a, NULL);
    n = news(s);
    (void)respond(s, &n, NULL);
    assert_int_equal(news(s).n, 0);

    /* The first one is gone: what the second has told since stays told. */
    assert_ok(ledger_lost(s->r.ledger, &h.id, NOW, &s->e), s->e);
    assert_int_equal(open_responses(s), 1);
    n = news(s);
    assert_int_equal(n.n, 1);
    assert_memory_not_equal(&n.told[0].id, &a, sizeof a);
}

static void neighbours_are_told_as_one_and_who_moved_on_is_news_still(void **state) {
    struct site *s = *state;
    struct gf_id ids[4];

    testing_enrol(s, &kit_site);
    for (int i = 0; i < 4; i++)
        ids[i] = take_record(s, i + 1, "{}", 0);
    struct news n = news(s);
    assert_int_equal(n.n, 4);
    n.told[0] = (struct ledger_told){
        .state = GF_STATE_RELAYED, .row = testing_find(s, &ids[0]).row, .rows = 3};
    n.n = 1;
    deliver(s, &ids[1], NULL);
    (void)respond(s, &n, NULL);

    n = news(s);
    assert_int_equal(n.n, 2);
    assert_memory_equal(&n.told[0].id, &ids[1], sizeof ids[1]);
    assert_int_equal(n.told[0].state, GF_STATE_DELIVERED);
    assert_memory_equal(&n.told[1].id, &ids[3], sizeof ids[3]);
    assert_int_equal(n.told[1].state, GF_STATE_RELAYED);
}

static void receipts_are_told_again_when_the_sender_has_lost_them(void **state) {
    struct site *s = *state;
    struct ledger_seq seq;

    testing_enrol(s, &kit_site);
    struct gf_header h = header(s, 1);
    struct gf_hash d = digest_of(&h);
    struct gf_record r;
    char *line = testing_record(s, "license", "{}", 0);
    assert_ok(gf_record_parse(line, strlen(line), &r, &s->e), s->e);
    assert_ok(ledger_take_bundle(s->r.ledger, &h, &d, NOW, &s->e), s->e);
    assert_int_equal(take_line(s, &r, line), 1);
    struct news n = news(s);
    (void)respond(s, &n, &seq);

    /* The same bundle again, while the response is on its way: it will tell. */
    assert_ok(ledger_retell(s->r.ledger, &d, &s->e), s->e);
    assert_int_equal(news(s).n, 0);
    testing_acknowledge(s, &seq.stream, 1, 0);
    assert_int_equal(news(s).n, 0);
    assert_ok(ledger_retell(s->r.ledger, &d, &s->e), s->e);
    n = news(s);
    assert_int_equal(n.n, 1);

    /* The record in another bundle likewise. */
    (void)respond(s, &n, &seq);
    testing_acknowledge(s, &seq.stream, 2, 0);
    assert_int_equal(take_line(s, &r, line), 0);
    assert_int_equal(news(s).n, 1);
    gf_record_free(&r);
    free(line);
}

int main(void) {
#define T(f) cmocka_unit_test_setup_teardown(f, testing_setup, testing_teardown)
    const struct CMUnitTest tests[] = {
        T(a_record_is_news_when_its_receipt_changes_and_only_then),
        T(news_are_for_their_own_agent_only),
        T(news_come_in_the_order_of_arrival_and_can_be_stopped),
        T(an_answer_comes_with_its_delivered_receipt),
        T(a_long_answer_and_an_empty_one_come_whole),
        T(whatever_an_endpoint_says_can_be_a_reason),
        T(another_body_under_a_known_id_is_rejected_and_told),
        T(a_refusal_is_told_once_and_again_when_it_is_asked_for),
        T(numbers_are_taken_once_and_link_to_the_header_before),
        T(a_number_whose_response_never_came_is_void_and_told_once),
        T(a_response_with_a_number_nobody_took_is_a_defect),
        T(a_response_is_open_until_have_covers_it),
        T(what_a_lost_response_told_is_news_again),
        T(neighbours_are_told_as_one_and_who_moved_on_is_news_still),
        T(receipts_are_told_again_when_the_sender_has_lost_them),
    };
    return cmocka_run_group_tests(tests, kit_setup, kit_teardown);
}
