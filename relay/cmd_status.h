/*
 * cmd_status.h -- what the files of `status` share.
 */
#ifndef RELAY_CMD_STATUS_H
#define RELAY_CMD_STATUS_H

#include "relay/agents.h"
#include "relay/awaits.h"
#include "relay/command.h"
#include "relay/strangers.h"

/* What there is to do, gathered on the way. */
struct cmd_status_next {
    struct agents_list roll;
    struct strangers pending;
    struct awaits waits;
    size_t agents, approved; /* enrolled; let in before they came */
    size_t strangers;
    char stranger[GF_FINGERPRINT_TEXT]; /* whom to approve; the word FINGERPRINT for several */
    int64_t forked;
    int64_t refused; /* bundles in quarantine */
    size_t over;     /* senders beyond their quota; the first of them: */
    char sender[GF_FINGERPRINT_TEXT];
    size_t responses;
};

/* ---- cmd_status_people.c: of the roll ---- */

GF_MUST_CHECK int cmd_status_people(struct relay *r, struct out *t, struct cmd_status_next *next,
                                    struct gf_err *e);

/* ---- cmd_status_files.c ---- */

GF_MUST_CHECK int cmd_status_files(struct relay *r, struct out *t, struct cmd_status_next *next,
                                   struct gf_err *e);

/* ---- cmd_status_next.c ---- */

/* The line "next": one sentence, and the command. */
void cmd_status_next(const struct relay *r, const struct cmd_status_next *n, struct out *t);

#endif
