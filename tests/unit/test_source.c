/*
 * test_source.c -- sources as configured, when they are due, and what the built-in document reads.
 */
#include "configured_testing.h"

#include "agent/source/source.h"
#include "gapferry/json.h"

#define DAY 86400LL

/* ---- configuration ---- */

static void a_source_is_daily_and_bounded_unless_said_otherwise(void **state) {
    struct source src;
    (void)state;

    configure("[channel \"metrics\"]\nproduct = demo\nonly_if = /bin/true\n"
              "[source \"daily\"]\nchannel = metrics\n"
              "[source \"usage\"]\nchannel = metrics\ncommand = /usr/bin/usage --json\n"
              "interval = 1h\ntimeout = 5s\nmax_bytes = 1000\nproduct = other\n");
    assert_int_equal(source_load(s.a.config, "daily", &src, &e), 0);
    assert_int_equal(src.interval, DAY);
    assert_int_equal(src.timeout, 30);
    assert_int_equal(src.max_bytes, 262144);
    assert_null(src.command);
    assert_string_equal(src.product, "demo");
    assert_string_equal(src.only_if, "/bin/true");
    assert_int_equal(source_load(s.a.config, "usage", &src, &e), 0);
    assert_int_equal(src.interval, 3600);
    assert_int_equal(src.timeout, 5);
    assert_int_equal(src.max_bytes, 1000);
    assert_string_equal(src.product, "other");
    assert_string_equal(src.command, "/usr/bin/usage --json");
    assert_int_equal(source_check(s.a.config, &e), 0);
}

static void what_makes_no_sense_is_refused_with_its_place(void **state) {
    static const struct {
        const char *lines, *says;
    } cases[] = {
        {"", "needs a channel"},
        {"channel = license\n", "a person asks there"},
        {"channel = updates\n", "a person asks there"},
        {"channel = Metrics\n", "[a-z0-9.-]"},
        {"channel = metrics\nkind = command\n", "needs a command"},
        {"channel = metrics\nkind = document\ncommand = /bin/true\n", "kind = command only"},
        {"channel = metrics\nkind = scrape\n", "kind"},
        {"channel = metrics\ncommand = usage\n", "absolute path"},
        {"channel = metrics\ncommand = /bin/true\ncounts = a:/b\n", "built-in document"},
        {"channel = metrics\ncounts = users\n", "NAME:/ABSOLUTE/FILE"},
        {"channel = metrics\ncounts = users:relative\n", "NAME:/ABSOLUTE/FILE"},
        {"channel = metrics\ncounts = Users:/a\n", "NAME:/ABSOLUTE/FILE"},
        {"channel = metrics\ninterval = 30s\n", "1m to 366d"},
        {"channel = metrics\ninterval = 9999d\n", "1m to 366d"},
        {"channel = metrics\ntimeout = 2h\n", "1s to 1h"},
        {"channel = metrics\nmax_bytes = 1000000000\n", "max_bytes"},
        {"channel = metrics\nproduct = A B\n", "[a-z0-9.-]"},
    };
    struct source src;
    char text[512];
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        (void)snprintf(text, sizeof text, "[source \"x\"]\n%s", cases[i].lines);
        configure(text);
        assert_int_equal(source_load(s.a.config, "x", &src, &e), -1);
        assert_int_equal(e.code, GF_E_CONFIG);
        if (!strstr(e.text, cases[i].says))
            fail_msg("\"%s\" does not say \"%s\"", e.text, cases[i].says);
        assert_int_equal(source_check(s.a.config, &e), -1);
    }
    configure("[channel \"metrics\"]\nonly_if = maybe\n");
    assert_int_equal(source_check(s.a.config, &e), -1);
    assert_non_null(strstr(e.text, "agent.conf:2"));
}

/* ---- when ---- */

static void the_next_run_is_an_interval_later_give_or_take_ten_minutes(void **state) {
    (void)state;

    for (uint32_t r = 0; r < 5000; r++) {
        int64_t next = source_plan_next(SITE_NOW, SITE_NOW + 30, DAY, 0, r * 2654435761U);
        assert_true(next >= SITE_NOW + DAY - 600 && next <= SITE_NOW + DAY + 600);
        /* A short interval is not stretched by much. */
        next = source_plan_next(SITE_NOW, SITE_NOW, 60, 0, r);
        assert_true(next >= SITE_NOW + 57 && next <= SITE_NOW + 63);
    }
}

static void what_was_missed_is_made_up_for_once(void **state) {
    int64_t now = SITE_NOW + 30 * DAY + 5;
    (void)state;

    int64_t next = source_plan_next(SITE_NOW, now, DAY, 0, 7);
    assert_true(next >= now + DAY - 600 && next <= now + DAY + 600);
    /* Nor does a run that was late come together with the one after it. */
    next = source_plan_next(SITE_NOW, SITE_NOW + 23 * 3600, DAY, 0, 7);
    assert_true(next > SITE_NOW + 23 * 3600 + 12 * 3600);
}

