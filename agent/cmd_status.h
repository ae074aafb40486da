/*
 * cmd_status.h -- between the files of `status`.
 */
#ifndef AGENT_CMD_STATUS_H
#define AGENT_CMD_STATUS_H

#include "agent/command.h"

/* What the network means for the next step. */
struct cmd_status_reach {
    int online;    /* 1: gapferry-link is at work, and a relay within reach */
    int person;    /* 1: it waits for a person: the line "network" says for what */
    int64_t inbox; /* responses that it has fetched and nobody has applied */
};
/* What gapferry-link has found out, for each relay; its files are only words to us. */
GF_MUST_CHECK int cmd_status_network(struct agent *a, struct out *t, struct cmd_status_reach *out,
                                     struct gf_err *e);

/* What decides about the next step; records and bundles are numbers. */
struct cmd_status_next {
    int relay; /* 1: one is trusted */
    int64_t queued, exported, relayed;
    int64_t held;      /* of queued: they leave only once their relay is online (airgap) */
    int64_t unwritten; /* bundles that no drive, and no relay by HTTPS, has seen yet */
    struct cmd_status_reach network;
    int older;            /* 1: the database is older than what is known of it, or may be */
    const char *unusable; /* channel of the last answer that cannot be used; "": none */
    const char *rejected; /* channel of the last record rejected of late; "": none */
};

/* What went wrong of itself, and when the relay expects a bundle; in text only what there is. */
GF_MUST_CHECK int cmd_status_health(struct agent *a, struct out *t, struct gf_err *e);

/* Records that were rejected and answers that cannot be used: for each of the last reasons a line
 * with the newest record and how many before it. unusable, rejected: what struct cmd_status_next
 * says, as it was where there is none. */
GF_MUST_CHECK int cmd_status_trouble(struct agent *a, struct out *t, char unusable[GF_WORD_MAX + 1],
                                     char rejected[GF_WORD_MAX + 1], struct gf_err *e);

/* The line "next", and its member in JSON. */
void cmd_status_next(const struct agent *a, const struct cmd_status_next *n, struct out *t);

#endif
