/*
 * cmd_config.c -- `config check | show`: is the configuration right, and what is in force?
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/config_print.h"
#include "relay/command.h"
#include "relay/endpoints/endpoint.h"
#include "relay/ledger/ledger_operator.h"
#include "relay/listener/listener.h"
#include "relay/quota.h"
#include "relay/run.h"

static const struct option_spec specs[] = {
    COMMAND_OPTION_JSON,
    COMMAND_OPTION_ROOT,
    COMMAND_OPTION_HELP,
    COMMAND_OPTION_END,
};

static int check(const struct relay *r, struct gf_err *e) {
    struct listener_config listen;
    int64_t span = 0;
    int flag = 0;

    return listener_configure(r->config, &listen, e) == -1 ||
                   listener_configure_page(r->config, &listen, e) == -1 ||
                   config_bool(r->config, "relay", NULL, "self_reader", &flag, e) == -1 ||
                   config_span(r->config, "relay", NULL, "overdue", &span, e) == -1 ||
                   run_every(r->config, &span, e) == -1 || relay_response_max(r, &span, e) == -1 ||
                   quota_check(r->config, e) == -1 ||
                   vendor_keys_check(r->config, RELAY_VENDOR_DUTIES, e) == -1 ||
                   endpoint_check(r->config, e) == -1
               ? -1
               : 0;
}

/* ---- what is no mistake, and hardly meant ---- */

/* A secret that everybody on this machine can read is one no more. (header_file of an endpoint is
 * refused then; a certificate's key may be kept by another program, and must not stop `run`.) */
static void warn_of_key(struct config_print *p, const struct config *c, const char *section,
                        const char *name, const char *key) {
    const char *path = config_get(c, section, name, key);
    struct stat st;

    if (path == NULL || stat(path, &st) == -1 || (st.st_mode & (S_IROTH | S_IWOTH)) == 0)
        return;
    config_print_warning(p,
                         "%s: %s = %s: everybody on this machine can %s this secret (mode %04o); "
                         "chmod o= it, and if anybody else works here, get a new one",
                         config_origin(c, section, name, key), key, path,
                         (st.st_mode & S_IROTH) != 0 ? "read" : "write", st.st_mode & 07777u);
}

static void warn_of_keys(struct config_print *p, const struct config *c) {
    const char *name;

    warn_of_key(p, c, "listen", NULL, "key_file");
    warn_of_key(p, c, "page", NULL, "key_file");
    for (size_t i = 0; (name = config_name(c, "endpoint", i)) != NULL; i++)
        warn_of_key(p, c, "endpoint", name, "key_file");
}

/* What shows only beside what the ledger knows; keys are not touched for that. A relay that does
 * not open has other troubles. */
static void warn_of_agents(struct config_print *p, const struct relay *r) {
    char(*known)[GF_FINGERPRINT_TEXT] = NULL;
    struct ledger *l = NULL;
    struct gf_err doubt, e;
    size_t n = 0;

    if (config_name(r->config, "agent", 0) == NULL ||
        command_check_user(COMMAND_PROGRAM, r->state, &e) == -1 ||
        ledger_open(r->state, &l, &e) == -1)
        return;
    if (ledger_fingerprints(l, NULL, &known, &n, &e) == 0) {
        for (size_t i = 0; config_name(r->config, "agent", i) != NULL; i++)
            if (quota_doubt(r->config, i, known, n, &doubt) == 1)
                config_print_warning(p, "%s", doubt.text);
    }
    free(known);
    ledger_close(l);
}

/* Whether we can do our part where an agent on this host is to take records: as who we are. */
static void warn_of_grid(struct config_print *p, const struct relay *r) {
    const char *name;
    struct gf_err e;

    for (size_t i = 0; (name = config_name(r->config, "endpoint", i)) != NULL; i++) {
        if (endpoint_profile_of(r->config, name) == &endpoint_agent &&
            (command_check_user(COMMAND_PROGRAM, r->state, &e) == -1 ||
             endpoint_agent_reach(r, name, &e) == -1)) {
            config_print_warning(p, "%s", e.text);
            return;
        }
    }
}

struct grpc {
    struct config_print *p;
    const struct config *c;
};

/* Port 4317 is that of OTLP by gRPC, which we do not speak (OpenTelemetry specification, OTLP/HTTP
 * Default Port: 4318). A wrong port would show as an endpoint that does not answer in HTTP. */
static int warn_of_place(void *arg, const struct endpoint_place *place, struct gf_err *e) {
    struct grpc *w = arg;

    (void)e;
    if (place->port == 4317)
        config_print_warning(w->p,
                             "%s: [endpoint \"%s\"] url = %s: port 4317 is for OTLP by gRPC, which "
                             "is not spoken here; take that of OTLP/HTTP, mostly 4318",
                             config_origin(w->c, "endpoint", place->endpoint, "url"),
                             place->endpoint, place->url);
    return 0;
}

static void warn_of_grpc(struct config_print *p, const struct config *c) {
    struct grpc w = {.p = p, .c = c};
    const char *name;
    struct gf_err ignored;

    for (size_t i = 0; (name = config_name(c, "endpoint", i)) != NULL; i++) {
        if (endpoint_profile_of(c, name) == &endpoint_otlp)
            (void)!endpoint_places(c, name, 1, warn_of_place, &w, &ignored);
    }
}

static int work(struct relay *r, const struct options *o, int *status, struct gf_err *e) {
    const char *verb = options_arg(o, 0);
    struct config_print p;

    (void)status;
    if (command_args(o, 1, 1, "check or show", e) == -1)
        return -1;
    config_show_only(r->config, endpoint_has_key);
    if (strcmp(verb, "show") == 0)
        return config_print_settings(r->config, o, e);
    if (strcmp(verb, "check") != 0)
        return gf_err_set(e, GF_E_USAGE, "config %s: must be check or show", verb);
    if (check(r, e) == -1)
        return -1;
    config_print_begin(&p, COMMAND_PROGRAM, r->config_path, o);
    if (config_name(r->config, "endpoint", 0) == NULL)
        config_print_warning(&p, "there is no [endpoint \"NAME\"] in it, so every record that "
                                 "arrives is held");
    warn_of_keys(&p, r->config);
    warn_of_agents(&p, r);
    warn_of_grid(&p, r);
    warn_of_grpc(&p, r->config);
    return config_print_end(&p, e);
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
