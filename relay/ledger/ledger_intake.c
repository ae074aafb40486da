/*
 * ledger_intake.c -- bundles in: each takes effect once. Their records: ledger_take.c.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "relay/ledger/ledger_internal.h"

int ledger_seen(struct ledger *l, const struct gf_header *h, const struct gf_hash *digest,
                enum ledger_seen *out, struct gf_err *e) {
    int64_t same = 0;
    int64_t other = 0;
    int64_t past = 0;

    if (db_number(&l->db, &same, 0, e, "SELECT count(*) FROM bundle WHERE digest = ?", "b", digest,
                  sizeof *digest) == -1 ||
        db_number(&l->db, &other, 0, e,
                  "SELECT count(*) FROM bundle WHERE sender = ? AND stream = ? AND seq = ?", "bbi",
                  &h->from, sizeof h->from, &h->stream, sizeof h->stream, h->seq) == -1 ||
        db_number(&l->db, &past, 0, e,
                  "SELECT max(last) >= ?3 FROM past WHERE sender = ?1 AND stream = ?2 AND first = "
                  "(SELECT max(first) FROM past WHERE sender = ?1 AND stream = ?2 AND first <= ?3)",
                  "bbi", &h->from, sizeof h->from, &h->stream, sizeof h->stream, h->seq) == -1)
        return -1;
    *out = same > 0 || past > 0 ? LEDGER_REPLAY : other > 0 ? LEDGER_FORK : LEDGER_NEW;
    return 0;
}

/* The agent id of an enrolled identity. */
static int find_agent(struct ledger *l, const struct gf_hash *identity, struct gf_id *out,
                      struct gf_err *e) {
    struct db_query q;
    int rc = db_query(&l->db, &q, e,
                      "SELECT agent FROM agent WHERE identity = ? AND enrolled IS NOT NULL", "b",
                      identity, sizeof *identity);

    if (rc == 0)
        rc = db_next(&q, e);
    if (rc == 1)
        rc = db_fixed(&q, 0, out, sizeof *out) == 0
                 ? 0
                 : gf_err_set(e, GF_E_DAMAGED, "%s: an agent without id", l->db.path);
    else if (rc == 0)
        rc = gf_err_set(e, GF_E_SENDER, "the bundle's sender is not enrolled");
    db_done(&q);
    return rc;
}

/* What the audit log says of a bundle. */
static int audit_bundle(struct ledger *l, const char *event, const struct gf_id *agent,
                        const struct gf_header *h, const struct gf_err *why, int64_t now,
                        struct gf_err *e) {
    char who[GF_ID_TEXT], identity[GF_HASH_TEXT], id[GF_ID_TEXT], members[400];

    gf_text_hex(agent->b, sizeof agent->b, who);
    gf_text_hex(h->from.b, sizeof h->from.b, identity);
    gf_text_hex(h->id.b, sizeof h->id.b, id);
    (void)snprintf(members, sizeof members,
                   "\"agent\":\"%s\",\"identity\":\"%s\",\"bundle\":\"%s\",\"seq\":%" PRId64
                   "%s%s%s",
                   who, identity, id, h->seq, why != NULL ? ",\"refused\":\"" : "",
                   why != NULL ? gf_err_name(why->code) : "", why != NULL ? "\"" : "");
    return ledger_audit(l, now, event, members, e);
}

/* The bundle's row, and its line; why NULL: it was taken, and its records are those that come next.
 */
static int add_bundle(struct ledger *l, const struct gf_header *h, const struct gf_hash *digest,
                      const struct gf_err *why, int64_t now, struct gf_err *e) {
    char reason[GF_REASON_MAX + 1];
    struct gf_id agent;

    ledger_reason(why != NULL ? why->text : "", reason);
    if (find_agent(l, &h->from, &agent, e) == -1)
        return -1;
    l->taking = (struct ledger_taking){.agent = agent};
    if (db_run(&l->db, e, "DELETE FROM turned_away WHERE digest = ?", "b", digest,
               sizeof *digest) == -1 ||
        db_run(&l->db, e,
               "INSERT INTO bundle (digest, id, sender, agent, stream, seq, created, taken, "
               "refused, reason, size, bare) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
               "bbbbbiiittii", digest, sizeof *digest, &h->id, sizeof h->id, &h->from,
               sizeof h->from, &agent, sizeof agent, &h->stream, sizeof h->stream, h->seq,
               h->has_created ? h->created : (int64_t)0, now,
               why != NULL ? gf_err_name(why->code) : NULL, why != NULL ? reason : NULL,
               h->payload_size, (int64_t)(h->no_records != 0)) == -1)
        return -1;
    if (audit_bundle(l, "bundle", &agent, h, why, now, e) == -1)
        return -1;
    return why != NULL ? 0 : ledger_take_begin(l, digest, e);
}

