/*
 * store.h -- the agent's durable memory: queue, bundles, peers, consent, licences. The agent's only
 * database (design sections 6 and 7); all SQL of the agent is in agent/store/.
 *
 * Every function that changes something is one transaction, durable when it returns 0. Times are
 * passed in (seconds). Errors are those of db.h unless said otherwise.
 */
#ifndef AGENT_STORE_H
#define AGENT_STORE_H

#include "agent/store/store_license.h"
#include "gapferry/bundle.h"
#include "gapferry/record.h"

struct store;

/* Open DIR/agent.db. A second agent on the same directory waits, then fails with words. One that is
 * missing or empty is GF_E_NOINPUT: only who makes an agent, or makes one anew, makes it. */
GF_MUST_CHECK int store_open(const char *dir, struct store **out, struct gf_err *e);
/* The same, and make it where it is missing. */
GF_MUST_CHECK int store_make(const char *dir, struct store **out, struct gf_err *e);
/* The same as store_open(), but nothing can be changed, and nothing is written: for a disk that is
 * full or read-only. */
GF_MUST_CHECK int store_read(const char *dir, struct store **out, struct gf_err *e);
void store_close(struct store *s);

/* Hold the state directory for one import or export: DIR/lock names its holder (pid, command,
 * since). GF_E_BUSY tells who holds it. Released by store_unlock() or when the process ends. */
GF_MUST_CHECK int store_lock(struct store *s, const char *command, struct gf_err *e);
void store_unlock(struct store *s);

/* ---- the queue: records and their states (store_queue.c) ---- */

enum store_state {
    STORE_QUEUED,
    STORE_EXPORTED,
    STORE_RELAYED,
    STORE_DELIVERED,
    STORE_REJECTED,
    STORE_EXPIRED
};
extern const char *const store_states[]; /* "queued" "exported" ... NULL */

/* A record as the store knows it; texts borrowed until the next step of the walk. */
struct store_record {
    struct gf_id id;
    struct gf_hash digest; /* BLAKE2b-256 of the body */
    const char *channel;
    const char *product; /* NULL where none */
    int64_t created;
    enum store_state state;
    int64_t state_since;
    int wants_answer;
    int answered;       /* 1: the answer was applied */
    const char *reason; /* of a final receipt, or what is wrong with an answer; NULL where none */
    const char *guarantee;
    const char *line; /* the record's line, with its LF */
    size_t line_len;
    int64_t row; /* names it within this database; rises with acceptance */
};

/* Accept a record: its line is frozen now. GF_E_REPLAY if the id is there already. No cap is
 * looked at: whoever accepts for a channel calls agent_accept() (agent.h). */
GF_MUST_CHECK int store_add(struct store *s, const struct gf_record *r, int64_t now,
                            struct gf_err *e);

/* Records to be accepted together (store_batch.c): lines are made ahead of the transaction. All
 * are of one channel. Zeroed: empty. */
struct store_batch {
    struct store_batch_entry *entries;
    size_t n, room;
    struct gf_buf lines;             /* one behind the other */
    struct gf_buf like;              /* a line with an empty body */
    struct store_batch_entry *first; /* what store_batch_like() was given */
};
/* Append a record. A body that is a file is GF_E_USAGE; of a failure nothing stays. */
GF_MUST_CHECK int store_batch_add(struct store_batch *b, const struct gf_record *r,
                                  struct gf_err *e);
/* The same, quicker, for many of one kind: what they have in common but id and body, then each
 * body, which must be well-formed JSON in UTF-8 (redact_check()). */
GF_MUST_CHECK int store_batch_like(struct store_batch *b, const struct gf_record *like,
                                   struct gf_err *e);
GF_MUST_CHECK int store_batch_json(struct store_batch *b, const struct gf_id *id, const char *body,
                                   size_t len, struct gf_err *e);
void store_batch_empty(struct store_batch *b); /* for the next ones; memory is kept */
void store_batch_free(struct store_batch *b);

/* How much a channel may hold of what has no receipt yet (queued or exported); 0: no cap. */
struct store_cap {
    int64_t records;
    int64_t bytes; /* of lines */
    int drop;      /* 1: the oldest that never left make room, counted as loss; 0: refuse */
    /* Asked before anything is dropped or refused, within the transaction, and again as long as it
     * gives 1: some room was made. 0: none can be. NULL: nobody is asked. */
    int (*thin)(void *arg, const char *channel, const struct store_cap *cap, struct gf_err *e);
    void *arg;
};
/* Accept the batch in one transaction, in order, as far as the cap lets it: *accepted is how many
 * of its records are in. GF_E_REPLAY if an id is there already: then none is. */
