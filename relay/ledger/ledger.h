/*
 * ledger.h -- the relay's durable memory of every sender, bundle, record and response. All SQL of
 * the relay is in relay/ledger/ (design section 8).
 *
 * A record is  received -> sending(n) -> delivered | rejected | expired | later | held | onward;
 * each transition is one function and one transaction, durable when it returns 0. Replays are found
 * by unique indexes. Ids and digests are kept until acknowledged, and at least 400 days. Times are
 * passed in.
 */
#ifndef RELAY_LEDGER_H
#define RELAY_LEDGER_H

#include "gapferry/bundle.h"
#include "gapferry/lost.h"
#include "gapferry/record.h"
#include "relay/ledger/ledger_agents.h"

struct ledger;

/* Open DIR/relay.db. One that is missing or empty is GF_E_NOINPUT; ledger_make() makes it. */
GF_MUST_CHECK int ledger_open(const char *dir, struct ledger **out, struct gf_err *e);
GF_MUST_CHECK int ledger_make(const char *dir, struct ledger **out, struct gf_err *e);
void ledger_close(struct ledger *l);
/* Who takes a turn holds the lock. GF_E_BUSY names its holder after 2 s; where that is `run`, which
 * holds it for one short step at a time, after 5 minutes. */
GF_MUST_CHECK int ledger_lock(struct ledger *l, const char *command, struct gf_err *e);
void ledger_unlock(struct ledger *l);

/* Locks of one purpose each, beside the one above: whoever forwards, and the one `run`. */
enum ledger_purpose { LEDGER_FORWARDING, LEDGER_RUNNING };
/* 1 ours until ledger_leave(); 0 somebody else's for wait_ms milliseconds more; -1. */
GF_MUST_CHECK int ledger_hold(struct ledger *l, enum ledger_purpose p, const char *command,
                              int64_t wait_ms, struct gf_err *e);
void ledger_leave(struct ledger *l, enum ledger_purpose p);

/* A word to whoever holds it: there is something new in the ledger (ledger_wake.c). 1: somebody
 * does, and is told; 0: nobody does. */
int ledger_wake(struct ledger *l, enum ledger_purpose p);
/* For the holder: *out, its own, polls readable once it was told; _heard takes that out: 1. */
GF_MUST_CHECK int ledger_wake_open(const struct ledger *l, enum ledger_purpose p, int *out,
                                   struct gf_err *e);
int ledger_wake_heard(int fd);

GF_MUST_CHECK int ledger_begin(struct ledger *l, struct gf_err *e);
/* The same without waiting: GF_E_BUSY where another process writes now. */
GF_MUST_CHECK int ledger_begin_now(struct ledger *l, struct gf_err *e);
GF_MUST_CHECK int ledger_end(struct ledger *l, int rc, struct gf_err *e);

/* Whose ledger this is: 0 if it belongs to this identity (and from now on, if it belonged to
 * nobody); GF_E_DAMAGED if it is another's. */
GF_MUST_CHECK int ledger_belongs(struct ledger *l, const struct gf_card *us, struct gf_err *e);

/* ---- the chain of what was done (ledger_audit.c) ---- */

/*
 * One JSON object a line: "at", "event", and what the event has to say; each line's hash is
 * BLAKE2b-256 of the hash before it (the first: 32 zero bytes) and the line. The newest line's
 * number and hash also stand in DIR/audit.head, "NUMBER HASH" LF, outside the database.
 *
 *   init        the ledger was made
 *   approve     fingerprint, user; approve-withdraw: the same
 *   decline     identity, user
 *   enrol       fingerprint; how (of ledger_hows), and by: the user, vendor, token or predecessor
 *   forked      fingerprint, why
 *   revoke      fingerprint, user; reason
 *   token       number, name, user; token-withdraw: the same
 *   bundle      agent, identity (its sender), bundle, seq; refused: the code, where it was
 *   fork        agent, identity, bundle, seq: of a number that another bundle has
 *   response    agent, identity, bundle, stream, seq
 *   notice      policy: what holds for nodes from now on, the stricter of all that is asked; user,
 *               who has asked for something else than before; null: the manager above
 *   behind      identity, stream, seq: it has a response that this ledger never wrote
 *   courier     courier; removed: true, where he was
 *   brought     courier, header: he handed in the bundle whose header has this digest
 *   rotated     fingerprint, replaces, user: this relay has new keys
 *   reconciled  user, agents, responses, revoked, tokens
 *   forgive     bundle, user: it was refused, and is verified over again
 *   refused     file, code: it came to quarantine/, and this ledger knows no such bundle (form,
 *               signature, damage, or its sender is not enrolled); once while it is there
 *   look-again  file, user: out of quarantine/, to be verified over again; discard: removed
 *   release     user, records, artifacts (how many), what they were picked by; retry: the same
 *   reject      the same, with the reason; drop: the same
 *   prune       records, bundles, responses (how many): forgotten, from before a time
 */
