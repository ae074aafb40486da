/*
 * test_collect_policy.c -- policy.json as gapferry-collect reads it, and [collect] of agent.conf.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>
#include <unistd.h>

#include "agent/agent.h"
#include "agent/collect/collect_policy.h"
#include "agent/collect/collect_settings.h"
#include "gapferry/file.h"

#define AGENT "00112233445566778899aabbccddeeff"

static struct gf_err e;

static int parse(const char *channels, struct collect_policy *p) {
    char text[2048];

    (void)snprintf(text, sizeof text,
                   "{\"format\": \"gapferry-policy/1\", \"agent\": \"" AGENT
                   "\", \"channels\": [%s]}\n",
                   channels);
    return collect_policy_parse(text, strlen(text), p, &e);
}

#define CHANNEL(name, consent, rest)                                                               \
    "{\"channel\": \"" name "\", \"consent\": \"" consent "\", " rest "}"
#define PLAIN                                                                                      \
    "\"allow\": null, \"product\": null, \"type\": \"a/b\", \"room\": {\"records\": null, "        \
    "\"bytes\": null}"

static void what_the_agent_grants_is_read(void **state) {
    struct collect_policy p;
    (void)state;

    assert_int_equal(
        parse(CHANNEL("metrics", "granted",
                      "\"allow\": [\"users\", \"edition\"], \"product\": \"demo\", "
                      "\"type\": "
                      "\"application/json\", \"room\": {\"records\": 3, \"bytes\": "
                      "4096}") "," CHANNEL("audit", "ask", PLAIN) "," CHANNEL("sales", "denied",
                                                                              PLAIN),
              &p),
        0);
    const struct collect_channel *c = collect_policy_find(&p, "metrics");
    assert_int_equal(p.n, 3);
    assert_int_equal(p.agent.b[15], 0xff);
    assert_int_equal(c->consent, COLLECT_GRANTED);
    assert_string_equal(c->allow, "users,edition");
    assert_string_equal(c->product, "demo");
    assert_string_equal(c->type, "application/json");
    assert_int_equal(c->records, 3);
    assert_int_equal(c->bytes, 4096);
    c = collect_policy_find(&p, "audit");
    assert_int_equal(c->consent, COLLECT_ASK);
    assert_null(c->allow);
    assert_null(c->product);
    assert_true(c->records == INT64_MAX && c->bytes == INT64_MAX);
    assert_int_equal(collect_policy_find(&p, "sales")->consent, COLLECT_DENIED);
    assert_null(collect_policy_find(&p, "other"));
    collect_policy_free(&p);
}

static void license_and_updates_are_never_granted(void **state) {
    struct collect_policy p;
    (void)state;

    assert_int_equal(
        parse(CHANNEL("license", "granted", PLAIN) "," CHANNEL("updates", "granted", PLAIN), &p),
        0);
    assert_int_equal(collect_policy_find(&p, "license")->consent, COLLECT_DENIED);
    assert_int_equal(collect_policy_find(&p, "updates")->consent, COLLECT_DENIED);
    collect_policy_free(&p);
}

/* A rule that names nothing lets nothing pass; it is not read as no rule. */
static void an_empty_rule_is_a_rule(void **state) {
    struct collect_policy p;
    (void)state;

    assert_int_equal(parse(CHANNEL("m", "granted",
                                   "\"allow\": [], \"product\": null, \"type\": \"a/b\", \"room\": "
                                   "{\"records\": null, \"bytes\": null}"),
                           &p),
                     0);
    assert_string_equal(p.list[0].allow, "");
    collect_policy_free(&p);
}

static int denies(const struct collect_channel *c, const char *key) {
    return otlp_deny_has(c->deny, (const uint8_t *)key, strlen(key));
}

