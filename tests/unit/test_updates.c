/*
 * test_updates.c -- updates at the agent: manifests by their rules, artifacts of responses, of
 * parts, of older manifests; what is refused is told.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/floor.h"
#include "agent/updates/updates.h"
#include "gapferry/digest.h"
#include "gapferry/file.h"
#include "support/kit.h"
#include "support/site.h"

#define DAY  86400
#define YEAR (365LL * DAY)

static struct gf_err e;
static struct gf_sign_key *vendor, *stranger;

static void trust(struct site *s, const struct gf_sign_key *key, int duties) {
    struct store_vendor v = {.name = "acme", .duties = duties, .since = SITE_NOW};

    v.key = *gf_key_sign_public(key);
    assert_int_equal(store_trust_vendor(s->a.store, &v, "tester", &e), 0);
}

static int setup(void **state) {
    struct site *s = calloc(1, sizeof *s);

    site_make(s, 1);
    s->a.now = SITE_NOW + 2 * YEAR; /* past the time at which this was built */
    trust(s, vendor, STORE_DUTY_UPDATE);
    *state = s;
    return 0;
}

static int teardown(void **state) {
    site_free(*state);
    free(*state);
    return 0;
}

static int begin(void **state) {
    return kit_setup(state) != 0 || gf_key_sign_new(&vendor, &e) != 0 ||
                   gf_key_sign_new(&stranger, &e) != 0
               ? -1
               : 0;
}

static int end(void **state) {
    gf_key_sign_free(vendor);
    gf_key_sign_free(stranger);
    return kit_teardown(state);
}

/* ---- manifests ---- */

struct content {
    const char *name;
    const void *data;
    size_t len;
};

struct recipe {
    const char *product, *channel, *platform; /* NULL: demo, stable, any */
    int64_t serial;
    int64_t issued, expires;       /* 0: before now, a year on */
    const struct gf_sign_key *key; /* NULL: the vendor's */
    struct content artifacts[3];
};

static void put_artifact(struct gf_buf *b, const struct content *c) {
    struct gf_digest_sha256 s;
    struct gf_hash sha, b2;
    char x[GF_HASH_TEXT], y[GF_HASH_TEXT];

    gf_digest_sha256_begin(&s);
    gf_digest_sha256_add(&s, c->data, c->len);
    gf_digest_sha256_end(&s, &sha);
    gf_digest_256(c->data, c->len, &b2);
    gf_text_hex(sha.b, sizeof sha.b, x);
    gf_text_hex(b2.b, sizeof b2.b, y);
    gf_buf_printf(b, "{\"name\":\"%s\",\"size\":%zu,\"sha256\":\"%s\",\"blake2b\":\"%s\"}", c->name,
                  c->len, x, y);
}

/* The signed text; free(). */
static char *manifest(const struct site *s, const struct recipe *r) {
    char issued[GF_TIME_TEXT], expires[GF_TIME_TEXT];
    struct gf_buf b;

    gf_text_time(r->issued ? r->issued : s->a.now - DAY, issued);
    gf_text_time(r->expires ? r->expires : s->a.now + YEAR, expires);
    gf_buf_init(&b, 1 << 20);
    gf_buf_printf(&b,
                  "{\"format\":\"gapferry-update/1\",\"product\":\"%s\",\"channel\":\"%s\","
                  "\"platform\":\"%s\",\"version\":\"1.%lld\",\"serial\":%lld,\"issued\":\"%s\","
                  "\"expires\":\"%s\",\"artifacts\":[",
                  r->product ? r->product : "demo", r->channel ? r->channel : "stable",
                  r->platform ? r->platform : "any", (long long)r->serial, (long long)r->serial,
                  issued, expires);
    for (size_t i = 0; i < 3 && r->artifacts[i].name; i++) {
        if (i > 0)
            gf_buf_byte(&b, ',');
        put_artifact(&b, &r->artifacts[i]);
    }
    gf_buf_text(&b, "]}\n");
    const size_t n = b.len;
    assert_int_equal(gf_minisig_sign(r->key ? r->key : vendor, b.data, n, "u", "t", &b, &e), 0);
    return b.data;
}

/* ---- the trip ---- */

