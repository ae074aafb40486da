/*
 * cmd_status.h -- between the files of `status`.
 */
#ifndef AGENT_CMD_STATUS_H
#define AGENT_CMD_STATUS_H

#include "agent/command.h"

/* What decides about the next step; records and bundles are numbers. */
struct cmd_status_next {
    int relay; /* 1: one is trusted */
    int64_t queued, exported, relayed;
    int64_t unwritten;    /* bundles that no drive has seen yet */
    int64_t unusable;     /* answers */
    const char *rejected; /* channel of the last record rejected of late; "": none */
};

/* The line "next", and its member in JSON. */
void cmd_status_next(const struct agent *a, const struct cmd_status_next *n, struct out *t);

#endif
