/*
 * cmd_preview.c -- `preview`: exactly what will leave, before it does (promise P7).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/airgap.h"
#include "agent/body.h"
#include "agent/command.h"
#include "agent/source/source.h"
#include "agent/thin/thin_show.h"
#include "common/otlp_json.h"

static const struct option_spec specs[] = {
    {"now", 0, NULL, "run the sources, show what they would make, and record nothing"},
    COMMAND_OPTION_JSON,
    COMMAND_OPTION_ROOT,
    COMMAND_OPTION_HELP,
    COMMAND_OPTION_END,
};

static const struct option_page page = {
    COMMAND_PROGRAM " preview",
    "[OPTION]... [CHANNEL]",
    "Print exactly what will leave: every queued record with its fields and its body, byte for "
    "byte, per channel the rule that applies, and to which relay it goes. Control characters are "
    "shown as \\xNN. With --json the records are the very lines that go into the bundle. --now: "
    "run "
    "the sources of the channel and show what they would make; nothing is recorded. That works "
    "before consent was given, so that one sees what one is asked for, but not once it is denied.",
    specs,
    "Examples:\n  gapferry-agent preview metrics\n  gapferry-agent preview --now\n",
};

/* Bytes of the JSON that a line's worth of protobuf can become: each byte of it a field that is
 * named on a line of its own, far to the right. */
#define METRICS_MAX (48 << 20)

struct preview {
    struct agent *a;
    struct out t;
    int64_t records;
    int64_t channels, leaving; /* with queued records; of these, whose records may leave now */
    size_t relays;             /* that are trusted */
};

/* A body as people can read it: line feeds and tabs are kept, the rest is escaped. */
static void put_body(struct out *t, const char *data, size_t len) {
    while (len > 0) {
        const char *stop = data;
        const char *end = data + len;
        while (stop < end && *stop != '\n' && *stop != '\t')
            stop++;
        gf_text_safe(&t->b, data, (size_t)(stop - data));
        if (stop < end)
            gf_buf_byte(&t->b, *stop++);
        len = (size_t)(end - stop);
        data = stop;
    }
}

/* What a body leads to that is no text: metrics in protobuf as OTLP JSON. 1, or 0: it is none. */
static int put_metrics(struct out *t, const struct gf_record *r) {
    struct gf_buf json;
    struct gf_err e;

    if (!body_is(r->type, "application/x-protobuf"))
        return 0;
    gf_buf_init(&json, METRICS_MAX);
    int rc = otlp_json_from_protobuf(r->body.data, r->body.len, 1, &json, &e);
    if (rc == 0) {
        out_text(t, "  body     %zu bytes of OpenTelemetry metrics (protobuf), here as JSON:\n",
                 r->body.len);
        gf_buf_add(&t->b, json.data, json.len);
        out_text(t, "\n");
    }
    gf_buf_free(&json);
    return rc == 0;
}

static void put_body_of(struct out *t, const struct gf_record *r) {
    if (r->body.form == GF_BODY_FILE) {
        out_text(t, "  body     the file %s\n", r->body.data);
        return;
    }
    if (put_metrics(t, r))
        return;
    if (gf_text_is_utf8(r->body.data, r->body.len))
        out_text(t, "  body     %zu bytes:\n", r->body.len);
    else
        out_text(t, "  body     %zu bytes, not text (goes as base64):\n", r->body.len);
    put_body(t, r->body.data, r->body.len);
    if (r->body.len == 0 || r->body.data[r->body.len - 1] != '\n')
        out_text(t, "\n");
}

static void show_text(struct preview *p, const struct gf_record *r) {
    struct out *t = &p->t;
    char id[GF_UUID_TEXT], origin[GF_ID_TEXT], created[GF_TIME_TEXT], expires[GF_TIME_TEXT];

    gf_text_uuid(&r->id, id);
    gf_text_hex(r->origin.b, sizeof r->origin.b, origin);
    gf_text_time(r->created, created);
    gf_text_time(r->expires, expires);
    out_text(t, "\n  record   %s\n  channel  %s\n", id, r->channel);
    if (r->product)
        out_text(t, "  product  %s\n", r->product);
    out_text(t, "  origin   %s (this agent)\n  created  %s\n", origin, created);
    if (r->has_expires)
        out_text(t, "  expires  %s\n", expires);
    out_text(t, "  clock    %s\n  type     ", gf_record_clocks[r->clock]);
    out_safe(t, r->type);
    out_text(t, "\n  answer   %s\n", r->answer ? "wanted" : "not wanted");
    if (r->ext) {
        out_text(t, "  facts    ");
        out_safe(t, r->ext);
        out_text(t, "\n");
    }
    put_body_of(t, r);
}

