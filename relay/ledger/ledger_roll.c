/*
 * ledger_roll.c -- everybody who ever came, and which of their numbers did not.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "relay/ledger/ledger_enrol.h"
#include "relay/ledger/ledger_internal.h"

const char *const ledger_standings[] = {"enrolled", "pending",  "forked",
                                        "revoked",  "replaced", NULL};

/* ---- gaps ---- */

static int add_gap(struct ledger_gap **list, size_t *n, const struct ledger_gap *g,
                   struct gf_err *e) {
    if (db_list_grow(list, *n, sizeof **list, e) == -1)
        return -1;
    (*list)[(*n)++] = *g;
    return 0;
}

/* Numbers that came (some as spans of which no more is known) or are declared void, stream by
 * stream; what lies between two is missing. */
int ledger_gaps(struct ledger *l, const struct gf_hash *identity, struct ledger_gap **out,
                size_t *n, struct gf_err *e) {
    struct ledger_gap *list = NULL, g = {.to = 0};
    struct gf_id at = {{0}};
    struct db_query q;
    int64_t last = 0;
    size_t found = 0;

    int rc = db_query(&l->db, &q, e,
                      "SELECT s.stream, s.first, s.last FROM (SELECT stream, seq AS first, seq AS "
                      "last FROM bundle WHERE sender = ?1 UNION SELECT stream, seq, seq FROM void "
                      "WHERE sender = ?1 UNION SELECT stream, first, last FROM past WHERE sender = "
                      "?1) AS s JOIN (SELECT stream, max(row) AS newest, max(seq) AS top FROM "
                      "bundle WHERE sender = ?1 GROUP BY stream) AS b ON b.stream = s.stream "
                      "WHERE s.first <= b.top ORDER BY b.newest DESC, s.first",
                      "b", identity, sizeof *identity);
    while (rc == 0 && found < LEDGER_GAPS_MAX && (rc = db_next(&q, e)) == 1) {
        if (db_fixed(&q, 0, &g.stream, sizeof g.stream) == -1) {
            rc = gf_err_set(e, GF_E_DAMAGED, "%s: a bundle without stream", l->db.path);
            break;
        }
        if (memcmp(&g.stream, &at, sizeof at) != 0)
            last = 0;
        at = g.stream;
        g.from = last + 1;
        g.to = db_int(&q, 1) - 1;
        if (last < db_int(&q, 2))
            last = db_int(&q, 2);
        rc = g.to >= g.from ? add_gap(&list, &found, &g, e) : 0;
    }
    db_done(&q);
    if (rc == -1) {
        free(list);
        return -1;
    }
    *out = list;
    *n = found;
    return 0;
}

/* ---- the roll ---- */

enum {
    CARD,
    ENROLLED,
    ENDED,
    REVOKED,
    FORKED,
    HOW,
    GRANTOR,
    REASON,
    SEEN,
    REFUSED,
    DECLINED,
    CLAIMS,
    LAST,
    SEQ,
    TAKEN,
    BUNDLES,
    FORKS,
    OPEN_FORKS,
    TWINS,
    OUTDATED
};

/* The newest bundle of a sender says which stream it writes now. A fork is over once a bundle of
 * another stream was taken: the agent was restored, or made anew. */
#define NEWEST                                                                                     \
    "(SELECT b.row FROM bundle AS b WHERE b.sender = a.identity ORDER BY b.row DESC LIMIT 1)"

/* Whoever begins a stream leaves the one before; if that goes on, two write under one key. */
#define LAST_BEGUN                                                                                 \
    "SELECT stream, min(created) AS begun FROM bundle WHERE sender = a.identity AND created > 0 "  \
    "GROUP BY stream ORDER BY begun DESC LIMIT 1"

/* How many bundles only the numbers are remembered of. */
#define PAST "ifnull(sum(last - first + 1), 0) FROM past WHERE sender = a.identity"

