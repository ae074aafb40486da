/*
 * test_drive_cards.c -- cards on a drive: one's own is put there, strangers' are read.
 */
#include "drive_testing.h"

#include "gapferry/digest.h"

#define CARDS "GAPFERRY/cards"

/* A relay's new card and its file's bytes; free with gf_buf_free(). */
static void make_card(struct gf_card *c, struct gf_buf *text) {
    struct gf_sign_key *sign = NULL;
    struct gf_seal_key *seal = NULL;
    struct gf_err e;
    memset(c, 0, sizeof(*c));
    assert_int_equal(gf_digest_start(&e), 0);
    assert_int_equal(gf_key_sign_new(&sign, &e), 0);
    assert_int_equal(gf_key_seal_new(&seal, &e), 0);
    c->role = GF_ROLE_RELAY;
    c->created = 1700000000;
    c->sign = *gf_key_sign_public(sign);
    c->seal = *gf_key_seal_public(seal);
    gf_key_identity(&c->sign, &c->seal, &c->identity);
    gf_buf_init(text, GF_CARD_FILE_MAX);
    if (gf_card_write(c, 0, sign, text, &e) == -1)
        fail_msg("%s", e.text);
    gf_key_sign_free(sign);
    gf_key_seal_free(seal);
}

static void a_card_is_named_for_its_fingerprint_and_comes_back(void **state) {
    struct stick *s = *state;
    struct gf_card c, *cards = NULL;
    struct gf_buf text;
    size_t n = 9, unreadable = 9;
    char name[GF_DRIVE_NAME], print[GF_FINGERPRINT_TEXT];
    int was = -1;
    open_drive(s);
    make_card(&c, &text);
    gf_card_fingerprint(&c, print);
    gf_drive_card_name(&c, name);
    assert_int_equal(strlen(name), strlen(print) + strlen(".card"));
    assert_int_equal(strncasecmp(name, print, strlen(print)), 0);
    assert_true(gf_drive_is_name(name, ".card"));

    assert_int_equal(gf_drive_put_card(s->d, &c, text.data, text.len, &was, &s->e), 0);
    assert_int_equal(was, 0);
    assert_int_equal(gf_drive_put_card(s->d, &c, text.data, text.len, &was, &s->e), 0);
    assert_int_equal(was, 1);
    assert_int_equal(gf_drive_cards(s->d, &cards, &n, &unreadable, &s->e), 0);
    assert_int_equal(n, 1);
    assert_int_equal(unreadable, 0);
    assert_memory_equal(&cards[0].identity, &c.identity, sizeof(c.identity));
    free(cards);
    gf_buf_free(&text);
}

static void an_empty_folder_or_none_holds_no_cards(void **state) {
    struct stick *s = *state;
    struct gf_card *cards = NULL;
    size_t n = 9, unreadable = 9;
    open_drive(s);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(gf_drive_cards(s->d, &cards, &n, &unreadable, &s->e), 0);
        assert_int_equal(n, 0);
        assert_int_equal(unreadable, 0);
        free(cards);
        assert_int_equal(i == 0 ? rmdir(on(s, CARDS)) : 0, 0);
    }
}

static void what_is_no_card_is_counted_and_hides_no_other(void **state) {
    struct stick *s = *state;
    struct gf_card c, *cards = NULL;
    struct gf_buf text;
    size_t n = 0, unreadable = 0;
    char *big = pattern(GF_CARD_FILE_MAX + 1);
    open_drive(s);
    make_card(&c, &text);
    put_file(s, CARDS "/a.card", "junk", 4);
    put_file(s, CARDS "/b.card", "", 0);
    put_file(s, CARDS "/c.card", text.data, text.len - 1);
    put_file(s, CARDS "/d.card", text.data, text.len);
    text.data[text.len / 3] ^= 1;
    put_file(s, CARDS "/e.card", text.data, text.len);
    put_file(s, CARDS "/f.card", big, GF_CARD_FILE_MAX + 1);
    put_file(s, CARDS "/g.card", big, GF_CARD_FILE_MAX);
    put_file(s, CARDS "/foreign.txt", "x", 1);
    assert_int_equal(symlink("d.card", on(s, CARDS "/h.card")), 0);
    assert_int_equal(mkfifo(on(s, CARDS "/i.card"), 0644), 0);
    assert_int_equal(gf_drive_cards(s->d, &cards, &n, &unreadable, &s->e), 0);
    assert_int_equal(n, 1);
    assert_memory_equal(&cards[0].identity, &c.identity, sizeof(c.identity));
    assert_int_equal(unreadable, 6);
    free(cards);
    free(big);
    gf_buf_free(&text);
}

/* How often this name was listed, in so many scans. */
static int times_listed(struct stick *s, const char *name, int scans) {
    int times = 0;
    for (int k = 0; k < scans; k++) {
        struct gf_drive_list l;
        assert_int_equal(gf_drive_scan(s->d, GF_FOLDER_TO_RELAY, 0, &l, &s->e), 0);
        assert_int_equal(l.n, GF_DRIVE_BUNDLES_MAX);
        for (size_t i = 0; i < l.n; i++)
            times += strcmp(l.entries[i].name, name) == 0;
        gf_drive_list_free(&l);
    }
    return times;
}

