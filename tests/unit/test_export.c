/*
 * test_export.c -- queue to outbox: what leaves, how it is split, and what a crash leaves behind.
 */
#include "agent_testing.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gapferry/file.h"

static char *in_outbox(struct site *s, const char *name) {
    static char path[800];

    (void)snprintf(path, sizeof path, "%s/outbox/%s", s->a.state, name);
    return path;
}

static size_t files(struct site *s) {
    int dir = open(in_outbox(s, ""), O_RDONLY | O_DIRECTORY);

    assert_int_not_equal(dir, -1);
    size_t n = kit_entries(dir);
    (void)close(dir);
    return n;
}

static void touch(const char *path) {
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);

    assert_int_not_equal(fd, -1);
    (void)close(fd);
}

static void nothing_queued_makes_nothing(void **state) {
    struct site *s = *state;
    struct export_result x = site_export(s);

    assert_true(x.bundles == 0 && x.records == 0 && !x.have_only && !x.no_relay);
    assert_int_equal(files(s), 0);
}

static void records_leave_in_order_as_they_were_accepted(void **state) {
    struct site *s = *state;
    struct site_request r;
    struct gf_id ids[3];

    ids[0] = site_add(s, "metrics", "{\"n\": 1}", 0);
    ids[1] = site_add(s, "license", "{\"n\": 2}", 1);
    ids[2] = site_add(s, "metrics", "{\"n\": 3}", 0);
    struct export_result x = site_export(s);
    assert_true(x.bundles == 1 && x.records == 3 && !x.have_only);
    assert_int_equal(site_unsettled(s), 1);
    struct store_bundle b = site_bundle(s, 0);
    assert_true(b.records == 3);

    site_read(s, &b, &r);
    assert_int_equal(r.n, 3);
    assert_memory_equal(r.ids, ids, sizeof ids);
    assert_memory_equal(r.header.id.b, b.id.b, sizeof b.id.b);
    assert_true(r.header.seq == 1 && !r.header.has_prev && !r.header.has_expires);
    assert_true(r.header.has_created && r.header.created == SITE_NOW);
    assert_int_equal(r.header.kind, GF_KIND_REQUEST);
    assert_int_equal(r.header.nreaders, 1);
    assert_memory_equal(r.header.readers[0].b, kit_site.card.identity.b, 32);
    assert_memory_equal(r.header.to.b, kit_relay.card.identity.b, 32);
    site_request_free(&r);
    for (int i = 0; i < 3; i++)
        assert_int_equal(site_state(s, &ids[i]), STORE_EXPORTED);

    x = site_export(s); /* and only once */
    assert_true(x.bundles == 0);
    assert_int_equal(files(s), 1);
}

static void the_next_bundle_names_the_one_before(void **state) {
    struct site *s = *state;
    struct site_request first, second;
    struct store_bundle b;

    site_add(s, "metrics", "{}", 0);
    (void)site_export(s);
    site_add(s, "metrics", "{}", 0);
    (void)site_export(s);
    b = site_bundle(s, 0);
    site_read(s, &b, &first);
    b = site_bundle(s, 1);
    site_read(s, &b, &second);
    assert_true(second.header.seq == 2 && second.header.has_prev);
    assert_memory_equal(second.header.prev.b, first.digest.b, sizeof first.digest.b);
    assert_memory_equal(second.header.stream.b, first.header.stream.b, sizeof first.header.stream);
    site_request_free(&first);
    site_request_free(&second);
}

