/*
 * test_view.c -- facts as pages: foreign text, and when a page loads itself again.
 */
#include "relay_testing.h"

#include "relay/page/view.h"

#define EVIL "<script>alert('x')</script>\\\"&\\u001b[31m"

static void foreign_text_stays_text(void **state) {
    static const char text[] =
        "{\"courier\":\"" EVIL "\",\"relay\":\"" EVIL "\",\"fingerprint\":\"F\",\"bundles\":[{"
        "\"row\":1,\"size\":5,\"state\":\"%s\",\"news\":false,\"at\":null,\"confirmed\":null,"
        "\"why\":\"" EVIL "\","
        "\"sender\":\"waiting\",\"identity\":\"" EVIL "\",\"name\":\"" EVIL
        "\",\"fingerprint\":\"" EVIL "\",\"called\":\"" EVIL "\",\"facts\":{\"state\":\"%s\","
        "\"told\":true,\"seen\":false,\"why\":\"" EVIL "\",\"id\":\"" EVIL "\",\"created\":\"" EVIL
        "\",\"expires\":null,\"records\":1,\"files\":0,\"channels\":[{\"channel\":\"" EVIL
        "\",\"records\":1}]}}],\"deliveries\":[{\"endpoint\":\"" EVIL "\",\"channel\":\"" EVIL
        "\",\"reason\":\"" EVIL "\",\"due\":\"" EVIL "\",\"state\":\"later\",\"records\":1}],"
        "\"responses\":[{\"id\":\"" EVIL "\",\"name\":\"" EVIL "\",\"fingerprint\":null,"
        "\"created\":null,\"size\":1,\"taken\":true}]}";
    static const char *const states[][2] = {{"looked", "ready"},     {"looked", "refused"},
                                            {"looked", "stranger"},  {"taken", "ready"},
                                            {"pending", "stranger"}, {"refused", "ready"},
                                            {"lost", "ready"},       {"looking", "ready"}};
    char filled[8192];
    struct gf_err e;
    (void)state;

    for (size_t i = 0; i < sizeof states / sizeof *states; i++)
        for (int home = 0; home < 2; home++) {
            struct gf_buf b;
            gf_buf_init(&b, (size_t)1 << 20);
            (void)snprintf(filled, sizeof filled, text, states[i][0], states[i][1]);
            assert_ok(home ? view_home(&b, filled, strlen(filled), "c", &e)
                           : view_bundle(&b, filled, strlen(filled), "c", &e),
                      e);
            assert_null(strstr(b.data, "<script"));
            assert_true(!home || strstr(b.data, ">downloaded<") != NULL);
            assert_null(strstr(b.data, "alert('"));
            assert_null(strchr(b.data, 0x1b));
            assert_non_null(
                strstr(b.data, "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&quot;&amp;"));
            gf_buf_free(&b);
        }
}

/* The page of a bundle that was taken, whose records are in this state. */
static int shows(const char *news, const char *state, const char *what) {
    char text[2048];
    struct gf_buf b;
    struct gf_err e;

    (void)snprintf(text, sizeof text,
                   "{\"courier\":\"a\",\"relay\":null,\"fingerprint\":\"F\",\"bundles\":[{"
                   "\"row\":7,\"size\":5,\"state\":\"taken\",\"news\":%s,\"at\":null,"
                   "\"confirmed\":null,\"why\":null,\"sender\":\"enrolled\",\"identity\":\"i\","
                   "\"name\":null,\"fingerprint\":null,\"called\":\"r\",\"facts\":null}],"
                   "\"deliveries\":[{\"endpoint\":null,\"channel\":\"c\",\"reason\":null,"
                   "\"due\":null,\"state\":\"%s\",\"records\":1}],\"responses\":[]}",
                   news, state);
    gf_buf_init(&b, (size_t)1 << 20);
    assert_ok(view_bundle(&b, text, strlen(text), "c", &e), e);
    int is = strstr(b.data, what) != NULL;
    gf_buf_free(&b);
    return is;
}

static void a_page_that_waits_for_nothing_does_not_load_again(void **state) {
    static const char again[] = "content=\"3;url=/bundle/7?again=1\"";
    (void)state;

    assert_true(shows("true", "delivered", again));
    assert_true(shows("true", "delivered", "No response is ready yet"));
    assert_true(shows("false", "sending", again));
    assert_false(shows("false", "delivered", "refresh"));
    assert_true(shows("false", "delivered", "nothing to take back"));
}

static void what_is_no_facts_makes_no_page(void **state) {
    static const char *const wrong[] = {"", "{}", "[]", "{\"courier\":1}"};
    struct gf_err e;
    (void)state;

    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct gf_buf b;
        gf_buf_init(&b, (size_t)1 << 20);
        assert_int_equal(view_home(&b, wrong[i], strlen(wrong[i]), "c", &e), -1);
        assert_int_equal(view_bundle(&b, wrong[i], strlen(wrong[i]), "c", &e), -1);
        gf_buf_free(&b);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(foreign_text_stays_text),
        cmocka_unit_test(a_page_that_waits_for_nothing_does_not_load_again),
        cmocka_unit_test(what_is_no_facts_makes_no_page),
    };
    return cmocka_run_group_tests(tests, kit_setup, kit_teardown);
}
