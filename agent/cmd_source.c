/*
 * cmd_source.c -- `source list | run`: what makes records at an interval, and making them now.
 */
#include <string.h>

#include "agent/command.h"
#include "agent/source/source.h"

static const struct option_spec specs[] = {
    COMMAND_OPTION_JSON,
    COMMAND_OPTION_ROOT,
    COMMAND_OPTION_HELP,
    COMMAND_OPTION_END,
};

static const struct option_page page = {
    COMMAND_PROGRAM " source",
    "list|run [OPTION]... [NAME]",
    "list: show each source, when it ran last, when it is due next, and why it failed if it did. "
    "run: run NAME, or all sources, now, whether due or not, and queue what they make. A source "
    "whose channel has no consent does not run.",
    specs,
    "Examples:\n  gapferry-agent source list\n  gapferry-agent source run daily\n"
    "  gapferry-agent preview --now\n",
};

/* ---- list ---- */

static void time_or(struct out *t, const char *label, int64_t at, const char *otherwise) {
    char text[GF_TIME_TEXT];

    gf_text_time(at, text);
    out_text(t, "  %-8s %s\n", label, at ? text : otherwise);
}

/* "1d", "90m": as the configuration would say it. */
static void put_span(struct out *t, int64_t seconds) {
    static const struct {
        int64_t length;
        char unit;
    } units[] = {{86400, 'd'}, {3600, 'h'}, {60, 'm'}, {1, 's'}};
    size_t i = 0;

    while (seconds % units[i].length != 0)
        i++;
    out_text(t, "%lld%c", (long long)(seconds / units[i].length), units[i].unit);
}

static void show_wrong(struct out *t, const char *name, const struct gf_err *e) {
    out_open(t, NULL, '{');
    out_str(t, "source", name);
    out_str(t, "wrong", e->text);
    out_close(t, '}');
    out_safe(t, name);
    out_text(t, ": wrong in the configuration, does not run\n  why      ");
    out_safe(t, e->text);
    out_text(t, "\n");
}

static const char *consent_words(const struct command_consent *c) {
    return c->is == STORE_GRANTED  ? "granted"
           : c->is == STORE_DENIED ? "denied: it does not run"
                                   : "not given: it does not run";
}

static int show(struct agent *a, struct out *t, const char *name, struct gf_err *e) {
    struct command_consent c;
    struct store_source st;
    struct source s;

    if (source_load(a->config, name, &s, e) == -1) {
        show_wrong(t, name, e);
        return 0;
    }
    if (command_consent(a, s.channel, &c, e) == -1 || source_state(a, &s, &st, e) == -1)
        return -1;
    int runs = c.is == STORE_GRANTED;
    out_open(t, NULL, '{');
    out_str(t, "source", s.name);
    out_str(t, "channel", s.channel);
    out_str(t, "kind", s.command ? "command" : "document");
    out_str(t, "command", s.command);
    out_int(t, "interval", s.interval);
    out_str(t, "consent", store_consents[c.is]);
    out_time(t, "last_run", st.ran != 0, st.ran);
    out_time(t, "last_record", st.good != 0, st.good);
    out_time(t, "next", runs, st.due);
    out_int(t, "failures", st.failures);
    out_str(t, "reason", st.reason[0] ? st.reason : NULL);
    out_close(t, '}');

    out_text(t, "%s: %s on channel %s, ", s.name, s.command ? "command" : "document", s.channel);
    out_text(t, "every ");
    put_span(t, s.interval);
    out_text(t, "\n  consent  %s\n", consent_words(&c));
    time_or(t, "last run", st.ran, "never");
    time_or(t, "record", st.good, "none yet");
    if (runs && st.due <= a->now)
        out_text(t, "  next     now\n");
    else if (runs)
        time_or(t, "next", st.due, "");
    if (st.failures > 0)
        out_text(t, "  failed   %lld time%s in a row\n", (long long)st.failures,
                 st.failures == 1 ? "" : "s");
    if (st.reason[0]) {
        out_text(t, "  why      ");
        out_safe(t, st.reason);
        out_text(t, "\n");
    }
    return 0;
}

