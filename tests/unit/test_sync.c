/*
 * test_sync.c -- one visit of a drive, on a directory that stands for it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/sync.h"
#include "gapferry/file.h"
#include "support/kit.h"
#include "support/site.h"

int agent_license_answer(struct agent *a, const struct gf_id *record, const char *text, size_t len,
                         const char **refused, struct gf_err *e) {
    (void)a, (void)record, (void)e;
    *refused = len == 3 && memcmp(text, "bad", 3) == 0 ? "not signed by a vendor we trust" : NULL;
    return 0;
}

static struct gf_err e;
static char usb[128];        /* the drive */
static struct sync_result r; /* of the last sync() */

/* Mounts are made in a namespace of their own, and vanish with the test. */
static const char *no_mounts;

static int setup_all(void **state) {
    if (unshare(CLONE_NEWNS) == -1 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == -1)
        no_mounts = strerror(errno);
    return kit_setup(state);
}

#define NEEDS_MOUNTS                                                                               \
    do {                                                                                           \
        if (no_mounts) {                                                                           \
            print_message("SKIPPED: %s: no mount namespace: %s\n", __func__, no_mounts);           \
            skip();                                                                                \
        }                                                                                          \
    } while (0)

static int setup(void **state) {
    struct site *s = calloc(1, sizeof *s);

    site_make(s, 1);
    (void)snprintf(usb, sizeof usb, "%s/usb", s->root);
    assert_int_equal(mkdir(usb, 0755), 0);
    *state = s;
    return 0;
}

static int teardown(void **state) {
    site_free(*state);
    free(*state);
    sync_free(&r);
    return 0;
}

static enum gf_exit sync_with(struct site *s, const struct sync_options *o) {
    sync_free(&r);
    if (sync_drive(&s->a, o, &r, &e) == -1)
        fail_msg("%s", e.text);
    if (!r.people.data)
        gf_buf_text(&r.people, "");
    return r.status;
}

static enum gf_exit visit(struct site *s) {
    return sync_with(s, &(struct sync_options){.dir = usb});
}

/* The status, and words that a person is told. */
static void check_told(struct site *s, enum gf_exit want, const char *words) {
    enum gf_exit got = visit(s);

    if (!r.people.data || !strstr(r.people.data, words))
        fail_msg("\"%s\" does not say \"%s\"", r.people.data ? r.people.data : "", words);
    assert_int_equal(got, want);
}

static void check_silent(struct site *s) {
    enum gf_exit got = visit(s);

    if (got != GF_EXIT_DONE || r.people.len > 0)
        fail_msg("%d: %s", (int)got, r.people.data);
    assert_true(r.safe);
}

static char *on(const char *folder, const char *name) {
    static char path[300];

    (void)snprintf(path, sizeof path, "%s/GAPFERRY/%s/%s", usb, folder, name);
    return path;
}

static size_t count(const char *folder) {
    int dir = open(on(folder, ""), O_RDONLY | O_DIRECTORY);

    if (dir == -1)
        return 0;
    size_t n = kit_entries(dir);
    (void)close(dir);
    return n;
}

static void make_drive(void) {
    struct gf_drive *d;

    assert_int_equal(gf_drive_open(usb, 1, &d, &e), 0);
    gf_drive_close(d);
}

/* Lay a reply on the drive. */
static void bring(struct reply *reply, const char *name) {
    int fd = reply_seal(reply);

    make_drive();
    site_save(fd, on("to-site", name));
    (void)close(fd);
}

static void bring_card(const struct gf_identity *who) {
    char name[GF_DRIVE_NAME];

    make_drive();
    gf_drive_card_name(&who->card, name);
    assert_int_equal(
        gf_file_save_new(AT_FDCWD, on("cards", name), who->card_text, who->card_len, 0644, &e), 0);
}

/* ---- out ---- */

