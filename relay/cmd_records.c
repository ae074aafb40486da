/*
 * cmd_records.c -- `records list | release | reject`: what the ledger knows of each record, another
 * try at once for those that wait, and the end of those that nobody will ever take.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "relay/command.h"

static const struct option_spec specs[] = {
    {"state", 's', "STATE",
     "list: only received, sending, later, held, onward, delivered, rejected or expired"},
    {"channel", 'c', "CHANNEL", "only this channel"},
    COMMAND_OPTION_JSON,
    COMMAND_OPTION_ROOT,
    COMMAND_OPTION_HELP,
    COMMAND_OPTION_END,
};

struct listing {
    struct out *t;
    const char *channel; /* NULL: all */
    int64_t n;
};

static int list_one(void *arg, const struct ledger_record *r, struct gf_err *e) {
    struct listing *l = arg;
    char id[GF_UUID_TEXT];
    char agent[GF_ID_TEXT];
    char digest[GF_HASH_TEXT];

    (void)e;
    if (l->channel != NULL && strcmp(l->channel, r->channel) != 0)
        return 0;
    l->n++;
    gf_text_uuid(&r->id, id);
    gf_text_hex(r->agent.b, sizeof r->agent.b, agent);
    if (!l->t->json) {
        out_text(l->t, "%s  %-9s  %s%s%s  attempts %" PRId64 "%s%s", id, ledger_states[r->state],
                 r->channel, r->product != NULL ? "/" : "", r->product != NULL ? r->product : "",
                 r->attempts, r->endpoint != NULL ? "  endpoint " : "",
                 r->endpoint != NULL ? r->endpoint : "");
        if (r->reason != NULL) {
            out_text(l->t, "  ");
            gf_text_safe(&l->t->b, r->reason, strlen(r->reason));
        }
        out_text(l->t, "\n");
        return 0;
    }
    gf_text_hex(r->digest.b, sizeof r->digest.b, digest);
    out_open(l->t, NULL, '{');
    command_str(l->t, NULL, "record", id);
    command_str(l->t, NULL, "agent", agent);
    command_str(l->t, NULL, "digest", digest);
    command_str(l->t, NULL, "channel", r->channel);
    command_str(l->t, NULL, "product", r->product);
    command_str(l->t, NULL, "state", ledger_states[r->state]);
    command_int(l->t, NULL, "attempts", r->attempts);
    command_time(l->t, NULL, "received", r->received);
    if (r->state == LEDGER_LATER)
        command_time(l->t, NULL, "due", r->due);
    command_str(l->t, NULL, "endpoint", r->endpoint);
    command_str(l->t, NULL, "reason", r->reason);
    out_close(l->t, '}');
    return 0;
}

/* What is no record of its own, since its id was taken already. */
static int list_conflicts(struct relay *r, struct out *t, struct gf_err *e) {
    char id[GF_UUID_TEXT], agent[GF_ID_TEXT], digest[GF_HASH_TEXT], at[GF_TIME_TEXT];
    struct ledger_conflict *list = NULL;
    size_t n = 0;

    if (ledger_conflicts(r->ledger, &list, &n, e) == -1)
        return -1;
    out_open(t, "conflicts", '[');
    for (size_t i = 0; i < n; i++) {
        gf_text_uuid(&list[i].id, id);
        gf_text_hex(list[i].agent.b, sizeof list[i].agent.b, agent);
        gf_text_hex(list[i].digest.b, sizeof list[i].digest.b, digest);
        gf_text_time(list[i].at, at);
        out_open(t, NULL, '{');
        command_str(t, NULL, "record", id);
        command_str(t, NULL, "agent", agent);
        command_str(t, NULL, "digest", digest);
        command_str(t, NULL, "at", at);
        out_close(t, '}');
        out_text(t,
                 "%s  conflict   agent %.8s...  %s: came again with another body, which was "
                 "rejected; was that agent cloned or restored?\n",
                 id, agent, at);
    }
    out_close(t, ']');
    free(list);
    return 0;
}

static int find_state(const char *word, int *out, struct gf_err *e) {
    *out = -1;
    for (int i = 0; word != NULL && ledger_states[i] != NULL; i++) {
        if (strcmp(word, ledger_states[i]) == 0)
            *out = i;
    }
    if (word != NULL && *out == -1)
        return gf_err_set(
            e, GF_E_USAGE,
            "--state %s: must be received, sending, later, held, onward, delivered, rejected "
            "or expired",
            word);
    return 0;
}

static int list(struct relay *r, const struct options *o, struct gf_err *e) {
    struct listing l = {.channel = options_value(o, "channel")};
    struct out t;
    int state = -1;

    if (find_state(options_value(o, "state"), &state, e) == -1)
        return -1;
    out_begin(&t, o);
    l.t = &t;
    out_open(&t, "records", '[');
    if (ledger_walk(r->ledger, state, list_one, &l, e) == -1) {
        gf_buf_free(&t.b);
        return -1;
    }
    out_close(&t, ']');
    if (l.n == 0)
        out_text(&t, "no records\n");
    if ((state == -1 || state == LEDGER_REJECTED) && l.channel == NULL &&
        list_conflicts(r, &t, e) == -1) {
        gf_buf_free(&t.b);
        return -1;
    }
    return command_end(&t, e);
}

