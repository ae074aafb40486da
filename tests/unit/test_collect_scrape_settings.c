/*
 * test_collect_scrape_settings.c -- [scrape "NAME"] of agent.conf.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent/agent.h"
#include "agent/collect/collect_scrape_settings.h"
#include "common/https.h"
#include "gapferry/file.h"

static struct gf_err e;

static int settings(const char *text, struct collect_scrapes *s) {
    char path[] = "/tmp/gapferry-scrape-XXXXXX";
    struct config *c = NULL;
    int fd = mkstemp(path);

    assert_int_equal(gf_file_write(fd, text, strlen(text)), 0);
    (void)close(fd);
    int rc = config_load(path, agent_keys, &c, &e);
    (void)unlink(path);
    if (rc == -1)
        fail_msg("%s", e.text);
    rc = collect_scrape_settings_read(c, "metrics", s, &e);
    config_free(c);
    return rc;
}

static void what_is_configured_is_read(void **state) {
    struct collect_scrapes s;
    (void)state;

    assert_int_equal(settings("", &s), 0);
    assert_int_equal(s.n, 0);
    collect_scrape_settings_free(&s);
    if (settings("[scrape \"Node_1\"]\nurl = http://127.0.0.1:9100/metrics\n"
                 "[scrape \"db\"]\nurl = http+unix:///run/db.sock:/metrics?a=b\nevery = 1d\n"
                 "timeout = 1d\nchannel = other\njob = databases\nbody_max = 1K\n"
                 "[scrape \"x\"]\nurl = http+unix:///run/x.sock\n"
                 "[scrape \"y\"]\nurl = http://192.168.1.2/\n",
                 &s) == -1)
        fail_msg("%s", e.text);
    assert_int_equal(s.n, 4);
    assert_string_equal(s.list[0].name, "Node_1");
    assert_string_equal(s.list[0].job, "Node_1");
    assert_string_equal(s.list[0].channel, "metrics");
    assert_string_equal(s.list[0].url, "http://127.0.0.1:9100/metrics");
    assert_string_equal(s.list[0].request, s.list[0].url);
    assert_string_equal(s.list[0].socket, "");
    assert_int_equal(s.list[0].here, 1);
    assert_int_equal(s.list[0].every, 60);
    assert_int_equal(s.list[0].timeout, 10);
    assert_int_equal(s.list[0].body_max, 2 << 20);
    assert_string_equal(s.list[1].request, "http://127.0.0.1/metrics?a=b");
    assert_string_equal(s.list[1].socket, "/run/db.sock");
    assert_int_equal(s.list[1].here, 1);
    assert_string_equal(s.list[1].job, "databases");
    assert_string_equal(s.list[1].channel, "other");
    assert_string_equal(s.list[2].request, "http://127.0.0.1/metrics");
    assert_string_equal(s.list[2].socket, "/run/x.sock");
    assert_int_equal(s.list[3].here, 0);
    assert_string_equal(s.list[3].request, "http://192.168.1.2/");
    collect_scrape_settings_free(&s);
}

static void without_a_path_metrics_are_asked_for_and_shown(void **state) {
    static const struct {
        const char *url, *shown, *request;
        enum collect_scrape_path path;
    } forms[] = {
        {"http://[::1]:9100", "http://[::1]:9100/metrics", "http://[::1]:9100/metrics",
         COLLECT_SCRAPE_PATHLESS},
        {"http://127.0.0.1", "http://127.0.0.1/metrics", "http://127.0.0.1/metrics",
         COLLECT_SCRAPE_PATHLESS},
        {"http://127.0.0.1:1/", "http://127.0.0.1:1/", "http://127.0.0.1:1/", COLLECT_SCRAPE_ROOT},
        {"http://127.0.0.1/m?a=/", "http://127.0.0.1/m?a=/", "http://127.0.0.1/m?a=/",
         COLLECT_SCRAPE_PATH},
        {"http+unix:///a/b", "http+unix:///a/b:/metrics", "http://127.0.0.1/metrics",
         COLLECT_SCRAPE_PATHLESS},
        {"http+unix:///a:/", "http+unix:///a:/", "http://127.0.0.1/", COLLECT_SCRAPE_ROOT},
    };
    (void)state;

    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        struct collect_scrapes s = {.n = 0};
        char text[200];
        (void)snprintf(text, sizeof text, "[scrape \"x\"]\nurl = %s\n", forms[i].url);
        assert_int_equal(settings(text, &s), 0);
        assert_string_equal(s.list[0].url, forms[i].shown);
        assert_string_equal(s.list[0].request, forms[i].request);
        assert_int_equal(s.list[0].path, forms[i].path);
        collect_scrape_settings_free(&s);
    }

    /* The longest one has room for the path, too. */
    struct collect_scrapes s;
    char text[600];
    (void)snprintf(text, sizeof text, "[scrape \"x\"]\nurl = http://127.0.0.1:%0*d\n",
                   (int)(COLLECT_SCRAPE_URL_MAX - strlen("http://127.0.0.1:")), 1);
    assert_int_equal(settings(text, &s), -1);
    (void)snprintf(text, sizeof text, "[scrape \"x\"]\nurl = http://127.0.0.1:1/%0*d\n",
                   (int)(COLLECT_SCRAPE_URL_MAX - strlen("http://127.0.0.1:1/")), 1);
    assert_int_equal(settings(text, &s), 0);
    assert_int_equal(strlen(s.list[0].url), COLLECT_SCRAPE_URL_MAX);
    collect_scrape_settings_free(&s);
}

