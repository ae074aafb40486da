/*
 * cmd_records.h -- what the files of `records` share.
 */
#ifndef RELAY_CMD_RECORDS_H
#define RELAY_CMD_RECORDS_H

#include "relay/command.h"
#include "relay/ledger/ledger_operator.h"

/* Which records the command line means, with the memory that a filter borrows. */
struct cmd_records_pick {
    struct ledger_filter f;
    struct gf_id agent, record;
};
/* From the options and the ID at argument 1; GF_E_USAGE, GF_E_NOINPUT (an agent that nobody knows).
 * An ID that records of several agents have needs --agent. */
GF_MUST_CHECK int cmd_records_pick(struct relay *r, const struct options *o,
                                   struct cmd_records_pick *p, struct gf_err *e);

/* release, retry, reject, drop: 1 done, 0 it is none of these, -1. */
GF_MUST_CHECK int cmd_records_change(struct relay *r, const struct options *o, const char *verb,
                                     struct gf_err *e);

#endif
