/*
 * cmd_config.c -- `config check | show`: is the configuration right, and what is in force?
 */
#include <stdio.h>
#include <string.h>

#include "agent/channels.h"
#include "agent/command.h"
#include "agent/config_check.h"
#include "agent/readers.h"

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

/* A source's channel that nobody has ever named elsewhere may be misspelt. */
static void warn_sources(struct agent *a) {
    const char *name, *channel, *section;
    struct command_consent c;
    struct gf_err e;

    for (size_t i = 0; (name = config_name(a->config, "source", i)); i++) {
        int known = 0;

        channel = config_get(a->config, "source", name, "channel");
        for (size_t k = 0; channel && (section = config_name(a->config, "channel", k)); k++)
            known |= strcmp(section, channel) == 0;
        if (!channel || known || command_consent(a, channel, &c, &e) == -1 || c.is != STORE_ASK)
            continue;
        const char *meant = channels_near(a, channel);
        (void)fprintf(stderr,
                      COMMAND_PROGRAM
                      ": warning: %s: [source \"%s\"] channel = %s: this channel has "
                      "neither a section nor consent, so that the source does not "
                      "run%s%s%s\n",
                      config_origin(a->config, "source", name, "channel"), name, channel,
                      meant ? "; did you mean " : "", meant ? meant : "", meant ? "?" : "");
    }
}

/* With self_reader = no and no officer's card what leaves can be opened by its relay alone. */
static void warn_readers(struct agent *a) {
    struct agent_readers r;
    char self[COMMAND_SELF];
    struct gf_err e;

    if (agent_readers(a, &r, &e) == -1)
        return;
    if (r.n == 0)
        (void)fprintf(stderr,
                      COMMAND_PROGRAM ": warning: %s: self_reader = no, and no reader's card is "
                                      "trusted: nobody at the site can open what leaves; "
                                      "trust a reader's card (%s trust CARD), or take the line "
                                      "out\n",
                      config_origin(a->config, "agent", NULL, "self_reader"),
                      command_self(a, self));
    agent_readers_free(&r);
}

/* What is no mistake in itself, and shows only beside what the store knows; an agent that does not
 * open has other troubles, which `doctor` names. */
static void warn(const char *root) {
    char words[CHANNELS_WORDS];
    struct gf_err e;
    struct agent a;

    if (agent_open(&a, root, &e) == -1)
        return;
    if (channels_suspect(&a, words, &e) == 1)
        (void)fprintf(stderr, COMMAND_PROGRAM ": warning: %s\n", words);
    warn_sources(&a);
    warn_readers(&a);
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
