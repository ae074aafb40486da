/*
 * cmd_status_people.c -- `status`: who is let in, who may come, who waits, and who needs attention.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "relay/cmd_status.h"

static int is_enrolled(const struct ledger_agent *a) {
    return a->enrolled > 0 && a->ended == 0;
}

/* Its card was seen, and a person has to decide. */
static int is_stranger(const struct ledger_agent *a) {
    return a->enrolled == 0 && a->ended == 0 && a->declined == 0 && !a->claims;
}

/* Those of the roll to which it applies, as a list; how many. */
static size_t put_cards(struct out *t, const struct agents_list *roll, const char *label,
                        int (*is)(const struct ledger_agent *a)) {
    size_t n = 0;

    for (size_t i = 0; i < roll->n; i++) {
        if (!is(&roll->list[i].a))
            continue;
        command_card(t, label, NULL, &roll->list[i].a.card);
        n++;
    }
    return n;
}

/* For a command that can be pasted where it can be about one only. */
static void name_stranger(struct cmd_status_next *next) {
    (void)snprintf(next->stranger, sizeof next->stranger, "FINGERPRINT");
    for (size_t i = 0; next->strangers == 1 && i < next->roll.n; i++)
        if (is_stranger(&next->roll.list[i].a))
            gf_card_fingerprint(&next->roll.list[i].a.card, next->stranger);
}

/* Who may come, and has not yet. */
static int put_approvals(struct relay *r, struct out *t, struct cmd_status_next *next,
                         struct gf_err *e) {
    struct ledger_approval *list = NULL;
    char at[GF_TIME_TEXT];
    size_t n = 0;

    if (ledger_approvals(r->ledger, &list, &n, e) == -1)
        return -1;
    out_open(t, "approved_ahead", '[');
    for (size_t i = 0; i < n; i++) {
        gf_text_time(list[i].at, at);
        command_str(t, NULL, NULL, list[i].fingerprint);
        out_text(t, "%-13s%s  since %s; its card has not been seen yet\n", "approved",
                 list[i].fingerprint, at);
    }
    out_close(t, ']');
    free(list);
    next->approved = n;
    return 0;
}

/* Who is overdue, forked or behind, with what to do; who is fine needs no line. */
static void put_attention(const struct relay *r, struct out *t, struct cmd_status_next *next) {
    static const enum agents_state states[] = {AGENTS_FORKED, AGENTS_OVERDUE, AGENTS_BEHIND};
    char remedy[AGENTS_REMEDY];
    const struct agents_list *l = &next->roll;

    out_open(t, "attention", '{');
    for (size_t s = 0; s < sizeof states / sizeof *states; s++) {
        int64_t n = 0;
        for (size_t i = 0; i < l->n; i++) {
            if (l->list[i].state != states[s])
                continue;
            if (agents_remedy(r, &l->list[i], remedy))
                out_text(t, "%-13s%s\n", agents_states[states[s]], remedy);
            n++;
        }
        out_int(t, agents_states[states[s]], n);
        next->forked += states[s] == AGENTS_FORKED ? n : 0;
    }
    out_close(t, '}');
}

/* What lies in pending/, and of whom. Of those whose card is on the list above nothing more need be
 * said. */
static int put_pending(struct relay *r, struct out *t, struct cmd_status_next *next,
                       struct gf_err *e) {
    struct strangers *s = &next->pending;
    char line[STRANGERS_LINE], self[COMMAND_SELF], hex[GF_HASH_TEXT];
    int64_t all = 0, shown = 0;

    if (strangers_load(r, s, e) == -1)
        return -1;
    out_open(t, "pending_senders", '[');
    for (size_t i = 0; i < s->n; i++) {
        static const char *const kinds[] = {"unseen", "shown", "claims", "decided"};
        const struct strangers_one *x = &s->list[i];
        gf_text_hex(x->identity.b, sizeof x->identity.b, hex);
        out_open(t, NULL, '{');
        out_str(t, "identity", hex);
        out_str(t, "card", kinds[x->kind]);
        out_int(t, "bundles", x->bundles);
        out_close(t, '}');
        all += x->bundles;
        shown += x->kind == STRANGERS_SHOWN ? x->bundles : 0;
        strangers_line(r, x, line);
        if (x->kind != STRANGERS_SHOWN)
            command_str(t, "pending", NULL, line);
    }
    out_close(t, ']');
    out_int(t, "pending", all);
    if (shown > 0)
        out_text(t,
                 "%-13s%" PRId64 " bundle%s from unknown senders, waiting for: %s approve "
                 "%s, or decline\n",
                 "pending", shown, shown == 1 ? "" : "s", relay_self(r, self), next->stranger);
    return 0;
}

int cmd_status_people(struct relay *r, struct out *t, struct cmd_status_next *next,
                      struct gf_err *e) {
    out_open(t, "agents", '[');
    next->agents = put_cards(t, &next->roll, "agent", is_enrolled);
    out_close(t, ']');
    if (next->agents == 0)
        out_text(t, "%-13snone is enrolled\n", "agent");
    out_open(t, "strangers", '[');
    next->strangers = put_cards(t, &next->roll, "unknown", is_stranger);
    out_close(t, ']');
    name_stranger(next);
    if (put_approvals(r, t, next, e) == -1)
        return -1;
    put_attention(r, t, next);
    return put_pending(r, t, next, e);
}
