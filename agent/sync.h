/*
 * sync.h -- one visit of a drive: take in what is for this agent, then write what is due.
 */
#ifndef AGENT_SYNC_H
#define AGENT_SYNC_H

#include "agent/agent.h"
#include "gapferry/drive.h"

struct sync_options {
    const char *dir;  /* the drive */
    int name_on_card; /* our card carries our name */
};

struct sync_result {
    /* came in */
    int64_t responses; /* applied */
    int64_t seen;      /* had been applied before */
    struct apply_result in;
    /* went out */
    int64_t written;  /* bundles */
    int64_t there;    /* lay on the drive already, byte for byte */
    int64_t records;  /* in both */
    int64_t told;     /* of `written`: those that carry no record, and say what has come */
    int64_t replaced; /* of `written`: a file of our bundle's name lay there that was not it */
    int64_t removed;  /* from the drive, for the other side has told us that it has them */
    int64_t cut;      /* bundles that could not be written */
    int read_only;    /* the drive: nothing was written or removed */
    /* waits */
    int64_t queued;
    int64_t exported; /* records without receipt */
    int64_t relayed;  /* received by the relay, not delivered yet */
    int64_t answers;  /* records without their answer */
    /* needs a person, and what one may like to hear: one line each, ended by LF; safe to print */
    struct gf_buf people, notes;
    int safe; /* 1: all that was written is flushed; the drive can be pulled out */
    enum gf_exit status;
};

/* Take in, export, write. -1 only where nothing could be begun (the lock, the drive); all else is
 * in out->people and out->status. Free with sync_free(). */
GF_MUST_CHECK int sync_drive(struct agent *a, const struct sync_options *o, struct sync_result *out,
                             struct gf_err *e);
void sync_free(struct sync_result *r);

/* ---- between sync.c and its parts ---- */

struct sync {
    struct agent *a;
    const struct sync_options *o;
    struct gf_drive *drive;
    struct gf_card *cards; /* that lay on it in the beginning */
    size_t ncards;
    int relays_shown; /* of these, that could be trusted */
    struct sync_result r;
};

/* Note what failed and needs a person: "WHERE: text (code)". where NULL: the text says it. */
void sync_trouble(struct sync *x, const char *where, const struct gf_err *e);

/* The same for failures of the drive itself: what was written may not be there. */
void sync_drive_trouble(struct sync *x, const char *where, const struct gf_err *e);

/* Cards both ways (sync_cards.c): put ours, show those of relays while we trust none. */
void sync_cards(struct sync *x);

/* Successors of the relays that are trusted, of which a response or a card on the drive tells
 * (sync_cards.c). */
void sync_successors(struct sync *x);

/* Responses in, and successors once all that the keys before have signed is in (sync_in.c). */
void sync_in(struct sync *x);

/* Requests out (sync_out.c). */
void sync_out(struct sync *x);

#endif