static void what_has_no_consent_stays(void **state) {
    struct site *s = *state;
    struct gf_id granted = site_add(s, "metrics", "{}", 0);
    struct gf_id asked = site_add(s, "usage", "{}", 0);
    struct gf_id forced = site_add(s, "forced", "{}", 0);
    struct gf_id forbidden = site_add(s, "forbidden", "{}", 0);
    struct gf_id own = site_add(s, "license", "{}", 1);
    struct gf_id update = site_add(s, "updates", "{}", 1);

    site_consent(s, "forbidden", STORE_GRANTED);
    site_configure(s, "[channel \"forced\"]\nconsent = granted\n"
                      "[channel \"forbidden\"]\nconsent = denied\n"
                      "[channel \"metrics\"]\nconsent = ask\n");
    struct export_result x = site_export(s);
    assert_true(x.records == 4);
    assert_int_equal(site_state(s, &granted), STORE_EXPORTED);
    assert_int_equal(site_state(s, &asked), STORE_QUEUED);
    assert_int_equal(site_state(s, &forced), STORE_EXPORTED);
    assert_int_equal(site_state(s, &forbidden), STORE_QUEUED);
    assert_int_equal(site_state(s, &own), STORE_EXPORTED);
    assert_int_equal(site_state(s, &update), STORE_EXPORTED);
}

static void without_a_relay_records_stay_and_it_is_told(void **state) {
    struct site s;
    (void)state;

    site_make(&s, 0);
    struct export_result x = site_export(&s);
    assert_true(!x.no_relay);
    struct gf_id id = site_add(&s, "metrics", "{}", 0);
    x = site_export(&s);
    assert_true(x.no_relay && x.bundles == 0);
    assert_int_equal(site_state(&s, &id), STORE_QUEUED);
    assert_int_equal(files(&s), 0);
    site_trust(&s, &kit_relay);
    x = site_export(&s);
    assert_true(!x.no_relay && x.records == 1);
    site_free(&s);
}

static void too_much_for_one_bundle_goes_into_several(void **state) {
    struct site *s = *state;
    struct export_limits limits = {.bytes = 1 << 20, .records = 2};
    struct export_result x;
    struct site_request r;
    struct gf_id ids[5];
    size_t seen = 0;

    for (int i = 0; i < 5; i++)
        ids[i] = site_add(s, "metrics", "{}", 0);
    assert_int_equal(agent_export_within(&s->a, &limits, &x, &e), 0);
    assert_true(x.bundles == 3 && x.records == 5);
    for (size_t i = 0; i < 3; i++) {
        struct store_bundle b = site_bundle(s, i);
        site_read(s, &b, &r);
        assert_true(r.header.seq == (int64_t)i + 1 && r.n <= 2);
        assert_memory_equal(r.ids, &ids[seen], r.n * sizeof *ids);
        seen += r.n;
        site_request_free(&r);
    }
    assert_int_equal(seen, 5);

    /* By bytes: a line is larger than the limit, and leaves all the same. */
    for (int i = 0; i < 3; i++)
        site_add(s, "metrics", "{}", 0);
    limits = (struct export_limits){.bytes = 1, .records = 100};
    assert_int_equal(agent_export_within(&s->a, &limits, &x, &e), 0);
    assert_true(x.bundles == 3 && x.records == 3);
}

static void the_site_can_open_its_own_unless_it_does_not_want_to(void **state) {
    struct site *s = *state;
    struct site_request r;
    struct store_bundle b;

    site_configure(s, "[agent]\nself_reader = no\n");
    site_add(s, "metrics", "{}", 0);
    (void)site_export(s);
    b = site_bundle(s, 0);
    site_read(s, &b, &r);
    assert_int_equal(r.header.nreaders, 0);
    site_request_free(&r);
}

