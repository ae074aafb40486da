/*
 * test_agent_returns.c -- the agent of a grid's manager: what it takes from nodes, and what it says
 * of it afterwards.
 */
#include "configured_testing.h"

#include "agent/returns.h"
#include "agent/store/store_grid.h"
#include "common/grid.h"
#include "common/spool.h"
#include "gapferry/digest.h"

static char intake[600];

#define TAKES "[channel \"metrics\"]\nconsent = granted\nnodes = yes\n"

static int setup(void **state) {
    (void)agent_setup(state);
    (void)snprintf(intake, sizeof intake, "%s/intake", s.a.state);
    assert_int_equal(mkdir(intake, 0700), 0);
    configure(TAKES);
    return 0;
}

static struct gf_id there; /* the id, at its node, of what came last */

/* A record of the node kit_other, as the relay spools it; its id here. */
static struct gf_id bring_as(const struct gf_id *id, const char *channel, const char *body,
                             int answer) {
    struct gf_record r = {.channel = channel,
                          .origin = kit_other.card.agent,
                          .created = SITE_NOW - 60,
                          .type = "application/json",
                          .answer = answer,
                          .body = {GF_BODY_TEXT, body, strlen(body)}};
    struct spool *w;
    struct gf_buf line;

    there = *id;
    gf_record_derive(&r.origin, &there, &r.id);
    gf_buf_init(&line, 2 * GF_LINE_MAX);
    assert_int_equal(grid_node_write(&there, &r, &line, &e), 0);
    assert_int_equal(spool_open(intake, SPOOL_FILE_MAX, &w, &e), 0);
    assert_int_equal(spool_put(w, line.data, line.len, &e), 0);
    assert_int_equal(spool_sync(w, &e), 0);
    spool_close(w);
    gf_buf_free(&line);
    return r.id;
}

static struct gf_id bring(const char *channel, const char *body, int answer) {
    uint8_t random[10];
    struct gf_id id;

    gf_digest_random(random, sizeof random);
    gf_text_uuid7(SITE_NOW * 1000, random, &id);
    return bring_as(&id, channel, body, answer);
}

static struct intake_result take(void) {
    struct intake_result r;

    if (agent_intake(&s.a, &r, &e) == -1)
        fail_msg("%s", e.text);
    return r;
}

/* What the agent says now, in words; the spool is emptied. */
static void check_said(const char *want) {
    char path[600], name[700];
    char(*names)[SPOOL_NAME];
    struct spool_reader r;
    struct gf_buf said;
    int64_t told;
    size_t n;

    if (agent_returns(&s.a, &told, &e) == -1)
        fail_msg("%s", e.text);
    gf_buf_init(&said, 1 << 20);
    (void)snprintf(path, sizeof path, "%s/returns", s.a.state);
    int dir = open(path, O_RDONLY | O_DIRECTORY);
    assert_int_equal(spool_list(dir, &names, &n, &e), 0);
    for (size_t i = 0; i < n; i++) {
        const char *data;
        size_t len;
        assert_int_equal(spool_reader_open(dir, names[i], 0, &r, &e), 1);
        while (spool_next(&r, &data, &len, &e) == SPOOL_LINE) {
            struct grid_return ret;
            assert_int_equal(grid_return_parse(data, len, &ret, &e), 0);
            if (ret.word == GRID_NOTICE) {
                gf_buf_printf(&said, "notice %s;", ret.notice.data);
            } else {
                const struct gf_id *id =
                    ret.word == GRID_ANSWER ? &ret.answer.record : &ret.receipt.record;
                assert_memory_equal(&ret.node, &kit_other.card.agent, sizeof ret.node);
                assert_memory_equal(id, &there, sizeof there);
                if (ret.word == GRID_ANSWER)
                    gf_buf_printf(&said, "answer %s;", ret.answer.body.data);
                else
                    gf_buf_printf(&said, "%s %s %s;", ret.word == GRID_HOLD ? "hold" : "receipt",
                                  gf_record_states[ret.receipt.state],
                                  ret.receipt.reason ? ret.receipt.reason : "-");
            }
            grid_return_free(&ret);
        }
        spool_reader_close(&r);
        (void)snprintf(name, sizeof name, "%s/%s", path, names[i]);
        assert_int_equal(unlink(name), 0);
    }
    free(names);
    (void)close(dir);
    if (strstr(said.data ? said.data : "", want) == NULL || (!*want && said.len > 0))
        fail_msg("said: %s; wanted: %s", said.data ? said.data : "", want);
    gf_buf_free(&said);
}

