/*
 * test_ledger_updates.c -- what the relay remembers of updates, and responses that bring parts of
 * artifacts: ledger_updates.c, ledger_parts.c, artifacts.c, draft.c, respond.c.
 */
#include "artifacts_testing.h"
#include "common/https.h"
#include "respond_testing.h"

#include "relay/draft.h"
#include "relay/ledger/ledger_enrol.h"

/* It is fetched: in STATE/artifacts, verified. */
static void fetch(struct site *s, const struct update_artifact *a) {
    struct ledger_artifact due;
    int64_t have = 0;

    int fd = artifacts_begin(&s->r, a, &have, &s->e);
    assert_int_not_equal(fd, -1);
    put_bytes(fd, a, have, a->size);
    assert_ok(artifacts_accept(&s->r, a, fd, &s->e), s->e);
    (void)close(fd);
    for (int64_t row = 0; ledger_artifact_due(s->r.ledger, NOW, row, &due, &s->e) == 1;
         row = due.row) {
        if (memcmp(&due.is.blake2b, &a->blake2b, sizeof a->blake2b) == 0)
            assert_ok(ledger_artifact_here(s->r.ledger, due.row, NOW, &s->e), s->e);
    }
}

/* The parts that are due for kit_site: "NAME:INDEX/COUNT@OFFSET+SIZE ...". */
static int add_due(void *arg, const struct ledger_part *p, struct gf_err *e) {
    (void)e;
    gf_buf_printf(arg, "%s:%lld/%lld@%lld+%lld ", p->name, (long long)p->index, (long long)p->count,
                  (long long)p->offset, (long long)p->size);
    return 0;
}

static void assert_due(struct site *s, const char *want) {
    struct gf_buf b;

    gf_buf_init(&b, 65536);
    gf_buf_text(&b, "");
    assert_ok(ledger_parts(s->r.ledger, &kit_site.card.agent, add_due, &b, &s->e), s->e);
    assert_string_equal(b.len > 0 ? b.data : "", want);
    int news = ledger_has_news(s->r.ledger, &kit_site.card.agent, &s->e);
    assert_int_equal(news, want[0] != '\0');
    gf_buf_free(&b);
}

static void want(struct site *s, const struct update_artifact *a, int64_t *parts, size_t n,
                 int64_t again, int64_t unknown) {
    const struct gf_want w = {.digest = a->blake2b, .parts = parts, .nparts = n};
    int64_t is_again = -1, is_unknown = -1;

    assert_ok(ledger_want(s->r.ledger, &kit_site.card.agent, &w, 1, &is_again, &is_unknown, &s->e),
              s->e);
    assert_int_equal(is_again, again);
    assert_int_equal(is_unknown, unknown);
}

static void respond(struct site *s) {
    testing_turn(s);
    assert_ok(relay_respond(&s->r, &s->t, &s->e), s->e);
}

/* The stream of what lies in the outbox. */
static struct gf_id response_stream(struct site *s) {
    struct files_list list;

    assert_ok(files_list(&s->r, "outbox", &list, &s->e), s->e);
    assert_true(list.n > 0);
    struct said said = read_response(s, list.entries[0].name, &kit_site);
    struct gf_id stream = said.header.stream;
    said_free(&said);
    free(list.entries);
    return stream;
}

static void acknowledge(struct site *s, int64_t upto) {
    const struct gf_id stream = response_stream(s);

    testing_acknowledge(s, &stream, upto, 0);
}

/* All responses in the outbox bring exactly these parts of an artifact, and its right bytes. */
static void check_parts(struct site *s, const struct update_artifact *a, uint64_t bits) {
    struct files_list list;
    uint64_t found = 0;

    assert_ok(files_list(&s->r, "outbox", &list, &s->e), s->e);
    for (size_t i = 0; i < list.n; i++) {
        struct said said = read_response(s, list.entries[i].name, &kit_site);
        for (size_t k = 0; k < said.contents.nmembers; k++) {
            const struct gf_contents_member *m = &said.contents.members[k];
            struct gf_buf b;
            assert_string_equal(m->name, a->name);
            assert_int_equal(m->is_part, a->size > PART_MAX);
            assert_false(found & (1ULL << m->part.index));
            found |= 1ULL << m->part.index;
            assert_ok(gf_file_load(said.dir, m->member, 1 << 20, &b, &s->e), s->e);
            for (size_t at = 0; at < b.len; at++)
                assert_int_equal(b.data[at], letter(a, m->part.offset + (int64_t)at));
            gf_buf_free(&b);
            if (m->is_part)
                assert_memory_equal(&m->part.digest, &a->blake2b, sizeof a->blake2b);
        }
        said_free(&said);
    }
    free(list.entries);
    assert_true(found == bits);
}

