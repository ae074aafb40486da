/*
 * cmd_status.c -- `status`: what waits, who is enrolled, what needs a person.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

/* What waits for another try or is held, and what to do about it. */
static int put_waiting(struct relay *r, struct out *t, struct cmd_status_next *next,
                       struct gf_err *e) {
    struct awaits *a = &next->waits;
    char self[COMMAND_SELF], line[AWAITS_LINE];

    if (awaits_load(r, a, e) == -1)
        return -1;
    awaits_put(t, r, a);
    if (a->held > 0)
        out_text(t,
                 "%-13sheld: see why: %s records list --state held; mend that, then: %s records "
                 "release, or reject\n",
                 "", relay_self(r, self), self);
    for (size_t i = 0; !t->json && i < a->n; i++) {
        (void)awaits_line(r, &a->stuck[i], r->now, line);
        command_str(t, "", NULL, line);
    }
    if (a->n > 0)
        out_text(t, "%-13slater: see which: %s records list --state later\n", "",
                 relay_self(r, self));
    return 0;
}

static int put_records(struct relay *r, struct out *t, struct cmd_status_next *next,
                       struct gf_err *e) {
    struct ledger_count *counts = NULL;
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
        out_text(t, "\n");
        out_close(t, '}');
    }
    out_close(t, ']');
    if (n == 0)
        out_text(t, "%-13snone yet\n", "records");
    free(counts);
    return put_waiting(r, t, next, e);
}

/* Who lost what by its own policy. */
static int put_losses(struct relay *r, struct out *t, const struct cmd_status_next *next,
                      struct gf_err *e) {
    struct ledger_loss *list = NULL;
    char from[GF_TIME_TEXT], to[GF_TIME_TEXT], agent[GF_ID_TEXT], called[AGENTS_CALLED];
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
        int thinned = strncmp(list[i].policy, "thin-", 5) == 0;
        (void)agents_called(&next->roll, &list[i].agent, called);
        out_text(t, "%-13s%s: %" PRId64 " record%s of ", thinned ? "thinned" : "lost",
                 list[i].channel, list[i].records, list[i].records == 1 ? "" : "s");
        out_safe(t, called);
        out_text(t, ", %sfrom %s to %s, %s there by its own policy (%s)\n",
                 thinned ? "points " : "", from, to, thinned ? "thinned" : "dropped",
                 list[i].policy);
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
static int put_artifacts(struct relay *r, struct out *t, struct gf_err *e) {
    struct ledger_artifact a = {.row = 0};
    char due[GF_TIME_TEXT];
    int rc;

    out_open(t, "artifacts", '[');
    while ((rc = ledger_artifact_due(r->ledger, INT64_MAX, a.row, &a, e)) == 1) {
        int waits = a.due > r->now;
        gf_text_time(a.due, due);
        out_open(t, NULL, '{');
        out_text(
            t, "%-13s%s of %s, %" PRId64 " bytes, to be fetched from endpoint \"%s\"%s%s%s%s\n",
            "artifact", a.is.name, a.place, a.is.size, a.endpoint, a.reason[0] != '\0' ? ": " : "",
            a.reason, waits ? "; tried again from " : "", waits ? due : "");
        command_str(t, NULL, "name", a.is.name);
        command_str(t, NULL, "of", a.place);
        command_str(t, NULL, "endpoint", a.endpoint);
        command_str(t, NULL, "reason", a.reason[0] != '\0' ? a.reason : NULL);
        out_int(t, "bytes", a.is.size);
        out_time(t, "due", waits, a.due);
        out_close(t, '}');
    }
    out_close(t, ']');
    return rc;
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

static int put_all(struct relay *r, struct out *t, struct cmd_status_next *next, struct gf_err *e) {
    command_card(t, "relay", "relay", &r->id.card);
    return cmd_status_people(r, t, next, e) == -1 || put_records(r, t, next, e) == -1 ||
                   put_losses(r, t, next, e) == -1 || put_conflicts(r, t, e) == -1 ||
                   put_artifacts(r, t, e) == -1 || put_responses(r, t, next, e) == -1 ||
                   put_over(r, t, next, e) == -1 || cmd_status_files(r, t, next, e) == -1
               ? -1
               : 0;
}

static int work(struct relay *r, const struct options *o, int *status, struct gf_err *e) {
    struct cmd_status_next next = {0};
    struct out t;

    (void)status;
    if (command_args(o, 0, 0, "nothing", e) == -1)
        return -1;
    if (files_make(r->state_fd, e) == -1)
        return gf_err_prefix(e, "%s", r->state);
    out_begin(&t, o);
    int rc = agents_load(r, &next.roll, e);
    if (rc == 0)
        rc = put_all(r, &t, &next, e);
    if (rc == 0)
        cmd_status_next(r, &next, &t);
    agents_free(&next.roll);
    strangers_free(&next.pending);
    awaits_free(&next.waits);
    if (rc == -1) {
        out_free(&t);
        return -1;
    }
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