static void a_node_s_record_comes_into_the_queue_with_its_origin(void **state) {
    struct gf_id id = bring("metrics", "{\"n\": 1}", 0);
    (void)state;

    assert_int_equal(take().taken, 1);
    assert_int_equal(site_state(&s, &id), STORE_QUEUED);
    check_said("");

    /* Put in twice it is one. */
    const struct gf_id again = there;
    (void)bring_as(&again, "metrics", "{\"n\": 1}", 0);
    struct intake_result r = take();
    assert_int_equal(r.taken, 0);
    assert_int_equal(r.seen, 1);
}

static void what_is_refused_is_said_with_the_reason(void **state) {
    (void)state;
    configure("[channel \"metrics\"]\nconsent = denied\nnodes = yes\n");
    (void)bring("metrics", "{}", 0);
    assert_int_equal(take().refused, 1);
    check_said("receipt rejected the agent of the grid's manager refused it: consent is denied;");
    check_said("");

    configure("[channel \"metrics\"]\nconsent = ask\nnodes = yes\n");
    site_consent(&s, "metrics", STORE_ASK);
    (void)bring("metrics", "{}", 0);
    assert_int_equal(take().refused, 1);
    check_said("hold relayed the agent of the grid's manager refused it: consent was not given;");

    /* Also what needs no consent comes only where somebody has said so. */
    configure("[channel \"license\"]\n");
    (void)bring("license", "{}", 1);
    assert_int_equal(take().refused, 1);
    check_said("hold relayed the agent of the grid's manager refused it: this channel is not taken "
               "from nodes");

    configure(TAKES "allow = n\n");
    (void)bring("metrics", "no object", 0);
    assert_int_equal(take().refused, 1);
    check_said("receipt rejected the agent of the grid's manager refused it: its body is no JSON");
}

static void another_id_than_the_derived_one_is_refused(void **state) {
    (void)state;

    (void)bring("metrics", "{}", 0);
    struct gf_id real = there;
    /* The same record under the name of another one of the node's. */
    struct gf_record r = {.channel = "metrics",
                          .origin = kit_other.card.agent,
                          .created = SITE_NOW,
                          .type = "application/json",
                          .body = {GF_BODY_TEXT, "{}", 2}};
    struct gf_buf line;
    struct spool *w;
    gf_record_derive(&kit_site.card.agent, &real, &r.id);
    gf_buf_init(&line, GF_LINE_MAX);
    assert_int_equal(grid_node_write(&real, &r, &line, &e), 0);
    assert_int_equal(spool_open(intake, SPOOL_FILE_MAX, &w, &e), 0);
    assert_int_equal(spool_put(w, line.data, line.len, &e), 0);
    assert_int_equal(spool_sync(w, &e), 0);
    spool_close(w);
    gf_buf_free(&line);
    struct intake_result result = take();
    assert_int_equal(result.taken, 1);
    assert_int_equal(result.refused, 1);
    check_said("its id is not that of the node's record;");
}

/* The bundle with the record leaves. */
static void leave(void) {
    (void)site_export(&s);
}