/* A check that has left. */
static struct gf_id ask(struct site *s) {
    const struct updates_wish w = {.product = "demo", .version = "1.0", .platform = "linux"};
    struct gf_buf dropped;
    struct gf_id id;

    gf_buf_init(&dropped, 4096);
    assert_int_equal(agent_updates_check(&s->a, &w, &id, &dropped, &e), 0);
    gf_buf_free(&dropped);
    (void)site_export(s);
    return id;
}

static int64_t seq; /* of the relay's stream */

/* Answer a check with this manifest and these whole files. */
static struct site_record answer(struct site *s, const struct recipe *r,
                                 const struct content *files, size_t n) {
    struct gf_id id = ask(s);
    char *text = manifest(s, r);
    struct apply_result result;
    struct reply reply;

    reply_begin(&reply, ++seq);
    reply_answer(&reply, &id, 200, text);
    for (size_t i = 0; i < n; i++)
        reply_file(&reply, files[i].name, files[i].data, files[i].len);
    if (reply_apply(&reply, s, &result, &e) == -1)
        fail_msg("%s", e.text);
    free(text);
    return site_find(s, &id);
}

static struct updates_known *known;
static size_t nknown;

static void look(struct site *s) {
    updates_known_free(known, nknown);
    known = NULL;
    assert_int_equal(updates_known(&s->a, &known, &nknown, &e), 0);
}

/* The artifact of the i-th manifest is in its place, byte for byte. */
static void check_here(struct site *s, size_t i, const struct content *c) {
    int dir = updates_folder(&s->a, &known[i], 0, &e);

    assert_int_not_equal(dir, -1);
    kit_check_file(dir, c->name, c->data, c->len);
    (void)close(dir);
}

struct problem {
    char text[4096];
    size_t n;
};

static int note_problem(void *arg, const struct store_problem *p, struct gf_err *err) {
    struct problem *out = arg;
    size_t at = strlen(out->text);

    (void)err;
    (void)snprintf(out->text + at, sizeof out->text - at, "%s %s %s: %s (%lld)\n", p->product,
                   p->subject, p->code, p->why, (long long)p->times);
    out->n++;
    return 0;
}

/* One problem is remembered, and says this; "": none is. */
static void check_problem(struct site *s, const char *words) {
    struct problem p = {.text = ""};

    assert_int_equal(store_update_problems(s->a.store, note_problem, &p, &e), 0);
    assert_int_equal(p.n, words[0] != '\0');
    if (!strstr(p.text, words))
        fail_msg("\"%s\" does not say \"%s\"", p.text, words);
}

static const struct content tool = {"tool.bin", "the tool itself", 15};
static const struct content notes = {"NOTES", "what is new", 11};
static const struct content other = {"tool.bin", "another tool!!!", 15};

static void a_manifest_and_its_artifacts_come_in_one_response(void **state) {
    struct site *s = *state;
    const struct content files[] = {tool, notes};

    struct site_record r =
        answer(s, &(struct recipe){.serial = 7, .artifacts = {tool, notes}}, files, 2);
    assert_true(r.answered && r.reason[0] == '\0');
    look(s);
    assert_true(nknown == 1 && known[0].serial == 7 && known[0].newest && !known[0].ended);
    assert_int_equal(updates_missing(&known[0]), 0);
    check_here(s, 0, &tool);
    check_here(s, 0, &notes);
    check_problem(s, "");
}

static void the_manifest_may_be_a_file_itself(void **state) {
    struct site *s = *state;
    struct gf_id id = ask(s);
    char *text = manifest(s, &(struct recipe){.serial = 1, .artifacts = {tool}});
    struct apply_result result;
    struct reply reply;

    reply_begin(&reply, ++seq);
    reply_answer_file(&reply, &id, "files/demo.update");
    reply_file(&reply, "demo.update", text, strlen(text));
    reply_file(&reply, tool.name, tool.data, tool.len);
    assert_int_equal(reply_apply(&reply, s, &result, &e), 0);
    assert_int_equal(result.answers, 1);
    look(s);
    assert_int_equal(updates_missing(&known[0]), 0);
    free(text);
}