GF_MUST_CHECK int ledger_audit(struct ledger *l, int64_t now, const char *event,
                               const char *members, struct gf_err *e);
/* Write the head if the chain has grown; before anything leaves that the chain speaks of. A head
 * that the chain does not fit, or that is missing, is left as it is: see ledger_fits_head(). Only a
 * ledger that was made (ledger_make) or reconciled (ledger_reconcile) by this process has one
 * written anew. */
GF_MUST_CHECK int ledger_seal(struct ledger *l, struct gf_err *e);
/* GF_E_DAMAGED if the ledger is older than its head (it was put back from a backup), or the head is
 * missing or is none. */
GF_MUST_CHECK int ledger_fits_head(struct ledger *l, struct gf_err *e);

/* For `init`: into a chain that has no line the first one, and seal. A head that lies there then is
 * of another ledger, and kept as audit.head.before-init-STAMP. */
GF_MUST_CHECK int ledger_start(struct ledger *l, int64_t now, struct gf_err *e);

struct ledger_reconciled {
    int64_t newest;    /* when the last bundle was taken that this ledger knows; 0: none */
    int64_t agents;    /* whose responses go on in a new stream */
    int64_t responses; /* whose receipts and answers are written anew */
    int64_t revoked;   /* agents that this ledger had as not revoked, and are again */
    int64_t tokens;    /* withdrawn: nobody can tell which of them were used since */
};
/* After a restore: a new stream to every agent, and what no agent has acknowledged, or was told
 * since a time, is told anew; who was revoked is again, and every open token is withdrawn. Seals.
 */
GF_MUST_CHECK int ledger_reconcile(struct ledger *l, int64_t since, const char *user, int64_t now,
                                   struct ledger_reconciled *out, struct gf_err *e);

/* ---- bundles and records in (ledger_intake.c, ledger_take.c) ---- */

enum ledger_seen { LEDGER_NEW, LEDGER_REPLAY, LEDGER_FORK };

/* Whether this verified head was taken or refused before (same header digest; or its number, where
 * only that is remembered), or another of the same (from, stream, seq) was. */
GF_MUST_CHECK int ledger_seen(struct ledger *l, const struct gf_header *h,
                              const struct gf_hash *digest, enum ledger_seen *out,
                              struct gf_err *e);
/* Note a bundle, then its records, then the numbers of its sender that will never come, within one
 * transaction of the caller. */
GF_MUST_CHECK int ledger_take_bundle(struct ledger *l, const struct gf_header *h,
                                     const struct gf_hash *digest, int64_t now, struct gf_err *e);
GF_MUST_CHECK int ledger_take_voids(struct ledger *l, const struct gf_header *h,
                                    const struct gf_contents *c, struct gf_err *e);
/* A record of the bundle that was taken last; all is borrowed. */
struct ledger_arrival {
    struct gf_id id;
    struct gf_hash digest; /* BLAKE2b-256 of the body's bytes */
    const char *channel;
    const char *product; /* NULL where none */
    int answer;          /* 1: an answer is wanted */
    const char *line;    /* its exact line */
    size_t len;
    const char *file; /* path of the stored body file below the state directory, NULL for bodies in
                         the line */
};
/* So many at a time cost half of what they cost singly. */
#define LEDGER_TAKE_MOST 32
/* Within the transaction that has noted their bundle, and before another is: how many of these
 * records are new. Of the others, one that is known already (same digest) is told again where its
 * sender needs it, and the same id with another digest is noted as `rejected: conflict`. */