static void a_receipt_is_said_once_and_again_when_asked(void **state) {
    struct gf_id id = bring("metrics", "{\"n\": 1}", 0);
    const struct gf_id at_node = there;
    (void)state;

    assert_int_equal(take().taken, 1);
    leave();
    (void)site_receipt(&s, 1, &id, "{\"n\": 1}", GF_STATE_RELAYED, NULL);
    check_said("");
    (void)site_receipt(&s, 2, &id, "{\"n\": 1}", GF_STATE_REJECTED, "HTTP 422: bad");
    check_said("receipt rejected HTTP 422: bad;");
    check_said("");
    (void)bring_as(&at_node, "metrics", "{\"n\": 1}", 0);
    assert_int_equal(take().seen, 1);
    check_said("receipt rejected HTTP 422: bad;");
}

static void what_was_delivered_but_for_a_part_is_said_with_the_reason(void **state) {
    struct apply_result in;
    struct reply r;
    (void)state;

    struct gf_id id = bring("metrics", "{\"n\": 1}", 0);
    assert_int_equal(take().taken, 1);
    leave();
    reply_begin(&r, 1);
    reply_receipt(&r, &id, "{\"n\": 1}", GF_STATE_DELIVERED, "1 of 2 points refused");
    assert_int_equal(reply_apply(&r, &s, &in, &e), 0);
    check_said("receipt delivered 1 of 2 points refused;");
}

static void a_licence_for_a_node_is_passed_on_and_not_installed(void **state) {
    struct apply_result in;
    struct reply r;
    (void)state;

    configure("[channel \"license\"]\nnodes = yes\n");
    struct gf_id id = bring("license", "{\"want\": 1}", 1);
    assert_int_equal(take().taken, 1);
    leave();
    reply_begin(&r, 1);
    reply_receipt(&r, &id, "{\"want\": 1}", GF_STATE_DELIVERED, NULL);
    reply_answer(&r, &id, 200, "no licence that we could read");
    assert_int_equal(reply_apply(&r, &s, &in, &e), 0);
    assert_int_equal(in.answers, 1);
    assert_int_equal(in.unusable, 0);
    check_said("answer no licence that we could read;receipt delivered -;");
}

/* The node asked for something long; its answer came as this file. */
static struct gf_id long_answer(const char *body, size_t len) {
    struct apply_result in;
    struct reply r;

    struct gf_id id = bring("metrics", "{\"n\": 1}", 1);
    assert_int_equal(take().taken, 1);
    leave();
    reply_begin(&r, 1);
    reply_receipt(&r, &id, "{\"n\": 1}", GF_STATE_DELIVERED, NULL);
    reply_file(&r, "big", body, len);
    reply_answer_file(&r, &id, "files/big");
    if (reply_apply(&r, &s, &in, &e) == -1)
        fail_msg("%s", e.text);
    return id;
}

