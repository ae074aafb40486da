/*
 * cmd_status.c -- `status`: what waits, who is enrolled, what needs a person.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gapferry/file.h"
#include "relay/agents.h"
#include "relay/cmd_status.h"
#include "relay/files.h"
#include "relay/ledger/ledger_operator.h"
#include "relay/ledger/ledger_updates.h"

static const struct option_spec specs[] = {
    COMMAND_OPTION_JSON,
    COMMAND_OPTION_ROOT,
    COMMAND_OPTION_HELP,
    COMMAND_OPTION_END,
};

static int put_agents(struct relay *r, struct out *t, struct cmd_status_next *next,
                      struct gf_err *e) {
    struct gf_card *agents = NULL;
    struct gf_card *strangers = NULL;
    size_t n = 0, *nstrangers = &next->strangers;
    int rc = -1;

    if (ledger_agents(r->ledger, &agents, &n, e) == -1 ||
        ledger_strangers(r->ledger, &strangers, nstrangers, e) == -1)
        goto out;
    out_open(t, "agents", '[');
    for (size_t i = 0; i < n; i++) {
        if (agents_name(r, &agents[i], e) == -1)
            goto out;
        command_card(t, "agent", NULL, &agents[i]);
    }
    out_close(t, ']');
    if (n == 0)
        out_text(t, "%-13snone is enrolled\n", "agent");
    out_open(t, "strangers", '[');
    for (size_t i = 0; i < *nstrangers; i++)
        command_card(t, "unknown", NULL, &strangers[i]);
    out_close(t, ']');
    next->agents = n;
    rc = 0;
out:
    free(agents);
    free(strangers);
    return rc;
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

/* What a person can do about records that wait, with the command. */
static void put_advice(struct relay *r, struct out *t, int64_t held, int64_t later) {
    char self[COMMAND_SELF];

    if (held > 0)
        out_text(t,
                 "%-13sheld: see why: %s records list --state held; mend that, then: %s records "
                 "release, or reject\n",
                 "", relay_self(r, self), self);
    if (later > 0)
        out_text(t,
                 "%-13slater: the next sync tries again; see why: %s records list --state later\n",
                 "", relay_self(r, self));
}

static int put_records(struct relay *r, struct out *t, struct cmd_status_next *next,
                       struct gf_err *e) {
    struct ledger_count *counts = NULL;
    int64_t held = 0, later = 0;
    size_t n = 0;

    if (ledger_counts(r->ledger, &counts, &n, e) == -1)
        return -1;
    out_open(t, "channels", '[');
    for (size_t i = 0; i < n; i++) {
        int parts = 0;
        out_open(t, NULL, '{');
        command_str(t, NULL, "channel", counts[i].channel);
        out_text(t, "%-13s%s:", "records", counts[i].channel);
        for (int s = 0; ledger_states[s] != NULL; s++) {
            if (counts[i].n[s] > 0)
                out_text(t, "%s %" PRId64 " %s", parts++ > 0 ? "," : "", counts[i].n[s],
                         ledger_states[s]);
            if (t->json)
                command_int(t, NULL, ledger_states[s], counts[i].n[s]);
        }
        held += counts[i].n[LEDGER_HELD];
        later += counts[i].n[LEDGER_LATER];
        next->waiting +=
            counts[i].n[LEDGER_RECEIVED] + counts[i].n[LEDGER_SENDING] + counts[i].n[LEDGER_LATER];
        out_text(t, "\n");
        out_close(t, '}');
    }
    out_close(t, ']');
    next->held = held;
    put_advice(r, t, held, later);
    if (n == 0)
        out_text(t, "%-13snone yet\n", "records");
    free(counts);
    return 0;
}

/* Who lost what by its own policy: an agent's name where it is enrolled. */
static int put_losses(struct relay *r, struct out *t, struct gf_err *e) {
    struct ledger_loss *list = NULL;
    char from[GF_TIME_TEXT], to[GF_TIME_TEXT], agent[GF_ID_TEXT];
    size_t n = 0;

    if (ledger_losses(r->ledger, &list, &n, e) == -1)
        return -1;
    out_open(t, "lost", '[');
    for (size_t i = 0; i < n; i++) {
        gf_text_hex(list[i].agent.b, sizeof list[i].agent.b, agent);
        gf_text_time(list[i].first, from);
        gf_text_time(list[i].last, to);
        out_open(t, NULL, '{');
        out_str(t, "agent", agent);
        out_str(t, "channel", list[i].channel);
        out_str(t, "policy", list[i].policy);
        out_int(t, "records", list[i].records);
        out_str(t, "from", from);
        out_str(t, "to", to);
        out_close(t, '}');
        out_text(t,
                 "%-13s%s: %" PRId64 " record%s of agent %.8s..., from %s to %s, dropped there "
                 "by its own policy (%s)\n",
                 "lost", list[i].channel, list[i].records, list[i].records == 1 ? "" : "s", agent,
                 from, to, list[i].policy);
    }
    out_close(t, ']');
    free(list);
    return 0;
}

