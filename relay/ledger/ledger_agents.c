/*
 * ledger_agents.c -- senders: fingerprints that were approved, cards that were seen, and who is
 * enrolled because both met.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "relay/ledger/ledger_enrol.h"
#include "relay/ledger/ledger_internal.h"

/* The one spelling of a fingerprint that a person typed. */
static int spell(const char *typed, char out[GF_FINGERPRINT_TEXT], struct gf_err *e) {
    if (gf_card_fingerprint_spell(typed, out) == 0)
        return 0;
    return gf_err_set(e, GF_E_USAGE,
                      "%.64s: not a fingerprint; it has five groups of four, such as "
                      "ABCD-EFGH-IJKL-MNOP-QRST",
                      typed);
}

int ledger_is_approved(struct ledger *l, const struct gf_card *c, struct gf_err *e) {
    char fingerprint[GF_FINGERPRINT_TEXT];
    int64_t n = 0;

    gf_card_fingerprint(c, fingerprint);
    if (db_number(&l->db, &n, 0, e, "SELECT count(*) FROM approval WHERE fingerprint = ?", "t",
                  fingerprint) == -1)
        return -1;
    return n > 0;
}

/* The card of this fingerprint, if it was seen and is not enrolled: 1; GF_E_SENDER if it can never
 * be. */
static int find_waiting(struct ledger *l, const char *fingerprint, struct gf_card *out,
                        struct gf_err *e) {
    struct db_query q;
    struct gf_err why;
    size_t len = 0;

    int rc =
        db_query(&l->db, &q, e, "SELECT card FROM agent WHERE fingerprint = ? AND enrolled IS NULL",
                 "t", fingerprint);
    if (rc == 0 && (rc = db_next(&q, e)) == 1) {
        const char *text = db_blob(&q, 0, &len);
        if (gf_card_parse(text, len, "a card in the ledger", out, e) == -1)
            rc = -1;
    }
    db_done(&q);
    if (rc != 1)
        return rc;
    rc = ledger_is_ended(l, &out->identity, &why, e);
    if (rc == LEDGER_ENDED || rc == LEDGER_SUCCEEDED)
        *e = why;
    return rc == LEDGER_GOES_ON ? 1 : -1;
}

int ledger_approve(struct ledger *l, const char *fingerprint, const char *user, int64_t now,
                   struct gf_err *e) {
    char spelled[GF_FINGERPRINT_TEXT];
    struct gf_card card;
    int64_t revoked = 0;

    if (spell(fingerprint, spelled, e) == -1 || db_begin(&l->db, e) == -1)
        return -1;
    int rc = db_run(&l->db, e,
                    "INSERT INTO approval (fingerprint, user, at) VALUES (?, ?, ?) "
                    "ON CONFLICT DO NOTHING",
                    "tti", spelled, user, now);
    if (rc == 0)
        rc = ledger_audit_texts(l, now, "approve",
                                (const char *[]){"fingerprint", spelled, "user", user, NULL}, e);
    if (rc == 0)
        rc = find_waiting(l, spelled, &card, e);
    if (rc == 1)
        rc = ledger_enrol(l, &card, LEDGER_BY_FINGERPRINT, user, now, e);
    else if (rc == 0 && (rc = ledger_revoked_find(l, spelled, &revoked, e)) == 1) {
        ledger_revoked_say(revoked, "", e);
        rc = -1;
    }
    return db_end(&l->db, rc, e);
}

int ledger_unapprove(struct ledger *l, const char *fingerprint, const char *user, int64_t now,
                     struct gf_err *e) {
    char spelled[GF_FINGERPRINT_TEXT];
    int64_t enrolled = 0;
    int was = 0;

    if (spell(fingerprint, spelled, e) == -1 || db_begin(&l->db, e) == -1)
        return -1;
    int rc = db_number(&l->db, &enrolled, 0, e,
                       "SELECT count(*) FROM agent WHERE fingerprint = ? AND enrolled IS NOT NULL",
                       "t", spelled);
    if (rc == 0 && enrolled > 0)
        rc = gf_err_set(e, GF_E_USAGE,
                        "%s: this agent is enrolled already; only an approval ahead of the first "
                        "contact can be withdrawn",
                        spelled);
    if (rc == 0)
        rc = db_run(&l->db, e, "DELETE FROM approval WHERE fingerprint = ?", "t", spelled);
    was = rc == 0 && db_changes(&l->db) > 0;
    if (was)
        rc = ledger_audit_texts(l, now, "approve-withdraw",
                                (const char *[]){"fingerprint", spelled, "user", user, NULL}, e);
    return db_end(&l->db, rc, e) == -1 ? -1 : was;
}

/* ---- who is not let in ---- */

const char ledger_declined_schema[] =
    "CREATE TABLE declined (identity BLOB PRIMARY KEY, user TEXT NOT NULL, at INTEGER NOT NULL)"
    " STRICT;";

int ledger_stranger(struct ledger *l, const char *fingerprint, struct gf_hash *out,
                    struct gf_err *e) {
    char spelled[GF_FINGERPRINT_TEXT];
    struct db_query q;

    if (spell(fingerprint, spelled, e) == -1)
        return -1;
    return ledger_hash(&q,
                       db_query(&l->db, &q, e,
                                "SELECT identity FROM agent WHERE fingerprint = ? AND enrolled IS "
                                "NULL AND ended IS NULL",
                                "t", spelled),
                       "an agent without identity", out, e);
}

