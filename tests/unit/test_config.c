/*
 * test_config.c -- common/config: what a configuration means, and what a wrong one is told.
 */
#include "unit/file_tools.h"

#include "common/config.h"

static const struct config_key keys[] = {
    {"agent", 0, "name", NULL, "what people call it"},
    {"agent", 0, "mode", "auto", "auto, airgap or online"},
    {"agent", 0, "resend_after", "14d", "when records are bundled anew"},
    {"agent", 0, "limit", NULL, "a number"},
    {"relay", 1, "url", NULL, "where it is"},
    {"relay", 1, "reach", "outside", "site or outside"},
    {NULL, 0, NULL, NULL, NULL},
};

static struct config *config;

static int load(struct gf_err *e) {
    char path[600];
    (void)snprintf(path, sizeof path, "%s/a.conf", root);
    return config_load(path, keys, &config, e);
}

static void assert_loads(const char *text) {
    struct gf_err e = {GF_OK, ""};
    (void)unlinkat(dir, "a.conf", 0);
    put("a.conf", text);
    if (load(&e) == -1)
        fail_msg("%s", e.text);
}

/* The text is refused with these words behind "FILE". */
static void assert_told(const char *text, size_t len, const char *words) {
    struct gf_err e = {GF_OK, ""};
    char expected[700];
    (void)unlinkat(dir, "a.conf", 0);
    assert_int_equal(gf_file_save_new(dir, "a.conf", text, len, 0644, &e), 0);
    assert_int_equal(load(&e), -1);
    assert_int_equal(e.code, GF_E_CONFIG);
    (void)snprintf(expected, sizeof expected, "%s/a.conf%s", root, words);
    if (strncmp(e.text, expected, strlen(expected)) != 0)
        fail_msg("\"%s\" is not \"%s\"", e.text, expected);
}
#define TOLD(text, words) assert_told(text, sizeof(text) - 1, words)

static void assert_value(const char *section, const char *name, const char *key,
                         const char *value) {
    const char *is = config_get(config, section, name, key);
    if (value == NULL)
        assert_null(is);
    else
        assert_string_equal(is, value);
}

static void drop_in(const char *name, const char *text) {
    char path[300];
    (void)mkdirat(dir, "a.conf.d", 0755);
    (void)snprintf(path, sizeof path, "a.conf.d/%s", name);
    put(path, text);
}

static int end_test(void **state) {
    int fd = openat(dir, "a.conf.d", O_RDONLY | O_DIRECTORY);
    config_free(config);
    config = NULL;
    if (fd != -1) {
        empty_dir(fd);
        close(fd);
    }
    return tear_down(state);
}

static void values_are_trimmed_unquoted_and_have_an_origin(void **state) {
    (void)state;
    assert_loads("# comment\n\n  ; another = one\n[agent]\n  name \t=  Site 7 # not a comment  \n"
                 "mode=\"  a \\\"b\\\" \\\\ \"\n"
                 "[ relay  \"main\" ]\nurl = https://example.org/?a=b\n");
    assert_value("agent", NULL, "name", "Site 7 # not a comment");
    assert_value("agent", NULL, "mode", "  a \"b\" \\ ");
    assert_value("relay", "main", "url", "https://example.org/?a=b");
    const char *origin = config_origin(config, "agent", NULL, "name");
    assert_string_equal(origin + strlen(origin) - 8, "a.conf:5");
    assert_string_equal(config_origin(config, "agent", NULL, "resend_after"), "default");
    assert_value("agent", NULL, "resend_after", "14d");
    assert_value("agent", NULL, "limit", NULL);
    assert_value("relay", "other", "url", NULL);
    assert_value("relay", "other", "reach", "outside");
}