static void failures_are_tried_again_sooner_and_more_and_more_patiently(void **state) {
    int64_t last = 0;
    (void)state;

    for (int64_t failures = 1; failures < 100; failures++) {
        int64_t span = source_plan_next(SITE_NOW, SITE_NOW, DAY, failures, 600) - SITE_NOW;
        assert_true(span >= 855 && span <= DAY + 600);
        assert_true(failures > 8 || span > last);
        last = span;
    }
    assert_true(last > DAY - 700);
    /* A source that runs more often than that is not kept back. */
    assert_true(source_plan_next(SITE_NOW, SITE_NOW, 60, 9, 0) <= SITE_NOW + 63);
}

static void a_clock_that_went_ahead_stops_nothing_for_ever(void **state) {
    const int64_t in_2106 = 4291747200LL;
    (void)state;

    /* It ran in 2106, and the clock is right again. */
    assert_int_equal(source_plan_settle(in_2106 + DAY, SITE_NOW, DAY), SITE_NOW + DAY);
    /* 1970: the battery is empty. */
    assert_int_equal(source_plan_settle(SITE_NOW, 12, DAY), 12 + DAY);
    /* An hour back, right after a run. */
    assert_int_equal(source_plan_settle(SITE_NOW + DAY, SITE_NOW - 3600, DAY),
                     SITE_NOW - 3600 + DAY);
    /* And what a plan may say is left as it is. */
    assert_int_equal(source_plan_settle(SITE_NOW + DAY + 600, SITE_NOW, DAY), SITE_NOW + DAY + 600);
    assert_int_equal(source_plan_settle(SITE_NOW - 5, SITE_NOW, DAY), SITE_NOW - 5);
}

static void stepping_clocks_make_no_burst(void **state) {
    static const int64_t clocks[] = {0, 4291747200LL, 12, SITE_NOW, SITE_NOW - 3600};
    int64_t due = SITE_NOW;
    int runs = 0;
    (void)state;

    /* Each clock for a day, in steps of a minute; at most two runs a day come of it. */
    for (size_t i = 0; i < sizeof clocks / sizeof *clocks; i++) {
        for (int64_t now = clocks[i]; now < clocks[i] + DAY; now += 60) {
            due = source_plan_settle(due, now, DAY);
            if (due <= now) {
                runs++;
                due = source_plan_next(due, now, DAY, 0, (uint32_t)now);
            }
        }
    }
    assert_true(runs >= 2 && runs <= 10);
}

/* ---- the document ---- */

static void check_os(const char *text, const char *name, const char *version) {
    struct source_os os;

    source_os_release(text, strlen(text), &os);
    assert_string_equal(os.name, name);
    assert_string_equal(os.version, version);
}

static void os_release_is_read_as_its_page_says(void **state) {
    char large[200];
    (void)state;

    check_os("PRETTY_NAME=\"x\"\nNAME=\"Debian GNU/Linux\"\nVERSION_ID=\"12\"\n",
             "Debian GNU/Linux", "12");
    check_os("NAME=Fedora\nVERSION_ID=40", "Fedora", "40");
    check_os("NAME='It''s'\n", "It", "");
    check_os("NAME=\"a \\\"b\\\" \\$c\"\n", "a \"b\" $c", "");
    check_os("", "", "");
    check_os("NAME=\"bad \x01\"\nVERSION_ID=\"\xff\"\n", "", "");
    (void)snprintf(large, sizeof large, "NAME=%.*s\nVERSION_ID=1\n", 100,
                   "0123456789012345678901234567890123456789012345678901234567890123456789"
                   "0123456789012345678901234567890123456789");
    check_os(large, "", "1");
}

static void a_count_is_one_whole_number(void **state) {
    static const char *const wrong[] = {"",
                                        " \n",
                                        "-1",
                                        "1.5",
                                        "1 2",
                                        "0x10",
                                        "abc",
                                        "1e3",
                                        "9007199254740992",
                                        "99999999999999999999999999"};
    int64_t n;
    (void)state;

    assert_int_equal(source_number(" 42\n", 4, &n), 0);
    assert_int_equal(n, 42);
    assert_int_equal(source_number("9007199254740991", 16, &n), 0);
    assert_int_equal(n, 9007199254740991);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_int_equal(source_number(wrong[i], strlen(wrong[i]), &n), -1);
    assert_int_equal(source_number("4\0002", 3, &n), -1);
}

static char *document(const char *config) {
    static char text[8192];
    struct source src;
    struct gf_buf b;

    configure(config);
    assert_int_equal(source_load(s.a.config, "daily", &src, &e), 0);
    gf_buf_init(&b, sizeof text - 1);
    int rc = source_document(&s.a, &src, &b, &e);
    (void)snprintf(text, sizeof text, "%s", rc == 0 ? b.data : e.text);
    gf_buf_free(&b);
    return text;
}