static void what_is_due_is_written_byte_for_byte_and_lies_there_the_next_time(void **state) {
    struct site *s = *state;
    struct gf_id id = site_add(s, "metrics", "{}", 0);
    struct gf_buf mine, theirs;
    char path[800];

    check_silent(s);
    assert_true(r.written == 1 && r.records == 1 && r.there == 0 && r.exported == 1);
    assert_int_equal(count("to-relay"), 1);
    struct store_bundle b = site_bundle(s, 0);
    assert_true(b.written == SITE_NOW);
    (void)snprintf(path, sizeof path, "%s/outbox/%s", s->a.state, b.file);
    assert_int_equal(gf_file_load(AT_FDCWD, path, 1 << 20, &mine, &e), 0);
    assert_int_equal(gf_file_load(AT_FDCWD, on("to-relay", b.file), 1 << 20, &theirs, &e), 0);
    assert_int_equal(mine.len, theirs.len);
    assert_memory_equal(mine.data, theirs.data, mine.len);
    gf_buf_free(&mine);
    gf_buf_free(&theirs);

    check_silent(s);
    assert_true(r.written == 0 && r.there == 1 && r.records == 1);
    assert_int_equal(site_state(s, &id), STORE_EXPORTED);
    assert_int_equal(count("to-relay"), 1);

    /* Another drive gets it as well. */
    (void)snprintf(usb, sizeof usb, "%s/usb-2", s->root);
    assert_int_equal(mkdir(usb, 0755), 0);
    check_silent(s);
    assert_true(r.written == 1);
}

static void our_card_lies_there_without_our_name_unless_wanted(void **state) {
    struct site *s = *state;
    struct gf_card c;
    char name[GF_DRIVE_NAME];

    (void)snprintf(s->a.id.card.name, sizeof s->a.id.card.name, "site a");
    gf_drive_card_name(&kit_site.card, name);
    check_silent(s);
    assert_int_equal(gf_card_load(AT_FDCWD, on("cards", name), &c, &e), 0);
    assert_string_equal(c.name, "");
    assert_int_equal(sync_with(s, &(struct sync_options){.dir = usb, .name_on_card = 1}), 0);
    assert_int_equal(gf_card_load(AT_FDCWD, on("cards", name), &c, &e), 0);
    assert_string_equal(c.name, "site a");
    check_silent(s);
    assert_int_equal(gf_card_load(AT_FDCWD, on("cards", name), &c, &e), 0);
    assert_string_equal(c.name, "");
    assert_int_equal(count("cards"), 1);
}

static void a_settled_bundle_is_taken_away(void **state) {
    struct site *s = *state;
    struct gf_id id = site_add(s, "metrics", "{}", 0);
    struct reply reply;

    check_silent(s);
    char own[GF_DRIVE_NAME];
    (void)snprintf(own, sizeof own, "%s", site_bundle(s, 0).file);
    /* Somebody else's lies beside it, and stays. */
    assert_int_equal(gf_file_save_new(AT_FDCWD,
                                      on("to-relay", "00000000000000000000000000000001.gfb"), "x",
                                      1, 0644, &e),
                     0);
    reply_begin(&reply, 1);
    reply_receipt(&reply, &id, "{}", GF_STATE_RELAYED, NULL);
    bring(&reply, "1.gfb");
    check_silent(s);
    assert_true(r.responses == 1 && r.in.relayed == 1 && r.removed == 1 && r.relayed == 1);
    assert_int_equal(access(on("to-relay", own), F_OK), -1);
    assert_int_equal(count("to-site"), 0);
    assert_int_equal(count("to-relay"), 2); /* the other's, and one that says what has come */
    assert_true(r.written == 1 && r.records == 0);

    /* The latter is written once, and left for the relay. */
    check_silent(s);
    assert_true(r.written == 0 && r.there == 0 && r.removed == 0);
    assert_int_equal(count("to-relay"), 2);
}

static void consent_withdrawn_is_taken_off_the_drive_as_well(void **state) {
    struct site *s = *state;
    struct gf_id kept = site_add(s, "license", "{}", 1);

    site_add(s, "metrics", "{}", 0);
    check_silent(s);
    struct store_bundle b = site_bundle(s, 0);
    site_consent(s, "metrics", STORE_DENIED);
    check_silent(s);
    assert_int_equal(access(on("to-relay", b.file), F_OK), -1);
    assert_true(r.removed == 1 && r.written == 1 && r.records == 1);
    assert_int_equal(count("to-relay"), 1);
    assert_int_equal(site_state(s, &kept), STORE_EXPORTED);
}

