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

/* Whether a record that waits or is held is tried again by itself and when, and what the operator
 * does about it: one line. 1; 0: in its state nothing is to be said. */
#define CMD_RECORDS_ADVICE (COMMAND_SELF + 512)
GF_MUST_CHECK int cmd_records_advice(const struct relay *r, const struct ledger_record *x,
                                     char out[CMD_RECORDS_ADVICE]);

#endif