/* ---- tests ---- */

static void an_artifact_travels_in_parts_once_it_is_here(void **state) {
    struct site *s = *state;
    struct update_artifact a[] = {artifact("tool.tar", 2500), artifact("NOTES", 12)};
    struct ledger_artifact due;
    int64_t at = 0, n = 0;

    testing_enrol(s, &kit_site);
    int64_t source = publish(s, 1, NOW + YEAR, a, 2);
    assert_int_equal(ledger_was_given(s->r.ledger, &kit_site.card.agent, source, &s->e), 0);
    assert_int_equal(ledger_artifact_due(s->r.ledger, NOW, 0, &due, &s->e), 0);
    give(s, &kit_site, source);
    give(s, &kit_site, source);
    assert_int_equal(ledger_was_given(s->r.ledger, &kit_site.card.agent, source, &s->e), 1);

    /* Nothing of it can leave yet, but it is to be fetched. */
    assert_due(s, "");
    assert_ok(ledger_next_time(s->r.ledger, &at, &s->e), s->e);
    assert_int_equal(at, 0);
    assert_int_equal(ledger_artifact_due(s->r.ledger, NOW, 0, &due, &s->e), 1);
    assert_string_equal(due.endpoint, "repo");
    assert_string_equal(due.place, "demo/stable");
    assert_string_equal(due.is.name, "tool.tar");
    assert_ok(ledger_artifact_later(s->r.ledger, due.row, "vendor is dead", NOW + 60, 0, &s->e),
              s->e);
    assert_int_equal(ledger_artifact_due(s->r.ledger, NOW, 0, &due, &s->e), 1);
    assert_string_equal(due.is.name, "NOTES");
    assert_int_equal(ledger_artifact_due(s->r.ledger, NOW + 60, 0, &due, &s->e), 1);
    assert_true(due.attempts == 1 && strcmp(due.reason, "vendor is dead") == 0);
    assert_int_equal(ledger_artifact_due(s->r.ledger, NOW, 0, &due, &s->e), 1);
    assert_string_equal(due.is.name, "NOTES");
    assert_ok(ledger_retry(s->r.ledger, NOW, &s->e), s->e);
    assert_int_equal(ledger_artifact_due(s->r.ledger, NOW, 0, &due, &s->e), 1);
    assert_string_equal(due.is.name, "tool.tar");
    assert_ok(ledger_artifacts_awaited(s->r.ledger, &n, &s->e), s->e);
    assert_int_equal(n, 2);

    fetch(s, &a[1]);
    assert_due(s, "NOTES:0/1@0+12 ");
    assert_ok(ledger_artifact_later(s->r.ledger, due.row, "again", NOW, 0, &s->e), s->e);
    fetch(s, &a[0]);
    assert_due(s, "tool.tar:0/3@0+1000 tool.tar:1/3@1000+1000 tool.tar:2/3@2000+500 "
                  "NOTES:0/1@0+12 ");
    assert_ok(ledger_next_time(s->r.ledger, &at, &s->e), s->e);
    assert_true(at == INT64_MAX);
}

/* The next one that is due now, after a while that its vendor asked for. */
static void put_off(struct site *s, struct ledger_artifact *due, int64_t until) {
    assert_int_equal(ledger_artifact_due(s->r.ledger, NOW, 0, due, &s->e), 1);
    assert_ok(ledger_artifact_later(s->r.ledger, due->row, "busy", until, until, &s->e), s->e);
    assert_ok(ledger_retry(s->r.ledger, NOW, &s->e), s->e);
    assert_int_equal(ledger_artifact_due(s->r.ledger, NOW, 0, due, &s->e), 0);
}

static void what_its_vendor_asked_for_ends_by_an_operators_word_or_with_a_clock(void **state) {
    struct site *s = *state;
    struct update_artifact a = artifact("tool.tar", 2500);
    struct ledger_artifact due;
    int64_t n = 0;

    testing_enrol(s, &kit_site);
    give(s, &kit_site, publish(s, 1, NOW + YEAR, &a, 1));
    put_off(s, &due, NOW + 60);
    assert_ok(ledger_artifacts_release(s->r.ledger, "another", NOW, &n, &s->e), s->e);
    assert_int_equal(n, 0);
    assert_ok(ledger_artifacts_release(s->r.ledger, NULL, NOW, &n, &s->e), s->e);
    assert_int_equal(n, 1);

    /* A clock that was ahead has put it off. */
    put_off(s, &due, NOW + HTTPS_RETRY_AFTER_MAX + 1);
    assert_ok(ledger_settle(s->r.ledger, NOW, &s->e), s->e);
    assert_int_equal(ledger_artifact_due(s->r.ledger, NOW, 0, &due, &s->e), 1);
}