static void a_missing_file_is_no_empty_one(void **state) {
    struct gf_err e;
    (void)state;
    assert_int_equal(load(&e), -1);
    assert_int_equal(e.code, GF_E_CONFIG);
    assert_non_null(strstr(e.text, "a.conf: is missing"));
    drop_in("10-a.conf", "[agent]\nname = first\n");
    assert_int_equal(load(&e), -1);
    assert_loads("");
    assert_value("agent", NULL, "name", "first");
    config_free(config);
    config = NULL;
    assert_int_equal(unlinkat(dir, "a.conf.d/10-a.conf", 0), 0);
    assert_loads("");
    assert_value("agent", NULL, "mode", "auto");
    assert_null(config_name(config, "relay", 0));
}

static void crlf_and_a_last_line_without_end_are_fine(void **state) {
    (void)state;
    assert_loads("[agent]\r\nname = x\r\n\r\nmode = airgap");
    assert_value("agent", NULL, "name", "x");
    assert_value("agent", NULL, "mode", "airgap");
}

static void sections_of_one_name_are_one_and_keep_their_order(void **state) {
    (void)state;
    assert_loads("[relay \"b\"]\nurl = 1\n[relay \"a\"]\n[relay \"b\"]\nreach = site\n[agent]\n"
                 "name=x\n[relay \"c\"]\nurl = 3\n[agent]\nmode=y\n");
    assert_string_equal(config_name(config, "relay", 0), "b");
    assert_string_equal(config_name(config, "relay", 1), "a");
    assert_string_equal(config_name(config, "relay", 2), "c");
    assert_null(config_name(config, "relay", 3));
    assert_null(config_name(config, "agent", 0));
    assert_value("relay", "b", "url", "1");
    assert_value("relay", "b", "reach", "site");
    assert_value("agent", NULL, "name", "x");
    assert_value("agent", NULL, "mode", "y");
}

static void a_later_file_wins_and_an_empty_value_takes_back(void **state) {
    (void)state;
    drop_in("10-a.conf", "[agent]\nname = b\n\nmode =\n");
    assert_loads("[agent]\nname = a\nmode = airgap\nlimit = \"\"\n");
    assert_value("agent", NULL, "name", "b");
    assert_value("agent", NULL, "mode", "auto");
    assert_string_equal(config_origin(config, "agent", NULL, "mode"), "default");
    assert_non_null(strstr(config_emptied(config, "agent", NULL, "mode"), "10-a.conf:4"));
    assert_null(config_emptied(config, "agent", NULL, "name"));
    assert_null(config_emptied(config, "agent", NULL, "resend_after"));
    assert_value("agent", NULL, "limit", "");
}

static void a_key_stands_once_in_a_file(void **state) {
    (void)state;
    TOLD("[agent]\nname = a\nname = b\n", ":3: name in [agent] was set already: ");
    TOLD("[agent]\nname = a\nname =\n", ":3: name in [agent] was set already: ");
    TOLD("[agent]\nname =\n[agent]\nname = a\n", ":4: name in [agent] was set already: ");
    TOLD("[relay \"a\"]\nurl = 1\n[relay \"b\"]\nurl = 2\n[relay \"a\"]\nurl = 1\n",
         ":6: url in [relay \"a\"] was set already: ");
    /* A drop-in replaces once, too; both lines are told. */
    drop_in("10-a.conf", "[agent]\nname = b\nname = c\n");
    TOLD("[agent]\nname = a\n", ".d/10-a.conf:3: name in [agent] was set already: ");
    struct gf_err e;
    assert_int_equal(load(&e), -1);
    assert_non_null(strstr(e.text, "a.conf.d/10-a.conf:2; keep one of the two"));
}

static void drop_ins_follow_sorted_by_name(void **state) {
    (void)state;
    drop_in("20-b.conf", "[agent]\nname = second\nlimit = 2\n");
    drop_in("10-a.conf", "[agent]\nname = first\nmode = airgap\n");
    drop_in(".30-hidden.conf", "[agent]\nname = hidden\n");
    drop_in("30-c.conf.bak", "nonsense");
    drop_in("conf", "nonsense");
    assert_loads("[agent]\nname = main\nmode = online\nresend_after = 1d\n");
    assert_value("agent", NULL, "name", "second");
    assert_value("agent", NULL, "mode", "airgap");
    assert_value("agent", NULL, "limit", "2");
    assert_value("agent", NULL, "resend_after", "1d");
    const char *origin = config_origin(config, "agent", NULL, "name");
    assert_non_null(strstr(origin, "a.conf.d/20-b.conf:2"));
    config_free(config);
    config = NULL;
    drop_in("40-d.conf", "\n[agnt]\n");
    struct gf_err e;
    assert_int_equal(load(&e), -1);
    assert_non_null(strstr(e.text, "a.conf.d/40-d.conf:2: unknown section [agnt]"));
}