static void what_breaks_a_rule_of_manifests_is_refused_and_remembered(void **state) {
    struct site *s = *state;
    const struct recipe seven = {.serial = 7, .artifacts = {tool}};
    struct site_record r;

    (void)answer(s, &seven, &tool, 1);
    /* Rollback. */
    r = answer(s, &(struct recipe){.serial = 6}, NULL, 0);
    assert_non_null(strstr(r.reason, "is older than one that came before"));
    check_problem(s, "demo manifest rollback");
    /* The same again is no news, and no problem: it shows that the vendor has nothing newer. */
    s->a.now += 10;
    r = answer(s,
               &(struct recipe){.serial = 7,
                                .issued = s->a.now - 10 - DAY,
                                .expires = s->a.now - 10 + YEAR,
                                .artifacts = {tool}},
               NULL, 0);
    assert_true(r.reason[0] == '\0');
    check_problem(s, "");
    look(s);
    assert_true(nknown == 1 && known[0].confirmed == s->a.now && known[0].since == s->a.now - 10);
    /* One serial, two contents. */
    r = answer(s, &(struct recipe){.serial = 7, .artifacts = {notes}}, NULL, 0);
    assert_non_null(strstr(r.reason, "the same serial 7"));
    check_problem(s, "demo manifest conflict");
    /* Somebody else's key, and the vendor's without the duty. */
    r = answer(s, &(struct recipe){.serial = 8, .key = stranger}, NULL, 0);
    assert_non_null(strstr(r.reason, "not signed by the vendor key"));
    check_problem(s, "demo manifest signature");
    trust(s, stranger, STORE_DUTY_LICENSE);
    r = answer(s, &(struct recipe){.serial = 8, .key = stranger}, NULL, 0);
    assert_non_null(strstr(r.reason, "not signed by the vendor key"));
    /* Another product, platform. */
    r = answer(s, &(struct recipe){.serial = 8, .product = "other"}, NULL, 0);
    assert_non_null(strstr(r.reason, "is of product other"));
    check_problem(s, "demo manifest not-for-us");
    r = answer(s, &(struct recipe){.serial = 8, .platform = "windows"}, NULL, 0);
    assert_non_null(strstr(r.reason, "is of demo for windows"));
    look(s);
    assert_true(nknown == 1 && known[0].serial == 7);
    check_here(s, 0, &tool);
    /* A newer good one ends the worry. */
    (void)answer(s, &(struct recipe){.serial = 8}, NULL, 0);
    check_problem(s, "");
}

static void a_refused_manifest_is_kept_to_be_looked_at(void **state) {
    struct site *s = *state;
    char path[800];

    (void)answer(s, &(struct recipe){.serial = 1, .key = stranger}, NULL, 0);
    (void)snprintf(path, sizeof path, "%s/refused", s->a.state);
    int dir = open(path, O_RDONLY | O_DIRECTORY);
    assert_int_not_equal(dir, -1);
    assert_int_equal(kit_entries(dir), 1);
    (void)close(dir);
}

static void a_manifest_that_has_ended_is_known_and_told(void **state) {
    struct site *s = *state;

    (void)answer(
        s, &(struct recipe){.serial = 1, .issued = s->a.now - YEAR, .expires = s->a.now - DAY},
        NULL, 0);
    look(s);
    assert_true(nknown == 1 && known[0].ended && known[0].valid);
    /* A clock put back does not bring it to life: its vendor said later times. */
    (void)answer(s, &(struct recipe){.serial = 2, .issued = s->a.now - 2 * DAY}, NULL, 0);
    s->a.now -= 100 * DAY;
    look(s);
    assert_int_equal(known[1].serial, 1);
    assert_int_equal(known[1].ended, 0); /* ended after the newest time that is proven */
    s->a.now += 100 * DAY;
    (void)answer(s, &(struct recipe){.serial = 3, .issued = s->a.now}, NULL, 0);
    s->a.now -= 100 * DAY;
    look(s);
    assert_int_equal(known[2].ended, 1);
}

static void the_time_of_a_verified_manifest_raises_the_floor(void **state) {
    struct site *s = *state;
    int64_t before, after;

    assert_int_equal(floor_get(&s->a, &before, &e), 0);
    (void)answer(s, &(struct recipe){.serial = 1, .issued = before + 5 * DAY, .key = stranger},
                 NULL, 0);
    assert_int_equal(floor_get(&s->a, &after, &e), 0);
    assert_int_equal(after, before);
    (void)answer(s, &(struct recipe){.serial = 1, .issued = before + 5 * DAY}, NULL, 0);
    assert_int_equal(floor_get(&s->a, &after, &e), 0);
    assert_int_equal(after, before + 5 * DAY);
}

