/*
 * cmd_status.h -- what the files of `status` share.
 */
#ifndef RELAY_CMD_STATUS_H
#define RELAY_CMD_STATUS_H

#include "relay/command.h"

/* What there is to do, gathered on the way. */
struct cmd_status_next {
    size_t agents, approved; /* enrolled; let in before they came */
    size_t strangers;
    int64_t forked;
    int64_t held, waiting; /* records that wait for a person; for a later try */
    int64_t refused;       /* bundles in quarantine */
    size_t over;           /* senders beyond their quota; the first of them: */
    char sender[GF_FINGERPRINT_TEXT];
    int64_t artifacts;
    size_t responses;
};

/* The line "next": one sentence, and the command. */
void cmd_status_next(const struct relay *r, const struct cmd_status_next *n, struct out *t);

#endif