GF_MUST_CHECK int ledger_take_records(struct ledger *l, const struct ledger_arrival *a, size_t n,
                                      int64_t now, struct gf_err *e);
/* The files in which new records of the bundle with this header have their bodies, each once, in
 * one pass over its records. fn returns 0, or -1 with *e, and changes nothing in the ledger. */
typedef int ledger_each_file(void *arg, const char *file, struct gf_err *e);
GF_MUST_CHECK int ledger_files(struct ledger *l, const struct gf_hash *digest, ledger_each_file *fn,
                               void *arg, struct gf_err *e);

/* Records that came with an id that was taken and another body: nothing of them was taken, and
 * their agent is told. */
struct ledger_conflict {
    struct gf_id agent, id;
    struct gf_hash digest; /* of the body that was not taken */
    int64_t at;
};
/* The oldest first, at most max of them, 0: all; free(). */
GF_MUST_CHECK int ledger_conflicts(struct ledger *l, int64_t max, struct ledger_conflict **out,
                                   size_t *n, struct gf_err *e);
GF_MUST_CHECK int ledger_conflict_count(struct ledger *l, int64_t *n, struct gf_err *e);

/* A bundle whose form is wrong had no effect at all: note it with the reason, so that it counts as
 * seen and the sender is told in the next response. */
GF_MUST_CHECK int ledger_refuse(struct ledger *l, const struct gf_header *h,
                                const struct gf_hash *digest, const struct gf_err *why, int64_t now,
                                struct gf_err *e);
/* It is to be verified over again: forget that it was refused. 1 it was, 0 it was not; logged. */
GF_MUST_CHECK int ledger_forgive(struct ledger *l, const struct gf_header *h,
                                 const struct gf_hash *digest, const char *user, int64_t now,
                                 struct gf_err *e);
/* Note that a file without a row of its own came to quarantine/; once, which is the caller's care.
 */
GF_MUST_CHECK int ledger_note_refused(struct ledger *l, const char *file, const struct gf_err *why,
                                      int64_t now, struct gf_err *e);
/* Note that somebody takes a file out of quarantine/ to be verified over again, or removes it; what
 * the ledger knows of it stays. */
GF_MUST_CHECK int ledger_look_again(struct ledger *l, const char *file, const char *user,
                                    int64_t now, struct gf_err *e);
GF_MUST_CHECK int ledger_discard(struct ledger *l, const char *file, const char *user, int64_t now,
                                 struct gf_err *e);
/* A bundle of the same number but other bytes: nothing of it is taken; its sender is told once. */
GF_MUST_CHECK int ledger_fork(struct ledger *l, const struct gf_header *h,
                              const struct gf_hash *digest, const char *why, int64_t now,
                              struct gf_err *e);
/* A bundle came again: what was said about it is said anew where the response that said it is
 * acknowledged, for then its sender has lost what it knew (restored from a backup). */
GF_MUST_CHECK int ledger_retell(struct ledger *l, const struct gf_hash *digest, struct gf_err *e);

/* ---- forwarding (ledger_forward.c) ---- */

enum ledger_state {
    LEDGER_RECEIVED,
    LEDGER_SENDING,
    LEDGER_LATER,
    LEDGER_HELD,
    LEDGER_ONWARD, /* the next hop has it, and what becomes of it is told from there */
    LEDGER_DELIVERED,
    LEDGER_REJECTED,
    LEDGER_EXPIRED
};
extern const char *const ledger_states[]; /* "received" "sending" ... NULL */