static int show_record(void *arg, const struct store_record *s, struct gf_err *e) {
    struct preview *p = arg;
    struct gf_record r;

    p->records++;
    if (p->t.json) {
        size_t len = s->line_len;
        while (len > 0 && s->line[len - 1] == '\n')
            len--;
        out_raw(&p->t, NULL, s->line, len);
    } else {
        if (gf_record_parse(s->line, s->line_len, &r, e) == -1)
            return -1;
        show_text(p, &r);
        gf_record_free(&r);
    }
    out_flush(&p->t);
    return 0;
}

/* The deny-list, where metrics come in or somebody has said which. */
static void put_deny(struct preview *p, const char *channel) {
    const char *deny = config_get(p->a->config, "channel", channel, "deny");
    struct out *t = &p->t;

    if (deny) {
        out_text(t, "  deny     of metrics these attributes do not pass: ");
        out_safe(t, deny[0] ? deny : "none");
        out_text(t, " (%s, in the place of the default list)\n",
                 config_origin(p->a->config, "channel", channel, "deny"));
    } else if (strcmp(channel, config_get(p->a->config, "collect", NULL, "channel")) == 0) {
        out_text(t, "  deny     of metrics the attributes of the default list do not pass: names "
                    "and addresses of hosts and users\n");
    }
}

/* In words: the rules, the consent, and the way. */
static void put_way(struct preview *p, const char *channel, const struct command_consent *c,
                    enum airgap airgap) {
    const char *allow = config_get(p->a->config, "channel", channel, "allow");
    struct out *t = &p->t;

    if (allow && redact_passes_all(allow)) {
        out_text(t, "  rule     everything passes (%s)\n",
                 config_origin(p->a->config, "channel", channel, "allow"));
    } else if (allow) {
        out_text(t, "  rule     only these fields pass: ");
        out_safe(t, allow);
        out_text(t, " (%s)\n", config_origin(p->a->config, "channel", channel, "allow"));
    } else {
        out_text(t, "  rule     no rule: everything passes\n");
    }
    if (!c->own)
        put_deny(p, channel);
    if (c->own)
        out_text(t, "  consent  each request is its own\n");
    else if (c->is == STORE_GRANTED)
        out_text(t, "  consent  granted\n");
    else
        out_text(t, "  consent  %s: these records will NOT leave\n",
                 c->is == STORE_DENIED ? "denied" : "not given");
    if (airgap == AIRGAP_HOLD)
        out_text(t, "  airgap   hold: these records will NOT leave by drive; they wait until "
                    "gapferry-link has found their relay online\n");
    else if (airgap == AIRGAP_DISCARD)
        out_text(t, "  airgap   discard: these records will NOT leave; while their relay is out of "
                    "reach, the next sync drops and counts them\n");
}

/* Where it goes: a relay of its own, or the one of all. */
static int put_relay(struct preview *p, const char *channel, struct gf_err *e) {
    char fingerprint[GF_FINGERPRINT_TEXT];
    struct gf_card relay;

    int found = agent_relay_of(p->a, channel, &relay, e);
    if (found == -1 && e->code != GF_E_CONFIG)
        return -1;
    /* What is wrong with the configuration keeps nobody from looking. */
    if (found == -1) {
        out_text(&p->t, "  relay    none: ");
        out_safe(&p->t, e->text);
        out_text(&p->t, "\n");
        found = 0;
    }
    if (found)
        gf_card_fingerprint(&relay, fingerprint);
    out_str(&p->t, "relay", found ? fingerprint : NULL);
    if (found && p->relays > 1) {
        out_text(&p->t, "  relay    %s  ", fingerprint);
        out_safe(&p->t, relay.name);
        out_text(&p->t, "\n");
    }
    return 0;
}

