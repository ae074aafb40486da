/*
 * ledger_internal.h -- what the files of the ledger share.
 */
#ifndef RELAY_LEDGER_INTERNAL_H
#define RELAY_LEDGER_INTERNAL_H

#include "common/db.h"
#include "relay/ledger/ledger.h"
#include "relay/ledger/ledger_operator.h"

/* The bundle whose records are being taken. */
struct ledger_taking {
    struct gf_id agent; /* that sent it */
    int64_t bundle;     /* its row */
    int64_t next;       /* the row of the next record */
};

/* The files of the locks, by enum ledger_purpose. */
extern const char *const ledger_purposes[];

struct ledger {
    struct db db;
    char dir[512]; /* for messages */
    int dir_fd;
    int lock_fd; /* -1: the lock is not held */
    int held[2]; /* of each purpose; -1: not held */
    struct ledger_taking taking;
    int made;       /* 1: by ledger_make(): its first head is still to be written */
    int reconciled; /* 1: the head may be overwritten, whatever it says */
};

extern const char ledger_loss_schema[];     /* a step of the tables: ledger_loss.c */
extern const char ledger_metrics_schema[];  /* ledger_metrics.c */
extern const char ledger_page_schema[];     /* ledger_page.c */
extern const char ledger_tally_schema[];    /* ledger_tally.c */
extern const char ledger_declined_schema[]; /* ledger_agents.c */
extern const char ledger_updates_schema[];  /* ledger_updates.c */
extern const char ledger_usage_schema[];    /* ledger_usage.c */
extern const char ledger_enrol_schema[];    /* ledger_enrol.c */
extern const char ledger_grid_schema[];     /* ledger_grid.c */
extern const char ledger_over_schema[];     /* ledger_over.c */
extern const char ledger_prune_schema[];    /* ledger_prune.c */
extern const char ledger_rotate_schema[];   /* ledger_rotate.c */

/* Cards of strangers that are remembered; the oldest goes when one more comes. Anybody can put
 * cards on a drive. */
#define LEDGER_STRANGERS_MAX 256

/* A fact about the ledger as a whole: 1 and its bytes; 0 if there is none of this name and size,
 * and out is as it was. */
GF_MUST_CHECK int ledger_fact(struct ledger *l, const char *name, void *out, size_t size,
                              struct gf_err *e);
GF_MUST_CHECK int ledger_set_fact(struct ledger *l, const char *name, const void *data, size_t size,
                                  struct gf_err *e);

/* Within a transaction: the records of this bundle, which is noted, are taken next. */
GF_MUST_CHECK int ledger_take_begin(struct ledger *l, const struct gf_hash *digest,
                                    struct gf_err *e);
/* Within a transaction: this card, which is known, is enrolled from now on; GF_E_SENDER if its
 * lineage forbids it. grantor: the user, vendor, token or predecessor. how: enum ledger_how. */
GF_MUST_CHECK int ledger_enrol(struct ledger *l, const struct gf_card *c, unsigned how,
                               const char *grantor, int64_t now, struct gf_err *e);
/* Within a transaction: nothing is enrolled of this lineage any more; it was revoked `at`. */
GF_MUST_CHECK int ledger_end_lineage(struct ledger *l, const struct gf_id *agent,
                                     const char *reason, int64_t at, struct gf_err *e);

/*
 * Lineages that were revoked, also where the database was put back from a backup
 * (ledger_revoked.c):
 *
 *   DIR/revoked   a line for each of their identities: identity and agent id in hex, fingerprint,
 *                 when it was revoked
 */
/* 1 and when it was, if it has this identity, agent id or fingerprint, as text; 0. */
GF_MUST_CHECK int ledger_revoked_find(const struct ledger *l, const char *what, int64_t *at,
                                      struct gf_err *e);
/* Add what the ledger says to the file, durably; within the transaction that revokes, so that no
 * revocation is in the ledger alone. */
