/*
 * ledger_metrics.h -- what the delivery of metrics asks of the ledger, and tells it.
 */
#ifndef RELAY_LEDGER_METRICS_H
#define RELAY_LEDGER_METRICS_H

#include "relay/ledger/ledger.h"

/* The bundle that brought a record first, and who has sent that: 1; 0 it is forgotten already; -1.
 */
GF_MUST_CHECK int ledger_carried(struct ledger *l, int64_t row, struct gf_id *bundle,
                                 struct gf_hash *sender, struct gf_err *e);

/* As ledger_delivered() for one, of which a part was refused: the reason travels back. */
GF_MUST_CHECK int ledger_delivered_but(struct ledger *l, int64_t row, enum gf_guarantee g,
                                       const char *reason, int64_t now, struct gf_err *e);

/* What a try to send this record has come to, for the next one: the profile's bytes. Nothing (len
 * 0): forget it. Forgotten with the record, too. */
GF_MUST_CHECK int ledger_progress_save(struct ledger *l, int64_t row, const void *data, size_t len,
                                       struct gf_err *e);
/* Append it; nothing where there is none. */
GF_MUST_CHECK int ledger_progress_load(struct ledger *l, int64_t row, struct gf_buf *out,
                                       struct gf_err *e);

#endif