/* The rule, the way and the consent: what decides about the records that follow. */
static int show_channel(struct preview *p, const char *channel, int64_t queued, struct gf_err *e) {
    const char *allow = config_get(p->a->config, "channel", channel, "allow");
    struct command_consent c;
    struct out *t = &p->t;
    enum airgap airgap;

    if (command_consent(p->a, channel, &c, e) == -1 || airgap_now(p->a, channel, &airgap, e) == -1)
        return -1;
    out_open(t, NULL, '{');
    out_str(t, "channel", channel);
    out_int(t, "queued", queued);
    out_str(t, "rule", allow);
    out_str(t, "deny", config_get(p->a->config, "channel", channel, "deny"));
    out_str(t, "consent", c.own ? "own" : store_consents[c.is]);
    const int leaves = c.is == STORE_GRANTED && airgap == AIRGAP_CARRY;
    p->leaving += leaves;
    out_str(t, "airgap", grid_airgaps[airgap]);
    out_bool(t, "leaves", leaves);
    out_text(t, "%s: %lld record%s queued\n", channel, (long long)queued, queued == 1 ? "" : "s");
    int rc = put_relay(p, channel, e);
    put_way(p, channel, &c, airgap);
    if (rc == 0)
        rc = thin_show(p->a, channel, t, "  thinned  ", e);

    out_open(t, "records", '[');
    if (rc == 0)
        rc = store_walk(p->a->store, STORE_QUEUED, channel, show_record, p, e);
    out_close(t, ']');
    out_close(t, '}');
    out_text(t, "\n");
    return rc;
}

/* All that are trusted; which channel goes to which stands with the channel. */
static int show_relays(struct preview *p, struct gf_err *e) {
    struct gf_card relay, *cards = NULL;
    char self[COMMAND_SELF];
    size_t n = 0;

    int found = command_relay(p->a, &relay, e);
    if (found == -1 || store_cards(p->a->store, GF_ROLE_RELAY, &cards, &n, e) == -1)
        return -1;
    if (found) {
        /* In JSON the one for channels that name no other. */
        if (p->t.json || n == 1) {
            out_text(&p->t, "goes to relay ");
            command_card(&p->t, "relay", &relay);
            out_text(&p->t, "\n\n");
        } else {
            out_text(&p->t, "goes to one of %zu relays, which stands with each channel\n\n", n);
        }
    } else {
        out_str(&p->t, "relay", NULL);
        out_text(&p->t, "goes nowhere yet: no relay is trusted (%s trust CARD)\n\n",
                 command_self(p->a, self));
    }
    p->relays = n;
    free(cards);
    return 0;
}

/* What lies in intake/ leaves with the next sync, too, as far as it is accepted. */
static int take_in(struct agent *a, struct gf_err *e) {
    struct intake_result taken;

    if (agent_intake(a, &taken, e) == -1)
        return -1;
    return taken.removed > 0 ? agent_policy_publish(a, e) : 0;
}

static int show_all(struct preview *p, const char *only, struct gf_err *e) {
    struct store_count *counts = NULL;
    char self[COMMAND_SELF];
    int64_t bundled = 0;
    size_t n = 0;

    if (take_in(p->a, e) == -1 || store_counts(p->a->store, &counts, &n, e) == -1)
        return -1;
    int rc = show_relays(p, e);
    out_open(&p->t, "channels", '[');
    for (size_t i = 0; i < n && rc == 0; i++) {
        if (only && strcmp(counts[i].channel, only) != 0)
            continue;
        bundled += counts[i].n[STORE_EXPORTED];
        p->channels += counts[i].n[STORE_QUEUED] > 0;
        if (counts[i].n[STORE_QUEUED] > 0)
            rc = show_channel(p, counts[i].channel, counts[i].n[STORE_QUEUED], e);
    }
    out_close(&p->t, ']');
    out_bool(&p->t, "left", 0);
    out_int(&p->t, "in_bundles", bundled);
    free(counts);
    if (p->records == 0)
        out_text(&p->t, "Nothing is queued%s%s.\n", only ? " on channel " : "", only ? only : "");
    else
        out_text(&p->t, "Nothing of this has left yet%s `%s sync DRIVE`.\n",
                 p->leaving == 0            ? ", and nothing of it leaves with the next"
                 : p->leaving < p->channels ? ": it leaves, but for what will NOT, with the next"
                                            : ": it leaves with the next",
                 command_self(p->a, self));
    if (bundled > 0)
        out_text(&p->t, "%lld more record%s in bundles already and await%s a receipt.\n",
                 (long long)bundled, bundled == 1 ? " is" : "s are", bundled == 1 ? "s" : "");
    return rc;
}

/* ---- preview --now ---- */

static int show_made(struct preview *p, const struct source_outcome *o, struct gf_err *e) {
    struct gf_buf line;

    p->records++;
    if (!p->t.json) {
        show_text(p, &o->record);
        return 0;
    }
    gf_buf_init(&line, GF_LINE_MAX);
    int rc = gf_record_write(&o->record, &line, e);
    if (rc == 0)
        out_raw(&p->t, "record", line.data, line.len - 1);
    gf_buf_free(&line);
    return rc;
}