struct ledger_record {
    int64_t row;
    struct gf_id agent;
    struct gf_id id;
    struct gf_hash digest;
    const char *channel;
    const char *product; /* NULL where none */
    enum ledger_state state;
    int64_t attempts;
    int64_t due;      /* not before; for `later` */
    int64_t asked;    /* until when the endpoint asked to be left alone; 0: it did not */
    int64_t received; /* when */
    int64_t since;    /* when it came to this state */
    int64_t doubt;    /* when it was sent first, or first since its release, without being told what
                         became of it; 0: it was not */
    int released;     /* 1: it was in doubt, and the operator released it all the same */
    const char *reason;
    const char *endpoint; /* the last one */
    const char *line;     /* line_len bytes, and no NUL */
    size_t line_len;
    const char *file;
};

/* Its texts are borrowed until fn returns. */
typedef int ledger_each(void *arg, const struct ledger_record *r, struct gf_err *e);
/* Walk records; state -1: all. */
GF_MUST_CHECK int ledger_walk(struct ledger *l, int state, ledger_each *fn, void *arg,
                              struct gf_err *e);

/* Channels of records that are not at an end and not held; fn gets each once. */
typedef int ledger_each_channel(void *arg, const char *channel, struct gf_err *e);
GF_MUST_CHECK int ledger_channels(struct ledger *l, ledger_each_channel *fn, void *arg,
                                  struct gf_err *e);
/* Where a walk over the records of a channel stands; zeroes at its beginning. */
struct ledger_cursor {
    int64_t due, row;
};
/* The next records of a channel to forward at `now`, at most `max`: received, or later and due, or
 * sending and left by a crash; by `due`, then in the order of arrival. *at moves on behind them. fn
 * changes nothing in the ledger. How many fn got, or -1. */
GF_MUST_CHECK int ledger_due(struct ledger *l, const char *channel, int64_t now, size_t max,
                             struct ledger_cursor *at, ledger_each *fn, void *arg,
                             struct gf_err *e);

/* These, each of them once: durable before the first request leaves. One that is `sending` still,
 * since a crash, is in doubt from the time of that attempt on. Rows that follow each other are
 * changed at once. */
GF_MUST_CHECK int ledger_sending(struct ledger *l, const int64_t *rows, size_t n,
                                 const char *endpoint, int64_t now, struct gf_err *e);
/* It was to be sent and was not: back to what it was; that attempt does not count. Nothing, where
 * it is held or at an end meanwhile: returns of the next hop come at any time. */
GF_MUST_CHECK int ledger_unsent(struct ledger *l, int64_t row, enum ledger_state was,
                                struct gf_err *e);
/* What is being sent may have taken effect, and no answer says so. Its time is kept, the first
 * one's, until the record is delivered or released. */
GF_MUST_CHECK int ledger_doubt(struct ledger *l, int64_t row, struct gf_err *e);

/* These, each of them once, were being sent and are delivered, and no answer is kept. */
GF_MUST_CHECK int ledger_delivered(struct ledger *l, const int64_t *rows, size_t n,
                                   enum gf_guarantee g, int64_t now, struct gf_err *e);
/* The same for one, with the endpoint's answer, which is kept if the record wanted one. */
struct ledger_answer {
    int64_t status;
    const char *const *headers; /* name, value, ... 2 * n */
    size_t nheaders;
    const char *body;
    size_t len;
};
GF_MUST_CHECK int ledger_answered(struct ledger *l, int64_t row, enum gf_guarantee g,
                                  const struct ledger_answer *answer, int64_t now,
                                  struct gf_err *e);
GF_MUST_CHECK int ledger_rejected(struct ledger *l, int64_t row, const char *reason, int64_t now,
                                  struct gf_err *e);
GF_MUST_CHECK int ledger_expired(struct ledger *l, int64_t row, const char *reason, int64_t now,
                                 struct gf_err *e);
/* due: our own back-off is over; asked: until when the endpoint asked to be left alone, 0 if it did
 * not. What is at an end stays so, and what is held does not become `later`; both are 0. */
GF_MUST_CHECK int ledger_later(struct ledger *l, int64_t row, const char *reason, int64_t due,
                               int64_t asked, int64_t now, struct gf_err *e);
GF_MUST_CHECK int ledger_held(struct ledger *l, int64_t row, const char *reason, int64_t now,
                              struct gf_err *e);
