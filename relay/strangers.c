/*
 * strangers.c -- who waits in pending/, and what to do about it.
 */
#include "relay/strangers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "relay/files.h"
#include "relay/ledger/ledger_enrol.h"

static struct strangers_one *find(const struct strangers *s, const struct gf_hash *identity) {
    for (size_t i = 0; i < s->n; i++) {
        if (memcmp(&s->list[i].identity, identity, sizeof *identity) == 0)
            return &s->list[i];
    }
    return NULL;
}

int strangers_add(struct strangers *s, const struct gf_hash *identity, struct gf_err *e) {
    struct strangers_one *x = find(s, identity);

    if (x == NULL) {
        struct strangers_one *more = realloc(s->list, (s->n + 1) * sizeof *more);
        if (more == NULL)
            return gf_err_set(e, GF_E_SYSTEM, "no memory for the list of senders");
        s->list = more;
        x = &more[s->n++];
        *x = (struct strangers_one){.identity = *identity};
    }
    x->bundles++;
    return 0;
}

/* ---- who they are ---- */

typedef int list_cards(struct ledger *l, struct gf_card **out, size_t *n, struct gf_err *e);

static int mark(const struct relay *r, struct strangers *s, list_cards *list,
                enum strangers_kind kind, struct gf_err *e) {
    struct gf_card *cards = NULL;
    size_t n = 0;

    if (list(r->ledger, &cards, &n, e) == -1)
        return -1;
    for (size_t i = 0; i < n; i++) {
        struct strangers_one *x = find(s, &cards[i].identity);
        if (x != NULL) {
            x->kind = kind;
            x->card = cards[i];
        }
    }
    free(cards);
    return 0;
}

int strangers_know(const struct relay *r, struct strangers *s, struct gf_err *e) {
    return s->n == 0 ? 0
           : mark(r, s, ledger_strangers, STRANGERS_SHOWN, e) == -1 ||
                   mark(r, s, ledger_claims, STRANGERS_CLAIMS, e) == -1 ||
                   mark(r, s, ledger_agents, STRANGERS_DECIDED, e) == -1 ||
                   mark(r, s, ledger_ended, STRANGERS_DECIDED, e) == -1
               ? -1
               : 0;
}

int strangers_load(const struct relay *r, struct strangers *s, struct gf_err *e) {
    struct files_list files = {0};
    struct gf_hash from;
    int rc = 0;

    if (faccessat(r->state_fd, "pending", F_OK, 0) == -1)
        return 0;
    if (files_list(r, "pending", &files, e) == -1)
        return -1;
    for (size_t i = 0; rc == 0 && i < files.n; i++) {
        if (files_sender(r, "pending", files.entries[i].name, &from))
            rc = strangers_add(s, &from, e);
    }
    free(files.entries);
    return rc == 0 ? strangers_know(r, s, e) : -1;
}

void strangers_free(struct strangers *s) {
    free(s->list);
    *s = (struct strangers){0};
}

/* ---- in words ---- */

static int has_page(const struct relay *r) {
    struct gf_err ignored;
    int enabled = 0;

    return r->config != NULL &&
           config_bool(r->config, "page", NULL, "enabled", &enabled, &ignored) != -1 && enabled;
}

static void of_unseen(const struct relay *r, const struct strangers_one *x, const char *waits,
                      char out[STRANGERS_LINE]) {
    char hex[GF_HASH_TEXT], self[COMMAND_SELF];

    gf_text_hex(x->identity.b, sizeof x->identity.b, hex);
    (void)relay_self(r, self);
    (void)snprintf(out, STRANGERS_LINE,
                   "unknown sender %.16s...: %lld bundle%s in pending, but its card was never "
                   "seen. gapferry-agent sync puts that into GAPFERRY/cards of the site's drive: "
                   "bring it by %s sync DRIVE, %sor by %s approve FINGERPRINT --card FILE; or "
                   "remove what it sent: %s decline %.16s",
                   hex, (long long)x->bundles, waits, self,
                   has_page(r) ? "let the courier upload the .card file on the page, " : "", self,
                   self, hex);
}

void strangers_line(const struct relay *r, const struct strangers_one *x,
                    char out[STRANGERS_LINE]) {
    char self[COMMAND_SELF], fingerprint[GF_FINGERPRINT_TEXT];
    const char *waits = x->bundles == 1 ? " waits" : "s wait";
    struct gf_buf name;

    if (x->kind == STRANGERS_UNSEEN) {
        of_unseen(r, x, waits, out);
        return;
    }
    (void)relay_self(r, self);
    gf_card_fingerprint(&x->card, fingerprint);
    gf_buf_init(&name, 1024);
    gf_text_safe(&name, x->card.name, strlen(x->card.name));
    if (x->kind == STRANGERS_SHOWN)
        (void)snprintf(out, STRANGERS_LINE,
                       "unknown sender %s%s%s: %lld bundle%s. Compare this fingerprint with the "
                       "site's (gapferry-agent card), then run: %s approve %s (or decline)",
                       fingerprint, name.len > 0 ? ", which calls itself " : "",
                       name.data != NULL ? name.data : "", (long long)x->bundles, waits, self,
                       fingerprint);
    else if (x->kind == STRANGERS_CLAIMS)
        (void)snprintf(out, STRANGERS_LINE,
                       "unknown sender %s: %lld bundle%s in pending and cannot be taken, since its "
                       "card claims the agent id of one that is enrolled: was a site copied, or "
                       "made anew? Its twin needs an init of its own. Remove what it sent: %s "
                       "decline %s",
                       fingerprint, (long long)x->bundles, waits, self, fingerprint);
    else
        (void)snprintf(out, STRANGERS_LINE,
                       "%s: %lld bundle%s in pending, from before it was decided about; `run` "
                       "looks at them by itself, and so does the next: %s sync DRIVE",
                       fingerprint, (long long)x->bundles, waits, self);
    gf_buf_free(&name);
}