GF_MUST_CHECK int store_accept(struct store *s, const char *channel, const struct store_batch *b,
                               const struct store_cap *cap, int64_t now, size_t *accepted,
                               struct gf_err *e);

/* ---- loss: what declared policy has dropped (store_drop.c) ---- */

struct store_loss {
    struct gf_id id; /* of this loss, so that a relay counts it once */
    char channel[GF_WORD_MAX + 1];
    char policy[GF_WORD_MAX + 1]; /* "drop-oldest", "thin-15m" */
    int64_t records;
    int64_t first, last; /* `created` of those dropped; of points that thinning left out */
    int told;            /* 1: a bundle has said it */
};
/* All losses, oldest first; untold 1: only those that no bundle has said yet. free(). */
GF_MUST_CHECK int store_losses(struct store *s, int untold, struct store_loss **out, size_t *n,
                               struct gf_err *e);
/* Drop what has lain in the queue of a channel since before `accepted` and never left. Only where
 * its policy says so. *records is their number. What bears a date before WHEN_FIRST stays: a
 * clock that was wrong gave it, and nobody knows how old it is. */
GF_MUST_CHECK int store_drop_before(struct store *s, const char *channel, int64_t accepted,
                                    int64_t now, int64_t *records, struct gf_err *e);
/* The same for all that never left, because the channel discards while its relay is out of reach.
 */
GF_MUST_CHECK int store_discard(struct store *s, const char *channel, int64_t now, int64_t *records,
                                struct gf_err *e);
/* Forget records that are final (delivered, rejected, expired) since before a time, that no answer
 * is awaited for, and whose node, if they have one, was told. A date before WHEN_FIRST is none, as
 * for store_drop_before(). */
GF_MUST_CHECK int store_forget(struct store *s, int64_t before, int64_t *records, struct gf_err *e);

/* Walk records in order of acceptance. which: a state, or -1 for all; channel NULL: all. fn returns
 * 0 to go on, 1 to stop, -1 with *e. */
typedef int store_each(void *arg, const struct store_record *r, struct gf_err *e);
GF_MUST_CHECK int store_walk(struct store *s, int which, const char *channel, store_each *fn,
                             void *arg, struct gf_err *e);

/* Rows first to last (store_record.row), each of which is a record. */
struct store_range {
    int64_t first, last;
};

/* Records that wait in the queue, of one channel and one behind the other, to which the same
 * applies. There may be a million in one: export looks at these, not at records. */
struct store_stretch {
    struct store_range rows;
    int64_t bytes;       /* of lines */
    const char *channel; /* borrowed until the next step of the walk */
    int has_relay;       /* they were exported before: they belong to this relay */
    struct gf_hash relay;
    int64_t most; /* records that their next bundle may hold; 0: any number; -1: refused alone, a
                     person is needed: they are not exported before `resend` */
};
typedef int store_each_stretch(void *arg, const struct store_stretch *x, struct gf_err *e);
/* All that is queued, in order; as store_walk(). */
GF_MUST_CHECK int store_walk_queued(struct store *s, store_each_stretch *fn, void *arg,
                                    struct gf_err *e);
/* How much of it fits into so many records and bytes: the first *n records, of *bytes. */
GF_MUST_CHECK int store_fit(struct store *s, const struct store_stretch *x, int64_t max_records,
                            int64_t max_bytes, int64_t *n, int64_t *bytes, struct gf_err *e);
/* The lines of a range, with their LF; as store_walk(). */
typedef int store_each_line(void *arg, const char *line, size_t len, struct gf_err *e);
GF_MUST_CHECK int store_lines(struct store *s, const struct store_range *rows, store_each_line *fn,
                              void *arg, struct gf_err *e);

/* Records by channel and state: *counts[n] sorted by channel. Free with free(). */
struct store_count {
    char channel[GF_WORD_MAX + 1];
    int64_t n[6];     /* by enum store_state */
    int64_t bytes[6]; /* of lines */
    int64_t oldest;   /* created, of the first that is queued; 0: none */
};
GF_MUST_CHECK int store_counts(struct store *s, struct store_count **counts, size_t *n,
                               struct gf_err *e);