/* A person is here and would have to come again: `later` records, and artifacts that could not be
 * fetched, are due at once, but for those whose endpoint asked for a time that is not over. */
GF_MUST_CHECK int ledger_retry(struct ledger *l, int64_t now, struct gf_err *e);
/* What waits for longer than any endpoint can have asked for (HTTPS_RETRY_AFTER_MAX) was put off by
 * a clock that was ahead: it is due now. */
GF_MUST_CHECK int ledger_settle(struct ledger *l, int64_t now, struct gf_err *e);

/* Records by channel and state, for `status`. */
struct ledger_count {
    char channel[GF_WORD_MAX + 1];
    int64_t n[LEDGER_EXPIRED + 1];
};
GF_MUST_CHECK int ledger_counts(struct ledger *l, struct ledger_count **out, size_t *n,
                                struct gf_err *e);

/* ---- responses (ledger_respond.c) ---- */

/* What `have` of a request of this stream says: responses that need not be carried any more. What
 * they told and the agent has asked for again in another stream is told again. 0, or 1 if it names
 * numbers that this ledger has not given yet, so that it must have been restored: then nothing is
 * believed of that stream, and what was told in it and is not acknowledged is told anew in a new
 * one. */
GF_MUST_CHECK int ledger_acknowledge(struct ledger *l, const struct gf_hash *agent_identity,
                                     const struct gf_id *stream, const struct gf_have *have,
                                     size_t n, int64_t now, struct gf_err *e);

/* Receipts (and answers) of an agent's records that no response has told yet, in the order of
 * arrival: state moved since the last receipt. fn gets the row of the record (0: a conflict, which
 * is of no row), the receipt, and the answer where there is one (else NULL); its body is text of
 * any length. fn returns 0 to go on, 1 to stop, -1 with *e, and changes nothing in the ledger. */
typedef int ledger_each_news(void *arg, int64_t row, const struct gf_receipt *r,
                             const struct gf_answer *a, struct gf_err *e);
GF_MUST_CHECK int ledger_news(struct ledger *l, const struct gf_id *agent, ledger_each_news *fn,
                              void *arg, struct gf_err *e);
/* The same for bundles that were refused. forked: where it is a fork, the stream that has another
 * of its number; else NULL. */
typedef int ledger_each_refusal(void *arg, const struct gf_refusal *r, const struct gf_id *forked,
                                struct gf_err *e);
GF_MUST_CHECK int ledger_refusals(struct ledger *l, const struct gf_id *agent,
                                  ledger_each_refusal *fn, void *arg, struct gf_err *e);

/* Take the next seq of the response stream to an agent, durably, before anything is written. */
struct ledger_seq {
    struct gf_id stream;
    int64_t seq;
    int has_prev;
    struct gf_hash prev;
};
GF_MUST_CHECK int ledger_take_seq(struct ledger *l, const struct gf_hash *agent_identity,
                                  struct ledger_seq *out, struct gf_err *e);
/* Numbers below the last one taken whose response never came to be, and that no response has told
 * yet: at most GF_VOID_MAX, rising. One allocation, free(). */
GF_MUST_CHECK int ledger_voids(struct ledger *l, const struct gf_hash *agent_identity,
                               int64_t **voids, size_t *n, struct gf_err *e);
/* A response is complete and flushed in the outbox: note it, and what it tells. */
enum ledger_telling { LEDGER_RECEIPT, LEDGER_REFUSAL, LEDGER_PART, LEDGER_NOTICE };
struct ledger_told {
    enum ledger_telling what;
    int64_t row, rows;       /* of records: the first and how many, of neighbours that are told the
                                same; rows 0: it is found by id and digest */
    struct gf_id id;         /* of the record; of the bundle for a refusal */
    struct gf_hash digest;   /* of the receipt */
    enum gf_state state;     /* of the receipt */
    int64_t artifact, index; /* of the part */
    int64_t notice;          /* its number */
};
/* 1 if nothing was noted, since its recipient is not enrolled any more (a successor may take its
 * place at any time): the number stays void, and the file is the caller's to remove. */