/* ---- in ---- */

static void responses_are_applied_in_the_order_of_their_numbers_and_removed(void **state) {
    struct site *s = *state;
    struct gf_id id = site_add(s, "metrics", "{}", 0);
    struct gf_id other = site_add(s, "metrics", "{}", 0);
    struct reply reply;

    check_silent(s);
    /* The names say the contrary: 2 would come first, and make 1 behind. */
    reply_begin(&reply, 2);
    reply_receipt(&reply, &id, "{}", GF_STATE_DELIVERED, NULL);
    bring(&reply, "a.gfb");
    reply_begin(&reply, 1);
    reply_receipt(&reply, &id, "{}", GF_STATE_RELAYED, NULL);
    reply_receipt(&reply, &other, "{}", GF_STATE_DELIVERED, NULL);
    bring(&reply, "b.gfb");
    check_silent(s);
    assert_true(r.responses == 2 && r.in.relayed == 1 && r.in.delivered == 2);
    assert_int_equal(count("to-site"), 0);
}

static void carried_twice_it_takes_effect_once(void **state) {
    struct site *s = *state;
    struct gf_id id = site_add(s, "metrics", "{}", 0);
    struct reply reply;

    check_silent(s);
    reply_begin(&reply, 1);
    reply_receipt(&reply, &id, "{}", GF_STATE_DELIVERED, NULL);
    int fd = reply_seal(&reply);
    for (int i = 0; i < 4; i++) {
        site_save(fd, on("to-site", "1.gfb"));
        check_silent(s);
        assert_true(r.responses == (i == 0) && r.seen == (i > 0));
        assert_true(r.in.delivered == (i == 0));
        assert_int_equal(count("to-site"), 0);
    }
    (void)close(fd);
    assert_int_equal(site_state(s, &id), STORE_DELIVERED);
}

static void what_is_for_others_is_left_alone_and_not_counted(void **state) {
    struct site *s = *state;
    struct reply reply;

    reply_begin(&reply, 1);
    reply.to = &kit_other.card;
    reply_notice(&reply, "time", "x");
    bring(&reply, "1.gfb");
    assert_int_equal(gf_file_save_new(AT_FDCWD, on("to-site", "notes.txt"), "x", 1, 0644, &e), 0);
    check_silent(s);
    assert_true(r.responses == 0);
    assert_int_equal(count("to-site"), 2);
}

static void damage_is_told_and_left_where_it_lay(void **state) {
    struct site *s = *state;
    struct gf_id id = site_add(s, "metrics", "{}", 0);
    struct reply reply;
    char path[300];

    check_silent(s);
    reply_begin(&reply, 1);
    reply_receipt(&reply, &id, "{}", GF_STATE_DELIVERED, NULL);
    bring(&reply, "whole.gfb");
    reply_begin(&reply, 2);
    reply_notice(&reply, "time", "x");
    bring(&reply, "broken.gfb");
    /* One byte of the payload: the head is right. */
    (void)snprintf(path, sizeof path, "%s", on("to-site", "broken.gfb"));
    int fd = open(path, O_RDWR);
    struct stat st;
    char byte;
    assert_int_equal(fstat(fd, &st), 0);
    assert_int_equal(gf_file_read_at(fd, &byte, 1, st.st_size - 1600), 1);
    byte ^= 1;
    assert_int_equal(gf_file_write_at(fd, &byte, 1, st.st_size - 1600), 0);
    (void)close(fd);
    assert_int_equal(gf_file_save_new(AT_FDCWD, on("to-site", "empty.gfb"), "", 0, 0644, &e), 0);

    check_told(s, GF_EXIT_DAMAGED, "to-site/broken.gfb: ");
    assert_non_null(strstr(r.people.data, "(digest)"));
    assert_non_null(strstr(r.people.data, "to-site/empty.gfb: "));
    assert_true(r.safe && r.responses == 1);
    assert_int_equal(count("to-site"), 2);
    assert_int_equal(site_state(s, &id), STORE_DELIVERED);
}

