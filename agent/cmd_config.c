/*
 * cmd_config.c -- `config check | show`: is the configuration right, and what is in force?
 */
#include <stdio.h>
#include <string.h>

#include "agent/command.h"
#include "agent/config_check.h"
#include "agent/config_warn.h"
#include "common/config_print.h"

static const struct option_spec specs[] = {
    COMMAND_OPTION_JSON,
    COMMAND_OPTION_ROOT,
    COMMAND_OPTION_HELP,
    COMMAND_OPTION_END,
};

static const struct option_page page = {
    COMMAND_PROGRAM " config",
    "check|show [OPTION]...",
    "check: look for mistakes in the configuration. show: print every setting in force and the "
    "file and line that it comes from.",
    specs,
    "Examples:\n  gapferry-agent config check\n  gapferry-agent config show\n",
};

static int put(void *arg, const char *about, const char *text, const char *remedy,
               struct gf_err *e) {
    (void)about, (void)e;
    config_print_warning(arg, "%s; %s", text, remedy);
    return 0;
}

/* An agent that does not open has other troubles, which `doctor` names. */
static void warn(const char *root, struct config_print *p) {
    struct gf_err e;
    struct agent a;

    if (agent_open(&a, root, &e) == -1)
        return;
    if (config_warn(&a, put, p, &e) == -1)
        (void)put(p, "", e.text, "run doctor", &e);
    agent_close(&a);
}

static int run(const char *root, const struct options *o, int *status, struct gf_err *e) {
    const char *verb = options_arg(o, 0);
    struct config_print p;
    struct agent a;

    (void)status;
    if (command_args(o, 1, 1, "check or show", e) == -1)
        return -1;
    if (strcmp(verb, "check") != 0 && strcmp(verb, "show") != 0)
        return gf_err_set(e, GF_E_USAGE, "config %s: must be check or show", verb);
    const int show = strcmp(verb, "show") == 0;
    /* What is wrong must be seen to be mended, so it is shown all the same. */
    if (agent_paths(&a, root, e) == -1 ||
        (show ? config_load(a.config_path, agent_keys, &a.config, e)
              : agent_configure(a.config_path, &a.config, e)) == -1)
        return -1;
    int rc = show ? config_print_settings(a.config, o, e) : config_check(a.config, e);
    if (!show && rc == 0) {
        config_print_begin(&p, COMMAND_PROGRAM, a.config_path, o);
        warn(root, &p);
        rc = config_print_end(&p, e);
    }
    config_free(a.config);
    return rc;
}

int cmd_config(const char *root, int argc, char **argv) {
    return command_run(&page, root, argc, argv, run);
}
