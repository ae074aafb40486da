/*
 * cmd_look.c -- `check` and `status`: what would be taken, and what was.
 */
#include <stdio.h>
#include <string.h>

#include "agent/collect/command.h"
#include "agent/services.h"
#include "common/command.h"
#include "common/out.h"

static const struct option_spec specs[] = {
    COMMAND_OPTION_JSON,
    COMMAND_OPTION_ROOT,
    COMMAND_OPTION_HELP,
    COMMAND_OPTION_END,
};

static const struct option_page check_page = {
    COLLECT_PROGRAM " check",
    "[OPTION]...",
    "Look at [collect] and [scrape] of agent.conf and at what the agent grants (policy.json), and "
    "say where "
    "records would be taken, on which channels, and which endpoints would be asked. Opens no "
    "socket and changes nothing.",
    specs,
    "Exit status: 0 metrics would be taken; 78 configuration is wrong, or there is no agent\n"
    "yet; 75 the agent has to be run first; 85 the channel of /v1/metrics has no consent.\n",
};

static const struct option_page status_page = {
    COLLECT_PROGRAM " status",
    "[OPTION]...",
    "Say whether `gapferry-collect run` is at work, since when, where it listens, what it took and "
    "refused since its start, and of each endpoint that it asks ([scrape]) when that worked last, "
    "and when and why it failed last.",
    specs,
    "Exit status: 0 said; 78 configuration is wrong, or there is no agent yet.\n",
};

static void show_room(struct out *t, const char *name, int64_t n) {
    if (n == INT64_MAX)
        out_str(t, name, NULL);
    else
        out_int(t, name, n);
}

static void show_channels(struct out *t, const struct collect_policy_file *f) {
    out_open(t, "channels", '[');
    for (size_t i = 0; f->there && i < f->policy.n; i++) {
        const struct collect_channel *c = &f->policy.list[i];
        out_open(t, NULL, '{');
        out_str(t, "channel", c->name);
        out_str(t, "consent", collect_policy_consents[c->consent]);
        out_str(t, "allow", c->allow);
        show_room(t, "records", c->records);
        show_room(t, "bytes", c->bytes);
        out_close(t, '}');
        out_text(t, "channel    %s: consent %s, %s\n", c->name, collect_policy_consents[c->consent],
                 c->allow != NULL ? "a rule (allow)"
                                  : "no rule but the deny-list of metrics (preview shows it)");
    }
    out_close(t, ']');
    if (!f->there) {
        out_text(t, "policy     ");
        out_safe(t, f->why.text);
        out_text(t, "\n");
    }
}

static void show_places(struct out *t, const char *listen, const char *socket) {
    out_str(t, "listen", listen[0] != '\0' ? listen : NULL);
    out_str(t, "socket", socket[0] != '\0' ? socket : NULL);
    out_text(t, "listen     %s\nsocket     ", listen[0] != '\0' ? listen : "none");
    out_safe(t, socket[0] != '\0' ? socket : "none");
    out_text(t, "\n");
}

static void show_scrape(struct out *t, const struct collect_scrape_state *s) {
    char good[GF_TIME_TEXT], bad[GF_TIME_TEXT];

    gf_text_time(s->good, good);
    gf_text_time(s->bad, bad);
    out_time(t, "last_success", s->good > 0, s->good);
    out_int(t, "samples", s->samples);
    out_time(t, "last_failure", s->bad > 0, s->bad);
    out_str(t, "reason", s->bad > 0 ? s->why : NULL);
    out_int(t, "failures", s->failures);
    if (s->good > 0)
        out_text(t, "; %lld sample%s at %s", (long long)s->samples, s->samples == 1 ? "" : "s",
                 good);
    else if (s->bad == 0)
        out_text(t, "; not asked yet");
    if (s->bad == 0)
        return;
    if (s->failures > 0)
        out_text(t, "; FAILS, %lld time%s up to %s: ", (long long)s->failures,
                 s->failures == 1 ? "" : "s", bad);
    else
        out_text(t, "; failed last at %s: ", bad);
    out_safe(t, s->why);
}

/* state NULL: what is configured only. */
static void show_scrapes(struct out *t, const struct collect_scrapes *all,
                         const struct collect_state *state) {
    static const struct collect_scrape_state never = {.good = 0};

    out_open(t, "scrapes", '[');
    for (size_t i = 0; i < all->n; i++) {
        const struct collect_scrape_settings *s = &all->list[i];
        const struct collect_scrape_state *is = &never;
        out_open(t, NULL, '{');
        out_str(t, "scrape", s->name);
        out_str(t, "url", s->url);

        out_int(t, "every", s->every);
        out_str(t, "channel", s->channel);
        out_text(t, "scrape     %s: ", s->name);

        out_safe(t, s->url);

        out_text(t, " every %llds to channel %s", (long long)s->every, s->channel);
        for (size_t k = 0; state != NULL && k < state->nscrapes; k++) {
            if (strcmp(state->scrapes[k].name, s->name) == 0)
                is = &state->scrapes[k];
        }
        if (state != NULL)
            show_scrape(t, is);
        out_text(t, "\n");
        out_close(t, '}');
    }
    out_close(t, ']');
}

static int verdict(const struct collect_policy_file *f, const struct collect_settings *s) {
    const struct collect_channel *c = f->there ? collect_policy_find(&f->policy, s->channel) : NULL;

    if (!f->there)
        return GF_EXIT_AWAITED;
    return c != NULL && c->consent == COLLECT_GRANTED ? GF_EXIT_DONE : GF_EXIT_CONSENT;
}