GF_MUST_CHECK int ledger_revoked_save(struct ledger *l, struct gf_err *e);
/* Within a transaction: what the file has and the ledger has not is revoked again; how many
 * lineages. Approvals of theirs ahead of the first contact go. */
GF_MUST_CHECK int ledger_revoked_put_back(struct ledger *l, int64_t *n, struct gf_err *e);
/* Why what it sends is refused; reason "": none is known. */
void ledger_revoked_say(int64_t since, const char *reason, struct gf_err *why);

/* Within a transaction: the token that this card's MAC was made with is used: 1, and its name or
 * number in `by`; 0 and *why why it is not; -1. */
GF_MUST_CHECK int ledger_token_use(struct ledger *l, const struct gf_card *c, int64_t now,
                                   char by[GF_WORD_MAX + 1], struct gf_err *why, struct gf_err *e);

/* Within a transaction: no token that was given out can be used any more; how many could. */
GF_MUST_CHECK int ledger_token_withdraw_all(struct ledger *l, int64_t now, int64_t *n,
                                            struct gf_err *e);

/* Within a transaction: keep the answer of a record, in the place of one that was kept before: 1,
 * or 0 if the record wants none. The body is at most LEDGER_ANSWER_INSIDE bytes. */
GF_MUST_CHECK int ledger_answer_keep(struct ledger *l, int64_t row, const struct ledger_answer *a,
                                     struct gf_err *e);

/* Bytes of an answer's body up to which it stands in the database; a longer one is a file. */
#define LEDGER_ANSWER_INSIDE (1 << 20)

/* Responses that their agent says it has. */
#define LEDGER_HAS_IT "(SELECT row FROM response WHERE acknowledged IS NOT NULL)"

/* The condition of a struct ledger_filter, its arguments from the first one on. */
#define LEDGER_MATCH                                                                               \
    "state BETWEEN ?1 AND ?2 AND channel = ifnull(?3, channel) AND "                               \
    "(?4 IS NULL OR endpoint = ?4) AND agent = ifnull(?5, agent) AND id = ifnull(?6, id) AND "     \
    "since >= ?7 AND row > ?8 "
#define LEDGER_MATCH_TYPES "iittbbii"
#define LEDGER_MATCH_ARGS(f)                                                                       \
    (int64_t)(f)->first, (int64_t)(f)->last, (f)->channel, (f)->endpoint, (f)->agent,              \
        sizeof *(f)->agent, (f)->record, sizeof *(f)->record, (f)->since, (f)->after

/* Within a transaction: the next response to this recipient begins a new stream. */
GF_MUST_CHECK int ledger_new_stream(struct ledger *l, const struct gf_hash *recipient,
                                    struct gf_err *e);
/* Within a transaction: what was told to this recipient (NULL: to all) and is not acknowledged, or
 * was written since, is news again. */
GF_MUST_CHECK int ledger_tell_anew(struct ledger *l, const struct gf_hash *recipient, int64_t since,
                                   int64_t now, struct gf_err *e);

/* The hash that a query selects, in its only column: 1, 0 there is no row, -1; GF_E_DAMAGED, as
 * `damage`, if it is none. `opened` is what db_query() has returned; db_done() is called here. */
GF_MUST_CHECK int ledger_hash(struct db_query *q, int opened, const char *damage,
                              struct gf_hash *out, struct gf_err *e);

/* Append `,"NAME":"VALUE"`, without the comma where b is empty; nothing where value is NULL. */
void ledger_audit_put(struct gf_buf *b, const char *name, const char *value);
/* ledger_audit() of members that are all texts: names and values by turns, up to a NULL name. */
GF_MUST_CHECK int ledger_audit_texts(struct ledger *l, int64_t now, const char *event,
                                     const char *const *members, struct gf_err *e);

/* A reason as a receipt can carry it: UTF-8, 1 to GF_REASON_MAX bytes, whatever came in. */
void ledger_reason(const char *reason, char out[GF_REASON_MAX + 1]);

#endif
