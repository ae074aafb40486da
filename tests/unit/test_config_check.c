/*
 * test_config_check.c -- no key of agent.conf takes a value that nothing can go by.
 */
#include "agent/config_check.h"

#include "configured_testing.h"

/* Keys whose value is anybody's own words. */
static int is_free(const struct config_key *k) {
    return strcmp(k->key, "name") == 0 || strcmp(k->key, "allow") == 0 ||
           strcmp(k->key, "version") == 0;
}

static void every_typed_key_refuses_a_nonsense_value(void **state) {
    char text[512];

    (void)state;
    for (const struct config_key *k = agent_keys; k->section; k++) {
        if (is_free(k))
            continue;
        int of_source = strcmp(k->section, "source") == 0 && strcmp(k->key, "channel") != 0;
        (void)snprintf(text, sizeof text, "[%s%s]\n%s%s = No such! thing\n", k->section,
                       k->named ? " \"one\"" : "", of_source ? "channel = metrics\n" : "", k->key);
        configure(text);
        if (config_check(s.a.config, &e) != -1)
            fail_msg("%s: nonsense passed:\n%s", k->key, text);
        assert_int_equal(e.code, GF_E_CONFIG);
        assert_non_null(strstr(e.text, "agent.conf:"));
    }
}

static void what_is_almost_right_is_refused(void **state) {
    static const char *const wrong[] = {
        "[agent]\nexport_interval = 5\n",
        "[agent]\nexport_interval = 0\n",
        "[agent]\nexport_interval = 31d\n",
        "[agent]\nhistory_max = 1G\n",
        "[agent]\nauto_drives = /media/a, sdb1\n",
        "[agent]\nauto_drives = UUID=\n",
        "[relay \"a\"]\nurl = localhost:18443\n",
        "[relay \"a\"]\nurl = http://localhost\n",
        "[relay \"a\"]\nurl = http://relay.example/\n",
        "[relay \"a\"]\nsuccesses = 0\n",
        "[relay \"a\"]\npoll = 31d\n",
        "[relay \"a\"]\nca_file = /nonexistent/ca.pem\n",
        "[relay \"a\"]\nproxy = http://proxy\n",
        "[channel \"c\"]\ndeny = host.name user.name\n",
        "[channel \"c\"]\ndeny = *\n",
        "[channel \"c\"]\nthin = 1h 5m\n",
        "[channel \"c\"]\nthin = 5m 5m\n",
        "[channel \"c\"]\nthin = 15\n",
        "[channel \"c\"]\nthin = 0\n",
        "[channel \"c\"]\nthin = 5w\n",
        "[channel \"c\"]\nthin = 5m, 1h\n",
        "[channel \"c\"]\nthin = 1s 2s 3s 4s 5s\n",
        "[channel \"c\"]\nthin = \"\"\n",
        "[relay \"relay-1\"]\n[channel \"c\"]\nrelay = relay-9\n",
    };

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        configure(wrong[i]);
        if (config_check(s.a.config, &e) != -1)
            fail_msg("passed:\n%s", wrong[i]);
    }
}

static void what_is_right_passes(void **state) {
    (void)state;
    configure("[agent]\nauto_drives = /media/a, UUID=12-34\nmode = online\nresend_after = 0\n"
              "[relay \"a\"]\nurl = https://relay.example:8443/x\nproxy = http://10.0.0.1:3128\n"
              "ca_file = /etc/passwd\npoll = 5m\nfingerprint = ABCD-EFGH-IJKL-MNOP-QRST\n"
              "[relay \"b\"]\nurl = http://127.0.0.1:80\n[relay \"c\"]\nurl = https://[fd00::1]/\n"
              "[channel \"m\"]\nrelay = a\nmax_records = 5\nfull = drop-oldest\nairgap = hold\n"
              "type = text/plain\nproduct = demo\ndeny = host.*, user.name\nthin = 90s 5m  1h "
              "30d\n[channel \"n\"]\ndeny "
              "= \"\"\n");
    if (config_check(s.a.config, &e) == -1)
        fail_msg("%s", e.text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_typed_key_refuses_a_nonsense_value, agent_setup,
                                        agent_teardown),
        cmocka_unit_test_setup_teardown(what_is_almost_right_is_refused, agent_setup,
                                        agent_teardown),
        cmocka_unit_test_setup_teardown(what_is_right_passes, agent_setup, agent_teardown),
    };
    return cmocka_run_group_tests(tests, kit_setup, kit_teardown);
}