/*
 * A receipt from a relay: moves the record it names past `exported`, and only forward. What became
 * of it: 1 moved, 0 nothing new (seen before, or behind), -1 failed; *odd is set to one of the
 * words "unknown record", "other digest", "never exported", "other relay", "already final" where
 * the receipt does not fit, and then nothing changes. A record that went back to the queue counts
 * as exported to where it has been.
 */
#define STORE_ODD_DENIED "deleted by a denial of consent after it was carried"
GF_MUST_CHECK int store_receipt(struct store *s, const struct gf_hash *relay,
                                const struct gf_receipt *r, int64_t now, const char **odd,
                                struct gf_err *e);

/* The answer to a record was applied (reason NULL), or is not usable (reason). */
GF_MUST_CHECK int store_answered(struct store *s, const struct gf_id *record, const char *reason,
                                 int64_t now, struct gf_err *e);

/* 1 if this record went to this relay and its answer was not applied yet, 0 if not; its channel. */
GF_MUST_CHECK int store_expects(struct store *s, const struct gf_hash *relay,
                                const struct gf_id *record, char channel[GF_WORD_MAX + 1],
                                struct gf_err *e);

/* How many records that have left wait for an answer still (a rejected or expired one does not, nor
 * one whose answer has come and cannot be used). */
GF_MUST_CHECK int store_answers_awaited(struct store *s, int64_t *n, struct gf_err *e);

/* One record by id: 1 found (fn is called once), 0 not. */
GF_MUST_CHECK int store_find(struct store *s, const struct gf_id *id, store_each *fn, void *arg,
                             struct gf_err *e);

/* ---- bundles out (store_bundles.c) ---- */

struct store_bundle {
    struct gf_id id;
    struct gf_hash relay;  /* whom it is for, by its identity of now: its file may be addressed to
                              one before */
    struct gf_hash digest; /* of its header */
    struct gf_id stream;
    int64_t seq;
    int64_t created;
    int64_t records; /* 0: carries nothing but `have` */
    int settled; /* each of its records has a receipt; or it carried only `have` and was written */
    int withdrawn;   /* it will not be carried any more; settled too */
    int64_t written; /* last time it was written to a drive; 0: never */
    int64_t left;    /* first time */
    char file[54];   /* its name in the outbox */
};

/* Take the next seq of the stream to a relay, durably, before anything is written. */
struct store_seq {
    struct gf_id stream;
    int64_t seq;
    int has_prev;
    struct gf_hash prev;
};
GF_MUST_CHECK int store_take_seq(struct store *s, const struct gf_hash *relay,
                                 struct store_seq *out, struct gf_err *e);

/* Numbers taken whose bundle never came to be, or was withdrawn before it was written, or carried
 * only `have`, which the next bundle says again (until all receipts of a later one have come, which
 * shows that the relay knows): to be listed as void; rising, the last GF_VOID_MAX of them. Ask
 * before the next number is taken, which would be among them. *voids is one allocation. */
GF_MUST_CHECK int store_voids(struct store *s, const struct gf_hash *relay, int64_t **voids,
                              size_t *n, struct gf_err *e);

/* What a bundle carries. */
struct store_carried {
    const struct store_range *rows; /* of queued records, rising */
    size_t n;
    int64_t records;            /* in all ranges */
    int64_t thinned;            /* store_thin_count(), before anything was read of them */
    const struct gf_id *losses; /* that it tells of */
    size_t nlosses;
};
/* A bundle is complete and flushed in the outbox: note it, move its records to `exported`, and what
 * it says (`have`, losses) is said. One transaction. GF_E_BUSY if one of the records is not queued
 * any more (consent was withdrawn meanwhile, or another has its place): then the bundle is not
 * noted. */
GF_MUST_CHECK int store_exported(struct store *s, const struct gf_header *h,
                                 const struct gf_hash *header_digest, const struct store_carried *c,
                                 int64_t now, struct gf_err *e);

/* Unsettled bundles, oldest first; one allocation, free(). */
GF_MUST_CHECK int store_unsettled(struct store *s, struct store_bundle **out, size_t *n,
                                  struct gf_err *e);
/* 1 known (*out set), 0 not. */
GF_MUST_CHECK int store_bundle(struct store *s, const struct gf_id *id, struct store_bundle *out,
                               struct gf_err *e);