static void a_fork_is_told_and_left_as_evidence(void **state) {
    struct site *s = *state;
    struct reply reply;

    reply_begin(&reply, 1);
    reply_notice(&reply, "time", "x");
    bring(&reply, "a.gfb");
    reply_begin(&reply, 1);
    reply_notice(&reply, "time", "y");
    bring(&reply, "b.gfb");
    check_told(s, GF_EXIT_DAMAGED, "keep this file as evidence");
    assert_true(r.responses == 1);
    assert_int_equal(count("to-site"), 1);
}

static void an_answer_that_cannot_be_used_needs_a_person(void **state) {
    struct site *s = *state;
    struct gf_id id = site_add(s, "license", "{}", 1);
    struct reply reply;

    check_silent(s);
    assert_true(r.answers == 1);
    reply_begin(&reply, 1);
    reply_receipt(&reply, &id, "{}", GF_STATE_DELIVERED, NULL);
    reply_answer(&reply, &id, 200, "bad");
    bring(&reply, "1.gfb");
    check_told(s, GF_EXIT_AWAITED, "cannot be used");
    assert_true(r.in.unusable == 1 && r.answers == 1);
}

/* ---- trust ---- */

static void without_a_relay_its_card_is_shown_with_the_remedy(void **state) {
    struct site s;
    struct reply reply;
    char want[600], fingerprint[GF_FINGERPRINT_TEXT], name[GF_DRIVE_NAME];
    (void)state;

    site_make(&s, 0);
    bring_card(&kit_relay);
    bring_card(&kit_other); /* an agent's: no business of ours */
    /* Nothing is due: this is told, and is no failure. */
    gf_card_fingerprint(&kit_relay.card, fingerprint);
    gf_drive_card_name(&kit_relay.card, name);
    (void)snprintf(want, sizeof want,
                   "gapferry-agent --root my/root trust %s/GAPFERRY/cards/%s --fingerprint %s\n",
                   usb, name, fingerprint);
    assert_int_equal(sync_with(&s, &(struct sync_options){.dir = usb, .root = "my/root"}), 0);
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

static void the_gravest_status_counts(void **state) {
    static const enum gf_exit order[] = {70, 74, 73, 78, 84, 65, 80, 83, 77, 85, 69, 75, 0};
    (void)state;

    for (size_t i = 0; i < sizeof order / sizeof *order; i++)
        for (size_t j = 0; j < sizeof order / sizeof *order; j++)
            assert_int_equal(sync_graver(order[i], order[j]), order[i < j ? i : j]);
}

int main(void) {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(what_is_due_is_written_byte_for_byte_and_lies_there_the_next_time),
        T(our_card_lies_there_without_our_name_unless_wanted),
        T(a_settled_bundle_is_taken_away),
        T(consent_withdrawn_is_taken_off_the_drive_as_well),
        T(responses_are_applied_in_the_order_of_their_numbers_and_removed),
        T(carried_twice_it_takes_effect_once),
        T(what_is_for_others_is_left_alone_and_not_counted),
        T(damage_is_told_and_left_where_it_lay),
        T(a_fork_is_told_and_left_as_evidence),
        T(an_answer_that_cannot_be_used_needs_a_person),
        T(without_a_relay_its_card_is_shown_with_the_remedy),
        T(once_a_relay_is_trusted_other_cards_are_not_shown),
        T(a_full_drive_gets_what_fits_and_the_rest_is_told),
        T(a_drive_that_cannot_be_written_is_read),
        T(a_drive_that_fails_is_not_called_safe),
        T(a_place_that_is_no_drive_is_refused_at_once),
        cmocka_unit_test(the_gravest_status_counts),
    };
    return cmocka_run_group_tests(tests, setup_all, kit_teardown);
}