static int check(void *context, const struct options *o, int *status, struct gf_err *e) {
    struct collect_policy_file f = {.there = 0};
    const char *const *root = context;
    struct collect_command c;
    char listen[64] = "";
    struct out t;

    if (command_args(o, 0, 0, "nothing", e) == -1 || command_collect(*root, &c, e) == -1)
        return -1;
    const struct collect_settings *s = &c.settings;
    (void)collect_policy_refresh(&f, c.state);
    if (s->address[0] != '\0')
        (void)snprintf(listen, sizeof listen, s->address[0] == ':' ? "[%s]:%u" : "%s:%u",
                       s->address, (unsigned)s->port);
    out_begin(&t, o);
    show_places(&t, listen, s->socket);
    out_str(&t, "metrics", s->channel);
    out_text(&t, "metrics    go to channel %s\n", s->channel);
    show_scrapes(&t, &c.scrapes, NULL);
    show_channels(&t, &f);
    *status = verdict(&f, s);
    if (*status == GF_EXIT_CONSENT)
        out_text(&t, "channel %s has no consent: gapferry-agent consent %s grant\n", s->channel,
                 s->channel);
    if (*status == GF_EXIT_AWAITED)
        out_text(&t, "the agent grants nothing yet: gapferry-agent run, or sync\n");
    collect_policy_close(&f);
    command_end(&c);
    return out_end(&t, e);
}

static void show_refusal(struct out *t, const struct collect_refusal *x) {
    char at[GF_TIME_TEXT], begin[sizeof x->channel + 16];

    if (x->at == 0) {
        out_raw(t, "last_refusal", "null", 4);
        return;
    }
    out_open(t, "last_refusal", '{');
    out_time(t, "at", 1, x->at);
    out_int(t, "status", x->status);
    out_str(t, "channel", x->channel);
    out_str(t, "reason", x->why);
    out_close(t, '}');
    gf_text_time(x->at, at);
    (void)snprintf(begin, sizeof begin, "channel %s: ", x->channel);
    size_t known = strncmp(x->why, begin, strlen(begin)) == 0 ? strlen(begin) : 0;
    out_text(t, "           the last at %s on channel %s (%u%s): ", at, x->channel, x->status,
             x->status < 300 ? ", in part" : "");
    out_safe(t, x->why + known);
    out_text(t, "\n");
}

static void show_state(struct out *t, const struct collect_state *s, int running,
                       const struct collect_scrapes *scrapes) {
    char since[GF_TIME_TEXT], written[GF_TIME_TEXT];

    gf_text_time(s->since, since);
    gf_text_time(s->written, written);
    out_bool(t, "running", running);
    out_time(t, "since", 1, s->since);
    out_time(t, "written", 1, s->written);
    out_text(t, "%s since %s; counted up to %s\n", running ? "running" : "ended; it ran", since,
             written);
    show_places(t, s->listen, s->socket);
    out_int(t, "records", s->counts.records);
    out_int(t, "bytes", s->counts.bytes);
    out_int(t, "groups", s->counts.groups);
    out_int(t, "refused", s->counts.refused);
    out_int(t, "full", s->counts.full);
    out_int(t, "scraped", s->counts.scrapes);
    out_int(t, "scrapes_failed", s->counts.scrapes_failed);
    out_text(
        t, "records    %lld (%lld bytes) in %lld groups\nrefused    %lld, for want of room %lld\n",
        (long long)s->counts.records, (long long)s->counts.bytes, (long long)s->counts.groups,
        (long long)s->counts.refused, (long long)s->counts.full);
    show_refusal(t, &s->refusal);
    if (scrapes->n > 0)
        out_text(t, "scraped    %lld times, of which failed %lld\n", (long long)s->counts.scrapes,
                 (long long)s->counts.scrapes_failed);
    show_scrapes(t, scrapes, s);
}

static int show(void *context, const struct options *o, int *status, struct gf_err *e) {
    struct collect_policy_file f = {.there = 0};
    const char *const *root = context;
    struct collect_command c;
    struct collect_state was;
    struct out t;

    (void)status;
    if (command_args(o, 0, 0, "nothing", e) == -1 || command_collect(*root, &c, e) == -1)
        return -1;
    int running = services_is_running(c.a.state, SERVICES_COLLECT);
    int rc = collect_state_load(c.state, &was, e);
    if (rc == 0 || e->code == GF_E_NOINPUT) {
        out_begin(&t, o);
        if (rc == 0) {
            show_state(&t, &was, running, &c.scrapes);
            collect_state_free(&was);
        } else {
            out_bool(&t, "running", running);
            out_text(&t, "it has not run yet: gapferry-collect run\n");
        }
        (void)collect_policy_refresh(&f, c.state);
        show_channels(&t, &f);
        collect_policy_close(&f);
        rc = out_end(&t, e);
    }
    command_end(&c);
    return rc;
}

int cmd_collect_check(const char *root, int argc, char **argv) {
    return command_do(COLLECT_PROGRAM, &check_page, argc, argv, check, &root);
}

int cmd_collect_status(const char *root, int argc, char **argv) {
    return command_do(COLLECT_PROGRAM, &status_page, argc, argv, show, &root);
}