int ledger_decline(struct ledger *l, const struct gf_hash *identity, const char *user, int64_t now,
                   struct gf_err *e) {
    char hex[GF_HASH_TEXT];
    int64_t enrolled = 0;

    if (db_begin(&l->db, e) == -1)
        return -1;
    gf_text_hex(identity->b, sizeof identity->b, hex);
    int rc = db_number(&l->db, &enrolled, 0, e,
                       "SELECT count(*) FROM agent WHERE identity = ? AND (enrolled IS NOT NULL OR "
                       "ended IS NOT NULL)",
                       "b", identity, sizeof *identity);
    if (rc == 0 && enrolled > 0)
        rc = gf_err_set(e, GF_E_USAGE, "%s: this agent is enrolled; it is no unknown sender", hex);
    if (rc == 0)
        rc = db_run(&l->db, e,
                    "INSERT INTO declined (identity, user, at) VALUES (?, ?, ?) "
                    "ON CONFLICT DO NOTHING",
                    "bti", identity, sizeof *identity, user, now);
    if (rc == 0)
        rc = ledger_audit_texts(l, now, "decline",
                                (const char *[]){"identity", hex, "user", user, NULL}, e);
    return db_end(&l->db, rc, e);
}

int ledger_is_declined(struct ledger *l, const struct gf_hash *identity, struct gf_err *e) {
    int64_t n = 0;

    if (db_number(&l->db, &n, 0, e, "SELECT count(*) FROM declined WHERE identity = ?", "b",
                  identity, sizeof *identity) == -1)
        return -1;
    return n > 0;
}

static int read_approval(const struct db_query *q, void *element, struct gf_err *e) {
    struct ledger_approval *a = element;
    (void)e;

    (void)snprintf(a->fingerprint, sizeof a->fingerprint, "%s", db_text(q, 0));
    a->at = db_int(q, 1);
    return 0;
}

int ledger_approvals(struct ledger *l, struct ledger_approval **out, size_t *n, struct gf_err *e) {
    struct db_query q;

    return db_list(
        &q,
        db_query(&l->db, &q, e,
                 "SELECT fingerprint, at FROM approval WHERE fingerprint NOT IN"
                 " (SELECT fingerprint FROM agent WHERE enrolled IS NOT NULL) ORDER BY at",
                 ""),
        sizeof **out, read_approval, out, n, e);
}

/* ---- lists ---- */

static int read_card(const struct db_query *q, void *element, struct gf_err *e) {
    size_t len = 0;
    const char *text = db_blob(q, 0, &len);

    return gf_card_parse(text, len, "a card in the ledger", element, e);
}

static int list(struct ledger *l, const char *sql, struct gf_card **out, size_t *n,
                struct gf_err *e) {
    struct db_query q;

    return db_list(&q, db_query(&l->db, &q, e, sql, ""), sizeof **out, read_card, out, n, e);
}

#define CLAIMS                                                                                     \
    "EXISTS (SELECT 1 FROM agent AS o WHERE o.agent = a.agent AND o.identity <> a.identity AND "   \
    "o.enrolled IS NOT NULL)"

int ledger_agents(struct ledger *l, struct gf_card **out, size_t *n, struct gf_err *e) {
    return list(l, "SELECT card FROM agent WHERE enrolled IS NOT NULL ORDER BY row", out, n, e);
}

int ledger_has_agent(struct ledger *l, const struct gf_id *agent, struct gf_err *e) {
    int64_t n = 0;

    if (db_number(&l->db, &n, 0, e,
                  "SELECT EXISTS (SELECT 1 FROM agent WHERE agent = ? AND enrolled IS NOT NULL)",
                  "b", agent, sizeof *agent) == -1)
        return -1;
    return n > 0;
}

int ledger_strangers(struct ledger *l, struct gf_card **out, size_t *n, struct gf_err *e) {
    return list(
        l,
        "SELECT card FROM agent AS a WHERE enrolled IS NULL AND ended IS NULL AND NOT " CLAIMS
        " AND identity NOT IN (SELECT identity FROM declined) ORDER BY row",
        out, n, e);
}

int ledger_claims(struct ledger *l, struct gf_card **out, size_t *n, struct gf_err *e) {
    return list(l,
                "SELECT card FROM agent AS a WHERE enrolled IS NULL AND ended IS NULL AND " CLAIMS
                " ORDER BY row",
                out, n, e);
}

int ledger_ended(struct ledger *l, struct gf_card **out, size_t *n, struct gf_err *e) {
    return list(l, "SELECT card FROM agent WHERE ended IS NOT NULL ORDER BY row", out, n, e);
}

int ledger_card(struct ledger *l, const struct gf_hash *identity, int ended, struct gf_card *out,
                struct gf_err *e) {
    struct gf_card card;
    struct db_query q;

    int rc = db_query(&l->db, &q, e,
                      "SELECT card FROM agent WHERE identity = ? AND (enrolled IS NOT NULL OR "
                      "(? AND ended IS NOT NULL))",
                      "bi", identity, sizeof *identity, (int64_t)ended);
    if (rc == 0 && (rc = db_next(&q, e)) == 1 && read_card(&q, &card, e) == -1)
        rc = -1;
    db_done(&q);
    if (rc == 1)
        *out = card;
    return rc;
}

static int read_agent(const struct db_query *q, void *element, struct gf_err *e) {
    struct ledger_sender *a = element;

    if (db_fixed(q, 0, &a->identity, sizeof a->identity) == -1 ||
        db_fixed(q, 1, &a->agent, sizeof a->agent) == -1)
        return gf_err_set(e, GF_E_DAMAGED, "%s: an agent has no identity", q->d->path);
    return 0;
}

int ledger_senders(struct ledger *l, struct ledger_sender **out, size_t *n, struct gf_err *e) {
    struct db_query q;

    return db_list(&q,
                   db_query(&l->db, &q, e,
                            "SELECT identity, agent FROM agent WHERE enrolled IS NOT NULL "
                            "ORDER BY row",
                            ""),
                   sizeof **out, read_agent, out, n, e);
}
