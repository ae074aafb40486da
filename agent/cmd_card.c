/*
 * cmd_card.c -- `card`: who this agent is, as others are to know it.
 */
#include <stdio.h>
#include <string.h>

#include "agent/command.h"
#include "agent/own_card.h"
#include "common/log.h"
#include "common/own_keys.h"

static const struct option_spec specs[] = {
    {"fingerprint", 'f', NULL, "print the fingerprint and nothing else"},
    {"out", 'o', "FILE",
     "write the card as it goes to drives, without the name: for the relay's "
     "operator, or for a vendor to sign"},
    {"install", 0, "FILE", "take over this card with a vendor's signature"},
    {"token-file", 0, "FILE",
     "put the MAC of the relay's one-time token into the card; - reads the "
     "token from standard input"},
    COMMAND_OPTION_JSON,
    COMMAND_OPTION_ROOT,
    COMMAND_OPTION_HELP,
    COMMAND_OPTION_END,
};

static const struct option_page page = {
    COMMAND_PROGRAM " card",
    "[OPTION]...",
    "Show this agent's card. The relay's operator approves this agent by its fingerprint: read it "
    "out over a channel that nobody else can change, a telephone for instance. No fingerprint "
    "needs "
    "to be compared where the card carries the MAC of a token that the relay's operator gave this "
    "site, or the signature of a vendor whom the relay trusts with that.",
    specs,
    "Examples:\n  gapferry-agent card --fingerprint\n  gapferry-agent card --token-file -\n",
};

/* What is asked for beyond being shown. */
static int change(struct agent *a, const struct options *o, struct gf_err *e) {
    const char *install = options_value(o, "install"), *token = options_value(o, "token-file"),
               *out = options_value(o, "out");

    if (install != NULL && token != NULL)
        return gf_err_set(
            e, GF_E_USAGE,
            "--install and --token-file: give one of them; a token is not needed by a "
            "card that a vendor has signed");
    const int cosigned = a->id.card.cosigned;
    if ((install != NULL && own_keys_install(a->state, &a->id, install, e) == -1) ||
        (token != NULL && own_card_take_token(a, token, e) == -1))
        return -1;
    if (token != NULL && cosigned)
        log_write(LOG_LEVEL_WARNING, "signature-gone",
                  {"why", "what others have signed is the card without a token's MAC", 0},
                  {"remedy", "card --install takes their card again, without the MAC", 0});
    if ((install != NULL || token != NULL) && agent_publish_cards(a, e) == -1)
        return -1;
    return out != NULL ? own_keys_write(&a->id, out, e) : 0;
}

static int run(struct agent *a, const struct options *o, int *status, struct gf_err *e) {
    const struct gf_card *c = &a->id.card;
    char fingerprint[GF_FINGERPRINT_TEXT], agent[GF_ID_TEXT], identity[GF_HASH_TEXT];
    char created[GF_TIME_TEXT], path[sizeof a->state + 16];
    struct out t;

    (void)status;
    if (command_args(o, 0, 0, "nothing", e) == -1 || change(a, o, e) == -1)
        return -1;
    gf_card_fingerprint(c, fingerprint);
    gf_text_hex(c->agent.b, sizeof c->agent.b, agent);
    gf_text_hex(c->identity.b, sizeof c->identity.b, identity);
    gf_text_time(c->created, created);
    (void)snprintf(path, sizeof path, "%s/keys/card", a->state);

    out_begin(&t, o);
    if (options_count(o, "fingerprint") && !t.json) {
        out_text(&t, "%s\n", fingerprint);
        return out_end(&t, e);
    }
    out_str(&t, "fingerprint", fingerprint);
    out_str(&t, "role", gf_card_roles[c->role]);
    out_str(&t, "name", c->name[0] ? c->name : NULL);
    out_str(&t, "agent", agent);
    out_str(&t, "identity", identity);
    out_str(&t, "created", created);
    out_str(&t, "file", path);
    out_bool(&t, "token", c->has_token_mac);
    out_bool(&t, "cosigned", c->cosigned);
    out_text(&t, "fingerprint  %s\nrole         %s\nname         ", fingerprint,
             gf_card_roles[c->role]);
    out_safe(&t, c->name);
    out_text(&t, "\nagent        %s\nidentity     %s\ncreated      %s\nfile         %s\n", agent,
             identity, created, path);
    if (c->has_token_mac)
        out_text(&t, "token        its MAC is in the card\n");
    if (c->cosigned)
        out_text(&t, "signed       by others, too\n");
    return out_end(&t, e);
}

int cmd_card(const char *root, int argc, char **argv) {
    return command_run_agent(&page, root, argc, argv, run);
}
