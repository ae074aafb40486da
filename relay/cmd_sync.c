/*
 * cmd_sync.c -- `sync DIR`: one turn with a drive, and its summary.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/place.h"
#include "relay/awaits.h"
#include "relay/command.h"
#include "relay/summary.h"

static const struct option_spec specs[] = {
    {"wait", 'w', "SPAN", "how long to forward, then to fetch, at most: 90s, 5m; else 60s"},
    {"name-on-card", 0, NULL, "let the card that is put on the drive carry this relay's name"},
    COMMAND_OPTION_JSON,
    COMMAND_OPTION_ROOT,
    COMMAND_OPTION_HELP,
    COMMAND_OPTION_END,
};

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
                      const struct awaits *a) {
    char self[COMMAND_SELF];
    int parts = 0;

    summary_part(o, "waits", &parts, t->later, "record for another try", "records for another try");
    summary_part(o, "waits", &parts, t->held, "record is held until you mend something",
                 "records are held until you mend something");
    summary_part(o, "waits", &parts, t->artifacts, "artifact to be fetched",
                 "artifacts to be fetched");
    summary_end(o, "waits", parts, "nothing");
    if (t->held > 0)
        out_text(o, "%-13swhat is held: %s records list --state held\n", "", relay_self(r, self));
    summary_waits(o, t);
    if (a->untried > 0)
        out_text(o, "%-13s%s; %s goes on\n", "",
                 t->time_over ? "the time (--wait) was over"
                              : "not tried, for the reason given below",
                 a->running ? "`run`" : "the next sync");
}

static void put_text(struct out *o, const struct relay *r, const struct turn *t,
                     const struct awaits *a, const struct place *place, const char *dir) {
    summary_came_in(o, t);
    put_conflicts(o, r, t);
    summary_forwarded(o, t);
    summary_went_out(o, t);
    put_waits(o, r, t, a);
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

static void put_json(struct out *o, const struct relay *r, const struct turn *t,
                     const struct awaits *a, const struct place *place, const char *dir) {
    command_str(o, NULL, "drive", dir);
    summary_numbers(o, t);
    awaits_put(o, r, a);
    summary_waits(o, t);
    out_bool(o, "read_only", t->read_only);
    place_tell(place, dir, t->read_only, o);
    out_bool(o, "safe_to_remove", !t->unsafe);
    summary_people(o, t);
}

static int print(const struct options *options, const struct relay *r, const struct turn *t,
                 const struct awaits *a, const struct place *place, const char *dir,
                 struct gf_err *e) {
    struct out o;

    out_begin(&o, options);
    if (o.json)
        put_json(&o, r, t, a, place, dir);
    else
        put_text(&o, r, t, a, place, dir);
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
    struct awaits a = {0};
    struct place place;
    struct turn t;

    if (command_args(o, 1, 1, "DIR, where the drive is mounted,", e) == -1 ||
        COMMAND_REACH(place_look(dir, r->state, &place, e)) == -1 ||
        summary_wait(options_value(o, "wait"), &wait_s, e) == -1)
        return -1;
    r->name_on_card = options_count(o, "name-on-card") > 0;
    turn_begin(&t);
    t.by_hand = 1;
    int64_t before = 0, now = 0;
    int rc = ledger_conflict_count(r->ledger, &before, e);
    if (rc == 0)
        rc = visit(r, dir, wait_s, &t, e);
    if (rc == 0)
        rc = ledger_conflict_count(r->ledger, &now, e);
    t.conflicts = now - before;
    if (rc == 0)
        rc = awaits_tell(r, &t, &a, e);
    if (rc == 0) {
        *status = (int)turn_exit(&t);
        rc = print(o, r, &t, &a, &place, dir, e);
    }
    awaits_free(&a);
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
