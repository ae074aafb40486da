/*
 * forward_testing.h -- what the tests of relay/forward share: records that arrive, endpoints, and
 * what became of the records.
 */
#ifndef FORWARD_TESTING_H
#define FORWARD_TESTING_H

#include "endpoint_testing.h"
#include "relay_testing.h"

struct row {
    enum ledger_state state;
    int64_t attempts, due, asked, doubt;
    int released;
    char reason[GF_REASON_MAX + 1];
};

/* The relay's records in the order of arrival. */
struct rows {
    struct row row[256];
    size_t n;
};

static inline int add_row(void *arg, const struct ledger_record *r, struct gf_err *e) {
    struct rows *rows = arg;
    struct row *row = &rows->row[rows->n++];
    (void)e;
    assert_true(rows->n <= sizeof rows->row / sizeof *rows->row);
    *row = (struct row){.state = r->state,
                        .attempts = r->attempts,
                        .due = r->due,
                        .asked = r->asked,
                        .doubt = r->doubt,
                        .released = r->released};
    if (r->reason != NULL)
        (void)snprintf(row->reason, sizeof row->reason, "%s", r->reason);
    return 0;
}

static inline struct rows rows_of(struct site *s) {
    struct rows rows = {.n = 0};
    assert_ok(ledger_walk(s->r.ledger, -1, add_row, &rows, &s->e), s->e);
    return rows;
}

static int64_t seq; /* of the last request */

static inline int set_up(void **state) {
    seq = 0;
    int rc = testing_setup(state);
    testing_enrol(*state, &kit_site);
    return rc;
}

static inline int tear_down(void **state) {
    struct site *s = *state;
    config_free(s->r.config);
    return testing_teardown(state);
}

/* A request with these lines arrives. */
static inline void arrive(struct site *s, const char *lines, const char *file) {
    seq++;
    testing_send(s, &(struct testing_request){.seq = seq, .lines = lines, .file = file}, NULL);
    testing_take(s);
    assert_int_equal(s->t.refused, 0);
    testing_turn(s);
}

/* n records of a channel, bodies "1", "2" ... */
static inline void arrive_many(struct site *s, const char *channel, int n, int answer) {
    struct gf_buf b;
    gf_buf_init(&b, 4000000);
    for (int i = 1; i <= n; i++) {
        char body[16];
        (void)snprintf(body, sizeof body, "%d", i);
        char *line = testing_record(s, channel, body, answer);
        gf_buf_text(&b, line);
        free(line);
    }
    arrive(s, b.data, NULL);
    gf_buf_free(&b);
}

/* Endpoint "e" for channel "c", and "f" for "d"; one connection each, since the scripted server
 * serves one after another. */
static inline void configure(struct site *s, int port, int other) {
    char more[256];
    (void)snprintf(
        more, sizeof more,
        "connections = 1\n[endpoint \"f\"]\nchannel = d\nurl = http://127.0.0.1:%d/other\n"
        "connections = 1\n",
        other);
    config_free(s->r.config);
    s->r.config = endpoint_at(s->path, port, more);
}

static inline int see_guarantee(void *arg, int64_t row, const struct gf_receipt *r,
                                const struct gf_answer *a, struct gf_err *e) {
    (void)row;
    (void)a;
    (void)e;
    assert_int_equal(r->state, GF_STATE_DELIVERED);
    *(enum gf_guarantee *)arg = r->guarantee;
    return 0;
}

/* What kit_site is to be told of its delivered record; GF_GUARANTEE_NONE: nothing. */
static inline enum gf_guarantee told_guarantee(struct site *s) {
    enum gf_guarantee g = GF_GUARANTEE_NONE;

    assert_ok(ledger_news(s->r.ledger, &kit_site.card.agent, see_guarantee, &g, &s->e), s->e);
    return g;
}

static inline void forward(struct site *s, int64_t wait_s) {
    testing_turn(s);
    assert_ok(relay_forward(&s->r, wait_s, &s->t, &s->e), s->e);
}

#endif