/* It was written to a drive; one that carries only `have` is settled by that. */
GF_MUST_CHECK int store_written(struct store *s, const struct gf_id *id, int64_t now,
                                struct gf_err *e);
/* gapferry-link has brought it to its relay: as store_written(). 1 the first time, 0 known already,
 * or not ours. */
GF_MUST_CHECK int store_sent(struct store *s, const struct gf_id *bundle, int64_t now,
                             struct gf_err *e);
/* When the oldest queued record was accepted (INT64_MAX: none is queued), and whether one is queued
 * that a person waits for: of channel license or updates. One that was refused by itself, so that
 * it leaves only by `resend`, is none of them. */
GF_MUST_CHECK int store_oldest_queued(struct store *s, int64_t *accepted, int *wants_answer,
                                      struct gf_err *e);
/* Drives that a person has synced here; `drive` is a name as in drives.h. known: 1 or 0. */
GF_MUST_CHECK int store_drive_synced(struct store *s, const char *drive, const char *user,
                                     int64_t now, struct gf_err *e);
GF_MUST_CHECK int store_drive_known(struct store *s, const char *drive, struct gf_err *e);
/* Carry a bundle no more: those of its records that have no receipt, and are in no other bundle
 * that is carried, are back in `queued`; *records is their number. */
GF_MUST_CHECK int store_withdraw(struct store *s, const struct gf_id *id, int64_t now,
                                 int64_t *records, struct gf_err *e);

/* The relay has refused a bundle for what is in it: withdraw it, and count that for its records.
 * After the second time they are exported in halves, down to one record, which then waits for a
 * person; *stuck is how many came to that. */
GF_MUST_CHECK int store_refused(struct store *s, const struct gf_id *id, int64_t now,
                                int64_t *records, int64_t *stuck, struct gf_err *e);
/* Queued records that wait for a person (store_stretch.most -1): how many, and as store_walk(). */
GF_MUST_CHECK int store_stuck(struct store *s, int64_t *n, struct gf_err *e);
GF_MUST_CHECK int store_walk_stuck(struct store *s, store_each *fn, void *arg, struct gf_err *e);
/* Records that were delivered but for a part, which the reason names: refused, or left_out 1: only
 * left out (GF_REASON_LEFT_OUT). How many; the newest ones, at most so many, the newest first, as
 * store_walk(). */
GF_MUST_CHECK int store_partly(struct store *s, int left_out, int64_t *n, struct gf_err *e);
GF_MUST_CHECK int store_walk_partly(struct store *s, int left_out, int64_t most, store_each *fn,
                                    void *arg, struct gf_err *e);

/* ---- bundling anew (store_resend.c) ---- */

struct store_resend {
    const struct gf_id *record; /* this one; or */
    const struct gf_id *bundle; /* those of this one; or, both NULL, all that has left */
    const struct gf_hash *to;   /* from now on they belong to this relay; NULL: as before */
};
struct store_resent {
    int known;              /* 0: there is no such record or bundle */
    enum store_state state; /* of the record, where only one was asked for */
    int64_t records;        /* are in the queue now, to be exported under their old ids */
    int64_t bundles;        /* are not carried any more */
};
/* Records without receipt are queued again, and nothing holds them back any more; bundles that
 * held them are withdrawn with all that is in them. */
GF_MUST_CHECK int store_resend(struct store *s, const struct store_resend *what, int64_t now,
                               struct store_resent *out, struct gf_err *e);

/* ---- after a loss (store_adopt.c) ---- */

/* From now on bundles are numbered in a new stream. */
GF_MUST_CHECK int store_new_stream(struct store *s, struct gf_err *e);
/* The last number given in a stream towards a relay; 0: none. */
GF_MUST_CHECK int store_taken(struct store *s, const struct gf_hash *relay,
                              const struct gf_id *stream, int64_t *seq, struct gf_err *e);
/* A bundle of ours that the store does not know: note it, then each of its records as exported in
 * it (what has a receipt already stays as it is), then its end. Within one store_begin(). */
struct store_adopting {
    int64_t row;
    struct gf_hash relay;
    int64_t now;
    int64_t records, open;
    int64_t added; /* records that were not known */
};
GF_MUST_CHECK int store_adopt_begin(struct store *s, const struct gf_header *h,
                                    const struct gf_hash *digest, int64_t now,
                                    struct store_adopting *out, struct gf_err *e);
GF_MUST_CHECK int store_adopt(struct store *s, struct store_adopting *x, const struct gf_record *r,
                              struct gf_err *e);
