/*
 * cmd_sync.c -- `sync DIR`: one turn with a drive, and its summary.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/place.h"
#include "relay/command.h"
#include "relay/ledger/ledger_updates.h"
#include "relay/summary.h"

static const struct option_spec specs[] = {
    {"wait", 'w', "SPAN", "how long to forward, then to fetch, at most: 90s, 5m; else 60s"},
    {"name-on-card", 0, NULL, "let the card that is put on the drive carry this relay's name"},
    COMMAND_OPTION_JSON,
    COMMAND_OPTION_ROOT,
    COMMAND_OPTION_HELP,
    COMMAND_OPTION_END,
};

/* Why the record waits that came first of those that wait for another try. */
struct oldest {
    int found;
    int64_t asked; /* until when its endpoint asked to be left alone; 0: it did not */
    char reason[GF_REASON_MAX + 1];
};

static int see_oldest(void *arg, const struct ledger_record *r, struct gf_err *e) {
    struct oldest *first = arg;

    (void)e;
    first->found = 1;
    first->asked = r->asked;
    (void)snprintf(first->reason, sizeof first->reason, "%s", r->reason != NULL ? r->reason : "");
    return 1;
}

/* What still waits, in all and not only from this visit. */
static int count_waiting(struct relay *r, struct turn *t, int64_t *untried, struct oldest *oldest,
                         struct gf_err *e) {
    struct ledger_count *counts = NULL;
    size_t n = 0;

    if (ledger_walk(r->ledger, LEDGER_LATER, see_oldest, oldest, e) == -1 ||
        ledger_artifacts_awaited(r->ledger, &t->artifacts, e) == -1 ||
        ledger_counts(r->ledger, &counts, &n, e) == -1)
        return -1;
    if (oldest->asked <= r->now)
        oldest->asked = 0;
    t->later = t->held = *untried = 0;
    for (size_t i = 0; i < n; i++) {
        t->later += counts[i].n[LEDGER_LATER];
        t->held += counts[i].n[LEDGER_HELD];
        *untried += counts[i].n[LEDGER_RECEIVED] + counts[i].n[LEDGER_SENDING];
    }
    t->later += *untried;
    free(counts);
    return 0;
}

/* ---- for people ---- */

/* A record with the id of another is rejected, and its site will wonder why. */
static void put_conflicts(struct out *o, const struct relay *r, const struct turn *t) {
    char self[COMMAND_SELF];

    if (t->conflicts == 0)
        return;
    out_text(o,
             "%-13s%" PRId64 " record%s came again with another body, and %s rejected; which: %s "
             "records list. Ask that site whether its agent was cloned, or put back from a backup "
             "without gapferry-agent restore; what is still wanted is recorded there anew\n",
             "conflicts", t->conflicts, t->conflicts == 1 ? "" : "s",
             t->conflicts == 1 ? "was" : "were", relay_self(r, self));
}

static void put_waits(struct out *o, const struct relay *r, const struct turn *t,
                      const struct oldest *oldest) {
    char self[COMMAND_SELF];
    char until[GF_TIME_TEXT];
    int parts = 0;

    summary_part(o, "waits", &parts, t->later, "record for another try", "records for another try");
    summary_part(o, "waits", &parts, t->held, "record is held until you mend something",
                 "records are held until you mend something");
    summary_part(o, "waits", &parts, t->artifacts, "artifact to be fetched",
                 "artifacts to be fetched");
    summary_end(o, "waits", parts, "nothing");
    if (t->held > 0)
        out_text(o, "%-13swhat is held: %s records list --state held\n", "", relay_self(r, self));
    if (oldest->found) {
        out_text(o, "%-13sthe oldest: ", "");
        gf_text_safe(&o->b, oldest->reason, strlen(oldest->reason));
        gf_text_time(oldest->asked, until);
        if (oldest->asked > 0)
            out_text(o, "; its endpoint asks to be left alone until %s\n", until);
        else
            out_text(o, "; the next sync tries again\n");
    } else if (t->later > 0) {
        out_text(o, "%-13s%s; the next sync goes on\n", "",
                 t->time_over ? "the time (--wait) was over"
                              : "not tried, for the reason given below");
    }
}

