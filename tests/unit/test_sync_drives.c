/*
 * test_sync_drives.c -- drives that hold strangers' cards, are full, cannot be written, or fail.
 */
#include "sync_testing.h"

/* ---- trust ---- */

static void without_a_relay_its_card_is_shown_with_the_remedy(void **state) {
    struct site s;
    struct reply reply;
    char want[600], fingerprint[GF_FINGERPRINT_TEXT], name[GF_DRIVE_NAME];
    (void)state;

    site_make(&s, 0);
    bring_card(&kit_relay);
    bring_card(&kit_other); /* an agent's: no business of ours */
    /* Nothing is due, yet a person has to compare the fingerprint. */
    gf_card_fingerprint(&kit_relay.card, fingerprint);
    gf_drive_card_name(&kit_relay.card, name);
    (void)snprintf(want, sizeof want,
                   "gapferry-agent --root %s trust %s/GAPFERRY/cards/%s --fingerprint %s\n", s.root,
                   usb, name, fingerprint);
    assert_int_equal(sync_with(&s, &(struct sync_options){.dir = usb}), GF_EXIT_NOPERM);
    assert_non_null(strstr(r.people.data, want));
    gf_card_fingerprint(&kit_other.card, fingerprint);
    assert_null(strstr(r.people.data, fingerprint));

    struct gf_id id = site_add(&s, "metrics", "{}", 0);
    check_told(&s, GF_EXIT_NOPERM, "no relay is trusted yet");
    assert_int_equal(count("to-relay"), 0);
    assert_true(r.queued == 1);
    assert_int_equal(site_state(&s, &id), STORE_QUEUED);

    reply_begin(&reply, 1);
    reply_notice(&reply, "time", "x");
    bring(&reply, "1.gfb");
    check_told(&s, GF_EXIT_NOPERM, "1 response for this agent waits");
    assert_int_equal(count("to-site"), 1);

    site_trust(&s, &kit_relay);
    check_silent(&s);
    assert_true(r.responses == 1 && r.written == 1);
    site_free(&s);
}

static void once_a_relay_is_trusted_other_cards_are_not_shown(void **state) {
    struct site *s = *state;
    struct reply reply;

    bring_card(&kit_other);
    check_silent(s);
    reply_begin(&reply, 1);
    reply.from = &kit_other;
    reply_notice(&reply, "time", "x");
    bring(&reply, "1.gfb");
    check_told(s, GF_EXIT_NOPERM, "to-site/1.gfb: ");
    assert_int_equal(count("to-site"), 1);
}

/* ---- drives that fail ---- */

static void a_full_drive_gets_what_fits_and_the_rest_is_told(void **state) {
    struct site *s = *state;

    NEEDS_MOUNTS;
    char *large = malloc(700000);
    assert_int_equal(mount("tmpfs", usb, "tmpfs", 0, "size=1m,mode=0755"), 0);
    /* Incompressible, so that one bundle does not fit and the next does. */
    for (size_t i = 0; i < 699999; i++)
        large[i] = (char)('!' + (kit_data[i] % 90));
    large[699999] = '\0';
    for (char *c = large; *c; c++)
        if (*c == '"' || *c == '\\')
            *c = 'a';
    site_add(s, "metrics", large, 0);
    (void)site_export(s);
    site_add(s, "metrics", large, 0);
    (void)site_export(s);
    site_add(s, "metrics", "{}", 0);
    (void)site_export(s);
    enum gf_exit status = visit(s);
    size_t there = count("to-relay");
    (void)umount(usb);
    free(large);
    assert_int_equal(status, GF_EXIT_CANTWRITE);
    assert_non_null(strstr(r.people.data, "the drive is full"));
    assert_true(r.written == (int64_t)there && r.cut == 3 - r.written && r.written > 0 &&
                r.cut > 0);
    assert_true(r.safe);
    assert_int_equal(site_unsettled(s), 3);
}

static void a_drive_that_cannot_be_written_is_read(void **state) {
    struct site *s = *state;
    struct gf_id id = site_add(s, "metrics", "{}", 0);
    struct reply reply;

    NEEDS_MOUNTS;
    (void)site_export(s);
    reply_begin(&reply, 1);
    reply_receipt(&reply, &id, "{}", GF_STATE_RELAYED, NULL);
    bring(&reply, "1.gfb");
    assert_int_equal(mount(usb, usb, NULL, MS_BIND, NULL), 0);
    assert_int_equal(mount(NULL, usb, NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL), 0);
    enum gf_exit first = visit(s);
    int applied = r.responses == 1 && r.in.relayed == 1;
    int said = r.read_only && r.written == 0 && r.cut == 1 && r.safe;
    enum gf_exit second = visit(s);
    int64_t bundles = (int64_t)site_unsettled(s);
    size_t left = count("to-site");
    (void)umount(usb);
    assert_true(applied && said);
    assert_int_equal(first, GF_EXIT_AWAITED); /* what says that it came could not be written */
    assert_int_equal(second, GF_EXIT_AWAITED);
    assert_true(r.seen == 1);
    assert_true(bundles == 1);
    assert_int_equal(left, 1);
    check_silent(s);
    assert_true(r.written == 1);
}

/* Whatever it is that is in the way, what was to be written is not there. */
static void a_drive_that_fails_is_not_called_safe(void **state) {
    struct site *s = *state;
    char away[160];

    site_add(s, "metrics", "{}", 0);
    make_drive();
    (void)snprintf(away, sizeof away, "%s/elsewhere", s->root);
    assert_int_equal(mkdir(away, 0755), 0);
    assert_int_equal(rmdir(on("to-relay", "")), 0);
    char link_path[300];
    (void)snprintf(link_path, sizeof link_path, "%s/GAPFERRY/to-relay", usb);
    assert_int_equal(symlink(away, link_path), 0);
    check_told(s, GF_EXIT_IO, "a link");
    assert_false(r.safe);
    assert_true(r.cut == 1 && r.written == 0);
    assert_true(site_bundle(s, 0).written == 0);
}

static void a_place_that_is_no_drive_is_refused_at_once(void **state) {
    struct site *s = *state;

    assert_int_equal(sync_drive(&s->a, &(struct sync_options){.dir = "/nowhere/at/all"}, &r, &e),
                     -1);
    assert_string_equal(gf_err_name(e.code), "no-input");
    check_silent(s); /* the lock is free again */
    assert_int_equal(store_lock(s->a.store, "somebody else", &e), 0);
    struct site other = *s;
    assert_int_equal(store_open(s->a.state, &other.a.store, &e), 0);
    assert_int_equal(sync_drive(&other.a, &(struct sync_options){.dir = usb}, &r, &e), -1);
    assert_string_equal(gf_err_name(e.code), "busy");
    store_close(other.a.store);
    store_unlock(s->a.store);
}

int main(void) {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(without_a_relay_its_card_is_shown_with_the_remedy),
        T(once_a_relay_is_trusted_other_cards_are_not_shown),
        T(a_full_drive_gets_what_fits_and_the_rest_is_told),
        T(a_drive_that_cannot_be_written_is_read),
        T(a_drive_that_fails_is_not_called_safe),
        T(a_place_that_is_no_drive_is_refused_at_once),
    };
    return cmocka_run_group_tests(tests, setup_all, kit_teardown);
}
