/*
 * history.h -- the site's own account of what left, what came and what was decided (promise P7): a
 * chain of lines in the store, and the bundles themselves.
 *
 *   STATE/history/ID.gfb   bundles that left and are settled, kept for HISTORY_DAYS or until they
 *                          take more than `history_max` bytes
 *   STATE/history.head     "NUMBER HASH" LF: the newest line of the chain, outside the database
 *
 * A line is one JSON object: "at", "event", "user", and what the event has to say:
 *
 *   init     the agent was made
 *   left     bundle, digest (of its header), to (identity), records, courier ("drive" or "https"),
 *            place (where the drive was mounted)
 *   came     bundle, digest, from, items
 *   consent  channel, decision, deleted
 *   trusted  role, fingerprint, by: a card; vendor, duties, key: a vendor's key (trusted.h)
 *   relay-forked  fingerprint, replaces: a second successor of a relay's key
 *   trust-ended   role, fingerprint: a card that a person trusts no more
 *   pruned   bundle: its file is not kept any longer
 *   ...      others as their owners say
 */
#ifndef AGENT_HISTORY_H
#define AGENT_HISTORY_H

#include "agent/agent.h"

#define HISTORY_FOLDER "history"
#define HISTORY_DAYS   400
#define HISTORY_MAX    (1LL << 30) /* bytes of bundles that are kept, unless configured otherwise */

/* A line being written: begin, add members, end. Names are plain words of ours. */
struct history_line {
    struct gf_buf b;
    int64_t at;
};
void history_begin(struct history_line *h, const struct agent *a, const char *event);
void history_text(struct history_line *h, const char *name, const char *value); /* foreign, UTF-8 */
void history_number(struct history_line *h, const char *name, int64_t value);
void history_id(struct history_line *h, const char *name, const struct gf_id *id);
void history_hash(struct history_line *h, const char *name, const struct gf_hash *hash);
/* Append the line to the chain, and release it; within or without store_begin(). */
GF_MUST_CHECK int history_end(struct history_line *h, struct agent *a, struct gf_err *e);

/* For `init`: the line "init" into a chain that has none, and its head. A head that lies there then
 * is of another chain, and kept as history.head.before-init-STAMP. */
GF_MUST_CHECK int history_start(struct agent *a, struct gf_err *e);

/* Write STATE/history.head if the chain has grown since; best done at the end of a command. A
 * crash before it costs nothing: the head is then older than the chain, and still fits. A head that
 * the chain does not fit, or that is none, is left as it is, and one that is gone is not made anew:
 * `restore` does, by history_seal_first(). */
GF_MUST_CHECK int history_seal(struct agent *a, struct gf_err *e);
/* The same, and where there is no head it is made. */
GF_MUST_CHECK int history_seal_first(struct agent *a, struct gf_err *e);

/* GF_E_DAMAGED if the database is older than STATE/history.head (it was put back from a backup, or
 * lost its end), or the head of its chain is missing. The remedy is `gapferry-agent restore`. */
GF_MUST_CHECK int history_check_head(struct agent *a, struct gf_err *e);

/* What a verification found. */
struct history_verdict {
    int64_t lines;
    int64_t bad_line;   /* the first line that does not fit the chain; 0: none */
    int64_t kept;       /* bundles that are kept */
    int64_t bad_files;  /* of these: changed since they left */
    char first_bad[64]; /* name of the first of these */
    int64_t lost;       /* bundles that left, should be kept still, and are in neither folder */
    char first_lost[64];
    int head; /* 1: STATE/history.head fits the chain; 0: it is missing; -1: it does not */
};
/* Recompute the chain, compare its head, and check signature and digest of every bundle kept. */
GF_MUST_CHECK int history_verify(struct agent *a, struct history_verdict *out, struct gf_err *e);

/* Its last parts (history_keep.c): the bundles that are kept, and those that are
 * not though the chain says that they left, and not that they were pruned. */
GF_MUST_CHECK int history_verify_files(struct agent *a, struct history_verdict *v,
                                       struct gf_err *e);
GF_MUST_CHECK int history_verify_lost(struct agent *a, struct history_verdict *v, struct gf_err *e);

/* Move settled bundles from STATE/outbox (open) to STATE/history, and remove what is kept too long
 * or takes too much. */
GF_MUST_CHECK int history_keep(struct agent *a, int outbox, struct gf_err *e);

/* Open a bundle of ours, wherever it is kept: history/, then outbox/. *place names the folder. -1
 * and GF_E_NOINPUT if it is in neither. */
GF_MUST_CHECK int history_open(struct agent *a, const struct gf_id *id, const char **place,
                               struct gf_err *e);

/* Where the configuration forces another consent of a channel than it did last time (or no longer
 * forces one), say so in the history: 1; 0 if there was nothing to say; -1. Best done before a
 * command that writes. */
GF_MUST_CHECK int history_note_forced(struct agent *a, struct gf_err *e);

#endif
