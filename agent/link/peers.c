/*
 * peers.c -- configuration, cards and what was known before.
 */
#include "agent/link/peers.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/https.h"
#include "gapferry/file.h"

#define CARDS_MAX   GF_DRIVE_CARDS_MAX
#define ENTRIES_MAX 4096           /* of STATE/cards/ */
#define EAGER_MAX   300            /* seconds between tries in mode online, at most */
#define SITE_MAX    900            /* seconds between visits to a relay within the site, at most */
#define SPAN_MAX    (30 * 86400LL) /* seconds of a distance in the configuration */

static const char *const modes[] = {"auto", "airgap", "online", NULL};
static const char *const reaches[] = {"site", "outside", NULL};
enum reach { REACH_SITE, REACH_OUTSIDE };

/* ---- cards ---- */

/* A card that lies there: of a relay that is trusted, or this agent's own. */
static void take_card(struct peers *p, int dir, const char *name) {
    struct gf_card c;
    struct gf_buf text;

    if (gf_file_load(dir, name, GF_CARD_FILE_MAX, &text, NULL) == 0 && text.len > 0 &&
        gf_card_parse(text.data, text.len, name, &c, NULL) == 0) {
        if (c.role == GF_ROLE_RELAY && p->ncards < CARDS_MAX)
            p->cards[p->ncards++] = c;
        if (c.role == GF_ROLE_AGENT && p->nown < PEERS_OWN_MAX) {
            struct peers_own *own = &p->own[p->nown++];
            own->card = c;
            memcpy(own->text, text.data, text.len);
            own->len = text.len;
        }
    }
    gf_buf_free(&text);
}

/* FINGERPRINT.HEIR.former */
static void take_former(struct peers *p, int dir, const char *name) {
    const size_t len = GF_FINGERPRINT_TEXT - 1;
    struct peers_former f = {.fingerprint = ""};
    struct gf_buf text;

    if (p->nformer == CARDS_MAX ||
        strlen(name) != 2 * len + sizeof ".." - 1 + sizeof "former" - 1 || name[len] != '.')
        return;
    memcpy(f.fingerprint, name, len);
    memcpy(f.heir, name + len + 1, len);
    if (gf_file_load(dir, name, GF_HASH_TEXT, &text, NULL) == 0 && text.len == GF_HASH_TEXT &&
        gf_text_unhex(text.data, GF_HASH_TEXT - 1, f.identity.b, sizeof f.identity.b) == 0)
        p->former[p->nformer++] = f;
    gf_buf_free(&text);
}

static int ends_in(const char *name, const char *end) {
    size_t n = strlen(name), m = strlen(end);

    return name[0] != '.' && n > m && strcmp(name + n - m, end) == 0;
}

static int load_cards(struct peers *p, struct gf_err *e) {
    char path[600];
    const struct dirent *x;

    (void)snprintf(path, sizeof path, "%s/cards", p->state);
    p->cards = calloc(CARDS_MAX, sizeof *p->cards);
    p->former = calloc(CARDS_MAX, sizeof *p->former);
    if (p->cards == NULL || p->former == NULL)
        return gf_err_errno(e, "cards");
    DIR *d = opendir(path);
    if (d == NULL)
        return errno == ENOENT ? 0 : gf_err_errno(e, "%s", path);
    for (int i = 0; i < ENTRIES_MAX && (x = readdir(d)) != NULL; i++) {
        if (ends_in(x->d_name, ".card"))
            take_card(p, dirfd(d), x->d_name);
        else if (ends_in(x->d_name, ".former"))
            take_former(p, dirfd(d), x->d_name);
    }
    (void)closedir(d);
    return 0;
}

const struct gf_hash *peers_self(const struct peers *p) {
    const struct gf_card *newest = NULL;

    for (size_t i = 0; i < p->nown; i++) {
        if (newest == NULL || p->own[i].card.created > newest->created)
            newest = &p->own[i].card;
    }
    return newest != NULL ? &newest->identity : NULL;
}

