/*
 * cmd_status_next.c -- what to do next: one sentence and the command.
 */
#include "agent/cmd_status.h"

#include <stdio.h>
#include <string.h>

void cmd_status_next(const struct agent *a, const struct cmd_status_next *n, struct out *t) {
    char self[COMMAND_SELF], next[COMMAND_SELF + 320], again[GF_WORD_MAX + 32];
    const char *what = "", *command = "", *after = "";
    const int64_t due = n->queued - n->held;

    (void)command_self(a, self);
    if (n->older) {
        what = "the database was put back, or nobody can tell, and nothing leaves before this: ";
        command = " restore";
    } else if (n->network.inbox) {
        what = "apply what gapferry-link has fetched (`run` does it by itself): ";
        command = " import";
    } else if (n->network.person) {
        what = "the relay waits for a person, see \"network\" above; then look again: ";
        command = " status";
    } else if (n->network.online && n->queued) {
        what = "nothing: `run` bundles it within export_interval, gapferry-link carries it; to "
               "bundle it now: ";
        command = " export";
    } else if (n->network.online && (n->exported || n->relayed || n->unwritten)) {
        what = "nothing: gapferry-link carries it; where `run` is not at work: ";
        command = " run --once";
    } else if (!n->relay && (n->queued || n->exported == 0)) {
        what = "trust the relay: ";
        command = " trust CARD";
        after = " (the relay's own sync leaves it on the drive, in GAPFERRY/cards/)";
    } else if (due || n->unwritten) {
        what = "write it to a drive: ";
        command = " sync DRIVE";
    } else if (n->exported) {
        what = "carry the drive to the relay, and when it is back: ";
        command = " sync DRIVE";
    } else if (*n->unusable) {
        what = "see why an answer cannot be used: ";
        command = strcmp(n->unusable, "updates") == 0 ? " updates list" : " license status";
    } else if (n->relayed) {
        what = "one more trip, since the relay has not said yet what became of everything: ";
        command = " sync DRIVE";
    } else if (strcmp(n->rejected, "license") == 0) {
        what = "do what the reason of the rejection says, then ask anew: ";
        command = " license request";
    } else if (*n->rejected) {
        (void)snprintf(again, sizeof again, " record %s FILE", n->rejected);
        what = "what was rejected is not sent again: see its reason; what is worth it is recorded "
               "anew: ";
        command = again;
    }
    if (*command)
        (void)snprintf(next, sizeof next, "%s%s%s%s", what, self, command, after);
    else
        (void)snprintf(next, sizeof next, "%s",
                       n->held ? "nothing: what waits does not go by drive (airgap), and its relay "
                                 "is not online"
                               : "nothing is due");
    out_str(t, "next", next);
    out_text(t, "next       ");
    out_safe(t, next);
    out_text(t, "\n");
}