static void an_applied_response_is_told_with_the_next_request_or_alone(void **state) {
    struct site *s = *state;
    struct gf_id id = site_add(s, "metrics", "{}", 0);
    struct apply_result applied;
    struct site_request r;
    struct reply reply;

    (void)site_export(s);
    reply_begin(&reply, 1);
    reply_receipt(&reply, &id, "{}", GF_STATE_DELIVERED, NULL);
    assert_int_equal(reply_apply(&reply, s, &applied, &e), 0);
    struct export_result x = site_export(s);
    assert_true(x.bundles == 1 && x.have_only && x.records == 0);
    struct store_bundle b = site_bundle(s, 0);
    site_read(s, &b, &r);
    assert_int_equal(r.n, 0);
    assert_int_equal(r.contents.nmembers, 0);
    assert_int_equal(r.contents.nhave, 1);
    assert_memory_equal(r.contents.have[0].stream.b, reply.stream.b, sizeof reply.stream.b);
    assert_true(r.contents.have[0].upto == 1);
    site_request_free(&r);
    x = site_export(s); /* once */
    assert_true(x.bundles == 0);

    /* With records it needs no request of its own. */
    reply_begin(&reply, 2);
    reply_notice(&reply, "time", "x");
    assert_int_equal(reply_apply(&reply, s, &applied, &e), 0);
    site_add(s, "metrics", "{}", 0);
    x = site_export(s);
    assert_true(x.bundles == 1 && !x.have_only && x.records == 1);
    b = site_bundle(s, 1);
    site_read(s, &b, &r);
    assert_true(r.contents.nhave == 1 && r.contents.have[0].upto == 2);
    site_request_free(&r);
    x = site_export(s);
    assert_true(x.bundles == 0);

    /* A response without items is not answered. */
    reply_begin(&reply, 3);
    assert_int_equal(reply_apply(&reply, s, &applied, &e), 0);
    x = site_export(s);
    assert_true(x.bundles == 0);
}

/* ---- after a crash ---- */

static void a_file_the_store_does_not_know_goes_and_its_number_is_void(void **state) {
    struct site *s = *state;
    struct site_request r;
    struct store_seq seq;
    struct stat st;

    site_add(s, "metrics", "{}", 0);
    (void)site_export(s);
    assert_int_equal(store_take_seq(s->a.store, &kit_relay.card.identity, &seq, &e), 0);
    touch(in_outbox(s, "00112233445566778899aabbccddeeff.gfb"));
    touch(in_outbox(s, ".00112233445566778899aabbccddeeff.gfb.0011223344556677.part"));
    touch(in_outbox(s, "notes.txt"));
    site_add(s, "metrics", "{}", 0);
    (void)site_export(s);
    assert_int_equal(files(s), 3); /* two bundles, and what is not ours */
    assert_int_equal(stat(in_outbox(s, "notes.txt"), &st), 0);
    struct store_bundle b = site_bundle(s, 1);
    site_read(s, &b, &r);
    assert_true(r.header.seq == 3 && r.header.has_prev);
    assert_int_equal(r.contents.nvoids, 1);
    assert_true(r.contents.voids[0] == 2);
    site_request_free(&r);
}

static void a_bundle_whose_file_is_gone_is_made_anew(void **state) {
    struct site *s = *state;
    struct gf_id id = site_add(s, "metrics", "{}", 0);
    struct site_request r;

    (void)site_export(s);
    assert_int_equal(unlink(in_outbox(s, site_bundle(s, 0).file)), 0);
    struct export_result x = site_export(s);
    assert_true(x.again == 1 && x.bundles == 1 && x.records == 1);
    assert_int_equal(site_unsettled(s), 1);
    assert_int_equal(site_state(s, &id), STORE_EXPORTED);
    struct store_bundle b = site_bundle(s, 0);
    site_read(s, &b, &r);
    assert_memory_equal(r.ids, &id, sizeof id);
    assert_true(r.header.seq == 2 && !r.header.has_prev); /* 1 never left */
    assert_true(r.contents.nvoids == 1 && r.contents.voids[0] == 1);
    site_request_free(&r);
}

static void the_file_of_a_withdrawn_bundle_does_not_stay(void **state) {
    struct site *s = *state;
    struct gf_id kept = site_add(s, "license", "{}", 1);

    site_add(s, "metrics", "{}", 0);
    (void)site_export(s);
    struct store_bundle b = site_bundle(s, 0);
    site_consent(s, "metrics", STORE_DENIED);
    struct export_result x = site_export(s);
    assert_true(x.records == 1);
    assert_int_equal(access(in_outbox(s, b.file), F_OK), -1);
    assert_int_equal(files(s), 1);
    assert_int_equal(site_state(s, &kept), STORE_EXPORTED);
}