static int release(struct relay *r, const struct options *o, struct gf_err *e) {
    int64_t n = 0;
    struct out t;

    if (options_value(o, "state") != NULL)
        return gf_err_set(e, GF_E_USAGE, "records release takes all records that are held or wait");
    if (ledger_release(r->ledger, options_value(o, "channel"), r->now, &n, e) == -1)
        return -1;
    out_begin(&t, o);
    command_int(&t, NULL, "released", n);
    out_text(&t, "%" PRId64 " record%s%s\n", n, n == 1 ? "" : "s",
             n == 0   ? ": nothing was held or waited"
             : n == 1 ? " that was held or waited is due; the next sync tries it"
                      : " that were held or waited are due; the next sync tries them");
    return command_end(&t, e);
}

/* ---- reject ---- */

struct rejecting {
    struct relay *r;
    const char *channel; /* NULL: any */
    struct gf_id id;
    int one; /* 1: only this id */
    int64_t *rows;
    size_t n, room;
};

static int note_row(void *arg, const struct ledger_record *lr, struct gf_err *e) {
    struct rejecting *x = arg;

    if ((x->channel != NULL && strcmp(x->channel, lr->channel) != 0) ||
        (x->one && memcmp(&x->id, &lr->id, sizeof x->id) != 0))
        return 0;
    if (x->n == x->room) {
        size_t room = x->room > 0 ? 2 * x->room : 64;
        int64_t *more = realloc(x->rows, room * sizeof *more);
        if (more == NULL)
            return gf_err_set(e, GF_E_SYSTEM, "no memory for the records");
        x->rows = more;
        x->room = room;
    }
    x->rows[x->n++] = lr->row;
    return 0;
}

/* One transaction: all of them, or none. */
static int reject_rows(struct rejecting *x, struct gf_err *e) {
    struct ledger *l = x->r->ledger;

    if (ledger_begin(l, e) == -1)
        return -1;
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < x->n; i++)
        rc = ledger_given_up(l, x->rows[i], x->r->now, e);
    return ledger_end(l, rc, e);
}

static int reject(struct relay *r, const struct options *o, struct gf_err *e) {
    const char *id = options_arg(o, 1);
    struct rejecting x = {.r = r, .channel = options_value(o, "channel"), .one = id != NULL};
    struct out t;

    if (options_value(o, "state") != NULL)
        return gf_err_set(e, GF_E_USAGE, "records reject takes records that are held, no others");
    if ((id == NULL) == (x.channel == NULL))
        return gf_err_set(e, GF_E_USAGE,
                          "records reject: give either the ID of a record that is "
                          "held, or --channel CHANNEL for all of a channel");
    if (id != NULL && gf_text_unuuid(id, strlen(id), &x.id) == -1)
        return gf_err_set(e, GF_E_USAGE, "%s: is no record's id", id);
    if (ledger_lock(r->ledger, "records", e) == -1)
        return -1;
    int rc = ledger_walk(r->ledger, LEDGER_HELD, note_row, &x, e);
    if (rc == 0 && x.n == 0)
        rc = gf_err_set(e, GF_E_NOINPUT, "%s: nothing of it is held", id != NULL ? id : x.channel);
    if (rc == 0)
        rc = reject_rows(&x, e);
    ledger_unlock(r->ledger);
    free(x.rows);
    if (rc == -1)
        return -1;
    out_begin(&t, o);
    command_int(&t, NULL, "rejected", (int64_t)x.n);
    out_text(&t, "%zu record%s rejected for good; the next sync tells the site\n", x.n,
             x.n == 1 ? "" : "s");
    return command_end(&t, e);
}

static int work(struct relay *r, const struct options *o, int *status, struct gf_err *e) {
    const char *verb = options_arg(o, 0);

    (void)status;
    if (command_args(o, 1, 2, "list, release, or reject and a record's ID", e) == -1)
        return -1;
    if (strcmp(verb, "reject") == 0)
        return reject(r, o, e);
    if (options_arg(o, 1) != NULL)
        return gf_err_set(e, GF_E_USAGE, "records %s: takes no argument; one too many: %s", verb,
                          options_arg(o, 1));
    if (strcmp(verb, "list") == 0)
        return list(r, o, e);
    if (strcmp(verb, "release") == 0)
        return release(r, o, e);
    return gf_err_set(e, GF_E_USAGE, "records %s: must be list, release or reject", verb);
}

int cmd_records(const char *root, int argc, char **argv) {
    static const struct command c = {
        {COMMAND_PROGRAM " records", "list|release|reject [OPTION]... [ID]",
         "list: every record in the ledger, its state, and why it waits or was rejected. release: "
         "records that are held, or wait for another try, are due at once. reject: a record that "
         "is held, or all of a channel, will never be delivered; the site learns it from a "
         "receipt.",
         specs,
         "Examples:\n  gapferry-relay records list --state held\n"
         "  gapferry-relay records release --channel metrics\n"
         "  gapferry-relay records reject --channel metrics\n"},
        COMMAND_OPEN,
        work};
    return command_run(&c, root, argc, argv);
}
