/*
 * cmd_trust_list.c -- `trust --list`: whom this agent trusts, and who has said so.
 */
#include "agent/cmd_trust.h"

#include <stdlib.h>

#include "agent/store/store_relays.h"
#include "agent/vendors.h"
#include "common/vendor_keys.h"

static int list_cards(struct agent *a, enum gf_role role, const char *member, struct out *t,
                      struct gf_err *e) {
    struct gf_card *cards = NULL;
    size_t n = 0;

    if (store_cards(a->store, role, &cards, &n, e) == -1)
        return -1;
    out_open(t, member, '[');
    for (size_t i = 0; i < n; i++) {
        out_text(t, "%-10s ", gf_card_roles[role]);
        command_card(t, NULL, &cards[i]);
        out_text(t, "\n");
    }
    out_close(t, ']');
    free(cards);
    return 0;
}

/* Those that do not count, and why: a choice may wait. */
static int list_others(struct agent *a, struct out *t, struct gf_err *e) {
    struct store_relay *list = NULL;
    char since[GF_TIME_TEXT];
    size_t n = 0;

    if (store_relays(a->store, &list, &n, e) == -1)
        return -1;
    out_open(t, "not_trusted", '[');
    for (size_t i = 0; i < n; i++) {
        const struct store_relay *r = &list[i];
        if (r->standing == STORE_TRUSTED)
            continue;
        gf_text_time(r->since, since);
        out_open(t, NULL, '{');
        out_text(t, "%-10s ", store_standings[r->standing]);
        command_card(t, "card", &r->card);
        out_str(t, "standing", store_standings[r->standing]);
        out_time(t, "since", 1, r->since);
        out_close(t, '}');
        out_text(t, "%s, since %s\n",
                 r->standing == STORE_FORKED ? "  one of two successors of a relay's key: ask its "
                                               "operator which is true, then trust that card"
                                             : "",
                 since);
    }
    out_close(t, ']');
    free(list);
    return 0;
}

static void put_duties(struct out *t, int duties) {
    out_open(t, "duties", '[');
    for (size_t i = 0; i < VENDOR_DUTIES; i++) {
        if (duties & (int)vendors_bits[i])
            out_str(t, NULL, vendor_keys_duties[i]);
    }
    if (duties & STORE_DUTY_KEYGEN)
        out_str(t, NULL, "keygen");
    out_close(t, ']');
}

static void list_vendor(const struct vendor *v, int faults, struct out *t) {
    char line[GF_SIGN_PUBLIC_TEXT], words[VENDORS_WORDS], since[GF_TIME_TEXT];

    gf_key_sign_public_line(&v->key, line);
    gf_text_time(v->since, since);
    vendors_words(v->duties, words);
    out_open(t, NULL, '{');
    out_str(t, "name", v->name);
    out_str(t, "key", v->why[0] ? NULL : line);
    put_duties(t, v->duties);
    out_time(t, "since", v->since != 0, v->since);
    out_str(t, "config", v->where);
    out_str(t, "file", v->path);
    out_str(t, "fault", v->why[0] ? v->why : NULL);
    out_close(t, '}');
    if (v->why[0]) {
        out_text(t, "vendor     ");
        out_safe(t, v->name);
        out_text(t, ": its key does not count: ");
        out_safe(t, v->why);
        out_text(t, "\n");
    } else if (!faults) {
        out_text(t, "vendor     %s: %s; ", v->name, words);
        if (v->where)
            out_safe(t, v->where);
        else
            out_text(t, "trusted on %s", since);
        out_text(t, "\n           key %s\n", line);
    }
}

int cmd_trust_list_vendors(struct agent *a, int faults, struct out *t, struct gf_err *e) {
    struct vendor *list = NULL;
    size_t n = 0;

    if (vendors_all(a, &list, &n, e) == -1)
        return -1;
    out_open(t, "vendors", '[');
    for (size_t i = 0; i < n; i++)
        list_vendor(&list[i], faults, t);
    out_close(t, ']');
    free(list);
    return 0;
}

int cmd_trust_list(struct agent *a, const struct options *o, struct gf_err *e) {
    struct out t;

    out_begin(&t, o);
    if (list_cards(a, GF_ROLE_RELAY, "relays", &t, e) == -1 || list_others(a, &t, e) == -1 ||
        list_cards(a, GF_ROLE_READER, "readers", &t, e) == -1 ||
        cmd_trust_list_vendors(a, 0, &t, e) == -1) {
        out_free(&t);
        return -1;
    }
    if (!t.json && t.b.len == 0)
        out_text(&t, "nobody is trusted yet\n");
    return out_end(&t, e);
}
