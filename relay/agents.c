/*
 * agents.c -- states and remedies of the roll.
 */
#include "relay/agents.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "relay/ledger/ledger_operator.h"
#include "relay/strangers.h"

const char *const agents_states[] = {"enrolled", "pending", "declined", "forked", "revoked",
                                     "replaced", "overdue", "behind",   NULL};

static enum agents_state state_of(const struct ledger_agent *a, int64_t span, int64_t now) {
    /* Who has sent nothing at all is waited for since he was let in. */
    int64_t last = a->last > a->enrolled ? a->last : a->enrolled;

    switch (a->standing) {
    case LEDGER_PENDING:
        return a->declined > 0 ? AGENTS_DECLINED : AGENTS_PENDING;
    case LEDGER_FORKED:
        return AGENTS_FORKED;
    case LEDGER_REVOKED:
        return AGENTS_REVOKED;
    case LEDGER_REPLACED:
        return AGENTS_REPLACED;
    case LEDGER_ENROLLED:
        break;
    }
    if (span > 0 && now - last > span)
        return AGENTS_OVERDUE;
    return a->missing > 0 ? AGENTS_BEHIND : AGENTS_ENROLLED;
}

int agents_section(const struct relay *r, const struct gf_hash *sender, const char **out,
                   struct gf_err *e) {
    char(*list)[GF_FINGERPRINT_TEXT] = NULL, spelled[GF_FINGERPRINT_TEXT];
    const char *name = config_name(r->config, "agent", 0);
    size_t n = 0;

    *out = NULL;
    if (name == NULL)
        return 0;
    if (ledger_fingerprints(r->ledger, sender, &list, &n, e) == -1)
        return -1;
    for (size_t i = 0; *out == NULL && (name = config_name(r->config, "agent", i)) != NULL; i++)
        for (size_t k = 0; k < n && gf_card_fingerprint_spell(name, spelled) == 0; k++)
            if (strcmp(list[k], spelled) == 0)
                *out = name;
    free(list);
    return 0;
}

int agents_name(const struct relay *r, struct gf_card *c, struct gf_err *e) {
    const char *section = NULL, *name;

    if (r->config == NULL)
        return 0;
    if (agents_section(r, &c->identity, &section, e) == -1)
        return -1;
    name = section != NULL ? config_get(r->config, "agent", section, "name") : NULL;
    if (name != NULL)
        (void)snprintf(c->name, sizeof c->name, "%s", name);
    return 0;
}

/* Of an agent without any other name the token's that let it in says which it is. */
static int name_one(const struct relay *r, struct ledger_agent *a, struct gf_err *e) {
    if (agents_name(r, &a->card, e) == -1)
        return -1;
    if (a->card.name[0] == '\0' && strcmp(a->how, "token") == 0)
        (void)snprintf(a->card.name, sizeof a->card.name, "%s", a->by);
    return 0;
}

int agents_count_waiting(const struct relay *r, struct agents_list *l, struct gf_err *e) {
    struct strangers s = {0};
    size_t i = 0;

    while (i < l->n && l->list[i].state != AGENTS_PENDING)
        i++;
    if (i == l->n)
        return 0;
    int rc = strangers_load(r, &s, e);
    for (i = 0; rc == 0 && i < l->n; i++) {
        for (size_t k = 0; k < s.n && l->list[i].state == AGENTS_PENDING; k++)
            if (memcmp(&l->list[i].a.card.identity, &s.list[k].identity, sizeof(struct gf_hash)) ==
                0)
                l->list[i].waiting = s.list[k].bundles;
    }
    strangers_free(&s);
    return rc;
}

int agents_called(const struct agents_list *l, const struct gf_id *agent, char out[AGENTS_CALLED]) {
    const struct gf_card *card = NULL;
    char text[GF_ID_TEXT];

    for (size_t i = 0; i < l->n; i++) {
        const struct ledger_agent *a = &l->list[i].a;
        if (memcmp(&a->card.agent, agent, sizeof *agent) == 0 &&
            (card == NULL || a->standing == LEDGER_ENROLLED || a->standing == LEDGER_FORKED))
            card = &a->card;
    }
    int named = card != NULL && card->name[0] != '\0';
    gf_text_hex(agent->b, sizeof agent->b, text);
    if (card != NULL && !named)
        gf_card_fingerprint(card, out);
    else
        (void)snprintf(out, AGENTS_CALLED, "%.*s", named ? AGENTS_CALLED : 8,
                       named ? card->name : text);
    return named;
}