static void junk_keeps_no_bundle_out(void **state) {
    static const char honest[] = "feedfeedfeedfeedfeedfeedfeedfeed.gfb";
    static const char zeros[4096];
    struct stick *s = *state;
    char name[80];
    open_drive(s);
    (void)snprintf(name, sizeof(name), RELAY "/%s", honest);
    put_file(s, name, zeros, sizeof zeros);
    for (int i = 0; i < GF_DRIVE_BUNDLES_MAX; i++) {
        (void)snprintf(name, sizeof(name), RELAY "/0-%05d.gfb", i);
        put_file(s, name, zeros, sizeof zeros);
    }
    assert_int_equal(times_listed(s, honest, 3), 3);
    for (int i = 0; i < GF_DRIVE_BUNDLES_MAX; i++) {
        (void)snprintf(name, sizeof(name), RELAY "/%032x.gfb", (unsigned)i);
        put_file(s, name, "12345678", 8); /* no bundle has this size */
    }
    assert_int_equal(times_listed(s, honest, 3), 3);
}

static void likely_junk_keeps_no_bundle_out_for_ever(void **state) {
    static const char honest[] = "feedfeedfeedfeedfeedfeedfeedfeed.gfb";
    static const char zeros[2048];
    struct stick *s = *state;
    char name[80];
    open_drive(s);
    (void)snprintf(name, sizeof(name), RELAY "/%s", honest);
    put_file(s, name, zeros, sizeof zeros);
    for (int i = 0; i < GF_DRIVE_BUNDLES_MAX; i++) {
        (void)snprintf(name, sizeof(name), RELAY "/%032x.gfb", (unsigned)i);
        put_file(s, name, zeros, sizeof zeros);
    }
    assert_int_not_equal(times_listed(s, honest, 3), 0);
}

static void copies_of_a_card_keep_no_other_out(void **state) {
    struct stick *s = *state;
    struct gf_card c, other, *cards = NULL;
    struct gf_buf text, more;
    size_t n = 0, unreadable = 9;
    char name[64];
    int was;
    open_drive(s);
    make_card(&c, &text);
    make_card(&other, &more);
    for (int i = 0; i < GF_DRIVE_CARDS_MAX + 10; i++) {
        (void)snprintf(name, sizeof(name), CARDS "/%d.card", i);
        put_file(s, name, text.data, text.len);
    }
    assert_int_equal(gf_drive_put_card(s->d, &other, more.data, more.len, &was, &s->e), 0);
    assert_int_equal(gf_drive_cards(s->d, &cards, &n, &unreadable, &s->e), 0);
    assert_int_equal(n, 2);
    assert_int_equal(unreadable, 0);
    free(cards);
    gf_buf_free(&text);
    gf_buf_free(&more);
}

static void only_so_many_cards_are_read(void **state) {
    struct stick *s = *state;
    struct gf_card c, *cards = NULL;
    struct gf_buf text;
    size_t n = 0, unreadable = 0;
    char name[64];
    open_drive(s);
    make_card(&c, &text);
    for (int i = 0; i < GF_DRIVE_CARDS_MAX + 10; i++) {
        (void)snprintf(name, sizeof(name), CARDS "/%d.card", i);
        put_file(s, name, text.data, text.len);
    }
    assert_int_equal(gf_drive_cards(s->d, &cards, &n, &unreadable, &s->e), 0);
    assert_int_equal(n, 1);
    free(cards);
    gf_buf_free(&text);
}

static void a_card_that_is_too_long_is_not_put(void **state) {
    struct stick *s = *state;
    struct gf_card c;
    struct gf_buf text;
    char *big = pattern(GF_CARD_FILE_MAX + 1);
    int was = -1;
    open_drive(s);
    make_card(&c, &text);
    assert_fails(gf_drive_put_card(s->d, &c, big, GF_CARD_FILE_MAX + 1, &was, &s->e), s->e,
                 GF_E_LIMIT, "at most");
    assert_int_equal(count(s, CARDS), 0);
    free(big);
    gf_buf_free(&text);
}

/* Somebody else's file under our card's name is evidence, and not ours to replace. */
static void another_card_under_our_name_is_left_as_it_is(void **state) {
    struct stick *s = *state;
    struct gf_card c;
    struct gf_buf text;
    char name[GF_DRIVE_NAME], path[96];
    int was = -1;
    open_drive(s);
    make_card(&c, &text);
    gf_drive_card_name(&c, name);
    (void)snprintf(path, sizeof(path), CARDS "/%s", name);
    put_file(s, path, "junk", 4);
    assert_fails(gf_drive_put_card(s->d, &c, text.data, text.len, &was, &s->e), s->e, GF_E_CREATE,
                 "move it away");
    assert_true(holds(s, path, "junk", 4));
    gf_buf_free(&text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        drive_test(a_card_is_named_for_its_fingerprint_and_comes_back),
        drive_test(an_empty_folder_or_none_holds_no_cards),
        drive_test(what_is_no_card_is_counted_and_hides_no_other),
        drive_test(only_so_many_cards_are_read),
        drive_test(copies_of_a_card_keep_no_other_out),
        drive_test(junk_keeps_no_bundle_out),
        drive_test(likely_junk_keeps_no_bundle_out_for_ever),
        drive_test(a_card_that_is_too_long_is_not_put),
        drive_test(another_card_under_our_name_is_left_as_it_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
