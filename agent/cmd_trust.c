/*
 * cmd_trust.c -- `trust`: a relay's or reader's card, by its fingerprint; a vendor's key, by duty.
 */
#include <ctype.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "agent/cmd_license.h"
#include "agent/cmd_trust.h"
#include "agent/license/refused.h"
#include "agent/relay_cards.h"
#include "agent/trusted.h"
#include "agent/vendors.h"
#include "common/vendor_keys.h"
#include "gapferry/file.h"

static const struct option_spec specs[] = {
    {"fingerprint", 'f', "FINGERPRINT",
     "of the card, as its owner read it out; another one is refused with exit status 77"},
    {"yes", 'y', NULL, "ask no question; a card needs --fingerprint then"},
    {"duty", 'd', "DUTY,...", "a vendor's key: what it may sign: license, update, card"},
    {"keygen", 0, "PUBLICKEY",
     "a vendor's Ed25519 key, 64 hex digits, for licences in Keygen's form; instead of a FILE"},
    {"name", 'n', "NAME", "a vendor's key: what to call the vendor (default: the file's name)"},
    {"end", 0, "FINGERPRINT", "trust this relay's or reader's card no more; no FILE"},
    {"list", 'l', NULL, "show whom this agent trusts, and where that comes from; no FILE"},
    COMMAND_OPTION_JSON,
    COMMAND_OPTION_ROOT,
    COMMAND_OPTION_HELP,
    COMMAND_OPTION_END,
};

static const struct option_page page = {
    COMMAND_PROGRAM " trust",
    "[OPTION]... FILE... | --end FINGERPRINT | --list",
    "Trust the card of a relay or reader, or a vendor's minisign public key. A card proves nothing "
    "by itself: its owner reads its fingerprint out to you (gapferry-relay card --fingerprint), "
    "and it must be the one that is shown here, unless a vendor that you trust with duty card has "
    "signed it. Of several files agents' own cards are skipped.",
    specs,
    "Examples:\n  gapferry-agent trust usb/GAPFERRY/cards/relay.card\n"
    "  gapferry-agent trust relay.card --fingerprint ABCD-EFGH-IJKL-MNOP-QRST\n"
    "  gapferry-agent trust vendor.pub --duty license,update\n"
    "  gapferry-agent trust --keygen PUBLICKEY --name acme\n"
    "  gapferry-agent trust --list\n",
};

#define CARDS_MAX 64 /* files in one call */

/* ---- a vendor's key ---- */

static int read_duties(const char *text, int *out, struct gf_err *e) {
    const char *const *words = vendor_keys_duties;
    int duties = 0;

    for (const char *at = text;; at++) {
        size_t n = strcspn(at, ","), i = 0;
        while (i < VENDOR_DUTIES && (strlen(words[i]) != n || memcmp(at, words[i], n) != 0))
            i++;
        if (i == VENDOR_DUTIES)
            return gf_err_set(e, GF_E_USAGE, "--duty %s: \"%.*s\" is none of license, update, card",
                              text, (int)(n < 32 ? n : 32), at);
        duties |= (int)vendors_bits[i];
        at += n;
        if (!*at)
            break;
    }
    *out = duties;
    return 0;
}

/* The vendor's name: given, or the file's, as far as names go. */
static int name_vendor(const struct options *o, const char *path, char out[GF_WORD_MAX + 1],
                       struct gf_err *e) {
    const char *name = options_value(o, "name");

    if (!name) {
        const char *slash = strrchr(path, '/');
        const char *base = slash ? slash + 1 : path;
        const char *dot = strrchr(base, '.');
        size_t n = dot && dot > base ? (size_t)(dot - base) : strlen(base);
        (void)snprintf(out, GF_WORD_MAX + 1, "%.*s", (int)(n < GF_WORD_MAX ? n : GF_WORD_MAX),
                       base);
        if (!gf_text_is_word(out, strlen(out), GF_WORD_MAX))
            (void)snprintf(out, GF_WORD_MAX + 1, "vendor");
        return 0;
    }
    if (!gf_text_is_word(name, strlen(name), GF_WORD_MAX))
        return gf_err_set(e, GF_E_USAGE, "--name %s: must be 1 to %d characters of [a-z0-9.-]",
                          name, GF_WORD_MAX);
    memcpy(out, name, strlen(name) + 1);
    return 0;
}