static void unknown_names_are_told_with_the_nearest_known_one(void **state) {
    (void)state;
    TOLD("[agent]\nnmae = x\n", ":2: unknown key nmae in [agent]; did you mean name?");
    TOLD("[agnet]\n", ":1: unknown section [agnet]; did you mean [agent]?");
    TOLD("[zebra]\n", ":1: unknown section [zebra]; there are [agent] [relay \"NAME\"]");
    TOLD("[relay \"a\"]\nmode = x\n", ":2: unknown key mode in [relay]; it belongs to [agent]");
    TOLD("[agent]\nwhatever = x\n", ":2: unknown key whatever in [agent]; keys of your own");
    assert_loads("[agent]\nx-whatever = y\nx-whatever = z\n");
}

static void sections_have_a_name_or_have_none(void **state) {
    (void)state;
    TOLD("[relay]\n", ":1: section [relay] needs a name; write [relay \"NAME\"]");
    TOLD("[agent \"a\"]\n", ":1: section [agent] has no name; write [agent]");
    TOLD("[relay \"\"]\n", ":1: a section is [word] or [word \"NAME\"]");
    TOLD("[relay main]\n", ":1: a section is");
    TOLD("[relay \"a\" b]\n", ":1: a section is");
    TOLD("[relay \"a\\\\b\"]\n", ":1: a section is");
    TOLD("[relay \"a\n", ":1: a section's header ends with ]");
    TOLD("[agent] # comment\n", ":1: a section's header ends with ]");
    TOLD("[relay \"12345678901234567890123456789012345678901234567890123456789012345\"]\n",
         ":1: the section's name is longer than 64 bytes");
    TOLD("[]\n", ":1: unknown section []");
}

static void lines_that_are_nothing_are_refused(void **state) {
    (void)state;
    TOLD("[agent]\nname\n", ":2: neither");
    TOLD("[agent]\n= x\n", ":2: neither");
    TOLD("name = x\n", ":1: name stands before the first [section]");
    TOLD("[agent]\nname = \"x\n", ":2: the closing quote is missing");
    TOLD("[agent]\nname = \"x\\\n", ":2: within quotes");
    TOLD("[agent]\nname = \"\\n\"\n", ":2: within quotes");
    TOLD("[agent]\nname = \"x\" y\n", ":2: something follows the closing quote");
}

static void bytes_that_are_no_plain_text_are_refused(void **state) {
    (void)state;
    TOLD("\xef\xbb\xbf[agent]\n", ":1: begins with a byte order mark; save it as UTF-8 without");
    TOLD("[agent]\nname = \xff\n", ":2: not UTF-8");
    TOLD("# \xc3\n", ":1: not UTF-8");
    TOLD("[agent]\nname = a\0b\n", ":2: not UTF-8");
    TOLD("[agent]\nname = a\x1b[2J\n", ":2: holds a character that is not shown");
    TOLD("[agent]\nname = a\xe2\x80\xae"
         "b\n",
         ":2: holds a character that is not shown: name = a\\xe2\\x80\\xae");
    TOLD("[agent]\nname = a\rb\n", ":2: holds a character");
    assert_loads("[agent]\nname\t=\ta\tb\n# \xe2\x80\xae in a comment\n");
    assert_value("agent", NULL, "name", "a\tb");
}

