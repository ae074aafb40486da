/*
 * draft.h -- what one response will say, collected before its bundle is written.
 */
#ifndef RELAY_DRAFT_H
#define RELAY_DRAFT_H

#include "gapferry/bundle.h"
#include "relay/relay.h"

/* Answers' bodies that are too long for a line, at most this many in one response. */
#define DRAFT_FILES_MAX 64

/* Bytes of plaintext after which the rest waits for the next response. */
#define DRAFT_SIZE_MAX (256LL << 20)

struct draft {
    int dir;                    /* where its unnamed files are; borrowed */
    int lines[3];               /* receipts, answers, refusals: unnamed files */
    int files[DRAFT_FILES_MAX]; /* bodies: unnamed files */
    char names[DRAFT_FILES_MAX][GF_MEMBER_NAME_MAX + 1];
    size_t nfiles;
    int64_t size; /* bytes so far */
    int full;     /* 1: there is more than fits */
    struct ledger_told *told;
    size_t ntold;
    int64_t receipts;
};

/* Collect an agent's news. Empty (ntold 0) where there are none. Free with draft_free(), also on
 * failure. */
GF_MUST_CHECK int draft_collect(struct ledger *l, const struct gf_id *agent, int dir,
                                struct draft *out, struct gf_err *e);

/* Write its members to a bundle. */
GF_MUST_CHECK int draft_write(const struct draft *d, struct gf_writer *w, struct gf_err *e);
void draft_free(struct draft *d);

#endif
