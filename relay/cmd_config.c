/*
 * cmd_config.c -- `config check | show`: is the configuration right, and what is in force?
 */
#include <stdio.h>
#include <string.h>

#include "relay/command.h"
#include "relay/endpoints/endpoint.h"
#include "relay/listener/listener.h"
#include "relay/quota.h"

#define SHOW_MAX ((size_t)4 << 20)

static const struct option_spec specs[] = {
    COMMAND_OPTION_ROOT,
    COMMAND_OPTION_HELP,
    COMMAND_OPTION_END,
};

static int show(const struct relay *r, struct gf_err *e) {
    struct gf_buf b;

    gf_buf_init(&b, SHOW_MAX);
    config_show(r->config, &b);
    int rc = gf_buf_check(&b, "the configuration", e);
    if (rc == 0 && b.len > 0)
        (void)fwrite(b.data, 1, b.len, stdout);
    gf_buf_free(&b);
    return rc;
}

static void warn(const char *text) {
    (void)fprintf(stderr, COMMAND_PROGRAM ": warning: %s\n", text);
}

/* What shows only beside what the ledger knows. A relay that does not open has other troubles. */
static void warn_of_agents(const struct relay *r) {
    struct relay whole = {.state_fd = -1, .now = r->now};
    struct gf_err doubt, e;

    memcpy(whole.config_path, r->config_path, sizeof whole.config_path);
    memcpy(whole.state, r->state, sizeof whole.state);
    if (relay_open_anyhow(&whole, NULL, &e) == -1)
        return;
    for (size_t i = 0; config_name(whole.config, "agent", i) != NULL; i++)
        if (quota_doubt(&whole, i, &doubt, &e) == 1)
            warn(doubt.text);
    relay_close(&whole);
}

static int work(struct relay *r, const struct options *o, int *status, struct gf_err *e) {
    const char *verb = options_arg(o, 0);
    int64_t span = 0;
    int flag = 0;

    (void)status;
    if (command_args(o, 1, 1, "check or show", e) == -1)
        return -1;
    if (strcmp(verb, "show") == 0)
        return show(r, e);
    if (strcmp(verb, "check") != 0)
        return gf_err_set(e, GF_E_USAGE, "config %s: must be check or show", verb);
    struct listener_config listen;
    if (listener_configure(r->config, &listen, e) == -1 ||
        listener_configure_page(r->config, &listen, e) == -1 ||
        config_bool(r->config, "relay", NULL, "self_reader", &flag, e) == -1 ||
        config_span(r->config, "relay", NULL, "overdue", &span, e) == -1 ||
        relay_response_max(r, &span, e) == -1 || quota_check(r->config, e) == -1 ||
        vendor_keys_check(r->config, RELAY_VENDOR_DUTIES, e) == -1 ||
        endpoint_check(r->config, e) == -1)
        return -1;
    (void)printf("%s: no mistake was found\n", r->config_path);
    if (config_name(r->config, "endpoint", 0) == NULL)
        warn("there is no [endpoint \"NAME\"] in it, so every record that arrives is held");
    if (config_name(r->config, "agent", 0) != NULL)
        warn_of_agents(r);
    return 0;
}

int cmd_config(const char *root, int argc, char **argv) {
    static const struct command c = {
        {COMMAND_PROGRAM " config", "check|show [OPTION]...",
         "check: look for mistakes in the configuration. show: print every setting in force and "
         "the file and line that it comes from.",
         specs, "Examples:\n  gapferry-relay config check\n  gapferry-relay config show\n"},
        COMMAND_CONFIG,
        work};
    return command_run(&c, root, argc, argv);
}
