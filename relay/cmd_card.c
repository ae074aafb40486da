/*
 * cmd_card.c -- `card`: who this relay is, as sites are to know it.
 */
#include <stdio.h>

#include "common/own_keys.h"
#include "relay/command.h"

static const struct option_spec specs[] = {
    {"fingerprint", 'f', NULL, "print the fingerprint and nothing else"},
    {"out", 'o', "FILE",
     "write the card as it goes to drives, without the name: for a site, or for "
     "a vendor to sign"},
    {"install", 0, "FILE", "take over this card with a vendor's signature"},
    COMMAND_OPTION_JSON,
    COMMAND_OPTION_ROOT,
    COMMAND_OPTION_HELP,
    COMMAND_OPTION_END,
};

static int work(struct relay *r, const struct options *o, int *status, struct gf_err *e) {
    char path[sizeof r->state + 16];
    char fingerprint[GF_FINGERPRINT_TEXT];
    struct out t;

    (void)status;
    const char *install = options_value(o, "install"), *file = options_value(o, "out");
    if (command_args(o, 0, 0, "nothing", e) == -1 ||
        (install != NULL && own_keys_install(r->state, &r->id, install, e) == -1) ||
        (file != NULL && own_keys_write(&r->id, file, e) == -1))
        return -1;
    (void)snprintf(path, sizeof path, "%s/keys/card", r->state);
    gf_card_fingerprint(&r->id.card, fingerprint);
    out_begin(&t, o);
    if (options_count(o, "fingerprint") && !t.json) {
        out_text(&t, "%s\n", fingerprint);
        return command_end(&t, e);
    }
    command_str(&t, "fingerprint", "fingerprint", fingerprint);
    command_str(&t, "role", "role", gf_card_roles[r->id.card.role]);
    command_str(&t, "name", "name", r->id.card.name[0] ? r->id.card.name : NULL);
    command_time(&t, "created", "created", r->id.card.created);
    command_str(&t, "file", "file", path);
    return command_end(&t, e);
}

int cmd_card(const char *root, int argc, char **argv) {
    static const struct command c = {
        {COMMAND_PROGRAM " card", "[OPTION]...",
         "Show this relay's card. Sites trust this relay by its fingerprint: read it out over a "
         "channel that nobody else can change, a telephone for instance; or let a vendor whom they "
         "trust with that sign the card.",
         specs, "Example:\n  gapferry-relay card --fingerprint\n"},
        COMMAND_OPEN,
        work};
    return command_run(&c, root, argc, argv);
}