static void lines_and_files_have_a_limit(void **state) {
    char text[4200] = "[agent]\nname = ";
    (void)state;
    memset(text + 15, 'x', 4089); /* the second line has 4096 bytes */
    text[15 + 4089] = '\n';
    text[15 + 4090] = '\0';
    assert_loads(text);
    config_free(config);
    config = NULL;
    text[15 + 4089] = 'x';
    assert_told(text, 15 + 4090, ":2: the line is longer than 4096 bytes");
    char *large = malloc((1 << 20) + 1);
    memset(large, '\n', (1 << 20) + 1);
    assert_told(large, (1 << 20) + 1, ": is larger than 1048576 bytes");
    free(large);
}

static void what_everybody_may_write_is_refused(void **state) {
    struct gf_err e;
    (void)state;
    put("a.conf", "[agent]\n");
    assert_int_equal(fchmodat(dir, "a.conf", 0664, 0), 0);
    assert_int_equal(load(&e), 0);
    config_free(config);
    config = NULL;
    assert_int_equal(fchmodat(dir, "a.conf", 0646, 0), 0);
    assert_int_equal(load(&e), -1);
    assert_int_equal(e.code, GF_E_CONFIG);
    assert_non_null(strstr(e.text, "a.conf: everybody may write it; chmod o-w it"));
    assert_int_equal(fchmodat(dir, "a.conf", 0644, 0), 0);
    drop_in("a.conf", "[agent]\n");
    assert_int_equal(fchmodat(dir, "a.conf.d", 0777, 0), 0);
    assert_int_equal(load(&e), -1);
    assert_non_null(strstr(e.text, "a.conf.d: everybody may write it"));
    assert_int_equal(fchmodat(dir, "a.conf.d", 0755, 0), 0);
    assert_int_equal(load(&e), 0);
}

static void a_link_is_followed_and_a_fifo_does_not_hang(void **state) {
    struct gf_err e;
    (void)state;
    put("b.conf", "[agent]\nname = linked\n");
    assert_int_equal(symlinkat("b.conf", dir, "a.conf"), 0);
    assert_int_equal(load(&e), 0);
    assert_value("agent", NULL, "name", "linked");
    config_free(config);
    config = NULL;
    assert_int_equal(unlinkat(dir, "a.conf", 0), 0);
    assert_int_equal(mkfifoat(dir, "a.conf", 0644), 0);
    assert_int_equal(load(&e), -1);
    assert_non_null(strstr(e.text, "a.conf: is not a regular file"));
}

static void typed_values_are_read_or_refused_with_their_place(void **state) {
    struct gf_err e;
    int64_t n = 7;
    int b = 7;
    static const char *const words[] = {"auto", "airgap", "online", NULL};
    (void)state;
    assert_loads("[agent]\nlimit = -12\nresend_after = 2w\nmode = online\nname = yes\n");
    assert_int_equal(config_int(config, "agent", NULL, "limit", -12, 0, &n, &e), 1);
    assert_int_equal(n, -12);
    assert_int_equal(config_int(config, "agent", NULL, "limit", -11, 0, &n, &e), -1);
    assert_non_null(
        strstr(e.text, "a.conf:2: [agent] limit = -12: must be a whole number from -11 to 0"));
    assert_int_equal(config_span(config, "agent", NULL, "resend_after", &n, &e), 1);
    assert_int_equal(n, 14 * 86400);
    assert_int_equal(config_span(config, "agent", NULL, "mode", &n, &e), -1);
    assert_int_equal(config_enum(config, "agent", NULL, "mode", words, &b, &e), 1);
    assert_int_equal(b, 2);
    assert_int_equal(config_enum(config, "agent", NULL, "name", words, &b, &e), -1);
    assert_non_null(strstr(e.text, "name = yes: must be auto, airgap or online"));
    assert_int_equal(config_bool(config, "agent", NULL, "name", &b, &e), 1);
    assert_int_equal(b, 1);
    assert_int_equal(config_bool(config, "agent", NULL, "limit", &b, &e), -1);
    assert_non_null(strstr(e.text, "must be yes or no"));
    b = 7;
    n = 7;
    assert_int_equal(config_int(config, "relay", "x", "url", 0, 1, &n, &e), 0);
    assert_int_equal(config_bool(config, "relay", "x", "url", &b, &e), 0);
    assert_int_equal(config_span(config, "relay", "x", "url", &n, &e), 0);
    assert_int_equal(config_enum(config, "relay", "x", "url", words, &b, &e), 0);
    assert_int_equal(n, 7);
    assert_int_equal(b, 7);
    assert_int_equal(config_enum(config, "relay", "x", "reach", words, &b, &e), -1);
    assert_non_null(strstr(e.text, "default: [relay \"x\"] reach = outside: must be"));
}