static void the_same_serial_for_too_long_is_told(void **state) {
    struct site *s = *state;

    (void)answer(s, &(struct recipe){.serial = 1, .expires = s->a.now + 3 * YEAR}, NULL, 0);
    s->a.now += 180LL * DAY;
    look(s);
    assert_int_equal(known[0].stale, 0);
    s->a.now += DAY;
    look(s);
    assert_int_equal(known[0].stale, 1);
    (void)answer(s, &(struct recipe){.serial = 2, .expires = s->a.now + 3 * YEAR}, NULL, 0);
    look(s);
    assert_true(!known[0].stale && !known[1].stale);
}

static void nothing_to_tell_changes_nothing(void **state) {
    struct site *s = *state;
    struct gf_id id = ask(s);
    struct apply_result result;
    struct reply reply;

    reply_begin(&reply, ++seq);
    reply_answer(&reply, &id, 204, "");
    assert_int_equal(reply_apply(&reply, s, &result, &e), 0);
    assert_int_equal(result.answers, 1);
    id = ask(s);
    reply_begin(&reply, ++seq);
    reply_answer(&reply, &id, 500, "down");
    assert_int_equal(reply_apply(&reply, s, &result, &e), 0);
    assert_int_equal(result.unusable, 1);
    assert_non_null(strstr(site_find(s, &id).reason, "its status is 500"));
    look(s);
    assert_int_equal(nknown, 0);
}

/* ---- artifacts ---- */

static void a_wrong_artifact_is_refused_and_wanted_again(void **state) {
    struct site *s = *state;
    const struct content longer = {"tool.bin", "the tool itself and more", 24};
    const struct recipe r = {.serial = 7, .artifacts = {tool, notes}};
    const struct content changed[] = {other, notes};
    struct gf_want *want;
    size_t n;

    (void)answer(s, &r, changed, 2);
    look(s);
    assert_true(!known[0].here[0] && known[0].here[1]);
    check_problem(s, "demo tool.bin update: tool.bin: is not what the manifest with serial 7");
    (void)answer(s, &r, &longer, 1);
    check_problem(s, "tool.bin: is longer than its manifest says (24 bytes, not 15)");
    assert_int_equal(updates_want(&s->a, &kit_relay.card.identity, &want, &n, &e), 0);
    assert_int_equal(n, 1);
    assert_int_equal(want[0].nparts, 0);
    updates_want_free(want, n);
    (void)answer(s, &r, &tool, 1);
    look(s);
    assert_int_equal(updates_missing(&known[0]), 0);
    check_problem(s, "");
}

static void another_manifests_artifact_is_not_taken_for_this_ones(void **state) {
    struct site *s = *state;

    (void)answer(s, &(struct recipe){.serial = 7, .artifacts = {other}}, &other, 1);
    (void)answer(s, &(struct recipe){.serial = 8, .artifacts = {tool}}, &other, 1);
    look(s);
    assert_true(known[0].serial == 8 && !known[0].here[0] && known[1].here[0]);
    check_problem(s, "belongs to another manifest");
}

static void a_file_may_come_before_its_manifest(void **state) {
    struct site *s = *state;
    struct apply_result result;
    struct reply reply;

    (void)ask(s);
    reply_begin(&reply, ++seq);
    reply_file(&reply, "whatever.dat", tool.data, tool.len);
    assert_int_equal(reply_apply(&reply, s, &result, &e), 0);
    check_problem(s, "");
    (void)answer(s, &(struct recipe){.serial = 1, .artifacts = {tool}}, NULL, 0);
    look(s);
    assert_int_equal(updates_missing(&known[0]), 0);
    check_here(s, 0, &tool);
}

static void what_a_newer_manifest_still_names_needs_no_second_trip(void **state) {
    struct site *s = *state;

    (void)answer(s, &(struct recipe){.serial = 1, .artifacts = {tool}}, &tool, 1);
    (void)answer(s, &(struct recipe){.serial = 2, .artifacts = {tool, notes}}, &notes, 1);
    look(s);
    assert_true(known[0].serial == 2 && updates_missing(&known[0]) == 0);
    check_here(s, 0, &tool);
}

