/*
 * ledger_rotate.c -- new keys of the relay, and who has heard of them.
 */
#include "relay/ledger/ledger_rotate.h"

#include <string.h>

#include "relay/ledger/ledger_internal.h"

/*
 * rotation     each identity but the first, with its card and the one that it replaced
 * agent.knows  the newest rotation that a lineage has shown to know, 0: the first identity, NULL:
 *              it never sent anything
 *
 * A card is told as a notice; in notice_told a rotation has its number with a minus sign.
 */
const char ledger_rotate_schema[] =
    "CREATE TABLE rotation (n INTEGER PRIMARY KEY AUTOINCREMENT, identity BLOB NOT NULL UNIQUE,"
    " replaces BLOB NOT NULL, card BLOB NOT NULL, at INTEGER NOT NULL) STRICT;"
    "ALTER TABLE agent ADD COLUMN knows INTEGER;";

int ledger_identity(struct ledger *l, struct gf_hash *out, struct gf_err *e) {
    struct db_query q;

    return ledger_hash(&q,
                       db_query(&l->db, &q, e, "SELECT data FROM fact WHERE name = 'identity'", ""),
                       "does not say whose it is", out, e);
}

/* ---- a new identity ---- */

static int audit_rotated(struct ledger *l, const struct gf_card *c, const char *user, int64_t now,
                         struct gf_err *e) {
    char fingerprint[GF_FINGERPRINT_TEXT], replaces[GF_HASH_TEXT];

    gf_card_fingerprint(c, fingerprint);
    gf_text_hex(c->replaces.b, sizeof c->replaces.b, replaces);
    return ledger_audit_texts(
        l, now, "rotated",
        (const char *[]){"fingerprint", fingerprint, "replaces", replaces, "user", user, NULL}, e);
}

int ledger_rotated(struct ledger *l, const struct gf_identity *next, const char *user, int64_t now,
                   struct gf_err *e) {
    const struct gf_card *c = &next->card;

    if (db_begin(&l->db, e) == -1)
        return -1;
    int rc = db_run(&l->db, e,
                    "INSERT INTO rotation (identity, replaces, card, at) VALUES (?, ?, ?, ?) ON "
                    "CONFLICT DO NOTHING",
                    "bbbi", &c->identity, sizeof c->identity, &c->replaces, sizeof c->replaces,
                    next->card_text, next->card_len, now);
    if (rc == 0 && db_changes(&l->db) > 0)
        rc = audit_rotated(l, c, user, now, e);
    if (rc == 0)
        rc = ledger_set_fact(l, "identity", c->identity.b, sizeof c->identity.b, e);
    return db_end(&l->db, rc, e);
}

/* ---- who knows it ---- */

/* 1 if it is the first bundle of its stream, which is in the ledger already. */
static int is_new_stream(struct ledger *l, const struct gf_header *h, struct gf_err *e) {
    int64_t n = 0;

    if (db_number(&l->db, &n, 0, e, "SELECT count(*) FROM bundle WHERE sender = ? AND stream = ?",
                  "bb", &h->from, sizeof h->from, &h->stream, sizeof h->stream) == -1)
        return -1;
    return n == 1;
}

/* From now on another identity of ours signs: what the agent has not got may be signed by one that
 * it does not take any more. */
static int change_signer(struct ledger *l, const struct gf_header *h, const struct gf_id *agent,
                         int64_t knows, int64_t now, struct gf_err *e) {
    if (ledger_tell_anew(l, &h->from, INT64_MAX, now, e) == -1 ||
        ledger_new_stream(l, &h->from, e) == -1)
        return -1;
    return db_run(&l->db, e, "DELETE FROM notice_told WHERE agent = ? AND notice < -?", "bi", agent,
                  sizeof *agent, knows);
}

int ledger_addressed(struct ledger *l, const struct gf_header *h, const struct gf_id *agent,
                     int64_t now, struct gf_err *e) {
    int64_t knows = 0, knew = -1;

    if (db_number(&l->db, &knows, 0, e, "SELECT n FROM rotation WHERE identity = ?", "b", &h->to,
                  sizeof h->to) == -1 ||
        db_number(&l->db, &knew, -1, e, "SELECT ifnull(max(knows), -1) FROM agent WHERE agent = ?",
                  "b", agent, sizeof *agent) == -1)
        return -1;
    int changes = knows > knew;
    if (knows < knew)
        changes = is_new_stream(l, h, e);
    if (changes != 1)
        return changes;
    if (knew >= 0 && change_signer(l, h, agent, knows, now, e) == -1)
        return -1;
    return db_run(&l->db, e, "UPDATE agent SET knows = ? WHERE agent = ?", "ib", knows, agent,
                  sizeof *agent);
}

int ledger_known_as(struct ledger *l, const struct gf_id *agent, struct gf_hash *out,
                    struct gf_err *e) {
    struct db_query q;

    return ledger_hash(
        &q,
        db_query(&l->db, &q, e,
                 "SELECT identity FROM rotation WHERE n = (SELECT max(knows) FROM agent WHERE "
                 "agent = ?1) UNION ALL SELECT replaces FROM (SELECT replaces FROM rotation "
                 "ORDER BY n LIMIT 1) WHERE (SELECT max(knows) FROM agent WHERE agent = ?1) = 0",
                 "b", agent, sizeof *agent),
        "a rotation without identity", out, e);
}

int ledger_new_cards(struct ledger *l, const struct gf_id *agent, ledger_each_notice *fn, void *arg,
                     struct gf_err *e) {
    struct gf_buf text;
    struct db_query q;
    size_t len = 0;

    gf_buf_init(&text, GF_CARD_FILE_MAX + 1);
    int rc = db_query(&l->db, &q, e,
                      "SELECT card, at, n FROM rotation WHERE n > (SELECT max(knows) FROM agent "
                      "WHERE agent = ?1) AND NOT EXISTS (SELECT 1 FROM notice_told WHERE notice = "
                      "-rotation.n AND agent = ?1) ORDER BY n",
                      "b", agent, sizeof *agent);
    while (rc == 0 && (rc = db_next(&q, e)) == 1) {
        const char *card = db_blob(&q, 0, &len);
        gf_buf_clear(&text);
        gf_buf_add(&text, card, len);
        gf_buf_byte(&text, '\0');
        rc = gf_buf_check(&text, "a card in the ledger", e);
        if (rc == 0)
            rc = fn(arg, -db_int(&q, 2),
                    &(struct gf_notice){
                        .type = LEDGER_NEW_CARD, .at = db_int(&q, 1), .data = text.data},
                    e);
    }
    db_done(&q);
    gf_buf_free(&text);
    return rc == -1 ? -1 : 0;
}

int ledger_outdated(struct ledger *l, int64_t rotations, int64_t *n, struct gf_err *e) {
    return db_number(&l->db, n, 0, e,
                     "SELECT count(DISTINCT agent) FROM agent WHERE enrolled IS NOT NULL AND knows "
                     "<= (SELECT max(n) FROM rotation) - ?",
                     "i", rotations);
}