static void a_settled_bundle_stays_for_the_site_to_look_at(void **state) {
    struct site *s = *state;
    struct gf_id id = site_add(s, "metrics", "{}", 0);

    (void)site_export(s);
    struct store_bundle b = site_bundle(s, 0);
    (void)site_receipt(s, 1, &id, "{}", GF_STATE_DELIVERED, NULL);
    (void)site_export(s);
    assert_int_equal(access(in_outbox(s, b.file), F_OK), -1);
    char kept[800];
    (void)snprintf(kept, sizeof kept, "%s/history/%s", s->a.state, b.file);
    assert_int_equal(access(kept, F_OK), 0);
}

static void an_outbox_that_cannot_be_written_leaves_the_queue_as_it_was(void **state) {
    struct site *s = *state;
    struct gf_id id = site_add(s, "metrics", "{}", 0);
    struct export_result x;

    (void)site_export(s);
    struct gf_id second = site_add(s, "metrics", "{}", 0);
    if (geteuid() == 0) { /* modes do not hold root: a file in the place of the folder does */
        char from[800], to[800];
        (void)snprintf(from, sizeof from, "%s/outbox", s->a.state);
        (void)snprintf(to, sizeof to, "%s/away", s->a.state);
        assert_int_equal(rename(from, to), 0);
        touch(from);
        assert_int_equal(agent_export(&s->a, &x, &e), -1);
        assert_int_equal(unlink(from), 0);
        assert_int_equal(rename(to, from), 0);
    } else {
        assert_int_equal(chmod(in_outbox(s, ""), 0500), 0);
        assert_int_equal(agent_export(&s->a, &x, &e), -1);
        assert_int_equal(chmod(in_outbox(s, ""), 0700), 0);
    }
    assert_int_equal(site_state(s, &id), STORE_EXPORTED);
    assert_int_equal(site_state(s, &second), STORE_QUEUED);
    x = site_export(s);
    assert_true(x.records == 1);
}

static void nothing_is_signed_with_keys_that_were_replaced_meanwhile(void **state) {
    struct site *s = *state;
    struct export_result x;
    struct gf_hash other = s->a.id.card.identity;

    struct gf_id id = site_add(s, "metrics", "{\"n\": 1}", 0);
    other.b[0] ^= 1;
    assert_int_equal(store_put_fact(s->a.store, "identity", other.b, sizeof other.b, &e), 0);
    assert_int_equal(agent_export(&s->a, &x, &e), -1);
    assert_int_equal(e.code, GF_E_BUSY);
    assert_int_equal(site_state(s, &id), STORE_QUEUED);
    assert_int_equal(files(s), 0);
    other.b[0] ^= 1;
    assert_int_equal(store_put_fact(s->a.store, "identity", other.b, sizeof other.b, &e), 0);
    assert_true(site_export(s).records == 1);
}

int main(void) {
#define T(name) cmocka_unit_test_setup_teardown(name, site_setup, site_teardown)
    const struct CMUnitTest tests[] = {
        T(nothing_queued_makes_nothing),
        T(records_leave_in_order_as_they_were_accepted),
        T(the_next_bundle_names_the_one_before),
        T(what_has_no_consent_stays),
        T(without_a_relay_records_stay_and_it_is_told),
        T(too_much_for_one_bundle_goes_into_several),
        T(the_site_can_open_its_own_unless_it_does_not_want_to),
        T(an_applied_response_is_told_with_the_next_request_or_alone),
        T(a_file_the_store_does_not_know_goes_and_its_number_is_void),
        T(a_bundle_whose_file_is_gone_is_made_anew),
        T(the_file_of_a_withdrawn_bundle_does_not_stay),
        T(a_settled_bundle_stays_for_the_site_to_look_at),
        T(nothing_is_signed_with_keys_that_were_replaced_meanwhile),
        T(an_outbox_that_cannot_be_written_leaves_the_queue_as_it_was),
    };
    return cmocka_run_group_tests(tests, kit_setup, kit_teardown);
}
