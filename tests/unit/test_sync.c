/*
 * test_sync.c -- one visit of a drive: what goes out, what comes in.
 */
#include "sync_testing.h"

#include <dirent.h>

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

static void a_copy_that_was_damaged_is_replaced_and_nothing_of_others(void **state) {
    static const char other[] = "00000000000000000000000000000001.gfb";
    struct site *s = *state;
    struct gf_buf mine, theirs;
    char path[800];

    site_add(s, "metrics", "{}", 0);
    check_silent(s);
    struct store_bundle b = site_bundle(s, 0);
    (void)snprintf(path, sizeof path, "%s/outbox/%s", s->a.state, b.file);
    assert_int_equal(gf_file_load(AT_FDCWD, path, 1 << 20, &mine, &e), 0);
    assert_int_equal(gf_file_save_new(AT_FDCWD, on("to-relay", other), "x", 1, 0644, &e), 0);

    /* Other bytes of the same length, then none at all. */
    int fd = open(on("to-relay", b.file), O_WRONLY);
    assert_int_equal(pwrite(fd, "damage", 6, 700), 6);
    for (int i = 0; i < 2; i++) {
        check_silent(s);
        assert_true(r.written == 1 && r.replaced == 1 && r.there == 0 && r.cut == 0);
        assert_int_equal(gf_file_load(AT_FDCWD, on("to-relay", b.file), 1 << 20, &theirs, &e), 0);
        assert_int_equal(mine.len, theirs.len);
        assert_memory_equal(mine.data, theirs.data, mine.len);
        gf_buf_free(&theirs);
        assert_int_equal(truncate(on("to-relay", b.file), 0), 0);
    }
    (void)close(fd);
    gf_buf_free(&mine);
    assert_int_equal(access(on("to-relay", other), F_OK), 0);

    /* What is no file is nobody's copy. */
    assert_int_equal(unlink(on("to-relay", b.file)), 0);
    assert_int_equal(mkdir(on("to-relay", b.file), 0755), 0);
    check_told(s, GF_EXIT_CANTWRITE, "something that is not ours has this name");
    assert_true(r.replaced == 0 && r.cut == 1);
    assert_int_equal(access(on("to-relay", b.file), F_OK), 0);
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

/* The name of the one file that lies there. */
static void find_only(const char *folder, char out[GF_DRIVE_NAME]) {
    DIR *d = opendir(on(folder, ""));
    struct dirent *x;

    assert_non_null(d);
    out[0] = '\0';
    while ((x = readdir(d)) != NULL)
        if (x->d_name[0] != '.')
            (void)snprintf(out, GF_DRIVE_NAME, "%.*s", GF_DRIVE_NAME - 1, x->d_name);
    (void)closedir(d);
    assert_true(out[0] != '\0');
}

static void a_request_without_records_that_was_damaged_is_replaced(void **state) {
    struct site *s = *state;
    struct gf_id id = site_add(s, "metrics", "{}", 0);
    struct reply reply;
    struct gf_buf whole, now;
    char name[GF_DRIVE_NAME];

    check_silent(s);
    reply_begin(&reply, 1);
    reply_receipt(&reply, &id, "{}", GF_STATE_DELIVERED, NULL);
    bring(&reply, "1.gfb");
    check_silent(s);
    find_only("to-relay", name);
    assert_int_equal(gf_file_load(AT_FDCWD, on("to-relay", name), 1 << 20, &whole, &e), 0);

    check_silent(s);
    assert_int_equal(r.replaced, 0);
    assert_int_equal(truncate(on("to-relay", name), 100), 0);
    check_silent(s);
    assert_true(r.replaced == 1 && r.written == 0);
    assert_int_equal(gf_file_load(AT_FDCWD, on("to-relay", name), 1 << 20, &now, &e), 0);
    assert_int_equal(now.len, whole.len);
    assert_memory_equal(now.data, whole.data, whole.len);
    gf_buf_free(&whole);
    gf_buf_free(&now);

    /* The relay has taken it: it is not written again. */
    assert_int_equal(unlink(on("to-relay", name)), 0);
    check_silent(s);
    assert_true(r.replaced == 0 && r.written == 0 && count("to-relay") == 0);
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
    /* It has come: no drive will bring it again. */
    assert_true(r.in.unusable == 1 && r.answers == 0);
}

int main(void) {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(what_is_due_is_written_byte_for_byte_and_lies_there_the_next_time),
        T(our_card_lies_there_without_our_name_unless_wanted),
        T(a_copy_that_was_damaged_is_replaced_and_nothing_of_others),
        T(a_settled_bundle_is_taken_away),
        T(a_request_without_records_that_was_damaged_is_replaced),
        T(consent_withdrawn_is_taken_off_the_drive_as_well),
        T(responses_are_applied_in_the_order_of_their_numbers_and_removed),
        T(carried_twice_it_takes_effect_once),
        T(what_is_for_others_is_left_alone_and_not_counted),
        T(damage_is_told_and_left_where_it_lay),
        T(a_fork_is_told_and_left_as_evidence),
        T(an_answer_that_cannot_be_used_needs_a_person),
    };
    return cmocka_run_group_tests(tests, setup_all, kit_teardown);
}