/* Of two readers of addresses none takes what the other does not: here what passes is what may be
 * connected to, but for form. */
static void only_this_host_and_private_networks_are_asked(void **state) {
    static const char *const good[] = {
        "127.0.0.1:1",     "127.255.0.9/x", "[::1]:9100/", "10.1.2.3",           "172.16.0.1",
        "172.31.255.255/", "192.168.0.1",   "[fd00::1]/m", "[FCff:1::1]:9100/m",
    };
    static const char *const bad[] = {
        "localhost:9100/",
        "node1/",
        "8.8.8.8/",
        "172.15.0.1/",
        "172.32.0.1/",
        "192.169.0.1/",
        "169.254.169.254",
        "[fe80::1]/",
        "[2001::1]/",
        "[fd::1]/",
        "10.1/",
        "10.0.0.01/",
        "10.0.0.1.x/",
        "10.0.0.256/",
        "0x7f000001/",
        "127.0.0.1:x/",
        "127.0.0.1:/",
        "127.0.0.1@evil/",
        "[::1",
        "",
        "[::ffff:10.0.0.1]/",
        "127.0.0.1?x",
    };
    struct collect_scrapes s;
    char text[200];
    (void)state;

    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        (void)snprintf(text, sizeof text, "[scrape \"x\"]\nurl = http://%s\n", good[i]);
        if (settings(text, &s) == -1 || https_check_site_url(s.list[0].request, &e) == -1)
            fail_msg("%s: %s", good[i], e.text);
        collect_scrape_settings_free(&s);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        (void)snprintf(text, sizeof text, "[scrape \"x\"]\nurl = http://%s\n", bad[i]);
        if (settings(text, &s) != -1 || e.code != GF_E_CONFIG)
            fail_msg("%s is taken", bad[i]);
    }
}

static void in_airgap_mode_only_this_host_is_asked(void **state) {
    static const struct {
        const char *url;
        int taken;
    } cases[] = {{"http://127.0.0.1:1/", 1},    {"http://[::1]/", 1},
                 {"http+unix:///x:/m", 1},      {"http://10.0.0.1/", 0},
                 {"http://[fd00::1]:9100/", 0}, {"http://172.16.0.1/", 0}};
    struct collect_scrapes s;
    char text[200];
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        (void)snprintf(text, sizeof text, "[agent]\nmode = airgap\n[scrape \"x\"]\nurl = %s\n",
                       cases[i].url);
        if (settings(text, &s) != (cases[i].taken ? 0 : -1))
            fail_msg("%s", cases[i].url);
        if (cases[i].taken)
            collect_scrape_settings_free(&s);
        else
            assert_non_null(strstr(e.text, "mode = airgap"));
    }
}