int peers_card_fits(const struct peers *p, const struct peer *peer, const struct gf_card *card) {
    char its[GF_FINGERPRINT_TEXT], wanted[GF_FINGERPRINT_TEXT];

    if (peer->fingerprint == NULL || gf_card_fingerprint_is(card, peer->fingerprint))
        return 1;
    if (gf_card_fingerprint_spell(peer->fingerprint, wanted) == -1)
        return 0;
    gf_card_fingerprint(card, its);
    for (size_t i = 0; i < p->nformer; i++) {
        if (strcmp(p->former[i].fingerprint, wanted) == 0 && strcmp(p->former[i].heir, its) == 0)
            return 1;
    }
    return 0;
}

size_t peers_to(const struct peers *p, const struct gf_card *relay,
                struct gf_hash out[PEERS_TO_MAX]) {
    char its[GF_FINGERPRINT_TEXT];
    size_t n = 0;

    gf_card_fingerprint(relay, its);
    out[n++] = relay->identity;
    for (size_t i = 0; i < p->nformer && n < PEERS_TO_MAX; i++) {
        if (strcmp(p->former[i].heir, its) == 0)
            out[n++] = p->former[i].identity;
    }
    return n;
}

int peers_any(const struct peers *p) {
    for (size_t i = 0; i < p->n; i++) {
        if (p->list[i].url != NULL && (p->list[i].tried || p->list[i].shown.is != LINK_AIRGAP))
            return 1;
    }
    return 0;
}

static int has_card(const struct peers *p, const struct peer *peer) {
    for (size_t i = 0; i < p->ncards; i++) {
        if (peers_card_fits(p, peer, &p->cards[i]))
            return 1;
    }
    return 0;
}

/* ---- configuration ---- */

static int load_span(const struct config *c, const char *name, const char *key, int64_t *out,
                     struct gf_err *e) {
    if (config_span(c, "relay", name, key, out, e) == -1)
        return -1;
    if (*out < 1 || *out > SPAN_MAX)
        return gf_err_set(e, GF_E_CONFIG, "%s: %s is between 1s and 30d",
                          config_origin(c, "relay", name, key), key);
    return 0;
}

static int load_rules(const struct peers *p, int once, struct peer *peer, struct gf_err *e) {
    struct machine_rules *r = &peer->rules;

    if (config_int(p->config, "relay", peer->name, "failures", 1, 100, &r->failures, e) == -1 ||
        config_int(p->config, "relay", peer->name, "successes", 1, 100, &r->successes, e) == -1 ||
        load_span(p->config, peer->name, "retry", &r->retry, e) == -1 ||
        load_span(p->config, peer->name, "retry_max", &r->retry_max, e) == -1 ||
        load_span(p->config, peer->name, "poll", &r->poll, e) == -1)
        return -1;
    /* A manager's word reaches its grid within a quarter of an hour. */
    const char *reach = config_get(p->config, "relay", peer->name, "reach");
    if (reach != NULL && strcmp(reach, "site") == 0) {
        r->poll = r->poll < SITE_MAX ? r->poll : SITE_MAX;
        r->retry_max = r->retry_max < SITE_MAX ? r->retry_max : SITE_MAX;
    }
    /* Nobody carries drives there, so that whoever waits for an answer waits for the next visit. */
    if (p->mode == PEERS_ONLINE) {
        r->poll = r->poll < EAGER_MAX ? r->poll : EAGER_MAX;
        r->retry_max = r->retry_max < EAGER_MAX ? r->retry_max : EAGER_MAX;
    }
    if (r->retry_max < r->retry)
        r->retry_max = r->retry;
    if (once)
        r->failures = r->successes = 1;
    return 0;
}

/* May it be tried? If not, its block says why. */
static void decide(const struct peers *p, int reach, struct peer *peer) {
    struct link_relay *s = &peer->shown;

    s->is = LINK_UNPROBED;
    if (peer->url == NULL) {
        (void)snprintf(s->evidence, sizeof s->evidence, "it has no url: only drives go there");
    } else if (p->mode == PEERS_AIRGAP && reach != REACH_SITE) {
        s->is = LINK_AIRGAP;
        (void)snprintf(s->evidence, sizeof s->evidence, "mode = airgap: nothing is tried");
    } else if (!has_card(p, peer)) {
        (void)snprintf(s->evidence, sizeof s->evidence,
                       "no card of a trusted relay %s%.40s: nobody could prove to be it; trust its "
                       "card: gapferry-agent trust CARD",
                       peer->fingerprint != NULL ? "has the fingerprint " : "is there",
                       peer->fingerprint != NULL ? peer->fingerprint : "");
    } else {
        peer->tried = 1;
    }
}