GF_MUST_CHECK int store_adopt_end(struct store *s, const struct store_adopting *x,
                                  struct gf_err *e);

/* ---- bundles in: what was applied (store_have.c) ---- */

/* 1 if this response (stream, seq) was applied before; 2 if another bundle of the same stream and
 * seq was (a fork). */
GF_MUST_CHECK int store_is_applied(struct store *s, const struct gf_header *h,
                                   const struct gf_hash *header_digest, struct gf_err *e);
/* Note it, with how many items it held; call it in the transaction that applies them. */
GF_MUST_CHECK int store_applied(struct store *s, const struct gf_header *h,
                                const struct gf_hash *header_digest, int64_t items, int64_t now,
                                struct gf_err *e);
/* What contents.json of the next request to this relay states. Free with store_have_free(). */
GF_MUST_CHECK int store_have(struct store *s, const struct gf_hash *relay, struct gf_have **have,
                             size_t *n, struct gf_err *e);
/* Numbers of a sender's stream that it declared void: they count as applied in `have`. */
GF_MUST_CHECK int store_void_in(struct store *s, const struct gf_header *h, const int64_t *voids,
                                size_t n, int64_t now, struct gf_err *e);
/* A response that was applied has come again: its sender does not know that we have it. If only a
 * request that carries nothing but `have` told, and was written, it may be lost: due again. */
GF_MUST_CHECK int store_come_again(struct store *s, const struct gf_header *h, struct gf_err *e);
void store_have_free(struct gf_have *have, size_t n);
/* 1 if a response with items was applied and no request has said so yet, or the relay is to be
 * greeted (store_relays.h). */
GF_MUST_CHECK int store_have_is_due(struct store *s, const struct gf_hash *relay, struct gf_err *e);

/* Several changes as one: everything between is one transaction. */
GF_MUST_CHECK int store_begin(struct store *s, struct gf_err *e);
GF_MUST_CHECK int store_end(struct store *s, int rc, struct gf_err *e);

/* ---- peers: cards and vendors' keys (store_peers.c) ---- */

/* Trust a card (role relay or reader). GF_E_REPLAY if it is trusted already. */
GF_MUST_CHECK int store_trust_card(struct store *s, const struct gf_card *c, const char *text,
                                   size_t len, const char *user, int64_t now, struct gf_err *e);
/* All trusted cards of a role, in the order of trust; one that takes the place of another
 * (store_relays.h) stands in it. One allocation, free(). */
GF_MUST_CHECK int store_cards(struct store *s, enum gf_role role, struct gf_card **out, size_t *n,
                              struct gf_err *e);
/* The same with the bytes of each card's file: store_cards.c. */
typedef int store_card_text(void *arg, const struct gf_card *c, const char *text, size_t len,
                            struct gf_err *e);
GF_MUST_CHECK int store_card_texts(struct store *s, enum gf_role role, store_card_text *fn,
                                   void *arg, struct gf_err *e);

enum store_duty {
    STORE_DUTY_LICENSE = 1,
    STORE_DUTY_UPDATE = 2,
    STORE_DUTY_CARD = 4,
    STORE_DUTY_KEYGEN = 8 /* licences in Keygen's form: another kind of signature altogether */
};
struct store_vendor {
    char name[GF_WORD_MAX + 1];
    struct gf_sign_public key;
    int duties; /* of enum store_duty, or-ed */
    int64_t since;
};
/* Trust a vendor's key for these duties, added to those that it has already. */
GF_MUST_CHECK int store_trust_vendor(struct store *s, const struct store_vendor *v,
                                     const char *user, struct gf_err *e);
GF_MUST_CHECK int store_vendors(struct store *s, struct store_vendor **out, size_t *n,
                                struct gf_err *e);

/* ---- consent (store_consent.c) ---- */

enum store_consent { STORE_ASK, STORE_GRANTED, STORE_DENIED };
extern const char *const store_consents[]; /* "ask" "granted" "denied" NULL */

/* What a denial took back. */
struct store_denial {
    int64_t deleted;              /* records */
    struct store_bundle *bundles; /* that held some and were not settled; one allocation, free() */
    size_t n;
};

/* Record a decision with time and user. Denying deletes the channel's records that have no receipt
 * yet: the caller removes the files of the bundles that held some, whose other records are back in
 * `queued`. (Files that are left by a crash go at the next export.) */
