/*
 * cmd_verify.c -- `verify`: who made a bundle, and that not a bit of it has changed. Public keys
 * only; nothing is opened.
 */
#include <stdio.h>
#include <unistd.h>

#include "common/progress.h"
#include "tool/tool.h"

static const struct option_spec specs[] = {
    {"from", 'f', "CARD...",
     "a sender you trust: its card, or the directory of its identity; may be repeated"},
    {"to", 't', "CARD", "it must be for this addressee or reader: a card or identity directory"},
    {"at", 0, "TIME",
     "judge expiry at this time instead of now: 2030-01-31 or 2030-01-31T12:00:00Z"},
    COMMAND_OPTION_JSON,
    COMMAND_OPTION_HELP,
    COMMAND_OPTION_END,
};

static int print(const struct options *o, const char *path, const struct gf_head *h,
                 struct gf_err *e) {
    struct tool_out t;
    struct gf_buf word;

    tool_out_begin(&t, o, "verified: ");
    tool_out_bool(&t, "verified", 1);
    tool_out_foreign(&t, "file", "file", path);
    tool_out_size(&t, "size", "size", h->bundle_size);
    tool_out_card(&t, "sender", "sender", h->sender);
    if (options_count(o, "to")) {
        tool_out_text(&t, NULL, "as", h->is_reader ? "reader" : "addressee");
        tool_out_line(&t, "for you     as %s", h->is_reader ? "a reader" : "the addressee");
    }
    tool_out_header(&t, &h->header);
    if (tool_out_end(&t, e) == -1)
        return -1;
    gf_buf_init(&word, 65536);
    tool_shell_word(&word, path);
    tool_next("gapferry-bundle unpack --identity DIR --from CARD %s -C OUT",
              word.data ? word.data : "FILE");
    gf_buf_free(&word);
    return 0;
}

static int run(const struct options *o, struct gf_err *e) {
    struct tool_cards from = {0};
    struct gf_check c = {.has_now = 1, .now = tool_now(), .readers_too = 1};
    struct gf_head head;
    struct gf_card to;
    struct stat st;
    const char *path;
    struct progress *bar = NULL;
    int have_head = 0;
    int fd = -1;
    int rc = -1;

    if (tool_one_arg(o, "FILE", &path, e) == -1 ||
        tool_need(o, "from", "the card of a sender you trust", e) == -1)
        return -1;
    const char *at = options_value(o, "at");
    if (at && tool_time(at, "at", -1, &c.now, e) == -1)
        return -1;
    if (options_count(o, "to")) {
        if (tool_card(options_value(o, "to"), &to, e) == -1)
            return -1;
        c.us = &to.identity;
        c.nus = 1;
    }

    fd = tool_open(path, 1, &st, e);
    if (fd == -1 || tool_cards(o, "from", &from, e) == -1)
        goto out;
    c.trusted = from.refs;
    c.ntrusted = from.n;
    if (gf_bundle_head(fd, &c, &head, e) == -1) {
        (void)gf_err_prefix(e, "%s", path);
        goto out;
    }
    have_head = 1;
    if (tool_card_at(head.sender, "the sender's card", c.now, e) == -1)
        goto out;
    bar = progress_new("verifying", head.bundle_size);
    rc = gf_bundle_copy(fd, &head, -1, progress_at, bar, e);
    progress_free(bar);
    rc = rc == -1 ? gf_err_prefix(e, "%s", path) : print(o, path, &head, e);

out:
    if (have_head)
        gf_head_free(&head);
    tool_cards_free(&from);
    if (fd != -1)
        (void)close(fd);
    return rc;
}

const struct tool_command cmd_verify = {
    "verify",
    "--from CARD [OPTION]... FILE",
    "check who made a bundle, and that it is whole",
    "Check that a bundle was made by a sender you trust and has not changed since: form, "
    "signature, header, expiry and the digest of the payload. No secret key is needed, and "
    "nothing is decrypted.",
    specs,
    "Example:\n  gapferry-bundle verify --from cards/site-a.card a.gfb\n",
    run,
};
