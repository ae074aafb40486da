/*
 * cmd_agents.c -- `agents`: who ever came, what became of him, and what a person has to do.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "relay/agents.h"
#include "relay/command.h"

static const struct option_spec specs[] = {
    {"all", 'a', NULL, "list also those that were replaced by a successor, or declined"},
    COMMAND_OPTION_JSON,
    COMMAND_OPTION_ROOT,
    COMMAND_OPTION_HELP,
    COMMAND_OPTION_END,
};

/* ---- facts of one agent ---- */

static void put_hex(struct out *t, const char *name, const uint8_t *b, size_t len) {
    char text[GF_HASH_TEXT];

    gf_text_hex(b, len, text);
    out_str(t, name, text);
}

static void put_json(struct out *t, const struct agents_one *x) {
    const struct ledger_agent *a = &x->a;
    char fingerprint[GF_FINGERPRINT_TEXT];

    gf_card_fingerprint(&a->card, fingerprint);
    out_str(t, "fingerprint", fingerprint);
    out_str(t, "name", a->card.name[0] ? a->card.name : NULL);
    put_hex(t, "agent", a->card.agent.b, sizeof a->card.agent.b);
    put_hex(t, "identity", a->card.identity.b, sizeof a->card.identity.b);
    out_str(t, "state", agents_states[x->state]);
    out_str(t, "how", a->how[0] ? a->how : NULL);
    out_str(t, "by", a->by[0] ? a->by : NULL);
    out_time(t, "enrolled", a->enrolled > 0, a->enrolled);
    out_time(t, "ended", a->ended > 0, a->ended);
    out_time(t, "declined", x->state == AGENTS_DECLINED, a->declined);
    out_str(t, "reason", a->reason[0] ? a->reason : NULL);
    out_time(t, "card_seen", 1, a->seen);
    out_time(t, "last_seen", a->last > 0, a->last);
    out_int(t, "last_seq", a->seq);
    out_int(t, "missing", a->missing);
    out_int(t, "bundles", a->bundles);
    out_int(t, "waiting", x->waiting);
    out_int(t, "refused", a->refused);
    out_int(t, "forks", a->forks);
    out_int(t, "rotations_missed", a->outdated);
}

static void put_line(struct out *t, const struct agents_one *x) {
    const struct ledger_agent *a = &x->a;
    char fingerprint[GF_FINGERPRINT_TEXT], at[GF_TIME_TEXT] = "never sent";

    gf_card_fingerprint(&a->card, fingerprint);
    if (x->waiting > 0)
        (void)snprintf(at, sizeof at, "waits");
    if (a->last > 0 || x->state == AGENTS_DECLINED)
        gf_text_time(a->last > 0 ? a->last : a->declined, at);
    int more = a->last > 0 || a->card.name[0] != '\0';
    out_text(t, "%-9s %s  %-*s", agents_states[x->state], fingerprint, more ? 20 : 0, at);
    if (a->last > 0)
        out_text(t, "  number %" PRId64, a->seq);
    if (a->missing > 0)
        out_text(t, ", %" PRId64 " missing", a->missing);
    if (a->card.name[0] != '\0')
        out_text(t, "  ");
    out_safe(t, a->card.name);
    out_text(t, "\n");
}

static int load(struct relay *r, struct agents_list *out, struct gf_err *e) {
    if (agents_load(r, out, e) == -1)
        return -1;
    if (agents_count_waiting(r, out, e) == 0)
        return 0;
    agents_free(out);
    return -1;
}

/* ---- the list ---- */

static int list(struct relay *r, const struct options *o, struct gf_err *e) {
    char remedy[AGENTS_REMEDY];
    struct agents_list l;
    struct out t;
    size_t shown = 0;

    if (load(r, &l, e) == -1)
        return -1;
    out_begin(&t, o);
    out_open(&t, "agents", '[');
    for (size_t i = 0; i < l.n; i++) {
        const struct agents_one *x = &l.list[i];
        if ((x->state == AGENTS_REPLACED || x->state == AGENTS_DECLINED) &&
            !options_count(o, "all"))
            continue;
        shown++;
        out_open(&t, NULL, '{');
        put_json(&t, x);
        out_close(&t, '}');
        put_line(&t, x);
    }
    out_close(&t, ']');
    if (shown == 0)
        out_text(&t, "nobody has come yet; a site's card comes with its first drive\n");
    for (size_t i = 0; i < l.n; i++) {
        if (agents_remedy(r, &l.list[i], remedy) == 1)
            out_text(&t, "%s\n", remedy);
    }
    agents_free(&l);
    return command_end(&t, e);
}

/* ---- one of them ---- */