static void sizes_are_bytes_with_or_without_a_unit(void **state) {
    static const struct {
        const char *text;
        int64_t n;
    } good[] = {{"0", 0},
                {"65536", 65536},
                {"1K", 1024},
                {"64M", 64LL << 20},
                {"4G", 4LL << 30},
                {"1T", 1LL << 40},
                {"9223372036854775807", INT64_MAX}};
    static const char *const bad[] = {"",
                                      "M",
                                      "-1M",
                                      "1 M",
                                      "1MB",
                                      "1.5G",
                                      "1m",
                                      "1KK",
                                      "1KM",
                                      "8388608T",
                                      "9223372036854775808",
                                      NULL};
    struct gf_err e;
    char text[100];
    int64_t n = 7;
    (void)state;
    for (int i = 0; bad[i]; i++) {
        (void)snprintf(text, sizeof text, "[agent]\nlimit = \"%s\"\n", bad[i]);
        assert_loads(text);
        assert_int_equal(config_size(config, "agent", NULL, "limit", &n, &e), -1);
        assert_int_equal(e.code, GF_E_CONFIG);
        config_free(config);
    }
    assert_int_equal(n, 7);
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        (void)snprintf(text, sizeof text, "[agent]\nlimit = %s\n", good[i].text);
        assert_loads(text);
        assert_int_equal(config_size(config, "agent", NULL, "limit", &n, &e), 1);
        assert_true(n == good[i].n);
        config_free(config);
    }
    assert_loads("[agent]\n");
    assert_int_equal(config_size(config, "relay", "x", "url", &n, &e), 0);
}

static void numbers_and_spans_have_one_spelling(void **state) {
    static const char *const bad[] = {
        "", "-", "+1", " ", "1 2", "0x1", "1.0", "9223372036854775808", "--1", "1e", NULL};
    static const char *const no_span[] = {
        "", "s", "5", "-5s", "5 s", "5ss", "5y", "5201w", "9223372036854775807w", "1h30m", NULL};
    struct gf_err e;
    int64_t n = 7;
    char text[100];
    (void)state;
    for (int i = 0; bad[i]; i++) {
        (void)snprintf(text, sizeof text, "[agent]\nlimit = \"%s\"\n", bad[i]);
        assert_loads(text);
        assert_int_equal(config_int(config, "agent", NULL, "limit", INT64_MIN, INT64_MAX, &n, &e),
                         -1);
        config_free(config);
    }
    for (int i = 0; no_span[i]; i++) {
        (void)snprintf(text, sizeof text, "[agent]\nresend_after = \"%s\"\n", no_span[i]);
        assert_loads(text);
        assert_int_equal(config_span(config, "agent", NULL, "resend_after", &n, &e), -1);
        config_free(config);
    }
    assert_int_equal(n, 7);
    assert_loads("[agent]\nlimit = 9223372036854775807\nresend_after = 5200w\n");
    assert_int_equal(config_int(config, "agent", NULL, "limit", 0, INT64_MAX, &n, &e), 1);
    assert_true(n == INT64_MAX);
    assert_int_equal(config_span(config, "agent", NULL, "resend_after", &n, &e), 1);
    assert_int_equal(n, 5200LL * 7 * 86400);
}

