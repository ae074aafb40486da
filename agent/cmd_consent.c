/*
 * cmd_consent.c -- `consent`: show, give or withdraw consent for a channel.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/channels.h"
#include "agent/command.h"
#include "agent/history.h"
#include "gapferry/json.h"

static const struct option_spec specs[] = {
    COMMAND_OPTION_JSON,
    COMMAND_OPTION_ROOT,
    COMMAND_OPTION_HELP,
    COMMAND_OPTION_END,
};

static const struct option_page page = {
    COMMAND_PROGRAM " consent",
    "[OPTION]... [CHANNEL [grant|deny]]",
    "Show whether a channel may send, or decide it; without CHANNEL show all channels. Nothing is "
    "recorded on a channel without consent. Denying deletes what has no receipt yet: from the "
    "queue and from the outbox; what was already carried away on a drive is named. The channels "
    "license and updates need none: there each record is asked for by a person.",
    specs,
    "Examples:\n  gapferry-agent consent metrics\n  gapferry-agent consent metrics grant\n",
};

static void show(struct out *t, const char *channel, const struct command_consent *c) {
    char since[GF_TIME_TEXT];

    gf_text_time(c->since, since);
    out_open(t, NULL, '{');
    out_str(t, "channel", channel);
    out_str(t, "consent", c->own ? "own" : store_consents[c->is]);
    out_str(t, "forced_by", c->forced);
    out_time(t, "since", !c->own && !c->forced && c->since != 0, c->since);
    out_str(t, "user", !c->own && !c->forced && c->since != 0 ? c->user : NULL);
    out_close(t, '}');
    if (c->own)
        out_text(t, "%s: each request is its own consent\n", channel);
    else if (c->forced)
        out_text(t, "%s: %s, by the configuration (%s)\n", channel, store_consents[c->is],
                 c->forced);
    else if (c->since == 0)
        out_text(t, "%s: was not asked yet; nothing is recorded until it is granted\n", channel);
    else {
        out_text(t, "%s: %s since %s by ", channel, store_consents[c->is], since);
        out_safe(t, c->user);
        out_text(t, "\n");
    }
}

static int show_one(struct agent *a, struct out *t, const char *channel, struct gf_err *e) {
    struct command_consent c;

    if (command_consent(a, channel, &c, e) == -1)
        return -1;
    show(t, channel, &c);
    return 0;
}

static int show_all(struct agent *a, struct out *t, struct gf_err *e) {
    char(*list)[GF_WORD_MAX + 1] = NULL;
    size_t n = 0;
    int rc = 0;

    if (channels_all(a, &list, &n, e) == -1)
        return -1;
    for (size_t i = 0; rc == 0 && i < n; i++)
        rc = show_one(a, t, list[i], e);
    free(list);
    return rc;
}

/* Take the files of withdrawn bundles out of the outbox. One that is gone already is fine; what
 * cannot be removed is taken away by the next export, and is said. */
static int remove_files(struct agent *a, const struct store_bundle *bundles, size_t n,
                        struct gf_err *e) {
    char path[sizeof a->state + 80];
    int rc = 0;

    for (size_t i = 0; i < n; i++) {
        (void)snprintf(path, sizeof path, "%s/outbox/%s", a->state, bundles[i].file);
        if (unlink(path) == -1 && access(path, F_OK) == 0)
            rc = gf_err_errno(e, "%s: consent is withdrawn, but this bundle cannot be removed",
                              path);
    }
    return rc;
}

static const char *plural(int64_t n) {
    return n == 1 ? "" : "s";
}

/* Where the bundles went, by the history: one walk for all of them. */
struct places {
    const struct store_bundle *bundles;
    size_t n;
    char (*place)[256];
};

static int find_place(void *arg, const struct store_event *v, struct gf_err *e) {
    const char *event = NULL, *bundle = NULL, *place = NULL;
    struct places *x = arg;
    struct gf_json_obj o;
    struct gf_json *j;
    struct gf_id id;

    (void)e;
    if (!memmem(v->line, v->len, "\"left\"", 6) ||
        gf_json_parse(v->line, v->len, "a line of the history", GF_E_DAMAGED, &j, NULL) == -1)
        return 0;
    gf_json_root(j, &o);
    gf_json_str(&o, "event", 1, 64, &event);
    gf_json_str(&o, "bundle", GF_ID_TEXT - 1, GF_ID_TEXT - 1, &bundle);
    gf_json_str(&o, "place", 1, 4096, &place);
    if (event && bundle && place && strcmp(event, "left") == 0 &&
        gf_text_unhex(bundle, GF_ID_TEXT - 1, id.b, sizeof id.b) == 0) {
        for (size_t i = 0; i < x->n; i++)
            if (memcmp(x->bundles[i].id.b, id.b, sizeof id.b) == 0)
                (void)snprintf(x->place[i], sizeof x->place[i], "%s", place);
    }
    gf_json_free(j);
    return 0;
}

