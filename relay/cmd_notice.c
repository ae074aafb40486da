/*
 * cmd_notice.c -- `notice [CHANNEL WORD...]`: what every agent of this relay is asked to be
 * stricter with; it obeys where this relay is within its site.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "relay/command.h"
#include "relay/ledger/ledger_grid.h"

static const struct option_spec specs[] = {
    COMMAND_OPTION_JSON,
    COMMAND_OPTION_ROOT,
    COMMAND_OPTION_HELP,
    COMMAND_OPTION_END,
};

/* One of "airgap=hold", "consent=denied" and their like. */
static int read_word(const char *word, struct grid_policy *p, struct gf_err *e) {
    if (strncmp(word, "airgap=", 7) == 0) {
        for (int i = 0; grid_airgaps[i] != NULL; i++) {
            if (strcmp(word + 7, grid_airgaps[i]) == 0) {
                p->airgap = i;
                return 0;
            }
        }
    }
    if (strcmp(word, "consent=denied") == 0 || strcmp(word, "consent=own") == 0) {
        p->denied = word[8] == 'd';
        return 0;
    }
    return gf_err_set(e, GF_E_USAGE,
                      "\"%.40s\": must be airgap=carry, airgap=hold, airgap=discard, "
                      "consent=denied or consent=own",
                      word);
}

static int read_policy(const struct options *o, struct grid_policy *p, struct gf_err *e) {
    const char *channel = options_arg(o, 0);

    *p = (struct grid_policy){.denied = 0};
    if (!gf_text_is_word(channel, strlen(channel), GF_WORD_MAX))
        return gf_err_set(e, GF_E_USAGE, "a channel is 1 to %d characters of [a-z0-9.-]",
                          GF_WORD_MAX);
    if (o->nargs < 2)
        return gf_err_set(e, GF_E_USAGE,
                          "say what is asked of channel %s: airgap=hold, consent=denied; or "
                          "airgap=carry to take it back",
                          channel);
    (void)snprintf(p->channel, sizeof p->channel, "%s", channel);
    for (size_t i = 1; i < o->nargs; i++) {
        if (read_word(options_arg(o, i), p, e) == -1)
            return -1;
    }
    if (grid_is_own_consent(channel))
        return gf_err_set(e, GF_E_USAGE,
                          "%s: who asks for a licence or an update has decided by that; no agent "
                          "holds it back",
                          channel);
    return 0;
}

static int ask(struct relay *r, const struct options *o, struct out *t, struct gf_err *e) {
    struct grid_policy p;
    char user[65];

    if (read_policy(o, &p, e) == -1 || ledger_lock(r->ledger, "notice", e) == -1)
        return -1;
    command_user(user);
    int changed = ledger_policy(r->ledger, LEDGER_OURS, &p, user, r->now, e);
    if (changed != -1 && ledger_seal(r->ledger, e) == -1)
        changed = -1;
    ledger_unlock(r->ledger);
    if (changed == -1)
        return -1;
    out_bool(t, "changed", changed);
    out_text(t, changed ? "each agent is told with its next response\n"
                        : "nothing has changed by that\n");
    return 0;
}

static int show(struct relay *r, struct out *t, struct gf_err *e) {
    struct ledger_asked *list = NULL;
    size_t n = 0;

    if (ledger_policies(r->ledger, &list, &n, e) == -1)
        return -1;
    out_open(t, "notices", '[');
    for (size_t i = 0; i < n; i++) {
        const struct ledger_asked *a = &list[i];
        out_open(t, NULL, '{');
        command_str(t, NULL, "channel", a->policy.channel);
        command_str(t, NULL, "consent", a->policy.denied ? "denied" : NULL);
        command_str(t, NULL, "airgap", grid_airgaps[a->policy.airgap]);
        command_time(t, NULL, "since", a->at);
        out_int(t, "agents", a->nodes);
        out_int(t, "acknowledged", a->have);
        out_close(t, '}');
        out_text(t,
                 "%-13s%s: consent %s, airgap %s; %" PRId64 " of %" PRId64 " agents have said that "
                 "they know\n",
                 "notice", a->policy.channel, a->policy.denied ? "denied" : "own",
                 grid_airgaps[a->policy.airgap], a->have, a->nodes);
    }
    out_close(t, ']');
    if (n == 0)
        out_text(t, "nothing is asked of the agents\n");
    free(list);
    return 0;
}

static int work(struct relay *r, const struct options *o, int *status, struct gf_err *e) {
    struct out t;

    (void)status;
    out_begin(&t, o);
    if ((o->nargs > 0 && ask(r, o, &t, e) == -1) || show(r, &t, e) == -1) {
        gf_buf_free(&t.b);
        return -1;
    }
    return command_end(&t, e);
}

int cmd_notice(const char *root, int argc, char **argv) {
    static const struct command c = {
        {COMMAND_PROGRAM " notice", "[OPTION]... [CHANNEL WORD...]",
         "Ask every agent that is enrolled here to be stricter with a channel: airgap=hold or "
         "airgap=discard while the next relay is out of reach, consent=denied to record nothing. "
         "An agent obeys only a relay within its site (reach = site), and only where that is "
         "stricter than what it has decided itself. A later call takes the place of an earlier "
         "one; airgap=carry and consent=own take it back. Without arguments: what is asked, and "
         "how many agents have acknowledged it.",
         specs, "Example:\n  gapferry-relay notice metrics airgap=hold\n"},
        COMMAND_OPEN,
        work};
    return command_run(&c, root, argc, argv);
}