static void what_is_too_large_is_left_out(void **state) {
    struct site *s = *state;
    struct update_artifact a[] = {artifact("large", 10), artifact("empty", 0)};
    const struct ledger_sizes small = {1, INT64_MAX};

    assert_true(ledger_is_too_large(&small, LEDGER_PARTS_MAX + 1));
    assert_false(ledger_is_too_large(&small, LEDGER_PARTS_MAX));
    a[0].size = (1 << 20) + 1;
    testing_enrol(s, &kit_site);
    give(s, &kit_site, publish(s, 1, NOW + YEAR, a, 2));
    fetch(s, &a[1]);
    assert_due(s, "empty:0/1@0+0 ");
    respond(s);
    assert_int_equal(in_state(s, "outbox"), 1);
    check_parts(s, &a[1], 1);
}

static void exactly_the_parts_that_are_missed_are_sent_again(void **state) {
    struct site *s = *state;
    struct update_artifact a = artifact("tool.tar", 4000), other = artifact("other", 5);
    int64_t one[] = {1, 3};

    testing_enrol(s, &kit_site);
    give(s, &kit_site, publish(s, 1, NOW + YEAR, &a, 1));
    fetch(s, &a);
    respond(s);
    assert_int_equal(s->t.responses, 1);
    check_parts(s, &a, 15);
    assert_due(s, "");

    /* What travels still is carried again, and not written twice. */
    want(s, &a, one, 2, 0, 0);
    respond(s);
    assert_int_equal(s->t.responses, 0);

    acknowledge(s, 1);
    respond(s);
    assert_int_equal(in_state(s, "outbox"), 0);
    want(s, &a, one, 2, 2, 0);
    assert_due(s, "tool.tar:1/4@1000+1000 tool.tar:3/4@3000+1000 ");
    respond(s);
    check_parts(s, &a, 10);
    acknowledge(s, 2);
    want(s, &a, NULL, 0, 4, 0);
    respond(s);
    check_parts(s, &a, 15);

    /* What it was never assigned, and parts that there are none of, are nobody's loss. */
    acknowledge(s, 3);
    want(s, &other, NULL, 0, 0, 1);
    one[0] = 4;
    one[1] = 4000;
    want(s, &a, one, 2, 0, 0);
}

static void a_request_says_what_it_wants(void **state) {
    struct site *s = *state;
    struct update_artifact a = artifact("tool.tar", 2000), stranger = artifact("other", 5);
    int64_t one[] = {1};
    const struct gf_want wants[] = {{.digest = a.blake2b, .parts = one, .nparts = 1},
                                    {.digest = stranger.blake2b}};
    struct gf_have have = {.upto = 1};

    testing_enrol(s, &kit_site);
    give(s, &kit_site, publish(s, 1, NOW + YEAR, &a, 1));
    fetch(s, &a);
    respond(s);
    have.stream = response_stream(s);
    const struct testing_request q = {
        .seq = 1, .have = &have, .nhave = 1, .want = wants, .nwant = 2};
    testing_send(s, &q, NULL);
    testing_take(s);
    assert_due(s, "tool.tar:1/2@1000+1000 ");
}

static void a_lost_response_is_written_anew(void **state) {
    struct site *s = *state;
    struct update_artifact a = artifact("tool.tar", 1500);
    char command[200];

    testing_enrol(s, &kit_site);
    give(s, &kit_site, publish(s, 1, NOW + YEAR, &a, 1));
    fetch(s, &a);
    respond(s);
    (void)snprintf(command, sizeof command, "rm %s/outbox/*", s->state);
    assert_int_equal(system(command), 0);
    respond(s);
    assert_int_equal(s->t.responses, 1);
    check_parts(s, &a, 3);

    /* So is what a restored ledger told. */
    struct ledger_reconciled done;
    assert_ok(ledger_reconcile(s->r.ledger, INT64_MAX, "tester", NOW, &done, &s->e), s->e);
    assert_due(s, "tool.tar:0/2@0+1000 tool.tar:1/2@1000+500 ");
}