static int tell_carried(struct agent *a, struct out *t, const struct store_bundle *bundles,
                        size_t n, struct gf_err *e) {
    struct places x = {.bundles = bundles, .n = n, .place = calloc(n, sizeof *x.place)};

    if (!x.place)
        return gf_err_errno(e, "no memory for %zu places", n);
    int rc = store_history_walk(a->store, 1, find_place, &x, e);
    out_open(t, "carried", '[');
    for (size_t i = 0; rc == 0 && i < n; i++) {
        if (bundles[i].written == 0)
            continue;
        out_open(t, NULL, '{');
        out_str(t, "bundle", bundles[i].file);
        out_str(t, "place", x.place[i][0] ? x.place[i] : NULL);
        out_close(t, '}');
        out_text(t, "  ");
        if (x.place[i][0]) {
            out_safe(t, x.place[i]);
            out_text(t, "/");
        }
        out_text(t, "GAPFERRY/to-relay/%s\n", bundles[i].file);
    }
    out_close(t, ']');
    free(x.place);
    return rc;
}

static int tell_denial(struct agent *a, struct out *t, const char *channel, int64_t deleted,
                       const struct store_bundle *bundles, size_t n, struct gf_err *e) {
    int64_t carried = 0;

    int rc = remove_files(a, bundles, n, e);
    for (size_t i = 0; i < n; i++)
        carried += bundles[i].written != 0;
    out_int(t, "deleted", deleted);
    out_int(t, "bundles_removed", (int64_t)n);
    out_int(t, "bundles_carried", carried);
    out_text(t,
             "%s: denied; %lld record%s without receipt deleted, %zu bundle%s taken out of the "
             "outbox\n",
             channel, (long long)deleted, plural(deleted), n, plural((int64_t)n));
    if (n > 0)
        out_text(t, "Records of other channels in %s are queued again.\n",
                 n == 1 ? "that bundle" : "those bundles");
    if (carried > 0) {
        out_text(t,
                 "%lld of them had been written to a drive already, where only you can delete "
                 "them:\n",
                 (long long)carried);
        if (tell_carried(a, t, bundles, n, rc == 0 ? e : NULL) == -1)
            rc = -1;
    }
    return rc;
}

/* First of all the decision and the files, for which there is nearly always room: then nothing more
 * leaves, by a drive or by gapferry-link, whatever becomes of the rest. */
static int stop_leaving(struct agent *a, const char *channel, const char *user, struct gf_err *e) {
    struct store_bundle *bundles = NULL;
    size_t n = 0;

    if (store_note_consent(a->store, channel, STORE_DENIED, user, a->now, e) == -1)
        return gf_err_prefix(e, "consent is NOT withdrawn; make room on the disk and repeat this");
    int rc = store_consent_bundles(a->store, channel, &bundles, &n, e);
    if (rc == 0)
        rc = remove_files(a, bundles, n, e);
    free(bundles);
    return rc;
}

/* Who denies a channel under a word that nobody has used believes that something has stopped: 1,
 * and *near is the one that was probably meant. */
static int is_unheard(struct agent *a, const char *channel, const char **near, struct gf_err *e) {
    char(*list)[GF_WORD_MAX + 1] = NULL;
    int known = 0;
    size_t n = 0;

    *near = channels_near(a, channel);
    if (*near == NULL)
        return 0;
    if (channels_all(a, &list, &n, e) == -1)
        return -1;
    for (size_t i = 0; i < n; i++)
        known |= strcmp(list[i], channel) == 0;
    free(list);
    return !known;
}

