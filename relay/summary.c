/*
 * summary.c -- what a turn, or a part of it, has done: lines for people, numbers for programs.
 */
#include "relay/summary.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WAIT_DEFAULT 60   /* seconds */
#define WAIT_MAX     3600 /* seconds */

int summary_wait(const char *text, int64_t *out, struct gf_err *e) {
    size_t n = text != NULL ? strspn(text, "0123456789") : 0;

    *out = WAIT_DEFAULT;
    if (text == NULL)
        return 0;
    int64_t value = n > 0 && n < 6 ? strtoll(text, NULL, 10) : -1;
    int64_t unit = strcmp(text + n, "") == 0 || strcmp(text + n, "s") == 0 ? 1
                   : strcmp(text + n, "m") == 0                            ? 60
                                                                           : -1;
    if (value < 0 || unit < 0 || value * unit > WAIT_MAX)
        return gf_err_set(e, GF_E_USAGE, "--wait %s: must be a span from 0 to 60m, such as 90s",
                          text);
    *out = value * unit;
    return 0;
}

void summary_part(struct out *o, const char *label, int *parts, int64_t n, const char *one,
                  const char *many) {
    if (n == 0)
        return;
    if ((*parts)++ == 0)
        out_text(o, "%-13s", label);
    else
        out_text(o, ", ");
    out_text(o, "%" PRId64 " %s", n, n == 1 ? one : many);
}

void summary_end(struct out *o, const char *label, int parts, const char *nothing) {
    if (parts == 0)
        out_text(o, "%-13s%s", label, nothing);
    out_text(o, "\n");
}

void summary_came_in(struct out *o, const struct turn *t) {
    int parts = 0;

    summary_part(o, "came in", &parts, t->taken, "bundle", "bundles");
    summary_part(o, "came in", &parts, t->records, "record", "records");
    summary_part(o, "came in", &parts, t->replays, "bundle seen before", "bundles seen before");
    summary_part(o, "came in", &parts, t->strangers, "bundle of an unknown sender",
                 "bundles of unknown senders");
    summary_part(o, "came in", &parts, t->refused, "bundle refused", "bundles refused");
    summary_part(o, "came in", &parts, t->over, "bundle beyond its sender's quota waits",
                 "bundles beyond their senders' quota wait");
    summary_part(o, "came in", &parts, t->cleared, "bundle removed from the drive",
                 "bundles removed from the drive");
    summary_end(o, "came in", parts, "nothing for this relay");
    /* Notes, which ask nobody for anything: that was done when it came first, or never need be. */
    if (t->ended > 0)
        out_text(o,
                 "%-13s%" PRId64 " bundle%s on the drive, refused here before, by agents that were "
                 "revoked or keys that were replaced (gapferry-relay agents --all shows which): "
                 "delete %s there; a revoked site needs a new agent\n",
                 "left alone", t->ended, t->ended == 1 ? "" : "s", t->ended == 1 ? "it" : "them");
    if (t->superseded > 0)
        out_text(o,
                 "%-13s%" PRId64 " bundle%s by keys that have a successor (gapferry-relay agents "
                 "--all): its agent bundles anew what matters; %s on the drive can be deleted\n",
                 "left alone", t->superseded, t->superseded == 1 ? "" : "s",
                 t->superseded == 1 ? "one that lies" : "those that lie");
}

void summary_forwarded(struct out *o, const struct turn *t) {
    int parts = 0;

    summary_part(o, "forwarded", &parts, t->delivered, "record delivered", "records delivered");
    summary_part(o, "forwarded", &parts, t->rejected, "record rejected", "records rejected");
    summary_part(o, "forwarded", &parts, t->expired, "record expired", "records expired");
    summary_part(o, "forwarded", &parts, t->onward, "record given onward", "records given onward");
    if (t->failed > 0) {
        out_text(o, "%s%" PRId64 " tried and failed (",
                 parts > 0 ? ", " : "forwarded    0 delivered, ", t->failed);
        out_safe(o, t->failure);
        out_text(o, ")\n");
        return;
    }
    summary_end(o, "forwarded", parts, "nothing was due");
}

void summary_went_out(struct out *o, const struct turn *t) {
    int parts = 0;

    if (t->read_only) {
        out_text(o, "%-13snothing: the drive cannot be written\n", "went out");
        return;
    }
    summary_part(o, "went out", &parts, t->carried, "response", "responses");
    summary_part(o, "went out", &parts, t->receipts, "new receipt", "new receipts");
    summary_part(o, "went out", &parts, t->withdrawn, "acknowledged response removed",
                 "acknowledged responses removed");
    summary_end(o, "went out", parts, "nothing is due");
    if (t->replaced > 0)
        out_text(o,
                 "%-13s%" PRId64 " response%s on the drive %s damaged, and written anew; if "
                 "this comes again, take another drive\n",
                 "replaced", t->replaced, t->replaced == 1 ? "" : "s",
                 t->replaced == 1 ? "was" : "were");
}

static void put_lines(struct out *o, const struct gf_buf *lines, const char *label) {
    const char *at = lines->data != NULL ? lines->data : "";
    char line[TURN_LINE];

    while (turn_line(&at, line))
        command_str(o, label, NULL, line);
}

void summary_people(struct out *o, const struct turn *t) {
    out_open(o, "needs_a_person", '[');
    put_lines(o, &t->people, "needs you");
    out_close(o, ']');
}

void summary_waits(struct out *o, const struct turn *t) {
    out_open(o, "waits", '[');
    put_lines(o, &t->waits, "");
    out_close(o, ']');
}

void summary_numbers(struct out *o, const struct turn *t) {
    const struct {
        const char *name;
        int64_t n;
    } numbers[] = {
        {"bundles", t->taken},
        {"records", t->records},
        {"seen_before", t->replays},
        {"strangers", t->strangers},
        {"refused", t->refused},
        {"ended", t->ended},
        {"superseded", t->superseded},
        {"over_quota", t->over},
        {"not_ours", t->not_ours},
        {"conflicts", t->conflicts},
        {"failed", t->failed},
        {"delivered", t->delivered},
        {"rejected", t->rejected},
        {"expired", t->expired},
        {"onward", t->onward},
        {"later", t->later},
        {"held", t->held},
        {"new_responses", t->responses},
        {"new_receipts", t->receipts},
        {"cleared", t->cleared},
        {"carried", t->carried},
        {"replaced", t->replaced},
        {"withdrawn", t->withdrawn},
        {"artifacts", t->artifacts},
        {"exit", (int64_t)turn_exit(t)},
    };

    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        command_int(o, NULL, numbers[i].name, numbers[i].n);
}
