/*
 * cmd_config.c -- `config check | show`: is the configuration right, and what is in force?
 */
#include <stdio.h>
#include <string.h>

#include "agent/command.h"
#include "agent/config_check.h"
#include "agent/config_warn.h"

#define SHOW_MAX (4 << 20)

static const struct option_spec specs[] = {
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
    (void)arg, (void)about, (void)e;
    (void)fprintf(stderr, COMMAND_PROGRAM ": warning: %s; %s\n", text, remedy);
    return 0;
}

/* An agent that does not open has other troubles, which `doctor` names. */
static void warn(const char *root) {
    struct gf_err e;
    struct agent a;

    if (agent_open(&a, root, &e) == -1)
        return;
    if (config_warn(&a, put, NULL, &e) == -1)
        (void)put(NULL, "", e.text, "run doctor", &e);
    agent_close(&a);
}

static int run(const char *root, const struct options *o, int *status, struct gf_err *e) {
    const char *verb = options_arg(o, 0);
    struct agent a;
    struct gf_buf b;

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
    int rc = show ? 0 : config_check(a.config, e);
    if (show) {
        gf_buf_init(&b, SHOW_MAX);
        config_show(a.config, &b);
        rc = gf_buf_check(&b, "the configuration", e);
        if (rc == 0 && b.len > 0)
            (void)fwrite(b.data, 1, b.len, stdout);
        gf_buf_free(&b);
    } else if (rc == 0) {
        (void)printf("%s: no mistake was found\n", a.config_path);
        warn(root);
    }
    config_free(a.config);
    return rc;
}

int cmd_config(const char *root, int argc, char **argv) {
    return command_run(&page, root, argc, argv, run);
}
