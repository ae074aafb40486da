/*
 * store_relays.c -- standings of relays' cards, and their successions.
 */
#include "agent/store/store_relays.h"

#include <string.h>

#include "agent/store/store_internal.h"

const char *const store_standings[] = {"trusted", "replaced", "forked", "ended", NULL};

/*
 * card.place     the n of the card whose place this one has; NULL: its own
 * card.standing  enum store_standing; card.stands: since when, NULL: since it was trusted
 * card.heir      who has its place; NULL: itself
 * card.greet     1: it does not know that we know it
 */
const char store_schema_relays[] =
    "ALTER TABLE card ADD COLUMN place INTEGER;"
    "ALTER TABLE card ADD COLUMN standing INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE card ADD COLUMN stands INTEGER;"
    "ALTER TABLE card ADD COLUMN heir BLOB;"
    "ALTER TABLE card ADD COLUMN greet INTEGER NOT NULL DEFAULT 0;"
    "CREATE TABLE heard (n INTEGER PRIMARY KEY AUTOINCREMENT, identity BLOB NOT NULL UNIQUE,"
    " text BLOB NOT NULL) STRICT;";

static int read_relay(const struct db_query *q, void *element, struct gf_err *e) {
    struct store_relay *r = element;
    size_t len = 0;

    const char *text = db_blob(q, 0, &len);
    if (gf_card_parse(text, len, "a card of a relay", &r->card, e) == -1)
        return -1;
    r->standing = (enum store_standing)db_int(q, 1);
    r->since = db_int(q, 2);
    r->heir = r->card.identity;
    return db_is_null(q, 3) ? 0 : STORE_FIXED(q, 3, &r->heir, "card", e);
}

int store_relays(struct store *s, struct store_relay **out, size_t *n, struct gf_err *e) {
    struct db_query q;

    return db_list(&q,
                   db_query(&s->db, &q, e,
                            "SELECT text, standing, ifnull(stands, since), heir FROM card WHERE "
                            "role = ? ORDER BY ifnull(place, n), n",
                            "i", (int64_t)GF_ROLE_RELAY),
                   sizeof **out, read_relay, out, n, e);
}

/* ---- one takes another's place ---- */

static int rename_all(struct store *s, const struct gf_hash *from, const struct gf_hash *to,
                      struct gf_err *e) {
    static const char *const tables[] = {
        "UPDATE bundle SET relay = ?2 WHERE relay = ?1",
        "UPDATE taken SET relay = ?2 WHERE relay = ?1",
        "UPDATE applied SET relay = ?2 WHERE relay = ?1",
        "UPDATE destination SET relay = ?2 WHERE relay = ?1",
        "UPDATE policy SET relay = ?2 WHERE relay = ?1",
        "UPDATE update_manifest SET relay = ?2 WHERE relay = ?1",
        "UPDATE card SET heir = ?2 WHERE heir = ?1 OR identity = ?1",
    };
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < sizeof tables / sizeof *tables; i++)
        rc = db_run(&s->db, e, tables[i], "bb", STORE_BYTES(from), STORE_BYTES(to));
    return rc;
}

static int insert(struct store *s, const struct store_newcomer *x, enum store_standing standing,
                  int64_t now, struct gf_err *e) {
    return db_run(&s->db, e,
                  "INSERT INTO card (identity, role, text, user, since, standing) VALUES (?, ?, ?, "
                  "?, ?, ?)",
                  "bibtii", STORE_BYTES(&x->card->identity), (int64_t)x->card->role,
                  (const void *)x->text, x->len, x->user, now, (int64_t)standing);
}

static int stand(struct store *s, const struct gf_hash *relay, enum store_standing standing,
                 int64_t now, struct gf_err *e) {
    return db_run(&s->db, e,
                  "UPDATE card SET standing = ?1, stands = ?2 WHERE identity = ?3 AND standing <> "
                  "?1",
                  "iib", (int64_t)standing, now, STORE_BYTES(relay));
}

static int take_place(struct store *s, const struct gf_hash *of, const struct gf_hash *relay,
                      struct gf_err *e) {
    return db_run(&s->db, e,
                  "UPDATE card SET place = (SELECT ifnull(place, n) FROM card WHERE identity = ?1) "
                  "WHERE identity = ?2",
                  "bb", STORE_BYTES(of), STORE_BYTES(relay));
}

int store_succeed(struct store *s, const struct gf_hash *before, const struct store_newcomer *x,
                  int64_t now, struct gf_err *e) {
    const struct gf_hash *next = &x->card->identity;

    if (db_begin(&s->db, e) == -1)
        return -1;
    int rc = insert(s, x, STORE_TRUSTED, now, e);
    if (rc == 0)
        rc = take_place(s, before, next, e);
    if (rc == 0)
        rc = stand(s, before, STORE_REPLACED, now, e);
    if (rc == 0)
        rc = rename_all(s, before, next, e);
    if (rc == 0)
        rc = store_greet(s, next, e);
    return db_end(&s->db, rc, e);
}