static int list(struct agent *a, struct out *t, const char *only, struct gf_err *e) {
    const char *name;
    int shown = 0, rc = 0;

    out_open(t, "sources", '[');
    for (size_t i = 0; rc == 0 && (name = config_name(a->config, "source", i)); i++) {
        if (only && strcmp(only, name) != 0)
            continue;
        shown++;
        rc = show(a, t, name, e);
    }
    out_close(t, ']');
    if (rc == 0 && shown == 0 && only)
        return gf_err_set(e, GF_E_USAGE, "source \"%s\": there is none of that name in %s", only,
                          a->config_path);
    if (shown == 0)
        out_text(t, "No source is configured: [source \"NAME\"] in %s makes one.\n",
                 a->config_path);
    return rc;
}

/* ---- run ---- */

/* One source was asked for by name: then its failure is that of the command. */
static int why_not(struct agent *a, const char *name, const struct sources_result *r,
                   struct gf_err *e) {
    struct store_source st;
    struct source s;
    char self[COMMAND_SELF];

    if (r->recorded > 0)
        return 0;
    if (source_load(a->config, name, &s, e) == -1)
        return -1;
    if (r->waiting > 0)
        return gf_err_set(e, GF_E_CONSENT,
                          "source %s: channel %s has no consent; it did not run. To allow it: %s "
                          "consent %s grant",
                          name, s.channel, command_self(a, self), s.channel);
    if (store_get_source(a->store, name, &st, e) == -1)
        return -1;
    if (r->failed > 0)
        return gf_err_set(e, GF_E_NOINPUT, "source %s: %s", name, st.reason);
    return 0;
}

static int run_now(struct agent *a, struct out *t, const char *only, int *status,
                   struct gf_err *e) {
    struct sources_result r;
    char self[COMMAND_SELF];

    if (agent_sources_run(a, only, 1, 0, &r, e) == -1 || (only && why_not(a, only, &r, e) == -1))
        return -1;
    out_int(t, "ran", r.ran);
    out_int(t, "recorded", r.recorded);
    out_int(t, "failed", r.failed);
    out_int(t, "elsewhere", r.elsewhere);
    out_int(t, "without_consent", r.waiting);
    out_text(t, "%lld record%s queued", (long long)r.recorded, r.recorded == 1 ? "" : "s");
    if (r.failed > 0)
        out_text(t, ", %lld failed (why: %s source list)", (long long)r.failed,
                 command_self(a, self));
    if (r.elsewhere > 0)
        out_text(t, ", %lld left to another host (only_if)", (long long)r.elsewhere);
    if (r.waiting > 0)
        out_text(t, ", %lld without consent did not run", (long long)r.waiting);
    out_text(t, "\n");
    if (r.failed > 0)
        *status = GF_EXIT_NOINPUT;
    else if (r.waiting > 0)
        *status = GF_EXIT_CONSENT;
    return 0;
}

static int run(struct agent *a, const struct options *o, int *status, struct gf_err *e) {
    const char *verb = options_arg(o, 0), *name = options_arg(o, 1);
    struct out t;

    if (command_args(o, 1, 2, "list or run", e) == -1)
        return -1;
    int is_run = strcmp(verb, "run") == 0;
    if (!is_run && strcmp(verb, "list") != 0)
        return gf_err_set(e, GF_E_USAGE, "source %s: must be list or run", verb);
    out_begin(&t, o);
    int rc = is_run ? run_now(a, &t, name, status, e) : list(a, &t, name, e);
    if (rc == 0)
        rc = out_end(&t, e);
    out_free(&t);
    if (rc == 0 && is_run)
        command_next(a, "preview");
    return rc;
}

int cmd_source(const char *root, int argc, char **argv) {
    return command_run_agent(&page, root, argc, argv, run);
}