static void the_two_newest_manifests_keep_their_artifacts(void **state) {
    struct site *s = *state;

    (void)answer(s, &(struct recipe){.serial = 1, .artifacts = {tool}}, &tool, 1);
    (void)answer(s, &(struct recipe){.serial = 2, .artifacts = {other}}, &other, 1);
    (void)answer(s, &(struct recipe){.serial = 3, .artifacts = {notes}}, NULL, 0);
    look(s);
    assert_true(known[2].here[0] && known[1].here[0]); /* the newest is not complete */
    (void)answer(s,
                 &(struct recipe){.serial = 3,
                                  .issued = known[0].update.issued,
                                  .expires = known[0].update.expires,
                                  .artifacts = {notes}},
                 &notes, 1);
    look(s);
    assert_true(!known[2].here[0] && known[1].here[0] && known[0].here[0]);
}

/* ---- parts ---- */

#define WHOLE 100000
static struct content large = {"large.iso", NULL, WHOLE};

static void give_part(struct site *s, int64_t index, int64_t count, int64_t from, int64_t to) {
    struct gf_part p = {.index = index, .count = count, .offset = from, .whole = WHOLE};
    struct apply_result result;
    struct reply reply;

    gf_digest_256(large.data, WHOLE, &p.digest);
    reply_begin(&reply, ++seq);
    reply_part(&reply, "large.iso", large.data, &p, (size_t)(to - from));
    if (reply_apply(&reply, s, &result, &e) == -1)
        fail_msg("%s", e.text);
}

static void parts_in_any_order_become_the_artifact(void **state) {
    struct site *s = *state;
    struct site_request request;
    struct gf_want *want;
    size_t n;

    large.data = kit_data;
    (void)ask(s);
    give_part(s, 2, 3, 70000, WHOLE); /* before its manifest */
    (void)answer(s, &(struct recipe){.serial = 1, .artifacts = {large}}, NULL, 0);
    look(s);
    assert_int_equal(known[0].here[0], 0);
    site_reopen(s);
    give_part(s, 0, 3, 0, 30000);
    give_part(s, 0, 3, 0, 30000); /* once more */
    assert_int_equal(updates_want(&s->a, &kit_relay.card.identity, &want, &n, &e), 0);
    assert_true(n == 1 && want[0].nparts == 1 && want[0].parts[0] == 1);
    updates_want_free(want, n);
    assert_int_equal(updates_want(&s->a, &kit_other.card.identity, &want, &n, &e), 0);
    assert_int_equal(n, 0);
    updates_want_free(want, n);
    /* The next request says it. */
    (void)ask(s);
    struct store_bundle b = site_bundle(s, site_unsettled(s) - 1);
    site_read(s, &b, &request);
    assert_true(request.contents.nwant == 1 && request.contents.want[0].parts[0] == 1);
    site_request_free(&request);
    give_part(s, 1, 3, 30000, 70000);
    look(s);
    assert_int_equal(known[0].here[0], 1);
    check_here(s, 0, &large);
    check_problem(s, "");
    char path[800];
    (void)snprintf(path, sizeof path, "%s/updates/parts", s->a.state);
    int dir = open(path, O_RDONLY | O_DIRECTORY);
    assert_int_equal(kit_entries(dir), 0);
    (void)close(dir);
}

static void parts_that_contradict_each_other_are_dropped_and_wanted_again(void **state) {
    struct site *s = *state;
    struct gf_want *want;
    size_t n;

    large.data = kit_data;
    (void)answer(s, &(struct recipe){.serial = 1, .artifacts = {large}}, NULL, 0);
    give_part(s, 0, 2, 0, 60000);
    give_part(s, 1, 2, 50000, WHOLE);
    look(s);
    assert_int_equal(known[0].here[0], 0);
    check_problem(s, "parts contradict each other");
    assert_int_equal(updates_want(&s->a, &kit_relay.card.identity, &want, &n, &e), 0);
    assert_true(n == 1 && want[0].nparts == 0);
    updates_want_free(want, n);
    give_part(s, 0, 2, 0, 60000);
    give_part(s, 1, 2, 60000, WHOLE);
    look(s);
    assert_int_equal(known[0].here[0], 1);
    check_problem(s, "");
}