/* Ids that came twice with different bodies: somebody has to look at that agent. */
static int put_conflicts(struct relay *r, struct out *t, struct gf_err *e) {
    char self[COMMAND_SELF];
    int64_t n = 0;

    if (ledger_conflict_count(r->ledger, &n, e) == -1)
        return -1;
    out_int(t, "conflicts", n);
    if (n > 0)
        out_text(t,
                 "%-13s%" PRId64
                 " record%s came again with another body, and %s rejected; which: %s "
                 "records list\n",
                 "conflicts", n, n == 1 ? "" : "s", n == 1 ? "was" : "were", relay_self(r, self));
    return 0;
}

/* What reconcile has kept was never refused: its .why says which it is. */
static int is_kept_response(const struct relay *r, const char *name) {
    char path[300];
    struct gf_buf why;
    struct gf_err ignored;

    (void)snprintf(path, sizeof path, "quarantine/%s.why", name);
    int is = gf_file_load(r->state_fd, path, 4096, &why, &ignored) == 0 && why.data != NULL &&
             strstr(why.data, FILES_UNKNOWN_RESPONSE) != NULL;
    gf_buf_free(&why);
    return is;
}

static int put_folder(struct relay *r, struct out *t, const char *folder, const char *text,
                      struct cmd_status_next *next, struct gf_err *e) {
    struct files_list list = {0};
    int is_quarantine = strcmp(folder, "quarantine") == 0;
    int64_t n = 0, kept = 0;

    if (files_list(r, folder, &list, e) == -1)
        return -1;
    for (size_t i = 0; i < list.n; i++) {
        size_t len = strlen(list.entries[i].name);
        if (len <= 4 || strcmp(list.entries[i].name + len - 4, ".gfb") != 0)
            continue;
        if (is_quarantine && is_kept_response(r, list.entries[i].name))
            kept++;
        else
            n++;
    }
    free(list.entries);
    if (t->json)
        command_int(t, NULL, folder, n);
    else if (n > 0)
        out_text(t, "%-13s%" PRId64 " bundle%s %s\n", folder, n, n == 1 ? "" : "s", text);
    if (t->json && is_quarantine)
        command_int(t, NULL, "kept_responses", kept);
    else if (kept > 0)
        out_text(t,
                 "%-13s%" PRId64 " response%s of this relay that the ledger did not know, kept by "
                 "reconcile\n",
                 folder, kept, kept == 1 ? "" : "s");
    if (is_quarantine)
        next->refused = n;
    return 0;
}

static int put_responses(struct relay *r, struct out *t, struct cmd_status_next *next,
                         struct gf_err *e) {
    struct ledger_response *list = NULL;
    size_t n = 0;

    if (ledger_open_responses(r->ledger, NULL, &list, &n, e) == -1)
        return -1;
    free(list);
    if (t->json)
        command_int(t, NULL, "responses", (int64_t)n);
    else
        out_text(t, "%-13s%zu not acknowledged yet\n", "responses", n);
    next->responses = n;
    return 0;
}

/* Artifacts of updates that agents wait for, and why they are not here. */
static int put_artifacts(struct relay *r, struct out *t, struct cmd_status_next *next,
                         struct gf_err *e) {
    struct ledger_artifact a = {.row = 0};
    int rc;

    out_open(t, "artifacts", '[');
    while ((rc = ledger_artifact_due(r->ledger, INT64_MAX, a.row, &a, e)) == 1) {
        next->artifacts++;
        out_open(t, NULL, '{');
        out_text(t, "%-13s%s of %s, %" PRId64 " bytes, to be fetched from endpoint \"%s\"%s%s\n",
                 "artifact", a.is.name, a.place, a.is.size, a.endpoint,
                 a.reason[0] != '\0' ? ": " : "", a.reason);
        command_str(t, NULL, "name", a.is.name);
        command_str(t, NULL, "of", a.place);
        command_str(t, NULL, "endpoint", a.endpoint);
        command_str(t, NULL, "reason", a.reason[0] != '\0' ? a.reason : NULL);
        if (t->json)
            command_int(t, NULL, "bytes", a.is.size);
        out_close(t, '}');
    }
    out_close(t, ']');
    return rc;
}

