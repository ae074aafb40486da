/*
 * cmd_look.c -- `check` and `status`: what would be taken, and what was.
 */
#include <stdio.h>
#include <unistd.h>

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
    "Look at [collect] of agent.conf and at what the agent grants (policy.json), and say where "
    "records would be taken, and on which channels. Opens no socket and changes nothing.",
    specs,
    "Exit status: 0 metrics would be taken; 78 configuration is wrong, or there is no agent\n"
    "yet; 75 the agent has to be run first; 85 the channel of /v1/metrics has no consent.\n",
};

static const struct option_page status_page = {
    COLLECT_PROGRAM " status",
    "[OPTION]...",
    "Say whether `gapferry-collect run` is at work, since when, where it listens, and what it took "
    "and refused since its start.",
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
                 c->allow != NULL ? "a rule (allow)" : "no rule: everything passes");
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

static int verdict(const struct collect_policy_file *f, const struct collect_settings *s) {
    const struct collect_channel *c = f->there ? collect_policy_find(&f->policy, s->channel) : NULL;

    if (!f->there)
        return GF_EXIT_AWAITED;
    return c != NULL && c->consent == COLLECT_GRANTED ? GF_EXIT_DONE : GF_EXIT_CONSENT;
}

static int check(void *context, const struct options *o, int *status, struct gf_err *e) {
    struct collect_policy_file f = {.there = 0};
    const char *const *root = context;
    struct collect_settings s;
    char listen[64] = "";
    struct agent a;
    struct out t;
    int state;

    if (command_args(o, 0, 0, "nothing", e) == -1 ||
        command_collect(*root, &a, &s, &state, e) == -1)
        return -1;
    (void)collect_policy_refresh(&f, state);
    if (s.address[0] != '\0')
        (void)snprintf(listen, sizeof listen, s.address[0] == ':' ? "[%s]:%u" : "%s:%u", s.address,
                       (unsigned)s.port);
    out_begin(&t, o);
    show_places(&t, listen, s.socket);
    out_str(&t, "metrics", s.channel);
    out_text(&t, "metrics    go to channel %s\n", s.channel);
    show_channels(&t, &f);
    *status = verdict(&f, &s);
    if (*status == GF_EXIT_CONSENT)
        out_text(&t, "channel %s has no consent: gapferry-agent consent %s grant\n", s.channel,
                 s.channel);
    if (*status == GF_EXIT_AWAITED)
        out_text(&t, "the agent grants nothing yet: gapferry-agent run, or sync\n");
    collect_policy_close(&f);
    (void)close(state);
    return out_end(&t, e);
}

static void show_state(struct out *t, const struct collect_state *s, int running) {
    char since[GF_TIME_TEXT];

    gf_text_time(s->since, since);
    out_bool(t, "running", running);
    out_time(t, "since", 1, s->since);
    out_time(t, "written", 1, s->written);
    out_text(t, "%s since %s\n", running ? "running" : "ended; it ran", since);
    show_places(t, s->listen, s->socket);
    out_int(t, "records", s->counts.records);
    out_int(t, "bytes", s->counts.bytes);
    out_int(t, "groups", s->counts.groups);
    out_int(t, "refused", s->counts.refused);
    out_int(t, "full", s->counts.full);
    out_text(
        t, "records    %lld (%lld bytes) in %lld groups\nrefused    %lld, for want of room %lld\n",
        (long long)s->counts.records, (long long)s->counts.bytes, (long long)s->counts.groups,
        (long long)s->counts.refused, (long long)s->counts.full);
}

static int show(void *context, const struct options *o, int *status, struct gf_err *e) {
    struct collect_policy_file f = {.there = 0};
    const char *const *root = context;
    struct collect_settings s;
    struct collect_state was;
    struct agent a;
    struct out t;
    int state;

    (void)status;
    if (command_args(o, 0, 0, "nothing", e) == -1 ||
        command_collect(*root, &a, &s, &state, e) == -1)
        return -1;
    int running = services_is_running(a.state, SERVICES_COLLECT);
    int rc = collect_state_load(state, &was, e);
    if (rc == 0 || e->code == GF_E_NOINPUT) {
        out_begin(&t, o);
        if (rc == 0) {
            show_state(&t, &was, running);
        } else {
            out_bool(&t, "running", running);
            out_text(&t, "it has not run yet: gapferry-collect run\n");
        }
        (void)collect_policy_refresh(&f, state);
        show_channels(&t, &f);
        collect_policy_close(&f);
        rc = out_end(&t, e);
    }
    (void)close(state);
    return rc;
}

int cmd_collect_check(const char *root, int argc, char **argv) {
    return command_do(COLLECT_PROGRAM, &check_page, argc, argv, check, &root);
}

int cmd_collect_status(const char *root, int argc, char **argv) {
    return command_do(COLLECT_PROGRAM, &status_page, argc, argv, show, &root);
}