GF_MUST_CHECK int ledger_responded(struct ledger *l, const struct gf_id *agent,
                                   const struct gf_header *h, const struct gf_hash *digest,
                                   const struct ledger_told *told, size_t n, int64_t now,
                                   struct gf_err *e);
/* Responses not acknowledged yet: ids (the outbox file is ID.gfb); agent_identity NULL: of all. */
struct ledger_response {
    struct gf_id id;
    struct gf_hash to;
    int64_t created;
};
GF_MUST_CHECK int ledger_open_responses(struct ledger *l, const struct gf_hash *agent_identity,
                                        struct ledger_response **out, size_t *n, struct gf_err *e);
/* 1 if this response of ours need not be carried: it is acknowledged, or what it told is told anew;
 * 0 if it must, or is unknown. */
GF_MUST_CHECK int ledger_is_acknowledged(struct ledger *l, const struct gf_id *id,
                                         struct gf_err *e);
/* The outbox file of a response is gone or damaged: what it told is news again. */
GF_MUST_CHECK int ledger_lost(struct ledger *l, const struct gf_id *id, int64_t now,
                              struct gf_err *e);

/* ---- for the listener (ledger_listen.c): short questions of a process that also does other
 * things ---- */

/* The enrolled card of this identity, as its file's bytes, appended to out. 1, 0 unknown, -1. */
GF_MUST_CHECK int ledger_enrolled(struct ledger *l, const struct gf_hash *identity,
                                  struct gf_buf *out, struct gf_err *e);
/* What became of a bundle: 0 not here (yet), 1 taken, 2 refused with code and reason in *why, -1.
 * *agent: who sent it. */
GF_MUST_CHECK int ledger_fate(struct ledger *l, const struct gf_hash *digest, struct gf_id *agent,
                              struct gf_err *why, struct gf_err *e);
/* 1 if there is something that no response has told this agent, 0 if not. */
GF_MUST_CHECK int ledger_has_news(struct ledger *l, const struct gf_id *agent, struct gf_err *e);
/* When a record is due to be forwarded, or an artifact to be fetched, next: 0 now; INT64_MAX: none
 * waits. */
GF_MUST_CHECK int ledger_next_time(struct ledger *l, int64_t *out, struct gf_err *e);

/* ---- the courier's page (ledger_page.c) ---- */

/* Who may use the page: by a token, of which only the hash is kept. A name is a word; one that is
 * there gets a new token. */
#define LEDGER_COURIER 65
struct ledger_courier {
    char name[LEDGER_COURIER];
    int64_t made;
    struct gf_hash token; /* its BLAKE2b-256 */
};
GF_MUST_CHECK int ledger_courier_add(struct ledger *l, const char *name,
                                     const struct gf_hash *token, int64_t now, struct gf_err *e);
/* 1 gone, 0 there is none of this name. */
GF_MUST_CHECK int ledger_courier_remove(struct ledger *l, const char *name, int64_t now,
                                        struct gf_err *e);
/* free(). */
GF_MUST_CHECK int ledger_couriers(struct ledger *l, struct ledger_courier **out, size_t *n,
                                  struct gf_err *e);

/* A bundle that a courier has uploaded. Until it is confirmed it lies in STATE/brought as ROW.gfb
 * and means nothing to anybody. */
struct ledger_brought {
    int64_t row;
    char courier[LEDGER_COURIER];
    int64_t at;            /* it was complete */
    int64_t size;          /* bytes */
    struct gf_hash sender; /* identity, as the bundle says */
    int has_digest;
    struct gf_hash digest; /* of bundle.json; of a stranger's not verified */
    char file[40];         /* its name in incoming/ or pending/; "": not known yet */
    char *facts;           /* JSON (relay/page/look.h); NULL: nobody has looked, or not since its
                              sender was let in, or put out */
    int64_t confirmed;     /* when; 0: not */
};
void ledger_brought_free(struct ledger_brought *list, size_t n);
/* All but row and facts are set; *row is its own from now on. */
GF_MUST_CHECK int ledger_brought_add(struct ledger *l, const struct ledger_brought *b, int64_t *row,
                                     struct gf_err *e);
