/*
 * cmd_sync.c -- `gapferry-agent sync DIR`: the command line of sync.c, and its summary.
 */
#include <stdio.h>
#include <string.h>

#include "agent/command.h"
#include "agent/drives.h"
#include "agent/sync.h"
#include "common/place.h"

static const struct option_spec specs[] = {
    {"name-on-card", 0, NULL, "put this agent's name on the card that is left on the drive"},
    COMMAND_OPTION_ROOT,
    COMMAND_OPTION_JSON,
    COMMAND_OPTION_HELP,
    COMMAND_OPTION_END,
};

static const struct option_page page = {
    COMMAND_PROGRAM " sync",
    "[OPTION]... DIR",
    "Visit a drive: take in the responses that are for this agent, then write what is due. DIR is "
    "where the drive is mounted, or any directory that is carried. What belongs to others is left "
    "alone.",
    specs,
    "Run the same on the other side: gapferry-relay sync DIR\n",
};

/* One number of the summary: its name in JSON, and its words. */
struct item {
    const char *name;
    int64_t n;
    const char *one, *many;
};

/* One line "LABEL  3 THESE, 1 THAT"; zeros are left out, `nothing` is said if all are zero. */
static void put(struct out *t, const char *name, const char *label, const struct item *items,
                const char *nothing) {
    int parts = 0;

    out_open(t, name, '{');
    out_text(t, "%-11s", label);
    for (; items->name; items++) {
        out_int(t, items->name, items->n);
        if (items->n != 0)
            out_text(t, "%s%lld %s", parts++ ? ", " : "", (long long)items->n,
                     items->n == 1 ? items->one : items->many);
    }
    out_close(t, '}');
    out_text(t, "%s\n", parts ? "" : nothing);
}

static void put_in(struct out *t, const struct sync_result *r) {
    const struct item items[] = {
        {"responses", r->responses, "response", "responses"},
        {"delivered", r->in.delivered, "record delivered", "records delivered"},
        {"relayed", r->in.relayed, "record relayed", "records relayed"},
        {"rejected", r->in.rejected, "record rejected", "records rejected"},
        {"expired", r->in.expired, "record expired", "records expired"},
        {"answers", r->in.answers, "answer applied", "answers applied"},
        {"answers_unusable", r->in.unusable, "answer unusable", "answers unusable"},
        {"refusals", r->in.refusals, "bundle refused", "bundles refused"},
        {"notices", r->in.notices, "notice", "notices"},
        {"denied_receipts", r->in.denied, "receipt of a deleted record",
         "receipts of deleted records"},
        {"odd_receipts", r->in.odd, "receipt that fits nothing", "receipts that fit nothing"},
        {"seen_before", r->seen, "response seen before", "responses seen before"},
        {NULL, 0, NULL, NULL},
    };

    put(t, "came_in", "came in", items, "nothing for this agent");
}

static void put_out(struct out *t, const struct sync_result *r) {
    const int one = r->written == 1;
    const struct item items[] = {
        {"written", r->written, "request written", "requests written"},
        {"there_already", r->there, "request there already", "requests there already"},
        {"records", r->records, one ? "record in it" : "record in them",
         one ? "records in it" : "records in them"},
        {"acknowledgements", r->told, "without records: it only says what has come",
         "without records: they only say what has come"},
        {"removed", r->removed, "settled request removed", "settled requests removed"},
        {"not_written", r->cut, "request not written", "requests not written"},
        {NULL, 0, NULL, NULL},
    };

    put(t, "went_out", "went out", items, "nothing is due");
    out_int(t, "replaced", r->replaced);
    if (r->replaced > 0)
        out_text(t,
                 "%-11s%lld request%s on the drive %s damaged, and written anew; if this comes "
                 "again, take another drive\n",
                 "replaced", (long long)r->replaced, r->replaced == 1 ? "" : "s",
                 r->replaced == 1 ? "was" : "were");
    if (r->read_only)
        out_text(t,
                 "%-11sthe drive cannot be written: nothing was written or removed. Look for a "
                 "write-protect switch, or mount it for writing (mount -o remount,rw), and run "
                 "this again\n",
                 "");
}

static void put_waits(struct out *t, const struct sync_result *r) {
    const struct item items[] = {
        {"queued", r->queued, "record in the queue", "records in the queue"},
        {"for_receipt", r->exported, "record for its receipt", "records for their receipts"},
        {"at_relay", r->relayed, "record at the relay", "records at the relay"},
        {"for_answer", r->answers, "record for its answer", "records for their answers"},
        {NULL, 0, NULL, NULL},
    };

    put(t, "waits", "waits", items, "nothing");
}

/* A line each of what is told; they were made safe to print already. */
static void put_lines(struct out *t, const char *name, const char *label, struct gf_buf *lines) {
    char *at = lines->data;

    out_open(t, name, '[');
    while (at && *at) {
        char *end = at + strcspn(at, "\n");
        char *next = *end ? end + 1 : end;

        *end = '\0';
        out_str(t, NULL, at);
        out_text(t, "%-11s%s\n", label, at);
        at = next;
    }
    out_close(t, ']');
}

static int print(const struct options *o, struct sync_result *r, const struct place *place,
                 const char *dir, struct gf_err *e) {
    struct out t;

    out_begin(&t, o);
    out_str(&t, "drive", dir);
    put_in(&t, r);
    put_out(&t, r);
    put_waits(&t, r);
    put_lines(&t, "notes", "note", &r->notes);
    put_lines(&t, "needs_a_person", "needs you", &r->people);
    out_bool(&t, "read_only", r->read_only);
    out_bool(&t, "safe_to_remove", r->safe);
    out_int(&t, "exit", (int64_t)r->status);
    place_tell(place, dir, r->read_only, &t);
    if (r->safe) {
        out_text(&t, "safe to remove: ");
        out_safe(&t, dir);
        out_text(&t, "\n");
    } else {
        out_text(&t, "NOT safe: not all could be flushed to the drive; run this again, or take "
                     "another drive\n");
    }
    return out_end(&t, e);
}

static int work(const char *root, const struct options *o, int *status, struct gf_err *e) {
    struct sync_options s = {.dir = options_arg(o, 0),
                             .name_on_card = options_count(o, "name-on-card") > 0};
    struct sync_result r;
    struct place place;
    struct agent a;

    if (command_args(o, 1, 1, "DIR, where the drive is,", e) == -1 || agent_open(&a, root, e) == -1)
        return -1;
    int rc = COMMAND_REACH(place_look(s.dir, a.state, &place, e));
    if (rc == 0)
        rc = sync_drive(&a, &s, &r, e);
    if (rc == 0 && drives_note(&a, s.dir, e) == -1) {
        sync_free(&r);
        rc = -1;
    }
    if (rc == 0) {
        *status = (int)r.status;
        rc = print(o, &r, &place, s.dir, e);
        sync_free(&r);
    }
    agent_close(&a);
    return rc;
}

int cmd_sync(const char *root, int argc, char **argv) {
    return command_run(&page, root, argc, argv, work);
}