size_t agents_meant(const struct agents_list *l, const char *word, struct gf_id *out) {
    size_t n = 0;

    for (const struct agents_one *x = l->list; x != NULL && x < l->list + l->n; x++) {
        const struct gf_card *c = &x->a.card;
        if (!gf_card_fingerprint_is(c, word) && strcmp(c->name, word) != 0)
            continue;
        /* Successors of one key are one agent. */
        if (n == 0 || memcmp(out, &c->agent, sizeof *out) != 0)
            n++;
        *out = c->agent;
    }
    return n;
}

int agents_load(struct relay *r, struct agents_list *out, struct gf_err *e) {
    struct ledger_agent *roll = NULL;
    int64_t span = 30LL * 86400;
    size_t n = 0;

    if (config_span(r->config, "relay", NULL, "overdue", &span, e) == -1 ||
        ledger_roll(r->ledger, &roll, &n, e) == -1)
        return -1;
    struct agents_one *list = calloc(n + 1, sizeof *list);
    int rc = list != NULL ? 0 : gf_err_set(e, GF_E_SYSTEM, "no memory for the list of agents");
    for (size_t i = 0; rc == 0 && i < n; i++) {
        list[i].a = roll[i];
        list[i].state = state_of(&roll[i], span, r->now);
        rc = name_one(r, &list[i].a, e);
    }
    free(roll);
    if (rc == -1) {
        free(list);
        return -1;
    }
    *out = (struct agents_list){list, n};
    return 0;
}

void agents_free(struct agents_list *l) {
    free(l->list);
    *l = (struct agents_list){0};
}

int agents_remedy(const struct relay *r, const struct agents_one *x, char out[AGENTS_REMEDY]) {
    char fingerprint[GF_FINGERPRINT_TEXT], self[COMMAND_SELF], at[GF_TIME_TEXT];
    const struct ledger_agent *a = &x->a;

    gf_card_fingerprint(&a->card, fingerprint);
    (void)relay_self(r, self);
    gf_text_time(a->last, at);
    switch (x->state) {
    case AGENTS_PENDING:
        if (a->claims)
            return 0;
        (void)snprintf(out, AGENTS_REMEDY,
                       "%s waits for approval: compare the fingerprint with the site's "
                       "(gapferry-agent card), then: %s approve %s (or decline)",
                       fingerprint, self, fingerprint);
        return 1;
    case AGENTS_FORKED:
        if (a->enrolled == 0)
            (void)snprintf(out, AGENTS_REMEDY,
                           "%s is one of two successors of one key; ask the site which "
                           "fingerprint is its own (gapferry-agent card), then: %s approve "
                           "FINGERPRINT. If neither is: %s revoke %s",
                           fingerprint, self, self, fingerprint);
        else
            (void)snprintf(out, AGENTS_REMEDY,
                           "%s has sent two bundles of one number, or two streams at a time: "
                           "restored from a backup? At the site: gapferry-agent restore. Cloned? "
                           "Its twin needs an init of its own, then restore at the site. Neither? "
                           "Then its key was stolen: %s revoke %s",
                           fingerprint, self, fingerprint);
        return 1;
    case AGENTS_OVERDUE:
        (void)snprintf(out, AGENTS_REMEDY,
                       "%s is overdue: %s%s; ask the site for a drive, or, if it is gone: %s "
                       "revoke %s",
                       fingerprint, a->last > 0 ? "its last bundle came on " : "it never sent one",
                       a->last > 0 ? at : "", self, fingerprint);
        return 1;
    case AGENTS_BEHIND:
        (void)snprintf(
            out, AGENTS_REMEDY,
            "%s: %" PRId64 " bundle%s before number %" PRId64 " did not come: on a drive "
            "that is still under way, or lost; the site's next sync carries what has no "
            "receipt. Which: %s agents show %s",
            fingerprint, a->missing, a->missing == 1 ? "" : "s", a->seq, self, fingerprint);
        return 1;
    case AGENTS_ENROLLED:
    case AGENTS_DECLINED:
    case AGENTS_REVOKED:
    case AGENTS_REPLACED:
        break;
    }
    return 0;
}

int agents_typed(const struct options *o, size_t from, char out[128], struct gf_err *e) {
    char text[128] = "";
    size_t len = 0;

    if (command_args(o, from + 1, from + 5, "FINGERPRINT", e) == -1)
        return -1;
    for (size_t i = from; i < o->nargs; i++) {
        int n = snprintf(text + len, sizeof text - len, "%s", options_arg(o, i));
        if (n < 0 || (size_t)n >= sizeof text - len)
            break;
        len += (size_t)n;
    }
    if (gf_card_fingerprint_spell(text, out) == -1)
        return gf_err_set(e, GF_E_USAGE,
                          "%.64s: not a fingerprint; it has five groups of four, such as "
                          "ABCD-EFGH-IJKL-MNOP-QRST",
                          options_arg(o, from));
    return 0;
}