/* Who is overdue, forked or behind, with what to do; who is fine needs no line. */
static int put_attention(struct relay *r, struct out *t, struct cmd_status_next *next,
                         struct gf_err *e) {
    static const enum agents_state states[] = {AGENTS_FORKED, AGENTS_OVERDUE, AGENTS_BEHIND};
    char remedy[AGENTS_REMEDY];
    struct agents_list l;

    if (agents_load(r, &l, e) == -1)
        return -1;
    out_open(t, "attention", '{');
    for (size_t s = 0; s < sizeof states / sizeof *states; s++) {
        int64_t n = 0;
        for (size_t i = 0; i < l.n; i++) {
            if (l.list[i].state != states[s])
                continue;
            if (agents_remedy(r, &l.list[i], remedy))
                out_text(t, "%-13s%s\n", agents_states[states[s]], remedy);
            n++;
        }
        out_int(t, agents_states[states[s]], n);
        next->forked += states[s] == AGENTS_FORKED ? n : 0;
    }
    out_close(t, '}');
    agents_free(&l);
    return 0;
}

/* What its sender's quota keeps out, wherever it lies. */
static int put_over(struct relay *r, struct out *t, struct cmd_status_next *next,
                    struct gf_err *e) {
    struct ledger_over *list = NULL;
    char since[GF_TIME_TEXT];
    size_t n = 0;

    if (ledger_over(r->ledger, r->now, &list, &n, e) == -1)
        return -1;
    out_open(t, "over_quota", '[');
    for (size_t i = 0; i < n; i++) {
        gf_text_time(list[i].since, since);
        out_open(t, NULL, '{');
        out_str(t, "agent", list[i].fingerprint);
        out_int(t, "bundles", list[i].bundles);
        out_int(t, "bytes", list[i].bytes);
        out_time(t, "since", 1, list[i].since);
        out_time(t, "last", 1, list[i].last);
        out_str(t, "rule", list[i].rule);
        out_close(t, '}');
        out_text(t,
                 "%-13s%s: %" PRId64 " bundle%s of %" PRId64 " bytes, since %s, beyond its %s; "
                 "nothing is lost: on the drive, in incoming/ or at the site until there is room\n",
                 "over quota", list[i].fingerprint, list[i].bundles,
                 list[i].bundles == 1 ? "" : "s", list[i].bytes, since, list[i].rule);
    }
    out_close(t, ']');
    next->over = n;
    if (n > 0)
        memcpy(next->sender, list[0].fingerprint, sizeof next->sender);
    free(list);
    return 0;
}

static int work(struct relay *r, const struct options *o, int *status, struct gf_err *e) {
    char waits[COMMAND_SELF + 96];
    char bad[sizeof r->state + 160];
    char self[COMMAND_SELF];
    struct cmd_status_next next = {0};
    struct out t;

    (void)status;
    if (command_args(o, 0, 0, "nothing", e) == -1)
        return -1;
    if (files_make(r->state_fd, e) == -1)
        return gf_err_prefix(e, "%s", r->state);
    (void)snprintf(waits, sizeof waits,
                   "from unknown senders, waiting for: %s approve FINGERPRINT, or decline",
                   relay_self(r, self));
    (void)snprintf(bad, sizeof bad,
                   "refused; NAME.why beside each says why: %s/quarantine. Let the site send it "
                   "anew; what is looked at may be removed",
                   r->state);
    out_begin(&t, o);
    command_card(&t, "relay", "relay", &r->id.card);
    if (put_agents(r, &t, &next, e) == -1 || put_approvals(r, &t, &next, e) == -1 ||
        put_attention(r, &t, &next, e) == -1 || put_records(r, &t, &next, e) == -1 ||
        put_losses(r, &t, e) == -1 || put_conflicts(r, &t, e) == -1 ||
        put_artifacts(r, &t, &next, e) == -1 || put_responses(r, &t, &next, e) == -1 ||
        put_over(r, &t, &next, e) == -1 || put_folder(r, &t, "pending", waits, &next, e) == -1 ||
        put_folder(r, &t, "quarantine", bad, &next, e) == -1 ||
        put_folder(r, &t, "brought", "uploaded by couriers and not confirmed; gone after a day",
                   &next, e) == -1) {
        gf_buf_free(&t.b);
        return -1;
    }
    cmd_status_next(r, &next, &t);
    return command_end(&t, e);
}

int cmd_status(const char *root, int argc, char **argv) {
    static const struct command c = {
        {COMMAND_PROGRAM " status", "[OPTION]...",
         "Show who is enrolled, what became of the records, which responses have not been "
         "acknowledged, and what needs a person.",
         specs, NULL},
        COMMAND_OPEN,
        work};
    return command_run(&c, root, argc, argv);
}