static void write_file(const char *name, const char *text) {
    char path[200];

    (void)snprintf(path, sizeof path, "%s/%s", s.root, name);
    assert_int_equal(gf_file_save_new(AT_FDCWD, path, text, strlen(text), 0600, &e), 0);
}

static void the_document_holds_what_it_says_and_names_nobody(void **state) {
    char config[600], host[256] = "", id_text[GF_ID_TEXT], agent[GF_ID_TEXT];
    struct gf_id id;
    (void)state;

    write_file("users", "42\n");
    (void)snprintf(config, sizeof config,
                   "[source \"daily\"]\nchannel = metrics\nproduct = demo\nversion = 1.2 \"b\"\n"
                   "counts = users:%s/users, seats:%s/users\n",
                   s.root, s.root);
    char *text = document(config);
    assert_int_equal(gf_json_check(text, strlen(text), "report", &e), 0);
    assert_non_null(strstr(text, "{\"format\": \"gapferry-report/1\", \"installation\": \""));
    assert_non_null(strstr(text, "\"at\": \"2026-01-01T00:00:00Z\""));
    assert_non_null(strstr(text, "\"product\": \"demo\", \"version\": \"1.2 \\\"b\\\"\""));
    assert_non_null(strstr(text, "\"counts\": {\"users\": 42, \"seats\": 42}}"));
    assert_non_null(strstr(text, "\"licenses\": []"));
    assert_non_null(strstr(text, "\"architecture\": \""));

    assert_int_equal(gethostname(host, sizeof host - 1), 0);
    assert_true(strlen(host) < 3 || !strstr(text, host));
    gf_text_hex(kit_site.card.agent.b, 16, agent);
    assert_null(strstr(text, agent));
    assert_int_equal(source_installation(&s.a, 0, &id, &e), 0);
    gf_text_hex(id.b, sizeof id.b, id_text);
    assert_non_null(strstr(text, id_text));
}

static void the_installation_id_stays_until_it_is_reset(void **state) {
    struct gf_id one, two;
    (void)state;

    assert_int_equal(source_installation(&s.a, 0, &one, &e), 0);
    site_reopen(&s);
    assert_int_equal(source_installation(&s.a, 0, &two, &e), 0);
    assert_memory_equal(one.b, two.b, sizeof one.b);
    assert_int_equal(source_installation(&s.a, 1, &two, &e), 0);
    assert_memory_not_equal(one.b, two.b, sizeof one.b);
    assert_int_equal(source_installation(&s.a, 0, &one, &e), 0);
    assert_memory_equal(one.b, two.b, sizeof one.b);
}

static void a_count_that_cannot_be_read_is_named(void **state) {
    static const struct {
        const char *file, *says;
    } cases[] = {{"missing", "missing"},        {"fifo", "fifo"}, {"large", "large"},
                 {"words", "one whole number"}, {"link", "link"}, {".", "/."}};
    char config[400], path[200];
    (void)state;

    (void)snprintf(path, sizeof path, "%s/fifo", s.root);
    char command[900];
    (void)snprintf(command, sizeof command,
                   "cd %s && mkfifo fifo && truncate -s 1T large && echo many >words && ln -s "
                   "words link",
                   s.root);
    assert_int_equal(system(command), 0);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        (void)snprintf(config, sizeof config,
                       "[source \"daily\"]\nchannel = metrics\ncounts = users:%s/%s\n", s.root,
                       cases[i].file);
        char *text = document(config);
        if (strncmp(text, "count users: ", 13) != 0 || !strstr(text, cases[i].says))
            fail_msg("%s", text);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, agent_setup, agent_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(a_source_is_daily_and_bounded_unless_said_otherwise),
        TEST(what_makes_no_sense_is_refused_with_its_place),
        cmocka_unit_test(the_next_run_is_an_interval_later_give_or_take_ten_minutes),
        cmocka_unit_test(what_was_missed_is_made_up_for_once),
        cmocka_unit_test(failures_are_tried_again_sooner_and_more_and_more_patiently),
        cmocka_unit_test(a_clock_that_went_ahead_stops_nothing_for_ever),
        cmocka_unit_test(stepping_clocks_make_no_burst),
        cmocka_unit_test(os_release_is_read_as_its_page_says),
        cmocka_unit_test(a_count_is_one_whole_number),
        TEST(the_document_holds_what_it_says_and_names_nobody),
        TEST(the_installation_id_stays_until_it_is_reset),
        TEST(a_count_that_cannot_be_read_is_named),
    };
    return cmocka_run_group_tests(tests, kit_setup, kit_teardown);
}
