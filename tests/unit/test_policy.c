/*
 * test_policy.c -- policy.json: what the collector may take, as things stand.
 */
#include "configured_testing.h"

#include "gapferry/json.h"

static char path[600];

static int setup(void **state) {
    (void)agent_setup(state);
    (void)snprintf(path, sizeof path, "%s/policy.json", s.a.state);
    return 0;
}

/* Publish, and what is there then. */
static char *published(void) {
    static char text[8192];
    struct gf_buf b;

    if (agent_policy_publish(&s.a, &e) == -1)
        fail_msg("%s", e.text);
    assert_int_equal(gf_file_load(AT_FDCWD, path, sizeof text - 1, &b, &e), 0);
    memcpy(text, b.data, b.len);
    text[b.len] = '\0';
    assert_int_equal(gf_json_check(text, b.len, "policy.json", &e), 0);
    gf_buf_free(&b);
    return text;
}

static void consent_and_rules_of_each_channel_are_there(void **state) {
    (void)state;

    configure(
        "[channel \"metrics\"]\nallow = users , edition,\nproduct = demo\n"
        "[channel \"audit\"]\n[channel \"license\"]\n[channel \"sales\"]\nconsent = denied\n");
    site_consent(&s, "sales", STORE_GRANTED);
    site_consent(&s, "by-hand", STORE_GRANTED);
    char *text = published();
    char agent[GF_ID_TEXT];
    gf_text_hex(kit_site.card.agent.b, 16, agent);
    assert_non_null(strstr(text, agent));
    assert_non_null(
        strstr(text, "{\"channel\": \"metrics\", \"consent\": \"granted\", \"allow\": "
                     "[\"users\", \"edition\"], \"deny\": null, \"product\": \"demo\", \"type\": "
                     "\"application/json\", \"room\": {\"records\": null, \"bytes\": "
                     "null}}"));
    assert_non_null(strstr(text, "{\"channel\": \"audit\", \"consent\": \"ask\", \"allow\": null"));
    assert_non_null(strstr(text, "{\"channel\": \"sales\", \"consent\": \"denied\""));
    assert_non_null(strstr(text, "{\"channel\": \"by-hand\", \"consent\": \"granted\""));
    assert_null(strstr(text, "license"));
}

static void the_room_that_is_left_is_there(void **state) {
    (void)state;

    configure("[channel \"metrics\"]\nmax_records = 3\n");
    (void)site_add(&s, "metrics", "{}", 0);
    assert_non_null(strstr(published(), "\"room\": {\"records\": 2, \"bytes\": null}"));
    for (int i = 0; i < 5; i++)
        (void)site_add(&s, "metrics", "{}", 0);
    assert_non_null(strstr(published(), "\"room\": {\"records\": 0, "));
}

static void a_denial_replaces_what_was_there(void **state) {
    (void)state;

    assert_non_null(strstr(published(), "\"granted\""));
    site_consent(&s, "metrics", STORE_DENIED);
    assert_non_null(strstr(published(), "{\"channel\": \"metrics\", \"consent\": \"denied\""));
}

static void nothing_is_written_where_nothing_has_changed(void **state) {
    struct stat before, after;
    (void)state;

    (void)published();
    assert_int_equal(stat(path, &before), 0);
    assert_int_equal(before.st_mode & 0777, 0600);
    (void)published();
    assert_int_equal(stat(path, &after), 0);
    assert_int_equal(before.st_ino, after.st_ino);
    site_consent(&s, "metrics", STORE_DENIED);
    (void)published();
    assert_int_equal(stat(path, &after), 0);
    assert_int_not_equal(before.st_ino, after.st_ino); /* another file, under the same name */
}

static void what_lies_in_its_place_is_replaced(void **state) {
    (void)state;

    assert_int_equal(symlink("/etc/passwd", path), 0);
    (void)published();
    struct stat st;
    assert_int_equal(lstat(path, &st), 0);
    assert_true(S_ISREG(st.st_mode));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, agent_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(consent_and_rules_of_each_channel_are_there),
        TEST(the_room_that_is_left_is_there),
        TEST(a_denial_replaces_what_was_there),
        TEST(nothing_is_written_where_nothing_has_changed),
        TEST(what_lies_in_its_place_is_replaced),
    };
    return cmocka_run_group_tests(tests, kit_setup, kit_teardown);
}
