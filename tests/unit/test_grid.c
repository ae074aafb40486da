/*
 * test_grid.c -- the lines between a manager's relay and its agent, and the ids of what is passed
 * on.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/grid.h"

static struct gf_err e;

static struct gf_id id_of(const char *uuid) {
    struct gf_id id;

    assert_int_equal(gf_text_unuuid(uuid, strlen(uuid), &id), 0);
    return id;
}

static struct gf_id agent_id(void) {
    struct gf_id id;

    for (size_t i = 0; i < sizeof id.b; i++)
        id.b[i] = (uint8_t)(0xa0 + i);
    return id;
}

#define THERE "019b7ca9-8c88-7031-b233-343536373839"

static void the_id_of_what_is_passed_on_is_the_documented_one(void **state) {
    const struct gf_id agent = agent_id(), there = id_of(THERE);
    char uuid[GF_UUID_TEXT];
    struct gf_id id, other;
    (void)state;

    gf_record_derive(&agent, &there, &id);
    gf_text_uuid(&id, uuid);
    assert_string_equal(uuid, "0ab2319d-f027-8e16-96ed-5c46518837b6");
    gf_record_derive(&there, &agent, &other);
    assert_memory_not_equal(&id, &other, sizeof id);
}

static struct gf_record record(const char *body, size_t len) {
    struct gf_record r = {.channel = "metrics",
                          .origin = agent_id(),
                          .created = 1767225600,
                          .type = "text/plain",
                          .body = {GF_BODY_TEXT, body, len}};
    const struct gf_id there = id_of(THERE);

    gf_record_derive(&r.origin, &there, &r.id);
    return r;
}

static void a_node_s_record_arrives_with_the_id_that_it_has_there(void **state) {
    const struct gf_id there = id_of(THERE);
    const struct gf_record r = record("x", 1);
    struct gf_record back;
    struct gf_buf b, plain;
    struct gf_id id;
    size_t skip;
    (void)state;

    gf_buf_init(&b, 2 * GF_LINE_MAX);
    gf_buf_init(&plain, 2 * GF_LINE_MAX);
    assert_int_equal(grid_node_write(&there, &r, &b, &e), 0);
    assert_memory_equal(b.data, "node " THERE " {", 43);
    assert_int_equal(grid_node(b.data, b.len, &id, &skip), 1);
    assert_memory_equal(&id, &there, sizeof id);
    assert_int_equal(gf_record_parse(b.data + skip, b.len - skip, &back, &e), 0);
    assert_memory_equal(&back.id, &r.id, sizeof r.id);
    gf_record_free(&back);

    /* Cut anywhere in front of the record, or without it, it is no such entry. */
    assert_int_equal(gf_record_write(&r, &plain, &e), 0);
    assert_int_equal(grid_node(plain.data, plain.len, &id, &skip), 0);
    for (size_t n = 0; n <= 42; n++)
        assert_int_equal(grid_node(b.data, n, &id, &skip), 0);
    b.data[10] = 'X';
    assert_int_equal(grid_node(b.data, b.len, &id, &skip), 0);
    gf_buf_free(&b);
    gf_buf_free(&plain);
}

static void what_fits_no_entry_is_refused_and_leaves_nothing(void **state) {
    char *body = malloc(GF_LINE_MAX);
    const struct gf_id there = id_of(THERE);
    struct gf_buf b;
    (void)state;

    memset(body, 'x', GF_LINE_MAX);
    gf_buf_init(&b, 2 * GF_LINE_MAX);
    struct gf_record r = record(body, 1);
    assert_int_equal(gf_record_write(&r, &b, &e), 0);
    size_t around = b.len - 1;
    gf_buf_clear(&b);

    /* A record that just fits a line fits no entry; 42 bytes less do. */
    r.body.len = GF_LINE_MAX - around - 42;
    assert_int_equal(grid_node_write(&there, &r, &b, &e), 0);
    assert_int_equal(b.len, GF_LINE_MAX);
    gf_buf_clear(&b);
    r.body.len++;
    assert_int_equal(grid_node_write(&there, &r, &b, &e), -1);
    assert_int_equal(e.code, GF_E_LIMIT);
    assert_int_equal(b.len, 0);
    r.body.len = GF_LINE_MAX;
    assert_int_equal(grid_node_write(&there, &r, &b, &e), -1);
    assert_int_equal(e.code, GF_E_LIMIT);
    assert_int_equal(b.len, 0);
    gf_buf_free(&b);
    free(body);
}

static struct grid_return back_and_forth(const struct grid_return *r) {
    struct grid_return out;
    struct gf_buf b;

    gf_buf_init(&b, 2 * GF_LINE_MAX);
    assert_int_equal(grid_return_write(r, &b, &e), 0);
    if (grid_return_parse(b.data, b.len, &out, &e) == -1)
        fail_msg("%s", e.text);
    assert_int_equal(out.word, r->word);
    gf_buf_free(&b);
    return out;
}