static void what_is_wrong_is_refused_with_its_line(void **state) {
    static const char *const wrong[] = {
        "every = 9s",
        "every = 2d",
        "timeout = 0",
        "timeout = 61s",
        "body_max = 100",
        "body_max = 17M",
        "channel = license",
        "channel = updates",
        "channel = A B",
        "job = a b",
        "job = \"\"",
        "url = https://10.0.0.1/",
        "url = ",
        "url = unix:/x",
        "url = http+unix://x",
        "url = http+unix:///",
        "url = http://127.0.0.1/a b",
        "url = http://127.0.0.1/#x",
        "url = 127.0.0.1:9100",
    };
    struct collect_scrapes s;
    char text[300];
    (void)state;

    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        (void)snprintf(text, sizeof text, "[scrape \"x\"]\n%s%s\n",
                       strncmp(wrong[i], "url", 3) == 0 ? "" : "url = http://127.0.0.1/\n",
                       wrong[i]);
        if (settings(text, &s) != -1 || e.code != GF_E_CONFIG)
            fail_msg("%s is taken", wrong[i]);
        if (strstr(e.text, "[scrape \"x\"]") == NULL)
            fail_msg("%s: %s", wrong[i], e.text);
    }
    assert_int_equal(settings("[scrape \"a b\"]\nurl = http://127.0.0.1/\n", &s), -1);
    assert_int_equal(settings("[scrape \"a\"]\n", &s), -1);
}

static void a_url_of_a_unix_socket_is_as_long_as_the_socket_can_be(void **state) {
    struct collect_scrapes s;
    char text[400], path[110];
    (void)state;

    for (size_t extra = 0; extra < 2; extra++) {
        memset(path, 'a', sizeof path);
        path[0] = '/';
        path[107 + extra] = '\0';
        (void)snprintf(text, sizeof text, "[scrape \"x\"]\nurl = http+unix://%s:/m\n", path);
        assert_int_equal(settings(text, &s), extra ? -1 : 0);
        if (!extra) {
            assert_string_equal(s.list[0].socket, path);
            collect_scrape_settings_free(&s);
        }
    }
}

static void endpoints_of_one_job_can_be_told_apart(void **state) {
    static const char two[] = "[scrape \"a\"]\nurl = http://127.0.0.1:1/\njob = node\n"
                              "[scrape \"b\"]\nurl = http://127.0.0.1:2/\njob = node\n";
    struct collect_scrapes s;
    char text[400];
    (void)state;

    assert_int_equal(settings(two, &s), -1);
    assert_non_null(strstr(e.text, "service.instance.id"));
    (void)snprintf(text, sizeof text, "%s[channel \"metrics\"]\ndeny = host.*,user.*\n", two);
    assert_int_equal(settings(text, &s), 0);
    collect_scrape_settings_free(&s);
    (void)snprintf(text, sizeof text, "%s[channel \"metrics\"]\ndeny = service.*\n", two);
    assert_int_equal(settings(text, &s), -1);
}

static void there_are_so_many_and_no_more(void **state) {
    struct collect_scrapes s;
    struct gf_buf b;
    (void)state;

    gf_buf_init(&b, 1 << 20);
    for (int i = 0; i <= COLLECT_SCRAPES_MAX; i++) {
        gf_buf_printf(&b, "[scrape \"s%d\"]\nurl = http://127.0.0.1:%d/\nbody_max = 1M\n", i,
                      i + 1);
        if (i == COLLECT_SCRAPES_MAX - 1) {
            assert_int_equal(settings(b.data, &s), 0);
            collect_scrape_settings_free(&s);
        }
    }
    assert_int_equal(settings(b.data, &s), -1);
    gf_buf_clear(&b);
    for (int i = 0; i < 33; i++)
        gf_buf_printf(&b, "[scrape \"s%d\"]\nurl = http://127.0.0.1:%d/\n", i, i + 1);
    assert_int_equal(settings(b.data, &s), -1);
    assert_non_null(strstr(e.text, "64M"));
    gf_buf_free(&b);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_configured_is_read),
        cmocka_unit_test(without_a_path_metrics_are_asked_for_and_shown),
        cmocka_unit_test(only_this_host_and_private_networks_are_asked),
        cmocka_unit_test(in_airgap_mode_only_this_host_is_asked),
        cmocka_unit_test(what_is_wrong_is_refused_with_its_line),
        cmocka_unit_test(a_url_of_a_unix_socket_is_as_long_as_the_socket_can_be),
        cmocka_unit_test(endpoints_of_one_job_can_be_told_apart),
        cmocka_unit_test(there_are_so_many_and_no_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