static int trust_vendor(struct agent *a, const struct options *o, const char *path,
                        const struct gf_buf *text, struct gf_err *e) {
    const char *duty = options_value(o, "duty");
    struct store_vendor v = {.since = a->now};
    char line[GF_SIGN_PUBLIC_TEXT];
    struct out t;

    if (gf_key_sign_public_parse(text->data, text->len, path, &v.key, e) == -1 ||
        name_vendor(o, path, v.name, e) == -1)
        return -1;
    if (options_count(o, "fingerprint"))
        return gf_err_set(e, GF_E_USAGE, "%s: is a vendor's key, and only cards have a fingerprint",
                          path);
    if (!duty)
        return gf_err_set(e, GF_E_USAGE,
                          "%s: is a vendor's key; say what it may sign: --duty license, update, "
                          "card or several with commas",
                          path);
    if (read_duties(duty, &v.duties, e) == -1)
        return -1;
    int64_t installed = 0;
    if (trusted_vendor(a, &v, e) == -1 ||
        ((v.duties & STORE_DUTY_LICENSE) && refused_retry(a, &installed, e) == -1))
        return -1;
    gf_key_sign_public_line(&v.key, line);
    out_begin(&t, o);
    out_str(&t, "vendor", v.name);
    out_str(&t, "key", line);
    out_str(&t, "duties", duty);
    out_int(&t, "licences_installed", installed);
    out_text(&t, "vendor %s is trusted with: %s\nkey %s\n", v.name, duty, line);
    if (installed > 0)
        out_text(&t, "%lld answer%s that had been refused can be used now: installed\n",
                 (long long)installed, installed == 1 ? "" : "s");
    return out_end(&t, e);
}

/* ---- a card ---- */

/* The name that a card shows, in a form that is safe to print. */
static void safe_name(const struct gf_card *c, struct gf_buf *out) {
    gf_buf_init(out, 4096);
    gf_text_safe(out, c->name[0] ? c->name : "without name",
                 strlen(c->name[0] ? c->name : "without name"));
}

/* 1 yes, 0 no, -1 neither. */
static int is_yes(const char *answer) {
    char word[16];

    (void)snprintf(word, sizeof word, "%.*s", (int)strcspn(answer, " \r\n"), answer);
    if (strcasecmp(word, "y") == 0 || strcasecmp(word, "yes") == 0)
        return 1;
    return strcasecmp(word, "n") == 0 || strcasecmp(word, "no") == 0 ? 0 : -1;
}

/* 1 if the person at the terminal says that the fingerprint is right. */
static int ask(const struct gf_card *c, const char *fingerprint) {
    char answer[256] = "";
    struct gf_buf name;

    safe_name(c, &name);
    (void)fprintf(
        stderr,
        "This is the card of a %s, %s%s%s:\n\n    %s\n\nLet its owner read its fingerprint "
        "to you. Is it exactly this one? [yes/no] ",
        gf_card_roles[c->role], c->name[0] ? "\"" : "", name.data ? name.data : "",
        c->name[0] ? "\"" : "", fingerprint);
    gf_buf_free(&name);
    (void)fflush(stderr);
    while (fgets(answer, sizeof answer, stdin)) {
        if (is_yes(answer) != -1)
            return is_yes(answer);
        (void)fprintf(stderr, "Please answer yes or no: ");
        (void)fflush(stderr);
    }
    return 0;
}

static int refuse_mismatch(const char *path, const struct gf_card *c, const char *fingerprint,
                           const char *typed, struct gf_err *e) {
    struct gf_buf name;

    safe_name(c, &name);
    (void)gf_err_set(
        e, GF_E_SENDER,
        "%s: the fingerprint of this card (%s) is %s, not %s: it is not trusted; do not "
        "use it before you know why they differ",
        path, name.data ? name.data : "", fingerprint, typed);
    gf_buf_free(&name);
    return -1;
}

