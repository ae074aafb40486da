/*
 * cmd_card.c -- `card`: show a card, its fingerprint, or compare that with what a person says.
 */
#include <stdio.h>

#include "tool/tool.h"

static const struct option_spec specs[] = {
    {"fingerprint", 'f', NULL, "print the fingerprint and nothing else"},
    {"check", 'c', "FINGERPRINT",
     "compare with this fingerprint, as read out by the other side; exit status 77 if it differs"},
    TOOL_OPTION_JSON,
    TOOL_OPTION_HELP,
    TOOL_OPTION_END,
};

static int run(const struct options *o, struct gf_err *e) {
    const char *typed = options_value(o, "check");
    const char *path;
    struct gf_card c;
    struct tool_out t;

    if (tool_one_arg(o, "CARD", &path, e) == -1 || tool_card(path, &c, e) == -1)
        return -1;
    char fingerprint[GF_FINGERPRINT_TEXT];
    gf_card_fingerprint(&c, fingerprint);
    if (typed && !gf_card_fingerprint_is(&c, typed))
        return gf_err_set(e, GF_E_SENDER,
                          "%s: its fingerprint is %s, not %s: do not use this card before you know "
                          "why",
                          path, fingerprint, typed);

    tool_out_begin(&t, o, "");
    if (options_count(o, "fingerprint") && !t.json) {
        tool_out_line(&t, "%s", fingerprint);
        return tool_out_end(&t, e);
    }
    tool_out_card_facts(&t, &c);
    tool_out_bool(&t, "checked", typed != NULL);
    if (typed)
        tool_out_line(&t, "checked     the fingerprint is the one you gave");
    if (tool_out_end(&t, e) == -1)
        return -1;
    if (!typed)
        tool_next("let its owner read the fingerprint to you: gapferry-bundle card --check "
                  "FINGERPRINT CARD");
    return 0;
}

const struct tool_command cmd_card = {
    "card",
    "[OPTION]... CARD|DIR",
    "show a card, compare fingerprints",
    "Show a card (or that of the identity in DIR). A card proves nothing by itself: it is to be "
    "trusted only after its fingerprint was compared with its owner, over a telephone for "
    "instance.",
    specs,
    "Examples:\n  gapferry-bundle card --fingerprint keys/relay-1\n"
    "  gapferry-bundle card --check ABCD-EFGH-IJKL-MNOP-QRST relay.card\n",
    run,
};
