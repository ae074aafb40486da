/*
 * config_warn.c -- agent.conf beside what the store knows.
 */
#include "agent/config_warn.h"

#include <stdio.h>
#include <string.h>

#include "agent/channels.h"
#include "agent/command.h"
#include "agent/config_warn_metrics.h"
#include "agent/deny.h"
#include "agent/grid_share.h"
#include "agent/readers.h"

#define WORDS 512

/* A rule whose channel nothing uses, while another has consent and no rule. */
static int suspect_channels(struct agent *a, config_warn_tell *fn, void *arg, struct gf_err *e) {
    char words[CHANNELS_WORDS];

    int rc = channels_suspect(a, words, e);
    if (rc != 1)
        return rc;
    return fn(arg, "consent", words, "see the names of the sections in agent.conf", e);
}

static int has_section(const struct agent *a, const char *channel) {
    const char *section;

    for (size_t i = 0; (section = config_name(a->config, "channel", i)); i++) {
        if (strcmp(section, channel) == 0)
            return 1;
    }
    return 0;
}

/* A source's channel that nobody has ever named elsewhere may be misspelt. */
static int suspect_source(struct agent *a, const char *name, config_warn_tell *fn, void *arg,
                          struct gf_err *e) {
    const char *channel = config_get(a->config, "source", name, "channel");
    char words[WORDS], remedy[WORDS], self[COMMAND_SELF];
    struct command_consent c;

    if (!channel || has_section(a, channel))
        return 0;
    if (command_consent(a, channel, &c, e) == -1)
        return -1;
    if (c.is != STORE_ASK)
        return 0;
    const char *meant = channels_near(a, channel);
    (void)snprintf(words, sizeof words,
                   "%s: [source \"%s\"] channel = %s: this channel has neither a section nor "
                   "consent, so that the source does not run%s%s%s",
                   config_origin(a->config, "source", name, "channel"), name, channel,
                   meant ? "; did you mean " : "", meant ? meant : "", meant ? "?" : "");
    (void)snprintf(remedy, sizeof remedy, "mend the name, or: %s consent %s grant",
                   command_self(a, self), channel);
    return fn(arg, "source", words, remedy, e);
}

static int suspect_sources(struct agent *a, config_warn_tell *fn, void *arg, struct gf_err *e) {
    const char *name;
    int rc = 0;

    for (size_t i = 0; rc == 0 && (name = config_name(a->config, "source", i)); i++)
        rc = suspect_source(a, name, fn, arg, e);
    return rc;
}

/* With self_reader = no and no officer's card what leaves can be opened by its relay alone. */
static int suspect_readers(struct agent *a, config_warn_tell *fn, void *arg, struct gf_err *e) {
    char words[WORDS], remedy[WORDS], self[COMMAND_SELF];
    struct agent_readers r;

    if (agent_readers(a, &r, e) == -1)
        return -1;
    size_t n = r.n;
    agent_readers_free(&r);
    if (n > 0)
        return 0;
    (void)snprintf(words, sizeof words,
                   "%s: self_reader = no, and no reader's card is trusted: nobody at the site can "
                   "open what leaves",
                   config_origin(a->config, "agent", NULL, "self_reader"));
    (void)snprintf(remedy, sizeof remedy,
                   "trust a reader's card (%s trust CARD), or take the line out",
                   command_self(a, self));
    return fn(arg, "readers", words, remedy, e);
}

/* Two users who do not share the spools: nothing would go from nodes to the world. */
static int suspect_grid(struct agent *a, config_warn_tell *fn, void *arg, struct gf_err *e) {
    char words[GRID_SHARE_WORDS], remedy[GRID_SHARE_WORDS];

    return grid_share_doubt(a, words, remedy) ? fn(arg, CONFIG_WARN_GRID, words, remedy, e) : 0;
}

/* A list of one's own stands in the place of the default one, whatever that would have kept back.
 */
static int suspect_deny(struct agent *a, const char *name, config_warn_tell *fn, void *arg,
                        struct gf_err *e) {
    static const char host[] = "host.name";
    const char *list = config_get(a->config, "channel", name, "deny");
    char words[WORDS];
    struct otlp_deny *deny = NULL;

    if (!list || list[0] == '\0')
        return 0;
    if (deny_of(a->config, name, &deny, e) == -1)
        return -1;
    int keeps = otlp_deny_has(deny, (const uint8_t *)host, sizeof host - 1);
    otlp_deny_free(deny);
    if (keeps)
        return 0;
    (void)snprintf(words, sizeof words,
                   "%s: [channel \"%s\"] deny stands in the place of the default list: what that "
                   "keeps back, as host.name, leaves",
                   config_origin(a->config, "channel", name, "deny"), name);
    return fn(arg, "deny", words, "name in deny whatever may not leave, as host.*, user.*", e);
}

/* What is to happen at a cap never happens without one. */
static int suspect_cap(struct agent *a, const char *name, config_warn_tell *fn, void *arg,
                       struct gf_err *e) {
    const char *full = config_get(a->config, "channel", name, "full");
    const char *key = config_get(a->config, "channel", name, "thin")     ? "thin"
                      : full != NULL && strcmp(full, "drop-oldest") == 0 ? "full"
                                                                         : NULL;
    char words[WORDS];

    if (!key || config_get(a->config, "channel", name, "max_records") ||
        config_get(a->config, "channel", name, "max_bytes"))
        return 0;
    (void)snprintf(words, sizeof words,
                   "%s: [channel \"%s\"] has no cap, so that %s never does anything",
                   config_origin(a->config, "channel", name, key), name, key);
    return fn(arg, "cap", words, "say max_bytes or max_records, too", e);
}

static int suspect_sections(struct agent *a, config_warn_tell *fn, void *arg, struct gf_err *e) {
    const char *name;
    int rc = 0;

    for (size_t i = 0; rc == 0 && (name = config_name(a->config, "channel", i)); i++) {
        rc = suspect_deny(a, name, fn, arg, e);
        if (rc == 0)
            rc = suspect_cap(a, name, fn, arg, e);
    }
    return rc;
}

int config_warn(struct agent *a, config_warn_tell *fn, void *arg, struct gf_err *e) {
    return suspect_channels(a, fn, arg, e) == -1 || suspect_sources(a, fn, arg, e) == -1 ||
                   suspect_sections(a, fn, arg, e) == -1 || suspect_readers(a, fn, arg, e) == -1 ||
                   suspect_grid(a, fn, arg, e) == -1 || config_warn_metrics(a, fn, arg, e) == -1
               ? -1
               : 0;
}
