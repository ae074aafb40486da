/*
 * cmd_resend.c -- `resend`: what has left without an answer, into the queue again, perhaps for
 * another relay.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "agent/command.h"

static const struct option_spec specs[] = {
    {"bundle", 'b', "ID", "what this bundle holds, and has no receipt"},
    {"to", 0, "RELAY", "for this [relay \"RELAY\"] of the configuration from now on"},
    COMMAND_OPTION_JSON,
    COMMAND_OPTION_ROOT,
    COMMAND_OPTION_HELP,
    COMMAND_OPTION_END,
};

static const struct option_page page = {
    COMMAND_PROGRAM " resend",
    "[OPTION]... [RECORD]",
    "Queue again what has left and has no receipt: one RECORD, what one bundle holds, or with --to "
    "alone everything. The next sync bundles it anew under its old ids, so that it takes effect "
    "once, whichever bundle arrives; the bundles that held it are not carried any more. A record "
    "that the relay has refused even alone is tried once more. Records belong to the relay that "
    "they first left for; --to moves them.",
    specs,
    "Examples:\n  gapferry-agent resend 01980a34-7b2c-7def-8123-456789abcdef\n"
    "  gapferry-agent resend --bundle 5be1c0ffee5be1c0ffee5be1c0ffee00\n"
    "  gapferry-agent resend --to second\n",
};

static int read_ids(const struct options *o, struct gf_id *record, struct gf_id *bundle,
                    struct gf_err *e) {
    const char *text = options_arg(o, 0);

    if (text && gf_text_unuuid(text, strlen(text), record) == -1)
        return gf_err_set(e, GF_E_USAGE,
                          "%s: is no record's id, which looks like "
                          "01980a34-7b2c-7def-8123-456789abcdef",
                          text);
    text = options_value(o, "bundle");
    size_t len = text ? strlen(text) : 0;
    if (len > 4 && strcmp(text + len - 4, ".gfb") == 0)
        len -= 4;
    if (text && gf_text_unhex(text, len, bundle->b, sizeof bundle->b) == -1)
        return gf_err_set(e, GF_E_USAGE, "--bundle %s: is no bundle's id, which has 32 hex digits",
                          text);
    return 0;
}

/* The relay that --to names; it must be one that is trusted. */
static int find_relay(struct agent *a, const char *name, struct gf_card *out, struct gf_err *e) {
    char self[COMMAND_SELF];

    int found = agent_relay_named(a, name, out, e);
    if (found != 0)
        return found == 1 ? 0 : -1;
    return gf_err_set(e, GF_E_SENDER,
                      "--to %s: no card of this relay is trusted yet: %s trust CARD", name,
                      command_self(a, self));
}

static const char *plural(int64_t n) {
    return n == 1 ? "" : "s";
}

/* A record that needs nothing of this, and why. */
static int refuse(const char *record, enum store_state state, struct gf_err *e) {
    static const char *const why[] = {
        [STORE_RELAYED] = "the relay has it, and goes on trying; a receipt will tell",
        [STORE_DELIVERED] = "it was delivered",
        [STORE_REJECTED] = "it was rejected, which a second time would be, too; `status` says why",
        [STORE_EXPIRED] = "it has expired; record it anew if it is still worth it",
    };

    return gf_err_set(e, GF_E_USAGE, "record %s: %s", record, why[state]);
}

static int tell(struct agent *a, const struct options *o, const struct store_resent *r,
                const struct gf_card *to, struct gf_err *e) {
    struct out t;

    out_begin(&t, o);
    out_int(&t, "records", r->records);
    out_int(&t, "bundles_withdrawn", r->bundles);
    out_text(&t, "%" PRId64 " record%s queued again, %" PRId64 " bundle%s not carried any more\n",
             r->records, plural(r->records), r->bundles, plural(r->bundles));
    if (r->records == 0)
        out_text(&t, "Nothing is left to resend: each record of it has a receipt, or waits in a "
                     "later bundle or in the queue already (`status` shows them)\n");
    if (to) {
        out_text(&t, "goes to    ");
        command_card(&t, "to", to);
        out_text(&t, "\n");
    }
    if (out_end(&t, e) == -1)
        return -1;
    if (r->records > 0)
        command_next(a, "sync DRIVE");
    return 0;
}

static int run(struct agent *a, const struct options *o, int *status, struct gf_err *e) {
    const char *name = options_value(o, "to");
    struct store_resend what = {0};
    struct store_resent done;
    struct gf_id record, bundle;
    struct gf_card to;

    (void)status;
    if (command_args(o, 0, 1, "RECORD", e) == -1 || read_ids(o, &record, &bundle, e) == -1)
        return -1;
    what.record = options_arg(o, 0) ? &record : NULL;
    what.bundle = options_value(o, "bundle") ? &bundle : NULL;
    if (what.record && what.bundle)
        return gf_err_set(e, GF_E_USAGE, "either a RECORD or a --bundle, not both");
    if (!what.record && !what.bundle && !name)
        return gf_err_set(e, GF_E_USAGE,
                          "say what to resend: a RECORD, --bundle ID, or with --to RELAY alone "
                          "everything without receipt");
    if (name && find_relay(a, name, &to, e) == -1)
        return -1;
    what.to = name ? &to.identity : NULL;

    /* No bundle may be made, and none be carried, of what moves. */
    if (agent_lock(a, "gapferry-agent resend", e) == -1)
        return -1;
    int rc = store_resend(a->store, &what, a->now, &done, e);
    store_unlock(a->store);
    if (rc == -1)
        return -1;
    if (!done.known)
        return gf_err_set(e, GF_E_NOINPUT, "%s: this agent knows no such %s",
                          what.record ? options_arg(o, 0) : options_value(o, "bundle"),
                          what.record ? "record" : "bundle");
    if (what.record && done.state > STORE_EXPORTED)
        return refuse(options_arg(o, 0), done.state, e);
    return tell(a, o, &done, name ? &to : NULL, e);
}

int cmd_resend(const char *root, int argc, char **argv) {
    return command_run_agent(&page, root, argc, argv, run);
}