static void attributes_are_denied_as_the_agent_says_or_by_default(void **state) {
    static const char *const wrong[] = {"[1]", "\"host.name\"", "[\"a,b\"]", "[\"*\"]"};
    struct collect_policy p;
    char text[256];
    (void)state;

#define DENY(list) "\"deny\": " list ", " PLAIN
    assert_int_equal(
        parse(CHANNEL("a", "granted", PLAIN) "," CHANNEL("b", "granted", DENY("null")) "," CHANNEL(
                  "c", "granted", DENY("[\"x\", \"y.*\"]")) "," CHANNEL("d", "granted", DENY("[]")),
              &p),
        0);
    assert_true(denies(&p.list[0], "host.name") && !denies(&p.list[0], "x"));
    assert_true(denies(&p.list[1], "host.name"));
    assert_true(!denies(&p.list[2], "host.name") && denies(&p.list[2], "x") &&
                denies(&p.list[2], "y.z"));
    assert_true(!denies(&p.list[3], "host.name"));
    collect_policy_free(&p);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        (void)snprintf(text, sizeof text, CHANNEL("a", "granted", DENY("%s")), wrong[i]);
        if (parse(text, &p) == 0)
            fail_msg("%s", wrong[i]);
    }
}

static void members_of_a_newer_agent_are_ignored(void **state) {
    struct collect_policy p;
    (void)state;

    assert_int_equal(
        parse(CHANNEL("m", "granted",
                      "\"later\": [\"host.name\"], \"allow\": null, \"product\": null, "
                      "\"type\": \"a/b\", \"room\": {\"records\": null, \"bytes\": "
                      "null, \"points\": 3}"),
              &p),
        0);
    collect_policy_free(&p);
}

static void what_is_broken_is_no_grant(void **state) {
    static const char *const broken[] = {
        "{\"channel\": \"m\"}",
        CHANNEL("m", "yes", PLAIN),
        CHANNEL("M!", "granted", PLAIN),
        CHANNEL("m", "granted",
                "\"allow\": \"users\", \"product\": null, \"type\": \"a/b\", "
                "\"room\": {\"records\": null, \"bytes\": null}"),
        CHANNEL("m", "granted",
                "\"allow\": [\"a,b\"], \"product\": null, \"type\": \"a/b\", "
                "\"room\": {\"records\": null, \"bytes\": null}"),
        CHANNEL("m", "granted",
                "\"allow\": [\" a\"], \"product\": null, \"type\": \"a/b\", "
                "\"room\": {\"records\": null, \"bytes\": null}"),
        CHANNEL("m", "granted",
                "\"product\": null, \"type\": \"a/b\", \"room\": {\"records\": "
                "null, \"bytes\": null}"),
        CHANNEL("m", "granted",
                "\"allow\": null, \"product\": null, \"type\": \"a/b\", \"room\": "
                "{\"records\": -1, \"bytes\": null}"),
        CHANNEL("m", "granted",
                "\"allow\": null, \"product\": null, \"type\": \"a/b\", \"room\": "
                "{\"records\": null}"),
        CHANNEL("m", "granted",
                "\"allow\": null, \"product\": null, \"type\": \"a/b\", \"room\": "
                "null"),
    };
    struct collect_policy p;
    (void)state;

    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++)
        if (parse(broken[i], &p) == 0)
            fail_msg("%s", broken[i]);
    assert_int_equal(collect_policy_parse("{}", 2, &p, &e), -1);
    assert_int_equal(collect_policy_parse("", 0, &p, &e), -1);
}

static void a_channel_named_twice_is_no_policy(void **state) {
    struct collect_policy p;
    (void)state;

    assert_int_equal(parse(CHANNEL("m", "granted", PLAIN) "," CHANNEL(
                               "a", "granted", PLAIN) "," CHANNEL("m", "denied", PLAIN),
                           &p),
                     -1);
    assert_int_equal(e.code, GF_E_CONFIG);
    assert_non_null(strstr(e.text, "channels[2]"));
    assert_non_null(strstr(e.text, "twice"));
}