static void an_answer_that_no_line_can_hold_lies_in_a_file_of_its_name(void **state) {
    const size_t len = (size_t)GF_LINE_MAX + 1;
    char *body = malloc(len), name[GRID_FILE], want[GRID_FILE + 40], path[700];
    struct stat st;
    (void)state;

    memset(body, 'x', len);
    struct gf_id id = long_answer(body, len);
    grid_answer_name(&id, body, len, name);
    (void)snprintf(want, sizeof want, "answer files/%s;receipt delivered -;", name);
    (void)snprintf(path, sizeof path, "%s/returns", s.a.state);
    int dir = open(path, O_RDONLY | O_DIRECTORY);
    kit_check_file(dir, name, body, len);
    assert_int_equal(fstatat(dir, name, &st, 0), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    (void)close(dir);
    check_said(want);
    free(body);
}

static void an_answer_beyond_what_is_passed_on_is_said_to_be_too_long(void **state) {
    const size_t len = (size_t)GRID_ANSWER_MAX + 1;
    char *body = calloc(1, len);
    (void)state;

    (void)long_answer(body, len);
    check_said("receipt rejected the vendor has it, but its answer is too long");
    free(body);
}

static void what_a_denial_deletes_is_said_to_be_dropped(void **state) {
    (void)bring("metrics", "{\"n\": 1}", 0);
    (void)state;

    assert_int_equal(take().taken, 1);
    site_consent(&s, "metrics", STORE_DENIED);
    check_said("receipt rejected dropped by the agent of the grid's manager");
    check_said("");
}

/* Rows that stand for records of nodes. */
static int is_known(const struct gf_id *record) {
    struct store_node node;

    int found = store_node(s.a.store, record, &node, &e);
    assert_int_not_equal(found, -1);
    return found;
}

static int64_t forget(void) {
    int64_t n;

    assert_int_equal(store_forget(s.a.store, INT64_MAX, &n, &e), 0);
    return n;
}

static void what_was_told_is_forgotten_with_its_record_and_not_before(void **state) {
    struct gf_id id = bring("metrics", "{\"n\": 1}", 0);
    (void)state;

    assert_int_equal(take().taken, 1);
    leave();
    (void)site_receipt(&s, 1, &id, "{\"n\": 1}", GF_STATE_REJECTED, "HTTP 422: bad");
    assert_int_equal(forget(), 0);
    check_said("receipt rejected HTTP 422: bad;");
    assert_true(is_known(&id));
    assert_int_equal(forget(), 1);
    assert_false(is_known(&id));
    check_said("");

    /* What was dropped here leaves nothing behind. */
    id = bring("metrics", "{\"n\": 2}", 0);
    assert_int_equal(take().taken, 1);
    site_consent(&s, "metrics", STORE_DENIED);
    assert_true(is_known(&id));
    check_said("receipt rejected dropped by the agent of the grid's manager");
    assert_false(is_known(&id));
}

static void a_notice_goes_on_to_nodes_where_there_are_any(void **state) {
    const struct gf_notice n = {
        .type = "policy", .at = SITE_NOW, .data = "{\"channel\":\"metrics\",\"airgap\":\"hold\"}"};
    (void)state;

    assert_int_equal(returns_notice(&s.a, &n, &e), 0);
    check_said("notice {\"channel\":\"metrics\",\"airgap\":\"hold\"};");
    check_said("");
    configure("[channel \"metrics\"]\nconsent = granted\nnodes = no\n");
    assert_int_equal(returns_notice(&s.a, &n, &e), 0);
    check_said("");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_node_s_record_comes_into_the_queue_with_its_origin, setup,
                                        agent_teardown),
        cmocka_unit_test_setup_teardown(what_was_delivered_but_for_a_part_is_said_with_the_reason,
                                        setup, agent_teardown),
        cmocka_unit_test_setup_teardown(what_is_refused_is_said_with_the_reason, setup,
                                        agent_teardown),
        cmocka_unit_test_setup_teardown(another_id_than_the_derived_one_is_refused, setup,
                                        agent_teardown),
        cmocka_unit_test_setup_teardown(a_receipt_is_said_once_and_again_when_asked, setup,
                                        agent_teardown),
        cmocka_unit_test_setup_teardown(a_licence_for_a_node_is_passed_on_and_not_installed, setup,
                                        agent_teardown),
        cmocka_unit_test_setup_teardown(an_answer_that_no_line_can_hold_lies_in_a_file_of_its_name,
                                        setup, agent_teardown),
        cmocka_unit_test_setup_teardown(an_answer_beyond_what_is_passed_on_is_said_to_be_too_long,
                                        setup, agent_teardown),
        cmocka_unit_test_setup_teardown(a_notice_goes_on_to_nodes_where_there_are_any, setup,
                                        agent_teardown),
        cmocka_unit_test_setup_teardown(what_a_denial_deletes_is_said_to_be_dropped, setup,
                                        agent_teardown),
        cmocka_unit_test_setup_teardown(what_was_told_is_forgotten_with_its_record_and_not_before,
                                        setup, agent_teardown),
    };

    return cmocka_run_group_tests(tests, kit_setup, kit_teardown);
}