static void a_response_is_bounded_in_size(void **state) {
    struct site *s = *state;
    const int64_t part = draft_room(DRAFT_SIZE_LEAST);
    struct update_artifact a = artifact("tool.tar", 3 * part);
    const struct ledger_sizes mib = {part, 1 << 24};
    static const char conf[] = "[relay]\nresponse_max = 1M\n";
    struct files_list list;
    struct draft d;

    testing_enrol(s, &kit_site);
    int64_t source = publish(s, 1, NOW + YEAR, &a, 1);
    assert_ok(ledger_give(s->r.ledger, &kit_site.card.agent, source, &mib, NOW, &s->e), s->e);
    fetch(s, &a);
    draft_begin(&d, &s->r, s->r.state_fd, DRAFT_SIZE_LEAST);
    assert_ok(draft_collect_parts(&d, &kit_site.card.agent, &s->e), s->e);
    assert_true(d.nparts == 1 && d.full && d.size <= DRAFT_SIZE_LEAST);
    draft_free(&d);

    /* By the configuration, down to the bytes of the file. */
    char path[200];
    (void)snprintf(path, sizeof path, "%s/relay.conf", s->path);
    assert_ok(gf_file_save_new(AT_FDCWD, path, conf, sizeof conf - 1, 0600, &s->e), s->e);
    assert_ok(config_load(path, relay_keys, &s->r.config, &s->e), s->e);
    respond(s);
    assert_int_equal(s->t.responses, 3);
    assert_ok(files_list(&s->r, "outbox", &list, &s->e), s->e);
    for (size_t i = 0; i < list.n; i++)
        assert_true(list.entries[i].size <= DRAFT_SIZE_LEAST && list.entries[i].size > part / 2);
    free(list.entries);
    config_free(s->r.config);
    s->r.config = NULL;
}

static void a_damaged_artifact_is_fetched_again(void **state) {
    struct site *s = *state;
    struct update_artifact a = artifact("tool.tar", 1500);
    struct ledger_artifact due;
    char command[200];

    testing_enrol(s, &kit_site);
    give(s, &kit_site, publish(s, 1, NOW + YEAR, &a, 1));
    fetch(s, &a);
    (void)snprintf(command, sizeof command, "truncate -s 1499 %s/artifacts/*", s->state);
    assert_int_equal(system(command), 0);
    respond(s);
    assert_int_equal(s->t.responses, 0);
    assert_true(testing_says(s, "it is fetched again"));
    assert_int_equal(ledger_artifact_due(s->r.ledger, NOW, 0, &due, &s->e), 1);
    fetch(s, &a);
    respond(s);
    check_parts(s, &a, 3);
}

static void another_file_gets_no_name(void **state) {
    struct site *s = *state;
    struct update_artifact a = artifact("tool.tar", 10);
    int64_t have = -1;

    int fd = artifacts_begin(&s->r, &a, &have, &s->e);
    assert_int_equal(have, 0);
    put_bytes(fd, &a, 0, 5);
    (void)close(fd);
    fd = artifacts_begin(&s->r, &a, &have, &s->e);
    assert_int_equal(have, 5);
    put_bytes(fd, &a, 0, 5);
    assert_fails(artifacts_accept(&s->r, &a, fd, &s->e), s->e, GF_E_UPDATE);
    (void)close(fd);
    assert_int_equal(in_state(s, "artifacts"), 0);

    /* More than there should be is thrown away. */
    fd = artifacts_begin(&s->r, &a, &have, &s->e);
    put_bytes(fd, &a, 0, 12);
    (void)close(fd);
    fd = artifacts_begin(&s->r, &a, &have, &s->e);
    assert_int_equal(have, 0);
    (void)close(fd);
}