/* Those of a courier, the last first; those that nobody has looked into; those that came before
 * the one time and are not confirmed, or before the other. Free with ledger_brought_free(). */
GF_MUST_CHECK int ledger_brought_list(struct ledger *l, const char *courier, int64_t max,
                                      struct ledger_brought **out, size_t *n, struct gf_err *e);
GF_MUST_CHECK int ledger_brought_unseen(struct ledger *l, struct ledger_brought **out, size_t *n,
                                        struct gf_err *e);
GF_MUST_CHECK int ledger_brought_old(struct ledger *l, int64_t open_since, int64_t done_since,
                                     struct ledger_brought **out, size_t *n, struct gf_err *e);
/* 1 and a courier's own; free(out->facts). 0: there is none. */
GF_MUST_CHECK int ledger_brought_get(struct ledger *l, const char *courier, int64_t row,
                                     struct ledger_brought *out, struct gf_err *e);
/* Somebody has looked: row, digest, file and facts; and whether the sender was enrolled, on which
 * the facts rest. */
GF_MUST_CHECK int ledger_brought_looked(struct ledger *l, const struct ledger_brought *b,
                                        int enrolled, struct gf_err *e);
GF_MUST_CHECK int ledger_brought_confirm(struct ledger *l, const struct ledger_brought *b,
                                         int64_t now, struct gf_err *e);
GF_MUST_CHECK int ledger_brought_remove(struct ledger *l, int64_t row, struct gf_err *e);

/* The records of a bundle by channel, endpoint and state, 100 such groups at most; free(). */
struct ledger_delivery {
    char endpoint[80]; /* "": none was tried yet */
    char channel[GF_WORD_MAX + 1];
    enum ledger_state state;
    int64_t records;
    char reason[GF_REASON_MAX + 1]; /* one of them; "": none */
    int64_t due;                    /* the first of them */
};
GF_MUST_CHECK int ledger_deliveries(struct ledger *l, const struct gf_hash *digest,
                                    struct ledger_delivery **out, size_t *n, struct gf_err *e);

/* ---- numbers (ledger_tally.c): for those who watch ---- */

/* Count what no other table remembers: bundles that came again, files that were refused. */
GF_MUST_CHECK int ledger_tally_add(struct ledger *l, int64_t replayed, int64_t refused,
                                   struct gf_err *e);
struct ledger_tally {
    int64_t taken, replayed, refused; /* bundles, ever */
    int64_t responses;                /* not acknowledged */
    int64_t agents;                   /* enrolled */
};
GF_MUST_CHECK int ledger_tally(struct ledger *l, struct ledger_tally *out, struct gf_err *e);

/* Records on their way (received, sending, later), by the endpoint that was tried last; "" for
 * those that were never tried. free(). */
struct ledger_waiting {
    char endpoint[80]; /* its first bytes, where it is longer */
    int64_t records;
    int64_t oldest; /* when the first of them came */
    int64_t due;    /* when the first of them may be tried; 0: now */
};
GF_MUST_CHECK int ledger_waiting(struct ledger *l, struct ledger_waiting **out, size_t *n,
                                 struct gf_err *e);

/* ---- loss (ledger_loss.c): what senders' own policy has dropped, as they say ---- */

/* Note one entry of a bundle's `lost`, in the transaction that takes it. 1 new, or more than was
 * known of it; 0 known. */
GF_MUST_CHECK int ledger_take_loss(struct ledger *l, const struct gf_id *agent,
                                   const struct gf_lost *x, int64_t now, struct gf_err *e);
/* Sums by agent, channel and policy, the last told first. free(). */
struct ledger_loss {
    struct gf_id agent;
    char channel[GF_WORD_MAX + 1];
    char policy[GF_WORD_MAX + 1];
    int64_t records;
    int64_t first, last; /* `created` of the earliest and the latest of them */
};
GF_MUST_CHECK int ledger_losses(struct ledger *l, struct ledger_loss **out, size_t *n,
                                struct gf_err *e);

#endif