/* What a source would make now, after the rule, and whether it would leave. */
static int show_source(struct preview *p, const struct source *s, const struct source_outcome *o,
                       struct gf_err *e) {
    const char *allow = config_get(p->a->config, "channel", s->channel, "allow");
    struct out *t = &p->t;
    int rc = 0;

    out_open(t, NULL, '{');
    out_str(t, "source", s->name);
    out_str(t, "channel", s->channel);
    out_str(t, "consent", store_consents[o->consent]);
    out_str(t, "rule", allow);
    out_str(t, "dropped", o->dropped.len ? o->dropped.data : NULL);
    out_str(t, "why", o->why[0] ? o->why : NULL);
    out_text(t, "source %s, for channel %s\n", s->name, s->channel);
    if (o->end == SOURCE_WAITING) {
        out_text(t, "  consent is denied: it does not run\n");
    } else if (o->end != SOURCE_RECORDED) {
        out_text(t, "  %s: ", o->end == SOURCE_FAILED ? "failed" : "makes nothing here");
        out_safe(t, o->why);
        out_text(
            t, " (%s)\n",
            config_origin(p->a->config, "source", s->name, s->command ? "command" : "channel"));
    } else {
        out_text(t, "  rule     %s",
                 allow ? "only these fields pass: " : "no rule: everything passes");
        out_safe(t, allow ? allow : "");
        out_text(t, "\n");
        put_deny(p, s->channel);
        if (o->dropped.len > 0) {
            out_text(t, "  dropped  ");
            out_safe(t, o->dropped.data);
            out_text(t, "\n");
        }
        out_text(t, "  consent  %s\n",
                 o->consent == STORE_GRANTED ? "granted" : "not given: it would NOT be recorded");
        rc = show_made(p, o, e);
    }
    out_close(t, '}');
    out_text(t, "\n");
    return rc;
}

/* No source is for this channel: which ones there are for. */
static int none_for(const struct agent *a, const char *channel, struct gf_err *e) {
    char list[256] = "";
    const char *name;

    for (size_t i = 0; (name = config_name(a->config, "source", i)); i++) {
        const char *of = config_get(a->config, "source", name, "channel");
        size_t len = strlen(list);
        if (of)
            (void)snprintf(list + len, sizeof list - len, "%s%s", len ? ", " : "", of);
    }
    return gf_err_set(e, GF_E_USAGE,
                      "channel %s: no source is configured for it in %s; there are sources for: %s",
                      channel, a->config_path, list[0] ? list : "none");
}

static int show_now(struct preview *p, const char *only, int *status, struct gf_err *e) {
    const char *name;
    int found = 0, rc = 0;

    out_open(&p->t, "sources", '[');
    for (size_t i = 0; rc == 0 && (name = config_name(p->a->config, "source", i)); i++) {
        struct source_outcome o;
        struct source s;

        if (source_load(p->a->config, name, &s, e) == -1)
            return -1;
        if (only && strcmp(s.channel, only) != 0)
            continue;
        found = 1;
        rc = source_run(p->a, &s, 1, &o, e);
        if (rc == 0) {
            rc = show_source(p, &s, &o, e);
            if (o.end == SOURCE_FAILED)
                *status = GF_EXIT_NOINPUT;
            source_outcome_free(&o);
        }
    }
    out_close(&p->t, ']');
    if (rc == 0 && !found && only)
        return none_for(p->a, only, e);
    if (rc == 0 && !found)
        out_text(&p->t, "No source is configured.\n");
    else
        out_text(&p->t, "Nothing was recorded.\n");
    return rc;
}

static int run(struct agent *a, const struct options *o, int *status, struct gf_err *e) {
    struct preview p = {.a = a};
    const char *channel = options_arg(o, 0);

    if (command_args(o, 0, 1, "CHANNEL", e) == -1 || (channel && command_channel(channel, e) == -1))
        return -1;
    out_begin(&p.t, o);
    int rc = options_count(o, "now") ? show_now(&p, channel, status, e) : show_all(&p, channel, e);
    if (rc == 0)
        rc = out_end(&p.t, e);
    out_free(&p.t);
    return rc;
}

int cmd_preview(const char *root, int argc, char **argv) {
    return command_run_agent(&page, root, argc, argv, run);
}
