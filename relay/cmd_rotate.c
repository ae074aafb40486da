/*
 * cmd_rotate.c -- `rotate`: new keys for this relay, which stays the relay it is.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>

#include "relay/command.h"
#include "relay/keys.h"
#include "relay/ledger/ledger_rotate.h"

static const struct option_spec specs[] = {
    {"force", 0, NULL, "also where agents know no newer key than the one that is given up now"},
    COMMAND_OPTION_JSON,
    COMMAND_OPTION_ROOT,
    COMMAND_OPTION_HELP,
    COMMAND_OPTION_END,
};

/* The oldest of the kept keys goes: agents that have shown no newer one could not be answered. */
static int check_outdated(struct relay *r, const struct options *o, struct gf_err *e) {
    char self[COMMAND_SELF];
    int64_t n = 0;

    if (options_count(o, "force"))
        return 0;
    if (ledger_outdated(r->ledger, OWN_KEYS_FORMER_MAX, &n, e) == -1)
        return -1;
    if (n == 0)
        return 0;
    return gf_err_set(e, GF_E_USAGE,
                      "%" PRId64 " agent%s still %s the key that would be given up now, the oldest "
                      "of those that are kept: %s agents show FINGERPRINT says which card one "
                      "knows. Let them come first, or add --force; they then need a person to "
                      "trust the new card",
                      n, n == 1 ? "" : "s", n == 1 ? "uses" : "use", relay_self(r, self));
}

/* 1 if others than its predecessor have signed the card: what they vouched for was that card. */
static int has_vendor(const struct gf_card *c) {
    return c->cosigned > (c->has_replaces != 0);
}

/* From the ledger's commit on the new identity is in force. */
static int rotate(struct relay *r, const struct options *o, struct gf_err *e) {
    char keys[sizeof r->state + 16], user[65];
    struct gf_identity next;
    struct gf_card c;

    if (keys_renew(r, e) == -1 || check_outdated(r, o, e) == -1 ||
        own_keys_next(r->state, &r->id, r->now, &c, e) == -1)
        return -1;
    (void)snprintf(keys, sizeof keys, "%s/keys.next", r->state);
    if (gf_identity_load(AT_FDCWD, keys, &next, e) == -1)
        return -1;
    command_user(user);
    int rc = ledger_rotated(r->ledger, &next, user, r->now, e);
    gf_identity_free(&next);
    if (rc == -1 || ledger_seal(r->ledger, e) == -1 ||
        own_keys_switch(r->state, &c.identity, e) == -1)
        return -1;
    return keys_load(r, 0, e);
}

static int tell(struct relay *r, const struct options *o, const char *before, int vendor,
                struct gf_err *e) {
    char after[GF_FINGERPRINT_TEXT], self[COMMAND_SELF];
    int64_t agents = 0;
    struct out t;

    if (ledger_outdated(r->ledger, 1, &agents, e) == -1)
        return -1;
    gf_card_fingerprint(&r->id.card, after);
    out_begin(&t, o);
    command_str(&t, "fingerprint", "fingerprint", after);
    command_str(&t, "replaces", "replaces", before);
    command_int(&t, "agents", "agents_to_hear", agents);
    out_bool(&t, "vendor_signature_lost", vendor);
    out_text(&t,
             "The agents that know the old card learn of the new one from the next drive, or the "
             "next response; nobody has to trust anything. Until then they are answered by the "
             "old key. Publish the new fingerprint for new sites.\n");
    if (vendor)
        out_text(&t,
                 "A vendor had signed the old card. That does not hold for the new one: let the "
                 "vendor sign it, too (%s card --out FILE, then card --install)\n",
                 relay_self(r, self));
    if (command_end(&t, e) == -1)
        return -1;
    command_next(r, "sync DRIVE");
    return 0;
}

static int work(struct relay *r, const struct options *o, int *status, struct gf_err *e) {
    char before[GF_FINGERPRINT_TEXT];

    (void)status;
    if (command_args(o, 0, 0, "nothing", e) == -1 || ledger_lock(r->ledger, "rotate", e) == -1)
        return -1;
    gf_card_fingerprint(&r->id.card, before);
    int vendor = has_vendor(&r->id.card);
    int rc = rotate(r, o, e);
    ledger_unlock(r->ledger);
    return rc == 0 ? tell(r, o, before, vendor, e) : -1;
}

int cmd_rotate(const char *root, int argc, char **argv) {
    static const struct command c = {
        {COMMAND_PROGRAM " rotate", "[OPTION]...",
         "Make new keys for this relay. Agents that know the old ones take them for their "
         "successor, since the old ones have signed the new card, and then refuse the old ones. "
         "What is on its way to the old keys is still taken. Somebody else with the old keys could "
         "do the same: if they were stolen, that is not enough, see gapferry-relay(8).",
         specs, "Example:\n  gapferry-relay rotate && gapferry-relay sync DRIVE\n"},
        COMMAND_OPEN,
        work};
    return command_run(&c, root, argc, argv);
}