static void each_word_of_the_returns_arrives_as_it_was_said(void **state) {
    static const char *headers[] = {"etag", "7"};
    struct grid_return r = {.word = GRID_RECEIPT, .node = agent_id()}, back;
    (void)state;

    r.receipt = (struct gf_receipt){
        .record = id_of(THERE), .state = GF_STATE_REJECTED, .reason = "no", .at = 1767225600};
    back = back_and_forth(&r);
    assert_memory_equal(&back.node, &r.node, sizeof r.node);
    assert_int_equal(back.receipt.state, GF_STATE_REJECTED);
    assert_string_equal(back.receipt.reason, "no");
    grid_return_free(&back);

    r.word = GRID_HOLD;
    r.receipt.state = GF_STATE_RELAYED;
    back = back_and_forth(&r);
    assert_string_equal(back.receipt.reason, "no");
    grid_return_free(&back);

    r.word = GRID_ANSWER;
    r.answer = (struct gf_answer){.record = id_of(THERE),
                                  .status = 200,
                                  .nheaders = 1,
                                  .headers = headers,
                                  .body = {GF_BODY_TEXT, "licence\n", 8}};
    back = back_and_forth(&r);
    assert_string_equal(back.answer.body.data, "licence\n");
    assert_string_equal(back.answer.headers[1], "7");
    grid_return_free(&back);

    r.word = GRID_NOTICE;
    r.notice = (struct gf_notice){.type = "policy", .at = 1767225600, .data = "{}"};
    back = back_and_forth(&r);
    assert_string_equal(back.notice.data, "{}");
    grid_return_free(&back);
}

/* A manifest of n artifacts; update_free(). */
static struct update manifest(size_t n) {
    struct update u = {.product = "demo",
                       .channel = "stable",
                       .platform = "any",
                       .version = "1.3~rc+1",
                       .serial = 7,
                       .issued = 1767225600,
                       .expires = 1767225601,
                       .artifacts = calloc(n, sizeof *u.artifacts),
                       .nartifacts = n};

    for (size_t i = 0; i < n; i++) {
        struct update_artifact *a = &u.artifacts[i];
        memset(a->name, 'n', UPDATE_NAME_MAX);
        (void)snprintf(a->name, sizeof a->name, "%03zu", i);
        a->name[3] = 'n';
        a->size = UPDATE_SIZE_MAX;
        memset(&a->sha256, (int)i, sizeof a->sha256);
        memset(&a->blake2b, 0xff, sizeof a->blake2b);
    }
    return u;
}

static void the_largest_manifest_fits_an_entry_and_arrives_as_it_was(void **state) {
    struct grid_return r = {
        .word = GRID_UPDATE, .node = agent_id(), .update = manifest(UPDATE_ARTIFACTS_MAX)};
    struct grid_return back = back_and_forth(&r);
    (void)state;

    assert_memory_equal(&back.node, &r.node, sizeof r.node);
    assert_string_equal(back.update.product, "demo");
    assert_string_equal(back.update.channel, "stable");
    assert_string_equal(back.update.platform, "any");
    assert_string_equal(back.update.version, "1.3~rc+1");
    assert_int_equal(back.update.serial, 7);
    assert_int_equal(back.update.issued, 1767225600);
    assert_int_equal(back.update.expires, 1767225601);
    assert_int_equal(back.update.nartifacts, UPDATE_ARTIFACTS_MAX);
    assert_memory_equal(back.update.artifacts, r.update.artifacts,
                        UPDATE_ARTIFACTS_MAX * sizeof *r.update.artifacts);
    grid_return_free(&back);
    update_free(&r.update);
}

static void a_file_is_named_by_its_record_and_its_bytes(void **state) {
    const struct gf_id a = agent_id(), b = id_of(THERE);
    char name[GRID_FILE], other[GRID_FILE];
    (void)state;

    grid_answer_name(&a, "body", 4, name);
    assert_int_equal(grid_file_name(name, NULL), 1);
    grid_answer_name(&b, "body", 4, other);
    assert_string_not_equal(name, other);
    grid_answer_name(&a, "bodx", 4, other);
    assert_string_not_equal(name, other);
    name[63] = '/';
    assert_int_equal(grid_file_name(name, NULL), 0);
    assert_int_equal(grid_file_name("019b7ca9-8c88-7031-b233-343536373839.spool", NULL), 0);
}

static void what_is_no_return_is_refused(void **state) {
    static const char *const bad[] = {"",
                                      "\n",
                                      "receipt",
                                      "receipt \n",
                                      "reject a0 {}\n",
                                      "receipt a0a1a2a3a4a5a6a7a8a9aaabacadaea {}\n",
                                      "receipt A0A1A2A3A4A5A6A7A8A9AAABACADAEAF {}\n",
                                      "receipt a0a1a2a3a4a5a6a7a8a9aaabacadaeaf\n",
                                      "receipt a0a1a2a3a4a5a6a7a8a9aaabacadaeaf {}\n",
                                      "notice a0a1a2a3a4a5a6a7a8a9aaabacadaeaf {}\n",
                                      "notice {}\n",
                                      "update a0a1a2a3a4a5a6a7a8a9aaabacadaeaf {}\n",
                                      "update {}\n"};
    struct grid_return out;
    (void)state;

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        if (grid_return_parse(bad[i], strlen(bad[i]), &out, &e) == 0)
            fail_msg("was taken: %s", bad[i]);
        grid_return_free(&out);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_id_of_what_is_passed_on_is_the_documented_one),
        cmocka_unit_test(a_node_s_record_arrives_with_the_id_that_it_has_there),
        cmocka_unit_test(what_fits_no_entry_is_refused_and_leaves_nothing),
        cmocka_unit_test(each_word_of_the_returns_arrives_as_it_was_said),
        cmocka_unit_test(the_largest_manifest_fits_an_entry_and_arrives_as_it_was),
        cmocka_unit_test(a_file_is_named_by_its_record_and_its_bytes),
        cmocka_unit_test(what_is_no_return_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