static int put_gaps(struct relay *r, const struct agents_one *x, struct out *t, struct gf_err *e) {
    struct ledger_gap *gaps = NULL;
    char stream[GF_ID_TEXT];
    size_t n = 0;

    if (ledger_gaps(r->ledger, &x->a.card.identity, &gaps, &n, e) == -1)
        return -1;
    out_open(t, "gaps", '[');
    for (size_t i = 0; i < n; i++) {
        gf_text_hex(gaps[i].stream.b, sizeof gaps[i].stream.b, stream);
        out_open(t, NULL, '{');
        out_str(t, "stream", stream);
        out_int(t, "from", gaps[i].from);
        out_int(t, "to", gaps[i].to);
        out_close(t, '}');
        out_text(t, "missing      number %" PRId64, gaps[i].from);
        if (gaps[i].to > gaps[i].from)
            out_text(t, " to %" PRId64, gaps[i].to);
        out_text(t, " of stream %.8s...\n", stream);
    }
    out_close(t, ']');
    free(gaps);
    return 0;
}

static void put_text(struct out *t, const struct agents_one *x) {
    const struct ledger_agent *a = &x->a;
    char text[GF_HASH_TEXT];

    gf_card_fingerprint(&a->card, text);
    out_text(t, "fingerprint  %s\nname         ", text);
    out_safe(t, a->card.name[0] ? a->card.name : "none");
    gf_text_hex(a->card.agent.b, sizeof a->card.agent.b, text);
    out_text(t, "\nagent        %s\nstate        %s\n", text, agents_states[x->state]);
    gf_text_time(a->seen, text);
    out_text(t, "card seen    %s\n", text);
    gf_text_time(a->enrolled, text);
    if (a->enrolled > 0)
        out_text(t, "enrolled     %s, by %s%s%s\n", text, a->how, a->by[0] ? " " : "", a->by);
    gf_text_time(a->ended, text);
    if (a->ended > 0)
        out_text(t, "ended        %s%s%s\n", text, a->reason[0] ? ": " : "", a->reason);
    gf_text_time(a->declined, text);
    if (x->state == AGENTS_DECLINED)
        out_text(t, "declined     %s\n", text);
    if (x->waiting > 0)
        out_text(t, "waiting      %" PRId64 " bundle%s in pending\n", x->waiting,
                 x->waiting == 1 ? "" : "s");
    gf_text_time(a->last, text);
    out_text(t, "last bundle  %s\n",
             a->last > 0      ? text
             : x->waiting > 0 ? "none taken yet"
                              : "none");
    out_text(t,
             "bundles      %" PRId64 ", the newest stream is at number %" PRId64 "\nrefused      "
             "%" PRId64 "\nforks        %" PRId64 "\n",
             a->bundles, a->seq, a->refused, a->forks);
    if (a->outdated > 0)
        out_text(t, "our card     an earlier one: %" PRId64 " rotation%s ago\n", a->outdated,
                 a->outdated == 1 ? "" : "s");
}

static int show(struct relay *r, const struct options *o, struct gf_err *e) {
    char typed[128], remedy[AGENTS_REMEDY];
    struct agents_list l;
    struct out t;
    size_t i = 0;
    int rc = -1;

    if (agents_typed(o, 1, typed, e) == -1 || load(r, &l, e) == -1)
        return -1;
    while (i < l.n && !gf_card_fingerprint_is(&l.list[i].a.card, typed))
        i++;
    if (i == l.n) {
        (void)gf_err_set(e, GF_E_NOINPUT, "%s: no card of this fingerprint came here", typed);
        goto out;
    }
    out_begin(&t, o);
    put_json(&t, &l.list[i]);
    put_text(&t, &l.list[i]);
    rc = put_gaps(r, &l.list[i], &t, e);
    if (rc == -1) {
        out_free(&t);
        goto out;
    }
    int has = agents_remedy(r, &l.list[i], remedy);
    out_str(&t, "remedy", has ? remedy : NULL);
    if (has)
        out_text(&t, "\n%s\n", remedy);
    rc = command_end(&t, e);
out:
    agents_free(&l);
    return rc;
}

static int work(struct relay *r, const struct options *o, int *status, struct gf_err *e) {
    const char *verb = options_arg(o, 0);

    (void)status;
    if (verb == NULL || strcmp(verb, "list") == 0)
        return command_args(o, 0, 1, "nothing", e) == -1 ? -1 : list(r, o, e);
    if (strcmp(verb, "show") == 0)
        return show(r, o, e);
    return gf_err_set(e, GF_E_USAGE, "agents %.64s: must be list, or show FINGERPRINT", verb);
}

int cmd_agents(const char *root, int argc, char **argv) {
    static const struct command c = {
        {COMMAND_PROGRAM " agents", "[list|show FINGERPRINT] [OPTION]...",
         "List the agents that ever came: their state, fingerprint, when the last bundle was "
         "taken, "
         "its number, and how many before it are missing. show: all that is known of one.",
         specs,
         "Examples:\n  gapferry-relay agents\n"
         "  gapferry-relay agents show ABCD-EFGH-IJKL-MNOP-QRST\n"},
        COMMAND_OPEN,
        work};
    return command_run(&c, root, argc, argv);
}