/* The decision, and that it was taken, as one change; of a denial, what it takes back. */
static int set_and_note(struct agent *a, const char *channel, enum store_consent c,
                        const char *user, struct store_denial *denial, struct gf_err *e) {
    struct history_line h;

    int rc = c == STORE_DENIED ? store_take_back(a->store, channel, a->now, denial, e)
                               : store_note_consent(a->store, channel, c, user, a->now, e);
    if (rc == -1)
        return -1;
    history_begin(&h, a, "consent");
    history_text(&h, "channel", channel);
    history_text(&h, "decision", store_consents[c]);
    history_number(&h, "deleted", denial->deleted);
    return history_end(&h, a, e);
}

static int set(struct agent *a, const char *channel, enum store_consent c, const char *user,
               struct store_denial *denial, struct gf_err *e) {
    if (c == STORE_DENIED && stop_leaving(a, channel, user, e) == -1)
        return -1;
    int rc = store_begin(a->store, e);
    if (rc == 0)
        rc = store_end(a->store, set_and_note(a, channel, c, user, denial, e), e);
    if (rc == -1 && c == STORE_DENIED)
        return gf_err_prefix(e,
                             "consent is withdrawn and nothing of %s leaves any more, but what was "
                             "recorded could not be deleted yet; make room on the disk, and the "
                             "next export or the same command deletes it",
                             channel);
    return rc;
}

static int decide(struct agent *a, struct out *t, const char *channel, enum store_consent c,
                  struct gf_err *e) {
    struct store_denial denial = {0};
    struct command_consent now;
    const char *near = NULL;
    int unheard = 0;
    char user[65];

    if (command_consent(a, channel, &now, e) == -1)
        return -1;
    if (now.own)
        return gf_err_set(e, GF_E_USAGE,
                          "channel %s: each request is its own consent; there is nothing to %s",
                          channel, c == STORE_GRANTED ? "grant" : "deny");
    if (now.forced)
        return gf_err_set(e, GF_E_CONFIG, "channel %s: %s is forced at %s; change it there",
                          channel, store_consents[now.is], now.forced);
    command_user(user);
    if (c == STORE_DENIED && (unheard = is_unheard(a, channel, &near, e)) == -1)
        return -1;

    /* No bundle may be made of what is being deleted. */
    if (agent_lock(a, "consent", e) == -1)
        return -1;
    int rc = set(a, channel, c, user, &denial, e);
    if (rc == 0)
        rc = history_seal(a, e);
    if (rc == 0)
        rc = agent_policy_publish(a, e); /* the collector must know at once */
    if (rc == 0) {
        out_str(t, "channel", channel);
        out_str(t, "consent", store_consents[c]);
        out_str(t, "user", user);
        if (c == STORE_DENIED)
            rc = tell_denial(a, t, channel, denial.deleted, denial.bundles, denial.n, e);
        else
            out_text(t, "%s: granted; what is recorded from now on may leave\n", channel);
    }
    if (rc == 0 && unheard)
        (void)fprintf(stderr,
                      COMMAND_PROGRAM ": channel %s: nothing is known of it; did you mean %s, "
                                      "which this does not deny?\n",
                      channel, near);
    store_unlock(a->store);
    free(denial.bundles);
    return rc;
}

static int run(struct agent *a, const struct options *o, int *status, struct gf_err *e) {
    const char *channel = options_arg(o, 0), *word = options_arg(o, 1);
    struct out t;
    int rc;

    (void)status;
    if (command_args(o, 0, 2, "CHANNEL", e) == -1 || (channel && command_channel(channel, e) == -1))
        return -1;
    int grant = word && (strcmp(word, "grant") == 0 || strcmp(word, "granted") == 0);
    int deny = word && (strcmp(word, "deny") == 0 || strcmp(word, "denied") == 0);
    if (word && !grant && !deny)
        return gf_err_set(e, GF_E_USAGE, "consent %s %s: must be grant or deny", channel, word);

    out_begin(&t, o);
    if (word) {
        rc = decide(a, &t, channel, grant ? STORE_GRANTED : STORE_DENIED, e);
    } else {
        out_open(&t, "channels", '[');
        rc = channel ? show_one(a, &t, channel, e) : show_all(a, &t, e);
        out_close(&t, ']');
    }
    if (rc == 0)
        rc = out_end(&t, e);
    out_free(&t);
    if (rc == 0 && grant)
        channels_tell_no_rule(a, channel);
    if (rc == 0 && grant)
        command_next(a, "record %s FILE", channel);
    return rc;
}

int cmd_consent(const char *root, int argc, char **argv) {
    return command_run_agent(&page, root, argc, argv, run);
}
