/*
 * cmd_config.c -- `config check | show`: is the configuration right, and what is in force?
 */
#include <stdio.h>
#include <string.h>

#include "agent/channels.h"
#include "agent/command.h"
#include "agent/source/source.h"

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

static int is_word(const char *value, const char *const *words) {
    while (*words && strcmp(value, *words) != 0)
        words++;
    return *words != NULL;
}

/* A value that must be one of some words; the fallback is right by itself. */
static int check_words(const struct config *c, const char *section, const char *name,
                       const char *key, const char *const *words, struct gf_err *e) {
    const char *value = config_get(c, section, name, key);
    int which;

    if (!value || is_word(value, words))
        return 0;
    return config_enum(c, section, name, key, words, &which, e) == -1 ? -1 : 0;
}

/* What the table of keys cannot say: the values. */
static int check_values(const struct config *c, struct gf_err *e) {
    static const char *const modes[] = {"auto", "airgap", "online", NULL};
    static const char *const reaches[] = {"outside", "site", NULL};
    const char *name;
    int flag;

    if (check_words(c, "agent", NULL, "mode", modes, e) == -1 ||
        config_bool(c, "agent", NULL, "self_reader", &flag, e) == -1)
        return -1;
    for (size_t i = 0; (name = config_name(c, "relay", i)); i++) {
        if (check_words(c, "relay", name, "reach", reaches, e) == -1)
            return -1;
    }
    for (size_t i = 0; (name = config_name(c, "channel", i)); i++) {
        const char *product = config_get(c, "channel", name, "product");
        if (command_channel(name, e) == -1)
            return gf_err_set(e, GF_E_CONFIG,
                              "[channel \"%s\"]: must be 1 to %d characters of [a-z0-9.-]", name,
                              GF_WORD_MAX);
        if (product && !gf_text_is_word(product, strlen(product), GF_WORD_MAX))
            return gf_err_set(e, GF_E_CONFIG,
                              "%s: product must be 1 to %d characters of [a-z0-9.-]",
                              config_origin(c, "channel", name, "product"), GF_WORD_MAX);
        if (check_words(c, "channel", name, "consent", store_consents, e) == -1)
            return -1;
    }
    return source_check(c, e);
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
    int rc = show ? 0 : check_values(a.config, e);
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
