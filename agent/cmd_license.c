/*
 * cmd_license.c -- `license`: its verbs and their options. The verbs themselves are in the files
 * cmd_license_*.c.
 */
#include <stdio.h>
#include <string.h>

#include "agent/cmd_license.h"

static const struct option_spec specs[] = {
    {"product", 'p', "PRODUCT",
     "request, deactivate: which one (required); the others: which one, where several are "
     "installed; install: what to call the product of a Keygen file (default: its id)"},
    {"key", 'k', "KEY",
     "request: the licence key that the vendor gave you (required); renew, repair: another one; "
     "install: what opens a Keygen file"},
    {"version", 0, "VERSION", "request, renew, repair: version of the product"},
    {"contact", 0, "CONTACT", "request, renew, repair: whom the vendor may ask"},
    {"count", 'c', "NAME=NUMBER...", "request, renew, repair: how many of something are wanted"},
    {"license", 0, "ID", "request: the licence that was deactivated elsewhere and moves here"},
    {"proof", 0, "FILE",
     "deactivate: write the proof there, too; request: the proof that goes with --license"},
    {"vendor-key", 0, "PUBLICKEY",
     "install: trust this vendor's Ed25519 key (64 hex digits) with licences in Keygen's form, if "
     "it has signed FILE"},
    {"fingerprint", 'f', "FINGERPRINT",
     "install: this machine's fingerprint in a Keygen machine file"},
    {"again", 0, NULL, "request, renew: though the same was asked for and is not answered yet"},
    {"force", 0, NULL,
     "install: in the place of a licence that was issued later; repair: though nothing has "
     "changed"},
    {"yes", 'y', NULL, "deactivate: ask no question; needed where there is no terminal"},
    {"strict", 0, NULL, "check: end with the fact, not with what the vendor's policy makes of it"},
    COMMAND_OPTION_JSON,
    COMMAND_OPTION_ROOT,
    COMMAND_OPTION_HELP,
    COMMAND_OPTION_END,
};

static const struct option_page page = {
    COMMAND_PROGRAM " license",
    "VERB [OPTION]... [FILE]",
    "request: queue a request for a licence; the answer is installed when it comes back. install: "
    "install a licence FILE that came another way, ours or Keygen's. check: may the product run? "
    "Exit status 0 if the vendor's policy lets it, else 90 to 95. status: all licences and "
    "requests. list: a line for each. renew: ask for the same again; the old one stays in force "
    "until the new one is here. repair: the same for a machine that has changed; says what has. "
    "deactivate: give a licence up, for good, and prove it to its vendor.",
    specs,
    "Examples:\n  gapferry-agent license request --product demo --key AAAA-BBBB \\\n"
    "      --contact ops@example.org --count seats=5\n"
    "  gapferry-agent license check --product demo\n"
    "  gapferry-agent license install license.lic --key KEY --vendor-key PUBLICKEY\n"
    "  gapferry-agent license deactivate --product demo --yes --proof demo.proof\n",
};

enum verb { REQUEST, INSTALL, STATUS, CHECK, LIST, RENEW, REPAIR, DEACTIVATE, VERBS };
static const char *const verbs[] = {"request", "install", "status", "check",
                                    "list",    "renew",   "repair", "deactivate"};

/* An option that belongs to another verb is a mistake. */
static int check_options(const struct options *o, int verb, struct gf_err *e) {
    enum { ASKING = 1 << REQUEST | 1 << RENEW | 1 << REPAIR };
    static const struct {
        const char *name;
        int verbs; /* bits */
    } rules[] = {
        {"product", ASKING | 1 << INSTALL | 1 << CHECK | 1 << DEACTIVATE},
        {"key", ASKING | 1 << INSTALL},
        {"version", ASKING},
        {"contact", ASKING},
        {"count", ASKING},
        {"license", 1 << REQUEST},
        {"proof", 1 << REQUEST | 1 << DEACTIVATE},
        {"vendor-key", 1 << INSTALL},
        {"fingerprint", 1 << INSTALL},
        {"again", 1 << REQUEST | 1 << RENEW},
        {"force", 1 << INSTALL | 1 << REPAIR},
        {"strict", 1 << CHECK},
        {"yes", 1 << DEACTIVATE},
    };
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
        if (options_count(o, rules[i].name) && !(rules[i].verbs & 1 << verb))
            return gf_err_set(e, GF_E_USAGE, "license %s: takes no --%s", verbs[verb],
                              rules[i].name);
    }
    size_t args = verb == INSTALL ? 2 : 1;
    return command_args(o, args, args, "FILE", e);
}

static int do_verb(struct agent *a, const struct options *o, enum verb verb, int *status,
                   struct gf_err *e) {
    switch (verb) {
    case REQUEST:
        return cmd_license_request(a, o, e);
    case INSTALL:
        return cmd_license_install(a, o, status, e);
    case STATUS:
        return cmd_license_status(a, o, e);
    case CHECK:
        return cmd_license_check(a, o, status, e);
    case LIST:
        return cmd_license_list(a, o, e);
    case RENEW:
        return cmd_license_renew(a, o, status, e);
    case REPAIR:
        return cmd_license_repair(a, o, status, e);
    case DEACTIVATE:
        return cmd_license_deactivate(a, o, status, e);
    case VERBS:
        break;
    }
    return gf_err_set(e, GF_E_BUG, "license: no such verb");
}

#define ALL_VERBS "request, install, status, check, list, renew, repair or deactivate"

static int run(struct agent *a, const struct options *o, int *status, struct gf_err *e) {
    const char *verb = options_arg(o, 0);
    int which = 0;

    if (!verb)
        return gf_err_set(e, GF_E_USAGE, "license: " ALL_VERBS " is missing; see --help");
    while (which < VERBS && strcmp(verb, verbs[which]) != 0)
        which++;
    if (which == VERBS)
        return gf_err_set(e, GF_E_USAGE, "license %s: must be " ALL_VERBS, verb);
    if (check_options(o, which, e) == -1)
        return -1;
    return do_verb(a, o, (enum verb)which, status, e);
}

int cmd_license(const char *root, int argc, char **argv) {
    return command_run_agent(&page, root, argc, argv, run);
}