static void a_file_that_is_replaced_or_gone_is_noticed(void **state) {
    struct collect_policy_file f = {.there = 0};
    char dir[] = "/tmp/gapferry-policy-XXXXXX", path[64];
    static const char text[] =
        "{\"format\": \"gapferry-policy/1\", \"agent\": \"" AGENT "\", \"channels\": []}";
    (void)state;

    assert_non_null(mkdtemp(dir));
    int fd = open(dir, O_RDONLY | O_DIRECTORY);
    assert_int_equal(collect_policy_refresh(&f, fd), 1);
    assert_int_equal(f.there, 0);
    assert_int_equal(f.why.code, GF_E_NOINPUT);
    assert_int_equal(collect_policy_refresh(&f, fd), 0);
    assert_int_equal(gf_file_save_new(fd, "policy.json", text, strlen(text), 0600, &e), 0);
    assert_int_equal(collect_policy_refresh(&f, fd), 1);
    assert_int_equal(f.there, 1);
    assert_int_equal(collect_policy_refresh(&f, fd), 0);
    (void)snprintf(path, sizeof path, "%s/policy.json", dir);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(collect_policy_refresh(&f, fd), 1);
    assert_int_equal(f.there, 0);
    assert_int_equal(gf_file_save_new(fd, "policy.json", "{", 1, 0600, &e), 0);
    assert_int_equal(collect_policy_refresh(&f, fd), 1);
    assert_int_equal(f.there, 0);
    (void)unlink(path);
    (void)rmdir(dir);
    (void)close(fd);
    collect_policy_close(&f);
}

/* ---- [collect] ---- */

static int settings(const char *text, const char *root, struct collect_settings *s) {
    char path[] = "/tmp/gapferry-collect-XXXXXX";
    struct config *c = NULL;
    int fd = mkstemp(path);

    assert_int_equal(gf_file_write(fd, text, strlen(text)), 0);
    (void)close(fd);
    int rc = config_load(path, agent_keys, &c, &e);
    (void)unlink(path);
    assert_int_equal(rc, 0);
    rc = collect_settings_read(c, root, s, &e);
    config_free(c);
    return rc;
}

static void without_a_section_there_are_defaults(void **state) {
    struct collect_settings s;
    (void)state;

    assert_int_equal(settings("", NULL, &s), 0);
    assert_string_equal(s.address, "127.0.0.1");
    assert_int_equal(s.port, 4318);
    assert_string_equal(s.socket, "/run/gapferry/collect.sock");
    assert_int_equal(s.body_max, 16 << 20);
    assert_int_equal(s.clients, 64);
    assert_string_equal(s.channel, "metrics");
    assert_int_equal(settings("", "/x", &s), 0);
    assert_string_equal(s.socket, "/x/run/gapferry/collect.sock");
    assert_int_equal(settings("[collect]\nlisten = [::1]:0\nsocket = \"\"\n", NULL, &s), 0);
    assert_string_equal(s.address, "::1");
    assert_string_equal(s.socket, "");
}

static void only_this_machine_is_listened_to(void **state) {
    static const char *const wrong[] = {
        "listen = 0.0.0.0:4318",   "listen = 192.0.2.1:4318",
        "listen = localhost:4318", "listen = 127.0.0.1",
        "listen = 127.0.0.1:",     "listen = 127.0.0.1:70000",
        "listen = 127.0.0.1:80x",  "listen = [::]:4318",
        "socket = relative.sock",  "body_max = 1",
        "body_max = 1T",           "clients = 0",
        "channel = license",       "channel = updates",
        "channel = Metrics",       "listen = \"\"\nsocket = \"\"",
    };
    struct collect_settings s;
    char text[128];
    (void)state;

    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        (void)snprintf(text, sizeof text, "[collect]\n%s\n", wrong[i]);
        if (settings(text, NULL, &s) != -1 || e.code != GF_E_CONFIG)
            fail_msg("%s", wrong[i]);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_the_agent_grants_is_read),
        cmocka_unit_test(license_and_updates_are_never_granted),
        cmocka_unit_test(an_empty_rule_is_a_rule),
        cmocka_unit_test(attributes_are_denied_as_the_agent_says_or_by_default),
        cmocka_unit_test(members_of_a_newer_agent_are_ignored),
        cmocka_unit_test(what_is_broken_is_no_grant),
        cmocka_unit_test(a_channel_named_twice_is_no_policy),
        cmocka_unit_test(a_file_that_is_replaced_or_gone_is_noticed),
        cmocka_unit_test(without_a_section_there_are_defaults),
        cmocka_unit_test(only_this_machine_is_listened_to),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
