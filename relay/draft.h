/*
 * draft.h -- what one response will say, collected before its bundle is written.
 */
#ifndef RELAY_DRAFT_H
#define RELAY_DRAFT_H

#include "gapferry/bundle.h"
#include "relay/ledger/ledger_updates.h"
#include "relay/relay.h"

/* Answers' bodies that are too long for a line, at most this many in one response. */
#define DRAFT_FILES_MAX 64

/* Bytes of a response, [relay] response_max: what is wished if nothing is said, and what may be. */
#define DRAFT_SIZE         (256LL << 20)
#define DRAFT_SIZE_LEAST   (1LL << 20)
#define DRAFT_SIZE_MOST    (1LL << 30)
#define DRAFT_SIZE_DEFAULT "256M"

/* Parts of artifacts in one response: their list must fit into contents.json. */
#define DRAFT_PARTS_MAX 1024

#define DRAFT_LINES 4 /* members of lines */

/* A part of an artifact; its bytes are read when the response is written. */
struct draft_part {
    char name[UPDATE_NAME_MAX + 1];
    struct ledger_part part;
};

struct draft {
    const struct relay *r;      /* borrowed */
    int dir;                    /* where its unnamed files are; borrowed */
    int64_t size_max;           /* bytes of plaintext after which the rest waits for the next one */
    int lines[DRAFT_LINES];     /* receipts, answers, refusals, notices: unnamed files */
    int files[DRAFT_FILES_MAX]; /* bodies: unnamed files */
    char names[DRAFT_FILES_MAX][GF_MEMBER_NAME_MAX + 1];
    size_t nfiles;
    int64_t size; /* bytes so far */
    int full;     /* 1: there is more than fits */
    struct ledger_told *told;
    size_t ntold;
    int64_t receipts;
    struct draft_part *parts; /* those that `told` speaks of, in its order */
    size_t nparts;
    int64_t gone; /* draft_write() has failed: this artifact's file is not what it was. 0: none */
};

/* Bytes of plaintext in a response of size_max bytes, and of the parts that artifacts are cut into
 * for it: the rest is what frames, encryption and headers take. */
int64_t draft_room(int64_t size_max);

/* A draft for responses of size_max bytes. Free with draft_free(). */
void draft_begin(struct draft *d, const struct relay *r, int dir, int64_t size_max);

/* Collect an agent's news. Empty (ntold 0) where there are none. */
GF_MUST_CHECK int draft_collect(struct draft *d, const struct gf_id *agent, struct gf_err *e);
/* The same for parts of artifacts; a draft holds one or the other. */
GF_MUST_CHECK int draft_collect_parts(struct draft *d, const struct gf_id *agent, struct gf_err *e);

/* Write its members to a bundle. */
GF_MUST_CHECK int draft_write(struct draft *d, struct gf_writer *w, struct gf_err *e);
void draft_free(struct draft *d);

#endif