static int load_peer(struct peers *p, const char *name, int once, struct peer *peer,
                     struct gf_err *e) {
    const struct config *c = p->config;
    int reach = REACH_OUTSIDE;

    (void)snprintf(peer->name, sizeof peer->name, "%s", name);
    (void)snprintf(peer->shown.relay, sizeof peer->shown.relay, "%s", name);
    peer->url = config_get(c, "relay", name, "url");
    peer->ca_file = config_get(c, "relay", name, "ca_file");
    peer->proxy = config_get(c, "relay", name, "proxy");
    peer->fingerprint = config_get(c, "relay", name, "fingerprint");
    if (peer->url != NULL && https_check_url(peer->url, e) == -1)
        return gf_err_prefix(e, "%s", config_origin(c, "relay", name, "url"));
    if (peer->url != NULL && peer->proxy != NULL && https_check_proxy(peer->proxy, e) == -1)
        return gf_err_prefix(e, "%s", config_origin(c, "relay", name, "proxy"));
    if (config_enum(c, "relay", name, "reach", reaches, &reach, e) == -1 ||
        load_rules(p, once, peer, e) == -1)
        return -1;
    decide(p, reach, peer);
    return 0;
}

static int load_peers(struct peers *p, int once, struct gf_err *e) {
    const char *name;

    p->list = calloc(LINK_RELAYS_MAX, sizeof *p->list);
    if (p->list == NULL)
        return gf_err_errno(e, "relays");
    for (; (name = config_name(p->config, "relay", p->n)) != NULL; p->n++) {
        if (p->n == LINK_RELAYS_MAX)
            return gf_err_set(e, GF_E_CONFIG, "agent.conf: more than %d [relay] sections",
                              LINK_RELAYS_MAX);
        if (load_peer(p, name, once, &p->list[p->n], e) == -1)
            return -1;
    }
    if (p->n == 0) {
        (void)snprintf(p->list[0].shown.evidence, sizeof p->list[0].shown.evidence,
                       "agent.conf has no [relay] with a url: only drives go out");
        p->n = 1;
    }
    return 0;
}

/* Take over what was known of the same relay: established by many tries, it is not to be lost. */
static void resume(struct peer *peer, const struct link_relay *before, size_t n) {
    struct link_relay *s = &peer->shown;

    for (size_t i = 0; i < n; i++) {
        const struct link_relay *b = &before[i];
        if (strcmp(b->relay, s->relay) != 0)
            continue;
        peer->before = b->is;
        if (peer->tried && (b->is == LINK_ONLINE || b->is == LINK_OFFLINE))
            *s = *b;
        else if (b->is == s->is)
            s->since = b->since;
        return;
    }
}

int peers_load(struct peers *p, const struct agent *a, int once, int64_t mono, struct gf_err *e) {
    struct link_relay *before = NULL;
    size_t nbefore = 0;
    int mode = PEERS_AUTO;
    int rc = -1;

    *p = (struct peers){.state = a->state};
    if (config_load(a->config_path, agent_keys, &p->config, e) == -1 ||
        config_enum(p->config, "agent", NULL, "mode", modes, &mode, e) == -1)
        goto out;
    p->mode = (enum peers_mode)mode;
    if (load_cards(p, e) == -1 || load_peers(p, once, e) == -1 ||
        link_state_load(a->state, &before, &nbefore, e) == -1)
        goto out;
    for (size_t i = 0; i < p->n; i++) {
        struct peer *peer = &p->list[i];
        resume(peer, before, nbefore);
        machine_begin(&peer->machine, &peer->rules, peer->shown.is, mono);
    }
    rc = 0;
out:
    free(before);
    if (rc == -1)
        peers_free(p);
    return rc;
}

void peers_free(struct peers *p) {
    config_free(p->config);
    free(p->list);
    free(p->cards);
    free(p->former);
    *p = (struct peers){.state = p->state};
}