/* Five groups of four, with dashes or spaces where people put them. */
static int is_fingerprint(const char *typed) {
    size_t n = 0;

    for (; *typed; typed++) {
        if (*typed != '-' && *typed != ' ' && !isalnum((unsigned char)*typed))
            return 0;
        n += isalnum((unsigned char)*typed) != 0;
    }
    return n == 20;
}

/* 0 if the card may be trusted: by its fingerprint, by a vendor or by the person at the terminal;
 * *by says which. */
static int decide(struct agent *a, const struct options *o, const char *path,
                  const struct gf_buf *text, const struct gf_card *c, char by[128],
                  struct gf_err *e) {
    const char *typed = options_value(o, "fingerprint");
    char fingerprint[GF_FINGERPRINT_TEXT], vendor[GF_WORD_MAX + 1];

    gf_card_fingerprint(c, fingerprint);
    (void)snprintf(by, 128, "its fingerprint");
    if (typed && !is_fingerprint(typed))
        return gf_err_set(e, GF_E_USAGE,
                          "--fingerprint %.64s: is no fingerprint; it has five groups of four "
                          "letters and digits, such as ABCD-EFGH-IJKL-MNOP-QRST",
                          typed);
    if (typed)
        return gf_card_fingerprint_is(c, typed) ? 0
                                                : refuse_mismatch(path, c, fingerprint, typed, e);
    int vouched = relay_cards_vouched(a, text->data, text->len, vendor, e);
    if (vouched == 1)
        (void)snprintf(by, 128, "the vendor %s, who signed it", vendor);
    if (vouched != 0)
        return vouched == 1 ? 0 : -1;
    if (options_count(o, "yes"))
        return gf_err_set(e, GF_E_USAGE,
                          "--yes: a card is trusted only by its fingerprint; give the one that its "
                          "owner read out: --fingerprint FINGERPRINT");
    if (!isatty(STDIN_FILENO) || !isatty(STDERR_FILENO))
        return gf_err_set(
            e, GF_E_SENDER,
            "%s: the fingerprint of this card is %s; if its owner reads out the same, "
            "repeat with --fingerprint %s",
            path, fingerprint, fingerprint);
    if (!ask(c, fingerprint))
        return gf_err_set(e, GF_E_SENDER, "%s: not trusted, as you said", path);
    return 0;
}

static int trust_card(struct agent *a, const struct options *o, const char *path,
                      const struct gf_buf *text, struct gf_err *e) {
    char by[128];
    struct gf_card c;
    struct out t;

    if (gf_card_parse(text->data, text->len, path, &c, e) == -1)
        return -1;
    if (options_count(o, "duty") || options_count(o, "name"))
        return gf_err_set(e, GF_E_USAGE, "%s: is a card; --duty and --name are for vendors' keys",
                          path);
    if (c.role != GF_ROLE_RELAY && c.role != GF_ROLE_READER)
        return gf_err_set(e, GF_E_CARD,
                          "%s: a card, but its role is %s; an agent trusts relays and readers",
                          path, gf_card_roles[c.role]);
    if (c.has_expires && c.expires <= a->now) {
        char expires[GF_TIME_TEXT];
        gf_text_time(c.expires, expires);
        return gf_err_set(e, GF_E_EXPIRED, "%s: this card ended on %s; ask its owner for a new one",
                          path, expires);
    }
    if (decide(a, o, path, text, &c, by, e) == -1)
        return -1;
    struct gf_card before;
    int had = c.role == GF_ROLE_RELAY ? command_relay(a, &before, e) : 0;
    if (had == -1)
        return -1;
    int again = trusted_card(a, &c, text->data, text->len, by, e) == -1;
    if (again && e->code != GF_E_REPLAY)
        return -1;
    if (agent_publish_cards(a, e) == -1)
        return -1;

    out_begin(&t, o);
    command_card(&t, "card", &c);
    out_bool(&t, "new", !again);
    out_text(&t, "\n%s %s: by %s\n", gf_card_roles[c.role],
             again ? "was trusted already" : "is trusted", by);
    if (had == 1 && !again) {
        char old[GF_FINGERPRINT_TEXT];
        gf_card_fingerprint(&before, old);
        out_str(&t, "takes_the_place_of", old);
        out_text(&t, "It takes the place of relay %s for channels that name no relay.\n", old);
    }
    if (out_end(&t, e) == -1)
        return -1;
    if (c.role == GF_ROLE_RELAY)
        command_next(a, "sync DRIVE");
    return 0;
}

