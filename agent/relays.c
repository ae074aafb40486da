/*
 * relays.c -- which relay a channel's records go to.
 */
#include <stdlib.h>
#include <string.h>

#include "agent/command.h"
#include "agent/succession.h"

/* Of the trusted cards the one that a [relay "NAME"] means: 1, 0 or -1. */
static int choose(struct agent *a, const char *name, const struct gf_card *cards, size_t n,
                  struct gf_card *out, struct gf_err *e) {
    const char *wanted = config_get(a->config, "relay", name, "fingerprint");

    if (!wanted) {
        if (n > 1 && config_name(a->config, "relay", 1))
            return gf_err_set(e, GF_E_CONFIG,
                              "%s: [relay \"%s\"] does not say which of %zu trusted relays it is; "
                              "add the line: fingerprint = FINGERPRINT",
                              a->config_path, name, n);
        if (n > 0)
            *out = cards[n - 1];
        return n > 0;
    }
    /* The one that was written down may have a successor by now. */
    return succession_of(a, wanted, out, e);
}

int agent_relay_named(struct agent *a, const char *name, struct gf_card *out, struct gf_err *e) {
    struct gf_card *cards = NULL;
    const char *known;
    size_t n = 0;
    size_t i = 0;

    while ((known = config_name(a->config, "relay", i)) && strcmp(known, name) != 0)
        i++;
    if (!known)
        return gf_err_set(e, GF_E_CONFIG,
                          "%s: there is no [relay \"%s\"]; add it, with the line: fingerprint = "
                          "FINGERPRINT",
                          a->config_path, name);
    if (store_cards(a->store, GF_ROLE_RELAY, &cards, &n, e) == -1)
        return -1;
    int found = choose(a, name, cards, n, out, e);
    free(cards);
    return found;
}

int agent_relay_of(struct agent *a, const char *channel, struct gf_card *out, struct gf_err *e) {
    const char *name = config_get(a->config, "channel", channel, "relay");

    if (!name)
        return command_relay(a, out, e);
    int found = agent_relay_named(a, name, out, e);
    if (found == -1)
        (void)gf_err_prefix(e, "channel %s (%s)", channel,
                            config_origin(a->config, "channel", channel, "relay"));
    return found;
}
