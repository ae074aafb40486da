/*
 * look.h -- what a bundle contains that a courier has uploaded, before anybody confirms it: facts,
 * never bodies. A process of its own does this, for it takes long, and needs the keys.
 */
#ifndef RELAY_PAGE_LOOK_H
#define RELAY_PAGE_LOOK_H

#include "relay/relay.h"

/*
 * The facts of a bundle, one JSON object, as ledger_brought.facts has them:
 *
 *   state        "ready"; "refused": why; "stranger": its sender is not enrolled, and nothing that
 *                it says is verified
 *   why          text or null
 *   told         true: confirm a refused one, and its sender is told why
 *   seen         true: it was taken before; to confirm it again does no harm
 *   id, created, expires   of the header, or null
 *   records, files         how many
 *   channels     [{"channel", "records"}], LOOK_CHANNELS_MAX at most, the rest as ""
 */
#define LOOK_FACTS_MAX    32768
#define LOOK_CHANNELS_MAX 64
#define LOOK_FOLDER       "brought"

/* Look into every bundle that nobody has looked into; what its file lacks is removed. */
GF_MUST_CHECK int look_turn(struct relay *r, struct gf_err *e);

/* "brought/ROW.gfb". */
#define LOOK_PATH 64
void look_path(int64_t row, char out[LOOK_PATH]);

/* A member of an object that has one already: `,"NAME":`, and text made safe, or null for none; a
 * time, or null for 0. */
void look_put_text(struct gf_buf *b, const char *name, const char *text);
void look_put_time(struct gf_buf *b, const char *name, int64_t t);

#endif