/* 1 if the word stands within the text's first bytes, where files say what they are. */
static int begins_with(const struct gf_buf *text, const char *word) {
    size_t n = text->len < 512 ? text->len : 512;

    return n > 0 && memmem(text->data, n, word, strlen(word)) != NULL;
}

/* minisign's and our own, and age's. */
static int is_secret(const struct gf_buf *text) {
    return begins_with(text, "secret key") || begins_with(text, "AGE-SECRET-KEY-");
}

/* 1 if the file is an agent's card, of which a drive has many: the relay's is meant. */
static int is_agents_card(const char *path, const struct gf_buf *text) {
    struct gf_card c;
    struct gf_err ignored;

    return text->len > 0 && text->data[0] == '{' &&
           gf_card_parse(text->data, text->len, path, &c, &ignored) == 0 && c.role == GF_ROLE_AGENT;
}

static int trust_file(struct agent *a, const struct options *o, const char *path, int *skipped,
                      struct gf_err *e) {
    static const char minisign[] = "untrusted comment:";
    struct gf_buf text;
    int rc = -1;

    *skipped = 0;
    if (command_there(path, e,
                      "a relay's card lies on each drive that it has synced, in GAPFERRY/cards; a "
                      "vendor's key comes from the vendor") == -1)
        return -1;
    if (COMMAND_REACH(gf_file_load(AT_FDCWD, path, GF_CARD_FILE_MAX, &text, e)) == 0) {
        if (!is_secret(&text) && text.len >= sizeof minisign - 1 &&
            memcmp(text.data, minisign, sizeof minisign - 1) == 0)
            rc = trust_vendor(a, o, path, &text, e);
        else if (is_secret(&text))
            rc = gf_err_set(e, GF_E_KEY,
                            "%s: is a secret key, which only its owner may have; is the public "
                            "half beside it, such as vendor.pub?",
                            path);
        else if (text.len > 0 && text.data[0] == '{' && !begins_with(&text, "gapferry-card/"))
            rc = gf_err_set(e, GF_E_CARD,
                            "%s: is neither a card nor a vendor's key; a card is what the relay's "
                            "sync puts on the drive, a vendor's key ends in .pub",
                            path);
        else if (o->nargs > 1 && is_agents_card(path, &text)) {
            *skipped = 1;
            (void)fprintf(stderr, "%s: skipped: that is an agent's own card\n", path);
            rc = 0;
        } else if (text.len > 0 && text.data[0] == '{')
            rc = trust_card(a, o, path, &text, e);
        else
            rc = gf_err_set(e, GF_E_CARD,
                            "%s: is neither a card (JSON with a signature) nor a minisign public "
                            "key",
                            path);
    }
    gf_buf_free(&text);
    return rc;
}

static int run(struct agent *a, const struct options *o, int *status, struct gf_err *e) {
    size_t skips = 0;

    (void)status;
    if (options_count(o, "list"))
        return command_args(o, 0, 0, "nothing", e) == -1 ? -1 : cmd_trust_list(a, o, e);
    if (options_count(o, "end"))
        return command_args(o, 0, 0, "nothing", e) == -1 ? -1 : cmd_trust_end(a, o, e);
    if (options_count(o, "keygen"))
        return cmd_license_trust_keygen(a, o, e);
    if (command_args(o, 1, CARDS_MAX, "FILE", e) == -1)
        return -1;
    for (size_t i = 0; i < o->nargs; i++) {
        int skipped = 0;
        if (trust_file(a, o, options_arg(o, i), &skipped, e) == -1)
            return -1;
        skips += (size_t)skipped;
    }
    if (skips == o->nargs)
        return gf_err_set(e, GF_E_NOINPUT,
                          "all of these are agents' own cards; the relay's comes with its sync");
    return 0;
}

int cmd_trust(const char *root, int argc, char **argv) {
    return command_run_agent(&page, root, argc, argv, run);
}