static void what_nobody_needs_is_removed(void **state) {
    struct site *s = *state;
    struct update_artifact old[] = {artifact("old", 10), artifact("both", 10)};
    struct update_artifact new[] = {artifact("both", 10), artifact("new", 10)};
    struct ledger_artifact due;

    testing_enrol(s, &kit_site);
    int64_t source = publish(s, 1, NOW + YEAR, old, 2);
    give(s, &kit_site, source);
    fetch(s, &old[0]);
    fetch(s, &old[1]);
    respond(s);
    acknowledge(s, 1);

    /* Named, they wait for other agents. */
    respond(s);
    assert_int_equal(in_state(s, "artifacts"), 2);
    assert_int_equal(publish(s, 2, NOW + YEAR, new, 2), source);
    respond(s);
    assert_int_equal(in_state(s, "artifacts"), 1);

    /* What is the same in the newer manifest is not sent again. */
    give(s, &kit_site, source);
    assert_due(s, "");
    fetch(s, &new[1]);
    assert_due(s, "new:0/1@0+10 ");
    respond(s);
    acknowledge(s, 2);
    respond(s);
    assert_int_equal(in_state(s, "artifacts"), 2);

    /* Its manifest has ended. */
    s->r.now = NOW + YEAR;
    respond(s);
    assert_int_equal(in_state(s, "artifacts"), 0);
    s->r.now = NOW;

    /* What travels may be asked for again, so it stays. */
    (void)publish(s, 3, NOW + YEAR, old, 1);
    give(s, &kit_site, source);
    fetch(s, &old[0]);
    respond(s);
    (void)publish(s, 4, NOW + YEAR, NULL, 0);
    respond(s);
    assert_int_equal(in_state(s, "artifacts"), 1);
    acknowledge(s, 3);
    respond(s);
    assert_int_equal(in_state(s, "artifacts"), 0);

    /* What no manifest names and its vendor has no more is given up. */
    (void)publish(s, 5, NOW + YEAR, old, 1);
    give(s, &kit_site, source);
    assert_int_equal(ledger_artifact_due(s->r.ledger, NOW, 0, &due, &s->e), 1);
    assert_int_equal(ledger_artifact_drop(s->r.ledger, due.row, &s->e), 0);
    (void)publish(s, 6, NOW + YEAR, NULL, 0);
    assert_int_equal(ledger_artifact_drop(s->r.ledger, due.row, &s->e), 1);
    assert_int_equal(ledger_artifact_due(s->r.ledger, NOW, 0, &due, &s->e), 0);
}

static void nothing_is_kept_for_an_agent_that_is_revoked(void **state) {
    struct site *s = *state;
    struct update_artifact a = artifact("tool.tar", 1500);
    char fingerprint[GF_FINGERPRINT_TEXT];
    int64_t n = -1;

    testing_enrol(s, &kit_site);
    give(s, &kit_site, publish(s, 1, NOW + YEAR, &a, 1));
    gf_card_fingerprint(&kit_site.card, fingerprint);
    assert_ok(ledger_revoke(s->r.ledger, fingerprint, "lost", "tester", NOW, &s->e), s->e);
    respond(s);
    assert_ok(ledger_artifacts_awaited(s->r.ledger, &n, &s->e), s->e);
    assert_int_equal(n, 0);
}

static void one_digest_has_one_size_and_sha256(void **state) {
    struct site *s = *state;
    struct update_artifact a[] = {artifact("tool", 10), artifact("tool", 10)};
    const struct update u = {.serial = 1, .expires = NOW + 1, .nartifacts = 2, .artifacts = a};
    struct ledger_source known = {0};

    (void)snprintf(a[1].name, sizeof a[1].name, "alias");
    a[1].sha256.b[0] ^= 1;
    gf_buf_init(&known.text, 1);
    assert_fails(ledger_source_put(s->r.ledger, &place, &u, &known, NOW, &s->e), s->e, GF_E_UPDATE);
    assert_int_equal(ledger_source_proven(s->r.ledger, "repo", &s->e), 0);
    a[1].sha256.b[0] ^= 1;
    (void)publish(s, 1, NOW + 1, a, 2);
    assert_int_equal(ledger_source_proven(s->r.ledger, "repo", &s->e), 1);
    assert_int_equal(ledger_source_proven(s->r.ledger, "other", &s->e), 0);
    assert_ok(ledger_source_asked(s->r.ledger, &place, 1, NOW + 5, &s->e), s->e);
    assert_ok(ledger_source(s->r.ledger, &place, &known, &s->e), s->e);
    assert_true(known.absent && known.asked == NOW + 5 && known.serial == 1);
    ledger_source_free(&known);
}

int main(void) {
#define T(fn) cmocka_unit_test_setup_teardown(fn, testing_setup, testing_teardown)
    const struct CMUnitTest tests[] = {
        T(an_artifact_travels_in_parts_once_it_is_here),
        T(what_its_vendor_asked_for_ends_by_an_operators_word_or_with_a_clock),
        T(what_is_too_large_is_left_out),
        T(exactly_the_parts_that_are_missed_are_sent_again),
        T(a_request_says_what_it_wants),
        T(a_lost_response_is_written_anew),
        T(a_response_is_bounded_in_size),
        T(a_damaged_artifact_is_fetched_again),
        T(another_file_gets_no_name),
        T(what_nobody_needs_is_removed),
        T(nothing_is_kept_for_an_agent_that_is_revoked),
        T(one_digest_has_one_size_and_sha256),
    };
    return cmocka_run_group_tests(tests, kit_setup, kit_teardown);
}