static void put_text(struct out *o, const struct relay *r, const struct turn *t,
                     const struct oldest *oldest, const struct place *place, const char *dir) {
    summary_came_in(o, t);
    put_conflicts(o, r, t);
    summary_forwarded(o, t);
    summary_went_out(o, t);
    put_waits(o, r, t, oldest);
    summary_people(o, t);
    if (config_name(r->config, "endpoint", 0) == NULL)
        out_text(o,
                 "note: there is no [endpoint \"NAME\"] in %s, so every record that arrives is "
                 "held\n",
                 r->config_path);
    place_tell(place, dir, t->read_only, o);
    if (t->unsafe) {
        out_text(o, "NOT safe: not all could be flushed to the drive; run this again, or take "
                    "another drive\n");
        return;
    }
    out_text(o, "safe to remove: ");
    gf_text_safe(&o->b, dir, strlen(dir));
    out_text(o, "\n");
}

/* ---- for programs ---- */

static void put_json(struct out *o, const struct turn *t, const struct oldest *oldest,
                     const struct place *place, const char *dir) {
    command_str(o, NULL, "drive", dir);
    summary_numbers(o, t);
    command_str(o, NULL, "later_reason", oldest->found ? oldest->reason : NULL);
    if (oldest->asked > 0)
        command_time(o, NULL, "later_until", oldest->asked);
    else
        command_str(o, NULL, "later_until", NULL);
    out_bool(o, "read_only", t->read_only);
    place_tell(place, dir, t->read_only, o);
    out_bool(o, "safe_to_remove", !t->unsafe);
    summary_people(o, t);
}

static int print(const struct options *options, const struct relay *r, const struct turn *t,
                 const struct oldest *oldest, const struct place *place, const char *dir,
                 struct gf_err *e) {
    struct out o;

    out_begin(&o, options);
    if (o.json)
        put_json(&o, t, oldest, place, dir);
    else
        put_text(&o, r, t, oldest, place, dir);
    return command_end(&o, e);
}

/* ---- the command ---- */

static int visit(struct relay *r, const char *dir, int64_t wait_s, struct turn *t,
                 struct gf_err *e) {
    struct gf_drive *d = NULL;

    if (ledger_lock(r->ledger, "sync", e) == -1)
        return -1;
    int rc = COMMAND_REACH(gf_drive_open(dir, 1, &d, e));
    if (rc == 0)
        rc = relay_turn(r, d, wait_s, t, e);
    gf_drive_close(d);
    ledger_unlock(r->ledger);
    return rc;
}

static int work(struct relay *r, const struct options *o, int *status, struct gf_err *e) {
    const char *dir = options_arg(o, 0);
    int64_t wait_s = 0;
    struct oldest oldest = {0};
    int64_t untried = 0;
    struct place place;
    struct turn t;

    if (command_args(o, 1, 1, "DIR, where the drive is mounted,", e) == -1 ||
        COMMAND_REACH(place_look(dir, r->state, &place, e)) == -1 ||
        summary_wait(options_value(o, "wait"), &wait_s, e) == -1)
        return -1;
    r->name_on_card = options_count(o, "name-on-card") > 0;
    turn_begin(&t);
    int64_t before = 0, now = 0;
    int rc = ledger_conflict_count(r->ledger, &before, e);
    if (rc == 0)
        rc = visit(r, dir, wait_s, &t, e);
    if (rc == 0)
        rc = ledger_conflict_count(r->ledger, &now, e);
    t.conflicts = now - before;
    if (rc == 0)
        rc = count_waiting(r, &t, &untried, &oldest, e);
    if (rc == 0) {
        *status = (int)turn_exit(&t);
        rc = print(o, r, &t, &oldest, &place, dir, e);
    }
    turn_free(&t);
    return rc;
}

int cmd_sync(const char *root, int argc, char **argv) {
    static const struct command c = {
        {COMMAND_PROGRAM " sync", "[OPTION]... DIR",
         "Visit a drive: take in the requests that are for this relay, forward their records, and "
         "write the responses. DIR is where the drive is mounted, or any directory that is "
         "carried. What belongs to others is left alone.",
         specs, "Run the same on the other side: gapferry-agent sync DIR\n"},
        COMMAND_OPEN,
        work};
    return command_run(&c, root, argc, argv);
}