GF_MUST_CHECK int store_set_consent(struct store *s, const char *channel, enum store_consent c,
                                    const char *user, int64_t now, struct store_denial *out,
                                    struct gf_err *e);
/* The same in steps, for a disk that has no room for all of it: the decision alone, which is enough
 * for export to leave the channel's records out; the bundles that hold some and are not settled
 * (free()); and what remains of store_set_consent() for a denial. */
GF_MUST_CHECK int store_note_consent(struct store *s, const char *channel, enum store_consent c,
                                     const char *user, int64_t now, struct gf_err *e);
GF_MUST_CHECK int store_consent_bundles(struct store *s, const char *channel,
                                        struct store_bundle **out, size_t *n, struct gf_err *e);
GF_MUST_CHECK int store_take_back(struct store *s, const char *channel, int64_t now,
                                  struct store_denial *out, struct gf_err *e);
/* store_take_back() for every channel whose last decision was to deny and that has records left. */
GF_MUST_CHECK int store_finish_denials(struct store *s, int64_t now, struct gf_err *e);
/* The last decision; *since and *user may be NULL; STORE_ASK if there was none. */
GF_MUST_CHECK int store_get_consent(struct store *s, const char *channel, enum store_consent *out,
                                    int64_t *since, char user[65], struct gf_err *e);
/* The channels whose last decision was to grant, sorted. Free with free(). */
GF_MUST_CHECK int store_granted(struct store *s, char (**out)[GF_WORD_MAX + 1], size_t *n,
                                struct gf_err *e);

/* ---- small facts (store.c): agent id, licence salt, nonces of requests ... ---- */

GF_MUST_CHECK int store_put_fact(struct store *s, const char *name, const void *data, size_t len,
                                 struct gf_err *e);
/* 1 found, 0 not; *out is initialised here. */
GF_MUST_CHECK int store_get_fact(struct store *s, const char *name, struct gf_buf *out,
                                 struct gf_err *e);

/* ---- what a grid manager's relay asks for: only ever stricter (store_policy.c) ---- */

struct store_policy {
    int denied;           /* 1: the channel may not record or send */
    int airgap;           /* of enum airgap */
    struct gf_hash relay; /* who asked */
    int64_t since;
    int64_t said; /* when it was asked, by the clock of who asked */
};
/* Set what holds for a channel; one that asks for nothing takes it back. 1 done; 0: its relay has
 * asked for something else later, which came sooner, and that stays. */
GF_MUST_CHECK int store_put_policy(struct store *s, const char *channel,
                                   const struct store_policy *p, struct gf_err *e);
/* 1 found, 0 not. */
GF_MUST_CHECK int store_get_policy(struct store *s, const char *channel, struct store_policy *out,
                                   struct gf_err *e);

/* ---- history: a chain of lines (store_history.c); agent/history.h says what they tell ---- */

/*
 * hash(n) = BLAKE2b-256 of "gapferry-history/1" LF, hash(n - 1) as 64 hex digits (zeros before the
 * first) LF, and the line, without LF. Whoever changes, removes or inserts a line breaks it; the
 * newest number and hash are kept outside the database, too, so that cutting off its end, or
 * putting an older database in its place, is noticed.
 */
struct store_event {
    int64_t n;        /* from 1, without gaps */
    const char *line; /* a JSON object in one line; borrowed until the next step of the walk */
    size_t len;
    struct gf_hash hash; /* as it is stored */
};
#define STORE_EVENT_MAX 8192 /* bytes of a line */

/* Append a line. GF_E_LIMIT if it is too long. */
GF_MUST_CHECK int store_history_add(struct store *s, const char *line, size_t len,
                                    struct gf_err *e);
/* The newest entry's number and hash; 0 and zeros where there is none. */
GF_MUST_CHECK int store_history_head(struct store *s, int64_t *n, struct gf_hash *hash,
                                     struct gf_err *e);
/* fn for each entry from number `from` on; as store_walk(). Nothing is checked. */
typedef int store_each_event(void *arg, const struct store_event *v, struct gf_err *e);
GF_MUST_CHECK int store_history_walk(struct store *s, int64_t from, store_each_event *fn, void *arg,
                                     struct gf_err *e);
/* What the hash of a line has to be, after an entry with the hash `prev`. */
void store_history_hash(const struct gf_hash *prev, const char *line, size_t len,
                        struct gf_hash *out);

#endif