static void show_tells_what_is_in_force_and_from_where(void **state) {
    struct gf_buf out;
    char expected[3000];
    (void)state;
    assert_loads(
        "[agent]\nname = \" a\\\\b \"\nlimit = \"\"\n[relay \"z\"]\nurl = u\n[relay \"y\"]\n");
    gf_buf_init(&out, 10000);
    config_show(config, &out);
    (void)snprintf(expected, sizeof expected,
                   "[agent] name = \" a\\\\b \"                         # %s/a.conf:2\n"
                   "[agent] mode = auto                             # default\n"
                   "[agent] resend_after = 14d                      # default\n"
                   "[agent] limit = \"\"                              # %s/a.conf:3\n"
                   "[relay \"z\"] url = u                             # %s/a.conf:5\n"
                   "[relay \"z\"] reach = outside                     # default\n"
                   "[relay \"y\"] reach = outside                     # default\n",
                   root, root, root);
    assert_string_equal(out.data, expected);
    gf_buf_free(&out);
}

static void show_hides_what_could_be_a_secret(void **state) {
    struct gf_buf out;
    (void)state;
    assert_loads("[relay \"a\"]\nurl = https://user:se@cret@host.example:1/p?q=a@b\n"
                 "[relay \"b\"]\nurl = https://host.example/a@b\n");
    gf_buf_init(&out, 10000);
    config_show(config, &out);
    assert_null(strstr(out.data, "cret"));
    assert_non_null(strstr(out.data, "url = https://***@host.example:1/p?q=a@b "));
    assert_non_null(strstr(out.data, "url = https://host.example/a@b "));
    gf_buf_free(&out);
}

static void show_tells_what_was_taken_back(void **state) {
    struct gf_buf out;
    (void)state;
    drop_in("10-a.conf", "[agent]\nmode =\nname =\n");
    assert_loads("[agent]\nmode = airgap\nname = x\n");
    gf_buf_init(&out, 10000);
    config_show(config, &out);
    const char *name = strstr(out.data, "[agent] name =  ");
    const char *mode = strstr(out.data, "[agent] mode = auto  ");
    assert_non_null(name);
    assert_non_null(mode);
    assert_non_null(strstr(name, "10-a.conf:3, taken back\n"));
    assert_non_null(strstr(mode, "# default; "));
    assert_non_null(strstr(mode, "10-a.conf:2, taken back\n"));
    gf_buf_free(&out);
}

#define CONFIG_TEST(f) cmocka_unit_test_setup_teardown(f, set_up, end_test)

int main(void) {
    const struct CMUnitTest tests[] = {
        CONFIG_TEST(values_are_trimmed_unquoted_and_have_an_origin),
        CONFIG_TEST(a_missing_file_is_no_empty_one),
        CONFIG_TEST(crlf_and_a_last_line_without_end_are_fine),
        CONFIG_TEST(sections_of_one_name_are_one_and_keep_their_order),
        CONFIG_TEST(a_later_file_wins_and_an_empty_value_takes_back),
        CONFIG_TEST(a_key_stands_once_in_a_file),
        CONFIG_TEST(drop_ins_follow_sorted_by_name),
        CONFIG_TEST(unknown_names_are_told_with_the_nearest_known_one),
        CONFIG_TEST(sections_have_a_name_or_have_none),
        CONFIG_TEST(lines_that_are_nothing_are_refused),
        CONFIG_TEST(bytes_that_are_no_plain_text_are_refused),
        CONFIG_TEST(lines_and_files_have_a_limit),
        CONFIG_TEST(what_everybody_may_write_is_refused),
        CONFIG_TEST(a_link_is_followed_and_a_fifo_does_not_hang),
        CONFIG_TEST(typed_values_are_read_or_refused_with_their_place),
        CONFIG_TEST(sizes_are_bytes_with_or_without_a_unit),
        CONFIG_TEST(numbers_and_spans_have_one_spelling),
        CONFIG_TEST(show_tells_what_is_in_force_and_from_where),
        CONFIG_TEST(show_tells_what_was_taken_back),
        CONFIG_TEST(show_hides_what_could_be_a_secret),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