int ledger_fork(struct ledger *l, const struct gf_header *h, const struct gf_hash *digest,
                const char *why, int64_t now, struct gf_err *e) {
    char reason[GF_REASON_MAX + 1];
    struct gf_id agent;

    ledger_reason(why, reason);
    if (find_agent(l, &h->from, &agent, e) == -1 || db_begin(&l->db, e) == -1)
        return -1;
    int rc =
        db_run(&l->db, e,
               "INSERT INTO fork (digest, id, agent, reason, at, stream, sender) VALUES (?, ?, ?, "
               "?, ?, ?, ?) ON CONFLICT (digest) DO NOTHING",
               "bbbtibb", digest, sizeof *digest, &h->id, sizeof h->id, &agent, sizeof agent,
               reason, now, &h->stream, sizeof h->stream, &h->from, sizeof h->from);
    if (rc == 0 && db_changes(&l->db) > 0)
        rc = audit_bundle(l, "fork", &agent, h, NULL, now, e);
    return db_end(&l->db, rc, e);
}

int ledger_take_bundle(struct ledger *l, const struct gf_header *h, const struct gf_hash *digest,
                       int64_t now, struct gf_err *e) {
    if (db_begin(&l->db, e) == -1)
        return -1;
    int rc = add_bundle(l, h, digest, NULL, now, e);
    return db_end(&l->db, rc, e);
}

int ledger_take_voids(struct ledger *l, const struct gf_header *h, const struct gf_contents *c,
                      struct gf_err *e) {
    for (size_t i = 0; i < c->nvoids; i++) {
        if (db_run(&l->db, e,
                   "INSERT INTO void (sender, stream, seq) VALUES (?, ?, ?) "
                   "ON CONFLICT DO NOTHING",
                   "bbi", &h->from, sizeof h->from, &h->stream, sizeof h->stream,
                   c->voids[i]) == -1)
            return -1;
    }
    return 0;
}

int ledger_refuse(struct ledger *l, const struct gf_header *h, const struct gf_hash *digest,
                  const struct gf_err *why, int64_t now, struct gf_err *e) {
    if (db_begin(&l->db, e) == -1)
        return -1;
    return db_end(&l->db, add_bundle(l, h, digest, why, now, e), e);
}

int ledger_forgive(struct ledger *l, const struct gf_header *h, const struct gf_hash *digest,
                   const char *user, int64_t now, struct gf_err *e) {
    char id[GF_ID_TEXT];
    int was = 0;

    gf_text_hex(h->id.b, sizeof h->id.b, id);
    if (db_begin(&l->db, e) == -1)
        return -1;
    int rc = db_run(&l->db, e, "DELETE FROM bundle WHERE digest = ? AND refused IS NOT NULL", "b",
                    digest, sizeof *digest);
    was = rc == 0 && db_changes(&l->db) > 0;
    if (was)
        rc = ledger_audit_texts(l, now, "forgive",
                                (const char *[]){"bundle", id, "user", user, NULL}, e);
    rc = db_end(&l->db, rc, e);
    return rc == -1 ? -1 : was;
}

/* What befell a file of quarantine/. */
static int note_file(struct ledger *l, const char *event, const char *const *members, int64_t now,
                     struct gf_err *e) {
    if (db_begin(&l->db, e) == -1)
        return -1;
    return db_end(&l->db, ledger_audit_texts(l, now, event, members, e), e);
}

int ledger_note_refused(struct ledger *l, const char *file, const struct gf_err *why, int64_t now,
                        struct gf_err *e) {
    return note_file(l, "refused",
                     (const char *[]){"file", file, "code", gf_err_name(why->code), NULL}, now, e);
}

int ledger_look_again(struct ledger *l, const char *file, const char *user, int64_t now,
                      struct gf_err *e) {
    return note_file(l, "look-again", (const char *[]){"file", file, "user", user, NULL}, now, e);
}

int ledger_discard(struct ledger *l, const char *file, const char *user, int64_t now,
                   struct gf_err *e) {
    return note_file(l, "discard", (const char *[]){"file", file, "user", user, NULL}, now, e);
}