int store_fork(struct store *s, const struct gf_hash *heir, const struct store_newcomer *x,
               int64_t now, struct gf_err *e) {
    if (db_begin(&s->db, e) == -1)
        return -1;
    int rc = insert(s, x, STORE_FORKED, now, e);
    if (rc == 0)
        rc = stand(s, heir, STORE_FORKED, now, e);
    if (rc == 0)
        rc = db_run(&s->db, e, "UPDATE card SET heir = ? WHERE identity = ?", "bb",
                    STORE_BYTES(heir), STORE_BYTES(&x->card->identity));
    return db_end(&s->db, rc, e);
}

/* The one whose place is disputed; it is its own heir. */
static int find_heir(struct store *s, const struct gf_hash *of, struct gf_hash *out,
                     struct gf_err *e) {
    struct db_query q;

    int rc = db_query(&s->db, &q, e, "SELECT ifnull(heir, identity) FROM card WHERE identity = ?",
                      "b", STORE_BYTES(of));
    if (rc == 0 && (rc = db_next(&q, e)) == 1)
        rc = STORE_FIXED(&q, 0, out, "card", e) == -1 ? -1 : 1;
    db_done(&q);
    return rc;
}

static int choose(struct store *s, const struct gf_hash *chosen, int64_t now, struct gf_err *e) {
    struct gf_hash had;

    int known = find_heir(s, chosen, &had, e);
    if (known != 1)
        return known;
    if (memcmp(had.b, chosen->b, sizeof had.b) != 0 &&
        (take_place(s, &had, chosen, e) == -1 || rename_all(s, &had, chosen, e) == -1))
        return -1;
    if (db_run(&s->db, e,
               "UPDATE card SET standing = ?, stands = ? WHERE heir = ? AND standing = ?", "iibi",
               (int64_t)STORE_REPLACED, now, STORE_BYTES(chosen), (int64_t)STORE_FORKED) == -1 ||
        db_run(&s->db, e, "UPDATE card SET heir = NULL WHERE identity = ?", "b",
               STORE_BYTES(chosen)) == -1)
        return -1;
    return stand(s, chosen, STORE_TRUSTED, now, e) == -1 ? -1 : store_greet(s, chosen, e);
}

int store_choose(struct store *s, const struct gf_hash *chosen, int64_t now, struct gf_err *e) {
    if (db_begin(&s->db, e) == -1)
        return -1;
    return db_end(&s->db, choose(s, chosen, now, e), e);
}

int store_stand(struct store *s, const struct gf_hash *relay, enum store_standing standing,
                int64_t now, struct gf_err *e) {
    return stand(s, relay, standing, now, e) == -1 ? -1 : db_changes(&s->db) > 0;
}

int store_greet(struct store *s, const struct gf_hash *relay, struct gf_err *e) {
    return db_run(&s->db, e,
                  "UPDATE card SET greet = 1 WHERE identity = (SELECT ifnull(heir, identity) FROM "
                  "card WHERE identity = ?)",
                  "b", STORE_BYTES(relay));
}

/* ---- what responses have brought ---- */

int store_hear(struct store *s, const struct gf_card *c, const char *text, size_t len,
               struct gf_err *e) {
    if (db_run(&s->db, e, "INSERT INTO heard (identity, text) VALUES (?, ?) ON CONFLICT DO NOTHING",
               "bb", STORE_BYTES(&c->identity), (const void *)text, len) == -1)
        return -1;
    return db_run(&s->db, e,
                  "DELETE FROM heard WHERE n NOT IN (SELECT n FROM heard ORDER BY n DESC LIMIT ?)",
                  "i", (int64_t)STORE_HEARD_MAX);
}

static int read_heard(const struct db_query *q, void *element, struct gf_err *e) {
    struct store_heard *o = element;

    const char *text = db_blob(q, 0, &o->len);
    if (o->len > sizeof o->text)
        return gf_err_set(e, GF_E_DAMAGED, "%s: a card that is too long", q->d->path);
    memcpy(o->text, text, o->len);
    return gf_card_parse(o->text, o->len, "a card that a relay has told", &o->card, e);
}

int store_heard(struct store *s, struct store_heard **out, size_t *n, struct gf_err *e) {
    struct db_query q;

    return db_list(&q, db_query(&s->db, &q, e, "SELECT text FROM heard ORDER BY n", ""),
                   sizeof **out, read_heard, out, n, e);
}

int store_heard_done(struct store *s, struct gf_err *e) {
    return db_run(&s->db, e, "DELETE FROM heard", "");
}