static const char query[] =
    "SELECT a.card, ifnull(a.enrolled, 0), ifnull(a.ended, 0), a.ending IS 'revoked', "
    "a.forked IS NOT NULL, ifnull(a.how, ''), ifnull(a.grantor, ''), ifnull(a.reason, ''), a.seen, "
    "a.refused, "
    "ifnull((SELECT at FROM declined WHERE identity = a.identity), 0), "
    "EXISTS (SELECT 1 FROM agent AS o WHERE o.agent = a.agent AND o.identity <> a.identity AND "
    "o.enrolled IS NOT NULL), "
    "ifnull(n.taken, 0), "
    "ifnull((SELECT max(seq) FROM bundle WHERE sender = a.identity AND stream = n.stream), 0), "
    "(SELECT count(*) FROM (SELECT seq FROM bundle WHERE sender = a.identity AND stream = n.stream "
    "UNION SELECT seq FROM void WHERE sender = a.identity AND stream = n.stream AND seq < (SELECT "
    "max(seq) FROM bundle WHERE sender = a.identity AND stream = n.stream) AND NOT EXISTS (SELECT "
    "1 "
    "FROM past WHERE sender = a.identity AND stream = n.stream AND void.seq BETWEEN first AND "
    "last))) + (SELECT " PAST " AND stream = n.stream), "
    "(SELECT count(*) FROM bundle WHERE sender = a.identity) + (SELECT " PAST "), "
    "(SELECT count(*) FROM fork WHERE sender = a.identity), "
    "(SELECT count(*) FROM fork AS f WHERE f.sender = a.identity AND NOT EXISTS (SELECT 1 FROM "
    "bundle AS b WHERE b.sender = a.identity AND b.stream <> f.stream AND b.taken >= f.at)), "
    "EXISTS (SELECT 1 FROM (" LAST_BEGUN ") AS s JOIN bundle AS b ON b.sender = a.identity AND "
    "b.stream <> s.stream AND b.created > s.begun), "
    "ifnull((SELECT max(n) FROM rotation) - a.knows, 0) "
    "FROM agent AS a LEFT JOIN bundle AS n ON n.row = " NEWEST " ORDER BY a.row";

static int read_row(const struct db_query *q, void *element, struct gf_err *e) {
    struct ledger_agent *a = element;
    size_t len = 0;

    const char *text = db_blob(q, CARD, &len);
    if (gf_card_parse(text, len, "a card in the ledger", &a->card, e) == -1)
        return -1;
    a->enrolled = db_int(q, ENROLLED);
    a->ended = db_int(q, ENDED);
    a->declined = db_int(q, DECLINED);
    a->claims = a->enrolled == 0 && a->ended == 0 && db_int(q, CLAIMS);
    a->seen = db_int(q, SEEN);
    a->refused = db_int(q, REFUSED);
    a->last = db_int(q, LAST);
    a->seq = db_int(q, SEQ);
    a->missing = a->seq - db_int(q, TAKEN);
    a->bundles = db_int(q, BUNDLES);
    a->forks = db_int(q, FORKS);
    a->outdated = a->enrolled > 0 ? db_int(q, OUTDATED) : 0;
    (void)snprintf(a->how, sizeof a->how, "%s", db_text(q, HOW));
    (void)snprintf(a->by, sizeof a->by, "%s", db_text(q, GRANTOR));
    (void)snprintf(a->reason, sizeof a->reason, "%s", db_text(q, REASON));
    if (a->ended > 0)
        a->standing = db_int(q, REVOKED) ? LEDGER_REVOKED : LEDGER_REPLACED;
    else if (db_int(q, FORKED) ||
             (a->enrolled > 0 && (db_int(q, OPEN_FORKS) > 0 || db_int(q, TWINS))))
        a->standing = LEDGER_FORKED;
    else
        a->standing = a->enrolled > 0 ? LEDGER_ENROLLED : LEDGER_PENDING;
    return 0;
}

int ledger_roll(struct ledger *l, struct ledger_agent **out, size_t *n, struct gf_err *e) {
    struct db_query q;

    return db_list(&q, db_query(&l->db, &q, e, query, ""), sizeof **out, read_row, out, n, e);
}
