/*
 * cmd_card.c -- `card`: show a card, its fingerprint, or compare that with what a person says.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "gapferry/file.h"
#include "tool/tool.h"

/* What a fingerprint is written in, and the digits that are often typed for letters. */
#define ALPHABET "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz012345678"

static const struct option_spec specs[] = {
    {"fingerprint", 'f', NULL, "print the fingerprint and nothing else"},
    {"check", 'c', "FINGERPRINT",
     "compare with this fingerprint, as read out by the other side; exit status 77 if it differs"},
    COMMAND_OPTION_JSON,
    COMMAND_OPTION_HELP,
    COMMAND_OPTION_END,
};

/* People confuse the files of an identity; a secret one must not go any further. Any other error
 * stays. */
static int explain(const char *path, struct gf_err *e) {
    struct gf_buf b;
    struct gf_err ignored;

    if ((e->code != GF_E_DOCUMENT && e->code != GF_E_MINISIG) ||
        gf_file_load(AT_FDCWD, path, GF_CARD_FILE_MAX, &b, &ignored) == -1)
        return -1;
    const char *text = b.data ? b.data : "";
    if (strstr(text, "AGE-SECRET-KEY-") || strstr(text, "encrypted secret key\n"))
        (void)gf_err_set(e, e->code,
                         "%s: is not a card but a secret key, which nobody else may see; the card "
                         "is the file \"card\" beside it",
                         path);
    else if (strncmp(text, "age1", 4) == 0 || strstr(text, "minisign public key"))
        (void)gf_err_set(
            e, e->code,
            "%s: is not a card but a public key; the card is the file \"card\" beside it", path);
    gf_buf_free(&b);
    return -1;
}

/* A fingerprint as people type it: 20 letters and digits, with dashes and spaces as they like. */
static int check_typed(const char *typed, struct gf_err *e) {
    size_t n = 0;

    for (const char *s = typed; *s; s++) {
        if (strchr(ALPHABET, *s))
            n++;
        else if (*s != '-' && *s != ' ')
            n = sizeof ALPHABET;
    }
    if (n == 20)
        return 0;
    return gf_err_set(e, GF_E_USAGE,
                      "--check %s: must be a fingerprint like ABCD-EFGH-IJKL-MNOP-QRST", typed);
}

static int run(const struct options *o, struct gf_err *e) {
    const char *typed = options_value(o, "check");
    const char *path;
    struct gf_card c;
    struct tool_out t;

    if (tool_one_arg(o, "CARD", &path, e) == -1 || (typed && check_typed(typed, e) == -1))
        return -1;
    if (tool_card(path, &c, e) == -1)
        return explain(path, e);
    char fingerprint[GF_FINGERPRINT_TEXT];
    gf_card_fingerprint(&c, fingerprint);
    if (typed && !gf_card_fingerprint_is(&c, typed))
        return gf_err_set(e, GF_E_SENDER,
                          "%s: its fingerprint is %s, not %s: do not use this card before you know "
                          "why",
                          path, fingerprint, typed);

    tool_out_begin(&t, o, "");
    if (options_count(o, "fingerprint") && !t.o.json) {
        tool_out_line(&t, "%s", fingerprint);
        return tool_out_end(&t, e);
    }
    tool_out_card_facts(&t, &c);
    tool_out_bool(&t, "ended", c.has_expires && c.expires <= tool_now());
    if (c.has_expires && c.expires <= tool_now())
        tool_out_line(&t, "ended       this card has ended; ask its owner for a new one");
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
