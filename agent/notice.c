/*
 * notice.c -- notices: a grid's policy may only ever make a site stricter with itself; all else is
 * for people.
 */
#include "agent/notice.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/forked.h"
#include "agent/history.h"
#include "agent/returns.h"
#include "agent/succession.h"
#include "common/grid.h"
#include "common/log.h"

#define DATA_MAX                                                                                   \
    1024 /* bytes of a notice that history and log show; escaped it still fits a line */

/* Is this the identity of a relay within the site, by its section? A policy from anywhere else is
 * only words. */
static int is_within_site(struct agent *a, const struct gf_hash *from, struct gf_err *e) {
    const char *name;

    for (size_t i = 0; (name = config_name(a->config, "relay", i)) != NULL; i++) {
        const char *reach = config_get(a->config, "relay", name, "reach");
        struct gf_card card;
        if (!reach || strcmp(reach, "site") != 0)
            continue;
        int found = agent_relay_named(a, name, &card, e);
        if (found == -1)
            return -1;
        if (found == 1 && memcmp(card.identity.b, from->b, sizeof from->b) == 0)
            return 1;
    }
    return 0;
}

/* Why a policy is not obeyed; NULL: it may be. */
static const char *why_not(const struct gf_notice *n, int within, struct grid_policy *asked) {
    if (!within)
        return "its relay is not within the site";
    if (grid_policy_parse(n->data, asked) == -1)
        return "it is malformed";
    if (grid_is_own_consent(asked->channel))
        return "what somebody asks for by hand is not held back";
    return NULL;
}

static int ignore(const char *why) {
    log_write(LOG_LEVEL_NOTICE, "policy-ignored", {"why", why, 0});
    return 0;
}

/* What was recorded goes, as with a denial of the site's own. Files follow at the next export. */
static int deny(struct agent *a, const char *channel, struct gf_err *e) {
    struct store_denial denial = {0};

    int rc =
        store_set_consent(a->store, channel, STORE_DENIED, "the grid's policy", a->now, &denial, e);
    free(denial.bundles);
    return rc;
}

static int take_policy(struct agent *a, const struct gf_hash *from, const struct gf_notice *n,
                       struct gf_err *e) {
    struct store_policy policy = {.relay = *from, .since = a->now, .said = n->at};
    struct grid_policy asked;

    int within = is_within_site(a, from, e);
    if (within == -1)
        return -1;
    const char *why = why_not(n, within, &asked);
    if (why)
        return ignore(why);
    policy.denied = asked.denied;
    policy.airgap = asked.airgap;
    /* Responses come in any order. */
    int taken = store_put_policy(a->store, asked.channel, &policy, e);
    if (taken != 1)
        return taken == 0 ? ignore("its relay has asked for something else since") : -1;
    /* What holds here holds for the nodes that have this host for their manager. */
    if (returns_notice(a, n, e) == -1)
        return -1;
    log_write(LOG_LEVEL_NOTICE, "policy", {"channel", asked.channel, 0},
              {"consent", policy.denied ? "denied" : "as decided here", 0},
              {"airgap", grid_airgaps[policy.airgap], 0});
    return policy.denied ? deny(a, asked.channel, e) : 0;
}

static int take_time(struct agent *a, const char *type, const char *data, struct gf_err *e) {
    char name[32];
    int64_t at = 0;

    if (gf_text_untime(data, strlen(data), &at) == -1)
        return 0;
    (void)snprintf(name, sizeof name, "notice-%s", type);
    return store_put_fact(a->store, name, &at, sizeof at, e);
}

int agent_notice_time(struct agent *a, const char *name, int64_t *out, struct gf_err *e) {
    struct gf_buf data;
    char fact[32];

    (void)snprintf(fact, sizeof fact, "notice-%s", name);
    int found = store_get_fact(a->store, fact, &data, e);
    if (found == 1 && data.len == sizeof *out)
        memcpy(out, data.data, sizeof *out);
    else if (found == 1)
        found = 0;
    gf_buf_free(&data);
    return found;
}

static int take_fork(struct agent *a, const char *data, struct gf_err *e) {
    struct gf_id stream;

    if (strlen(data) != GF_ID_TEXT - 1 ||
        gf_text_unhex(data, GF_ID_TEXT - 1, stream.b, sizeof stream.b) == -1)
        return 0;
    return forked_note(a, &stream, e);
}

int agent_notice(struct agent *a, const struct gf_hash *from, const struct gf_notice *n,
                 struct gf_err *e) {
    struct history_line h;
    char shown[DATA_MAX];

    size_t len = gf_text_fit(n->data, strlen(n->data), sizeof shown - 1);
    memcpy(shown, n->data, len);
    shown[len] = '\0';
    log_write(LOG_LEVEL_NOTICE, "notice", {"type", n->type, 0}, {"text", shown, 0});
    history_begin(&h, a, "notice");
    history_hash(&h, "from", from);
    history_text(&h, "type", n->type);
    history_text(&h, "text", shown);
    if (history_end(&h, a, e) == -1)
        return -1;
    if (strcmp(n->type, "card") == 0)
        return succession_offer(a, n->data, e);
    if (strcmp(n->type, "policy") == 0)
        return take_policy(a, from, n, e);
    if (strcmp(n->type, "next-due") == 0 || strcmp(n->type, "time") == 0)
        return take_time(a, n->type, n->data, e);
    if (strcmp(n->type, FORKED_CODE) == 0)
        return take_fork(a, n->data, e);
    return 0;
}