/* A relay that lies about a part's digest gets no file of its own into place. */
static void parts_that_join_to_another_file_are_refused(void **state) {
    struct site *s = *state;
    const uint8_t *right = kit_data;

    large.data = right;
    (void)answer(s, &(struct recipe){.serial = 1, .artifacts = {large}}, NULL, 0);
    struct gf_part p = {.index = 0, .count = 2, .offset = 0, .whole = WHOLE};
    struct apply_result result;
    struct reply reply;
    gf_digest_256(right, WHOLE, &p.digest);
    reply_begin(&reply, ++seq);
    reply_part(&reply, "large.iso", kit_data + 7, &p, 60000);
    assert_int_equal(reply_apply(&reply, s, &result, &e), 0);
    give_part(s, 1, 2, 60000, WHOLE);
    look(s);
    assert_int_equal(known[0].here[0], 0);
    check_problem(s, "is not what its manifest names");
}

/* ---- by hand, and away ---- */

static void a_vendor_who_is_not_trusted_any_more_has_no_say(void **state) {
    struct site *s = *state;

    (void)answer(s, &(struct recipe){.serial = 1, .artifacts = {tool}}, &tool, 1);
    look(s);
    assert_int_equal(known[0].valid, 1);
    /* As in a store whose vendor's key was taken out. */
    struct gf_sign_key *mine = vendor;
    vendor = stranger;
    struct site fresh;
    site_make(&fresh, 1);
    trust(&fresh, stranger, STORE_DUTY_UPDATE);
    assert_int_equal(store_update_put(fresh.a.store,
                                      &(struct store_update){.product = "demo",
                                                             .channel = "stable",
                                                             .platform = "any",
                                                             .serial = 1,
                                                             .text = known[0].text,
                                                             .len = known[0].len},
                                      &(int64_t){0}, &e),
                     0);
    struct updates_known *k;
    size_t n;
    assert_int_equal(updates_known(&fresh.a, &k, &n, &e), 0);
    assert_true(n == 1 && !k[0].valid && strstr(k[0].why, "not signed by"));
    updates_known_free(k, n);
    site_free(&fresh);
    vendor = mine;
}

static void files_without_manifest_are_bounded_in_time(void **state) {
    struct site *s = *state;
    struct apply_result result;
    struct reply reply;
    struct store_part *parts;
    int64_t made;
    size_t n;

    (void)ask(s);
    reply_begin(&reply, ++seq);
    reply_file(&reply, "stray", tool.data, tool.len);
    assert_int_equal(reply_apply(&reply, s, &result, &e), 0);
    assert_int_equal(store_parts(s->a.store, NULL, &parts, &n, &e), 0);
    assert_int_equal(n, 1);
    free(parts);
    s->a.now += UPDATES_UNCLAIMED_AGE + 1;
    assert_int_equal(updates_collect(&s->a, &made, &e), 0);
    assert_int_equal(store_parts(s->a.store, NULL, &parts, &n, &e), 0);
    assert_int_equal(n, 0);
    free(parts);
}

int main(void) {
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(a_manifest_and_its_artifacts_come_in_one_response),
        T(the_manifest_may_be_a_file_itself),
        T(what_breaks_a_rule_of_manifests_is_refused_and_remembered),
        T(a_refused_manifest_is_kept_to_be_looked_at),
        T(a_manifest_that_has_ended_is_known_and_told),
        T(the_time_of_a_verified_manifest_raises_the_floor),
        T(the_same_serial_for_too_long_is_told),
        T(nothing_to_tell_changes_nothing),
        T(a_wrong_artifact_is_refused_and_wanted_again),
        T(another_manifests_artifact_is_not_taken_for_this_ones),
        T(a_file_may_come_before_its_manifest),
        T(what_a_newer_manifest_still_names_needs_no_second_trip),
        T(the_two_newest_manifests_keep_their_artifacts),
        T(parts_in_any_order_become_the_artifact),
        T(parts_that_contradict_each_other_are_dropped_and_wanted_again),
        T(parts_that_join_to_another_file_are_refused),
        T(a_vendor_who_is_not_trusted_any_more_has_no_say),
        T(files_without_manifest_are_bounded_in_time),
    };
    const int rc = cmocka_run_group_tests(tests, begin, end);
    updates_known_free(known, nknown);
    return rc;
}
