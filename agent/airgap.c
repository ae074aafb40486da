/*
 * airgap.c -- carry, hold or discard: what a channel wants while its relay is out of reach.
 */
#include "agent/airgap.h"

#include <stdlib.h>
#include <string.h>

#include "agent/link_state.h"
#include "common/log.h"

int airgap_of(struct agent *a, const char *channel, enum airgap *out, struct gf_err *e) {
    struct store_policy policy;
    int word = AIRGAP_CARRY;

    if (grid_is_own_consent(channel)) {
        *out = AIRGAP_CARRY;
        return 0;
    }
    if (config_enum(a->config, "channel", channel, "airgap", grid_airgaps, &word, e) == -1)
        return -1;
    int found = store_get_policy(a->store, channel, &policy, e);
    if (found == -1)
        return -1;
    if (found == 1 && policy.airgap > word)
        word = policy.airgap;
    *out = (enum airgap)word;
    return 0;
}

/* The section of the relay that a channel goes to: its own, else the only one there is. */
static const char *section_of(struct agent *a, const char *channel) {
    const char *name = config_get(a->config, "channel", channel, "relay");

    if (name)
        return name;
    return config_name(a->config, "relay", 1) ? NULL : config_name(a->config, "relay", 0);
}

int airgap_is_online(struct agent *a, const char *channel, struct gf_err *e) {
    const char *section = section_of(a, channel);
    struct link_relay *list = NULL;
    int online = 0;
    size_t n = 0;

    if (!section)
        return 0;
    if (link_state_load(a->state, &list, &n, e) == -1)
        return -1;
    for (size_t i = 0; i < n; i++)
        online |= strcmp(list[i].relay, section) == 0 && list[i].is == LINK_ONLINE;
    free(list);
    return online;
}

int airgap_now(struct agent *a, const char *channel, enum airgap *out, struct gf_err *e) {
    enum airgap airgap = AIRGAP_CARRY;

    if (airgap_of(a, channel, &airgap, e) == -1)
        return -1;
    if (airgap != AIRGAP_CARRY) {
        int online = airgap_is_online(a, channel, e);
        if (online == -1)
            return -1;
        if (online)
            airgap = AIRGAP_CARRY;
    }
    *out = airgap;
    return 0;
}

int airgap_lets_leave(struct agent *a, const char *channel, int64_t *dropped, struct gf_err *e) {
    enum airgap airgap;

    *dropped = 0;
    if (airgap_now(a, channel, &airgap, e) == -1)
        return -1;
    if (airgap == AIRGAP_CARRY)
        return 1;
    if (airgap == AIRGAP_DISCARD) {
        if (store_discard(a->store, channel, a->now, dropped, e) == -1)
            return -1;
        if (*dropped > 0)
            log_write(LOG_LEVEL_NOTICE, "records-discarded", {"channel", channel, 0},
                      {"records", NULL, *dropped}, {"why", "airgap = discard", 0});
    }
    return 0;
}
