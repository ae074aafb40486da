/*
 * drive_cards.c -- what lies on a drive besides bundles: cards, and the courier's README.txt.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "drive/drive_internal.h"
#include "gapferry/file.h"
#include "gapferry/limits.h"

/* For somebody who was handed a drive and knows nothing. It names nobody, for drives get lost, and
 * its lines end in CR LF, for it may be opened on any desktop. */
static const char readme[] =
    "GAPFERRY - what is on this drive, and what to do with it\r\n"
    "\r\n"
    "This drive carries messages between a closed site, whose computers have no\r\n"
    "internet access, and a relay, which is a computer that has it.\r\n"
    "\r\n"
    "WHAT IS HERE\r\n"
    "\r\n"
    "  to-relay   messages that leave the closed site\r\n"
    "  to-site    messages that go back to it\r\n"
    "  cards      public identity cards, which hold no secret\r\n"
    "\r\n"
    "Every message (a file whose name ends in .gfb) is encrypted and signed. Nobody\r\n"
    "can read it on the way, and one that was changed is noticed and refused.\r\n"
    "\r\n"
    "WHAT TO DO\r\n"
    "\r\n"
    "  1. Take the drive from the site to the person who looks after the relay, and\r\n"
    "     give it to nobody else.\r\n"
    "  2. That person puts it into the relay computer and runs\r\n"
    "         gapferry-relay sync DIRECTORY-OF-THE-DRIVE\r\n"
    "     Or, if you have only a browser: that person tells you the address of the\r\n"
    "     relay's page, which takes the files of to-relay and gives you those for\r\n"
    "     to-site. Save them there.\r\n"
    "  3. When the screen says \"safe to remove\", eject the drive and take it back to\r\n"
    "     the site.\r\n"
    "  4. There it is put in again, and the person in charge runs\r\n"
    "         gapferry-agent sync DIRECTORY-OF-THE-DRIVE\r\n"
    "  5. Wait for \"safe to remove\". Keep the drive for the next trip.\r\n"
    "\r\n"
    "WHAT NEVER TO DO\r\n"
    "\r\n"
    "  - Never open, rename, change or delete the files here.\r\n"
    "  - Never send them by e-mail or put them on a shared disk.\r\n"
    "  - Never pull the drive out before the screen says \"safe to remove\".\r\n"
    "  - Never start a program from this drive. Gapferry puts none there.\r\n"
    "  - Never plug it into a computer that has no part in this.\r\n"
    "\r\n"
    "IF IT IS LOST OR BROKEN\r\n"
    "\r\n"
    "Tell the person who gave it to you, and take another drive. What was on this one\r\n"
    "is sent again, and nobody who finds it can read the messages.\r\n";

int gf_drive_put_readme(struct gf_drive *d, struct gf_err *e) {
    const struct gf_drive_source source = {
        .fd = -1, .text = readme, .size = (int64_t)sizeof(readme) - 1, .any = 1};
    int was_there = 0;

    /* Whatever has the name stays: somebody may have added a line on whom to call. */
    return gf_drive_put(d, GF_DRIVE_HOME, "README.txt", &source, &was_there, e);
}

void gf_drive_bundle_name(const struct gf_id *id, char out[GF_DRIVE_NAME]) {
    gf_text_hex(id->b, sizeof(id->b), out);
    memcpy(out + 2 * sizeof(id->b), ".gfb", sizeof(".gfb"));
}

void gf_drive_card_name(const struct gf_card *c, char out[GF_DRIVE_NAME]) {
    char text[GF_FINGERPRINT_TEXT];
    size_t n = 0;

    gf_card_fingerprint(c, text);
    for (; text[n] != '\0'; n++)
        out[n] = text[n] >= 'A' && text[n] <= 'Z' ? (char)(text[n] - 'A' + 'a') : text[n];
    memcpy(out + n, ".card", sizeof(".card"));
}

int gf_drive_put_card(struct gf_drive *d, const struct gf_card *c, const char *text, size_t len,
                      int *was_there, struct gf_err *e) {
    struct gf_drive_source source = {.fd = -1, .text = text, .size = (int64_t)len};
    char name[GF_DRIVE_NAME];

    gf_drive_card_name(c, name);
    if (len > GF_CARD_FILE_MAX)
        return gf_err_set(e, GF_E_LIMIT, "%s: %zu bytes; a card has at most %d", name, len,
                          GF_CARD_FILE_MAX);
    return gf_drive_put(d, (int)GF_FOLDER_CARDS, name, &source, was_there, e);
}

/* Read and parse one card. *is_card: it is one. Only what stops everything is an error: one bad
 * file, or one bad sector, is no reason to see no other card. */
static int load_card(struct gf_drive *d, const char *name, struct gf_card *out, int *is_card,
                     struct gf_err *e) {
    char text[GF_CARD_FILE_MAX + 1];
    struct gf_err why;
    ssize_t n = 0;
    int fd = -1;

    *is_card = 0;
    if (gf_drive_read(d, GF_FOLDER_CARDS, name, &fd, &why) == -1)
        goto out;
    n = gf_file_read(fd, text, sizeof(text));
    (void)close(fd);
    if (n == -1)
        return 0;
    if (gf_card_parse(text, (size_t)n, name, out, &why) == -1)
        goto out;
    *is_card = 1;
    return 0;

out:
    if (why.code == GF_E_SYSTEM || why.code == GF_E_BUG)
        return gf_err_set(e, why.code, "%s", why.text);
    return 0;
}

/* Whether the card at [n] is one of those before it: anybody can copy a card under many names. */
static int is_copy(const struct gf_card *cards, size_t n) {
    for (size_t i = 0; i < n; i++) {
        if (memcmp(&cards[i].identity, &cards[n].identity, sizeof cards[n].identity) == 0 &&
            cards[i].created == cards[n].created && cards[i].expires == cards[n].expires &&
            cards[i].has_expires == cards[n].has_expires &&
            strcmp(cards[i].name, cards[n].name) == 0)
            return 1;
    }
    return 0;
}

int gf_drive_cards(struct gf_drive *d, struct gf_card **cards, size_t *n, size_t *unreadable,
                   struct gf_err *e) {
    struct gf_drive_list list = {0};
    struct gf_card *found = NULL;
    size_t good = 0;
    size_t copies = 0;
    int rc = -1;

    if (gf_drive_scan(d, GF_FOLDER_CARDS, 0, &list, e) == -1)
        return -1;
    if (list.n > 0) {
        found = calloc(list.n, sizeof(*found));
        if (found == NULL) {
            gf_err_errno(e, "%s: cannot read the cards", d->path);
            goto out;
        }
    }
    for (size_t i = 0; i < list.n; i++) {
        int is_card = 0;

        if (load_card(d, list.entries[i].name, &found[good], &is_card, e) == -1)
            goto out;
        const int copy = is_card && is_copy(found, good);
        copies += copy ? 1 : 0;
        good += is_card && !copy ? 1 : 0;
    }
    *unreadable = list.n - good - copies + list.oversize;
    *cards = found;
    *n = good;
    found = NULL;
    rc = 0;

out:
    free(found);
    gf_drive_list_free(&list);
    return rc;
}
